"""The journal of what this session changed on servers, or tried to; it holds no secrets."""

from __future__ import annotations

import csv
import io
import json
import logging
import re
import threading
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from milvus_magics import client
from milvus_magics.errors import ParameterError
from milvus_magics.private_file import PrivateFile
from milvus_magics.wording import count_text, is_visible, join_parts, printable, visible_text

if TYPE_CHECKING:
    from milvus_magics.client.results.changes import Changes
    from milvus_magics.transport.events import Change

# Bulk work makes thousands of entries; the oldest go first, and it is told that they did.
MAX_ENTRIES = 100_000
# What a spreadsheet begins a formula with, some of them with the wide signs too, where it may begin a cell.
_FORMULA = re.compile(r"""((?:^|[;,|\t\r\n])(?:[^\S\t\r\n]|")*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20\t\r])""")
AUDIT = logging.getLogger("milvus_magics.audit")


class Journal:
    """Every change of a session, in order. Each also goes to the logger `milvus_magics.audit`, for platforms."""

    def __init__(self, lock: threading.RLock) -> None:
        self._lock = lock
        self._entries: deque[Change] = deque(maxlen=MAX_ENTRIES)
        self._count = 0  # also of those that went

    def record(self, change: Change) -> None:
        """Add an entry; every connection of the session calls this."""
        with self._lock:
            self._entries.append(change)
            self._count += 1
        if AUDIT.isEnabledFor(logging.INFO):
            AUDIT.info(
                "%s %s: %s (code %s) on %s by %s",
                change.operation, printable(change.target), change.outcome, change.code, printable(change.server),
                printable(change.actor) or "nobody",
                extra={"change": change.to_dict()},
            )  # fmt: skip

    def entries(self) -> list[Change]:
        """All entries, oldest first."""
        with self._lock:
            return list(self._entries)

    @property
    def loss(self) -> str:
        """How many of the oldest entries are gone, in words; empty if none are."""
        with self._lock:
            lost = self._count - len(self._entries)
        return f"the oldest {lost:,} are gone, as it keeps {MAX_ENTRIES:,}" if lost else ""

    def audit(self) -> Changes:
        """All entries as a table, newest first: of too many to show, the latest are seen."""
        changes = self.entries()[::-1]
        caption = f"{count_text(len(changes), 'change')} made or tried in this session"
        return client.results.changes.Changes(changes, join_parts(caption, self.loss))

    def export(self, path: str, *, force: bool = False) -> int:
        """Write all entries into a file that only its owner can read, and count them; `force` overwrites one.

        A path in `.jsonl` wants one JSON object per line, one in `.csv` a table with a heading. ParameterError for
        another suffix, a file that is there, or none that can be made.
        """
        write = {".jsonl": _write_json_lines, ".csv": _write_csv}.get(Path(path).suffix.lower())
        if write is None:
            raise ParameterError(f"{path!r} must end in .jsonl or .csv, which say in what form; nothing was written")
        rows = [change.to_dict() for change in self.entries()]
        left_undone = "nothing was written (--force writes over a file)"
        with PrivateFile(path).create(left_undone, force=force) as stream:
            stream.write(write(rows))
        return len(rows)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()
            self._count = 0


def _write_json_lines(rows: list[dict[str, object]]) -> str:
    # Readable, but for what would end a line or deceive a terminal: JSON has escapes that mean the same.
    lines = (json.dumps(row, ensure_ascii=False) for row in rows)
    return "".join("".join(c if is_visible(c) else json.dumps(c)[1:-1] for c in line) + "\n" for line in lines)


def _write_csv(rows: list[dict[str, object]]) -> str:
    text = io.StringIO()
    table = csv.DictWriter(text, client.results.changes.Changes.columns, lineterminator="\r\n")
    table.writeheader()
    table.writerows({name: _as_cell(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def _as_cell(value: object) -> object:
    """Keep a spreadsheet from taking a name for a formula, also where it splits elsewhere; and show all of it."""
    if not isinstance(value, str):
        return value
    return "\t".join(map(visible_text, _FORMULA.sub(r"\1'", value).split("\t")))
