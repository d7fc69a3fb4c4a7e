"""Which grants a request reaches: servers keep some under another name, or on another one, than they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from milvus_magics import errors, wire
from milvus_magics.client import lookup
from milvus_magics.client.grants.listing import is_same_grant, select_grants_of_role
from milvus_magics.client.privilege_catalog import ALL, KNOWN, USUAL_GROUPS, suggest_privilege
from milvus_magics.client.results.privileges import Grant
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline
from milvus_magics.wire.versions import FEATURES
from milvus_magics.wording import join_parts, list_text

# Names that lead to something else than servers with `OperatePrivilegeV2` keep -> those that lead there.
NAMES_THAT_REACH = {
    **{old: f"Group{old}" for old in ("ReadOnly", "ReadWrite")},
    **{f"Group{name}": name for name in USUAL_GROUPS},
}
# What servers give and take together with a privilege.
COMPANIONS = {"Load": ("GetLoadState", "GetLoadingProgress"), "Flush": ("GetFlushState",)}


def select_grants_if_permitted(conn: Connection, wanted: Sequence[Grant], deadline: Deadline) -> list[Grant] | None:
    """What a role holds, as `select_grants_of_role` has it, without grantors. None if the caller may not look."""
    try:
        return [replace(grant, grantor="") for grant in select_grants_of_role(conn, wanted, deadline)]
    except errors.PermissionDeniedError:
        return None


def find_grants_to_revoke(
    conn: Connection, asked: Sequence[Grant], listed: Sequence[Grant] | None, deadline: Deadline, *, has_type: bool
) -> list[Grant]:
    """The grants that are meant, of those that a role holds; the first of them is the one to revoke.

    Servers accept to revoke what was never granted, and take it from a collection where they are told an alias.

    Args:
        asked: the forms in which it may have been granted, the likeliest first.
        listed: what the role holds. None if the caller may not look; then the first form is what is meant.
        has_type: whether the object type was named, so that no other one is meant.

    Raises:
        NotGrantedError: the role does not hold it; says what it has.
        ParameterError: an alias is named, and the server would take what is on its collection; or the caller may not
            look, and this name doesn't lead to what the server keeps.
    """
    if listed is None and not has_type:
        _require_name_of_kept(conn, asked[0], deadline)
    found = _find_meant(asked, listed, has_type)
    _require_no_alias(conn, found[0] if found else asked[0], asked, listed, deadline, has_type=has_type)
    if not found:
        hint = "" if asked[0].privilege in KNOWN else suggest_privilege(asked[0].privilege)
        has = f"it has {list_text(listed)}" if listed else "it has no privileges"
        raise errors.NotGrantedError(
            f"role {asked[0].role!r} does not have {asked[0]}{hint}; {has}", outcome=errors.NOTHING_CHANGED
        )
    return found


def _require_name_of_kept(conn: Connection, asked: Grant, deadline: Deadline) -> None:
    """Raise for a group's name that need not lead to what the server keeps."""
    name = asked.privilege
    other = NAMES_THAT_REACH.get(name)
    if other is None or lookup.is_older(conn, wire.METHODS["OperatePrivilegeV2"].since, deadline):
        return
    raise errors.ParameterError(
        f"this server may keep {name!r} under another name, and what the role holds {lookup.CANNOT_BE_SEEN}: revoke "
        f"{other!r}{'' if other in USUAL_GROUPS else ', or name the object type (--object Collection)'}",
        outcome=errors.NOTHING_CHANGED,
    )


def unseen_note(listed: Sequence[Grant] | None) -> str:
    """What to say of a revocation where the caller may not look; empty if they may."""
    return f"whether the role had it {lookup.CANNOT_BE_SEEN}" if listed is None else ""


def _find_meant(asked: Sequence[Grant], listed: Sequence[Grant] | None, has_type: bool) -> list[Grant]:
    """The listed grants that are meant, the likeliest first. If the caller may not look, it is the first form."""
    if listed is None:
        return list(asked[:1])
    found = [
        grant
        for form in asked
        for is_alike in (True, False)
        for grant in listed
        if is_same_grant(form, grant) and (grant.object_type == form.object_type) is is_alike
    ]
    return [grant for grant in dict.fromkeys(found) if not has_type or grant.object_type == asked[0].object_type]


def _require_no_alias(
    conn: Connection,
    first: Grant,
    asked: Sequence[Grant],
    listed: Sequence[Grant] | None,
    deadline: Deadline,
    *,
    has_type: bool,
) -> None:
    """Raise if an alias is named, so that the server would take a grant from its collection."""
    collection = read_aliased_collection(conn, first, deadline)
    if collection is None:
        return
    is_meant = bool(_find_meant(asked, listed, has_type))
    on_it = [replace(form, object_name=collection) for form in asked]
    # Which collection it is may not be seen; then what the role holds there isn't known, either.
    is_there = not collection or bool(_find_meant(on_it, listed, has_type))
    text = f"{_alias_text(first.object_name, collection)}, and this server would take the privilege from that instead"
    by_name = f"if that is meant, name it (--collection {collection or 'NAME'})" if is_there else ""
    is_under_it = is_meant and listed is not None
    until = "to revoke what is kept under the alias itself, drop the alias first, or the role (--force)"
    if is_meant or is_there:
        kind = errors.ParameterError if is_meant else errors.NotGrantedError
        raise kind(join_parts(text, by_name, until if is_under_it else ""), outcome=errors.NOTHING_CHANGED)


def read_aliased_collection(conn: Connection, grant: Grant, deadline: Deadline) -> str | None:
    """The collection that the server takes for the alias in a grant; empty if it cannot be seen.

    None if the name is no alias, as far as can be seen, or the server leaves aliases alone.
    """
    is_named = grant.object_type != "User" and ALL not in (grant.object_name, grant.db)
    if not is_named or lookup.is_older(conn, FEATURES["grants on aliases"], deadline):
        return None
    try:
        if grant.object_name not in lookup.list_aliases(conn, grant.db, deadline):
            return None
    except errors.MilvusException:
        return None
    try:
        return lookup.find_aliased_collection(conn, grant.db, grant.object_name, deadline)
    except errors.MilvusException:
        return ""


def follow_alias(conn: Connection, forms: Sequence[Grant], deadline: Deadline) -> tuple[list[Grant], str]:
    """The forms of a grant with an alias replaced by its collection, where the server keeps it; and a note."""
    collection = read_aliased_collection(conn, forms[0], deadline)
    if collection is None:
        return list(forms), ""
    alias = forms[0].object_name
    moved = [replace(form, object_name=collection) if form.object_name == alias else form for form in forms]
    return moved if collection else list(forms), f"{_alias_text(alias, collection)}, where the server keeps it"


def describe_names(asked: Grant, kept: Grant) -> str:
    """Say that a group is kept under another name; empty if it is the same."""
    return f"that is how the server keeps {asked.privilege!r}" if asked.privilege != kept.privilege else ""


def find_companions(conn: Connection, grant: Grant, deadline: Deadline) -> list[Grant]:
    """What the server gives or takes together with a grant."""
    others = COMPANIONS.get(grant.privilege, ())
    if not others or lookup.is_older(conn, FEATURES["grants with companions"], deadline):
        return []
    return [replace(grant, privilege=name, grantor="") for name in others]


def describe_others(grants: Sequence[Grant], words: str) -> str:
    """Say which other grants come or go; empty if there are none."""
    return f"{words}: {list_text([grant.privilege for grant in grants])}" if grants else ""


def describe_rest(rest: Sequence[Grant]) -> str:
    """Say which grants were meant as well and stay; empty if there are none."""
    return f"it still has {list_text(rest)}: run it again to revoke that, too" if rest else ""


def require_gone(conn: Connection, grant: Grant, before: Sequence[Grant], deadline: Deadline) -> str:
    """Read what a role holds after a revocation; return a note about what went with it.

    Raises:
        OutcomeUnknownError: the server says that it is done, and still lists it.
    """
    try:
        after = select_grants_if_permitted(conn, before, deadline) or ()
    except errors.MilvusException as exc:
        return f"whether it is gone could not be asked: {exc}"
    gone = [other for other in before if other not in after and other != grant]
    if grant not in after:
        return describe_others(gone, "gone with it")
    instead = f", and {list_text(gone)} is gone instead" if gone else ""
    raise errors.OutcomeUnknownError(
        f"the server says that it is done, but {grant} is still listed{instead}; check with %milvus_list_grants"
    )


def _alias_text(alias: str, collection: str) -> str:
    return f"{alias!r} is an alias of {collection!r}" if collection else f"{alias!r} is an alias of a collection"
