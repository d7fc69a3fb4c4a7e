"""The magic `%milvus`: where this notebook stands, and all magics by topic."""

from __future__ import annotations

import argparse
from inspect import cleandoc
from typing import TYPE_CHECKING, Any, NamedTuple

from milvus_magics import client
from milvus_magics.client.results.table import Table
from milvus_magics.errors import NOTHING_SENT, MilvusException, ParameterError
from milvus_magics.magics import arguments
from milvus_magics.magics.arguments import argument
from milvus_magics.magics.connections import Aliases, list_aliases
from milvus_magics.magics.operation import line_magic
from milvus_magics.magics.session_magics import SessionMagics
from milvus_magics.session import connections
from milvus_magics.wording import did_you_mean

if TYPE_CHECKING:
    from milvus_magics.client.results.users import WhoAmI

HELP = "help"


class MagicRow(NamedTuple):
    """One magic: what it is about, what it does, and a line that uses it."""

    topic: str
    magic: str
    does: str
    example: str


class MagicList(Table[MagicRow]):
    """Magics, by topic."""

    columns = ("topic", "magic", "does", "example")

    def shown_columns(self) -> tuple[str, ...]:
        """An example is shown where there is one topic."""
        return ("magic", "does", "example") if len({row.topic for row in self}) == 1 else ("topic", "magic", "does")


class Overview(NamedTuple):
    """Where this notebook stands, and what there is to type."""

    connections: Aliases
    who: WhoAmI | None
    problem: str
    next_step: str
    magics: MagicList

    def __repr__(self) -> str:
        table = repr(self.connections) if self.connections else ""
        parts = (str(self.who or ""), self.problem, table, f"next: {self.next_step}")
        return "\n".join(filter(None, (*parts, "", repr(self.magics))))


class OverviewMagics(SessionMagics):
    """The magic that shows where this notebook stands."""

    TOPIC = "start here"

    @line_magic(
        argument("words", nargs="*", metavar="help TOPIC", help="what there is on a topic, like users; or a magic"),
        arguments.using_option,
        arguments.timeout_option,
    )
    def milvus(self, args: argparse.Namespace) -> Any:
        """Show the connections, the server, as whom you act, and all magics by topic.

        Examples:
            %milvus
            %milvus help users
        """
        if args.words:
            return self._help(args.words)
        magics, aliases = self.list_magics(), list_aliases(self.using)
        if not connections.has_connection(args.using):
            return Overview(aliases, None, "", "%milvus_connect URI --user NAME, or %milvus_connect --embedded", magics)
        try:
            who = client.users.whoami(connections.get(args.using), timeout=args.timeout)
        except MilvusException as exc:
            return Overview(aliases, None, f"{type(exc).__name__}: {exc}", "%milvus_connect URI --user NAME", magics)
        return Overview(aliases, who, "", "%milvus_console, %milvus_list_users, or one of these", magics)

    @line_magic(arguments.connection_options)
    def console(self, args: argparse.Namespace) -> Any:
        """Show users, roles, privileges, access and history in one panel, with the forms that change them.

        Example:
            %milvus_console
        """
        from milvus_magics.forms.console import Console

        return Console(args.using, timeout=args.timeout)

    def list_magics(self) -> MagicList:
        """List all magics, topic by topic, each with the first sentence of its help."""
        rows = []
        for kind in type(self).__mro__:
            methods = [method for method in vars(kind).values() if hasattr(method, "magic_name")]
            rows += [_describe(getattr(kind, "TOPIC", ""), method) for method in methods]
        return MagicList(rows)

    def _help(self, words: list[str]) -> MagicList | None:
        """What there is on a topic; the help of a magic is printed."""
        wanted = " ".join(words[words[0] == HELP :])
        rows = self.list_magics()
        if not wanted:
            return rows
        by_name = {row.magic.removeprefix("%milvus").lstrip("_"): row for row in rows if row.magic != "%milvus"}
        name = wanted.removeprefix("%").removeprefix("milvus_")
        if name in by_name:
            print(self.magics["line"][f"milvus_{name}"].parser().format_help())
            return None
        topics = list(dict.fromkeys(row.topic for row in rows))
        found = [row for row in rows if wanted.casefold() in row.topic]
        if not found:
            hint = did_you_mean(wanted, [*topics, *by_name])
            raise ParameterError(f"no topic {wanted!r}{hint}; there are: {', '.join(topics)}", outcome=NOTHING_SENT)
        return MagicList(found)


def _describe(topic: str, method: Any) -> MagicRow:
    text, _, examples = cleandoc(method.__doc__).partition("\n\nExample")
    does, example = " ".join(text.split()).partition(". ")[0], examples.splitlines()[1]
    return MagicRow(topic, f"%{method.magic_name}", does.removesuffix("."), example.strip())
