"""What this session deleted and could bring back: per server, until it is back or the kernel ends.

Roles, descriptions and grants are no secrets and always kept. Passwords are kept only for who opted in to it, masked,
in memory, and for so many minutes.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from milvus_magics import client
from milvus_magics.errors import MilvusException, ParameterError, RoleExistsError
from milvus_magics.secret import PasswordHash, Secret
from milvus_magics.session import lock

if TYPE_CHECKING:
    from milvus_magics.client.results.previews import Preview
    from milvus_magics.client.results.roles import RestoredRole, RoleSnapshot
    from milvus_magics.client.results.users import RestoredUser, UserSnapshot
    from milvus_magics.transport.connection import Connection
    from milvus_magics.transport.events import Change

Lost = TypeVar("Lost", "UserSnapshot", "RoleSnapshot")


@dataclass
class _ExpiringSecret:
    """A password, or its hash, and until when it may be used."""

    secret: Secret
    until: float


_lost: dict[tuple[str, str, str], UserSnapshot | RoleSnapshot] = {}  # (server, kind, name)
_begun: set[tuple[str, str]] = set()  # (server, role) that may be there with a part of it only
_kept: dict[tuple[str, str], _ExpiringSecret] = {}  # (server, user)
_seconds = 0.0
_timer: threading.Timer | None = None
_due = 0.0  # when the timer rings


def keep_passwords(minutes: float) -> None:
    """Keep the passwords of users deleted from now on for so many minutes; 0 forgets all."""
    global _seconds
    with lock:
        _seconds = minutes * 60
        if not minutes:
            _kept.clear()


class Keeper:
    """Keeps secrets of deleted users for a connection, if that is wanted when they are deleted."""

    def __init__(self, conn: Connection) -> None:
        self._server = conn.address.url

    @property
    def is_wanted(self) -> bool:
        """Whether there is any use in a secret."""
        return _seconds > 0

    def keep(self, user: str, secret: Secret | None) -> None:
        """Keep a password, or its hash, if it is wanted; an older one is not theirs any more."""
        with lock:
            _kept.pop((self._server, user), None)
            if secret is None or not self.is_wanted:
                return
            _kept[self._server, user] = _ExpiringSecret(secret, time.monotonic() + _seconds)
        _expire_later()


def watch(conn: Connection) -> None:
    """Remember what goes by changes through this connection."""
    conn.on_change.append(on_change)
    conn.keeper = Keeper(conn)


def on_change(change: Change) -> None:
    """Remember what is gone, and forget what is back."""
    with lock:
        if change.outcome != "refused" and isinstance(change.undo_record, client.results.roles.RoleSnapshot):
            _remember_role(change, change.undo_record)
        elif change.outcome != "refused" and isinstance(change.undo_record, client.results.users.UserSnapshot):
            _lost[change.server, "user", change.target] = change.undo_record
        elif change.outcome == "done" and change.operation == "create_user":
            _forget_user(change.server, change.target)


def _remember_role(change: Change, lost: RoleSnapshot) -> None:
    """Remember what goes with a role, and with what went before where dropping or restoring it stopped half way."""
    key, before = (change.server, change.target), _lost.get((change.server, "role", change.target))
    if key in _begun and isinstance(before, client.results.roles.RoleSnapshot):
        lost = lost.since(before)
    _lost[change.server, "role", change.target] = lost
    if change.outcome == "done":
        _begun.discard(key)
    else:
        _begun.add(key)


def _forget_user(server: str, user: str) -> None:
    _lost.pop((server, "user", user), None)
    _kept.pop((server, user), None)


def kept_secret(conn: Connection, user: str) -> Secret | None:
    """The password, or its hash, that a deleted user had, if it is kept."""
    with lock:
        _expire()
        kept = _kept.get((conn.address.url, user))
        return kept.secret if kept else None


def restore_user(conn: Connection, user: str, secret: Secret, *, timeout: float) -> RestoredUser:
    """Bring a user back who was deleted in this session; a `PasswordHash` brings back the password that they had.

    Raises:
        ParameterError: no such user was deleted here.
        MilvusException: as `undo.restore_user`; trying again goes on.
    """
    lost = lost_user(conn, user)
    if isinstance(secret, PasswordHash):
        restored = client.restore.restore_user_by_hash(conn, lost, secret, timeout=timeout)
    else:
        restored = client.restore.restore_user(conn, lost, secret, timeout=timeout)
    with lock:
        _forget_user(conn.address.url, user)
    return restored


def preview_restore_user(conn: Connection, user: str, *, given: bool, timeout: float) -> Preview:
    """What `restore_user` would do, where a password is given or not."""
    same = not given and kept_secret(conn, user) is not None
    return client.restore.preview_restore_user(conn, lost_user(conn, user), same_password=same, timeout=timeout)


def restore_role(conn: Connection, role: str, *, timeout: float) -> RestoredRole:
    """Bring a role back that was dropped in this session, with its grants and its holders.

    Raises:
        ParameterError: no such role was dropped here.
        MilvusException: as `undo.restore_role`; trying again goes on.
    """
    key = (conn.address.url, role)
    lost = lost_role(conn, role)
    try:
        restored = client.restore.restore_role(conn, lost, may_exist=key in _begun, timeout=timeout)
    except RoleExistsError:
        raise
    except (MilvusException, KeyboardInterrupt):
        with lock:
            _begun.add(key)
        raise
    with lock:
        _begun.discard(key)
        _lost.pop((conn.address.url, "role", role), None)
    return restored


def preview_restore_role(conn: Connection, role: str, *, timeout: float) -> Preview:
    """What `restore_role` would do."""
    begun = (conn.address.url, role) in _begun
    return client.restore.preview_restore_role(conn, lost_role(conn, role), may_exist=begun, timeout=timeout)


def lost_user(conn: Connection, user: str) -> UserSnapshot:
    """What went with a user.

    Raises:
        ParameterError: no such user was deleted in this session.
    """
    return _find(conn, "user", user, client.results.users.UserSnapshot, "deleted")


def lost_role(conn: Connection, role: str) -> RoleSnapshot:
    """What went with a role.

    Raises:
        ParameterError: no such role was dropped in this session.
    """
    return _find(conn, "role", role, client.results.roles.RoleSnapshot, "dropped")


def clear() -> None:
    """Forget everything."""
    with lock:
        for store in (_lost, _begun, _kept):
            store.clear()


def _find(conn: Connection, kind: str, name: str, cls: type[Lost], deed: str) -> Lost:
    with lock:
        found = _lost.get((conn.address.url, kind, name))
        there_are = sorted(other for server, what, other in _lost if (server, what) == (conn.address.url, kind))
    if not isinstance(found, cls):
        hint = f"; there are: {', '.join(map(repr, there_are))}" if there_are else ""
        raise ParameterError(
            f"no {kind} {name!r} was {deed} on {conn.address.url} in this session{hint}; nothing was changed"
        )
    return found


def _expire() -> None:
    with lock:
        for key in [key for key, kept in _kept.items() if kept.until <= time.monotonic()]:
            del _kept[key]


def _expire_later() -> None:
    """Have one timer wait for the first secret to expire, however many there are."""
    global _timer, _due
    with lock:
        first = min((kept.until for kept in _kept.values()), default=0.0)
        if not first or (_timer is not None and _due <= first):
            return
        if _timer is not None:
            _timer.cancel()
        _due = first
        _timer = threading.Timer(max(first - time.monotonic(), 0.01), _on_timer)
        _timer.daemon = True
        _timer.start()


def _on_timer() -> None:
    global _timer
    with lock:
        _timer = None
        _expire()
    _expire_later()
