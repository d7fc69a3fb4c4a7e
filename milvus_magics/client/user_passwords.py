"""Changing passwords, and previews of it."""

from __future__ import annotations

from milvus_magics import errors, wire
from milvus_magics.client import change, lookup, password_check
from milvus_magics.client.names import (
    hint_at_ends,
    problem_with_password,
    remark_on_password,
    require_valid,
)
from milvus_magics.client.own_rights import missing_right_note
from milvus_magics.client.results.previews import Preview
from milvus_magics.client.results.users import ChangedPassword
from milvus_magics.secret import Secret, mask_secret
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline
from milvus_magics.wording import join_parts, name_text

# One proxy has the new password before the answer; others may take a moment.
SECONDS_TO_PROVE = 2.0
SECONDS_BETWEEN_PROOFS = 0.05


def update_password(
    conn: Connection, user: str, old_password: str | Secret, new_password: str | Secret, *, timeout: float | None = None
) -> ChangedPassword:
    """Change a user's password. The old one is checked first, also where the server would not.

    If this connection acts as that user, it goes on with the new password.

    Args:
        conn: a connection whose user is that user, or may change passwords (the privilege UpdateUser).
        old_password: the password that they have. Empty: left to the server, which lets only superusers (its
            setting `common.security.superUsers`) go on without.
        new_password: 6 to 72 bytes, and another one.

    Raises:
        ParameterError: the new password cannot be, or is the old one, or the server (from 2.6) would drop the user
            name's outer blanks; nothing was changed.
        WrongPasswordError: the old password is not theirs; nothing was changed.
        UnknownUserError: there is no such user; none is made.
        CannotVerifyError: here nobody can tell whether the old password is right; nothing was changed.
        OutcomeUnknownError: the answer was lost; the text says what is known.
        MilvusException: for everything else.

    Behaviour: `utility.update_password` in Milvus's documentation.
    """
    old_password, new_password = mask_secret(old_password), mask_secret(new_password)
    old_password, new_password = Secret(old_password), Secret(new_password)
    return _change(conn, "update_password", user, old_password, new_password, Deadline(timeout))


def reset_password(
    conn: Connection, user: str, old_password: str | Secret, new_password: str | Secret, *, timeout: float | None = None
) -> ChangedPassword:
    """`update_password`, and then prove that the new password works and the old one is refused.

    Raises:
        OutcomeUnknownError: also where the old password still works two seconds after the change.
        MilvusException: as `update_password`.

    Behaviour: `utility.reset_password` in Milvus's documentation.
    """
    old_password, new_password = mask_secret(old_password), mask_secret(new_password)
    old, new = Secret(old_password), Secret(new_password)
    deadline = Deadline(timeout)
    changed = _change(conn, "reset_password", user, old, new, deadline)
    note = "not proven, as the old one was not given" if not old else ""
    proven = None
    try:
        proven = _prove(conn, user, old, new, deadline) if old else None
    except errors.OutcomeUnknownError:
        raise
    except errors.MilvusException as exc:
        note = f"not proven: {exc}"
    except KeyboardInterrupt as exc:
        raise errors.ChangeInterrupted(
            f"interrupted; the password of user {user!r} is changed, but not proven"
        ) from exc
    note = join_parts(changed.note, note)
    return ChangedPassword(user, changed.server, proven, changed.reauthenticated, note)


def _change(
    conn: Connection, operation: str, user: str, old: Secret, new: Secret, deadline: Deadline
) -> ChangedPassword:
    lookup.require_user_name(conn, user, deadline)
    require_valid(problem_with_password(new) or ("the new password is the old one" if old == new else None))

    def is_changed(until: Deadline) -> bool | None:
        return password_check.check_password(conn, user, new, until, may_rewrite=True).right

    subject = f"the password of user {user!r}"
    with change.attempt(conn, operation, user, subject, "changed", deadline) as attempt:
        _require_old(conn, user, old, deadline)
        try:
            # The old one was right just now: made twice, the change is refused for it, or for the user's own login.
            repeated = (errors.WrongPasswordError, errors.AuthenticationError) if old else ()
            attempt.send(
                "UpdateCredential", is_changed, repeated=repeated, username=user, oldPassword=old, newPassword=new
            )
        except errors.WrongPasswordError as exc:
            raise _refused_error(user, old) from exc
        finally:
            own = user == conn.user and attempt.outcome == "done"
            if own:
                conn.reauthenticate(new)
    note = join_parts(attempt.note, remark_on_password(new) or "")
    return ChangedPassword(user, conn.address.url, None, own, note)


def _require_old(conn: Connection, user: str, old: Secret, deadline: Deadline) -> None:
    """Require that the old password is right or, without one, that the user exists.

    A superuser's change skips the old password (https://github.com/milvus-io/milvus/pull/23729), and creates the user.
    """
    if old:
        with conn.batch() as begin:
            described = begin("SelectUser", deadline=deadline, user={"name": user}, include_role_info=True)
            password_check.require_right(conn, user, old, deadline)
            if lookup.read_user(conn, user, described, deadline).roles is None:
                lookup.require_not_gone(conn, user, deadline)
    elif not lookup.require_user(conn, user, deadline):
        raise errors.UnknownUserError(
            f"whether there is a user {user!r} cannot be told: the server lists nobody", outcome=errors.NOTHING_CHANGED
        )


def _refused_error(user: str, old: Secret) -> errors.WrongPasswordError:
    if old:
        return errors.WrongPasswordError(
            f"the old password of user {user!r} is wrong{hint_at_ends(old)}", outcome=errors.NOTHING_CHANGED
        )
    return errors.WrongPasswordError(
        f"the old password of user {user!r} is needed: only users whom the server's setting common.security.superUsers "
        "names may leave it out",
        outcome=errors.NOTHING_CHANGED,
    )


def _prove(conn: Connection, user: str, old: Secret, new: Secret, deadline: Deadline) -> bool:
    """Show that the new password works and the old one does not, in all proxies at best."""
    for _ in Deadline(SECONDS_TO_PROVE).poll(SECONDS_BETWEEN_PROOFS):
        old_works = password_check.check_password(conn, user, old, deadline, may_rewrite=True).right
        new_works = password_check.check_password(conn, user, new, deadline, may_rewrite=True).right
        if new_works and not old_works:
            return True
    which = "the old one still works" if old_works else "the new one does not work"
    raise errors.OutcomeUnknownError(
        f"the server says that the password of user {user!r} is changed, but {which}; if it has several "
        "proxies, one of them may not know yet: try again in a minute"
    )


def preview_update_password(
    conn: Connection, user: str, old_password: Secret | None = None, *, timeout: float | None = None
) -> Preview:
    """What a change of password would do. The old one is checked if that writes nothing."""
    old_password = None if old_password is None else Secret(old_password := mask_secret(old_password))
    deadline = Deadline(timeout)
    lookup.require_user_name(conn, user, deadline)
    checked, unseen = "the old password was not checked", ""
    if old_password:
        is_right = password_check.require_right(conn, user, old_password, deadline, may_rewrite=False).right
        checked = (
            "the old password is right"
            if is_right
            else "whether the old password is right shows only when it is changed"
        )
    else:  # also of one's own: that the server is gone shall be known before anybody types
        _, unseen = lookup.read_visible_user(conn, user, deadline)
    # One's own everybody may change, and that there is such a user shows by the connection.
    is_own = user == conn.user
    unseen = "" if is_own else unseen
    other = "" if is_own else missing_right_note(conn, wire.METHODS["UpdateCredential"].privilege, deadline)
    own = "this connection will go on with the new one" if is_own else ""
    what, note = f"change the password of {name_text(user)}", join_parts(own, unseen, checked)
    return Preview(what, conn.address.url, note=note, caution=other)
