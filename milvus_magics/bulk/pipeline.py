"""Sends the calls of many rows in parallel on one channel; the number in flight adapts to the server.

A row is a script: a generator that yields a `Call`, is sent its `Answer`, and so on, until it returns. All of them run
in the caller's thread; only the answers come from elsewhere.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from queue import SimpleQueue
from typing import Any, Generic, NamedTuple, TypeVar

from milvus_magics.errors import MilvusException, RateLimitedError, UnavailableError
from milvus_magics.transport.call_errors import is_never_sent, is_refused_call
from milvus_magics.transport.connection import CONNECTION_LOGIN, Connection, Pending
from milvus_magics.transport.credentials import Login
from milvus_magics.transport.deadline import Deadline
from milvus_magics.transport.interrupts import defer_interrupts
from milvus_magics.transport.reply_status import error_from_status, is_refusal, status_of

FIRST_WINDOW, MAX_WINDOW = 8, 64
BETTER, WORSE = 1.05, 0.9  # how much the rate has to change to be believed
FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 0.1, 2.0
MAX_RATE_LIMIT_SECONDS = 60.0

Result = TypeVar("Result")


class Call(NamedTuple):
    """A call that a script sends: a method, its fields, and as whom."""

    method: str
    fields: dict[str, Any]
    login: Login | None = CONNECTION_LOGIN


class Answer(NamedTuple):
    """The answer to a call: a successful reply, or an error.

    Attributes:
        reply: the reply; None if there is an error.
        error: what went wrong.
        is_lost: whether the request or its reply was lost, so that the error doesn't tell what was done.
    """

    reply: Any
    error: MilvusException | None = None
    is_lost: bool = False


Script = Generator[Call, Answer, Result]


class Window:
    """How many rows may be in flight: grows while that is faster, and shrinks if it is slower."""

    def __init__(self) -> None:
        self.size = FIRST_WINDOW
        self._is_growing = True
        self._count, self._started, self._rate = 0, time.monotonic(), 0.0

    def count_row(self) -> None:
        """Count a row that is done, and adapt the size after enough of them."""
        self._count += 1
        if self._count < 6 * self.size:
            return
        now = time.monotonic()
        rate = self._count / max(now - self._started, 1e-9)
        if rate < self._rate * WORSE or (self._is_growing and rate < self._rate * BETTER):
            self._is_growing = not self._is_growing
        self.size = min(self.size * 2, MAX_WINDOW) if self._is_growing else max(self.size // 2, 4)
        self._count, self._started, self._rate = 0, now, rate


class Pipeline(Generic[Result]):
    """Runs scripts on a connection.

    Args:
        timeout: seconds that one call may last.

    Attributes:
        is_stopped: whether no more scripts are started: after an interrupt, or `stop`.
        is_interrupted: whether the user interrupted it.
        is_broken: whether the connection broke; scripts in flight then don't know what was done.
    """

    def __init__(self, conn: Connection, timeout: float | None) -> None:
        self._conn, self._timeout = conn, timeout
        self._answers: SimpleQueue[tuple[Script[Result], Call, Pending] | None] = SimpleQueue()
        self._in_flight: dict[int, Pending] = {}
        self._delayed: deque[tuple[Script[Result], Call]] = deque()  # refused for now: too many requests
        self._window = Window()
        self._pause, self._paused_until = FIRST_PAUSE_SECONDS, 0.0
        self._limited_since: float | None = None
        self.is_stopped = self.is_interrupted = self.is_broken = self._is_cancelling = False

    def stop(self) -> None:
        """Start no more scripts; those in flight are run to their end."""
        self.is_stopped = True

    def run(self, starts: Iterator[Callable[[], Script[Result]]]) -> Iterator[Result]:
        """Run scripts until all are done or it is stopped; yields what each returns.

        Args:
            starts: functions that start a script; those that are not started are left in it.
        """
        self.is_broken = False
        with defer_interrupts(on_interrupt=self._interrupt):
            while True:
                while self._delayed and time.monotonic() >= self._paused_until:
                    self._send(*self._delayed.popleft())
                while self._has_room() and (start := next(starts, None)) is not None:
                    if (result := self._advance(start(), None)) is not None:
                        yield result
                if not (self._in_flight or self._delayed):
                    return
                if (result := self._handle_answer()) is not None:
                    self._window.count_row()
                    yield result

    def _has_room(self) -> bool:
        """Whether another script may be started now."""
        return not (self.is_stopped or self.is_broken or self._delayed) and len(self._in_flight) < self._window.size

    def _handle_answer(self) -> Result | None:
        """Wait for one answer, and return what its script returns; None if that goes on."""
        if self._delayed and not self._in_flight:
            time.sleep(max(self._paused_until - time.monotonic(), 0))
            return None
        item = self._answers.get()
        if item is None:  # an interrupt
            if self._is_cancelling:
                for pending in list(self._in_flight.values()):
                    pending.cancel()
            return None
        script, call, pending = item
        self._in_flight.pop(id(script), None)
        answer = _read_answer(pending)
        if isinstance(answer.error, RateLimitedError) and self._may_retry():
            self._delayed.append((script, call))
            return None
        if answer.reply is not None:
            self._pause, self._limited_since = FIRST_PAUSE_SECONDS, None
        if isinstance(answer.error, UnavailableError):
            self.is_broken = True
        return self._advance(script, answer)

    def _may_retry(self) -> bool:
        """Pause after a rate limit, longer each time, and return whether to try again."""
        now = time.monotonic()
        self._limited_since = self._limited_since or now
        self._paused_until, self._pause = now + self._pause, min(self._pause * 2, MAX_PAUSE_SECONDS)
        return now - self._limited_since < MAX_RATE_LIMIT_SECONDS and not self.is_interrupted

    def _advance(self, script: Script[Result], answer: Answer | None) -> Result | None:
        """Give a script its answer, and send its next call; returns what the script returns, None if it goes on."""
        try:
            call = next(script) if answer is None else script.send(answer)
        except StopIteration as end:
            result: Result = end.value
            return result
        self._send(script, call)
        return None

    def _send(self, script: Script[Result], call: Call) -> None:
        pending = self._conn.begin(call.method, deadline=Deadline(self._timeout), login=call.login, **call.fields)
        self._in_flight[id(script)] = pending
        pending.when_done(lambda: self._answers.put((script, call, pending)))

    def _interrupt(self) -> None:
        """Start no more scripts at the first interrupt; cancel those in flight at the second."""
        self._is_cancelling = self.is_interrupted
        self.is_interrupted = self.is_stopped = True
        self._answers.put(None)


def _read_answer(pending: Pending) -> Answer:
    try:
        reply = pending.reply()
    except MilvusException as exc:
        return Answer(None, exc, is_lost=is_never_sent(exc) or not is_refused_call(exc))
    status = status_of(reply)
    if status.ok:
        return Answer(reply)
    return Answer(None, error_from_status(status), is_lost=not is_refusal(status))
