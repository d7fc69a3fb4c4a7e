"""Questions about who may do what, over all databases, with groups, wildcards, `admin` and `public` applied.

How a server decides stands in client/rights/rules.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, MutableSet, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache, partial

from milvus_magics.access.answer import Access
from milvus_magics.access.findings import USUAL_LIMITS, find_problems, limit_text
from milvus_magics.access.read import read_snapshot
from milvus_magics.access.snapshot import AccessSnapshot
from milvus_magics.client.lookup import unknown_role_error, unknown_user_error
from milvus_magics.client.names import PUBLIC, problem_with_existing_name, require_valid
from milvus_magics.client.privilege_catalog import ALL, DEFAULT_DATABASE, KNOWN, suggest_privilege
from milvus_magics.client.results.roles import holders_text
from milvus_magics.client.rights.right import Right
from milvus_magics.errors import NOTHING_SENT, ParameterError, PermissionDeniedError, UnknownPrivilegeError
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline
from milvus_magics.wording import absence_text, count_text, did_you_mean, join_parts, list_text

# Users, each with rights that say no user, as who holds the same roles shares them.
Found = Iterable[tuple[str, Sequence[Right]]]


@dataclass(frozen=True)
class Question:
    """What is asked; None = not restricted.

    Raises:
        ParameterError: a name is invalid, or `user` and `role` don't go together.
    """

    user: str | None = None
    role: str | None = None
    privilege: str | None = None
    collection: str | None = None
    db: str | None = None

    def __post_init__(self) -> None:
        if self.user is not None and self.role is not None:
            raise ParameterError("ask about a user or about a role, not both", outcome=NOTHING_SENT)
        for what, name in vars(self).items():
            if name is not None:
                require_valid(problem_with_existing_name(name, what))

    @property
    def is_restricted(self) -> bool:
        """Whether it is about some rights only, whoever has them."""
        return (self.privilege, self.collection, self.db) != (None, None, None)

    @property
    def scope(self) -> str:
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
    root_ruled_out: MutableSet[Connection] | None = None,
    timeout: float | None = None,
) -> Access:
    """Read who may do what. Without a question: everybody's rights, and what is strange about them.

    Args:
        conn: a connection whose user may look (SelectUser and SelectOwnership); others see their own rights.
        user: only what this user may do.
        role: what this role brings, whoever holds it.
        privilege: only what is enough for this privilege, or group of privileges.
        collection: only what reaches this collection, by its name or an alias; without `db` in the connection's
            database.
        db: only what is about this database.
        root_ruled_out: as in `read_snapshot`.
        timeout: seconds for the whole operation; None = until an answer arrives or an error occurs.

    Returns:
        The rights, which iterate; `.allows(user, privilege, collection, db)`, `.matrix()`, `.findings`.

    Raises:
        ParameterError: `user` and `role` don't go together; or there is no such database or collection, and no grant
            on it.
        UnknownUserError, UnknownRoleError, UnknownPrivilegeError: there is no such thing.
    """
    question = Question(user, role, privilege, collection, db)
    return answer_question(conn, read_snapshot(conn, Deadline(timeout), root_ruled_out=root_ruled_out), question)


def answer_question(conn: Connection, snapshot: AccessSnapshot, question: Question) -> Access:
    """Answer from a snapshot; as `read_access`, without asking the server."""
    is_overview = question == Question()
    if question.collection is not None and question.db is None:
        question = replace(question, db=conn.address.db_name or DEFAULT_DATABASE)
    _require_existing(conn, snapshot, question)
    missing = _missing_place(snapshot, question.db, question.collection)
    found = list(_find_rights(snapshot, question))
    notes = (
        missing,
        _hidden_target(snapshot, question),
        _freedom(snapshot, question),
        _other_ways(snapshot, question, found),
    )
    caption = join_parts(_caption(snapshot, question, is_overview), *notes)
    rights = [Right(user, *right) for user, each in found for _, *right in each]
    known = partial(_require_known, conn, snapshot)
    return Access(rights, caption, snapshot, find_problems(snapshot), is_overview=is_overview, require_known=known)


def _require_known(
    conn: Connection,
    snapshot: AccessSnapshot,
    users: Iterable[str],
    privilege: str,
    places: Iterable[tuple[str, str | None]],
) -> None:
    """Raise where something is certainly not there; of what the caller may not see that isn't certain."""
    require_valid(problem_with_existing_name(privilege, "privilege"))
    _require_existing(conn, snapshot, Question(privilege=privilege))
    for user in users:
        require_valid(problem_with_existing_name(user))
        with suppress(PermissionDeniedError):
            _require_existing(conn, snapshot, Question(user=user))
    for db, collection in places:
        require_valid(problem_with_existing_name(db, "database"))
        require_valid(None if collection is None else problem_with_existing_name(collection, "collection"))
        _missing_place(snapshot, db, collection)


def _require_existing(conn: Connection, snapshot: AccessSnapshot, question: Question) -> None:
    """Raise where the question is about something that there isn't: the answer would mislead."""
    user, role = question.user, question.role
    if user is not None and user not in snapshot.users:
        if snapshot.partial and user != conn.user:
            raise PermissionDeniedError(f"user {user!r} cannot be looked at, {snapshot.partial}")
        raise unknown_user_error(conn, user, list(snapshot.users), outcome=None)
    if role is not None:
        _require_role(conn, snapshot, role)
    if question.privilege is not None:
        _require_privilege(snapshot, question.privilege)


def _require_role(conn: Connection, snapshot: AccessSnapshot, role: str) -> None:
    are_listed = None not in snapshot.roles.values()  # else these are the roles of those users who may be seen
    if role in snapshot.unread or (role not in snapshot.roles and not are_listed):
        raise PermissionDeniedError(f"role {role!r} cannot be looked at, {snapshot.partial}")
    if role not in snapshot.roles:
        raise unknown_role_error(conn, role, list(snapshot.roles), outcome=None)


def _require_privilege(snapshot: AccessSnapshot, privilege: str) -> None:
    existing = {*KNOWN, *snapshot.groups, *(grant.privilege for grant in snapshot.grants)}
    existing |= {name for names in snapshot.groups.values() for name in names}
    if privilege not in (ALL, *existing):
        hint = suggest_privilege(privilege, existing)
        raise UnknownPrivilegeError(f"there is no privilege {privilege!r}, and no role holds one of that name{hint}")


def _missing_place(snapshot: AccessSnapshot, db: str | None, collection: str | None) -> str:
    """What of a place the caller doesn't see, though it may be there; empty if nothing.

    What isn't there may be asked about as long as somebody holds a grant on it.

    Raises:
        ParameterError: it isn't there, and no grant is on it.
    """
    if db is None:
        return ""
    names = [*snapshot.collections.get(db, ()), *snapshot.aliases.get(db, ())]
    if db not in (DEFAULT_DATABASE, *snapshot.collections):
        is_certain, grants = snapshot.sees_all, [grant for grant in snapshot.grants if grant.db == db]
        what, hint = f"database {db!r}", did_you_mean(db, snapshot.collections)
    elif collection is not None and collection not in names:
        is_certain, grants = snapshot.sees_all and db in snapshot.aliases, snapshot.grants_on(collection, db)
        what, hint = f"collection {collection!r} in database {db!r}", did_you_mean(collection, names)
    else:
        return ""
    if is_certain and not grants:
        # Of databases that are gone, Milvus 2.3 tells only what it is asked for by name.
        no_grant = "" if snapshot.may_be_granted_unseen(None, db, db) else ", and no grant on it"
        raise ParameterError(f"{absence_text(what, True)} on {snapshot.server}{hint}{no_grant}")
    return "" if grants else absence_text(what, False) + hint


def _hidden_target(snapshot: AccessSnapshot, question: Question) -> str:
    """That a collection was named by an alias whose collection the caller may not see; empty if it wasn't."""
    is_hidden = snapshot.aliases.get(question.db or "", {}).get(question.collection or "") == ""
    return f"which collection alias {question.collection!r} stands for is not visible to you" if is_hidden else ""


def _find_rights(snapshot: AccessSnapshot, question: Question) -> Found:
    """Who has which rights that are asked for; all of theirs where the question is not restricted."""
    find = _rights_finder(snapshot, question)
    if question.role is not None:
        yield "", find((question.role,))
        return
    for user in snapshot.users if question.user is None else [question.user]:
        yield user, find(snapshot.sources_of(user))


def _rights_finder(snapshot: AccessSnapshot, question: Question) -> Callable[[tuple[str, ...]], Sequence[Right]]:
    if question.is_restricted:
        return snapshot.right_finder(question.privilege, question.collection, question.db)
    return cache(lambda roles: [right for role in roles for right in snapshot.rights_of_role(role)])


def _freedom(snapshot: AccessSnapshot, question: Question) -> str:
    """That everybody may do what is asked about; empty if not."""
    is_free = question.privilege is not None and not snapshot.rules.is_needed(question.privilege)
    return "everybody may do that without it, and is shown what their grants name" if is_free else ""


def _other_ways(snapshot: AccessSnapshot, question: Question, here: Found) -> str:
    """Whose rights in other databases reach this one; empty if there are none, or databases separate."""
    if question.db is None or question.role is not None or snapshot.rules.has("the request's database"):
        return ""
    anywhere = _find_rights(snapshot, replace(question, db=None))
    names = [repr(user) for user in sorted(_certain_users(anywhere) - _certain_users(here))]
    text = "databases do not separate on this server, so from another one also these reach it:"
    return f"{text} {list_text(names)}" if names else ""


def _certain_users(found: Found) -> set[str]:
    """Who certainly has one of the rights, and not as everybody has it."""
    return {user for user, rights in found if any(not right.doubt and right.role != PUBLIC for right in rights)}


def _caption(snapshot: AccessSnapshot, question: Question, is_overview: bool) -> str:
    what = _counts_text(snapshot) if is_overview else _answer_text(snapshot, question)
    off = "authorization is OFF, so anybody may do anything" if snapshot.enforced is False else ""
    unseen = "only those databases and collections are counted that are visible to you"
    in_part = unseen if is_overview and not snapshot.sees_all else ""
    return join_parts(f"{what} on {snapshot.server} (Milvus {snapshot.version or '?'})", off, snapshot.partial, in_part)


def _answer_text(snapshot: AccessSnapshot, question: Question) -> str:
    """What is answered, in words."""
    what = f"{question.privilege or 'something'}{question.scope}"
    if question.role is not None:
        role = f"role {question.role!r} ({holders_text(question.role, snapshot.roles[question.role])})"
        if not question.is_restricted:
            return role
        return f"what in {role} gives {what}" if question.privilege else f"what {role} can do{question.scope}"
    if question.user is None:
        place = question.scope.removeprefix(" on ") if question.collection is not None else f"something{question.scope}"
        return f"who has {what}" if question.privilege else f"who can access {place}"
    user = f"user {question.user!r}"
    return f"what gives {user} {what}" if question.privilege else f"what {user} can do{question.scope}"


def _counts_text(snapshot: AccessSnapshot) -> str:
    """How many there are of everything, in words."""
    counts = {
        "user": len(snapshot.users),
        "role": len(snapshot.roles),
        "grant": len(snapshot.grants),
        "collection": sum(map(len, snapshot.collections.values())),
        "database": len(snapshot.collections),
    }
    limits = {} if snapshot.partial else {what: f" ({limit_text(what, counts[what])})" for what in USUAL_LIMITS}
    return ", ".join(count_text(count, what) + limits.get(what, "") for what, count in counts.items())
