"""What `access` says of recorded calls is what real servers did: the contract server only keeps what was granted.

Each recorded call of somebody else than root is compared, wherever the protocol says which right it needs.
"""

import contract
import grpc
import pytest
from contract.versions import RECORDED
from pymilvus.grpc_gen import common_pb2, milvus_pb2
from test_recorded import ask, sequences_of, server_of

from milvus_magics.access.question import read_access
from milvus_magics.transport.address import Address
from milvus_magics.transport.connection import Connection

ROOT = "root:Milvus"
NOT_LOGGED_IN = ("UNAUTHENTICATED", "UNIMPLEMENTED")
BY_NAME = {"ListDatabases": "ListDatabases", "ShowCollections": "ShowCollections"}  # the protocol doesn't say it
# Calls that are decided by what they are about, whatever right the protocol names: looking at one's own roles.
OWN = {"SelectGrant"}
READING = ("List", "Select", "Show", "Describe", "Has", "Get", "Connect")  # all others may change who may what
# Steps of which nothing can be told: 2.3 tells nothing of what is granted in databases that aren't there.
OPEN = {("2.3.5", "no role: ListCredUsers, unknown database")}
AT_LEAST = 100  # rights in each version


def need_of(method):
    """The privilege that a call needs, its object type, and the field that names the object; None if nothing."""
    if method in BY_NAME:
        return BY_NAME[method], "Global", None
    request = milvus_pb2.DESCRIPTOR.services_by_name["MilvusService"].methods_by_name[method].input_type
    if not request.GetOptions().HasExtension(common_pb2.privilege_ext_obj):
        return None
    options = request.GetOptions().Extensions[common_pb2.privilege_ext_obj]
    fields = {field.number: field.name for field in request.fields}
    privilege = common_pb2.ObjectPrivilege.Name(options.object_privilege).removeprefix("Privilege")
    return privilege, common_pb2.ObjectType.Name(options.object_type), fields.get(options.object_name_index)


def said_of(access, step):
    """What `access` says of a recorded call."""
    privilege, kind, field = need_of(step["method"])
    name = step["request"].get(field)
    header = step.get("dbname") or "default"
    return access.snapshot.allows(
        step["as"].partition(":")[0],
        privilege,
        name if kind == "Collection" else None,
        step["request"].get("db_name") or header,
        connected_to=header,
        target_user=(name["name"] if isinstance(name, dict) else name) if kind == "User" else None,
    )


def is_of_somebody(step):
    """Whether a step is a call of an ordinary user who is let in, and needs a right."""
    is_user = isinstance(step["as"], str) and ":" in step["as"] and not step["as"].startswith("root:")
    is_decided = step["answer"].get("grpc") not in NOT_LOGGED_IN and step["method"] not in OWN
    return is_user and is_decided and need_of(step["method"]) is not None


@pytest.mark.parametrize("version", RECORDED)
def test_access_says_what_real_servers_did(version, figure):
    """For every recorded call of an ordinary user; hardly anything is left open."""
    compared, wrong = 0, []
    for sequence in sequences_of(version):
        if not any(map(is_of_somebody, sequence["steps"])):
            continue
        with (
            contract.serving(server_of(version, sequence["server"])) as (_, address),
            grpc.insecure_channel(address) as channel,
        ):
            root, access, kept = Connection(Address.parse(address, user="root", password="Milvus")), None, {}
            for step in sequence["steps"]:
                if is_of_somebody(step):
                    access = access or read_access(root, timeout=10)
                    happened = step["answer"].get("grpc") != "PERMISSION_DENIED"
                    compared += 1
                    wanted = None if (version, step["name"]) in OPEN else happened
                    if (said := said_of(access, step)) is not wanted:
                        wrong.append(f"{sequence['name']}: {step['name']}: said {said}, it was {happened}")
                ask(channel, step, kept)
                access = access if step["method"].startswith(READING) else None
            root.close()
    assert not wrong, "\n".join(wrong)
    assert compared >= AT_LEAST
    figure("rights", recorded=compared)
