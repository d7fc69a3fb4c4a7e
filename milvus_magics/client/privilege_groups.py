"""Groups of privileges, which servers have from Milvus 2.4.16 or 2.5 on."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from milvus_magics import errors, wire
from milvus_magics.client import change, lookup
from milvus_magics.client.grants.listing import find_holders, read_roles_with
from milvus_magics.client.grants.losses import describe_holders_of_group
from milvus_magics.client.grants.scope import read_groups_for, require_known_privilege, require_one_level
from milvus_magics.client.names import problem_with_existing_name, problem_with_group_name, require_valid
from milvus_magics.client.own_rights import missing_right_note
from milvus_magics.client.privilege_catalog import ALL_PRIVILEGES, KNOWN, OLD_GROUPS, USUAL_GROUPS
from milvus_magics.client.results.previews import Preview
from milvus_magics.client.results.privileges import GroupChange, PrivilegeGroup, PrivilegeGroups, sort_by_kind
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline
from milvus_magics.wording import count_text, did_you_mean, join_parts, name_text, printable


def list_privilege_groups(conn: Connection, *, timeout: float | None = None) -> PrivilegeGroups:
    """All groups of privileges, the server's own included. Needs the privilege ListPrivilegeGroups.

    Returns:
        The built-in ones, those of them that the server's settings changed (the caption says how), then the others.

    Raises:
        ServerTooOldError: the server has none (before 2.4.16 or 2.5).
    """
    deadline = Deadline(timeout)
    return sort_by_kind(_read(conn, deadline), lookup.read_version(conn, deadline))


def create_privilege_group(conn: Connection, group: str, *, timeout: float | None = None) -> GroupChange:
    """Create a group, which holds no privileges yet.

    Args:
        conn: a connection whose user may do so (the privilege CreatePrivilegeGroup).
        group: 1 to 255 bytes: a letter or `_`, then letters, digits, `_`.

    Raises:
        ParameterError: the name cannot be.
        GroupExistsError: there is such a group, or it is a privilege's name; nothing was changed.
        ServerTooOldError: the server has none (before 2.4.16 or 2.5).
        OutcomeUnknownError: the answer was lost, or there is such a group and the caller may not see whether there was
            before; the text says what is known.

    Behaviour: `Role.create_privilege_group` in Milvus's documentation.
    """
    require_valid(problem_with_group_name(group))
    _require_free_name(group)
    deadline = Deadline(timeout)
    subject, verb = f"privilege group {group!r}", "created"
    with change.attempt(conn, "create_privilege_group", group, subject, verb, deadline) as attempt:
        if _is_listed(conn, group, deadline):
            raise _group_exists_error(group)
        try:
            attempt.send(
                "CreatePrivilegeGroup",
                lambda until: _find(conn, group, until) is not None,
                repeated=errors.GroupExistsError,
                group_name=group,
            )
        except errors.GroupExistsError as exc:
            raise _group_exists_error(group) from exc
    return GroupChange(group, conn.address.url, f"created privilege group {group!r}", more="it is empty so far")


def drop_privilege_group(conn: Connection, group: str, *, timeout: float | None = None) -> GroupChange:
    """Drop a group. Unlike in pymilvus, an unknown one is an error.

    Args:
        conn: a connection whose user may do so (the privilege DropPrivilegeGroup).

    Raises:
        UnknownPrivilegeError: there is no such group.
        ParameterError: it is one of Milvus's own, which a server says to have dropped and keeps; nothing was sent.
        InUseError: it is granted to a role; nothing was changed.
        ServerTooOldError: the server has none (before 2.4.16 or 2.5).

    Behaviour: `Role.drop_privilege_group` in Milvus's documentation.
    """
    _require_own_name(group, "dropped")
    deadline = Deadline(timeout)
    subject, verb = f"privilege group {group!r}", "dropped"
    with change.attempt(conn, "drop_privilege_group", group, subject, verb, deadline) as attempt:
        members = _require(conn, group, deadline)
        try:
            attempt.send("DropPrivilegeGroup", lambda until: _find(conn, group, until) is None, group_name=group)
        except (errors.ParameterError, errors.InUseError) as exc:
            holders = None
            with suppress(errors.MilvusException):
                holders = find_holders(conn, group, deadline)
            raise _held_error(group, holders, exc.details) from exc
    held = f"it held {', '.join(map(printable, members))}" if members else ""
    return GroupChange(group, conn.address.url, f"dropped privilege group {group!r}", more=held)


def add_privileges_to_group(
    conn: Connection, group: str, privileges: Sequence[str], *, timeout: float | None = None
) -> GroupChange:
    """Put privileges of one level into a group.

    Args:
        conn: a connection whose user may do so (the privilege OperatePrivilegeGroup).
        privileges: names of privileges, all on collections, or on databases, or on the cluster.

    Raises:
        UnknownPrivilegeError: there is no such group or privilege; nothing was changed.
        ParameterError: the group is one of Milvus's own; nothing was sent.
        ServerTooOldError: the server has none (before 2.4.16 or 2.5).

    Behaviour: `Role.add_privileges_to_group` in Milvus's documentation.
    """
    return _operate(conn, group, privileges, Deadline(timeout), added=True)


def remove_privileges_from_group(
    conn: Connection, group: str, privileges: Sequence[str], *, timeout: float | None = None
) -> GroupChange:
    """Take privileges out of a group. One that is not in it is an error.

    Args:
        conn: a connection whose user may do so (the privilege OperatePrivilegeGroup).
        privileges: names of privileges that it holds.

    Raises:
        NotGrantedError: the group does not hold one of them; nothing was changed.
        UnknownPrivilegeError: there is no such group.
        ParameterError: the group is one of Milvus's own; nothing was sent.
        ServerTooOldError: the server has none (before 2.4.16 or 2.5).

    Behaviour: `Role.remove_privileges_from_group` in Milvus's documentation.
    """
    return _operate(conn, group, privileges, Deadline(timeout), added=False)


def _operate(
    conn: Connection, group: str, privileges: Sequence[str], deadline: Deadline, *, added: bool
) -> GroupChange:
    wanted = _valid_names(group, privileges)
    way = "added to" if added else "removed from"

    def is_done(until: Deadline) -> bool | None:
        members = _find(conn, group, until)
        return None if members is None else all((name in members) is added for name in wanted)

    operation = "add_privileges_to_group" if added else "remove_privileges_from_group"
    kind = "AddPrivilegesToGroup" if added else "RemovePrivilegesFromGroup"
    target, subject = f"{group} {'+' if added else '-'} {', '.join(wanted)}", ", ".join(wanted)
    with change.attempt(conn, operation, target, subject, f"{way} {group!r}", deadline) as attempt:
        held = _require_members(conn, group, () if added else wanted, deadline) or ()
        unsure = require_addable(conn, wanted, deadline) if added else ""
        try:
            attempt.send(
                "OperatePrivilegeGroup",
                is_done,
                group_name=group,
                privileges=[{"name": name} for name in wanted],
                type=wire.enum_value("OperatePrivilegeGroupType", kind),
            )
        except (errors.ParameterError, errors.UnknownPrivilegeError) as exc:
            text = f"the server does not take {', '.join(wanted)} into privilege group {group!r}; the server says: "
            raise errors.UnknownPrivilegeError(text + exc.details, outcome=errors.NOTHING_CHANGED) from exc
    what, had = _describe_new(wanted, held) if added else (", ".join(map(printable, wanted)), "")
    text = f"{what or 'nothing new'} {way} privilege group {group!r}"
    return GroupChange(group, conn.address.url, text, join_parts(unsure, had))


def _describe_new(wanted: Sequence[str], held: Sequence[str]) -> tuple[str, str]:
    """What is new to a group of what is put into it, and a note about the rest."""
    new, old = (", ".join(printable(name) for name in wanted if (name in held) is had) for had in (False, True))
    return new, f"it holds {old} already" if old else ""


def require_addable(conn: Connection, names: Sequence[str], deadline: Deadline) -> str:
    """Raise for what is no privilege on the server; return what is unsure about the names."""
    groups = read_groups_for(conn, names, deadline)
    return join_parts(*(require_known_privilege(conn, name, groups, deadline, to_the_letter=True) for name in names))


def _valid_names(group: str, privileges: Sequence[str]) -> list[str]:
    """The privileges, each once, after checking the names of them and of their group."""
    wanted = list(dict.fromkeys(privileges))
    _require_own_name(group, "changed")
    require_valid(None if wanted else "no privileges are named")
    for name in wanted:
        require_valid(problem_with_existing_name(name, "privilege"))
    return wanted


def _require_free_name(group: str) -> None:
    """Raise if no group can have this name, whatever the server has."""
    require_valid(problem_with_existing_name(group, "group"))
    if group in KNOWN | OLD_GROUPS:
        raise _group_exists_error(group)


def _require_own_name(group: str, deed: str) -> None:
    """Raise if this is no group, or one of Milvus's own: of dropping those, servers say that it is done."""
    require_valid(problem_with_existing_name(group, "group"))
    is_built_in = group in USUAL_GROUPS
    require_valid(f"privilege group {group!r} cannot be {deed}: it is one of Milvus's own" if is_built_in else None)


def _require_members(conn: Connection, group: str, needed: Sequence[str], deadline: Deadline) -> tuple[str, ...] | None:
    """What a group holds, which must include the needed privileges. None if the caller may not look."""
    members = _require(conn, group, deadline)
    missing = next((name for name in needed if members is not None and name not in members), None)
    if missing is not None:
        raise errors.NotGrantedError(
            f"privilege group {group!r} does not hold {missing!r}; it holds {', '.join(members or ()) or 'nothing'}",
            outcome=errors.NOTHING_CHANGED,
        )
    return members


def _read(conn: Connection, deadline: Deadline) -> PrivilegeGroups:
    reply = conn.call_checked("ListPrivilegeGroups", deadline=deadline)
    rows = [
        PrivilegeGroup(group.group_name, tuple(sorted(privilege.name for privilege in group.privileges)))
        for group in reply.privilege_groups
    ]
    rows.sort(key=lambda row: row.name)
    return PrivilegeGroups(rows, f"{count_text(len(rows), 'privilege group')} on {conn.address.url}")


def _find(conn: Connection, group: str, deadline: Deadline) -> tuple[str, ...] | None:
    """What a group holds. None if there is no such group."""
    return next((row.privileges for row in _read(conn, deadline) if row.name == group), None)


def _is_listed(conn: Connection, group: str, deadline: Deadline) -> bool | None:
    """Whether the server lists a group; None if the caller may not look."""
    try:
        return _find(conn, group, deadline) is not None
    except (errors.PermissionDeniedError, errors.ServerTooOldError):
        return None


def _group_exists_error(group: str) -> errors.GroupExistsError:
    return errors.GroupExistsError(
        f"privilege group {group!r} exists already, or has the name of a privilege",
        outcome=errors.NOTHING_CHANGED,
    )


def _require(conn: Connection, group: str, deadline: Deadline) -> tuple[str, ...] | None:
    """What a group holds, which must exist. None if the caller may not look."""
    try:
        rows = _read(conn, deadline)
    except errors.PermissionDeniedError:
        return None
    found = next((row.privileges for row in rows if row.name == group), None)
    if found is None:
        names = [row.name for row in rows]
        hint = did_you_mean(group, names)
        there_are = f"; there are: {', '.join(names)}" if names and not hint else ""
        raise errors.UnknownPrivilegeError(
            f"there is no privilege group {group!r} on {conn.address.url}{hint}{there_are}",
            outcome=errors.NOTHING_CHANGED,
        )
    return found


def _held_error(group: str, holders: Sequence[str] | None, says: str = "") -> errors.InUseError:
    """The error for a group that is held: by which roles, or what the server says."""
    unseen = f"a role holds it, or it is the server's own; the server says: {says}"
    why = f"it is granted to {', '.join(map(repr, holders))}" if holders else unseen
    return errors.InUseError(f"privilege group {group!r} cannot be dropped: {why}", outcome=errors.NOTHING_CHANGED)


def is_own_group(conn: Connection, group: str, *, timeout: float | None = None) -> bool:
    """Whether the acting user holds a privilege group by one of their roles; root needs none."""
    if conn.user in ("", "root"):
        return False
    deadline = Deadline(timeout)
    own = {"public", *lookup.read_own_roles(conn, deadline)}
    return bool(read_roles_with(conn, group, sorted(own), deadline))


def preview_create_privilege_group(conn: Connection, group: str, *, timeout: float | None = None) -> Preview:
    """What `create_privilege_group` would do."""
    require_valid(problem_with_group_name(group))
    _require_free_name(group)
    deadline = Deadline(timeout)
    unseen, groups = "", PrivilegeGroups([], "")
    try:
        groups = _read(conn, deadline)
    except errors.PermissionDeniedError:
        may_list = wire.METHODS["ListPrivilegeGroups"].privilege
        unseen = f"whether there is such a group already cannot be seen without the privilege {may_list}"
    if group in {ALL_PRIVILEGES, *(name for row in groups for name in (row.name, *row.privileges))}:
        raise _group_exists_error(group)
    lacking = missing_right_note(conn, wire.METHODS["CreatePrivilegeGroup"].privilege, deadline)
    return Preview(f"create the privilege group {name_text(group)}", conn.address.url, note=unseen, caution=lacking)


def preview_drop_privilege_group(conn: Connection, group: str, *, timeout: float | None = None) -> Preview:
    """What `drop_privilege_group` would do; a group in use is refused if the caller may look."""
    _require_own_name(group, "dropped")
    deadline = Deadline(timeout)
    members = _require(conn, group, deadline)
    holders = find_holders(conn, group, deadline)
    if holders:
        raise _held_error(group, holders)
    refused = f"whether a role holds it, so that the server will refuse, {lookup.CANNOT_BE_SEEN}"
    unseen = refused if holders is None else ""
    named = ", ".join(map(printable, members or ())) or "empty"
    holds = "privileges unknown: you lack permission to list them" if members is None else named
    what = f"drop the privilege group {name_text(group)} ({holds})"
    lacking = missing_right_note(conn, wire.METHODS["DropPrivilegeGroup"].privilege, deadline)
    caution = join_parts("this cannot be undone: a new group has to be filled by hand", lacking)
    return Preview(what, conn.address.url, note=unseen, caution=caution)


def preview_change_privilege_group(
    conn: Connection, group: str, names: Sequence[str], *, added: bool, timeout: float | None = None
) -> Preview:
    """What `add_privileges_to_group` and `remove_privileges_from_group` would do."""
    wanted = _valid_names(group, names)
    deadline = Deadline(timeout)
    members = _require_members(conn, group, () if added else wanted, deadline)
    unseen = "you may not see what the group holds" if members is None else ""
    lacking = missing_right_note(conn, wire.METHODS["OperatePrivilegeGroup"].privilege, deadline)
    if not added:
        is_own = is_own_group(conn, group, timeout=timeout)
        warning = "one of your own roles holds this group, and you will lose that" if is_own else ""
        what = f"remove {', '.join(map(printable, wanted))} from the privilege group {name_text(group)}"
        holders = describe_holders_of_group(conn, group, wanted, "lose", deadline)
        return Preview(what, conn.address.url, warning, join_parts(unseen, holders), lacking)
    held = members or ()
    require_one_level(conn, (*held, *wanted), deadline)
    gained = [name for name in wanted if name not in held]
    unsure = require_addable(conn, gained, deadline)
    new, had = _describe_new(wanted, held)
    holders = describe_holders_of_group(conn, group, gained, "gain", deadline)
    what, notes = f"add {new} to the privilege group {name_text(group)}", (unseen, unsure, new and had, holders)
    idle = "" if new else f"The privilege group {name_text(group)} holds {', '.join(map(printable, wanted))} already"
    return Preview(what, conn.address.url, note=join_parts(*notes), caution=lacking, idle=idle)
