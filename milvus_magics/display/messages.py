"""Single lines and lists as HTML."""

from __future__ import annotations

from collections.abc import Sequence

from milvus_magics.display.tables import MAX_ROWS, escape_html

# Buttons and tabs are as wide as their words. In a narrow panel labels go above their fields, and nothing is cut.
PANEL_STYLE = """<style>
.mm-panel{container-type:inline-size;width:100%;box-sizing:border-box}
.mm-panel .jupyter-button{width:auto;min-width:min(8em,100% - 4px);height:auto;white-space:normal;align-self:flex-start}
.mm-panel .widget-tab-contents{--mm-around:var(--jp-layout-color1)}
.mm-panel .widget-toggle-buttons{display:flex;align-items:baseline;margin:2px}
.mm-panel .widget-toggle-buttons>.widget-label{flex:none;text-align:right;margin-right:8px}
.mm-panel .widget-toggle-buttons .jupyter-button{min-width:min(6em,100%);margin-left:0}
.mm-panel .jupyter-widgets>.lm-TabBar>.lm-TabBar-content>.lm-TabBar-tab{flex:0 1 auto;min-width:min(6em,25%)}
.mm-panel .widget-box,.mm-panel .widget-html>.widget-html-content{min-width:0}
@container (max-width:32em){
.mm-panel .widget-inline-hbox,.mm-panel .widget-toggle-buttons,.mm-panel .widget-box,.mm-panel .jupyter-button{
max-width:calc(100% - 4px)!important;box-sizing:border-box}
.mm-panel .jupyter-button{padding:0 .3em;overflow-wrap:anywhere}
.mm-panel .widget-box{flex-basis:auto!important}
.mm-panel .widget-box,.mm-panel .widget-html{margin-left:0!important}
.mm-panel .widget-inline-hbox,.mm-panel .widget-toggle-buttons{flex-wrap:wrap;width:100%!important;
height:auto!important}
.mm-panel .widget-inline-hbox>.widget-label,.mm-panel .widget-toggle-buttons>.widget-label{width:100%!important;
height:auto;text-align:left;white-space:normal}
.mm-panel .widget-inline-hbox>input,.mm-panel .widget-inline-hbox>select{flex:1 1 100%;min-width:0;width:100%}
.mm-panel .widget-toggle-buttons>div{min-width:0;max-width:100%}
.mm-panel .widget-checkbox>.widget-label{display:none}
.mm-panel .jupyter-widgets>.widget-tab-contents{padding:.4em}
.mm-panel .jupyter-widgets>.lm-TabBar>.lm-TabBar-content{flex-wrap:wrap}
.mm-panel .jupyter-widgets>.lm-TabBar>.lm-TabBar-content>.lm-TabBar-tab{padding:0 .5em}
}
</style>"""


# Words carry the meaning too, for whoever doesn't see the colours. No colour reads well on white and on a dark panel,
# so these are mixed with the colour that the front end writes in.
_STYLES = {
    "heading": ("", "font-weight:bold"),
    "note": ("", "opacity:0.8"),
    "warning": ("⚠ ", ""),
    "done": ("✓ ", "color:color-mix(in srgb,#2e8b57 65%,currentColor);font-weight:bold"),
    "error": ("✗ ", "color:color-mix(in srgb,#d9534f 65%,currentColor)"),
}


def html_line(text: str, kind: str) -> str:
    """One line of a form: a `column_heading`, a `note`, a `warning`, or how it went: `done` or `error`."""
    mark, style = _STYLES[kind]
    # A div, not a span: Markdown, which a notebook can become, works within spans, so a name could be a link.
    style += ";white-space:normal;line-height:1.4;overflow-wrap:anywhere"
    return f'<div style="{style.lstrip(";")}">{mark}{escape_html(text)}</div>'


def html_list(label: str, lines: Sequence[str]) -> str:
    """Lines below a label, capped like tables."""
    more = len(lines) - MAX_ROWS
    shown = [*lines[:MAX_ROWS], *([f"and {more} more"] if more > 0 else [])]
    items = "".join(f'<li style="line-height:1.5;overflow-wrap:anywhere">{escape_html(line)}</li>' for line in shown)
    return f'{html_line(label, "note")}<ul style="margin:0;padding-left:1.2em">{items}</ul>'
