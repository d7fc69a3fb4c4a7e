"""Four kernels work on one server for long: `python soak.py MINUTES REPORT.md`, with a plot of memory beside it."""

import collections
import contextlib
import json
import re
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from kernels import CONNECT, Kernel, root_password  # noqa: E402

from milvus_magics import embedded  # noqa: E402

KERNELS = 4
SECONDS_A_CELL = 5
LIMITS = {"PROXY_MAXUSERNUM": "1000", "PROXY_MAXROLENUM": "100"}
START = """import json, sys
sys.path.insert(0, {here!r})
from worker import Worker
worker = Worker({prefix!r}, {seed})"""
# The audit keeps an entry of each change, of about half a KiB, and gRPC and the allocator their pools.
MOST_KIB_AN_OPERATION = 2
MOST_MIB_BESIDES = 8


class Sample(NamedTuple):
    """What a kernel held: seconds since the start, operations until then, MiB, threads, descriptors."""

    seconds: float
    operations: int
    mib: float
    threads: int
    descriptors: int


class Run:
    """One kernel's work.

    Attributes:
        done: operation -> how often.
        wrong: what did not come as it should have, as text.
        samples: what it held, after each cell.
    """

    def __init__(self, server, home, number, seed):
        self.done, self.wrong, self.samples = collections.Counter(), [], []
        self._kernel = Kernel(home, TEST_URI=server.uri, TEST_ROOT=root_password(server))
        self._must(CONNECT)
        self._must(START.format(here=str(HERE), prefix=f"k{number}", seed=seed + number))

    def work(self, began, until):
        """Cell after cell, until then."""
        while time.monotonic() < until:
            seconds = max(min(SECONDS_A_CELL, until - time.monotonic()), 0.1)
            found = json.loads(self._must(f"print(json.dumps(worker.work({seconds})))"))
            self.done.update(found["done"])
            self.wrong += found["wrong"]
            self.samples.append(self._sample(time.monotonic() - began))

    def close(self):
        self._kernel.close()

    def _must(self, code):
        answer = self._kernel.run(code)
        assert not answer.error, answer.text()
        return answer.text().strip()

    def _sample(self, seconds):
        process = Path(f"/proc/{self._kernel.manager.provisioner.pid}")
        status = (process / "status").read_text()
        mib, threads = (int(re.search(rf"{name}:\s+(\d+)", status)[1]) for name in ("VmRSS", "Threads"))
        descriptors = len(list((process / "fd").iterdir()))
        return Sample(seconds, self.done.total(), mib / 1024, threads, descriptors)

    @property
    def growth(self):
        """MiB, from the end of the first fifth, when everything was imported, to the last tenth."""
        warm = self.samples[len(self.samples) // 5]
        last = self.samples[-max(len(self.samples) // 10, 1) :]
        return statistics.median(sample.mib for sample in last) - warm.mib

    @property
    def is_flat(self):
        """Whether no more was kept than the audit's entries, and no thread and no descriptor."""
        warm, last = self.samples[len(self.samples) // 5], self.samples[-1]
        most = MOST_MIB_BESIDES + MOST_KIB_AN_OPERATION * (last.operations - warm.operations) / 1024
        return self.growth < most and last.threads <= warm.threads + 4 and last.descriptors <= warm.descriptors + 4


def soak(minutes, seed=0):
    """Let the kernels work; their runs."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(embedded.start(tcp_port=0, settings=LIMITS))
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        runs = []
        for number in range(KERNELS):
            runs.append(Run(server, home / str(number), number, seed))
            stack.callback(runs[-1].close)
        began = time.monotonic()
        threads = [threading.Thread(target=run.work, args=(began, began + minutes * 60)) for run in runs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return runs


def report(runs, minutes, plot):
    """As Markdown."""
    done = sum((run.done for run in runs), collections.Counter())
    wrong = [text for run in runs for text in run.wrong]
    rows = [
        f"| {number} | {run.samples[-1].operations:,} | {run.samples[0].mib:.0f} | {run.samples[-1].mib:.0f} | "
        f"{run.growth:+.1f} | {run.samples[0].threads} to {run.samples[-1].threads} | "
        f"{run.samples[0].descriptors} to {run.samples[-1].descriptors} | {'yes' if run.is_flat else 'NO'} |"
        for number, run in enumerate(runs)
    ]
    return "\n".join([
        "# Soak", "",
        f"{len(runs)} kernels, one server, {minutes:g} minutes, {done.total():,} operations, {len(wrong)} that went "
        "wrong.", "",
        "| kernel | operations | MiB at first | at last | growth when warm | threads | descriptors | flat |",
        "|---|---:|---:|---:|---:|---:|---:|---|", *rows, "",
        f"![Memory over time]({plot.name})", "",
        "| operation | times |", "|---|---:|",
        *(f"| {name.replace('_', ' ')} | {count:,} |" for name, count in sorted(done.items())), "",
        *(f"- {text}" for text in wrong[:50]), "",
    ])  # fmt: skip


def draw(runs, path):
    """Memory over time, as SVG."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "milvus_magics", "font.family": "sans-serif"})
    from matplotlib import pyplot

    figure, panel = pyplot.subplots(figsize=(9, 4))
    for number, (run, line) in enumerate(zip(runs, ("-", "--", "-.", ":"), strict=True)):
        panel.plot(
            [sample.seconds / 60 for sample in run.samples], [sample.mib for sample in run.samples],
            line, label=f"kernel {number}",
        )  # fmt: skip
    panel.set_ylim(bottom=0)
    panel.set_xlabel("minutes")
    panel.set_ylabel("MiB resident")
    panel.grid(visible=True, alpha=0.3)
    panel.legend(frameon=False, loc="lower right")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def main(minutes, target):
    """Run, write, and say whether all is well."""
    runs = soak(minutes, seed=int(time.time()))
    plot = target.with_suffix(".svg")
    draw(runs, plot)
    text = report(runs, minutes, plot)
    target.write_text(text, encoding="utf-8")
    print(text)
    return 0 if all(run.is_flat and not run.wrong for run in runs) else 1


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), Path(sys.argv[2])))
