"""Every public name, as a type checker sees it. This file is only checked, never run."""

from collections.abc import Callable
from pathlib import Path

from IPython.core.interactiveshell import InteractiveShell
from typing_extensions import assert_type

import milvus_magics
from milvus_magics import (
    AccessPicture,
    ConnectForm,
    Console,
    CreateRoleForm,
    CreateUserForm,
    CreateUsersForm,
    DeleteUserForm,
    DeleteUsersForm,
    DescribeRoleForm,
    DescribeUserForm,
    DropRoleForm,
    DropUserForm,
    GrantPrivilegeForm,
    GrantRoleForm,
    MilvusException,
    PrivilegeGroupForm,
    ResetPasswordForm,
    RevokePrivilegeForm,
    RevokeRoleForm,
    Role,
    Secret,
    UpdatePasswordForm,
    connections,
    embedded,
    utility,
)
from milvus_magics.access.matrix import Matrix


def call_utility(secret: Secret) -> None:
    """The documented functions."""
    utility.delete_user("bob", "password", using="default", timeout=1.5)
    utility.delete_user(user="bob", password=secret)
    utility.create_user("bob", secret, timeout=None)
    utility.update_password("bob", "old", secret)
    utility.reset_password("bob", secret, "new")
    assert_type(utility.list_usernames(), list[str])
    info = utility.list_user("bob", include_role_info=True)
    assert_type([(item.username, item.roles) for item in info.groups], list[tuple[str, tuple[str, ...]]])
    assert_type(utility.list_users(True).groups[0].username, str)
    roles = utility.list_roles(include_user_info=False)
    assert_type([(item.role_name, item.users) for item in roles.groups], list[tuple[str, tuple[str, ...]]])


def call_role() -> None:
    """`Role`, as documented."""
    role = Role("reader", using="default")
    assert_type(role.name, str)
    role.create()
    assert_type(role.is_exist(), bool)
    role.add_user("bob")
    assert_type(role.get_users(), tuple[str, ...])
    role.grant("Collection", "docs", "Search", db_name="lab")
    role.grant_v2("Search", "docs", db_name="lab")
    assert_type([grant.privilege for grant in role.list_grants().groups], list[str])
    assert_type([grant.object_name for grant in role.list_grant("Collection", "docs").groups], list[str])
    role.revoke("Collection", "docs", "Search")
    role.revoke_v2("Search", "docs")
    role.create_privilege_group("readers")
    role.add_privileges_to_group("readers", ["Search"])
    assert_type(
        [(group.privilege_group, group.privileges) for group in role.list_privilege_groups().groups],
        list[tuple[str, tuple[str, ...]]],
    )
    role.remove_privileges_from_group("readers", ("Search",))
    role.drop_privilege_group("readers")
    role.remove_user("bob")
    role.drop()


def connect(secret: Secret) -> None:
    """`connections`."""
    connections.connect()
    connections.connect("other", "root", secret, uri="http://localhost:19530", db_name="lab", timeout=3)
    connections.add_connection(third={"uri": "http://localhost:19530"})
    assert_type(connections.has_connection("other"), bool)
    assert_type(connections.get_connection_addr("other"), dict[str, str])
    assert_type([alias for alias, _ in connections.list_connections()], list[str])
    connections.disconnect("other")
    connections.remove_connection("third")


def handle_secrets() -> None:
    """`Secret`: bare only by `reveal()`."""
    assert_type(Secret("text").reveal(), str)
    assert_type(Secret.generate(), Secret)
    assert_type(Secret.from_environment("PASSWORD"), Secret | None)
    assert_type(Secret.prompt("Password: "), Secret)
    assert_type(Secret.from_keyring("milvus", "bob"), Secret)


def handle_errors() -> str:
    """One class to catch; its code and text."""
    try:
        utility.list_usernames()
    except MilvusException as exc:
        assert_type(exc.code, int)
        assert_type(exc.message, str)
        return str(exc)
    return ""


def start_a_server(directory: Path) -> None:
    """`embedded`."""
    with embedded.start(directory, tcp_port=0) as server:
        assert_type(server, embedded.EmbeddedMilvus)
        assert_type(server.uri, str)
        assert_type(server.password, Secret)
        assert_type(server.alive(), bool)
    server.stop()


def show_forms() -> None:
    """Every form; those on a server by the alias of a connection."""
    ConnectForm("other", uri="http://localhost:19530", user="root", timeout=3)
    Console("other", timeout=3.0)
    on_a_server: list[Callable[[str], object]] = [
        CreateRoleForm, CreateUserForm, CreateUsersForm, DeleteUserForm, DeleteUsersForm, DescribeRoleForm,
        DescribeUserForm, DropRoleForm, DropUserForm, GrantPrivilegeForm, GrantRoleForm, PrivilegeGroupForm,
        ResetPasswordForm, RevokePrivilegeForm, RevokeRoleForm,
        UpdatePasswordForm,
    ]  # fmt: skip
    assert_type([form("other") for form in on_a_server], list[object])


def show_picture(matrix: Matrix) -> None:
    """The picture of who may do what, live."""
    picture = AccessPicture(matrix)
    picture.show(matrix.filter("bob"))
    assert_type(picture.matrix, Matrix)


def load(shell: InteractiveShell) -> None:
    """What IPython calls, and the version."""
    milvus_magics.load_ipython_extension(shell)
    milvus_magics.unload_ipython_extension(shell)
    assert_type(milvus_magics.__version__, str)
