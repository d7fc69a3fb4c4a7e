"""Where a server is and as whom to speak to it: every spelling, checked, as one frozen value."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from os import fspath
from typing import NamedTuple, TypeVar
from urllib.parse import quote, unquote, urlsplit

from milvus_magics.errors import CodedError, MilvusException, MilvusLiteError, ParameterError
from milvus_magics.secret import NoText, Secret, mask_arguments, mask_secret, quote_name, type_name
from milvus_magics.transport.credentials import Login
from milvus_magics.transport.grpc_process import trace_warning
from milvus_magics.transport.tls import TlsFiles
from milvus_magics.wording import join_parts

DEFAULT_URI = "http://localhost:19530"
DEFAULT_PORT = 19530
DEFAULT_TLS_PORT = 443
UNIX_PORT = 0
SCHEMES = ("http", "https", "tcp", "unix")
URI_VARIABLE, TOKEN_VARIABLE = "MILVUS_URI", "MILVUS_TOKEN"
SPELLINGS = "write http://host:19530, https://host, tcp://host:19530, unix:/path or host:19530"
COMMENT_HINT = "; a comment behind its value is part of it"

Parsed = TypeVar("Parsed")


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
    # For the end of errors: which variables it comes from, and what became of the login's password.
    origin: str = field(default="", compare=False)
    login_note: str = field(default="", compare=False)

    @property
    def is_unix(self) -> bool:
        """Whether this is a socket in the file system (then `host` is its path)."""
        return self.port == UNIX_PORT

    @property
    def is_local(self) -> bool:
        """Whether what is sent stays on this machine.

        Not so `localhost.`, `127.1` and `ip6-localhost`: gRPC asks a name server for these, and that may say anything.
        """
        if self.is_unix or self.host.lower() == "localhost" or self.host.lower().endswith(".localhost"):
            return True
        try:
            ip = ipaddress.ip_address(self.host)
        except ValueError:
            return False
        return (getattr(ip, "ipv4_mapped", None) or ip).is_loopback

    @property
    def is_private(self) -> bool:
        """Whether nobody can listen on the way: it is encrypted, or stays on this machine."""
        return self.secure or self.is_local

    @property
    def warning(self) -> str:
        """What is to be said before a password is sent that others would see; empty where nothing is."""
        text = f"passwords travel in plaintext to {self.url}: use https:// where the server has TLS"
        return join_parts("" if self.is_private else text, trace_warning())

    @property
    def target(self) -> str:
        """The address as grpc takes it: the path of a socket is a part of a URL there."""
        return f"unix:{quote(self.host)}" if self.is_unix else self.address

    @property
    def address(self) -> str:
        """`host:port`, or the path of the socket."""
        if self.is_unix:
            return self.host
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @cached_property
    def url(self) -> str:
        """The address as a URI, without credentials."""
        return f"unix:{self.host}" if self.is_unix else f"{'https' if self.secure else 'http'}://{self.address}"

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
        host, port, user, db_name, server_name = mask_arguments(
            host=host, port=port, user=user, db_name=db_name, server_name=server_name
        )
        password, token = Secret(password), Secret(token)
        given = _find_server(uri, host, port)
        paths = (server_pem_path, ca_pem_path, client_pem_path, client_key_path)
        tls = TlsFiles(*(fspath(path or "") for path in paths))
        if secure is False and (given.is_https or tls):
            why = "the address is https" if given.is_https else "TLS files are given"
            raise ParameterError(f"secure=False, but {why}: drop one of the two")
        is_secure = bool(secure or given.is_https or tls)
        found = _find_token(given, user, password, token)
        default_port = DEFAULT_TLS_PORT if is_secure else DEFAULT_PORT
        return cls(
            given.host,
            default_port if given.port is None else given.port,
            secure=is_secure,
            login=_login(given, user, password, token, found),
            db_name=_database(given.db_name, db_name),
            tls=tls,
            server_name=_require_text(server_name or "", "server_name"),
            origin=_describe_origin(given, found),
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
    is_from_variable: bool = False


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
    found = _read_variable(URI_VARIABLE, lambda uri: _require_printable(_parse_uri(uri.reveal())))
    if found is not None:
        return found._replace(is_default=True, is_from_variable=True)
    return _parse_uri(DEFAULT_URI)._replace(is_default=True)


def _read_variable(name: str, parse: Callable[[Secret], Parsed]) -> Parsed | None:
    """What an environment variable means. None if it is unset or empty; its name is in the error if it means nothing.

    Nothing takes quotes around a value away where no shell reads it, as in a kernel's specification or an env file.
    """
    value = Secret.from_environment(name)
    if value is None:
        return None
    if re.match(r"""\s*["']""", value.reveal()):
        raise ParameterError(f"the value of the variable {name} begins with a quote: write it without quotes")
    try:
        return parse(value)
    except CodedError as exc:
        hint = COMMENT_HINT if _has_comment(value) else ""
        error = exc.with_message(f"the variable {name} cannot be used: {exc.message}{hint}", exc.outcome)
    raise error  # here, where what it was made from, whose frames hold the value, is not its context


def _has_comment(value: Secret) -> bool:
    """Whether a value looks as if a comment stood behind it."""
    return re.search(r"\s#", value.reveal()) is not None


def _parse_uri(uri: str) -> _ServerParts:
    uri = uri.strip()
    if not uri:
        raise ParameterError(f"the address is empty: {SPELLINGS}")
    scheme, separator, rest = uri.partition("://")
    if uri.startswith("unix:"):
        path = rest if separator else uri[len("unix:") :]
        if not path.startswith("/"):
            raise ParameterError("a unix: address needs an absolute path, like unix:/run/milvus.sock")
        if "," in path:  # which gRPC takes for the end of the first of several paths
            raise ParameterError("the path of a unix: address cannot hold ',': make a link to it without one")
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
        raise ParameterError(f"the port must be a number from 1 to 65535, not {quote_name(port, 'this')}")
    return int(text)


def _find_token(given: _ServerParts, *given_logins: str | Secret) -> Login | None:
    """The token that a variable holds. None if there is none, or something else was said."""
    if not given.is_default or given.login or any(given_logins):
        return None
    return _read_variable(TOKEN_VARIABLE, Login.for_token)


def _describe_origin(given: _ServerParts, token: Login | None) -> str:
    """Which variables said something, for the end of errors; empty if none did."""
    names = [URI_VARIABLE] * given.is_from_variable
    if token:
        names.append(f"{TOKEN_VARIABLE}{COMMENT_HINT if _has_comment(token.secret) else ''}")
    return f" (from {' and '.join(names)})" if names else ""


def _login(given: _ServerParts, user: str, password: Secret, token: Secret, found: Login | None) -> Login | None:
    if found:
        return found
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
    return Login.for_token(token) if token else None


def _require_text(value: str, argument: str) -> str:
    if not isinstance(value, str):
        raise ParameterError(f"{argument} must be text, not {type_name(value)}")
    return value


def _database(in_uri: str, db_name: str) -> str:
    if in_uri and _require_text(db_name, "db_name") and in_uri != db_name:
        other = quote_name(db_name, "another")
        raise ParameterError(f"the address names database {in_uri!r}, db_name says {other}: give one")
    name = _require_text(db_name, "db_name") or in_uri
    if not name.isascii() or not name.isprintable():
        raise ParameterError("the database name holds a character that no database name has")
    return name
