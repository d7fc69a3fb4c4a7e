"""The picture of who may do what, live: filtered, sorted, folded and explained in the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.resources import files
from itertools import chain
from json import dumps
from typing import Any, NamedTuple

from anywidget import AnyWidget
from traitlets import Bool, Int, List, Unicode

from milvus_magics.access.matrix import Matrix
from milvus_magics.access.reasons import Source, reach_text
from milvus_magics.client.names import EVERYBODY
from milvus_magics.display.long_names import cut_names
from milvus_magics.display.marks import Cell, key_class, mark_class
from milvus_magics.display.matrix import MAX_NAME, Column, Row
from milvus_magics.errors import MilvusException, ParameterError
from milvus_magics.wording import printable, shown_text

GRANT, REVOKE, GRANT_ROLE, REVOKE_ROLE = "grant", "revoke", "grant_role", "revoke_role"
MAX_HEADING = 20  # characters of a column's name: two lines of its width
FORM_PLACE = "mm-form-place"


class PictureAction(NamedTuple):
    """What somebody wants to change about a cell.

    Attributes:
        name: `grant` and `revoke` are of privileges of a role, `grant_role` and `revoke_role` of a role of a user.
        user: whose row it is; empty for a row of a role, or of everybody.
        role: the role to change, or to take; empty where one is to be chosen.
        db: in which database; `*` is all of them.
        collections: on which collections; `*` is all of them.
        privileges: what to revoke; none for a grant.
    """

    name: str
    user: str
    role: str
    db: str = ""
    collections: tuple[str, ...] = ()
    privileges: tuple[str, ...] = ()


class CellName(NamedTuple):
    """Which cell of which picture, by names: numbers mean something else once other rows are shown.

    Attributes:
        kind: what the rows are: `users` or `roles`.
        row: the real name of the user or role, which is never shown.
        above: what stands above the column's heading.
        column: the real name of the column.
    """

    kind: str
    row: str
    above: str
    column: str


def _read(suffix: str) -> str:
    return files(__package__).joinpath(f"picture_widget.{suffix}").read_text(encoding="utf-8")


class AccessPicture(AnyWidget):
    """A matrix whose cells say why. Values reach the page as data; reasons are asked for when a cell is chosen.

    Args:
        matrix: what it shows.
        actions: what can be asked for from a cell: of `grant`, `revoke`, `grant_role`, `revoke_role`.

    Attributes:
        matrix: what it shows now.
        filter: what was typed into its filter of rows.
        column_filter: part of the heading of the columns that are shown, or of the one above.
    """

    _esm = _read("js")
    _css = _read("css")

    caption = Unicode().tag(sync=True)
    corner: Any = List().tag(sync=True)
    columns: Any = List().tag(sync=True)
    legend: Any = List().tag(sync=True)
    kinds: Any = List().tag(sync=True)  # the cells that differ: their signs and words
    rows: Any = List().tag(sync=True)
    actions: Any = List().tag(sync=True)
    filter = Unicode().tag(sync=True)
    column_filter = Unicode().tag(sync=True)
    column_count = Int().tag(sync=True)  # before they are filtered
    is_old = Bool().tag(sync=True)
    edition = Int().tag(sync=True)  # how often something else was shown: reasons may differ where no cell does

    def __init__(self, matrix: Matrix, actions: tuple[str, ...] = (), **options: Any) -> None:
        self._listeners: list[Callable[[PictureAction], None]] = []
        super().__init__(actions=list(actions), **options)
        self.show(matrix)
        self.on_msg(self._on_message)
        self.observe(lambda _: self._show_columns(), "column_filter")

    def __repr__(self) -> str:
        return f"AccessPicture of {self.caption}; it needs a live notebook with widgets"

    def show(self, matrix: Matrix) -> None:
        """Show another matrix, and of its columns those that the filter leaves."""
        self._whole = matrix
        self.column_count = matrix.column_count
        if not matrix.filter("", self.column_filter).columns:
            self.column_filter = ""  # it was about other columns
        self._show_columns()

    def focus(self) -> None:
        """Give the keyboard's focus back to the cell that had it last."""
        self.send({"type": "focus"})

    def show_form(self) -> None:
        """Bring the form that was opened from a cell into sight: what has the class `FORM_PLACE` in the same panel."""
        self.send({"type": "form"})

    def _show_columns(self) -> None:
        self.matrix = matrix = self._whole.filter("", self.column_filter)
        # Most cells are alike: each that differs is sent once.
        numbers: dict[Any, int] = {}
        alike = {}
        for cell in chain.from_iterable(row.cells for row in matrix.rows):
            numbers.setdefault(cell.look, len(numbers))
            alike[cell.look] = cell
        names = cut_names((_shown_name(row.name) for row in matrix.rows), MAX_NAME)
        headings = cut_names((_shown_name(column.name) for column in matrix.columns), MAX_HEADING)
        with self.hold_sync():
            self.caption, self.corner = matrix.caption, list(matrix.corner)
            self.columns = [_column_data(one, headings) for one in matrix.columns]
            self.legend = [
                {"signs": [[sign, key_class(sign)] for sign in key.signs], "meaning": key.meaning}
                for key in matrix.legend
            ]
            self.kinds = [_as_data(alike[key]) for key in numbers]
            self.rows = list(_rows_data(matrix, numbers, names))
            self.edition += 1

    def on_action(self, listener: Callable[[PictureAction], None]) -> None:
        """Call this when a grant or a revocation is asked for from a cell."""
        self._listeners.append(listener)

    def name_cell(self, row: int, column: int) -> CellName:
        """The names of a cell that is shown, by the numbers of its row and column."""
        heading = self.matrix.columns[column]
        return CellName(self.matrix.corner[0], self.matrix.rows[row].name, heading.above, heading.name)

    def explain(self, cell: CellName) -> dict[str, Any]:
        """Say why a cell is as it is, and what could be changed about it.

        Raises:
            ParameterError: it is not there any more.
        """
        row, column = self._find_cell(cell)
        matrix, user = self.matrix, self._user_of(row)
        sources = [
            {"key": _source_key(source), "role": shown_text(source.role), "role_key": source.role,
             "verbs": ", ".join(source.verbs), "text": shown_text(source.text),
             "doubt": shown_text(source.doubt), "reach": self._reach(source.role, user),
             "can_revoke": bool(source.privileges), "can_take": self._can_take(source.role, user)}
            for source in matrix.find_sources(row, column)
        ]  # fmt: skip
        return {
            "cell": list(cell), "row": row, "user": shown_text(user),
            "title": " · ".join(map(_shown_name, filter(None, (cell.row, cell.above, cell.column)))),
            "words": matrix.rows[row].cells[column].words(), "sources": sources,
            "roles": [
                {"key": role, "name": shown_text(role), "reach": self._reach(role, user)}
                for role in self._own_roles(row)
            ],
        }  # fmt: skip

    def act(self, name: str, cell: CellName, key: str = "") -> None:
        """Ask for a change as the buttons in the page do.

        Args:
            name: what, as in `PictureAction`.
            cell: of which cell.
            key: that of the source to revoke; or the role to take, or to grant more to; nothing to give a role.

        Raises:
            ParameterError: it is not there any more, and nothing is asked for.
        """
        action = self._make_action(name, *self._find_cell(cell), key)
        for listener in list(self._listeners):
            listener(action)

    def _make_action(self, name: str, row: int, column: int, key: str) -> PictureAction:
        user, matrix = self._user_of(row), self.matrix
        if name == GRANT and key in self._own_roles(row):
            place = matrix.place_of(column)
            return PictureAction(GRANT, user, key, place.db, (place.collection or "*",))
        if name == GRANT_ROLE and user:
            return PictureAction(GRANT_ROLE, user, "")
        if name == REVOKE_ROLE and self._can_take(key, user):
            return PictureAction(REVOKE_ROLE, user, key)
        sources = {_source_key(one): one for one in matrix.find_sources(row, column)} if name == REVOKE else {}
        if key not in sources:
            raise ParameterError(f"what {printable(matrix.rows[row].name)} may do has changed; choose the cell again")
        one = sources[key]
        return PictureAction(REVOKE, user, one.role, one.db, (one.object_name,), one.privileges)

    def _find_cell(self, cell: CellName) -> tuple[int, int]:
        """The numbers of the row and the column that have these names now."""
        matrix = self.matrix
        rows = (number for number, row in enumerate(matrix.rows) if row.name == cell.row)
        columns = (number for number, one in enumerate(matrix.columns) if one[:2] == cell[2:])
        row, column = next(rows, -1), next(columns, -1)
        if cell.kind != matrix.corner[0] or min(row, column) < 0:
            names = " · ".join(map(_shown_name, filter(None, cell[1:])))
            raise ParameterError(f"{printable(names)} is no longer in the picture; choose another cell")
        return row, column

    def _user_of(self, row: int) -> str:
        name = self.matrix.rows[row].name
        return name if self.matrix.is_of_users and name != EVERYBODY else ""

    def _own_roles(self, row: int) -> list[str]:
        """The roles by which somebody could be given more: first those that fewest others hold."""
        name, snapshot = self.matrix.rows[row].name, self.matrix.snapshot
        if name == EVERYBODY:
            return ["public"] if "public" in snapshot.roles else []
        if not self.matrix.is_of_users:
            return [name]
        own = [role for role in snapshot.users.get(name, ()) if role != "admin"]
        return sorted(own, key=lambda role: len(snapshot.roles.get(role) or ()))

    def _can_take(self, role: str, user: str) -> bool:
        return bool(user) and role in self.matrix.snapshot.users.get(user, ())

    def _reach(self, role: str, user: str) -> str:
        return shown_text(reach_text(self.matrix.snapshot, role, user)) if role in self.matrix.snapshot.roles else ""

    def _on_message(self, _: Any, content: Any, __: Any) -> None:
        if not isinstance(content, dict):
            return
        names = content.get("cell")
        if not isinstance(names, list) or len(names) != len(CellName._fields):
            return
        cell, name = CellName(*map(str, names)), str(content.get("type"))
        try:
            if name == "why":
                self.send({"type": "why", **self.explain(cell)})
            elif name in self.actions:
                self.act(name, cell, str(content.get("key")))
        except MilvusException as exc:
            self.send({"type": "gone", "cell": list(cell), "text": printable(str(exc))})


def make_picture(matrix: Matrix, actions: tuple[str, ...] = (), **options: Any) -> AccessPicture:
    """Make the live picture of a matrix; as `AccessPicture`."""
    return AccessPicture(matrix, actions, **options)


def _source_key(source: Source) -> str:
    """What tells a source from others: all that would be revoked."""
    return dumps(source[:-1])


def _as_data(cell: Cell) -> dict[str, Any]:
    signs = [
        None if sign is None else [sign.text, str(sign.number or ""), mark_class(sign.kind, sign.extent)]
        for sign in cell.signs()
    ]
    weight = sum(mark.extent * 4**kind * (mark.number or 1) for kind, mark in enumerate(cell.marks) if mark.extent < 3)
    return {"signs": signs, "words": cell.words(), "weight": weight}


def _column_data(column: Column, short: dict[str, str]) -> dict[str, Any]:
    name = _shown_name(column.name)
    key = [column.above, column.name]
    return {"key": key, "above": shown_text(column.above), "name": name, "short": short[name], "size": column.size}


def _rows_data(matrix: Matrix, numbers: dict[Any, int], short: dict[str, str]) -> Iterator[dict[str, Any]]:
    """The rows, each with the numbers of its cells, and whether it has more than everybody."""
    shared = next((_marks_of(row) for row in matrix.rows if row.name == EVERYBODY), None)
    for row in matrix.rows:
        name, marks = _shown_name(row.name), _marks_of(row)
        cells = [numbers[cell.look] for cell in row.cells]
        is_more = marks != shared and not all(cell.is_empty for cell in row.cells)
        shown = {"name": name, "short": short[name], "note": shown_text(row.note)}
        yield {"key": row.name, **shown, "cells": cells, "is_more": is_more}


def _marks_of(row: Row) -> list[Any]:
    return [cell.marks for cell in row.cells]


def _shown_name(name: str) -> str:
    return shown_text(name) if name.strip() else f"'{printable(name)}'"
