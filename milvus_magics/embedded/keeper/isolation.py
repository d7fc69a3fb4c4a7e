"""Linux namespaces, inside which nobody else can reach Milvus's ports."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import signal
import socket
import struct
import sys

from .fixed_paths import hide_parents

CLONE_NEW_USER_NET_PID_MOUNT = 0x10000000 | 0x40000000 | 0x20000000 | 0x00020000
MS_NOSUID_NODEV_NOEXEC = 2 | 4 | 8
PR_SET_PDEATHSIG = 1
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1


def isolate() -> str:
    """Enter new namespaces; returns why that is impossible, else an empty text."""
    if sys.platform != "linux":
        return "this platform has no network namespaces"
    # Tried in a child first: half a success (a hardened Ubuntu gives namespaces without rights) can't be undone.
    trial = os.fork()
    if trial == 0:
        code = 255
        try:
            _enter()
            with hide_parents():
                code = 0
        except OSError as exc:
            code = exc.errno or 255
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(trial, 0)[1])
    if code:
        return f"the system allows no user namespaces here ({os.strerror(code)})"
    _enter()
    return ""


def _enter() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    uid, gid = os.geteuid(), os.getegid()
    if libc.unshare(CLONE_NEW_USER_NET_PID_MOUNT):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)
    _bring_up_loopback()


def _bring_up_loopback() -> None:
    with socket.socket() as sock:
        answer = fcntl.ioctl(sock, SIOCGIFFLAGS, struct.pack("16sh14x", b"lo", 0))
        (flags,) = struct.unpack_from("h", answer, 16)
        fcntl.ioctl(sock, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))


def mount_proc() -> None:
    """Mount the pid namespace's own /proc, where Milvus reads its memory; a failure does no harm."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mount(b"proc", b"/proc", b"proc", ctypes.c_ulong(MS_NOSUID_NODEV_NOEXEC), None)


def die_with_parent() -> None:
    """Make the system kill this process if its parent is killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
