"""Results as widgets: tables to search and sort, which hold nothing that the HTML doesn't show."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from typing import Any

import ipywidgets as widgets

from milvus_magics.access.answer import Access
from milvus_magics.access.matrix import Matrix
from milvus_magics.client.results.table import Table
from milvus_magics.display.live import WIDGET_CLASS, replacing_style
from milvus_magics.display.tables import cell_text, column_heading
from milvus_magics.forms.panel import VIEW, Line, inside
from milvus_magics.forms.picture_widget import make_picture
from milvus_magics.forms.table_widget import MAX_CHIPS, Column, Row, TableWidget

MAX_PLAIN_ROWS = 10  # so few are seen at a glance
MAX_LIVE_ROWS = 5_000
MAX_LIVE_RESULTS = 30
# The width of a column is that of its longest text, within these. Longer texts are cut inside, and shown on pointing.
MAX_LETTERS, MAX_LETTERS_IF_NARROW = 40, 28
LETTERS_AROUND = 4  # what stands free beside the text of a cell
LETTERS_OF_SORTING = 3  # the arrow in a heading, whose letters are bold
EM_OF_A_LETTER = 0.55
DRAWN = "mm-grid"  # what is in the page only once a table is drawn


class LiveResult(widgets.VBox):
    """A result as a widget.

    Attributes:
        token: the name of this one, in the HTML that it replaces, too.
    """

    def __init__(self, content: widgets.Widget, caption: str) -> None:
        heading = Line()
        heading.say(caption, "heading")
        style = widgets.HTML(layout={"display": "none"})
        super().__init__([style, heading, content] if caption else [style, content], layout={"overflow": "auto hidden"})
        self.token = str(content.model_id)
        style.value = replacing_style(self.token, DRAWN)
        self.add_class(WIDGET_CLASS.format(self.token))

    def output(self) -> dict[str, Any]:
        """What shows it, for an output of its own.

        Beside HTML in the same one, front ends would never show the HTML.
        """
        return {"text/plain": "", VIEW: {"version_major": 2, "version_minor": 0, "model_id": self.model_id}}

    def close(self) -> None:
        """Close it with all that is in it; the HTML is seen again."""
        for widget in inside(self):
            widget.close()
        super().close()


class LiveResults:
    """The newest results that are shown as widgets; older ones, which keep memory here and in the page, are closed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shown: deque[LiveResult] = deque()

    def add(self, result: LiveResult) -> None:
        """Keep one, and close what is too old."""
        with self._lock:
            self._shown.append(result)
            old = [self._shown.popleft() for _ in range(len(self._shown) - MAX_LIVE_RESULTS)]
        for each in old:
            each.close()

    def close(self) -> None:
        """Close them all."""
        with self._lock:
            shown = list(self._shown)
            self._shown.clear()
        for each in shown:
            each.close()


def make_table(table: Table[Any]) -> LiveResult | None:
    """A table to search and sort. None if it is short enough to be seen at a glance, or too long."""
    rows = table.shown_rows()
    if not MAX_PLAIN_ROWS < len(rows) <= MAX_LIVE_ROWS:
        return None
    names = table.shown_columns()
    values = [_shown_values([row[name] for row in rows]) for name in names]
    columns = [_make_column(name, *each) for name, each in zip(names, values, strict=True)]
    letters = sum(min(column.weight, MAX_LETTERS_IF_NARROW) for column in columns)
    width = f"{letters * EM_OF_A_LETTER:.0f}em"  # where there is less room, it is scrolled sideways
    label = f"{table.noun}s".capitalize()
    content = TableWidget(label, table.noun, columns, has_checks=False, layout={"min_width": width})
    cells = zip(*(shown for _, shown in values), strict=True)
    content.show(Row(str(number), each) for number, each in enumerate(cells))
    return LiveResult(content, table.caption)


def make_answer(answer: Access) -> LiveResult | None:
    """The rows of an answer, as `make_table`; of an overview the findings, and the picture."""
    if not answer.is_overview:
        return make_table(answer)
    findings = widgets.HTML(answer.findings.to_html_lines())
    return LiveResult(widgets.VBox([findings, make_picture(answer.matrix())]), answer.caption)


def make_matrix(matrix: Matrix) -> LiveResult:
    """A picture that is filtered, sorted and folded, and says why."""
    return LiveResult(make_picture(matrix), matrix.caption)


def _shown_values(values: Sequence[Any]) -> tuple[str, list[Any]]:
    """The kind of a column, and its values as its HTML shows them."""
    lists = [value for value in values if isinstance(value, (tuple, list))]
    if lists and max(map(len, lists)) <= MAX_CHIPS:
        return "chips", [_chips(value) for value in values]
    # Whole numbers are text: they are sorted as numbers all the same, and codes have no commas.
    if {float} <= {type(value) for value in values} <= {float, int}:
        return "number", list(values)
    return "text", [cell_text(value) for value in values]


def _chips(value: Any) -> list[str] | str:
    return [cell_text(name) for name in value] if isinstance(value, (tuple, list)) else cell_text(value)


def _make_column(name: str, kind: str, values: Sequence[Any]) -> Column:
    label = column_heading(name)
    longest = max(len(" + ".join(value)) if isinstance(value, list) else len(str(value)) for value in values)
    letters = min(max(longest, len(label) + LETTERS_OF_SORTING), MAX_LETTERS)
    return Column(name, label, kind, weight=letters + LETTERS_AROUND)
