"""Which privileges there are, of which object type, and what the built-in groups hold; as tables that grow.

A privilege that isn't in a version's table is unknown to it.
"""

GLOBAL_23 = frozenset(
    "All CreateCollection DropCollection DescribeCollection ShowCollections CreateOwnership DropOwnership "
    "SelectOwnership ManageOwnership CreateResourceGroup DropResourceGroup DescribeResourceGroup ListResourceGroups "
    "TransferNode TransferReplica RenameCollection CreateDatabase DropDatabase ListDatabases FlushAll CreateAlias "
    "DropAlias DescribeAlias ListAliases".split()
)
COLLECTION_23 = frozenset(
    "Load Release Compaction Insert Delete GetStatistics CreateIndex IndexDetail DropIndex Search Flush Query "
    "LoadBalance Import Upsert GetLoadingProgress GetLoadState CreatePartition DropPartition ShowPartitions "
    "HasPartition GetFlushState".split()
)
USER = frozenset({"UpdateUser", "SelectUser"})
TYPES_23 = {"Collection": COLLECTION_23, "Global": GLOBAL_23, "User": USER}

TYPES_25 = {
    "Collection": COLLECTION_23 | {"ReadOnly", "ReadWrite"},
    "Global": GLOBAL_23 | set(
        "Admin UpdateResourceGroups AlterDatabase DescribeDatabase BackupRBAC RestoreRBAC CreatePrivilegeGroup "
        "DropPrivilegeGroup ListPrivilegeGroups OperatePrivilegeGroup".split()
    ),
    "User": USER,
}  # fmt: skip
TYPES_26 = {
    "Collection": TYPES_25["Collection"] | {"AddCollectionField"},
    "Global": TYPES_25["Global"] | set(
        "GetImportProgress ListImport UpdateReplicateConfiguration GetReplicateConfiguration".split()
    ),
    "User": USER,
}  # fmt: skip
FILE_RESOURCES = frozenset({"AddFileResource", "RemoveFileResource", "ListFileResources"})
TYPES_30 = {
    "Collection": TYPES_26["Collection"] | set(
        "AlterCollectionSchema CreateSnapshot DropSnapshot DescribeSnapshot ListSnapshots RestoreSnapshot "
        "RefreshExternalCollection".split()
    ),
    "Global": TYPES_26["Global"] | FILE_RESOURCES | set(
        "PinSnapshotData UnpinSnapshotData RestoreExternalSnapshot ExportSnapshot Expr".split()
    ),
    "User": USER,
}  # fmt: skip


def groups(base, **changes):
    """Groups that hold more than those of `base`; each change is the names that are new, `-Name` is one that left."""
    found = dict(base)
    for group, names in changes.items():
        names = set(names.split())
        gone = {name[1:] for name in names if name.startswith("-")}
        found[group] = found.get(group, frozenset()) | {name for name in names if not name.startswith("-")} - gone
        found[group] -= gone
    return found


def _nested(collection, database, cluster):
    """A group of three, each of which holds the one before."""
    return {
        f"{level}{kind}": frozenset(" ".join(parts[: count + 1]).split())
        for level, parts in (("Collection", collection), ("Database", database), ("Cluster", cluster))
        for count, kind in enumerate(("ReadOnly", "ReadWrite", "Admin"))
    }


GROUPS_25 = _nested(
    (
        "Query Search IndexDetail GetFlushState GetLoadState GetLoadingProgress HasPartition ShowPartitions "
        "DescribeCollection DescribeAlias GetStatistics ListAliases",
        "Load Release Insert Delete Upsert Import Flush Compaction LoadBalance CreateIndex DropIndex CreatePartition "
        "DropPartition",
        "CreateAlias DropAlias",
    ),
    ("ShowCollections DescribeDatabase", "AlterDatabase", "CreateCollection DropCollection"),
    (
        "ListDatabases SelectOwnership SelectUser DescribeResourceGroup ListResourceGroups ListPrivilegeGroups",
        "FlushAll TransferNode TransferReplica UpdateResourceGroups",
        "BackupRBAC RestoreRBAC CreateDatabase DropDatabase CreateOwnership DropOwnership ManageOwnership "
        "CreateResourceGroup DropResourceGroup UpdateUser RenameCollection CreatePrivilegeGroup DropPrivilegeGroup "
        "OperatePrivilegeGroup",
    ),
)
GROUPS_26 = groups(
    GROUPS_25,
    CollectionReadOnly="GetImportProgress ListImport",
    CollectionReadWrite="GetImportProgress ListImport AddCollectionField",
    CollectionAdmin="GetImportProgress ListImport AddCollectionField",
    ClusterReadOnly="GetReplicateConfiguration",
    ClusterReadWrite="GetReplicateConfiguration",
    ClusterAdmin="GetReplicateConfiguration UpdateReplicateConfiguration",
)
_SNAPSHOTS = "DescribeSnapshot ListSnapshots"
_WRITING = f"{_SNAPSHOTS} AlterCollectionSchema CreateSnapshot DropSnapshot RefreshExternalCollection"
_FILES = "AddFileResource ListFileResources PinSnapshotData RemoveFileResource UnpinSnapshotData"
GROUPS_30 = groups(
    GROUPS_26,
    CollectionReadOnly=_SNAPSHOTS,
    CollectionReadWrite=_WRITING,
    CollectionAdmin=f"{_WRITING} RestoreSnapshot",
    DatabaseAdmin="RenameCollection",
    ClusterReadOnly="ListFileResources",
    ClusterReadWrite=_FILES,
    ClusterAdmin=f"{_FILES} ExportSnapshot Expr RestoreExternalSnapshot -RenameCollection",
)

# What a grant of the one brings, and a revocation takes, too.
COMPANIONS = {"Load": ("GetLoadState", "GetLoadingProgress"), "Flush": ("GetFlushState",)}

# Groups of 2.4, which are no longer listed: what they bring in the database that they are granted in, whatever they
# are granted on. That they do was seen; what exactly each holds is only roughly known.
_READING = GROUPS_25["CollectionReadOnly"] | {"DescribeDatabase", "ListDatabases"}
OLD_GROUPS = {
    "ReadOnly": _READING,
    "ReadWrite": _READING | GROUPS_25["CollectionReadWrite"] | {"AlterDatabase"},
    "Admin": (TYPES_25["Global"] | COLLECTION_23 | USER) - {"FlushAll"} - {
        name for name in TYPES_25["Global"] if name.endswith(("PrivilegeGroup", "PrivilegeGroups"))
    },
}  # fmt: skip
PUBLIC = (("Collection", "*", "IndexDetail"), ("Global", "*", "DescribeCollection"), ("Global", "*", "ListAliases"))
PUBLIC_23 = (*PUBLIC[:2], ("Global", "*", "ShowCollections"))
