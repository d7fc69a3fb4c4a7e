"""What a user name or a password may be when it is made. Names that exist are taken as they are."""

from __future__ import annotations

import re

from milvus_magics.errors import NOTHING_SENT, ParameterError
from milvus_magics.secret import Secret

ADMIN, PUBLIC, ROOT = "admin", "public", "root"
EVERYBODY = "(everybody)"  # who holds `public`, in tables of users
MAX_USER_BYTES = 32
MAX_ROLE_BYTES = 255
MAX_DATABASE_BYTES = 255
MAX_GROUP_BYTES = 255
MAX_OBJECT_BYTES = 255
USUAL_ROLE_LIMIT = 10  # Milvus's own, with the built-in ones; a server doesn't tell which it has
USUAL_USER_LIMIT = 100  # likewise, with root
MIN_PASSWORD_BYTES = 6
# Milvus's configuration says 256, but bcrypt takes no more than this on every version.
MAX_PASSWORD_BYTES = 72
MAX_DESCRIPTION_BYTES = 1024


def problem_with_user_name(name: str) -> str | None:
    """Why no user can be created with this name, or None.

    `.` and `-` pass, because servers from 2.6 take them; older ones say no themselves.
    """
    if (problem := problem_with_existing_name(name)) is not None:
        return problem
    if len(name.encode()) > MAX_USER_BYTES:
        return f"the user name is too long: {len(name.encode())} bytes, and the limit is {MAX_USER_BYTES}"
    if not re.match(r"[A-Za-z]", name):
        return f"the user name {name!r} must begin with a letter from A to Z or a to z"
    if not re.fullmatch(r"[A-Za-z0-9_.-]+", name):
        return f"the user name {name!r} may hold only letters, digits and _ (on newer servers also . and -)"
    return None


def problem_with_existing_name(name: str, kind: str = "user") -> str | None:
    """Why this cannot be the name of a user (or of another `kind` of thing) at all, or None."""
    if not isinstance(name, str):
        return f"the {kind} name must be text, not {type(name).__name__}"
    if not name:
        return f"the {kind} name is empty"
    try:
        name.encode()
    except UnicodeEncodeError:
        return f"the {kind} name {name!r} cannot be written as UTF-8"
    return None


def problem_with_password(password: Secret) -> str | None:
    """Why this cannot be a new password, or None; never quotes it."""
    try:
        size, has_nul = len(password.encode()), b"\0" in password.encode()
    except ParameterError as exc:
        return str(exc)
    if size < MIN_PASSWORD_BYTES:
        return f"the password is too short: {size} bytes, and at least {MIN_PASSWORD_BYTES} are needed"
    if size > MAX_PASSWORD_BYTES:
        return f"the password is too long: {size} bytes, and Milvus stores no more than {MAX_PASSWORD_BYTES}"
    if has_nul:
        return "the password holds a NUL character: Milvus would take others for it, so that nobody could verify it"
    return None


def problem_with_description(text: str) -> str | None:
    """Why no user can have this description, or None."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        return "the description holds half a character, which cannot be written as UTF-8"
    too_long = f"the description is too long: {size} bytes, and the limit is {MAX_DESCRIPTION_BYTES}"
    return too_long if size > MAX_DESCRIPTION_BYTES else None


def remark_on_password(password: Secret) -> str | None:
    """What may be an accident about a password, or None; it is no problem, and the password is never quoted."""
    around = _describe_ends(password)
    be = "are" if around.endswith("quotes") else "is"
    return f"the password {around}, which {be} part of it" if around else None


def hint_at_ends(password: Secret) -> str:
    """What may be why a password is wrong, for the end of that error; empty if nothing is."""
    around = _describe_ends(password)
    return f"; the password given {around}" if around else ""


def _describe_ends(password: Secret) -> str:
    """What a file, a cell or a shell may have put around a password; empty if nothing."""
    first, last = password.reveal()[:1], password.reveal()[-1:]
    for kind, is_meant in (("a line end", "\r\n".__contains__), ("a blank", str.isspace)):
        verbs = [verb for verb, end in (("begins", first), ("ends", last)) if end and is_meant(end)]
        if verbs:
            return f"{' and '.join(verbs)} with {kind}"
    is_quoted = len(password.reveal()) > 1 and first == last and first in ("'", '"')
    return "stands in quotes" if is_quoted else ""


def require_valid(problem: str | None) -> None:
    """Raise a problem, if it is one.

    Raises:
        ParameterError: with the problem as its message.
    """
    if problem is not None:
        raise ParameterError(problem, outcome=NOTHING_SENT)


def problem_with_role_name(name: str) -> str | None:
    """Why no role can be created with this name, or None.

    Which characters may follow the first is the server's to say: newer ones have a setting for that.
    """
    if (problem := problem_with_existing_name(name, "role")) is not None:
        return problem
    if len(name.encode()) > MAX_ROLE_BYTES:
        return f"the role name is too long: {len(name.encode())} bytes, and the limit is {MAX_ROLE_BYTES}"
    if name != name.strip():
        return f"the role name {name!r} begins or ends with a blank"
    if not re.match(r"[A-Za-z_]", name):
        return f"the role name {name!r} must begin with a letter from A to Z or a to z, or with _"
    return None


def problem_with_object_name(name: str, kind: str) -> str | None:
    """Why servers take no grant on a collection or user (`kind`) of this name, or None.

    They look past outer blanks. Which other characters there may be, newer ones have a setting for.
    """
    if (problem := problem_with_existing_name(name, kind)) is not None:
        return problem
    inner = name.strip()
    if re.search(r"[\s*?]", inner):
        return f"the {kind} name {name!r} may hold no blanks, * or ?; '*' alone stands for all"
    if len(inner.encode()) > MAX_OBJECT_BYTES:
        return f"the {kind} name is too long: {len(inner.encode())} bytes, and the limit is {MAX_OBJECT_BYTES}"
    return None if re.match(r"[A-Za-z_]", inner) else f"the {kind} name {name!r} must begin with a letter or with _"


def has_unusual_character(name: str) -> bool:
    """Whether a name holds what servers take in names only if they are set up for it."""
    return re.fullmatch(r"[A-Za-z0-9_$]*", name.strip()) is None


def problem_with_database_name(name: str) -> str | None:
    """Why there cannot be a database of this name, or None."""
    if (problem := problem_with_existing_name(name, "database")) is not None:
        return problem
    return _problem_with_form(name, "database", MAX_DATABASE_BYTES)


def problem_with_group_name(name: str) -> str | None:
    """Why no privilege group can be created with this name, or None. Unlike roles, they have no `$`."""
    return problem_with_existing_name(name, "group") or _problem_with_form(name, "group", MAX_GROUP_BYTES)


def _problem_with_form(name: str, kind: str, most: int) -> str | None:
    if len(name.encode()) > most:
        return f"the {kind} name is too long: {len(name.encode())} bytes, and the limit is {most}"
    if not re.match(r"[A-Za-z_]", name):
        return f"the {kind} name {name!r} must begin with a letter from A to Z or a to z, or with _"
    if not re.fullmatch(r"[A-Za-z0-9_]+", name):
        return f"the {kind} name {name!r} may hold only letters, digits and _"
    return None
