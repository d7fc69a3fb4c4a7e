"""What the forms about one user share: where and as whom, the user, what they would lose, a button, a status line."""

from __future__ import annotations

import logging
import threading
from typing import Any
from weakref import WeakSet

import ipywidgets as widgets

from milvus_magics import display
from milvus_magics.client import naming, users
from milvus_magics.client.connection import Connection
from milvus_magics.client.models import DeletedUser
from milvus_magics.errors import ChangeInterrupted, MilvusException, ParameterError
from milvus_magics.secret import Secret
from milvus_magics.session import directory
from milvus_magics.session.connections import DEFAULT, connections

_log = logging.getLogger(__name__)
_open: WeakSet[UserForm] = WeakSet()

FIELD = {"width": "32em"}
LABEL = {"description_width": "8em"}
BELOW_FIELDS = {"margin": "0 0 0 8.7em"}  # where the fields begin


class UserForm(widgets.VBox):
    """The base of forms that delete a user. Handlers may run on any thread: newer notebooks use their own.

    Args:
        using: alias of the connection.
        timeout: seconds that each operation may last.

    Raises:
        AliasError: when no connection has this alias.
    """

    TITLE = ""
    MAGIC = ""

    def __init__(self, using: str = DEFAULT, *, timeout: float = 10.0) -> None:
        self._using, self._timeout = using, timeout
        self._conn = connections.get(using)
        self._names: list[str] = []
        self._acting = threading.Lock()
        self._header = widgets.HTML()
        self._user = widgets.Combobox(
            description="User", placeholder="choose or type a name", ensure_option=False, style=LABEL, layout=FIELD
        )
        self._effect = widgets.HTML(layout=BELOW_FIELDS)
        self._button = widgets.Button(description=self.TITLE, button_style="danger", disabled=True)
        self._refresh = widgets.Button(description="Refresh names")
        self._status = widgets.HTML(layout=BELOW_FIELDS)
        super().__init__(
            [
                self._header,
                self._user,
                self._effect,
                *self._fields(),
                widgets.HBox([self._button, self._refresh], layout=BELOW_FIELDS),
                self._status,
            ],
            layout={"padding": "0.5em"},
        )
        self._user.observe(self._user_changed, "value")
        self._button.on_click(self._pressed)
        self._refresh.on_click(lambda _: self._show_server())
        self._show_server()
        _open.add(self)

    def _fields(self) -> list[widgets.Widget]:
        """The fields below the user."""
        raise NotImplementedError

    def _is_complete(self) -> bool:
        """Whether the fields below the user are filled."""
        raise NotImplementedError

    def _take(self) -> Secret | str:
        """Read and clear the fields below the user."""
        raise NotImplementedError

    def _run(self, conn: Connection, name: str, given: Any) -> DeletedUser:
        """Call the client function."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the form with all its widgets; what was typed is forgotten."""
        self._take()
        _open.discard(self)
        for widget in _inside(self):
            widget.close()
        super().close()

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}: a form on {self._conn.address.url} as {self._conn.actor}; it needs a live "
            f"notebook with widgets. The same without: {self.MAGIC}"
        )

    def _repr_mimebundle_(self, *args: Any, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(*args, **kwargs)
        if isinstance(bundle, dict):
            bundle["text/plain"] = repr(self)  # ipywidgets would cut it
        return bundle

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
        if not self._acting.locked():
            self._status.value = ""  # it was about another user
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

    def _update(self, _: object = None) -> None:
        """Enable the button where it could do something."""
        named = naming.problem_with_existing_name(self._user.value) is None
        self._button.disabled = self._acting.locked() or not (named and self._is_complete())

    def _pressed(self, _: object) -> None:
        if not self._acting.acquire(blocking=False):
            return  # a second click while the first is at work
        try:
            self._button.disabled, self._button.description = True, "Deleting…"
            self._say("working…", "note")
            self._say(*self._act())
        finally:
            self._acting.release()
            self._button.description = self.TITLE
            self._update()

    def _act(self) -> tuple[str, str]:
        """Do it; the text to show and its kind."""
        name, given = self._user.value, self._take()
        try:
            naming.require(naming.problem_with_existing_name(name))
            deleted = self._run(self._same_connection(), name, given)
        except (MilvusException, ChangeInterrupted) as exc:
            return f"{type(exc).__name__}: {exc}", "error"
        except Exception:
            _log.exception("%s failed", type(self).__name__)
            return "something went wrong in milvus_magics; the log has it; check with %milvus_list_users", "error"
        self._user.value = ""
        self._read_names_again()
        return str(deleted), "done"

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

    def _say(self, text: str, kind: str) -> None:
        self._status.value = display.html_line(text, kind)


def close_all() -> None:
    """Close every form of this session."""
    for form in list(_open):
        form.close()


def _inside(widget: widgets.Widget) -> list[widgets.Widget]:
    found: list[widgets.Widget] = []
    for child in getattr(widget, "children", ()):
        found += [*_inside(child), child]
    for name in ("layout", "style"):
        if isinstance(getattr(widget, name, None), widgets.Widget):
            found.append(getattr(widget, name))
    return found
