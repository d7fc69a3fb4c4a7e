"""Grants: what roles hold, where it counts, and the requests that change it."""

from typing import TYPE_CHECKING

from milvus_magics.lazy_modules import importer

if TYPE_CHECKING:
    from milvus_magics.client.grants import changes as changes
    from milvus_magics.client.grants import listing as listing
    from milvus_magics.client.grants import losses as losses
    from milvus_magics.client.grants import purposes as purposes
    from milvus_magics.client.grants import requests as requests
    from milvus_magics.client.grants import scope as scope
    from milvus_magics.client.grants import steps as steps
    from milvus_magics.client.grants import targets as targets
    from milvus_magics.client.grants import undo as undo

__getattr__ = importer(__name__)
