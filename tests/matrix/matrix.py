"""The wheel with old and new versions of what it stands on: `python matrix.py WHEEL TABLE.md [NAME ...]`.

Each environment is made anew, gets the wheel and never sees the tree. The tests start their own Milvus. With names,
only those are tried; the table is written once all have passed with the same wheel.
"""

import concurrent.futures
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
TREE = HERE.parents[1]
WORK = TREE / "build" / "matrix"
BEGIN, END = "<!-- versions: written by `make matrix` -->", "<!-- end of versions -->"
AT_A_TIME = 3  # they mostly wait for a server
MINUTES = 15

# What the tests need themselves, and the extras; versions as new as they come.
TOOLS = ["pytest>=8", "hypothesis>=6.100", "cryptography>=42", "pexpect>=4.8", "ipykernel", "jupyter_client"]
EXTRAS = "bcrypt,embedded,keyring,pandas"
SHOWN = ["ipython", "ipykernel", "ipywidgets", "protobuf", "grpcio"]

OURS = """test_address test_arguments test_at_once test_connection test_display test_grpc_process test_layers test_names
test_pipeline test_private_file test_secret test_tls test_wire live/test_audit live/test_completion live/test_console
live/test_forks live/test_forms live/test_kernel_forms live/test_magics live/test_role_magics""".split()
BESIDE = """live/test_beside_pymilvus live/test_session live/test_roles live/test_undo live/test_magics
live/test_kernel_forms""".split()


class Environment(NamedTuple):
    """A Python and what is installed in it.

    Attributes:
        name: of its directory, and for the command line.
        python: as `3.11`.
        pins: requirements besides the wheel's own.
        implementation: of protobuf, `upb` or `python`.
        tests: files.
    """

    name: str
    python: str
    pins: tuple[str, ...] = ()
    implementation: str = "upb"
    tests: tuple[str, ...] = tuple(OURS)

    @property
    def beside(self):
        """The version of pymilvus in the same process, as text; empty where there is none."""
        return next((pin.partition("==")[2].removesuffix(".*") for pin in self.pins if "pymilvus" in pin), "")


class Outcome(NamedTuple):
    """What came of one environment.

    Attributes:
        versions: package -> version, as installed.
        passed, failed, skipped: numbers of tests.
        problem: why there are none; empty where there are.
    """

    environment: Environment
    versions: dict
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    problem: str = ""

    @property
    def is_good(self):
        """Whether tests ran, and all of them passed."""
        return bool(self.passed) and not (self.failed or self.skipped or self.problem)


def floors():
    """The lowest version of each dependency and extra that pyproject.toml allows, as pins."""
    text = (TREE / "pyproject.toml").read_text(encoding="utf-8")
    runtime = text[text.index("dependencies = [") : text.index("[dependency-groups]")]
    return [f"{name}=={floor}.*" for name, floor in re.findall(r'"([a-z]+)>=([\d.]+)', runtime)]


def environments():
    """All of them, from the oldest to the newest."""
    # pandas 1.5 was built for NumPy 1. Kernels are the front end's, so their floor is Colab's.
    oldest = (*floors(), "numpy<2", "ipykernel==6.17.1")
    colab = ("ipython==7.34.*", "ipykernel==6.17.1", "ipywidgets==7.7.1", "protobuf==5.*")
    # pymilvus 2.4 takes its version from pkg_resources, which newer setuptools lacks.
    old_pymilvus = ("pymilvus==2.4.*", "setuptools<80")
    beside = tuple(BESIDE)
    return [
        Environment("floors", "3.10", oldest),
        Environment("floors-python", "3.10", oldest, "python"),
        Environment("colab", "3.12", colab),
        Environment("middle", "3.11", ("ipython==8.*", "ipykernel==6.*", "ipywidgets==8.0.*", "protobuf==5.*")),
        Environment(
            "middle-python", "3.13", ("ipython==8.*", "ipykernel==6.*", "ipywidgets==8.0.*", "protobuf==6.*"), "python"
        ),
        Environment("newest-10", "3.10", ("protobuf==7.*",)),
        Environment("newest-11", "3.11", ("protobuf==7.*",)),
        Environment("newest-12", "3.12", ("ipython==9.*", "ipykernel==7.*", "protobuf==7.*"), "python"),
        Environment("newest-13", "3.13", ("ipython==9.*", "ipykernel==7.*", "protobuf==7.*")),
        Environment("pymilvus-2.4-old", "3.10", (*old_pymilvus, "protobuf==4.25.*"), tests=beside),
        Environment("pymilvus-2.4", "3.12", (*old_pymilvus, "protobuf==5.*"), tests=beside),
        Environment("pymilvus-2.6", "3.11", ("pymilvus==2.6.*", "protobuf==5.*"), tests=beside),
        Environment("pymilvus-2.6-new", "3.13", ("pymilvus==2.6.*", "protobuf==6.*"), tests=beside),
        Environment("pymilvus-3.0-old", "3.10", ("pymilvus==3.0.*", "protobuf==6.*"), tests=beside),
        Environment("pymilvus-3.0", "3.13", ("pymilvus==3.0.*", "protobuf==7.*"), tests=beside),
    ]


def pythons():
    """Minor version -> an interpreter that really starts: what pyenv puts on the PATH may only say that it can't."""
    found = {}
    names = [f"python3.{minor}" for minor in range(10, 20)]
    candidates = [sys.executable, *filter(None, map(shutil.which, names))]
    candidates += sorted(str(path) for path in Path("~/.pyenv/versions").expanduser().glob("3.*/bin/python"))
    candidates += sorted(str(path) for path in Path("~/.local/share/uv/python").expanduser().glob("*/bin/python3"))
    for candidate in candidates:
        command = [candidate, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        started = subprocess.run(command, capture_output=True, text=True)
        if started.returncode == 0:
            found.setdefault(started.stdout.strip(), candidate)
    return found


def attempt(environment, python, wheel):
    """Make it, test in it."""
    place = WORK / environment.name
    log = place / "log.txt"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    inside = place / "venv" / "bin" / "python"
    uv = [sys.executable, "-m", "uv", "--quiet"]
    try:
        run([*uv, "venv", "--python", python, place / "venv"], log)
        run([*uv, "pip", "install", "--python", inside, f"{wheel}[{EXTRAS}]", *TOOLS, *environment.pins], log)
    except subprocess.CalledProcessError:
        return Outcome(environment, {}, problem=f"not installed: see {log.relative_to(TREE)}")
    files = [f"../tests/{name}.py" for name in environment.tests]
    # The descriptor set is made anew, and compared with pymilvus's, where the newest of both are: in `make test`.
    leave_out = "not committed_descriptors and not protoc" + ("" if environment.beside else " and not pymilvus")
    options = ["-q", "-c", "../pyproject.toml", "-p", "no:cacheprovider", "-k", leave_out, "--junitxml", "junit.xml"]
    variables = {"PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": environment.implementation}
    try:
        run([inside, "-m", "pytest", *options, *files], log, cwd=place, env={**os.environ, **variables}, check=False)
    except subprocess.TimeoutExpired:
        return Outcome(environment, versions(inside), problem=f"no end within {MINUTES} minutes")
    return outcome_of(environment)


def outcome_of(environment):
    """What came of it last."""
    place = WORK / environment.name
    return Outcome(environment, versions(place / "venv" / "bin" / "python"), *counts(place / "junit.xml"))


def is_tried(environment, wheel):
    """Whether the tests ended there with this very wheel."""
    junit = WORK / environment.name / "junit.xml"
    return junit.exists() and junit.stat().st_mtime > wheel.stat().st_mtime


def run(command, log, check=True, **options):
    """Run it, with what it says in the log."""
    with log.open("a") as stream:
        subprocess.run(command, stdout=stream, stderr=stream, check=check, timeout=MINUTES * 60, **options)


def counts(junit):
    """How many tests passed, failed and were skipped, and what is wrong where there is no telling."""
    if not junit.exists():
        return 0, 0, 0, "the tests did not end"
    suite = ElementTree.parse(junit).getroot().find("testsuite")
    tests, failures, errors, skipped = (int(suite.get(key)) for key in ("tests", "failures", "errors", "skipped"))
    return tests - failures - errors - skipped, failures + errors, skipped, ""


def versions(python):
    """Package -> version."""
    code = "import importlib.metadata as m; [print(d.metadata['Name'].lower(), d.version) for d in m.distributions()]"
    listed = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout
    return dict(line.split() for line in listed.splitlines())


def table(outcomes):
    """As Markdown."""
    rows = ["| Python | IPython | ipykernel | ipywidgets | protobuf | grpcio | beside | tests |"]
    rows += ["|---|---|---|---|---|---|---|---|"]
    for outcome in outcomes:
        environment = outcome.environment
        cells = [outcome.versions.get(name, "–") for name in SHOWN]
        cells[SHOWN.index("protobuf")] += "" if environment.implementation == "upb" else ", pure Python"
        beside = f"pymilvus {outcome.versions.get('pymilvus', environment.beside)}" if environment.beside else "–"
        rows.append(f"| {' | '.join([environment.python, *cells, beside, result(outcome)])} |")
    return "\n".join(rows)


def result(outcome):
    """What came of the tests, in words."""
    if outcome.problem:
        return outcome.problem
    said = [f"{outcome.passed} passed"]
    said += [
        f"{number} {word}" for number, word in ((outcome.failed, "FAILED"), (outcome.skipped, "SKIPPED")) if number
    ]
    return ", ".join(said)


def main(wheel, target, names):
    """Try all of them, or those that are named; the table goes into the file when all are good."""
    # A shell starts what runs in its background with interrupts ignored, and so would all tests of them.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    known = environments()
    chosen = [each for each in known if not names or each.name in names]
    WORK.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(WORK / "tests", ignore_errors=True)
    shutil.copytree(TREE / "tests", WORK / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(TREE / "pyproject.toml", WORK)
    here = pythons()
    began = time.monotonic()

    def one(environment):
        if environment.python not in here:
            return Outcome(environment, {}, problem=f"no Python {environment.python} on this machine")
        outcome = attempt(environment, here[environment.python], wheel)
        print(f"{time.monotonic() - began:5.0f} s  {environment.name}: {result(outcome)}", flush=True)
        return outcome

    with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
        outcomes = {outcome.environment: outcome for outcome in pool.map(one, chosen)}
    outcomes |= {each: outcome_of(each) for each in known if each not in outcomes and is_tried(each, wheel)}
    text = table([outcomes[each] for each in known if each in outcomes])
    print(text)
    bad = [each.name for each in known if each in outcomes and not outcomes[each].is_good]
    if bad:
        sys.exit(f"not good: {', '.join(bad)}; {target} is as it was")
    if len(outcomes) == len(known):
        page = target.read_text(encoding="utf-8")
        before, after = page[: page.index(BEGIN)], page[page.index(END) :]
        target.write_text(f"{before}{BEGIN}\n{text}\n{after}", encoding="utf-8")
        print(f"written into {target}")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]), sys.argv[3:])
