"""The forms of `update_password` and `reset_password`."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets

from milvus_magics.client import users
from milvus_magics.client.results.users import ChangedPassword
from milvus_magics.forms.secret_text import NewSecret, SecretText
from milvus_magics.forms.server_form import ServerForm
from milvus_magics.session.connections import DEFAULT
from milvus_magics.transport.connection import Connection


class UpdatePasswordForm(ServerForm):
    """Change a user's password; the old one is checked first. It begins with the user you are connected as."""

    OPERATION = "update_password"
    FILLABLE = ("user",)
    TITLE = "Update password"
    MAGIC = "%milvus_update_password NAME"
    BUSY = "Changing…"
    CHOSEN = {"user": "User"}  # noqa: RUF012 - a ClassVar of the base
    CHANGE: Any = staticmethod(users.update_password)

    def __init__(self, using: str = DEFAULT, *, timeout: float = 10.0) -> None:
        super().__init__(using, timeout=timeout)
        self._boxes["user"].value = self._conn.user

    def _own_fields(self) -> list[widgets.Widget]:
        self._old = SecretText.field("Old password", "the one that they have")
        self._new = NewSecret("New password")
        for field in (self._old, *self._new.fields):
            field.observe(self._changed, "value")
        return [self._old, *self._new.fields, self._effect]

    def _is_complete(self) -> bool:
        return super()._is_complete() and bool(self._old.value) and self._new.is_complete()

    def _hint(self) -> str:
        own = "this connection goes on with the new password" if self._chosen("user") == self._conn.user else ""
        return (
            self._new.problem()
            or (own if self._new.is_complete() else "")
            or ("" if self._is_listed("user") else self._unlisted("user"))
        )

    def _forget(self) -> None:
        self._old.take()
        self._new.forget()

    def _clear(self) -> None:
        """The user stays: nobody is gone."""

    def _run(self, conn: Connection) -> ChangedPassword:
        old, new = self._old.take(), self._new.take()
        changed: ChangedPassword = self.CHANGE(conn, self._chosen("user"), old, new, timeout=self._timeout)
        return changed


class ResetPasswordForm(UpdatePasswordForm):
    """Change a user's password, and prove that the new one works and the old one is refused."""

    OPERATION = "reset_password"
    FILLABLE = ("user",)
    TITLE = "Reset password"
    MAGIC = "%milvus_reset_password NAME"
    CHANGE: Any = staticmethod(users.reset_password)
