"""What all forms share: fields, one button that does one thing, and one line that says what came of it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from copy import copy
from functools import partial
from operator import attrgetter
from typing import Any, ClassVar

import ipywidgets as widgets

from milvus_magics import errors
from milvus_magics.errors import ChangeInterrupted, MilvusException
from milvus_magics.forms.fields import Field, SecretField
from milvus_magics.forms.panel import Line, Panel
from milvus_magics.session import DEFAULT, connections, session

_log = logging.getLogger(__name__)
REGISTRY: dict[str, type[Form]] = {}  # client function -> its form

BELOW_FIELDS = {"margin": "0 0 0 8.7em"}  # where the fields begin
BUTTONS = {"margin": "0.4em 0 0.4em 8.7em", "flex_flow": "row wrap"}
REFRESH = "Refresh names"


class Form(Panel):
    """Fields and an action on a server. Handlers may run on any thread: newer notebooks use their own.

    A form of its own declares the attributes in capitals; its fields are named as its function calls its arguments.

    Args:
        using: alias of the connection.
        timeout: seconds that each operation may last.

    Attributes:
        FUNCTION: the client function that the form calls with the values of its fields.
        OPERATION: its name; the form's title says the same.
        PREVIEW: the one that says what it would do.
        FIELDS: its fields from top to bottom; each form has copies.
        FILLABLE: names of the fields that can be filled in beforehand: those that are not secret.
        BEGINS_WITH_ACTOR: whether it is filled with the user one is connected as.
        KEEP_FIELDS: names of the fields that stay as they are after it went well.
        fields: the fields of this form by name.
        buttons: its buttons, by what stands on them.
        heading: the line that says what it does, where and as whom.
        hint: the line that says what would happen, or what is wrong with a field.
        warning: the line that says where others would see the passwords that are typed here.
        status: the line that says what came of an action.
        after: called when a button's work is over, however it went.

    Raises:
        AliasError: when no connection has this alias.
    """

    KIND = "a form"
    FUNCTION: ClassVar[Callable[..., object]]
    PREVIEW: ClassVar[Callable[..., Any]]
    OPERATION, TITLE = "", ""
    BUSY = ""
    CHECK = "check with %milvus_list_users"
    FIELDS: tuple[Field, ...] = ()
    FILLABLE: tuple[str, ...] = ()
    BEGINS_WITH_ACTOR = False
    KEEP_FIELDS: tuple[str, ...] = ()

    _hold: Callable[[], AbstractContextManager[None]]  # around what is done on the server that the form shows

    def __init_subclass__(cls, is_registered: bool = True, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.FILLABLE = tuple(field.name for field in cls.FIELDS if not field.is_secret)
        cls.OPERATION = cls.FUNCTION.__name__
        cls.TITLE = cls.OPERATION.replace("_", " ").capitalize()
        if is_registered:  # the others are shown by the console only
            REGISTRY[cls.OPERATION] = cls

    def __init__(self, using: str = DEFAULT, *, timeout: float = 10.0) -> None:
        self._using, self._timeout = using, timeout
        self._bind()
        self._acting = threading.Lock()
        self.after: list[Callable[[], None]] = []
        self.fields: dict[str, Field] = {}
        for field in map(copy, self.FIELDS):
            self.fields[field.name] = field
            field.build(self.fields[self.FIELDS[0].name])
        self.heading = Line()
        self.hint, self.warning, self.status = (Line(layout=BELOW_FIELDS) for _ in range(3))
        self._titles = tuple(self._actions())
        self.buttons = {title: widgets.Button(description=title, disabled=True) for title in self._titles}
        actions = widgets.HBox(list(self.buttons.values()), layout=BUTTONS)
        self.buttons[self.TITLE].button_style = "danger" if "confirmation" in self.fields else "primary"
        super().__init__([self.heading, *self._rows(), self.warning, actions, self.status])
        for title in self._titles:
            self.buttons[title].on_click(partial(self.submit, title))
        self._inputs: list[widgets.Widget] = []
        for field in self.fields.values():
            self._inputs += field.widgets
            for widget in field.widgets:
                widget.observe(partial(self._on_input, field), "value")
        self._show_server()
        if self.BEGINS_WITH_ACTOR:
            self.fill(user=self._conn.user)

    @property
    def is_ready(self) -> bool:
        """Whether its button can be pressed."""
        return not self.buttons[self.TITLE].disabled

    def fill(self, **values: Any) -> None:
        """Put values into the fields of these names; those that the form does not have are left out."""
        for name, value in values.items():
            if name in self.FILLABLE and value is not None:
                self.fields[name].value = value

    def submit(self, title: str = "", *_: object) -> None:
        """Do what a click on the button with this title does; default: the one that is called like the form."""
        if not self._acting.acquire(blocking=False):
            return  # a second click while the first is at work
        title = title or self.TITLE
        function, busy = self._actions()[title]
        button = self.buttons[title]
        try:
            button.description = busy
            self._update()
            self.status.say("working…")
            self.status.say(*self._outcome(function))
        finally:
            self._acting.release()
            button.description = title
            self._update()
        for each in list(self.after):
            each()

    def _run(self, *_: Any, **values: Any) -> object:
        """Call the client function with the values of the fields; what it returns says what came of it."""
        return self.FUNCTION(self._conn, **values, timeout=self._timeout)

    def _preview(self, **values: Any) -> Any:
        with self._hold():
            return self.PREVIEW(self._conn, **values, timeout=self._timeout)

    def _needs_confirmation(self, values: dict[str, Any]) -> bool:
        """Whether the name must have been retyped, if the form has a field for that."""
        return True

    def _actions(self) -> dict[str, tuple[Callable[..., object], str]]:
        """Button -> what it does with the values of the fields, and what stands on it meanwhile."""
        return {self.TITLE: (self._run, self.BUSY)}

    def _hint(self) -> str:
        """What would happen with what is in the fields, or why nothing can; empty where there is nothing to say."""
        if not any(map(attrgetter("value"), self._inputs)):
            return ""
        for field in self.fields.values():
            if problem := field.problem():
                return problem
        for field in self.fields.values():
            if field.kind and not field.is_listed:
                return ""
        return self._preview_text()

    def _preview_text(self) -> str:
        """What the action would do; asked for once all names are there."""
        return ""

    def _is_complete(self) -> bool:
        return all(map(attrgetter("is_complete"), self.fields.values()))

    def _forget(self) -> None:
        for field in self.fields.values():
            field.forget()

    def _rows(self) -> list[widgets.Widget]:
        """The fields, the hint below the last that it is about, and a button beside the first that offers names."""
        rows: list[widgets.Widget] = []
        last = [field for field in self.fields.values() if field.is_in_hint][-1]
        for field in self.fields.values():
            rows += [self._with_refresh(field)] if field.kind and REFRESH not in self.buttons else field.widgets
            if field is last:
                rows.append(self.hint)
        return rows

    def _with_refresh(self, field: Field) -> widgets.HBox:
        # Not below: Tab goes from the last field to the button that acts.
        self.buttons[REFRESH] = widgets.Button(description=REFRESH)
        self.buttons[REFRESH].on_click(lambda _: self._show_bound_server())
        return widgets.HBox([field.widget, self.buttons[REFRESH]], layout={"flex_flow": "row wrap"})

    def _on_input(self, field: Field, *_: object) -> None:
        if field.is_in_hint:
            self._show_hint()
        if not self._acting.locked():
            self.status.say("")  # it was about what stood in the fields before
        self._update()

    def _show_hint(self) -> None:
        try:
            text = self._hint()
        except MilvusException as exc:
            text = str(exc)
        self.hint.say(text)

    def _update(self) -> None:
        """Enable the buttons that act where they could do something."""
        is_idle = not self._acting.locked() and self._is_complete()
        for title in self._titles:
            self.buttons[title].disabled = not is_idle

    def _outcome(self, function: Callable[..., object]) -> tuple[str, str]:
        """Do it; the text to show and its kind."""
        try:
            text = str(self._perform(function))
            for field in self.fields.values():
                if field.name not in self.KEEP_FIELDS:
                    field.clear()
            self._read_names()  # where that fails, the status still says what was done
            return text, "done"
        except (MilvusException, ChangeInterrupted) as exc:
            if isinstance(exc, errors.AliasError):
                self._show_bound_server()
            return f"{type(exc).__name__}: {exc}", "error"
        except Exception:
            _log.exception("%s failed", type(self).__name__)
            return f"something went wrong in milvus_magics; the log has it; {self.CHECK}", "error"

    def _perform(self, function: Callable[..., object]) -> object:
        """Take what was typed out of the fields and call a function with it. No secret stays, whatever fails."""
        values: dict[str, Any] = {}
        try:
            for field in self.fields.values():
                values[field.name] = field.take()
            with self._hold():
                name, typed = values[self.FIELDS[0].name], values.pop("confirmation", None)
                is_confirmed = typed is None or bool(typed and typed == name)
                if not is_confirmed and self._needs_confirmation(values):
                    problem = f"the name was not retyped as {name!r}"
                    raise errors.ConfirmationError(problem, outcome=errors.NOTHING_CHANGED)
            with self._hold():
                return function(**values)
        finally:
            for field in self.fields.values():
                field.forget()

    def _bind(self) -> None:
        self._conn = connections.get(self._using)
        self._hold = partial(connections.hold, self._using, self._conn)

    def _show_bound_server(self) -> None:
        """Show the server that the alias leads to now, if there is one."""
        with suppress(errors.AliasError):
            self._bind()
            self._show_server()

    def _show_server(self) -> None:
        """Say where and as whom, and read the names."""
        self.heading.say(f"{self.TITLE} on {self._conn.address.url}, connected as {self._conn.actor}", "heading")
        if any(isinstance(field, SecretField) for field in self.fields.values()):
            self.warning.say(self._conn.address.warning, "warning")
        if problem := self._read_names():
            self.status.say(f"the names cannot be listed, so type one: {problem}", "error")
        self._update()

    def _read_names(self) -> str:
        """Offer the names that there are; why that cannot be done, or nothing."""
        problem = ""
        for field in self.fields.values():
            if field.kind:
                names: list[str] = []
                try:
                    names = session.names.list_names(self._conn, field.kind, timeout=self._timeout)
                except MilvusException as exc:
                    problem = str(exc)
                field.offer(names)
        return problem
