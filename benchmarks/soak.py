"""What a store survives: kills, full disks, little memory, copies made while it is written to (`make soak`).

Each scenario is a function of Options that returns its figures and what it found wrong; ``SCENARIOS`` names them by module, so
that one is loaded only when it runs. The figures go to benchmarks/out/soak.json under ``scenario_name``.

    python -m benchmarks.soak [--only NAME ...] [--seconds N] [--kills N] [--seed N] [--quick]
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import report

# Those that fork stand first: a process that had Chroma open in itself forks children that hang.
SCENARIOS = {
    "kills": "benchmarks.soak_kills:kills",
    "rebuilds": "benchmarks.soak_rebuilds:rebuilds",
    "disk": "benchmarks.soak_faults:disk",
    "memory": "benchmarks.soak_faults:memory",
    "copies": "benchmarks.soak_faults:copies",
    "saves": "benchmarks.soak_saves:saves",
    "concurrent": "benchmarks.soak_concurrent:concurrent",
    "replicas": "benchmarks.soak_replicas:replicas",
    "fuzz": "benchmarks.soak:fuzz",
}


@dataclass(frozen=True, slots=True)
class Options:
    """How much is done; ``folder`` is a scratch folder of the scenario's own, ``say`` shows progress."""

    folder: Path
    seed: int = 1
    kills: int = 100
    seconds: float | None = None  # at most, where a scenario has no number of its own
    quick: bool = False  # the slice that the tests run: no model, few documents
    say: Callable[[str], None] = print


@dataclass(frozen=True, slots=True)
class Result:
    """``problems`` in plain words: a run with any is a failure."""

    metrics: dict[str, float]
    problems: list[str] = field(default_factory=list)


def fuzz(options: Options) -> Result:
    """Read 20,000 damaged and hostile inputs (benchmarks/soak_fuzz.py)."""
    from benchmarks import soak_fuzz

    figures = soak_fuzz.run(options.seconds or 1e9, options.seed, 400 if options.quick else 20_000)
    wrong = [f"{figures[kind]:g} {kind}" for kind in ("crashes", "hangs", "broken") if figures[kind]]
    return Result({name: round(value, 3) for name, value in figures.items() if name != "seconds"}, wrong)


def run(name: str, options: Options) -> Result:
    module, _, function = SCENARIOS[name].partition(":")
    scenario: Callable[[Options], Result] = getattr(importlib.import_module(module), function)
    return scenario(options)


def _known() -> dict[str, float]:
    """Return the figures of the last run, which one of some scenarios only adds to."""
    path = report.path_of("soak")
    return dict(json.loads(path.read_text(encoding="utf-8"))["metrics"]) if path.exists() else {}


def merged(known: Mapping[str, float], name: str, figures: Mapping[str, float]) -> dict[str, float]:
    """Return the figures with those of the scenario ``name`` in place of its last; "problems" is the sum of all scenarios'."""
    others = {k: v for k, v in known.items() if k.partition("_")[0] in SCENARIOS and k.partition("_")[0] != name}
    found = others | {f"{name}_{key}": value for key, value in figures.items()}
    return found | {"problems": sum(v for k, v in found.items() if k.endswith("_problems"))}


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=sorted(SCENARIOS), default=list(SCENARIOS), metavar="NAME")
    parser.add_argument("--seconds", type=float, help="for scenarios that run for a time")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="a slice: few documents, vectors without a model")
    given = parser.parse_args(argv)
    metrics = _known() if given.only != list(SCENARIOS) else {}
    problems: list[str] = []
    for name in given.only:
        begun = time.monotonic()
        with tempfile.TemporaryDirectory(prefix=f"soak-{name}-") as scratch:
            options = Options(Path(scratch), given.seed, given.kills, given.seconds, given.quick, _say)
            try:
                result = run(name, options)
            except Exception as error:  # noqa: BLE001 - the others run all the same, and this one counts as failed
                traceback.print_exc()
                result = Result({}, [f"it did not run to its end: {error!r}"])
        seconds = time.monotonic() - begun
        found = len(result.problems)
        metrics = merged(metrics, name, result.metrics | {"seconds": round(seconds, 1), "problems": float(found)})
        if not given.quick:  # after each: what was measured stays, whatever comes after
            report.write("soak", metrics, corpus="generated documents (benchmarks/soak_store.py)")
        problems += [f"{name}: {problem}" for problem in result.problems]
        shown = ", ".join(f"{key} {value:g}" for key, value in result.metrics.items())
        print(f"{name}: {shown}; {found} problems, {seconds:.0f} s", flush=True)
    for problem in problems:
        print(f"  PROBLEM {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
