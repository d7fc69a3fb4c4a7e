"""The form of `drop_user`."""

from __future__ import annotations

import ipywidgets as widgets

from milvus_magics.client import users
from milvus_magics.client.results.previews import DeletePreview
from milvus_magics.client.results.users import DeletedUser
from milvus_magics.forms.retyped import Retyped
from milvus_magics.forms.users import DeletionForm
from milvus_magics.transport.connection import Connection


class DropUserForm(DeletionForm):
    """Delete a user without their password; their name is typed twice."""

    OPERATION = "drop_user"
    FILLABLE = ("user",)
    TITLE = "Drop user"
    MAGIC = "%milvus_drop_user NAME"

    def _own_fields(self) -> list[widgets.Widget]:
        self._retyped = Retyped()
        self._retyped.observe(self._update, "value")
        return [self._effect, self._retyped]

    def _preview(self, conn: Connection) -> DeletePreview:
        return users.preview_drop_user(conn, self._chosen("user"), timeout=self._timeout)

    def _is_complete(self) -> bool:
        return super()._is_complete() and self._retyped.is_again(self._chosen("user"))

    def _forget(self) -> None:
        self._retyped.forget()

    def _run(self, conn: Connection) -> DeletedUser:
        name = self._chosen("user")
        self._retyped.require(name)
        return users.drop_user(conn, name, timeout=self._timeout)
