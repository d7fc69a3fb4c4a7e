"""What each kernel does in the soak: random operations on names of its own, with a model that knows what must come."""

import collections
import os
import random
import time
from functools import partial

from IPython import get_ipython

from milvus_magics import Console, CreateUserForm, DeleteUserForm, connections
from milvus_magics.access.question import read_access
from milvus_magics.bulk.run import create_users, delete_users
from milvus_magics.client import privileges, roles, users
from milvus_magics.errors import (
    AuthenticationError,
    MilvusException,
    NotGrantedError,
    RoleExistsError,
    UnknownRoleError,
    UnknownUserError,
    UserExistsError,
    WrongPasswordError,
)
from milvus_magics.session import session

T = {"timeout": 30}
PASSWORDS = ("first-password", "second-password")
CLASS_SIZE = 20


class Worker:
    """Operations are the methods whose names begin with `do_`; each raises where the server isn't as the model."""

    def __init__(self, prefix, seed):
        self._random = random.Random(seed)
        self._users = [f"{prefix}_user{number}" for number in range(4)]
        self._roles = [f"{prefix}_role{number}" for number in range(2)]
        self._class = [f"{prefix}_pupil{number}" for number in range(CLASS_SIZE)]
        self._passwords, self._bound, self._granted, self._made = {}, set(), set(), set()
        self._deeds = [getattr(self, name) for name in dir(self) if name.startswith("do_")]

    @property
    def _conn(self):
        return connections.get()

    def work(self, seconds):
        """Operations for some time: how many of each, what went wrong, and how long the audit is."""
        done, wrong, end = collections.Counter(), [], time.monotonic() + seconds
        while time.monotonic() < end:
            deed = self._random.choice(self._deeds)
            done[deed.__name__.removeprefix("do_")] += 1
            try:
                deed()
            except (MilvusException, AssertionError) as exc:
                wrong.append(f"{deed.__name__}: {type(exc).__name__}: {exc}")
        return {"done": done, "wrong": wrong, "entries": len(session.journal.entries())}

    def _expect(self, act, *errors):
        """Do it; it must raise the first error whose condition holds, or else work. Whether it worked."""
        wanted = next((cls for condition, cls in errors if condition), None)
        try:
            act()
        except MilvusException as exc:
            if wanted is None or not isinstance(exc, wanted):
                raise
            return False
        assert wanted is None, f"{getattr(wanted, '__name__', wanted)} did not come"
        return True

    def _user(self):
        return self._random.choice(self._users)

    def _role(self):
        return self._random.choice(self._roles)

    def _forget(self, user):
        del self._passwords[user]
        self._bound = {pair for pair in self._bound if pair[0] != user}

    def do_create_user(self):
        user, password = self._user(), self._random.choice(PASSWORDS)
        act = lambda: users.create_user(self._conn, user, password, **T)  # noqa: E731
        if self._expect(act, (user in self._passwords, UserExistsError)):
            self._passwords[user] = password

    def do_delete_user(self):
        user, password = self._user(), self._random.choice(PASSWORDS)
        act = lambda: users.delete_user(self._conn, user, password, **T)  # noqa: E731
        known = self._passwords.get(user)
        if self._expect(act, (known is None, UnknownUserError), (known != password, WrongPasswordError)):
            self._forget(user)

    def do_drop_and_restore_user(self):
        user = self._user()
        drop = lambda: get_ipython().run_line_magic("milvus_drop_user", f"{user} --yes --timeout 30")  # noqa: E731
        if self._expect(drop, (user not in self._passwords, UnknownUserError)):
            held = {role for who, role in self._bound if who == user}
            os.environ["SOAK_PW"] = self._passwords[user]
            get_ipython().run_line_magic("milvus_restore_user", f"{user} --password-env SOAK_PW --timeout 30")
            assert set(users.list_user(self._conn, user, **T).roles) == held

    def do_change_password(self):
        user, (old, new) = self._user(), self._random.sample(PASSWORDS, 2)
        change = self._random.choice([users.update_password, users.reset_password])
        act = lambda: change(self._conn, user, old, new, **T)  # noqa: E731
        known = self._passwords.get(user)
        if self._expect(act, (known is None, UnknownUserError), (known != old, WrongPasswordError)):
            self._passwords[user] = new

    def do_create_or_drop_role(self):
        role = self._role()
        if self._random.random() < 0.6:
            act = lambda: roles.create_role(self._conn, role, **T)  # noqa: E731
            if self._expect(act, (role in self._made, RoleExistsError)):
                self._made.add(role)
        else:
            act = lambda: roles.drop_role(self._conn, role, force=True, **T)  # noqa: E731
            if self._expect(act, (role not in self._made, UnknownRoleError)):
                self._made.remove(role)
                self._bound = {pair for pair in self._bound if pair[1] != role}
                self._granted.discard(role)

    def do_grant_role(self):
        user, role = self._user(), self._role()
        act = lambda: roles.grant_role(self._conn, user, role, **T)  # noqa: E731
        unknown = (user not in self._passwords, UnknownUserError), (role not in self._made, UnknownRoleError)
        if user not in self._passwords and role not in self._made:
            unknown = ((True, (UnknownUserError, UnknownRoleError)),)
        if self._expect(act, *unknown):
            self._bound.add((user, role))

    def do_revoke_role(self):
        user, role = self._user(), self._role()
        act = lambda: roles.revoke_role(self._conn, user, role, **T)  # noqa: E731
        known = user in self._passwords, role in self._made
        wanted = {(True, True): NotGrantedError, (False, True): UnknownUserError, (True, False): UnknownRoleError}
        unbound = wanted.get(known, (UnknownUserError, UnknownRoleError))
        if self._expect(act, ((user, role) not in self._bound, unbound)):
            self._bound.remove((user, role))

    def do_grant_or_revoke_privilege(self):
        role, grants = self._role(), self._random.random() < 0.6
        change = privileges.grant_privilege if grants else privileges.revoke_privilege
        act = lambda: change(self._conn, role, "Search", collection="docs", **T)  # noqa: E731
        not_granted = (not grants and role not in self._granted, NotGrantedError)
        if self._expect(act, (role not in self._made, UnknownRoleError), not_granted):
            (self._granted.add if grants else self._granted.discard)(role)

    def do_list(self):
        listed = {user.name: set(user.roles) for user in users.list_users(self._conn, **T)}
        for user in self._users:
            held = {role for who, role in self._bound if who == user} if user in self._passwords else None
            assert listed.get(user) == held, f"{user} holds {listed.get(user)}, not {held}"

    def do_look_who_can_do_what(self):
        found = read_access(self._conn, **T)
        assert found.snapshot.allows("root", "Search", "docs")
        assert found._repr_html_()

    def do_class(self):
        created = create_users(self._conn, dict.fromkeys(self._class, PASSWORDS[0]), **T)
        created.raise_for_failures()
        deleted = delete_users(self._conn, dict.fromkeys(self._class, PASSWORDS[0]), **T)
        deleted.raise_for_failures()

    def do_form(self):
        user = self._user()
        if user in self._passwords:
            form = DeleteUserForm(timeout=30)
            form.fill(user=user)
            form.fields["password"].value = self._passwords[user]
            self._forget(user)
            wanted = "deleted user"
        else:
            form = CreateUserForm(timeout=30)
            form.fill(user=user)
            form.fields["password"].value = PASSWORDS[0]
            self._passwords[user] = PASSWORDS[0]
            wanted = "created user"
        form.submit()
        said = form.status.text
        form.close()
        assert wanted in said, said

    def do_console(self):
        console = Console(timeout=30)
        said = console.status.text
        console.close()
        assert said == "", said

    def do_connect(self):
        uri = os.environ["TEST_URI"]
        connections.connect("default", "root", os.environ["TEST_ROOT"], uri=uri, timeout=30)
        # Whoever is deleted may be let in for a while, which is the server's affair.
        for user in self._passwords:
            password = self._random.choice(PASSWORDS)
            log_in = partial(connections.connect, "other", user, password, uri=uri, timeout=30)
            if self._expect(log_in, (self._passwords[user] != password, AuthenticationError)):
                connections.disconnect("other")
