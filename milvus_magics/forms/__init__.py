"""The forms: read the fields, call the client function, say in one line what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from milvus_magics.forms.form import Form


def registered_forms() -> dict[str, type[Form]]:
    """All forms by the client function that they call; ipywidgets is imported only now."""
    from milvus_magics.forms import connect, form, privilege_groups, privileges, roles, users  # noqa: F401 - they register

    return form.REGISTRY


def form_for(operation: str) -> type[Form]:
    """The form that does what the client function `operation` does; KeyError if there is none."""
    return registered_forms()[operation]
