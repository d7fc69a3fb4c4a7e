"""The console's pages of users and roles: a table, what the selected ones may do, and forms that change them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import NamedTuple

import ipywidgets as widgets

from milvus_magics.client.names import EVERYBODY, PUBLIC, ROOT
from milvus_magics.client.results.roles import holders_text
from milvus_magics.client.rights.right import EVERYTHING, Right, rights_text
from milvus_magics.display.messages import html_line, html_list
from milvus_magics.errors import MilvusException
from milvus_magics.forms import form_for
from milvus_magics.forms.console.pages import WRAPPED, OpenForm, Page
from milvus_magics.forms.fields import button_name, show
from milvus_magics.forms.form import Form
from milvus_magics.forms.many.users_form import UsersForm
from milvus_magics.forms.panel import Line, Panel
from milvus_magics.forms.selections import DropUsersForm, SelectionForm
from milvus_magics.forms.selections.roles import DropRolesForm, GrantRoleToUsersForm, RevokeRoleFromUsersForm
from milvus_magics.forms.table_widget import Column, Row, RowAction, TableWidget, shown_name
from milvus_magics.wording import count_text, list_text

TABLE = {"flex": "3 1 30em", "min_width": "0"}
# In its own scroll area: a user with many rights shall not push the forms away.
DETAILS = {"flex": "1 1 15em", "min_width": "0", "max_height": "27em", "overflow": "auto", "margin": "0 0 0 1em"}
ALL = "all"


class ListOperation(NamedTuple):
    """What can be done with one or several of a list.

    Attributes:
        name: the client function that one form calls.
        text: on its button, with `{}` for whom; empty where it is about nobody who is there.
        many: the form for several at once. None if there is none.
        is_dangerous: whether it takes something away.
    """

    name: str
    text: str = ""
    many: type[SelectionForm] | None = None
    is_dangerous: bool = False


class ListPage(Page):
    """Rows to select, the details of the selected one, and forms about those selected, one form at a time."""

    KIND = ""
    COLUMNS: tuple[Column, ...] = ()
    OPERATIONS: tuple[ListOperation, ...] = ()
    ROW_ACTIONS: tuple[RowAction, ...] = ()
    KEPT: tuple[str, ...] = ()  # fields that stay as they are where a form goes on with others

    form: Form | SelectionForm | UsersForm | None = None

    def __init__(self, open_form: OpenForm) -> None:
        super().__init__(open_form)
        self._operation: ListOperation | None = None  # that of the form
        self._is_reading = False

    def _widgets(self) -> list[widgets.Widget]:
        self.table = TableWidget(
            self.TITLE, self.KIND, self.COLUMNS, self.ROW_ACTIONS, sort="name", layout=TABLE,
            note=f"There are no {self.TITLE.lower()}.",
        )  # fmt: skip
        self.details = widgets.HTML(layout=DETAILS)
        self.problem, self.place = Line(), widgets.VBox()
        self.buttons = {operation.name: widgets.Button() for operation in self.OPERATIONS}
        self._close = widgets.Button(description="Close form", layout={"display": "none"})
        for operation in self.OPERATIONS:
            self.buttons[operation.name].on_click(partial(self._on_button, operation.name))
            if operation.is_dangerous:
                self.buttons[operation.name].add_class("mm-danger")
        self.table.observe(lambda _: self._on_selection(), "selected")
        self.table.on_action(self._on_row_action)
        self._close.on_click(lambda _: self.close_form())
        above = widgets.HBox([self.table, self.details], layout=WRAPPED)
        buttons = widgets.HBox(list(self.buttons.values()), layout=WRAPPED)
        buttons.add_class("mm-buttons")
        return [above, buttons, self.problem, self.place, self._close]

    @property
    def selected(self) -> list[str]:
        """The names that are selected."""
        return list(self.table.selected)

    def select(self, *names: str) -> None:
        """Select these and no others, as clicks do."""
        self.table.selected = list(names)

    def show_form(self, name: str) -> None:
        """Open the form of an operation for those that are selected, in place of the one before."""
        operation = next(each for each in self.OPERATIONS if each.name == name)
        names = self.selected if operation.text else []
        self.close_form()
        try:
            form = self._open_form(self._form_maker(operation, names))
        except MilvusException as exc:
            self.problem.say(str(exc), "error")
            return
        self.problem.say("")
        if len(names) == 1:
            form.fill(**{self.KIND: names[0]})
        self.form, self._operation, self.place.children = form, operation, (form,)
        form.focus()
        show(self._close, True)

    def close_form(self) -> None:
        """Close the form that is open."""
        form, self.form, self._operation = self.form, None, None
        if form is not None:
            self.place.children = ()
            show(self._close, False)
            form.close()

    def mark_old(self, is_old: bool) -> None:
        """Say where what is shown could not be read again."""
        if self.box.children:
            self.table.is_old = is_old

    def _form_maker(self, operation: ListOperation, names: list[str]) -> partial[Panel] | type[Panel]:
        if len(names) > 1 and operation.many:
            return partial(operation.many, names, self.snapshot)
        return form_for(operation.name)

    def _show(self) -> None:
        self._is_reading = True  # who is gone isn't selected any more, and yet the form says what became of them
        try:
            self.table.show(self._rows())
        finally:
            self._is_reading = False
        self._show_selection()

    def _rows(self) -> Iterable[Row]:
        raise NotImplementedError

    def _describe(self, name: str) -> tuple[str, Iterable[Right]]:
        """Something about the one of this name, and what they may do."""
        raise NotImplementedError

    def _on_button(self, name: str, _: object) -> None:
        self.show_form(name)

    def _on_row_action(self, name: str, key: str) -> None:
        self.select(key)
        self.show_form(name)

    def _on_selection(self) -> None:
        """Say whom the buttons are about now; a form that was about others goes on with these, or is closed."""
        if self._is_reading:
            return
        self._show_selection()
        operation = self._operation
        if operation is None or not operation.text:
            return
        fields = getattr(self.form, "fields", {})
        kept = {name: fields[name].value for name in self.KEPT if name in fields}
        if self._is_offered(operation) and self.selected:
            self.show_form(operation.name)
            self._fill(kept)
        else:
            self.close_form()

    def _fill(self, values: dict[str, str]) -> None:
        fields = getattr(self.form, "fields", {})
        for name, value in values.items():
            if name in fields:
                fields[name].value = value

    def _show_selection(self) -> None:
        names = self.selected
        for operation in self.OPERATIONS:
            button = self.buttons[operation.name]
            button.description = self._button_text(operation, names)
            show(button, self._is_offered(operation))
        self.details.value = self._details(names)

    def _is_offered(self, operation: ListOperation) -> bool:
        return len(self.selected) < 2 or not operation.text or operation.many is not None

    def _button_text(self, operation: ListOperation, names: list[str]) -> str:
        if not (operation.text and names):
            return f"{form_for(operation.name).TITLE}…"
        if len(names) > 1 and operation.many:
            return f"{operation.many.TITLE.format(count_text(len(names), self.KIND))}…"
        return f"{operation.text.format(button_name(names[0]))}…"

    def _details(self, names: list[str]) -> str:
        if not names:
            return html_line(
                f"Select a {self.KIND} to see what they may do; tick several to change them at once.", "note"
            )
        if len(names) > 1:
            return html_line(count_text(len(names), self.KIND), "heading") + html_line(list_text(names, 20), "note")
        note, rights = self._describe(names[0])
        may = rights_text(rights, max_names=100, max_scopes=100) or ["nothing"]
        return html_line(f"{self.KIND} {names[0]!r}", "heading") + html_line(note, "note") + html_list("may do", may)


class UsersPage(ListPage):
    """Users."""

    TITLE = "Users"
    KIND = "user"
    KEPT = ("role",)
    COLUMNS = (
        Column("name", "User", weight=4),
        Column("roles", "Roles", "chips", weight=5, line=2),
        Column("rights", "Rights", "number", weight=1),
    )
    ROW_ACTIONS = (RowAction("grant_role", "Grant role"), RowAction("delete_user", "Delete", is_dangerous=True))
    OPERATIONS = (
        ListOperation("create_user"),
        ListOperation("create_users"),
        ListOperation("grant_role", "Grant role to {}", GrantRoleToUsersForm),
        ListOperation("revoke_role", "Revoke role from {}", RevokeRoleFromUsersForm, is_dangerous=True),
        ListOperation("describe_user", "Describe {}"),
        ListOperation("update_password", "Change password of {}"),
        ListOperation("reset_password", "Reset password of {}"),
        ListOperation("delete_user", "Delete {}", is_dangerous=True),
        ListOperation("drop_user", "Delete {} without password", DropUsersForm, is_dangerous=True),
    )

    def _rows(self) -> Iterable[Row]:
        counts: dict[tuple[str, ...], int | str] = {}  # many users hold the same roles
        for name, roles in self.snapshot.users.items():
            sources = self.snapshot.sources_of(name)
            if sources not in counts:
                counts[sources] = _count_rights(
                    right for each in sources for right in self.snapshot.rights_of_role(each)
                )
            yield Row(name, (shown_name(name), roles or (), counts[sources]))

    def _describe(self, name: str) -> tuple[str, Iterable[Right]]:
        roles = ", ".join(self.snapshot.users[name]) or ("none needed" if name == ROOT else "none")
        return f"roles: {roles}", self.snapshot.rights_of(name)


class RolesPage(ListPage):
    """Roles."""

    TITLE = "Roles"
    KIND = "role"
    COLUMNS = (
        Column("name", "Role", weight=4),
        Column("holders", "Held by", "chips", weight=5, line=2),
        Column("count", "Holders", "number", weight=1.5, line=3),
        Column("rights", "Rights", "number", weight=1),
    )
    ROW_ACTIONS = (
        RowAction("grant_privilege", "Privileges"),
        RowAction("grant_role", "Grant"),
        RowAction("drop_role", "Drop", is_dangerous=True),
    )
    OPERATIONS = (
        ListOperation("create_role"),
        ListOperation("grant_privilege", "Change privileges of {}"),
        ListOperation("grant_role", "Grant {} to a user"),
        ListOperation("revoke_role", "Revoke {} from a user", is_dangerous=True),
        ListOperation("describe_role", "Describe {}"),
        ListOperation("drop_role", "Drop {}", DropRolesForm, is_dangerous=True),
    )

    def _rows(self) -> Iterable[Row]:
        for name, holders in self.snapshot.roles.items():
            count: int | str = "?" if holders is None else len(holders)
            rights = _count_rights(self.snapshot.rights_of_role(name))
            if name == PUBLIC:  # which is given to nobody in particular
                holders, count = (EVERYBODY,), len(self.snapshot.users)
            yield Row(name, (shown_name(name), holders or (), count, rights))

    def _describe(self, name: str) -> tuple[str, Iterable[Right]]:
        return holders_text(name, self.snapshot.roles[name]), self.snapshot.rights_of_role(name)


def _count_rights(rights: Iterable[Right]) -> int | str:
    found = {(right.privilege, right.object_type, right.object_name, right.db) for right in rights}
    return ALL if any(privilege == EVERYTHING for privilege, *_ in found) else len(found)
