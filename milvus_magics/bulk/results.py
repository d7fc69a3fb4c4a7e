"""The rows, plans and results of bulk changes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from milvus_magics.client.names import remark_on_password
from milvus_magics.client.results.previews import Foretelling
from milvus_magics.client.results.table import Table
from milvus_magics.client.results.users import UserSnapshot
from milvus_magics.display.tables import MAX_ROWS
from milvus_magics.errors import CodedError
from milvus_magics.secret import MASK, Secret
from milvus_magics.wording import count_text, join_parts, list_text, names_text, printable

if TYPE_CHECKING:
    from milvus_magics.display.terminal import Paint

DONE, ALREADY, MISSING, PARTLY = "done", "already", "missing", "partly"
REFUSED, UNKNOWN, NOT_TRIED, TO_DO = "refused", "unknown", "not tried", "to do"
OUTCOMES = (UNKNOWN, PARTLY, REFUSED, NOT_TRIED, MISSING, ALREADY, TO_DO, DONE)  # the most worrying first
MAX_PROBLEMS = 20  # that an error shows
MAX_SHOWN_NAME = 64  # characters; what is longer is hardly a name
_LINE = re.compile(r"[,;:|=\t\r\n]|\S\s+\S")
_NAME = re.compile(r"[\w.\s-]*")


def looks_like_a_line(name: str) -> bool:
    """Whether a text is rather a line of a file than a name: it holds a separator."""
    return bool(_LINE.search(name))


def shown_name(name: object) -> str:
    """A name as an error may show it; empty where it may be more than a name."""
    if not isinstance(name, str) or len(name) > MAX_SHOWN_NAME or looks_like_a_line(name):
        return ""
    return name if _NAME.fullmatch(name) else ""


@dataclass(frozen=True)
class UserRow:
    """One user of a source.

    Attributes:
        number: of its row, as its source counts.
        generated: whether the password was made up for it.
    """

    number: int
    user: str
    password: Secret | None = field(default=None, repr=False)
    roles: tuple[str, ...] = ()
    description: str = ""
    generated: bool = False

    @property
    def remark(self) -> str | None:
        """What may be an accident about the password, as `remark_on_password` says it; None if nothing is."""
        return None if self.password is None else remark_on_password(self.password)

    def to_outcome(self, server: str, outcome: str, reason: str = "", roles: Sequence[str] | None = None) -> RowOutcome:
        """What came of the row; `roles` are those that the user has or had, by default those of the row."""
        password = self.password if self.generated else None
        return RowOutcome(self.number, self.user, outcome, reason, server, password, tuple(roles or self.roles))

    def __repr__(self) -> str:
        # In a row whose columns are mixed up, any text may be the password; a traceback shows this.
        return f"UserRow(number={self.number}, user={shown_name(self.user) or MASK!r})"


class RowOutcome(NamedTuple):
    """The outcome of one row.

    Attributes:
        row: its number.
        outcome: `done`, `already` (what is wanted is the case), `missing` (there is no such user to delete), `partly`
            (the user is there, and lacks a role), `refused` (nothing was changed), `unknown`, or `not tried`; of a
            dry run `to do`.
        reason: why, where it is not done; or what else should be known.
        password: the one that was generated for it, masked.
        roles: that the user was to have, or had before they were deleted.
        file: where that password is, too; empty if in no file.
    """

    row: int
    user: str
    outcome: str
    reason: str = ""
    server: str = ""
    password: Secret | None = None
    roles: tuple[str, ...] = ()
    file: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The row as it is shown: of a password, where it is."""
        return self._asdict() | {"password": "" if self.password is None else self._describe_password()}

    def _describe_password(self) -> str:
        if self.outcome == TO_DO:
            return "will be made up"
        if not self.may_be_created:
            return ""
        return f"in {self.file}" if self.file else f"made up: .passwords[{self.user!r}].reveal()"

    @property
    def may_be_created(self) -> bool:
        """Whether the user may be there now, so that a generated password is needed."""
        return self.outcome in (DONE, PARTLY, UNKNOWN)


class Problem(NamedTuple):
    """Why a row, or a whole source, cannot be carried out.

    Attributes:
        row: its number, as its source counts; None where it belongs to no row, such as one of the heading.
        user: of the row; empty if there is none, or if the text may be more than a name.
        column: which is meant; empty if it is not about one.
        problem: what is wrong; never quotes what may be a password.
    """

    row: int | None
    user: str
    column: str
    problem: str


class Problems(Table[Problem]):
    """All problems of a bulk change, by row; those that belong to none come first."""

    noun = "problem"
    columns = ("row", "user", "column", "problem")

    def __init__(self, problems: Iterable[Problem] = ()) -> None:
        rows = sorted(problems, key=lambda problem: problem.row or 0)
        super().__init__(rows, count_text(len(rows), "problem"))

    def shown_columns(self) -> tuple[str, ...]:
        """The columns that tell something."""
        return tuple(name for name in self.columns if any(getattr(row, name) not in (None, "") for row in self))

    def to_lines(self, most: int) -> list[str]:
        """The first few problems as lines of text below a heading, and how many more there are."""
        from milvus_magics.display.tables import text_table

        rows = [problem._asdict() for problem in self[:most]]
        more = len(self) - most
        return text_table(self.shown_columns(), rows, "").split("\n") + ([f"and {more} more"] if more > 0 else [])

    def _text(self, paint: Paint) -> str:
        return "\n".join([self.caption, *(self.to_lines(MAX_ROWS) if self else [])])


class BulkError(CodedError):
    """Rows of a bulk change have problems, so that nothing was changed; or some were not carried out.

    Args:
        message: what happened, on one line.
        problems: of the rows or of their source; the text shows the first of them as a table.
        **options: as in `CodedError`.

    Attributes:
        problems: all of them as a table; empty where rows were tried.
    """

    def __init__(self, message: str, *, problems: Iterable[Problem] = (), **options: Any) -> None:
        super().__init__(message, **options)
        self.problems = Problems(problems)

    def __reduce__(self) -> tuple[object, ...]:
        return *super().__reduce__(), {"problems": self.problems}

    def __str__(self) -> str:
        return "\n".join([self.message, *(self.problems.to_lines(MAX_PROBLEMS) if self.problems else [])])


class BulkResult(Table[RowOutcome]):
    """The outcomes of a bulk change, row by row, failures first.

    Attributes:
        what: was done, and where.
        interrupted: whether somebody interrupted it.
        seconds: how long it took.
        notes: what else should be known.
    """

    max_text_rows = MAX_ROWS
    columns = ("row", "user", "roles", "password", "outcome", "reason", "server")

    def __init__(
        self,
        rows: Sequence[RowOutcome],
        what: str,
        seconds: float,
        *,
        interrupted: bool = False,
        notes: Sequence[str] = (),
    ) -> None:
        self.what, self.seconds, self.interrupted, self.notes = what, seconds, interrupted, tuple(notes)
        stopped = "interrupted; " if interrupted else ""
        self._counts = f"{what}: {stopped}{_describe_counts(rows, 'create users on' in what)} ({seconds:.1f} s)"
        super().__init__(rows)
        held = ".passwords has the generated passwords" if self.unsaved_passwords else _describe_files(rows)
        self.caption = join_parts(self._counts, held, *self.notes)

    @classmethod
    def join(cls, results: Sequence[BulkResult]) -> BulkResult:
        """Join the results of several servers into one."""
        if len(results) == 1:
            return results[0]
        return cls(
            [row for result in results for row in result],
            "; ".join(result.what for result in results),
            sum(result.seconds for result in results),
            interrupted=any(result.interrupted for result in results),
            notes=[note for result in results for note in result.notes],
        )

    def with_file(self, path: str, *notes: str) -> BulkResult:
        """The same, with the file that holds the generated passwords."""
        rows = [row if row.password is None else row._replace(file=path) for row in self]
        all_notes = (*self.notes, *notes)
        return type(self)(rows, self.what, self.seconds, interrupted=self.interrupted, notes=all_notes)

    @property
    def summary(self) -> str:
        """The result on one line, for where its table isn't shown."""
        return printable(join_parts(self._counts, _describe_files(self), *self.notes))

    @property
    def unsaved_passwords(self) -> list[str]:
        """The users whose password was made up, and is in no file."""
        return [row.user for row in self if row.password is not None and row.may_be_created and not row.file]

    @property
    def counts(self) -> dict[str, int]:
        """How many rows have each outcome."""
        return dict(Counter(row.outcome for row in self))

    @property
    def passwords(self) -> dict[str, Secret]:
        """The generated passwords by user, masked until `.reveal()`."""
        return {row.user: row.password for row in self if row.password is not None and row.may_be_created}

    def raise_for_failures(self) -> None:
        """Raise if a row is neither done nor was the case already: for unattended runs.

        Raises:
            BulkError: names the first of them.
        """
        failed = [row for row in self if row.outcome not in (DONE, ALREADY, TO_DO)]
        if failed:
            first = list_text([f"row {row.row} ({row.user!r}): {row.outcome}, {row.reason}" for row in failed], 3)
            raise BulkError(f"{self.caption}; {first}")

    def shown_columns(self) -> tuple[str, ...]:
        """The columns that tell something."""
        rows = self.to_dicts()
        hidden = {name for name in ("roles", "password", "reason") if not any(row[name] for row in rows)}
        if len({row.server for row in self}) < 2:
            hidden.add("server")
        return tuple(name for name in self.columns if name not in hidden)

    def to_dicts(self) -> list[dict[str, Any]]:
        """One dict per row; of a generated password, where it is."""
        rows = [row.to_dict() for row in self]
        return [{name: row[name] for name in self.columns} for row in rows]

    @property
    def look(self) -> str:  # noqa: D102 - as in the base
        worst = min((OUTCOMES.index(row.outcome) for row in self), default=OUTCOMES.index(DONE))
        if worst <= OUTCOMES.index(REFUSED):
            return "error"
        is_remarkable = any(row.outcome == DONE and row.reason for row in self)
        return "warning" if is_remarkable or worst <= OUTCOMES.index(MISSING) else "done"

    def shown_rows(self) -> list[dict[str, Any]]:
        """The rows as they are shown, the most worrying first."""
        return sorted(self.to_dicts(), key=lambda row: OUTCOMES.index(row["outcome"]))


class BulkPreview(BulkResult):
    """What a bulk change would do, row by row. Nothing was changed."""

    @property
    def look(self) -> str:  # noqa: D102 - as in the base
        return "heading"


def _describe_files(rows: Iterable[RowOutcome]) -> str:
    """In which file the generated passwords are; empty if in none."""
    file = next((row.file for row in rows if row.password is not None and row.may_be_created), "")
    return f"the generated passwords are in {file!r}" if file else ""


def _describe_counts(rows: Iterable[RowOutcome], is_creation: bool) -> str:
    counts = Counter(row.outcome for row in rows)
    words = {MISSING: "not found", ALREADY: "existed already" if is_creation else "gone already"}
    parts = (f"{counts[each]} {words.get(each, each)}" for each in reversed(OUTCOMES) if counts[each])
    return ", ".join(parts) or "no rows"


@dataclass(frozen=True, repr=False)
class BulkPlan(Foretelling):
    """A bulk change to one server that is checked and not yet made.

    Attributes:
        operation: `create_users`, `delete_users` or `drop_users`.
        todo: the rows that something has to be done for.
        done: the outcomes of those that nothing has to be done for.
        users: the server's users by name, with their roles.
        notes: what else should be known before.
        warning: what has to be confirmed.
        missing_ok: whether a user to be deleted who isn't there is what is wanted.
        hash_cost: the bcrypt cost of the passwords of users who are all created in one request; None = row by row.
    """

    operation: str
    server: str
    todo: tuple[UserRow, ...]
    done: tuple[RowOutcome, ...] = ()
    users: dict[str, UserSnapshot] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    warning: str = ""
    missing_ok: bool = False
    hash_cost: int | None = None

    def _sentences(self, most: int | None) -> Sequence[str]:
        verb, names = "create" if self.operation == "create_users" else "delete", [row.user for row in self.todo]
        deed = f"This will {verb} {count_text(len(names), 'user')}: {names_text(names, most)}"
        return deed if names else "Nothing will change", self._describe_idle(most), *self.notes, self.warning

    def _describe_idle(self, most: int | None) -> str:
        """What becomes of the rows that nothing has to be done for; empty if there are none."""
        if not self.done:
            return ""
        if self.operation == "create_users":
            idle = "exists already and stays as it is" if len(self.done) == 1 else "exist already and stay as they are"
        else:
            idle = "not found" if any(row.outcome == MISSING for row in self.done) else "gone already"
        return f"{len(self.done)} {idle}: {names_text([row.user for row in self.done], most)}"
