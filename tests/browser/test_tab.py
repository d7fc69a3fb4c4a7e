"""Tab completion where people press Tab: JupyterLab 4, Notebook 7, and IPython in a terminal."""

import contextlib
import io
import os
import re
import sys

import pexpect
import pytest
from lab import TREES, Notebook, browser_page, jupyter_lab

from milvus_magics import embedded
from milvus_magics.client import users
from milvus_magics.secret import Secret
from milvus_magics.transport.address import Address
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline

CONNECT = """import os
%load_ext milvus_magics
%milvus_connect {os.environ['TEST_URI']} --user root --password-env TEST_PASSWORD"""

HOSTILE = "y?\n!echo code > ran #"
INSERTED = "{'y?\\n!echo code > ran #'}"
NEXT = r"In .*\d"  # the prompt for the next line


@pytest.fixture(scope="module")
def milvus():
    with embedded.start(settings={"COMMON_SECURITY_SUPERUSERS": "root"}) as server:
        conn = Connection(Address.parse(server.uri, user="root", password=server.password))
        for name in ("alice", "alan"):
            users.create_user(conn, name, "a-password-of-theirs", timeout=10)
        # A superuser makes any name by changing the password that nobody of that name has.
        deadline, password = Deadline(10), Secret("a-password-of-theirs")
        conn.call_checked("UpdateCredential", deadline=deadline, username=HOSTILE, newPassword=password)
        conn.close()
        yield server


@pytest.mark.parametrize("program", TREES)
def test_in_the_browser(milvus, tmp_path, program):
    """Names and options in the popup, also after an assignment."""
    variables = {"TEST_URI": milvus.uri, "TEST_PASSWORD": milvus.password.reveal()}
    with jupyter_lab(tmp_path, program=program, **variables) as url, browser_page() as page:
        notebook = Notebook(page, url, tmp_path, "tab.ipynb", CONNECT, "1", tree=TREES[program])
        assert "user 'root'" in notebook.run(0)
        assert notebook.complete(1, "%milvus_list_user al") == ["alan", "alice"]
        assert notebook.complete(1, "x = %milvus_list_user al") == ["alan", "alice"]
        assert notebook.complete(1, "%milvus_drop_user alice --d") == ["--dry-run"]
        for begun in ("%milvus_list_user 'y", "%milvus_list_user y"):
            assert notebook.complete(1, begun) == [INSERTED], "a name with a line end is offered on one line"
            page.keyboard.press("Tab")
            popup = page.locator(".jp-Completer-item").first
            popup.wait_for()
            popup.click()
            notebook.cell(1).locator(".cm-content").get_by_text("echo").first.wait_for(timeout=10_000)
            assert notebook.run(1).startswith("user 'y?\\n!echo"), "and means the user, not a line of code"
        assert not (tmp_path / "ran").exists()


@contextlib.contextmanager
def ipython(milvus, home):
    """IPython in a terminal, connected; yields it and everything that its screen showed."""
    environment = {**os.environ, "HOME": str(home), "IPYTHONDIR": str(home / "ipython"), "TERM": "xterm",
                   "TEST_URI": milvus.uri, "TEST_PASSWORD": milvus.password.reveal()}  # fmt: skip
    screen = io.StringIO()
    child = pexpect.spawn(
        sys.executable, ["-m", "IPython", "--no-banner", "--no-confirm-exit", "--colors=nocolor"], env=environment,
        encoding="utf-8", timeout=30, dimensions=(40, 160),
    )  # fmt: skip
    child.logfile_read = screen
    try:
        child.expect("In .*1")
        for line in CONNECT.splitlines():
            child.sendline(line)
        child.expect("user 'root'")
        child.expect("In .*4")
        yield child, screen
    finally:
        child.close(force=True)
    assert milvus.password.reveal() not in screen.getvalue()


def test_in_a_terminal(milvus, tmp_path):
    """Typed into IPython: Tab offers the names, and one that is the only one is put in; the magic answers as text."""
    with ipython(milvus, tmp_path) as (child, _):
        child.send("%milvus_list_user al\t")
        child.expect("alan")
        child.expect("alice")
        child.send("\x15")  # Ctrl-U: an empty line again
        child.send("%milvus_list_user ali\t")
        child.expect("ce")  # put in by itself
        child.send("\r")
        child.expect("user 'alice' with no roles")
        child.send("%milvus_list_users\r")
        child.expect(r"name +roles")
        child.expect(r"root")
        child.send("%milvus_access\r")
        child.expect("users by what they may do")
        child.expect(r"root +RWAD")
        child.send("%milvus_access --privilege Search\r")
        child.expect(r"root +All +everything in all databases")
        child.send("%milvus_console\r")
        child.expect("Console: a panel on .* it needs a live notebook")


def test_passwords_typed_in_a_terminal(milvus, tmp_path):
    """A user comes and goes by passwords that are asked for; neither the screen nor a file has one of them."""
    right, wrong = "typed-and-right", "typed-but-wrong"
    with ipython(milvus, tmp_path) as (child, screen):
        child.send("%milvus_create_user typist\r")
        child.expect("New password of typist: ")
        child.sendline(right)
        child.expect("Confirm password")
        child.sendline(right)
        child.expect("created user 'typist'")
        child.expect(NEXT)
        for password, said in ((wrong, "WrongPasswordError: .*nothing was changed"), (right, "deleted user 'typist'")):
            child.send("%milvus_delete_user typist\r")
            child.expect("This will delete typist.*Password of typist: ")
            child.sendline(password)
            child.expect(said)
            child.expect(NEXT)
        child.send("%milvus_list_usernames\r")
        child.expect(r"\[.*'root'.*\]")
        assert "typist" not in child.match[0]
        child.expect(NEXT)
        child.send("exit\r")
        child.expect(pexpect.EOF)
        shown = re.sub(r"\s", "", screen.getvalue())
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert any(b"milvus_delete_user typist" in content for content in files), "the history is there"
    for password in (right, wrong):
        assert password not in shown
        assert not [content for content in files if password.encode() in content]
