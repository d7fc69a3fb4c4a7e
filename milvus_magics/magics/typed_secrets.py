"""Passwords and tokens that somebody types on a line all the same: refused unseen, with how to get rid of the line."""

from __future__ import annotations

from milvus_magics.errors import ParameterError

SOURCES = "--password-env VAR, --password-var NAME, --keyring SERVICE, or none of them to be asked"
NEW_SOURCES = "--new-password-env VAR, --new-password-var NAME, --new-keyring SERVICE, or none of them to be asked"
SECRET_OPTIONS = ("--password", "--passwd", "--pass", "--pwd", "--new-password", "--old-password")

# Two places keep a line after its cell is gone, and this empties the one that a restart doesn't. VACUUM, because SQLite
# leaves what it deletes in its file.
CLEAR_HISTORY = (
    "get_ipython().history_manager.db.executescript(\"DELETE FROM history WHERE source LIKE '%milvus%'; VACUUM\")"
)


def refuse_option(option: str, following: str) -> None:
    """Stop at an option that would be followed by a secret, before anything of that is looked at.

    Args:
        option: what the word begins with, so far.
        following: the next character; empty at the end of the line.

    Raises:
        ParameterError: it is one.
    """
    if following.isalnum() or (following in ("-", "_") and following):
        return
    if option in SECRET_OPTIONS or option.startswith("-p"):
        raise ParameterError(
            f"a password is never typed on the line; use {NEW_SOURCES if option == '--new-password' else SOURCES}. "
            f"{cleanup_advice()}; nothing was sent"
        )
    if following == "=":
        refuse_value(option)


def refuse_value(option: str) -> None:
    """Stop at a value of `--token`, which takes none.

    Raises:
        ParameterError: the option is that one.
    """
    if option == "--token":
        raise ParameterError(
            "--token takes no value, it asks for it; --token-env VAR and --token-var NAME say where it is. "
            f"{cleanup_advice('token')}; nothing was sent"
        )


def cleanup_advice(what: str = "password") -> str:
    """What to do where a secret stands on the line."""
    return (
        f"If there is a {what} on this line: the cell, the kernel and IPython's history keep it, so delete the cell, "
        f"run `{CLEAR_HISTORY}`, restart the kernel, and change that {what}"
    )
