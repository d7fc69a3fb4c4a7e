"""Carries out a client function for each of many names, with many calls in flight."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from milvus_magics import errors
from milvus_magics.bulk import results, run
from milvus_magics.bulk.row import RowJob
from milvus_magics.transport.connection import Connection


class NameJob(RowJob):
    """One name, to be called by a pipeline.

    Args:
        function: called with the connection and the name.
        describe: what else should be known, of what that returns.
    """

    def __init__(self, function: Callable[..., Any], describe: Callable[[Any], str], *arguments: Any) -> None:
        super().__init__(*arguments)
        self._function, self._describe = function, describe

    def _act(self) -> str:
        return self._describe(self._function(self._conn, self.row.user))

    def _outcome_of(self, error: errors.MilvusException | errors.ChangeInterrupted) -> str:
        """What an error says of the name: what failed and changed something all the same is done in part."""
        is_changed = error.outcome == errors.Outcome.CHANGED
        return results.PARTLY if is_changed else super()._outcome_of(error)


class PreviewJob(NameJob):
    """What would be done for one name; `describe` says it."""

    SUCCESS = results.TO_DO


def run_for_each(
    conn: Connection,
    operation: str,
    names: Iterable[str],
    function: Callable[..., Any],
    *,
    progress: Callable[[int], None] | None = None,
    timeout: float | None = 10.0,
) -> results.BulkResult:
    """Call a function that changes something for each name; one that fails says why, and stops no other.

    Args:
        operation: what is done, for the result: `grant_role`.
        function: called with a connection and a name; returns a result with a `note`.
        progress: called with the number of names that are done by now.
        timeout: seconds for each call.
    """
    planned = _plan_names(conn, operation, names)
    job = partial(NameJob, function, lambda result: result.note)
    return run.run_jobs(conn, planned, job, progress=progress, timeout=timeout)


def preview_for_each(
    conn: Connection,
    operation: str,
    names: Iterable[str],
    function: Callable[..., Any],
    describe: Callable[[Any], str],
    *,
    timeout: float | None = 10.0,
) -> results.BulkResult:
    """Call a preview for each name; rows that are `to do` have what `describe` says of it as their reason."""
    job = partial(PreviewJob, function, describe)
    return run.run_jobs(conn, _plan_names(conn, operation, names), job, timeout=timeout)


def _plan_names(conn: Connection, operation: str, names: Iterable[str]) -> results.BulkPlan:
    rows = tuple(results.UserRow(number, name) for number, name in enumerate(names, 1))
    return results.BulkPlan(operation, conn.address.url, rows)
