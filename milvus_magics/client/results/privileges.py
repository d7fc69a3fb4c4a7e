"""What the client functions for privileges return."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from milvus_magics.client.names import ADMIN
from milvus_magics.client.results.table import ChangeResult, Table
from milvus_magics.wire.builtin_groups import difference_from_usual
from milvus_magics.wording import join_parts, list_text, printable, visible_text


@dataclass(frozen=True)
class Grant:
    """One privilege that a role holds.

    Attributes:
        role: who holds it.
        privilege: its name; `*` or `All` is every privilege of that type.
        object_type: `Global`, `Collection` or `User`.
        object_name: the collection or user; `*` is all of them.
        db: the database; `*` is all of them.
        grantor: who gave it.
    """

    role: str
    privilege: str
    object_type: str
    object_name: str
    db: str
    grantor: str = ""

    def __str__(self) -> str:
        return f"{visible_text(self.privilege)} on {scope_text(self.object_type, self.object_name, self.db)}"


class Grants(Table[Grant]):
    """Privileges that roles hold.

    Attributes:
        unseen: what the caller may not read, so that there may be more; empty if nothing.
        searched: in which databases, where the server may have more of others; empty if in all.
    """

    noun = "grant"
    columns = ("role", "privilege", "object_type", "object_name", "db", "grantor")

    def __init__(self, rows: Sequence[Grant], caption: str = "", *, unseen: str = "", searched: str = "") -> None:
        super().__init__(rows, caption)
        self.unseen, self.searched = unseen, searched

    @property
    def complete(self) -> bool:
        """Whether these are all."""
        return not self.unseen


def scope_text(object_type: str, object_name: str, db: str) -> str:
    """On what a privilege is granted."""
    where = "in all databases" if db == "*" else f"in database {db!r}" if db else ""
    if object_type == "Global":
        what = "everything" if object_name in ("*", "") else repr(object_name)
    else:
        kind = object_type.lower()
        what = f"all {kind}s" if object_name in ("*", "") else f"{kind} {object_name!r}"
    return visible_text(f"{what} {where}".rstrip())


def privileges_text(role: str, grants: Sequence[Grant] | None, most: int | None = 5) -> str:
    """What a role holds, in words; None means that the caller may not look. `most` as in `list_text`."""
    if role == ADMIN:
        return "which may do everything, whatever is granted"
    if grants is None:
        return "privileges unknown: you lack permission to list them"
    if grants:
        return f"with {list_text(list(grants), most)}"
    return f"without privileges {getattr(grants, 'searched', '')}".rstrip()


@dataclass(frozen=True, repr=False)
class GrantChange(ChangeResult):
    """A privilege given to a role, or taken from it.

    Attributes:
        was_held: whether it held it before; False, too, where that is not known.
    """

    grant: Grant
    server: str
    granted: bool
    note: str = ""
    was_held: bool = False

    def __str__(self) -> str:
        if self.granted and self.was_held:
            text = f"role {self.grant.role!r} has {self.grant} already on {self.server}"
            return join_parts(text, "nothing was changed", self.note)
        way = "granted {} to" if self.granted else "revoked {} from"
        text = f"{way.format(self.grant)} role {self.grant.role!r} on {self.server}"
        return join_parts(text, self.note)


def grants_text(grants: Sequence[Grant]) -> str:
    """Several grants in words, those on the same together: `Search, Query on collection 'docs' in database 'd'`."""
    by_scope: dict[str, list[str]] = {}
    for grant in grants:
        scope = scope_text(grant.object_type, grant.object_name, grant.db)
        by_scope.setdefault(scope, []).append(visible_text(grant.privilege))
    return " and ".join(f"{list_text(names, None)} on {scope}" for scope, names in by_scope.items())


def grant_deeds_text(verbs: tuple[str, str], whose: str, granted: Sequence[Grant], revoked: Sequence[Grant]) -> str:
    """What is done with the grants of a role. `whose` is the role; `verbs` are for those given and taken."""
    given = f"{verbs[0]} {grants_text(granted)} to {whose}" if granted else ""
    taken = f"{verbs[1]} {grants_text(revoked)} from {'it' if given else whose}" if revoked else ""
    return f"{given}, and {taken}" if given and taken else given or taken


@dataclass(frozen=True)
class GrantsSnapshot:
    """What a change gave a role that it did not hold, and what it took, as servers list it.

    Attributes:
        members: what each group among those that it took held then, as far as that could be seen.
    """

    role: str
    added: tuple[Grant, ...] = ()
    taken: tuple[Grant, ...] = ()
    members: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def __add__(self, other: GrantsSnapshot) -> GrantsSnapshot:
        """Both changes of the same role as one."""
        members = {**dict(self.members), **dict(other.members)}
        return GrantsSnapshot(
            self.role, (*self.added, *other.added), (*self.taken, *other.taken), tuple(members.items())
        )

    def includes(self, part: object) -> bool:
        """Whether all of another change is in this one."""
        return isinstance(part, GrantsSnapshot) and {*part.added} <= {*self.added} and {*part.taken} <= {*self.taken}


@dataclass(frozen=True, repr=False)
class GrantsChange(ChangeResult):
    """Privileges given to a role and taken from it, by one change."""

    role: str
    server: str
    granted: tuple[Grant, ...]
    revoked: tuple[Grant, ...]
    note: str = ""

    def __str__(self) -> str:
        deeds = grant_deeds_text(("granted", "revoked"), f"role {self.role!r}", self.granted, self.revoked)
        return join_parts(f"{deeds} on {self.server}", self.note)


@dataclass(frozen=True, repr=False)
class RestoredGrants(ChangeResult):
    """A change of a role's grants that is taken back: what was given again, and what was taken away."""

    role: str
    server: str
    granted: tuple[Grant, ...]
    revoked: tuple[Grant, ...]
    note: str = ""

    def __str__(self) -> str:
        deeds = grant_deeds_text(("granted", "revoked"), f"role {self.role!r}", self.granted, self.revoked)
        nothing = f"role {self.role!r} holds what it held before, so nothing was left to do"
        return join_parts(f"{f'restored: {deeds}' if deeds else nothing} on {self.server}", self.note)


@dataclass(frozen=True)
class PrivilegeGroup:
    """A group of privileges.

    Attributes:
        kind: `built-in`; `changed` for a built-in one to which the server's settings give other contents; `own` for one
            that somebody made; empty where it was not asked.
    """

    name: str
    privileges: tuple[str, ...] = ()
    kind: str = ""


class PrivilegeGroups(Table[PrivilegeGroup]):
    """The groups of privileges of a server."""

    noun = "group"
    columns = ("name", "kind", "privileges")


KINDS = ("built-in", "changed", "own")


def sort_by_kind(groups: PrivilegeGroups, version: str) -> PrivilegeGroups:
    """The groups of a server with their kinds, in the order of `KINDS`; the caption says what was changed."""
    rows, changed = [], []
    for group in groups:
        difference = difference_from_usual(version, group.name, frozenset(group.privileges))
        text = _difference_text(*difference) if difference else ""
        changed += [f"{printable(group.name)} ({text})"] if text else []
        rows.append(replace(group, kind="own" if difference is None else "changed" if text else "built-in"))
    rows.sort(key=lambda group: KINDS.index(group.kind))
    note = f"changed on this server: {', '.join(changed)}" if changed else ""
    return PrivilegeGroups(rows, join_parts(groups.caption, note))


def _difference_text(missing: Sequence[str], more: Sequence[str]) -> str:
    """What a group lacks, and holds besides what is usual; empty if nothing."""
    return join_parts(f"without {', '.join(missing)}" if missing else "", f"with {', '.join(more)}" if more else "")


@dataclass(frozen=True, repr=False)
class GroupChange(ChangeResult):
    """A changed privilege group.

    Attributes:
        what: what was done.
        note: what should be known of it.
        more: what is just as expected, but good to know.
    """

    group: str
    server: str
    what: str
    note: str = ""
    more: str = ""

    def __str__(self) -> str:
        return join_parts(f"{self.what} on {self.server}", self.more, self.note)
