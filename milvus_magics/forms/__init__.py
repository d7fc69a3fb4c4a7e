"""The forms: read the fields, call the client function, say in one line what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from milvus_magics.forms.form import Form
    from milvus_magics.forms.many.users_form import UsersForm

MANY = {"create_users": "CreateUsersForm", "delete_users": "DeleteUsersForm"}


def registered_forms() -> dict[str, type[Form]]:
    """The forms for one by the client function that they call; ipywidgets is imported only now."""
    from milvus_magics.forms import connect, form, privilege_groups, privileges, roles, users  # noqa: F401 - they register

    return form.REGISTRY


def form_for(operation: str) -> type[Form] | type[UsersForm]:
    """The form that does what the client function `operation` does, for one or for many; KeyError if there is none."""
    if operation in MANY:
        from milvus_magics.forms import many  # brings in anywidget, which the others do without

        found: type[UsersForm] = getattr(many, MANY[operation])
        return found
    return registered_forms()[operation]
