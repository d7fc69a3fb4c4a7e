"""Somebody who may change things but not look at them is told what is known, and what cannot be seen."""

import contract
import pytest
from contract.versions import RECORDED

from milvus_magics import connections
from milvus_magics.client import privilege_groups, role_deletion
from milvus_magics.errors import NOTHING_CHANGED, GroupExistsError, UnknownRoleError

OLD, V25, V26, V30 = RECORDED
EVERY, NEWER = (OLD, V25, V26, V30), (V25, V26, V30)
PASSWORD = "a-password-of-theirs"
UNSEEN = "cannot be seen without the privilege SelectOwnership"


@pytest.fixture
def server(request):
    """A server with the users `ann`, who holds the role `mine`, and `bob`; and with the role `r`."""
    with contract.serve(request.param) as (server, address):
        server.passwords |= {"ann": PASSWORD.encode(), "bob": PASSWORD.encode()}
        server.roles |= {"mine": "", "r": ""}
        server.bindings.add(("ann", "mine"))
        server.address = address
        yield server
        connections.close_all()


def of(versions):
    return pytest.mark.parametrize("server", versions, indirect=True)


def connect(server, *privileges, user="ann", password=PASSWORD):
    for privilege in privileges:
        server.grants["mine", "User" if privilege.endswith("User") else "Global", "*", privilege, "*"] = "root"
    connections.connect(uri=f"http://{server.address}", user=user, password=password)
    return connections.get()


@of(EVERY)
@pytest.mark.parametrize("force", [False, True])
def test_a_role_that_never_was_is_not_told_as_dropped(server, force):
    conn = connect(server, "DropOwnership", "ManageOwnership")
    with pytest.raises(UnknownRoleError, match=r"there is no role 'never' on .*; nothing was changed") as found:
        role_deletion.drop_role(conn, "never", force=force)
    assert found.value.outcome is NOTHING_CHANGED
    assert f"whether there is such a role {UNSEEN}" in str(role_deletion.preview_drop_role(conn, "never", force=force))
    assert "such a role" not in str(role_deletion.preview_drop_role(conn, "mine"))
    role_deletion.drop_role(conn, "r", force=force)
    assert "r" not in server.roles


@of(NEWER)
def test_a_group_of_somebody_else_is_not_told_as_created(server):
    server.groups["theirs"] = set()
    conn = connect(server, "CreatePrivilegeGroup")
    with pytest.raises(GroupExistsError, match="'theirs' exists already"):
        privilege_groups.create_privilege_group(conn, "theirs")
