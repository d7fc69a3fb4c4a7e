"""Every refusal that a real server gave is understood as one, and for what it is."""

import pytest
from pymilvus.grpc_gen import common_pb2
from test_recorded import FOLDER, sequences_of

from milvus_magics import errors
from milvus_magics.transport.reply_status import Status, error_from_status, is_refusal

VERSIONS = sorted(file.name.removesuffix(".json.xz") for file in FOLDER.glob("*.json.xz"))
# An etcd that fails is told by the same words; these requests are never sent.
AMBIGUOUS = {"delete empty name", "delete blank name", "type unknown"}
MEANINGS = [
    ('failed to check if operate user role: user "eve" not found: invalid parameter', 1100, errors.UnknownUserError),
    ("failed to check if update credential: user not found", 65535, errors.UnknownUserError),
    (
        'failed to operate privilege common check: the grantor user "eve" does not exist: invalid parameter',
        1100,
        errors.UnknownUserError,
    ),
    ('the role "raeder" does not exist: invalid parameter', 1100, errors.UnknownRoleError),
    ("failed to check if alter role: role not exists", 65535, errors.UnknownRoleError),
    ("failed to check if rbac restorable: role [raeder] does not exist", 65535, errors.UnknownRoleError),
    ("privilege group [g] is used by role [r], Use REVOKE API to revoke it first", 65535, errors.InUseError),
    ("privileges are not the same privilege level", 65535, errors.UnknownPrivilegeError),
    ("database not found[database=nodb]", 800, errors.UnknownDatabaseError),
    (
        "database name can only contain numbers, letters and underscores: invalid database name[database=my-db]",
        802,
        errors.ParameterError,
    ),
    ("can not operate the custom privilege group [g]", 65535, errors.ParameterError),
    ("fail to get user info from the raw token, raw token: ********", 65535, errors.ParameterError),
    ("service not ready[RootCoord=1]: Initializing", 1, errors.UnavailableError),
]


def refusals_of(version):
    """(sequence, step, status) of each answer that is a failure."""
    for sequence in sequences_of(version):
        for step in sequence["steps"]:
            status = step["answer"].get("status")
            if status:
                legacy = common_pb2.ErrorCode.Value(status.get("error_code", "Success"))
                yield sequence["name"], step, Status(legacy, status.get("code", 0), status.get("reason", ""))


@pytest.mark.parametrize("version", VERSIONS)
def test_no_refusal_is_taken_for_a_lost_answer(version):
    """After one nothing is asked, waited for or called unknown."""
    doubtful = [
        (where, step["name"], status)
        for where, step, status in refusals_of(version)
        if not is_refusal(status) and step["name"] not in AMBIGUOUS
    ]
    assert not doubtful


@pytest.mark.parametrize("version", VERSIONS)
def test_each_refusal_has_a_class_of_its_own(version):
    """`ServerError` says only that something went wrong: nobody could act on it."""
    vague = {
        (status.code, status.reason[:80])
        for _, step, status in refusals_of(version)
        if type(error_from_status(status)) is errors.ServerError and is_refusal(status)
    }
    assert not vague


@pytest.mark.parametrize(("reason", "code", "error"), MEANINGS)
def test_texts_of_newer_servers_are_understood(reason, code, error):
    """By class, so that hints, fallbacks and exit codes fit."""
    assert type(error_from_status(Status(1, code, reason))) is error
    assert is_refusal(Status(1, code, reason))
