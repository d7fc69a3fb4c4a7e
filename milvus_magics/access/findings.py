"""What should be known about a server's users and roles, found in one reading."""

from __future__ import annotations

from collections.abc import Iterator

from milvus_magics.access.rights import ADMIN, EVERYTHING, PUBLIC, ROOT, is_on_one_name, matches
from milvus_magics.access.snapshot import SINCE_ALIASES_COUNT, Concern, Concerns, Reading
from milvus_magics.client.results.roles import Grant, some

# Milvus's own limits where nobody raised them; a server doesn't tell which it has.
USUAL_LIMITS = {"users": (100, "proxy.maxUserNum"), "roles": (10, "proxy.maxRoleNum")}
NEAR = 0.8
BUILT_IN_ROLES = (ADMIN, PUBLIC, "db_admin", "db_rw", "db_ro")


def of(reading: Reading) -> Concerns:
    """Everything that is worth knowing, the most urgent first."""
    found = [*_security(reading), *_idle(reading), *_targets(reading), *_unused(reading), *_limits(reading)]
    return Concerns(found, f"{len(found)} concern{'s' if len(found) != 1 else ''} about {reading.server}")


def limit_of(what: str, count: int) -> str:
    """How many users or roles there may be, where there are so many."""
    limit, setting = USUAL_LIMITS[what]
    if count > limit:
        return f"more than Milvus's default limit of {limit}, which was raised here"
    return f"of {limit} unless {setting} is raised"


def _security(reading: Reading) -> Iterator[Concern]:
    if reading.enforced is False:
        text = "authorization is off: anybody who reaches the server may do anything, whatever is granted"
        yield Concern("authorization", f"{text} (setting common.security.authorizationEnabled)")
    if reading.default_password:
        text = "root still has the password that Milvus comes with: change it with %milvus_update_password root"
        yield Concern("default password", text, (ROOT,))
    if not reading.secure:
        yield Concern("TLS", "TLS is off on this connection: passwords and data travel in plaintext")


def _idle(reading: Reading) -> Iterator[Concern]:
    idle = [grant for grant in reading.grants if reading.is_idle(grant)]
    if idle:
        text = (
            f"{EVERYTHING} brings nothing there, since this server takes its database literally; grant it in each "
            f"database, or the role {ADMIN}: {_shown(idle)}"
        )
        yield Concern("grants without effect", text, _names(idle))


def _targets(reading: Reading) -> Iterator[Concern]:
    gone = [grant for grant in reading.grants if _is_gone(reading, grant)]
    if gone:
        unless = (
            "" if set(reading.aliases) >= set(reading.collections) else ", unless it is an alias: not all are listed"
        )
        text = f"granted on what is not there{unless}; whoever creates it next gives it away: {_shown(gone)}"
        yield Concern("grants on nothing", text, _names(gone))
    on_aliases = [grant for grant in reading.grants if reading.alias_of(grant)]
    if on_aliases and not reading.is_older_than(*SINCE_ALIASES_COUNT):
        text = (
            "granted on an alias, which brings nothing where proxy.resolveAliasForPrivilege is on; grant it on the "
            f"collection: {_shown(on_aliases)}"
        )
        yield Concern("grants on aliases", text, _names(on_aliases))


def _is_gone(reading: Reading, grant: Grant) -> bool:
    if not reading.collections:
        return False  # nobody could look
    dbs = [db for db in reading.collections if matches(db, grant.db)]
    if not dbs:
        return True
    if not is_on_one_name(grant):
        return False
    names = (name for db in dbs for name in (*reading.collections[db], *reading.aliases.get(db, ())))
    return not any(matches(name, grant.object_name) for name in names)


def _unused(reading: Reading) -> Iterator[Concern]:
    without = tuple(user for user, roles in reading.users.items() if not roles and user != ROOT)
    if without and not reading.partial:
        text = f"users without a role, who may do only what {PUBLIC!r} brings: {_quoted(without)}"
        yield Concern("users without a role", text, without)
    unheld = tuple(
        role for role, users in reading.roles.items() if users is not None and not users and role not in BUILT_IN_ROLES
    )
    if unheld:
        yield Concern("roles without a holder", f"roles that nobody holds: {_quoted(unheld)}", unheld)


def _limits(reading: Reading) -> Iterator[Concern]:
    if reading.partial:
        return
    for what, count in (("users", len(reading.users)), ("roles", len(reading.roles))):
        limit, setting = USUAL_LIMITS[what]
        if NEAR * limit <= count <= limit:
            text = f"{count} {what}, where Milvus takes {limit} unless its setting {setting} is raised"
            yield Concern(f"limit of {what}", text)


def _shown(grants: list[Grant]) -> str:
    return some([f"{grant} by role {grant.role!r}" for grant in grants], 3)


def _names(grants: list[Grant]) -> tuple[str, ...]:
    return tuple(f"{grant.role}: {grant}" for grant in grants)


def _quoted(names: tuple[str, ...]) -> str:
    return some([repr(name) for name in names])
