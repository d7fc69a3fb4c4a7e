"""The records of what was deleted, and whether a connection leads to the cluster where that was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Generic, NamedTuple, TypeVar

from milvus_magics.errors import NOTHING_CHANGED, CodedError, ConfirmationError
from milvus_magics.transport.cluster import QUESTION
from milvus_magics.transport.events import UNKNOWN_CLUSTER
from milvus_magics.wire import METHODS

Record = TypeVar("Record")
# What a record is of -> what became of it.
DESCRIPTIONS = {"user": "user's description", "role": "role's description"}
GRANTS = "grants"
MAX_OLDER = 100  # changes of one role's grants that can be undone one after another, besides the last
DEEDS = {
    "user": "user {!r} was deleted",
    "role": "role {!r} was dropped",
    DESCRIPTIONS["user"]: "description of user {!r} was changed",
    DESCRIPTIONS["role"]: "description of role {!r} was changed",
    GRANTS: "privileges of role {!r} were changed",
}
UNDO_MAGICS = {
    "delete_user": "%milvus_restore_user",
    "drop_role": "%milvus_restore_role",
    "change_grants": "%milvus_restore_grants",
    "describe_user": "%milvus_describe_user --undo",
    "describe_role": "%milvus_describe_role --undo",
}


class Key(NamedTuple):
    """Where something was, and its name.

    Attributes:
        place: the cluster, or its address where that didn't tell which one it is.
        name: of the user or role.
    """

    place: int | str
    name: str


@dataclass(frozen=True)
class UndoRecord(Generic[Record]):
    """A record, and where the thing was.

    Attributes:
        record: what went with it.
        server: the address.
        cluster: which cluster that was, as `transport.cluster` reads it.
        older: those before it that come to light once it is undone, the newest last; no more than `MAX_OLDER`.
    """

    record: Record
    server: str
    cluster: int
    older: tuple[UndoRecord[Record], ...] = ()


def stack(kept: UndoRecord[Any], before: UndoRecord[Any] | None) -> UndoRecord[Any]:
    """A record of grants above those before it. What was a part of this change is no change of its own."""
    older = [] if before is None else [*before.older, replace(before, older=())]
    while older and kept.record.includes(older[-1].record):
        older.pop()
    return replace(kept, older=tuple(older[-MAX_OLDER:]))


@dataclass(frozen=True)
class Restorable(Generic[Record]):
    """A record that may be restored.

    Attributes:
        key: of the record.
        record: what went with it.
        server: the address where that was.
        place: where it would be restored.
        is_here: whether that is the same cluster; None if it can't be told.
        deed: what was done: `user 'bob' was deleted`.
    """

    key: Key
    record: Record
    server: str
    place: Key
    is_here: bool | None
    deed: str

    @property
    def is_elsewhere(self) -> bool:
        """Whether it is certainly another cluster."""
        return self.is_here is False

    @property
    def warning(self) -> str:
        """That it is another cluster, in words; empty if it isn't, or can't be told."""
        return f"this is another Milvus than the one where {self.deed}" if self.is_elsewhere else ""

    @property
    def note(self) -> str:
        """That it can't be told, in words; empty if it can."""
        needed = METHODS[QUESTION].privilege
        why = f"that needs Milvus 2.3 and the privilege {needed}, then and now"
        unknown = f"whether this is the Milvus where {self.deed} could not be checked ({why})"
        return unknown if self.is_here is None else ""

    @contextmanager
    def telling_where(self) -> Iterator[None]:
        """Run what restores or foresees; an error on another cluster begins with that."""
        try:
            yield
        except CodedError as exc:
            if not self.is_elsewhere:
                raise
            raise exc.with_message(f"{self.warning}: {exc.message}", exc.outcome) from exc

    def require_here(self, elsewhere: bool) -> None:
        """Raise ConfirmationError on another cluster, unless that is meant."""
        if self.is_elsewhere and not elsewhere:
            raise ConfirmationError(
                f"{self.warning}, so nothing was restored: use --yes (in Python elsewhere=True) to restore it here",
                outcome=NOTHING_CHANGED,
            )


class Records:
    """The records of one kind.

    Args:
        deed: what was done to the things, with `{!r}` for the name.

    Attributes:
        by_name: name -> place -> record, the newest last.
    """

    def __init__(self, deed: str) -> None:
        self._deed = deed
        self.by_name: dict[str, dict[int | str, UndoRecord[Any]]] = {}

    def step_back(self, key: Key, record: object) -> None:
        """Forget a record that is undone, so that the one before it is the next to undo."""
        kept = self.get(key)
        if kept is None:
            return
        left = [each for each in (*kept.older, replace(kept, older=())) if each.record is not record]
        if left:
            self.by_name[key.name][key.place] = replace(left[-1], older=tuple(left[:-1]))
        else:
            self.remove(key)

    def get(self, key: Key) -> UndoRecord[Any] | None:
        """The record of a key, or None."""
        return self.by_name.get(key.name, {}).get(key.place)

    def remove(self, key: Key) -> None:
        """Forget a record, if it is there."""
        places = self.by_name.get(key.name, {})
        places.pop(key.place, None)
        if not places:
            self.by_name.pop(key.name, None)

    def forget(self, name: str, server: str, cluster: int) -> list[Key]:
        """Forget the records of a name from a cluster, or from an address where it isn't known; return their keys."""

        def is_from_there(kept: UndoRecord[Any]) -> bool:
            if UNKNOWN_CLUSTER in (kept.cluster, cluster):
                return kept.server == server
            return kept.cluster == cluster

        keys = [Key(place, name) for place, kept in self.by_name.get(name, {}).items() if is_from_there(kept)]
        for key in keys:
            self.remove(key)
        return keys

    def find(self, name: str, server: str, cluster: int) -> Restorable[Any] | None:
        """The record for a cluster at any address, else the newest one from this address; None if there is none."""
        places = self.by_name.get(name, {})
        deed, target = self._deed.format(name), Key(cluster or server, name)
        if cluster != UNKNOWN_CLUSTER and cluster in places:
            kept = places[cluster]
            return Restorable(target, kept.record, kept.server, target, True, deed)
        for place, kept in reversed(places.items()):
            if kept.server == server:
                is_here = None if UNKNOWN_CLUSTER in (cluster, kept.cluster) else False
                key = Key(place, name)
                return Restorable(key, kept.record, server, target if is_here is False else key, is_here, deed)
        return None

    def names_at(self, server: str, cluster: int) -> list[str]:
        """The names of which there is a record from this cluster or address."""
        return sorted(
            name
            for name, places in self.by_name.items()
            if any(kept.server == server or kept.cluster == cluster != UNKNOWN_CLUSTER for kept in places.values())
        )

    def clear(self) -> None:
        """Forget all."""
        self.by_name.clear()
