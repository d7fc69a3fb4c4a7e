"""The settings with which gRPC is imported."""

import json
import os
import subprocess
import sys

import grpc
import pytest

from milvus_magics.transport.fork_safety import FIRST, SETTINGS

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
