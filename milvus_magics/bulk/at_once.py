"""Creates many users by one request, with passwords that are hashed here: all of them or none."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from milvus_magics import errors
from milvus_magics.bulk import plan
from milvus_magics.bulk.results import (
    DONE,
    NOT_TRIED,
    REFUSED,
    UNKNOWN,
    BulkPlan,
    BulkResult,
    Problem,
    RowOutcome,
    UserRow,
)
from milvus_magics.bulk.rows import generate_missing_passwords, raise_problems
from milvus_magics.client import change, lookup, rbac_restore
from milvus_magics.client.names import USUAL_USER_LIMIT
from milvus_magics.client.password_check import check_password
from milvus_magics.secret import PasswordHash, require_bcrypt
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline
from milvus_magics.transport.interrupts import defer_interrupts
from milvus_magics.wire.versions import FEATURES
from milvus_magics.wording import count_text, list_text

Progress = Callable[[int], None]


def make_plan(
    conn: Connection,
    operation: str,
    rows: Sequence[UserRow],
    *,
    limit: int | None = None,
    timeout: float | None = None,
) -> BulkPlan:
    """Check all rows of a creation in one request, without changing anything; arguments as in `plan.make_plan`.

    Users who exist and lack roles are refused: only the ordinary way gives them.

    Raises:
        ParameterError: the package bcrypt is not installed; nothing was sent.
        ServerTooOldError: the server cannot (before 2.4.10).
        BulkError: rows are not as they should be: all problems at once.
    """
    require_bcrypt()
    deadline = Deadline(timeout)
    planned = plan.make_plan(conn, operation, rows, limit=limit, timeout=timeout)
    try:
        cost = rbac_restore.read_hash_cost(conn, deadline)
    except errors.ServerTooOldError as exc:
        raise exc.with_message(f"--at-once is not possible here: {exc}", exc.outcome) from exc
    todo = tuple(row for row in planned.todo if row.user not in planned.users)
    raise_problems(_find_problems(conn, todo, deadline))
    partly = tuple(_refuse_partly_created(conn, row) for row in planned.todo if row.user in planned.users)
    notes = _notes(len(planned.users), todo, partly, cost)
    return replace(planned, todo=todo, done=(*planned.done, *partly), notes=notes, hash_cost=cost)


def execute(
    conn: Connection, planned: BulkPlan, *, progress: Progress | None = None, timeout: float | None = 10.0
) -> BulkResult:
    """Carry out a plan of `make_plan`; what goes wrong stands in the outcomes, and nothing is raised for it.

    What `progress` raises has the result as its attribute `result`; then nothing was sent.

    Args:
        progress: called with the number of passwords that are hashed by now, which is what takes long.
        timeout: seconds for each call; None = until an answer arrives or an error occurs.
    """
    started = time.monotonic()
    creation = _Creation(conn, generate_missing_passwords(planned.todo), timeout)

    def to_result() -> BulkResult:
        outcomes = sorted([*planned.done, *creation.outcomes], key=lambda outcome: outcome.row)
        seconds = time.monotonic() - started
        title = f"create users at once on {planned.server}"
        return BulkResult(outcomes, title, seconds, interrupted=creation.is_interrupted)

    try:
        if planned.todo and planned.hash_cost is not None:
            creation.run(planned.hash_cost, progress)
    except BaseException as exc:
        exc.result = to_result()  # type: ignore[attr-defined]
        raise
    return to_result()


def _find_problems(conn: Connection, rows: Sequence[UserRow], deadline: Deadline) -> list[Problem]:
    """List why these rows cannot go by one request."""
    problems = [
        plan.make_problem(row, "description", "--at-once cannot give one: leave it out, or --at-once")
        for row in rows
        if row.description
    ]
    if lookup.is_older(conn, FEATURES["roles are checked when restoring"], deadline):
        problems += _find_unchecked(conn, rows, deadline)
    size = sum(rbac_restore.estimate_bytes(row.user, row.roles) for row in rows)
    if size > rbac_restore.MAX_REQUEST_BYTES:
        most = rbac_restore.MAX_REQUEST_BYTES * len(rows) // size
        text = (
            f"{len(rows)} users are too many for one request ({size} bytes, and {rbac_restore.MAX_REQUEST_BYTES} are "
            f"safe): give about {most} at a time"
        )
        problems.append(Problem(None, "", "", text))
    return problems


def _find_unchecked(conn: Connection, rows: Sequence[UserRow], deadline: Deadline) -> list[Problem]:
    """List what older servers refuse the ordinary way, and would take to the letter here."""
    if not any(row.roles for row in rows) or lookup.require_roles(conn, [], deadline):
        return []
    text = (
        f"whether the roles exist cannot be seen without the privilege {lookup.MAY_LIST}, and this server does not "
        "look at it with --at-once"
    )
    return [Problem(None, "", "roles", text)]


def _refuse_partly_created(conn: Connection, row: UserRow) -> RowOutcome:
    why = "the user exists already and lacks roles, which --at-once does not give: run it again without"
    return row.to_outcome(conn.address.url, REFUSED, why)


def _notes(present: int, rows: Sequence[UserRow], partly: Sequence[RowOutcome], cost: int) -> tuple[str, ...]:
    """What the caller should know before."""
    names = list_text([repr(outcome.user) for outcome in partly])
    lacking = (f"without --at-once, roles are given to those who exist and lack some: {names}",) if partly else ()
    if not rows:
        return lacking
    return (
        f"all by one request, so all or none; passwords are hashed here before (bcrypt, cost {cost})",
        f"the server will have {count_text(present + len(rows), 'user')}; on this way it checks neither its limit "
        f"({USUAL_USER_LIMIT} unless proxy.maxUserNum is raised; beyond it, no more can be created one by one) "
        "nor its rules for names",
        *lacking,
    )


class _Creation:
    """One creation of many users.

    Attributes:
        outcomes: of the rows, once it has run.
        is_interrupted: whether somebody interrupted it.
    """

    def __init__(self, conn: Connection, rows: Sequence[UserRow], timeout: float | None) -> None:
        self._conn, self._rows, self._timeout = conn, rows, timeout
        self._attempt = self._make_attempt()
        self._users: plan.Users = {}  # as they were seen when the answer was lost
        self._code, self._reason = 0, ""
        self.outcomes: list[RowOutcome] = []
        self.is_interrupted = False

    def run(self, cost: int, progress: Progress | None) -> None:
        """Hash, send, find out, report."""
        try:
            rbac_restore.require_restorer(self._conn, Deadline(self._timeout))
            hashes = _hash_passwords(self._rows, cost, progress)
            self._attempt = self._make_attempt()
            self._send(hashes)
        except errors.MilvusException as exc:
            self._code, self._reason = exc.code, exc.reason
        except KeyboardInterrupt as exc:
            self._code, self._reason, self.is_interrupted = change.CANCELLED, str(exc), True
        finally:
            with defer_interrupts(on_interrupt=self._record_interrupt):
                self._report()

    def _make_attempt(self) -> change.Attempt:
        subject = f"the creation of {count_text(len(self._rows), 'user')}"
        return change.Attempt(self._conn, "create_user", "", subject, "done", Deadline(self._timeout))

    def _send(self, hashes: Sequence[PasswordHash]) -> None:
        """Send the request, once the roles are seen to be there still: hashing may have taken minutes."""
        if roles := sorted({role for row in self._rows for role in row.roles}):
            lookup.require_roles(self._conn, roles, Deadline(self._timeout))
        users = [
            rbac_restore.HashedUser(row.user, hashed, row.roles) for row, hashed in zip(self._rows, hashes, strict=True)
        ]
        rbac_restore.send_users(
            self._attempt, users, self._is_done, repeated=errors.UserExistsError, is_ours=self._is_ours
        )

    def _is_done(self, until: Deadline) -> bool:
        """Whether all users are there with their roles, as far as those are seen."""
        # To read thousands may take longer than `until`, which is meant for one.
        self._users = plan.read_all_users(self._conn, Deadline(plan.SECONDS_TO_COME_BACK))
        return all(
            (user := self._users.get(row.user)) is not None and (user.roles is None or set(row.roles) <= {*user.roles})
            for row in self._rows
        )

    def _is_ours(self, until: Deadline) -> bool | None:
        """Whether they are there by this request: the password of one of them tells."""
        row = self._rows[0]
        return (
            row.password is not None
            and self._is_done(until)
            and check_password(self._conn, row.user, row.password, Deadline(2.0), may_rewrite=True).right
        )

    def _record_interrupt(self) -> None:
        self.is_interrupted = True

    def _report(self) -> None:
        """Make the outcome of each row, and its entry in the audit unless nothing was tried."""
        outcome = self._attempt.outcome
        if outcome == REFUSED and self._code == change.CANCELLED:
            outcome = NOT_TRIED
        for row in self._rows:
            if outcome != NOT_TRIED:
                self._attempt.describe(row.user, f"user {row.user!r}", "created")
                self._attempt.report(0 if outcome == DONE else self._code)
            self.outcomes.append(row.to_outcome(self._conn.address.url, outcome, self._reason_for(row, outcome)))

    def _reason_for(self, row: UserRow, outcome: str) -> str:
        if outcome == NOT_TRIED:
            return "interrupted before anything was sent"
        if outcome == DONE:
            return self._attempt.note
        if outcome == UNKNOWN:
            seen = "the user is there, but not all of them are as wanted: " if row.user in self._users else ""
            return f"{seen}{self._reason}"
        return f"no user was created, as it is all or none: {self._reason}"


def _hash_passwords(rows: Sequence[UserRow], cost: int, progress: Progress | None) -> list[PasswordHash]:
    """Hash the passwords of all rows on all processors, as bcrypt releases the GIL. An interrupt ends it at once."""
    pool = ThreadPoolExecutor(os.cpu_count(), "bcrypt")
    hashes = []
    try:
        pending = [pool.submit(PasswordHash.from_password, row.password, cost) for row in rows if row.password]
        for count, future in enumerate(pending, 1):
            hashes.append(future.result())
            if progress is not None:
                progress(count)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return hashes
