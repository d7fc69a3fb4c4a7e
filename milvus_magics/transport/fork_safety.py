"""Forks beside gRPC: the settings with which it begins, and what a forked process does anew.

It reads its settings once, when it is imported or opens its first channel.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import metadata
from weakref import WeakMethod

# gRPC 1.80 and later may abort a process that was forked beside a connection: on a busy machine one in twenty
# `!command` then does nothing (https://github.com/grpc/grpc/issues/43055). With poll(2) none is lost, and calls take as
# long; but it remarks on each fork.
SETTINGS = {"GRPC_POLL_STRATEGY": "poll", "GRPC_VERBOSITY": "ERROR"}
FIRST = (1, 80)

# What belongs to the process that this one was forked from: freeing it could wait for threads that are not here.
_left_behind: list[object] = []
_hooks: list[WeakMethod[Callable[[], object]]] = []


def call_in_forked_processes(method: Callable[[], object]) -> None:
    """Have a method called in each process that is forked from here, as long as its object lives.

    What it returns is kept there for ever.
    """
    _hooks[:] = [hook for hook in _hooks if hook() is not None] + [WeakMethod(method)]


def _leave_behind() -> None:
    _left_behind.extend(method() for hook in _hooks if (method := hook()) is not None)


if hasattr(os, "register_at_fork"):  # Windows knows no forks
    os.register_at_fork(after_in_child=_leave_behind)


@contextmanager
def fork_safe_settings() -> Iterator[None]:
    """Import gRPC and open a channel within. What the user set stays, and programs that are started see nothing of it.

    Does nothing where somebody else, like pymilvus, imported gRPC before.
    """
    ours = {name: SETTINGS[name] for name in SETTINGS if name not in os.environ} if _is_harmful() else {}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name in ours:
            os.environ.pop(name, None)


def _is_harmful() -> bool:
    """Whether gRPC is still to come, in a version that wants these settings."""
    if "grpc" in sys.modules:
        return False
    return tuple(map(int, metadata.version("grpcio").split(".")[:2])) >= FIRST
