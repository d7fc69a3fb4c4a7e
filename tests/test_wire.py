"""The messages and methods: what they promise the server, and that they leave pymilvus alone."""

import base64
import os
import subprocess
import sys

import pytest
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorSet

from milvus_magics import wire
from milvus_magics.client.privilege_catalog import KNOWN
from milvus_magics.wire import regenerate
from milvus_magics.wire.versions import is_beyond, is_older

FILES = FileDescriptorSet.FromString(regenerate.DESCRIPTORS.read_bytes()).file


def names_of_messages() -> list[str]:
    """Every message of ours without its package, map entries included."""

    def within(message: DescriptorProto, prefix: str) -> list[str]:
        name = prefix + message.name
        return [name, *(deeper for nested in message.nested_type for deeper in within(nested, f"{name}."))]

    return [name for file in FILES for message in file.message_type for name in within(message, "")]


MESSAGES = names_of_messages()
ENUMS = [f"{file.package}.{enum.name}" for file in FILES for enum in file.enum_type]


@pytest.fixture(scope="module")
def pymilvus_pool():
    """The pool with pymilvus's own messages."""
    from google.protobuf import descriptor_pool
    from pymilvus.grpc_gen import milvus_pb2

    assert milvus_pb2.DESCRIPTOR.package == "milvus.proto.milvus"
    return descriptor_pool.Default()


def our_enum(full_name: str) -> EnumDescriptor:
    """Our descriptor of an enum, found through a message of its file."""
    anchor = {"milvus.proto.common": "Status", "milvus.proto.milvus": "UserInfo"}
    package, _, name = full_name.rpartition(".")
    return wire.message(anchor[package]).DESCRIPTOR.file.enum_types_by_name[name]


def is_repeated(field: FieldDescriptor) -> bool:
    """Whether a field repeats, by the newer property or the older label."""
    if hasattr(field, "is_repeated"):
        return bool(field.is_repeated)
    return field.label == FieldDescriptor.LABEL_REPEATED


def shape(field: FieldDescriptor) -> dict[str, object]:
    """All of a field that the two sides of a connection have to agree on."""
    kind = field.message_type or field.enum_type
    return {
        "number": field.number,
        "type": field.type,
        "type name": kind.full_name if kind else None,
        "repeated": is_repeated(field),
        "map": bool(field.message_type and field.message_type.GetOptions().map_entry),
        "presence": field.has_presence,
        "oneof": field.containing_oneof.name if field.containing_oneof else None,
    }


# --- the files ---


def test_committed_descriptors_are_what_the_proto_files_compile_to():
    """Nobody edits a .proto file and forgets the set that is really loaded."""
    assert regenerate.compiled() == regenerate.DESCRIPTORS.read_bytes(), (
        "descriptors.binpb is out of date: run `python -m milvus_magics.wire.regenerate` and commit it"
    )


def test_broken_proto_file_is_reported_in_the_words_of_protoc(tmp_path):
    """Whoever breaks a .proto file reads the line and the reason."""
    here = tmp_path / "milvus_magics" / "wire"
    here.mkdir(parents=True)
    (here / "broken.proto").write_text('syntax = "proto3";\nmessage Half {')
    with pytest.raises(RuntimeError, match=r"broken\.proto:2:\d+: .*end of input"):
        regenerate.compiled(here)


def test_set_is_complete_in_itself():
    """Every import is in the set, before the file that needs it."""
    seen: set[str] = set()
    for file in FILES:
        assert seen.issuperset(file.dependency), f"{file.name} needs {set(file.dependency) - seen}"
        seen.add(file.name)


def test_every_message_and_enum_is_used_by_a_method():
    """The reduced .proto stays reduced."""
    used: set[str] = set()

    def visit(descriptor: Descriptor) -> None:
        if descriptor.full_name in used:
            return
        used.add(descriptor.full_name)
        for field in descriptor.fields:
            if field.message_type:
                visit(field.message_type)
            if field.enum_type:
                used.add(field.enum_type.full_name)

    for name in wire.METHODS:
        visit(wire.method(name).request.DESCRIPTOR)
        visit(wire.method(name).response.DESCRIPTOR)
    assert {wire.message(name).DESCRIPTOR.full_name for name in MESSAGES} | set(ENUMS) == used


def test_short_names_are_unambiguous():
    """`message("Status")` needs no package because no name is in both files."""
    names = MESSAGES + [name.rpartition(".")[2] for name in ENUMS]
    assert len(names) == len(set(names))


# --- against pymilvus's own descriptors ---


@pytest.mark.parametrize("name", MESSAGES)
def test_message_has_the_fields_of_pymilvus(name, pymilvus_pool):
    """Each field of ours means on the wire what the same field of pymilvus means."""
    ours = wire.message(name).DESCRIPTOR
    theirs = pymilvus_pool.FindMessageTypeByName(ours.full_name)
    assert ours is not theirs
    expected = {field.name: shape(field) for field in theirs.fields if field.name in ours.fields_by_name}
    assert {field.name: shape(field) for field in ours.fields} == expected


@pytest.mark.parametrize("name", ENUMS)
def test_enum_has_the_values_of_pymilvus(name, pymilvus_pool):
    """Each enum value of ours has pymilvus's number."""
    ours = {value.name: value.number for value in our_enum(name).values}
    theirs = {value.name: value.number for value in pymilvus_pool.FindEnumTypeByName(name).values}
    assert ours == {value: theirs.get(value) for value in ours}


@pytest.mark.parametrize("name", wire.METHODS)
def test_method_is_in_the_service_of_pymilvus(name, pymilvus_pool):
    """Each method exists, takes and gives the messages that pymilvus says, and is no stream."""
    service = pymilvus_pool.FindServiceByName("milvus.proto.milvus.MilvusService")
    theirs = service.methods_by_name[name]
    ours = wire.method(name)
    assert ours.path == f"/{service.full_name}/{name}"
    assert ours.request.DESCRIPTOR.full_name == theirs.input_type.full_name
    assert ours.response.DESCRIPTOR.full_name == theirs.output_type.full_name
    assert not theirs.client_streaming
    assert not theirs.server_streaming


TOGETHER = """
import sys

def load_ours():
    from milvus_magics import wire
    for name in wire.METHODS:
        wire.method(name)

def load_theirs():
    import pymilvus
    from pymilvus.grpc_gen import milvus_pb2

first, implementation = sys.argv[1:]
for load in [load_ours, load_theirs] if first == "ours" else [load_theirs, load_ours]:
    load()

from google.protobuf.internal import api_implementation
from milvus_magics import wire
from pymilvus.grpc_gen import common_pb2, milvus_pb2

assert api_implementation.Type() == implementation, api_implementation.Type()

# What we send, they read.
update = wire.method("UpdateCredential").request(username="ann", oldPassword="b2xk", newPassword="bmV3")
assert not update.HasField("description")
update.description = ""
read = milvus_pb2.UpdateCredentialRequest.FromString(update.SerializeToString())
assert (read.username, read.oldPassword, read.newPassword) == ("ann", "b2xk", "bmV3")
assert read.HasField("description"), "an empty description is more than none"

grant = wire.method("OperatePrivilege").request(
    entity={"role": {"name": "reader"}, "object": {"name": "Global"}, "object_name": "*",
            "grantor": {"privilege": {"name": "ListDatabases"}}, "db_name": "db"},
    type=wire.enum_value("OperatePrivilegeType", "Revoke"),
)
read = milvus_pb2.OperatePrivilegeRequest.FromString(grant.SerializeToString())
assert read.type == milvus_pb2.OperatePrivilegeType.Revoke
assert str(read) == str(grant), "the same text means the same names and values"

connect = wire.method("Connect").request(client_info={"sdk_type": "x", "reserved": {"key": "value"}})
read = milvus_pb2.ConnectRequest.FromString(connect.SerializeToString())
assert dict(read.client_info.reserved) == {"key": "value"}

# What they send, we read.
extra = {"is_input_error": "true"}
status = common_pb2.Status(error_code=35, reason="role exists", code=1100, extra_info=extra)
read = wire.message("Status").FromString(status.SerializeToString())
assert (read.error_code, read.reason, read.code, read.retriable) == (35, "role exists", 1100, False)
assert dict(read.extra_info) == extra

meta = milvus_pb2.RBACMeta(
    users=[milvus_pb2.UserInfo(user="ann", password="hash", roles=[milvus_pb2.RoleEntity(name="reader")])],
    privilege_groups=[milvus_pb2.PrivilegeGroupInfo(group_name="g", privileges=[{"name": "Query"}])],
)
backup = milvus_pb2.BackupRBACMetaResponse(RBAC_meta=meta)
read = wire.method("BackupRBAC").response.FromString(backup.SerializeToString())
assert str(read) == str(backup)

# What we don't know, we pass on.
login = milvus_pb2.CreateCredentialRequest(base={"msgID": 7}, username="ann", created_utc_timestamps=9)
passed_on = wire.message("CreateCredentialRequest").FromString(login.SerializeToString())
assert milvus_pb2.CreateCredentialRequest.FromString(passed_on.SerializeToString()) == login
print("both work")
"""


@pytest.mark.parametrize("implementation", ["upb", "python"])
@pytest.mark.parametrize("first", ["ours", "theirs"])
def test_ours_and_pymilvus_live_in_one_process(first, implementation):
    """Either may be imported first, under either protobuf, and each reads what the other writes."""
    run = run_python(TOGETHER, first, implementation, implementation=implementation)
    assert run.stdout.strip() == "both work", f"a kernel must hold us and pymilvus:\n{run.stderr}"


def run_python(script: str, *arguments: str, implementation: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a fresh interpreter, under one implementation of protobuf."""
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env={**os.environ, "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": implementation},
        capture_output=True,
        text=True,
        timeout=120,
    )


# --- the messages by themselves ---


def test_unknown_fields_are_kept():
    """What a newer server adds survives being read and sent on."""
    text, number = b"\xa2\x06\x03new", b"\xa8\x06\x07"  # fields 100 and 101, which no version has
    user = wire.message("UserEntity")(name="ann").SerializeToString()
    read = wire.message("UserEntity").FromString(user + text + number)
    assert read.name == "ann"
    assert read.SerializeToString() == user + text + number


def test_unknown_error_code_arrives_as_its_number():
    """The reduced list of error codes loses none."""
    status = wire.message("Status").FromString(b"\x08\xe8\x07")
    assert status.error_code == 1000


def test_nothing_gets_into_the_default_pool():
    """Whoever else uses protobuf in this process never meets our messages."""
    script = (
        "from google.protobuf import descriptor_pool\n"
        "from milvus_magics import wire\n"
        "wire.method('Connect')\n"
        "try:\n"
        "    descriptor_pool.Default().FindMessageTypeByName('milvus.proto.common.Status')\n"
        "except KeyError:\n"
        "    print('clean')\n"
    )
    run = run_python(script, implementation="upb")
    assert run.stdout.strip() == "clean", run.stderr


RACE = """
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from milvus_magics import wire

sys.setswitchinterval(1e-6)
barrier = Barrier(16)

def load(_):
    barrier.wait()
    return wire.method("SelectUser").response, wire.message("UserResult"), wire.message("RoleEntity")

with ThreadPoolExecutor(16) as threads:
    print(len(set(threads.map(load, range(16)))))
"""


@pytest.mark.parametrize("implementation", ["upb", "python"])
def test_threads_that_load_together_share_one_class(implementation):
    """A form's thread and a cell that start at the same moment can mix their messages."""
    run = run_python(RACE, implementation=implementation)
    assert run.stdout.strip() == "1", run.stderr


# --- names ---


def test_method_is_the_same_each_time():
    """A looked-up method is complete and cached."""
    delete = wire.method("DeleteCredential")
    assert delete is wire.method("DeleteCredential")
    assert delete.path == "/milvus.proto.milvus.MilvusService/DeleteCredential"
    assert delete.request is wire.message("DeleteCredentialRequest")
    assert delete.response is wire.message("Status")


def test_enum_value_is_the_number_a_field_takes():
    """Enum values are found by their short names, in either package."""
    remove = wire.enum_value("OperateUserRoleType", "RemoveUserFromRole")
    assert remove == 1
    assert wire.method("OperateUserRole").request(type=remove).type == remove
    assert wire.enum_value("ErrorCode", "RateLimit") == 49


@pytest.mark.parametrize(
    ("look_up", "name"),
    [
        (lambda: wire.method("DropEverything"), "DropEverything"),
        (lambda: wire.message("Nothing"), "Nothing"),
        (lambda: wire.enum_value("Nothing", "AddUserToRole"), "Nothing"),
        (lambda: wire.enum_value("OperateUserRoleType", "Nothing"), r"OperateUserRoleType\.Nothing"),
    ],
)
def test_unknown_name_is_a_key_error_that_names_it(look_up, name):
    """A misspelt name fails at once and is in the error."""
    with pytest.raises(KeyError, match=name):
        look_up()


@pytest.mark.parametrize("raw", [b"", b"a", b"secret", b"\xff\xfe\x00", "pässwörd:".encode(), b"x" * 72])
def test_encoded_password_is_standard_padded_base64_of_its_bytes(raw):
    """The server refuses the URL-safe alphabet and missing padding; line breaks would be refused too."""
    encoded = wire.encode_password(raw)
    assert base64.b64decode(encoded, validate=True) == raw
    assert len(encoded) % 4 == 0
    assert "\n" not in encoded


@pytest.mark.parametrize(
    ("version", "since", "older"),
    [
        ("v2.3.5", "2.4.16 or 2.5", True),
        ("2.4.15-dev", "2.4.16 or 2.5", True),
        ("2.4.16", "2.4.16 or 2.5", False),
        ("v2.5.0", "2.4.16 or 2.5", False),
        ("v3.0-beta", "2.6.19", False),
        ("2.10.0", "2.9.1", False),
        ("master", "2.6.19", False),
        ("", "2.4", False),
    ],
)
def test_versions_compare_by_numbers(version, since, older):
    """Not as text, and one that cannot be read is taken for new."""
    assert is_older(version, since) is older


@pytest.mark.parametrize(
    ("version", "beyond"),
    [
        ("v2.5.24", False), ("2.5.25", True), ("2.6.18", False), ("2.6.19-dev", True), ("3.0.0-beta", False),
        ("3.0.1", True), ("2.7.0", True), ("4.0", True), ("2.2.9", False), ("master", True), ("", True),
    ],
)  # fmt: skip
def test_a_version_is_beyond_what_is_known_of_its_series(version, beyond):
    assert is_beyond(version, ("2.5.24", "2.6.18", "3.0.0")) is beyond


def test_what_is_needed_is_a_privilege_that_is_known():
    """Every privilege of the table is one that can be granted, and every version one that can be compared."""
    for name, rpc in wire.METHODS.items():
        assert not rpc.privilege or rpc.privilege in KNOWN, name
        assert not rpc.since or is_older("2.0", rpc.since), name
