"""A server with names that no Milvus would take: what answers need not be one."""

from contract.server import ContractServer


class AnyNames(ContractServer):
    """Doesn't look at names, except for that of a new role."""

    def CreateRole(self, request, *others):
        super().check_name(request.entity.name, "role name")
        return super().CreateRole(request, *others)

    def check_user(self, name):
        pass

    def check_name(self, name, label):
        pass
