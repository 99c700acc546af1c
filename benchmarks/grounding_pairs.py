"""How well the check of claims tells supported from not on the hand-written pairs. ``python -m benchmarks.grounding_pairs``

For each set and half of tests/grounding_pairs.jsonl: macro-F1 at the threshold of decision (0.5), the best macro-F1 of any threshold and where it lies,
and the AUROC of the score; beside them macro-F1 of word containment.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from assistant.grounding import check
from benchmarks.grounding import contained
from benchmarks.report import write

ROOT = Path(__file__).resolve().parents[1]
Scored = tuple[float, bool]


def macro_f1(rows: Sequence[Scored], threshold: float) -> float:
    """Return the mean of the F1 of "supported" and of "not supported"; rows are (score, is supported)."""
    found = []
    for wanted in (True, False):
        right = sum((score >= threshold) == wanted == truth for score, truth in rows)
        wrong = sum(((score >= threshold) == wanted) != (truth == wanted) for score, truth in rows)
        found.append(2 * right / (2 * right + wrong) if right else 0.0)
    return sum(found) / 2


def auroc(rows: Sequence[Scored]) -> float:
    """Return the share of pairs of a supported and another claim in which the supported one scores higher; ties count half."""
    good, bad = [s for s, t in rows if t], [s for s, t in rows if not t]
    return sum((a > b) + 0.5 * (a == b) for a in good for b in bad) / max(1, len(good) * len(bad))


def main() -> None:
    """Print the table and write benchmarks/out/grounding_pairs.json."""
    ours: dict[str, list[Scored]] = defaultdict(list)
    theirs: dict[str, list[Scored]] = defaultdict(list)
    for line in (ROOT / "tests" / "grounding_pairs.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        file = row.get("evidence_file")
        evidence = [(ROOT / "knowledge" / file).read_text(encoding="utf-8")] if file else row["evidence"]
        truth = row["label"] == "supported"
        score, held = check(row["claim"], evidence).score, float(contained(row["claim"], " ".join(evidence)))
        for name in (f"{row['set']} {row['half']}", row["half"], "all"):
            ours[name].append((score, truth))
            theirs[name].append((held, truth))
    metrics: dict[str, float] = {}
    print(f"{'pairs':<14} {'n':>4} {'macro-F1':>9} {'best':>6} {'at':>5} {'AUROC':>6} {'containment':>12}")
    for name in sorted(ours):
        rows = ours[name]
        best, at = max((macro_f1(rows, t / 100), -abs(t - 50)) for t in range(5, 96))
        where = next(t / 100 for t in range(5, 96) if (macro_f1(rows, t / 100), -abs(t - 50)) == (best, at))
        key = name.replace(" ", "_")
        metrics |= {
            f"n_{key}": len(rows),
            f"macro_f1_{key}": macro_f1(rows, 0.5),
            f"auroc_{key}": auroc(rows),
        }
        told = f"{name:<14} {len(rows):>4} {macro_f1(rows, 0.5):>9.3f} {best:>6.3f} {where:>5.2f} {auroc(rows):>6.3f}"
        print(f"{told} {macro_f1(theirs[name], 0.5):>12.3f}")
    write("grounding_pairs", metrics, corpus="tests/grounding_pairs.jsonl")


if __name__ == "__main__":
    main()
