"""Interrupts never leave a lock of gRPC's behind, and reach a call that waits."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from contract import ContractServer, serving
from kernels import root_password
from processes import interrupt_after

from milvus_magics.transport.address import Address
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline

COUNT = 300
PROGRAM = Path(__file__).with_name("interrupting.py")


def test_the_connection_goes_on_after_any_interrupt(server):
    """Interrupted at random moments, within gRPC's code too, the next call always gets its answer."""
    output = subprocess.run(
        [sys.executable, PROGRAM, server.uri, str(COUNT)],
        env={**os.environ, "TEST_ROOT": root_password(server)},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert int(output.stdout) > COUNT / 10, "most interrupts came when nothing was under way"
    assert output.stderr == ""


class Slow(ContractServer):
    """Takes its time to tell its version."""

    def GetVersion(self, *arguments):
        time.sleep(3)


@pytest.mark.parametrize(
    "wait",
    [
        lambda conn: conn.call("GetVersion", deadline=Deadline(5)),
        lambda conn: conn.begin("GetVersion", deadline=Deadline(5)).reply(),
    ],
    ids=["alone", "in flight with others"],
)
def test_a_call_that_waits_is_left_at_once(wait):
    """The first interrupt ends the wait for a slow answer, and Python's own handler is back."""
    with serving(Slow("2.6.4")) as (_, address):
        conn = Connection(Address.parse(address, user="root", password="Milvus"))
        conn.call("ListCredUsers", deadline=Deadline(5))
        interrupt_after(0.3)
        began = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            wait(conn)
        assert time.monotonic() - began < 1.5
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        assert list(conn.call("ListCredUsers", deadline=Deadline(5)).usernames) == ["root"]
        conn.close()
