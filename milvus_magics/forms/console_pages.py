"""The pages of the console. Each shows one snapshot of the server; what changes something is a form of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import ipywidgets as widgets

from milvus_magics.access import question
from milvus_magics.access.matrix import Matrix
from milvus_magics.access.question import Question
from milvus_magics.access.snapshot import AccessSnapshot
from milvus_magics.client.names import ROOT
from milvus_magics.client.privilege_catalog import list_privileges
from milvus_magics.client.results.roles import holders_text
from milvus_magics.client.rights.right import Right, rights_text
from milvus_magics.display.messages import html_line, html_list
from milvus_magics.errors import MilvusException
from milvus_magics.forms import form_for
from milvus_magics.forms.fields import NameField, show
from milvus_magics.forms.form import Form
from milvus_magics.forms.panel import Line
from milvus_magics.session import session
from milvus_magics.transport.connection import Connection
from milvus_magics.wording import printable

WRAPPED = {"flex_flow": "row wrap", "width": "100%"}
NARROW = {"description_width": "7em"}
SIDE = {"width": "23em", "max_width": "100%"}
# In its own scroll area: a user with many rights shall not push the forms away.
DETAILS = {"flex": "1 1 18em", "min_width": "0", "max_height": "24em", "overflow": "auto", "margin": "0 0 0 1em"}


QUESTION_FIELDS = {
    "user": "User", "role": "Role", "privilege": "Privilege", "collection": "Collection", "db": "Database"
}  # fmt: skip


class Page:
    """One page of the console; it has a snapshot of the server once it was opened.

    Args:
        open_form: makes the form of a client function, on the console's connection.
    """

    TITLE = ""
    snapshot: AccessSnapshot

    def __init__(self, open_form: Callable[[str], Form]) -> None:
        self._open_form = open_form
        self.box = widgets.VBox()  # holds what is on the page

    def open(self, conn: Connection, snapshot: AccessSnapshot) -> None:
        """Be seen: a page is made when it is opened for the first time, and shows a snapshot once."""
        if not self.box.children:
            self.box.children = self._widgets()
        elif snapshot is self.snapshot:
            return
        self._conn, self.snapshot = conn, snapshot
        self._show()

    def _widgets(self) -> list[widgets.Widget]:
        raise NotImplementedError

    def _show(self) -> None:
        raise NotImplementedError

    def close_form(self) -> None:
        """Close the form that is open on it, if there is one."""


class ListPage(Page):
    """Names with a filter, the details of the one that is selected, and forms about it, one at a time."""

    KIND = ""
    OPERATIONS: tuple[str, ...] = ()

    form: Form | None = None

    def _widgets(self) -> list[widgets.Widget]:
        self.filter = _filter("Filter", "part of a name")
        self.list = widgets.Select(description=self.TITLE, rows=12, style=NARROW, layout=SIDE)
        self.count = Line(layout={"margin": "0 0 0 7.6em"})
        self.details = widgets.HTML(layout=DETAILS)
        self.place = widgets.VBox()
        self._close = widgets.Button(description="Close form", layout={"display": "none"})
        buttons = [self._button(operation) for operation in self.OPERATIONS]
        self.filter.observe(lambda _: self._show_names(), "value")
        self.list.observe(lambda _: self._show_details(), "value")
        self._close.on_click(lambda _: self.close_form())
        side = widgets.VBox([self.filter, self.list, self.count], layout={"max_width": "100%"})
        rows = [widgets.HBox(row, layout=WRAPPED) for row in ([side, self.details], buttons)]
        return [*rows, self.place, self._close]

    def _button(self, operation: str) -> widgets.Button:
        button = widgets.Button(description=f"{form_for(operation).TITLE}…")
        button.on_click(lambda _: self.show_form(operation))
        return button

    def _show(self) -> None:
        self._show_names()
        self._show_details()

    def _names(self) -> Iterable[str]:
        raise NotImplementedError

    def _describe(self, name: str) -> tuple[str, Iterable[Right]]:
        """Something about the one of this name, and what they may do."""
        raise NotImplementedError

    def _show_names(self) -> None:
        names, part = list(self._names()), str(self.filter.value)
        matches = [name for name in names if part.casefold() in name.casefold()]
        selected = self.list.value
        options = tuple((printable(name) or "''", name) for name in matches)  # a name may hold what turns a line around
        if options != tuple(self.list.options):
            self.list.options = options
        # JupyterLab takes the arrow keys for itself (https://github.com/jupyter-widgets/ipywidgets/issues/3912), so
        # whoever has no mouse selects by typing here.
        self.list.value = next((name for name in (part or selected, selected, *matches) if name in matches), None)
        text = f"{len(matches)} of {len(names)}" if part else f"{len(names)}"
        self.count.say(f"{text} {self.TITLE.lower()}")

    def _show_details(self) -> None:
        name = self.list.value
        if name not in self._names():
            self.details.value = ""
            return
        note, rights = self._describe(name)
        may = rights_text(rights, max_names=100, max_scopes=100) or ["nothing"]
        heading = html_line(f"{self.KIND} {name!r}", "heading")
        self.details.value = heading + html_line(note, "note") + html_list("may do", may)

    def show_form(self, operation: str) -> None:
        """Open the form of a client function, with the selected name in it, in place of the one before."""
        self.close_form()
        try:
            form = self._open_form(operation)
        except MilvusException as exc:
            self.count.say(str(exc), "error")
            return
        form.fill(**{self.KIND: self.list.value})
        self.form, self.place.children = form, (form,)
        form.focus()
        show(self._close, True)

    def close_form(self) -> None:
        """Close the form that is open."""
        form, self.form = self.form, None
        if form is not None:
            self.place.children = ()
            show(self._close, False)
            form.close()


class UsersPage(ListPage):
    """Users."""

    TITLE = "Users"
    KIND = "user"
    OPERATIONS = (
        "create_user", "grant_role", "revoke_role", "describe_user", "update_password", "reset_password", "delete_user",
        "drop_user",
    )  # fmt: skip

    def _names(self) -> Iterable[str]:
        return self.snapshot.users

    def _describe(self, name: str) -> tuple[str, Iterable[Right]]:
        roles = ", ".join(self.snapshot.users[name]) or ("none, and needs none" if name == ROOT else "none")
        return f"roles: {roles}", self.snapshot.rights_of(name)


class RolesPage(ListPage):
    """Roles."""

    TITLE = "Roles"
    KIND = "role"
    OPERATIONS = ("create_role", "grant_role", "revoke_role", "describe_role", "drop_role")

    def _names(self) -> Iterable[str]:
        return self.snapshot.roles

    def _describe(self, name: str) -> tuple[str, Iterable[Right]]:
        return holders_text(self.snapshot.roles[name]), self.snapshot.rights_of_role(name)


class AccessPage(Page):
    """Who can do what: a picture, or the answer to a question."""

    TITLE = "Access"

    def _widgets(self) -> list[widgets.Widget]:
        self.rows = _choice("Rows", ["users", "roles"])
        self.columns = _choice("Columns", ["levels", "collections"])
        self.row_filter = _filter("Rows with", "part of a name")
        self.column_filter = _filter("Columns with", "part of a name")
        self.fields = {}
        for name, label in QUESTION_FIELDS.items():
            field = NameField(name, label, "any", continuous_update=False, style=NARROW, layout=SIDE)
            field.build(field)
            self.fields[name] = field
        asked = [field.widget for field in self.fields.values()]
        self.findings, self.answer = widgets.HTML(), widgets.HTML()
        self._choices = [self.rows, self.row_filter, self.columns, self.column_filter]
        for widget in (*self._choices, *asked):
            widget.observe(lambda _: self._show_answer(), "value")
        question = widgets.HBox([row for field in self.fields.values() for row in field.rows], layout=WRAPPED)
        picture = [widgets.HBox(row, layout=WRAPPED) for row in (self._choices[:2], self._choices[2:])]
        hint = widgets.HTML(html_line("Ask who may do what, or look at everybody:", "note"))
        return [hint, question, *picture, self.findings, self.answer]

    def _show(self) -> None:
        self._everybody = question.answer_question(self._conn, self.snapshot, Question())
        self.pictures: dict[tuple[str, str], Matrix] = {}
        collections = self.snapshot.collections
        self.fields["user"].offer(self.snapshot.users)
        self.fields["role"].offer(self.snapshot.roles)
        self.fields["privilege"].offer(list_privileges(self._conn.version))
        self.fields["collection"].offer(sorted({name for names in collections.values() for name in names}))
        self.fields["db"].offer(collections)
        self._show_answer()

    def _show_answer(self) -> None:
        asked = {name: field.value for name, field in self.fields.items() if field.value}
        for widget in self._choices:
            widget.disabled = bool(asked)
        if not asked:
            lines = [html_line(finding.text, "warning") for finding in self._everybody.findings]
            self.findings.value, self.answer.value = "".join(lines), self._picture()._repr_html_()
            return
        self.findings.value = ""
        try:
            self.answer.value = question.answer_question(self._conn, self.snapshot, Question(**asked))._repr_html_()
        except MilvusException as exc:
            self.answer.value = html_line(str(exc), "error")

    def _picture(self) -> Matrix:
        """The chosen picture, drawn once for each snapshot, and of it what the filters leave."""
        kind = self.rows.value, self.columns.value
        if kind not in self.pictures:
            self.pictures[kind] = self._everybody.matrix(*kind)
        return self.pictures[kind].filter(str(self.row_filter.value), str(self.column_filter.value))


class HistoryPage(Page):
    """What this session changed."""

    TITLE = "History"

    def _widgets(self) -> list[widgets.Widget]:
        self.table = widgets.HTML()
        return [self.table]

    def _show(self) -> None:
        hint = "%milvus_audit --export FILE writes it into a file; %milvus_restore_user NAME undoes a deletion"
        changes = session.journal.audit()
        none = html_line("nothing was changed in this session so far", "note")
        self.table.value = changes._repr_html_() + html_line(hint, "note") if changes else none


def _choice(label: str, options: list[str]) -> widgets.ToggleButtons:
    # Buttons, not a list: those work by keyboard in JupyterLab, too.
    style = {**NARROW, "button_width": "7.4em"}
    return widgets.ToggleButtons(description=label, options=options, style=style, layout=SIDE)


def _filter(label: str, placeholder: str) -> widgets.Text:
    return widgets.Text(description=label, placeholder=placeholder, style=NARROW, layout=SIDE)
