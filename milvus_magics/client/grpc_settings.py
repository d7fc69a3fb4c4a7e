"""How gRPC is imported, since it reads its settings only then."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# gRPC 1.81 and later may abort a process that was forked beside a connection: on a busy machine one in twenty
# `!command` then does nothing (grpc/grpc#43055). With poll(2) none is lost, and calls take as long; but it remarks on
# each fork.
SETTINGS = {"GRPC_POLL_STRATEGY": "poll", "GRPC_VERBOSITY": "ERROR"}


@contextmanager
def unharmed_by_forks() -> Iterator[None]:
    """Import gRPC within: what the user set stays, and other programs that this one starts see nothing of it.

    Does nothing where somebody else, like pymilvus, imported gRPC before.
    """
    ours = {} if "grpc" in sys.modules else {name: SETTINGS[name] for name in SETTINGS if name not in os.environ}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name in ours:
            os.environ.pop(name, None)
