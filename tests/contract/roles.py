"""Roles, and who holds them."""

from collections import defaultdict

from contract.one_by_one import one_by_one
from contract.statuses import CREATE_ROLE, DROP_ROLE, NOT_PERMITTED, OTHER, UNEXPECTED, USER_AND_ROLE, Refusal

BUILT_IN = ("admin", "public")
ADD, REMOVE = 0, 1
NO_USER = "not found the user, maybe the user isn't existed or internal system error"
NO_ROLE = "not found the role, maybe the role isn't existed or internal system error"


class Roles:
    """The part of a server that keeps roles."""

    @one_by_one
    def CreateRole(self, request, caller, metadata):
        role = request.entity
        self.check_name(role.name, "role name")
        self.check_description(role.description, "role")
        if role.name in self.roles:
            self.refuse(CREATE_ROLE, f'role [name:"{role.name}"] already exists')
        if len(self.roles) >= self.max_roles:
            self.refuse_limit(CREATE_ROLE, "create role", "number of roles", "create role")
        self.roles[role.name] = role.description if self.rules.descriptions else ""

    @one_by_one
    def AlterRole(self, request, caller, metadata):
        self.check_name(request.role_name, "role name")
        self.check_own(request.role_name, "altered")
        if request.role_name not in self.roles:
            raise Refusal(UNEXPECTED, OTHER, "failed to check if alter role: role not exists")
        self.roles[request.role_name] = request.description

    def check_own(self, role, deed):
        if role in BUILT_IN:
            reason = f"the role[{role}] is a default role, which can't be {deed}: privilege not permitted"
            raise Refusal(UNEXPECTED, NOT_PERMITTED, reason)

    def check_role(self, role, legacy, check="", named=False):
        """`named`: the text says which role there isn't, where a version's texts do."""
        if role not in self.roles:
            words = f'the role "{role}" does not exist' if named and self.rules.names_missing else NO_ROLE
            self.refuse(legacy, words, check=check)

    @one_by_one
    def DropRole(self, request, caller, metadata):
        name = request.role_name
        self.check_name(name, "role name")
        self.check_own(name, "dropped")
        self.check_role(name, DROP_ROLE)
        forced = request.force_drop and self.rules.force_drop
        if not forced and any(self.keeps_role(grant) for grant in list(self.grants) if grant[0] == name):
            reason = "fail to drop the role that it has privileges. Use REVOKE API to revoke privileges"
            self.refuse(DROP_ROLE, reason, check="check if drop role")
        for grant in list(self.grants) if forced else ():
            if grant[0] == name or (forced == "prefix" and grant[0].startswith(name)):
                del self.grants[grant]
        del self.roles[name]
        for binding in [pair for pair in list(self.bindings) if pair[1] == name]:
            self.bindings.discard(binding)

    def keeps_role(self, grant):
        return self.rules.drop_sees == "all" or grant[4] in ("default", "*")

    @one_by_one
    def OperateUserRole(self, request, caller, metadata):
        user, role = request.username, request.role_name
        self.check_user(user)
        self.check_name(role, "role name")
        if request.type not in (ADD, REMOVE):
            says_it = self.rules.says_check
            words = (
                "invalid operate user role type" if says_it else "fail to execute task when operate the user and role"
            )
            self.refuse(USER_AND_ROLE, words)
        self.check_role(role, USER_AND_ROLE)
        if request.type == REMOVE:
            self.bindings.discard((user, role))
            return
        if user not in self.passwords:
            words = f'user "{user}" not found' if self.rules.names_missing else NO_USER
            self.refuse(USER_AND_ROLE, words, check="check if operate user role")
        self.bindings.add((user, role))

    def SelectRole(self, request, caller, metadata):
        wanted = sorted(self.roles)
        if request.HasField("role"):
            self.check_name(request.role.name, "role name")
            wanted = [request.role.name] if request.role.name in self.roles else []
        held = self.users_by_role() if request.include_user_info else {}
        return {"results": [
            {"role": {"name": name, "description": self.roles[name]},
             "users": [{"name": user} for user in sorted(held.get(name, ()))]}
            for name in wanted
        ]}  # fmt: skip

    def users_by_role(self):
        found = defaultdict(list)
        for user, role in list(self.bindings):
            found[role].append(user)
        return found
