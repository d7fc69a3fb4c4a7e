"""A password that was typed on a line, in a real JupyterLab: what its error says to do removes it from everywhere."""

from kernels import assert_nowhere, new_password, places
from lab import Notebook, browser_page, jupyter_lab

from milvus_magics.magics.line import CLEAR_HISTORY


def test_what_the_error_says_removes_it(tmp_path):
    """The cell deleted, the notebook saved, the command run, the kernel restarted: no file has it any more."""
    password = new_password()
    typed = f"%milvus_delete_user bob --password {password}"
    with jupyter_lab(tmp_path) as url, browser_page() as page:
        notebook = Notebook(page, url, tmp_path, "test.ipynb", "%load_ext milvus_magics", typed, CLEAR_HISTORY)
        notebook.run(0)
        said = " ".join(notebook.run(1).split())
        assert "delete the cell, save the notebook" in said
        assert CLEAR_HISTORY in said
        notebook.save()
        kept = places([password], tmp_path, [])
        assert {"test.ipynb", ".ipynb_checkpoints/test-checkpoint.ipynb"} <= {*kept}
        assert any("history.sqlite" in place for place in kept)
        notebook.cell(1).locator(".cm-content").click()
        page.keyboard.press("Escape")
        page.keyboard.press("d")
        page.keyboard.press("d")
        notebook.save()
        notebook.run(1)  # the command, which has moved up
        page.get_by_text("Kernel", exact=True).first.click()
        page.get_by_text("Restart Kernel…").first.click()
        page.wait_for_timeout(500)
        page.get_by_text("| Idle").wait_for()  # the question is accepted meanwhile
        page.wait_for_timeout(1500)
        assert password not in page.inner_text("body")
    assert_nowhere((password,), tmp_path, [])
