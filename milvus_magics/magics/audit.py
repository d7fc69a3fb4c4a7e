"""The magic that shows what this session changed."""

from __future__ import annotations

import argparse
from typing import Any

from milvus_magics.errors import ParameterError
from milvus_magics.magics.arguments import argument
from milvus_magics.magics.operation import line_magic
from milvus_magics.magics.session_magics import SessionMagics
from milvus_magics.session import session


class AuditMagics(SessionMagics):
    """The magic for the journal."""

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
        print(f"{count} change{'s' if count != 1 else ''} written to {args.export}")
        return None
