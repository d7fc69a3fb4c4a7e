"""What is written about the servers on which the tests ran holds, and the files for others fit to it."""

import re
from pathlib import Path

import yaml
from conformance import page
from conformance.__main__ import is_good
from conformance.expected import TRAITS, has, number_of
from contract.versions import RECORDED

TESTS = Path(__file__).parent
ROOT = TESTS.parent
DOCUMENT = (ROOT / "docs" / "servers.md").read_text(encoding="utf-8")
EMPTY = "\n".join(["before", "", page.BEGIN, page.END, "", *page.WORDS, "after", ""])


def row(server, authorization="on", passed="3 of 3", different=page.SAME):
    return page.Row(server, authorization, "2026-01-31", passed, different)


def test_a_row_is_added_or_replaced_and_others_stay():
    """There is one for each server and authorization; real servers come first."""
    text = EMPTY
    for one in (row("imitation of 2.6.18"), row("Milvus v2.3.5"), row("Milvus v2.3.5", "off", different="a | b")):
        text = page.with_row(text, one)
    again = row("Milvus v2.3.5", passed="2 of 3; FAILED: test_x")
    text = page.with_row(text, again)
    assert page.rows_of(text) == [again, row("Milvus v2.3.5", "off", different="a | b"), row("imitation of 2.6.18")]
    assert page.with_row(text, again) == text
    assert text.startswith("before\n\n<!--")
    assert text.endswith("-->\nafter\n")


def test_versions_are_read_as_servers_write_them():
    """Also where they have no number; and each trait begins somewhere."""
    assert [number_of(text) for text in ("v2.3.5-lite", "2.6", "3.0.0-beta")] == [(2, 3, 5), (2, 6, 0), (3, 0, 0)]
    for name, trait in TRAITS.items():
        assert has(name, number_of("master-20260701-1a2b3c"), True)
        assert has(name, (2, 3, 5), False) is False
        assert not trait.since or has(name, trait.since, False)


def test_every_trait_is_looked_at():
    """Those that tests ask for are those that there are."""
    sources = [path.read_text(encoding="utf-8") for path in (TESTS / "conformance").glob("test_*.py")]
    assert {name for source in sources for name in re.findall(r'on\.has\("([^"]+)"\)', source)} == TRAITS.keys()


def test_the_page_has_the_rows_of_what_can_be_run_here():
    """The real server and the imitation of each version, with authorization on and off, all passed."""
    rows = page.rows_of(DOCUMENT)
    wanted = {f"imitation of {version}, answers as recorded" for version in RECORDED}
    wanted |= {"Milvus v2.3.5-lite, standalone"}
    assert {one.key for one in rows} >= {(name, state) for name in wanted for state in ("on", "off")}
    assert all(is_good(one) for one in rows)
    assert page.with_row(DOCUMENT, rows[0]) == DOCUMENT, "its words mean what expected.py says"


def test_images_are_those_of_the_documents():
    """The workflow runs the versions that are named, by files that there are; each says how to make a cluster of it."""
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "servers.yml").read_text(encoding="utf-8"))
    job = workflow["jobs"]["conformance"]
    versions = job["strategy"]["matrix"]["version"]
    said = re.search(r"official images of (.*?),\nstandalone", DOCUMENT, re.DOTALL)[1]
    assert re.findall(r"\d+\.\d+\.\d+", said) == versions
    assert [version.rpartition(".")[0] for version in versions[:4]] == ["2.3", "2.4", "2.5", "2.6"]
    profiles = {one["version"]: one["profile"] for one in job["strategy"]["matrix"]["include"]}
    assert profiles == {version: "from-2.6" if number_of(version) >= (2, 6) else "before-2.6" for version in versions}
    compose, cluster = (yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))
                        for name in re.findall(r"tests/servers/[\w-]+\.yml", job["env"]["COMPOSE_FILE"]))  # fmt: skip
    services = compose["services"] | cluster["services"]
    assert services.keys() >= {"etcd", "minio", "pulsar", "milvus", "coordinators", "datanode", "querynode"}
    assert {one for service in services.values() for one in service.get("profiles", ())} == set(profiles.values())
    for service in services.values():
        assert service.get("depends_on", {}).keys() <= services.keys()
    assert {name for name in services if "milvus" in services[name]["image"]} == {
        "milvus", "coordinators", "datanode", "querynode", "indexnode", "streamingnode",
    }  # fmt: skip
    assert services["coordinators"]["command"][1:] == [
        "run", "mixture", "-rootcoord", "-querycoord", "-datacoord", "-indexcoord",
    ], "no version before 2.6 is known to have the role `mixcoord`"  # fmt: skip
