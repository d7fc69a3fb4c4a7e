"""What this session deleted or described anew and may restore, per cluster, until it is restored or the kernel ends.

Roles, descriptions and grants are no secrets and always kept. Passwords are kept only for who opted in to it, masked,
in memory, and for so many minutes.
"""

from __future__ import annotations

import math
import threading
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from milvus_magics import client
from milvus_magics.errors import NOTHING_CHANGED, MilvusException, ParameterError, RoleExistsError
from milvus_magics.secret import PasswordHash, Secret, mask_secret
from milvus_magics.session.undo_records import (
    DEEDS,
    DESCRIPTIONS,
    GRANTS,
    UNDO_MAGICS,
    Key,
    Records,
    Restorable,
    UndoRecord,
    stack,
)
from milvus_magics.transport.cluster import begin_cluster_question, read_cluster
from milvus_magics.transport.deadline import Deadline
from milvus_magics.wording import join_parts

if TYPE_CHECKING:
    from milvus_magics.client.results.descriptions import ChangedDescription
    from milvus_magics.client.results.previews import Preview
    from milvus_magics.client.results.privileges import GrantsSnapshot, RestoredGrants
    from milvus_magics.client.results.roles import RestoredRole, RoleSnapshot
    from milvus_magics.client.results.users import RestoredUser, UserSnapshot
    from milvus_magics.transport.connection import Connection
    from milvus_magics.transport.events import Change

Result = TypeVar("Result", bound=Any)


class UndoStore:
    """The users and roles that were deleted in a session, and functions that restore them: a `Restorer`.

    All that restore take `elsewhere`: whether it may be on another cluster than the one from which the thing went.
    Without it, they raise ConfirmationError there.
    """

    wants_secrets = False
    undo_magics = UNDO_MAGICS

    def __init__(self, lock: threading.RLock) -> None:
        self._lock = lock
        self._records = {kind: Records(deed) for kind, deed in DEEDS.items()}
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
            return sorted(key.name for key in self._secrets)

    def __call__(self, change: Change, secret: Secret | None = None) -> None:
        """Remember what a change deleted, and forget what it created."""
        kept: UndoRecord[Any] = UndoRecord(change.undo_record, change.server, change.cluster)
        with self._lock:
            if change.outcome == "refused":
                return
            if isinstance(kept.record, client.results.descriptions.DescriptionSnapshot):
                self._add(DESCRIPTIONS[kept.record.kind], change.target, replace(kept, record=kept.record.description))
            elif isinstance(kept.record, client.results.privileges.GrantsSnapshot):
                self._add(GRANTS, kept.record.role, kept)
            elif isinstance(kept.record, client.results.roles.RoleSnapshot):
                # It comes back with the description that it has now, and with what it holds now.
                for kind in (DESCRIPTIONS["role"], GRANTS):
                    self._forget(kind, change)
                self._add_role(change.target, kept, is_partial=change.outcome != "done")
            elif isinstance(kept.record, client.results.users.UserSnapshot):
                if change.target in self._records[DESCRIPTIONS["user"]].by_name:
                    self._forget(DESCRIPTIONS["user"], change)
                key = self._add("user", change.target, kept)
                self._secrets.pop(key, None)  # an older one of that user isn't theirs any more
                if secret is not None:
                    self._keep_secret(key, secret)
            elif change.outcome == "done" and change.operation == "create_user":
                for key in self._forget("user", change):
                    self._secrets.pop(key, None)

    def is_remembered(self, operation: str, target: str) -> bool:
        """Whether a user who is created is one who was deleted, perhaps on another cluster."""
        with self._lock:
            return operation == "create_user" and target in self._records["user"].by_name

    def find(self, conn: Connection, kind: str, name: str, *, timeout: float | None = None) -> Restorable[Any]:
        """What went with a `user` or `role`, and whether this connection leads to where that was.

        Raises:
            ParameterError: none of that name was deleted there in this session.
        """
        cluster = read_cluster(begin_cluster_question(conn, Deadline(timeout)))
        with self._lock:
            found = self._records[kind].find(name, conn.address.url, cluster)
            there_are = self._records[kind].names_at(conn.address.url, cluster)
        if found is None:
            hint = f"; there are: {', '.join(map(repr, there_are))}" if there_are else ""
            problem = f"no {DEEDS[kind].format(name)} on {conn.address.url} in this session"
            undone = ", or all of that is undone" if kind == GRANTS else ""
            raise ParameterError(f"{problem}{undone}{hint}", outcome=NOTHING_CHANGED)
        return found

    def find_user(self, conn: Connection, user: str, *, timeout: float | None = None) -> UserSnapshot:
        """What went with a user; ParameterError if nobody of that name was deleted in this session."""
        snapshot: UserSnapshot = self.find(conn, "user", user, timeout=timeout).record
        return snapshot

    def find_role(self, conn: Connection, role: str, *, timeout: float | None = None) -> RoleSnapshot:
        """What went with a role; ParameterError if none of that name was dropped in this session."""
        snapshot: RoleSnapshot = self.find(conn, "role", role, timeout=timeout).record
        return snapshot

    def find_description(self, conn: Connection, kind: str, name: str, *, timeout: float | None = None) -> str:
        """The description that a `user` or `role` had; ParameterError if it was not changed in this session."""
        return str(self.find(conn, DESCRIPTIONS[kind], name, timeout=timeout).record)

    def may_undo(self, change: Change) -> bool:
        """Whether what a change took away can be brought back, and was not taken away once more since."""
        results, record, name = client.results, change.undo_record, change.target
        is_role, kind = isinstance(record, results.roles.RoleSnapshot), "user"
        if isinstance(record, results.descriptions.DescriptionSnapshot):
            kind, record = DESCRIPTIONS[record.kind], record.description
        elif isinstance(record, results.privileges.GrantsSnapshot):
            kind, name = GRANTS, record.role
        with self._lock:
            kept = self._records["role" if is_role else kind].get(Key(change.cluster or change.server, name))
        if kept is None or kind == GRANTS:  # a part of a change may look like the whole
            return kept is not None and kept.record is record
        return bool(kept.record == record or is_role)  # what a role held may be joined from several changes

    def find_secret(self, conn: Connection, user: str, *, timeout: float | None = None) -> Secret | None:
        """The password, or its hash, that a deleted user had. None if it was not kept, or has expired.

        It is never given to another cluster, and a hash not over a connection where others may listen.
        """
        try:
            return self._secret_of(conn, self.find(conn, "user", user, timeout=timeout))
        except ParameterError:
            return None

    def restore_user(
        self,
        conn: Connection,
        user: str,
        secret: str | Secret,
        *,
        elsewhere: bool = False,
        timeout: float | None = None,
    ) -> RestoredUser:
        """Restore a user whom `find_user` finds; a `PasswordHash` restores the password that they had."""
        secret = mask_secret(secret)
        deadline = Deadline(timeout)
        found: Restorable[UserSnapshot] = self.find(conn, "user", user, timeout=timeout)
        found.require_here(elsewhere)
        if isinstance(secret, PasswordHash):
            restore = partial(client.restore.restore_user_by_hash, conn, found.record, secret)
        else:
            restore = partial(client.restore.restore_user, conn, found.record, secret)
        with found.telling_where():
            restored = restore(timeout=deadline.remaining(conn.address.url))
        with self._lock:
            if not found.is_elsewhere:
                self._records["user"].remove(found.key)
                self._secrets.pop(found.key, None)
        return _with_note(restored, found)

    def preview_restore_user(
        self, conn: Connection, user: str, *, given: bool, timeout: float | None = None
    ) -> Preview:
        """Preview `restore_user`, where a password is given or not."""
        found: Restorable[UserSnapshot] = self.find(conn, "user", user, timeout=timeout)
        kept = None if given else self._secret_of(conn, found)
        is_kept, by_hash = kept is not None, isinstance(kept, PasswordHash)
        with found.telling_where():
            preview = client.restore.preview_restore_user(
                conn, found.record, same_password=is_kept, by_hash=by_hash, timeout=timeout
            )
        return _with_note(preview, found)

    def restore_role(
        self, conn: Connection, role: str, *, elsewhere: bool = False, timeout: float | None = None
    ) -> RestoredRole:
        """Restore a role that `find_role` finds, with its grants and holders; trying again goes on where it stopped."""
        deadline = Deadline(timeout)
        found: Restorable[RoleSnapshot] = self.find(conn, "role", role, timeout=timeout)
        found.require_here(elsewhere)
        is_partial, until = found.place in self._partial_roles, deadline.remaining(conn.address.url)
        with found.telling_where():
            try:
                restored = client.restore.restore_role(conn, found.record, may_exist=is_partial, timeout=until)
            except RoleExistsError:
                raise
            except (MilvusException, KeyboardInterrupt) as exc:
                if not isinstance(exc.__cause__, RoleExistsError):  # who can't tell whose it is gives it nothing
                    with self._lock:
                        self._partial_roles.add(found.place)
                raise
        with self._lock:
            if restored.refused:
                self._partial_roles.add(found.place)
            else:
                self._partial_roles.discard(found.place)
                if not found.is_elsewhere:
                    self._records["role"].remove(found.key)
        return _with_note(restored, found)

    def preview_restore_role(self, conn: Connection, role: str, *, timeout: float | None = None) -> Preview:
        """Preview `restore_role`."""
        found: Restorable[RoleSnapshot] = self.find(conn, "role", role, timeout=timeout)
        is_partial = found.place in self._partial_roles
        with found.telling_where():
            preview = client.restore.preview_restore_role(conn, found.record, may_exist=is_partial, timeout=timeout)
        return _with_note(preview, found)

    def restore_description(
        self, conn: Connection, kind: str, name: str, *, elsewhere: bool = False, timeout: float | None = None
    ) -> ChangedDescription:
        """Bring back the description of a `user` or `role` that `find_description` finds."""
        deadline = Deadline(timeout)
        found: Restorable[str] = self.find(conn, DESCRIPTIONS[kind], name, timeout=timeout)
        found.require_here(elsewhere)
        describe = {"user": client.users.describe_user, "role": client.roles.describe_role}[kind]
        with found.telling_where():
            described = describe(conn, name, found.record, timeout=deadline.remaining(conn.address.url))
        return _with_note(described, found)

    def preview_restore_description(
        self, conn: Connection, kind: str, name: str, *, timeout: float | None = None
    ) -> Preview:
        """Preview `restore_description`."""
        found: Restorable[str] = self.find(conn, DESCRIPTIONS[kind], name, timeout=timeout)
        preview = {"user": client.users.preview_describe_user, "role": client.roles.preview_describe_role}[kind]
        with found.telling_where():
            foreseen = preview(conn, name, found.record, timeout=timeout)
        return _with_note(foreseen, found)

    def restore_grants(
        self, conn: Connection, role: str, *, elsewhere: bool = False, timeout: float | None = None
    ) -> RestoredGrants:
        """Take back the last change of what a role holds, then those before; trying again goes on where it stopped."""
        found: Restorable[GrantsSnapshot] = self.find(conn, GRANTS, role, timeout=timeout)
        found.require_here(elsewhere)
        with found.telling_where():
            restored = client.grants.undo.restore_grants(conn, found.record, timeout=timeout)
        if not found.is_elsewhere:
            with self._lock:
                self._records[GRANTS].step_back(found.key, found.record)
        return _with_note(restored, found)

    def preview_restore_grants(self, conn: Connection, role: str, *, timeout: float | None = None) -> Preview:
        """Preview `restore_grants`."""
        found: Restorable[GrantsSnapshot] = self.find(conn, GRANTS, role, timeout=timeout)
        with found.telling_where():
            preview = client.grants.undo.preview_restore_grants(conn, found.record, timeout=timeout)
        return _with_note(preview, found)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            for records in self._records.values():
                records.clear()
            self._partial_roles.clear()
            self._secrets.clear()

    def _forget(self, kind: str, change: Change) -> list[Key]:
        """Forget what a change brought back or made meaningless, and return its keys."""
        return self._records[kind].forget(change.target, change.server, change.cluster)

    def _secret_of(self, conn: Connection, found: Restorable[UserSnapshot]) -> Secret | None:
        with self._lock:
            self._expire()
            secret = self._secrets.get(found.key, (None, 0.0))[0]
        is_moved = found.server != conn.address.url
        if found.is_elsewhere or (is_moved and isinstance(secret, PasswordHash) and not conn.address.is_private):
            return None
        return secret

    def _add(self, kind: str, name: str, kept: UndoRecord[Any]) -> Key:
        """Keep a record, above the one from the same cluster or in its place."""
        key, places = Key(kept.cluster or kept.server, name), self._records[kind].by_name.setdefault(name, {})
        by_cluster, by_address = places.pop(key.place, None), places.pop(kept.server, None)
        places[key.place] = stack(kept, by_cluster or by_address) if kind == GRANTS else kept
        return key

    def _add_role(self, role: str, kept: UndoRecord[RoleSnapshot], *, is_partial: bool) -> None:
        """Remember a role, joined to what it held before where dropping or restoring it stopped half way."""
        key = Key(kept.cluster or kept.server, role)
        if key in self._partial_roles and (before := self._records["role"].get(key)):
            kept = replace(kept, record=kept.record.since(before.record))
        self._add("role", role, kept)
        self._partial_roles.discard(key)
        if is_partial:
            self._partial_roles.add(key)

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


def _with_note(result: Result, found: Restorable[Any]) -> Result:
    """A result or preview that says, too, where what comes back went."""
    if found.is_elsewhere and hasattr(result, "warning"):
        return replace(result, warning=join_parts(found.warning, result.warning))
    return replace(result, note=join_parts(result.note, found.warning or found.note))
