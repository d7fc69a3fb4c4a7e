"""A real kernel with a home of its own, and the hunt for passwords in everything that it leaves."""

import base64
import contextlib
import json
import os
import re
import secrets
import signal
import sys
import time
from pathlib import Path

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager

from milvus_magics.client import users
from milvus_magics.transport.address import Address
from milvus_magics.transport.connection import Connection

SECONDS = 60
CONNECT = """import os
%load_ext milvus_magics
%milvus_connect {os.environ['TEST_URI']} --user root --password-env TEST_ROOT"""
LOG_EVERYTHING = """import logging, sys
logging.basicConfig(level=logging.DEBUG, stream=sys.stderr, force=True)
%xmode Verbose"""
VERBOSE = """import sys
try:
    get_ipython().run_line_magic({magic!r}, {line!r})
except BaseException:
    print("VERBOSE", get_ipython().InteractiveTB.text(*sys.exc_info()))
    raise"""
DUMP = """names = {k: repr(v) for k, v in list(globals().items())}
last = [getattr(sys, name, None) for name in ("last_exc", "last_value")]
_ = open("dump.txt", "w").write(repr([In, _ih, _i, _ii, _iii, Out, _oh, names, last, [vars(e) for e in last if e]]))"""


class Answer:
    """What running a cell brought: its own messages, and what it asked."""

    def __init__(self):
        self.messages, self.asked, self.error = [], [], None

    def text(self):
        """All that a notebook would show below the cell."""
        shown = []
        for message in self.messages:
            content = message["content"]
            shown += [content.get("text", ""), content.get("data", {}).get("text/plain", "")]
            shown += content.get("traceback", [])
        return "\n".join(shown)


class Kernel:
    """A real kernel with a home of its own; keeps every message that it ever sent: outputs, questions and replies."""

    def __init__(self, home, **variables):
        self.home, self.published, self.unanswered = home, [], set()
        (home / "run").mkdir(parents=True)
        self.environment = {**os.environ, **isolated(home), **variables}
        self.manager = KernelManager(
            connection_file=str(home / "run" / "kernel.json"), kernel_spec_manager=KernelSpecManager(kernel_dirs=[])
        )
        self.output = open(home / "output.txt", "wb")  # noqa: SIM115 - a restart needs it again
        self.manager.start_kernel(env=self.environment, cwd=str(home), stdout=self.output, stderr=self.output)
        self.connect()

    def connect(self):
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(SECONDS)

    def start(self, code, *, can_ask=True):
        """Send a cell without waiting for it."""
        request = self.client.execute(code, allow_stdin=can_ask, store_history=True, stop_on_error=False)
        self.unanswered.add(request)
        return request

    def run(self, code, *answers, can_ask=True):
        """Run a cell to its end; `answers` are typed at its prompts, one that can be called is called instead."""
        return self.finish(self.start(code, can_ask=can_ask), *answers)

    def finish(self, request, *answers, until=None):
        answers, answer, end = list(answers), Answer(), time.monotonic() + SECONDS
        while True:
            assert time.monotonic() < end, f"the cell did not end: {answer.text()}"
            if self.client.stdin_channel.msg_ready():
                question = self.client.get_stdin_msg(timeout=1)
                self.published.append(question)
                answer.asked.append(question["content"])
                given = answers.pop(0)
                given() if callable(given) else self.client.input(given)
            if not self.client.iopub_channel.msg_ready():
                time.sleep(0.01)
                continue
            message = self.client.get_iopub_msg(timeout=1)
            self.published.append(message)
            if message["parent_header"].get("msg_id") != request:
                continue
            answer.messages.append(message)
            if message["msg_type"] == "error":
                answer.error = message["content"]
            if until and until in answer.text():
                return answer
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                assert not answers, f"it did not ask: {answer.text()}"
                self.hear_reply(request)
                return answer

    def hear_reply(self, request):
        """Wait for the reply to a cell, which comes beside what the cell publishes; other messages have none."""
        while request in self.unanswered:
            reply = self.client.get_shell_msg(timeout=SECONDS)
            self.published.append(reply)
            self.unanswered.discard(reply["parent_header"].get("msg_id"))

    def interrupt(self):
        self.manager.interrupt_kernel()

    def restart(self):
        self.client.stop_channels()
        self.manager.restart_kernel()
        self.connect()

    def kill(self):
        """End it as the system would."""
        os.kill(self.manager.provisioner.pid, signal.SIGKILL)

    def close(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel()
        self.manager.cleanup_resources()
        self.output.close()


def isolated(home):
    """Environment variables that keep everything of Jupyter under `home`; Milvus's unpacked programs are shared."""
    return {
        "HOME": str(home),
        "IPYTHONDIR": str(home / "ipython"),
        "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME") or str(Path("~/.cache").expanduser()),
        **{f"JUPYTER_{kind}_DIR": str(home / kind.lower()) for kind in ("CONFIG", "DATA", "RUNTIME")},
        "JUPYTER_PREFER_ENV_PATH": "1",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # of which older kernels would complain in their output
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }


@contextlib.contextmanager
def kernel_at(home, server, **variables):
    kernel = Kernel(home, TEST_URI=server.uri, TEST_ROOT=root_password(server), **variables)
    try:
        kernel.run(LOG_EVERYTHING)
        assert "user 'root'" in kernel.run(CONNECT).text()
        yield kernel
    finally:
        kernel.close()


def root_password(server):
    return server.password.reveal() or "junk-password"


@contextlib.contextmanager
def root_of(server):
    conn = Connection(Address.parse(server.uri, user="root", password=root_password(server)))
    try:
        for name in users.list_usernames(conn, timeout=10):
            if name != "root":
                users.drop_user(conn, name, timeout=10)
        yield conn
    finally:
        conn.close()


def noise(kernel, *expected):
    """What a kernel wrote to stderr, and past the notebook; not what Jupyter itself and the cells' programs say."""
    past = (kernel.home / "output.txt").read_text().splitlines()
    shown = [one["content"]["text"] for one in kernel.published if one["content"].get("name") == "stderr"]
    return [*shown, *(line for line in past if line not in ("", *expected) and "IPKernelApp" not in line)]


def new_password():
    return secrets.token_urlsafe(15)


def odd_password():
    """One with what shells, IPython, URLs and quotes make something of, between two parts that can be hunted for."""
    return f"{secrets.token_urlsafe(6)}:$x{{y}}\"z'\\ü€@/{secrets.token_urlsafe(6)}"


def one_line(answer):
    """The one line that an error is shown as."""
    assert answer.error, f"there is no error: {answer.text()}"
    (line,) = answer.error["traceback"]
    assert "\n" not in line
    return line


def spellings(password):
    """What gives the password away: its long parts that no escaping changes, each in plain and in base64.

    Letters, digits, `.`, `-` and `_` stay what they are in Python's and JSON's texts, in HTML and in a URL, however
    often one is put into another; in base64, whatever stands before and after.
    """
    parts = re.findall(r"[\w.-]{8,}", password, re.ASCII)
    assert parts, "a password that is hunted has a part that is nowhere by chance"
    return [
        spelling for part in parts for spelling in (part.encode(), *(_in_base64(part.encode(), n) for n in range(3)))
    ]


def _in_base64(part, before):
    """What is always there of `part` in base64, with so many bytes before it that belong to the same group of three."""
    encoded = base64.b64encode(bytes(before) + part)
    return encoded[-(-before * 8 // 6) : (before + len(part)) * 8 // 6]


def assert_nowhere(passwords, home, published):
    """No file under `home` and no message holds one of the passwords; how many of them were searched."""
    found = places(passwords, home, published)
    assert not found, f"no password in {', '.join(found)}"
    return sum(path.is_file() for path in home.rglob("*")) + len(published)


def places(passwords, home, published):
    """What holds one of the passwords, or has one in its name: files under `home`, and the messages."""
    hunted = [spelling for password in passwords for spelling in spellings(password)]
    messages = json.dumps(published, default=_readable).encode()
    found = ["what the kernel publishes"] if any(spelling in messages for spelling in hunted) else []
    for path in home.rglob("*"):
        name = str(path.relative_to(home))
        data = name.encode() + b"\n" + (path.read_bytes() if path.is_file() else b"")
        if any(spelling in data for spelling in hunted):
            found.append(name)
    return found


def _readable(value):
    """What JSON has no word for, as text; a message may have bytes beside it."""
    return str(bytes(value)) if isinstance(value, memoryview) else str(value)
