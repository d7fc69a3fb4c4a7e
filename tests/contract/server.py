"""The server that the other files are parts of, and how it is reached."""

import contextlib
import threading
import time
from concurrent import futures

import grpc

from contract import messages
from contract.backup import Backup
from contract.grants import Grants
from contract.groups import Groups
from contract.login import Login
from contract.names import Names
from contract.places import Places
from contract.rights import Rights
from contract.roles import BUILT_IN, Roles
from contract.statuses import ILLEGAL_ARGUMENT, INVALID, OTHER, QUOTA, UNEXPECTED, Denied, Refusal, invalid
from contract.users import Users
from contract.versions import SINCE, number_of, table_of
from milvus_magics import wire

IMITATION = "/imitation/Version"  # a method that no Milvus has: nobody takes one for the other


class ContractServer(
    Login, Rights, Names, Users, Roles, Grants, Groups, Places, Backup, grpc.GenericRpcHandler
):  # fmt: skip
    """The state of one server, and its methods: `(request, caller, metadata)`, which return fields of the answer.

    Args:
        version: like "2.6.18"; decides what there is, who may what, and how refusals are numbered and worded.
        authorization: whether logins are checked.
        superusers: who may change passwords without the old one.
        max_users, max_roles: how many there can be, with root, `admin` and `public`.
        passwords: user -> bytes, or an object that is equal to the right ones.
        roles: name -> description.
        bindings: pairs (user, role).
        grants: (role, object type, object's name, privilege, database) -> who gave it.
        groups: name -> privileges, of the groups that somebody made.
        collections: database -> names.
        aliases: (database, alias) -> collection.
        descriptions: of users.
        lagging: names and passwords of deleted users who are still let in, as proxies do for some milliseconds.
        began: when the cluster was first started, in nanoseconds, as its database `default` tells.
        calls: the methods that were called, in their order.
        unread: grants that bring nothing until proxies are started again: those of groups by their inner names.
        root_needs_roles: root may what roles bring, as with the setting `common.security.rootShouldBindRole`.
        stuck: no change of access is ever answered any more.
    """

    def __init__(self, version, *, authorization=True, superusers=(), max_users=100, max_roles=10):
        self.version = version
        self.authorization, self.superusers = authorization, superusers
        self.max_users, self.max_roles = max_users, max_roles
        self.passwords, self.lagging, self.descriptions = {"root": b"Milvus"}, {}, {}
        self.roles, self.bindings = dict.fromkeys(BUILT_IN, ""), set()
        self.grants = {("public", *grant, "*"): "root" for grant in self.rules.public}
        self.groups, self.aliases = {}, {}
        self.collections = {"default": ["docs"], "lab": []}
        self.began = time.time_ns()
        self.calls, self.unread, self.root_needs_roles = [], set(), False
        self.changing, self.stuck = threading.RLock(), False

    @property
    def version(self):
        """Can be set: the server is another one from then on, with what it keeps."""
        return self._version

    @version.setter
    def version(self, version):
        self._version, self.number, self.rules = version, number_of(version), table_of(version)

    def service(self, details):
        service, _, method = details.method.strip("/").rpartition("/")
        metadata = dict(reversed(details.invocation_metadata))  # the first of two counts

        def answer(data, context):
            if details.method == IMITATION:
                return self.version.encode()
            if service != wire.SERVICE:
                context.abort(grpc.StatusCode.UNIMPLEMENTED, f"unknown service {service}")
            try:
                return self.answer(method, metadata, data)
            except Denied as exc:
                return context.abort(exc.code, exc.words)

        return grpc.unary_unary_rpc_method_handler(answer)

    def answer(self, method, metadata, data):
        """The bytes of an answer to those of a request."""
        if not self.has_method(method):
            words = f"unknown method {method} for service {wire.SERVICE}"
            raise Denied(grpc.StatusCode.UNIMPLEMENTED, words)
        self.calls.append(method)
        request = messages.method(method).request.FromString(data)
        caller = self.login(metadata)
        self.require(caller, method, request, metadata.get("dbname") or "default")
        return self.reply_of(method, request, caller, metadata).SerializeToString()

    def has_method(self, method):
        return method in messages.names() and hasattr(self, method) and self.number >= SINCE.get(method, (0,))

    def reply_of(self, method, request, caller, metadata):
        response = messages.method(method).response
        bare = response.DESCRIPTOR.name == "Status"
        try:
            found = getattr(self, method)(request, caller, metadata) or {}
        except Refusal as exc:
            status = self.status_of(exc)
            return response(**status) if bare else response(status=status, **exc.payload)
        return response(**found)

    def status_of(self, refusal):
        status = {**refusal.status}
        if self.rules.details and not status["detail"]:
            status["detail"] = status["reason"]
        if status["code"] in self.rules.input_errors and not refusal.is_inner:
            status["extra_info"] = {"is_input_error": "true"}
        return status

    # how refusals are numbered and worded

    def refuse(self, legacy, reason, check=""):
        """As the coordinator does; `check` is what it was about, where a version says that."""
        before = f"failed to {check}: " if check and self.rules.says_check else ""
        if self.rules.coded:
            raise invalid(before + reason, legacy=legacy)
        raise Refusal(legacy, OTHER, before + reason)

    def refuse_limit(self, legacy, deed, number, check):
        reason = f"unable to {deed} because the {number} has reached the limit"
        if self.rules.coded:
            raise Refusal(legacy, QUOTA, f"failed to check if {check}: quota exceeded[reason={reason}]")
        self.refuse(legacy, reason, check=f"check if {check}")

    def refuse_form(self, reason):
        """What older proxies say of what isn't there at all, or can't be read."""
        if self.rules.coded:
            raise Refusal(ILLEGAL_ARGUMENT, INVALID, f"{reason}: invalid parameter")
        raise Refusal(UNEXPECTED, OTHER, reason)


def imitated_version(channel):
    """The version that is imitated behind a channel; empty where a real server answers."""
    try:
        return channel.unary_unary(IMITATION)(b"", timeout=10).decode()
    except grpc.RpcError:
        return ""


@contextlib.contextmanager
def serving(contract, credentials=None, port=0):
    """A contract server and its address; with credentials it speaks TLS, and port 0 is a free one."""
    server = grpc.server(futures.ThreadPoolExecutor(16))
    server.add_generic_rpc_handlers((contract,))
    address = f"127.0.0.1:{port}"
    port = server.add_secure_port(address, credentials) if credentials else server.add_insecure_port(address)
    server.start()
    try:
        yield contract, f"127.0.0.1:{port}"
    finally:
        server.stop(0).wait()


def serve(version, *, credentials=None, **options):
    """A server of that version and its address."""
    return serving(ContractServer(version, **options), credentials)
