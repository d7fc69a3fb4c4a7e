"""The matrix of who may do what, as text and as HTML."""

from __future__ import annotations

import html
import shutil
import textwrap
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from milvus_magics.display.messages import html_line
from milvus_magics.display.tables import (
    MAX_ROWS,
    TEXT_WIDTH,
    align_columns,
    cell_text,
    escape_html,
    hover_text,
    hover_title,
    style_element,
)
from milvus_magics.wording import count_text, printable

MAX_FLAT_HEADING = 7  # characters of a column's heading before all headings of a matrix are turned upright
MAX_COVERED_ROWS = 15  # with more, the last row is followed by room, so that the explanation never covers it
ASCII_SIGNS = {"●": "#", "◐": "+", "·": "."}
MORE_COLUMNS = "access.matrix(columns='collections', db=..., collection=...) chooses others"


class Column(NamedTuple):
    """A column's heading: the one above, which neighbours may share, and its own."""

    above: str
    name: str


class Cell(NamedTuple):
    """How much somebody may do there (a key of the matrix's marks), and why."""

    level: int
    reasons: tuple[str, ...] = ()


class Row(NamedTuple):
    """One row: who, what to know about them, the cells, and what each role brings to them, in words."""

    name: str
    note: str
    cells: tuple[Cell, ...]
    why: tuple[str, ...] = ()


Columns = Sequence[Column]
Rows = Sequence[Row]
Marks = Mapping[int, tuple[str, str]]  # level -> its sign and what that means
Corner = tuple[str, str]  # what the rows are, and what the notes beside them


def text_matrix(
    caption: str, corner: Corner, columns: Columns, rows: Rows, marks: Marks, *, cut_mark: str = "…"
) -> str:
    """A matrix for a terminal.

    Where the headings don't fit side by side they get numbers, and where those don't fit either, the last columns are
    left out, with a count.

    Args:
        cut_mark: what stands at the end of a note that is cut.
    """
    width = shutil.get_terminal_size((TEXT_WIDTH, 24)).columns
    names = [corner, *((row.name, _cut(row.note, cut_mark)) for row in rows)]
    signs = [[marks[cell.level][0] for cell in row.cells] for row in rows]
    above = [text if i == 0 or columns[i - 1].above != text else "" for i, (text, _) in enumerate(columns)]
    lines = _text_lines([("", ""), *names], [above, [name for _, name in columns], *signs])
    key = ""
    if max(map(len, lines)) > width:
        lines, key = _numbered_lines(names, columns, signs, width)
    legend = [f"{sign} {meaning}" for sign, meaning in marks.values()]
    gap = "   " if len("   ".join(legend)) <= width else "\n"
    return "\n".join(filter(None, [printable(caption), *lines, key, gap.join(legend)]))


def ascii_matrix(caption: str, corner: Corner, columns: Columns, rows: Rows, marks: Marks) -> str:
    """The same with signs that every encoding has; names stay as they are."""
    signs = {level: (ASCII_SIGNS.get(sign, sign), meaning) for level, (sign, meaning) in marks.items()}
    return text_matrix(caption, corner, columns, rows, signs, cut_mark="...")


def _numbered_lines(
    names: Sequence[Sequence[str]], columns: Columns, signs: Sequence[Sequence[str]], width: int
) -> tuple[list[str], str]:
    """Lines with numbers for headings and as many columns as fit, and the key to the numbers."""
    numbers = [str(number) for number in range(1, len(columns) + 1)]
    for count in range(max(len(columns), 1), 0, -1):
        lines = _text_lines(names, [line[:count] for line in (numbers, *signs)])
        if max(map(len, lines)) <= width:
            break
    key = [f"{number} {above} {name}" for number, (above, name) in zip(numbers[:count], columns, strict=False)]
    left_out = len(columns[count:])
    more = f"\nand {count_text(left_out, 'more column')}: {MORE_COLUMNS}" if left_out else ""
    return lines, textwrap.fill(cell_text(key), width) + more


def _text_lines(names: Sequence[Sequence[str]], cells: Sequence[Sequence[str]]) -> list[str]:
    pairs = zip(names, cells, strict=True)
    return align_columns([[cell_text(value) for value in (*name, *line)] for name, line in pairs])


def html_matrix(caption: str, corner: Corner, columns: Columns, rows: Rows, marks: Marks) -> str:
    """A matrix for a notebook: a table that can be read aloud, printed, and without any style; no script.

    Pointing at a cell shows its reasons; each row can be reached with Tab, which shows what each role brings to it.
    """
    signs = {level: escape_html(sign) for level, (sign, _) in marks.items()}
    body = "".join(_html_row(row, signs) for row in rows[: MAX_ROWS + 1])  # one more: the row of everybody
    left_out = len(rows) - MAX_ROWS - 1
    more = f"and {left_out} more {corner[0]}: .filter('part of a name') narrows them down" if left_out > 0 else ""
    legend = "".join(
        f'<span><b class="mm-l{level}">{signs[level]}</b> {escape_html(meaning)}</span> '
        for level, (_, meaning) in marks.items()
    )
    return (
        f"<div {_size_attributes(columns, rows)}>{style_element('matrix')}"
        f"<div>{escape_html(caption)}</div>"
        f'<div class="mm-scroll" role="region" aria-label="{escape_html(caption)}"><table>'
        f"<thead>{_html_head(corner, columns)}</thead>"
        f"<tbody>{body}</tbody></table></div>{html_line(more, 'note') if more else ''}"
        f'<p class="mm-legend">{legend}</p></div>'
    )


def _size_attributes(columns: Columns, rows: Rows) -> str:
    """Whether headings stand upright, how wide names are, and how many em everything is, for fitting it on paper."""
    longest = max((len(_cut_inside(cell_text(name))) for _, name in columns), default=0)
    is_tall = longest > MAX_FLAT_HEADING
    name = min(max((len(cell_text(row.name)) for row in rows[:MAX_ROWS]), default=0) * 0.62 + 1, 14)
    width = name + 13 + len(columns) * (2 if is_tall else 0.62 * longest + 1.2)
    kinds = f"mm-matrix{' mm-tall' if is_tall else ''}{' mm-many' if len(rows) > MAX_COVERED_ROWS else ''}"
    return f'class="{kinds}" style="--mm-name:{name:.1f}em;--mm-width:{width:.0f}"'


def _html_head(corner: Corner, columns: Columns) -> str:
    groups = "".join(
        f'<th scope="colgroup" colspan="{len([*same])}"><span>{escape_html(above)}</span></th>'
        for above, same in groupby(above for above, _ in columns)
    )
    names = "".join(
        f'<th scope="col" title="{hover_text(above, name, between=" ")}">'
        f"<span>{escape_html(_cut_inside(name))}</span></th>"
        for above, name in columns
    )
    return (
        f'<tr><th class="mm-name"></th><th></th>{groups}</tr>'
        f'<tr><th scope="col" class="mm-name">{escape_html(corner[0])}</th>'
        f'<th scope="col" class="mm-note">{escape_html(corner[1])}</th>{names}</tr>'
    )


def _html_row(row: Row, signs: Mapping[int, str]) -> str:
    cells = "".join(
        f'<td class="mm-l{cell.level}" title="{_title(cell.reasons)}">{signs[cell.level]}</td>'
        if cell.reasons
        else f"<td>{signs[cell.level]}</td>"
        for cell in row.cells
    )
    return (
        f'<tr><th scope="row" class="mm-name"{hover_title(row.name)}>{escape_html(cell_text(row.name))}</th>'
        f'<td class="mm-note" tabindex="0" title="{_title(row.why)}">{escape_html(row.note)}</td>{cells}</tr>'
    )


def _title(lines: Sequence[str]) -> str:
    """Lines for a title: names stand in single quotes, which needn't be escaped there and are many."""
    return "&#10;".join(html.escape(cell_text(line), quote=False).replace('"', "&quot;") for line in lines)


def _cut_inside(text: str, length: int = 24) -> str:
    """Names that are much alike mostly differ at their ends."""
    return text if len(text) <= length else f"{text[: length // 2 - 1]}…{text[-length // 2 :]}"


def _cut(text: str, end: str, length: int = 30) -> str:
    return text if len(text) <= length else text[: length - len(end)] + end
