"""Question -> filters and queries -> fused, ranked passages.

Dense and keyword results are fused by reciprocal rank (Cormack, Clarke and Büttcher 2009, k = 60), then
ordered by the fused score and by how much of what the question asks for the passage speaks of.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from assistant.lexicon import keys, synonyms
from assistant.question import Question, Unit
from assistant.scope import resolve
from assistant.statement_pages import statement_pages, wanted_kinds
from vectorstore.records import Filters, Metadata, Passage
from vectorstore.store import Store

RRF_K = 60
# How many passages each index returns before fusion, and how many are ranked in the end.
POOL = 60
NARROWED_POOL = 400
READ = 80
# What a passage gains that stands on the primary statement that is asked for.
STATEMENT_BONUS = 0.5
# Share of the final order that coverage has; the rest is the fused rank score.
COVERAGE_SHARE = 0.5
# A word that no chunk holds weighs as if this many did: a name that is lacking is caught as such, not here.
RAREST = 1.5
# Weight of a general word against a telling one.
LIGHT = 0.2
PARAPHRASE = 0.5


@dataclass(frozen=True, slots=True)
class Retrieval:
    """What a search found: passages best first, the filters it used, and what the user should know."""

    passages: tuple[Passage, ...]
    filters: Filters
    warnings: tuple[str, ...] = ()


def keyword_query(question: Question) -> str:
    """Return the words for the keyword index: the question's own, then the synonyms of its concepts."""
    words = [unit.surface for unit in question.units]
    for unit in question.units:
        for key in sorted(unit.keys):
            words += synonyms(key)[:8]
    return " ".join(words) or question.text


def header(metadata: Metadata) -> str:
    """Return what a passage's document says of itself, for matching: title, company, form, period, publisher."""
    parts = (
        metadata.title,
        metadata.company,
        metadata.ticker,
        metadata.form,
        metadata.fiscal_period,
        metadata.publisher,
    )
    return " · ".join(part for part in parts if part)


def weights(store: Store, units: Sequence[Unit]) -> dict[Unit, float]:
    """Return how telling each unit is: log(1 + N / df) over the chunks of the base (BM25's idea of rarity)."""
    total, counts = store.frequencies([unit_phrases(unit) for unit in units])
    return {unit: _weight(unit, total, count) for unit, count in zip(units, counts, strict=True)}


def _weight(unit: Unit, total: int, count: int) -> float:
    rarity = math.log(1 + max(total, 1) / max(count, RAREST))
    if unit.light:
        return rarity * LIGHT
    # An everyday word that no chunk holds is most often a paraphrase; a finance term that none holds is what is lacking.
    everyday = not count and not any(key.startswith("#") for key in unit.keys)
    return rarity * (PARAPHRASE if everyday else 1.0)


def unit_phrases(unit: Unit) -> tuple[str, ...]:
    """Return the phrases that say a unit: its own words and the synonyms of its concepts."""
    listed = [unit.surface]
    for key in sorted(unit.keys):
        listed += synonyms(key)
    return tuple(dict.fromkeys(listed))


def says(unit: Unit, found: frozenset[str]) -> bool:
    """Whether a text with these keys speaks of the unit: one of its concepts, or all of its words."""
    return bool(unit.keys & found) or (bool(unit.words) and unit.words <= found)


def covered(
    question: Question, weight: dict[Unit, float], text_keys: frozenset[str], header_keys: frozenset[str]
) -> float:
    """Return the weighted share (0..1) of the question's units that a passage or its header says."""
    total = sum(weight[u] for u in question.units)
    if not total:
        return 0.0
    return sum(weight[u] for u in question.units if says(u, text_keys) or says(u, header_keys)) / total


def narrow(question: Question, filters: Filters, store: Store) -> tuple[Filters, tuple[str, ...]]:
    """Add what the question names to ``filters``: companies, publishers, periods; relax what would leave nothing."""
    if question.companies and not filters.company:
        wanted = replace(filters, company=question.companies)
        sources = store.sources(wanted)
        if not sources:
            text = (
                f"Nothing in the base on {', '.join(question.companies)} passes the other filters; searched without it."
            )
            return filters, (text,)
        scope = resolve(question, sources)
        named = scope.tiers[0] if scope.tiers else ()
        if named and len(named) < len(sources):
            wanted = replace(wanted, document_id=tuple(s.document_id for s in named))
        if scope.lacking:
            text = f"No document in the base reports on {', '.join(scope.lacking)} of {', '.join(question.companies)}."
            return wanted, (text,)
        return wanted, ()
    if question.publishers and not filters.publisher and not question.companies:
        wanted = replace(filters, publisher=question.publishers)
        if store.count(wanted):
            return wanted, ()
        text = f"Nothing published by {', '.join(question.publishers)} passes the other filters; searched without it."
        return filters, (text,)
    return filters, ()


def retrieve(store: Store, question: Question, filters: Filters, *, k: int = 24) -> Retrieval:
    """Return up to ``k`` passages for the question, best first, with a score that falls."""
    used, warnings = narrow(question, filters, store)
    # Within a few named documents every chunk is a candidate: the page that is asked for may share few words.
    pool = NARROWED_POOL if used.document_id or used.company else max(POOL, k)
    kinds = wanted_kinds(question.text) if question.companies else frozenset()
    dense = store.search_dense(question.text, k=pool, filters=used)
    lexical = store.search_keyword(keyword_query(question), k=pool, filters=used)
    fused: dict[str, float] = {}
    held: dict[str, Passage] = {}
    for ranking in (dense, lexical):
        for rank, passage in enumerate(ranking, start=1):
            fused[passage.chunk.chunk_id] = fused.get(passage.chunk.chunk_id, 0.0) + 1 / (RRF_K + rank)
            held.setdefault(passage.chunk.chunk_id, passage)
    top = 2 / (RRF_K + 1)
    gain: dict[str, float] = {}
    for chunk_id, score in fused.items():
        chunk = held[chunk_id].chunk
        on_statement = False
        if kinds and chunk.page:
            pages = statement_pages(chunk.document_id, chunk.version, store.document)
            on_statement = any(chunk.page in pages.get(kind, ()) for kind in kinds)
        gain[chunk_id] = (1 - COVERAGE_SHARE) * score / top + STATEMENT_BONUS * on_statement
    weight = weights(store, question.units)
    heads: dict[str, frozenset[str]] = {}
    ranked = []
    # Reading what a passage says takes longest: only those that can still come first.
    for chunk_id in sorted(gain, key=lambda c: (-gain[c], c))[: max(READ, k)]:
        passage = held[chunk_id]
        doc = passage.chunk.document_id
        if doc not in heads:
            heads[doc] = keys(header(passage.metadata))
        share = covered(question, weight, keys(passage.chunk.section + "\n" + passage.chunk.text), heads[doc])
        ranked.append(replace(passage, score=gain[chunk_id] + COVERAGE_SHARE * share))
    ranked.sort(key=lambda p: (-p.score, p.chunk.chunk_id))
    return Retrieval(tuple(ranked[:k]), used, warnings)


# What to look for beside the subject when both sides are asked for.
SIDES = (
    "benefit advantage opportunity catalyst tailwind growth recovery attractive",
    "risk pressure headwind weak debt unprofitable decline vulnerable concern",
)


def retrieve_sides(store: Store, question: Question, filters: Filters, *, k: int = 24) -> Retrieval:
    """Return passages for a question of both sides: its own, and those for its subject with each side's words."""
    main = retrieve(store, question, filters, k=k)
    subject = " ".join(u.surface for u in question.units) or question.text
    held = {p.chunk.chunk_id: p for p in main.passages}
    for side in SIDES:
        asked = replace(question, text=f"{subject} {side}")
        for passage in retrieve(store, asked, filters, k=k // 2).passages:
            held.setdefault(passage.chunk.chunk_id, passage)
    return Retrieval(tuple(held.values()), main.filters, main.warnings)


def filters_json(filters: Filters) -> dict[str, Any]:
    """Return the filters that are set, as in an Answer's ``filters``."""
    out: dict[str, Any] = {}
    for name in ("kind", "publisher", "company", "ticker", "form", "collection", "fiscal_period"):
        value: tuple[str, ...] = getattr(filters, name)
        if value:
            out[name] = list(value)
    for name in ("since", "until"):
        if getattr(filters, name):
            out[name] = getattr(filters, name)
    return out
