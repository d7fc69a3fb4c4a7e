"""Errors say what is known about a change, for programs and for people alike."""

import copy
import pickle

import pytest

from milvus_magics import errors
from milvus_magics.errors import ChangeInterrupted, Outcome, ParameterError, RoleExistsError


@pytest.mark.parametrize(
    ("outcome", "ending"),
    [
        (Outcome.NOTHING_SENT, "; nothing was sent"),
        (Outcome.NOTHING_CHANGED, "; nothing was changed"),
        (Outcome.CHANGED, ""),
        (Outcome.UNKNOWN, ""),
        (None, ""),
    ],
)
def test_the_message_ends_with_the_outcome_where_nothing_happened(outcome, ending):
    """One place says it, so that the words and what a program reads agree."""
    for error in (ParameterError("no name", outcome=outcome), ChangeInterrupted("no name", outcome)):
        assert (error.message, error.outcome) == (f"no name{ending}", outcome)


@pytest.mark.parametrize("duplicate", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))])
def test_copies_say_the_same(duplicate):
    """The ending comes once, however often an error travels."""
    error = RoleExistsError("there is one", details="words", code=65535, outcome=errors.NOTHING_CHANGED)
    again = duplicate(duplicate(error))
    assert type(again) is RoleExistsError
    assert vars(again) == vars(error)


def test_another_message_is_taken_as_it_is():
    """What is told of several steps has an ending of its own."""
    error = RoleExistsError("there is one", code=65535, outcome=errors.NOTHING_CHANGED)
    again = error.with_message(f"half of it is done: {error}", Outcome.CHANGED)
    assert str(again) == "half of it is done: there is one; nothing was changed"
    assert (type(again), again.code, again.outcome) == (RoleExistsError, 65535, Outcome.CHANGED)
