"""The law of rights: `access` says yes exactly where a server lets a call through. Holds for any server.

    with rights_law.stage("127.0.0.1:19530", "root's password") as stage:
        compared = rights_law.compare(stage, 20)

A plan is drawn from `plans(stage.version)`. All names begin with the name of the stage; whatever a stage
makes, it takes away again. Requests are made with pymilvus's messages, and what they ask for changes nothing, whether
or not it is allowed.
"""

import base64
import contextlib
import itertools
import random
import time
from dataclasses import dataclass, field

import grpc
from google.protobuf import json_format
from google.protobuf.message_factory import GetMessageClass
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pymilvus.grpc_gen import milvus_pb2, schema_pb2

from milvus_magics.access.question import Question, answer_question, read_access
from milvus_magics.client import privilege_groups, roles, users
from milvus_magics.client.results.privileges import Grant
from milvus_magics.errors import UnknownPrivilegeError, UnknownRoleError, UnknownUserError
from milvus_magics.transport.address import Address
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline
from milvus_magics.wire.versions import is_older

PASSWORD = "a-password-of-theirs"
GRANT, REVOKE = 0, 1

# Privilege -> the method that needs it, and what to ask. `{0}` is where a test puts a name: a collection, or a user.
NAME, GONE, BAD = "{0}", "law_of_rights_gone", "9 is no name"
ON_COLLECTIONS = {
    "Query": ("Query", {"collection_name": NAME}),
    "Insert": ("Insert", {"collection_name": NAME}),
    "Delete": ("Delete", {"collection_name": NAME}),
    "Load": ("LoadCollection", {"collection_name": NAME}),
    "GetLoadState": ("GetLoadState", {"collection_name": NAME}),
    "GetStatistics": ("GetCollectionStatistics", {"collection_name": NAME}),
    "CreateIndex": ("CreateIndex", {"collection_name": NAME, "field_name": GONE}),
    "IndexDetail": ("DescribeIndex", {"collection_name": NAME, "index_name": GONE}),
    "ShowPartitions": ("ShowPartitions", {"collection_name": NAME}),
}
ON_DATABASES = {
    "CreateCollection": ("CreateCollection", {"collection_name": ""}),
    "DropCollection": ("DropCollection", {"collection_name": GONE}),
    "RenameCollection": ("RenameCollection", {"oldName": GONE, "newName": f"{GONE}2"}),
    "DescribeCollection": ("DescribeCollection", {"collection_name": GONE}),
    "ShowCollections": ("ShowCollections", {}),
    "DescribeDatabase": ("DescribeDatabase", {}),
    "CreateAlias": ("CreateAlias", {"collection_name": GONE, "alias": GONE}),
    "DropAlias": ("DropAlias", {"alias": GONE}),
    "DescribeAlias": ("DescribeAlias", {"alias": GONE}),
    "ListAliases": ("ListAliases", {"collection_name": GONE}),
}
ON_CLUSTER = {
    "SelectOwnership": ("ListCredUsers", {}),
    "CreateOwnership": ("CreateRole", {"entity": {"name": BAD}}),
    "DropOwnership": ("DropRole", {"role_name": GONE}),
    "ManageOwnership": ("OperateUserRole", {"username": GONE, "role_name": GONE}),
    "CreateDatabase": ("CreateDatabase", {"db_name": BAD}),
    "DropDatabase": ("DropDatabase", {"db_name": GONE}),
    "ListDatabases": ("ListDatabases", {}),
    "ListPrivilegeGroups": ("ListPrivilegeGroups", {}),
    "CreatePrivilegeGroup": ("CreatePrivilegeGroup", {"group_name": BAD}),
    "OperatePrivilegeGroup": ("OperatePrivilegeGroup", {"group_name": GONE, "privileges": [{"name": "Query"}]}),
}
ON_USERS = {
    "SelectUser": ("SelectUser", {"user": {"name": NAME}}),
    "UpdateUser": ("UpdateCredential", {"username": NAME, "oldPassword": "d3Jvbmc=", "newPassword": "d3Jvbmctb25l"}),
}
TRIALS = {**ON_COLLECTIONS, **ON_DATABASES, **ON_CLUSTER, **ON_USERS}
# What is about one collection, though it is granted on a database.
ABOUT_COLLECTIONS = ON_DATABASES.keys() - {"CreateCollection", "ShowCollections", "DescribeDatabase"}
# Whose database is not the one that is asked about, but the one to make or drop.
WITHOUT_DATABASE = ("CreateDatabase", "DropDatabase")
# What 2.3 doesn't have, or asks no method for: there GetLoadState needs Load.
NEWER_THAN_23 = {
    "GetLoadState",
    "DescribeDatabase",
    "ListPrivilegeGroups",
    "CreatePrivilegeGroup",
    "OperatePrivilegeGroup",
}
# What a sentinel waits for: it is not tried otherwise.
SENTINEL, SENTINEL_METHOD = "HasPartition", "HasPartition"

COLLECTIONS, USERS = ("c1", "c2", "al"), ("u", "v")  # `al` is an alias of `c1`
OLD_GROUPS = ("ReadOnly", "ReadWrite", "Admin")
BUILT_IN = tuple(f"{kind}{level}" for kind in ("Collection", "Database", "Cluster")
                 for level in ("ReadOnly", "ReadWrite", "Admin"))  # fmt: skip
OWN_GROUP = "g"
WILDCARDS = [("Global", "*", "All"), ("Global", "*", "*"), ("Collection", "c1", "*"), ("User", "*", "*")]


@dataclass(frozen=True)
class Plan:
    """What to grant to whom; names are short, and made the stage's own.

    Attributes:
        grants: (role, object type or "" for the newer way, object's name, privilege, database).
        group: what the own group holds.
        held: roles of the user.
    """

    grants: list
    group: list
    held: list


@dataclass
class Stage:
    """A server with what the law needs: a second database, and in both a collection with an alias."""

    address: str
    root: Connection
    channel: grpc.Channel
    version: str
    name: str  # what all names begin with
    with_public: bool
    seconds_to_settle: float
    numbers: itertools.count = field(default_factory=itertools.count)

    @property
    def databases(self):
        return {"default": "default", "own": f"{self.name}db"}

    def is_newer(self):
        return not is_older(self.version, "2.5")

    def ask(self, method, who=None, header=None, **fields):
        """The answer; gRPC's error is one, too. Asks as root, or as a user of the stage."""
        found = milvus_pb2.DESCRIPTOR.services_by_name["MilvusService"].methods_by_name[method]
        request = json_format.ParseDict(fields, GetMessageClass(found.input_type)())
        login = f"{who}:{PASSWORD}" if who else f"root:{self.root.address.login.secret.reveal()}"
        headers = [("authorization", base64.b64encode(login.encode()).decode())]
        headers += [("dbname", header)] if header is not None else []
        call = self.channel.unary_unary(
            f"/milvus.proto.milvus.MilvusService/{method}",
            lambda message: message.SerializeToString(),
            GetMessageClass(found.output_type).FromString,
        )
        try:
            return call(request, metadata=headers, timeout=30)
        except grpc.RpcError as exc:
            return exc

    def do(self, method, **fields):
        """As root, and it has to succeed."""
        answer = self.ask(method, **fields)
        status = getattr(answer, "status", answer)
        assert not isinstance(answer, grpc.RpcError), answer
        assert not status.reason, f"{method} {fields}: {status.reason}"

    def is_let_through(self, *args, **fields):
        answer = self.ask(*args, **fields)
        if not isinstance(answer, grpc.RpcError):
            return True
        assert answer.code() is grpc.StatusCode.PERMISSION_DENIED, answer
        return False


@contextlib.contextmanager
def stage(address, password, *, name="", with_public=False, seconds_to_settle=30):
    """Set the stage on a server, and leave nothing behind.

    Args:
        address: host and port, without TLS.
        password: of root.
        name: with which all names begin; default: `law` and a number.
        with_public: whether `public`, which everybody holds, may get grants, too, for a moment.
        seconds_to_settle: how long a right may take to be known everywhere.
    """
    root = Connection(Address.parse(address, user="root", password=password))
    with grpc.insecure_channel(root.address.target) as channel:
        version = root.call("GetVersion", deadline=Deadline(30)).version
        found = Stage(
            address, root, channel, version, name or f"law{time.time_ns() % 10**9}", with_public, seconds_to_settle
        )
        try:
            _build(found)
            yield found
        finally:
            _tear_down(found)
            root.close()


def _build(found):
    found.do("CreateDatabase", db_name=found.databases["own"])
    schema = schema_pb2.CollectionSchema(name=f"{found.name}c1")
    schema.fields.add(name="id", data_type=schema_pb2.DataType.Int64, is_primary_key=True)
    vector = schema.fields.add(name="vector", data_type=schema_pb2.DataType.FloatVector)
    vector.type_params.add(key="dim", value="4")
    schema = base64.b64encode(schema.SerializeToString()).decode()
    for db in found.databases.values():
        where = {"db_name": db, "collection_name": f"{found.name}c1"}
        found.do("CreateCollection", **where, schema=schema, shards_num=1)
        found.do("CreateAlias", **where, alias=f"{found.name}al")


def _tear_down(found):
    for db in found.databases.values():
        found.ask("DropAlias", db_name=db, alias=f"{found.name}al")
        found.ask("DropCollection", db_name=db, collection_name=f"{found.name}c1")
    found.do("DropDatabase", db_name=found.databases["own"])


# plans


def plans(version, *, with_public=False):
    """Random users, roles, groups and grants, as a server of this version takes them."""
    newer = not is_older(version, "2.5")
    known = [name for name in TRIALS if newer or name not in NEWER_THAN_23]
    of_one_level = (
        ON_COLLECTIONS.keys() | {"CreateAlias", "DescribeAlias"},
        {"CreateCollection", "DropCollection", "ShowCollections"},
        ON_CLUSTER.keys() | ON_USERS,
    )
    lists = (st.lists(st.sampled_from(sorted(names)), min_size=1, max_size=4, unique=True) for names in of_one_level)
    members = st.one_of(*lists)
    older_way = st.one_of(
        st.sampled_from([way for name in known for way in _older_ways(name)]), st.sampled_from(WILDCARDS)
    )
    names = (known, BUILT_IN, ["*", "All"], [*OLD_GROUPS, "GroupReadOnly", "GroupAdmin"], [OWN_GROUP])
    newer_way = st.tuples(
        st.just(""), st.sampled_from([*COLLECTIONS, "*", "*", "*"]), st.one_of(*map(st.sampled_from, names))
    )
    ways = st.one_of(older_way, newer_way, newer_way) if newer else older_way
    roles_of_grants = ["one", "two"] + (["public"] if with_public else [])
    databases = ["default", "own", "own", "*"]
    grant = st.tuples(st.sampled_from(roles_of_grants), ways, st.sampled_from(databases))
    return st.builds(
        Plan,
        grants=st.lists(grant, min_size=3, max_size=8),
        group=members if newer else st.just([]),
        held=st.sampled_from([["one"], ["two"], ["one", "two"], ["one", "two"], [], ["two", "admin"]]),
    )


def _older_ways(privilege):
    """A privilege with its object type, on each thing."""
    if privilege in ON_COLLECTIONS:
        return [("Collection", name, privilege) for name in (*COLLECTIONS, "*")]
    if privilege in ON_USERS:
        return [("User", name, privilege) for name in (*USERS, "*")]
    return [("Global", "*", privilege)]


# trying


def compare(found, examples):
    """Compare as many random plans, the same each time; return how many rights were compared.

    Raises:
        AssertionError: one was told wrong.
    """
    counts = []

    @settings(
        derandomize=True, max_examples=examples, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(plan=plans(found.version, with_public=found.with_public), seed=st.integers(0, 2**16))
    def law(plan, seed):
        compared, unknown, wrong = try_out(found, plan, seed)
        assert not wrong, "\n".join(wrong)
        counts.append((compared, unknown))

    law()
    return sum(compared for compared, _ in counts)


def try_out(found, plan, seed=0, most=40):
    """Build what a plan says, and compare what `access` says with what happens.

    Returns:
        How many rights were compared, of how many nothing can be said, and what was told wrong.
    """
    number = next(found.numbers)
    own = {name: f"{found.name}{name}{number}" for name in ("one", "two", "last", *USERS, OWN_GROUP)}
    own |= {"public": "public", "admin": "admin"}
    given = []
    try:
        _make(found, plan, own, given)
        access = read_access(found.root, timeout=30)
        tries = _choose(found, access, own, random.Random(seed), most)
        wrong = [text for one, said in tries if (text := _difference(found, access, own, said, *one))]
        unknown = sum(said is None for _, said in tries)
        return len(tries) - unknown, unknown, wrong and [f"{given}, held {plan.held}, group {plan.group}: {wrong}"]
    finally:
        _take_away(found, plan, own, given)


def _make(found, plan, own, given):
    for role in ("one", "two", "last"):
        found.do("CreateRole", entity={"name": own[role]})
    for user in USERS:
        users.create_user(found.root, own[user], PASSWORD, timeout=30)
    if plan.group:
        found.do("CreatePrivilegeGroup", group_name=own[OWN_GROUP])
        found.do("OperatePrivilegeGroup", group_name=own[OWN_GROUP], privileges=[{"name": one} for one in plan.group])
    for role, (kind, name, privilege), db in plan.grants:
        grant = Grant(own[role], own.get(privilege, privilege), kind, own.get(name, _collection(found, name)),
                      found.databases.get(db, db))  # fmt: skip
        if not _operate(found, grant, GRANT):
            given.append(grant)
    for role in (*plan.held, "last"):
        found.do("OperateUserRole", username=own["u"], role_name=own[role])
    # Rights reach the proxy in their order, so with this one all others are there.
    assert not _operate(found, Grant(own["last"], SENTINEL, "Collection", "*", "*"), GRANT)
    is_there = _becomes_true(found, lambda: found.is_let_through(SENTINEL_METHOD, own["u"], collection_name=GONE))
    assert is_there, "the last grant never counted"


def _collection(found, name):
    return name if name == "*" else f"{found.name}{name}"


def _operate(found, grant, deed):
    """Grant or revoke it; the reason of a refusal, since servers don't take all of them."""
    role, privilege = {"name": grant.role}, {"privilege": {"name": grant.privilege}}
    if not grant.object_type:
        where = {"db_name": grant.db, "collection_name": grant.object_name}
        answer = found.ask("OperatePrivilegeV2", role=role, grantor=privilege, type=deed, **where)
    else:
        entity = {"role": role, "grantor": privilege, "object": {"name": grant.object_type}}
        entity |= {"object_name": grant.object_name, "db_name": grant.db}
        answer = found.ask("OperatePrivilege", entity=entity, type=deed)
    assert not isinstance(answer, grpc.RpcError), answer
    return answer.reason


def _take_away(found, plan, own, given):
    for grant in given:
        _operate(found, grant, REVOKE)
    drops = [(users.drop_user, own[user], {}) for user in USERS]
    drops += [(roles.drop_role, own[role], {"force": True}) for role in ("one", "two", "last")]
    drops += [(privilege_groups.drop_privilege_group, own[OWN_GROUP], {})] if plan.group else []
    for drop, name, options in drops:
        with contextlib.suppress(UnknownUserError, UnknownRoleError, UnknownPrivilegeError):  # making them ended early
            drop(found.root, name, timeout=30, **options)


def _choose(found, access, own, dice, most):
    """Some tries, with what is said of each: those that are allowed are few, so up to half of the tries are of them."""
    tries = [
        (privilege, name, header, asked)
        for privilege in TRIALS
        if found.is_newer() or privilege not in NEWER_THAN_23
        for name in _names(privilege)
        for header in (None, *found.databases)
        for asked in ((None, *found.databases) if _has_database(privilege) else (None,))
    ]
    said = [(one, _said(access, own, *one)) for one in dice.sample(tries, min(len(tries), 4 * most))]
    allowed = [pair for pair in said if pair[1] is not False][: most // 2]
    return allowed + [pair for pair in said if pair[1] is False][: most - len(allowed)]


def _names(privilege):
    return COLLECTIONS if privilege in ON_COLLECTIONS else USERS if privilege in ON_USERS else (None,)


def _has_database(privilege):
    method = TRIALS[privilege][0]
    request = milvus_pb2.DESCRIPTOR.services_by_name["MilvusService"].methods_by_name[method].input_type
    return method not in WITHOUT_DATABASE and "db_name" in request.fields_by_name


def _said(access, own, privilege, name, header, asked):
    stage_name = own["u"].partition("u")[0]
    connected_to, db = header or "default", asked or header or "default"
    databases = {"default": "default", "own": f"{stage_name}db"}
    collection = f"{stage_name}{name}" if privilege in ON_COLLECTIONS else GONE
    return access.snapshot.allows(
        own["u"],
        privilege,
        collection if privilege in ON_COLLECTIONS.keys() | ABOUT_COLLECTIONS else None,
        databases[db],
        connected_to=databases[connected_to],
        target_user=own[name] if privilege in ON_USERS else None,
    )


def _difference(found, access, own, said, privilege, name, header, asked):
    """What is told wrong of one try, or nothing."""
    if said is None:
        return ""
    method, fields = TRIALS[privilege]
    shown = own[name] if privilege in ON_USERS else f"{found.name}{name}"
    fields = _filled(fields, shown) | ({} if asked is None else {"db_name": found.databases[asked]})
    header_sent = None if header is None else found.databases[header]

    def happens():
        return found.is_let_through(method, own["u"], header_sent, **fields)

    # What is denied must be so at once: by now no right is on its way any more.
    happened = _becomes_true(found, happens) if said else happens()
    where = f"{privilege} of {name}, header {header}, asked {asked}"
    if happened is not said:
        return f"{where}: said {said}"
    db = found.databases[asked or header or "default"]
    is_plain = (header or "default") == (asked or header or "default") and privilege not in ON_USERS and name != "al"
    if is_plain and not _is_listed(found, access, own, privilege, name, db, said):
        return f"{where}: the table does not say {said}"
    return ""


def _is_listed(found, access, own, privilege, name, db, said):
    """Whether the answer to the question holds the user, and only if they are allowed it."""
    if not access.snapshot.rules.is_needed(privilege):
        return True
    if privilege in ON_COLLECTIONS and name == "c1":  # which is reached by its alias, too
        said = said or access.snapshot.allows(own["u"], privilege, f"{found.name}al", db)
    collection = f"{found.name}{name}" if privilege in ON_COLLECTIONS and name != "c2" else None
    if privilege in ON_COLLECTIONS and collection is None:
        return True  # it isn't there, so it may not be asked about
    question = Question(user=own["u"], privilege=privilege, collection=collection, db=db)
    rights = [right for right in answer_question(found.root, access.snapshot, question) if not right.doubt]
    return bool(rights) is bool(said)


def _filled(value, name):
    if isinstance(value, dict):
        return {key: _filled(one, name) for key, one in value.items()}
    return name if value == NAME else value


def _becomes_true(found, question):
    end = time.monotonic() + found.seconds_to_settle
    while not question():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True
