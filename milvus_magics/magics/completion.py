"""Tab completion of the magics: their options, and the names that there are.

IPython 8.6 and later ask a matcher with the whole line; before, a hook is asked with the word at the cursor, which is
why there a name after `x = ` or one with a `-` is not completed.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from IPython.core.interactiveshell import InteractiveShell

from milvus_magics import client
from milvus_magics.magics.overview import TOPICS, short_names
from milvus_magics.session import connections, session
from milvus_magics.session.name_cache import COMPLETION_SECONDS
from milvus_magics.transport.deadline import Deadline
from milvus_magics.wording import is_visible

if TYPE_CHECKING:
    from milvus_magics.transport.connection import Connection

IDENTIFIER = "milvus_magics"
HOOK = r"%?milvus\w*"
# Before everything else: what we know about the line is better than a guess at Python.
PRIORITY = 1000.0
# An argument's metavar or option -> the kind of name that it takes.
KINDS = {
    "user": "user", "role": "role", "roles": "role", "collection": "collection", "db": "database", "group": "group",
    "alias": "alias", "using": "alias", "privilege": "privilege", "privileges": "privilege", "object_type": "object",
}  # fmt: skip
# These name something that there isn't yet.
NEW = {
    "milvus_create_user": "user", "milvus_create_role": "role", "milvus_create_privilege_group": "group",
    "milvus_connect": "alias",
}  # fmt: skip
# Where an argument means something else than elsewhere.
SPECIAL = {("milvus_passwords", "user"): "made up for", ("milvus", "words"): "topic"}
TAKES_GROUPS = ("milvus_grant_privilege", "milvus_revoke_privilege", "milvus_access")
# Kind of name -> where no server is needed to know them.
ANSWERS: dict[str, Callable[[], Iterable[str]]] = {
    "object": lambda: ("Collection", "Global", "User"),
    "alias": lambda: (alias for alias, _ in connections.list_connections()),
    "made up for": lambda: {row.user for row in session.generated_passwords.list_passwords()},
}
LINE = re.compile(r"(?:^|=)\s*%(milvus\w*)[ \t]+(.*)$", re.DOTALL)
MAGIC = re.compile(r"(?:^|=)\s*(%milvus\w*)$")
NEEDED = re.compile(r"needs Milvus (\d[\d.]*\d)")  # as the help of a magic says it
PLAIN = re.compile(r"[\w.@%+=:,/*-]+")
# A word of the line, as the splitter reads it; the one at the cursor may have a quote that is still open.
WORD = re.compile(r"""(?s)(?:'[^']*(?:'|$)|"(?:\\.|[^"\\])*(?:"|\\?$)|\\[ \t'"\\]|[^\s'"])+|\s+""")


class Suggestion(NamedTuple):
    """Words that may stand at the cursor, and how much of what is there they replace."""

    words: list[str]
    fragment: str


NOTHING = Suggestion([], "")


def suggest(magics: Any, line: str) -> Suggestion | None:
    """What may come next on a line up to the cursor; None where the line is none of ours."""
    if begun := MAGIC.search(line):
        return Suggestion([name for name in _magics(magics) if name.startswith(begun[1])], begun[1])
    found = LINE.search(line)
    magic = magics.magics["line"].get(found[1]) if found else None
    return _suggest_word(magics, magic.parser(), found[1], found[2]) if found and magic else None


def _suggest_word(magics: Any, parser: argparse.ArgumentParser, magic: str, rest: str) -> Suggestion:
    """What may come next after a magic and the rest of its line."""
    words, fragment = _split(rest)
    action = _action(parser, words)
    if action is None or fragment.startswith("-"):
        return Suggestion(_options(parser, words, fragment), fragment)
    typed = fragment.lstrip("'\"")
    offered = [quote(name) for name in _names(magics, magic, action, words) if name.startswith(typed)]
    if not offered and not fragment:
        offered = _options_instead(parser, magic, action, words)
    return Suggestion(offered, fragment)


def _options_instead(
    parser: argparse.ArgumentParser, magic: str, action: argparse.Action, words: list[str]
) -> list[str]:
    """The options where there are no names of a kind: else the shell would offer Python's."""
    return [] if action.option_strings or not _kind(magic, action) else _options(parser, words, "")


def _magics(magics: Any) -> list[str]:
    """The magics that the server has; all where nothing is connected."""
    conn = _connection(magics, [])
    ours = magics.magics["line"].items()
    return sorted(f"%{name}" for name, magic in ours if not (conn and _is_lacking(conn, magic)))


def _is_lacking(conn: Connection, magic: Any) -> bool:
    """Whether a server is too old for a magic, as its help says."""
    needed = NEEDED.search(magic.__doc__)
    if needed is None or not conn.version:  # nobody waits for it to be asked
        return False
    return client.lookup.is_older(conn, needed[1], Deadline(COMPLETION_SECONDS))


def _split(rest: str) -> tuple[list[str], str]:
    """The whole words, and the one that is being typed."""
    words = WORD.findall(rest)
    fragment = "" if not words or words[-1].isspace() else words.pop()
    return [word for word in words if not word.isspace()], fragment


def _action(parser: argparse.ArgumentParser, words: list[str]) -> argparse.Action | None:
    """The argument that the next word would be a value of; None where only an option can follow."""
    takers = {option: action for action in parser._actions if action.nargs != 0 for option in action.option_strings}
    positional = [action for action in parser._actions if not action.option_strings]
    waiting: argparse.Action | None = None
    for word in words:
        if word.startswith("-"):
            waiting = takers.get(word)
        elif waiting is not None:
            waiting = None
        elif positional and positional[0].nargs not in ("+", "*"):
            positional.pop(0)
    return waiting or next(iter(positional), None)


def _options(parser: argparse.ArgumentParser, words: list[str], fragment: str) -> list[str]:
    found = []
    for action in parser._actions:
        repeatable = isinstance(action, argparse._AppendAction)
        if repeatable or not set(action.option_strings) & set(words):
            found += [option for option in action.option_strings if option.startswith("--")]
    return sorted(option for option in found if option.startswith(fragment))


def _names(magics: Any, magic: str, action: argparse.Action, words: list[str]) -> list[str]:
    """The names that an argument may take."""
    if NEW.get(magic) == action.dest and not action.option_strings:
        return []
    kind = _kind(magic, action)
    if kind == "topic":
        return ["help"] if not words else [*TOPICS, *short_names()] if words == ["help"] else []
    if kind in ANSWERS:
        return sorted(ANSWERS[kind]())
    conn = _connection(magics, words)
    if kind == "privilege":
        return _privileges(magic, conn)
    return sorted(session.names.cached_names(conn, kind)) if kind and conn else []


def _kind(magic: str, action: argparse.Action) -> str:
    """What kind of name an argument takes; empty where it takes something else."""
    return SPECIAL.get((magic, action.dest)) or KINDS.get(action.dest, "")


def _connection(magics: Any, words: list[str]) -> Connection | None:
    """The connection that a line means."""
    alias = words[words.index("--using") + 1] if "--using" in words[:-1] else magics.using
    return connections.get(alias) if connections.has_connection(alias) else None


def _privileges(magic: str, conn: Connection | None) -> list[str]:
    """The privileges and groups of the server; those of all versions where it isn't known."""
    names = client.privilege_catalog.list_privileges(conn.version if conn else "")
    may_be_group = conn is not None and magic in TAKES_GROUPS
    return sorted({*names, *(session.names.cached_names(conn, "group") if conn and may_be_group else ())})


def quote(name: str) -> str:
    """A name as it is typed on the line, where the splitter reads it as one word.

    Nothing in single quotes is expanded. A name with characters that cannot be seen, or that end a line and could begin
    one of code, is written with escapes, as the text of an expression.
    """
    if not is_visible(name):
        return f"{{{name!a}}}"
    if PLAIN.fullmatch(name) and not name.startswith("-"):
        return name
    return f"'{name}'" if "'" not in name else '"' + re.sub(r'(["\\${}])', r"\\\1", name) + '"'


def install(shell: InteractiveShell, magics: Any) -> None:
    """Answer when the shell completes a line."""
    remove(shell)
    try:
        from IPython.core.completer import SimpleCompletion, context_matcher
    except ImportError:
        _install_hook(shell, magics)
        return

    @context_matcher(identifier=IDENTIFIER, priority=PRIORITY)  # type: ignore[untyped-decorator]
    def matcher(context: Any) -> dict[str, Any]:
        found = _suggest_quietly(magics, context.text_until_cursor)
        words = [SimpleCompletion(word, type=_type_of(word)) for word in found.words]
        return {"completions": words, "matched_fragment": found.fragment, "suppress": bool(words)}

    shell.Completer.custom_matchers.append(matcher)


def _type_of(word: str) -> str:
    return "option" if word.startswith("-") else "magic" if word.startswith("%") else "name"


def remove(shell: InteractiveShell) -> None:
    """Answer no more."""
    matchers = getattr(shell.Completer, "custom_matchers", None)
    if matchers is not None:
        matchers[:] = [each for each in matchers if getattr(each, "matcher_identifier", "") != IDENTIFIER]
    hooks = getattr(shell, "strdispatchers", {}).get("complete_command")
    if hooks is not None:
        for pattern in [pattern for pattern in hooks.regexs if pattern.pattern == HOOK]:
            del hooks.regexs[pattern]


def _suggest_quietly(magics: Any, line: str) -> Suggestion:
    try:
        return suggest(magics, line) or NOTHING
    except Exception:  # completing is a courtesy: whatever goes wrong, nobody wants to hear of it now
        return NOTHING


def _install_hook(shell: InteractiveShell, magics: Any) -> None:
    def complete(_: Any, event: Any) -> list[str]:
        line = event.line[: len(event.text_until_cursor)].lstrip()
        found = _suggest_quietly(magics, line if line.startswith("%") else f"%{line}")
        # These versions replace what they take for the word, which may be less than ours: a quote would stay open.
        return found.words if found.fragment == event.symbol else []

    shell.set_hook("complete_command", complete, re_key=HOOK)  # type: ignore[no-untyped-call]
