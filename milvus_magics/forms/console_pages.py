"""The pages of the console. Each shows one reading of the server; what changes something is a form of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, Protocol

import ipywidgets as widgets

from milvus_magics.access import question
from milvus_magics.access.matrix import Matrix
from milvus_magics.access.question import Question
from milvus_magics.access.rights import Right, rights_text
from milvus_magics.access.snapshot import AccessSnapshot
from milvus_magics.client.names import ROOT
from milvus_magics.client.privilege_catalog import KNOWN
from milvus_magics.client.results.roles import holders_text
from milvus_magics.display.messages import html_line, html_list
from milvus_magics.errors import MilvusException
from milvus_magics.forms.create_user import CreateUserForm
from milvus_magics.forms.drop_user import DropUserForm
from milvus_magics.forms.fields import NameBox
from milvus_magics.forms.form import show
from milvus_magics.forms.passwords import ResetPasswordForm, UpdatePasswordForm
from milvus_magics.forms.roles import CreateRoleForm, DropRoleForm, GrantRoleForm, RevokeRoleForm
from milvus_magics.forms.server_form import ServerForm
from milvus_magics.forms.users import DeleteUserForm
from milvus_magics.session import journal
from milvus_magics.transport.connection import Connection
from milvus_magics.wording import printable

WRAPPED = {"flex_flow": "row wrap", "width": "100%"}
NARROW = {"description_width": "7em"}
SIDE = {"width": "23em", "max_width": "100%"}
# In its own scroll area: a user with many rights shall not push the forms away.
DETAILS = {"flex": "1 1 18em", "min_width": "0", "max_height": "24em", "overflow": "auto", "margin": "0 0 0 1em"}


class ConsoleContext(Protocol):
    """What a page needs to know of the console that it is in."""

    @property
    def using(self) -> str:
        """The alias of the connection."""

    @property
    def timeout(self) -> float:
        """Seconds that each operation may last."""

    @property
    def conn(self) -> Connection:
        """The connection that is shown."""

    def refresh_after_change(self) -> None:
        """Read again where something was changed since."""


class Page:
    """One page: a box with widgets, and the reading that it shows."""

    TITLE = ""

    def __init__(self, console: ConsoleContext) -> None:
        self.console = console
        self.box = widgets.VBox()
        self._shown: AccessSnapshot | None = None

    def open(self, reading: AccessSnapshot) -> None:
        """Be seen: a page is made when it is opened for the first time, and shows a reading once."""
        if not self.box.children:
            self.box.children = self._widgets()
        if reading is not self._shown:
            self._shown = reading
            self.show(reading)

    def _widgets(self) -> list[widgets.Widget]:
        raise NotImplementedError

    def show(self, reading: AccessSnapshot) -> None:
        """Show what was read."""
        raise NotImplementedError

    def close_form(self) -> None:
        """Close the form that is open on it, if there is one."""


class _ListPage(Page):
    """Names with a filter, the details of the one that is selected, and forms about it."""

    KIND = ""
    FORMS: ClassVar[Sequence[type[ServerForm]]] = ()

    _form: ServerForm | None = None

    def _widgets(self) -> list[widgets.Widget]:
        self._filter = _filter("Filter", "part of a name")
        self._list = widgets.Select(description=self.TITLE, rows=12, style=NARROW, layout=SIDE)
        self._count = widgets.HTML(layout={"margin": "0 0 0 7.6em"})
        self._details = widgets.HTML(layout=DETAILS)
        self._slot = widgets.VBox()
        self._done = widgets.Button(description="Close form", layout={"display": "none"})
        buttons = [self._button(form) for form in self.FORMS]
        self._filter.observe(lambda _: self._show_names(), "value")
        self._list.observe(lambda _: self._show_details(), "value")
        self._done.on_click(lambda _: self.close_form())
        side = widgets.VBox([self._filter, self._list, self._count], layout={"max_width": "100%"})
        return [
            widgets.HBox([side, self._details], layout=WRAPPED),
            widgets.HBox(buttons, layout=WRAPPED),
            self._slot,
            self._done,
        ]

    def _button(self, form: type[ServerForm]) -> widgets.Button:
        button = widgets.Button(description=f"{form.TITLE}…")
        button.on_click(lambda _: self._open(form))
        return button

    def show(self, reading: AccessSnapshot) -> None:
        """Show what was read."""
        self._show_names()
        self._show_details()

    def _names(self, reading: AccessSnapshot) -> list[str]:
        raise NotImplementedError

    def _about(self, reading: AccessSnapshot, name: str) -> str:
        """The details of a name, as HTML."""
        raise NotImplementedError

    def _show_names(self) -> None:
        if self._shown is None:
            return
        names, part = self._names(self._shown), str(self._filter.value)
        found = [name for name in names if part.casefold() in name.casefold()]
        selected = self._list.value
        options = [(printable(name) or "''", name) for name in found]  # a name may hold what turns a line around
        if tuple(options) != tuple(self._list.options):
            self._list.options = options
        # JupyterLab takes the arrow keys for itself, so whoever has no mouse selects by typing here.
        exact = part if part in found else None
        self._list.value = exact or (selected if selected in found else found[0] if found else None)
        text = f"{len(found)} of {len(names)}" if part else f"{len(names)}"
        self._count.value = html_line(f"{text} {self.TITLE.lower()}", "note")

    def _show_details(self) -> None:
        name = self._list.value
        known = self._shown is not None and name in self._names(self._shown)
        self._details.value = self._about(self._shown, name) if self._shown is not None and known else ""

    def _open(self, kind: type[ServerForm]) -> None:
        self.close_form()
        try:
            form = kind(self.console.using, timeout=self.console.timeout)
        except MilvusException as exc:
            self._count.value = html_line(str(exc), "error")
            return
        if self._list.value is not None:
            form.fill(**{self.KIND: self._list.value})
        form.after.append(self.console.refresh_after_change)
        self._form, self._slot.children = form, (form,)
        show(self._done, True)

    def close_form(self) -> None:
        """Close the form that is open."""
        form, self._form = self._form, None
        if form is not None:
            self._slot.children = ()
            show(self._done, False)
            form.close()


class UsersPage(_ListPage):
    """Users."""

    TITLE = "Users"
    KIND = "user"
    FORMS = (
        CreateUserForm,
        GrantRoleForm,
        RevokeRoleForm,
        UpdatePasswordForm,
        ResetPasswordForm,
        DeleteUserForm,
        DropUserForm,
    )

    def _names(self, reading: AccessSnapshot) -> list[str]:
        return list(reading.users)

    def _about(self, reading: AccessSnapshot, name: str) -> str:
        roles = ", ".join(reading.users[name]) or ("none, and needs none" if name == ROOT else "none")
        return _details(f"user {name!r}", f"roles: {roles}", reading.rights_of(name))


class RolesPage(_ListPage):
    """Roles."""

    TITLE = "Roles"
    KIND = "role"
    FORMS = (CreateRoleForm, GrantRoleForm, RevokeRoleForm, DropRoleForm)

    def _names(self, reading: AccessSnapshot) -> list[str]:
        return list(reading.roles)

    def _about(self, reading: AccessSnapshot, name: str) -> str:
        return _details(f"role {name!r}", holders_text(reading.roles[name]), reading.rights_of_role(name))


class AccessPage(Page):
    """Who can do what: a picture, or the answer to a question."""

    TITLE = "Access"

    def _widgets(self) -> list[widgets.Widget]:
        self._rows = _choice("Rows", ["users", "roles"])
        self._columns = _choice("Columns", ["levels", "collections"])
        self._filter = _filter("Rows with", "part of a name")
        self._columns_filter = _filter("Columns with", "part of a name")
        self._asked = {
            name: NameBox(label, "any", continuous_update=False, style=NARROW, layout=SIDE)
            for name, label in {
                "user": "User", "role": "Role", "privilege": "Privilege", "collection": "Collection", "db": "Database"
            }.items()
        }  # fmt: skip
        self._concerns, self._answer = widgets.HTML(), widgets.HTML()
        for field in (self._rows, self._columns, self._filter, self._columns_filter, *self._asked.values()):
            field.observe(lambda _: self._show_answer(), "value")
        question = widgets.HBox(list(self._asked.values()), layout=WRAPPED)
        picture = [
            widgets.HBox(fields, layout=WRAPPED)
            for fields in ([self._rows, self._filter], [self._columns, self._columns_filter])
        ]
        hint = widgets.HTML(html_line("Ask who may do what, or look at everybody:", "note"))
        return [hint, question, *picture, self._concerns, self._answer]

    def show(self, reading: AccessSnapshot) -> None:
        """Show what was read."""
        self._everybody = question.answer(self.console.conn, reading, Question())
        self._pictures: dict[tuple[str, str], Matrix] = {}
        for name, options in _there_are(reading).items():
            self._asked[name].offer(options)
        self._show_answer()

    def _show_answer(self) -> None:
        if self._shown is None:
            return
        asked = Question(**{name: box.chosen or None for name, box in self._asked.items()})
        for field in (self._rows, self._columns, self._filter, self._columns_filter):
            field.disabled = any(asked)
        if not any(asked):
            lines = [html_line(concern.text, "warning") for concern in self._everybody.concerns]
            self._concerns.value, self._answer.value = "".join(lines), self._picture()._repr_html_()
            return
        self._concerns.value = ""
        try:
            self._answer.value = question.answer(self.console.conn, self._shown, asked)._repr_html_()
        except MilvusException as exc:
            self._answer.value = html_line(str(exc), "error")

    def _picture(self) -> Matrix:
        """The chosen picture, drawn once for each reading, and of it what the filters leave."""
        kind = self._rows.value, self._columns.value
        if kind not in self._pictures:
            self._pictures[kind] = self._everybody.matrix(*kind)
        return self._pictures[kind].filter(str(self._filter.value), str(self._columns_filter.value))


class HistoryPage(Page):
    """What this session changed."""

    TITLE = "History"

    def _widgets(self) -> list[widgets.Widget]:
        self._table = widgets.HTML()
        return [self._table]

    def show(self, reading: AccessSnapshot) -> None:
        """Show what this session changed; the reading is not needed for that."""
        hint = "%milvus_audit --export FILE writes it into a file; %milvus_restore_user NAME undoes a deletion"
        changes = journal.audit()
        none = html_line("nothing was changed in this session so far", "note")
        self._table.value = changes._repr_html_() + html_line(hint, "note") if changes else none


def _details(heading: str, note: str, rights: Iterable[Right]) -> str:
    may = rights_text(rights, most=(100, 100)) or ["nothing"]
    lines = [html_line(heading, "heading"), html_line(note, "note")]
    return "".join([*lines, html_list("may do", may)])


def _there_are(reading: AccessSnapshot) -> dict[str, list[str]]:
    """What may be asked about."""
    return {
        "user": list(reading.users),
        "role": list(reading.roles),
        "privilege": sorted(KNOWN),
        "collection": sorted({name for names in reading.collections.values() for name in names}),
        "db": list(reading.collections),
    }


def _choice(label: str, options: list[str]) -> widgets.ToggleButtons:
    # Buttons, not a list: those work by keyboard in JupyterLab, too.
    style = {**NARROW, "button_width": "7.4em"}
    return widgets.ToggleButtons(description=label, options=options, style=style, layout=SIDE)


def _filter(label: str, placeholder: str) -> widgets.Text:
    return widgets.Text(description=label, placeholder=placeholder, style=NARROW, layout=SIDE)
