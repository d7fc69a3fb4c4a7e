"""Many changes: rows, the plan made of them, and their execution with many calls in flight."""

from typing import TYPE_CHECKING

from milvus_magics.lazy_modules import importer

if TYPE_CHECKING:
    from milvus_magics.bulk import at_once as at_once
    from milvus_magics.bulk import files as files
    from milvus_magics.bulk import named as named
    from milvus_magics.bulk import password_file as password_file
    from milvus_magics.bulk import pipeline as pipeline
    from milvus_magics.bulk import plan as plan
    from milvus_magics.bulk import results as results
    from milvus_magics.bulk import row as row
    from milvus_magics.bulk import rows as rows
    from milvus_magics.bulk import run as run

__getattr__ = importer(__name__)
