"""What rows are made from: Python objects of many kinds, read as one masked item per row.

An item is a name, a dict whose passwords are masked, a `UserRow`, or the `Problem` that is there instead. Nothing here
raises, and items come from iterators, whose repr shows none of them: a traceback shall not show what a source holds.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from numbers import Integral
from typing import Any

from milvus_magics.bulk.results import Problem, shown_name
from milvus_magics.secret import Secret
from milvus_magics.wording import did_you_mean

FIELDS = ("user", "password", "roles", "description")
FIELD_ALIASES = {"role": "roles", "username": "user", "name": "user"}
PUBLIC_FIELDS = ("user", "roles", "description")
AMBIGUOUS = (
    "this dict may be one row, or names and passwords with a user who is called {}: write [{{...}}] around one row, "
    "and {{'password': ...}} around the password of that user"
)

# Items with the numbers of their rows; a problem of the heading has none.
Items = Iterator[tuple[int | None, Any]]


def read_items(source: Any) -> Items | str:
    """Read any source as numbered items, or say why it is none."""
    if isinstance(source, Mapping):
        return _read_foreign(lambda users: _read_pairs(users.items()), source)
    if isinstance(source, io.IOBase):
        return "the users are an open file: give its path instead"
    for attribute, read in _READERS.items():
        if hasattr(type(source), attribute):
            return _read_foreign(read, source)
    if isinstance(source, Iterator):
        return _read_once(source)
    if isinstance(source, Iterable) and not isinstance(source, (str, bytes, bytearray)):
        return enumerate(map(mask_item, source), 1)
    hint = "; if it is a file, give its path" if isinstance(source, (str, bytes)) else ""
    return f"the users must be a list of names or dicts, a dict, or a DataFrame, not {type(source).__name__}{hint}"


def _read_once(source: Iterator[Any]) -> Items:
    """Read what can be read only once, and say so where nothing comes: a dry run may have read it."""
    found = enumerate(map(mask_item, source), 1)
    nothing = "it is empty: a generator can be read only once, so give a list"
    first = next(found, (None, Problem(None, "", "", nothing)))
    return chain([first], found)


def read_table(heading: Iterable[Any], read_rows: Callable[[], Iterable[Any]], first: int = 1) -> Items:
    """Read a table as numbered items. Rows with nothing in them are passed over.

    Args:
        heading: the names of its columns.
        read_rows: gives a dict for each row; it is called only if the heading is right.
        first: the number of the first row.
    """
    if problem := problem_with_fields(heading):
        return iter([(None, problem)])
    return filter(_has_content, enumerate(map(mask_item, read_rows()), first))


def problem_with_fields(names: Iterable[Any], row: int | None = None) -> Problem | None:
    """Why these cannot be the names of fields, or None. Never quotes one: without a heading, it may be a password.

    Args:
        names: as they were given, in their order.
        row: the number of the row that has them; None for those of a heading.
    """
    where = " of the heading" if row is None else ""
    meant: dict[str, tuple[int, str]] = {}
    for number, name in enumerate(names, 1):
        if name is None:  # what Python's csv module calls the rest of a row that is too long
            return Problem(row, "", "", "it has more fields than the heading")
        if (field := field_name(name)) not in FIELDS:
            hint = did_you_mean(field, FIELDS) or (" (is the heading missing?)" if where else "")
            return Problem(row, "", "", f"field {number}{where} is unknown{hint}; there are {', '.join(FIELDS)}")
        first, other = meant.setdefault(field, (number, name.strip()))
        if first != number:
            both = f"{other!r} and {name.strip()!r}"
            return Problem(row, "", field, f"fields {first} and {number}{where} mean the same: {both}")
    if where and meant and "user" not in meant:
        return Problem(None, "", "user", "the heading has no column for the user")
    return None


def field_name(name: Any) -> str:
    """The field that a name means; what is no text means none."""
    if not isinstance(name, str) or name in FIELDS:  # the second for speed
        return name if isinstance(name, str) else ""
    plain = name.strip().lower()
    return FIELD_ALIASES.get(plain, plain)


def mask_item(item: Any) -> Any:
    """Mask every text of an item that is or may be a password."""
    if not isinstance(item, Mapping):
        return item
    try:
        return {name: _mask_value(name, value) for name, value in item.items()}
    except Exception as exc:  # it is a mapping of somebody else's making
        return Problem(None, "", "", f"the {type(item).__name__} cannot be read ({type(exc).__name__})")


def _mask_value(name: Any, value: Any) -> Any:
    is_secret = isinstance(value, str) and value and field_name(name) not in PUBLIC_FIELDS
    return Secret(value) if is_secret else value


def given_value(value: Any) -> Any:
    """A value as plain Python has it; None if it is empty, also in the way of tables (NaN)."""
    if isinstance(value, str):
        return value or None
    if type(value).__module__ == "numpy":
        value = value.tolist()
    return None if value is None or _is_missing(value) else value


def _is_missing(value: Any) -> bool:
    """Whether a value differs from itself, as NaN does."""
    try:
        return bool(value != value)
    except (TypeError, ValueError):  # pandas's NA cannot say, and an array says it of each element
        return type(value).__name__ == "NAType"


def _has_content(numbered: tuple[int, Any]) -> bool:
    """Whether anything is given in an item."""
    values = numbered[1].values() if isinstance(numbered[1], Mapping) else [numbered[1]]
    return any(given_value(value) is not None for value in values)


def _read_pairs(pairs: Iterable[tuple[Any, Any]]) -> Items:
    """Read a mapping: one row with its fields, or names with their passwords or fields."""
    pairs = list(pairs)
    named = [(field_name(name), name, value) for name, value in pairs]
    # Only a text can be the name of a user; fields, a Secret or nothing belong to a user who is called like that.
    callers = [name for field, name, value in named if field == "user" and isinstance(value, str)]
    if not callers:
        return enumerate(map(_make_item, pairs), 1)
    if len(pairs) == 1 or any(field not in FIELDS for field, _, _ in named):
        return iter([(None, Problem(None, "", "", AMBIGUOUS.format(repr(callers[0].strip()))))])
    problem = problem_with_fields([name for name, _ in pairs], 1)
    return iter([(1, problem or mask_item(dict(pairs)))])


def _make_item(pair: tuple[Any, Any]) -> Any:
    """The item of a user and their password or fields."""
    user, value = pair
    if isinstance(value, Problem):
        return value
    fields = value if isinstance(value, Mapping) else {"password": value}
    if any(field_name(name) == "user" for name in fields):
        return Problem(None, shown_name(user), "user", "the user is named twice: before the fields, and among them")
    return mask_item({"user": user, **fields})


def _read_foreign(read: Callable[[Any], Items | str], source: Any) -> Items | str:
    """Read an object of somebody else's making, or say why it cannot be read."""
    try:
        return read(source)
    except Exception as exc:  # each has its own errors, and some quote what they hold
        return f"the {type(source).__name__} cannot be read ({type(exc).__name__})"


def _read_column(values: Any) -> Items | str:
    """Read a list of names; those that are missing are passed over."""
    if not isinstance(values, list):
        return "an array without a dimension is no list of names"
    return filter(_has_content, enumerate(map(mask_item, values), 1))


def _read_series(series: Any) -> Items | str:
    """Read a Series of pandas: names if it only counts them, else a mapping."""
    is_list = all(isinstance(label, Integral) for label in series.index)
    return _read_column(series.tolist()) if is_list else _read_pairs(series.items())


def _read_arrow(source: Any) -> Items | str:
    """Read a stream of Arrow, whichever library it comes from."""
    try:
        import pyarrow
    except ImportError:
        return f"to read a {type(source).__name__}, install pyarrow, or pass a list of dicts, like df.to_dicts()"
    if hasattr(source, "__dataframe__"):
        from pyarrow.interchange import from_dataframe

        return _read_pyarrow(from_dataframe(source))
    try:
        return _read_pyarrow(pyarrow.table(source) if hasattr(source, "__arrow_c_stream__") else pyarrow.array(source))
    except pyarrow.ArrowInvalid:  # one column and no table
        return _read_pyarrow(pyarrow.chunked_array(source))


def _read_pyarrow(source: Any) -> Items | str:
    is_table = hasattr(source, "column_names")
    return read_table(source.column_names, source.to_pylist) if is_table else _read_column(source.to_pylist())


# How to read what has a certain attribute; the first that fits counts. No library is imported to know its objects.
_READERS: dict[str, Callable[[Any], Items | str]] = {
    "to_dicts": lambda frame: read_table(frame.columns, frame.to_dicts),  # polars
    "iterrows": lambda frame: read_table(frame.columns, lambda: frame.to_dict("records")),  # pandas
    "iloc": _read_series,
    "to_pylist": _read_pyarrow,
    "to_list": lambda series: _read_column(series.to_list()),  # polars
    "tolist": lambda array: _read_column(array.tolist()),  # numpy
    "collect": lambda frame: "it holds no rows yet: give .collect() of it",  # polars's LazyFrame
    "__arrow_c_stream__": _read_arrow,
    "__arrow_c_array__": _read_arrow,
    "__dataframe__": _read_arrow,
}
