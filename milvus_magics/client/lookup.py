"""Questions to the server about users and roles, asked before a change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

from milvus_magics import errors, wire
from milvus_magics.client.names import ADMIN, ROOT, problem_with_existing_name, problem_with_user_name
from milvus_magics.client.results.users import UserSnapshot
from milvus_magics.transport.connection import Connection, Pending
from milvus_magics.transport.deadline import Deadline
from milvus_magics.transport.reply_status import raise_if_failed, status_of
from milvus_magics.wire import versions
from milvus_magics.wire.versions import FEATURES
from milvus_magics.wording import did_you_mean, list_text

MAY_LIST = wire.METHODS["ListCredUsers"].privilege  # and roles, and grants
CANNOT_BE_SEEN = f"cannot be seen without the privilege {MAY_LIST}"
NAME, ROLE_NAME = attrgetter("name"), attrgetter("role.name")
DESCRIPTIONS_SINCE = wire.METHODS["AlterRole"].since  # those of users came together with those of roles
NO_DESCRIPTIONS = f"the server keeps no descriptions (Milvus {DESCRIPTIONS_SINCE} does)"


def read_existing_user(conn: Connection, user: str, deadline: Deadline) -> UserSnapshot:
    """Read what would go with a user, who must exist."""
    with conn.batch() as begin:
        described = begin("SelectUser", deadline=deadline, user={"name": user}, include_role_info=True)
        require_user(conn, user, deadline)
        return read_user(conn, user, described, deadline)


def read_visible_user(conn: Connection, user: str, deadline: Deadline) -> tuple[UserSnapshot, str]:
    """`read_existing_user` as far as the caller may look, and a note if nobody can tell whether there is one."""
    with conn.batch() as begin:
        described = begin("SelectUser", deadline=deadline, user={"name": user}, include_role_info=True)
        found = read_user(conn, user, described, deadline)
    if found.roles is None:  # else there is such a user
        try:
            require_user(conn, user, deadline)
        except errors.PermissionDeniedError:
            return found, f"whether there is such a user {CANNOT_BE_SEEN}"
    return found, ""


def require_user(conn: Connection, user: str, deadline: Deadline) -> bool | None:
    """Raise if a user does not exist. None if the server lists nobody, so it did not look.

    Raises:
        UnknownUserError: there is no such user.
        PermissionDeniedError: the caller may not list users.
    """
    names = list_usernames(conn, deadline)
    if names and user not in names:
        raise unknown_user_error(conn, user, names)
    return True if names else None


def require_user_name(conn: Connection, user: str, deadline: Deadline) -> None:
    """Raise if this cannot be the name of a user, or the server would take it for another's.

    Raises:
        ParameterError: nothing was changed.
    """
    if problem := problem_with_existing_name(user):
        raise errors.ParameterError(problem, outcome=errors.NOTHING_SENT)
    if user != user.strip() and (problem := problem_with_outer_blanks(conn, user, deadline)):
        raise errors.ParameterError(problem, outcome=errors.NOTHING_CHANGED)


def problem_with_new_user(conn: Connection, user: str, deadline: Deadline) -> str | None:
    """Why the server takes no new user of this name, or None."""
    if problem := problem_with_user_name(user):
        return problem
    if not {".", "-"} & set(user) or not is_older(conn, versions.FEATURES["dots in user names"], deadline):
        return None
    return (
        f"this server (Milvus {conn.version}) takes only letters, digits and _ in a user name, not {user!r}: '.' and "
        "'-' need Milvus 2.6"
    )


def problem_with_outer_blanks(conn: Connection, user: str, deadline: Deadline) -> str | None:
    """Why the server would change or delete somebody else than this user, or None.

    From 2.6 on it drops outer blanks of the name, after it has checked the password of the user with them. Such a user
    came by an upgrade or RestoreRBAC.
    """
    trimmed = user.strip()
    if user == trimmed or is_older(conn, versions.FEATURES["user names are trimmed"], deadline):
        return None
    return (
        f"the user name {user!r} begins or ends with a blank, and servers from Milvus 2.6 would delete or change "
        f"{trimmed!r} instead; only a server up to 2.5 can delete {user!r}, but %milvus_revoke_role takes their roles"
    )


def require_not_gone(conn: Connection, user: str, deadline: Deadline) -> None:
    """Raise UnknownUserError if the user is not listed. A login may still pass just after a deletion.

    Proxies let a deleted user in for some milliseconds. The server says of deleting nobody that it is done, and a
    change of password would bring the user back.
    """
    try:
        require_user(conn, user, deadline)
    except errors.PermissionDeniedError:
        return


def is_listed(conn: Connection, user: str, deadline: Deadline) -> bool | None:
    """Whether the server lists the user. None if it lists nobody, so it did not look."""
    names = list_usernames(conn, deadline)
    return user in names if names else None


def read_user(conn: Connection, user: str, described: Pending, deadline: Deadline) -> UserSnapshot:
    """Read the reply of a pending SelectUser. Roles are None if they cannot be seen."""
    try:
        result = find_user(conn, user, described.reply(), deadline)
    except errors.MilvusException:
        return UserSnapshot(user)
    return UserSnapshot(user, role_names_in(result), result.description) if result else UserSnapshot(user)


def find_user(conn: Connection, user: str, reply: Any, deadline: Deadline) -> Any:
    """The user in a reply of SelectUser. None if the server does not know them.

    There are names that Milvus lists and yet refuses to be asked about, since it wouldn't create them: superusers
    can. Those are looked for among all users.
    """
    status = status_of(reply)
    if status.code == errors.PARAMETER_INVALID:
        reply = conn.call_checked("SelectUser", deadline=deadline, include_role_info=True)
    else:
        raise_if_failed(status)
    for result in reply.results:
        if result.user.name == user:
            return result
    return None


def read_own_roles(conn: Connection, deadline: Deadline) -> tuple[str, ...]:
    """The roles of the acting user, which everybody may ask about; empty if they cannot be seen."""
    if not conn.user:
        return ()
    described = conn.begin("SelectUser", deadline=deadline, user={"name": conn.user}, include_role_info=True)
    return read_user(conn, conn.user, described, deadline).roles or ()


def is_own_role(conn: Connection, role: str, deadline: Deadline) -> bool:
    """Whether the acting user holds a role, as everybody does `public`; root needs none."""
    return conn.user not in ("", "root") and (role == "public" or role in read_own_roles(conn, deadline))


def role_names_in(result: Any) -> tuple[str, ...]:
    """The names of the roles in a result of SelectUser."""
    # Milvus 2.6.4 to 2.6.11 may list an empty role name: https://github.com/milvus-io/milvus/issues/49989
    return tuple(sorted(filter(None, map(NAME, result.roles))))


def read_holders(conn: Connection, role: str, deadline: Deadline) -> tuple[str, ...] | None:
    """Who holds a role. None if the caller may not look or there is no such role."""
    try:
        reply = conn.call_checked("SelectRole", deadline=deadline, role={"name": role}, include_user_info=True)
    except errors.PermissionDeniedError:
        return None
    return next((user_names_in(result) for result in reply.results if result.role.name == role), None)


def user_names_in(result: Any) -> tuple[str, ...]:
    """The names of the users in a result of SelectRole."""
    return tuple(sorted(map(NAME, result.users)))


def require_roles(
    conn: Connection, wanted: Sequence[str], deadline: Deadline, outcome: errors.Outcome | None = errors.NOTHING_CHANGED
) -> list[str]:
    """Raise if a role does not exist; return all names, or none if the caller may not look.

    Raises:
        UnknownRoleError: names the roles there are.
    """
    try:
        reply = conn.call_checked("SelectRole", deadline=deadline)
    except errors.PermissionDeniedError:
        return []
    names = sorted(map(ROLE_NAME, reply.results))
    missing = next((name for name in wanted if name not in names), None)
    if missing is not None:
        raise unknown_role_error(conn, missing, names, outcome)
    return names


def find_role(
    conn: Connection, role: str, deadline: Deadline, outcome: errors.Outcome | None = errors.NOTHING_CHANGED
) -> Any:
    """The result of SelectRole for a role, with its holders.

    Raises:
        UnknownRoleError: there is no such role.
        PermissionDeniedError: the caller may not look.
    """
    reply = conn.call_checked("SelectRole", deadline=deadline, role={"name": role}, include_user_info=True)
    found = next((result for result in reply.results if result.role.name == role), None)
    if found is None:
        require_roles(conn, [role], deadline, outcome)
        raise unknown_role_error(conn, role, [], outcome)
    return found


def is_listed_role(conn: Connection, role: str, deadline: Deadline) -> bool:
    """Whether the server lists the role."""
    reply = conn.call_checked("SelectRole", deadline=deadline)
    return role in map(ROLE_NAME, reply.results)


def unknown_role_error(
    conn: Connection, role: str, names: Sequence[str], outcome: errors.Outcome | None = errors.NOTHING_CHANGED
) -> errors.UnknownRoleError:
    """The error for an unknown role, with a similar name if there is one."""
    hint = did_you_mean(role, names) if "," not in str(role) else "; give one role by itself, without a comma"
    there_are = f"; there are: {list_text(names, 10)}" if names and not hint else ""
    return errors.UnknownRoleError(f"there is no role {role!r} on {conn.address.url}{hint}{there_are}", outcome=outcome)


def unknown_user_error(
    conn: Connection, user: str, names: Sequence[str] = (), outcome: errors.Outcome | None = errors.NOTHING_CHANGED
) -> errors.UnknownUserError:
    """The error for an unknown user, with a similar name if there is one."""
    return errors.UnknownUserError(
        f"there is no user {user!r} on {conn.address.url}{did_you_mean(user, names)}", outcome=outcome
    )


def user_exists_error(conn: Connection, user: str) -> errors.UserExistsError:
    """The error for a user who is there already."""
    return errors.UserExistsError(f"user {user!r} exists already on {conn.address.url}", outcome=errors.NOTHING_CHANGED)


def role_exists_error(conn: Connection, role: str) -> errors.RoleExistsError:
    """The error for a role that is there already."""
    return errors.RoleExistsError(f"role {role!r} exists already on {conn.address.url}", outcome=errors.NOTHING_CHANGED)


def list_databases(conn: Connection, deadline: Deadline) -> list[str]:
    """The names of the databases that the caller sees."""
    return list(conn.call_checked("ListDatabases", deadline=deadline).db_names)


def sees_everything(conn: Connection, deadline: Deadline, own_roles: Sequence[str] | None = None) -> bool:
    """Whether the two lists, of databases and of collections, hold all there are for the acting user.

    Newer servers list what one's grants name, so that somebody who manages roles may see nothing.

    Args:
        own_roles: of the acting user, where they are known already.
    """
    is_anybody = conn.address.login is None  # and the server answers: authorization is off
    if is_anybody or is_older(conn, FEATURES["lists of what the caller sees"], deadline):
        return True
    if conn.user == ROOT and not is_root_limited(conn, deadline):
        return True
    return ADMIN in (read_own_roles(conn, deadline) if own_roles is None else own_roles)


def is_root_limited(conn: Connection, deadline: Deadline) -> bool:
    """Whether root, too, may only what roles bring (setting `common.security.rootShouldBindRole`).

    No call tells the setting: root is refused one of two questions, which no usual group of privileges allows both.
    """
    with conn.batch() as begin:
        calls = [
            begin("ListCredUsers", deadline=deadline),
            begin("DescribeAlias", deadline=deadline, alias="any_name_will_do"),
        ]
        try:
            for call in calls:
                call.reply()
        except errors.PermissionDeniedError:
            return True
        except errors.ServerTooOldError:  # whose version could not be read
            return False
    return False


def list_collections(conn: Connection, db: str, deadline: Deadline) -> list[str]:
    """The names of the collections in a database that the caller sees; `db` is empty for the connection's own."""
    return list(conn.call_checked("ShowCollections", deadline=deadline, db_name=db).collection_names)


def list_aliases(conn: Connection, db: str, deadline: Deadline) -> list[str]:
    """The names of the aliases in a database."""
    return list(conn.call_checked("ListAliases", deadline=deadline, db_name=db).aliases)


def find_aliased_collection(conn: Connection, db: str, alias: str, deadline: Deadline) -> str:
    """The name of the collection that an alias stands for."""
    return str(conn.call_checked("DescribeAlias", deadline=deadline, db_name=db, alias=alias).collection)


def list_usernames(conn: Connection, deadline: Deadline) -> list[str]:
    """The names of all users."""
    return list(conn.call_checked("ListCredUsers", deadline=deadline).usernames)


def raise_for(reply: Any) -> None:
    """Raise the error of a reply whose status is no success."""
    raise_if_failed(status_of(reply))


def read_version(conn: Connection, deadline: Deadline) -> str:
    """The server's version, asked for once."""
    if not conn.version:
        conn.version = conn.call("GetVersion", deadline=deadline).version
    return conn.version


def is_older(conn: Connection, since: str, deadline: Deadline, *, if_unreadable: bool = False) -> bool:
    """Whether the server is older than a version; arguments as in `versions.is_older`."""
    return versions.is_older(read_version(conn, deadline), since, if_unreadable=if_unreadable)


def require_descriptions(conn: Connection, deadline: Deadline) -> None:
    """Raise ServerTooOldError if the server keeps no descriptions."""
    if is_older(conn, DESCRIPTIONS_SINCE, deadline):
        raise no_descriptions_error(conn)


def no_descriptions_error(conn: Connection) -> errors.ServerTooOldError:
    """The error for a server that is too old to keep descriptions."""
    return errors.ServerTooOldError(
        f"{conn.address.url} is Milvus {conn.version}, which keeps no descriptions (Milvus {DESCRIPTIONS_SINCE} does)",
        outcome=errors.NOTHING_CHANGED,
    )


def missing_description_note(read_description: Callable[[], str]) -> str:
    """What to say if the server dropped a new description without a word, as older ones do."""
    try:
        kept = read_description()
    except errors.MilvusException as exc:
        return f"whether its description was kept could not be asked: {exc}"
    return "" if kept else f"{NO_DESCRIPTIONS}, so this one is lost"


def lost_description_note(conn: Connection, description: str, deadline: Deadline, whose: str = "this one") -> str:
    """What to say beforehand of a description that the server is too old to keep; empty if it keeps it."""
    is_lost = description and is_older(conn, DESCRIPTIONS_SINCE, deadline)
    return f"{NO_DESCRIPTIONS}, so {whose} will be lost" if is_lost else ""
