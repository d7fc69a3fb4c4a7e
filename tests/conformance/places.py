"""Databases, collections and aliases, made and dropped by bare calls: the package has no use for those."""

import grpc

DIMENSION = 4
SECONDS = 60


class Places:
    """Calls as root.

    Args:
        address: an `Address` with a login.
    """

    def __init__(self, address):
        from pymilvus.grpc_gen.milvus_pb2_grpc import MilvusServiceStub  # takes its time

        self._authorization = address.login.header()
        if address.secure:
            self._channel = grpc.secure_channel(address.target, grpc.ssl_channel_credentials())
        else:
            self._channel = grpc.insecure_channel(address.target)
        self._stub = MilvusServiceStub(self._channel)

    def create_database(self, db):
        self._ask("CreateDatabase", db_name=db)

    def drop_database(self, db):
        self._ask("DropDatabase", db_name=db)

    def create_collection(self, db, name):
        self._ask("CreateCollection", db, collection_name=name, schema=schema(name), shards_num=1)

    def drop_collection(self, db, name):
        self._ask("DropCollection", db, collection_name=name)

    def create_alias(self, db, collection, alias):
        self._ask("CreateAlias", db, collection_name=collection, alias=alias)

    def drop_alias(self, db, alias):
        self._ask("DropAlias", db, alias=alias)

    def close(self):
        self._channel.close()

    def _ask(self, method, db="", **fields):
        from pymilvus.grpc_gen import milvus_pb2

        request = getattr(milvus_pb2, f"{method}Request")(**fields, **({"db_name": db} if db else {}))
        metadata = [("authorization", self._authorization.reveal()), *([("dbname", db)] if db else [])]
        try:
            status = getattr(self._stub, method)(request, metadata=metadata, timeout=SECONDS)
        except grpc.RpcError as exc:
            text = f"{method}: {exc.code().name}, {exc.details()}"
            raise AssertionError(text) from None  # gRPC's frames hold credentials, and pytest shows frames
        if status.code or status.error_code:
            raise AssertionError(f"{method}: {status.reason}")


def schema(name):
    """Of a collection with a key and a vector, as bytes."""
    from pymilvus.grpc_gen import common_pb2, schema_pb2

    vector = schema_pb2.FieldSchema(name="vector", data_type=schema_pb2.FloatVector)
    vector.type_params.append(common_pb2.KeyValuePair(key="dim", value=str(DIMENSION)))
    key = schema_pb2.FieldSchema(name="id", is_primary_key=True, data_type=schema_pb2.Int64)
    return schema_pb2.CollectionSchema(name=name, fields=[key, vector]).SerializeToString()
