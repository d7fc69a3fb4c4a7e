"""TLS against a real gRPC server in this process: every way that it fails has a line of its own."""

from concurrent import futures

import grpc
import pytest
from certificates import Issued

from milvus_magics import wire
from milvus_magics.errors import CertificateError, MilvusException, ParameterError, TlsError, UnavailableError
from milvus_magics.transport.address import Address
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline


@pytest.fixture(scope="module")
def ca():
    return Issued("ca")


@pytest.fixture
def serve():
    """Start a server that answers GetVersion; returns its port."""
    running = []

    def start(credentials=None):
        method = wire.method("GetVersion")
        handler = grpc.unary_unary_rpc_method_handler(
            lambda request, context: method.response(version="v9"),
            method.request.FromString,
            method.response.SerializeToString,
        )
        server = grpc.server(futures.ThreadPoolExecutor(4))
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler("milvus.proto.milvus.MilvusService", {"GetVersion": handler}),)
        )
        add = server.add_insecure_port if credentials is None else server.add_secure_port
        port = add("127.0.0.1:0", *([] if credentials is None else [credentials]))
        server.start()
        running.append(server)
        return port

    yield start
    for server in running:
        server.stop(0).wait()


@pytest.fixture
def file(tmp_path):
    """Write bytes to a file; returns its path."""

    def write(name, content):
        (tmp_path / name).write_bytes(content)
        return str(tmp_path / name)

    return write


def version(port, scheme="https", **options):
    conn = Connection(Address.parse(f"{scheme}://127.0.0.1:{port}", **options))
    try:
        return conn.call_checked("GetVersion", deadline=Deadline(5)).version
    finally:
        conn.close()


def one_way(server):
    return grpc.ssl_server_credentials([(server.key_pem, server.pem)])


def test_one_way_with_the_authority_or_the_servers_own_certificate(ca, serve, file):
    """Either file makes the server trusted, and server_name replaces the host's name."""
    port = serve(one_way(Issued("ip", ca)))
    assert version(port, ca_pem_path=file("ca.pem", ca.pem)) == "v9"
    own = Issued("milvus.example")
    port = serve(one_way(own))
    assert version(port, server_pem_path=file("own.pem", own.pem), server_name="milvus.example") == "v9"


def test_mutual(ca, serve, file):
    """A server that wants a client certificate gets it; without it there is a TlsError that names the option."""
    server, client = Issued("ip", ca), Issued("client", ca)
    port = serve(grpc.ssl_server_credentials([(server.key_pem, server.pem)], ca.pem, True))
    trusted = {"ca_pem_path": file("ca.pem", ca.pem)}
    pair = {"client_pem_path": file("c.pem", client.pem), "client_key_path": file("c.key", client.key_pem)}
    assert version(port, **trusted, **pair) == "v9"
    with pytest.raises(UnavailableError, match="client"):
        version(port, **trusted)


def test_wrong_authority_wrong_name_and_expired(ca, serve, file):
    """All three are a certificate that is not accepted."""
    trusted = {"ca_pem_path": file("ca.pem", ca.pem)}
    for server in (Issued("ip", Issued("other")), Issued("elsewhere.example", ca), Issued("ip", ca, days=-1)):
        with pytest.raises(CertificateError, match="is not accepted"):
            version(serve(one_way(server)), **trusted)


def test_tls_and_plaintext_mixed_up(ca, serve, file):
    """Each reverse of the other says which it is."""
    with pytest.raises(TlsError, match="does not speak TLS"):
        version(serve(), ca_pem_path=file("ca.pem", ca.pem))
    with pytest.raises(UnavailableError, match="write https://"):
        version(serve(one_way(Issued("ip", ca))), scheme="http")


@pytest.mark.parametrize("option", ["ca_pem_path", "server_pem_path", "client_pem_path", "client_key_path"])
def test_broken_file_names_its_option(ca, file, option):
    """A file that doesn't parse, or holds something else, is named with its option."""
    marker = b"PRIVATE KEY" if option == "client_key_path" else b"CERTIFICATE"
    pair = {"client_pem_path": file("c.pem", ca.pem), "client_key_path": file("c.key", ca.key_pem)}
    options = pair if option.startswith("client") else {}
    for content in (b"nothing", b"-----BEGIN " + marker + b"-----\nAAAA\n-----END " + marker + b"-----\n"):
        options[option] = file("broken.pem", content)
        with pytest.raises(CertificateError, match=rf"^{option}: .*broken\.pem"):
            Connection(Address.parse("https://localhost", **options))


def test_client_certificate_without_its_key(ca, file):
    """Half a pair is refused before anything is opened."""
    with pytest.raises(ParameterError, match="client_key_path beside it"):
        Connection(Address.parse("https://localhost", client_pem_path=file("c.pem", ca.pem)))


def test_key_of_another_certificate(ca, file):
    """A pair that doesn't match is refused."""
    pair = {"client_pem_path": file("c.pem", ca.pem), "client_key_path": file("c.key", Issued("x").key_pem)}
    with pytest.raises(MilvusException, match="client_key_path"):
        Connection(Address.parse("https://localhost", **pair))
