"""Line items and ratios read from statements: right, wrong and refused on a dataset of questions with answers.

    python -m benchmarks.statements DATASET.jsonl --store DIR [-v]
    python -m benchmarks.statements --coverage --store DIR

Rows: id, question, answer, type, company, document (benchmarks of the FinanceBench format). Each question is asked of the filings
of the company whose document it names, as the assistant narrows them. "strict" compares to 1%; "rounded" also
takes an answer that rounds to the expected one at its last digit that is not 0 ($0.389 billion for $0.40). An
unanswerable question (status insufficient_evidence) is "right" where nothing is answered.

--coverage reads the standard items from every filing of the base: R read, r refused, - no such row, and checks identities
between them (assets = liabilities + equity; revenue - cost = gross profit; pretax income - tax = net income), each "+" where it holds, "x" where it does not, "." where a part was not read.
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
from assistant.statements.evaluate import work
from assistant.statements.figures import Absent, Reader, Refused, fiscal, held_statements
from assistant.statements.formulas import Name
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
    match = re.search(r"\b(thousand|million|billion|trillion)s?\b", question, re.I)
    return {"thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}[match.group(1).lower()] if match else 1.0


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
                candidates += [number, number / 1e6, number / scale_of(gold)]
    if any(abs(abs(value) - abs(c)) <= 0.01 * abs(value) for c in candidates):
        return "right"
    return "rounded" if any(abs(abs(value) - abs(c)) <= half * 1.001 for c in candidates) else "wrong"


def narrowed(row: Mapping[str, Any], sources: Sequence[SourceInfo], store: Store) -> list[Document]:
    """Return the filings of the company that the row's document belongs to, newest first."""
    company = next((s.metadata.company for s in sources if Path(s.path).name == row.get("document")), None)
    held = [s for s in sources if company and s.metadata.company == company]
    held.sort(key=lambda s: s.metadata.published or "", reverse=True)
    return [store.document(s.document_id, s.version) for s in held]


COVERED = {
    "rev": "revenue", "cogs": "cost_of_revenue", "gp": "gross_profit", "opinc": "operating_income", "int": "interest_expense", "pretax": "pretax_income",
    "tax": "income_tax", "ni": "net_income", "eps": "eps_diluted", "cash": "cash", "ar": "accounts_receivable", "inv": "inventory", "tca": "total_current_assets",
    "ppe": "ppe_net", "ta": "total_assets", "ap": "accounts_payable", "tcl": "total_current_liabilities", "ltd": "long_term_debt", "tl": "total_liabilities",
    "eq": "total_equity", "cfo": "cfo", "cfi": "cfi", "cff": "cff", "capex": "capex", "d&a": "depreciation_amortization", "div": "dividends_paid",
}  # fmt: skip


def coverage(document: Document) -> tuple[dict[str, str], str] | None:
    """Return R, r or - for each item of ``COVERED`` and the marks of the identities; None for a document without statements."""
    year, quarter = fiscal(document)
    if year is None or not any(s.columns and not s.minor for s in held_statements(document)):
        return None
    reader = Reader([document], year, quarter, months=3 * quarter if quarter else None)
    marks: dict[str, str] = {}
    value: dict[str, float] = {}
    for short, name in COVERED.items():
        try:
            value[short] = work(Name(name), year, reader).value
            marks[short] = "R"
        except Absent:
            marks[short] = " "
        except Refused as error:
            marks[short] = "-" if "no row" in error.message else "r"

    def holds(*terms: tuple[int, str], slack: float = 0.0) -> str:
        if any(name not in value for _, name in terms):
            return "."
        total = sum(sign * value[name] for sign, name in terms)
        return "+" if abs(total) <= 0.001 * max(abs(value[name]) for _, name in terms) + slack else "x"

    checks = "".join(
        (
            holds((1, "ta"), (-1, "tl"), (-1, "eq"), slack=0.02 * value.get("ta", 0.0)),
            holds((1, "rev"), (-1, "cogs"), (-1, "gp")),
            holds((1, "pretax"), (-1, "tax"), (-1, "ni"), slack=0.02 * abs(value.get("pretax", 0.0))),
        )
    )
    return marks, checks


def print_coverage(documents: Sequence[Document]) -> None:
    """Print a line a filing, and the shares of items read and identities that hold."""
    print(f"{'filing':<40} {'period':<8} " + " ".join(f"{short:>5}" for short in COVERED) + "  identities")
    counts: Counter[str] = Counter()
    held: Counter[str] = Counter()
    for document in sorted(documents, key=lambda d: Path(d.path).name):
        found = coverage(document)
        if found is None:
            continue
        marks, checks = found
        counts.update(marks.values())
        held.update(checks)
        print(
            f"{Path(document.path).name[:40]:<40} {document.metadata.fiscal_period or '':<8} "
            + " ".join(f"{marks[short]:>5}" for short in COVERED)
            + f"  {checks}"
        )
    total = sum(counts.values()) or 1
    print(
        f"read {counts['R'] / total:.3f}, refused {counts['r'] / total:.3f}, no such row {counts['-'] / total:.3f}, "
        f"no statement {counts[' '] / total:.3f}; identities hold {held['+']} of {held['+'] + held['x']}"
    )


def main() -> None:
    """Print the table; with -v each answer."""
    from vectorstore.embedding import make_embedder
    from vectorstore.settings import load_settings

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path, nargs="?")
    parser.add_argument("--coverage", action="store_true", help="which items are read from each filing")
    parser.add_argument("--store", required=True)
    parser.add_argument("-v", action="store_true")
    options = parser.parse_args()
    if options.coverage:
        with Store.open(options.store, embedder=make_embedder(load_settings())) as store:
            print_coverage([store.document(s.document_id, s.version) for s in store.sources() if s.version])
        return
    if options.dataset is None:
        parser.error("name a dataset, or --coverage")
    rows = [json.loads(line) for line in options.dataset.read_text(encoding="utf-8").splitlines() if line.strip()]
    counts: dict[str, Counter[str]] = {}
    with Store.open(options.store, embedder=make_embedder(load_settings())) as store:
        sources = [s for s in store.sources() if s.version]
        for row in rows:
            got = answer(
                row["question"], question=understand(row["question"], sources), documents=narrowed(row, sources, store)
            )
            verdict = judge(row["question"], row["answer"], got)
            if row.get("status") == "insufficient_evidence":
                verdict = "wrong" if got is not None and got.lines else "right"
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
