"""How much of a claim its evidence says, by its content words. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from assistant.grounding.case import Case
from assistant.models import Number

# A claim may be hardly more than its figures; a name tells of whom it speaks, not what it says; general words say little.
_FIGURE, _NAME, _LIGHT = 0.5, 0.5, 0.45
# What a word counts less that stands in every sentence of the evidence: it is the subject of the whole text, and any claim has it.
_TOPIC = 0.8
_FEWEST = 4  # sentences from which on a subject shows
_SAME = 0.7  # from this strength on a word stands in a sentence
# Who only says where it stands claims nothing by that.
_FRAME = re.compile(
    r"\W*(?:according to (?:the|this|its|their) (?:\w+ )?(?:filing|report|document|passage|text|source|article|study|transcript|note|company|author|researcher)s?|"
    r"(?:the|this) (?:filing|report|document|passage|text|source|article|study|transcript|note|author|researcher)s? (?:says?|states?|notes?|reports?|mentions?|shows?|found|finds?|explains?|describes?|suggests?|indicates?)(?: that)?|"
    r"it (?:is|was) (?:noted|stated|reported|mentioned|said) that)\b,?",
    re.I,
)
_FILLERS = frozenset({"uh", "um", "er", "erm", "hmm", "yeah", "ok", "okay"})
_WE = frozenset({"we", "our", "us", "ours", "ourselves"})
_COMPANY = frozenset({"company", "company's", "firm", "firm's", "group", "group's", "registrant", "corporation"})


def covered(case: Case, numbers: Sequence[Number]) -> tuple[float, float]:
    """Return the shares (0..1) of the claim's content words, and of those of its predicate (neither names nor figures), that the evidence says.

    Where a change was worked out of the evidence's figures, the word for it ("rose") is covered too.
    """
    moved = any(n.derivation and "-" in n.derivation for n in numbers)
    figures = _FIGURE * sum(bool(n.traced_to) for n in numbers)
    total = got = figures
    said = told = 0.0
    sentences = len(case.evidence.sentences)
    frame = _FRAME.match(case.text)
    body = frame.end() if frame else 0
    # A filing says "we" where others say "the company".
    speaks = any(not _WE.isdisjoint(s.words) for s in case.evidence.sentences)
    counted: set[str] = set()
    often = [0] * len(case.tokens)
    if sentences >= _FEWEST:
        for found in case.support.matches.values():
            for i, strength in found.items():
                often[i] += strength >= _SAME
    for token, best, count in zip(case.tokens, case.support.best, often, strict=True):
        low = token.surface.lower()
        # What is said twice is said once.
        if token.figure or token.start < body or low in _FILLERS or token.stem in counted:
            continue
        counted.add(token.stem)
        if speaks and low in _COMPANY:
            best = 1.0
        held = 1.0 if moved and any(axis == "move" for axis, _ in token.poles) else best
        weight = token.weight * (_NAME if token.name else _LIGHT / 0.6 if token.light else 1.0)
        if count > 1:
            weight *= 1.0 - _TOPIC * (count - 1) / (sentences - 1)
        total += weight
        got += weight * held
        if not token.name:
            said += token.weight
            told += token.weight * held
    return (got / total if total else 0.0), (told / said if said else 1.0)
