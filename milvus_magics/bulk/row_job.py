"""What is sent for one row of a bulk change, call by call, and what came of it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from milvus_magics import wire
from milvus_magics.bulk.pipeline import Answer, Call, Row
from milvus_magics.bulk.results import DONE, PARTLY, REFUSED, UNKNOWN, RowOutcome, UserRow
from milvus_magics.client.names import MAX_PASSWORD_BYTES
from milvus_magics.client.password_check import HASH_REFUSED
from milvus_magics.client.results.users import UserSnapshot
from milvus_magics.errors import (
    AuthenticationError,
    LimitReachedError,
    PermissionDeniedError,
    UserExistsError,
    WrongPasswordError,
)
from milvus_magics.secret import Secret
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.credentials import Login
from milvus_magics.transport.events import Change

# After these, the next row would be told the same.
HOPELESS = (LimitReachedError, PermissionDeniedError)
ROWS_PER_CONTROL = 100
OUTCOME_OF_CHANGE = {DONE: "done", PARTLY: "refused", REFUSED: "refused", UNKNOWN: "unknown"}


class RowJob:
    """One row under way.

    Attributes:
        row: what is to be done.
        outcome: what came of it; None as long as that is open.
        reason: why.
        is_lost: whether an answer was lost, so that the server has to be asked what became of it.
        is_hopeless: whether other rows will fare no better.
        sent: whether a change was ever sent, so that finding it done means that it was done here.
        gave: whether a role was given here.
        exists: whether the user is there, where they are created.
        held: the roles that they hold by now.
    """

    def __init__(
        self, row: UserRow, conn: Connection, operation: str, had: UserSnapshot | None, secret: Secret | None = None
    ) -> None:
        self.row, self._conn, self._operation = row, conn, operation
        self.outcome: str | None = None
        self.reason = ""
        self.is_lost = self.is_hopeless = self.sent = self.gave = False
        self.exists = had is not None and operation == "create_user"
        self.held: set[str] = set((had.roles if had else None) or ())
        self._had, self._secret, self.tries = had or UserSnapshot(row.user), secret, 0
        self._when, self._began = datetime.now(timezone.utc), time.monotonic()

    def begin(self) -> None:
        """Start, or start again."""
        if not self.tries:
            self._when, self._began = datetime.now(timezone.utc), time.monotonic()
        self.tries += 1
        self.is_lost = False

    def end(self, outcome: str, reason: str = "", *, code: int = 0) -> None:
        """Settle what came of it, and tell whoever listens to the connection."""
        self.outcome, self.reason = outcome, reason
        if not self.exists:
            self._emit(self._operation, self.row.user, OUTCOME_OF_CHANGE[outcome], code)
            return
        if self.sent:
            self._emit(self._operation, self.row.user, "done", 0)
        # Roles that were given are told of by themselves; no further one was tried.
        for role in self.lacking[:1]:
            self._emit("grant_role", f"{self.row.user} {role}", OUTCOME_OF_CHANGE[outcome], code)

    @property
    def lacking(self) -> list[str]:
        """The roles that are still to be given, where the user is created."""
        return [role for role in self.row.roles if role not in self.held]

    def granted(self, role: str) -> None:
        """A role is given."""
        self.held.add(role)
        self.gave = True
        self._emit("grant_role", f"{self.row.user} {role}", "done", 0)

    def fail(self, answer: Answer, what: str = "") -> None:
        """Deal with an answer that is an error: refused, to be tried again, or lost."""
        error = answer.error
        if error is None:
            raise ValueError("a success is no failure")
        if answer.never_sent or not answer.is_refusal:
            self.is_lost, self.reason = True, str(error)
            return
        self.is_hopeless = isinstance(error, HOPELESS)
        is_begun = self.gave or (self.exists and self.sent)
        self.end(PARTLY if is_begun else REFUSED, f"{what}{error}", code=error.code)

    def told(self) -> RowOutcome:
        """The row's outcome."""
        made_up = self.row.password if self.row.generated else None
        outcome = self.outcome or UNKNOWN
        return RowOutcome(self.row.number, self.row.user, outcome, self.reason, self._conn.address.url, made_up)

    def _emit(self, operation: str, target: str, outcome: str, code: int) -> None:
        is_deletion = self._operation != "create_user"
        self._conn.emit(
            Change(
                when=self._when,
                server=self._conn.address.url,
                actor=self._conn.user,
                operation=operation,
                target=target,
                outcome=outcome,
                code=code,
                seconds=time.monotonic() - self._began,
                undo_record=self._had if is_deletion else None,
            )
        )
        if is_deletion and outcome != "refused" and self._conn.keeper:
            self._conn.keeper.keep(self.row.user, self._secret)


def delete(work: RowJob, checks: PasswordChecker | None) -> Row:
    """Delete the user; with `checks`, only with the right password."""
    work.begin()
    if checks is not None:
        right = yield from checks.check(work)
        if not right:
            return
    work.sent = True
    answer = yield Call("DeleteCredential", {"username": work.row.user})
    if answer.error is None:
        work.end(DONE)
    else:
        work.fail(answer)


def create(work: RowJob, checks: PasswordChecker | None) -> Row:
    """Create the user, and give them the roles that they lack."""
    work.begin()
    row = work.row
    if checks is not None and work.exists and not work.sent:
        # Begun before, or somebody else of that name: the password tells.
        right = yield from checks.check(work)
        if not right:
            return
    if not work.exists:
        described = {"description": row.description} if row.description else {}
        again, work.sent = work.sent, True
        answer = yield Call("CreateCredential", {"username": row.user, "password": row.password, **described})
        if answer.error is not None and not (again and isinstance(answer.error, UserExistsError)):
            work.fail(answer)
            return
        work.exists = True
    for role in work.lacking:
        kind = wire.enum_value("OperateUserRoleType", "AddUserToRole")
        answer = yield Call("OperateUserRole", {"username": row.user, "role_name": role, "type": kind})
        if answer.error is not None:
            work.fail(answer, f"the user is there, but without role {role!r}: ")
            return
        work.granted(role)
    work.end(DONE)


class PasswordChecker:
    """Checks passwords of many, in the way that the server allows; with a control now and then.

    Args:
        way: as `verify.way_to_check` found it.
        stop: called where the control fails: then no password can be believed any more.
    """

    def __init__(self, way: str, stop: Callable[[], None]) -> None:
        self._way, self._stop, self._count = way, stop, 0

    def check(self, work: RowJob) -> Any:
        """Yield the calls that check a row's password; whether it is right. Where it isn't, the row is dealt with."""
        row = work.row
        if self._way == "login" and ":" in row.user:
            work.end(REFUSED, "nobody can log in with a name that holds ':', so the password cannot be checked")
            return False
        if row.password is None:
            work.end(REFUSED, "there is no password to check")
            return False
        self._count += 1
        if self._count % ROWS_PER_CONTROL == 0:
            control = yield self._call(row.user, Secret(secrets.token_urlsafe(24)), is_control=True)
            if self._is_right(control):
                self._stop()
                work.end(REFUSED, "the server takes any password by now, so none can be checked")
                return False
        answer = yield self._call(row.user, row.password)
        if self._is_right(answer):
            return True
        self._refuse(work, answer)
        return False

    def _call(self, user: str, password: Secret, *, is_control: bool = False) -> Call:
        if self._way == "login":
            return Call("GetVersion", {}, Login(user, password))
        # A password that no hash can be made of changes nothing; the last way writes the same one again.
        rewrites = self._way == "rewrite" and not is_control
        new = password if rewrites else Secret("x" * (MAX_PASSWORD_BYTES + 1))
        return Call("UpdateCredential", {"username": user, "oldPassword": password, "newPassword": new}, None)

    def _is_right(self, answer: Answer) -> bool:
        if self._way == "update":
            return answer.error is not None and HASH_REFUSED in answer.error.details
        return answer.error is None

    @staticmethod
    def _refuse(work: RowJob, answer: Answer) -> None:
        error = answer.error
        if isinstance(error, (AuthenticationError, WrongPasswordError)):
            if work.sent:  # the deletion whose answer was lost came through after all: the list will tell
                work.is_lost = True
            elif work.exists:
                work.end(REFUSED, "the user exists already, with another password", code=UserExistsError.CODE)
            else:
                work.end(REFUSED, "the password is wrong", code=1400)
        elif error is not None and (answer.never_sent or not answer.is_refusal):
            work.is_lost = True  # only a check was lost: it is done again
        else:
            said = "it passed where it cannot" if error is None else str(error)
            work.end(REFUSED, f"the password cannot be checked: {said}", code=error.code if error else 0)
