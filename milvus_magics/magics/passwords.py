"""The magic for the passwords that this session made up."""

from __future__ import annotations

import argparse
from typing import Any

from milvus_magics.errors import ParameterError
from milvus_magics.magics.arguments import argument, using_option
from milvus_magics.magics.operation import line_magic
from milvus_magics.magics.session_magics import SessionMagics
from milvus_magics.session import connections, session
from milvus_magics.session.generated_passwords import PasswordList
from milvus_magics.wording import count_text, did_you_mean, join_parts, list_text


class PasswordMagics(SessionMagics):
    """The magic for the passwords that this session made up."""

    TOPIC = "users"

    @line_magic(
        argument("user", nargs="?", metavar="NAME", help="the user (default: all of them)"),
        argument("--to", metavar="FILE", help="write them into a new private .csv file"),
        using_option,
    )
    def passwords(self, args: argparse.Namespace) -> Any:
        """Show for whom this session made up a password, and give it back. They are kept until the kernel ends.

        They are masked everywhere; .password.reveal() shows one. One that was changed since, or whose user was deleted,
        no longer works.

        Examples:
            %milvus_passwords
            bob = %milvus_passwords bob
            %milvus_passwords --to passwords.csv
        """
        found = session.generated_passwords.list_passwords(args.user)
        if args.user is not None:
            found = _only_one(found, args.user, args.using)
        if args.to is None:
            return found if args.user is None else found[0]
        if not found:
            raise ParameterError("this session made up no passwords so far; nothing was written")
        found.write_file(args.to)
        print(join_parts(f"{count_text(len(found), 'password')} written to {args.to}"))
        return None


def _only_one(found: PasswordList, user: str, alias: str) -> PasswordList:
    """The password of a user; where there are several, the one for the server that the alias leads to."""
    if not found:
        users = {row.user for row in session.generated_passwords.list_passwords()}
        problem = f"this session made up no password for user {user!r}{did_you_mean(user, users)}"
        raise ParameterError(f"{problem}; %milvus_passwords lists those that it made up")
    if len(found) > 1 and connections.has_connection(alias):
        here = connections.get(alias).address.url
        found = PasswordList([row for row in found if row.server == here] or found)
    if len(found) > 1:
        servers = list_text([row.server for row in found], 5)
        raise ParameterError(f"user {user!r} has one on each of several servers, {servers}: say which with --using")
    return found
