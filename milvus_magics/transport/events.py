"""The changes that a connection reports, and who listens to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, cast

from milvus_magics.secret import Secret

# Where a server does not tell which cluster it is.
UNKNOWN_CLUSTER = 0


@dataclass(frozen=True)
class Change:
    """One change to a server that was made or tried; it never holds a secret.

    Attributes:
        when: start, in UTC.
        server: its address.
        actor: the acting user; empty for nobody and for API keys.
        operation: the client function, like `delete_user`.
        target: the user, role or group, and what they were given or lost.
        outcome: `done`, `refused` (nothing was changed), `partly` (some of it was, each with an entry of its own) or
            `unknown`.
        code: Milvus's error code; 0 where it was done.
        seconds: how long it took.
        reason: why it was not done, on one line; empty where it was.
        actor_gone: whether the connection's own user is gone by it.
        undo_record: what went with a deletion (a `UserSnapshot` or `RoleSnapshot`), for undoing it.
        cluster: on which cluster that was, as `transport.cluster` reads it.
    """

    when: datetime
    server: str
    actor: str
    operation: str
    target: str
    outcome: str
    code: int
    seconds: float
    actor_gone: bool = False
    undo_record: object | None = None
    cluster: int = UNKNOWN_CLUSTER
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """What an audit keeps, as plain values; the time in ISO 8601."""
        return {
            "when": self.when.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "server": self.server,
            "actor": self.actor,
            "operation": self.operation,
            "target": self.target,
            "outcome": self.outcome,
            "code": self.code,
            "seconds": round(self.seconds, 4),
            "reason": self.reason,
        }


class Restorer(Protocol):
    """A listener that can restore what is deleted; it is known by its attribute.

    Attributes:
        wants_secrets: whether it has a use for the passwords of deleted users.
        undo_magics: operation -> how a person undoes it.
    """

    wants_secrets: bool
    undo_magics: Mapping[str, str]

    def __call__(self, change: Change, secret: Secret | None = None) -> None:
        """Take note of a change, and of the deleted user's password or its hash. None if it is not to be had."""


class Listeners(list[Callable[[Change], None]]):
    """The listeners of a connection, in the order in which they are called.

    Attributes:
        before: called with operation and target before a change is tried that isn't a deletion; what says True has to
            know on which cluster it will be.
    """

    def __init__(self) -> None:
        super().__init__()
        self.before: list[Callable[[str, str], bool]] = []

    @property
    def restorer(self) -> Restorer | None:
        """The listener that can restore what is deleted. None if there is none."""
        for listener in self:
            if hasattr(listener, "wants_secrets"):
                return cast(Restorer, listener)
        return None

    def undo_text(self, operation: str) -> str:
        """How a person undoes an operation, in words; empty if nothing remembers what it takes."""
        restorer = self.restorer
        return f"you can undo it with {restorer.undo_magics[operation]}" if restorer else ""

    @property
    def wants_secrets(self) -> bool:
        """Whether that listener has a use for the passwords of deleted users."""
        restorer = self.restorer
        return restorer is not None and restorer.wants_secrets

    def prepare(self, operation: str, target: str) -> bool:
        """Say what will be tried, and return whether somebody has to know on which cluster."""
        answers = [prepare(operation, target) for prepare in self.before]
        return any(answers)

    def emit(self, change: Change, secret: Secret | None = None) -> None:
        """Report a change to everybody; only a restorer that wants it is given the secret."""
        for listener in list(self):
            if getattr(listener, "wants_secrets", False):
                cast(Restorer, listener)(change, secret)
            else:
                listener(change)
