"""Coverage-guided fuzzing: `python fuzz.py SECONDS [TARGET]`; exit code 1 where a property broke.

The corpus stays in build/corpus, so the next time goes on from there; what broke a property, in build/crashes.
"""

import random
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
BUILD = HERE.parents[1] / "build"
SECONDS_AN_INPUT = 25  # longer is a hang
# Hypothesis makes whole examples only from enough bytes; libFuzzer alone begins with hardly any.
BYTES, SEEDS = 1024, 50


class Outcome(NamedTuple):
    """What came of a target."""

    runs: int
    seconds: float
    crashes: int
    log: str


def targets():
    """Their names."""
    listed = subprocess.run([sys.executable, HERE / "target.py", "--list"], capture_output=True, text=True, check=True)
    return listed.stdout.split()


def fuzz(name, seconds):
    """Feed one target for some time."""
    corpus, crashes = BUILD / "corpus" / name, BUILD / "crashes" / name
    corpus.mkdir(parents=True, exist_ok=True)
    crashes.mkdir(parents=True, exist_ok=True)
    if not any(corpus.iterdir()):
        for number in range(SEEDS):
            (corpus / f"seed{number}").write_bytes(random.Random(number).randbytes(BYTES // 2))
    before, began = set(crashes.iterdir()), time.monotonic()
    ended = subprocess.run(
        [
            sys.executable, HERE / "target.py", name, corpus, f"-artifact_prefix={crashes}/",
            f"-max_total_time={seconds}", f"-timeout={SECONDS_AN_INPUT}", f"-max_len={BYTES}", "-len_control=0",
            "-print_final_stats=1",
        ],
        cwd=BUILD, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
    )  # fmt: skip
    runs = re.search(r"stat::number_of_executed_units:\s*(\d+)", ended.stdout)
    found = len(set(crashes.iterdir()) - before)
    crashed = max(found, 1) if ended.returncode else 0
    return Outcome(int(runs[1]) if runs else 0, time.monotonic() - began, crashed, ended.stdout)


def main(seconds, *names):
    """Feed the targets, one after another, and say whether all is well."""
    known = targets()
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"there is no target {unknown[0]}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    crashes = 0
    for name in names or known:
        outcome = fuzz(name, int(seconds))
        crashes += outcome.crashes
        print(f"{name}: {outcome.runs:,} runs, {outcome.seconds:.0f} s, {outcome.crashes} crashes", flush=True)
        if outcome.crashes or not outcome.runs:
            print(outcome.log[-6000:], flush=True)
            crashes += not outcome.runs and not outcome.crashes
    return 1 if crashes else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
