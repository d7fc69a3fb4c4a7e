"""Result tables as text and as HTML, and the style sheets of all HTML."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from milvus_magics.wording import MAX_VALUE, cut_inside, cut_text, printable, visible_text

MAX_ROWS = 200
TEXT_WIDTH = 120  # columns of text where no terminal says how many it has
MAX_UNBROKEN = 32  # characters of a value that stays on one line, as dates do
LONGEST_ESCAPE = 10  # characters that one may be shown as
MAX_RULE = 40  # how long the line below a heading of the last column gets


@cache
def style_element(name: str) -> str:
    """A style sheet of this folder as an HTML element, without comments and needless white space.

    It is stored in the notebook with each result, so it shall be small.
    """
    css = files(__package__).joinpath(f"{name}.css").read_text(encoding="utf-8")
    needless = r"/\*.*?\*/\s*|;?\s+(?=[{}>!])|(?<=[{}>:;,])\s+"
    return f"<style>{re.sub(needless, '', css, flags=re.DOTALL).strip()}</style>"


def cell_text(value: Any) -> str:
    """One value on one line, without control characters; in quotes where outer blanks would not be seen."""
    if isinstance(value, (tuple, list)):
        return ", ".join(map(cell_text, value))
    return cut_inside(printable(_quoted_if_needed(value)), MAX_VALUE)


def hover_title(*values: Any) -> str:
    """The attribute that shows values on hovering; empty where the cell shows all of them."""
    if not any(len(str(value)) > MAX_VALUE // LONGEST_ESCAPE for value in values):
        return ""
    whole = hover_text(*values)
    return "" if whole == html.escape(cell_text(values), quote=True) else f' title="{whole}"'


def hover_text(*values: Any, between: str = ", ") -> str:
    """Values for a title, as HTML: whole, up to what a notebook should hold."""
    texts = (" ".join(visible_text(_quoted_if_needed(value)).split()) for value in values)
    return html.escape(cut_text(between.join(texts)), quote=True)


def _quoted_if_needed(value: Any) -> str:
    text = "" if value is None else str(value)
    return repr(text) if text != text.strip() else text


def escape_html(text: str) -> str:
    """A text on one line as HTML."""
    return html.escape(printable(text), quote=True)


def align_columns(lines: Sequence[Sequence[str]], *, has_heading: bool = False) -> list[str]:
    """Lines of text whose cells stand below each other; the first may be a heading, with a rule below it."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    if has_heading:
        # The last column may be a sentence; a rule as long would take lines of its own where there is little room.
        rules = [*widths[:-1], min(widths[-1], MAX_RULE)]
        lines = [lines[0], ["-" * length for length in rules], *lines[1:]]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]


def text_table(columns: Sequence[str], rows: Sequence[Mapping[str, Any]], caption: str) -> str:
    """A table for a terminal: all rows, columns as wide as their widest value."""
    lines = [[column_heading(name) for name in columns]]
    lines += [[cell_text(row[name]) for name in columns] for row in rows]
    return "\n".join(([printable(caption)] if caption else []) + align_columns(lines, has_heading=True))


def html_table(
    columns: Sequence[str], rows: Sequence[Mapping[str, Any]], caption: str, max_rows: int = MAX_ROWS
) -> str:
    """A table for a notebook. Rows that are left out are counted below it."""
    left = 'style="text-align:left"'
    head = "".join(f'<th scope="col" {left}>{escape_html(column_heading(name))}</th>' for name in columns)
    body = "".join(f"<tr>{''.join(_table_cell(row[name]) for name in columns)}</tr>" for row in rows[:max_rows])
    more = len(rows) - max_rows
    note = f"<p>and {more} more; iterate over the result, or use to_pandas()</p>" if more > 0 else ""
    title = f'<caption style="text-align:left;caption-side:top">{escape_html(caption)}</caption>' if caption else ""
    table = f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="mm-table">{style_element("tables")}{table}</div>{note}'


def _table_cell(value: Any) -> str:
    text = cell_text(value)
    kind = ' class="mm-long"' if len(text) > MAX_UNBROKEN else ""
    title = hover_title(*(value if isinstance(value, (tuple, list)) else [value]))
    return f'<td{kind}{title} style="text-align:left">{html.escape(text, quote=True)}</td>'


def column_heading(name: str) -> str:
    """A column's name in words."""
    return printable(name).replace("_", " ")
