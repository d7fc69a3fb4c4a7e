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


def html_table(columns: Sequence[str], rows: Sequence[Mapping[str, Any]], caption: str, most: int = MAX_ROWS) -> str:
    """A table for a notebook, capped at so many rows with a count of what is left out."""
    left = 'style="text-align:left"'
    head = "".join(f'<th scope="col" {left}>{escaped(heading(name))}</th>' for name in columns)
    body = "".join(
        "<tr>" + "".join(f"<td {left}>{escaped(row[name])}</td>" for name in columns) + "</tr>" for row in rows[:most]
    )
    more = len(rows) - most
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
    "warning": ("⚠ ", ""),
    "done": ("✓ ", "color:#2e8b57;font-weight:bold"),
    "error": ("✗ ", "color:#d9534f"),
}


def html_line(text: str, kind: str) -> str:
    """One line of a form: a `heading`, a `note`, a `warning`, or how it went: `done` or `error`."""
    mark, style = _STYLES[kind]
    style += ";display:block;white-space:normal;line-height:1.4;overflow-wrap:anywhere"
    return f'<span style="{style}">{mark}{escaped(text)}</span>'


def html_list(label: str, lines: Sequence[str]) -> str:
    """Lines below a label, capped like tables."""
    more = len(lines) - MAX_ROWS
    shown = [*lines[:MAX_ROWS], *([f"and {more} more"] if more > 0 else [])]
    items = "".join(f'<li style="line-height:1.5">{escaped(line)}</li>' for line in shown)
    return f'{html_line(label, "note")}<ul style="margin:0;padding-left:1.2em">{items}</ul>'


# Level -> how strongly its cell is filled; one hue, so that it is told by brightness, and see-through for dark themes.
_FILLS = {
    0: "",
    1: "rgba(64,150,210,.28)",
    2: "rgba(64,150,210,.5)",
    **dict.fromkeys(range(3, 8), "rgba(64,150,210,.8)"),
}
_MATRIX_STYLE = """<style>
.mm-matrix{max-height:32em;overflow:auto;position:relative}
.mm-matrix:focus-within{padding-bottom:8em}
.mm-matrix table{border-collapse:separate;border-spacing:2px;margin:0}
.mm-matrix thead{position:sticky;top:0;z-index:2;background:var(--jp-layout-color0,Canvas)}
.mm-matrix tbody td[title]{position:relative;cursor:help}
.mm-matrix tbody td[title]:focus{outline:2px solid currentColor;outline-offset:-2px}
.mm-matrix tbody td[title]:focus::after{content:attr(title);position:absolute;z-index:3;left:0;top:100%;width:22em;
padding:.4em;text-align:left;white-space:pre-line;border:1px solid currentColor;
background:var(--jp-layout-color0,Canvas);color:var(--jp-ui-font-color1,CanvasText)}
@media print{.mm-matrix{max-height:none;overflow:visible}}
</style>"""
_HEAD = "text-align:center;padding:.25em .5em;white-space:nowrap"
_NAME = "text-align:left;font-weight:normal;padding:.15em .6em .15em 0;white-space:nowrap"
_NOTE = (
    "text-align:left;opacity:.75;padding:.15em .6em;max-width:14em;overflow:hidden;text-overflow:ellipsis;"
    "white-space:nowrap"
)


def text_matrix(
    caption: str,
    corner: tuple[str, str],
    heads: Sequence[tuple[str, str]],
    rows: Sequence[Any],
    marks: Mapping[int, tuple[str, str]],
) -> str:
    """Rows of cells with marks, for a terminal. A row has `name`, `note` and `cells`, a cell `level` and `reasons`."""
    above = [head if i == 0 or heads[i - 1][0] != head else "" for i, (head, _) in enumerate(heads)]
    lines = [["", "", *above], [*corner, *(name for _, name in heads)]]
    lines += [[row.name, _cut(row.note), *(marks[cell.level][0] for cell in row.cells)] for row in rows]
    texts = [[cell_text(value) for value in line] for line in lines]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    body = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in texts]
    legend = "   ".join(f"{sign} {meaning}" for sign, meaning in marks.values())
    return "\n".join([printable(caption), *body, legend])


def html_matrix(
    caption: str,
    corner: tuple[str, str],
    heads: Sequence[tuple[str, str]],
    rows: Sequence[Any],
    marks: Mapping[int, tuple[str, str]],
) -> str:
    """The same for a notebook: a table that can be read aloud, printed, and without any style; no script.

    Pointing at a cell, or reaching it with Tab, shows its reasons.
    """
    spans: list[tuple[str, int]] = []
    for head, _ in heads:
        spans[-1:] = [(head, spans[-1][1] + 1)] if spans and spans[-1][0] == head else [*spans[-1:], (head, 1)]
    above = "".join(f'<th scope="colgroup" colspan="{n}" style="{_HEAD}">{escaped(head)}</th>' for head, n in spans)
    names = "".join(f'<th scope="col" style="{_HEAD}">{escaped(name)}</th>' for _, name in heads)
    corners = "".join(f'<th scope="col" style="{_HEAD};text-align:left">{escaped(name)}</th>' for name in corner)
    body = "".join(_html_row(row, heads, marks) for row in rows)
    legend = " &emsp; ".join(
        f'<span style="background:{_FILLS[level]};padding:0 .4em">{escaped(sign)}</span> {escaped(meaning)}'
        for level, (sign, meaning) in marks.items()
    )
    return (
        f'{_MATRIX_STYLE}<div class="mm-matrix" role="region" aria-label="{escaped(caption)}"><table>'
        f'<caption style="text-align:left;caption-side:top;white-space:nowrap">{escaped(caption)}</caption>'
        f'<thead><tr><th colspan="2"></th>{above}</tr>'
        f"<tr>{corners}{names}</tr></thead>"
        f"<tbody>{body}</tbody></table></div><p>{legend}</p>"
    )


def _html_row(row: Any, heads: Sequence[tuple[str, str]], marks: Mapping[int, tuple[str, str]]) -> str:
    cells = "".join(
        _html_cell(row.name, head, cell, *marks[cell.level]) for head, cell in zip(heads, row.cells, strict=True)
    )
    note = f'<td style="{_NOTE}" title="{escaped(row.note)}">{escaped(row.note)}</td>'
    return f'<tr><th scope="row" style="{_NAME}">{escaped(row.name)}</th>{note}{cells}</tr>'


def _html_cell(name: str, head: tuple[str, str], cell: Any, sign: str, meaning: str) -> str:
    if not cell.reasons:
        return f'<td style="text-align:center;opacity:.6">{escaped(sign)}</td>'
    why = "&#10;".join(escaped(reason) for reason in cell.reasons)
    label = "; ".join(escaped(part) for part in (f"{name}, {' '.join(head)}: {meaning}", *cell.reasons))
    style = f"text-align:center;background:{_FILLS[cell.level]}"
    return f'<td tabindex="0" style="{style}" title="{why}" aria-label="{label}">{escaped(sign)}</td>'


def _cut(text: str, most: int = 30) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
