"""Grants: the older way to give them, which names an object type, and the newer one, which names a scope."""

from contract.one_by_one import one_by_one
from contract.privileges import COMPANIONS, OLD_GROUPS
from contract.statuses import GRANT, SELECT_GRANT, invalid, no_database

GIVE, TAKE = 0, 1
CHECK = "operate privilege common check"
LEVELS = {
    # level -> what is wrong with a database and a collection, and how it is said
    "Cluster": (lambda db, collection: (db, collection) != ("*", "*"),
                "dbName and collectionName should be * for the cluster level privilege"),
    "Database": (lambda db, collection: collection != "*",
                 "collectionName should be * for the database level privilege"),
    "Collection": (lambda db, collection: db == "*" and collection != "*",
                   "please specify database name for the collection level privilege"),
    "": (lambda db, collection: False, ""),
}  # fmt: skip


class Grants:
    """The part of a server that keeps grants; a grant is (role, object type, object's name, privilege, database)."""

    def OperatePrivilege(self, request, caller, metadata):
        entity = request.entity
        self.check_entity(request)
        grantor = self.grantor_in(metadata)
        kind, privilege, db = entity.object.name, entity.grantor.privilege.name, self.database(entity, metadata)
        name = self.resolve(db, entity.object_name) if kind == "Collection" else entity.object_name
        self.check_operation(request.type, entity.role.name, grantor, kind)
        self.check_privilege(privilege, kind)
        name = "*" if kind == "Global" else name
        self.operate((entity.role.name, kind, name, privilege, db), request.type, grantor)

    def check_entity(self, request):
        """Whether all of a grant is there, and well made."""
        entity = request.entity
        for has, what in (
            (request.HasField("entity"), "entity in the request"),
            (entity.HasField("grantor"), "grantor entity in the grant entity"),
            (entity.grantor.HasField("privilege"), "privilege entity in the grantor entity"),
        ):
            if not has:
                self.refuse_form(f"the {what} is nil")
        self.check_name_or_any(entity.grantor.privilege.name, "Privilege")
        self.check_name(entity.object.name, "ObjectType")
        self.check_name_or_any(entity.object_name, self.rules.object_label)
        self.check_name(entity.role.name, "role name")

    def database(self, entity, metadata):
        return entity.db_name or metadata.get("dbname") or "default"

    def resolve(self, db, name):
        """The collection that a name stands for, where aliases are looked up: that needs its database."""
        if not self.rules.resolves_aliases or name == "*":
            return name
        if db not in self.collections:
            raise no_database(db)
        return self.aliases.get((db, name), name)

    def check_operation(self, kind_of_change, role, grantor, kind=None):
        if kind_of_change not in (GIVE, TAKE):
            words = f"invalid operate privilege type, current type: {kind_of_change}, valid value: [Grant, Revoke]"
            self.refuse(GRANT, words, check=CHECK)
        if kind is not None and kind not in self.rules.types:
            words = "the object entity in the request is nil or invalid"
            self.refuse(GRANT, words if self.rules.says_type else self.no_type(kind), check=CHECK)
        self.check_role(role, GRANT, check=CHECK, named=True)
        self.check_grantor(grantor)

    def no_type(self, kind):
        return f"not found the object type[name: {kind}], supported the object types: [Collection Global User]"

    def check_privilege(self, privilege, kind):
        """Whether the older way takes it."""
        if privilege == "*" or privilege in self.rules.types[kind]:
            return
        for groups, which in ((self.groups, "custom"), (self.rules.groups, "built-in")):
            if privilege in groups:
                self.refuse(GRANT, f"can not operate the {which} privilege group [{privilege}]")
        where = f" in object[{kind}]" if self.rules.says_type else ""
        self.refuse(GRANT, f"not found the privilege name[{privilege}]{where}")

    @one_by_one
    def operate(self, grant, kind_of_change, grantor):
        for one in self.with_companions(grant):
            if kind_of_change == GIVE:
                self.grants.setdefault(one, grantor)
            else:
                self.grants.pop(one, None)

    def with_companions(self, grant):
        role, kind, name, privilege, db = grant
        others = COMPANIONS.get(privilege, ()) if self.rules.companions else ()
        return [(role, kind, name, one, db) for one in (privilege, *others)]

    def OperatePrivilegeV2(self, request, caller, metadata):
        privilege, collection = request.grantor.privilege.name, request.collection_name
        self.check_scope(request)
        grantor = self.grantor_in(metadata)
        db = self.database(request, metadata)
        collection = self.resolve(db, collection)
        self.check_operation(request.type, request.role.name, grantor)
        kind, name = self.kind_and_name(privilege)
        self.check_level(privilege, db, collection)
        grant = (request.role.name, kind, collection, name, db)
        if name != privilege and name in self.rules.groups:
            self.unread.add(grant)
        self.operate(grant, request.type, grantor)

    def check_scope(self, request):
        if not request.HasField("role"):
            raise invalid("the role in the request is nil")
        self.check_name(request.role.name, "role name")
        self.check_name_or_any(request.grantor.privilege.name, "Privilege")
        if request.db_name != "*":
            self.check_database_name(request.db_name)
        self.check_name_or_any(request.collection_name, "collection name")

    def kind_and_name(self, privilege):
        """The object type and the name that the newer way keeps a privilege under."""
        plain = privilege.removeprefix("Group")
        if privilege in self.groups or privilege == "*" or privilege in self.rules.hidden:
            return "Global", privilege
        if self.knows(privilege):
            return self.kind_of(privilege), privilege
        if plain != privilege and (plain in self.rules.groups or plain in OLD_GROUPS):
            return "Global", plain  # their names in the server's own list
        return self.refuse(GRANT, f"not found the privilege name[{privilege}]")

    def knows(self, name):
        """Whether it is a privilege or a group that there is without anybody making it."""
        return name in self.rules.groups or any(name in names for names in self.rules.types.values())

    def kind_of(self, privilege):
        return next((kind for kind, names in self.rules.types.items() if privilege in names), "Global")

    def check_level(self, privilege, db, collection):
        """Only of groups; single privileges are taken with any scope."""
        members = {**self.rules.groups, **self.groups}.get(privilege)
        if not members:
            return
        is_wrong, words = LEVELS[self.level_of(min(members))]
        if is_wrong(db, collection):
            raise invalid(f"{words}: {privilege}", legacy=GRANT)

    def level_of(self, privilege):
        levels = ("Cluster", "Database", "Collection")
        return next((level for level in levels if privilege in self.rules.groups.get(f"{level}Admin", ())), "")

    def SelectGrant(self, request, caller, metadata):
        entity = request.entity
        if not request.HasField("entity"):
            raise invalid("the grant entity in the request is nil")
        if entity.HasField("object"):
            self.check_name(entity.object.name, "ObjectType")
            self.check_name_or_any(entity.object_name, self.rules.object_label)
        self.check_name(entity.role.name, "role name")
        kind, db = entity.object.name, self.database(entity, metadata)
        name = self.resolve(db, entity.object_name) if kind == "Collection" else entity.object_name
        self.check_role(entity.role.name, SELECT_GRANT, named=True)
        if kind and kind not in self.rules.types:
            self.refuse(SELECT_GRANT, self.no_type(kind))
        return {"entities": [
            grant_entity(grant, grantor) for grant, grantor in self.grants_in(entity.role.name, db)
            if not kind or grant[1:3] == (kind, name)
        ]}  # fmt: skip

    def grants_in(self, role, db):
        """The grants of a role that are listed in a database: also those in `*`."""
        everywhere = db == "*" and self.rules.lists_all
        found = [(grant, grantor) for grant, grantor in list(self.grants.items()) if grant[0] == role]
        return found if everywhere else [pair for pair in found if pair[0][4] in (db, "*")]


def grant_entity(grant, grantor):
    role, kind, name, privilege, db = grant
    return {
        "role": {"name": role}, "object": {"name": kind}, "object_name": name, "db_name": db,
        "grantor": {"user": {"name": grantor}, "privilege": {"name": privilege}},
    }  # fmt: skip
