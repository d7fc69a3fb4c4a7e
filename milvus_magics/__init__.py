"""Administer who may use a Milvus vector database, from the notebook."""

__version__ = "0.1.0.dev0"
