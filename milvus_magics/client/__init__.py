"""What a Milvus server can be asked about access, usable in a plain script.

`from milvus_magics.client import users` imports that module when something of it is first used: loading the extension
needs none of them, and all together take longer than that should.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any


class _Later(ModuleType):
    """Stands for a module of this package. What is asked of it stays here, so no module may rebind a public name."""

    def __getattr__(self, name: str) -> Any:
        value = getattr(import_module(self.__name__), name)
        setattr(self, name, value)
        return value


def __getattr__(name: str) -> ModuleType:
    full_name = f"{__name__}.{name}"
    if name.startswith("_") or find_spec(full_name) is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _Later(full_name)
