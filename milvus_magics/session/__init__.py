"""What belongs to this notebook, in one object with one lock: `session`."""

from __future__ import annotations

import atexit
import os
import threading
from functools import partial
from typing import TYPE_CHECKING, Protocol
from weakref import WeakSet

from milvus_magics.session.connection_aliases import DEFAULT as DEFAULT
from milvus_magics.session.connection_aliases import Connections
from milvus_magics.session.generated_passwords import GeneratedPasswords
from milvus_magics.session.journal import Journal
from milvus_magics.session.name_cache import NameCache
from milvus_magics.session.undo_store import UndoStore

if TYPE_CHECKING:
    from milvus_magics.embedded import EmbeddedMilvus
    from milvus_magics.transport.connection import Connection


class Panel(Protocol):
    """A form or console that is shown."""

    def close(self) -> None:
        """Close it; what was typed is forgotten."""


class Session:
    """The state of this notebook. Everything in it may be used from any thread.

    Attributes:
        lock: held wherever it changes.
        connections: the connections by alias; this is `milvus_magics.connections`.
        journal: every change that was made or tried.
        undo: what was deleted and may be restored.
        generated_passwords: the passwords that were made up.
        names: recently listed names.
        embedded: alias -> the server that was started for it on this machine.
        root_ruled_out: connections on which root was found to have another password than the default one.
    """

    def __init__(self) -> None:
        # Forms run on other threads than cells. Reentrant, because closing a connection may call a listener.
        self.lock = threading.RLock()
        self.journal = Journal(self.lock)
        self.undo = UndoStore(self.lock)
        self.generated_passwords = GeneratedPasswords(self.lock)
        self.names = NameCache(self.lock)
        self.connections = Connections(self.lock, on_bind=self._listen)
        self.embedded: dict[str, EmbeddedMilvus] = {}
        self.root_ruled_out: WeakSet[Connection] = WeakSet()
        self._panels: WeakSet[Panel] = WeakSet()

    def add_panel(self, panel: Panel) -> None:
        """Remember a panel, to close it with the session."""
        with self.lock:
            self._panels.add(panel)

    def remove_panel(self, panel: Panel) -> bool:
        """Forget a panel that is being closed; whether it was open."""
        with self.lock:
            is_open = panel in self._panels
            self._panels.discard(panel)
        return is_open

    def close_panels(self) -> None:
        """Close every form and console."""
        with self.lock:
            panels = list(self._panels)
        for panel in panels:
            panel.close()

    def stop_embedded(self, alias: str) -> None:
        """Stop the server that was started for an alias, if there is one."""
        server = self.embedded.pop(alias, None)
        if server:
            server.stop()

    def close(self) -> None:
        """Close panels and connections, stop embedded servers, and forget what could be undone and passwords."""
        self.close_panels()
        self.connections.close_all()
        self.undo.clear()
        self.generated_passwords.clear()
        for alias in list(self.embedded):
            self.stop_embedded(alias)

    def _listen(self, conn: Connection) -> None:
        conn.on_change += [self.undo, self.journal.record, partial(self.names.forget, conn)]
        conn.on_change.before.append(self.undo.is_remembered)


session = Session()
connections = session.connections
if hasattr(os, "register_at_fork"):  # Windows knows no forks; elsewhere no other thread may hold the lock meanwhile
    os.register_at_fork(
        before=session.lock.acquire, after_in_parent=session.lock.release, after_in_child=session.lock.release
    )
# Only these: a kernel that ends can't send its front end anything about forms any more.
atexit.register(connections.close_all)
