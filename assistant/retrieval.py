"""Question -> filters and queries -> fused, ranked passages.

Dense and keyword results are fused by reciprocal rank (Cormack, Clarke and Büttcher 2009, k = 60), then ordered by the
fused score, by how much of what the question asks for the passage speaks of, by whether it stands on the statement
that is asked for, and by what else of its page was found. What each of these adds: docs/retrieval.md.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from assistant.lexicon import keys, synonyms
from assistant.question import Question, Unit
from assistant.scope import resolve
from assistant.statement_pages import statement_pages, wanted_kinds
from vectorstore.records import Chunk, Filters, Metadata, Passage
from vectorstore.view import Base

RRF_K = 60
# How many passages each index returns before fusion, and how many are ranked in the end.
POOL = 60
NARROWED_POOL = 400
READ = 80
# What a passage gains that stands on the primary statement that is asked for.
STATEMENT_BONUS = 0.5
# Share of the final order that coverage has; the rest is the fused rank score.
COVERAGE_SHARE = 0.5
# What the other passages of its page add: this share of the next best one's score, half of it for the one after, …
PAGE_SHARE = 0.04
# A word that no chunk holds weighs as if this many did: a name that is lacking is caught as such, not here.
RAREST = 1.5
# Weight of a general word against a telling one.
LIGHT = 0.2
PARAPHRASE = 0.5
# How many of the first passages a reranker reads.
RERANKED = 30

# (question, texts) -> how well each text answers it, higher is better
Rerank = Callable[[str, Sequence[str]], Sequence[float]]


@dataclass(frozen=True, slots=True)
class Parts:
    """What the search is made of: all of it for users; the ablation of ``make bench-retrieval`` takes parts away."""

    companies: bool = True  # the companies and publishers that the question names bound the search
    periods: bool = True  # so do its fiscal periods, within a company's documents
    dense: bool = True
    keyword: bool = True
    synonyms: bool = True  # phrases of the question's concepts in the keyword query
    coverage: bool = True  # how much of the question a passage speaks of
    header: bool = True  # its document's title, company, form and period count for that
    statements: bool = True  # the page of the primary statement that is asked for first
    pages: bool = True  # what else of its page was found
    sides: bool = True  # each company and period that the question compares among the first passages


ALL = Parts()


@dataclass(frozen=True, slots=True)
class Retrieval:
    """What a search found: passages best first, the filters it used, and what the user should know."""

    passages: tuple[Passage, ...]
    filters: Filters
    warnings: tuple[str, ...] = ()


def keyword_query(question: Question, parts: Parts = ALL) -> str:
    """Return the words for the keyword index: the question's own, then the synonyms of its concepts."""
    words = [unit.surface for unit in question.units]
    for unit in question.units if parts.synonyms else ():
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


def weights(store: Base, units: Sequence[Unit]) -> dict[Unit, float]:
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


def narrow(question: Question, filters: Filters, store: Base) -> tuple[Filters, tuple[str, ...]]:
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


def retrieve(
    store: Base, question: Question, filters: Filters, *, k: int = 24, parts: Parts = ALL, rerank: Rerank | None = None
) -> Retrieval:
    """Return up to ``k`` passages for the question, best first, with a score that falls."""
    read = question if parts.periods else replace(question, periods=())
    used, warnings = narrow(read, filters, store) if parts.companies else (filters, ())
    # Within a few named documents every chunk is a candidate: the page that is asked for may share few words.
    pool = NARROWED_POOL if used.document_id or used.company else max(POOL, k)
    rankings = []
    if parts.dense:
        rankings.append(store.search_dense(question.text, k=pool, filters=used))
    if parts.keyword:
        rankings.append(store.search_keyword(keyword_query(question, parts), k=pool, filters=used))
    held: dict[str, Passage] = {}
    fused: dict[str, float] = defaultdict(float)
    for ranking in rankings:
        for rank, passage in enumerate(ranking, start=1):
            fused[passage.chunk.chunk_id] += 1 / (RRF_K + rank)
            held.setdefault(passage.chunk.chunk_id, passage)
    gain = {chunk_id: score * (RRF_K + 1) / len(rankings) for chunk_id, score in fused.items()}
    kinds = wanted_kinds(question.text) if question.companies and parts.statements else frozenset()
    for chunk_id, passage in held.items():
        gain[chunk_id] *= 1 - COVERAGE_SHARE
        gain[chunk_id] += STATEMENT_BONUS * _on_statement(passage.chunk, kinds, store)
    # Reading what a passage says takes longest: only those that can still come first.
    first = sorted(gain, key=lambda c: (-gain[c], c))[: max(READ, k)]
    share = _coverage(store, question, [held[c] for c in first], parts) if parts.coverage else [0.0] * len(first)
    ranked = [replace(held[c], score=gain[c] + COVERAGE_SHARE * said) for c, said in zip(first, share, strict=True)]
    if parts.pages:
        ranked = _by_page(ranked)
    ranked.sort(key=lambda p: (-p.score, p.chunk.chunk_id))
    if rerank is not None:
        ranked = reranked(ranked, question.text, rerank)
    return Retrieval(tuple(ranked[:k]), used, warnings)


def _on_statement(chunk: Chunk, kinds: frozenset[str], store: Base) -> bool:
    if not kinds or not chunk.page:
        return False
    pages = statement_pages(chunk.document_id, chunk.version, store.document)
    return any(chunk.page in pages.get(kind, ()) for kind in kinds)


def _coverage(store: Base, question: Question, passages: Sequence[Passage], parts: Parts) -> list[float]:
    weight = weights(store, question.units)
    heads: dict[str, frozenset[str]] = {}
    out = []
    for passage in passages:
        chunk = passage.chunk
        if chunk.document_id not in heads:
            heads[chunk.document_id] = keys(header(passage.metadata)) if parts.header else frozenset()
        out.append(covered(question, weight, keys(chunk.section + "\n" + chunk.text), heads[chunk.document_id]))
    return out


def _by_page(passages: Sequence[Passage]) -> list[Passage]:
    """Add to each passage's score what the others of its page bring: a page that answers does so in several places."""
    pages: dict[tuple[str, int], list[float]] = defaultdict(list)
    for passage in passages:
        if passage.chunk.page:
            pages[passage.chunk.document_id, passage.chunk.page].append(passage.score)
    others = {
        page: PAGE_SHARE * sum(score / 2**place for place, score in enumerate(sorted(scores, reverse=True)[1:]))
        for page, scores in pages.items()
    }
    return [
        replace(p, score=p.score + others[p.chunk.document_id, p.chunk.page]) if p.chunk.page else p for p in passages
    ]


def reranked(passages: Sequence[Passage], question: str, rerank: Rerank) -> list[Passage]:
    """Return ``passages`` with the first 30 in the order that their own ranks and the reranker's give together.

    Reciprocal rank fusion again: a cross-encoder knows the text alone, not whose it is or which statement it
    stands on. The scores stay those of the places.
    """
    head = list(passages[:RERANKED])
    scores = rerank(question, [p.chunk.text for p in head])
    order = sorted(range(len(head)), key=lambda i: (-scores[i], i))
    theirs = {i: rank for rank, i in enumerate(order)}
    best = sorted(theirs, key=lambda i: (-1 / (RRF_K + i) - 1 / (RRF_K + theirs[i]), i))
    moved = [replace(head[i], score=head[place].score) for place, i in enumerate(best)]
    return [*moved, *passages[RERANKED:]]


# What to look for beside the subject when both sides are asked for.
SIDES = (
    "benefit advantage opportunity catalyst tailwind growth recovery attractive",
    "risk pressure headwind weak debt unprofitable decline vulnerable concern",
)


def retrieve_sides(
    store: Base, question: Question, filters: Filters, *, k: int = 24, rerank: Rerank | None = None
) -> Retrieval:
    """Return passages for a question of both sides: its own, and those for its subject with each side's words."""
    main = retrieve(store, question, filters, k=k, rerank=rerank)
    subject = " ".join(u.surface for u in question.units) or question.text
    held = {p.chunk.chunk_id: p for p in main.passages}
    for side in SIDES:
        asked = replace(question, text=f"{subject} {side}")
        for passage in retrieve(store, asked, filters, k=k // 2, rerank=rerank).passages:
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
