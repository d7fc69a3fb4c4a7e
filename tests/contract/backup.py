"""BackupRBAC and RestoreRBAC."""

import grpc

from contract.grants import grant_entity
from contract.groups import group_info
from contract.login import hash_of, password_of
from contract.one_by_one import one_by_one
from contract.roles import BUILT_IN
from contract.statuses import GRANT, Denied


class Backup:
    """The part of a server that is backed up and restored."""

    def BackupRBAC(self, request, caller, metadata):
        held = self.roles_by_user()
        roles = [role for role in list(self.roles) if role not in BUILT_IN]
        own = [pair for pair in list(self.grants.items()) if pair[0][0] in roles]
        return {"RBAC_meta": {
            "users": [
                {"user": name, "password": hash_of(password),
                 "roles": [{"name": role} for role in sorted(held.get(name, ()))]}
                for name, password in list(self.passwords.items()) if name != "root"
            ],
            "roles": [{"name": role, "description": self.roles[role]} for role in roles],
            "grants": [grant_entity(*pair) for pair in own],
            "privilege_groups": [group_info(name, self.groups[name]) for name in list(self.groups)],
        }}  # fmt: skip

    @one_by_one
    def RestoreRBAC(self, request, caller, metadata):
        """All or nothing; neither names nor hashes nor the limit of users are looked at."""
        meta = request.RBAC_meta
        self.check_restoring(meta)
        for group in meta.privilege_groups:
            self.groups[group.group_name] = {privilege.name for privilege in group.privileges}
        for role in meta.roles:
            self.roles[role.name] = role.description if self.rules.descriptions else ""
        self.grants |= self.restored_grants(meta)
        for entry in meta.users:
            self.passwords[entry.user] = password_of(entry.password)
            self.bindings |= {(entry.user, role.name) for role in entry.roles}

    def check_restoring(self, meta):
        for what, names, known in (
            ("role", [role.name for role in meta.roles], self.roles),
            ("privilege group", [group.group_name for group in meta.privilege_groups], self.groups),
            ("user", [entry.user for entry in meta.users], self.passwords),
        ):
            for name in names:
                if name in known:
                    self.refuse_restoring(f"{what} [{name}] already exists")
        known = self.roles.keys() | {role.name for role in meta.roles}
        for entry in meta.users if self.rules.restore_checks_roles else ():
            for role in entry.roles:
                if role.name not in known:
                    self.refuse_restoring(f"role [{role.name}] does not exist")

    def refuse_restoring(self, reason):
        self.refuse(GRANT, reason, check="check if rbac restorable")

    def restored_grants(self, meta):
        """With whom gave them; one that is there already, or comes twice, is the end of a newer server."""
        found = {}
        for entity in meta.grants:
            names = entity.role.name, entity.object.name, entity.object_name, entity.grantor.privilege.name
            for grant in self.with_companions((*names, entity.db_name)):
                if grant in self.grants or grant in found:
                    self.refuse_granting_again(grant)
                found[grant] = entity.grantor.user.name
        return found

    def refuse_granting_again(self, grant):
        """2.5 says no. Later ones try again for ever, and nobody changes access any more: they all wait in vain."""
        if not self.rules.says_check:
            self.refuse(GRANT, f"the privilege[{grant[3]}] has been granted")
        self.stuck = True
        raise Denied(grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded")
