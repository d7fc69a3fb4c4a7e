"""Reads rows from files."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import stat
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from milvus_magics.bulk.results import Problem, UserRow, looks_like_a_line
from milvus_magics.bulk.rows import make_rows
from milvus_magics.bulk.sources import FIELDS, Items, field_name, mask_item, read_items, read_table
from milvus_magics.errors import NOTHING_SENT, ParameterError
from milvus_magics.private_file import expand_path
from milvus_magics.wording import count_text

MAX_MEBIBYTES = 64
_ENDINGS = "a file that ends in .csv, .tsv, .json, .ndjson or .jsonl"
_SEPARATOR_LINE = re.compile(r"sep=([^\w\s\"]|\t)\s*", re.IGNORECASE)  # the first line for Excel


def read_rows(path: str) -> tuple[UserRow, ...]:
    """Read the rows of a .csv, .tsv, .json, .ndjson or .jsonl file.

    Raises:
        ParameterError: it is none of them, or cannot be read.
        BulkError: has every row that is not as it should be.
    """
    parse = _PARSERS.get(Path(path).suffix.lower())
    if parse is None:
        # A variable's value is no path: what looks like more may hold passwords.
        what = "the source" if looks_like_a_line(path) else repr(path)
        raise ParameterError(
            f"{what} is neither a Python name of this notebook (without $) nor {_ENDINGS}", outcome=NOTHING_SENT
        )
    path = str(path)  # it is one, and may be named, also where it came from a variable
    return _parse_rows(f"the file {path!r}", _read_text(path), parse)


def read_uploaded_rows(name: str, data: io.BytesIO) -> tuple[UserRow, ...]:
    """Read the rows of a file that is here already, by its name and what it holds; raises as `read_rows`.

    Args:
        name: says by its ending what the file is.
        data: a stream, since the repr of one shows nothing of it; it is closed.
    """
    parse = _PARSERS.get(Path(name).suffix.lower())
    if parse is None:
        raise ParameterError(f"{name!r} is not {_ENDINGS}", outcome=NOTHING_SENT)
    with data:
        text = _decode(data.read())
    return _parse_rows(f"the file {name!r}", text, parse)


def read_pasted_rows(data: io.BytesIO) -> tuple[UserRow, ...]:
    """Read the rows of a text: JSON, a table below its heading, or a name on each line; raises as `read_rows`.

    Args:
        data: the text in UTF-8; it is closed.
    """
    with data:
        text = _decode(data.read())
    return _parse_rows("what was pasted", text, _parse_paste)


def _parse_rows(what: str, text: io.StringIO | str, parse: Callable[[io.StringIO], Items | str]) -> tuple[UserRow, ...]:
    """The rows of a text; where there is none, that says why."""
    items = text if isinstance(text, str) else parse(text)
    # Raised here, where no frame holds what the file holds.
    if isinstance(items, str):
        raise ParameterError(f"{what} cannot be read: {items}", outcome=NOTHING_SENT)
    return make_rows(items)


def _read_text(path: str) -> io.StringIO | str:
    """The text of a file, or why it cannot be read. A stream, since the repr of one shows nothing of it."""
    try:
        with open(expand_path(path), "rb", opener=_open_without_waiting) as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                return "it is not a regular file but a pipe, a device or the like"
            return _decode(stream.read(MAX_MEBIBYTES * 2**20 + 1))
    except OSError as exc:
        return exc.strerror or type(exc).__name__


def _open_without_waiting(path: str, flags: int) -> int:
    """Open a file; a pipe would be waited for until somebody writes to it."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _decode(data: bytes) -> io.StringIO | str:
    """The text that a file's bytes are, or why they are none."""
    if len(data) > MAX_MEBIBYTES * 2**20:
        return f"it is larger than {MAX_MEBIBYTES} MiB"
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        return io.StringIO(data.decode(encoding), newline="")
    except UnicodeDecodeError:
        return "it is not text in UTF-8; Excel saves that as 'CSV UTF-8'"


def _parse_csv(text: io.StringIO) -> Items | str:
    """The items of a CSV file, or what is wrong with it; rows are numbered as a spreadsheet does."""
    start, line = 0, text.readline()
    if separator := _SEPARATOR_LINE.fullmatch(line):
        start, line = text.tell(), text.readline()
    delimiter = separator[1] if separator else max(",;\t", key=line.count)
    text.seek(start)
    # Blanks behind separators belong to the form of the file where the heading has them, and to the values elsewhere.
    is_spaced = f"{delimiter} " in line
    table = csv.reader(text, delimiter=delimiter, skipinitialspace=is_spaced, strict=True)
    try:
        return _read_records(list(table))
    except csv.Error:
        at = f"see line {table.line_num}"
        return f"it is not valid CSV, {at}: a quote that nothing closes, or text behind a closing one?"


def _read_records(records: Sequence[Sequence[str]]) -> Items:
    """The items of the records of a CSV file, whose first one is the heading."""
    heading = [name.strip() for name in records[0]] if records else []
    columns = [place for place, name in enumerate(heading) if name or not _is_idle(place, records[1:])]
    make_item = partial(_make_item, heading, columns)
    return read_table([heading[place] for place in columns], lambda: map(make_item, records[1:]), 2)


def _is_idle(place: int, rows: Sequence[Sequence[str]]) -> bool:
    """Whether a column without a heading holds nothing, or the index that pandas writes first."""
    cells = [row[place] for row in rows if place < len(row) and any(map(str.strip, row))]
    return not any(cells) or (place == 0 and all(map(str.isdecimal, cells)))


def _make_item(heading: Sequence[str], columns: Sequence[int], row: Sequence[str]) -> Any:
    """The item of a row: its fields, or what is wrong with it."""
    if not any(map(str.strip, row)):
        return {}
    if len(row) != len(heading):
        why = f"it has {count_text(len(row), 'field')}, but the heading has {len(heading)}"
        hint = "; a text with a separator in it needs quotes around it" if len(row) > len(heading) else ""
        return Problem(None, "", "", why + hint)
    for name, cell in zip(heading, row, strict=True):
        if cell[:1].isspace() and cell.lstrip()[:1] == '"':
            return Problem(None, "", field_name(name), "it begins with a blank before a quote: leave the blank out")
    return {heading[place]: row[place] for place in columns}


def _parse_json(text: io.StringIO) -> Items | str:
    """The items of a JSON file, or what is wrong with it."""
    items = _load_json(text.read())
    if isinstance(items, Problem):
        return items.problem
    return read_items(items) if isinstance(items, (list, dict)) else "it must hold a list of names or objects"


def _parse_json_lines(text: io.StringIO) -> Items:
    """The items of a file with JSON on each line; rows are numbered as the lines are."""
    lines = [(number, _load_json(line)) for number, line in enumerate(text, 1) if line.strip()]
    return iter([(number, mask_item(item)) for number, item in lines])


def _load_json(text: str) -> Any:
    """What a text in JSON holds, or the problem with it, which does not say what it holds."""
    try:
        return json.loads(text, object_pairs_hook=_make_object)
    except json.JSONDecodeError as exc:
        where = f", from line {exc.lineno} on" if "\n" in text.strip() else ""
        hint = " (if each line is an object of its own, name the file .ndjson)" if exc.msg == "Extra data" else ""
        problem = f"it is not valid JSON{where}{hint}"
    except ValueError:
        problem = "a number in it is too long"
    except RecursionError:
        problem = "it is nested too deeply"
    return Problem(None, "", "", problem)


def _parse_paste(text: io.StringIO) -> Items | str:
    """The items of what somebody pasted, in whatever form it is."""
    lines = [line for line in text.read().splitlines() if line.strip()]
    if not lines:
        return "there is nothing in it"
    first = lines[0].strip()
    rest = io.StringIO("\n".join(lines), newline="")
    if first.startswith(("[", "{")):
        is_object_a_line = first.startswith("{") and first.endswith("}")
        return _parse_json_lines(rest) if is_object_a_line else _parse_json(rest)
    is_table = field_name(first) in FIELDS or any(separator in line for line in lines for separator in ",;\t")
    return _parse_csv(rest) if is_table else read_items([line.strip() for line in lines])


def _make_object(pairs: list[tuple[str, Any]]) -> dict[str, Any] | Problem:
    """A JSON object, or the problem that a later value would silently replace an earlier one."""
    first: dict[str, int] = {}
    for number, (name, _) in enumerate(pairs, 1):
        if (earlier := first.setdefault(name, number)) != number:
            known = f": {name!r}" if field_name(name) in FIELDS else ""  # another one may be a password
            return Problem(None, "", "", f"fields {earlier} and {number} of an object have the same name{known}")
    return dict(pairs)


# How to read a file, by its ending.
_PARSERS: dict[str, Callable[[io.StringIO], Items | str]] = {
    ".csv": _parse_csv,
    ".tsv": _parse_csv,
    ".json": _parse_json,
    ".ndjson": _parse_json_lines,
    ".jsonl": _parse_json_lines,
}
