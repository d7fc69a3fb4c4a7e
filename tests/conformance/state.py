"""All that a server keeps of users, roles, grants, groups and places: compared, and cleared of our names."""

from milvus_magics.client import lookup, privilege_groups, privileges, roles, users
from milvus_magics.errors import MilvusException, ServerTooOldError
from milvus_magics.transport.deadline import Deadline

SECONDS = 30


def read(conn):
    """Kind -> what there is, each as text."""
    dbs = lookup.list_databases(conn, Deadline(SECONDS))
    found = {
        "user": [str(user) for user in users.list_users(conn, timeout=SECONDS)],
        "role": [str(role) for role in roles.list_roles(conn, timeout=SECONDS)],
        "grant": [f"{grant.role}: {grant}" for grant in privileges.list_grants(conn, timeout=SECONDS)],
        "group": [f"{name}: {sorted(held)}" for name, held in groups(conn).items()],
        "database": dbs,
        "collection": [f"{db}.{name}" for db in dbs for name in collections(conn, db)],
        "alias": [f"{db}.{name}" for db in dbs for name in aliases(conn, db)],
    }
    return {kind: sorted(texts) for kind, texts in found.items()}


def groups(conn):
    try:
        return {group.name: group.privileges for group in privilege_groups.list_privilege_groups(conn, timeout=SECONDS)}
    except ServerTooOldError:
        return {}


def collections(conn, db):
    return conn.call_checked("ShowCollections", deadline=Deadline(SECONDS), db_name=db).collection_names


def aliases(conn, db):
    return conn.call_checked("ListAliases", deadline=Deadline(SECONDS), db_name=db).aliases


def differences(before, after):
    """One line for each thing that is left over or lost."""
    return [
        f"{kind} {text!r} {word}"
        for kind in before
        for word, one, other in (("is left", after, before), ("is lost", before, after))
        for text in one[kind]
        if text not in other[kind]
    ]


def clear_access(conn, prefix):
    """Take away users, roles and groups whose names begin so; returns what went wrong."""
    wrong = []

    def attempt(act, name, **options):
        try:
            act(conn, name, timeout=SECONDS, **options)
        except MilvusException as exc:
            wrong.append(str(exc))

    for name in users.list_usernames(conn, timeout=SECONDS):
        if name.startswith(prefix):
            attempt(users.drop_user, name)
    for role in roles.list_roles(conn, users=False, timeout=SECONDS):
        if role.name.startswith(prefix):
            attempt(roles.drop_role, role.name, force=True)
    for name in groups(conn):
        if name.startswith(prefix):
            attempt(privilege_groups.drop_privilege_group, name)
    return wrong


def clear(conn, places, prefix):
    """Take away everything whose name begins so. Roles go before databases: old servers hide grants in lost ones."""
    wrong = clear_access(conn, prefix)
    for db in lookup.list_databases(conn, Deadline(SECONDS)):
        for name in aliases(conn, db):
            if name.startswith(prefix):
                places.drop_alias(db, name)
        for name in collections(conn, db):
            if name.startswith(prefix):
                places.drop_collection(db, name)
        if db.startswith(prefix):
            places.drop_database(db)
    return wrong
