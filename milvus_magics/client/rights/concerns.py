"""What should be known about a grant: that it brings nothing, or something else than it looks like."""

from __future__ import annotations

from typing import NamedTuple

from milvus_magics.client import lookup
from milvus_magics.client.names import ADMIN
from milvus_magics.client.privilege_catalog import ALL, OLD_GROUPS, USUAL_GROUPS, kind_of
from milvus_magics.client.results.privileges import Grant
from milvus_magics.client.rights.right import EVERYTHING
from milvus_magics.client.rights.rules import Rules
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline


class Concern(NamedTuple):
    """What is strange about a grant: of what kind, and what it is and what to do about it."""

    kind: str
    text: str


WITHOUT_EFFECT, OTHER_EFFECT = "grants without effect", "grants with another effect"
INSTEAD = f"grant {EVERYTHING} in each database, or the role {ADMIN}"
NO_RIGHTS = Concern(WITHOUT_EFFECT, f"{EVERYTHING} counts only in a database of that very name: {INSTEAD}")
CLUSTER_ONLY = Concern(OTHER_EFFECT, f"{EVERYTHING} in '*' brings the rights on the cluster, and no others: {INSTEAD}")
NOT_EVERYWHERE = Concern(
    WITHOUT_EFFECT,
    "rights on the cluster count in database '*' only, since Milvus 3.0: grant them there (--db '*') and revoke these",
)
OLD_WITHOUT_EFFECT = Concern(
    WITHOUT_EFFECT, "groups of Milvus 2.4 count only in a database of that very name: grant those of 2.5 instead"
)
OLD_GROUP = Concern(
    OTHER_EFFECT,
    "groups of Milvus 2.4 count in the whole database, whatever collection they are granted on: grant those of 2.5, "
    "like CollectionReadOnly, and revoke these",
)
STAR = Concern(
    OTHER_EFFECT,
    "'*' brings every right on databases{} there, and none on collections and users, whatever it is granted on: grant "
    "groups like CollectionAdmin instead",
)
WHOLE_DATABASE = Concern(OTHER_EFFECT, "granted on one collection, but it counts in the whole database")


def concern_about(rules: Rules, grant: Grant) -> Concern | None:
    """What should be known about a grant on this server, or None."""
    if grant.privilege.removeprefix("Group") in OLD_GROUPS and rules.has("groups of three"):
        return OLD_WITHOUT_EFFECT if rules.is_without_effect(grant) else OLD_GROUP
    if rules.is_without_effect(grant):
        return _concern_without_effect(rules, grant)
    if grant.privilege == EVERYTHING and grant.db == ALL:
        return CLUSTER_ONLY
    return _concern_by_type(rules, grant) if rules.has("rights by type") else None


def _concern_by_type(rules: Rules, grant: Grant) -> Concern | None:
    """What is strange where each privilege counts for its own type of object."""
    if grant.privilege == ALL:
        has_cluster = not rules.has("rights on the cluster in * only") or grant.db == ALL
        return Concern(STAR.kind, STAR.text.format(" and the cluster" if has_cluster else ""))
    # Single ones only: it is in the nature of groups that they hold something for the database, too.
    is_wider = grant.privilege not in USUAL_GROUPS and kind_of(grant.privilege) == "Global"
    return WHOLE_DATABASE if is_wider and grant.object_name not in (ALL, "") else None


def note_on_grant(conn: Connection, grant: Grant, deadline: Deadline) -> str:
    """What should be known about a grant that is made, by the version of the server; empty if nothing."""
    concern = concern_about(Rules(lookup.read_version(conn, deadline), {}), grant)
    return f"note that {concern.text}" if concern else ""


def _concern_without_effect(rules: Rules, grant: Grant) -> Concern | None:
    if grant.privilege == EVERYTHING:
        return NO_RIGHTS
    members = rules.members_of(grant.privilege)
    return NOT_EVERYWHERE if members is None or members else None  # else an empty group
