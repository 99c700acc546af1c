"""A command measured from outside: seconds, processor seconds and memory of it and all its children."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_EVERY_S = 0.5
ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Measured:
    """``memory``: bytes of the whole process tree, each page counted once (PSS), every half second; Linux only."""

    seconds: float
    cpu_seconds: float
    memory: tuple[int, ...]
    output: str

    @property
    def peak_mb(self) -> float:
        return max(self.memory, default=0) / 1e6

    @property
    def growth(self) -> float:
        """The peak of the last third of the run over that of the middle third: 1.0 is flat."""
        third = len(self.memory) // 3
        return max(self.memory[-third:]) / max(self.memory[third : 2 * third]) if third else 1.0


def measure(command: Sequence[str]) -> Measured:
    """Run ``command`` in the project's folder. Raises CalledProcessError with what it printed where it fails."""
    before, begun = _children_cpu(), time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        memory: list[int] = []
        done = threading.Event()
        sampler = threading.Thread(target=sample, args=(process.pid, memory, done))
        sampler.start()
        try:
            output, errors = process.communicate()
            seconds = time.perf_counter() - begun
        finally:
            done.set()
            sampler.join()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, list(command), output, errors[-3000:])
    return Measured(seconds, _children_cpu() - before, tuple(memory), output)


def _children_cpu() -> float:
    times = os.times()
    return times.children_user + times.children_system


def sample(pid: int, memory: list[int], done: threading.Event) -> None:
    """Append the bytes of a process tree to ``memory`` every half second until ``done``."""
    while not done.wait(_EVERY_S):
        if sys.platform == "linux" and (now := _tree_bytes(pid)):
            memory.append(now)


def _tree_bytes(pid: int) -> int:
    total, tree = 0, [pid]
    while tree:
        one = tree.pop()
        total += _pss(one)
        for children in Path(f"/proc/{one}/task").glob("*/children"):
            with contextlib.suppress(OSError):  # it has ended
                tree += map(int, children.read_text(encoding="ascii").split())
    return total


def _pss(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0  # it has ended
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
