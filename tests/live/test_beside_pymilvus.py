"""One process holds us and pymilvus, and both talk to the same server, whichever came first."""

import os
import subprocess
import sys

import pytest

from milvus_magics import embedded

BOTH = """
import os, sys
uri, password = os.environ["URI"], os.environ["ROOT"]

def ours():
    from milvus_magics import connections, utility
    connections.connect(uri=uri, user="root", password=password)
    utility.create_user("ours", "a-password")
    return utility.list_usernames

def theirs():
    import pymilvus
    client = pymilvus.MilvusClient(uri=uri, token="root:" + password)
    client.create_user("theirs", "a-password")
    return client.list_users

first, implementation = sys.argv[1:]
lists = [call() for call in ([ours, theirs] if first == "ours" else [theirs, ours])]
from google.protobuf.internal import api_implementation
assert api_implementation.Type() == implementation
assert [sorted(names()) for names in lists] == [["ours", "root", "theirs"]] * 2

from milvus_magics import utility
utility.delete_user("ours", "a-password")
utility.delete_user("theirs", "a-password")
assert [sorted(names()) for names in lists] == [["root"]] * 2
print("both work")
"""


@pytest.fixture(scope="module")
def server():
    with embedded.start(tcp_port=0) as server:
        yield server


@pytest.mark.parametrize("implementation", ["upb", "python"])
@pytest.mark.parametrize("first", ["ours", "theirs"])
def test_both_call_the_same_server(server, first, implementation):
    """Each sees what the other created, and we delete both, verified."""
    environment = {
        **os.environ,
        "URI": f"http://{server.address}",
        "ROOT": server.password.reveal(),
        "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": implementation,
    }
    command = [sys.executable, "-c", BOTH, first, implementation]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert run.stdout.strip() == "both work", run.stdout + run.stderr
