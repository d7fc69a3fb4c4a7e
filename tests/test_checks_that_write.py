"""Checking a password where logins tell nothing: a look sends nothing that could write, and a deletion first proves it.

Authorization is off, and the server's bcrypt takes more than 72 bytes, so that a password that newer servers could not
store would be stored.
"""

from contextlib import suppress

import grpc
import pytest
from contract import ContractServer, Denied, serving
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from milvus_magics import Console, DeleteUserForm, connections, utility
from milvus_magics.access.question import read_access
from milvus_magics.bulk.run import delete_users
from milvus_magics.client import users
from milvus_magics.errors import CannotVerifyError, MilvusException, ProtectedUserError, WrongPasswordError

PASSWORD, WRONG = "secret-of-bob", "wrong-password"
WRITING = {"CreateCredential", "UpdateCredential", "DeleteCredential"}


class Old(ContractServer):
    """Hashes passwords of any length, and looks at the first 72 bytes of one."""

    def check_hashing(self, password):
        pass

    def is_password(self, user, password):
        return (self.passwords.get(user) or b"")[:72] == password[:72] if user in self.passwords else False


class OldInUpdates(Old):
    """Does so only where a password is changed; a new user's is measured."""

    check_length_of_new = ContractServer.check_hashing

    def CreateCredential(self, request, caller, metadata):
        self.check_length_of_new(self.decode(request.password))
        return super().CreateCredential(request, caller, metadata)


class Shortened(Old):
    """Takes passwords of 20 bytes and more by now."""

    shortest = 6

    def check_length(self, password):
        if len(password) < self.shortest:
            super().check_length(b"")
        super().check_length(password)


@pytest.fixture(params=[Old, OldInUpdates], ids=lambda kind: kind.__name__)
def kind(request):
    return request.param


@pytest.fixture(params=["2.2.0", "2.6.18"])
def server(request, kind):
    with serving(kind(request.param, authorization=False)) as (server, address):
        server.passwords |= {"bob": PASSWORD.encode(), "ann": PASSWORD.encode()}
        connections.connect(uri=f"http://{address}")
        server.calls.clear()
        yield server
        connections.close_all()


@pytest.fixture
def run(server, monkeypatch):
    shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
    shell.run_line_magic("load_ext", "milvus_magics")
    monkeypatch.setenv("PW", PASSWORD)
    monkeypatch.setenv("WRONG", WRONG)
    monkeypatch.setenv("NEW", "new-password")
    shell.user_ns["people"] = [{"user": "bob", "password": PASSWORD}, {"user": "ann", "password": WRONG}]
    return lambda line: shell.run_line_magic(*f"milvus_{line} ".split(" ", 1))


LOOKS = {
    "delete, dry": "delete_user bob --password-env PW --dry-run",
    "delete, wrong, dry": "delete_user bob --password-env WRONG --dry-run",
    "delete root, dry": "delete_user root --password-env PW --dry-run",
    "update, dry": "update_password bob --password-env PW --new-password-env NEW --dry-run",
    "reset, dry": "reset_password bob --password-env PW --new-password-env NEW --dry-run",
    "create, dry": "create_user bob --role public --password-env PW --dry-run",
    "delete many, dry": "delete_users people --dry-run",
    "create many, dry": "create_users people --dry-run",
    "access": "access",
    "access of one": "access --user bob",
    "whoami": "whoami",
}


@pytest.mark.parametrize("look", LOOKS)
def test_a_look_sends_nothing_that_could_write(server, run, look):
    """Whatever it says, the passwords are the same, and no change was asked for."""
    before = dict(server.passwords)
    with suppress(MilvusException):  # refused beforehand
        repr(run(LOOKS[look]))
    assert server.passwords == before
    assert not WRITING & set(server.calls)


def test_a_dry_run_says_what_it_does_not_know(server, run):
    """The password is given, and not looked into."""
    assert "The password was not checked: on this server only a change can tell" in str(
        run("delete_user bob --password-env PW --dry-run")
    )
    (bob, ann) = run("delete_users people --dry-run")
    assert bob.reason == ann.reason == "the password was not checked: on this server only a change can tell"


def test_console_and_forms_only_look(server):
    """Opening them and reading anew."""
    before = dict(server.passwords)
    console, form = Console(), DeleteUserForm()
    form.fields["user"].value, form.fields["password"].value = "bob", PASSWORD
    for page in ("Users", "Roles", "Access", "History"):
        console.show_page(page)
    read_access(connections.get(), timeout=10)
    console.close()
    form.close()
    assert server.passwords == before
    assert not WRITING & set(server.calls)


def test_a_refused_deletion_leaves_the_password(server):
    """A wrong one, of one and of many; and root's, which is right, but root cannot be deleted."""
    server.passwords["root"] = PASSWORD.encode()
    before = dict(server.passwords)
    with pytest.raises(WrongPasswordError):
        utility.delete_user(user="bob", password=WRONG)
    with pytest.raises(ProtectedUserError):
        users.delete_user(connections.get(), "root", PASSWORD, timeout=10)
    (row,) = delete_users(connections.get(), [{"user": "bob", "password": WRONG}])
    assert row.outcome == "refused"
    form = DeleteUserForm()
    form.fields["user"].value, form.fields["password"].value = "bob", WRONG
    form.submit()
    assert "wrong" in form.status.text
    form.close()
    assert server.passwords == before


def test_a_deletion_is_proven_on_a_name_that_does_not_exist(server):
    """Then the same password is written, and the user is gone; nobody else ever was there."""
    assert users.delete_user(connections.get(), "bob", PASSWORD, timeout=10).verified
    assert set(server.passwords) == {"root", "ann"}
    (row,) = delete_users(connections.get(), [{"user": "ann", "password": PASSWORD}])
    assert row.outcome == "done"
    assert set(server.passwords) == {"root"}


def test_where_only_a_longer_password_would_tell_it_is_refused_in_one_line():
    """A new user with such a password shows that it would be stored: the user is taken away, and nobody is touched."""
    with serving(Shortened("2.3.5", authorization=False)) as (server, address):
        server.passwords["bob"] = b"short1"
        server.shortest = 20
        connections.connect(uri=f"http://{address}")
        before = dict(server.passwords)
        for password in ("short1", "short2"):
            with pytest.raises(CannotVerifyError, match="no longer accepts passwords of this length") as caught:
                users.delete_user(connections.get(), "bob", password, timeout=10)
            assert "\n" not in str(caught.value)
        (row,) = delete_users(connections.get(), [{"user": "bob", "password": "short1"}])
        assert row.outcome == "refused"
        assert server.passwords == before
        connections.close_all()


def test_a_lost_answer_to_a_change_is_settled_without_another_password(server, monkeypatch):
    """Whether the new one counts is asked by the new one: it was just made."""
    change = server.change_password
    answers = iter([True])

    def losing(request, caller, name):
        change(request, caller, name)
        if server.decode(request.newPassword) == b"new-password" and next(answers, False):
            raise Denied(grpc.StatusCode.UNAVAILABLE, "gone")

    monkeypatch.setattr(server, "change_password", losing)
    changed = users.update_password(connections.get(), "bob", PASSWORD, "new-password", timeout=10)
    assert "the answer was lost, but the server says that it is done" in changed.note
    assert server.passwords["bob"] == b"new-password"
