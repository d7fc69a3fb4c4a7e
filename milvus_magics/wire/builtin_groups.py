"""What Milvus's own groups of privileges hold, unless a server's settings say otherwise, by version."""

from __future__ import annotations

from collections.abc import Mapping

from milvus_magics.wire.versions import is_older

Groups = Mapping[str, frozenset[str]]


def _nested(**parts: tuple[str, str, str]) -> dict[str, frozenset[str]]:
    """Groups of three, of which each holds the one before, too."""
    return {
        f"{level}{kind}": frozenset(" ".join(names[: count + 1]).split())
        for level, names in parts.items()
        for count, kind in enumerate(("ReadOnly", "ReadWrite", "Admin"))
    }


def _grown(groups: Groups, more: Groups) -> dict[str, frozenset[str]]:
    return {name: members | more.get(name, frozenset()) for name, members in groups.items()}


_IN_2_5 = _nested(
    Collection=(
        "Query Search IndexDetail GetFlushState GetLoadState GetLoadingProgress HasPartition ShowPartitions "
        "DescribeCollection DescribeAlias GetStatistics ListAliases",
        "Load Release Insert Delete Upsert Import Flush Compaction LoadBalance CreateIndex DropIndex CreatePartition "
        "DropPartition",
        "CreateAlias DropAlias",
    ),
    Database=("ShowCollections DescribeDatabase", "AlterDatabase", "CreateCollection DropCollection"),
    Cluster=(
        "ListDatabases SelectOwnership SelectUser DescribeResourceGroup ListResourceGroups ListPrivilegeGroups",
        "FlushAll TransferNode TransferReplica UpdateResourceGroups",
        "BackupRBAC RestoreRBAC CreateDatabase DropDatabase CreateOwnership DropOwnership ManageOwnership "
        "CreateResourceGroup DropResourceGroup UpdateUser RenameCollection CreatePrivilegeGroup DropPrivilegeGroup "
        "OperatePrivilegeGroup",
    ),
)
_IN_2_6 = _grown(
    _IN_2_5,
    _nested(
        Collection=("GetImportProgress ListImport", "AddCollectionField", ""),
        Cluster=("GetReplicateConfiguration", "", "UpdateReplicateConfiguration"),
    ),
)
_IN_3_0 = _grown(
    _IN_2_6,
    _nested(
        Collection=(
            "DescribeSnapshot ListSnapshots",
            "AlterCollectionSchema CreateSnapshot DropSnapshot RefreshExternalCollection",
            "RestoreSnapshot",
        ),
        Database=("", "", "RenameCollection"),
        Cluster=(
            "ListFileResources",
            "AddFileResource RemoveFileResource PinSnapshotData UnpinSnapshotData",
            "ExportSnapshot Expr RestoreExternalSnapshot",
        ),
    ),
)
_IN_3_0["ClusterAdmin"] -= {"RenameCollection"}
# As those versions listed them; what others between them hold is somewhere between.
LISTED: dict[str, Groups] = {"2.5.24": _IN_2_5, "2.6.18": _IN_2_6, "3.0.0": _IN_3_0}
_NAMES = frozenset().union(*(members for groups in LISTED.values() for members in groups.values()))


def difference_from_usual(version: str, group: str, members: frozenset[str]) -> tuple[list[str], list[str]] | None:
    """What one of Milvus's own groups lacks, and what it holds besides what is usual.

    None if Milvus has no such group. Privileges that no version so far had are no difference.
    """
    if group not in _IN_2_5:
        return None
    older = [number for number in LISTED if not is_older(version, number)]
    newer = [number for number in LISTED if not is_older(number, version)]
    is_readable = is_older(version, "9999.0")
    near = [LISTED[number][group] for number in ([*older[-1:], *newer[:1]] if is_readable else LISTED)]
    missing = frozenset.intersection(*near) - members
    return sorted(missing), sorted(members & _NAMES - frozenset().union(*near))
