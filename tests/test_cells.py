"""A result that the cell doesn't show says one line; one that it shows is not said twice."""

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
    ],
)
def test_a_result_is_said_once(shell, capsys, cell, count):
    """Also in a loop, with an assignment, or in the middle of a cell: with counts, and where the passwords are."""
    shell.run_cell(cell, store_history=False)
    said = capsys.readouterr().out
    assert said.count(LINE) == count, said
    assert "2 done" in said
    assert ".passwords has those that were made up" in said
