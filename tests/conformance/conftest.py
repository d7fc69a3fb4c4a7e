"""The servers that the tests run on: the one that `--server` names, or else those that this machine has."""

import importlib.util

import contract
import pytest
from contract.versions import RECORDED
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from conformance import state
from conformance.server import DEFAULT_PASSWORD, Server
from milvus_magics import embedded
from milvus_magics.secret import Secret
from milvus_magics.session import session

# The law of rights is called where it is there.
collect_ignore = [] if importlib.util.find_spec("rights_law") else ["test_law_of_rights.py"]
OFF = ", authorization off"
SERVERS = [f"{version}{off}" for version in ("real 2.3.5", *RECORDED) for off in ("", OFF)]


def pytest_generate_tests(metafunc):
    """Each test on each server."""
    if "place" in metafunc.fixturenames:
        given = metafunc.config.getoption("server")
        metafunc.parametrize("place", ["given"] if given else SERVERS, indirect=True, scope="module")


@pytest.fixture(scope="session")
def given(request):
    """The server that is named, with what `make conformance` gives beside it."""
    password = Secret.from_environment("MILVUS_PASSWORD") or Secret(DEFAULT_PASSWORD)
    yield from prepared(Server(request.config.getoption("server"), password, request.config.getoption("prefix")))


@pytest.fixture(scope="session")
def real_on():
    with embedded.start() as server:
        yield from prepared(Server(server.uri, server.password))


@pytest.fixture(scope="session")
def real_off():
    with embedded.start(authorization=False) as server:
        yield from prepared(Server(server.uri, Secret(DEFAULT_PASSWORD)))


def prepared(server):
    """With a database and collections; afterwards everything is as before."""
    before = state.read(server.conn)
    try:
        server.prepare()
        yield server
    finally:
        wrong = state.clear(server.conn, server.places, server.prefix)
        wrong += state.differences(before, state.read(server.conn))
        server.close()
    assert not wrong, wrong


@pytest.fixture(scope="module")
def place(request):
    """A server for the tests of a module."""
    name, _, off = request.param.partition(OFF[:2])
    if name in RECORDED:
        with contract.serve(name, authorization=not off) as (inside, address):
            before = dict(inside.grants)
            yield from prepared(Server(f"http://{address}", Secret(DEFAULT_PASSWORD), inside=inside))
            assert inside.grants == before, "nothing is left of a role that was dropped"
    else:
        fixture = "given" if name == "given" else "real_off" if off else "real_on"
        yield request.getfixturevalue(fixture)


@pytest.fixture
def on(place, request):
    """The server, on which there is none of our users, roles and groups."""
    place.asked.clear()
    yield place
    place.clear_access()
    request.node.user_properties += [("trait", name) for name in sorted(place.asked)]


@pytest.fixture
def run(on, monkeypatch):
    """Run a line in a shell that is connected as root: `run("list_users")`; `run.names` are the notebook's."""
    shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
    shell.run_line_magic("load_ext", "milvus_magics")
    monkeypatch.setenv("PW", "right-password")
    monkeypatch.setenv("NEW", "new-password")
    on.bind()
    session.journal.clear()
    session.undo.clear()

    def run(line):
        return shell.run_line_magic(*f"milvus_{line} ".split(" ", 1))

    run.names = shell.user_ns
    yield run
    session.undo.keep_passwords(0)
    shell.run_line_magic("unload_ext", "milvus_magics")
