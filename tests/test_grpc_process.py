"""The settings with which gRPC is imported."""

import json
import os
import subprocess
import sys
from pathlib import Path

import contract
import grpc
import pytest

from milvus_magics.transport.address import Address
from milvus_magics.transport.grpc_process import FIRST, SETTINGS

IS_OLD = tuple(map(int, grpc.__version__.split(".")[:2])) < FIRST  # and loses no command
CALL = """import grpc
channel = grpc.insecure_channel("127.0.0.1:1")
try:
    channel.unary_unary("/a.service/a_method")(b"", timeout=0.2)
except grpc.RpcError:
    pass"""
PROGRAM = """import glob, json, os
{first}
from milvus_magics import MilvusException, connections
try:
    connections.connect(uri="127.0.0.1:1", timeout=0.2)
except MilvusException:
    pass
{call}  # what gRPC waits with is there as long as a channel is
kinds = [os.readlink(link) for link in glob.glob("/proc/self/fd/*") if os.path.islink(link)]
print(json.dumps([any("eventpoll" in kind for kind in kinds), [os.environ.get(name) for name in {names}]]))"""


@pytest.mark.parametrize(
    ("before", "first", "uses_epoll"),
    [
        pytest.param({}, "", IS_OLD, id="ours"),
        pytest.param({"GRPC_POLL_STRATEGY": "epoll1", "GRPC_VERBOSITY": "INFO"}, "", True, id="the user's"),
        pytest.param({}, CALL, True, id="imported before"),
    ],
)
def test_settings_hold_for_grpc_and_for_nothing_else(before, first, uses_epoll):
    """What the user set stays, and programs that are started later see what they would have seen."""
    environment = {name: value for name, value in os.environ.items() if name not in SETTINGS} | before
    program = PROGRAM.format(first=first, call=CALL, names=list(SETTINGS))
    said = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert json.loads(said.stdout) == [uses_epoll, [before.get(name) for name in SETTINGS]]


TRACED = """import os, sys
{first}
from milvus_magics import MilvusException, connections
for _ in range(2):
    try:
        connections.connect("default", "bob", "Zq7-hunter-Kx9-17", uri=sys.argv[1], timeout=10)
    except MilvusException as exc:
        print(exc)
print(os.environ["GRPC_TRACE"])"""
LOGIN = Address.parse("h", user="bob", password="Zq7-hunter-Kx9-17").login.header().reveal()


@pytest.mark.parametrize("trace", ["all", "api", "channel,api", "http", "*,-http", "-*,*", "?pi"])
@pytest.mark.parametrize("first", ["", "import grpc"])
def test_a_trace_of_grpc_shows_no_login_or_is_told_of(trace, first):
    """As gRPC's own guide has it for trouble with a connection; the variable stays as it is."""
    environment = {**os.environ, "GRPC_TRACE": trace, "GRPC_VERBOSITY": "debug"}
    with contract.serve("2.6.18", authorization=True) as (_, address):
        said = subprocess.run(
            [sys.executable, "-W", "default", "-c", TRACED.format(first=first), address],
            env=environment, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
    assert said.stdout.splitlines()[-1] == trace
    assert "refuses user 'bob'" in said.stdout
    if first:
        assert said.stderr.count("gRPC writes logins into the output, as the variable GRPC_TRACE says") == 2
        assert said.stderr.index("gRPC writes logins") < (said.stderr + LOGIN).index(LOGIN), "before it is sent"
    else:
        assert LOGIN not in said.stderr, "no password in gRPC's log"


@pytest.mark.parametrize(
    "trace",
    [
        "",
        "channel",
        "all,-api,-http",
        "http_keepalive",
        "*,-http,-api",
        "api,-all",
        "-api",
        "-*",
        "c*",
        "http?*",
        "*api?",
    ],
)
def test_a_trace_without_logins_is_no_reason_to_warn(monkeypatch, trace):
    """Also where gRPC was imported before, as it is here."""
    monkeypatch.setenv("GRPC_TRACE", trace)
    assert "GRPC_TRACE" not in Address.parse("h").warning
    monkeypatch.setenv("GRPC_TRACE", f"{trace},api")
    assert "GRPC_TRACE" in Address.parse("localhost").warning


TRACES_WITH_LOGINS = ["*", "*,-http", "refcount,*", "-*,*", "-api,api", "a*", "api*", "ap?", "*pi", "h**", "*,--api",
                      "all,-api", "api, -api", "api,-api ", "*,-api,-http,http", "api,-refcount,-http"]  # fmt: skip


@pytest.mark.parametrize("trace", [*TRACES_WITH_LOGINS, " api", "api,-*"])
def test_whatever_trace_may_write_logins_is_told_of(monkeypatch, trace):
    """By wildcards, in the order of the words; in doubt it counts, as versions of gRPC differ."""
    monkeypatch.setenv("GRPC_TRACE", trace)
    assert "GRPC_TRACE" in Address.parse("localhost").warning


CHILDREN = """import multiprocessing, threading, time
from milvus_magics import MilvusException, connections, session, utility

def ask(sender=None):
    try:
        said = utility.list_usernames(timeout=5)
    except MilvusException as exc:
        said = f"{type(exc).__name__}: {exc}"
    if sender:
        sender.send(said)

def work():
    while not over.is_set():
        ask()
        with session.session.lock:
            time.sleep(0.0005)

if __name__ == "__main__":
    connections.connect("default", "root", "Milvus", uri=f"http://{__import__('sys').argv[1]}")
    over, context = threading.Event(), multiprocessing.get_context("fork")
    thread = threading.Thread(target=work)
    thread.start()
    for _ in range(10):
        receiver, sender = context.Pipe(False)
        child = context.Process(target=ask, args=(sender,))
        child.start()
        print(receiver.recv() if receiver.poll(12) else "hangs", flush=True)
        child.join(5)
        if child.exitcode is None:
            print("does not end")
            child.kill()
    over.set()
    thread.join()
    ask()
    print(utility.list_usernames(timeout=5))"""


def test_forked_processes_have_a_channel_of_their_own(tmp_path):
    """Beside a thread that is in a call, and one that holds the session's lock: each of their calls is answered."""
    program = tmp_path / "children.py"
    program.write_text(CHILDREN)
    path = os.pathsep.join(filter(None, [str(Path(__file__).parent), *sys.path]))
    with contract.serve("2.6.18", authorization=True) as (_, address):
        said = subprocess.run(
            [sys.executable, "-W", "ignore", program, address],
            env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, timeout=170,
        )  # fmt: skip
    assert said.stdout.splitlines() == ["['root']"] * 11, said.stdout + said.stderr
