"""Where a grant counts, and what servers refuse of it, as far as that is known before it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from milvus_magics import errors, wire
from milvus_magics.client import lookup
from milvus_magics.client.privilege_catalog import ALL, KNOWN, LEVELS, USUAL_GROUPS, Scope, as_v1_grant, as_v2_grant
from milvus_magics.client.results.privileges import Grant
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline
from milvus_magics.wire.versions import FEATURES
from milvus_magics.wording import did_you_mean, list_text

Groups = Mapping[str, tuple[str, ...]]


def possible_grants(
    conn: Connection, role: str, privilege: str, scope: Scope, deadline: Deadline, *, granted: bool
) -> list[Grant]:
    """The forms in which the server may take a grant or take it away, the newest first.

    All servers take the last one.

    Args:
        granted: whether it is to be granted, so that it is checked as well.

    Raises:
        ParameterError: the server has the older way only, which cannot say this; it refuses this scope; or the grant
            would bring nothing there. Nothing was changed.
    """
    newer, older = as_v2_grant(conn, role, privilege, scope), as_v1_grant(conn, role, privilege, scope)
    if newer is not None and lookup.is_older(conn, wire.METHODS["OperatePrivilegeV2"].since, deadline):
        require_older(conn, older, scope)
        return [older]
    # The catalogue knows the level of older privileges; of others, and of groups, the server is asked.
    groups = {} if privilege in KNOWN else read_groups(conn, deadline)
    level = level_of(privilege, groups)
    forms = [older] if newer is None else [newer, older]
    has_own_place = lookup.is_older(conn, FEATURES["rights on the cluster in * only"], deadline)
    if scope.db is None and level == "Cluster" and not (newer is None and has_own_place):
        forms[0] = replace(forms[0], db=ALL)
    if granted:
        _require_fitting(
            conn,
            forms[0],
            level,
            is_group=privilege in groups or privilege in USUAL_GROUPS,
            everywhere=not has_own_place,
        )
    return forms


def require_older(conn: Connection, older: Grant, scope: Scope) -> None:
    """Raise if the older way would grant more than was asked for."""
    if older.object_type == "Global" and scope.collection not in (None, ALL):
        raise errors.ParameterError(
            f"on this server (Milvus {conn.version or '2.3'}), {older.privilege!r} is about everything, not one "
            "collection: leave the collection out",
            outcome=errors.NOTHING_CHANGED,
        )


def read_groups(conn: Connection, deadline: Deadline) -> Groups:
    """The server's groups; none if the caller may not look, or there are none."""
    try:
        reply = conn.call_checked("ListPrivilegeGroups", deadline=deadline)
    except (errors.PermissionDeniedError, errors.ServerTooOldError):
        return {}
    return {group.group_name: tuple(one.name for one in group.privileges) for group in reply.privilege_groups}


def level_of(privilege: str, groups: Groups) -> str:
    """`Cluster`, `Database` or `Collection`, as the server tells or else the catalogue; empty if it is not known."""
    members = {privilege, *groups.get(privilege, ())}
    listed = {level: groups.get(f"{level}Admin", ()) for level in LEVELS}
    return next((level for of in (listed, LEVELS) for level, names in of.items() if members.intersection(names)), "")


def _require_fitting(conn: Connection, grant: Grant, level: str, *, is_group: bool, everywhere: bool) -> None:
    problem = _problem_with_group(grant, level) if is_group else None
    if problem is None and everywhere and level == "Cluster" and grant.db != ALL:
        problem = (
            f"on this server (Milvus {conn.version or '3.0'}), {grant.privilege!r} brings nothing in database "
            f"{grant.db!r}: grant it in database '*' (--db '*')"
        )
    if problem is not None:
        raise errors.ParameterError(problem, outcome=errors.NOTHING_CHANGED)


def _problem_with_group(grant: Grant, level: str) -> str | None:
    """Why servers refuse a group in this scope, or None. Single privileges they take in any."""
    if level == "Cluster" and (grant.db, grant.object_name) != (ALL, ALL):
        return f"{grant.privilege!r} is about the whole server: leave out --db and --collection, or give '*'"
    if level == "Database" and grant.object_name != ALL:
        return f"{grant.privilege!r} is not about one collection: leave it out"
    if level == "Collection" and grant.db == ALL and grant.object_name != ALL:
        return _unnamed_database_text(grant)
    return None


def _unnamed_database_text(grant: Grant) -> str:
    return (
        f"for a grant on collection {grant.object_name!r}, name its database: --db '*' goes with all collections only"
    )


def require_known_database(conn: Connection, grant: Grant, deadline: Deadline) -> None:
    """Raise for a named collection in a database that isn't there, if it is known that the server refuses it.

    It looks aliases up from 2.6.12 on, for which it must find the database.

    Raises:
        ParameterError: there is no such database; nothing was changed.
    """
    is_named = grant.object_type != "User" and grant.object_name != ALL
    if not is_named or lookup.is_older(conn, FEATURES["grants on aliases"], deadline):
        return
    names = _list_databases(conn, deadline)
    if grant.db == ALL or (names and grant.db not in names and lookup.sees_everything(conn, deadline)):
        raise unknown_database_error(conn, grant, names)


def unknown_database_error(conn: Connection, grant: Grant, names: list[str]) -> errors.ParameterError:
    """The error for a database that isn't there, with those that are."""
    hint = did_you_mean(grant.db, names)
    there_are = f"; there are: {list_text(names, 10)}" if names and not hint else ""
    what = f"there is no database {grant.db!r} on {conn.address.url}"
    text = _unnamed_database_text(grant) if grant.db == ALL else f"{what}{hint}"
    return errors.ParameterError(f"{text}{there_are}", outcome=errors.NOTHING_CHANGED)


def refused_database_error(conn: Connection, grant: Grant, deadline: Deadline) -> errors.MilvusException:
    """The error for a database that the server does not know, with those that there are."""
    return unknown_database_error(conn, grant, _list_databases(conn, deadline))


def _list_databases(conn: Connection, deadline: Deadline) -> list[str]:
    """The databases that the caller sees; none if they may not be listed."""
    try:
        return sorted(lookup.list_databases(conn, deadline))
    except errors.MilvusException:
        return []
