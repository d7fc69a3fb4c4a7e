"""Changes that were made or tried, as a table."""

from __future__ import annotations

from typing import Any

from milvus_magics.client.results.table import Table
from milvus_magics.transport.events import Change


class Changes(Table[Change]):
    """Changes that were made or tried."""

    noun = "change"
    columns = ("when", "server", "actor", "operation", "target", "outcome", "code", "seconds", "reason")

    def to_dicts(self) -> list[dict[str, Any]]:
        """One dict per change, with plain values."""
        return [change.to_dict() for change in self]
