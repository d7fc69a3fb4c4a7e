"""A snapshot of everything that decides who may do what, and the rights that follow from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import chain

from milvus_magics.client.names import ADMIN, PUBLIC, ROOT
from milvus_magics.client.privilege_catalog import ALL, ON_USERS
from milvus_magics.client.results.privileges import Grant
from milvus_magics.client.rights.right import BY_BEING_ROOT, EVERYTHING, UNCHECKED, Right, is_any, matches
from milvus_magics.client.rights.rules import Rules

MAY_HAVE_ALIAS = "whether {!r} is an alias of it is not visible to you"
ON_AN_ALIAS = "a grant on an alias counts only where proxy.resolveAliasForPrivilege is off"


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
        secure: whether this connection uses TLS.
        default_password: whether root still has the one that Milvus comes with; None = not known.
        partial: what could not be looked at; empty where everything was.
        unread: roles whose grants may not be read.
        sees_all: whether `collections` holds all databases and collections, and not only what the caller sees.
        searched: the databases whose grants were read; None = all.
        is_private: whether nobody can listen on the way of this connection: by TLS, or on this machine.
        root_needs_roles: whether root, too, may only what roles bring: the server is set up so, and refused root.
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
    searched: Sequence[str] | None = None
    is_private: bool = True
    root_needs_roles: bool = False

    @cached_property
    def rules(self) -> Rules:
        """How the server decides about rights."""
        return Rules(self.version, self.groups)

    def sources_of(self, user: str) -> tuple[str, ...]:
        """The roles that a user has rights by: `public`, too, and what stands for a role in `Right.role`."""
        is_root = user == ROOT and not self.root_needs_roles
        special = [*([UNCHECKED] if self.enforced is False else []), *([BY_BEING_ROOT] if is_root else [])]
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

    def allows(
        self,
        user: str,
        privilege: str,
        collection: str | None = None,
        db: str = "default",
        *,
        connected_to: str | None = None,
        target_user: str | None = None,
    ) -> bool | None:
        """Whether the server lets a user do what needs a privilege, or all of a group.

        Args:
            user: who.
            privilege: what is needed.
            collection: on which collection or alias; None = on any.
            db: the database that the request is about.
            connected_to: the database of the user's connection; None = the same. Up to Milvus 2.6 it decides alone.
            target_user: for what is about users, about whom: everybody may look at and change themselves.

        Returns:
            None if that cannot be told: the roles or what they hold could not be read, or the server's settings decide.
        """
        if target_user == user and privilege in ON_USERS:
            return True
        rights = list(self.rights_of(user))
        where = (db, db if connected_to is None else connected_to)
        answers = {self._is_permitted(rights, one, collection, where, target_user) for one in self._members(privilege)}
        if False in answers:
            return None if self._is_partly_unknown(user, collection, where) else False
        return None if None in answers else True

    def _members(self, privilege: str) -> tuple[str, ...]:
        return self.rules.members_of(privilege) or (privilege,)

    def _is_permitted(
        self,
        rights: Sequence[Right],
        privilege: str,
        collection: str | None,
        where: tuple[str, str],
        target_user: str | None,
    ) -> bool | None:
        if not self.rules.is_needed(privilege):
            return True
        db = self.rules.counted_database(privilege, *where)
        # Of the two databases, it is not known in which one servers up to 2.6 look an alias up.
        looked_up = where[:1] if self.rules.has("the request's database") else where
        answers = set()
        for place in looked_up:
            names = (target_user,) if privilege in ON_USERS else self._compared_names(collection, place)
            answers.add(is_any(right.permits(privilege, name, db) for right in rights for name in names))
        return answers.pop() if len(answers) == 1 else None

    def _is_partly_unknown(self, user: str, collection: str | None, where: tuple[str, str]) -> bool:
        """Whether a user may have more rights than could be read."""
        roles = self.users.get(user)
        return (
            (roles is None and bool(self.partial))
            or self.may_hold_more((PUBLIC, *(roles or ())))
            or self.may_be_granted_unseen(collection, *where)
        )

    def may_hold_more(self, roles: Sequence[str]) -> bool:
        """Whether some roles may bring more than could be read, wherever that is."""
        return self.enforced is None or any(role in self.unread for role in roles)

    def may_be_granted_unseen(self, collection: str | None, db: str, connected_to: str) -> bool:
        """Whether grants at a place may be there that were not read, or that name it otherwise."""
        is_searched = self.searched is None or connected_to in (ALL, *self.searched)
        return not is_searched or self._may_be_alias(collection, db)

    def _may_be_alias(self, name: str | None, db: str) -> bool:
        """Whether a name may stand for a collection that the caller does not see."""
        if name is None or not self.rules.has("grants on aliases"):
            return False
        if db in self.aliases:
            return self.aliases[db].get(name) == ""
        return name not in self.collections.get(db, ())

    def right_finder(
        self, privilege: str | None, collection: str | None, db: str | None
    ) -> Callable[[tuple[str, ...]], list[Right]]:
        """Make the function that finds which rights of some roles, or what stands for one, answer a question.

        There are none if they together don't reach for all of a group. A collection may be reached by its other names,
        too. Each role is searched once, however many hold it.
        """
        members = self._members(privilege) if privilege is not None else (None,)

        @cache
        def select(role: str) -> list[list[Right]]:
            return [list(self._select(self.rights_of_role(role), one, collection, db)) for one in members]

        @cache
        def find(roles: tuple[str, ...]) -> list[Right]:
            enough = [list(chain.from_iterable(found)) for found in zip(*map(select, roles), strict=True)]
            return list(dict.fromkeys(chain.from_iterable(enough))) if all(enough) else []

        return find

    def _select(
        self, rights: Sequence[Right], privilege: str | None, collection: str | None, db: str | None
    ) -> Iterator[Right]:
        """The rights that are enough, or may be: a name may stand for a collection that is not seen."""
        is_enough = self.right_test(privilege, collection, db)
        may_be_alias = self._may_be_alias(collection, db or "")
        for right in rights:
            if is_enough(right):
                yield right
            elif (
                may_be_alias
                and right.object_type == "Collection"
                and self.right_test(privilege, right.object_name, db)(right)
            ):
                yield right._replace(doubt=right.doubt or MAY_HAVE_ALIAS.format(collection))

    def right_test(self, privilege: str | None, collection: str | None, db: str | None) -> Callable[[Right], bool]:
        """Make the test for rights that are or may be enough. A collection's other names count, too."""
        names = self.names_of(collection, db or "")
        where = db if privilege is None else self.rules.counted_database(privilege, db, db)
        return lambda right: any(right.permits(privilege, name, where) is not False for name in names)

    def names_of(self, collection: str | None, db: str) -> tuple[str | None, ...]:
        """The names by which grants may reach a collection: its own, and its aliases."""
        names = self._compared_names(collection, db)
        return names + tuple(alias for alias, target in self.aliases.get(db, {}).items() if target in names)

    def _compared_names(self, collection: str | None, db: str) -> tuple[str | None, ...]:
        """The names that a server may look for in grants when somebody uses this one."""
        target = self.aliases.get(db, {}).get(collection or "")
        return (collection, target) if target and self.rules.has("grants on aliases") else (collection,)

    @cached_property
    def _rights_by_role(self) -> dict[str, tuple[Right, ...]]:
        by_role: dict[str, list[Right]] = {role: [] for role in self.roles}
        for role in (UNCHECKED, BY_BEING_ROOT, *([ADMIN] if ADMIN in self.roles else [])):
            by_role[role] = [Right("", EVERYTHING, "Global", ALL, ALL, role)]
        for grant in self.grants:
            by_role.setdefault(grant.role, []).extend(self.rights_by_grant(grant))
        return {role: tuple(rights) for role, rights in by_role.items()}

    def rights_by_grant(self, grant: Grant) -> Iterator[Right]:
        """What one grant brings."""
        targets = self._alias_targets(grant)
        doubt = ON_AN_ALIAS if targets and self.rules.has("grants on aliases") else ""
        for right in self.rules.rights_by(grant):
            is_on_alias = targets and right.object_type == "Collection"
            yield right._replace(alias_of=targets[0], doubt=right.doubt or doubt) if is_on_alias else right

    def grants_on(self, name: str, db: str) -> list[Grant]:
        """The grants that name a collection or alias, in a database."""
        return [grant for grant in self.grants if grant.object_name == name and matches(db, grant.db)]

    def alias_target(self, grant: Grant) -> str:
        """The collection of the alias that a grant is on; empty if there is none, or not visible."""
        return next(iter(self._alias_targets(grant)), "")

    def _alias_targets(self, grant: Grant) -> list[str]:
        there = (aliases for db, aliases in self.aliases.items() if matches(db, grant.db))
        return [aliases[grant.object_name] for aliases in there if grant.object_name in aliases]
