"""A real kernel with a home of its own, and the hunt for passwords in everything that it leaves."""

import base64
import contextlib
import html
import json
import os
import secrets
import signal
import sys
import time
from pathlib import Path
from urllib.parse import quote

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager

from milvus_magics.client import users
from milvus_magics.client.address import Address
from milvus_magics.client.connection import Connection

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
    """A real kernel with a home of its own; keeps every message that it ever published."""

    def __init__(self, home, **variables):
        self.home, self.published = home, []
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
        return self.client.execute(code, allow_stdin=can_ask, store_history=True, stop_on_error=False)

    def run(self, code, *answers, can_ask=True):
        """Run a cell to its end; `answers` are typed at its prompts, one that can be called is called instead."""
        return self.finish(self.start(code, can_ask=can_ask), *answers)

    def finish(self, request, *answers, until=None):
        answers, answer, end = list(answers), Answer(), time.monotonic() + SECONDS
        while True:
            assert time.monotonic() < end, f"the cell did not end: {answer.text()}"
            if self.client.stdin_channel.msg_ready():
                answer.asked.append(self.client.get_stdin_msg(timeout=1)["content"])
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
                return answer

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
    conn = Connection(Address.of(server.uri, user="root", password=root_password(server)))
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


def one_line(answer):
    """The one line that an error is shown as."""
    assert answer.error, f"there is no error: {answer.text()}"
    (line,) = answer.error["traceback"]
    assert "\n" not in line
    return line


def spellings(password):
    """The password, and what it looks like on its way."""
    pairs = [password, *(f"{user}:{password}" for user in ("root", "bob", "eve", "new"))]
    texts = {
        password, quote(password, safe=""), json.dumps(password)[1:-1], json.dumps(password, ensure_ascii=False)[1:-1],
        repr(password)[1:-1], ascii(password)[1:-1], html.escape(password), json.dumps(repr(password))[1:-1][1:-1],
    }  # fmt: skip
    return [*(text.encode() for text in texts), *(base64.b64encode(pair.encode()) for pair in pairs)]


def assert_nowhere(passwords, home, published):
    """No file under `home` and no message holds one of the passwords; how many of them were searched."""
    messages = json.dumps(published, default=str).encode()
    files = [path for path in home.rglob("*") if path.is_file()]
    for password in passwords:
        for spelling in spellings(password):
            assert spelling not in messages, "no password in what the kernel publishes"
            for path in files:
                assert spelling not in path.read_bytes(), f"no password in {path.relative_to(home)}"
    return len(files) + len(published)
