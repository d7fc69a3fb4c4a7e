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
# The audit keeps an entry of each change, and gRPC and the allocator their pools.
MOST_KIB_AN_ENTRY = 0.6
MOST_MIB_BESIDES = 8
MOST_MORE = 4  # threads, descriptors


class Sample(NamedTuple):
    """What a kernel held: seconds since the start, operations until then, entries of the audit, MiB, threads, ..."""

    seconds: float
    operations: int
    entries: int
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
        try:
            self._must(CONNECT)
            self._must(START.format(here=str(HERE), prefix=f"k{number}", seed=seed + number))
        except BaseException:
            self.close()
            raise

    def work(self, began, until, stop):
        """Cell after cell, until then or until `stop` is set; that it ends early is wrong, too."""
        try:
            while time.monotonic() < until and not stop.is_set():
                seconds = max(min(SECONDS_A_CELL, until - time.monotonic()), 0.1)
                said = self._must(f"print(json.dumps(worker.work({seconds})))")
                found = json.loads(said.splitlines()[-1])  # before it stands what each change says
                self.done.update(found["done"])
                self.wrong += found["wrong"]
                self.samples.append(self._sample(time.monotonic() - began, found["entries"]))
        except Exception as exc:  # in a thread, where nobody else would hear of it
            self.wrong.append(f"the kernel ended: {type(exc).__name__}: {exc}")

    def close(self):
        self._kernel.close()

    def _must(self, code):
        answer = self._kernel.run(code)
        # Without its traceback, whose frames may hold more than an error of ours does.
        assert not answer.error, f"{answer.error['ename']}: {answer.error['evalue']}"
        return answer.text().strip()

    def _sample(self, seconds, entries):
        process = Path(f"/proc/{self._kernel.manager.provisioner.pid}")
        status = (process / "status").read_text()
        mib, threads = (int(re.search(rf"{name}:\s+(\d+)", status)[1]) for name in ("VmRSS", "Threads"))
        descriptors = len(list((process / "fd").iterdir()))
        return Sample(seconds, self.done.total(), entries, mib / 1024, threads, descriptors)

    @property
    def warm(self):
        """The sample after the first fifth, when everything was imported."""
        return self.samples[len(self.samples) // 5]

    @property
    def growth(self):
        """MiB, from the end of the first fifth to the last tenth."""
        last = self.samples[-max(len(self.samples) // 10, 1) :]
        return statistics.median(sample.mib for sample in last) - self.warm.mib

    @property
    def mib_an_hour(self):
        """By a line through the second half; of few samples it says nothing."""
        half = self.samples[len(self.samples) // 2 :]
        if len(half) < 3:
            return 0.0
        line = statistics.linear_regression([sample.seconds for sample in half], [sample.mib for sample in half])
        return line.slope * 3600

    @property
    def is_flat(self):
        """Whether no more was kept than the audit's entries, and no thread and no descriptor."""
        if not self.samples:
            return False
        warm, last = self.warm, self.samples[-1]
        most = MOST_MIB_BESIDES + MOST_KIB_AN_ENTRY * (last.entries - warm.entries) / 1024
        return (
            self.growth < most
            and last.threads <= warm.threads + MOST_MORE
            and (last.descriptors <= warm.descriptors + MOST_MORE)
        )


def soak(minutes, seed=0):
    """Let the kernels work; their runs."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(embedded.start(tcp_port=0, settings=LIMITS))
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        runs = []
        for number in range(KERNELS):
            runs.append(Run(server, home / str(number), number, seed))
            stack.callback(runs[-1].close)
        began, stop = time.monotonic(), threading.Event()
        threads = [threading.Thread(target=run.work, args=(began, began + minutes * 60, stop)) for run in runs]
        # On Ctrl-C each kernel finishes its cell before it is closed.
        stack.callback(lambda: [thread.join() for thread in threads if thread.ident])
        stack.callback(stop.set)
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return runs


def report(runs, minutes, plot):
    """As Markdown."""
    done = sum((run.done for run in runs), collections.Counter())
    wrong = [text for run in runs for text in run.wrong]
    wrong_by_kind = collections.Counter(text.partition(":")[0].removeprefix("do_") for text in wrong)
    rows = [_row(number, run) for number, run in enumerate(runs)]
    return "\n".join([
        "# Soak", "",
        f"{len(runs)} kernels, one server, {minutes:g} minutes, {done.total():,} operations, {len(wrong)} that went "
        "wrong.", "",
        "| kernel | operations | entries | MiB at first | warm | at last | growth when warm | MiB/h | threads | "
        "descriptors | flat |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|", *rows, "",
        f"Warm is after a fifth of the time. Flat: from then on at most {MOST_MIB_BESIDES} MiB more, and "
        f"{MOST_KIB_AN_ENTRY} KiB for each entry of the audit; at most {MOST_MORE} more threads and "
        f"{MOST_MORE} more descriptors. MiB/h: a line through the second half.", "",
        f"![Memory over time]({plot.name})", "",
        "| operation | times | wrong |", "|---|---:|---:|",
        *(f"| {name.replace('_', ' ')} | {count:,} | {wrong_by_kind[name]} |" for name, count in sorted(done.items())),
        "",
        *(f"- {text}" for text in wrong[:50]), "",
    ])  # fmt: skip


def _row(number, run):
    if not run.samples:
        return f"| {number} | 0 |  |  |  |  |  |  |  |  | NO |"
    first, last = run.samples[0], run.samples[-1]
    return (
        f"| {number} | {last.operations:,} | {last.entries:,} "
        f"| {first.mib:.0f} | {run.warm.mib:.0f} | {last.mib:.0f} | {run.growth:+.1f} "
        f"| {run.mib_an_hour:+.1f} | {first.threads} to {last.threads} | {first.descriptors} to {last.descriptors} "
        f"| {'yes' if run.is_flat else 'NO'} |"
    )


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
    try:
        sys.exit(main(float(sys.argv[1]), Path(sys.argv[2])))
    except KeyboardInterrupt:
        sys.exit(130)
