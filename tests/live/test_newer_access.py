"""Who can do what on newer servers, whose groups of privileges are taken apart."""

import threading

import pytest
from contract import ContractServer, Denied, serve, serving

from milvus_magics import connections
from milvus_magics.access.question import read_access
from milvus_magics.transport.address import Address
from milvus_magics.transport.connection import Connection


@pytest.fixture
def newer():
    with serve("2.6.4") as (contract, address):
        connections.connect(uri=f"http://{address}", user="root", password="Milvus")
        yield contract, connections.get()
        connections.close_all()


def give(contract, user, *grants):
    """A user with a role of their own; a grant is (object type, name, privilege, database)."""
    contract.passwords[user] = b"a-password"
    contract.roles[f"of_{user}"] = ""
    contract.bindings.add((user, f"of_{user}"))
    for grant in grants:
        contract.grants[(f"of_{user}", *grant)] = "root"


def test_groups_are_taken_apart(newer):
    """A group brings what it holds, the server's own and those that somebody made; the row names it."""
    contract, conn = newer
    contract.groups["mine"] = {"Insert", "Flush"}
    give(contract, "ann", ("Global", "docs", "CollectionReadOnly", "default"), ("Global", "*", "mine", "lab"))
    found = read_access(conn, user="ann")
    held = {(right.privilege, right.object_name, right.db, right.group) for right in found if right.group}
    assert ("Search", "docs", "default", "CollectionReadOnly") in held
    assert ("Flush", "*", "lab", "mine") in held
    assert found.allows("ann", "Search", "docs")
    assert not found.snapshot.allows("ann", "Search", "docs", "lab")
    assert found.snapshot.allows("ann", "Insert", "docs", "lab")
    assert not found.allows("ann", "Insert", "docs")
    picture = found.matrix()
    assert ("Own groups", "mine") in [column[:2] for column in picture.columns]
    assert "(group CollectionReadOnly)" in picture._repr_html_()


def test_groups_of_24_and_all_everywhere(newer):
    """The groups of 2.4 count in the whole database, `All` in `*` nowhere, and both are told."""
    contract, conn = newer
    give(contract, "ann", ("Collection", "docs", "ReadOnly", "default"))
    give(contract, "bob", ("Global", "*", "All", "*"))
    found = read_access(conn)
    assert found.allows("ann", "Query", "docs")
    assert found.snapshot.allows("ann", "Query", "other")
    assert found.allows("ann", "Insert", "docs") is False
    assert found.snapshot.allows("ann", "Query", "docs", "lab") is False
    assert found.snapshot.allows("bob", "Insert", "docs", "lab") is False
    findings = {finding.concern: finding for finding in found.findings}
    assert "All on everything in all databases by role 'of_bob'" in findings["grants without effect"].text
    assert "ReadOnly on collection 'docs'" in findings["grants with another effect"].text


def test_dropping_by_groups(newer):
    """A group that holds the right to drop, and `*` on everything, reach the collections that are there."""
    contract, conn = newer
    give(contract, "ann", ("Global", "*", "DatabaseAdmin", "default"))
    give(contract, "bob", ("Global", "*", "*", "default"))
    give(contract, "cat", ("Global", "*", "DatabaseReadWrite", "default"))
    found = read_access(conn, collection="docs")
    assert {"ann", "bob"} <= {right.user for right in found if right.role != "public"}
    assert "cat" not in {right.user for right in found if right.role != "public"}
    texts = {row.name: row.cells[0].text() for row in found.matrix("users", "collections").rows}
    assert {name: text[3:] for name, text in texts.items()} == {
        "(everybody)": "·", "ann": "d", "bob": "D", "cat": "·", "root": "D",
    }, "DatabaseAdmin does not rename"  # fmt: skip
    picture = found.matrix("users", "collections")
    assert {row.name: row.why for row in picture.rows}["ann"] == ("role 'of_ann': partly drops default.docs",)
    assert "D</b> drops or renames" in picture._repr_html_()


def test_aliases_may_count(newer):
    """Where a server may look up which collection an alias means, either counts, and grants on aliases are told."""
    contract, conn = newer
    contract.aliases["default", "latest"] = "docs"
    give(contract, "ann", ("Collection", "docs", "Search", "default"))
    give(contract, "bob", ("Global", "latest", "CollectionReadOnly", "default"))
    found = read_access(conn)
    assert (found.allows("ann", "Search", "latest"), found.allows("bob", "Search", "latest")) == (False, True)
    contract.version = "2.6.12"
    found = read_access(conn)
    assert (found.allows("ann", "Search", "latest"), found.allows("bob", "Search", "docs")) == (True, False)
    findings = {finding.concern: finding for finding in found.findings}
    assert "CollectionReadOnly on 'latest'" in findings["grants on aliases"].text
    assert "grants on nothing" not in findings


def test_who_holds_a_group(newer):
    """Who was granted a group, or one that brings all of it, is an answer to who may do what it brings."""
    contract, conn = newer
    contract.groups["mine"] = {"Query", "Search"}
    give(contract, "ann", ("Global", "*", "mine", "lab"))
    give(contract, "bob", ("Global", "docs", "CollectionReadOnly", "default"))
    give(contract, "cat", ("Collection", "docs", "Search", "default"))
    give(contract, "dan", ("Global", "*", "*", "default"))
    held = read_access(conn, privilege="mine")
    assert {right.user for right in held} == {"ann", "bob", "root"}
    assert {right.user for right in read_access(conn, privilege="mine", collection="docs")} == {"bob", "root"}
    assert {right.user for right in read_access(conn, privilege="CollectionReadOnly")} == {"bob", "root"}
    assert held.allows("ann", "mine", db="lab")
    assert not held.allows("ann", "CollectionReadOnly", db="lab")


def test_groups_on_nothing(newer):
    """A group is granted on a collection without that type; that it isn't there is told all the same."""
    contract, conn = newer
    give(contract, "ann", ("Global", "gone", "CollectionReadOnly", "default"))
    (finding,) = [finding for finding in read_access(conn).findings if finding.concern == "grants on nothing"]
    assert "CollectionReadOnly on 'gone' in database 'default' by role 'of_ann'" in finding.text


def test_who_may_not_look_sees_granted_collections():
    """The columns are then the collections that grants name, also where a group was granted."""
    contract = ContractServer("2.6.4")
    give(contract, "ann", ("Global", "docs", "CollectionReadOnly", "default"))
    with serving(contract) as (_, address):
        conn = Connection(Address.parse(address, user="ann", password="a-password"))
        picture = read_access(conn, timeout=10).matrix("users", "collections")
        conn.close()
    assert [column[:2] for column in picture.columns] == [("default", "docs")]
    assert {row.name: row.cells[0].text() for row in picture.rows}["ann"] == "R???"


def test_how_near_the_limits_are(newer):
    """The overview says how many users and roles there are of how many, also where the limit was raised."""
    contract, conn = newer
    caption = read_access(conn).caption
    assert caption.startswith("1 user (default limit: 100), 2 roles (default limit: 10)")
    contract.passwords |= {f"user{number}": b"a-password" for number in range(100)}
    caption = read_access(conn).caption
    assert caption.startswith("101 users (default limit: 100, which was raised here), 2 roles")


def test_root_has_the_default_password(newer):
    """The contract server's root does."""
    findings = read_access(newer[1]).findings
    assert "default password" in [finding.concern for finding in findings]


class InFlight(ContractServer):
    """Answers what is asked in the second round trip only once all of it is asked; counts failed logins."""

    TOGETHER = ("ShowCollections", "ListAliases", "SelectGrant")

    def __init__(self, version, **options):
        super().__init__(version, **options)
        self.came = {name: threading.Event() for name in self.TOGETHER}
        self.collections = {"lab": [], "default": ["docs"]}
        self.failed_logins = []

    def login(self, metadata):
        try:
            return super().login(metadata)
        except Denied:
            self.failed_logins += [metadata["authorization"]] if "authorization" in metadata else []
            raise

    def require(self, caller, method, request, db):
        super().require(caller, method, request, db)
        if method in self.came:
            self.came[method].set()
            assert all(event.wait(5) for event in self.came.values()), "not in flight together"


@pytest.mark.parametrize("authorization", [True, False])
def test_reading_takes_two_round_trips(authorization):
    """First who and what there is, then what they hold and whether root's password is the default, all together."""
    with serving(InFlight("2.6.4", authorization=authorization)) as (_, address):
        conn = Connection(Address.parse(address, user="root", password="Milvus"))
        found = read_access(conn, timeout=10)
        conn.close()
    assert found.snapshot.enforced is authorization
    assert found.snapshot.default_password is (True if authorization else None)
    assert list(found.snapshot.collections) == ["default", "lab"], "in one order each time"


def test_wrong_guesses_of_the_default_password_are_few():
    """Who isn't root tries the default password once per connection, and root not at all; a hit is looked at again."""
    contract = InFlight("2.6.4")
    give(contract, "ann", ("Global", "*", "All", "*"))
    with serving(contract) as (_, address):
        conn, ruled_out = Connection(Address.parse(address, user="ann", password="a-password")), set()
        assert read_access(conn, root_ruled_out=ruled_out, timeout=10).snapshot.default_password
        contract.passwords["root"] = b"another one"
        contract.failed_logins.clear()
        assert read_access(conn, root_ruled_out=ruled_out, timeout=10).snapshot.default_password is False
        assert len(contract.failed_logins) == 3
        read_access(conn, root_ruled_out=ruled_out, timeout=10)
        assert len(contract.failed_logins) == 3, "no more guesses: they are failed logins"
        conn.close()
        conn = Connection(Address.parse(address, user="root", password="another one"))
        assert read_access(conn, timeout=10).snapshot.default_password is False
        assert len(contract.failed_logins) == 3
        conn.close()
