"""Result tables as text and as HTML."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from milvus_magics.wording import printable

MAX_ROWS = 200


TEXT_WIDTH = 120  # columns of text where no terminal says how many it has


MOST_UNBROKEN = 32  # characters of a value that stays on one line, as dates do


# Widgets have no style for tables of their own.
_TABLE_STYLE = """<style>
.mm-table{overflow-x:auto}.mm-table table{border-collapse:collapse;margin:0}
.mm-table table tr th,.mm-table table tr td{padding:.25em 1em .25em .4em;vertical-align:top;line-height:1.4;
white-space:nowrap}
.mm-table table tr .mm-long{white-space:normal;min-width:16em;overflow-wrap:anywhere}
.mm-table caption{padding:.2em .4em;white-space:normal}
</style>"""


def cell_text(value: Any) -> str:
    """One value on one line, without control characters."""
    if value is None:
        return ""
    if isinstance(value, (tuple, list)):
        return ", ".join(printable(str(item)) for item in value)
    return printable(str(value))


def escape_html(value: Any) -> str:
    """One value as HTML text."""
    return html.escape(cell_text(value), quote=True)


def text_table(columns: Sequence[str], rows: Sequence[Mapping[str, Any]], caption: str) -> str:
    """A table for a terminal: all rows, columns as wide as their widest value."""
    lines = [[column_heading(name) for name in columns]]
    lines += [[cell_text(row[name]) for name in columns] for row in rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
    texts = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    texts.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(([printable(caption)] if caption else []) + texts)


def html_table(columns: Sequence[str], rows: Sequence[Mapping[str, Any]], caption: str, most: int = MAX_ROWS) -> str:
    """A table for a notebook, capped at so many rows with a count of what is left out."""
    left = 'style="text-align:left"'
    head = "".join(f'<th scope="col" {left}>{escape_html(column_heading(name))}</th>' for name in columns)
    body = "".join(f"<tr>{''.join(_table_cell(row[name]) for name in columns)}</tr>" for row in rows[:most])
    more = len(rows) - most
    note = f"<p>and {more} more; iterate over the result, or use to_pandas()</p>" if more > 0 else ""
    title = f'<caption style="text-align:left;caption-side:top">{escape_html(caption)}</caption>' if caption else ""
    table = f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="mm-table">{_TABLE_STYLE}{table}</div>{note}'


def _table_cell(value: Any) -> str:
    text = cell_text(value)
    kind = ' class="mm-long"' if len(text) > MOST_UNBROKEN else ""
    return f'<td{kind} style="text-align:left">{html.escape(text, quote=True)}</td>'


def column_heading(name: str) -> str:
    """A column's name in words."""
    return printable(name).replace("_", " ")
