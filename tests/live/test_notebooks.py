"""The tutorial runs from top to bottom on a real Milvus, and what it says is true."""

import sys
from pathlib import Path

import nbformat

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


def test_tutorial_is_committed_without_outputs():
    """What a run left is not in the repository."""
    notebook = nbformat.read(demo.NOTEBOOK, as_version=4)
    assert all(not cell.get("outputs") and cell.get("execution_count") is None for cell in notebook.cells)
