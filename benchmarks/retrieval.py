"""Retrieval beside the pipeline that a tutorial builds, and what each part of ours adds. ``make bench-retrieval``.

Both index the same files (those of THESIS_CORPUS; without it, the sample notes) and are asked the same questions in one
run; the scorers are those of ``thesis eval``. A question counts where it says which page (or document) holds the
answer. Intervals are 95% bootstrap intervals over questions, differences are paired. docs/retrieval.md keeps the tables.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from assistant import Assistant
from assistant.evaluation.bootstrap import interval95
from assistant.evaluation.dataset import Place, Row, load
from assistant.evaluation.prediction import Found, from_passage
from assistant.evaluation.ranking import CUTOFFS, gold, retrieval
from assistant.retrieval import ALL, Parts
from benchmarks import _tutorial
from benchmarks.report import write
from ingest import CHUNKER_VERSION, ingest
from vectorstore.embedding import make_embedder
from vectorstore.settings import load_settings
from vectorstore.store import Store

ROOT = Path(__file__).resolve().parents[1]
CACHE = Path(__file__).parent / "out" / "cache"
DEPTH = 40  # passages a question, as in `thesis eval`
TIMED = 10  # passages a question where the time is taken
QUICK = 4  # --quick asks every fourth question

# Question -> ranked stretches, best first.
Search = Callable[[Row, int], Sequence[Found]]
Scores = Sequence[Mapping[str, float | None]]


@dataclass(frozen=True, slots=True)
class Questions:
    """A named set; ``level`` ("page" or "document") is what its gold says."""

    name: str
    rows: tuple[Row, ...]

    @property
    def level(self) -> str:
        return "page" if any(gold(row.evidence, "page") for row in self.rows) else "document"

    @property
    def columns(self) -> tuple[str, ...]:
        """The metrics of the table: hit@1/5/10/20, mrr and ndcg@10 at the set's level, and documents found."""
        own = (*(f"hit@{k}" for k in CUTOFFS), "mrr", "ndcg@10")
        return tuple(dict.fromkeys((*(f"{self.level}_{name}" for name in own), "document_hit@5")))


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


# questions


def read(files: Sequence[Path], *, quick: bool = False) -> list[Questions]:
    """Return the sets of the files, each with the questions whose gold names a document."""
    sets = []
    for file in files:
        rows = tuple(row for row in load(file) if gold(row.evidence, "document"))
        if rows:
            sets.append(Questions(file.stem, rows[:: QUICK if quick else 1]))
    return sets


def notes_questions(notes: Path, golden: Path) -> Questions:
    """Return the golden questions that one note alone answers: the one that holds all the expected facts."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in sorted(notes.glob("*.md"))}
    rows = []
    for file in sorted(golden.glob("*.jsonl")):
        for row in load(file):
            holds = [
                name
                for name, text in texts.items()
                if row.expect and all(re.search(fact, text, re.I | re.S) for fact in row.expect)
            ]
            if len(holds) == 1 and row.status == "answered" and row.as_of is None:
                rows.append(replace(row, id=f"{file.stem}/{row.id}", evidence=(Place(document=holds[0]),)))
    return Questions("golden", tuple(rows))


# both pipelines


def ours(files: Sequence[Path], store: str | None) -> tuple[Assistant, dict[str, float]]:
    """Return an Assistant over ``store``, or over one made of ``files`` (kept for the next run), with what it took."""
    settings = load_settings()
    embedder = make_embedder(settings)
    if store:
        return Assistant(Store.open(store, embedder=embedder), settings), {}
    code = [p.read_bytes() for name in ("ingest", "vectorstore") for p in sorted((ROOT / name).rglob("*.py"))]
    made_by = (embedder.fingerprint, CHUNKER_VERSION, _tutorial.sha(b"\0".join(code)))
    folder = CACHE / f"ours-{_tutorial.key(files, *made_by)}"
    done = folder.with_suffix(".json")
    opened = Store.open(folder, embedder=embedder, chunker_version=CHUNKER_VERSION)
    if not done.is_file():
        say("ours: reading and embedding")
        begun = time.perf_counter()
        report = ingest(opened, [str(p) for p in files], settings=settings)
        if report.failed:
            sys.exit(f"ours: {report.failed[0].path}: {report.failed[0].error}")
        took = {"chunks": float(report.chunks), "seconds": round(time.perf_counter() - begun, 1)}
        done.write_text(json.dumps(took), encoding="utf-8")
    else:
        say(f"ours: store of an earlier run in {folder.name}")
    costs: dict[str, float] = json.loads(done.read_text(encoding="utf-8"))
    return Assistant(opened, settings), costs


def searching(assistant: Assistant, parts: Parts = ALL) -> Search:
    """Return our search with these parts."""

    def search(row: Row, k: int) -> list[Found]:
        passages = assistant.search(row.question, k=k, as_of=row.as_of, filters=row.filters, parts=parts)
        return [from_passage(p) for p in passages]

    return search


# measuring


def score(questions: Questions, search: Search) -> Scores:
    """Return the metrics of each question."""
    return [
        {name: one.value for name, one in retrieval(row, search(row, DEPTH), CUTOFFS).items()} for row in questions.rows
    ]


def median_ms(sets: Sequence[Questions], search: Search) -> float:
    """Return the median time of a search in milliseconds; the questions have been asked before."""
    times = []
    for row in (row for one in sets for row in one.rows):
        begun = time.perf_counter()
        search(row, TIMED)
        times.append((time.perf_counter() - begun) * 1000)
    return statistics.median(times)


def values(scores: Scores, metric: str) -> list[float]:
    """Return the metric of the questions that have one."""
    return [v for one in scores if (v := one[metric]) is not None]


def differences(scores: Scores, base: Scores, metric: str) -> list[float]:
    """Return ``scores`` minus ``base``, question by question."""
    return [
        a - b
        for one, two in zip(scores, base, strict=True)
        if (a := one[metric]) is not None and (b := two[metric]) is not None
    ]


def mean(found: Sequence[float], *, sign: bool = False) -> str:
    """Return "0.837 [0.721 0.930]": the mean and its interval."""
    if not found:
        return "-"
    style = "+.3f" if sign else ".3f"
    between = interval95(found)
    around = f" [{between[0]:{style}} {between[1]:{style}}]" if between else ""
    return f"{statistics.fmean(found):{style}}{around}"


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table; the first row is its head."""
    width = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["| " + " | ".join(cell.ljust(width[i]) for i, cell in enumerate(row)) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "|".join("-" * (w + 2) for w in width) + "|", *lines[1:]])


def _short(metric: str, level: str) -> str:
    return metric.removeprefix(f"{level}_").replace("_", " ")


def compared(sets: Sequence[Questions], systems: Mapping[str, tuple[Sequence[Scores], float]]) -> str:
    """Return a table a level of gold: the first system, the second, and the second minus the first."""
    out = []
    for level in dict.fromkeys(one.level for one in sets):
        chosen = [(i, one) for i, one in enumerate(sets) if one.level == level]
        columns = chosen[0][1].columns
        head = [f"{level}s found", "questions", "n", *(_short(c, level) for c in columns), "p50 ms"]
        rows = [head]
        for i, one in chosen:
            n = str(len(values(next(iter(systems.values()))[0][i], columns[0])))
            for name, (scores, ms) in systems.items():
                cells = (mean(values(scores[i], c)) for c in columns)
                rows.append([name, one.name, n, *cells, f"{ms:.0f}"])
            (_, (first, _)), (_, (second, _)) = list(systems.items())[:2]
            gains = (mean(differences(second[i], first[i], c), sign=True) for c in columns)
            rows.append(["difference", one.name, n, *gains, ""])
        out.append(table(rows))
    return "\n\n".join(out)


def ablation(sets: Sequence[Questions], whole: Sequence[Scores], assistant: Assistant) -> tuple[str, dict[str, float]]:
    """Return both tables (each part taken away; parts added one by one to plain dense) and their figures."""
    names = [field.name for field in fields(Parts)]
    bare = replace(ALL, **{name: name == "dense" for name in names})
    figures: dict[str, float] = {}

    def rows_of(label: str, scores: Sequence[Scores], base: Sequence[Scores]) -> list[list[str]]:
        out = []
        for one, mine, other in zip(sets, scores, base, strict=True):
            shown = [f"{one.level}_{name}" for name in ("hit@1", "hit@5", "hit@10", "mrr")]
            for metric in shown:
                if found := values(mine, metric):
                    figures[f"{label}/{one.name}/{metric}"] = round(statistics.fmean(found), 4)
            absolute = (f"{statistics.fmean(v):.3f}" if (v := values(mine, m)) else "-" for m in shown)
            gains = (mean(differences(mine, other, m), sign=True) for m in (shown[2], shown[3]))
            out.append([label, one.name, *absolute, *gains])
        return out

    def measured(label: str, parts: Parts) -> list[Scores]:
        say(f"ablation: {label}")
        return [score(one, searching(assistant, parts)) for one in sets]

    head = ["hit@1", "hit@5", "hit@10", "mrr"]
    away = [["taken away", "questions", *head, "hit@10, difference to all", "mrr, difference to all"]]
    away += rows_of("nothing", whole, whole)
    for name in names:
        away += rows_of(f"without {name}", measured(f"without {name}", replace(ALL, **{name: False})), whole)
    added = [["added", "questions", *head, "hit@10, difference to the row above", "mrr, difference to the row above"]]
    parts, before = bare, measured("dense alone", bare)
    added += rows_of("dense alone", before, before)
    for name in (name for name in names if name != "dense"):
        parts = replace(parts, **{name: True})
        now = measured(f"with {name}", parts)
        added += rows_of(f"+ {name}", now, before)
        before = now
    return f"{table(away)}\n\n{table(added)}", figures


def figures_of(sets: Sequence[Questions], scores: Sequence[Scores]) -> dict[str, float]:
    """Return "SET/METRIC" with its value, and its interval's ends as "SET/METRIC/low" and "/high"."""
    out: dict[str, float] = {}
    for one, of_set in zip(sets, scores, strict=True):
        for metric in one.columns:
            if found := values(of_set, metric):
                out[f"{one.name}/{metric}"] = round(statistics.fmean(found), 4)
                out[f"{one.name}/{metric}/n"] = float(len(found))
                if between := interval95(found):
                    out[f"{one.name}/{metric}/low"], out[f"{one.name}/{metric}/high"] = (round(v, 4) for v in between)
    return out


def main(argv: Sequence[str] | None = None) -> None:
    """Index, ask, print, write benchmarks/out/retrieval.json."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.retrieval", description=__doc__.splitlines()[0])
    parser.add_argument("--questions", nargs="+", type=Path, metavar="FILE", help="JSON lines, as for `thesis eval`")
    parser.add_argument("--store", help="a store that holds the same files already")
    parser.add_argument("--quick", action="store_true", help="every fourth question, no ablation")
    parser.add_argument(
        "--fast", action="store_true", help="embed the tutorial's chunks by our int8 backend (cosine 0.994)"
    )
    args = parser.parse_args(argv)
    named = os.environ.get("THESIS_CORPUS")
    folder = Path(named) if named else ROOT / "knowledge"
    files = _tutorial.files_in(folder)
    if not files:
        sys.exit(f"{folder} holds no documents.")
    if args.questions or named:
        given = [folder.parent / "bench" / "financebench_dev.jsonl", ROOT / "benchmarks" / "questions" / "corpus.jsonl"]
        sets = read(args.questions or [f for f in given if f.is_file()], quick=args.quick)
    else:
        sets = [notes_questions(folder, ROOT / "tests" / "golden")]
    if not any(one.rows for one in sets):
        sys.exit("No question says which document holds its answer.")
    tutorial = _tutorial.build(files, CACHE, say, fast=args.fast)
    assistant, costs = ours(files, args.store)
    with assistant:
        systems: dict[str, tuple[Sequence[Scores], float]] = {}
        searches: dict[str, Search] = {
            "tutorial": lambda row, k: tutorial.search(row.question, k),
            "ours": searching(assistant),
        }
        for name, search in searches.items():
            say(f"{name}: asking")
            systems[name] = ([score(one, search) for one in sets], median_ms(sets, search))
        rate = tutorial.distinct / tutorial.seconds if tutorial.seconds else 0.0
        by = "our int8 backend (cosine 0.994 to fp32)" if args.fast else "HuggingFaceEmbeddings (fp32)"
        print(
            f"{len(files)} files. Tutorial: {tutorial.chunks} chunks, {tutorial.distinct} texts embedded by {by} ",
            end="",
        )
        print(f"in {tutorial.seconds:.0f} s ({rate:.0f}/s).", end="")
        print(f" Ours: {costs['chunks']:.0f} chunks, read and embedded in {costs['seconds']:.0f} s." if costs else "")
        print(f"\n{compared(sets, systems)}\n")
        metrics = figures_of(sets, systems["ours"][0]) | {"search_p50_ms": round(systems["ours"][1], 1)}
        baseline = figures_of(sets, systems["tutorial"][0]) | {
            "search_p50_ms": round(systems["tutorial"][1], 1),
            "embedding_seconds": tutorial.seconds,
            "chunks": float(tutorial.chunks),
        }
        if not args.quick:
            text, figures = ablation(sets, systems["ours"][0], assistant)
            print(text)
            metrics |= {f"ablation/{name}": value for name, value in figures.items()}
    write("retrieval", metrics, corpus=str(folder), baseline=baseline)


if __name__ == "__main__":
    main()
