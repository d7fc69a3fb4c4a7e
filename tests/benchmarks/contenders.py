"""One contender in one process: `python contenders.py NAME ADDRESS SIZE [CREATE DELETE DROP]`, these in flight at once.

root's password is in the variable BENCH_PASSWORD. Creates users, lists them with their roles, deletes them with their
passwords checked, creates them again and deletes them without. Prints JSON: operation -> [seconds, MiB at the peak
above an empty Python].
"""

import contextlib
import ctypes
import gc
import json
import os
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

SINGLES = 25  # one user alone is measured this often, and the median told


def memory(name):
    """MiB of this process: `VmRSS` now, `VmHWM` at the peak since `forget_peak`."""
    with open("/proc/self/status", encoding="ascii") as stream:
        line = next(line for line in stream if line.startswith(name))
    return int(line.split()[1]) / 1024


def forget_peak():
    """Give back what is free, and let the peak be what is used now."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
    with open("/proc/self/clear_refs", "w", encoding="ascii") as stream:
        stream.write("5")


EMPTY = memory("VmRSS")


class Ours:
    """milvus_magics: one user by the functions for one, many by those for many."""

    def __init__(self, address, password):
        from milvus_magics.bulk import run
        from milvus_magics.client import users
        from milvus_magics.transport.address import Address
        from milvus_magics.transport.connection import Connection

        self._bulk, self._users = run, users
        self._conn = Connection(Address.parse(address, user="root", password=password))

    def create(self, rows):
        if len(rows) == 1:
            return self._users.create_user(self._conn, *rows[0])
        return self._all(self._bulk.create_users(self._conn, dict(rows)))

    def list(self):
        return len(self._users.list_users(self._conn))

    def delete(self, rows):
        if len(rows) == 1:
            return self._users.delete_user(self._conn, *rows[0])
        return self._all(self._bulk.delete_users(self._conn, dict(rows)))

    def drop(self, rows):
        if len(rows) == 1:
            return self._users.drop_user(self._conn, rows[0][0])
        return self._all(self._bulk.drop_users(self._conn, [user for user, _ in rows]))

    @staticmethod
    def _all(result):
        assert set(result.counts) == {"done"}, result
        return result


class Pymilvus:
    """pymilvus, in as many threads as told for each operation; a password is checked by connecting as the user."""

    def __init__(self, address, password, in_flight):
        import pymilvus

        self._uri, self._pymilvus = f"http://{address}", pymilvus
        self._client = pymilvus.MilvusClient(uri=self._uri, user="root", password=password)
        # The older interface is the only one that lists users with their roles by one call.
        pymilvus.connections.connect(uri=self._uri, user="root", password=password)
        self._pools = {name: ThreadPoolExecutor(number) for name, number in in_flight.items() if number > 1}

    def _each(self, operation, deed, rows):
        pool = self._pools.get(operation) if len(rows) > 1 else None
        list(map(deed, rows) if pool is None else pool.map(deed, rows))

    def create(self, rows):
        self._each("create", lambda row: self._client.create_user(*row), rows)

    def list(self):
        return len(self._pymilvus.utility.list_users(include_role_info=True).groups)

    def delete(self, rows):
        def one(row):
            self._pymilvus.MilvusClient(uri=self._uri, user=row[0], password=row[1]).close()
            self._client.drop_user(row[0])

        self._each("delete", one, rows)

    def drop(self, rows):
        self._each("drop", lambda row: self._client.drop_user(row[0]), rows)


class Bare:
    """gRPC alone, with requests prepared before the clock starts, so many rows in flight; what no tool can beat."""

    def __init__(self, address, password, in_flight):
        import grpc

        from milvus_magics import wire
        from milvus_magics.secret import Secret
        from milvus_magics.transport.credentials import Login

        self._wire, self.in_flight, self._own = wire, in_flight, self._header("root", password, Login, Secret)
        self._login = lambda user, secret: self._header(user, secret, Login, Secret)
        self._channel = grpc.insecure_channel(address)
        self._methods = {}
        for name in ("GetVersion", "CreateCredential", "DeleteCredential", "SelectUser"):
            m = wire.method(name)
            call = self._channel.unary_unary(m.path, m.request.SerializeToString, m.response.FromString)
            self._methods[name] = (call, m.request)
        self._methods["GetVersion"][0](self._methods["GetVersion"][1](), metadata=self._own)

    @staticmethod
    def _header(user, password, login, secret):
        return (("authorization", login(user, secret(password)).header().reveal()),)

    def prepare(self, operation, rows):
        """Each row's calls, as (call, request, metadata)."""
        (create, creation), (delete, deletion) = self._methods["CreateCredential"], self._methods["DeleteCredential"]
        version, probe = self._methods["GetVersion"]
        for user, password in rows:
            if operation == "create":
                encoded = self._wire.encode_password(password.encode())
                yield [(create, creation(username=user, password=encoded), self._own)]
            else:
                login = [(version, probe(), self._login(user, password))] if operation == "delete" else []
                yield [*login, (delete, deletion(username=user), self._own)]

    def run(self, prepared, in_flight):
        """All rows, with so many in flight; the next call of a row follows the answer of the one before."""
        if len(prepared) == 1:
            for call, request, metadata in prepared[0]:
                call(request, metadata=metadata)
            return
        answers, waiting, active = SimpleQueue(), iter(prepared), 0

        def send(calls):
            call, request, metadata = next(calls)
            future = call.future(request, metadata=metadata)
            future.add_done_callback(lambda done: answers.put((calls, done)))

        exhausted = False
        while True:
            while not exhausted and active < in_flight:
                row = next(waiting, None)
                if row is None:
                    exhausted = True
                else:
                    active += 1
                    send(iter(row))
            if not active:
                return
            calls, done = answers.get()
            reply = done.result()
            assert not getattr(reply, "code", 0), reply
            try:
                send(calls)
            except StopIteration:
                active -= 1

    def list(self):
        call, request = self._methods["SelectUser"]
        return len(call(request(include_role_info=True), metadata=self._own).results)


def measured(deed):
    """Seconds, and MiB at the peak."""
    forget_peak()
    start = time.perf_counter()
    result = deed()
    seconds = time.perf_counter() - start
    peak = memory("VmHWM") - EMPTY
    del result
    return seconds, peak


def one_pass(contender, rows):
    """Every operation once, on these rows."""

    def run(operation):
        if isinstance(contender, Bare):
            prepared = list(contender.prepare(operation, rows))
            return measured(lambda: contender.run(prepared, contender.in_flight[operation]))
        return measured(lambda: getattr(contender, operation)(rows))

    found = {"create": run("create"), "list": measured(contender.list), "delete": run("delete")}
    run("create")
    return {**found, "drop": run("drop")}


def people(size, prefix):
    """Names and passwords. Other ones each time: pymilvus takes a known pair's connection from its pool, unchecked."""
    return [(f"{prefix}_{number}", f"a-password-{number}") for number in range(size)]


def main(name, address, size, *numbers):
    """Measure one contender."""
    password = os.environ.pop("BENCH_PASSWORD")
    in_flight = dict(zip(("create", "delete", "drop"), numbers, strict=False))
    contender = Ours(address, password) if name == "ours" else CONTENDERS[name](address, password, in_flight)
    one_pass(contender, people(1, "first"))  # so that nothing is paid for the first time
    passes = [one_pass(contender, people(size, f"p{number}")) for number in range(SINGLES if size == 1 else 1)]
    print(json.dumps({
        operation: [statistics.median(found[operation][part] for found in passes) for part in (0, 1)]
        for operation in passes[0]
    }))  # fmt: skip


CONTENDERS = {"pymilvus": Pymilvus, "bare": Bare}

if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
