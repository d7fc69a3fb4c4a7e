"""The functions that Milvus's documentation has under `utility`, with its signatures, on this session's connections."""

from __future__ import annotations

from milvus_magics.client import users
from milvus_magics.secret import Secret
from milvus_magics.session.connections import DEFAULT, connections


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
    password = Secret(password)
    users.delete_user(connections.get(using), user, password, timeout=timeout)


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
    password = Secret(password)
    users.create_user(connections.get(using), user, password, timeout=timeout)


def list_usernames(using: str = DEFAULT, timeout: float | None = None) -> list[str]:
    """The names of all users, sorted.

    Args:
        using: alias of the connection.
        timeout: seconds; None = until an answer arrives or an error occurs.

    Raises:
        MilvusException: when any error occurs.

    Behaviour: `utility.list_usernames` in Milvus's documentation.
    """
    return users.list_usernames(connections.get(using), timeout=timeout)
