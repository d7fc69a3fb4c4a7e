"""`Role`, as Milvus's documentation has it, on this session's connections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from milvus_magics import client
from milvus_magics.client.results.table import GroupsTable
from milvus_magics.secret import mask_misplaced
from milvus_magics.session import DEFAULT, connections
from milvus_magics.wording import join_parts

if TYPE_CHECKING:
    from milvus_magics.transport.connection import Connection


@dataclass(frozen=True)
class GrantItem:
    """A grant, as the documentation names the fields."""

    object: str
    object_name: str
    db_name: str
    role_name: str
    grantor_name: str
    privilege: str


class GrantInfo(GroupsTable[GrantItem]):
    """Grants; iterate over it, or over its `groups`. The caption says so where some may not be read."""

    columns = ("role_name", "privilege", "object", "object_name", "db_name", "grantor_name")

    def __init__(self, rows: Sequence[GrantItem], caption: str = "", *, complete: bool = True) -> None:
        super().__init__(rows, caption)
        self.complete = complete


@dataclass(frozen=True)
class PrivilegeGroupItem:
    """A group of privileges, as the documentation names the fields."""

    privilege_group: str
    privileges: tuple[str, ...] = ()


class PrivilegeGroupInfo(GroupsTable[PrivilegeGroupItem]):
    """Groups of privileges; iterate over it, or over its `groups`."""

    columns = ("privilege_group", "privileges")


class Role:
    """A role by its name; it need not exist yet.

    Args:
        name: of the role.
        using: alias of the connection.

    Every method may raise `MilvusException`; `milvus_magics.errors` has the classes.

    Behaviour: `Role` in Milvus's documentation.
    """

    def __init__(self, name: str, using: str = DEFAULT) -> None:
        self._name, self._using = name, mask_misplaced("using", using)

    def __repr__(self) -> str:
        return f"Role({self._name!r}, using={self._using!r})"

    @property
    def name(self) -> str:
        """Its name."""
        return self._name

    @property
    def _conn(self) -> Connection:
        return connections.get(self._using)

    def create(self) -> None:
        """Create it."""
        client.roles.create_role(self._conn, self._name)

    def drop(self) -> None:
        """Drop it; refused while it holds privileges."""
        client.roles.drop_role(self._conn, self._name)

    def is_exist(self) -> bool:
        """Whether there is such a role."""
        return any(role.name == self._name for role in client.roles.list_roles(self._conn, users=False))

    def add_user(self, username: str) -> None:
        """Give it to a user."""
        client.roles.bind_role(self._conn, username, self._name)

    def remove_user(self, username: str) -> None:
        """Take it from a user, who must hold it."""
        client.roles.revoke_role(self._conn, username, self._name)

    def get_users(self) -> tuple[str, ...]:
        """Who holds it; nobody where there is no such role."""
        found = client.roles.list_roles(self._conn)
        return next((role.users or () for role in found if role.name == self._name), ())

    def grant(self, object: str, object_name: str, privilege: str, db_name: str = "") -> None:
        """Give it a privilege, in the way of Milvus 2.3.

        Args:
            object: `Global`, `Collection` or `User`.
            object_name: the object's name; `*` = all.
            privilege: like `Search`.
            db_name: the database; empty = the connection's.
        """
        client.privileges.grant_privilege(
            self._conn, self._name, privilege, object_type=object, object_name=object_name, db=db_name or None
        )

    def revoke(self, object: str, object_name: str, privilege: str, db_name: str = "") -> None:
        """Take a privilege from it, which it must hold; arguments as in `grant`."""
        client.privileges.revoke_privilege(
            self._conn, self._name, privilege, object_type=object, object_name=object_name, db=db_name or None
        )

    def grant_v2(self, privilege: str, collection_name: str, db_name: str | None = None) -> None:
        """Give it a privilege or a group of them, in the newest way that the server has.

        Args:
            privilege: like `Search`, or a group's name like `CollectionReadOnly`.
            collection_name: the collection; `*` = all.
            db_name: the database; None = the connection's, or all for what is about the whole server.
        """
        client.privileges.grant_privilege(self._conn, self._name, privilege, collection=collection_name, db=db_name)

    def revoke_v2(self, privilege: str, collection_name: str, db_name: str | None = None) -> None:
        """Take a privilege from it, which it must hold; arguments as in `grant_v2`."""
        client.privileges.revoke_privilege(self._conn, self._name, privilege, collection=collection_name, db=db_name)

    def list_grant(self, object: str, object_name: str, db_name: str = "") -> GrantInfo:
        """What it holds on one object; arguments as in `grant`. Grants on all objects (`*`) count, too."""
        found = self.list_grants(db_name)
        rows = [grant for grant in found if grant.object == object and grant.object_name in (object_name, "*")]
        return GrantInfo(rows, found.caption, complete=found.complete)

    def list_grants(self, db_name: str = "") -> GrantInfo:
        """What it holds in a database; empty = the connection's. Grants in all databases (`*`) count, too."""
        conn = self._conn
        db = db_name or conn.address.db_name or "default"
        found = client.privileges.list_grants(conn, self._name)
        rows = [
            GrantItem(grant.object_type, grant.object_name, grant.db, grant.role, grant.grantor, grant.privilege)
            for grant in found
            if "*" in (db, grant.db) or grant.db == db
        ]
        caption = f"privileges of role {self._name!r} in database {db!r} on {conn.address.url}"
        return GrantInfo(rows, join_parts(caption, found.unseen), complete=found.complete)

    def create_privilege_group(self, privilege_group: str) -> None:
        """Create a group of privileges; Milvus 2.5."""
        client.privilege_groups.create_privilege_group(self._conn, privilege_group)

    def drop_privilege_group(self, privilege_group: str) -> None:
        """Drop a group of privileges, which must exist; Milvus 2.5."""
        client.privilege_groups.drop_privilege_group(self._conn, privilege_group)

    def list_privilege_groups(self) -> PrivilegeGroupInfo:
        """All groups of privileges; Milvus 2.5."""
        found = client.privilege_groups.list_privilege_groups(self._conn)
        return PrivilegeGroupInfo([PrivilegeGroupItem(group.name, group.privileges) for group in found], found.caption)

    def add_privileges_to_group(self, privilege_group: str, privileges: Sequence[str]) -> None:
        """Put privileges into a group; Milvus 2.5."""
        client.privilege_groups.add_privileges_to_group(self._conn, privilege_group, privileges)

    def remove_privileges_from_group(self, privilege_group: str, privileges: Sequence[str]) -> None:
        """Take privileges out of a group, which must hold them; Milvus 2.5."""
        client.privilege_groups.remove_privileges_from_group(self._conn, privilege_group, privileges)
