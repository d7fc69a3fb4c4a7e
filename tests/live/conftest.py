"""One real Milvus for all tests that need nothing special; a module that does has its own `server`."""

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from milvus_magics import connections, embedded
from milvus_magics.client import roles, users


@pytest.fixture(scope="session")
def server():
    with embedded.start(tcp_port=0) as server:
        yield server


@pytest.fixture
def root(server):
    """The connection `default`, as root; afterwards no other user and no other role is left."""
    connections.connect(uri=server.uri, user="root", password=server.password)
    yield connections.get()
    connections.connect(uri=server.uri, user="root", password=server.password)
    empty(connections.get())
    connections.close_all()


@pytest.fixture
def shell(root, monkeypatch):
    """A shell with the extension loaded, connected as root, with passwords in the environment."""
    shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
    shell.run_line_magic("load_ext", "milvus_magics")
    monkeypatch.setenv("PW", "right-password")
    monkeypatch.setenv("NEW", "new-password")
    monkeypatch.setenv("EMPTY", "")
    yield shell
    shell.run_line_magic("unload_ext", "milvus_magics")


def empty(conn):
    """Take away every user but root and every role that is not the server's own."""
    for name in users.list_usernames(conn, timeout=10):
        if name != "root":
            users.drop_user(conn, name, timeout=10)
    for role in roles.list_roles(conn, users=False, timeout=10):
        if role.name not in ("admin", "public"):
            roles.drop_role(conn, role.name, force=True, timeout=10)
