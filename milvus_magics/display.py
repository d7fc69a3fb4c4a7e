"""Result tables as text and as HTML. The only place that makes HTML, and it escapes every value."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from milvus_magics.errors import printable

MAX_ROWS = 200


def cell_text(value: Any) -> str:
    """One value on one line, without control characters."""
    if value is None:
        return ""
    if isinstance(value, (tuple, list)):
        return ", ".join(printable(str(item)) for item in value)
    return printable(str(value))


def escaped(value: Any) -> str:
    """One value as HTML text."""
    return html.escape(cell_text(value), quote=True)


def text_table(columns: Sequence[str], rows: Sequence[Mapping[str, Any]], caption: str) -> str:
    """A table for a terminal: all rows, columns as wide as their widest value."""
    lines = [[heading(name) for name in columns]]
    lines += [[cell_text(row[name]) for name in columns] for row in rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
    texts = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    texts.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(([printable(caption)] if caption else []) + texts)


def html_table(columns: Sequence[str], rows: Sequence[Mapping[str, Any]], caption: str) -> str:
    """A table for a notebook, capped at `MAX_ROWS` with a count of what is left out."""
    left = 'style="text-align:left"'
    head = "".join(f'<th scope="col" {left}>{escaped(heading(name))}</th>' for name in columns)
    body = "".join(
        "<tr>" + "".join(f"<td {left}>{escaped(row[name])}</td>" for name in columns) + "</tr>"
        for row in rows[:MAX_ROWS]
    )
    more = len(rows) - MAX_ROWS
    note = f"<p>and {more} more; iterate over the result, or use to_pandas()</p>" if more > 0 else ""
    title = (
        f'<caption style="text-align:left;caption-side:top;white-space:nowrap">{escaped(caption)}</caption>'
        if caption
        else ""
    )
    return f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{note}"


def heading(name: str) -> str:
    """A column's name in words."""
    return name.replace("_", " ")


# Words carry the meaning too, for whoever doesn't see the colours; the greys and reds read on dark and on light.
_STYLES = {
    "heading": ("", "font-weight:bold"),
    "note": ("", "opacity:0.8"),
    "done": ("✓ ", "color:#2e8b57;font-weight:bold"),
    "error": ("✗ ", "color:#d9534f"),
}


def html_line(text: str, kind: str) -> str:
    """One line of a form: a `heading`, a `note`, or how it went: `done` or `error`."""
    mark, style = _STYLES[kind]
    style += ";display:block;white-space:normal;line-height:1.4;overflow-wrap:anywhere"
    return f'<span style="{style}">{mark}{escaped(text)}</span>'
