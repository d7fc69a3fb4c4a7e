"""What would become of rows, asked of the server before anything is done; also of those beside faulty ones."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from milvus_magics import bulk
from milvus_magics.bulk.results import BulkError, BulkPlan, BulkPreview, BulkResult, Problem, UserRow
from milvus_magics.errors import NOTHING_SENT, MilvusException, ParameterError
from milvus_magics.transport.connection import Connection

MAX_ROWS = 10_000  # of a table that a browser still likes


def require_few(rows: Sequence[UserRow], operation: str) -> Sequence[UserRow]:
    """Rows that a table in a page can show, or ParameterError."""
    if len(rows) > MAX_ROWS:
        problem = f"there are {len(rows):,} users, and a form takes {MAX_ROWS:,}: give the file to %milvus_{operation}"
        raise ParameterError(problem, outcome=NOTHING_SENT)
    return rows


def foresee(
    conn: Connection, operation: str, rows: Sequence[UserRow], timeout: float | None
) -> tuple[BulkPlan, BulkPreview]:
    """The plan of rows, and what it would do; BulkError with all problems where some have any."""
    planned = bulk.plan.make_plan(conn, operation, rows, timeout=timeout)
    return planned, bulk.run.preview(conn, planned, timeout=timeout)


def foresee_others(
    conn: Connection, operation: str, rows: Sequence[UserRow], problems: Sequence[Problem], timeout: float | None
) -> BulkResult:
    """What would become of the rows without a problem. Those that cannot be checked now are left out."""
    faulty = {problem.row for problem in problems}
    others = [row for row in rows if row.number not in faulty]
    with suppress(BulkError, MilvusException):
        if others:
            return foresee(conn, operation, others, timeout)[1]
    return BulkResult([], "", 0.0)
