"""Magics that change a user's password."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from milvus_magics import client
from milvus_magics.errors import NOTHING_SENT, ParameterError
from milvus_magics.magics import prompts
from milvus_magics.magics.arguments import Parser, connection_options, dry_run, form, password_source
from milvus_magics.magics.line import NEW_SOURCES
from milvus_magics.magics.operation import Operation, line_magic
from milvus_magics.magics.session_magics import SessionMagics
from milvus_magics.secret import Secret

if TYPE_CHECKING:
    from milvus_magics.transport.connection import Connection


def password_arguments(parser: Parser) -> None:
    """Whose password is changed, and where the old and the new one come from."""
    parser.add_argument("user", nargs="?", metavar="NAME", help="the user (default: the one you are connected as)")
    password_source(parser)
    password_source(parser, "new-", "the new one")
    without_old = "give no old password, which servers take from superusers only"
    parser.add_argument("--without-old", action="store_true", help=without_old)


class NewPasswordMagics(SessionMagics):
    """The magics that change passwords."""

    @line_magic(password_arguments, dry_run, form(), connection_options)
    def update_password(self, args: argparse.Namespace) -> Operation:
        """Change a password. The old one is checked first; the plain sources mean the old one.

        Asks for what the line names no source for, the new one twice. Where it is your own password, the connection
        goes on with the new one.

        Examples:
            %milvus_update_password
            %milvus_update_password bob --password-env OLD --new-password-env NEW
            %milvus_update_password --form
        """
        return _operation(args, client.users.update_password)

    @line_magic(password_arguments, dry_run, form(), connection_options)
    def reset_password(self, args: argparse.Namespace) -> Operation:
        """Change a password, and prove that the new one works and the old one is refused.

        As %milvus_update_password otherwise.

        Examples:
            %milvus_reset_password
            %milvus_reset_password bob --keyring milvus
        """
        return _operation(args, client.users.reset_password)


def _operation(args: argparse.Namespace, change: Callable[..., Any]) -> Operation:
    """Change a password. What the line names is looked at before anybody is asked."""
    if args.user is None and not args.conn.user:
        raise ParameterError(f"name the user: this connection acts as {args.conn.actor}", outcome=NOTHING_SENT)
    user = args.conn.user if args.user is None else args.user
    client.names.require_valid(client.names.problem_with_existing_name(user))
    old, new = prompts.named_source(args, user), prompts.named_source(args, user, "new_")
    if args.without_old and old:
        raise ParameterError("--without-old gives no old password, so leave its source out", outcome=NOTHING_SENT)
    if new:
        client.names.require_valid(client.names.problem_with_password(new))

    def act(conn: Connection, user: str, old: Secret | None, *, timeout: float) -> Any:
        if old is None:
            old = Secret("") if args.without_old else prompts.ask(f"Old password of user {user!r}: ")
        return change(conn, user, old, new or prompts.ask_for_new(user, NEW_SOURCES), timeout=timeout)

    return Operation(args, act, client.user_passwords.preview_update_password, user, old)
