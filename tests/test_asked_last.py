"""Nobody is asked for a password that cannot be used: what can be known is said before."""

import contract
import pytest

from milvus_magics import connections
from milvus_magics.errors import (
    ClosedError,
    MilvusException,
    PermissionDeniedError,
    RefusedError,
    UnknownRoleError,
    UnknownUserError,
    UserExistsError,
    WrongPasswordError,
)
from milvus_magics.secret import Secret

GOOD = "a-password-like-any"
NEW = "another-password"


@pytest.fixture
def asked(monkeypatch):
    """What was asked for, in order. A new password gets another answer than one that there is."""
    labels = []

    def answer(label):
        labels.append(label)
        return Secret(GOOD if label.startswith(("Old", "Password")) else NEW)

    monkeypatch.setattr(Secret, "prompt", answer)
    return labels


@pytest.fixture(params=["2.3.5", "2.6.18"])
def server(request, shell):
    with contract.serve(request.param) as (server, address):
        server.passwords |= {"ann": GOOD.encode(), "eve": b"password-of-eve"}
        server.at = address
        connections.connect(uri=f"http://{address}", user="root", password="Milvus")
        yield server
        connections.disconnect("default")


def run(shell, line):
    return shell.run_line_magic(*f"milvus_{line}".split(" ", 1))


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("create_user ann", UserExistsError),
        ("create_user 9bob", MilvusException),
        ("create_user bob --role nosuch", UnknownRoleError),
        ("update_password nosuch", UnknownUserError),
        ("reset_password nosuch --without-old", UnknownUserError),
        ("update_password ann --password-env WRONG", WrongPasswordError),
        ("delete_user nosuch", UnknownUserError),
        ("restore_user nosuch", MilvusException),
        ("connect http://127.0.0.1:9 --user root --alias other", RefusedError),
        ("connect http://127.0.0.1:9 --token --alias other", RefusedError),
    ],
)
def test_what_can_be_known_is_said_first(shell, server, asked, monkeypatch, line, error):
    monkeypatch.setenv("WRONG", "not-the-password-of-ann")
    before = dict(server.passwords)
    with pytest.raises(error):
        run(shell, line)
    assert asked == []
    assert server.passwords == before


def test_a_dead_server_is_said_first(shell, server, asked):
    connections.connect("gone", uri=f"http://{server.at}", user="root", password="Milvus")
    connections.get("gone").close()
    own = ("update_password ", "reset_password ", "update_password --without-old")
    for line in ("create_user bob", "update_password ann", "delete_user ann", *own):
        with pytest.raises(ClosedError):
            run(shell, f"{line} --using gone")
    assert asked == []


def test_what_cannot_be_known_is_asked(shell, server, asked):
    """As often as before, and in the same order."""
    run(shell, "create_user bob")
    run(shell, f"connect http://{server.at} --user ann --alias ann")
    run(shell, "update_password ann")
    assert [label.split(" ")[0] for label in asked] == ["New", "Confirm", "Password", "Old", "New", "Confirm"]
    assert server.passwords["bob"] == server.passwords["ann"] == NEW.encode()


def test_ones_own_is_changed_also_by_who_may_not_look(shell, server, asked):
    """The question before refuses nobody."""
    connections.connect(uri=f"http://{server.at}", user="ann", password=GOOD)
    run(shell, "update_password ")
    assert [label.split(" ")[0] for label in asked] == ["Old", "New", "Confirm"]
    assert server.passwords["ann"] == NEW.encode()


def test_who_lacks_the_right_is_told_first(shell, server, asked, monkeypatch, capsys):
    """And is asked all the same: the server decides."""
    said = []
    monkeypatch.setattr(Secret, "prompt", lambda label: said.append(capsys.readouterr().out) or Secret(GOOD))
    connections.connect(uri=f"http://{server.at}", user="eve", password="password-of-eve")
    lacking = {"create_user bob": "CreateOwnership", "update_password ann --without-old": "UpdateUser"}
    for line, privilege in lacking.items():
        with pytest.raises(PermissionDeniedError):
            run(shell, line)
        assert f"lack the privilege {privilege}, so the server will refuse this" in said[0]
        said.clear()


def test_who_may_change_but_not_look_is_asked(shell, server, asked):
    """That there is such a user cannot be known before."""
    server.roles["mine"] = ""
    server.bindings.add(("eve", "mine"))
    server.grants["mine", "User", "*", "UpdateUser", "*"] = "root"
    connections.connect(uri=f"http://{server.at}", user="eve", password="password-of-eve")
    run(shell, "update_password ann")
    assert server.passwords["ann"] == NEW.encode()
