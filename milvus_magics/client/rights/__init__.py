"""What grants bring, and where it counts: by the version of the server, and by the groups that it lists."""

from typing import TYPE_CHECKING

from milvus_magics.lazy_modules import importer

if TYPE_CHECKING:
    from milvus_magics.client.rights import concerns as concerns
    from milvus_magics.client.rights import right as right
    from milvus_magics.client.rights import rules as rules
    from milvus_magics.client.rights import sources as sources

__getattr__ = importer(__name__)
