"""Line items and ratios read from statements: right, wrong and refused on a dataset of questions with answers.

    python -m benchmarks.statements DATASET.jsonl --store DIR [-v]

Rows: id, question, answer, type, company, document (benchmarks of the FinanceBench format). Each question is asked of the filings
of the company whose document it names, as the assistant narrows them. "strict" compares to 1%; "rounded" also
takes an answer that rounds to the expected one at its last digit that is not 0 ($0.389 billion for $0.40).
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from assistant.numbers import quantities
from assistant.question import understand
from assistant.statements import StatementAnswer, answer
from benchmarks.report import write
from vectorstore.records import Document, SourceInfo
from vectorstore.store import Store

KINDS = ("right", "rounded", "wrong", "refused", "none")
_EXPECTED = re.compile(r"-?\$?-?\d[\d,]*(?:\.\d+)?")


def expected(text: str) -> tuple[float, float] | None:
    """Return the first number of an expected answer and half a unit of its last digit that is not 0."""
    match = _EXPECTED.search(text)
    if not match:
        return None
    digits = re.sub(r"[$,]", "", match.group()).lstrip("-").rstrip(".")
    value = Decimal(digits)
    exponent = value.normalize().as_tuple().exponent
    assert isinstance(exponent, int)
    half = float(Decimal(1).scaleb(min(exponent, 0)) / 2)
    return (-1 if "-" in match.group() else 1) * float(value), half


def scale_of(question: str) -> float:
    """Return the unit that a question asks money in."""
    match = re.search(r"\b(thousand|million|billion)s?\b", question, re.I)
    return {"thousand": 1e3, "million": 1e6, "billion": 1e9}[match.group(1).lower()] if match else 1.0


def judge(question: str, gold: str, got: StatementAnswer | None) -> str:
    """Return right, rounded, wrong, refused or none for an answer against the expected text."""
    if got is None:
        return "none"
    if got.refusal:
        return "refused"
    first = expected(gold)
    if first is None:
        return "wrong"
    value, half = first
    named = next((q for q in quantities(gold) if q.unit not in {"year", "date"}), None)
    candidates = []
    for line in got.lines:
        for _, number, unit, _ in line.numbers[:1]:
            money = unit not in {"%", "pp", "x", "days", "shares"}
            candidates.append(number / scale_of(question) if money else number)
            if money and named is not None:
                candidates += [number, number / 1e6]
    if any(abs(abs(value) - abs(c)) <= 0.01 * abs(value) for c in candidates):
        return "right"
    return "rounded" if any(abs(abs(value) - abs(c)) <= half * 1.001 for c in candidates) else "wrong"


def narrowed(row: Mapping[str, Any], sources: Sequence[SourceInfo], store: Store) -> list[Document]:
    """Return the filings of the company that the row's document belongs to, newest first."""
    company = next((s.metadata.company for s in sources if Path(s.path).name == row.get("document")), None)
    held = [s for s in sources if company and s.metadata.company == company]
    held.sort(key=lambda s: s.metadata.published or "", reverse=True)
    return [store.document(s.document_id, s.version) for s in held]


def main() -> None:
    """Print the table; with -v each answer."""
    from vectorstore.embedding import make_embedder
    from vectorstore.settings import load_settings

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--store", required=True)
    parser.add_argument("-v", action="store_true")
    options = parser.parse_args()
    rows = [json.loads(line) for line in options.dataset.read_text(encoding="utf-8").splitlines() if line.strip()]
    counts: dict[str, Counter[str]] = {}
    with Store.open(options.store, embedder=make_embedder(load_settings())) as store:
        sources = [s for s in store.sources() if s.version]
        for row in rows:
            got = answer(
                row["question"], question=understand(row["question"], sources), documents=narrowed(row, sources, store)
            )
            verdict = judge(row["question"], row["answer"], got)
            for group in ("all", row.get("type", "")):
                counts.setdefault(group, Counter())[verdict] += 1
            if options.v:
                shown = "" if got is None else got.refusal or " / ".join(line.text for line in got.lines)
                print(
                    f"{verdict:<8} {row['id']}: {row['question'][:110]}\n         expected {row['answer'][:90]!r}\n         {shown}"
                )
    print(f"{'type':<22} {'n':>4} " + " ".join(f"{kind:>8}" for kind in KINDS))
    metrics: dict[str, float] = {}
    for group in sorted(counts):
        n = sum(counts[group].values())
        print(f"{group:<22} {n:>4} " + " ".join(f"{counts[group][kind]:>8}" for kind in KINDS))
        metrics |= {f"{group}/{kind}": counts[group][kind] / n for kind in KINDS}
    write("statements", metrics, corpus=str(options.dataset.name))


if __name__ == "__main__":
    main()
