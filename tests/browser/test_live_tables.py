"""Results in front ends: tables to search and sort in a live notebook, and the HTML that was saved without a kernel.

The server is the contract server. Leaves pictures in build/screenshots, to be looked at.
"""

import json
import subprocess
import sys
import urllib.request

import pytest
from contract import AnyNames, serving
from lab import PICTURES, TREES, Notebook, browser_page, jupyter_lab

CELL = """import os
%load_ext milvus_magics
_ = get_ipython().run_line_magic("milvus_connect", f"{os.environ['TEST_URI']} --user root --password-env TEST_PASSWORD")
users = %milvus_list_users
users"""
ERROR = "Error displaying widget"


def shut_down_kernels(url):
    """End all kernels of a server."""
    for kernel in json.load(urllib.request.urlopen(f"{url}/api/sessions")):
        request = urllib.request.Request(f"{url}/api/sessions/{kernel['id']}", method="DELETE")
        urllib.request.urlopen(request).close()


@pytest.mark.parametrize("program", TREES)
def test_a_long_result_is_searched_and_sorted_and_stays_without_its_kernel(program, tmp_path):
    """One table is seen: the widget while there is a kernel; the HTML when opened again, and in nbconvert's page."""
    with serving(AnyNames("2.6.18")) as (server, address):
        server.passwords |= {f"user_{number}": b"a-password" for number in range(1, 25)}
        server.roles["reader"] = ""
        server.bindings |= {(f"user_{number}", "reader") for number in range(1, 25, 2)}
        variables = {"TEST_URI": f"http://{address}", "TEST_PASSWORD": "Milvus"}
        with (
            jupyter_lab(tmp_path, program=program, saves_state=False, **variables) as url,
            browser_page() as page,
        ):
            notebook = Notebook(page, url, tmp_path, "live.ipynb", CELL, tree=TREES[program])
            notebook.run(0)
            cell = notebook.cell(0)
            grid, plain = cell.get_by_role("grid", name="Users"), cell.locator(".mm-static")
            grid.wait_for()

            def picture(name):
                PICTURES.mkdir(parents=True, exist_ok=True)
                page.wait_for_timeout(300)
                page.screenshot(path=PICTURES / f"live-table-{program}-{name}.png")

            picture("live")
            assert not plain.is_visible(), "one table is enough"
            assert cell.get_by_text("25 users", exact=True).is_visible()
            cell.get_by_role("searchbox").fill("reader user_1")
            cell.get_by_text("6 of 25 users").wait_for()
            grid.get_by_role("columnheader", name="name").dblclick()  # up, then down
            names = grid.locator(".mm-space .mm-cell:nth-child(2)")
            assert names.all_inner_texts() == [f"user_{number}" for number in (19, 17, 15, 13, 11, 1)]
            picture("sorted")

            notebook.save()
            shut_down_kernels(url)
            page.goto(f"{url}/{TREES[program]}/live.ipynb")
            plain.wait_for()
            picture("opened-again")
            assert plain.locator("tbody tr").count() == 25
            assert grid.count() == 0
            assert not page.get_by_text(ERROR).first.is_visible(), "what cannot be shown says nothing"
    made = tmp_path / "live.html"
    subprocess.run([sys.executable, "-m", "nbconvert", "--to", "html", tmp_path / "live.ipynb"], check=True)
    with browser_page() as page:
        page.goto(made.as_uri())
        assert page.locator(".mm-static table").is_visible()
        assert page.locator("table").count() == 1
        assert ERROR not in page.locator("body").inner_text()
