"""A gRPC server that passes every call on to a real Milvus, unless a test has it do something else on the way."""

import contextlib
import time
from concurrent import futures

import grpc


class Middleman(grpc.GenericRpcHandler):
    """Set `rule(method, metadata, forward, context)`, which returns the reply; `forward()` asks the real server."""

    def __init__(self, target):
        self._upstream = grpc.insecure_channel(target)
        self.rule = lambda method, metadata, forward, context: forward()
        self.calls = []  # (method, start, end)

    def service(self, details):
        method = details.method.rpartition("/")[2]
        metadata = {key: value for key, value in details.invocation_metadata if key in ("authorization", "dbname")}

        def pass_on(request, context):
            def forward():
                return self._upstream.unary_unary(details.method)(request, metadata=tuple(metadata.items()), timeout=20)

            start = time.monotonic()
            try:
                return self.rule(method, metadata, forward, context)
            except grpc.RpcError as exc:
                return context.abort(exc.code(), exc.details())
            finally:
                self.calls.append((method, start, time.monotonic()))

        return grpc.unary_unary_rpc_method_handler(pass_on)

    def waves(self):
        """How many groups of overlapping calls there were: round trips."""
        count, until = 0, 0.0
        for _, start, end in sorted(self.calls, key=lambda call: call[1]):
            count += start > until
            until = max(until, end)
        return count

    def close(self):
        self._upstream.close()


@contextlib.contextmanager
def between(target, port=0):
    """A middleman in front of a server: the middleman and its own address; port 0 is a free one."""
    middleman = Middleman(target)
    server = grpc.server(futures.ThreadPoolExecutor(16))
    server.add_generic_rpc_handlers((middleman,))
    port = server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    try:
        yield middleman, f"127.0.0.1:{port}"
    finally:
        server.stop(0).wait()
        middleman.close()
