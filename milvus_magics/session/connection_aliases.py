"""The connections of this notebook, by alias: the class of `milvus_magics.connections`."""

from __future__ import annotations

import re
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from milvus_magics import client
from milvus_magics.errors import (
    NOTHING_SENT,
    AliasError,
    ClosedError,
    DeadlineError,
    MilvusException,
    MilvusLiteError,
    Outcome,
    ParameterError,
    UnavailableError,
)
from milvus_magics.secret import (
    SIGNS_OF_ADDRESS,
    Secret,
    mask_arguments,
    mask_misplaced,
    mask_secret,
    quote_name,
    type_name,
)
from milvus_magics.session.password_changes import PASSWORD_CHANGES, PasswordFollower
from milvus_magics.session.pymilvus_connections import address_of_pymilvus
from milvus_magics.transport.address import Address, mask_uri
from milvus_magics.transport.deadline import Deadline

if TYPE_CHECKING:
    from milvus_magics.transport.connection import Connection
    from milvus_magics.transport.events import Change

DEFAULT = "default"
# What is no name: a scheme, a port, a password between ':' and '@', or a path, as Milvus Lite has it.
_ADDRESS = re.compile(r"://|^unix:|:\d+(/|$)|:.*@|^[.~]{0,2}/|\.db$")
PUBLIC_ARGUMENTS = (
    "server_pem_path", "ca_pem_path", "client_pem_path", "client_key_path",
)  # fmt: skip


class Connections:
    """Connections by alias, as `connections` of Milvus's ORM has them. May be used from any thread."""

    def __init__(self, lock: threading.RLock, *, on_bind: Callable[[Connection], None]) -> None:
        self._lock, self._on_bind = lock, on_bind
        self._open: dict[str, Connection] = {}
        self._configured: dict[str, dict[str, Any]] = {}

    def connect(
        self,
        alias: str = DEFAULT,
        user: str = "",
        password: str | Secret = "",
        db_name: str = "",
        token: str | Secret = "",
        *,
        uri: str | Secret | None = None,
        host: str | None = None,
        port: int | str | None = None,
        secure: bool | None = None,
        server_pem_path: str | None = None,
        ca_pem_path: str | None = None,
        client_pem_path: str | None = None,
        client_key_path: str | None = None,
        server_name: str | None = None,
        timeout: float | None = 10.0,
    ) -> None:
        """Connect to a server, prove it by one call, and bind the connection to an alias.

        Where that fails the alias stays as it was; where it succeeds the alias's old connection is closed.

        Args:
            alias: the name to bind.
            user: user name.
            password: that user's password.
            db_name: database.
            token: an API key, or `user:password`.
            uri: `http://`, `https://`, `tcp://`, `unix:` or a bare `host:port`. Default: host and port, else what
                `add_connection` said, else the variable `MILVUS_URI`, else `http://localhost:19530`.
            host: host name or address, instead of `uri`.
            port: 1 to 65535; default 19530, for https 443.
            secure: TLS or not; default: what the scheme says, or True where a TLS file is given.
            server_pem_path: PEM file with the server's own certificate (one-way TLS).
            ca_pem_path: PEM file with the authority that signed the server's certificate.
            client_pem_path: PEM file with this client's certificate (mutual TLS).
            client_key_path: PEM file with its key.
            server_name: the name to expect in the server's certificate.
            timeout: seconds; None = until an answer arrives or an error occurs.

        Raises:
            ParameterError: something given cannot be right.
            AuthenticationError: the server refuses the user, the password or the token.
            MilvusException: the server cannot be reached; the class says why.

        Warns:
            UserWarning: others can listen on the way, as it isn't encrypted and leads to another machine; or gRPC
                writes logins into the output, as it was told to.

        Behaviour: `connections.connect` in Milvus's documentation.
        """
        password, token = mask_secret(password), mask_secret(token)
        uri = mask_uri(uri)
        alias, user, db_name, host, port, server_name = mask_arguments(
            alias=alias, user=user, db_name=db_name, host=host, port=port, server_name=server_name
        )
        arguments: dict[str, Any] = {
            "uri": uri, "host": host, "port": port, "secure": secure, "server_pem_path": server_pem_path,
            "ca_pem_path": ca_pem_path, "client_pem_path": client_pem_path, "client_key_path": client_key_path,
            "server_name": server_name, "user": user or None, "password": password or None,
            "db_name": db_name or None, "token": token or None,
        }  # fmt: skip
        given = {name: value for name, value in arguments.items() if value is not None}
        if not {"uri", "host", "port"} & given.keys():
            with self._lock:
                given = {**self._configured.get(_require_alias(alias), {}), **given}
        self._bind_with_warning(alias, Address.parse(**given), timeout)

    def _bind_with_warning(self, alias: str, address: Address, timeout: float | None) -> None:
        """Warn where others see passwords, and bind. Each connection warns anew, wherever it is made."""
        if text := address.warning:
            warnings.warn_explicit(text, UserWarning, "milvus_magics", 1, "milvus_magics.connections", {})
        self.bind(alias, address, timeout=timeout)

    def bind(self, alias: str, address: Address, *, timeout: float | None = 10.0) -> Connection:
        """Connect to a parsed address and bind the connection to an alias, as `connect` does, without its warning."""
        alias = mask_misplaced("alias", alias)
        _require_alias(alias)
        conn = self.open(address, timeout=timeout)
        self.keep(alias, conn)
        return conn

    def open(self, address: Address, *, timeout: float | None = 10.0) -> Connection:
        """Connect to a parsed address without binding an alias; raises as `connect`."""
        from milvus_magics.transport.connection import Connection

        deadline = Deadline(timeout)
        conn = Connection(address)
        try:
            _prove(conn, deadline)
        except BaseException:
            conn.close()
            raise
        return conn

    def require_reachable(self, address: Address, *, timeout: float | None = 10.0) -> None:
        """Raise what `open` would, where nothing answers at an address; asked as nobody, before anybody is asked."""
        from milvus_magics.transport.connection import Connection

        conn = Connection(address)
        try:
            conn.call("GetVersion", deadline=Deadline(timeout), login=None)
        except (UnavailableError, DeadlineError, MilvusLiteError):
            raise
        except MilvusException:
            pass  # something answers, if only that it wants a login
        finally:
            conn.close()

    def keep(self, alias: str, conn: Connection) -> None:
        """Bind a connection that `open` returned to an alias, and close the alias's old one."""
        alias = _require_alias(alias := mask_misplaced("alias", alias))
        self._on_bind(conn)
        follower = PasswordFollower(conn, self._list_open)
        conn.on_change.append(partial(self._on_change, conn, follower))
        conn.on_change.before.append(follower.prepare)
        with self._lock:
            old, self._open[alias] = self._open.get(alias), conn
        if old:
            old.close()

    def adopt(self, source: Any, alias: str = DEFAULT, *, timeout: float | None = 10.0) -> None:
        """Connect to the server of a pymilvus connection, as the same user, by a channel of our own.

        Args:
            source: a pymilvus `MilvusClient`, or the name of an alias of pymilvus's `connections`.
            alias: the name to bind here.
            timeout: seconds; None = until an answer arrives or an error occurs.

        Raises:
            ParameterError: there is no such alias, or that is no client.
            MilvusException: as in `connect`.
        """
        found, alias = [source], mask_misplaced("alias", alias)
        del source  # it may hold a password, whatever it is, and no frame of an error shall show that
        self._bind_with_warning(alias, address_of_pymilvus(found.pop()), timeout)

    def add_connection(self, **aliases: dict[str, Any]) -> None:
        """Remember addresses that `connect(alias)` uses later; nothing is connected yet.

        Each alias has a dict of address arguments of `connect`, such as `{"host": "localhost", "port": 19530}`.
        """
        aliases = {mask_misplaced("alias", alias): _mask_arguments(given) for alias, given in aliases.items()}
        checked = {}
        for alias, arguments in aliases.items():
            try:
                Address.parse(**arguments)
            except (TypeError, AttributeError):
                what = f"alias {quote_name(alias, 'of that name')}"
                raise ParameterError(
                    f"{what} needs a dict with arguments of connect, like {{'host': 'localhost'}}"
                ) from None
            checked[_require_alias(alias)] = arguments
        with self._lock:
            self._configured |= checked

    def disconnect(self, alias: str) -> None:
        """Close an alias's connection; what `add_connection` said stays. An alias without one is no error."""
        alias = mask_misplaced("alias", alias)
        with self._lock:
            conn = self._open.pop(_require_alias(alias), None)
        if conn:
            conn.close()

    def remove_connection(self, alias: str) -> None:
        """Close an alias's connection and forget its address."""
        alias = mask_misplaced("alias", alias)
        self.disconnect(alias)
        with self._lock:
            self._configured.pop(alias, None)

    def list_connections(self) -> list[tuple[str, Connection | None]]:
        """List every alias with its connection. None if only its address is known."""
        with self._lock:
            return [(alias, self._open.get(alias)) for alias in sorted({*self._open, *self._configured})]

    def _list_open(self) -> list[Connection]:
        with self._lock:
            return list(self._open.values())

    def has_connection(self, alias: str) -> bool:
        """Whether the alias is connected."""
        with self._lock:
            return alias in self._open

    def get_connection_addr(self, alias: str) -> dict[str, str]:
        """The `address` and `user` of an alias, without secrets; empty if it is unknown."""
        with self._lock:
            conn, arguments = self._open.get(alias), self._configured.get(alias)
        if conn is None and arguments is None:
            return {}
        address = conn.address if conn else Address.parse(**(arguments or {}))
        return {"address": address.address, "user": address.user}

    def get(self, alias: str = DEFAULT) -> Connection:
        """The connection of an alias, or AliasError, which names the aliases there are."""
        with self._lock:
            conn = self._open.get(alias) if isinstance(alias, str) else None
            there_are = sorted(self._open)
        if conn is None:
            alias = mask_misplaced("alias", alias)
            _require_alias(alias)
            name = quote_name(alias, "of this name")
            hint = f"there are: {', '.join(map(repr, there_are))}" if there_are else "nothing is connected yet"
            raise AliasError(f"no connection {name}; {hint}; connect with %milvus_connect or connections.connect()")
        return conn

    def require_bound(self, alias: str, conn: Connection) -> None:
        """Raise AliasError unless the alias still has the connection on which an operation began."""
        with self._lock:
            bound = self._open.get(alias)
        if bound is None:
            problem = "was closed meanwhile: connect again and retry"
            raise AliasError(f"the connection {alias!r} {problem}", outcome=NOTHING_SENT)
        if bound is not conn:
            where = f"was bound anew meanwhile and now leads to {bound.address.url} as {bound.actor}"
            raise AliasError(f"the connection {alias!r} {where}: run it again if that is meant", outcome=NOTHING_SENT)

    @contextmanager
    def hold(self, alias: str, conn: Connection) -> Iterator[None]:
        """Do something on an alias's connection, which must still have it; raises as `require_bound`.

        A connection that is closed because its alias was bound anew says so, too.
        """
        self.require_bound(alias, conn)
        try:
            yield
        except ClosedError as exc:
            if exc.outcome not in (Outcome.CHANGED, Outcome.UNKNOWN):
                self.require_bound(alias, conn)
            raise

    def close_all(self) -> None:
        """Close everything; addresses stay known."""
        for alias, _ in self.list_connections():
            self.disconnect(alias)

    def _on_change(self, conn: Connection, follower: PasswordFollower, change: Change) -> None:
        # The user that this connection acted as is gone: nothing can be done with it any more.
        if change.actor_gone:
            for alias, bound in self.list_connections():
                if bound is conn:
                    self.disconnect(alias)
        if change.operation in PASSWORD_CHANGES:
            follower.follow(change)


def _prove(conn: Connection, deadline: Deadline) -> None:
    # GetVersion is the cheapest call, but only Connect looks whether the database exists.
    reply = conn.call_checked("Connect" if conn.address.db_name else "GetVersion", deadline=deadline)
    conn.version = reply.server_info.build_tags if conn.address.db_name else reply.version
    # A server that takes everything has said nothing about the token, which may be anything.
    login = conn.address.login
    if login is not None and login.split() != login and client.password_check.is_authorization_on(conn, deadline):
        conn.take_token_apart()


def _mask_arguments(arguments: Any) -> Any:
    """Arguments of `connect` with all texts masked that are or may be secret; what is no dict is not kept."""
    if not isinstance(arguments, dict):
        return type(arguments)
    return {
        name: mask_misplaced(name, value)
        if name in SIGNS_OF_ADDRESS
        else value
        if value is None or isinstance(value, bool) or name in PUBLIC_ARGUMENTS
        else mask_secret(value)
        for name, value in arguments.items()
    }


def _require_alias(alias: str) -> str:
    if isinstance(alias, str) and _ADDRESS.search(alias):
        raise ParameterError(
            "an alias is a name that you choose, and this looks like an address: give that as uri", outcome=NOTHING_SENT
        )
    if not isinstance(alias, str) or not alias.strip():
        what = "empty text" if isinstance(alias, str) else type_name(alias)
        raise ParameterError(f"an alias must be text that is not empty, not {what}")
    return str(alias)
