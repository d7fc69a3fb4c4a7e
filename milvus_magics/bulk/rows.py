"""The rows of a bulk change: made from the items of a source, and checked all at once."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import starmap
from typing import Any

from milvus_magics.bulk.results import BulkError, Problem, UserRow, shown_name
from milvus_magics.bulk.sources import FIELDS, Items, field_name, given_value, problem_with_fields, read_items
from milvus_magics.client.names import problem_with_description, problem_with_existing_name
from milvus_magics.errors import NOTHING_SENT, ParameterError
from milvus_magics.secret import Secret
from milvus_magics.wording import count_text

_FIELDS = frozenset(FIELDS)


def rows_of(source: Any) -> tuple[UserRow, ...]:
    """Make rows from a Python object.

    Args:
        source: an iterable of names or dicts, a dict (one row, or name -> password or dict), a DataFrame or Series of
            pandas or polars, an Arrow table, or a numpy array. Fields are `user`, `password`, `roles` (a list, or text
            with `,` or `;` between), `description`.

    Raises:
        BulkError: has every problem with its row.
        ParameterError: it is no source at all.
    """
    items = read_items(source)
    del source  # no frame of an error shall show it
    return make_rows(items)


def make_rows(items: Items | str) -> tuple[UserRow, ...]:
    """Make rows from what `sources.read_items` gives: numbered items, or why there are none.

    Raises:
        BulkError: has every problem with its row.
        ParameterError: there are none.
    """
    if isinstance(items, str):
        raise ParameterError(items, outcome=NOTHING_SENT)
    made = list(starmap(_make_row, items))  # no loop: its variables would show an item where the source raises
    raise_problems([problem for row in made if not isinstance(row, UserRow) for problem in row])
    return tuple(row for row in made if isinstance(row, UserRow))


def generate_missing_passwords(rows: Sequence[UserRow]) -> tuple[UserRow, ...]:
    """Give a random password to each row that has none."""
    return tuple(
        row if row.password is not None else replace(row, password=Secret.generate(), generated=True) for row in rows
    )


def find_problems(rows: Sequence[UserRow]) -> list[Problem]:
    """List the rows whose user is in an earlier row already."""
    first: dict[str, UserRow] = {}
    return [
        Problem(row.number, shown_name(row.user), "user", f"the user is in row {other.number} already")
        for row in rows
        if (other := first.setdefault(row.user, row)) is not row
    ]


def raise_problems(problems: Sequence[Problem]) -> None:
    """Raise all problems at once, if there are any.

    Raises:
        BulkError: nothing was changed.
    """
    if problems:
        raise BulkError(f"{count_text(len(problems), 'problem')}, so nothing was changed", problems=problems)


def join_problems(problems: Sequence[tuple[str, Sequence[Problem]]], count: int) -> list[Problem]:
    """Join the problems that rows have on several servers; those that they have everywhere are told once.

    Args:
        problems: the alias of each server where there are any, and those.
        count: how many servers there are.
    """
    where: dict[Problem, list[str]] = {}
    for alias, found in problems:
        for problem in found:
            where.setdefault(problem, []).append(alias)
    joined = [
        problem if len(aliases) == count else problem._replace(problem=f"on {', '.join(aliases)}: {problem.problem}")
        for problem, aliases in where.items()
    ]
    return sorted(joined, key=lambda problem: problem.row or 0)


def _make_row(number: int | None, item: Any) -> UserRow | list[Problem]:
    """Make a row, or list what is wrong with it."""
    if isinstance(item, Problem):
        return [item._replace(row=number)]
    if number is None:
        raise ValueError("only a problem belongs to no row")
    if isinstance(item, UserRow):
        row = _make_row_of_fields(number, vars(item))
        return replace(row, generated=item.generated) if isinstance(row, UserRow) else row
    if isinstance(item, str):
        item = {"user": item}
    if not isinstance(item, Mapping):
        return [Problem(number, "", "", f"a name or a dict is needed, not {type(item).__name__}")]
    if not _FIELDS.issuperset(item):  # most have no other names, and there may be many
        if problem := problem_with_fields(item, number):
            return [problem]
        item = {field_name(name): value for name, value in item.items()}
    return _make_row_of_fields(number, item)


def _make_row_of_fields(number: int, fields: Mapping[str, Any]) -> UserRow | list[Problem]:
    """Make a row of known fields, or list what is wrong with their values. Never quotes a value."""
    user, password, roles, description = (given_value(fields.get(name)) for name in FIELDS)
    names, words = _split_roles(roles), _description_text(description)
    found = {
        "user": _problem_with_text(user, "user name") or problem_with_existing_name("" if user is None else user),
        "password": _problem_with_secret(password),
        "roles": _problem_with_roles(names),
        "description": _problem_with_description(words, description),
    }
    if any(found.values()):
        return [Problem(number, shown_name(user), column, text) for column, text in found.items() if text]
    secret = None if password is None else Secret(password)
    return UserRow(number, user, secret, tuple(dict.fromkeys(names or ())), words or "")


def _problem_with_text(text: Any, what: str) -> str | None:
    """Why a text cannot be sent; None if it can, or is no text."""
    try:
        if isinstance(text, str):
            text.encode()
    except UnicodeEncodeError:
        return f"the {what} holds half a character, which cannot be written as UTF-8"
    return None


def _problem_with_secret(password: Any) -> str | None:
    """Why a value cannot be a password that somebody has."""
    if password is None:
        return None
    if not isinstance(password, (str, Secret)):
        hint = "; read its column as text, or zeros get lost" if isinstance(password, (int, float)) else ""
        return f"the password must be text or a Secret, not {type(password).__name__}{hint}"
    try:
        Secret(password).encode()
    except ParameterError as exc:
        return str(exc)
    return None


def _split_roles(roles: Any) -> list[Any] | None:
    """The names in a field of roles; None if it holds anything else."""
    if roles is None:
        return []
    if isinstance(roles, str):
        roles = _parse_list(roles.strip())
    return list(roles) if isinstance(roles, (list, tuple, set, frozenset)) else None


def _parse_list(text: str) -> Any:
    """The names in a text: separated, or a list as Python or JSON writes it. None if it is neither."""
    if not text.startswith("["):
        return [name for name in re.split(r"\s*[,;]\s*", text) if name]
    with suppress(ValueError, RecursionError):
        return json.loads(text)
    # No role has a backslash, and Python would warn of some.
    with suppress(ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None if "\\" in text else ast.literal_eval(text)
    return None


def _problem_with_roles(names: list[Any] | None) -> str | None:
    """Why these cannot be names of roles."""
    if names is None:
        return "the roles must be a list of names, or text with commas between"
    if not all(isinstance(name, str) and name.strip() for name in names):
        return "the name of a role must be text, and not empty"
    return next((problem for name in names if (problem := _problem_with_text(name, "name of a role"))), None)


def _description_text(description: Any) -> str | None:
    """A description as text; None if it is no text and no number."""
    if isinstance(description, (int, float)):
        with suppress(ValueError):  # Python writes no number with too many digits
            return str(description)
    return "" if description is None else description if isinstance(description, str) else None


def _problem_with_description(text: str | None, description: Any) -> str | None:
    """Why this cannot be a description."""
    if text is None:
        return f"the description must be text, not {type(description).__name__}"
    return problem_with_description(text)
