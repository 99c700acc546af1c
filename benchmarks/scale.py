"""Past one machine, measured and on paper: ``make bench-scale``; figures in benchmarks/out/scale.json, tables in docs/scale.md.

    replicas   questions a second through 1, 2, 3 replicas behind nginx, and on one base of its own
    ledger     PostgreSQL beside SQLite: a read, a write, words, vectors, a question
    keyword    PostgreSQL full text beside the copies of FTS5, by the questions that name the page of their answer
    copy       how long a new replica fills its copy, and when it finds what another took in
    load       many processes that put in and ask at once, with made-up embedding, so that the servers of the base are what works
    chroma     benchmarks/scale_chroma.py: vectors embedded and on a server
    ingest     benchmarks/scale_ingest.py: engines side by side
    paper      the Russell 2000's ten years of filings and calls, from these figures (benchmarks/scale_paper.py)

    python -m benchmarks.scale --store DIR [--only NAME ...] [--seconds N]

``--store``: an ingested base (a copy of it is used), else one is made of THESIS_CORPUS or of the sample notes. Each part keeps its
figures in scale.json under its name; the others stay as they were.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from assistant.evaluation.dataset import Row, load
from benchmarks import report, scale_paper
from benchmarks._replicas import ROOT, THESIS
from benchmarks.retrieval import notes_questions, read
from vectorstore.embedding import make_embedder
from vectorstore.settings import load_settings

SETS = ("corpus", "narrative_a", "narrative_b", "statements_a", "statements_b")
BASED = ("replicas", "ledger", "keyword", "copy", "load")
PARTS = (*BASED, "chroma", "ingest", "paper")


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def known() -> dict[str, float]:
    """Return the figures of earlier runs."""
    path = report.path_of("scale")
    return dict(json.loads(path.read_text(encoding="utf-8"))["metrics"]) if path.exists() else {}


def merged(before: Mapping[str, float], part: str, figures: Mapping[str, float]) -> dict[str, float]:
    """Return the figures with those of ``part`` in place of its last."""
    kept = {name: value for name, value in before.items() if name.partition("/")[0] != part}
    return kept | {f"{part}/{name}": round(value, 4) for name, value in figures.items()}


def golden() -> list[Row]:
    """Return the golden questions, most of which name no company."""
    return [row for file in sorted((ROOT / "tests" / "golden").glob("*.jsonl")) for row in load(file)]


def mixed(named: Sequence[str], open_: Sequence[str]) -> list[str]:
    """Return as many questions of each kind, in an order that is always the same: the one kind asks Chroma nothing."""
    count, pick = min(len(named), len(open_)), random.Random(1)
    found = [*pick.sample(named, count), *pick.sample(open_, count)]
    pick.shuffle(found)
    return found


def based(
    parts: Sequence[str], store: Path, notes: bool, seconds: float, keep: Callable[[str, Mapping[str, float]], None]
) -> None:
    """Run those that need a base in both places."""
    from benchmarks import scale_keyword, scale_ledger, scale_load, scale_replicas
    from benchmarks.scale_base import bases

    settings = load_settings(overrides={"ledger": "", "chroma": ""})
    embedder = make_embedder(settings)
    files = [] if notes else [ROOT / "benchmarks" / "questions" / f"{name}.jsonl" for name in SETS]
    sets = read(files) if files else [notes_questions(ROOT / "knowledge", ROOT / "tests" / "golden")]
    asked = mixed([row.question for one in sets for row in one.rows], [row.question for row in golden()])
    say("the base is copied, and restored into a shared one")
    with bases(store) as made:
        run: dict[str, Callable[[], Mapping[str, float]]] = {
            "keyword": lambda: scale_keyword.measure(
                made.folder, made.embedded, made.postgres.url, "fulltext", files, embedder, settings, say
            ),
            "ledger": lambda: scale_ledger.ledgers(made, embedder, settings, asked[::4], say),
            "copy": lambda: scale_ledger.copies(made, embedder, say),
            "replicas": lambda: scale_replicas.measure(made, asked, seconds, say),
            "load": lambda: scale_load.measure(made, embedder, asked, seconds, say),
        }
        for part in parts:
            keep(part, run[part]())


def ingested(scratch: Path) -> tuple[Path, str]:
    """Make a base of THESIS_CORPUS, else of the sample notes."""
    corpus = os.environ.get("THESIS_CORPUS")
    command = [*THESIS, "ingest", corpus or str(ROOT / "knowledge"), "--store", str(scratch / "store")]
    subprocess.run(command, cwd=ROOT, check=True, stdout=sys.stderr)
    return scratch / "store", corpus or "sample notes"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), metavar="NAME")
    parser.add_argument("--store", type=Path, metavar="DIR", help="an ingested base")
    parser.add_argument("--seconds", type=float, default=60, help="of load at each size (default 60)")
    given = parser.parse_args(argv)
    corpus = str(given.store) if given.store else os.environ.get("THESIS_CORPUS", "sample notes")

    def keep(part: str, figures: Mapping[str, float]) -> None:
        path = report.write("scale", merged(known(), part, figures), corpus=Path(corpus).name)
        say(f"{part}: written to {path}")

    with tempfile.TemporaryDirectory(prefix="bench-scale-") as name:
        parts = [part for part in PARTS if part in given.only]
        wanted = [part for part in parts if part in BASED]
        if wanted:
            store, corpus = (given.store, corpus) if given.store else ingested(Path(name))
            based(wanted, store, corpus == "sample notes", given.seconds, keep)
        if "chroma" in parts:
            from benchmarks import scale_chroma

            keep("chroma", scale_chroma.measure())
        if "ingest" in parts:
            from benchmarks import scale_ingest

            given_corpus = os.environ.get("THESIS_CORPUS")
            folder = Path(given_corpus) / "filings" if given_corpus else ROOT / "knowledge"
            (Path(name) / "ingest").mkdir()
            keep("ingest", scale_ingest.run(folder, 4, Path(name) / "ingest", say))
        if "paper" in parts:
            figures, table = scale_paper.figures(scale_paper.measured(known()))
            print(table)
            keep("paper", figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
