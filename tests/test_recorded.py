"""The contract server answers as real ones did: each recorded request, through gRPC, to the letter.

Requests are made and answers are read with pymilvus's messages, which are not those of the server.
"""

import base64
import functools
import json
import lzma
from pathlib import Path

import contract
import grpc
import pytest
from contract.versions import RECORDED
from google.protobuf import json_format
from google.protobuf.message_factory import GetMessageClass

FOLDER = Path(__file__).parent / "recorded"
STEPS = 1113  # in each file
# What can't be imitated: (version, sequence, step) -> why. Each of these must differ, and all others must not.
NOT_IMITATED = {}
# What differs from run to run, or says how a server was built, was left out when it was recorded.
LEFT_OUT = {"identifier", "db_ids", "created_timestamp"}


@functools.cache
def sequences_of(version):
    return json.loads(lzma.decompress((FOLDER / f"{version}.json.xz").read_bytes()))["sequences"]


def service():
    from pymilvus.grpc_gen import milvus_pb2

    return milvus_pb2.DESCRIPTOR.services_by_name["MilvusService"]


@functools.cache
def method(name):
    """Path, request's class and answer's class."""
    found = service().methods_by_name[name]
    return f"/{service().full_name}/{name}", GetMessageClass(found.input_type), GetMessageClass(found.output_type)


def headers_of(step):
    who = step["as"]
    if isinstance(who, str):
        who = {"authorization": base64.b64encode(who.encode()).decode()}
    return [*(who or {}).items(), *([("dbname", step["dbname"])] if "dbname" in step else [])]


def ask(channel, step, kept):
    """What the server answers, as it was recorded; `kept` holds the answers of earlier steps, and gets this one."""
    path, request_class, answer_class = method(step["method"])
    fields = {key: fill(key, value, kept) for key, value in step["request"].items()}
    request = json_format.ParseDict(fields, request_class())
    call = channel.unary_unary(path, lambda message: message.SerializeToString(), answer_class.FromString)
    try:
        answer = call(request, metadata=headers_of(step), timeout=10)
    except grpc.RpcError as exc:
        return {"grpc": exc.code().name, "details": exc.details()}
    found = json_format.MessageToDict(answer, preserving_proto_field_name=True)
    kept[step["name"]] = found
    return written_as_recorded(found, answer_class.DESCRIPTOR.name == "Status")


def fill(key, value, kept):
    """A field of a request, which may be part of an earlier answer."""
    if isinstance(value, str) and value.startswith("@answer of: "):
        return kept.get(value.removeprefix("@answer of: "), {}).get(key, {})
    return value


def written_as_recorded(found, bare):
    found = {key: value for key, value in found.items() if key not in LEFT_OUT}
    status = found if bare else found.pop("status", {})
    if status.get("detail") == status.get("reason"):
        status.pop("detail", None)
    payload = {} if bare else in_order(found)
    return {"status": status, **({"payload": payload} if payload else {})}


def in_order(value, key=""):
    """Lists sorted, since most have no order, and hashes hidden."""
    if isinstance(value, dict):
        return {name: in_order(one, name) for name, one in value.items()}
    if isinstance(value, list):
        return sorted((in_order(one) for one in value), key=lambda one: json.dumps(one, sort_keys=True))
    return "<bcrypt>" if key == "password" else value


def server_of(version, settings):
    """As empty as recorded sequences begin."""
    server = contract.ContractServer(
        version, authorization=settings["authorization"], superusers=settings.get("superUsers", ()),
        max_users=settings.get("maxUserNum", 100), max_roles=settings.get("maxRoleNum", 10),
    )  # fmt: skip
    server.collections = {"default": []}
    return server


def differences(version, sequence):
    """Step -> what was recorded and what is answered now."""
    kept, found = {}, {}
    with (
        contract.serving(server_of(version, sequence["server"])) as (_, address),
        grpc.insecure_channel(address) as channel,
    ):
        for step in sequence["steps"]:
            answer = ask(channel, step, kept)
            wanted = step["answer"]
            if "payload" in wanted:
                wanted = {**wanted, "payload": in_order(wanted["payload"])}
            if answer != wanted:
                found[step["name"]] = (step["method"], wanted, answer)
    return found


@pytest.mark.parametrize("version", RECORDED)
def test_files_are_whole(version):
    """As many steps as were recorded, each with its name."""
    names = [(sequence["name"], step["name"]) for sequence in sequences_of(version) for step in sequence["steps"]]
    assert len(names) == len(set(names)) == STEPS
    assert {step for recorded, *step in NOT_IMITATED if recorded == version} <= set(names)


@pytest.mark.parametrize("place", range(14))
@pytest.mark.parametrize("version", RECORDED)
def test_recorded_answers(version, place):
    """Of one sequence, from its empty server on."""
    sequence = sequences_of(version)[place]
    found = differences(version, sequence)
    excused = {step for recorded, name, step in NOT_IMITATED if (recorded, name) == (version, sequence["name"])}
    assert found.keys() == excused, "\n".join(
        f"{step} ({name})\n  recorded {wanted}\n  answered {answer}"
        for step, (name, wanted, answer) in found.items() if step not in excused
    )  # fmt: skip
