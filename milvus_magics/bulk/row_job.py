"""Carries out one row of a bulk change, call by call, and records its outcome."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from datetime import datetime, timezone
from typing import Any

from milvus_magics import errors, wire
from milvus_magics.bulk.pipeline import Answer, Call, Script
from milvus_magics.bulk.results import DONE, PARTLY, REFUSED, UNKNOWN, RowOutcome, UserRow
from milvus_magics.client.password_check import HASH_REFUSED, UNSTORABLE_PASSWORD, require_verifiable
from milvus_magics.client.results.users import UserSnapshot
from milvus_magics.secret import Secret
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.credentials import Login
from milvus_magics.transport.events import Change

# Every further row would meet these, too.
GENERAL_ERRORS = (errors.LimitReachedError, errors.PermissionDeniedError)
ROWS_PER_CONTROL = 100


class RowJob:
    """The progress of one row.

    Attributes:
        row: what is to be done.
        outcome: as in `RowOutcome`; None before the first try, and after one whose reply was lost.
        reason: why.
        is_general_error: whether other rows would meet the same error.
        is_sent: whether a change was ever sent, so that finding it done means that it was done here.
        is_disputed: whether the server says that the user exists, whom it didn't list before: by this row's creation,
            which its proxy made twice, or by somebody else's.
        is_present: whether the user is there; always False for a deletion.
        tries: how often it was started.
    """

    def __init__(
        self, row: UserRow, conn: Connection, operation: str, user: UserSnapshot | None, secret: Secret | None = None
    ) -> None:
        self.row, self._conn, self._operation = row, conn, operation
        self.outcome: str | None = None
        self.reason = ""
        self.is_general_error = self.is_sent = self.is_disputed = self._has_granted = False
        self.is_present = user is not None and operation == "create_user"
        self._roles = set((user.roles if user else None) or ())
        self._user, self._secret, self.tries = user or UserSnapshot(row.user), secret, 0
        self._when, self._started = datetime.now(timezone.utc), time.monotonic()

    def start(self) -> None:
        """Start a try."""
        if not self.tries:
            self._when, self._started = datetime.now(timezone.utc), time.monotonic()
        self.tries += 1

    def finish(self, outcome: str, reason: str = "", *, code: int = 0) -> None:
        """Set the outcome, and report it to the connection's listeners."""
        self.outcome, self.reason = outcome, reason
        change_outcome = REFUSED if outcome == PARTLY else outcome
        if not self.is_present:
            self._report(self._operation, self.row.user, change_outcome, code)
            return
        if self.is_sent:
            self._report(self._operation, self.row.user, DONE, 0)
        # Roles that were granted have entries of their own; no further one was tried.
        for role in self.missing_roles[:1]:
            self._report("grant_role", f"{self.row.user} {role}", change_outcome, code)

    @property
    def missing_roles(self) -> list[str]:
        """The roles that the row asks for and that the user does not hold yet."""
        return [role for role in self.row.roles if role not in self._roles]

    def add_role(self, role: str) -> None:
        """Record a role that was granted, and report it."""
        self._roles.add(role)
        self._has_granted = True
        self._report("grant_role", f"{self.row.user} {role}", DONE, 0)

    def handle_error(self, answer: Answer, prefix: str = "") -> None:
        """Finish with an answer that is a refusal; leave the outcome open if the reply was lost."""
        error = answer.error
        if error is None:
            raise ValueError("a success is no failure")
        if answer.is_lost:
            self.reason = str(error)
            return
        self.is_general_error = isinstance(error, GENERAL_ERRORS)
        is_partly_done = self._has_granted or (self.is_present and self.is_sent)
        self.finish(PARTLY if is_partly_done else REFUSED, f"{prefix}{error}", code=error.code)

    def to_outcome(self) -> RowOutcome:
        """The row's outcome."""
        generated = self.row.password if self.row.generated else None
        outcome = self.outcome or UNKNOWN
        return RowOutcome(self.row.number, self.row.user, outcome, self.reason, self._conn.address.url, generated)

    def _report(self, operation: str, target: str, outcome: str, code: int) -> None:
        is_deletion = self._operation != "create_user"
        self._conn.on_change.emit(
            Change(
                when=self._when,
                server=self._conn.address.url,
                actor=self._conn.user,
                operation=operation,
                target=target,
                outcome=outcome,
                code=code,
                seconds=time.monotonic() - self._started,
                undo_record=self._user if is_deletion else None,
            ),
            self._secret if is_deletion else None,
        )


def delete_row(job: RowJob, checker: PasswordChecker | None) -> Script[RowJob]:
    """Delete the row's user; with a checker, only if the password is right."""
    job.start()
    if checker is not None:
        is_right = yield from checker.check(job)
        if not is_right:
            return job
    job.is_sent = True
    answer = yield Call("DeleteCredential", {"username": job.row.user})
    if answer.error is None:
        job.finish(DONE)
    else:
        job.handle_error(answer)
    return job


def create_row(job: RowJob, checker: PasswordChecker | None) -> Script[RowJob]:
    """Create the row's user, and grant the roles that they lack."""
    job.start()
    if checker is not None and job.is_present and not job.is_sent:
        # Partly created before, or somebody else of that name: the password tells.
        is_right = yield from checker.check(job)
        if not is_right:
            return job
    if not job.is_present:
        is_retry, job.is_sent = job.is_sent, True
        answer = yield Call("CreateCredential", _creation_fields(job.row))
        exists = isinstance(answer.error, errors.UserExistsError)
        if exists and not is_retry:
            job.is_disputed, job.reason = True, str(answer.error)
            return job
        if answer.error is not None and not exists:
            job.handle_error(answer)
            return job
        job.is_present = True
    for role in job.missing_roles:
        kind = wire.enum_value("OperateUserRoleType", "AddUserToRole")
        answer = yield Call("OperateUserRole", {"username": job.row.user, "role_name": role, "type": kind})
        if answer.error is not None:
            job.handle_error(answer, f"the user is there, but without role {role!r}: ")
            return job
        job.add_role(role)
    job.finish(DONE)
    return job


def _creation_fields(row: UserRow) -> dict[str, Any]:
    fields: dict[str, Any] = {"username": row.user, "password": row.password}
    return fields | {"description": row.description} if row.description else fields


class PasswordChecker:
    """Checks the passwords of many rows, with a random password as a control now and then.

    Args:
        method: as `choose_check_method` gives it.
        stop: called if the control passes: then no password can be verified any more.
    """

    def __init__(self, method: str, stop: Callable[[], None]) -> None:
        self._method, self._stop, self._count = method, stop, 0

    def check(self, job: RowJob) -> Generator[Call, Answer, bool]:
        """Yield the calls that check a row's password, and return whether it is right.

        If it isn't, the row is finished, or left open because a reply was lost.
        """
        row = job.row
        if self._method == "login" and ":" in row.user:
            job.finish(REFUSED, "nobody can log in with a name that holds ':', so the password cannot be checked")
            return False
        if row.password is None:
            job.finish(REFUSED, "there is no password to check")
            return False
        try:
            require_verifiable(row.user, row.password)
        except errors.MilvusException as exc:
            job.finish(REFUSED, str(exc), code=exc.code)
            return False
        self._count += 1
        if self._count % ROWS_PER_CONTROL == 0:
            control = yield self._call(row.user, Secret.generate(), is_control=True)
            if self._is_right(control):
                self._stop()
                job.finish(REFUSED, "the server takes any password by now, so none can be checked")
                return False
        answer = yield self._call(row.user, row.password)
        if self._is_right(answer):
            return True
        self._handle_failure(job, answer)
        return False

    def _call(self, user: str, password: Secret, *, is_control: bool = False) -> Call:
        if self._method == "login":
            return Call("GetVersion", {}, Login(user, password))
        new = password if self._method == "rewrite" and not is_control else UNSTORABLE_PASSWORD
        return Call("UpdateCredential", {"username": user, "oldPassword": password, "newPassword": new}, None)

    def _is_right(self, answer: Answer) -> bool:
        if self._method == "update":
            return answer.error is not None and HASH_REFUSED in answer.error.details
        return answer.error is None

    @staticmethod
    def _handle_failure(job: RowJob, answer: Answer) -> None:
        error = answer.error
        if answer.is_lost:
            return  # only a check was lost: it is done again
        if not isinstance(error, (errors.AuthenticationError, errors.WrongPasswordError)):
            why = "it passed where it cannot" if error is None else str(error)
            job.finish(REFUSED, f"the password cannot be checked: {why}", code=error.code if error else 0)
        elif job.is_present and not job.is_sent:
            job.finish(REFUSED, "the user exists already, with another password", code=errors.UserExistsError.CODE)
        elif not job.is_sent:  # else a deletion whose reply was lost was done after all: the list of users tells
            job.finish(REFUSED, "the password is wrong", code=errors.NOT_AUTHENTICATED)
