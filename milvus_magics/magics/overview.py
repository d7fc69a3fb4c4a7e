"""Where a notebook stands: its connections, and as whom it acts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from milvus_magics.client.results.table import Table

if TYPE_CHECKING:
    from milvus_magics.client.results.users import WhoAmI


@dataclass(frozen=True)
class AliasRow:
    """One connection of this notebook."""

    alias: str
    server: str
    user: str
    used: str


class Aliases(Table[AliasRow]):
    """The connections of this notebook."""

    columns = ("alias", "server", "user", "used")


@dataclass(frozen=True)
class Overview:
    """Where this notebook stands."""

    connections: Aliases
    who: WhoAmI | None
    problem: str
    next_step: str

    def __repr__(self) -> str:
        now = [str(self.who)] if self.who else []
        now += [self.problem] if self.problem else []
        table = [repr(self.connections)] if self.connections else []
        return "\n".join([*now, *table, f"next: {self.next_step}"])
