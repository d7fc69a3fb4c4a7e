"""Looking at the processes of this machine."""

import contextlib
import os
import time
from pathlib import Path


def processes(directory):
    """Processes that have the directory in their environment or arguments."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            text = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
            if os.fsencode(directory) in text and int(entry.name) != os.getpid():
                found.append(int(entry.name))
    return found


def wait_until(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.05)
