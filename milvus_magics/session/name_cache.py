"""Recently listed names, for completion and forms only."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from milvus_magics import client
from milvus_magics.errors import DeadlineError, MilvusException, UnavailableError
from milvus_magics.transport.deadline import Deadline

if TYPE_CHECKING:
    from milvus_magics.transport.connection import Connection
    from milvus_magics.transport.events import Change

    Query = Callable[[Connection, float], list[str]]

FRESH_SECONDS = 30.0
# Completion asks once and waits this long, so that the prompt is back within 0.6 s; then a server that doesn't answer
# is left alone for a while.
COMPLETION_SECONDS = 0.45
PAUSE_SECONDS = 10.0

# Kind of name -> how the server is asked for them.
QUERIES: dict[str, Query] = {
    "user": lambda conn, timeout: sorted(client.lookup.list_usernames(conn, Deadline(timeout))),
    "role": lambda conn, timeout: [role.name for role in client.roles.list_roles(conn, users=False, timeout=timeout)],
    "database": lambda conn, timeout: client.lookup.list_databases(conn, Deadline(timeout)),
    "collection": lambda conn, timeout: client.lookup.list_collections(conn, conn.address.db_name, Deadline(timeout)),
    "group": lambda conn, timeout: [
        group.name for group in client.privilege_groups.list_privilege_groups(conn, timeout=timeout)
    ],
}


class NameCache:
    """The names that servers listed in the last half minute. No decision rests on them."""

    def __init__(self, lock: threading.RLock) -> None:
        self._lock = lock
        self._names: WeakKeyDictionary[Connection, dict[str, tuple[float, list[str]]]] = WeakKeyDictionary()
        self._failures: WeakKeyDictionary[Connection, float] = WeakKeyDictionary()

    def list_names(self, conn: Connection, kind: str, *, timeout: float) -> list[str]:
        """Ask the server for all names of a kind in `QUERIES`, and remember them; MilvusException if it refuses."""
        names = QUERIES[kind](conn, timeout)
        with self._lock:
            self._names.setdefault(conn, {})[kind] = time.monotonic(), names
        return list(names)

    def cached_names(self, conn: Connection, kind: str, fresh_seconds: float = FRESH_SECONDS) -> list[str]:
        """Names of a kind as remembered so long, or as quickly listed; none otherwise. For where nobody waits."""
        now = time.monotonic()
        with self._lock:
            listed_at, names = self._names.get(conn, {}).get(kind, (-fresh_seconds, []))
            failed_at = self._failures.get(conn, -PAUSE_SECONDS)
        if now - listed_at < fresh_seconds:
            return list(names)
        if now - failed_at < PAUSE_SECONDS:
            return []
        try:
            return self.list_names(conn, kind, timeout=COMPLETION_SECONDS)
        except (UnavailableError, DeadlineError):
            with self._lock:
                self._failures[conn] = time.monotonic()
        except MilvusException:  # it answers, so names of other kinds may be asked for
            with self._lock:
                self._names.setdefault(conn, {})[kind] = time.monotonic(), []
        return []

    def forget(self, conn: Connection, change: Change | None = None) -> None:
        """Drop the names that a connection listed; not after a change that was refused."""
        if change is None or change.outcome != "refused":
            with self._lock:
                self._names.pop(conn, None)
                self._failures.pop(conn, None)
