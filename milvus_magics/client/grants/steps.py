"""Several changes of one role's grants, one after another, each with an audit entry of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any, NamedTuple

from milvus_magics.client import change
from milvus_magics.client.results.privileges import Grant, grant_deeds_text, grants_text
from milvus_magics.wording import join_parts

VERBS = ("granted", "revoked")


class Step(NamedTuple):
    """One grant that is made or revoked; `run` does it."""

    grant: Grant
    is_granted: bool
    run: Callable[[], Any]


def run_steps(
    attempt: change.Attempt, steps: Sequence[Step], done: list[Step], how_to_resume: str = change.HOW_TO_RESUME
) -> list[Any]:
    """Run steps until one fails, and return what they do. An error says which are made, and which are not begun.

    Args:
        attempt: of the change that they are parts of.
        done: the steps of this change that are made; it grows by these.
        how_to_resume: as `report_progress` takes it.
    """
    results = []
    for number, step in enumerate(steps, 1):
        progress = partial(_progress_text, tuple(done), step, steps[number:])
        with change.report_progress(progress, how_to_resume) if done else nullcontext(), attempt.nested():
            results.append(step.run())
        done.append(step)
    return results


def grants_of(steps: Sequence[Step], *, granted: bool) -> tuple[Grant, ...]:
    """The grants that steps make, or those that they revoke."""
    return tuple(step.grant for step in steps if step.is_granted is granted)


def _progress_text(done: Sequence[Step], step: Step, rest: Sequence[Step]) -> str:
    made = grant_deeds_text(
        VERBS, f"role {step.grant.role!r}", *(grants_of(done, granted=way) for way in (True, False))
    )
    left = f"not begun: {grants_text([each.grant for each in rest])}" if rest else ""
    return join_parts(made, left, f"{'granting' if step.is_granted else 'revoking'} {step.grant}")
