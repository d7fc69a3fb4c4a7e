"""A matrix of who may do what: users or roles by levels of privileges, or by collections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from typing import ClassVar, NamedTuple

from milvus_magics.access.snapshot import EVERYBODY, AccessSnapshot
from milvus_magics.client import privilege_catalog as catalog
from milvus_magics.client.names import PUBLIC
from milvus_magics.client.privilege_catalog import ALL
from milvus_magics.client.results.privileges import scope_text
from milvus_magics.client.rights.right import (
    BY_BEING_ROOT,
    EVERYTHING,
    UNLISTED,
    Right,
    is_on_one_name,
    matches,
    rights_text,
)
from milvus_magics.display.matrix import Cell, Column, Row, ascii_matrix, html_matrix, text_matrix
from milvus_magics.errors import ParameterError
from milvus_magics.wording import absence_text, first_lines, join_parts, list_text

MAX_COLUMNS = 40
CORNERS = {"users": ("users", "roles"), "roles": ("roles", "held by")}
MAX_REASONS = 3
LEVEL_HEADINGS = {"ReadOnly": "read", "ReadWrite": "write", "Admin": "admin"}
NONE, SOME, MORE, FULL, DROPS = range(5)  # dropping comes on top of any of the others, so it is added
UNKNOWN = FULL + DROPS + 1


class Subject(NamedTuple):
    """What a row is about: a user or role, a note, and the roles whose rights count."""

    name: str
    note: str
    roles: tuple[str, ...]


class Mark(NamedTuple):
    """How a level is shown: its sign, what that means, and how a row's summary begins with it."""

    sign: str
    meaning: str
    summary: str = ""


NOT_KNOWN = Mark("?", "cannot be told")


class MatrixBuilder:
    """Builds the rows of a matrix from what each role brings. A subclass finds the columns."""

    TITLE = ""
    MARKS: ClassVar[Mapping[int, Mark]] = {}
    HEADINGS_JOINED_BY = " "
    columns: list[Column]

    def __init__(self, snapshot: AccessSnapshot) -> None:
        self.snapshot = snapshot
        # Many users have the same roles, and many cells are looked at again when rows or columns are filtered.
        self._cell = cache(self._build_cell)
        self._rights_and_reasons = cache(self._find_rights_and_reasons)
        self._role_summary = cache(self._write_role_summary)

    def level(self, rights: Sequence[Right], column: Column) -> int:
        """How much some rights bring in a column."""
        raise NotImplementedError

    def privileges_in(self, column: Column, right: Right) -> list[str]:
        """The privileges in a column that a right brings."""
        raise NotImplementedError

    def redundant_text(self, column: Column) -> str:
        """The words that reasons leave out, since the column's heading says them."""
        return ""

    def subjects(self, kind: str) -> list[Subject]:
        """What the rows are about: everybody, then each user or role."""
        snapshot = self.snapshot
        shared = snapshot.sources_of(EVERYBODY)
        note = "authorization is off" if snapshot.enforced is False else f"role {PUBLIC!r}"
        everybody = [Subject(EVERYBODY, note, shared)] if shared else []
        if kind == "roles":
            holders = {role: users for role, users in sorted(snapshot.roles.items()) if role != PUBLIC}
            return everybody + [Subject(role, _holders(users), (role,)) for role, users in holders.items()]
        return everybody + [
            Subject(user, ", ".join(roles), tuple(role for role in snapshot.sources_of(user) if role != PUBLIC))
            for user, roles in snapshot.users.items()
        ]

    def row(self, subject: Subject, columns: tuple[Column, ...]) -> Row:
        """Build a row with its cells."""
        cells = tuple(self._cell(subject.roles, column) for column in columns)
        summaries = [self._role_summary(role, columns) for role in subject.roles]
        return Row(subject.name, subject.note, cells, first_lines(summaries, MAX_REASONS))

    def _write_role_summary(self, role: str, columns: tuple[Column, ...]) -> str:
        """What a role brings to some columns, in words."""
        headings: dict[int, list[str]] = {}
        for column in columns:
            heading = self.HEADINGS_JOINED_BY.join(filter(None, column))
            headings.setdefault(self._cell((role,), column).level, []).append(heading)
        parts = [
            f"{mark.summary} {list_text(headings[level], 4) if len(headings[level]) < len(columns) else 'each'}"
            for level, mark in self.MARKS.items()
            if level in headings and mark.summary
        ]
        source = "being root" if role == BY_BEING_ROOT else f"role {role!r}"
        return f"{source}: {join_parts(*parts) or 'nothing here'}"

    def _build_cell(self, roles: tuple[str, ...], column: Column) -> Cell:
        parts = [self._rights_and_reasons(role, column) for role in roles]
        rights = [right for of_role, _ in parts for right in of_role]
        reasons = [reason for _, of_role in parts for reason in of_role]
        if rights or not (doubts := [doubt for role in roles for doubt in self._find_doubts(role, column)]):
            return Cell(self.level(rights, column) if rights else NONE, first_lines(reasons, MAX_REASONS))
        return Cell(UNKNOWN, first_lines(list(dict.fromkeys(doubts)), MAX_REASONS))

    def _find_doubts(self, role: str, column: Column) -> list[str]:
        """Why it is not known whether a role brings something in a column."""
        if role in self.snapshot.unread:
            return [f"what role {role!r} holds cannot be read"]
        rights = self.snapshot.rights_of_role(role)
        return [str(right) for right in rights if right.doubt and self.privileges_in(column, right)]

    def _find_rights_and_reasons(self, role: str, column: Column) -> tuple[list[Right], list[str]]:
        """A role's rights that bring something in a column, and the same in words."""

        def shown_privileges(right: Right) -> list[str]:
            return [right.privilege] if right.privilege in (ALL, EVERYTHING) else self.privileges_in(column, right)

        certain = [right for right in self.snapshot.rights_of_role(role) if not right.doubt]
        rights = [right for right in certain if self.privileges_in(column, right)]
        redundant = self.redundant_text(column)
        return rights, [reason.replace(redundant, "", 1) for reason in rights_text(rights, shown_privileges)]


class LevelMatrixBuilder(MatrixBuilder):
    """Columns are the levels of Milvus's own privilege groups, and the groups that somebody made."""

    TITLE = "levels of privileges"
    MARKS: ClassVar = {
        FULL: Mark("●", "all of it, everywhere", "all of"),
        SOME: Mark("◐", "some of it, or not everywhere", "some of"),
        NONE: Mark("·", "no additional rights"),
        UNKNOWN: NOT_KNOWN,
    }

    def __init__(self, snapshot: AccessSnapshot) -> None:
        super().__init__(snapshot)
        self._privileges = {
            Column(f"{kind}s" if kind != "Cluster" else kind, LEVEL_HEADINGS[level]): self._find_privileges(kind, level)
            for kind, level in catalog.USUAL
        }
        for name in sorted(snapshot.groups.keys() - {kind + level for kind, level in catalog.USUAL}):
            self._privileges[Column("Own groups", name)] = frozenset(snapshot.groups[name])
        self.columns = [column for column, privileges in self._privileges.items() if privileges]

    def _find_privileges(self, kind: str, level: str) -> frozenset[str]:
        """What a level has beyond the one below it: as the server says, or as Milvus usually has it."""
        groups = self.snapshot.groups
        if groups.get(kind + level):
            return frozenset(groups[kind + level]) - set(groups.get(kind + catalog.BELOW[level], ()))
        return frozenset(catalog.USUAL[kind, level].split()) - (frozenset() if groups else catalog.SINCE_GROUPS)

    def privileges_in(self, column: Column, right: Right) -> list[str]:  # noqa: D102 - as in the base
        if right.privilege in self._privileges[column]:
            return [right.privilege]
        if right.privilege not in (ALL, EVERYTHING, UNLISTED):
            return []
        return sorted(name for name in self._privileges[column] if self._is_permitted(right, name))

    def _is_permitted(self, right: Right, name: str) -> bool:
        db = self.snapshot.rules.counted_database(name, None, None)
        answer = right.permits(name, db=db)
        return answer is not False if right.doubt else answer is True

    def level(self, rights: Sequence[Right], column: Column) -> int:  # noqa: D102 - as in the base
        if any(right.privilege == EVERYTHING and right.db == ALL for right in rights):
            return FULL
        dbs = list(self.snapshot.collections) or ["default"]
        everywhere = {
            (db, name)
            for right in rights
            if right.object_name in (ALL, "")
            for db in dbs
            if matches(db, right.db)
            for name in self.privileges_in(column, right)
        }
        return FULL if len(everywhere) == len(dbs) * len(self._privileges[column]) else SOME


class CollectionMatrixBuilder(MatrixBuilder):
    """Columns are collections, by database."""

    TITLE = "collections"
    MARKS: ClassVar = {
        FULL + DROPS: Mark("AD", "all privileges, drop and rename included", "everything on"),
        FULL: Mark("A", "all privileges except drop and rename", "everything but dropping"),
        MORE + DROPS: Mark("WD", "changes it, and drops or renames it", "changes and drops"),
        MORE: Mark("W", "changes it: inserts, deletes, loads, indexes, aliases", "changes"),
        SOME + DROPS: Mark("RD", "reads it, and drops or renames it", "reads and drops"),
        SOME: Mark("R", "reads it: searches, queries, describes", "reads"),
        DROPS: Mark("D", "drops or renames it", "drops"),
        NONE: Mark("·", "no additional rights"),
        UNKNOWN: NOT_KNOWN,
    }
    HEADINGS_JOINED_BY = "."

    def __init__(self, snapshot: AccessSnapshot) -> None:
        super().__init__(snapshot)
        self._right_test = cache(lambda column: snapshot.right_test(None, column.name, column.above))
        self.columns = [Column(db, name) for db, names in snapshot.collections.items() for name in names]
        if not snapshot.sees_all:  # whoever may not list them all sees those that grants name, too
            grants = (grant for grant in snapshot.grants if is_on_one_name(grant) and grant.db != ALL)
            self.columns = sorted({*self.columns, *(Column(grant.db, grant.object_name) for grant in grants)})

    def privileges_in(self, column: Column, right: Right) -> list[str]:  # noqa: D102 - as in the base
        return [right.privilege] if self._right_test(column)(right) else []

    def redundant_text(self, column: Column) -> str:  # noqa: D102 - as in the base
        return f" on {scope_text('Collection', column.name, column.above)}"

    def level(self, rights: Sequence[Right], column: Column) -> int:  # noqa: D102 - as in the base
        privileges = {right.privilege for right in rights}
        types_of_all = {right.object_type for right in rights if right.privilege == ALL}
        if "Global" in types_of_all:
            privileges |= catalog.REACHING
        has_everything = EVERYTHING in privileges
        drops = DROPS if has_everything or privileges & catalog.DROPPING else NONE
        usual = catalog.ON_COLLECTIONS - catalog.SINCE_GROUPS
        if has_everything or "Collection" in types_of_all or privileges >= usual:
            return FULL + drops
        others = privileges - catalog.DROPPING
        is_reading = others <= {*catalog.READING.split(), "ShowCollections"}
        return drops + (MORE if not is_reading else SOME if others else NONE)


def _holders(users: Sequence[str] | None) -> str:
    """The users who hold a role, in words; empty if the caller may not look."""
    return "" if users is None else list_text(users, 3) or "nobody"


BUILDERS: dict[str, type[MatrixBuilder]] = {"levels": LevelMatrixBuilder, "collections": CollectionMatrixBuilder}


class Matrix:
    """Users or roles, and how much they may do where. Shows itself as text and as HTML.

    Attributes:
        caption: what it shows.
        corner: what the rows are, and what stands beside.
        columns: their headings, at most `MAX_COLUMNS`.
    """

    def __init__(
        self, builder: MatrixBuilder, kind: str, subjects: Sequence[Subject], columns: Sequence[Column]
    ) -> None:
        self._builder, self._kind, self._subjects, self._all_columns = builder, kind, subjects, columns
        self.columns = tuple(columns[:MAX_COLUMNS])
        self.corner = CORNERS[kind]
        count = len(columns)
        cut = f" (the first {MAX_COLUMNS} of {count}; narrow them down)" if count > MAX_COLUMNS else ""
        self.caption = f"{kind} by {builder.TITLE}{cut}"

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """The rows: first what everybody may do, then what each user or role may do beyond that."""
        return tuple(self._builder.row(subject, self.columns) for subject in self._subjects)

    @cached_property
    def marks(self) -> dict[int, tuple[str, str]]:
        """The signs that are used, and what they mean."""
        used = {NONE, *(cell.level for row in self.rows for cell in row.cells)}
        return {level: mark[:2] for level, mark in self._builder.MARKS.items() if level in used}

    def __repr__(self) -> str:
        return text_matrix(self.caption, self.corner, self.columns, self.rows, self.marks)

    def __str__(self) -> str:
        """The same for `print`, which may write to what has another encoding than a terminal."""
        return ascii_matrix(self.caption, self.corner, self.columns, self.rows, self.marks)

    def _repr_html_(self) -> str:
        return html_matrix(self.caption, self.corner, self.columns, self.rows, self.marks)

    def filter(self, part: str, column: str = "") -> Matrix:
        """A part of it, for which nothing is worked out again.

        Args:
            part: of the name or the note of rows; the row of everybody stays.
            column: part of the heading of columns, or of the one above.
        """
        subjects = [one for one in self._subjects if one.name == EVERYBODY or part in one.name or part in one.note]
        columns = [one for one in self._all_columns if column in one.name or column in one.above]
        return Matrix(self._builder, self._kind, subjects, columns)


def build_matrix(
    snapshot: AccessSnapshot, rows: str, columns: str, *, collection: str | None = None, db: str | None = None
) -> Matrix:
    """Build the matrix of a snapshot; arguments as in `Access.matrix`.

    Raises:
        ParameterError: there are no such rows or columns.
    """
    if rows not in CORNERS:
        raise ParameterError(f"rows are 'users' or 'roles', not {rows!r}")
    if columns not in BUILDERS:
        raise ParameterError(f"columns are 'levels' or 'collections', not {columns!r}")
    if columns == "levels" and (collection, db) != (None, None):
        raise ParameterError("collection and db choose among columns='collections'")
    builder = BUILDERS[columns](snapshot)
    return Matrix(builder, rows, builder.subjects(rows), _choose_columns(builder, collection, db))


def _choose_columns(builder: MatrixBuilder, collection: str | None, db: str | None) -> list[Column]:
    chosen = [one for one in builder.columns if matches(one.name, collection or ALL) and matches(one.above, db or ALL)]
    if not chosen and builder.columns:
        what = f"collection for {' in '.join(repr(name) for name in (collection, db) if name is not None)}"
        snapshot = builder.snapshot
        raise ParameterError(f"{absence_text(what, snapshot.sees_all)} on {snapshot.server}")
    return chosen
