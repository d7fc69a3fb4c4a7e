"""Why somebody may do something: the grants that bring it, each as it would be revoked, and whom that reaches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from milvus_magics.access.marks import MarkFinder
from milvus_magics.access.snapshot import AccessSnapshot
from milvus_magics.client.names import ADMIN, PUBLIC
from milvus_magics.client.privilege_catalog import ALL
from milvus_magics.client.results.privileges import Grant, scope_text
from milvus_magics.client.rights.right import BY_BEING_ROOT, UNCHECKED
from milvus_magics.display.marks import KINDS
from milvus_magics.wording import list_text

# Who has rights without any grant: what stands for a role, or is one -> why.
WITHOUT_GRANT = {
    BY_BEING_ROOT: "root may do everything",
    UNCHECKED: "authorization is off, so everybody may do everything",
    ADMIN: "admin may do everything",
}
MAX_NAMES = 8


class Source(NamedTuple):
    """The grants of one role on one thing that bring the same, together.

    Attributes:
        role: which role; or what stands for one, as in `Right.role`.
        verbs: what they bring: `reads`, `writes` and so on.
        text: what was granted on what, in words.
        privileges: what was granted: privileges, and groups of them; none where there is no grant to revoke.
        object_name: on what.
        db: in which database.
        doubt: why it is not known whether it counts; empty where it does.
    """

    role: str
    verbs: tuple[str, ...]
    text: str
    privileges: tuple[str, ...] = ()
    object_name: str = ALL
    db: str = ALL
    doubt: str = ""


def find_sources(snapshot: AccessSnapshot, roles: Sequence[str], finder: MarkFinder) -> list[Source]:
    """Find what brings some roles what they may do in a column, in the order of the roles."""
    found: list[Source] = []
    for role in roles:
        if role in WITHOUT_GRANT and snapshot.rights_of_role(role):
            verbs = tuple(kind.name for kind, names in zip(KINDS, finder.kinds, strict=True) if names)
            found.append(Source(role, verbs, WITHOUT_GRANT[role]))
        if role in snapshot.unread:
            found.append(Source(role, (), "what it holds cannot be read", doubt="it cannot be read"))
        found += _find_granted(snapshot, role, finder)
    return found


def _find_granted(snapshot: AccessSnapshot, role: str, finder: MarkFinder) -> Iterator[Source]:
    for (kind, name, db), grants in _grants_by_thing(snapshot, role).items():
        # What reads is apart from what writes, so that either can be revoked alone.
        brought: dict[tuple[int, ...], dict[str, str]] = {}
        for grant in grants:
            names, doubt = _find_brought(snapshot, grant, finder)
            kinds = tuple(number for number, its in enumerate(finder.kinds) if its & names)
            if names:
                brought.setdefault(kinds, {})[grant.privilege] = doubt
        for kinds, doubts in sorted(brought.items()):
            text = f"{list_text(list(doubts), MAX_NAMES)} on {scope_text(kind, name, db)}"
            doubt = next(filter(None, doubts.values()), "")
            yield Source(role, tuple(KINDS[number].name for number in kinds), text, tuple(doubts), name, db, doubt)


def _grants_by_thing(snapshot: AccessSnapshot, role: str) -> dict[tuple[str, str, str], list[Grant]]:
    things: dict[tuple[str, str, str], list[Grant]] = {}
    for grant in dict.fromkeys(snapshot.grants):
        if grant.role == role:
            things.setdefault((grant.object_type, grant.object_name or ALL, grant.db or ALL), []).append(grant)
    return things


def _find_brought(snapshot: AccessSnapshot, grant: Grant, finder: MarkFinder) -> tuple[frozenset[str], str]:
    """What a grant brings in a column, and why that is in doubt; empty where it isn't."""
    rights = [right for right in snapshot.rights_by_grant(grant) if finder.brings_something(right)]
    shares = [share for right in rights for share in finder.shares_of(right)]
    names = frozenset().union(*(share.certain | share.doubtful for share in shares))
    return names, next((right.doubt for right in rights if right.doubt), "")


def reach_text(snapshot: AccessSnapshot, role: str, user: str) -> str:
    """Whom a change of a role reaches beside a user, in words."""
    if role == PUBLIC:
        return "which everybody holds"
    holders = snapshot.roles.get(role)
    if holders is None:
        return "who else holds it is not visible to you"
    others = [holder for holder in holders if holder != user]
    return f"also held by {list_text(others, 2)}" if others else "held by nobody else" if user else "held by nobody"
