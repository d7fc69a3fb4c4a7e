"""One change: a function for each of the server's actions on access, with its preview beside it.

Each takes the connection to ask first, and `timeout`, the seconds that all of it may last; None = until an answer
arrives or an error occurs.
"""

from typing import TYPE_CHECKING

from milvus_magics.lazy_modules import importer

if TYPE_CHECKING:
    from milvus_magics.client import change as change
    from milvus_magics.client import grants as grants
    from milvus_magics.client import group_members as group_members
    from milvus_magics.client import lookup as lookup
    from milvus_magics.client import names as names
    from milvus_magics.client import password_check as password_check
    from milvus_magics.client import privilege_catalog as privilege_catalog
    from milvus_magics.client import privilege_groups as privilege_groups
    from milvus_magics.client import privileges as privileges
    from milvus_magics.client import rbac_restore as rbac_restore
    from milvus_magics.client import restore as restore
    from milvus_magics.client import results as results
    from milvus_magics.client import rights as rights
    from milvus_magics.client import role_deletion as role_deletion
    from milvus_magics.client import roles as roles
    from milvus_magics.client import user_deletion as user_deletion
    from milvus_magics.client import user_passwords as user_passwords
    from milvus_magics.client import users as users

__getattr__ = importer(__name__)
