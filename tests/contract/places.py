"""Databases, collections and aliases, and what callers see of them."""

from contract.statuses import NO_ALIAS, NO_COLLECTION, OTHER, UNEXPECTED, Refusal, invalid, no_database


class Places:
    """The part of a server that has databases."""

    def ListDatabases(self, request, caller, metadata):
        names = [db for db in list(self.collections) if self.sees_database(caller, db)]
        return {"db_names": names, "created_timestamp": [self.began] * len(names)}

    def CreateDatabase(self, request, caller, metadata):
        self.check_database_name(request.db_name)
        self.collections.setdefault(request.db_name, [])

    def DropDatabase(self, request, caller, metadata):
        self.collections.pop(request.db_name, None)

    def DescribeDatabase(self, request, caller, metadata):
        return {"db_name": self.database(request, metadata)}

    def CreateCollection(self, request, caller, metadata):
        if not request.collection_name:
            raise invalid("collection name should not be empty")
        self.collections_in(self.database(request, metadata)).append(request.collection_name)

    def DropCollection(self, request, caller, metadata):
        db, name = self.database(request, metadata), request.collection_name
        if name not in self.collections_in(db):
            return
        self.collections_in(db).remove(name)
        if self.rules.resolves_aliases:  # grants of groups stay
            for grant in [
                grant for grant in list(self.grants) if grant[1:3] == ("Collection", name) and grant[4] == db
            ]:
                del self.grants[grant]

    def RenameCollection(self, request, caller, metadata):
        db = self.database(request, metadata)
        self.require_collection(db, request.oldName)
        names = self.collections_in(db)
        names[names.index(request.oldName)] = request.newName

    def CreateAlias(self, request, caller, metadata):
        db = self.database(request, metadata)
        self.require_collection(db, request.collection_name)
        self.aliases[db, request.alias] = request.collection_name

    def DropAlias(self, request, caller, metadata):
        self.aliases.pop((self.database(request, metadata), request.alias), None)

    def require_collection(self, db, name):
        if name not in self.collections_in(db):
            where = f"[database={db}][collection={name}]"
            raise Refusal(UNEXPECTED, 100, f"collection not found{where}")

    def without_engine(self, request, caller, metadata):
        """What needs the vector engine ends here, once it is known that the caller may do it."""
        raise Refusal(UNEXPECTED, OTHER, "there is no vector engine")

    Query = Insert = Delete = LoadCollection = ReleaseCollection = GetCollectionStatistics = without_engine
    CreateIndex = DropIndex = DescribeIndex = GetLoadState = without_engine
    HasPartition = ShowPartitions = CreatePartition = without_engine

    def collections_in(self, db, is_inner=True):
        if db not in self.collections:
            raise no_database(db, is_inner)
        return self.collections[db]

    def ShowCollections(self, request, caller, metadata):
        db = self.database(request, metadata)
        sees = self.visible_collections(caller, db)
        if not sees:
            return {}  # without a look whether there is such a database
        return {"collection_names": [name for name in self.collections_in(db) if "*" in sees or name in sees]}

    def HasCollection(self, request, caller, metadata):
        return {"value": self.has(self.database(request, metadata), request.collection_name)}

    def has(self, db, name):
        return name in self.collections.get(db, ()) or (db, name) in self.aliases

    def DescribeCollection(self, request, caller, metadata):
        db, name = self.database(request, metadata), request.collection_name
        answer = {"db_name": db, "collection_name": name}
        if not self.has(db, name):
            where = f"[database={db}][collection={name}]"
            new = self.rules.filters
            number = (NO_COLLECTION, 0) if new else (UNEXPECTED, 100)
            detail = "" if new else f"collection not found{where}"
            raise Refusal(*number, self.rules.missing_collection + where, detail, **answer)
        collection = self.aliases.get((db, name), name)
        return {**answer, "aliases": self.aliases_of(db, collection)}

    def aliases_of(self, db, collection=""):
        """Without a collection: all of a database."""
        return [
            alias for (where, alias), on in list(self.aliases.items()) if where == db and collection in ("", on)
        ]  # fmt: skip

    def ListAliases(self, request, caller, metadata):
        db = self.database(request, metadata)
        return {**self.where(db), "aliases": self.aliases_of(db, request.collection_name)}

    def DescribeAlias(self, request, caller, metadata):
        db = self.database(request, metadata)
        collection = self.aliases.get((db, request.alias))
        if collection is None:
            reason = f"alias not found[database={db}][alias={request.alias}]"
            raise Refusal(UNEXPECTED, NO_ALIAS, reason)
        return {**self.where(db), "alias": request.alias, "collection": collection}

    def where(self, db):
        return {"db_name": db} if self.rules.filters else {}

    def Connect(self, request, caller, metadata):
        self.collections_in(metadata.get("dbname") or "default", is_inner=False)
        return {"server_info": {"build_tags": self.rules.build}, "identifier": 1}

    def GetVersion(self, request, caller, metadata):
        return {"version": self.rules.build}
