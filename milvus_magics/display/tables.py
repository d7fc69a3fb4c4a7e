"""Result tables as text and as HTML, and the style sheets of all HTML."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from milvus_magics.display.columns import align_columns as align_columns
from milvus_magics.display.columns import fit_columns, wrap_lines
from milvus_magics.display.terminal import TEXT_WIDTH as TEXT_WIDTH
from milvus_magics.display.terminal import Paint, plain, terminal_width
from milvus_magics.wording import MAX_VALUE, cut_inside, cut_text, printable, visible_text

MAX_ROWS = 200
MAX_UNBROKEN = 32  # characters of a value that stays on one line, as dates do
LONGEST_ESCAPE = 10  # characters that one may be shown as


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


def text_table(
    columns: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
    caption: str,
    kind: str = "heading",
    *,
    paint: Paint = plain,
) -> str:
    """A table as text: all rows, in columns as wide as their widest value, but no wider than a terminal.

    Args:
        kind: how the caption is painted.
        paint: `colour_text` where the text is shown, and kept nowhere.
    """
    head = [column_heading(name) for name in columns]
    body = [[cell_text(row[name]) for name in columns] for row in rows]
    width = terminal_width()
    above = wrap_lines(printable(caption), width) if caption else []
    return "\n".join([*(paint(line, kind) for line in above), *_text_rows(head, body, width, paint)])


def _text_rows(head: list[str], body: list[list[str]], width: int | None, paint: Paint) -> list[str]:
    fitted = fit_columns([head, *body], width)
    if fitted is None:
        return _text_records(head, body, width)
    tall = len(fitted[0])
    lines = align_columns([line for row in fitted for line in row], heading_lines=tall)
    return [*(paint(line, "heading") for line in lines[:tall]), *lines[tall:]]


def _text_records(head: list[str], body: list[list[str]], width: int | None) -> list[str]:
    """Rows one below the other, a line or more for each value, where columns would be too narrow."""
    lines = []
    for row in body:
        for name, value in zip(head, row, strict=True):
            lines += wrap_lines(f"{name}: {value}".rstrip(), width)
        lines.append("")
    return lines[:-1]


def html_table(
    columns: Sequence[str], rows: Sequence[Mapping[str, Any]], caption: str, max_rows: int = MAX_ROWS
) -> str:
    """A table for a notebook. Rows that are left out are counted below it."""
    left = 'style="text-align:left"'
    head = "".join(f'<th scope="col" {left}>{escape_html(column_heading(name))}</th>' for name in columns)
    body = "".join(f"<tr>{''.join(_table_cell(row[name]) for name in columns)}</tr>" for row in rows[:max_rows])
    more = len(rows) - max_rows
    note = f"<p>and {more} more; iterate over the result, or use to_pandas()</p>" if more > 0 else ""
    # Not a caption element, which is no wider than the table: a sentence above few columns would take many lines.
    title = f'<div class="mm-caption" style="text-align:left">{escape_html(caption)}</div>' if caption else ""
    label = f' aria-label="{escape_html(caption)}"' if caption else ""
    table = f"<table{label}><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f'{title}<div class="mm-table">{style_element("tables")}{table}</div>{note}'


def _table_cell(value: Any) -> str:
    text = cell_text(value)
    kind = ' class="mm-long"' if len(text) > MAX_UNBROKEN else ""
    title = hover_title(*(value if isinstance(value, (tuple, list)) else [value]))
    return f'<td{kind}{title} style="text-align:left">{html.escape(text, quote=True)}</td>'


def column_heading(name: str) -> str:
    """A column's name in words."""
    return printable(name).replace("_", " ")
