"""Files that only their owner can read."""

import errno
import os
import resource
import stat
from contextlib import contextmanager

import pytest

from milvus_magics.errors import ParameterError
from milvus_magics.private_file import PrivateFile


@pytest.fixture(autouse=True)
def generous_umask():
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture
def folder(tmp_path):
    """A directory with nothing in it."""
    (tmp_path / "here").mkdir()
    return tmp_path / "here"


@contextmanager
def no_file_over(size):
    """The disk is as good as full: no file may grow further than this."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def created(path, text="secret", **options):
    file = PrivateFile(str(path))
    with file.create("nothing was sent", **options) as stream:
        stream.write(text)
    return file


def replace(file, text="less"):
    with file.replace() as stream:
        stream.write(text)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_nobody_else_can_read_it(folder):
    """Whatever the umask allows, and also where a file that everybody could read gives way to it."""
    new, old = folder / "new", folder / "old"
    old.write_text("much that was there before")
    old.chmod(0o666)
    for path in (new, old):
        created(path, "ü\udcff", force=path is old)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.read_bytes() == "ü".encode() + b"\xff"
    assert names(folder) == ["new", "old"]


def test_what_is_there_stays(folder, monkeypatch):
    """One line says why, and what has not happened."""
    monkeypatch.chdir(folder)
    (folder / "old").write_text("kept")
    with pytest.raises(ParameterError, match="'old' exists already; nothing was sent"):
        created("old")
    assert (folder / "old").read_text() == "kept"
    for path in ("none/new", "", "new/"):
        with pytest.raises(ParameterError, match="cannot be made: No such file or directory; nothing was sent"):
            created(path)
    assert names(folder) == ["old"]


@pytest.mark.parametrize("path", ["a\0b", "~\0", "\ud800"])
def test_no_file_can_have_such_a_name(path):
    """Which is one line, too."""
    with pytest.raises(ParameterError, match="cannot be made: that is not a valid file name; nothing was sent"):
        created(path)


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("kind", ["link", "link to nothing", "pipe", "directory", "device"])
def test_only_a_regular_file_is_written_over(folder, tmp_path, kind, force):
    """Not what a link leads to, and nobody waits at a pipe; what is there stays as it is."""
    precious, path = tmp_path / "precious", folder / "target"
    precious.write_text("precious")
    {
        "link": lambda: path.symlink_to(precious),
        "link to nothing": lambda: path.symlink_to(tmp_path / "nothing"),
        "pipe": lambda: os.mkfifo(path),
        "directory": path.mkdir,
        "device": lambda: path.symlink_to("/dev/null"),
    }[kind]()
    before = path.lstat()
    with pytest.raises(ParameterError, match="is not a regular file" if force else "exists already"):
        created(path, force=force)
    assert (path.lstat().st_ino, path.lstat().st_mode) == (before.st_ino, before.st_mode)
    assert names(folder) == ["target"]
    assert precious.read_text() == "precious"
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
@pytest.mark.parametrize("force", [False, True])
def test_half_a_file_is_never_seen(folder, error, force):
    """Whatever comes between leaves what was there, or nothing."""
    path, seen = folder / "file", []
    if force:
        path.write_text("old")

    def write_half():
        with PrivateFile(str(path)).create("nothing was sent", force=force) as stream:
            stream.write("half")
            stream.flush()
            seen.append(path.read_text() if path.exists() else None)
            raise error

    with pytest.raises(error):
        write_half()
    assert seen == ["old" if force else None]
    assert names(folder) == (["file"] if force else [])


def test_a_full_disk_leaves_nothing(folder):
    """One line says so, and the file that should give way is still there."""
    (folder / "old").write_text("old")
    for name, force in (("new", False), ("old", True)):
        with no_file_over(100), pytest.raises(ParameterError, match="cannot be made: File too large; nothing was sent"):
            created(folder / name, "x" * 10_000, force=force)
    assert names(folder) == ["old"]
    assert (folder / "old").read_text() == "old"


def test_where_there_are_no_hard_links(folder, monkeypatch):
    """As on memory sticks: the same, and what is there stays."""

    def refuse(*_, **__):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    file = created(folder / "new")
    with pytest.raises(ParameterError, match="exists already"):
        created(folder / "new")
    replace(file)
    assert names(folder) == ["new"]
    assert (folder / "new").read_text() == "less"
    assert stat.S_IMODE((folder / "new").stat().st_mode) == 0o600


def test_our_own_file_is_replaced(folder, monkeypatch):
    """As often as wanted; nobody else ever sees it."""
    monkeypatch.chdir(folder)
    file = created("file", "all of them")
    for text in ("less", "least"):
        replace(file, text)
        assert (folder / "file").read_text() == text
        assert stat.S_IMODE((folder / "file").stat().st_mode) == 0o600
        assert (names(folder), file.path, file.is_in_place) == (["file"], "file", True)
    file.remove()
    assert names(folder) == []
    file.remove()


@pytest.mark.parametrize("kind", ["file", "link"])
def test_a_file_of_somebody_else_stays(folder, tmp_path, kind):
    """They may have put it there meanwhile: it is kept, and ours stands beside it."""
    theirs, path = tmp_path / "theirs", folder / "passwords.csv"
    theirs.write_text("theirs")
    file = created(path, "all")
    path.unlink()
    path.symlink_to(theirs) if kind == "link" else path.write_text("theirs")
    assert not file.is_in_place
    replace(file)
    assert (theirs.read_text(), path.read_text()) == ("theirs", "theirs")
    assert file.is_in_place
    with open(file.path) as stream:
        assert stream.read() == "less"
    assert os.path.dirname(file.path) == str(folder)
    assert (len(names(folder)), stat.S_IMODE(os.stat(file.path).st_mode)) == (2, 0o600)
    before = file.path
    replace(file, "least")
    assert file.path == before
    file.remove()
    assert names(folder) == ["passwords.csv"]


def test_a_file_that_was_deleted_comes_back(folder):
    """At its place, if that is free."""
    file = created(folder / "file", "all")
    (folder / "file").unlink()
    file.remove()
    replace(file)
    assert (folder / "file").read_text() == "less"


def test_another_directory_gets_nothing(folder, tmp_path):
    """The one that was meant may be moved away, and a link stand in its place."""
    theirs, moved = tmp_path / "theirs", tmp_path / "moved"
    theirs.mkdir()
    file = created(folder / "file", "all")
    folder.rename(moved)
    with pytest.raises(OSError, match="No such file"):
        replace(file)
    folder.symlink_to(theirs)
    with pytest.raises(OSError, match="its directory is another one now"):
        replace(file)
    file.remove()
    assert names(theirs) == []
    assert (moved / "file").read_text() == "all"


def test_what_cannot_be_replaced_stays_whole(folder):
    """On a full disk, or when somebody interrupts."""
    file = created(folder / "file", "all")
    with no_file_over(100), pytest.raises(OSError, match="File too large"):
        replace(file, "x" * 10_000)

    def interrupt():
        with file.replace() as stream:
            stream.write("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupt()
    assert (folder / "file").read_text() == "all"
    assert names(folder) == ["file"]
    assert file.is_in_place


def test_no_descriptor_is_left_open(folder):
    """However it ends."""
    before = len(os.listdir("/proc/self/fd"))
    for number in range(5):
        file = created(folder / str(number))
        replace(file)
        with pytest.raises(ParameterError):
            created(folder / str(number))
    del file
    assert len(os.listdir("/proc/self/fd")) == before
