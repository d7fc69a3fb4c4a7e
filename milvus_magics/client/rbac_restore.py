"""The one request of RestoreRBAC: users with the hashes of their passwords and with existing roles, never grants."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from milvus_magics import errors, wire
from milvus_magics.client import change, lookup
from milvus_magics.secret import PasswordHash
from milvus_magics.transport.call_errors import too_old_error
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline

MAY_RESTORE = wire.METHODS["RestoreRBAC"].privilege
# From Milvus 2.6 the whole request is one value in etcd, which takes 1.5 MiB unless it is set up for more.
MAX_REQUEST_BYTES = 2**20
HASH_BYTES, FRAME_BYTES = 60, 8  # of a bcrypt hash, and of what protobuf puts around a name, at most
DEFAULT_HASH_COST, MAX_HASH_COST = 10, 12


class HashedUser(NamedTuple):
    """A user as this request has them."""

    user: str
    hashed: PasswordHash
    roles: Sequence[str] = ()


def send_users(attempt: change.Attempt, users: Iterable[HashedUser], is_done: change.IsDone, **settling: Any) -> None:
    """Send users to be made, all or none. Nothing else in the product sends RestoreRBAC with anything in it.

    A grant that exists already stops all changes of access of a Milvus 2.6 or 3.0 for good, so that this takes none.
    Names, passwords and the number of users are not checked by the server on this way.

    Args:
        is_done: asks whether they are made.
        **settling: `repeated` and `is_ours`, as in `Attempt.send`.
    """
    entries = [
        {"user": user, "password": hashed, "roles": [{"name": role} for role in roles]} for user, hashed, roles in users
    ]
    attempt.send("RestoreRBAC", is_done, RBAC_meta={"users": entries}, **settling)


def estimate_bytes(user: str, roles: Sequence[str]) -> int:
    """How many bytes a user takes in the request, at most."""
    return HASH_BYTES + FRAME_BYTES + sum(len(name.encode()) + FRAME_BYTES for name in (user, *roles))


def require_restorer(conn: Connection, deadline: Deadline) -> None:
    """Raise if the server has no RestoreRBAC, or the caller may not use it. An empty request changes nothing.

    Raises:
        ServerTooOldError: it has none (before 2.4.10).
        PermissionDeniedError: the caller lacks the privilege RestoreRBAC.
    """
    conn.call_checked("RestoreRBAC", deadline=deadline)


def read_hash_cost(conn: Connection, deadline: Deadline) -> int:
    """Read the cost of this server's own bcrypt hashes, the highest there is; Milvus's default where it isn't seen.

    Raises:
        ServerTooOldError: it has no RestoreRBAC (before 2.4.10).
    """
    if lookup.is_older(conn, wire.METHODS["RestoreRBAC"].since, deadline):
        raise too_old_error("RestoreRBAC", conn.address, conn.version)
    if not conn.address.is_private:
        return DEFAULT_HASH_COST  # the reply holds everybody's hashes, and others may listen
    try:
        reply = conn.call_checked("BackupRBAC", deadline=deadline)
    except errors.MilvusException:
        return DEFAULT_HASH_COST
    costs = [
        int(found[1]) for entry in reply.RBAC_meta.users if (found := re.match(r"\$2\w?\$(\d\d)\$", entry.password))
    ]
    return min(max(costs, default=DEFAULT_HASH_COST), MAX_HASH_COST)
