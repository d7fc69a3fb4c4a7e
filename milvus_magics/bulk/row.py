"""Carries out one row of a bulk change, by the function for one user, and tells its outcome."""

from __future__ import annotations

from milvus_magics import errors
from milvus_magics.bulk import plan, results
from milvus_magics.client import user_deletion, users
from milvus_magics.secret import PasswordHash
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline

# Every further row would meet these, too.
GENERAL_ERRORS = (errors.LimitReachedError, errors.PermissionDeniedError, errors.ClosedError)

_OUTCOMES = {errors.NOTHING_SENT: results.REFUSED, errors.NOTHING_CHANGED: results.REFUSED}


class RowJob:
    """One row, to be called by a pipeline.

    Attributes:
        row: what is to be done.
        password_hash: what the server tells of the user's password, for undoing it; None if that is not known.
        outcome: what came of it; None before its end.
        is_started: whether it was begun.
        is_general_error: whether other rows would meet the same error.
    """

    SUCCESS = results.DONE

    def __init__(self, conn: Connection, planned: results.BulkPlan, row: results.UserRow) -> None:
        self.row = row
        self.password_hash: PasswordHash | None = None
        self.outcome: results.RowOutcome | None = None
        self.is_started = self.is_general_error = False
        self._conn, self._planned = conn, planned

    @property
    def is_failed(self) -> bool:
        """Whether it was refused, or done in part."""
        return self.outcome is not None and self.outcome.outcome in (results.REFUSED, results.PARTLY)

    def __call__(self) -> RowJob:
        """Carry it out; what goes wrong is told by the outcome."""
        self.is_started = True
        try:
            self.finish(self.SUCCESS, self._act())
        except (errors.MilvusException, errors.ChangeInterrupted) as exc:
            self.is_general_error = isinstance(exc, GENERAL_ERRORS)
            self.finish(self._outcome_of(exc), exc.reason)
        except Exception:  # a fault of ours, or a listener's, must not take the other rows with it
            self.finish(results.UNKNOWN, "something went wrong in milvus_magics itself; check with %milvus_list_users")
        return self

    def finish(self, outcome: str, reason: str = "") -> None:
        """Set the outcome."""
        user = self._planned.users.get(self.row.user)
        had = user.roles if user and self._planned.operation != plan.CREATE else None
        self.outcome = self.row.to_outcome(self._planned.server, outcome, reason, had)

    def _act(self) -> str:
        """Make the change, and return what else should be known of it."""
        row, user = self.row, self._planned.users.get(self.row.user)
        if self._planned.operation == plan.CREATE:
            password, is_new = row.password or "", user is None
            return users.create_user(
                self._conn, row.user, password, grant=row.roles, description=row.description, is_new=is_new
            ).note
        if self._planned.operation == plan.DELETE:
            return users.delete_user(self._conn, row.user, row.password or "", snapshot=user).note
        return users.drop_user(self._conn, row.user, snapshot=user, password_hash=self.password_hash).note

    def _outcome_of(self, error: errors.MilvusException | errors.ChangeInterrupted) -> str:
        """What an error says of the row."""
        if isinstance(error, errors.UnknownUserError) and self._planned.operation != plan.CREATE:
            return results.ALREADY if self._planned.missing_ok else results.MISSING
        if isinstance(error, errors.ChangeInterrupted) and error.outcome == errors.NOTHING_SENT:
            return results.NOT_TRIED
        if error.outcome == errors.Outcome.CHANGED:  # without roles there is nothing else that could be missing
            return results.PARTLY if self.row.roles and self._planned.operation == plan.CREATE else results.DONE
        return _OUTCOMES.get(error.outcome or errors.Outcome.UNKNOWN, results.UNKNOWN)


class RowPreview(RowJob):
    """What carrying out a row would do, to be called by a pipeline. Passwords are checked if that changes nothing."""

    SUCCESS = results.TO_DO

    def _act(self) -> str:
        row, user = self.row, self._planned.users.get(self.row.user)
        if self._planned.operation == plan.DELETE:
            return user_deletion.describe_password(self._conn, row.user, row.password or "", Deadline(None))
        if self._planned.operation == plan.CREATE and user is not None:
            return users.preview_create_user(self._conn, row.user, row.password, grant=row.roles).hint
        return ""
