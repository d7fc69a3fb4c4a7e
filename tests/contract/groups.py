"""Groups of privileges."""

from contract.one_by_one import one_by_one
from contract.statuses import ALTER_GROUP, CREATE_GROUP, DROP_GROUP, OTHER, Refusal, invalid

ADD, REMOVE = 0, 1
LEVELS_DIFFER = "privileges are not the same privilege level"


class Groups:
    """The part of a server that keeps groups."""

    @one_by_one
    def CreatePrivilegeGroup(self, request, caller, metadata):
        name = request.group_name
        self.check_group_name(name)
        by = ""
        if self.knows(name):
            by = "built in privileges or privilege groups in system"
        elif name in self.groups:
            by = "users"
        if by:
            self.refuse_group(CREATE_GROUP, f"privilege group name [{name}] is defined by {by}", "creatable")
        self.groups[name] = set()

    def refuse_group(self, legacy, reason, check, coded=True):
        """Most of what is wrong with groups has the same number in all versions."""
        before = f"failed to check if privilege group {check}: " if self.rules.says_check else ""
        raise invalid(before + reason, legacy=legacy) if coded else Refusal(legacy, OTHER, before + reason)

    @one_by_one
    def DropPrivilegeGroup(self, request, caller, metadata):
        name = request.group_name
        self.check_group_name(name)
        roles = sorted(grant[0] for grant in list(self.grants) if grant[3] == name)
        if roles and name in self.groups:
            words = f"privilege group [{name}] is used by role [{roles[0]}], Use REVOKE API to revoke it first"
            self.refuse_group(DROP_GROUP, words, "dropable", coded=self.rules.in_use_coded)
        self.groups.pop(name, None)

    def ListPrivilegeGroups(self, request, caller, metadata):
        return {"privilege_groups": [
            group_info(name, privileges) for name, privileges in {**self.rules.groups, **self.groups}.items()
        ]}  # fmt: skip

    @one_by_one
    def OperatePrivilegeGroup(self, request, caller, metadata):
        names = [privilege.name for privilege in request.privileges]
        self.check_group_name(request.group_name)
        for name in names:
            self.check_name_or_any(name, "Privilege")
        if request.type not in (ADD, REMOVE):
            words = "invalid operate privilege group type" if self.rules.says_check else "invalid operate type"
            self.refuse(ALTER_GROUP, words)
        check = self.check_alteration if self.rules.checks_alter_first else self.check_alteration_late
        check(request.group_name, names, request.type)
        old = self.groups[request.group_name]
        self.groups[request.group_name] = old | set(names) if request.type == ADD else old - set(names)

    def check_alteration(self, group, names, kind_of_change):
        """As 2.6 does, before anything else."""
        if group not in self.groups:
            self.refuse_altering(f"there is no privilege group name [{group}] defined in system to operate")
        if not names:
            self.refuse_altering("privileges is empty when alter the privilege group")
        self.check_members(names)
        if kind_of_change == ADD and self.levels_differ(group, names):
            self.refuse_altering(LEVELS_DIFFER)

    def check_alteration_late(self, group, names, kind_of_change):
        """As 2.5 does, which looks at the levels first."""
        if kind_of_change == ADD and self.levels_differ(group, names):
            self.refuse(ALTER_GROUP, LEVELS_DIFFER)
        if group in self.rules.groups:
            words = f"the privilege group name [{group}] is defined by built in privilege groups in system"
            self.refuse_altering(words)
        self.check_members(names)
        if group not in self.groups:
            self.refuse_altering(f"there is no privilege group name [{group}] to operate")

    def refuse_altering(self, reason):
        self.refuse_group(ALTER_GROUP, reason, "alterable")

    def check_members(self, names):
        for name in names:
            if not self.knows(name) and name not in self.groups and name not in self.rules.hidden:
                words = f"there is no privilege name or privilege group name [{name}] defined in system to operate"
                self.refuse_altering(words)

    def levels_differ(self, group, names):
        return len({self.level_of(name) for name in {*self.groups.get(group, ()), *names}}) > 1


def group_info(name, privileges):
    return {"group_name": name, "privileges": [{"name": privilege} for privilege in sorted(privileges)]}
