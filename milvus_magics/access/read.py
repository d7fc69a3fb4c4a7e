"""One look at a server: everything that decides who may do what, asked for in as few round trips as there can be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from milvus_magics import wire
from milvus_magics.access.snapshot import AccessSnapshot
from milvus_magics.client import lookup
from milvus_magics.client.grants import select_grants
from milvus_magics.client.lookup import read_own_roles, role_names_in, user_names_in
from milvus_magics.client.names import ADMIN, PUBLIC, ROOT
from milvus_magics.client.password_check import begin_well_known_check, is_authorization_on
from milvus_magics.client.privilege_catalog import ALL
from milvus_magics.client.results.privileges import Grant
from milvus_magics.errors import (
    DeadlineError,
    MilvusException,
    PermissionDeniedError,
    ServerTooOldError,
    UnavailableError,
    UnknownRoleError,
)
from milvus_magics.secret import Secret
from milvus_magics.transport.connection import Connection, Pending
from milvus_magics.transport.deadline import Deadline
from milvus_magics.wording import listed

# Some servers between 2.4.15 and 2.5.11 took the quotes of their configuration for a part of it.
DEFAULT_PASSWORDS = ("Milvus", '"Milvus"')
PARTS = ("SelectUser", "SelectRole", "ListDatabases")  # what may be hidden from the caller


def read_snapshot(conn: Connection, deadline: Deadline) -> AccessSnapshot:
    """Look at everything: in two round trips, or three where there are aliases.

    Raises:
        MilvusException: when the server cannot be asked at all.
    """
    with conn.batch() as begin:
        asked: dict[str, Pending] = {
            name: begin(name, deadline=deadline, **fields)
            for name, fields in (
                ("GetVersion", {}),
                ("SelectUser", {"include_role_info": True}),
                ("SelectRole", {"include_user_info": True}),
                ("ListDatabases", {}),
                ("ListPrivilegeGroups", {}),
            )
        }
        enforced = is_authorization_on(conn, deadline)
        conn.version = asked["GetVersion"].reply().version
        listed = {name: _answer(call) for name, call in asked.items() if name != "GetVersion"}
    users = _users(conn, listed["SelectUser"], deadline)
    roles = _roles(listed["SelectRole"], users)
    dbs = sorted(listed["ListDatabases"].db_names) if listed["ListDatabases"] else []
    with conn.batch() as begin:
        has_default_password = _begin_root_check(conn, begin, enforced, deadline)
        calls = {
            method: {db: begin(method, deadline=deadline, db_name=db) for db in dbs}
            for method in ("ShowCollections", "ListAliases")
        }
        grants = _grants(conn, list(roles), dbs, deadline)
        there = {method: {db: _answer_of_db(call) for db, call in begun.items()} for method, begun in calls.items()}
        default_password = has_default_password()
    return AccessSnapshot(
        server=conn.address.url,
        version=conn.version,
        users=users,
        roles=roles,
        grants=grants,
        groups=_groups(listed["ListPrivilegeGroups"]),
        collections={
            db: tuple(sorted(reply.collection_names)) if reply else () for db, reply in there["ShowCollections"].items()
        },
        aliases=_aliases(conn, there["ListAliases"], deadline),
        enforced=enforced,
        secure=conn.address.secure,
        default_password=default_password,
        partial=_partial(conn, [name for name in PARTS if listed[name] is None]),
    )


def _answer(call: Pending) -> Any:
    """A reply; None where the caller may not look or the server has no such thing."""
    try:
        reply = call.reply()
        lookup.raise_for(reply)
    except (PermissionDeniedError, ServerTooOldError):
        return None
    return reply


def _begin_root_check(
    conn: Connection, begin: Callable[..., Pending], enforced: bool | None, deadline: Deadline
) -> Callable[[], bool | None]:
    """Ask whether root's password is the one that Milvus comes with; the result waits for the answer.

    Wrong guesses are failed logins, so there are as few as can be: a connection that acts as root knows by itself,
    others ask until the answer was "no" once.
    """
    login = conn.address.login
    if enforced and login is not None and login.user == ROOT:
        return lambda: login.secret.reveal() in DEFAULT_PASSWORDS
    if enforced is None or conn.root_was_checked:
        return lambda: None
    passwords = [Secret(password) for password in DEFAULT_PASSWORDS]
    answer = begin_well_known_check(begin, ROOT, passwords, deadline, enforced=enforced)

    def wait() -> bool | None:
        found = answer()
        conn.root_was_checked = not found
        return found

    return wait


def _users(conn: Connection, reply: Any, deadline: Deadline) -> dict[str, tuple[str, ...]]:
    """Everybody with their roles; only the connection's own user where the others may not be listed."""
    if reply is not None:
        return {result.user.name: role_names_in(result) for result in sorted(reply.results, key=_name)}
    held = read_own_roles(conn, deadline)
    return {conn.user: held} if conn.user else {}


def _name(result: Any) -> str:
    return str(result.user.name)


def _roles(reply: Any, users: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...] | None]:
    if reply is not None:
        return {result.role.name: user_names_in(result) for result in reply.results}
    held = {role for roles in users.values() for role in roles}
    return dict.fromkeys(sorted({*held, PUBLIC}))


def _grants(conn: Connection, roles: list[str], dbs: list[str], deadline: Deadline) -> list[Grant]:
    # The name of a database brings what is granted in all of them, too; newer servers tell everything at `*`.
    where = [ALL, *dbs] if dbs else [ALL, ""]
    wanted = [role for role in roles if role != ADMIN]
    try:
        return select_grants(conn, wanted, where, deadline)
    except (UnknownRoleError, PermissionDeniedError):
        # A role was dropped since they were listed, or the server doesn't know yet that it is the caller's own.
        return [grant for role in wanted for grant in _grants_of(conn, role, where, deadline)]


def _grants_of(conn: Connection, role: str, where: list[str], deadline: Deadline) -> list[Grant]:
    try:
        return select_grants(conn, [role], where, deadline)
    except (UnknownRoleError, PermissionDeniedError):
        return []


def _groups(reply: Any) -> dict[str, tuple[str, ...]]:
    groups = reply.privilege_groups if reply is not None else ()
    return {group.group_name: tuple(sorted(one.name for one in group.privileges)) for group in groups}


def _answer_of_db(call: Pending) -> Any:
    try:
        return _answer(call)
    except (UnavailableError, DeadlineError):
        raise
    except MilvusException:
        return None  # dropped since it was listed


def _aliases(conn: Connection, replies: dict[str, Any], deadline: Deadline) -> dict[str, dict[str, str]]:
    """Database -> alias -> its collection; without the databases whose aliases may not be listed."""
    with conn.batch() as begin:
        calls = {
            db: {name: begin("DescribeAlias", deadline=deadline, db_name=db, alias=name) for name in reply.aliases}
            for db, reply in replies.items()
            if reply is not None
        }
        told = {db: {name: _answer_of_db(call) for name, call in begun.items()} for db, begun in calls.items()}
    return {db: {name: reply.collection for name, reply in of.items() if reply} for db, of in told.items()}


def _partial(conn: Connection, hidden: list[str]) -> str:
    if not hidden:
        return ""
    missing = listed([wire.METHODS[name].privilege for name in hidden])
    what = "only your own rights" if "SelectUser" in hidden else "not everything"
    return f"{what}: {conn.actor} lacks {missing}"
