"""What the forms for many users share: a source, a table of checks, one button, progress, and results."""

from __future__ import annotations

import io
import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, ClassVar

import ipywidgets as widgets

from milvus_magics import bulk
from milvus_magics.bulk import results
from milvus_magics.bulk.results import UserRow
from milvus_magics.display.messages import html_line, html_list
from milvus_magics.errors import AliasError, MilvusException
from milvus_magics.forms.fields import FIELD, LABEL, show
from milvus_magics.forms.many.checks import foresee, foresee_others, require_few
from milvus_magics.forms.many.file_download import FileDownload
from milvus_magics.forms.many.source_input import SourceInput
from milvus_magics.forms.many.words import (
    Verb,
    describe_plan,
    describe_problems,
    describe_result,
    list_problems,
    make_problem_rows,
    make_rows,
)
from milvus_magics.forms.panel import Line, Panel
from milvus_magics.forms.table_widget import Column, TableWidget
from milvus_magics.secret import mask_misplaced
from milvus_magics.session import DEFAULT, connections, session
from milvus_magics.wording import count_text, first_lines

SECONDS_BETWEEN_WORDS = 0.2  # how often it is said how far the work is
MAX_PROBLEMS = 10  # told in full above the table, which has all
ACTIONS = {"flex_flow": "row wrap", "align_items": "center"}
_log = logging.getLogger(__name__)

Reader = Callable[[], Sequence[UserRow]]


class UsersForm(Panel):
    """Does one thing with many users, whom a file or a paste names. The work is done beside the kernel's cells.

    Args:
        using: alias of the connection.
        timeout: seconds for each call.

    Attributes:
        OPERATION: the client function that it calls, and the magic that does the same.
        TITLE: the form's.
        VERB: its words.
        IS_DANGEROUS: whether it takes something away.
        HELP: what its rows are.
        PLACEHOLDER: what is shown where lines are pasted.
        FILLABLE: what can be given beforehand: rows.
        source: where a file is chosen, or lines are pasted.
        summary: the line that says what will be done, or was.
        notes: what else should be known before, as HTML.
        table: each row with what will become of it, or did.
        button: does it.
        stop_button: ends it after what is under way.
        confirmation: where the number is retyped if the plan warns.
        bar: how far the work is.
        status: the line that says what is under way, or went wrong.
        download: gives the passwords that were made up, once.
        advice: the line that says where they are, too.
        failure: the class of the error with which the last check or action ended; None where it went well.
        after: called when users were created or deleted, or could have been.

    Raises:
        AliasError: when no connection has this alias.
    """

    KIND = "a form"
    OPERATION: ClassVar[str]
    TITLE: ClassVar[str]
    VERB: ClassVar[Verb]
    IS_DANGEROUS: ClassVar[bool] = False
    HELP: ClassVar[str]
    PLACEHOLDER: ClassVar[str]
    FILLABLE = ("source",)
    COLUMNS = (
        Column("row", "Row", "number", weight=1, line=3),
        Column("user", "User", weight=4),
        Column("state", "State", weight=4),
        Column("roles", "Roles", "chips", weight=4, line=3),
        Column("why", "Details", weight=9, line=2),
    )

    def __init__(self, using: str = DEFAULT, *, timeout: float = 10.0) -> None:
        self._using = using = mask_misplaced("using", using)  # masked in this frame, too
        self._timeout, self._acting = timeout, threading.Lock()
        self._stopping, self._ending = threading.Event(), threading.Lock()
        self._thread: threading.Thread | None = None
        self._plan: results.BulkPlan | None = None
        self._to_do, self._is_running = 0, False
        self.failure: type[BaseException] | None = None
        self.after: list[Callable[[], None]] = []
        self.heading, self.warning, self.summary, self.status, self.advice = (Line() for _ in range(5))
        self.source = SourceInput(self.HELP, self.PLACEHOLDER, self.read_file, self.read_text, self._on_problem)
        self.notes = widgets.HTML()
        self.table = TableWidget("Users", "user", self.COLUMNS, has_checks=False, named_by=["user"])
        self.confirmation = widgets.Text(description="Confirm", style=LABEL, layout=FIELD)
        self.button = widgets.Button(button_style="danger" if self.IS_DANGEROUS else "primary")
        self.stop_button = widgets.Button(description="Stop")
        self.bar = widgets.IntProgress(layout={"width": "20em", "max_width": "100%"})
        self.download = FileDownload()
        self.confirmation.observe(lambda _: self._update(), "value")
        self.button.on_click(lambda _: self.submit())
        self.stop_button.on_click(lambda _: self.stop())
        actions = widgets.HBox([self.button, self.stop_button, self.bar], layout=ACTIONS)
        above = [self.summary, self.notes, self.table, self.confirmation, actions]
        below = [self.status, self.download, self.advice]
        self._bind()
        super().__init__([self.heading, self.warning, self.source, *above, *below])
        self._update()

    @property
    def is_ready(self) -> bool:
        """Whether its button can be pressed."""
        is_confirmed = not self._is_asking() or self.confirmation.value.strip() == str(self._count())
        return self._plan is not None and self._count() > 0 and is_confirmed and not self._acting.locked()

    def fill(self, source: Sequence[UserRow] = (), **_: Any) -> None:
        """Check rows that were read already."""
        if source:
            self._begin(partial(self._check, lambda: source))

    def read_file(self, name: str, data: io.BytesIO) -> None:
        """Check the rows of a file."""
        self._begin(partial(self._check, partial(bulk.files.read_uploaded_rows, name, data)))

    def read_text(self, data: io.BytesIO) -> None:
        """Check the rows of a text."""
        self._begin(partial(self._check, partial(bulk.files.read_pasted_rows, data)))

    def submit(self) -> None:
        """Do what was planned, once; while it is at work, a second time does nothing."""
        if self.is_ready:
            self._begin(self._carry_out, is_stoppable=True)

    def stop(self) -> None:
        """Begin no more rows; those that are under way come to their end. It does nothing where nothing runs."""
        with self._ending:  # a run that ends meanwhile says its result after this
            if self._is_running:
                self._stopping.set()
                self.stop_button.disabled = True
                self.status.say("Stopping; waiting for what is under way…")

    def wait(self, seconds: float | None = None) -> None:
        """Wait until it is no longer at work."""
        if self._thread is not None:
            self._thread.join(seconds)

    def focus(self) -> None:
        """Give the keyboard's focus to the button that chooses a file, once the form can be seen."""
        self.source.wants_focus = True

    def _prepare(self, rows: Sequence[UserRow]) -> Sequence[UserRow]:
        """Complete what the rows lack."""
        return rows

    def _notes(self, planned: results.BulkPlan) -> Iterable[str]:
        """What should be known beside the plan's own notes."""
        return ()

    def _offer_passwords(self, planned: results.BulkPlan, result: results.BulkResult) -> None:
        """Offer the passwords that were made up, if there are any."""

    def _begin(self, work: Callable[[], None], *, is_stoppable: bool = False) -> None:
        """Do something in a thread of its own, unless something is under way."""
        # In the kernel's own, a click on Stop would not be heard before the end.
        if self._acting.acquire(blocking=False):
            self._stopping.clear()
            self._is_running, self.bar.value = is_stoppable, 0
            self._update()
            self._thread = threading.Thread(target=self._work, args=(work,), daemon=True)
            self._thread.start()

    def _work(self, work: Callable[[], None]) -> None:
        self.failure = None
        try:
            work()
        except MilvusException as exc:
            self.failure = type(exc)
            if isinstance(exc, AliasError):
                self._bind()
            self._refuse(str(exc))
        except Exception:
            _log.exception("%s failed", type(self).__name__)
            self._refuse("Something went wrong in milvus_magics itself, and the log says what")
        finally:
            self._is_running = False
            self._acting.release()
            self._update()

    def _on_problem(self, problem: str) -> None:
        if not self._acting.locked():
            self._refuse(problem)
            self._update()

    def _refuse(self, problem: str) -> None:
        """Say why nothing can be done."""
        self._clear()
        self.status.say(problem, "error")

    def _clear(self) -> None:
        """Take away what was said of other rows."""
        self._plan = None
        self.summary.say("")
        self.notes.value = self.confirmation.value = ""
        self.table.show(())

    def _check(self, read: Reader) -> None:
        """Find out what would become of each row, and show it."""
        self._clear()
        self.status.say("Checking…")
        rows: Sequence[UserRow] = ()
        try:
            rows = require_few(read(), self.OPERATION)
            rows = self._prepare(rows)
            with connections.hold(self._using, self._conn):
                planned, preview = foresee(self._conn, self.OPERATION, rows, self._timeout)
        except results.BulkError as exc:
            self._show_problems(exc.problems, rows)
            return
        self.source.clear()
        self.status.say("")
        if not self.download.is_offered:  # those that nobody has yet stay, whatever comes next
            self._withdraw_passwords()
        self._plan = planned
        self._show_plan(planned, preview)

    def _show_problems(self, problems: Sequence[results.Problem], rows: Sequence[UserRow]) -> None:
        others = foresee_others(self._conn, self.OPERATION, rows, problems, self._timeout)
        self.status.say("")
        self.summary.say(describe_problems(problems, len(rows)), "error")
        self.notes.value = html_list("", first_lines(list_problems(problems), MAX_PROBLEMS))
        self.table.show(make_problem_rows(self.VERB, problems, rows, others))

    def _show_plan(self, planned: results.BulkPlan, preview: results.BulkPreview) -> None:
        self._to_do = preview.counts.get(results.TO_DO, 0)
        self.summary.say(describe_plan(self.VERB, preview), "heading")
        notes = [html_line(planned.warning, "warning")] if planned.warning and self._to_do else []
        others = (note for note in preview.notes if note and note != planned.warning)
        notes += [html_line(note, "note") for note in (*self._notes(planned), *others)]
        self.notes.value = "".join(notes)
        self._show_rows(preview)

    def _show_rows(self, rows: results.BulkResult) -> None:
        self.table.show(make_rows(self.VERB, ((row.row, row.user, row.outcome, row.reason, row.roles) for row in rows)))

    def _carry_out(self) -> None:
        """Do what was planned, with the bar and the button that stops it shown."""
        planned, self._plan = self._plan, None  # once
        if planned is None:
            return
        self.bar.max = len(planned.todo)
        self.notes.value = ""
        self.status.say(f"{self.VERB.doing}…")
        self._update()
        try:
            with connections.hold(self._using, self._conn):
                result = self._execute(planned)
        finally:
            with self._ending:
                self._is_running = False
        self._show_rows(result)
        self.summary.say("")
        self.status.say(describe_result(self.VERB, result), "done" if result.look == "done" else "warning")
        self._offer_passwords(planned, result)
        for each in list(self.after):
            each()

    def _execute(self, planned: results.BulkPlan) -> results.BulkResult:
        said = time.monotonic()

        def progress(count: int) -> None:
            nonlocal said
            if self._stopping.is_set():
                raise KeyboardInterrupt
            if time.monotonic() - said > SECONDS_BETWEEN_WORDS:
                said = time.monotonic()
                self.bar.value = count
                self.status.say(f"{self.VERB.doing}… {count:,} of {len(planned.todo):,}")

        store = session.generated_passwords
        try:
            return bulk.run.execute(self._conn, planned, progress=progress, store=store, timeout=self._timeout)
        except KeyboardInterrupt as exc:
            result: results.BulkResult = exc.result  # type: ignore[attr-defined]
            return result

    def _count(self) -> int:
        return self._to_do if self._plan else 0

    def _is_asking(self) -> bool:
        """Whether how many there are must be retyped."""
        return self._count() > 0 and self._plan is not None and bool(self._plan.warning)

    def _update(self) -> None:
        """Show what can be done now."""
        is_busy, count = self._acting.locked(), self._count()
        self.source.is_busy = is_busy
        self.button.description = f"{self.VERB.begin} {count_text(count, 'user')}"
        self.button.disabled = not self.is_ready
        show(self.button, count > 0 and not is_busy)
        show(self.bar, self._is_running)
        show(self.stop_button, self._is_running)
        self.stop_button.disabled = self._stopping.is_set()
        show(self.table, bool(self.table.rows))
        self.confirmation.placeholder = f"type {count}, how many there are"
        show(self.confirmation, self._is_asking() and not is_busy)

    def _bind(self) -> None:
        """Take the connection that the alias has now, if it has one, and say where and as whom."""
        try:
            self._conn = connections.get(self._using)
        except AliasError:
            if not hasattr(self, "_conn"):
                raise
        self.heading.say(f"{self.TITLE} on {self._conn.address.url}, connected as {self._conn.actor}", "heading")
        self.warning.say(self._conn.address.warning, "warning")

    def _withdraw_passwords(self) -> None:
        self.download.withdraw()
        self.advice.say("")

    def _forget(self) -> None:
        self._stopping.set()
        self._plan = None
        self._withdraw_passwords()
        self.source.clear()
