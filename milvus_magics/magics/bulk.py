"""Magics for many users at once."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from milvus_magics import bulk
from milvus_magics.errors import NOTHING_SENT, ParameterError
from milvus_magics.magics import prompts
from milvus_magics.magics.arguments import argument, dry_run, timeout_option, using_option, yes
from milvus_magics.magics.operation import line_magic
from milvus_magics.magics.session_magics import SessionMagics
from milvus_magics.session import connections

if TYPE_CHECKING:
    from milvus_magics.bulk.results import BulkPlan, BulkResult, UserRow
    from milvus_magics.magics.line import Namespace
    from milvus_magics.transport.connection import Connection

FEWEST_FOR_A_BAR = 20
source = argument("source", metavar="SOURCE", help="a .csv or .json file, or a Python name: list, dict, DataFrame")
stop_on_error = argument("--stop-on-error", action="store_true", help="begin no more rows once one is refused")


class BulkMagics(SessionMagics):
    """The magics for many users at once. `--using a,b` does the same on several servers."""

    @line_magic(
        source,
        argument("--passwords-to", metavar="FILE", help="write generated passwords into a new private CSV file"),
        argument("--limit", metavar="N", help="how many users the server takes, where you know"),
        stop_on_error,
        dry_run,
        using_option,
        timeout_option,
    )
    def create_users(self, args: argparse.Namespace) -> Any:
        """Create many users. Rows have user, and may have password, roles (with commas between) and description.

        Where there is no password, one is made up; the result keeps it, masked: .passwords['bob'].reveal(). Running
        the same source again does only what is missing.

        Examples:
            %milvus_create_users class.csv --passwords-to passwords.csv
            made = %milvus_create_users names
        """
        rows = bulk.rows.generate_missing_passwords(read_rows(args.source, args.namespace))
        plans = self._plans(args, bulk.plan.CREATE, rows, _number(args.limit))
        if args.dry_run:
            return _show_plans(plans)
        if args.passwords_to is None:
            return self._execute(args, plans)
        bulk.files.write_passwords(args.passwords_to, rows)
        made: set[str] = set()
        try:
            result = self._execute(args, plans)
            made = {row.user for row in result if row.may_be_created}
        except BaseException:
            made = {row.user for row in rows}  # nobody knows which of them are needed
            raise
        finally:
            bulk.files.rewrite_passwords(args.passwords_to, tuple(row for row in rows if row.user in made))
        return result

    @line_magic(source, stop_on_error, dry_run, yes, using_option, timeout_option)
    def delete_users(self, args: argparse.Namespace) -> Any:
        """Delete many users whose passwords are given: rows have user and password. Each password is checked first.

        Examples:
            %milvus_delete_users leavers.csv --dry-run
            %milvus_delete_users leavers.csv
        """
        plans = self._plans(args, bulk.plan.DELETE, read_rows(args.source, args.namespace))
        if args.dry_run:
            return _show_plans(plans)
        if any(plan.warning for plan in plans):
            _confirm(plans, args.yes)
        else:
            _say(plans)
        return self._execute(args, plans)

    @line_magic(source, stop_on_error, dry_run, yes, using_option, timeout_option)
    def drop_users(self, args: argparse.Namespace) -> Any:
        """Delete many users without their passwords. How many is retyped, or --yes is given.

        Examples:
            %milvus_drop_users leavers --dry-run
            %milvus_drop_users leavers --using a,b
        """
        plans = self._plans(args, bulk.plan.DROP, read_rows(args.source, args.namespace))
        if args.dry_run:
            return _show_plans(plans)
        if any(plan.todo for plan in plans):
            _confirm(plans, args.yes)
        return self._execute(args, plans)

    def _connections(self, args: argparse.Namespace) -> list[Connection]:
        """The connections that `--using` names, with commas between."""
        using = self.using if args.using is None else args.using
        if connections.has_connection(using):
            return [connections.get(using)]
        aliases = list(dict.fromkeys(alias.strip() for alias in using.split(",")))
        return [connections.get(alias) for alias in aliases]

    def _plans(
        self, args: argparse.Namespace, operation: str, rows: Sequence[UserRow], limit: int | None = None
    ) -> list[BulkPlan]:
        seconds = args.timeout
        return [
            bulk.plan.make_plan(conn, operation, rows, limit=limit, timeout=seconds) for conn in self._connections(args)
        ]

    def _execute(self, args: argparse.Namespace, plans: Sequence[BulkPlan]) -> BulkResult:
        results: list[BulkResult] = []
        for conn, plan in zip(self._connections(args), plans, strict=True):
            if results and results[-1].interrupted:
                results.append(bulk.run.skip_plan(plan))
                continue
            with _bar(plan) as progress:
                results.append(
                    bulk.run.execute(
                        conn, plan, stop_on_error=args.stop_on_error, progress=progress, timeout=args.timeout
                    )
                )
        return bulk.results.BulkResult.join(results)


@contextmanager
def _bar(plan: BulkPlan) -> Iterator[Callable[[int], None] | None]:
    """A progress bar, where it takes long enough to want one: a widget in a notebook, text in a terminal."""
    if len(plan.todo) < FEWEST_FOR_A_BAR:
        yield None
        return
    from tqdm.auto import tqdm

    with tqdm(total=len(plan.todo), desc=plan.operation.replace("_", " "), unit="user", leave=False) as bar:

        def show(count: int) -> None:
            bar.update(count - bar.n)

        yield show


def _show_plans(plans: Sequence[BulkPlan]) -> Any:
    return plans[0] if len(plans) == 1 else list(plans)


def _say(plans: Sequence[BulkPlan]) -> None:
    """Show what should be known before, where nobody is asked."""
    for plan in plans:
        if plan.todo and plan.notes:
            print("; ".join([f"{plan.operation.replace('_', ' ')} on {plan.server}", *plan.notes]))


def _confirm(plans: Sequence[BulkPlan], is_confirmed: bool) -> None:
    if is_confirmed:
        _say(plans)
    count = sum(len(plan.todo) for plan in plans)
    prompts.confirm("\n".join(plan.brief for plan in plans), str(count), is_confirmed, what_is_typed="number of users")


def read_rows(source: str, namespace: Namespace) -> tuple[UserRow, ...]:
    """The rows of a source. A defined Python name goes before a file of that name."""
    if source.isidentifier() and namespace.has(source):
        return bulk.rows.rows_of(namespace.find(source))
    return bulk.files.read_rows(source)


def _number(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isdecimal() or not int(text):
        raise ParameterError("--limit needs a number of users, like 100", outcome=NOTHING_SENT)
    return int(text)
