"""Four kernels at work on one server for a minute; `make soak` takes half an hour."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from processes import processes, wait_until

sys.path.insert(0, str(Path(__file__).parents[1] / "soak"))

import soak as program
from soak import soak
from worker import Worker


def test_a_minute_of_four_kernels(figure):
    """Everything comes as it should, and memory, threads and descriptors stay what they are."""
    runs = soak(minutes=1)
    assert [text for run in runs for text in run.wrong] == []
    for run in runs:
        assert run.is_flat, run.samples
        assert len(run.done) >= 10, "of nearly all kinds"
    growth = max(run.growth for run in runs)
    figure(
        "soak", operations=sum(run.done.total() for run in runs), gone_wrong=0, MiB_of_growth_at_most=round(growth, 1)
    )


def test_what_is_wrong_is_noticed(root):
    """A model that knows of a user who isn't there."""
    worker = Worker("nobody", seed=1)
    worker._passwords["nobody_user0"] = "a-password"
    worker._deeds = [worker.do_list]
    wrong = worker.work(0.1)["wrong"]
    assert wrong
    assert "nobody_user0 holds None" in wrong[0]


def test_a_kernel_that_dies_is_noticed(monkeypatch):
    """The others go on; the report says so, and so does the exit code."""
    started = []

    class Dying(program.Run):
        def __init__(self, *args):
            super().__init__(*args)
            started.append(self)
            if len(started) == 1:
                self._kernel.kill()

    monkeypatch.setattr(program, "Run", Dying)
    monkeypatch.setattr(program, "KERNELS", 2)
    monkeypatch.setattr("kernels.SECONDS", 8)
    dead, alive = soak(minutes=0.1)
    assert not dead.is_flat
    assert "the kernel ended" in dead.wrong[0]
    assert alive.samples
    assert alive.wrong == []
    assert "| 0 | 0 |" in program.report([dead, alive], 0.1, Path("plot.svg"))


def test_an_interrupt_leaves_no_process(tmp_path):
    """Neither the kernels nor the server stay."""
    command = [sys.executable, program.__file__, "5", tmp_path / "soak.md"]
    with subprocess.Popen(command, env={**os.environ, "TMPDIR": str(tmp_path)}) as process:
        try:
            wait_until(lambda: len(list(tmp_path.rglob("kernel.json"))) == program.KERNELS, seconds=120)
            assert len(processes(tmp_path)) > program.KERNELS
            time.sleep(5)
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 130
        finally:
            process.kill()
    assert processes(tmp_path) == []
