"""The fields of forms, but for the secret ones. Each knows its widgets, its value and what is wrong with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from ipywidgets import Checkbox, Combobox, Text, Widget

from milvus_magics.client.names import problem_with_existing_name
from milvus_magics.forms.panel import Line
from milvus_magics.secret import mask_secret
from milvus_magics.wording import name_text, printable

FIELD = {"width": "34em", "max_width": "100%"}
LABEL = {"description_width": "10em"}
FILL_IN = "Please fill this in"
NOUNS = {"group": "privilege group"}  # of kinds whose name is not what people call them
MAX_NAME_ON_BUTTON = 24  # characters; the middle of a longer one is left out
LINE = {"margin": "0 0 0 10.9em", "min_height": "1.5em"}  # below a field, where that begins


class Remark(Line):
    """A line between fields and buttons. It takes no room until it says something, and keeps that until it is hidden.

    Else a button below it would move while it is pressed: what was typed arrives when the mouse goes down.
    """

    def __init__(self) -> None:
        super().__init__(layout={**LINE, "display": "none"})

    def say(self, text: str, kind: str = "note") -> None:
        """Say something else, or nothing."""
        super().say(text, kind)
        if text:
            self.layout.display = ""

    def hide(self) -> None:
        """Say nothing, and take no room."""
        self.text = self.value = ""
        self.layout.display = "none"


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
        new_kind: of which names it says that there is one already; empty for none.
        names: the names that it offers.
        is_in_hint: whether what the form says beforehand depends on it.
        is_secret: whether it is emptied when its value is used, and whenever something goes wrong. If not, its value
            may be given beforehand.
        may_hold_secret: whether no frame of an error shall show what it is given, which may be a `Secret`, too.
        is_waited_for: whether the form's button waits for it; what else is missing is said when it is pressed.
        widgets: what takes its value, from top to bottom.
        widget: the first of them.
        remarks: the line below each of them.
    """

    EMPTY: Any = ""
    TYPE: type[Any] = str
    WIDGET: type[Widget] = Text
    kind = new_kind = ""
    names: tuple[str, ...] = ()
    is_in_hint, is_secret, may_hold_secret, is_waited_for = True, False, False, True
    widgets: list[Widget]
    widget: Widget
    remarks: list[Remark]

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
        self.widgets, self.remarks = [self.widget], [Remark()]
        self.offer(())

    @property
    def rows(self) -> list[Widget]:
        """All that is shown of it, from top to bottom."""
        return [row for pair in zip(self.widgets, self.remarks, strict=True) for row in pair]

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
        return not any(self.faults())

    def faults(self) -> Sequence[str]:
        """Why the form cannot act on what is in each of its widgets; empty texts where it can."""
        fault = self._check(self.value) or ""
        return [fault if self.value or not fault else FILL_IN]

    def remark(self) -> None:
        """Say below it what is wrong with what was typed so far, and nothing of what is not there yet."""
        for line, text in zip(self.remarks, self.problems(), strict=True):
            line.say(text, "warning")

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

    def problems(self) -> Sequence[str]:
        """What is wrong with what was typed into each of its widgets; empty texts where nothing, or nothing is."""
        return [fault if widget.value else "" for widget, fault in zip(self.widgets, self.faults(), strict=True)]

    def offer(self, names: Iterable[str]) -> None:
        """Offer the names that there are."""

    def take(self) -> Any:
        """What was typed, for the form to act on; a secret is not in the field afterwards."""
        value = self.value
        self.forget()
        return value

    def clear(self) -> None:
        """Empty it, with what was said about it."""
        for widget, line in zip(self.widgets, self.remarks, strict=True):
            widget.value = self.EMPTY
            line.hide()

    def forget(self) -> None:
        """Empty it, if it is secret."""
        if self.is_secret:
            self.clear()


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

    def problems(self) -> Sequence[str]:
        """Which name is not in the list; nothing where there is no list, or one that begins like that."""
        return [self._not_listed(self.value)]

    def _not_listed(self, name: str) -> str:
        is_missing = name and self.names and not any(each.startswith(name) for each in self.names)
        return f"there is no {self.kind} {name!r} in the list" if is_missing else ""


class NewNameField(Field):
    """A name that shall be new, of the kind that it is called by. It says where there is one like that already.

    No button waits for that: what was listed a moment ago may be gone, and the server decides.
    """

    def __init__(self, name: str, *look: Any) -> None:
        super().__init__(name, *look)
        self.new_kind = name

    @property
    def is_listed(self) -> bool:
        """Whether it can be asked about: whatever is typed may be what is meant."""
        return True

    def offer(self, names: Iterable[str]) -> None:
        """Take note of the names that there are."""
        self.names = tuple(names)

    def problems(self) -> Sequence[str]:
        """Why there can be no such name, or that there is one already; nothing where neither is known."""
        is_there = self.value in self.names
        taken = f"there is a {NOUNS.get(self.new_kind, self.new_kind)} {name_text(self.value)} already"
        return [taken] if is_there else super().problems()


class NamesField(NameField):
    """Takes several names with commas between; after a comma it offers those that are not there yet.

    A list in which several can be marked wants the arrow keys, which notebooks keep for themselves.
    """

    def __init__(self, name: str, label: str, kind: str) -> None:
        super().__init__(name, label, "names, separated by commas; or none")
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

    def problems(self) -> Sequence[str]:
        """The first name that is not in the list; nothing where there is no list."""
        return [next(filter(None, map(self._not_listed, self.value)), "")]


def button_name(name: str) -> str:
    """A name as a button has it: visible, and short enough to be read at a glance."""
    shown, half = printable(name) or repr(name), MAX_NAME_ON_BUTTON // 2
    return shown if len(shown) <= MAX_NAME_ON_BUTTON else f"{shown[: half - 1]}…{shown[-half:]}"


def show(widget: Widget, is_shown: bool) -> None:
    """Show a widget, or leave its place to others."""
    widget.layout.display = "" if is_shown else "none"


def _parts(text: str) -> list[str]:
    return list(dict.fromkeys(part for each in text.split(",") if (part := each.strip())))
