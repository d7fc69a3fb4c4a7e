"""Where a server is and as whom to speak to it: every spelling, checked, as one frozen value."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field, replace
from functools import cached_property
from os import fspath
from urllib.parse import SplitResult, unquote, urlsplit

from milvus_magics.errors import MilvusLiteError, ParameterError
from milvus_magics.secret import Secret
from milvus_magics.transport.credentials import Login
from milvus_magics.transport.tls import TlsFiles

DEFAULT_URI = "http://localhost:19530"
DEFAULT_PORT = 19530
DEFAULT_TLS_PORT = 443
SCHEMES = ("http", "https", "tcp", "unix")
SPELLINGS = "write http://host:19530, https://host, tcp://host:19530, unix:/path or host:19530"


@dataclass(frozen=True)
class Address:
    """A checked server address with what is needed to speak to it."""

    host: str
    port: int
    secure: bool = False
    login: Login | None = None
    db_name: str = ""
    tls: TlsFiles = field(default_factory=TlsFiles)
    server_name: str = ""

    @property
    def is_unix(self) -> bool:
        """Whether this is a socket in the file system (then `host` is its path and `port` is 0)."""
        return self.port == 0

    @property
    def is_local(self) -> bool:
        """Whether what is sent stays on this machine."""
        if self.is_unix or self.host.lower() == "localhost" or self.host.lower().endswith(".localhost"):
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def target(self) -> str:
        """The address as grpc takes it."""
        return f"unix:{self.host}" if self.is_unix else self.address

    @property
    def address(self) -> str:
        """`host:port`, or the path of the socket."""
        if self.is_unix:
            return self.host
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @cached_property
    def url(self) -> str:
        """The address as a URI, without credentials."""
        return self.target if self.is_unix else f"{'https' if self.secure else 'http'}://{self.address}"

    @property
    def user(self) -> str:
        """The user that calls are made as; empty for nobody and for the holder of a token."""
        return self.login.user if self.login else ""

    @classmethod
    def parse(
        cls,
        uri: str | Secret | None = None,
        host: str | None = None,
        port: int | str | None = None,
        *,
        user: str = "",
        password: str | Secret = "",
        token: str | Secret = "",
        db_name: str = "",
        secure: bool | None = None,
        server_pem_path: str | None = None,
        ca_pem_path: str | None = None,
        client_pem_path: str | None = None,
        client_key_path: str | None = None,
        server_name: str | None = None,
    ) -> Address:
        """Check and merge every spelling of an address.

        Args:
            uri: `http://`, `https://`, `tcp://`, `unix:` or a bare `host:port`; credentials and one path
                segment (the database) may be part of it. Default: host and port, else the variable
                `MILVUS_URI`, else `http://localhost:19530`.
            host: host name or address, instead of `uri`.
            port: 1 to 65535; default 19530, for https 443.
            user: user name.
            password: that user's password.
            token: an API key, or `user:password`. Default: the variable `MILVUS_TOKEN`, but only for an
                address that came from `MILVUS_URI` or the default: a token never travels to another host.
            db_name: database.
            secure: TLS or not; default: what the scheme says, or True where a TLS file is given.
            server_pem_path: PEM file with the server's own certificate (one-way TLS).
            ca_pem_path: PEM file with the authority that signed the server's certificate.
            client_pem_path: PEM file with this client's certificate (mutual TLS).
            client_key_path: PEM file with its key.
            server_name: the name to expect in the server's certificate.

        Raises:
            ParameterError: for anything that doesn't fit; secrets are never quoted.
        """
        password, token = Secret(password), Secret(token)
        uri = mask_uri(uri)
        given = _locate(uri, host, port)
        tls = TlsFiles(
            *(fspath(p) if p else "" for p in (server_pem_path, ca_pem_path, client_pem_path, client_key_path))
        )
        address = replace(
            given.address,
            secure=_is_secure(given, secure, tls),
            login=_login(given, user, password, token),
            db_name=_database(given.address.db_name, db_name),
            tls=tls,
            server_name=server_name or "",
        )
        if not given.has_port and not address.is_unix and address.secure:
            address = replace(address, port=DEFAULT_TLS_PORT)
        return address


def mask_uri(uri: str | Secret | None) -> Secret | None:
    """A URI, which may hold a password, so that no frame shows it.

    Raises:
        ParameterError: it is no text.
    """
    if uri is None:
        return None
    if not isinstance(uri, (str, Secret)):
        raise ParameterError(f"the address must be text, not {type(uri).__name__}: {SPELLINGS}")
    return Secret(uri)


@dataclass(frozen=True)
class _ServerParts:
    """What the URI, or host and port, said."""

    address: Address
    scheme: str = ""
    has_port: bool = True
    named_by_caller: bool = True


def _locate(uri: Secret | None, host: str | None, port: int | str | None) -> _ServerParts:
    if uri is not None and (host is not None or port is not None):
        raise ParameterError("give the address either as uri or as host and port, not both")
    if uri is not None:
        return _parse_uri(uri.reveal())
    if host is not None or port is not None:
        return _ServerParts(
            Address(_validate_host(host or "localhost"), _validate_port(port)), has_port=port is not None
        )
    from_environment = Secret.from_environment("MILVUS_URI")
    given = _parse_uri(from_environment.reveal() if from_environment else DEFAULT_URI)
    return replace(given, named_by_caller=False)


def _parse_uri(uri: str) -> _ServerParts:
    if not isinstance(uri, str) or not uri.strip():
        raise ParameterError(f"the address is empty: {SPELLINGS}")
    uri = uri.strip()
    scheme, separator, rest = uri.partition("://")
    if uri.startswith("unix:"):
        path = rest if separator else uri[len("unix:") :]
        if not path.startswith("/"):
            raise ParameterError("a unix: address needs an absolute path, like unix:/run/milvus.sock")
        return _ServerParts(Address(path, 0), scheme="unix")
    if not separator:
        if uri.endswith(".db") or uri.startswith(("/", "./", "~")):
            raise MilvusLiteError(
                "that is a file, so Milvus Lite, which has no users: connect to a Milvus server instead"
            )
        scheme, rest = "", uri
    elif scheme.lower() not in SCHEMES:
        shown = repr(scheme) if re.fullmatch(r"[A-Za-z0-9+.-]{1,20}", scheme) else "this"
        raise ParameterError(f"{shown} is no scheme of a Milvus address: {SPELLINGS}")
    return _from_parts(scheme.lower(), _split(rest))


def _split(rest: str) -> SplitResult:
    # Nothing of the text is quoted in these messages: it may hold a password.
    try:
        parts = urlsplit(f"//{rest}")
    except ValueError:
        raise ParameterError(f"the address cannot be read: {SPELLINGS}") from None
    if parts.query or parts.fragment:
        raise ParameterError(
            "the address holds '?' or '#': in a password they are written %3F and %23, elsewhere they mean nothing here"
        )
    return parts


def _from_parts(scheme: str, parts: SplitResult) -> _ServerParts:
    try:
        port = parts.port
    except ValueError:
        raise ParameterError("the port in the address must be a number from 1 to 65535") from None
    if parts.hostname is None:
        raise ParameterError(f"the address names no host: {SPELLINGS}")
    database = unquote(parts.path.strip("/"))
    # A password with a bare '/' ends the host too early: what follows '@' in a path is the real host.
    if "/" in database or "@" in database:
        raise ParameterError(
            "the path of the address must be empty or one database name; in a password '/' is written %2F"
        )
    login = None
    if parts.username is not None or parts.password is not None:
        login = Login.for_user(unquote(parts.username or ""), Secret(unquote(parts.password or "")))
    host = _validate_host(parts.hostname)
    address = Address(host, _validate_port(port), login=login, db_name=database)
    return _ServerParts(address, scheme=scheme, has_port=port is not None)


def _validate_host(host: str) -> str:
    if not isinstance(host, str) or not host.strip():
        raise ParameterError("the host is empty: name one, like localhost")
    host = host.strip().strip("[]")
    if re.search(r"[\s/@?#'\"\\]", host) or (":" in host and not _is_ipv6(host)):
        raise ParameterError("the host holds a character that no host name has: put the rest in port, user, db_name")
    return host


def _is_ipv6(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.partition("%")[0]).version == 6
    except ValueError:
        return False


def _validate_port(port: int | str | None) -> int:
    if port is None:
        return DEFAULT_PORT
    text = str(port).strip()
    if isinstance(port, bool) or not re.fullmatch(r"[0-9]{1,5}", text) or not 1 <= int(text) <= 65535:
        raise ParameterError(f"the port must be a number from 1 to 65535, not {port!r}")
    return int(text)


def _is_secure(given: _ServerParts, secure: bool | None, tls: TlsFiles) -> bool:
    by_scheme = {"https": True, "http": None, "tcp": None, "unix": None, "": None}[given.scheme]
    if secure is False and (by_scheme or tls):
        why = "the address is https" if by_scheme else "TLS files are given"
        raise ParameterError(f"secure=False, but {why}: drop one of the two")
    return bool(secure or by_scheme or tls)


def _login(given: _ServerParts, user: str, password: Secret, token: Secret) -> Login | None:
    explicit = _explicit_login(user, password, token)
    if explicit and given.address.login:
        raise ParameterError("the address already holds a user and password: give them once")
    login = explicit or given.address.login
    if login is None and not given.named_by_caller:
        from_environment = Secret.from_environment("MILVUS_TOKEN")
        login = Login.for_token(from_environment) if from_environment else None
    return login


def _explicit_login(user: str, password: Secret, token: Secret) -> Login | None:
    # pymilvus takes all three and lets one win silently; which one would be a guess here.
    if token and (user or password):
        raise ParameterError("give either a user with a password or a token, not both")
    if user or password:
        return Login.for_user(user, password)
    return Login.for_token(token) if token else None


def _database(in_uri: str, db_name: str) -> str:
    if in_uri and db_name and in_uri != db_name:
        raise ParameterError(f"the address names database {in_uri!r}, db_name says {db_name!r}: give one")
    name = db_name or in_uri
    if not name.isascii() or not name.isprintable():
        raise ParameterError("the database name holds a character that no database name has")
    return name
