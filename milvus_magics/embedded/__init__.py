"""A real Milvus on this machine, for trying out and for tests."""

from milvus_magics.embedded.server import EmbeddedMilvus as EmbeddedMilvus
from milvus_magics.embedded.server import start as start
