"""`thesis eval`: its options, and the run. Light to import; what it needs loads when it runs."""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from vectorstore.errors import SettingsError
from vectorstore.settings import Settings

if TYPE_CHECKING:
    from assistant.evaluation.dataset import Row
    from assistant.wiring import Wiring


WITHIN = "as a reader sees the base who may read these collections only"


def add(new: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the command; ``new(name, text)`` makes a subparser with the options that all commands share."""
    command = new("eval", "Ask a set of questions and measure the answers.")
    command.add_argument("datasets", nargs="+", metavar="DATASET", help="JSON lines of questions (docs/evaluation.md)")
    command.add_argument(
        "--answers", metavar="FILE", help="score these answers (Answers as JSON lines, by id) instead of asking"
    )
    command.add_argument(
        "--where", action="append", default=[], metavar="KEY=VALUE[,VALUE]", help="only rows with this value"
    )
    command.add_argument("--report", metavar="FILE.md", help="write a Markdown report, worst questions first")
    command.add_argument("--out", metavar="DIR", help="write summary.json and questions.jsonl here")
    command.add_argument("--junit", metavar="FILE.xml", help="write JUnit XML")
    command.add_argument("--baseline", metavar="FILE.json", help="show the differences to an earlier summary.json")
    command.add_argument(
        "--fail-under",
        action="append",
        default=[],
        metavar="METRIC=VALUE",
        help="exit 1 below this; TYPE/METRIC for one type",
    )
    command.add_argument("--fail-over", action="append", default=[], metavar="METRIC=VALUE", help="exit 1 above this")
    command.add_argument(
        "-k", "--k", action="append", type=int, default=[], metavar="N", help="a cut-off beside 1, 5, 10, 20"
    )
    command.add_argument("--model", metavar="NAME")
    command.add_argument("--within", action="append", metavar="COLLECTION[,…]", help=WITHIN)
    command.add_argument("--seed", type=int, default=0, help="of the bootstrap (default 0)")


def run(a: argparse.Namespace, settings: Settings, wiring: Wiring, out: TextIO) -> int:
    """Run the command; 1 when a threshold is missed. Raises SettingsError for a call or a file that is wrong."""
    from assistant.evaluation import report
    from assistant.evaluation.ranking import CUTOFFS
    from assistant.evaluation.run import evaluate
    from assistant.evaluation.thresholds import check, read_limit
    from assistant.filters import readers_of

    if any(k < 1 for k in a.k):
        raise SettingsError(f"-k {min(a.k)} is not a rank.", "Give whole numbers from 1 up.")
    if a.seed < 0:
        raise SettingsError(f"--seed {a.seed} is below 0.", "Give a whole number from 0 up.")
    within = readers_of(a.within)
    cutoffs = {*CUTOFFS, *a.k}
    at_least = dict(read_limit(text, sorted(cutoffs), "--fail-under") for text in a.fail_under)
    at_most = dict(read_limit(text, sorted(cutoffs), "--fail-over") for text in a.fail_over)
    old = report.read_baseline(wiring.at(a.baseline)) if a.baseline else None
    rows, datasets = _rows(a, wiring)
    _types({*at_least, *at_most}, rows)

    def progress(done: int, total: int) -> None:
        wiring.go_on()
        if wiring.err.isatty():
            print(f"\r{done}/{total} questions", end="\n" if done == total else "", file=wiring.err, flush=True)

    options: dict[str, Any] = {"cutoffs": a.k, "seed": a.seed, "model": a.model, "progress": progress}
    if all(row.prediction is not None for row in rows) and not a.store:
        evaluation = evaluate(None, rows, **options)
    else:
        with wiring.open_assistant(settings) as assistant:
            asked = assistant if within is None else assistant.within(within)
            evaluation = evaluate(asked, rows, **options)
    thresholds = check(evaluation, at_least, at_most)
    compared = None if old is None else report.compare(evaluation, old)
    summary = report.summary_json(evaluation, datasets=datasets, thresholds=thresholds, baseline=compared)
    if a.out:
        shown = json.dumps(summary, ensure_ascii=False, allow_nan=False, indent=1)
        report.write_text(wiring.at(a.out) / "summary.json", shown + "\n")
        report.write_text(wiring.at(a.out) / "questions.jsonl", report.json_lines(evaluation.results))
    if a.report:
        text = report.markdown(evaluation, datasets=datasets, thresholds=thresholds, baseline=compared)
        report.write_text(wiring.at(a.report), text)
    if a.junit:
        report.write_text(wiring.at(a.junit), report.junit(evaluation, thresholds=thresholds))
    if a.json:
        print(json.dumps(summary, ensure_ascii=False, allow_nan=False), file=out, flush=True)
    else:
        print(report.table(evaluation, thresholds=thresholds, baseline=compared), file=out, flush=True)
    return 0 if all(t.met for t in thresholds) else 1


def _rows(a: argparse.Namespace, wiring: Wiring) -> tuple[list[Row], list[dict[str, Any]]]:
    from assistant.evaluation.dataset import parse, read_lines

    wanted = [_condition(text) for text in a.where]
    rows: list[Row] = []
    datasets = []
    seen: dict[str, str] = {}
    for name in a.datasets:
        lines = read_lines(wiring.at(name))
        made = dict(zip((n for n, _ in lines), parse(lines, name=name), strict=True))
        kept = [made[n] for n, value in lines if all(_holds(value, key, values) for key, values in wanted)]
        for row in kept:
            if row.id in seen:
                raise SettingsError(f"{name}: the id {row.id!r} stands in {seen[row.id]} too.", "Give each its own.")
            seen[row.id] = name
        rows += kept
        digest = hashlib.sha256(wiring.at(name).read_bytes()).hexdigest()
        datasets.append({"path": name, "sha256": digest, "questions": len(kept)})
    if not rows:
        raise SettingsError("No question passes --where.", "Give a value that rows have.")
    return (_answered(rows, wiring.at(a.answers)) if a.answers else rows), datasets


def _condition(text: str) -> tuple[str, set[str]]:
    key, sign, values = text.partition("=")
    if not sign or not key.strip():
        raise SettingsError(f"--where {text!r} is not KEY=VALUE.", "For example: --where type=one_fact,list")
    return key.strip(), {value.strip() for value in values.split(",")}


def _holds(row: Mapping[str, Any], key: str, values: set[str]) -> bool:
    found = row.get(key)
    return ("" if found is None else str(found)) in values


def _answered(rows: list[Row], name: Path) -> list[Row]:
    """Put the answers of a file to their rows, by id or else by the question's words."""
    from assistant.evaluation.dataset import read_lines
    from assistant.evaluation.prediction import from_answer

    by: dict[str, Any] = {}
    for number, value in read_lines(name):
        made = from_answer(value, f"{name}, line {number}")
        keys = [str(value[key]) for key in ("id", "question") if value.get(key) is not None][:1]
        if not keys:
            raise SettingsError(f"{name}, line {number} has neither id nor question.", "Give the id of its question.")
        if keys[0] in by:
            raise SettingsError(f"{name}, line {number}: a second answer to {keys[0]!r}.", "Give one a question.")
        by[keys[0]] = made
    lacking = [row.id for row in rows if row.id not in by and row.question not in by]
    if lacking:
        raise SettingsError(
            f"{name} has no answer to {len(lacking)} questions ({', '.join(lacking[:3])} …).",
            "Give one line a question.",
        )
    return [replace(row, prediction=by.get(row.id) or by[row.question]) for row in rows]


def _types(names: set[str], rows: list[Row]) -> None:
    held = {row.group for row in rows if row.group}
    for name in names:
        group = name.rpartition("/")[0]
        if group and group not in held:
            raise SettingsError(
                f"No question has the type {group!r}.", f"Types are: {', '.join(sorted(held)) or 'none'}."
            )
