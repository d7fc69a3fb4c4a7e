"""The console's pages of privileges and of connections: tables to look things up in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import ipywidgets as widgets

from milvus_magics.client.results.privileges import scope_text
from milvus_magics.forms.console.pages import OpenForm, Page
from milvus_magics.forms.table_widget import Column, Row, RowAction, TableWidget, shown_name
from milvus_magics.session import connections
from milvus_magics.transport.connection import Connection

USE = "use"


class PrivilegesPage(Page):
    """What roles hold, and the groups of privileges."""

    TITLE = "Privileges"
    COLUMNS = (
        Column("role", "Role", weight=3),
        Column("privilege", "Privilege", weight=3),
        Column("scope", "On", weight=5, line=2),
        Column("grantor", "Granted by", weight=2, line=3),
    )
    GROUP_COLUMNS = (Column("name", "Group", weight=2), Column("privileges", "Privileges", "chips", weight=6, line=2))

    def _widgets(self) -> list[widgets.Widget]:
        none = "No role holds a privilege, or you may not look."
        options: dict[str, Any] = {"named_by": ["role", "privilege"], "sort": "role", "has_checks": False}
        self.table = TableWidget("Grants", "grant", self.COLUMNS, note=none, **options)
        none = "This server has no groups of privileges; they came with Milvus 2.5."
        self.groups = TableWidget("Groups", "group", self.GROUP_COLUMNS, sort="name", note=none, has_checks=False)
        return [self.table, self.groups]

    def mark_old(self, is_old: bool) -> None:
        """Say where what is shown could not be read again."""
        if self.box.children:
            self.table.is_old = self.groups.is_old = is_old

    def _show(self) -> None:
        self.table.show(self._rows())
        self.groups.show(Row(name, (shown_name(name), members)) for name, members in self.snapshot.groups.items())

    def _rows(self) -> Iterable[Row]:
        for grant in dict.fromkeys(self.snapshot.grants):
            scope = scope_text(grant.object_type, grant.object_name, grant.db)
            key = "\n".join((grant.role, grant.privilege, grant.object_type, grant.object_name, grant.db))
            yield Row(key, (shown_name(grant.role), grant.privilege, scope, grant.grantor))


class ConnectionsPage(Page):
    """The connections of this notebook; one of them can be used instead."""

    TITLE = "Connections"
    COLUMNS = (
        Column("alias", "Connection", weight=3),
        Column("server", "Server", weight=5, line=2),
        Column("actor", "Connected as", weight=3),
        Column("shown", "In use", weight=2, line=3),
    )

    def __init__(self, open_form: OpenForm, use: Callable[[str], None]) -> None:
        super().__init__(open_form)
        self._use = use

    def open(self, conn: Connection, snapshot: Any) -> None:
        """Be seen: connections come and go without anything being read."""
        super().open(conn, snapshot)
        self._show()

    def _widgets(self) -> list[widgets.Widget]:
        self.table = TableWidget(
            "Connections",
            "connection",
            self.COLUMNS,
            [RowAction(USE, "Use this one")],
            default_action=USE,
            sort="alias",
            has_checks=False,
        )
        self.table.on_action(lambda _, alias: self._use(alias))
        return [self.table]

    def _show(self) -> None:
        self.table.show(self._rows())

    def _rows(self) -> Iterable[Row]:
        for alias, conn in connections.list_connections():
            if conn is not None:
                is_shown = conn is self._conn
                cells = (shown_name(alias), conn.address.url, conn.actor, "yes" if is_shown else "")
                yield Row(alias, cells, () if is_shown else (USE,))
