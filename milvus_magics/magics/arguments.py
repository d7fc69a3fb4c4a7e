"""What magics take: the parser of a line's words, and the arguments that several magics share.

Nothing that was typed is quoted in an error, because it might be a password.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from typing import Any, NoReturn

from milvus_magics.errors import NOTHING_SENT, ParameterError
from milvus_magics.magics.line import LONG_DASHES, SECRET_OPTIONS, ExpandedText, Token, cleanup_advice, refuse_secret
from milvus_magics.secret import DoubtfulText, mask_misplaced
from milvus_magics.transport.deadline import Deadline
from milvus_magics.wording import did_you_mean

_LONG_DASH = re.compile(f"[{LONG_DASHES}]")
_DASHES = re.compile(f"^[{LONG_DASHES}-]+")
# Only what looks like a name is repeated: the rest could be a password with an odd beginning.
_OPTION = re.compile(r"-[A-Za-z]|--[A-Za-z][A-Za-z-]*")
NAMED_SOURCES = ("password_env", "password_var", "token_env", "token_var")
SOURCES = (*NAMED_SOURCES, "keyring", "adopt", "source", "uri")
# Where an address with a password may stand by mistake, and what a connection calls that argument.
MISPLACED = {"using": "using", "alias": "alias", "adopt": "alias", "host": "host", "port": "port", "db": "db_name",
             "server_name": "server_name"}  # fmt: skip
_WITH_PASSWORD = re.compile(r":[^@\s]*[^/@\s][^@\s]*@")
TYPED_ADDRESS = "an address with a password is never typed on the line: write --user NAME and be asked"


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
        self.needed_without_form: list[argparse.Action] = []
        self.misplaced = dict(MISPLACED)

    def error(self, message: str) -> NoReturn:
        """Raise what argparse found, without the values it quotes."""
        message = re.sub(r"ignored explicit argument .*", "takes no value", message)
        message = re.sub(r"invalid choice: .*", "no such choice", message)
        raise ParameterError(f"{self.prog}: {message}; see {self.prog} --help", outcome=NOTHING_SENT)

    def read(self, tokens: list[Token]) -> argparse.Namespace:
        """Parse words into a namespace of texts and flags."""
        words: list[str] = []
        for number, token in enumerate(tokens):
            if _DASHES.match(token.literal) and _LONG_DASH.search(token.literal.partition("=")[0]):
                self._refuse_long_dash(token)
            words.append(f"\0{number}" if "--" in words else self._word(number, token))
        if {"-h", "--help"} & {*words}:
            return argparse.Namespace(help=True)
        found, extra = self.parse_known_args(words)
        if extra:
            self._refuse_extra(extra, tokens)
        for name, value in vars(found).items():
            setattr(found, name, _unmask(value, tokens, name, self.misplaced.get(name, "")))
        self._require_names(found)
        return found

    def find_given(self, args: argparse.Namespace) -> dict[str, argparse.Action]:
        """The arguments that a line gives, by name."""
        return {action.dest: action for action in self._actions if getattr(args, action.dest) != action.default}

    def _require_names(self, args: argparse.Namespace) -> None:
        """Raise ParameterError if an argument is missing that only a form can do without."""
        for action in self.needed_without_form:
            if not args.form and not getattr(args, action.dest) and getattr(args, action.dest) != "":
                raise ParameterError(f"name {action.help}, or give --form; see --help", outcome=NOTHING_SENT)

    def _word(self, number: int, token: Token) -> str:
        """What argparse sees: options as they are, values as a number, so that no value looks like an option."""
        option, equals, _ = token.literal.partition("=")
        if not option.startswith("-") or option == "-" or (not token.plain and not equals):
            return f"\0{number}"
        token.is_option = True
        option = option.replace("_", "-")
        return f"{option}=\0{number}" if equals else option

    def _refuse_long_dash(self, token: Token) -> None:
        """Raise where an option has a dash that a word processor made of hyphens."""
        dashes, name = _DASHES.match(token.literal), _DASHES.sub("", token.literal)
        option = _LONG_DASH.sub("-", f"--{name}".partition("=")[0]).replace("_", "-")
        refuse_secret(Token(literal=option), "", 0)
        if option in self._option_string_actions:
            is_inside = dashes is not None and not _LONG_DASH.search(dashes[0])
            plain = "plain hyphens: one of these is none" if is_inside else "two plain hyphens, which these are not"
            self.error(f"write {option} with {plain}")

    def _refuse_extra(self, extra: list[str], tokens: list[Token]) -> NoReturn:
        options = [word.partition("=")[0] for word in extra if word.startswith("-")]
        is_address = any(map(_is_typed_address, tokens))
        advice = f". {cleanup_advice()}" if is_address else self._advice(extra, options)
        if any(token.literal.startswith("#") for token in tokens):
            self.error(f"'#' begins no comment on the line of a magic: put it on a line of its own{advice}")
        if options and all(map(_OPTION.fullmatch, options)):
            hint = did_you_mean(options[0], self._option_string_actions)
            self.error(f"there is no option {', '.join(options)}{hint}{advice}")
        never = ", and a password never goes on the line" if advice else ""
        self.error(f"too many values; one with blanks goes in quotes{never}{advice}")

    def _advice(self, extra: list[str], options: list[str]) -> str:
        """What to do where what is too much may be a password; empty where none is meant."""
        has_value = any("\0" in word for word in extra) or not all(map(_OPTION.fullmatch, options))
        hints = [did_you_mean(option, (*self._option_string_actions, *SECRET_OPTIONS)) for option in options]
        is_meant = any(repr(secret) in hint for secret in SECRET_OPTIONS for hint in hints)
        takes_one = any("password" in action.dest or "token" in action.dest for action in self._actions)
        return f". {cleanup_advice()}" if has_value and (is_meant or takes_one) else ""


def _is_typed_address(token: Token) -> bool:
    return not token.is_expanded and _WITH_PASSWORD.search(token.text) is not None


def _unmask(value: Any, tokens: list[Token], name: str = "", argument: str = "") -> Any:
    """The text that a number stands for, masked where it may be a password.

    Args:
        value: what argparse found.
        tokens: the words of the line.
        name: of the argument, where it may be a source.
        argument: what a connection calls it, where an address may stand there by mistake.
    """
    if isinstance(value, list):
        return [_unmask(item, tokens) for item in value]
    if not isinstance(value, str) or not value.startswith("\0"):
        return value
    token = tokens[int(value[1:])]
    text = token.text.partition("=")[2] if token.is_option else token.text
    if argument and isinstance(mask_misplaced(argument, text), DoubtfulText):
        return _mask_address(token, text)
    if token.is_expanded:
        return ExpandedText(text) if name.endswith(SOURCES) else text
    return DoubtfulText(text) if name.endswith(NAMED_SOURCES) and not text.isidentifier() else text


def _mask_address(token: Token, text: str) -> DoubtfulText:
    """What may be an address where none belongs; ParameterError if one with a password was typed there."""
    if _is_typed_address(token):
        problem = f"this looks like an address, which %milvus_connect takes as its URI; {TYPED_ADDRESS}"
        raise ParameterError(f"{problem}. {cleanup_advice()}", outcome=NOTHING_SENT)
    return ExpandedText(text) if token.is_expanded else DoubtfulText(text)


Arguments = Callable[[Parser], None]


def argument(*names: str, **options: Any) -> Arguments:
    """One argument, as argparse's `add_argument` takes it."""

    def add(parser: Parser) -> None:
        parser.add_argument(*names, **options)

    return add


def connection_options(parser: Parser) -> None:
    """`--using` and `--timeout`; the connection that is meant is the argument `conn`."""
    using_option(parser)
    timeout_option(parser)
    parser.set_defaults(conn=None)


def form(*names: str) -> Arguments:
    """`--form`; a line with it may leave out the arguments with these names."""

    def add(parser: Parser) -> None:
        parser.needed_without_form = [action for action in parser._actions if action.dest in names]
        for action in parser.needed_without_form:
            action.nargs, action.required = ("*" if action.nargs == "+" else "?"), False
            action.default = [] if action.nargs == "*" else action.default
        instead = "show a form instead, filled with the names on the line"
        parser.add_argument("--form", action="store_true", help=instead)

    return add


def password_source(parser: Parser, prefix: str = "", what: str = "the password") -> None:
    """Where a password comes from: exactly one source."""
    parser.add_argument(f"--{prefix}password-env", metavar="VAR", help=f"take {what} from this environment variable")
    parser.add_argument(
        f"--{prefix}password-var", metavar="NAME", help="take it from this Python name (text or Secret)"
    )
    parser.add_argument(f"--{prefix}keyring", metavar="SERVICE", help="take it from the system's keyring")


using_option = argument("--using", metavar="ALIAS", help="connection to use (default: the one of %%milvus_use)")
timeout_option = argument("--timeout", metavar="SECONDS", help="for the whole operation (default: 10)")
dry_run = argument("--dry-run", action="store_true", help="only say what would happen; nothing is changed")
yes = argument("--yes", action="store_true", help="skip the confirmation")


def seconds(text: str | None, default: float) -> float:
    """The value of `--timeout`; ParameterError where it is no positive number."""
    try:
        number = float(default if text is None else text)
    except ValueError:
        raise ParameterError("--timeout needs a number of seconds, like 10", outcome=NOTHING_SENT) from None
    Deadline(number)  # refuses what cannot be
    return number
