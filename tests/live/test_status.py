"""What is told in situations that a user meets: each provoked for real, with a server or something that is none."""

import contextlib
import http.server
import os
import subprocess
import sys
import threading
from concurrent import futures

import grpc
import pytest

from milvus_magics import embedded
from milvus_magics.client import users
from milvus_magics.errors import MilvusLiteError, NameResolutionError, NotMilvusError, ServerTooOldError
from milvus_magics.transport.address import Address
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline


@pytest.fixture(scope="module")
def server():
    with embedded.start(tcp_port=0) as server:
        yield server


@contextlib.contextmanager
def connected(uri, **options):
    conn = Connection(Address.parse(uri, **options))
    try:
        yield conn
    finally:
        conn.close()


@contextlib.contextmanager
def http_server(status):
    """A web server that answers everything with this status and a page; its port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def _answer(self):
            self.send_response(status)
            self.end_headers()
            self.wfile.write(b"<html>elsewhere</html>")

        do_GET = do_POST = do_CONNECT = do_PRI = _answer

        def log_message(self, *args):
            pass

    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    try:
        yield running.server_port
    finally:
        running.shutdown()
        running.server_close()


@contextlib.contextmanager
def grpc_server(*handlers):
    running = grpc.server(futures.ThreadPoolExecutor(2))
    running.add_generic_rpc_handlers(handlers)
    port = running.add_insecure_port("127.0.0.1:0")
    running.start()
    try:
        yield port
    finally:
        running.stop(0).wait()


def test_unknown_host_name():
    """A name that no resolver may know (RFC 6761)."""
    with connected("http://milvus.invalid:19530") as conn:
        with pytest.raises(NameResolutionError, match=r"'milvus\.invalid' is unknown"):
            users.list_usernames(conn, timeout=10)


@pytest.mark.parametrize("status", [200, 404])
def test_web_server(status):
    """HTTP/1, as a dashboard or a load balancer would speak it."""
    with http_server(status) as port, connected(f"127.0.0.1:{port}") as conn:
        with pytest.raises(NotMilvusError, match="19530"):
            users.list_usernames(conn, timeout=10)


def test_another_grpc_service():
    """It knows no service of this name."""
    with grpc_server() as port, connected(f"127.0.0.1:{port}") as conn:
        with pytest.raises((NotMilvusError, MilvusLiteError)):
            users.list_usernames(conn, timeout=10)


def test_operation_that_this_server_does_not_have(server):
    """Privilege groups came with 2.5, this is 2.3: said with what is needed."""
    with connected(f"http://{server.address}", user="root", password=server.password) as conn:
        with pytest.raises(ServerTooOldError, match="too old"):
            conn.call_checked("CreatePrivilegeGroup", deadline=Deadline(5), group_name="g")
        assert users.list_usernames(conn, timeout=5) == ["root"], "the channel stays usable"


PROXIED = """
from milvus_magics.client import users
from milvus_magics.transport.address import Address
from milvus_magics.transport.connection import Connection
import sys
conn = Connection(Address.parse(sys.argv[1]))
try:
    users.list_usernames(conn, timeout=10)
except Exception as exc:
    print(type(exc).__name__, exc)
conn.close()
"""


@pytest.mark.parametrize("variable", ["http_proxy", "https_proxy", "grpc_proxy"])
def test_proxy_in_the_way(variable):
    """A proxy that refuses: the message names the variable and the way out (gRPC reads it once per process)."""
    with http_server(403) as port:
        environment = {k: v for k, v in os.environ.items() if "proxy" not in k.lower()}
        environment[variable] = f"http://127.0.0.1:{port}"
        run = subprocess.run(
            [sys.executable, "-c", PROXIED, "http://milvus.invalid:19530"],
            env=environment, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
    assert run.stdout.startswith("HttpProxyError"), run.stdout + run.stderr
    assert variable in run.stdout
    assert "no_proxy" in run.stdout


def test_proxy_is_not_asked_for_this_machine(server):
    """`http_proxy` set, as on many machines: a server on 127.0.0.1 is reached all the same."""
    with http_server(403) as port:
        environment = {**os.environ, "http_proxy": f"http://127.0.0.1:{port}"}
        run = subprocess.run(
            [sys.executable, "-c", PROXIED, f"http://{server.address}"],
            env=environment, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
    assert run.stdout.startswith("AuthenticationError"), run.stdout + run.stderr
