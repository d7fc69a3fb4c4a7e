"""The rows, plans and results of bulk changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from milvus_magics.client.results.table import Sentence, Table
from milvus_magics.client.results.users import UserSnapshot
from milvus_magics.errors import CodedError
from milvus_magics.secret import Secret
from milvus_magics.wording import count_text, join_parts, list_text

DONE, ALREADY, MISSING, PARTLY = "done", "already", "missing", "partly"
REFUSED, UNKNOWN, NOT_TRIED = "refused", "unknown", "not tried"
OUTCOMES = (UNKNOWN, PARTLY, REFUSED, NOT_TRIED, MISSING, ALREADY, DONE)  # the most worrying first
MAX_PROBLEMS = 20


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


class RowOutcome(NamedTuple):
    """The outcome of one row.

    Attributes:
        row: its number.
        outcome: `done`, `already` (what is wanted is the case), `missing` (there is no such user to delete), `partly`
            (the user is there, and lacks a role), `refused` (nothing was changed), `unknown`, or `not tried`.
        reason: why, where it is not done; or what else should be known.
        password: the one that was generated for it, masked.
    """

    row: int
    user: str
    outcome: str
    reason: str = ""
    server: str = ""
    password: Secret | None = None

    @property
    def may_be_created(self) -> bool:
        """Whether the user may be there now, so that a generated password is needed."""
        return self.outcome in (DONE, PARTLY, UNKNOWN)


class BulkError(CodedError):
    """Some rows of a bulk change have problems."""


class BulkResult(Table[RowOutcome]):
    """The outcomes of a bulk change, row by row, failures first.

    Attributes:
        interrupted: whether somebody interrupted it.
        seconds: how long it took.
    """

    columns = ("row", "user", "outcome", "reason", "server")

    def __init__(self, rows: Sequence[RowOutcome], what: str, seconds: float, *, interrupted: bool = False) -> None:
        self.what, self.seconds, self.interrupted = what, seconds, interrupted
        stopped = "interrupted; " if interrupted else ""
        super().__init__(rows, f"{what}: {stopped}{_describe_counts(rows)} in {seconds:.1f} s")

    @classmethod
    def join(cls, results: Sequence[BulkResult]) -> BulkResult:
        """Join the results of several servers into one."""
        if len(results) == 1:
            return results[0]
        rows = [row for result in results for row in result]
        what = "; ".join(result.what for result in results)
        seconds = sum(result.seconds for result in results)
        return cls(rows, what, seconds, interrupted=any(result.interrupted for result in results))

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
        failed = [row for row in self if row.outcome not in (DONE, ALREADY)]
        if failed:
            first = list_text([f"row {row.row} ({row.user!r}): {row.outcome}, {row.reason}" for row in failed], 3)
            raise BulkError(f"{self.caption}; {first}")

    def shown_columns(self) -> tuple[str, ...]:
        """The columns that tell something."""
        servers = {row.server for row in self}
        hidden = {"server"} if len(servers) < 2 else set()
        hidden |= set() if any(row.reason for row in self) else {"reason"}
        return tuple(name for name in self.columns if name not in hidden)

    def __repr__(self) -> str:
        from milvus_magics.display.tables import MAX_ROWS, text_table

        rows = self._worst_first()
        more = len(rows) - MAX_ROWS
        note = f"\nand {more} more; iterate over the result, or use to_pandas()" if more > 0 else ""
        return text_table(self.shown_columns(), rows[:MAX_ROWS], self.caption) + note

    def _repr_html_(self) -> str:
        from milvus_magics.display.tables import html_table

        return html_table(self.shown_columns(), self._worst_first(), self.caption)

    def _worst_first(self) -> list[dict[str, Any]]:
        return sorted(self.to_dicts(), key=lambda row: OUTCOMES.index(row["outcome"]))


def _describe_counts(rows: Iterable[RowOutcome]) -> str:
    counts = Counter(row.outcome for row in rows)
    return ", ".join(f"{counts[outcome]} {outcome}" for outcome in reversed(OUTCOMES) if counts[outcome]) or "no rows"


@dataclass(frozen=True, repr=False)
class BulkPlan(Sentence):
    """A bulk change to one server that is checked and not yet made.

    Attributes:
        operation: `create_users`, `delete_users` or `drop_users`.
        todo: the rows that something has to be done for.
        done: the outcomes of those that nothing has to be done for.
        users: the server's users by name, with their roles.
        notes: what else should be known before.
        warning: what has to be confirmed.
        hash_cost: the bcrypt cost of the passwords of users who are all created in one request; None = row by row.
    """

    operation: str
    server: str
    todo: tuple[UserRow, ...]
    done: tuple[RowOutcome, ...] = ()
    users: dict[str, UserSnapshot] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    warning: str = ""
    hash_cost: int | None = None

    def __str__(self) -> str:
        return self._describe(None)

    @property
    def brief(self) -> str:
        """The text with long lists cut, for a question."""
        return self._describe(5)

    def _describe(self, max_names: int | None) -> str:
        verb = self.operation.removesuffix("_users")
        names = list_text([repr(row.user) for row in self.todo], max_names)
        text = f"would {verb} {count_text(len(self.todo), 'user')} on {self.server}"
        already = list_text([repr(outcome.user) for outcome in self.done], max_names)
        is_missing = any(outcome.outcome == MISSING for outcome in self.done)
        idle = "there is no such user for" if is_missing else "nothing is left to do for"
        return join_parts(
            f"{text}: {names}" if self.todo else text,
            f"{idle} {len(self.done)}: {already}" if self.done else "",
            *self.notes,
            self.warning,
        )
