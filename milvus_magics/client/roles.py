"""Roles and who holds them."""

from __future__ import annotations

from collections.abc import Sequence

from milvus_magics import wire
from milvus_magics.client import change, naming
from milvus_magics.client.connection import Connection
from milvus_magics.client.deadline import Deadline
from milvus_magics.errors import PermissionDeniedError, UnknownRoleError


def grant_role(conn: Connection, user: str, role: str, *, timeout: float | None = None) -> None:
    """Give a role to a user; that they hold it already is no error.

    Args:
        conn: a connection whose user may do so (the privilege ManageOwnership).
        user: who gets the role.
        role: name of the role.
        timeout: seconds for the whole operation; None = until an answer arrives or an error occurs.

    Raises:
        OutcomeUnknownError: the answer was lost; the text says what is known.
        MilvusException: for everything else.

    Behaviour: `Role.add_user` in Milvus's documentation.
    """
    naming.require(naming.problem_with_existing_name(user))
    deadline = Deadline(timeout)
    with change.attempt(conn, "grant_role", user, (f"role {role!r}", f"given to {user!r}"), deadline) as attempt:
        attempt.send(
            "OperateUserRole",
            lambda until: user in holders(conn, role, until),
            username=user,
            role_name=role,
            type=wire.enum_value("OperateUserRoleType", "AddUserToRole"),
        )


def holders(conn: Connection, role: str, deadline: Deadline) -> list[str]:
    """Who holds a role; empty where the caller may not look."""
    try:
        reply = conn.checked("SelectRole", deadline=deadline, role={"name": role}, include_user_info=True)
    except PermissionDeniedError:
        return []
    return [user.name for result in reply.results if result.role.name == role for user in result.users]


def require_existing(conn: Connection, wanted: Sequence[str], deadline: Deadline) -> None:
    """Raise where a role does not exist; does nothing where the caller may not look.

    Raises:
        UnknownRoleError: names the roles there are.
    """
    try:
        reply = conn.checked("SelectRole", deadline=deadline)
    except PermissionDeniedError:
        return
    names = sorted(result.role.name for result in reply.results)
    missing = [name for name in wanted if name not in names]
    if missing:
        raise UnknownRoleError(
            f"there is no role {missing[0]!r} on {conn.address.url}; there are: {', '.join(names)}; nothing was changed"
        )
