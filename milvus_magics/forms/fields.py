"""Fields in which names are chosen or typed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from ipywidgets import Combobox

from milvus_magics.forms.form import FIELD, LABEL
from milvus_magics.wording import printable


class NameBox(Combobox):
    """Offers names without the control characters that they may hold, and tells which name was meant.

    Args:
        label: what stands before it.
        placeholder: what stands in it while it is empty.
        **options: what ipywidgets' Combobox takes besides.
    """

    def __init__(self, label: str, placeholder: str = "choose or type a name", **options: Any) -> None:
        look = {"style": LABEL, "layout": FIELD, **options}
        super().__init__(description=label, placeholder=placeholder, ensure_option=False, **look)
        self._meant: dict[str, str] = {}

    def offer(self, names: Iterable[str]) -> None:
        """The names that there are."""
        shown = {name: printable(name) for name in names}
        count = Counter(shown.values())
        # Of names that look the same only one that is really written like that can be meant.
        self._meant = {text: name for name, text in shown.items() if name == text or count[text] == 1}
        self.options = tuple(count)

    def choose(self, name: str) -> None:
        """Put a name into it."""
        shown = printable(name)
        self.value = shown if self._meant.setdefault(shown, name) == name else name

    @property
    def chosen(self) -> str:
        """The name that stands in it."""
        return self._meant.get(self.value, str(self.value))


class NamesBox(NameBox):
    """Takes several names with commas between; after a comma it offers those that are not there yet.

    A list in which several can be marked wants the arrow keys, which notebooks keep for themselves.

    Args:
        label: what stands before it.
    """

    def __init__(self, label: str) -> None:
        super().__init__(label, "none, or names with commas between")
        self._names: tuple[str, ...] = ()
        self.observe(self._go_on, "value")

    def offer(self, names: Iterable[str]) -> None:
        """The names that there are."""
        super().offer(names)
        self._names = tuple(self.options)
        self._go_on()

    def _go_on(self, _: object = None) -> None:
        before, comma, _ = self.value.rpartition(",")
        begun, taken = f"{before}{comma} " if comma else "", _parts(before)
        self.options = tuple(begun + name for name in self._names if name not in taken)

    @property
    def all_chosen(self) -> tuple[str, ...]:
        """The names that stand in it, each once."""
        return tuple(self._meant.get(part, part) for part in _parts(str(self.value)))


def _parts(text: str) -> list[str]:
    return list(dict.fromkeys(part for each in text.split(",") if (part := each.strip())))
