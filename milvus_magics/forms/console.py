"""The forms in one panel: who is there, what they may do, and what was changed."""

from __future__ import annotations

import threading
from typing import Any

import ipywidgets as widgets

from milvus_magics.access.read import read_snapshot
from milvus_magics.access.snapshot import AccessSnapshot
from milvus_magics.display.messages import html_line
from milvus_magics.errors import MilvusException
from milvus_magics.forms.console_pages import WRAPPED, AccessPage, HistoryPage, Page, RolesPage, UsersPage
from milvus_magics.forms.form import Panel
from milvus_magics.session.connections import DEFAULT, connections
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline
from milvus_magics.transport.events import Change

CHANGED = "something was changed since this was read: Refresh shows it"


class Console(Panel):
    """Users, roles, access and history of a server, with the forms that change them.

    Args:
        using: alias of the connection.
        timeout: seconds that each operation may last.

    Raises:
        AliasError: when no connection has this alias.
    """

    MAGIC = "%milvus_list_users, %milvus_list_roles, %milvus_access and %milvus_audit"

    def __init__(self, using: str = DEFAULT, *, timeout: float = 10.0) -> None:
        self._using, self._timeout = using, timeout
        self._conn = connections.get(using)
        self._reading_now = threading.Lock()
        self._is_old = False
        self._reading: AccessSnapshot | None = None
        self._header, self._status = widgets.HTML(), widgets.HTML()
        self._refresh = widgets.Button(description="Refresh")
        self._close = widgets.Button(description="Close console")
        self._pages: list[Page] = [page(self) for page in (UsersPage, RolesPage, AccessPage, HistoryPage)]
        self._tabs = widgets.Tab([page.box for page in self._pages])
        for number, page in enumerate(self._pages):
            self._tabs.set_title(number, page.TITLE)
        super().__init__(
            [self._header, widgets.HBox([self._refresh, self._close], layout=WRAPPED), self._status, self._tabs]
        )
        self._refresh.on_click(lambda _: self.refresh())
        self._close.on_click(lambda _: self.close())
        self._tabs.observe(lambda _: self._open_page(), "selected_index")
        self._conn.on_change.append(self._on_change)
        self.refresh()

    @property
    def using(self) -> str:
        """The alias of the connection."""
        return self._using

    @property
    def timeout(self) -> float:
        """Seconds that each operation may last."""
        return self._timeout

    @property
    def conn(self) -> Connection:
        """The connection that is shown."""
        return self._conn

    def refresh(self) -> None:
        """Read everything again. While that is under way, a second time does nothing."""
        if not self._reading_now.acquire(blocking=False):
            return
        try:
            self._refresh.disabled, self._refresh.description = True, "Refreshing…"
            self._read()
        finally:
            self._refresh.disabled, self._refresh.description = False, "Refresh"
            self._reading_now.release()

    def refresh_after_change(self) -> None:
        """Read again where something was changed since."""
        if self._is_old:
            self.refresh()

    def _forget(self) -> None:
        self._listen_to(None)
        for page in self._pages:
            page.close_form()

    def _where(self) -> str:
        return f"on {self._conn.address.url} as {self._conn.actor}"

    def _read(self) -> None:
        try:
            self._listen_to(connections.get(self._using))
            self._is_old = False
            reading = read_snapshot(self._conn, Deadline(self._timeout))
        except MilvusException as exc:
            self._header.value = html_line(self._where(), "heading")
            self._say(f"{type(exc).__name__}: {exc}", "error")
            return
        self._header.value = html_line(_headline(self._conn, reading), "heading")
        self._say("", "note")
        if self._is_old:  # it was changed while it was read
            self._say(CHANGED, "note")
        self._reading = reading
        self._open_page()

    def _open_page(self) -> None:
        """Show what was read on the page that is seen; the others do when they are."""
        if self._reading is not None:
            self._pages[self._tabs.selected_index or 0].open(self._reading)

    def _listen_to(self, conn: Connection | None) -> None:
        """Hear of changes through this connection, and no more of those through the one before."""
        if conn is self._conn:
            return
        if self._on_change in self._conn.on_change:
            self._conn.on_change.remove(self._on_change)
        if conn is not None:
            self._conn = conn
            conn.on_change.append(self._on_change)

    def _on_change(self, change: Change) -> None:
        # Only this: changes may come by the thousand, and reading takes a moment.
        if not self._is_old:
            self._is_old = True
            self._say(CHANGED, "note")

    def _say(self, text: str, kind: str) -> None:
        self._status.value = html_line(text, kind) if text else ""


def _headline(conn: Connection, reading: AccessSnapshot) -> str:
    enforced = {True: "authorization on", False: "authorization OFF", None: "authorization unknown"}[reading.enforced]
    parts: list[Any] = [
        f"Milvus {reading.version or '?'} at {reading.server}",
        f"connected as {conn.actor}",
        enforced,
        f"TLS {'on' if reading.secure else 'off'}",
    ]
    return " · ".join([*parts, reading.partial] if reading.partial else parts)
