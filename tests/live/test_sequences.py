"""Random sequences of changes against a real Milvus, with a model beside it: both agree after each.

`make soak` runs a thousand sequences instead of fifty.
"""

import os
import time
from dataclasses import replace

import hypothesis
import pytest
from conftest import empty
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from milvus_magics.bulk.results import ALREADY, DONE, MISSING, REFUSED, BulkError
from milvus_magics.bulk.run import create_users, delete_users
from milvus_magics.client import privileges, restore, roles, users
from milvus_magics.client.password_check import check_password
from milvus_magics.client.results.users import UserSnapshot
from milvus_magics.errors import (
    InUseError,
    NotGrantedError,
    ParameterError,
    RoleExistsError,
    UnknownRoleError,
    UnknownUserError,
    UserExistsError,
    WrongPasswordError,
)
from milvus_magics.secret import Secret
from milvus_magics.transport.deadline import Deadline

SEQUENCES = int(os.environ.get("SOAK_SEQUENCES", "50"))
USERS, ROLES = st.sampled_from(["ann", "bob", "eve"]), st.sampled_from(["reader", "writer"])
WORDS = ["pass-word-1", "pass:{$}'\"\\ü"]
PASSWORDS = st.sampled_from(WORDS)
PAIRS = st.lists(st.tuples(USERS, PASSWORDS), min_size=2, max_size=2, unique_by=lambda pair: pair[0])
PRIVILEGES, COLLECTIONS = st.sampled_from(["Search", "Load"]), st.sampled_from(["docs", "*"])
CHANGES = st.sampled_from([users.update_password, users.reset_password])
T = {"timeout": 20}


def machine(conn):
    """The model and its rules, on one connection as root."""

    class Model(RuleBasedStateMachine):
        def __init__(self):
            super().__init__()
            self.passwords, self.roles, self.bindings, self.grants = {}, set(), set(), set()
            self.lost = {}  # user -> what their last deletion told
            self.touched = set()  # users whose password the last change was about
            conn.on_change.append(self.on_change)

        def on_change(self, change):
            if change.outcome == "done" and isinstance(change.undo_record, UserSnapshot):
                self.lost[change.target] = change.undo_record

        @initialize(pairs=PAIRS, role=ROLES)
        def begin(self, pairs, role):
            """Two users who hold a role, one of them deleted again: else most would be about somebody unknown."""
            self.create_role(role)
            self.create_users(pairs, role)
            self.drop_user(pairs[0][0])

        def expect(self, act, *wrong):
            """Make a change, which raises the first error whose condition holds, or else works."""
            error = next((cls for condition, cls in wrong if condition), None)
            if error is None:
                act()
                return True
            with pytest.raises(error):
                act()
            return False

        @rule(user=USERS, password=PASSWORDS, role=st.none() | ROLES)
        def create_user(self, user, password, role):
            wanted = [role] if role else []
            self.comes(user, password, wanted, lambda: users.create_user(conn, user, password, grant=wanted, **T))

        def comes(self, user, password, wanted, act):
            """A user is created with roles; one who is there and lacks some gets them, by their password."""
            self.touched.add(user)
            begun = self.passwords.get(user) == password and not self.holds_all(user, wanted)
            wrong = [
                (not set(wanted) <= self.roles, UnknownRoleError),
                (user in self.passwords and not begun, UserExistsError),
            ]
            if self.expect(act, *wrong):
                self.passwords[user] = password
                self.bindings |= {(user, role) for role in wanted}

        def holds_all(self, user, wanted):
            return {(user, role) for role in wanted} <= self.bindings

        @precondition(lambda self: self.lost)
        @rule(data=st.data(), password=PASSWORDS, only_what_is_left=st.booleans())
        def restore_user(self, data, password, only_what_is_left):
            user = data.draw(st.sampled_from(sorted(self.lost)))
            lost = self.lost[user]
            if only_what_is_left:
                lost = replace(lost, roles=tuple(role for role in lost.roles if role in self.roles))
            self.comes(user, password, lost.roles, lambda: restore.restore_user(conn, lost, password, **T))

        @rule(pairs=PAIRS, role=st.none() | ROLES)
        def create_users(self, pairs, role):
            wanted = [role] if role else []
            rows = [{"user": user, "password": password, "roles": wanted} for user, password in pairs]
            if not set(wanted) <= self.roles:
                with pytest.raises(BulkError, match=f"there is no role '{role}'"):
                    create_users(conn, rows, **T)
                return
            expected = {}
            for user, password in pairs:
                expected[user] = DONE
                if user in self.passwords:
                    expected[user] = ALREADY if self.holds_all(user, wanted) else DONE
                    if expected[user] == DONE and self.passwords[user] != password:
                        expected[user] = REFUSED
            assert {row.user: row.outcome for row in create_users(conn, rows, **T)} == expected
            for user, password in pairs:
                self.touched.add(user)
                if expected[user] == DONE:
                    self.passwords[user] = password
                    self.bindings |= {(user, role) for role in wanted}

        @rule(pairs=PAIRS)
        def delete_users(self, pairs):
            rows = [{"user": user, "password": password} for user, password in pairs]
            expected = {
                user: DONE if self.passwords.get(user) == password else REFUSED if user in self.passwords else MISSING
                for user, password in pairs
            }
            assert {row.user: row.outcome for row in delete_users(conn, rows, **T)} == expected
            for user, outcome in expected.items():
                self.touched.add(user)
                if outcome == DONE:
                    self.forget(user)

        @rule(user=USERS, password=PASSWORDS)
        def delete_user(self, user, password):
            self.touched.add(user)
            wrong = [
                (user not in self.passwords, UnknownUserError),
                (self.passwords.get(user) != password, WrongPasswordError),
            ]
            if self.expect(lambda: users.delete_user(conn, user, password, **T), *wrong):
                self.forget(user)

        @rule(user=USERS)
        def drop_user(self, user):
            self.touched.add(user)
            if self.expect(lambda: users.drop_user(conn, user, **T), (user not in self.passwords, UnknownUserError)):
                self.forget(user)

        def forget(self, user):
            assert self.lost[user].roles == self.held_by(user)
            del self.passwords[user]
            self.bindings = {pair for pair in self.bindings if pair[0] != user}

        @rule(user=USERS, old=PASSWORDS, new=PASSWORDS, change=CHANGES)
        def change_password(self, user, old, new, change):
            self.touched.add(user)
            wrong = [
                (old == new, ParameterError), (user not in self.passwords, UnknownUserError),
                (self.passwords.get(user) != old, WrongPasswordError),
            ]  # fmt: skip
            if self.expect(lambda: change(conn, user, old, new, **T), *wrong):
                self.passwords[user] = new

        @rule(role=ROLES)
        def create_role(self, role):
            if self.expect(lambda: roles.create_role(conn, role, **T), (role in self.roles, RoleExistsError)):
                self.roles.add(role)

        @rule(role=ROLES, force=st.booleans())
        def drop_role(self, role, force):
            held = {grant for grant in self.grants if grant[0] == role}
            wrong = (role not in self.roles, UnknownRoleError), (held and not force, InUseError)
            if self.expect(lambda: roles.drop_role(conn, role, force=force, **T), *wrong):
                self.roles.remove(role)
                self.grants -= held
                self.bindings = {pair for pair in self.bindings if pair[1] != role}

        @rule(user=USERS, role=ROLES)
        def grant_role(self, user, role):
            wrong = (role not in self.roles, UnknownRoleError), (user not in self.passwords, UnknownUserError)
            if self.expect(lambda: roles.grant_role(conn, user, role, **T), *wrong):
                self.bindings.add((user, role))

        @rule(user=USERS, role=ROLES)
        def revoke_role(self, user, role):
            wrong = [
                (user not in self.passwords, UnknownUserError), (role not in self.roles, UnknownRoleError),
                ((user, role) not in self.bindings, NotGrantedError),
            ]  # fmt: skip
            if self.expect(lambda: roles.revoke_role(conn, user, role, **T), *wrong):
                self.bindings.remove((user, role))

        @rule(role=ROLES, privilege=PRIVILEGES, collection=COLLECTIONS)
        def grant_privilege(self, role, privilege, collection):
            act = lambda: privileges.grant_privilege(conn, role, privilege, collection=collection, **T)  # noqa: E731
            if self.expect(act, (role not in self.roles, UnknownRoleError)):
                self.grants.add((role, privilege, collection))

        @rule(role=ROLES, privilege=PRIVILEGES, collection=COLLECTIONS)
        def revoke_privilege(self, role, privilege, collection):
            act = lambda: privileges.revoke_privilege(conn, role, privilege, collection=collection, **T)  # noqa: E731
            grant = (role, privilege, collection)
            wrong = (role not in self.roles, UnknownRoleError), (grant not in self.grants, NotGrantedError)
            if self.expect(act, *wrong):
                self.grants.remove(grant)

        @invariant()
        def server_and_model_agree(self):
            listed = {user.name: user.roles for user in users.list_users(conn, **T) if user.name != "root"}
            assert listed == {user: self.held_by(user) for user in self.passwords}
            found = {role.name for role in roles.list_roles(conn, **T)} - {"admin", "public"}
            assert found == self.roles
            held = {(grant.role, grant.privilege, grant.object_name) for grant in privileges.list_grants(conn, **T)}
            assert {grant for grant in held if grant[0] != "public"} == self.grants

        def held_by(self, user):
            return tuple(sorted(role for who, role in self.bindings if who == user))

        @invariant()
        def passwords_agree(self):
            """Of whom the last change was about: theirs is right, and no other one is, whether it worked or not."""
            for user in self.touched:
                for password in WORDS:
                    assert_right(user, password, self.passwords.get(user) == password)
            self.touched = set()

        def teardown(self):
            conn.on_change.remove(self.on_change)
            for user, password in self.passwords.items():
                assert_right(user, password, True)
            empty(conn)

    def assert_right(user, password, right):
        """A password is right at once, or wrong: proxies take some milliseconds to notice that it is so no longer."""
        end = time.monotonic() + (0 if right else 5)
        while is_right(user, password) is not right:
            assert time.monotonic() < end, f"{password!r} is {'not ' if right else ''}the password of {user}"

    def is_right(user, password):
        return check_password(conn, user, Secret(password), Deadline(20), may_rewrite=True).right

    return Model


def test_model_and_server_agree_after_every_change(root, figure):
    """Fifty sequences of up to twenty changes, right and wrong ones."""
    settings = hypothesis.settings(
        max_examples=SEQUENCES, stateful_step_count=20, deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck), derandomize="SOAK_SEQUENCES" not in os.environ,
        database=None,
    )  # fmt: skip
    run_state_machine_as_test(machine(root), settings=settings)
    figure("sequences", sequences=SEQUENCES)
