"""The embedded Milvus: reachable by its owner only, gone with its process, data kept. A missing server is a failure."""

import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from processes import processes, wait_until

from milvus_magics import embedded
from milvus_magics.errors import AuthenticationError, EmbeddedServerError, UserExistsError
from milvus_magics.secret import Secret
from milvus_magics.transport.address import Address
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.credentials import Login
from milvus_magics.transport.deadline import Deadline

LISTEN = "0A"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with embedded.start(tmp_path_factory.mktemp("milvus") / "data", tcp_port=0) as running:
        yield running


def connect(server, uri=None):
    return Connection(Address.parse(uri or server.uri, user=server.user, password=server.password))


def users(conn):
    return list(conn.call_checked("ListCredUsers", deadline=Deadline(20)).usernames)


def create(conn, user):
    return conn.call_checked("CreateCredential", deadline=Deadline(40), username=user, password=Secret("secret-1"))


def listening(pid):
    """TCP ports that somebody listens on in the network of a process."""
    ports = set()
    for table in ("tcp", "tcp6"):
        lines = Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
        ports |= {int(f[1].rpartition(":")[2], 16) for f in map(str.split, lines) if f[3] == LISTEN}
    return ports


def test_root_has_a_random_password_over_socket_and_tcp(server):
    """Both ways in want the new password; the well-known one opens neither."""
    for uri in (server.uri, f"http://{server.address}"):
        conn = connect(server, uri)
        assert users(conn) == ["root"]
        for login in (None, Login("root", Secret("Milvus"))):
            with pytest.raises(AuthenticationError):
                conn.call("GetVersion", deadline=Deadline(10), login=login)
        conn.close()


def test_no_port_of_it_can_be_reached_from_outside(server):
    """Every port that listens inside gets nowhere from this machine's other address, nor from loopback."""
    assert server.isolated, f"isolation is what this test is about: {server.warning}"
    inside = listening(next(pid for pid in processes(server.data_dir) if b"standalone" in cmdline(pid)))
    assert {19530, 2379, 9091} <= inside
    ours = int(server.address.rpartition(":")[2])
    for host in {"127.0.0.1", *own_addresses()}:
        ports = inside - listening("self") if host == "127.0.0.1" else (inside | {ours}) - listening_elsewhere(ours)
        for port in ports:
            with pytest.raises(OSError, match=r"refused|timed out|unreachable"):
                socket.create_connection((host, port), timeout=1).close()


def cmdline(pid):
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def own_addresses():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(("192.0.2.1", 9))  # sends nothing; picks the address that faces outwards
        except OSError:
            return set()
        return {sock.getsockname()[0]}


def listening_elsewhere(ours):
    return listening("self") - {ours}


def test_files_are_private(server):
    """Only the owner can enter the socket's directory and the data directory."""
    for directory in (Path(server.uri.removeprefix("unix:")).parent, server.data_dir):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700, f"{directory} is private"


def test_password_is_nowhere_on_disk_or_in_a_process(server):
    """Root's password is only in memory."""
    secret = server.password.encode()
    for path in server.data_dir.rglob("*"):
        assert not path.is_file() or secret not in path.read_bytes(), f"no password in {path}"
    for pid in processes(server.data_dir):
        assert secret not in cmdline(pid) + Path(f"/proc/{pid}/environ").read_bytes(), "no password in a process"
    assert server.password.reveal() not in repr(server)


def test_second_server_on_a_directory_is_refused(server):
    """The refusal names the directory."""
    with pytest.raises(EmbeddedServerError, match="is in use by another embedded Milvus") as caught:
        embedded.start(server.data_dir)
    assert str(server.data_dir) in str(caught.value)


def test_data_is_kept_and_the_password_is_new(tmp_path):
    """A user is still there after reopening; root's old password is not."""
    directory = tmp_path / "data"
    with embedded.start(directory) as first:
        conn = connect(first)
        create(conn, "ann")
        conn.close()
    assert not processes(directory), "stop waits until every process is gone"
    with embedded.start(directory) as second:
        conn = connect(second)
        assert users(conn) == ["ann", "root"]
        with pytest.raises(UserExistsError):
            create(conn, "ann")
        with pytest.raises(AuthenticationError):
            conn.call("GetVersion", deadline=Deadline(10), login=Login("root", first.password))
        conn.close()


STARTER = """
import sys, time
from milvus_magics import embedded
server = embedded.start(sys.argv[1])
print(server.uri, flush=True)
time.sleep(600)
"""


def test_it_ends_when_its_process_is_killed(tmp_path):
    """SIGKILL leaves neither a process nor a socket directory; SIGINT to the group leaves the server alone."""
    directory = tmp_path / "data"
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, directory], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    path = Path(starter.stdout.readline().strip().removeprefix("unix:"))
    assert path.is_socket()
    milvus = [pid for pid in processes(directory) if b"standalone" in cmdline(pid)]
    assert os.getsid(milvus[0]) != os.getsid(starter.pid), "an interrupted kernel keeps its server"
    starter.send_signal(signal.SIGKILL)
    starter.wait()
    starter.stdout.close()
    wait_until(lambda: not processes(directory), seconds=8)
    wait_until(lambda: not path.parent.exists(), seconds=8)


def test_directories_of_others_are_refused(tmp_path):
    """Somebody's files are not taken over, and a file is no directory."""
    (tmp_path / "precious").write_text("x")
    with pytest.raises(EmbeddedServerError, match="holds files that are not an embedded Milvus's"):
        embedded.start(tmp_path)
    with pytest.raises(EmbeddedServerError, match="is a file, not a directory"):
        embedded.start(tmp_path / "precious")


def test_other_platforms_get_a_way_on(monkeypatch):
    """Where no wheel exists the error says what to do instead."""
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    with pytest.raises(EmbeddedServerError, match="connect to a server instead: %milvus_connect URI"):
        embedded.start()


def test_authorization_off_and_no_isolation(tmp_path):
    """Without isolation it says what is exposed; without authorization nobody needs a password."""
    with embedded.start(authorization=False, isolate=False) as running:
        assert "ask for no password" in running.warning
        conn = Connection(Address.parse(running.uri))
        assert conn.call_checked("GetVersion", deadline=Deadline(10)).version
        conn.close()
        directory = running.data_dir
    assert not directory.exists()


def run_script(script, *arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options,
    )  # fmt: skip


def test_two_that_unpack_at_once(tmp_path):
    """Two kernels started together in a fresh home: one unpacks, the other waits, both get a whole Milvus."""
    script = """
import sys
from milvus_magics.embedded import binaries
from pathlib import Path
print(binaries.unpack(binaries.find_binaries(), Path(sys.argv[1]), print))"""
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    both = [run_script(script, tmp_path / "data", env=environment) for _ in range(2)]
    said = [process.communicate(timeout=120)[0].splitlines() for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sum("unpacking" in line for lines in said for line in lines) == 1, "only one of them unpacks"
    (target,) = {lines[-1] for lines in said}
    assert os.access(Path(target) / "milvus", os.X_OK)
    assert sorted(path.name for path in (tmp_path / "cache" / "milvus-magics").iterdir()) == sorted(
        [Path(target).name, f"{Path(target).name}.lock"]
    )


def test_forked_child_does_not_keep_the_server(tmp_path):
    """A child forked by the kernel (multiprocessing, `!cmd`) that lives on holds nothing up and ends nothing."""
    script = """
import os, sys, time
from milvus_magics import embedded
server = embedded.start(sys.argv[1])
child = os.fork()
if child == 0:
    devnull = os.open(os.devnull, os.O_RDWR)
    os.dup2(devnull, 1), os.dup2(devnull, 2)
    time.sleep(60)
    os._exit(0)
quick = os.fork()
if quick == 0:
    sys.exit(0)  # runs the exit handlers of the fork
os.waitpid(quick, 0)
print(server.alive(), child, flush=True)
os._exit(0)  # no exit handler, as if killed"""
    process = run_script(script, tmp_path / "data")
    alive, child = process.communicate(timeout=120)[0].split()[-2:]
    try:
        assert alive == "True", "a child that ends leaves its parent's server alone"
        wait_until(lambda: not set(processes(tmp_path / "data")) - {int(child)})
    finally:
        os.kill(int(child), signal.SIGKILL)
