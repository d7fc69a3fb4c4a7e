"""What listeners of a connection are told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    pass


@dataclass(frozen=True)
class Change:
    """One change to a server that was made or tried.

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
        actor_gone: whether the connection's own user is gone by it.
        undo_record: what went with a deletion (a `UserSnapshot` or `RoleSnapshot`), for undoing it.
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
        }
