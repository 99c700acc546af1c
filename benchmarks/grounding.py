"""How often the check of claims catches damage, and how often it doubts what is right. ``python -m benchmarks.grounding``

Claims are made from sentences of the documents under THESIS_CORPUS (without it: of the sample notes), half of them damaged in one of ten ways (see
`benchmarks.grounding_claims`). "Caught": the verdict is not "supported". Beside it the share caught by word containment (>= 0.68).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from assistant.grounding import check
from benchmarks.grounding_claims import KINDS, Made, make
from benchmarks.grounding_text import Passage
from benchmarks.report import write
from ingest.worker import Job, parse
from vectorstore.errors import ThesisError
from vectorstore.settings import load_settings

ROOT = Path(__file__).resolve().parents[1]
SUFFIXES = {".txt", ".md", ".html", ".htm", ".pdf", ".docx"}
CONTAINMENT = 0.68
_FUNCTION = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "been",
        "but",
        "by",
        "for",
        "from",
        "had",
        "has",
        "have",
        "in",
        "is",
        "it",
        "its",
        "of",
        "on",
        "or",
        "our",
        "that",
        "the",
        "their",
        "these",
        "they",
        "this",
        "those",
        "to",
        "was",
        "we",
        "were",
        "which",
        "will",
        "with",
        "would",
        "not",
        "no",
    ]
)


def passages_of(folder: Path) -> list[Passage]:
    """Return the body chunks of every document below ``folder``, as ingest cuts them."""
    settings = load_settings()
    found = []
    for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and p.name != "README.md"):
        try:
            parsed = parse(Job(str(path), path.name, "default", path), settings)
        except (ThesisError, OSError) as error:
            print(f"left out {path.name}: {error}")
            continue
        company = parsed.document.metadata.company or ""
        found += [Passage(path.name, company, c.text) for c in parsed.chunks if c.role == "body"]
    return found


def contained(claim: str, evidence: str) -> bool:
    """The baseline: at least 0.68 of a claim's words (but function words) stand in the evidence, and nothing else is looked at."""

    def split(text: str) -> list[str]:
        return [w for w in re.findall(r"[a-z0-9]+(?:[.,]\d+)*", text.lower()) if w not in _FUNCTION]

    wanted = set(split(claim))
    return not wanted or len(wanted & set(split(evidence))) / len(wanted) >= CONTAINMENT


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table and write benchmarks/out/grounding.json; with -v the claims that went wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--per-kind", type=int, default=150, help="damaged claims of each kind (default 150)")
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--passages", type=Path, help="keep the passages in this file, or read them from it")
    parser.add_argument("-v", action="store_true", help="print the claims that went wrong")
    options = parser.parse_args(argv)
    corpus = os.environ.get("THESIS_CORPUS")
    if options.passages and options.passages.exists():
        passages = [Passage(**row) for row in json.loads(options.passages.read_text(encoding="utf-8"))]
    else:
        passages = passages_of(Path(corpus) if corpus else ROOT / "knowledge")
        if options.passages:
            rows = [{"document": p.document, "company": p.company, "text": p.text} for p in passages]
            options.passages.write_text(json.dumps(rows), encoding="utf-8")
    claims = make(passages, per_kind=options.per_kind, seed=options.seed)
    began = time.perf_counter()
    judged: dict[str, list[tuple[Made, bool, bool]]] = defaultdict(list)
    for made in claims:
        got = check(made.claim, [made.evidence])
        judged[made.kind].append((made, got.verdict == "supported", contained(made.claim, made.evidence)))
        wrong = (got.verdict == "supported") != (made.kind in {"untouched", "rephrased"})
        if options.v and wrong:
            print(
                f"--- {made.kind}: {got.verdict} {got.score} {got.reason}\n    {made.claim}\n    {made.original if made.claim != made.original else made.evidence!r}"
            )
    seconds = time.perf_counter() - began
    metrics: dict[str, float] = {"claims": len(claims)}
    baseline: dict[str, float] = {}
    print(f"{'damage':<12} {'n':>5} {'caught':>8} {'containment':>12}")
    for kind in KINDS:
        rows = judged[kind]
        metrics[f"n_{kind}"] = len(rows)
        if rows:
            metrics[f"{kind}_caught"] = sum(not ours for _, ours, _ in rows) / len(rows)
            baseline[f"{kind}_caught"] = sum(not theirs for _, _, theirs in rows) / len(rows)
            print(f"{kind:<12} {len(rows):>5} {metrics[f'{kind}_caught']:>8.3f} {baseline[f'{kind}_caught']:>12.3f}")
    print(f"{'left right':<12} {'n':>5} {'doubted':>8} {'containment':>12}")
    right = judged["untouched"] + judged["rephrased"]
    for name, rows in (("untouched", judged["untouched"]), ("rephrased", judged["rephrased"]), ("both", right)):
        key = "false_alarms" if name == "both" else f"false_alarms_{name}"
        metrics[f"n_{name}" if name != "both" else "n_right"] = len(rows)
        if rows:
            metrics[key] = sum(not ours for _, ours, _ in rows) / len(rows)
            baseline[key] = sum(not theirs for _, _, theirs in rows) / len(rows)
            print(f"{name:<12} {len(rows):>5} {metrics[key]:>8.3f} {baseline[key]:>12.3f}")
    metrics["milliseconds_per_claim"] = round(1000 * seconds / max(1, len(claims)), 2)
    print(f"{len(claims)} claims, {metrics['milliseconds_per_claim']:.1f} ms each")
    write("grounding", metrics, corpus=corpus or "knowledge", baseline=baseline)


if __name__ == "__main__":
    main()
