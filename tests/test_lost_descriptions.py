"""A description that the server would drop without a word is told before and after, for one user and for many."""

import contract
import pytest
from contract.server import ContractServer

from milvus_magics.bulk.plan import CREATE, make_plan
from milvus_magics.bulk.rows import rows_of
from milvus_magics.bulk.run import create_users
from milvus_magics.client import users
from milvus_magics.secret import Secret
from milvus_magics.session import connections

PASSWORD = "a-password-of-theirs"
LOST = "the server keeps no descriptions (Milvus 2.6.19 does), so"
ROWS = [
    {"user": "ann", "password": PASSWORD, "description": "a student"},
    {"user": "bob", "password": PASSWORD},
    {"user": "eve", "password": PASSWORD, "description": "a teacher"},
    {"user": "old", "password": PASSWORD, "description": "who is there already"},
]


@pytest.fixture
def conn(request):
    with contract.serve(request.param) as (server, address):
        server.passwords["old"] = PASSWORD.encode()
        connections.connect(uri=f"http://{address}", user="root", password="Milvus")
        yield connections.get()
        connections.close_all()


@pytest.mark.parametrize("conn", ["2.3.5", "2.6.4"], indirect=True)
def test_what_is_lost_is_told(conn):
    """The plan counts those that are new; each row says what the single creation says."""
    assert f"{LOST} those of 2 users will be lost" in make_plan(conn, CREATE, rows_of(ROWS)).notes
    found = {row.user: (row.outcome, row.reason) for row in create_users(conn, ROWS)}
    assert found["ann"] == found["eve"] == ("done", f"{LOST} this one is lost")
    assert found["bob"] == ("done", "")
    assert found["old"][0] == "already"
    secret = Secret(PASSWORD)
    assert f"{LOST[1:]} this one will be lost" in str(users.preview_create_user(conn, "fay", secret, description="x"))
    assert users.create_user(conn, "fay", secret, description="x").note == found["ann"][1]


@pytest.mark.parametrize("conn", ["3.0.0"], indirect=True)
def test_nothing_is_told_where_it_is_kept(conn):
    assert not make_plan(conn, CREATE, rows_of(ROWS)).notes
    assert {row.reason for row in create_users(conn, ROWS) if row.outcome == "done"} == {""}
    assert "lost" not in str(users.preview_create_user(conn, "fay", Secret(PASSWORD), description="x"))
    assert {user.name: user.description for user in users.list_users(conn)}["eve"] == "a teacher"


LINES = [
    "milvus_create_role r2 --description x",
    "milvus_create_user ann --generate --description x",
    "milvus_create_user ann --password-env PW --description x",
    "milvus_create_users rows",
]


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("conn", ["2.3.5", "3.0.0"], indirect=True)
def test_it_is_said_before_it_is_lost(conn, shell, capsys, monkeypatch, line):
    """Before anything is sent; the result doesn't look as if all were well. Where it is kept nothing is said."""
    monkeypatch.setenv("PW", PASSWORD)
    shell.user_ns["rows"] = ROWS
    said_before = []

    def listen_before(create):
        def listen(*arguments):
            said_before.append(capsys.readouterr().out)
            return create(*arguments)

        return listen

    for method in ("CreateRole", "CreateCredential"):
        monkeypatch.setattr(ContractServer, method, listen_before(getattr(ContractServer, method)))
    result = shell.run_line_magic(*line.split(" ", 1))
    is_kept = "3.0.0" in conn.version
    assert ("will be lost" in said_before[0]) is not is_kept, said_before
    assert result.look == ("done" if is_kept else "warning")
