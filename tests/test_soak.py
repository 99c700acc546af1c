"""A slice of `make soak`: kills, a full disk, little memory and copies of an open store, with real processes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the processes are forks, looked at through /proc")


@pytest.mark.parametrize(
    ("scenario", "figure"),
    [
        ("kills", "kills 3,"),
        ("saves", "kills 3,"),
        ("rebuilds", "kills 3,"),
        ("disk", "limits 1,"),
        ("memory", "limits 1,"),
        ("copies", "copies 2,"),
    ],
)
def test_a_slice_of_the_soak(scenario: str, figure: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.soak", "--only", scenario, "--quick", "--kills", "3"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith(f"{scenario}: {figure}")
    assert "0 problems" in done.stdout


def test_a_problem_fails_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    from benchmarks import soak

    soak.SCENARIOS["broken"] = "test_soak:broken"
    try:
        assert soak.main(["--only", "broken", "--quick"]) == 1
    finally:
        del soak.SCENARIOS["broken"]
    out = capsys.readouterr().out
    assert "broken: runs 1; 1 problems" in out
    assert "PROBLEM broken: a document was lost" in out


def broken(options: object) -> object:
    from benchmarks.soak import Result

    return Result({"runs": 1.0}, ["a document was lost"])


DIFFERENCES = """
import sys
from pathlib import Path
from benchmarks.soak_store import Documents, call, content, differences, ingest

folder = Path(sys.argv[1])
documents = Documents(folder / "files", 3, 4)
for name in "ab":
    call(ingest, folder / name, documents.folder, True)
print(differences(content(folder / "a"), content(folder / "b")))
documents.change()
call(ingest, folder / "b", documents.folder, True)
print(sorted(line.partition(":")[0] for line in differences(content(folder / "a"), content(folder / "b"))))
"""


def test_stores_that_differ_are_told_apart(tmp_path: Path) -> None:
    done = subprocess.run(  # a process of its own: it forks, and this one has threads
        [sys.executable, "-c", DIFFERENCES, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    same, changed = done.stdout.splitlines()
    assert same == "[]", done.stderr
    assert {"documents", "versions", "chunks", "vectors", "kept vectors", "keyword body"} <= set(
        json.loads(changed.replace("'", '"'))
    )


def test_what_a_run_of_one_scenario_adds_counts_the_problems_of_all() -> None:
    from benchmarks.soak import merged

    known = {
        "kills_kills": 9.0,
        "kills_problems": 2.0,
        "disk_limits": 1.0,
        "disk_problems": 1.0,
        "problems": 7.0,
        "old_x": 1.0,
    }
    assert merged(known, "disk", {"full": 3.0, "problems": 4.0}) == {
        "kills_kills": 9.0,
        "kills_problems": 2.0,
        "disk_full": 3.0,
        "disk_problems": 4.0,
        "problems": 6.0,
    }


def breaks(options: object) -> object:
    raise RuntimeError("no such thing")


def test_a_scenario_that_breaks_off_is_a_problem_and_the_next_one_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from benchmarks import report, soak

    monkeypatch.setattr(report, "path_of", lambda name: tmp_path / f"{name}.json")
    monkeypatch.setattr(soak, "SCENARIOS", {"first": "test_soak:breaks", "second": "test_soak:broken"})
    assert soak.main(["--only", "first", "second"]) == 1
    assert "PROBLEM first: it did not run to its end: RuntimeError('no such thing')" in capsys.readouterr().out
    metrics = json.loads((tmp_path / "soak.json").read_text())["metrics"]
    assert {k: v for k, v in metrics.items() if "seconds" not in k} == {
        "first_problems": 1.0,
        "second_runs": 1.0,
        "second_problems": 1.0,
        "problems": 2.0,
    }
