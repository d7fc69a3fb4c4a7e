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

TOPICS = (
    "start here", "connections", "users", "many users", "roles", "privileges and groups", "access and history",
)  # fmt: skip


class MagicRow(NamedTuple):
    """One magic: what it is about, what it does, and a line that uses it."""

    topic: str
    magic: str
    does: str
    example: str


class MagicList(Table[MagicRow]):
    """Magics, by topic."""

    noun = "magic"
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


def _find_topic(args: argparse.Namespace) -> None:
    """Find the topic or the magic that a line wants help on. What else it holds is not repeated: it may be a secret."""
    words, args.words, args.topic, args.magic = args.words, None, None, None
    if not words:
        return
    if words[0] != "help":
        raise ParameterError("it takes nothing, or a topic: %milvus help users", outcome=NOTHING_SENT)
    wanted = " ".join(words[1:]).casefold()
    names = short_names()
    magic = wanted.removeprefix("%").removeprefix("milvus_")
    if magic in names:
        args.magic = f"milvus_{magic}"
    elif any(wanted in topic for topic in TOPICS):
        args.topic = wanted
    else:
        hint = did_you_mean(wanted, [*TOPICS, *names])
        raise ParameterError(f"no such topic{hint}; there are: {', '.join(TOPICS)}", outcome=NOTHING_SENT)


class OverviewMagics(SessionMagics):
    """The magic that shows where this notebook stands."""

    TOPIC = "start here"

    @line_magic(
        argument("words", nargs="*", metavar="help TOPIC", help="more about a topic, like users, or a magic"),
        arguments.using_option,
        arguments.timeout_option,
        check=_find_topic,
    )
    def milvus(self, args: argparse.Namespace) -> Any:
        """Show the connections, the server, as whom you act, and all magics by topic.

        Examples:
            %milvus
            %milvus help users
        """
        if args.magic:
            print(self.magics["line"][args.magic].parser().format_help())
            return None
        magics, aliases = list_magics(), list_aliases(self.using)
        if args.topic is not None:
            return MagicList([row for row in magics if args.topic in row.topic])
        if not connections.has_connection(args.using):
            return Overview(aliases, None, "", "%milvus_connect URI --user NAME, or %milvus_connect --embedded", magics)
        try:
            who = client.users.whoami(connections.get(args.using), timeout=args.timeout)
        except MilvusException as exc:
            return Overview(aliases, None, str(exc), "%milvus_connect URI --user NAME", magics)
        return Overview(aliases, who, "", "%milvus_console, %milvus_list_users, or one of these", magics)

    @line_magic(arguments.connection_options)
    def console(self, args: argparse.Namespace) -> Any:
        """Show users, roles, privileges, access and history in one panel, with the forms that change them.

        Example:
            %milvus_console
        """
        from milvus_magics.forms.console import Console

        return Console(args.using, timeout=args.timeout)


def list_magics() -> MagicList:
    """List all magics, topic by topic, each with the first sentence of its help."""
    rows = []
    for kind in sorted(SessionMagics.__subclasses__(), key=lambda kind: TOPICS.index(kind.TOPIC)):
        rows += [_describe(kind.TOPIC, each) for each in vars(kind).values() if hasattr(each, "magic_name")]
    return MagicList(rows)


def short_names() -> list[str]:
    """The names of all other magics as `help` takes them."""
    return [row.magic.removeprefix("%milvus_") for row in list_magics() if row.magic != "%milvus"]


def _describe(topic: str, method: Any) -> MagicRow:
    text, _, examples = cleandoc(method.__doc__).partition("\n\nExample")
    does, example = " ".join(text.split()).partition(". ")[0], examples.splitlines()[1]
    return MagicRow(topic, f"%{method.magic_name}", does.removesuffix("."), example.strip())
