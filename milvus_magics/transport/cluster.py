"""Which cluster answers: what it tells about itself, the same at every address and after each restart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from milvus_magics.errors import MilvusException
from milvus_magics.transport.events import UNKNOWN_CLUSTER

if TYPE_CHECKING:
    from milvus_magics.transport.connection import Connection, Pending
    from milvus_magics.transport.deadline import Deadline

# What is asked. Every cluster from Milvus 2.3 on has the database from its first start, and nobody can drop it.
QUESTION, OLDEST_DATABASE = "ListDatabases", "default"


def begin_cluster_question(conn: Connection, deadline: Deadline) -> Pending | None:
    """Ask which cluster answers, in flight with others; None if that can't be sent, as the operation itself meets."""
    try:
        return conn.begin_for_all(QUESTION, deadline=deadline)
    except MilvusException:
        return None


def read_cluster(question: Pending | None) -> int:
    """When the cluster was first started, in nanoseconds; `UNKNOWN_CLUSTER` where it doesn't tell the caller."""
    try:
        reply = question and question.reply()
    except MilvusException:
        return UNKNOWN_CLUSTER  # whatever stands against it, the operation itself meets
    if not reply or len(reply.db_names) != len(reply.created_timestamp):
        return UNKNOWN_CLUSTER
    return int(dict(zip(reply.db_names, reply.created_timestamp, strict=True)).get(OLDEST_DATABASE, UNKNOWN_CLUSTER))
