"""Creates and deletes many users at once.

All rows are checked before the first change (`plan.py`), rows don't stop each other, and running the same rows
again does only what is missing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from milvus_magics import wire
from milvus_magics.bulk import at_once as one_request
from milvus_magics.bulk import plan, results
from milvus_magics.bulk.pipeline import Pipeline
from milvus_magics.bulk.row import RowJob, RowPreview
from milvus_magics.bulk.rows import generate_missing_passwords, make_rows
from milvus_magics.bulk.sources import Items, read_items
from milvus_magics.client.own_rights import missing_right_note
from milvus_magics.client.rbac_restore import MAY_RESTORE
from milvus_magics.client.user_deletion import MAY_DELETE, read_password_hashes
from milvus_magics.client.users import rights_to_give
from milvus_magics.secret import Secret
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline

_PRIVILEGES = {
    plan.CREATE: wire.METHODS["CreateCredential"].privilege,
    plan.DELETE: MAY_DELETE,
    plan.DROP: MAY_DELETE,
}
Progress = Callable[[int], None]


class PasswordStore(Protocol):
    """What keeps passwords that were made up, like the session's."""

    def add(self, server: str, user: str, secret: Secret) -> None:
        """Keep one."""

    def remove(self, server: str, user: str, secret: Secret) -> None:
        """Forget one that the user certainly didn't get."""


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
    source = read_items(source)  # masked from here on, in this frame, too
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
    source = read_items(source)
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
    source = read_items(source)
    return _plan_and_execute(conn, plan.DROP, source, **options)


def execute(
    conn: Connection,
    planned: results.BulkPlan,
    *,
    stop_on_error: bool = False,
    progress: Progress | None = None,
    store: PasswordStore | None = None,
    timeout: float | None = 10.0,
) -> results.BulkResult:
    """Carry out a plan; a row that fails says why, and nothing is raised for it.

    Whatever is raised all the same, by `progress` or by an interrupt, has the result as its attribute `result`.

    Args:
        planned: what `make_plan` gave.
        stop_on_error: start no more rows once one is refused.
        progress: called with the number of rows that are done by now.
        store: keeps the passwords that were made up for the plan's rows, before the first of them is sent.
        timeout: seconds for each call; None = until an answer arrives or an error occurs.
    """
    with _store_passwords(planned, store) as clean_up:
        if planned.hash_cost is not None:
            return clean_up(one_request.execute(conn, planned, progress=progress, timeout=timeout))
        return clean_up(run_jobs(conn, planned, stop_on_error=stop_on_error, progress=progress, timeout=timeout))


def run_jobs(
    conn: Connection,
    planned: results.BulkPlan,
    job: Callable[..., RowJob] = RowJob,
    *,
    stop_on_error: bool = False,
    progress: Progress | None = None,
    timeout: float | None = 10.0,
) -> results.BulkResult:
    """Run a job for each row of a plan, with many calls in flight; arguments as in `execute`.

    Args:
        job: makes it, of the connection that it has to use, the plan and the row.
    """
    run = _Run(conn, planned, stop_on_error, progress, timeout, job)
    try:
        run.run_all()
    except BaseException as exc:
        exc.result = run.to_result()  # type: ignore[attr-defined]
        raise
    return run.to_result()


def preview(conn: Connection, planned: results.BulkPlan, *, timeout: float | None = 10.0) -> results.BulkPreview:
    """Say what a plan would do, row by row; passwords are checked where that changes nothing.

    Args:
        planned: what `make_plan` gave.
        timeout: as in `execute`.
    """
    run = _Run(conn, planned, False, None, timeout, job=RowPreview)
    run.run_all()
    found = run.to_result()
    privilege = _PRIVILEGES[planned.operation] if planned.hash_cost is None else MAY_RESTORE
    given = {name for row in planned.todo for name in row.roles} if privilege == _PRIVILEGES[plan.CREATE] else ()
    lacking = (
        missing_right_note(conn, privilege, Deadline(timeout), later=rights_to_give(sorted(given)))
        if planned.todo
        else ""
    )
    is_idle = results.TO_DO not in found.counts  # then there is nothing to undo, or to be warned of
    what, notes = f"dry run: {found.what}", [] if is_idle else [*planned.notes, planned.warning, lacking]
    return results.BulkPreview(list(found), what, found.seconds, interrupted=found.interrupted, notes=notes)


def skip_plan(
    planned: results.BulkPlan, why: str = "interrupted before", *, interrupted: bool = True
) -> results.BulkResult:
    """The result of a plan that is not carried out."""
    left = [row.to_outcome(planned.server, results.NOT_TRIED, why) for row in planned.todo]
    return results.BulkResult([*planned.done, *left], _title(planned), 0.0, interrupted=interrupted)


@contextmanager
def _store_passwords(
    planned: results.BulkPlan, store: PasswordStore | None
) -> Iterator[Callable[[results.BulkResult], results.BulkResult]]:
    """Keep the passwords that were made up; yields what forgets those that no user has, by the result."""
    made_up = {row.user: row.password for row in planned.todo if row.generated and row.password is not None}

    def clean_up(result: results.BulkResult) -> results.BulkResult:
        for row in result:
            if store is not None and row.user in made_up and not row.may_be_created:
                store.remove(planned.server, row.user, made_up[row.user])
        return result

    for user, password in made_up.items() if store is not None else ():
        store.add(planned.server, user, password)  # type: ignore[union-attr]
    try:
        yield clean_up
    except BaseException as exc:
        if isinstance(result := getattr(exc, "result", None), results.BulkResult):
            clean_up(result)
        raise


def _title(planned: results.BulkPlan) -> str:
    return f"{planned.operation.replace('_', ' ')} on {planned.server}"


def _plan_and_execute(
    conn: Connection,
    operation: str,
    items: Items | str,
    *,
    limit: int | None = None,
    at_once: bool = False,
    timeout: float | None = 10.0,
    **options: Any,
) -> results.BulkResult:
    make_plan = one_request.make_plan if at_once else plan.make_plan
    planned = make_plan(conn, operation, make_rows(items), limit=limit, timeout=timeout)
    return execute(conn, planned, timeout=timeout, **options)


class _Run:
    """One execution of a plan."""

    def __init__(
        self,
        conn: Connection,
        planned: results.BulkPlan,
        stop_on_error: bool,
        progress: Progress | None,
        timeout: float | None,
        job: Callable[..., RowJob] = RowJob,
    ) -> None:
        self._started = time.monotonic()
        self._conn, self._planned, self._timeout = conn, planned, timeout
        self._stop_on_error, self._progress = stop_on_error, progress
        self._error: BaseException | None = None  # what `progress` raised
        self._pipeline: Pipeline[RowJob] = Pipeline(conn, timeout)
        rows = generate_missing_passwords(planned.todo) if planned.operation == plan.CREATE else planned.todo
        self._jobs = [job(self._pipeline.conn, planned, row) for row in rows]

    def run_all(self) -> None:
        """Run every row to its end; what `progress` raises stops it first, and comes then."""
        self._read_password_hashes()
        for number, job in enumerate(self._pipeline.run(iter(self._jobs)), 1):
            try:
                if self._progress is not None and self._error is None:
                    self._progress(number)
            except BaseException as exc:
                self._error = exc
            if self._error or job.is_general_error or (self._stop_on_error and job.is_failed):
                self._pipeline.stop()
        if self._error:
            raise self._error

    def _read_password_hashes(self) -> None:
        """Let undo know the passwords of users who are dropped, if the server tells them."""
        if self._planned.operation == plan.DROP and self._jobs:
            names = [job.row.user for job in self._jobs]
            hashes = read_password_hashes(self._conn, names, Deadline(self._timeout))
            for job in self._jobs:
                job.password_hash = hashes.get(job.row.user)

    def to_result(self) -> results.BulkResult:
        """The result, in the order of the rows."""
        for job in self._jobs:
            if job.outcome is None:
                job.finish(*self._describe_open(job))
        done = [job.outcome for job in self._jobs if job.outcome is not None]
        outcomes = sorted([*self._planned.done, *done], key=lambda outcome: outcome.row)
        seconds = time.monotonic() - self._started
        is_interrupted = self._pipeline.is_interrupted or isinstance(self._error, KeyboardInterrupt)
        return results.BulkResult(outcomes, _title(self._planned), seconds, interrupted=is_interrupted)

    def _describe_open(self, job: RowJob) -> tuple[str, str]:
        """The outcome of a row that did not come to its end, and why."""
        if job.is_started:
            return results.UNKNOWN, "not finished; check with %milvus_list_users"
        if self._pipeline.is_gone:
            return results.REFUSED, "not sent: the server cannot be reached any more"
        is_interrupted = self._pipeline.is_interrupted or not self._pipeline.is_stopped or self._error
        why = "interrupted before" if is_interrupted else "stopped, as the other rows would fail in the same way"
        return results.NOT_TRIED, why
