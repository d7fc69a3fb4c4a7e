"""Every spelling of an address ends in one checked value, and no error quotes a password."""

import base64
import pickle
import socket
import traceback

import contract
import pytest

from milvus_magics.embedded.keeper.relay import Relay
from milvus_magics.errors import MilvusException, MilvusLiteError, ParameterError
from milvus_magics.secret import Secret
from milvus_magics.transport.address import Address
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline

CANARY = "canary-$pw:x"


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch):
    monkeypatch.delenv("MILVUS_URI", raising=False)
    monkeypatch.delenv("MILVUS_TOKEN", raising=False)


@pytest.mark.parametrize(
    ("uri", "url"),
    [
        ("localhost", "http://localhost:19530"),
        ("http://h:1/db", "http://h:1"),
        ("https://h", "https://h:443"),
        ("tcp://[::1]:5", "http://[::1]:5"),
        ("unix:/x/y", "unix:/x/y"),
    ],
)
def test_uri_spellings(uri, url):
    """Each scheme and a bare host get their default port."""
    assert Address.parse(uri).url == url


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "h:99999",
        "h:0",
        "ftp://x",
        "a b",
        f"http://u:{CANARY}#@h",
        f"x://u:{CANARY}@h",
        f"http://u:{CANARY}@h:p",
        "http://u:123/canary@h",
    ],
)
def test_bad_uri_is_one_line_without_the_password(uri):
    """A URI that cannot be read is refused without quoting what may be a password."""
    with pytest.raises(ParameterError) as caught:
        Address.parse(uri)
    assert "\n" not in str(caught.value)
    assert "canary" not in repr(caught.value), "an error about an address never quotes its password"


@pytest.mark.parametrize("name", ["a%20b", "C# course", "what?", "b;c:d", "é ☃", "a\\b", "~"])
def test_sockets_of_any_name_are_found(tmp_path, name):
    """The path is taken as it is: nothing in it is a query, a fragment or an escape."""
    path = tmp_path / name
    with contract.serve("2.3.5") as (_, address), socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        relay = Relay(int(address.rpartition(":")[2]))
        relay.listen(listener)
        conn = Connection(Address.parse(f"unix:{path}", user="root", password="Milvus"))
        assert conn.address.url == f"unix:{path}"
        assert list(conn.call_checked("ListCredUsers", deadline=Deadline(10)).usernames) == ["root"]
        conn.close()
        relay.close()


def test_the_one_character_that_no_socket_can_have_is_named():
    """gRPC would look for the part before it."""
    with pytest.raises(ParameterError, match="cannot hold ','"):
        Address.parse("unix:/run/a,b.sock")


def test_file_is_milvus_lite():
    """A database file is Milvus Lite, which has no users."""
    with pytest.raises(MilvusLiteError):
        Address.parse("./local.db")


def test_header_is_plain_base64_of_user_and_password():
    """Milvus wants `user:password` in base64 with no prefix; the password may hold a colon."""
    login = Address.parse("h", user="bob", password=CANARY).login
    assert login is not None
    assert base64.b64decode(login.header().reveal()) == f"bob:{CANARY}".encode()


def test_token_from_environment_stays_with_its_host(monkeypatch):
    """MILVUS_TOKEN never travels to an address that the caller named."""
    monkeypatch.setenv("MILVUS_TOKEN", CANARY)
    assert Address.parse("http://elsewhere:1").login is None
    assert Address.parse().login.split().user == "canary-$pw"


def test_secret_shows_nothing():
    """Nothing that shows an address or a secret shows the password."""
    address = Address.parse("h", user="bob", password=CANARY)
    secret = Secret(CANARY)
    shown = f"{address!r} {secret} {secret!r} {secret:>20}"
    assert "canary" not in shown, "a password is never shown"
    with pytest.raises(TypeError):
        pickle.dumps(secret)


@pytest.mark.parametrize(
    "arguments",
    [
        {"uri": "h", "host": "h"},
        {"host": "h", "port": 70000},
        {"uri": "h", "user": "bob"},
        {"uri": "h", "password": CANARY},
        {"uri": "h", "token": "k", "user": "bob", "password": CANARY},
        {"uri": "https://h", "secure": False},
    ],
)
def test_contradictions_are_refused(arguments):
    """What contradicts itself or is half given is an error, not a guess."""
    with pytest.raises(MilvusException) as caught:
        Address.parse(**arguments)
    assert "canary" not in str(caught.value)


def test_no_part_of_a_token_is_shown():
    """It may be a password with a colon in it, typed into the wrong field: its beginning need not be a user's name."""
    conn = Connection(Address.parse("localhost", token="half-of-it:other-half"))
    assert "half" not in repr(conn) + repr(conn.address) + conn.user + conn.actor
    conn.take_token_apart()
    assert (conn.user, conn.actor) == ("half-of-it", "'half-of-it'")
    assert "other" not in repr(conn) + repr(conn.address)
    conn.close()


@pytest.mark.parametrize("token", [":half", "half:", ":", "half:\ud800", "\ud800half:half", "half\ud800"])
def test_no_part_of_a_token_that_cannot_be_one_is_shown(token):
    """Nothing before or after its colon, or no text in UTF-8; not in our frames either."""
    with pytest.raises(ParameterError) as caught:
        Address.parse("h", token=Secret(token))
    frames = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    locals_ = repr([frame.locals for frame in frames.stack if "milvus_magics" in frame.filename])
    assert "half" not in str(caught.value) + repr(vars(caught.value)) + repr(caught.value.__cause__) + locals_
