"""Files that only their owner can read."""

import os
import stat

import pytest

from milvus_magics.errors import ParameterError
from milvus_magics.private_file import open_new


@pytest.fixture(autouse=True)
def generous_umask():
    before = os.umask(0)
    yield
    os.umask(before)


def test_nobody_else_can_read_it(tmp_path):
    """Whatever the umask allows, and also where a file that everybody could read is written over."""
    new, old = tmp_path / "new", tmp_path / "old"
    old.write_text("much that was there before")
    old.chmod(0o666)
    for path in (new, old):
        with open_new(str(path), "nothing was sent", force=path is old) as stream:
            stream.write("ü\udcff")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.read_bytes() == "ü".encode() + b"\xff"


def test_what_is_there_stays(tmp_path, monkeypatch):
    """One line says why, and what has not happened."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old").write_text("kept")
    with pytest.raises(ParameterError, match="'old' exists already; nothing was sent"):
        open_new("old", "nothing was sent")
    assert (tmp_path / "old").read_text() == "kept"
    with pytest.raises(ParameterError, match="cannot be made: No such file or directory; nothing was sent"):
        open_new("none/new", "nothing was sent")


@pytest.mark.parametrize("path", ["a\0b", "~\0", "\ud800"])
def test_no_file_can_have_such_a_name(path):
    """Which is one line, too."""
    with pytest.raises(ParameterError, match="cannot be made: no file can have such a name; nothing was sent"):
        open_new(path, "nothing was sent")
