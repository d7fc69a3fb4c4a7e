"""The magics that show who can do what."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from milvus_magics import access
from milvus_magics.magics.arguments import argument, connection_options
from milvus_magics.magics.operation import line_magic
from milvus_magics.magics.session_magics import SessionMagics
from milvus_magics.session import session

if TYPE_CHECKING:
    from milvus_magics.access.answer import Access


class AccessMagics(SessionMagics):
    """The magic for everybody's rights."""

    @line_magic(
        argument("--user", metavar="U", help="what this user may do"),
        argument("--role", metavar="R", help="what this role brings, whoever holds it"),
        argument("--privilege", metavar="P", help="who may do this, like Search"),
        argument("--collection", metavar="C", help="on this collection"),
        argument("--db", metavar="D", help="in this database (with --collection by default the connection's)"),
        connection_options,
    )
    def access(self, args: argparse.Namespace) -> Access:
        """Show who can do what, over all databases, with groups, wildcards, admin and public applied.

        Without a question: a picture of everybody's rights, and what is strange about them. The result iterates over
        rights; .matrix(rows='roles', columns='collections') draws other pictures, .findings is what is strange.

        Examples:
            %milvus_access
            %milvus_access --user bob
            %milvus_access --privilege Search --collection docs
        """
        return access.question.read_access(
            args.conn,
            user=args.user,
            role=args.role,
            privilege=args.privilege,
            collection=args.collection,
            db=args.db,
            root_ruled_out=session.root_ruled_out,
            timeout=args.timeout,
        )

    @line_magic(connection_options)
    def console(self, args: argparse.Namespace) -> Any:
        """Show users, roles, access and history in one panel, with the forms that change them.

        Example:
            %milvus_console
        """
        from milvus_magics.forms.console import Console

        return Console(self.using if args.using is None else args.using, timeout=args.timeout)
