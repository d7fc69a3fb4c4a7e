"""Take README's picture of the form, from a real JupyterLab on a real Milvus: `python screenshot.py OUT.png`."""

import sys
import tempfile
from pathlib import Path

from lab import Form, Notebook, browser_page, jupyter_lab

from milvus_magics import embedded
from milvus_magics.client import users
from milvus_magics.client.address import Address
from milvus_magics.client.connection import Connection

CONNECT = """%load_ext milvus_magics
%milvus_connect http://localhost:19530 --user root --password-env TEST_PASSWORD"""


def main():
    target = Path(sys.argv[1]).resolve()
    target.parent.mkdir(exist_ok=True)
    with embedded.start(tcp_port=19530) as server, tempfile.TemporaryDirectory() as home:
        conn = Connection(Address.of(server.uri, user="root", password=server.password))
        for name, role in {"ann": "public", "bob": "public"}.items():
            users.create_user(conn, name, "a-password-of-theirs", grant=[role], timeout=10)
        conn.close()
        with jupyter_lab(home, TEST_PASSWORD=server.password.reveal()) as url:
            with browser_page(device_scale_factor=2) as page:
                notebook = Notebook(page, url, home, "picture.ipynb", CONNECT, "%milvus_delete_user --form")
                notebook.run(0)
                notebook.run(1)
                form = Form(page)
                form.fill("bob", "a-wrong-password")
                form.button.click()
                form.sees("is wrong; nothing was changed")
                form.fill("bob", "a-password-of-theirs")
                page.wait_for_timeout(500)
                notebook.cell(1).screenshot(path=target)
    print(target)


if __name__ == "__main__":
    main()
