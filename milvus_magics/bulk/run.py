"""Creates and deletes many users at once.

All rows are checked before the first change (`plan.py`), rows don't stop each other, and running the same rows
again does only what is missing.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from milvus_magics.bulk import at_once as one_request
from milvus_magics.bulk import plan, results
from milvus_magics.bulk.pipeline import Pipeline, Script
from milvus_magics.bulk.row_job import PasswordChecker, RowJob, create_row, delete_row
from milvus_magics.bulk.rows import generate_missing_passwords, rows_of
from milvus_magics.client.change import SECONDS_BETWEEN_QUESTIONS, SECONDS_TO_SETTLE
from milvus_magics.client.password_check import check_password, choose_check_method
from milvus_magics.client.results.users import UserSnapshot
from milvus_magics.client.user_deletion import read_password_hashes
from milvus_magics.errors import MilvusException, UserExistsError
from milvus_magics.secret import Secret
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline

MAX_TRIES = 4
REPLY_LOST_BUT_DONE = "the answer was lost, but the server says that it is done"

Progress = Callable[[int], None]


def create_users(conn: Connection, source: Any, **options: Any) -> results.BulkResult:
    """Create users, and give them roles.

    Args:
        conn: a connection whose user may do so (CreateOwnership, ManageOwnership) and look (SelectUser).
        source: rows, as `rows.rows_of` takes them. Where no password is given, a random one is generated, which the
            result has masked (`.passwords`).
        **options: `limit` (how many users the server takes, where that is known), `at_once` (whether all are created
            by one request of RestoreRBAC, all or none; see `at_once.py`), and those of `execute`.

    Raises:
        BulkError: rows are not as they should be: all problems at once; nothing was changed.
        MilvusException: the server cannot be asked; nothing was changed.
    """
    source = rows_of(source)
    return _plan_and_execute(conn, plan.CREATE, source, **options)


def delete_users(conn: Connection, source: Any, **options: Any) -> results.BulkResult:
    """Delete users whose passwords are right.

    Args:
        conn: a connection whose user may delete users (DropOwnership) and look (SelectUser).
        source: rows with `user` and `password`.
        **options: `stop_on_error`, `progress` and `timeout`, as in `execute`.

    Raises:
        BulkError: rows are not as they should be: all problems at once; nothing was changed.
        CannotVerifyError: here nobody can tell whether a password is right; nothing was changed.
    """
    source = rows_of(source)
    return _plan_and_execute(conn, plan.DELETE, source, **options)


def drop_users(conn: Connection, source: Any, **options: Any) -> results.BulkResult:
    """Delete users without checking passwords.

    Args:
        conn: a connection whose user may delete users (DropOwnership) and look (SelectUser).
        source: rows with `user`.
        **options: `stop_on_error`, `progress` and `timeout`, as in `execute`.

    Raises:
        BulkError: rows are not as they should be: all problems at once; nothing was changed.
    """
    source = rows_of(source)
    return _plan_and_execute(conn, plan.DROP, source, **options)


def execute(
    conn: Connection,
    planned: results.BulkPlan,
    *,
    stop_on_error: bool = False,
    progress: Progress | None = None,
    timeout: float | None = 10.0,
) -> results.BulkResult:
    """Carry out a plan; a row that fails says why, and nothing is raised for it.

    Args:
        planned: what `make_plan` gave.
        stop_on_error: start no more rows once one is refused.
        progress: called with the number of rows that are done by now.
        timeout: seconds for each call; None = until an answer arrives or an error occurs.

    Raises:
        CannotVerifyError: here nobody can tell whether a password is right; nothing was changed.
    """
    if planned.hash_cost is not None:
        return one_request.execute(conn, planned, progress=progress, timeout=timeout)
    started = time.monotonic()
    rows = generate_missing_passwords(planned.todo) if planned.operation == plan.CREATE else planned.todo
    run = _Run(conn, planned, rows, stop_on_error, progress, timeout)
    run.run_all()
    outcomes = sorted([*planned.done, *(job.to_outcome() for job in run.jobs)], key=lambda outcome: outcome.row)
    seconds = time.monotonic() - started
    return results.BulkResult(outcomes, _title(planned), seconds, interrupted=run.pipeline.is_interrupted)


def skip_plan(
    planned: results.BulkPlan, why: str = "interrupted before", *, interrupted: bool = True
) -> results.BulkResult:
    """The result of a plan that is not carried out."""
    left = [results.RowOutcome(row.number, row.user, results.NOT_TRIED, why, planned.server) for row in planned.todo]
    return results.BulkResult([*planned.done, *left], _title(planned), 0.0, interrupted=interrupted)


def _title(planned: results.BulkPlan) -> str:
    return f"{planned.operation.replace('_', ' ')} on {planned.server}"


def _plan_and_execute(
    conn: Connection,
    operation: str,
    rows: Sequence[results.UserRow],
    *,
    limit: int | None = None,
    at_once: bool = False,
    timeout: float | None = 10.0,
    **options: Any,
) -> results.BulkResult:
    make_plan = one_request.make_plan if at_once else plan.make_plan
    planned = make_plan(conn, operation, rows, limit=limit, timeout=timeout)
    return execute(conn, planned, timeout=timeout, **options)


class _Run:
    """One execution of a plan."""

    def __init__(
        self,
        conn: Connection,
        planned: results.BulkPlan,
        rows: Sequence[results.UserRow],
        stop_on_error: bool,
        progress: Progress | None,
        timeout: float | None,
    ) -> None:
        self._conn, self._operation, self._timeout = conn, planned.operation, timeout
        self._stop_on_error, self._progress = stop_on_error, progress
        self.pipeline: Pipeline[RowJob] = Pipeline(conn, timeout)
        operation = planned.operation.removesuffix("s")  # the row's own entry in the audit
        secrets = self._read_secrets(rows)
        self.jobs = [RowJob(row, conn, operation, planned.users.get(row.user), secrets.get(row.user)) for row in rows]
        self._checker = self._make_checker(rows)
        self._count = 0

    def _read_secrets(self, rows: Sequence[results.UserRow]) -> Mapping[str, Secret | None]:
        """What restores each user's password: the password itself, or its hash if the server tells it."""
        if self._operation == plan.DROP:
            return read_password_hashes(self._conn, [row.user for row in rows], Deadline(self._timeout))
        return {row.user: row.password for row in rows}

    def _make_checker(self, rows: Sequence[results.UserRow]) -> PasswordChecker | None:
        """Make the checker of passwords; None if no row needs one."""
        is_needed = self._operation == plan.DELETE or any(job.is_present for job in self.jobs)
        if not rows or not is_needed:
            return None
        method = plan.retry_while_unavailable(
            lambda: choose_check_method(self._conn, rows[0].user, Deadline(self._timeout))
        )
        return PasswordChecker(method, self.pipeline.stop)

    def run_all(self) -> None:
        """Run every row to its end."""
        waiting = deque(self.jobs)
        while waiting and not self.pipeline.is_stopped:
            lost = self._run_waiting(waiting)
            if lost and not self._settle(lost, waiting):
                break
        for job in self.jobs:
            if job.outcome is None:
                self._finish_unsettled(job)

    def _run_waiting(self, waiting: deque[RowJob]) -> list[RowJob]:
        """Run rows until none is waiting or the connection breaks, and return those whose reply was lost."""
        run_row = create_row if self._operation == plan.CREATE else delete_row

        def starts() -> Iterator[Callable[[], Script[RowJob]]]:
            while waiting:
                yield partial(run_row, waiting.popleft(), self._checker)

        lost = []
        for job in self.pipeline.run(starts()):
            if job.outcome is None:
                lost.append(job)
            else:
                self._report_progress(job)
        return [job for job in lost if not (job.is_disputed and self._refuse_foreign(job))]

    def _report_progress(self, job: RowJob) -> None:
        """Report how many rows are done, and stop if the other rows would fail, too."""
        self._count += 1
        if self._progress is not None:
            self._progress(self._count)
        if job.is_general_error or (self._stop_on_error and job.outcome in (results.REFUSED, results.PARTLY)):
            self.pipeline.stop()

    def _finish_unsettled(self, job: RowJob) -> None:
        """Set the outcome of a row that was not run to its end."""
        if job.is_sent:
            job.finish(results.UNKNOWN, job.reason)
        elif self.pipeline.is_interrupted:
            job.outcome, job.reason = results.NOT_TRIED, "interrupted before"
        elif self.pipeline.is_stopped:
            job.outcome, job.reason = results.NOT_TRIED, "stopped after an error that others would meet, too"
        else:
            reason = f"not sent: {job.reason or 'the server cannot be reached any more'}"
            if job.tries:
                job.finish(results.REFUSED, reason)
            else:
                job.outcome, job.reason = results.REFUSED, reason

    def _settle(self, lost: list[RowJob], waiting: deque[RowJob]) -> bool:
        """Ask the server about rows whose reply was lost, and queue those to retry; False if it is gone."""
        if not self._wait_for_server():
            return False
        for _ in Deadline(SECONDS_TO_SETTLE).poll(SECONDS_BETWEEN_QUESTIONS):
            try:
                users = plan.read_all_users(self._conn, Deadline(self._timeout))
            except MilvusException:
                return False
            lost = [job for job in lost if not self._finish_if_done(job, users.get(job.row.user))]
            if not any(job.is_sent for job in lost):
                break
        for job in lost:
            if job.tries < MAX_TRIES and not self.pipeline.is_stopped:
                waiting.append(job)
            elif job.is_sent:
                job.finish(results.UNKNOWN, f"{job.reason}; not done so far, but the server may still do it")
                self._report_progress(job)
        return True

    def _refuse_foreign(self, job: RowJob) -> bool:
        """Finish a row whose user was made by somebody else meanwhile: the password tells. False if it was this row."""
        job.is_disputed, password = False, job.row.password
        try:
            if password and check_password(self._conn, job.row.user, password, Deadline(2.0), may_rewrite=True).right:
                return False
            job.finish(results.REFUSED, "the user exists already, with another password", code=UserExistsError.CODE)
        except (MilvusException, KeyboardInterrupt) as exc:
            if isinstance(exc, KeyboardInterrupt):
                self.pipeline.is_interrupted = self.pipeline.is_stopped = True
            why = str(exc) or "interrupted"
            job.finish(results.UNKNOWN, f"the user exists; whether it was made here cannot be told: {why}")
        self._report_progress(job)
        return True

    def _wait_for_server(self) -> bool:
        """Wait until the server answers; False if it doesn't in time."""
        seconds = 0.5 if self.pipeline.is_interrupted else plan.SECONDS_TO_COME_BACK
        for _ in Deadline(seconds).poll(SECONDS_BETWEEN_QUESTIONS):
            try:
                self._conn.call("GetVersion", deadline=Deadline(min(seconds, 2.0)))
                return True
            except MilvusException:
                pass
        return False

    def _finish_if_done(self, job: RowJob, user: UserSnapshot | None) -> bool:
        """Finish a row that turns out to be done, by what the server has now of its user."""
        if not job.is_sent:
            return False
        if self._operation == plan.CREATE:
            job.is_present = user is not None
            for role in set(job.missing_roles) & plan.visible_roles(user):
                job.add_role(role)
            is_done = job.is_present and not job.missing_roles
        else:
            is_done = user is None
        if is_done:
            job.finish(results.DONE, REPLY_LOST_BUT_DONE)
            self._report_progress(job)
        return is_done
