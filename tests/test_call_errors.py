"""What is told of a connection on which something stands between: gateways, meshes, proxies, variables."""

import base64
import os
import socket
import ssl
import traceback
from concurrent import futures
from contextlib import contextmanager

import contract
import grpc
import pytest
from certificates import Issued

from milvus_magics import connections, errors
from milvus_magics.client import users
from milvus_magics.transport.address import Address
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline
from milvus_magics.transport.http_proxy import find_proxy

pytestmark = pytest.mark.filterwarnings("ignore:passwords travel in plaintext")
PASSWORD = "Zq7-hunter-Kx9"
MILVUS = "auth check failure, please check username and password are correct"


class Gateway(contract.ContractServer):
    """Refuses every call with a status and words, and metadata behind it."""

    code, words, trailer = grpc.StatusCode.UNAVAILABLE, "", ()

    def login(self, metadata):
        raise contract.Denied(self.code, self.words.replace("HEADER", metadata.get("authorization", "")))


@pytest.fixture(scope="module")
def gateway():
    with contract.serving(Gateway("2.6.18")) as (server, address):
        yield server, address


def refusal(address, **login):
    """The error of a connection attempt."""
    with pytest.raises(errors.MilvusException) as caught:
        connections.connect("link", uri=f"http://{address}", timeout=5, **login)
    return caught.value


def frames_of(error):
    """What our frames hold while an error passes."""
    frames = traceback.TracebackException.from_exception(error, capture_locals=True).stack
    return [frame.locals for frame in frames if "milvus_magics" in frame.filename]


@pytest.mark.parametrize(
    ("code", "words", "error", "said"),
    [
        ("PERMISSION_DENIED", "RBAC: access denied", errors.PermissionDeniedError, ["RBAC: access denied", "gateway"]),
        ("PERMISSION_DENIED", "PrivilegeX: permission deny to root", errors.PermissionDeniedError, ["privilege X"]),
        ("UNAUTHENTICATED", "Jwt is missing", errors.AuthenticationError, ["Jwt is missing", "gateway", "'root'"]),
        ("UNAUTHENTICATED", "missing authorization in header", errors.AuthenticationError, ["header", "were sent"]),
        ("UNAUTHENTICATED", MILVUS, errors.AuthenticationError, ["refuses user 'root' with this password"]),
        ("RESOURCE_EXHAUSTED", "rate limit exceeded[rate=10]", errors.RateLimitedError, ["too many", "[rate=10]"]),
        ("UNAVAILABLE", "Received http2 header with status: 429", errors.RateLimitedError, ["too many", "429"]),
        ("RESOURCE_EXHAUSTED", "received message larger than max", errors.ServerError, ["larger than max"]),
        ("RESOURCE_EXHAUSTED", "iterate over quota disk", errors.ServerError, ["RESOURCE_EXHAUSTED: iterate over"]),
        ("RESOURCE_EXHAUSTED", "disk quota exceeded", errors.ServerError, ["disk quota"]),
        ("RESOURCE_EXHAUSTED", "Quota exceeded for requests per minute", errors.RateLimitedError, ["too many"]),
        ("UNAVAILABLE", "cannot rate the caller", errors.UnavailableError, ["not available: cannot rate"]),
        ("UNAVAILABLE", "internal: Milvus Proxy is not ready yet. please wait", errors.UnavailableError, ["ready yet"]),
        ("UNAVAILABLE", "no healthy upstream", errors.UnavailableError, ["in front of Milvus", "no healthy upstream"]),
        (
            "UNAVAILABLE",
            "upstream connect error. reset reason: connection refused",
            errors.UnavailableError,
            ["in front of Milvus", "connection refused"],
        ),
        ("UNAVAILABLE", "maintenance until noon", errors.UnavailableError, ["not available: maintenance until noon"]),
    ],
)
def test_what_stands_in_front_of_milvus_is_heard(gateway, code, words, error, said):
    """In its own words, and never as what it isn't."""
    server, address = gateway
    server.code, server.words = getattr(grpc.StatusCode, code), words
    told = refusal(address, user="root", password=PASSWORD)
    assert type(told) is error
    assert all(piece in str(told) for piece in said), str(told)
    assert "cannot be reached" not in str(told), "it answers"
    assert ("not Milvus's own words" in str(told)) == ("gateway" in said), str(told)


class Losing(contract.ContractServer):
    """Makes every change, and answers with the words of a server behind it; `is_gone`: it answers all others, too."""

    words, is_gone = "", False

    def answer(self, method, metadata, data):
        reply = super().answer(method, metadata, data)
        if self.words and (self.is_gone or method in ("CreateCredential", "DeleteCredential")):
            raise contract.Denied(grpc.StatusCode.UNAVAILABLE, self.words)
        return reply


MESH = [
    "client 10.1.1.1:33: server: 10.2.2.2:19530: Connection refused (os error 111)",
    "failed to connect to all addresses in the pool",
    # What gRPC itself says of the server behind a gateway that is built with it; ours says the same of its own.
    "failed to connect to all addresses; last error: UNKNOWN: ipv4:10.2.2.2:19530: Failed to connect to remote host: "
    "Connection refused",
    "DNS resolution failed at the mesh",
    "DNS resolution failed for milvus.db.svc:19530: C-ares status is not ARES_SUCCESS: Domain name not found",
    "errors resolving milvus.db.svc:19530: [field:hostname lookup error:Domain name not found]",
    "errors resolving cluster",
    "the certificate of the caller has expired",
    "no such file",
    "request timed out at gateway",
    "upstream connect error or disconnect/reset before headers. reset reason: connection termination",
]


@pytest.fixture
def losing(shell):
    """A `Losing` server with a user, connected to, and the changes that are told."""
    audit = []
    with contract.serving(Losing("2.6.18")) as (server, address):
        server.passwords["bob"] = PASSWORD.encode()
        connections.connect(uri=f"http://{address}", user="root", password="Milvus")
        connections.get().seconds_to_settle = 0.1
        connections.get().on_change.append(audit.append)
        yield server, audit
        connections.close_all()


@pytest.mark.parametrize("words", MESH)
def test_the_words_of_a_mesh_are_no_proof_that_nothing_was_sent(words, losing, tmp_path, shell):
    """So the server is asked."""
    server, audit = losing
    server.words = words
    line = f"new --generate --password-to {tmp_path}/new"
    assert "the answer was lost" in str(shell.run_line_magic("milvus_create_user", line))
    assert "the answer was lost" in users.delete_user(connections.get(), "bob", PASSWORD, timeout=5).note
    assert (tmp_path / "new").read_bytes() == server.passwords["new"], "no password that was made up is lost"
    assert "bob" not in server.passwords
    assert [change.outcome for change in audit] == ["done", "done"]


@pytest.mark.parametrize("words", MESH)
def test_a_change_behind_a_mesh_that_is_gone_is_unknown(words, losing, tmp_path, shell):
    """With the mesh's words; and a password that was made up is kept."""
    server, audit = losing
    create = server.CreateCredential
    server.CreateCredential = lambda *request: setattr(server, "is_gone", True) or create(*request)
    server.words = words
    with pytest.raises(errors.OutcomeUnknownError) as told:
        shell.run_line_magic("milvus_create_user", f"new --generate --password-to {tmp_path}/new")
    assert words in str(told.value)
    assert (tmp_path / "new").read_bytes() == server.passwords["new"], "no password that was made up is lost"
    assert [change.outcome for change in audit] == ["unknown"]


def test_where_grpc_found_no_way_nothing_was_sent(losing):
    """Nothing listens, or nobody knows the name: that is certain, and told at once."""
    _, audit = losing
    for uri, error in [("http://127.0.0.1:1", errors.RefusedError), ("no.invalid", errors.NameResolutionError)]:
        conn = Connection(Address.parse(uri, user="root", password="Milvus"))
        conn.on_change.append(audit.append)
        with pytest.raises(error) as told:
            users.create_user(conn, "new", PASSWORD, grant=(), is_new=True, timeout=5)
        conn.close()
        assert told.value.outcome is errors.NOTHING_SENT
    assert [change.outcome for change in audit] == ["refused", "refused"]


def test_a_caller_without_a_login_is_not_told_that_it_was_sent(gateway):
    """The same words of Milvus mean something else there."""
    server, address = gateway
    server.code, server.words = grpc.StatusCode.UNAUTHENTICATED, "missing authorization in header"
    assert "requires a login: add --user NAME" in str(refusal(address))


@pytest.mark.parametrize("code", [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK])
def test_a_gateway_that_quotes_the_header_shows_it_to_nobody(gateway, code):
    """Not in the line, the details, the cause or the context, however far one goes."""
    server, address = gateway
    server.code, server.words = code, "illegal header value: authorization=HEADER"
    header = Address.parse("h", user="bob", password=PASSWORD).login.header().reveal()
    conn = Connection(Address.parse(address, user="bob", password=PASSWORD))
    for ask in (conn.call, lambda *name, **more: conn.begin(*name, **more).reply()):
        with pytest.raises(errors.MilvusException) as caught:
            ask("GetVersion", deadline=Deadline(5))
        error = caught.value
        assert code is grpc.StatusCode.DEADLINE_EXCEEDED or "********" in error.details
        while error is not None:
            assert (
                header not in f"{error} {error!r} {vars(error)} {getattr(error, 'details', '')} {frames_of(error)}"
            ), "no password in what a gateway says"
            error = error.__cause__ or error.__context__
    conn.close()


@pytest.mark.parametrize("is_status", [True, False], ids=["in a status", "in gRPC's error"])
def test_a_password_of_the_request_that_is_quoted_is_shown_to_nobody(is_status):
    """As it travels, or as it is; as `user:password`'s, too."""
    secret = "new-Zq7-hunter"

    class Quoting(contract.ContractServer):
        def CreateCredential(self, request, caller, metadata):
            words = f"bad request: {request}, password {secret}"
            raise contract.Refusal(1, 65535, words) if is_status else contract.Denied(grpc.StatusCode.INTERNAL, words)

    with contract.serving(Quoting("2.6.18", authorization=True)) as (_, address):
        conn = Connection(Address.parse(address, user="root", password="Milvus"))
        with pytest.raises(errors.MilvusException) as caught:
            users.create_user(conn, "bob", secret, timeout=10)
        conn.close()
    error, coded = caught.value, base64.b64encode(secret.encode()).decode()
    assert "********" in str(error)
    while error is not None:
        shown = f"{error!r} {error} {getattr(error, 'details', '')} {frames_of(error)}"
        assert secret not in shown, "no password in what a server says"
        assert coded not in shown, "no password in what a server says"
        error = error.__cause__ or error.__context__


def test_what_grpc_says_without_a_secret_stays_the_cause(gateway):
    """For whoever looks for the reason of a fault."""
    server, address = gateway
    server.code, server.words = grpc.StatusCode.INTERNAL, "disk on fire"
    told = refusal(address, user="root", password=PASSWORD)
    assert isinstance(told.__cause__, grpc.RpcError)
    assert told.details == told.__cause__.details() == "disk on fire"


@pytest.fixture
def no_proxies(monkeypatch):
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    return monkeypatch


@pytest.mark.parametrize("variable", ["grpc_proxy", "https_proxy", "http_proxy"])
def test_a_dead_proxy_is_named_with_its_variable(no_proxies, variable):
    """And not taken for the server; credentials in the variable stay there."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    no_proxies.setenv(variable, f"http://me:{PASSWORD}@127.0.0.1:{port}")
    told = refusal("milvus.corp.example:19530")
    assert type(told) is errors.HttpProxyError
    assert f"the HTTP proxy 127.0.0.1:{port} in the variable {variable}" in str(told)
    assert "add milvus.corp.example to no_proxy" in str(told)
    assert PASSWORD not in f"{told} {told.details}"


def test_a_proxy_that_nobody_can_look_up_is_named(no_proxies):
    """Nor is the server's name blamed, which nobody looked up."""
    no_proxies.setenv("http_proxy", "http://proxy.invalid:3128")
    told = refusal("milvus.corp.example:19530")
    assert type(told) is errors.HttpProxyError
    assert "proxy.invalid:3128" in str(told)


@pytest.mark.parametrize(
    ("host", "exceptions", "is_found"),
    [
        ("milvus.corp.example", "", True),
        ("milvus.corp.example", "other.example, corp.example", False),
        ("milvus.corp.example", "CORP.example", False),
        ("10.1.2.3", "10.1.0.0/16", False),
        ("10.2.2.3", "10.1.0.0/16", True),
        ("localhost", "", False),
    ],
)
def test_no_proxy_is_read_as_grpc_reads_it(no_proxies, host, exceptions, is_found):
    """Ends of names, networks; this machine never goes by a proxy."""
    no_proxies.setenv("http_proxy", "http://proxy:3128")
    no_proxies.setenv("no_proxy", exceptions)
    assert (find_proxy(Address.parse(f"http://{host}")) is not None) == is_found


@pytest.mark.parametrize(
    "value",
    ["http://{}", "http://me:pw@{}/path", "{}", "localhost:3128", "//{}", "http:{}", "http:/{}", "http:///{}", " http://{}",
     "socks5://{}", "https://{}"],
)  # fmt: skip
def test_only_a_proxy_that_grpc_takes_is_blamed(no_proxies, value):
    """What gRPC itself does decides: many a value that other programs understand means nothing to it."""
    is_expected = value in ("http://{}", "http://me:pw@{}/path")
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        proxy.settimeout(5 if is_expected else 0.2)
        no_proxies.setenv("http_proxy", value.format(f"127.0.0.1:{proxy.getsockname()[1]}"))
        channel = grpc.insecure_channel("127.0.0.1:1", options=[("grpc.use_local_subchannel_pool", 1)])
        call = channel.unary_unary("/a.service/a_method").future(b"", timeout=2)
        try:
            proxy.accept()[0].close()
            is_used = True
        except TimeoutError:
            is_used = False
        call.cancel()
        channel.close()
        assert (find_proxy(Address.parse("http://milvus.corp.example")) is not None) == is_used
        assert is_used == is_expected


def test_credentials_of_a_proxy_that_a_sign_cuts_in_two_are_not_told(no_proxies):
    """gRPC takes what stands before the sign for host and port, so no server's name is in there."""
    no_proxies.setenv("http_proxy", f"http://me:{PASSWORD}#1@proxy.example:3128")
    assert find_proxy(Address.parse("http://milvus.corp.example")).server == "which it names"


@contextmanager
def tls_without_http2(tmp_path):
    """A server that speaks TLS and agrees to no protocol in it; its address and certificate."""
    issued = Issued("localhost")
    (tmp_path / "cert.pem").write_bytes(issued.pem)
    (tmp_path / "key.pem").write_bytes(issued.key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")

    def serve(listening):
        while True:
            try:
                accepted, _ = listening.accept()
            except OSError:
                return
            try:
                with context.wrap_socket(accepted, server_side=True) as secured:
                    secured.recv(1)
            except OSError:
                pass

    with socket.create_server(("127.0.0.1", 0)) as listening, futures.ThreadPoolExecutor(1) as pool:
        pool.submit(serve, listening)
        yield f"https://localhost:{listening.getsockname()[1]}", str(tmp_path / "cert.pem")
        listening.shutdown(socket.SHUT_RDWR)


def test_tls_without_http2_is_told(tmp_path, no_proxies):
    """As a load balancer does whose HTTP/2 is off."""
    with tls_without_http2(tmp_path) as (uri, certificate):
        conn = Connection(Address.parse(uri, ca_pem_path=certificate))
        with pytest.raises(errors.TlsError, match="speaks TLS, but not HTTP/2"):
            conn.call("GetVersion", deadline=Deadline(5))
        conn.close()


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("MILVUS_URI", '"http://localhost:1"', "begins with a quote"),
        ("MILVUS_URI", "http://localhost:1 # the test server", "a comment behind its value"),
        ("MILVUS_URI", "ftp://localhost", "'ftp' is no scheme"),
        ("MILVUS_URI", "./milvus.db", "Milvus Lite"),
        ("MILVUS_TOKEN", f"'root:{PASSWORD}'", "begins with a quote"),
        ("MILVUS_TOKEN", f":{PASSWORD}", "needs a user and a password, as user:password"),
    ],
)
def test_a_variable_that_cannot_be_used_is_named(monkeypatch, variable, value, said):
    """With what is wrong with it; nothing of a token is shown."""
    monkeypatch.setenv("MILVUS_URI", "http://localhost:1")
    monkeypatch.delenv("MILVUS_TOKEN", raising=False)
    monkeypatch.setenv(variable, value)
    with pytest.raises(errors.MilvusException, match=f"the .*variable {variable}.*") as caught:
        Address.parse()
    assert said in str(caught.value)
    assert PASSWORD not in f"{frames_of(caught.value)} {caught.value.__context__}"


def test_the_variables_are_named_where_the_server_refuses_what_they_say(monkeypatch, gateway):
    """Nothing was typed that could be wrong."""
    server, address = gateway
    server.code, server.words = grpc.StatusCode.UNAUTHENTICATED, "auth check failure, please check api key is correct"
    monkeypatch.setenv("MILVUS_URI", f"http://{address}")
    monkeypatch.setenv("MILVUS_TOKEN", f"{PASSWORD} # of the test server")
    with pytest.raises(errors.AuthenticationError, match="from MILVUS_URI and MILVUS_TOKEN; a comment behind"):
        connections.connect("link", timeout=5)
    monkeypatch.setenv("MILVUS_URI", "http://127.0.0.1:1")
    with pytest.raises(errors.RefusedError, match="from MILVUS_URI and MILVUS_TOKEN"):
        connections.connect("link", timeout=5)
    assert "from" not in str(refusal(address, user="root", password=PASSWORD))
