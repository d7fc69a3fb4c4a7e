"""Many users at once: created, deleted with their passwords checked, or dropped.

All rows are checked before the first change, rows don't stop each other, and running the same rows again does only what
is missing.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from milvus_magics.client import lookup, naming, verify
from milvus_magics.client.access_models import ADMIN, ROOT
from milvus_magics.client.bulk_models import (
    ALREADY,
    DONE,
    NOT_TRIED,
    REFUSED,
    UNKNOWN,
    BulkPlan,
    BulkResult,
    RowOutcome,
    UserRow,
)
from milvus_magics.client.bulk_rows import problems_of, raise_for, rows_of, with_passwords
from milvus_magics.client.bulk_scripts import Checks, Work, create, delete
from milvus_magics.client.change import SECONDS_BETWEEN_QUESTIONS, SECONDS_TO_SETTLE
from milvus_magics.client.connection import Connection
from milvus_magics.client.deadline import Deadline
from milvus_magics.client.deletion import stored_hashes, undo_in_words
from milvus_magics.client.models import LostUser
from milvus_magics.client.pipeline import Pipeline, Row
from milvus_magics.errors import MilvusException, PermissionDeniedError, RefusedError, UnavailableError
from milvus_magics.secret import Secret

CREATE, DELETE, DROP = "create_users", "delete_users", "drop_users"
SINGLE = {CREATE: "create_user", DELETE: "delete_user", DROP: "drop_user"}
USUAL_LIMIT = 100
MOST_TRIES = 4
SECONDS_TO_COME_BACK = 5.0  # how long a server that is gone is waited for

Progress = Callable[[int], None]
Found = TypeVar("Found")


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


def plan(
    conn: Connection,
    operation: str,
    rows: Sequence[UserRow],
    *,
    limit: int | None = None,
    timeout: float | None = None,
) -> BulkPlan:
    """What a bulk change would do; nothing is changed.

    Args:
        conn: where.
        operation: `create_users`, `delete_users` or `drop_users`.
        rows: as `rows_of` gives them.
        limit: how many users the server takes, where that is known; it doesn't tell.
        timeout: seconds for all of it.

    Raises:
        BulkError: rows are not as they should be: all problems at once.
    """
    deadline = Deadline(timeout)
    problems = problems_of(rows) + [
        f"row {row.number}: {problem}" for row in rows if (problem := _problem(conn, operation, row))
    ]
    held = _held(conn, deadline)
    if operation != CREATE:
        raise_for(problems)
        return _plan_deletion(conn, operation, rows, held, deadline)
    problems += _unknown_roles(conn, rows, deadline)
    new = [row for row in rows if row.user not in held]
    if limit is not None and len(held) + len(new) > limit:
        problems.append(f"{len(held)} users are there and {len(new)} would come, but {limit} is the limit")
    raise_for(problems)
    todo = [row for row in rows if row.user not in held or _is_begun(row, held)]
    done = [
        RowOutcome(row.number, row.user, ALREADY, _why_left(row, held), conn.address.url)
        for row in rows
        if row.user in held and not _is_begun(row, held)
    ]
    notes = []
    if limit is None and len(held) + len(new) > USUAL_LIMIT and new:
        notes.append(
            f"the server will have {len(held) + len(new)} users; Milvus takes {USUAL_LIMIT} unless its setting "
            "proxy.maxUserNum is raised"
        )
    return BulkPlan(operation, conn.address.url, tuple(todo), tuple(done), held, tuple(notes))


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
        planned: what `plan` gave.
        stop_on_error: begin no more rows once one is refused.
        progress: called with the number of rows that are done by now.
        timeout: seconds for each call; None = until an answer arrives or an error occurs.

    Raises:
        CannotVerifyError: here nobody can tell whether a password is right; nothing was changed.
    """
    began = time.monotonic()
    rows = with_passwords(planned.todo) if planned.operation == CREATE else planned.todo
    run = _Run(conn, planned, rows, stop_on_error, progress, timeout)
    run.all()
    told = sorted([*planned.done, *(work.told() for work in run.works)], key=lambda outcome: outcome.row)
    what = f"{planned.operation.replace('_', ' ')} on {conn.address.url}"
    return BulkResult(told, what, time.monotonic() - began, interrupted=run.pipeline.interrupted)


def not_tried(planned: BulkPlan, why: str = "interrupted before") -> BulkResult:
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
    planned = plan(conn, operation, rows, limit=limit, timeout=timeout)
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
        self.works = [Work(row, conn, single, planned.held.get(row.user), kept.get(row.user)) for row in rows]
        self._checks = self._checks_for(rows)
        self._ended = 0

    def _secrets_of(self, rows: Sequence[UserRow]) -> Mapping[str, Secret | None]:
        """User -> what brings back the password that they have: the one that is checked, or what the server tells."""
        if self._operation == DROP:
            return stored_hashes(self._conn, [row.user for row in rows], Deadline(self._timeout))
        return {row.user: row.password for row in rows}

    def _checks_for(self, rows: Sequence[UserRow]) -> Checks | None:
        needed = self._operation == DELETE or any(work.exists for work in self.works)
        if not rows or not needed:
            return None
        way = _patiently(lambda: verify.way_to_check(self._conn, rows[0].user, Deadline(self._timeout)))
        return Checks(way, self.pipeline.stop)

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

    def _left(self, work: Work) -> tuple[str, str]:
        """What to say of a row that was not run to its end."""
        if work.sent:
            return UNKNOWN, work.reason
        if self.pipeline.interrupted:
            return NOT_TRIED, "interrupted before"
        if self.pipeline.stopped:
            return NOT_TRIED, "stopped after an error that others would meet, too"
        return REFUSED, f"not sent: {work.reason or 'the server cannot be reached any more'}"

    def _pass(self, waiting: deque[Work]) -> list[Work]:
        """Run rows until none is left, or the connection breaks; those whose fate is open."""
        begun: list[Work] = []

        def rows() -> Iterator[Callable[[], Row]]:
            while waiting:
                begun.append(waiting.popleft())
                yield partial(self._script, begun[-1])

        for _ in self.pipeline.run(rows()):
            pass
        return [work for work in begun if work.is_lost and work.outcome is None]

    def _script(self, work: Work) -> Row:
        yield from (create if self._operation == CREATE else delete)(work, self._checks)
        self._count(work)

    def _count(self, work: Work) -> None:
        """Tell how far it is, and stop where that is wanted or the only sense."""
        if work.outcome is None:
            return
        self._ended += 1
        if self._progress is not None:
            self._progress(self._ended)
        if work.is_hopeless or (self._stop_on_error and work.outcome == REFUSED):
            self.pipeline.stop()

    def _settle(self, lost: list[Work], waiting: deque[Work]) -> bool:
        """Ask the server what became of rows; those that it doesn't have yet wait again. False = it is gone."""
        if not _comes_back(self._conn, 0.5 if self.pipeline.interrupted else SECONDS_TO_COME_BACK):
            return False
        until = Deadline(SECONDS_TO_SETTLE)
        open_ = list(lost)
        while open_:
            try:
                held = _held(self._conn, Deadline(self._timeout))
            except MilvusException:
                return False
            done = [work for work in open_ if self._is_done(work, held)]
            for work in done:
                self._count(work)
            open_ = [work for work in open_ if work.outcome is None]
            if until.passed() or not any(work.sent for work in open_):
                break
            time.sleep(SECONDS_BETWEEN_QUESTIONS)
        for work in open_:
            if work.tries < MOST_TRIES and not self.pipeline.stopped:
                waiting.append(work)
            elif work.sent:
                work.end(UNKNOWN, f"{work.reason}; not done so far, but the server may still do it")
                self._count(work)
        return True

    def _is_done(self, work: Work, held: dict[str, LostUser]) -> bool:
        """Whether a row turns out to be done, by what the server has now."""
        if not work.sent:
            return False
        if self._operation != CREATE:
            if work.row.user in held:
                return False
            work.end(DONE, "the answer was lost, but the server says that it is done")
            return True
        work.exists = work.row.user in held
        work.held |= _roles(held, work.row.user)
        if work.exists and set(work.row.roles) <= work.held:
            work.end(DONE, "the answer was lost, but the server says that it is done")
            return True
        return False


def _comes_back(conn: Connection, seconds: float) -> bool:
    """Whether a server answers, or does so again soon."""
    until = Deadline(seconds)
    while True:
        try:
            conn.call("GetVersion", deadline=Deadline(min(seconds, 2.0)))
            return True
        except MilvusException:
            if until.passed():
                return False
            time.sleep(SECONDS_BETWEEN_QUESTIONS)


def _patiently(ask: Callable[[], Found]) -> Found:
    """Ask again where the connection breaks: a question can do no harm. A server that isn't there is not waited for."""
    until = Deadline(SECONDS_TO_COME_BACK)
    while True:
        try:
            return ask()
        except RefusedError:
            raise
        except UnavailableError:
            if until.passed():
                raise
            time.sleep(SECONDS_BETWEEN_QUESTIONS)


def _held(conn: Connection, deadline: Deadline) -> dict[str, LostUser]:
    """All users with their roles and descriptions; without, where the caller may see only their names."""
    try:
        reply = _patiently(lambda: conn.checked("SelectUser", deadline=deadline, include_role_info=True))
    except PermissionDeniedError:
        return {name: LostUser(name) for name in conn.checked("ListCredUsers", deadline=deadline).usernames}
    return {
        result.user.name: LostUser(result.user.name, lookup.role_names(result), result.description)
        for result in reply.results
    }


def _roles(held: dict[str, LostUser], user: str) -> set[str]:
    """The roles that a user is known to have."""
    return set((held[user].roles if user in held else None) or ())


def _problem(conn: Connection, operation: str, row: UserRow) -> str:
    """What is wrong with a row, whatever the server has; empty where nothing."""
    if operation == CREATE:
        problem = naming.problem_with_user_name(row.user)
        return problem or (naming.problem_with_password(row.password) if row.password is not None else None) or ""
    if row.user == ROOT:
        return "the server never deletes 'root'"
    if row.user == conn.user:
        return f"you are connected as {row.user!r}: delete that one by itself, with %milvus_delete_user"
    if operation == DELETE and row.password is None:
        return f"there is no password for {row.user!r}; %milvus_drop_users needs none"
    return ""


def _unknown_roles(conn: Connection, rows: Sequence[UserRow], deadline: Deadline) -> list[str]:
    if not any(row.roles for row in rows):
        return []
    names = _patiently(lambda: lookup.require_roles(conn, [], deadline))
    return [
        f"row {row.number}: there is no role {role!r}{naming.did_you_mean(role, names)}"
        for row in rows
        for role in row.roles
        if names and role not in names
    ]


def _is_begun(row: UserRow, held: dict[str, LostUser]) -> bool:
    """Whether a user is there and lacks roles, so that their creation may have stopped half way."""
    return row.user in held and row.password is not None and not set(row.roles) <= _roles(held, row.user)


def _why_left(row: UserRow, held: dict[str, LostUser]) -> str:
    lacks = [role for role in row.roles if role not in _roles(held, row.user)]
    why = "the user exists already, and keeps their password"
    return f"{why}; they lack {', '.join(map(repr, lacks))}: %milvus_grant_role" if lacks else why


def _plan_deletion(
    conn: Connection,
    operation: str,
    rows: Sequence[UserRow],
    held: dict[str, LostUser],
    deadline: Deadline,
) -> BulkPlan:
    todo = tuple(row for row in rows if row.user in held)
    gone = tuple(
        RowOutcome(
            row.number, row.user, ALREADY, f"there is no such user{naming.did_you_mean(row.user, held)}",
            conn.address.url,
        )
        for row in rows
        if row.user not in held
    )  # fmt: skip
    names = {row.user for row in todo}
    admins = {user for user in held if ADMIN in _roles(held, user)}
    warning = f"these are all users with the role {ADMIN!r}" if admins and admins <= names else ""
    lost = [held[user] for user in names]
    roles = sorted({role for user in names for role in _roles(held, user)})
    notes = [f"their roles go with them: {', '.join(roles)}"] if roles else []
    if any(user.roles is None for user in lost):
        notes.append("their roles go with them, and are unknown (the acting user may not look)")
    if operation == DELETE and todo:
        notes.append("each password is checked when it is done")
    is_kept = operation == DELETE and conn.keeper is not None and conn.keeper.wanted
    unkept = 0 if is_kept else len(lost) - len(stored_hashes(conn, names, deadline) if operation == DROP else ())
    notes += filter(None, [undo_in_words(conn, lost, unkept)])
    return BulkPlan(operation, conn.address.url, todo, gone, held, tuple(notes), warning)
