"""Magics for connections: connect, use, disconnect, list, who am I."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

from milvus_magics import client
from milvus_magics.client.results.table import Table
from milvus_magics.errors import NOTHING_SENT, ParameterError
from milvus_magics.magics import arguments, prompts
from milvus_magics.magics.arguments import argument
from milvus_magics.magics.line import ExpandedText, cleanup_advice
from milvus_magics.magics.operation import line_magic
from milvus_magics.magics.session_magics import SessionMagics
from milvus_magics.secret import Secret, mask_misplaced
from milvus_magics.session import DEFAULT, connections, session
from milvus_magics.session.pymilvus_connections import address_of_pymilvus
from milvus_magics.transport.address import Address
from milvus_magics.wording import count_text

if TYPE_CHECKING:
    from milvus_magics.client.results.users import WhoAmI

TLS_FILES = ("ca_pem", "server_pem", "client_pem", "client_key")


class AliasRow(NamedTuple):
    """One connection of this notebook."""

    alias: str
    server: str
    user: str
    current: str


class Aliases(Table[AliasRow]):
    """The connections of this notebook."""

    noun = "connection"
    columns = ("alias", "server", "user", "current")


def list_aliases(used: str) -> Aliases:
    """List the connections of this notebook; `used` is the alias that magics use."""
    rows = [
        AliasRow(alias, conn.address.url, conn.user or conn.actor, "yes" if alias == used else "")
        for alias, conn in connections.list_connections()
        if conn
    ]
    return Aliases(rows, count_text(len(rows), "connection"))


def connect_arguments(parser: arguments.Parser) -> None:
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
    arguments.password_source(parser)
    parser.add_argument("--ca-pem", metavar="FILE", help="the authority that signed the server's certificate")
    parser.add_argument("--server-pem", metavar="FILE", help="the server's own certificate")
    parser.add_argument("--client-pem", metavar="FILE", help="this client's certificate")
    parser.add_argument("--client-key", metavar="FILE", help="this client's key")
    parser.add_argument("--server-name", metavar="NAME", help="the name in the server's certificate")
    embedded = "start a Milvus on this machine; DIR keeps its data"
    parser.add_argument("--embedded", nargs="?", const=True, metavar="DIR", help=embedded)
    parser.add_argument("--adopt", metavar="NAME", help="use pymilvus's connection: a MilvusClient, or an alias")
    arguments.form()(parser)
    arguments.timeout_option(parser)
    parser.misplaced["user"] = "user"


def _take_user_out(args: argparse.Namespace) -> None:
    """Take the user out of the address, if it names one, and refuse a password that was typed."""
    if ":" in (args.user or ""):
        advice = "" if isinstance(args.user, ExpandedText) else f". {cleanup_advice()}"
        raise ParameterError(f"--user takes the name alone, without ':' and a password{advice}", outcome=NOTHING_SENT)
    found = re.fullmatch(r"((?:\w+://)?)([^/@]*)@(.*)", args.uri or "", re.DOTALL)
    if not found:
        return
    if ":" in found[2]:
        if "@" in args.line:
            raise ParameterError(f"{arguments.TYPED_ADDRESS}. {cleanup_advice()}", outcome=NOTHING_SENT)
        return
    if args.user is not None:
        raise ParameterError("the address names a user, and --user does too: give one", outcome=NOTHING_SENT)
    args.uri, args.user = found[1] + found[3], mask_misplaced("user", unquote(found[2]))


class ConnectionMagics(SessionMagics):
    """The magics for connections."""

    TOPIC = "connections"

    @line_magic(connect_arguments, check=_take_user_out, says_result=True)
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
        args.uri = None if args.uri is None else Secret(args.uri)  # a variable's may hold a password
        alias, timeout = DEFAULT if args.alias is None else args.alias, args.timeout
        if args.embedded is not None:
            self._require_alone(args, "embedded")
            self._connect_embedded(alias, None if args.embedded is True else args.embedded, timeout)
        elif args.adopt is not None:
            self._require_alone(args, "adopt")
            connections.bind(alias, _warn(address_of_pymilvus(_source_to_adopt(args))), timeout=timeout)
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
        self.using = str(args.alias)
        return list_aliases(self.using)

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
        return list_aliases(self.using)

    @line_magic()
    def connections(self, args: argparse.Namespace) -> Aliases:
        """List the connections of this notebook.

        Example:
            %milvus_connections
        """
        return list_aliases(self.using)

    @line_magic(arguments.connection_options)
    def whoami(self, args: argparse.Namespace) -> WhoAmI:
        """Say as whom the connection acts, with which roles, and whether the server enforces authorization.

        Example:
            %milvus_whoami
        """
        return client.users.whoami(args.conn, timeout=args.timeout)

    @staticmethod
    def _require_alone(args: argparse.Namespace, option: str) -> None:
        if args.parser.find_given(args).keys() - {option, "alias", "timeout"}:
            others = "leave the others out; nothing was connected"
            raise ParameterError(f"--{option} knows address and user by itself: {others}")

    def _connect_embedded(self, alias: str, directory: str | None, timeout: float) -> None:
        from milvus_magics import embedded

        running = session.embedded.get(alias)
        if running and running.alive() and running.has_data_in(directory):
            server = running  # typed again: its data is still wanted
        else:
            server = embedded.start(directory, progress=partial(print, flush=True))
            if server.warning:
                print(server.warning)
        try:
            connections.connect(alias, server.user, server.password, uri=server.uri, timeout=timeout)
            session.embedded[alias] = server
        except BaseException:
            if server is not running:
                server.stop()
            raise
        if running and server is not running:
            running.stop()


def _source_to_adopt(args: argparse.Namespace) -> Any:
    """The client of pymilvus, or the alias there, that the line names."""
    return args.namespace.find(args.adopt) if args.namespace.has(args.adopt) else args.adopt


def _warn(address: Address) -> Address:
    """Say where others see passwords that are sent to an address."""
    if address.warning:
        print(f"warning: {address.warning}", flush=True)
    return address


def _address(args: argparse.Namespace) -> Address:
    user = args.user
    given: dict[str, Any] = {
        "uri": args.uri, "host": args.host, "port": args.port, "db_name": args.db or "",
        "server_name": args.server_name, **{f"{name}_path": getattr(args, name) for name in TLS_FILES},
    }  # fmt: skip
    address = _warn(Address.parse(**given))  # before anything is asked for; and so is told what is wrong with it
    check = partial(connections.require_reachable, address, timeout=args.timeout)
    token = _token(args, check)
    if token is not None and (user is not None or prompts.named_source(args, "")):
        raise ParameterError("give either a user with a password or a token, not both", outcome=NOTHING_SENT)
    if user is None:
        if token is None and prompts.named_source(args, ""):
            raise ParameterError("there is a source for a password but no --user", outcome=NOTHING_SENT)
        return Address.parse(**given, token=token or "")
    if not user:
        raise ParameterError("the user name is empty", outcome=NOTHING_SENT)
    password = prompts.named_source(args, user)
    if not password:
        check()
        password = prompts.ask(f"Password of {user!r}: ")
    return Address.parse(**given, user=user, password=password)


def _token(args: argparse.Namespace, check: Callable[[], None]) -> Secret | None:
    """The token that a line names or asks for. None if there is none; `check` comes before a question."""
    if args.token + (args.token_env is not None) + (args.token_var is not None) > 1:
        raise ParameterError("give one source for the token, not two", outcome=NOTHING_SENT)
    if args.token:
        check()
        return prompts.ask("Token (API key or user:password): ")
    return prompts.read_source(args.token_env, args.token_var, args.namespace)
