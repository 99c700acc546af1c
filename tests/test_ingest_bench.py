"""What ``make bench-ingest`` measures with: which files, and a command seen from outside."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks._processes import Measured, measure
from benchmarks.ingest import chosen


def test_files_are_drawn_the_same_every_time(tmp_path: Path) -> None:
    for number in range(9):
        (tmp_path / f"{number}.md").write_text("text", encoding="utf-8")
    (tmp_path / ".hidden.md").write_text("text", encoding="utf-8")
    drawn = chosen(tmp_path, 4)
    assert len(set(drawn)) == 4
    assert drawn == sorted(drawn) == chosen(tmp_path, 4)
    assert [path.name for path in chosen(tmp_path, None)] == [f"{n}.md" for n in range(9)]
    assert chosen(tmp_path, 50) == chosen(tmp_path, None)


def test_growth_compares_the_last_third_with_the_middle() -> None:
    assert Measured(1.0, 1.0, (9, 9, 4, 5, 6, 10), "").growth == 2.0
    assert Measured(1.0, 1.0, (1, 5, 5), "").growth == 1.0
    assert Measured(1.0, 1.0, (7,), "").growth == 1.0
    assert Measured(1.0, 1.0, (2_000_000, 3_500_000), "").peak_mb == 3.5


def test_a_command_is_measured_with_its_children() -> None:
    inner = "import time; b = bytearray(80_000_000); b[::4096] = b'x' * len(b[::4096]); time.sleep(1.6)"
    outer = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}], check=True); print('done')"
    done = measure([sys.executable, "-c", outer])
    assert done.output == "done\n"
    assert done.cpu_seconds > 0
    if sys.platform == "linux":
        assert done.peak_mb > 80


def test_a_command_that_fails_says_why() -> None:
    with pytest.raises(subprocess.CalledProcessError) as caught:
        measure([sys.executable, "-c", "import sys; print('out'); sys.exit('broken')"])
    assert caught.value.returncode == 1
    assert caught.value.stderr == "broken\n"
