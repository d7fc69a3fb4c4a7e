"""What this session deleted or described anew and may restore, per server, until it is restored or the kernel ends.

Roles, descriptions and grants are no secrets and always kept. Passwords are kept only for who opted in to it, masked,
in memory, and for so many minutes.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeVar

from milvus_magics import client
from milvus_magics.errors import NOTHING_CHANGED, MilvusException, ParameterError, RoleExistsError
from milvus_magics.secret import PasswordHash, Secret

if TYPE_CHECKING:
    from milvus_magics.client.results.previews import Preview
    from milvus_magics.client.results.roles import RestoredRole, RoleSnapshot
    from milvus_magics.client.results.users import RestoredUser, UserSnapshot
    from milvus_magics.transport.connection import Connection
    from milvus_magics.transport.events import Change

Snapshot = TypeVar("Snapshot")
Key = tuple[str, str]  # (server, name of the user or role)


class UndoStore:
    """The users and roles that were deleted in a session, and functions that restore them: a `Restorer`."""

    wants_secrets = False

    def __init__(self, lock: threading.RLock) -> None:
        self._lock = lock
        self._users: dict[Key, UserSnapshot] = {}
        self._roles: dict[Key, RoleSnapshot] = {}
        self._descriptions: dict[str, dict[Key, str]] = {"user": {}, "role": {}}  # those before the last change
        self._partial_roles: set[Key] = set()  # they may be there with a part of what they held
        self._secrets: dict[Key, tuple[Secret, float]] = {}  # a password or its hash, and when it expires
        self._seconds = 0.0
        self._timer: threading.Timer | None = None
        self._timer_due = math.inf

    def keep_passwords(self, minutes: float) -> None:
        """Keep passwords of users deleted from now on for so many minutes; 0 = never, and drop those in memory."""
        with self._lock:
            self._seconds, self.wants_secrets = minutes * 60, minutes > 0
            if not minutes:
                self._secrets.clear()

    @property
    def users_with_secret(self) -> list[str]:
        """Names of the users whose password, or its hash, is in memory."""
        with self._lock:
            return sorted(user for _, user in self._secrets)

    def __call__(self, change: Change, secret: Secret | None = None) -> None:
        """Remember what a change deleted, and forget what it created."""
        key = change.server, change.target
        with self._lock:
            if change.outcome == "refused":
                return
            if isinstance(change.undo_record, client.results.descriptions.DescriptionSnapshot):
                self._descriptions[change.undo_record.kind][key] = change.undo_record.description
            elif isinstance(change.undo_record, client.results.roles.RoleSnapshot):
                self._descriptions["role"].pop(key, None)  # it comes back with the one that it has now
                self._add_role(key, change.undo_record, is_partial=change.outcome != "done")
            elif isinstance(change.undo_record, client.results.users.UserSnapshot):
                self._descriptions["user"].pop(key, None)
                self._users[key] = change.undo_record
                self._secrets.pop(key, None)  # an older one of that user isn't theirs any more
                if secret is not None:
                    self._keep_secret(key, secret)
            elif change.outcome == "done" and change.operation == "create_user":
                self._forget_user(key)

    def find_user(self, conn: Connection, user: str) -> UserSnapshot:
        """What went with a user; ParameterError if nobody of that name was deleted in this session."""
        return self._find(self._users, conn, user, f"no user {user!r} was deleted")

    def find_role(self, conn: Connection, role: str) -> RoleSnapshot:
        """What went with a role; ParameterError if none of that name was dropped in this session."""
        return self._find(self._roles, conn, role, f"no role {role!r} was dropped")

    def find_description(self, conn: Connection, kind: str, name: str) -> str:
        """The description that a `user` or `role` had; ParameterError if it was not changed in this session."""
        return self._find(self._descriptions[kind], conn, name, f"no description of {kind} {name!r} was changed")

    def may_undo(self, change: Change) -> bool:
        """Whether what a change took away can be brought back, and was not taken away once more since."""
        key, record = (change.server, change.target), change.undo_record
        with self._lock:
            if isinstance(record, client.results.descriptions.DescriptionSnapshot):
                return self._descriptions[record.kind].get(key) == record.description
            if isinstance(record, client.results.roles.RoleSnapshot):
                return key in self._roles and record.role == self._roles[key].role
            return record is not None and self._users.get(key) is record

    def find_secret(self, conn: Connection, user: str) -> Secret | None:
        """The password, or its hash, that a deleted user had. None if it was not kept, or has expired."""
        with self._lock:
            self._expire()
            return self._secrets.get((conn.address.url, user), (None, 0.0))[0]

    def restore_user(self, conn: Connection, user: str, secret: Secret, *, timeout: float) -> RestoredUser:
        """Restore a user whom `find_user` finds; a `PasswordHash` restores the password that they had."""
        snapshot = self.find_user(conn, user)
        if isinstance(secret, PasswordHash):
            restored = client.restore.restore_user_by_hash(conn, snapshot, secret, timeout=timeout)
        else:
            restored = client.restore.restore_user(conn, snapshot, secret, timeout=timeout)
        with self._lock:
            self._forget_user((conn.address.url, user))
        return restored

    def preview_restore_user(self, conn: Connection, user: str, *, given: bool, timeout: float) -> Preview:
        """Preview `restore_user`, where a password is given or not."""
        kept = None if given else self.find_secret(conn, user)
        snapshot, by_hash = self.find_user(conn, user), isinstance(kept, PasswordHash)
        return client.restore.preview_restore_user(
            conn, snapshot, same_password=kept is not None, by_hash=by_hash, timeout=timeout
        )

    def restore_role(self, conn: Connection, role: str, *, timeout: float) -> RestoredRole:
        """Restore a role that `find_role` finds, with its grants and holders; trying again goes on where it stopped."""
        key = conn.address.url, role
        snapshot, is_partial = self.find_role(conn, role), key in self._partial_roles
        try:
            restored = client.restore.restore_role(conn, snapshot, may_exist=is_partial, timeout=timeout)
        except RoleExistsError:
            raise
        except (MilvusException, KeyboardInterrupt):
            with self._lock:
                self._partial_roles.add(key)
            raise
        with self._lock:
            if restored.refused:
                self._partial_roles.add(key)
            else:
                self._partial_roles.discard(key)
                self._roles.pop(key, None)
        return restored

    def preview_restore_role(self, conn: Connection, role: str, *, timeout: float) -> Preview:
        """Preview `restore_role`."""
        snapshot, is_partial = self.find_role(conn, role), (conn.address.url, role) in self._partial_roles
        return client.restore.preview_restore_role(conn, snapshot, may_exist=is_partial, timeout=timeout)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            for store in (self._users, self._roles, self._partial_roles, self._secrets):
                store.clear()
            for texts in self._descriptions.values():
                texts.clear()

    def _find(self, store: Mapping[Key, Snapshot], conn: Connection, name: str, problem: str) -> Snapshot:
        url = conn.address.url
        with self._lock:
            snapshot = store.get((url, name))
            there_are = sorted(other for server, other in store if server == url)
        if snapshot is None:
            hint = f"; there are: {', '.join(map(repr, there_are))}" if there_are else ""
            raise ParameterError(f"{problem} on {url} in this session{hint}", outcome=NOTHING_CHANGED)
        return snapshot

    def _add_role(self, key: Key, snapshot: RoleSnapshot, *, is_partial: bool) -> None:
        """Remember a role, joined to what it held before where dropping or restoring it stopped half way."""
        if key in self._partial_roles and key in self._roles:
            snapshot = snapshot.since(self._roles[key])
        self._roles[key] = snapshot
        self._partial_roles.discard(key)
        if is_partial:
            self._partial_roles.add(key)

    def _forget_user(self, key: Key) -> None:
        self._users.pop(key, None)
        self._secrets.pop(key, None)

    def _keep_secret(self, key: Key, secret: Secret) -> None:
        """Keep a secret until it expires."""
        expires = time.monotonic() + self._seconds
        self._secrets[key] = secret, expires
        self._expire_at(expires)

    def _expire(self) -> None:
        for key in [key for key, (_, expires) in self._secrets.items() if expires <= time.monotonic()]:
            del self._secrets[key]

    def _expire_at(self, due: float) -> None:
        """Have one timer wait for the first secret to expire, however many there are."""
        if due >= self._timer_due:
            return
        if self._timer:
            self._timer.cancel()
        self._timer_due = due
        self._timer = threading.Timer(max(due - time.monotonic(), 0.01), self._on_timer)
        self._timer.daemon = True
        self._timer.start()

    def _on_timer(self) -> None:
        with self._lock:
            self._timer_due = math.inf
            self._expire()
            self._expire_at(min((expires for _, expires in self._secrets.values()), default=math.inf))
