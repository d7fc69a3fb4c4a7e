"""What is said after a cell that names a magic of ours which there isn't."""

from __future__ import annotations

import re
from typing import Any

from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

from milvus_magics.wording import did_you_mean

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
            names = [name for name in self._shell.magics_manager.magics["line"] if name.startswith("milvus_")]
            # Without what all have in common: else each is like each.
            hint = did_you_mean(found[1], [name.removeprefix("milvus_") for name in names])
            meant = re.sub(r"'(\w+)'", r"%milvus_\1", hint).strip(" ()")
            print(f"{meant + ' ' if meant else ''}%milvus lists all magics")


def install(shell: InteractiveShell) -> None:
    """Look at how cells end from now on."""
    remove(shell)
    shell.events.register(EVENT, MisspelledMagic(shell))


def remove(shell: InteractiveShell) -> None:
    """Look no more."""
    callbacks = shell.events.callbacks[EVENT]
    callbacks[:] = [each for each in callbacks if not isinstance(each, MisspelledMagic)]
