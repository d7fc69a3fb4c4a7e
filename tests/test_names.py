"""Names and passwords that cannot be created are told apart, and no password is quoted."""

import pytest

from milvus_magics.client.names import (
    problem_with_existing_name,
    problem_with_password,
    problem_with_user_name,
    require_valid,
)
from milvus_magics.errors import ParameterError
from milvus_magics.secret import Secret


@pytest.mark.parametrize("name", ["a", "Bob_2", "a.b-c", "x" * 32])
def test_good_user_names_pass(name):
    """What some supported server takes is not refused here."""
    assert problem_with_user_name(name) is None


@pytest.mark.parametrize("name", ["", "1a", "_a", "bob --yes", "x" * 33, "ü", "a;", "a'b", "bob\n", "a\ud800", None])
def test_bad_user_names_are_explained(name):
    """What no server takes is refused before anything is sent."""
    with pytest.raises(ParameterError, match="nothing was sent"):
        require_valid(problem_with_user_name(name))


@pytest.mark.parametrize(("password", "good"), [("x" * 5, False), ("x" * 6, True), ("ü" * 36, True), ("ü" * 37, False)])
def test_password_length_counts_bytes(password, good):
    """6 to 72 bytes, as Milvus counts them; the text never quotes the password."""
    problem = problem_with_password(Secret(password))
    assert (problem is None) is good
    assert password not in (problem or ""), "a password is never quoted"


def test_existing_names_are_taken_as_they_are():
    """A name that only a superuser could have made can still be deleted."""
    assert problem_with_existing_name(" ü;'--yes") is None
