"""A dry run of many says what the run then does, row by row, and changes nothing."""

import contract
import hypothesis
import pytest
from hypothesis import strategies as st

from milvus_magics.bulk.plan import CREATE, DELETE, DROP, make_plan
from milvus_magics.bulk.rows import rows_of
from milvus_magics.bulk.run import execute, preview
from milvus_magics.transport.address import Address
from milvus_magics.transport.connection import Connection

NAMES = [f"user{number}" for number in range(8)]
PASSWORDS = ["password-one", "password-two"]
ROLES = ["reader", "writer"]
# What a row may become for which the dry run says that there is something to do.
DONE = {"to do": {"done"}, "not checked": {"done", "refused"}}

some_roles = st.lists(st.sampled_from(ROLES), unique=True)
people = st.dictionaries(st.sampled_from(NAMES), st.tuples(st.sampled_from(PASSWORDS), some_roles))
rows = st.dictionaries(st.sampled_from(NAMES), st.tuples(st.sampled_from(PASSWORDS), some_roles), min_size=1)


@pytest.fixture(scope="module", params=[("2.3.5", True), ("2.6.4", True), ("2.6.4", False), ("3.0.0", False)], ids=str)
def server(request):
    version, authorization = request.param
    with contract.serve(version, authorization=authorization) as (server, address):
        server.conn = Connection(Address.parse(address, user="root", password="Milvus"))
        yield server
        server.conn.close()


def state_of(server):
    return dict(server.passwords), set(server.bindings)


@hypothesis.settings(deadline=None, max_examples=40)
@hypothesis.given(
    there=people, wanted=rows, operation=st.sampled_from([CREATE, DELETE, DROP]), missing_ok=st.booleans()
)
def test_a_dry_run_is_the_run(server, there, wanted, operation, missing_ok):
    """Whoever is there, with whichever roles and passwords."""
    server.passwords = {"root": b"Milvus"} | {name: word.encode() for name, (word, _) in there.items()}
    server.roles |= dict.fromkeys(ROLES, "")
    server.bindings = {(name, role) for name, (_, roles) in there.items() for role in roles}
    source = [{"user": name, "password": word, "roles": roles} for name, (word, roles) in wanted.items()]
    planned = make_plan(server.conn, operation, rows_of(source), missing_ok=missing_ok)
    before = state_of(server)
    foreseen = preview(server.conn, planned)
    assert state_of(server) == before
    found = execute(server.conn, planned)
    for row, came in zip(foreseen, found, strict=True):
        expected = DONE["not checked" if "not checked" in row.reason else "to do"]
        assert came.outcome in expected if row.outcome == "to do" else came.outcome == row.outcome, (row, came)
        assert (row.row, row.user, row.roles) == (came.row, came.user, came.roles)
