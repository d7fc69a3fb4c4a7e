"""The rows of a bulk change: made from names, dicts or tables, and checked all at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from milvus_magics.bulk.results import MAX_PROBLEMS, BulkError, UserRow
from milvus_magics.client.names import problem_with_existing_name
from milvus_magics.errors import NOTHING_SENT, ParameterError
from milvus_magics.secret import Secret
from milvus_magics.wording import count_text, did_you_mean

FIELDS = ("user", "password", "roles", "description")
FIELD_ALIASES = {"role": "roles", "username": "user", "name": "user"}
PUBLIC_FIELDS = ("user", "roles", "description")


def rows_of(source: Any, first: int = 1) -> tuple[UserRow, ...]:
    """Make rows from a list of names or dicts, a dict (name -> password or dict), or a DataFrame.

    Args:
        source: fields are `user`, `password`, `roles` (a list, or text with `,` or `;` between), `description`.
        first: the number of the first row.

    Raises:
        BulkError: names every problem with its row.
    """
    rows, problems = [], []
    for number, item in enumerate(_items(source), first):
        row = _make_row(number, item)
        if isinstance(row, UserRow):
            rows.append(row)
        else:
            problems.append(f"row {number}: {row}")
    raise_problems(problems)
    return tuple(rows)


def generate_missing_passwords(rows: Sequence[UserRow]) -> tuple[UserRow, ...]:
    """Give a random password to each row that has none."""
    return tuple(
        row if row.password is not None else replace(row, password=Secret.generate(), generated=True) for row in rows
    )


def find_problems(rows: Sequence[UserRow]) -> list[str]:
    """List the rows whose user is in an earlier row already."""
    first: dict[str, int] = {}
    problems = []
    for row in rows:
        if row.user in first:
            problems.append(f"row {row.number}: user {row.user!r} is in row {first[row.user]} already")
        else:
            first[row.user] = row.number
    return problems


def problem_with_fields(names: Iterable[Any], where: str = "") -> str | None:
    """Why these cannot be the names of fields, or None. Never quotes one: without a heading, it may be a password.

    Args:
        names: as they were given, in their order.
        where: what they stand in, like ` of the heading`.
    """
    meant: dict[str, tuple[int, str]] = {}
    for number, name in enumerate(names, 1):
        if name is None:  # what Python's csv module calls the rest of a row that is too long
            return "it has more fields than the heading"
        field, shown = field_name(name), str(name).strip()
        if field not in FIELDS:
            hint = did_you_mean(field, FIELDS) or (" (is the heading missing?)" if where else "")
            return f"field {number}{where} is unknown{hint}; there are {', '.join(FIELDS)}"
        first, other = meant.setdefault(field, (number, shown))
        if first != number:
            return f"fields {first} and {number}{where} mean the same: {other!r} and {shown!r}"
    return None


def field_name(name: Any) -> str:
    """The field that a name means."""
    plain = str(name).strip().lower()
    return FIELD_ALIASES.get(plain, plain)


def raise_problems(problems: Sequence[str]) -> None:
    """Raise all problems at once, if there are any.

    Raises:
        BulkError: nothing was changed.
    """
    if problems:
        more = len(problems) - MAX_PROBLEMS
        shown = [*problems[:MAX_PROBLEMS], *([f"and {more} more"] if more > 0 else [])]
        raise BulkError(f"{count_text(len(problems), 'problem')}, so nothing was changed: {'; '.join(shown)}")


def items_from_mapping(users: Mapping[Any, Any]) -> list[dict[Any, Any]]:
    """Turn a mapping of names to passwords or fields into one item per user."""
    return [
        {"user": user, **(value if isinstance(value, Mapping) else {"password": value})}
        for user, value in users.items()
    ]


def mask_passwords(item: Any) -> Any:
    """Mask every text of an item that is or may be a password."""
    if not isinstance(item, Mapping):
        return item
    return {
        name: Secret(value) if isinstance(value, str) and value and field_name(name) not in PUBLIC_FIELDS else value
        for name, value in item.items()
    }


def _items(source: Any) -> Iterator[Any]:
    """One masked item per row; whoever yields them may fail."""
    if hasattr(source, "to_dict") and hasattr(source, "columns"):  # a DataFrame, without importing pandas
        raise_problems(list(filter(None, [problem_with_fields(source.columns, " of the heading")])))
        source = source.to_dict("records")
    if isinstance(source, Mapping):
        source = items_from_mapping(source)
    if isinstance(source, (str, bytes, Secret)) or not isinstance(source, Iterable):
        raise ParameterError(
            f"the users must be a list of names or dicts, a dict, or a DataFrame, not {type(source).__name__}",
            outcome=NOTHING_SENT,
        )
    yield from map(mask_passwords, source)


def _make_row(number: int, item: Any) -> UserRow | str:
    """Make a row, or say what is wrong; never quotes a value that may be a password."""
    if isinstance(item, str):
        item = {"user": item}
    if isinstance(item, UserRow):
        return replace(item, number=number)
    if not isinstance(item, Mapping):
        return f"a name or a dict is needed, not {type(item).__name__}"
    problem = problem_with_fields(item)
    return problem or _make_row_of_fields(number, {field_name(name): value for name, value in item.items()})


def _make_row_of_fields(number: int, fields: Mapping[str, Any]) -> UserRow | str:
    """Make a row of known fields, or say what is wrong with a value."""
    user, password, roles, description = (_given_value(fields.get(name)) for name in FIELDS)
    if problem := problem_with_existing_name("" if user is None else user):
        return problem
    if password is not None and not isinstance(password, (str, Secret)):
        return f"the password must be text or a Secret, not {type(password).__name__}"
    names = _role_names(roles)
    if names is None:
        return "the roles must be a list of names, or text with commas between"
    secret = Secret(password) if password is not None and password != "" else None
    return UserRow(number, user, secret, names, "" if description is None else str(description))


def _given_value(value: Any) -> Any:
    """A field's value; None if it is empty, also in the way of tables (NaN)."""
    return None if value is None or _is_missing(value) or (isinstance(value, str) and not value) else value


def _is_missing(value: Any) -> bool:
    """Whether a value differs from itself, as NaN does."""
    try:
        return bool(value != value)
    except (TypeError, ValueError):  # pandas's NA cannot say, and an array says it of each element
        return type(value).__name__ == "NAType"


def _role_names(roles: Any) -> tuple[str, ...] | None:
    """The distinct names in a field of roles; None if it holds anything else."""
    if roles is None:
        return ()
    if isinstance(roles, str):
        roles = re.split(r"\s*[,;]\s*", roles.strip())
    if not isinstance(roles, (list, tuple, set)) or not all(isinstance(role, str) for role in roles):
        return None
    return tuple(dict.fromkeys(role for role in roles if role))
