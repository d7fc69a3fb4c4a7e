"""What the acting user may do, as far as their own roles tell: everybody may look at those."""

from __future__ import annotations

from milvus_magics import errors
from milvus_magics.client import lookup
from milvus_magics.client.grants import select_grants
from milvus_magics.client.names import ADMIN, PUBLIC, ROOT
from milvus_magics.client.password_check import is_authorization_on
from milvus_magics.client.privilege_catalog import ALL, ALL_PRIVILEGES, DEFAULT_DATABASE, KNOWN, USUAL_GROUPS
from milvus_magics.client.results.privileges import Grant
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline
from milvus_magics.wire.versions import FEATURES


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
    counts_here = lookup.is_older(conn, FEATURES["rights on the cluster in * only"], deadline)
    here = conn.address.db_name or DEFAULT_DATABASE
    may_bring_it = (
        _may_bring(grant, privilege)
        for grant in grants
        if "*" in grant.db or "?" in grant.db or (counts_here and grant.db == here)
    )
    return not any(may_bring_it) and is_authorization_on(conn, deadline) is True


def _may_bring(grant: Grant, privilege: str) -> bool:
    """Whether a grant brings a privilege, or may do so: what somebody's own group holds is not known."""
    if grant.privilege in USUAL_GROUPS:
        return privilege in USUAL_GROUPS[grant.privilege]
    return grant.privilege in (privilege, ALL_PRIVILEGES) or grant.privilege not in KNOWN
