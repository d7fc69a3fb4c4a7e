"""The forms that bring back what this session deleted; the console's history opens them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar

from milvus_magics.client.names import problem_with_existing_name
from milvus_magics.forms.fields import Field, show
from milvus_magics.forms.form import Form, Hint
from milvus_magics.forms.secret_fields import ConfirmationField, NewSecretField
from milvus_magics.session import session
from milvus_magics.session.undo_records import GRANTS


def _name_field(kind: str, label: str) -> Field:
    """A name that has to be there; which ones can be restored is known to the session only."""
    return Field(kind, label, check=partial(problem_with_existing_name, kind=kind))


class OptionalSecretField(NewSecretField):
    """A new password, which may not be needed."""

    is_needed = True

    def faults(self) -> Sequence[str]:
        """What is wrong with what was typed, where it is needed; or nothing."""
        return super().faults() if self.is_needed else ["", ""]


class RestoreForm(Form, is_registered=False):
    """Bring back something; on another cluster than the one where it was, only with its name retyped.

    Attributes:
        RECORD: its kind, as `UndoStore.find` takes it.
    """

    FUNCTION: ClassVar[Callable[..., object]] = staticmethod(session.undo.restore_role)  # each form has its own
    BUSY = "Restoring…"
    RECORD = ""

    def _is_elsewhere(self, name: str) -> bool:
        return session.undo.find(self._conn, self.RECORD, name, timeout=self._timeout).is_elsewhere

    def _show_confirmation(self, name: str) -> None:
        self.fields["confirmation"].is_shown = self._is_elsewhere(name)

    def _needs_confirmation(self, values: dict[str, Any]) -> bool:
        return self._is_elsewhere(values[self.FIELDS[0].name])

    def _run(self, *_: Any, **values: Any) -> object:
        elsewhere = self._is_elsewhere(values[self.FIELDS[0].name])
        return super()._run(**values, elsewhere=elsewhere)


class RestoreUserForm(RestoreForm, is_registered=False):
    """Bring back a user who was deleted in this session; with the old password if it was kept."""

    FUNCTION = staticmethod(session.undo.restore_user)
    PREVIEW = staticmethod(session.undo.preview_restore_user)
    WHOM = "Restore {user}"
    MAGIC = "%milvus_restore_user NAME"
    RECORD = "user"
    FIELDS = (
        _name_field("user", "User"),
        OptionalSecretField("secret", "New password"),
        ConfirmationField(is_always_shown=False),
    )

    def _preview_hint(self) -> Hint:
        user, field = self.fields["user"].value, self.fields["secret"]
        is_needed = session.undo.find_secret(self._conn, user, timeout=self._timeout) is None
        field.is_needed = is_needed  # type: ignore[attr-defined]
        for widget in field.widgets:
            show(widget, is_needed)
        self._show_confirmation(user)
        return self._hint_of(self._preview(user=user, given=is_needed))

    def _run(self, secret: Any, user: str, **_: Any) -> object:
        kept = secret or session.undo.find_secret(self._conn, user, timeout=self._timeout)
        return super()._run(user=user, secret=kept)


class RestoreRoleForm(RestoreForm, is_registered=False):
    """Bring back a role that was dropped in this session, with its privileges and holders."""

    FUNCTION: ClassVar[Callable[..., object]] = staticmethod(session.undo.restore_role)
    PREVIEW = staticmethod(session.undo.preview_restore_role)
    WHOM = "Restore {role}"
    MAGIC = "%milvus_restore_role R"
    RECORD = "role"
    FIELDS = (_name_field("role", "Role"), ConfirmationField(is_always_shown=False))

    def _preview_hint(self) -> Hint:
        self._show_confirmation(self.fields["role"].value)
        return self._hint_of(self._preview(role=self.fields["role"].value))


class RestoreGrantsForm(RestoreRoleForm, is_registered=False):
    """Take back the last change of what a role holds that this session made."""

    FUNCTION = staticmethod(session.undo.restore_grants)
    PREVIEW = staticmethod(session.undo.preview_restore_grants)
    WHOM = "Restore grants of {role}"
    MAGIC = "%milvus_restore_grants R"
    RECORD = GRANTS
