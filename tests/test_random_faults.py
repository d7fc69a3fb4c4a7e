"""Random faults while many users are created and deleted: result, audit, stores, file and server agree afterwards.

`make soak` runs a thousand examples instead of fifty, other ones each time.
"""

import csv
import gc
import io
import os
import signal
import stat
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

import grpc
import hypothesis
import pytest
from contract import ContractServer, Denied, Refusal
from cutting import cutting
from greenlet import greenlet
from hypothesis import strategies as st
from tqdm import TMonitor

from milvus_magics import connections
from milvus_magics.bulk.password_file import PasswordFile
from milvus_magics.bulk.results import ALREADY, DONE, MISSING, NOT_TRIED, PARTLY, REFUSED, UNKNOWN
from milvus_magics.bulk.row import RowJob
from milvus_magics.errors import ParameterError
from milvus_magics.session import session
from milvus_magics.session.generated_passwords import GeneratedPasswords
from milvus_magics.session.journal import Journal
from milvus_magics.session.undo_store import UndoStore

EXAMPLES = int(os.environ.get("SOAK_SEQUENCES", "50"))
ROWS = 200
USERS = [f"user{number}" for number in range(ROWS)]
ROLES = ("reader", "writer")
ALIASES = ("here", "there")
CREATION, DELETION, GRANT = "CreateCredential", "DeleteCredential", "OperateUserRole"
UNCHANGED = (ALREADY, MISSING, NOT_TRIED, REFUSED)
MAX_INTERRUPTS = 2
SECONDS_AT_MOST = 30
SECONDS_FOR_A_CALL = 0.3
SECONDS_LATE = 0.5
SECONDS_BETWEEN_INTERRUPTS = 0.05  # two that come together are one
POOL = "faulty server"


class Fault(NamedTuple):
    """What becomes of one request that changes something.

    Attributes:
        server: to which of the two.
        row: for whom, counted from 0.
        method: which request.
        answers: what the server does with it, and then with those that repeat it; further ones are answered plainly.
        meanwhile: what else happens when it comes first.
    """

    server: int
    row: int
    method: str
    answers: tuple = ()
    meanwhile: str = ""


class Example(NamedTuple):
    """A magic, and what happens to it.

    Attributes:
        magic: its name.
        options: of its line.
        with_roles: whether users are created with roles.
        wrong: the rows, counted from 0, whose password is wrong.
        authorization: whether servers look at logins.
        servers: how many.
        faults: what goes wrong.
    """

    magic: str
    options: str = ""
    with_roles: bool = False
    wrong: frozenset = frozenset()
    authorization: bool = True
    servers: int = 1
    faults: tuple = ()

    @property
    def is_creation(self):
        return self.magic == "create_users"

    def rows(self):
        """What the magic is given."""
        for number, user in enumerate(USERS):
            row = {"user": user}
            if self.with_roles:
                row["roles"] = list(roles_of(user))
            if self.magic == "delete_users":
                row["password"] = "somebody-elses" if number in self.wrong else password_of(user)
            yield row


def roles_of(user):
    """The roles that a user has, or is to have: none, one or two."""
    return ROLES[: int(user.removeprefix("user")) % 3]


def password_of(user):
    return f"password-of-{user}"


class FaultyServer(ContractServer):
    """Has some of the users, and answers as its faults say. What it changes, it changes one after another.

    Args:
        example: which users and faults there are.
        number: of this server.
        happen: does what happens meanwhile.
    """

    def __init__(self, example, number, happen):
        super().__init__("2.6.4", authorization=example.authorization)
        self.max_users = 2 * ROWS
        self.roles |= dict.fromkeys(ROLES, "")
        present = USERS[:3] if example.is_creation else USERS[:-3]
        self.passwords |= {user: password_of(user).encode() for user in present}
        self.bindings = {(user, role) for user in present for role in roles_of(user)}
        self.before = self.state()
        self._happen, self._lock = happen, threading.Lock()
        own = [fault for fault in example.faults if fault.server == number]
        self._answers = {(fault.method, USERS[fault.row]): list(fault.answers) for fault in own}
        self._meanwhile = {(fault.method, USERS[fault.row]): fault.meanwhile for fault in own}

    def state(self):
        """User -> their password and roles."""
        return {
            user: (password, {role for holder, role in self.bindings if holder == user})
            for user, password in self.passwords.items()
        }

    def CreateCredential(self, *call):
        self._act(CREATION, *call)

    def DeleteCredential(self, *call):
        self._act(DELETION, *call)

    def OperateUserRole(self, *call):
        self._act(GRANT, *call)

    def _act(self, method, request, *caller):
        key = method, request.username
        answers = self._answers.get(key)
        answer = answers.pop(0) if answers else "plain"
        self._happen(self._meanwhile.pop(key, ""))
        if answer == "late":
            time.sleep(SECONDS_LATE)
        if answer in INSTEAD:
            INSTEAD[answer](self)
        with self._lock:
            getattr(super(), method)(request, *caller)
        if answer in AFTERWARDS:
            AFTERWARDS[answer](self)


def deny(code, words):
    """What a server does that answers by an error of gRPC's."""

    def act(_):
        raise Denied(code, words)

    return act


def refuse(legacy, code, reason):
    """What a server does that answers by a status."""

    def act(_):
        raise Refusal(legacy, code, reason)

    return act


lose = deny(grpc.StatusCode.UNAVAILABLE, "Socket closed")
INSTEAD = {
    "lost before": lose,
    "failed before": refuse(1, 65535, "the coordinator is gone"),
    "refused": refuse(5, 1100, "not that one"),
    "denied": deny(grpc.StatusCode.PERMISSION_DENIED, "PrivilegeCreateOwnership: permission deny to root"),
    "limited": refuse(49, 8, "please retry later"),
}
AFTERWARDS = {
    "lost after": lose,
    "failed after": refuse(1, 65535, "the coordinator is gone"),
}


@contextmanager
def serve(server):
    """Its address; at the end everything that it was asked for is done."""
    pool = ThreadPoolExecutor(32, thread_name_prefix=POOL)
    running = grpc.server(pool)
    running.add_generic_rpc_handlers((server,))
    port = running.add_insecure_port("127.0.0.1:0")
    running.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        running.stop(0).wait()
        pool.shutdown()


class World:
    """The servers of an example, with a connection to each, and one elsewhere; and what came of the magic.

    Attributes:
        servers: with the connection to each as `conn`, and its `url`.
        result: of the magic, or of its error; None if it has none.
        error: which the magic raised; None if it came to its end.
        seconds: how long it took.
        leftovers: what is left of it: threads, greenlets.
    """

    def __init__(self, example, shell, folder):
        self.example, self._shell, self.folder = example, shell, Path(folder)
        self.servers = [FaultyServer(example, number, self._happen) for number in range(example.servers)]
        self.elsewhere = ContractServer("2.6.4")
        self.result, self.error, self.said = None, None, io.StringIO()
        self.file = self.folder / "passwords.csv"
        self._proxies, self._interrupts_left, self._is_running = [], MAX_INTERRUPTS, False

    def run(self):
        """Run the magic, and wait until nothing goes on any more."""
        session.journal.clear()
        handler = signal.signal(signal.SIGINT, self._on_interrupt)
        try:
            with ExitStack() as stack:
                self._connect(stack)
                threads = set(threading.enumerate())
                self._run_magic()
                self.is_handler_back = signal.getsignal(signal.SIGINT) == self._on_interrupt
                connections.close_all()
                self.leftovers = find_leftovers(threads)
        finally:
            signal.signal(signal.SIGINT, handler)

    def _connect(self, stack):
        self._address_elsewhere = stack.enter_context(serve(self.elsewhere))
        is_cut = any(fault.meanwhile.startswith("cut") for fault in self.example.faults)
        for alias, server in zip(ALIASES, self.servers, strict=False):
            address = stack.enter_context(serve(server))
            if is_cut:  # else it only takes time
                self._proxies.append(stack.enter_context(cutting(address)))
                address = self._proxies[-1].address
            self._bind(alias, address)
            server.conn = connections.get(alias)
            server.url = server.conn.address.url

    @staticmethod
    def _bind(alias, address):
        connections.connect(alias, "root", "Milvus", uri=f"http://{address}")

    def _run_magic(self):
        using, options = ",".join(ALIASES[: self.example.servers]), self.example.options
        own = f"--passwords-to {self.file}" if self.example.is_creation else "--yes"
        line = f"rows --using {using} --timeout {SECONDS_FOR_A_CALL} {own} {options}"
        self._shell.user_ns["rows"] = list(self.example.rows())
        began = time.monotonic()
        self._is_running = True
        try:
            with redirect_stdout(self.said), redirect_stderr(self.said):
                self.result = self._shell.run_line_magic(f"milvus_{self.example.magic}", line)
        except BaseException as exc:
            self.error, self.result = exc, getattr(exc, "result", None)
        self._is_running = False
        self.seconds = time.monotonic() - began

    def _happen(self, what):
        """Do what happens meanwhile, in a thread of a server."""
        if what.startswith("interrupt"):
            self._interrupt()
        if what == "interrupt twice":
            time.sleep(SECONDS_BETWEEN_INTERRUPTS)
            self._interrupt()
        if what.startswith("cut"):
            for proxy in self._proxies:
                proxy.mode = what
        if what in ALIASES:
            self._bind(what, self._address_elsewhere)

    def _interrupt(self):
        # Only while rows are carried out: in between, an interrupt may also come when the magic has returned.
        if self._interrupts_left and signal.getsignal(signal.SIGINT) != self._on_interrupt:
            self._interrupts_left -= 1
            os.kill(os.getpid(), signal.SIGINT)

    def _on_interrupt(self, number, frame):
        if self._is_running:
            raise KeyboardInterrupt


def find_leftovers(threads, seconds=5.0):
    """Threads that were not there before, and greenlets; after some time to end."""
    end = time.monotonic() + seconds
    while found := [thread for thread in set(threading.enumerate()) - threads if is_ours(thread)]:
        if time.monotonic() >= end:
            break
        time.sleep(0.01)
    return [*found, *(one for one in gc.get_objects() if type(one) is greenlet and one and one.parent is not None)]


def is_ours(thread):
    """Whether a thread is neither the server's nor that of tqdm, which stays."""
    return not thread.name.startswith(POOL) and not isinstance(thread, TMonitor)


# The law.


def check(example, shell):
    """Run an example, and compare all that is known of it afterwards; returns what came of it."""
    with tempfile.TemporaryDirectory() as folder:
        world = World(example, shell, folder)
        try:
            world.run()
            assert world.is_handler_back
            assert not world.leftovers
            assert world.seconds < SECONDS_AT_MOST
            assert set(world.elsewhere.passwords) == {"root"}
            if world.result is None:
                assert_nothing_happened(world)
                return world
            for server in world.servers:
                assert_server_agrees(world, server)
            if example.is_creation:
                assert_file_agrees(world)
            return world
        finally:
            session.close()


def assert_nothing_happened(world):
    """An error that has no result comes before the first change."""
    assert all(server.state() == server.before for server in world.servers), repr(world.error)
    assert not session.journal.entries()
    assert not session.generated_passwords.list_passwords()
    assert list(world.folder.iterdir()) == []


def assert_server_agrees(world, server):
    """Each row, and what the server, the audit and the stores have of its user."""
    rows = sorted(row for row in world.result if row.server == server.url)
    assert [(row.row, row.user) for row in rows] == [*enumerate(USERS, 1)]
    state, entries = server.state(), {user: set() for user in USERS}
    assert state.keys() <= {"root", *USERS}
    for entry in session.journal.entries():
        if entry.server == server.url:
            entries[entry.target.split()[0]].add(entry.outcome)
    for row in rows:
        before, after = server.before.get(row.user), state.get(row.user)
        is_true = is_true_of_creation if world.example.is_creation else is_true_of_deletion
        agrees = {
            "outcome": is_true(world.example, row, before, after),
            "audit": is_audited(row, entries[row.user], is_changed=before != after),
            "undo": find_undo_record(server.conn, row.user) == expected_undo_record(world.example, row, before),
            "password": session.generated_passwords.find(server.url, row.user) == expected_password(row),
        }
        wrong = [what for what, is_so in agrees.items() if not is_so]
        assert not wrong, f"{wrong} of {row}: {before} before, {after} after, {entries[row.user]}"


def is_true_of_creation(example, row, before, after):
    """Whether the outcome says what became of a user; those who are there have the password that was made up."""
    if row.outcome in UNCHANGED:
        return after == before
    if after is None:
        return row.outcome == UNKNOWN
    wanted = set(roles_of(row.user)) if example.with_roles else set()
    if after[0] != row.password.encode() or not after[1] <= wanted:
        return False
    # Of the last role, an interrupt may leave open whether it was given.
    return {DONE: after[1] == wanted, PARTLY: bool(wanted), UNKNOWN: True}[row.outcome]


def is_true_of_deletion(example, row, before, after):
    """Whether the outcome says what became of a user; none is deleted by halves, or with a wrong password."""
    if row.outcome in UNCHANGED or row.row - 1 in example.wrong:
        return row.outcome in UNCHANGED and after == before
    return (after is None and row.outcome != PARTLY) or (after == before and row.outcome == UNKNOWN)


def is_audited(row, outcomes, *, is_changed):
    """Whether the audit knows as much as the row does, and of every change."""
    if row.outcome == UNKNOWN:
        return UNKNOWN in outcomes
    if row.outcome == DONE or is_changed:
        return bool({DONE, UNKNOWN} & outcomes)
    return DONE not in outcomes


def find_undo_record(conn, user):
    """The roles that could be restored to a user; None if they could not be restored."""
    try:
        return session.undo.find_user(conn, user).roles
    except ParameterError:
        return None


def expected_undo_record(example, row, before):
    """The roles of a user who is, or may be, deleted."""
    return None if example.is_creation or row.outcome not in (DONE, UNKNOWN) else tuple(sorted(before[1]))


def expected_password(row):
    """The one that was made up for a user who may be there."""
    return row.password if row.may_be_created else None


def assert_file_agrees(world):
    """It is private, stands alone, and has the passwords of those who may be there; after an error, of more."""
    assert list(world.folder.iterdir()) == [world.file]
    assert stat.S_IMODE(world.file.stat().st_mode) == 0o600
    with world.file.open(newline="", encoding="utf-8") as stream:
        written = {row["user"]: row["password"] for row in csv.DictReader(stream)}
    passwords = {user: password.reveal() for user, password in world.result.passwords.items()}
    is_so = passwords.items() <= written.items() if world.error else passwords == written
    assert is_so, f"['file'] of {len(written)} passwords, where {len(passwords)} are needed"
    for server in world.servers:
        for user in server.passwords.keys() - server.before.keys():
            assert server.passwords[user] == written[user].encode()


# Examples.

ANSWERS = [*INSTEAD, *AFTERWARDS, *AFTERWARDS, "lost before", "limited", "late", "late", "plain"]
FOR_EVER = ("lost before",) * 4  # nobody tries more often; it takes 7 s until such a row is given up
MEANWHILE = ["interrupt", "interrupt", "interrupt twice", "cut before", "cut after", *ALIASES]


@st.composite
def examples(draw):
    """Most rows are plainly answered; few are cut, as gRPC waits for a second then, and few lost for ever."""
    magic = draw(st.sampled_from(["create_users", "create_users", "delete_users", "drop_users"]))
    with_roles = magic == "create_users" and draw(st.booleans())
    methods = ([CREATION, GRANT] if with_roles else [CREATION]) if magic == "create_users" else [DELETION]
    servers = draw(st.sampled_from([1, 1, 1, 2]))
    answers = st.lists(st.sampled_from(ANSWERS), max_size=3).map(tuple)
    fault = st.builds(
        Fault,
        server=st.integers(0, servers - 1),
        row=st.integers(3, ROWS - 4),
        method=st.sampled_from(methods),
        answers=st.integers(0, 99).flatmap(lambda number: st.just(FOR_EVER) if number == 99 else answers),
        meanwhile=st.sampled_from([""] * 12 + MEANWHILE),
    )
    options = ["", "", "--stop-on-error"] + ([] if magic == "create_users" else ["--missing-ok"])
    return Example(
        magic=magic,
        options=draw(st.sampled_from(options)),
        with_roles=with_roles,
        wrong=draw(st.frozensets(st.integers(0, ROWS - 4), max_size=3 if magic == "delete_users" else 0)),
        authorization=draw(st.booleans()),
        servers=servers,
        faults=tuple(draw(st.lists(fault, max_size=6))),
    )


def test_all_agree_whatever_goes_wrong(shell, figure):
    """Fifty magics of two hundred rows each."""
    counts = Counter()

    @hypothesis.settings(
        max_examples=EXAMPLES, deadline=None, suppress_health_check=list(hypothesis.HealthCheck),
        derandomize="SOAK_SEQUENCES" not in os.environ, database=None,
    )  # fmt: skip
    @hypothesis.given(examples())
    def run(example):
        counts.update(row.outcome for row in check(example, shell).result or ())

    run()
    assert counts[DONE] > sum(counts.values()) / 2
    assert set(counts) == {*UNCHANGED, DONE, PARTLY, UNKNOWN}
    figure("random faults", examples=EXAMPLES, rows=sum(counts.values()), rows_not_done=counts.total() - counts[DONE])


# The smallest examples of what was wrong once.


def outcome_of(shell, number, example):
    """What is said of one row, and how long everything took."""
    world = check(example, shell)
    return world.result[number].outcome, world.seconds


@pytest.mark.parametrize("magic", ["create_users", "drop_users"])
@pytest.mark.parametrize("refusal", ["refused", "denied"])
def test_a_refused_repetition_says_nothing_of_the_first_time(shell, magic, refusal):
    """That one comes late, and is done."""
    method = CREATION if magic == "create_users" else DELETION
    example = Example(magic, faults=(Fault(0, 5, method, ("late", refusal)),))
    assert outcome_of(shell, 5, example)[0] == DONE


@pytest.mark.parametrize("magic", ["create_users", "drop_users"])
def test_what_is_done_when_it_is_given_up_is_not_done_by_halves(shell, magic):
    """A second interrupt gives up what is under way, and asks once more what became of it."""
    method = CREATION if magic == "create_users" else DELETION
    example = Example(magic, faults=(Fault(0, 100, method, meanwhile="interrupt twice"),))
    assert outcome_of(shell, 100, example)[0] == DONE


def test_nobody_is_asked_by_a_closed_connection(shell):
    """Whose alias was bound anew, with rows under way: it would be to no avail for seven seconds."""
    example = Example("create_users", faults=(Fault(0, 100, CREATION, meanwhile="here"),))
    outcome, seconds = outcome_of(shell, 100, example)
    assert outcome == UNKNOWN
    assert seconds < 5


# The law finds what is broken on purpose.

REFUSED_ROW = (Fault(0, 5, CREATION, ("refused",)),)


def breaks(monkeypatch, cls, name, broken):
    """Put a function in the place of a method, which it is given as its first argument."""
    method = getattr(cls, name)
    monkeypatch.setattr(cls, name, lambda *arguments, **options: broken(method, *arguments, **options))


def assert_found(shell, example, what):
    with pytest.raises(AssertionError) as caught:
        check(example, shell)
    assert f"'{what}'" in str(caught.value).partition(" of ")[0]


def test_a_row_that_lies_is_found(shell, monkeypatch):
    """It says `done` of what was refused."""
    said = {REFUSED: DONE}
    breaks(
        monkeypatch, RowJob, "finish", lambda finish, job, outcome, *why: finish(job, said.get(outcome, outcome), *why)
    )
    assert_found(shell, Example("create_users", faults=REFUSED_ROW), "outcome")
    example = Example("delete_users", wrong=frozenset({7}))
    assert_found(shell, example, "outcome")


def test_an_incomplete_file_is_found(shell, monkeypatch):
    """Its last password is missing; or that of a row that was refused is still there."""

    def truncate(keep_only, file, users):
        return keep_only(file, sorted(users)[:-1])

    breaks(monkeypatch, PasswordFile, "keep_only", truncate)
    assert_found(shell, Example("create_users"), "file")
    monkeypatch.setattr(PasswordFile, "keep_only", lambda *_: "")
    assert_found(shell, Example("create_users", faults=REFUSED_ROW), "file")


def test_a_lost_password_is_found(shell, monkeypatch):
    """And one that is kept though its user was refused."""
    monkeypatch.setattr(GeneratedPasswords, "remove", lambda *_: None)
    assert_found(shell, Example("create_users", faults=REFUSED_ROW), "password")
    monkeypatch.setattr(GeneratedPasswords, "add", lambda *_: None)
    assert_found(shell, Example("create_users"), "password")


def test_a_lost_entry_of_the_audit_or_of_undo_is_found(shell, monkeypatch):
    """Of what was done."""
    breaks(monkeypatch, Journal, "record", lambda record, *change: None)
    assert_found(shell, Example("drop_users"), "audit")
    monkeypatch.undo()
    breaks(monkeypatch, UndoStore, "__call__", lambda call, *change: None)
    assert_found(shell, Example("drop_users"), "undo")


def test_what_is_left_over_is_found():
    """A thread that goes on, and a function that waits for ever."""
    threads, end = set(threading.enumerate()), threading.Event()
    thread, row = threading.Thread(target=end.wait), greenlet(lambda: row.parent.switch())
    assert find_leftovers(threads) == []
    row.switch()
    assert find_leftovers(threads) == [row]
    thread.start()
    assert find_leftovers(threads, seconds=0.1) == [thread, row]
    end.set()
