"""Magics that bring back what was deleted in this session."""

from __future__ import annotations

import argparse
from typing import Any

from milvus_magics.magics import prompts
from milvus_magics.magics.arguments import argument, connection_options, dry_run, line_magic, password_source
from milvus_magics.magics.session_magics import SessionMagics
from milvus_magics.session import undo_store


class UndoMagics(SessionMagics):
    """The magics that undo a deletion."""

    @line_magic(argument("name", metavar="NAME", help="the user"), password_source, dry_run, connection_options)
    def restore_user(self, args: argparse.Namespace) -> Any:
        """Bring back a user who was deleted in this session, with the roles and the description that they had.

        Asks for the password to give them, unless the line names a source, or `%config MilvusMagics.undo_minutes`
        was set before the deletion: then they have the old one for so long.

        Example:
            %milvus_restore_user bob
        """
        conn, timeout = self.connection(args), self.seconds(args)
        undo_store.lost_user(conn, args.name)  # before anybody is asked
        given = prompts.named_source(args, args.name)
        if args.dry_run:
            return undo_store.preview_restore_user(conn, args.name, given=given is not None, timeout=timeout)
        secret = given or undo_store.kept_secret(conn, args.name) or prompts.ask_for_new(args.name)
        return undo_store.restore_user(conn, args.name, secret, timeout=timeout)

    @line_magic(argument("role", metavar="R", help="the role"), dry_run, connection_options)
    def restore_role(self, args: argparse.Namespace) -> Any:
        """Bring back a role that was dropped in this session: its privileges in all databases, and who held it.

        Where it stops half way, running it again goes on.

        Example:
            %milvus_restore_role reader
        """
        conn, timeout = self.connection(args), self.seconds(args)
        act = undo_store.preview_restore_role if args.dry_run else undo_store.restore_role
        return act(conn, args.role, timeout=timeout)
