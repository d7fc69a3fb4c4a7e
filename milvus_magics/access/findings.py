"""What should be known about a server's users and roles, found in one snapshot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from milvus_magics.access.snapshot import AccessSnapshot
from milvus_magics.client.names import ADMIN, PUBLIC, ROOT, USUAL_ROLE_LIMIT, USUAL_USER_LIMIT
from milvus_magics.client.results.privileges import Grant
from milvus_magics.client.results.table import Table
from milvus_magics.client.rights.concerns import Concern, concern_about
from milvus_magics.client.rights.right import is_on_one_name, matches
from milvus_magics.display.columns import wrap_lines
from milvus_magics.display.messages import html_line
from milvus_magics.display.terminal import Paint, terminal_width
from milvus_magics.wording import count_text, list_text, names_text, printable

# Milvus's own limits where nobody raised them; a server doesn't tell which it has.
USUAL_LIMITS = {"user": (USUAL_USER_LIMIT, "proxy.maxUserNum"), "role": (USUAL_ROLE_LIMIT, "proxy.maxRoleNum")}
NEAR = 0.8
MAX_NAMES = 5  # that a text tells; the finding has them all
BUILT_IN_ROLES = (ADMIN, PUBLIC, "db_admin", "db_rw", "db_ro")


SERIOUS, WARNING, NOTE = WEIGHTS = ("serious", "warning", "note")


class Finding(NamedTuple):
    """Something that an administrator of the server wants to know.

    Attributes:
        weight: `serious` (everything is open), `warning` (not as it looks), or `note`.
        concern: of what kind, in two or three words.
        text: what it is, and what to do about it.
        names: the users, roles or grants that it is about.
    """

    weight: str
    concern: str
    text: str
    names: tuple[str, ...] = ()


class Findings(Table[Finding]):
    """What should be known about a server's users and roles, the most serious first."""

    noun = "finding"
    columns = ("weight", "concern", "text", "names")

    def to_lines(self, paint: Paint) -> list[str]:
        """Each with its weight before it, as wide as the terminal."""
        width = terminal_width()
        return [
            paint(line, finding.weight)
            for finding in self
            for line in wrap_lines(printable(f"{finding.weight}: {finding.text}"), width)
        ]

    def to_html_lines(self) -> str:
        """Each as a line that looks as it weighs."""
        return "".join(html_line(finding.text, finding.weight) for finding in self)


def find_problems(snapshot: AccessSnapshot) -> Findings:
    """List everything that is worth knowing, the most serious first."""
    searches = (_security, _strange_grants, _grants_on_nothing, _grants_on_aliases, _unused, _limits)
    findings = [finding for search in searches for finding in search(snapshot)]
    findings.sort(key=lambda finding: WEIGHTS.index(finding.weight))
    return Findings(findings, f"{count_text(len(findings), 'concern')} about {snapshot.server}")


def limit_text(what: str, count: int) -> str:
    """How many users or roles there may be, where there are so many."""
    limit, _ = USUAL_LIMITS[what]
    raised = ", which was raised here" if count > limit else ""
    return f"default limit: {limit}{raised}"


def _security(snapshot: AccessSnapshot) -> Iterator[Finding]:
    if snapshot.enforced is False:
        text = "authorization is off: anybody who reaches the server may do anything, whatever is granted"
        yield Finding(SERIOUS, "authorization", f"{text} (setting common.security.authorizationEnabled)")
    if snapshot.default_password:
        text = "root still has the password that Milvus comes with: change it with %milvus_update_password root"
        yield Finding(SERIOUS, "default password", text, (ROOT,))
    if not snapshot.is_private:
        yield Finding(WARNING, "TLS", "TLS is off on this connection: passwords and data travel in plaintext")


def _strange_grants(snapshot: AccessSnapshot) -> Iterator[Finding]:
    found: dict[Concern, list[Grant]] = {}
    for grant in snapshot.grants:
        if concern := concern_about(snapshot.rules, grant):
            found.setdefault(concern, []).append(grant)
    for concern, grants in sorted(found.items()):
        yield from _about_grants(concern.kind, concern.text, grants)


def _grants_on_nothing(snapshot: AccessSnapshot) -> Iterator[Finding]:
    are_all_listed = snapshot.aliases.keys() >= snapshot.collections.keys()
    unless = "" if are_all_listed else ", unless it is an alias: not all are listed"
    text = f"grants on what doesn't exist{unless}; they apply to whatever is created under that name"
    grants = (grant for grant in snapshot.grants if _is_on_nothing(snapshot, grant))
    return _about_grants("grants on nothing", text, grants)


def _is_on_nothing(snapshot: AccessSnapshot, grant: Grant) -> bool:
    if not snapshot.sees_all:
        return False  # it may be there, and not be visible
    dbs = [db for db in snapshot.collections if matches(db, grant.db)]
    if not dbs or not is_on_one_name(grant):
        return not dbs
    names = (name for db in dbs for name in (*snapshot.collections[db], *snapshot.aliases.get(db, ())))
    return not any(matches(name, grant.object_name) for name in names)


def _grants_on_aliases(snapshot: AccessSnapshot) -> Iterator[Finding]:
    if not snapshot.rules.has("grants on aliases"):
        return iter(())
    text = (
        "granted on an alias, which brings nothing unless proxy.resolveAliasForPrivilege is off: grant it on the "
        "collection. By the alias's name it cannot be revoked, since the server then takes the collection's grant: "
        "drop the alias, revoke it, and create the alias again"
    )
    return _about_grants("grants on aliases", text, filter(snapshot.alias_target, snapshot.grants))


def _about_grants(concern: str, text: str, grants: Iterable[Grant]) -> Iterator[Finding]:
    grants = list(grants)
    if grants:
        shown = list_text([f"{grant} by role {grant.role!r}" for grant in grants], 3)
        yield Finding(WARNING, concern, f"{text}: {shown}", tuple(f"{grant.role}: {grant}" for grant in grants))


def _unused(snapshot: AccessSnapshot) -> Iterator[Finding]:
    without = tuple(user for user, roles in snapshot.users.items() if not roles and user != ROOT)
    if without and not snapshot.partial:
        have = f"{count_text(len(without), 'user')} {'has' if len(without) == 1 else 'have'} no role"
        text = f"{have} and may do only what everybody may: {names_text(without, MAX_NAMES)}"
        yield Finding(NOTE, "users without a role", text, without)
    # None is another thing than nobody: the holders could not be seen.
    unheld = tuple(role for role, users in snapshot.roles.items() if users == () and role not in BUILT_IN_ROLES)
    if unheld:
        text = f"nobody holds {count_text(len(unheld), 'role')}: {names_text(unheld, MAX_NAMES)}"
        yield Finding(NOTE, "roles without a holder", text, unheld)


def _limits(snapshot: AccessSnapshot) -> Iterator[Finding]:
    if snapshot.partial:
        return
    for what, count in (("user", len(snapshot.users)), ("role", len(snapshot.roles))):
        limit, setting = USUAL_LIMITS[what]
        if NEAR * limit <= count <= limit:
            text = f"{count_text(count, what)}, and the default limit is {limit} (setting {setting})"
            yield Finding(NOTE, f"limit of {what}s", text)
