"""Magics for what roles hold, and for groups of privileges."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from milvus_magics import client
from milvus_magics.magics import prompts
from milvus_magics.magics.arguments import Parser, argument, connection_options, dry_run, line_magic, yes
from milvus_magics.magics.session_magics import SessionMagics

if TYPE_CHECKING:
    from milvus_magics.client.privilege_catalog import Scope
    from milvus_magics.client.results.privileges import Grants, PrivilegeGroups

group_name = argument("group", metavar="G", help="the group")
group_members = argument("privileges", nargs="+", metavar="P", help="names of privileges")


def grant_arguments(parser: Parser) -> None:
    """What is granted or revoked, and on what."""
    parser.add_argument("role", metavar="R", help="the role")
    parser.add_argument("privilege", metavar="PRIVILEGE", help="like Search, or a group's name on newer servers")
    parser.add_argument("--collection", metavar="C", help="on which collection; '*' for all")
    parser.add_argument("--db", metavar="D", help="in which database; '*' for all (default: the connection's)")
    parser.add_argument("--object", metavar="TYPE", help="the way of Milvus 2.3: Global, Collection or User")
    parser.add_argument("--object-name", metavar="N", help="name of that object; '*' for all")


class PrivilegeMagics(SessionMagics):
    """The magics for privileges and groups of them."""

    @line_magic(grant_arguments, dry_run, connection_options)
    def grant_privilege(self, args: argparse.Namespace) -> Any:
        """Give a privilege to a role. A privilege on collections needs --collection, or '*' for all of them.

        Examples:
            %milvus_grant_privilege reader Search --collection docs
            %milvus_grant_privilege reader CollectionReadOnly --collection '*' --db lab
        """
        conn, timeout = self.connection(args), self.seconds(args)
        if args.dry_run:
            return client.privileges.preview_grant_privilege(
                conn, args.role, args.privilege, _scope(args), timeout=timeout
            )
        return client.privileges.grant_privilege(
            conn, args.role, args.privilege, **_scope(args)._asdict(), timeout=timeout
        )

    @line_magic(grant_arguments, dry_run, yes, connection_options)
    def revoke_privilege(self, args: argparse.Namespace) -> Any:
        """Take a privilege from a role; arguments as in %milvus_grant_privilege.

        Taking it from a role that the user you are connected as holds asks for the role's name to be retyped.

        Examples:
            %milvus_revoke_privilege reader Search --collection docs --dry-run
            %milvus_revoke_privilege reader Search --collection docs
        """
        conn, timeout = self.connection(args), self.seconds(args)
        if args.dry_run:
            return client.privileges.preview_revoke_privilege(
                conn, args.role, args.privilege, _scope(args), timeout=timeout
            )
        if not args.yes and client.roles.is_own_role(conn, args.role, timeout=timeout):
            preview = client.privileges.preview_revoke_privilege(
                conn, args.role, args.privilege, _scope(args), timeout=timeout
            )
            prompts.confirm(str(preview), args.role, yes=False)
        return client.privileges.revoke_privilege(
            conn, args.role, args.privilege, **_scope(args)._asdict(), timeout=timeout
        )

    @line_magic(
        argument("role", nargs="?", metavar="R", help="the role (default: all of them)"),
        connection_options,
    )
    def list_grants(self, args: argparse.Namespace) -> Grants:
        """List what a role holds, or what all roles do, over all databases.

        Examples:
            %milvus_list_grants reader
            grants = %milvus_list_grants
        """
        return client.privileges.list_grants(self.connection(args), args.role, timeout=self.seconds(args))

    @line_magic(connection_options)
    def list_privilege_groups(self, args: argparse.Namespace) -> PrivilegeGroups:
        """List the groups of privileges, the server's own included; needs Milvus 2.5.

        Example:
            %milvus_list_privilege_groups
        """
        return client.privilege_groups.list_privilege_groups(self.connection(args), timeout=self.seconds(args))

    @line_magic(group_name, dry_run, connection_options)
    def create_privilege_group(self, args: argparse.Namespace) -> Any:
        """Create a group of privileges; needs Milvus 2.5.

        Example:
            %milvus_create_privilege_group searching
        """
        act = (
            client.privilege_groups.preview_create_privilege_group
            if args.dry_run
            else client.privilege_groups.create_privilege_group
        )
        return act(self.connection(args), args.group, timeout=self.seconds(args))

    @line_magic(group_name, dry_run, yes, connection_options)
    def drop_privilege_group(self, args: argparse.Namespace) -> Any:
        """Drop a group of privileges that no role holds; needs Milvus 2.5.

        It cannot be undone, so the name is retyped, or --yes is given.

        Example:
            %milvus_drop_privilege_group searching
        """
        conn, timeout = self.connection(args), self.seconds(args)
        if args.dry_run:
            return client.privilege_groups.preview_drop_privilege_group(conn, args.group, timeout=timeout)
        if not args.yes:
            preview = client.privilege_groups.preview_drop_privilege_group(conn, args.group, timeout=timeout)
            prompts.confirm(str(preview), args.group, yes=False)
        return client.privilege_groups.drop_privilege_group(conn, args.group, timeout=timeout)

    @line_magic(group_name, group_members, dry_run, connection_options)
    def add_privileges_to_group(self, args: argparse.Namespace) -> Any:
        """Put privileges into a group; needs Milvus 2.5.

        Example:
            %milvus_add_privileges_to_group searching Search Query
        """
        return self._change_group(args, client.privilege_groups.add_privileges_to_group, added=True)

    @line_magic(group_name, group_members, dry_run, yes, connection_options)
    def remove_privileges_from_group(self, args: argparse.Namespace) -> Any:
        """Take privileges out of a group; needs Milvus 2.5.

        Out of one that a role of the user you are connected as holds asks for the group's name to be retyped.

        Example:
            %milvus_remove_privileges_from_group searching Query
        """
        conn, timeout = self.connection(args), self.seconds(args)
        if (
            not args.yes
            and not args.dry_run
            and client.privilege_groups.is_own_group(conn, args.group, timeout=timeout)
        ):
            preview = client.privilege_groups.preview_change_privilege_group(
                conn, args.group, args.privileges, added=False, timeout=timeout
            )
            prompts.confirm(str(preview), args.group, yes=False)
        return self._change_group(args, client.privilege_groups.remove_privileges_from_group, added=False)

    def _change_group(self, args: argparse.Namespace, change: Callable[..., Any], *, added: bool) -> Any:
        conn, timeout = self.connection(args), self.seconds(args)
        if args.dry_run:
            return client.privilege_groups.preview_change_privilege_group(
                conn, args.group, args.privileges, added=added, timeout=timeout
            )
        return change(conn, args.group, args.privileges, timeout=timeout)


def _scope(args: argparse.Namespace) -> Scope:
    return client.privilege_catalog.Scope(args.collection, args.db, args.object, args.object_name)
