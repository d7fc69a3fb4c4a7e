"""What the magics for descriptions of users and of roles take."""

from __future__ import annotations

import argparse

from milvus_magics.errors import NOTHING_SENT, ParameterError
from milvus_magics.magics.arguments import Parser
from milvus_magics.session import session


def description_arguments(parser: Parser) -> None:
    """The new description, or that the one before comes back."""
    parser.add_argument("description", nargs="?", metavar="TEXT", help="the new description, in quotes; '' for none")
    before = "bring back the description from before its last change in this session"
    parser.add_argument("--undo", action="store_true", help=before)


def read_description(args: argparse.Namespace, kind: str, name: str) -> str:
    """The description that a line asks for, of a `user` or a `role`."""
    if args.undo is (args.description is not None):
        raise ParameterError("give the new description, '' for none, or --undo", outcome=NOTHING_SENT)
    return session.undo.find_description(args.conn, kind, name) if args.undo else str(args.description)
