"""Random sequences of changes against a real Milvus, with a model beside it: both agree after each.

`make soak` runs a thousand sequences instead of fifty.
"""

import os

import hypothesis
import pytest
from conftest import empty
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from milvus_magics.client import privileges, roles, users, verify
from milvus_magics.client.deadline import Deadline
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

SEQUENCES = int(os.environ.get("SOAK_SEQUENCES", "50"))
USERS, ROLES = st.sampled_from(["ann", "bob", "eve"]), st.sampled_from(["reader", "writer"])
PASSWORDS = st.sampled_from(["pass-word-1", "pass:{$}'\"\\ü"])
PRIVILEGES, COLLECTIONS = st.sampled_from(["Search", "Load"]), st.sampled_from(["docs", "*"])
CHANGES = st.sampled_from([users.update_password, users.reset_password])
T = {"timeout": 20}


def machine(conn):
    """The model and its rules, on one connection as root."""

    class Model(RuleBasedStateMachine):
        def __init__(self):
            super().__init__()
            self.passwords, self.roles, self.bindings, self.grants = {}, set(), set(), set()

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
            begun = user in self.passwords and role and self.passwords[user] == password
            begun = begun and role in self.roles and (user, role) not in self.bindings
            wrong = [
                (role and role not in self.roles, UnknownRoleError),
                (user in self.passwords and not begun, UserExistsError),
            ]
            if self.expect(lambda: users.create_user(conn, user, password, grant=[role] if role else [], **T), *wrong):
                self.passwords[user] = password
                self.bindings |= {(user, role)} if role else set()

        @rule(user=USERS, password=PASSWORDS)
        def delete_user(self, user, password):
            wrong = [
                (user not in self.passwords, UnknownUserError),
                (self.passwords.get(user) != password, WrongPasswordError),
            ]
            if self.expect(lambda: users.delete_user(conn, user, password, **T), *wrong):
                self.forget(user)

        @rule(user=USERS)
        def drop_user(self, user):
            if self.expect(lambda: users.drop_user(conn, user, **T), (user not in self.passwords, UnknownUserError)):
                self.forget(user)

        def forget(self, user):
            del self.passwords[user]
            self.bindings = {pair for pair in self.bindings if pair[0] != user}

        @rule(user=USERS, old=PASSWORDS, new=PASSWORDS, change=CHANGES)
        def change_password(self, user, old, new, change):
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
            assert listed == {
                user: tuple(sorted(role for who, role in self.bindings if who == user)) for user in self.passwords
            }
            found = {role.name for role in roles.list_roles(conn, **T)} - {"admin", "public"}
            assert found == self.roles
            held = {(grant.role, grant.privilege, grant.object_name) for grant in privileges.list_grants(conn, **T)}
            assert {grant for grant in held if grant[0] != "public"} == self.grants

        def teardown(self):
            for user, password in self.passwords.items():
                assert verify.check(conn, user, Secret(password), Deadline(20), may_rewrite=True).right
            empty(conn)

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
