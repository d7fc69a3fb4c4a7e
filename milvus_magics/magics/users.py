"""Magics for users: list, create, delete, drop, restore, change passwords."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from milvus_magics import client
from milvus_magics.errors import NOTHING_SENT, MilvusException, ParameterError, PermissionDeniedError
from milvus_magics.magics import prompts
from milvus_magics.magics.arguments import Parser, argument, connection_options, dry_run, form, password_source, yes
from milvus_magics.magics.descriptions import describe, description_arguments
from milvus_magics.magics.line import NEW_UNASKED
from milvus_magics.magics.operation import Operation, line_magic
from milvus_magics.magics.restoration import restore_operation
from milvus_magics.magics.session_magics import SessionMagics
from milvus_magics.secret import Secret
from milvus_magics.session import session
from milvus_magics.session.generated_passwords import is_refused
from milvus_magics.wording import join_parts, name_text, sentences

if TYPE_CHECKING:
    from milvus_magics.client.results.previews import DeletePreview, Preview
    from milvus_magics.client.results.users import CreatedUser, User, Users
    from milvus_magics.transport.connection import Connection

user_name = argument("user", metavar="NAME", help="the user")


def new_password(parser: Parser) -> None:
    """How a new user gets a password and where it goes."""
    password_source(parser)
    role = "give this role, too; repeatable"
    parser.add_argument("--role", dest="roles", action="append", default=[], metavar="R", help=role)
    parser.add_argument("--description", default="", metavar="TEXT", help="kept by servers from 2.6.19 on")
    parser.add_argument("--generate", action="store_true", help="make a random password")
    parser.add_argument("--password-to", metavar="FILE", help="write the generated one into a new private file")
    parser.add_argument("--keyring-to", metavar="SERVICE", help="put the generated one into the system's keyring")


def password_arguments(parser: Parser) -> None:
    """Whose password is changed, and where the old and the new one come from."""
    parser.add_argument("user", nargs="?", metavar="NAME", help="the user (default: the one you are connected as)")
    password_source(parser)
    password_source(parser, "new-", "the new one")
    without_old = "give no old password; only superusers may"
    parser.add_argument("--without-old", action="store_true", help=without_old)


class UserMagics(SessionMagics):
    """The magics for users."""

    TOPIC = "users"

    @line_magic(connection_options)
    def list_users(self, args: argparse.Namespace) -> Users:
        """List all users with their roles.

        Example:
            users = %milvus_list_users
        """
        return client.users.list_users(args.conn, timeout=args.timeout)

    @line_magic(connection_options)
    def list_usernames(self, args: argparse.Namespace) -> list[str]:
        """List the names of all users.

        Example:
            names = %milvus_list_usernames
        """
        return client.users.list_usernames(args.conn, timeout=args.timeout)

    @line_magic(user_name, connection_options)
    def list_user(self, args: argparse.Namespace) -> User:
        """Show one user with their roles.

        Example:
            %milvus_list_user bob
        """
        return client.users.list_user(args.conn, args.user, timeout=args.timeout)

    @line_magic(user_name, new_password, dry_run, form("user"), connection_options)
    def create_user(self, args: argparse.Namespace) -> Operation:
        """Create a user, and give them roles. Asks for the password, twice, where the line names no source.

        Examples:
            %milvus_create_user bob --role reader
            bob = %milvus_create_user bob --generate
            %milvus_create_user bob --generate --password-to bob.password
            %milvus_create_user --form
        """
        client.names.require_valid(client.names.problem_with_user_name(args.user))
        password = prompts.named_source(args, args.user)
        _check_places(args, password)
        act, preview = partial(_create, args), partial(_preview_creation, args)

        def ask() -> tuple[str, Secret]:
            return args.user, Secret.generate() if args.generate else password or prompts.ask_for_new(args.user)

        options = {"grant": args.roles, "description": args.description}
        looks_first = bool(args.description) or not (args.generate or password)
        return Operation(args, act, preview, args.user, password, ask=ask, looks_first=looks_first, **options)

    @line_magic(user_name, description_arguments, dry_run, yes, form("user"), connection_options)
    def describe_user(self, args: argparse.Namespace) -> Operation:
        """Change a user's description; needs Milvus 2.6.19.

        Examples:
            %milvus_describe_user bob 'team A'
            %milvus_describe_user bob --undo
        """
        return describe(args, "user", args.user, client.users.describe_user, client.users.preview_describe_user)

    @line_magic(user_name, password_source, dry_run, yes, form("user"), connection_options)
    def delete_user(self, args: argparse.Namespace) -> Operation:
        """Delete a user whose password is given; the password is checked first, and nothing is deleted unverified.

        Asks for the password where the line names no source. Deleting the user you are connected as, or the last
        one with the role admin, asks for the name to be retyped, too. Use --yes to skip the confirmation.

        Examples:
            %milvus_delete_user bob
            %milvus_delete_user bob --password-env BOB_PASSWORD
            %milvus_delete_user --form
        """
        password = prompts.named_source(args, args.user)
        ask = partial(_confirm_deletion, args, password)
        act, preview = client.users.delete_user, client.users.preview_delete_user
        return Operation(args, act, preview, args.user, password, ask=ask)

    @line_magic(user_name, dry_run, yes, form("user"), connection_options)
    def drop_user(self, args: argparse.Namespace) -> Operation:
        """Delete a user without their password, for the administrator who does not know it.

        The name is retyped, or --yes is given.

        Examples:
            %milvus_drop_user bob
            %milvus_drop_user bob --dry-run
        """
        preview = client.users.preview_drop_user
        return Operation(args, client.users.drop_user, preview, args.user, retype=args.user)

    @line_magic(user_name, password_source, dry_run, yes, connection_options)
    def restore_user(self, args: argparse.Namespace) -> Operation:
        """Bring back a user who was deleted in this session, with the roles and the description that they had.

        Asks for the password to give them, unless the line names a source, or `%config MilvusMagics.undo_minutes`
        was set before the deletion: then they have the old one for so long. Where another Milvus answers than the one
        where they were, the name is retyped, or --yes is given.

        Example:
            %milvus_restore_user bob
        """
        password = prompts.named_source(args, args.user)

        def ask() -> tuple[str, Secret]:
            secret = password or session.undo.find_secret(args.conn, args.user, timeout=args.timeout)
            return args.user, secret or prompts.ask_for_new(args.user)

        preview = partial(session.undo.preview_restore_user, given=password is not None)
        looks_first = not (password or session.undo.find_secret(args.conn, args.user))
        restore = session.undo.restore_user
        return restore_operation(args, "user", args.user, restore, preview, ask=ask, looks_first=looks_first)

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
        return _change_password(args, client.users.update_password)

    @line_magic(password_arguments, dry_run, form(), connection_options)
    def reset_password(self, args: argparse.Namespace) -> Operation:
        """Change a password, and prove that the new one works and the old one is refused.

        As %milvus_update_password otherwise.

        Examples:
            %milvus_reset_password
            %milvus_reset_password bob --keyring milvus
        """
        return _change_password(args, client.users.reset_password)


def _confirm_deletion(args: argparse.Namespace, password: Secret | None) -> tuple[str, Secret]:
    """Have a deletion confirmed where that is wanted, and ask for the password if none is given."""
    user = args.user
    preview = None
    if not args.yes or password is None:
        with suppress(PermissionDeniedError):  # who may not look may delete all the same
            preview = client.users.preview_delete_user(args.conn, user, timeout=args.timeout)
    if preview and (preview.is_actor or preview.is_last_admin):
        prompts.confirm(str(preview), user, args.yes)
    elif preview and password is not None and preview.undo:
        print(sentences(f"This will delete {name_text(user)}", preview.undo))  # as the prompt says it otherwise
    return user, prompts.ask(_label(user, preview)) if password is None else password


def _label(name: str, preview: DeletePreview | None) -> str:
    """What stands before the password: what will go, and whose password is asked for."""
    foreseen = preview.hint if preview else f"This will delete {name_text(name)}."
    return f"{foreseen} Password of {name_text(name)}: "


def _check_places(args: argparse.Namespace, password: Secret | None) -> None:
    """Raise ParameterError where a password is not to be made up and kept as the line says."""
    places = sum(place is not None for place in (args.password_to, args.keyring_to))
    problem = ""
    if places and not args.generate:
        problem = "--password-to and --keyring-to go with --generate"
    elif password and args.generate:
        problem = "--generate makes the password: leave its source out"
    elif places > 1:
        problem = "give --password-to or --keyring-to, not both"
    if problem:
        raise ParameterError(problem, outcome=NOTHING_SENT)


def _preview_creation(args: argparse.Namespace, *arguments: Any, **options: Any) -> Preview:
    """Preview the creation of a user, and see whether the password could be kept where the line says."""
    preview = client.users.preview_create_user(*arguments, **options)
    if not args.dry_run:
        return preview
    if args.password_to is not None:
        Secret("").write_new_file(args.password_to, dry_run=True)
    if args.keyring_to is None:
        return preview
    Secret("").keep_in_keyring(args.keyring_to, args.user, dry_run=True)
    unsure = "whether the keyring takes the password shows only when it is put there"
    return replace(preview, note=join_parts(preview.note, unsure))


def _create(args: argparse.Namespace, conn: Connection, user: str, password: Secret, **options: Any) -> CreatedUser:
    """Create a user. A generated password is stored first: afterwards it could be lost."""
    create = partial(client.users.create_user, conn, user, password, **options)
    if not args.generate:
        return create()
    forget = _keep(password, args)
    try:
        with session.generated_passwords.hold(conn.address.url, user, password):
            created = create()
    except (MilvusException, KeyboardInterrupt) as exc:
        # As long as the user may have been created, the password is needed.
        if is_refused(exc):
            forget()
        raise
    place = args.password_to or (f"the keyring, service {args.keyring_to!r}" if args.keyring_to else "")
    return replace(created, password=password, kept=place)


def _keep(secret: Secret, args: argparse.Namespace) -> Callable[[], None]:
    """Keep a password where the line says; returns what takes it away again."""
    if args.password_to is not None:
        return secret.write_new_file(args.password_to).remove
    if args.keyring_to is not None:
        secret.keep_in_keyring(args.keyring_to, args.user)
        return partial(Secret.forget_in_keyring, args.keyring_to, args.user)
    return lambda: None


def _change_password(args: argparse.Namespace, change: Callable[..., Any]) -> Operation:
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

    def ask() -> tuple[str, Secret, Secret]:
        known = Secret("") if args.without_old else old
        known = prompts.ask(f"Old password of {name_text(user)}: ") if known is None else known
        return user, known, new or prompts.ask_for_new(user, NEW_UNASKED)

    preview, looks_first = client.user_passwords.preview_update_password, not (new and (old or args.without_old))
    return Operation(args, change, preview, user, old, ask=ask, looks_first=looks_first)
