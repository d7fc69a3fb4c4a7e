"""The forms: read the fields, call the client function, say in one line what came of it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from milvus_magics.forms.form import Form

_MODULES = ("connect", "create_user", "drop_user", "passwords", "roles", "users")


def form_for(operation: str) -> type[Form]:
    """The form that does what the client function `operation` does; widgets are imported only now.

    Raises:
        KeyError: no form does that.
    """
    for name in _MODULES:
        import_module(f"{__name__}.{name}")
    registry: dict[str, type[Form]] = import_module(f"{__name__}.form").REGISTRY
    return registry[operation]
