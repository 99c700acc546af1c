"""Is the confidence of an extractive answer what it says? How often answers of each confidence are right.

    python -m benchmarks.confidence --store DIR [DATASET.jsonl ...]

Rows: question, expect (regular expressions), status (``insufficient_evidence`` where the base cannot answer). Without datasets: our
own questions over the corpus (benchmarks/questions, line items left out), which DIR has to hold, and the golden sets over the
sample notes. Each question is answered as if no confidence were too low; an answer is right where it holds all that is
expected. Printed for each bin: how many, the mean confidence and the share that is right; then, for each threshold, what would be
right, wrong and refused. ``assistant.extractive.ENOUGH`` is set by the second table.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from assistant import Assistant, evidence, extractive
from assistant.also_known import read as understand
from assistant.reply import GIVEN
from assistant.retrieval import retrieve, weights
from benchmarks.golden import ROOT, read, suited
from benchmarks.report import write
from vectorstore.records import Filters

BINS = (0.0, 0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 1.01)
THRESHOLDS = (0.4, 0.45, 0.5, 0.52, 0.55, 0.6, 0.65, 0.7)


@dataclass(frozen=True, slots=True)
class Answered:
    """One question answered regardless of confidence. ``answerable``: the base holds an answer."""

    confidence: float
    right: bool
    answerable: bool


def answered(assistant: Assistant, rows: Sequence[Mapping[str, Any]]) -> Iterator[Answered]:
    """Yield what is answered from passages; questions for metadata, live figures, both sides or several things are not of this kind."""
    sources = assistant.sources()
    for row in rows:
        question = understand(
            row["question"],
            sources,
            lambda words, firms: assistant.store.search_keyword(words, k=20, filters=Filters(company=firms)),
        )
        several = len(question.parts) > 1 or len(question.companies) > 1
        if question.metadata or question.live or several or question.intent == "for_against" or row.get("as_of"):
            continue
        passages = retrieve(assistant.store, question, Filters()).passages[:GIVEN]
        documents = {p.chunk.document_id: assistant.document(p.chunk.document_id, p.chunk.version) for p in passages}
        weight = weights(assistant.store, question.units)
        encode = assistant.store.embedder.encode
        ranked = evidence.score(question, passages, documents, weight, encode)
        chosen = extractive.select(question, ranked, documents, weight, encode, enough=0.0)
        sentences = [s for group in chosen.groups for s in group.sentences]
        if not sentences:
            continue
        text = " ".join(s.text for s in sentences)
        answerable = row.get("status") != "insufficient_evidence"
        right = answerable and all(re.search(fact, text, re.I | re.S) for fact in row["expect"])
        yield Answered(sentences[0].confidence, right, answerable)


def table(found: Sequence[Answered]) -> list[tuple[float, float, int, float, float]]:
    """Return (from, to, n, mean confidence, share right) for each bin that holds any."""
    out = []
    for low, high in pairwise(BINS):
        inside = [a for a in found if low <= a.confidence < high]
        if inside:
            n = len(inside)
            out.append((low, high, n, sum(a.confidence for a in inside) / n, sum(a.right for a in inside) / n))
    return out


def at(found: Sequence[Answered], threshold: float) -> tuple[float, float, float]:
    """Return the shares (right, wrong, refused) with this threshold; a refusal of the unanswerable is right."""
    n = max(1, len(found))
    given = [a for a in found if a.confidence >= threshold]
    rightly = sum(not a.answerable for a in found if a.confidence < threshold)
    right = sum(a.right for a in given) + rightly
    wrong = sum(not a.right for a in given)
    return right / n, wrong / n, 1 - (right + wrong) / n


def main() -> None:
    """Print both tables for each base."""
    from ingest import CHUNKER_VERSION, ingest
    from vectorstore.embedding import make_embedder
    from vectorstore.settings import load_settings
    from vectorstore.store import Store

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datasets", nargs="*", type=Path)
    parser.add_argument("--store", required=True)
    args = parser.parse_args()
    files = args.datasets or sorted((ROOT / "benchmarks" / "questions").glob("[cn]*.jsonl"))
    rows = [row for row in read(*files) if "expect" in row or row.get("status") == "insufficient_evidence"]
    settings = load_settings()
    with Assistant.open(args.store) as assistant:
        of_base = {"corpus": list(answered(assistant, [r for r in rows if r.get("type") != "metrics-generated"]))}
    if not args.datasets:
        golden = suited(read(*sorted((ROOT / "tests" / "golden").glob("*.jsonl"))), "notes")
        with (
            tempfile.TemporaryDirectory() as folder,
            Store.open(folder, embedder=make_embedder(settings), chunker_version=CHUNKER_VERSION) as store,
        ):
            ingest(store, [str(ROOT / "knowledge")], settings=settings)
            of_base["notes"] = list(answered(Assistant(store, settings), golden))
    metrics: dict[str, float] = {}
    for base, found in of_base.items():
        print(f"\n{base}: {len(found)} questions answered from passages\n")
        print(f"{'confidence':>12} {'n':>5} {'mean':>6} {'right':>6}")
        for low, high, n, mean, right in table(found):
            print(f"{low:>6.2f}-{min(high, 1):.2f} {n:>6} {mean:>6.2f} {right:>6.2f}")
            metrics[f"{base}/right/{low:.2f}"] = round(right, 4)
        print(f"\n{'threshold':>12} {'right':>6} {'wrong':>6} {'refused':>8}")
        for threshold in THRESHOLDS:
            shares = at(found, threshold)
            print(f"{threshold:>12.2f} {shares[0]:>6.2f} {shares[1]:>6.2f} {shares[2]:>8.2f}")
            metrics[f"{base}/wrong_at/{threshold:.2f}"] = round(shares[1], 4)
    write("confidence", metrics, corpus=", ".join(path.stem for path in files))


if __name__ == "__main__":
    main()
