"""A matrix of who may do what: users or roles by collections, databases, and the cluster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache, cached_property, partial
from typing import NamedTuple

from milvus_magics.access.marks import MarkFinder, Place, Range, RightsIndex, list_by_level, sort_privileges
from milvus_magics.access.reasons import Source, find_sources
from milvus_magics.access.snapshot import AccessSnapshot
from milvus_magics.client import privilege_catalog as catalog
from milvus_magics.client.names import EVERYBODY, PUBLIC
from milvus_magics.client.privilege_catalog import ALL, DEFAULT_DATABASE
from milvus_magics.client.results.privileges import scope_text
from milvus_magics.client.rights.right import BY_BEING_ROOT, is_on_one_name, matches, rights_text
from milvus_magics.display.marks import EVERY, KINDS, NONE, SOME, Cell, Key, find_legend
from milvus_magics.display.matrix import Column, Row, ascii_matrix, html_matrix, text_matrix
from milvus_magics.errors import ParameterError
from milvus_magics.wording import absence_text, first_lines, join_parts, list_text

MAX_COLUMNS = 40
CORNERS = {"users": ("users", "roles"), "roles": ("roles", "held by")}
MAX_REASONS = 3
OWN_GROUPS = "Own groups"


class Subject(NamedTuple):
    """What a row is about: a user or role, a note, and the roles whose rights count."""

    name: str
    note: str
    roles: tuple[str, ...]


class MatrixBuilder:
    """Builds the rows of a matrix from what each role brings. A subclass finds the columns."""

    TITLE = ""
    HEADINGS_JOINED_BY = " "

    def __init__(self, snapshot: AccessSnapshot) -> None:
        self.snapshot = snapshot
        self._privileges = list_by_level(snapshot)
        self._index = RightsIndex(snapshot)
        self.finders: dict[Column, MarkFinder] = {}
        self._find_columns()
        # Many users have the same roles, and many cells are looked at again when rows or columns are filtered.
        self._cell = cache(self._build_cell)
        self._role_reasons = cache(self._find_role_reasons)
        self._role_summary = cache(self._write_role_summary)

    @property
    def columns(self) -> list[Column]:
        """The columns that there are."""
        return list(self.finders)

    def _find_columns(self) -> None:
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
            Subject(user, ", ".join(roles), snapshot.sources_of(user)) for user, roles in snapshot.users.items()
        ]

    def row(self, subject: Subject, columns: tuple[Column, ...]) -> Row:
        """Build a row with its cells."""
        cells = tuple(self._cell(subject.roles, column) for column in columns)
        own = [role for role in subject.roles if role != PUBLIC or subject.name == EVERYBODY]
        summaries = [self._role_summary(role, columns) for role in own]
        return Row(subject.name, subject.note, cells, first_lines(summaries, MAX_REASONS))

    def find_sources(self, subject: Subject, column: Column) -> list[Source]:
        """Which grants of which roles bring what a row has in a column."""
        return find_sources(self.snapshot, subject.roles, self.finders[column])

    def _add(self, column: Column, places: Sequence[Place], kinds: Range) -> None:
        self.finders[column._replace(total=len(places))] = MarkFinder(self.snapshot, self._index, places, kinds)

    def _range_of(self, *levels: str) -> Range:
        names = [name for level in levels for name in self._privileges[level]]
        return sort_privileges(names, self.snapshot.groups)

    def _databases(self) -> list[str]:
        return list(self.snapshot.collections) or [DEFAULT_DATABASE]

    def _collections(self) -> list[Place]:
        """The collections; whoever may not list them all sees those that grants name, too."""
        snapshot = self.snapshot
        found = [Place(db, name) for db, names in snapshot.collections.items() for name in names]
        if snapshot.sees_all:
            return found
        named = (grant for grant in snapshot.grants if is_on_one_name(grant) and grant.db != ALL)
        return sorted({*found, *(Place(grant.db, grant.object_name) for grant in named)})

    def _collections_or_any(self) -> list[Place]:
        """The collections; where there are none, what would be one in each database."""
        return self._collections() or [Place(db, ALL) for db in self._databases()]

    def _write_role_summary(self, role: str, columns: tuple[Column, ...]) -> str:
        """What a role brings to some columns, in words; what it only shows comes last."""
        headings: dict[tuple[int, int], list[str]] = {}
        for column in columns:
            for kind, extent, heading in self._summarize_cell(column, self._cell((role,), column)):
                headings.setdefault((kind, extent), []).append(heading)
        parts = [
            f"{'partly ' if extent == SOME else ''}{KINDS[kind].name} "
            f"{'each of them' if len(where) == len(columns) > 1 else list_text(where, 4)}"
            for (kind, extent), where in sorted(
                headings.items(), key=lambda one: (not one[0][0], one[0][0], -one[0][1])
            )
        ]
        source = "being root" if role == BY_BEING_ROOT else f"role {role!r}"
        return f"{source}: {join_parts(*parts) or 'nothing here'}"

    def _summarize_cell(self, column: Column, cell: Cell) -> Iterator[tuple[int, int, str]]:
        """The marks of a cell with its heading; that somebody sees it is said where there is nothing else."""
        heading = self.HEADINGS_JOINED_BY.join(filter(None, column[:2]))
        is_only_seen = all(mark.extent == NONE for mark in cell.marks[1:])
        for kind, mark in enumerate(cell.marks):
            if mark.extent in (SOME, EVERY) and (kind or is_only_seen):
                yield kind, mark.extent, f"{heading} ({cell.share_text(mark)})" if cell.total > 1 else heading

    def _build_cell(self, roles: tuple[str, ...], column: Column) -> Cell:
        finder = self.finders[column]
        return Cell(finder.find_marks(roles), len(finder.places), partial(self._explain, roles, column), column.places)

    def _explain(self, roles: tuple[str, ...], column: Column) -> tuple[str, ...]:
        """By which role and right somebody has what a cell shows, or why that cannot be told."""
        unread = [f"what role {role!r} holds cannot be read" for role in roles if role in self.snapshot.unread]
        reasons = [reason for role in roles for reason in self._role_reasons(role, column)]
        return first_lines(list(dict.fromkeys((*reasons, *unread))), MAX_REASONS)

    def _find_role_reasons(self, role: str, column: Column) -> list[str]:
        """A role's rights that bring something in a column, or may, in words."""
        redundant = self.redundant_text(column)
        lines = rights_text(self.finders[column].rights_of(role))
        return [line.replace(redundant, "", 1) for line in lines]


class LevelMatrixBuilder(MatrixBuilder):
    """Columns are all collections together, all databases, the cluster, and the groups that somebody made."""

    TITLE = "what they may do"

    def _find_columns(self) -> None:
        databases = [Place(db) for db in self._databases()]
        # Up to 2.6 the database of the connection decides about rights on the cluster, too.
        is_one = self.snapshot.rules.has("rights on the cluster in * only")
        cluster = databases[:1] if is_one else databases
        places = {"Collection": self._collections_or_any(), "Database": databases, "Cluster": cluster}
        for level, there in places.items():
            heading = Column("", level, places="databases") if level == "Cluster" else Column("", f"{level}s")
            self._add(heading, there, self._range_of(level))
        groups = self.snapshot.groups
        for name in sorted(groups.keys() - catalog.USUAL_GROUPS.keys()):
            about = next((level for level in places if {*groups[name]} & {*self._privileges[level]}), "")
            if about:
                heading = Column(OWN_GROUPS, name, places="databases" if about == "Cluster" else "")
                self._add(heading, places[about], sort_privileges(groups[name], groups))


class DatabaseMatrixBuilder(MatrixBuilder):
    """Columns are databases, each with what may be done on its collections."""

    TITLE = "the collections of databases"

    def _find_columns(self) -> None:
        collections = self._collections()
        for db in dict.fromkeys([*self._databases(), *(place.db for place in collections)]):
            there = [place for place in collections if place.db == db] or [Place(db, ALL)]
            self._add(Column("collections of", db), there, self._range_of("Collection"))


class CollectionMatrixBuilder(MatrixBuilder):
    """Columns are collections, by database."""

    TITLE = "collections"
    HEADINGS_JOINED_BY = "."

    def _find_columns(self) -> None:
        kinds = self._range_of("Collection")
        for place in self._collections():
            self._add(Column(place.db, place.collection or ""), [place], kinds)

    def redundant_text(self, column: Column) -> str:  # noqa: D102 - as in the base
        return f" on {scope_text('Collection', column.name, column.above)}"


def _holders(users: Sequence[str] | None) -> str:
    """The users who hold a role, in words; empty if the caller may not look."""
    return "" if users is None else list_text(users, 3) or "nobody"


BUILDERS: dict[str, type[MatrixBuilder]] = {
    "levels": LevelMatrixBuilder, "databases": DatabaseMatrixBuilder, "collections": CollectionMatrixBuilder,
}  # fmt: skip


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
        """The rows: first what everybody may do, then what each user or role may do."""
        return tuple(self._builder.row(subject, self.columns) for subject in self._subjects)

    @cached_property
    def legend(self) -> tuple[Key, ...]:
        """The signs that are used, and what they mean."""
        return find_legend(cell for row in self.rows for cell in row.cells)

    @property
    def snapshot(self) -> AccessSnapshot:
        """From what it was built."""
        return self._builder.snapshot

    @property
    def column_count(self) -> int:
        """How many columns there are, with those that are not shown."""
        return len(self._all_columns)

    @property
    def is_of_users(self) -> bool:
        """Whether the rows are users."""
        return self._kind == "users"

    def find_sources(self, row: int, column: int) -> list[Source]:
        """Which grants of which roles bring what a cell shows; by the numbers of its row and column."""
        return self._builder.find_sources(self._subjects[row], self.columns[column])

    def place_of(self, column: int) -> Place:
        """What a column is about: a collection, or all of a database, or of every one."""
        places = self._builder.finders[self.columns[column]].places
        if len(places) == 1:
            return places[0]
        return Place(places[0].db if len({place.db for place in places}) == 1 else ALL, ALL)

    def __repr__(self) -> str:
        return text_matrix(self.caption, self.corner, self.columns, self.rows, self.legend)

    def __str__(self) -> str:
        """The same for `print`, which may write to what has another encoding than a terminal."""
        return ascii_matrix(self.caption, self.corner, self.columns, self.rows, self.legend)

    def _repr_html_(self) -> str:
        return html_matrix(self.caption, self.corner, self.columns, self.rows, self.legend)

    def filter(self, part: str = "", column: str = "") -> Matrix:
        """A part of it, for which nothing is worked out again.

        Args:
            part: of the name or the note of rows; the row of everybody stays.
            column: part of the heading of columns, or of the one above, in any case.
        """
        wanted = column.casefold()
        subjects = [one for one in self._subjects if one.name == EVERYBODY or part in one.name or part in one.note]
        columns = [one for one in self._all_columns if wanted in f"{one.name}\n{one.above}".casefold()]
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
        raise ParameterError(f"columns are 'levels', 'databases' or 'collections', not {columns!r}")
    if columns != "collections" and (collection, db) != (None, None):
        raise ParameterError("collection and db choose among columns='collections'")
    builder = BUILDERS[columns](snapshot)
    return Matrix(builder, rows, builder.subjects(rows), _choose_columns(builder, collection, db))


def _choose_columns(builder: MatrixBuilder, collection: str | None, db: str | None) -> list[Column]:
    chosen = [one for one in builder.columns if matches(one.name, collection or ALL) and matches(one.above, db or ALL)]
    if not chosen and builder.columns:
        name, place = f" {collection!r}" if collection else "", f" in database {db!r}" if db else ""
        what = f"collection{name}{place}"
        snapshot = builder.snapshot
        raise ParameterError(f"{absence_text(what, snapshot.sees_all)} on {snapshot.server}")
    return chosen
