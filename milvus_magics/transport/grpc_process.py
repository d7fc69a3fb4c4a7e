"""gRPC in this process: the settings with which it begins, and what a forked process does anew.

It reads its settings once, when it is imported or opens its first channel.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import Protocol
from weakref import WeakSet

# gRPC 1.80 and later may abort a process that was forked beside a connection: on a busy machine one in twenty
# `!command` then does nothing (https://github.com/grpc/grpc/issues/43055). With poll(2) none is lost, and calls take as
# long; but it remarks on each fork.
SETTINGS = {"GRPC_POLL_STRATEGY": "poll", "GRPC_VERBOSITY": "ERROR"}
FIRST = (1, 80)
TRACE, TRACES_WITH_LOGINS = "GRPC_TRACE", ("api", "http")
_is_grpc_ours = False  # whether gRPC was imported with the settings from here


class ChannelOwner(Protocol):
    """Whoever has a channel, which a forked process must not use."""

    def leave_channel_behind(self) -> object:
        """Go on without the channel; returns what belongs to the process that this one was forked from."""


# Where it would be freed, that could wait for threads that are not here.
_left_behind: list[object] = []
channel_owners: WeakSet[ChannelOwner] = WeakSet()


def _leave_channels_behind() -> None:
    _left_behind.extend([owner.leave_channel_behind() for owner in channel_owners])


if hasattr(os, "register_at_fork"):  # Windows knows no forks
    os.register_at_fork(after_in_child=_leave_channels_behind)


@contextmanager
def own_settings() -> Iterator[None]:
    """Import gRPC and open a channel within. What the user set stays, and programs that are started see nothing of it.

    A trace that would write logins is left out. Does nothing where somebody else, like pymilvus, imported gRPC before.
    """
    global _is_grpc_ours
    if "grpc" in sys.modules:
        yield
        return
    _is_grpc_ours, ours = True, _settings()
    before = {name: os.environ.get(name) for name in ours}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _settings() -> dict[str, str]:
    """What the user did not set, in a version of gRPC that wants it, and a trace without logins."""
    from importlib import metadata

    is_wanted = tuple(map(int, metadata.version("grpcio").split(".")[:2])) >= FIRST
    ours = {name: value for name, value in SETTINGS.items() if is_wanted and name not in os.environ}
    return ours | (
        {TRACE: f"{os.environ[TRACE]},{','.join(f'-{name}' for name in TRACES_WITH_LOGINS)}"}
        if _traces_logins()
        else {}
    )


def _traces_logins() -> bool:
    """Whether the trace holds what writes logins, or may: gRPC reads it in order, and a later word wins.

    Newer versions take `*` and `?` for wildcards, and all of them a `-` for the opposite. That counts only where it is
    spelled in the one way that every version understands.
    """
    traced = dict.fromkeys(TRACES_WITH_LOGINS, False)
    for word in os.environ.get(TRACE, "").split(","):
        pattern = "*" if word.strip() == "all" else word.strip()
        for name in traced:
            traced[name] = (traced[name] and word not in (f"-{name}", "-all")) or fnmatchcase(name, pattern)
    return any(traced.values())


def trace_warning() -> str:
    """What is to be said before a login is sent that gRPC writes into its log; empty where it doesn't."""
    if _is_grpc_ours or "grpc" not in sys.modules or not _traces_logins():
        return ""
    return f"gRPC writes logins into the output, as the variable {TRACE} says: unset it and restart the kernel"
