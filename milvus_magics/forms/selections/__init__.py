"""The forms for several at once: one preview, one confirmation, and what came of each."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar, NamedTuple

import ipywidgets as widgets

from milvus_magics import bulk
from milvus_magics.access.snapshot import AccessSnapshot
from milvus_magics.bulk.results import DONE, BulkError, BulkPlan, BulkResult, UserRow
from milvus_magics.client.results.users import roles_text
from milvus_magics.display.messages import html_line, html_list
from milvus_magics.display.tables import html_table
from milvus_magics.errors import ChangeInterrupted, MilvusException
from milvus_magics.forms.fields import FIELD, LABEL, Field, show
from milvus_magics.forms.panel import Line, Panel
from milvus_magics.session import connections
from milvus_magics.wording import count_text, sentences

BUTTON = {"width": "auto", "margin": "0.4em 0 0.4em 10.7em"}  # below the fields

SECONDS_BETWEEN_WORDS = 0.2  # how often it is said how far the work is
_log = logging.getLogger(__name__)


class Foreseen(NamedTuple):
    """What would be done.

    Attributes:
        names: for whom.
        lines: what, one for each.
        notes: what else should be known.
        warnings: what has to be confirmed.
        obstacles: why something cannot be done, one for each name that it is about.
    """

    names: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    obstacles: tuple[str, ...] = ()


class SelectionForm(Panel):
    """Does one thing with all that are selected.

    Args:
        names: of them.
        snapshot: what is known of the server.
        using: alias of the connection.
        timeout: seconds for each call.

    Attributes:
        NOUN: what they are.
        TITLE: what it does, with `{}` for how many.
        BUSY, DONE: what it says of them meanwhile and afterwards.
        FORESEEN: what it says above those that it would do something with.
        IS_CONFIRMED: whether their number is always retyped; else only where there is a warning.
        fields: what has to be chosen before, by name.
        preview: what would happen, as HTML.
        button: does it.
        confirmation: where the number is retyped.
        status: what is under way, or what went wrong.
        outcome: what came of each, as HTML.
        after: called when the work is over.
    """

    KIND = "a form"
    MAGIC = "%milvus_drop_users and its siblings"
    NOUN: ClassVar[str] = "user"
    TITLE: ClassVar[str]
    BUSY: ClassVar[str]
    DONE: ClassVar[str]
    FORESEEN: ClassVar[str] = "What will happen:"
    IS_CONFIRMED: ClassVar[bool] = True

    def __init__(self, names: Sequence[str], snapshot: AccessSnapshot, using: str, *, timeout: float = 10.0) -> None:
        self.names, self._snapshot, self._using, self._timeout = tuple(names), snapshot, using, timeout
        self._conn = connections.get(using)
        self._hold = partial(connections.hold, using, self._conn)
        self._acting = threading.Lock()
        self._foreseen = Foreseen()
        self.fields: dict[str, Field] = {}
        self.after: list[Callable[[], None]] = []
        self.heading, self.status = Line(), Line()
        self.preview, self.outcome = widgets.HTML(), widgets.HTML()
        self.button = widgets.Button(
            disabled=True, layout=BUTTON, button_style="danger" if self.IS_CONFIRMED else "primary"
        )
        self.confirmation = widgets.Text(description="Confirm", style=LABEL, layout=FIELD)
        self.confirmation.observe(lambda _: self._update(), "value")
        self.button.on_click(lambda _: self.submit())
        below = [self.preview, self.confirmation, self.button, self.status, self.outcome]
        super().__init__([self.heading, *self._make_fields(), *below])
        self.heading.say(f"{self.title} on {self._conn.address.url}, connected as {self._conn.actor}", "heading")
        self.foresee()

    @property
    def title(self) -> str:
        """What it does, and with how many."""
        return self.TITLE.format(count_text(len(self._foreseen.names or self.names), self.NOUN))

    def foresee(self) -> None:
        """Find out what would happen, and say it."""
        self._foreseen, problem = Foreseen(), ""
        try:
            with self._hold():
                self._foreseen = self._foresee()
        except MilvusException as exc:
            problem = str(exc)
        self.status.say(problem, "error")
        self.preview.value, self.outcome.value = _describe(self._foreseen, self.FORESEEN), ""
        self._update()

    def submit(self) -> None:
        """Do it, once; a second click while it is at work does nothing."""
        if not self._acting.acquire(blocking=False):
            return
        try:
            if self._is_ready():
                self._carry_out()
        finally:
            self._acting.release()
            self._update()
        for each in list(self.after):
            each()

    def focus(self) -> None:
        """Leave the keyboard's focus where it is: what will happen is to be read first."""

    def _make_fields(self) -> list[widgets.Widget]:
        """What has to be chosen before."""
        return []

    def _foresee(self) -> Foreseen:
        raise NotImplementedError

    def _act(self, progress: Callable[[int], None]) -> BulkResult:
        raise NotImplementedError

    def _is_ready(self) -> bool:
        count = str(len(self._foreseen.names))
        return bool(self._foreseen.names) and (not self._is_asking() or self.confirmation.value.strip() == count)

    def _is_asking(self) -> bool:
        """Whether how many there are must be retyped."""
        return bool(self._foreseen.names) and (self.IS_CONFIRMED or bool(self._foreseen.warnings))

    def _update(self) -> None:
        is_idle = not self._acting.locked()
        self.button.description = self.title if is_idle else f"{self.BUSY}…"
        self.button.disabled = not (is_idle and self._is_ready())
        show(self.button, not self.outcome.value)
        self.confirmation.placeholder = f"type {len(self._foreseen.names)} to confirm"
        show(self.confirmation, self._is_asking())

    def _carry_out(self) -> None:
        names, began = self._foreseen.names, time.monotonic()
        said = began

        def progress(count: int) -> None:
            nonlocal said
            if time.monotonic() - said > SECONDS_BETWEEN_WORDS:
                said = time.monotonic()
                self.status.say(f"{self.BUSY}… {count:,} of {len(names):,}")

        self._update()
        self.status.say(f"{self.BUSY}…")
        try:
            with self._hold():
                result = self._act(progress)
        except (MilvusException, ChangeInterrupted) as exc:
            self.status.say(str(exc), "error")
        except Exception:
            _log.exception("%s failed", type(self).__name__)
            self.status.say(
                "Something went wrong in milvus_magics itself. The log says what, and History what was done.", "error"
            )
        else:
            self._show_result(result)
        self.confirmation.value = ""
        self._foreseen = Foreseen()  # what was confirmed is done: it takes another look for more

    def _show_result(self, result: BulkResult) -> None:
        rows = [{self.NOUN: row.user, "outcome": row.outcome, "why": row.reason} for row in result]
        done = sum(row.outcome == DONE for row in result)
        kind = "done" if done == len(result) else "error"
        self.status.say(f"{done:,} of {count_text(len(result), self.NOUN)} {self.DONE}", kind)
        rows.sort(key=lambda row: row["outcome"] == DONE)
        columns = (self.NOUN, "outcome", *(["why"] if any(row["why"] for row in rows) else []))
        self.outcome.value = html_table(columns, rows, "")
        self.preview.value = ""


class DropUsersForm(SelectionForm):
    """Delete users without their passwords."""

    TITLE, BUSY, DONE = "Delete {}", "Deleting", "deleted"
    FORESEEN = "These will be deleted, with their roles:"
    MAGIC = "%milvus_drop_users"

    _plan: BulkPlan

    def _foresee(self) -> Foreseen:
        rows = bulk.rows.rows_of(list(self.names))
        try:
            return self._describe_plan(rows)
        except BulkError as exc:
            problems = {each.row or 0: each.problem for each in exc.problems}
        obstacles = tuple(f"{row.user}: {problems[row.number]}" for row in rows if row.number in problems)
        rest = [row for row in rows if row.number not in problems]
        return self._describe_plan(rest)._replace(obstacles=obstacles) if rest else Foreseen(obstacles=obstacles)

    def _describe_plan(self, rows: Sequence[UserRow]) -> Foreseen:
        self._plan = plan = bulk.plan.make_plan(self._conn, bulk.plan.DROP, rows, timeout=self._timeout)
        lines = tuple(f"{row.user}: {roles_text(plan.users[row.user].roles)}" for row in plan.todo)
        gone = tuple(f"{each.user}: {each.reason}" for each in plan.done)
        warnings = (plan.warning,) if plan.warning else ()
        return Foreseen(tuple(row.user for row in plan.todo), lines, plan.notes, warnings, gone)

    def _act(self, progress: Callable[[int], None]) -> BulkResult:
        return bulk.run.execute(self._conn, self._plan, progress=progress, timeout=self._timeout)


def _describe(foreseen: Foreseen, label: str) -> str:
    """What would happen, as HTML."""
    parts = [html_line(_as_sentence(warning), "warning") for warning in foreseen.warnings]
    if foreseen.obstacles:
        parts.append(html_list("Cannot be done:", foreseen.obstacles))
    if foreseen.lines:
        parts.append(html_list(label, foreseen.lines))
    parts += [html_line(_as_sentence(note), "note") for note in foreseen.notes]
    return "".join(parts)


def _as_sentence(text: str) -> str:
    return sentences(f"{text[0].upper()}{text[1:]}")
