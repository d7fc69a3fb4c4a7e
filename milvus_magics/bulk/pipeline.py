"""Runs many changes at once in one thread: while one waits for the server, the others go on.

Each is the very function that makes a single change, given a connection that doesn't block: where it has to wait, it is
put aside (by greenlet) until its answer is there. The number in flight adapts to the server.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterator
from itertools import count
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar, cast

from greenlet import getcurrent, greenlet

from milvus_magics.client.change import SECONDS_BETWEEN_QUESTIONS
from milvus_magics.errors import ClosedError, MilvusException, RateLimitedError, UnavailableError
from milvus_magics.transport.call_errors import is_never_sent
from milvus_magics.transport.connection import CONNECTION_LOGIN, Connection, Pending
from milvus_magics.transport.credentials import Login
from milvus_magics.transport.deadline import Deadline
from milvus_magics.transport.interrupts import defer_interrupts
from milvus_magics.transport.reply_status import error_from_status, status_of

FIRST_WINDOW, MAX_WINDOW = 8, 64
BETTER, WORSE = 1.05, 0.9  # how much the rate has to change to be believed
FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 0.1, 2.0
MAX_RATE_LIMIT_SECONDS = 60.0
SECONDS_TO_COME_BACK = 5.0  # how long a server that is gone is waited for
QUESTIONS = ("Get", "List", "Select", "Show", "Describe")  # so begin the methods that change nothing

Result = TypeVar("Result")


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
    """Runs functions that use its connection, many at once.

    Args:
        conn: where they go.
        timeout: seconds that one call may last.

    Attributes:
        conn: the connection that they have to use.
        is_stopped: whether no more are started: after an interrupt, or `stop`.
        is_interrupted: whether the user interrupted it.
        is_gone: whether the server went away and did not come back in time.
    """

    def __init__(self, conn: Connection, timeout: float | None) -> None:
        self.conn = PipelineConnection(conn, self, timeout)
        self._answers: SimpleQueue[tuple[greenlet, object] | None] = SimpleQueue()
        self._waiting: dict[greenlet, object] = {}  # what each waits for
        self._sleeping: list[tuple[float, int, greenlet, object]] = []  # a heap: when each is due
        self._numbers = count()
        self._window = Window()
        self._pause, self._paused_until = FIRST_PAUSE_SECONDS, 0.0
        self._limited_since: float | None = None
        self._broken_since: float | None = None
        self.is_stopped = self.is_interrupted = self.is_gone = self._is_cancelling = False

    def stop(self) -> None:
        """Start no more; those in flight are run to their end."""
        self.is_stopped = True

    def run(self, jobs: Iterator[Callable[[], Result]]) -> Iterator[Result]:
        """Run functions until all are done or it is stopped; yields what each returns.

        Args:
            jobs: the functions; those that are not started are left in it.
        """
        with defer_interrupts(on_interrupt=self._interrupt):
            while True:
                while self._has_room() and (job := next(jobs, None)) is not None:
                    yield from self._resume(greenlet(job), None)
                if not self._waiting:
                    return
                if (row := self._next_row()) is not None:
                    yield from self._resume(row, None)
                    continue
                self._is_cancelling = False
                for row in list(self._waiting):
                    yield from self._resume(row, KeyboardInterrupt())

    def wait_for(self, pending: Pending) -> None:
        """Let the others go on until a call has its answer; for the functions that are run."""
        row, token = getcurrent(), object()
        pending.when_done(lambda: self._answers.put((row, token)))
        self._put_aside(row, token)

    def let_others_go_on(self) -> None:
        """Let those go on that can; for the functions that are run."""
        row, token = getcurrent(), object()
        self._answers.put((row, token))
        self._put_aside(row, token)

    def sleep(self, seconds: float) -> None:
        """Let the others go on for so many seconds; for the functions that are run."""
        row, token = getcurrent(), object()
        heapq.heappush(self._sleeping, (time.monotonic() + seconds, next(self._numbers), row, token))
        self._put_aside(row, token)

    def may_retry(self, error: MilvusException, *, may_send_again: bool) -> bool:
        """Whether a call that failed is to be sent again, after a pause that is made here.

        Args:
            may_send_again: whether that can't make a change twice.
        """
        if isinstance(error, RateLimitedError):
            return self._wait_out_rate_limit()
        if not isinstance(error, UnavailableError):
            return False
        now = time.monotonic()
        self._broken_since = self._broken_since or now
        is_over = now - self._broken_since >= SECONDS_TO_COME_BACK
        self.is_gone = self.is_gone or is_over or isinstance(error, ClosedError)
        if not may_send_again or self.is_gone or self.is_interrupted:
            return False
        self.sleep(SECONDS_BETWEEN_QUESTIONS)
        return True

    def note_answer(self) -> None:
        """Take note that the server answers."""
        self._pause, self._limited_since, self._broken_since = FIRST_PAUSE_SECONDS, None, None

    def _wait_out_rate_limit(self) -> bool:
        """Pause, longer each time, and return whether to try again."""
        now = time.monotonic()
        self._limited_since = self._limited_since or now
        if now - self._limited_since >= MAX_RATE_LIMIT_SECONDS or self.is_interrupted:
            return False
        if now >= self._paused_until:  # all who are refused at the same time wait for the same pause
            self._paused_until, self._pause = now + self._pause, min(self._pause * 2, MAX_PAUSE_SECONDS)
        self.sleep(self._paused_until - now)
        return not self.is_interrupted

    def _has_room(self) -> bool:
        """Whether another one may be started now; in trouble one alone shows whether that is over."""
        if self.is_stopped or self.is_gone:
            return False
        is_trouble = self._broken_since is not None or time.monotonic() < self._paused_until
        return len(self._waiting) < (1 if is_trouble else self._window.size)

    def _put_aside(self, row: greenlet, token: object) -> None:
        self._waiting[row] = token
        cast(greenlet, row.parent).switch()

    def _resume(self, row: greenlet, error: BaseException | None) -> Iterator[Result]:
        """Go on with one until it waits again; yields what it returns, if it is at its end."""
        self._waiting.pop(row, None)
        row.parent = getcurrent()
        result = row.throw(error) if error else row.switch()
        if row.dead:
            self._window.count_row()
            yield result

    def _next_row(self) -> greenlet | None:
        """Wait until one can go on. None after a second interrupt, of which all are to be told."""
        while not self._is_cancelling:
            due = self._sleeping[0][0] - time.monotonic() if self._sleeping else None
            if due is not None and due <= 0:
                _, _, row, token = heapq.heappop(self._sleeping)
                item: tuple[greenlet, object] | None = row, token
            else:
                try:
                    item = self._answers.get(timeout=due)
                except Empty:
                    continue
            if item is not None and self._waiting.get(item[0]) is item[1]:
                return item[0]
        return None

    def _interrupt(self) -> None:
        """Start no more at the first interrupt; tell those in flight of the second."""
        self._is_cancelling = self.is_interrupted
        self.is_interrupted = self.is_stopped = True
        self._answers.put(None)


class PipelineConnection(Connection):
    """A connection for the functions that a pipeline runs: waiting for an answer lets the others go on.

    It waits for a server that wants less or is away for some seconds, and sends again what may be sent again.
    """

    tries = 4
    is_for_many = True

    def __init__(self, conn: Connection, pipeline: Pipeline[Any], timeout: float | None) -> None:
        self._conn, self._pipeline, self._timeout = conn, pipeline, timeout
        self._shared: Pending | None = None  # the last call that was for all
        self._asked: dict[str, Pending] = {}  # method -> the last one that was begun for all
        self.address, self.user, self.on_change, self.version = conn.address, conn.user, conn.on_change, conn.version
        self.granted_in = conn.granted_in

    @property
    def seconds_to_settle(self) -> float:  # type: ignore[override]
        """As long as a server is waited for, and some more; hardly at all for who interrupts."""
        return 0.5 if self._pipeline.is_interrupted else SECONDS_TO_COME_BACK + Connection.seconds_to_settle

    def begin(
        self, method: str, *, deadline: Deadline, login: Login | None = CONNECTION_LOGIN, **fields: Any
    ) -> PipelinePending:
        """As `Connection.begin`; each call has the timeout of the pipeline, unless the caller has less time."""
        send = self._sender(method, deadline, login, fields)
        return PipelinePending(self._pipeline, send, send(), is_question=method.startswith(QUESTIONS))

    def call(self, method: str, *, deadline: Deadline, login: Login | None = CONNECTION_LOGIN, **fields: Any) -> Any:
        """As `Connection.call`."""
        return self.begin(method, deadline=deadline, login=login, **fields).reply()

    def call_for_all(
        self, method: str, *, deadline: Deadline, login: Login | None = CONNECTION_LOGIN, **fields: Any
    ) -> Any:
        """As `call`; those who ask while one is in flight share the next one, which is sent after they asked."""
        if (before := self._shared) is not None:
            self._pipeline.wait_for(before)
            self._pipeline.let_others_go_on()
        send = self._sender(method, deadline, login, fields)
        if self._shared is before or self._shared is None:
            self._shared = send()
        return PipelinePending(self._pipeline, send, self._shared, is_question=True).reply()

    def begin_for_all(
        self, method: str, *, deadline: Deadline, login: Login | None = CONNECTION_LOGIN, **fields: Any
    ) -> SharedPending:
        """As `Connection.begin_for_all`; those who ask while one is in flight wait for that one."""
        send = self._sender(method, deadline, login, fields)
        asked = self._asked.get(method)
        if asked is None or asked.is_done:
            asked = self._asked[method] = send()
        return SharedPending(self._pipeline, send, asked, is_question=True)

    def sleep(self, seconds: float) -> None:
        """As `Connection.sleep`."""
        self._pipeline.sleep(seconds)

    def _sender(
        self, method: str, deadline: Deadline, login: Login | None, fields: dict[str, Any]
    ) -> Callable[[], Pending]:
        """A function that sends a call, each time anew."""

        def send() -> Pending:
            until = Deadline(self._timeout) if deadline.timeout is None else deadline
            return self._conn.begin(method, deadline=until, login=login, **fields)

        return send


class PipelinePending(Pending):
    """A call of a pipeline in flight."""

    def __init__(
        self, pipeline: Pipeline[Any], send: Callable[[], Pending], pending: Pending, *, is_question: bool
    ) -> None:
        self._pipeline, self._send, self._pending, self._is_question = pipeline, send, pending, is_question

    def reply(self) -> Any:
        """As `Pending.reply`."""
        while True:
            try:
                self._pipeline.wait_for(self._pending)
                reply = self._pending.reply()
                self._pipeline.note_answer()
                _raise_if_limited(reply)
                return reply
            except MilvusException as exc:
                may_send_again = self._is_question or is_never_sent(exc)
                if not self._pipeline.may_retry(exc, may_send_again=may_send_again):
                    raise
                self._pending = self._send()
            except BaseException:
                self.cancel()
                raise

    def cancel(self) -> None:
        """As `Pending.cancel`."""
        self._pending.cancel()

    def release(self) -> None:
        """As `Pending.release`."""
        self._pending.release()


class SharedPending(PipelinePending):
    """A call of a pipeline in flight for which others wait, too: nobody takes it from them."""

    def cancel(self) -> None:
        """Leave it to the others."""

    def release(self) -> None:
        """Leave it to the others."""


def _raise_if_limited(reply: Any) -> None:
    """Raise what a rate limit means; other failures are the caller's to read."""
    status = status_of(reply)
    if not status.ok and isinstance(error := error_from_status(status), RateLimitedError):
        raise error
