"""Many new users by one request: all or none, whatever comes between, and never a grant with them.

Against the in-process server only: what real ones answered is in its RestoreRBAC.
"""

import ast
import os
import signal
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import grpc
import pytest
from contract import HASH, ContractServer, Denied, Hashed, serving
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

import milvus_magics
from milvus_magics.bulk import at_once
from milvus_magics.bulk.plan import CREATE, make_plan
from milvus_magics.bulk.results import BulkError
from milvus_magics.bulk.rows import rows_of
from milvus_magics.bulk.run import create_users, execute
from milvus_magics.client import password_check, rbac_restore, restore, roles
from milvus_magics.client.results.roles import RoleSnapshot
from milvus_magics.client.results.users import UserSnapshot
from milvus_magics.errors import ParameterError, PermissionDeniedError, ServerTooOldError, UserExistsError
from milvus_magics.secret import PasswordHash
from milvus_magics.session import connections, session
from milvus_magics.transport.address import Address
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline

PASSWORD = "a-password-of-theirs"
LOST_BUT_DONE = "the answer was lost, but the server says that it is done"
PACKAGE = Path(milvus_magics.__file__).parent


def nothing(*_):
    pass


class Recording(ContractServer):
    """Keeps what RestoreRBAC is sent, and has `ann` and the role `reader`; `meanwhile` and `then` come around it."""

    meanwhile = then = staticmethod(nothing)
    times = 1

    def __init__(self, version="2.6.4"):
        super().__init__(version)
        self.passwords["ann"], self.roles["reader"] = b"ann's password", ""
        self.restored = []

    def RestoreRBAC(self, request, caller, metadata):
        self.restored.append(request.RBAC_meta)
        if not request.HasField("RBAC_meta"):
            return
        self.meanwhile()
        for _ in range(self.times):
            super().RestoreRBAC(request, caller, metadata)
        self.then()

    @property
    def requests(self):
        """Those that hold anything."""
        return [meta for meta in self.restored if meta.ByteSize()]

    @property
    def users(self):
        return set(self.passwords) - {"root", "ann"}


def lose():
    raise Denied(grpc.StatusCode.UNAVAILABLE, "connection reset")


def interrupt(*_):
    os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture(params=["2.6.4"])
def server(request):
    server = Recording(request.param)
    with serving(server) as (_, server.address):
        yield server


def connect(server, user="root", password="Milvus"):
    return Connection(Address.parse(uri=f"http://{server.address}", user=user, password=password))


@pytest.fixture
def conn(server):
    conn = connect(server)
    conn.changes = []
    conn.on_change.append(conn.changes.append)
    yield conn
    conn.close()


def create(conn, source, **options):
    return create_users(conn, source, at_once=True, **options)


def plan_of(conn, source):
    return at_once.make_plan(conn, CREATE, rows_of(source), timeout=10)


def logs_in(conn, user, password):
    return password_check.check_password(conn, user, password, Deadline(10), may_rewrite=False).right


def audit(conn):
    return [(change.operation, change.target, change.outcome, change.code) for change in conn.changes]


# what it does


@pytest.mark.parametrize("server", ["2.5.24", "2.6.4", "3.0.0"], indirect=True)
def test_all_are_there_by_one_request(conn, server):
    """With their roles and passwords, hashed as the server does it; each has its entry in the audit."""
    made = create(conn, [{"user": "bob", "password": PASSWORD, "roles": "reader,public"}, "eve"])
    assert made.counts == {"done": 2}
    (request,) = server.requests
    assert [entry.user for entry in request.users] == ["bob", "eve"]
    assert all(entry.password.startswith(HASH) and len(entry.password) == 60 for entry in request.users)
    assert server.bindings == {("bob", "reader"), ("bob", "public")}
    assert not {"CreateCredential", "OperateUserRole"} & set(server.calls)
    assert logs_in(conn, "bob", made[0].password or PASSWORD)
    assert audit(conn) == [("create_user", "bob", "done", 0), ("create_user", "eve", "done", 0)]


def test_made_up_passwords_log_in(conn):
    """They are kept in the result, masked, and those that were given are not."""
    made = create(conn, ["bob", "eve", {"user": "joe", "password": PASSWORD}])
    assert sorted(made.passwords) == ["bob", "eve"]
    assert all(logs_in(conn, user, password) for user, password in made.passwords.items())
    assert not logs_in(conn, "bob", made.passwords["eve"])


@pytest.mark.parametrize("password", ["пароль-ключ", "x" * 72, "ж" * 36, " blanks "])
def test_passwords_of_any_letters_log_in(conn, password):
    """Up to 72 bytes; nothing is cut or changed on the way to the hash."""
    create(conn, {"bob": password}).raise_for_failures()
    assert logs_in(conn, "bob", password)
    assert not logs_in(conn, "bob", password[:-1])


def test_longer_passwords_are_refused_before(conn, server):
    """bcrypt would take the first 72 bytes for all of it."""
    with pytest.raises(BulkError, match="too long: 73 bytes"):
        create(conn, {"bob": "x" * 73})
    assert not server.restored


def test_who_exists_is_left_out(conn, server):
    """Who lacks roles is refused with a reason; only the others are sent."""
    rows = [{"user": "ann", "password": "ann's password", "roles": "reader"}, {"user": "root"}, {"user": "bob"}]
    made = {row.user: row for row in create(conn, rows)}
    assert {user: row.outcome for user, row in made.items()} == {"ann": "refused", "root": "already", "bob": "done"}
    assert "lacks roles, which --at-once does not give" in made["ann"].reason
    assert not server.bindings
    assert [entry.user for entry in server.requests[0].users] == ["bob"]
    assert create(conn, [{"user": "bob"}]).counts == {"already": 1}
    assert len(server.requests) == 1


def test_hashing_is_reported_row_by_row(conn):
    """The callback counts up to all of them."""
    counts = []
    create(conn, ["bob", "eve", "joe"], progress=counts.append)
    assert counts == [1, 2, 3]


# what is said before


def test_a_dry_run_sends_nothing(conn, server):
    """And says what this way leaves unchecked, and how many users there will be."""
    text = str(plan_of(conn, ["bob", "eve"]))
    assert text.startswith("This will create 2 users")
    for part in ("all or none", "cost 4", "will have 4 users", "neither its limit", "nor its rules for names"):
        assert part in text
    assert not server.restored
    assert not server.users


def test_all_that_stands_against_it_is_said_before(conn, server):
    """Names, passwords, roles and the limit as ever; descriptions, which have no place in the request."""
    for rows, problem in [
        ([{"user": "1bob"}], "must begin with a letter"),
        ([{"user": "bob "}], "may hold only letters"),
        ([{"user": "bob"}, {"user": "bob"}], "in row 1 already"),
        ([{"user": "bob", "password": "short"}], "too short: "),
        ([{"user": "bob", "roles": "raeder"}], "did you mean 'reader'"),
        ([{"user": "bob", "description": "a student"}], "1 +bob +description +--at-once cannot give one"),
    ]:
        with pytest.raises(BulkError, match=problem):
            create(conn, rows)
    with pytest.raises(BulkError, match="3 is the limit"):
        create(conn, ["bob", "eve"], limit=3)
    assert not server.restored
    assert not conn.changes


def test_too_many_for_one_request_are_refused_before(conn, server):
    """Milvus keeps the request as one value in etcd, which takes so much and no more."""
    server.roles = {**server.roles, "r" * 250: ""}
    rows = [{"user": f"user{number}", "roles": "r" * 250} for number in range(3500)]
    with pytest.raises(BulkError, match=r"3500 users are too many for one request .* give about 3\d\d\d at a time"):
        create(conn, rows)
    most = rbac_restore.MAX_REQUEST_BYTES // rbac_restore.estimate_bytes("user3500", ["r" * 250])
    assert len(plan_of(conn, rows[:most]).todo) == most
    assert not server.restored


def test_the_estimate_is_never_too_small(conn, server):
    """Also for roles with letters of several bytes."""
    server.roles["ж" * 100] = ""
    create(conn, [{"user": "b" * 32, "roles": ["ж" * 100, "reader"]}, "eve"]).raise_for_failures()
    estimated = sum(
        rbac_restore.estimate_bytes(entry.user, [role.name for role in entry.roles])
        for entry in server.requests[0].users
    )
    assert 0 <= estimated - server.requests[0].ByteSize() <= 40


@pytest.mark.parametrize("server", ["2.5.24"], indirect=True)
def test_what_older_servers_would_take_unchecked_is_refused_before(conn, server):
    """Names that they refuse the ordinary way, and roles that nobody sees."""
    with pytest.raises(BulkError, match="need Milvus 2.6"):
        create(conn, ["bob.b"])
    with pytest.raises(BulkError, match="there is no role 'missing'"):
        create(conn, [{"user": "bob", "roles": "missing"}])
    server.roles["manager"] = ""
    server.bindings.add(("ann", "manager"))
    for privilege in ("SelectUser", "RestoreRBAC"):
        server.grants["manager", "User", "*", privilege, "*"] = "root"
    ann = connect(server, "ann", "ann's password")
    with pytest.raises(BulkError, match="whether the roles exist cannot be seen"):
        create(ann, [{"user": "bob", "roles": "missing"}])
    assert create(ann, [{"user": "bob"}]).counts == {"done": 1}
    ann.close()


@pytest.mark.parametrize("server", ["2.3.5"], indirect=True)
def test_older_servers_cannot(conn, server):
    """One line says since when they can; nothing is sent."""
    with pytest.raises(ServerTooOldError, match=r"too old: it has no RestoreRBAC, which needs Milvus 2\.4\.10"):
        create(conn, ["bob"])
    assert not server.restored
    assert not server.users


def test_without_bcrypt_nothing_is_sent(conn, server, monkeypatch):
    """Not even a question; one line says what to install."""
    monkeypatch.setitem(sys.modules, "bcrypt", None)
    with pytest.raises(ParameterError, match=r"pip install 'milvus-magics\[bcrypt\]'; nothing was sent"):
        create(conn, ["bob"])
    assert not server.calls


@pytest.mark.parametrize(
    ("version", "count", "is_hinted"),
    [("v2.6.18", 200, True), ("v3.0.0", 300, True), ("v2.6.18", 199, False), ("v2.5.24", 200, False), ("", 200, False)],
)
def test_it_is_offered_where_it_pays(conn, version, count, is_hinted):
    """For many users of a server that is known to make them one by one; others are told nothing of it."""
    conn.version = version
    text = str(make_plan(conn, CREATE, rows_of([f"user{number}" for number in range(count)]), timeout=10))
    assert (f"--at-once creates all {count} in one request" in text) is is_hinted


# what comes between


def test_who_may_not_is_refused_before_hashing(conn, server):
    """Each row says which privilege is missing, and the audit has it."""
    server.roles["manager"] = ""
    server.bindings.add(("ann", "manager"))
    for privilege in ("SelectUser", "SelectOwnership", "CreateOwnership"):
        server.grants["manager", "Global", "*", privilege, "*"] = "root"
    ann = connect(server, "ann", "ann's password")
    ann.changes = []
    ann.on_change.append(ann.changes.append)
    hashes = []
    made = create(ann, ["bob", "eve"], progress=hashes.append)
    ann.close()
    assert made.counts == {"refused": 2}
    assert all("user 'ann' lacks the privilege RestoreRBAC" in row.reason for row in made)
    assert not hashes
    assert not server.users
    assert audit(ann) == [("create_user", user, "refused", PermissionDeniedError.CODE) for user in ("bob", "eve")]


@pytest.mark.parametrize("server", ["2.5.24", "2.6.4", "3.0.0"], indirect=True)
def test_one_who_came_meanwhile_stops_all(conn, server):
    """Nobody else is there, and who came keeps their password; each row is refused, with the server's words."""
    server.meanwhile = lambda: server.passwords.setdefault("eve", b"somebody-elses")
    made = create(conn, [{"user": "bob", "roles": "reader"}, "eve", "joe"])
    assert made.counts == {"refused": 3}
    assert all("all or none" in row.reason and "user [eve] already exists" in row.reason for row in made)
    assert server.users == {"eve"}
    assert server.passwords["eve"] == b"somebody-elses"
    assert not server.bindings
    assert made.passwords == {}
    assert {change.outcome for change in conn.changes} == {"refused"}
    assert {change.code for change in conn.changes} == {UserExistsError.CODE}


@pytest.mark.parametrize("server", ["2.6.4", "3.0.0"], indirect=True)
def test_a_role_dropped_meanwhile_stops_all(conn, server):
    """At once, without asking what became of it: that nothing was done is certain."""
    server.meanwhile = lambda: server.roles.pop("reader")
    started = time.monotonic()
    made = create(conn, [{"user": "bob", "roles": "reader"}, "eve"])
    assert time.monotonic() - started < 1.5
    assert made.counts == {"refused": 2}
    assert all("role [reader] does not exist" in row.reason for row in made)
    assert not server.users


@pytest.mark.parametrize("server", ["2.5.24", "2.6.4"], indirect=True)
def test_a_role_dropped_while_hashing_stops_all(conn, server):
    """Seen before anything is sent: servers before 2.6 would make users with a role that isn't there."""
    made = create(conn, [{"user": "bob", "roles": "reader"}], progress=lambda count: server.roles.pop("reader", None))
    assert made.counts == {"refused": 1}
    assert "there is no role 'reader'" in made[0].reason
    assert not server.requests


def test_a_lost_answer_is_settled(conn, server):
    """One look at the users: they are there, so it is done; passwords that were made up are kept."""
    server.then = lose
    made = create(conn, [{"user": "bob", "roles": "reader"}, "eve"])
    assert made.counts == {"done": 2}
    assert [row.reason for row in made] == [LOST_BUT_DONE] * 2
    assert sorted(made.passwords) == ["bob", "eve"]
    assert {(change.outcome, change.code) for change in conn.changes} == {("done", 0)}


def test_a_long_list_of_users_is_waited_for(conn, server):
    """Longer than for one user: where there are thousands, reading them takes time."""
    select = server.SelectUser

    def lose_and_slow_down():
        server.SelectUser = lambda *request: time.sleep(2.5) or select(*request)
        lose()

    server.then = lose_and_slow_down
    assert create(conn, ["bob", "eve"]).counts == {"done": 2}


def test_a_change_that_comes_late_is_settled(conn, server):
    """The server may go on after its answer is lost, so it is looked at for a while."""
    before = server.meanwhile

    def come_late():
        server.meanwhile = before
        later = [(name, b"late-password") for name in ("bob", "eve")]
        threading.Timer(0.7, lambda: server.passwords.update(later)).start()
        lose()

    server.meanwhile = come_late
    assert create(conn, ["bob", "eve"]).counts == {"done": 2}


def test_a_lost_request_is_unknown(conn, server):
    """Nobody is there so far, but the server may still do it; passwords that were made up may be needed."""
    server.meanwhile = lose
    made = create(conn, ["bob", "eve"])
    assert made.counts == {"unknown": 2}
    assert all("is not done so far, but the server may still do it" in row.reason for row in made)
    assert sorted(made.passwords) == ["bob", "eve"]
    assert {change.outcome for change in conn.changes} == {"unknown"}


def test_half_of_it_is_told_truly(conn, server):
    """Who is there says so; whether the rest comes is open for all of them."""

    def make_half():
        server.passwords["bob"] = b"half-way"
        lose()

    server.meanwhile = make_half
    made = {row.user: row for row in create(conn, ["bob", "eve"])}
    assert {row.outcome for row in made.values()} == {"unknown"}
    assert made["bob"].reason.startswith("the user is there, but not all of them")
    assert not made["eve"].reason.startswith("the user is there")


@pytest.mark.parametrize("role", ["", "reader"])
def test_users_without_their_roles_are_not_done(conn, server, role):
    """The look asks for roles, too."""

    def make_bare():
        server.passwords["bob"] = b"half-way"
        lose()

    server.meanwhile = make_bare
    made = create(conn, [{"user": "bob", "roles": role}])
    assert made.counts == {"unknown" if role else "done": 1}


def test_a_server_that_asks_itself_twice(conn, server):
    """The second time, they exist: by this request, as a password tells."""
    server.times = 2
    made = create(conn, [{"user": "bob", "roles": "reader"}, "eve"])
    assert made.counts == {"done": 2}
    assert "asked itself twice" in made[0].reason


def test_the_same_users_of_somebody_else_are_not_ours(conn, server):
    """All are there with their roles, by another's request and with another's passwords."""

    def make_all():
        server.passwords |= {"bob": b"somebody-elses", "eve": b"somebody-elses"}

    server.meanwhile = make_all
    made = create(conn, ["bob", "eve"])
    assert made.counts == {"refused": 2}
    assert made.passwords == {}


# interrupts


def test_an_interrupt_while_hashing_changes_nothing(conn, server):
    """It ends at once; every row is not tried, the audit has nothing, and the result comes back."""
    plan = replace(plan_of(conn, [f"user{number}" for number in range(300)]), hash_cost=12)  # 48 s
    started = time.monotonic()
    made = execute(conn, plan, progress=lambda count: interrupt() if count == 3 else None)
    assert time.monotonic() - started < 15
    assert (made.interrupted, made.counts) == (True, {"not tried": 300})
    while any(thread.name.startswith("bcrypt") for thread in threading.enumerate()):
        assert time.monotonic() - started < 20, "nothing is hashed in the background"
        time.sleep(0.05)
    assert made[0].reason == "interrupted before anything was sent"
    assert not server.requests
    assert not server.users
    assert not conn.changes


@pytest.mark.parametrize(("then", "outcome"), [(nothing, "done"), (lose, "done")])
def test_an_interrupt_of_the_request_loses_no_password(conn, server, then, outcome):
    """What became of it is looked up, and the rows say so."""

    def interrupt_and_go_on():
        interrupt()
        time.sleep(0.3)
        then()

    server.then = interrupt_and_go_on
    made = create(conn, ["bob", "eve"])
    assert (made.interrupted, made.counts) == (True, {outcome: 2})
    assert all(logs_in(conn, user, password) for user, password in made.passwords.items())
    assert audit(conn) == [("create_user", user, outcome, 0) for user in ("bob", "eve")]


def test_an_interrupt_of_a_lost_request_is_unknown(conn, server):
    """Nothing else can be said of it."""

    def interrupt_and_lose():
        interrupt()
        time.sleep(0.3)
        lose()

    server.meanwhile = interrupt_and_lose
    made = create(conn, ["bob", "eve"])
    assert (made.interrupted, made.counts) == (True, {"unknown": 2})
    assert all("may still do it" in row.reason for row in made)


def test_an_interrupt_of_the_report_loses_no_row(conn):
    """Entries of the audit, too, are all there."""
    conn.on_change.append(lambda change: interrupt() if change.target == "bob" else None)
    made = create(conn, ["bob", "eve"])
    assert (made.interrupted, made.counts) == (True, {"done": 2})
    assert len(conn.changes) == 2


# secrets


def test_the_cost_is_the_servers(server):
    """The highest that its hashes have, within reason; Milvus's default where it shows none."""
    conn = connect(server)
    assert rbac_restore.read_hash_cost(conn, Deadline(10)) == 4
    server.passwords["eve"] = Hashed("$2a$11$" + "x" * 53)
    assert rbac_restore.read_hash_cost(conn, Deadline(10)) == 11
    server.passwords["eve"] = Hashed("$2a$31$" + "x" * 53)
    assert rbac_restore.read_hash_cost(conn, Deadline(10)) == rbac_restore.MAX_HASH_COST
    server.passwords = {"root": b"Milvus"}
    assert rbac_restore.read_hash_cost(conn, Deadline(10)) == 10
    conn.close()


def test_nobodys_hashes_are_asked_for_where_others_may_listen(server):
    """The reply would hold those of all users: the cost is Milvus's default then."""
    port = server.address.rpartition(":")[2]
    conn = Connection(Address.parse(uri=f"http://0.0.0.0:{port}", user="root", password="Milvus"))
    assert rbac_restore.read_hash_cost(conn, Deadline(10)) == 10
    assert "BackupRBAC" not in server.calls
    conn.close()


def test_no_password_and_no_hash_is_shown(conn, server):
    """Neither plan, result, error nor audit shows one."""
    plan = plan_of(conn, {"bob": PASSWORD})
    made = execute(conn, plan)
    hashed = server.requests[0].users[0].password
    shown = f"{plan} {plan!r} {made!r} {made._repr_html_()} {made.to_dicts()} {conn.changes} {vars(plan)}"
    assert PASSWORD not in shown, "no password is shown"
    assert hashed not in shown, "no hash is shown"
    assert PASSWORD not in hashed


# grants


@pytest.fixture
def run(server, monkeypatch, tmp_path):
    """Magics on a connection to it, with passwords kept for undo."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("PW", PASSWORD)
    shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
    shell.run_line_magic("load_ext", "milvus_magics")
    connections.connect(uri=f"http://{server.address}", user="root", password="Milvus")

    def run(line, **variables):
        shell.user_ns.update(variables)
        magic, _, rest = line.partition(" ")
        return shell.run_line_magic(f"milvus_{magic}", rest)

    yield run
    session.undo.keep_passwords(0)
    session.undo.clear()
    connections.close_all()
    shell.run_line_magic("unload_ext", "milvus_magics")


def test_the_magic_does_it(run, server, tmp_path, capsys):
    """What should be known is printed before; made-up passwords go into a private file; a dry run sends nothing."""
    file = tmp_path / "passwords.csv"
    dry = run(f"create_users names --at-once --passwords-to {file} --dry-run", names=["bob", "eve"])
    assert dry.counts == {"to do": 2}
    assert not server.restored
    assert not file.exists()
    made = run(f"create_users names --at-once --passwords-to {file}")
    assert made.counts == {"done": 2}
    assert "nor its rules for names" in capsys.readouterr().out
    lines = file.read_text().splitlines()
    assert lines == ["user,password", *(f"{user},{word.reveal()}" for user, word in made.passwords.items())]


def test_creating_clears_what_undo_has_of_that_name(run):
    """Who is there again is nobody to be restored."""
    run("create_user bob --password-env PW")
    run("drop_user bob --yes")
    run("create_users names --at-once", names=["bob"])
    with pytest.raises(ParameterError, match="was deleted"):
        session.undo.find_user(connections.get(), "bob")


def test_no_grant_is_ever_sent(run, server):
    """One that exists already stops all changes of access of a 2.6 or 3.0 for good: users are all that is sent."""
    session.undo.keep_passwords(5)
    conn = connections.get()
    run("grant_privilege reader Search --collection docs")
    run("create_users rows --at-once", rows=[{"user": "bob", "roles": "reader"}, {"user": "eve"}])
    run("drop_user bob --yes")
    assert run("restore_user bob").same_password
    run("drop_role reader --yes --force")
    run("restore_role reader")
    restore.restore_user_by_hash(conn, UserSnapshot("joe", ("reader",)), PasswordHash(f"{HASH}{'00' * 6}"))
    restore.restore_role(conn, RoleSnapshot("writer", ("joe",), ()))
    roles.drop_role(conn, "writer", timeout=10)
    assert [[entry.user for entry in meta.users] for meta in server.requests] == [["bob", "eve"], ["bob"], ["joe"]]
    for meta in server.restored:
        assert [*meta.grants, *meta.roles, *meta.privilege_groups] == [], "no grant by RestoreRBAC"


def test_one_place_sends_it():
    """Nobody else names the method, so that what it takes is all that can be sent."""
    named = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value == "RestoreRBAC"
    }
    # The last two have it as the name of a privilege.
    assert named == {
        "client/rbac_restore.py", "wire/__init__.py", "wire/privileges.py", "client/grants/purposes.py",
    }  # fmt: skip


# anything


rows = st.lists(
    st.fixed_dictionaries(
        {"user": st.sampled_from(["ann", "bob", "eve", "joe", "kim.k"])},
        optional={
            "password": st.text("aZ0 .-'$\\äж", min_size=3, max_size=40),
            "roles": st.lists(st.sampled_from(["reader", "public", "missing"]), max_size=3),
            "description": st.sampled_from(["", "a student"]),
        },
    ),
    max_size=5,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=rows, intruder=st.sampled_from(["", "bob", "eve"]))
def test_all_or_none_whatever_is_asked_for(conn, server, rows, intruder):
    """Users and roles are exactly those that were wanted, else nobody; what was there stays as it was."""
    server.passwords = {"root": b"Milvus", "ann": b"ann's password"}
    server.bindings = {("ann", "public")}
    server.meanwhile = lambda: intruder and server.passwords.setdefault(intruder, b"somebody-elses")
    server.restored.clear()
    try:
        made = create(conn, rows)
    except BulkError:
        made = []
    done = {row.user: row for row in made if row.outcome == "done"}
    new = [row for row in made if row.outcome != "already" and row.user != "ann"]
    assert len(done) in (0, len(new))
    came = {intruder} if intruder and server.requests else set()
    assert server.users == set(done) | came
    wanted = {(row["user"], role) for row in rows if row["user"] in done for role in row.get("roles", ())}
    assert server.bindings == wanted | {("ann", "public")}
    assert server.passwords["ann"] == b"ann's password"
    for row in rows:
        if row["user"] in done:
            password = row.get("password") or done[row["user"]].password.reveal()
            assert server.passwords[row["user"]] == password.encode()
