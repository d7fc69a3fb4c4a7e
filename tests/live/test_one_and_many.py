"""One and many answer alike: the function for one user, a row of many among others, and the dry run of one.

On a real Milvus that was restarted on its data, where bcrypt decides on passwords, and not what a proxy remembers.
What an error for one says of the change (its outcome) is the outcome of the row; its reason, the entries in the audit,
the undo record and what the server has afterwards are the same. Where they differ by design, the table says so.
"""

import re
from dataclasses import dataclass, replace
from typing import NamedTuple

import pytest

from milvus_magics import embedded
from milvus_magics.bulk.plan import make_plan
from milvus_magics.bulk.rows import rows_of
from milvus_magics.bulk.run import create_users, execute
from milvus_magics.client import privileges, roles, users
from milvus_magics.client.password_check import check_password
from milvus_magics.errors import (
    NOTHING_CHANGED,
    NOTHING_SENT,
    CannotVerifyError,
    MilvusException,
    Outcome,
    ParameterError,
    UnknownUserError,
)
from milvus_magics.secret import Secret
from milvus_magics.session.undo_records import UNDO_MAGICS
from milvus_magics.transport.address import Address
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline

RIGHT, WRONG, FULL = "right-password", "wrong-password", "p" * 72
FLEETING = "fleeting"  # a role of the situation's own
ROOM = 12  # how many users more the server takes
LIMITS = {"PROXY_MAXROLENUM": "100", "COMMON_SECURITY_SUPERUSERS": "root"}
ACTORS = {
    "looker": ["SelectOwnership", "SelectUser"],
    "deleter": ["DropOwnership"],
    "namer": ["DropOwnership", "SelectOwnership"],
    "maker": ["CreateOwnership"],
    "creator": ["CreateOwnership", "SelectOwnership", "SelectUser"],
}
# What is known after the error for one -> the outcome of a row. An unknown user is `missing`.
ROW_OUTCOMES = {
    None: "done",
    NOTHING_SENT: "refused",
    NOTHING_CHANGED: "refused",
    Outcome.CHANGED: "partly",
    Outcome.UNKNOWN: "unknown",
}


class Situation(NamedTuple):
    """One situation, and what is answered in it: `done`, an outcome, or the class of an error.

    Attributes:
        one: what the function for one answers.
        dry: what its dry run answers; default: the same.
        row: what many answer; default: what ROW_OUTCOMES makes of the answer for one.
        off: of these, what is another one with authorization off.
        user: the name that is given; `{}` is there for a name of the situation's own.
        given: the password that is given; None for that of root.
        kept: the password of the user who is there; None if nobody is.
        there: their name; default: the one that is given.
        holds: their roles.
        roles, description: those that are given.
        actor: who acts: `root`, `self`, or one of ACTORS.
        meanwhile: what somebody else does before the change, and after the plan of many.
    """

    one: str = "done"
    dry: str = ""
    row: str = ""
    off: dict = {}  # noqa: RUF012 - read only
    user: str = "{}"
    given: str | None = RIGHT
    kept: str | None = None
    there: str = ""
    holds: tuple = ()
    roles: tuple = ()
    description: str = ""
    actor: str = "root"
    meanwhile: str = ""


def removal(one="done", **fields):
    """A deletion, or a drop, of a user who is there."""
    return Situation(one, **{"kept": RIGHT, **fields})


UNCHECKED = {"dry run": "done"}  # with authorization off, only a change would tell whether a password is right
CREATE = {
    "the limit is reached": Situation("LimitReachedError", dry="done", meanwhile="full"),
    "new": Situation(),
    "new, with roles": Situation(roles=("reader", "public")),
    "empty password": Situation("ParameterError", row="done", dry="done", given=""),  # a row without gets one made up
    "too short": Situation("ParameterError", row="BulkError", given="short"),
    "73 bytes": Situation("ParameterError", row="BulkError", given=FULL + "p"),
    "72 bytes": Situation(given=FULL),
    "NUL": Situation("ParameterError", row="BulkError", given="x\0x\0x\0x"),
    "a line end at its end": Situation(given=f"{RIGHT}\n"),
    "blanks around": Situation(given=f" {RIGHT} "),
    "quotes around": Situation(given=f'"{RIGHT}"'),
    "a colon in the name": Situation("ParameterError", row="BulkError", user="a:{}"),
    "a blank in the name": Situation("ParameterError", row="BulkError", user="{} "),
    "a dot in the name": Situation("ParameterError", row="BulkError", user="a.{}"),
    "a name that differs by case": Situation(row="BulkError", user="A{}", kept=RIGHT, there="a{}"),
    "root": Situation("UserExistsError", row="already", user="root"),
    "there, with the same password": Situation("UserExistsError", row="already", kept=RIGHT),
    "there, with another password": Situation("UserExistsError", row="already", kept=WRONG),
    "there, and lacks a role": Situation(kept=RIGHT, holds=("public",), roles=("reader", "public")),
    "there, and has the role": Situation(
        "UserExistsError", row="already", kept=RIGHT, holds=("reader",), roles=("reader",)
    ),
    "there, with another password, and lacks a role": Situation(
        "UserExistsError", kept=WRONG, roles=("reader",), off=UNCHECKED
    ),
    "created by somebody else meanwhile": Situation("UserExistsError", meanwhile="created"),
    "unknown role": Situation("UnknownRoleError", row="BulkError", roles=("readr",)),
    # One sees it before the user is created; a row was planned with it.
    "the role is dropped after the plan": Situation(
        "UnknownRoleError", row="partly", roles=(FLEETING,), meanwhile="role dropped"
    ),
    "the role is dropped after the creation": Situation(
        "UnknownRoleError", dry="done", roles=(FLEETING,), meanwhile="role dropped after the creation"
    ),
    "may not create": Situation("PermissionDeniedError", dry="done", off={"one": "done"}, actor="looker"),
    "may not grant": Situation(
        "PermissionDeniedError", dry="done", off={"one": "done"}, actor="creator", roles=("reader",)
    ),
    # The plan of many wants to see who is there.
    "may not list": Situation(row="PermissionDeniedError", off={"row": ""}, actor="maker"),
    "a description": Situation(description="a student"),
    "half a character in a description": Situation("ParameterError", row="BulkError", description="x\ud83d"),
    "a description too long": Situation("ParameterError", row="BulkError", description="é" * 513),
}
DELETE = {
    "right": removal(),
    "right, with roles": removal(holds=("reader", "public")),
    "wrong": removal("WrongPasswordError", given=WRONG, off=UNCHECKED),
    "empty": removal("ParameterError", row="BulkError", given=""),
    "too short": removal("WrongPasswordError", given="short", off=UNCHECKED),
    "73 bytes": removal("WrongPasswordError", row="BulkError", given=FULL + "p"),
    "73 bytes, the first 72 right": removal("WrongPasswordError", row="BulkError", given=FULL + "p", kept=FULL),
    "72 bytes": removal(given=FULL, kept=FULL),
    "NUL": removal("CannotVerifyError", row="BulkError", given="x\0x", kept="xxxxxx"),
    "NUL, the same to bcrypt": removal("CannotVerifyError", row="BulkError", given=f"{RIGHT}\0{RIGHT}"),
    "a line end at its end": removal("WrongPasswordError", given=f"{RIGHT}\n", off=UNCHECKED),
    "blanks around": removal("WrongPasswordError", given=f" {RIGHT} ", off=UNCHECKED),
    "quotes around": removal("WrongPasswordError", given=f"'{RIGHT}'", off=UNCHECKED),
    "right, with a line end": removal(given=f"{RIGHT}\n", kept=f"{RIGHT}\n"),
    "right, with blanks": removal(given=f" {RIGHT} ", kept=f" {RIGHT} "),
    "right, with quotes": removal(given=f"'{RIGHT}'", kept=f"'{RIGHT}'"),
    "a colon in the name": removal("CannotVerifyError", user="a:{}", off={"one": "done"}),
    "unknown": Situation("UnknownUserError", row="missing"),  # known from the plan, so that nothing is tried
    "a name that differs by case": removal("UnknownUserError", row="BulkError", user="A{}", there="a{}"),
    "a name that differs by a blank": removal("UnknownUserError", row="BulkError", user="{} ", there="{}"),
    "a name with a blank, beside one without": removal(user="{} ", there="{} "),
    "root, wrong": Situation(
        "WrongPasswordError", row="BulkError", user="root", given=WRONG, off={"dry run": "ProtectedUserError"}
    ),
    "root, right": Situation("ProtectedUserError", row="BulkError", user="root", given=None),
    # Done alone, as it ends the connection.
    "the acting user": removal(row="BulkError", actor="self", holds=("admin",)),
    "deleted by somebody else meanwhile": removal("UnknownUserError", meanwhile="deleted"),
    "may not delete": removal("PermissionDeniedError", dry="done", off={"one": "done"}, actor="looker"),
    "may not see roles": removal(actor="namer", holds=("reader",)),
    "may not list": removal(row="PermissionDeniedError", off={"row": ""}, actor="deleter"),
}
DROP = {
    "there": removal(holds=("reader",)),
    "a colon in the name": removal(user="a:{}"),
    "unknown": Situation("UnknownUserError", row="missing"),
    "a name that differs by case": removal("UnknownUserError", row="BulkError", user="A{}", there="a{}"),
    "root": Situation("ProtectedUserError", row="BulkError", user="root"),
    "the acting user": removal(row="BulkError", actor="self", holds=("admin",)),
    "deleted by somebody else meanwhile": removal("UnknownUserError", row="done", meanwhile="deleted"),
    "may not drop": removal("PermissionDeniedError", dry="done", off={"one": "done"}, actor="looker"),
    "may not see roles": removal(actor="namer", holds=("reader",)),
    "may not list": removal(
        "PermissionDeniedError", row="PermissionDeniedError", actor="deleter", off={"one": "done", "row": ""}
    ),
}
TABLE = {
    (operation, name): (f"{operation}{number:02}", situation)
    for operation, situations in {"create": CREATE, "delete": DELETE, "drop": DROP}.items()
    for number, (name, situation) in enumerate(situations.items())
}


@dataclass
class Answer:
    """What is answered in one way, with the names of that way left out.

    Attributes:
        error: the class of the error, `done`, or the outcome of the row.
        reason: why, or what else should be known.
        outcome: what the error says of the change.
        others: the outcomes of the other rows.
        entries: of the audit: operation, target, outcome, code.
        undo: the records for undoing it, each with its secret.
        before, after: whether the user is there, and their roles; before the change, and after it.
        is_right: whether their password afterwards is the one of before, or the one that was given.
    """

    error: str = "done"
    reason: str = ""
    outcome: object = None
    others: tuple = ()
    entries: tuple = ()
    undo: tuple = ()
    before: object = None
    after: object = None
    is_right: object = None


class Recorder:
    """Keeps what a connection reports, secrets too, as an undo store does."""

    wants_secrets, undo_magics = True, UNDO_MAGICS

    def __init__(self, after_creation):
        self.changes, self._after_creation = [], after_creation

    def __call__(self, change, secret=None):
        self.changes.append((change, secret))
        if (change.operation, change.outcome) == ("create_user", "done"):
            self._after_creation()


class World:
    """A server that was restarted, with the users of all situations and those who act on it."""

    def __init__(self, directory, authorization):
        self.directory, self.authorization = directory, authorization
        self.start(LIMITS | {"PROXY_MAXUSERNUM": "5000"})
        self.prepare()
        self.most = len(self.names()) + ROOM
        self.stop()
        self.start({"PROXY_MAXUSERNUM": str(self.most)})

    def start(self, settings):
        """Start the server, and log in as root, by a connection that nobody watches."""
        self.server = embedded.start(self.directory, authorization=self.authorization, settings=settings)
        self.root_password = self.server.password or "Milvus"
        self.connections = {}
        self.conn = self.connect("root", self.root_password)

    def stop(self):
        for conn in [self.conn, *self.connections.values()]:
            conn.close()
        self.server.stop()

    def connect(self, user, password):
        return Connection(Address.parse(self.server.uri, user=user, password=password))

    def connection_of(self, case):
        """The one of who acts."""
        name = case.user if case.actor == "self" else case.actor
        if name not in self.connections:
            self.connections[name] = self.connect(name, self.root_password if name == "root" else RIGHT)
        return self.connections[name]

    def prepare(self):
        """Make everybody who is there before the restart."""
        for role, names in {"reader": [], **ACTORS}.items():
            roles.create_role(self.conn, role, timeout=10)
            for privilege in names:
                privileges.grant_privilege(self.conn, role, privilege, timeout=10)
        cases = [Case(self, key, way) for key in TABLE for way in ("one", "row")]
        rows = [{"user": name, "password": RIGHT, "roles": [name]} for name in ACTORS]
        rows += [{"user": case.there, "password": case.kept, "roles": case.holds} for case in cases if case.kept]
        rows += [
            {"user": name, "password": RIGHT}
            for case in cases
            if case.way == "row" and case.operation != "create" and not case.is_refused_by_plan
            for name in case.others
        ]
        plain = [row for row in rows if row["user"].isalnum()]
        assert create_users(self.conn, plain).counts == {"done": len(plain)}
        for row in rows:
            if row not in plain:  # only a superuser's change of the password makes such a name
                fields = {"username": row["user"], "oldPassword": Secret(""), "newPassword": Secret(row["password"])}
                self.conn.call_checked("UpdateCredential", deadline=Deadline(10), **fields)

    def names(self):
        return users.list_usernames(self.conn, timeout=10)

    def roles_of(self, name):
        """Their roles; None if there is no such user."""
        try:
            return users.list_user(self.conn, name, timeout=10).roles
        except UnknownUserError:
            return None

    def is_password(self, case):
        """Whether the user has the password that they should have; or why nobody can tell."""
        secret = Secret(case.kept or (WRONG if case.meanwhile == "created" else case.password))
        try:
            return check_password(self.conn, case.user, secret, Deadline(10), may_rewrite=True).right
        except (CannotVerifyError, ParameterError) as exc:
            return type(exc).__name__

    def do_meanwhile(self, case):
        """What somebody else does; nothing if it is done already."""
        if case.meanwhile == "deleted" and case.user in self.names():
            users.drop_user(self.conn, case.user, timeout=10)
        elif case.meanwhile == "created" and case.user not in self.names():
            users.create_user(self.conn, case.user, WRONG, timeout=10)
        elif case.meanwhile == "role dropped":
            self.drop_role(case.fleeting)
        elif case.meanwhile == "full" and (room := self.most - len(self.names())):
            assert create_users(self.conn, [f"filler{number}" for number in range(room)]).counts == {"done": room}

    def create_role(self, role):
        if role and not self.has_role(role):
            roles.create_role(self.conn, role, timeout=10)

    def drop_role(self, role):
        if self.has_role(role):
            roles.drop_role(self.conn, role, force=True, timeout=10)

    def has_role(self, role):
        return role in [each.name for each in roles.list_roles(self.conn, users=False, timeout=10)]

    def tidy(self, key):
        """Take away who was made in a situation, and those who filled the server."""
        base, _ = TABLE[key]
        for name in self.names():
            if name.startswith("filler") or (base.startswith("create") and base in name):
                self.conn.call_checked("DeleteCredential", deadline=Deadline(10), username=name)


class Case:
    """A situation in one of the ways, with names of its own: `one` (and its dry run), or `row`."""

    def __init__(self, world, key, way):
        (self.operation, _), (base, situation) = key, TABLE[key]
        self.way, self.name, self.others = way, f"{base}x{way}", (f"{base}left", f"{base}right")
        self.user = situation.user.format(self.name)
        self.there = (situation.there or situation.user).format(self.name)
        self.password = world.root_password if situation.given is None else situation.given
        self.fleeting = f"{FLEETING}{self.name}" if FLEETING in situation.roles else ""
        self.roles = tuple(self.fleeting if role == FLEETING else role for role in situation.roles)
        self.kept, self.holds, self.actor = situation.kept, situation.holds, situation.actor
        self.is_refused_by_plan = situation.row == "BulkError"
        self.description, self.meanwhile = situation.description, situation.meanwhile

    def without_names(self, text):
        """A text that is the same in both ways."""
        return re.sub(r" \(did you mean .*?\?\)", "", text).replace(self.name, "…")

    def rows(self):
        """Those of many: this one between two that are right."""
        fields = {"user": self.user, "password": self.password, "roles": self.roles, "description": self.description}
        first, last = ({"user": name, "password": RIGHT} for name in self.others)
        wanted = {"create": fields.keys(), "delete": ("user", "password"), "drop": ("user",)}[self.operation]
        return rows_of([{name: row[name] for name in wanted if name in row} for row in (first, fields, last)])


def by_function(conn, case, meanwhile):
    """The function for one."""
    meanwhile()
    if case.operation == "create":
        options = {"grant": case.roles, "description": case.description}
        return users.create_user(conn, case.user, case.password, **options, timeout=10)
    if case.operation == "delete":
        return users.delete_user(conn, case.user, case.password, timeout=10)
    return users.drop_user(conn, case.user, timeout=10)


def by_dry_run(conn, case, meanwhile):
    """The dry run of one."""
    meanwhile()
    if case.operation == "create":
        options = {"grant": case.roles, "description": case.description}
        return users.preview_create_user(conn, case.user, Secret(case.password), **options, timeout=10)
    if case.operation == "delete":
        return users.preview_delete_user(conn, case.user, case.password, timeout=10)
    return users.preview_drop_user(conn, case.user, timeout=10)


def by_row(conn, case, meanwhile):
    """A row of many."""
    planned = make_plan(conn, f"{case.operation}_users", case.rows(), timeout=10)
    meanwhile()
    return execute(conn, planned)


WAYS = {"dry run": by_dry_run, "one": by_function, "row": by_row}


def answer_of(world, key, way):
    """Answer in one of the ways, with everything that comes of it."""
    case, answer = Case(world, key, "row" if way == "row" else "one"), Answer()
    world.create_role(case.fleeting)

    def meanwhile():
        world.do_meanwhile(case)
        answer.before = world.roles_of(case.user)

    is_late = case.meanwhile.endswith("after the creation")
    recorder = Recorder((lambda: world.drop_role(case.fleeting)) if is_late else (lambda: None))
    conn = world.connection_of(case)
    answer.before = world.roles_of(case.user)
    conn.on_change.append(recorder)
    try:
        result = WAYS[way](conn, case, meanwhile)
        if way == "row":
            first, own, last = result
            answer.error, answer.reason, answer.others = own.outcome, own.reason, (first.outcome, last.outcome)
        else:
            answer.reason = str(result) if way == "dry run" else result.note
    except MilvusException as exc:
        answer.error, answer.reason, answer.outcome = type(exc).__name__, exc.reason, exc.outcome
    finally:
        conn.on_change.remove(recorder)
    answer.reason, answer.after = case.without_names(answer.reason), world.roles_of(case.user)
    if way != "dry run" and answer.after is not None and case.user != "root":
        answer.is_right = world.is_password(case)  # later than all else: now the proxy knows the right one
    own = [(change, secret) for change, secret in recorder.changes if f"{change.target} ".startswith(f"{case.user} ")]
    answer.entries = tuple((one.operation, case.without_names(one.target), one.outcome, one.code) for one, _ in own)
    answer.undo = tuple(
        (one.undo_record and replace(one.undo_record, user=case.without_names(one.undo_record.user)), secret)
        for one, secret in own
    )
    return answer


@pytest.fixture(scope="module", params=[True, False], ids=["authorization on", "authorization off"])
def world(request, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("milvus") / "data", request.param)
    yield world
    world.stop()


@pytest.mark.parametrize("key", TABLE, ids=" ".join)
def test_one_and_many_answer_alike(world, key):
    """In each situation, as the table says."""
    situation = TABLE[key][1]
    expected = {"one": situation.one, "dry run": situation.dry, "row": situation.row}
    if not world.authorization:
        expected |= situation.off
    try:
        dry, one, row = (answer_of(world, key, way) for way in ("dry run", "one", "row"))
    finally:
        world.tidy(key)
    assert one.error == expected["one"], one
    require_nothing_done(dry)
    assert dry.error == (expected["dry run"] or one.error), dry
    if one.outcome in (NOTHING_SENT, NOTHING_CHANGED):
        assert one.after == one.before, one
        assert one.is_right in (True, None, "CannotVerifyError"), one
    if row.error in ("BulkError", "PermissionDeniedError", "already"):
        require_nothing_done(row)
    may_be_two = situation.user == "A{}"  # of many, such a name is rather a slip
    if row.error == "BulkError" and situation.actor != "self" and not may_be_two:
        assert one.outcome in (NOTHING_SENT, NOTHING_CHANGED), one
    if expected["row"]:
        assert row.error == expected["row"], row
        return
    assert row.error == row_outcome(key[0], one)
    same = ("reason", "entries", "undo", "after", "is_right")
    assert {name: getattr(row, name) for name in same} == {name: getattr(one, name) for name in same}
    if one.error not in ("PermissionDeniedError", "LimitReachedError"):  # others would meet those, too
        assert row.others == ("done", "done")


def row_outcome(operation, one):
    """The outcome of a row, from the answer for one."""
    return "missing" if one.error == "UnknownUserError" and operation != "create" else ROW_OUTCOMES[one.outcome]


def require_nothing_done(answer):
    """Nothing was tried, so there is no entry either."""
    assert answer.entries == (), answer
    assert answer.after == answer.before, answer
