"""A server that writes a caller's own credentials into its error shows them to nobody here."""

import base64
from urllib.parse import quote

import contract
import pytest

from milvus_magics.client import privileges, user_deletion, users
from milvus_magics.errors import MilvusException, UserExistsError, WrongPasswordError
from milvus_magics.secret import Secret
from milvus_magics.transport.address import Address
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.credentials import Login
from milvus_magics.transport.deadline import Deadline

KEY = "an-api-key/of+somebody"
FORMS = [
    KEY,
    quote(KEY, safe=""),
    base64.b64encode(KEY.encode()).decode(),
    base64.urlsafe_b64encode(KEY.encode()).decode().rstrip("="),
    f'"{KEY}"',
]


def text_of(error):
    return f"{error} {error!r} {error.details} {vars(error)}"


@pytest.mark.parametrize("version", ["2.5.24", "2.6.18", "3.0.0-beta"])
def test_an_api_key_is_not_in_the_error_of_a_grant(version):
    """Where authorization is off, these servers quote the token that they cannot read."""
    with contract.serve(version, authorization=False) as (server, address):
        server.roles["reader"] = ""
        conn = Connection(Address.parse(address, token=KEY))
        with pytest.raises(MilvusException) as caught:
            privileges.grant_privilege(conn, "reader", "Search", collection="docs", timeout=10)
        conn.close()
    assert "raw token" in caught.value.details
    assert not [form for form in FORMS if form in text_of(caught.value)]
    assert "********" in caught.value.details


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_secret_is_concealed(form):
    """As it is, in an address, in base64 of both kinds, in quotes."""
    for text in (f"no such token: {form}", f"{form}: invalid", f"[{form}]"):
        assert Login("", Secret(KEY)).conceal(text).count("********") == 1


@pytest.mark.parametrize("version", ["2.3.5", "2.6.18"])
@pytest.mark.parametrize("word", ["password", "encrypt", "already", "exists", "privilege", "failed"])
def test_a_password_that_is_a_word_of_milvus_hides_no_meaning(version, word):
    """What the server says is understood all the same, whoever's password it is."""
    with contract.serve(version, authorization=False) as (server, address):
        server.passwords |= {"root": word.encode(), "bob": b"right-password", "eve": word.encode()}
        conn = Connection(Address.parse(address, user="root", password=word))
        with pytest.raises(UserExistsError):
            users.create_user(conn, "bob", word, timeout=10)
        with pytest.raises(WrongPasswordError):
            user_deletion.delete_user(conn, "bob", "wrong-password", timeout=10)
        user_deletion.delete_user(conn, "bob", "right-password", timeout=10)
        user_deletion.delete_user(conn, "eve", word, timeout=10)
        conn.close()
    assert set(server.passwords) == {"root"}


def test_the_header_of_such_a_password_is_concealed_all_the_same():
    """Only the word itself says nothing."""
    login = Login("root", Secret("Milvus"))
    assert login.conceal(f"Milvus refuses {login.header().reveal()}") == "Milvus refuses ********"


def test_the_login_of_a_single_call_is_concealed_too():
    """The password that is being checked is not the connection's own."""

    class Echoing(contract.ContractServer):
        def GetVersion(self, request, caller, metadata):
            raise contract.Refusal(1, 65535, f"cannot read {metadata['authorization']}")

    with contract.serving(Echoing("2.6.18", authorization=False)) as (_, address):
        conn = Connection(Address.parse(address, user="root", password="Milvus"))
        for ask in (conn.call, lambda *name, **more: conn.begin(*name, **more).reply()):
            reply = ask("GetVersion", deadline=Deadline(10), login=Login("bob", Secret("a-password-of-bobs")))
            assert reply.status.reason == "cannot read ********"
        conn.close()
