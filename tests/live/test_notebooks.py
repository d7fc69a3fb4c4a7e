"""The notebooks run from top to bottom on a real Milvus, and what they say is true."""

import ast
import re
import sys
from pathlib import Path

import nbformat
import pytest
from nbconvert import HTMLExporter, MarkdownExporter

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "notebooks"))

import demo  # noqa: E402 - it is no package


def test_tutorial_deletes_a_real_user_with_the_right_password_only():
    """Wrong password: an error in one line; right password: deleted; afterwards nobody but root is left."""
    notebook = demo.run(demo.NOTEBOOK)
    texts = "\n".join(demo.told(notebook))
    assert "WrongPasswordError: the password given for user 'bob' is wrong; nothing was changed" in texts
    assert "deleted user 'bob'" in texts
    assert "UnknownUserError: there is no user 'bob'" in texts
    assert "1400 the password given for user 'ann' is wrong" in texts
    assert texts.rstrip().count("['root']") == 1
    assert "Traceback" not in texts


def test_users_and_roles_shows_what_a_teammate_can_do():
    """Granted: yes. Everything else, with the old password, and after the right was taken back: no."""
    notebook = demo.run(ROOT / "notebooks" / "users_and_roles.ipynb")
    texts = "\n".join(demo.told(notebook))
    can = [ast.literal_eval(found) for found in re.findall(r"^\{'search':.*?\}", texts, re.DOTALL | re.MULTILINE)]
    rest = {"insert": "no", "drop the collection": "no", "list users": "no"}
    assert can == [
        {"search": "yes", "query": "yes", **rest},
        {"search": "no", "query": "no", **rest},
        {"search": "yes", "query": "no", **rest},
    ]
    assert "(did you mean 'Search'?); nothing was changed" in texts
    assert "the new one works and the old one is refused" in texts
    assert "deleted user 'kim'" in texts
    assert texts.rstrip().count("Traceback") == 0


def test_who_can_do_what_answers_and_survives_conversion():
    """The picture and the answers are right, also as a page and as Markdown; the console says what it is."""
    notebook = demo.run(ROOT / "notebooks" / "who_can_do_what.ipynb")
    texts = "\n".join(demo.told(notebook))
    assert re.search(r"^bob +loader, reader( +(Rw|rw|sw)··){3}$", texts, re.MULTILINE)
    assert re.search(r"^ann +Search +collection 'docs' in database 'default' +reader$", texts, re.MULTILINE)
    assert "['bob', 'carol', 'root']" in texts
    assert "nobody holds 1 role: archivist" in texts
    assert "Traceback" not in texts
    page, _ = HTMLExporter().from_notebook_node(notebook)
    markdown, _ = MarkdownExporter().from_notebook_node(notebook)
    for converted in (page, markdown):
        assert "role 'loader': partly writes each of them" in converted, (
            "a row of the picture says what comes by which role"
        )
        assert "Console: a panel on " in converted
        assert "%milvus_list_users, %milvus_list_roles, %milvus_access" in converted


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_notebook_is_committed_without_outputs(path):
    """What a run left is not in the repository."""
    notebook = nbformat.read(path, as_version=4)
    assert all(not cell.get("outputs") and cell.get("execution_count") is None for cell in notebook.cells)
