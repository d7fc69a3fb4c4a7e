"""The forms of `create_role`, `drop_role`, `grant_role` and `revoke_role`."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets

from milvus_magics.client import roles, users
from milvus_magics.client.names import problem_with_role_name
from milvus_magics.client.results.previews import Preview
from milvus_magics.client.results.roles import CreatedRole, DroppedRole, RoleBinding
from milvus_magics.client.roles import preview_revoke_role
from milvus_magics.forms.form import FIELD, LABEL
from milvus_magics.forms.retyped import Retyped
from milvus_magics.forms.server_form import ServerForm, text_field
from milvus_magics.transport.connection import Connection


class CreateRoleForm(ServerForm):
    """Create a role, which holds no privileges yet."""

    OPERATION = "create_role"
    FILLABLE = ("role", "description")
    TITLE = "Create role"
    MAGIC = "%milvus_create_role R"
    BUSY = "Creating…"

    def _own_fields(self) -> list[widgets.Widget]:
        self._name = text_field("Role", "a letter or _, then letters, digits, _, $")
        self._description = text_field("Description", "kept by Milvus 2.6.19 and later")
        self._name.observe(self._changed, "value")
        return [self._name, self._description, self._effect]

    def _is_complete(self) -> bool:
        return problem_with_role_name(self._name.value) is None

    def _hint(self) -> str:
        return problem_with_role_name(self._name.value) or "" if self._name.value else ""

    def fill(self, **values: Any) -> None:
        """Put values into the fields of these names; those that the form does not have are left out."""
        for name, field in (("role", self._name), ("description", self._description)):
            if name in values:
                field.value = values[name]

    def _clear(self) -> None:
        self._name.value = self._description.value = ""

    def _run(self, conn: Connection) -> CreatedRole:
        described = self._description.value
        return roles.create_role(conn, self._name.value, description=described, timeout=self._timeout)


class DropRoleForm(ServerForm):
    """Drop a role; its name is typed twice, and what it holds goes only where that is wanted."""

    OPERATION = "drop_role"
    FILLABLE = ("role", "force")
    TITLE = "Drop role"
    MAGIC = "%milvus_drop_role R"
    BUSY = "Dropping…"
    STYLE = "danger"
    CHOSEN = {"role": "Role"}  # noqa: RUF012 - a ClassVar of the base

    def _own_fields(self) -> list[widgets.Widget]:
        self._force = widgets.Checkbox(description="revoke its privileges first", style=LABEL, layout=FIELD)
        self._retyped = Retyped()
        self._force.observe(self._changed, "value")
        self._retyped.observe(self._update, "value")
        return [self._effect, self._force, self._retyped]

    def _is_complete(self) -> bool:
        return super()._is_complete() and self._retyped.is_again(self._chosen("role"))

    def _hint(self) -> str:
        if not self._is_listed("role"):
            return self._unlisted("role")
        force = bool(self._force.value)
        return roles.preview_drop_role(self._conn, self._chosen("role"), force=force, timeout=self._timeout).brief

    def fill(self, **values: Any) -> None:
        """Put values into the fields of these names; those that the form does not have are left out."""
        super().fill(**values)
        self._force.value = bool(values.get("force", self._force.value))

    def _forget(self) -> None:
        self._retyped.forget()

    def _clear(self) -> None:
        super()._clear()
        self._force.value = False

    def _run(self, conn: Connection) -> DroppedRole:
        name, force = self._chosen("role"), bool(self._force.value)
        self._retyped.require(name)
        return roles.drop_role(conn, name, force=force, timeout=self._timeout)


class GrantRoleForm(ServerForm):
    """Give a role to a user."""

    OPERATION = "grant_role"
    FILLABLE = ("user", "role")
    TITLE = "Grant role"
    MAGIC = "%milvus_grant_role USER R"
    BUSY = "Granting…"
    CHOSEN = {"user": "User", "role": "Role"}  # noqa: RUF012 - a ClassVar of the base

    def _hint(self) -> str:
        """What the user holds already, or which of the two names is not there."""
        if not self._is_listed("user"):
            return self._unlisted("user")
        holds = str(users.list_user(self._conn, self._chosen("user"), timeout=self._timeout))
        return "; ".join(filter(None, (holds, "" if self._is_listed("role") else self._unlisted("role"))))

    def _clear(self) -> None:
        self._boxes["role"].value = ""
        self._show_hint()

    def _run(self, conn: Connection) -> RoleBinding:
        return roles.grant_role(conn, self._chosen("user"), self._chosen("role"), timeout=self._timeout)


class RevokeRoleForm(GrantRoleForm):
    """Take a role from a user; one's own, and the last `admin`, only with the name typed twice."""

    OPERATION = "revoke_role"
    FILLABLE = ("user", "role")
    TITLE = "Revoke role"
    MAGIC = "%milvus_revoke_role USER R"
    BUSY = "Revoking…"
    STYLE = "danger"

    def _own_fields(self) -> list[widgets.Widget]:
        self._retyped = Retyped(wanted=False)
        self._retyped.observe(self._update, "value")
        return [self._effect, self._retyped]

    def _is_complete(self) -> bool:
        return super()._is_complete() and self._retyped.is_done(self._chosen("user"))

    def _hint(self) -> str:
        warning = ""
        try:
            if self._is_listed("user") and self._is_listed("role"):
                warning = self._preview(self._conn).warning
        finally:
            self._retyped.show(bool(warning))
        return "; ".join(filter(None, (super()._hint(), warning)))

    def _preview(self, conn: Connection) -> Preview:
        return preview_revoke_role(conn, self._chosen("user"), self._chosen("role"), timeout=self._timeout)

    def _forget(self) -> None:
        self._retyped.forget()

    def _run(self, conn: Connection) -> RoleBinding:
        user, role = self._chosen("user"), self._chosen("role")
        if self._preview(conn).warning:
            self._retyped.require(user)
        return roles.revoke_role(conn, user, role, timeout=self._timeout)
