"""Long names, cut so that those which differ still do."""

from __future__ import annotations

import re
from collections.abc import Iterable

CUT = "…"
_HEAD = 5  # letters of the beginning that stay where names differ only somewhere inside
_WORD_END = re.compile(r"[_.\- ]")


def cut_names(names: Iterable[str], most: int, cut: str = CUT) -> dict[str, str]:
    """Cut long names where they are alike; each name with what is shown of it.

    They lose their middle, or more of what they have in common. Names that would look alike even so stay whole.
    """
    shown: dict[str, str] = {}
    alike: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        alike.setdefault(_cut_middle(name, most, cut), []).append(name)
    for text, group in alike.items():
        if len(group) == 1:
            shown[group[0]] = text
            continue
        start = max(_count_common(min(group), max(group)) - 1, 0)
        found = {name: _cut_around(name, start, most, cut) for name in group}
        is_told_apart = len({*found.values()}) == len(group) and alike.keys().isdisjoint(found.values())
        shown |= found if is_told_apart else {name: name for name in group}
    return shown


def _cut_middle(name: str, most: int, cut: str) -> str:
    """The beginning and the end: names that are much alike mostly differ at their ends."""
    if len(name) <= most:
        return name
    tail = most // 2
    head, end = name[: most - tail - len(cut)], name[-tail:]
    # At the ends of words where there are some: it is read more easily.
    first, last = _WORD_END.search(head[::-1]), _WORD_END.search(end)
    head = head[: len(head) - first.start()] if first and first.start() < len(head) - _HEAD else head
    end = end[last.start() :] if last and last.start() < len(end) - _HEAD else end
    return f"{head}{cut}{end}"


def _count_common(first: str, last: str) -> int:
    """How many letters two texts have in common at their beginnings."""
    return next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))


def _cut_around(name: str, start: int, most: int, cut: str) -> str:
    """The beginning, and what comes from a place inside on."""
    room = most - _HEAD - 2 * len(cut)
    end = name[start : start + room]
    return f"{name[:_HEAD]}{cut}{end}{cut if start + room < len(name) else ''}"
