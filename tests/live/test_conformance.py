"""`make conformance` leaves nothing behind, tells no password and spoils no page, whatever happens."""

import base64
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import contract
import pytest
from conformance import __main__ as command
from conformance import page
from conformance.places import Places

from milvus_magics.client import users
from milvus_magics.transport.address import Address
from milvus_magics.transport.connection import Connection

TESTS = Path(__file__).parents[1]
EMPTY = "\n".join(["before", "", page.BEGIN, page.END, "", *page.WORDS, "after", ""])
PASSWORD = "the-password-of-root"
KEPT = ("passwords", "roles", "bindings", "grants", "groups", "collections", "aliases")


@pytest.fixture
def document(tmp_path):
    document = tmp_path / "servers.md"
    document.write_text(EMPTY)
    return document


@pytest.fixture
def bench(monkeypatch, capfd, document):
    """Run the command on an imitation: its exit code or text, and what it printed, which is never root's password."""
    monkeypatch.setenv("MILVUS_PASSWORD", PASSWORD)
    monkeypatch.setenv("PYTHONPATH", str(TESTS), prepend=os.pathsep)

    def bench(server, *more):
        server.passwords["root"] = PASSWORD.encode()
        with contract.serving(server) as (_, address), pytest.raises(SystemExit) as ended:
            command.main([f"http://{address}", str(document), *more])
        printed, complained = capfd.readouterr()
        for secret in (PASSWORD, base64.b64encode(f"root:{PASSWORD}".encode()).decode()):
            assert secret not in f"{ended.value.code} {printed} {complained}", "no password in what is printed"
        return ended.value.code, printed

    return bench


def state(server):
    return {name: getattr(server, name).copy() for name in KEPT}


def test_foreign_users_are_not_disturbed(bench, document, monkeypatch):
    """Nothing is begun, until it is allowed; then they are as they were."""
    server = contract.ContractServer("2.6.18")
    server.passwords |= {"root": PASSWORD.encode(), "ann": b"ann's-password"}
    before = state(server)
    said, _ = bench(server)
    assert "has 1 user besides root" in said
    assert "FOREIGN_USERS=allowed" in said
    assert not [method for method in server.calls if method.startswith(("Create", "Operate", "Delete", "Drop"))]
    monkeypatch.setenv("FOREIGN_USERS", "allowed")
    code, printed = bench(server, "-k", "test_names")
    assert code == 0
    assert "| imitation of 2.6.18, answers as recorded | on |" in printed
    assert "CreateCredential" in server.calls
    assert (state(server), document.read_text()) == (before, EMPTY)


class LetsEverybodyIn(contract.ContractServer):
    """Any password is right; and `left` is a method that says "done" and does nothing."""

    left = ""

    def login(self, metadata):
        return "root"

    def UpdateCredential(self, request, caller, metadata):
        return None

    def DropRole(self, request, caller, metadata):
        return None if self.left == "DropRole" else super().DropRole(request, caller, metadata)


def test_failures_are_named_and_leave_nothing_behind(bench):
    """A server that is not as it should be: which tests say so."""
    server = LetsEverybodyIn("2.3.5")
    server.passwords["root"] = PASSWORD.encode()
    before = state(server)
    code, printed = bench(server, "-k", "test_users_come_and_go or test_dropping_by_force")
    assert code == 1
    assert "1 of 2; FAILED: test_users_come_and_go" in printed
    assert state(server) == before


def test_what_is_left_over_is_named(bench):
    """A role that the server only says to have dropped."""
    server = LetsEverybodyIn("2.3.5")
    server.left = "DropRole"
    said, _ = bench(server, "-k", "test_describing_a_role")
    assert re.search(r"role .*_reader.* is left", said)
    assert "the server is not as it was before" in said


def test_an_interrupt_leaves_nothing_behind(document):
    """In the middle of the tests."""
    server = contract.ContractServer("3.0.0-beta")
    before = state(server)
    with contract.serving(server) as (_, address):
        process = subprocess.Popen(
            [sys.executable, "-m", "conformance", f"http://{address}", document],
            env={**os.environ, "PYTHONPATH": str(TESTS), "MILVUS_PASSWORD": "Milvus"},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        end = time.monotonic() + 60
        while "OperatePrivilegeV2" not in server.calls and time.monotonic() < end:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        printed, _ = process.communicate(timeout=60)
    assert "OperatePrivilegeV2" in server.calls
    assert process.returncode == 1
    said = printed.partition("interrupted: ")[2]
    assert said.splitlines() == [
        "what was made is cleared away",
        "the tests did not end, and the server is as it was before; no row was written",
    ], "and nothing of pytest's"
    assert (state(server), document.read_text()) == (before, EMPTY)


def test_a_page_that_takes_no_row_is_told_before_anything_is_begun(bench, document):
    server = contract.ContractServer("2.6.18")
    document.write_text(EMPTY.replace(page.END, ""))
    said, _ = bench(server)
    assert said.startswith(f"nothing was begun: {document} has no line {page.END!r}")
    document.unlink()
    said, _ = bench(server)
    assert said.startswith(f"nothing was begun: {document} cannot be read")
    assert "\n" not in said
    assert server.calls == []


def test_the_help_names_what_the_environment_decides(capsys):
    with pytest.raises(SystemExit):
        command.main(["--help"])
    said = capsys.readouterr().out
    assert "MILVUS_PASSWORD" in said
    assert "FOREIGN_USERS=allowed" in said


def test_a_login_in_the_address_is_refused(document):
    """It would be seen by whoever lists processes; what was typed is not echoed."""
    with pytest.raises(SystemExit) as ended:
        command.main([f"http://root:{PASSWORD}@localhost:1", str(document)])
    assert "MILVUS_PASSWORD" in ended.value.code
    assert PASSWORD not in ended.value.code, "no password in what is printed"


def test_a_call_that_fails_shows_no_login():
    """A test's traceback has gRPC's frames, and those would have it."""
    places = Places(Address.parse("localhost:1", user="root", password=PASSWORD))
    with pytest.raises(AssertionError, match="CreateDatabase: UNAVAILABLE") as caught:
        places.create_database("lab")
    places.close()
    shown = str(caught.getrepr(funcargs=True))  # as pytest shows it
    assert base64.b64encode(f"root:{PASSWORD}".encode()).decode() not in shown, "no login in a traceback"


def test_the_imitation_as_a_program():
    """It says where it is, answers as that version, and ends when it is told to."""
    process = subprocess.Popen(
        [sys.executable, "-m", "contract", "2.5.24", "--authorization", "off"],
        env={**os.environ, "PYTHONPATH": str(TESTS)}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    conn = Connection(Address.parse(process.stdout.readline().strip(), user="root", password="anything"))
    who = users.whoami(conn, timeout=10)
    conn.close()
    process.terminate()
    process.communicate(timeout=20)
    assert (who.version, who.authorization, process.returncode) == ("2.5.24", False, 0)
