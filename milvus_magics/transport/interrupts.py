"""Interrupts, kept out of gRPC's code.

Python raises KeyboardInterrupt wherever the main thread happens to be. gRPC holds locks in many places, some of them
for the whole process, and one that is left that way is never released: the next call would wait for ever, whatever its
deadline (https://github.com/grpc/grpc/issues/19973 is of that kind). So an interrupt that comes in gRPC's code is held
back until that is left, which is at once, but for a call that waits for its answer: that one is left where it holds
nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from signal import SIGINT
from types import CodeType, FrameType

try:
    # What `signal` makes its own of: that looks handlers up in an enum, which costs more than the whole call to gRPC.
    from _signal import getsignal, signal  # type: ignore[import-not-found, unused-ignore]
except ImportError:
    from signal import getsignal, signal


_is_deferring = False  # only the main thread ever is


@contextmanager
def defer_interrupts(
    *, interruptible: CodeType | None = None, on_interrupt: Callable[[], None] | None = None
) -> Iterator[None]:
    """Hold interrupts back until the end of the block. In other threads, which get none, and inside another: nothing.

    Args:
        interruptible: code that may be left by an interrupt.
        on_interrupt: called for every interrupt, which then goes no further.
    """
    global _is_deferring
    before = getsignal(SIGINT)
    if _is_deferring or not callable(before) or threading.current_thread() is not threading.main_thread():
        yield
        return
    count = 0

    def hold_back(number: int, frame: FrameType | None) -> None:
        nonlocal count
        if on_interrupt is not None:
            on_interrupt()
            return
        count += 1
        is_waiting = interruptible is not None and frame is not None and frame.f_code is interruptible
        # A second interrupt is delivered at once, even if gRPC may be left holding a lock.
        if is_waiting or count > 1:
            count = 0
            before(number, frame)

    signal(SIGINT, hold_back)  # from here on nothing is raised that would leave `_is_deferring` set
    _is_deferring = True
    try:
        yield
    finally:
        _is_deferring = False
        signal(SIGINT, before)
        if count:
            before(SIGINT, None)
