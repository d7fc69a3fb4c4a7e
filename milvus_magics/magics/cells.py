"""What the cell that runs a magic does with its result."""

from __future__ import annotations

import dis
import re
import sys
from types import FrameType
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from milvus_magics.display.terminal import colour_text
from milvus_magics.wording import join_parts

PACKAGES_ON_THE_WAY = ("milvus_magics", "IPython")
# The instruction that gives a value to the display hook, before Python 3.12 and since.
TIMED_EXPRESSION = "<timed eval>"  # the file that `%time` says an expression is of; its own value is that expression's
SHOWS_AN_EXPRESSION = (("PRINT_EXPR", None), ("CALL_INTRINSIC_1", 1))


def say(result: Any) -> None:
    """Say in a line what came of a magic whose result the cell doesn't show. It may be kept nowhere."""
    text = str(getattr(result, "summary", result))
    if users := getattr(result, "unsaved_passwords", ()):
        one = f"%milvus_passwords {_word(users[0])} gives you the password"
        text = join_parts(text, one if len(users) == 1 else "%milvus_passwords has the generated passwords")
    print(colour_text(text, getattr(result, "look", "")))


def _word(name: str) -> str:
    """A name as one word of a line."""
    return name if re.fullmatch(r"[\w.-]+", name) else repr(name)


def is_shown(shell: InteractiveShell) -> bool:
    """Whether the result of the running magic is shown when it returns: as the cell's last expression, without `;`."""
    frame: FrameType | None = sys._getframe()
    while frame is not None and (
        frame.f_globals.get("__name__", "").partition(".")[0] in PACKAGES_ON_THE_WAY
        or frame.f_code.co_filename == TIMED_EXPRESSION
    ):
        frame = frame.f_back
    if frame is None or frame.f_globals is not shell.user_ns or frame.f_code.co_name != "<module>":
        return False
    for step in dis.get_instructions(frame.f_code):
        if (step.opname, step.arg) in SHOWS_AN_EXPRESSION:
            return not shell.displayhook.quiet()  # type: ignore[no-untyped-call]
    return False
