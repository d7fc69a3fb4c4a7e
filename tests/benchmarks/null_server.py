"""A gRPC server that answers every call with an empty message. Prints its port."""

from concurrent import futures

import grpc


class Nothing(grpc.GenericRpcHandler):
    """Every method is known and does nothing."""

    def service(self, details):
        """Answer with no bytes: an empty message of any type."""
        return grpc.unary_unary_rpc_method_handler(lambda request, context: b"")


if __name__ == "__main__":
    server = grpc.server(futures.ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((Nothing(),))
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    server.start()
    server.wait_for_termination()
