"""What the cell that runs a magic does with its result."""

from __future__ import annotations

import dis
import sys
from types import CodeType, FrameType

from IPython.core.interactiveshell import InteractiveShell


def is_shown(shell: InteractiveShell) -> bool:
    """Whether the result of the running magic is shown when it returns: as the cell's last expression, without `;`."""
    frame: FrameType | None = sys._getframe()
    while frame is not None and _is_on_the_way(frame):
        frame = frame.f_back
    is_cell = frame is not None and frame.f_globals is shell.user_ns and frame.f_code.co_name == "<module>"
    return bool(is_cell and frame and _shows_expressions(frame.f_code) and not shell.displayhook.quiet())  # type: ignore[no-untyped-call]


def _is_on_the_way(frame: FrameType) -> bool:
    """Whether a frame is ours or IPython's, between the cell and here."""
    package = frame.f_globals.get("__name__", "").partition(".")[0]
    return package in ("milvus_magics", "IPython")


def _shows_expressions(code: CodeType) -> bool:
    """Whether code is compiled as a cell's last expression is, so that its value goes to the display hook."""
    return any(
        step.opname == "PRINT_EXPR" or (step.opname == "CALL_INTRINSIC_1" and step.arg == 1)
        for step in dis.get_instructions(code)
    )
