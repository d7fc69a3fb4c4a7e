"""The picture of who may what, as text and as HTML."""

from __future__ import annotations

import html
import shutil
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from milvus_magics.display.messages import html_line
from milvus_magics.display.tables import MAX_ROWS, TEXT_WIDTH, cell_text, escape_html
from milvus_magics.wording import printable

# One hue for all levels, so that they are told by brightness, and see-through for dark themes. Names stay in sight
# while the rest scrolls, so they need a background: whatever the front end calls its own. Nothing that holds the
# explanation of a row but the outer box is positioned: it stands at the bottom of that, however the table is scrolled.
_MATRIX_STYLE = """<style>
.mm-matrix{position:relative;--mm-back:var(--mm-around,var(--jp-layout-color0,
var(--vscode-editor-background,Canvas)))}
.mm-scroll{max-height:min(42em,75vh);overflow:auto;scroll-padding:14em 0 4em 9em}
.mm-matrix.mm-many .mm-scroll table{margin-bottom:3.5em}
.mm-matrix .mm-scroll table{border-collapse:separate;border-spacing:0;margin:0;font-size:inherit}
.mm-matrix .mm-scroll tr th,.mm-matrix .mm-scroll tr td{padding:.1em .4em;line-height:1.35;text-align:center;
min-width:1em;max-width:14em;white-space:nowrap;border:1px solid transparent;background-clip:padding-box}
.mm-matrix table tbody tr:nth-child(n){background:none}
.mm-matrix table tbody tr:nth-child(n):hover{background:var(--jp-rendermime-table-row-hover-background,none)}
.mm-matrix .mm-scroll thead{position:sticky;top:0;z-index:2;background:var(--mm-back);border:0}
.mm-matrix .mm-scroll thead th{vertical-align:bottom}
.mm-matrix .mm-scroll tr th[scope=colgroup],.mm-matrix .mm-scroll tr .mm-name,.mm-matrix .mm-scroll tr .mm-note{
text-align:left}
.mm-matrix th[scope=colgroup]>span{position:sticky;left:calc(var(--mm-name) + 1.2em)}
.mm-matrix .mm-scroll tr .mm-name{position:sticky;left:0;z-index:1;font-weight:normal;background:var(--mm-back);
padding-left:.2em;width:var(--mm-name);max-width:var(--mm-name);overflow:hidden;text-overflow:ellipsis}
.mm-matrix .mm-scroll thead .mm-name,.mm-matrix .mm-scroll thead .mm-note{font-weight:bold}
.mm-matrix .mm-scroll tr .mm-note{max-width:11em;overflow:hidden;text-overflow:ellipsis}
.mm-matrix tbody .mm-note:not(:focus){opacity:.8}
.mm-tall th[scope=col]>span{writing-mode:vertical-rl;transform:rotate(180deg);line-height:1.2}
.mm-matrix [title]{cursor:help}
.mm-matrix td:not([title]){opacity:.6}.mm-l1{background:rgba(64,150,210,.28)}.mm-l2{background:rgba(64,150,210,.5)}
.mm-l3,.mm-l4,.mm-l5,.mm-l6,.mm-l7{
background:rgba(64,150,210,.8)}
.mm-legend{min-height:4.2em;margin:.5em 0 0}
.mm-legend>span{display:inline-block;margin-right:1.5em}.mm-legend b{font-weight:normal;padding:0 .4em}
.mm-matrix tbody .mm-note:focus{outline:2px solid currentColor;outline-offset:-2px}
.mm-matrix tbody .mm-note:focus::after{content:attr(title);position:absolute;z-index:3;left:0;right:0;bottom:0;
min-height:3.4em;padding:.4em .6em;text-align:left;white-space:pre-line;overflow-wrap:anywhere;
border:1px solid currentColor;background:var(--mm-back)}
@media print{.mm-matrix{container-type:inline-size;print-color-adjust:exact;-webkit-print-color-adjust:exact}
.mm-scroll{max-height:none;overflow:visible}
.mm-matrix .mm-scroll thead,.mm-matrix .mm-scroll tr .mm-name{position:static}
.mm-matrix .mm-scroll table{font-size:min(1em,calc(100cqw / var(--mm-width)))}.mm-matrix tr{break-inside:avoid}
.mm-legend{min-height:0}}
</style>"""


MOST_HEADING = 7  # characters of a column's heading before all headings of a picture are turned upright


MANY = 15  # rows from which the last one is followed by room, so that the explanation never covers it


MORE_COLUMNS = "access.matrix(columns='collections', db=…, collection=…) chooses others"


def text_matrix(
    caption: str,
    corner: tuple[str, str],
    heads: Sequence[tuple[str, str]],
    rows: Sequence[Any],
    marks: Mapping[int, tuple[str, str]],
) -> str:
    """Rows of cells with marks, for a terminal. A row has `name`, `note` and `cells`, a cell `level` and `reasons`.

    Where the headings don't fit side by side they get numbers, and where those don't fit either, the last columns are
    left out, with a count.
    """
    width = shutil.get_terminal_size((TEXT_WIDTH, 24)).columns
    sides = [["", ""], list(corner), *([row.name, _cut(row.note)] for row in rows)]
    signs = [[marks[cell.level][0] for cell in row.cells] for row in rows]
    above = [head if i == 0 or heads[i - 1][0] != head else "" for i, (head, _) in enumerate(heads)]
    key: list[str] = []
    texts = _text_lines(sides, [above, [name for _, name in heads], *signs])
    if max(map(len, texts)) > width:
        numbers = [str(number) for number in range(1, len(heads) + 1)]
        key = [f"{number} {' '.join(head)}" for number, head in zip(numbers, heads, strict=True)]
        texts = _text_lines(sides[1:], [numbers, *signs])
    left_out = 0
    while max(map(len, texts)) > width and left_out < len(heads) - 1:
        left_out += 1
        texts = _text_lines(sides[1:], [line[:-left_out] for line in [numbers, *signs]])
    legend = [f"{sign} {meaning}" for sign, meaning in marks.values()]
    gap = "   " if len("   ".join(legend)) <= width else "\n"
    named = textwrap.fill(cell_text(key[: len(key) - left_out]), width)
    more = f"and {left_out} more column{'s' if left_out > 1 else ''}: {MORE_COLUMNS}" if left_out else ""
    return "\n".join(filter(None, [printable(caption), *texts, named, more, gap.join(legend)]))


def _text_lines(sides: Sequence[Sequence[str]], rest: Sequence[Sequence[str]]) -> list[str]:
    """Lines whose columns stand below each other."""
    lines = [[cell_text(value) for value in (*side, *more)] for side, more in zip(sides, rest, strict=True)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]


def html_matrix(
    caption: str,
    corner: tuple[str, str],
    heads: Sequence[tuple[str, str]],
    rows: Sequence[Any],
    marks: Mapping[int, tuple[str, str]],
) -> str:
    """The same for a notebook: a table that can be read aloud, printed, and without any style; no script.

    Pointing at a cell shows its reasons; each row can be reached with Tab, which shows what each role brings to it.
    """
    spans: list[tuple[str, int]] = []
    for head, _ in heads:
        spans[-1:] = [(head, spans[-1][1] + 1)] if spans and spans[-1][0] == head else [*spans[-1:], (head, 1)]
    above = "".join(f'<th scope="colgroup" colspan="{n}"><span>{escape_html(head)}</span></th>' for head, n in spans)
    names = "".join(_html_heading(head, name) for head, name in heads)
    signs = {level: escape_html(sign) for level, (sign, _) in marks.items()}
    body = "".join(_html_row(row, signs) for row in rows[: MAX_ROWS + 1])  # one more: the row of everybody
    left_out = len(rows) - MAX_ROWS - 1
    more = f"and {left_out} more {corner[0]}: .filter('part of a name') narrows them down" if left_out > 0 else ""
    legend = "".join(
        f'<span><b class="mm-l{level}">{signs[level]}</b> {escape_html(meaning)}</span> '
        for level, (_, meaning) in marks.items()
    )
    return (
        f'<div class="mm-matrix{_sizes(heads, rows)}">{_MATRIX_STYLE}'
        f"<div>{escape_html(caption)}</div>"
        f'<div class="mm-scroll" role="region" aria-label="{escape_html(caption)}"><table>'
        f'<thead><tr><th class="mm-name"></th><th></th>{above}</tr>'
        f'<tr><th scope="col" class="mm-name">{escape_html(corner[0])}</th>'
        f'<th scope="col" class="mm-note">{escape_html(corner[1])}</th>{names}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>{html_line(more, 'note') if more else ''}"
        f'<p class="mm-legend">{legend}</p></div>'
    )


def _sizes(heads: Sequence[tuple[str, str]], rows: Sequence[Any]) -> str:
    """Whether headings stand upright, how wide names are, and how many em everything is, for fitting it on paper."""
    longest = max((len(_cut_inside(cell_text(name))) for _, name in heads), default=0)
    is_tall = longest > MOST_HEADING
    name = min(max((len(cell_text(row.name)) for row in rows[:MAX_ROWS]), default=0) * 0.62 + 1, 14)
    width = name + 13 + len(heads) * (2 if is_tall else 0.62 * longest + 1.2)
    kinds = f"{' mm-tall' if is_tall else ''}{' mm-many' if len(rows) > MANY else ''}"
    return f'{kinds}" style="--mm-name:{name:.1f}em;--mm-width:{width:.0f}'


def _html_heading(above: str, name: str) -> str:
    title = f"{escape_html(above)} {escape_html(name)}"
    return f'<th scope="col" title="{title}"><span>{escape_html(_cut_inside(name))}</span></th>'


def _html_row(row: Any, signs: Mapping[int, str]) -> str:
    cells = "".join(
        f'<td class="mm-l{cell.level}" title="{_attribute(cell.reasons)}">{signs[cell.level]}</td>'
        if cell.reasons
        else f"<td>{signs[cell.level]}</td>"
        for cell in row.cells
    )
    why = _attribute(row.why)
    return (
        f'<tr><th scope="row" class="mm-name">{escape_html(row.name)}</th>'
        f'<td class="mm-note" tabindex="0" title="{why}">{escape_html(row.note)}</td>{cells}</tr>'
    )


def _attribute(lines: Sequence[str]) -> str:
    """Lines for a title: names stand in single quotes, which needn't be escaped there and are many."""
    return "&#10;".join(html.escape(cell_text(line), quote=False).replace('"', "&quot;") for line in lines)


def _cut_inside(text: str, most: int = 24) -> str:
    """Names that are much alike mostly differ at their ends."""
    return text if len(text) <= most else f"{text[: most // 2 - 1]}…{text[-most // 2 :]}"


def _cut(text: str, most: int = 30) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
