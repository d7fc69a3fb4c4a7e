"""Privileges: on what they are granted, and the two ways to say so."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from milvus_magics.client.results.privileges import Grant
from milvus_magics.transport.connection import Connection
from milvus_magics.wire import versions
from milvus_magics.wire.privileges import OTHER_NAMES, PRIVILEGES, REPLACED_GROUPS
from milvus_magics.wording import did_you_mean

ALL_PRIVILEGES = "All"  # what Milvus calls the privilege that brings all others


def _select(kinds: str, levels: str) -> frozenset[str]:
    """Those of some object types and some levels; Milvus's own groups are of the type `Group`."""
    rows = PRIVILEGES.items()
    return frozenset(name for name, (kind, level, _) in rows if kind in kinds.split() and level in levels.split())


# Hints for levels and spelling, never a closed list: servers add privileges, and theirs is the last word.
ON_COLLECTIONS = _select("Collection Group", "Collection")
ON_DATABASES = _select("Global Group", "Database")
ON_EITHER = _select("Global", "Collection")  # on databases or collections on later servers, on everything on 2.3
ON_USERS = _select("User", "Cluster")
ON_CLUSTER = _select("Global Group", "Cluster")
DROPPING = frozenset({"DropCollection", "RenameCollection"})
# What reaches a collection that is there, although it is granted on everything or on a database.
REACHING = DROPPING | ON_EITHER
KNOWN = frozenset(PRIVILEGES)
# Milvus's word for what a privilege is about -> those that are known; later ones are told by the server's groups.
LEVELS = {
    "Cluster": ON_CLUSTER | ON_USERS, "Database": ON_DATABASES, "Collection": ON_COLLECTIONS | ON_EITHER,
}  # fmt: skip
FIRST_VERSIONS = {name: since for name, (_, _, since) in PRIVILEGES.items() if since}
SINCE_GROUPS = frozenset(FIRST_VERSIONS)  # what 2.3 doesn't know
# The groups of 2.4, which later servers still take: listed as here, and granted also as `GroupReadOnly` and so on.
OLD_GROUPS = frozenset(REPLACED_GROUPS)
FILE_RESOURCES = frozenset({"AddFileResource", "ListFileResources", "RemoveFileResource"})
OBJECT_TYPES = ("Collection", "Global", "User")  # of the older way of granting
ALL = "*"
DEFAULT_DATABASE = "default"  # which every server has

# What the nine groups of Milvus 2.5 hold, for servers that have none or don't tell; others say so themselves.
READING = (
    "Query Search IndexDetail GetFlushState GetLoadState GetLoadingProgress HasPartition ShowPartitions "
    "DescribeCollection DescribeAlias GetStatistics ListAliases"
)
_WRITING = (
    "Load Release Insert Delete Upsert Import Flush Compaction LoadBalance CreateIndex DropIndex CreatePartition "
    "DropPartition"
)
USUAL = {
    ("Collection", "ReadOnly"): READING,
    ("Collection", "ReadWrite"): _WRITING,
    ("Collection", "Admin"): "CreateAlias DropAlias",
    ("Database", "ReadOnly"): "ShowCollections DescribeDatabase",
    ("Database", "ReadWrite"): "AlterDatabase",
    ("Database", "Admin"): "CreateCollection DropCollection",
    ("Cluster", "ReadOnly"): (
        "ListDatabases SelectOwnership SelectUser DescribeResourceGroup ListResourceGroups ListPrivilegeGroups"
    ),
    ("Cluster", "ReadWrite"): "FlushAll TransferNode TransferReplica UpdateResourceGroups",
    ("Cluster", "Admin"): (
        "BackupRBAC RestoreRBAC CreateDatabase DropDatabase CreateOwnership DropOwnership ManageOwnership "
        "CreateResourceGroup DropResourceGroup UpdateUser RenameCollection CreatePrivilegeGroup DropPrivilegeGroup "
        "OperatePrivilegeGroup"
    ),
}
BELOW = {"ReadOnly": "", "ReadWrite": "ReadOnly", "Admin": "ReadWrite"}
USUAL_GROUPS: dict[str, tuple[str, ...]] = {}
for (_kind, _level), _more in USUAL.items():
    USUAL_GROUPS[_kind + _level] = (*USUAL_GROUPS.get(_kind + BELOW[_level], ()), *_more.split())
# Names under which servers with `OperatePrivilegeV2` grant something else than they say: the old groups bring rights in
# the whole database, and today's in the protocol's words bring none until a restart and then all -> what is meant.
MISLEADING = {
    **REPLACED_GROUPS,
    **{f"Group{name}": meant for name, meant in REPLACED_GROUPS.items()},
    **{f"Group{name}": name for name in USUAL_GROUPS},
}


def kind_of(privilege: str) -> str:
    """The type of object that a privilege is about on all servers: `Collection`, `User`, `Global`; empty = unknown."""
    if privilege in ON_COLLECTIONS:
        return "Collection"
    if privilege in ON_USERS:
        return "User"
    return "Global" if privilege in KNOWN else ""


def type_of(privilege: str) -> str:
    """The object type with which the older way of granting takes a privilege; empty for groups and what is unknown."""
    if privilege in OLD_GROUPS:
        return "Global" if privilege == "Admin" else "Collection"
    kind = PRIVILEGES.get(privilege, ("",))[0]
    return kind if kind in OBJECT_TYPES else ""


def list_privileges(version: str) -> list[str]:
    """The privileges and groups that a server has, by name; those of all versions where its version is not known."""
    return sorted(name for name in KNOWN if not versions.is_older(version, FIRST_VERSIONS.get(name, "")))


def _simplify(name: str) -> str:
    """A name without case, what stands between its words, and the prefixes of the protocol."""
    plain = "".join(filter(str.isalnum, name)).lower()
    return plain.removeprefix("privilege").removeprefix("group")


_MEANT = {
    _simplify(name): meant
    for names in (OTHER_NAMES, REPLACED_GROUPS, dict(zip(KNOWN, KNOWN, strict=True)))
    for name, meant in names.items()
}


def suggest_privilege(name: str, others: Iterable[str] = (), version: str = "") -> str:
    """` (did you mean 'x'?)` for what is no privilege; nothing where nothing is like it.

    Args:
        name: what somebody took for one: a call, a name from a manual, or a slip of the pen.
        others: what there is beside the catalogue, such as somebody's own groups.
        version: the server's, to say so if it is too old for what was meant; empty = not known.
    """
    if "," in str(name):
        return "; give one privilege by itself, without a comma"
    meant = _MEANT.get(_simplify(name), "")
    if not meant:
        return did_you_mean(name, {*KNOWN, *others})
    since = FIRST_VERSIONS.get(meant, "")
    is_missing = bool(since) and versions.is_older(version, since)
    return f" (did you mean {meant!r}?{f' No Milvus before {since} has it' if is_missing else ''})"


class Scope(NamedTuple):
    """On what a privilege is granted, as the caller said it; None = not said."""

    collection: str | None = None
    db: str | None = None
    object_type: str | None = None
    object_name: str | None = None


def unnamed_collection_text(privilege: str) -> str:
    """What to say where a collection is missing."""
    return f"{privilege!r} is granted on a collection: name it (--collection NAME), or '*' for all of them"


def problem_with_scope(privilege: str, scope: Scope) -> str | None:
    """Why this privilege cannot be granted on this scope, or None."""
    if scope.object_type is not None:
        if scope.collection is not None:
            return "an object's type and name say on what, so a collection cannot be given, too"
        if scope.object_name is None and scope.object_type != "Global":
            return f"the object type {scope.object_type!r} needs an object name, or '*' for all"
        if scope.object_name == "":
            return "the object name is empty: give one, or '*' for all"
    elif scope.object_name is not None:
        return "an object name needs an object type: Global, Collection or User"
    elif privilege in ON_COLLECTIONS and not scope.collection:
        return unnamed_collection_text(privilege)
    elif scope.collection == "":
        return "the collection name is empty: leave it out, or give '*' for all of them"
    elif privilege in ON_CLUSTER | ON_USERS | ON_DATABASES and scope.collection not in (None, ALL):
        return f"{privilege!r} is not about one collection: leave it out"
    return None


def as_v2_grant(conn: Connection, role: str, privilege: str, scope: Scope) -> Grant | None:
    """The grant as servers from 2.4.18 take it. None if an object type asks for the older way."""
    if scope.object_type is not None:
        return None
    everywhere = privilege in ON_CLUSTER | ON_USERS
    db = ALL if everywhere and scope.db is None else _database_of(conn, scope)
    on_collections = privilege in ON_COLLECTIONS | ON_EITHER or scope.collection
    kind = "User" if privilege in ON_USERS else "Collection" if on_collections else "Global"
    return Grant(role, privilege, kind, scope.collection or ALL, db)


def as_v1_grant(conn: Connection, role: str, privilege: str, scope: Scope) -> Grant:
    """The grant as all servers take it."""
    if scope.object_type is not None:
        return Grant(role, privilege, scope.object_type, scope.object_name or ALL, _database_of(conn, scope))
    if privilege in ON_USERS:
        return Grant(role, privilege, "User", ALL, _database_of(conn, scope))
    if privilege in ON_COLLECTIONS or (privilege not in KNOWN and scope.collection):
        return Grant(role, privilege, "Collection", scope.collection or ALL, _database_of(conn, scope))
    return Grant(role, privilege, "Global", ALL, _database_of(conn, scope))


def _database_of(conn: Connection, scope: Scope) -> str:
    return scope.db if scope.db is not None else conn.address.db_name or DEFAULT_DATABASE
