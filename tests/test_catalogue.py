"""The catalogue of privileges is what the protocol says, and what recorded servers take, refuse and list.

Servers were asked with four versions (`tests/recorded/`): the contents of their groups, and each privilege that they
took or refused as one, by its object type or without.
"""

import functools

import pytest
from contract.versions import RECORDED
from test_recorded import sequences_of

from milvus_magics import wire
from milvus_magics.client import privilege_catalog as catalog
from milvus_magics.wire import regenerate_privileges
from milvus_magics.wire.privileges import OTHER_NAMES, PRIVILEGES, REPLACED_GROUPS
from milvus_magics.wire.versions import is_older

VERSIONS = list(RECORDED)
LEVELS = ("Cluster", "Database", "Collection")
# What a version has otherwise than the catalogue, which knows one level of each privilege: it was moved in 3.0.
MOVED = {("RenameCollection", "2.5.24"): "Cluster", ("RenameCollection", "2.6.18"): "Cluster"}
# What a version takes and lists in no group.
UNLISTED = {(name, "2.6.18") for name in ("AddFileResource", "RemoveFileResource", "ListFileResources")}
MADE = {"*", "pg1", "pgdb", "pgempty"}  # what is no single privilege, or a group that the recording made


def steps_of(version):
    return [step for sequence in sequences_of(version) for step in sequence["steps"]]


@functools.cache
def groups_of(version):
    """The groups that a version has by itself; none on 2.3.5, which does not know the call."""
    steps = (step for step in steps_of(version) if step["method"] == "ListPrivilegeGroups")
    rows = next((step["answer"]["payload"]["privilege_groups"] for step in steps if "payload" in step["answer"]), [])
    return {row["group_name"]: {one["name"] for one in row["privileges"]} for row in rows}


@functools.cache
def answers_of(version):
    """Each name that was to be granted: (name, object type or empty in the newer way), and whether it was taken as one.

    What was refused for another reason, such as the role, says nothing and is left out.
    """
    found = set()
    for step in steps_of(version):
        entity = step["request"].get("entity", step["request"])
        if not step["method"].startswith("OperatePrivilege") or "grantor" not in entity:
            continue
        name = entity["grantor"].get("privilege", {}).get("name", "")
        reason = step["answer"].get("status", {"reason": "another"}).get("reason", "")
        if not reason or f"not found the privilege name[{name}]" in reason:
            found.add(((name, entity.get("object", {}).get("name", "")), not reason))
    return sorted(found)


def differences(privileges, version):
    """In what a catalogue and the answers of a version differ, in words."""
    listed, rules = groups_of(version), RECORDED[version]
    known = {name: row for name, row in privileges.items() if not is_older(version, row[2])}
    singles = {name: row for name, row in known.items() if row[0] != "Group"}
    for name in sorted({name for names in listed.values() for name in names} - known.keys()):
        yield f"{name} is in a group of {version}, and missing"
    for name in sorted(listed.keys() ^ (known.keys() - singles.keys())):
        yield f"the group {name} is here or there only"
    for name in sorted(listed.keys() & known.keys() - singles.keys()):
        if not listed[name] <= listed[f"{known[name][1]}Admin"]:
            yield f"the group {name} is not of the level {known[name][1]}"
    for name in sorted(singles if listed else ()):
        level = MOVED.get((name, version), singles[name][1])
        if level_in(listed, name) != ("" if (name, version) in UNLISTED else level):
            yield f"{name} is not of the level {level} on {version}"
    for (name, kind), is_taken in answers_of(version):
        own = known.get(name, ("",))[0]
        may_be_taken = own != "" and kind in ("", own)
        if name not in MADE and may_be_taken is not is_taken:
            yield f"{version} {'takes' if is_taken else 'refuses'} {name} as {kind or 'a privilege'}"
    # What was not asked: the imitation's table, which for 2.3.5 is the one that the server itself was asked for.
    types = {name: kind for kind, names in rules.types.items() for name in names if name not in REPLACED_GROUPS}
    types |= dict.fromkeys(rules.hidden, "Global")
    for name in sorted(name for name in types | singles if types.get(name) != singles.get(name, (None,))[0]):
        yield f"{name} is of another type on {version}, or not there"


def level_in(listed, name):
    return next((level for level in LEVELS if name in listed[f"{level}Admin"]), "")


# --- against what servers said ---


@pytest.mark.parametrize("version", VERSIONS)
def test_nothing_is_missing_and_nothing_is_invented(version):
    assert list(differences(PRIVILEGES, version)) == []


def test_what_was_recorded_tells_something():
    """Else nothing could be missing."""
    assert {version: len(groups_of(version)) for version in VERSIONS} == dict(zip(VERSIONS, (0, 9, 9, 9), strict=True))
    for version in VERSIONS:
        answers = dict(answers_of(version))
        assert sum(answers.values()) >= 20, version
        assert sum(not is_taken for is_taken in answers.values()) >= 8, version


NEWER_THAN_RECORDED = {name for name, (_, _, since) in PRIVILEGES.items() if is_older(VERSIONS[-1], since)}


@pytest.mark.parametrize("name", sorted(PRIVILEGES.keys() - NEWER_THAN_RECORDED - {"All"}))
def test_a_mistake_in_the_catalogue_is_found(name):
    """A privilege that is left out, that has another level, or that is said to be older or newer than it is."""
    kind, level, since = PRIVILEGES[name]
    mistakes = [{other: row for other, row in PRIVILEGES.items() if other != name}]
    mistakes += [PRIVILEGES | {name: (kind, other, since)} for other in LEVELS if other != level]
    mistakes += [PRIVILEGES | {name: (kind, level, "3.0.1")}]
    mistakes += [PRIVILEGES | {name: (kind, level, "")}] if since else []
    mistakes += [
        PRIVILEGES | {name: (other, level, since)} for other in (*RECORDED["2.3.5"].types, "Group") if other != kind
    ]
    for mistake in mistakes:
        assert any(line for version in VERSIONS for line in differences(mistake, version)), mistake.get(name)


def test_what_is_not_recorded_is_newer_than_all_that_is():
    assert {"SkipRLS", "ViewRLS", "ManageRLS", "ImportBinlog"} == NEWER_THAN_RECORDED


def test_the_usual_groups_are_those_of_2_5():
    assert {group: set(names) for group, names in catalog.USUAL_GROUPS.items()} == groups_of("2.5.24")


# --- against the protocol ---


@pytest.fixture(scope="module")
def protocol():
    """Privilege -> the object types that pymilvus's requests ask for it on; and request -> privilege."""
    from pymilvus.grpc_gen import common_pb2, milvus_pb2

    types, requests = {}, {}
    for message in milvus_pb2.DESCRIPTOR.message_types_by_name.values():
        if message.GetOptions().HasExtension(common_pb2.privilege_ext_obj):
            option = message.GetOptions().Extensions[common_pb2.privilege_ext_obj]
            name = common_pb2.ObjectPrivilege.Name(option.object_privilege).removeprefix("Privilege")
            if "RowPolic" not in message.name:  # which no server has, and which ask for something else since
                types.setdefault(name, set()).add(common_pb2.ObjectType.Name(option.object_type))
            requests[message.name] = name
    values = {name.removeprefix("Privilege").removeprefix("Group") for name in dict(common_pb2.ObjectPrivilege.items())}
    return types, requests, values


def test_the_catalogue_is_what_the_protocol_generates():
    """Who changes the tables, or takes a newer pymilvus, runs `make catalogue`."""
    assert regenerate_privileges.generate() == regenerate_privileges.TARGET.read_text(encoding="utf-8"), (
        "privileges.py is out of date: run `make catalogue` and commit it"
    )


def test_each_privilege_of_the_protocol_is_there_and_of_its_type(protocol):
    types, _, values = protocol
    assert {name: {PRIVILEGES[name][0]} for name in types} == types
    assert values == PRIVILEGES.keys() - regenerate_privileges.BEYOND.keys() | REPLACED_GROUPS.keys()


def test_each_call_of_ours_needs_what_the_protocol_says(protocol):
    """But for ListDatabases, which newer servers answer to everybody."""
    _, requests, _ = protocol
    said = {name: rpc.privilege for name, rpc in wire.METHODS.items() if rpc.privilege and name != "ListDatabases"}
    assert said == {name: requests[wire.METHODS[name].request] for name in said}


def test_each_line_of_the_tables_is_needed(protocol):
    """What the protocol says by now is no longer said by hand."""
    types, _, values = protocol
    assert not types.keys() & regenerate_privileges.TYPES.keys()
    assert not values & regenerate_privileges.BEYOND.keys()


# What is said of a protocol with a name more, or one less.
@pytest.mark.parametrize(
    ("more", "lost", "says"),
    [
        ({"Unsaid": set()}, "", "of what type Unsaid is"),
        ({"Unsaid": {"Global", "Collection"}}, "", "of what type Unsaid is"),
        ({"All": {"Global"}}, "", "only if the protocol doesn't"),
        ({"Expr": {"Global"}}, "", "drop them from BEYOND"),
        ({}, "AddFileResource", "SINCE has what is no privilege.*'AddFileResource'"),
        ({}, "CreateAlias", "LEVELS has what is nothing Global.*'CreateAlias'"),
    ],
)
def test_what_the_protocol_leaves_open_is_not_guessed(more, lost, says):
    names, types, _ = regenerate_privileges.read_protocol()
    with pytest.raises(ValueError, match=says):
        regenerate_privileges.make_table([*{*names, *more} - {lost}], {**types, **more})


def test_other_names_are_no_privileges_and_lead_to_some():
    assert not OTHER_NAMES.keys() & PRIVILEGES.keys()
    assert PRIVILEGES.keys() >= {*OTHER_NAMES.values(), *REPLACED_GROUPS.values()}
