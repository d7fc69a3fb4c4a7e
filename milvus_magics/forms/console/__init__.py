"""The forms in one panel: who is there, what they may do, and what was changed."""

from __future__ import annotations

import threading
from contextlib import suppress
from datetime import datetime
from typing import Any

import ipywidgets as widgets

from milvus_magics.access.read import read_snapshot
from milvus_magics.access.snapshot import AccessSnapshot
from milvus_magics.errors import AliasError, MilvusException
from milvus_magics.forms.console.access import AccessPage
from milvus_magics.forms.console.history import HistoryPage
from milvus_magics.forms.console.lists import RolesPage, UsersPage
from milvus_magics.forms.console.pages import WRAPPED, FormMaker, Page
from milvus_magics.forms.console.tables import ConnectionsPage, PrivilegesPage
from milvus_magics.forms.fields import show
from milvus_magics.forms.panel import Line, Panel
from milvus_magics.secret import mask_misplaced
from milvus_magics.session import DEFAULT, connections, session
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline
from milvus_magics.transport.events import Change
from milvus_magics.wording import join_parts, printable

CHANGED = "Something has changed since this was read. Press Refresh to see it."
SWITCH = {"display": "none", "width": "100%"}  # shown where there are several connections


class Console(Panel):
    """Users, roles, privileges, access and history of a server, with the forms that change them.

    Args:
        using: alias of the connection.
        timeout: seconds that each operation may last.

    Attributes:
        buttons: its buttons by what stands on them.
        switch: chooses between the connections of this notebook; shown if there are several.
        pages: its pages by what stands on their tabs.
        heading: the line that says which server it is, and as whom one is there.
        status: the line that says what went wrong, or was changed since.
        snapshot: what was read last; None before it could be.
        failure: the class of the error with which the last reading ended; None where it went well.

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
        self._read_at: datetime | None = None
        self.snapshot: AccessSnapshot | None = None
        self.failure: type[MilvusException] | None = None
        self.heading, self.status = Line(), Line()
        self.buttons = {title: widgets.Button(description=title) for title in ("Refresh", "Close console")}
        kinds = (UsersPage, RolesPage, PrivilegesPage, AccessPage, HistoryPage)
        pages = [*(kind(self._open_form) for kind in kinds), ConnectionsPage(self._open_form, self._use)]
        self.pages: dict[str, Page] = {page.TITLE: page for page in pages}
        self._tabs = widgets.Tab([page.box for page in self.pages.values()])
        for number, title in enumerate(self.pages):
            self._tabs.set_title(number, title)
        self.switch = widgets.ToggleButtons(
            options=[using], value=using, description="Connection", style={"button_width": "auto"}, layout=SWITCH
        )
        buttons = widgets.HBox(list(self.buttons.values()), layout=WRAPPED)
        super().__init__([self.heading, self.switch, buttons, self.status, self._tabs])
        self.switch.observe(lambda _: self._use(str(self.switch.value)), "value")
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

    def _use(self, alias: str) -> None:
        """Show the server of another connection; forms for the one before are closed."""
        if alias != self._using:
            self._close_forms()
            self._using = self.switch.value = alias
            self.refresh()

    def _offer_connections(self) -> None:
        """Offer the connections that there are; the one in use stays, even if it was closed."""
        aliases = [alias for alias, conn in connections.list_connections() if conn is not None]
        offered = tuple((printable(alias), alias) for alias in sorted({*aliases, self._using}))
        if offered != self.switch.options:
            self.switch.options, self.switch.value = offered, self._using
        show(self.switch, len(offered) > 1)

    def _open_form(self, make: FormMaker) -> Any:
        """A form on this connection, after whose changes everything is read again.

        AliasError if the alias was bound anew since that was shown; what it leads to is shown then.
        """
        try:
            connections.require_bound(self._using, self._conn)
        except AliasError:
            self.refresh()
            raise
        form: Any = make(using=self._using, timeout=self._timeout)
        form.after.append(lambda: self.refresh() if self._is_old else None)
        return form

    def _forget(self) -> None:
        self._stop_listening()
        self._close_forms()

    def _close_forms(self) -> None:
        for page in self.pages.values():
            page.close_form()

    def _read(self) -> None:
        self._offer_connections()
        self.failure = None
        try:
            conn = connections.get(self._using)
            if conn is not self._conn:
                self._stop_listening()
                self._conn = conn
                conn.on_change.append(self._on_change)
            self._is_old = False
            snapshot = read_snapshot(self._conn, Deadline(self._timeout), root_ruled_out=session.root_ruled_out)
        except MilvusException as exc:
            self.failure = type(exc)
            self.heading.say(self._where(), "heading")
            is_same = self.snapshot is not None and self.snapshot.server == self._conn.address.url
            self._say_old(str(exc), is_same=is_same)
            return
        self.heading.say(_headline(conn, snapshot), "heading")
        self.status.say(CHANGED if self._is_old else "")  # it may have been changed while it was read
        self.snapshot, self._read_at = snapshot, datetime.now()
        self._show_current()
        for page in self.pages.values():
            page.mark_old(False)

    def _say_old(self, problem: str, *, is_same: bool) -> None:
        """Say why nothing could be read, and of when that is what is shown."""
        of = f"what is shown was read at {self._read_at:%H:%M:%S}" if self._read_at else ""
        where = "" if is_same or not of else f", from {self.snapshot.server}" if self.snapshot else ""
        self.status.say(join_parts(problem, f"{of}{where}" if of else ""), "error")
        for page in self.pages.values():
            page.mark_old(True)

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
