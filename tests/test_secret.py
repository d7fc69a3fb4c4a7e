"""No way that a password takes through the client shows it."""

import base64
import copy
import socket
import traceback

import pytest

from milvus_magics.client import naming
from milvus_magics.client.address import Address, Login
from milvus_magics.client.connection import Connection
from milvus_magics.client.deadline import Deadline
from milvus_magics.errors import ParameterError, RefusedError
from milvus_magics.secret import Secret

PASSWORD = 'canary:$ö{}"'
NO_TEXT = Secret("canary\ud800")


def whole_chain(exc):
    while exc is not None:
        yield exc
        exc = exc.__cause__ or exc.__context__


def everything_about(exc):
    """What a verbose traceback could print, and what a debugger finds in the exceptions."""
    lines = traceback.TracebackException.from_exception(exc, capture_locals=True).format()
    return "".join(lines) + repr([(one.args, vars(one)) for one in whole_chain(exc)])


def spellings(text):
    return [text, *(base64.b64encode(raw.encode()).decode() for raw in (text, f"bob:{text}", f"root:{text}"))]


def test_failed_call_shows_no_password_in_any_frame():
    """Locals of every frame of a failed call, and all that its exceptions hold, are free of the passwords."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    secret = Secret(PASSWORD)
    conn = Connection(Address.of(host="127.0.0.1", port=port, user="root", password=secret))
    for send in (
        lambda **fields: conn.call("CreateCredential", deadline=Deadline(5), **fields),
        lambda **fields: conn.begin("CreateCredential", deadline=Deadline(5), **fields).reply(),
    ):
        with pytest.raises(RefusedError) as caught:
            send(username="bob", password=secret, login=Login("bob", secret))
        shown = everything_about(caught.value)
        assert not [text for text in spellings(PASSWORD) if text in shown], "no frame shows a password"
    conn.close()


@pytest.mark.parametrize(
    "use",
    [
        lambda secret: secret.encode(),
        lambda secret: Address.of("h", user="bob", password=secret).login.header(),
    ],
)
def test_password_that_is_no_text_is_refused_without_showing_it(use):
    """A lone surrogate ends in one line; Python's own error for it would carry the password."""
    with pytest.raises(ParameterError, match="cannot be written as UTF-8") as caught:
        use(NO_TEXT)
    shown = everything_about(caught.value)  # before the assert, whose own locals hold the word
    assert "canary" not in shown, "no exception carries a password"


def test_new_password_that_is_no_text_is_a_problem():
    """The same, where a new password is checked."""
    assert naming.problem_with_password(NO_TEXT) == "the password cannot be written as UTF-8"


def test_user_that_is_no_text_is_refused():
    """A user name is sent as UTF-8, or not at all."""
    with pytest.raises(ParameterError, match="user"):
        Address.of("h", user="b\ud800", password="secret")


def test_copies_stay_masked():
    """Copying a Secret gives the Secret."""
    secret = Secret(PASSWORD)
    assert copy.deepcopy(secret) is secret
    assert copy.copy(secret) is secret
    assert Secret(secret) == secret
    assert secret != Secret("other")
    assert secret.reveal() == PASSWORD


def test_the_hunt_can_fail():
    """The hunt above finds a password that a frame holds bare."""

    def careless(password):
        raise ValueError(len(password))

    with pytest.raises(ValueError) as caught:
        careless(PASSWORD)
    assert PASSWORD in everything_about(caught.value)
