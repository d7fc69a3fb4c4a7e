"""A table which sorts, searches and selects in the page; values reach it as data, never as HTML."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib.resources import files
from typing import Any, NamedTuple

from anywidget import AnyWidget
from traitlets import Bool, List, Unicode

from milvus_magics.wording import printable, shown_text

MAX_CHIPS = 30  # of a cell; more of them tell nothing


class Column(NamedTuple):
    """One column.

    Attributes:
        kind: `text`, `chips` (a list of names, or a text in place of one), `number`, or `time` (milliseconds since
            1970, shown as local time).
        weight: its part of the width.
        line: where it stands in a narrow window: in the first line, below in the second, or nowhere (3).
    """

    name: str
    label: str
    kind: str = "text"
    weight: float = 1
    line: int = 1


class RowAction(NamedTuple):
    """What a button in each row does."""

    name: str
    label: str
    is_dangerous: bool = False


class Row(NamedTuple):
    """One row.

    Attributes:
        key: what it is about: the real name, which is never shown.
        cells: its values, shown as printable text.
        actions: names of its actions; None = all that the table has.
    """

    key: str
    cells: tuple[Any, ...]
    actions: tuple[str, ...] | None = None


def _read(suffix: str) -> str:
    return files(__package__).joinpath(f"table_widget.{suffix}").read_text(encoding="utf-8")


class TableWidget(AnyWidget):
    """Rows to select. What is in sight of them is drawn in the page, where sorting and searching happen, too.

    Args:
        label: what the rows are, in the plural: `Users`.
        noun: the same in the singular.
        columns: from left to right.
        actions: what a button in each row does.
        default_action: what Enter and a double click do; empty for no more than selecting.

    Attributes:
        selected: keys of the selected rows.
        sort: name of the column by which they are sorted; empty for the order in which they came.
        descending: whether from the last to the first.
        named_by: the columns whose values a row is called by where it is read aloud.
        filter: what was typed into the search box.
        has_checks: whether rows have boxes to tick, for what is done with several.
        note: what is said where there are no rows.
        is_old: whether what is shown could not be read again.
    """

    _esm = _read("js")
    _css = _read("css")

    label = Unicode().tag(sync=True)
    noun = Unicode().tag(sync=True)
    columns: Any = List().tag(sync=True)
    actions: Any = List().tag(sync=True)
    default_action = Unicode().tag(sync=True)
    named_by: Any = List(Unicode()).tag(sync=True)
    rows: Any = List().tag(sync=True)
    selected = List(Unicode()).tag(sync=True)
    sort = Unicode().tag(sync=True)
    descending = Bool().tag(sync=True)
    filter = Unicode().tag(sync=True)
    has_checks = Bool(True).tag(sync=True)
    note = Unicode().tag(sync=True)
    is_old = Bool().tag(sync=True)

    def __init__(
        self, label: str, noun: str, columns: Iterable[Column], actions: Iterable[RowAction] = (), **options: Any
    ) -> None:
        self._columns = tuple(columns)
        options.setdefault("named_by", [self._columns[0].name])
        self._listeners: list[Callable[[str, str], None]] = []
        super().__init__(
            label=label,
            noun=noun,
            columns=[column._asdict() for column in self._columns],
            actions=[action._asdict() for action in actions],
            **options,
        )
        self.on_msg(self._on_message)

    @property
    def keys_shown(self) -> list[str]:
        """The keys of all rows, in the order in which they came."""
        return [row["key"] for row in self.rows]

    def show(self, rows: Iterable[Row]) -> None:
        """Show other rows; of what was selected, what is still there stays so."""
        made = [self._make_row(row) for row in rows]
        keys = {row["key"] for row in made}
        if made != self.rows:
            self.rows = made
        self.selected = [key for key in self.selected if key in keys]

    def on_action(self, listener: Callable[[str, str], None]) -> None:
        """Call this with an action's name and a row's key when its button is pressed."""
        self._listeners.append(listener)

    def act(self, name: str, key: str) -> None:
        """Do what pressing a button in a row does. A row that is gone meanwhile is left alone."""
        if key in self.keys_shown:
            for listener in list(self._listeners):
                listener(name, key)

    def _on_message(self, _: Any, content: Any, __: Any) -> None:
        if isinstance(content, dict) and content.get("type") == "action":
            self.act(str(content.get("name")), str(content.get("key")))

    def _make_row(self, row: Row) -> dict[str, Any]:
        cells = [_shown_value(value, column.kind) for value, column in zip(row.cells, self._columns, strict=True)]
        made: dict[str, Any] = {"key": row.key, "cells": cells}
        return made if row.actions is None else made | {"actions": list(row.actions)}


def shown_name(name: str) -> str:
    """A name as it is shown: on one line, with what controls or hides it made visible, and never empty."""
    return shown_text(name) if name.strip() else f"'{printable(name)}'"


def _shown_value(value: Any, kind: str) -> Any:
    if kind == "chips" and not isinstance(value, str):
        names = [shown_name(name) for name in value[:MAX_CHIPS]]
        more = len(value) - MAX_CHIPS
        return [*names, f"and {more:,} more"] if more > 0 else names
    return shown_text(value) if isinstance(value, str) else value
