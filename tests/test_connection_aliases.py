"""What the connections of a notebook have to do with each other."""

import contract
import pytest

from milvus_magics import connections, errors
from milvus_magics.client import user_passwords
from milvus_magics.secret import Secret
from milvus_magics.transport.deadline import Deadline


@pytest.mark.parametrize("change", [user_passwords.update_password, user_passwords.reset_password])
def test_other_aliases_of_a_user_go_on_after_a_password_change(change):
    """With the new password, where the user changed it; else the error says who did."""
    with contract.serve("2.6.18", authorization=True) as (server, address):
        server.passwords["bob"] = b"first-password"
        uri = f"http://{address}"
        for alias in ("one", "two"):
            connections.connect(alias, "bob", "first-password", uri=uri)
        connections.connect("admin", "root", "Milvus", uri=uri)
        change(connections.get("one"), "bob", "first-password", "second-password", timeout=10)
        for alias in ("one", "two", "admin"):
            connections.get(alias).call_checked("GetVersion", deadline=Deadline(10))
        change(connections.get("admin"), "bob", "second-password", "third-password", timeout=10)
        with pytest.raises(errors.AuthenticationError, match=r"'root' changed it .* at \d\d:\d\d: connect again"):
            connections.get("two").call_checked("GetVersion", deadline=Deadline(10))
        connections.get("two").reauthenticate(Secret("wrong-password"))
        with pytest.raises(errors.AuthenticationError) as caught:
            connections.get("two").call_checked("GetVersion", deadline=Deadline(10))
        assert "changed" not in str(caught.value), "it is over once there is another password"
        connections.get("admin").call_checked("GetVersion", deadline=Deadline(10))
        for alias in ("one", "two", "admin"):
            connections.disconnect(alias)


def test_a_user_of_that_name_elsewhere_is_left_alone():
    """Another server's users have passwords of their own."""
    with contract.serve("2.6.18") as (here, address), contract.serve("2.6.18") as (there, elsewhere):
        for server in (here, there):
            server.passwords["bob"] = b"first-password"
        connections.connect("one", "bob", "first-password", uri=f"http://{address}")
        connections.connect("two", "bob", "first-password", uri=f"http://{elsewhere}")
        user_passwords.update_password(connections.get("one"), "bob", "first-password", "second-password", timeout=10)
        connections.get("two").call_checked("GetVersion", deadline=Deadline(10))
        for alias in ("one", "two"):
            connections.disconnect(alias)
