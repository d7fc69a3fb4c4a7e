"""How a magic's line becomes words: split first, expand each value after; parsing (arguments.py) comes last.

So what a variable holds stays one value, whatever is in it: `{u}` with `u = "bob --yes"` is a strange name, not an
option. Nothing that was typed is quoted in an error, because it might be a password. What IPython has expanded before a
magic sees it, which it does behind an alias (`%alias_magic`), is not expanded again; and what another magic may have
put together from its own, expanded line is refused.
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from IPython.core.getipython import get_ipython
from IPython.core.magic import MagicAlias, no_var_expand

from milvus_magics.errors import NOTHING_SENT, ParameterError
from milvus_magics.secret import DoubtfulText, Secret

UNASKED = "--password-env VAR, --password-var NAME or --keyring SERVICE"  # where nobody can be asked
NEW_UNASKED = "--new-password-env VAR, --new-password-var NAME or --new-keyring SERVICE"
SOURCES, NEW_SOURCES = (f"{options}, or none of them to be asked" for options in (UNASKED, NEW_UNASKED))
SECRET_OPTIONS = ("--password", "--passwd", "--pass", "--pwd", "--new-password", "--old-password")

# Two places keep a line after its cell is gone, and this empties the one that a restart doesn't. What waits to be
# written goes first; and VACUUM, because SQLite leaves what it deletes in its file.
CLEAR_HISTORY = (
    "get_ipython().history_manager.writeout_cache(); get_ipython().history_manager.db.executescript("
    "\"DELETE FROM history WHERE source LIKE '%milvus%'; VACUUM\")"
)

# The pieces that a line is made of, outside of double quotes and inside. Each has one named group.
_EXPANDED = r"(?P<brace>[{}])(?P=brace)|(?P<expression>\{)|\$(?P<name>[^\W\d]\w*)"
_OUTSIDE = (
    rf"""(?s)(?P<blank>\s+)|'(?P<literal>[^']*)'|\\(?P<escaped>[ \t'"\\${{}};])|{_EXPANDED}|(?P<quote>["'])"""
    r"|(?P<plain>[\w-]+|.)"
)
_INSIDE = rf"""(?s)\\(?P<escaped>["\\${{}}])|{_EXPANDED}|(?P<quote>")|(?P<plain>[^"\\${{}}]+|.)"""

# What word processors and web pages make of hyphens.
LONG_DASHES = "\u2010-\u2015\u2212\ufe58\uff0d"
_WORD_GOES_ON = re.compile(rf"[\w{LONG_DASHES}-]")
_VALUE = re.compile(r"=|\s+[^\s-]")


@dataclass
class Token:
    """One word of the line, expanded; `literal` is the part of its beginning that was typed without quotes."""

    text: str = field(default="", repr=False)
    literal: str = ""
    plain: bool = True
    is_option: bool = False
    is_expanded: bool = False


class ExpandedText(DoubtfulText):
    """The value of a name or expression in that place."""

    __slots__ = ()


# IPython's methods that run a magic, after they have expanded its line unless it wants that as it is.
RUNNERS = ("run_line_magic", "run_cell_magic")
# An expression without effects, which may be worked out again.
_NAMES_ONLY = re.compile(r"(?:[^{}]|\{\{|\}\}|\{\s*[^\W\d]\w*\s*\})*")


class Namespace:
    """The notebook's names, as the line may use them. Like a `Secret`, it shows nobody what they hold."""

    def __init__(self, globals_: dict[str, Any], locals_: Mapping[str, Any] | None) -> None:
        def scopes() -> tuple[Mapping[str, Any], dict[str, Any]]:
            return locals_ or {}, globals_

        self._scopes = scopes

    def find(self, name: str) -> Any:
        """The value of a name.

        Raises:
            ParameterError: when it is not defined.
        """
        if not self.has(name):
            raise ParameterError(f"the name {name!r} is not defined in this notebook", outcome=NOTHING_SENT)
        return next(names[name] for names in self._scopes() if name in names)

    def has(self, name: str) -> bool:
        """Whether a name is defined."""
        return any(name in names for names in self._scopes())

    def evaluate(self, expression: str) -> str:
        """The text that `{expression}` stands for."""
        problem = ""
        try:
            locals_, globals_ = self._scopes()
            value = eval(expression, globals_, dict(locals_))  # noqa: S307 - it is the user's own cell
        except Exception as exc:
            problem = f"{type(exc).__name__} in an expression in braces"
        # Raised out here: the other error's text may hold what the expression held.
        if problem:
            raise ParameterError(problem, outcome=NOTHING_SENT)
        return as_text(value, "an expression in braces")


def as_text(value: Any, what: str) -> str:
    """A value on the line as text.

    Raises:
        ParameterError: when it is nothing that a person would write there.
    """
    if isinstance(value, Secret):
        raise ParameterError(f"{what} is a Secret: give it with --password-var NAME", outcome=NOTHING_SENT)
    if isinstance(value, bool) or not isinstance(value, (str, int, float, os.PathLike)):
        raise ParameterError(f"{what} is {type(value).__name__}, but text is needed", outcome=NOTHING_SENT)
    return str(os.fspath(value)) if isinstance(value, os.PathLike) else str(value)


def typed_line(line: str, local_ns: Mapping[str, Any] | None, frame: FrameType) -> tuple[str, Mapping[str, Any] | None]:
    """The line of a magic as it was typed, and the local names where that was.

    Args:
        line: as the magic has it.
        local_ns: as it has them.
        frame: of its caller.

    Raises:
        ParameterError: what was typed cannot be told, or would be worked out twice.
    """
    if isinstance(frame.f_locals.get("self"), MagicAlias):
        line, local_ns, frame = _line_behind_alias(line, local_ns, frame)
    run: FrameType | None = frame.f_back
    while run is not None:
        if line and run.f_code.co_name in RUNNERS:
            _refuse_expanded(line, frame, run)
        run = run.f_back
    return line, local_ns


def _line_behind_alias(
    line: str, local_ns: Mapping[str, Any] | None, frame: FrameType
) -> tuple[str, Mapping[str, Any] | None, FrameType]:
    """The line that was typed behind an alias, the local names there, and the frame that runs it.

    The alias will not have its line expanded any more.

    Raises:
        ParameterError: the line has an expression that was worked out already, which may have had effects.
    """
    added: list[str] = []
    while isinstance(alias := frame.f_locals.get("self"), MagicAlias) and frame.f_back:
        no_var_expand(alias)
        alias.needs_local_scope = True  # type: ignore[attr-defined]
        added += filter(None, [alias.magic_params])
        frame = frame.f_back
    run = frame.f_locals
    if not _is_expanding(frame):
        return line, local_ns, frame
    if not _NAMES_ONLY.fullmatch(run["line"]):
        problem = "IPython has worked out the expression in braces already, as it does once for an alias"
        raise ParameterError(f"{problem}: run the cell again", outcome=NOTHING_SENT)
    caller = frame
    for _ in range(run.get("_stack_depth", 1)):
        caller = caller.f_back or caller
    return " ".join([*added, run["line"]]), caller.f_locals, frame


def _refuse_expanded(line: str, frame: FrameType, run: FrameType) -> None:
    """Raise ParameterError if another magic, whose own line was expanded, may have put this one together from it.

    Args:
        line: of our magic.
        frame: of its caller, which is IPython unless somebody calls it as a function.
        run: IPython running the other magic.
    """
    caller = frame
    if frame.f_code.co_name in RUNNERS and frame.f_back:
        line, caller = frame.f_locals["line"], frame.f_back
    if _is_expanding(run) and not _is_literal(line, caller, run):
        other = f"%{run.f_locals['magic_name']}"
        problem = f"another magic, {other}, has expanded this line already, and nothing is expanded twice"
        advice = f"put it on a line of its own, or define {other} with @no_var_expand (of IPython.core.magic)"
        raise ParameterError(f"{problem}: {advice}", outcome=NOTHING_SENT)


def _is_literal(line: str, caller: FrameType, run: FrameType) -> bool:
    """Whether somebody has written a line into code that is older than what another magic was given.

    That is the body of its cell, the magic itself, or a function of the notebook.
    """
    code, name = caller.f_code, caller.f_code.co_name
    if line not in code.co_consts:
        return False
    written = run.f_locals.get("fn"), caller.f_globals.get(name)
    return line in run.f_locals.get("cell", "") or code in [getattr(one, "__code__", None) for one in written]


def _is_expanding(frame: FrameType) -> bool:
    """Whether a frame is IPython, running a magic whose line it has changed."""
    run = frame.f_locals if frame.f_code.co_name in RUNNERS else {}
    return "line" in run and run.get("magic_arg_s", run["line"]) != run["line"]


def split(line: str, namespace: Namespace) -> list[Token]:
    """Split a line into words as a shell does, and expand `$name` and `{expression}` except in single quotes.

    Raises:
        ParameterError: a quote or brace is not closed, or a name is not defined.
    """
    line = re.sub(r"(?<!\\);$", "", line.strip())
    tokens: list[Token] = []
    token, at, in_quotes = None, 0, False
    while piece := re.compile(_INSIDE if in_quotes else _OUTSIDE).match(line, at):
        kind = piece.lastgroup
        if not in_quotes:
            refuse_secret(token, line, at)
        if kind == "blank":
            token, at = None, piece.end()
            continue
        if token is None:
            token = Token()
            tokens.append(token)
        text, at = _expand(piece, namespace)
        token.text += text
        token.is_expanded |= kind in ("name", "expression")
        token.plain = token.plain and kind == "plain"
        token.literal += text if token.plain else ""
        in_quotes ^= kind == "quote"
    if in_quotes:
        raise ParameterError(_UNCLOSED_QUOTE, outcome=NOTHING_SENT)
    refuse_secret(token, line, at)
    return tokens


def _expand(piece: re.Match[str], namespace: Namespace) -> tuple[str, int]:
    """What a piece of the line stands for, and where the piece ends."""
    kind = str(piece.lastgroup)
    if kind == "expression":
        expression = _expression_at(piece.string, piece.end())
        return namespace.evaluate(expression), piece.end() + len(expression) + 1
    if kind == "name":
        return as_text(namespace.find(piece[kind]), repr(piece[kind])), piece.end()
    if kind == "quote":
        if piece[kind] == "'":
            raise ParameterError(_UNCLOSED_QUOTE, outcome=NOTHING_SENT)
        return "", piece.end()
    return piece[kind], piece.end()


def _expression_at(line: str, start: int) -> str:
    """The shortest Python expression that a brace closes."""
    end = line.find("}", start)
    while end >= 0:
        try:
            ast.parse(line[start:end].strip(), mode="eval")
        except (SyntaxError, ValueError, MemoryError, RecursionError):
            end = line.find("}", end + 1)
        else:
            return line[start:end]
    raise ParameterError(
        "could not evaluate {...} on the line; write {{ for a literal brace, or put it in single quotes",
        outcome=NOTHING_SENT,
    )


def refuse_secret(token: Token | None, line: str, at: int) -> None:
    """Stop at an option that would be followed by a secret, before anything of that is looked at.

    Args:
        token: the word that it may be, so far; None between words.
        line: the whole line.
        at: where the word goes on, or ends.

    Raises:
        ParameterError: it is one.
    """
    if token is None or _WORD_GOES_ON.match(line, at):
        return
    option = token.literal.lower()
    if option.startswith("-"):  # a name like `_pat` is none
        option = option.replace("_", "-")
    if option in SECRET_OPTIONS or option.startswith("-p"):
        raise ParameterError(
            f"a password is never typed on the line; use {NEW_SOURCES if option == '--new-password' else SOURCES}. "
            f"{cleanup_advice()}",
            outcome=NOTHING_SENT,
        )
    if option == "--token" and _VALUE.match(line, at):
        where = "--token takes no value, it asks for it; --token-env VAR and --token-var NAME say where it is"
        raise ParameterError(f"{where}. {cleanup_advice('token')}", outcome=NOTHING_SENT)


def cleanup_advice(what: str = "password") -> str:
    """What to do where a secret stands on the line."""
    return (
        f"If there is a {what} on this line: the cell, the kernel and IPython's history keep it, so delete the cell, "
        "save the notebook, which replaces JupyterLab's copy in .ipynb_checkpoints, too, "
        f"run `{_history_command()}`, restart the kernel, and change that {what}"
    )


def _history_command() -> str:
    """The command that clears the history, also of lines with an alias of one of our magics."""
    magics = getattr(getattr(get_ipython(), "magics_manager", None), "magics", {}).get("line", {})
    condition = "source LIKE '%milvus%'"
    for name in magics:
        target = name
        while isinstance(alias := magics.get(target), MagicAlias):
            target = alias.magic_name
        if target != name and target.startswith("milvus"):
            condition += f" OR source LIKE '%(''{name}'',%'"  # as IPython keeps it
    return CLEAR_HISTORY.replace("source LIKE '%milvus%'", condition)


_UNCLOSED_QUOTE = "a quote on the line is not closed; a bare quote is written with a backslash before it"
