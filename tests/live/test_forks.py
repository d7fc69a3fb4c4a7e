"""Forking in a kernel, as `!command`, `subprocess` and `multiprocessing` do, beside a connection that is open."""

import os
import subprocess
import sys

import IPython
import pytest
from kernels import CONNECT, Kernel, noise, root_password

CHILD = """import time, warnings
from milvus_magics import MilvusException, connections, utility
warnings.simplefilter("ignore", DeprecationWarning)  # Python's own, about threads and forks

def use():
    try:
        return f"child: {utility.list_usernames(timeout=5)}"
    except MilvusException as exc:
        return f"child: {type(exc).__name__}: {exc}"

def connect():
    try:
        connections.connect("child", "root", os.environ["TEST_ROOT"], uri=os.environ["TEST_URI"], timeout=5)
        return use()
    except MilvusException as exc:
        return f"child: {type(exc).__name__}: {exc}"

def parent():
    print(f"parent: {utility.list_usernames(timeout=10)}")  # one piece, which nothing comes between"""
MULTIPROCESSING = """import multiprocessing
context = multiprocessing.get_context("fork")
receiver, sender = context.Pipe(False)
child = context.Process(target=lambda: sender.send({what}()))
child.start()
parent()
print(receiver.recv() if receiver.poll(30) else "child: hangs")
child.kill()
child.join()
parent()"""
FORK = """import select, signal
reader, writer = os.pipe()
child = os.fork()
if not child:
    try:
        os.write(writer, {what}().encode())
    finally:
        os._exit(0)
parent()
os.close(writer)
print(os.read(reader, 4096).decode() if select.select([reader], [], [], 30)[0] else "child: hangs")
os.kill(child, signal.SIGKILL)
os.close(reader)
_ = os.waitpid(child, 0)
parent()"""
MANY = "for number in range(20):\n" + "".join(f"    {line}\n" for line in FORK.splitlines())
PROGRAMS = {
    "shell command": "!echo child: hi",
    "capture": "said = !echo hi\nprint('child:', said[0])",
    "subprocess": "import subprocess\n"
    "print('child:', subprocess.run(['echo', 'hi'], capture_output=True, text=True).stdout)",
    "subprocess meanwhile": "import subprocess\nchild = subprocess.Popen(['sleep', '1'])\nparent()\n"
    "print('child:', child.wait())",
    "subprocess with a function before": "import subprocess\n"
    "print('child:', subprocess.run(['echo', 'hi'], preexec_fn=lambda: None).returncode)",
    "multiprocessing, connection used": MULTIPROCESSING.format(what="use"),
    "multiprocessing, connecting": MULTIPROCESSING.format(what="connect"),
    "fork, connection used": FORK.format(what="use"),
    "many forks, connection used": MANY.format(what="use"),
    "fork, connecting": FORK.format(what="connect"),
}
if IPython.version_info < (8,) and sys.version_info >= (3, 12):
    del PROGRAMS["capture"]  # IPython itself finds no command there
COMMANDS = 100


@pytest.fixture
def kernel(server, tmp_path):
    kernel = Kernel(tmp_path / "home", TEST_URI=server.uri, TEST_ROOT=root_password(server))
    try:
        assert "user 'root'" in kernel.run(CONNECT).text()
        kernel.run(CHILD)
        yield kernel
    finally:
        kernel.close()


def test_forks_beside_a_connection(kernel, figure):
    """The parent's goes on; the child has a channel of its own, which works; no noise, and nothing hangs."""
    hangs = []
    for name, code in PROGRAMS.items():
        answer = kernel.run(code)
        assert not answer.error, f"{name}: {answer.text()}"
        text = answer.text()
        assert "child: " in text, name
        if "hangs" in text:
            hangs.append(name)
        if "connect" in name and "hangs" not in text:
            said = [line for line in text.splitlines() if line.startswith("child: ")]
            assert all(line == "child: ['root']" for line in said), said
        assert text.count("parent: ") == text.count("parent: ['root']"), f"{name}: {text}"
        assert "['root']" in kernel.run("%milvus_list_usernames").text(), f"the connection goes on after {name}"
    figure("forks", tried=len(PROGRAMS))
    assert not hangs
    assert noise(kernel, "hi", "child: hi") == []


def test_no_command_is_lost_on_a_busy_machine(kernel):
    """gRPC by itself loses about one in twenty there; each of these commands runs, and is all that is heard."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() or 1)]
    try:
        said = kernel.run(f"for _ in range({COMMANDS}):\n    !echo hi\n    assert _exit_code == 0")
    finally:
        for each in busy:
            each.kill()
            each.wait()
    assert not said.error, said.text()
    assert said.text().split() == ["hi"] * COMMANDS
