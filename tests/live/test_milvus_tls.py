"""Milvus's own two TLS modes: everything works through them, and what fails says why."""

import pytest
from certificates import Issued

from milvus_magics import ConnectForm, Console, connections, embedded
from milvus_magics.client import users
from milvus_magics.errors import (
    AuthenticationError,
    CertificateError,
    MilvusException,
    TlsError,
    UnavailableError,
    WrongPasswordError,
)
from milvus_magics.transport.address import Address
from milvus_magics.transport.connection import Connection

PASSWORD = "right-password"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Paths of keys and certificates, by name."""
    directory = tmp_path_factory.mktemp("tls")
    ca, other = Issued("ca"), Issued("other")
    made = {
        "ca.pem": ca.pem,
        "other.pem": other.pem,
        **{
            f"{name}.{kind}": content
            for name, issued in (
                ("server", Issued("ip", ca)),
                ("client", Issued("client", ca)),
                ("old_server", Issued("ip", ca, days=-1)),
                ("old_client", Issued("client", ca, days=-1)),
            )
            for kind, content in (("pem", issued.pem), ("key", issued.key_pem))
        },
        "stranger.pem": (stranger := Issued("client", other)).pem,
        "stranger.key": stranger.key_pem,
    }
    for name, content in made.items():
        (directory / name).write_bytes(content)
    return {name: str(directory / name) for name in made}


def settings(files, mode, name="server"):
    return {
        "COMMON_SECURITY_TLSMODE": str(mode),
        "TLS_SERVERPEMPATH": files[f"{name}.pem"],
        "TLS_SERVERKEYPATH": files[f"{name}.key"],
        "TLS_CAPEMPATH": files["ca.pem"],
    }


@pytest.fixture(scope="module", params=[1, 2], ids=["one-way", "mutual"])
def server(request, files):
    with embedded.start(tcp_port=0, settings=settings(files, request.param)) as server:
        server.mode = request.param
        yield server


def options(server, files):
    """What a client needs."""
    pair = {"client_pem_path": files["client.pem"], "client_key_path": files["client.key"]} if server.mode == 2 else {}
    return {"uri": f"https://{server.address}", "ca_pem_path": files["ca.pem"], **pair}


def call(**address):
    conn = Connection(Address.parse(**address))
    try:
        return users.list_usernames(conn, timeout=5)
    finally:
        conn.close()


def test_a_user_is_deleted_over_tls(server, files):
    """Create, refuse a wrong password, delete."""
    conn = Connection(Address.parse(**options(server, files), user="root", password=server.password))
    users.create_user(conn, "bob", PASSWORD, timeout=10)
    with pytest.raises(WrongPasswordError):
        users.delete_user(conn, "bob", "wrong-password", timeout=10)
    assert users.list_usernames(conn, timeout=10) == ["bob", "root"]
    assert users.delete_user(conn, "bob", PASSWORD, timeout=10).verified
    assert users.list_usernames(conn, timeout=10) == ["root"]
    conn.close()


def test_connect_proves_itself(server, files):
    """`connections.connect` takes the TLS options, and a wrong password is told as what it is."""
    connections.connect("tls", user="root", password=server.password, **options(server, files))
    connections.remove_connection("tls")
    with pytest.raises(AuthenticationError):
        connections.connect("tls", user="root", password="wrong-password", **options(server, files))
    assert not connections.has_connection("tls")


def test_the_form_connects_over_tls(server, files):
    """With the files in its fields; a foreign authority is told in place, and the console says that TLS is on."""
    given = options(server, files)
    form = ConnectForm("tls")
    for name, value in {**given, "user": "root", "ca_pem_path": files["other.pem"]}.items():
        form.fields[name.removesuffix("_path")].value = value
    form.fields["password"].value = server.password.reveal()
    form.submit()
    assert form.failure is CertificateError
    assert not connections.has_connection("tls")
    form.fields["ca_pem"].value = given["ca_pem_path"]
    form.fields["password"].value = server.password.reveal()
    form.submit()
    assert "connected 'tls': user 'root'" in form.status.text
    console = Console("tls")
    assert "TLS on" in console.heading.text
    for panel in (console, form):
        panel.close()
    connections.remove_connection("tls")


def test_what_fails_says_why(server, files):
    """A foreign authority, another name, no client certificate or a foreign one, plaintext."""
    good = options(server, files)
    with pytest.raises(CertificateError, match="ca_pem_path"):
        call(**{**good, "ca_pem_path": files["other.pem"]})
    with pytest.raises(CertificateError, match="server_name"):
        call(**good, server_name="elsewhere.example")
    with pytest.raises(UnavailableError, match="https://"):
        call(uri=f"http://{server.address}")
    if server.mode == 2:
        with pytest.raises(UnavailableError, match="client_pem_path"):
            call(**{k: v for k, v in good.items() if not k.startswith("client")})
        with pytest.raises(MilvusException, match="client_pem_path"):
            call(**{**good, "client_pem_path": files["stranger.pem"], "client_key_path": files["stranger.key"]})
        with pytest.raises(MilvusException, match="client_pem_path"):
            call(**{**good, "client_pem_path": files["old_client.pem"], "client_key_path": files["old_client.key"]})


@pytest.mark.parametrize("mode", [1, 2], ids=["one-way", "mutual"])
def test_an_expired_certificate_is_called_that(mode, files):
    """The server's; nothing is sent to it."""
    with embedded.start(tcp_port=0, settings=settings(files, mode, "old_server")) as server:
        server.mode = mode
        with pytest.raises(CertificateError, match="it has expired"):
            call(**options(server, files))


def test_tls_to_a_plaintext_milvus():
    """The reverse: the port answers, but not in TLS."""
    with embedded.start(tcp_port=0) as server, pytest.raises(TlsError, match="http://"):
        call(uri=f"https://{server.address}")
