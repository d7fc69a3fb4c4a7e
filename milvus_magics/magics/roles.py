"""Magics for roles and who holds them."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from milvus_magics import client
from milvus_magics.magics import prompts
from milvus_magics.magics.arguments import argument, connection_options, dry_run, form, line_magic, yes
from milvus_magics.magics.session_magics import SessionMagics

if TYPE_CHECKING:
    from milvus_magics.client.results.roles import RoleDetails, Roles

role_name = argument("role", metavar="R", help="the role")
role_name_or_form = argument("role", nargs="?", metavar="R", help="the role")
user_name_or_form = argument("name", nargs="?", metavar="USER", help="the user")


class RoleMagics(SessionMagics):
    """The magics for roles."""

    @line_magic(connection_options)
    def list_roles(self, args: argparse.Namespace) -> Roles:
        """List all roles with their holders.

        Example:
            roles = %milvus_list_roles
        """
        return client.roles.list_roles(self.connection(args), timeout=self.seconds(args))

    @line_magic(role_name, connection_options)
    def list_role(self, args: argparse.Namespace) -> RoleDetails:
        """Show one role: who holds it, and its privileges in all databases.

        Example:
            %milvus_list_role reader
        """
        return client.roles.list_role(self.connection(args), args.role, timeout=self.seconds(args))

    @line_magic(
        role_name_or_form,
        argument("--description", default="", metavar="TEXT", help="kept by servers from 2.6.19 on"),
        dry_run,
        form,
        connection_options,
    )
    def create_role(self, args: argparse.Namespace) -> Any:
        """Create a role, which holds no privileges yet.

        Example:
            %milvus_create_role reader
        """
        conn, timeout = self.connection(args), self.seconds(args)
        if args.form:
            return self.form("CreateRoleForm", args, ("role", "description", "dry_run"))
        self.require(args, role="the role")
        if args.dry_run:
            return client.roles.preview_create_role(conn, args.role, timeout=timeout)
        return client.roles.create_role(conn, args.role, description=args.description, timeout=timeout)

    @line_magic(
        role_name,
        argument("--description", required=True, metavar="TEXT", help="the new description, '' for none"),
        dry_run,
        connection_options,
    )
    def alter_role(self, args: argparse.Namespace) -> Any:
        """Change a role's description; needs Milvus 2.6.19.

        Example:
            %milvus_alter_role reader --description 'reads everything'
        """
        act = client.roles.preview_alter_role if args.dry_run else client.roles.alter_role
        return act(self.connection(args), args.role, args.description, timeout=self.seconds(args))

    @line_magic(
        role_name_or_form,
        argument("--force", action="store_true", help="revoke its privileges first"),
        dry_run,
        yes,
        form,
        connection_options,
    )
    def drop_role(self, args: argparse.Namespace) -> Any:
        """Drop a role; who held it loses it. The name is retyped, or --yes is given.

        A role that holds privileges is dropped with --force only, which revokes them in all databases.

        Examples:
            %milvus_drop_role reader --dry-run
            %milvus_drop_role reader --force
        """
        conn, timeout = self.connection(args), self.seconds(args)
        if args.form:
            return self.form("DropRoleForm", args, ("role", "force", "dry_run", "yes"))
        self.require(args, role="the role")
        if args.dry_run:
            return client.roles.preview_drop_role(conn, args.role, force=args.force, timeout=timeout)
        if not args.yes:
            preview = client.roles.preview_drop_role(conn, args.role, force=args.force, timeout=timeout)
            if args.force or not preview.grants:  # else it will be refused, and there is nothing to confirm
                prompts.confirm(preview.brief, args.role, yes=False)
        return client.roles.drop_role(conn, args.role, force=args.force, timeout=timeout)

    @line_magic(user_name_or_form, role_name_or_form, dry_run, form, connection_options)
    def grant_role(self, args: argparse.Namespace) -> Any:
        """Give a role to a user.

        Example:
            %milvus_grant_role bob reader
        """
        conn, timeout = self.connection(args), self.seconds(args)
        if args.form:
            return self.form("GrantRoleForm", args, ("name", "role", "dry_run"))
        self.require(args, name="the user", role="the role")
        act = client.roles.preview_grant_role if args.dry_run else client.roles.grant_role
        return act(conn, args.name, args.role, timeout=timeout)

    @line_magic(user_name_or_form, role_name_or_form, dry_run, yes, form, connection_options)
    def revoke_role(self, args: argparse.Namespace) -> Any:
        """Take a role from a user.

        Taking it from the user you are connected as, or 'admin' from the last one who has it, asks for the user's name
        to be retyped.

        Examples:
            %milvus_revoke_role bob reader --dry-run
            %milvus_revoke_role bob reader
        """
        conn, timeout = self.connection(args), self.seconds(args)
        if args.form:
            return self.form("RevokeRoleForm", args, ("name", "role", "dry_run", "yes"))
        self.require(args, name="the user", role="the role")
        if args.dry_run:
            return client.roles.preview_revoke_role(conn, args.name, args.role, timeout=timeout)
        if args.role == "admin" or args.name == conn.user:
            preview = client.roles.preview_revoke_role(conn, args.name, args.role, timeout=timeout)
            if preview.warning:
                prompts.confirm(str(preview), args.name, args.yes)
        return client.roles.revoke_role(conn, args.name, args.role, timeout=timeout)
