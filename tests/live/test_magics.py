"""The line magics in a real shell on a real Milvus: what they do, and that bad input changes nothing."""

import io
import stat
import sys

import keyring
import keyring.backend
import keyring.errors
import pytest

from milvus_magics.errors import (
    AliasError,
    ConfirmationError,
    MilvusException,
    ParameterError,
    UnknownUserError,
    UserExistsError,
)
from milvus_magics.secret import MASK
from milvus_magics.session import connections, session

PASSWORD = "right-password"


def names(shell):
    return [user.name for user in shell.run_line_magic("milvus_list_users", "")]


def test_assignment_and_expansion(shell):
    """`x = %magic` gives the result, and names of the notebook stand for values."""
    shell.run_cell("u = 'bob'\nx = %milvus_create_user {u} --password-env PW").raise_error()
    assert shell.user_ns["x"].user == "bob"
    shell.run_cell("y = %milvus_delete_user $u --password-env PW;").raise_error()
    assert shell.user_ns["y"].user == "bob"


def test_generated_password_is_masked_and_works(shell, tmp_path):
    """In the result it shows stars; in a file it is private, never overwritten, and gone if nothing was created."""
    shell.user_ns["ann"] = shell.run_line_magic("milvus_create_user", "ann --generate").password
    assert MASK in repr(shell.user_ns["ann"])
    assert shell.run_line_magic("milvus_delete_user", "ann --password-var ann").verified
    file = tmp_path / "bob.password"
    result = shell.run_line_magic("milvus_create_user", f"bob --generate --password-to {file}")
    assert file.read_text() == result.password.reveal()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with pytest.raises(ParameterError, match="exists already"):
        shell.run_line_magic("milvus_create_user", f"eve --generate --password-to {file}")
    other = tmp_path / "other.password"
    with pytest.raises(UserExistsError):
        shell.run_line_magic("milvus_create_user", f"bob --generate --password-to {other}")
    assert not other.exists()
    assert names(shell) == ["bob", "root"]


def test_drop_wants_a_confirmation(shell, monkeypatch):
    """Where nobody can be asked, `--yes` is needed."""
    monkeypatch.setattr("sys.stdin", io.StringIO())
    shell.run_line_magic("milvus_create_user", "bob --password-env PW")
    with pytest.raises(ConfirmationError, match="--yes"):
        shell.run_line_magic("milvus_drop_user", "bob")
    assert names(shell) == ["bob", "root"]
    assert not shell.run_line_magic("milvus_drop_user", "bob --yes").verified
    assert names(shell) == ["root"]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("", "name the user"),
        ("''", "user name is empty"),
        ("$empty --password-env PW", "user name is empty"),
        ("{u} --password-env PW", "no user 'bob --yes'"),
        ("'bob smith' --password-env PW", "no user 'bob smith'"),
        ("bob\\; --password-env PW", "no user 'bob;'"),
        ("böb --password-env PW", "no user 'böb'"),
        ("$x", "'x' is not defined"),
        ("bob --password-env EMPTY", "not set, or empty"),
        ("bob --password-env NOPE", "not set, or empty"),
        ("bob --password-var nope", "'nope' is not defined"),
        ("bob --password-var empty", "'empty' is empty"),
        ("bob --password-env PW --password-var u", "one source"),
        ("bob --password hunter2", "never typed on the line"),
        ("bob --password=hunter2", "never typed on the line"),
        ("bob hunter2", "too many values"),
        ("bob --password-env PW --timeout 0", "timeout"),
        ("bob --password-env PW --timeout=-1", "timeout"),
        ("bob --password-env PW --timeout nan", "timeout"),
        ("bob --password-env PW --timeout soon", "--timeout needs a number"),
        ("bob --password-env PW --using nope", "no connection 'nope'"),
        ("bob", "nobody can be asked"),
    ],
)
def test_bad_input_is_one_clear_line_and_changes_nothing(shell, line, says):
    """The user is still there, and nothing that was typed as a password comes back."""
    shell.run_line_magic("milvus_create_user", "bob --password-env PW")
    shell.user_ns |= {"u": "bob --yes", "empty": ""}
    with pytest.raises(MilvusException) as caught:
        shell.run_line_magic("milvus_delete_user", line)
    assert says in str(caught.value)
    assert "hunter2" not in str(caught.value), "what was typed is not echoed"
    assert len(caught.value._render_traceback_()) == 1
    assert names(shell) == ["bob", "root"]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("ftp://localhost", "no scheme"),
        ("localhost:70000", "port"),
        ("--port 0", "port"),
        ("http://root:hunter2@localhost", "never typed on the line"),
        ("--token hunter2", "--token takes no value"),
        ("--token hunter2 --alias z", "--token takes no value"),
        ("--token root:hunter2 localhost:1", "--token takes no value"),
        ("--token-env hunter2!", "the source of a password or token is one environment variable's name"),
        ("--token-var hunter2!", "the source of a password or token is one Python name"),
        ("localhost:1 --user root --password-env hunter-2", "is one environment variable's name"),
        ("localhost:1 --user root --password-var hunter2,x", "is one Python name"),
        ("--embedded --user root", "leave the others out"),
        ("--adopt nobody", "pymilvus has no connection"),
        ("localhost:1 --user root --password-env PW", "nothing listens"),
    ],
)
def test_bad_address_leaves_the_connection_as_it_was(shell, line, says):
    """Each is one clear line without what was typed as a password."""
    before = connections.get()
    with pytest.raises(MilvusException) as caught:
        shell.run_line_magic("milvus_connect", line)
    assert says in str(caught.value)
    assert "hunter2" not in str(caught.value), "what was typed is not echoed"
    assert connections.get() is before


def test_connections_by_alias(shell, server):
    """Connect, use, list, who am I, disconnect."""
    shell.user_ns |= {"uri": server.uri, "root_password": server.password}
    who = shell.run_line_magic("milvus_connect", "$uri --alias two --user root --password-var root_password")
    assert (who.user, who.authorization) == ("root", True)
    rows = shell.run_line_magic("milvus_use", "two")
    assert [(row.alias, row.current) for row in rows] == [("default", ""), ("two", "yes")]
    assert "user 'root'" in repr(shell.run_line_magic("milvus", ""))
    assert shell.run_line_magic("milvus_whoami", "--using default").server == server.uri
    shell.run_line_magic("milvus_disconnect", "two")
    with pytest.raises(AliasError, match="there are: 'default'"):
        shell.run_line_magic("milvus_whoami", "")
    with pytest.raises(UnknownUserError):
        shell.run_line_magic("milvus_delete_user", "nobody --using default --password-env PW")


def test_embedded_server_ends_with_its_connection(shell, capsys):
    """`--embedded` says what it does, connects as root, and nothing is left after disconnecting."""
    who = shell.run_line_magic("milvus_connect", "--embedded --alias mine")
    assert (who.user, who.authorization) == ("root", True)
    assert "ready in" in capsys.readouterr().out
    running = session.embedded["mine"]
    shell.run_line_magic("milvus_disconnect", "mine")
    assert not running.alive()


def test_unloading_and_reloading_leave_nothing_behind(shell, server):
    """No magic, no settings object, no connection; after a reload there is one of each."""
    shell.run_line_magic("reload_ext", "milvus_magics")
    assert [type(c).__name__ for c in shell.configurables].count("MilvusMagics") == 1
    shell.run_line_magic("unload_ext", "milvus_magics")
    assert not [name for name in shell.magics_manager.magics["line"] if name.startswith("milvus")]
    assert "MilvusMagics" not in shell.magics_manager.registry
    assert not [c for c in shell.configurables if type(c).__name__ == "MilvusMagics"]
    assert not any(conn for _, conn in connections.list_connections())
    shell.run_line_magic("load_ext", "milvus_magics")
    connections.connect(uri=server.uri, user="root", password=server.password)


def test_every_magic_has_help_with_an_example(shell, capsys):
    """`--help` shows it."""
    for name in [name for name in shell.magics_manager.magics["line"] if name.startswith("milvus")]:
        assert shell.run_line_magic(name, "--help") is None
        assert f"%{name}" in capsys.readouterr().out.partition("Example")[2], name


# The keyring


class Drawer(keyring.backend.KeyringBackend):
    """A keyring in memory, by keyring's own interface for backends."""

    priority = 1

    def __init__(self):
        super().__init__()
        self.kept, self.broken = {}, False

    def get_password(self, service, username):
        if self.broken:
            raise keyring.errors.KeyringLocked("the secret right-password is locked")
        return self.kept.get((service, username))

    def set_password(self, service, username, password):
        self.kept[service, username] = password

    def delete_password(self, service, username):
        del self.kept[service, username]


@pytest.fixture
def drawer():
    before = keyring.get_keyring()
    keyring.set_keyring(drawer := Drawer())
    yield drawer
    keyring.set_keyring(before)


def test_password_from_the_keyring(shell, drawer):
    """The target's own entry is used; a missing, empty or locked one is an error and no question."""
    shell.run_line_magic("milvus_create_user", "bob --password-env PW")
    for kept in ({}, {("school", "bob"): ""}, {("school", "eve"): PASSWORD}):
        drawer.kept = kept
        with pytest.raises(ParameterError, match="no password for 'bob' under 'school'; nothing was sent"):
            shell.run_line_magic("milvus_delete_user", "bob --keyring school")
    drawer.broken = True
    with pytest.raises(ParameterError, match=r"cannot be used \(KeyringLocked\)") as caught:
        shell.run_line_magic("milvus_delete_user", "bob --keyring school")
    assert caught.value.__context__ is None, "the backend's text may hold anything"
    drawer.broken = False
    drawer.kept = {("school", "bob"): PASSWORD}
    assert shell.run_line_magic("milvus_delete_user", "bob --keyring school").verified
    assert names(shell) == ["root"]


def test_generated_password_goes_to_the_keyring(shell, drawer):
    """It is the one that works; an entry that is there is kept; none stays behind where the user isn't created."""
    shell.run_line_magic("milvus_create_user", "bob --generate --keyring-to school")
    assert len(drawer.kept["school", "bob"]) >= 16
    with pytest.raises(MilvusException):
        shell.run_line_magic("milvus_create_user", "1bad --generate --keyring-to school")
    assert set(drawer.kept) == {("school", "bob")}
    drawer.kept["school", "eve"] = "an older one"
    with pytest.raises(ParameterError, match="already"):
        shell.run_line_magic("milvus_create_user", "eve --generate --keyring-to school")
    assert drawer.kept["school", "eve"] == "an older one"
    assert names(shell) == ["bob", "root"]
    assert shell.run_line_magic("milvus_delete_user", "bob --keyring school").verified


def test_without_the_package_keyring(shell, monkeypatch):
    """One line says what to install."""
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(ParameterError, match=r"pip install 'milvus-magics\[keyring\]'; nothing was sent"):
        shell.run_line_magic("milvus_delete_user", "bob --keyring school")


def test_connect_form_shows_what_the_line_gives(shell, server):
    """Address, user, files and alias begin in its fields; secrets and servers of its own are refused."""
    form = shell.run_line_magic("milvus_connect", "bob@localhost:1 --alias x --db d --ca-pem c.pem --form")
    given = {name: text.value for name, text in form.fields.items() if text.value}
    assert given == {"uri": "localhost:1", "user": "bob", "db": "d", "alias": "x", "ca_pem": "c.pem"}
    form.close()
    for line in ("--embedded", "--token", "--password-env PW", "--host localhost", "--adopt x"):
        with pytest.raises(ParameterError, match=f"leave {line.split()[0]} out"):
            shell.run_line_magic("milvus_connect", f"{line} --form")
