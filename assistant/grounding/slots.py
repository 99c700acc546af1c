"""Who did what: whether a figure, name or word stands in the claim where the source has it, or where the source has another one. Pure.

The *place* of an item is what stands around it: the content words before and after, near ones weighing more, those beyond a break of
the clause less. An item of the claim that stands in the place that another item has in the source has been exchanged for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assistant.grounding.words import Token, corporate, kin

_NEAR = (1.0, 0.8, 0.6, 0.45, 0.35)
_BEYOND = 0.35  # of a word in another clause


@dataclass(frozen=True, slots=True)
class Item:
    """Tokens first..last (inclusive) of a sentence that are one thing: a name of several words, a figure, a word."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Feature:
    """A word beside an item: on its left (-1) or right (+1)."""

    side: int
    token: Token
    weight: float


def place(
    tokens: Sequence[Token], item: Item, passive: frozenset[int] = frozenset(), without: Sequence[Token] = ()
) -> list[Feature]:
    """Return what stands around an item; words of ``without`` are left out."""
    found: list[Feature] = []
    home = tokens[item.first].clause
    skip = {t.stem for t in without}
    for side in (-1, 1):
        at = item.first if side < 0 else item.last
        for near in _NEAR:
            at += side
            if not 0 <= at < len(tokens):
                break
            token = tokens[at]
            if token.stem in skip:
                continue
            weight = near * (1.0 if token.clause == home else _BEYOND)
            found.append(Feature(-side if at in passive else side, token, weight))
    return found


def _same(a: Token, b: Token) -> bool:
    return a.stem == b.stem or bool(a.keys & b.keys) or (not a.figure and not b.figure and kin(a.stem, b.stem))


def nearness(claim: Sequence[Feature], source: Sequence[Feature]) -> float:
    """Return how much of what stands around an item in the claim stands around one in the source (0..1); the other side counts half."""
    total = sum(f.weight for f in claim)
    if not total:
        return 0.0
    used: set[int] = set()
    gained = 0.0
    for f in sorted(claim, key=lambda f: -f.weight):
        best, which = 0.0, -1
        for j, g in enumerate(source):
            if j in used or not _same(f.token, g.token):
                continue
            worth = min(f.weight, g.weight) * (1.0 if f.side == g.side else 0.5)
            # The same word a little nearer or farther is still the same word.
            worth = max(worth, 0.6 * f.weight * (1.0 if f.side == g.side else 0.5))
            if worth > best:
                best, which = worth, j
        if which >= 0:
            used.add(which)
            gained += best
    return min(1.0, gained / total)


def adjoining(claim: Sequence[Feature], source: Sequence[Feature]) -> bool:
    """Whether the very next word on one side is the same in both."""
    return any(
        f.side == g.side and f.weight == g.weight == 1.0 and _same(f.token, g.token) for f in claim for g in source
    )


def runs(tokens: Sequence[Token]) -> list[Item]:
    """Return the tokens as items, names of several words as one."""
    items: list[Item] = []
    for i, token in enumerate(tokens):
        last = items[-1] if items else None
        if (
            last is not None
            and token.name
            and tokens[last.last].name
            and tokens[last.last].end + 1 >= token.start
            and tokens[last.last].clause == token.clause
        ):
            items[-1] = Item(last.first, i)
        else:
            items.append(Item(i, i))
    return items


def preposition_gap(claim: Token, source: Token) -> float:
    """Return what differing prepositions before two figures cost ("from 5" against "to 5")."""
    telling = {"base", "to", "by"}
    if claim.before == source.before or not (claim.before in telling and source.before in telling):
        return 0.0
    return 0.3


def initials(tokens: Sequence[Token]) -> frozenset[str]:
    """Return the initials of the names of several words: "amd" for Advanced Micro Devices."""
    found = set()
    for item in runs(tokens):
        parts = [t for t in tokens[item.first : item.last + 1] if t.name]
        before = tokens[item.first - 1] if item.first and parts else None
        for words in (
            parts,
            [before, *parts] if before and before.initial and before.end + 1 == parts[0].start else parts,
        ):
            if len(words) >= 2:
                letters = "".join(t.surface[0] for t in words).lower()
                found |= {letters, "".join(t.surface[0] for t in words if not corporate(t.surface)).lower()}
    return frozenset(found)
