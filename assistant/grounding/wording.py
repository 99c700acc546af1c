"""Direction and negation: no word stands in a claim where its source has the opposite, nothing is denied that the source says. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from assistant.grounding.case import Case, Finding, places
from assistant.grounding.lists import listed
from assistant.grounding.reading import spelled
from assistant.grounding.slots import Item, adjoining, nearness, place
from assistant.grounding.twin import Twin
from assistant.grounding.words import Sentence, Token, alike, opposed, rooted


def check_direction(case: Case) -> list[Finding]:
    """No word stands in the claim where the source has its opposite."""
    sentences = case.sentences(4)
    for i, token in enumerate(case.tokens):
        if not token.poles or token.figure:
            continue
        mine = place(case.tokens, Item(i, i), case.passive)
        mine_poles = dict(token.poles)
        own, other, rival, beside = -1.0, -1.0, None, False
        for _, sentence in sentences:
            for j, held in enumerate(sentence.tokens):
                if held.figure:
                    continue
                axis = opposed(token, held)
                agrees = not axis and (alike(token, held) >= 0.8 or any(mine_poles.get(a) == s for a, s in held.poles))
                if not axis and not agrees:
                    continue
                around = places(sentence, Item(j, j))
                score = nearness(mine, around)
                if axis and bool(token.negated) != bool(held.negated):
                    continue
                if agrees:
                    own = max(own, score)
                elif score > other:
                    other, rival, beside = score, held, adjoining(mine, around)
        if rival is not None and (
            (own < 0 and other >= (0.15 if beside else 0.25)) or (own >= 0 and other >= 0.4 and other > own + 0.25)
        ):
            return [Finding("direction", f"the source says “{rival.surface}”, the claim “{token.surface}”", True)]
    return _from_to(case)


def _from_to(case: Case) -> list[Finding]:
    """ "rose from 5% to 4%" is wrong in itself."""
    for a, b in zip(case.tokens, case.tokens[1:], strict=False):
        if not (
            a.figure
            and b.figure
            and a.figure.kind == b.figure.kind
            and a.figure.kind in {"money", "share", "count", "ratio"}
        ):
            continue
        if (
            {a.before, b.before} != {"base", "to"}
            or a.clause != b.clause
            or not re.search(r"\bfrom\W*$", case.text[max(0, min(a.start, b.start) - 8) : min(a.start, b.start)])
        ):
            continue
        start, end = (a.figure, b.figure) if a.before == "base" else (b.figure, a.figure)
        if start.unit != end.unit:
            continue
        at = case.tokens.index(a)
        moves = [s for t in case.tokens[max(0, at - 4) : at] for axis, s in t.poles if axis == "move" and not t.negated]
        if moves and start.value > 0 < end.value and (end.value - start.value) * moves[-1] < 0:
            return [
                Finding(
                    "direction",
                    f"the claim's own figures go the other way: from {start.text.strip()} to {end.text.strip()}",
                    True,
                )
            ]
    return []


def check_negation(case: Case, twin: Twin | None = None) -> list[Finding]:
    """What the source denies the claim does not assert, and the other way round."""
    sentences = case.sentences(3)
    if not sentences:
        return []
    if twin is not None:
        return _denials_differ(twin, spelled(case.text))
    best = [s for _, s in sentences[:3]]
    # Denied in the claim, said in the source.
    for group in _negated(case.tokens):
        pairs = [(t, u) for t in group for s in best for u in s.tokens if not t.figure and alike(t, u) >= 0.8]
        if (
            pairs
            and not any(u.negated or u.contrary for _, u in pairs)
            and group[0] in {t for t, _ in pairs}
            and not _denied_otherwise(group, best)
            and not _forbidden(pairs, best)
            and _near(case, group[0], pairs, best)
        ):
            return [Finding("negation", f"the claim denies “{group[0].surface}”, the source does not", True)]
    claim_denies = any(t.negated or t.contrary for t in case.tokens)
    for sentence in best[:2]:
        for group in _negated(sentence.tokens):
            first = group[0]
            pairs = [(t, u) for u in group for t in case.tokens if not u.figure and alike(t, u) >= 0.8]
            if not pairs or first not in {u for _, u in pairs} or any(t.negated or t.contrary for t, _ in pairs):
                continue
            if claim_denies and any(opposed(t, u) for u in group for t in case.tokens):
                continue
            others = [
                u
                for s in best
                for u in s.tokens
                if not u.negated and any(alike(t, u) >= 0.95 for t, v in pairs if v is first)
            ]
            if others or any(opposed(t, u) for u in group for t in case.tokens):
                continue
            heads = [i for i, t in enumerate(case.tokens) if alike(t, first) >= 0.8]
            at = sentence.tokens.index(first)
            if (
                max(
                    nearness(place(case.tokens, Item(i, i), case.passive), places(sentence, Item(at, at)))
                    for i in heads
                )
                >= 0.4
            ):
                return [Finding("negation", f"the source denies “{first.surface}”, the claim does not", True)]
    for token in case.tokens:
        if token.figure:
            continue
        same = [u for s in best for u in s.tokens if not u.figure and (token.stem == u.stem or rooted(token, u))]
        if same and all(u.contrary != token.contrary and bool(u.negated) == bool(token.negated) for u in same):
            return [Finding("negation", f"the source says “{same[0].surface}”, the claim “{token.surface}”", True)]
    return []


_DENIALS = frozenset(
    {"not", "no", "never", "without", "neither", "nor", "cannot", "none", "nobody", "nothing", "unable"}
)


def _denials_differ(twin: Twin, words: Sequence[str]) -> list[Finding]:
    """A twin denies as often as its sentence, in what the two share."""
    paired = {p: i for i, p in enumerate(twin.pairs) if p >= 0}
    mine = [g for g in _negated(twin.claim) if any(twin.pairs[twin.claim.index(t)] >= 0 for t in g)]
    groups = _negated(twin.source)
    other = [g for g in groups if twin.source.index(g[0]) in paired]
    near = [g for g in groups if any(twin.source.index(u) in paired for u in g)]
    # As many words of denial, put elsewhere: "nobody pays", "costs nothing".
    put_otherwise = sum(w in listed("negators") for w in words) == sum(w in listed("negators") for w in twin.words) > 0
    # A word that denies, of one side only: "not allowed" and "forbidden".
    put_otherwise = put_otherwise or any(
        t.surface.lower() in listed("denies_otherwise") for t in (*twin.left_claim(), *twin.left_source())
    )
    flips = sum(1 for i, p in enumerate(twin.pairs) if p >= 0 and rooted(twin.claim[i], twin.source[p]))
    left = [(t, u) for t in twin.left_claim() for u in twin.left_source() if opposed(t, u)]
    if len(mine) > len(near) and not flips and not left and not put_otherwise:
        lonely = next(
            (
                g
                for g in mine
                if not any(twin.source[p].negated for t in g if (p := twin.pairs[twin.claim.index(t)]) >= 0)
            ),
            mine[0],
        )
        return [Finding("negation", f"the claim denies “{lonely[0].surface}”, the source does not", True)]
    if len(mine) < len(other) and not flips and not left and not put_otherwise:
        lonely = next(
            (
                g
                for g in other
                if not any(twin.claim[paired[j]].negated for u in g if (j := twin.source.index(u)) in paired)
            ),
            other[0],
        )
        return [Finding("negation", f"the source denies “{lonely[0].surface}”, the claim does not", True)]
    said, theirs = (sum(w in _DENIALS for w in text) for text in (words, twin.words))
    if twin.whole and (said - theirs) % 2 and not flips and not left and not put_otherwise:
        more = (
            "the claim denies once more than the source"
            if said > theirs
            else "the source denies once more than the claim"
        )
        return [Finding("negation", more, True)]
    if flips and len(mine) == len(other):
        i = next(i for i, p in enumerate(twin.pairs) if p >= 0 and rooted(twin.claim[i], twin.source[p]))
        return [
            Finding(
                "negation",
                f"the source says “{twin.source[twin.pairs[i]].surface}”, the claim “{twin.claim[i].surface}”",
                True,
            )
        ]
    return []


def _negated(tokens: Sequence[Token]) -> list[list[Token]]:
    groups: dict[int, list[Token]] = {}
    for token in tokens:
        if token.negated:
            groups.setdefault(token.negated, []).append(token)
    return list(groups.values())


def _near(case: Case, head: Token, pairs: Sequence[tuple[Token, Token]], best: Sequence[Sentence]) -> bool:
    """Whether the source says what is denied of the same things, not the same word of others."""
    at = case.tokens.index(head)
    mine = place(case.tokens, Item(at, at), case.passive)
    return any(
        nearness(mine, places(s, Item(j, j))) >= 0.25
        for s in best
        for j, u in enumerate(s.tokens)
        if any(t is head and u is v for t, v in pairs)
    )


def _forbidden(pairs: Sequence[tuple[Token, Token]], best: Sequence[Sentence]) -> bool:
    """Whether a sentence that says the same denies it by a word of its own: "is forbidden in", "free on Sundays"."""
    return any(
        listed("denies_otherwise") & s.vocabulary for s in best if any(u is v for _, u in pairs for v in s.tokens)
    )


def _denied_otherwise(group: Sequence[Token], best: Sequence[Sentence]) -> bool:
    """ "did not rise" where the source says "fell"; or a word of denial in the source close by."""
    return any(opposed(t, u) for t in group for s in best for u in s.tokens) or (
        any(
            w in {"not", "no", "never", "without", "neither", "nor", "cannot", "none"} or w.endswith("n't")
            for s in best[:1]
            for w in s.words
        )
        and any(u.negated for s in best[:1] for u in s.tokens if any(alike(t, u) >= 0.7 for t in group))
    )
