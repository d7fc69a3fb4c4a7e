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


@pytest.mark.parametrize("change", [user_passwords.update_password, user_passwords.reset_password])
def test_an_alias_by_another_address_of_the_same_cluster_goes_on_too(change):
    """As localhost and 127.0.0.1 are; whichever cluster answers there is asked while the old login is still right."""
    with contract.serve("2.6.18", authorization=True) as (server, address):
        server.passwords["bob"] = b"first-password"
        server.bindings.add(("bob", "admin"))  # who is told which cluster it is
        connections.connect("one", "bob", "first-password", uri=f"http://{address}")
        connections.connect("two", "bob", "first-password", uri=f"http://localhost:{address.rpartition(':')[2]}")
        connections.connect("admin", "root", "Milvus", uri=f"http://{address}")
        change(connections.get("one"), "bob", "first-password", "second-password", timeout=10)
        connections.get("two").call_checked("GetVersion", deadline=Deadline(10))
        change(connections.get("admin"), "bob", "second-password", "third-password", timeout=10)
        with pytest.raises(
            errors.AuthenticationError, match=r"'root' changed it in this notebook at \d\d:\d\d: connect"
        ):
            connections.get("two").call_checked("GetVersion", deadline=Deadline(10))
        for alias in ("one", "two", "admin"):
            connections.disconnect(alias)


def test_where_no_cluster_is_told_nobody_gets_the_new_password():
    """Their error says what may be the reason."""

    class Silent(contract.ContractServer):
        def ListDatabases(self, request, caller, metadata):
            raise contract.Refusal(1, 65535, "no")

    with contract.serving(Silent("2.6.18", authorization=True)) as (server, address):
        server.passwords["bob"] = b"first-password"
        connections.connect("one", "bob", "first-password", uri=f"http://{address}")
        connections.connect("two", "bob", "first-password", uri=f"http://localhost:{address.rpartition(':')[2]}")
        user_passwords.update_password(connections.get("one"), "bob", "first-password", "second-password", timeout=10)
        said = (
            rf"'bob' changed it on http://{address} in this notebook at .*: if this is the same server, connect again"
        )
        with pytest.raises(errors.AuthenticationError, match=said):
            connections.get("two").call_checked("GetVersion", deadline=Deadline(10))
        for alias in ("one", "two"):
            connections.disconnect(alias)


def test_a_refused_change_leaves_other_aliases_as_they_are():
    """And no question to them in the air."""
    with contract.serve("2.6.18", authorization=True) as (server, address):
        server.passwords["bob"] = b"first-password"
        connections.connect("one", "bob", "first-password", uri=f"http://{address}")
        connections.connect("two", "bob", "first-password", uri=f"http://localhost:{address.rpartition(':')[2]}")
        with pytest.raises(errors.WrongPasswordError):
            user_passwords.update_password(connections.get("one"), "bob", "a-wrong-one", "second-password", timeout=10)
        for alias in ("one", "two"):
            connections.get(alias).call_checked("GetVersion", deadline=Deadline(10))
            connections.disconnect(alias)


def test_a_user_of_that_name_elsewhere_is_left_alone():
    """Another server's users have passwords of their own."""
    with contract.serve("2.6.18") as (here, address), contract.serve("2.6.18") as (there, elsewhere):
        for server in (here, there):
            server.passwords["bob"] = b"first-password"
            server.bindings.add(("bob", "admin"))  # who is told that these are two clusters
        connections.connect("one", "bob", "first-password", uri=f"http://{address}")
        connections.connect("two", "bob", "first-password", uri=f"http://{elsewhere}")
        user_passwords.update_password(connections.get("one"), "bob", "first-password", "second-password", timeout=10)
        connections.get("two").call_checked("GetVersion", deadline=Deadline(10))
        assert connections.get("two").address.login_note == ""
        for alias in ("one", "two"):
            connections.disconnect(alias)
