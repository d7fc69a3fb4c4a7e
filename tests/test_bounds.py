"""What a server sends, however much, is read in bounded space and time."""

import subprocess
import sys
import threading
import time
from datetime import datetime, timezone

import contract
import pytest

from milvus_magics import errors
from milvus_magics.access.question import Question, answer_question
from milvus_magics.access.snapshot import AccessSnapshot
from milvus_magics.client import users
from milvus_magics.client.grants import listing as grants
from milvus_magics.client.results.privileges import Grant
from milvus_magics.client.rights import right
from milvus_magics.session import journal
from milvus_magics.transport import connection
from milvus_magics.transport.address import Address
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline
from milvus_magics.transport.events import Change
from milvus_magics.wire import versions
from milvus_magics.wording import did_you_mean


class Big(contract.ContractServer):
    """Lists more users than fit into 4 MiB, and counts the calls that wait at the same time."""

    waiting, most = 0, 0

    def ListCredUsers(self, request, caller, metadata):
        return {"usernames": [f"user_{number:025d}" for number in range(150_000)]}

    def SelectGrant(self, request, caller, metadata):
        with self.lock_of_test:
            self.waiting += 1
            self.most = max(self.most, self.waiting)
        time.sleep(0.001)
        with self.lock_of_test:
            self.waiting -= 1
        if request.entity.role.name == "gone":
            raise contract.Refusal(41, 65535, "not found the role, maybe the role isn't existed")
        return {"entities": []}


@pytest.fixture
def big():
    server = Big("2.6.18", authorization=True)
    server.lock_of_test = threading.Lock()
    with contract.serving(server) as (_, address):
        conn = Connection(Address.parse(address, user="root", password="Milvus"))
        yield server, conn
        conn.close()


def test_replies_over_4_mib_are_read(big):
    """As pymilvus reads them."""
    _, conn = big
    assert len(users.list_usernames(conn, timeout=30)) == 150_000


def test_calls_in_flight_are_bounded(big, monkeypatch):
    """However many there are; and each answer is there, also those that were an error."""
    server, conn = big
    monkeypatch.setattr(connection, "MAX_IN_FLIGHT", 5)
    grants.select_grants(conn, [f"r{number}" for number in range(60)], ["*", "default"], Deadline(30))
    assert 1 < server.most <= 5
    assert server.calls.count("SelectGrant") == 120
    with conn.batch() as begin:
        calls = [
            begin("SelectGrant", deadline=Deadline(30), entity={"role": {"name": name}})
            for name in ("gone", *"abcdefgh")
        ]
        assert calls[0].reply().status.error_code == 41
        assert [call.reply().status.error_code for call in calls[1:]] == [0] * 8
        calls[0].cancel()
        assert calls[0].reply() is calls[0].reply()


def test_an_error_of_a_call_that_had_to_make_room_comes_where_it_is_read(monkeypatch):
    """And not where another one is sent."""
    monkeypatch.setattr(connection, "MAX_IN_FLIGHT", 1)
    conn = Connection(Address.parse("127.0.0.1:1"))
    with conn.batch() as begin:
        first, second = (begin("GetVersion", deadline=Deadline(5)) for _ in range(2))
        for call in (first, second):
            with pytest.raises(errors.RefusedError):
                call.reply()
    conn.close()


MEMORY = """import resource, sys
from milvus_magics.client.grants import listing as grants
from milvus_magics.transport.address import Address
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline
conn = Connection(Address.parse(sys.argv[1], user="root", password="Milvus"))
conn.call("GetVersion", deadline=Deadline(10))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
grants.select_grants(conn, [f"r{n}" for n in range(int(sys.argv[2]))], [f"d{n}" for n in range(30)], Deadline(60))
conn.close()
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)"""


def test_many_roles_in_many_databases_need_little_memory(figure):
    """Of 3,000 questions to a slow server, which would take 28 MiB all at once."""

    class Slow(contract.ContractServer):
        def SelectGrant(self, request, caller, metadata):
            time.sleep(0.002)
            return {"entities": []}

    with contract.serving(Slow("2.6.18", authorization=True)) as (_, address):
        said = subprocess.run(
            [sys.executable, "-c", MEMORY, address, "100"], capture_output=True, text=True, check=True, timeout=60
        )
    figure("bounds", mib_for_3000_calls=int(said.stdout))
    assert int(said.stdout) < 15


@pytest.mark.parametrize("pattern", ["*a" * 20_000, "[a-" * 30_000, "?" * 100_000, "[" * 50_000, "[!" * 50_000])
def test_no_pattern_takes_long_to_compare(pattern):
    """Whatever a server keeps as the name of an object."""
    began = time.monotonic()
    assert not any(right.matches(f"{'a' * 40}{number}b", pattern) for number in range(20))
    assert time.monotonic() - began < 1
    assert right.matches(pattern, pattern)


@pytest.mark.parametrize("question", [Question(collection="a" * 200), Question(privilege="Search", db="lab")])
def test_what_roles_hold_is_compared_once_and_not_for_each_who_holds_them(question):
    """Neither for what everybody may, nor to find who reaches a database from another one."""
    patterns = [f"{'*a' * 60}b{number}" for number in range(120)]
    snapshot = AccessSnapshot(
        server="http://milvus:19530", version="2.6.18", groups={}, aliases={}, enforced=True, secure=True,
        users={f"user_{number:04}": ("reader",) for number in range(5_000)}, default_password=False,
        roles={"public": None, "reader": None},
        grants=[Grant(role, "Search", "Collection", name, "d*") for name in patterns for role in ("public", "reader")],
        collections={"default": ("a" * 200,), "lab": ()},
    )  # fmt: skip
    conn = Connection(Address.parse("127.0.0.1:1"))
    began = time.monotonic()
    assert not answer_question(conn, snapshot, question)
    assert time.monotonic() - began < 2
    conn.close()


@pytest.mark.parametrize("version", ["2." + "6." * 500_000, "9" * 2_000_000 + ".1.1", "v" * 3_000_000])
def test_no_version_takes_long_to_compare(version):
    """Which is done once for each privilege, of which there are hundreds."""
    began = time.monotonic()
    for number in range(300):
        versions.has_feature(version, "forced role drop")
        versions.is_beyond(version, [f"2.{number}.0"])
    assert time.monotonic() - began < 1


def test_no_suggestion_takes_long():
    """Also among very many names that all look alike, and very long ones."""
    began = time.monotonic()
    did_you_mean("user_0000000000000000000012345", (f"user_{number:025d}" for number in range(2_000_000)))
    did_you_mean("a" * 1_000_000, ["ab" * 500_000] * 100)
    assert time.monotonic() - began < 2
    assert did_you_mean("raeder", ["reader", "READER2", "writer"]) == " (did you mean 'reader'?)"
    assert did_you_mean("PrivilegeSerch", ["Search", "Query"]) == " (did you mean 'Search'?)"
    assert did_you_mean("x", ["reader"]) == ""


def test_the_audit_says_that_its_oldest_entries_are_gone(monkeypatch, tmp_path):
    """In its caption, and where it is exported."""
    monkeypatch.setattr(journal, "MAX_ENTRIES", 3)
    kept = journal.Journal(threading.RLock())
    for number in range(5):
        assert ("gone" in kept.audit().caption) == (number > 3)
        kept.record(Change(datetime.now(timezone.utc), "s", "root", "create_user", f"u{number}", "done", 0, 0.1))
    assert kept.loss == "the oldest 2 are gone, as it keeps 3"
    assert kept.audit().caption.endswith(f"; {kept.loss}")
    assert kept.export(str(tmp_path / "a.jsonl")) == 3
    kept.clear()
    assert kept.loss == ""
