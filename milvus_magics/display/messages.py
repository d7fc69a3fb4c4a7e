"""Single lines and lists as HTML."""

from __future__ import annotations

from collections.abc import Sequence

from milvus_magics.display.tables import MAX_ROWS, escape_html
from milvus_magics.wording import first_lines

# Words carry the meaning too, for whoever doesn't see the colours. No colour reads well on white and on a dark panel,
# so these are mixed with the colour that the front end writes in.
# Screen readers read out what comes of an action as soon as it is there.
_ROLES = {"done": ' role="status"', "error": ' role="alert"'}
_RED = "color:color-mix(in srgb,#d9534f 65%,currentColor)"
_STYLES = {
    "heading": ("", "font-weight:bold"),
    "note": ("", "opacity:0.8"),
    "warning": ("⚠ ", "color:color-mix(in srgb,#c77700 60%,currentColor)"),
    "done": ("✓ ", "color:color-mix(in srgb,#2e8b57 65%,currentColor);font-weight:bold"),
    "error": ("✗ ", _RED),
    "serious": ("‼ ", f"{_RED};font-weight:bold"),
}


def html_line(text: str, kind: str) -> str:
    """One line of a form: a `heading`, a `note`, a `warning`, `serious`, or how it went: `done` or `error`."""
    mark, style = _STYLES[kind]
    # A div, not a span: Markdown, which a notebook can become, works within spans, so a name could be a link.
    style += ";white-space:normal;line-height:1.4;overflow-wrap:anywhere"
    return f'<div{_ROLES.get(kind, "")} style="{style.lstrip(";")}">{mark}{escape_html(text)}</div>'


def html_list(label: str, lines: Sequence[str]) -> str:
    """Lines below a label, capped like tables."""
    shown = (escape_html(line) for line in first_lines(lines, MAX_ROWS))
    items = "".join(f'<li style="line-height:1.5;overflow-wrap:anywhere">{line}</li>' for line in shown)
    return f'{html_line(label, "note")}<ul style="margin:0;padding-left:1.2em">{items}</ul>'
