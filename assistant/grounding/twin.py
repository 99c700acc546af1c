"""A claim that repeats a sentence of its source almost word for word: what differs must not change what is said. Pure.

The claim's tokens are matched one to one with those of the sentence; what is left over on both sides is compared, and so is the order.
Paraphrases have no twin and are left to the other checks.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from assistant.grounding.compare import WHEN, agree, difference, rivals
from assistant.grounding.evidence import Evidence, Support
from assistant.grounding.figure import Figure
from assistant.grounding.words import Sentence, Token, alike, opposed, rooted

# So much of the claim must stand in the sentence.
_TWIN = 0.78


@dataclass(frozen=True)
class Twin:
    """``pairs[i]``: the place in ``source`` of the claim's token i, -1 where it has none."""

    claim: tuple[Token, ...]
    source: tuple[Token, ...]
    pairs: tuple[int, ...]
    share: float
    passive: tuple[frozenset[int], frozenset[int]] = (frozenset(), frozenset())  # of the claim, of the sentence
    words: tuple[str, ...] = ()  # of the sentence, function words too

    def left_claim(self) -> list[Token]:
        """Return the claim's tokens that the sentence lacks."""
        return [t for t, p in zip(self.claim, self.pairs, strict=True) if p < 0]

    @property
    def whole(self) -> bool:
        """Whether hardly a word is left over on either side."""
        matched = sum(p >= 0 for p in self.pairs)
        return self.share >= 0.9 and matched >= 0.8 * len(self.source)

    def left_source(self) -> list[Token]:
        """Return the sentence's tokens, between the first and the last one that the claim has, that the claim lacks."""
        used = {p for p in self.pairs if p >= 0}
        return [t for i, t in enumerate(self.source) if i not in used]


def _strength(a: Token, b: Token) -> float:
    if a.figure or b.figure:
        return 1.0 if a.figure and b.figure and agree(a.figure, b.figure) else 0.0
    return alike(a, b)


def match(claim: Sequence[Token], source: Sequence[Token]) -> Twin:
    """Match tokens one to one, the same word before a synonym; of several places the one that keeps the order."""
    pairs = [-1] * len(claim)
    anchors = [not t.figure and not t.name for t in claim]
    used: set[int] = set()
    by_stem: dict[str, list[int]] = {}
    for j, token in enumerate(source):
        by_stem.setdefault(token.stem, []).append(j)

    def take(i: int, places: Sequence[int]) -> None:
        free = [j for j in places if j not in used]
        if not free:
            return
        # Figures and names are what is exchanged; words show where a sentence stands.
        before = next((pairs[k] for k in range(i - 1, -1, -1) if pairs[k] >= 0 and anchors[k]), -1)
        after = next((pairs[k] for k in range(i + 1, len(claim)) if pairs[k] >= 0 and anchors[k]), -1)
        best = min(free, key=lambda j: (min(abs(j - before - 1), abs(j - after + 1) if after >= 0 else 10**6), j))
        pairs[i] = best
        used.add(best)

    # Words that stand once fix the order for those that stand often.
    order = sorted(range(len(claim)), key=lambda i: (len(by_stem.get(claim[i].stem, ())), i))
    for i in order:
        take(i, by_stem.get(claim[i].stem, ()))
    for least in (0.9, 0.8):
        for i, token in enumerate(claim):
            if pairs[i] < 0:
                take(i, [j for j, u in enumerate(source) if j not in used and _strength(token, u) >= least])
    # What is only near in meaning must also stand in the same place.
    for i, token in enumerate(claim):
        if pairs[i] < 0:
            near = [pairs[k] for k in (i - 1, i + 1) if 0 <= k < len(claim) and pairs[k] >= 0]
            take(
                i,
                [
                    j
                    for p in near
                    for j in (p - 1, p + 1)
                    if 0 <= j < len(source) and _strength(token, source[j]) >= 0.7
                ],
            )
    # A figure that differs is what is looked for: it does not make a sentence another one.
    weight = [t.weight for t in claim]
    share = sum(w for w, p in zip(weight, pairs, strict=True) if p >= 0) / (sum(weight) or 1.0)
    return Twin(tuple(claim), tuple(source), tuple(pairs), share)


def find(claim: Sequence[Token], passive: frozenset[int], evidence: Evidence, support: Support) -> Twin | None:
    """Return the claim's twin: a sentence, or two that follow each other; None where nothing is that close."""
    best: Twin | None = None
    for number in support.chosen[:2]:
        here = _twin(claim, passive, [evidence.sentences[number]])
        # A second sentence would lend its figures and names to what is exchanged in the first one.
        if here.share < _TWIN and (best is None or best.share < _TWIN):
            for low, high in ((number - 1, number), (number, number + 1)):
                if low >= 0 and high < len(evidence.sentences) and evidence.owners[low] == evidence.owners[high]:
                    both = _twin(claim, passive, evidence.sentences[low : high + 1])
                    if both.share > here.share + 0.15:
                        here = both
        if best is None or here.share > best.share + 1e-9:
            best = here
    return best if best is not None and best.share >= _TWIN and sum(t.figure is None for t in claim) >= 3 else None


def _twin(claim: Sequence[Token], passive: frozenset[int], sentences: Sequence[Sentence]) -> Twin:
    tokens: list[Token] = []
    theirs: set[int] = set()
    for sentence in sentences:
        theirs |= {len(tokens) + i for i in sentence.passive}
        tokens += sentence.tokens
    words = tuple(w for sentence in sentences for w in sentence.words)
    return replace(match(claim, tokens), passive=(passive, frozenset(theirs)), words=words)


def changed(
    twin: Twin, *, elsewhere: Callable[[Figure], bool], same: Callable[[Token], bool], derived: Sequence[str] = ()
) -> list[tuple[str, str]]:
    """Return (kind, reason) of each change that is one of meaning: another figure, name or direction in the stead of the source's.

    ``elsewhere``: whether another sentence of the evidence states a figure; it then counts as exchanged only in the very place of the other one.
    ``same``: whether a name is one of the sentence's in short; ``derived``: figures that were worked out.
    """
    found: list[tuple[str, str]] = []
    gone, there = twin.left_claim(), twin.left_source()
    for token in gone:
        for other in there:
            if token.figure and other.figure:
                if (
                    rivals(token.figure, other.figure)
                    and token.figure.text not in derived
                    and not (token.figure.worded or token.figure.about)
                    and other.figure.low is None
                    and (not elsewhere(token.figure) or _same_slot(twin, token, other, 2))
                ):
                    found.append(("figure", difference(token.figure, other.figure)))
                    break
            elif token.figure or other.figure:
                continue
            elif (
                token.surface[0].isdigit()
                and other.surface[0].isdigit()
                and token.stem != other.stem
                and _same_slot(twin, token, other)
            ):
                found.append(("figure", f"the source says {other.surface}, the claim {token.surface}"))
                break
            elif opposed(token, other) and bool(token.negated) == bool(other.negated):
                found.append(("direction", f"the source says “{other.surface}”, the claim “{token.surface}”"))
                break
            elif (
                token.name
                and other.name
                and not same(token)
                and alike(token, other) < 0.7
                and _same_slot(twin, token, other)
            ):
                found.append(("name", f"the source speaks of {other.surface}, the claim of {token.surface}"))
                break
    return found


def _same_slot(twin: Twin, token: Token, other: Token, reach: int = 4) -> bool:
    """Whether what stands before or after the two, in claim and source, is matched with each other."""
    i, j = twin.claim.index(token), twin.source.index(other)
    near = [twin.pairs[k] for k in range(max(0, i - reach), min(len(twin.claim), i + reach + 1)) if twin.pairs[k] >= 0]
    return any(abs(p - j) <= max(1, reach - 1) for p in near)


def order_broken(twin: Twin) -> tuple[str, str] | None:
    """Return two stretches of the claim that have changed places around what stands between them; None where the order is the source's.

    Clauses put in another order are a rotation (2 1, or 3 1 2); an exchange turns three stretches round (3 2 1).
    """
    matched = sorted(p for p in twin.pairs if p >= 0)
    rank = {p: r for r, p in enumerate(matched)}
    places = [(i, rank[p]) for i, p in enumerate(twin.pairs) if p >= 0]
    blocks: list[list[tuple[int, int]]] = []
    for pair in places:
        if blocks and pair[1] == blocks[-1][-1][1] + 1:
            blocks[-1].append(pair)
        else:
            blocks.append([pair])
    for a, b in itertools.pairwise(blocks):
        first, second = twin.claim[a[-1][0]].figure, twin.claim[b[0][0]].figure
        if first and second and first.kind == second.kind and a[-1][1] - b[0][1] == 1 and first.value != second.value:
            if first.unit in WHEN and (_listed(twin, a[-1], b[0]) or not _roles_differ(twin, a[-1][0], b[0][0])):
                continue
            return first.text, second.text
    if years := _turned(twin):
        return years
    # Words strewn over a long sentence have no order to keep.
    if twin.share < 0.92 or len(matched) < 4 or len(matched) < 0.55 * (matched[-1] - matched[0] + 1):
        return None
    for a, b, c in zip(blocks, blocks[1:], blocks[2:], strict=False):
        # In the source c, b and a stand in this order, nothing between them.
        turned = a[0][1] == b[-1][1] + 1 and b[0][1] == c[-1][1] + 1
        if (
            turned
            and min(len(a), len(c)) <= 8
            and _dated(twin, a) == _dated(twin, c)
            and not _alike(twin, a, c)
            and not _voice_changed(twin, b)
        ):
            return _text(twin, a), _text(twin, c)
    return None


def _dated(twin: Twin, block: Sequence[tuple[int, int]]) -> bool:
    """Whether a stretch tells a time: "in 1948" moves about freely, and is not exchanged for what tells none."""
    return any(f is not None and f.unit in WHEN for f in (twin.claim[i].figure for i, _ in block))


def _role(tokens: Sequence[Token], at: int) -> str:
    """Return whether a year is where something came from ("base") or went ("to"), by its preposition or that of the amount before it; "" if untold."""
    if tokens[at].before in {"base", "to"}:
        return tokens[at].before
    for token in reversed(tokens[max(0, at - 2) : at]):
        if token.figure and token.figure.unit not in WHEN:
            return token.before if token.before in {"base", "to"} else ""
    return ""


def _roles_differ(twin: Twin, first: int, second: int) -> bool:
    """Whether two years of the claim ("from 2021 to 2022") are not where the sentence has them, whatever their order: "to $5 in 2022 from $4 in 2021"."""
    mine = (_role(twin.claim, first), _role(twin.claim, second))
    theirs = (_role(twin.source, twin.pairs[first]), _role(twin.source, twin.pairs[second]))
    if "base" not in mine or "base" not in theirs:
        return True
    return (mine[0] == "base") != (theirs[0] == "base")


def _listed(twin: Twin, a: tuple[int, int], b: tuple[int, int]) -> bool:
    """Whether two years stand side by side in both ("2023 and 2021", "between 2021 and 2023"), and no two amounts are told of them in turn."""
    beside = b[0] - a[0] == 1 and abs(twin.pairs[a[0]] - twin.pairs[b[0]]) == 1
    amounts = sum(t.figure is not None and t.figure.unit not in WHEN for t in twin.source)
    return beside and amounts < 2 and not {twin.claim[a[0]].before, twin.claim[b[0]].before} & {"base", "to"}


def _turned(twin: Twin) -> tuple[str, str] | None:
    """Return two years that the claim takes in the wrong direction: "from 2023 to 2022" where the sentence goes to 2023 from 2022."""
    years = [i for i, p in enumerate(twin.pairs) if p >= 0 and (f := twin.claim[i].figure) and f.unit in WHEN]
    for i, j in itertools.pairwise(years):
        told = {twin.claim[i].before, twin.claim[j].before} == {"base", "to"}
        known = "base" in (_role(twin.source, twin.pairs[i]), _role(twin.source, twin.pairs[j]))
        if told and known and _roles_differ(twin, i, j):
            return twin.claim[i].surface, twin.claim[j].surface
    return None


def _voice_changed(twin: Twin, block: Sequence[tuple[int, int]]) -> bool:
    """Whether the verb between the two is active on one side and passive on the other: then their order must be turned."""
    mine, theirs = twin.passive
    return any((i in mine) != (twin.pairs[i] in theirs) for i, _ in block)


def _alike(twin: Twin, a: Sequence[tuple[int, int]], c: Sequence[tuple[int, int]]) -> bool:
    """Whether two stretches hold the same word, so that either may have been matched with the other's."""
    return any(
        _strength(x, y) >= 0.7 and not rooted(x, y)
        for x in (twin.claim[i] for i, _ in a)
        for y in (twin.claim[j] for j, _ in c)
    )


def _text(twin: Twin, block: Sequence[tuple[int, int]]) -> str:
    return " ".join(twin.claim[i].surface for i, _ in block[:5])
