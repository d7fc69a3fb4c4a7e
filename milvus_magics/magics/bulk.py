"""Magics for many users at once."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from milvus_magics import bulk
from milvus_magics.errors import NOTHING_SENT, MilvusException, ParameterError
from milvus_magics.magics import prompts
from milvus_magics.magics.arguments import argument, dry_run, form, timeout_option, using_option, yes
from milvus_magics.magics.line import Namespace
from milvus_magics.magics.operation import line_magic
from milvus_magics.magics.session_magics import SessionMagics
from milvus_magics.secret import mask_misplaced
from milvus_magics.session import connections, session
from milvus_magics.wording import join_parts

if TYPE_CHECKING:
    from milvus_magics.bulk.results import BulkPlan, BulkResult, UserRow
    from milvus_magics.transport.connection import Connection

FEWEST_FOR_A_BAR = 20
source = argument(
    "source", metavar="SOURCE", help="a .csv, .tsv, .json or .ndjson file, or a Python name: list, dict, DataFrame"
)
passwords_to = argument("--passwords-to", metavar="FILE", help="write generated passwords into a new private CSV file")
limit = argument("--limit", metavar="N", help="how many users the server takes, if you know it")
at_once = argument("--at-once", action="store_true", help="create all in one request, or none; needs the extra bcrypt")
stop_on_error = argument("--stop-on-error", action="store_true", help="stop at the first row that is refused")
missing_ok = argument("--missing-ok", action="store_true", help="don't count a user who isn't there as a failure")


class BulkMagics(SessionMagics):
    """The magics for many users at once. `--using a,b` does the same on several servers."""

    TOPIC = "many users"

    @line_magic(
        source, passwords_to, limit, at_once, stop_on_error, dry_run, form("source"), using_option, timeout_option,
        says_result=True,
    )  # fmt: skip
    def create_users(self, args: argparse.Namespace) -> Any:
        """Create many users. Rows have user, and may have password, roles (with commas between) and description.

        Where there is no password, one is made up; the result keeps it, masked: .passwords['bob'].reveal(). Running
        the same source again does only what is missing.

        Examples:
            %milvus_create_users class.csv --passwords-to passwords.csv
            made = %milvus_create_users names
            %milvus_create_users class.csv --at-once --dry-run
            %milvus_create_users --form
        """
        rows = bulk.rows.generate_missing_passwords(read_rows(args.source, args.namespace))
        plans = self._plans(args, bulk.plan.CREATE, rows, limit=_number(args.limit), at_once=args.at_once)
        if not args.dry_run:
            _say(plans)
        if args.passwords_to is None:
            return self._carry_out(args, plans)
        for alias, conn in args.conns:
            connections.require_bound(alias, conn)  # a second try finds no file that way
        todo = {row.user for plan in plans for row in plan.todo}
        made_up = [row for row in rows if row.user in todo]
        file = bulk.password_file.PasswordFile(args.passwords_to, made_up, dry_run=args.dry_run)
        if args.dry_run:
            return self._carry_out(args, plans)
        result = self._carry_out(args, plans)
        with _result_in_error(lambda _: result):
            note = file.keep_only({row.user for row in result if row.may_be_created})
            return result.with_file(file.path, note)

    @line_magic(
        source, missing_ok, stop_on_error, dry_run, yes, form("source"), using_option, timeout_option, says_result=True
    )
    def delete_users(self, args: argparse.Namespace) -> Any:
        """Delete many users whose passwords are given: rows have user and password. Each password is checked first.

        Examples:
            %milvus_delete_users leavers.csv --dry-run
            %milvus_delete_users leavers.csv
        """
        return self._remove(args, bulk.plan.DELETE)

    @line_magic(source, missing_ok, stop_on_error, dry_run, yes, using_option, timeout_option, says_result=True)
    def drop_users(self, args: argparse.Namespace) -> Any:
        """Delete many users without their passwords. How many is retyped, or --yes is given.

        Examples:
            %milvus_drop_users leavers --dry-run
            %milvus_drop_users leavers --using a,b
        """
        return self._remove(args, bulk.plan.DROP)

    def show_form(self, operation: str, args: argparse.Namespace) -> Any:
        """Make the form of an operation; one for many gets the rows of the source, where the line names one."""
        if getattr(args, "source", None) is not None:
            args.source = read_rows(args.source, args.namespace)
        return super().show_form(operation, args)

    def _remove(self, args: argparse.Namespace, operation: str) -> Any:
        """Delete users, after asking where no password says that it is meant, or where a plan warns."""
        rows = read_rows(args.source, args.namespace)
        plans = self._plans(args, operation, rows, missing_ok=args.missing_ok)
        is_risky = any(plan.todo if operation == bulk.plan.DROP else plan.warning for plan in plans)
        if is_risky and not args.yes and not args.dry_run:
            what, count = "\n".join(plan.brief for plan in plans), sum(len(plan.todo) for plan in plans)
            prompts.confirm(what, str(count), yes=False, what_is_typed="number of users")
        elif not args.dry_run:
            _say(plans)
        return self._carry_out(args, plans)

    @staticmethod
    def _connections(using: str) -> list[tuple[str, Connection]]:
        """The connections that `--using` names, with commas between, and their aliases."""
        is_one = connections.has_connection(using)
        aliases = [using] if is_one else dict.fromkeys(map(_read_alias, using.split(",")))
        conns = [(alias, connections.get(alias)) for alias in aliases]
        first: dict[str, str] = {}
        for alias, conn in conns:
            if (other := first.setdefault(conn.address.url, alias)) != alias:
                raise ParameterError(
                    f"{other!r} and {alias!r} are connections to the same server: name one of them",
                    outcome=NOTHING_SENT,
                )
        return conns

    def _plans(
        self, args: argparse.Namespace, operation: str, rows: Sequence[UserRow], **options: Any
    ) -> list[BulkPlan]:
        args.conns = self._connections(args.using)  # what is shown is what is done, also where an alias is bound anew
        make_plan = (bulk.at_once if options.pop("at_once", False) else bulk.plan).make_plan
        plans, problems = [], []
        for alias, conn in args.conns:
            try:
                with connections.hold(alias, conn):
                    plans.append(make_plan(conn, operation, rows, timeout=args.timeout, **options))
            except bulk.results.BulkError as exc:
                problems.append((alias, exc.problems))
        if problems:
            bulk.rows.raise_problems(bulk.rows.join_problems(problems, len(args.conns)))
        return plans

    def _carry_out(self, args: argparse.Namespace, plans: Sequence[BulkPlan]) -> Any:
        """Carry plans out, one server after the other; with `--dry-run` show them."""
        if args.dry_run:
            return self._preview(args, plans)
        options = {"stop_on_error": args.stop_on_error, "timeout": args.timeout}
        results: list[BulkResult] = []

        def join_with(last: BulkResult | None) -> BulkResult:
            known = [*results, *([last] if last else [])]
            return bulk.results.BulkResult.join([*known, *map(bulk.run.skip_plan, plans[len(known) :])])

        for alias, conn in args.conns:
            connections.require_bound(alias, conn)
        with _result_in_error(join_with):
            for (alias, conn), plan in zip(args.conns, plans, strict=True):
                if results and results[-1].interrupted:
                    results.append(bulk.run.skip_plan(plan))
                    continue
                try:
                    connections.require_bound(alias, conn)
                    results.append(_execute(conn, plan, **options))
                except MilvusException as exc:
                    if not results:
                        raise
                    results.append(bulk.run.skip_plan(plan, str(exc), interrupted=False))
            return bulk.results.BulkResult.join(results)

    @staticmethod
    def _preview(args: argparse.Namespace, plans: Sequence[BulkPlan]) -> BulkResult:
        """What plans would do, with the passwords checked that can be."""
        previews = []
        for (alias, conn), plan in zip(args.conns, plans, strict=True):
            with connections.hold(alias, conn):
                previews.append(bulk.run.preview(conn, plan, timeout=args.timeout))
        return bulk.results.BulkPreview.join(previews)


def _execute(conn: Connection, plan: BulkPlan, **options: Any) -> BulkResult:
    """Carry one plan out; the session keeps the passwords that were made up for it."""
    with _bar(plan) as progress:
        return bulk.run.execute(conn, plan, progress=progress, store=session.generated_passwords, **options)


@contextmanager
def _result_in_error(join_with: Callable[[BulkResult | None], BulkResult]) -> Iterator[None]:
    """Give the result so far to whatever error comes in the middle, and say where it is.

    Args:
        join_with: makes it, of what was done before and the result that the error has already.
    """
    try:
        yield
    except MilvusException:
        raise  # nothing was begun
    except BaseException as exc:
        exc.result = join_with(getattr(exc, "result", None))  # type: ignore[attr-defined]
        with suppress(Exception):
            print("stopped in the middle; for the result so far: import sys; sys.last_value.result")
        raise


@contextmanager
def _bar(plan: BulkPlan) -> Iterator[Callable[[int], None] | None]:
    """A progress bar, where it takes long enough to want one: a widget in a notebook, text in a terminal.

    One that cannot be shown stops no work.
    """
    bar: Any = None
    if len(plan.todo) >= FEWEST_FOR_A_BAR:
        with suppress(Exception):
            from tqdm.auto import tqdm

            # Of one request there is nothing to count; what takes long is before it.
            what, unit = ("hash passwords", "password") if plan.hash_cost else (plan.operation, "user")
            bar = tqdm(total=len(plan.todo), desc=what.replace("_", " "), unit=unit, leave=False)

    def show(count: int) -> None:
        with suppress(Exception):
            bar.update(count - bar.n)

    try:
        yield None if bar is None else show
    finally:
        with suppress(Exception):
            bar.close()


def _say(plans: Sequence[BulkPlan]) -> None:
    """Show what should be known before, where nobody is asked."""
    for plan in plans:
        if plan.todo and plan.notes:
            print(join_parts(f"{plan.operation.replace('_', ' ')} on {plan.server}", *plan.notes))


def read_rows(source: str, namespace: Namespace) -> tuple[UserRow, ...]:
    """The rows of a source. A defined Python name goes before a file of that name."""
    if source.isidentifier() and namespace.has(source):
        return bulk.rows.rows_of(namespace.find(source))
    return bulk.files.read_rows(source)


def _number(text: str | None) -> int | None:
    if text is not None and (not text.isdecimal() or not int(text)):
        raise ParameterError("--limit needs a number of users, like 100", outcome=NOTHING_SENT)
    return None if text is None else int(text)


def _read_alias(text: str) -> str:
    """One alias of several; masked if it is a part of an address with a password."""
    alias: str = mask_misplaced("using", text.strip())
    return alias
