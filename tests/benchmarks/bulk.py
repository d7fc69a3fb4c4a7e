"""Many users at once, in the same run: ours, pymilvus in its two ways, and gRPC alone as the limit."""

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from milvus_magics import embedded

HERE = Path(__file__).parent
OPERATIONS = {
    "create": "create",
    "list": "list with roles",
    "delete": "delete, password checked",
    "drop": "delete, unchecked",
}
CHANGES = ("create", "delete", "drop")
# size -> how many alternating runs the medians are of; one user alone is repeated within a run, too
ROUNDS = {1: 5, 100: 5, 1000: 5, 5000: 3, 10_000: 1}
WINDOWS = (4, 8, 16, 32, 64, 128)
THREADS = (4, 8, 16, 32)
CALIBRATED_WITH = 1000
MOST_MIB = 60


def run(server, name, size, in_flight=None):
    """What one contender needs, in a process of its own: operation -> (seconds, MiB).

    `in_flight`: operation -> how many at once, where the contender has to be told.
    """
    environment = {**os.environ, "BENCH_PASSWORD": server.password.reveal()}
    command = [sys.executable, "-W", "ignore", HERE / "contenders.py", name, server.address, str(size)]
    command += [str(in_flight[operation]) for operation in CHANGES] if in_flight else []
    return json.loads(subprocess.check_output(command, env=environment))


def calibrated(server, name, sizes):
    """How many in flight are best: operation -> number, and all that was measured: number -> operation -> seconds."""
    found = {number: run(server, name, CALIBRATED_WITH, dict.fromkeys(CHANGES, number)) for number in sizes}
    best = {operation: min(sizes, key=lambda number: found[number][operation][0]) for operation in CHANGES}
    return best, found


class Measured:
    """All runs: (contender, size, operation) -> (seconds, MiB), a list over the rounds."""

    def __init__(self, server, rounds):
        self.windows, self.window_runs = calibrated(server, "bare", WINDOWS)
        self.threads, self.thread_runs = calibrated(server, "pymilvus", THREADS)
        self.runs = {}
        ways = {
            "ours": ("ours", None),
            "pymilvus, loop": ("pymilvus", dict.fromkeys(CHANGES, 1)),
            "pymilvus, threads": ("pymilvus", self.threads),
            "bare gRPC": ("bare", self.windows),
        }
        for size, count in rounds.items():
            for number in range(count):
                names = list(ways)
                for name in names[number % len(names) :] + names[: number % len(names)]:
                    self._add(server, size, name, *ways[name])

    def _add(self, server, size, name, program, in_flight):
        for operation, values in run(server, program, size, in_flight).items():
            self.runs.setdefault((name, size, operation), []).append(values)

    def seconds(self, name, size, operation):
        """Median over the rounds."""
        return statistics.median(run[0] for run in self.runs[name, size, operation])

    def mib(self, name, size, operation):
        """Median over the rounds."""
        return statistics.median(run[1] for run in self.runs[name, size, operation])

    @property
    def names(self):
        return list(dict.fromkeys(name for name, _, _ in self.runs))

    @property
    def sizes(self):
        return list(dict.fromkeys(size for _, size, _ in self.runs))


def measure(rounds=None):
    """Run everything."""
    with embedded.start(tcp_port=0, settings={"PROXY_MAXUSERNUM": "100000"}) as server:
        return Measured(server, rounds or ROUNDS)


def goals(measured, size=5000, most=10_000):
    """(what, figure, goal, whether it is reached) of what is promised."""
    rows = []
    for operation, against, goal in (
        ("delete", "pymilvus, loop", 4),
        ("drop", "bare gRPC", 1.3),
        ("create", "bare gRPC", 1.3),
    ):
        ours, other = (measured.seconds(name, size, operation) for name in ("ours", against))
        faster = against.startswith("pymilvus")
        ratio = other / ours if faster else ours / other
        text = f"ours {ours:.2f} s, {against} {other:.2f} s: " + (f"{ratio:.1f} x faster" if faster else f"{ratio:.2f}")
        goal_text = f"at least {goal} x faster" if faster else f"at most {goal}"
        rows.append((f"{OPERATIONS[operation]}: {size:,} users", text, goal_text, (ratio >= goal) is faster))
    peak = max(measured.mib("ours", most, operation) for operation in OPERATIONS)
    rows.append((f"memory for {most:,} users, above an empty Python, libraries included", f"{peak:.0f} MiB",
                 f"under {MOST_MIB} MiB", peak < MOST_MIB))  # fmt: skip
    return rows


def table(measured):
    """Everything, as Markdown."""
    lines = [
        "| | users | " + " | ".join(measured.names) + " |",
        "|---|---:|" + "---:|" * len(measured.names),
    ]
    for operation, title in OPERATIONS.items():
        for size in measured.sizes:
            cells = [
                f"{_time(measured.seconds(name, size, operation))}, {measured.mib(name, size, operation):.0f} MiB"
                for name in measured.names
            ]
            lines.append(f"| {title} | {size:,} | " + " | ".join(cells) + " |")
    for title, runs, best in (
        ("bare calls in flight", measured.window_runs, measured.windows),
        ("pymilvus's threads", measured.thread_runs, measured.threads),
    ):
        lines += ["", f"{CALIBRATED_WITH:,} users by {title} (the best one is taken above):", ""]
        lines += ["| | " + " | ".join(map(str, runs)) + " |", "|---|" + "---:|" * len(runs)]
        for operation in CHANGES:
            cells = [
                ("**{}**" if number == best[operation] else "{}").format(_time(found[operation][0]))
                for number, found in runs.items()
            ]
            lines.append(f"| {OPERATIONS[operation]} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _time(seconds):
    return f"{seconds * 1e3:.2f} ms" if seconds < 0.1 else f"{seconds:.2f} s"


def chart(measured, path):
    """Seconds by number of users, one panel an operation, as SVG."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "milvus_magics", "font.family": "sans-serif"})
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, len(OPERATIONS), figsize=(13, 4), sharey=True)
    # Told apart without colour, too.
    looks = {
        "ours": ("#0072b2", "o", "-"),
        "pymilvus, loop": ("#d55e00", "s", "--"),
        "pymilvus, threads": ("#e69f00", "^", "--"),
        "bare gRPC": ("#666666", "x", ":"),
    }
    for panel, (operation, title) in zip(panels, OPERATIONS.items(), strict=True):
        for name in measured.names:
            colour, marker, line = looks[name]
            values = [measured.seconds(name, size, operation) for size in measured.sizes]
            panel.loglog(measured.sizes, values, color=colour, marker=marker, linestyle=line, label=name)
        panel.set_title(title)
        panel.set_xlabel("users")
        panel.grid(visible=True, alpha=0.3)
    panels[0].set_ylabel("seconds (lower is better)")
    panels[0].legend(frameon=False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
