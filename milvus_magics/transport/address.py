"""Where a server is and as whom to speak to it: every spelling, checked, as one frozen value."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from functools import cached_property
from os import fspath
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from milvus_magics.errors import MilvusException, MilvusLiteError, ParameterError
from milvus_magics.secret import NoText, Secret, mask_secret
from milvus_magics.transport.credentials import Login
from milvus_magics.transport.tls import TlsFiles

DEFAULT_URI = "http://localhost:19530"
DEFAULT_PORT = 19530
DEFAULT_TLS_PORT = 443
UNIX_PORT = 0
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
        """Whether this is a socket in the file system (then `host` is its path)."""
        return self.port == UNIX_PORT

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

        Args: as in `Connections.connect`, with which a user names them. Where neither uri nor host nor port is given,
        the variable `MILVUS_URI` is the address, and only then `MILVUS_TOKEN` the token, unless there is another login:
        a token never travels to another host.

        Raises:
            ParameterError: for anything that doesn't fit; secrets are never quoted.
        """
        password, token = mask_secret(password), mask_secret(token)
        uri = mask_uri(uri)
        password, token = Secret(password), Secret(token)
        given = _find_server(uri, host, port)
        paths = (server_pem_path, ca_pem_path, client_pem_path, client_key_path)
        tls = TlsFiles(*(fspath(path or "") for path in paths))
        if secure is False and (given.is_https or tls):
            why = "the address is https" if given.is_https else "TLS files are given"
            raise ParameterError(f"secure=False, but {why}: drop one of the two")
        is_secure = bool(secure or given.is_https or tls)
        default_port = DEFAULT_TLS_PORT if is_secure else DEFAULT_PORT
        return cls(
            given.host,
            default_port if given.port is None else given.port,
            secure=is_secure,
            login=_login(given, user, password, token),
            db_name=_database(given.db_name, db_name),
            tls=tls,
            server_name=server_name or "",
        )


def mask_uri(uri: object) -> Secret | None:
    """Wrap a URI, which may hold a password, so that no frame shows it. None if there is none."""
    return None if uri is None else mask_secret(uri)


class _ServerParts(NamedTuple):
    """What the URI, or host and port, said."""

    host: str
    port: int | None
    is_https: bool = False
    login: Login | None = None
    db_name: str = ""
    is_default: bool = False  # nothing was said


def _find_server(uri: Secret | None, host: str | None, port: int | str | None) -> _ServerParts:
    """Read where the server is. No frame of what reads a URI stays in an error: a password may be in it."""
    if isinstance(uri, NoText):
        raise ParameterError(f"the address must be text, not {uri.kind}: {SPELLINGS}")
    try:
        return _require_printable(_locate(uri, host, port))
    except MilvusException as exc:
        raise exc.without_frames()  # noqa: B904 - the same one


def _require_printable(given: _ServerParts) -> _ServerParts:
    """Raise if the host holds half a character, or what no terminal would show."""
    if not given.host.isprintable():
        raise ParameterError(f"no server can be called {given.host!r}: {SPELLINGS}")
    return given


def _locate(uri: Secret | None, host: str | None, port: int | str | None) -> _ServerParts:
    if host is not None or port is not None:
        if uri is not None:
            raise ParameterError("give the address either as uri or as host and port, not both")
        return _ServerParts(_validate_host(host or "localhost"), _validate_port(port))
    if uri is not None:
        return _parse_uri(uri.reveal())
    uri = Secret.from_environment("MILVUS_URI") or Secret(DEFAULT_URI)
    return _parse_uri(uri.reveal())._replace(is_default=True)


def _parse_uri(uri: str) -> _ServerParts:
    uri = uri.strip()
    if not uri:
        raise ParameterError(f"the address is empty: {SPELLINGS}")
    scheme, separator, rest = uri.partition("://")
    if uri.startswith("unix:"):
        path = rest if separator else uri[len("unix:") :]
        if not path.startswith("/"):
            raise ParameterError("a unix: address needs an absolute path, like unix:/run/milvus.sock")
        return _ServerParts(path, UNIX_PORT)
    if not separator:
        if uri.endswith(".db") or uri.startswith(("/", "./", "~")):
            raise MilvusLiteError(
                "that is a file, so Milvus Lite, which has no users: connect to a Milvus server instead"
            )
        scheme, rest = "", uri
    elif scheme.lower() not in SCHEMES:
        shown = repr(scheme) if re.fullmatch(r"[A-Za-z0-9+.-]{1,20}", scheme) else "this"
        raise ParameterError(f"{shown} is no scheme of a Milvus address: {SPELLINGS}")
    return _read_parts(scheme.lower(), rest)


def _read_parts(scheme: str, rest: str) -> _ServerParts:
    # Nothing of the text is quoted in these messages: it may hold a password.
    try:
        parts = urlsplit(f"//{rest}")
    except ValueError:
        raise ParameterError(f"the address cannot be read: {SPELLINGS}") from None
    if parts.query or parts.fragment:
        raise ParameterError(
            "the address holds '?' or '#': in a password they are written %3F and %23, elsewhere they mean nothing here"
        )
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
    if parts.username is not None:
        login = Login.for_user(unquote(parts.username), Secret(unquote(parts.password or "")))
    return _ServerParts(_validate_host(parts.hostname), _validate_port(port), scheme == "https", login, database)


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


def _validate_port(port: int | str | None) -> int | None:
    if port is None:
        return None
    text = str(port).strip()
    if isinstance(port, bool) or not re.fullmatch(r"[0-9]{1,5}", text) or not 1 <= int(text) <= 65535:
        raise ParameterError(f"the port must be a number from 1 to 65535, not {port!r}")
    return int(text)


def _login(given: _ServerParts, user: str, password: Secret, token: Secret) -> Login | None:
    has_user = bool(user or password)
    # pymilvus takes all three and lets one win silently; which one would be a guess here.
    if token and has_user:
        raise ParameterError("give either a user with a password or a token, not both")
    if given.login:
        if token or has_user:
            raise ParameterError("the address already holds a user and password: give them once")
        return given.login
    if has_user:
        return Login.for_user(user, password)
    if given.is_default and not token:
        token = Secret.from_environment("MILVUS_TOKEN") or token
    return Login.for_token(token) if token else None


def _database(in_uri: str, db_name: str) -> str:
    if in_uri and db_name and in_uri != db_name:
        raise ParameterError(f"the address names database {in_uri!r}, db_name says {db_name!r}: give one")
    name = db_name or in_uri
    if not name.isascii() or not name.isprintable():
        raise ParameterError("the database name holds a character that no database name has")
    return name
