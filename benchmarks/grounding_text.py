"""Passages, their sentences of prose and the names in them, for claims that are made from real documents."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

Rng = random.Random


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk of a document, with where it comes from."""

    document: str
    company: str
    text: str


_SPLIT = re.compile(r"(?<=[a-z0-9%)][.])\s+(?=[A-Z“\"])")


VERBISH = re.compile(
    r"\b(?:is|are|was|were|be|been|has|have|had|will|would|can|could|may|might|must|should|did|does|do|rose|grew|fell|made|said|paid|sold|[a-z]{3,}(?:ed|izes|ises))\b"
)


def sentences_of(passage: Passage) -> list[str]:
    """Return the sentences of prose of a passage: 8 to 45 words, capital and full stop, hardly any table in it."""
    found = []
    blocks = re.split(r"\n\s*\n|\n\s*[-•*]\s+", passage.text)
    for part in (p for block in blocks for p in _SPLIT.split(" ".join(block.split()))):
        words = part.split()
        if not 8 <= len(words) <= 45 or not part[0].isupper() or not part.endswith(".") or not VERBISH.search(part):
            continue
        letters = sum(w[0].isalpha() and w.isascii() for w in words)
        if (
            letters < 0.72 * len(words)
            or re.search(r"[|•]|\.{3}|\d \d|[A-Z]{4,} [A-Z]{4,}|\bSpeaker\b|[.] \d+[.]$", part)
            or part.count("(") != part.count(")")
        ):
            continue
        if part in " ".join(passage.text.split()):
            found.append(part)
    return found


_PROPER = re.compile(
    r"(?<=[a-z,] )(?:[A-Z][a-z]{2,}(?:-[A-Z][a-z]+)?|[A-Z]{3,5})(?: (?:& )?[A-Z][a-z]{2,}){0,3}(?=[\s,.'’;)])"
)


_NO_ENTITY = re.compile(
    r"^(?:January|February|March|April|May|June|July|August|September|October|November|December|Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday|Note|Notes|Item|Part|Section|"
    r"Exhibit|Company|Board|Directors|Plan|Annual|Report|Form|Financial|Consolidated|Statements?|Management|Discussion|Act|Committee|Net|Total|Chief|Officer|President|Corporation|Firm|"
    r"Common|Stock|Class|Term|Credit|Agreement|Notes|Revolving|Senior|GAAP|EBITDA|CEO|CFO|COO|EPS|USD|FAS|ASU|ASC|And|The|Our|But|AND|THE|NOT|FOR|Level|Tier|Topic|Accounting|Standards)\b"
)  # fmt: skip


def proper_names(text: str) -> list[re.Match[str]]:
    """Return what looks like the name of a company, person, place or product inside a sentence."""
    return [
        m
        for m in _PROPER.finditer(text)
        if not _NO_ENTITY.match(m.group()) and not text[m.end() :].startswith((" Act", " Agreement", " Plan"))
    ]


def words(text: str) -> set[str]:
    """Return the words of four letters and more, and the numbers, in lower case."""
    return set(re.findall(r"[a-z]{4,}|\d[\d,.]*\d|\d", text.lower()))
