"""What bulk changes are made from, and what came of them, row by row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from milvus_magics.client.results.table import Sentence, Table
from milvus_magics.client.results.users import UserSnapshot
from milvus_magics.errors import CodedError
from milvus_magics.secret import Secret
from milvus_magics.wording import listed

DONE, ALREADY, PARTLY = "done", "already", "partly"
REFUSED, UNKNOWN, NOT_TRIED = "refused", "unknown", "not tried"
OUTCOMES = (UNKNOWN, PARTLY, REFUSED, NOT_TRIED, ALREADY, DONE)  # the most worrying first
MAY_BE_CREATED = (DONE, PARTLY, UNKNOWN)  # a password that was made up is needed then
MOST_PROBLEMS = 20


@dataclass(frozen=True)
class UserRow:
    """One user of a source.

    Attributes:
        number: of its row, as its source counts.
        user: the name.
        password: None where none is given.
        roles: to give at creation.
        description: to keep at creation.
        generated: whether the password was made up for it.
    """

    number: int
    user: str
    password: Secret | None = field(default=None, repr=False)
    roles: tuple[str, ...] = ()
    description: str = ""
    generated: bool = False


class RowOutcome(NamedTuple):
    """What came of one row.

    Attributes:
        row: its number.
        user: who.
        outcome: `done`, `already` (nothing was left to do), `partly` (the user is there, and lacks a role), `refused`
            (nothing was changed), `unknown`, or `not tried`.
        reason: why, where it is not done; or what else should be known.
        server: where.
        password: the one that was generated for it, masked.
    """

    row: int
    user: str
    outcome: str
    reason: str = ""
    server: str = ""
    password: Secret | None = None


class BulkError(CodedError):
    """Some rows of a bulk change are not as they should be."""

    CODE = 65535


class BulkResult(Table[RowOutcome]):
    """A bulk change, row by row. What went wrong is shown first.

    Attributes:
        interrupted: whether somebody interrupted it.
        seconds: how long it took.
    """

    columns = ("row", "user", "outcome", "reason", "server")

    def __init__(self, rows: Sequence[RowOutcome], what: str, seconds: float, *, interrupted: bool = False) -> None:
        self.what, self.seconds, self.interrupted = what, seconds, interrupted
        stopped = "interrupted; " if interrupted else ""
        super().__init__(rows, f"{what}: {stopped}{_counted(rows)} in {seconds:.1f} s")

    @classmethod
    def joined(cls, results: Sequence[BulkResult]) -> BulkResult:
        """The results of several servers as one."""
        if len(results) == 1:
            return results[0]
        rows = [row for result in results for row in result]
        what = "; ".join(result.what for result in results)
        seconds = sum(result.seconds for result in results)
        return cls(rows, what, seconds, interrupted=any(result.interrupted for result in results))

    @property
    def counts(self) -> dict[str, int]:
        """Outcome -> in how many rows."""
        return dict(Counter(row.outcome for row in self))

    @property
    def passwords(self) -> dict[str, Secret]:
        """User -> the password that was generated for them; masked until `.reveal()`."""
        return {row.user: row.password for row in self if row.password is not None and row.outcome in MAY_BE_CREATED}

    def raise_for_failures(self) -> None:
        """Raise where a row is refused, unknown, not tried or done partly: for runs that nobody looks at.

        Raises:
            BulkError: names the first of them.
        """
        failed = [row for row in self if row.outcome not in (DONE, ALREADY)]
        if failed:
            first = listed([f"row {row.row} ({row.user!r}): {row.outcome}, {row.reason}" for row in failed], 3)
            raise BulkError(f"{self.caption}; {first}")

    def shown(self) -> tuple[str, ...]:
        """The columns worth showing."""
        servers = {row.server for row in self}
        hidden = {"server"} if len(servers) < 2 else set()
        hidden |= set() if any(row.reason for row in self) else {"reason"}
        return tuple(name for name in self.columns if name not in hidden)

    def __repr__(self) -> str:
        from milvus_magics.display.tables import MAX_ROWS, text_table

        rows = self._worst_first()
        more = len(rows) - MAX_ROWS
        note = f"\nand {more} more; iterate over the result, or use to_pandas()" if more > 0 else ""
        return text_table(self.shown(), rows[:MAX_ROWS], self.caption) + note

    def _repr_html_(self) -> str:
        from milvus_magics.display.tables import html_table

        return html_table(self.shown(), self._worst_first(), self.caption)

    def _worst_first(self) -> list[dict[str, Any]]:
        return sorted(self.to_dicts(), key=lambda row: OUTCOMES.index(row["outcome"]))


def _counted(rows: Iterable[RowOutcome]) -> str:
    counts = Counter(row.outcome for row in rows)
    return ", ".join(f"{counts[outcome]} {outcome}" for outcome in reversed(OUTCOMES) if counts[outcome]) or "no rows"


@dataclass(frozen=True, repr=False)
class BulkPlan(Sentence):
    """What a bulk change would do on one server. Nothing was changed.

    Attributes:
        operation: `create_users`, `delete_users` or `drop_users`.
        server: where.
        todo: the rows that something has to be done for.
        done: the outcomes of those that nothing has to be done for.
        held: user -> what they have now, which goes with them.
        notes: what else should be known before.
        warning: what wants to be confirmed.
    """

    operation: str
    server: str
    todo: tuple[UserRow, ...]
    done: tuple[RowOutcome, ...] = ()
    held: dict[str, UserSnapshot] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    warning: str = ""

    def __str__(self) -> str:
        return self._told(None)

    @property
    def brief(self) -> str:
        """The same with long lists cut, for a question."""
        return self._told(5)

    def _told(self, most: int | None) -> str:
        deed = self.operation.removesuffix("_users")
        names = listed([repr(row.user) for row in self.todo], most)
        text = f"would {deed} {len(self.todo)} user{'s' if len(self.todo) != 1 else ''} on {self.server}"
        parts = [f"{text}: {names}" if self.todo else text]
        if self.done:
            already = listed([repr(outcome.user) for outcome in self.done], most)
            parts.append(f"nothing is left to do for {len(self.done)}: {already}")
        return "; ".join([*parts, *self.notes, *([self.warning] if self.warning else [])])
