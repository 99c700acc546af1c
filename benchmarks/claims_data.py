"""The labelled claims of benchmarks/questions/claims.jsonl, held against what is read today. ``python -m benchmarks.claims_data``

A row names a file by its sha256, a sentence by that of its text (white space folded) and a figure by where it stands in the folded
sentence, and holds no text of the corpus. ``verdict``: right, wrong (``note`` says what of it), or missed (a claim that is not read).
Prints precision over the claims of the files that have labels, recall over the files marked ``whole`` (read in full by the labeller), and
how many claims are not labelled yet; returns 1 where a labelled sentence is not in its file any more.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from assistant.catalysts.claim_reading import claims_of
from assistant.catalysts.claims import Claim
from assistant.evidence import fold
from ingest.cleaning import tag
from ingest.metadata import extract
from ingest.readers import Source, read
from vectorstore.records import Document, document_id, sha256

SHIPPED = Path(__file__).resolve().parent / "questions" / "claims.jsonl"
VERDICTS = ("right", "wrong", "missed")


@dataclass(frozen=True, slots=True)
class Label:
    """A row; ``whole``: the file was read in full, so that what is missing is known."""

    file_sha256: str
    sentence_sha256: str
    at: int
    verdict: str
    note: str = ""
    whole: bool = False


def labels(path: Path = SHIPPED) -> list[Label]:
    """Return the rows. Raises ValueError naming the line of one that breaks the format."""
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            label = Label(**json.loads(line))
        except TypeError as error:
            raise ValueError(f"{path.name}:{number}: {error}") from error
        if label.verdict not in VERDICTS or len(label.note) > 120:
            raise ValueError(f"{path.name}:{number}: verdict or note is not as the head of claims_data.py says.")
        found.append(label)
    return found


def documents(corpus: Path, wanted: frozenset[str] | None = None) -> Iterator[tuple[str, Document]]:
    """Yield (sha256, document) of the files below ``corpus``, read as ingest reads them; all, or those whose sha256 is ``wanted``."""
    for path in sorted(p for p in corpus.rglob("*") if p.is_file() and p.name != "README.md"):
        data = path.read_bytes()
        key = sha256(data)
        if wanted is not None and key not in wanted:
            continue
        reading = read(Source(path=path.name, data=data, name=path.name))
        regions = tag(reading)
        metadata = extract(reading, regions, name=path.name)
        name = document_id("corpus", path.name)
        yield (
            key,
            Document(
                name,
                key,
                path.name,
                "corpus",
                reading.text,
                metadata,
                pages=tuple(reading.pages),
                regions=tuple(regions),
            ),
        )


def place(claim: Claim) -> tuple[str, int]:
    """Return what names a claim in a label: the sum of its sentence, and where its figure stands in it."""
    before = fold(claim.quote[: claim.figure_start - claim.start])
    return sha256(fold(claim.quote).encode("utf-8", "surrogatepass")), len(before)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", default=os.environ.get("THESIS_CORPUS", ""))
    parser.add_argument("--list", action="store_true", help="show the claims that have no label")
    a = parser.parse_args(argv)
    rows = labels()
    print(f"{len(rows)} labels: {dict(Counter(r.verdict for r in rows))}")
    if not a.corpus:
        return 0
    by_file: dict[str, dict[tuple[str, int], Label]] = {}
    for row in rows:
        by_file.setdefault(row.file_sha256, {})[row.sentence_sha256, row.at] = row
    right = wrong = unlabelled = lost = told = whole = 0
    for key, document in documents(Path(a.corpus), frozenset(by_file) or None):
        known = by_file[key]
        read_now = {place(c): c for c in claims_of(document)}
        for where, claim in read_now.items():
            label = known.get(where)
            if label is None:
                unlabelled += 1
                if a.list:
                    print(f"no label: {key} {where[0]} {where[1]} {claim.statement}")
            elif label.verdict == "wrong":
                wrong += 1
            else:
                right += 1
        for where, label in known.items():
            if label.whole and label.verdict != "wrong":
                whole += 1
                told += where in read_now
        lost += sum(where not in read_now and label.verdict == "right" for where, label in known.items())
    judged = right + wrong
    print(f"precision {right}/{judged} = {right / judged:.3f}" if judged else "no claim has a label")
    print(f"recall in files read in full {told}/{whole} = {told / whole:.3f}" if whole else "no file was read in full")
    print(f"{unlabelled} claims have no label; {lost} that were right are not read any more")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
