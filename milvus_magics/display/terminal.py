"""The terminal that results are written to: how wide it is, and whether it shows colours."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from typing import Any

Paint = Callable[[str, str], str]  # a text and its kind -> how it is shown

TEXT_WIDTH = 120  # columns of text where no terminal says how many it has
# ECMA-48's codes: colours that every theme of a terminal has, never white or black.
_CODES = {"heading": "1", "done": "32", "warning": "33", "error": "31", "serious": "1;31", "note": "2"}


def terminal_width() -> int | None:
    """How many columns there are; None in a notebook, a file or a pipe, where no line is too long."""
    # Not by the variable COLUMNS alone: kernels inherit it from the terminal in which Jupyter was started.
    return None if not _is_terminal() else shutil.get_terminal_size((TEXT_WIDTH, 24)).columns


def plain(text: str, kind: str) -> str:
    """The text as it is, for what may be kept."""
    return text


def colour_text(text: str, kind: str) -> str:
    """Each line of a text in the colour of its kind, where the terminal shows colours.

    Args:
        text: must be printable, line by line: nothing is escaped here.
        kind: `heading`, `done`, `warning`, `error`, `serious`, `note`, or empty for none.
    """
    if not kind or not has_colours():
        return text
    return "\n".join(f"\x1b[{_CODES[kind]}m{line}\x1b[0m" if line else line for line in text.split("\n"))


def has_colours() -> bool:
    """Whether what is written to stdout now is shown in colours (https://no-color.org)."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM", "") in ("dumb", "") or not _is_terminal():
        return False
    return str(getattr(_shell(), "colors", "")).lower() != "nocolor"


def _is_terminal() -> bool:
    try:
        return sys.stdout.isatty()
    except (AttributeError, ValueError):  # replaced by something else, or closed
        return False


def _shell() -> Any:
    """IPython's shell; None outside, and IPython isn't imported for it."""
    module = sys.modules.get("IPython.core.getipython")
    return module.get_ipython() if module is not None else None
