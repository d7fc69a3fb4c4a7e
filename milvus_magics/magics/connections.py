"""Magics for connections: overview, connect, use, disconnect, list, who am I."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from milvus_magics import client
from milvus_magics.errors import MilvusException, ParameterError
from milvus_magics.magics import prompts
from milvus_magics.magics.arguments import (
    Parser,
    argument,
    connection_options,
    line_magic,
    password_source,
    timeout_option,
)
from milvus_magics.magics.session_magics import SessionMagics
from milvus_magics.magics.typed_secrets import cleanup_advice
from milvus_magics.session.connections import DEFAULT, connections
from milvus_magics.transport.address import Address

if TYPE_CHECKING:
    from milvus_magics.client.results.users import WhoAmI
    from milvus_magics.embedded import EmbeddedMilvus
    from milvus_magics.magics.overview import Aliases, Overview
    from milvus_magics.secret import Secret

ADDRESS_OPTIONS = ("host", "port", "ca_pem", "server_pem", "client_pem", "client_key", "server_name", "db")


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
    parser.add_argument(
        "--form", action="store_true", help="show a form instead, with what else is given in its fields"
    )
    timeout_option(parser)


class ConnectionMagics(SessionMagics):
    """The magics for connections."""

    @line_magic(connection_options)
    def milvus(self, args: argparse.Namespace) -> Overview:
        """Show the connections, the server, as whom you act, and what to type next.

        Example:
            %milvus
        """
        from milvus_magics.magics.overview import Overview

        alias = args.using or self.using
        if not connections.has_connection(alias):
            return Overview(self._aliases(), None, "", "%milvus_connect URI --user NAME, or %milvus_connect --embedded")
        try:
            who = client.users.whoami(connections.get(alias), timeout=self.seconds(args))
        except MilvusException as exc:
            return Overview(self._aliases(), None, f"{type(exc).__name__}: {exc}", "%milvus_connect URI --user NAME")
        return Overview(
            self._aliases(), who, "", "%milvus_list_users, %milvus_create_user NAME, %milvus_delete_user NAME"
        )

    @line_magic(connect_arguments)
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
        alias, timeout = DEFAULT if args.alias is None else args.alias, self.seconds(args)
        if args.form:
            return _form(args, alias, timeout)
        if args.embedded is not None:
            self._require_alone(args, "--embedded")
            self._connect_embedded(alias, args.embedded, timeout)
        elif args.adopt is not None:
            self._require_alone(args, "--adopt")
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
        self._stop_embedded(alias)
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
        return client.users.whoami(self.connection(args), timeout=self.seconds(args))

    def _aliases(self) -> Aliases:
        from milvus_magics.magics.overview import Aliases, AliasRow

        rows = [
            AliasRow(alias, conn.address.url, conn.user or conn.actor, "yes" if alias == self.using else "")
            for alias, conn in connections.list_connections()
            if conn
        ]
        return Aliases(rows, f"{len(rows)} connection{'s' if len(rows) != 1 else ''}")

    def _require_alone(self, args: argparse.Namespace, option: str) -> None:
        others = ("uri", "user", "token_env", "token_var", "password_env", "password_var", "keyring", *ADDRESS_OPTIONS)
        if any(getattr(args, name) is not None for name in others) or args.token or (args.adopt and args.embedded):
            raise ParameterError(
                f"{option} knows address and user by itself: leave the others out; nothing was connected"
            )

    def _connect_embedded(self, alias: str, directory: str, timeout: float) -> None:
        from milvus_magics import embedded

        running = self.embedded.get(alias)
        if running and running.alive() and not directory and running.temporary:
            server = running  # typed again: the data is still wanted
        elif running and running.alive() and directory and running.keeps(directory):
            server = running
        else:
            server = embedded.start(directory or None, progress=_tell)
            if server.warning:
                print(server.warning)
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
        self.embedded[alias] = server

    def _stop_embedded(self, alias: str) -> None:
        server = self.embedded.pop(alias, None)
        if server:
            server.stop()


def _tell(text: str) -> None:
    print(text, flush=True)


def _form(args: argparse.Namespace, alias: str, timeout: float) -> Any:
    from milvus_magics.forms.connect import ConnectForm

    others = ("host", "port", "token_env", "token_var", "password_env", "password_var", "keyring", "embedded", "adopt")
    if args.token or any(getattr(args, name) is not None for name in others):
        raise ParameterError(
            "--form takes the address as URI and asks for the secret by itself: leave hosts, ports and sources of "
            "passwords or tokens out; nothing was sent"
        )
    uri, user = _without_user(args)
    return ConnectForm(alias, uri=uri or "", user=user or "", db_name=args.db or "", timeout=timeout, **_tls(args))


def _tls(args: argparse.Namespace) -> dict[str, str]:
    return {
        "ca_pem_path": args.ca_pem, "server_pem_path": args.server_pem, "client_pem_path": args.client_pem,
        "client_key_path": args.client_key, "server_name": args.server_name,
    }  # fmt: skip


def _address(args: argparse.Namespace) -> Address:
    uri, user = _without_user(args)
    given: dict[str, Any] = {
        "uri": uri, "host": args.host, "port": args.port, "db_name": args.db or "", **_tls(args),
    }  # fmt: skip
    token = _token(args)
    if token is not None:
        if user is not None or prompts.named_source(args, ""):
            raise ParameterError("give either a user with a password or a token, not both; nothing was sent")
        return Address.parse(**given, token=token)
    if user is None:
        if prompts.named_source(args, ""):
            raise ParameterError("there is a source for a password but no --user; nothing was sent")
        return Address.parse(**given)
    Address.parse(**given)  # a wrong address is told before the password is asked for
    if not user:
        raise ParameterError("the user name is empty; nothing was sent")
    return Address.parse(
        **given, user=user, password=prompts.named_source(args, user) or prompts.ask(f"Password of {user!r}: ")
    )


def _without_user(args: argparse.Namespace) -> tuple[str | None, str | None]:
    """The URI without the user that it may name, and that user or the one of `--user`."""
    found = re.fullmatch(r"((?:\w+://)?)([^/@]*)@(.*)", args.uri or "", re.DOTALL)
    if not found:
        return args.uri, args.user
    if ":" in found[2]:
        if "@" in args.line:
            raise ParameterError(
                "an address with a password is never typed on the line: write --user NAME and be asked. "
                f"{cleanup_advice()}; nothing was sent"
            )
        return args.uri, args.user
    if args.user is not None:
        raise ParameterError("the address names a user, and --user does too: give one; nothing was sent")
    return found[1] + found[3], unquote(found[2])


def _token(args: argparse.Namespace) -> Secret | None:
    given = [args.token, args.token_env is not None, args.token_var is not None]
    if sum(given) > 1:
        raise ParameterError("give one source for the token, not two; nothing was sent")
    if args.token_env is not None:
        return prompts.from_environment(args.token_env)
    if args.token_var is not None:
        return prompts.from_variable(args.token_var, args.namespace)
    return prompts.ask("Token (API key or user:password): ") if args.token else None
