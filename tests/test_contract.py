"""What the contract server does that no recorded step shows: rights, aliases, and what real servers do badly.

The facts were seen on real servers of these versions.
"""

import base64
import time

import bcrypt
import contract
import grpc
import pytest
from contract import messages
from contract.versions import RECORDED, SINCE

OLD, V25, V26, V30 = RECORDED
NEWER = (V25, V26, V30)
EVERY = (OLD, *NEWER)


class Bench:
    """A server, called without a network: `bench.ask("root:Milvus", "DropRole", role_name="r")`."""

    def __init__(self, version, **options):
        self.server = contract.ContractServer(version, **options)
        self.server.collections = {"default": ["c1", "c2"], "dba": ["c1"], "dbb": []}
        self.server.passwords |= {"ann": b"ann's-password"}
        self.server.roles["r"] = ""
        self.server.bindings.add(("ann", "r"))

    def ask(self, who, method, dbname="", **fields):
        """The answer: a message, or the words of a gRPC error."""
        headers = {"authorization": base64.b64encode(who.encode()).decode(), "dbname": dbname}
        request, response = messages.method(method)[2:]
        try:
            return response.FromString(self.server.answer(method, headers, request(**fields).SerializeToString()))
        except contract.Denied as exc:
            return exc.words

    def give(self, kind, name, privilege, db):
        self.server.grants[("r", kind, name, privilege, db)] = "root"

    def grant(self, privilege, db="default", collection="*", change=0, role="r"):
        """In the newer way; the reason of a refusal, or nothing."""
        return self.ask(
            "root:Milvus", "OperatePrivilegeV2", role={"name": role}, grantor={"privilege": {"name": privilege}},
            db_name=db, collection_name=collection, type=change,
        ).reason  # fmt: skip

    def listed(self, role="r"):
        entities = self.ask("root:Milvus", "SelectGrant", entity={"role": {"name": role}, "db_name": "*"}).entities
        return [(one.object.name, one.object_name, one.grantor.privilege.name, one.db_name) for one in entities]

    def may(self, privilege, header="default", asked="", name="*"):
        return self.server.may("ann", privilege, self.server.database_for(privilege, header, asked), name)


# Grant as it is kept; then what it brings and what it doesn't: privilege, header's database, object. Each with the
# versions of which that is so; of all others the opposite is.
STAR_OF_C1, ALL_ANYWHERE, ALL_HERE = (("Collection", "c1", "*", "default"), ("Global", "*", "All", "*"),
                                      ("Global", "*", "All", "default"))  # fmt: skip
ADMIN_OF_C1 = ("Global", "c1", "CollectionAdmin", "default")
RIGHTS = [
    (STAR_OF_C1, ("Search", "default", "c1"), (OLD,)),
    (STAR_OF_C1, ("CreateCollection", "default", "*"), NEWER),
    (STAR_OF_C1, ("CreateOwnership", "default", "*"), (V25, V26)),
    (STAR_OF_C1, ("SelectUser", "default", "*"), ()),
    (STAR_OF_C1, ("CreateCollection", "dba", "*"), ()),
    (ALL_ANYWHERE, ("Search", "default", "c1"), ()),
    (ALL_ANYWHERE, ("CreateOwnership", "default", "*"), (V30,)),
    (ALL_HERE, ("Search", "default", "c2"), EVERY),
    (ALL_HERE, ("CreateOwnership", "default", "*"), (OLD, V25, V26)),
    (ALL_HERE, ("Search", "dba", "c1"), ()),
    (("Global", "*", "CreateOwnership", "default"), ("CreateOwnership", "default", "*"), (OLD, V25, V26)),
    (("Global", "*", "CreateOwnership", "default"), ("CreateOwnership", "dba", "*"), ()),
    (("Global", "*", "CreateOwnership", "*"), ("CreateOwnership", "dba", "*"), EVERY),
    (ADMIN_OF_C1, ("Search", "default", "c1"), NEWER),
    (ADMIN_OF_C1, ("Search", "default", "c2"), ()),
    (ADMIN_OF_C1, ("CreateAlias", "default", "*"), NEWER),
    (ADMIN_OF_C1, ("CreateAlias", "dba", "*"), ()),
    (("Collection", "c1", "Search", "d*"), ("Search", "dba", "c1"), EVERY),
    (("Collection", "c1", "ReadOnly", "default"), ("DescribeDatabase", "default", "*"), NEWER),
    (("Collection", "c1", "ReadOnly", "default"), ("Query", "default", "c2"), NEWER),
    (("Collection", "c1", "ReadOnly", "*"), ("Query", "default", "c1"), ()),
    (("Global", "*", "Admin", "default"), ("FlushAll", "default", "*"), ()),
    (("Global", "*", "ClusterAdmin", "*"), ("RenameCollection", "default", "*"), (V25, V26)),
    (("Global", "*", "DatabaseAdmin", "default"), ("RenameCollection", "default", "*"), (V30,)),
    (("User", "bob", "SelectUser", "*"), ("SelectUser", "default", "bob"), EVERY),
    (("User", "bob", "SelectUser", "*"), ("SelectUser", "default", "eve"), ()),
]  # fmt: skip


@pytest.mark.parametrize("version", EVERY)
def test_rights(version):
    """What one grant brings."""
    for grant, (privilege, db, name), versions in RIGHTS:
        bench = Bench(version)
        bench.give(*grant)
        assert bench.may(privilege, db, name=name) is (version in versions), (grant, privilege, db, name)


@pytest.mark.parametrize("version", NEWER)
def test_which_database_counts(version):
    """Up to 2.6 the header's, so that a right in one database reaches all others; in 3.0 the one that is asked for."""
    bench = Bench(version)
    bench.give("Collection", "*", "Query", "dba")
    assert bench.may("Query", "dba", "dbb") is (version != V30)
    assert bench.may("Query", "default", "dba") is (version == V30)


VISIBLE = [
    # grants, databases, collections in `default`
    ([], [], []),
    ([("Global", "*", "ManageOwnership", "*")], ["default", "dba", "dbb"], []),
    ([("Global", "*", "ClusterAdmin", "*"), ("Global", "*", "DatabaseReadOnly", "default")],
     ["default", "dba", "dbb"], []),
    ([("Collection", "c1", "Query", "default")], ["default"], ["c1"]),
    ([ALL_HERE], ["default"], ["c1", "c2"]),
    ([("Global", "c2", "mine", "default")], ["default"], ["c2"]),
]  # fmt: skip


@pytest.mark.parametrize("version", NEWER)
def test_what_is_seen(version):
    """Lists hold what grants name, not what rights would reach."""
    for grants, databases, collections in VISIBLE:
        bench = Bench(version)
        bench.server.groups["mine"] = {"Query"}
        for grant in grants:
            bench.give(*grant)
        assert list(bench.ask("ann:ann's-password", "ListDatabases").db_names) == databases, grants
        assert list(bench.ask("ann:ann's-password", "ShowCollections").collection_names) == collections, grants


@pytest.mark.parametrize("version", NEWER)
def test_grants_on_aliases(version):
    """From 2.6.12 on they are kept on the collection: what was kept on the alias before can't be revoked by it."""
    bench, resolves = Bench(version), version != V25
    bench.server.aliases["default", "a1"] = "c1"
    assert not bench.grant("Query", collection="a1")
    assert bench.listed() == [("Collection", "c1" if resolves else "a1", "Query", "default")]
    assert bench.may("Query", name="a1")
    assert bench.may("Query", name="c1") is resolves
    bench.give("Collection", "a1", "Query", "default")
    assert not bench.grant("Query", collection="a1", change=1)
    assert bench.listed() == ([("Collection", "a1", "Query", "default")] if resolves else [])
    bench.give("Collection", "c1", "Query", "default")
    bench.give("Global", "c1", "CollectionReadOnly", "default")
    bench.ask("root:Milvus", "DropCollection", collection_name="c1")
    assert (("Collection", "c1", "Query", "default") in bench.listed()) is not resolves
    assert ("Global", "c1", "CollectionReadOnly", "default") in bench.listed()


@pytest.mark.parametrize("version", NEWER)
def test_groups_by_their_inner_names(version):
    """Kept under the outer one, whatever the scope, and without an effect until a proxy starts again."""
    bench = Bench(version)
    assert not bench.grant("GroupClusterReadOnly")
    assert bench.listed() == [("Global", "*", "ClusterReadOnly", "default")]
    assert not bench.may("ListResourceGroups")
    assert not bench.grant("GroupReadOnly", collection="c1")
    assert not bench.grant("ReadOnly", collection="c1")
    assert {kind for kind, _, name, _ in bench.listed() if name == "ReadOnly"} == {"Global", "Collection"}


@pytest.mark.parametrize("version", NEWER)
def test_databases_that_cannot_be(version):
    """By the newer way their names are looked at; an unknown one may have grants on everything in it."""
    bench = Bench(version)
    for name, words in (
        ("my-db", "database name can only contain numbers, letters and underscores"),
        ("default ", "database name can only contain numbers, letters and underscores"),
        ("9db", "the first character of a database name must be an underscore or letter"),
        ("d" * 300, "the length of a database name must be less than 255 characters"),
    ):
        assert bench.grant("Query", db=name) == f"{words}: invalid database name[database={name}]"
    assert not bench.grant("CreateCollection", db="nowhere")


@pytest.mark.parametrize("version", EVERY)
def test_drop_by_force(version):
    """2.5 also drops the grants of roles whose name only begins so."""
    bench = Bench(version)
    bench.server.roles |= {"r2": "", "q": ""}
    for role in ("r", "r2", "q"):
        bench.server.grants[(role, "Collection", "c1", "Search", "default")] = "root"
    answer = bench.ask("root:Milvus", "DropRole", role_name="r", force_drop=True)
    assert bool(answer.code) is (version == OLD)
    left = {role for role, *_ in bench.server.grants} - {"public"}
    assert left == {OLD: {"r", "r2", "q"}, V25: {"q"}}.get(version, {"r2", "q"})


@pytest.mark.parametrize("version", EVERY)
def test_blanks_around_names(version):
    """From 2.6 on somebody else is deleted or changed; nobody gets in with a password that was set so."""
    bench, trims = Bench(version), version in (V26, V30)
    bench.server.passwords |= {"bob": b"bob's-password", "bob ": b"other-password"}
    change = {"oldPassword": encode("other-password"), "newPassword": encode("newest-password")}
    assert not bench.ask("root:Milvus", "UpdateCredential", username="bob ", **change).code
    changed, kept = ("bob", "bob ") if trims else ("bob ", "bob")
    assert isinstance(bench.ask(f"{changed}:newest-password", "GetVersion"), str) is trims
    assert not isinstance(
        bench.ask(f"{kept}:{'other' if trims else 'bob' + chr(39) + 's'}-password", "GetVersion"), str
    )
    assert not bench.ask("root:Milvus", "DeleteCredential", username="bob ").code
    assert bench.server.passwords.keys() == {"root", "ann", kept}


@pytest.mark.parametrize("version", EVERY)
def test_superusers(version):
    """Up to 2.5 they make whom they change the password of."""
    bench = Bench(version, superusers=("root",))
    answer = bench.ask("root:Milvus", "UpdateCredential", username="eve", newPassword=encode("eve's-password"))
    assert ("eve" in bench.server.passwords) is (version in (OLD, V25)) is not bool(answer.code)


@pytest.mark.parametrize("version", NEWER)
def test_grants_restored_twice(version):
    """2.5 refuses them; later ones never change access again, and go on answering questions."""
    bench = Bench(version)
    names = ("Load", "GetLoadState")  # the one brings the other
    grants = [
        {"role": {"name": "r"}, "object": {"name": "Collection"}, "object_name": "c1", "db_name": "default",
         "grantor": {"user": {"name": "root"}, "privilege": {"name": name}}} for name in names
    ]  # fmt: skip
    answer = bench.ask("root:Milvus", "RestoreRBAC", RBAC_meta={"grants": grants})
    later = bench.ask("root:Milvus", "DeleteCredential", username="nobody")
    if version == V25:
        assert "has been granted" in answer.reason
        assert not later.reason
    else:
        assert (answer, later) == ("Deadline Exceeded", "Deadline Exceeded")
    assert list(bench.ask("root:Milvus", "ListCredUsers").usernames) == ["ann", "root"]


def test_real_hashes_are_checked():
    """A user from elsewhere logs in with the password that the hash is of, and with no other."""
    bench, text = Bench(V26), bcrypt.hashpw(b"eve's-password", bcrypt.gensalt(4)).decode()
    bench.ask("root:Milvus", "RestoreRBAC", RBAC_meta={"users": [{"user": "eve", "password": text}]})
    assert bench.ask("eve:eve's-password", "GetVersion").version
    assert isinstance(bench.ask("eve:another", "GetVersion"), str)
    users = bench.ask("root:Milvus", "BackupRBAC").RBAC_meta.users
    assert text in [user.password for user in users]


def test_versions_between():
    """They have a near table, call themselves as releases do, and have the methods of their time."""
    assert [contract.ContractServer(version).rules.build for version in (OLD, "2.6.4", "3.0.0")] == [
        "v2.3.5-lite", "v2.6.4", "v3.0.0"
    ]  # fmt: skip
    for version, methods, resolves in (
        ("2.4.9", {"DescribeDatabase"}, False),
        ("2.4.17", SINCE.keys() - {"OperatePrivilegeV2", "AlterRole"}, False),
        ("2.6.11", SINCE.keys() - {"AlterRole"}, False),
        ("2.6.19", SINCE.keys(), True),
    ):
        server = contract.ContractServer(version)
        assert {name for name in SINCE if server.has_method(name)} == methods, version
        assert server.rules.resolves_aliases is resolves, version
    server.version = OLD
    assert not server.has_method("BackupRBAC")


def test_many_users_are_listed_at_once():
    """Not one after the other: 5,000 who hold roles."""
    bench = Bench(V26)
    bench.server.passwords |= {f"u{number}": b"a-password" for number in range(5000)}
    bench.server.bindings |= {(f"u{number}", role) for number in range(5000) for role in ("r", "public")}
    began = time.monotonic()
    answer = bench.ask("root:Milvus", "SelectUser", include_role_info=True)
    assert time.monotonic() - began < 1
    assert sum(len(result.roles) for result in answer.results) == 10_001


def test_other_services_are_unknown():
    """As is a method that no Milvus has."""
    with contract.serve(V26) as (_, address), grpc.insecure_channel(address) as channel:
        for path, words in (
            ("/some.Service/Do", "unknown service some.Service"),
            ("/milvus.proto.milvus.MilvusService/login", "unknown method login for service"),
        ):
            with pytest.raises(grpc.RpcError) as caught:
                channel.unary_unary(path)(b"", timeout=10)
            assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
            assert words in caught.value.details()


def encode(password):
    return base64.b64encode(password.encode()).decode()
