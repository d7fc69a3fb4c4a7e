"""Calls in flight together: servers that want less, interrupts, and how many at once."""

import base64
import threading
import time

import pytest
from contract import ContractServer, Refusal, serving
from contract.statuses import Denied
from grpc import StatusCode
from IPython.core.interactiveshell import InteractiveShell
from processes import interrupt_after
from traitlets.config import Config

from milvus_magics.bulk.pipeline import FIRST_WINDOW, MAX_WINDOW, Window
from milvus_magics.bulk.plan import CREATE, make_plan
from milvus_magics.bulk.rows import rows_of
from milvus_magics.bulk.run import create_users, delete_users, execute
from milvus_magics.session import connections
from milvus_magics.transport.address import Address
from milvus_magics.transport.connection import Connection

PASSWORD = "a-password-of-theirs"


class Limited(ContractServer):
    """Refuses what comes while `closed`, and every third creation and deletion anyway, as a rate limit does."""

    def __init__(self, version):
        super().__init__(version)
        self.asked, self.most_at_once, self.now = 0, 0, 0
        self._lock = threading.Lock()
        self.slow = 0.0

    def reply_of(self, method, *arguments):
        with self._lock:
            self.now += 1
            self.most_at_once = max(self.most_at_once, self.now)
        try:
            time.sleep(self.slow)
            return super().reply_of(method, *arguments)
        finally:
            with self._lock:
                self.now -= 1

    def limit(self):
        with self._lock:
            self.asked += 1
            refused = self.asked % 3 == 0
        if refused:
            raise Refusal(49, 8, "request is rejected by grpc RateLimiter middleware, please retry later")

    def CreateCredential(self, *arguments):
        self.limit()
        return super().CreateCredential(*arguments)

    def DeleteCredential(self, *arguments):
        self.limit()
        return super().DeleteCredential(*arguments)


@pytest.fixture
def limited():
    with serving(Limited("2.6.4")) as (contract, address):
        conn = Connection(Address.parse(address, user="root", password="Milvus"))
        yield contract, conn
        conn.close()


def people(count):
    return {f"user{number}": PASSWORD for number in range(count)}


def test_rate_limits_are_waited_out(limited):
    """What is refused for now is sent again later, and in the end every row is done, once."""
    contract, conn = limited
    assert create_users(conn, people(40)).counts == {"done": 40}
    assert contract.calls.count("CreateCredential") == 59  # 40, and again what every third one was refused for
    assert set(contract.passwords) == {"root", *people(40)}
    contract.asked = 0
    assert delete_users(conn, people(40)).counts == {"done": 40}
    assert contract.calls.count("DeleteCredential") == 59
    assert set(contract.passwords) == {"root"}


def test_an_interrupt_ends_the_wait_for_a_rate_limit(limited):
    """Rows that were refused for now stay refused, and say why; nothing is sent any more."""
    contract, conn = limited

    def refuse():
        raise Refusal(49, 8, "please retry later")

    contract.limit = refuse
    interrupt_after(0.5)
    began = time.monotonic()
    found = create_users(conn, people(40))
    assert time.monotonic() - began < 5
    assert found.interrupted
    assert found.counts == {"refused": FIRST_WINDOW, "not tried": 40 - FIRST_WINDOW}
    assert all("too many requests" in row.reason for row in found if row.outcome == "refused")
    assert set(contract.passwords) == {"root"}


def test_a_second_interrupt_gives_up_what_is_under_way(limited):
    """It doesn't wait for a server that is slow; those rows are told by what the server has, or are unknown."""
    contract, conn = limited
    contract.limit = lambda: None
    planned = make_plan(conn, CREATE, rows_of(people(40)))
    contract.slow = 1.0
    for seconds in (0.4, 0.6):
        interrupt_after(seconds)
    began = time.monotonic()
    found = execute(conn, planned)
    assert time.monotonic() - began < 5
    contract.slow = 0.0
    time.sleep(1.5)  # for what the server does all the same
    assert found.interrupted
    assert set(found.counts) <= {"done", "unknown", "not tried"}
    for row in found:
        assert row.outcome == "unknown" or (row.user in contract.passwords) is (row.outcome == "done"), row


class SwitchedOff(ContractServer):
    """Checks no logins any more as soon as the first user is deleted, as a server may that reads its settings again."""

    def DeleteCredential(self, *arguments):
        self.authorization = False
        return super().DeleteCredential(*arguments)


@pytest.mark.parametrize("version", ["2.3.5", "2.6.4"])
def test_no_wrong_password_passes_where_authorization_is_switched_off_meanwhile(version):
    """Each row has a control that was sent after its login, so the way of checking changes, and not what passes."""
    wrong = {f"user{number}" for number in range(60)} - {"user0", "user30", "user59"}
    with serving(SwitchedOff(version)) as (contract, address):
        contract.passwords |= {name: password.encode() for name, password in people(60).items()}
        connections.connect(uri=f"http://{address}", user="root", password="Milvus")
        shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
        shell.run_line_magic("load_ext", "milvus_magics")
        shell.user_ns["leavers"] = {**people(60), **dict.fromkeys(wrong, "a-wrong-password")}
        found = shell.run_line_magic("milvus_delete_users", "leavers --yes")
        shell.run_line_magic("unload_ext", "milvus_magics")
        connections.close_all()
    assert not contract.authorization
    assert {row.user for row in found if row.outcome == "refused"} == wrong
    assert {row.reason.replace(row.user, "…") for row in found if row.user in wrong} == {
        "the password given for user '…' is wrong"
    }
    assert found.counts == {"done": 3, "refused": 57}
    assert set(contract.passwords) == {"root", *wrong}


class Counting(Limited):
    """Counts logins by whether they are right; the first so many wrong ones find nobody there."""

    def __init__(self, version):
        super().__init__(version)
        self.right, self.wrong, self.to_lose = 0, 0, 0

    def answer(self, method, metadata, data):
        if method == "GetVersion":
            time.sleep(0.01)
            is_right = metadata["authorization"] in RIGHT_HEADERS
            with self._lock:
                self.right, self.wrong = self.right + is_right, self.wrong + (not is_right)
                is_away = not is_right and self.wrong <= self.to_lose
            if is_away:
                raise Denied(StatusCode.UNAVAILABLE, "not now")
        return super().answer(method, metadata, data)


RIGHT_HEADERS = {base64.b64encode(f"user{number}:{PASSWORD}".encode()).decode() for number in range(200)}


@pytest.mark.parametrize("to_lose", [0, 30])
def test_rows_share_their_negative_controls(to_lose):
    """Several whose logins passed take the answer of one random login, sent after all of theirs; also if it fails."""
    with serving(Counting("2.6.4")) as (contract, address):
        contract.passwords |= {name: password.encode() for name, password in people(200).items()}
        contract.limit, contract.to_lose = lambda: None, to_lose
        conn = Connection(Address.parse(address, user="root", password="Milvus"))
        assert delete_users(conn, people(200)).counts == {"done": 200}
        conn.close()
    assert contract.right == 200
    assert 0 < contract.wrong - to_lose <= 100


def test_no_more_are_in_flight_than_the_window_takes(limited):
    """It begins small; the server never sees more than the most."""
    contract, conn = limited
    contract.limit, contract.max_users = lambda: None, 2000
    assert create_users(conn, people(1000)).counts == {"done": 1000}
    assert 1 < contract.most_at_once <= MAX_WINDOW


def rounds(window, rate_at, count):
    """The sizes that a window takes, where the rate is a function of its size."""
    sizes = []
    for _ in range(count):
        sizes.append(window.size)
        window._started = time.monotonic() - 6 * window.size / rate_at(window.size)
        for _ in range(6 * window.size):
            window.count_row()
    return sizes


def test_the_window_grows_while_that_helps_and_no_further():
    """Towards the best size where there is one, to the most where more is always better."""
    best_at_16 = rounds(Window(), lambda size: 1000 - 20 * abs(size - 16), 30)
    assert best_at_16[0] == FIRST_WINDOW
    assert sum(size in (8, 16, 32) for size in best_at_16[3:]) == 27
    assert rounds(Window(), lambda size: 100 * size, 10)[-1] == MAX_WINDOW
