"""No frame of ours in a traceback holds a bare secret, also where the error is the cause of somebody else's."""

import io
import traceback
from contextlib import redirect_stdout

import contract
import pytest

from milvus_magics import connections, utility
from milvus_magics.bulk.run import create_users
from milvus_magics.client import users
from milvus_magics.errors import MilvusException, ParameterError
from milvus_magics.secret import Secret
from milvus_magics.transport.address import Address

MARKER = "Zq7hunterKx9"
URIS = [
    f"http://root:{MARKER}#1@db.example:19530", f"http://root:{MARKER}/x@h:19530", f"http://root:{MARKER}@[h:19530",
    f"http://root:{MARKER}@h:port", f"root:{MARKER}@h\x00:19530", f"foo://root:{MARKER}@h", f"http://root:{MARKER}@",
    f"http://root:{MARKER}@h/a/b", f"http://root:{MARKER}@127.0.0.1:1", f"unix:{MARKER}", f"http://{MARKER} x",
]  # fmt: skip
NO_TEXTS = [MARKER.encode(), [MARKER], {"password": MARKER}, bytearray(MARKER.encode())]


def frames_of(error):
    """What our frames' variables show, of an error and all those behind it."""
    lines, todo, seen = [], [error], set()
    while todo:
        error = todo.pop()
        if error is None or id(error) in seen:
            continue
        seen.add(id(error))
        todo += [error.__cause__, error.__context__]
        lines += [str(error), repr(error), repr(vars(error))]
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if "/milvus_magics/" in frame.f_code.co_filename:
                lines += [f"{frame.f_code.co_name}: {name} = {value!r}" for name, value in frame.f_locals.items()]
    return lines


def leaks(action):
    """The lines in which a failing action shows the secret."""
    try:
        action()
    except MilvusException as exc:
        return [line for line in frames_of(exc) if MARKER in line]
    raise AssertionError("it must fail")


@pytest.fixture
def server():
    with contract.serve("2.6.18") as (server, address):
        server.passwords["bob"] = b"a-password"
        connections.connect(uri=f"http://{address}", user="root", password="Milvus")
        yield server
        connections.close_all()


@pytest.mark.parametrize("uri", URIS)
def test_addresses(monkeypatch, shell, uri):
    """As an argument, in a variable on a line, and in the environment; also where nothing answers there."""
    assert not leaks(lambda: connections.connect(uri=uri))
    assert not leaks(lambda: connections.connect(uri=Secret(uri)))
    assert not leaks(lambda: Address.parse(uri, port=1))
    assert not leaks(lambda: connections.add_connection(a={"uri": uri, "port": 1}))
    shell.user_ns["uri"] = uri
    for line in (
        "{uri}",
        "$uri --alias z",
        "{uri} --bogus",
        "{uri} --form --password-env X",
        "{uri} $nobody",
        "{uri} --user x",
        "{uri} {1/0}",
        "{uri} x",
    ):
        assert not leaks(lambda line=line: shell.run_line_magic("milvus_connect", line)), line
    monkeypatch.setenv("MILVUS_URI", uri.replace("\x00", "\x01"))
    assert not leaks(connections.connect)
    assert not leaks(lambda: shell.run_line_magic("milvus_connect", ""))


@pytest.mark.parametrize("value", NO_TEXTS)
def test_passwords_that_are_no_text(server, value):
    """Each documented function refuses it before anything is sent, and shows its type only."""
    server.calls.clear()
    for action in (
        lambda: utility.delete_user("bob", value),
        lambda: utility.create_user("new", value),
        lambda: utility.update_password("bob", value, "a-new-password"),
        lambda: utility.reset_password("bob", "a-password", value),
        lambda: connections.connect("x", "root", value, uri="http://127.0.0.1:1"),
        lambda: connections.connect("x", token=value, uri="http://127.0.0.1:1"),
        lambda: connections.connect("x", uri=value),
        lambda: connections.add_connection(a={"host": "h", "user": "u", "password": value}),
        lambda: connections.add_connection(a={"uri": value}),
        lambda: create_users(connections.get(), [{"user": "ann", "password": value}]),
    ):
        assert not leaks(action)
        with pytest.raises(MilvusException, match=f"text.* not {type(value).__name__}|problem"):
            action()
    assert server.calls == []
    with pytest.raises(MilvusException):
        users.create_user(connections.get(), "new", value)


def test_addresses_to_remember():
    """A mistake in one of them, and arguments that are none, show no other."""
    for arguments in (
        {"a": {"host": "h", "port": "x", "user": "u", "password": MARKER}},
        {"a": {"host": "h", "token": MARKER}, "b": {"host": "h", "passwort": MARKER}},
        {"a": MARKER, "b": {"host": "h"}},
        {"a": [MARKER]},
        {"a": {"uri": f"http://root:{MARKER}@h", "user": "x", "password": MARKER}},
    ):
        assert not leaks(lambda arguments=arguments: connections.add_connection(**arguments))


SOURCES = [
    "milvus_delete_user bob --password-var $pw", "milvus_delete_user bob --password-var {pw}",
    "milvus_delete_user bob --password-env $pw", "milvus_delete_user bob --password-var='x'$pw",
    "milvus_delete_user bob --keyring $pw", "milvus_update_password bob --new-password-var {pw} --password-env PW",
    "milvus_create_user bob2 --password-var $pw", "milvus_create_user bob2 --password-env {pw.lower()}",
    "milvus_connect http://127.0.0.1:1 --user root --password-var $pw",
    "milvus_connect http://127.0.0.1:1 --token-env $pw",
    "milvus_connect http://127.0.0.1:1 --token-var $pw", "milvus_connect --adopt $pw", "milvus_create_users $pw",
    "milvus_delete_user bob --password-var $pw --bogus", "milvus_delete_user bob --password-var $pw $nobody",
]  # fmt: skip


@pytest.mark.parametrize("line", SOURCES)
def test_what_a_variable_holds_is_not_taken_for_a_source(shell, server, line, monkeypatch):
    """`--password-var $pw` in place of `pw`: neither the error nor a frame has the password; the error helps."""
    shell.user_ns["pw"] = MARKER
    monkeypatch.setenv("PW", "a-password")
    magic, _, rest = line.partition(" ")
    shown = frames_of_line(shell, magic, rest)
    assert not [one for one in shown if MARKER.lower() in one.lower()]
    if line.endswith(("-var $pw", "-env $pw", "{pw}")):
        assert "leave out the $ or the braces" in shown[0]


def frames_of_line(shell, magic, rest):
    with redirect_stdout(io.StringIO()) as printed, pytest.raises(MilvusException) as caught:
        shell.run_line_magic(magic, rest)
    return [*frames_of(caught.value), printed.getvalue()]


def test_a_name_that_was_computed_still_works(shell, server, monkeypatch):
    """A variable may hold the name of a source, as in a loop."""
    monkeypatch.setenv("PASSWORD_OF_BOB", "a-password")
    shell.user_ns.update(u="bob", of_bob="a-password", name="of_bob")
    for source in ("--password-env PASSWORD_OF_{u.upper()}", "--password-var $name", "--password-var of_{u}"):
        assert "The password is right" in str(shell.run_line_magic("milvus_delete_user", f"bob {source} --dry-run"))
    shell.user_ns["path"] = "nowhere.csv"
    with pytest.raises(MilvusException, match="nowhere.csv"):
        shell.run_line_magic("milvus_create_users", "{path}")
    for source, said in (("--password-var nothing", "the name 'nothing' is not"), ("--password-env NONE", "'NONE'")):
        with pytest.raises(MilvusException, match=said):
            shell.run_line_magic("milvus_delete_user", f"bob {source}")


@pytest.mark.parametrize(
    "line",
    ["connect http://h --user root:{}", "connect --uri http://root:{}@h", "connect --adopt http://root:{}@h",
     "connect --host http://root:{}@h", "connect --host=root:{}@h", "connect h --alias http://root:{}@h",
     "use http://root:{}@h", "list_users --using http://root:{}@h", "list_users http://root:{}@h"],
)  # fmt: skip
def test_a_password_typed_in_the_wrong_place_gets_the_advice(shell, line):
    """It stands in the cell, so what to do is said; and it is not repeated."""
    with pytest.raises(ParameterError, match="so delete the cell.*nothing was sent") as caught:
        shell.run_line_magic(*f"milvus_{line.format(MARKER)}".split(" ", 1))
    assert MARKER not in str(caught.value)


@pytest.mark.parametrize("line", ["connect http://h --user $m", "connect --host $m", "connect --adopt {m}", "use $m"])
def test_a_password_from_a_variable_in_the_wrong_place_gets_no_advice(shell, line):
    """It is in no cell; one line says what belongs there."""
    shell.user_ns["m"] = f"root:{MARKER}@h"
    with pytest.raises(MilvusException, match="name|alias|host") as caught:
        shell.run_line_magic(*f"milvus_{line}".split(" ", 1))
    assert MARKER not in str(caught.value)
    assert "delete the cell" not in str(caught.value)


def test_names_with_a_colon_or_an_at_sign_stay_what_they_are(shell):
    """An alias is one that was chosen, and a user name may be an address of mail."""
    with contract.serving(contract.AnyNames("2.6.18")) as (server, address):
        server.passwords["bob@x"] = b"a-password"
        shell.user_ns["pw"] = "a-password"
        shell.run_line_magic("milvus_connect", f"http://{address} --user bob@x --password-var pw --alias team:prod")
        shell.run_line_magic("milvus_use", "team:prod")
        shown = str(shell.run_line_magic("milvus_connections", ""))
        assert "team:prod" in shown
        assert "bob@x" in shown
        assert {type(alias) for alias, _ in connections.list_connections()} == {str}
        shell.run_line_magic("milvus_use", "team:prod")
        shell.run_line_magic("milvus_disconnect", "team:prod")
        shell.run_line_magic("config", "MilvusMagics.using = 'default'")
    for host in ("::1", "[::1]"):
        assert Address.parse(host=host, port=1).address == "[::1]:1"
        assert type(Address.parse(host=host, port=1).host) is str
