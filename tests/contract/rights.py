"""Who may what: what each method needs, and what grants bring, once groups and types are read as servers do."""

from fnmatch import fnmatchcase

import grpc

from contract.privileges import OLD_GROUPS
from contract.statuses import Denied

# What a caller needs; methods that are not here need a login only.
NEEDED = {
    "CreateCredential": "CreateOwnership", "UpdateCredential": "UpdateUser", "DeleteCredential": "DropOwnership",
    "ListCredUsers": "SelectOwnership", "SelectUser": "SelectUser",
    "CreateRole": "CreateOwnership", "AlterRole": "CreateOwnership", "DropRole": "DropOwnership",
    "SelectRole": "SelectOwnership", "OperateUserRole": "ManageOwnership",
    "OperatePrivilege": "ManageOwnership", "OperatePrivilegeV2": "ManageOwnership", "SelectGrant": "SelectOwnership",
    "CreatePrivilegeGroup": "CreatePrivilegeGroup", "DropPrivilegeGroup": "DropPrivilegeGroup",
    "ListPrivilegeGroups": "ListPrivilegeGroups", "OperatePrivilegeGroup": "OperatePrivilegeGroup",
    "BackupRBAC": "BackupRBAC", "RestoreRBAC": "RestoreRBAC",
    "ListDatabases": "ListDatabases", "CreateDatabase": "CreateDatabase", "DropDatabase": "DropDatabase",
    "DescribeDatabase": "DescribeDatabase",
    "CreateCollection": "CreateCollection", "DropCollection": "DropCollection",
    "ShowCollections": "ShowCollections",
    "HasCollection": "DescribeCollection", "DescribeCollection": "DescribeCollection",
    "RenameCollection": "RenameCollection",
    "CreateAlias": "CreateAlias", "DropAlias": "DropAlias", "ListAliases": "ListAliases",
    "DescribeAlias": "DescribeAlias",
    "Query": "Query", "Insert": "Insert", "Delete": "Delete", "LoadCollection": "Load", "ReleaseCollection": "Release",
    "GetCollectionStatistics": "GetStatistics", "CreateIndex": "CreateIndex", "DropIndex": "DropIndex",
    "DescribeIndex": "IndexDetail", "HasPartition": "HasPartition", "ShowPartitions": "ShowPartitions",
    "CreatePartition": "CreatePartition", "GetLoadState": "GetLoadState",
}  # fmt: skip
NEEDED_IN_23 = {"GetLoadState": "Load"}  # seen on the real 2.3.5
FILTERED = {"ListDatabases", "ShowCollections", "HasCollection"}  # need nothing where lists are filtered
ABOUT_USERS = {  # what of the User type a method is about
    "UpdateCredential": lambda request: request.username,
    "SelectUser": lambda request: request.user.name,
}


class Rights:
    """The part of a server that knows who may what."""

    def require(self, caller, method, request, db):
        """Refuse a caller who lacks the right; `db` is what the header says."""
        needed = NEEDED_IN_23.get(method) if self.number < (2, 4) else None
        needed = needed or NEEDED.get(method)
        if needed is None or self.may_everything(caller) or (self.rules.filters and method in FILTERED):
            return
        is_on_collection = self.kind_of(needed) == "Collection"
        about = ABOUT_USERS[method](request) if method in ABOUT_USERS else "*"
        about = request.collection_name if is_on_collection else about
        if method in ABOUT_USERS and about == caller:
            return
        if method == "SelectGrant" and request.entity.role.name in self.roles_of(caller):
            return
        db = self.database_for(needed, db, getattr(request, "db_name", ""))
        if not self.may(caller, needed, db, about):
            where = f" in the `{db}` database" if self.rules.says_database else ""
            words = f"Privilege{needed}: permission deny to {caller}{where}"
            raise Denied(grpc.StatusCode.PERMISSION_DENIED, words)

    def may_everything(self, user):
        is_root = user == "root" and not self.root_needs_roles
        return not self.authorization or is_root or (user, "admin") in self.bindings

    def roles_of(self, user):
        return {role for holder, role in list(self.bindings) if holder == user} | {"public"}

    def database_for(self, privilege, header, asked=""):
        """Where a right has to be held, by the header `dbname` and the request's own database."""
        if self.rules.cluster_rights != "*":
            return header
        return "*" if self.level_of(privilege) == "Cluster" else asked or header

    def may(self, user, privilege, db, name="*"):
        """Whether a user has a privilege on an object of its type, in a database."""
        if self.may_everything(user):
            return True
        kind, roles = self.kind_of(privilege), self.roles_of(user)
        if kind == "Collection" and self.rules.resolves_aliases:
            name = self.aliases.get((db, name), name)
        held = [grant for grant in list(self.grants) if grant[0] in roles and grant not in self.unread]
        return any(self.brings(grant, kind, name, privilege, db) for grant in held)

    def brings(self, grant, kind, name, privilege, db):
        _, on_kind, on_name, held, where = grant
        if held == "All":
            return where == db  # to the letter: in `*` it brings nothing elsewhere
        if held in OLD_GROUPS and self.knows(held):
            return where == db and privilege in OLD_GROUPS[held]
        return matches(db, where) and any(
            on_kind == kind and matches(name, on_name) and one in ("*", privilege)
            for on_kind, on_name, one in self.policies(on_kind, on_name, held)
        )

    def policies(self, kind, name, held):
        """What a grant is read as: each privilege has its own type, and what is Global is on everything."""
        if not self.rules.expands:
            return [(kind, name, held)]
        members = self.groups.get(held, self.rules.groups.get(held, [held]))
        kinds = [(self.kind_of(member), member) for member in members]  # `*` is in no table, and so Global
        return [(own, "*" if own == "Global" else name, member) for own, member in kinds]

    # what lists show

    def sees_database(self, user, db):
        """Those that a grant names; what `public` has counts for nothing."""
        if self.may_everything(user) or not self.rules.filters:
            return True
        roles = self.roles_of(user) - {"public"}
        return any(grant[0] in roles and matches(db, grant[4]) for grant in list(self.grants))

    def visible_collections(self, user, db):
        """Names, or `*` for all: those of grants on collections; rights on a database or the cluster show none."""
        if self.may_everything(user) or not self.rules.filters:
            return {"*"}
        found = set()
        for role in self.roles_of(user) - {"public"}:
            for (_, kind, name, held, _), _ in self.grants_in(role, db):
                if kind == "Collection" or held in self.groups or held in self.collection_groups():
                    found.add(name)
                elif held == "All":
                    found.add("*")
        return found

    def collection_groups(self):
        return [name for name in self.rules.groups if name.startswith("Collection")]


def matches(name, pattern):
    """`*` and `?` in a grant's names match anything."""
    return name == pattern or (("*" in pattern or "?" in pattern) and fnmatchcase(name, pattern))
