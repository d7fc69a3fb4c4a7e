"""Magics that bring back what was deleted in this session."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from milvus_magics.magics import prompts
from milvus_magics.magics.arguments import argument, connection_options, dry_run, password_source
from milvus_magics.magics.operation import Operation, line_magic
from milvus_magics.magics.session_magics import SessionMagics
from milvus_magics.session import session

if TYPE_CHECKING:
    from milvus_magics.client.results.users import RestoredUser
    from milvus_magics.transport.connection import Connection


class UndoMagics(SessionMagics):
    """The magics that undo a deletion."""

    @line_magic(argument("user", metavar="NAME", help="the user"), password_source, dry_run, connection_options)
    def restore_user(self, args: argparse.Namespace) -> Operation:
        """Bring back a user who was deleted in this session, with the roles and the description that they had.

        Asks for the password to give them, unless the line names a source, or `%config MilvusMagics.undo_minutes`
        was set before the deletion: then they have the old one for so long.

        Example:
            %milvus_restore_user bob
        """
        session.undo.find_user(args.conn, args.user)  # before anybody is asked
        password = prompts.named_source(args, args.user)

        def restore(conn: Connection, user: str, *, given: bool, timeout: float) -> RestoredUser:
            secret = password if given else session.undo.find_secret(conn, user)
            return session.undo.restore_user(conn, user, secret or prompts.ask_for_new(user), timeout=timeout)

        return Operation(args, restore, session.undo.preview_restore_user, args.user, given=password is not None)

    @line_magic(argument("role", metavar="R", help="the role"), dry_run, connection_options)
    def restore_role(self, args: argparse.Namespace) -> Operation:
        """Bring back a role that was dropped in this session: its privileges in all databases, and who held it.

        Where it stops half way, running it again goes on.

        Example:
            %milvus_restore_role reader
        """
        return Operation(args, session.undo.restore_role, session.undo.preview_restore_role, args.role)
