"""A snapshot of everything that decides who may do what, and the rights that follow from it."""

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
# The groups of Milvus 2.4, which are granted like privileges -> what they stand for.
OLD_GROUPS = {"GroupReadOnly": "CollectionReadOnly", "GroupReadWrite": "CollectionReadWrite", "GroupAdmin": EVERYTHING}


@dataclass(frozen=True)
class AccessSnapshot:
    """Users, roles, grants and what they are about, as a server told them at one time.

    Attributes:
        server: its address.
        version: its version.
        users: name -> their roles.
        roles: name -> who holds it; None where the caller may not look.
        grants: all privileges that roles hold.
        groups: privilege group -> its privileges; empty on servers without groups.
        collections: database -> its collections; empty where the caller may not look.
        aliases: database -> alias -> its collection, empty where the caller may not see that; without the databases
            where the caller may not look.
        enforced: whether authorization is on; None = cannot be told.
        secure: whether nobody can listen on the way of this connection: by TLS, or on this machine.
        default_password: whether root still has the one that Milvus comes with; None = not known.
        partial: what could not be looked at; empty where everything was.
        unread: roles whose grants may not be read.
        sees_all: whether `collections` holds all databases and collections, and not only what the caller sees.
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
    unread: Sequence[str] = ()
    sees_all: bool = True

    def has_feature(self, feature: str) -> bool:
        """Whether the server is new enough for one of `FEATURES`; one that doesn't tell its version is."""
        return not is_older(self.version, FEATURES[feature])

    def sources_of(self, user: str) -> tuple[str, ...]:
        """The roles that a user has rights by: `public`, too, and what stands for a role in `Right.role`."""
        special = [*([UNCHECKED] if self.enforced is False else []), *([BY_BEING_ROOT] if user == ROOT else [])]
        public = [PUBLIC] if PUBLIC in self.roles else []
        return tuple(dict.fromkeys((*special, *self.users.get(user, ()), *public)))

    def rights_of_role(self, role: str) -> tuple[Right, ...]:
        """What a role, or what stands for one, brings. Privilege groups are taken apart."""
        return self._rights_by_role.get(role, ())

    def rights_of(self, user: str) -> Iterator[Right]:
        """What a user may do, by all their roles."""
        for role in self.sources_of(user):
            for _, *right in self.rights_of_role(role):
                yield Right(user, *right)

    def allows(self, user: str, privilege: str, collection: str | None = None, db: str = "default") -> bool:
        """Whether a user may do what needs a privilege; everybody may look at and change themselves besides.

        Milvus compares names: a grant on a collection doesn't allow to use it by an alias, nor the reverse. Newer
        servers may be set up to look aliases up; they don't tell, so there a grant on the collection is enough.
        """
        is_enough = self.right_test(privilege, collection, db, by_any_name=False)
        return any(map(is_enough, self.rights_of(user)))

    def right_test(
        self, privilege: str | None, collection: str | None, db: str | None, *, by_any_name: bool = True
    ) -> Callable[[Right], bool]:
        """Make the test for rights that answer a question. A collection may be reached by its other names, too."""
        collections = self._compared_names(collection, db)
        if by_any_name:
            aliases = self.aliases.get(db or "", {})
            collections += tuple(alias for alias, target in aliases.items() if target in collections)
        wanted = (privilege, *self._containing_groups.get(privilege or "", ()))
        members = self.groups.get(privilege or "", ())

        def is_enough(right: Right) -> bool:
            if members and right.privilege == ALL:  # enough for a group where it is enough for all its privileges
                return any(all(right.permits(one, name, db) for one in members) for name in collections)
            return any(right.permits(one, name, db) for one in wanted for name in collections)

        return is_enough

    def _compared_names(self, collection: str | None, db: str | None) -> tuple[str | None, ...]:
        """The names that a server may look for in grants when somebody uses this one."""
        target = self.aliases.get(db or "", {}).get(collection or "")
        return (collection, target) if target and self.has_feature("grants on aliases") else (collection,)

    @cached_property
    def _containing_groups(self) -> dict[str, list[str]]:
        """Privilege group -> the other groups that contain all of it."""
        sets = {name: set(privileges) for name, privileges in self.groups.items()}
        return {name: [other for other in sets if name != other and sets[name] <= sets[other]] for name in sets}

    @cached_property
    def _rights_by_role(self) -> dict[str, tuple[Right, ...]]:
        by_role: dict[str, list[Right]] = {role: [] for role in self.roles}
        for role in (UNCHECKED, BY_BEING_ROOT, *([ADMIN] if ADMIN in self.roles else [])):
            by_role[role] = [Right("", EVERYTHING, "Global", ALL, ALL, role)]
        for grant in self.grants:
            by_role.setdefault(grant.role, []).extend(self._rights_by_grant(grant))
        return {role: tuple(rights) for role, rights in by_role.items()}

    def _rights_by_grant(self, grant: Grant) -> Iterator[Right]:
        if self.is_without_effect(grant):
            return
        privilege = OLD_GROUPS.get(grant.privilege, grant.privilege)
        members = (self.groups or USUAL_GROUPS).get(privilege)
        where = (grant.object_name or ALL, grant.db or ALL, grant.role)
        target = self.alias_target(grant)
        if members is not None:
            for name in members:
                yield Right("", name, kind_of(name) or grant.object_type, *where, grant.privilege, target)
        elif grant.privilege in OLD_GROUPS and privilege == EVERYTHING:
            yield Right("", EVERYTHING, "Global", *where, grant.privilege)
        else:
            yield Right("", grant.privilege, grant.object_type, *where, alias_of=target)

    def grants_on(self, name: str, db: str) -> list[Grant]:
        """The grants that name a collection or alias, in a database."""
        return [grant for grant in self.grants if grant.object_name == name and matches(db, grant.db)]

    def alias_target(self, grant: Grant) -> str:
        """The collection that a grant is on by an alias; empty if it is not on an alias."""
        name = grant.object_name
        there = (aliases for db, aliases in self.aliases.items() if matches(db, grant.db))
        return next((aliases[name] for aliases in there if name in aliases), "")

    def is_without_effect(self, grant: Grant) -> bool:
        """Whether a grant brings nothing: Milvus 2.3 takes the database of `All` literally, also a `*`."""
        is_literal = grant.privilege == EVERYTHING and not self.has_feature("all databases by wildcard")
        return is_literal and bool(self.collections) and grant.db not in self.collections
