"""The forms for roles and who holds them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from milvus_magics.client import roles, users
from milvus_magics.client.names import problem_with_description, problem_with_role_name
from milvus_magics.client.results.users import held_roles_text
from milvus_magics.forms.fields import CheckboxField, Field, NameField, NewNameField
from milvus_magics.forms.form import NO_HINT, Form, Hint
from milvus_magics.forms.secret_fields import ConfirmationField
from milvus_magics.wording import name_text

FORCE = "Revoke its privileges first"


class CreateRoleForm(Form):
    """Create a role, which holds no privileges yet."""

    FUNCTION = staticmethod(roles.create_role)
    PREVIEW = staticmethod(roles.preview_create_role)
    WHOM = "Create {role}"
    MAGIC = "%milvus_create_role R"
    BUSY = "Creating…"
    FIELDS = (
        NewNameField("role", "Role", "letters, digits, _ and $; a letter or _ comes first", problem_with_role_name),
        Field("description", "Description", "optional; kept by Milvus 2.6.19 and later", problem_with_description),
    )

    def _preview_hint(self) -> Hint:
        if not self.fields["description"].value or not self.fields["role"].value:
            return NO_HINT
        preview = self._preview(**{name: field.value for name, field in self.fields.items()})
        return (preview.hint, "warning") if preview.caution else NO_HINT


class DescribeRoleForm(Form):
    """Change a role's description."""

    FUNCTION = staticmethod(roles.describe_role)
    PREVIEW = staticmethod(roles.preview_describe_role)
    WHOM = "Describe {role}"
    MAGIC = "%milvus_describe_role R TEXT"
    BUSY = "Changing…"
    FIELDS = (
        NameField("role", "Role"),
        Field("description", "Description", "leave empty to remove it", problem_with_description),
    )

    def _preview_hint(self) -> Hint:
        return self._hint_of(self._preview(**{name: field.value for name, field in self.fields.items()}))


class DropRoleForm(Form):
    """Drop a role; its name is typed twice, and what it holds goes only where that is wanted."""

    FUNCTION = staticmethod(roles.drop_role)
    PREVIEW = staticmethod(roles.preview_drop_role)
    WHOM = "Drop {role}"
    MAGIC = "%milvus_drop_role R"
    BUSY = "Dropping…"
    FIELDS = (NameField("role", "Role"), CheckboxField("force", FORCE), ConfirmationField())

    def _preview_hint(self) -> Hint:
        text, kind = self._hint_of(self._preview(role=self.fields["role"].value, force=self.fields["force"].value))
        return _name_box(text), kind

    def _outcome(self, function: Callable[..., object]) -> tuple[str, str]:
        text, kind = super()._outcome(function)
        return _name_box(text), kind


def _name_box(text: str) -> str:
    """A text with the form's own box in place of the magic's option."""
    return text.replace("(--force)", f"(tick \u201c{FORCE}\u201d)")


class GrantRoleForm(Form):
    """Give a role to a user."""

    FUNCTION = staticmethod(roles.grant_role)
    PREVIEW = staticmethod(roles.preview_grant_role)
    WHOM = "Grant {role} to {user}"
    MAGIC = "%milvus_grant_role USER R"
    BUSY = "Granting…"
    FIELDS: tuple[Field, ...] = (NameField("user", "User"), NameField("role", "Role"))
    KEEP_FIELDS = ("user",)

    def _hint(self) -> Hint:
        """What would happen, or what the user holds already."""
        user, role = self.fields["user"], self.fields["role"]
        if user.is_listed and role.is_listed:
            return self._preview_hint()
        if not user.is_listed:
            return NO_HINT
        with self._hold():
            found = users.list_user(self._conn, user.value, timeout=self._timeout)
            return f"{name_text(found.name)} {held_roles_text(found.roles, found.name)}", "note"

    def _preview_hint(self) -> Hint:
        return self._hint_of(self._preview(user=self.fields["user"].value, role=self.fields["role"].value))


class RevokeRoleForm(GrantRoleForm):
    """Take a role from a user; one's own, and the last `admin`, only with the name typed twice."""

    FUNCTION = staticmethod(roles.revoke_role)
    PREVIEW = staticmethod(roles.preview_revoke_role)
    WHOM = "Revoke {role} from {user}"
    MAGIC = "%milvus_revoke_role USER R"
    BUSY = "Revoking…"
    FIELDS = (*GrantRoleForm.FIELDS, ConfirmationField(is_always_shown=False))

    def _hint(self) -> Hint:
        self.fields["confirmation"].is_shown = False
        return super()._hint()

    def _hint_of(self, preview: Any) -> Hint:
        self.fields["confirmation"].is_shown = bool(preview.warning)
        return super()._hint_of(preview)

    def _needs_confirmation(self, values: dict[str, Any]) -> bool:
        return bool(self._preview(**values).warning)
