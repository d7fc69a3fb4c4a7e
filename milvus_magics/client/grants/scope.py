"""Where a grant counts, and what servers refuse of it, as far as that is known before it is sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from milvus_magics import errors, wire
from milvus_magics.client import lookup
from milvus_magics.client.names import has_unusual_character
from milvus_magics.client.privilege_catalog import (
    ALL,
    ALL_PRIVILEGES,
    FILE_RESOURCES,
    FIRST_VERSIONS,
    KNOWN,
    LEVELS,
    MISLEADING,
    OBJECT_TYPES,
    OLD_GROUPS,
    USUAL_GROUPS,
    Scope,
    as_v1_grant,
    as_v2_grant,
    suggest_privilege,
    type_of,
    unnamed_collection_text,
)
from milvus_magics.client.results.privileges import Grant
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline
from milvus_magics.wire import versions
from milvus_magics.wire.privileges import NEWEST
from milvus_magics.wire.versions import FEATURES
from milvus_magics.wording import did_you_mean, list_text

Groups = Mapping[str, tuple[str, ...]]


def read_groups_for(conn: Connection, names: Iterable[str], deadline: Deadline) -> Groups:
    """The server's groups, which tell the level of names that aren't in the catalogue; none where all are."""
    return {} if KNOWN.issuperset(names) else read_groups_if_any(conn, deadline)


def require_known_privilege(
    conn: Connection, privilege: str, groups: Groups, deadline: Deadline, *, to_the_letter: bool = False
) -> str:
    """Raise for what is no privilege on the server; return a note where only the server can tell.

    Args:
        groups: those of `read_groups_for`.
        to_the_letter: whether the name is taken as it is, unlike in the newer way of granting.

    Raises:
        UnknownPrivilegeError: it isn't in the catalogue, and the server is not newer; or this server is too old for
            it; or the name brings something else there. Nothing was changed.
    """
    version = lookup.read_version(conn, deadline)
    listed = {*groups, *(name for names in groups.values() for name in names)}
    problem = _problem_with_version(version, privilege, to_the_letter)
    if problem is None and privilege in {ALL, *KNOWN, *OLD_GROUPS, *listed}:
        return ""
    if problem is None and _is_left_to_server(version, groups):
        return f"only the server knows what {privilege!r} is{suggest_privilege(privilege, listed)}"
    hint = suggest_privilege(privilege, listed, version)
    raise errors.UnknownPrivilegeError(
        f"this server (Milvus {version}) {problem or f'knows no privilege {privilege!r}{hint}'}",
        outcome=errors.NOTHING_CHANGED,
    )


def require_its_type(
    conn: Connection, privilege: str, object_type: str | None, groups: Groups, deadline: Deadline
) -> None:
    """Raise if the older way of granting surely refuses this object type, or this privilege with it.

    What is newer than the catalogue is left to the server.

    Args:
        object_type: None = it is granted in the newer way.
        groups: those of `read_groups_for`.

    Raises:
        ParameterError: there is no such type, or groups have none; nothing was changed.
        UnknownPrivilegeError: the privilege is of another type; nothing was changed.
    """
    version = lookup.read_version(conn, deadline)
    if object_type is None or versions.is_beyond(version, NEWEST):
        return
    if object_type not in OBJECT_TYPES:
        raise unknown_type_error(object_type)
    if privilege in groups or privilege in USUAL_GROUPS:
        raise errors.ParameterError(
            f"{privilege!r} is a group, and groups have no object type: leave out --object and --object-name, and name "
            "the collection by --collection",
            outcome=errors.NOTHING_CHANGED,
        )
    has_none = privilege in FILE_RESOURCES and not versions.has_feature(version, "file resources by type")
    own = "" if has_none else type_of(privilege)
    if has_none or own not in ("", object_type):
        raise errors.UnknownPrivilegeError(
            f"this server (Milvus {version}) knows no privilege {privilege!r} for the object type {object_type!r}: "
            + (f"it is of the type {own!r}" if own else "it has no type there, so leave out --object"),
            outcome=errors.NOTHING_CHANGED,
        )


def unknown_type_error(object_type: str) -> errors.ParameterError:
    """The error for an object type that servers don't know."""
    return errors.ParameterError(
        f"there is no object type {object_type!r}{did_you_mean(object_type, OBJECT_TYPES)}; there are: "
        f"{', '.join(OBJECT_TYPES)}",
        outcome=errors.NOTHING_CHANGED,
    )


def _problem_with_version(version: str, privilege: str, to_the_letter: bool) -> str | None:
    """Why a server of this version should not be asked for a privilege that there is elsewhere, or None."""
    is_misled = not to_the_letter and not versions.is_older(version, wire.METHODS["OperatePrivilegeV2"].since)
    if privilege in MISLEADING and is_misled:
        return f"gives {privilege!r} other rights than its name says: grant {MISLEADING[privilege]!r} instead"
    since = FEATURES["groups of three"] if privilege in OLD_GROUPS else FIRST_VERSIONS.get(privilege, "")
    is_missing = versions.is_older(version, since)
    return f"knows no privilege {privilege!r}; newer ones do, but none before {since}" if is_missing else None


def _is_left_to_server(version: str, groups: Groups) -> bool:
    """Whether an unknown name may be a newer server's, or that of a group that is not visible."""
    may_be_group = not groups and not versions.is_older(version, wire.METHODS["ListPrivilegeGroups"].since)
    return may_be_group or versions.is_beyond(version, NEWEST)


def require_possible_object(conn: Connection, grant: Grant, deadline: Deadline) -> str:
    """Raise for an object's name that this server never takes; return a note where its settings decide.

    Raises:
        ParameterError: nothing was changed.
    """
    if grant.object_name == ALL or not has_unusual_character(grant.object_name):
        return ""
    if lookup.is_older(conn, FEATURES["a setting for characters"], deadline):
        raise errors.ParameterError(
            f"on this server (Milvus {conn.version}), the name {grant.object_name!r} may hold only letters, digits, _ "
            "and $",
            outcome=errors.NOTHING_CHANGED,
        )
    return f"the server refuses the name {grant.object_name!r} unless proxy.nameValidation.allowedChars lets it through"


def require_named_collection(privilege: str, scope: Scope, groups: Groups) -> None:
    """Raise for what only the server knows to be about collections, if none is named: the catalogue has no such.

    Raises:
        ParameterError: nothing was changed.
    """
    is_unnamed = scope.object_type is None and scope.collection is None and privilege not in KNOWN
    if is_unnamed and level_of(privilege, groups) == "Collection":
        raise errors.ParameterError(unnamed_collection_text(privilege), outcome=errors.NOTHING_CHANGED)


def possible_grants(
    conn: Connection,
    role: str,
    privilege: str,
    scope: Scope,
    deadline: Deadline,
    *,
    granted: bool,
    groups: Groups,
) -> list[Grant]:
    """The forms in which the server may take a grant or take it away, the newest first.

    All servers take the last one.

    Args:
        granted: whether it is to be granted, so that it is checked as well.
        groups: those of `read_groups_for`.

    Raises:
        ParameterError: the server has the older way only, which cannot say this; it refuses this scope; or the grant
            would bring nothing there. Nothing was changed.
    """
    newer, older = as_v2_grant(conn, role, privilege, scope), as_v1_grant(conn, role, privilege, scope)
    if newer is not None and lookup.is_older(conn, wire.METHODS["OperatePrivilegeV2"].since, deadline):
        require_older(conn, older, scope)
        return [older]
    level = _level_on(conn, privilege, groups, deadline)
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


def read_groups_if_any(conn: Connection, deadline: Deadline) -> Groups:
    """`read_groups`, of servers that have any."""
    is_too_old = lookup.is_older(conn, wire.METHODS["ListPrivilegeGroups"].since, deadline)
    return {} if is_too_old else read_groups(conn, deadline)


def why_no_groups(conn: Connection, deadline: Deadline) -> str:
    """Why nothing can be done with groups on a server; empty if it has some, or does not answer."""
    since = wire.METHODS["ListPrivilegeGroups"].since
    with suppress(errors.MilvusException):
        if lookup.is_older(conn, since, deadline):
            version = lookup.read_version(conn, deadline)
            return f"this server (Milvus {version}) has no privilege groups: they need Milvus {since}"
    return ""


def level_of(privilege: str, groups: Groups) -> str:
    """`Cluster`, `Database` or `Collection`, as the server tells or else the catalogue; empty if it is not known."""
    members = {privilege, *groups.get(privilege, ())}
    listed = {level: groups.get(f"{level}Admin", ()) for level in LEVELS}
    return next((level for of in (listed, LEVELS) for level, names in of.items() if members.intersection(names)), "")


def _level_on(conn: Connection, privilege: str, groups: Groups, deadline: Deadline) -> str:
    """The level of a privilege on this server: that of RenameCollection changed."""
    renames_on_cluster = lookup.is_older(conn, FEATURES["renaming by database"], deadline)
    return "Cluster" if privilege == "RenameCollection" and renames_on_cluster else level_of(privilege, groups)


def require_one_level(conn: Connection, names: Sequence[str], deadline: Deadline) -> None:
    """Raise if servers don't take these into one group. Of names that nobody knows, only they can tell."""
    groups = read_groups(conn, deadline)
    not_single = {ALL_PRIVILEGES, *groups, *USUAL_GROUPS, *OLD_GROUPS}
    first: dict[str, str] = {}
    for name in names:
        first.setdefault("a group" if name in not_single else level_of(name, groups), name)
    first.pop("", None)
    if len(first) > 1:
        each = ", ".join(f"{name!r} ({level})" for level, name in first.items())
        raise errors.UnknownPrivilegeError(
            f"a group holds single privileges of one level, and these are of several: {each}",
            outcome=errors.NOTHING_CHANGED,
        )


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
