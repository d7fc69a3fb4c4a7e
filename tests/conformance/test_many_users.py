"""Many users at once, on servers of every version."""

import pytest

from milvus_magics.bulk.plan import CREATE, DELETE, make_plan
from milvus_magics.bulk.results import BulkError
from milvus_magics.bulk.rows import rows_of
from milvus_magics.bulk.run import create_users, delete_users, drop_users, execute, preview
from milvus_magics.client import roles, users
from milvus_magics.errors import ServerTooOldError

PASSWORD = "a-password-of-theirs"
COUNT = 6
T = {"timeout": 30}


@pytest.fixture
def people(on):
    """Rows with a role that exists."""
    [reader] = on.names("reader")
    roles.create_role(on.conn, reader, **T)
    return [
        {"user": f"{on.prefix}user{number}", "password": f"{PASSWORD}{number}", "roles": reader}
        for number in range(COUNT)
    ]


def test_many_come_and_go(on, people):
    """Created with roles, again: nothing to do; deleted by their passwords, wrong ones refused; again: nobody left."""
    planned = make_plan(on.conn, CREATE, rows_of(people), **T)
    assert preview(on.conn, planned, **T).counts == {"to do": COUNT}
    assert on.usernames() == []
    assert execute(on.conn, planned, **T).counts == {"done": COUNT}
    listed = {user.name: user.roles for user in users.list_users(on.conn, **T)}
    assert all(listed[row["user"]] == (row["roles"],) for row in people)
    assert create_users(on.conn, people, **T).counts == {"already": COUNT}
    wrong = [{**people[0], "password": "not-the-right-one"}, *people[1:]]
    foreseen = preview(on.conn, make_plan(on.conn, DELETE, rows_of(wrong), **T), **T)
    gone = delete_users(on.conn, wrong, **T)
    assert gone.counts == {"done": COUNT - 1, "refused": 1}
    assert [row.outcome for row in foreseen][1:] == ["to do"] * (COUNT - 1)
    [refused] = [row for row in gone if row.outcome == "refused"]
    assert refused.reason == f"the password given for user '{people[0]['user']}' is wrong"
    assert on.usernames() == [people[0]["user"]]
    assert delete_users(on.conn, people[1:], **T).counts == {"missing": COUNT - 1}
    assert drop_users(on.conn, [people[0]["user"]], **T).counts == {"done": 1}
    assert on.usernames() == []


def test_all_problems_at_once(on, people):
    """Every row that is wrong is named, and nothing is changed."""
    people[1]["roles"], people[2]["user"], people[3]["user"] = f"{on.prefix}nothing", "1x", people[0]["user"]
    with pytest.raises(BulkError) as caught:
        create_users(on.conn, people, **T)
    assert [problem.row for problem in caught.value.problems] == [2, 3, 4]
    assert on.usernames() == []


def test_many_by_one_request(on, people):
    """Where the server takes hashes: they log in with their passwords, and hold their roles."""
    if not on.has("backup"):
        with pytest.raises(ServerTooOldError, match=r"--at-once is not possible here: .*needs Milvus 2\.4\.10"):
            create_users(on.conn, people, at_once=True, **T)
        assert on.usernames() == []
        return
    assert create_users(on.conn, people[:2], at_once=True, **T).counts == {"done": 2}  # each hash takes its time
    bob = people[0]
    assert users.list_user(on.log_in(bob["user"], bob["password"]), bob["user"], **T).roles == (bob["roles"],)
    assert delete_users(on.conn, people[:2], **T).counts == {"done": 2}
