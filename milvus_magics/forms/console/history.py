"""The console's page of what this session changed, with undo and export."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets as widgets

from milvus_magics.client.results.descriptions import DescriptionSnapshot
from milvus_magics.client.results.privileges import GrantsSnapshot
from milvus_magics.client.results.roles import RoleSnapshot
from milvus_magics.client.results.users import UserSnapshot
from milvus_magics.errors import MilvusException
from milvus_magics.forms import form_for
from milvus_magics.forms.console.pages import WRAPPED, OpenForm, Page
from milvus_magics.forms.fields import show
from milvus_magics.forms.form import Form
from milvus_magics.forms.panel import Line, Panel
from milvus_magics.forms.restore import RestoreGrantsForm, RestoreRoleForm, RestoreUserForm
from milvus_magics.forms.table_widget import Column, Row, RowAction, TableWidget, shown_name
from milvus_magics.session import session
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.events import Change
from milvus_magics.wording import count_text, join_parts

MAX_ENTRIES = 5_000  # that are shown, the newest
FILE = "milvus_changes.jsonl"
UNDO = "undo"


class HistoryPage(Page):
    """What this session changed or tried to, the newest first."""

    TITLE = "History"
    COLUMNS = (
        Column("when", "When", "time", weight=3),
        Column("operation", "What", weight=3),
        Column("target", "Whom", weight=4),
        Column("outcome", "Outcome", weight=6, line=2),
        Column("actor", "By", weight=2, line=3),
    )

    form: Panel | None = None

    def __init__(self, open_form: OpenForm) -> None:
        super().__init__(open_form)
        self._changes: dict[str, Change] = {}

    def open(self, conn: Connection, snapshot: Any) -> None:
        """Be seen: what was refused left the snapshot as it was, and yet is shown."""
        super().open(conn, snapshot)
        self._show()

    def _widgets(self) -> list[widgets.Widget]:
        self.table = TableWidget(
            "Changes", "change", self.COLUMNS, [RowAction(UNDO, "Undo")], sort="when", descending=True,
            named_by=["operation", "target"], has_checks=False,
            note="Nothing was changed in this session so far.",
        )  # fmt: skip
        self.table.on_action(lambda _, key: self.undo(self._changes[key]))
        self.file = widgets.Text(value=FILE, description="File", layout={"width": "24em", "max_width": "100%"})
        self.export_button = widgets.Button(description="Export", tooltip="into a private .jsonl or .csv file")
        self.undo_button = widgets.Button(description="Undo…", disabled=True)
        self.status, self.place = Line(), widgets.VBox()
        self._close = widgets.Button(description="Close form", layout={"display": "none"})
        self.export_button.on_click(lambda _: self.export())
        self.undo_button.on_click(lambda _: self.undo(self._changes[self.table.selected[0]]))
        self._close.on_click(lambda _: self.close_form())
        self.table.observe(lambda _: self._show_selection(), "selected")
        buttons = widgets.HBox([self.undo_button, self.file, self.export_button], layout=WRAPPED)
        buttons.add_class("mm-buttons")
        return [self.table, buttons, self.status, self.place, self._close]

    def _show(self) -> None:
        entries = session.journal.entries()
        start = max(0, len(entries) - MAX_ENTRIES)
        self._changes = {str(number): change for number, change in enumerate(entries[start:], start)}
        left_out = f"{start:,} older changes are not shown; Export has them" if start else ""
        self.status.say(join_parts(left_out, session.journal.loss))
        self.table.show(self._make_row(key, change) for key, change in self._changes.items())
        self._show_selection()

    def _make_row(self, key: str, change: Change) -> Row:
        what = change.operation.replace("_", " ")
        when = int(change.when.timestamp() * 1000)
        outcome = f"{change.outcome}: {change.reason}" if change.reason else change.outcome
        cells = (when, what, shown_name(change.target), outcome, change.actor or "nobody")
        return Row(key, cells, (UNDO,) if self._may_undo(change) else ())

    def _may_undo(self, change: Change) -> bool:
        return change.server == self._conn.address.url and session.undo.may_undo(change)

    def _show_selection(self) -> None:
        chosen = [self._changes[key] for key in self.table.selected if key in self._changes]
        is_possible = len(chosen) == 1 and self._may_undo(chosen[0])
        self.undo_button.disabled = not is_possible
        self.undo_button.description = f"Undo {chosen[0].operation.replace('_', ' ')}…" if is_possible else "Undo…"

    def undo(self, change: Change) -> None:
        """Open the form that brings back what a change took away."""
        self.close_form()
        try:
            form = self._open_form(_form_maker(change))
        except MilvusException as exc:
            self.status.say(str(exc), "error")
            return
        form.fill(**_fields_of(change))
        self.form, self.place.children = form, (form,)
        form.focus()
        show(self._close, True)

    def export(self) -> None:
        """Write the whole journal into the file that is named."""
        try:
            count = session.journal.export(self.file.value.strip())
        except MilvusException as exc:
            self.status.say(str(exc), "error")
        else:
            self.status.say(f"{count_text(count, 'change')} written to {self.file.value.strip()}", "done")

    def close_form(self) -> None:
        """Close the form that is open."""
        form, self.form = self.form, None
        if form is not None:
            self.place.children = ()
            show(self._close, False)
            form.close()


# What a change kept for its undo -> the form that takes it back.
FORMS: dict[type, type[Form]] = {
    UserSnapshot: RestoreUserForm,
    RoleSnapshot: RestoreRoleForm,
    GrantsSnapshot: RestoreGrantsForm,
}


def _form_maker(change: Change) -> Callable[..., Panel]:
    record = change.undo_record
    return form_for(change.operation) if isinstance(record, DescriptionSnapshot) else FORMS[type(record)]


def _fields_of(change: Change) -> dict[str, str]:
    record = change.undo_record
    if isinstance(record, DescriptionSnapshot):
        return {record.kind: record.name, "description": record.description}
    return {"role": record.role} if isinstance(record, (RoleSnapshot, GrantsSnapshot)) else {"user": change.target}
