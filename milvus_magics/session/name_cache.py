"""Names that a server showed lately, for forms and completion. Never what a decision rests on."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from milvus_magics import client
from milvus_magics.errors import MilvusException
from milvus_magics.session import lock
from milvus_magics.transport.deadline import Deadline

if TYPE_CHECKING:
    from milvus_magics.transport.connection import Connection
    from milvus_magics.transport.events import Change

    Ask = Callable[[Connection, float], list[str]]

SECONDS_TO_KEEP = 30.0
# Completion asks once and waits this long, so that the prompt is back within 0.6 s; then a server that doesn't answer
# is left alone for a while.
SECONDS_TO_GUESS = 0.45
SECONDS_TO_LEAVE_ALONE = 10.0

# Kind of name -> how the server is asked for them.
_QUESTIONS: dict[str, Ask] = {
    "user": lambda conn, timeout: client.users.list_usernames(conn, timeout=timeout),
    "role": lambda conn, timeout: [role.name for role in client.roles.list_roles(conn, users=False, timeout=timeout)],
    "database": lambda conn, timeout: client.lookup.list_databases(conn, Deadline(timeout)),
    "collection": lambda conn, timeout: client.lookup.list_collections(conn, conn.address.db_name, Deadline(timeout)),
    "group": lambda conn, timeout: [
        group.name for group in client.privilege_groups.list_privilege_groups(conn, timeout=timeout)
    ],
}
_names: WeakKeyDictionary[Connection, dict[str, tuple[float, list[str]]]] = WeakKeyDictionary()
_failed: WeakKeyDictionary[Connection, float] = WeakKeyDictionary()


def names(conn: Connection, kind: str, *, timeout: float, fresh: bool = False) -> list[str]:
    """All names of a kind (`user`, `role`, `database`, `collection`, `group`), at most half a minute old.

    Args:
        conn: the connection to ask.
        kind: of what.
        timeout: seconds that asking may take.
        fresh: ask in any case.

    Raises:
        MilvusException: when the server has to be asked and doesn't tell.
    """
    known = None if fresh else _remembered(conn, kind)
    if known is None:
        known = _QUESTIONS[kind](conn, timeout)
        with lock:
            _names.setdefault(conn, {})[kind] = time.monotonic(), known
    return list(known)


def cached_names(conn: Connection, kind: str) -> list[str]:
    """What `names` gives if it is known or quickly told, else nothing: for completion, where nobody waits."""
    known = _remembered(conn, kind)
    if known is not None:
        return list(known)
    with lock:
        if time.monotonic() - _failed.get(conn, -SECONDS_TO_LEAVE_ALONE) < SECONDS_TO_LEAVE_ALONE:
            return []
    try:
        return names(conn, kind, timeout=SECONDS_TO_GUESS)
    except MilvusException:
        with lock:
            _failed[conn] = time.monotonic()
        return []


def usernames(conn: Connection, *, timeout: float, fresh: bool = False) -> list[str]:
    """The names of all users; as `names`."""
    return names(conn, "user", timeout=timeout, fresh=fresh)


def forget(conn: Connection) -> None:
    """Drop what is known about a server's names."""
    with lock:
        _names.pop(conn, None)
        _failed.pop(conn, None)


def on_change(conn: Connection, change: Change) -> None:
    """A change through this connection makes its names old, unless nothing was changed."""
    if change.outcome != "refused":
        forget(conn)


def _remembered(conn: Connection, kind: str) -> list[str] | None:
    with lock:
        read, known = _names.get(conn, {}).get(kind, (-SECONDS_TO_KEEP, []))
    return known if time.monotonic() - read < SECONDS_TO_KEEP else None
