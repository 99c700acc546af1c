"""Claims made from real sentences: left as they are, lightly rephrased, or damaged in one way. Seeded.

A claim comes with its passage, as a citation would give it. No code and no word list is shared with the checker, so that the two do not share blind spots.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.grounding_damage import DAMAGE
from benchmarks.grounding_rephrase import rephrase, swap_words
from benchmarks.grounding_text import Passage, Rng, proper_names, sentences_of, words

KINDS = ("number", "scale", "unit", "year", "entity", "sign", "direction", "negation", "swap", "citation")


@dataclass(frozen=True, slots=True)
class Made:
    """A claim with its evidence. ``kind``: untouched, rephrased, or the damage done; ``original``: the sentence that it was made from."""

    claim: str
    evidence: str
    kind: str
    original: str
    document: str


def elsewhere(sentence: str, passage: Passage, others: Sequence[Passage], rng: Rng) -> Passage | None:
    """Return another passage of the document that does not say the sentence: half the time the one with the most words in common."""
    wanted = words(sentence)
    if len(wanted) < 5:
        return None
    sample = rng.sample(list(others), min(25, len(others)))
    fit = []
    for other in sample:
        shared = len(wanted & words(other.text)) / len(wanted)
        if other.text != passage.text and shared < 0.75 and sentence[:40] not in " ".join(other.text.split()):
            fit.append((shared, other.text, other))
    if not fit:
        return None
    return max(fit)[2] if rng.random() < 0.5 else rng.choice(sorted(fit, key=lambda f: f[:2]))[2]


def make(passages: Sequence[Passage], *, per_kind: int, seed: int) -> list[Made]:
    """Return claims: ``per_kind`` of each kind of damage, and as many again in all that are left untouched or rephrased (half each)."""
    rng = random.Random(seed)
    by_document: dict[str, list[Passage]] = {}
    for passage in passages:
        by_document.setdefault(passage.document, []).append(passage)
    drawn = [(p, s) for p in passages for s in sentences_of(p)]
    # Each document speaks as often as another one, however long it is.
    rng.shuffle(drawn)
    turn: dict[str, int] = {}
    order = []
    for p, s in drawn:
        turn[p.document] = turn.get(p.document, 0) + 1
        order.append((turn[p.document], p, s))
    order.sort(key=lambda o: o[0])
    seen = Counter(m.group() for _, _, s in order for m in proper_names(s))
    common = Counter(w for _, _, s in order for w in re.findall(r"\b[a-z]{3,}\b", s))
    names = {
        n
        for n, count in seen.items()
        if count >= 3 and not any(common[w.lower()] > 2 for w in re.split(r"[ &]+", n) if len(w) > 2)
    }
    pool = sorted({p.company for p in passages if p.company} | names)
    taken: set[str] = set()
    made: list[Made] = []
    for kind in KINDS:

        def damage(passage: Passage, sentence: str, kind: str = kind) -> tuple[str, str] | None:
            return _damaged(kind, passage, sentence, by_document, pool, rng)

        made += _draw(kind, per_kind, order, taken, damage)
    right = len(made)
    for kind, count in (("untouched", right // 2), ("rephrased", right - right // 2)):

        def left(passage: Passage, sentence: str, kind: str = kind) -> tuple[str, str] | None:
            claim = sentence if kind == "untouched" else rephrase(sentence, rng)
            return (claim, passage.text) if claim is not None else None

        made += _draw(kind, count, order, taken, left)
    return made


def _draw(
    kind: str,
    count: int,
    order: Sequence[tuple[int, Passage, str]],
    taken: set[str],
    do: Callable[[Passage, str], tuple[str, str] | None],
) -> list[Made]:
    """Return ``count`` claims of one kind, each of another sentence; of those that no other kind has taken as long as there are any."""
    made: list[Made] = []
    fresh = [(p, s) for _, p, s in order if s not in taken]
    used = [(p, s) for _, p, s in order if s in taken]
    mine: set[str] = set()
    for passage, sentence in (*fresh, *used):
        if len(made) == count:
            break
        if sentence in mine:
            continue
        got = do(passage, sentence)
        if got is None:
            continue
        mine.add(sentence)
        made.append(Made(got[0], got[1], kind, sentence, passage.document))
    taken |= mine
    return made


def _damaged(
    kind: str,
    passage: Passage,
    sentence: str,
    by_document: Mapping[str, Sequence[Passage]],
    pool: Sequence[str],
    rng: Rng,
) -> tuple[str, str] | None:
    """Return the damaged claim and its evidence; None where this damage cannot be done to the sentence."""
    if kind == "citation":
        other = elsewhere(sentence, passage, by_document[passage.document], rng)
        return (sentence, other.text) if other is not None else None
    claim = DAMAGE[kind](sentence, passage, pool, rng)
    if claim is None or claim == sentence or " ".join(claim.split()) in " ".join(passage.text.split()):
        return None
    # Half of the damaged ones are rephrased too, in words only.
    if rng.random() < 0.5 and kind != "direction":
        claim = swap_words(claim, rng) or claim
    return claim, passage.text
