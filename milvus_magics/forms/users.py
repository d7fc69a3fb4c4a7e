"""The forms for users and their passwords."""

from __future__ import annotations

from typing import Any

from milvus_magics.client import users
from milvus_magics.client.names import problem_with_description, problem_with_user_name
from milvus_magics.errors import PermissionDeniedError
from milvus_magics.forms.fields import Field, NameField, NamesField, NewNameField
from milvus_magics.forms.form import NO_HINT, Form, Hint
from milvus_magics.forms.secret_fields import ConfirmationField, NewSecretField, SecretField


class CreateUserForm(Form):
    """Create a user, with a password that is typed twice, and with roles."""

    FUNCTION = staticmethod(users.create_user)
    WHOM = "Create {user}"
    MAGIC = "%milvus_create_user NAME"
    BUSY = "Creating…"
    FIELDS = (
        NewNameField("user", "User", "letters, digits and _; a letter comes first", problem_with_user_name),
        NewSecretField("password", "Password"),
        NamesField("roles", "Roles", "role"),
    )

    def _run(self, roles: tuple[str, ...], **values: Any) -> object:
        return super()._run(grant=roles, **values)


class DescribeUserForm(Form):
    """Change a user's description."""

    FUNCTION = staticmethod(users.describe_user)
    PREVIEW = staticmethod(users.preview_describe_user)
    WHOM = "Describe {user}"
    MAGIC = "%milvus_describe_user NAME TEXT"
    BUSY = "Changing…"
    FIELDS = (
        NameField("user", "User"),
        Field("description", "Description", "leave empty to remove it", problem_with_description),
    )

    def _preview_hint(self) -> Hint:
        return self._hint_of(self._preview(**{name: field.value for name, field in self.fields.items()}))


class UpdatePasswordForm(Form):
    """Change a user's password; the old one is checked first. It begins with the user you are connected as."""

    FUNCTION = staticmethod(users.update_password)
    WHOM = "Change password of {user}"
    MAGIC = "%milvus_update_password NAME"
    BUSY = "Changing…"
    BEGINS_WITH_ACTOR = True
    FIELDS = (
        NameField("user", "User"),
        SecretField("old_password", "Old password", "current password"),
        NewSecretField("new_password", "New password"),
    )
    KEEP_FIELDS = ("user",)

    def _hint(self) -> Hint:
        is_own = bool(self._conn.user) and self.fields["user"].value == self._conn.user
        return ("This connection will go on with the new password", "note") if is_own else NO_HINT


class ResetPasswordForm(UpdatePasswordForm):
    """Change a user's password, and prove that the new one works and the old one is refused."""

    FUNCTION = staticmethod(users.reset_password)
    WHOM = "Reset password of {user}"
    MAGIC = "%milvus_reset_password NAME"


class DeleteUserForm(Form):
    """Delete a user whose password is typed, and checked first; oneself and the last `admin` with the name again."""

    FUNCTION = staticmethod(users.delete_user)
    PREVIEW = staticmethod(users.preview_delete_user)
    WHOM = "Delete {user}"
    MAGIC = "%milvus_delete_user NAME"
    BUSY = "Deleting…"
    FIELDS = (
        NameField("user", "User"),
        SecretField("password", "Password", "that user's password"),
        ConfirmationField(is_always_shown=False),
    )

    def _hint(self) -> Hint:
        is_own = self.fields["user"].value == self._conn.user
        self.fields["confirmation"].is_shown = is_own  # before the server is asked, which may not answer
        return super()._hint()

    def _preview_hint(self) -> Hint:
        preview = self._preview(user=self.fields["user"].value)
        self.fields["confirmation"].is_shown = bool(preview.warning)
        return self._hint_of(preview)

    def _needs_confirmation(self, values: dict[str, Any]) -> bool:
        """Whether the password alone is not enough; where the caller may not look, it is."""
        user = values["user"]
        if user == self._conn.user:
            return True
        try:
            return user in self.fields["user"].names and bool(self._preview(user=user).warning)
        except PermissionDeniedError:
            return False


class DropUserForm(Form):
    """Delete a user without their password; their name is typed twice."""

    FUNCTION = staticmethod(users.drop_user)
    PREVIEW = staticmethod(users.preview_drop_user)
    WHOM = "Delete {user} without password"
    MAGIC = "%milvus_drop_user NAME"
    BUSY = "Deleting…"
    FIELDS = (NameField("user", "User"), ConfirmationField())

    def _preview_hint(self) -> Hint:
        return self._hint_of(self._preview(user=self.fields["user"].value))
