"""Changing passwords on a real Milvus, in every set-up: verified, proven, and nobody is made by accident."""

import middleman
import pytest
from conftest import empty

from milvus_magics import embedded
from milvus_magics.client import users
from milvus_magics.client.password_check import check_password
from milvus_magics.errors import (
    CannotVerifyError,
    MilvusException,
    OutcomeUnknownError,
    ParameterError,
    PermissionDeniedError,
    UnknownUserError,
    WrongPasswordError,
)
from milvus_magics.secret import Secret
from milvus_magics.transport.address import Address
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline

OLD, NEW = "old-password", "new-password"
OFF = {"authorization": False}
SUPERUSERS = {"COMMON_SECURITY_SUPERUSERS": "root"}
SETUPS = {
    "on": {},
    "off": OFF,
    "on, superusers": {"settings": SUPERUSERS},
    "off, superusers": {**OFF, "settings": SUPERUSERS},
    "off, 72 bytes at most": {**OFF, "settings": {"PROXY_MAXPASSWORDLENGTH": "72"}},
}


@pytest.fixture(scope="module", params=SETUPS)
def any_server(request):
    with embedded.start(**SETUPS[request.param]) as server:
        server.has_superusers = "superusers" in request.param
        yield server


@pytest.fixture
def any_root(any_server):
    """root, with a user bob whose password is OLD."""
    conn = Connection(Address.parse(any_server.uri, user="root", password=any_server.password or "junk-password"))
    users.create_user(conn, "bob", OLD, timeout=10)
    yield conn
    empty(conn)
    conn.close()


def is_password(conn, user, password):
    return check_password(conn, user, Secret(password), Deadline(10), may_rewrite=True).right


@pytest.mark.parametrize("change", [users.update_password, users.reset_password])
def test_right_old_password_changes_it(any_root, change):
    """Afterwards the new one works and the old one doesn't."""
    changed = change(any_root, "bob", OLD, NEW, timeout=10)
    assert (changed.user, changed.reauthenticated) == ("bob", False)
    assert changed.proven is (True if change is users.reset_password else None)
    assert is_password(any_root, "bob", NEW)
    assert not is_password(any_root, "bob", OLD)


@pytest.mark.parametrize("change", [users.update_password, users.reset_password])
def test_wrong_old_password_changes_nothing(any_root, change):
    """Also for a superuser, whose server would not look."""
    with pytest.raises(WrongPasswordError, match="'bob' is wrong; nothing was changed") as raised:
        change(any_root, "bob", "wrong-password", NEW, timeout=10)
    assert raised.value.code == 1400
    assert is_password(any_root, "bob", OLD)


def test_without_the_old_password_only_superusers_go_on(any_root, any_server):
    """The server decides; where it says no, the error says who could."""
    if any_server.has_superusers:
        users.update_password(any_root, "bob", "", NEW, timeout=10)
        assert is_password(any_root, "bob", NEW)
        return
    with pytest.raises(WrongPasswordError, match=r"superUsers names may leave it out; nothing was changed"):
        users.update_password(any_root, "bob", "", NEW, timeout=10)
    assert is_password(any_root, "bob", OLD)


@pytest.mark.parametrize("old", ["", OLD], ids=["without the old one", "with an old one"])
def test_unknown_user_is_not_made(any_root, old):
    """A superuser's change of a missing user would create them."""
    with pytest.raises(UnknownUserError, match="no user 'bobb'.*did you mean 'bob'"):
        users.reset_password(any_root, "bobb", old, NEW, timeout=10)
    assert users.list_usernames(any_root) == ["bob", "root"]


def test_bad_new_passwords_are_refused_before_anything_is_sent(any_root):
    """Too short, too long, or the old one."""
    for new, said in [
        ("short", "at least 6 are needed"),
        ("x" * 73, "no more than 72"),
        (OLD, "is the old one"),
        ("", "0 by"),
    ]:
        with pytest.raises(ParameterError, match=said):
            users.update_password(any_root, "bob", OLD, new, timeout=10)
    assert is_password(any_root, "bob", OLD)


def test_acting_user_goes_on_with_the_new_password(server, root):
    """The connection that acts as the user changes over; others of that user are refused from then on."""
    users.create_user(root, "bob", OLD, timeout=10)
    own = Connection(Address.parse(server.uri, user="bob", password=OLD))
    assert users.reset_password(own, "bob", OLD, NEW, timeout=10).reauthenticated
    assert users.whoami(own, timeout=10).user == "bob"
    assert NEW not in repr(own) + repr(own.address), "no password in a connection's text"
    users.create_user(root, "eve", OLD, timeout=10)
    with pytest.raises(PermissionDeniedError, match="UpdateUser"):
        users.update_password(own, "eve", OLD, NEW, timeout=10)
    own.close()


def test_lost_answers(server, root):
    """The change that arrived is known as done, the one that didn't is not said to be done."""
    users.create_user(root, "bob", OLD, timeout=10)
    with middleman.between(server.uri) as (between, address):
        conn = Connection(Address.parse(address, user="root", password=server.password))

        def lose_the_answer(method, metadata, forward, context):
            reply = forward()
            return (
                context.abort(middleman.grpc.StatusCode.UNAVAILABLE, "lost") if method == "UpdateCredential" else reply
            )

        between.rule = lose_the_answer
        changed = users.update_password(conn, "bob", OLD, NEW, timeout=10)
        assert "the answer was lost" in str(changed)

        def lose_the_request(method, metadata, forward, context):
            if method == "UpdateCredential":
                context.abort(middleman.grpc.StatusCode.UNAVAILABLE, "lost")
            return forward()

        between.rule = lose_the_request
        with pytest.raises(OutcomeUnknownError, match="password of user 'bob' is not changed so far"):
            users.update_password(conn, "bob", NEW, OLD, timeout=10)
        conn.close()
    assert is_password(root, "bob", NEW)


def test_reset_that_did_not_take_effect_is_not_called_done(server, root):
    """A server that says yes and keeps the old password is found out."""
    users.create_user(root, "bob", OLD, timeout=10)
    with middleman.between(server.uri) as (between, address):
        conn = Connection(Address.parse(address, user="root", password=server.password))
        between.rule = lambda method, metadata, forward, context: b"" if method == "UpdateCredential" else forward()
        with pytest.raises(OutcomeUnknownError, match="but the old one still works"):
            users.reset_password(conn, "bob", OLD, NEW, timeout=10)
        assert users.list_usernames(conn) == ["bob", "root"]
        conn.close()


def test_gateway_that_lets_everybody_in_cannot_verify(root, server):
    """Nothing is changed where nobody can tell whether the old password is right."""
    users.create_user(root, "bob", OLD, timeout=10)
    header = {"authorization": root._authorization.reveal()}
    with middleman.between(server.uri) as (between, address):

        def as_root(method, metadata, forward, context):
            metadata.update(header)
            return forward()

        between.rule = as_root
        conn = Connection(Address.parse(address))
        try:
            users.update_password(conn, "bob", "wrong-password", NEW, timeout=10)
        except (CannotVerifyError, WrongPasswordError):
            pass
        else:
            raise AssertionError("a wrong password was taken for right")
        conn.close()
    assert is_password(root, "bob", OLD)


def test_errors_hold_no_password(any_root):
    """Neither in text nor in args, whatever went wrong."""
    for old, new in [("wrong-password", NEW), (OLD, "12345"), ("wrong-password", "x" * 80)]:
        with pytest.raises(MilvusException) as raised:
            users.reset_password(any_root, "bob", old, new, timeout=10)
        shown = f"{raised.value} {raised.value!r} {raised.value.args} {raised.value.details}"
        assert old not in shown, "no password in an error"
        assert new not in shown, "no password in an error"
