"""The rows of a bulk change: from names, dicts or tables, checked all at once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from milvus_magics.bulk.results import MOST_PROBLEMS, BulkError, UserRow
from milvus_magics.client.names import problem_with_existing_name
from milvus_magics.errors import NOTHING_SENT, ParameterError
from milvus_magics.secret import Secret
from milvus_magics.wording import did_you_mean

FIELDS = ("user", "password", "roles", "description")
ALSO = {"role": "roles", "username": "user", "name": "user"}


def rows_of(source: Any, first: int = 1) -> tuple[UserRow, ...]:
    """Rows from what people have: a list of names or dicts, a dict (name -> password or dict), a DataFrame.

    Args:
        source: fields are `user`, `password`, `roles` (a list, or text with `,` or `;` between), `description`.
        first: the number of the first row.

    Raises:
        BulkError: names every problem with its row.
    """
    rows, problems = [], []
    for number, item in enumerate(_items(source), first):
        problem, row = _row(number, item)
        if row is not None:
            rows.append(row)
        problems += [f"row {number}: {problem}"] if problem else []
    raise_problems(problems)
    return tuple(rows)


def generate_missing_passwords(rows: Sequence[UserRow]) -> tuple[UserRow, ...]:
    """The same rows, with a random password where none is given."""
    return tuple(
        row if row.password is not None else replace(row, password=Secret.generate(), generated=True) for row in rows
    )


def find_problems(rows: Sequence[UserRow]) -> list[str]:
    """What is wrong with the rows by themselves: a name that is there twice."""
    counts = Counter(row.user for row in rows)
    first: dict[str, int] = {}
    problems = []
    for row in rows:
        if counts[row.user] > 1 and row.user in first:
            problems.append(f"row {row.number}: user {row.user!r} is in row {first[row.user]} already")
        first.setdefault(row.user, row.number)
    return problems


def problem_with_fields(names: Iterable[Any], where: str = "") -> str | None:
    """What is wrong with the names of fields, or None. Never quotes one: where a heading is missing, it is a password.

    Args:
        names: as they were given, in their order.
        where: what they stand in, like ` of the heading`.
    """
    for number, name in enumerate(names, 1):
        if name is None:  # what Python's csv module calls the rest of a row that is too long
            return "it has more fields than the heading"
        if field_name(name) not in FIELDS:
            hint = did_you_mean(field_name(name), FIELDS) or (" (is the heading missing?)" if where else "")
            return f"field {number}{where} is unknown{hint}; there are {', '.join(FIELDS)}"
    return None


def field_name(name: Any) -> str:
    """The field that a name means."""
    plain = str(name).strip().lower()
    return ALSO.get(plain, plain)


def raise_problems(problems: Sequence[str]) -> None:
    """Raise all problems at once.

    Raises:
        BulkError: when there are any; nothing was sent.
    """
    if problems:
        more = len(problems) - MOST_PROBLEMS
        shown = [*problems[:MOST_PROBLEMS], *([f"and {more} more"] if more > 0 else [])]
        count = f"{len(problems)} problem{'s' if len(problems) != 1 else ''}"
        raise BulkError(f"{count}, so nothing was changed: {'; '.join(shown)}")


def _items(source: Any) -> Iterator[Any]:
    """One item per row, with its password masked, as whoever yields them may fail."""
    if hasattr(source, "to_dict") and hasattr(source, "columns"):  # a DataFrame, without importing pandas
        source = source.to_dict("records")
    if isinstance(source, Mapping):
        source = [
            {"user": user, **value} if isinstance(value, Mapping) else {"user": user, "password": value}
            for user, value in source.items()
        ]
    if isinstance(source, (str, bytes, Secret)) or not isinstance(source, Iterable):
        raise ParameterError(
            f"the users must be a list of names or dicts, a dict, or a DataFrame, not {type(source).__name__}",
            outcome=NOTHING_SENT,
        )
    yield from map(_masked, source)


def _masked(item: Any) -> Any:
    """The item with its password masked."""
    if not isinstance(item, Mapping):
        return item
    return {
        name: Secret(value) if str(name).strip().lower() == "password" and isinstance(value, str) and value else value
        for name, value in item.items()
    }


def _row(number: int, item: Any) -> tuple[str, UserRow | None]:
    """A row, or what is wrong with it; never quotes a value that may be a password."""
    if isinstance(item, str):
        item = {"user": item}
    if isinstance(item, UserRow):
        return "", replace(item, number=number)
    if not isinstance(item, Mapping):
        return f"a name or a dict is needed, not {type(item).__name__}", None
    problem = problem_with_fields(item)
    if problem:
        return problem, None
    fields = {field_name(name): value for name, value in item.items()}
    user, password, roles, description = (_given_value(fields.get(name)) for name in FIELDS)
    problem = problem_with_existing_name(user) if user is not None else "the user name is empty"
    if problem:
        return problem, None
    if password is not None and not isinstance(password, (str, Secret)):
        return f"the password must be text or a Secret, not {type(password).__name__}", None
    names = _names(roles)
    if names is None:
        return "the roles must be a list of names, or text with commas between", None
    secret = Secret(password) if password is not None and password != "" else None
    return "", UserRow(number, user, secret, names, "" if description is None else str(description))


def _given_value(value: Any) -> Any:
    """A field's value; None where it is empty, also in the way of tables (NaN)."""
    return None if value is None or _is_missing(value) or (isinstance(value, str) and not value) else value


def _is_missing(value: Any) -> bool:
    """Whether it differs from itself, as NaN does; pandas's NA cannot say, and arrays say it of each element."""
    try:
        return bool(value != value)
    except (TypeError, ValueError):
        return type(value).__name__ == "NAType"


def _names(roles: Any) -> tuple[str, ...] | None:
    if roles is None:
        return ()
    if isinstance(roles, str):
        roles = re.split(r"\s*[,;]\s*", roles.strip())
    if not isinstance(roles, (list, tuple, set)) or not all(isinstance(role, str) for role in roles):
        return None
    return tuple(dict.fromkeys(role for role in roles if role))
