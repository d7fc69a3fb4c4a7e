"""Every refusal of a real Milvus 2.3.5 that can be provoked: what the server says, and the one line that is told."""

import pytest
from conftest import empty

from milvus_magics import embedded, errors
from milvus_magics.client import privilege_groups, privileges, roles, users
from milvus_magics.secret import Secret
from milvus_magics.transport.address import Address
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline
from milvus_magics.transport.reply_status import status_of

PASSWORD = "right-password"
TOO_OLD = errors.ServerTooOldError
T = {"timeout": 10}


def grant_fields(role="reader", kind="Collection", name="docs", privilege="Search", number=0):
    entity = {"role": {"name": role}, "object": {"name": kind}, "object_name": name,
              "grantor": {"privilege": {"name": privilege}}, "db_name": "default"}  # fmt: skip
    return {"entity": entity, "type": number}


def grant(conn, role="reader", privilege="Search", kind="Collection", name="docs"):
    return privileges.grant_privilege(conn, role, privilege, object_type=kind, object_name=name, **T)


# Situation -> method and fields as they are, (error_code, code) that the server answers, what a user does, the class
# and code that they see. None as class: it is no error, for the server and for us.
ROWS = {
    "create user, empty name": (
        "CreateCredential", {"username": "", "password": Secret(PASSWORD)}, (5, 1100),
        lambda conn: users.create_user(conn, "", PASSWORD, **T), errors.ParameterError, 1100),
    "create user, blank name": (
        "CreateCredential", {"username": "  ", "password": Secret(PASSWORD)}, (5, 1100),
        lambda conn: users.create_user(conn, "  ", PASSWORD, **T), errors.ParameterError, 1100),
    "create user, bad first character": (
        "CreateCredential", {"username": "1bob", "password": Secret(PASSWORD)}, (5, 1100),
        lambda conn: users.create_user(conn, "1bob", PASSWORD, **T), errors.ParameterError, 1100),
    "create user, bad other character": (
        "CreateCredential", {"username": "bo-b", "password": Secret(PASSWORD)}, (5, 1100),
        lambda conn: users.create_user(conn, "bo-b", PASSWORD, **T), errors.ParameterError, 1100),
    "create user, 33 bytes": (
        "CreateCredential", {"username": "b" * 33, "password": Secret(PASSWORD)}, (5, 1100),
        lambda conn: users.create_user(conn, "b" * 33, PASSWORD, **T), errors.ParameterError, 1100),
    "create user, password is no base64": (
        "CreateCredential", {"username": "new", "password": "?"}, (1, 65535), None, None, 0),
    "create user, password of 5 bytes": (
        "CreateCredential", {"username": "new", "password": Secret("short")}, (5, 1100),
        lambda conn: users.create_user(conn, "new", "short", **T), errors.ParameterError, 1100),
    "create user, password of 73 bytes": (
        "CreateCredential", {"username": "new", "password": Secret("x" * 73)}, (1, 65535),
        lambda conn: users.create_user(conn, "new", "x" * 73, **T), errors.ParameterError, 1100),
    "create user, password of 257 bytes": (
        "CreateCredential", {"username": "new", "password": Secret("x" * 257)}, (5, 1100),
        lambda conn: users.create_user(conn, "new", "x" * 257, **T), errors.ParameterError, 1100),
    "create user, exists": (
        "CreateCredential", {"username": "bob", "password": Secret(PASSWORD)}, (29, 65535),
        lambda conn: users.create_user(conn, "bob", PASSWORD, **T), errors.UserExistsError, 1100),
    "update password, old one is no base64": (
        "UpdateCredential", {"username": "bob", "oldPassword": "?", "newPassword": Secret("new-password")}, (1, 65535),
        None, None, 0),
    "update password, new one is no base64": (
        "UpdateCredential", {"username": "bob", "oldPassword": Secret(PASSWORD), "newPassword": "?"}, (1, 65535),
        None, None, 0),
    "update password, new one of 5 bytes": (
        "UpdateCredential", {"username": "bob", "oldPassword": Secret(PASSWORD), "newPassword": Secret("short")},
        (5, 1100),
        lambda conn: users.update_password(conn, "bob", PASSWORD, "short", **T), errors.ParameterError, 1100),
    "update password, wrong old one": (
        "UpdateCredential", {"username": "bob", "oldPassword": Secret("wrong"), "newPassword": Secret("new-password")},
        (1, 1400),
        lambda conn: users.update_password(conn, "bob", "wrong", "new-password", **T), errors.WrongPasswordError, 1400),
    "update password, no old one": (
        "UpdateCredential", {"username": "bob", "newPassword": Secret("new-password")}, (1, 1400),
        lambda conn: users.update_password(conn, "bob", "", "new-password", **T), errors.WrongPasswordError, 1400),
    "update password, no such user": (
        "UpdateCredential", {"username": "ghost", "oldPassword": Secret(PASSWORD), "newPassword": Secret("new-pass")},
        (1, 1400),
        lambda conn: users.update_password(conn, "ghost", PASSWORD, "new-pass", **T), errors.UnknownUserError, 1100),
    "delete user, no such user": (
        "DeleteCredential", {"username": "ghost"}, (0, 0),
        lambda conn: users.drop_user(conn, "ghost", **T), errors.UnknownUserError, 1100),
    "delete user, empty name": (
        "DeleteCredential", {"username": ""}, (31, 65535),
        lambda conn: users.drop_user(conn, "", **T), errors.ParameterError, 1100),
    "delete user, root": (
        "DeleteCredential", {"username": "root"}, (1, 1401),
        lambda conn: users.drop_user(conn, "root", **T), errors.ProtectedUserError, 1401),
    "create role, exists": (
        "CreateRole", {"entity": {"name": "reader"}}, (35, 65535),
        lambda conn: roles.create_role(conn, "reader", **T), errors.RoleExistsError, 1100),
    "create role, empty name": (
        "CreateRole", {"entity": {"name": ""}}, (5, 1100),
        lambda conn: roles.create_role(conn, "", **T), errors.ParameterError, 1100),
    "create role, bad name": (
        "CreateRole", {"entity": {"name": "a-b"}}, (5, 1100),
        lambda conn: roles.create_role(conn, "a-b", **T), errors.ParameterError, 1100),
    "create role, 256 bytes": (
        "CreateRole", {"entity": {"name": "r" * 256}}, (5, 1100),
        lambda conn: roles.create_role(conn, "r" * 256, **T), errors.ParameterError, 1100),
    "drop role, no such role": (
        "DropRole", {"role_name": "ghost"}, (36, 65535),
        lambda conn: roles.drop_role(conn, "ghost", **T), errors.UnknownRoleError, 1100),
    "drop role, holds privileges": (
        "DropRole", {"role_name": "holder"}, (36, 65535),
        lambda conn: roles.drop_role(conn, "holder", **T), errors.InUseError, 1100),
    "drop role, admin": (
        "DropRole", {"role_name": "admin"}, (1, 1401),
        lambda conn: roles.drop_role(conn, "admin", **T), errors.ProtectedRoleError, 1401),
    "drop role, public": (
        "DropRole", {"role_name": "public"}, (1, 1401),
        lambda conn: roles.drop_role(conn, "public", force=True, **T), errors.ProtectedRoleError, 1401),
    "give role, no such user": (
        "OperateUserRole", {"username": "ghost", "role_name": "reader"}, (37, 65535),
        lambda conn: roles.grant_role(conn, "ghost", "reader", **T), errors.UnknownUserError, 1100),
    "give role, no such role": (
        "OperateUserRole", {"username": "bob", "role_name": "ghost"}, (37, 65535),
        lambda conn: roles.grant_role(conn, "bob", "ghost", **T), errors.UnknownRoleError, 1100),
    "give role, twice": (
        "OperateUserRole", {"username": "bob", "role_name": "held"}, (0, 0),
        lambda conn: roles.grant_role(conn, "bob", "held", **T), None, 0),
    "take role that is not held": (
        "OperateUserRole", {"username": "bob", "role_name": "reader", "type": 1}, (0, 0),
        lambda conn: roles.revoke_role(conn, "bob", "reader", **T), errors.NotGrantedError, 1100),
    "take role, no such user": (
        "OperateUserRole", {"username": "ghost", "role_name": "reader", "type": 1}, (0, 0),
        lambda conn: roles.revoke_role(conn, "ghost", "reader", **T), errors.UnknownUserError, 1100),
    "give role, unknown kind of change": (
        "OperateUserRole", {"username": "bob", "role_name": "reader", "type": 9}, (37, 65535), None, None, 0),
    "show role, no such role": (
        "SelectRole", {"role": {"name": "ghost"}}, (0, 0),
        lambda conn: roles.list_role(conn, "ghost", **T), errors.UnknownRoleError, 1100),
    "show role, empty name": (
        "SelectRole", {"role": {"name": ""}}, (5, 1100),
        lambda conn: roles.list_role(conn, "", **T), errors.ParameterError, 1100),
    "show user, no such user": (
        "SelectUser", {"user": {"name": "ghost"}}, (0, 0),
        lambda conn: users.list_user(conn, "ghost", **T), errors.UnknownUserError, 1100),
    "show user, empty name": (
        "SelectUser", {"user": {"name": ""}}, (5, 1100),
        lambda conn: users.list_user(conn, "", **T), errors.ParameterError, 1100),
    "grant, unknown privilege": (
        "OperatePrivilege", grant_fields(privilege="Serch"), (41, 65535),
        lambda conn: grant(conn, privilege="Serch"), errors.UnknownPrivilegeError, 1100),
    "grant, privilege of another type": (
        "OperatePrivilege", grant_fields(kind="Global", name="*"), (41, 65535),
        lambda conn: grant(conn, kind="Global", name="*"), errors.UnknownPrivilegeError, 1100),
    "grant, wrong case": (
        "OperatePrivilege", grant_fields(privilege="search"), (41, 65535),
        lambda conn: grant(conn, privilege="search"), errors.UnknownPrivilegeError, 1100),
    "grant, with the prefix Privilege": (
        "OperatePrivilege", grant_fields(privilege="PrivilegeSearch"), (41, 65535),
        lambda conn: grant(conn, privilege="PrivilegeSearch"), errors.UnknownPrivilegeError, 1100),
    "grant, unknown object type": (
        "OperatePrivilege", grant_fields(kind="Thing"), (41, 65535),
        lambda conn: grant(conn, kind="Thing"), errors.ParameterError, 1100),
    "grant, no such role": (
        "OperatePrivilege", grant_fields(role="ghost"), (41, 65535),
        lambda conn: grant(conn, role="ghost"), errors.UnknownRoleError, 1100),
    "grant, empty role": (
        "OperatePrivilege", grant_fields(role=""), (5, 1100),
        lambda conn: grant(conn, role=""), errors.ParameterError, 1100),
    "grant, empty privilege": (
        "OperatePrivilege", grant_fields(privilege=""), (5, 1100),
        lambda conn: grant(conn, privilege=""), errors.ParameterError, 1100),
    "grant, nothing said": (
        "OperatePrivilege", {}, (1, 65535), None, None, 0),
    "grant, twice": (
        "OperatePrivilege", grant_fields(role="holder"), (0, 0), lambda conn: grant(conn, role="holder"), None, 0),
    "revoke what is not held": (
        "OperatePrivilege", grant_fields(number=1), (0, 0),
        lambda conn: privileges.revoke_privilege(conn, "reader", "Search", collection="docs", **T),
        errors.NotGrantedError, 1100),
    "grant on a collection that is not there": (
        "OperatePrivilege", grant_fields(role="holder", name="nowhere"), (0, 0),
        lambda conn: grant(conn, role="holder", name="nowhere"), None, 0),
    "list grants, no such role": (
        "SelectGrant", {"entity": {"role": {"name": "ghost"}}}, (42, 65535),
        lambda conn: privileges.list_grants(conn, "ghost", **T), errors.UnknownRoleError, 1100),
    "list grants, empty role": (
        "SelectGrant", {"entity": {"role": {"name": ""}}}, (5, 1100),
        lambda conn: privileges.list_grants(conn, "", **T), errors.ParameterError, 1100),
    "alter role": (
        "AlterRole", {"role_name": "reader"}, None,
        lambda conn: roles.describe_role(conn, "reader", "x", **T), TOO_OLD, 10),
    "create privilege group": (
        "CreatePrivilegeGroup", {"group_name": "g"}, None,
        lambda conn: privilege_groups.create_privilege_group(conn, "g", **T), TOO_OLD, 10),
    "list privilege groups": (
        "ListPrivilegeGroups", {}, None, lambda conn: privilege_groups.list_privilege_groups(conn, **T), TOO_OLD, 10),
}  # fmt: skip


@pytest.fixture(scope="module")
def conn():
    """root on a server of its own with bob, who holds `held`, and the roles `reader` and `holder`."""
    with embedded.start() as server:
        conn = Connection(Address.parse(server.uri, user="root", password=server.password))
        conn.version = "v2.3.5"
        users.create_user(conn, "bob", PASSWORD, **T)
        for role in ("reader", "held", "holder"):
            roles.create_role(conn, role, **T)
        roles.grant_role(conn, "bob", "held", **T)
        grant(conn, role="holder")
        yield conn
        empty(conn)
        conn.close()


@pytest.fixture(scope="module")
def table():
    """What the rows told; printed when all are through."""
    return []


def answer(conn, method, fields):
    """The server's (error_code, code) and its words; None as the pair for a gRPC error."""
    try:
        said = status_of(conn.call(method, deadline=Deadline(10), **fields))
    except errors.MilvusException as exc:
        return None, exc.details
    return (said.legacy, said.code), said.reason


@pytest.mark.parametrize("situation", ROWS)
def test_refusal_is_one_clear_line(conn, table, situation):
    """The server answers as milvus-server.md says, and the user sees our class, code and words."""
    method, fields, pair, act, cls, code = ROWS[situation]
    said, words = answer(conn, method, fields)
    assert said == pair, words
    told = ""
    if cls is not None:
        with pytest.raises(errors.MilvusException) as raised:
            act(conn)
        error = raised.value
        told = str(error)
        assert (type(error), error.code) == (cls, code), told
        assert len(error._render_traceback_()) == 1
        assert "\n" not in told
        assert 20 < len(told) < 400
        assert "%!" not in told, "the server's broken format verbs are its own"
    elif act:
        told = str(act(conn))
    table.append((situation, "-" if pair is None else "/".join(map(str, pair)), cls.__name__ if cls else "", told))


def test_nothing_was_changed_by_all_that(conn):
    """After every refusal the server holds what it held."""
    assert users.list_usernames(conn, **T) == ["bob", "root"]
    assert [role.name for role in roles.list_roles(conn, **T)] == ["admin", "held", "holder", "public", "reader"]
    assert users.list_user(conn, "bob", **T).roles == ("held",)
    assert len(privileges.list_grants(conn, "reader", **T)) == 0
    assert users.preview_delete_user(conn, "bob", PASSWORD, **T).password == "the password is right"


def test_table_is_printed(table, capsys):
    """For whoever wants to read it as a whole: `pytest -k error_tables`."""
    assert len(table) == len(ROWS)
    with capsys.disabled():
        print("\n\n| situation on Milvus 2.3.5 | error_code/code | class | told |\n|---|---|---|---|")
        for row in table:
            print(f"| {' | '.join(text.replace('|', chr(92) + '|') for text in row)} |")
