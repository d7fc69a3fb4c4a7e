"""Deleting users, with their password or without; and previews of it."""

from __future__ import annotations

from collections.abc import Collection
from operator import attrgetter

from milvus_magics import errors, wire
from milvus_magics.client import change, lookup, password_check
from milvus_magics.client.names import ADMIN, ROOT
from milvus_magics.client.own_rights import missing_right_note
from milvus_magics.client.results.previews import DeletePreview
from milvus_magics.client.results.users import DeletedUser, UserSnapshot
from milvus_magics.secret import PasswordHash, Secret, mask_secret
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline
from milvus_magics.wording import join_parts

MAY_DELETE = wire.METHODS["DeleteCredential"].privilege
# Deleting a user reaches the proxies within 7 ms (measured), so this is ample.
SECONDS_TO_LOSE_ACCESS = 0.3


def delete_user(
    conn: Connection,
    user: str,
    password: str | Secret,
    *,
    snapshot: UserSnapshot | None = None,
    timeout: float | None = None,
) -> DeletedUser:
    """Delete a user whose password is given, which is checked first.

    With authorization on this takes two round trips. The check protects from mistakes; it is no lock, since
    whoever may delete users can ask the server directly. Names are taken byte for byte as the server lists them.

    Args:
        conn: a connection whose user may delete users (the privilege DropOwnership).
        snapshot: the user as the server has just listed them, for a row of many; by default they are asked for.

    Returns:
        What was deleted, with the roles that went with it.

    Raises:
        WrongPasswordError: nothing was deleted.
        UnknownUserError: there is no such user.
        ProtectedUserError: the server never deletes this user.
        ParameterError: the name is none, or the server (from 2.6) would drop its outer blanks; nothing was deleted.
        CannotVerifyError: here nobody can tell whether the password is right; nothing was deleted.
        OutcomeUnknownError: the answer was lost; the text says what is known.
        ChangeInterrupted: on an interrupt, likewise.
        MilvusException: for everything else.

    Behaviour: `utility.delete_user` in Milvus's documentation.
    """
    password = Secret(password := mask_secret(password))
    deadline = Deadline(timeout)
    lookup.require_user_name(conn, user, deadline)
    with change.attempt(conn, "delete_user", user, f"user {user!r}", "deleted", deadline, is_deletion=True) as attempt:
        with conn.batch() as begin:
            ask = {"user": {"name": user}, "include_role_info": True}
            described = None if snapshot else begin("SelectUser", deadline=deadline, **ask)
            try:
                verdict = password_check.require_right(conn, user, password, deadline)
            except errors.CannotVerifyError as exc:
                raise errors.CannotVerifyError(
                    f"{exc}; an administrator can use %milvus_drop_user, which needs no password"
                ) from exc
            snapshot = lookup.read_user(conn, user, described, deadline) if described else snapshot
        snapshot = snapshot or UserSnapshot(user)
        attempt.remember(snapshot)
        if described and snapshot.roles is None:
            lookup.require_not_gone(conn, user, deadline)

        def is_password_refused(until: Deadline) -> bool | None:
            right = password_check.check_password(conn, user, password, until, may_rewrite=False).right
            return None if right is None else not right

        _send_deletion(conn, user, attempt, password, is_password_refused if verdict.enforced else None)
    return DeletedUser(user, conn.address.url, snapshot.roles, True, attempt.actor_gone, attempt.note)


def drop_user(
    conn: Connection,
    user: str,
    *,
    snapshot: UserSnapshot | None = None,
    password_hash: PasswordHash | None = None,
    timeout: float | None = None,
) -> DeletedUser:
    """Delete a user without their password, for the administrator who does not know it.

    Unlike `MilvusClient.drop_user` of pymilvus, an unknown user is an error.

    Args:
        conn: a connection whose user may delete and list users (DropOwnership, SelectOwnership).
        snapshot: as in `delete_user`.
        password_hash: what `read_password_hashes` told of them; asked for only where there is no snapshot.

    Returns:
        What was deleted, with the roles that went with it.

    Raises:
        UnknownUserError: there is no such user.
        MilvusException: as in `delete_user`, but for the password.
    """
    deadline = Deadline(timeout)
    lookup.require_user_name(conn, user, deadline)
    with change.attempt(conn, "drop_user", user, f"user {user!r}", "deleted", deadline, is_deletion=True) as attempt:
        if snapshot is None:
            snapshot = lookup.read_existing_user(conn, user, deadline)
            password_hash = read_password_hashes(conn, [user], deadline).get(user)
        attempt.remember(snapshot)
        _send_deletion(conn, user, attempt, password_hash)
    return DeletedUser(user, conn.address.url, snapshot.roles, False, attempt.actor_gone, attempt.note)


def preview_delete_user(
    conn: Connection, user: str, password: str | Secret | None = None, *, timeout: float | None = None
) -> DeletePreview:
    """What deleting a user would do. Nothing that could change anything is sent.

    Args:
        password: checked where that is possible without writing; None = not looked into.

    Raises:
        UnknownUserError: there is no such user.
        WrongPasswordError: the password is given and wrong.
        ProtectedUserError: the server never deletes this user.
        MilvusException: for everything else.
    """
    deadline = Deadline(timeout)
    password = None if password is None else Secret(password := mask_secret(password))
    lookup.require_user_name(conn, user, deadline)
    checked = "" if password is None else describe_password(conn, user, password, deadline)
    return _preview(conn, user, deadline, checked, is_drop=False)


def describe_password(conn: Connection, user: str, password: str | Secret, deadline: Deadline) -> str:
    """Check a password without writing anything, and say that it is right, or cannot be checked like that.

    Raises:
        WrongPasswordError, UnknownUserError: as `delete_user`.
    """
    password = Secret(password := mask_secret(password))
    is_right = password_check.require_right(conn, user, password, deadline, may_rewrite=False).right
    return "the password is right" if is_right else password_check.NOT_CHECKED


def preview_drop_user(conn: Connection, user: str, *, timeout: float | None = None) -> DeletePreview:
    """What dropping a user would do, and whether undoing it could bring their password back."""
    deadline = Deadline(timeout)
    lookup.require_user_name(conn, user, deadline)
    return _preview(conn, user, deadline, "", is_drop=True)


def _preview(conn: Connection, user: str, deadline: Deadline, password_note: str, *, is_drop: bool) -> DeletePreview:
    if is_drop:
        snapshot, unseen = lookup.read_existing_user(conn, user, deadline), ""  # or refuse, as the deletion itself
    else:
        snapshot, unseen = lookup.read_visible_user(conn, user, deadline)
    if user == ROOT:
        raise _protected_user_error(user)
    is_last_admin = ADMIN in (snapshot.roles or ()) and lookup.read_holders(conn, ADMIN, deadline) == (user,)
    not_kept = int(user not in read_password_hashes(conn, [user], deadline)) if is_drop else None
    return DeletePreview(
        user=user,
        server=conn.address.url,
        roles=snapshot.roles,
        is_actor=user == conn.user,
        is_last_admin=is_last_admin,
        password=password_note,
        undo=undo_text(conn, [snapshot], not_kept),
        note=_note_on_actor(conn, "" if password_note else unseen, deadline) if conn.user != ROOT else "",
    )


def _note_on_actor(conn: Connection, unseen: str, deadline: Deadline) -> str:
    """What the acting user cannot see, and may not do."""
    return join_parts(unseen, missing_right_note(conn, MAY_DELETE, deadline))


def undo_text(conn: Connection, snapshots: Collection[UserSnapshot], passwords_not_kept: int | None) -> str:
    """How deleted users could be restored, and without what; empty if nothing remembers them.

    Args:
        passwords_not_kept: users whose password cannot be restored; None = of whom one is given, which may be kept.
    """
    restorer = conn.on_change.restorer
    if restorer is None or not snapshots:
        return ""
    if passwords_not_kept is None:
        passwords_not_kept = 0 if restorer.wants_secrets else len(snapshots)
    new = "a new password" if len(snapshots) == 1 else "new passwords"
    whose = f" for {passwords_not_kept} of them" if passwords_not_kept < len(snapshots) else ""
    why = ", as the old cannot be kept here" if restorer.wants_secrets else ""
    password = f"; you'll set {new}{whose}{why}" if passwords_not_kept else ""
    unseen = None in map(attrgetter("roles"), snapshots)
    roles = ", but without roles, which you may not see" if unseen else ""
    return f"you can undo it with {restorer.undo_magics['delete_user']}{roles}{password}"


def read_password_hashes(conn: Connection, users: Collection[str], deadline: Deadline) -> dict[str, PasswordHash]:
    """Read users' password hashes for undo, if that is wanted and the connection is private.

    The server sends those of all users at once; only these are returned, by user.
    """
    if not (conn.on_change.wants_secrets and conn.address.is_private):
        return {}
    try:
        reply = conn.call_checked("BackupRBAC", deadline=deadline)
    except errors.MilvusException:
        return {}
    wanted = frozenset(users)
    return {entry.user: PasswordHash(entry.password) for entry in reply.RBAC_meta.users if entry.user in wanted}


def _send_deletion(
    conn: Connection,
    user: str,
    attempt: change.Attempt,
    secret: Secret | None,
    is_gone_unlisted: change.IsDone | None = None,
) -> None:
    """Send the deletion, and report the secret with it, for undo.

    `is_gone_unlisted` is asked where the caller may not list users.
    """

    def is_gone(until: Deadline) -> bool | None:
        try:
            listed = lookup.is_listed(conn, user, until)
        except errors.AuthenticationError:
            # The own user is gone: it is the one that was deleted.
            return True if user == conn.user else None
        except errors.PermissionDeniedError:
            return is_gone_unlisted(until) if is_gone_unlisted else None
        return None if listed is None else not listed

    attempt.secret = secret
    try:
        attempt.send("DeleteCredential", is_gone, username=user)
    except errors.ProtectedUserError as exc:
        raise _protected_user_error(user) from exc
    if user == conn.user:
        attempt.actor_gone = _has_lost_access(conn)


def _protected_user_error(user: str) -> errors.ProtectedUserError:
    return errors.ProtectedUserError(f"user {user!r} cannot be deleted: the server protects it")


def _has_lost_access(conn: Connection) -> bool:
    """Whether the connection's own login is refused by now. Proxies notice some milliseconds later."""
    until = Deadline(SECONDS_TO_LOSE_ACCESS)
    for _ in until.poll(every=0.005):
        try:
            conn.call("GetVersion", deadline=until)
        except errors.AuthenticationError:
            return True
        except errors.MilvusException:
            return False
    return False
