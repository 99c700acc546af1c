"""Claims side by side: the same words twice, the same author later, authors who disagree. Pure.

A claim is a piece of evidence with the document that it stands in. Its date is the day on which the document was published.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from assistant.catalysts.evidence import Found
from assistant.catalysts.shapes import AUTHORITY
from assistant.lexicon import stopwords
from assistant.numbers import quantities
from vectorstore.names import fold
from vectorstore.records import SourceInfo

SAME_WORDS = 0.85  # share of the words of both that two have in common, to be one claim that is said twice
SAME_POINT = 0.78  # cosine of two sentences of one author, to speak of the same point
OPPOSED = 0.5  # cosine of two sentences of different authors, to be shown as a contradiction
NEWEST = 80  # claims of each side among which contradictions are looked for
MOST_PAIRS = 3
PER_AUTHOR = 1500  # claims of one author and catalyst, the newest, that are compared
_WORD = re.compile(r"\w+(?:[.,]\d+)*")

RULES = {
    "repeats": f"Sentences of one side that share at least {SAME_WORDS:.0%} of their words, and all figures, are one claim: the newest is "
    "shown, the others are counted and listed.",
    "superseded": "A claim is superseded where the same author (else the publisher, else the company) speaks of the same point in a document "
    f"published later: both sentences are about the catalyst and their embeddings have a cosine of at least {SAME_POINT:.2f}. The newest such "
    "sentence is named, whichever side it takes.",
    "contradictions": f"A claim for and one against are a pair where their authors differ, neither is superseded, and their embeddings have a "
    f"cosine of at least {OPPOSED:.2f}: the closest {MOST_PAIRS} of the newest {NEWEST} of each side. A claim and a figure are a pair where "
    "the figure meets a condition of the other side.",
    "authority": "Kinds of documents from the most binding: " + " > ".join(AUTHORITY) + ".",
    "order": "Newest first by the day of publication; on the same day the more binding kind first. Documents without a date come last.",
}


@dataclass(frozen=True)
class Claim:
    """A piece of evidence and its document."""

    found: Found
    source: SourceInfo

    @property
    def day(self) -> str:
        """The day on which the document was published; "" where it has no date."""
        return self.source.metadata.published or ""

    @property
    def authority(self) -> int:
        """The place of the document's kind in AUTHORITY, from 1."""
        return AUTHORITY.index(self.source.metadata.kind) + 1

    @property
    def author(self) -> str | None:
        """Who says it: the authors named, else the publisher, else the company."""
        meta = self.source.metadata
        return ", ".join(meta.authors) or meta.publisher or meta.company

    @cached_property
    def words(self) -> frozenset[str]:
        found = {word.lower() for word in _WORD.findall(self.found.quote)}
        return frozenset(found - stopwords()) or frozenset(found)

    @cached_property
    def figures(self) -> tuple[tuple[float, str], ...]:
        return tuple(sorted({(q.value, q.unit) for q in quantities(" ".join(self.found.quote.split()))}))

    @property
    def rank(self) -> tuple[object, ...]:
        """Sorts newest first, then the more binding, then the surer, and last by id, so that the order is always the same."""
        newest = tuple(-ord(sign) for sign in self.day) if self.day else (1,)
        return (newest, self.authority, -self.found.score, self.found.evidence_id)


@dataclass(frozen=True, slots=True)
class Later:
    """What supersedes a claim: the later one, and the cosine of the two."""

    claim: Claim
    closeness: float


@dataclass(frozen=True, slots=True)
class Opposed:
    """Two claims of different authors, one on each side, and their cosine."""

    speaks_for: Claim
    speaks_against: Claim
    closeness: float


def grouped(claims: Sequence[Claim]) -> list[tuple[Claim, tuple[Claim, ...]]]:
    """Return (newest, its repeats newest first) of claims that say nearly the same words, newest first."""
    ordered = sorted(claims, key=lambda c: c.rank)
    parent = list(range(len(ordered)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for i, j in _alike(ordered):
        low, high = sorted((root(i), root(j)))
        parent[high] = low  # the newest stands for all
    members: dict[int, list[Claim]] = defaultdict(list)
    for i, claim in enumerate(ordered):
        members[root(i)].append(claim)
    return [(listed[0], tuple(listed[1:])) for _, listed in sorted(members.items())]


def _alike(claims: Sequence[Claim]) -> list[tuple[int, int]]:
    """Return the pairs with the same side and figures whose words have a Jaccard index of at least SAME_WORDS.

    By prefix filtering (Chaudhuri, Ganti and Kaushik 2006): such sets share one of their rarest words.
    """
    often = Counter(word for claim in claims for word in claim.words)
    held: dict[tuple[object, ...], list[int]] = defaultdict(list)
    pairs = []
    for i, claim in enumerate(claims):
        words = sorted(claim.words, key=lambda w: (often[w], w))
        # Of n words at least ceil(SAME_WORDS * n) are shared, so one of the first n - that + 1 is.
        first = words[: len(words) - int(np.ceil(SAME_WORDS * len(words))) + 1]
        near: set[int] = set()
        for word in first:
            key = (claim.found.side, claim.figures, word)
            near.update(held[key])
            held[key].append(i)
        for j in near:
            both = len(claims[j].words & claim.words)
            if both >= SAME_WORDS * (len(claims[j].words) + len(claim.words) - both):
                pairs.append((j, i))
    return pairs


def superseded(claims: Sequence[Claim]) -> dict[str, Later]:
    """Return by evidence id what the same author said later on the same point, the newest such claim."""
    authors: dict[str, list[Claim]] = defaultdict(list)
    for claim in claims:
        if claim.author and claim.day:
            authors[fold(claim.author)].append(claim)
    out: dict[str, Later] = {}
    for listed in authors.values():
        listed.sort(key=lambda c: c.rank)
        listed = listed[:PER_AUTHOR]
        days = np.array([claim.day for claim in listed])
        if days[0] == days[-1]:
            continue
        vectors = np.stack([claim.found.vector for claim in listed])
        for i, claim in enumerate(listed):
            later = int(np.count_nonzero(days > claim.day))  # newest first: these come before it
            close = vectors[:later] @ vectors[i]
            near = np.flatnonzero(close >= SAME_POINT)
            if near.size:
                newest = [j for j in near if days[j] == days[near[0]]]
                best = max(newest, key=lambda j: float(close[j]))
                out[claim.found.evidence_id] = Later(listed[best], round(float(close[best]), 3))
    return out


def opposed(claims: Sequence[Claim]) -> list[Opposed]:
    """Return the closest pairs of a claim for and one against by different authors; each claim is in one pair at most."""
    ordered = sorted(claims, key=lambda c: c.rank)
    good = [c for c in ordered if c.found.side == "for" and c.author][:NEWEST]
    bad = [c for c in ordered if c.found.side == "against" and c.author][:NEWEST]
    if not good or not bad:
        return []
    close = np.stack([c.found.vector for c in good]) @ np.stack([c.found.vector for c in bad]).T
    pairs: list[Opposed] = []
    used: set[str] = set()
    for flat in np.argsort(-close, axis=None, kind="stable"):
        i, j = divmod(int(flat), len(bad))
        if close[i, j] < OPPOSED or len(pairs) == MOST_PAIRS:
            break
        ids = {good[i].found.evidence_id, bad[j].found.evidence_id}
        if used & ids or fold(good[i].author or "") == fold(bad[j].author or ""):
            continue
        used |= ids
        pairs.append(Opposed(good[i], bad[j], round(float(close[i, j]), 3)))
    return pairs


__all__ = ["RULES", "Claim", "Later", "Opposed", "grouped", "opposed", "superseded"]
