"""Magics for connections: overview, connect, use, disconnect, list, who am I."""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from milvus_magics import client
from milvus_magics.client.results.table import Table
from milvus_magics.errors import NOTHING_SENT, MilvusException, ParameterError
from milvus_magics.magics import prompts
from milvus_magics.magics.arguments import (
    Parser,
    argument,
    connection_options,
    form,
    password_source,
    timeout_option,
    using_option,
)
from milvus_magics.magics.line import cleanup_advice
from milvus_magics.magics.operation import line_magic
from milvus_magics.magics.session_magics import SessionMagics
from milvus_magics.session import DEFAULT, connections, session
from milvus_magics.transport.address import Address

if TYPE_CHECKING:
    from milvus_magics.client.results.users import WhoAmI
    from milvus_magics.embedded import EmbeddedMilvus
    from milvus_magics.secret import Secret

TLS = {
    "ca_pem": "ca_pem_path", "server_pem": "server_pem_path", "client_pem": "client_pem_path",
    "client_key": "client_key_path", "server_name": "server_name",
}  # fmt: skip


@dataclass(frozen=True)
class AliasRow:
    """One connection of this notebook."""

    alias: str
    server: str
    user: str
    used: str


class Aliases(Table[AliasRow]):
    """The connections of this notebook."""

    columns = ("alias", "server", "user", "used")


@dataclass(frozen=True)
class Overview:
    """Where this notebook stands."""

    connections: Aliases
    who: WhoAmI | None
    problem: str
    next_step: str

    def __repr__(self) -> str:
        now = [str(self.who)] if self.who else []
        now += [self.problem] if self.problem else []
        table = [repr(self.connections)] if self.connections else []
        return "\n".join([*now, *table, f"next: {self.next_step}"])


def connect_arguments(parser: Parser) -> None:
    """Everything that `%milvus_connect` takes."""
    parser.add_argument("uri", nargs="?", metavar="URI", help="http://, https://, tcp://, unix: or host:port")
    parser.add_argument("--alias", metavar="A", help="name of the connection (default: default)")
    parser.add_argument("--host", help="host name or address, instead of URI")
    parser.add_argument("--port", help="1 to 65535 (default: 19530)")
    parser.add_argument("--user", metavar="NAME", help="connect as this user; asks for the password")
    parser.add_argument("--db", metavar="NAME", help="database")
    parser.add_argument("--token", action="store_true", help="connect with an API key or user:password; asks for it")
    parser.add_argument("--token-env", metavar="VAR", help="take that token from this environment variable")
    parser.add_argument("--token-var", metavar="NAME", help="take it from this Python name")
    password_source(parser)
    parser.add_argument("--ca-pem", metavar="FILE", help="the authority that signed the server's certificate")
    parser.add_argument("--server-pem", metavar="FILE", help="the server's own certificate")
    parser.add_argument("--client-pem", metavar="FILE", help="this client's certificate")
    parser.add_argument("--client-key", metavar="FILE", help="this client's key")
    parser.add_argument("--server-name", metavar="NAME", help="the name in the server's certificate")
    parser.add_argument(
        "--embedded", nargs="?", const="", metavar="DIR", help="start a Milvus on this machine; DIR keeps its data"
    )
    parser.add_argument("--adopt", metavar="NAME", help="connect where pymilvus is: a client, or an alias of its own")
    form()(parser)
    timeout_option(parser)


def _take_user_out(args: argparse.Namespace) -> None:
    """Take the user out of the address, if it names one, and refuse a password that was typed there."""
    found = re.fullmatch(r"((?:\w+://)?)([^/@]*)@(.*)", args.uri or "", re.DOTALL)
    if not found:
        return
    if ":" in found[2]:
        if "@" in args.line:
            raise ParameterError(
                "an address with a password is never typed on the line: write --user NAME and be asked. "
                f"{cleanup_advice()}",
                outcome=NOTHING_SENT,
            )
        return
    if args.user is not None:
        raise ParameterError("the address names a user, and --user does too: give one", outcome=NOTHING_SENT)
    args.uri, args.user = found[1] + found[3], unquote(found[2])


class ConnectionMagics(SessionMagics):
    """The magics for connections."""

    @line_magic(using_option, timeout_option)
    def milvus(self, args: argparse.Namespace) -> Overview:
        """Show the connections, the server, as whom you act, and what to type next.

        Example:
            %milvus
        """
        alias = args.using or self.using
        if not connections.has_connection(alias):
            return Overview(self._aliases(), None, "", "%milvus_connect URI --user NAME, or %milvus_connect --embedded")
        try:
            who = client.users.whoami(connections.get(alias), timeout=args.timeout)
        except MilvusException as exc:
            return Overview(self._aliases(), None, f"{type(exc).__name__}: {exc}", "%milvus_connect URI --user NAME")
        return Overview(
            self._aliases(), who, "", "%milvus_list_users, %milvus_create_user NAME, %milvus_delete_user NAME"
        )

    @line_magic(connect_arguments, check=_take_user_out)
    def connect(self, args: argparse.Namespace) -> Any:
        """Connect this notebook to a Milvus server, and say as whom.

        Without an address it takes the variable MILVUS_URI, else http://localhost:19530. With --user and no source
        for the password it asks.

        Examples:
            %milvus_connect http://localhost:19530 --user root
            %milvus_connect https://milvus.example.com --token-env MILVUS_KEY --alias cloud
            %milvus_connect --embedded
            %milvus_connect --form
        """
        alias, timeout = DEFAULT if args.alias is None else args.alias, args.timeout
        if args.embedded is not None:
            self._require_alone(args, "embedded")
            self._connect_embedded(alias, args.embedded, timeout)
        elif args.adopt is not None:
            self._require_alone(args, "adopt")
            source = args.namespace.find(args.adopt) if args.namespace.has(args.adopt) else args.adopt
            connections.adopt(source, alias, timeout=timeout)
        else:
            connections.bind(alias, _address(args), timeout=timeout)
        return client.users.whoami(connections.get(alias), timeout=timeout)

    @line_magic(argument("alias", metavar="ALIAS", help="the connection that all magics use from now on"))
    def use(self, args: argparse.Namespace) -> Aliases:
        """Choose the connection that the magics use when no --using is given.

        Example:
            %milvus_use cloud
        """
        connections.get(args.alias)
        self.using = args.alias
        return self._aliases()

    @line_magic(argument("alias", nargs="?", metavar="ALIAS", help="default: the one in use"))
    def disconnect(self, args: argparse.Namespace) -> Aliases:
        """Close a connection. An embedded server that was started for it ends, too.

        Example:
            %milvus_disconnect cloud
        """
        alias = self.using if args.alias is None else args.alias
        connections.get(alias)
        connections.disconnect(alias)
        session.stop_embedded(alias)
        return self._aliases()

    @line_magic()
    def connections(self, args: argparse.Namespace) -> Aliases:
        """List the connections of this notebook.

        Example:
            %milvus_connections
        """
        return self._aliases()

    @line_magic(connection_options)
    def whoami(self, args: argparse.Namespace) -> WhoAmI:
        """Say as whom the connection acts, with which roles, and whether the server enforces authorization.

        Example:
            %milvus_whoami
        """
        return client.users.whoami(args.conn, timeout=args.timeout)

    def _aliases(self) -> Aliases:
        rows = [
            AliasRow(alias, conn.address.url, conn.user or conn.actor, "yes" if alias == self.using else "")
            for alias, conn in connections.list_connections()
            if conn
        ]
        return Aliases(rows, f"{len(rows)} connection{'s' if len(rows) != 1 else ''}")

    @staticmethod
    def _require_alone(args: argparse.Namespace, option: str) -> None:
        if args.parser.find_given(args).keys() - {option, "alias", "timeout"}:
            raise ParameterError(
                f"--{option} knows address and user by itself: leave the others out; nothing was connected"
            )

    def _connect_embedded(self, alias: str, directory: str, timeout: float) -> None:
        running = session.embedded.get(alias)
        server = running if running and _is_meant(running, directory) else _start(directory)
        try:
            self._bind_embedded(alias, server, timeout)
        except BaseException:
            if server is not running:
                server.stop()
            raise
        if running and server is not running:
            running.stop()

    def _bind_embedded(self, alias: str, server: EmbeddedMilvus, timeout: float) -> None:
        connections.connect(alias, server.user, server.password, uri=server.uri, timeout=timeout)
        session.embedded[alias] = server


def _is_meant(running: EmbeddedMilvus, directory: str) -> bool:
    """Whether a line asks for the server that runs already: typed again, its data is still wanted."""
    return running.alive() and running.has_data_in(directory or None)


def _start(directory: str) -> EmbeddedMilvus:
    from milvus_magics import embedded

    server = embedded.start(directory or None, progress=partial(print, flush=True))
    if server.warning:
        print(server.warning)
    return server


def _address(args: argparse.Namespace) -> Address:
    user = args.user
    given: dict[str, Any] = {
        "uri": args.uri, "host": args.host, "port": args.port, "db_name": args.db or "",
        **{keyword: getattr(args, name) for name, keyword in TLS.items()},
    }  # fmt: skip
    token = _token(args)
    if token is not None:
        if user is not None or prompts.named_source(args, ""):
            raise ParameterError("give either a user with a password or a token, not both", outcome=NOTHING_SENT)
        return Address.parse(**given, token=token)
    if user is None:
        if prompts.named_source(args, ""):
            raise ParameterError("there is a source for a password but no --user", outcome=NOTHING_SENT)
        return Address.parse(**given)
    Address.parse(**given)  # a wrong address is told before the password is asked for
    if not user:
        raise ParameterError("the user name is empty", outcome=NOTHING_SENT)
    return Address.parse(
        **given, user=user, password=prompts.named_source(args, user) or prompts.ask(f"Password of {user!r}: ")
    )


def _token(args: argparse.Namespace) -> Secret | None:
    given = [args.token, args.token_env is not None, args.token_var is not None]
    if sum(given) > 1:
        raise ParameterError("give one source for the token, not two", outcome=NOTHING_SENT)
    if args.token_env is not None:
        return prompts.from_environment(args.token_env)
    if args.token_var is not None:
        return prompts.from_variable(args.token_var, args.namespace)
    return prompts.ask("Token (API key or user:password): ") if args.token else None
