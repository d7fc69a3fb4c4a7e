"""Users and passwords, on servers of every version."""

import pytest

from milvus_magics.client import privileges, roles, users
from milvus_magics.errors import (
    AuthenticationError,
    ParameterError,
    PermissionDeniedError,
    ProtectedUserError,
    UnknownUserError,
    UserExistsError,
    WrongPasswordError,
)
from milvus_magics.session import connections

OLD, NEW = "old-password", "new-password"
T = {"timeout": 30}


def test_connecting(on):
    """As root; with a wrong password only where nobody looks at it; as whom one acts, and what the server is."""
    conn = on.bind()
    who = users.whoami(conn, **T)
    assert (who.user, who.version, who.authorization) == ("root", on.version, on.authorization)
    if on.has("authorization"):
        with pytest.raises(AuthenticationError):
            on.bind("other", password="not-the-password-of-root")
        with pytest.raises(AuthenticationError):
            on.bind("other", user=f"{on.prefix}ghost")
    else:
        on.bind("other", password="not-the-password-of-root")
    assert connections.get() is conn


def test_users_come_and_go(on):
    """Created, listed, and deleted with the right password only."""
    [bob] = on.names("bob")
    created = users.create_user(on.conn, bob, OLD, grant=["public"], description="a student", **T)
    assert ("keeps no descriptions" in created.note) is not on.has("descriptions")
    user = users.list_user(on.conn, bob, **T)
    assert (user.roles, user.description) == (("public",), "a student" if on.has("descriptions") else "")
    assert [user.name for user in users.list_users(on.conn, **T)] == users.list_usernames(on.conn, **T)
    with pytest.raises(UserExistsError, match=f"'{bob}' exists already"):
        users.create_user(on.conn, bob, NEW, **T)
    assert f"This will delete {bob}" in str(users.preview_delete_user(on.conn, bob, **T))
    with pytest.raises(WrongPasswordError, match=f"'{bob}' is wrong; nothing was changed") as caught:
        users.delete_user(on.conn, bob, NEW, **T)
    assert (caught.value.code, NEW in str(caught.value)) == (1400, False), "no password in an error"
    assert on.usernames() == [bob]
    deleted = users.delete_user(on.conn, bob, OLD, **T)
    assert (deleted.verified, deleted.roles) == (True, ("public",))
    for delete in (users.delete_user, lambda conn, name, _, **options: users.drop_user(conn, name, **options)):
        with pytest.raises(UnknownUserError, match=f"there is no user '{bob}'"):
            delete(on.conn, bob, OLD, **T)
    with pytest.raises(ProtectedUserError, match="'root' cannot be deleted"):
        users.drop_user(on.conn, "root", **T)


@pytest.mark.parametrize(
    "again",
    [users.delete_user, *(lambda conn, *args, change=change, **options: change(conn, *args, NEW, **options)
                          for change in (users.update_password, users.reset_password))],
    ids=["delete", "update password", "reset password"],
)  # fmt: skip
def test_what_follows_a_deletion_at_once(on, again):
    """Proxies let a deleted user in for some milliseconds: nobody is deleted twice, and nobody comes back."""
    [bob] = on.names("bob")
    for _ in range(2 if on.imitated else 20):
        users.create_user(on.conn, bob, OLD, **T)
        assert users.delete_user(on.conn, bob, OLD, **T).verified
        if on.inside:
            on.inside.lagging[bob] = OLD.encode()
        with pytest.raises(UnknownUserError, match=f"there is no user '{bob}'"):
            again(on.conn, bob, OLD, **T)
        assert on.usernames() == []


def test_names(on):
    """`.` and `-` where the server takes them; blanks around a name never mean the user without them."""
    odd, bob = on.names("bob.b-c bob")
    if on.has("longer names"):
        assert users.create_user(on.conn, odd, OLD, **T).user == odd
        assert users.delete_user(on.conn, odd, OLD, **T).verified
    else:
        with pytest.raises(ParameterError, match="'.' and '-' need Milvus 2.6; nothing was sent"):
            users.create_user(on.conn, odd, OLD, **T)
    users.create_user(on.conn, bob, OLD, **T)
    refusal = ParameterError if on.has("trimmed names") else UnknownUserError
    for act in (
        lambda: users.delete_user(on.conn, f"{bob} ", OLD, **T), lambda: users.drop_user(on.conn, f" {bob}", **T),
        lambda: users.update_password(on.conn, f"{bob} ", OLD, NEW, **T),
    ):  # fmt: skip
        with pytest.raises(refusal):
            act()
    assert users.delete_user(on.conn, bob, OLD, **T).verified


@pytest.mark.parametrize("password", ["pass:{$}'\"word\\", "pässwörd-☃ spaces ", "p" * 72])
def test_odd_passwords(on, password):
    """Whatever a password may hold, it deletes its user and no other password does."""
    [odd] = on.names("odd")
    users.create_user(on.conn, odd, password, **T)
    for wrong in (password[:-1] + "#", password + "p"):
        with pytest.raises(WrongPasswordError):
            users.delete_user(on.conn, odd, wrong, **T)
    assert users.delete_user(on.conn, odd, password, **T).verified


def test_passwords(on):
    """Checked, changed, proven; nobody is made."""
    bob, ghost = on.names("bob ghost")
    users.create_user(on.conn, bob, OLD, **T)
    for change in (users.update_password, users.reset_password):
        with pytest.raises(WrongPasswordError, match="wrong; nothing was changed"):
            change(on.conn, bob, "wrong-password", NEW, **T)
        with pytest.raises(UnknownUserError):
            change(on.conn, ghost, OLD, NEW, **T)
    users.update_password(on.conn, bob, OLD, NEW, **T)
    assert users.reset_password(on.conn, bob, NEW, OLD, **T).proven is True
    assert on.usernames() == [bob]
    assert users.delete_user(on.conn, bob, OLD, **T).verified


def test_missing_rights_are_named(on):
    """A user without roles may ask about themselves, and is told which privilege the rest needs."""
    bob, eve, reader = on.names("bob eve reader")
    users.create_user(on.conn, bob, OLD, **T)
    own = on.log_in(bob, OLD)
    assert users.list_user(own, bob, **T).name == bob
    acts = [
        (lambda: users.list_users(own), "SelectUser"), (lambda: users.list_usernames(own), "SelectOwnership"),
        (lambda: users.create_user(own, eve, OLD), "CreateOwnership"),
        (lambda: roles.list_roles(own), "SelectOwnership"),
        (lambda: roles.create_role(own, reader), "CreateOwnership"),
        (lambda: roles.grant_role(own, bob, "admin"), "ManageOwnership"),
        (lambda: privileges.grant_privilege(own, "public", "Search", collection="*"), "ManageOwnership"),
        (lambda: privileges.list_grants(own, "admin"), "SelectOwnership"),
    ]  # fmt: skip
    if on.has("authorization"):
        for act, privilege in acts:
            with pytest.raises(PermissionDeniedError, match=f"'{bob}' lacks the privilege {privilege}"):
                act()
    else:
        assert bob in users.list_usernames(own, **T)
    assert users.reset_password(own, bob, OLD, NEW, **T).reauthenticated
    assert users.whoami(own, **T).user == bob
