"""What a change of a role's grants gave and took, and taking that back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

from milvus_magics import wire
from milvus_magics.client import change, lookup
from milvus_magics.client.grants.listing import is_same_grant, select_grants_of_role
from milvus_magics.client.grants.requests import restore_grant, revoke_listed_grant
from milvus_magics.client.grants.scope import Groups, read_groups_for, require_known_privilege
from milvus_magics.client.grants.steps import Step, grants_of, report_steps, run_steps
from milvus_magics.client.grants.targets import find_companions
from milvus_magics.client.own_rights import missing_right_note
from milvus_magics.client.results.previews import Preview
from milvus_magics.client.results.privileges import (
    Grant,
    GrantsSnapshot,
    RestoredGrants,
    grant_deeds_text,
)
from milvus_magics.errors import MilvusException
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline
from milvus_magics.wording import join_parts, name_text, printable


def remember_grant(conn: Connection, attempt: change.Attempt, forms: Sequence[Grant], deadline: Deadline) -> bool:
    """Remember what a grant will add, if somebody may undo it and the caller may look.

    Args:
        forms: those in which it may be made, the likeliest first.

    Returns:
        Whether it certainly adds nothing.
    """
    if conn.on_change.restorer is None:
        return False
    try:
        before = read_plain_grants(conn, forms, deadline)
    except MilvusException:
        return False  # what it held is not known, so nobody can tell what to take back
    added = snapshot_of_grant(conn, forms, before, deadline)
    if added.added:
        attempt.remember(added)
    return not added.added


def snapshot_of_grant(
    conn: Connection, forms: Sequence[Grant], before: Iterable[Grant], deadline: Deadline
) -> GrantsSnapshot:
    """What a grant adds to what a role held before; nothing if it held that in one of these forms."""
    before = list(before)
    new = [] if any(is_held(form, before) for form in forms) else [forms[0]]
    new += [each for each in find_companions(conn, forms[0], deadline) if not is_held(each, before)]
    return GrantsSnapshot(forms[0].role, added=tuple(new))


def snapshot_of_revocation(
    conn: Connection, grant: Grant, before: Iterable[Grant], deadline: Deadline
) -> GrantsSnapshot:
    """What a revocation takes of what a role held before."""
    others = find_companions(conn, grant, deadline)
    members: Groups = {}
    with suppress(MilvusException):  # then nobody can tell whether it holds something else later
        members = read_groups_for(conn, [grant.privilege], deadline)
    held = tuple((name, tuple(sorted(members[name]))) for name in members if name == grant.privilege)
    return GrantsSnapshot(grant.role, taken=(grant, *(each for each in before if each in others)), members=held)


def read_plain_grants(conn: Connection, wanted: Sequence[Grant], deadline: Deadline) -> list[Grant]:
    """What the role of some grants holds, without grantors; PermissionDeniedError if the caller may not look."""
    return [replace(grant, grantor="") for grant in select_grants_of_role(conn, wanted, deadline)]


def is_held(wanted: Grant, grants: Iterable[Grant]) -> bool:
    """Whether one of these grants is the wanted one, under whatever name and type the server keeps it."""
    return any(is_same_grant(wanted, each) for each in grants)


def restore_grants(conn: Connection, snapshot: GrantsSnapshot, *, timeout: float | None = None) -> RestoredGrants:
    """Take back a change of a role's grants: what it gave is revoked, and what it took is granted.

    What others changed meanwhile stays as it is; running it again goes on where it stopped.

    Args:
        conn: a connection whose user may do so (ManageOwnership), and may look (SelectOwnership).
        snapshot: what the change gave and took, as its `Change` says.

    Raises:
        UnknownRoleError: the role is gone.
        PermissionDeniedError: the caller may not look, or not change it.
        MilvusException: the text says what is restored and what is not.
    """
    deadline, role, done = Deadline(timeout), snapshot.role, list[Step]()
    subject = f"what role {role!r} held before"
    with change.attempt(conn, "restore_grants", role, subject, "restored", deadline) as attempt:
        present = _read_present(conn, snapshot, deadline)
        wanted = _find_wanted(snapshot, present)
        superfluous = _without(present, wanted)
        missing = _without(wanted, present)
        changed = _describe_changed_groups(conn, snapshot, missing, deadline)
        run_steps(attempt, [_revocation(conn, grant, deadline) for grant in leading(conn, superfluous, deadline)], done)
        # Some come and go with others, so it is looked at once more where they may have.
        with report_steps(done):
            if missing or _may_go_along(conn, superfluous, wanted, deadline):
                missing = _without(wanted, _read_present(conn, snapshot, deadline))
        run_steps(attempt, [_regrant(conn, grant, deadline) for grant in missing], done)
        with report_steps(done):
            others = [each for grant in missing for each in find_companions(conn, grant, deadline)]
            present = _read_present(conn, snapshot, deadline) if others else []
        brought = [grant for grant in present if is_held(grant, others)]
        run_steps(attempt, [_revocation(conn, grant, deadline) for grant in _without(brought, wanted)], done)
        attempt.outcome = "done"
    made = (grants_of(done, granted=True), grants_of(done, granted=False))
    return RestoredGrants(role, conn.address.url, *made, changed)


def _may_go_along(conn: Connection, revoked: Sequence[Grant], wanted: Sequence[Grant], deadline: Deadline) -> bool:
    """Whether something that is to stay may go with what is revoked."""
    others = [each for grant in revoked for each in find_companions(conn, grant, deadline)]
    return any(is_held(each, wanted) for each in others)


def preview_restore_grants(conn: Connection, snapshot: GrantsSnapshot, *, timeout: float | None = None) -> Preview:
    """What `restore_grants` would do."""
    deadline, role = Deadline(timeout), snapshot.role
    present = _read_present(conn, snapshot, deadline)
    wanted = _find_wanted(snapshot, present)
    missing, superfluous = _without(wanted, present), _without(present, wanted)
    deeds = grant_deeds_text(("grant", "revoke"), f"the role {name_text(role)}", missing, superfluous)
    own = lookup.is_own_role(conn, role, deadline) if superfluous else False
    note = "the user you are connected as holds this role" if own else ""
    changed = _describe_changed_groups(conn, snapshot, missing, deadline)
    lacking = missing_right_note(conn, wire.METHODS["OperatePrivilege"].privilege, deadline)
    idle = "" if deeds else f"The role {name_text(role)} holds what it held before"
    return Preview(deeds, conn.address.url, note=note, caution=join_parts(changed, lacking), idle=idle)


def _describe_changed_groups(
    conn: Connection, snapshot: GrantsSnapshot, missing: Sequence[Grant], deadline: Deadline
) -> str:
    """Say which groups that are granted again hold something else now; raise for one that is gone."""
    names = dict.fromkeys(grant.privilege for grant in missing)
    groups, held, notes = read_groups_for(conn, names, deadline), dict(snapshot.members), list[str]()
    for name in names:
        if name in held:
            require_known_privilege(conn, name, groups, deadline)
        before, now = held.get(name), tuple(sorted(groups.get(name, ())))
        if before is not None and name in groups and now != before:
            has, had = (", ".join(map(printable, each)) or "nothing" for each in (now, before))
            notes.append(f"note that the group {name_text(name)} holds {has} now; when it was revoked, it held {had}")
    return join_parts(*notes)


def leading(conn: Connection, grants: Sequence[Grant], deadline: Deadline) -> list[Grant]:
    """Those of some grants that don't go by themselves when others of them are revoked."""
    followers = [each for grant in grants for each in find_companions(conn, grant, deadline)]
    return _without(grants, followers)


def _read_present(conn: Connection, snapshot: GrantsSnapshot, deadline: Deadline) -> list[Grant]:
    """What a role holds, which must exist."""
    lookup.require_roles(conn, [snapshot.role], deadline)
    return read_plain_grants(conn, [*snapshot.added, *snapshot.taken], deadline)


def _find_wanted(snapshot: GrantsSnapshot, present: Sequence[Grant]) -> list[Grant]:
    """What a role should hold: what it holds, without what the change gave, and with what it took."""
    kept = [grant for grant in present if not is_given_by(grant, snapshot)]
    return [*kept, *_without(snapshot.taken, kept)]


def is_given_by(grant: Grant, snapshot: GrantsSnapshot) -> bool:
    """Whether a listed grant is one that a change gave, under whatever name and type it was asked for."""
    return any(is_same_grant(added, grant) for added in snapshot.added)


def _without(grants: Iterable[Grant], others: Sequence[Grant]) -> list[Grant]:
    """Those that are not among others, as servers list both: of the same name and type."""
    return [grant for grant in grants if grant not in others]


def _revocation(conn: Connection, grant: Grant, deadline: Deadline) -> Step:
    return Step(grant, False, partial(revoke_listed_grant, conn, grant, deadline))


def _regrant(conn: Connection, grant: Grant, deadline: Deadline) -> Step:
    return Step(grant, True, partial(restore_grant, conn, grant, deadline))
