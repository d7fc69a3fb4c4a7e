"""Reads rows from files."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from milvus_magics.bulk.results import UserRow
from milvus_magics.bulk.rows import items_from_mapping, mask_passwords, problem_with_fields, rows_of
from milvus_magics.errors import NOTHING_SENT, ParameterError
from milvus_magics.private_file import expand_path


def read_rows(path: str) -> tuple[UserRow, ...]:
    """Read the rows of a .csv or .json file.

    Raises:
        ParameterError: it is neither, or cannot be read.
        BulkError: names every row that is not as it should be.
    """
    reader, first = _READERS.get(Path(path).suffix.lower(), (None, 0))
    if reader is None:
        raise ParameterError(
            f"{path!r} is neither a Python name of this notebook nor a file that ends in .csv or .json",
            outcome=NOTHING_SENT,
        )
    items = reader(path)
    # Raised here, where no frame holds what the file holds.
    if isinstance(items, str):
        raise ParameterError(f"the file {path!r} cannot be read: {items}", outcome=NOTHING_SENT)
    return rows_of(items, first)


def _read_csv(path: str) -> list[Any] | str:
    """The masked items of a CSV file, or what is wrong with it."""
    try:
        with open(expand_path(path), encoding="utf-8-sig", newline="") as stream:
            heading = stream.readline()
            stream.seek(0)
            table = csv.DictReader(stream, delimiter=max(",;\t", key=heading.count))
            problem = problem_with_fields(table.fieldnames or (), " of the heading")
            return problem or [mask_passwords(row) for row in table]
    except (OSError, UnicodeDecodeError, csv.Error) as exc:
        return _describe_problem(exc)


def _read_json(path: str) -> list[Any] | str:
    """The masked items of a JSON file, or what is wrong with it."""
    try:
        items = json.loads(Path(expand_path(path)).read_text(encoding="utf-8-sig"), object_pairs_hook=_object)
    except (OSError, ValueError, RecursionError) as exc:
        return _describe_problem(exc)
    if isinstance(items, dict):
        items = items_from_mapping(items)
    if not isinstance(items, list):
        return "it must hold a list of names or objects"
    return [mask_passwords(item) for item in items]


class _RepeatedKey(ValueError):
    """An object of JSON in which a later value would silently replace an earlier one."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object whose keys are all different."""
    if len(dict(pairs)) < len(pairs):
        raise _RepeatedKey("an object in it has the same key twice")
    return dict(pairs)


def _describe_problem(exc: Exception) -> str:
    """Say what is wrong with a file, without what it holds."""
    if isinstance(exc, OSError):
        return exc.strerror or type(exc).__name__
    if isinstance(exc, json.JSONDecodeError):
        return f"it is no JSON, from line {exc.lineno} on"
    if isinstance(exc, UnicodeDecodeError):
        return "it is no text in UTF-8"
    if isinstance(exc, RecursionError):
        return "it is nested too deeply"
    if isinstance(exc, _RepeatedKey):
        return str(exc)
    return "it is no CSV" if isinstance(exc, csv.Error) else "a number in it is too long"


# How to read a file, and the number of its first row.
_READERS: dict[str, tuple[Callable[[str], list[Any] | str], int]] = {
    ".csv": (_read_csv, 2),  # the first line is the heading
    ".json": (_read_json, 1),
}
