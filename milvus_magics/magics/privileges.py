"""Magics for what roles hold, and for groups of privileges."""

from __future__ import annotations

import argparse
from functools import partial
from typing import TYPE_CHECKING, Any

from milvus_magics import client
from milvus_magics.magics.arguments import Parser, argument, connection_options, dry_run, form, yes
from milvus_magics.magics.operation import Operation, line_magic
from milvus_magics.magics.restoration import restore_operation
from milvus_magics.magics.session_magics import SessionMagics
from milvus_magics.session import session
from milvus_magics.session.undo_records import GRANTS

if TYPE_CHECKING:
    from milvus_magics.client.results.privileges import Grants, PrivilegeGroups

group_name = argument("group", metavar="G", help="the group")
group_members = argument("privileges", nargs="+", metavar="P", help="the privileges")


def grant_arguments(parser: Parser) -> None:
    """What is granted or revoked, and on what."""
    parser.add_argument("role", metavar="R", help="the role")
    parser.add_argument(
        "privilege", metavar="PRIVILEGE", help="the privilege, like Search, or a group on newer servers"
    )
    parser.add_argument("--collection", metavar="C", help="on which collection; '*' for all")
    parser.add_argument("--db", metavar="D", help="in which database; '*' for all (default: the connection's)")
    parser.add_argument(
        "--object", dest="object_type", metavar="TYPE", help="as in Milvus 2.3: Global, Collection or User"
    )
    parser.add_argument("--object-name", metavar="N", help="name of that object; '*' for all")


def _scope(args: argparse.Namespace) -> dict[str, Any]:
    """On what, as the client functions take it."""
    return {name: getattr(args, name) for name in ("collection", "db", "object_type", "object_name")}


class PrivilegeMagics(SessionMagics):
    """The magics for privileges and groups of them."""

    TOPIC = "privileges and groups"

    @line_magic(grant_arguments, dry_run, form("role", "privilege"), connection_options)
    def grant_privilege(self, args: argparse.Namespace) -> Operation:
        """Give a privilege to a role. A privilege on collections needs --collection, or '*' for all of them.

        Examples:
            %milvus_grant_privilege reader Search --collection docs
            %milvus_grant_privilege reader CollectionReadOnly --collection '*' --db lab
        """
        act, preview = client.privileges.grant_privilege, client.privileges.preview_grant_privilege
        return Operation(args, act, preview, args.role, args.privilege, **_scope(args))

    @line_magic(grant_arguments, dry_run, yes, form("role", "privilege"), connection_options)
    def revoke_privilege(self, args: argparse.Namespace) -> Operation:
        """Take a privilege from a role; arguments as in %milvus_grant_privilege.

        Taking it from a role that the user you are connected as holds asks for the role's name to be retyped.

        Examples:
            %milvus_revoke_privilege reader Search --collection docs --dry-run
            %milvus_revoke_privilege reader Search --collection docs
        """
        act, preview = client.privileges.revoke_privilege, client.privileges.preview_revoke_privilege
        is_own = partial(client.roles.is_own_role, args.conn, args.role, timeout=args.timeout)
        about = (args.role, args.privilege)
        return Operation(args, act, preview, *about, **_scope(args), retype=args.role, is_risky=is_own)

    @line_magic(argument("role", metavar="R", help="the role"), dry_run, yes, connection_options)
    def restore_grants(self, args: argparse.Namespace) -> Operation:
        """Take back the last change of what a role holds that this session made, by magic, form or Python.

        What it gave is revoked, and what it took is granted; what others changed meanwhile stays. Run again, it takes
        back the change before. Where another Milvus answers than the one where that was, the name is retyped, or --yes
        is given.

        Examples:
            %milvus_restore_grants reader --dry-run
            %milvus_restore_grants reader
        """
        undo = session.undo
        return restore_operation(args, GRANTS, args.role, undo.restore_grants, undo.preview_restore_grants)

    @line_magic(argument("role", nargs="?", metavar="R", help="the role (default: all of them)"), connection_options)
    def list_grants(self, args: argparse.Namespace) -> Grants:
        """List what a role holds, or what all roles do, over all databases.

        Examples:
            %milvus_list_grants reader
            grants = %milvus_list_grants
        """
        return client.privileges.list_grants(args.conn, args.role, timeout=args.timeout)

    @line_magic(connection_options)
    def list_privilege_groups(self, args: argparse.Namespace) -> PrivilegeGroups:
        """List the groups of privileges: Milvus's own, those of them that this server changed, and all others.

        It needs Milvus 2.5.

        Example:
            %milvus_list_privilege_groups
        """
        return client.privilege_groups.list_privilege_groups(args.conn, timeout=args.timeout)

    @line_magic(group_name, dry_run, form("group"), connection_options)
    def create_privilege_group(self, args: argparse.Namespace) -> Operation:
        """Create a group of privileges; needs Milvus 2.5.

        Example:
            %milvus_create_privilege_group searching
        """
        groups = client.privilege_groups
        return Operation(args, groups.create_privilege_group, groups.preview_create_privilege_group, args.group)

    @line_magic(group_name, dry_run, yes, form("group"), connection_options)
    def drop_privilege_group(self, args: argparse.Namespace) -> Operation:
        """Drop a group of privileges that no role holds; needs Milvus 2.5.

        It cannot be undone, so the name is retyped, or --yes is given.

        Example:
            %milvus_drop_privilege_group searching
        """
        groups = client.privilege_groups
        act, preview = groups.drop_privilege_group, groups.preview_drop_privilege_group
        return Operation(args, act, preview, args.group, retype=args.group)

    @line_magic(group_name, group_members, dry_run, form("group", "privileges"), connection_options)
    def add_privileges_to_group(self, args: argparse.Namespace) -> Operation:
        """Put privileges into a group; needs Milvus 2.5.

        Example:
            %milvus_add_privileges_to_group searching Search Query
        """
        groups = client.privilege_groups
        preview = partial(groups.preview_change_privilege_group, added=True)
        return Operation(args, groups.add_privileges_to_group, preview, args.group, args.privileges)

    @line_magic(group_name, group_members, dry_run, yes, form("group", "privileges"), connection_options)
    def remove_privileges_from_group(self, args: argparse.Namespace) -> Operation:
        """Take privileges out of a group; needs Milvus 2.5.

        Out of one that a role of the user you are connected as holds asks for the group's name to be retyped.

        Example:
            %milvus_remove_privileges_from_group searching Query
        """
        groups, about = client.privilege_groups, (args.group, args.privileges)
        preview = partial(groups.preview_change_privilege_group, added=False)
        is_own = partial(groups.is_own_group, args.conn, args.group, timeout=args.timeout)
        act = groups.remove_privileges_from_group
        return Operation(args, act, preview, *about, retype=args.group, is_risky=is_own)
