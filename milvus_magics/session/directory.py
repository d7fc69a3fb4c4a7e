"""Names of users that a server showed lately, for forms and completion. Never what a decision rests on."""

from __future__ import annotations

import time
from weakref import WeakKeyDictionary

from milvus_magics.client import users
from milvus_magics.client.connection import Connection
from milvus_magics.client.models import Change
from milvus_magics.session import lock

SECONDS_TO_KEEP = 30.0

_names: WeakKeyDictionary[Connection, tuple[float, list[str]]] = WeakKeyDictionary()


def usernames(conn: Connection, *, timeout: float, fresh: bool = False) -> list[str]:
    """The names of all users, from memory where they are at most half a minute old.

    Args:
        conn: the connection to ask.
        timeout: seconds that asking may take.
        fresh: ask in any case.

    Raises:
        MilvusException: when the server has to be asked and doesn't tell.
    """
    with lock:
        read, names = _names.get(conn, (0.0, []))
    if fresh or not read or time.monotonic() - read > SECONDS_TO_KEEP:
        names = users.list_usernames(conn, timeout=timeout)
        with lock:
            _names[conn] = time.monotonic(), names
    return list(names)


def forget(conn: Connection) -> None:
    """Drop what is known about a server's names."""
    with lock:
        _names.pop(conn, None)


def on_change(conn: Connection, change: Change) -> None:
    """A change through this connection makes its names old, unless nothing was changed."""
    if change.outcome != "refused":
        forget(conn)
