"""What the embedded Milvus runs is its user's alone, and as it was unpacked; so is where it writes. No server."""

import lzma
import os
import resource
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from milvus_magics import embedded
from milvus_magics.embedded import binaries
from milvus_magics.embedded.keeper.control import StartError
from milvus_magics.embedded.keeper.fixed_paths import claim_paths
from milvus_magics.errors import EmbeddedServerError, MilvusException
from milvus_magics.secret import Secret
from milvus_magics.session import session

CONTENT = {"milvus": b"#!/bin/sh\necho Milvus\n", "libone.so": b"1" * 5000}
OTHER = b"#!/bin/sh\necho others\n"


@pytest.fixture
def packed(tmp_path):
    """What stands for the wheel's files."""
    directory = tmp_path / "packed"
    directory.mkdir()
    for name, content in CONTENT.items():
        (directory / f"{name}.lzma").write_bytes(lzma.compress(content))
    return directory


@pytest.fixture
def unpack(packed, tmp_path, monkeypatch):
    """Unpack into a cache of our own; returns the directory, and whether it was done anew."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def unpack():
        said = []
        return binaries.unpack(packed, tmp_path / "fallback", said.append), bool(said)

    return unpack


def content(directory):
    return {file.name: file.read_bytes() for file in directory.iterdir() if file.name != binaries.RECORD}


def test_unpacked_once(unpack, tmp_path):
    """The second start takes what the first one unpacked; it all belongs to the user alone."""
    directory, is_new = unpack()
    assert is_new
    assert content(directory) == CONTENT
    assert directory.is_relative_to(tmp_path / "cache")
    assert all(not file.stat().st_mode & 0o077 for file in (directory, *directory.iterdir()))
    assert unpack() == (directory, False)


def replace_by_link(path):
    path.rename(path.parents[3] / path.name)
    path.symlink_to(path.parents[3] / path.name)


def put_directory_at(path):
    path.unlink()
    path.mkdir()


DAMAGES = {
    **{
        f"record is {text!r}": lambda directory, text=text: (directory / binaries.RECORD).write_bytes(text)
        for text in (b"", b"{}", b"[]", b"3", b"null", b'{"milvus": null}', b"\xff\x00", b"[" * 100_000)
    },
    "no record": lambda directory: (directory / binaries.RECORD).unlink(),
    "record is a directory": lambda directory: put_directory_at(directory / binaries.RECORD),
    "same size": lambda directory: (directory / "milvus").write_bytes(OTHER),
    "cut": lambda directory: (directory / "libone.so").write_bytes(b"1"),
    "one missing": lambda directory: (directory / "libone.so").unlink(),
    "one more": lambda directory: (directory / "libtwo.so").write_bytes(b"2"),
    "a link": lambda directory: replace_by_link(directory / "milvus"),
    "a pipe": lambda directory: [(directory / "milvus").unlink(), os.mkfifo(directory / "milvus", 0o700)],
    "a directory": lambda directory: put_directory_at(directory / "milvus"),
    "file that others may write": lambda directory: (directory / "milvus").chmod(0o777),
    "record that others may write": lambda directory: (directory / binaries.RECORD).chmod(0o666),
    "directory that others may write": lambda directory: directory.chmod(0o777),
    "all of it a link": lambda directory: replace_by_link(directory),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_damaged_is_unpacked_anew(unpack, damage):
    """Whatever is wrong with it; then it is as it was, and stays."""
    directory, _ = unpack()
    assert len(OTHER) == len(CONTENT["milvus"])
    DAMAGES[damage](directory)
    assert unpack() == (directory, True), damage
    assert content(directory) == CONTENT
    assert not directory.is_symlink()
    assert unpack() == (directory, False)


def test_another_wheel_is_unpacked_anew(unpack, packed):
    """The digests are those of the wheel that is installed now."""
    directory, _ = unpack()
    (packed / "milvus.lzma").write_bytes(lzma.compress(OTHER))
    assert unpack() == (directory, True)
    assert (directory / "milvus").read_bytes() == OTHER


def test_a_cache_that_others_can_replace_is_not_used(unpack, tmp_path):
    """A directory above it that everybody may write is none; one like /tmp, where all keep what is theirs, is."""
    cache = tmp_path / "cache"
    cache.mkdir()
    cache.chmod(0o777)
    directory, _ = unpack()
    assert directory.is_relative_to(tmp_path / "fallback")
    cache.chmod(0o1777)
    directory, _ = unpack()
    assert directory.is_relative_to(cache)


def test_our_own_cache_is_closed_to_others(unpack):
    """Its mode is mended; what lies in it is checked as always."""
    directory, _ = unpack()
    directory.parent.chmod(0o777)
    assert unpack() == (directory, False)
    assert not directory.parent.stat().st_mode & 0o022


def test_programs_of_somebody_else_are_not_run(unpack, monkeypatch):
    """Where nothing is ours, nothing is used, and the error says so."""
    directory, _ = unpack()
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.raises(EmbeddedServerError, match="can be unpacked nowhere: .*belongs to somebody else; .*fallback"):
        unpack()
    assert content(directory) == CONTENT, "and what is theirs stays"


LIMITED = """
import sys
from pathlib import Path
from milvus_magics.embedded import binaries
from milvus_magics.errors import EmbeddedServerError
try:
    binaries.unpack(Path(sys.argv[1]), Path(sys.argv[2]), lambda text: None)
except EmbeddedServerError as exc:
    print(exc)"""


def test_what_cannot_be_written_whole_is_not_left(packed, tmp_path):
    """The files may not be longer than 1000 bytes: both places fail, and the error is one line."""
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, packed, tmp_path / "fallback"],
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)),
        capture_output=True,
        text=True,
        timeout=60,
    )
    (line,) = done.stdout.splitlines()
    assert line.startswith("Milvus's programs (250 MB) can be unpacked nowhere: ")
    assert "fallback: file too large" in line
    left = [path for place in ("cache", "fallback") for path in (tmp_path / place).rglob("*") if path.is_file()]
    assert all(path.name.endswith(".lock") for path in left), left


def test_a_damaged_wheel_is_told(unpack, packed):
    """It says what to do."""
    (packed / "milvus.lzma").write_bytes(b"not packed")
    with pytest.raises(EmbeddedServerError, match="the installed Milvus is damaged .*pip install --force-reinstall"):
        unpack()


def test_an_empty_name_is_no_temporary_directory(tmp_path, monkeypatch):
    """`--embedded {folder}` with an empty `folder` starts nothing, and takes nothing for its directory."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(EmbeddedServerError, match="the name of the data directory is empty"):
        embedded.start("")
    shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
    shell.run_line_magic("load_ext", "milvus_magics")
    shell.user_ns["folder"] = ""
    try:
        for given in ("''", '""', "{folder}", "$folder", "--embedded="):
            line = given if given.startswith("--") else f"--embedded {given}"
            with pytest.raises(MilvusException, match="the name of the data directory is empty"):
                shell.run_line_magic("milvus_connect", line)
    finally:
        shell.run_line_magic("unload_ext", "milvus_magics")
    assert not list(tmp_path.iterdir())


def test_fixed_paths_are_made_ours(tmp_path):
    """Both are private afterwards, also one that was there; claiming them again changes nothing."""
    first, last = tmp_path / "first", tmp_path / "last"
    last.mkdir()
    last.chmod(0o777)
    (last / "server_id_7").touch()
    for _ in range(2):
        claim_paths((str(first), str(last)))
        assert [path.stat().st_mode & 0o777 for path in (first, last)] == [0o700, 0o700]
    assert (last / "server_id_7").exists()


@pytest.mark.parametrize("place", ["first", "last"])
@pytest.mark.parametrize("what", ["link", "dangling link", "file", "link in it"])
def test_what_leads_elsewhere_is_refused(tmp_path, place, what):
    """The error names it, and nothing is written where it leads."""
    precious, path = tmp_path / "precious", tmp_path / place
    if what != "dangling link":
        precious.mkdir()
    if what == "link in it":
        path.mkdir()
        path = path / "standalone.pid"
    path.touch() if what == "file" else path.symlink_to(precious)
    with pytest.raises(StartError, match=f"^{path} .*Milvus would write there: have it removed"):
        claim_paths((str(tmp_path / "first"), str(tmp_path / "last")))
    assert not precious.exists() or not list(precious.iterdir())


def test_directories_of_somebody_else_are_refused(tmp_path, monkeypatch):
    """Whoever they belong to could put a link there at any time."""
    path = tmp_path / "last"
    path.mkdir()
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.raises(StartError, match=f"^{path} belongs to somebody else"):
        claim_paths((str(tmp_path / "first"), str(path)))


def test_a_place_that_anybody_could_take_is_refused(tmp_path):
    """As /tmp would be without its sticky bit."""
    tmp_path.chmod(0o777)
    with pytest.raises(StartError, match="could be replaced by anybody"):
        claim_paths((str(tmp_path / "last"),))
    tmp_path.chmod(0o1777)
    claim_paths((str(tmp_path / "last"),))


def test_the_caches_place_is_the_users(monkeypatch):
    """A relative XDG_CACHE_HOME counts as none."""
    monkeypatch.setenv("XDG_CACHE_HOME", "somewhere")
    assert binaries.cache_directory().is_relative_to(Path.home())


@pytest.mark.parametrize(("folder", "problem"), [("", "the name of the data directory is empty"),
                                                 ("a\0b", r"'a\\x00b' cannot be a data directory")])  # fmt: skip
def test_a_name_for_no_directory_is_an_error_beside_a_running_server(tmp_path, monkeypatch, folder, problem):
    """Also where that server's data is in the current directory, which an empty name would mean."""
    monkeypatch.chdir(tmp_path)
    directories = SimpleNamespace(data=tmp_path, is_data_temporary=False, socket=tmp_path / "milvus.sock")
    keeper = SimpleNamespace(directories=directories, why_not="", alive=lambda: True, end=lambda: None)
    session.embedded["default"] = running = embedded.EmbeddedMilvus(keeper, Secret("a-password"), "http", None)
    assert running.has_data_in(".")
    shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
    shell.run_line_magic("load_ext", "milvus_magics")
    shell.user_ns["folder"] = folder
    try:
        with pytest.raises(EmbeddedServerError, match=problem):
            shell.run_line_magic("milvus_connect", "--embedded {folder}")
        assert session.embedded["default"] is running
    finally:
        session.embedded.clear()
        shell.run_line_magic("unload_ext", "milvus_magics")
    assert list(tmp_path.iterdir()) == []
