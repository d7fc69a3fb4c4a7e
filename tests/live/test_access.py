"""Who can do what, on a real Milvus: what the view says is what happens when somebody tries."""

import itertools
import time

import grpc
import pymilvus
import pytest
from conftest import empty
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from milvus_magics import connections, embedded
from milvus_magics.access import question
from milvus_magics.access.question import read_access
from milvus_magics.client import privileges, roles, users
from milvus_magics.client.grants.requests import revoke_listed_grant
from milvus_magics.display.marks import NONE, SOME
from milvus_magics.errors import (
    ParameterError,
    PermissionDeniedError,
    UnknownPrivilegeError,
    UnknownRoleError,
    UnknownUserError,
)
from milvus_magics.transport.address import Address
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline

PASSWORD = "a-password-of-theirs"
DATABASES = ("default", "lab")
COLLECTIONS = ("docs", "other")
SECONDS_TO_SETTLE = 30
SENTINEL = "what_is_granted_last"
VECTOR = [0.1, 0.2, 0.3, 0.4]

# What somebody tries -> the privilege and the collection that it takes.
TRIALS = {
    "search docs": ("Search", "docs", lambda client: client.search("docs", data=[VECTOR], limit=1)),
    "search other": ("Search", "other", lambda client: client.search("other", data=[VECTOR], limit=1)),
    "query docs": ("Query", "docs", lambda client: client.query("docs", filter="id >= 0", limit=1)),
    "insert docs": ("Insert", "docs", lambda client: client.insert("docs", [{"id": 1, "vector": VECTOR}])),
    "insert other": ("Insert", "other", lambda client: client.insert("other", [{"id": 1, "vector": VECTOR}])),
    "statistics": ("GetStatistics", "docs", lambda client: client.get_collection_stats("docs")),
    "search latest": ("Search", "latest", lambda client: client.search("latest", data=[VECTOR], limit=1)),
    "insert latest": ("Insert", "latest", lambda client: client.insert("latest", [{"id": 1, "vector": VECTOR}])),
    "delete docs": ("Delete", "docs", lambda client: client.delete("docs", filter="id in [9]")),
    "delete other": ("Delete", "other", lambda client: client.delete("other", filter="id in [9]")),
    # Without an index it cannot be loaded, and an index on no field cannot be made: the right comes before that.
    "load": ("Load", "other", lambda client: client.load_collection("other")),
    "release": ("Release", "other", lambda client: client.release_collection("other")),
    "index": ("CreateIndex", "other", lambda client: client.create_index("other", index_on("no_field"))),
    "flush": ("Flush", "other", lambda client: client.flush("other", _async=True)),
    "drop": ("DropCollection", None, lambda client: client.drop_collection("victim")),
    "rename": ("RenameCollection", None, lambda client: client.rename_collection("victim", "victim")),
    "alias": ("CreateAlias", None, lambda client: client.create_alias("nothing", "of_nothing")),
    "drop alias": ("DropAlias", None, lambda client: client.drop_alias("of_nothing")),
    "aliases": ("ListAliases", None, lambda client: client.list_aliases("docs")),
    "list users": ("SelectOwnership", None, lambda client: client.list_users()),
    "see root": ("SelectUser", None, lambda client: client.describe_user("root")),
    "root's password": ("UpdateUser", None, lambda client: client.update_password("root", "wrong-one", PASSWORD)),
    "databases": ("ListDatabases", None, lambda client: client.list_databases()),
    "create role": ("CreateOwnership", None, lambda client: client.create_role("9 is no name")),
}
DROPPING = [("DropCollection", "Global"), ("*", "Global"), ("All", "Global")]
ON_COLLECTIONS = st.tuples(
    st.just("Collection"),
    st.sampled_from(sorted({privilege for privilege, collection, _ in TRIALS.values() if collection} | {"*"})),
    st.sampled_from(["docs", "other", "latest", "*"]),
)
ON_EVERYTHING = st.tuples(
    st.just("Global"),
    st.sampled_from(
        [
            "DropCollection",
            "RenameCollection",
            "CreateAlias",
            "ListAliases",
            "SelectOwnership",
            "ListDatabases",
            "CreateOwnership",
            "*",
            "All",
        ]
    ),
    st.just("*"),
)
ON_USERS = st.tuples(st.just("User"), st.sampled_from(["SelectUser", "UpdateUser", "*"]), st.just("*"))
# No pattern like `de*`: as a database it is granted and counts, but Milvus 2.3 never tells of such a grant.
GRANT = st.tuples(st.one_of(ON_COLLECTIONS, ON_EVERYTHING, ON_USERS), st.sampled_from(["default", "lab", "*"]))
GRANTS = st.lists(GRANT, min_size=2, max_size=8)
# What `public` gets, and keeps until the end: a proxy that never hears that it was taken away would still allow it.
EVERYBODYS = [
    (("Collection", "GetStatistics", "docs"), "default"),
    (("Collection", "Insert", "latest"), "lab"),
    (("Global", "ListDatabases", "*"), "*"),
    (("Global", "RenameCollection", "*"), "default"),
]


@pytest.fixture(scope="module")
def milvus():
    with embedded.start(tcp_port=0) as server:
        client_of(server, "root", server.password.reveal()).create_database("lab")
        for db in DATABASES:
            client = client_of(server, "root", server.password.reveal(), db)
            for name in (*COLLECTIONS, "victim"):
                create(client, name)
            client.create_alias("docs", "latest")
            client.close()
        yield server


@pytest.fixture
def conn(milvus):
    conn = Connection(Address.parse(milvus.uri, user="root", password=milvus.password))
    yield conn
    empty(conn)
    conn.close()


def client_of(server, user, password, db="default"):
    return pymilvus.MilvusClient(uri=f"http://{server.address}", user=user, password=password, db_name=db)


def create(client, name):
    """A collection; only `docs` is loaded, which takes its time, so that searching it really finds."""
    if name == "docs":
        client.create_collection(name, dimension=4)
        return
    schema = client.create_schema()
    schema.add_field("id", pymilvus.DataType.INT64, is_primary=True)
    schema.add_field("vector", pymilvus.DataType.FLOAT_VECTOR, dim=4)
    client.create_collection(name, schema=schema)


def index_on(field):
    index = pymilvus.MilvusClient.prepare_index_params()
    index.add_index(field, index_type="AUTOINDEX", metric_type="COSINE")
    return index


def happens(client, attempt):
    """Whether the server lets somebody do it; any other error than "denied" means that they may."""
    try:
        attempt(client)
    except (grpc.RpcError, pymilvus.MilvusException) as exc:
        return "permission deny" not in str(exc)
    return True


def becomes_allowed(client, attempt):
    """Whether the server lets somebody do it in the end: rights reach the proxy late, up to 8 s were seen."""
    end = time.monotonic() + SECONDS_TO_SETTLE
    while not happens(client, attempt):
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def answers(conn, found, user, privilege, collection, db, *of):
    """Whether somebody is in the answer to a question, by any right or by one of those."""
    rights = question.answer_question(conn, found.snapshot, question.Question(user, None, privilege, collection, db))
    return any(not of or right[1:3] in of for right in rights)


numbers = itertools.count()


@pytest.fixture
def public(conn):
    """The role that everybody holds; afterwards it has what it had before."""
    before = list(privileges.list_grants(conn, "public", timeout=10))
    yield
    for grant in privileges.list_grants(conn, "public", timeout=10):
        if grant not in before:
            revoke_listed_grant(conn, grant, Deadline(10))


# Without shrinking: each try of a failing example waits for the server to change its mind.
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(
    first=GRANTS,
    second=GRANTS,
    everybodys=st.lists(st.sampled_from(EVERYBODYS), max_size=1),
    held=st.sampled_from([["one"], ["two"], ["one", "two"], [], ["one", "admin"]]),
)
def test_what_it_says_is_what_happens(milvus, public, figure, first, second, everybodys, held):
    """For roles with any grants, in any database: allowed where the view says so, denied elsewhere."""
    root = Connection(Address.parse(milvus.uri, user="root", password=milvus.password))
    grants = {"one": first, "two": second, "public": everybodys}
    try:
        # At times a proxy of 2.3.5 never hears of a change; what the view says wrong is wrong with new names, too.
        wrong = difference(milvus, root, grants, held) and difference(milvus, root, grants, held)
    finally:
        root.close()
    assert not wrong, wrong
    figure("access", rights_tried=len(DATABASES) * len(TRIALS))


def difference(milvus, root, grants, held):
    """What differs between the view and what happens when a new user with new roles tries it; empty = nothing."""
    number = next(numbers)  # other names each time: a proxy remembers what somebody of the same name could do
    names = {"one": f"one{number}", "two": f"two{number}", "admin": "admin", "public": "public"}
    user = f"user{number}"
    try:
        for role in names["one"], names["two"]:
            roles.create_role(root, role, timeout=10)
        for role, wanted in grants.items():
            for (kind, privilege, name), db in wanted:
                privileges.grant_privilege(
                    root, names[role], privilege, object_type=kind, object_name=name, db=db, timeout=10
                )
        users.create_user(root, user, PASSWORD, grant=[names[role] for role in held], timeout=10)
        give_sentinel(root, f"last{number}", user)
        found = read_access(root, timeout=10)
        return next(filter(None, (difference_in(milvus, root, found, user, db) for db in DATABASES)), "")
    finally:
        empty(root)


def give_sentinel(root, role, user):
    """Grant something more as the last thing: rights reach the proxy in order, so with it all others are there."""
    roles.create_role(root, role, timeout=10)
    privileges.grant_privilege(root, role, "Query", collection=SENTINEL, db="*", timeout=10)
    roles.grant_role(root, user, role, timeout=10)


def difference_in(milvus, root, found, user, db):
    """The same in one database."""
    client, admin = client_of(milvus, user, PASSWORD, db), client_of(milvus, "root", milvus.password.reveal(), db)
    try:
        if not becomes_allowed(client, lambda client: client.query(SENTINEL, filter="id >= 0", limit=1)):
            return f"the last grant never counted in {db}"
        said = {what: found.allows(user, *right, db) for what, (*right, _) in TRIALS.items()}
        for what, (*_, attempt) in TRIALS.items():
            # What is denied must be so at once: by now no right is on its way any more.
            if (becomes_allowed if said[what] else happens)(client, attempt) is not said[what]:
                return f"{what} in {db}: said {said[what]}"
        # A collection may be reached by any of its names.
        for privilege in ("Search", "Insert"):
            happened = said[f"{privilege.lower()} docs"] or said[f"{privilege.lower()} latest"]
            if answers(root, found, user, privilege, "docs", db) is not happened:
                return f"{privilege} on docs in {db}: it was {happened}"
        if answers(root, found, user, None, "victim", db, *DROPPING) is not said["drop"]:
            return f"dropping in {db}: it was {said['drop']}"
        return ""
    finally:
        if not admin.has_collection("victim"):
            create(admin, "victim")
        admin.close()
        client.close()


@pytest.fixture
def team(conn):
    """ann reads docs, bob administers, eve has nothing, and some of it is strange."""
    for role in ("reader", "nobodys"):
        roles.create_role(conn, role, timeout=10)
    for privilege in ("Search", "Query"):
        privileges.grant_privilege(conn, "reader", privilege, collection="docs", timeout=10)
    privileges.grant_privilege(conn, "reader", "Search", collection="gone", timeout=10)
    for name, grant in {"ann": ["reader"], "bob": ["admin"], "eve": []}.items():
        users.create_user(conn, name, PASSWORD, grant=grant, timeout=10)
    return conn


def test_questions(team):
    """Each filter answers its question; root, admin, public and wildcards count."""
    assert {right.user for right in read_access(team, privilege="Search", collection="docs")} == {
        "ann",
        "bob",
        "root",
    }
    assert {right.user for right in read_access(team, privilege="Search", collection="other")} == {"bob", "root"}
    assert {right.user for right in read_access(team, privilege="Search", db="lab")} == {"bob", "root"}
    assert {right.user for right in read_access(team, privilege="IndexDetail")} == {"ann", "bob", "eve", "root"}
    (right,) = read_access(team, user="ann", privilege="Query")
    assert str(right) == "Query on collection 'docs' in database 'default' by role 'reader'"
    brought = read_access(team, role="reader")
    assert [(right.privilege, right.object_name) for right in brought] == [
        ("Query", "docs"), ("Search", "docs"), ("Search", "gone"),
    ]  # fmt: skip
    assert "role 'reader' (held by ann) on " in brought.caption
    assert list(brought.to_pandas().columns) == list(brought.columns)
    assert {right.user for right in read_access(team, collection="gone")} == {"ann", "bob", "root", "eve"}


def test_what_is_shown_is_joined(team):
    """A row for each user, role and thing; what everybody may is said once; iterating gives single rights."""
    found = read_access(team, collection="docs", timeout=10)
    text = [line.split("  ")[0] for line in repr(found).splitlines()]
    assert [text.count(name) for name in ("ann", "bob", "eve", "root")] == [1, 1, 0, 1]
    assert [line for line in text if line.startswith("(everybody)")] == ["(everybody)"] * 2
    row = {"user": "ann", "privileges": "Query, Search", "on": "collection 'docs' in database 'default'"}
    assert {**row, "role": "reader", "group": ""} in found.summary()
    assert found._repr_html_().count('<td style="text-align:left">ann</td>') == 1
    assert {right.user for right in found if right.privilege == "DescribeCollection"} == {"ann", "bob", "eve", "root"}
    assert "(everybody)" not in repr(read_access(team, role="public", timeout=10)), "there it is about a role"


def test_aliases(team):
    """A grant on an alias is one on something that is there: it shows where the collection does, and says so."""
    roles.create_role(team, "by_alias", timeout=10)
    privileges.grant_privilege(team, "by_alias", "Search", collection="latest", timeout=10)
    users.create_user(team, "zoe", PASSWORD, grant=["by_alias"], timeout=10)
    found = read_access(team, privilege="Search", collection="docs", timeout=10)
    (right,) = [right for right in found if right.user == "zoe"]
    assert str(right).startswith("Search on collection 'latest' in database 'default' (alias of 'docs') by role")
    assert (right.object_name, right.alias_of) == ("latest", "docs")
    assert "zoe" not in {right.user for right in read_access(team, privilege="Search", collection="docs", db="lab")}
    assert "ann" not in {right.user for right in read_access(team, privilege="Search", collection="latest")}
    assert found.allows("zoe", "Search", "latest")
    assert not found.allows("zoe", "Search", "docs"), "the server compares names"
    cell = cells(found.matrix("users", "collections"))["zoe", "default", "docs"]
    assert (cell.text(), cell.mark("reads").extent) == ("r···", SOME)
    assert "(alias of 'docs')" in cell.reasons[0]
    findings = {finding.concern: finding for finding in found.findings}
    assert "latest" not in findings["grants on nothing"].text
    assert "grants on aliases" not in findings


def test_what_cannot_be_asked(team):
    """One line that says what there is instead, where the answer would mislead."""
    for error, words, asked in [
        (ParameterError, "not both", {"user": "ann", "role": "reader"}),
        (UnknownUserError, "did you mean 'ann'", {"user": "anne"}),
        (UnknownRoleError, "did you mean 'reader'", {"role": "readers"}),
        (UnknownPrivilegeError, "did you mean 'Search'", {"privilege": "Serch"}),
        (ParameterError, "did you mean 'docs'", {"collection": "doks"}),
        (ParameterError, "no collection 'gone' in database 'lab'", {"collection": "gone", "db": "lab"}),
        (ParameterError, "did you mean 'latest'", {"collection": "lates"}),
        (ParameterError, "did you mean 'lab'", {"db": "labs"}),
        (ParameterError, "empty", {"user": ""}),
    ]:
        with pytest.raises(error, match=words):
            read_access(team, timeout=10, **asked)


def test_findings(team):
    """What is strange about the rights is said, with the names."""
    found = {finding.concern: finding for finding in read_access(team, timeout=10).findings}
    assert set(found) == {"grants on nothing", "users without a role", "roles without a holder"}
    assert found["users without a role"].names == ("eve",)
    assert found["roles without a holder"].names == ("nobodys",)
    assert "Search on collection 'gone' in database 'default' by role 'reader'" in found["grants on nothing"].text
    privileges.grant_privilege(team, "reader", "All", object_type="Global", db="*", timeout=10)
    found = {finding.concern for finding in read_access(team, timeout=10).findings}
    assert "grants without effect" in found
    for number in range(5):
        roles.create_role(team, f"role{number}", timeout=10)
    assert "limit of roles" in {finding.concern for finding in read_access(team, timeout=10).findings}


@pytest.mark.parametrize(("authorization", "password"), [(True, "Milvus"), (True, "another one"), (False, "Milvus")])
def test_findings_about_the_server(authorization, password):
    """That authorization is off, and that root has the default password, without changing anything."""
    with embedded.start(authorization=authorization) as server:
        conn = Connection(Address.parse(server.uri, user="root", password=server.password or "junk"))
        if authorization:
            users.update_password(conn, "root", server.password, password, timeout=10)
            conn.close()
            conn = Connection(Address.parse(server.uri, user="root", password=password))
        found = read_access(conn, timeout=10)
        said = {finding.concern for finding in found.findings}
        conn.close()
    assert ("authorization" in said) is not authorization
    assert found.snapshot.allows("anybody", "Insert", "docs") is not authorization
    row = found.matrix("users", "collections" if authorization else "levels").rows[-1]
    assert authorization or [cell.text() for cell in row.cells] == ["RWAD", "s·A·", "sWAD"]
    assert ("default password" in said) is (authorization and password == "Milvus"), "off, a look would write"
    assert ("authorization is OFF" in found.caption) is not authorization


def test_others_see_their_own_rights(team, milvus):
    """Who may not list users still sees what they may do, and is told that it is not everything."""
    ann = Connection(Address.parse(milvus.uri, user="ann", password=PASSWORD))
    end = time.monotonic() + SECONDS_TO_SETTLE
    while not (found := read_access(ann, timeout=10)).allows("ann", "Search", "docs"):
        assert time.monotonic() < end, "what ann may do never reached the proxy"
    assert "only your own rights: 'ann' lacks SelectUser, SelectOwnership, ListDatabases" in found.caption
    assert {right.user for right in found} == {"ann"}
    assert not found.allows("ann", "Insert", "docs")
    with pytest.raises(PermissionDeniedError, match="only your own rights"):
        read_access(ann, user="bob", timeout=10)
    repr(found), found._repr_html_(), found.matrix("roles", "collections")._repr_html_()
    ann.close()


def test_matrix(team):
    """Levels and collections, by users and by roles; a cell says by which role the right comes."""
    found = read_access(team, timeout=10)
    by_user = cells(found.matrix("users", "levels"))
    reads = by_user["ann", "", "Collections"]
    assert reads.text() == "R1···"
    assert "reads 1 of 6" in reads.words()
    reason = "Query, Search on collection 'docs' in database 'default' by role 'reader'"
    assert reason in reads.reasons
    assert {by_user[who, "", "Cluster"].text() for who in ("root", "bob")} == {"sWAD"}
    assert by_user["eve", "", "Collections"].text() == "s···", "public shows what there is, and no data"
    assert cells(found.matrix("users", "databases"))["ann", "collections of", "lab"].text() == "s···"
    by_collection = cells(found.matrix("users", "collections"))
    assert by_collection["ann", "default", "docs"].text() == "R···"
    assert by_collection["ann", "lab", "docs"].text() == "s···"
    assert by_collection["bob", "lab", "docs"].text() == "RWAD"
    by_role = found.matrix("roles", "collections")
    assert cells(by_role)["reader", "default", "docs"].text() == "R···"
    assert [row.note for row in by_role.rows if row.name == "reader"] == ["ann"]
    assert [row.name for row in by_role.filter("read").rows] == ["(everybody)", "reader"]
    assert "reader" in repr(by_role)
    with pytest.raises(ParameterError, match="rows are"):
        found.matrix("columns")
    with pytest.raises(ParameterError, match="columns are"):
        found.matrix("users", "rows")


def test_full_levels_need_everything_everywhere(conn):
    """All of a database's rights in one of two is counted; in both they need no number."""
    roles.create_role(conn, "changer", timeout=10)
    for db, text in (("default", "s1·A1·"), ("lab", "s·A·")):
        privileges.grant_privilege(conn, "changer", "*", object_type="Global", object_name="*", db=db, timeout=10)
        found = cells(read_access(conn, timeout=10).matrix("roles"))
        assert found["changer", "", "Databases"].text() == text
        assert found["changer", "", "Collections"].mark("writes").extent == NONE


def test_dropping_is_seen(conn):
    """Who may drop a collection is among those who may do something on it, and has a mark of their own."""
    roles.create_role(conn, "dropper", timeout=10)
    privileges.grant_privilege(conn, "dropper", "DropCollection", object_type="Global", timeout=10)
    roles.create_role(conn, "cleaner", timeout=10)
    privileges.grant_privilege(conn, "cleaner", "*", object_type="Global", timeout=10)
    for name, grant in {"dee": ["dropper"], "cal": ["dropper", "cleaner"]}.items():
        users.create_user(conn, name, PASSWORD, grant=grant, timeout=10)
    found = read_access(conn, collection="docs", timeout=10)
    assert ("dee", "DropCollection") in {(right.user, right.privilege) for right in found}
    picture = found.matrix("users", "collections")
    assert cells(picture)["dee", "default", "docs"].text() == "s··d"
    assert cells(picture)["dee", "lab", "docs"].text() == "s···"
    assert cells(picture)["cal", "default", "docs"].text() == "s·AD"
    assert "D drops or renames" in repr(picture)
    assert "? cannot be told" not in repr(picture), "the legend holds what there is"


def cells(picture):
    return {
        (row.name, column.above, column.name): cell
        for row in picture.rows
        for column, cell in zip(picture.columns, row.cells, strict=True)
    }


def test_magic(shell):
    """The magic passes each option on, and returns what iterates."""
    users.create_user(connections.get(), "ann", PASSWORD, timeout=10)
    found = shell.run_line_magic("milvus_access", "--user ann --privilege IndexDetail")
    assert [right.role for right in found] == ["public"]
    assert "users by what they may do" in repr(shell.run_line_magic("milvus_access", ""))
