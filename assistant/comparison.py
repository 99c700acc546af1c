"""Search for questions that compare: each company, publisher and year that is asked for among the first passages.

One ranking over all of them would be filled by the one whose documents say most of the question, or are newest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import zip_longest

from assistant.question import Question, aliases
from assistant.retrieval import ALL, Parts, Rerank, Retrieval, retrieve
from assistant.scope import SAYS_QUARTER, fit, resolve
from vectorstore.records import Filters, Passage
from vectorstore.view import Base

# Each side has a place among this many first passages.
FIRST = 10


def search(
    store: Base, question: Question, filters: Filters, *, k: int = 10, parts: Parts = ALL, rerank: Rerank | None = None
) -> Retrieval:
    """Return up to ``k`` passages, best first; of a comparison, passages of all its companies and years by turns."""
    firms = sides(question, filters) if parts.sides and parts.companies else ()
    if not firms:
        return _with_years(store, question, filters, k=k, first=FIRST, parts=parts, rerank=rerank)
    share = max(1, FIRST // len(firms))
    each = [_with_years(store, q, filters, k=k, first=share, parts=parts, rerank=rerank) for q in firms]
    # A firm none of whose documents pass the filters was searched for among the others': that is no side.
    own = [found for found, q in zip(each, firms, strict=True) if _bound_to(found.filters, q)]
    if not own:
        return _with_years(store, question, filters, k=k, first=FIRST, parts=parts, rerank=rerank)
    turns = [p for row in zip_longest(*(found.passages for found in own)) for p in row if p is not None]
    used = replace(
        filters,
        company=tuple(c for found in own for c in found.filters.company),
        publisher=tuple(dict.fromkeys(p for found in own for p in found.filters.publisher)),
    )
    ids = [found.filters.document_id for found in own]
    if all(ids):
        used = replace(used, document_id=tuple(dict.fromkeys(i for one in ids for i in one)))
    warnings = tuple(dict.fromkeys(w for found in each for w in found.warnings))
    return Retrieval(tuple(_falling(turns[:k])), used, warnings)


def sides(question: Question, filters: Filters) -> tuple[Question, ...]:
    """Return the question for each company, or each publisher, where it names several and no filter chooses between them."""
    if filters.document_id:
        return ()
    if len(question.companies) > 1 and not (filters.company or filters.ticker):
        return tuple(replace(one, companies=(firm,)) for firm, one in _apart(question, question.companies))
    if len(question.publishers) > 1 and not (question.companies or filters.publisher):
        return tuple(replace(one, publishers=(firm,)) for firm, one in _apart(question, question.publishers))
    return ()


def _apart(question: Question, firms: Sequence[str]) -> Iterator[tuple[str, Question]]:
    """Yield each firm with the question that has no other firm's name among its names."""
    forms = {firm: set(aliases(firm)) for firm in firms}
    for firm in firms:
        others = set().union(*(forms[other] for other in firms if other != firm))
        yield firm, replace(question, names=tuple(n for n in question.names if not others & set(aliases(n))))


def _bound_to(used: Filters, question: Question) -> bool:
    if question.companies:
        return set(used.company) == set(question.companies)
    return set(used.publisher) == set(question.publishers)


def _with_years(
    store: Base,
    question: Question,
    filters: Filters,
    *,
    k: int,
    first: int,
    parts: Parts,
    rerank: Rerank | None,
) -> Retrieval:
    """Search, and see to it that each year's own document has a passage among the ``first``.

    The newest document shows the years before beside its own and stays in front; a year's own one knows more of it.
    """
    main = retrieve(store, question, filters, k=k, parts=parts, rerank=rerank)
    if not (parts.sides and parts.companies and parts.periods):
        return main
    if len(question.periods) < 2 or len(question.companies) != 1 or filters.document_id:
        return main
    head, rest = list(main.passages[:first]), list(main.passages[first:])
    sources = store.sources(replace(filters, company=question.companies))
    lacking: list[Passage] = []
    documents: list[str] = []
    for period in question.periods:
        scope = resolve(replace(question, periods=(period,)), sources)
        own = {s.document_id for tier in scope.tiers[:1] for s in tier if fit(s.metadata, period) >= SAYS_QUARTER}
        if not own or any(p.chunk.document_id in own for p in (*head, *lacking)):
            continue
        narrowed = replace(filters, company=question.companies, document_id=tuple(sorted(own)))
        found = retrieve(store, replace(question, periods=(period,)), narrowed, k=1, parts=parts, rerank=rerank)
        lacking += found.passages[:1]
        documents += narrowed.document_id
    if not lacking:
        return main
    kept = head[: max(1, first - len(lacking))]
    taken = {p.chunk.chunk_id for p in lacking}
    order = [*kept, *lacking, *(p for p in (*head[len(kept) :], *rest) if p.chunk.chunk_id not in taken)]
    used = replace(main.filters, document_id=tuple(dict.fromkeys((*main.filters.document_id, *documents))))
    return replace(main, passages=tuple(_falling(order[:k])), filters=used)


def _falling(passages: Sequence[Passage]) -> list[Passage]:
    """Return the passages in their order, no score above the one before it."""
    out: list[Passage] = []
    for passage in passages:
        limit = out[-1].score if out else passage.score
        out.append(passage if passage.score <= limit else replace(passage, score=limit))
    return out
