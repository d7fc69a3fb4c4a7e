"""Interrupts, kept out of gRPC's code.

Python raises KeyboardInterrupt wherever the main thread happens to be. gRPC holds locks in many places, some of them
for the whole process, and one that is left that way is never released: the next call would wait for ever, whatever its
deadline. So an interrupt that comes in gRPC's code is held back until that is left, which is at once, but for a call
that waits for its answer: that is left where it holds nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from signal import SIGINT
from types import CodeType, FrameType
from typing import Any

try:
    # What `signal` makes its own of: that looks handlers up in an enum, which costs more than the whole call to gRPC.
    from _signal import getsignal, signal  # type: ignore[import-not-found, unused-ignore]
except ImportError:
    from signal import getsignal, signal


class _Guard:
    """The handler of SIGINT as long as interrupts are held back."""

    def __init__(
        self, before: Callable[..., Any], interruptible: CodeType | None, on_interrupt: Callable[[], None] | None
    ) -> None:
        self._before, self._interruptible, self._on_interrupt = before, interruptible, on_interrupt
        self._count = 0

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self._on_interrupt is not None:
            self._on_interrupt()
            return
        self._count += 1
        is_waiting = self._interruptible is not None and frame is not None and frame.f_code is self._interruptible
        # A second interrupt is delivered at once, even if gRPC may be left holding a lock.
        if is_waiting or self._count > 1:
            self._count = 0
            self._before(number, frame)

    def deliver(self) -> None:
        """Hand on what was held back."""
        if self._count:
            self._before(SIGINT, None)


_guard: _Guard | None = None  # only the main thread has one


@contextmanager
def defer_interrupts(
    *, interruptible: CodeType | None = None, on_interrupt: Callable[[], None] | None = None
) -> Iterator[None]:
    """Hold interrupts back until the end of the block. In other threads, which get none, and inside another: nothing.

    Args:
        interruptible: code that may be left by an interrupt.
        on_interrupt: called for every interrupt, which then goes no further.
    """
    global _guard
    before = getsignal(SIGINT)
    if _guard is not None or not callable(before) or threading.current_thread() is not threading.main_thread():
        yield
        return
    guard = _Guard(before, interruptible, on_interrupt)
    signal(SIGINT, guard)  # from here on nothing is raised that would leave `_guard` set
    _guard = guard
    try:
        yield
    finally:
        _guard = None
        signal(SIGINT, before)
        guard.deliver()
