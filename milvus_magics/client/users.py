"""Creating and listing users. Deletion and passwords have files of their own."""

from __future__ import annotations

from collections.abc import Sequence

from milvus_magics import errors, wire
from milvus_magics.client import change, lookup, roles
from milvus_magics.client.names import (
    USUAL_USER_LIMIT,
    problem_with_description,
    problem_with_existing_name,
    problem_with_password,
    remark_on_password,
    require_valid,
)
from milvus_magics.client.own_rights import missing_right_note
from milvus_magics.client.password_check import (
    MissingRoles,
    check_password,
    find_missing_roles,
    is_authorization_on,
    require_not_theirs,
)
from milvus_magics.client.results.descriptions import ChangedDescription, DescriptionSnapshot, preview_of_description
from milvus_magics.client.results.previews import Preview
from milvus_magics.client.results.users import CreatedUser, User, Usernames, Users, WhoAmI, held_roles_text, roles_text
from milvus_magics.client.user_deletion import delete_user as delete_user
from milvus_magics.client.user_deletion import drop_user as drop_user
from milvus_magics.client.user_deletion import preview_delete_user as preview_delete_user
from milvus_magics.client.user_deletion import preview_drop_user as preview_drop_user
from milvus_magics.client.user_passwords import reset_password as reset_password
from milvus_magics.client.user_passwords import update_password as update_password
from milvus_magics.secret import Secret, mask_secret
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline
from milvus_magics.wording import count_text, join_parts, name_text


def create_user(
    conn: Connection,
    user: str,
    password: str | Secret,
    *,
    grant: Sequence[str] = (),
    description: str = "",
    operation: str = "create_user",
    is_new: bool = False,
    timeout: float | None = None,
) -> CreatedUser:
    """Create a user, and give them roles.

    Args:
        conn: a connection whose user may create users (CreateOwnership; for roles ManageOwnership too).
        user: 1 to 32 bytes: a letter, then letters, digits, `_` (from Milvus 2.6 also `.` and `-`).
        password: 6 to 72 bytes.
        grant: names of existing roles.
        description: up to 1024 bytes, on servers that keep it (from 2.6.19); the result says where it is lost.
        operation: what it is called in the audit.
        is_new: whether the server has just been seen to have no such user, and all these roles; else it is asked.

    Raises:
        ParameterError: the name, the password or the description cannot be; nothing was sent.
        UserExistsError: there is such a user; their password stays as it was. With the same password and roles that
            they lack, it is taken for a creation that stopped half way, and the roles are given.
        UnknownRoleError: there is no such role; nothing was created.
        LimitReachedError: the server takes no more users.
        OutcomeUnknownError: the answer was lost; the text says what is known.
        MilvusException: for everything else; where the user is created without a role, the text says so.

    Behaviour: `utility.create_user` in Milvus's documentation.
    """
    password = Secret(password := mask_secret(password))
    wanted = tuple(dict.fromkeys(grant))
    deadline = Deadline(timeout)
    require_valid(problem_with_description(description))
    missing = _check_new_user(conn, user, password, () if is_new else wanted, deadline, may_rewrite=True).roles
    if missing:
        _grant_all(conn, user, missing, deadline)
        note = f"the user was there already, with this password; given now: {', '.join(map(repr, missing))}"
        return CreatedUser(user, conn.address.url, wanted, note=note)
    with change.attempt(conn, operation, user, f"user {user!r}", "created", deadline) as attempt:
        names = [] if is_new else _require_new(conn, user, wanted, deadline)
        is_unseen = names is None and require_not_theirs(conn, user, password, deadline)
        _send_creation(conn, attempt, user, password, description, names, is_unseen, deadline)
        lost = ""
        if description:
            lost = lookup.missing_description_note(
                lambda: list_user(conn, user, timeout=deadline.remaining()).description
            )
    _grant_all(conn, user, wanted, deadline)
    note = join_parts(attempt.note, lost, remark_on_password(password) or "")
    return CreatedUser(user, conn.address.url, wanted, note=note)


def describe_user(conn: Connection, user: str, description: str, *, timeout: float | None = None) -> ChangedDescription:
    """Change a user's description; needs Milvus 2.6.19.

    Args:
        conn: a connection whose user may do so (the privilege UpdateUser).
        description: the new text, up to 1024 bytes; empty for none.

    Raises:
        ParameterError: the description cannot be, or the server would drop the user name's outer blanks; nothing was
            changed.
        UnknownUserError: there is no such user.
        ServerTooOldError: the server keeps no descriptions; nothing was changed.
        OutcomeUnknownError: the answer was lost; the text says what is known.

    Behaviour: UpdateCredential of Milvus's protocol with nothing but a description, and `MilvusClient.update_user` in
    its documentation.
    """
    deadline = Deadline(timeout)
    _require_describable(conn, user, description, deadline)
    subject = f"the description of user {user!r}"
    with change.attempt(conn, "describe_user", user, subject, "changed", deadline) as attempt:
        before = _find_description(conn, user, deadline)
        if before is not None:
            attempt.remember(DescriptionSnapshot("user", user, before))
        try:
            send_description(conn, attempt, user, description)
        except errors.UnknownUserError as exc:
            raise lookup.unknown_user_error(conn, user) from exc
        except errors.ParameterError as exc:
            raise lookup.no_descriptions_error(conn) from exc  # it wants a password; its version could not be read
    return ChangedDescription("user", user, conn.address.url, description, before, attempt.note)


def send_description(conn: Connection, attempt: change.Attempt, user: str, description: str) -> None:
    """Send a change of a user's description only."""

    def is_done(until: Deadline) -> bool | None:
        return lookup.read_existing_user(conn, user, until).description == description

    attempt.send("UpdateCredential", is_done, username=user, description=description)


def list_usernames(conn: Connection, *, timeout: float | None = None) -> list[str]:
    """The names of all users, sorted. Needs the privilege SelectOwnership."""
    return Usernames(sorted(lookup.list_usernames(conn, Deadline(timeout))))


def list_users(conn: Connection, *, timeout: float | None = None) -> Users:
    """All users with their roles, by one call. Needs the privilege SelectUser."""
    reply = conn.call_checked("SelectUser", deadline=Deadline(timeout), include_role_info=True)
    rows = [User(result.user.name, lookup.role_names_in(result), result.description) for result in reply.results]
    rows.sort(key=lambda row: row.name)
    return Users(rows, f"{count_text(len(rows), 'user')} on {conn.address.url}")


def list_user(conn: Connection, user: str, *, timeout: float | None = None) -> User:
    """One user with their roles. Everybody may ask about themselves, others need the privilege SelectUser.

    Raises:
        UnknownUserError: there is no such user.
    """
    require_valid(problem_with_existing_name(user))
    return _find(conn, user, Deadline(timeout), None)


def _find(conn: Connection, user: str, deadline: Deadline, outcome: errors.Outcome | None) -> User:
    reply = conn.call("SelectUser", deadline=deadline, user={"name": user}, include_role_info=True)
    result = lookup.find_user(conn, user, reply, deadline)
    if result:
        return User(user, lookup.role_names_in(result), result.description)
    try:
        names = lookup.list_usernames(conn, deadline)
    except errors.PermissionDeniedError:
        names = []
    raise lookup.unknown_user_error(conn, user, names, outcome)


def _require_describable(conn: Connection, user: str, description: str, deadline: Deadline) -> None:
    """Raise ParameterError for a name or description that cannot be, or a name that the server takes for another."""
    require_valid(problem_with_existing_name(user) or problem_with_description(description))
    lookup.require_user_name(conn, user, deadline)


def _find_description(conn: Connection, user: str, deadline: Deadline) -> str | None:
    """The description of a user whose description can be changed. None if the caller may not look."""
    lookup.require_descriptions(conn, deadline)
    try:
        return _find(conn, user, deadline, errors.NOTHING_CHANGED).description
    except errors.PermissionDeniedError:
        return None


def whoami(conn: Connection, *, timeout: float | None = None) -> WhoAmI:
    """As whom this connection acts, what they hold, and what the server enforces."""
    deadline = Deadline(timeout)
    with conn.batch() as begin:
        version = begin("GetVersion", deadline=deadline)
        described = (
            begin("SelectUser", deadline=deadline, user={"name": conn.user}, include_role_info=True)
            if conn.user
            else None
        )
        enforced = is_authorization_on(conn, deadline)
        reply = version.reply()
        conn.version = reply.version
        user_roles = lookup.read_user(conn, conn.user, described, deadline).roles if described else None
    return WhoAmI(
        user=conn.user,
        actor=conn.actor,
        roles=user_roles,
        server=conn.address.url,
        version=reply.version,
        authorization=enforced,
        secure=conn.address.secure,
    )


def _check_new_user(
    conn: Connection, user: str, password: Secret | None, wanted: tuple[str, ...], deadline: Deadline, may_rewrite: bool
) -> MissingRoles:
    """Check name and password, and return the roles that are missing after a partial creation."""
    require_valid(lookup.problem_with_new_user(conn, user, deadline))
    require_valid(problem_with_password(password) if password is not None else None)
    if not (password and wanted):
        return MissingRoles()
    return find_missing_roles(conn, user, password, wanted, deadline, may_rewrite=may_rewrite)


def _require_new(conn: Connection, user: str, wanted: tuple[str, ...], deadline: Deadline) -> list[str] | None:
    """Require that the user is new and the roles exist, and return all user names. None if they may not be listed."""
    with conn.batch() as begin:
        listed = begin("ListCredUsers", deadline=deadline)
        if wanted:
            lookup.require_roles(conn, wanted, deadline)
        try:
            names = list(listed.reply().usernames)
        except errors.PermissionDeniedError:
            return None
    if user in names:
        raise lookup.user_exists_error(conn, user)
    return names


def _send_creation(
    conn: Connection,
    attempt: change.Attempt,
    user: str,
    password: Secret,
    description: str,
    names: list[str] | None,
    is_unseen: bool,
    deadline: Deadline,
) -> None:
    """Send a creation, and say in full why the server refuses it."""

    def is_ours(until: Deadline) -> bool | None:
        right = check_password(conn, user, password, until, may_rewrite=True).right
        return None if right and is_unseen else right

    def is_listed(until: Deadline) -> bool | None:
        return lookup.is_listed(conn, user, until)

    try:
        attempt.send(
            "CreateCredential",
            is_ours if names is None else is_listed,
            repeated=errors.UserExistsError,
            is_ours=is_ours,
            username=user,
            password=password,
            **({"description": description} if description else {}),
        )
    except errors.LimitReachedError as exc:
        raise errors.LimitReachedError(
            f"the server takes no more users: it has {_count_users(conn, deadline)} (setting proxy.maxUserNum); delete "
            f"one, or have the limit raised; user {user!r} is not created",
        ) from exc
    except errors.UserExistsError as exc:
        raise lookup.user_exists_error(conn, user) from exc


def _count_users(conn: Connection, deadline: Deadline) -> str:
    """How many users there are, in words."""
    try:
        return str(len(lookup.list_usernames(conn, deadline)))
    except errors.MilvusException:
        return "as many as its limit"


def _grant_all(conn: Connection, user: str, wanted: tuple[str, ...], deadline: Deadline) -> None:
    """Give a new user their roles, and say which are missing if that stops half way."""
    left = list(wanted)

    def progress() -> str:
        without = f", but without {', '.join(map(repr, left))}" if left else ""
        return f"user {user!r} is created{without}"

    with change.report_progress(progress):
        while left:
            roles.bind_role(conn, user, left[0], timeout=deadline.remaining())
            del left[0]


def rights_to_give(names: Sequence[str]) -> dict[str, str]:
    """What is needed to give a new user roles, and for what."""
    return {roles.MAY_BIND: f"to give {roles_text(tuple(names))}"} if names else {}


def preview_create_user(
    conn: Connection,
    user: str,
    password: Secret | None = None,
    *,
    grant: Sequence[str] = (),
    description: str = "",
    timeout: float | None = None,
) -> Preview:
    """What `create_user` would do, with the errors that can be foreseen."""
    password = None if password is None else Secret(password := mask_secret(password))
    wanted = tuple(grant)
    deadline = Deadline(timeout)
    require_valid(problem_with_description(description))
    missing = _check_new_user(conn, user, password or None, wanted, deadline, may_rewrite=False)
    if missing.roles:
        what = f"give {name_text(user)} the {roles_text(missing.roles)}; they exist already{missing.how_known}"
        return Preview(what, conn.address.url, caution=missing_right_note(conn, roles.MAY_BIND, deadline))
    try:
        names = _require_new(conn, user, wanted, deadline)
    except errors.UserExistsError as exc:
        if wanted and not password:
            raise exc.with_message(f"{exc}; give their password to add the roles that they lack", exc.outcome) from exc
        raise
    unseen = f"whether there is such a user already {lookup.CANNOT_BE_SEEN}"
    lost = lookup.lost_description_note(conn, description, deadline)
    lacking = missing_right_note(
        conn, wire.METHODS["CreateCredential"].privilege, deadline, later=rights_to_give(wanted)
    )
    full = f"there are {USUAL_USER_LIMIT} users, the default limit (setting proxy.maxUserNum)"
    seen = unseen if names is None else full if len(names) == USUAL_USER_LIMIT else ""
    note = join_parts(seen, remark_on_password(password or Secret("")) or "")
    what, caution = f"create the user {name_text(user)} {held_roles_text(wanted)}", join_parts(lost, lacking)
    return Preview(what, conn.address.url, note=note, caution=caution)


def preview_describe_user(conn: Connection, user: str, description: str, *, timeout: float | None = None) -> Preview:
    """What `describe_user` would do."""
    deadline = Deadline(timeout)
    _require_describable(conn, user, description, deadline)
    before = _find_description(conn, user, deadline)
    # One's own everybody may change.
    lacks = "" if user == conn.user else missing_right_note(conn, wire.METHODS["UpdateCredential"].privilege, deadline)
    undo = conn.on_change.undo_text("describe_user")
    return preview_of_description("user", user, conn.address.url, description, before, undo=undo, lacks=lacks)
