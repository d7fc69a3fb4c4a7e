"""The forms that bring back what this session deleted; the console's history opens them."""

from __future__ import annotations

from typing import Any

from milvus_magics.forms.fields import Field, NewSecretField
from milvus_magics.forms.form import Form
from milvus_magics.session import session


class OptionalSecretField(NewSecretField):
    """A new password, which may not be needed."""

    is_needed = True

    @property
    def is_complete(self) -> bool:
        """Whether it is not needed, or typed twice."""
        return not self.is_needed or super().is_complete


class RestoreUserForm(Form, is_registered=False):
    """Bring back a user who was deleted in this session; with the old password if it was kept."""

    FUNCTION = staticmethod(session.undo.restore_user)
    PREVIEW = staticmethod(session.undo.preview_restore_user)
    MAGIC = "%milvus_restore_user NAME"
    BUSY = "Restoring…"
    FIELDS = (Field("user", "User"), OptionalSecretField("secret", "New password"))

    def _preview_text(self) -> str:
        user, field = self.fields["user"].value, self.fields["secret"]
        is_needed = session.undo.find_secret(self._conn, user) is None
        field.is_needed = is_needed  # type: ignore[attr-defined]
        for widget in field.widgets:
            widget.layout.display = "" if is_needed else "none"
        return str(self._preview(user=user, given=is_needed))

    def _run(self, secret: Any, user: str, **_: Any) -> object:
        return super()._run(user=user, secret=secret or session.undo.find_secret(self._conn, user))


class RestoreRoleForm(Form, is_registered=False):
    """Bring back a role that was dropped in this session, with its privileges and holders."""

    FUNCTION = staticmethod(session.undo.restore_role)
    PREVIEW = staticmethod(session.undo.preview_restore_role)
    MAGIC = "%milvus_restore_role R"
    BUSY = "Restoring…"
    FIELDS = (Field("role", "Role"),)

    def _preview_text(self) -> str:
        return str(self._preview(role=self.fields["role"].value))
