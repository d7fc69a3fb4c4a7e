"""Users: delete, drop, create, list. Each function is one action, for magics, forms and scripts alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from milvus_magics.client import change, naming, roles, verify
from milvus_magics.client.connection import Connection, Pending
from milvus_magics.client.deadline import Deadline
from milvus_magics.client.models import CreatedUser, DeletedUser, DeletePreview, User, Users, WhoAmI
from milvus_magics.errors import (
    AuthenticationError,
    CodedError,
    LimitReachedError,
    MilvusException,
    PermissionDeniedError,
    ProtectedUserError,
    UnknownUserError,
    UserExistsError,
)
from milvus_magics.secret import Secret

# Deleting a user reaches the proxies within 7 ms (measured), so this is ample.
SECONDS_TO_LOSE_ACCESS = 0.3


def delete_user(conn: Connection, user: str, password: str | Secret, *, timeout: float | None = None) -> DeletedUser:
    """Delete a user whose password is given, which is checked first.

    With authorization on this takes two round trips. The check protects from mistakes; it is no lock, since
    whoever may delete users can ask the server directly. Names are taken byte for byte as the server lists them.

    Args:
        conn: a connection whose user may delete users (the privilege DropOwnership).
        user: who is deleted.
        password: that user's password.
        timeout: seconds for the whole operation; None = until an answer arrives or an error occurs.

    Returns:
        What was deleted, with the roles that went with it.

    Raises:
        WrongPasswordError: nothing was deleted.
        UnknownUserError: there is no such user.
        ProtectedUserError: the server never deletes this user.
        CannotVerifyError: here nobody can tell whether the password is right; nothing was deleted.
        OutcomeUnknownError: the answer was lost; the text says what is known.
        ChangeInterrupted: on an interrupt, likewise.
        MilvusException: for everything else.

    Behaviour: `utility.delete_user` in Milvus's documentation.
    """
    password = Secret(password)
    naming.require(naming.problem_with_existing_name(user))
    deadline = Deadline(timeout)
    with change.attempt(conn, "delete_user", user, (f"user {user!r}", "deleted"), deadline) as attempt:
        with conn.together() as begin:
            described = begin("SelectUser", deadline=deadline, user={"name": user}, include_role_info=True)
            verdict = verify.require_right(conn, user, password, deadline)
            attempt.roles = _roles_of(user, described)

        def password_is_dead(until: Deadline) -> bool | None:
            return not verify.check(conn, user, password, until, may_rewrite=False).right

        _delete(conn, user, attempt, password_is_dead if verdict.enforced else None)
    return _deleted(conn, user, attempt, verified=True)


def drop_user(conn: Connection, user: str, *, timeout: float | None = None) -> DeletedUser:
    """Delete a user without their password, for the administrator who does not know it.

    Unlike `MilvusClient.drop_user` of pymilvus, an unknown user is an error.

    Args:
        conn: a connection whose user may delete and list users (DropOwnership, SelectOwnership).
        user: who is deleted.
        timeout: seconds for the whole operation; None = until an answer arrives or an error occurs.

    Returns:
        What was deleted, with the roles that went with it.

    Raises:
        UnknownUserError: there is no such user.
        MilvusException: as in `delete_user`, but for the password.
    """
    naming.require(naming.problem_with_existing_name(user))
    deadline = Deadline(timeout)
    with change.attempt(conn, "drop_user", user, (f"user {user!r}", "deleted"), deadline) as attempt:
        attempt.roles = _existing(conn, user, deadline)
        _delete(conn, user, attempt, None)
    return _deleted(conn, user, attempt, verified=False)


def preview_delete_user(
    conn: Connection, user: str, password: str | Secret | None = None, *, timeout: float | None = None
) -> DeletePreview:
    """What deleting a user would do. Nothing that could change anything is sent.

    Args:
        conn: the connection that would delete.
        user: who would be deleted.
        password: checked where that is possible without writing; None = not looked into.
        timeout: seconds for the whole operation; None = until an answer arrives or an error occurs.

    Raises:
        UnknownUserError: there is no such user.
        WrongPasswordError: the password is given and wrong.
        MilvusException: for everything else.
    """
    naming.require(naming.problem_with_existing_name(user))
    deadline = Deadline(timeout)
    checked = ""
    if password is not None:
        password = Secret(password)
        right = verify.check(conn, user, password, deadline, may_rewrite=False).right
        if right is False:
            raise verify.why_wrong(conn, user, deadline)
        checked = "the password is right" if right else "password not checked: this server shows it only by a change"
    held = _existing(conn, user, deadline)
    return DeletePreview(
        user=user,
        server=conn.address.url,
        roles=held,
        is_actor=user == conn.user,
        is_last_admin="admin" in (held or ()) and roles.holders(conn, "admin", deadline) == [user],
        password=checked,
    )


def create_user(
    conn: Connection, user: str, password: str | Secret, *, grant: Sequence[str] = (), timeout: float | None = None
) -> CreatedUser:
    """Create a user, and give them roles.

    Args:
        conn: a connection whose user may create users (CreateOwnership; for roles ManageOwnership too).
        user: 1 to 32 bytes: a letter, then letters, digits, `_` (from Milvus 2.6 also `.` and `-`).
        password: 6 to 72 bytes.
        grant: names of existing roles.
        timeout: seconds for the whole operation; None = until an answer arrives or an error occurs.

    Raises:
        ParameterError: the name or the password cannot be; nothing was sent.
        UserExistsError: there is such a user; their password stays as it was.
        UnknownRoleError: there is no such role; nothing was created.
        LimitReachedError: the server takes no more users.
        OutcomeUnknownError: the answer was lost; the text says what is known.
        MilvusException: for everything else; where the user is created without a role, the text says so.

    Behaviour: `utility.create_user` in Milvus's documentation.
    """
    password = Secret(password)
    naming.require(naming.problem_with_user_name(user) or naming.problem_with_password(password))
    wanted = tuple(dict.fromkeys(grant))
    deadline = Deadline(timeout)
    with change.attempt(conn, "create_user", user, (f"user {user!r}", "created"), deadline) as attempt:
        names = _require_new(conn, user, wanted, deadline)
        try:
            attempt.send(
                "CreateCredential", lambda until: _is_listed(conn, user, until), username=user, password=password
            )
        except LimitReachedError as exc:
            raise LimitReachedError(
                f"the server takes no more users: it has {len(names) or 'as many as its limit'} (setting "
                f"proxy.maxUserNum); delete one, or have the limit raised; user {user!r} is not created",
                details=exc.details,
            ) from exc
        except UserExistsError as exc:
            raise _exists(conn, user, exc.details) from exc
    _grant_all(conn, user, wanted, deadline)
    return CreatedUser(user, conn.address.url, wanted)


def list_usernames(conn: Connection, *, timeout: float | None = None) -> list[str]:
    """The names of all users, sorted. Needs the privilege SelectOwnership.

    Args:
        conn: the connection to ask.
        timeout: seconds; None = until an answer arrives or an error occurs.
    """
    return sorted(conn.checked("ListCredUsers", deadline=Deadline(timeout)).usernames)


def list_users(conn: Connection, *, timeout: float | None = None) -> Users:
    """All users with their roles, by one call. Needs the privilege SelectUser.

    Args:
        conn: the connection to ask.
        timeout: seconds; None = until an answer arrives or an error occurs.
    """
    reply = conn.checked("SelectUser", deadline=Deadline(timeout), include_role_info=True)
    rows = [User(result.user.name, _role_names(result)) for result in reply.results]
    rows.sort(key=lambda row: row.name)
    return Users(rows, f"{len(rows)} user{'s' if len(rows) != 1 else ''} on {conn.address.url}")


def whoami(conn: Connection, *, timeout: float | None = None) -> WhoAmI:
    """As whom this connection acts, what they hold, and what the server enforces.

    Args:
        conn: the connection to ask.
        timeout: seconds; None = until an answer arrives or an error occurs.
    """
    deadline = Deadline(timeout)
    with conn.together() as begin:
        version = begin("GetVersion", deadline=deadline)
        described = (
            begin("SelectUser", deadline=deadline, user={"name": conn.user}, include_role_info=True)
            if conn.user
            else None
        )
        enforced = verify.is_enforced(conn, deadline)
        reply = version.reply()
        held = _roles_of(conn.user, described) if described else None
    return WhoAmI(
        user=conn.user,
        actor=conn.actor,
        roles=held,
        server=conn.address.url,
        version=reply.version,
        authorization=enforced,
        secure=conn.address.secure,
    )


def _delete(
    conn: Connection, user: str, attempt: change.Attempt, otherwise: Callable[[Deadline], bool | None] | None
) -> None:
    """Send the deletion; `otherwise` tells whether it is done where the caller may not list users."""

    def is_gone(until: Deadline) -> bool | None:
        try:
            listed = _is_listed(conn, user, until)
        except AuthenticationError:
            # The own user is gone: it is the one that was deleted.
            return True if user == conn.user else None
        except PermissionDeniedError:
            return otherwise(until) if otherwise else None
        return None if listed is None else not listed

    try:
        attempt.send("DeleteCredential", is_gone, username=user)
    except ProtectedUserError as exc:
        raise ProtectedUserError(
            f"user {user!r} cannot be deleted: the server protects it", details=exc.details
        ) from exc
    if user == conn.user:
        attempt.actor_gone = _has_lost_access(conn)


def _deleted(conn: Connection, user: str, attempt: change.Attempt, *, verified: bool) -> DeletedUser:
    return DeletedUser(
        user, conn.address.url, attempt.roles, verified, disconnected=attempt.actor_gone, note=attempt.note
    )


def _has_lost_access(conn: Connection) -> bool:
    """Whether this connection's own login is refused by now; proxies take some milliseconds to notice."""
    until = Deadline(SECONDS_TO_LOSE_ACCESS)
    while not until.passed():
        try:
            conn.call("GetVersion", deadline=until)
        except AuthenticationError:
            return True
        except MilvusException:
            return False
        time.sleep(0.005)
    return False


def _existing(conn: Connection, user: str, deadline: Deadline) -> tuple[str, ...] | None:
    """The roles of a user who must exist; None where the caller may not look."""
    with conn.together() as begin:
        described = begin("SelectUser", deadline=deadline, user={"name": user}, include_role_info=True)
        if _is_listed(conn, user, deadline) is False:
            raise UnknownUserError(f"there is no user {user!r} on {conn.address.url}; nothing was changed")
        return _roles_of(user, described)


def _is_listed(conn: Connection, user: str, deadline: Deadline) -> bool | None:
    """Whether the server lists the user; None where it lists nobody, which means that it didn't look."""
    names = conn.checked("ListCredUsers", deadline=deadline).usernames
    return user in names if names else None


def _roles_of(user: str, described: Pending) -> tuple[str, ...] | None:
    """The roles that a SelectUser in flight tells; None where the caller may not look or the server doesn't say."""
    try:
        reply = described.reply()
    except MilvusException:
        return None
    return next((_role_names(result) for result in reply.results if result.user.name == user), None)


def _role_names(result: object) -> tuple[str, ...]:
    # Milvus 2.6.4 to 2.6.11 may list an empty role name.
    return tuple(sorted(role.name for role in result.roles if role.name))  # type: ignore[attr-defined]


def _require_new(conn: Connection, user: str, wanted: tuple[str, ...], deadline: Deadline) -> list[str]:
    """The names of all users, none of which is `user`; empty where the caller may not list them."""
    with conn.together() as begin:
        listed = begin("ListCredUsers", deadline=deadline)
        if wanted:
            roles.require_existing(conn, wanted, deadline)
        try:
            names = list(listed.reply().usernames)
        except PermissionDeniedError:
            return []
    if user in names:
        raise _exists(conn, user)
    return names


def _exists(conn: Connection, user: str, details: str = "") -> UserExistsError:
    return UserExistsError(f"user {user!r} exists already on {conn.address.url}; nothing was changed", details=details)


def _grant_all(conn: Connection, user: str, wanted: tuple[str, ...], deadline: Deadline) -> None:
    for number, role in enumerate(wanted):
        try:
            roles.grant_role(conn, user, role, timeout=deadline.remaining())
        except CodedError as exc:
            missing = ", ".join(repr(name) for name in wanted[number:])
            raise type(exc)(
                f"user {user!r} is created, but without {missing}: {exc}", details=exc.details, code=exc.code
            ) from exc
