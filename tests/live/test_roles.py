"""Roles on a real Milvus: what is told, what is refused, and that "done" is only said of what was done."""

import pytest

from milvus_magics.client import roles
from milvus_magics.errors import (
    LimitReachedError,
    ParameterError,
    RoleExistsError,
)

PASSWORD = "right-password"


def names(conn):
    return [role.name for role in roles.list_roles(conn, timeout=10)]


def test_creating_is_checked(root):
    """Names that cannot be, and one that there is."""
    roles.create_role(root, "reader", timeout=10)
    with pytest.raises(RoleExistsError, match="'reader' exists already"):
        roles.create_role(root, "reader", timeout=10)
    for name, said in [
        ("", "empty"), ("1a", "must begin"), (" a", "blank"), ("a ", "blank"), ("a b", "server says"),
        ("x" * 256, "the limit is 255"), ("ü", "must begin"), (3, "must be text"),
    ]:  # fmt: skip
        with pytest.raises(ParameterError, match=said):
            roles.create_role(root, name, timeout=10)
    assert names(root) == ["admin", "public", "reader"]


def test_limit_is_explained(root):
    """Ten by default, admin and public included."""
    for number in range(8):
        roles.create_role(root, f"role{number}", timeout=10)
    with pytest.raises(LimitReachedError, match=r"proxy\.maxRoleNum.*'one_more' is not created"):
        roles.create_role(root, "one_more", timeout=10)
    with pytest.raises(RoleExistsError):
        roles.create_role(root, "role1", timeout=10)
