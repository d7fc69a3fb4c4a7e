"""Messages of all methods: those of milvus_magics.wire, and a few about collections that it has no use for."""

from functools import cache
from importlib import resources

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

from milvus_magics import wire

PACKAGE = "milvus.proto.milvus"
DATABASE = {"db_name": 2}
COLLECTION = {"db_name": 2, "collection_name": 3}
# Method -> numbers of the fields of its request that count here; they are all texts.
MORE = {
    "CreateDatabase": DATABASE, "DropDatabase": DATABASE,
    "CreateCollection": COLLECTION, "DropCollection": COLLECTION,
    "HasCollection": COLLECTION, "DescribeCollection": COLLECTION,
    "CreateAlias": {"db_name": 2, "collection_name": 3, "alias": 4}, "DropAlias": {"db_name": 2, "alias": 3},
    "RenameCollection": {"db_name": 2, "oldName": 3, "newName": 4},
    "GetLoadState": {"collection_name": 2, "db_name": 4},
    **dict.fromkeys(
        ("Query", "Insert", "Delete", "LoadCollection", "ReleaseCollection", "GetCollectionStatistics", "CreateIndex",
         "DropIndex", "DescribeIndex", "HasPartition", "ShowPartitions", "CreatePartition"), COLLECTION,
    ),
}  # fmt: skip
# Their answers, where it isn't a status alone; name -> (number, type).
TEXT, TEXTS, BOOL = ("TYPE_STRING", False), ("TYPE_STRING", True), ("TYPE_BOOL", False)
ANSWERS = {
    "Query": {}, "Insert": {}, "Delete": {}, "GetCollectionStatistics": {}, "DescribeIndex": {}, "HasPartition": {},
    "ShowPartitions": {}, "GetLoadState": {},
    "HasCollection": {"value": (2, BOOL)},
    "DescribeCollection": {"aliases": (9, TEXTS), "collection_name": (12, TEXT), "db_name": (14, TEXT)},
}  # fmt: skip


def names():
    """Of all methods."""
    return wire.METHODS.keys() | MORE.keys()


@cache
def method(name):
    """A method with its message classes; raises KeyError where it is unknown."""
    if name not in MORE:
        return wire.method(name)
    pool = _pool()
    answer = f"{PACKAGE}.{name}Answer" if name in ANSWERS else "milvus.proto.common.Status"
    request, answer = (
        GetMessageClass(pool.FindMessageTypeByName(full)) for full in (f"{PACKAGE}.{name}Request", answer)
    )
    return wire.Method(name, f"/{wire.SERVICE}/{name}", request, answer)


@cache
def _pool():
    """A pool of our own: the one of wire/ with another file."""
    pool = DescriptorPool()
    files = FileDescriptorSet.FromString(resources.files(wire.__name__).joinpath("descriptors.binpb").read_bytes()).file
    for file in files:
        pool.AddSerializedFile(file.SerializeToString())
    more = FileDescriptorProto(name="more.proto", package=PACKAGE, syntax="proto3")
    more.dependency.extend(file.name for file in files)
    for name, fields in MORE.items():
        _add(more, f"{name}Request", {field: (number, TEXT) for field, number in fields.items()})
    for name, fields in ANSWERS.items():
        message = _add(more, f"{name}Answer", fields)
        message.field.add(
            name="status",
            number=1,
            label="LABEL_OPTIONAL",
            type="TYPE_MESSAGE",
            type_name=".milvus.proto.common.Status",
        )
    pool.AddSerializedFile(more.SerializeToString())
    return pool


def _add(file, name, fields):
    message = file.message_type.add(name=name)
    for field, (number, (kind, repeated)) in fields.items():
        label = FieldDescriptorProto.LABEL_REPEATED if repeated else FieldDescriptorProto.LABEL_OPTIONAL
        message.field.add(name=field, number=number, type=kind, label=label)
    return message
