"""Looking at the processes of this machine."""

import contextlib
import gc
import os
import signal
import threading
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


def interrupt_after(seconds):
    """Interrupt the main thread once, as "interrupt kernel" would.

    Python drops an interrupt that meets a callback of the garbage collector, so there is no garbage when it comes.
    """
    gc.collect()
    threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT)).start()


@contextlib.contextmanager
def interrupts_after(seconds, again=4.0):
    """Interrupt the main thread until the block is left: the first one may be dropped, see `interrupt_after`."""
    is_left = threading.Event()

    def send():
        pause = seconds
        while not is_left.wait(pause):
            os.kill(os.getpid(), signal.SIGINT)
            pause = again

    gc.collect()
    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_left.set()
        thread.join()  # one that is on its way comes here, and not in whatever is next


@contextlib.contextmanager
def frozen(*pids):
    """Processes that do nothing meanwhile, none of their threads either: one may go on for some milliseconds."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        until = time.monotonic() + 5
        while not all(map(is_stopped, pids)) and time.monotonic() < until:
            time.sleep(0.005)
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def is_stopped(pid):
    """Whether all threads of a process have stopped."""
    states = [path.read_text().rpartition(")")[2].split()[0] for path in Path(f"/proc/{pid}/task").glob("*/stat")]
    return set(states) <= {"T", "t"}


def pid_of_milvus(server):
    """The process of an embedded server's Milvus."""
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/cmdline", "rb") as command, open(f"/proc/{entry}/environ", "rb") as environ:
                    ours = os.fsencode(server.data_dir) in environ.read()
                    if ours and b"standalone" in command.read():
                        return int(entry)
            except OSError:
                continue
    raise AssertionError("no Milvus process")
