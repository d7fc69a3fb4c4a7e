"""A kernel in which everything is written down that Python, IPython, ipykernel and gRPC can write: no password is."""

import os

import contract
import pytest
from kernels import DUMP, LOG_EVERYTHING, Kernel, assert_nowhere, new_password
from test_kernel_forms import FrontEnd

CONFIGURATION = """c.IPKernelApp.log_level = c.Application.log_level = 10
c.InteractiveShell.xmode = "Verbose"
c.HistoryManager.db_log_output = True
"""
ENVIRONMENT = {
    "PYTHONASYNCIODEBUG": "1", "PYTHONDEVMODE": "1", "PYTHONFAULTHANDLER": "1", "PYTHONWARNINGS": "always",
    "GRPC_VERBOSITY": "debug", "GRPC_TRACE": "api,call,channel,http,metadata_query",
}  # fmt: skip
START = """%load_ext milvus_magics
import asyncio, faulthandler, os, warnings
asyncio.get_event_loop().set_debug(True)
asyncio.get_event_loop().slow_callback_duration = 0
warnings.simplefilter("always")
def dump():
    faulthandler.dump_traceback(open("traceback.txt", "a"))"""
USERS_OWN_ERROR = """try:
    get_ipython().run_line_magic({magic!r}, {line!r})
except BaseException as exc:
    dump()
    raise RuntimeError("an error of the user's own") from exc"""


@pytest.fixture
def debugging(tmp_path):
    """Such a kernel, its home, and a server."""
    home = tmp_path / "home"
    profile = home / "ipython" / "profile_default"
    profile.mkdir(parents=True)
    (profile / "ipython_kernel_config.py").write_text(CONFIGURATION)
    with contract.serve("2.6.18") as (server, address):
        kernel = Kernel(home, URI=f"http://{address}", **ENVIRONMENT)
        try:
            kernel.run(LOG_EVERYTHING)
            kernel.run(START)
            yield kernel, home, server
        finally:
            kernel.close()


def create_many(kernel, front, given):
    """Create two users by a file with one password; the other, made up, as a browser gets it."""
    kernel.run("many = %milvus_create_users --form\nmany")
    source, download = (
        next(key for key, state in front.widgets.items() if sign in state) for sign in ("max_bytes", "size")
    )
    send(kernel, source, {"type": "text"}, f"user,password\nmany_1,{given}\nmany_2,".encode())
    kernel.run("many.wait()")
    front.press("Create 2 users")
    kernel.run("many.wait()")
    pad = os.urandom(front.widgets[download]["size"])
    send(kernel, download, {"type": "fetch", "number": 1}, pad)
    hidden = next(bytes(part) for message in kernel.published for part in message["buffers"])
    return bytes(one ^ other for one, other in zip(hidden, pad, strict=True)).decode().split(",")[-1].strip()


def send(kernel, comm, content, data):
    """Send a message with bytes to a widget, and wait for what comes of it."""
    message = kernel.client.session.msg("comm_msg", {"comm_id": comm, "data": {"method": "custom", "content": content}})
    kernel.client.session.send(kernel.client.shell_channel.socket, message, buffers=[data])
    kernel.finish(message["header"]["msg_id"])


def test_no_password_is_written_down(debugging, figure):
    """Typed into forms and at prompts, right and wrong; outputs, logs, messages and files are searched."""
    kernel, home, server = debugging
    root, right, wrong, new, other, given = (new_password() for _ in range(6))
    server.passwords |= {"root": root.encode(), "bob": right.encode()}
    front = FrontEnd(kernel)
    assert "refuses user 'root'" in kernel.run("%milvus_connect {os.environ['URI']} --user root", wrong).text()
    assert "user 'root'" in kernel.run("%milvus_connect {os.environ['URI']} --user root", root).text()
    kernel.run("%milvus_connect --form")
    front.type("Address", f"http://bob:{other}@{kernel.environment['URI'].removeprefix('http://')}")
    front.type("User", "root")
    front.type("Password", root)
    front.press("Connect")
    assert "connected" in front.shown()
    kernel.run("form = %milvus_create_user --form\nform")
    front.type("User", "ann")
    front.type("Password", new)
    front.type("Confirm password", new)
    front.press("Create ann")
    assert server.passwords["ann"] == new.encode(), "what is masked in logs still arrives"
    kernel.run("form.close()\nform = %milvus_delete_user bob --form\nform")
    front.type("Password", wrong)
    front.press("Delete bob")
    assert "is wrong" in front.shown()
    front.type("Password", wrong)  # and left like that
    made = create_many(kernel, front, given)
    assert [server.passwords[name] for name in ("many_1", "many_2")] == [given.encode(), made.encode()]
    kernel.run(USERS_OWN_ERROR.format(magic="milvus_delete_user", line="bob"), wrong)
    kernel.run(USERS_OWN_ERROR.format(magic="milvus_reset_password", line="bob"), wrong, new, new)
    assert "deleted user 'bob'" in kernel.run("%milvus_delete_user bob", right).text()
    assert not kernel.run(DUMP).error
    log = (home / "output.txt").read_text(errors="replace")
    for written in ("[IPKernelApp]    Content: {'comm_id'", "comm_msg: {'header'", "asyncio"):
        assert written in log, "everything is written down"
    assert "handle_msg[milvusfield" in log + str(kernel.published)
    searched = assert_nowhere((root, right, wrong, new, other, given, made), home, kernel.published)
    figure("debugging", passwords_hunted=7, files_and_messages=searched)
