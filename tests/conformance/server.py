"""The server that a test is about, with names that are this run's own."""

import secrets

import grpc
from contract.server import imitated_version

from conformance import state
from conformance.expected import TRAITS, has, number_of
from conformance.places import Places
from milvus_magics.client import lookup, roles, users
from milvus_magics.session import connections
from milvus_magics.transport.address import Address
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.deadline import Deadline

SECONDS = 30
DEFAULT_PASSWORD = "Milvus"  # root's, on a new server


def new_prefix():
    """With which all names of a run begin."""
    return f"t{secrets.token_hex(3)}_"


class Server:
    """A server, a connection to it as root, and a database with a collection.

    Args:
        uri: where it is.
        password: root's.
        prefix: with which all names begin.
        inside: the `ContractServer`, where it is one in this process.

    Attributes:
        conn: the connection.
        version: what the server says.
        number: the same as a tuple.
        authorization: whether it is enforced.
        imitated: the version that it imitates; empty for a real one.
        mode: "standalone", "distributed", or what else it says of itself; empty where it says nothing.
        lab: a database of ours.
        docs: a collection of ours, in `lab` and in `default`.
        asked: the traits that a test has asked for.
    """

    def __init__(self, uri, password, prefix="", inside=None):
        self.uri, self.password, self.prefix, self.inside = uri, password, prefix or new_prefix(), inside
        self.conn = self.connect()
        self.places = Places(self.conn.address)
        who = users.whoami(self.conn, timeout=SECONDS)
        self.version, self.number, self.authorization = who.version, number_of(who.version), who.authorization
        self.mode = self.conn.call("Connect", deadline=Deadline(SECONDS)).server_info.deploy_mode.lower()
        with grpc.insecure_channel(self.conn.address.target) as channel:
            self.imitated = "" if self.conn.address.secure else imitated_version(channel)
        self.lab, self.docs = self.names("lab docs")
        self.asked = set()
        self._opened = []

    def names(self, words):
        """`bob, reader = on.names("bob reader")`."""
        return [f"{self.prefix}{word}" for word in words.split()]

    def has(self, trait):
        """Whether such a server is expected to have a trait of expected.py."""
        self.asked.add(trait)
        return has(trait, self.number, self.authorization)

    def without(self):
        """Trait -> the word for what it lacks."""
        return {name: trait.without for name, trait in TRAITS.items() if not has(name, self.number, self.authorization)}

    # connections

    def connect(self, user="root", password=None, db=""):
        """A connection that the caller closes."""
        return Connection(
            Address.parse(self.uri, user=user, password=self.password if password is None else password, db_name=db)
        )

    def log_in(self, user, password, db=""):
        """A connection that is closed after the test."""
        self._opened.append(self.connect(user, password, db))
        return self._opened[-1]

    def bind(self, alias="default", user="root", password=None):
        """Bind a connection of the session, as a notebook does."""
        connections.connect(alias, user, self.password if password is None else password, uri=self.uri)
        return connections.get(alias)

    # what is there

    def usernames(self):
        """Our users."""
        return [name for name in users.list_usernames(self.conn, timeout=SECONDS) if name.startswith(self.prefix)]

    def rolenames(self):
        """Our roles."""
        listed = roles.list_roles(self.conn, users=False, timeout=SECONDS)
        return [role.name for role in listed if role.name.startswith(self.prefix)]

    def databases(self):
        return lookup.list_databases(self.conn, Deadline(SECONDS))

    # before and after

    def prepare(self):
        """Make the database and the collections."""
        self.places.create_database(self.lab)
        for db in (self.lab, "default"):
            self.places.create_collection(db, self.docs)

    def clear_access(self):
        """Take away what a test has left of users, roles and groups."""
        connections.close_all()
        while self._opened:
            self._opened.pop().close()
        assert not state.clear_access(self.conn, self.prefix)

    def close(self):
        self.places.close()
        self.conn.close()
