"""The requests that give one privilege to a role or take it, in the older and the newer way."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from milvus_magics import errors, wire
from milvus_magics.client import change, lookup
from milvus_magics.client.grants.listing import is_same_grant, names_of_group, select_grants_of_role
from milvus_magics.client.privilege_catalog import ALL, OLD_GROUPS
from milvus_magics.client.results.privileges import Grant
from milvus_magics.secret import Secret
from milvus_magics.transport.connection import CONNECTION_LOGIN, Connection
from milvus_magics.transport.credentials import Login
from milvus_magics.transport.deadline import Deadline

PLACEHOLDER_GRANTOR = Login("root", Secret("authorization is off, so no password is looked at"))


_COLLECTION = re.compile(r"\*|[A-Za-z_][A-Za-z0-9_$]*")


def revoke_listed_grant(conn: Connection, grant: Grant, deadline: Deadline) -> None:
    """Revoke one grant, exactly as it was listed."""
    with change.attempt(conn, "revoke_privilege", *describe_change(grant, False), deadline) as attempt:
        send_listed(conn, attempt, grant, deadline, granted=False)


def restore_grant(conn: Connection, grant: Grant, deadline: Deadline) -> None:
    """Grant a role what it held, exactly as it was listed."""
    with change.attempt(conn, "grant_privilege", *describe_change(grant, True), deadline) as attempt:
        send_listed(conn, attempt, grant, deadline, granted=True)


def send_listed(conn: Connection, attempt: change.Attempt, grant: Grant, deadline: Deadline, *, granted: bool) -> str:
    """Send a change of a listed grant in the newest way that reaches it; return a note."""
    since = wire.METHODS["OperatePrivilegeV2"].since
    if _is_within_v2(grant) and not lookup.is_older(conn, since, deadline):
        try:
            return _send_listed_as_v2(conn, attempt, grant, granted=granted)
        except errors.ServerTooOldError:  # whose version could not be read
            pass
    return send_as_v1(conn, attempt, grant, granted=granted)


def _send_listed_as_v2(conn: Connection, attempt: change.Attempt, grant: Grant, *, granted: bool) -> str:
    """Send it by the name that leads to what is listed; return a note.

    Built-in groups have two names, of which one takes any scope.
    """
    other_names = names_of_group(grant)
    if other_names and grant.privilege in OLD_GROUPS:
        return send_as_v2(conn, attempt, grant, granted=granted, name=other_names[0])
    try:
        return send_as_v2(conn, attempt, grant, granted=granted)
    except errors.ParameterError:
        if not other_names:
            raise
    return send_as_v2(conn, attempt, grant, granted=granted, name=other_names[0])


def _is_within_v2(grant: Grant) -> bool:
    """Whether the newer way can say this grant: there the server chooses the type, and looks at the database's name.

    https://github.com/milvus-io/milvus/issues/40275
    """
    has_its_type = grant.privilege != ALL or grant.object_type == "Global"
    is_on_all_users = grant.object_type != "User" or grant.object_name == ALL
    return has_its_type and is_on_all_users and re.fullmatch(r"\*|[A-Za-z_][A-Za-z0-9_]*", grant.db) is not None


def send_as_v2(conn: Connection, attempt: change.Attempt, grant: Grant, *, granted: bool, name: str = "") -> str:
    """Send a change in the way of servers from 2.4.18; return a note.

    Args:
        name: what the privilege is called in the request, if not as in the grant.
    """
    fields = {
        "role": {"name": grant.role},
        "grantor": {"privilege": {"name": name or grant.privilege}},
        "type": _operate_type(granted),
        "db_name": grant.db,
        "collection_name": grant.object_name,
    }
    return _send_as_somebody(conn, attempt, "OperatePrivilegeV2", grant, granted, fields)


def send_as_v1(conn: Connection, attempt: change.Attempt, grant: Grant, *, granted: bool) -> str:
    """Send a change in the way of all servers; return a note."""
    entity = {
        "role": {"name": grant.role},
        "object": {"name": grant.object_type},
        "object_name": grant.object_name,
        "grantor": {"privilege": {"name": grant.privilege}},
        "db_name": grant.db,
    }
    return _send_as_somebody(
        conn, attempt, "OperatePrivilege", grant, granted, {"entity": entity, "type": _operate_type(granted)}
    )


def describe_change(grant: Grant, granted: bool) -> tuple[str, str, str]:
    """The target, subject and verb of a change."""
    verb = f"granted to {grant.role!r}" if granted else f"revoked from {grant.role!r}"
    return f"{grant.role} {grant}", str(grant), verb


def _send_as_somebody(
    conn: Connection, attempt: change.Attempt, method: str, grant: Grant, granted: bool, fields: dict[str, Any]
) -> str:
    """Send a change with a grantor, which servers insist on even without authorization.

    There they look into the header for a user's name, and don't look at the password.
    """
    attempt.describe(*describe_change(grant, granted))
    conn.granted_in.add(grant.db)

    def is_done(until: Deadline) -> bool | None:
        listed = select_grants_of_role(conn, [grant], until)
        if granted:
            return any(is_same_grant(grant, other) for other in listed)
        return replace(grant, grantor="") not in [replace(other, grantor="") for other in listed]

    has_no_login = conn.address.login is None
    try:
        attempt.send(method, is_done, login=PLACEHOLDER_GRANTOR if has_no_login else CONNECTION_LOGIN, **fields)
    except errors.UnknownUserError:
        if has_no_login:
            raise
        has_no_login = True
        attempt.send(method, is_done, login=PLACEHOLDER_GRANTOR, **fields)
    except errors.ParameterError as exc:
        if grant.object_type != "Collection" or _COLLECTION.fullmatch(grant.object_name):
            raise
        # Some servers say of it that a role's name is wrong.
        text = (
            f"no collection can be called {grant.object_name!r}: it takes letters, digits, _ and $, and '*' means all"
        )
        raise exc.with_message(f"{text}; nothing was changed", exc.outcome) from exc
    return "the server wants to know who grants, so it was told 'root': authorization is off" if has_no_login else ""


def _operate_type(granted: bool) -> int:
    return wire.enum_value("OperatePrivilegeType", "Grant" if granted else "Revoke")
