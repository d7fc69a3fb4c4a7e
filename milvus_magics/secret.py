"""Passwords that cannot be shown by accident.

A ``Secret`` travels from where a password is found to where it is put on the wire. Everything that
could show it on the way (``repr``, ``str``, ``format``, a debugger's ``vars``, a verbose traceback) shows
stars instead. It protects against accidents, not against code that calls ``reveal()``.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NoReturn

from milvus_magics.errors import ParameterError

MASK = "********"


class Secret:
    """A password, masked wherever it could be shown.

    Args:
        value: the bare password, or another ``Secret``.

    Raises:
        TypeError: when ``value`` is neither.
    """

    # A closure instead of an attribute: nothing that walks `vars` or `__slots__` finds the value.
    __slots__ = ("_read",)
    _read: Callable[[], str]

    def __init__(self, value: str | Secret) -> None:
        if isinstance(value, Secret):
            self._read = value._read
            return
        if not isinstance(value, str):
            raise TypeError(f"a password is text (str) or a Secret, not {type(value).__name__}")
        self._read = _closure(value)

    @classmethod
    def from_environment(cls, name: str) -> Secret | None:
        """What the environment variable `name` holds, or None where it is unset or empty."""
        value = os.environ.get(name)
        return cls(value) if value else None

    @classmethod
    def prompt(cls, label: str = "Password: ") -> Secret:
        """Ask for a password without showing it (``getpass``; in a notebook, a hidden input field).

        Args:
            label: the text before the input.
        """
        import getpass

        return cls(getpass.getpass(label))

    def reveal(self) -> str:
        """The bare password. Don't keep what this returns longer than needed."""
        return self._read()

    def encode(self) -> bytes:
        """The password's bytes, as Milvus counts and compares them.

        UTF-8; bytes of an environment variable that were no UTF-8 come out as they were.

        Raises:
            ParameterError: when the text cannot be written as UTF-8.
        """
        try:
            return self._read().encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            # Raised below instead of here: Python's error carries the password, even as a mere context.
            pass
        raise ParameterError("the password cannot be written as UTF-8")

    def __repr__(self) -> str:
        return f"Secret({MASK!r})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __bool__(self) -> bool:
        return bool(self._read())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return self._read() == other._read()

    def __hash__(self) -> int:
        return hash(self._read())

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not pickled: that would write the password somewhere")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        self.__reduce__()

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self


def _closure(value: str) -> Callable[[], str]:
    def read() -> str:
        return value

    return read
