"""A matrix of who may do what: users or roles by levels of privileges, or by collections."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from milvus_magics.access.matrix_cells import NONE, CollectionMatrixBuilder, LevelMatrixBuilder, MatrixBuilder, Subject
from milvus_magics.access.rights import matches
from milvus_magics.access.snapshot import EVERYBODY, AccessSnapshot
from milvus_magics.client.privilege_catalog import ALL
from milvus_magics.display.matrix import Column, Row, html_matrix, text_matrix
from milvus_magics.errors import ParameterError

MAX_COLUMNS = 40
CORNERS = {"users": ("users", "roles"), "roles": ("roles", "held by")}
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
    chosen = _choose_columns(builder, collection, db)
    return Matrix(builder, rows, builder.subjects(rows), chosen)


def _choose_columns(builder: MatrixBuilder, collection: str | None, db: str | None) -> list[Column]:
    chosen = [one for one in builder.columns if matches(one.name, collection or ALL) and matches(one.above, db or ALL)]
    if not chosen and builder.columns:
        what = " in ".join(repr(name) for name in (collection, db) if name is not None)
        raise ParameterError(f"there is no collection for {what} on {builder.snapshot.server}")
    return chosen
