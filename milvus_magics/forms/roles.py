"""The forms of `create_role`, `drop_role`, `grant_role` and `revoke_role`."""

from __future__ import annotations

from typing import Any

from milvus_magics.client import roles, users
from milvus_magics.client.names import problem_with_role_name
from milvus_magics.client.results.previews import Preview
from milvus_magics.client.results.roles import CreatedRole, DroppedRole, RoleBinding
from milvus_magics.forms.fields import CheckboxField, ConfirmationField, Field, NameField, show
from milvus_magics.forms.form import Form


class CreateRoleForm(Form):
    """Create a role, which holds no privileges yet."""

    OPERATION = "create_role"
    TITLE = "Create role"
    MAGIC = "%milvus_create_role R"
    BUSY = "Creating…"
    FIELDS = (
        Field("role", "Role", "a letter or _, then letters, digits, _, $", problem_with_role_name),
        Field("description", "Description", "kept by Milvus 2.6.19 and later"),
    )

    def _run(self, role: str, description: str) -> CreatedRole:
        return roles.create_role(self._conn, role, description=description, timeout=self._timeout)


class DropRoleForm(Form):
    """Drop a role; its name is typed twice, and what it holds goes only where that is wanted."""

    OPERATION = "drop_role"
    TITLE = "Drop role"
    MAGIC = "%milvus_drop_role R"
    BUSY = "Dropping…"
    STYLE = "danger"
    FIELDS = (NameField("role", "Role"), CheckboxField("force", "revoke its privileges first"), ConfirmationField())
    HINT_AFTER = "role"

    def _preview_text(self) -> str:
        role, force = self.fields["role"].value, self.fields["force"].value
        return roles.preview_drop_role(self._conn, role, force=force, timeout=self._timeout).brief

    def _run(self, role: str, force: bool) -> DroppedRole:
        return roles.drop_role(self._conn, role, force=force, timeout=self._timeout)


def _holdings(form: Form) -> str:
    """What the user holds already, or which of the two names is not there."""
    user, role = form.fields["user"], form.fields["role"]
    if not user.is_listed:
        return user.problem()
    holds = str(users.list_user(form._conn, user.value, timeout=form._timeout))
    return "; ".join(filter(None, (holds, role.problem())))


class GrantRoleForm(Form):
    """Give a role to a user."""

    OPERATION = "grant_role"
    TITLE = "Grant role"
    MAGIC = "%milvus_grant_role USER R"
    BUSY = "Granting…"
    FIELDS = (NameField("user", "User"), NameField("role", "Role"))
    KEEP_FIELDS = ("user",)
    _hint = _holdings

    def _run(self, user: str, role: str) -> RoleBinding:
        return roles.grant_role(self._conn, user, role, timeout=self._timeout)


class RevokeRoleForm(Form):
    """Take a role from a user; one's own, and the last `admin`, only with the name typed twice."""

    OPERATION = "revoke_role"
    TITLE = "Revoke role"
    MAGIC = "%milvus_revoke_role USER R"
    BUSY = "Revoking…"
    STYLE = "danger"
    FIELDS = (*GrantRoleForm.FIELDS, ConfirmationField(is_always_shown=False))
    KEEP_FIELDS = ("user",)
    HINT_AFTER = "role"

    def _hint(self) -> str:
        user, role, warning = self.fields["user"], self.fields["role"], ""
        try:
            if user.is_listed and role.is_listed:
                warning = self._preview(user.value, role.value).warning
        finally:
            show(self.fields["confirmation"].widget, bool(warning))
        return "; ".join(filter(None, (_holdings(self), warning)))

    def _preview(self, user: str, role: str) -> Preview:
        return roles.preview_revoke_role(self._conn, user, role, timeout=self._timeout)

    def _needs_confirmation(self, values: dict[str, Any]) -> bool:
        return bool(self._preview(**values).warning)

    def _run(self, user: str, role: str) -> RoleBinding:
        return roles.revoke_role(self._conn, user, role, timeout=self._timeout)
