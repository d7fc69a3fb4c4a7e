"""What is told of a change whose answer was lost."""

import pytest

from milvus_magics.client.change import Attempt
from milvus_magics.transport.deadline import Deadline


@pytest.mark.parametrize(
    ("operation", "magic"),
    [
        ("create_user", "%milvus_list_users"),
        ("grant_role", "%milvus_list_users"),
        ("update_password", "%milvus_list_users"),
        ("create_role", "%milvus_list_roles"),
        ("drop_role", "%milvus_list_roles"),
        ("grant_privilege", "%milvus_list_grants"),
        ("drop_privilege_group", "%milvus_list_privilege_groups"),
        ("remove_privileges_from_group", "%milvus_list_privilege_groups"),
    ],
)
def test_it_names_the_magic_that_shows_it(operation, magic):
    """Not always the users."""
    attempt = Attempt(None, operation, "x", "'x'", "changed", Deadline(1))
    for is_done in (None, False):
        assert attempt.describe_outcome(is_done).endswith(f"check with {magic}")
