"""Who may do what: a snapshot of a server, the rights in it, and findings about them."""

from typing import TYPE_CHECKING

from milvus_magics.lazy_modules import importer

if TYPE_CHECKING:
    from milvus_magics.access import answer as answer
    from milvus_magics.access import findings as findings
    from milvus_magics.access import matrix as matrix
    from milvus_magics.access import question as question
    from milvus_magics.access import read as read
    from milvus_magics.access import snapshot as snapshot

__getattr__ = importer(__name__)
