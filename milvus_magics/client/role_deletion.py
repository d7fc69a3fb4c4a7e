"""Dropping roles with what they hold, and a preview of it."""

from __future__ import annotations

import secrets

from milvus_magics import wire
from milvus_magics.client import change, lookup
from milvus_magics.client.grants.listing import list_grants_if_permitted
from milvus_magics.client.grants.requests import revoke_listed_grant
from milvus_magics.client.names import ADMIN, PUBLIC, problem_with_existing_name, require_valid
from milvus_magics.client.own_rights import missing_right_note
from milvus_magics.client.results.previews import DropRolePreview
from milvus_magics.client.results.privileges import Grants
from milvus_magics.client.results.roles import DroppedRole, RoleSnapshot
from milvus_magics.errors import (
    NOTHING_CHANGED,
    InUseError,
    PermissionDeniedError,
    ProtectedRoleError,
    UnknownRoleError,
)
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline
from milvus_magics.wire.versions import FEATURES
from milvus_magics.wording import join_parts, list_text


def preview_drop_role(
    conn: Connection, role: str, *, force: bool = False, timeout: float | None = None
) -> DropRolePreview:
    """What dropping a role would do. Nothing that could change anything is sent.

    Args:
        force: whether what it holds would be revoked first.

    Raises:
        UnknownRoleError: there is no such role.
        ProtectedRoleError: the server never drops it.
    """
    require_valid(problem_with_existing_name(role, "role"))
    deadline = Deadline(timeout)
    snapshot = _read_droppable_role(conn, role, deadline)
    own = lookup.is_own_role(conn, role, deadline)
    warning = "you hold this role yourself, and will lose what it gives" if own else ""
    note = join_parts(
        "" if _is_seen(snapshot) else f"whether there is such a role {lookup.CANNOT_BE_SEEN}",
        _unseen_grants_note(conn, snapshot, force, deadline),
        missing_right_note(
            conn, wire.METHODS["DropRole"].privilege, deadline, later=_rights_to_revoke(conn, snapshot, force, deadline)
        ),
    )
    undo = conn.on_change.undo_text("drop_role")
    without = f", but without {snapshot.unseen}" if undo and snapshot.unseen else ""
    return DropRolePreview(
        role,
        conn.address.url,
        snapshot.users,
        snapshot.grants,
        force,
        undo + without,
        warning,
        note,
    )


def drop_role(conn: Connection, role: str, *, force: bool = False, timeout: float | None = None) -> DroppedRole:
    """Drop a role; who held it loses it.

    Args:
        conn: a connection whose user may do so (the privilege DropOwnership; with `force` ManageOwnership too).
        force: revoke what it holds, in all databases. Without it, a role that holds privileges is refused. Servers
            before 2.6 have no such thing, or drop what other roles hold, too (those whose names begin with this one);
            there it is revoked one by one before, if the caller may drop roles.

    Raises:
        UnknownRoleError: there is no such role.
        InUseError: it holds privileges, and `force` was not given; nothing was changed.
        ProtectedRoleError: the server never drops it.
        OutcomeUnknownError: the answer was lost, or there is no such role and the caller may not see whether there was
            one; the text says what is known.

    Behaviour: `Role.drop` in Milvus's documentation.
    """
    require_valid(problem_with_existing_name(role, "role"))
    deadline = Deadline(timeout)
    revoked = 0
    with change.attempt(conn, "drop_role", role, f"role {role!r}", "dropped", deadline, is_deletion=True) as attempt:
        snapshot = _read_droppable_role(conn, role, deadline)
        attempt.remember(snapshot)
        if snapshot.grants and not force:
            raise InUseError(
                f"role {role!r} holds {list_text(list(snapshot.grants))}: revoke that first, or force it (--force)",
                outcome=NOTHING_CHANGED,
            )
        if force and _has_forced_drop(conn, deadline):
            _send_drop(conn, attempt, snapshot, deadline, force=True)
        elif snapshot.grants:
            _revoke_all_and_drop(conn, attempt, snapshot, snapshot.grants, deadline)
            revoked = len(snapshot.grants)
        else:
            _send_drop(conn, attempt, snapshot, deadline, force=False)
    notes = (attempt.note, f"revoked before, one by one: {revoked}" if revoked else "")
    return DroppedRole(role, conn.address.url, snapshot.users, snapshot.grants, join_parts(*notes))


def require_not_built_in(role: str, deed: str) -> None:
    """Raise if a role is one of the server's own, which it refuses to change.

    Raises:
        ProtectedRoleError: it is `admin` or `public`.
    """
    if role in (ADMIN, PUBLIC):
        raise protected_role_error(role, deed)


def protected_role_error(role: str, deed: str) -> ProtectedRoleError:
    """The error for a role that the server never changes."""
    return ProtectedRoleError(f"role {role!r} cannot be {deed}: it is one of Milvus's own")


def _read_droppable_role(conn: Connection, role: str, deadline: Deadline) -> RoleSnapshot:
    """What would go with a role that exists and is not built in, as far as the caller may look."""
    require_not_built_in(role, "dropped")
    try:
        found = lookup.find_role(conn, role, deadline)
    except PermissionDeniedError:
        return RoleSnapshot(role, None, list_grants_if_permitted(conn, role, deadline))
    return RoleSnapshot(
        role, lookup.user_names_in(found), list_grants_if_permitted(conn, role, deadline), found.role.description
    )


def _has_forced_drop(conn: Connection, deadline: Deadline) -> bool:
    return not lookup.is_older(conn, FEATURES["forced role drop"], deadline, if_unreadable=True)


def _unseen_grants_note(conn: Connection, snapshot: RoleSnapshot, force: bool, deadline: Deadline) -> str:
    """A note where the role may hold what the caller cannot see, so that the server would refuse."""
    if snapshot.grants is not None or (force and _has_forced_drop(conn, deadline)):
        return ""
    return f"whether it holds privileges, so that the server will refuse, {lookup.CANNOT_BE_SEEN}"


def _rights_to_revoke(conn: Connection, snapshot: RoleSnapshot, force: bool, deadline: Deadline) -> dict[str, str]:
    """What is needed besides dropping where a role's grants are revoked one by one, and for what."""
    is_one_by_one = force and snapshot.grants and not _has_forced_drop(conn, deadline)
    return {wire.METHODS["OperatePrivilege"].privilege: "to revoke what it holds"} if is_one_by_one else {}


def _is_seen(snapshot: RoleSnapshot) -> bool:
    """Whether the server has told anything of a role, so that there is one."""
    return snapshot.users is not None or snapshot.grants is not None


def _send_drop(
    conn: Connection, attempt: change.Attempt, snapshot: RoleSnapshot, deadline: Deadline, *, force: bool
) -> None:
    role = snapshot.role
    try:
        attempt.send(
            "DropRole",
            lambda until: not lookup.is_listed_role(conn, role, until),
            repeated=UnknownRoleError,
            role_name=role,
            force_drop=force,
        )
    except ProtectedRoleError as exc:
        raise protected_role_error(role, "dropped") from exc
    except UnknownRoleError as exc:
        raise lookup.unknown_role_error(conn, role, []) from exc
    except InUseError as exc:
        # A dropped database leaves grants behind: https://github.com/milvus-io/milvus/issues/46887
        raise InUseError(
            f"role {role!r} holds privileges that this user cannot see or that are left from a dropped database: "
            f"force it (--force), as somebody with {lookup.MAY_LIST}; it is not dropped",
        ) from exc


def _revoke_all_and_drop(
    conn: Connection, attempt: change.Attempt, snapshot: RoleSnapshot, grants: Grants, deadline: Deadline
) -> None:
    """Revoke one by one, then drop, as newer servers do; an error says what is gone already."""
    role, left = snapshot.role, list(grants)
    _require_right_to_drop(conn, deadline)

    def progress() -> str:
        is_kept = conn.on_change.restorer and attempt.outcome != "refused"
        back = " (%milvus_restore_role brings them back)" if is_kept else ""
        revoked = f"{len(grants) - len(left)} of the {len(grants)} privileges of role {role!r} are revoked{back}"
        return f"{revoked}, but not {left[0]}" if left else f"{revoked}, but dropping it is not confirmed"

    with change.report_progress(progress):
        while left:
            with attempt.nested():
                revoke_listed_grant(conn, left[0], deadline)
            del left[0]
        _send_drop(conn, attempt, snapshot, deadline, force=False)


def _require_right_to_drop(conn: Connection, deadline: Deadline) -> None:
    """Raise if the caller may not drop roles, found out by dropping one that does not exist.

    Raises:
        PermissionDeniedError: they may not.
    """
    conn.call("DropRole", deadline=deadline, role_name=f"mm_{secrets.token_hex(8)}")
