"""The marks of a picture: their signs and words, the same in text, in HTML and in the page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

NONE, SOME, EVERY, UNKNOWN = range(4)  # how many of its privileges somebody has
SEES, READS, WRITES, ADMINISTERS, DROPS = "sees", "reads", "writes", "administers", "drops"
EMPTY_SIGN, UNKNOWN_SIGN = "·", "?"


class Kind(NamedTuple):
    """A kind of mark.

    Attributes:
        name: its verb, too.
        sign: of all its privileges; of some of them it is small.
        meaning: what somebody may do.
    """

    name: str
    sign: str
    meaning: str


KINDS = (
    Kind(SEES, "S", "sees names, schemas, statistics, but no data"),
    Kind(READS, "R", "reads data: search, query"),
    Kind(WRITES, "W", "writes: insert, delete, load, index"),
    Kind(ADMINISTERS, "A", "administers: aliases, databases, users, roles"),
    Kind(DROPS, "D", "drops or renames"),
)
# Who reads sees, as a rule: both marks share the first place, so that the one of seeing is not taken for reading.
FIRST, *OTHERS = range(1, len(KINDS))
PLACES = (FIRST, *OTHERS)


class Mark(NamedTuple):
    """Of one kind: whether somebody has all of its privileges, and at how many places they have any."""

    extent: int = NONE
    number: int = 0


class Sign(NamedTuple):
    """What is shown in one place of a cell.

    Attributes:
        kind: index into `KINDS`.
        extent: as of the mark.
        text: the sign; small where the mark is not full.
        number: at how many places; 0 where that needn't be said.
    """

    kind: int
    extent: int
    text: str
    number: int


@lru_cache(10_000)  # most cells of a picture are alike
def _find_signs(marks: tuple[Mark, ...], total: int) -> tuple[Sign | None, ...]:
    return tuple(_find_sign(marks, total, kind) for kind in PLACES)


def _find_sign(marks: tuple[Mark, ...], total: int, kind: int) -> Sign | None:
    mark = marks[kind]
    if mark.extent == NONE and kind == FIRST:
        kind, mark = 0, marks[0]
    if mark.extent == NONE:
        return None
    if mark.extent == UNKNOWN:
        return Sign(kind, UNKNOWN, UNKNOWN_SIGN, 0)
    sign = KINDS[kind].sign
    # Seeing stays small: it is the weaker mark.
    text = sign if mark.extent == EVERY and kind != 0 else sign.lower()
    return Sign(kind, mark.extent, text, mark.number if mark.number < total else 0)


class Key(NamedTuple):
    """Signs, and what they mean."""

    signs: tuple[str, ...]
    meaning: str


class Cell(NamedTuple):
    """What somebody may do there.

    Attributes:
        marks: one of each kind.
        total: at how many places it could be; 1 for a single thing.
        explain: says by which role and right.
        places: what the places are, where the column's heading doesn't say it.
    """

    marks: tuple[Mark, ...]
    total: int
    explain: Callable[[], tuple[str, ...]]
    places: str = ""

    @property
    def look(self) -> tuple[tuple[Mark, ...], int, str]:
        """What cells have in common that look alike and say the same."""
        return self.marks, self.total, self.places

    @property
    def reasons(self) -> tuple[str, ...]:
        """By which role and right, in words."""
        return self.explain()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing."""
        return all(mark.extent == NONE for mark in self.marks)

    def mark(self, kind: str) -> Mark:
        """The mark of a kind."""
        return next(mark for mark, each in zip(self.marks, KINDS, strict=True) if each.name == kind)

    def signs(self) -> tuple[Sign | None, ...]:
        """What stands in each place; None where nothing does."""
        return _find_signs(self.marks, self.total)

    def text(self, digits: int = 0, empty: str = EMPTY_SIGN) -> str:
        """The signs in their places, each with room for a count of so many digits; one sign where nothing is."""
        signs = self.signs()
        if not any(signs):
            return empty
        each = (f"{sign.text}{sign.number or ''}" if sign else empty for sign in signs)
        return "".join(text.ljust(digits + 1) for text in each).rstrip()

    def words(self) -> str:
        """The same in words: `reads 3 of 45, partly writes`."""
        parts = []
        for kind, mark in zip(KINDS, self.marks, strict=True):
            if mark.extent == UNKNOWN:
                parts.append(f"perhaps {kind.name}")
            elif mark.extent != NONE:
                parts.append(f"{'partly ' if mark.extent == SOME else ''}{kind.name} {self.share_text(mark)}".rstrip())
        return ", ".join(parts) or "nothing"

    def share_text(self, mark: Mark) -> str:
        """At how many of the places a mark is: `3 of 45`, `in 1 of 2 databases`; empty for a single thing."""
        share = f"{mark.number} of {self.total}" if self.total > 1 else ""
        return f"in {share} {self.places}" if share and self.places else share


def find_legend(cells: Iterable[Cell]) -> tuple[Key, ...]:
    """The signs that some cells have, and what they mean; nothing that isn't there."""
    alike = {cell.look: cell for cell in cells}.values()
    signs = list(filter(None, chain.from_iterable(cell.signs() for cell in alike)))
    known = [sign for sign in signs if sign.extent != UNKNOWN]
    keys = [*_explain_kinds({sign.kind for sign in known}), *_explain_small(known), *_explain_number(alike)]
    if len(known) < len(signs):
        keys.append(Key((UNKNOWN_SIGN,), "cannot be told"))
    if any(cell.is_empty for cell in alike):
        keys.append(Key((EMPTY_SIGN,), "nothing"))
    return tuple(keys)


def _explain_number(cells: Iterable[Cell]) -> Iterator[Key]:
    """What a number is about, by one that is there."""
    numbers = [sign.number for cell in cells for sign in cell.signs() if sign and sign.number]
    if numbers:
        yield Key((str(min(numbers)),), f"behind a letter: on {min(numbers)} of them, not on all")


def _explain_small(signs: Iterable[Sign]) -> Iterator[Key]:
    small = sorted({(sign.kind, sign.text) for sign in signs if sign.kind and sign.extent == SOME})
    if small:
        yield Key(tuple(text for _, text in small), "small: only some of that")


def _explain_kinds(used: set[int]) -> Iterator[Key]:
    for number in sorted(used):
        kind = KINDS[number]
        yield Key((kind.sign if number else kind.sign.lower(),), kind.meaning)


def mark_class(kind: int, extent: int) -> str:
    """The class of a mark in HTML and in the page: its kind, and how much of it there is."""
    return f"mm-{KINDS[kind].sign.lower()}{extent}" if extent != UNKNOWN else f"mm-u{extent}"


def key_class(text: str) -> str:
    """The class of a sign in the legend; empty for what is no mark."""
    kinds = {kind.sign: number for number, kind in enumerate(KINDS)}
    if text == UNKNOWN_SIGN:
        return mark_class(0, UNKNOWN)
    if text.upper() not in kinds:
        return ""
    kind = kinds[text.upper()]
    return mark_class(kind, EVERY if text.isupper() or not kind else SOME)
