"""One real Milvus for all tests that need nothing special; a module that does has its own `server`."""

import pytest

from milvus_magics import connections, embedded
from milvus_magics.client import users


@pytest.fixture(scope="session")
def server():
    with embedded.start(tcp_port=0) as server:
        yield server


@pytest.fixture
def root(server):
    """The connection `default`, as root; afterwards nobody else is left."""
    connections.connect(uri=server.uri, user="root", password=server.password)
    conn = connections.get()
    yield conn
    conn = connections.get()
    for name in users.list_usernames(conn):
        if name != "root":
            users.drop_user(conn, name)
    connections.close_all()
