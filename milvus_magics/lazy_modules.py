"""Packages whose modules are imported when they are first used: loading the extension shall feel instant."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType


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
        return import_module(full_name)

    return import_on_use
