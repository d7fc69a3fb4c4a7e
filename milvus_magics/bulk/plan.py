"""Plans bulk changes: every row is checked before the first change."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TypeVar

from milvus_magics.bulk.look_alikes import plain_name
from milvus_magics.bulk.results import (
    ALREADY,
    MISSING,
    REFUSED,
    BulkPlan,
    Problem,
    RowOutcome,
    UserRow,
    looks_like_a_line,
    shown_name,
)
from milvus_magics.bulk.rows import find_problems, raise_problems
from milvus_magics.client import lookup
from milvus_magics.client.change import SECONDS_BETWEEN_QUESTIONS
from milvus_magics.client.names import ADMIN, ROOT, USUAL_USER_LIMIT, problem_with_password
from milvus_magics.client.password_check import require_verifiable
from milvus_magics.client.results.users import UserSnapshot
from milvus_magics.client.user_deletion import read_password_hashes, undo_text
from milvus_magics.errors import ClosedError, MilvusException, PermissionDeniedError, RefusedError, UnavailableError
from milvus_magics.secret import Secret
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline
from milvus_magics.wire.versions import FEATURES, is_older
from milvus_magics.wording import count_text, did_you_mean, first_lines, printable

CREATE, DELETE, DROP = "create_users", "delete_users", "drop_users"
MIN_USERS_FOR_AT_ONCE = 200  # fewer take no more than 2 s one by one
SECONDS_TO_COME_BACK = 5.0  # how long a server that is gone is waited for
SECONDS_FOR_HINTS = 0.4
MAX_REMARKS = 5
LOOKS_LIKE_A_LINE = "a name holds no blank and no separator; is this a whole line of a file?"

Reply = TypeVar("Reply")
Users = dict[str, UserSnapshot]


def make_plan(
    conn: Connection,
    operation: str,
    rows: Sequence[UserRow],
    *,
    limit: int | None = None,
    missing_ok: bool = False,
    timeout: float | None = None,
) -> BulkPlan:
    """Check all rows of a bulk change, without changing anything.

    Args:
        operation: `create_users`, `delete_users` or `drop_users`.
        rows: as `rows_of` gives them.
        limit: how many users the server takes, if that is known; it doesn't tell.
        missing_ok: whether a user to be deleted who isn't there is what is wanted, and no failure.
        timeout: seconds for all of it.

    Raises:
        BulkError: rows are not as they should be: all problems at once.
    """
    deadline = Deadline(timeout)
    problems = find_problems(rows)
    for row in rows:
        problems += _find_row_problems(conn, operation, row, deadline)
    users = read_all_users(conn, deadline)
    if operation == CREATE:
        problems += [*_find_near_names(rows, users), *_find_unknown_roles(conn, rows, deadline)]
        return _plan_creation(conn, rows, users, problems, limit, deadline)
    plain = {plain_name(name): name for name in users}
    problems += [
        make_problem(row, "user", text)
        for row in rows
        if (text := _problem_with_unlisted(row.user, users, plain))
        or (text := lookup.problem_with_outer_blanks(conn, row.user, deadline))
    ]
    raise_problems(problems)
    return _plan_deletion(conn, operation, rows, users, deadline, missing_ok=missing_ok)


def retry_while_unavailable(read: Callable[[], Reply]) -> Reply:
    """Retry a read for up to 5 s while the connection breaks; not if nothing listens there."""
    for _ in Deadline(SECONDS_TO_COME_BACK).poll(SECONDS_BETWEEN_QUESTIONS):
        try:
            return read()
        except (ClosedError, RefusedError):
            raise
        except UnavailableError as exc:
            error = exc
    raise error


def read_all_users(conn: Connection, deadline: Deadline) -> Users:
    """Read all users by name. Roles are None if the caller may only list names."""
    try:
        reply = retry_while_unavailable(
            lambda: conn.call_checked("SelectUser", deadline=deadline, include_role_info=True)
        )
    except PermissionDeniedError:
        return {name: UserSnapshot(name) for name in lookup.list_usernames(conn, deadline)}
    return {
        result.user.name: UserSnapshot(result.user.name, lookup.role_names_in(result), result.description)
        for result in reply.results
    }


def visible_roles(snapshot: UserSnapshot | None) -> set[str]:
    """The roles that a user is seen to hold; empty for no user."""
    return set((snapshot.roles if snapshot else None) or ())


def make_problem(row: UserRow, column: str, text: str) -> Problem:
    """Make the problem of a row, with a column of its."""
    return Problem(row.number, shown_name(row.user), column, text)


def _find_row_problems(conn: Connection, operation: str, row: UserRow, deadline: Deadline) -> list[Problem]:
    """List why a row cannot be carried out, whatever the server has."""
    if operation == CREATE:
        user = _problem_with_newcomer(conn, row.user, deadline)
        password = problem_with_password(row.password) if row.password is not None else None
    else:
        user = _problem_with_leaver(conn, row.user)
        password = _problem_with_proof(row) if operation == DELETE else None
    return [make_problem(row, column, text) for column, text in (("user", user), ("password", password)) if text]


def _problem_with_newcomer(conn: Connection, name: str, deadline: Deadline) -> str | None:
    """Why a user cannot be created; never quotes what may be more than a name."""
    if looks_like_a_line(name):
        return LOOKS_LIKE_A_LINE
    problem = lookup.problem_with_new_user(conn, name, deadline)
    return problem.replace(f" {name!r}", "") if problem and not shown_name(name) else problem


def _problem_with_proof(row: UserRow) -> str | None:
    """Why the password of a row can't prove that its user is meant."""
    if row.password is None:
        return "there is no password; %milvus_drop_users needs none"
    try:
        require_verifiable(row.user, row.password)
    except MilvusException as exc:
        return exc.reason
    return None


def _find_near_names(rows: Sequence[UserRow], users: Users) -> list[Problem]:
    """List the new users whose names differ from existing ones by case only."""
    plain = {name.casefold(): name for name in users}
    return [
        make_problem(row, "user", f"there is a user {plain[row.user.casefold()]!r}, and only the case differs")
        for row in rows
        if row.user not in users and row.user.casefold() in plain
    ]


def _problem_with_leaver(conn: Connection, name: str) -> str | None:
    """Why a user cannot be deleted among many."""
    if name == ROOT:
        return "the server never deletes 'root'"
    is_own = name == conn.user
    return f"you are connected as {name!r}: delete that one by itself, with %milvus_delete_user" if is_own else None


def _problem_with_unlisted(name: str, users: Users, plain: Mapping[str, str]) -> str | None:
    """Why a name that isn't there can't be meant like that; None if it may simply be gone."""
    if name in users:
        return None
    if (meant := plain.get(plain_name(name))) is not None:
        return f"there is no user {name!r}, but {meant!r}: they differ in blanks, case or letters that look alike"
    return LOOKS_LIKE_A_LINE if looks_like_a_line(name) else None


def _suggest(unknown: Iterable[str], known: Collection[str]) -> dict[str, str]:
    """A hint for each unknown name; after a while the rest goes without, as comparing with many takes long."""
    until = time.monotonic() + SECONDS_FOR_HINTS
    return {name: did_you_mean(name, known) if time.monotonic() < until else "" for name in unknown}


def _find_unknown_roles(conn: Connection, rows: Sequence[UserRow], deadline: Deadline) -> list[Problem]:
    """List the roles in rows that do not exist; empty if the caller may not look."""
    if not any(row.roles for row in rows):
        return []
    names = retry_while_unavailable(lambda: lookup.require_roles(conn, [], deadline))
    hints = _suggest({role for row in rows for role in row.roles if names and role not in names}, names)
    shown = _shown_roles(rows, names)
    return [
        make_problem(row, "roles", f"there is no {f'role {role!r}' if role in shown else 'such role'}{hints[role]}")
        for row in rows
        for role in row.roles
        if role in hints
    ]


def _shown_roles(rows: Sequence[UserRow], known: Collection[str]) -> set[str]:
    """The roles in rows that errors may show: none where columns are mixed up, so that they may be passwords."""
    passwords = {row.password for row in rows}
    if not passwords.isdisjoint(map(Secret, known)):
        return set()
    return {role for row in rows for role in row.roles if shown_name(role) and Secret(role) not in passwords}


def _plan_creation(
    conn: Connection,
    rows: Sequence[UserRow],
    users: Users,
    problems: list[Problem],
    limit: int | None,
    deadline: Deadline,
) -> BulkPlan:
    new = sum(row.user not in users for row in rows)
    if limit is not None and len(users) + new > limit:
        there = "1 user is" if len(users) == 1 else f"{len(users)} users are"
        text = f"{there} there and {new} would be added, but {limit} is the limit"
        problems.append(Problem(None, "", "", text))
    raise_problems(problems)
    todo, done = [], []
    for row in rows:
        user = users.get(row.user)
        if user is None or _is_partly_created(row, user):
            todo.append(row)
        else:
            done.append(_existing(conn, row, user))
    remarks = first_lines([f"row {row.number}: {row.remark}" for row in todo if row.remark], MAX_REMARKS)
    lost = _lost_descriptions_note(conn, [row for row in todo if row.user not in users], deadline)
    notes = (*remarks, *lost, *_creation_notes(conn, len(users), new, limit))
    return BulkPlan(CREATE, conn.address.url, tuple(todo), tuple(done), users, notes)


def _lost_descriptions_note(conn: Connection, rows: Sequence[UserRow], deadline: Deadline) -> list[str]:
    """Say of how many new users the description will be lost; empty if the server keeps it."""
    count = sum(bool(row.description) for row in rows)
    whose = f"those of {count_text(count, 'user')}"
    note = lookup.lost_description_note(conn, "any" if count else "", deadline, whose)
    return [note] if note else []


def _creation_notes(conn: Connection, present: int, new: int, limit: int | None) -> list[str]:
    """What the caller should know before users are created."""
    notes = []
    if limit is None and present + new > USUAL_USER_LIMIT and new:
        notes.append(
            f"the server will have {present + new} users, and the default limit is {USUAL_USER_LIMIT} (setting "
            "proxy.maxUserNum)"
        )
    is_serial = conn.version and not is_older(conn.version, FEATURES["changes of access one by one"])
    if new >= MIN_USERS_FOR_AT_ONCE and is_serial:
        at_once = f"%milvus_create_users --at-once creates all {new} in one request"  # a form has no such option
        notes.append(f"this server creates users one by one; {at_once}")
    return notes


def _is_partly_created(row: UserRow, user: UserSnapshot) -> bool:
    """Whether an existing user lacks roles, so that their creation may have stopped half way."""
    # Without a password of the caller's, nobody can tell whether it is the same user.
    return row.password is not None and not row.generated and not set(row.roles) <= visible_roles(user)


def _existing(conn: Connection, row: UserRow, user: UserSnapshot) -> RowOutcome:
    """The outcome of a creation whose user exists: as wanted, or without a role that only their password could give."""
    missing = [role for role in row.roles if role not in visible_roles(user)]
    lacks = f"; they lack {', '.join(map(repr, missing))}: %milvus_grant_role" if missing else ""
    why = f"the user exists already, and keeps their password{lacks}"
    return row.to_outcome(conn.address.url, REFUSED if missing else ALREADY, why)


def _plan_deletion(
    conn: Connection, operation: str, rows: Sequence[UserRow], users: Users, deadline: Deadline, *, missing_ok: bool
) -> BulkPlan:
    if_missing = ALREADY if missing_ok else MISSING
    todo = tuple(row for row in rows if row.user in users)
    hints = _suggest([row.user for row in rows if row.user not in users], users.keys() - {row.user for row in rows})
    gone = tuple(
        row.to_outcome(conn.address.url, if_missing, f"there is no such user{hints[row.user]}")
        for row in rows
        if row.user in hints
    )
    leaving = {row.user: users[row.user] for row in todo}
    notes = _deletion_notes(conn, operation, leaving, deadline)
    warning = _warn_of_admins(users, leaving)
    return BulkPlan(operation, conn.address.url, todo, gone, users, tuple(notes), warning, missing_ok=missing_ok)


def _warn_of_admins(users: Users, leaving: Users) -> str:
    admins = {name for name, user in users.items() if ADMIN in visible_roles(user)}
    return f"nobody else has the role {ADMIN}" if admins and admins <= leaving.keys() else ""


def _deletion_notes(
    conn: Connection, operation: str, leaving: Mapping[str, UserSnapshot], deadline: Deadline
) -> list[str]:
    """What the caller should know before the users are deleted."""
    roles = sorted(set().union(*map(visible_roles, leaving.values())))
    notes = [f"their roles go with them: {', '.join(map(printable, roles))}"] if roles else []
    if any(user.roles is None for user in leaving.values()):
        notes.append("their roles go with them, and you lack permission to list those")
    is_kept = operation == DELETE and conn.on_change.wants_secrets
    hashes = read_password_hashes(conn, leaving.keys(), deadline) if operation == DROP else ()
    undo = undo_text(conn, leaving.values(), 0 if is_kept else len(leaving) - len(hashes))
    return [*notes, undo] if undo else notes
