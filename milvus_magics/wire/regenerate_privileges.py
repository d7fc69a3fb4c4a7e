"""Write ``privileges.py``: Milvus's privileges, from the options of its protocol and what those don't say.

Run ``make catalogue`` and commit the result. It needs a ``pymilvus`` with the newest protocol; nothing else in the
package does. What the protocol doesn't say stands here, each line with where it is known from, and nowhere else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

TARGET = Path(__file__).resolve().parent / "privileges.py"
Row = tuple[str, str, str]

# The newest release of the protocol's branches that was looked at; what is in none of them has no line here. Servers
# after these may know more.
NEWEST = ("2.3.16", "2.4.24", "2.5.27", "2.6.22", "3.0.0")

# Object types of what no request asks for by an option.
TYPES = {
    "All": "Global",  # no call needs it: it stands for all others
    "GetLoadingProgress": "Collection",  # its call asks for GetLoadState; 2.3.5 to 3.0 take it on collections
    "ListDatabases": "Global",  # asked for up to 2.4; later servers filter the answer instead
    "ShowCollections": "Global",  # likewise
}
# Levels of what is Global, where that isn't the cluster: in which of its own groups a server lists it.
LEVELS = {
    "Database": (
        "CreateCollection DropCollection ShowCollections DescribeDatabase AlterDatabase "  # in DatabaseAdmin since 2.5
        "RenameCollection"  # in DatabaseAdmin from 3.0 on; in ClusterAdmin before, but a grant in a database counts
    ),
    "Collection": (
        "DescribeCollection CreateAlias DropAlias DescribeAlias ListAliases "  # in CollectionAdmin since 2.5
        "GetImportProgress ListImport"  # in CollectionAdmin since 2.6
    ),
    "": "All",  # in no group, and of all levels
}
# Before which version no server knows a privilege. What isn't here is known to 2.3.5.
SINCE = {
    "2.4": "UpdateResourceGroups",  # the protocol's first release with it, as all of 2.4
    "2.4.1": "AlterDatabase",
    "2.4.3": "DescribeDatabase",
    "2.4.10": "BackupRBAC RestoreRBAC",
    "2.4.16": "CreatePrivilegeGroup DropPrivilegeGroup ListPrivilegeGroups OperatePrivilegeGroup",
    "2.4.18": (  # the protocol's first release with them; 2.5.24 lists and takes them
        "CollectionReadOnly CollectionReadWrite CollectionAdmin DatabaseReadOnly DatabaseReadWrite DatabaseAdmin "
        "ClusterReadOnly ClusterReadWrite ClusterAdmin"
    ),
    "2.6": (  # some came with a later patch; recorded with 2.6.18, and 2.5.24 knows none
        "AddCollectionField GetImportProgress ListImport UpdateReplicateConfiguration GetReplicateConfiguration "
        "AddFileResource RemoveFileResource ListFileResources"  # 2.6.18 takes these, but lists them in no group
    ),
    "3.0": (  # recorded with 3.0.0-beta, and 2.6.18 knows none
        "AlterCollectionSchema RefreshExternalCollection CreateSnapshot DropSnapshot DescribeSnapshot ListSnapshots "
        "RestoreSnapshot PinSnapshotData UnpinSnapshotData RestoreExternalSnapshot ExportSnapshot Expr"
    ),
    "3.0.1": "SkipRLS ViewRLS ManageRLS ImportBinlog",  # in the protocol's main line, and in no release up to 3.0.0
}
# Privileges that pymilvus's protocol has no number for: object type, level.
BEYOND = {
    "Expr": ("Global", "Cluster"),  # 3.0.0-beta lists it in ClusterAdmin; it never had a number
    "SkipRLS": ("Collection", "Collection"),  # row-level security: not yet in a release of the protocol
    "ViewRLS": ("Collection", "Collection"),  # likewise
    "ManageRLS": ("Collection", "Collection"),  # likewise
    "ImportBinlog": ("Global", "Cluster"),  # likewise
}
# Requests whose option is not what servers ask for: what they need instead.
CORRECTED = {
    "CreateRowPolicy": "ManageRLS",  # no server has the call yet; the protocol's main line asks for this
    "DropRowPolicy": "ManageRLS",  # likewise
    "ListRowPolicies": "ViewRLS",  # likewise
    "ListDatabases": "ListDatabases",  # see above
    "ShowCollections": "ShowCollections",  # see above
}
# What people call privileges and no server knows, by where they read it: the name that is meant.
DOCUMENTED = {
    # Milvus's and Zilliz Cloud's pages on privilege groups shorten their names, and call the short ones names as well.
    "COLL_RO": "CollectionReadOnly", "COLL_RW": "CollectionReadWrite", "COLL_ADMIN": "CollectionAdmin",
    "DB_RO": "DatabaseReadOnly", "DB_RW": "DatabaseReadWrite", "DB_Admin": "DatabaseAdmin",
    "Cluster_RO": "ClusterReadOnly", "Cluster_RW": "ClusterReadWrite", "Cluster_Admin": "ClusterAdmin",
    # Milvus's table of users and roles lists, beside a privilege, calls that are called otherwise in the protocol.
    "Alias": "CreateAlias", "Compact": "Compaction", "BulkInsert": "Import", "CreateUser": "CreateOwnership",
    # What pymilvus's MilvusClient calls what these privileges are needed for.
    "DropUser": "DropOwnership", "ListUsers": "SelectOwnership", "DescribeUser": "SelectUser",
    "UpdatePassword": "UpdateUser", "ListRoles": "SelectOwnership", "DescribeRole": "SelectOwnership",
    "GrantRole": "ManageOwnership", "RevokeRole": "ManageOwnership", "GrantPrivilege": "ManageOwnership",
    "RevokePrivilege": "ManageOwnership", "ListCollections": "ShowCollections", "ListPartitions": "ShowPartitions",
    "ListIndexes": "IndexDetail", "GetCollectionStats": "GetStatistics",
}  # fmt: skip


TEMPLATE = '''\
"""Milvus's privileges as its protocol has them: written by `make catalogue`, not by hand."""

# Of each series the newest version that was looked at: later ones may know more.
NEWEST = {newest}

# Privilege, or one of Milvus's own groups -> object type, level, and before which version nobody knows it.
PRIVILEGES: dict[str, tuple[str, str, str]] = {{
{privileges}
}}

# Groups of 2.4, which later servers take and don't list -> what to grant there instead.
REPLACED_GROUPS = {{
{replaced_groups}
}}

# What is no privilege, though people take it for one: calls, and names from manuals -> the privilege.
OTHER_NAMES = {{
{other_names}
}}
'''


def read_protocol() -> tuple[list[str], dict[str, set[str]], dict[str, str]]:
    """What the protocol of the installed pymilvus says.

    Returns:
        The names of all privileges and groups; the object types that requests ask for a privilege on; and which
        privilege each call needs.
    """
    from pymilvus.grpc_gen import common_pb2, milvus_pb2

    file, extension = milvus_pb2.DESCRIPTOR, common_pb2.privilege_ext_obj
    service = file.services_by_name["MilvusService"]
    types: dict[str, set[str]] = defaultdict(set)
    calls: dict[str, str] = {}
    for message in file.message_types_by_name.values():
        names = [method.name for method in service.methods if method.input_type is message]
        names = names or [message.name.removesuffix("Request").removesuffix("AuthPlaceholder")]
        if not message.GetOptions().HasExtension(extension) or CORRECTED.keys() & names:
            continue
        option = message.GetOptions().Extensions[extension]
        privilege = common_pb2.ObjectPrivilege.Name(option.object_privilege).removeprefix("Privilege")
        types[privilege].add(common_pb2.ObjectType.Name(option.object_type))
        calls |= dict.fromkeys(names, privilege)
    names = [name.removeprefix("Privilege") for name in common_pb2.ObjectPrivilege.keys()]  # noqa: SIM118 - no dict
    return names, types, {**calls, **CORRECTED}


def make_table(names: Iterable[str], types: Mapping[str, set[str]]) -> dict[str, Row]:
    """Each privilege's object type, level and first version.

    Raises:
        ValueError: the protocol and the tables above leave something open, or say it twice.
    """
    since = _by_name(SINCE)
    found = {**_find_groups(names), **_find_singles(names, types)}
    if said := found.keys() & BEYOND.keys():
        raise ValueError(f"the protocol has {sorted(said)} now: drop them from BEYOND")
    found |= BEYOND
    if idle := since.keys() - found.keys():
        raise ValueError(f"SINCE has what is no privilege: {sorted(idle)}")
    return {name: (kind, level, since.get(name, "")) for name, (kind, level) in found.items()}


def _by_name(listed: Mapping[str, str]) -> dict[str, str]:
    return {name: value for value, names in listed.items() for name in names.split()}


def _find_groups(names: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Today's groups, which have their level in their names."""
    levels = {name: _level_of_group(name) for name in names}
    return {name.removeprefix("Group"): ("Group", level) for name, level in levels.items() if level}


def _find_singles(names: Iterable[str], types: Mapping[str, set[str]]) -> dict[str, tuple[str, str]]:
    kinds = {name: _type_of(name, types) for name in names if not name.startswith("Group")}
    levels = _by_name(LEVELS)
    if idle := sorted(name for name in levels if kinds.get(name) != "Global"):
        raise ValueError(f"LEVELS has what is nothing Global: {idle}")
    return {name: (kind, levels.get(name, "Collection" if kind == "Collection" else "Cluster"))
            for name, kind in kinds.items()}  # fmt: skip


def _level_of_group(name: str) -> str:
    """The level in a group's name; empty for one of 2.4, which has none, and for what is no group."""
    return next((level for level in ("Collection", "Database", "Cluster") if name.startswith(f"Group{level}")), "")


def _type_of(name: str, types: Mapping[str, set[str]]) -> str:
    found: set[str] = {*types.get(name, ()), *([TYPES[name]] if name in TYPES else [])}
    if len(found) != 1 or (name in TYPES and name in types):
        raise ValueError(f"TYPES must say of what type {name} is, and only if the protocol doesn't: {sorted(found)}")
    return found.pop()


def find_replaced_groups(names: Iterable[str], table: Mapping[str, Row]) -> dict[str, str]:
    """The groups of 2.4, and today's in their place: they have no level in their names."""
    groups = [name.removeprefix("Group") for name in names if name.startswith("Group")]
    return {group: f"Collection{group}" for group in groups if group not in table}


def generate() -> str:
    """The text of ``privileges.py`` for the installed pymilvus, the same for the same protocol."""
    names, types, calls = read_protocol()
    table = make_table(names, types)
    other_names = {call: privilege for call, privilege in sorted(calls.items()) if call not in table} | DOCUMENTED
    return TEMPLATE.format(
        newest=_value(NEWEST),
        privileges=_rows({name: table[name] for name in sorted(table)}),
        replaced_groups=_rows(find_replaced_groups(names, table)),
        other_names=_rows(other_names),
    )


def _rows(rows: Mapping[str, str | Row]) -> str:
    return "\n".join(f"    {_text(name)}: {_value(value)}," for name, value in rows.items())


def _value(value: str | tuple[str, ...]) -> str:
    return _text(value) if isinstance(value, str) else f"({', '.join(map(_text, value))})"


def _text(text: str) -> str:
    return f'"{text}"'


if __name__ == "__main__":
    TARGET.write_text(generate(), encoding="utf-8")
    print(f"wrote {TARGET}")
