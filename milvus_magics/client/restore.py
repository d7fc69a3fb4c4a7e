"""Restoring deleted users with their roles, and dropped roles with their grants and holders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from milvus_magics import wire
from milvus_magics.client import change, lookup, rbac_restore, roles, user_deletion, users
from milvus_magics.client.grants.listing import list_grants
from milvus_magics.client.grants.requests import restore_grant
from milvus_magics.client.grants.scope import read_groups_for, require_known_database, require_known_privilege
from milvus_magics.client.own_rights import missing_right_note
from milvus_magics.client.results.previews import Preview
from milvus_magics.client.results.privileges import Grant, Grants, privileges_text
from milvus_magics.client.results.roles import RestoredRole, RoleSnapshot, holders_text
from milvus_magics.client.results.users import RestoredUser, UserSnapshot, held_roles_text
from milvus_magics.errors import (
    NOTHING_CHANGED,
    NOTHING_SENT,
    MilvusException,
    OutcomeUnknownError,
    ParameterError,
    PermissionDeniedError,
    RoleExistsError,
    ServerError,
    UnknownDatabaseError,
    UnknownPrivilegeError,
    UnknownRoleError,
    UnknownUserError,
    UserExistsError,
)
from milvus_magics.secret import PasswordHash, Secret, mask_secret
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline
from milvus_magics.wording import join_parts, list_text, name_text, names_text

# They concern one grant or user; after others, like PermissionDeniedError, the rest would fail, too.
REFUSED_STEPS = (ParameterError, UnknownDatabaseError, UnknownPrivilegeError, UnknownUserError, ServerError)


def restore_user(
    conn: Connection, snapshot: UserSnapshot, password: str | Secret, *, timeout: float | None = None
) -> RestoredUser:
    """Create a deleted user again, with the roles and the description that they had.

    Args:
        conn: a connection whose user may create users and give roles (CreateOwnership, ManageOwnership).
        snapshot: what the deletion took, as its `Change` says.

    Raises:
        UserExistsError: there is such a user (again).
        UnknownRoleError: one of the roles is gone; nothing was created.
        MilvusException: as `create_user`.
    """
    secret = password = Secret(password := mask_secret(password))
    try:
        created = users.create_user(
            conn,
            snapshot.user,
            secret,
            grant=snapshot.roles or (),
            description=snapshot.description,
            operation="restore_user",
            timeout=timeout,
        )
    except UnknownRoleError as exc:
        raise _missing_role_error(exc) from exc
    return _describe_restored(conn, snapshot, None, created.note)


def restore_user_by_hash(
    conn: Connection, snapshot: UserSnapshot, hashed: PasswordHash, *, timeout: float | None = None
) -> RestoredUser:
    """Bring a deleted user back with the password that they had, of which only the hash is known.

    Args:
        conn: a connection whose user may restore (the privilege RestoreRBAC).
        snapshot: what the deletion took.
        hashed: the hash that was kept before the deletion.

    Raises:
        UserExistsError: there is such a user (again).
        UnknownRoleError: one of the roles is gone; nothing was created.
        ServerTooOldError: the server cannot (before 2.4.10).
    """
    deadline = Deadline(timeout)
    role_names, note = snapshot.roles or (), ""
    with change.attempt(
        conn, "restore_user", snapshot.user, f"user {snapshot.user!r}", "restored", deadline
    ) as attempt:
        _require_restorable(conn, snapshot, deadline)
        user = rbac_restore.HashedUser(snapshot.user, hashed, role_names)
        rbac_restore.send_users(
            attempt,
            [user],
            lambda until: lookup.is_listed(conn, snapshot.user, until),
            repeated=UserExistsError,
            is_ours=lambda until: _has_hash(conn, snapshot.user, hashed, until),
        )
        if snapshot.description:
            with change.report_progress(
                lambda: f"user {snapshot.user!r} is restored, but without their description", how_to_resume=""
            ):
                note = _describe(conn, snapshot, deadline)
    return _describe_restored(conn, snapshot, True, attempt.note, note)


def restore_role(
    conn: Connection, snapshot: RoleSnapshot, *, may_exist: bool = False, timeout: float | None = None
) -> RestoredRole:
    """Create a dropped role again, with its grants in all databases and the users who held it.

    Args:
        conn: a connection whose user may do so (CreateOwnership, ManageOwnership).
        snapshot: what the drop took, as its `Change` says.
        may_exist: whether there may be such a role from an earlier try; then only the rest is done.

    Returns:
        What is restored, and what the server refused: a grant in a database that is gone, for example.

    Raises:
        RoleExistsError: there is such a role (again).
        MilvusException: the text says what is restored and what is not.
    """
    deadline = Deadline(timeout)
    with change.attempt(
        conn, "restore_role", snapshot.role, f"role {snapshot.role!r}", "restored", deadline
    ) as attempt:
        present, gone = _split_holders(conn, snapshot, deadline)
        _create_again(conn, attempt, snapshot, may_exist, deadline)
        done, refused = _give_back(conn, attempt, snapshot, present, deadline)
        attempt.outcome = "partly" if refused else "done"
    users = tuple(user for user in present if user in done)
    grants = snapshot.grants and Grants(list(filter(done.__contains__, snapshot.grants)))
    note = _describe_differences(conn, snapshot.role, grants, deadline)
    return RestoredRole(snapshot.role, conn.address.url, users, grants, gone, refused, note)


def preview_restore_user(
    conn: Connection,
    snapshot: UserSnapshot,
    *,
    same_password: bool,
    by_hash: bool = False,
    timeout: float | None = None,
) -> Preview:
    """What `restore_user` would do, or `restore_user_by_hash`."""
    deadline, unseen = Deadline(timeout), ""
    try:
        _require_restorable(conn, snapshot, deadline)
    except PermissionDeniedError:
        if by_hash:
            raise  # as that itself
        unseen = f"whether there is such a user already {lookup.CANNOT_BE_SEEN}"
    how = "with the password they had" if same_password else "with a new password"
    needed, later = wire.METHODS["CreateCredential"].privilege, users.rights_to_give(snapshot.roles or ())
    if by_hash:
        needed, later = rbac_restore.MAY_RESTORE, {}
    lacking = missing_right_note(conn, needed, deadline, later=later)
    caution = join_parts(lookup.lost_description_note(conn, snapshot.description, deadline), lacking)
    what = f"restore {name_text(snapshot.user)} {held_roles_text(snapshot.roles)} {how}"
    return Preview(what, conn.address.url, note=unseen, caution=caution)


def preview_restore_role(
    conn: Connection, snapshot: RoleSnapshot, *, may_exist: bool = False, timeout: float | None = None
) -> Preview:
    """What `restore_role` would do."""
    deadline = Deadline(timeout)
    if snapshot.role in lookup.require_roles(conn, [], deadline) and not may_exist:
        raise lookup.role_exists_error(conn, snapshot.role)
    users, gone = _foresee_holders(conn, snapshot, deadline)
    grants, refused = _foresee_grants(conn, snapshot.grants, deadline)
    held = f"({holders_text(snapshot.role, users, None)}, {privileges_text(snapshot.role, grants, None)})"
    later = {roles.MAY_BIND: "to give it back what it held, and to whom"} if snapshot.users or snapshot.grants else {}
    later |= {lookup.MAY_LIST: ""} if snapshot.users else {}  # who is still there is read first
    lacking = missing_right_note(conn, wire.METHODS["CreateRole"].privilege, deadline, later=later)
    caution = join_parts(refused, lookup.lost_description_note(conn, snapshot.description, deadline), lacking)
    what = f"restore the role {name_text(snapshot.role)} {held}"
    return Preview(what, conn.address.url, note=gone, caution=caution)


def _foresee_holders(
    conn: Connection, snapshot: RoleSnapshot, deadline: Deadline
) -> tuple[tuple[str, ...] | None, str]:
    """Who would hold a role again, as far as the caller may look, and who is gone, in words."""
    try:
        present, gone = _split_holders(conn, snapshot, deadline)
    except PermissionDeniedError:
        return snapshot.users, ""
    text = f"not there any more: {names_text(gone, 5)}" if gone else ""
    return None if snapshot.users is None else present, text


def _foresee_grants(conn: Connection, grants: Grants | None, deadline: Deadline) -> tuple[Sequence[Grant] | None, str]:
    """What a role would hold again, and in words what is refused. That is what has lost its database or group."""
    if not grants:
        return grants, ""
    groups = read_groups_for(conn, [grant.privilege for grant in grants], deadline)
    kept, refused = [], []
    for grant in grants:
        try:
            require_known_privilege(conn, grant.privilege, groups, deadline, to_the_letter=True)
            require_known_database(conn, grant, deadline)
            kept.append(grant)
        except (ParameterError, UnknownPrivilegeError) as exc:
            refused.append(f"{grant} ({exc.reason})")
    return kept, f"the server will refuse {list_text(refused)}" if refused else ""


def _split_holders(
    conn: Connection, snapshot: RoleSnapshot, deadline: Deadline
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Who held a role and is still there, and who is gone."""
    held = snapshot.users or ()
    names = lookup.list_usernames(conn, deadline) if held else ()
    return tuple(user for user in held if user in names), tuple(user for user in held if user not in names)


def _require_restorable(conn: Connection, snapshot: UserSnapshot, deadline: Deadline) -> None:
    """Raise if the user is back, a role of theirs is gone, or nobody could delete them again."""
    lookup.require_user_name(conn, snapshot.user, deadline)
    if lookup.is_listed(conn, snapshot.user, deadline):
        raise lookup.user_exists_error(conn, snapshot.user)
    try:
        lookup.require_roles(conn, snapshot.roles or (), deadline)
    except UnknownRoleError as exc:
        raise _missing_role_error(exc) from exc


def _has_hash(conn: Connection, user: str, hashed: PasswordHash, deadline: Deadline) -> bool | None:
    """Whether a user has the password of this hash; None where hashes are not to be seen."""
    found = user_deletion.read_password_hashes(conn, [user], deadline).get(user)
    return None if found is None else found == hashed


def _create_again(
    conn: Connection, attempt: change.Attempt, snapshot: RoleSnapshot, may_exist: bool, deadline: Deadline
) -> None:
    """Create a dropped role, which may be there from an earlier try."""
    try:
        with attempt.nested():
            roles.create_role(conn, snapshot.role, description=snapshot.description, timeout=deadline.remaining())
    except (RoleExistsError, OutcomeUnknownError) as exc:
        # Who may not look can't tell whether it is there by this very request.
        if not (may_exist and RoleExistsError in (type(exc), type(exc.__cause__))):
            raise


def _give_back(
    conn: Connection, attempt: change.Attempt, snapshot: RoleSnapshot, users: Sequence[str], deadline: Deadline
) -> tuple[list[Grant | str], tuple[str, ...]]:
    """Give a role its grants and holders again; return what is done, and what is refused with why."""

    def bind(user: str) -> None:
        roles.bind_role(conn, user, snapshot.role, timeout=deadline.remaining())

    steps: list[tuple[Grant | str, str, Callable[[], object]]] = [
        (grant, str(grant), partial(restore_grant, conn, grant, deadline)) for grant in snapshot.grants or ()
    ]
    steps += [(user, f"user {user!r}", partial(bind, user)) for user in users]
    done: dict[Grant | str, str] = {}
    refused: list[str] = []

    def progress() -> str:
        tried = len(done) + len(refused)
        without = f", but not with {steps[tried][1]}" if tried < len(steps) else ""
        return f"role {snapshot.role!r} is created with {list_text(list(done.values())) or 'nothing so far'}{without}"

    with change.report_progress(progress):
        for thing, what, step in steps:
            try:
                with attempt.nested():
                    step()
            except REFUSED_STEPS as exc:
                if exc.outcome not in (NOTHING_SENT, NOTHING_CHANGED):
                    raise
                refused.append(f"{what} ({exc.reason})")
            else:
                done[thing] = what
    return list(done), tuple(refused)


def _describe_differences(conn: Connection, role: str, grants: Grants | None, deadline: Deadline) -> str:
    """Say where the server took a grant for another one; empty if it didn't or can't be asked.

    Newer servers resolve aliases, and give some privileges together with others.
    """
    try:
        present = {replace(grant, grantor="") for grant in list_grants(conn, role, timeout=deadline.remaining())}
    except MilvusException:
        return ""
    wanted = {replace(grant, grantor="") for grant in grants or ()}
    missing, more = (sorted(map(str, rows)) for rows in (wanted - present, present - wanted))
    return join_parts(
        f"not listed after it: {list_text(missing)}" if missing else "",
        f"listed now and not before: {list_text(more)}" if more and grants is not None else "",
    )


def _describe(conn: Connection, snapshot: UserSnapshot, deadline: Deadline) -> str:
    """Restore a user's description, which no backup holds; return a note if that fails."""
    subject = f"the description of user {snapshot.user!r}"
    try:
        with change.attempt(conn, "describe_user", snapshot.user, subject, "restored", deadline) as attempt:
            users.send_description(conn, attempt, snapshot.user, snapshot.description)
    except MilvusException as exc:
        return f"their description ({snapshot.description}) is not restored: {exc}"
    return ""


def _describe_restored(
    conn: Connection, snapshot: UserSnapshot, same_password: bool | None, *notes: str
) -> RestoredUser:
    unknown = "their roles were not known, so they have none" if snapshot.roles is None else ""
    note = join_parts(*notes, unknown)
    return RestoredUser(snapshot.user, conn.address.url, snapshot.roles or (), same_password, note)


def _missing_role_error(exc: UnknownRoleError) -> UnknownRoleError:
    return UnknownRoleError(f"{exc}; a role dropped in this session comes back by %milvus_restore_role")
