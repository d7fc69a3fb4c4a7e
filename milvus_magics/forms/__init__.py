"""The forms: read the fields, call the client function, say in one line what came of it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from milvus_magics.forms.form import Form

_MODULES = ("connect", "passwords", "roles", "users")


def registered_forms() -> dict[str, type[Form]]:
    """All forms by the client function that they call; ipywidgets is imported only now."""
    for name in _MODULES:
        import_module(f"{__name__}.{name}")
    registry: dict[str, type[Form]] = import_module(f"{__name__}.form").REGISTRY
    return registry


def form_for(operation: str) -> type[Form]:
    """The form that does what the client function `operation` does.

    Raises:
        KeyError: no form does that.
    """
    return registered_forms()[operation]
