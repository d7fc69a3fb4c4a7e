"""A blank, a line end or quotes around a password: taken as they are, and told by every way to give one.

Whoever makes such a password learns it at once, and whoever is refused with one learns what may be why. NUL characters
are taken by no way that makes a password, since nobody could verify it.
"""

import contract
import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from milvus_magics.bulk.plan import CREATE, make_plan
from milvus_magics.bulk.results import BulkError
from milvus_magics.bulk.rows import rows_of
from milvus_magics.bulk.run import create_users, delete_users
from milvus_magics.client import restore, users
from milvus_magics.client.results.users import UserSnapshot
from milvus_magics.errors import NOTHING_CHANGED, NOTHING_SENT, ParameterError, WrongPasswordError
from milvus_magics.forms import form_for
from milvus_magics.secret import Secret
from milvus_magics.session import connections

PASSWORD = "right-password"
ODD = {  # what stands around -> how it is told
    f"{PASSWORD}\n": "ends with a line end",
    f" {PASSWORD}": "begins with a blank",
    f'"{PASSWORD}"': "stands in quotes",
}
REMARKS = {
    odd: f"the password {told}, which {'are' if 'quotes' in told else 'is'} part of it" for odd, told in ODD.items()
}
HINTS = {odd: f"; the password given {told}" for odd, told in ODD.items()}


@pytest.fixture(params=[True, False], ids=["authorization on", "authorization off"])
def server(request):
    with contract.serve("3.0.0", authorization=request.param) as (server, address):
        server.passwords["bob"] = PASSWORD.encode()
        connections.connect(uri=f"http://{address}", user="root", password="Milvus")
        yield server
        connections.close_all()


@pytest.fixture
def conn(server):
    return connections.get()


@pytest.fixture
def shell(server):
    shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
    shell.run_line_magic("load_ext", "milvus_magics")
    yield shell
    shell.run_line_magic("unload_ext", "milvus_magics")


@pytest.mark.parametrize("odd", ODD)
def test_making_such_a_password_is_remarked_on(conn, odd):
    """By each function that makes one, by a row, and by a preview."""
    remark = REMARKS[odd]
    assert users.create_user(conn, "ann", odd).note == remark
    assert restore.restore_user(conn, UserSnapshot("eve", ()), odd).note == remark
    assert users.update_password(conn, "bob", PASSWORD, odd).note == remark
    assert users.reset_password(conn, "bob", odd, odd + "2" + odd).note == REMARKS[odd]
    (row,) = create_users(conn, {"dan": odd})
    assert (row.outcome, row.reason) == ("done", remark)
    assert remark[1:] in str(users.preview_create_user(conn, "fay", Secret(odd)))
    assert f"row 1: {remark}" in make_plan(conn, CREATE, rows_of({"fay": odd})).notes
    assert not users.create_user(conn, "gus", PASSWORD).note


@pytest.mark.parametrize("odd", ODD)
def test_magics_and_forms_tell_it_too(shell, conn, odd):
    remark = REMARKS[odd]
    shell.user_ns.update(odd=odd, plain=PASSWORD)
    assert remark in str(shell.run_line_magic("milvus_create_user", "ann --password-var odd"))
    assert remark[1:] in str(shell.run_line_magic("milvus_create_user", "new --password-var odd --dry-run"))
    line = "bob --password-var plain --new-password-var odd"
    assert remark in str(shell.run_line_magic("milvus_update_password", line))
    for operation, values in {
        "create_user": {"user": "eve", "password": odd},
        "update_password": {"user": "bob", "old_password": odd, "new_password": odd + odd},
    }.items():
        form = form_for(operation)()
        for name, value in values.items():
            form.fields[name].value = value
        form.submit()
        assert remark in form.status.text
        assert odd not in form.status.text
        form.close()


@pytest.mark.parametrize("odd", ODD)
def test_a_wrong_password_comes_with_what_may_be_why(conn, odd):
    """Where it is checked, and never quoted; an unknown user is told without it."""
    for attempt in (
        lambda: users.delete_user(conn, "bob", odd),
        lambda: users.update_password(conn, "bob", odd, "new-password"),
        lambda: users.reset_password(conn, "bob", odd, "new-password"),
    ):
        with pytest.raises(WrongPasswordError) as found:
            attempt()
        assert found.value.message == f"the password given for user 'bob' is wrong{HINTS[odd]}; nothing was changed"
        assert found.value.outcome in (None, NOTHING_CHANGED)
    (row,) = delete_users(conn, {"bob": odd})
    assert (row.outcome, row.reason) == ("refused", f"the password given for user 'bob' is wrong{HINTS[odd]}")
    with pytest.raises(WrongPasswordError, match="bob' is wrong; nothing was changed"):
        users.delete_user(conn, "bob", "another-password")


def test_magic_and_form_say_what_may_be_why(shell, conn):
    odd = f"{PASSWORD}\n"
    shell.user_ns["odd"] = odd
    with pytest.raises(WrongPasswordError, match=HINTS[odd]):
        shell.run_line_magic("milvus_delete_user", "bob --password-var odd --yes")
    form = form_for("delete_user")()
    form.fields["user"].value, form.fields["password"].value = "bob", odd
    form.submit()
    assert HINTS[odd] in form.status.text
    form.close()


@pytest.mark.parametrize("server", [True], indirect=True, ids=["authorization on"])
def test_the_hint_comes_with_every_way_to_say_wrong(server, conn):
    """For who may not list users, and in a preview that can check it."""
    server.passwords["eve"] = b"eves-password"
    connections.connect("eves", "eve", "eves-password", uri=conn.address.url)
    for using, said in [("eves", "the privilege SelectOwnership"), ("default", "'bob' is wrong")]:
        with pytest.raises(WrongPasswordError, match=f"{said}; the password given ends with a line end; nothing"):
            users.delete_user(connections.get(using), "bob", f"{PASSWORD}\n")
    with pytest.raises(WrongPasswordError, match="'bob' is wrong; the password given ends with a line end; nothing"):
        users.preview_delete_user(conn, "bob", f"{PASSWORD}\n")


def test_a_line_end_may_be_what_makes_it_too_long(conn):
    with pytest.raises(WrongPasswordError, match="more than 72; the password given ends with a line end; nothing"):
        users.delete_user(conn, "bob", "x" * 72 + "\n")


def test_no_password_with_nul_is_made(server, conn):
    """bcrypt repeats it, so that others pass for it; what can't be verified could never be deleted by its password."""
    nul = "right\0password"
    for attempt in (
        lambda: users.create_user(conn, "ann", nul),
        lambda: users.preview_create_user(conn, "ann", Secret(nul)),
        lambda: users.update_password(conn, "bob", PASSWORD, nul),
        lambda: users.reset_password(conn, "bob", PASSWORD, nul),
    ):
        with pytest.raises(ParameterError, match="the password holds a NUL character") as found:
            attempt()
        assert found.value.outcome is NOTHING_SENT
    with pytest.raises(BulkError, match="the password holds a NUL character"):
        create_users(conn, {"ann": nul})
    assert server.passwords == {"root": b"Milvus", "bob": PASSWORD.encode()}
