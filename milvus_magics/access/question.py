"""Who may do what: one look at a server, over all databases, with groups, wildcards, `admin` and `public` applied.

How a server decides was measured on Milvus 2.3.5; what later ones do differently follows their source.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from milvus_magics.access import findings
from milvus_magics.access.answer import Access
from milvus_magics.access.findings import find_problems
from milvus_magics.access.read import read_snapshot
from milvus_magics.access.rights import Right, matches
from milvus_magics.access.snapshot import AccessSnapshot
from milvus_magics.client.lookup import unknown_role_error, unknown_user_error
from milvus_magics.client.names import problem_with_existing_name, require_valid
from milvus_magics.client.privilege_catalog import ALL, KNOWN
from milvus_magics.client.results.roles import holders_text
from milvus_magics.errors import NOTHING_SENT, ParameterError, PermissionDeniedError, UnknownPrivilegeError
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline
from milvus_magics.wording import did_you_mean


class Question(NamedTuple):
    """What is asked; None = not restricted."""

    user: str | None = None
    role: str | None = None
    privilege: str | None = None
    collection: str | None = None
    db: str | None = None

    @property
    def on(self) -> str:
        """On what, in words."""
        text = f" on collection {self.collection!r}" if self.collection is not None else ""
        return text + (f" in database {self.db!r}" if self.db is not None else "")


def read_access(
    conn: Connection,
    *,
    user: str | None = None,
    role: str | None = None,
    privilege: str | None = None,
    collection: str | None = None,
    db: str | None = None,
    timeout: float | None = None,
) -> Access:
    """Who may do what. Without a question: everybody's rights, and what is strange about them.

    Args:
        conn: a connection whose user may look (SelectUser and SelectOwnership); others see their own rights.
        user: only what this user may do.
        role: what this role brings, whoever holds it.
        privilege: only what is enough for this privilege, or group of privileges.
        collection: only what reaches this collection, by its name or an alias; without `db` in the connection's
            database.
        db: only what is about this database.
        timeout: seconds for the whole operation; None = until an answer arrives or an error occurs.

    Returns:
        The rights, which iterate; `.allows(user, privilege, collection, db)`, `.matrix()`, `.concerns`.

    Raises:
        ParameterError: `user` and `role` don't go together; or there is no such database or collection, and no grant
            on it.
        UnknownUserError, UnknownRoleError, UnknownPrivilegeError: there is no such thing.
    """
    asked = Question(user, role, privilege, collection, db)
    _require_possible(asked)
    return answer(conn, read_snapshot(conn, Deadline(timeout)), asked)


def answer(conn: Connection, reading: AccessSnapshot, asked: Question) -> Access:
    """What a reading says to a question; as `read_access`, without asking the server."""
    _require_possible(asked)
    is_overview = not any(asked)
    if asked.collection is not None and asked.db is None:
        asked = asked._replace(db=conn.address.db_name or "default")
    _require_known(conn, reading, asked)
    rights = list(_rights(reading, asked))
    if any(asked[2:]):
        rights = list(filter(reading.answering(*asked[2:]), rights))
    return Access(rights, _caption_text(reading, asked), reading, find_problems(reading), is_overview=is_overview)


def _require_possible(asked: Question) -> None:
    if asked.user is not None and asked.role is not None:
        raise ParameterError("ask about a user or about a role, not both", outcome=NOTHING_SENT)
    for what, name in asked._asdict().items():
        require_valid(problem_with_existing_name(name, what) if name is not None else None)


def _require_known(conn: Connection, reading: AccessSnapshot, asked: Question) -> None:
    """Raise where the question is about something that there isn't: the answer would mislead."""
    user, role, privilege, collection, db = asked
    if user is not None and user not in reading.users:
        if reading.partial and user != conn.user:
            raise PermissionDeniedError(f"user {user!r} cannot be looked at, {reading.partial}")
        raise unknown_user_error(conn, user, list(reading.users), outcome=None)
    if role is not None and role not in reading.roles:
        raise unknown_role_error(conn, role, list(reading.roles), outcome=None)
    if privilege is not None:
        _require_privilege(reading, privilege)
    if db is not None and reading.collections and db not in reading.collections:
        held = any(grant.db == db for grant in reading.grants)
        _require_held(reading, f"database {db!r}", db, list(reading.collections), held)
    elif db is not None and collection is not None and not reading.has(collection, db):
        held = any(grant.object_name == collection and matches(db, grant.db) for grant in reading.grants)
        what = f"collection {collection!r} in database {db!r}"
        _require_held(reading, what, collection, [*reading.collections[db], *reading.aliases.get(db, ())], held)


def _require_privilege(reading: AccessSnapshot, privilege: str) -> None:
    there_are = {*KNOWN, *reading.groups, *(grant.privilege for grant in reading.grants)}
    there_are |= {name for names in reading.groups.values() for name in names}
    if privilege not in (ALL, *there_are):
        hint = did_you_mean(privilege, there_are)
        raise UnknownPrivilegeError(f"there is no privilege {privilege!r}, and no role holds one of that name{hint}")


def _require_held(reading: AccessSnapshot, what: str, name: str, there_are: list[str], held: bool) -> None:
    """Something that isn't there may be asked about as long as somebody holds a grant on it."""
    if not held:
        hint = did_you_mean(name, there_are)
        raise ParameterError(f"there is no {what} on {reading.server}{hint}, and no grant on it")


def _rights(reading: AccessSnapshot, asked: Question) -> Iterator[Right]:
    if asked.role is not None:
        yield from reading.rights_of_role(asked.role)
        return
    for user in reading.users if asked.user is None else [asked.user]:
        yield from reading.rights_of(user)


def _caption_text(reading: AccessSnapshot, asked: Question) -> str:
    where = f"{reading.server} (Milvus {reading.version or '?'})"
    off = "; authorization is OFF, so anybody may do anything" if reading.enforced is False else ""
    partial = f"; {reading.partial}" if reading.partial else ""
    return f"{_answer_text(reading, asked)} on {where}{off}{partial}"


def _answer_text(reading: AccessSnapshot, asked: Question) -> str:
    """What is answered, in words."""
    what = f"{asked.privilege or 'something'}{asked.on}"
    if asked.user is not None:
        how = f"by what user {asked.user!r} may do {what}"
        return how if asked.privilege else f"what user {asked.user!r} may do{asked.on}"
    if asked.role is not None:
        held = holders_text(reading.roles[asked.role])
        return (
            f"what of role {asked.role!r}, {held}, brings {what}" if any(asked[2:]) else f"role {asked.role!r}, {held},"
        )
    if any(asked):
        return f"who may do {what}"
    there = {"collection": sum(map(len, reading.collections.values())), "database": len(reading.collections)}
    counts = {"user": len(reading.users), "role": len(reading.roles), "grant": len(reading.grants), **there}
    said = {what: f"{count} {what}{'s' if count != 1 else ''}" for what, count in counts.items()}
    if not reading.partial:
        for what in ("user", "role"):
            said[what] += f" ({findings.limit_of(f'{what}s', counts[what])})"
    return ", ".join(said.values())
