"""What this session changed on servers, or tried to: every `Change`, in order, without secrets.

Each entry also goes to the logger `milvus_magics.audit`, so that platforms can collect it.
"""

from __future__ import annotations

import csv
import io
import json
import logging
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from milvus_magics import client
from milvus_magics.errors import ParameterError
from milvus_magics.private_file import open_new
from milvus_magics.session import lock
from milvus_magics.wording import printable

if TYPE_CHECKING:
    from milvus_magics.client.results.changes import Changes
    from milvus_magics.transport.events import Change

# Bulk work makes thousands of entries; the oldest go first.
MOST_ENTRIES = 100_000
AUDIT = logging.getLogger("milvus_magics.audit")

_entries: deque[Change] = deque(maxlen=MOST_ENTRIES)


def record(change: Change) -> None:
    """Add an entry; every connection of the session calls this."""
    with lock:
        _entries.append(change)
    AUDIT.info(
        "%s %s: %s (code %s) on %s by %s",
        change.operation, printable(change.target), change.outcome, change.code, change.server,
        change.actor or "nobody",
        extra={"change": change.to_dict()},
    )  # fmt: skip


def entries() -> list[Change]:
    """All entries, oldest first."""
    with lock:
        return list(_entries)


def audit() -> Changes:
    """All entries as a table, newest first: where there are too many to be shown, what just happened is."""
    found = entries()[::-1]
    return client.results.changes.Changes(
        found, f"{len(found)} change{'s' if len(found) != 1 else ''} made or tried in this session"
    )


def export(path: str, *, force: bool = False) -> int:
    """Write all entries into a file that only its owner can read; how many there were.

    Args:
        path: `.jsonl` for one JSON object per line, `.csv` for a table with a heading.
        force: overwrite a file that is there.

    Raises:
        ParameterError: another suffix, a file that is there, or none that can be made.
    """
    write = {".jsonl": _as_json_lines, ".csv": _as_csv}.get(Path(path).suffix.lower())
    if write is None:
        raise ParameterError(f"{path!r} must end in .jsonl or .csv, which say in what form; nothing was written")
    found = [change.to_dict() for change in entries()]
    with open_new(path, "nothing was written (--force writes over a file)", force=force) as stream:
        stream.write(write(found))
    return len(found)


def clear() -> None:
    """Forget everything."""
    with lock:
        _entries.clear()


def _as_json_lines(found: list[dict[str, object]]) -> str:
    return "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in found)


def _as_csv(found: list[dict[str, object]]) -> str:
    text = io.StringIO()
    table = csv.DictWriter(text, client.results.changes.Changes.columns, lineterminator="\r\n")
    table.writeheader()
    table.writerows({name: _as_cell(value) for name, value in entry.items()} for entry in found)
    return text.getvalue()


def _as_cell(value: object) -> object:
    """Keep a spreadsheet from taking a name for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value
