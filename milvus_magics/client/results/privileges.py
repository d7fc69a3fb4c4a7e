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
    """A privilege given to a role, or taken from it."""

    grant: Grant
    server: str
    granted: bool
    note: str = ""

    def __str__(self) -> str:
        way = "granted {} to" if self.granted else "revoked {} from"
        text = f"{way.format(self.grant)} role {self.grant.role!r} on {self.server}"
        return join_parts(text, self.note)


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
    """A changed privilege group."""

    group: str
    server: str
    what: str
    note: str = ""

    def __str__(self) -> str:
        return join_parts(f"{self.what} on {self.server}", self.note)
