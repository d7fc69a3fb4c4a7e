"""How a method becomes a line magic, and how one that changes something is previewed, confirmed and made."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from functools import cache, partial, wraps
from inspect import cleandoc
from types import FrameType
from typing import TYPE_CHECKING, Any

from IPython.core import magic as ipython_magic

from milvus_magics.errors import MilvusException
from milvus_magics.magics import prompts
from milvus_magics.magics.arguments import Arguments, Parser, seconds
from milvus_magics.magics.cells import is_shown, say
from milvus_magics.magics.line import Namespace, split, typed_line
from milvus_magics.session import connections

if TYPE_CHECKING:
    from milvus_magics.magics.session_magics import SessionMagics


class Operation:
    """A change that a line asks for, its preview, and what has to be retyped before.

    Args:
        args: the line's; they say whether it is only a dry run, or confirmed.
        act: makes the change; called with the connection, `arguments`, `options` and `timeout`.
        preview: says what would happen; called with the same.
        *arguments: what both are called with.
        retype: what the user retypes to confirm. Empty: nothing is confirmed.
        is_risky: whether a confirmation may be needed at all, where that has to be found out. It saves the preview.
        question: what a preview asks; empty where it needs no confirmation after all.
        ask: asks for what is missing; returns what `act` is called with in place of `arguments`.
        looks_first: whether the preview comes first, for what it raises, and is shown where something speaks
            against it: where `ask` asks a person, and where something that was typed may be lost.
        **options: what both are called with.
    """

    def __init__(
        self,
        args: argparse.Namespace,
        act: Callable[..., Any],
        preview: Callable[..., Any],
        *arguments: Any,
        retype: str = "",
        is_risky: Callable[[], bool] = lambda: True,
        question: Callable[[Any], str] = str,
        ask: Callable[[], tuple[Any, ...]] | None = None,
        looks_first: bool = False,
        **options: Any,
    ) -> None:
        self.alias, self.conn = args.using, args.conn
        self.act = partial(act, args.conn, **options, timeout=args.timeout)
        self.preview = partial(preview, args.conn, *arguments, **options, timeout=args.timeout)
        self.ask, self.looks_first = ask or (lambda: arguments), looks_first
        self.is_dry_run, self.is_confirmed = args.dry_run, getattr(args, "yes", False)
        self.retype, self.is_risky, self.question = retype, is_risky, question

    def carry_out(self) -> Any:
        """Preview the change if that is all that is wanted, else have it confirmed and make it.

        What was shown is what is done: an AliasError if the alias was bound anew while somebody was asked.
        """
        if self.is_dry_run:
            return self.preview()
        with connections.hold(self.alias, self.conn):
            self._confirm()
            if self.looks_first and (foreseen := self.preview()).caution:
                print(foreseen.hint)
            arguments = self.ask()
            connections.require_bound(self.alias, self.conn)
            return self.act(*arguments)

    def _confirm(self) -> None:
        if self.retype and not self.is_confirmed and self.is_risky():
            question = self.question(self.preview())
            if question:
                prompts.confirm(question, self.retype, yes=False)


def line_magic(
    *groups: Arguments, check: Callable[[argparse.Namespace], None] | None = None, says_result: bool = False
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a method `f(self, args)` the line magic `%milvus_f`; its docstring becomes the help.

    The method returns a result, or an `Operation` that is carried out. `args` has the connection as `conn`, and the
    seconds that everything may last as `timeout`, where the magic takes `connection_options`.

    Args:
        *groups: what it takes, each adding arguments to the parser.
        check: looks at the arguments first, also before a form is shown.
        says_result: whether the result is said in a line where the cell doesn't show it; an `Operation`'s always is.
    """

    def decorate(method: Callable[..., Any]) -> Callable[..., Any]:
        operation = method.__name__
        name = "milvus" if operation == "milvus" else f"milvus_{operation}"

        @cache
        def parser() -> Parser:
            """Made when it is first needed, since forty of them take their time."""
            made = Parser(name, cleandoc(method.__doc__ or ""))
            for group in groups:
                group(made)
            return made

        def read(
            self: SessionMagics, line: str, local_ns: Mapping[str, Any] | None, caller: FrameType
        ) -> argparse.Namespace:
            line, local_ns = typed_line(line, local_ns, caller)
            namespace = Namespace(self.shell.user_ns, local_ns)  # type: ignore[union-attr]
            args = parser().read(split(line, namespace))
            if args.help:
                return args
            args.namespace, args.line, args.parser = namespace, line, parser()
            if "timeout" in args:
                args.timeout = seconds(args.timeout, self.timeout)
            if "using" in args and args.using is None:
                args.using = self.using
            if check:
                check(args)
            del args.line  # it stays in no frame
            return args

        @wraps(method)
        def run(self: SessionMagics, line: str, local_ns: Mapping[str, Any] | None = None) -> Any:
            try:
                args = read(self, line, local_ns, sys._getframe(1))
            except MilvusException as exc:
                raise exc.without_frames()  # noqa: B904 - the same one; what a line holds may be a secret
            except KeyboardInterrupt as exc:
                raise exc.with_traceback(None)  # noqa: B904 - likewise
            finally:
                del line, local_ns  # the one may be put together in Python, the other has the caller's variables
            if args.help:
                print(parser().format_help())
                return None
            if getattr(args, "form", False):
                return self.show_form(operation, args)
            if "conn" in args:
                args.conn = connections.get(args.using)
            result = method(self, args)
            is_operation = isinstance(result, Operation)
            result = result.carry_out() if is_operation else result
            try:
                if (is_operation or says_result) and not is_shown(self.shell):  # type: ignore[arg-type]
                    say(result)
            except KeyboardInterrupt as exc:
                exc.result = result  # type: ignore[attr-defined]  # what was done, though it was not said
                raise
            return result

        run.getdoc = lambda: parser().format_help()  # type: ignore[attr-defined]  # what `%magic?` shows
        run.magic_name = name  # type: ignore[attr-defined]
        run.parser = parser  # type: ignore[attr-defined]
        run.needs_local_scope = True  # type: ignore[attr-defined]
        # IPython's way to silence a trailing `;` would also lose what an assignment asked for: a generated password.
        return ipython_magic.no_var_expand(run)

    return decorate
