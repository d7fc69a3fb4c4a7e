"""What a change would do, found out by reading only: `--dry-run`, and the warnings before a change that weakens.

What deleting a user or dropping a role would do is in `deletion.py` and `dropping.py`. Unlike elsewhere, nothing here
is left out of a list: the effect is told as a whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from milvus_magics.client import (
    lookup,
    password_check,
    privilege_catalog,
    privilege_groups,
    privileges,
    role_deletion,
    users,
)
from milvus_magics.client.names import (
    did_you_mean,
    problem_with_existing_name,
    problem_with_password,
    problem_with_role_name,
    problem_with_user_name,
    require,
)
from milvus_magics.client.privilege_catalog import KNOWN, Scope
from milvus_magics.client.results.users import Told, roles_in_words
from milvus_magics.errors import (
    GroupExistsError,
    InUseError,
    NotGrantedError,
    PermissionDeniedError,
    RoleExistsError,
    UserExistsError,
    printable,
)
from milvus_magics.transport import call_errors
from milvus_magics.transport.deadline import Deadline

if TYPE_CHECKING:
    from milvus_magics.secret import Secret
    from milvus_magics.transport.connection import Connection

DESCRIPTIONS_SINCE = (2, 6, 19)


@dataclass(frozen=True, repr=False)
class Preview(Told):
    """What a change would do. Nothing was changed.

    Attributes:
        what: the change, as in "give role 'reader' to user 'bob'".
        server: where.
        warning: what would be lost that may not be meant; it wants to be confirmed.
        note: what else is known, or cannot be known before.
    """

    what: str
    server: str
    warning: str = ""
    note: str = ""

    def __str__(self) -> str:
        return "; ".join(filter(None, (f"would {self.what} on {self.server}", self.warning, self.note)))


def preview_create_user(
    conn: Connection,
    user: str,
    password: Secret | None = None,
    *,
    grant: Sequence[str] = (),
    timeout: float | None = None,
) -> Preview:
    """What `create_user` would do; raises what it would raise as far as that can be read."""
    problem = problem_with_user_name(user) or (problem_with_password(password) if password else None)
    require(problem)
    deadline = Deadline(timeout)
    missing = users.begun(conn, user, password, tuple(grant), deadline) if password and grant else ()
    if missing:
        what = f"give {roles_in_words(missing)} to user {user!r}, who is there already, with this password,"
        return Preview(what, conn.address.url)
    lookup.require_roles(conn, grant, deadline)
    note = ""
    try:
        if user in conn.checked("ListCredUsers", deadline=deadline).usernames:
            hint = "; with their password, the roles that they lack would be given" if grant and not password else ""
            raise UserExistsError(f"user {user!r} exists already on {conn.address.url}; nothing was changed{hint}")
    except PermissionDeniedError:
        note = "whether there is such a user already cannot be seen without the privilege SelectOwnership"
    return Preview(f"create user {user!r} with {roles_in_words(tuple(grant))}", conn.address.url, note=note)


def preview_update_password(
    conn: Connection, user: str, old_password: Secret | None = None, *, timeout: float | None = None
) -> Preview:
    """What `update_password` and `reset_password` would do; the old password is checked where that writes nothing."""
    require(problem_with_existing_name(user))
    deadline = Deadline(timeout)
    checked = "the old password was not looked into"
    if old_password:
        right = password_check.check(conn, user, old_password, deadline, may_rewrite=False).right
        if right is False:
            raise password_check.why_wrong(conn, user, deadline)
        checked = "the old password is right" if right else "this server shows only by a change whether it is right"
    elif user != conn.user:
        lookup.require_user(conn, user, deadline)
    own = "this connection would go on with the new one" if user == conn.user else ""
    note = "; ".join(filter(None, (own, checked)))
    return Preview(f"change the password of user {user!r}", conn.address.url, note=note)


def preview_create_role(conn: Connection, role: str, *, timeout: float | None = None) -> Preview:
    """What `create_role` would do."""
    require(problem_with_role_name(role))
    names = lookup.require_roles(conn, [], Deadline(timeout))
    if role in names:
        raise RoleExistsError(f"role {role!r} exists already on {conn.address.url}; nothing was changed")
    note = "" if names else "whether there is such a role already cannot be seen without the privilege SelectOwnership"
    return Preview(f"create role {role!r}", conn.address.url, note=note)


def preview_alter_role(conn: Connection, role: str, description: str, *, timeout: float | None = None) -> Preview:
    """What `alter_role` would do."""
    require(problem_with_existing_name(role, "role"))
    deadline = Deadline(timeout)
    lookup.require_roles(conn, [role], deadline)
    if lookup.is_before(conn, DESCRIPTIONS_SINCE, deadline):
        raise call_errors.too_old("AlterRole", conn.address, conn.version)
    role_deletion.require_not_built_in(role, "changed")
    return Preview(f"describe role {role!r} as {description!r}", conn.address.url)


def preview_grant_role(conn: Connection, user: str, role: str, *, timeout: float | None = None) -> Preview:
    """What `grant_role` would do."""
    held = _held_by(conn, user, role, Deadline(timeout))
    note = "they have it already, so nothing would change" if role in (held or ()) else ""
    return Preview(f"give role {role!r} to user {user!r}, who has {roles_in_words(held)},", conn.address.url, note=note)


def preview_revoke_role(conn: Connection, user: str, role: str, *, timeout: float | None = None) -> Preview:
    """What `revoke_role` would do; warns where it is one's own, or the last `admin`."""
    deadline = Deadline(timeout)
    held = _held_by(conn, user, role, deadline)
    if held is not None and role not in held:
        raise NotGrantedError(
            f"user {user!r} does not have role {role!r}; they have {roles_in_words(held)}; nothing was changed"
        )
    warnings = []
    if user == conn.user:
        warnings.append("this is the user you are connected as, who would lose what the role holds")
    if role == "admin" and lookup.holders(conn, role, deadline) == (user,):
        warnings.append("this is the last user with the role 'admin'")
    what = f"take role {role!r} from user {user!r}, who has {roles_in_words(held)},"
    return Preview(what, conn.address.url, "; ".join(warnings))


def preview_grant_privilege(
    conn: Connection, role: str, privilege: str, scope: Scope, *, timeout: float | None = None
) -> Preview:
    """What `grant_privilege` would do. Whether the server knows the privilege is seen only by granting it."""
    deadline = Deadline(timeout)
    _require_grant(conn, role, privilege, scope, deadline)
    grant = privileges.ways(conn, role, privilege, scope, deadline)[0]
    notes = []
    if privilege not in KNOWN:
        hint = did_you_mean(privilege, KNOWN)
        notes.append(f"whether the server knows a privilege {privilege!r} is seen only by granting it{hint}")
    try:
        if privileges.holds(conn, grant, deadline):
            notes.append("it has that already, so nothing would change")
    except PermissionDeniedError:
        pass
    notes.append(privileges.missing_target(conn, grant, deadline))
    return Preview(f"grant {grant} to role {role!r}", conn.address.url, note="; ".join(filter(None, notes)))


def preview_revoke_privilege(
    conn: Connection, role: str, privilege: str, scope: Scope, *, timeout: float | None = None
) -> Preview:
    """What `revoke_privilege` would do; warns where it is one's own role."""
    deadline = Deadline(timeout)
    _require_grant(conn, role, privilege, scope, deadline)
    grant = privileges.require_held(conn, privileges.ways(conn, role, privilege, scope, deadline), deadline)
    own = lookup.is_own_role(conn, role, deadline)
    warning = "the user you are connected as holds this role, and would lose that" if own else ""
    note = _who_would_lose(role, lookup.holders(conn, role, deadline))
    return Preview(f"revoke {grant} from role {role!r}", conn.address.url, warning, note)


def _who_would_lose(role: str, holders: Sequence[str] | None) -> str:
    if role == "public":
        return "everybody would lose it"
    if holders is None:
        return "who would lose it cannot be seen without the privilege SelectOwnership"
    return f"{len(holders) or 'nobody'}{' user' if holders else ''}{'s' if len(holders) > 1 else ''} would lose it"


def is_own_role(conn: Connection, role: str, *, timeout: float | None = None) -> bool:
    """Whether the acting user holds a role, as everybody does `public`; root needs none."""
    return lookup.is_own_role(conn, role, Deadline(timeout))


def is_own_group(conn: Connection, group: str, *, timeout: float | None = None) -> bool:
    """Whether a role that the acting user holds was granted a group of privileges; root needs none."""
    if conn.user in ("", "root"):
        return False
    deadline = Deadline(timeout)
    own = {"public", *lookup.own_roles(conn, deadline)}
    return bool(_roles_with(conn, group, sorted(own), deadline))


def _roles_with(conn: Connection, privilege: str, names: Sequence[str], deadline: Deadline) -> list[str]:
    """Those of the roles that hold a privilege or a group, wherever."""
    grants = privileges.select(conn, names, privileges.databases(conn, deadline)[0], deadline)
    return sorted({grant.role for grant in grants if grant.privilege == privilege})


def preview_create_privilege_group(conn: Connection, group: str, *, timeout: float | None = None) -> Preview:
    """What `create_privilege_group` would do."""
    require(problem_with_existing_name(group, "group"))
    if group in [row.name for row in privilege_groups.list_privilege_groups(conn, timeout=timeout)]:
        raise GroupExistsError(f"privilege group {group!r} exists already; nothing was changed")
    return Preview(f"create privilege group {group!r}", conn.address.url)


def preview_drop_privilege_group(conn: Connection, group: str, *, timeout: float | None = None) -> Preview:
    """What `drop_privilege_group` would do; a group that is in use is refused, as far as the caller may look."""
    deadline = Deadline(timeout)
    held = privilege_groups.members(conn, group, deadline)
    names = lookup.require_roles(conn, [], deadline)
    users_of_it = _roles_with(conn, group, names, deadline) if names else []
    if users_of_it:
        raise InUseError(
            f"privilege group {group!r} cannot be dropped: it is granted to {', '.join(map(repr, users_of_it))}; "
            "nothing was changed"
        )
    unseen = "" if names else "whether a role holds it, so that it is refused, cannot be seen without SelectOwnership"
    named = ", ".join(map(printable, held or ())) or "nothing"
    holds = "unknown privileges (the acting user may not look)" if held is None else named
    what = f"drop privilege group {group!r}, which holds {holds},"
    note = "it cannot be undone: a new one would have to be filled by hand"
    return Preview(what, conn.address.url, note="; ".join(filter(None, (unseen, note))))


def preview_change_privilege_group(
    conn: Connection, group: str, names: Sequence[str], *, added: bool, timeout: float | None = None
) -> Preview:
    """What `add_privileges_to_group` and `remove_privileges_from_group` would do."""
    held = privilege_groups.members(conn, group, Deadline(timeout))
    wanted = list(dict.fromkeys(names))
    effective = [name for name in wanted if held is None or (name in held) is not added]
    absent = next((name for name in wanted if name not in effective), None)
    if absent is not None and not added:
        raise NotGrantedError(f"privilege group {group!r} does not hold {absent!r}; nothing was changed")
    notes = ["what the group holds cannot be seen by the acting user"] if held is None else []
    strange = next((name for name in effective if name not in KNOWN), None)
    if strange is not None and added:
        hint = did_you_mean(strange, KNOWN)
        notes.append(f"whether the server knows a privilege {strange!r} is seen only by adding it{hint}")
    deed = "add {} to" if added else "remove {} from"
    what = f"{deed.format(', '.join(map(printable, effective)) or 'nothing new')} privilege group {group!r}"
    own = not added and is_own_group(conn, group, timeout=timeout)
    warning = "a role of the user you are connected as holds this group, and they would lose that" if own else ""
    return Preview(what, conn.address.url, warning, "; ".join(notes))


def _held_by(conn: Connection, user: str, role: str, deadline: Deadline) -> tuple[str, ...] | None:
    """The roles of a user; both they and the role must exist."""
    require(problem_with_existing_name(user) or problem_with_existing_name(role, "role"))
    held = lookup.roles_of_existing(conn, user, deadline)
    lookup.require_roles(conn, [role], deadline)
    return held


def _require_grant(conn: Connection, role: str, privilege: str, scope: Scope, deadline: Deadline) -> None:
    require(
        problem_with_existing_name(role, "role")
        or problem_with_existing_name(privilege, "privilege")
        or privilege_catalog.problem_with(privilege, scope)
    )
    lookup.require_roles(conn, [role], deadline)
