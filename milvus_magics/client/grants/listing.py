"""Reading what roles hold, over all databases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from milvus_magics.client import lookup
from milvus_magics.client.names import ADMIN, PUBLIC, problem_with_existing_name, require_valid
from milvus_magics.client.privilege_catalog import ALL, DEFAULT_DATABASE, OLD_GROUPS, USUAL_GROUPS
from milvus_magics.client.results.privileges import Grant, Grants
from milvus_magics.errors import MilvusException, PermissionDeniedError, ServerTooOldError, UnknownRoleError
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline
from milvus_magics.wire.versions import FEATURES, is_older
from milvus_magics.wording import absence_text, count_text, did_you_mean, join_parts, list_text

LISTED = "in the databases that there are"


def list_grants(conn: Connection, role: str | None = None, *, timeout: float | None = None) -> Grants:
    """What a role holds, or all roles do, over all databases.

    Before Milvus 2.5, of databases that are gone only those are asked for in which this connection granted something.

    Args:
        conn: a connection whose user may look (the privilege SelectOwnership; one's own roles are free).
        role: the role; None = all of them.

    Returns:
        The grants. `complete` is False where some may not be read; the caption says which, and why.

    Raises:
        UnknownRoleError: there is no such role.
        PermissionDeniedError: the caller may not look at this role, or at any.
    """
    if role is not None:
        require_valid(problem_with_existing_name(role, "role"))
    deadline = Deadline(timeout)
    where, unseen_dbs = databases_to_search(conn, deadline)
    if role is None:
        rows, what, unseen_roles = _select_all_grants(conn, where, deadline)
    else:
        rows, what, unseen_roles = _select_grants_of_one(conn, role, where, deadline), f"role {role!r}", ""
    unseen = join_parts(unseen_dbs, unseen_roles)
    caption = f"{count_text(len(rows), 'privilege')} of {what} on {conn.address.url}"
    freedom = "it may do everything, whatever is granted" if role == ADMIN else ""
    return Grants(rows, join_parts(caption, freedom, unseen), unseen=unseen, searched="" if where == [ALL] else LISTED)


def _select_grants_of_one(conn: Connection, role: str, where: Sequence[str], deadline: Deadline) -> list[Grant]:
    try:
        return select_grants(conn, [role], where, deadline)
    except UnknownRoleError as exc:
        lookup.require_roles(conn, [role], deadline, outcome=None)
        raise lookup.unknown_role_error(conn, role, [], outcome=None) from exc


def _select_all_grants(conn: Connection, where: Sequence[str], deadline: Deadline) -> tuple[list[Grant], str, str]:
    """What all roles hold as far as the caller may look, which roles these are, and what else there is."""
    names = lookup.require_roles(conn, [], deadline)
    asked = names or sorted({PUBLIC, *lookup.read_own_roles(conn, deadline)})
    rows, unread = select_readable_grants(conn, asked, where, deadline)
    if names and not unread:
        return rows, "all roles", ""
    why = f"{conn.actor} lacks the privilege {lookup.MAY_LIST}"
    readable = [repr(name) for name in asked if name not in unread]
    if not readable:
        raise PermissionDeniedError(f"what roles hold cannot be read: {why}")
    whose = f"{'role' if len(readable) == 1 else 'roles'} {list_text(readable)}"
    return rows, whose, f"what other roles hold cannot be read: {why}"


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


def select_readable_grants(
    conn: Connection, roles: Sequence[str], where: Sequence[str], deadline: Deadline
) -> tuple[list[Grant], list[str]]:
    """What roles hold, and which of them the caller may not look into. Those that are gone hold nothing."""
    try:
        return select_grants(conn, roles, where, deadline), []
    except (UnknownRoleError, PermissionDeniedError) as exc:
        if len(roles) == 1:
            return [], list(roles) if isinstance(exc, PermissionDeniedError) else []
    # One was dropped since they were listed, or isn't the caller's own, at least not yet: so each by itself.
    found = [select_readable_grants(conn, [role], where, deadline) for role in roles]
    return [grant for grants, _ in found for grant in grants], [role for _, unread in found for role in unread]


def _grant_in(entity: Any) -> Grant:
    return Grant(
        role=entity.role.name,
        privilege=entity.grantor.privilege.name,
        object_type=entity.object.name,
        object_name=entity.object_name,
        db=entity.db_name,
        grantor=entity.grantor.user.name,
    )


def databases_to_search(conn: Connection, deadline: Deadline) -> tuple[list[str], str]:
    """The databases to search, and what others are left out."""
    if not _wants_names(lookup.read_version(conn, deadline)):
        return [ALL], ""
    try:
        names = lookup.list_databases(conn, deadline)
    except (PermissionDeniedError, ServerTooOldError):
        own = conn.address.db_name or DEFAULT_DATABASE
        return [ALL, ""], f"in the databases {own} and {ALL} only: the others may not be listed"
    return names_to_ask(conn, names), ""


def names_to_ask(conn: Connection, names: Sequence[str]) -> list[str]:
    """The databases to ask for, so that all is listed in some, and in those known to be gone."""
    return [ALL] if not _wants_names(conn.version) else list(dict.fromkeys([ALL, *names, *sorted(conn.granted_in)]))


def _wants_names(version: str) -> bool:
    """Whether a server lists the grants of each database by its name only, or may do so."""
    return is_older(version, FEATURES["one list of grants"], if_unreadable=True)


def select_grants_of_role(conn: Connection, wanted: Sequence[Grant], deadline: Deadline) -> list[Grant]:
    """What a role holds, also in databases that are dropped: Milvus 2.3 must be asked for those by name."""
    where = {*databases_to_search(conn, deadline)[0], *(grant.db for grant in wanted)}
    return select_grants(conn, [wanted[0].role], sorted(where), deadline)


def is_same_grant(wanted: Grant, held: Grant) -> bool:
    """Whether a listed grant is the wanted one, whatever its type, which newer servers choose by themselves."""
    is_its_name = wanted.privilege == held.privilege or wanted.privilege in names_of_group(held)
    return is_its_name and (wanted.object_name, wanted.db) == (held.object_name, held.db)


def names_of_group(grant: Grant) -> tuple[str, ...]:
    """The other name by which servers take one of Milvus's groups, as it is listed; none of anything else."""
    is_listed_group = grant.object_type == "Global" and grant.privilege in OLD_GROUPS | USUAL_GROUPS.keys()
    return (f"Group{grant.privilege}",) if is_listed_group else ()


def is_granted(conn: Connection, wanted: Grant, deadline: Deadline) -> bool:
    """Whether a role holds exactly this grant already."""
    return any(is_same_grant(wanted, other) for other in select_grants_of_role(conn, [wanted], deadline))


def read_roles_with(conn: Connection, privilege: str, names: Sequence[str], deadline: Deadline) -> list[str]:
    """The roles that hold a privilege or a group, on whatever object."""
    grants = select_grants(conn, names, databases_to_search(conn, deadline)[0], deadline)
    return sorted({grant.role for grant in grants if grant.privilege == privilege})


def find_holders(conn: Connection, group: str, deadline: Deadline) -> list[str] | None:
    """The roles that hold a group, on whatever object. None if the caller may not look."""
    names = lookup.require_roles(conn, [], deadline)
    return read_roles_with(conn, group, names, deadline) if names else None


def missing_target_note(conn: Connection, grant: Grant, deadline: Deadline) -> str:
    """A note if a grant is on what the caller doesn't find: servers take any name."""
    try:
        found = _missing_target(conn, grant, deadline)
        if found is None:
            return ""
        what, hint = found
        return f"note that {absence_text(what, lookup.sees_everything(conn, deadline))}{hint}"
    except MilvusException:
        return ""  # it is granted; that the names could not be looked up changes nothing


def _missing_target(conn: Connection, grant: Grant, deadline: Deadline) -> tuple[str, str] | None:
    """The database or collection of a grant that is not listed, and what may have been meant. None if all is."""
    there_are = lookup.list_databases(conn, deadline)
    if grant.db not in (ALL, DEFAULT_DATABASE, *there_are):
        return f"database {grant.db!r}", did_you_mean(grant.db, there_are)
    if grant.object_type == "User" or grant.object_name in (ALL, "") or grant.db == ALL:
        return None
    collections = lookup.list_collections(conn, grant.db, deadline)
    if grant.object_name not in collections:
        collections += lookup.list_aliases(conn, grant.db, deadline)
    if grant.object_name in collections:
        return None
    return f"collection {grant.object_name!r} in database {grant.db!r}", did_you_mean(grant.object_name, collections)
