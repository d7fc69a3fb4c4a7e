"""Administer who may use a Milvus vector database, from the notebook.

    %load_ext milvus_magics          # then: %milvus

In a script or a cell:

    from milvus_magics import connections, utility
    connections.connect()
    utility.delete_user(user="admin", password="123456")

Everything here is imported when it is first used, so loading the extension feels instant.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from milvus_magics import embedded as embedded
    from milvus_magics import utility as utility
    from milvus_magics.errors import MilvusException as MilvusException
    from milvus_magics.forms.connect import ConnectForm as ConnectForm
    from milvus_magics.forms.console import Console as Console
    from milvus_magics.forms.many import CreateUsersForm as CreateUsersForm
    from milvus_magics.forms.many import DeleteUsersForm as DeleteUsersForm
    from milvus_magics.forms.picture_widget import AccessPicture as AccessPicture
    from milvus_magics.forms.privilege_groups import PrivilegeGroupForm as PrivilegeGroupForm
    from milvus_magics.forms.privileges import GrantPrivilegeForm as GrantPrivilegeForm
    from milvus_magics.forms.privileges import RevokePrivilegeForm as RevokePrivilegeForm
    from milvus_magics.forms.roles import CreateRoleForm as CreateRoleForm
    from milvus_magics.forms.roles import DescribeRoleForm as DescribeRoleForm
    from milvus_magics.forms.roles import DropRoleForm as DropRoleForm
    from milvus_magics.forms.roles import GrantRoleForm as GrantRoleForm
    from milvus_magics.forms.roles import RevokeRoleForm as RevokeRoleForm
    from milvus_magics.forms.users import CreateUserForm as CreateUserForm
    from milvus_magics.forms.users import DeleteUserForm as DeleteUserForm
    from milvus_magics.forms.users import DescribeUserForm as DescribeUserForm
    from milvus_magics.forms.users import DropUserForm as DropUserForm
    from milvus_magics.forms.users import ResetPasswordForm as ResetPasswordForm
    from milvus_magics.forms.users import UpdatePasswordForm as UpdatePasswordForm
    from milvus_magics.role import Role as Role
    from milvus_magics.secret import Secret as Secret
    from milvus_magics.session import connections as connections

__version__ = "0.1.0.dev0"

# Name -> the module that has it; None where it is the module.
_HOMES: dict[str, str | None] = {
    "AccessPicture": "forms.picture_widget",
    "ConnectForm": "forms.connect",
    "Console": "forms.console",
    "CreateRoleForm": "forms.roles",
    "CreateUserForm": "forms.users",
    "CreateUsersForm": "forms.many",
    "DeleteUserForm": "forms.users",
    "DeleteUsersForm": "forms.many",
    "DescribeRoleForm": "forms.roles",
    "DescribeUserForm": "forms.users",
    "DropRoleForm": "forms.roles",
    "DropUserForm": "forms.users",
    "GrantPrivilegeForm": "forms.privileges",
    "GrantRoleForm": "forms.roles",
    "PrivilegeGroupForm": "forms.privilege_groups",
    "ResetPasswordForm": "forms.users",
    "RevokePrivilegeForm": "forms.privileges",
    "RevokeRoleForm": "forms.roles",
    "UpdatePasswordForm": "forms.users",
    "MilvusException": "errors",
    "Role": "role",
    "Secret": "secret",
    "connections": "session",
    "embedded": None,
    "utility": None,
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = _HOMES[name]
    module = import_module(f"{__name__}.{home or name}")
    return getattr(module, name) if home else module


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})


def load_ipython_extension(shell: InteractiveShell) -> None:
    """`%load_ext milvus_magics`: register the magics."""
    from milvus_magics import magics

    magics.load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """`%unload_ext milvus_magics`: take everything back and close the connections."""
    from milvus_magics import magics

    magics.unload(shell)
