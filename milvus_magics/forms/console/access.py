"""The console's page of who can do what."""

from __future__ import annotations

import ipywidgets as widgets

from milvus_magics.access import question
from milvus_magics.access.matrix import Matrix
from milvus_magics.access.question import Question
from milvus_magics.client.privilege_catalog import list_privileges
from milvus_magics.display.messages import html_line
from milvus_magics.errors import MilvusException
from milvus_magics.forms.console.pages import WRAPPED, Page
from milvus_magics.forms.fields import NameField

NARROW = {"description_width": "7em"}
SIDE = {"width": "23em", "max_width": "100%"}

QUESTION_FIELDS = {
    "user": "User", "role": "Role", "privilege": "Privilege", "collection": "Collection", "db": "Database"
}  # fmt: skip


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
            self.findings.value = self._everybody.findings.to_html_lines()
            self.answer.value = self._picture()._repr_html_()
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


def _choice(label: str, options: list[str]) -> widgets.ToggleButtons:
    # Buttons, not a list: those work by keyboard in JupyterLab, too.
    style = {**NARROW, "button_width": "7.4em"}
    return widgets.ToggleButtons(description=label, options=options, style=style, layout=SIDE)


def _filter(label: str, placeholder: str) -> widgets.Text:
    return widgets.Text(description=label, placeholder=placeholder, style=NARROW, layout=SIDE)
