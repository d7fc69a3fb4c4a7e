"""What `access` says is what happens, on each of the four versions; on the real 2.3.5 it stands in tests/live."""

import contract
import pytest
import rights_law
from contract.versions import RECORDED

RIGHTS, EXAMPLES = 500, 28


@pytest.mark.parametrize("version", RECORDED)
def test_access_says_yes_exactly_where_the_call_is_let_through(version, figure):
    """For random users, roles, groups and grants, with the database in the header, the request, or both."""
    with (
        contract.serve(version, authorization=True, max_users=10_000, max_roles=10_000) as (_, address),
        rights_law.stage(address, "Milvus", with_public=True, seconds_to_settle=0) as stage,
    ):
        compared = rights_law.compare(stage, EXAMPLES)
    assert compared >= RIGHTS
    figure("rights", compared=compared)
