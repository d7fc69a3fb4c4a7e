"""What all forms share: fields, one button that does one thing, and one line that says what came of it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from weakref import WeakSet

import ipywidgets as widgets

from milvus_magics.display.messages import html_line
from milvus_magics.display.tables import style_element
from milvus_magics.errors import ChangeInterrupted, MilvusException

_log = logging.getLogger(__name__)
_open: WeakSet[Panel] = WeakSet()
REGISTRY: dict[str, type[Form]] = {}  # client function -> its form

VIEW = "application/vnd.jupyter.widget-view+json"
FIELD = {"width": "32em", "max_width": "100%"}
LABEL = {"description_width": "8em"}
BELOW_FIELDS = {"margin": "0 0 0 8.7em"}  # where the fields begin
BUTTONS = {"margin": "0.4em 0 0.4em 8.7em", "flex_flow": "row wrap"}


class Panel(widgets.VBox):
    """What is shown as a whole: without widgets it says what it is, and closing it frees all that is in it."""

    KIND = "a panel"
    MAGIC = ""

    def __init__(self, children: list[widgets.Widget]) -> None:
        style = widgets.HTML(style_element("panel"), layout={"display": "none"})
        super().__init__([style, *children], layout={"padding": "0.5em"})
        self.add_class("mm-panel")
        _open.add(self)

    def _forget(self) -> None:
        """Clear what was typed and is secret."""

    def _where(self) -> str:
        """What it is about, for front ends that show no widgets."""
        raise NotImplementedError

    def close(self) -> None:
        """Close it with all its widgets; what was typed is forgotten."""
        if self in _open:  # else it was never made: Python closes what it throws away
            _open.discard(self)
            self._forget()
            for widget in inside(self):
                widget.close()
        super().close()

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}: {self.KIND} {self._where()}; it needs a live notebook with widgets. "
            f"The same without: {self.MAGIC}"
        )

    # ipywidgets 7 has this one, and both versions would cut the text.
    _ipython_display_ = None

    def _repr_mimebundle_(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        _work_beside_cells([*inside(self), self])
        bundle: dict[str, Any] = {"text/plain": repr(self)}
        if self.model_id:
            bundle[VIEW] = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        return bundle


class Form(Panel):
    """The base of all forms. Handlers may run on any thread: newer notebooks use their own.

    Attributes:
        OPERATION: the client function that the form calls.
        FILLABLE: names of the values that can be filled in beforehand.
        after: called when a button's work is over, however it went.
    """

    KIND = "a form"
    OPERATION = ""
    FILLABLE: tuple[str, ...] = ()
    TITLE = ""
    BUSY = "Working…"
    STYLE = "primary"
    CHECK = "check with %milvus_list_users"

    def __init__(self) -> None:
        self._acting = threading.Lock()
        self.after: list[Callable[[], None]] = []
        self._header = widgets.HTML()
        self._button = widgets.Button(description=self.TITLE, button_style=self.STYLE, disabled=True)
        self._status = widgets.HTML(layout=BELOW_FIELDS)
        buttons = widgets.HBox([self._button, *self._more_buttons()], layout=BUTTONS)
        super().__init__([self._header, *self._fields(), buttons, self._status])
        self._button.on_click(lambda _: self._work(self._act))
        for field in inside(self):
            if isinstance(field, widgets.Text):  # what was said was about what stood in it before
                field.observe(lambda _: self._say_nothing(), "value")

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.OPERATION:
            REGISTRY[cls.OPERATION] = cls

    def fill(self, **values: Any) -> None:
        """Put values into the fields of these names; those that the form does not have are left out."""
        raise NotImplementedError

    def _fields(self) -> list[widgets.Widget]:
        """The fields, from top to bottom."""
        raise NotImplementedError

    def _more_buttons(self) -> list[widgets.Widget]:
        """Buttons beside the one that acts."""
        return []

    def _is_complete(self) -> bool:
        """Whether the fields hold enough for the button to do something."""
        raise NotImplementedError

    def _act(self) -> str:
        """Clear the secret fields, call the client function; what to say then."""
        raise NotImplementedError

    def _update(self, _: object = None) -> None:
        """Enable the button where it could do something."""
        self._button.disabled = self._acting.locked() or not self._is_complete()

    def _work(self, act: Callable[[], str], button: widgets.Button | None = None, busy: str = "") -> None:
        """Run what a button does, with the button busy meanwhile, and say how it went."""
        if not self._acting.acquire(blocking=False):
            return  # a second click while the first is at work
        button = button or self._button
        title = button.description
        try:
            button.disabled, button.description = True, busy or self.BUSY
            self._update()
            self._say("working…", "note")
            self._say(*self._outcome(act))
        finally:
            self._acting.release()
            button.description = title
            button.disabled = False
            self._update()
        for each in list(self.after):
            each()

    def _outcome(self, act: Callable[[], str]) -> tuple[str, str]:
        """Do it; the text to show and its kind."""
        try:
            return act(), "done"
        except (MilvusException, ChangeInterrupted) as exc:
            return f"{type(exc).__name__}: {exc}", "error"
        except Exception:
            _log.exception("%s failed", type(self).__name__)
            return f"something went wrong in milvus_magics; the log has it; {self.CHECK}", "error"

    def _say(self, text: str, kind: str) -> None:
        self._status.value = html_line(text, kind)

    def _say_nothing(self) -> None:
        """Take back what was said about other fields than these; not while it is being found out."""
        if not self._acting.locked():
            self._status.value = ""


def close_all() -> None:
    """Close everything that this session shows."""
    for panel in list(_open):
        panel.close()


def show(widget: widgets.Widget, is_shown: bool) -> None:
    """Show a widget, or leave its place to others."""
    widget.layout.display = "" if is_shown else "none"


def _work_beside_cells(shown: list[widgets.Widget]) -> None:
    """Let the front end choose the thread of the kernel that hears a click.

    ipykernel 7.4 remembers for each widget which thread said something of it last, and that one hears the clicks: for
    what a cell has just shown, the one that runs cells. A click would wait there until the next cell is done.
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
