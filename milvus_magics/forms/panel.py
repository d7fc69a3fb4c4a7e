"""What is shown as a whole: panels, and their lines of text."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import ipywidgets as widgets

from milvus_magics.display.messages import html_line
from milvus_magics.display.tables import style_element
from milvus_magics.session import session
from milvus_magics.transport.connection import Connection
from milvus_magics.wording import visible_text

VIEW = "application/vnd.jupyter.widget-view+json"


class Line(widgets.HTML):
    """One line; its `text` is text, never HTML."""

    text = ""

    def say(self, text: str, kind: str = "note") -> None:
        """Say something else, or nothing."""
        self.text = text
        self.value = html_line(text, kind) if text else ""


class Panel(widgets.VBox):
    """What is shown as a whole.

    Where there are no widgets it says what it is, and closing it frees all that is in it.
    """

    KIND = "a panel"
    MAGIC = ""
    _conn: Connection
    _unseen: Sequence[widgets.Widget] = ()  # what belongs to it without being shown

    def __init__(self, children: list[widgets.Widget]) -> None:
        style = widgets.HTML(style_element("panel"), layout={"display": "none"})
        super().__init__([style, *children], layout={"padding": "0.5em"})
        self.add_class("mm-panel")
        session.add_panel(self)

    def _forget(self) -> None:
        """Clear what was typed and is secret."""

    def _where(self) -> str:
        """What it is about, for front ends that show no widgets."""
        return f"on {self._conn.address.url} as {self._conn.actor}"

    def close(self) -> None:
        """Close it with all its widgets; what was typed is forgotten."""
        if session.remove_panel(self):  # else it was never made: Python closes what it throws away
            self._forget()
            for widget in [*self._unseen, *inside(self)]:
                widget.close()
        super().close()

    def __repr__(self) -> str:
        return visible_text(
            f"{type(self).__name__}: {self.KIND} {self._where()}; it needs a live notebook with widgets. "
            f"The same without: {self.MAGIC}"
        )

    # ipywidgets 7 has this one (https://github.com/jupyter-widgets/ipywidgets/issues/2950), and both versions would cut
    # the text.
    _ipython_display_ = None

    def _repr_mimebundle_(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        _work_beside_cells([*self._unseen, *inside(self), self])
        bundle: dict[str, Any] = {"text/plain": repr(self)}
        if self.model_id:
            bundle[VIEW] = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        return bundle


def _work_beside_cells(shown: list[widgets.Widget]) -> None:
    """Let the front end choose the thread of the kernel that hears a click.

    JupyterLab gives widgets a thread of their own (https://github.com/jupyterlab/jupyterlab/pull/17363), but ipykernel
    7.4 remembers for each widget which thread said something of it last, and that one hears the clicks: for what a cell
    has just shown, the one that runs cells. A click would wait there until the next cell is done.
    """
    for widget in shown:
        with suppress(AttributeError):
            del widget.comm._reply_subshell_id


def inside(widget: widgets.Widget) -> list[widgets.Widget]:
    """Everything that a widget holds, from the innermost on."""
    found: list[widgets.Widget] = []
    for child in getattr(widget, "children", ()):
        found += [*inside(child), child]
    for name in ("layout", "style"):
        if isinstance(getattr(widget, name, None), widgets.Widget):
            found.append(getattr(widget, name))
    return found
