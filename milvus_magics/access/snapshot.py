"""What a look at everybody's rights finds: the whole reading, concerns, and answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from milvus_magics.access.rights import BY_BEING_ROOT, EVERYTHING, UNCHECKED, Right, matches
from milvus_magics.client.names import ADMIN, PUBLIC, ROOT
from milvus_magics.client.privilege_catalog import ALL, USUAL_GROUPS, kind_of
from milvus_magics.client.results.privileges import Grant
from milvus_magics.wire.versions import FEATURES, is_older

EVERYBODY = "(everybody)"
MOST_ROWS = 1000  # of HTML: whoever asks who may do something wants to find everybody
# The groups of Milvus 2.4, which are granted like privileges -> what they stand for.
OLD_GROUPS = {"GroupReadOnly": "CollectionReadOnly", "GroupReadWrite": "CollectionReadWrite", "GroupAdmin": EVERYTHING}
# From here on Milvus may look up which collection an alias means (proxy.resolveAliasForPrivilege) before it compares.


@dataclass(frozen=True)
class AccessSnapshot:
    """What one look at a server found.

    Attributes:
        server: its address.
        version: its version.
        users: name -> their roles.
        roles: name -> who holds it; None where the caller may not look.
        grants: everything that roles hold.
        groups: group of privileges -> what it holds; empty on servers without groups.
        collections: database -> its collections; empty where the caller may not look.
        aliases: database -> alias -> its collection; without the databases where the caller may not look.
        enforced: whether authorization is on; None = cannot be told.
        secure: whether this connection uses TLS.
        default_password: whether root still has the one that Milvus comes with; None = not known.
        partial: what could not be looked at; empty where everything was.
    """

    server: str
    version: str
    users: Mapping[str, tuple[str, ...]]
    roles: Mapping[str, tuple[str, ...] | None]
    grants: Sequence[Grant]
    groups: Mapping[str, tuple[str, ...]]
    collections: Mapping[str, tuple[str, ...]]
    aliases: Mapping[str, Mapping[str, str]]
    enforced: bool | None
    secure: bool
    default_password: bool | None
    partial: str = ""

    def has_feature(self, feature: str) -> bool:
        """Whether the server is new enough for one of `FEATURES`; one that doesn't tell its version is."""
        return not is_older(self.version, FEATURES[feature])

    def has(self, collection: str, db: str) -> bool:
        """Whether there is a collection or an alias of that name; nobody knows where the caller may not look."""
        there_are = self.collections.get(db, (collection,))
        return collection in there_are or collection in self.aliases.get(db, ())

    def roles_of(self, user: str) -> tuple[str, ...]:
        """A user's roles, with the one that everybody holds."""
        public = (PUBLIC,) if PUBLIC in self.roles else ()
        return tuple(dict.fromkeys((*self.users.get(user, ()), *public)))

    def rights_of_role(self, role: str) -> tuple[Right, ...]:
        """What a role brings, groups taken apart."""
        return self._by_role.get(role, ())

    def rights_of(self, user: str) -> Iterator[Right]:
        """What a user may do, by all their roles."""
        if self.enforced is False:
            yield Right(user, EVERYTHING, "Global", ALL, ALL, UNCHECKED)
        if user == ROOT:
            yield Right(user, EVERYTHING, "Global", ALL, ALL, BY_BEING_ROOT)
        for role in self.roles_of(user):
            for _, *right in self.rights_of_role(role):
                yield Right(user, *right)

    def allows(self, user: str, privilege: str, collection: str | None = None, db: str = "default") -> bool:
        """Whether a user may do what needs a privilege; everybody may look at and change themselves besides.

        Milvus compares names: a grant on a collection doesn't allow to use it by an alias, nor the reverse. Newer
        servers may be set up to look aliases up; they don't tell, so there a grant on the collection is enough.
        """
        permits = self._permits(privilege, self._meant_by(collection, db), db)
        return any(map(permits, self.rights_of(user)))

    def answering(self, privilege: str | None, collection: str | None, db: str | None) -> Callable[[Right], bool]:
        """What tells whether a right belongs to an answer: a collection may be reached by any of its names."""
        names = self._meant_by(collection, db)
        aliases = [alias for alias, of in self.aliases.get(db or "", {}).items() if of in names]
        return self._permits(privilege, (*names, *aliases), db)

    def _permits(
        self, privilege: str | None, collections: Sequence[str | None], db: str | None
    ) -> Callable[[Right], bool]:
        ways = (privilege, *self._wider.get(privilege or "", ()))
        held = self.groups.get(privilege or "", ())

        def permits(right: Right) -> bool:
            if held and right.privilege == ALL:  # enough for a group where it is enough for all that this holds
                return any(all(right.permits(one, name, db) for one in held) for name in collections)
            return any(right.permits(way, name, db) for way in ways for name in collections)

        return permits

    def _meant_by(self, collection: str | None, db: str | None) -> tuple[str | None, ...]:
        """The names that a server may look for when somebody uses this one."""
        meant = self.aliases.get(db or "", {}).get(collection or "")
        return (collection, meant) if meant and self.has_feature("grants on aliases") else (collection,)

    @cached_property
    def _wider(self) -> dict[str, list[str]]:
        """Group of privileges -> the groups that bring all of it."""
        held = {name: set(names) for name, names in self.groups.items()}
        return {name: [other for other in held if name != other and held[name] <= held[other]] for name in held}

    @cached_property
    def _by_role(self) -> dict[str, tuple[Right, ...]]:
        found: dict[str, list[Right]] = {role: [] for role in self.roles}
        if ADMIN in found:
            found[ADMIN].append(Right("", EVERYTHING, "Global", ALL, ALL, ADMIN))
        for grant in self.grants:
            found.setdefault(grant.role, []).extend(self._rights(grant))
        return {role: tuple(rights) for role, rights in found.items()}

    def _rights(self, grant: Grant) -> Iterator[Right]:
        if self.is_idle(grant):
            return
        held = (self.groups or USUAL_GROUPS).get(OLD_GROUPS.get(grant.privilege, grant.privilege))
        where = (grant.object_name or ALL, grant.db or ALL, grant.role)
        of = self.alias_of(grant)
        if held is not None:
            for name in held:
                yield Right("", name, kind_of(name) or grant.object_type, *where, grant.privilege, of)
        elif OLD_GROUPS.get(grant.privilege) == EVERYTHING:
            yield Right("", EVERYTHING, "Global", *where, grant.privilege)
        else:
            yield Right("", grant.privilege, grant.object_type, *where, alias_of=of)

    def alias_of(self, grant: Grant) -> str:
        """The collection, where a grant is on an alias."""
        found = [
            of[grant.object_name]
            for db, of in self.aliases.items()
            if matches(db, grant.db) and grant.object_name in of
        ]
        return found[0] if found else ""

    def is_idle(self, grant: Grant) -> bool:
        """Whether a grant brings nothing: Milvus 2.3 takes the database of `All` literally, also a `*`."""
        is_literal = grant.privilege == EVERYTHING and not self.has_feature("all databases by wildcard")
        return is_literal and bool(self.collections) and grant.db not in self.collections
