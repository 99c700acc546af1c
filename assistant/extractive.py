"""The answer without a language model: verbatim sentences, chosen, grouped and cited; or a plain refusal.

Pure over scored sentences: ``select`` decides what answers, ``assistant.compose`` writes it down.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from assistant.asked import holds_number
from assistant.disagree import label, rival
from assistant.evidence import AUTHORED, DATED, Encode, Sentence, fold
from assistant.lexicon import keys
from assistant.numbers import quantities
from assistant.question import Question, Unit
from assistant.retrieval import header, says
from assistant.stance import stance_of
from vectorstore.records import Document
from vectorstore.text import is_table_row

# From this confidence on a sentence answers; set on the golden set (tests/golden) and by benchmarks/confidence.py: about half are
# right just above it, and each further step up refuses more right answers than wrong ones.
ENOUGH = 0.523
LEAST_COSINE = 0.12
# From here on it is about the subject, which is enough to stand on one side of an argument.
ABOUT = 0.40
# … of which it has to say at least this share beside the entity: a sentence on another property is no answer.
LEAST_PREDICATE = 0.4
# A further sentence joins the answer when it is nearly as good as the best.
NEARLY = {"fact": 0.86, "open": 0.78, "list": 0.78, "comparison": 0.66, "metadata": 0.86, "for_against": 0.7}
MOST = {"fact": 3, "open": 5, "list": 5, "comparison": 5, "metadata": 3, "for_against": 8}
MOST_ROWS = 5  # of a table behind the sentence that introduces it
SAME = 0.92  # cosine from which two sentences say the same

_COUNTS = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8}


@dataclass(frozen=True, slots=True)
class Group:
    """Sentences that belong together, under a heading where the question has sides."""

    sentences: tuple[Sentence, ...]
    heading: str = ""


@dataclass(frozen=True, slots=True)
class Selection:
    """What answers a question (or one part of it); empty groups with a reason: a refusal."""

    groups: tuple[Group, ...]
    reason: str = ""
    missing: tuple[str, ...] = ()

    @property
    def answered(self) -> bool:
        return any(group.sentences for group in self.groups)


def answers(sentence: Sentence, question: Question, enough: float = ENOUGH) -> bool:
    """Whether a sentence says enough of what is asked to stand as an answer: ``enough`` is the least confidence."""
    if sentence.missing or sentence.heading or sentence.asks:
        return False
    if sentence.predicate < LEAST_PREDICATE and sentence.cosine < 0.75:
        return False
    return sentence.confidence >= enough and sentence.cosine >= LEAST_COSINE


def gives(sentence: Sentence, question: Question) -> bool:
    """Whether a sentence holds the kind of thing that a one-fact question asks for: a figure, a date, an author."""
    if question.expected == "number":
        return holds_number(question, sentence.text)
    if question.expected == "date":
        # A publication date has a day.
        days = [
            q
            for q in quantities(sentence.text)
            if q.unit == "date" and len(q.text.split("-")) + len(q.text.split()) > 3
        ]
        return bool(days) if question.strict else bool(DATED.search(sentence.text))
    if question.expected == "author":
        return bool(AUTHORED.search(sentence.text))
    return True


def refuse(question: Question, ranked: Sequence[Sentence]) -> Selection:
    """Say why nothing answers: which named thing or asked word nothing near speaks of."""
    missing: tuple[str, ...] = ()
    if ranked:
        best = max(ranked[:20], key=lambda s: (s.coverage, s.score))
        if best.missing:
            missing = best.missing
        else:
            pool = keys(best.text + " " + best.context)
            missing = tuple(u.surface for u in question.units if not u.light and not says(u, pool))
    return Selection((), "nothing in the base states this", missing)


def distinct(ranked: Sequence[Sentence], encode: Encode, *, most: int) -> list[Sentence]:
    """Keep the best of sentences that say the same; two documents may both say it once."""
    kept: list[Sentence] = []
    if not ranked:
        return kept
    vectors = encode([s.text for s in ranked])
    chosen: list[int] = []
    for i, sentence in enumerate(ranked):
        same = [j for j in chosen if float(vectors[i] @ vectors[j]) > SAME or ranked[j].text == sentence.text]
        numbers = {q.value for q in quantities(sentence.text)}
        if any(numbers <= {q.value for q in quantities(ranked[j].text)} for j in same):
            continue
        chosen.append(i)
        kept.append(sentence)
        if len(kept) == most:
            break
    return kept


def select(
    question: Question,
    ranked: Sequence[Sentence],
    documents: Mapping[str, Document],
    weight: Mapping[Unit, float],
    encode: Encode,
    *,
    enough: float = ENOUGH,
) -> Selection:
    """Choose the sentences that answer ``question`` from ``ranked`` (best first).

    ``enough``: the least confidence of a sentence that answers by itself.
    """
    if question.live:
        return Selection(
            (), "a live figure is asked for, and the documents hold only what was written on their dates", ()
        )
    if question.intent == "for_against":
        return both_sides(question, ranked, documents, encode)
    good = [s for s in ranked if answers(s, question, enough)]
    if question.intent == "list":
        block = list_block(question, ranked, documents, weight, encode)
        if block:
            rest = [s for s in good if not inside(s, block)]
            top = [s for s in rest if s.score >= NEARLY["list"] * good[0].score]
            return Selection((Group(tuple(block)), Group(arrange(distinct(top, encode, most=4), documents))))
    if question.intent == "fact" or question.expected == "date":
        good = [s for s in good if gives(s, question)]
    joint = [] if good else together(question, ranked, weight)
    good = good or joint
    if not good:
        return refuse(question, ranked)
    floor = NEARLY[question.intent] * good[0].score
    chosen = distinct(joint or [s for s in good if s.score >= floor], encode, most=MOST[question.intent])
    if question.intent == "comparison" and not joint:
        chosen += missing_side(question, chosen, ranked)
    if question.intent in {"list", "open"} or question.why:
        chosen += follow_on(chosen, ranked)
    other = None if joint else rival(question, chosen[0], good)
    if other is not None:
        sides = [Group((s,), f"Sources disagree: {label(s)}") for s in (chosen[0], other)]
        said = {chosen[0].place, other.place}
        rest = [s for s in chosen if s.place not in said and s.passage.chunk.document_id not in {d for d, _ in said}]
        return Selection((*sides, *((Group(arrange(rest, documents), "Further"),) if rest else ())))
    return Selection((Group(introduced(arrange(chosen, documents), ranked)),))


def introduced(chosen: Sequence[Sentence], ranked: Sequence[Sentence]) -> tuple[Sentence, ...]:
    """Put behind each sentence that ends with a colon the list items that it introduces."""
    by_place = sorted(ranked, key=lambda s: s.place)
    result: list[Sentence] = []
    for s in chosen:
        if any(r.place == s.place for r in result):
            continue
        result.append(s)
        if not s.text.endswith(":") or s.item:
            continue
        own = [o for o in by_place if o.passage.chunk.document_id == s.passage.chunk.document_id and o.start > s.start]
        rows = 0
        for follower in own[:12]:
            # The rows of a table that the sentence introduces: the votes on a proposal.
            row = is_table_row(follower.text) or (
                len(follower.text.split()) <= 6 and bool(re.search(r"\d$", follower.text))
            )
            rows += row
            if not follower.item and (not row or rows > MOST_ROWS or follower.start - s.end > 240):
                break
            if not any(r.place == follower.place for r in result):
                result.append(follower)
    return tuple(result)


def follow_on(chosen: Sequence[Sentence], ranked: Sequence[Sentence]) -> list[Sentence]:
    """Return the sentence that goes on from the best one ("That’s because …", "They are …"), where there is one."""
    if not chosen:
        return []
    best = chosen[0]
    after = [
        s
        for s in ranked
        if s.passage.chunk.document_id == best.passage.chunk.document_id and s.start > best.start and not s.heading
    ]
    following = min(after, key=lambda s: s.start, default=None)
    if following is None or following in chosen or not following.leans or following.start - best.end > 40:
        return []
    return [following]


def together(question: Question, ranked: Sequence[Sentence], weight: Mapping[Unit, float]) -> list[Sentence]:
    """Return two or three sentences of one document that only together say what is asked, or nothing.

    Each has to mean something near the question, and every entity that is asked for has to be said by one.
    """
    total = sum(weight[u] for u in question.units)
    if not total or question.intent == "fact":
        return []
    by_document: dict[str, list[Sentence]] = {}
    for s in ranked[:40]:
        if not s.heading and s.cosine >= LEAST_COSINE and s.own > 0 and not s.asks:
            by_document.setdefault(s.passage.chunk.document_id, []).append(s)
    for group in by_document.values():
        chosen: list[Sentence] = []
        said: set[str] = set()
        for s in group[:8]:
            if not (s.said - said) and chosen:
                continue
            chosen.append(s)
            said |= s.said
            if len(chosen) == 3:
                break
        share = sum(weight[u] for u in question.units if u.surface in said) / total
        lacking = {
            name for s in chosen for name in s.missing if question.intent != "comparison" or name in question.names
        }
        if len(chosen) > 1 and share >= 0.8 and not lacking and max(s.cosine for s in chosen) >= 0.4:
            return chosen
    return []


def missing_side(question: Question, chosen: Sequence[Sentence], ranked: Sequence[Sentence]) -> list[Sentence]:
    """Return a sentence for each entity of a comparison that the chosen ones don't speak of."""
    said = frozenset().union(*(s.said for s in chosen)) if chosen else frozenset()
    more: list[Sentence] = []
    for unit in question.units:
        if unit.entity and unit.surface not in said:
            other = next(
                (
                    s
                    for s in ranked
                    if unit.surface in s.said
                    and s.cosine >= LEAST_COSINE
                    and s.confidence >= ENOUGH - 0.1
                    and not s.heading
                ),
                None,
            )
            if other is not None and other not in chosen:
                more.append(other)
    return more


def arrange(chosen: Sequence[Sentence], documents: Mapping[str, Document]) -> tuple[Sentence, ...]:
    """Order for reading: the best first, then its document's others in their order, then the next document's.

    A sentence that leans on the one before it brings that one along.
    """
    if not chosen:
        return ()
    order = list(dict.fromkeys(s.passage.chunk.document_id for s in chosen))
    result: list[Sentence] = []
    for document in order:
        own = [s for s in chosen if s.passage.chunk.document_id == document]
        for s in [own[0], *sorted(own[1:], key=lambda s: s.start)]:
            if (
                s.leans
                and s.before is not None
                and not any((r.passage.chunk.document_id, r.start) == (document, s.before[0]) for r in result)
            ):
                lead_in = replace(
                    s,
                    start=s.before[0],
                    end=s.before[1],
                    text=fold(documents[document].text[s.before[0] : s.before[1]]),
                    leans=False,
                    before=None,
                )
                # "Take a look…" explains nothing.
                if len(lead_in.text) >= 30 and not lead_in.asks and not lead_in.text.endswith(("…", "...", ":")):
                    result.append(lead_in)
            if not any(r.place == s.place for r in result):
                result.append(s)
    return tuple(result)


def inside(sentence: Sentence, block: Sequence[Sentence]) -> bool:
    """Whether the sentence overlaps one of ``block``."""
    return any(
        b.passage.chunk.document_id == sentence.passage.chunk.document_id
        and b.start < sentence.end
        and sentence.start < b.end
        for b in block
    )


def list_block(
    question: Question,
    ranked: Sequence[Sentence],
    documents: Mapping[str, Document],
    weight: Mapping[Unit, float],
    encode: Encode,
) -> list[Sentence]:
    """Return an introduction and its items where the answer is a list that stands in a document.

    A list is judged as a whole: its heading, the two sentences before it, its introduction and its items together.
    A question that counts ("which four …") prefers a list of that length.
    """
    wanted = next((number for word, number in _COUNTS.items() if re.search(rf"\b{word}\b", question.text.lower())), 0)
    total = sum(weight[u] for u in question.units) or 1.0
    best: tuple[float, list[Sentence]] = (0.0, [])
    by_document: dict[str, list[Sentence]] = {}
    for s in sorted(ranked, key=lambda s: s.place):
        by_document.setdefault(s.passage.chunk.document_id, []).append(s)
    for own in by_document.values():
        at = 0
        while at < len(own):
            if not own[at].item:
                at += 1
                continue
            end = at
            while end < len(own) and own[end].item:
                end += 1
            items, lead = own[at:end], own[max(0, at - 3) : at]
            at = end
            if not 2 <= len(items) <= 12 or any(len(s.text) > 240 for s in items) or any(s.missing for s in items[:1]):
                continue
            introduced = bool(lead) and lead[-1].text.endswith(":")
            if not introduced and sum(i.text.endswith(".") for i in items) > len(items) / 2:
                continue  # bulleted sentences: each stands for itself
            text = " ".join([items[0].context, *(s.text for s in lead), *(s.text for s in items)])
            found = keys(text) | keys(header(items[0].passage.metadata))
            coverage = sum(weight[u] for u in question.units if says(u, found)) / total
            vectors = encode([question.text, " ".join(s.text for s in lead), " ".join(s.text for s in items)[:900]])
            cosine = float(max(vectors[0] @ vectors[1], vectors[0] @ vectors[2]))
            confidence = 0.4 * cosine + 0.6 * coverage + (0.15 if wanted == len(items) else -0.1 if wanted else 0.0)
            if confidence > best[0]:
                intro = [lead[-1]] if lead and lead[-1].text.endswith(":") and not lead[-1].heading else []
                best = (confidence, [*intro, *items])
    confidence, block = best
    single = max((s.confidence for s in ranked if answers(s, question)), default=0.0)
    return block if confidence >= max(ENOUGH, single - 0.1) else []


def both_sides(
    question: Question, ranked: Sequence[Sentence], documents: Mapping[str, Document], encode: Encode
) -> Selection:
    """Sort what speaks of the subject into for and against by its words and by its nearness to each side."""
    able = [
        s for s in ranked if not s.missing and not s.heading and not s.asks and len(s.text) > 40 and s.cosine >= 0.2
    ]
    about = [s for s in able if s.confidence >= ABOUT or not question.units][:40]
    if not about:
        return refuse(question, ranked)
    near_subject = {s.place for s in about}
    sides: dict[str, list[tuple[float, Sentence]]] = {"For": [], "Against": []}
    wider: dict[str, list[tuple[float, Sentence]]] = {"For": [], "Against": []}
    for s, stance in zip(able, stance_of(able, encode), strict=True):
        if abs(stance) > 0.03:
            side = "For" if stance > 0 else "Against"
            wider[side].append((abs(stance), s))
            if s.place in near_subject:
                sides[side].append((s.score + 0.5 * abs(stance), s))
    groups = []
    for heading, listed in sides.items():
        # Nothing on one side: what is said on that side of the wider subject stands against it.
        listed = listed or wider[heading]
        best = [s for _, s in sorted(listed, key=lambda pair: (-pair[0], pair[1].place))]
        groups.append(Group(arrange(distinct(best, encode, most=4), documents), heading))
    return Selection(tuple(groups)) if any(g.sentences for g in groups) else refuse(question, ranked)


__all__ = ["Group", "Selection", "select"]
