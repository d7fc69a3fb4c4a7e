"""Packages whose modules are imported when they are first used: loading the extension shall feel instant."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from threading import get_ident
from types import ModuleType

MAX_SECONDS_TO_WAIT = 1.0
_threads_at_it: list[int] = []


def importer(package: str) -> Callable[[str], ModuleType]:
    """Make the `__getattr__` of a package, which imports its module of that name.

    Args:
        package: the package's full name.

    Returns:
        A function that raises AttributeError where there is no such module, as Python expects it.
    """

    def import_on_use(name: str) -> ModuleType:
        full_name = f"{package}.{name}"
        if name.startswith("_") or find_spec(full_name) is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        _threads_at_it.append(get_ident())
        try:
            return import_module(full_name)
        finally:
            _threads_at_it.remove(get_ident())

    return import_on_use


def _wait_for_imports() -> None:
    """Wait until no other thread imports: in a forked process that module's lock would never be released."""
    until = time.monotonic() + MAX_SECONDS_TO_WAIT
    while set(_threads_at_it) - {get_ident()} and time.monotonic() < until:
        time.sleep(0.001)


if hasattr(os, "register_at_fork"):  # Windows knows no forks
    os.register_at_fork(before=_wait_for_imports)
