"""The form of `drop_user`."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets

from milvus_magics.client import users
from milvus_magics.client.connection import Connection
from milvus_magics.client.models import DeletedUser
from milvus_magics.errors import ConfirmationError
from milvus_magics.forms.base import FIELD, LABEL
from milvus_magics.forms.user_form import UserForm


class DropUserForm(UserForm):
    """Delete a user without their password; their name is typed twice."""

    TITLE = "Drop user"
    MAGIC = "%milvus_drop_user NAME"

    def _proof(self) -> widgets.Widget:
        self._retyped = widgets.Text(
            description="Name again", placeholder="retype the name to confirm", style=LABEL, layout=FIELD
        )
        self._retyped.observe(self._update, "value")
        return self._retyped

    def _is_proven(self) -> bool:
        return bool(self._retyped.value) and self._retyped.value == self._user.value

    def _take(self) -> str:
        typed: str = self._retyped.value
        self._retyped.value = ""
        return typed

    def _run(self, conn: Connection, name: str, given: Any) -> DeletedUser:
        if given != name:
            raise ConfirmationError(f"the name was not retyped as {name!r}; nothing was changed")
        return users.drop_user(conn, name, timeout=self._timeout)
