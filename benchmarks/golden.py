"""The golden questions over the sample notes, and with THESIS_CORPUS over its seed articles and both together.

``make bench-golden`` prints for each base: the share of expected facts found in the answers, the share of right
decisions to answer or to refuse, and the share of quotes that are identical to their spans.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant import Assistant
from assistant.models import Answer

ROOT = Path(__file__).resolve().parents[1]
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One question: which expected facts (regular expressions) the answer holds, and whether it answered rightly."""

    row: Row
    answer: Answer
    found: tuple[bool, ...]
    exact: tuple[bool, ...]

    @property
    def decided(self) -> bool:
        """Whether it was answered where it should be, and refused where it should be."""
        return (self.answer.status == "insufficient_evidence") == (self.row["status"] == "insufficient_evidence")


@dataclass(frozen=True, slots=True)
class Score:
    """Shares in 0..1 over ``n`` questions."""

    facts: float
    decisions: float
    quotes: float
    n: int


def read(*files: Path) -> list[Row]:
    """Return the rows of JSON-lines files."""
    return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines() if line]


def suited(rows: Iterable[Row], base: str) -> list[Row]:
    """Return the rows that ``base`` ("notes", "seeds" or "notes+seeds") can be asked."""
    return [row for row in rows if row.get("over", "both") in {"both", *base.split("+")}]


def ask(assistant: Assistant, rows: Iterable[Row]) -> list[Outcome]:
    """Ask each question and compare."""
    outcomes = []
    for row in rows:
        answer = assistant.ask(row["question"], as_of=row.get("as_of"))
        found = tuple(bool(re.search(fact, answer.text, re.I | re.S)) for fact in row["expect"])
        exact = tuple(
            assistant.document(c.document_id, c.version).text[c.start : c.end] == c.quote for c in answer.citations
        )
        outcomes.append(Outcome(row, answer, found, exact))
    return outcomes


def score(outcomes: Sequence[Outcome]) -> Score:
    """Return the shares. A refusal that was right has no facts to find."""
    facts = [hit for o in outcomes if o.row["status"] == "answered" for hit in o.found]
    quotes = [same for o in outcomes for same in o.exact]
    return Score(
        sum(facts) / max(1, len(facts)),
        sum(o.decided for o in outcomes) / max(1, len(outcomes)),
        sum(quotes) / max(1, len(quotes)),
        len(outcomes),
    )


def main() -> None:
    """Print the table; with -v also each question that went wrong."""
    from ingest import CHUNKER_VERSION, ingest
    from vectorstore.embedding import make_embedder
    from vectorstore.settings import load_settings
    from vectorstore.store import Store

    settings = load_settings()
    embedder = make_embedder(settings)
    bases = {"notes": [ROOT / "knowledge"]}
    corpus = os.environ.get("THESIS_CORPUS")
    if corpus:
        seeds = Path(corpus) / "seeds"
        bases |= {"seeds": [seeds], "notes+seeds": [ROOT / "knowledge", seeds]}
    files = sorted((ROOT / "tests" / "golden").glob("*.jsonl"))
    metrics: dict[str, float] = {}
    print(f"{'set':<12} {'base':<12} {'questions':>9} {'facts':>7} {'decisions':>10} {'quotes':>7}")
    for base, paths in bases.items():
        with (
            tempfile.TemporaryDirectory() as folder,
            Store.open(folder, embedder=embedder, chunker_version=CHUNKER_VERSION) as store,
        ):
            report = ingest(store, [str(p) for p in paths], settings=settings)
            if report.failed:
                sys.exit(str(report.failed))
            for file in files:
                outcomes = ask(Assistant(store, settings), suited(read(file), base))
                result = score(outcomes)
                print(
                    f"{file.stem:<12} {base:<12} {result.n:>9} {result.facts:>7.3f} "
                    f"{result.decisions:>10.3f} {result.quotes:>7.3f}"
                )
                for name in ("facts", "decisions", "quotes"):
                    metrics[f"{file.stem}/{base}/{name}"] = round(getattr(result, name), 4)
                if "-v" in sys.argv:
                    for o in outcomes:
                        if not o.decided or not all(o.found):
                            print(
                                f"    {o.row['id']}: {o.row['question']} -> {o.answer.status}: {o.answer.text[:160]!r}"
                            )
    from benchmarks.report import write

    write("golden", metrics, corpus=corpus or "knowledge")


if __name__ == "__main__":
    main()
