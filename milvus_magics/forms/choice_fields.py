"""The fields of which boxes are ticked: one of several, several, and what shall be otherwise than it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from milvus_magics.forms.check_list import ALL, NONE, SOME, CheckList, Choice
from milvus_magics.forms.fields import Field, Remark

WORDS = ("has it", "has it in part", "will be granted", "will be taken")


class ChoicesField(Field):
    """Several names to tick.

    Args:
        kind: of which names it offers those that there are; empty where the form offers them.
        fault: what is said where nothing is ticked; empty where nothing need be.
        **options: what its list of boxes takes besides.
    """

    EMPTY: Any = {}  # noqa: RUF012 - read only
    IS_SINGLE = False

    def __init__(self, name: str, label: str, fault: str = "", *, kind: str = "", **options: Any) -> None:
        super().__init__(name, label)
        self._label, self._fault, self.kind, self._options = label, fault, kind, options

    def build(self, first: Field) -> None:
        """Make the list."""
        self.widget = CheckList(label=self._label, is_single=self.IS_SINGLE, **self._options)
        self.widgets, self.remarks = [self.widget], [Remark()]

    @property
    def is_listed(self) -> bool:
        """Whether it has names that there are: only those can be ticked, or what was typed in full."""
        return True

    def faults(self) -> Sequence[str]:
        """That nothing is ticked, where something has to be; or nothing."""
        return ["" if self.value else self._fault]

    def problems(self) -> Sequence[str]:
        """Nothing: what is not ticked yet may still be."""
        return [""]

    def offer(self, names: Iterable[str]) -> None:
        """Offer names, which are all alike."""
        self.names = tuple(names)
        self.show([("", [Choice(name) for name in self.names])])

    def show(self, groups: Iterable[tuple[str, Sequence[Choice]]]) -> None:
        """Offer boxes by what is above each group of them."""
        self.widget.show(groups)

    @property
    def keys(self) -> dict[str, str]:
        """The boxes that there are, and whether it is so already."""
        return {item["key"]: item["state"] for group in self.widget.groups for item in group["items"]}

    def _read(self) -> Any:
        return tuple(self.widget.value)

    def _write(self, value: Any) -> dict[str, bool]:
        wanted = (value,) if isinstance(value, str) else value
        return {str(name): True for name in wanted if name and (self._options.get("other") or name in self.keys)}


class ChoiceField(ChoicesField):
    """One name to choose."""

    IS_SINGLE = True

    def _read(self) -> str:
        return next(iter(self.widget.value), "")

    def _write(self, value: Any) -> dict[str, bool]:
        chosen = super()._write(value)
        return dict(list(chosen.items())[:1])


class ChangesField(ChoicesField):
    """What is so already is ticked; ticking more gives it, and ticking it off takes it.

    Args:
        takes: whether names that are given beforehand shall be taken, and not given.
    """

    def __init__(self, name: str, label: str, fault: str, *, takes: bool = False, **options: Any) -> None:
        super().__init__(name, label, fault, **{"words": list(WORDS), **options})
        self.takes = takes

    def show(self, groups: Iterable[tuple[str, Sequence[Choice]]]) -> None:
        """Offer boxes by what is above each group of them. Wishes that came true are none any more."""
        super().show(groups)
        keys, wishes = self.keys, self.wishes
        left = {name: is_so for name, is_so in wishes.items() if keys.get(name) != (ALL if is_so else NONE)}
        if left != wishes:
            self.widget.value = left

    def clear(self) -> None:
        """Take back all wishes."""
        if self.wishes:
            self.widget.value = {}
        self.remarks[0].hide()

    @property
    def wishes(self) -> Mapping[str, bool]:
        """What shall be otherwise: name -> whether it shall be so."""
        return dict(self.widget.value)

    def _write(self, value: Any) -> dict[str, bool]:
        """What is not offered is left out, and what is so already or isn't so anyway."""
        idle = NONE if self.takes else ALL
        wanted = (value,) if isinstance(value, str) else value
        keys = self.keys
        return {name: not self.takes for name in wanted if name in keys and keys[name] != idle}


def state_of(is_so: Sequence[bool]) -> str:
    """The state of a box about several things, by whether it is so of each."""
    return ALL if is_so and all(is_so) else SOME if any(is_so) else NONE
