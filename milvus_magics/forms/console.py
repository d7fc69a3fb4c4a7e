"""The forms in one panel: who is there, what they may do, and what was changed."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any

import ipywidgets as widgets

from milvus_magics.access.read import read_snapshot
from milvus_magics.access.snapshot import AccessSnapshot
from milvus_magics.errors import AliasError, MilvusException
from milvus_magics.forms import form_for
from milvus_magics.forms.console_pages import WRAPPED, AccessPage, HistoryPage, RolesPage, UsersPage
from milvus_magics.forms.form import Form
from milvus_magics.forms.panel import Line, Panel
from milvus_magics.secret import mask_misplaced
from milvus_magics.session import DEFAULT, connections, session
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline
from milvus_magics.transport.events import Change

CHANGED = "something was changed since this was read: Refresh shows it"


class Console(Panel):
    """Users, roles, access and history of a server, with the forms that change them.

    Args:
        using: alias of the connection.
        timeout: seconds that each operation may last.

    Attributes:
        buttons: its buttons by what stands on them.
        pages: its pages by what stands on their tabs.
        heading: the line that says which server it is, and as whom one is there.
        status: the line that says what went wrong, or was changed since.
        snapshot: what was read last; None before it could be.

    Raises:
        AliasError: when no connection has this alias.
    """

    MAGIC = "%milvus_list_users, %milvus_list_roles, %milvus_access and %milvus_audit"

    def __init__(self, using: str = DEFAULT, *, timeout: float = 10.0) -> None:
        using = mask_misplaced("using", using)
        self._using, self._timeout = using, timeout
        self._conn = connections.get(using)
        self._reading_now = threading.Lock()
        self._is_old = False
        self.snapshot: AccessSnapshot | None = None
        self.heading, self.status = Line(), Line()
        self.buttons = {title: widgets.Button(description=title) for title in ("Refresh", "Close console")}
        kinds = (UsersPage, RolesPage, AccessPage, HistoryPage)
        self.pages = {kind.TITLE: kind(self._open_form) for kind in kinds}
        self._tabs = widgets.Tab([page.box for page in self.pages.values()])
        for number, title in enumerate(self.pages):
            self._tabs.set_title(number, title)
        buttons = widgets.HBox(list(self.buttons.values()), layout=WRAPPED)
        super().__init__([self.heading, buttons, self.status, self._tabs])
        self.buttons["Refresh"].on_click(lambda _: self.refresh())
        self.buttons["Close console"].on_click(lambda _: self.close())
        self._tabs.observe(lambda _: self._show_current(), "selected_index")
        self._conn.on_change.append(self._on_change)
        self.refresh()

    def show_page(self, title: str) -> Any:
        """Show a page, as a click on its tab does; the page."""
        self._tabs.selected_index = list(self.pages).index(title)
        return self.pages[title]

    def refresh(self) -> None:
        """Read everything again. While that is under way, a second time does nothing."""
        if not self._reading_now.acquire(blocking=False):
            return
        button = self.buttons["Refresh"]
        try:
            button.disabled, button.description = True, "Refreshing…"
            self._read()
        finally:
            button.disabled, button.description = False, "Refresh"
            self._reading_now.release()

    def _open_form(self, operation: str) -> Form:
        """A form on this connection, after whose changes everything is read again.

        AliasError if the alias was bound anew since that was shown; what it leads to is shown then.
        """
        try:
            connections.require_bound(self._using, self._conn)
        except AliasError:
            self.refresh()
            raise
        form = form_for(operation)(self._using, timeout=self._timeout)
        form.after.append(lambda: self.refresh() if self._is_old else None)
        return form

    def _forget(self) -> None:
        self._stop_listening()
        for page in self.pages.values():
            page.close_form()

    def _read(self) -> None:
        try:
            conn = connections.get(self._using)
            if conn is not self._conn:
                self._stop_listening()
                self._conn = conn
                conn.on_change.append(self._on_change)
            self._is_old = False
            snapshot = read_snapshot(self._conn, Deadline(self._timeout), root_ruled_out=session.root_ruled_out)
        except MilvusException as exc:
            self.heading.say(self._where(), "heading")
            self.status.say(f"{type(exc).__name__}: {exc}", "error")
            return
        self.heading.say(_headline(conn, snapshot), "heading")
        self.status.say(CHANGED if self._is_old else "")  # it may have been changed while it was read
        self.snapshot = snapshot
        self._show_current()

    def _show_current(self) -> None:
        """Show what was read on the page that is seen; the others do when they are."""
        if self.snapshot is not None:
            list(self.pages.values())[self._tabs.selected_index or 0].open(self._conn, self.snapshot)

    def _stop_listening(self) -> None:
        with suppress(ValueError):
            self._conn.on_change.remove(self._on_change)

    def _on_change(self, change: Change) -> None:
        # Only this: changes may come by the thousand, and reading takes a moment.
        if not self._is_old:
            self._is_old = True
            self.status.say(CHANGED)


def _headline(conn: Connection, snapshot: AccessSnapshot) -> str:
    enforced = {True: "authorization on", False: "authorization OFF", None: "authorization unknown"}[snapshot.enforced]
    where = f"Milvus {snapshot.version or '?'} at {snapshot.server}"
    tls = f"TLS {'on' if snapshot.secure else 'off'}"
    return " · ".join(filter(None, (where, f"connected as {conn.actor}", enforced, tls, snapshot.partial)))
