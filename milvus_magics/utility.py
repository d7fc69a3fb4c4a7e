"""The functions that Milvus's documentation has under `utility`, with its signatures, on this session's connections."""

from __future__ import annotations

from dataclasses import dataclass

from milvus_magics import client
from milvus_magics.client.results.table import GroupsTable
from milvus_magics.errors import UnknownUserError
from milvus_magics.secret import Secret, mask_misplaced, mask_secret
from milvus_magics.session import DEFAULT, connections


@dataclass(frozen=True)
class UserItem:
    """A user, as the documentation names the fields."""

    username: str
    roles: tuple[str, ...] = ()
    description: str = ""


class UserInfo(GroupsTable[UserItem]):
    """Users, with `username`, `roles` and `description`; iterate over it, or over its `groups`."""

    columns = ("username", "roles", "description")


@dataclass(frozen=True)
class RoleItem:
    """A role, as the documentation names the fields."""

    role_name: str
    users: tuple[str, ...] = ()
    description: str = ""


class RoleInfo(GroupsTable[RoleItem]):
    """Roles, with `role_name`, `users` and `description`; iterate over it, or over its `groups`."""

    columns = ("role_name", "users", "description")


def delete_user(user: str, password: str | Secret, using: str = DEFAULT, timeout: float | None = None) -> None:
    """Delete a user whose password is given; the password is checked first.

    Args:
        user: who is deleted.
        password: that user's password.
        using: alias of the connection.
        timeout: seconds for the whole operation; None = until an answer arrives or an error occurs.

    Raises:
        MilvusException: when the password is wrong or cannot be checked, the user is unknown or protected, or
            any other error occurs; `milvus_magics.errors` has the classes.

    Behaviour: `utility.delete_user` in Milvus's documentation.
    """
    password, using = mask_secret(password), mask_misplaced("using", using)
    client.users.delete_user(connections.get(using), user, password, timeout=timeout)


def create_user(user: str, password: str | Secret, using: str = DEFAULT, timeout: float | None = None) -> None:
    """Create a user.

    Args:
        user: 1 to 32 bytes: a letter, then letters, digits, `_` (from Milvus 2.6 also `.` and `-`).
        password: 6 to 72 bytes.
        using: alias of the connection.
        timeout: seconds for the whole operation; None = until an answer arrives or an error occurs.

    Raises:
        MilvusException: when the user exists already, or any other error occurs.

    Behaviour: `utility.create_user` in Milvus's documentation.
    """
    password, using = mask_secret(password), mask_misplaced("using", using)
    client.users.create_user(connections.get(using), user, password, timeout=timeout)


def update_password(
    user: str,
    old_password: str | Secret,
    new_password: str | Secret,
    using: str = DEFAULT,
    timeout: float | None = None,
) -> None:
    """Change a user's password; the old one is checked first.

    The connection goes on with the new one if it acts as that user, and stays what it is if not.

    Args:
        user: whose password is changed.
        old_password: the password that they have; empty only for superusers.
        new_password: 6 to 72 bytes, and another one.
        using: alias of the connection.
        timeout: seconds for the whole operation; None = until an answer arrives or an error occurs.

    Raises:
        MilvusException: when the old password is wrong, the user is unknown, or any other error occurs.

    Behaviour: `utility.update_password` in Milvus's documentation.
    """
    old_password, new_password = mask_secret(old_password), mask_secret(new_password)
    using = mask_misplaced("using", using)
    client.users.update_password(connections.get(using), user, old_password, new_password, timeout=timeout)


def reset_password(
    user: str,
    old_password: str | Secret,
    new_password: str | Secret,
    using: str = DEFAULT,
    timeout: float | None = None,
) -> None:
    """`update_password`, and then prove that the new password works and the old one is refused.

    Arguments and errors as in `update_password`; MilvusException also where the old password still works afterwards.

    Behaviour: `utility.reset_password` in Milvus's documentation.
    """
    old_password, new_password = mask_secret(old_password), mask_secret(new_password)
    using = mask_misplaced("using", using)
    client.users.reset_password(connections.get(using), user, old_password, new_password, timeout=timeout)


def list_usernames(using: str = DEFAULT, timeout: float | None = None) -> list[str]:
    """The names of all users, sorted.

    Args:
        using: alias of the connection.
        timeout: seconds; None = until an answer arrives or an error occurs.

    Behaviour: `utility.list_usernames` in Milvus's documentation; MilvusException when any error occurs.
    """
    using = mask_misplaced("using", using)
    return client.users.list_usernames(connections.get(using), timeout=timeout)


def list_user(username: str, include_role_info: bool, using: str = DEFAULT, timeout: float | None = None) -> UserInfo:
    """One user. As documented, an unknown one is no error here: then there are no rows.

    Args:
        username: who.
        include_role_info: whether their roles are wanted.
        using: alias of the connection.
        timeout: seconds; None = until an answer arrives or an error occurs.

    Behaviour: `utility.list_user` in Milvus's documentation; MilvusException when any error occurs.
    """
    using = mask_misplaced("using", using)
    conn = connections.get(using)
    try:
        found = [client.users.list_user(conn, username, timeout=timeout)]
    except UnknownUserError:
        found = []
    rows = [UserItem(user.name, user.roles if include_role_info else (), user.description) for user in found]
    return UserInfo(rows, f"user {username!r} on {conn.address.url}")


def list_users(include_role_info: bool, using: str = DEFAULT, timeout: float | None = None) -> UserInfo:
    """All users, by one call.

    Args:
        include_role_info: whether their roles are wanted.
        using: alias of the connection.
        timeout: seconds; None = until an answer arrives or an error occurs.

    Behaviour: `utility.list_users` in Milvus's documentation; MilvusException when any error occurs.
    """
    using = mask_misplaced("using", using)
    found = client.users.list_users(connections.get(using), timeout=timeout)
    rows = [UserItem(user.name, user.roles if include_role_info else (), user.description) for user in found]
    return UserInfo(rows, found.caption)


def list_roles(include_user_info: bool, using: str = DEFAULT, timeout: float | None = None) -> RoleInfo:
    """All roles, by one call.

    Args:
        include_user_info: whether their holders are wanted.
        using: alias of the connection.
        timeout: seconds; None = until an answer arrives or an error occurs.

    Behaviour: `utility.list_roles` in Milvus's documentation; MilvusException when any error occurs.
    """
    using = mask_misplaced("using", using)
    found = client.roles.list_roles(connections.get(using), users=include_user_info, timeout=timeout)
    return RoleInfo([RoleItem(role.name, role.users or (), role.description) for role in found], found.caption)
