"""Everything that can go wrong. The table in `transport/reply_status.py` says which situation raises which class."""

from __future__ import annotations

from enum import Enum

from milvus_magics.wording import printable

PARAMETER_INVALID = 1100
NOT_AUTHENTICATED = 1400
NOT_PERMITTED = 1401
UNCLASSIFIED = 65535


class Outcome(str, Enum):
    """What is known about a change that ended with an error."""

    NOTHING_SENT = "nothing sent"
    NOTHING_CHANGED = "nothing changed"
    CHANGED = "changed"  # in part at least
    UNKNOWN = "unknown"


NOTHING_SENT, NOTHING_CHANGED = Outcome.NOTHING_SENT, Outcome.NOTHING_CHANGED
_ENDINGS = {NOTHING_SENT: "; nothing was sent", NOTHING_CHANGED: "; nothing was changed"}


class MilvusException(Exception):
    """Anything that went wrong while talking to Milvus.

    In a notebook it is shown as one line; it stays a normal exception otherwise.

    Args:
        code: Milvus's error code (1400 not authenticated, 1100 parameter invalid, ...).
        message: what happened, why, and what to do next, on one line.
        details: the server's own words; by default those of the error that this one is raised from.
        outcome: what is known about the change that was tried; where that is nothing, the message says so at its end.

    Attributes:
        outcome: likewise; None if no change was tried. Set later, it leaves the message as it is.
    """

    code: int
    message: str
    outcome: Outcome | None

    def __init__(self, code: int, message: str, *, details: str = "", outcome: Outcome | None = None) -> None:
        self.code = code
        self.outcome = outcome
        self.message = printable(message) + (_ENDINGS.get(outcome, "") if outcome else "")
        self._details = printable(details)
        super().__init__(code, self.message)

    @property
    def details(self) -> str:
        """The server's own words; empty if there are none."""
        cause = self.__cause__
        return self._details or (cause.details if isinstance(cause, MilvusException) else "")

    @details.setter
    def details(self, words: str) -> None:
        self._details = printable(words)

    def __str__(self) -> str:
        return self.message

    def __repr__(self) -> str:
        return f"{type(self).__name__}(code={self.code}, message={self.message!r})"

    def _render_traceback_(self) -> list[str]:
        return [f"{type(self).__name__}: {self.message}"]


class CodedError(MilvusException):
    """An error whose class has one code."""

    CODE = UNCLASSIFIED

    def __init__(
        self, message: str, *, details: str = "", code: int | None = None, outcome: Outcome | None = None
    ) -> None:
        super().__init__(self.CODE if code is None else code, message, details=details, outcome=outcome)

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.code, self.message, self.details, self.outcome)

    def with_message(self, message: str, outcome: Outcome | None) -> CodedError:
        """Make an error of the same class with another message, to be taken as it is."""
        return _rebuild(type(self), self.code, message, self.details, outcome)


def _rebuild(cls: type[CodedError], code: int, message: str, details: str, outcome: Outcome | None) -> CodedError:
    error = cls(message, details=details, code=code)
    error.outcome = outcome
    return error


class ParameterError(CodedError, ValueError):
    """A name, password, option or timeout that cannot be right; nothing was sent."""

    CODE = PARAMETER_INVALID


class AliasError(CodedError):
    """No connection has this alias."""

    CODE = 1


class UnavailableError(CodedError):
    """The server cannot be reached."""

    CODE = 2


class ClosedError(UnavailableError):
    """This connection was closed on this side."""


class RefusedError(UnavailableError):
    """Nothing listens at the address."""


class NameResolutionError(UnavailableError):
    """The host name is unknown."""


class TlsError(UnavailableError):
    """TLS was spoken to a plaintext port, or plaintext to a TLS port."""


class CertificateError(UnavailableError):
    """A certificate is missing, broken, not trusted, or for another host."""


class HttpProxyError(UnavailableError):
    """An HTTP proxy from the environment is in the way."""


class NotMilvusError(UnavailableError):
    """Something that is not a Milvus answers at the address."""


class DeadlineError(CodedError):
    """No answer within the timeout."""

    CODE = 10001


class AuthenticationError(CodedError):
    """The server refuses the connection's own user, password or token."""

    CODE = NOT_AUTHENTICATED


class WrongPasswordError(CodedError):
    """The password is not the one of the user that is to be deleted or changed."""

    CODE = NOT_AUTHENTICATED


class UnknownUserError(CodedError):
    """There is no such user."""

    CODE = PARAMETER_INVALID


class UnknownRoleError(CodedError):
    """There is no such role."""

    CODE = PARAMETER_INVALID


class UnknownPrivilegeError(CodedError):
    """There is no such privilege, or no such group of privileges."""

    CODE = PARAMETER_INVALID


class UserExistsError(CodedError):
    """There is such a user already."""

    CODE = PARAMETER_INVALID


class RoleExistsError(CodedError):
    """There is such a role already."""

    CODE = PARAMETER_INVALID


class GroupExistsError(CodedError):
    """There is such a group of privileges already."""

    CODE = PARAMETER_INVALID


class NotGrantedError(CodedError):
    """What is to be taken away was never given."""

    CODE = PARAMETER_INVALID


class InUseError(CodedError):
    """What is to be dropped still holds grants, or is granted."""

    CODE = PARAMETER_INVALID


class ProtectedUserError(CodedError):
    """The server never deletes this user."""

    CODE = NOT_PERMITTED


class ProtectedRoleError(CodedError):
    """The server never drops or changes this role."""

    CODE = NOT_PERMITTED


class PermissionDeniedError(CodedError):
    """The acting user lacks a privilege."""

    CODE = NOT_PERMITTED


class LimitReachedError(CodedError):
    """The server has as many users or roles as it takes."""

    CODE = 9


class RateLimitedError(CodedError):
    """The server asks to come back later."""

    CODE = 8


class ServerTooOldError(CodedError):
    """The server doesn't know the operation."""

    CODE = 10


class MilvusLiteError(CodedError):
    """Milvus Lite has no users."""

    CODE = 10


class CannotVerifyError(CodedError):
    """Nobody can tell here whether the password is right; nothing was changed."""


class OutcomeUnknownError(CodedError):
    """The answer was lost, and asking again didn't settle what happened."""


class ConfirmationError(CodedError):
    """The name was not retyped, or nobody could be asked; nothing was changed."""


class EmbeddedServerError(CodedError):
    """The server on this machine cannot be started."""

    CODE = 1


class ServerError(CodedError):
    """Whatever else the server says; `code` is the server's."""


class ChangeInterrupted(KeyboardInterrupt):
    """An interrupt during a changing call; says what is known about the change.

    Still a KeyboardInterrupt: loops and `run all` stop as the user wants.
    """

    def __init__(self, message: str, outcome: Outcome | None = None) -> None:
        self.outcome = outcome
        self.message = printable(message) + (_ENDINGS.get(outcome, "") if outcome else "")
        super().__init__(self.message)

    def _render_traceback_(self) -> list[str]:
        return [f"KeyboardInterrupt: {self.message}"]
