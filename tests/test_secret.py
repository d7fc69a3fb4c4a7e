"""No way that a password takes through the client shows it."""

import base64
import copy
import re
import socket
import traceback
from urllib.parse import quote

import pytest
from processes import interrupts_after

from milvus_magics import connections, utility
from milvus_magics.bulk.run import create_users, delete_users
from milvus_magics.client import restore, users
from milvus_magics.client.names import problem_with_password
from milvus_magics.client.results.users import UserSnapshot
from milvus_magics.errors import ParameterError, RefusedError
from milvus_magics.secret import Secret
from milvus_magics.transport.address import Address
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.credentials import Login
from milvus_magics.transport.deadline import Deadline

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
    conn = Connection(Address.parse(host="127.0.0.1", port=port, user="root", password=secret))
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
        lambda secret: Address.parse("h", user="bob", password=secret).login.header(),
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
    assert problem_with_password(NO_TEXT) == "the password cannot be written as UTF-8"


def test_user_that_is_no_text_is_refused():
    """A user name is sent as UTF-8, or not at all."""
    with pytest.raises(ParameterError, match="user"):
        Address.parse("h", user="b\ud800", password="secret")


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


@pytest.fixture
def silent():
    """A connection to a port where nobody answers, also bound to the alias `silent`."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        conn = Connection(Address.parse(host="127.0.0.1", port=port, user="root", password=Secret("another-canary")))
        connections.keep("silent", conn)
        yield conn, port
        connections.disconnect("silent")


def people():
    """Users from a program of the user's own, which fails."""
    yield {"user": "ann", "password": PASSWORD}
    raise ZeroDivisionError


ASKED = {"using": "silent", "timeout": 20}
INTERRUPTED = {
    "connect": lambda conn, port: connections.connect("x", "bob", PASSWORD, host="127.0.0.1", port=port),
    "connect by uri": lambda conn, port: connections.connect("x", uri=f"http://bob:{quote(PASSWORD)}@127.0.0.1:{port}"),
    "utility.delete_user": lambda conn, port: utility.delete_user("bob", PASSWORD, **ASKED),
    "utility.create_user": lambda conn, port: utility.create_user("bob", PASSWORD, **ASKED),
    "utility.update_password": lambda conn, port: utility.update_password("bob", PASSWORD, PASSWORD + "2", **ASKED),
    "utility.reset_password": lambda conn, port: utility.reset_password("bob", PASSWORD, PASSWORD + "2", **ASKED),
    "delete_user": lambda conn, port: users.delete_user(conn, "bob", PASSWORD),
    "preview_delete_user": lambda conn, port: users.preview_delete_user(conn, "bob", PASSWORD),
    "create_user": lambda conn, port: users.create_user(conn, "bob", PASSWORD),
    "update_password": lambda conn, port: users.update_password(conn, "bob", PASSWORD, PASSWORD + "2"),
    "reset_password": lambda conn, port: users.reset_password(conn, "bob", PASSWORD, PASSWORD + "2"),
    "create_users": lambda conn, port: create_users(conn, {"bob": PASSWORD}),
    "delete_users": lambda conn, port: delete_users(conn, [{"user": "bob", "password": PASSWORD}]),
    "restore_user": lambda conn, port: restore.restore_user(conn, UserSnapshot("bob", ()), PASSWORD),
}


@pytest.mark.parametrize("name", INTERRUPTED)
def test_an_interrupt_shows_no_password_in_any_frame(silent, name):
    """Python's own error shows all frames, and none of ours holds a bare password while a server is waited for."""
    with pytest.raises(KeyboardInterrupt) as caught, interrupts_after(0.2):
        INTERRUPTED[name](*silent)
    shown = everything_about(caught.value)
    assert "connection.py" in shown
    assert not [text for text in (*spellings(PASSWORD), quote(PASSWORD)) if text in shown]


def test_a_program_that_fails_shows_no_password():
    """Rows may come from a generator; when that fails, no frame of ours shows what it yielded before."""
    with pytest.raises(ZeroDivisionError) as caught:
        create_users(None, people())
    shown = everything_about(caught.value)  # before the assert, whose own locals hold what is looked for
    assert not [text for text in spellings(PASSWORD) if text in shown]


def test_what_is_no_text_is_refused_in_one_line():
    """Bytes, most of all: one line, which does not show them."""
    for wrong in (PASSWORD.encode(), 123456, None, [PASSWORD]):
        with pytest.raises(ParameterError, match="a password is text") as caught:
            Secret(wrong)
        assert "canary" not in str(caught.value)
        assert len(caught.value._render_traceback_()) == 1
    with pytest.raises(ParameterError, match="the address must be text, not bytes"):
        connections.connect(uri=b"http://bob:canary@h")


def test_remembered_addresses_are_masked():
    """What `add_connection` remembers shows neither passwords nor URIs."""
    connections.add_connection(kept={"uri": f"http://bob:{quote(PASSWORD)}@h"}, other={"token": f"bob:{PASSWORD}"})
    shown = repr(vars(connections))
    connections.remove_connection("kept")
    connections.remove_connection("other")
    assert "canary" not in shown


def test_generated_passwords_trip_nothing_up():
    """Neither a spreadsheet nor a shell nor a link; and they hold each kind of character that servers may ask for."""
    for _ in range(5_000):
        text = Secret.generate().reveal()
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{22}[A-Za-z0-9]", text)
        assert all(re.search(kind, text) for kind in ("[a-z]", "[A-Z]", "[0-9]", "[._-]"))
    assert len({Secret.generate(8).reveal() for _ in range(1000)}) == 1000
