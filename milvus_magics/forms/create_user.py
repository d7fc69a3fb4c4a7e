"""The form of `create_user`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ipywidgets as widgets

from milvus_magics.client import naming, users
from milvus_magics.errors import MilvusException, printable
from milvus_magics.forms.base import FIELD, LABEL
from milvus_magics.forms.secret_text import NewSecret
from milvus_magics.forms.server_form import ServerForm, text_field
from milvus_magics.session import directory

if TYPE_CHECKING:
    from milvus_magics.client.connection import Connection
    from milvus_magics.client.models import CreatedUser


class CreateUserForm(ServerForm):
    """Create a user, with a password that is typed twice, and with roles."""

    TITLE = "Create user"
    MAGIC = "%milvus_create_user NAME"
    BUSY = "Creating…"

    def _own_fields(self) -> list[widgets.Widget]:
        self._name = text_field("User", "a letter, then letters, digits, _")
        self._password = NewSecret("Password")
        self._roles = widgets.SelectMultiple(description="Roles", rows=4, style=LABEL, layout=FIELD)
        for field in (self._name, *self._password.fields):
            field.observe(self._changed, "value")
        return [self._name, *self._password.fields, self._effect, self._with_refresh(self._roles)]

    def _is_complete(self) -> bool:
        return naming.problem_with_user_name(self._name.value) is None and self._password.is_complete()

    def _hint(self) -> str:
        name = self._name.value
        return (naming.problem_with_user_name(name) or "" if name else "") or self._password.problem()

    def _read_names(self) -> MilvusException | None:
        try:
            names = directory.names(self._conn, "role", timeout=self._timeout, fresh=True)
            self._roles.options = [(printable(name), name) for name in names]
        except MilvusException as exc:
            self._roles.options = []
            return exc
        return None

    def _forget(self) -> None:
        self._password.forget()

    def _clear(self) -> None:
        self._name.value, self._roles.value = "", ()

    def _run(self, conn: Connection) -> CreatedUser:
        password = self._password.take()
        return users.create_user(conn, self._name.value, password, grant=self._roles.value, timeout=self._timeout)
