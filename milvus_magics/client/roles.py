"""Roles and who holds them. Dropping them has a file of its own."""

from __future__ import annotations

from milvus_magics import errors, wire
from milvus_magics.client import change, lookup, role_deletion
from milvus_magics.client.grants.listing import list_grants_if_permitted
from milvus_magics.client.names import (
    ADMIN,
    USUAL_ROLE_LIMIT,
    problem_with_description,
    problem_with_existing_name,
    problem_with_role_name,
    require_valid,
)
from milvus_magics.client.own_rights import missing_right_note
from milvus_magics.client.results.descriptions import ChangedDescription, DescriptionSnapshot, preview_of_description
from milvus_magics.client.results.previews import Preview
from milvus_magics.client.results.roles import CreatedRole, Role, RoleBinding, RoleDetails, Roles
from milvus_magics.client.results.users import held_roles_text
from milvus_magics.client.role_deletion import drop_role as drop_role
from milvus_magics.client.role_deletion import preview_drop_role as preview_drop_role
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline
from milvus_magics.wording import count_text, join_parts, name_text

MAY_BIND = wire.METHODS["OperateUserRole"].privilege


def list_roles(conn: Connection, *, users: bool = True, timeout: float | None = None) -> Roles:
    """All roles with their holders, by one call. Needs the privilege SelectOwnership.

    Args:
        users: whether to ask who holds them, too.
    """
    reply = conn.call_checked("SelectRole", deadline=Deadline(timeout), include_user_info=users)
    rows = [
        Role(result.role.name, lookup.user_names_in(result) if users else None, result.role.description)
        for result in reply.results
    ]
    rows.sort(key=lambda row: row.name)
    return Roles(rows, f"{count_text(len(rows), 'role')} on {conn.address.url}")


def list_role(conn: Connection, role: str, *, timeout: float | None = None) -> RoleDetails:
    """One role: who holds it, and what it holds in all databases.

    Args:
        conn: a connection whose user may look (the privilege SelectOwnership).

    Raises:
        UnknownRoleError: there is no such role.
    """
    require_valid(problem_with_existing_name(role, "role"))
    deadline = Deadline(timeout)
    found = lookup.find_role(conn, role, deadline, outcome=None)
    return RoleDetails(
        role, lookup.user_names_in(found), list_grants_if_permitted(conn, role, deadline), found.role.description
    )


def create_role(conn: Connection, role: str, *, description: str = "", timeout: float | None = None) -> CreatedRole:
    """Create a role, which holds no privileges yet.

    Args:
        conn: a connection whose user may do so (the privilege CreateOwnership).
        role: 1 to 255 bytes: a letter or `_`, then letters, digits, `_`, `$`.
        description: on servers that keep it (from 2.6.19); the result says where it is lost.

    Raises:
        ParameterError: the name cannot be.
        RoleExistsError: there is such a role.
        LimitReachedError: the server takes no more roles.
        OutcomeUnknownError: the answer was lost, or there is such a role and the caller may not see whether there was
            before; the text says what is known.

    Behaviour: `Role.create` in Milvus's documentation.
    """
    require_valid(problem_with_role_name(role))
    deadline = Deadline(timeout)
    entity = {"name": role, **({"description": description} if description else {})}
    with change.attempt(conn, "create_role", role, f"role {role!r}", "created", deadline) as attempt:
        _require_new(conn, role, deadline)
        try:
            attempt.send(
                "CreateRole",
                lambda until: lookup.is_listed_role(conn, role, until),
                repeated=errors.RoleExistsError,
                entity=entity,
            )
        except errors.RoleExistsError as exc:
            raise lookup.role_exists_error(conn, role) from exc
        except errors.LimitReachedError as exc:
            raise errors.LimitReachedError(
                f"the server takes no more roles, 'admin' and 'public' included (setting proxy.maxRoleNum, "
                f"{USUAL_ROLE_LIMIT} by default); drop one, or have the limit raised; role {role!r} is not created",
            ) from exc
        note = lookup.missing_description_note(lambda: _read_description(conn, role, deadline)) if description else ""
    return CreatedRole(role, conn.address.url, join_parts(attempt.note, note))


def describe_role(conn: Connection, role: str, description: str, *, timeout: float | None = None) -> ChangedDescription:
    """Change a role's description; needs Milvus 2.6.19.

    Args:
        conn: a connection whose user may do so (the privilege CreateOwnership).
        role: an existing role, not a built-in one.
        description: the new text, up to 1024 bytes; empty for none.

    Raises:
        ParameterError: the description cannot be; nothing was sent.
        UnknownRoleError: there is no such role.
        ProtectedRoleError: the server never changes it.
        ServerTooOldError: the server keeps no descriptions; nothing was changed.
        OutcomeUnknownError: the answer was lost; the text says what is known.

    Behaviour: `AlterRole` of Milvus's protocol, and of `MilvusClient.alter_role` in its documentation.
    """
    require_valid(problem_with_existing_name(role, "role") or problem_with_description(description))
    deadline = Deadline(timeout)
    subject = f"the description of role {role!r}"
    with change.attempt(conn, "describe_role", role, subject, "changed", deadline) as attempt:
        before = _find_description(conn, role, deadline)
        if before is not None:
            attempt.remember(DescriptionSnapshot("role", role, before))

        def is_described(until: Deadline) -> bool | None:
            return _read_description(conn, role, until) == description

        try:
            attempt.send("AlterRole", is_described, role_name=role, description=description)
        except errors.UnknownRoleError as exc:
            raise lookup.unknown_role_error(conn, role, []) from exc
    return ChangedDescription("role", role, conn.address.url, description, before, attempt.note)


def grant_role(conn: Connection, user: str, role: str, *, timeout: float | None = None) -> RoleBinding:
    """Give a role to a user; that they hold it already is no error.

    Args:
        conn: a connection whose user may do so (the privilege ManageOwnership).

    Returns:
        What was given; it says where they had it already, if the caller may see that (the privilege SelectUser).

    Raises:
        UnknownUserError, UnknownRoleError: there is no such user or role; nothing was changed.
        OutcomeUnknownError: the answer was lost; the text says what is known.
        MilvusException: for everything else.

    Behaviour: `Role.add_user` in Milvus's documentation.
    """
    return _bind(conn, user, role, Deadline(timeout), granted=True, looks_first=True)


def bind_role(conn: Connection, user: str, role: str, *, timeout: float | None = None) -> None:
    """As `grant_role` by one call less: without asking before whether they have it."""
    _bind(conn, user, role, Deadline(timeout), granted=True)


def revoke_role(conn: Connection, user: str, role: str, *, timeout: float | None = None) -> RoleBinding:
    """Take a role from a user. Unlike in pymilvus, a role that they do not hold is an error.

    Args:
        conn: a connection whose user may do so (the privilege ManageOwnership).

    Returns:
        What was taken; its note says so where the caller may not see whether they held it (the privilege
            SelectOwnership).

    Raises:
        NotGrantedError: they do not hold it; nothing was changed.
        UnknownUserError, UnknownRoleError: there is no such user or role; nothing was changed.
        OutcomeUnknownError: the answer was lost; the text says what is known.

    Behaviour: `Role.remove_user` in Milvus's documentation.
    """
    return _bind(conn, user, role, Deadline(timeout), granted=False)


def _bind(
    conn: Connection, user: str, role: str, deadline: Deadline, *, granted: bool, looks_first: bool = False
) -> RoleBinding:
    _require_valid_names(user, role)
    operation = "grant_role" if granted else "revoke_role"
    subject, verb = f"role {role!r}", f"given to {user!r}" if granted else f"taken from {user!r}"

    def is_so(until: Deadline) -> bool | None:
        users = lookup.read_holders(conn, role, until)
        return None if users is None else (user in users) is granted

    with change.attempt(conn, operation, f"{user} {role}", subject, verb, deadline) as attempt:
        unseen = "" if granted else _require_held(conn, user, role, deadline)[1]
        was_held = looks_first and role in _read_roles(conn, user, deadline)
        kind = wire.enum_value("OperateUserRoleType", "AddUserToRole" if granted else "RemoveUserFromRole")
        try:
            attempt.send("OperateUserRole", is_so, username=user, role_name=role, type=kind)
        except (errors.UnknownUserError, errors.UnknownRoleError) as exc:
            raise _unknown_user_or_role_error(conn, user, role, deadline, exc) from exc
    return RoleBinding(user, role, conn.address.url, granted, join_parts(attempt.note, unseen), was_held)


def _read_roles(conn: Connection, user: str, deadline: Deadline) -> tuple[str, ...]:
    """The roles of a user, by one call; none if they cannot be seen, or there is no such user."""
    described = conn.begin("SelectUser", deadline=deadline, user={"name": user}, include_role_info=True)
    return lookup.read_user(conn, user, described, deadline).roles or ()


def _require_valid_names(user: str, role: str) -> None:
    require_valid(problem_with_existing_name(user) or problem_with_existing_name(role, "role"))


def _require_held(conn: Connection, user: str, role: str, deadline: Deadline) -> tuple[tuple[str, ...] | None, str]:
    """The roles of a user, which must include this one, and a note where the caller may not look.

    The server accepts to revoke what was never granted.
    """
    user_roles = lookup.read_visible_user(conn, user, deadline)[0].roles
    if role in (user_roles or ()):
        return user_roles, ""
    may_look = bool(lookup.require_roles(conn, [role], deadline))
    if user_roles is None:
        holders = lookup.read_holders(conn, role, deadline) if may_look else None
        if holders is None:
            return None, f"whether they had it {lookup.CANNOT_BE_SEEN}"
        if user in holders:
            return None, ""
    has = f"they have {', '.join(map(repr, user_roles))}" if user_roles else "they have no roles"
    raise errors.NotGrantedError(
        join_parts(f"user {user!r} does not have role {role!r}", "" if user_roles is None else has),
        outcome=errors.NOTHING_CHANGED,
    )


def _unknown_user_or_role_error(
    conn: Connection, user: str, role: str, deadline: Deadline, error: errors.MilvusException
) -> errors.MilvusException:
    """The error for whichever of the two does not exist."""
    try:
        if isinstance(error, errors.UnknownUserError):
            lookup.require_user(conn, user, deadline)
        lookup.require_roles(conn, [role], deadline)
    except (errors.UnknownUserError, errors.UnknownRoleError) as exc:
        return exc
    except errors.MilvusException:
        pass
    if isinstance(error, errors.UnknownUserError):
        return lookup.unknown_user_error(conn, user)
    return lookup.unknown_role_error(conn, role, [])


def _require_new(conn: Connection, role: str, deadline: Deadline) -> list[str]:
    """The names of all roles, which must not include this one; empty if the caller may not look."""
    names = lookup.require_roles(conn, [], deadline)
    if role in names:
        raise lookup.role_exists_error(conn, role)
    return names


def _find_description(conn: Connection, role: str, deadline: Deadline) -> str | None:
    """The description of a role whose description can be changed. None if the caller may not look."""
    lookup.require_descriptions(conn, deadline)
    role_deletion.require_not_built_in(role, "changed")
    try:
        return str(lookup.find_role(conn, role, deadline).role.description)
    except errors.PermissionDeniedError:
        return None


def _read_description(conn: Connection, role: str, deadline: Deadline) -> str:
    reply = conn.call_checked("SelectRole", deadline=deadline, role={"name": role})
    return next((result.role.description for result in reply.results if result.role.name == role), "")


def preview_create_role(conn: Connection, role: str, *, description: str = "", timeout: float | None = None) -> Preview:
    """What `create_role` would do."""
    require_valid(problem_with_role_name(role))
    deadline = Deadline(timeout)
    names = _require_new(conn, role, deadline)
    unseen = f"whether there is such a role already {lookup.CANNOT_BE_SEEN}"
    full = f"there are {USUAL_ROLE_LIMIT} roles, the default limit (setting proxy.maxRoleNum)"
    note = (full if len(names) == USUAL_ROLE_LIMIT else "") if names else unseen
    lost = lookup.lost_description_note(conn, description, deadline)
    caution = join_parts(lost, missing_right_note(conn, wire.METHODS["CreateRole"].privilege, deadline))
    return Preview(f"create the role {name_text(role)}", conn.address.url, note=note, caution=caution)


def preview_describe_role(conn: Connection, role: str, description: str, *, timeout: float | None = None) -> Preview:
    """What `describe_role` would do."""
    require_valid(problem_with_existing_name(role, "role") or problem_with_description(description))
    deadline = Deadline(timeout)
    before = _find_description(conn, role, deadline)
    lacks = missing_right_note(conn, wire.METHODS["AlterRole"].privilege, deadline)
    undo = conn.on_change.undo_text("describe_role")
    return preview_of_description("role", role, conn.address.url, description, before, undo=undo, lacks=lacks)


def preview_grant_role(conn: Connection, user: str, role: str, *, timeout: float | None = None) -> Preview:
    """What `grant_role` would do."""
    _require_valid_names(user, role)
    deadline = Deadline(timeout)
    found, unseen = lookup.read_visible_user(conn, user, deadline)
    names = lookup.require_roles(conn, [role], deadline)
    has_it = role in (found.roles or ())
    note = join_parts(unseen, "" if names or has_it else f"whether there is such a role {lookup.CANNOT_BE_SEEN}")
    return Preview(
        f"give {name_text(user)} {held_roles_text(found.roles, user)} the role {name_text(role)}",
        conn.address.url,
        note=note,
        caution=missing_right_note(conn, MAY_BIND, deadline),
        idle=f"{name_text(user)} has that role already" if has_it else "",
    )


def preview_revoke_role(conn: Connection, user: str, role: str, *, timeout: float | None = None) -> Preview:
    """What `revoke_role` would do; warns if it is the acting user's own, or the last `admin`."""
    _require_valid_names(user, role)
    deadline = Deadline(timeout)
    user_roles, unseen = _require_held(conn, user, role, deadline)
    is_last_admin = role == ADMIN and lookup.read_holders(conn, role, deadline) == (user,)
    warning = join_parts(
        "this is the user you are connected as, so you will lose what the role gives" if user == conn.user else "",
        "this is the last user with the role admin" if is_last_admin else "",
    )
    what = f"take the role {name_text(role)} from {name_text(user)} {held_roles_text(user_roles, user)}"
    return Preview(what, conn.address.url, warning, unseen, missing_right_note(conn, MAY_BIND, deadline))


def is_own_role(conn: Connection, role: str, *, timeout: float | None = None) -> bool:
    """Whether the acting user holds a role, as everybody does `public`; root needs none."""
    return lookup.is_own_role(conn, role, Deadline(timeout))
