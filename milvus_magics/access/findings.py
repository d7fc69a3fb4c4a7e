"""What should be known about a server's users and roles, found in one reading."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from milvus_magics.access.rights import EVERYTHING, is_on_one_name, matches
from milvus_magics.access.snapshot import AccessSnapshot
from milvus_magics.client.names import ADMIN, PUBLIC, ROOT
from milvus_magics.client.results.privileges import Grant
from milvus_magics.client.results.table import Table
from milvus_magics.wording import listed

# Milvus's own limits where nobody raised them; a server doesn't tell which it has.
USUAL_LIMITS = {"users": (100, "proxy.maxUserNum"), "roles": (10, "proxy.maxRoleNum")}
NEAR = 0.8
BUILT_IN_ROLES = (ADMIN, PUBLIC, "db_admin", "db_rw", "db_ro")


def find_problems(reading: AccessSnapshot) -> Findings:
    """Everything that is worth knowing, the most urgent first."""
    found = [*_security(reading), *_idle(reading), *_targets(reading), *_unused(reading), *_limits(reading)]
    return Findings(found, f"{len(found)} concern{'s' if len(found) != 1 else ''} about {reading.server}")


def limit_of(what: str, count: int) -> str:
    """How many users or roles there may be, where there are so many."""
    limit, setting = USUAL_LIMITS[what]
    if count > limit:
        return f"more than Milvus's default limit of {limit}, which was raised here"
    return f"of {limit} unless {setting} is raised"


def _security(reading: AccessSnapshot) -> Iterator[Finding]:
    if reading.enforced is False:
        text = "authorization is off: anybody who reaches the server may do anything, whatever is granted"
        yield Finding("authorization", f"{text} (setting common.security.authorizationEnabled)")
    if reading.default_password:
        text = "root still has the password that Milvus comes with: change it with %milvus_update_password root"
        yield Finding("default password", text, (ROOT,))
    if not reading.secure:
        yield Finding("TLS", "TLS is off on this connection: passwords and data travel in plaintext")


def _idle(reading: AccessSnapshot) -> Iterator[Finding]:
    idle = [grant for grant in reading.grants if reading.is_idle(grant)]
    if idle:
        text = (
            f"{EVERYTHING} brings nothing there, since this server takes its database literally; grant it in each "
            f"database, or the role {ADMIN}: {_shown(idle)}"
        )
        yield Finding("grants without effect", text, _names(idle))


def _targets(reading: AccessSnapshot) -> Iterator[Finding]:
    gone = [grant for grant in reading.grants if _is_gone(reading, grant)]
    if gone:
        unless = (
            "" if set(reading.aliases) >= set(reading.collections) else ", unless it is an alias: not all are listed"
        )
        text = f"granted on what is not there{unless}; whoever creates it next gives it away: {_shown(gone)}"
        yield Finding("grants on nothing", text, _names(gone))
    on_aliases = [grant for grant in reading.grants if reading.alias_of(grant)]
    if on_aliases and reading.has_feature("grants on aliases"):
        text = (
            "granted on an alias, which brings nothing where proxy.resolveAliasForPrivilege is on; grant it on the "
            f"collection: {_shown(on_aliases)}"
        )
        yield Finding("grants on aliases", text, _names(on_aliases))


def _is_gone(reading: AccessSnapshot, grant: Grant) -> bool:
    if not reading.collections:
        return False  # nobody could look
    dbs = [db for db in reading.collections if matches(db, grant.db)]
    if not dbs:
        return True
    if not is_on_one_name(grant):
        return False
    names = (name for db in dbs for name in (*reading.collections[db], *reading.aliases.get(db, ())))
    return not any(matches(name, grant.object_name) for name in names)


def _unused(reading: AccessSnapshot) -> Iterator[Finding]:
    without = tuple(user for user, roles in reading.users.items() if not roles and user != ROOT)
    if without and not reading.partial:
        text = f"users without a role, who may do only what {PUBLIC!r} brings: {_quoted(without)}"
        yield Finding("users without a role", text, without)
    unheld = tuple(
        role for role, users in reading.roles.items() if users is not None and not users and role not in BUILT_IN_ROLES
    )
    if unheld:
        yield Finding("roles without a holder", f"roles that nobody holds: {_quoted(unheld)}", unheld)


def _limits(reading: AccessSnapshot) -> Iterator[Finding]:
    if reading.partial:
        return
    for what, count in (("users", len(reading.users)), ("roles", len(reading.roles))):
        limit, setting = USUAL_LIMITS[what]
        if NEAR * limit <= count <= limit:
            text = f"{count} {what}, where Milvus takes {limit} unless its setting {setting} is raised"
            yield Finding(f"limit of {what}", text)


def _shown(grants: list[Grant]) -> str:
    return listed([f"{grant} by role {grant.role!r}" for grant in grants], 3)


def _names(grants: list[Grant]) -> tuple[str, ...]:
    return tuple(f"{grant.role}: {grant}" for grant in grants)


def _quoted(names: tuple[str, ...]) -> str:
    return listed([repr(name) for name in names])


class Finding(NamedTuple):
    """Something that whoever administers a server wants to know.

    Attributes:
        concern: of what kind, in two or three words.
        text: what it is, and what to do about it.
        names: the users, roles or grants that it is about.
    """

    concern: str
    text: str
    names: tuple[str, ...] = ()


class Findings(Table[Finding]):
    """What should be known about a server's users and roles."""

    columns = ("concern", "text", "names")
