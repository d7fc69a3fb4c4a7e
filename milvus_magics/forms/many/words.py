"""What the forms for many users say: of each row, and of all of them in one line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from milvus_magics.bulk.results import (
    ALREADY,
    DONE,
    MISSING,
    NOT_TRIED,
    OUTCOMES,
    PARTLY,
    REFUSED,
    TO_DO,
    UNKNOWN,
    BulkResult,
    Problem,
    RowOutcome,
    UserRow,
)
from milvus_magics.client.password_check import NOT_CHECKED
from milvus_magics.forms.table_widget import Row, shown_name
from milvus_magics.wording import count_text

PROBLEM, FINE, NOT_CHECKED_YET = "Problem", "Fine", "Not checked yet"
# Outcome -> what is said of one row, of one, and of several.
Words = Mapping[str, tuple[str, str, str]]
_RESULT = {REFUSED: ("Refused", "was refused", "were refused")}  # afterwards, in place of the verb's own
_FOR_ALL: dict[str, tuple[str, str, str]] = {
    REFUSED: ("Refused", "is refused", "are refused"),
    UNKNOWN: ("Unknown", "is unknown", "are unknown"),
    NOT_TRIED: ("Not tried", "was not tried", "were not tried"),
}


class Verb(NamedTuple):
    """The words of one operation.

    Attributes:
        begin: "Create".
        doing: "Creating".
        past: "Created".
        outcomes: what is said of each outcome.
    """

    begin: str
    doing: str
    past: str
    outcomes: Words


CREATING = Verb(
    "Create",
    "Creating",
    "Created",
    _FOR_ALL
    | {
        TO_DO: ("Will be created", "will be created", "will be created"),
        DONE: ("Created", "was created", "were created"),
        ALREADY: ("Exists already", "exists already", "exist already"),
        PARTLY: ("Lacks a role", "was created, but lacks a role", "were created, but lack a role"),
    },
)
DELETING = Verb(
    "Delete",
    "Deleting",
    "Deleted",
    _FOR_ALL
    | {
        TO_DO: ("Will be deleted", "will be deleted", "will be deleted"),
        DONE: ("Deleted", "was deleted", "were deleted"),
        ALREADY: ("Not found", "was not found", "were not found"),
        MISSING: ("Not found", "was not found", "were not found"),
    },
)


def describe_plan(verb: Verb, rows: BulkResult) -> str:
    """Say in one line what will be done: "This will create 38 users; 2 exist already."."""
    count = rows.counts.get(TO_DO, 0)
    begin = (
        f"This will {verb.begin.lower()} {count_text(count, 'user')}" if count else f"Nothing to {verb.begin.lower()}"
    )
    return _join(begin, ": " if not count else "; ", _count_others(verb, rows, TO_DO))


def describe_result(verb: Verb, rows: BulkResult) -> str:
    """Say in one line what was done: "Created 38 users in 0.4 s; 2 exist already."."""
    count = rows.counts.get(DONE, 0)
    stopped = "Stopped. " if rows.interrupted else ""
    done = f"{stopped}{verb.past} {count_text(count, 'user')} in {rows.seconds:.1f} s"
    return _join(done, "; ", _count_others(verb._replace(outcomes={**verb.outcomes, **_RESULT}), rows, DONE))


def describe_problems(problems: Sequence[Problem], count: int) -> str:
    """Say in one line that nothing will be done, and what to do now."""
    of = f" in {count_text(count, 'row')}" if count else ""
    them = "it" if len(problems) == 1 else "them"
    return f"{count_text(len(problems), 'problem')}{of}, so nothing was sent. Fix {them} and check again."


def list_problems(problems: Sequence[Problem]) -> list[str]:
    """Say of each problem in full where it is: "row 2, ann: roles: there is no role 'raeder'"."""
    return [
        ": ".join(filter(None, (", ".join(filter(None, (_place(each), each.user))), each.column, each.problem)))
        for each in sorted(problems, key=_number)
    ]


def _place(problem: Problem) -> str:
    return "" if problem.row is None else f"row {problem.row}"


def _number(problem: Problem) -> int:
    return problem.row or 0


def make_rows(verb: Verb, outcomes: Iterable[tuple[int, str, str, str, Sequence[str]]]) -> Iterable[Row]:
    """Rows of the table, the most worrying first; of each its number, user, outcome, reason and roles."""
    for number, user, outcome, reason, roles in sorted(outcomes, key=lambda row: OUTCOMES.index(row[2])):
        yield Row(str(number), (number, shown_name(user), verb.outcomes[outcome][0], tuple(roles), reason))


def make_problem_rows(
    verb: Verb, problems: Sequence[Problem], rows: Sequence[UserRow], others: BulkResult
) -> Iterable[Row]:
    """Rows of the table where something is wrong: what that is, and what was found out of the others."""
    for place, problem in enumerate(sorted(problems, key=_number)):
        number: int | str = "" if problem.row is None else problem.row
        name = shown_name(problem.user) if problem.user else ""
        why = f"{problem.column}: {problem.problem}" if problem.column else problem.problem
        yield Row(f"problem {place}", (number, name, PROBLEM, (), why))
    faulty = {problem.row for problem in problems}
    found = {row.row: (_describe_other(verb, row), row.reason) for row in others}
    for row in rows:
        if row.number not in faulty:
            state, why = found.get(row.number, (NOT_CHECKED_YET, ""))
            yield Row(str(row.number), (row.number, shown_name(row.user), state, row.roles, why))


def _describe_other(verb: Verb, row: RowOutcome) -> str:
    """What was found out of a row, which is not done as long as others have problems."""
    if row.outcome != TO_DO:
        return verb.outcomes[row.outcome][0]
    return NOT_CHECKED_YET if row.reason == NOT_CHECKED else FINE


def _count_others(verb: Verb, rows: BulkResult, done: str) -> list[str]:
    """How many rows have each outcome but the one that is said already."""
    counts = Counter({outcome: count for outcome, count in rows.counts.items() if outcome != done})
    return [
        f"{count:,} {verb.outcomes[outcome][1 if count == 1 else 2]}"
        for outcome in reversed(OUTCOMES)
        if (count := counts[outcome])
    ]


def _join(begin: str, separator: str, others: Sequence[str]) -> str:
    return f"{begin}{separator if others else ''}{', '.join(others)}."
