"""The fields of forms. Each knows its widgets, its value, what is wrong with it and how to forget a secret."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from ipywidgets import Checkbox, Combobox, Password, Text, Widget
from traitlets import Bool, Unicode

from milvus_magics.client.names import problem_with_existing_name, problem_with_password
from milvus_magics.errors import NOTHING_SENT, ParameterError
from milvus_magics.forms import kernel_log
from milvus_magics.secret import NoText, Secret, mask_secret
from milvus_magics.wording import printable

FIELD = {"width": "32em", "max_width": "100%"}
LABEL = {"description_width": "8em"}


class UnechoedText(Text):
    """A text that arrives once, when the field is left, and isn't sent back to the browsers."""

    value = Unicode("", help="What was typed.").tag(sync=True, echo_update=False)
    continuous_update = Bool(False, help="Whether it arrives letter by letter.").tag(sync=True)

    def __init__(self, *args: Any, **options: Any) -> None:
        kernel_log.mask_messages()  # before the first one comes
        super().__init__(*args, **{"model_id": kernel_log.new_field_id(), **options})


class SecretText(UnechoedText, Password):
    """ipywidgets' Password, but its value isn't in the widget state that a notebook is saved with, either."""

    def get_state(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The widget's state, with an empty value whatever was typed."""
        state: dict[str, Any] = super().get_state(*args, **kwargs)
        return {**state, "value": ""} if "value" in state else state


class Field:
    """A text that a form asks for. A class of forms declares it; each form builds widgets for its own copy.

    Args:
        name: what the form calls it, and the client function and the magic its argument.
        label: what stands before it.
        placeholder: what stands in it while it is empty.
        check: says what is wrong with a value, or None.
        **options: what its widget takes besides.

    Attributes:
        kind: of which names it offers those that there are, `user` or `role`; empty for none.
        names: the names that it offers.
        is_in_hint: whether what the form says beforehand depends on it.
        is_secret: whether it is emptied when its value is used, and whenever something goes wrong. If not, its value
            may be given beforehand.
        may_hold_secret: whether no frame of an error shall show what it is given, which may be a `Secret`, too.
        widgets: what is shown of it, from top to bottom.
        widget: the first of them.
    """

    EMPTY: Any = ""
    TYPE: type[Any] = str
    WIDGET: type[Widget] = Text
    kind = ""
    names: tuple[str, ...] = ()
    is_in_hint, is_secret, may_hold_secret = True, False, False
    widgets: list[Widget]
    widget: Widget

    def __init__(
        self,
        name: str,
        label: str,
        placeholder: str = "",
        check: Callable[[Any], str | None] = lambda _: None,
        **options: Any,
    ) -> None:
        self.name, self._check = name, check
        self._look = {"description": label, "style": LABEL, "layout": FIELD, **options}
        if placeholder:
            self._look["placeholder"] = placeholder

    def build(self, first: Field) -> None:
        """Make the widgets, in a form whose first field is `first`."""
        self.widget = self.WIDGET(**self._look)
        self.widgets = [self.widget]
        self.offer(())

    @property
    def value(self) -> Any:
        """What was typed or chosen; set, it is what a user types."""
        return self._read()

    @value.setter
    def value(self, value: Any) -> None:
        if self.may_hold_secret:
            value = mask_secret(value)
        for widget in self.widgets:
            widget.value = self._write(value)

    def _read(self) -> Any:
        return self.TYPE(self.widget.value)

    def _write(self, value: Any) -> Any:
        return value

    @property
    def is_complete(self) -> bool:
        """Whether the form can act on what is in it."""
        return self._check(self.value) is None

    @property
    def is_shown(self) -> bool:
        """Whether it can be seen."""
        return bool(self.widget.layout.display != "none")

    @is_shown.setter
    def is_shown(self, is_shown: bool) -> None:
        show(self.widget, is_shown)

    @property
    def is_listed(self) -> bool:
        """Whether it has a name that there is: one that is only half typed is not asked about."""
        return self.value in self.names

    def problem(self) -> str:
        """What is wrong with it; empty while nothing is, or nothing was typed."""
        return (self._check(self.value) or "") if self.value else ""

    def offer(self, names: Iterable[str]) -> None:
        """Offer the names that there are."""

    def take(self) -> Any:
        """What was typed, for the form to act on; a secret is not in the field afterwards."""
        value = self.value
        self.forget()
        return value

    def clear(self) -> None:
        """Empty it."""
        for widget in self.widgets:
            widget.value = self.EMPTY

    def forget(self) -> None:
        """Empty it, if it is secret."""
        if self.is_secret:
            self.clear()


class UnechoedField(Field):
    """A text that may come with a password in it, like an address."""

    WIDGET = UnechoedText
    may_hold_secret = True

    def _write(self, value: Any) -> Any:
        if isinstance(value, NoText):  # of which ipywidgets' own error would show all
            raise ParameterError(f"{self._look['description']} is text, not {value.kind}", outcome=NOTHING_SENT)
        return value.reveal()


class CheckboxField(Field):
    """Yes or no."""

    EMPTY, TYPE = False, bool
    WIDGET = Checkbox


class NameField(Field):
    """Offers names of the kind that it is called by, without their control characters, and tells which was meant."""

    WIDGET = Combobox

    def __init__(self, name: str, label: str, placeholder: str = "choose or type a name", **options: Any) -> None:
        super().__init__(name, label, placeholder, ensure_option=False, **options)
        self.kind, self._check = name, partial(problem_with_existing_name, kind=name)

    def offer(self, names: Iterable[str]) -> None:
        """Offer the names that there are."""
        self.names = tuple(names)
        shown = [*map(printable, self.names)]
        count, self._meant = Counter(shown), {}
        for name, text in zip(self.names, shown, strict=True):
            # Of names that look the same only one that is really written like that can be meant.
            if name == text or count[text] == 1:
                self._meant[text] = name
        self.widget.options = tuple(count)

    def _read(self) -> Any:
        return self._meant.get(self.widget.value, str(self.widget.value))

    def _write(self, value: Any) -> Any:
        shown = printable(value)
        return shown if self._meant.setdefault(shown, value) == value else value

    def problem(self) -> str:
        """Which name is not in the list; empty where there is no list."""
        return self._not_listed(self.value)

    def _not_listed(self, name: str) -> str:
        is_missing = name and self.names and name not in self.names
        return f"there is no {self.kind} {name!r} in the list" if is_missing else ""


class NamesField(NameField):
    """Takes several names with commas between; after a comma it offers those that are not there yet.

    A list in which several can be marked wants the arrow keys, which notebooks keep for themselves.
    """

    def __init__(self, name: str, label: str, kind: str) -> None:
        super().__init__(name, label, "none, or names with commas between")
        self.kind, self._check = kind, lambda _: None

    def build(self, first: Field) -> None:
        """Make the widget."""
        super().build(first)
        self.widget.observe(lambda _: self._offer_rest(), "value")

    def offer(self, names: Iterable[str]) -> None:
        """Offer the names that there are."""
        super().offer(names)
        self._options = tuple(self.widget.options)
        self._offer_rest()

    def _offer_rest(self) -> None:
        before, comma, _ = self.widget.value.rpartition(",")
        start, present = f"{before}{comma} " if comma else "", _parts(before)
        self.widget.options = tuple(start + name for name in self._options if name not in present)

    def _read(self) -> tuple[str, ...]:
        return tuple(self._meant.get(part, part) for part in _parts(str(self.widget.value)))

    def _write(self, value: Any) -> str:
        return ", ".join(map(super()._write, value))

    def problem(self) -> str:
        """The first name that is not in the list; empty where there is no list."""
        return next(filter(None, map(self._not_listed, self.value)), "")


class SecretField(UnechoedField):
    """A password, which leaves the field before it is used."""

    TYPE, WIDGET = Secret, SecretText
    is_in_hint, is_secret = False, True

    @property
    def is_complete(self) -> bool:
        """Whether something was typed."""
        return bool(self.value)


class NewSecretField(SecretField):
    """A new password, typed twice."""

    is_in_hint = True

    def __init__(self, name: str, label: str) -> None:
        super().__init__(name, label, "6 to 72 bytes", problem_with_password)

    def build(self, first: Field) -> None:
        """Make both widgets."""
        super().build(first)
        again = {"description": "Once more", "placeholder": "the same again, then Enter"}
        self.widgets.append(SecretText(**{**self._look, **again}))

    def _is_same(self) -> bool:
        first, again = self.widgets
        return bool(first.value == again.value)

    @property
    def is_complete(self) -> bool:
        """Whether both hold the same, and a password may be like that."""
        return super().is_complete and self._is_same() and not self.problem()

    def problem(self) -> str:
        """What is wrong with what was typed so far; empty where nothing."""
        is_other = self.widgets[1].value and not self._is_same()
        return super().problem() or ("the two passwords are not the same" if is_other else "")

    def take(self) -> Any:
        """What was typed, or ParameterError where the two are not the same; both are empty afterwards."""
        is_same = self._is_same()
        secret = super().take()
        if not is_same:
            raise ParameterError("the two passwords are not the same", outcome=NOTHING_SENT)
        return secret


class ConfirmationField(Field):
    """The user retypes the name in the form's first field to confirm. It is shown always, or only where need be."""

    is_in_hint, is_secret = False, True

    def __init__(self, *, is_always_shown: bool = True) -> None:
        super().__init__("confirmation", "Name again", "retype the name to confirm")
        self._is_always_shown = is_always_shown

    def build(self, first: Field) -> None:
        """Make the widget."""
        super().build(first)
        self._confirmed = first
        self.is_shown = self._is_always_shown

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left to confirm."""
        return not self.is_shown or bool(self.value and self.value == self._confirmed.value)


def show(widget: Widget, is_shown: bool) -> None:
    """Show a widget, or leave its place to others."""
    widget.layout.display = "" if is_shown else "none"


def _parts(text: str) -> list[str]:
    return list(dict.fromkeys(part for each in text.split(",") if (part := each.strip())))
