"""What the acting user may do, as far as their own roles tell: everybody may look at those."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from milvus_magics import errors
from milvus_magics.client import lookup
from milvus_magics.client.grants.listing import select_grants
from milvus_magics.client.grants.scope import read_groups
from milvus_magics.client.names import ADMIN, PUBLIC, ROOT
from milvus_magics.client.password_check import is_authorization_on
from milvus_magics.client.privilege_catalog import ALL, DEFAULT_DATABASE
from milvus_magics.client.rights.right import is_any
from milvus_magics.client.rights.rules import Rules
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline
from milvus_magics.wording import join_parts


def missing_right_note(
    conn: Connection, privilege: str, deadline: Deadline, *, later: Mapping[str, str] | None = None
) -> str:
    """A note if the acting user certainly lacks a privilege on the cluster.

    Args:
        later: privileges that are needed once the first step is done, and for what: `to give the roles`.
    """
    wanted = {**(later or {}), privilege: ""}
    try:
        lacking = _find_lacking(conn, sorted(wanted), deadline) if conn.user not in ("", ROOT) else []
    except errors.MilvusException:
        return ""  # nobody knows; the server will say
    return join_parts(
        *(f"you lack the privilege {name}, so the server will refuse {wanted[name] or 'this'}" for name in lacking)
    )


def _find_lacking(conn: Connection, wanted: Sequence[str], deadline: Deadline) -> list[str]:
    """Which of these privileges the acting user certainly lacks."""
    described = conn.begin("SelectUser", deadline=deadline, user={"name": conn.user}, include_role_info=True)
    roles = lookup.read_user(conn, conn.user, described, deadline).roles
    if roles is None or ADMIN in roles:
        return []
    grants = select_grants(conn, sorted({PUBLIC, *roles}), [ALL, ""], deadline)
    rules = Rules(lookup.read_version(conn, deadline), read_groups(conn, deadline))
    here = conn.address.db_name or DEFAULT_DATABASE
    rights = [right for grant in grants for right in rules.rights_by(grant)]

    def may(privilege: str) -> bool | None:
        db = rules.counted_database(privilege, here, here)
        return is_any(right.permits(privilege, db=db) for right in rights)

    lacking = [privilege for privilege in wanted if may(privilege) is False]
    return lacking if lacking and is_authorization_on(conn, deadline) is True else []
