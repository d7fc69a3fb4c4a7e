"""Privileges: on what they are granted, and the two ways to say so."""

from __future__ import annotations

from typing import NamedTuple

from milvus_magics.client.results.privileges import Grant
from milvus_magics.transport.connection import Connection


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Hints for levels and spelling, never a closed list: servers add privileges, and theirs is the last word.
ON_COLLECTIONS = _names(
    "Load Release Compaction Insert Delete GetStatistics CreateIndex IndexDetail DropIndex Search Flush Query "
    "LoadBalance Import Upsert GetLoadingProgress GetLoadState CreatePartition DropPartition ShowPartitions "
    "HasPartition GetFlushState AddCollectionField AlterCollectionSchema CreateSnapshot DropSnapshot DescribeSnapshot "
    "ListSnapshots RestoreSnapshot RefreshExternalCollection CollectionReadOnly CollectionReadWrite CollectionAdmin"
)
ON_DATABASES = _names(
    "CreateCollection DropCollection ShowCollections RenameCollection DescribeDatabase AlterDatabase DatabaseReadOnly "
    "DatabaseReadWrite DatabaseAdmin"
)
# On databases or collections on later servers, on everything on 2.3.
ON_EITHER = _names("DescribeCollection CreateAlias DropAlias DescribeAlias ListAliases GetImportProgress ListImport")
DROPPING = frozenset({"DropCollection", "RenameCollection"})
# What reaches a collection that is there, although it is granted on everything or on a database.
REACHING = DROPPING | ON_EITHER
ON_USERS = frozenset({"UpdateUser", "SelectUser"})
ON_CLUSTER = _names(
    "CreateOwnership DropOwnership SelectOwnership ManageOwnership CreateResourceGroup DropResourceGroup "
    "DescribeResourceGroup ListResourceGroups UpdateResourceGroups TransferNode TransferReplica CreateDatabase "
    "DropDatabase ListDatabases FlushAll BackupRBAC RestoreRBAC CreatePrivilegeGroup DropPrivilegeGroup "
    "ListPrivilegeGroups OperatePrivilegeGroup AddFileResource RemoveFileResource ListFileResources "
    "UpdateReplicateConfiguration GetReplicateConfiguration PinSnapshotData UnpinSnapshotData RestoreExternalSnapshot "
    "ExportSnapshot Expr ClusterReadOnly ClusterReadWrite ClusterAdmin"
)
ALL_PRIVILEGES = "All"  # what Milvus calls the privilege that brings all others
KNOWN = ON_COLLECTIONS | ON_DATABASES | ON_EITHER | ON_USERS | ON_CLUSTER | {ALL_PRIVILEGES}
# Milvus's word for what a privilege is about -> those that are known; later ones are told by the server's groups.
LEVELS = {
    "Cluster": ON_CLUSTER | ON_USERS, "Database": ON_DATABASES, "Collection": ON_COLLECTIONS | ON_EITHER,
}  # fmt: skip
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
    ("Database", "Admin"): "CreateCollection DropCollection RenameCollection",
    ("Cluster", "ReadOnly"): (
        "ListDatabases SelectOwnership SelectUser DescribeResourceGroup ListResourceGroups ListPrivilegeGroups"
    ),
    ("Cluster", "ReadWrite"): "FlushAll TransferNode TransferReplica UpdateResourceGroups",
    ("Cluster", "Admin"): (
        "BackupRBAC RestoreRBAC CreateDatabase DropDatabase CreateOwnership DropOwnership ManageOwnership "
        "CreateResourceGroup DropResourceGroup UpdateUser CreatePrivilegeGroup DropPrivilegeGroup OperatePrivilegeGroup"
    ),
}
BELOW = {"ReadOnly": "", "ReadWrite": "ReadOnly", "Admin": "ReadWrite"}
USUAL_GROUPS: dict[str, tuple[str, ...]] = {}
for (_kind, _level), _more in USUAL.items():
    USUAL_GROUPS[_kind + _level] = (*USUAL_GROUPS.get(_kind + BELOW[_level], ()), *_more.split())
# The groups of 2.4, which later servers still take: listed as here, and granted also as `GroupReadOnly` and so on.
OLD_GROUPS = _names("ReadOnly ReadWrite Admin")
# What servers with groups know and those without don't.
SINCE_GROUPS = _names(
    "DescribeDatabase AlterDatabase ListPrivilegeGroups UpdateResourceGroups BackupRBAC RestoreRBAC "
    "CreatePrivilegeGroup DropPrivilegeGroup OperatePrivilegeGroup AddCollectionField AlterCollectionSchema "
    "CreateSnapshot DropSnapshot DescribeSnapshot ListSnapshots RestoreSnapshot RefreshExternalCollection "
    "GetImportProgress ListImport CollectionReadOnly CollectionReadWrite CollectionAdmin"
)


def kind_of(privilege: str) -> str:
    """The type of object that a privilege is about on all servers: `Collection`, `User`, `Global`; empty = unknown."""
    if privilege in ON_COLLECTIONS:
        return "Collection"
    if privilege in ON_USERS:
        return "User"
    return "Global" if privilege in KNOWN else ""


class Scope(NamedTuple):
    """On what a privilege is granted, as the caller said it; None = not said."""

    collection: str | None = None
    db: str | None = None
    object_type: str | None = None
    object_name: str | None = None


def problem_with_scope(privilege: str, scope: Scope) -> str | None:
    """Why this privilege cannot be granted on this scope, or None."""
    if scope.object_type is not None:
        if scope.collection is not None:
            return "an object's type and name say on what, so a collection cannot be given, too"
        if scope.object_name is None and scope.object_type != "Global":
            return f"the object type {scope.object_type!r} needs an object name, or '*' for all"
    elif scope.object_name is not None:
        return "an object name needs an object type: Global, Collection or User"
    elif privilege in ON_COLLECTIONS and not scope.collection:
        return f"{privilege!r} is granted on a collection: name it (--collection NAME), or '*' for all of them"
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
