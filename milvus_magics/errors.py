"""Everything that can go wrong: a class for each situation, with Milvus's code for it."""

from __future__ import annotations

from enum import Enum
from typing import TypeVar

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
_ENDINGS: dict[Outcome | None, str] = {
    NOTHING_SENT: "; nothing was sent",
    NOTHING_CHANGED: "; nothing was changed",
}


Error = TypeVar("Error", bound="MilvusException")


class MilvusException(Exception):
    """Anything that went wrong while talking to Milvus.

    In a notebook it is shown as one line; it stays a normal exception otherwise.

    Args:
        code: Milvus's error code (1400 not authenticated, 1100 parameter invalid, ...).
        message: what happened, why, and what to do next, on one line.
        details: the server's own words; by default those of the error that this one is raised from, or of gRPC's.
        outcome: what is known about the change that was tried; where that is nothing, the message says so at its end.

    Attributes:
        outcome: likewise; None if no change was tried. Set later, it leaves the message as it is.
    """

    def __init__(self, code: int, message: str, *, details: str = "", outcome: Outcome | None = None) -> None:
        self.code = code
        self.outcome = outcome
        self.message = printable(message) + _ENDINGS.get(outcome, "")
        self._details = details
        super().__init__(code, self.message)

    @property
    def details(self) -> str:
        """The server's own words; empty if there are none."""
        words = self._details or getattr(self.__cause__, "details", "")
        return printable((words() or "") if callable(words) else words)

    @property
    def reason(self) -> str:
        """The message without what it says of the outcome, for where that stands beside it."""
        return _without_ending(self.message)

    def without_frames(self: Error) -> Error:
        """The same error without the frames that it came through and without a context: they hold what was given."""
        self.__context__ = None
        return self.with_traceback(None)

    def __str__(self) -> str:
        return self.message

    def __repr__(self) -> str:
        return f"{type(self).__name__}(code={self.code}, message={self.message!r})"

    def _render_traceback_(self) -> list[str]:
        return _error_lines(type(self).__name__, str(self))


def _error_lines(name: str, text: str) -> list[str]:
    """What IPython shows of an error: its first line is red where a terminal shows that."""
    from milvus_magics.display.terminal import colour_text

    first, *others = f"{name}: {text}".split("\n")
    return [colour_text(first, "error"), *others]


def _without_ending(message: str) -> str:
    for ending in _ENDINGS.values():
        message = message.removesuffix(ending)
    return message


class CodedError(MilvusException):
    """An error whose class has one code, its own or that of its base class."""

    CODE = UNCLASSIFIED

    def __init_subclass__(cls, code: int | None = None) -> None:
        cls.CODE = cls.CODE if code is None else code

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


class ParameterError(CodedError, ValueError, code=PARAMETER_INVALID):
    """A name, password, option or timeout that cannot be right; nothing was sent."""


class AliasError(CodedError, code=1):
    """No connection has this alias."""


class UnavailableError(CodedError, code=2):
    """The server cannot be reached or is not ready, or the connection was lost."""


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
    """Something that is not a Milvus answers at the address: HTTP, or an unknown service."""


class DeadlineError(CodedError, code=10001):
    """No answer within the timeout."""


class AuthenticationError(CodedError, code=NOT_AUTHENTICATED):
    """The server refuses the connection's own user, password or token."""


class WrongPasswordError(CodedError, code=NOT_AUTHENTICATED):
    """The password is not the one of the user that is to be deleted or changed."""


class UnknownUserError(CodedError, code=PARAMETER_INVALID):
    """There is no such user."""


class UnknownRoleError(CodedError, code=PARAMETER_INVALID):
    """There is no such role."""


class UnknownDatabaseError(CodedError, code=800):
    """There is no such database, or the acting user may not see it."""


class UnknownPrivilegeError(CodedError, code=PARAMETER_INVALID):
    """There is no such privilege, or no such group of privileges."""


class UserExistsError(CodedError, code=PARAMETER_INVALID):
    """There is such a user already."""


class RoleExistsError(CodedError, code=PARAMETER_INVALID):
    """There is such a role already."""


class GroupExistsError(CodedError, code=PARAMETER_INVALID):
    """There is such a group of privileges already."""


class NotGrantedError(CodedError, code=PARAMETER_INVALID):
    """What is to be taken away was never given."""


class InUseError(CodedError, code=PARAMETER_INVALID):
    """What is to be dropped still holds grants, or is granted."""


class ProtectedUserError(CodedError, code=NOT_PERMITTED):
    """The server never deletes this user."""


class ProtectedRoleError(CodedError, code=NOT_PERMITTED):
    """The server never drops or changes this role."""


class PermissionDeniedError(CodedError, code=NOT_PERMITTED):
    """The acting user lacks a privilege."""


class LimitReachedError(CodedError, code=9):
    """The server has as many users or roles as it takes."""


class RateLimitedError(CodedError, code=8):
    """The server asks to come back later."""


class ServerTooOldError(CodedError, code=10):
    """The server doesn't know the operation."""


class MilvusLiteError(CodedError, code=10):
    """Milvus Lite has no users."""


class CannotVerifyError(CodedError):
    """Nobody can tell here whether the password is right; nothing was changed."""


class OutcomeUnknownError(CodedError):
    """The answer was lost, and asking again didn't settle what happened."""


class ConfirmationError(CodedError):
    """The name was not retyped, or nobody could be asked; nothing was changed."""


class EmbeddedServerError(CodedError, code=1):
    """The server on this machine cannot be started."""


class ServerError(CodedError):
    """Whatever else the server says; `code` is the server's."""


class ChangeInterrupted(KeyboardInterrupt):
    """An interrupt during a changing call; says what is known about the change.

    Still a KeyboardInterrupt: loops and `run all` stop as the user wants.
    """

    def __init__(self, message: str, outcome: Outcome | None = None) -> None:
        self.outcome = outcome
        self.message = printable(message) + _ENDINGS.get(outcome, "")
        super().__init__(self.message)

    @property
    def reason(self) -> str:
        """As `MilvusException.reason`."""
        return _without_ending(self.message)

    def _render_traceback_(self) -> list[str]:
        return _error_lines("KeyboardInterrupt", self.message)
