"""Undo knows the cluster: restarted, it is the same at every address; another one at the same address is noticed."""

import getpass
from contextlib import ExitStack, contextmanager

import grpc
import pytest
from contract import ContractServer, Denied, serving
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from milvus_magics import connections
from milvus_magics.bulk.run import delete_users, drop_users
from milvus_magics.client import privileges, roles, users
from milvus_magics.errors import ConfirmationError, MilvusException, ParameterError, UnknownRoleError
from milvus_magics.secret import Secret
from milvus_magics.session import session
from milvus_magics.transport.cluster import begin_cluster_question, read_cluster
from milvus_magics.transport.deadline import Deadline

PASSWORD = "right-password"
KINDS = ("user", "role", "user's description", "role's description", "grants")
RESTORES = {
    "user": "restore_user bob --password-env PW",
    "role": "restore_role reader",
    "user's description": "describe_user ann --undo",
    "role's description": "describe_role writer --undo",
    "grants": "restore_grants writer",
}
NAMES = {
    "user": "bob",
    "role": "reader",
    "user's description": "ann",
    "role's description": "writer",
    "grants": "writer",
}


class Quiet(ContractServer):
    """Doesn't tell the caller which cluster it is."""

    def ListDatabases(self, request, caller, metadata):
        raise Denied(grpc.StatusCode.PERMISSION_DENIED, "PrivilegeListDatabases: permission deny")


class Place:
    """An address, where one server after another answers."""

    def __init__(self):
        self._stack, self._port = ExitStack(), 0
        self.address = ""

    def put(self, server):
        """From now on this one answers; clients have to connect to it anew."""
        self._stack.close()
        _, address = self._stack.enter_context(serving(server, port=self._port))
        self._port, self.address = int(address.rpartition(":")[2]), f"http://{address}"
        return server

    def close(self):
        self._stack.close()


def prepared(kind=ContractServer, version="3.0.0", text="writes"):
    """A server with a user, a role and a description."""
    server = kind(version)
    server.passwords |= {"ann": b"password-of-ann"}
    server.roles |= {"writer": text}
    if text == "writes":
        server.grants["writer", "Collection", "docs", "Insert", "default"] = "root"
    return server


@pytest.fixture
def place():
    place = Place()
    yield place
    place.close()


@pytest.fixture
def run(monkeypatch):
    shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
    shell.run_line_magic("load_ext", "milvus_magics")
    monkeypatch.setenv("PW", PASSWORD)
    session.undo.clear()
    yield lambda line: shell.run_line_magic(*f"milvus_{line} ".split(" ", 1))
    session.undo.keep_passwords(0)
    session.undo.clear()
    connections.close_all()


@pytest.fixture
def asked(monkeypatch):
    """What was asked; everything is answered with the name, or as set."""
    asked = []
    asked_for = {"answer": None}

    def answer(text):
        asked.append(text)
        if asked_for["answer"] is None:
            raise EOFError
        return asked_for["answer"]

    monkeypatch.setattr("builtins.input", answer)
    monkeypatch.setattr(getpass, "getpass", answer)
    return asked, asked_for


def connect(address, alias="default"):
    connections.connect(alias, "root", "Milvus", uri=address)
    return connections.get(alias)


def lose_all(conn):
    """Delete, describe and grant what the five kinds are about."""
    users.create_user(conn, "bob", PASSWORD, timeout=10)
    roles.create_role(conn, "reader", timeout=10)
    users.delete_user(conn, "bob", PASSWORD, timeout=10)
    roles.drop_role(conn, "reader", timeout=10)
    users.describe_user(conn, "ann", "another text", timeout=10)
    roles.describe_role(conn, "writer", "another text", timeout=10)
    privileges.revoke_privilege(conn, "writer", "Insert", collection="docs", timeout=10)


def state_of(server):
    return dict(server.passwords), dict(server.roles), dict(server.descriptions), dict(server.grants)


@contextmanager
def untouched(server):
    before = state_of(server)
    yield
    assert state_of(server) == before


@pytest.mark.parametrize("kind", KINDS)
def test_another_cluster_at_the_same_address_asks_first(place, run, asked, kind):
    """By the magic: it says so, wants the name, and takes `--yes`; the dry run says it, too."""
    said, answer = asked
    first = place.put(prepared())
    lose_all(connect(place.address))
    other = place.put(prepared(text="of another"))
    connect(place.address)
    with untouched(other), untouched(first):
        assert "This is another Milvus than the one where" in str(run(f"{RESTORES[kind]} --dry-run"))
        with pytest.raises(ConfirmationError):
            run(RESTORES[kind])
        answer["answer"] = "something else"
        with pytest.raises(ConfirmationError):
            run(RESTORES[kind])
    assert "his is another Milvus than the one where" in said[-1]
    answer["answer"] = NAMES[kind]
    before = state_of(other)
    assert "his is another Milvus" in str(run(RESTORES[kind]))
    assert state_of(other) != before
    count = len(said)
    other = place.put(prepared(text="of a third"))
    connect(place.address)
    before = state_of(other)
    run(f"{RESTORES[kind]} --yes")
    assert state_of(other) != before
    assert len(said) == count


def restore_in_python(kind, conn, **options):
    undo, name = session.undo, NAMES[kind]
    if kind == "user":
        return undo.restore_user(conn, name, Secret(PASSWORD), timeout=10, **options)
    if kind == "role":
        return undo.restore_role(conn, name, timeout=10, **options)
    if kind == "grants":
        return undo.restore_grants(conn, name, timeout=10, **options)
    return undo.restore_description(conn, kind.partition("'")[0], name, timeout=10, **options)


@pytest.mark.parametrize("kind", KINDS)
def test_python_raises_unless_told_so(place, run, kind):
    """A clear error that says how; what was lost on the first one can be restored there afterwards."""
    first = place.put(prepared())
    lose_all(connect(place.address))
    other = place.put(prepared(text="of another"))
    conn = connect(place.address)
    with (
        untouched(other),
        pytest.raises(ConfirmationError, match="another Milvus .* nothing was restored.*elsewhere=True"),
    ):
        restore_in_python(kind, conn)
    restore_in_python(kind, conn, elsewhere=True)
    place.put(first)
    before = state_of(first)
    result = restore_in_python(kind, connect(place.address))
    assert "Milvus" not in result.note
    assert state_of(first) != before


def test_what_another_cluster_lacks_is_told_after_that(place, run):
    """The role of a user is missing, the role or user to be described, too: since it is another Milvus."""
    server = place.put(prepared())
    conn = connect(place.address)
    roles.create_role(conn, "theirs", timeout=10)
    users.create_user(conn, "bob", PASSWORD, grant=["theirs"], timeout=10)
    users.delete_user(conn, "bob", PASSWORD, timeout=10)
    users.describe_user(conn, "ann", "another text", timeout=10)
    roles.describe_role(conn, "writer", "another text", timeout=10)
    roles.create_role(conn, "reader", timeout=10)
    roles.drop_role(conn, "reader", timeout=10)
    other = place.put(ContractServer("3.0.0"))
    other.roles["reader"] = ""
    conn = connect(place.address)
    lacks = {"user": "no role 'theirs'", "role": "'reader' exists", KINDS[2]: "no user 'ann'", KINDS[3]: "no role 'wri"}
    for kind, lack in lacks.items():
        said = f"^this is another Milvus than the one where .*: .*{lack}"
        for options in ("", " --dry-run", " --yes"):
            with pytest.raises(MilvusException, match=said):
                run(f"{RESTORES[kind]}{options}")
        with pytest.raises(MilvusException, match=said):
            restore_in_python(kind, conn, elsewhere=True)
    place.put(server)
    conn = connect(place.address)
    roles.drop_role(conn, "theirs", timeout=10)
    with pytest.raises(UnknownRoleError, match="^there is no role 'theirs'"):
        run(RESTORES["user"])


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_cluster_by_another_address_restores_without_a_question(place, run, asked, kind):
    """A second alias, or another proxy; there the first one need not be reached any more."""
    first = place.put(prepared())
    lose_all(connect(place.address))
    with serving(first) as (_, address):
        place.close()
        connect(f"http://{address}", "second")
        before = state_of(first)
        assert "Milvus than" not in str(run(f"{RESTORES[kind]} --using second --dry-run"))
        run(f"{RESTORES[kind]} --using second")
        assert state_of(first) != before
        if kind in ("user", "role"):
            with pytest.raises(ParameterError, match="in this session"):
                run(f"{RESTORES[kind]} --using second")
    assert not asked[0]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("version", ["3.0.0", "2.6.19"])
def test_a_restarted_server_is_the_same(place, run, asked, kind, version):
    """Its data tell."""
    first = place.put(prepared(version=version))
    lose_all(connect(place.address))
    place.put(first)
    connect(place.address)
    before = state_of(first)
    assert "Milvus" not in run(RESTORES[kind]).note
    assert state_of(first) != before
    assert not asked[0]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("quiet", ["then", "now", "always"])
def test_what_cannot_be_asked_is_said(place, run, asked, kind, quiet):
    """Nobody is asked, and the result and the dry run say that it could not be checked."""
    place.put(prepared(Quiet if quiet != "now" else ContractServer))
    lose_all(connect(place.address))
    place.put(prepared(Quiet if quiet != "then" else ContractServer))
    connect(place.address)
    for line in (f"{RESTORES[kind]} --dry-run", RESTORES[kind]):
        assert "could not be checked (that needs Milvus 2.3 and the privilege ListDatabases" in str(run(line))
    assert not asked[0]


def test_nothing_of_another_address_and_cluster_is_offered(place, run):
    """As before: it is no such thing there."""
    place.put(prepared())
    lose_all(connect(place.address))
    with serving(prepared()) as (_, address):
        connect(f"http://{address}", "second")
        for kind in KINDS:
            with pytest.raises(ParameterError, match="in this session"):
                run(f"{RESTORES[kind]} --using second")


def test_a_kept_password_goes_to_no_other_cluster(place, run, asked):
    """There a new one is asked for, however the restoring is confirmed."""
    session.undo.keep_passwords(10)
    place.put(prepared())
    lose_all(connect(place.address))
    assert session.undo.find_secret(connections.get(), "bob")
    other = place.put(prepared(text="of another"))
    conn = connect(place.address)
    assert session.undo.find_secret(conn, "bob") is None
    with pytest.raises(ParameterError, match="--password-env VAR"):
        run("restore_user bob --yes")
    assert "with a new password" in str(run("restore_user bob --dry-run"))
    assert "bob" not in other.passwords


@pytest.mark.parametrize("lose", [delete_users, drop_users])
def test_rows_of_many_know_it_too(place, run, lose):
    """Each is asked about on another cluster; the question which one it is is shared by those under way."""
    names = [f"user{number}" for number in range(60)]
    first = place.put(prepared())
    first.passwords |= dict.fromkeys(names, PASSWORD.encode())
    conn = connect(place.address)
    first.calls.clear()
    assert {row.outcome for row in lose(conn, [{"user": name, "password": PASSWORD} for name in names])} == {"done"}
    assert 1 <= first.calls.count("ListDatabases") < len(names)
    other = place.put(prepared(text="of another"))
    conn = connect(place.address)
    for name in (names[0], names[-1]):
        with untouched(other), pytest.raises(ConfirmationError):
            session.undo.restore_user(conn, name, Secret(PASSWORD), timeout=10)
    place.put(first)
    conn = connect(place.address)
    session.undo.restore_user(conn, names[-1], Secret(PASSWORD), timeout=10)
    assert names[-1] in first.passwords


def test_one_name_deleted_on_two_clusters(place, run):
    """Each gets its own back."""
    first, second = prepared(), prepared()
    for server, text in ((first, "of the first"), (second, "of the second")):
        place.put(server)
        conn = connect(place.address)
        users.create_user(conn, "bob", PASSWORD, description=text, timeout=10)
        users.drop_user(conn, "bob", timeout=10)
    for server, text in ((first, "of the first"), (second, "of the second")):
        place.put(server)
        session.undo.restore_user(connect(place.address), "bob", Secret(PASSWORD), timeout=10)
        assert server.descriptions["bob"] == text


def test_an_answer_without_sense_tells_nothing():
    """More databases than times, or no `default`."""
    for names, times in ((["default"], []), (["default"], [1, 2]), (["lab"], [7]), ([], []), (["default"], [0])):
        server = ContractServer("2.6.18")
        server.ListDatabases = lambda *_, names=names, times=times: {"db_names": names, "created_timestamp": times}
        with serving(server) as (_, address):
            conn = connect(f"http://{address}")
            assert read_cluster(begin_cluster_question(conn, Deadline(10))) == 0
    connections.close_all()
