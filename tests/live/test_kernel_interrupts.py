"""Interrupting and restarting a real kernel in the middle of things: changes, forms, a server of its own."""

import threading
import time

import middleman
import pytest
from contract import serve
from kernels import Kernel, noise, one_line, root_password
from processes import processes, wait_until

from milvus_magics.client import privilege_groups, privileges, roles, users
from milvus_magics.transport.address import Address
from milvus_magics.transport.connection import Connection

PASSWORD = "right-password"
SECONDS = 0.7  # that a change takes; afterwards the server is asked for 2 s what became of it
FORMS = ("ConnectForm CreateRoleForm CreateUserForm CreateUsersForm DeleteUserForm DropRoleForm DropUserForm "
         "GrantPrivilegeForm GrantRoleForm PrivilegeGroupForm ResetPasswordForm RevokeRoleForm UpdatePasswordForm "
         "Console").split()  # fmt: skip

# What is run, the RPC that is slow, and what is told then. bob has PASSWORD and `held`; `reader` has Load on docs.
CHANGES = {
    "create_user": ("%milvus_create_user new --password-env PW", "CreateCredential", "user 'new' is created"),
    "create_user with a role": (
        "%milvus_create_user new --password-env PW --role reader", "OperateUserRole",
        "role 'reader' is given to 'new'"),
    "delete_user": ("%milvus_delete_user bob --password-env PW", "DeleteCredential", "user 'bob' is deleted"),
    "drop_user": ("%milvus_drop_user bob --yes", "DeleteCredential", "user 'bob' is deleted"),
    "update_password": (
        "%milvus_update_password bob --password-env PW --new-password-env NEW", "UpdateCredential",
        "the password of user 'bob' is changed"),
    "reset_password": (
        "%milvus_reset_password bob --password-env PW --new-password-env NEW", "UpdateCredential",
        "the password of user 'bob' is changed"),
    "create_role": ("%milvus_create_role new", "CreateRole", "role 'new' is created"),
    "drop_role": ("%milvus_drop_role held --force --yes", "DropRole", "role 'held' is dropped"),
    "drop_role with grants": ("%milvus_drop_role reader --force --yes", "OperatePrivilege", "'reader'"),
    "grant_role": ("%milvus_grant_role bob reader", "OperateUserRole", "role 'reader' is given to 'bob'"),
    "revoke_role": ("%milvus_revoke_role bob held", "OperateUserRole", "role 'held' is taken from 'bob'"),
    "grant_privilege": (
        "%milvus_grant_privilege reader Search --collection docs", "OperatePrivilege", "is granted to 'reader'"),
    "revoke_privilege": (
        "%milvus_revoke_privilege reader Load --collection docs --yes", "OperatePrivilege", "is revoked from 'reader'"),
    "restore_user": ("%milvus_restore_user gone --password-env PW", "CreateCredential", "user 'gone' is created"),
    "restore_role": ("%milvus_restore_role lost", "CreateRole", "role 'lost' is created"),
    "restore_grants": ("%milvus_restore_grants reader", "OperatePrivilege", "is revoked from 'reader'"),
}  # fmt: skip
NEWER_CHANGES = {
    "describe_user": ("%milvus_describe_user bob new", "UpdateCredential", "user 'bob'"),
    "describe_role": ("%milvus_describe_role reader new", "AlterRole", "role 'reader'"),
    "create_privilege_group": ("%milvus_create_privilege_group new", "CreatePrivilegeGroup", "'new' is created"),
    "drop_privilege_group": ("%milvus_drop_privilege_group empty --yes", "DropPrivilegeGroup", "'empty' is dropped"),
    "add_privileges_to_group": ("%milvus_add_privileges_to_group g Search", "OperatePrivilegeGroup", "'g'"),
    "remove_privileges_from_group": (
        "%milvus_remove_privileges_from_group g Query --yes", "OperatePrivilegeGroup", "'g'"),
    "grant_privilege": (
        "%milvus_grant_privilege reader Search --collection docs", "OperatePrivilegeV2", "is granted to 'reader'"),
}  # fmt: skip


class Slow:
    """A middleman's rule: one method takes its time, and it is told when that begins."""

    def __init__(self, between):
        self.method, self.begun, self.ended = "", threading.Event(), threading.Event()
        between.rule = self

    def __call__(self, method, metadata, forward, context):
        if method != self.method:
            return forward()
        self.begun.set()
        time.sleep(SECONDS)
        try:
            return forward()
        finally:
            self.ended.set()

    def down(self, method):
        self.method = method
        self.begun.clear()
        self.ended.clear()


@pytest.fixture(scope="module")
def kernel(tmp_path_factory, server):
    home = tmp_path_factory.mktemp("kernel") / "home"
    kernel = Kernel(home, PW=PASSWORD, NEW="new-password", TEST_ROOT=root_password(server))
    try:
        kernel.run("import os\n%load_ext milvus_magics")
        yield kernel
    finally:
        kernel.close()


def interrupted(kernel, slow, method, code):
    """Run a cell, interrupt the kernel once the server has the change, and see how it ends."""
    slow.down(method)
    request = kernel.start(code)
    assert slow.begun.wait(20), "the change was never sent"
    kernel.interrupt()
    answer = kernel.finish(request)
    assert slow.ended.wait(20)
    return answer


def prepare(root):
    users.create_user(root, "bob", PASSWORD, timeout=10)
    for role in ("reader", "held", "lost"):
        roles.create_role(root, role, timeout=10)
    roles.grant_role(root, "bob", "held", timeout=10)
    privileges.grant_privilege(root, "reader", "Load", collection="docs", timeout=10)


@pytest.fixture
def slow(root, server, kernel):
    """The kernel is connected through a middleman that can be slow; there is something to change, and to bring back."""
    prepare(root)
    with middleman.between(server.uri) as (between, address):
        kernel.run(f"%milvus_connect http://{address} --user root --password-env TEST_ROOT")
        kernel.run("%milvus_create_user gone --password-env PW\n%milvus_drop_user gone --yes")
        assert not kernel.run("%milvus_drop_role lost --yes").error
        assert not kernel.run("%milvus_grant_privilege reader Query --collection docs").error
        yield Slow(between)


@pytest.mark.parametrize("name", CHANGES)
def test_interrupted_change_says_that_it_is_done(kernel, slow, name, figure):
    """Interrupted after it was sent, and the server does it all the same: one line says so; the kernel goes on."""
    assert_says_what_is_known(kernel, slow, *CHANGES[name])
    figure("interrupts", tried=1)


@pytest.mark.parametrize("name", NEWER_CHANGES)
def test_interrupted_change_of_newer_servers_says_that_it_is_done(kernel, name, figure):
    """The same for what only newer servers have."""
    with serve("3.0.0") as (_, target), middleman.between(target) as (between, address):
        root = Connection(Address.parse(target, user="root", password="Milvus"))
        prepare(root)
        for group in ("g", "empty"):
            privilege_groups.create_privilege_group(root, group, timeout=10)
        privilege_groups.add_privileges_to_group(root, "g", ["Query"], timeout=10)
        root.close()
        kernel.run("os.environ['JUNK'] = 'Milvus'")
        assert "'root'" in kernel.run(f"%milvus_connect {address} --user root --password-env JUNK").text()
        assert_says_what_is_known(kernel, Slow(between), *NEWER_CHANGES[name])
    figure("interrupts", tried=1)


def assert_says_what_is_known(kernel, slow, code, method, told):
    answer = interrupted(kernel, slow, method, code)
    line = one_line(answer)
    assert line.startswith("KeyboardInterrupt: interrupted; ")
    assert told in line
    assert "nothing was sent" not in line
    assert "cannot be told" not in line
    assert "'root'" in kernel.run("%milvus_whoami").text(), "the kernel goes on"


@pytest.mark.parametrize("operation", ["create", "delete"])
def test_interrupted_bulk_tells_each_row(kernel, slow, root, operation, figure):
    """Rows that are under way come to their end, the others are not tried; the result is there."""
    code = "rows = {f'user{n}': os.environ['PW'] for n in range(40)}\n"
    code += "rows = [{'user': user, 'password': password} for user, password in rows.items()]\n"
    method = {"create": "CreateCredential", "delete": "DeleteCredential"}[operation]
    if operation == "delete":
        assert not kernel.run(code + "_ = %milvus_create_users rows").error
    before = len(users.list_usernames(root, timeout=10))
    answer = interrupted(kernel, slow, method, code + f"done = %milvus_{operation}_users rows\ndone.counts, done")
    assert not answer.error, answer.text()
    changed = abs(len(users.list_usernames(root, timeout=10)) - before)
    assert 0 < changed < 40
    assert f"{{'done': {changed}, 'not tried': {40 - changed}}}" in answer.text()
    assert "interrupted" in answer.text()
    kernel.run(f"%milvus_connect {root.address.url} --user root --password-env TEST_ROOT")
    figure("interrupts", tried=1)


def test_form_that_is_interrupted_says_so(kernel, slow, root, figure):
    """Pressed by a cell: the status line has what is known, and the form can be used again."""
    kernel.run("import milvus_magics\nform = milvus_magics.CreateRoleForm()\nform.fields['role'].value = 'by_form'")
    answer = interrupted(kernel, slow, "CreateRole", "form.submit()\nprint(form.status.text)")
    assert not answer.error, answer.text()
    assert answer.text().strip().startswith("interrupted; role 'by_form' is created")
    assert "True" in kernel.run("form.fields['role'].value = 'again'\nform.is_ready").text()
    assert "created" in kernel.run("form.submit()\nprint(form.status.text)\nform.close()").text()
    assert {"by_form", "again"} <= {role.name for role in roles.list_roles(root, timeout=10)}
    figure("interrupts", tried=1)


def test_form_beside_a_cell_is_not_interrupted(kernel, slow, root, figure):
    """On a thread of its own, as newer notebooks run it: the interrupt is the cell's, and the form ends its work."""
    kernel.run("import milvus_magics, threading, time\nform = milvus_magics.CreateRoleForm()")
    code = "form.fields['role'].value = 'beside'\nthread = threading.Thread(target=form.submit)\nthread.start()"
    answer = interrupted(kernel, slow, "CreateRole", f"{code}\ntime.sleep(30)")
    assert answer.error["ename"] == "KeyboardInterrupt"
    answer = kernel.run("thread.join(20)\nprint(form.status.text, thread.is_alive())\nform.close()")
    assert "created role" in answer.text()
    assert "False" in answer.text()
    assert "beside" in {role.name for role in roles.list_roles(root, timeout=10)}
    figure("interrupts", tried=1)


OPEN_FORMS = "import milvus_magics\nforms = [getattr(milvus_magics, name)() for name in {names}]\nforms"


@pytest.mark.parametrize("again", ["restart", "reload"])
def test_fresh_start_with_everything_open(tmp_path, again):
    """Forms of every kind and an embedded server are open: nothing is noisy, no process is left, all can begin anew."""
    kernel, data = Kernel(tmp_path / "home"), tmp_path / "data"
    try:
        for _ in range(2):
            kernel.run("%load_ext milvus_magics")
            assert "user 'root'" in kernel.run(f"%milvus_connect --embedded {data}").text()
            answer = kernel.run(OPEN_FORMS.format(names=FORMS))
            assert not answer.error, answer.text()
            before = set(processes(data))
            assert before
            if again == "restart":
                kernel.restart()
            else:
                answer = kernel.run("%reload_ext milvus_magics")
                assert not answer.error, answer.text()
                assert len(answer.text().strip().splitlines()) == 1, "nothing but where to go next"
                assert "True" in kernel.run("all(form.comm is None for form in forms)").text(), "forms are closed"
            wait_until(lambda before=before: not before & set(processes(data)))
    finally:
        kernel.close()
    wait_until(lambda: not processes(data))
    assert not noise(kernel)
