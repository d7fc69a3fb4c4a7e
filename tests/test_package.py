"""What is installed is what was built from the source distribution, and holds what it should."""

import csv
import hashlib
import io
import re
import subprocess
import sys
import tarfile
import zipfile
from base64 import urlsafe_b64encode
from importlib.metadata import distribution, version
from pathlib import Path

import pytest

import milvus_magics

# `make quick` leaves these out: it tries the tree, without building anything.
pytestmark = pytest.mark.wheel

ROOT = Path(__file__).parent.parent
BUILT = ROOT / "build" / "dist"
LEFT_OUT = {".ci/run", ".pre-commit-config.yaml"}  # only a clone needs them
OURS = {
    path.relative_to(ROOT).as_posix()
    for path in (ROOT / "milvus_magics").rglob("*")
    if path.is_file() and "__pycache__" not in path.parts
}


@pytest.fixture(scope="module")
def wheel():
    (path,) = BUILT.glob("*.whl")
    with zipfile.ZipFile(path) as opened:
        yield opened


@pytest.fixture(scope="module")
def sdist():
    (path,) = BUILT.glob("*.tar.gz")
    with tarfile.open(path) as opened:
        top = opened.getnames()[0].partition("/")[0]
        files = [member for member in opened.getmembers() if member.isfile()]
        yield {member.name.removeprefix(f"{top}/"): opened.extractfile(member).read() for member in files}


def test_it_is_the_wheel_that_is_tested(wheel):
    """Not the tree: a file that the wheel lacks would be missed by users only."""
    at = Path(milvus_magics.__file__).parent
    assert at.parent.name == "site-packages", "the tree is tested: run `make test`, or pytest from somewhere else"
    for name, digest, _ in csv.reader(io.StringIO(wheel.read(record_of(wheel)).decode())):
        if name.startswith("milvus_magics/"):
            found = hashlib.sha256((at.parent / name).read_bytes()).digest()
            assert digest == "sha256=" + urlsafe_b64encode(found).decode().rstrip("="), f"{name} is another one"


def test_other_processes_get_the_wheel_too(tmp_path):
    """As the kernels that tests start."""
    code = "import milvus_magics; print(milvus_magics.__file__)"
    where = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert where.stdout.strip() == milvus_magics.__file__


def test_the_wheel_holds_the_package_and_nothing_else(wheel):
    """With the descriptor set, the style sheets and the mark of typed packages."""
    names = set(wheel.namelist())
    extra = {name for name in names if re.match(r"milvus_magics-[^/]*\.dist-info/", name)}
    assert names - extra == OURS
    styles = {f"milvus_magics/display/{name}.css" for name in ("matrix", "panel", "tables")}
    assert {"milvus_magics/py.typed", "milvus_magics/wire/descriptors.binpb", *styles} <= names
    assert {name.partition("/")[2] for name in extra} == {"METADATA", "WHEEL", "RECORD", "licenses/LICENSE"}
    for name in OURS:
        assert wheel.read(name) == (ROOT / name).read_bytes(), f"{name}: run `make test`, which builds it anew"


def test_the_source_distribution_holds_what_is_kept(sdist):
    """Everything that is in the repository, and nothing that was generated."""
    kept = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(sdist) - {"PKG-INFO"} == set(kept.stdout.split()) - LEFT_OUT


def test_metadata():
    """What an index shows, and what is installed beside it."""
    found = distribution("milvus-magics")
    assert found.version == milvus_magics.__version__
    assert found.metadata.get("License-Expression") == "Apache-2.0"
    assert found.metadata["Requires-Python"] == ">=3.10"
    needed = {re.split(r"[^\w-]", line)[0] for line in found.requires if "extra ==" not in line}
    assert needed == {"ipython", "ipywidgets", "grpcio", "protobuf", "greenlet", "tqdm", "anywidget"}


def test_licences_are_listed():
    """Each package that is installed with ours has a row, with the licence that it says itself."""
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([\w-]+)` \|.*\| ([^|]+) \|$", text, re.MULTILINE))
    needed = {re.split(r"[^\w-]", line)[0].lower() for line in distribution("milvus-magics").requires}
    assert set(rows) == needed
    for name, licence in rows.items():
        metadata = distribution(name).metadata
        classifiers = " ".join(metadata.get_all("Classifier") or [])
        said = f"{metadata.get('License-Expression')} {(metadata.get('License') or '')[:60]} {classifiers}"
        for one in licence.split(" AND "):
            family = one.partition("-")[0]
            assert family in said, f"{name} {version(name)} says {said}"


def record_of(wheel):
    return next(name for name in wheel.namelist() if name.endswith(".dist-info/RECORD"))
