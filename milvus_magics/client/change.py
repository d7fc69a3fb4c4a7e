"""One context around every changing operation: send, find the truth after a lost reply, report a `Change`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import Any

from milvus_magics.errors import (
    NOTHING_SENT,
    ChangeInterrupted,
    CodedError,
    MilvusException,
    Outcome,
    OutcomeUnknownError,
)
from milvus_magics.transport import reply_status
from milvus_magics.transport.call_errors import is_never_sent, is_refused_call
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline
from milvus_magics.transport.events import Change
from milvus_magics.transport.reply_status import error_from_status, status_of

SECONDS_TO_SETTLE = 2.0
SECONDS_BETWEEN_QUESTIONS = 0.1
CANCELLED = 10000
AGAIN = "run it again to go on"

# Which magic shows what became of an operation, by how its name ends; all others by the users.
LISTING_MAGICS = {
    "privilege": "%milvus_list_grants",
    "privilege_group": "%milvus_list_privilege_groups",
    "to_group": "%milvus_list_privilege_groups",
    "from_group": "%milvus_list_privilege_groups",
    **dict.fromkeys(("create_role", "drop_role", "alter_role", "restore_role"), "%milvus_list_roles"),
}

# What the audit says of a change -> what an error says of it.
OUTCOMES = {
    "done": Outcome.CHANGED,
    "partly": Outcome.CHANGED,
    "refused": Outcome.NOTHING_CHANGED,
    "unknown": Outcome.UNKNOWN,
}
Truth = Callable[[Deadline], "bool | None"]


class Attempt:
    """One change under way.

    Attributes:
        outcome: `refused` as long as nothing can have been changed, `partly` once a part of it is done by a change of
            its own, then `unknown`, then `done`.
        note: what else the user should know about how it went.
        actor_gone: set it where the connection's own user went with the change.
        lost: set it to what goes with the change, for undoing it.
    """

    def __init__(
        self, conn: Connection, operation: str, target: str, fact: tuple[str, str], deadline: Deadline
    ) -> None:
        self._conn, self._operation, self._target, self._deadline = conn, operation, target, deadline
        self._what, self._deed = fact
        self._when, self._began = datetime.now(timezone.utc), time.monotonic()
        self.outcome = "refused"
        self.note = ""
        self.actor_gone = False
        self.lost: object | None = None

    def is_about(self, target: str, fact: tuple[str, str]) -> None:
        """Say more exactly what is changed, before it is sent; arguments as in `attempt`."""
        self._target = target
        self._what, self._deed = fact

    def send(self, method: str, truth: Truth, **fields: Any) -> None:
        """Send the change, and know afterwards whether it was made.

        Args:
            method: name of the RPC.
            truth: asks the server whether the change is there; None = it cannot be told.
            **fields: of the request, as in `Connection.call`.

        Raises:
            OutcomeUnknownError: the answer was lost, and asking didn't settle it.
            MilvusException: the server refused, or the request never left; nothing was changed.
        """
        # Raises where no time is left, while it is certain that nothing was sent.
        self._conn.seconds_left(self._deadline)
        before, self.outcome = self.outcome, "unknown"
        lost: BaseException
        try:
            said = status_of(self._conn.call(method, deadline=self._deadline, **fields))
            if said.ok:
                self.outcome = "done"
                return
            lost = error_from_status(said)
            refused = reply_status.is_refusal(said)
        except MilvusException as exc:
            lost, refused = exc, is_never_sent(exc) or is_refused_call(exc)
            exc.outcome = NOTHING_SENT if is_never_sent(exc) else None
        except KeyboardInterrupt as exc:
            lost, refused = exc, False
        if refused:
            self.outcome = before
            raise lost
        self._settle(truth, lost)

    @contextmanager
    def nested(self) -> Iterator[None]:
        """Run a sub-change that writes its own audit entry."""
        try:
            yield
        except (OutcomeUnknownError, KeyboardInterrupt):
            self.outcome = "unknown" if self.outcome == "refused" else self.outcome
            raise
        self.outcome = "partly"

    def _settle(self, truth: Truth, lost: BaseException) -> None:
        known = self._ask(truth)
        if known:
            self.outcome = "done"
            self.note = "the answer was lost, but the server says that it is done"
        if isinstance(lost, KeyboardInterrupt):
            raise ChangeInterrupted(f"interrupted; {self._known(known)}") from lost
        if not known:
            raise OutcomeUnknownError(f"no clear answer ({lost}); {self._known(known)}") from lost

    def _ask(self, truth: Truth) -> bool | None:
        """Ask until it is done or the time is up; what was last known counts."""
        until = Deadline(SECONDS_TO_SETTLE)
        known = None
        try:
            for _ in until.poll(SECONDS_BETWEEN_QUESTIONS):
                answer = _answer(truth, until)
                known = known if answer is None else answer
                if known:
                    break
        except KeyboardInterrupt as exc:
            raise ChangeInterrupted(f"interrupted; {self._known(known)}") from exc
        return known

    def _known(self, known: bool | None) -> str:
        if known:
            return f"{self._what} is {self._deed}"
        shows = next(
            (magic for end, magic in LISTING_MAGICS.items() if self._operation.endswith(end)), "%milvus_list_users"
        )
        check = f"check with {shows}"
        if known is None:
            return f"whether {self._what} is {self._deed} cannot be told; {check}"
        return f"{self._what} is not {self._deed} so far, but the server may still do it; {check}"

    def interrupted(self) -> ChangeInterrupted:
        """What an interrupt means at this moment."""
        if self.outcome == "refused":
            return ChangeInterrupted(f"interrupted; nothing was sent: {self._what} is not {self._deed}")
        return ChangeInterrupted(f"interrupted; {self._known(self.outcome == 'done' or None)}")

    def outcome_after(self, outcome: Outcome | None) -> Outcome:
        """What is known of the change where it ends with an error that has this outcome."""
        return outcome if outcome and self.outcome == "refused" else OUTCOMES[self.outcome]

    def report(self, code: int) -> None:
        """Tell the connection's listeners."""
        self._conn.emit(
            Change(
                when=self._when,
                server=self._conn.address.url,
                actor=self._conn.user,
                operation=self._operation,
                target=self._target,
                outcome=self.outcome,
                code=code,
                seconds=time.monotonic() - self._began,
                actor_gone=self.actor_gone,
                lost=self.lost,
            )
        )


def _answer(truth: Truth, until: Deadline) -> bool | None:
    """What the server says; None where it doesn't: an error here is not what the user has to be told about."""
    try:
        return truth(until)
    except MilvusException:
        return None


@contextmanager
def report_progress(so_far: Callable[[], str], again: str = AGAIN) -> Iterator[None]:
    """Around several changes, one after another: an error or an interrupt says, too, what is done and what is not.

    Args:
        so_far: tells it: `user 'bob' is created, but without 'reader'`.
        again: how to go on; empty where there is no way.

    Raises:
        ChangeInterrupted: in place of KeyboardInterrupt.
        CodedError: of the same class as the one that came.
    """
    try:
        yield
    except CodedError as exc:
        text = "; ".join(filter(None, (f"{so_far()}: {exc}", again)))
        raise exc.with_message(text, Outcome.CHANGED) from exc
    except KeyboardInterrupt as exc:
        known = str(exc) if isinstance(exc, ChangeInterrupted) else "interrupted"
        text = "; ".join(filter(None, (known, f"before that, {so_far()}", again)))
        raise ChangeInterrupted(text, Outcome.CHANGED) from exc


@contextmanager
def attempt(
    conn: Connection, operation: str, target: str, fact: tuple[str, str], deadline: Deadline
) -> Iterator[Attempt]:
    """Put everything that belongs to one change into this context: checks first, then `Attempt.send`.

    Args:
        conn: where the change is made.
        operation: name of the client function.
        target: the user, role or group, and what they are given or lose.
        fact: what is true once it is done, in two parts: `("user 'bob'", "deleted")`.
        deadline: of the whole operation.

    Raises:
        ChangeInterrupted: in place of KeyboardInterrupt; says what is known.
    """
    under_way = Attempt(conn, operation, target, fact, deadline)
    code = 0
    try:
        yield under_way
    except ChangeInterrupted as exc:
        code, exc.outcome = CANCELLED, under_way.outcome_after(exc.outcome)
        raise
    except KeyboardInterrupt as exc:
        code, interrupted = CANCELLED, under_way.interrupted()
        interrupted.outcome = under_way.outcome_after(None)
        raise interrupted from exc
    except MilvusException as exc:
        code, exc.outcome = exc.code, under_way.outcome_after(exc.outcome)
        raise
    finally:
        under_way.report(code)
