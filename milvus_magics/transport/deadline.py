"""The time that one operation, however many calls it takes, may last."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator

from milvus_magics.errors import NOTHING_SENT, DeadlineError, ParameterError


class Deadline:
    """The moment until which an operation may last.

    Args:
        timeout: seconds from now; None = until an answer arrives or an error occurs.

    Raises:
        ParameterError: when the timeout is not a positive, finite number.
    """

    __slots__ = ("at", "timeout")

    def __init__(self, timeout: float | None) -> None:
        if timeout is not None and (isinstance(timeout, bool) or not isinstance(timeout, (int, float))):
            raise ParameterError(f"timeout must be a number of seconds or None, not {timeout!r}", outcome=NOTHING_SENT)
        if timeout is not None and not (math.isfinite(timeout) and timeout > 0):
            raise ParameterError(f"timeout must be more than 0 seconds, not {timeout!r}", outcome=NOTHING_SENT)
        self.timeout = None if timeout is None else float(timeout)
        self.at = None if timeout is None else time.monotonic() + timeout

    def remaining(self, server: str = "") -> float | None:
        """Seconds left, or None where there is no limit.

        Args:
            server: the address of who is waited for, to be named where none are left.

        Raises:
            DeadlineError: when none are left, so that no call is started that cannot end well.
        """
        if self.at is None:
            return None
        left = self.at - time.monotonic()
        if left <= 0:
            what = f"{server} did not answer" if server else "no answer"
            raise DeadlineError(f"{what} within {self.timeout:g} s")
        return left

    def is_over(self) -> bool:
        """Whether no time is left."""
        return self.at is not None and time.monotonic() >= self.at

    def poll(self, every: float, sleep: Callable[[float], None] = time.sleep) -> Iterator[None]:
        """Yield at once, and again after every pause, until no time is left.

        Args:
            every: seconds between two rounds; the last pause is cut at the end, and no round follows it.
            sleep: waits for so many seconds.
        """
        yield
        while not self.is_over():
            sleep(every if self.at is None else max(0.0, min(every, self.at - time.monotonic())))
            if not self.is_over():
                yield
