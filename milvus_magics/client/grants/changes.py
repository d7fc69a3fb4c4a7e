"""Several grants of one role as one change, which one undo takes back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import NamedTuple

from milvus_magics.client import change, lookup, privileges
from milvus_magics.client.grants import targets
from milvus_magics.client.grants.listing import missing_target_note
from milvus_magics.client.grants.losses import describe_kept, describe_loss
from milvus_magics.client.grants.scope import require_known_database
from milvus_magics.client.grants.steps import Step, grants_of, report_steps, run_steps
from milvus_magics.client.grants.undo import is_held, leading, snapshot_of_grant, snapshot_of_revocation
from milvus_magics.client.names import require_valid
from milvus_magics.client.own_rights import missing_right_note
from milvus_magics.client.privilege_catalog import Scope
from milvus_magics.client.results.previews import Preview
from milvus_magics.client.results.privileges import Grant, GrantChange, GrantsChange, GrantsSnapshot, grant_deeds_text
from milvus_magics.client.rights.concerns import note_on_grant
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline
from milvus_magics.wording import join_parts, name_text


class PrivilegeOn(NamedTuple):
    """A privilege and on what; each as `grant_privilege` takes it."""

    privilege: str
    collection: str | None = None
    db: str | None = None
    object_type: str | None = None
    object_name: str | None = None

    @property
    def scope(self) -> Scope:
        """On what it is."""
        return Scope(*self[1:])


class _Plan(NamedTuple):
    """What has to be done, in this order, and what the role holds. `listed` is None if the caller may not look."""

    revoked: list[tuple[PrivilegeOn, Grant]]
    granted: list[tuple[PrivilegeOn, Grant]]
    listed: list[Grant] | None
    notes: tuple[str, ...]

    @property
    def grants(self) -> tuple[list[Grant], list[Grant]]:
        """The grants that are made, and those that are revoked."""
        return [grant for _, grant in self.granted], [grant for _, grant in self.revoked]

    @property
    def listed_after(self) -> list[Grant] | None:
        """What the role held or is given, for what it keeps of what is revoked."""
        return None if self.listed is None else [*self.listed, *self.grants[0]]


def on_listed(grant: Grant) -> PrivilegeOn:
    """What to revoke so that exactly this grant goes, as it is listed."""
    return PrivilegeOn(grant.privilege, None, grant.db, grant.object_type, grant.object_name)


def change_grants(
    conn: Connection,
    role: str,
    granted: Iterable[PrivilegeOn] = (),
    revoked: Iterable[PrivilegeOn] = (),
    *,
    timeout: float | None = None,
) -> GrantsChange:
    """Give a role privileges and take others, as one change. All is checked before anything is sent.

    What is taken goes first, so that the role never holds more than before or after; it stops at the first error.

    Args:
        conn: a connection whose user may do so (the privilege ManageOwnership).
        role: whose grants.
        granted: what it is given; a plain tuple will do, like `("Search", "docs")`.
        revoked: what is taken; `on_listed` makes it of a grant that is listed.

    Raises:
        ParameterError, UnknownPrivilegeError, NotGrantedError: as `grant_privilege` and `revoke_privilege`, for the
            first one that is wrong; nothing was changed.
        UnknownRoleError: there is no such role.
        MilvusException: the text says what is done and what is not.
    """
    deadline = Deadline(timeout)
    given, taken = _valid_wishes(role, granted, revoked)
    subject = f"the change of what role {role!r} holds"
    with change.attempt(conn, "change_grants", role, subject, "made", deadline, is_deletion=True) as attempt:
        plan, done = _make_plan(conn, role, given, taken, deadline), list[Step]()
        steps = _Steps(conn, attempt, role, plan, deadline)
        how = conn.on_change.undo_text("change_grants")
        changes = run_steps(attempt, steps.to_revoke_first(), done, how)
        with report_steps(done, how):
            others = steps.to_revoke_then()
        changes += run_steps(attempt, others, done, how)
        changes += run_steps(attempt, steps.to_grant(), done, how)
        attempt.outcome = "done"
    gone = [*plan.grants[1], *_along(conn, plan.grants[1], plan, deadline, gone=True)]
    kept = describe_kept(conn, gone, plan.listed_after, deadline) if gone else ""
    notes = dict.fromkeys([*(each.note for each in changes), kept])
    made = (grants_of(done, granted=True), tuple(grant for _, grant in plan.revoked))
    return GrantsChange(role, conn.address.url, *made, join_parts(attempt.note, *notes))


def preview_change_grants(
    conn: Connection,
    role: str,
    granted: Iterable[PrivilegeOn] = (),
    revoked: Iterable[PrivilegeOn] = (),
    *,
    timeout: float | None = None,
) -> Preview:
    """What `change_grants` would do; warns if it takes something from the acting user's own role."""
    deadline = Deadline(timeout)
    plan = _make_plan(conn, role, *_valid_wishes(role, granted, revoked), deadline)
    given, taken = plan.grants
    gone = _along(conn, taken, plan, deadline, gone=True)
    own = bool(taken) and lookup.is_own_role(conn, role, deadline)
    warning = "the user you are connected as holds this role, and will lose that" if own else ""
    places = {(grant.object_type, grant.object_name, grant.db): grant for grant in given}.values()
    notes = [
        *plan.notes,
        targets.describe_others(_along(conn, given, plan, deadline), "granted with it"),
        targets.describe_others(gone, "gone with it"),
        targets.unseen_note(plan.listed) if taken else "",
        *(missing_target_note(conn, grant, deadline) for grant in places),
        *(note_on_grant(conn, grant, deadline) for grant in given),
        describe_loss(conn, role, [*taken, *gone], plan.listed_after, deadline) if taken else "",
    ]
    what = grant_deeds_text(("grant", "revoke"), f"the role {name_text(role)}", given, taken)
    lacking = missing_right_note(conn, privileges.MAY_GRANT, deadline)
    idle = "" if what else f"The role {name_text(role)} holds all of that already"
    return Preview(what, conn.address.url, warning, join_parts(*dict.fromkeys(notes)), lacking, idle)


class _Steps:
    """The steps of a plan. What each of them will give or take is remembered before it is tried."""

    def __init__(self, conn: Connection, attempt: change.Attempt, role: str, plan: _Plan, deadline: Deadline) -> None:
        self._conn, self._attempt, self._role, self._plan, self._deadline = conn, attempt, role, plan, deadline
        self._snapshot = GrantsSnapshot(role)
        self._present = list(plan.listed or ())

    def to_revoke_first(self) -> list[Step]:
        """Those revocations that don't come by themselves with others."""
        first = leading(self._conn, self._plan.grants[1], self._deadline)
        return [self._step(wish, grant, False) for wish, grant in self._plan.revoked if grant in first]

    def to_revoke_then(self) -> list[Step]:
        """The other revocations that are still to be made."""
        first = leading(self._conn, self._plan.grants[1], self._deadline)
        others = [(wish, grant) for wish, grant in self._plan.revoked if grant not in first]
        if not others:
            return []
        listed = targets.select_grants_if_permitted(self._conn, [grant for _, grant in others], self._deadline)
        return [self._step(wish, grant, False) for wish, grant in others if listed is None or grant in listed]

    def to_grant(self) -> list[Step]:
        """What is given."""
        return [self._step(wish, grant, True) for wish, grant in self._plan.granted]

    def _step(self, wish: PrivilegeOn, grant: Grant, is_granted: bool) -> Step:
        return Step(grant, is_granted, partial(self._run, wish, grant, is_granted))

    def _run(self, wish: PrivilegeOn, grant: Grant, is_granted: bool) -> GrantChange:
        self._remember(grant, is_granted)
        left = Deadline(self._deadline.remaining(self._conn.address.url))
        return privileges.operate_grant(
            self._conn, self._role, wish.privilege, wish.scope, left, granted=is_granted, is_part=True
        )

    def _remember(self, grant: Grant, is_granted: bool) -> None:
        if self._plan.listed is None or self._conn.on_change.restorer is None:
            return  # what it held is not known, or nobody would undo it
        if is_granted:
            step = snapshot_of_grant(self._conn, [grant], self._present, self._deadline)
        else:
            step = snapshot_of_revocation(self._conn, grant, self._present, self._deadline)
        self._present = [each for each in (*self._present, *step.added) if each not in step.taken]
        self._snapshot += step
        if self._attempt.undo_record is not None:
            self._attempt.undo_record = self._snapshot
        elif self._snapshot.added or self._snapshot.taken:
            self._attempt.remember(self._snapshot)


def _valid_wishes(
    role: str, granted: Iterable[PrivilegeOn], revoked: Iterable[PrivilegeOn]
) -> tuple[list[PrivilegeOn], list[PrivilegeOn]]:
    """What is given and what is taken, each once, after checking the names."""
    given, taken = (list(dict.fromkeys(PrivilegeOn(*wish) for wish in wishes)) for wishes in (granted, revoked))
    require_valid(None if given or taken else "nothing is named that should be granted or revoked")
    for wishes, is_granted in ((given, True), (taken, False)):
        for wish in wishes:
            privileges.require_valid_grant(role, wish.privilege, wish.scope, granted=is_granted)
    return given, taken


def _make_plan(
    conn: Connection, role: str, given: Sequence[PrivilegeOn], taken: Sequence[PrivilegeOn], deadline: Deadline
) -> _Plan:
    """What has to be done, if all of it can be."""
    lookup.require_roles(conn, [role], deadline)
    asked = [(wish, privileges.read_forms(conn, role, wish.privilege, wish.scope, deadline, granted=False)[0])
             for wish in taken]  # fmt: skip
    granted, notes = [], []
    for wish in given:
        forms, unsure = privileges.read_forms(conn, role, wish.privilege, wish.scope, deadline, granted=True)
        require_known_database(conn, forms[0], deadline)
        forms, aliased = targets.follow_alias(conn, forms, deadline)
        granted.append((wish, forms[0]))
        notes += [unsure, aliased]
    forms = [*(grant for _, asked_forms in asked for grant in asked_forms), *(grant for _, grant in granted)]
    listed = targets.select_grants_if_permitted(conn, forms, deadline)
    revoked = [(wish, _find_listed(conn, wish, asked_forms, listed, deadline)) for wish, asked_forms in asked]
    both = next((grant for _, grant in granted if is_held(grant, [each for _, each in revoked])), None)
    require_valid(f"{both} is both to be granted and to be revoked" if both else None)
    return _Plan(revoked, granted, listed, tuple(notes))


def _find_listed(
    conn: Connection, wish: PrivilegeOn, forms: Sequence[Grant], listed: Sequence[Grant] | None, deadline: Deadline
) -> Grant:
    """The grant that is meant, of those that the role holds."""
    has_type = wish.object_type is not None
    return targets.find_grants_to_revoke(conn, forms, listed, deadline, has_type=has_type)[0]


def _along(
    conn: Connection, grants: Sequence[Grant], plan: _Plan, deadline: Deadline, *, gone: bool = False
) -> list[Grant]:
    """What comes or goes together with some grants, and is not one of them."""
    others = [each for grant in grants for each in targets.find_companions(conn, grant, deadline)]
    if gone and plan.listed is not None:
        others = [each for each in others if each in plan.listed]
    return [each for each in dict.fromkeys(others) if each not in grants]
