"""Function, dry run, magic, form and row of many agree on each changing operation, over one table of situations.

Each answers with the same class of error, and with the same outcome; where it is an error, nothing is changed. Where a
way differs by design, the table says in one word what it answers:

missing     a row whose user isn't there is told, and raises nothing
pointed out the form says below a field what is missing or wrong there, and nothing is done
done        an empty name among several is none
unseen      reading does not tell, so a dry run says what would happen otherwise
overlooked  reading would tell, but the dry run does not look; to be mended

Numbers in place of names are given to functions and rows only: on a line and in a form everything is text.
"""

import contextlib
import io
import re
from copy import copy
from typing import NamedTuple

import contract
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from milvus_magics import bulk, client
from milvus_magics.client.results.privileges import Grant, GrantsSnapshot
from milvus_magics.client.results.roles import RoleSnapshot
from milvus_magics.client.results.users import UserSnapshot
from milvus_magics.errors import NOTHING_CHANGED, NOTHING_SENT, MilvusException
from milvus_magics.forms import form_for
from milvus_magics.magics import MilvusMagics
from milvus_magics.session import connections

PASSWORD, NEW, WRONG = "right-password", "new-password", "wrong-password"
STATE = ("passwords", "descriptions", "roles", "bindings", "grants", "groups", "lagging")


class Operation(NamedTuple):
    """How one thing is done in each way.

    Attributes:
        values: those with which it succeeds.
        call: the client function.
        line: what stands behind the magic's name.
        fields: field of the form -> value; empty where there is no form.
        row: what a row of many holds, by name; empty where there are no rows.
    """

    values: dict
    call: object
    line: str
    fields: dict = {}  # noqa: RUF012 - read only
    row: tuple = ()


OPERATIONS = {
    "create_user": Operation(
        {"user": "new", "password": PASSWORD, "role": "reader"},
        lambda conn, a, **on: client.users.create_user(conn, a["user"], a["password"], grant=[a["role"]], **on),
        "$user --password-var password --role $role",
        {"user": "user", "password": "password", "roles": "roles"},
        ("user", "password", "roles"),
    ),
    "delete_user": Operation(
        {"user": "bob", "password": PASSWORD},
        lambda conn, a, **on: client.users.delete_user(conn, a["user"], a["password"], **on),
        "$user --password-var password --yes",
        {"user": "user", "password": "password"},
        ("user", "password"),
    ),
    "drop_user": Operation(
        {"user": "bob"},
        lambda conn, a, **on: client.users.drop_user(conn, a["user"], **on),
        "$user --yes",
        {"user": "user"},
        ("user",),
    ),
    "update_password": Operation(
        {"user": "bob", "password": PASSWORD, "new": NEW},
        lambda conn, a, **on: client.users.update_password(conn, a["user"], a["password"], a["new"], **on),
        "$user --password-var password --new-password-var new",
        {"user": "user", "old_password": "password", "new_password": "new"},
    ),
    "reset_password": Operation(
        {"user": "bob", "password": PASSWORD, "new": NEW},
        lambda conn, a, **on: client.users.reset_password(conn, a["user"], a["password"], a["new"], **on),
        "$user --password-var password --new-password-var new",
        {"user": "user", "old_password": "password", "new_password": "new"},
    ),
    "create_role": Operation(
        {"role": "new"},
        lambda conn, a, **on: client.roles.create_role(conn, a["role"], **on),
        "$role",
        {"role": "role"},
    ),
    "describe_user": Operation(
        {"user": "bob", "description": "reads"},
        lambda conn, a, **on: client.users.describe_user(conn, a["user"], a["description"], **on),
        "$user $description",
        {"user": "user", "description": "description"},
    ),
    "describe_role": Operation(
        {"role": "reader", "description": "reads"},
        lambda conn, a, **on: client.roles.describe_role(conn, a["role"], a["description"], **on),
        "$role $description",
        {"role": "role", "description": "description"},
    ),
    "drop_role": Operation(
        {"role": "empty"},
        lambda conn, a, **on: client.roles.drop_role(conn, a["role"], **on),
        "$role --yes",
        {"role": "role"},
    ),
    "grant_role": Operation(
        {"user": "bob", "role": "empty"},
        lambda conn, a, **on: client.roles.grant_role(conn, a["user"], a["role"], **on),
        "$user $role",
        {"user": "user", "role": "role"},
    ),
    "revoke_role": Operation(
        {"user": "bob", "role": "reader"},
        lambda conn, a, **on: client.roles.revoke_role(conn, a["user"], a["role"], **on),
        "$user $role --yes",
        {"user": "user", "role": "role"},
    ),
    "grant_privilege": Operation(
        {"role": "reader", "privilege": "Query", "collection": "docs"},
        lambda conn, a, **on: client.privileges.grant_privilege(
            conn, a["role"], a["privilege"], collection=a["collection"], **on
        ),
        "$role $privilege --collection $collection",
        {"role": "role", "collections": "collection", "privileges": "privilege"},
    ),
    "revoke_privilege": Operation(
        {"role": "reader", "privilege": "Search", "collection": "docs"},
        lambda conn, a, **on: client.privileges.revoke_privilege(
            conn, a["role"], a["privilege"], collection=a["collection"], **on
        ),
        "$role $privilege --collection $collection --yes",
        {"role": "role", "collections": "collection", "privileges": "privilege"},
    ),
    "create_privilege_group": Operation(
        {"group": "new"},
        lambda conn, a, **on: client.privilege_groups.create_privilege_group(conn, a["group"], **on),
        "$group",
        {"group": "group"},
    ),
    "drop_privilege_group": Operation(
        {"group": "g"},
        lambda conn, a, **on: client.privilege_groups.drop_privilege_group(conn, a["group"], **on),
        "$group --yes",
        {"group": "group"},
    ),
    "add_privileges_to_group": Operation(
        {"group": "g", "privilege": "Search"},
        lambda conn, a, **on: client.privilege_groups.add_privileges_to_group(conn, a["group"], [a["privilege"]], **on),
        "$group $privilege",
        {"group": "group", "privileges": "privilege"},
    ),
    "remove_privileges_from_group": Operation(
        {"group": "g", "privilege": "Query"},
        lambda conn, a, **on: client.privilege_groups.remove_privileges_from_group(
            conn, a["group"], [a["privilege"]], **on
        ),
        "$group $privilege --yes",
        {"group": "group", "privileges": "privilege"},
    ),
    "restore_user": Operation(
        {"user": "gone", "password": PASSWORD},
        lambda conn, a, **on: client.restore.restore_user(conn, UserSnapshot("gone", ("reader",)), a["password"], **on),
        "$user --password-var password",
    ),
    "restore_grants": Operation(
        {"role": "empty"},
        lambda conn, a, **on: client.grants.undo.restore_grants(
            conn, GrantsSnapshot("empty", added=(Grant("empty", "Load", "Collection", "docs", "default"),)), **on
        ),
        "$role",
    ),
    "restore_role": Operation(
        {"role": "lost"},
        lambda conn, a, **on: client.restore.restore_role(conn, RoleSnapshot("lost", (), ()), **on),
        "$role",
    ),
}

# Situation -> which value is another one then.
NAMES = {
    "empty": "", "number": 7, "not UTF-8": "a\ud800", "with NUL": "no\0body", "too long": "x" * 300,
    "unknown": "ghost",
}  # fmt: skip
SITUATIONS = {
    **{f"{kind} {situation}": {kind: name} for kind in ("user", "role", "group") for situation, name in NAMES.items()},
    "user is root": {"user": "root"},
    "user is there": {"user": "bob", "role": "empty"},
    "role is built in": {"role": "admin"},
    "role is there": {"role": "reader"},
    "group is there": {"group": "g"},
    "group is in use": {"group": "held"},
    "role holds it": {"privilege": "Search"},
    "role lacks it": {"privilege": "Load"},
    "user lacks it": {"role": "empty"},
    "privilege unknown": {"privilege": "Serch"},
    "password empty": {"password": ""},
    "password too short": {"password": "short"},
    "password too long": {"password": "x" * 73},
    "password not UTF-8": {"password": "password\ud800"},
    "password wrong": {"password": WRONG},
    "new empty": {"new": ""},
    "new too short": {"new": "short"},
    "new too long": {"new": "x" * 73},
    "new the same": {"new": PASSWORD},
}
PLACES = {
    "all right": {},
    "alias unknown": {"using": "nowhere"},
    "connection closed": {"using": "closed"},
    "no right": {"using": "eves"},
    "timeout 0": {"timeout": 0},
    "timeout -1": {"timeout": -1},
    "timeout soon": {"timeout": "soon"},
}
# What applies to all operations alike.
EVERYWHERE = {
    "all right": "done",
    "alias unknown": "AliasError",
    "connection closed": "ClosedError",
    "timeout 0": "ParameterError",
    "timeout -1": "ParameterError",
    "timeout soon": "ParameterError",
}
# Operation, answers, situations. First the function's answer, then those that are other ones; behind `|`, if it is
# not the same, all of it with authorization off. `done` is success.
TABLE = """
create_user
    ParameterError, form=pointed out
        user empty, user not UTF-8, user with NUL, user too long, password too short, password too long,
        password not UTF-8
    done
        user unknown, role is built in, role is there, user lacks it, password wrong
    UnknownRoleError, form=done, row=done
        role empty
    AttributeError
        role number
    UnknownRoleError
        role not UTF-8, role with NUL, role too long, role unknown
    UserExistsError | UserExistsError, dry run=done
        user is root
    done
        user is there
    ParameterError, form=pointed out, row=done
        password empty
    PermissionDeniedError, dry run=unseen | done
        no right
delete_user
    ParameterError, form=pointed out
        user empty, user not UTF-8, password empty
    UnknownUserError, row=missing
        user with NUL, user too long, user unknown
    WrongPasswordError | WrongPasswordError, dry run=ProtectedUserError
        user is root
    WrongPasswordError | CannotVerifyError, dry run=unseen
        password too short
    WrongPasswordError
        password too long
    ParameterError
        password not UTF-8
    WrongPasswordError | WrongPasswordError, dry run=unseen
        password wrong
    PermissionDeniedError, dry run=unseen | done
        no right
drop_user
    ParameterError, form=pointed out
        user empty, user not UTF-8
    UnknownUserError, row=missing
        user with NUL, user too long, user unknown
    ProtectedUserError
        user is root
    PermissionDeniedError | done
        no right
update_password
    ParameterError, form=pointed out
        user empty, user not UTF-8, new empty, new too short, new too long
    UnknownUserError | UnknownUserError, dry run=overlooked
        user with NUL, user too long, user unknown
    WrongPasswordError | WrongPasswordError, dry run=unseen
        user is root, password wrong
    WrongPasswordError, dry run=ParameterError, magic=ParameterError, form=pointed out
        password empty
    WrongPasswordError | CannotVerifyError, dry run=unseen
        password too short
    WrongPasswordError
        password too long
    ParameterError
        password not UTF-8
    ParameterError, dry run=overlooked
        new the same
    PermissionDeniedError, dry run=unseen | done
        no right
reset_password
    ParameterError, form=pointed out
        user empty, user not UTF-8, new empty, new too short, new too long
    UnknownUserError | UnknownUserError, dry run=overlooked
        user with NUL, user too long, user unknown
    WrongPasswordError | WrongPasswordError, dry run=unseen
        user is root, password wrong
    WrongPasswordError, dry run=ParameterError, magic=ParameterError, form=pointed out
        password empty
    WrongPasswordError | CannotVerifyError, dry run=unseen
        password too short
    WrongPasswordError
        password too long
    ParameterError
        password not UTF-8
    ParameterError, dry run=overlooked
        new the same
    PermissionDeniedError, dry run=unseen | done
        no right
create_role
    ParameterError, form=pointed out
        role empty, role not UTF-8, role too long
    ParameterError, dry run=unseen
        role with NUL
    done
        role unknown
    RoleExistsError
        role is built in, role is there, user lacks it
    PermissionDeniedError, dry run=unseen | done
        no right
describe_user
    ParameterError, form=pointed out
        user empty, user not UTF-8
    UnknownUserError
        user with NUL, user too long, user unknown
    done
        user is root
    PermissionDeniedError, dry run=unseen | done
        no right
describe_role
    ParameterError, form=pointed out
        role empty, role not UTF-8
    ParameterError
        role with NUL, role too long
    UnknownRoleError
        role unknown
    ProtectedRoleError
        role is built in
    done
        role is there, user lacks it
    PermissionDeniedError, dry run=unseen | done
        no right
drop_role
    ParameterError, form=pointed out
        role empty, role not UTF-8
    ParameterError
        role with NUL, role too long
    UnknownRoleError
        role unknown
    ProtectedRoleError
        role is built in
    InUseError, dry run=unseen
        role is there
    done
        user lacks it
    PermissionDeniedError, dry run=unseen | done
        no right
grant_role
    ParameterError, form=pointed out
        user empty, user not UTF-8, role empty, role not UTF-8
    ParameterError, dry run=UnknownUserError
        user with NUL, user too long
    UnknownUserError
        user unknown
    ParameterError, dry run=UnknownRoleError
        role with NUL, role too long
    UnknownRoleError
        role unknown
    done
        user is root, user is there, role is built in, role is there, user lacks it
    PermissionDeniedError, dry run=unseen | done
        no right
revoke_role
    ParameterError, form=pointed out
        user empty, user not UTF-8, role empty, role not UTF-8
    UnknownUserError
        user with NUL, user too long, user unknown
    UnknownRoleError
        role with NUL, role too long, role unknown
    NotGrantedError
        user is root, user is there, role is built in, user lacks it
    done
        role is there
    PermissionDeniedError, dry run=unseen | done
        no right
grant_privilege
    ParameterError, form=pointed out
        role empty, role not UTF-8
    ParameterError, dry run=UnknownRoleError, form=pointed out
        role with NUL, role too long
    UnknownRoleError, form=pointed out
        role unknown
    done
        role is built in, role is there, role lacks it, user lacks it
    done, form=pointed out
        role holds it
    UnknownPrivilegeError, form=pointed out
        privilege unknown
    PermissionDeniedError, dry run=unseen | done
        no right
revoke_privilege
    ParameterError, form=pointed out
        role empty, role not UTF-8
    ParameterError, dry run=UnknownRoleError, form=pointed out
        role with NUL, role too long
    UnknownRoleError, form=pointed out
        role unknown
    NotGrantedError, form=pointed out
        role is built in, role lacks it, user lacks it, privilege unknown
    done
        role is there, role holds it
    PermissionDeniedError, dry run=unseen | done
        no right
create_privilege_group
    ParameterError, form=pointed out
        group empty, group not UTF-8, group with NUL, group too long
    done
        group unknown
    GroupExistsError
        group is there, group is in use
    PermissionDeniedError, dry run=unseen | done
        no right
drop_privilege_group
    ParameterError, form=pointed out
        group empty, group not UTF-8
    UnknownPrivilegeError
        group with NUL, group too long, group unknown
    done
        group is there
    InUseError
        group is in use
    PermissionDeniedError, dry run=unseen | done
        no right
add_privileges_to_group
    ParameterError, form=pointed out
        group empty, group not UTF-8
    UnknownPrivilegeError, form=pointed out
        group with NUL, group too long, group unknown
    done
        group is there, group is in use, role holds it, role lacks it
    UnknownPrivilegeError, form=pointed out
        privilege unknown
    PermissionDeniedError, dry run=unseen | done
        no right
remove_privileges_from_group
    ParameterError, form=pointed out
        group empty, group not UTF-8
    UnknownPrivilegeError, form=pointed out
        group with NUL, group too long, group unknown
    done
        group is there, group is in use
    NotGrantedError, form=pointed out
        role holds it, role lacks it, privilege unknown
    PermissionDeniedError, dry run=unseen | done
        no right
restore_user
    ParameterError
        password empty
    ParameterError, dry run=overlooked
        password too short, password too long, password not UTF-8
    done
        password wrong
    PermissionDeniedError, dry run=unseen | done
        no right
restore_grants
    PermissionDeniedError | done
        no right
restore_role
    PermissionDeniedError, dry run=unseen | done
        no right
"""


class Answer(NamedTuple):
    """What a way says: the class of the error, or a word; and the outcome."""

    error: str
    outcome: object = None


class World:
    """A server with users, roles and groups, and the ways to change them."""

    def __init__(self, server, address, shell):
        self.server, self.shell = server, shell
        for alias, user, password in [("default", "root", "Milvus"), ("closed", "root", "Milvus")]:
            connections.connect(alias, user, password, uri=f"http://{address}")
        conn = connections.get()
        for role in ("reader", "empty", "lost"):
            client.roles.create_role(conn, role)
        for user in ("bob", "eve", "gone"):
            client.users.create_user(conn, user, PASSWORD, grant=["reader"] if user != "eve" else [])
        client.privileges.grant_privilege(conn, "reader", "Search", collection="docs")
        for group in ("g", "held"):
            client.privilege_groups.create_privilege_group(conn, group)
            client.privilege_groups.add_privileges_to_group(conn, group, ["Query"])
        client.privileges.grant_privilege(conn, "reader", "held", collection="*")
        connections.connect("eves", "eve", PASSWORD, uri=f"http://{address}")
        connections.get("closed").close()
        self.begin = self.state()

    def state(self):
        """All that can be changed, as it is now."""
        return {name: copy(getattr(self.server, name)) for name in STATE}

    def reset(self, operation):
        """Have everything as it was in the beginning."""
        for name, value in self.begin.items():
            setattr(self.server, name, copy(value))
        if operation.startswith("restore_"):
            client.users.drop_user(connections.get(), "gone")
            client.roles.drop_role(connections.get(), "lost")
            client.privileges.grant_privilege(connections.get(), "empty", "Load", collection="docs")

    def answer(self, operation, way, values, place):
        """What a way answers, with nothing changed where it is an error or a dry run."""
        self.reset(operation)
        before = self.state()
        answer = WAYS[way](self, operation, {**OPERATIONS[operation].values, **values}, **place)
        if answer.error not in ("done", "missing") or way == "dry run":
            assert self.state() == before, f"{way} changed something, and says {answer}"
        elif answer.error == "done" and not values:
            assert self.state() != before, f"{way} changed nothing"
        return answer


def _raised(act):
    try:
        act()
    except MilvusException as exc:
        return Answer(type(exc).__name__, exc.outcome)
    except AttributeError:
        return Answer("AttributeError")
    return Answer("done")


def by_function(world, operation, values, using="default", timeout=10.0):
    """The client function."""
    return _raised(lambda: OPERATIONS[operation].call(connections.get(using), values, timeout=timeout))


def by_magic(world, operation, values, using="default", timeout=10.0, more=""):
    """The line magic."""
    world.shell.user_ns.update(values)
    line = f"{OPERATIONS[operation].line} --using {using} --timeout {timeout} {more}"
    with contextlib.redirect_stdout(io.StringIO()):
        return _raised(lambda: world.shell.run_line_magic(f"milvus_{operation}", line))


def by_dry_run(world, operation, values, **place):
    """The line magic with `--dry-run`, which shows the preview."""
    return by_magic(world, operation, values, **place, more="--dry-run")


def by_form(world, operation, values, using="default", timeout=10.0):
    """The form, filled in and its button pressed."""
    form = None

    values = {name: str(value) for name, value in values.items()}

    def submit():
        nonlocal form
        form = form_for(operation)(using, timeout=timeout)
        for field, value in OPERATIONS[operation].fields.items():
            given = values["role"] if value == "roles" else values[value]
            form.fields[field].value = [given] if value == "roles" else given
        if form.fields.get("confirmation") and form.fields["confirmation"].is_shown:
            form.fields["confirmation"].value = next(iter(form.fields.values())).value

    answer = _raised(submit)
    if form is None:
        return answer
    try:
        form.submit()
        if not form.status.text:
            assert any(line.text for field in form.fields.values() for line in field.remarks)
            return Answer("pointed out")
        assert form.failure is None or form.failure.__name__ not in form.status.text
        return Answer(form.failure.__name__ if form.failure else "done")
    finally:
        form.close()


def by_row(world, operation, values, using="default", timeout=10.0):
    """One row of many: what it raises, or what came of the row."""
    row = {name: values["role" if name == "roles" else name] for name in OPERATIONS[operation].row}
    rows = []

    def run():
        act = getattr(bulk.run, f"{operation}s")
        rows.extend(act(connections.get(using), [row], timeout=timeout))

    answer = _raised(run)
    return Answer(rows[0].outcome) if rows else answer


WAYS = {"function": by_function, "dry run": by_dry_run, "magic": by_magic, "form": by_form, "row": by_row}


def ways_of(operation, situation=""):
    """The ways that an operation has besides the function."""
    spec = OPERATIONS[operation]
    typed = [] if situation.endswith(" number") else ["dry run", "magic", *(["form"] if spec.fields else [])]
    return [*typed, *(["row"] if spec.row else [])]


def read_table():
    """(operation, situation, with authorization) -> way -> answer."""
    found, operation, answers = {}, "", []
    for line in filter(None, TABLE.splitlines()):
        if not line.startswith(" "):
            operation = line
        elif not line.startswith(" " * 8):
            answers = [dict_of(side) for side in line.split("|")]
        else:
            for situation in filter(None, map(str.strip, line.split(","))):
                found[operation, situation, True] = answers[0]
                found[operation, situation, False] = answers[-1]
    return found


def dict_of(text):
    first, *others = (part.strip() for part in text.split(","))
    return {"function": first, **dict(other.split("=") for other in others)}


EXPECTED = read_table()


@pytest.fixture(scope="module", params=[True, False], ids=["authorization on", "authorization off"])
def world(request):
    """A server of that kind with a shell; what it answers is as Milvus 3.0 does."""
    shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
    shell.run_line_magic("load_ext", "milvus_magics")
    with contract.serve("3.0.0", authorization=request.param) as (server, address):
        server.max_roles = 50
        yield World(server, address, shell)
        connections.close_all()
    shell.run_line_magic("unload_ext", "milvus_magics")


def situations_of(operation, authorization=True):
    """Situation -> values that are other ones, and where and for how long it is done.

    Without authorization passwords are checked in another way, and nobody lacks a right; the rest is the same.
    """
    own = OPERATIONS[operation].values
    found = {name: ({}, place) for name, place in PLACES.items()}
    if not operation.startswith("restore_"):  # whose function takes what was deleted, not a name
        found |= {name: (values, {}) for name, values in SITUATIONS.items() if values.keys() <= own.keys()}
    elif "password" in own:
        found |= {name: (values, {}) for name, values in SITUATIONS.items() if values.keys() == {"password"}}
    if not authorization:
        found = {name: found[name] for name in found if "password" in own or name in ("all right", "no right")}
        found.pop("connection closed", None)
    return found


@pytest.mark.parametrize("operation", OPERATIONS)
def test_all_ways_agree(world, operation):
    """In each situation: the same answer as the function's, or the one that the table has."""
    found, wanted = {}, {}
    for situation, (values, place) in situations_of(operation, world.server.authorization).items():
        row = EXPECTED.get((operation, situation, world.server.authorization))
        if row is None and situation.endswith(" number"):
            row = {"function": "ParameterError"}
        elif row is None:
            row = {"function": EVERYWHERE[situation]}
        function = world.answer(operation, "function", values, place)
        found[situation, "function"], wanted[situation, "function"] = function.error, row["function"]
        for way in ways_of(operation, situation):
            answer = world.answer(operation, way, values, place)
            found[situation, way] = answer.error
            wanted[situation, way] = said(way, row)
            if way == "row" and function.error != "done" and answer.error in ("refused", "BulkError"):
                wanted[situation, way] = answer.error  # a row is told why, and raises nothing
            if way == "magic" and answer.error == function.error:
                assert answer.outcome == function.outcome, f"{situation}: by magic {answer}, by function {function}"
            elif way == "dry run":
                assert answer.outcome in (None, NOTHING_SENT, NOTHING_CHANGED), f"{situation}: {answer}"
    assert {key: value for key, value in found.items() if value != wanted[key]} == {}


def said(way, row):
    """What a way answers according to the table."""
    answer = row.get(way, row["function"])
    return "done" if answer in ("unseen", "overlooked") else answer


def test_every_row_of_the_table_is_tried():
    """No operation and no situation that is misspelled."""
    for operation, situation, _ in EXPECTED:
        assert situation in situations_of(operation), (operation, situation)


def test_every_operation_is_in_the_table():
    """What changes something on a server has a magic with `--dry-run`, and is tried here."""
    magics = MilvusMagics.magics["line"]
    changing = {
        name.removeprefix("milvus_")
        for name, method in magics.items()
        if "--dry-run" in {word for action in getattr(MilvusMagics, method).parser()._actions
                           for word in action.option_strings}
    }  # fmt: skip
    assert changing - {"create_users", "delete_users", "drop_users"} == set(OPERATIONS)


SAYS_THE_SAME = ("drop_user", "describe_user", "describe_role", "drop_role", "grant_role", "revoke_role")


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_preview_is_a_few_short_sentences(world, operation):
    """What will happen, or that nothing will; of passwords the form says nothing, else the same without the server."""
    foreseen = {}
    for situation, (values, place) in situations_of(operation, world.server.authorization).items():
        world.reset(operation)
        world.shell.user_ns.update(OPERATIONS[operation].values | values)
        line = f"{OPERATIONS[operation].line} --using {place.get('using', 'default')} --dry-run"
        with contextlib.suppress(MilvusException, AttributeError), contextlib.redirect_stdout(io.StringIO()):
            foreseen[situation] = preview = world.shell.run_line_magic(f"milvus_{operation}", line)
            assert str(preview) == f"{preview.hint} (on {preview.server})", situation
    for text in (preview.hint for preview in foreseen.values()):
        first, *others = re.split(r"(?<=[.])[ ]", text)
        assert first.startswith("This will ") or first.endswith("; nothing will change."), text
        assert len(others) <= (2 if text == foreseen["all right"].hint else 4), text
        assert all((each[0].isupper() or each[0].isdigit()) and each.endswith(".") for each in others), text
        assert not re.search("would |; ;|Error", text), text
    if operation in SAYS_THE_SAME:
        world.reset(operation)
        form = form_for(operation)()
        form.fill(**OPERATIONS[operation].values)
        assert form.hint.text == foreseen["all right"].hint
        assert ("mm-warning" in form.hint.value) is foreseen["all right"].is_warning
        names = [OPERATIONS[operation].values[name] for name in ("user", "role") if name in form.fields]
        assert all(name in form.buttons[form.TITLE].description for name in names)
        form.close()


TEXT = st.text(max_size=40) | st.text("abcXYZ_019.- $", max_size=40)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(user=TEXT, password=TEXT, role=TEXT)
def test_what_cannot_be_sent_is_refused_by_all_ways(world, user, password, role):
    """Whatever names and passwords are: where the function sends nothing no other way does, and in no other case."""
    for operation, values in [
        ("create_user", {"user": user, "password": password}),
        ("create_role", {"role": role}),
        ("grant_role", {"user": user, "role": role}),
    ]:
        if not password and "password" in values:
            continue  # which source is empty, says the magic (see WITHOUT_OUTCOME)
        function = world.answer(operation, "function", values, {})
        for way in ("magic", "dry run"):
            answer = world.answer(operation, way, values, {})
            assert (answer.outcome is NOTHING_SENT) is (function.outcome is NOTHING_SENT), f"{way}: {answer}"
            assert function.outcome is not NOTHING_SENT or answer == function, f"{way}: {answer}, not {function}"


@pytest.mark.parametrize("kind", ["user", "role", "privilege_group"])
def test_a_form_that_creates_says_which_name_is_taken(kind):
    """As soon as it is typed, beside the field, and of no other name; the server has the last word."""
    with contract.serve("2.6.18") as (server, address):
        server.passwords["taken"] = b"password-of-them"
        server.roles["taken"] = ""
        server.groups["taken"] = set()
        connections.connect(uri=f"http://{address}", user="root", password="Milvus")
        form = form_for(f"create_{kind}")()
        field = next(iter(form.fields.values()))
        for name in ("tak", "taken2", "Taken", ""):
            field.value = name
            assert field.remarks[0].text == "", name
        field.value = "taken"
        said = f"there is a {kind.replace('_', ' ')} taken already"
        assert field.remarks[0].text == said
        assert form.hint.text == "", "said once"
        if kind != "user":  # that one wants a password, too
            form.submit()
            assert "taken" in form.status.text
            assert form.failure is not None
        field.value = "9 no name"
        assert field.remarks[0].text
        assert field.remarks[0].text != said
        form.close()
        connections.close_all()


def test_the_form_that_drops_a_role_names_its_own_box():
    """Before and when it is refused; an option is a thing of a line."""
    with contract.serve("2.6.18") as (server, address):
        server.roles["reader"] = ""
        server.grants["reader", "Collection", "docs", "Search", "default"] = "root"
        connections.connect(uri=f"http://{address}", user="root", password="Milvus")
        form = form_for("drop_role")()
        form.fill(role="reader")
        form.fields["confirmation"].value = "reader"
        hint = form.hint.text
        form.submit()
        for text in (hint, form.status.text):
            assert "(tick \u201cRevoke its privileges first\u201d)" in text
            assert "--force" not in text
        form.close()
        connections.close_all()
