"""What the forms about one user share: where and as whom, the user, and what they would lose."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets

from milvus_magics import display
from milvus_magics.client import naming, users
from milvus_magics.client.connection import Connection
from milvus_magics.client.models import DeletedUser
from milvus_magics.errors import MilvusException, ParameterError
from milvus_magics.forms.base import BELOW_FIELDS, FIELD, LABEL, Form
from milvus_magics.session import directory
from milvus_magics.session.connections import DEFAULT, connections


class UserForm(Form):
    """The base of forms that delete a user.

    Args:
        using: alias of the connection.
        timeout: seconds that each operation may last.

    Raises:
        AliasError: when no connection has this alias.
    """

    BUSY = "Deleting…"
    STYLE = "danger"

    def __init__(self, using: str = DEFAULT, *, timeout: float = 10.0) -> None:
        self._using, self._timeout = using, timeout
        self._conn = connections.get(using)
        self._names: list[str] = []
        super().__init__()
        self._user.observe(self._user_changed, "value")
        self._refresh.on_click(lambda _: self._show_server())
        self._show_server()

    def _fields(self) -> list[widgets.Widget]:
        self._user = widgets.Combobox(
            description="User", placeholder="choose or type a name", ensure_option=False, style=LABEL, layout=FIELD
        )
        # Beside the name and not below: Tab goes from the last field to the button that acts.
        self._refresh = widgets.Button(description="Refresh names")
        self._effect = widgets.HTML(layout=BELOW_FIELDS)
        return [widgets.HBox([self._user, self._refresh]), self._effect, self._proof()]

    def _proof(self) -> widgets.Widget:
        """The field below the user, which stands against mistakes."""
        raise NotImplementedError

    def _is_proven(self) -> bool:
        """Whether that field is filled."""
        raise NotImplementedError

    def _take(self) -> Any:
        """Read and clear that field."""
        raise NotImplementedError

    def _run(self, conn: Connection, name: str, given: Any) -> DeletedUser:
        """Call the client function."""
        raise NotImplementedError

    def _is_complete(self) -> bool:
        return naming.problem_with_existing_name(self._user.value) is None and self._is_proven()

    def _forget(self) -> None:
        self._take()

    def _where(self) -> str:
        return f"on {self._conn.address.url} as {self._conn.actor}"

    def _show_server(self) -> None:
        """Say where and as whom, and read the names."""
        where = f"{self.TITLE} on {self._conn.address.url}, connected as {self._conn.actor}"
        self._header.value = display.html_line(where, "heading")
        try:
            self._names = directory.usernames(self._conn, timeout=self._timeout, fresh=True)
        except MilvusException as exc:
            self._names = []
            self._say(f"the names cannot be listed, so type one: {exc}", "error")
        self._user.options = self._names
        self._update()

    def _user_changed(self, _: object) -> None:
        self._show_effect()
        self._say_nothing()
        self._update()

    def _show_effect(self) -> None:
        """What the chosen user would lose; a name that is only half typed is not asked about."""
        name = self._user.value
        text = ""
        if name in self._names:
            try:
                text = str(users.preview_delete_user(self._conn, name, timeout=self._timeout))
            except MilvusException as exc:
                text = str(exc)
        elif name and self._names:
            text = f"there is no user {name!r} in the list"
        self._effect.value = display.html_line(text, "note") if text else ""

    def _act(self) -> str:
        name, given = self._user.value, self._take()
        naming.require(naming.problem_with_existing_name(name))
        deleted = self._run(self._same_connection(), name, given)
        self._user.value = ""
        self._read_names_again()
        return str(deleted)

    def _same_connection(self) -> Connection:
        """The connection that the form shows; another one under its alias is shown first, and nothing is done."""
        conn = connections.get(self._using)
        if conn is not self._conn:
            self._conn = conn
            self._show_server()
            raise ParameterError(
                f"the connection {self._using!r} leads elsewhere now, to {conn.address.url} as {conn.actor}: look "
                "again, then press once more; nothing was sent"
            )
        return conn

    def _read_names_again(self) -> None:
        try:
            self._names = directory.usernames(self._conn, timeout=self._timeout, fresh=True)
        except MilvusException:
            self._names = []  # the deletion went well; that is what the status has to say
        self._user.options = self._names
