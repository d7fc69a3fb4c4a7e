"""Who may do what, on servers of every version: the view says yes where the call is let through, and only there."""

import time

import pytest

from milvus_magics.access.question import read_access
from milvus_magics.client import privileges, roles, users
from milvus_magics.errors import ParameterError, PermissionDeniedError, UnknownUserError
from milvus_magics.transport.deadline import Deadline

PASSWORD = "right-password"
SECONDS_TO_SETTLE = 30  # rights reach proxies late
T = {"timeout": 30}

# Privilege -> a call that takes it, which changes nothing where it is let through. They are about the cluster, so no
# collection has to be filled.
TRIALS = {
    "SelectOwnership": ("ListCredUsers", {}),
    "SelectUser": ("SelectUser", {"user": {"name": "root"}}),
    "CreateOwnership": ("CreateRole", {"entity": {"name": "9 is no name"}}),
    "DropOwnership": ("DropRole", {"role_name": "nobody_has_made_this_role"}),
}


@pytest.fixture
def bob(on):
    """A user with a role of their own, which holds nothing yet."""
    bob, reader = on.names("bob reader")
    roles.create_role(on.conn, reader, **T)
    users.create_user(on.conn, bob, PASSWORD, grant=[reader], **T)
    return bob


def may(conn, privilege):
    """Whether the server lets somebody do it; what is refused for another reason is let through."""
    method, fields = TRIALS[privilege]
    try:
        conn.call(method, deadline=Deadline(SECONDS_TO_SETTLE), **fields)
    except PermissionDeniedError:
        return False
    return True


def becomes(wanted, conn, privilege):
    """Whether it is so in the end."""
    end = time.monotonic() + SECONDS_TO_SETTLE
    while may(conn, privilege) is not wanted:
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def test_what_the_view_says_is_what_happens(on, bob):
    """A privilege after the other is granted, and at last all are revoked."""
    conn, reader = on.log_in(bob, PASSWORD), f"{on.prefix}reader"
    granted = []

    def agree():
        found = read_access(on.conn, **T)
        for privilege in TRIALS:
            said = found.allows(bob, privilege)
            assert said is (privilege in granted or not on.has("authorization")), privilege
            assert becomes(said, conn, privilege), f"{privilege}: said {said}"

    agree()
    for privilege in TRIALS:
        privileges.grant_privilege(on.conn, reader, privilege, **T)
        granted.append(privilege)
        agree()
    for privilege in TRIALS:
        privileges.revoke_privilege(on.conn, reader, privilege, **T)
        granted.remove(privilege)
    agree()


def test_questions(on, bob):
    """Who may do something on a collection, by which role; root counts, and what isn't there is said."""
    reader = f"{on.prefix}reader"
    privileges.grant_privilege(on.conn, reader, "Search", collection=on.docs, db=on.lab, **T)
    found = read_access(on.conn, privilege="Search", collection=on.docs, db=on.lab, **T)
    ours = {right.user: right for right in found if right.user == "root" or right.user.startswith(on.prefix)}
    assert ours.keys() == {bob, "root"}
    assert str(ours[bob]) == f"Search on collection '{on.docs}' in database '{on.lab}' by role '{reader}'"
    everything = read_access(on.conn, **T)
    off = not on.has("authorization")
    assert everything.allows(bob, "Search", on.docs, on.lab)
    assert everything.allows(bob, "Search", on.docs) is off
    assert everything.allows(bob, "Insert", on.docs, on.lab) is off
    assert ("authorization" in {finding.concern for finding in everything.findings}) is off
    assert on.docs in everything.matrix("users", "collections")._repr_html_()
    with pytest.raises(UnknownUserError, match=f"did you mean '{bob}'"):
        read_access(on.conn, user=f"{bob}b", **T)
    with pytest.raises(ParameterError, match=f"did you mean '{on.docs}'"):
        read_access(on.conn, collection=f"{on.docs}s", db=on.lab, **T)


def test_who_may_not_look_is_told_so(on, bob):
    """They see their own rights, and that it is not everything; what they don't see isn't said not to be there."""
    reader = f"{on.prefix}reader"
    privileges.grant_privilege(on.conn, reader, "Search", collection=on.docs, **T)
    conn = on.log_in(bob, PASSWORD)
    if not on.has("authorization"):
        assert read_access(conn, **T).allows(bob, "Insert", on.docs)
        return
    end = time.monotonic() + SECONDS_TO_SETTLE
    while not (found := read_access(conn, **T)).allows(bob, "Search", on.docs):
        assert time.monotonic() < end, "what bob may do never reached the proxy"
    lacking = "SelectUser, SelectOwnership" + ("" if on.has("visible only") else ", ListDatabases")
    assert f"only your own rights: '{bob}' lacks {lacking}" in found.caption
    assert not found.allows(bob, "Insert", on.docs)
    with pytest.raises(PermissionDeniedError, match="only your own rights"):
        read_access(conn, user="root", **T)
