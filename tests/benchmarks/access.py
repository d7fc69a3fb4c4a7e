"""200 users, 50 roles, 2,000 grants on two databases: how long the access view and the console take."""

import random
import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import pymilvus

from milvus_magics import Console, connections, embedded
from milvus_magics.access.question import read_access
from milvus_magics.client import privileges, roles, users

USERS, ROLES, GRANTS = 200, 50, 2000
DATABASES, COLLECTIONS = ("default", "lab"), 12
PRIVILEGES = ("Search", "Query", "Insert", "Delete", "Load", "Release", "Flush", "CreateIndex", "DropIndex", "Upsert")
IN_FLIGHT = 16
SELECTED = ("user_001", "user_002", "user_003")


def create_collections(server):
    """The same collections in each database."""
    root = {"uri": f"http://{server.address}", "user": "root", "password": server.password.reveal()}
    pymilvus.MilvusClient(**root).create_database("lab")
    for db in DATABASES:
        client = pymilvus.MilvusClient(**root, db_name=db)
        for number in range(COLLECTIONS):
            schema = client.create_schema()
            schema.add_field("id", pymilvus.DataType.INT64, is_primary=True)
            schema.add_field("vector", pymilvus.DataType.FLOAT_VECTOR, dim=4)
            client.create_collection(f"documents_{number:02}", schema=schema)
        client.close()


def fill(server, conn):
    """Everybody holds two roles; each role holds its share of the grants, on single collections."""
    create_collections(server)
    chance = random.Random(5)
    names = [f"role_{number:02}" for number in range(ROLES - 2)]  # admin and public are there
    things = [(privilege, db, f"documents_{number:02}") for privilege in PRIVILEGES for db in DATABASES
              for number in range(COLLECTIONS)]  # fmt: skip
    public = len(privileges.list_grants(conn, "public"))
    share = -(-GRANTS // len(names))
    wanted = [(role, thing) for role in names for thing in chance.sample(things, share)][: GRANTS - public]

    def grant(role, thing):
        privilege, db, collection = thing
        privileges.grant_privilege(
            conn, role, privilege, object_type="Collection", object_name=collection, db=db, timeout=60
        )

    held = {f"user_{number:03}": chance.sample(names, 2) for number in range(USERS - 1)}  # root is there
    with ThreadPoolExecutor(IN_FLIGHT) as pool:
        list(pool.map(lambda name: roles.create_role(conn, name, timeout=60), names))
        list(pool.map(lambda one: grant(*one), wanted))
        list(pool.map(lambda name: users.create_user(conn, name, "a-password", grant=held[name], timeout=60), held))


def seconds(action):
    start = time.perf_counter()
    result = action()
    return time.perf_counter() - start, result


def measure(rounds=9):
    """Seconds, medians: reading, with its text and HTML; a console until it is there, its details, its picture.

    Details take from the arrival of a click on a user in the kernel to the message that says what they may do. The
    search is in the page; tests/browser/test_table.py measures it.
    """
    with embedded.start(tcp_port=0, settings={"PROXY_MAXUSERNUM": "1000", "PROXY_MAXROLENUM": "200"}) as server:
        connections.connect(uri=server.uri, user="root", password=server.password)
        conn = connections.get()
        fill(server, conn)
        reading, shown, console, details, picture = [], [], [], [], []
        for _ in range(rounds):
            read, found = seconds(lambda: read_access(conn))
            drawn, _ = seconds(lambda found=found: (repr(found), found._repr_html_()))
            opened, panel = seconds(Console)
            page = panel.show_page("Users")
            details += [seconds(lambda name=name, page=page: page.select(name))[0] for name in SELECTED]
            picture.append(seconds(lambda panel=panel: panel.show_page("Access"))[0])
            panel.close()
            reading.append(read)
            shown.append(read + drawn)
            console.append(opened)
        there = found.snapshot
        assert (len(there.users), len(there.roles)) == (USERS, ROLES)
        assert len(there.grants) == GRANTS, len(there.grants)
        connections.close_all()
    return tuple(map(statistics.median, (reading, shown, console, details, picture)))


if __name__ == "__main__":
    print("reading {:.3f} s, shown {:.3f} s, console {:.3f} s, filtering {:.4f} s, picture {:.3f} s".format(*measure()))
