"""The labelled sentences of benchmarks/questions/stance*.jsonl, with their text from the corpus. ``python -m benchmarks.stance_data``

A row names a file by its sha256 and a sentence by that of its text, and holds no text of the corpus. The text is found by
reading the file again with the project's own reader and splitter, so a change of either that moves a sentence is seen: its
row is then not found. Without ``THESIS_CORPUS`` only the counts of the rows are printed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import yaml

from assistant.evidence import ITEM, fold
from ingest.readers import Source, read
from vectorstore.records import sha256
from vectorstore.text import sentences

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = ROOT / "benchmarks" / "questions" / "stance.jsonl"
KEPT = ROOT / "benchmarks" / "questions" / "stance_kept.jsonl"
MORE = ROOT / "benchmarks" / "questions" / "stance_more.jsonl"  # to learn from: of the documents of the tune part alone
CATALYSTS = ROOT / "assistant" / "data" / "catalysts.yaml"
STANCES = ("for", "against", "neither")
SPLITS = {SHIPPED.name: ("tune", "held"), KEPT.name: ("kept",), MORE.name: ("more",)}
NOTE_LIMIT = 120  # characters: a reason, and no room for a sentence of the corpus
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Label:
    """A row: the stance of one sentence to one catalyst, as it was read by the rules of docs/stance.md."""

    file_sha256: str
    sentence_sha256: str
    catalyst: str
    stance: str
    split: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Pair:
    """A label with its text, white space folded, and the sentences before and after it ("" where there is none)."""

    label: Label
    text: str
    before: str
    after: str
    path: Path


class Found(NamedTuple):
    """What became of the labels: those with a text, those whose file is not there, those whose sentence is not in it."""

    pairs: list[Pair]
    no_file: list[Label]
    moved: list[Label]


class SentencesNotFoundError(LookupError):
    """Labels whose sentence the corpus does not hold, as it is read today. ``labels`` lists them."""

    def __init__(self, message: str, labels: Sequence[Label]) -> None:
        super().__init__(message)
        self.labels = tuple(labels)


def catalysts(path: Path = CATALYSTS) -> tuple[str, ...]:
    """Return the ids of the catalysts, in their order."""
    return tuple(row["id"] for row in yaml.safe_load(path.read_text(encoding="utf-8"))["catalysts"])


def labels(path: Path) -> list[Label]:
    """Return the rows of a file. Raises ValueError, which names file and line, for one that breaks the format."""
    known = catalysts()
    splits = SPLITS.get(path.name, ("tune", "held", "kept", "more"))
    found: list[Label] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        where = f"{path.name}:{number}"
        row = json.loads(line)
        if not isinstance(row, dict) or not all(isinstance(v, str) for v in row.values()):
            raise ValueError(f"{where}: a row is an object of strings.")
        try:
            label = Label(**row)
        except TypeError as error:
            raise ValueError(f"{where}: {error}") from error
        for name, value in (("file_sha256", label.file_sha256), ("sentence_sha256", label.sentence_sha256)):
            if not _DIGEST.fullmatch(value):
                raise ValueError(f"{where}: {name} is no sha256.")
        for name, value, allowed in (
            ("catalyst", label.catalyst, known),
            ("stance", label.stance, STANCES),
            ("split", label.split, splits),
        ):
            if value not in allowed:
                raise ValueError(f"{where}: {name} {value!r} is unknown; known are {', '.join(allowed)}.")
        if len(label.note) > NOTE_LIMIT:
            raise ValueError(f"{where}: a note has at most {NOTE_LIMIT} characters.")
        found.append(label)
    return found


def spans(text: str) -> list[tuple[int, int]]:
    """Return start and end of each sentence, without the mark of a list item, as the answers cut them."""
    out = []
    for start, end in sentences(text):
        mark = ITEM.match(text[start:end])
        if mark and text.rfind("\n", 0, start) + 1 == start:
            start += mark.end()
        if start < end:
            out.append((start, end))
    return out


def digest(sentence: str) -> str:
    """Return the key of a sentence: sha256 of its text with white space folded."""
    return sha256(fold(sentence).encode("utf-8", "surrogatepass"))


def _sentences(path: Path) -> list[str]:
    text = read(Source(path=path.name, data=path.read_bytes(), name=path.name)).text
    return [fold(text[start:end]) for start, end in spans(text)]


def find(rows: Iterable[Label], corpus: Path, *, workers: int = 1) -> Found:
    """Look the sentences of ``rows`` up in the files under ``corpus``, each read once. Raises ReadError."""
    wanted: dict[str, list[Label]] = {}
    for row in rows:
        wanted.setdefault(row.file_sha256, []).append(row)
    paths: dict[str, Path] = {}
    for path in sorted(p for p in corpus.rglob("*") if p.is_file()):
        paths.setdefault(sha256(path.read_bytes()), path)
    here = [key for key in wanted if key in paths]
    files = [paths[key] for key in here]
    if workers > 1:
        with ProcessPoolExecutor(workers) as pool:
            texts = dict(zip(here, pool.map(_sentences, files), strict=True))
    else:
        texts = dict(zip(here, map(_sentences, files), strict=True))
    found = Found([], [], [])
    for key, rows_of in wanted.items():
        if key not in paths:
            found.no_file.extend(rows_of)
            continue
        said = texts[key]
        places: dict[str, int] = {}
        for place, sentence in enumerate(said):
            places.setdefault(digest(sentence), place)
        for row in rows_of:
            at = places.get(row.sentence_sha256)
            if at is None:
                found.moved.append(row)
                continue
            after = said[at + 1] if at + 1 < len(said) else ""
            found.pairs.append(Pair(row, said[at], said[at - 1] if at else "", after, paths[key]))
    return found


def load(path: Path, corpus: Path, *, workers: int = 1) -> list[Pair]:
    """Return the pairs of ``path`` with their text. Raises ValueError (format) and SentencesNotFoundError."""
    found = find(labels(path), corpus, workers=workers)
    lost = [*found.no_file, *found.moved]
    if lost:
        raise SentencesNotFoundError(f"{path.name}: {_lost(found)}", lost)
    return found.pairs


def _lost(found: Found) -> str:
    files = sorted({row.file_sha256[:12] for row in found.no_file})
    lines = [
        f"{len(found.no_file)} sentences are of files that are not in the corpus, {len(found.moved)} are not in their file as it is read now "
        "(a reader or the splitter has changed)."
    ]
    lines += [f"  file {name}… is missing" for name in files]
    lines += [
        f"  {row.catalyst}: sentence {row.sentence_sha256[:12]}… of file {row.file_sha256[:12]}…" for row in found.moved
    ]
    return "\n".join(lines)


def table(rows: Sequence[Label]) -> str:
    """Return the counts by catalyst and split as a Markdown table."""
    counts = Counter((row.catalyst, row.split, row.stance) for row in rows)
    splits = sorted({row.split for row in rows}, key=["tune", "held", "kept", "more"].index)
    head = [f"{split} {stance}" for split in splits for stance in STANCES]
    lines = ["| catalyst | " + " | ".join(head) + " | all |", "|---" * (len(head) + 2) + "|"]
    for name in (*catalysts(), None):
        cells = [
            sum(n for (c, s, t), n in counts.items() if name in (None, c) and (s, t) == (split, stance))
            for split in splits
            for stance in STANCES
        ]
        lines.append(f"| {name or 'all'} | " + " | ".join(map(str, cells)) + f" | {sum(cells)} |")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Print the counts; with a corpus look every sentence up and return 1 if one is not found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", nargs="?", type=Path, default=os.environ.get("THESIS_CORPUS"))
    parser.add_argument("--workers", type=int, default=1, help="processes that read files")
    options = parser.parse_args(argv)
    failed = False
    for path in (SHIPPED, KEPT, MORE):
        rows = labels(path)
        print(f"{path.name}: {len(rows)} pairs, {len({row.file_sha256 for row in rows})} documents\n\n{table(rows)}\n")
        if options.corpus is None:
            continue
        found = find(rows, Path(options.corpus), workers=options.workers)
        kinds = Counter((pair.path.parent.name, pair.label.split) for pair in found.pairs)
        print("by kind of document: " + ", ".join(f"{kind} {split} {n}" for (kind, split), n in sorted(kinds.items())))
        if found.no_file or found.moved:
            failed = True
            print(_lost(found), file=sys.stderr)
        else:
            print(f"all {len(rows)} sentences found\n")
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
