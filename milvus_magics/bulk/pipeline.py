"""Many rows of calls in flight together on one channel, with a window that finds its own size.

A row is a generator that yields a `Call` and gets its `Answer`, until it is done. All of them run in the caller's
thread; only the answers come from elsewhere.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from queue import SimpleQueue
from typing import Any, NamedTuple

from milvus_magics.errors import MilvusException, RateLimitedError, UnavailableError
from milvus_magics.transport import reply_status
from milvus_magics.transport.call_errors import is_never_sent, is_refused_call
from milvus_magics.transport.connection import CONNECTION_LOGIN, Connection, Pending
from milvus_magics.transport.credentials import Login
from milvus_magics.transport.deadline import Deadline
from milvus_magics.transport.interrupts import defer_interrupts
from milvus_magics.transport.reply_status import error_from_status, status_of

FIRST_WINDOW, MOST_IN_FLIGHT = 8, 64
BETTER, WORSE = 1.05, 0.9  # how much the rate has to change to be believed
SECONDS_TO_PAUSE, MOST_SECONDS_TO_PAUSE = 0.1, 2.0
SECONDS_FOR_RATE_LIMIT = 60.0


class Call(NamedTuple):
    """What a row sends: a method, its fields, and as whom."""

    method: str
    fields: dict[str, Any]
    login: Login | None = CONNECTION_LOGIN


class Answer(NamedTuple):
    """What came back: a reply that is a success, or an error.

    Attributes:
        reply: the reply; None where there is none.
        error: what went wrong.
        is_refusal: whether the error proves that nothing was done.
        never_sent: whether the call never left.
    """

    reply: Any
    error: MilvusException | None = None
    is_refusal: bool = False
    never_sent: bool = False


Row = Generator[Call, Answer, None]


class Window:
    """How many rows may be in flight: grows as long as that makes it faster, and shrinks where it doesn't."""

    def __init__(self) -> None:
        self.size = FIRST_WINDOW
        self._grows = True
        self._done, self._began, self._rate = 0, time.monotonic(), 0.0

    def finished(self) -> None:
        """A row is done."""
        self._done += 1
        if self._done < 6 * self.size:
            return
        now = time.monotonic()
        rate = self._done / max(now - self._began, 1e-9)
        if rate < self._rate * WORSE or (self._grows and rate < self._rate * BETTER):
            self._grows = not self._grows
        self.size = min(self.size * 2, MOST_IN_FLIGHT) if self._grows else max(self.size // 2, 4)
        self._done, self._began, self._rate = 0, now, rate


class Pipeline:
    """Runs rows on a connection.

    Args:
        conn: where.
        timeout: seconds that one call may last.

    Attributes:
        stopped: whether no more rows are begun: after an interrupt, or `stop`.
        interrupted: whether somebody interrupted it.
        broken: whether the connection broke; rows that were in flight don't know what became of them.
    """

    def __init__(self, conn: Connection, timeout: float | None) -> None:
        self._conn, self._timeout = conn, timeout
        self._answers: SimpleQueue[tuple[Row, Call, Pending] | None] = SimpleQueue()
        self._in_flight: dict[int, Pending] = {}
        self._window = Window()
        self._pause, self._until = SECONDS_TO_PAUSE, 0.0
        self._limited_since: float | None = None
        self.stopped = self.interrupted = self.broken = self._gives_up = False

    def stop(self) -> None:
        """Begin no more rows; those in flight come to their end."""
        self.stopped = True

    def run(self, rows: Iterable[Callable[[], Row]]) -> Iterator[None]:
        """Run rows until all are done or it is stopped; yields after each that is.

        Rows that were not begun are left in the iterable.
        """
        self.broken = False
        waiting = iter(rows)
        held: deque[tuple[Row, Call]] = deque()  # refused for now, because there were too many requests
        active, exhausted = 0, False
        with defer_interrupts(on_interrupt=self._interrupt):
            while True:
                while held and time.monotonic() >= self._until:
                    self._send(*held.popleft())
                while not (exhausted or held or self._holds_back()) and active < self._window.size:
                    begin = next(waiting, None)
                    if begin is None:
                        exhausted = True
                    else:
                        active += 1
                        if self._advance(begin(), None):
                            active -= 1
                            yield
                if not active:
                    return
                ended = self._next(held)
                if ended:
                    active -= 1
                    self._window.finished()
                    yield

    def _holds_back(self) -> bool:
        return self.stopped or self.broken

    def _next(self, held: deque[tuple[Row, Call]]) -> bool:
        """Wait for one answer and go on with its row; whether that row is done."""
        if held and not self._in_flight:
            time.sleep(max(self._until - time.monotonic(), 0))
            return False
        item = self._answers.get()
        if item is None:  # an interrupt
            if self._gives_up:
                for pending in list(self._in_flight.values()):
                    pending.cancel()
            return False
        row, call, pending = item
        self._in_flight.pop(id(row), None)
        answer = _answer(pending)
        if isinstance(answer.error, RateLimitedError) and self._may_wait():
            held.append((row, call))
            return False
        if answer.reply is not None:
            self._pause, self._limited_since = SECONDS_TO_PAUSE, None
        if isinstance(answer.error, UnavailableError):
            self.broken = True
        return self._advance(row, answer)

    def _may_wait(self) -> bool:
        """Wait before the next try, longer each time; not for ever."""
        now = time.monotonic()
        self._limited_since = self._limited_since or now
        self._until, self._pause = now + self._pause, min(self._pause * 2, MOST_SECONDS_TO_PAUSE)
        return now - self._limited_since < SECONDS_FOR_RATE_LIMIT and not self.interrupted

    def _advance(self, row: Row, answer: Answer | None) -> bool:
        """Give a row its answer, and send what it wants next; whether it is done."""
        try:
            call = next(row) if answer is None else row.send(answer)
        except StopIteration:
            return True
        self._send(row, call)
        return False

    def _send(self, row: Row, call: Call) -> None:
        pending = self._conn.begin(call.method, deadline=Deadline(self._timeout), login=call.login, **call.fields)
        self._in_flight[id(row)] = pending
        pending.when_done(lambda: self._answers.put((row, call, pending)))

    def _interrupt(self) -> None:
        """The first interrupt begins no more rows, the second one gives up those in flight."""
        self._gives_up = self.interrupted
        self.interrupted = self.stopped = True
        self._answers.put(None)


def _answer(pending: Pending) -> Answer:
    try:
        reply = pending.reply()
    except MilvusException as exc:
        unsent = is_never_sent(exc)
        return Answer(None, exc, is_refusal=unsent or is_refused_call(exc), never_sent=unsent)
    said = status_of(reply)
    if said.ok:
        return Answer(reply)
    return Answer(None, error_from_status(said), is_refusal=reply_status.is_refusal(said))
