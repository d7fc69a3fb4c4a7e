"""A proxy of Milvus that loses its coordinator's answer asks again: the second answer says that it is done already.

Whoever looked just before, and finds it as it was wanted, is told that it is done; nobody else is.
"""

import os
import signal
from contextlib import nullcontext
from threading import RLock

import contract
import pytest
from contract.login import HASH
from contract.versions import RECORDED

from milvus_magics.bulk.run import create_users
from milvus_magics.client import privilege_groups, restore, role_deletion, roles, users
from milvus_magics.client.results.users import UserSnapshot
from milvus_magics.errors import (
    ClosedError,
    GroupExistsError,
    MilvusException,
    Outcome,
    OutcomeUnknownError,
    RoleExistsError,
    UserExistsError,
    WrongPasswordError,
)
from milvus_magics.secret import PasswordHash
from milvus_magics.session.undo_store import UndoStore
from milvus_magics.transport.address import Address
from milvus_magics.transport.connection import Connection

PASSWORD = "a-password-of-theirs"
TWICE = "the server asked itself twice, and the first time it was done"


class Repeating(contract.ContractServer):
    """Each change of these is made twice; `meanwhile` is what somebody else does before the first time."""

    meanwhile = staticmethod(lambda: None)

    def CreateCredential(self, *request):
        self.twice("CreateCredential", *request)

    def CreateRole(self, *request):
        self.twice("CreateRole", *request)

    def CreatePrivilegeGroup(self, *request):
        self.twice("CreatePrivilegeGroup", *request)

    def DropRole(self, *request):
        self.twice("DropRole", *request)

    def twice(self, method, *request):
        self.meanwhile()
        for _ in range(2):
            getattr(contract.ContractServer, method)(self, *request)


@pytest.fixture(params=[True, False], ids=["authorization on", "authorization off"])
def server(request):
    server = Repeating("2.6.4")
    server.authorization = request.param
    with contract.serving(server) as (_, server.address):
        yield server


@pytest.fixture
def changes():
    return []


@pytest.fixture
def conn(server, changes):
    conn = Connection(Address.parse(uri=f"http://{server.address}", user="root", password="Milvus"))
    conn.on_change.append(changes.append)
    yield conn
    conn.close()


def test_a_creation_of_ours_is_done(conn, server, changes):
    """User, role and group; and the audit says so."""
    for created in (
        users.create_user(conn, "bob", PASSWORD, timeout=10),
        roles.create_role(conn, "reader", timeout=10),
    ):
        assert created.note == TWICE
    privilege_groups.create_privilege_group(conn, "readers", timeout=10)
    assert [change.outcome for change in changes] == ["done"] * 3
    assert server.passwords["bob"] == PASSWORD.encode()


def test_a_drop_of_ours_is_done(conn, server, changes):
    """The second time, there is no such role any more."""
    server.roles["reader"] = ""
    assert TWICE in role_deletion.drop_role(conn, "reader", timeout=10).note
    assert [change.outcome for change in changes] == ["done"]


def test_somebody_elses_user_is_not_ours(conn, server, changes):
    """They came between the look and the creation, with a password of their own, which they keep."""
    server.meanwhile = lambda: server.passwords.setdefault("bob", b"somebody-elses")
    with pytest.raises(UserExistsError, match="nothing was changed"):
        users.create_user(conn, "bob", PASSWORD, timeout=10)
    assert server.passwords["bob"] == b"somebody-elses"
    assert [change.outcome for change in changes] == ["refused"]


def test_what_was_there_before_is_refused(conn, server, changes):
    """By the look before, so that nothing is sent at all."""
    server.passwords["bob"], server.roles["reader"] = PASSWORD.encode(), ""
    server.groups["readers"] = set()
    for error, create in [
        (UserExistsError, lambda: users.create_user(conn, "bob", PASSWORD, timeout=10)),
        (RoleExistsError, lambda: roles.create_role(conn, "reader", timeout=10)),
        (GroupExistsError, lambda: privilege_groups.create_privilege_group(conn, "readers", timeout=10)),
    ]:
        with pytest.raises(error):
            create()
    assert [change.outcome for change in changes] == ["refused"] * 3


def test_many_creations_of_ours_are_done(conn, server, changes):
    """With the roles that they were to have; and passwords that were made up are kept."""
    server.roles["reader"] = ""
    made = create_users(conn, [{"user": "ann", "roles": "reader"}, {"user": "bob", "password": PASSWORD}, "eve"])
    assert made.counts == {"done": 3}
    assert sorted(made.passwords) == ["ann", "eve"]
    assert server.passwords["ann"] == made.passwords["ann"].encode()
    assert ("ann", "reader") in server.bindings
    assert {change.outcome for change in changes} == {"done"}


def test_somebody_elses_among_many_is_not_ours(conn, server, changes):
    """They keep their password, and get no role."""
    server.roles["reader"] = ""
    server.meanwhile = lambda: server.passwords.setdefault("ann", b"somebody-elses")
    made = create_users(conn, [{"user": "ann", "roles": "reader"}])
    assert made.counts == {"refused": 1}
    assert made.passwords == {}
    assert server.passwords["ann"] == b"somebody-elses"
    assert not server.bindings
    assert [change.outcome for change in changes] == ["refused"]


def test_what_cannot_be_told_is_unknown(conn, server):
    """A password that was made up is kept then: it may be needed."""

    def take_everything():
        server.authorization = False
        server.UpdateCredential = lambda *request: None

    server.meanwhile = take_everything
    made = create_users(conn, ["ann"])
    assert made.counts == {"unknown": 1}
    assert "whether user 'ann' is created by this request, or was before, cannot be told" in made[0].reason
    assert made.passwords["ann"].encode() == server.passwords["ann"]


@pytest.mark.parametrize(("outcome", "keeps"), [("done", True), ("refused", True), ("unknown", False)])
def test_a_restored_hash_of_ours_is_done(conn, server, changes, outcome, keeps):
    """The hash tells, where it is to be seen; somebody else's user has another one."""
    send, hashed = server.RestoreRBAC, PasswordHash(f"{HASH}{PASSWORD.encode().hex()}")
    store = UndoStore(RLock())
    store.keep_passwords(5 if keeps else 0)
    conn.on_change.append(store)

    def twice(*request):
        if outcome == "refused":
            server.passwords["bob"] = b"somebody-elses"
        send(*request)
        send(*request)

    server.RestoreRBAC = twice
    told = {"done": nullcontext(), "refused": pytest.raises(UserExistsError)}
    with told.get(outcome, pytest.raises(OutcomeUnknownError)):
        restored = restore.restore_user_by_hash(conn, UserSnapshot("bob", ()), hashed, timeout=10)
        assert TWICE in restored.note
    assert [change.outcome for change in changes] == [outcome]


@pytest.mark.parametrize("change", [users.update_password, users.reset_password])
@pytest.mark.parametrize("own", [False, True])
def test_a_change_of_password_of_ours_is_done(server, changes, change, own):
    """The old password was right just before; the second time, it or the login with it is refused."""
    server.passwords["ann"], server.superusers = PASSWORD.encode(), set()
    answer = server.answer

    def whole_call_twice(method, metadata, data):
        if method == "UpdateCredential" and metadata.get("authorization"):
            answer(method, metadata, data)
        return answer(method, metadata, data)

    server.answer = whole_call_twice
    login = {"user": "ann", "password": PASSWORD} if own else {"user": "root", "password": "Milvus"}
    conn = Connection(Address.parse(uri=f"http://{server.address}", **login))
    conn.on_change.append(changes.append)
    assert TWICE in change(conn, "ann", PASSWORD, "another-password", timeout=10).note
    assert server.passwords["ann"] == b"another-password"
    users.list_user(conn, "ann", timeout=10)
    conn.close()
    assert [change.outcome for change in changes] == ["done"]


def test_a_change_of_password_that_somebody_was_before_with_is_refused(conn, server, changes):
    """They changed it between the check and the request, to one of theirs."""
    server.passwords["ann"], server.superusers = PASSWORD.encode(), set()
    update = server.UpdateCredential

    def meanwhile(request, *more):
        if server.decode(request.newPassword) == b"another-password":
            server.passwords["ann"] = b"somebody-elses"
        update(request, *more)

    server.UpdateCredential = meanwhile
    with pytest.raises(WrongPasswordError, match="the old password of user 'ann' is wrong"):
        users.update_password(conn, "ann", PASSWORD, "another-password", timeout=10)
    assert server.passwords["ann"] == b"somebody-elses"
    assert [change.outcome for change in changes] == ["refused"]


@pytest.fixture(params=RECORDED)
def unseeing(request, changes):
    """A connection whose user may create and drop, and look at nothing; and the server, which has the role `reader`."""
    server = Repeating(request.param)
    server.authorization = True
    server.passwords["lim"] = PASSWORD.encode()
    server.roles |= {"mine": "", "reader": ""}
    server.bindings.add(("lim", "mine"))
    for privilege in ("CreateOwnership", "DropOwnership", "CreatePrivilegeGroup"):
        server.grants["mine", "Global", "*", privilege, "*"] = "root"
    with contract.serving(server) as (_, address):
        conn = Connection(Address.parse(uri=f"http://{address}", user="lim", password=PASSWORD))
        conn.on_change.append(changes.append)
        conn.seconds_to_settle = 0.5
        yield conn, server
        conn.close()


def test_who_may_not_look_proves_a_creation_by_the_new_password(unseeing, changes):
    """Which nobody had before. With a password that somebody has, nothing is sent."""
    conn, server = unseeing
    assert TWICE in users.create_user(conn, "bob", PASSWORD, timeout=10).note
    for password in (PASSWORD, "another-password"):
        with pytest.raises(UserExistsError, match="nothing was changed"):
            users.create_user(conn, "bob", password, timeout=10)
    assert server.passwords["bob"] == PASSWORD.encode()
    assert [change.outcome for change in changes] == ["done", "refused", "refused"]


def test_what_who_may_not_look_cannot_prove_is_unknown(unseeing, changes):
    """Whether a role or group was there before is not to be seen; nobody claims that nothing was changed."""
    conn, server = unseeing
    doings = {
        "role 'writer' is created": lambda: roles.create_role(conn, "writer", timeout=10),
        "role 'reader' is dropped": lambda: role_deletion.drop_role(conn, "reader", timeout=10),
    }
    if server.version != "2.3.5":
        doings["privilege group 'readers' is created"] = lambda: privilege_groups.create_privilege_group(
            conn, "readers", timeout=10
        )
    for what, act in doings.items():
        with pytest.raises(OutcomeUnknownError, match=f"whether {what} by this request, or was before, cannot be told"):
            act()
    assert "writer" in server.roles
    assert "reader" not in server.roles
    assert {change.outcome for change in changes} == {"unknown"}


def test_a_repeated_creation_on_a_connection_that_is_closed_meanwhile_is_unknown(conn, server):
    """And says so: what closed it is its cause."""
    server.meanwhile = lambda: setattr(server, "login", closing)
    login = server.login

    def closing(metadata):
        conn.close()
        return login(metadata)

    with pytest.raises(MilvusException, match="the connection was closed meanwhile") as told:
        users.create_user(conn, "bob", PASSWORD, timeout=10)
    assert type(told.value) is OutcomeUnknownError
    assert isinstance(told.value.__cause__, ClosedError)
    assert told.value.outcome is Outcome.UNKNOWN


def test_an_interrupt_meanwhile_loses_no_password(conn, server):
    """The row that is under way comes to its end, and the result comes back with what was made up."""
    login, interrupts = server.login, iter([True])

    def interrupt_once(metadata):
        if next(interrupts, False):
            os.kill(os.getpid(), signal.SIGINT)
        return login(metadata)

    server.meanwhile = lambda: setattr(server, "login", interrupt_once)
    made = create_users(conn, ["ann"])
    assert (made.interrupted, made.counts) == (True, {"done": 1})
    assert made.passwords["ann"].encode() == server.passwords["ann"]
