"""Each privilege has a plain word, and is offered only where it brings something."""

import pytest

from milvus_magics.client.grants.purposes import BUILT_IN, OWN, PURPOSES, WORDS, Place, offer_members, offer_privileges
from milvus_magics.client.privilege_catalog import KNOWN, ON_CLUSTER, ON_COLLECTIONS, ON_USERS, USUAL_GROUPS
from milvus_magics.wire.builtin_groups import LISTED

ONE, ALL_OF_ONE, ALL_OF_ALL = Place(False, False), Place(True, False), Place(True, True)


def names(offers):
    return {name for pairs in offers.values() for name, _ in pairs}


def test_each_privilege_has_one_word():
    """Whoever adds one to the catalogue says here what it is for."""
    assert WORDS.keys() == KNOWN
    assert sum(map(len, PURPOSES.values())) == len(KNOWN), "each is for one thing"
    assert PURPOSES[BUILT_IN].keys() == USUAL_GROUPS.keys()
    assert all(0 < len(word) <= 50 for word in WORDS.values())


@pytest.mark.parametrize("version", ["2.3.5", "2.5.24", "2.6.18", "3.0.0"])
def test_what_is_offered_fits(version):
    """On one collection only what is about collections; no groups and nothing newer than the server."""
    groups = LISTED.get(version, {})
    one, here, everywhere = (names(offer_privileges(version, groups, place)) for place in (ONE, ALL_OF_ONE, ALL_OF_ALL))
    assert "Search" in one
    assert one <= ON_COLLECTIONS | {name for name in USUAL_GROUPS if name.startswith("Collection")}
    assert one < here <= everywhere
    assert ("CollectionReadOnly" in one) is (version != "2.3.5")
    assert ("ClusterAdmin" in everywhere) is (version != "2.3.5")
    assert "ClusterAdmin" not in here
    assert ("ManageRLS" in everywhere) is False
    if version != "2.3.5":
        assert not here & ((ON_CLUSTER | ON_USERS) - {"RenameCollection"})
        assert ("RenameCollection" in here) is (version == "3.0.0")
    else:
        assert "ManageOwnership" in here, "there the connection's database decides"


def test_own_groups_are_offered_by_the_level_of_what_they_hold():
    groups = {**LISTED["2.6.18"], "readers": ("Search", "Query"), "staff": ("SelectUser",), "empty": ()}
    offers = offer_privileges("2.6.18", groups, ONE)
    assert offers[OWN] == [("readers", "Search, Query")]
    assert [name for name, _ in offer_privileges("2.6.18", groups, ALL_OF_ALL)[OWN]] == ["readers", "staff"]


def test_members_of_groups_are_single_privileges():
    offered = names(offer_members("2.6.18"))
    assert {"Search", "ManageOwnership"} <= offered
    assert not offered & {*USUAL_GROUPS, "All"}
