"""Who loses or gains what by a change, and what a role keeps by others of its grants."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from milvus_magics.client import lookup
from milvus_magics.client.grants.listing import read_roles_with
from milvus_magics.client.grants.scope import read_groups_if_any
from milvus_magics.client.names import ADMIN, PUBLIC
from milvus_magics.client.results.privileges import Grant
from milvus_magics.client.rights.rules import Rules
from milvus_magics.client.rights.sources import Cover, Sources
from milvus_magics.errors import MilvusException, PermissionDeniedError
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline
from milvus_magics.wording import count_text, join_parts, list_text, name_text, printable


def describe_loss(
    conn: Connection, role: str, revoked: Sequence[Grant], listed: Sequence[Grant] | None, deadline: Deadline
) -> str:
    """What the role will keep of what is revoked, and how many users will lose the rest.

    Args:
        listed: what the role holds once all is done, or before; None if the caller may not look.
    """
    cover = _find_cover(conn, revoked, listed, deadline)
    if cover.is_whole:
        return cover.kept_text
    what = "the rest" if cover.names else "it"
    return join_parts(cover.kept_text, _who_will_lose(conn, role, what, deadline))


def describe_kept(
    conn: Connection, revoked: Sequence[Grant], listed: Sequence[Grant] | None, deadline: Deadline
) -> str:
    """What the role keeps of what was revoked; empty if nothing, or if it cannot be asked any more."""
    with suppress(MilvusException):
        return _find_cover(conn, revoked, listed, deadline).kept_text
    return ""


def describe_holders_of_group(conn: Connection, group: str, names: Sequence[str], verb: str, deadline: Deadline) -> str:
    """Who will gain or lose some privileges by a change of a group; empty if there are none."""
    if not names:
        return ""
    what = list_text([printable(name) for name in names])
    try:
        roles, users = _read_group_holders(conn, group, deadline)
    except PermissionDeniedError:
        return f"who will {verb} {what} {lookup.CANNOT_BE_SEEN}"
    if not roles:
        return "no role holds this group"
    holders = f"held by {list_text([name_text(name) for name in roles])}"
    if not users and PUBLIC not in roles:
        return f"{holders}: no users"
    who = "everybody" if PUBLIC in roles else count_text(len(users), "user")
    return f"{holders}: {who} will {verb} {what}{', unless another grant gives it' if verb == 'lose' else ''}"


def _read_group_holders(conn: Connection, group: str, deadline: Deadline) -> tuple[list[str], set[str]]:
    """The roles that hold a group, and their users; PermissionDeniedError if the caller may not look."""
    reply = conn.call_checked("SelectRole", deadline=deadline, include_user_info=True)
    roles = read_roles_with(conn, group, sorted(found.role.name for found in reply.results), deadline)
    held = [found for found in reply.results if found.role.name in roles]
    return roles, {name for found in held for name in lookup.user_names_in(found)}


def _find_cover(
    conn: Connection, revoked: Sequence[Grant], listed: Sequence[Grant] | None, deadline: Deadline
) -> Cover:
    others = [grant for grant in listed or () if grant not in revoked]
    if not others:
        return Cover()
    rules = Rules(lookup.read_version(conn, deadline), read_groups_if_any(conn, deadline))
    return Sources(rules, others).find_cover(revoked)


def _who_will_lose(conn: Connection, role: str, what: str, deadline: Deadline) -> str:
    """How many users a revocation concerns, in words."""
    if role == ADMIN:
        return f"nobody will lose {what}: this role may do everything, whatever is granted"
    if role == PUBLIC:
        return f"everybody will lose {what}"
    holders = lookup.read_holders(conn, role, deadline)
    if holders is None:
        return f"who will lose {what} {lookup.CANNOT_BE_SEEN}"
    loss = f"{count_text(len(holders), 'user')} will lose {what}, unless another role gives it"
    return loss if holders else "nobody holds the role"
