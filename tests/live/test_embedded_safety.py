"""The embedded Milvus among others on its machine: who tries to log in, what leads elsewhere, odd names, full disks."""

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import milvus_magics
from milvus_magics import embedded
from milvus_magics.embedded import binaries
from milvus_magics.secret import Secret
from milvus_magics.transport.address import Address
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline

ODD = "-a #1 50%20? a,b;c:d \"q\" 'r' $HOME ${HOME} {{x}} ~ \\ * [y] \n\t é e\u0301 ☃ \U0001f600 \u202e"


def connect(server):
    user = server.user if server.password else ""
    return Connection(Address.parse(server.uri, user=user, password=server.password))


def users(server):
    conn = connect(server)
    try:
        return list(conn.call_checked("ListCredUsers", deadline=Deadline(20)).usernames)
    finally:
        conn.close()


# Tries every TCP port that a process of this directory listens on, each all the time.
ATTACKER = """
import os, sys, threading, time
from contextlib import suppress
from pathlib import Path
from milvus_magics.errors import AuthenticationError, MilvusException
from milvus_magics.secret import Secret
from milvus_magics.transport.address import Address
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline
from processes import processes

def listening(directory):
    links = set()
    for pid in processes(directory):
        with suppress(OSError):
            links |= {os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir()}
    lines = [l.split() for t in ("tcp", "tcp6") for l in Path("/proc/net", t).read_text().splitlines()[1:]]
    found = [words for words in lines if words[3] == "0A" and f"socket:[{words[9]}]" in links]
    return {int(words[1].rpartition(":")[2], 16) for words in found}

def attack(port):
    while True:
        conn = Connection(Address.parse(f"http://127.0.0.1:{port}", user="root", password="Milvus"))
        try:
            password = Secret("intruder-1")
            conn.call_checked("CreateCredential", deadline=Deadline(1), username="intruder", password=password)
            print("is in", flush=True)
        except AuthenticationError:
            print("refused", flush=True)
        except MilvusException:
            pass
        finally:
            conn.close()
        time.sleep(0.01)

seen = set()
print("ready", flush=True)
while True:
    for port in listening(sys.argv[1]) - seen:
        seen.add(port)
        threading.Thread(target=attack, args=(port,), daemon=True).start()
    time.sleep(0.01)
"""


def run_under_attack(data_dir, **options):
    """Start a server that isn't isolated; returns its users and what came of the attacks."""
    attacker = subprocess.Popen(
        [sys.executable, "-c", ATTACKER, data_dir], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    try:
        assert attacker.stdout.readline() == "ready\n"
        with embedded.start(data_dir, isolate=False, **options) as server:
            names = users(server)
    finally:
        attacker.kill()
        output = attacker.communicate()[0]
    return names, set(output.splitlines())


def test_nobody_gets_in_by_the_wellknown_password(tmp_path, figure):
    """Without isolation, somebody who tries it on every port all the time is refused from the first moment on.

    Also where the data has a root with that password, as a server without authorization leaves it; there they get in.
    """
    _, outcomes = run_under_attack(tmp_path / "open", authorization=False)
    assert "is in" in outcomes, "the attacker finds every way that there is"
    for directory, expected in ((tmp_path / "new", ["root"]), (tmp_path / "open", ["intruder", "root"])):
        names, outcomes = run_under_attack(directory)
        assert outcomes == {"refused"}, "the attacker reached Milvus, and never got in"
        assert sorted(names) == expected
    figure("embedded", attacked=2)


def test_odd_names_of_all_directories(tmp_path, monkeypatch):
    """Data, temporary files and programs may be in directories of any name; the data is there and nowhere else."""
    odd, programs = tmp_path / ODD, binaries.unpack(binaries.find_binaries(), tmp_path, print)
    for name in ("tmp", "cache"):
        (odd / name).mkdir(mode=0o700, parents=True)
    shutil.copytree(programs, odd / "cache" / "milvus-magics" / programs.name)
    monkeypatch.setenv("XDG_CACHE_HOME", str(odd / "cache"))
    monkeypatch.setattr("tempfile.tempdir", str(odd / "tmp"))
    said = []
    with embedded.start(odd / "data", progress=said.append) as server:
        conn = connect(server)
        conn.call_checked("CreateCredential", deadline=Deadline(20), username="ann", password=Secret("secret-1"))
        conn.close()
    with embedded.start(odd / "data", isolate=False, progress=said.append) as server:
        assert users(server) == ["ann", "root"]
    with embedded.start(progress=said.append) as server:
        assert server.data_dir.parent == odd / "tmp"
        assert users(server) == ["root"]
    assert not any("unpacking" in text for text in said), "the programs came from the odd cache"
    assert {path.name for path in tmp_path.iterdir()} == {ODD}
    assert {path.name for path in odd.iterdir()} == {"tmp", "cache", "data"}
    assert list((odd / "data" / "data" / "etcd.data").iterdir())


def run_with_own_tmp(script, *arguments):
    """Run a script where /tmp and /run are its own, though the programs that it needs are as they were."""
    needed = [sys.prefix, sys.base_prefix, str(Path(milvus_magics.__file__).parent.parent), *sys.path]
    needed += [str(binaries.cache_directory()), *map(str, arguments)]
    head = f"""
    import os, subprocess, sys
    from pathlib import Path
    from milvus_magics import embedded
    from milvus_magics.embedded.keeper.fixed_paths import hide_parents
    from milvus_magics.errors import EmbeddedServerError
    with hide_parents({needed!r}):
    """
    code = textwrap.dedent(head).rstrip() + "\n" + textwrap.indent(textwrap.dedent(script), "    ")
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True, text=True, timeout=100, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("isolate", [True, False])
def test_links_at_fixed_paths_lead_milvus_nowhere(tmp_path, isolate):
    """With isolation it doesn't see them, and makes nothing there; without, it is refused, and the error says why."""
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "standalone.pid").write_text("mine")
    script = """
    os.symlink(sys.argv[1], "/tmp/milvus")
    try:
        with embedded.start(isolate=sys.argv[2] == "True") as server:
            print("started", os.listdir("/run"))
    except EmbeddedServerError as exc:
        print(exc)
    print(*(name for name in os.listdir("/tmp") if name.startswith("milvus")), os.readlink("/tmp/milvus"))"""
    said = run_with_own_tmp(script, precious, isolate)
    refusal = "/tmp/milvus is no directory, and Milvus would write there: have it removed, then try again"
    assert said == ["started []" if isolate else refusal, f"milvus {precious}"]
    assert {file.name: file.read_text() for file in precious.iterdir()} == {"standalone.pid": "mine"}


def test_a_full_disk_is_told_and_nothing_is_left(tmp_path):
    """On a disk of 8 MB: one error of ours, and no half of a program."""
    script = """
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", "/run"], check=True)
    os.environ["XDG_CACHE_HOME"] = "/run/cache"
    try:
        embedded.start("/run/data")
    except EmbeddedServerError as exc:
        print(exc)
    print(sum(path.stat().st_size for path in Path("/run").rglob("*") if path.is_file()) < 100_000)"""
    error, is_empty = run_with_own_tmp(script)
    assert error.startswith(
        "Milvus's programs (250 MB) can be unpacked nowhere: /run/cache/milvus-magics: no space left"
    )
    assert is_empty == "True"
