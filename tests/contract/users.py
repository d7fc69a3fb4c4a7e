"""Users: CreateCredential and the like."""

from collections import defaultdict

from contract.login import Untrimmed
from contract.one_by_one import one_by_one
from contract.statuses import (
    CREATE_USER,
    DELETE_USER,
    NOT_PERMITTED,
    OTHER,
    UNEXPECTED,
    UPDATE_USER,
    WRONG_PASSWORD,
    Refusal,
    invalid,
    shown,
)

LONGEST_TO_HASH = 72  # bytes


class Users:
    """The part of a server that keeps users."""

    @one_by_one
    def CreateCredential(self, request, caller, metadata):
        self.check_user(request.username)
        password = self.decode(request.password, "password fail")
        self.check_length(password)
        self.check_hashing(password)
        self.check_description(request.description, "user")
        name = request.username.strip() if self.rules.trims_users else request.username
        checks = [self.check_user_limit, lambda: self.check_user_is_new(name)]
        for check in checks if self.rules.limit_first else reversed(checks):
            check()
        self.keep_password(name, request.username, password)
        if self.rules.descriptions:
            self.descriptions[name] = request.description

    def keep_password(self, name, came_as, password):
        self.passwords[name] = password if name == came_as else Untrimmed(password)

    def check_hashing(self, password):
        if len(password) > LONGEST_TO_HASH:
            raise Refusal(UNEXPECTED, OTHER, "encrypt password failed: bcrypt: password length exceeds 72 bytes")

    def check_user_limit(self):
        if len(self.passwords) >= self.max_users:
            self.refuse_limit(CREATE_USER, "add user", "number of users", "add credential")

    def check_user_is_new(self, name):
        if name in self.passwords:
            self.refuse(CREATE_USER, f"user already exists: {name}")

    @one_by_one
    def UpdateCredential(self, request, caller, metadata):
        name = request.username.strip() if self.rules.trims_users else request.username
        if self.rules.descriptions and not request.newPassword:
            if not request.HasField("description"):
                raise invalid("must update either password or description")
            self.check_user_is_known(name)
        else:
            self.change_password(request, caller, name)
        if self.rules.descriptions and request.HasField("description"):
            self.descriptions[name] = request.description

    def change_password(self, request, caller, name):
        old, new = self.decode(request.oldPassword, "old password failed"), self.decode(request.newPassword)
        self.check_length(new)
        is_free = caller in self.superusers
        if not is_free and not self.is_password(request.username, old):
            reason = f"old password not correct for {shown(request.username)}: not authenticated"
            raise Refusal(UNEXPECTED, WRONG_PASSWORD, reason)
        self.check_hashing(new)
        if not self.rules.superusers_create:
            self.check_user_is_known(name)
        self.keep_password(name, request.username, new)

    def check_user_is_known(self, name):
        if name not in self.passwords:
            raise Refusal(UPDATE_USER, OTHER, "failed to check if update credential: user not found")

    @one_by_one
    def DeleteCredential(self, request, caller, metadata):
        name = request.username.strip() if self.rules.trims_users else request.username
        if name == "root":
            raise Refusal(UNEXPECTED, NOT_PERMITTED, "root user cannot be deleted: privilege not permitted")
        if not name.strip():
            words = "username is empty" if self.rules.says_check else "fail to execute task when deleting the user"
            self.refuse(DELETE_USER, words, check="check if delete credential")
        self.passwords.pop(name, None)
        self.descriptions.pop(name, None)
        for binding in [pair for pair in list(self.bindings) if pair[0] == name]:
            self.bindings.discard(binding)

    def ListCredUsers(self, request, caller, metadata):
        return {"usernames": sorted(self.passwords)}

    def SelectUser(self, request, caller, metadata):
        wanted, held = sorted(self.passwords), {}
        if request.HasField("user"):
            self.check_user(request.user.name)
            wanted = [request.user.name] if request.user.name in self.passwords else []
        if request.include_role_info:
            held = {name: self.roles_listed_of(name) for name in wanted} if len(wanted) == 1 else self.roles_by_user()
        return {"results": [
            {"user": {"name": name}, "description": self.descriptions.get(name, ""),
             "roles": [{"name": role} for role in sorted(held.get(name, ()))]}
            for name in wanted
        ]}  # fmt: skip

    def roles_listed_of(self, name):
        """Of one user; 2.5 adds an empty one where somebody else, whose name begins with this one, holds roles."""
        bindings = list(self.bindings)
        found = [role for user, role in bindings if user == name]
        if self.rules.empty_roles and any(user.startswith(name) and user != name for user, _ in bindings):
            found.append("")
        return found

    def roles_by_user(self):
        found = defaultdict(list)
        for user, role in list(self.bindings):
            found[user].append(role)
        return found
