"""A claim with its evidence, and what a check finds wrong with it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assistant.grounding.compare import agree
from assistant.grounding.evidence import Evidence, Support
from assistant.grounding.figure import Figure
from assistant.grounding.slots import Feature, Item, place
from assistant.grounding.words import Sentence, Token


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong; a ``slight`` one only makes the claim less sure."""

    kind: str
    reason: str
    contradicts: bool
    slight: bool = False


@dataclass(frozen=True)
class Case:
    """A claim as tokens, with the evidence and the sentences that support it."""

    text: str
    tokens: tuple[Token, ...]
    figures: tuple[Figure, ...]
    passive: frozenset[int]
    evidence: Evidence
    support: Support

    def sentences(self, most: int = 6) -> list[tuple[str, Sentence]]:
        """Return the supporting sentences, then others that cover nearly as much, with their owners."""
        chosen = list(self.support.chosen)
        if chosen:
            top = self.support.share(chosen[0], self.tokens)
            others = [
                (self.support.share(n, self.tokens), self.evidence.sentences[n].text, n)
                for n in self.support.matches
                if n not in chosen and self.support.share(n, self.tokens) >= 0.75 * top
            ]
            chosen += [n for _, _, n in sorted(others, reverse=True)]
        return [(self.evidence.owners[n], self.evidence.sentences[n]) for n in chosen[:most]]

    def holders(self, figure: Figure) -> list[tuple[str, Figure]]:
        """Return the figures of the evidence that agree with one of the claim, with their owners."""
        held = zip(self.evidence.owners, self.evidence.sentences, strict=True)
        return [(owner, f) for owner, s in held for f in s.figures if agree(figure, f)]


def places(sentence: Sentence, item: Item, without: Sequence[Token] = ()) -> list[Feature]:
    """Return what stands around an item of a sentence of the evidence."""
    return place(sentence.tokens, item, sentence.passive, without)
