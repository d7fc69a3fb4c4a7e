"""Columns of text, as wide as their values or as a terminal lets them be."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import zip_longest

GAP = "  "
CUT = "..."  # no sign that some encoding lacks
MIN_COLUMN = 8  # with less, nothing can be read beside a picture
MIN_WORD = 14  # with less, longer words and names cannot be read
SENTENCE, MIN_SENTENCE = 40, 24  # from how many characters on a text needs some words on a line, and how wide that is
MAGIC = re.compile(r"%milvus\w*\W?")  # a word that is typed as it is
DATE = re.compile(r"[\d:.TZ+-]{1,32}")
PART = re.compile(r"[_./:-]|[a-z](?=[A-Z])")  # the end of a part of a name, where it is broken rather than elsewhere
MAX_RULE = 40  # how long the line below a heading of the last column gets


def align_columns(lines: Sequence[Sequence[str]], *, heading_lines: int = 0) -> list[str]:
    """Lines of text whose cells stand below each other; the first may be a heading, with a rule below it."""
    widths = [max(map(display_width, column)) for column in zip(*lines, strict=True)]
    if heading_lines:
        # The last column may be a sentence; a rule as long would take lines of its own where there is little room.
        rules = [*widths[:-1], min(widths[-1], MAX_RULE)]
        lines = [*lines[:heading_lines], ["-" * length for length in rules], *lines[heading_lines:]]
    return [GAP.join(map(_pad, line, widths)).rstrip() for line in lines]


def _pad(text: str, width: int) -> str:
    return text + " " * (width - display_width(text))


def display_width(text: str) -> int:
    """How many columns of a terminal a text takes: letters of East Asia take two, accents none."""
    return len(text) if text.isascii() else sum(map(_character_width, text))


def _character_width(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def fit_columns(rows: Sequence[Sequence[str]], width: int | None) -> list[list[list[str]]] | None:
    """Each row as lines of cells that are together no wider than `width`. None if they can't be read in so little room.

    Nothing is cut: what is too long for its column is wrapped, at blanks where there are any. A `width` of None: as it
    takes.
    """
    if width is None:
        return [[list(row)] for row in rows]
    columns = list(zip(*rows, strict=True))
    room = width - len(GAP) * (len(columns) - 1)
    least = [max(map(_least_width, column)) for column in columns]
    if room < sum(least):
        return None
    widths = _share_usefully([max(map(display_width, column)) for column in columns], least, room)
    fitted = [[wrap_lines(text, each) for text in column] for column, each in zip(columns, widths, strict=True)]
    return [[list(line) for line in zip_longest(*cells, fillvalue="")] for cells in zip(*fitted, strict=True)]


def _least_width(text: str) -> int:
    """How many columns a text needs to be read: a magic and a date are whole."""
    if DATE.fullmatch(text):
        return len(text)
    words = (display_width(word) if MAGIC.fullmatch(word) else min(display_width(word), MIN_WORD)
             for word in text.split())  # fmt: skip
    return max([0, *words, *([MIN_SENTENCE] if " " in text and display_width(text) >= SENTENCE else [])])


def _share_usefully(wanted: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """A width for each column, at least what it needs and at most what it wants."""
    widths = share_room(wanted, room)
    short = {place for place, each in enumerate(widths) if each < least[place]}
    if not short:
        return widths
    others = [place for place in range(len(widths)) if place not in short]
    left = room - sum(least[place] for place in short)
    shared = iter(_share_usefully([wanted[place] for place in others], [least[place] for place in others], left))
    return [least[place] if place in short else next(shared) for place in range(len(widths))]


def share_room(wanted: Sequence[int], room: int) -> list[int]:
    """A width for each column, at most what it wants: the widest ones give up first."""
    widths = list(wanted)
    while sum(widths) > room:
        widest = max(widths)
        at_most = max((each for each in widths if each < widest), default=0)
        several = widths.count(widest)
        # All of the widest shrink to the next one, or as far as it takes; what doesn't divide evenly goes to the first.
        shrunk, more = divmod(max(at_most * several, room - sum(widths) + widest * several), several)
        for place, each in enumerate(widths):
            if each == widest:
                widths[place], more = shrunk + (more > 0), more - 1
    return widths


def fit_column(texts: Sequence[str], width: int) -> list[list[str]]:
    """The lines of each cell of a column, as `fit_columns` has them."""
    shortened = {text: _cut(text, width) for text in texts if " " not in text and display_width(text) > width}
    often = list(shortened.values())
    cut = {text: short for text, short in shortened.items() if often.count(short) == 1}
    return [[cut[text]] if text in cut else wrap_lines(text, width) for text in texts]


def _cut(name: str, width: int) -> str:
    """The beginning and the end of a name: those that are much alike mostly differ there."""
    room = width - len(CUT)
    head = _first_part(name, room - room // 2)
    tail = _first_part(name[::-1], room // 2)[::-1]
    return f"{head}{CUT}{tail}"


def cut_end(text: str, width: int) -> str:
    """The beginning of a text, on one line."""
    return text if display_width(text) <= width else f"{_first_part(text, width - len(CUT))}{CUT}"


def _first_part(text: str, width: int) -> str:
    """As much of a text's beginning as fits, at least one character."""
    if text.isascii():
        return text[: max(width, 1)]
    taken = 0
    for place, character in enumerate(text):
        taken += _character_width(character)
        if taken > width and place:
            return text[:place]
    return text


def wrap_lines(text: str, width: int | None) -> list[str]:
    """A text as lines that fit, broken at blanks where there are any."""
    if width is None or display_width(text) <= width:
        return [text]
    lines = [""]
    for word in _pieces(text, width):
        if lines[-1] and display_width(lines[-1]) + 1 + display_width(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines[1:] or [""]


def _pieces(text: str, width: int) -> Iterator[str]:
    """The words of a text, those that are too long in several."""
    for word in text.split():
        while display_width(word) > width:
            part = _first_part(word, width)
            # The next letter counts, too: it may be a capital.
            ends = (found.end() for found in PART.finditer(word, len(part) // 2, len(part) + 1))
            part = part[: max((end for end in ends if end <= len(part)), default=len(part))]
            yield part
            word = word[len(part) :]
        if word:
            yield word
