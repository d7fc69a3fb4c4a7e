"""Deleting users on a real Milvus: nothing unverified, nothing silently, and what is told is true."""

import contextlib
import os
import signal
import socket
import time

import grpc
import middleman
import pytest
from processes import frozen, interrupt_after, pid_of_milvus

from milvus_magics import connections, embedded, utility
from milvus_magics.client import roles, users
from milvus_magics.errors import (
    AuthenticationError,
    CannotVerifyError,
    ChangeInterrupted,
    DeadlineError,
    LimitReachedError,
    MilvusException,
    OutcomeUnknownError,
    ParameterError,
    PermissionDeniedError,
    ProtectedUserError,
    RefusedError,
    UnavailableError,
    UnknownRoleError,
    UnknownUserError,
    UserExistsError,
    WrongPasswordError,
)
from milvus_magics.secret import Secret
from milvus_magics.session import session
from milvus_magics.transport.address import Address
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.credentials import Login
from milvus_magics.transport.deadline import Deadline

PASSWORD = "right-password"
OFF = {"authorization": False}
SUPERUSERS = {"COMMON_SECURITY_SUPERUSERS": "root"}
SETUPS = {
    "on": {},
    "off": OFF,
    "off, superusers": {**OFF, "settings": SUPERUSERS},
    "on, superusers": {"settings": SUPERUSERS},
    "off, 72 bytes at most": {**OFF, "settings": {"PROXY_MAXPASSWORDLENGTH": "72"}},
}


def open_as(uri, user, password):
    conn = Connection(Address.parse(uri, user=user, password=password) if user else Address.parse(uri))
    conn.changes = []
    conn.on_change.append(conn.changes.append)
    return conn


@pytest.fixture(scope="module", params=SETUPS)
def any_server(request):
    """One server of each set-up in turn."""
    with embedded.start(**SETUPS[request.param]) as server:
        yield server


@pytest.fixture(scope="module")
def server():
    with embedded.start(settings={"PROXY_MAXUSERNUM": "12"}) as server:
        yield server


@pytest.fixture(scope="module")
def open_superuser_server():
    with embedded.start(**SETUPS["off, superusers"]) as server:
        yield server


def root_of(server):
    return open_as(server.uri, "root", server.password or "junk-password")


@pytest.fixture
def any_root(any_server):
    conn = root_of(any_server)
    yield conn
    empty(conn)
    conn.close()


@pytest.fixture
def root(server):
    conn = root_of(server)
    yield conn
    empty(conn)
    conn.close()


def empty(conn):
    for name in users.list_usernames(conn, timeout=10):
        if name != "root":
            users.drop_user(conn, name, timeout=10)


@pytest.fixture
def bob(any_root):
    users.create_user(any_root, "bob", PASSWORD, timeout=10)
    return "bob"


def still_works(conn, user, password):
    """Whether the password is the user's: the old one changes it into itself."""
    secret = Secret(password)
    own = Login(user, secret)
    said = conn.call("UpdateCredential", deadline=Deadline(10), login=own, username=user, oldPassword=secret,
                     newPassword=secret)  # fmt: skip
    return said.code == 0 and said.error_code == 0


# Verification, in every set-up


def test_right_password_deletes(any_root, bob):
    """The user is gone afterwards, and one change is reported."""
    deleted = users.delete_user(any_root, bob, PASSWORD, timeout=10)
    assert (deleted.user, deleted.verified, deleted.roles) == ("bob", True, ())
    assert users.list_usernames(any_root) == ["root"]
    assert [(c.operation, c.outcome) for c in any_root.changes][-1] == ("delete_user", "done")


@pytest.mark.parametrize("wrong", ["wrong-password", "right-passwor", PASSWORD + "!", PASSWORD.upper(), "x" * 73])
def test_wrong_password_changes_nothing(any_root, bob, wrong):
    """The user stays, with the same password, and nobody is created."""
    with pytest.raises(WrongPasswordError) as caught:
        users.delete_user(any_root, bob, wrong, timeout=10)
    assert caught.value.code == 1400
    assert users.list_usernames(any_root) == ["bob", "root"]
    assert still_works(any_root, bob, PASSWORD)
    assert wrong not in str(caught.value), "no password in a message"
    assert any_root.changes[-1].outcome == "refused"


def test_unknown_user_is_an_error_that_says_so(any_root):
    """Not a silent success, and nobody is created by asking."""
    for attempt in (
        lambda: users.delete_user(any_root, "nobody", PASSWORD, timeout=10),
        lambda: users.drop_user(any_root, "nobody", timeout=10),
        lambda: users.preview_delete_user(any_root, "nobody", timeout=10),
    ):
        with pytest.raises(UnknownUserError, match="there is no user 'nobody'"):
            attempt()
    assert users.list_usernames(any_root) == ["root"]


def test_root_is_protected(any_server, any_root):
    """With the right password the server refuses, and the error says that it protects root."""
    with pytest.raises(ProtectedUserError, match="'root' cannot be deleted"):
        users.delete_user(any_root, "root", any_server.password or "Milvus", timeout=10)
    assert users.list_usernames(any_root) == ["root"]


@pytest.mark.parametrize("password", ["pass:word", "$pass{word}", "'\"quotes\"'", "pässwörd-☃", "p" * 72, " spaces  "])
def test_odd_passwords_work(any_root, password):
    """Whatever a password may hold, it deletes its user and no other password does."""
    users.create_user(any_root, "odd", password, timeout=10)
    with pytest.raises(WrongPasswordError):
        users.delete_user(any_root, "odd", password[:-1] + "#", timeout=10)
    assert users.delete_user(any_root, "odd", password, timeout=10).verified


def test_password_whose_beginning_is_right_is_wrong(any_root):
    """bcrypt reads 72 bytes; a longer password is refused though its first 72 are right."""
    users.create_user(any_root, "bob", "p" * 72, timeout=10)
    with pytest.raises(WrongPasswordError, match="73 bytes"):
        users.delete_user(any_root, "bob", "p" * 73, timeout=10)
    with pytest.raises(CannotVerifyError, match="NUL"):
        users.delete_user(any_root, "bob", "p\0p", timeout=10)
    assert users.list_usernames(any_root) == ["bob", "root"]


def test_empty_password_and_name_send_nothing(any_root, bob):
    """Each is one clear line."""
    with pytest.raises(ParameterError, match="password is empty"):
        users.delete_user(any_root, bob, "", timeout=10)
    for name in ("", None, 5):
        with pytest.raises(ParameterError, match="user name"):
            users.delete_user(any_root, name, PASSWORD, timeout=10)
    for timeout in (0, -1, float("nan"), "soon"):
        with pytest.raises(ParameterError, match="timeout"):
            users.delete_user(any_root, bob, PASSWORD, timeout=timeout)
    assert users.list_usernames(any_root) == ["bob", "root"]


def test_preview_changes_nothing(any_root, bob):
    """It says what would go, and refuses a wrong password where that can be told without writing."""
    preview = users.preview_delete_user(any_root, bob, PASSWORD, timeout=10)
    assert "This will delete bob" in str(preview)
    assert "password" in str(preview)
    assert users.list_usernames(any_root) == ["bob", "root"]
    assert any_root.changes[-1].operation == "create_user"


# Gateways


def demand_header(method, metadata, forward, context):
    if "authorization" not in metadata:
        context.abort(grpc.StatusCode.UNAUTHENTICATED, "missing authorization in header")
    return forward()


def as_root(password):
    header = Login("root", Secret(password)).header().reveal()

    def rule(method, metadata, forward, context):
        metadata["authorization"] = header
        return forward()

    return rule


def test_gateway_that_demands_any_header_cannot_verify(open_superuser_server):
    """Every login passes there, and without a header nothing does: nobody can tell."""
    with middleman.between(open_superuser_server.uri) as (between, address):
        conn = open_as(address, "root", "junk-password")
        users.create_user(conn, "bob", PASSWORD, timeout=10)
        between.rule = demand_header
        for password in (PASSWORD, "wrong-password"):
            with pytest.raises(CannotVerifyError, match="drop_user"):
                users.delete_user(conn, "bob", password, timeout=10)
        assert users.list_usernames(conn) == ["bob", "root"]
        empty(conn)
        conn.close()


def test_gateway_that_puts_in_a_superuser_cannot_verify(open_superuser_server):
    """The superuser's header skips the very check, which the control notices."""
    with middleman.between(open_superuser_server.uri) as (between, address):
        conn = open_as(address, "root", "junk-password")
        users.create_user(conn, "bob", PASSWORD, timeout=10)
        between.rule = as_root("junk-password")
        for password in (PASSWORD, "wrong-password"):
            with pytest.raises(CannotVerifyError, match="does not refuse a random password"):
                users.delete_user(conn, "bob", password, timeout=10)
        assert users.list_usernames(conn) == ["bob", "root"]
        empty(conn)
        conn.close()


def test_gateway_that_puts_in_root_is_seen_through(server, root):
    """Logins prove nothing there, but an ordinary root's change still asks for the old password."""
    users.create_user(root, "bob", PASSWORD, timeout=10)
    with middleman.between(server.uri) as (between, address):
        between.rule = as_root(server.password)
        conn = open_as(address, "", "")
        with pytest.raises(WrongPasswordError):
            users.delete_user(conn, "bob", "wrong-password", timeout=10)
        assert users.delete_user(conn, "bob", PASSWORD, timeout=10).verified
        conn.close()


def test_throwaway_user_of_the_control_is_gone(tmp_path):
    """Where a superuser is put in and 72 bytes are the most, the control creates a user, and removes it again."""
    settings = {**SUPERUSERS, "PROXY_MAXPASSWORDLENGTH": "72"}
    with embedded.start(authorization=False, settings=settings) as server:
        with middleman.between(server.uri) as (between, address):
            conn = open_as(address, "root", "junk-password")
            users.create_user(conn, "bob", PASSWORD, timeout=10)
            between.rule = as_root("junk-password")
            with pytest.raises(CannotVerifyError):
                users.delete_user(conn, "bob", "wrong-password", timeout=10)
            assert users.list_usernames(conn) == ["bob", "root"]
            conn.close()


def test_minimum_length_raised_after_the_user_was_made(tmp_path):
    """A short password is still told right from wrong; where it cannot be, that is said and nothing goes."""
    with embedded.start(tmp_path / "data", authorization=False) as server:
        conn = root_of(server)
        for name in ("bob", "eve"):
            users.create_user(conn, name, "short1", timeout=10)
        conn.close()
    settings = {"PROXY_MINPASSWORDLENGTH": "20"}
    with embedded.start(tmp_path / "data", authorization=False, settings=settings) as server:
        conn = root_of(server)
        with pytest.raises(WrongPasswordError):
            users.delete_user(conn, "bob", "short2", timeout=10)
        assert users.delete_user(conn, "bob", "short1", timeout=10).verified
        conn.close()
    settings["PROXY_MAXPASSWORDLENGTH"] = "72"
    with embedded.start(tmp_path / "data", authorization=False, settings=settings) as server:
        conn = root_of(server)
        with pytest.raises(CannotVerifyError, match="no longer accepts passwords of this length"):
            users.delete_user(conn, "eve", "short1", timeout=10)
        assert users.list_usernames(conn) == ["eve", "root"]
        conn.close()


def test_names_that_only_superusers_could_make_can_be_deleted(open_superuser_server):
    """They are taken byte for byte."""
    conn = root_of(open_superuser_server)
    for name in ("bob smith", "a'b;c", "ü$x", "x:y", "--yes"):
        conn.call_checked("UpdateCredential", deadline=Deadline(10), username=name, newPassword=Secret(PASSWORD))
        assert name in users.list_usernames(conn)
        assert users.list_user(conn, name, timeout=10).roles == ()
        with pytest.raises(WrongPasswordError):
            users.delete_user(conn, name, "wrong-password", timeout=10)
        deleted = users.delete_user(conn, name, PASSWORD, timeout=10)
        assert (deleted.user, deleted.roles) == (name, ())
    conn.close()


def test_name_with_colon_is_not_taken_for_somebody_else(server, root):
    """A login as 'a:b' asks about 'a', so it is not used."""
    users.create_user(root, "a", "b:password", timeout=10)
    with pytest.raises(CannotVerifyError, match="':'"):
        users.delete_user(root, "a:b", "password", timeout=10)
    assert users.list_usernames(root) == ["a", "root"]


# Rights


def grant(root, role, privilege):
    entity = {"role": {"name": role}, "object": {"name": "Global"}, "object_name": "*",
              "grantor": {"privilege": {"name": privilege}}}  # fmt: skip
    root.call_checked("OperatePrivilege", deadline=Deadline(10), entity=entity)


@pytest.fixture
def deleter(server, root):
    """A connection whose user may delete users, and nothing else."""
    if "deleters" not in {r.role.name for r in root.call_checked("SelectRole", deadline=Deadline(10)).results}:
        root.call_checked("CreateRole", deadline=Deadline(10), entity={"name": "deleters"})
        grant(root, "deleters", "DropOwnership")
    users.create_user(root, "dan", PASSWORD, grant=["deleters"], timeout=10)
    time.sleep(0.1)  # rights reach the proxy some milliseconds later
    conn = open_as(server.uri, "dan", PASSWORD)
    yield conn
    conn.close()


def test_without_the_right_to_list_wrong_and_unknown_cannot_be_told_apart(root, deleter):
    """The error says so and names the privilege; a right password deletes all the same."""
    users.create_user(root, "bob", PASSWORD, timeout=10)
    for name in ("bob", "nobody"):
        with pytest.raises(WrongPasswordError, match=r"unknown user or wrong password.*SelectOwnership"):
            users.delete_user(deleter, name, "wrong-password", timeout=10)
    with pytest.raises(PermissionDeniedError, match="SelectOwnership"):
        users.drop_user(deleter, "bob", timeout=10)
    deleted = users.delete_user(deleter, "bob", PASSWORD, timeout=10)
    assert deleted.roles is None, "nobody may claim roles that were not read"
    assert "bob" not in users.list_usernames(root)


def test_missing_right_is_named(server, root):
    """Nothing is deleted by somebody who may not."""
    users.create_user(root, "bob", PASSWORD, timeout=10)
    users.create_user(root, "eve", PASSWORD, timeout=10)
    conn = open_as(server.uri, "eve", PASSWORD)
    with pytest.raises(PermissionDeniedError, match="'eve' lacks the privilege DropOwnership"):
        users.delete_user(conn, "bob", PASSWORD, timeout=10)
    assert users.list_usernames(root) == ["bob", "eve", "root"]
    assert conn.changes[-1].outcome == "refused"
    conn.close()


def test_deleting_oneself_ends_the_connection(server, deleter):
    """The result and the change say so, and the session unbinds the alias."""
    connections.connect("dan", "dan", PASSWORD, uri=server.uri)
    utility.delete_user("dan", PASSWORD, using="dan", timeout=10)
    assert not connections.has_connection("dan")
    assert session.journal.entries()[-1].actor_gone
    with pytest.raises(AuthenticationError):
        users.list_usernames(deleter)


# Creating


def test_creating_checks_first(root):
    """Existing user, unknown role and impossible names are errors, and nothing is created."""
    users.create_user(root, "bob", PASSWORD, grant=["public"], timeout=10)
    assert users.list_users(root).to_dicts() == [
        {"name": "bob", "roles": ("public",), "description": ""},
        {"name": "root", "roles": (), "description": ""},
    ]
    with pytest.raises(UserExistsError, match="'bob' exists already"):
        users.create_user(root, "bob", "other-password", timeout=10)
    with pytest.raises(UnknownRoleError, match=r"'nix'.*admin, .*public"):
        users.create_user(root, "eve", PASSWORD, grant=["nix"], timeout=10)
    for name in ("", "a" * 33, "bob smith", "1bob", "bob;", "böb"):
        with pytest.raises(ParameterError, match="user name"):
            users.create_user(root, name, PASSWORD, timeout=10)
    for password in ("", "five5", "x" * 73):
        with pytest.raises(ParameterError, match="password"):
            users.create_user(root, "eve", password, timeout=10)
    assert users.list_usernames(root) == ["bob", "root"]
    assert still_works(root, "bob", PASSWORD)


def test_limit_is_told_from_exists(root):
    """The server answers "limit" to both on a full house; ours looks first."""
    for number in range(11):
        users.create_user(root, f"user{number}", PASSWORD, timeout=10)
    with pytest.raises(LimitReachedError, match="it has 12 "):
        users.create_user(root, "one_more", PASSWORD, timeout=10)
    with pytest.raises(UserExistsError):
        users.create_user(root, "user3", PASSWORD, timeout=10)


# Round trips, lost replies, dead servers


def test_verified_deletion_takes_two_round_trips(server, root):
    """Both controls and the roles travel together, then the deletion."""
    users.create_user(root, "bob", PASSWORD, timeout=10)
    with middleman.between(server.uri) as (between, address):
        conn = open_as(address, "root", server.password)
        users.list_usernames(conn)
        between.calls.clear()

        def slowly(method, metadata, forward, context):
            time.sleep(0.05)
            return forward()

        between.rule = slowly
        users.delete_user(conn, "bob", PASSWORD, timeout=10)
        conn.close()
        assert between.waves() == 2, between.calls


def lose(what):
    """A rule that has the server do what it is asked, and loses the answer."""

    def rule(method, metadata, forward, context):
        if method != what:
            return forward()
        forward()
        return context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")

    return rule


CHANGES = {
    "DeleteCredential, verified": ("DeleteCredential", lambda c, t: users.delete_user(c, "bob", PASSWORD, timeout=t)),
    "DeleteCredential": ("DeleteCredential", lambda c, t: users.drop_user(c, "bob", timeout=t)),
    "CreateCredential": ("CreateCredential", lambda c, t: users.create_user(c, "new", PASSWORD, timeout=t)),
    "OperateUserRole": ("OperateUserRole", lambda c, t: roles.grant_role(c, "bob", "public", timeout=t)),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_lost_answer_is_found_out(server, root, kind):
    """The change was made, so it is told as made; one change is reported."""
    users.create_user(root, "bob", PASSWORD, timeout=10)
    method, change = CHANGES[kind]
    with middleman.between(server.uri) as (between, address):
        conn = open_as(address, "root", server.password)
        between.rule = lose(method)
        change(conn, 5)
        assert [c.outcome for c in conn.changes] == ["done"]
        conn.close()
    after = {user.name: user.roles for user in users.list_users(root)}
    assert ("bob" in after) == (method != "DeleteCredential")
    assert ("new" in after) == (method == "CreateCredential")
    assert method != "OperateUserRole" or after["bob"] == ("public",)


def test_request_that_arrives_after_the_deadline_is_told_as_unknown(server, root):
    """Not "not deleted": the server may still do it, and here it does."""
    users.create_user(root, "bob", PASSWORD, timeout=10)
    with middleman.between(server.uri) as (between, address):
        conn = open_as(address, "root", server.password)

        def late(method, metadata, forward, context):
            if method == "DeleteCredential":
                time.sleep(4)
            return forward()

        between.rule = late
        start = time.monotonic()
        with pytest.raises(OutcomeUnknownError, match="not deleted so far, but the server may still do it"):
            users.delete_user(conn, "bob", PASSWORD, timeout=1)
        assert time.monotonic() - start < 3.5
        assert conn.changes[-1].outcome == "unknown"
        time.sleep(2)
        assert users.list_usernames(root) == ["root"]
        conn.close()


def test_lost_answer_without_the_right_to_list_is_settled_by_the_password(server, root, deleter):
    """The password that was right and is refused now proves the deletion."""
    users.create_user(root, "bob", PASSWORD, timeout=10)
    with middleman.between(server.uri) as (between, address):
        conn = open_as(address, "dan", PASSWORD)
        between.rule = lose("DeleteCredential")
        users.delete_user(conn, "bob", PASSWORD, timeout=5)
        assert conn.changes[-1].outcome == "done"
        conn.close()
    assert "bob" not in users.list_usernames(root)


@pytest.mark.parametrize(("slow", "told"), [("GetVersion", "nothing was sent"), ("DeleteCredential", "is deleted")])
def test_interrupt_tells_what_is_known(server, root, slow, told):
    """Before the deletion nothing happened; during it the server is asked."""
    users.create_user(root, "bob", PASSWORD, timeout=10)
    with middleman.between(server.uri) as (between, address):
        conn = open_as(address, "root", server.password)

        def hold(method, metadata, forward, context):
            if method == slow:
                time.sleep(1)
            return forward()

        between.rule = hold
        interrupt_after(0.3)
        with pytest.raises(ChangeInterrupted, match=told):
            users.delete_user(conn, "bob", PASSWORD, timeout=10)
        conn.close()
    assert ("bob" in users.list_usernames(root)) == (slow == "GetVersion")


@pytest.mark.parametrize("what", [users.drop_user, lambda c, n, **k: users.delete_user(c, n, PASSWORD, **k)])
def test_server_that_does_not_answer_ends_within_the_deadline(what):
    """Black-holed: the port is open and nobody answers. Refused: at once."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        conn = open_as(f"127.0.0.1:{port}", "root", PASSWORD)
        start = time.monotonic()
        with pytest.raises(DeadlineError):
            what(conn, "bob", timeout=1)
        assert time.monotonic() - start < 2
        assert conn.changes[-1].outcome == "refused"
        conn.close()
    conn = open_as(f"127.0.0.1:{port}", "root", PASSWORD)
    with pytest.raises(RefusedError):
        what(conn, "bob", timeout=5)
    conn.close()


def test_frozen_server_ends_within_the_deadline():
    """SIGSTOP: the deadline holds, and after SIGCONT the same connection works again."""
    with embedded.start() as server:
        conn = root_of(server)
        users.create_user(conn, "bob", PASSWORD, timeout=10)
        milvus = pid_of_milvus(server)
        os.kill(milvus, signal.SIGSTOP)
        try:
            start = time.monotonic()
            with pytest.raises(MilvusException):
                users.delete_user(conn, "bob", PASSWORD, timeout=1.5)
            assert time.monotonic() - start < 2.5
        finally:
            os.kill(milvus, signal.SIGCONT)
        assert users.delete_user(conn, "bob", PASSWORD, timeout=20).verified
        conn.close()


def test_frozen_server_is_noticed_without_a_deadline():
    """`timeout=None`, as documented, waits for an error: keepalive brings it within 60 s."""
    with embedded.start(tcp_port=0) as server:
        conn = open_as(f"http://{server.address}", "root", server.password)
        users.create_user(conn, "bob", PASSWORD, timeout=10)
        # The proxy in front of an isolated server would answer pings for it.
        with frozen(server.pid, pid_of_milvus(server)):
            start = time.monotonic()
            with pytest.raises(MilvusException):
                users.delete_user(conn, "bob", PASSWORD)
            assert 1 < time.monotonic() - start < 60
        for _ in Deadline(20).poll(every=0.1):  # gRPC may still be closing the old connection
            with contextlib.suppress(UnavailableError):
                conn.call("GetVersion", deadline=Deadline(5))
                break
        assert users.delete_user(conn, "bob", PASSWORD, timeout=20).verified
        conn.close()


# The documented call


@pytest.mark.parametrize("authorization", [True, False])
def test_example_of_the_documentation_with_its_import_line_changed(authorization, monkeypatch):
    """On localhost:19530: right password deletes and returns None; a wrong one raises, and the user is still there."""
    with embedded.start(authorization=authorization, tcp_port=19530) as server:
        if authorization:
            monkeypatch.setenv("MILVUS_TOKEN", f"root:{server.password.reveal()}")
        monkeypatch.delenv("MILVUS_URI", raising=False)
        connections.connect()
        utility.create_user("admin", "123456")
        with pytest.raises(MilvusException) as caught:
            utility.delete_user(user="admin", password="654321")
        assert caught.value.code == 1400
        assert utility.list_usernames() == ["admin", "root"]
        user = utility.delete_user(user="admin", password="123456")
        assert user is None
        assert utility.list_usernames() == ["root"]
        connections.disconnect("default")
