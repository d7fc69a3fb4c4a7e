"""In what versions differ: one table for each that was recorded, which says what is other than in the one before.

Which table a version has that wasn't recorded, and what began between two that were, stands at the end.
"""

import re
from dataclasses import dataclass, field, replace

from contract import privileges


@dataclass(frozen=True)
class Version:
    """One of the versions that were recorded."""

    build: str  # what GetVersion says
    # How refusals are numbered and worded.
    coded: bool = False  # refusals of the coordinator have a code that says why, and "invalid parameter" behind them
    says_check: bool = False  # "failed to check if …: " stands before what is checked while the change is made
    says_database: bool = False  # in which database a right is missing
    details: bool = False  # `detail` repeats the reason
    input_errors: frozenset = frozenset()  # codes that are marked as the caller's mistake
    no_header: str = "authorize:[authorization]"  # what a grant without header is told
    # Users and passwords.
    longest_password: int = 256  # of 6 bytes and more; hashing refuses more than 72, which 2.3 finds out late
    user_characters: str = r"[A-Za-z0-9_]"
    user_characters_named: str = "numbers, letters and underscores"
    first_letter: str = "%!s(uint8={0})"  # what is said of a first character: its number or itself
    longest_name: str = "%!d(string=32)"
    trims_users: bool = False  # blanks around a user's name are dropped when it is created, changed or deleted
    superusers_create: bool = True  # a superuser who changes the password of a user that isn't there makes one
    limit_first: bool = True  # at the limit, also a user who exists is refused for the limit
    empty_roles: bool = False  # of a user are listed where another one, whose name begins with theirs, has roles
    descriptions: bool = False  # of users and roles are kept
    # Roles and grants.
    name_characters: str = "numbers, letters, dollars and underscores"
    object_label: str = "role name"  # what a text calls the name of an object
    force_drop: str = ""  # what `force_drop` takes: nothing, the grants of roles that begin so ("prefix"), own ones
    drop_sees: str = "default"  # the grants that keep a role: those in `default` and `*`, or "all"
    says_type: bool = False  # which object type an unknown privilege was looked for in
    names_missing: bool = False  # texts say which user or role there isn't
    companions: bool = False  # Load and Flush bring others
    lists_all: bool = False  # SelectGrant in `*` lists all databases
    resolves_aliases: bool = False  # grants on an alias are kept on its collection, which asks for its database
    # Rights.
    expands: bool = False  # grants are read by the table of types, and groups as what they hold
    cluster_rights: str = "header"  # the database where rights are looked for; with "*" those on the cluster there
    filters: bool = False  # lists of databases and collections hold what the caller may see, and need no right
    missing_collection: str = "can't find collection collection not found"
    public: tuple = privileges.PUBLIC_23
    # Groups and restoring.
    checks_alter_first: bool = False  # whether a group can be changed is checked before levels; in another order
    in_use_coded: bool = False  # a group that a role holds is refused with a code that says why, as most about groups
    restore_checks_roles: bool = False  # of users that are restored
    types: dict = field(default_factory=lambda: privileges.TYPES_23)
    hidden: frozenset = frozenset()  # privileges, of the type Global, that only the newer way of granting takes
    groups: dict = field(default_factory=dict)


V2_3_5 = Version(build="v2.3.5-lite")
V2_5_24 = replace(
    V2_3_5,
    build="2.5.24",
    says_database=True, details=True, input_errors=frozenset({0}), no_header="authorization:[token]",
    longest_password=72, first_letter="{1}", empty_roles=True,
    object_label="object name", force_drop="prefix", drop_sees="all", says_type=True, companions=True, lists_all=True,
    expands=True, filters=True, missing_collection="can't find collection", public=privileges.PUBLIC,
    types=privileges.TYPES_25, groups=privileges.GROUPS_25,
)  # fmt: skip
V2_6_18 = replace(
    V2_5_24,
    build="2.6.18",
    says_check=True,
    user_characters=r"[A-Za-z0-9_.\-]", user_characters_named="numbers, letters, underscores, dots, and hyphens",
    trims_users=True, empty_roles=False, superusers_create=False, limit_first=False,
    name_characters="numbers, letters, underscores, and allowed characters ($)",
    force_drop="own", resolves_aliases=True,
    checks_alter_first=True, restore_checks_roles=True,
    types=privileges.TYPES_26, hidden=privileges.FILE_RESOURCES, groups=privileges.GROUPS_26,
)  # fmt: skip
V3_0_0_BETA = replace(
    V2_6_18,
    build="3.0.0-beta",
    coded=True, in_use_coded=True, input_errors=frozenset({0, 800, 802, 1100, 1400, 1401, 1402, 1600}),
    longest_name="32", descriptions=True, names_missing=True, cluster_rights="*",
    types=privileges.TYPES_30, hidden=frozenset(), groups=privileges.GROUPS_30,
)  # fmt: skip

RECORDED = {"2.3.5": V2_3_5, "2.5.24": V2_5_24, "2.6.18": V2_6_18, "3.0.0-beta": V3_0_0_BETA}

# Versions that weren't recorded have the table of a near one: from which version on each counts. 2.4.10 and later
# took over much of 2.5.
FROM = [((3, 0), V3_0_0_BETA), ((2, 6), V2_6_18), ((2, 4, 10), V2_5_24), ((0,), V2_3_5)]
# Methods that older versions don't have. A table has only methods of its own version, these count besides.
SINCE = {
    "BackupRBAC": (2, 4, 10), "RestoreRBAC": (2, 4, 10), "DescribeDatabase": (2, 4, 3),
    "CreatePrivilegeGroup": (2, 4, 16), "DropPrivilegeGroup": (2, 4, 16), "ListPrivilegeGroups": (2, 4, 16),
    "OperatePrivilegeGroup": (2, 4, 16), "OperatePrivilegeV2": (2, 4, 18), "AlterRole": (2, 6, 19),
}  # fmt: skip
# Fields of a table that began, or ended, between two recorded versions.
BEGAN = {"companions": (2, 5), "resolves_aliases": (2, 6, 12), "descriptions": (2, 6, 19)}


def number_of(version):
    """`"3.0.0-beta"` -> `(3, 0, 0)`."""
    return tuple(map(int, re.match(r"(\d+)\.(\d+)\.(\d+)", version).groups()))


def table_of(version):
    """The table of a version; one that wasn't recorded calls itself as releases do."""
    return RECORDED.get(version) or nearest_table(version)


def nearest_table(version):
    number = number_of(version)
    table = next(table for first, table in FROM if number >= first)
    return replace(table, build=f"v{version}", **{name: number >= first for name, first in BEGAN.items()})
