"""What the magics for descriptions of users and of roles take."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from milvus_magics.errors import NOTHING_SENT, ParameterError
from milvus_magics.magics.arguments import Parser
from milvus_magics.magics.operation import Operation
from milvus_magics.magics.restoration import restore_operation
from milvus_magics.session import session
from milvus_magics.session.undo_records import DESCRIPTIONS


def description_arguments(parser: Parser) -> None:
    """The new description, or that the one before comes back."""
    parser.add_argument("description", nargs="?", metavar="TEXT", help="the new description, in quotes; '' for none")
    before = "bring back the description from before its last change in this session"
    parser.add_argument("--undo", action="store_true", help=before)


def describe(
    args: argparse.Namespace, kind: str, name: str, act: Callable[..., Any], preview: Callable[..., Any]
) -> Operation:
    """The operation that changes a description, of a `user` or a `role`, or brings back the one before."""
    if args.undo is (args.description is not None):
        raise ParameterError("give the new description, '' for none, or --undo", outcome=NOTHING_SENT)
    if not args.undo:
        return Operation(args, act, preview, name, args.description)
    undo = session.undo
    return restore_operation(
        args, DESCRIPTIONS[kind], name, undo.restore_description, undo.preview_restore_description, kind
    )
