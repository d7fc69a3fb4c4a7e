"""A connection against a real gRPC server in this process, and against nothing."""

import re
import socket
import threading
import time
from concurrent import futures

import contract
import grpc
import pytest

from milvus_magics import wire
from milvus_magics.client import roles
from milvus_magics.errors import (
    NOTHING_SENT,
    AuthenticationError,
    CertificateError,
    ClosedError,
    DeadlineError,
    OutcomeUnknownError,
    ParameterError,
    RefusedError,
)
from milvus_magics.secret import Secret
from milvus_magics.transport.address import Address
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.credentials import Login
from milvus_magics.transport.deadline import Deadline


@pytest.fixture
def server():
    """A server that takes only `good:password` and answers GetVersion."""
    method = wire.method("GetVersion")

    def get_version(request, context):
        metadata = dict(context.invocation_metadata())
        if metadata.get("authorization") != Login("good", Secret("password")).header().reveal():
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "auth check failure")
        return method.response(version="v9")

    handler = grpc.unary_unary_rpc_method_handler(
        get_version, method.request.FromString, method.response.SerializeToString
    )
    running = grpc.server(futures.ThreadPoolExecutor(4))
    running.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("milvus.proto.milvus.MilvusService", {"GetVersion": handler}),)
    )
    port = running.add_insecure_port("127.0.0.1:0")
    running.start()
    yield port
    running.stop(0).wait()


def test_calls_as_itself_as_another_and_as_nobody(server):
    """Credentials belong to the call, not to the channel."""
    conn = Connection(Address.parse(host="127.0.0.1", port=server, user="good", password="password"))
    deadline = Deadline(5)
    assert conn.call_checked("GetVersion", deadline=deadline).version == "v9"
    for login in (None, Login("good", Secret("wrong"))):
        with pytest.raises(AuthenticationError) as caught:
            conn.call("GetVersion", deadline=deadline, login=login)
        assert caught.value.code == 1400
        with pytest.raises(AuthenticationError):
            conn.begin("GetVersion", deadline=deadline, login=login).reply()
    conn.close()


def test_dead_port_is_refused():
    """A port where nothing listens says so, at once."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    conn = Connection(Address.parse(host="127.0.0.1", port=port))
    with pytest.raises(RefusedError, match="nothing listens"):
        conn.call("GetVersion", deadline=Deadline(5))
    conn.close()


def test_silent_server_ends_within_the_deadline():
    """A server that takes the connection and says nothing ends in a DeadlineError."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        conn = Connection(Address.parse(host="127.0.0.1", port=silent.getsockname()[1]))
        with pytest.raises(DeadlineError):
            conn.call("GetVersion", deadline=Deadline(0.5))
        conn.close()


def test_call_that_comes_too_late_names_the_server():
    """An operation of several calls whose time is up between two of them says where it was waiting."""
    conn = Connection(Address.parse("127.0.0.1:1"))
    deadline = Deadline(0.001)
    time.sleep(0.01)
    for call in (conn.call, conn.begin):
        with pytest.raises(DeadlineError, match=r"http://127\.0\.0\.1:1 did not answer within 0\.001 s"):
            call("GetVersion", deadline=deadline)
    conn.close()


def test_missing_certificate_names_option_and_file():
    """The error says which option and which file."""
    for path in ("nowhere.pem", "~nobody_of_this_name/ca.pem", "a\0b"):
        with pytest.raises(CertificateError, match=f"ca_pem_path: cannot read {re.escape(repr(path))}"):
            Connection(Address.parse("https://localhost", ca_pem_path=path))


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), "5", True])
def test_bad_timeout(timeout):
    """A timeout that is no positive number is refused."""
    with pytest.raises(ParameterError, match="timeout"):
        Deadline(timeout)


def test_connecting_again_tries_again_at_once():
    """One connection's failure and waiting time are not the next one's, as gRPC's shared subchannels would have it."""
    for _ in range(5):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            port = silent.getsockname()[1]
            first = Connection(Address.parse(f"127.0.0.1:{port}"))
            with pytest.raises(DeadlineError):
                first.call("GetVersion", deadline=Deadline(0.3))
            first.close()
        again = Connection(Address.parse(f"127.0.0.1:{port}"))
        with pytest.raises(RefusedError):
            again.call("GetVersion", deadline=Deadline(5))
        again.close()


@pytest.mark.parametrize("way", ["call", "begin"])
def test_a_connection_that_is_closed_just_before_a_call_says_so(way):
    """By another thread, between our look whether it is open and gRPC's own; nothing was sent, nothing raw comes."""
    with contract.serve("2.6.18") as (_, address):
        conn = Connection(Address.parse(address, user="root", password="Milvus"))
        conn.call("GetVersion", deadline=Deadline(10))
        kept = conn._calls
        conn.close()
        conn._calls = kept
        with pytest.raises(ClosedError) as caught:
            getattr(conn, way)("GetVersion", deadline=Deadline(10))
    assert caught.value.outcome == NOTHING_SENT


class Slow(contract.ContractServer):
    """Lets nobody go on before the test is over."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.has_come, self.may_go_on = threading.Event(), threading.Event()

    def _wait(self):
        self.has_come.set()
        self.may_go_on.wait(10)

    def GetVersion(self, request, caller, metadata):
        self._wait()
        return super().GetVersion(request, caller, metadata)

    def CreateRole(self, request, caller, metadata):
        self._wait()
        return super().CreateRole(request, caller, metadata)


WAYS = {
    "call": lambda conn: conn.call("GetVersion", deadline=Deadline(10)),
    "begin": lambda conn: conn.begin("GetVersion", deadline=Deadline(10)).reply(),
    "change": lambda conn: roles.create_role(conn, "reader", timeout=10),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_connection_that_is_closed_beside_a_call_says_so(way):
    """By another thread, while the server is at it; and nobody claims that nothing was sent."""
    with contract.serving(Slow("2.6.18", authorization=True)) as (server, address):
        conn = Connection(Address.parse(address, user="root", password="Milvus"))
        with futures.ThreadPoolExecutor(1) as pool:
            told = pool.submit(WAYS[way], conn)
            assert server.has_come.wait(10)
            conn.close()
            error = told.exception(10)
        server.may_go_on.set()
    if way == "change":
        assert isinstance(error, OutcomeUnknownError)
        error = error.__cause__
    assert type(error) is ClosedError
    assert error.outcome is None
    assert "closed on this side" in str(error)


def test_a_connection_that_is_closed_while_the_server_is_asked_says_so():
    """The answer of a change was lost for another reason: that, and the closing, are told."""

    class Losing(Slow):
        def CreateRole(self, request, caller, metadata):
            raise contract.Denied(grpc.StatusCode.UNAVAILABLE, "lost on the way")

        def SelectRole(self, request, caller, metadata):
            if self.calls.count("CreateRole"):
                self._wait()
            return super().SelectRole(request, caller, metadata)

    with contract.serving(Losing("2.6.18", authorization=True)) as (server, address):
        conn = Connection(Address.parse(address, user="root", password="Milvus"))
        with futures.ThreadPoolExecutor(1) as pool:
            told = pool.submit(WAYS["change"], conn)
            assert server.has_come.wait(10)
            conn.close()
            error = told.exception(10)
        server.may_go_on.set()
    assert isinstance(error, OutcomeUnknownError)
    assert "lost on the way" in str(error)
    assert "the connection was closed meanwhile" in str(error)
    assert type(error.__cause__) is ClosedError


@pytest.mark.parametrize("name", ["plain", "C# course", "what?", "a%20b", "100%", "50%25", "a b", "ä;&:@"])
def test_a_socket_is_found_whatever_its_path_holds(tmp_path, name):
    """gRPC reads the path of a `unix:` address as that of a URL; people write the name that the file has."""
    with contract.serve("2.6.18") as (server, _):
        running = grpc.server(futures.ThreadPoolExecutor(2))
        running.add_generic_rpc_handlers((server,))
        running.add_insecure_port(f"unix:{tmp_path}/s")
        running.start()
        (tmp_path / name).symlink_to(tmp_path / "s")
        address = Address.parse(f"unix:{tmp_path}/{name}", user="root", password="Milvus")
        conn = Connection(address)
        assert conn.call("GetVersion", deadline=Deadline(5)).version == "2.6.18"
        assert address.url == f"unix:{tmp_path}/{name}", "it is shown as it was written"
        conn.close()
        running.stop(0).wait()
