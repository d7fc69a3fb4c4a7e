"""The errors for replies, by the server's codes and words; those for calls that got none are in call_errors.py.

Texts are matched only where the code says too little; the server's own words stay in `details`, the
gRPC error in `__cause__`.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from milvus_magics import errors


class Status(NamedTuple):
    """A reply's status in one form: `legacy` is what servers before 2.3 fill, `code` what later ones do."""

    legacy: int
    code: int
    reason: str

    @property
    def ok(self) -> bool:
        """Whether the call succeeded: neither form says otherwise."""
        return self.legacy == 0 and self.code == 0

    @property
    def number(self) -> int:
        """The code to show."""
        return self.code or self.legacy


def status_of(reply: Any) -> Status:
    """The status of a reply, which some methods return bare and others as a field."""
    status = getattr(reply, "status", reply)
    return Status(status.error_code, status.code, status.reason)


# Codes with which the server says no before doing anything; after others it may have acted. 1: it is still starting.
REFUSALS = {1, 8, 9, 10, 100, 800, 802, 1100, 1101, 1102, 1400, 1401, 1402, 1600}
# Up to 2.6 most refusals have no code of their own. These texts come before anything is done; seen on 2.3 to 3.0.
REFUSAL_TEXTS = re.compile(
    "already exists|has reached the limit|not found the |fail to drop the role that it has privileges|"
    "failed to check if |failed to operate privilege common check|is used by role|not the same privilege level|"
    "can not operate the (?:built-in|custom) privilege group|entity in the .* is nil|invalid operate |"
    "fail to (?:get user info from|get authorization from|decode) the |decode (?:old )?password fail|"
    "encrypt password failed"
)


def is_refusal(status: Status) -> bool:
    """Whether this status proves that nothing was done."""
    return (
        status.code in REFUSALS
        or (status.code == 0 and status.legacy in (4, 5, 48, 49))
        or REFUSAL_TEXTS.search(status.reason) is not None
    )


def raise_if_failed(status: Status) -> None:
    """Raise what a status that is not a success means.

    Raises:
        MilvusException: of the class that `_MEANINGS` gives.
    """
    if not status.ok:
        raise error_from_status(status)


class _Meaning(NamedTuple):
    """What a status means that fits all that is given here."""

    error: type[errors.CodedError]
    words: str
    reason: str = ""  # a pattern
    codes: tuple[int, ...] = ()
    legacy: tuple[int, ...] = ()

    def fits(self, status: Status) -> bool:
        """Whether a status is meant."""
        return (
            (not self.reason or re.search(self.reason, status.reason) is not None)
            and (not self.codes or status.code in self.codes)
            and (not self.legacy or status.legacy in self.legacy)
        )


# The first that fits counts.
_MEANINGS = (
    _Meaning(errors.GroupExistsError, "it exists already: ", legacy=(58,)),
    _Meaning(errors.RoleExistsError, "it exists already: ", "already exists", legacy=(35,)),
    _Meaning(errors.UserExistsError, "it exists already: ", "already exists"),
    _Meaning(errors.UnknownUserError, "there is no such user: ", r"not found the user\b|user (\".*\" )?not found"),
    _Meaning(errors.UnknownUserError, "there is no such user: ", r"the grantor user \".*\" does not exist"),
    _Meaning(errors.UnknownRoleError, "there is no such role: ", r"not found the role\b|role not exists"),
    _Meaning(errors.UnknownRoleError, "there is no such role: ", r"the role \".*\" does not exist"),
    _Meaning(errors.UnknownRoleError, "there is no such role: ", r"role \[.*\] does not exist"),
    _Meaning(errors.UnknownPrivilegeError, "there is no such thing: ", r"not found the privilege\b"),
    _Meaning(errors.ParameterError, "there is no such thing: ", "not found the "),
    _Meaning(errors.InUseError, "it still holds privileges: ", "fail to drop the role that it has privileges"),
    _Meaning(errors.InUseError, "a role holds it: ", "is used by role"),
    _Meaning(errors.UnknownPrivilegeError, "they don't go together: ", "not the same privilege level"),
    _Meaning(errors.LimitReachedError, "the limit is reached: ", "reached the limit"),
    _Meaning(errors.LimitReachedError, "the limit is reached: ", codes=(9,)),
    _Meaning(errors.RateLimitedError, "too many requests, try again later: ", codes=(8,)),
    _Meaning(errors.RateLimitedError, "too many requests, try again later: ", legacy=(49,)),
    _Meaning(errors.WrongPasswordError, "not the right password: ", codes=(1400,)),
    _Meaning(errors.ProtectedRoleError, "not permitted for anybody: ", r"role\[", codes=(1401,)),
    _Meaning(errors.ProtectedUserError, "not permitted for anybody: ", codes=(1401,)),
    _Meaning(errors.UnavailableError, "the server is still starting, try again in a moment: ", codes=(1,)),
    _Meaning(errors.UnknownDatabaseError, "there is no such database: ", codes=(800,)),
    _Meaning(errors.ParameterError, "no database can be called that: ", codes=(802,)),
    _Meaning(errors.ParameterError, "", codes=(1100, 1101, 1102, 1402)),
    _Meaning(errors.ParameterError, "", codes=(0,), legacy=(5,)),
    _Meaning(errors.ParameterError, "there is no such thing: ", codes=(100, 1600)),
    _Meaning(errors.ParameterError, "there is no such thing: ", codes=(0,), legacy=(4,)),
    _Meaning(errors.ParameterError, "it is refused: ", REFUSAL_TEXTS.pattern),
    _Meaning(errors.ServerError, ""),
)


def error_from_status(status: Status) -> errors.MilvusException:
    """The error that a status means which is not a success."""
    meaning = next(meaning for meaning in _MEANINGS if meaning.fits(status))
    said = f"{meaning.words}the server says: {status.reason or 'nothing'} (code {status.number})"
    return meaning.error(said, details=status.reason, code=None if meaning.words else status.number)
