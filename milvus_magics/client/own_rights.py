"""What the acting user may do, as far as their own roles tell: everybody may look at those."""

from __future__ import annotations

from milvus_magics import errors
from milvus_magics.client import lookup
from milvus_magics.client.grant_scope import read_groups
from milvus_magics.client.grants import select_grants
from milvus_magics.client.names import ADMIN, PUBLIC, ROOT
from milvus_magics.client.password_check import is_authorization_on
from milvus_magics.client.privilege_catalog import ALL, DEFAULT_DATABASE
from milvus_magics.client.rights.right import is_any
from milvus_magics.client.rights.rules import Rules
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline


def missing_right_note(conn: Connection, privilege: str, deadline: Deadline) -> str:
    """A note if the acting user certainly lacks a privilege on the cluster."""
    try:
        is_lacking = conn.user not in ("", ROOT) and _is_lacking(conn, privilege, deadline)
    except errors.MilvusException:
        return ""  # nobody knows; the server will say
    return f"{conn.actor} lacks the privilege {privilege}, so the server would refuse" if is_lacking else ""


def _is_lacking(conn: Connection, privilege: str, deadline: Deadline) -> bool:
    described = conn.begin("SelectUser", deadline=deadline, user={"name": conn.user}, include_role_info=True)
    roles = lookup.read_user(conn, conn.user, described, deadline).roles
    if roles is None or ADMIN in roles:
        return False
    grants = select_grants(conn, sorted({PUBLIC, *roles}), [ALL, ""], deadline)
    rules = Rules(lookup.read_version(conn, deadline), read_groups(conn, deadline))
    here = conn.address.db_name or DEFAULT_DATABASE
    db = rules.counted_database(privilege, here, here)
    rights = (right for grant in grants for right in rules.rights_by(grant))
    may = is_any(right.permits(privilege, db=db) for right in rights)
    return may is False and is_authorization_on(conn, deadline) is True
