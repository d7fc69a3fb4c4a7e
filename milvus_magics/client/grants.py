"""Reading what roles hold, over all databases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from milvus_magics.client import lookup
from milvus_magics.client.names import problem_with_existing_name, require_valid
from milvus_magics.client.privilege_catalog import ALL
from milvus_magics.client.results.privileges import Grant, Grants
from milvus_magics.errors import MilvusException, PermissionDeniedError, ServerTooOldError, UnknownRoleError
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline
from milvus_magics.wording import count_text, did_you_mean


def list_grants(conn: Connection, role: str | None = None, *, timeout: float | None = None) -> Grants:
    """What a role holds, or all roles do, over all databases.

    Grants in a database that was dropped meanwhile are not told by Milvus 2.3.

    Args:
        conn: a connection whose user may look (the privilege SelectOwnership; one's own roles are free).
        role: the role; None = all of them.

    Raises:
        UnknownRoleError: there is no such role.
    """
    if role is not None:
        require_valid(problem_with_existing_name(role, "role"))
    deadline = Deadline(timeout)
    names = [role] if role is not None else lookup.require_roles(conn, [], deadline)
    where, complete = databases_to_search(conn, deadline)
    try:
        rows = select_grants(conn, names, where, deadline)
    except UnknownRoleError as exc:
        lookup.require_roles(conn, names, deadline, outcome=None)
        raise lookup.unknown_role_error(conn, role or "", [], outcome=None) from exc
    what = f"role {role!r}" if role is not None else "all roles"
    only = "" if complete else ", in the default database only: the others may not be listed"
    caption = f"{count_text(len(rows), 'privilege')} of {what} on {conn.address.url}{only}"
    return Grants(rows, caption, complete=complete)


def list_grants_if_permitted(conn: Connection, role: str, deadline: Deadline) -> Grants | None:
    """What a role holds. None if the caller may not look."""
    try:
        return list_grants(conn, role, timeout=deadline.remaining())
    except PermissionDeniedError:
        return None


def select_grants(conn: Connection, roles: Sequence[str], where: Sequence[str], deadline: Deadline) -> list[Grant]:
    """What roles hold in some databases, each grant once, by calls in parallel."""
    grants: dict[tuple[str, ...], Grant] = {}
    with conn.batch() as begin:
        calls = [
            begin("SelectGrant", deadline=deadline, entity={"role": {"name": role}, "db_name": db})
            for role in roles
            for db in where
        ]
        for call in calls:
            reply = call.reply()
            lookup.raise_for(reply)
            for grant in map(_grant_in, reply.entities):
                grants.setdefault((grant.role, grant.privilege, grant.object_type, grant.object_name, grant.db), grant)
    return sorted(grants.values(), key=lambda row: (row.role, row.db, row.object_type, row.object_name, row.privilege))


def _grant_in(entity: Any) -> Grant:
    return Grant(
        role=entity.role.name,
        privilege=entity.grantor.privilege.name,
        object_type=entity.object.name,
        object_name=entity.object_name,
        db=entity.db_name,
        grantor=entity.grantor.user.name,
    )


def databases_to_search(conn: Connection, deadline: Deadline) -> tuple[list[str], bool]:
    """The databases to search, and whether these are all. `*` is first: newer servers list everything there."""
    try:
        names = lookup.list_databases(conn, deadline)
    except (PermissionDeniedError, ServerTooOldError):
        return [ALL, ""], False
    return [ALL, *names], True


def select_grants_of_role(conn: Connection, wanted: Sequence[Grant], deadline: Deadline) -> list[Grant]:
    """What a role holds, also in databases that are dropped: Milvus 2.3 must be asked for those by name."""
    where = {*databases_to_search(conn, deadline)[0], *(grant.db for grant in wanted)}
    return select_grants(conn, [wanted[0].role], sorted(where), deadline)


def is_same_grant(wanted: Grant, held: Grant) -> bool:
    """Whether a listed grant is the wanted one, whatever its type."""
    # Newer servers choose the type by themselves; where the caller named it, it is part of what was meant.
    return (wanted.privilege, wanted.object_name, wanted.db) == (held.privilege, held.object_name, held.db)


def is_granted(conn: Connection, wanted: Grant, deadline: Deadline) -> bool:
    """Whether a role holds exactly this grant already."""
    return any(is_same_grant(wanted, other) for other in select_grants_of_role(conn, [wanted], deadline))


def read_roles_with(conn: Connection, privilege: str, names: Sequence[str], deadline: Deadline) -> list[str]:
    """The roles that hold a privilege or a group, on whatever object."""
    grants = select_grants(conn, names, databases_to_search(conn, deadline)[0], deadline)
    return sorted({grant.role for grant in grants if grant.privilege == privilege})


def missing_target_note(conn: Connection, grant: Grant, deadline: Deadline) -> str:
    """A note if a grant is on something that does not exist: servers take any name."""
    try:
        there_are = lookup.list_databases(conn, deadline)
        if grant.db != ALL and grant.db not in there_are:
            return f"note that there is no database {grant.db!r}{did_you_mean(grant.db, there_are)}"
        if grant.object_type == "User" or grant.object_name in (ALL, "") or grant.db == ALL:
            return ""
        collections = lookup.list_collections(conn, grant.db, deadline)
        if grant.object_name not in collections:
            collections += lookup.list_aliases(conn, grant.db, deadline)
    except MilvusException:
        return ""  # it is granted; that the names could not be looked up changes nothing
    if grant.object_name in collections:
        return ""
    hint = did_you_mean(grant.object_name, collections)
    return f"note that there is no collection {grant.object_name!r} in database {grant.db!r}{hint}"
