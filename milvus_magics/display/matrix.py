"""The matrix of who may do what, as text and as HTML."""

from __future__ import annotations

import html
import re
import shutil
from collections.abc import Iterator, Sequence
from itertools import groupby, zip_longest
from typing import NamedTuple

from milvus_magics.display.columns import (
    GAP,
    MIN_COLUMN,
    align_columns,
    cut_end,
    display_width,
    fit_column,
    share_room,
    wrap_lines,
)
from milvus_magics.display.long_names import CUT, cut_names
from milvus_magics.display.marks import EMPTY_SIGN, Cell, Key, Sign, key_class, mark_class
from milvus_magics.display.messages import html_line
from milvus_magics.display.tables import (
    MAX_ROWS,
    TEXT_WIDTH,
    cell_text,
    escape_html,
    hover_text,
    style_element,
)
from milvus_magics.wording import count_text, printable

MAX_NAME = 24  # characters of a name, of a user or a collection
MAX_NOTE = 30
MAX_COVERED_ROWS = 15  # with more, the last row is followed by room, so that the explanation never covers it
ASCII_EMPTY, ASCII_CUT = ".", "..."
MORE_COLUMNS = "choose them by a part of the heading: access.matrix(...).filter(column='part')"
MIN_NAME, MIN_BESIDE = 10, 24  # of a terminal's columns for names, and for names and notes, where there is little room


class Column(NamedTuple):
    """A column's heading.

    Attributes:
        above: the heading above, which neighbours may share.
        name: its own.
        total: for how many things it stands.
        places: what these are, where the heading is about one thing that several places decide on.
    """

    above: str
    name: str
    total: int = 1
    places: str = ""

    @property
    def size(self) -> str:
        """For how many things it stands, where that is more than one."""
        return f"({self.total})" if self.total > 1 and not self.places else ""


class Row(NamedTuple):
    """One row: who, what to know about them, the cells, and what each role brings to them, in words."""

    name: str
    note: str
    cells: tuple[Cell, ...]
    why: tuple[str, ...] = ()


Columns = Sequence[Column]
Rows = Sequence[Row]
Legend = Sequence[Key]
Corner = tuple[str, str]  # what the rows are, and what the notes beside them


def text_matrix(
    caption: str,
    corner: Corner,
    columns: Columns,
    rows: Rows,
    legend: Legend,
    *,
    cut: str = CUT,
    empty: str = EMPTY_SIGN,
) -> str:
    """A matrix for a terminal.

    No line is wider. Where the headings don't fit side by side they get numbers; then names and notes are cut, the
    notes are left out, and at last some columns, with a count.

    Args:
        cut: what stands where a name or a note is cut.
        empty: what stands where there is no mark.
    """
    width = shutil.get_terminal_size((TEXT_WIDTH, 24)).columns
    names = _shown_names([row.name for row in rows], cut)
    beside = [corner, *((names[row.name], cell_text(_cut_end(row.note, cut))) for row in rows)]
    digits = [_count_digits(rows, number) for number in range(len(columns))]
    signs = [[cell.text(most, empty) for cell, most in zip(row.cells, digits, strict=True)] for row in rows]
    headings = _text_headings(columns, cut)
    lines = align_columns([[*one, *cells] for one, cells in zip([("", ""), *beside], headings + signs, strict=True)])
    key: list[str] = []
    if max(map(display_width, lines)) > width:
        lines, key = _numbered_lines(beside, columns, signs, width)
    below = [*key, *_legend_lines(legend, empty, width)]
    folded = [[line for text in texts for line in wrap_lines(text, width)] for texts in ([printable(caption)], below)]
    return "\n".join(filter(None, [*folded[0], *lines, *folded[1]]))


def _legend_lines(legend: Legend, empty: str, width: int) -> list[str]:
    """What the signs mean: on one line, or on one for each."""
    meanings = [f"{' '.join(one.signs).replace(EMPTY_SIGN, empty)} {one.meaning}" for one in legend]
    in_one = "   ".join(meanings)
    return [in_one] if display_width(in_one) <= width else meanings


def _text_headings(columns: Columns, cut: str) -> list[list[str]]:
    """What stands above the columns, in two lines."""
    headings = _shown_names([column.name for column in columns], cut)
    above = [one.above if i == 0 or columns[i - 1].above != one.above else "" for i, one in enumerate(columns)]
    names = [f"{headings[one.name]} {one.size}".rstrip() for one in columns]
    return [[cell_text(heading) for heading in line] for line in (above, names)]


def ascii_matrix(caption: str, corner: Corner, columns: Columns, rows: Rows, legend: Legend) -> str:
    """The same with signs that every encoding has; names stay as they are."""
    return text_matrix(caption, corner, columns, rows, legend, cut=ASCII_CUT, empty=ASCII_EMPTY)


def _shown_names(names: Sequence[str], cut: str = CUT) -> dict[str, str]:
    """What is shown of names, as one line of what can be seen."""
    texts = {name: cell_text(name) for name in names}
    shown = cut_names(texts.values(), MAX_NAME, cut)
    return {name: shown[text] for name, text in texts.items()}


def _count_digits(rows: Rows, column: int) -> int:
    """How many digits the counts in a column have."""
    counts = (sign.number for row in rows for sign in row.cells[column].signs() if sign)
    return len(str(most)) if (most := max(counts, default=0)) else 0


def _numbered_lines(
    beside: Sequence[Sequence[str]], columns: Columns, signs: Sequence[Sequence[str]], width: int
) -> tuple[list[str], list[str]]:
    """Lines with numbers for headings, as many columns as fit, and the key to the numbers."""
    numbers = [str(number) for number in range(1, len(columns) + 1)]
    for count, least, has_notes in _ways_to_fit(len(columns)):
        marks = align_columns([line[:count] for line in (numbers, *signs)])
        room = width - max(map(display_width, marks)) - len(GAP)
        texts = beside if has_notes else [one[:1] for one in beside]
        if room >= min(sum(_column_widths(texts)), least):
            break
    rows = zip(*_fit_beside(texts, room), ([line] for line in marks), strict=True)
    lines = align_columns([line for row in rows for line in zip_longest(*row, fillvalue="")])
    return lines, _key_lines(columns, count)


def _key_lines(columns: Columns, count: int) -> list[str]:
    """What the numbers of the first columns stand for, and how many columns are left out."""
    key = [f"{number} {one.above} {one.name} {one.size}" for number, one in enumerate(columns[:count], 1)]
    left_out = len(columns[count:])
    more = [f"and {count_text(left_out, 'more column')}; {MORE_COLUMNS}"] if left_out else []
    return [cell_text([" ".join(text.split()) for text in key]), *more]


def _column_widths(texts: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(display_width, column)) for column in zip(*texts, strict=True)]


def _fit_beside(texts: Sequence[Sequence[str]], room: int) -> list[list[list[str]]]:
    """The lines of each name, and of each note where there are notes, together as wide as there is room."""
    names, *notes = zip(*texts, strict=True)
    widths = share_room(_column_widths(texts), max(room - len(GAP) * len(notes), MIN_COLUMN))
    return [fit_column(names, widths[0]), *([[cut_end(note, widths[1])] for note in column] for column in notes)]


def _ways_to_fit(count: int) -> Iterator[tuple[int, int, bool]]:
    """How many columns, the least room for what stands beside, and whether notes do: the better ways first."""
    yield count, MIN_BESIDE, True
    yield count, MIN_NAME, False
    yield from ((fewer, MIN_BESIDE, True) for fewer in range(count - 1, 2, -1))
    yield from ((fewer, MIN_NAME, False) for fewer in range(count - 1, 0, -1))


def html_matrix(caption: str, corner: Corner, columns: Columns, rows: Rows, legend: Legend) -> str:
    """A matrix for a notebook: a table that can be read aloud, printed, and without any style; no script.

    Pointing at a cell shows its reasons; each row can be reached with Tab, which shows what each role brings to it.
    """
    shown = rows[: MAX_ROWS + 1]  # one more: the row of everybody
    names = _shown_names([row.name for row in shown])
    body = "".join(_html_row(row, names[row.name]) for row in shown)
    left_out = len(rows) - len(shown)
    more = f"and {left_out} more {corner[0]}: .filter('part of a name') narrows them down" if left_out > 0 else ""
    return (
        f"<div {_size_attributes(columns, shown, names)}>{style_element('matrix')}"
        f"<div>{escape_html(caption)}</div>"
        f'<div class="mm-scroll" role="region" aria-label="{escape_html(caption)}"><table>'
        f"<thead>{_html_head(corner, columns)}</thead>"
        f"<tbody>{body}</tbody></table></div>{html_line(more, 'note') if more else ''}"
        f'<p class="mm-legend">{"".join(map(_html_key, legend))}</p></div>'
    )


def _html_key(key: Key) -> str:
    signs = "".join(f'<b class="{key_class(sign)}">{escape_html(sign)}</b>' for sign in key.signs)
    return f"<span>{signs} {escape_html(key.meaning)}</span> "


def _size_attributes(columns: Columns, rows: Rows, names: dict[str, str]) -> str:
    """How wide names are, and how many em everything is, for fitting it on paper."""
    name = min(max(map(len, names.values()), default=0) * 0.66 + 1, 17)
    has_counts = any(sign and sign.number for row in rows for cell in row.cells for sign in cell.signs())
    width = name + 13 + len(columns) * (9 if has_counts else 6)
    many = " mm-many" if len(rows) > MAX_COVERED_ROWS else ""
    counts = " mm-counts" if has_counts else ""
    return f'class="mm-matrix{many}{counts}" style="--mm-name:{name:.1f}em;--mm-width:{width:.0f}"'


def _html_head(corner: Corner, columns: Columns) -> str:
    groups = "".join(
        f'<th scope="colgroup" colspan="{len([*same])}"><span>{escape_html(above)}</span></th>'
        for above, same in groupby(one.above for one in columns)
    )
    shown = _shown_names([one.name for one in columns])
    names = "".join(
        f'<th scope="col" title="{hover_text(one.above, one.name, between=" ")}">'
        f"<span>{_breakable(f'{shown[one.name]} {one.size}')}</span></th>"
        for one in columns
    )
    above = f'<tr><th class="mm-name"></th><th></th>{groups}</tr>' if any(one.above for one in columns) else ""
    return (
        f'{above}<tr><th scope="col" class="mm-name">{escape_html(corner[0])}</th>'
        f'<th scope="col" class="mm-note">{escape_html(corner[1])}</th>{names}</tr>'
    )


def _breakable(name: str) -> str:
    """A heading that breaks between its words first."""
    return re.sub(r"(?<=[_.\-…])(?=\w)", "<wbr>", escape_html(name))


def _html_row(row: Row, shown: str) -> str:
    is_cut = shown != cell_text(row.name)
    title = f' title="{hover_text(row.name)}"' if is_cut else ""
    why = [row.name, *row.why] if is_cut else row.why
    return (
        f'<tr><th scope="row" class="mm-name"{title}>{html.escape(shown)}</th>'
        f'<td class="mm-note" tabindex="0" title="{_title(why)}">{escape_html(row.note)}</td>'
        f"{''.join(map(_html_cell, row.cells))}</tr>"
    )


def _html_cell(cell: Cell) -> str:
    signs = cell.signs()
    reasons = cell.reasons
    title = f' title="{_title((cell.words(), *reasons))}"' if reasons else ""
    if not any(signs):
        return f"<td{title}>{EMPTY_SIGN}</td>"
    return f"<td{title}>{''.join(map(_html_sign, signs))}</td>"


def _html_sign(sign: Sign | None) -> str:
    if sign is None:
        return f"<i>{EMPTY_SIGN}</i>"
    return f'<b class="{mark_class(sign.kind, sign.extent)}">{sign.text}{sign.number or ""}</b>'


def _title(lines: Sequence[str]) -> str:
    """Lines for a title: names stand in single quotes, which needn't be escaped there and are many."""
    return "&#10;".join(html.escape(cell_text(line), quote=False).replace('"', "&quot;") for line in lines)


def _cut_end(text: str, end: str) -> str:
    return text if len(text) <= MAX_NOTE else text[: MAX_NOTE - len(end)] + end
