"""Limits of users and roles, and superusers, on servers of every version."""

import contract
import pytest
from contract.versions import RECORDED

from milvus_magics.client import roles, users
from milvus_magics.errors import (
    LimitReachedError,
    RoleExistsError,
    UnknownUserError,
    UserExistsError,
    WrongPasswordError,
)
from milvus_magics.transport.address import Address
from milvus_magics.transport.connection import Connection

OLD, NEW = "old-password", "new-password"


@pytest.fixture(params=RECORDED)
def version(request):
    return request.param


@pytest.fixture(params=[True, False], ids=["authorization on", "authorization off"])
def bench(request, version):
    """Start a server, with a connection as root: `server, conn = bench(max_users=3)`."""
    ends = []

    def bench(**options):
        serving = contract.serve(version, authorization=request.param, **options)
        server, address = serving.__enter__()
        conn = Connection(Address.parse(address, user="root", password="Milvus"))
        ends[:] = [conn.close, lambda: serving.__exit__(None, None, None)]
        return server, conn

    yield bench
    for end in ends:
        end()


def test_limits(bench):
    """Told apart from "exists already", on old servers by looking first."""
    _, conn = bench(max_users=3, max_roles=3)
    users.create_user(conn, "bob", OLD, timeout=10)
    users.create_user(conn, "eve", OLD, timeout=10)
    roles.create_role(conn, "reader", timeout=10)
    with pytest.raises(LimitReachedError, match="it has 3 .setting proxy.maxUserNum"):
        users.create_user(conn, "ann", OLD, timeout=10)
    with pytest.raises(UserExistsError):
        users.create_user(conn, "eve", OLD, timeout=10)
    with pytest.raises(LimitReachedError, match="proxy.maxRoleNum"):
        roles.create_role(conn, "writer", timeout=10)
    with pytest.raises(RoleExistsError):
        roles.create_role(conn, "reader", timeout=10)


def test_superusers(bench):
    """They may leave the old password out; a wrong one is refused all the same, and nobody is made."""
    server, conn = bench(superusers=("root",))
    users.create_user(conn, "bob", OLD, timeout=10)
    with pytest.raises(WrongPasswordError):
        users.update_password(conn, "bob", "wrong-password", NEW, timeout=10)
    assert server.passwords["bob"] == OLD.encode()
    for old in ("", OLD):
        with pytest.raises(UnknownUserError):
            users.update_password(conn, "ghost", old, NEW, timeout=10)
    users.update_password(conn, "bob", "", NEW, timeout=10)
    assert server.passwords == {"root": b"Milvus", "bob": NEW.encode()}


def test_others_need_the_old_password(bench):
    """Without it nothing is changed, and who may leave it out is said."""
    server, conn = bench()
    users.create_user(conn, "bob", OLD, timeout=10)
    for change in (users.update_password, users.reset_password):
        with pytest.raises(WrongPasswordError, match="superUsers names may leave it out"):
            change(conn, "bob", "", NEW, timeout=10)
    assert server.passwords["bob"] == OLD.encode()
