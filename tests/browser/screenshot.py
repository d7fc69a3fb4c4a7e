"""Take README's pictures from a real JupyterLab on a real Milvus: `python screenshot.py DIRECTORY`."""

import sys
import tempfile
from pathlib import Path

import pymilvus
from lab import Form, Notebook, browser_page, jupyter_lab

from milvus_magics import embedded
from milvus_magics.client import privileges, roles, users
from milvus_magics.transport.address import Address
from milvus_magics.transport.connection import Connection

CONNECT = """%load_ext milvus_magics
%milvus_connect http://localhost:19530 --user root --password-env TEST_PASSWORD"""


PASSWORD = "a-password-of-theirs"
GRANTS = {
    "reader": [("Search", "docs", "default"), ("Query", "docs", "default"), ("Search", "trials", "lab")],
    "loader": [(privilege, "*", "*") for privilege in ("Insert", "Delete", "Load", "Release")],
    "owner": [("*", "images", "default"), ("*", "trials", "lab")],
}
USERS = {"ann": ["reader"], "bob": ["reader", "loader"], "carol": ["admin"], "dave": [], "eve": ["owner"]}


def fill(server):
    """A small team on two databases."""
    root = {"uri": f"http://{server.address}", "user": "root", "password": server.password.reveal()}
    pymilvus.MilvusClient(**root).create_database("lab")
    for db, names in {"default": ("docs", "images"), "lab": ("trials",)}.items():
        for name in names:
            pymilvus.MilvusClient(**root, db_name=db).create_collection(name, dimension=4)
    conn = Connection(Address.parse(server.uri, user="root", password=server.password))
    for role, grants in GRANTS.items():
        roles.create_role(conn, role, timeout=10)
        for privilege, collection, db in grants:
            privileges.grant_privilege(
                conn, role, privilege, object_type="Collection", object_name=collection, db=db, timeout=10
            )
    for name, grant in USERS.items():
        users.create_user(conn, name, PASSWORD, grant=grant, timeout=10)
    conn.close()


def main():
    target = Path(sys.argv[1]).resolve()
    target.mkdir(exist_ok=True)
    with embedded.start(tcp_port=19530) as server, tempfile.TemporaryDirectory() as home:
        fill(server)
        with jupyter_lab(home, TEST_PASSWORD=server.password.reveal()) as url:
            with browser_page(device_scale_factor=2) as page:
                notebook = Notebook(
                    page, url, home, "picture.ipynb", CONNECT, "%milvus_delete_user --form",
                    "access = %milvus_access\naccess.matrix(columns='collections')", "%milvus_console",
                )  # fmt: skip
                notebook.run(0)
                notebook.run(1)
                form = Form(page)
                form.fill("bob", PASSWORD)
                page.wait_for_timeout(500)
                notebook.cell(1).screenshot(path=target / "delete_user_form.png")
                notebook.run(2)
                page.wait_for_timeout(500)
                notebook.cell(2).screenshot(path=target / "access.png")
                notebook.run(3)
                console = notebook.cell(3)
                console.get_by_role("gridcell", name="bob", exact=True).click()
                console.get_by_text("user 'bob'").wait_for()
                console.get_by_role("button", name="Grant role to bob…").click()
                console.get_by_role("combobox", name="Role", exact=True).fill("owner")
                page.wait_for_timeout(500)
                console.screenshot(path=target / "console.png")
    print(target)


if __name__ == "__main__":
    main()
