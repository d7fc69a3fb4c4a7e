"""What `access` says is what happens, on a real Milvus 2.3.5."""

from rights_law import compare, stage

from milvus_magics.client import lookup, roles, users
from milvus_magics.transport.deadline import Deadline


def test_access_says_yes_exactly_where_the_call_is_let_through(server, root, figure):
    """For random users, roles and grants, with the database in the header, in the request, or in both."""
    before = names_on(root)
    with stage(server.address, server.password.reveal()) as found:
        compared = compare(found, 22)
    assert compared >= 500
    assert names_on(root) == before, "nothing is left behind"
    figure("rights", compared=compared)


def names_on(conn):
    """All users, roles, databases, and what there is in one of them."""
    deadline = Deadline(10)
    collections, aliases = lookup.list_collections(conn, "default", deadline), lookup.list_aliases(conn, "", deadline)
    there_are = [role.name for role in roles.list_roles(conn, users=False)]
    return [users.list_usernames(conn), there_are, lookup.list_databases(conn, deadline), collections, aliases]
