"""Who did what: nothing of a claim has changed places, and what differs from a sentence that it repeats changes no meaning. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from assistant.grounding.case import Case, Finding, places
from assistant.grounding.compare import agree, rivals
from assistant.grounding.slots import Item, initials, nearness, place, runs
from assistant.grounding.twin import Twin, changed, order_broken
from assistant.grounding.words import Token, alike, corporate

_SWAP_EACH, _SWAP_MARGIN = 0.45, 0.75
_ITEMS = 40
_FUNCTION_WORD = 0.2  # the weight of one


def check_twin(case: Case, twin: Twin | None, derived: Sequence[str] = ()) -> list[Finding]:
    """Where the claim repeats a sentence almost word for word, what differs does not change what is said."""
    if twin is None:
        return []

    letters = initials(twin.source)
    changes = changed(
        twin,
        elsewhere=lambda figure: bool(case.holders(figure)),
        same=lambda token: token.surface.lower() in letters,
        derived=derived,
    )
    findings = [Finding(kind, reason, True) for kind, reason in changes[:2]]
    exchanged = order_broken(twin)
    if exchanged and not findings:
        findings.append(
            Finding("swap", f"“{exchanged[0]}” and “{exchanged[1]}” stand the other way round in the source", True)
        )
    said = " ".join(s.text for s in case.evidence.sentences)
    findings += [
        Finding("figure", f"{token.surface} does not stand in the sources", False)
        for token in twin.left_claim()
        if token.figure is None
        and token.surface[0].isdigit()
        and token.surface not in said
        and token is not twin.claim[-1]
    ]
    return findings


def check_replaced(case: Case, twin: Twin | None) -> list[Finding]:
    """No thing of another place of the evidence stands in a repeated sentence in the stead of the thing that the sentence has there.

    A word that the evidence uses beside the other one is no other word for it; one that it does not use may be.
    """
    if twin is None:
        return []
    for i, token in enumerate(twin.claim):
        if twin.pairs[i] >= 0 or not _thing(token):
            continue
        at = _gap(twin, i)
        if at < 0:
            continue
        other = twin.source[at]
        if not _thing(other) or alike(token, other) > 0 or (_plural(token) != _plural(other)):
            continue
        told = {u.stem for u in twin.claim}
        elsewhere = any(
            case.evidence.sentences[n].tokens[k].stem == token.stem for n, k in case.evidence.by_key.get(token.stem, ())
        )
        if elsewhere and other.stem not in told:
            return [
                Finding("word", f"the source says this of “{other.surface}”, the claim of “{token.surface}”", False)
            ]
    return []


def _thing(token: Token) -> bool:
    return (
        token.figure is None
        and not token.name
        and token.weight > _FUNCTION_WORD
        and token.surface.islower()
        and len(token.surface) >= 4
        and not token.surface.endswith(("ly", "ed", "ing"))
    )


def _plural(token: Token) -> bool:
    return token.surface.endswith("s") and not token.surface.endswith("ss")


def _gap(twin: Twin, i: int) -> int:
    """Return the one place of the sentence between those of the claim's words before and after word i, if no word of the claim has it; else -1."""
    before = twin.pairs[i - 1] if i else -2
    after = twin.pairs[i + 1] if i + 1 < len(twin.claim) else -2
    used = set(twin.pairs)
    if before >= 0 and after == before + 2 and before + 1 not in used:
        return before + 1
    if before >= 0 and after == -2 and before + 1 < len(twin.source) and before + 1 not in used:
        return before + 1
    return 0 if before == -2 and after == 1 else -1


def check_swapped(case: Case) -> list[Finding]:
    """No two names, figures or things of the claim have changed places."""
    sentences = case.sentences(2)
    if not sentences:
        return []
    _, sentence = sentences[0]
    items = [i for i in runs(case.tokens) if not case.tokens[i.first].light or case.tokens[i.first].name][:_ITEMS]
    held = runs(sentence.tokens)
    where: list[list[Item]] = []
    for item in items:
        token = case.tokens[item.first]
        where.append(
            [
                h
                for h in held
                if _same_item(case.tokens[item.first : item.last + 1], sentence.tokens[h.first : h.last + 1], token)
            ]
        )
    for x, first in enumerate(items):
        if not where[x]:
            continue
        for y in range(x + 1, len(items)):
            second = items[y]
            a, b = case.tokens[first.first], case.tokens[second.first]
            if (
                not where[y]
                or not _exchangeable(a, b)
                or a.stem == b.stem
                or alike(a, b) >= 0.7
                or where[x] == where[y]
            ):
                continue
            both = (*case.tokens[first.first : first.last + 1], *case.tokens[second.first : second.last + 1])
            mine, other = place(case.tokens, first, case.passive, both), place(case.tokens, second, case.passive, both)
            if not mine or not other:
                continue
            at_x = [places(sentence, h, both) for h in where[x]]
            at_y = [places(sentence, h, both) for h in where[y]]
            cross_x, cross_y = max(nearness(mine, p) for p in at_y), max(nearness(other, p) for p in at_x)
            straight = max(nearness(mine, p) for p in at_x) + max(nearness(other, p) for p in at_y)
            if cross_x >= _SWAP_EACH and cross_y >= _SWAP_EACH and cross_x + cross_y - straight >= _SWAP_MARGIN:
                return [
                    Finding(
                        "swap",
                        f"“{_said(case.tokens, first)}” and “{_said(case.tokens, second)}” stand the other way round in the source",
                        True,
                    )
                ]
    return []


def _said(tokens: Sequence[Token], item: Item) -> str:
    return " ".join(t.surface for t in tokens[item.first : item.last + 1])


def _same_item(claim: Sequence[Token], source: Sequence[Token], token: Token) -> bool:
    if token.figure is not None:
        return source[0].figure is not None and agree(token.figure, source[0].figure)
    if token.name:
        return bool({t.stem for t in claim if not corporate(t.surface)} & {t.stem for t in source})
    return len(source) == 1 and alike(token, source[0]) >= 0.8


def _exchangeable(a: Token, b: Token) -> bool:
    if a.figure or b.figure:
        return bool(a.figure and b.figure and rivals(a.figure, b.figure))
    return not (a.poles and b.poles)
