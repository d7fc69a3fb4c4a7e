"""Magics for users: list, create, delete, drop."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any

from milvus_magics import client
from milvus_magics.errors import MilvusException, OutcomeUnknownError, ParameterError, PermissionDeniedError
from milvus_magics.magics import prompts
from milvus_magics.magics.arguments import (
    Parser,
    argument,
    connection_options,
    dry_run,
    form,
    line_magic,
    password_source,
    yes,
)
from milvus_magics.magics.session_magics import SessionMagics
from milvus_magics.secret import Secret
from milvus_magics.wording import printable

if TYPE_CHECKING:
    from milvus_magics.client.results.previews import DeletePreview
    from milvus_magics.client.results.users import CreatedUser, User, Users
    from milvus_magics.transport.connection import Connection

NOT_WITH_FORM = (
    "name", "password_env", "password_var", "keyring", "role", "description", "generate", "password_to", "keyring_to",
    "dry_run",
)  # fmt: skip
user_name = argument("name", metavar="NAME", help="the user")
user_name_or_form = argument("name", nargs="?", metavar="NAME", help="the user")


def new_password(parser: Parser) -> None:
    """How a new user gets a password and where it goes."""
    password_source(parser)
    parser.add_argument("--role", action="append", default=[], metavar="R", help="give this role, too; repeatable")
    parser.add_argument("--description", default="", metavar="TEXT", help="kept by servers from 2.6.19 on")
    parser.add_argument("--generate", action="store_true", help="make a random password")
    parser.add_argument("--password-to", metavar="FILE", help="write the generated one into a new private file")
    parser.add_argument("--keyring-to", metavar="SERVICE", help="put the generated one into the system's keyring")


class UserMagics(SessionMagics):
    """The magics for users."""

    @line_magic(connection_options)
    def list_users(self, args: argparse.Namespace) -> Users:
        """List all users with their roles.

        Example:
            users = %milvus_list_users
        """
        return client.users.list_users(self.connection(args), timeout=self.seconds(args))

    @line_magic(connection_options)
    def list_usernames(self, args: argparse.Namespace) -> list[str]:
        """List the names of all users.

        Example:
            names = %milvus_list_usernames
        """
        return client.users.list_usernames(self.connection(args), timeout=self.seconds(args))

    @line_magic(user_name, connection_options)
    def list_user(self, args: argparse.Namespace) -> User:
        """Show one user with their roles.

        Example:
            %milvus_list_user bob
        """
        return client.users.list_user(self.connection(args), args.name, timeout=self.seconds(args))

    @line_magic(user_name_or_form, new_password, dry_run, form, connection_options)
    def create_user(self, args: argparse.Namespace) -> Any:
        """Create a user, and give them roles. Asks for the password, twice, where the line names no source.

        Examples:
            %milvus_create_user bob --role reader
            bob = %milvus_create_user bob --generate
            %milvus_create_user bob --generate --password-to bob.password
            %milvus_create_user --form
        """
        conn, timeout = self.connection(args), self.seconds(args)
        if args.form:
            return self.form("CreateUserForm", args, NOT_WITH_FORM)
        self.require(args, name="the user")
        client.names.require_valid(client.names.problem_with_user_name(args.name))
        if args.dry_run:
            given = prompts.named_source(args, args.name)
            return client.users.preview_create_user(conn, args.name, given, grant=args.role, timeout=timeout)
        if args.generate:
            return _create_generated(conn, args, timeout)
        if args.password_to is not None or args.keyring_to is not None:
            raise ParameterError("--password-to and --keyring-to go with --generate; nothing was sent")
        password = prompts.named_source(args, args.name) or prompts.ask_for_new(args.name)
        return client.users.create_user(
            conn, args.name, password, grant=args.role, description=args.description, timeout=timeout
        )

    @line_magic(user_name_or_form, password_source, dry_run, yes, form, connection_options)
    def delete_user(self, args: argparse.Namespace) -> Any:
        """Delete a user whose password is given; the password is checked first, and nothing is deleted unverified.

        Asks for the password where the line names no source. Deleting the user you are connected as, or the last
        one with the role admin, asks for the name to be retyped, too. The user who must not be asked gives --yes.

        Examples:
            %milvus_delete_user bob
            %milvus_delete_user bob --password-env BOB_PASSWORD
            %milvus_delete_user --form
        """
        conn, timeout = self.connection(args), self.seconds(args)
        if args.form:
            return self.form(
                "DeleteUserForm", args, ("name", "dry_run", "yes", "password_env", "password_var", "keyring")
            )
        self._require_name(args)
        given = prompts.named_source(args, args.name)
        if args.dry_run:
            return client.users.preview_delete_user(conn, args.name, given, timeout=timeout)
        preview = None if args.yes and given else _preview(conn, args.name, timeout)
        if preview and preview.warning:
            prompts.confirm(str(preview), args.name, args.yes)
        elif preview and given and preview.undo:
            print(f"{args.name!r} will be deleted; {preview.undo}")  # as the prompt says it otherwise
        password = given or prompts.ask(_label(args.name, preview))
        return client.users.delete_user(conn, args.name, password, timeout=timeout)

    @line_magic(user_name_or_form, dry_run, yes, form, connection_options)
    def drop_user(self, args: argparse.Namespace) -> Any:
        """Delete a user without their password, for the administrator who does not know it.

        The name is retyped, or --yes is given.

        Examples:
            %milvus_drop_user bob
            %milvus_drop_user bob --dry-run
        """
        conn, timeout = self.connection(args), self.seconds(args)
        if args.form:
            return self.form("DropUserForm", args, ("name", "dry_run", "yes"))
        self._require_name(args)
        if args.dry_run:
            return client.users.preview_drop_user(conn, args.name, timeout=timeout)
        if not args.yes:
            preview = client.users.preview_drop_user(conn, args.name, timeout=timeout)
            prompts.confirm(str(preview), args.name, yes=False)
        return client.users.drop_user(conn, args.name, timeout=timeout)

    def _require_name(self, args: argparse.Namespace) -> None:
        self.require(args, name="the user")
        client.names.require_valid(client.names.problem_with_existing_name(args.name))


def _preview(conn: Connection, name: str, timeout: float) -> DeletePreview | None:
    """What would go; None where the caller may not look."""
    try:
        return client.users.preview_delete_user(conn, name, timeout=timeout)
    except PermissionDeniedError:
        return None


def _label(name: str, preview: DeletePreview | None) -> str:
    roles = f" ({', '.join(map(printable, preview.roles))})" if preview and preview.roles else ""
    undo = f" ({preview.undo})" if preview and preview.undo else ""
    return f"Password of {name!r}{roles}, who will be deleted{undo}: "


def _create(conn: Connection, args: argparse.Namespace, password: Secret, timeout: float) -> CreatedUser:
    return client.users.create_user(
        conn, args.name, password, grant=args.role, description=args.description, timeout=timeout
    )


def _create_generated(conn: Connection, args: argparse.Namespace, timeout: float) -> CreatedUser:
    """Create a user with a generated password, which is put where it belongs before: afterwards it could be lost."""
    if prompts.named_source(args, args.name):
        raise ParameterError("--generate makes the password: leave its source out; nothing was sent")
    secret = Secret.generate()
    if args.password_to is not None and args.keyring_to is not None:
        raise ParameterError("give --password-to or --keyring-to, not both; nothing was sent")
    _keep(secret, args)
    try:
        created = client.users.create_user(
            conn, args.name, secret, grant=args.role, description=args.description, timeout=timeout
        )
    except (MilvusException, KeyboardInterrupt) as exc:
        if not _may_exist(conn, args.name, exc):
            _forget(args)
        raise
    place = args.password_to or (f"the keyring, service {args.keyring_to!r}" if args.keyring_to else "")
    return client.results.users.CreatedUser(
        created.user, created.server, created.roles, secret, kept=place, note=created.note
    )


def _keep(secret: Secret, args: argparse.Namespace) -> None:
    if args.password_to is not None:
        secret.write_new_file(args.password_to)
    if args.keyring_to is not None:
        secret.keep_in_keyring(args.keyring_to, args.name)


def _may_exist(conn: Connection, name: str, exc: BaseException) -> bool:
    """Whether the user may have been created in spite of the error: then the password is still needed."""
    return not isinstance(exc, MilvusException) or isinstance(exc, OutcomeUnknownError) or "is created" in str(exc)


def _forget(args: argparse.Namespace) -> None:
    if args.password_to is not None:
        os.unlink(os.path.expanduser(args.password_to))
    if args.keyring_to is not None:
        Secret.forget_in_keyring(args.keyring_to, args.name)
