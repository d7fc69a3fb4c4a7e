"""How a magic's line is read: split first, expand each value after, parse last.

So what a variable holds stays one value, whatever is in it: `{u}` with `u = "bob --yes"` is a strange name, not an
option. Nothing that was typed is quoted in an error, because it might be a password.
"""

from __future__ import annotations

import argparse
import ast
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, wraps
from typing import Any, NoReturn

from IPython.core import magic as ipython_magic

from milvus_magics.client.deadline import checked_timeout
from milvus_magics.errors import ParameterError
from milvus_magics.magics.typed_secrets import if_typed, refuse_option, refuse_value
from milvus_magics.secret import Secret

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
        raise ParameterError(f"the name {name!r} is not defined in this notebook; nothing was sent")

    def has(self, name: str) -> bool:
        """Whether a name is defined."""
        return name in self._locals or name in self._globals

    def evaluate(self, expression: str) -> str:
        """The text that `{expression}` stands for."""
        problem = ""
        try:
            value = eval(expression, self._globals, dict(self._locals))  # noqa: S307 - it is the user's own cell
        except Exception as exc:
            problem = f"{type(exc).__name__} in an expression in braces; nothing was sent"
        # Raised out here: the other error's text may hold what the expression held.
        if problem:
            raise ParameterError(problem)
        return as_text(value, "an expression in braces")


def as_text(value: Any, what: str) -> str:
    """A value on the line as text.

    Raises:
        ParameterError: when it is nothing that a person would write there.
    """
    if isinstance(value, Secret):
        raise ParameterError(f"{what} is a Secret: give it with --password-var NAME; nothing was sent")
    if isinstance(value, bool) or not isinstance(value, (str, int, float, os.PathLike)):
        raise ParameterError(f"{what} is {type(value).__name__}, but text is needed; nothing was sent")
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
            raise ParameterError(_UNCLOSED_QUOTE)
        text = self._line[self._at + 1 : end]
        self._at = end + 1
        return text

    def _quote_ends(self) -> bool:
        if self._at >= len(self._line):
            raise ParameterError(_UNCLOSED_QUOTE)
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
            "a brace on the line opens no Python expression; a bare brace is written {{ or in single quotes; "
            "nothing was sent"
        )


_UNCLOSED_QUOTE = (
    "a quote on the line is not closed; a bare quote is written with a backslash before it; nothing was sent"
)


class Parser(argparse.ArgumentParser):
    """argparse without abbreviations, exits, and errors that show what was typed."""

    def __init__(self, magic: str, description: str) -> None:
        super().__init__(
            prog=f"%{magic}",
            description=description,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            add_help=False,
            allow_abbrev=False,
        )
        self.add_argument("-h", "--help", action="store_true", help="show this help")

    def error(self, message: str) -> NoReturn:
        """Raise what argparse found, without the values it quotes."""
        message = re.sub(r"ignored explicit argument .*", "takes no value", message)
        message = re.sub(r"invalid choice: .*", "no such choice", message)
        raise ParameterError(f"{self.prog}: {message}; see {self.prog} --help; nothing was sent")

    def read(self, tokens: list[Token]) -> argparse.Namespace:
        """Parse words into a namespace of texts and flags."""
        words: list[str] = []
        for number, token in enumerate(tokens):
            words.append(f"\0{number}" if "--" in words else self._word(number, token))
        if any(word in ("-h", "--help") for word in words):
            return argparse.Namespace(help=True)
        found, extra = self.parse_known_args(words)
        if extra:
            self._refuse_extra(extra)
        for name, value in vars(found).items():
            setattr(found, name, _unmask(value, tokens))
        return found

    def _word(self, number: int, token: Token) -> str:
        """What argparse sees: options as they are, values as a number, so that no value looks like an option."""
        option, equals, _ = token.literal.partition("=")
        if not option.startswith("-") or option == "-" or (not token.plain and not equals):
            return f"\0{number}"
        token.is_option = True
        option = option.replace("_", "-")
        return f"{option}=\0{number}" if equals else option

    def _refuse_extra(self, extra: list[str]) -> NoReturn:
        options = [word.partition("=")[0] for word in extra if word.startswith("-")]
        # Only what looks like a name: the rest could be a password with an odd beginning.
        if options and all(re.fullmatch(r"-[A-Za-z]|--[A-Za-z][A-Za-z-]*", option) for option in options):
            typed = f". {if_typed()}" if any("\0" in word for word in extra) else ""
            self.error(f"there is no option {', '.join(options)}{typed}")
        self.error(
            f"too many values; one with blanks goes in quotes, and a password never goes on the line. {if_typed()}"
        )


def _unmask(value: Any, tokens: list[Token]) -> Any:
    if isinstance(value, list):
        return [_unmask(item, tokens) for item in value]
    if not isinstance(value, str) or not value.startswith("\0"):
        return value
    token = tokens[int(value[1:])]
    return token.text.partition("=")[2] if token.is_option else token.text


Arguments = Callable[[Parser], None]


def line_magic(*groups: Arguments) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a method `f(self, args)` the line magic `%milvus_f`; its docstring becomes the help.

    Args:
        *groups: what it takes, each adding arguments to the parser.
    """

    def decorate(method: Callable[..., Any]) -> Callable[..., Any]:
        name = "milvus" if method.__name__ == "milvus" else f"milvus_{method.__name__}"

        @cache
        def parser() -> Parser:
            """Made when it is first needed, since forty of them take their time."""
            made = Parser(name, _dedent(method.__doc__ or ""))
            for group in groups:
                group(made)
            return made

        @wraps(method)
        def run(self: Any, line: str, local_ns: Mapping[str, Any] | None = None) -> Any:
            namespace = Namespace(self.shell.user_ns, local_ns)
            args = parser().read(split(line, namespace))
            if args.help:
                print(parser().format_help())
                return None
            args.namespace, args.line = namespace, line
            return method(self, args)

        run.getdoc = lambda: parser().format_help()  # type: ignore[attr-defined]  # what `%magic?` shows
        run.magic_name = name  # type: ignore[attr-defined]
        run.parser = parser  # type: ignore[attr-defined]
        run.needs_local_scope = True  # type: ignore[attr-defined]
        # IPython's way to silence a trailing `;` would also lose what an assignment asked for: a generated password.
        return ipython_magic.no_var_expand(run)

    return decorate


def _dedent(text: str) -> str:
    first, _, rest = text.partition("\n")
    lines = rest.splitlines()
    margin = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return "\n".join([first, *(line[margin:] for line in lines)]).strip()


def argument(*names: str, **options: Any) -> Arguments:
    """One argument, as argparse's `add_argument` takes it."""

    def add(parser: Parser) -> None:
        parser.add_argument(*names, **options)

    return add


def connection_options(parser: Parser) -> None:
    """`--using` and `--timeout`, which every magic with a server has."""
    parser.add_argument("--using", metavar="ALIAS", help="connection to use (default: the one of %%milvus_use)")
    timeout_option(parser)


def timeout_option(parser: Parser) -> None:
    """`--timeout`."""
    parser.add_argument("--timeout", metavar="SECONDS", help="for the whole operation (default: 10)")


def password_source(parser: Parser) -> None:
    """Where a password comes from: exactly one source."""
    parser.add_argument("--password-env", metavar="VAR", help="take the password from this environment variable")
    parser.add_argument("--password-var", metavar="NAME", help="take it from this Python name (text or Secret)")
    parser.add_argument("--keyring", metavar="SERVICE", help="take it from the system's keyring")


def new_password_source(parser: Parser) -> None:
    """Where the second password of a change comes from: exactly one source."""
    parser.add_argument("--new-password-env", metavar="VAR", help="take the new one from this environment variable")
    parser.add_argument("--new-password-var", metavar="NAME", help="take it from this Python name (text or Secret)")
    parser.add_argument("--new-keyring", metavar="SERVICE", help="take it from the system's keyring")


dry_run = argument("--dry-run", action="store_true", help="only say what would happen; nothing is changed")
form = argument("--form", action="store_true", help="show a form instead")
yes = argument("--yes", action="store_true", help="don't ask for the name to be retyped")


def seconds(text: str | None, default: float) -> float:
    """The value of `--timeout`.

    Raises:
        ParameterError: when it is no positive number.
    """
    if text is None:
        number = checked_timeout(default)
    else:
        try:
            number = checked_timeout(float(text))
        except ValueError as exc:
            if isinstance(exc, ParameterError):
                raise
            raise ParameterError("--timeout needs a number of seconds, like 10; nothing was sent") from None
    assert number is not None  # noqa: S101 - only None gives None
    return number
