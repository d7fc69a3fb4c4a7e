"""A list of boxes to tick, which says of each what it is and what would change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib.resources import files
from typing import Any, NamedTuple

from anywidget import AnyWidget
from traitlets import Bool, Dict, List, Unicode

from milvus_magics.wording import printable, shown_text

ALL, SOME, NONE = "all", "some", "none"


class Choice(NamedTuple):
    """One box.

    Attributes:
        key: the real name, which is never shown.
        more: what it is, in plain words.
        state: whether it is so already: `ALL`, `NONE`, or `SOME` where only in part, or nobody knows.
        note: what else should be known of it.
    """

    key: str
    more: str = ""
    state: str = NONE
    note: str = ""


def _read(suffix: str) -> str:
    return files(__package__).joinpath(f"check_list.{suffix}").read_text(encoding="utf-8")


class CheckList(AnyWidget):
    """Boxes to tick, or of which to choose one. Searching happens in the page; values reach it as data, never as HTML.

    Args:
        label: what is chosen.

    Attributes:
        value: key -> whether it shall be so: of those only that are otherwise now.
        is_single: whether one is chosen and no others.
        other: what is said of a name that is typed and not there; empty where only those can be chosen that are.
        words: what is said of a box: that it is so, is so in part, will be, will not be any more.
        note: what is said where there is nothing to choose.
    """

    _esm = _read("js")
    _css = _read("css")

    label = Unicode().tag(sync=True)
    groups: Any = List().tag(sync=True)
    value: Any = Dict().tag(sync=True)
    is_single = Bool().tag(sync=True)
    other = Unicode().tag(sync=True)
    words: Any = List(Unicode()).tag(sync=True)
    note = Unicode().tag(sync=True)

    def show(self, groups: Iterable[tuple[str, Sequence[Choice]]]) -> None:
        """Offer other boxes, by what is above each group of them. What was ticked and is gone is not any more."""
        made: list[dict[str, Any]] = [{"label": label, "items": [_item(choice) for choice in choices]}
                                      for label, choices in groups]  # fmt: skip
        keys = {item["key"] for group in made for item in group["items"]}
        if made != self.groups:
            self.groups = made
        if not self.other and not keys.issuperset(self.value):
            self.value = {key: is_so for key, is_so in self.value.items() if key in keys}


def _item(choice: Choice) -> dict[str, str]:
    name = shown_text(choice.key) if choice.key.strip() else f"'{printable(choice.key)}'"
    return {**choice._asdict(), "name": name, "more": shown_text(choice.more)}
