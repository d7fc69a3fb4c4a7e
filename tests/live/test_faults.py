"""Every change over a connection that fails in its middle: what is told is true, and the connection goes on."""

import concurrent.futures
import traceback
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import pytest
from contract import HASH, serve
from cutting import cutting
from interrupts import Interrupted
from processes import interrupt_after

from milvus_magics.client import privilege_groups, privileges, restore, roles, users
from milvus_magics.client.grants.changes import PrivilegeOn, change_grants
from milvus_magics.client.grants.undo import restore_grants
from milvus_magics.client.password_check import check_password
from milvus_magics.client.results.privileges import GrantsSnapshot
from milvus_magics.client.results.roles import RoleSnapshot
from milvus_magics.client.results.users import UserSnapshot
from milvus_magics.errors import (
    ChangeInterrupted,
    GroupExistsError,
    MilvusException,
    Outcome,
    OutcomeUnknownError,
    RoleExistsError,
)
from milvus_magics.secret import PasswordHash, Secret
from milvus_magics.transport.address import Address
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline

OLD, NEW = "old-password", "new-password"
MODES = ["cut before", "cut after", "black hole", "late", "too late"]
CHANGING = {"CreateCredential", "UpdateCredential", "DeleteCredential", "CreateRole", "AlterRole", "DropRole",
            "OperateUserRole", "OperatePrivilege", "OperatePrivilegeV2", "CreatePrivilegeGroup", "DropPrivilegeGroup",
            "OperatePrivilegeGroup", "RestoreRBAC"}  # fmt: skip


class Armed(Connection):
    """A connection one of whose changes, the first or a later one, meets a proxy in a certain mode; reads pass."""

    def arm(self, proxy, mode, then=lambda: None, passing=0):
        self._proxy, self._mode, self._then, self._passing = proxy, mode, then, passing
        return self

    def call(self, method, **arguments):
        if method in CHANGING and self._mode:
            self._passing -= 1
            if self._passing < 0:
                self._proxy.mode, self._mode = self._mode, ""
                self._then()
        return super().call(method, **arguments)


def has_password(conn, password):
    return check_password(conn, "bob", Secret(password), Deadline(10), may_rewrite=True).right


def roles_of(conn, user):
    """What a user holds; None where there is none."""
    return {found.name: found.roles for found in users.list_users(conn, timeout=10)}.get(user)


def holds(conn, *grants):
    held = {(grant.privilege, grant.object_name) for grant in privileges.list_grants(conn, "reader", timeout=10)}
    return set(grants) <= held


def plain_grants(conn, role):
    """What a role holds, as a change of it is remembered."""
    return tuple(replace(grant, grantor="") for grant in privileges.list_grants(conn, role, timeout=10))


# Change -> how it is made, and how one sees that it happened. bob has OLD and holds `held`; `reader` has Load on docs.
CHANGES = {
    "create_user": (
        lambda conn: users.create_user(conn, "new", NEW, timeout=1.5),
        lambda conn: "new" in users.list_usernames(conn, timeout=10)),
    "delete_user": (
        lambda conn: users.delete_user(conn, "bob", OLD, timeout=1.5),
        lambda conn: "bob" not in users.list_usernames(conn, timeout=10)),
    "drop_user": (
        lambda conn: users.drop_user(conn, "bob", timeout=1.5),
        lambda conn: "bob" not in users.list_usernames(conn, timeout=10)),
    "update_password": (
        lambda conn: users.update_password(conn, "bob", OLD, NEW, timeout=1.5), lambda conn: has_password(conn, NEW)),
    "reset_password": (
        lambda conn: users.reset_password(conn, "bob", OLD, NEW, timeout=1.5), lambda conn: has_password(conn, NEW)),
    "create_role": (
        lambda conn: roles.create_role(conn, "new", timeout=1.5),
        lambda conn: "new" in [role.name for role in roles.list_roles(conn, timeout=10)]),
    "drop_role": (
        lambda conn: roles.drop_role(conn, "held", timeout=1.5),
        lambda conn: "held" not in [role.name for role in roles.list_roles(conn, timeout=10)]),
    "grant_role": (
        lambda conn: roles.grant_role(conn, "bob", "reader", timeout=1.5),
        lambda conn: "reader" in users.list_user(conn, "bob", timeout=10).roles),
    "revoke_role": (
        lambda conn: roles.revoke_role(conn, "bob", "held", timeout=1.5),
        lambda conn: "held" not in users.list_user(conn, "bob", timeout=10).roles),
    "grant_privilege": (
        lambda conn: privileges.grant_privilege(conn, "reader", "Search", collection="docs", timeout=1.5),
        lambda conn: holds(conn, ("Search", "docs"))),
    "grant_privilege, in the older way": (
        lambda conn: privileges.grant_privilege(conn, "reader", "Search", object_type="Collection", object_name="docs",
                                                timeout=1.5),
        lambda conn: holds(conn, ("Search", "docs"))),
    "revoke_privilege": (
        lambda conn: privileges.revoke_privilege(conn, "reader", "Load", object_type="Collection", object_name="docs",
                                                 timeout=1.5),
        lambda conn: not holds(conn, ("Load", "docs"))),
    "change_grants": (
        lambda conn: change_grants(conn, "reader", [PrivilegeOn("Search", "docs")], timeout=1.5),
        lambda conn: holds(conn, ("Search", "docs"))),
    "restore_grants": (
        lambda conn: restore_grants(conn, GrantsSnapshot("reader", added=plain_grants(conn, "reader")), timeout=1.5),
        lambda conn: not holds(conn, ("Load", "docs"))),
}  # fmt: skip


def in_group(conn, group):
    """What a group holds; None where there is none."""
    groups = privilege_groups.list_privilege_groups(conn, timeout=10)
    return next((found.privileges for found in groups if found.name == group), None)


# What only newer servers have, on the contract server. `reader` has Load on docs; `g` holds Query, `empty` nothing.
NEWER_CHANGES = {
    "describe_user": (
        lambda conn: users.describe_user(conn, "bob", "team A", timeout=1.5),
        lambda conn: users.list_user(conn, "bob", timeout=10).description == "team A"),
    "describe_role": (
        lambda conn: roles.describe_role(conn, "reader", "who reads", timeout=1.5),
        lambda conn: roles.list_role(conn, "reader", timeout=10).description == "who reads"),
    "create_privilege_group": (
        lambda conn: privilege_groups.create_privilege_group(conn, "new", timeout=1.5),
        lambda conn: in_group(conn, "new") is not None),
    "drop_privilege_group": (
        lambda conn: privilege_groups.drop_privilege_group(conn, "empty", timeout=1.5),
        lambda conn: in_group(conn, "empty") is None),
    "add_privileges_to_group": (
        lambda conn: privilege_groups.add_privileges_to_group(conn, "g", ["Search"], timeout=1.5),
        lambda conn: "Search" in in_group(conn, "g")),
    "remove_privileges_from_group": (
        lambda conn: privilege_groups.remove_privileges_from_group(conn, "g", ["Query"], timeout=1.5),
        lambda conn: "Query" not in in_group(conn, "g")),
    "grant_privilege": CHANGES["grant_privilege"],
    "revoke_privilege": (
        lambda conn: privileges.revoke_privilege(conn, "reader", "Load", collection="docs", timeout=1.5),
        lambda conn: not holds(conn, ("Load", "docs"))),
    "restore_user by its hash": (
        lambda conn: restore.restore_user_by_hash(conn, UserSnapshot("eve", ("reader",)),
                                               PasswordHash(HASH + OLD.encode().hex()), timeout=1.5),
        lambda conn: roles_of(conn, "eve") == ("reader",)),
}  # fmt: skip


def told_by(change, conn):
    """What the user gets: a result or an error."""
    try:
        return change(conn)
    except MilvusException as exc:
        return exc


@pytest.fixture
def prepared(root):
    users.create_user(root, "bob", OLD, timeout=10)
    for role in ("reader", "held"):
        roles.create_role(root, role, timeout=10)
    roles.grant_role(root, "bob", "held", timeout=10)
    privileges.grant_privilege(root, "reader", "Load", collection="docs", timeout=10)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", CHANGES)
def test_what_is_told_is_true(root, prepared, server, name, mode):
    """Never "failed" when it happened, never "done" when it didn't; and the same connection goes on."""
    assert_truth(root, server.uri, server.password, *CHANGES[name], mode)


@contextmanager
def newer():
    """A 3.0 with a role and groups; the connection of its root."""
    with serve("3.0.0") as (_, address):
        conn = Connection(Address.parse(address, user="root", password="Milvus"))
        users.create_user(conn, "bob", OLD, timeout=10)
        roles.create_role(conn, "reader", timeout=10)
        privileges.grant_privilege(conn, "reader", "Load", collection="docs", timeout=10)
        for group in ("g", "empty"):
            privilege_groups.create_privilege_group(conn, group, timeout=10)
        privilege_groups.add_privileges_to_group(conn, "g", ["Query"], timeout=10)
        yield conn
        conn.close()


def side_by_side(calls):
    """Make calls, by name, at the same time, since they mostly wait. Every failure is told."""
    with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
        running = {name: pool.submit(call) for name, call in calls.items()}
    failures = {name: call.exception() for name, call in running.items() if call.exception()}
    told = [f"{name}:\n{''.join(traceback.format_exception(exc))}" for name, exc in failures.items()]
    assert not failures, "\n".join(told)


@pytest.mark.parametrize("mode", MODES)
def test_what_is_told_of_newer_servers_is_true(mode):
    """The same for what only newer servers have."""

    def tell(change, happened):
        with newer() as conn:
            assert_truth(conn, conn.address.target, "Milvus", change, happened, mode)

    side_by_side({name: partial(tell, *pair) for name, pair in NEWER_CHANGES.items()})


def assert_truth(root, target, password, change, happened, mode):
    with cutting(target) as proxy:
        conn = Armed(Address.parse(proxy.address, user="root", password=password))
        changes = []
        conn.on_change.append(changes.append)
        conn.arm(proxy, "")
        users.list_usernames(conn, timeout=10)
        conn.arm(proxy, mode)
        told = told_by(change, conn)
        text, outcome = f"{type(told).__name__} {told}", changes[-1].outcome
        if isinstance(told, OutcomeUnknownError):
            assert (outcome, told.outcome) == ("unknown", Outcome.UNKNOWN)
            assert "so far, but the server may still do it" in text or "cannot be told" in text
            assert mode != "late"
        elif isinstance(told, MilvusException):
            assert not happened(root), f"it happened, but the user was told: {text}"
            assert outcome == "refused", text
            assert told.outcome in (Outcome.NOTHING_SENT, Outcome.NOTHING_CHANGED), text
            assert mode != "too late"
        else:
            assert happened(root), f"it did not happen, but the user was told: {text}"
            assert outcome == "done"
        if mode == "cut after" and happened(root):
            assert outcome == "done", f"it can be read back, so it is known: {text}"
        if mode == "black hole":
            assert not happened(root)
        conn.arm(proxy, "")
        if mode == "black hole":
            conn.close()  # its TCP connection stays dead until keepalive finds out, which takes its time
            conn = Armed(Address.parse(proxy.address, user="root", password=password)).arm(proxy, "")
        assert "root" in users.list_usernames(conn, timeout=10)
        conn.close()


class Steps(NamedTuple):
    """A change that consists of several, one after another.

    Attributes:
        change: makes it, on a connection, or goes on with it where the third argument says that it is begun.
        facts: ask a server, for each step, whether it is done.
        said: for each step, what is told where it stopped there; empty where that is no more than for a single change.
        first: the number of the first call: below 0 where calls come before that change nothing.
    """

    change: Callable
    facts: Sequence[Callable]
    said: Sequence[str]
    first: int = 0


def for_user(create, user):
    """The steps in which a user comes who holds `reader` and `held`."""
    return Steps(
        lambda conn, timeout, begun=False: create(conn, user, timeout),
        [lambda conn: roles_of(conn, user) is not None,
         *(lambda conn, role=role: role in (roles_of(conn, user) or ()) for role in ("reader", "held"))],
        ["", *(f"user {user!r} is created, but without {left}: " for left in ("'reader', 'held'", "'held'"))],
    )  # fmt: skip


def create_user(root, name):
    def create(conn, user, timeout):
        return users.create_user(conn, user, NEW, grant=["reader", "held"], timeout=timeout)

    return for_user(create, name)


def restore_user(root, name):
    def create(conn, user, timeout):
        return restore.restore_user(conn, UserSnapshot(user, ("reader", "held")), NEW, timeout=timeout)

    return for_user(create, name)


def with_two_grants(root, role):
    """Create a role that bob holds; what it holds."""
    roles.create_role(root, role, timeout=10)
    roles.grant_role(root, "bob", role, timeout=10)
    for privilege in ("Load", "Search"):
        privileges.grant_privilege(root, role, privilege, collection="docs", timeout=10)
    return privileges.list_grants(root, role, timeout=10)


def is_role(conn, role):
    return role in [found.name for found in roles.list_roles(conn, timeout=10)]


def is_held(conn, grant):
    return is_role(conn, grant.role) and grant in privileges.list_grants(conn, grant.role, timeout=10)


def restore_role(root, role):
    grants = with_two_grants(root, role)
    roles.drop_role(root, role, force=True, timeout=10)
    lost = RoleSnapshot(role, ("bob",), grants)
    load, search = map(str, grants)
    parts = [("nothing so far", load), (load, search), (f"{load}, {search}", "user 'bob'")]
    return Steps(
        lambda conn, timeout, begun=False: restore.restore_role(conn, lost, may_exist=begun, timeout=timeout),
        [lambda conn: is_role(conn, role), *(lambda conn, grant=grant: is_held(conn, grant) for grant in grants),
         lambda conn: role in roles_of(conn, "bob")],
        ["", *(f"role {role!r} is created with {has}, but not with {lacks}: " for has, lacks in parts)],
    )  # fmt: skip


def drop_role(root, role):
    """Where a server revokes nothing by itself; the first call only asks whether one may drop roles."""
    grants = with_two_grants(root, role)
    left = [f"not {grants[0]}", f"not {grants[1]}", "dropping it is not confirmed"]
    revoked = f"of the 2 privileges of role {role!r} are revoked, but"
    return Steps(
        lambda conn, timeout, begun=False: roles.drop_role(conn, role, force=True, timeout=timeout),
        [*(lambda conn, grant=grant: not is_held(conn, grant) for grant in grants),
         lambda conn: not is_role(conn, role)],
        [f"{number} {revoked} {what}: " for number, what in enumerate(left)],
        first=-1,
    )  # fmt: skip


def take_back_grants(root, role):
    """What came is revoked first, then what went is granted."""
    with_two_grants(root, role)
    load, search = plain_grants(root, role)
    privileges.revoke_privilege(root, role, "Load", collection="docs", timeout=10)
    lost = GrantsSnapshot(role, added=(search,), taken=(load,))
    return Steps(
        lambda conn, timeout, begun=False: restore_grants(conn, lost, timeout=timeout),
        [lambda conn: search not in plain_grants(conn, role), lambda conn: load in plain_grants(conn, role)],
        ["", f"revoked {search} from role {role!r}; granting {load}: "],
    )  # fmt: skip


IN_STEPS = {
    "create_user": create_user, "restore_user": restore_user, "restore_role": restore_role, "drop_role": drop_role,
    "restore_grants": take_back_grants,
}  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", IN_STEPS)
def test_what_is_told_of_several_steps_is_true(root, prepared, server, name, mode):
    """Whichever step it is that fails: what is done and what is not is told, and running it again finishes it."""
    first = IN_STEPS[name](root, "new")
    numbers = range(first.first, len(first.facts))
    made = [first, *(IN_STEPS[name](root, f"new{number}") for number in range(1, len(numbers)))]
    side_by_side({
        f"step {number}": partial(assert_truth_of_steps, root, server, steps, number, mode, name)
        for number, steps in zip(numbers, made, strict=True)
    })  # fmt: skip


def assert_truth_of_steps(root, server, steps, number, mode, operation):
    """Make a change in steps, one of which meets a proxy in that mode."""
    with cutting(server.uri) as proxy:
        conn = Armed(Address.parse(proxy.address, user="root", password=server.password)).arm(proxy, "")
        changes = []
        conn.on_change.append(changes.append)
        users.list_usernames(conn, timeout=10)
        conn.arm(proxy, mode, passing=number - steps.first)
        told = told_by(lambda conn: steps.change(conn, 1.5), conn)
        assert not conn._mode, "it came so far"
        conn.close()
    done = [fact(root) for fact in steps.facts]
    text, outcome = f"{type(told).__name__} {told}", [c.outcome for c in changes if c.operation == operation][-1]
    if not isinstance(told, MilvusException):
        assert all(done), f"it did not happen, but the user was told: {text}"
        assert mode != "black hole"
        return
    assert mode != "late", text
    stopped = max((at for at, said in enumerate(steps.said) if said in text), default=0)
    assert all(done[:stopped]), f"less is done than was told: {text}"
    assert not any(done[stopped + 1 :]), f"more is done than was told: {text}"
    if isinstance(told, OutcomeUnknownError):
        assert "so far, but the server may still do it" in text or "cannot be told" in text
        assert mode != "cut after" or not done[stopped], f"it can be read back, so it is known: {text}"
    else:
        assert not done[stopped], f"it happened, but the user was told: {text}"
    assert (outcome != "refused") or not any(done), "something was changed"
    assert told.outcome in (Outcome.CHANGED, Outcome.UNKNOWN) or not any(done), "a program is told that nothing was"
    assert "run it again to go on" in text or not stopped
    if not all(done):
        steps.change(root, 10, begun=True)
    assert all(fact(root) for fact in steps.facts), "running it again finishes it"


def test_what_was_there_before_is_not_called_created(root, prepared, server):
    """A role, and a group of privileges: "exists already" also where the answer would be lost."""
    with cutting(server.uri) as proxy:
        conn = Armed(Address.parse(proxy.address, user="root", password=server.password)).arm(proxy, "cut after")
        with pytest.raises(RoleExistsError, match="'reader' exists already.*nothing was changed"):
            roles.create_role(conn, "reader", timeout=1.5)
        conn.close()
    with serve("2.6.4") as (newer, address), cutting(address) as proxy:
        conn = Armed(Address.parse(proxy.address, user="root", password="Milvus")).arm(proxy, "cut after")
        newer.groups["searching"] = {"Search"}
        with pytest.raises(GroupExistsError, match="'searching' exists already.*nothing was changed"):
            privilege_groups.create_privilege_group(conn, "searching", timeout=1.5)
        assert "created" in str(privilege_groups.create_privilege_group(conn, "reading", timeout=1.5))
        conn.close()


def interrupt_later():
    """Interrupt the test, as "interrupt kernel" would."""
    interrupt_after(0.3)


@pytest.mark.parametrize("name", CHANGES)
def test_interrupted_change_says_what_is_known(root, prepared, server, name):
    """Sent, no answer, interrupted: it is told that it may or may not be done, and the server is asked before."""
    change, happened = CHANGES[name]
    with cutting(server.uri) as proxy:
        conn = Armed(Address.parse(proxy.address, user="root", password=server.password))
        conn.arm(proxy, "black hole", then=interrupt_later)
        changes = []
        conn.on_change.append(changes.append)
        with pytest.raises(ChangeInterrupted) as raised:
            change(conn)
        text = str(raised.value)
        assert text.startswith("interrupted; ")
        assert "cannot be told" in text or "so far, but the server may still do it" in text
        assert len(raised.value._render_traceback_()) == 1
        assert (changes[-1].outcome, changes[-1].code) == ("unknown", 10000)
        assert raised.value.outcome is Outcome.UNKNOWN
        assert not happened(root)
        conn.close()


def test_created_without_a_role_is_finished_by_running_it_again(root, server):
    """The half that was done is told; with the same password the rest is done, with another one nothing is."""
    roles.create_role(root, "reader", timeout=10)
    with cutting(server.uri) as proxy:
        conn = Connection(Address.parse(proxy.address, user="root", password=server.password))
        broken = Armed(Address.parse(proxy.address, user="root", password=server.password)).arm(proxy, "")

        def cut_the_binding(method, **arguments):
            if method == "OperateUserRole":
                proxy.mode = "black hole"
            return Connection.call(broken, method, **arguments)

        broken.call = cut_the_binding
        with pytest.raises(MilvusException, match="user 'bob' is created, but without 'reader'.*run it again"):
            users.create_user(broken, "bob", OLD, grant=["reader"], timeout=1.5)
        broken.close()
        assert users.list_user(root, "bob", timeout=10).roles == ()
        with pytest.raises(MilvusException, match="'bob' exists already"):
            users.create_user(conn, "bob", NEW, grant=["reader"], timeout=10)
        assert users.list_user(root, "bob", timeout=10).roles == ()
        finished = users.create_user(conn, "bob", OLD, grant=["reader"], timeout=10)
        assert "was there already, with this password" in str(finished)
        assert users.list_user(root, "bob", timeout=10).roles == ("reader",)
        with pytest.raises(MilvusException, match="'bob' exists already"):
            users.create_user(conn, "bob", OLD, grant=["reader"], timeout=10)
        conn.close()


def test_interrupt_between_creating_and_giving_roles_says_what_is_done(root, prepared, server):
    """The user, the role that was under way, those that are left; running it again finishes it."""
    conn = Interrupted(Address.parse(server.uri, user="root", password=server.password))
    conn.interrupt_after("OperateUserRole")
    with pytest.raises(
        ChangeInterrupted,
        match="^interrupted; role 'reader' is given to 'ann'; before that, user 'ann' is created, but without "
        "'reader', 'held'; run it again to go on$",
    ):
        users.create_user(conn, "ann", NEW, grant=["reader", "held"], timeout=10)
    assert users.list_user(root, "ann", timeout=10).roles == ("reader",)
    users.create_user(conn, "ann", NEW, grant=["reader", "held"], timeout=10)
    assert users.list_user(root, "ann", timeout=10).roles == ("held", "reader")
    conn.close()


def test_interrupt_during_the_proof_says_that_the_password_is_changed(root, prepared, server):
    """It is, whatever the proof would have shown."""
    conn = Interrupted(Address.parse(server.uri, user="root", password=server.password))
    conn.interrupt_after("GetVersion", 2)  # the first one checks the old password before
    with pytest.raises(ChangeInterrupted, match="^interrupted; the password of user 'bob' is changed, but not proven$"):
        users.reset_password(conn, "bob", OLD, NEW, timeout=10)
    assert has_password(root, NEW)
    conn.close()


def test_interrupt_while_reading_back_says_that_it_is_done(root, prepared, server):
    """What is looked at after a change doesn't hide the change."""
    conn = Interrupted(Address.parse(server.uri, user="root", password=server.password))
    conn.interrupt_after("SelectUser")
    with pytest.raises(ChangeInterrupted, match="^interrupted; user 'ann' is created$"):
        users.create_user(conn, "ann", NEW, description="a student", timeout=10)
    conn.interrupt_after("SelectRole", 2)
    with pytest.raises(ChangeInterrupted, match="^interrupted; role 'new' is created$"):
        roles.create_role(conn, "new", description="for students", timeout=10)
    conn.interrupt_after("ListDatabases")
    with pytest.raises(ChangeInterrupted, match="^interrupted; Search .* is granted to 'reader'$"):
        privileges.grant_privilege(conn, "reader", "Search", collection="docs", timeout=10)
    conn.close()
