"""Magics that change a user's password."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from milvus_magics import client
from milvus_magics.errors import ParameterError
from milvus_magics.magics import prompts
from milvus_magics.magics.arguments import (
    argument,
    connection_options,
    dry_run,
    form,
    line_magic,
    new_password_source,
    password_source,
)
from milvus_magics.magics.session_magics import SessionMagics
from milvus_magics.magics.typed_secrets import NEW_SOURCES
from milvus_magics.secret import Secret

if TYPE_CHECKING:
    from milvus_magics.client.results.previews import Preview
    from milvus_magics.transport.connection import Connection

NOT_WITH_FORM = (
    "name", "without_old", "dry_run", "password_env", "password_var", "keyring", "new_password_env", "new_password_var",
    "new_keyring",
)  # fmt: skip
whose = argument("name", nargs="?", metavar="NAME", help="the user (default: the one you are connected as)")
without_old = argument(
    "--without-old", action="store_true", help="give no old password, which servers take from superusers only"
)


class NewPasswordMagics(SessionMagics):
    """The magics that change passwords."""

    @line_magic(whose, password_source, new_password_source, without_old, dry_run, form, connection_options)
    def update_password(self, args: argparse.Namespace) -> Any:
        """Change a password. The old one is checked first; the plain sources mean the old one.

        Asks for what the line names no source for, the new one twice. Where it is your own password, the connection
        goes on with the new one.

        Examples:
            %milvus_update_password
            %milvus_update_password bob --password-env OLD --new-password-env NEW
            %milvus_update_password --form
        """
        conn = self.connection(args)
        if args.form:
            return self.form("UpdatePasswordForm", args, NOT_WITH_FORM)
        if args.dry_run:
            return _preview(conn, args, self.seconds(args))
        name, old, new = _name_and_passwords(conn, args)
        return client.users.update_password(conn, name, old, new, timeout=self.seconds(args))

    @line_magic(whose, password_source, new_password_source, without_old, dry_run, form, connection_options)
    def reset_password(self, args: argparse.Namespace) -> Any:
        """Change a password, and prove that the new one works and the old one is refused.

        As %milvus_update_password otherwise.

        Examples:
            %milvus_reset_password
            %milvus_reset_password bob --keyring milvus
        """
        conn = self.connection(args)
        if args.form:
            return self.form("ResetPasswordForm", args, NOT_WITH_FORM)
        if args.dry_run:
            return _preview(conn, args, self.seconds(args))
        name, old, new = _name_and_passwords(conn, args)
        return client.users.reset_password(conn, name, old, new, timeout=self.seconds(args))


def _preview(conn: Connection, args: argparse.Namespace, timeout: float) -> Preview:
    name = _name(conn, args)
    old, new = prompts.named_source(args, name), prompts.named_source(args, name, "new_")
    if new:
        client.names.require_valid(client.names.problem_with_password(new))
    return client.user_passwords.preview_update_password(conn, name, old, timeout=timeout)


def _name(conn: Connection, args: argparse.Namespace) -> str:
    name = conn.user if args.name is None else args.name
    if not conn.user and args.name is None:
        raise ParameterError(f"name the user: this connection acts as {conn.actor}; nothing was sent")
    client.names.require_valid(client.names.problem_with_existing_name(name))
    return str(name)


def _name_and_passwords(conn: Connection, args: argparse.Namespace) -> tuple[str, Secret, Secret]:
    """Whose password, the old one and the new one. What the line names is looked at before anybody is asked."""
    name = _name(conn, args)
    old, new = prompts.named_source(args, name), prompts.named_source(args, name, "new_")
    if args.without_old and old:
        raise ParameterError("--without-old gives no old password, so leave its source out; nothing was sent")
    if new:
        client.names.require_valid(client.names.problem_with_password(new))
    if old is None:
        old = Secret("") if args.without_old else prompts.ask(f"Old password of user {name!r}: ")
    return name, old, new or prompts.ask_for_new(name, NEW_SOURCES)
