"""The console's page of who can do what."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets

from milvus_magics.access import question
from milvus_magics.access.matrix import Matrix
from milvus_magics.access.question import Question
from milvus_magics.client.privilege_catalog import list_privileges
from milvus_magics.display.messages import html_line
from milvus_magics.errors import MilvusException
from milvus_magics.forms import form_for, registered_forms
from milvus_magics.forms.console.pages import WRAPPED, Page
from milvus_magics.forms.fields import NameField, show
from milvus_magics.forms.panel import Line
from milvus_magics.forms.picture_widget import (
    FORM_PLACE,
    GRANT,
    GRANT_ROLE,
    REVOKE,
    REVOKE_ROLE,
    AccessPicture,
    PictureAction,
)

NARROW = {"description_width": "7em"}
SIDE = {"width": "23em", "max_width": "100%"}

# What is asked for from a cell -> the client function whose form does it.
FORMS = {
    GRANT: "grant_privilege", REVOKE: "revoke_privilege", GRANT_ROLE: "grant_role", REVOKE_ROLE: "revoke_role"
}  # fmt: skip
QUESTION_FIELDS = {
    "user": "User", "role": "Role", "privilege": "Privilege", "collection": "Collection", "db": "Database"
}  # fmt: skip


class AccessPage(Page):
    """Who can do what: a picture that says why and offers changes, and the answer to a question."""

    TITLE = "Access"

    form: Any = None

    def _widgets(self) -> list[widgets.Widget]:
        self.rows = _choice("Rows", ["users", "roles"])
        self.columns = _choice("Columns", ["levels", "databases", "collections"])
        self.fields = {}
        for name, label in QUESTION_FIELDS.items():
            field = NameField(name, label, "any", continuous_update=False, style=NARROW, layout=SIDE)
            field.build(field)
            self.fields[name] = field
            field.widget.observe(lambda _: self._show_answer(), "value")
        self.findings, self.answer = widgets.HTML(), widgets.HTML()
        self.problem, self.place, self._live = Line(), widgets.VBox(), widgets.VBox(layout={"width": "100%"})
        self.place.add_class(FORM_PLACE)
        self._close = widgets.Button(description="Close form", layout={"display": "none"})
        self._close.on_click(lambda _: self._leave_form())
        self.picture: AccessPicture | None = None
        choices = [self.rows, self.columns]
        for widget in choices:
            widget.observe(lambda _: self._show_picture(), "value")
        question = widgets.HBox([row for field in self.fields.values() for row in field.rows], layout=WRAPPED)
        hint = widgets.HTML(html_line("Ask who may do what:", "note"))
        above = widgets.HBox(choices, layout=WRAPPED)
        below = [self.problem, self.place, self._close, self.findings]
        return [above, self._live, *below, hint, question, self.answer]

    def _show(self) -> None:
        self._everybody = question.answer_question(self._conn, self.snapshot, Question())
        self.pictures: dict[tuple[str, str], Matrix] = {}
        collections = self.snapshot.collections
        self.fields["user"].offer(self.snapshot.users)
        self.fields["role"].offer(self.snapshot.roles)
        self.fields["privilege"].offer(list_privileges(self._conn.version))
        self.fields["collection"].offer(sorted({name for names in collections.values() for name in names}))
        self.fields["db"].offer(collections)
        self.findings.value = self._everybody.findings.to_html_lines()
        if self.picture is None and any(collections.values()):
            self.columns.value = "collections"
        self._show_picture()
        self._show_answer()

    def _show_picture(self) -> None:
        matrix = self._matrix()
        if self.picture is None:
            self.picture = AccessPicture(matrix, tuple(name for name, op in FORMS.items() if op in registered_forms()))
            self.picture.on_action(self._open)
            self._live.children = (self.picture,)
        else:
            self.picture.show(matrix)

    def _show_answer(self) -> None:
        asked = {name: field.value for name, field in self.fields.items() if field.value}
        try:
            answer = question.answer_question(self._conn, self.snapshot, Question(**asked)) if asked else None
        except MilvusException as exc:
            self.answer.value = html_line(str(exc), "error")
            return
        self.answer.value = answer._repr_html_() if answer is not None else ""

    def _matrix(self) -> Matrix:
        """The chosen matrix, built once for each snapshot."""
        kind = self.rows.value, self.columns.value
        if kind not in self.pictures:
            self.pictures[kind] = self._everybody.matrix(*kind)
        return self.pictures[kind]

    def _open(self, action: PictureAction) -> None:
        """Open the form that makes a change, filled in; its preview says what will happen."""
        self.close_form()
        try:
            form = self._open_form(form_for(FORMS[action.name]))
        except MilvusException as exc:
            self.problem.say(str(exc), "error")
            return
        self.problem.say("")
        if action.name in (GRANT_ROLE, REVOKE_ROLE):
            form.fill(user=action.user, role=action.role or None)
        else:
            form.fill(
                role=action.role, db=action.db, collections=action.collections, privileges=action.privileges or None
            )
        self.form, self.place.children = form, (form,)
        show(self._close, True)
        form.focus()
        if self.picture is not None:
            self.picture.show_form()

    def _leave_form(self) -> None:
        """Close the form, and go back to the cell from which it was opened."""
        self.close_form()
        if self.picture is not None:
            self.picture.focus()

    def close_form(self) -> None:
        """Close the form that is open."""
        form, self.form = self.form, None
        if form is not None:
            self.place.children = ()
            show(self._close, False)
            form.close()

    def mark_old(self, is_old: bool) -> None:
        """Say where what is shown could not be read again."""
        if self.box.children and self.picture is not None:
            self.picture.is_old = is_old


def _choice(label: str, options: list[str]) -> widgets.ToggleButtons:
    # Buttons, not a list: those work by keyboard in JupyterLab, too.
    style = {**NARROW, "button_width": "7.4em"}
    return widgets.ToggleButtons(description=label, options=options, style=style, layout={**SIDE, "width": "32em"})
