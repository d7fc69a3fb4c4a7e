"""The magics that show who can do what, and what this session changed."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from milvus_magics import access
from milvus_magics.errors import ParameterError
from milvus_magics.magics.arguments import argument, connection_options
from milvus_magics.magics.operation import line_magic
from milvus_magics.magics.session_magics import SessionMagics
from milvus_magics.session import session
from milvus_magics.wording import count_text, join_parts

if TYPE_CHECKING:
    from milvus_magics.access.answer import Access


class AccessMagics(SessionMagics):
    """The magics for everybody's rights and for the journal."""

    TOPIC = "access and history"

    @line_magic(
        argument("--user", metavar="U", help="what this user may do"),
        argument("--role", metavar="R", help="what this role allows, whoever holds it"),
        argument("--privilege", metavar="P", help="who has this privilege, like Search"),
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
        asked = {name: getattr(args, name) for name in ("user", "role", "privilege", "collection", "db")}
        ruled_out = session.root_ruled_out
        return access.question.read_access(args.conn, **asked, root_ruled_out=ruled_out, timeout=args.timeout)

    @line_magic(
        argument("--export", metavar="FILE", help="write it into a private file: .jsonl or .csv"),
        argument("--force", action="store_true", help="overwrite that file"),
    )
    def audit(self, args: argparse.Namespace) -> Any:
        """Show every change that was made or tried in this session: when, where, by whom, what came of it.

        The newest comes first; in a file, the oldest. What a spreadsheet would take for a formula begins with an
        apostrophe in a .csv file.

        Examples:
            %milvus_audit
            %milvus_audit --export changes.jsonl
        """
        if args.export is None:
            if args.force:
                raise ParameterError("--force goes with --export; nothing was written")
            return session.journal.audit()
        count = session.journal.export(args.export, force=args.force)
        print(join_parts(f"{count_text(count, 'change')} written to {args.export}", session.journal.loss))
        return None
