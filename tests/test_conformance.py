"""`make conformance` leaves nothing behind and spoils no page, whatever happens; and what is written about it holds."""

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
import yaml
from conformance import __main__ as command
from conformance import page
from conformance.expected import TRAITS, has, number_of
from conformance.places import Places
from contract.versions import RECORDED

from milvus_magics.client import users
from milvus_magics.transport.address import Address
from milvus_magics.transport.connection import Connection

TESTS = Path(__file__).parent
ROOT = TESTS.parent
DOCUMENT = (ROOT / "docs" / "servers.md").read_text(encoding="utf-8")
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
    assert "has 1 users besides root" in said
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
    said, _ = bench(server, "-k", "test_altering_a_role")
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
    assert "the tests did not end, and the server is as it was before" in printed
    assert (state(server), document.read_text()) == (before, EMPTY)


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
    assert base64.b64encode(f"root:{PASSWORD}".encode()).decode() not in str(caught.getrepr(funcargs=True)), (
        "no login is shown"
    )


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


def row(server, authorization="on", passed="3 of 3", different=page.SAME):
    return page.Row(server, authorization, "2026-01-31", passed, different)


def test_a_row_is_added_or_replaced_and_others_stay():
    """There is one for each server and authorization; real servers come first."""
    text = EMPTY
    for one in (row("imitation of 2.6.18"), row("Milvus v2.3.5"), row("Milvus v2.3.5", "off", different="a | b")):
        text = page.with_row(text, one)
    again = row("Milvus v2.3.5", passed="2 of 3; FAILED: test_x")
    text = page.with_row(text, again)
    assert page.rows_of(text) == [again, row("Milvus v2.3.5", "off", different="a | b"), row("imitation of 2.6.18")]
    assert page.with_row(text, again) == text
    assert text.startswith("before\n\n<!--")
    assert text.endswith("-->\nafter\n")


def test_versions_are_read_as_servers_write_them():
    """Also where they have no number; and each trait begins somewhere."""
    assert [number_of(text) for text in ("v2.3.5-lite", "2.6", "3.0.0-beta")] == [(2, 3, 5), (2, 6, 0), (3, 0, 0)]
    for name, trait in TRAITS.items():
        assert has(name, number_of("master-20260701-1a2b3c"), True)
        assert has(name, (2, 3, 5), False) is False
        assert not trait.since or has(name, trait.since, False)


def test_every_trait_is_looked_at():
    """Those that tests ask for are those that there are."""
    sources = [path.read_text(encoding="utf-8") for path in (TESTS / "conformance").glob("test_*.py")]
    assert {name for source in sources for name in re.findall(r'on\.has\("([^"]+)"\)', source)} == TRAITS.keys()


def test_the_page_has_the_rows_of_what_can_be_run_here():
    """The real server and the imitation of each version, with authorization on and off, all passed."""
    rows = page.rows_of(DOCUMENT)
    wanted = {f"imitation of {version}, answers as recorded" for version in RECORDED}
    wanted |= {"Milvus v2.3.5-lite, standalone"}
    assert {one.key for one in rows} >= {(name, state) for name in wanted for state in ("on", "off")}
    assert all(command.is_good(one) for one in rows)
    assert page.with_row(DOCUMENT, rows[0]) == DOCUMENT, "its words mean what expected.py says"


def test_images_are_those_of_the_documents():
    """The workflow runs the versions that are named, by files that there are; each says how to make a cluster of it."""
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "servers.yml").read_text(encoding="utf-8"))
    job = workflow["jobs"]["conformance"]
    versions = job["strategy"]["matrix"]["version"]
    said = re.search(r"official images of (.*?),\nstandalone", DOCUMENT, re.DOTALL)[1]
    assert re.findall(r"\d+\.\d+\.\d+", said) == versions
    assert [version.rpartition(".")[0] for version in versions[:4]] == ["2.3", "2.4", "2.5", "2.6"]
    profiles = {one["version"]: one["profile"] for one in job["strategy"]["matrix"]["include"]}
    assert profiles == {version: "from-2.6" if number_of(version) >= (2, 6) else "before-2.6" for version in versions}
    compose, cluster = (yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))
                        for name in re.findall(r"tests/servers/[\w-]+\.yml", job["env"]["COMPOSE_FILE"]))  # fmt: skip
    services = compose["services"] | cluster["services"]
    assert services.keys() >= {"etcd", "minio", "pulsar", "milvus", "mixcoord", "datanode", "querynode"}
    assert {one for service in services.values() for one in service.get("profiles", ())} == set(profiles.values())
    for service in services.values():
        assert service.get("depends_on", {}).keys() <= services.keys()
    assert {name for name in services if "milvus" in services[name]["image"]} == {
        "milvus", "mixcoord", "datanode", "querynode", "indexnode", "streamingnode",
    }  # fmt: skip
