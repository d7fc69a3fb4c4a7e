"""The form of `create_user`."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets

from milvus_magics.client import users
from milvus_magics.client.names import problem_with_user_name
from milvus_magics.client.results.users import CreatedUser
from milvus_magics.errors import MilvusException
from milvus_magics.forms.fields import NamesBox
from milvus_magics.forms.secret_text import NewSecret
from milvus_magics.forms.server_form import ServerForm, text_field
from milvus_magics.session import name_cache
from milvus_magics.transport.connection import Connection


class CreateUserForm(ServerForm):
    """Create a user, with a password that is typed twice, and with roles."""

    OPERATION = "create_user"
    FILLABLE = ("user", "roles")
    TITLE = "Create user"
    MAGIC = "%milvus_create_user NAME"
    BUSY = "Creating…"

    def _own_fields(self) -> list[widgets.Widget]:
        self._name = text_field("User", "a letter, then letters, digits, _")
        self._password = NewSecret("Password")
        self._roles = NamesBox("Roles")
        self._role_names: list[str] = []
        for field in (self._name, *self._password.fields, self._roles):
            field.observe(self._changed, "value")
        return [self._name, *self._password.fields, self._with_refresh(self._roles), self._effect]

    def _is_complete(self) -> bool:
        return problem_with_user_name(self._name.value) is None and self._password.is_complete()

    def _hint(self) -> str:
        name = self._name.value
        problem = (problem_with_user_name(name) or "" if name else "") or self._password.problem()
        unknown = [role for role in self._roles.all_chosen if self._role_names and role not in self._role_names]
        return problem or (f"there is no role {unknown[0]!r} in the list" if unknown else "")

    def _read_names(self) -> MilvusException | None:
        try:
            self._role_names = name_cache.names(self._conn, "role", timeout=self._timeout, fresh=True)
            problem = None
        except MilvusException as exc:
            self._role_names, problem = [], exc
        self._roles.offer(self._role_names)
        return problem

    def fill(self, **values: Any) -> None:
        """Put values into the fields of these names; those that the form does not have are left out."""
        if "user" in values:
            self._name.value = values["user"]
        if "roles" in values:
            self._roles.value = ", ".join(values["roles"])

    def _forget(self) -> None:
        self._password.forget()

    def _clear(self) -> None:
        self._name.value = self._roles.value = ""

    def _run(self, conn: Connection) -> CreatedUser:
        password = self._password.take()
        return users.create_user(conn, self._name.value, password, grant=self._roles.all_chosen, timeout=self._timeout)
