"""Creates and deletes many users at once.

All rows are checked before the first change (`plan.py`), rows don't stop each other, and running the same rows
again does only what is missing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from milvus_magics.bulk import plan, results
from milvus_magics.bulk.pipeline import Pipeline
from milvus_magics.bulk.row import GENERAL_ERRORS, RowJob
from milvus_magics.bulk.rows import generate_missing_passwords, rows_of
from milvus_magics.client.user_deletion import read_password_hashes
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline

Progress = Callable[[int], None]


def create_users(conn: Connection, source: Any, **options: Any) -> results.BulkResult:
    """Create users, and give them roles.

    Args:
        conn: a connection whose user may do so (CreateOwnership, ManageOwnership) and look (SelectUser).
        source: rows, as `rows.rows_of` takes them. Where no password is given, a random one is generated, which the
            result has masked (`.passwords`).
        **options: `limit` (how many users the server takes, where that is known), and those of `execute`.

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
    """
    started = time.monotonic()
    rows = generate_missing_passwords(planned.todo) if planned.operation == plan.CREATE else planned.todo
    run = _Run(conn, planned, rows, stop_on_error, progress, timeout)
    run.run_all()
    done = [job.outcome for job in run.jobs if job.outcome is not None]
    outcomes = sorted([*planned.done, *done], key=lambda outcome: outcome.row)
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
    timeout: float | None = 10.0,
    **options: Any,
) -> results.BulkResult:
    planned = plan.make_plan(conn, operation, rows, limit=limit, timeout=timeout)
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
        self._stop_on_error, self._progress = stop_on_error, progress
        self.pipeline: Pipeline[RowJob] = Pipeline(conn, timeout)
        names = [row.user for row in rows] if planned.operation == plan.DROP else []
        hashes = read_password_hashes(conn, names, Deadline(timeout)) if names else {}
        self.jobs = [RowJob(self.pipeline.conn, planned, row, hashes.get(row.user)) for row in rows]

    def run_all(self) -> None:
        """Run every row to its end."""
        for number, job in enumerate(self.pipeline.run(iter(self.jobs)), 1):
            if self._progress is not None:
                self._progress(number)
            is_failed = job.outcome is not None and job.outcome.outcome in (results.REFUSED, results.PARTLY)
            if isinstance(job.error, GENERAL_ERRORS) or (self._stop_on_error and is_failed):
                self.pipeline.stop()
        for job in self.jobs:
            if job.outcome is None:
                job.finish(*self._why_not_tried())

    def _why_not_tried(self) -> tuple[str, str]:
        """The outcome of rows that were never begun, and why."""
        if self.pipeline.is_interrupted:
            return results.NOT_TRIED, "interrupted before"
        if self.pipeline.is_stopped:
            return results.NOT_TRIED, "stopped after an error that others would meet, too"
        return results.REFUSED, "not sent: the server cannot be reached any more"
