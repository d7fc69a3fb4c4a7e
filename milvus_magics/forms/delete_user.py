"""The form of `delete_user`."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets

from milvus_magics.client import users
from milvus_magics.client.connection import Connection
from milvus_magics.client.models import DeletedUser
from milvus_magics.forms.base import FIELD, LABEL
from milvus_magics.forms.secret_text import SecretText
from milvus_magics.forms.user_form import UserForm
from milvus_magics.secret import Secret


class DeleteUserForm(UserForm):
    """Delete a user whose password is typed, and checked first."""

    TITLE = "Delete user"
    MAGIC = "%milvus_delete_user NAME"

    def _proof(self) -> widgets.Widget:
        self._password = SecretText(
            description="Password", placeholder="that user's password, then Enter", style=LABEL, layout=FIELD
        )
        self._password.observe(self._update, "value")
        return self._password

    def _is_proven(self) -> bool:
        return bool(self._password.value)

    def _take(self) -> Secret:
        return self._password.take()

    def _run(self, conn: Connection, name: str, given: Any) -> DeletedUser:
        return users.delete_user(conn, name, given, timeout=self._timeout)
