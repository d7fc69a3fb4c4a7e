"""The settings with which gRPC begins; it reads them once, when it is imported or opens its first channel."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata

# gRPC 1.80 and later may abort a process that was forked beside a connection: on a busy machine one in twenty
# `!command` then does nothing (https://github.com/grpc/grpc/issues/43055). With poll(2) none is lost, and calls take as
# long; but it remarks on each fork.
SETTINGS = {"GRPC_POLL_STRATEGY": "poll", "GRPC_VERBOSITY": "ERROR"}
FIRST = (1, 80)


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
