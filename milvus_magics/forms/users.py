"""The forms of `create_user`, `delete_user` and `drop_user`."""

from __future__ import annotations

from typing import Any

from milvus_magics.client import users
from milvus_magics.client.names import problem_with_user_name
from milvus_magics.client.results.previews import DeletePreview
from milvus_magics.client.results.users import CreatedUser, DeletedUser
from milvus_magics.errors import PermissionDeniedError
from milvus_magics.forms.fields import (
    ConfirmationField,
    Field,
    NameField,
    NamesField,
    NewSecretField,
    SecretField,
    show,
)
from milvus_magics.forms.form import Form
from milvus_magics.secret import Secret


class CreateUserForm(Form):
    """Create a user, with a password that is typed twice, and with roles."""

    OPERATION = "create_user"
    TITLE = "Create user"
    MAGIC = "%milvus_create_user NAME"
    BUSY = "Creating…"
    FIELDS = (
        Field("user", "User", "a letter, then letters, digits, _", problem_with_user_name),
        NewSecretField("password", "Password"),
        NamesField("roles", "Roles", "role"),
    )

    def _run(self, user: str, password: Secret, roles: tuple[str, ...]) -> CreatedUser:
        return users.create_user(self._conn, user, password, grant=roles, timeout=self._timeout)


class DeleteUserForm(Form):
    """Delete a user whose password is typed, and checked first; oneself and the last `admin` with the name again."""

    OPERATION = "delete_user"
    TITLE = "Delete user"
    MAGIC = "%milvus_delete_user NAME"
    BUSY = "Deleting…"
    STYLE = "danger"
    FIELDS = (
        NameField("user", "User"),
        SecretField("password", "Password", "that user's password, then Enter"),
        ConfirmationField(is_always_shown=False),
    )
    HINT_AFTER = "user"

    def _hint(self) -> str:
        is_own = self.fields["user"].value == self._conn.user
        show(self.fields["confirmation"].widget, is_own)  # before the server is asked, which may not answer
        return super()._hint()

    def _preview_text(self) -> str:
        preview = self._preview(self.fields["user"].value)
        show(self.fields["confirmation"].widget, bool(preview.warning))
        return str(preview)

    def _preview(self, user: str) -> DeletePreview:
        return users.preview_delete_user(self._conn, user, timeout=self._timeout)

    def _needs_confirmation(self, values: dict[str, Any]) -> bool:
        """Whether the password alone is not enough; where the caller may not look, it is."""
        user = values["user"]
        if user == self._conn.user:
            return True
        try:
            return user in self.fields["user"].names and bool(self._preview(user).warning)
        except PermissionDeniedError:
            return False

    def _run(self, user: str, password: Secret) -> DeletedUser:
        return users.delete_user(self._conn, user, password, timeout=self._timeout)


class DropUserForm(Form):
    """Delete a user without their password; their name is typed twice."""

    OPERATION = "drop_user"
    TITLE = "Drop user"
    MAGIC = "%milvus_drop_user NAME"
    BUSY = "Deleting…"
    STYLE = "danger"
    FIELDS = (NameField("user", "User"), ConfirmationField())
    HINT_AFTER = "user"

    def _preview_text(self) -> str:
        return str(users.preview_drop_user(self._conn, self.fields["user"].value, timeout=self._timeout))

    def _run(self, user: str) -> DeletedUser:
        return users.drop_user(self._conn, user, timeout=self._timeout)
