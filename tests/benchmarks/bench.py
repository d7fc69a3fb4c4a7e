"""Measure against pymilvus and bare gRPC calls in the same run: `python bench.py [REPORT.md]`, with a chart beside it.

The many users take most of its two hours, because Milvus looks at all users whenever one is created.
"""

import compileall
import contextlib
import itertools
import os
import platform
import statistics
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import access
import bulk
import grpc
import pymilvus
from jupyter_client.manager import start_new_kernel
from listing import USERS, listing

from milvus_magics import embedded, wire
from milvus_magics.client import users
from milvus_magics.secret import Secret
from milvus_magics.transport.address import Address
from milvus_magics.transport.connection import Connection
from milvus_magics.transport.credentials import Login
from milvus_magics.transport.deadline import Deadline

HERE = Path(__file__).parent
PASSWORD = "a-password"
ROUND_TRIP = 0.020
_numbers = itertools.count()


@contextlib.contextmanager
def program(name, *arguments):
    """A program of this directory; the port that it prints."""
    process = subprocess.Popen([sys.executable, HERE / name, *map(str, arguments)], stdout=subprocess.PIPE, text=True)
    try:
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()


def seconds(action):
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def alternate(rounds, **contenders):
    """Time each contender once per round, in changing order; name -> seconds."""
    times = {name: [] for name in contenders}
    order = list(contenders)
    for number in range(rounds):
        for name in order[number % len(order) :] + order[: number % len(order)]:
            times[name].append(contenders[name]())
    return times


def deletions(server, address, rounds):
    """Ours, pymilvus doing the same (a new client as the user, then drop_user), and the bare two calls."""
    root = Connection(Address.parse(server.uri, user="root", password=server.password))
    ours = Connection(Address.parse(address, user="root", password=server.password))
    uri, token = f"http://{address}", f"root:{server.password.reveal()}"
    theirs = pymilvus.MilvusClient(uri=uri, token=token)
    channel = grpc.insecure_channel(address)
    own = (("authorization", Login("root", server.password).header().reveal()),)
    calls = {}
    for name in ("GetVersion", "DeleteCredential"):
        m = wire.method(name)
        calls[name] = channel.unary_unary(m.path, m.request.SerializeToString, m.response.FromString)
    calls["GetVersion"](wire.message("GetVersionRequest")(), metadata=own)
    users.list_usernames(ours)

    def with_user(delete):
        def run():
            name = f"user{next(_numbers)}"
            users.create_user(root, name, PASSWORD)
            return seconds(delete(name))

        return run

    def by_pymilvus(name):
        def run():
            pymilvus.MilvusClient(uri=uri, user=name, password=PASSWORD).close()
            theirs.drop_user(name)

        return run

    def by_bare_calls(name):
        login = (("authorization", Login(name, Secret(PASSWORD)).header().reveal()),)
        probe = wire.message("GetVersionRequest")()
        request = wire.message("DeleteCredentialRequest")(username=name)

        def run():
            calls["GetVersion"](probe, metadata=login)
            calls["DeleteCredential"](request, metadata=own)

        return run

    times = alternate(
        rounds,
        ours=with_user(lambda name: lambda: users.delete_user(ours, name, PASSWORD)),
        pymilvus=with_user(by_pymilvus),
        bare=with_user(by_bare_calls),
    )
    for closing in (root, ours, theirs, channel):
        closing.close()
    return times


def call_overhead(rounds=4000):
    """What `Connection.call` adds to the bare call, in microseconds."""
    with program("null_server.py") as port:
        conn = Connection(Address.parse(f"127.0.0.1:{port}"))
        channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        m = wire.method("GetVersion")
        bare = channel.unary_unary(m.path, m.request.SerializeToString, m.response.FromString)
        request = m.request()

        def ours():
            conn.call("GetVersion", deadline=Deadline(5))

        for _ in range(300):
            ours()
            bare(request, timeout=5)
        times = alternate(rounds, ours=lambda: seconds(ours), bare=lambda: seconds(lambda: bare(request, timeout=5)))
        conn.close()
        channel.close()
    return (statistics.median(times["ours"]) - statistics.median(times["bare"])) * 1e6


def load_ext(rounds=5):
    """`%load_ext` in fresh kernels, in milliseconds, with byte code as an installer leaves it."""
    compileall.compile_dir(Path(embedded.__file__).parents[1], quiet=1)
    code = """import time
start = time.perf_counter()
get_ipython().run_line_magic("load_ext", "milvus_magics")
print((time.perf_counter() - start) * 1000)"""
    found = []
    for _ in range(rounds):
        manager, client = start_new_kernel(extra_arguments=["--Application.log_level=40"])
        texts = []
        client.execute_interactive(code, output_hook=lambda m, t=texts: t.append(m["content"].get("text", "")))
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        found.append(float("".join(texts)))
    return found


def completion(server, rounds=30):
    """Tab after the beginning of a name that is known, in a kernel, in milliseconds."""
    os.environ["BENCH_URI"], os.environ["BENCH_PASSWORD"] = server.uri, server.password.reveal()
    manager, client = start_new_kernel(extra_arguments=["--Application.log_level=40"])
    client.execute_interactive(
        "import os\n%load_ext milvus_magics\n"
        "_ = %milvus_connect {os.environ['BENCH_URI']} --user root --password-env BENCH_PASSWORD"
    )
    line, found = "%milvus_list_user ro", []
    for _ in range(rounds + 3):
        start = time.perf_counter()
        client.complete(line, len(line))
        reply = client.get_shell_msg(timeout=10)
        found.append(time.perf_counter() - start)
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    assert reply["content"]["matches"] == ["root"], reply["content"]
    return [seconds * 1e3 for seconds in found[3:]]  # the first ones ask the server


IMPORTS = {
    "nothing": "pass",
    "ours": "import grpc; from milvus_magics import connections, utility, wire; wire.method('GetVersion')",
    "pymilvus": "import pymilvus",
}
# The kernel's own peak: getrusage's includes what the parent had before exec.
MEASURE = """import time
start = time.perf_counter()
{}
seconds = time.perf_counter() - start
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(seconds, int(peak.split()[1]) / 1024)"""


def imports(rounds=7):
    """Seconds and MiB of a whole process that imports, above one that doesn't."""

    def run(code):
        output = subprocess.run(
            [sys.executable, "-c", MEASURE.format(code)], capture_output=True, text=True, check=True
        )
        return tuple(map(float, output.stdout.split()))

    for code in IMPORTS.values():
        run(code)  # byte code is there for all
    found = alternate(rounds, **{name: (lambda code=code: run(code)) for name, code in IMPORTS.items()})
    medians = {name: [statistics.median(x) for x in zip(*values, strict=True)] for name, values in found.items()}
    base = medians.pop("nothing")
    return {name: (values[0] - base[0], values[1] - base[1]) for name, values in medians.items()}


def row(what, figure, goal, reached):
    return f"| {what} | {figure} | {goal} | {'yes' if reached else 'NO'} |"


def spread(values, factor=1e3):
    low, middle, high = (x * factor for x in statistics.quantiles(values, n=4))
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


def report(chart):
    """Everything as Markdown; the chart goes to the path `chart`."""
    rows = []
    with embedded.start(tcp_port=0, settings={"PROXY_MAXUSERNUM": "1000"}) as server:
        near = deletions(server, server.address, 60)
        host, _, port = server.address.rpartition(":")
        with program("delay.py", host, port, ROUND_TRIP / 2) as delayed:
            far = deletions(server, f"127.0.0.1:{delayed}", 12)
        tabs = statistics.median(completion(server))
    for where, times, goal in (("loopback", near, 1.6), ("20 ms round trip", far, 0)):
        ours, theirs, bare = (statistics.median(times[name]) for name in ("ours", "pymilvus", "bare"))
        text = (
            f"ours {spread(times['ours'])} ms, pymilvus {spread(times['pymilvus'])} ms, bare calls "
            f"{spread(times['bare'])} ms: pymilvus takes {theirs / ours:.2f} x ours, ours {ours / bare:.2f} x bare"
        )
        what = f"verified delete, {where}, {len(times['ours'])} each"
        rows.append(row(what, text, f"{goal} x" if goal else "see the next row", theirs / ours >= goal))
    trips = statistics.median(far["ours"]) / ROUND_TRIP
    rows.append(row("round trips of a verified delete", f"{trips:.2f}", "2", trips < 2.5))
    overhead = call_overhead()
    rows.append(row("`Connection.call` over the bare call", f"{overhead:.0f} µs", "at most 40 µs", overhead <= 40))
    loads = load_ext()
    rows.append(row("`%load_ext` in a kernel", f"{statistics.median(loads):.0f} ms", "under 50 ms",
                    statistics.median(loads) < 50))  # fmt: skip
    rows.append(row("completing a name that is known, in a kernel", f"{tabs:.1f} ms", "under 20 ms", tabs < 20))
    costs = imports()
    (t1, m1), (t2, m2) = costs["ours"], costs["pymilvus"]
    rows.append(
        row("import with grpc, time", f"{t1:.3f} s against {t2:.3f} s: {t1 / t2:.2f}", "under 0.33", t1 / t2 < 1 / 3)
    )
    rows.append(row("import with grpc, memory", f"{m1:.1f} MiB against {m2:.1f} MiB: {m1 / m2:.2f}", "under 0.33",
                    m1 / m2 < 1 / 3))  # fmt: skip
    ours, theirs, page = listing()
    text = f"ours {ours * 1e3:.0f} ms, pymilvus's describe_user loop {theirs:.2f} s: {theirs / ours:.0f} x"
    rows.append(row(f"list {USERS:,} users with their roles", text, "20 x", theirs / ours >= 20))
    rows.append(row("the same as HTML", f"{page * 1e3:.1f} ms", "under 200 ms", page < 0.2))
    read, shown, console, details, picture = access.measure()
    what = f"who can do what: {access.USERS} users, {access.ROLES} roles, {access.GRANTS:,} grants"
    text = f"read in {read:.2f} s, with text and HTML {shown:.2f} s"
    rows.append(row(what, text, "under 1 s", shown < 1))
    rows.append(row("the console on the same server opens", f"{console:.2f} s", "under 1 s", console < 1))
    rows.append(row("it says what a selected user may do", f"{details * 1e3:.0f} ms", "under 50 ms", details < 0.05))
    rows.append(row("it draws its page Access", f"{picture:.2f} s", "under 1 s", picture < 1))
    many = bulk.measure()
    rows += [row(*goal) for goal in bulk.goals(many)]
    bulk.chart(many, chart)
    packages = ", ".join(f"{name} {version(name)}" for name in ("grpcio", "protobuf", "pymilvus", "milvus"))
    return "\n".join(
        [
            "# Benchmarks",
            "",
            f"{machine()}, {platform.system()}, Python {platform.python_version()}, {packages}. Medians; in "
            "brackets the quartiles. pymilvus does the same by a new client as the user, then `drop_user`; the bare "
            "calls are a login and a deletion with prepared requests, without a control.",
            "",
            "| what | measured | goal | reached |",
            "|---|---|---|---|",
            *rows,
            "",
            "## Many users",
            "",
            "Seconds, and the peak of the process above an empty Python, over TCP on this machine; medians where there "
            f"are several runs: {', '.join(f'{count} with {size:,}' for size, count in bulk.ROUNDS.items())} users, "
            "in changing order. "
            "One user alone is ours by the functions for one. pymilvus lists by its older interface, the only one "
            "that does it by one call, and checks a password by connecting as the user.",
            "",
            f"![Seconds by number of users]({chart.name})",
            "",
            bulk.table(many),
            "",
        ]
    )


def machine():
    """Processor and memory, in words."""
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as stream:
        models = [line.partition(":")[2].strip() for line in stream if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{models[0] if models else platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GiB"


if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "bench.md")
    text = report(target.with_suffix(".svg"))
    print(text)
    target.write_text(text, encoding="utf-8")
