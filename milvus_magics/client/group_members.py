"""What a group of privileges holds, changed at once: some put in, some taken out, and the group made before."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext

from milvus_magics.client import change, privilege_groups
from milvus_magics.client.grants.scope import require_one_level
from milvus_magics.client.names import require_valid
from milvus_magics.client.results.previews import Preview
from milvus_magics.client.results.privileges import GroupChange
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline
from milvus_magics.wording import join_parts, printable


def change_group_members(
    conn: Connection,
    group: str,
    added: Sequence[str] = (),
    removed: Sequence[str] = (),
    *,
    is_new: bool = False,
    timeout: float | None = None,
) -> GroupChange:
    """Take privileges out of a group and put others in, after creating it if it is new. What is taken goes first.

    Args:
        conn: a connection whose user may do so (OperatePrivilegeGroup; for a new one CreatePrivilegeGroup).
        added: privileges of one level.
        removed: privileges that it holds.
        is_new: whether to create it.

    Raises:
        MilvusException: as `create_privilege_group`, `add_privileges_to_group` and `remove_privileges_from_group`; the
            text says what is done before.
    """
    deadline, done = Deadline(timeout), list[str]()
    preview_group_members(conn, group, added, removed, is_new=is_new, timeout=timeout)  # raises for what is wrong
    steps = _steps(added, removed, is_new)
    with change.attempt(
        conn, "change_group_members", group, f"privilege group {group!r}", "changed", deadline
    ) as attempt:
        for function, names in steps:
            with attempt.nested():
                made = _run(conn, function, group, names, done, deadline)
            done.append(join_parts(made.what, made.note))
        attempt.outcome = "done"
    return GroupChange(group, conn.address.url, join_parts(*done))


def preview_group_members(
    conn: Connection,
    group: str,
    added: Sequence[str] = (),
    removed: Sequence[str] = (),
    *,
    is_new: bool = False,
    timeout: float | None = None,
) -> Preview:
    """What `change_group_members` would do; warns if somebody's own role would lose something."""
    require_valid(None if added or removed or is_new else "nothing is named that should be added or removed")
    parts = []
    if is_new:
        parts.append(privilege_groups.preview_create_privilege_group(conn, group, timeout=timeout))
    if removed:
        out = privilege_groups.preview_change_privilege_group(conn, group, removed, added=False, timeout=timeout)
        parts.append(out)
    if added and is_new:
        require_one_level(conn, added, Deadline(timeout))
        privilege_groups.require_addable(conn, added, Deadline(timeout))
        parts.append(Preview(f"add {', '.join(map(printable, added))} to it", conn.address.url))
    elif added:
        into = privilege_groups.preview_change_privilege_group(conn, group, added, added=True, timeout=timeout)
        parts.append(into)
    notes = dict.fromkeys(part.note for part in parts)
    warnings = (part.warning for part in parts)
    return Preview(
        " and ".join(part.what for part in parts), conn.address.url, join_parts(*warnings), join_parts(*notes)
    )


def _steps(added: Sequence[str], removed: Sequence[str], is_new: bool) -> list[tuple[str, Sequence[str]]]:
    """The functions to call, each with the names that it takes besides the group's."""
    steps: list[tuple[str, Sequence[str]]] = [("create_privilege_group", ())] if is_new else []
    steps += [("remove_privileges_from_group", removed)] if removed else []
    return [*steps, ("add_privileges_to_group", added)] if added else steps


def _run(
    conn: Connection, function: str, group: str, names: Sequence[str], done: Sequence[str], deadline: Deadline
) -> GroupChange:
    """Run one step; its error says what is done before."""
    act = getattr(privilege_groups, function)
    arguments = (group, names) if names else (group,)
    left = deadline.remaining(conn.address.url)
    with change.report_progress(lambda: join_parts(*done), how_to_resume="") if done else nullcontext():
        made: GroupChange = act(conn, *arguments, timeout=left)
    return made
