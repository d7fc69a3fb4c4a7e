"""Granting privileges to roles, and revoking them.

Milvus 2.4.18 and later take a privilege with a database and a collection; before, it was an object's type and name:
https://github.com/milvus-io/milvus/issues/37031
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from milvus_magics import errors, wire
from milvus_magics.client import change, lookup
from milvus_magics.client.grants import targets
from milvus_magics.client.grants.listing import is_granted, missing_target_note
from milvus_magics.client.grants.listing import list_grants as list_grants
from milvus_magics.client.grants.losses import describe_kept, describe_loss
from milvus_magics.client.grants.requests import describe_change, send_as_v1, send_as_v2, send_listed
from milvus_magics.client.grants.scope import (
    possible_grants,
    read_groups_for,
    refused_database_error,
    require_its_type,
    require_known_database,
    require_known_privilege,
    require_named_collection,
    require_older,
    require_possible_object,
    unknown_type_error,
)
from milvus_magics.client.grants.undo import remember_grant, snapshot_of_revocation
from milvus_magics.client.names import (
    problem_with_database_name,
    problem_with_existing_name,
    problem_with_object_name,
    require_valid,
)
from milvus_magics.client.own_rights import missing_right_note
from milvus_magics.client.privilege_catalog import (
    ALL,
    KNOWN,
    Scope,
    as_v1_grant,
    as_v2_grant,
    problem_with_scope,
    suggest_privilege,
)
from milvus_magics.client.results.previews import Preview
from milvus_magics.client.results.privileges import Grant, GrantChange
from milvus_magics.client.rights.concerns import note_on_grant
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline
from milvus_magics.wording import join_parts, name_text

MAY_GRANT = wire.METHODS["OperatePrivilege"].privilege


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
        privilege: its name, like `Search`; from Milvus 2.5 also a group's, like `CollectionReadOnly`. One that is not
            known is sent only where the server may know more, and the result's note says so.
        collection: on which collection; `*` = all. Privileges on collections need it.
        db: in which database; `*` = all. Default: the connection's, and for what is about the whole server all.
        object_type: `Global`, `Collection` or `User`: grants in the way of Milvus 2.3, instead of `collection`.
        object_name: the object's name; `*` = all.

    Returns:
        What was granted; its note says so where the collection or database does not exist.

    Raises:
        ParameterError: something is missing or doesn't go together; nothing was sent.
        UnknownRoleError, UnknownPrivilegeError: there is no such thing; the text says what may have been meant.
        OutcomeUnknownError: the answer was lost; the text says what is known.

    Behaviour: `Role.grant` and `Role.grant_v2` in Milvus's documentation.
    """
    scope = Scope(collection, db, object_type, object_name)
    return operate_grant(conn, role, privilege, scope, Deadline(timeout), granted=True)


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

    Returns:
        What was revoked, as the server kept it: groups have several names. Its note says what went with it, what the
            role keeps by other grants, and where the caller may not see what it had (the privilege SelectOwnership).

    Raises:
        NotGrantedError: the role does not hold it there; nothing was changed.
        ParameterError: also where an alias is named and the server (from 2.6.12) would take what is on its collection,
            and for a group's name that need not reach what the server keeps, if the caller may not look.
        OutcomeUnknownError: also where the server says that it is done, and still lists it.
        MilvusException: as in `grant_privilege`.

    Behaviour: `Role.revoke` and `Role.revoke_v2` in Milvus's documentation.
    """
    scope = Scope(collection, db, object_type, object_name)
    return operate_grant(conn, role, privilege, scope, Deadline(timeout), granted=False)


def require_valid_grant(role: str, privilege: str, scope: Scope, *, granted: bool) -> None:
    """Raise ParameterError if this cannot be granted, or revoked; nothing was sent."""
    require_valid(
        problem_with_existing_name(role, "role")
        or problem_with_existing_name(privilege, "privilege")
        or problem_with_scope(privilege, scope)
        or _problem_with_database(scope, granted)
        or (_problem_with_object_name(scope) if granted else None)
    )


def _problem_with_object_name(scope: Scope) -> str | None:
    name, kind = scope.collection or scope.object_name, "user" if scope.object_type == "User" else "collection"
    if name not in (None, ALL) and (problem := problem_with_object_name(name, kind)) is not None:
        return problem
    if scope.object_type == "Global" and scope.object_name not in (None, ALL):
        return "with the object type 'Global', servers would grant it on everything: leave the object name out, or '*'"
    return None


def _problem_with_database(scope: Scope, granted: bool) -> str | None:
    if scope.db in (None, ALL):
        return None
    # The older way takes any name, so what was granted like that must be possible to revoke.
    may_be_any = not granted and scope.object_type is not None
    return problem_with_existing_name(scope.db, "database") if may_be_any else problem_with_database_name(scope.db)


def operate_grant(
    conn: Connection,
    role: str,
    privilege: str,
    scope: Scope,
    deadline: Deadline,
    *,
    granted: bool,
    is_part: bool = False,
) -> GrantChange:
    """Grant or revoke a privilege; a part of a change doesn't tell what is kept, which another part may take."""
    require_valid_grant(role, privilege, scope, granted=granted)
    operation = "grant_privilege" if granted else "revoke_privilege"
    act = _grant if granted else partial(_revoke, is_part=is_part)
    older = as_v1_grant(conn, role, privilege, scope)
    first = as_v2_grant(conn, role, privilege, scope) or older
    with change.attempt(conn, operation, *describe_change(first, granted), deadline, is_deletion=True) as attempt:
        forms, unsure = read_forms(conn, role, privilege, scope, deadline, granted=granted)
        try:
            grant, note, was_held = act(conn, attempt, forms, scope, deadline)
        except (errors.UnknownRoleError, errors.UnknownPrivilegeError, errors.ParameterError) as exc:
            error = _unknown_object_error(conn, older, scope.object_type is not None, deadline, exc)
            if error is exc:
                raise
            raise error from exc
        except errors.UnknownDatabaseError as exc:
            raise refused_database_error(conn, forms[0], deadline) from exc
    return GrantChange(grant, conn.address.url, granted, join_parts(attempt.note, unsure, note), was_held)


def read_forms(
    conn: Connection, role: str, privilege: str, scope: Scope, deadline: Deadline, *, granted: bool
) -> tuple[list[Grant], str]:
    """The forms of `possible_grants`, and what is unsure about the name of what is to be granted."""
    groups, unsure = read_groups_for(conn, [privilege], deadline), ""
    if granted:
        has_type = scope.object_type is not None
        unsure = require_known_privilege(conn, privilege, groups, deadline, to_the_letter=has_type)
        require_its_type(conn, privilege, scope.object_type, groups, deadline)
        require_named_collection(privilege, scope, groups)
    forms = possible_grants(conn, role, privilege, scope, deadline, granted=granted, groups=groups)
    if granted:
        require_possible_object(conn, forms[0], deadline)
    return forms, unsure


def _grant(
    conn: Connection, attempt: change.Attempt, forms: Sequence[Grant], scope: Scope, deadline: Deadline
) -> tuple[Grant, str, bool]:
    """Grant the first form that the server takes; return it, a note, and whether it was held."""
    forms, aliased = targets.follow_alias(conn, forms, deadline)
    was_held = remember_grant(conn, attempt, forms, deadline)
    grant, note = _send(conn, attempt, forms, scope, granted=True)
    companions = [] if was_held else targets.find_companions(conn, grant, deadline)
    others = targets.describe_others(companions, "granted with it")
    missing, effect = missing_target_note(conn, grant, deadline), note_on_grant(conn, grant, deadline)
    return grant, join_parts(note, aliased, others, missing, effect), was_held


def _revoke(
    conn: Connection,
    attempt: change.Attempt,
    forms: Sequence[Grant],
    scope: Scope,
    deadline: Deadline,
    *,
    is_part: bool,
) -> tuple[Grant, str, bool]:
    """Revoke what is meant of what the role holds; return it, a note, and whether it certainly held it."""
    listed = targets.select_grants_if_permitted(conn, forms, deadline)
    has_type = scope.object_type is not None
    grant, *rest = targets.find_grants_to_revoke(conn, forms, listed, deadline, has_type=has_type)
    if listed is None:
        grant, note = _send(conn, attempt, forms, scope, granted=False)
        return grant, join_parts(note, targets.unseen_note(listed)), False
    if conn.on_change.restorer is not None:
        attempt.remember(snapshot_of_revocation(conn, grant, listed, deadline))
    note = send_listed(conn, attempt, grant, deadline, granted=False)
    attempt.outcome = "unknown"  # until it is seen
    others = targets.require_gone(conn, grant, listed, deadline)
    attempt.outcome = "done"
    taken = [grant, *(each for each in targets.find_companions(conn, grant, deadline) if each in listed)]
    kept = "" if is_part else describe_kept(conn, taken, listed, deadline)
    names = targets.describe_names(forms[0], grant)
    return grant, join_parts(note, names, others, targets.describe_rest(rest), kept), True


def _send(
    conn: Connection, attempt: change.Attempt, forms: Sequence[Grant], scope: Scope, *, granted: bool
) -> tuple[Grant, str]:
    """Send a change in the newest way that the server takes; return its grant and a note."""
    *newer, older = forms
    for grant in newer:
        try:
            return grant, send_as_v2(conn, attempt, grant, granted=granted)
        except errors.ServerTooOldError:  # whose version could not be read
            require_older(conn, older, scope)
    return older, send_as_v1(conn, attempt, older, granted=granted)


def _unknown_object_error(
    conn: Connection, older: Grant, has_type: bool, deadline: Deadline, error: errors.MilvusException
) -> errors.MilvusException:
    """The error for what does not exist, with a similar name if there is one."""
    role, privilege = older.role, older.privilege
    if isinstance(error, errors.UnknownRoleError):
        try:
            lookup.require_roles(conn, [role], deadline)
        except errors.UnknownRoleError as exc:
            return exc
        return lookup.unknown_role_error(conn, role, [])
    if "not found the object type" in error.details:
        return unknown_type_error(older.object_type)
    if not isinstance(error, errors.UnknownPrivilegeError):
        return error
    version = lookup.read_version(conn, deadline)
    hint = suggest_privilege(privilege, version=version)
    if privilege in KNOWN:
        hint = f" for the object type {older.object_type!r}" if has_type else "; newer ones do"
    return errors.UnknownPrivilegeError(
        f"this server (Milvus {version}) knows no privilege {privilege!r}{hint}",
        outcome=errors.NOTHING_CHANGED,
    )


def preview_grant_privilege(
    conn: Connection, role: str, privilege: str, *, timeout: float | None = None, **on: str | None
) -> Preview:
    """What `grant_privilege` would do."""
    scope = Scope(**on)
    require_valid_grant(role, privilege, scope, granted=True)
    deadline = Deadline(timeout)
    lookup.require_roles(conn, [role], deadline)
    forms, unsure = read_forms(conn, role, privilege, scope, deadline, granted=True)
    require_known_database(conn, forms[0], deadline)
    (grant, *_), aliased = targets.follow_alias(conn, forms, deadline)
    others = targets.find_companions(conn, grant, deadline)
    notes = [
        unsure,
        require_possible_object(conn, forms[0], deadline),
        aliased,
        targets.describe_others(others, "granted with it"),
    ]
    idle = ""
    with suppress(errors.PermissionDeniedError):
        idle = f"The role {name_text(role)} has {grant} already" if is_granted(conn, grant, deadline) else ""
    concern = join_parts(missing_target_note(conn, grant, deadline), note_on_grant(conn, grant, deadline))
    caution = join_parts(concern, missing_right_note(conn, MAY_GRANT, deadline))
    what = f"grant {grant} to the role {name_text(role)}"
    return Preview(what, conn.address.url, note=join_parts(*notes), caution=caution, idle=idle)


def preview_revoke_privilege(
    conn: Connection, role: str, privilege: str, *, timeout: float | None = None, **on: str | None
) -> Preview:
    """What `revoke_privilege` would do; warns if it is the acting user's own role."""
    scope = Scope(**on)
    require_valid_grant(role, privilege, scope, granted=False)
    deadline = Deadline(timeout)
    lookup.require_roles(conn, [role], deadline)
    forms, _ = read_forms(conn, role, privilege, scope, deadline, granted=False)
    listed = targets.select_grants_if_permitted(conn, forms, deadline)
    has_type = scope.object_type is not None
    grant, *rest = targets.find_grants_to_revoke(conn, forms, listed, deadline, has_type=has_type)
    others = [one for one in targets.find_companions(conn, grant, deadline) if listed is None or one in listed]
    own = lookup.is_own_role(conn, role, deadline)
    warning = "you hold this role yourself, and will lose that" if own else ""
    note = join_parts(
        targets.describe_names(forms[0], grant),
        targets.describe_others(others, "gone with it"),
        targets.describe_rest(rest),
        targets.unseen_note(listed),
        describe_loss(conn, role, [grant, *others], listed, deadline),
    )
    what, caution = f"revoke {grant} from the role {name_text(role)}", missing_right_note(conn, MAY_GRANT, deadline)
    return Preview(what, conn.address.url, warning, note, caution)
