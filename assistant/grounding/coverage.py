"""How much of a claim its evidence says, by its content words. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from assistant.grounding.case import Case
from assistant.models import Number

# A claim may be hardly more than its figures; a name tells of whom it speaks, not what it says; general words say little.
_FIGURE, _NAME, _LIGHT = 0.5, 0.5, 0.45
# What a word counts less that stands in every sentence of the evidence: it is the subject of the whole text, and any claim has it.
_TOPIC = 0.8
_FEWEST = 4  # sentences from which on a subject shows
_SAME = 0.7  # from this strength on a word stands in a sentence


def covered(case: Case, numbers: Sequence[Number]) -> tuple[float, float]:
    """Return the shares (0..1) of the claim's content words, and of those of its predicate (neither names nor figures), that the evidence says.

    Where a change was worked out of the evidence's figures, the word for it ("rose") is covered too.
    """
    moved = any(n.derivation and "-" in n.derivation for n in numbers)
    figures = _FIGURE * sum(bool(n.traced_to) for n in numbers)
    total = got = figures
    said = told = 0.0
    sentences = len(case.evidence.sentences)
    often = [0] * len(case.tokens)
    if sentences >= _FEWEST:
        for found in case.support.matches.values():
            for i, strength in found.items():
                often[i] += strength >= _SAME
    for token, best, count in zip(case.tokens, case.support.best, often, strict=True):
        if token.figure:
            continue
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
