"""Passages -> candidate sentences, each with how well it answers the question.

The score of a sentence mixes three views: the cosine of question and sentence, the weighted share of what the
question asks for that the sentence (or its heading, its antecedent, its document's title) says, and the rank
of its passage. What makes it no answer at all is kept apart, in ``missing``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from assistant.asked import (
    about_another,
    asked_party,
    contrary,
    counted,
    extract_head,
    fit,
    holds_number,
    period_said,
    rank_word,
    ranked_first,
    says_rank,
)
from assistant.kept import Kept
from assistant.lexicon import helpers, keys, stem, terms
from assistant.numbers import quantities
from assistant.question import Question, Unit, aliases
from assistant.retrieval import header, says
from vectorstore.records import Chunk, Document, Passage
from vectorstore.text import sentences

Encode = Callable[[Sequence[str]], "np.ndarray[tuple[int, int], np.dtype[np.float32]]"]

# A sentence that opens so leans on the one before it.
# "The increase was primarily due to …" speaks of what rose in the sentence before.
_RESUMES = (
    r"the (?:increase|decrease|decline|change|improvement|reduction|growth|rise|drop|amount|consideration|purchase price|settlement|transaction|"
    r"charge|impairment|gain|loss|difference|proceed)s? (?:was|were|is|are|in|also|would|will|includ\w+|reflect\w*|primarily|mainly|largely|consist\w*|"
    r"compris\w*|resulted|represent\w*)"
)
_ANAPHOR = re.compile(
    rf"(?:{_RESUMES}|(?:this|that|these|those|they|it|he|she|such|both|its|their|many of them|some of them|others?|the (?:former|latter|same))\b|"
    r"(?:however|instead|meanwhile|but|and|so|yet|also|still|as a result|in (?:addition|contrast|turn|short)|from there|then|"
    r"for (?:example|instance)|more importantly)\b,?\s*(?:this|that|these|those|they|it|its|their|such)?\b)",
    re.I,
)
# One that can't be read alone even so, since its subject stands before it.
_DEPENDS = re.compile(
    rf"(?:{_RESUMES}|this|that|these|those|they|it|its|their|such|both|he|she|many of them|some of them|others?|some|more importantly, they)(?:[’']\w+)?\b(?! (?:is why|said))",
    re.I,
)
ITEM = re.compile(r"[ \t]*(?:[-*•●▪◦‣–·]|\(?\d{1,2}[.)]|\(?[a-z][.)])[ \t]+")
# What would have to happen is no finding, unless it is asked for.
_HYPOTHETICAL = re.compile(
    r"\bwould (?:be|have been) (?:confirmed|refuted|proven|disproven|invalidated|validated|wrong|right)\b", re.I
)
# Where a text comes from is its provenance, not what it says.
_PROVENANCE = re.compile(
    r"(?:sources?:|(?:the )?(?:facts|figures|data) in this (?:note|article|report)|this (?:note|article|report) )", re.I
)
_HYPOTHETICAL_ASKED = re.compile(
    r"\b(?:would|could|confirm\w*|refut\w*|disprov\w*|prove\w*|falsif\w*|invalidat\w*|change (?:your|the|our) mind|watch)\b",
    re.I,
)
# "a, b and c": a sentence that is a list.
_ENUMERATION = re.compile(r"[^,;]{2,60}(?:, [^,;]{2,60}){1,}(?:,? (?:and|or|as well as) )[^,;]{2,}|(?:;[^;]{2,80}){2,}")
# A subject that only the sentence before names, somewhere inside.
_INNER = re.compile(r"\b(?:this|that|these|those|they|them|it)\b", re.I)
# "by Ann Author", "authors: Ann Author"
AUTHORED = re.compile(r"\b(?:[Bb]y|[Aa]uthors?:?|[Ww]ritten by) [A-Z][\w’'-]+ (?:[A-Z]\.? )?[A-Z][\w’'-]+")
DATED = re.compile(
    r"\b(?:(?:19|20)\d\ds?|January|February|March|April|May \d|June|July|August|September|October|November|December|Q[1-4])\b|(?<=mid-)(?:19|20)\d\ds"
)
_BYLINE = re.compile(r"\b(?:by|from|of|said|according to|[Aa]uthors?)\b:? (?:the )?[A-Z][\w’'-]+ (?:[A-Z&]|of [A-Z])")
_HEADING_END = re.compile(r"[.!?:;…\"”’)\]]$")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A verbatim sentence: ``document.text[start:end]``, the passage it stands in and its scores."""

    passage: Passage
    start: int
    end: int
    text: str  # white space folded
    item: bool = False
    heading: bool = False
    leans: bool = False  # needs the sentence before it
    before: tuple[int, int] | None = None
    context: str = ""
    cosine: float = 0.0
    coverage: float = 0.0
    predicate: float = 1.0  # coverage of what is asked beside its entities, near the sentence
    own: float = 0.0  # coverage by the sentence's own words alone
    score: float = 0.0
    missing: tuple[str, ...] = ()
    said: frozenset[str] = field(default_factory=frozenset)

    @property
    def confidence(self) -> float:
        """How sure it is (0..1) that this speaks of what is asked; the mix is set on the golden set."""
        return 0.4 * max(self.cosine, 0.0) + 0.6 * self.coverage

    @property
    def asks(self) -> bool:
        """Whether it is a question, and so states nothing."""
        return self.text.rstrip("\"”’') ").endswith("?")

    @property
    def place(self) -> tuple[str, int]:
        return (self.passage.chunk.document_id, self.start)


# start, end, text, item, heading, leans, before: of a Sentence, whatever passage it came by
_Part = tuple[int, int, str, bool, bool, bool, tuple[int, int] | None]


def fold(text: str) -> str:
    """Return ``text`` with white space folded."""
    return " ".join(text.split())


def split(passage: Passage, document: Document) -> list[Sentence]:
    """Return the sentences of one passage, with their antecedents and headings."""
    chunk = passage.chunk
    key = (chunk.document_id, chunk.version, chunk.start, chunk.end)
    parts = _SPLIT.made(key, lambda: _parts(chunk, document))
    return [
        Sentence(passage, start, end, text, item, heading, leans, before, chunk.section)
        for start, end, text, item, heading, leans, before in parts
    ]


# The sentences of chunks: about 2 KB each.
_SPLIT: Kept[tuple[str, str, int, int], list[_Part]] = Kept(8_192)


def _parts(chunk: Chunk, document: Document) -> list[_Part]:
    low = max(0, chunk.start - 700)
    if low:
        cut = document.text.find("\n", low, chunk.start)
        low = cut + 1 if cut >= 0 else low
    spans = [(low + a, low + b) for a, b in sentences(document.text[low : chunk.end])]
    out: list[_Part] = []
    previous: tuple[int, int] | None = None
    for start, end in spans:
        line = document.text.rfind("\n", 0, start) + 1
        text = fold(document.text[start:end])
        item = (
            bool(ITEM.match(document.text[line:start] + " "))
            if line < start
            else bool(ITEM.match(document.text[start:end]))
        )
        mark = ITEM.match(document.text[start:end])
        if mark and line == start:
            start += mark.end()
            text = fold(document.text[start:end])
        words = len(text.split())
        # A line of a date ("For the fiscal year ended …") states nothing either.
        figures = any(q.unit not in {"date", "year"} for q in quantities(text))
        heading = text.startswith("#") or (not item and words <= 14 and not _HEADING_END.search(text) and not figures)
        if start >= chunk.start and text:
            leans = bool(_DEPENDS.match(text)) and previous is not None
            before = previous if _ANAPHOR.match(text) or (words < 18 and _INNER.search(text)) else None
            out.append((start, end, text, item, heading, leans, before))
        if not heading and not item:
            previous = (start, end)
    return out


def _present(name: str, pool: frozenset[str], raw: str) -> bool:
    # The whole name in other words ("BofA"); a concept inside it is not the name.
    if any(t.concept and t.end - t.start >= len(name.strip()) and t.key in pool for t in terms(name)):
        return True
    plain = fold(re.sub(r"[^\w&/ ]", " ", name.lower()))
    return plain in raw or all(stem(w) in pool for w in plain.split() if len(w) > 1)


def score(
    question: Question,
    passages: Sequence[Passage],
    documents: Mapping[str, Document],
    weight: Mapping[Unit, float],
    encode: Encode,
    *,
    query: str | None = None,
) -> list[Sentence]:
    """Return the candidate sentences of ``passages``, best first. ``documents`` by document_id."""
    candidates: list[Sentence] = []
    seen: set[tuple[str, int, int]] = set()
    for passage in passages:
        if passage.chunk.role != "body":
            # Furniture is looked at only when it is asked for, and answers as a block: a signature, a notice.
            chunk, text = passage.chunk, documents[passage.chunk.document_id].text
            start = chunk.start + len(chunk.text) - len(chunk.text.lstrip())
            end = start + len(chunk.text.strip())
            candidates.append(Sentence(passage, start, end, fold(text[start:end]), context=chunk.section))
            continue
        for s in split(passage, documents[passage.chunk.document_id]):
            spot = (passage.chunk.document_id, s.start, s.end)
            if spot not in seen and len(s.text) > 2:
                seen.add(spot)
                candidates.append(s)
    if not candidates:
        return []
    texts = []
    for s in candidates:
        doc = documents[s.passage.chunk.document_id]
        lead = fold(doc.text[s.before[0] : s.before[1]]) + " " if s.before else ""
        texts.append((lead + s.text)[:900])
    vectors = encode([query or question.text, *texts])
    cosines = vectors[1:] @ vectors[0]
    total = sum(weight[u] for u in question.units) or 1.0
    heads = {p.chunk.document_id: keys(header(p.metadata) + "\n" + p.chunk.section) for p in passages}
    raw_heads = {
        p.chunk.document_id: fold(
            re.sub(
                r"[^\w&/ ]",
                " ",
                " ".join(
                    (
                        header(p.metadata),
                        " ".join(p.metadata.authors),
                        *map(" ".join, [aliases(p.metadata.publisher or "x")]),
                    )
                ).lower(),
            )
        )
        for p in passages
    }
    chunk_keys = {p.chunk.chunk_id: keys(p.chunk.text) for p in passages}
    chunk_raw = {p.chunk.chunk_id: fold(re.sub(r"[^\w&/ ]", " ", p.chunk.text.lower())) for p in passages}
    best_passage = max((p.score for p in passages), default=1.0) or 1.0
    named = frozenset(stem(w) for name in question.names for w in re.findall(r"\w+", name))
    head, things, extreme = extract_head(question, named), counted(question), ranked_first(question)
    party = asked_party(question)
    figures = [(q.text, q.value, q.unit) for q in quantities(question.text) if (q.value, q.unit) in question.figures]
    out: list[Sentence] = []
    for s, text, cosine in zip(candidates, texts, cosines, strict=True):
        chunk = s.passage.chunk
        # The nearest heading speaks for its sentences; the document's own title is its topic, like the header.
        nearest = s.context.rsplit(" > ", 1)[-1]
        own, near = keys(s.text), keys(text + " \n " + (nearest if nearest != s.passage.metadata.title else ""))
        title, around = heads[chunk.document_id], chunk_keys[chunk.chunk_id]
        compared = question.intent == "comparison" and sum(u.entity for u in question.units) > 1
        one_side = compared and any(u.entity and says(u, own) for u in question.units)
        others = frozenset(t.key for t in terms(s.text) if t.entity)
        got = alone = asked = told = 0.0
        said: set[str] = set()
        missing: list[str] = []
        for unit in question.units:
            if says(unit, own):
                credit = 1.0
                alone += weight[unit]
                said.add(unit.surface)
            elif says(unit, near) or (unit.entity and says(unit, title)):
                credit = 0.9
                said.add(unit.surface)
            elif says(unit, title):
                # The title gives the topic; that each sentence states it is not said.
                credit = 0.6
                said.add(unit.surface)
            elif unit.entity and helpers(unit.keys) & (near | title):
                credit = 0.7
            elif says(unit, around):
                credit = 0.45
                # A sentence that names another index or size class is not about this one.
                if unit.entity and others - unit.keys and not one_side:
                    credit = 0.0
                    missing.append(unit.surface)
            elif unit.entity and one_side:
                credit = 0.5  # the other side of a comparison may stand in another sentence
            else:
                credit = 0.0
                if unit.entity:
                    missing.append(unit.surface)
            got += credit * weight[unit]
            if not unit.entity and not unit.light and not unit.words <= named:
                asked += weight[unit]
                told += credit * weight[unit] if credit > 0.5 else 0.0
        for name in question.names:
            if question.strict:
                if not _present(name, own | title, f"{fold(s.text.lower())} {raw_heads[chunk.document_id]}"):
                    missing.append(name)
                continue
            pool = own | near | title | around
            if one_side and any(u.entity and u.surface in name for u in question.units):
                continue
            if not _present(name, pool, chunk_raw[chunk.chunk_id] + " " + raw_heads[chunk.document_id]):
                missing.append(name)
        dated = " ".join(
            filter(
                None,
                (
                    s.passage.metadata.published,
                    s.passage.metadata.fiscal_period,
                    s.passage.metadata.period_end,
                    header(s.passage.metadata),
                ),
            )
        )
        spoken = f"{text} {s.context} {dated} {chunk_raw[chunk.chunk_id]}"
        if question.years and not any(y in spoken or f"FY{y[2:]}" in text for y in question.years):
            missing.append(question.years[-1])
        elif question.companies and question.periods and not period_said(question, s.passage.metadata, text):
            missing.append(question.periods[-1].label)
        # What is taken for granted may stand in the sentence before: "… for $1.3 billion. The price is made up of …".
        stated = {(q.value, q.unit) for q in quantities(text)}
        missing += [said for said, value, unit in figures if (value, unit) not in stated]
        missing += contrary(question, own)
        if head is not None and not (says(head, near) or says(head, title)):
            missing.append(head.surface)
        if things and not any(says(u, near) for u in things):
            missing.append(things[0].surface)
        if party and s.passage.metadata.company and about_another(party, text, s.passage.metadata.company):
            missing.append(party)
        if extreme and not says_rank(extreme, text):
            missing.append(rank_word(question))
        coverage = got / total if question.units else float(cosine)
        bonus = 0.0
        if question.expected == "number":
            bonus = 0.12 if holds_number(question, s.text) else -0.12
        elif question.expected == "author":
            bonus = 0.25 if AUTHORED.search(s.text) else -0.1
        elif question.expected == "person":
            bonus = 0.12 if _BYLINE.search(s.text) else 0.0
        elif question.expected == "date":
            bonus = 0.08 if re.search(r"\b(?:19|20)\d\d\b", s.text) else -0.05
        if question.intent == "list":
            bonus += 0.06 if _ENUMERATION.search(s.text) else 0.0
        bonus += fit(question, s.text, text)
        if _HYPOTHETICAL.search(s.text) and not _HYPOTHETICAL_ASKED.search(question.text):
            bonus -= 0.12
        if _PROVENANCE.match(s.text) and not question.strict:
            bonus -= 0.15
        if s.heading or s.asks:
            bonus -= 0.25
        if len(s.text) < 25 and not s.item:
            bonus -= 0.1
        mixed = 0.45 * max(float(cosine), 0.0) + 0.43 * coverage + 0.12 * s.passage.score / best_passage + bonus
        out.append(
            Sentence(
                s.passage, s.start, s.end, s.text, s.item, s.heading, s.leans, s.before, s.context,
                float(cosine), coverage, told / asked if asked else 1.0, alone / total, mixed, tuple(dict.fromkeys(missing)), frozenset(said),
            )
        )  # fmt: skip
    out.sort(key=lambda s: (-s.score, s.place))
    return out
