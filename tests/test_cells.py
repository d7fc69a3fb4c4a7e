"""A result that the cell doesn't show says one line; one that it shows is not said twice."""

from contextlib import contextmanager

import contract
import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from milvus_magics import connections

LINE = "create users on"
MAGIC = "%milvus_create_users names"


@pytest.fixture
def shell():
    with contract.serve("2.3.5") as (_, address):
        connections.connect(uri=f"http://{address}", user="root", password="Milvus")
        shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
        shell.run_line_magic("load_ext", "milvus_magics")
        shell.user_ns["names"] = ["ann", "bob"]
        yield shell
        shell.run_line_magic("unload_ext", "milvus_magics")


@pytest.mark.parametrize(
    ("cell", "count"),
    [
        (MAGIC, 1),  # the caption of the table alone
        (f"made = {MAGIC}", 1),
        (f"{MAGIC}\n1 + 1", 1),
        (f"for _ in range(2):\n    {MAGIC}", 2),
        (f"def make():\n    {MAGIC}\n    return 1\nmake()", 1),
        (f"def make():\n    made = {MAGIC}\n    return made\nmake()", 2),  # its own line, and the caller shows it
        (f"made = {MAGIC}\nmade", 2),
        ("get_ipython().run_line_magic('milvus_create_users', 'names');", 1),
        (f"%time {MAGIC}", 1),
        (f"1 + 1\n%time {MAGIC}", 1),
        (f"%%time\n{MAGIC}", 1),
        (f"%time made = {MAGIC}", 1),
        (f"%time {MAGIC}\n1 + 1", 1),
        (f"made = %time {MAGIC}", 1),
    ],
)
def test_a_result_is_said_once(shell, capsys, cell, count):
    """Also in a loop, with an assignment, or in the middle of a cell: with counts, and where the passwords are."""
    shell.run_cell(cell, store_history=False)
    said = capsys.readouterr().out
    assert said.count(LINE) == count, said
    assert "2 done" in said
    assert "passwords has the generated passwords" in said
    if MAGIC in cell.splitlines()[:-1]:
        assert "%milvus_passwords has" in said, "the result is kept nowhere, so .passwords leads nowhere"


CHANGES = [
    ("milvus_create_user eve --generate", "created user 'eve'"),
    ("milvus_create_user eve --generate --dry-run", "This will create the user eve"),
    ("milvus_drop_user ann --yes", "deleted user 'ann'"),
    ("milvus_update_password ann --password-var old --new-password-var new", "changed the password of user 'ann'"),
    ("milvus_create_role r", "created role 'r'"),
    ("milvus_drop_role reader --yes", "dropped role 'reader'"),
    ("milvus_grant_role ann reader", "gave role 'reader'"),
    ("milvus_grant_privilege reader Search --collection docs", "Search"),
    ("milvus_create_privilege_group g", "created privilege group 'g'"),
    ("milvus_describe_role reader 'reads'", "reads"),
]


@pytest.mark.parametrize(("line", "says"), CHANGES, ids=[line for line, _ in CHANGES])
@pytest.mark.parametrize("cell", ["%{}\n1 + 1", "%{}\nx = 1", "x = %{}", "for _ in 'a':\n    %{}", "%{};"])
def test_a_change_in_the_middle_of_a_cell_is_said_once(capsys, line, says, cell):
    with newest() as shell:
        shell.run_cell(cell.format(line), store_history=False)
        said = capsys.readouterr().out
        assert said.count(says) == 1, said


@pytest.mark.parametrize(("line", "says"), CHANGES, ids=[line for line, _ in CHANGES])
def test_what_the_cell_shows_is_not_said_twice(capsys, line, says):
    with newest() as shell:
        shell.run_cell(f"%{line}", store_history=False)
        said = capsys.readouterr().out
        assert said.count(says) == 1, said
        assert "Out" in said or says in said


def test_a_password_in_the_middle_of_a_cell_is_found_by_the_magic(capsys):
    """Nothing keeps the result there; as the last expression it may be asked itself."""
    with newest() as shell:
        shell.run_cell("%milvus_create_user eve --generate\n1 + 1", store_history=False)
        said = capsys.readouterr().out
        assert "%milvus_passwords eve gives you the password" in said
        assert "reveal" not in said
        shell.run_cell("%milvus_create_user fay --generate", store_history=False)
        assert ".password.reveal() shows its password" in capsys.readouterr().out


def test_a_look_says_nothing_by_itself(capsys):
    """Lists are shown where they are the last expression, or kept in a name."""
    with newest() as shell:
        for line in ("milvus_list_users", "milvus_list_user ann", "milvus_whoami", "milvus_access --user ann"):
            shell.run_cell(f"found = %{line}\n1 + 1", store_history=False)
        assert "ann" not in capsys.readouterr().out


@contextmanager
def newest():
    """A shell on a server that has everything; with a user and a role."""
    with contract.serve("3.0.0-beta") as (server, address):
        server.passwords["ann"] = b"password-of-ann"
        server.roles["reader"] = ""
        connections.connect(uri=f"http://{address}", user="root", password="Milvus")
        shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
        shell.run_line_magic("load_ext", "milvus_magics")
        shell.user_ns |= {"old": "password-of-ann", "new": "another-of-ann"}
        yield shell
        shell.run_line_magic("unload_ext", "milvus_magics")
