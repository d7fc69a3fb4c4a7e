"""What roles hold: granting, revoking, and listing over all databases.

Milvus 2.4.18 and later take a privilege with a database and a collection; before, it was an object's type and name.
Which of the two a server has is found out by asking for the newer first: an older one refuses it before anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from milvus_magics import wire
from milvus_magics.client import change, lookup
from milvus_magics.client.lookup import (
    list_aliases,
    list_collections,
    list_databases,
    read_holders,
    read_version,
    unknown_role_error,
)
from milvus_magics.client.names import (
    problem_with_existing_name,
    require_valid,
)
from milvus_magics.client.privilege_catalog import ALL, KNOWN, Scope, as_v1_grant, as_v2_grant, problem_with_scope
from milvus_magics.client.results.previews import Preview
from milvus_magics.client.results.privileges import Grant, GrantChange, Grants
from milvus_magics.errors import (
    NOTHING_CHANGED,
    MilvusException,
    NotGrantedError,
    ParameterError,
    PermissionDeniedError,
    ServerTooOldError,
    UnknownPrivilegeError,
    UnknownRoleError,
    UnknownUserError,
)
from milvus_magics.secret import Secret
from milvus_magics.transport.connection import CONNECTION_LOGIN, Connection
from milvus_magics.transport.credentials import Login
from milvus_magics.transport.deadline import Deadline
from milvus_magics.wording import count_text, did_you_mean, join_parts, listed

PLACEHOLDER_GRANTOR = Login("root", Secret("authorization is off, so no password is looked at"))


def grant_privilege(
    conn: Connection,
    role: str,
    privilege: str,
    *,
    collection: str | None = None,
    db: str | None = None,
    object_type: str | None = None,
    object_name: str | None = None,
    timeout: float | None = None,
) -> GrantChange:
    """Give a privilege, or on newer servers a group of them, to a role.

    Args:
        conn: a connection whose user may do so (the privilege ManageOwnership).
        role: an existing role.
        privilege: its name, like `Search`; from Milvus 2.5 also a group's, like `CollectionReadOnly`.
        collection: on which collection; `*` = all. Privileges on collections need it.
        db: in which database; `*` = all. Default: the connection's, and for what is about the whole server all.
        object_type: `Global`, `Collection` or `User`: grants in the way of Milvus 2.3, instead of `collection`.
        object_name: the object's name; `*` = all.
        timeout: seconds for the whole operation; None = until an answer arrives or an error occurs.

    Returns:
        What was granted; its note says so where the collection or database does not exist.

    Raises:
        ParameterError: something is missing or doesn't go together; nothing was sent.
        UnknownRoleError, UnknownPrivilegeError: there is no such thing; the text says what may have been meant.
        OutcomeUnknownError: the answer was lost; the text says what is known.

    Behaviour: `Role.grant` and `Role.grant_v2` in Milvus's documentation.
    """
    scope = Scope(collection, db, object_type, object_name)
    return _operate(conn, role, privilege, scope, Deadline(timeout), granted=True)


def revoke_privilege(
    conn: Connection,
    role: str,
    privilege: str,
    *,
    collection: str | None = None,
    db: str | None = None,
    object_type: str | None = None,
    object_name: str | None = None,
    timeout: float | None = None,
) -> GrantChange:
    """Take a privilege from a role. Unlike in pymilvus, one that it does not hold is an error.

    Args:
        conn: a connection whose user may do so (the privilege ManageOwnership).
        role: as in `grant_privilege`, like all others.
        privilege: likewise.
        collection: likewise.
        db: likewise.
        object_type: likewise.
        object_name: likewise.
        timeout: seconds for the whole operation; None = until an answer arrives or an error occurs.

    Raises:
        NotGrantedError: the role does not hold it there; nothing was changed.
        MilvusException: as in `grant_privilege`.

    Behaviour: `Role.revoke` and `Role.revoke_v2` in Milvus's documentation.
    """
    scope = Scope(collection, db, object_type, object_name)
    return _operate(conn, role, privilege, scope, Deadline(timeout), granted=False)


def revoke_listed_grant(conn: Connection, grant: Grant, deadline: Deadline) -> None:
    """Take one listed grant back, in the way of Milvus 2.3."""
    with change.attempt(conn, "revoke_privilege", *_describe_change(grant, False), deadline) as attempt:
        _send_v1(conn, attempt, grant, granted=False)


def restore_grant(conn: Connection, grant: Grant, deadline: Deadline) -> None:
    """Give a role what it held, exactly as it was listed."""
    with change.attempt(conn, "grant_privilege", *_describe_change(grant, True), deadline) as attempt:
        try:
            _send_v1(conn, attempt, grant, granted=True)
        except (UnknownPrivilegeError, ParameterError):
            _send_v2(conn, attempt, grant, granted=True)  # a group, which only the newer way takes


def list_grants(conn: Connection, role: str | None = None, *, timeout: float | None = None) -> Grants:
    """What a role holds, or all roles do, over all databases.

    Grants in a database that was dropped meanwhile are not told by Milvus 2.3.

    Args:
        conn: a connection whose user may look (the privilege SelectOwnership; one's own roles are free).
        role: the role; None = all of them.
        timeout: seconds for the whole operation; None = until an answer arrives or an error occurs.

    Raises:
        UnknownRoleError: there is no such role.
    """
    if role is not None:
        require_valid(problem_with_existing_name(role, "role"))
    deadline = Deadline(timeout)
    names = [role] if role is not None else lookup.require_roles(conn, [], deadline)
    where, complete = databases_to_search(conn, deadline)
    try:
        rows = select_grants(conn, names, where, deadline)
    except UnknownRoleError as exc:
        lookup.require_roles(conn, names, deadline, outcome=None)
        raise unknown_role_error(conn, role or "", [], outcome=None) from exc
    what = f"role {role!r}" if role is not None else "all roles"
    only = "" if complete else ", in the default database only: the others may not be listed"
    caption = f"{count_text(len(rows), 'privilege')} of {what} on {conn.address.url}{only}"
    return Grants(rows, caption, complete=complete)


def list_grants_if_permitted(conn: Connection, role: str, deadline: Deadline) -> Grants | None:
    """`list_grants` of a role; None where the caller may not look."""
    try:
        return list_grants(conn, role, timeout=deadline.remaining())
    except PermissionDeniedError:
        return None


def select_grants(conn: Connection, roles: Sequence[str], where: Sequence[str], deadline: Deadline) -> list[Grant]:
    """What roles hold in databases, each grant once, by calls that are in flight together."""
    found: dict[tuple[str, ...], Grant] = {}
    with conn.batch() as begin:
        calls = [
            begin("SelectGrant", deadline=deadline, entity={"role": {"name": role}, "db_name": db})
            for role in roles
            for db in where
        ]
        for call in calls:
            reply = call.reply()
            lookup.raise_for(reply)
            for grant in map(_read, reply.entities):
                found.setdefault((grant.role, grant.privilege, grant.object_type, grant.object_name, grant.db), grant)
    return sorted(found.values(), key=lambda row: (row.role, row.db, row.object_type, row.object_name, row.privilege))


def _operate(
    conn: Connection, role: str, privilege: str, scope: Scope, deadline: Deadline, *, granted: bool
) -> GrantChange:
    require_valid(
        problem_with_existing_name(role, "role")
        or problem_with_existing_name(privilege, "privilege")
        or problem_with_scope(privilege, scope)
    )
    operation = "grant_privilege" if granted else "revoke_privilege"
    older = as_v1_grant(conn, role, privilege, scope)
    first = as_v2_grant(conn, role, privilege, scope) or older
    with change.attempt(conn, operation, *_describe_change(first, granted), deadline) as attempt:
        there_are = possible_grants(conn, role, privilege, scope, deadline)
        if not granted:
            held = require_granted(conn, there_are, deadline)
            there_are = there_are[there_are.index(held) :]
        try:
            grant, note = _send(conn, attempt, there_are, scope, granted=granted)
        except (UnknownRoleError, UnknownPrivilegeError, ParameterError) as exc:
            raise _unknown_thing_error(conn, older, scope.object_type is not None, deadline, exc) from exc
        missing = missing_target_note(conn, grant, deadline) if granted else ""
    return GrantChange(grant, conn.address.url, granted, join_parts(attempt.note, note, missing))


def _send(
    conn: Connection, attempt: change.Attempt, there_are: Sequence[Grant], scope: Scope, *, granted: bool
) -> tuple[Grant, str]:
    """Send it in the newest of the ways there are; what was granted, and what to know about it."""
    *newer, older = there_are
    for grant in newer:
        try:
            return grant, _send_v2(conn, attempt, grant, granted=granted)
        except ServerTooOldError:  # whose version could not be read
            _require_older(conn, older, scope)
    return older, _send_v1(conn, attempt, older, granted=granted)


def _send_v2(conn: Connection, attempt: change.Attempt, grant: Grant, *, granted: bool) -> str:
    fields = {
        "role": {"name": grant.role},
        "grantor": {"privilege": {"name": grant.privilege}},
        "type": _operate_type(granted),
        "db_name": grant.db,
        "collection_name": grant.object_name,
    }
    return _send_as_somebody(conn, attempt, "OperatePrivilegeV2", grant, granted, fields)


def _send_v1(conn: Connection, attempt: change.Attempt, grant: Grant, *, granted: bool) -> str:
    entity = {
        "role": {"name": grant.role},
        "object": {"name": grant.object_type},
        "object_name": grant.object_name,
        "grantor": {"privilege": {"name": grant.privilege}},
        "db_name": grant.db,
    }
    return _send_as_somebody(
        conn, attempt, "OperatePrivilege", grant, granted, {"entity": entity, "type": _operate_type(granted)}
    )


def _send_as_somebody(
    conn: Connection, attempt: change.Attempt, method: str, grant: Grant, granted: bool, fields: dict[str, Any]
) -> str:
    """Send it so that the server finds who grants, which it insists on also where authorization is off.

    There it looks into the header for a name, which must be a user's, and doesn't look at the password.
    """

    attempt.describe(*_describe_change(grant, granted))

    def is_so(until: Deadline) -> bool | None:
        return any(_is_same_grant(grant, other) for other in _select_held(conn, [grant], until)) is granted

    nobody = conn.address.login is None
    try:
        attempt.send(method, is_so, login=PLACEHOLDER_GRANTOR if nobody else CONNECTION_LOGIN, **fields)
    except UnknownUserError:
        if nobody:
            raise
        nobody = True
        attempt.send(method, is_so, login=PLACEHOLDER_GRANTOR, **fields)
    return "the server wants to know who grants, so it was told 'root': authorization is off" if nobody else ""


def _operate_type(granted: bool) -> int:
    return wire.enum_value("OperatePrivilegeType", "Grant" if granted else "Revoke")


def _describe_change(grant: Grant, granted: bool) -> tuple[str, str, str]:
    """The target, subject and verb of a change."""
    verb = f"granted to {grant.role!r}" if granted else f"revoked from {grant.role!r}"
    return f"{grant.role} {grant}", str(grant), verb


def _read(entity: Any) -> Grant:
    return Grant(
        role=entity.role.name,
        privilege=entity.grantor.privilege.name,
        object_type=entity.object.name,
        object_name=entity.object_name,
        db=entity.db_name,
        grantor=entity.grantor.user.name,
    )


def databases_to_search(conn: Connection, deadline: Deadline) -> tuple[list[str], bool]:
    """The databases to look into, and whether these are all. `*` first: newer servers tell everything there."""
    try:
        names = list_databases(conn, deadline)
    except (PermissionDeniedError, ServerTooOldError):
        return [ALL, ""], False
    return [ALL, *names], True


def _select_held(conn: Connection, wanted: Sequence[Grant], deadline: Deadline) -> list[Grant]:
    """What the role holds, also in databases that do not exist: Milvus 2.3 tells of those only by name."""
    where = {*databases_to_search(conn, deadline)[0], *(grant.db for grant in wanted)}
    return select_grants(conn, [wanted[0].role], sorted(where), deadline)


def _is_same_grant(wanted: Grant, held: Grant) -> bool:
    # Newer servers choose the type by themselves; where the caller named it, it is part of what was meant.
    return (wanted.privilege, wanted.object_name, wanted.db) == (held.privilege, held.object_name, held.db)


def is_granted(conn: Connection, wanted: Grant, deadline: Deadline) -> bool:
    """Whether a role has a privilege there already."""
    return any(_is_same_grant(wanted, other) for other in _select_held(conn, [wanted], deadline))


def require_granted(conn: Connection, wanted: Sequence[Grant], deadline: Deadline) -> Grant:
    """Which of the ways it is that a role has a privilege: the server says "done" to taking back what it never gave.

    Raises:
        NotGrantedError: none; says what the role has. The first is returned where the caller may not look.
    """
    try:
        held = _select_held(conn, wanted, deadline)
    except PermissionDeniedError:
        return wanted[0]
    found = next((grant for grant in wanted if any(_is_same_grant(grant, other) for other in held)), None)
    if found is None:
        has = f"it has {listed(held)}" if held else "it has no privileges"
        raise NotGrantedError(f"role {wanted[0].role!r} does not have {wanted[0]}; {has}", outcome=NOTHING_CHANGED)
    return found


def possible_grants(conn: Connection, role: str, privilege: str, scope: Scope, deadline: Deadline) -> list[Grant]:
    """The grant in the ways that the server may have, the newest first; the last one is how all servers take it.

    Raises:
        ParameterError: the server has the older way only, which cannot say this; nothing was changed.
    """
    newer, older = (
        as_v2_grant(conn, role, privilege, scope),
        as_v1_grant(conn, role, privilege, scope),
    )
    if newer is None or not lookup.is_older(conn, wire.METHODS["OperatePrivilegeV2"].since, deadline):
        return [newer, older] if newer else [older]
    _require_older(conn, older, scope)
    return [older]


def _require_older(conn: Connection, older: Grant, scope: Scope) -> None:
    """Raise where the older way would give more than was said."""
    if older.object_type == "Global" and scope.collection not in (None, ALL):
        raise ParameterError(
            f"on this server (Milvus {conn.version or '2.3'}), {older.privilege!r} is about everything, not one "
            "collection: leave the collection out",
            outcome=NOTHING_CHANGED,
        )


def _unknown_thing_error(
    conn: Connection, older: Grant, typed: bool, deadline: Deadline, said: MilvusException
) -> MilvusException:
    """What does not exist, with what may have been meant."""
    role, privilege = older.role, older.privilege
    if isinstance(said, UnknownRoleError):
        try:
            lookup.require_roles(conn, [role], deadline)
        except UnknownRoleError as exc:
            exc.details = said.details
            return exc
        return unknown_role_error(conn, role, [])
    if "not found the object type" in said.details:
        return ParameterError(
            f"there is no object type {older.object_type!r}; there are: Collection, Global, User",
            details=said.details,
            outcome=NOTHING_CHANGED,
        )
    if not isinstance(said, UnknownPrivilegeError):
        return said
    hint = did_you_mean(privilege, KNOWN)
    if privilege in KNOWN:
        hint = f" for the object type {older.object_type!r}" if typed else "; newer ones do"
    return UnknownPrivilegeError(
        f"this server (Milvus {read_version(conn, deadline)}) knows no privilege {privilege!r}{hint}",
        details=said.details,
        outcome=NOTHING_CHANGED,
    )


def missing_target_note(conn: Connection, grant: Grant, deadline: Deadline) -> str:
    """A warning where a privilege was granted on something that is not there: servers take any name."""
    try:
        there_are = list_databases(conn, deadline)
        if grant.db != ALL and grant.db not in there_are:
            return f"note that there is no database {grant.db!r}{did_you_mean(grant.db, there_are)}"
        if grant.object_type == "User" or grant.object_name in (ALL, "") or grant.db == ALL:
            return ""
        collections = list_collections(conn, grant.db, deadline)
        if grant.object_name not in collections:
            collections += list_aliases(conn, grant.db, deadline)
    except MilvusException:
        return ""  # it is granted; that the names could not be looked up changes nothing
    if grant.object_name in collections:
        return ""
    hint = did_you_mean(grant.object_name, collections)
    return f"note that there is no collection {grant.object_name!r} in database {grant.db!r}{hint}"


def preview_grant_privilege(
    conn: Connection, role: str, privilege: str, scope: Scope, *, timeout: float | None = None
) -> Preview:
    """What `grant_privilege` would do. Whether the server knows the privilege is seen only by granting it."""
    deadline = Deadline(timeout)
    _require_grant(conn, role, privilege, scope, deadline)
    grant = possible_grants(conn, role, privilege, scope, deadline)[0]
    notes = []
    if privilege not in KNOWN:
        hint = did_you_mean(privilege, KNOWN)
        notes.append(f"whether the server knows a privilege {privilege!r} is seen only by granting it{hint}")
    try:
        if is_granted(conn, grant, deadline):
            notes.append("it has that already, so nothing would change")
    except PermissionDeniedError:
        pass
    notes.append(missing_target_note(conn, grant, deadline))
    return Preview(f"grant {grant} to role {role!r}", conn.address.url, note=join_parts(*notes))


def preview_revoke_privilege(
    conn: Connection, role: str, privilege: str, scope: Scope, *, timeout: float | None = None
) -> Preview:
    """What `revoke_privilege` would do; warns where it is one's own role."""
    deadline = Deadline(timeout)
    _require_grant(conn, role, privilege, scope, deadline)
    grant = require_granted(conn, possible_grants(conn, role, privilege, scope, deadline), deadline)
    own = lookup.is_own_role(conn, role, deadline)
    warning = "the user you are connected as holds this role, and would lose that" if own else ""
    note = _who_would_lose(role, read_holders(conn, role, deadline))
    return Preview(f"revoke {grant} from role {role!r}", conn.address.url, warning, note)


def _who_would_lose(role: str, holders: Sequence[str] | None) -> str:
    if role == "public":
        return "everybody would lose it"
    if holders is None:
        return "who would lose it cannot be seen without the privilege SelectOwnership"
    return f"{len(holders) or 'nobody'}{' user' if holders else ''}{'s' if len(holders) > 1 else ''} would lose it"


def _roles_with(conn: Connection, privilege: str, names: Sequence[str], deadline: Deadline) -> list[str]:
    """Those of the roles that hold a privilege or a group, wherever."""
    grants = select_grants(conn, names, databases_to_search(conn, deadline)[0], deadline)
    return sorted({grant.role for grant in grants if grant.privilege == privilege})


def _require_grant(conn: Connection, role: str, privilege: str, scope: Scope, deadline: Deadline) -> None:
    require_valid(
        problem_with_existing_name(role, "role")
        or problem_with_existing_name(privilege, "privilege")
        or problem_with_scope(privilege, scope)
    )
    lookup.require_roles(conn, [role], deadline)
