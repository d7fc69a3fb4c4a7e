"""The forms of `update_password` and `reset_password`."""

from __future__ import annotations

from milvus_magics.client import users
from milvus_magics.client.results.users import ChangedPassword
from milvus_magics.forms.fields import NameField, NewSecretField, SecretField
from milvus_magics.forms.form import Form
from milvus_magics.secret import Secret

FIELDS = (
    NameField("user", "User"),
    SecretField("old_password", "Old password", "the one that they have"),
    NewSecretField("new_password", "New password"),
)


def _hint(form: Form) -> str:
    user, new = form.fields["user"], form.fields["new_password"]
    is_own = new.is_complete and user.value == form._conn.user
    own = "this connection goes on with the new password" if is_own else ""
    return new.problem() or own or user.problem()


class UpdatePasswordForm(Form):
    """Change a user's password; the old one is checked first. It begins with the user you are connected as."""

    OPERATION = "update_password"
    TITLE = "Update password"
    MAGIC = "%milvus_update_password NAME"
    BUSY = "Changing…"
    BEGINS_WITH_ACTOR = True
    FIELDS = FIELDS
    KEEP_FIELDS = ("user",)
    _hint = _hint

    def _run(self, user: str, old_password: Secret, new_password: Secret) -> ChangedPassword:
        return users.update_password(self._conn, user, old_password, new_password, timeout=self._timeout)


class ResetPasswordForm(Form):
    """Change a user's password, and prove that the new one works and the old one is refused."""

    OPERATION = "reset_password"
    TITLE = "Reset password"
    MAGIC = "%milvus_reset_password NAME"
    BUSY = "Changing…"
    BEGINS_WITH_ACTOR = True
    FIELDS = FIELDS
    KEEP_FIELDS = ("user",)
    _hint = _hint

    def _run(self, user: str, old_password: Secret, new_password: Secret) -> ChangedPassword:
        return users.reset_password(self._conn, user, old_password, new_password, timeout=self._timeout)
