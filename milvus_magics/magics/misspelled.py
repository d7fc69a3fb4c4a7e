"""What is said after a cell that names a magic of ours which there isn't."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

from milvus_magics.wording import did_you_mean, list_text

NOT_FOUND = re.compile(r"(?i)magic function `%{1,2}milvus_?(\w*)`")
EVENT = "post_run_cell"


class MisspelledMagic:
    """Suggests what may have been meant; IPython itself says only that there is no such magic."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell

    def __call__(self, result: Any) -> None:
        """Look at how a cell ended."""
        error = result.error_in_exec
        found = NOT_FOUND.search(str(error)) if isinstance(error, UsageError) else None
        if found:
            print(f"{_suggest(found[1], self._shell.magics_manager.magics['line'])}%milvus lists all magics")


def _suggest(typed: str, magics: Iterable[str]) -> str:
    """Which magics may have been meant: one, or all with such a word; empty if none is like it."""
    # Without what all have in common: else each is like each.
    names = [name.removeprefix("milvus_") for name in magics if name.startswith("milvus_")]
    words = {word for name in names for word in name.split("_")}
    found = re.search(r"'(\w+)'", did_you_mean(typed, [*names, "help", *words]))
    if not found:
        return ""
    word = found[1]
    meant = [word] if word in names else [name for name in sorted(names) if word in name.split("_")]
    said = "%milvus help" if word == "help" else list_text([f"%milvus_{name}" for name in meant], 7)
    return f"did you mean {said}? "


def install(shell: InteractiveShell) -> None:
    """Look at how cells end from now on."""
    remove(shell)
    shell.events.register(EVENT, MisspelledMagic(shell))


def remove(shell: InteractiveShell) -> None:
    """Look no more."""
    callbacks = shell.events.callbacks[EVENT]
    callbacks[:] = [each for each in callbacks if not isinstance(each, MisspelledMagic)]
