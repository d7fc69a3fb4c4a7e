"""A server in this process that speaks Milvus's protocol for users, roles and privileges, as 2.3, 2.6 or 3.0 do.

Only 2.3 can be installed, so what newer servers do is written down here, from Milvus's source and documentation. The
tests that run against it run against the real 2.3.5 too, which keeps its older half honest.
"""

import base64
import contextlib
import re
from concurrent import futures

import bcrypt
import grpc

from milvus_magics import wire

BUILT_IN = ("admin", "public")
HASH = "$2a$04$"  # what our hashes begin with; unlike real ones they can be read back
GLOBAL = set(
    "CreateCollection DropCollection DescribeCollection ShowCollections CreateOwnership DropOwnership SelectOwnership "
    "ManageOwnership CreateResourceGroup DropResourceGroup DescribeResourceGroup ListResourceGroups TransferNode "
    "TransferReplica RenameCollection CreateDatabase DropDatabase ListDatabases FlushAll CreateAlias DropAlias "
    "DescribeAlias ListAliases All *".split()
)
COLLECTION = set(
    "Load Release Compaction Insert Delete GetStatistics CreateIndex IndexDetail DropIndex Search Flush Query "
    "LoadBalance Import Upsert GetLoadingProgress GetLoadState CreatePartition DropPartition ShowPartitions "
    "HasPartition GetFlushState All *".split()
)
USER = {"UpdateUser", "SelectUser", "All", "*"}
GLOBAL_SINCE_25 = set(
    "DescribeDatabase AlterDatabase UpdateResourceGroups BackupRBAC RestoreRBAC CreatePrivilegeGroup "
    "DropPrivilegeGroup ListPrivilegeGroups OperatePrivilegeGroup".split()
)
ON_CLUSTER = set(
    "CreateOwnership DropOwnership SelectOwnership ManageOwnership SelectUser UpdateUser ListDatabases CreateDatabase "
    "DropDatabase FlushAll BackupRBAC RestoreRBAC ClusterReadOnly ClusterReadWrite ClusterAdmin".split()
)
ON_DATABASE = {"CreateCollection", "DropCollection", "ShowCollections", "DescribeDatabase", "AlterDatabase",
               "DatabaseReadOnly", "DatabaseReadWrite", "DatabaseAdmin"}  # fmt: skip
GROUPS = {
    "CollectionReadOnly": {"Query", "Search", "IndexDetail", "DescribeCollection"},
    "CollectionReadWrite": {"Query", "Search", "IndexDetail", "DescribeCollection", "Insert", "Delete", "Upsert"},
    "CollectionAdmin": {"Query", "Search", "Insert", "Delete", "CreateAlias", "DropAlias"},
    "DatabaseReadOnly": {"ShowCollections", "DescribeDatabase"},
    "DatabaseReadWrite": {"ShowCollections", "DescribeDatabase", "AlterDatabase"},
    "DatabaseAdmin": {"ShowCollections", "DescribeDatabase", "AlterDatabase", "CreateCollection", "DropCollection"},
    "ClusterReadOnly": {"ListDatabases", "SelectOwnership", "SelectUser"},
    "ClusterReadWrite": {"ListDatabases", "SelectOwnership", "SelectUser", "FlushAll"},
    "ClusterAdmin": {"ListDatabases", "SelectOwnership", "SelectUser", "CreateOwnership", "DropOwnership"},
}
PUBLIC = [("Collection", "*", "IndexDetail"), ("Global", "*", "DescribeCollection"), ("Global", "*", "ShowCollections")]
# What a caller needs; methods that are not here need a login only.
PRIVILEGES = {
    "CreateCredential": "CreateOwnership", "UpdateCredential": "UpdateUser", "DeleteCredential": "DropOwnership",
    "ListCredUsers": "SelectOwnership", "CreateRole": "CreateOwnership", "AlterRole": "CreateOwnership",
    "DropRole": "DropOwnership", "OperateUserRole": "ManageOwnership", "SelectRole": "SelectOwnership",
    "SelectUser": "SelectUser", "OperatePrivilege": "ManageOwnership", "OperatePrivilegeV2": "ManageOwnership",
    "SelectGrant": "SelectOwnership", "CreatePrivilegeGroup": "CreatePrivilegeGroup", "ListDatabases": "ListDatabases",
    "DropPrivilegeGroup": "DropPrivilegeGroup", "ListPrivilegeGroups": "ListPrivilegeGroups",
    "OperatePrivilegeGroup": "OperatePrivilegeGroup",
    "BackupRBAC": "BackupRBAC", "RestoreRBAC": "RestoreRBAC",
}  # fmt: skip
SINCE = {
    "OperatePrivilegeV2": (2, 5), "CreatePrivilegeGroup": (2, 5), "DropPrivilegeGroup": (2, 5),
    "ListPrivilegeGroups": (2, 5), "OperatePrivilegeGroup": (2, 5), "AlterRole": (3, 0), "DescribeDatabase": (2, 5),
    "BackupRBAC": (2, 5), "RestoreRBAC": (2, 5),
}  # fmt: skip


class Refusal(Exception):
    """What a method answers instead of success."""

    def __init__(self, legacy, code, reason):
        super().__init__(reason)
        self.status = {"error_code": legacy, "code": code, "reason": reason}


class Denied(Exception):
    """A gRPC error instead of an answer."""

    def __init__(self, code, words):
        super().__init__(words)
        self.code, self.words = code, words


class Hashed:
    """A password of which only the bcrypt hash is known: equal to the bytes that it was made of."""

    def __init__(self, text):
        self.text = text

    def __eq__(self, other):
        return isinstance(other, bytes) and bcrypt.checkpw(other, self.text.encode())

    __hash__ = None


class ContractServer(grpc.GenericRpcHandler):
    """The state of one server, and its methods.

    Args:
        version: like "2.6.4"; decides what there is and how refusals are numbered.
        authorization: whether logins are checked.
        superusers: who may change passwords without the old one.

    Attributes:
        lagging: names and passwords of deleted users who are still let in, as proxies do for some milliseconds.
    """

    def __init__(self, version, *, authorization=True, superusers=()):
        self.version, self.number = version, tuple(map(int, version.split(".")))
        self.authorization, self.superusers = authorization, superusers
        self.passwords = {"root": b"Milvus"}
        self.lagging = {}
        self.descriptions = {}
        self.roles = dict.fromkeys(BUILT_IN, "")
        self.bindings = set()  # (user, role)
        self.grants = {("public", *grant, "*"): "root" for grant in PUBLIC}  # (role, object, name, privilege, db)
        self.groups = {}
        self.collections = {"default": ["docs"], "lab": []}
        self.aliases = {}  # (database, alias) -> collection
        self.calls = []
        self.max_users, self.max_roles = 100, 10

    @property
    def is_new(self):
        return self.number >= (2, 5)

    def service(self, details):
        service, _, method = details.method.strip("/").rpartition("/")
        metadata = dict(details.invocation_metadata)

        def answer(data, context):
            if service != wire.SERVICE or not hasattr(self, method) or self.number < SINCE.get(method, (0,)):
                context.abort(grpc.StatusCode.UNIMPLEMENTED, f"unknown method {method} for service {service}")
            self.calls.append(method)
            request = wire.method(method).request.FromString(data)
            try:
                caller = self.login(metadata)
                self.require(caller, method, request, metadata.get("dbname", "default"))
                reply = self.reply_of(method, request, caller, metadata)
            except Denied as exc:
                context.abort(exc.code, exc.words)
            return reply.SerializeToString()

        return grpc.unary_unary_rpc_method_handler(answer)

    def reply_of(self, method, request, caller, metadata):
        response = wire.method(method).response
        bare = response.DESCRIPTOR.name == "Status"
        try:
            found = getattr(self, method)(request, caller, metadata) or {}
        except Refusal as exc:
            return response(**exc.status) if bare else response(status=exc.status)
        return response(**found)

    def refuse(self, legacy, old, new, reason):
        raise Refusal(legacy, new if self.is_new else old, reason)

    # who calls

    def login(self, metadata):
        """The name in the header; with authorization on only with the right password."""
        header = metadata.get("authorization")
        if header is None:
            if self.authorization:
                raise Denied(grpc.StatusCode.UNAUTHENTICATED, "missing authorization in header")
            return None
        try:
            user, separator, password = base64.b64decode(header, validate=True).partition(b":")
        except ValueError:
            raise Denied(grpc.StatusCode.UNAUTHENTICATED, "invalid token format") from None
        if self.authorization and not separator:
            words = "auth check failure, please check api key is correct"
            raise Denied(grpc.StatusCode.UNAUTHENTICATED, words)
        known = self.lagging | self.passwords
        if self.authorization and known.get(user.decode()) != password:
            words = "auth check failure, please check username and password are correct"
            raise Denied(grpc.StatusCode.UNAUTHENTICATED, words)
        return user.decode()

    def require(self, caller, method, request, db):
        needed = PRIVILEGES.get(method)
        if not self.authorization or needed is None or caller == "root" or (caller, "admin") in self.bindings:
            return
        if method == "UpdateCredential" and request.username == caller:
            return
        if method == "SelectUser" and request.HasField("user") and request.user.name == caller:
            return
        roles = {role for user, role in self.bindings if user == caller} | {"public"}
        if method == "SelectGrant" and request.entity.role.name in roles:
            return
        held = {privilege for role, _, _, privilege, where in self.grants if role in roles and where in ("*", db)}
        held |= {name for group in held for name in {**GROUPS, **self.groups}.get(group, ())}
        if needed not in held and "*" not in held and "All" not in held:
            where = f" in the `{db}` database" if self.is_new else ""
            words = f"Privilege{needed}: permission deny to {caller}{where}"
            raise Denied(grpc.StatusCode.PERMISSION_DENIED, words)

    # the server

    def GetVersion(self, request, caller, metadata):
        return {"version": f"v{self.version}"}

    def Connect(self, request, caller, metadata):
        if metadata.get("dbname", "default") not in self.collections:
            raise Refusal(1, 800, f"database not found[database={metadata['dbname']}]")
        return {"server_info": {"build_tags": f"v{self.version}"}, "identifier": 1}

    def ListDatabases(self, request, caller, metadata):
        return {"db_names": list(self.collections)}

    def ShowCollections(self, request, caller, metadata):
        db = request.db_name or metadata.get("dbname", "default")
        if db not in self.collections:
            raise Refusal(1, 800, f"database not found[database={db}]")
        return {"collection_names": self.collections[db]}

    def ListAliases(self, request, caller, metadata):
        db = request.db_name or metadata.get("dbname", "default")
        return {"db_name": db, "aliases": [alias for where, alias in self.aliases if where == db]}

    def DescribeAlias(self, request, caller, metadata):
        collection = self.aliases.get((request.db_name, request.alias))
        if collection is None:
            self.refuse(1, 1600, 1600, f"alias not found[database={request.db_name}][alias={request.alias}]")
        return {"db_name": request.db_name, "alias": request.alias, "collection": collection}

    # users

    def CreateCredential(self, request, caller, metadata):
        name = request.username.strip() if self.is_new else request.username
        self.check_user_name(name.strip())
        password = self.decoded(request.password)
        self.check_length(password)
        if len(self.passwords) >= self.max_users:
            self.refuse(29, 65535, 9, "unable to add user because the number of users has reached the limit")
        if name in self.passwords:
            self.refuse(29, 65535, 1100, f"user already exists: {name}")
        self.passwords[name] = password
        if self.number >= (3, 0):
            self.descriptions[name] = request.description

    def check_user_name(self, name):
        allowed = r"[A-Za-z][A-Za-z0-9_.\-]*" if self.number >= (2, 6) else r"[A-Za-z]\w*"
        if not name:
            raise Refusal(5, 1100, "username must be not empty: invalid parameter")
        if len(name.encode()) > 32:
            raise Refusal(5, 1100, f"invalid username {name} with length {len(name)}, the length must be less than 32")
        if not re.fullmatch(allowed, name, re.ASCII):
            raise Refusal(5, 1100, f"invalid user name {name}, must contain only numbers, letters and underscores")

    def decoded(self, text):
        try:
            return base64.b64decode(text, validate=True)
        except ValueError:
            self.refuse(1, 65535, 1100, "decode password fail: illegal base64 data at input byte 0")

    def check_length(self, password):
        most = 72 if self.is_new else 256
        if not 6 <= len(password) <= most:
            range_ = f"[{len(password)} out of range 6 <= value <= {most}]"
            raise Refusal(5, 1100, f"invalid password length: invalid parameter{range_}")

    def UpdateCredential(self, request, caller, metadata):
        name = request.username
        if self.number >= (3, 0) and not request.newPassword:
            if not request.HasField("description"):
                raise Refusal(5, 1100, "must update either password or description")
            self.descriptions[name] = request.description
            return
        old, new = self.decoded(request.oldPassword), self.decoded(request.newPassword)
        self.check_length(new)
        may_skip = caller in self.superusers
        if not may_skip and (self.lagging | self.passwords).get(name) != old:
            raise Refusal(1, 1400, f"old password not correct for {name}: not authenticated")
        if len(new) > 72:
            raise Refusal(1, 65535, "encrypt password failed: bcrypt: password length exceeds 72 bytes")
        if may_skip and name not in self.passwords and self.is_new:
            raise Refusal(30, 1100, f"not found the user {name}")
        self.passwords[name] = new

    def DeleteCredential(self, request, caller, metadata):
        name = request.username
        if name == "root":
            raise Refusal(1, 1401, "root user cannot be deleted: privilege not permitted")
        if not name:
            self.refuse(31, 65535, 1100, "fail to execute task when deleting the user")
        self.passwords.pop(name, None)
        self.descriptions.pop(name, None)
        self.bindings = {pair for pair in self.bindings if pair[0] != name}

    def ListCredUsers(self, request, caller, metadata):
        return {"usernames": sorted(self.passwords)}

    def SelectUser(self, request, caller, metadata):
        wanted = sorted(self.passwords)
        if request.HasField("user"):
            if not request.user.name:
                raise Refusal(5, 1100, "user name in the user entity is empty")
            wanted = [name for name in wanted if name == request.user.name]
        held = {name: sorted(role for user, role in self.bindings if user == name) for name in wanted}
        return {"results": [
            {"user": {"name": name}, "description": self.descriptions.get(name, ""),
             "roles": [{"name": role} for role in held[name]] if request.include_role_info else []}
            for name in wanted
        ]}  # fmt: skip

    # roles

    def CreateRole(self, request, caller, metadata):
        name = request.entity.name
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_$]{0,254}", name):
            raise Refusal(5, 1100, "role name can only contain numbers, letters, dollars and underscores")
        if name in self.roles:
            self.refuse(35, 65535, 1100, f'role [name:"{name}"] already exists')
        if len(self.roles) >= self.max_roles:
            self.refuse(35, 65535, 9, "unable to create role because the number of roles has reached the limit")
        self.roles[name] = request.entity.description if self.number >= (3, 0) else ""

    def AlterRole(self, request, caller, metadata):
        self.check_own(request.role_name, "altered")
        self.check_role(request.role_name, 36)
        self.roles[request.role_name] = request.description

    def check_own(self, role, deed):
        if role in BUILT_IN:
            reason = f"the role[{role}] is a default role, which can't be {deed}: privilege not permitted"
            raise Refusal(1, 1401, reason)

    def check_role(self, role, legacy):
        if role not in self.roles:
            reason = "not found the role, maybe the role isn't existed or internal system error"
            self.refuse(legacy, 65535, 1100, reason)

    def DropRole(self, request, caller, metadata):
        name = request.role_name
        self.check_role(name, 36)
        self.check_own(name, "dropped")
        own = [grant for grant in self.grants if grant[0] == name]
        seen = own if self.is_new else [grant for grant in own if grant[4] in ("default", "*")]
        if seen and not (self.is_new and request.force_drop):
            reason = "fail to drop the role that it has privileges. Use REVOKE API to revoke privileges"
            self.refuse(36, 65535, 1100, reason)
        for grant in own if self.is_new else []:
            del self.grants[grant]
        del self.roles[name]
        self.bindings = {pair for pair in self.bindings if pair[1] != name}

    def OperateUserRole(self, request, caller, metadata):
        pair = (request.username, request.role_name)
        if request.type == 1 and request.username not in self.passwords:
            return
        if request.username not in self.passwords:
            self.refuse(37, 65535, 1100, "not found the user, maybe the user isn't existed or internal system error")
        self.check_role(request.role_name, 37)
        self.bindings = self.bindings | {pair} if request.type == 0 else self.bindings - {pair}

    def SelectRole(self, request, caller, metadata):
        wanted = sorted(self.roles)
        if request.HasField("role"):
            if not request.role.name:
                raise Refusal(5, 1100, "role name in the role entity is empty")
            wanted = [name for name in wanted if name == request.role.name]
        holders = {name: sorted(user for user, role in self.bindings if role == name) for name in wanted}
        return {"results": [
            {"role": {"name": name, "description": self.roles[name]},
             "users": [{"name": user} for user in holders[name]] if request.include_user_info else []}
            for name in wanted
        ]}  # fmt: skip

    # grants

    def grantor(self, caller):
        if caller is None:
            raise Refusal(1, 65535, "fail to get authorization from the md, key: authorization")
        if caller not in self.passwords:
            self.refuse(41, 65535, 1100, "not found the user, maybe the user isn't existed or internal system error")
        return caller

    def OperatePrivilege(self, request, caller, metadata):
        entity, privilege = request.entity, request.entity.grantor.privilege.name
        grantor = self.grantor(caller)
        self.check_role(entity.role.name, 41)
        types = {"Global": GLOBAL, "Collection": COLLECTION, "User": USER}
        known = types.get(entity.object.name)
        if known is None:
            reason = f"not found the object type[name: {entity.object.name}], supported the object types: {[*types]}"
            self.refuse(41, 65535, 1100, reason)
        if self.is_new and entity.object.name == "Global":
            known = known | GLOBAL_SINCE_25
        if privilege not in known:
            self.refuse(41, 65535, 1100, f"not found the privilege name[{privilege}]")
        db = entity.db_name or metadata.get("dbname", "default")
        self.operate((entity.role.name, entity.object.name, entity.object_name, privilege, db), request.type, grantor)

    def operate(self, grant, kind, grantor):
        if kind == 0:
            self.grants.setdefault(grant, grantor)
        else:
            self.grants.pop(grant, None)

    def OperatePrivilegeV2(self, request, caller, metadata):
        privilege, db, collection = request.grantor.privilege.name, request.db_name, request.collection_name
        grantor = self.grantor(caller)
        self.check_role(request.role.name, 41)
        groups = {**GROUPS, **self.groups}
        if privilege not in GLOBAL | COLLECTION | USER | GLOBAL_SINCE_25 | set(groups):
            self.refuse(41, 65535, 1100, f"not found the privilege name[{privilege}]")
        if privilege in ON_CLUSTER and (db, collection) != ("*", "*"):
            raise Refusal(
                5, 1100, "dbName and collectionName should be * for the cluster level privilege: " + privilege
            )
        if privilege in ON_DATABASE and collection not in ("*", ""):
            raise Refusal(5, 1100, "collectionName should be * for the database level privilege: " + privilege)
        if db == "*" and collection not in ("*", ""):
            raise Refusal(5, 1100, "please specify database name for the collection level privilege")
        kind = "Collection" if privilege in COLLECTION else "User" if privilege in USER else "Global"
        db = db or metadata.get("dbname", "default")
        self.operate((request.role.name, kind, collection or "*", privilege, db), request.type, grantor)

    def SelectGrant(self, request, caller, metadata):
        entity = request.entity
        if not entity.role.name:
            raise Refusal(5, 1100, "the role name in the grant entity is empty")
        self.check_role(entity.role.name, 42)
        db = entity.db_name or metadata.get("dbname", "default")
        everything = db == "*" and self.is_new
        return {"entities": [
            {"role": {"name": role}, "object": {"name": kind}, "object_name": name, "db_name": where,
             "grantor": {"user": {"name": grantor}, "privilege": {"name": privilege}}}
            for (role, kind, name, privilege, where), grantor in self.grants.items()
            if role == entity.role.name and (everything or where in (db, "*"))
        ]}  # fmt: skip

    # backup and restore

    def BackupRBAC(self, request, caller, metadata):
        return {"RBAC_meta": {"users": [
            {"user": name, "password": password.text if isinstance(password, Hashed) else HASH + password.hex(),
             "roles": [{"name": role} for user, role in sorted(self.bindings) if user == name]}
            for name, password in self.passwords.items() if name != "root"
        ]}}  # fmt: skip

    def RestoreRBAC(self, request, caller, metadata):
        users = request.RBAC_meta.users
        for entry in users:
            if entry.user in self.passwords:
                self.refuse_restoring(f"user [{entry.user}] already exists")
            for role in entry.roles if self.number >= (2, 6) else ():  # before, nobody looks
                if role.name not in self.roles:
                    self.refuse_restoring(f"role [{role.name}] does not exist")
        for entry in users:
            is_real = len(entry.password) == 60  # ours are never that long: two digits for each byte
            readable = entry.password.removeprefix(HASH)
            self.passwords[entry.user] = Hashed(entry.password) if is_real else bytes.fromhex(readable)
            self.bindings |= {(entry.user, role.name) for role in entry.roles}

    def refuse_restoring(self, reason):
        before = "failed to check if rbac restorable: " if self.number >= (2, 6) else ""
        after = ": invalid parameter" if self.number >= (3, 0) else ""
        raise Refusal(41, 1100 if self.number >= (3, 0) else 65535, before + reason + after)

    # groups of privileges

    def CreatePrivilegeGroup(self, request, caller, metadata):
        name = request.group_name
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_$]*", name):
            raise Refusal(1, 1402, f"privilege group name {name} can only contain numbers, letters and underscores")
        if name in {**GROUPS, **self.groups} or name in GLOBAL | COLLECTION | USER:
            raise Refusal(58, 1100, f"privilege group name [{name}] is defined by built in privileges or exists")
        self.groups[name] = set()

    def DropPrivilegeGroup(self, request, caller, metadata):
        if any(grant[3] == request.group_name for grant in self.grants):
            raise Refusal(59, 1100, f"privilege group [{request.group_name}] is used by role, Use REVOKE API first")
        self.groups.pop(request.group_name, None)

    def ListPrivilegeGroups(self, request, caller, metadata):
        return {"privilege_groups": [
            {"group_name": name, "privileges": [{"name": privilege} for privilege in sorted(privileges)]}
            for name, privileges in {**GROUPS, **self.groups}.items()
        ]}  # fmt: skip

    def OperatePrivilegeGroup(self, request, caller, metadata):
        names = {privilege.name for privilege in request.privileges}
        if request.group_name not in self.groups:
            raise Refusal(61, 1100, f"there is no privilege group name [{request.group_name}] to operate")
        if not names <= GLOBAL | COLLECTION | USER | GLOBAL_SINCE_25 | set(GROUPS):
            raise Refusal(61, 1100, f"there is no privilege name or privilege group name {sorted(names)} defined")
        old = self.groups[request.group_name]
        new = old | names if request.type == 0 else old - names
        levels = {name in ON_CLUSTER for name in new}
        if len(levels) > 1:
            raise Refusal(61, 1100, "privileges are not at the same level")
        self.groups[request.group_name] = new


@contextlib.contextmanager
def serving(contract, credentials=None):
    """A contract server and its address; with credentials it speaks TLS."""
    server = grpc.server(futures.ThreadPoolExecutor(16))
    server.add_generic_rpc_handlers((contract,))
    address = "127.0.0.1:0"
    port = server.add_secure_port(address, credentials) if credentials else server.add_insecure_port(address)
    server.start()
    try:
        yield contract, f"127.0.0.1:{port}"
    finally:
        server.stop(0).wait()


def serve(version, *, credentials=None, **options):
    """A server of that version and its address."""
    return serving(ContractServer(version, **options), credentials)
