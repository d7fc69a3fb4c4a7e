"""The context of every changing operation: send, ask after a lost reply, report a `Change`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from typing import Any, NamedTuple

from milvus_magics import errors
from milvus_magics.secret import Secret
from milvus_magics.transport import reply_status
from milvus_magics.transport.call_errors import is_never_sent, is_refused_call
from milvus_magics.transport.cluster import QUESTION, begin_cluster_question, read_cluster
from milvus_magics.transport.connection import Connection, Pending
from milvus_magics.transport.deadline import Deadline
from milvus_magics.transport.events import UNKNOWN_CLUSTER, Change
from milvus_magics.transport.interrupts import defer_interrupts
from milvus_magics.wording import join_parts, visible_text

SECONDS_BETWEEN_QUESTIONS = 0.1
CANCELLED = 10000
HOW_TO_RESUME = "run it again to go on"

# Which magic shows what became of an operation, by how its name ends; all others by the users.
LISTING_MAGICS = {
    **dict.fromkeys(("privilege", "grants"), "%milvus_list_grants"),
    "privilege_group": "%milvus_list_privilege_groups",
    "to_group": "%milvus_list_privilege_groups",
    "from_group": "%milvus_list_privilege_groups",
    **dict.fromkeys(("create_role", "drop_role", "describe_role", "restore_role"), "%milvus_list_roles"),
}

# What the audit says of a change -> what an error says of it.
OUTCOMES = {
    "done": errors.Outcome.CHANGED,
    "partly": errors.Outcome.CHANGED,
    "refused": errors.Outcome.NOTHING_CHANGED,
    "unknown": errors.Outcome.UNKNOWN,
}
# Whether a change is made, by asking the server; None if that cannot be told.
IsDone = Callable[[Deadline], "bool | None"]
Errors = type[errors.CodedError] | tuple[type[errors.CodedError], ...]


class _Settling(NamedTuple):
    """What there is to ask after an answer that isn't plain; see `Attempt.send`."""

    outcome_before: str
    is_ours: IsDone
    repeated: Errors


class Attempt:
    """One change under way.

    Attributes:
        outcome: `refused` as long as nothing can have been changed, `partly` once a part of it is done by a change of
            its own, then `unknown`, then `done`.
        note: what else the user should know about how it went.
        actor_gone: set it where the connection's own user went with the change.
        cluster_question: on which cluster it is made, in flight, where somebody may undo it.
        undo_record: what goes with the change, for undoing it.
        secret: set it to the password, or its hash, of the user who goes with the change, for undoing it.
    """

    def __init__(
        self, conn: Connection, operation: str, target: str, subject: str, verb: str, deadline: Deadline
    ) -> None:
        self._conn, self._operation, self._deadline = conn, operation, deadline
        self._target, self._subject, self._verb = target, subject, verb
        self._when, self._began = datetime.now(timezone.utc), time.monotonic()
        self.outcome = "refused"
        self.note = ""
        self.actor_gone = False
        self._closed: errors.ClosedError | None = None  # what stopped the asking
        self.undo_record: object | None = None
        self.cluster_question: Pending | None = None
        self._cluster = UNKNOWN_CLUSTER
        self.secret: Secret | None = None

    def describe(self, target: str, subject: str, verb: str) -> None:
        """Describe what is changed; arguments as in `attempt`."""
        self._target, self._subject, self._verb = target, subject, verb

    def remember(self, record: object) -> None:
        """Remember what goes with the change, and from which cluster, for undoing it."""
        question = self.cluster_question or begin_cluster_question(self._conn, self._deadline)
        self._cluster, self.cluster_question, self.undo_record = read_cluster(question), None, record

    def send(
        self,
        method: str,
        is_done: IsDone,
        *,
        repeated: Errors = (),
        is_ours: IsDone | None = None,
        **fields: Any,
    ) -> None:
        """Send the change, and find out whether it was made if the answer is lost.

        If it was not, it is sent again as often as the connection says.

        Args:
            is_done: asks the server whether the change is made; None = it cannot be told.
            repeated: the error that comes if the server makes the change twice, because its proxy lost the answer of
                its coordinator and asked again. Where it comes, `is_ours` tells; without a look before, None.
            is_ours: asks whether the change was made by this very request; default: `is_done`.
            **fields: of the request, as in `Connection.call`.

        Raises:
            OutcomeUnknownError: the answer was lost, and asking didn't settle it.
            MilvusException: the server refused, or the request never left; nothing was changed.
        """
        if self.cluster_question is not None:
            self._cluster, self.cluster_question = read_cluster(self.cluster_question), None
        # Raises where no time is left, while it is certain that nothing was sent.
        self._deadline.remaining(self._conn.address.url)
        settling = _Settling(self.outcome, is_ours or is_done, repeated)
        error: BaseException
        lost: BaseException | None = None
        for tries_left in reversed(range(self._conn.tries)):
            self.outcome = "unknown"
            try:
                status = reply_status.status_of(self._conn.call(method, deadline=self._deadline, **fields))
                if status.ok:
                    self.outcome = "done"
                    return
                error, is_refused = reply_status.error_from_status(status), reply_status.is_refusal(status)
            except errors.MilvusException as exc:
                error, is_refused = exc, is_never_sent(exc) or is_refused_call(exc)
                exc.outcome = errors.NOTHING_SENT if is_never_sent(exc) else None
            except KeyboardInterrupt as exc:
                error, is_refused = exc, False
            lost = self._require_lost(error, is_refused, lost, settling)
            may_go_on = tries_left > 0 and not is_refused
            if lost is None or self._settle(is_done, lost, may_go_on=may_go_on, was_looked_at=bool(repeated)):
                return

    def _require_lost(
        self, error: BaseException, is_refused: bool, lost: BaseException | None, settling: _Settling
    ) -> BaseException | None:
        """The error of a request whose answer is lost; raises it if it was refused. None if it is done after all.

        Args:
            lost: the error of an earlier try.
        """
        is_repeated = isinstance(error, settling.repeated)
        if is_repeated and self._is_ours(settling.is_ours, error):
            self.outcome, self.note = "done", "the server asked itself twice, and the first time it was done"
            return None
        if not is_refused:
            return error
        if lost is None or is_repeated:
            self.outcome = settling.outcome_before
            raise error
        return lost  # it may still be carried out, whatever is said of its repetition

    @contextmanager
    def nested(self) -> Iterator[None]:
        """Run a sub-change that writes its own audit entry."""
        try:
            yield
        except (errors.OutcomeUnknownError, KeyboardInterrupt):
            self.outcome = "unknown" if self.outcome == "refused" else self.outcome
            raise
        self.outcome = "partly"

    def _is_ours(self, is_ours: IsDone, error: BaseException) -> bool:
        """Whether what the server has already was made by this very request."""
        answer = None
        with suppress(errors.ClosedError):
            answer = self._ask_once(is_ours)
        if answer is None:
            what = f"whether {self._subject} is {self._verb} by this request, or was before, cannot be told"
            raise self._unknown_error(f"{what}: {getattr(error, 'reason', error)}", error)
        return answer

    def _unknown_error(self, text: str, error: BaseException) -> errors.OutcomeUnknownError:
        """The error where nobody can tell; its cause is a `ClosedError` if the connection was closed meanwhile."""
        is_closed = self._closed is not None and not isinstance(error, errors.ClosedError)
        unknown = errors.OutcomeUnknownError(f"{text}; the connection was closed meanwhile" if is_closed else text)
        unknown.__cause__ = self._closed if is_closed else error
        return unknown

    def _settle(self, is_done: IsDone, error: BaseException, *, may_go_on: bool, was_looked_at: bool) -> bool:
        """Whether a change is made whose answer was lost; False if it may be sent again, else it raises."""
        answer = self._ask(is_done, is_no_enough=may_go_on)
        if answer and isinstance(error, errors.ServerError):
            self._require_made_here(error, was_looked_at)
        elif answer:
            self.outcome = "done"
            self.note = "the answer was lost, but the server says that it is done"
        if isinstance(error, KeyboardInterrupt):
            raise errors.ChangeInterrupted(f"interrupted; {self.describe_outcome(answer)}") from error
        if not answer and not (may_go_on and answer is False):
            raise self._unknown_error(f"no clear answer ({error}); {self.describe_outcome(answer)}", error)
        return bool(answer)

    def _require_made_here(self, error: errors.ServerError, was_looked_at: bool) -> None:
        """Raise unless a change that was answered with an error is made for certain, as it was not before."""
        what = f"the server answered with an error ({error}), and yet {self._subject} is {self._verb}"
        if not was_looked_at:
            raise errors.OutcomeUnknownError(f"{what}, perhaps from before") from error
        self.outcome, self.note = "done", what

    def _ask(self, is_done: IsDone, *, is_no_enough: bool) -> bool | None:
        """Ask until it is done, the time is up or the connection closed, and return the last answer.

        Args:
            is_no_enough: whether to stop at an answer that it isn't done, which may come too early.
        """
        until = Deadline(self._conn.seconds_to_settle)
        last = None
        try:
            with suppress(errors.ClosedError):
                for _ in until.poll(SECONDS_BETWEEN_QUESTIONS, self._conn.sleep):
                    answer = self._ask_once(is_done, until)
                    last = last if answer is None else answer
                    if last or (is_no_enough and last is False):
                        break
        except KeyboardInterrupt as exc:
            raise errors.ChangeInterrupted(f"interrupted; {self.describe_outcome(last)}") from exc
        return last

    def _ask_once(self, is_done: IsDone, until: Deadline | None = None) -> bool | None:
        """What the server answers; None if it does not. An error here must not hide the first one.

        Raises:
            ClosedError: it can't be asked any more.
        """
        try:
            return is_done(until or Deadline(self._conn.seconds_to_settle))
        except errors.ClosedError as exc:
            self._closed = exc
            raise
        except errors.MilvusException:
            return None

    def describe_outcome(self, is_done: bool | None) -> str:
        """Say whether the change is made, and where to look if that is open; None = it cannot be told."""
        if is_done:
            return f"{self._subject} is {self._verb}"
        shows = next(
            (magic for end, magic in LISTING_MAGICS.items() if self._operation.endswith(end)), "%milvus_list_users"
        )
        check = f"check with {shows}"
        if is_done is None:
            return f"whether {self._subject} is {self._verb} cannot be told; {check}"
        return f"{self._subject} is not {self._verb} so far, but the server may still do it; {check}"

    def interrupt_error(self) -> errors.ChangeInterrupted:
        """The error for an interrupt at this moment."""
        if self.outcome == "refused":
            return errors.ChangeInterrupted(f"interrupted; nothing was sent: {self._subject} is not {self._verb}")
        return errors.ChangeInterrupted(f"interrupted; {self.describe_outcome(self.outcome == 'done' or None)}")

    def outcome_after(self, outcome: errors.Outcome | None) -> errors.Outcome:
        """What is known of the change where it ends with an error that has this outcome."""
        return outcome if outcome and self.outcome == "refused" else OUTCOMES[self.outcome]

    def report(self, code: int, reason: str = "") -> None:
        """Tell the connection's listeners; `reason` says why it was not done."""
        if self.cluster_question is not None:
            with defer_interrupts():
                self.cluster_question.release()
        self._conn.on_change.emit(
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
                undo_record=self.undo_record,
                cluster=self._cluster,
                reason=visible_text(reason) if reason else "",
            ),
            self.secret,
        )


@contextmanager
def report_progress(progress: Callable[[], str], how_to_resume: str = HOW_TO_RESUME) -> Iterator[None]:
    """Run several changes, one after another; an error or interrupt also says which are made.

    Args:
        progress: says it: `user 'bob' is created, but without 'reader'`.
        how_to_resume: how to go on; empty if there is no way.

    Raises:
        ChangeInterrupted: in place of KeyboardInterrupt.
        CodedError: of the same class as the one that came.
    """
    try:
        yield
    except errors.CodedError as exc:
        raise exc.with_message(
            join_parts(f"{progress()}: {exc.reason}", how_to_resume), errors.Outcome.CHANGED
        ) from exc
    except KeyboardInterrupt as exc:
        what = exc.reason if isinstance(exc, errors.ChangeInterrupted) else "interrupted"
        text = join_parts(what, f"before that, {progress()}", how_to_resume)
        raise errors.ChangeInterrupted(text, errors.Outcome.CHANGED) from exc


@contextmanager
def attempt(
    conn: Connection,
    operation: str,
    target: str,
    subject: str,
    verb: str,
    deadline: Deadline,
    *,
    is_deletion: bool = False,
) -> Iterator[Attempt]:
    """The context of one change: first its checks, then `Attempt.send`.

    Args:
        target: the user, role or group, and what they are given or lose.
        subject: what is changed, in words: `user 'bob'`.
        verb: what is done to it, as a participle: `deleted`.
        is_deletion: whether it will remember something for undoing it, once it has looked.

    Raises:
        ChangeInterrupted: in place of KeyboardInterrupt; says what is known.
    """
    under_way = Attempt(conn, operation, target, subject, verb, deadline)
    code, reason = 0, ""
    try:
        if (is_deletion and conn.on_change) or conn.on_change.prepare(operation, target):
            under_way.cluster_question = conn.begin_for_all(QUESTION, deadline=deadline)
        yield under_way
    except errors.ChangeInterrupted as exc:
        code, reason, exc.outcome = CANCELLED, exc.reason, under_way.outcome_after(exc.outcome)
        raise
    except KeyboardInterrupt as exc:
        interrupt = under_way.interrupt_error()
        code, reason, interrupt.outcome = CANCELLED, interrupt.reason, under_way.outcome_after(None)
        raise interrupt from exc
    except errors.MilvusException as exc:
        code, reason, exc.outcome = exc.code, exc.reason, under_way.outcome_after(exc.outcome)
        raise
    finally:
        under_way.report(code, reason)
