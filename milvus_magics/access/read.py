"""Reading everything that decides who may do what, in as few round trips as possible."""

from __future__ import annotations

from collections.abc import Callable, MutableSet
from typing import Any

from milvus_magics import errors, wire
from milvus_magics.access.snapshot import AccessSnapshot
from milvus_magics.client import lookup
from milvus_magics.client.grants.listing import names_to_ask, select_readable_grants
from milvus_magics.client.lookup import read_own_roles, role_names_in, user_names_in
from milvus_magics.client.names import ADMIN, PUBLIC, ROOT
from milvus_magics.client.password_check import begin_well_known_check, is_authorization_on
from milvus_magics.client.privilege_catalog import DEFAULT_DATABASE
from milvus_magics.client.results.privileges import Grant
from milvus_magics.secret import Secret
from milvus_magics.transport.connection import Connection, Pending
from milvus_magics.transport.deadline import Deadline
from milvus_magics.wire.versions import has_feature
from milvus_magics.wording import join_parts, list_text

# Some servers between 2.4.15 and 2.5.11 took the quotes of their configuration for a part of it.
DEFAULT_PASSWORDS = ("Milvus", '"Milvus"')
PARTS = ("SelectUser", "SelectRole", "ListDatabases")  # what may be hidden from the caller
LISTS = {
    "SelectUser": {"include_role_info": True}, "SelectRole": {"include_user_info": True},
    "ListDatabases": {}, "ListPrivilegeGroups": {},
}  # fmt: skip


def read_snapshot(
    conn: Connection, deadline: Deadline, *, root_ruled_out: MutableSet[Connection] | None = None
) -> AccessSnapshot:
    """Read everything, in two round trips, or three where there are aliases.

    Args:
        conn: the connection to ask.
        deadline: of the whole operation.
        root_ruled_out: connections on which root's password is not guessed again; it grows where it is another than
            the default one.

    Raises:
        MilvusException: when the server cannot be asked at all.
    """
    enforced, replies = _read_lists(conn, deadline)
    users = _users(conn, replies["SelectUser"], deadline)
    roles = _roles(replies["SelectRole"], users)
    dbs = sorted(replies["ListDatabases"].db_names) if replies["ListDatabases"] else []
    with conn.batch() as begin:
        ruled_out = set() if root_ruled_out is None else root_ruled_out
        has_default_password = _begin_root_check(conn, begin, enforced, deadline, ruled_out)
        collection_calls, alias_calls = (
            {db: begin(method, deadline=deadline, db_name=db) for db in dbs}
            for method in ("ShowCollections", "ListAliases")
        )
        grants, unread = _grants(conn, list(roles), dbs, deadline)
        collections = {db: _reply_about_db(call) for db, call in collection_calls.items()}
        aliases = {db: _reply_about_db(call) for db, call in alias_calls.items()}
        default_password = has_default_password()
    return AccessSnapshot(
        server=conn.address.url,
        version=conn.version,
        users=users,
        roles=roles,
        grants=grants,
        unread=tuple(unread),
        groups=_groups(replies["ListPrivilegeGroups"]),
        collections={db: tuple(sorted(reply.collection_names)) if reply else () for db, reply in collections.items()},
        aliases=_aliases(conn, aliases, deadline),
        enforced=enforced,
        secure=conn.address.secure,
        is_private=conn.address.is_private,
        default_password=default_password,
        sees_all=None not in collections.values() and _sees_everything(conn, replies, enforced, users, deadline),
        searched=_searched(conn, dbs),
        root_needs_roles=_is_root_refused(conn, enforced, replies),
        partial=join_parts(
            _partial_text(conn, [name for name in PARTS if replies[name] is None]), _unread_text(unread)
        ),
    )


def _sees_everything(
    conn: Connection,
    replies: dict[str, Any],
    enforced: bool | None,
    users: dict[str, tuple[str, ...]],
    deadline: Deadline,
) -> bool:
    """Whether the databases, and so their collections, are all there are."""
    if replies["ListDatabases"] is None:
        return False
    return enforced is False or lookup.sees_everything(conn, deadline, users.get(conn.user, ()))


def _is_root_refused(conn: Connection, enforced: bool | None, replies: dict[str, Any]) -> bool:
    """Whether root was refused something, as happens where root, too, needs roles."""
    return conn.user == ROOT and enforced is True and None in [replies[name] for name in PARTS]


def _read_lists(conn: Connection, deadline: Deadline) -> tuple[bool | None, dict[str, Any]]:
    """Whether authorization is on, and the replies with who and what there is; None as in `_reply`."""
    with conn.batch() as begin:
        version = begin("GetVersion", deadline=deadline)
        calls = {name: begin(name, deadline=deadline, **fields) for name, fields in LISTS.items()}
        enforced = is_authorization_on(conn, deadline)
        conn.version = version.reply().version
        return enforced, {name: _reply(call) for name, call in calls.items()}


def _reply(call: Pending) -> Any:
    """A reply; None if the caller may not look or the server has no such thing."""
    try:
        reply = call.reply()
        lookup.raise_for(reply)
    except (errors.PermissionDeniedError, errors.ServerTooOldError):
        return None
    return reply


def _begin_root_check(
    conn: Connection,
    begin: Callable[..., Pending],
    enforced: bool | None,
    deadline: Deadline,
    ruled_out: MutableSet[Connection],
) -> Callable[[], bool | None]:
    """Ask whether root's password is the one that Milvus comes with; the result waits for the answer.

    Wrong guesses are failed logins, so there are as few as can be: a connection that acts as root knows by itself,
    others ask until the answer was "no" once. Where authorization is off only a change of password would tell, and
    who looks changes nothing.
    """
    login = conn.address.login
    if not enforced or conn in ruled_out:
        return lambda: None
    if login is not None and login.user == ROOT:
        return lambda: login.secret.reveal() in DEFAULT_PASSWORDS
    passwords = [Secret(password) for password in DEFAULT_PASSWORDS]
    answer = begin_well_known_check(begin, ROOT, passwords, deadline)

    def wait() -> bool | None:
        is_default = answer()
        if not is_default:
            ruled_out.add(conn)
        return is_default

    return wait


def _users(conn: Connection, reply: Any, deadline: Deadline) -> dict[str, tuple[str, ...]]:
    """Everybody with their roles; only the connection's own user where the others may not be listed."""
    if reply is not None:
        results = sorted(reply.results, key=lambda one: one.user.name)
        return {result.user.name: role_names_in(result) for result in results}
    roles = read_own_roles(conn, deadline)
    return {conn.user: roles} if conn.user else {}


def _roles(reply: Any, users: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...] | None]:
    if reply is not None:
        return {result.role.name: user_names_in(result) for result in reply.results}
    return dict.fromkeys(sorted({PUBLIC, *(role for roles in users.values() for role in roles)}))


def _grants(conn: Connection, roles: list[str], dbs: list[str], deadline: Deadline) -> tuple[list[Grant], list[str]]:
    # The name of a database brings what is granted in all of them, too.
    where = names_to_ask(conn, dbs or [""])
    return select_readable_grants(conn, [role for role in roles if role != ADMIN], where, deadline)


def _searched(conn: Connection, dbs: list[str]) -> tuple[str, ...] | None:
    """The databases whose grants were read; None = all. Older servers tell only of those that are asked for."""
    own = conn.address.db_name or DEFAULT_DATABASE
    return None if has_feature(conn.version, "one list of grants") else (*dbs, *([] if dbs else [own]))


def _groups(reply: Any) -> dict[str, tuple[str, ...]]:
    groups = reply.privilege_groups if reply is not None else ()
    return {group.group_name: tuple(sorted(one.name for one in group.privileges)) for group in groups}


def _reply_about_db(call: Pending) -> Any:
    """The same; None also if the database was dropped since it was listed."""
    try:
        return _reply(call)
    except (errors.UnavailableError, errors.DeadlineError):
        raise
    except errors.MilvusException:
        return None


def _aliases(conn: Connection, replies: dict[str, Any], deadline: Deadline) -> dict[str, dict[str, str]]:
    """Database -> alias -> its collection, as `AccessSnapshot.aliases`."""
    with conn.batch() as begin:
        calls = {
            db: {name: begin("DescribeAlias", deadline=deadline, db_name=db, alias=name) for name in reply.aliases}
            for db, reply in replies.items()
            if reply is not None
        }
        answers = {db: {name: _target_of(call) for name, call in of_db.items()} for db, of_db in calls.items()}
    return {db: {name: to for name, to in of_db.items() if to is not None} for db, of_db in answers.items()}


def _target_of(call: Pending) -> str | None:
    """The collection of an alias, empty if it may not be seen. None if the alias was dropped since it was listed."""
    try:
        reply = _reply(call)
    except (errors.UnavailableError, errors.DeadlineError):
        raise
    except errors.MilvusException:
        return None
    return "" if reply is None else str(reply.collection)


def _partial_text(conn: Connection, hidden: list[str]) -> str:
    if not hidden:
        return ""
    missing = list_text([wire.METHODS[name].privilege for name in hidden])
    what = "only your own rights" if "SelectUser" in hidden else "not everything"
    return f"{what}: {conn.actor} lacks {missing}"


def _unread_text(roles: list[str]) -> str:
    names = list_text([repr(role) for role in roles])
    what = f"role {names} holds" if len(roles) == 1 else f"roles {names} hold"
    return f"what {what} cannot be read" if roles else ""
