"""Many users at once: created, deleted with their passwords checked, or dropped.

All rows are checked before the first change (`plan.py`), rows don't stop each other, and running the same rows
again does only what is missing.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from milvus_magics.bulk.pipeline import Pipeline, Row
from milvus_magics.bulk.plan import (
    CREATE,
    DELETE,
    DROP,
    SECONDS_TO_COME_BACK,
    make_plan,
    read_all_users,
    retry_while_unavailable,
    roles_held,
)
from milvus_magics.bulk.results import (
    DONE,
    NOT_TRIED,
    PARTLY,
    REFUSED,
    UNKNOWN,
    BulkPlan,
    BulkResult,
    RowOutcome,
    UserRow,
)
from milvus_magics.bulk.row_job import PasswordChecker, RowJob, create, delete
from milvus_magics.bulk.rows import generate_missing_passwords, rows_of
from milvus_magics.client.change import SECONDS_BETWEEN_QUESTIONS, SECONDS_TO_SETTLE
from milvus_magics.client.password_check import choose_check_method
from milvus_magics.client.results.users import UserSnapshot
from milvus_magics.client.user_deletion import read_password_hashes
from milvus_magics.errors import MilvusException
from milvus_magics.secret import Secret
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline

SINGLE = {CREATE: "create_user", DELETE: "delete_user", DROP: "drop_user"}
MOST_TRIES = 4

Progress = Callable[[int], None]


def create_users(conn: Connection, source: Any, **options: Any) -> BulkResult:
    """Create users, and give them roles.

    Args:
        conn: a connection whose user may do so (CreateOwnership, ManageOwnership) and look (SelectUser).
        source: rows, as `bulk_rows.rows_of` takes them. Where no password is given, a random one is made up, which the
            result has masked (`.passwords`).
        **options: `limit` (how many users the server takes, where that is known), and those of `execute`.

    Raises:
        BulkError: rows are not as they should be: all problems at once; nothing was changed.
        MilvusException: the server cannot be asked; nothing was changed.
    """
    source = rows_of(source)
    return _run(conn, CREATE, source, **options)


def delete_users(conn: Connection, source: Any, **options: Any) -> BulkResult:
    """Delete users whose passwords are given; each is checked before. Who is gone already is no error.

    Args:
        conn: a connection whose user may delete users (DropOwnership) and look (SelectUser).
        source: rows with `user` and `password`.
        **options: `stop_on_error`, `progress` and `timeout`, as in `execute`.

    Raises:
        BulkError: rows are not as they should be: all problems at once; nothing was changed.
        CannotVerifyError: here nobody can tell whether a password is right; nothing was changed.
    """
    source = rows_of(source)
    return _run(conn, DELETE, source, **options)


def drop_users(conn: Connection, source: Any, **options: Any) -> BulkResult:
    """Delete users without their passwords. Who is gone already is no error.

    Args:
        conn: a connection whose user may delete users (DropOwnership) and look (SelectUser).
        source: rows with `user`.
        **options: `stop_on_error`, `progress` and `timeout`, as in `execute`.

    Raises:
        BulkError: rows are not as they should be: all problems at once; nothing was changed.
    """
    source = rows_of(source)
    return _run(conn, DROP, source, **options)


def execute(
    conn: Connection,
    planned: BulkPlan,
    *,
    stop_on_error: bool = False,
    progress: Progress | None = None,
    timeout: float | None = 10.0,
) -> BulkResult:
    """Carry a plan out. Rows that don't come to an end say why; nothing is raised for them.

    Args:
        conn: where it was planned for.
        planned: what `make_plan` gave.
        stop_on_error: begin no more rows once one is refused.
        progress: called with the number of rows that are done by now.
        timeout: seconds for each call; None = until an answer arrives or an error occurs.

    Raises:
        CannotVerifyError: here nobody can tell whether a password is right; nothing was changed.
    """
    began = time.monotonic()
    rows = generate_missing_passwords(planned.todo) if planned.operation == CREATE else planned.todo
    run = _Run(conn, planned, rows, stop_on_error, progress, timeout)
    run.all()
    told = sorted([*planned.done, *(work.told() for work in run.works)], key=lambda outcome: outcome.row)
    what = f"{planned.operation.replace('_', ' ')} on {conn.address.url}"
    return BulkResult(told, what, time.monotonic() - began, interrupted=run.pipeline.interrupted)


def skip_plan(planned: BulkPlan, why: str = "interrupted before") -> BulkResult:
    """The result of a plan that is not carried out."""
    left = [RowOutcome(row.number, row.user, NOT_TRIED, why, planned.server) for row in planned.todo]
    what = f"{planned.operation.replace('_', ' ')} on {planned.server}"
    return BulkResult([*planned.done, *left], what, 0.0, interrupted=True)


def _run(
    conn: Connection,
    operation: str,
    rows: Sequence[UserRow],
    *,
    limit: int | None = None,
    stop_on_error: bool = False,
    progress: Progress | None = None,
    timeout: float | None = 10.0,
) -> BulkResult:
    """Plan and execute; arguments as in both."""
    planned = make_plan(conn, operation, rows, limit=limit, timeout=timeout)
    return execute(conn, planned, stop_on_error=stop_on_error, progress=progress, timeout=timeout)


class _Run:
    """One execution of a plan."""

    def __init__(
        self,
        conn: Connection,
        planned: BulkPlan,
        rows: Sequence[UserRow],
        stop_on_error: bool,
        progress: Progress | None,
        timeout: float | None,
    ) -> None:
        self._conn, self._operation, self._timeout = conn, planned.operation, timeout
        self._stop_on_error, self._progress = stop_on_error, progress
        self.pipeline = Pipeline(conn, timeout)
        single = SINGLE[planned.operation]
        kept = self._secrets_of(rows)
        self.works = [RowJob(row, conn, single, planned.held.get(row.user), kept.get(row.user)) for row in rows]
        self._checks = self._checks_for(rows)
        self._ended = 0

    def _secrets_of(self, rows: Sequence[UserRow]) -> Mapping[str, Secret | None]:
        """User -> what brings back the password that they have: the one that is checked, or what the server tells."""
        if self._operation == DROP:
            return read_password_hashes(self._conn, [row.user for row in rows], Deadline(self._timeout))
        return {row.user: row.password for row in rows}

    def _checks_for(self, rows: Sequence[UserRow]) -> PasswordChecker | None:
        needed = self._operation == DELETE or any(work.exists for work in self.works)
        if not rows or not needed:
            return None
        way = retry_while_unavailable(lambda: choose_check_method(self._conn, rows[0].user, Deadline(self._timeout)))
        return PasswordChecker(way, self.pipeline.stop)

    def all(self) -> None:
        """Run every row to its end."""
        waiting = deque(self.works)
        while waiting:
            lost = self._pass(waiting)
            if lost and not self._settle(lost, waiting):
                break
            if self.pipeline.stopped:
                break
        for work in self.works:
            if work.outcome is None:
                outcome, reason = self._left(work)
                if work.tries and outcome != NOT_TRIED:
                    work.end(outcome, reason)
                else:
                    work.outcome, work.reason = outcome, reason

    def _left(self, work: RowJob) -> tuple[str, str]:
        """What to say of a row that was not run to its end."""
        if work.sent:
            return UNKNOWN, work.reason
        if self.pipeline.interrupted:
            return NOT_TRIED, "interrupted before"
        if self.pipeline.stopped:
            return NOT_TRIED, "stopped after an error that others would meet, too"
        return REFUSED, f"not sent: {work.reason or 'the server cannot be reached any more'}"

    def _pass(self, waiting: deque[RowJob]) -> list[RowJob]:
        """Run rows until none is left, or the connection breaks; those whose fate is open."""
        begun: list[RowJob] = []

        def rows() -> Iterator[Callable[[], Row]]:
            while waiting:
                begun.append(waiting.popleft())
                yield partial(self._script, begun[-1])

        for _ in self.pipeline.run(rows()):
            pass
        return [work for work in begun if work.is_lost and work.outcome is None]

    def _script(self, work: RowJob) -> Row:
        yield from (create if self._operation == CREATE else delete)(work, self._checks)
        self._count(work)

    def _count(self, work: RowJob) -> None:
        """Tell how far it is, and stop where that is wanted or the only sense."""
        if work.outcome is None:
            return
        self._ended += 1
        if self._progress is not None:
            self._progress(self._ended)
        if work.is_hopeless or (self._stop_on_error and work.outcome in (REFUSED, PARTLY)):
            self.pipeline.stop()

    def _settle(self, lost: list[RowJob], waiting: deque[RowJob]) -> bool:
        """Ask the server what became of rows; those that it doesn't have yet wait again. False = it is gone."""
        if not _comes_back(self._conn, 0.5 if self.pipeline.interrupted else SECONDS_TO_COME_BACK):
            return False
        open_ = list(lost)
        for _ in Deadline(SECONDS_TO_SETTLE).poll(SECONDS_BETWEEN_QUESTIONS):
            try:
                held = read_all_users(self._conn, Deadline(self._timeout))
            except MilvusException:
                return False
            done = [work for work in open_ if self._is_done(work, held)]
            for work in done:
                self._count(work)
            open_ = [work for work in open_ if work.outcome is None]
            if not any(work.sent for work in open_):
                break
        for work in open_:
            if work.tries < MOST_TRIES and not self.pipeline.stopped:
                waiting.append(work)
            elif work.sent:
                work.end(UNKNOWN, f"{work.reason}; not done so far, but the server may still do it")
                self._count(work)
        return True

    def _is_done(self, work: RowJob, held: dict[str, UserSnapshot]) -> bool:
        """Whether a row turns out to be done, by what the server has now."""
        if not work.sent:
            return False
        if self._operation != CREATE:
            if work.row.user in held:
                return False
            work.end(DONE, "the answer was lost, but the server says that it is done")
            return True
        work.exists = work.row.user in held
        for role in set(work.lacking) & roles_held(held, work.row.user):
            work.granted(role)
        if work.exists and not work.lacking:
            work.end(DONE, "the answer was lost, but the server says that it is done")
            return True
        return False


def _comes_back(conn: Connection, seconds: float) -> bool:
    """Whether a server answers, or does so again soon."""
    for _ in Deadline(seconds).poll(SECONDS_BETWEEN_QUESTIONS):
        try:
            conn.call("GetVersion", deadline=Deadline(min(seconds, 2.0)))
            return True
        except MilvusException:
            pass
    return False
