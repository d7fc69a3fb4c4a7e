"""What travels: the messages and methods of Milvus that we use.

The messages come from our own reduced ``.proto`` files, compiled into ``descriptors.binpb``, and live in
a descriptor pool of our own. In protobuf's default pool they would clash with pymilvus's messages of
the same names, and ``import pymilvus`` would fail in the user's kernel. For the same reason there are no
generated modules and no gRPC stubs: those check library versions when imported.

This is the only package that knows protobuf, and it imports it with the first message: loading the extension
shall feel instant.
"""

from __future__ import annotations

import base64
from functools import cache
from importlib import resources
from threading import RLock
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from google.protobuf.descriptor_pool import DescriptorPool
    from google.protobuf.message import Message

__all__ = ["METHODS", "Method", "encode_password", "enum_value", "message", "method"]

SERVICE = "milvus.proto.milvus.MilvusService"
PACKAGES = ("milvus.proto.milvus", "milvus.proto.common")


class Rpc(NamedTuple):
    """What is known of one method of the server.

    Attributes:
        request: name of its request's message.
        response: name of its reply's message.
        privilege: what the caller needs; empty if everybody may call it, or if that is not known.
        since: the first versions that have it; empty if all have that are supported.
    """

    request: str
    response: str = "Status"
    privilege: str = ""
    since: str = ""


METHODS: dict[str, Rpc] = {
    "Connect": Rpc("ConnectRequest", "ConnectResponse", since="2.2.9"),
    "GetVersion": Rpc("GetVersionRequest", "GetVersionResponse"),
    "CheckHealth": Rpc("CheckHealthRequest", "CheckHealthResponse"),
    "ListDatabases": Rpc("ListDatabasesRequest", "ListDatabasesResponse", "ListDatabases"),
    "DescribeDatabase": Rpc("DescribeDatabaseRequest", "DescribeDatabaseResponse"),  # not in 2.3
    "ShowCollections": Rpc("ShowCollectionsRequest", "ShowCollectionsResponse"),
    "ListAliases": Rpc("ListAliasesRequest", "ListAliasesResponse"),
    "DescribeAlias": Rpc("DescribeAliasRequest", "DescribeAliasResponse"),
    "CreateCredential": Rpc("CreateCredentialRequest", privilege="CreateOwnership"),
    "UpdateCredential": Rpc("UpdateCredentialRequest", privilege="UpdateUser"),
    "DeleteCredential": Rpc("DeleteCredentialRequest", privilege="DropOwnership"),
    "ListCredUsers": Rpc("ListCredUsersRequest", "ListCredUsersResponse", "SelectOwnership"),
    "CreateRole": Rpc("CreateRoleRequest", privilege="CreateOwnership"),
    "AlterRole": Rpc("AlterRoleRequest", privilege="CreateOwnership", since="2.6.19"),
    "DropRole": Rpc("DropRoleRequest", privilege="DropOwnership"),
    "OperateUserRole": Rpc("OperateUserRoleRequest", privilege="ManageOwnership"),
    "SelectRole": Rpc("SelectRoleRequest", "SelectRoleResponse", "SelectOwnership"),
    "SelectUser": Rpc("SelectUserRequest", "SelectUserResponse", "SelectUser"),
    "OperatePrivilege": Rpc("OperatePrivilegeRequest", privilege="ManageOwnership"),
    "OperatePrivilegeV2": Rpc("OperatePrivilegeV2Request", privilege="ManageOwnership", since="2.4.18 or 2.5"),
    "SelectGrant": Rpc("SelectGrantRequest", "SelectGrantResponse", "SelectOwnership"),
    "BackupRBAC": Rpc("BackupRBACMetaRequest", "BackupRBACMetaResponse", "BackupRBAC", since="2.4.10"),
    "RestoreRBAC": Rpc("RestoreRBACMetaRequest", privilege="RestoreRBAC", since="2.4.10"),
    "CreatePrivilegeGroup": Rpc("CreatePrivilegeGroupRequest", privilege="CreatePrivilegeGroup", since="2.4.16 or 2.5"),
    "DropPrivilegeGroup": Rpc("DropPrivilegeGroupRequest", privilege="DropPrivilegeGroup", since="2.4.16 or 2.5"),
    "ListPrivilegeGroups": Rpc(
        "ListPrivilegeGroupsRequest", "ListPrivilegeGroupsResponse", "ListPrivilegeGroups", since="2.4.16 or 2.5"
    ),
    "OperatePrivilegeGroup": Rpc(
        "OperatePrivilegeGroupRequest", privilege="OperatePrivilegeGroup", since="2.4.16 or 2.5"
    ),
}

# Two threads that load at the same time would get two classes for one message, which don't mix.
_loading = RLock()


class Method(NamedTuple):
    """One RPC, with all that a channel needs to call it.

    Attributes:
        name: as in ``METHODS``, e.g. ``"DeleteCredential"``.
        path: what gRPC calls, e.g. ``"/milvus.proto.milvus.MilvusService/DeleteCredential"``.
        request: class of the message to send.
        response: class of the message that comes back.
    """

    name: str
    path: str
    request: type[Message]
    response: type[Message]


@cache
def method(name: str) -> Method:
    """The RPC called ``name``.

    Args:
        name: a key of ``METHODS``.

    Returns:
        Its path and its message classes.

    Raises:
        KeyError: when ``METHODS`` has no such name.
    """
    rpc = METHODS[name]
    return Method(name, f"/{SERVICE}/{name}", message(rpc.request), message(rpc.response))


def message(name: str) -> type[Message]:
    """The class of the message ``name``, always the same one.

    Args:
        name: without its package, e.g. ``"Status"`` or ``"UserInfo"``.

    Returns:
        A class to build from keywords or with ``FromString``. It isn't pymilvus's class of that name.

    Raises:
        KeyError: when neither ``.proto`` file has such a message.
    """
    from google.protobuf.message_factory import GetMessageClass

    with _loading:
        pool = _pool()
        for package in PACKAGES:
            try:
                return GetMessageClass(pool.FindMessageTypeByName(f"{package}.{name}"))
            except KeyError:
                continue
    raise KeyError(f"no message {name} in milvus_magics/wire/*.proto")


def enum_value(enum_name: str, value_name: str) -> int:
    """The number of an enum's value.

    Args:
        enum_name: without its package, e.g. ``"OperateUserRoleType"``.
        value_name: e.g. ``"AddUserToRole"``.

    Returns:
        The number, which is what a message field takes and gives.

    Raises:
        KeyError: when neither ``.proto`` file has that enum with that value.
    """
    with _loading:
        pool = _pool()
        for package in PACKAGES:
            try:
                values = pool.FindEnumTypeByName(f"{package}.{enum_name}").values_by_name
                return int(values[value_name].number)
            except KeyError:
                continue
    raise KeyError(f"no {enum_name}.{value_name} in milvus_magics/wire/*.proto")


def encode_password(raw: bytes) -> str:
    """A password as the user RPCs want it: base64 with padding. This hides nothing.

    Args:
        raw: the password's bytes.

    Returns:
        The text for a ``password``, ``oldPassword`` or ``newPassword`` field.
    """
    return base64.b64encode(raw).decode("ascii")


@cache
def _pool() -> DescriptorPool:
    """Our own pool with everything in ``descriptors.binpb``; call it under the lock."""
    from google.protobuf.descriptor_pb2 import FileDescriptorSet
    from google.protobuf.descriptor_pool import DescriptorPool

    pool = DescriptorPool()
    data = resources.files(__name__).joinpath("descriptors.binpb").read_bytes()
    for file in FileDescriptorSet.FromString(data).file:
        pool.AddSerializedFile(file.SerializeToString())
    return pool
