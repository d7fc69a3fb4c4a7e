"""How texts are put together: what may be printed, lists, plurals, and what may have been meant."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Sequence

# Comparing with very many names, or very long ones, would outlast any timeout.
LIKE_ENOUGH, MAX_COMPARED, SECONDS_TO_COMPARE = 0.6, 100, 0.3

# Characters of one name or description, and of a whole text, before people see them cut. Milvus takes 255 bytes of a
# name, of which each may be shown as an escape of 4 characters, and 1,024 of a description: those are never cut.
MAX_VALUE, MAX_TEXT = 1_100, 10_000
_HEAD, _TAIL = 100, 50  # what is left of a value
_QUOTED = rf"(?<![\w\\])(['\"])(?:\\.|(?!\1)[^\\]){{{MAX_VALUE},}}\1(?!\w)"  # as repr writes it
_LONG = re.compile(rf"{_QUOTED}|(?<!\S)\S{{{MAX_VALUE},}}")

# Printable to Python, and yet nothing is seen of them, so that two names look alike: what Unicode calls "default
# ignorable" (joiners, fillers of Hangul, variation selectors), and blanks that have another category.
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U00016fe4\U0001d159\U000e0100-\U000e01ef]"
)


class _Characters(dict[int, str]):
    """How each character is shown; worked out when one is first met, as `str.translate` asks for it."""

    def __missing__(self, code: int) -> str:
        c = chr(code)
        is_seen = c.isprintable() and not _UNSEEN.match(c)
        self[code] = shown = c if is_seen else " " if c in "\r\n\t" else ascii(c)[1:-1]
        return shown


_SHOWN = _Characters()

# A name that cannot be taken for something else in a sentence.
_PLAIN_NAME = re.compile(r"\w(?:[\w.@$*-]*[\w$])?", re.ASCII)
# What needs no full stop after it.
_ENDS = (".", "!", "?")


def visible_text(text: str) -> str:
    """`text` on one line: line ends as blanks, and as escapes what controls it, turns it, or cannot be seen."""
    return text.translate(_SHOWN)


def shown_text(text: str) -> str:
    """`text` as `visible_text`, for people: what is longer in it than any value of Milvus is cut inside."""
    text = text.translate(_SHOWN)
    return text if len(text) <= MAX_VALUE else _LONG.sub(lambda found: cut_inside(found[0], MAX_VALUE), text)


def printable(text: str) -> str:
    """`text` for people, as `shown_text` but with single blanks, and all in all at most `MAX_TEXT` characters."""
    text = " ".join(text.translate(_SHOWN).split())
    return text if len(text) <= MAX_VALUE else cut_text(shown_text(text))


def cut_text(text: str) -> str:
    """At most `MAX_TEXT` characters of a text, with its end: there stands what was changed."""
    return cut_inside(text, MAX_TEXT, MAX_TEXT // 2, MAX_TEXT // 4)


def cut_inside(text: str, most: int, head: int = _HEAD, tail: int = _TAIL) -> str:
    """`text`, or if it is longer than `most` its beginning, how much is left out, and its end."""
    # No sign that some encoding lacks: results are printed, too.
    return text if len(text) <= most else f"{text[:head]}...({len(text) - head - tail:,} more)...{text[-tail:]}"


def is_visible(text: str) -> bool:
    """Whether `text` may be shown as it is."""
    return text.translate(_SHOWN) == text


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """` (did you mean 'x'?)` where something known looks like the name, else nothing."""
    from difflib import SequenceMatcher

    wanted = SequenceMatcher(b=name.lower().removeprefix("privilege")[:MAX_COMPARED])
    best, meant, until = (LIKE_ENOUGH, ""), "", time.monotonic() + SECONDS_TO_COMPARE
    for candidate in known:
        wanted.set_seq1(lower := candidate[:MAX_COMPARED].lower())
        if min(wanted.real_quick_ratio(), wanted.quick_ratio()) >= best[0] and (wanted.ratio(), lower) > best:
            best, meant = (wanted.ratio(), lower), candidate
        if time.monotonic() > until:
            break
    return f" (did you mean {meant!r}?)" if meant else ""


def list_text(things: Sequence[object], most: int | None = 5) -> str:
    """The first few of them in words, and how many more there are; None = all of them."""
    most = len(things) if most is None else most
    shown = ", ".join(printable(str(thing)) for thing in things[:most])
    return f"{shown} and {len(things) - most} more" if len(things) > most else shown


def first_lines(lines: Sequence[str], most: int) -> tuple[str, ...]:
    """The first few lines, and one that says how many more there are."""
    more = len(lines) - most
    return (*lines[:most], f"and {more} more") if more > 0 else tuple(lines)


def join_parts(*parts: str) -> str:
    """A sentence of the parts that are not empty, with semicolons between them; for people, as `shown_text`."""
    text = "; ".join(filter(None, parts)).translate(_SHOWN)
    return text if len(text) <= MAX_VALUE else cut_text(shown_text(text))


def sentences(first: str, *others: str) -> str:
    """The parts that are not empty as sentences; for people, as `shown_text`.

    The first one begins as it is, perhaps with a name; the others with a capital.
    """
    text = first
    for part in filter(None, others):
        stop = "" if text.endswith(_ENDS) else "."
        text += f"{stop} {part[0].upper()}{part[1:]}"
    return join_parts(text if text.endswith(_ENDS) else f"{text}.")


def name_text(name: str) -> str:
    """A name within a sentence: as it is, or in quotes where it could be taken for something else."""
    return name if _PLAIN_NAME.fullmatch(name) else repr(name)


def names_text(names: Sequence[str], most: int | None = None) -> str:
    """The first few names as `name_text`, and how many more there are; `most` as in `list_text`."""
    return list_text([name_text(name) for name in names], most)


def count_text(count: int, noun: str) -> str:
    """A number and its noun, in the plural unless it is one."""
    return f"{count} {noun}{'s' if count != 1 else ''}"


def absence_text(what: str, is_certain: bool) -> str:
    """That something was not listed, to somebody who sees all there is, or who doesn't."""
    return f"there is no {what}" if is_certain else f"{what} is not there, or not visible to you"
