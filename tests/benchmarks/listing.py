"""5,000 users with their roles: ours by one call, pymilvus by one call each; and the table as HTML."""

import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import pymilvus

from milvus_magics import embedded
from milvus_magics.client import users
from milvus_magics.transport.address import Address
from milvus_magics.transport.connection import Connection

USERS = 5000
IN_FLIGHT = 8


def listing(rounds=5):
    """Seconds: ours, pymilvus's loop (once), and the HTML."""
    with embedded.start(tcp_port=0, settings={"PROXY_MAXUSERNUM": "100000"}) as server:
        conn = Connection(Address.parse(server.uri, user="root", password=server.password))
        with ThreadPoolExecutor(IN_FLIGHT) as pool:
            list(pool.map(lambda n: users.create_user(conn, f"user{n}", "a-password", grant=["public"]), range(USERS)))
        ours, page = [], []
        for _ in range(rounds):
            start = time.perf_counter()
            found = users.list_users(conn)
            ours.append(time.perf_counter() - start)
            start = time.perf_counter()
            found._repr_html_()
            page.append(time.perf_counter() - start)
        assert len(found) == USERS + 1
        assert sum(user.roles == ("public",) for user in found) == USERS
        client = pymilvus.MilvusClient(uri=f"http://{server.address}", user="root", password=server.password.reveal())
        start = time.perf_counter()
        theirs = [client.describe_user(name) for name in client.list_users()]
        loop = time.perf_counter() - start
        assert len(theirs) == len(found)
        client.close()
        conn.close()
    return statistics.median(ours), loop, statistics.median(page)
