"""What stands in the cells of a picture of who may do what, role by role."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import ClassVar, NamedTuple

from milvus_magics.access.rights import (
    BY_BEING_ROOT,
    EVERYTHING,
    UNCHECKED,
    Right,
    is_on_one_name,
    matches,
    rights_text,
)
from milvus_magics.access.snapshot import EVERYBODY, AccessSnapshot
from milvus_magics.client.names import PUBLIC, ROOT
from milvus_magics.client.privilege_catalog import (
    ALL,
    BELOW,
    DROPPING,
    ON_COLLECTIONS,
    REACHING,
    READING,
    SINCE_GROUPS,
    USUAL,
)
from milvus_magics.client.results.privileges import scope_text
from milvus_magics.display.matrix import Cell, Row
from milvus_magics.wording import listed

MOST_REASONS = 3

WORDS = {"ReadOnly": "read", "ReadWrite": "write", "Admin": "admin"}
NONE, SOME, MORE, FULL, DROPS = range(5)  # dropping comes on top of any of the others, so it is added
Who = tuple[str, str, tuple[str, ...]]  # a row before its cells: name, note, and the roles that it is the sum of


class Column(NamedTuple):
    """One column: its heading, the one above that it shares with its neighbours, and the privileges or collection."""

    above: str
    name: str
    privileges: frozenset[str]


class Painter:
    """Fills the rows of a matrix, role by role: users are sums of roles."""

    WHAT = ""
    MARKS: ClassVar[Mapping[int, tuple[str, str]]] = {}
    BRINGS: ClassVar[Mapping[int, str]] = {}
    JOINED = " "

    def __init__(self, reading: AccessSnapshot) -> None:
        self.reading = reading
        self._cells: dict[tuple[tuple[str, ...], Column], Cell] = {}
        self._known: dict[tuple[str, Column], tuple[list[Right], list[str]]] = {}
        self._said_of: dict[tuple[str, tuple[Column, ...]], str] = {}
        self.columns = self._columns()

    def _columns(self) -> list[Column]:
        raise NotImplementedError

    def level(self, rights: Sequence[Right], column: Column) -> int:
        """How much some rights bring in a column."""
        raise NotImplementedError

    def concerns(self, right: Right, column: Column) -> list[str]:
        """The privileges in a column that a right is about."""
        raise NotImplementedError

    def known_from(self, column: Column) -> str:
        """The words that a reason in a column needn't say: its heading does."""
        return ""

    def who(self, kind: str) -> list[Who]:
        """The rows: everybody's, then one for each user or role."""
        free = (UNCHECKED,) if self.reading.enforced is False else ()
        shared = (*free, *([PUBLIC] if PUBLIC in self.reading.roles else []))
        note = "authorization is off" if free else f"role {PUBLIC!r}"
        rows: list[Who] = [(EVERYBODY, note, shared)] if shared else []
        if kind == "roles":
            names = [role for role in sorted(self.reading.roles) if role != PUBLIC]
            return rows + [(role, self._holders(role), (role,)) for role in names]
        for user, roles in self.reading.users.items():
            held = (*free, *([BY_BEING_ROOT] if user == ROOT else []), *roles)
            rows.append((user, ", ".join(roles), held))
        return rows

    def _holders(self, role: str) -> str:
        users = self.reading.roles[role]
        if users is None:
            return ""
        return listed(users, 3) if users else "nobody"

    def row(self, name: str, note: str, roles: Sequence[str], columns: Sequence[Column]) -> Row:
        """A row with its cells."""
        roles = tuple(role for role in roles if role != PUBLIC or name == EVERYBODY)
        cells = tuple(self._cell(roles, column) for column in columns)
        return Row(name, note, cells, _first(self._brings(role, tuple(columns)) for role in roles))

    def _brings(self, role: str, columns: tuple[Column, ...]) -> str:
        """What a role brings to some columns, in words."""
        key = role, columns
        if key not in self._said_of:
            found: dict[int, list[str]] = {}
            for column in columns:
                level = self._cell((role,), column).level
                found.setdefault(level, []).append(self.JOINED.join(filter(None, column[:2])))
            parts = [
                f"{words} {listed(found[level], 4) if len(found[level]) < len(columns) else 'each'}"
                for level, words in self.BRINGS.items()
                if level in found
            ]
            who = "being root" if role == BY_BEING_ROOT else f"role {role!r}"
            self._said_of[key] = f"{who}: {'; '.join(parts) or 'nothing here'}"
        return self._said_of[key]

    def _cell(self, roles: tuple[str, ...], column: Column) -> Cell:
        key = roles, column
        if key not in self._cells:
            parts = [self._rights(role, column) for role in roles]
            rights = [right for found, _ in parts for right in found]
            reasons = [reason for _, found in parts for reason in found]
            self._cells[key] = Cell(self.level(rights, column) if rights else NONE, _first(reasons))
        return self._cells[key]

    def _rights(self, role: str, column: Column) -> tuple[list[Right], list[str]]:
        """A role's rights that bring something in a column, and the same in words."""
        key = role, column
        if key not in self._known:
            found = [right for right in self._all_rights(role) if self.concerns(right, column)]
            said = rights_text(found, lambda right: self._said(right, column))
            self._known[key] = found, [reason.replace(self.known_from(column), "", 1) for reason in said]
        return self._known[key]

    def _said(self, right: Right, column: Column) -> list[str]:
        return [right.privilege] if right.privilege in (ALL, EVERYTHING) else self.concerns(right, column)

    def _all_rights(self, role: str) -> Sequence[Right]:
        if role in (BY_BEING_ROOT, UNCHECKED):
            return (Right("", EVERYTHING, "Global", ALL, ALL, role),)
        return self.reading.rights_of_role(role)


class Levels(Painter):
    """Columns are the levels of Milvus's own groups of privileges, and the groups that somebody made."""

    WHAT = "levels of privileges"
    MARKS: ClassVar = {
        FULL: ("●", "all of it, everywhere"),
        SOME: ("◐", "some of it, or not everywhere"),
        NONE: ("·", "nothing beyond what everybody may"),
    }
    BRINGS: ClassVar = {FULL: "all of", SOME: "some of"}

    def _columns(self) -> list[Column]:
        groups = self.reading.groups
        columns = []
        for (kind, level), usual in USUAL.items():
            names = set(groups.get(kind + level, ()))
            if names:
                names -= set(groups.get(kind + BELOW[level], ()))
            else:
                names = set(usual.split()) - (frozenset() if groups else SINCE_GROUPS)
            if names:
                columns.append(Column(f"{kind}s" if kind != "Cluster" else "Cluster", WORDS[level], frozenset(names)))
        own = sorted(set(groups) - {kind + level for kind, level in USUAL})
        return columns + [Column("Own groups", name, frozenset(groups[name])) for name in own if groups[name]]

    def concerns(self, right: Right, column: Column) -> list[str]:  # noqa: D102 - as in the base
        if right.privilege in column.privileges:
            return [right.privilege]
        if right.privilege not in (ALL, EVERYTHING):
            return []
        return sorted(name for name in column.privileges if right.permits(name))

    def level(self, rights: Sequence[Right], column: Column) -> int:  # noqa: D102 - as in the base
        if any(right.privilege == EVERYTHING and right.db == ALL for right in rights):
            return FULL
        dbs = list(self.reading.collections) or ["default"]
        everywhere = {
            (db, name)
            for right in rights
            if right.object_name in (ALL, "")
            for db in dbs
            if matches(db, right.db)
            for name in self.concerns(right, column)
        }
        return FULL if len(everywhere) == len(dbs) * len(column.privileges) else SOME


class Collections(Painter):
    """Columns are collections, by database."""

    WHAT = "collections"
    MARKS: ClassVar = {
        FULL + DROPS: ("AD", "all privileges on it, and drops or renames it"),
        FULL: ("A", "all privileges on it, but to drop or rename it"),
        MORE + DROPS: ("WD", "changes it, and drops or renames it"),
        MORE: ("W", "changes it: inserts, deletes, loads, indexes, aliases"),
        SOME + DROPS: ("RD", "reads it, and drops or renames it"),
        SOME: ("R", "reads it: searches, queries, describes"),
        DROPS: ("D", "drops or renames it"),
        NONE: ("·", "nothing beyond what everybody may"),
    }
    BRINGS: ClassVar = {
        FULL + DROPS: "everything on",
        FULL: "everything but dropping",
        MORE + DROPS: "changes and drops",
        MORE: "changes",
        SOME + DROPS: "reads and drops",
        SOME: "reads",
        DROPS: "drops",
    }
    JOINED = "."

    def __init__(self, reading: AccessSnapshot) -> None:
        self._reaching: dict[Column, Callable[[Right], bool]] = {}
        super().__init__(reading)

    def _columns(self) -> list[Column]:
        there_are = self.reading.collections or self._granted()
        return [Column(db, name, frozenset()) for db, names in there_are.items() for name in names]

    def _reaches(self, column: Column) -> Callable[[Right], bool]:
        """What tells whether a right is about a column's collection."""
        if column not in self._reaching:
            self._reaching[column] = self.reading.answering(None, column.name, column.above)
        return self._reaching[column]

    def _granted(self) -> dict[str, tuple[str, ...]]:
        """The collections that grants name, where nobody could look which there are."""
        found: dict[str, set[str]] = {}
        for grant in self.reading.grants:
            if is_on_one_name(grant) and grant.db != ALL:
                found.setdefault(grant.db, set()).add(grant.object_name)
        return {db: tuple(sorted(names)) for db, names in sorted(found.items())}

    def concerns(self, right: Right, column: Column) -> list[str]:  # noqa: D102 - as in the base
        return [right.privilege] if self._reaches(column)(right) else []

    def known_from(self, column: Column) -> str:
        """The words that a reason in a column needn't say: its heading does."""
        return f" on {scope_text('Collection', column.name, column.above)}"

    def level(self, rights: Sequence[Right], column: Column) -> int:  # noqa: D102 - as in the base
        held = {right.privilege for right in rights}
        if any(right[1:3] == (ALL, "Global") for right in rights):
            held |= REACHING
        drops = DROPS if EVERYTHING in held or held & DROPPING else NONE
        every = set(ON_COLLECTIONS) - SINCE_GROUPS
        if EVERYTHING in held or any(right[1:3] == (ALL, "Collection") for right in rights) or every <= held:
            return FULL + drops
        held -= DROPPING
        return drops + (NONE if not held else SOME if _is_reading(held) else MORE)


def _first(reasons: Iterable[str]) -> tuple[str, ...]:
    reasons = tuple(reasons)
    more = len(reasons) - MOST_REASONS
    return (*reasons[:MOST_REASONS], *([f"and {more} more"] if more > 0 else []))


def _is_reading(privileges: Iterable[str]) -> bool:
    return set(privileges) <= {*READING.split(), "ShowCollections"}
