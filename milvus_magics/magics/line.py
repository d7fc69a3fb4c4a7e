"""How a magic's line becomes words: split first, expand each value after; parsing (arguments.py) comes last.

So what a variable holds stays one value, whatever is in it: `{u}` with `u = "bob --yes"` is a strange name, not an
option. Nothing that was typed is quoted in an error, because it might be a password.
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from milvus_magics.errors import NOTHING_SENT, ParameterError
from milvus_magics.secret import Secret

SOURCES = "--password-env VAR, --password-var NAME, --keyring SERVICE, or none of them to be asked"
NEW_SOURCES = "--new-password-env VAR, --new-password-var NAME, --new-keyring SERVICE, or none of them to be asked"
SECRET_OPTIONS = ("--password", "--passwd", "--pass", "--pwd", "--new-password", "--old-password")

# Two places keep a line after its cell is gone, and this empties the one that a restart doesn't. VACUUM, because SQLite
# leaves what it deletes in its file.
CLEAR_HISTORY = (
    "get_ipython().history_manager.db.executescript(\"DELETE FROM history WHERE source LIKE '%milvus%'; VACUUM\")"
)

ESCAPABLE = " \t'\"\\${};"


@dataclass
class Token:
    """One word of the line, expanded; `literal` is the part of its beginning that was typed without quotes."""

    text: str = ""
    literal: str = ""
    plain: bool = True
    is_option: bool = False

    def option(self) -> str:
        """What was typed without quotes, as options are spelled."""
        return self.literal.replace("_", "-").lower()

    def add(self, text: str, *, plain: bool) -> None:
        """Append text; once something is not plain, the literal beginning is over."""
        self.plain = self.plain and plain
        self.text += text
        if self.plain:
            self.literal += text


class Namespace:
    """The notebook's names, as the line may use them."""

    def __init__(self, globals_: dict[str, Any], locals_: Mapping[str, Any] | None) -> None:
        self._globals, self._locals = globals_, locals_ or {}

    def find(self, name: str) -> Any:
        """The value of a name.

        Raises:
            ParameterError: when it is not defined.
        """
        for names in (self._locals, self._globals):
            if name in names:
                return names[name]
        raise ParameterError(f"the name {name!r} is not defined in this notebook", outcome=NOTHING_SENT)

    def has(self, name: str) -> bool:
        """Whether a name is defined."""
        return name in self._locals or name in self._globals

    def evaluate(self, expression: str) -> str:
        """The text that `{expression}` stands for."""
        problem = ""
        try:
            value = eval(expression, self._globals, dict(self._locals))  # noqa: S307 - it is the user's own cell
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


def split(line: str, namespace: Namespace) -> list[Token]:
    """Split a line into words as a shell does, and expand `$name` and `{expression}` except in single quotes.

    Raises:
        ParameterError: a quote or brace is not closed, or a name is not defined.
    """
    line = line.strip()
    line = line[:-1] if line.endswith(";") and not line.endswith("\\;") else line
    return _Splitter(line, namespace).tokens()


class _Splitter:
    def __init__(self, line: str, namespace: Namespace) -> None:
        self._line, self._namespace, self._at = line, namespace, 0

    def tokens(self) -> list[Token]:
        tokens: list[Token] = []
        token: Token | None = None
        while self._at < len(self._line):
            refuse_option(token.option() if token else "", self._line[self._at])
            if self._line[self._at].isspace():
                self._at += 1
                token = None
                continue
            if token is None:
                if tokens and self._line[self._at] != "-":
                    refuse_value(tokens[-1].option())
                token = Token()
                tokens.append(token)
            self._read(token)
        refuse_option(token.option() if token else "", "")
        return tokens

    def _read(self, token: Token) -> None:
        char = self._line[self._at]
        if char == "'":
            token.add(self._until_quote("'"), plain=False)
        elif char == '"':
            self._at += 1
            token.add("", plain=False)
            while not self._quote_ends():
                self._read_one(token, escapable='"\\${}')
        else:
            self._read_one(token, escapable=ESCAPABLE)

    def _read_one(self, token: Token, escapable: str) -> None:
        """One character, or one expansion."""
        rest = self._line[self._at :]
        name = re.match(r"\$([^\W\d]\w*)", rest)
        if rest[0] == "\\" and rest[1:2] and rest[1] in escapable:
            self._advance(token, rest[1], 2)
        elif rest.startswith(("{{", "}}")):
            self._advance(token, rest[0], 2)
        elif rest[0] == "{":
            expression = self._expression(rest)
            self._advance(token, self._namespace.evaluate(expression), len(expression) + 2)
        elif name:
            self._advance(token, as_text(self._namespace.find(name[1]), repr(name[1])), name.end())
        else:
            token.add(rest[0], plain=True)
            self._at += 1

    def _advance(self, token: Token, text: str, length: int) -> None:
        token.add(text, plain=False)
        self._at += length

    def _until_quote(self, quote: str) -> str:
        end = self._line.find(quote, self._at + 1)
        if end < 0:
            raise ParameterError(_UNCLOSED_QUOTE, outcome=NOTHING_SENT)
        text = self._line[self._at + 1 : end]
        self._at = end + 1
        return text

    def _quote_ends(self) -> bool:
        if self._at >= len(self._line):
            raise ParameterError(_UNCLOSED_QUOTE, outcome=NOTHING_SENT)
        if self._line[self._at] != '"':
            return False
        self._at += 1
        return True

    def _expression(self, rest: str) -> str:
        """The shortest Python expression in braces that `rest` begins with."""
        for end in (i for i, char in enumerate(rest) if char == "}"):
            try:
                ast.parse(rest[1:end].strip(), mode="eval")
            except (SyntaxError, ValueError, MemoryError, RecursionError):
                continue
            return rest[1:end]
        raise ParameterError(
            "a brace on the line opens no Python expression; a bare brace is written {{ or in single quotes",
            outcome=NOTHING_SENT,
        )


def refuse_option(option: str, following: str) -> None:
    """Stop at an option that would be followed by a secret, before anything of that is looked at.

    Args:
        option: what the word begins with, so far.
        following: the next character; empty at the end of the line.

    Raises:
        ParameterError: it is one.
    """
    if following.isalnum() or (following in ("-", "_") and following):
        return
    if option in SECRET_OPTIONS or option.startswith("-p"):
        raise ParameterError(
            f"a password is never typed on the line; use {NEW_SOURCES if option == '--new-password' else SOURCES}. "
            f"{cleanup_advice()}",
            outcome=NOTHING_SENT,
        )
    if following == "=":
        refuse_value(option)


def refuse_value(option: str) -> None:
    """Stop at a value of `--token`, which takes none.

    Raises:
        ParameterError: the option is that one.
    """
    if option == "--token":
        raise ParameterError(
            "--token takes no value, it asks for it; --token-env VAR and --token-var NAME say where it is. "
            f"{cleanup_advice('token')}",
            outcome=NOTHING_SENT,
        )


def cleanup_advice(what: str = "password") -> str:
    """What to do where a secret stands on the line."""
    return (
        f"If there is a {what} on this line: the cell, the kernel and IPython's history keep it, so delete the cell, "
        f"run `{CLEAR_HISTORY}`, restart the kernel, and change that {what}"
    )


_UNCLOSED_QUOTE = "a quote on the line is not closed; a bare quote is written with a backslash before it"
