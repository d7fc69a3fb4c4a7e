"""The console's pages of privileges and of connections: tables to look things up in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import ipywidgets as widgets

from milvus_magics.client.privilege_catalog import USUAL_GROUPS
from milvus_magics.client.results.privileges import Grant, scope_text
from milvus_magics.forms import form_for
from milvus_magics.forms.console.form_place import FormPlace
from milvus_magics.forms.console.pages import WRAPPED, OpenForm, Page
from milvus_magics.forms.fields import show
from milvus_magics.forms.panel import Panel
from milvus_magics.forms.table_widget import Column, Row, RowAction, TableWidget, shown_name
from milvus_magics.session import connections
from milvus_magics.transport.connection import Connection

USE = "use"


GRANT, REVOKE = "grant_privilege", "revoke_privilege"
CREATE, CHANGE, DROP = "create_privilege_group", "add_privileges_to_group", "drop_privilege_group"


class PrivilegesPage(Page):
    """What roles hold, and the groups of privileges, with the forms that change them.

    Attributes:
        buttons: by the operation whose form they open.
    """

    TITLE = "Privileges"
    ROW_ACTIONS = (RowAction(GRANT, "Change"), RowAction(REVOKE, "Revoke", is_dangerous=True))
    GROUP_ACTIONS = (RowAction(CHANGE, "Change"), RowAction(DROP, "Drop", is_dangerous=True))
    COLUMNS = (
        Column("role", "Role", weight=3),
        Column("privilege", "Privilege", weight=3),
        Column("scope", "On", weight=5, line=2),
        Column("grantor", "Granted by", weight=2, line=3),
    )
    GROUP_COLUMNS = (Column("name", "Group", weight=2), Column("privileges", "Privileges", "chips", weight=6, line=2))

    def __init__(self, open_form: OpenForm) -> None:
        super().__init__(open_form)
        self._grants: dict[str, Grant] = {}
        self._place: FormPlace | None = None

    @property
    def form(self) -> Panel | None:
        """The form that is open."""
        return self._place.form if self._place else None

    def _widgets(self) -> list[widgets.Widget]:
        none = "No role holds a privilege, or you may not look."
        options: dict[str, Any] = {"named_by": ["role", "privilege"], "sort": "role", "has_checks": False}
        self.table = TableWidget("Grants", "grant", self.COLUMNS, self.ROW_ACTIONS, note=none, **options)
        none = "This server has no groups of privileges; they came with Milvus 2.5."
        self.groups = TableWidget(
            "Groups", "group", self.GROUP_COLUMNS, self.GROUP_ACTIONS, sort="name", note=none, has_checks=False
        )
        self.table.on_action(self._on_grant)
        self.groups.on_action(lambda name, group: self.show_form(name, group=group))
        self.buttons = {name: widgets.Button(description=f"{form_for(name).TITLE}…") for name in (GRANT, CREATE)}
        for name, button in self.buttons.items():
            button.on_click(partial(self._on_button, name))
        buttons = widgets.HBox(list(self.buttons.values()), layout=WRAPPED)
        buttons.add_class("mm-buttons")
        self._place = FormPlace(self._open_form)
        return [self.table, self.groups, buttons, *self._place.rows]

    def show_form(self, name: str, **values: Any) -> None:
        """Open the form of an operation, with these values in its fields."""
        if self._place:
            self._place.open(form_for(name), **values)

    def close_form(self) -> None:
        """Close the form that is open."""
        if self._place:
            self._place.close()

    def mark_old(self, is_old: bool) -> None:
        """Say where what is shown could not be read again."""
        if self.box.children:
            self.table.is_old = self.groups.is_old = is_old

    def _on_button(self, name: str, _: object) -> None:
        self.show_form(name)

    def _on_grant(self, name: str, key: str) -> None:
        """Open the form about what a grant is on; to revoke it, with that ticked off."""
        grant = self._grants[key]
        taken = {"privileges": [grant.privilege]} if name == REVOKE else {}
        self.show_form(name, role=grant.role, db=grant.db, collections=[grant.object_name or "*"], **taken)

    def _show(self) -> None:
        self.table.show(self._rows())
        self.groups.show(
            Row(name, (shown_name(name), members), () if name in USUAL_GROUPS else None)
            for name, members in self.snapshot.groups.items()
        )
        show(self.buttons[CREATE], bool(self.snapshot.groups))  # a server that has groups has some of its own

    def _rows(self) -> Iterable[Row]:
        for grant in dict.fromkeys(self.snapshot.grants):
            scope = scope_text(grant.object_type, grant.object_name, grant.db)
            key = "\n".join((grant.role, grant.privilege, grant.object_type, grant.object_name, grant.db))
            self._grants[key] = grant
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
