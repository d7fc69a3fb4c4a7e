"""The HTML of results that a widget shows, too: saved in the notebook, hidden where the widget is seen."""

from __future__ import annotations

WIDGET_CLASS = "mm-live-{}"


def static_html(html: str, token: str) -> str:
    """The HTML of a result, which a widget of the same token replaces as long as it is there."""
    return f'<div class="mm-static" data-mm-static="{token}">{html}</div>'


def replacing_style(token: str, rendered: str) -> str:
    """The style sheet within the widget, which goes with it.

    Args:
        token: letters and digits that no other result has.
        rendered: a class that is in the page only once the widget is drawn. Where its program could not be loaded, what
            the front end says of that is hidden and the HTML stays.
    """
    widget = f".{WIDGET_CLASS.format(token)}"
    static = f'[data-mm-static="{token}"]'
    # JupyterLab's output around it goes, too: its number would stand beside nothing.
    return (
        f"<style>{widget}:not(:has(.{rendered})){{display:none}}"
        f":root:has({widget} .{rendered}) :is({static},.jp-OutputArea-child:has({static})){{display:none}}</style>"
    )
