"""What each method needs stands in the protocol itself: the contract server's table says the same."""

from contract import rights
from contract.privileges import TYPES_30
from pymilvus.grpc_gen import common_pb2, milvus_pb2

# The server looks only at what these ask for (HasCollection), or has another word for it than pymilvus's protocol.
NOT_IN_THE_PROTOCOL = {"ListDatabases", "ShowCollections", "HasCollection"}


def test_the_contract_server_asks_for_what_the_protocol_says():
    """The privilege, its type, and the field that names the object."""
    methods = milvus_pb2.DESCRIPTOR.services_by_name["MilvusService"].methods_by_name
    for name, privilege in rights.NEEDED.items():
        options = methods[name].input_type.GetOptions()
        if name in NOT_IN_THE_PROTOCOL:
            assert not options.HasExtension(common_pb2.privilege_ext_obj), name
            continue
        asked = options.Extensions[common_pb2.privilege_ext_obj]
        assert common_pb2.ObjectPrivilege.Name(asked.object_privilege) == f"Privilege{privilege}", name
        kind = common_pb2.ObjectType.Name(asked.object_type)
        assert privilege in TYPES_30[kind], name
        fields = {field.number: field.name for field in methods[name].input_type.fields}
        about = {"Collection": "collection_name"}.get(kind)
        assert about is None or fields[asked.object_name_index] == about, name
