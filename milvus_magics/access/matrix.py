"""A picture of who may do what: users or roles by levels of privileges, or by collections."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from milvus_magics.access.matrix_cells import NONE, Collections, Column, Levels, Painter, Who
from milvus_magics.access.rights import matches
from milvus_magics.access.snapshot import EVERYBODY, AccessSnapshot
from milvus_magics.client.privilege_catalog import ALL
from milvus_magics.display.matrix import Row, html_matrix, text_matrix
from milvus_magics.errors import ParameterError

MOST_COLUMNS = 40
CORNERS = {"users": ("users", "roles"), "roles": ("roles", "held by")}


class Matrix:
    """Users or roles, and how much they may do where. Shows itself as text and as HTML.

    Attributes:
        caption: what it shows.
        corner: what the rows are, and what stands beside.
        columns: their headings, at most `MOST_COLUMNS`.
    """

    def __init__(self, painter: Painter, kind: str, who: Sequence[Who], columns: Sequence[Column]) -> None:
        self._painter, self._kind, self._who, self._all = painter, kind, tuple(who), tuple(columns)
        self.columns = self._all[:MOST_COLUMNS]
        self.corner = CORNERS[kind]
        cut = f" (the first {MOST_COLUMNS} of {len(self._all)}; narrow them down)" if self._all[MOST_COLUMNS:] else ""
        self.caption = f"{kind} by {painter.WHAT}{cut}"

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """The first one is what everybody may do; in the others is what goes beyond."""
        return tuple(self._painter.row(*who, self.columns) for who in self._who)

    @cached_property
    def marks(self) -> dict[int, tuple[str, str]]:
        """The signs that are used, and what they mean."""
        used = {NONE, *(cell.level for row in self.rows for cell in row.cells)}
        return {level: mark for level, mark in self._painter.MARKS.items() if level in used}

    def __repr__(self) -> str:
        return text_matrix(self.caption, self.corner, self._heads(), self.rows, self.marks)

    def _repr_html_(self) -> str:
        return html_matrix(self.caption, self.corner, self._heads(), self.rows, self.marks)

    def filter(self, part: str, column: str = "") -> Matrix:
        """A part of it, for which nothing is worked out again.

        Args:
            part: of the name or the note of rows; the row of everybody stays.
            column: part of the heading of columns, or of the one above.
        """
        who = [row for row in self._who if row[0] == EVERYBODY or part in row[0] or part in row[1]]
        columns = [one for one in self._all if column in one.name or column in one.above]
        return Matrix(self._painter, self._kind, who, columns)

    def _heads(self) -> list[tuple[str, str]]:
        return [(column.above, column.name) for column in self.columns]


def build_matrix(
    reading: AccessSnapshot, rows: str, columns: str, *, collection: str | None = None, db: str | None = None
) -> Matrix:
    """The picture of a reading; arguments as in `Access.matrix`.

    Raises:
        ParameterError: there are no such rows or columns.
    """
    if rows not in CORNERS:
        raise ParameterError(f"rows are 'users' or 'roles', not {rows!r}")
    if columns not in ("levels", "collections"):
        raise ParameterError(f"columns are 'levels' or 'collections', not {columns!r}")
    if columns == "levels" and (collection, db) != (None, None):
        raise ParameterError("collection and db choose among columns='collections'")
    painter: Painter = Levels(reading) if columns == "levels" else Collections(reading)
    chosen = [one for one in painter.columns if matches(one.name, collection or ALL) and matches(one.above, db or ALL)]
    if not chosen and painter.columns:
        what = " in ".join(repr(name) for name in (collection, db) if name is not None)
        raise ParameterError(f"there is no collection for {what} on {reading.server}")
    return Matrix(painter, rows, painter.who(rows), chosen)
