"""What bulk changes would do: every row is checked before the first change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from milvus_magics.bulk.results import ALREADY, BulkPlan, RowOutcome, UserRow
from milvus_magics.bulk.rows import find_problems, raise_problems
from milvus_magics.client import lookup
from milvus_magics.client.change import SECONDS_BETWEEN_QUESTIONS
from milvus_magics.client.lookup import role_names_in
from milvus_magics.client.names import ADMIN, ROOT, problem_with_password, problem_with_user_name
from milvus_magics.client.results.users import UserSnapshot
from milvus_magics.client.user_deletion import read_password_hashes, undo_text
from milvus_magics.errors import PermissionDeniedError, RefusedError, UnavailableError
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline
from milvus_magics.wording import did_you_mean, printable

CREATE, DELETE, DROP = "create_users", "delete_users", "drop_users"
USUAL_LIMIT = 100
SECONDS_TO_COME_BACK = 5.0  # how long a server that is gone is waited for

Found = TypeVar("Found")


def make_plan(
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
    problems = find_problems(rows) + [
        f"row {row.number}: {problem}" for row in rows if (problem := _problem(conn, operation, row))
    ]
    held = read_all_users(conn, deadline)
    if operation != CREATE:
        raise_problems(problems)
        return _plan_deletion(conn, operation, rows, held, deadline)
    problems += _unknown_roles(conn, rows, deadline)
    new = [row for row in rows if row.user not in held]
    if limit is not None and len(held) + len(new) > limit:
        problems.append(f"{len(held)} users are there and {len(new)} would come, but {limit} is the limit")
    raise_problems(problems)
    todo = [row for row in rows if row.user not in held or _is_begun(row, held)]
    done = [
        RowOutcome(row.number, row.user, ALREADY, _reason_not_planned(row, held), conn.address.url)
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


def retry_while_unavailable(ask: Callable[[], Found]) -> Found:
    """Ask again where the connection breaks: a question can do no harm. A server that isn't there is not waited for."""
    for _ in Deadline(SECONDS_TO_COME_BACK).poll(SECONDS_BETWEEN_QUESTIONS):
        try:
            return ask()
        except RefusedError:
            raise
        except UnavailableError:
            pass
    return ask()


def read_all_users(conn: Connection, deadline: Deadline) -> dict[str, UserSnapshot]:
    """All users with their roles and descriptions; without, where the caller may see only their names."""
    try:
        reply = retry_while_unavailable(
            lambda: conn.call_checked("SelectUser", deadline=deadline, include_role_info=True)
        )
    except PermissionDeniedError:
        return {name: UserSnapshot(name) for name in conn.call_checked("ListCredUsers", deadline=deadline).usernames}
    return {
        result.user.name: UserSnapshot(result.user.name, role_names_in(result), result.description)
        for result in reply.results
    }


def roles_held(held: dict[str, UserSnapshot], user: str) -> set[str]:
    """The roles that a user is known to have."""
    return set((held[user].roles if user in held else None) or ())


def _problem(conn: Connection, operation: str, row: UserRow) -> str:
    """What is wrong with a row, whatever the server has; empty where nothing."""
    if operation == CREATE:
        problem = problem_with_user_name(row.user)
        return problem or (problem_with_password(row.password) if row.password is not None else None) or ""
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
    names = retry_while_unavailable(lambda: lookup.require_roles(conn, [], deadline))
    return [
        f"row {row.number}: there is no role {role!r}{did_you_mean(role, names)}"
        for row in rows
        for role in row.roles
        if names and role not in names
    ]


def _is_begun(row: UserRow, held: dict[str, UserSnapshot]) -> bool:
    """Whether a user is there and lacks roles, so that their creation may have stopped half way."""
    is_known = row.password is not None and not row.generated  # else nobody can tell whether it is the same user
    return row.user in held and is_known and not set(row.roles) <= roles_held(held, row.user)


def _reason_not_planned(row: UserRow, held: dict[str, UserSnapshot]) -> str:
    lacks = [role for role in row.roles if role not in roles_held(held, row.user)]
    why = "the user exists already, and keeps their password"
    return f"{why}; they lack {', '.join(map(repr, lacks))}: %milvus_grant_role" if lacks else why


def _plan_deletion(
    conn: Connection,
    operation: str,
    rows: Sequence[UserRow],
    held: dict[str, UserSnapshot],
    deadline: Deadline,
) -> BulkPlan:
    todo = tuple(row for row in rows if row.user in held)
    gone = tuple(
        RowOutcome(
            row.number, row.user, ALREADY, f"there is no such user{did_you_mean(row.user, held)}",
            conn.address.url,
        )
        for row in rows
        if row.user not in held
    )  # fmt: skip
    names = {row.user for row in todo}
    admins = {user for user in held if ADMIN in roles_held(held, user)}
    warning = f"these are all users with the role {ADMIN!r}" if admins and admins <= names else ""
    lost = [held[user] for user in names]
    roles = sorted({role for user in names for role in roles_held(held, user)})
    notes = [f"their roles go with them: {', '.join(map(printable, roles))}"] if roles else []
    if any(user.roles is None for user in lost):
        notes.append("their roles go with them, and are unknown (the acting user may not look)")
    if operation == DELETE and todo:
        notes.append("each password is checked when it is done")
    is_kept = operation == DELETE and conn.keeper is not None and conn.keeper.wanted
    unkept = 0 if is_kept else len(lost) - len(read_password_hashes(conn, names, deadline) if operation == DROP else ())
    notes += filter(None, [undo_text(conn, lost, unkept)])
    return BulkPlan(operation, conn.address.url, todo, gone, held, tuple(notes), warning)
