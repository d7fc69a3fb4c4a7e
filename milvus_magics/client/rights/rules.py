"""How a server decides about rights: which database counts, and what each grant brings.

From which version on a rule holds stands in `versions.FEATURES`, each followed by one function here. The facts were
seen on Milvus 2.3.5, 2.5.24, 2.6.18 and 3.0.0-beta.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from milvus_magics import wire
from milvus_magics.client.privilege_catalog import ALL, KNOWN, LEVELS, OLD_GROUPS, USUAL_GROUPS, kind_of
from milvus_magics.client.results.privileges import Grant
from milvus_magics.client.rights.right import EVERYTHING, UNLISTED, Right, matches
from milvus_magics.wire.versions import has_feature, is_older

GROUPS_SINCE = wire.METHODS["ListPrivilegeGroups"].since
# What the groups of Milvus 2.4 certainly bring, and on which types of objects they may bring more.
OLD_MEMBERS = {
    "ReadOnly": (*USUAL_GROUPS["CollectionReadOnly"], "DescribeDatabase"),
    "ReadWrite": (*USUAL_GROUPS["CollectionReadWrite"], "DescribeDatabase"),
    "Admin": (*USUAL_GROUPS["CollectionAdmin"], *USUAL_GROUPS["DatabaseReadWrite"]),
}
MAY_BRING_MORE = {"ReadOnly": ("Global",), "ReadWrite": ("Global",), "Admin": ("Global", "User")}
# What no call asks for where lists hold what the caller sees.
NEEDED_BY_LISTS = frozenset({"ListDatabases", "ShowCollections"})
Groups = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Rules:
    """How one server decides about rights.

    Attributes:
        version: its version; one that cannot be read counts as the newest.
        groups: its privilege groups with what they hold; empty where it has none, or the caller may not look.
    """

    version: str
    groups: Groups

    def has(self, feature: str) -> bool:
        """Whether the server has one of `versions.FEATURES`."""
        return has_feature(self.version, feature)

    @property
    def are_groups_hidden(self) -> bool:
        """Whether the server has groups that it did not list."""
        return not self.groups and not is_older(self.version, GROUPS_SINCE)

    @cached_property
    def cluster_privileges(self) -> frozenset[str]:
        """The privileges that are about the whole server: as it lists them, or else as the catalogue has it."""
        others = {name for level in ("Database", "Collection") for name in self.groups.get(f"{level}Admin", ())}
        listed = frozenset(self.groups.get("ClusterAdmin", ()))
        return listed | (LEVELS["Cluster"] - USUAL_GROUPS.keys() - others)

    def counted_database(self, privilege: str, db: str | None, connected_to: str | None) -> str | None:
        """The database in which a right has to be held; None where it doesn't matter.

        Args:
            privilege: what is needed.
            db: the database that a request names, or else its connection.
            connected_to: the database of the connection.
        """
        if self.has("rights on the cluster in * only") and privilege in self.cluster_privileges:
            return ALL
        return db if self.has("the request's database") else connected_to

    def is_needed(self, privilege: str) -> bool:
        """Whether calls ask for a privilege at all."""
        return not (self.has("lists of what the caller sees") and privilege in NEEDED_BY_LISTS)

    def is_without_effect(self, grant: Grant) -> bool:
        """Whether a grant brings nothing at all."""
        return next(self.rights_by(grant), None) is None

    def rights_by(self, grant: Grant) -> Iterator[Right]:
        """What a grant brings. Privilege groups are taken apart."""
        name = grant.privilege.removeprefix("Group")
        if grant.privilege == EVERYTHING:
            return self._rights_by_all(grant)
        if name in OLD_GROUPS and self.has("groups of three"):
            return self._rights_by_old_group(grant, name)
        if not self.has("rights by type"):
            return iter([_right(grant, grant.privilege, grant.object_type, grant.object_name)])
        return (right for right in self._rights_by_type(grant) if self._counts(right))

    def members_of(self, group: str) -> tuple[str, ...] | None:
        """What a group holds, as the server lists it or as it usually is; None if that is not known."""
        return (self.groups or (usual_groups(self.version) if self.are_groups_hidden else {})).get(group)

    def _counts(self, right: Right) -> bool:
        """Whether a right is granted where the server looks for it."""
        only_everywhere = self.has("rights on the cluster in * only") and right.privilege in self.cluster_privileges
        return not only_everywhere or matches(ALL, right.db)

    def _rights_by_all(self, grant: Grant) -> Iterator[Right]:
        """`All` counts where the database is literally the same, so in `*` for what is looked for there."""
        if not is_pattern(grant.db):
            yield _right(grant, EVERYTHING, "Global")
        elif grant.db == ALL and self.has("rights on the cluster in * only"):
            for name in sorted(self.cluster_privileges):
                yield _right(grant, name, kind_of(name) or "Global", group=EVERYTHING)

    def _rights_by_old_group(self, grant: Grant, name: str) -> Iterator[Right]:
        """Groups of Milvus 2.4 count in the whole database, which must literally be the same, like that of `All`."""
        if is_pattern(grant.db):
            return
        for member in OLD_MEMBERS[name]:
            yield _right(grant, member, kind_of(member), group=grant.privilege)
        doubt = f"what else the group {name!r} of Milvus 2.4 brings is not known"
        for kind in MAY_BRING_MORE[name]:
            yield _right(grant, UNLISTED, kind, group=grant.privilege, doubt=doubt)

    def _rights_by_type(self, grant: Grant) -> Iterator[Right]:
        """Each privilege counts for its own type of object; what is Global counts in the whole database."""
        if grant.privilege == ALL:  # which is in no table of types, and so Global, whatever it was granted on
            yield _right(grant, ALL, "Global")
            return
        members = self.members_of(grant.privilege)
        if members is None:
            kind = grant.object_type
            yield _right(grant, grant.privilege, kind, ALL if kind == "Global" else grant.object_name)
        for member in members or ():
            yield from _rights_by_member(grant, member)
        if self.are_groups_hidden and grant.object_type == "Global" and (members or grant.privilege not in KNOWN):
            doubt = f"what {grant.privilege!r} holds is shown only to those with the privilege ListPrivilegeGroups"
            for kind, name in (("Global", ALL), ("Collection", grant.object_name), ("User", grant.object_name)):
                yield _right(grant, UNLISTED, kind, name, group=grant.privilege, doubt=doubt)


def _rights_by_member(grant: Grant, member: str) -> Iterator[Right]:
    kind = kind_of(member)
    yield _right(grant, member, kind or "Collection", ALL if kind == "Global" else grant.object_name, grant.privilege)
    if not kind and grant.object_name != ALL:
        doubt = f"whether {member!r} is about one collection or the whole database is not known"
        yield _right(grant, member, "Global", group=grant.privilege, doubt=doubt)


def _right(grant: Grant, privilege: str, kind: str, name: str = ALL, group: str = "", doubt: str = "") -> Right:
    return Right("", privilege, kind, name or ALL, grant.db or ALL, grant.role, group, doubt=doubt)


def is_pattern(db: str) -> bool:
    """Whether a database in a grant stands for others than the one of that name."""
    return any(sign in db for sign in "*?[")


def usual_groups(version: str) -> Groups:
    """What Milvus's own groups hold if nobody configured them otherwise."""
    since, before = ("DatabaseAdmin", "ClusterAdmin")
    holder = since if has_feature(version, "renaming by database") else before
    others = {name: [one for one in USUAL_GROUPS[name] if one != "RenameCollection"] for name in (since, before)}
    others[holder].append("RenameCollection")
    return {**USUAL_GROUPS, **{name: tuple(members) for name, members in others.items()}}
