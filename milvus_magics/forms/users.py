"""The form of `delete_user`."""

from __future__ import annotations

import ipywidgets as widgets

from milvus_magics.client import users
from milvus_magics.client.results.previews import DeletePreview
from milvus_magics.client.results.users import DeletedUser
from milvus_magics.errors import PermissionDeniedError
from milvus_magics.forms.retyped import Retyped
from milvus_magics.forms.secret_text import SecretText
from milvus_magics.forms.server_form import ServerForm
from milvus_magics.transport.connection import Connection


class DeletionForm(ServerForm):
    """The base of forms that delete a user, and say what they would lose."""

    BUSY = "Deleting…"
    STYLE = "danger"
    CHOSEN = {"user": "User"}  # noqa: RUF012 - a ClassVar of the base

    def _hint(self) -> str:
        if not self._is_listed("user"):
            return self._unlisted("user")
        return str(self._preview(self._conn))

    def _preview(self, conn: Connection) -> DeletePreview:
        return users.preview_delete_user(conn, self._chosen("user"), timeout=self._timeout)


class DeleteUserForm(DeletionForm):
    """Delete a user whose password is typed, and checked first; oneself and the last `admin` with the name again."""

    OPERATION = "delete_user"
    FILLABLE = ("user",)
    TITLE = "Delete user"
    MAGIC = "%milvus_delete_user NAME"

    def _own_fields(self) -> list[widgets.Widget]:
        self._password = SecretText.field("Password", "that user's password, then Enter")
        self._password.observe(self._update, "value")
        self._retyped = Retyped(wanted=False)
        self._retyped.observe(self._update, "value")
        return [self._effect, self._password, self._retyped]

    def _is_complete(self) -> bool:
        return super()._is_complete() and bool(self._password.value) and self._retyped.is_done(self._chosen("user"))

    def _hint(self) -> str:
        self._retyped.show(self._chosen("user") == self._conn.user)
        if not self._is_listed("user"):
            return self._unlisted("user")
        preview = self._preview(self._conn)
        self._retyped.show(bool(preview.warning))
        return str(preview)

    def _wants_more(self, conn: Connection) -> bool:
        """Whether the password alone is not enough; where the caller may not look, it is."""
        if self._chosen("user") == conn.user:
            return True
        try:
            return self._is_listed("user") and bool(self._preview(conn).warning)
        except PermissionDeniedError:
            return False

    def _forget(self) -> None:
        self._password.take()
        self._retyped.forget()

    def _run(self, conn: Connection) -> DeletedUser:
        name, password = self._chosen("user"), self._password.take()
        if self._wants_more(conn):
            self._retyped.require(name)
        return users.delete_user(conn, name, password, timeout=self._timeout)
