"""Magics for roles and who holds them."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from milvus_magics import client
from milvus_magics.magics.arguments import argument, connection_options, dry_run, form, yes
from milvus_magics.magics.descriptions import describe, description_arguments
from milvus_magics.magics.operation import Operation, line_magic
from milvus_magics.magics.restoration import restore_operation
from milvus_magics.magics.session_magics import SessionMagics
from milvus_magics.session import session

if TYPE_CHECKING:
    from milvus_magics.client.results.previews import DropRolePreview, Preview
    from milvus_magics.client.results.roles import RoleDetails, Roles

role_name = argument("role", metavar="R", help="the role")
user_name = argument("user", metavar="USER", help="the user")
description = argument("--description", default="", metavar="TEXT", help="kept by servers from 2.6.19 on")
force = argument("--force", action="store_true", help="revoke its privileges first")


class RoleMagics(SessionMagics):
    """The magics for roles."""

    TOPIC = "roles"

    @line_magic(connection_options)
    def list_roles(self, args: argparse.Namespace) -> Roles:
        """List all roles with their holders.

        Example:
            roles = %milvus_list_roles
        """
        return client.roles.list_roles(args.conn, timeout=args.timeout)

    @line_magic(role_name, connection_options)
    def list_role(self, args: argparse.Namespace) -> RoleDetails:
        """Show one role: who holds it, and its privileges in all databases.

        Example:
            %milvus_list_role reader
        """
        return client.roles.list_role(args.conn, args.role, timeout=args.timeout)

    @line_magic(role_name, description, dry_run, form("role"), connection_options)
    def create_role(self, args: argparse.Namespace) -> Operation:
        """Create a role, which holds no privileges yet.

        Example:
            %milvus_create_role reader
        """
        act, preview = client.roles.create_role, client.roles.preview_create_role
        is_described = bool(args.description)  # that it will be lost is said before
        return Operation(args, act, preview, args.role, looks_first=is_described, description=args.description)

    @line_magic(role_name, description_arguments, dry_run, yes, form("role"), connection_options)
    def describe_role(self, args: argparse.Namespace) -> Operation:
        """Change a role's description; needs Milvus 2.6.19.

        Examples:
            %milvus_describe_role reader 'reads everything'
            %milvus_describe_role reader --undo
        """
        return describe(args, "role", args.role, client.roles.describe_role, client.roles.preview_describe_role)

    @line_magic(role_name, force, dry_run, yes, form("role"), connection_options)
    def drop_role(self, args: argparse.Namespace) -> Operation:
        """Drop a role; who held it loses it. The name is retyped, or --yes is given.

        A role that holds privileges is dropped with --force only, which revokes them in all databases.

        Examples:
            %milvus_drop_role reader --dry-run
            %milvus_drop_role reader --force
        """

        def question(preview: DropRolePreview) -> str:
            # Else it will be refused, and there is nothing to confirm.
            return preview.brief if args.force or not preview.grants else ""

        act, preview = client.roles.drop_role, client.roles.preview_drop_role
        return Operation(args, act, preview, args.role, force=args.force, retype=args.role, question=question)

    @line_magic(role_name, dry_run, yes, connection_options)
    def restore_role(self, args: argparse.Namespace) -> Operation:
        """Bring back a role that was dropped in this session: its privileges in all databases, and who held it.

        Where it stops half way, running it again goes on. Where another Milvus answers than the one where it was, the
        name is retyped, or --yes is given.

        Example:
            %milvus_restore_role reader
        """
        return restore_operation(args, "role", args.role, session.undo.restore_role, session.undo.preview_restore_role)

    @line_magic(user_name, role_name, dry_run, form("user", "role"), connection_options)
    def grant_role(self, args: argparse.Namespace) -> Operation:
        """Give a role to a user.

        Example:
            %milvus_grant_role bob reader
        """
        return Operation(args, client.roles.grant_role, client.roles.preview_grant_role, args.user, args.role)

    @line_magic(user_name, role_name, dry_run, yes, form("user", "role"), connection_options)
    def revoke_role(self, args: argparse.Namespace) -> Operation:
        """Take a role from a user.

        Taking it from the user you are connected as, or 'admin' from the last one who has it, asks for the user's name
        to be retyped.

        Examples:
            %milvus_revoke_role bob reader --dry-run
            %milvus_revoke_role bob reader
        """

        def question(preview: Preview) -> str:
            return str(preview) if preview.warning else ""

        retype = args.user if args.role == "admin" or args.user == args.conn.user else ""
        act, preview = client.roles.revoke_role, client.roles.preview_revoke_role
        return Operation(args, act, preview, args.user, args.role, retype=retype, question=question)
