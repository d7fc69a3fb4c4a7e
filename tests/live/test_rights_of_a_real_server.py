"""What `access` says is what happens, on a real Milvus 2.3.5."""

from rights_law import compare, stage


def test_access_says_yes_exactly_where_the_call_is_let_through(server, root, figure):
    """For random users, roles and grants, with the database in the header, the request, or both."""
    with stage(server.address, server.password.reveal()) as found:
        compared = compare(found, 22)
    assert compared >= 500
    figure("rights", compared=compared)
