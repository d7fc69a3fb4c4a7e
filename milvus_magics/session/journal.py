"""What this session changed on servers, or tried to: every `Change`, in order, without secrets."""

from __future__ import annotations

from collections import deque

from milvus_magics.client.models import Change
from milvus_magics.session import lock

# Bulk work makes thousands of entries; the oldest go first.
MOST_ENTRIES = 100_000

_entries: deque[Change] = deque(maxlen=MOST_ENTRIES)


def record(change: Change) -> None:
    """Add an entry; every connection of the session calls this."""
    with lock:
        _entries.append(change)


def entries() -> list[Change]:
    """All entries, oldest first."""
    with lock:
        return list(_entries)


def clear() -> None:
    """Forget everything."""
    with lock:
        _entries.clear()
