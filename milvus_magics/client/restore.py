"""Bringing back what was deleted: users with their roles, roles with their grants and holders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from milvus_magics.client import change, lookup, roles, users
from milvus_magics.client.lookup import listed_users_among, read_existing_user
from milvus_magics.client.privileges import restore_grant
from milvus_magics.client.results.previews import Preview
from milvus_magics.client.results.privileges import privileges_text
from milvus_magics.client.results.roles import RestoredRole, RoleSnapshot, holders_text
from milvus_magics.client.results.users import RestoredUser, UserSnapshot, roles_text
from milvus_magics.errors import NOTHING_CHANGED, MilvusException, RoleExistsError, UnknownRoleError, UserExistsError
from milvus_magics.secret import PasswordHash, Secret
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline
from milvus_magics.wording import join_parts, listed


def restore_user(
    conn: Connection, lost: UserSnapshot, password: str | Secret, *, timeout: float | None = None
) -> RestoredUser:
    """Create a deleted user again, with the roles and the description that they had.

    Args:
        conn: a connection whose user may create users and give roles (CreateOwnership, ManageOwnership).
        lost: what the deletion took, as its `Change` says.
        password: the one to give them.
        timeout: seconds for the whole operation; None = until an answer arrives or an error occurs.

    Raises:
        UserExistsError: there is such a user (again).
        UnknownRoleError: one of the roles is gone; nothing was created.
        MilvusException: as `create_user`.
    """
    secret = password = Secret(password)
    try:
        created = users.create_user(
            conn,
            lost.user,
            secret,
            grant=lost.roles or (),
            description=lost.description,
            operation="restore_user",
            timeout=timeout,
        )
    except UnknownRoleError as exc:
        raise _role_is_gone(exc) from exc
    return _restored(conn, lost, None, created.note)


def restore_user_by_hash(
    conn: Connection, lost: UserSnapshot, hashed: PasswordHash, *, timeout: float | None = None
) -> RestoredUser:
    """Bring a deleted user back with the password that they had, of which only the hash is known.

    Args:
        conn: a connection whose user may restore (the privilege RestoreRBAC).
        lost: what the deletion took.
        hashed: the hash that was kept before the deletion.
        timeout: seconds for the whole operation; None = until an answer arrives or an error occurs.

    Raises:
        UserExistsError: there is such a user (again).
        UnknownRoleError: one of the roles is gone; nothing was created.
        ServerTooOldError: the server cannot (before 2.4.10).
    """
    deadline = Deadline(timeout)
    held, note = lost.roles or (), ""
    with change.attempt(conn, "restore_user", lost.user, f"user {lost.user!r}", "restored", deadline) as attempt:
        if lookup.is_listed(conn, lost.user, deadline):
            raise UserExistsError(f"user {lost.user!r} exists already on {conn.address.url}", outcome=NOTHING_CHANGED)
        try:
            lookup.require_roles(conn, held, deadline)
        except UnknownRoleError as exc:
            raise _role_is_gone(exc) from exc
        entry = {"user": lost.user, "password": hashed, "roles": [{"name": role} for role in held]}
        attempt.send(
            "RestoreRBAC", lambda until: lookup.is_listed(conn, lost.user, until), RBAC_meta={"users": [entry]}
        )
        if lost.description:
            with change.report_progress(
                lambda: f"user {lost.user!r} is restored, but without their description", how_to_resume=""
            ):
                note = _describe(conn, lost, deadline)
    return _restored(conn, lost, True, attempt.note, note)


def restore_role(
    conn: Connection, lost: RoleSnapshot, *, begun: bool = False, timeout: float | None = None
) -> RestoredRole:
    """Create a dropped role again, with its grants in all databases and the users who held it.

    Args:
        conn: a connection whose user may do so (CreateOwnership, ManageOwnership).
        lost: what the drop took, as its `Change` says.
        begun: whether it was tried before: then it is no error that there is such a role, and the rest is done.
        timeout: seconds for the whole operation; None = until an answer arrives or an error occurs.

    Raises:
        RoleExistsError: there is such a role (again).
        MilvusException: the text says what is restored and what is not.
    """
    deadline = Deadline(timeout)
    with change.attempt(conn, "restore_role", lost.role, f"role {lost.role!r}", "restored", deadline) as attempt:
        present = listed_users_among(conn, lost.users or (), deadline)
        gone = tuple(user for user in lost.users or () if user not in present)
        try:
            with attempt.nested():
                roles.create_role(conn, lost.role, description=lost.description, timeout=deadline.remaining())
        except RoleExistsError:
            if not begun:
                raise
        _give_back(conn, attempt, lost, present, deadline)
        attempt.outcome = "done"
    return RestoredRole(lost.role, conn.address.url, present, lost.grants, gone)


def preview_restore_user(
    conn: Connection, lost: UserSnapshot, *, same_password: bool, timeout: float | None = None
) -> Preview:
    """What `restore_user` would do."""
    deadline = Deadline(timeout)
    if lookup.is_listed(conn, lost.user, deadline):
        raise UserExistsError(f"user {lost.user!r} exists already on {conn.address.url}", outcome=NOTHING_CHANGED)
    try:
        lookup.require_roles(conn, lost.roles or (), deadline)
    except UnknownRoleError as exc:
        raise _role_is_gone(exc) from exc
    how = "the password that they had" if same_password else "a password given anew"
    return Preview(f"restore user {lost.user!r} with {roles_text(lost.roles)} and {how}", conn.address.url)


def preview_restore_role(
    conn: Connection, lost: RoleSnapshot, *, begun: bool = False, timeout: float | None = None
) -> Preview:
    """What `restore_role` would do."""
    deadline = Deadline(timeout)
    if lost.role in lookup.require_roles(conn, [], deadline) and not begun:
        raise RoleExistsError(f"role {lost.role!r} exists already on {conn.address.url}", outcome=NOTHING_CHANGED)
    return Preview(
        f"restore role {lost.role!r}, {holders_text(lost.users, None)}, {privileges_text(lost.grants, None)},",
        conn.address.url,
    )


def _give_back(
    conn: Connection, attempt: change.Attempt, lost: RoleSnapshot, users: Sequence[str], deadline: Deadline
) -> None:
    """Give a role, which is there, what it held, and give it to those who held it."""

    def bind(user: str) -> None:
        roles.grant_role(conn, user, lost.role, timeout=deadline.remaining())

    steps: list[tuple[str, Callable[[], object]]] = [
        (str(grant), partial(restore_grant, conn, grant, deadline)) for grant in lost.grants or ()
    ]
    steps += [(f"user {user!r}", partial(bind, user)) for user in users]
    done: list[str] = []

    def progress() -> str:
        without = f", but not with {steps[len(done)][0]}" if len(done) < len(steps) else ""
        return f"role {lost.role!r} is created with {listed(done) or 'nothing so far'}{without}"

    with change.report_progress(progress):
        for what, step in steps:
            with attempt.nested():
                step()
            done.append(what)


def _describe(conn: Connection, lost: UserSnapshot, deadline: Deadline) -> str:
    """Describe a user as they were, which a backup holds nothing of; what to say where that fails."""
    subject, verb = f"the description of user {lost.user!r}", "restored"
    try:
        with change.attempt(conn, "describe_user", lost.user, subject, verb, deadline) as attempt:

            def is_so(until: Deadline) -> bool | None:
                return read_existing_user(conn, lost.user, until).description == lost.description

            attempt.send("UpdateCredential", is_so, username=lost.user, description=lost.description)
    except MilvusException as exc:
        return f"their description ({lost.description}) is not restored: {exc}"
    return ""


def _restored(conn: Connection, lost: UserSnapshot, same_password: bool | None, *notes: str) -> RestoredUser:
    unknown = "their roles were not known, so they have none" if lost.roles is None else ""
    note = join_parts(*notes, unknown)
    return RestoredUser(lost.user, conn.address.url, lost.roles or (), same_password, note)


def _role_is_gone(exc: UnknownRoleError) -> UnknownRoleError:
    return UnknownRoleError(
        f"{exc}; a role dropped in this session comes back by %milvus_restore_role", details=exc.details
    )
