"""What all forms share: fields, one button that does one thing, and one line that says what came of it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from copy import copy
from functools import partial
from operator import attrgetter
from typing import Any, ClassVar

import ipywidgets as widgets

from milvus_magics import errors
from milvus_magics.errors import ChangeInterrupted, MilvusException
from milvus_magics.forms.fields import LINE, Field, Remark, button_name
from milvus_magics.forms.panel import Line, Panel
from milvus_magics.forms.presses import Presses
from milvus_magics.forms.secret_fields import SecretField
from milvus_magics.secret import mask_misplaced
from milvus_magics.session import DEFAULT, connections, session

_log = logging.getLogger(__name__)
REGISTRY: dict[str, type[Form]] = {}  # client function -> its form

BUTTONS = {"margin": "0.4em 0 0.4em 10.7em", "flex_flow": "row wrap"}
REFRESH = "Refresh names"
FRESH_SECONDS = 5.0  # so old the names may be while somebody types one

Hint = tuple[str, str]  # a text and its kind, as of `html_line`
NO_HINT: Hint = ("", "note")
# After these there may be something else to say, or to confirm; a server that did not answer is not asked once more.
HINT_AFTER = (None, errors.ConfirmationError, errors.AliasError)


class Form(Panel):
    """Fields and an action on a server. Handlers may run on any thread: newer notebooks use their own.

    A form of its own declares the attributes in capitals; its fields are named as its function calls its arguments.

    Args:
        using: alias of the connection.
        timeout: seconds that each operation may last.

    Attributes:
        FUNCTION: the client function that the form calls with the values of its fields.
        OPERATION: its name; the form's title says the same.
        WHOM: what stands on its button once the names are there: `Delete {user}`. Empty: its title, as before that.
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
        failure: the class of the error with which the last action ended; None where it went well, or there was none.

    Raises:
        AliasError: when no connection has this alias.
    """

    KIND = "a form"
    FUNCTION: ClassVar[Callable[..., object]]
    PREVIEW: ClassVar[Callable[..., Any]]
    OPERATION, TITLE, WHOM = "", "", ""
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
        if "TITLE" not in cls.__dict__:
            cls.TITLE = cls.OPERATION.replace("_", " ").capitalize()
        if is_registered:  # the others are shown by the console only
            REGISTRY[cls.OPERATION] = cls

    def __init__(self, using: str = DEFAULT, *, timeout: float = 10.0) -> None:
        self._using = using = mask_misplaced("using", using)  # masked in this frame, too
        self._timeout, self._acting = timeout, threading.Lock()
        self._bind()
        self._presses = Presses(self.submit, self._focus_next)
        self._unseen = self._presses.widgets
        self.after: list[Callable[[], None]] = []
        self.failure: type[BaseException] | None = None
        self.fields: dict[str, Field] = {}
        for field in map(copy, self.FIELDS):
            self.fields[field.name] = field
            field.build(self.fields[self.FIELDS[0].name])
        self.heading, self.status = Line(), Line(layout=LINE)
        self.hint, self.warning = Remark(), Remark()
        self._titles = tuple(self._actions())
        self.buttons = {title: widgets.Button(description=title, disabled=True) for title in self._titles}
        self._is_destructive = "confirmation" in self.fields
        self.buttons[self.TITLE].button_style = "danger" if self._is_destructive else "primary"
        if any(field.kind for field in self.fields.values()):
            self.buttons[REFRESH] = widgets.Button(description=REFRESH)
            self.buttons[REFRESH].on_click(lambda _: self._show_bound_server())
        actions = widgets.HBox(list(self.buttons.values()), layout=BUTTONS)
        super().__init__([self.heading, *self._rows(), self.warning, actions, self.status])
        for title in self._titles:
            self.buttons[title].on_click(partial(self._presses.click, title))
        self._inputs: list[widgets.Widget] = []
        for field in self.fields.values():
            self._inputs += field.widgets
            for widget in field.widgets:
                widget.observe(partial(self._on_input, field), "value")
                widget.on_msg(self._on_message)
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

    def submit(self, title: str = "") -> None:
        """Do what the button with this title does; default: the one that is called like the form.

        What is missing or wrong is said below its field; then nothing is done.
        """
        if self._acting.locked() or self._point_out() or not self._acting.acquire(blocking=False):
            return  # a second click while the first is at work does nothing, either
        title = title or self.TITLE
        function, busy = self._actions()[title]
        button = self.buttons[title]
        try:
            button.description = busy
            self._update()
            self.status.say("Working…")
            self.status.say(*self._outcome(function))
        finally:
            self._acting.release()
            button.description = title
            self._update()
        if self.failure in HINT_AFTER:
            self._show_hint()
            self._update()
        for each in list(self.after):
            each()

    def focus(self) -> None:
        """Give the keyboard's focus to the first field that has to be filled in, once the form can be seen."""
        self._presses.ask(self._focus_next)

    def _focus_next(self) -> None:
        for field in self.fields.values():
            for widget, fault in zip(field.widgets, self._faults_of(field), strict=True):
                if fault:
                    if hasattr(widget, "focus"):  # from ipywidgets 8 on
                        widget.focus()
                    return

    def _on_message(self, _: object, content: dict[str, Any], __: object) -> None:
        """Press the button when Enter is typed, where that destroys nothing."""
        if content.get("event") == "submit" and not self._is_destructive:
            self._presses.enter(self.TITLE)

    def _point_out(self) -> bool:
        """Say below the fields what is missing or wrong; whether anything is."""
        is_wrong = False
        for field in self.fields.values():
            for line, text in zip(field.remarks, self._faults_of(field), strict=True):
                if text:
                    line.say(text, "error")
                    is_wrong = True
        return is_wrong

    def _faults_of(self, field: Field) -> Sequence[str]:
        """Why the form cannot act on what is in each widget of a field; empty texts where it can."""
        return field.faults()

    def _run(self, *_: Any, **values: Any) -> object:
        """Call the client function with the values of the fields; what it returns says what came of it."""
        return self.FUNCTION(self._conn, **values, timeout=self._timeout)

    def _hint_of(self, preview: Any) -> Hint:
        return preview.hint, "warning" if preview.is_warning else "note"

    def _preview(self, **values: Any) -> Any:
        with self._hold():
            return self.PREVIEW(self._conn, **values, timeout=self._timeout)

    def _needs_confirmation(self, values: dict[str, Any]) -> bool:
        """Whether the name must have been retyped, if the form has a field for that."""
        return True

    def _actions(self) -> dict[str, tuple[Callable[..., object], str]]:
        """Button -> what it does with the values of the fields, and what stands on it meanwhile."""
        return {self.TITLE: (self._run, self.BUSY)}

    def _hint(self) -> Hint:
        """What would happen with what is in the fields; empty where there is nothing to say."""
        if not any(map(attrgetter("value"), self._inputs)):
            return NO_HINT
        fields = self.fields.values()
        is_unknown = any(field.kind and not field.is_listed for field in fields)
        is_wrong = any(any(field.problems()) for field in fields)
        return NO_HINT if is_unknown or is_wrong else self._preview_hint()

    def _preview_hint(self) -> Hint:
        """What the action would do; asked for once all names are there."""
        return NO_HINT

    def _is_complete(self) -> bool:
        return all(map(attrgetter("is_complete"), filter(attrgetter("is_waited_for"), self.fields.values())))

    def _forget(self) -> None:
        for field in self.fields.values():
            field.forget()

    def _rows(self) -> list[widgets.Widget]:
        """The fields, and the hint below the last that it is about."""
        last = [field for field in self.fields.values() if field.is_in_hint][-1]
        return [row for field in self.fields.values() for row in [*field.rows, *([self.hint] if field is last else [])]]

    def _on_input(self, field: Field, change: dict[str, Any]) -> None:
        if self._acting.locked():
            return  # it is emptied by the action itself
        self._presses.hear_text(has_more=getattr(change["owner"], "continuous_update", False))
        self.status.say("")  # it was about what stood in the fields before
        self._offer_fresh_names(field)
        field.remark()
        if field.is_in_hint:
            self._show_hint()
        self._update()

    def _offer_fresh_names(self, field: Field) -> None:
        """Offer the names that there are now to who types one; the old ones where the server is slow."""
        if kind := field.kind or field.new_kind:
            names = session.names.cached_names(self._conn, kind, FRESH_SECONDS)
            if names and tuple(names) != field.names:
                field.offer(names)

    def _show_hint(self) -> None:
        try:
            text, kind = self._hint()
        except MilvusException as exc:
            text, kind = exc.reason, "warning"
        if text:
            self.hint.say(text, kind)
        else:
            self.hint.hide()

    def _update(self) -> None:
        """Enable the buttons that act where they could do something."""
        is_acting = self._acting.locked()
        is_ready = not is_acting and self._is_complete()
        for title in self._titles:
            self.buttons[title].disabled = not is_ready
        if not is_acting:
            is_begun = bool(self.fields[self.FIELDS[0].name].value)
            self.buttons[self.TITLE].description = self._button_text() if is_begun else self.TITLE

    def _button_text(self) -> str:
        """What the button does and with whom; its title while a name is only half typed."""
        named = {name: field for name, field in self.fields.items() if f"{{{name}}}" in self.WHOM}
        if not named or not all(field.value and (field.is_listed or not field.names) for field in named.values()):
            return self.TITLE
        return self.WHOM.format_map({name: button_name(field.value) for name, field in named.items()})

    def _outcome(self, function: Callable[..., object]) -> tuple[str, str]:
        """Do it; the text to show and its kind."""
        self.failure = None
        try:
            result = self._perform(function)
            for field in self.fields.values():
                if field.name not in self.KEEP_FIELDS:
                    field.clear()
            self._read_names()  # where that fails, the status still says what was done
            return str(result), "warning" if getattr(result, "note", "") else "done"
        except (MilvusException, ChangeInterrupted) as exc:
            self.failure = type(exc)
            if isinstance(exc, errors.AliasError):
                self._show_bound_server()
            return str(exc), "error"
        except Exception as exc:
            self.failure = type(exc)
            _log.exception("%s failed", type(self).__name__)
            return f"Something went wrong in milvus_magics itself, and the log says what; {self.CHECK}", "error"

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
