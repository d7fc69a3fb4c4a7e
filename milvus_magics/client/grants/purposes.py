"""What each privilege is for, in plain words, and which of them make sense on what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from milvus_magics import wire
from milvus_magics.client.grants.scope import Groups, level_of
from milvus_magics.client.privilege_catalog import ON_COLLECTIONS, ON_EITHER, USUAL_GROUPS, list_privileges
from milvus_magics.wire import versions
from milvus_magics.wording import list_text

BUILT_IN, OWN = "Milvus's own groups", "Groups made here"
# What for -> privilege or group -> what it lets somebody do.
PURPOSES: dict[str, dict[str, str]] = {
    BUILT_IN: {
        "CollectionReadOnly": "search, query, describe",
        "CollectionReadWrite": "the same, and insert, delete, load, index",
        "CollectionAdmin": "the same, and manage aliases",
        "DatabaseReadOnly": "list collections, describe the database",
        "DatabaseReadWrite": "the same, and alter the database",
        "DatabaseAdmin": "the same, and create and drop collections",
        "ClusterReadOnly": "look at users, roles, databases, resource groups",
        "ClusterReadWrite": "the same, and flush and balance the cluster",
        "ClusterAdmin": "the same, and manage users, roles, databases",
    },
    "Reading": {
        "Search": "search by vector",
        "Query": "read by filter or key",
        "GetStatistics": "count rows",
        "DescribeCollection": "see the schema",
        "ShowPartitions": "list partitions",
        "HasPartition": "ask for a partition",
        "IndexDetail": "see indexes",
        "GetLoadState": "see whether it is loaded",
        "GetLoadingProgress": "see how far loading is",
        "GetFlushState": "see whether it is flushed",
        "DescribeAlias": "see what an alias stands for",
        "ListAliases": "list aliases",
    },
    "Writing": {
        "Insert": "add rows",
        "Upsert": "add or replace rows",
        "Delete": "delete rows",
        "Import": "import files",
        "GetImportProgress": "see how far an import is",
        "ListImport": "list imports",
        "Flush": "write rows to storage",
    },
    "Managing collections": {
        "Load": "load into memory",
        "Release": "release from memory",
        "CreateIndex": "create indexes",
        "DropIndex": "drop indexes",
        "CreatePartition": "create partitions",
        "DropPartition": "drop partitions",
        "Compaction": "compact segments",
        "LoadBalance": "move segments between nodes",
        "AddCollectionField": "add fields",
        "AlterCollectionSchema": "change the schema",
        "RefreshExternalCollection": "refresh external data",
        "CreateAlias": "create aliases",
        "DropAlias": "drop aliases",
        "CreateCollection": "create and alter collections",
        "DropCollection": "drop collections",
        "RenameCollection": "rename collections",
        "ShowCollections": "list collections",
    },
    "Snapshots": {
        "CreateSnapshot": "create snapshots",
        "DropSnapshot": "drop snapshots",
        "DescribeSnapshot": "see a snapshot",
        "ListSnapshots": "list snapshots",
        "RestoreSnapshot": "restore a snapshot",
        "PinSnapshotData": "keep a snapshot's data",
        "UnpinSnapshotData": "release a snapshot's data",
        "ExportSnapshot": "export snapshots",
        "RestoreExternalSnapshot": "restore from elsewhere",
    },
    "Row policies": {
        "ManageRLS": "manage row policies",
        "ViewRLS": "see row policies",
        "SkipRLS": "see rows despite policies",
    },
    "Databases": {
        "ListDatabases": "list databases",
        "DescribeDatabase": "see a database's properties",
        "AlterDatabase": "change a database's properties",
        "CreateDatabase": "create databases",
        "DropDatabase": "drop databases",
    },
    "Users and roles": {
        "SelectUser": "look at users",
        "UpdateUser": "change passwords",
        "SelectOwnership": "look at users, roles and what they hold",
        "CreateOwnership": "create users and roles",
        "DropOwnership": "delete users, drop roles",
        "ManageOwnership": "grant and revoke",
        "BackupRBAC": "back up users and roles",
        "RestoreRBAC": "restore users and roles",
        "ListPrivilegeGroups": "list privilege groups",
        "CreatePrivilegeGroup": "create privilege groups",
        "DropPrivilegeGroup": "drop privilege groups",
        "OperatePrivilegeGroup": "change privilege groups",
    },
    "The cluster": {
        "ListResourceGroups": "list resource groups",
        "DescribeResourceGroup": "see a resource group",
        "CreateResourceGroup": "create resource groups",
        "DropResourceGroup": "drop resource groups",
        "UpdateResourceGroups": "change resource groups",
        "TransferNode": "move nodes",
        "TransferReplica": "move replicas",
        "FlushAll": "flush everything",
        "ListFileResources": "list file resources",
        "AddFileResource": "add file resources",
        "RemoveFileResource": "remove file resources",
        "GetReplicateConfiguration": "see replication",
        "UpdateReplicateConfiguration": "change replication",
        "ImportBinlog": "import binary logs",
        "Expr": "evaluate expressions on servers",
    },
    "Everything": {"All": "every right there is"},
}
WORDS = {name: word for names in PURPOSES.values() for name, word in names.items()}
ALL_LEVELS = ("Collection", "Database", "Cluster")


class Place(NamedTuple):
    """On what something is granted.

    Attributes:
        is_all_collections: whether on all collections, and not on named ones.
        is_all_databases: whether in all databases, and not in a named one.
    """

    is_all_collections: bool
    is_all_databases: bool


Offers = dict[str, list[tuple[str, str]]]


def offer_privileges(version: str, groups: Groups, place: Place) -> Offers:
    """What can be granted on something: what for -> privileges and groups, each with its word.

    Args:
        version: the server's.
        groups: all that it lists; none where it has none, or the caller may not look.
        place: on what.
    """
    has_v2 = not versions.is_older(version, wire.METHODS["OperatePrivilegeV2"].since)
    levels = _levels_in(place, has_v2)
    known = {name for name in list_privileges(version) if has_v2 or name not in USUAL_GROUPS}
    # A single privilege of another type counts in the whole database, whatever collection it is granted on.
    fitting = known if place.is_all_collections else known & (ON_COLLECTIONS | USUAL_GROUPS.keys())
    offers = _offers({name for name in fitting if level_on(version, name, groups) in levels})
    own = [name for name in groups if name not in USUAL_GROUPS and level_of(name, groups) in levels]
    return _with_own_groups(offers, own, groups)


def is_on_collections(version: str, privilege: str, groups: Groups) -> bool:
    """Whether a collection is named where it is granted, or all of them."""
    is_single = privilege in ON_COLLECTIONS or privilege in ON_EITHER
    is_group = privilege not in WORDS or privilege in USUAL_GROUPS
    return is_single or (is_group and level_on(version, privilege, groups) == ALL_LEVELS[0])


def offer_members(version: str) -> Offers:
    """What a group of privileges may hold on a server of this version."""
    return _offers(set(list_privileges(version)) - USUAL_GROUPS.keys() - PURPOSES["Everything"].keys())


def level_on(version: str, privilege: str, groups: Groups) -> str:
    """The level of a privilege on a server of this version; what is about everything counts as of databases."""
    if privilege == "RenameCollection" and not versions.has_feature(version, "renaming by database"):
        return "Cluster"
    return level_of(privilege, groups) or "Database"


def _levels_in(place: Place, has_v2: bool) -> Sequence[str]:
    """Of which levels a grant there brings something. Before 2.4.18 the database tells nothing of the level."""
    if not place.is_all_collections:
        return ALL_LEVELS[:1]
    return ALL_LEVELS if place.is_all_databases or not has_v2 else ALL_LEVELS[:2]


def _offers(names: set[str]) -> Offers:
    """Some privileges by what they are for; those that have no word yet come last."""
    found = {
        purpose: [(name, word) for name, word in words.items() if name in names] for purpose, words in PURPOSES.items()
    }
    found["Other"] = [(name, "") for name in sorted(names - WORDS.keys())]
    return {purpose: pairs for purpose, pairs in found.items() if pairs}


def _with_own_groups(offers: Offers, own: Sequence[str], groups: Mapping[str, Sequence[str]]) -> Offers:
    """The same with groups that somebody made, behind Milvus's own."""
    made = {OWN: [(name, list_text(groups[name], 4)) for name in sorted(own)]} if own else {}
    first = {purpose: pairs for purpose, pairs in offers.items() if purpose == BUILT_IN}
    return {**first, **made, **offers}
