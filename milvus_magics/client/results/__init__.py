"""What client functions return: tables, sentences and previews."""

from typing import TYPE_CHECKING

from milvus_magics.lazy_modules import importer

if TYPE_CHECKING:
    from milvus_magics.client.results import changes as changes
    from milvus_magics.client.results import descriptions as descriptions
    from milvus_magics.client.results import previews as previews
    from milvus_magics.client.results import privileges as privileges
    from milvus_magics.client.results import roles as roles
    from milvus_magics.client.results import table as table
    from milvus_magics.client.results import users as users

__getattr__ = importer(__name__)
