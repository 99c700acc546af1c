"""What each part of the ranking does, over a small base of invented filings, with the real model and indexes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statement_samples import HARBOR, filing

from assistant.comparison import search, sides
from assistant.question import Question, understand
from assistant.retrieval import (
    ALL,
    COVERAGE_SHARE,
    PAGE_SHARE,
    RERANKED,
    RRF_K,
    STATEMENT_BONUS,
    Parts,
    keyword_query,
    reranked,
    retrieve,
)
from assistant.statement_pages import wanted_kinds
from vectorstore.embedding import Embedder
from vectorstore.records import Chunk, Document, Filters, Metadata, Passage, chunk_id
from vectorstore.store import Store, Upsert

NONE = Parts(**dict.fromkeys((field.name for field in fields(Parts)), False))
DENSE = replace(NONE, dense=True)


def chunked(document: Document) -> Upsert:
    """A chunk a page, of two lines each where a page has blank lines between them."""
    chunks = []
    for page in document.pages:
        start = page.start
        for part in document.text[page.start : page.end].split("\n\n"):
            text = part.strip("\f\n")
            begin = document.text.index(text, start) if text else start
            if text:
                identity = chunk_id(document.document_id, document.version, begin, begin + len(text))
                chunks.append(
                    Chunk(identity, document.document_id, document.version, begin, begin + len(text), text, page.number)
                )
            start = begin + len(text)
    return Upsert(document, tuple(chunks))


def paged(company: str, period: str, *pages: str) -> Upsert:
    return chunked(filing("\f".join(pages), company=company, period=period))


MILLS = "The mills made 120 tons of paper."
WORKERS = "Kestrel Paper employed {} people at the end of the year."
RAIN = "Rain fell all spring."
ORCHARD = "Orchard Foods employed 900 people at the end of the year."


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Iterator[Store]:
    with Store.open(tmp_path_factory.mktemp("base"), embedder=embedder, chunker_version="1") as opened:
        opened.upsert_many(
            [
                paged("Kestrel Paper Inc", "FY2020", MILLS, WORKERS.format(300)),
                paged("Kestrel Paper Inc", "FY2021", MILLS, WORKERS.format(310), "Staff costs rose.\n\nStaff left."),
                paged("Kestrel Paper Inc", "FY2022", MILLS, WORKERS.format(320)),
                paged("Orchard Foods Corp", "FY2022", "The orchards bore 40 tons of apples.", ORCHARD, RAIN),
                chunked(filing(HARBOR)),
            ]
        )
        yield opened


def ask(store: Store, text: str) -> Question:
    return understand(text, store.sources())


def of(passages: Sequence[Passage]) -> set[tuple[str | None, str | None]]:
    return {(p.metadata.company, p.metadata.fiscal_period) for p in passages}


def scores(passages: Sequence[Passage]) -> dict[str, float]:
    return {p.chunk.chunk_id: p.score for p in passages}


# parts


def test_a_named_company_and_year_bound_the_search(store: Store) -> None:
    question = ask(store, "How many people did Kestrel Paper employ in FY2021?")
    assert of(retrieve(store, question, Filters()).passages) == {("Kestrel Paper Inc", "FY2021")}
    without_periods = retrieve(store, question, Filters(), parts=replace(ALL, periods=False)).passages
    assert of(without_periods) == {("Kestrel Paper Inc", f"FY{year}") for year in (2020, 2021, 2022)}
    unbounded = retrieve(store, question, Filters(), parts=replace(ALL, companies=False))
    assert {company for company, _ in of(unbounded.passages)} > {"Kestrel Paper Inc", "Orchard Foods Corp"}
    assert unbounded.filters == Filters()


def test_the_keyword_index_finds_words_and_the_dense_one_needs_none(store: Store) -> None:
    question = ask(store, "zyzzogeton")
    assert retrieve(store, question, Filters(), parts=replace(ALL, dense=False)).passages == ()
    assert len(retrieve(store, question, Filters(), k=5, parts=replace(ALL, keyword=False)).passages) == 5
    word = ask(store, "apples")
    found = retrieve(store, word, Filters(), parts=replace(ALL, dense=False)).passages
    assert [p.chunk.text for p in found] == ["The orchards bore 40 tons of apples."]


def test_with_nothing_to_search_by_there_is_nothing(store: Store) -> None:
    assert retrieve(store, ask(store, "apples"), Filters(), parts=NONE).passages == ()


def test_synonyms_join_the_keyword_query() -> None:
    question = understand("What was the capex of 2021?")
    own = keyword_query(question, replace(ALL, synonyms=False)).lower()
    assert "capex" in own
    assert "property" not in own
    assert "property" in keyword_query(question).lower()


def test_without_the_other_parts_the_score_is_the_reciprocal_rank(store: Store) -> None:
    question = ask(store, "people at the end of the year")
    found = retrieve(store, question, Filters(), k=5, parts=DENSE).passages
    order = store.search_dense(question.text, k=5)
    assert [p.chunk.chunk_id for p in found] == [p.chunk.chunk_id for p in order]
    assert [p.score for p in found] == pytest.approx(
        [(1 - COVERAGE_SHARE) * (RRF_K + 1) / (RRF_K + rank) for rank in range(1, 6)]
    )


def test_coverage_adds_the_share_of_the_question_that_a_passage_speaks_of(store: Store) -> None:
    question = ask(store, "apples")
    plain = scores(retrieve(store, question, Filters(), parts=DENSE).passages)
    read = retrieve(store, question, Filters(), parts=replace(DENSE, coverage=True)).passages
    gained = {p.chunk.text: p.score - plain[p.chunk.chunk_id] for p in read}
    assert gained["The orchards bore 40 tons of apples."] == pytest.approx(COVERAGE_SHARE)
    assert gained[ORCHARD] == pytest.approx(0)


def test_the_header_counts_for_coverage_where_it_is_on(store: Store) -> None:
    # As if no company were read from the word: the document's header holds it, one of its passages does not.
    question = replace(ask(store, "orchard"), companies=(), units=understand("orchard").units)
    parts = replace(DENSE, coverage=True)
    bare = scores(retrieve(store, question, Filters(), parts=parts).passages)
    headed = retrieve(store, question, Filters(), parts=replace(parts, header=True)).passages
    gained = {p.chunk.text: p.score - bare[p.chunk.chunk_id] for p in headed}
    assert gained.pop(RAIN) == pytest.approx(COVERAGE_SHARE)
    assert set(map(abs, gained.values())) == {0.0}


def test_the_statement_that_is_asked_for_comes_first(store: Store) -> None:
    question = ask(store, "What was the gross profit of Harbor Tools in FY2021?")
    with_it = retrieve(store, question, Filters(), parts=ALL).passages
    plain = scores(retrieve(store, question, Filters(), parts=replace(ALL, statements=False, pages=False)).passages)
    lifted = scores(retrieve(store, question, Filters(), parts=replace(ALL, pages=False)).passages)
    assert with_it[0].chunk.page == 3
    by_page = {p.chunk.chunk_id: p.chunk.page for p in with_it}
    gains = {by_page[c]: round(lifted[c] - plain[c], 6) for c in lifted}
    assert gains[3] == STATEMENT_BONUS
    assert {gain for page, gain in gains.items() if page != 3} == {0.0}


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("What was the gross profit of Harbor Tools in FY2021?", {"income"}),
        ("What is on the balance sheet?", {"balance"}),
        ("Which segment had the highest net income in FY2021?", set()),
        ("By product, how did revenue develop?", set()),
        ("What were total revenues by geography?", set()),
        ("Why did the gross profit of Harbor Tools fall in FY2021?", set()),
        ("What drove the gross profit of Harbor Tools in FY2021?", set()),
        ("What was gross profit? If it is not a useful metric, say so and explain why.", {"income"}),
    ],
)
def test_who_asks_for_a_part_of_the_group_or_for_reasons_is_not_sent_to_its_statements(
    text: str, kinds: set[str]
) -> None:
    assert wanted_kinds(text) == kinds


def test_what_else_was_found_on_a_page_lifts_it(store: Store) -> None:
    question = ask(store, "staff")
    bounds = Filters(company=("Kestrel Paper Inc",), fiscal_period=("FY2021",))
    alone = {p.chunk.text: p.score for p in retrieve(store, question, bounds, parts=DENSE).passages}
    together = {p.chunk.text: p.score for p in retrieve(store, question, bounds, parts=replace(DENSE, pages=True)).passages}  # fmt: skip
    first, second = sorted(("Staff costs rose.", "Staff left."), key=lambda t: -alone[t])
    assert together[first] == pytest.approx(alone[first] + PAGE_SHARE * alone[second])
    assert together[second] == pytest.approx(alone[second] + PAGE_SHARE * alone[second])
    assert together[MILLS] == pytest.approx(alone[MILLS])


# comparisons


def test_each_company_of_a_comparison_is_among_the_first(store: Store) -> None:
    question = ask(store, "Compare the people employed by Kestrel Paper and by Orchard Foods in 2022.")
    found = search(store, question, Filters(), k=4).passages
    assert [p.metadata.company for p in found[:2]] in (
        ["Kestrel Paper Inc", "Orchard Foods Corp"],
        ["Orchard Foods Corp", "Kestrel Paper Inc"],
    )
    assert {p.chunk.text for p in found[:2]} == {WORKERS.format(320), ORCHARD}


def test_a_filter_on_the_company_wins_over_the_comparison(store: Store) -> None:
    question = ask(store, "Compare the people employed by Kestrel Paper and by Orchard Foods in 2022.")
    assert sides(question, Filters(company=("Orchard Foods Corp",))) == ()
    found = search(store, question, Filters(company=("Orchard Foods Corp",)), k=10).passages
    assert {p.metadata.company for p in found} == {"Orchard Foods Corp"}


def test_a_company_that_the_filters_leave_out_is_told_and_takes_no_place(store: Store) -> None:
    question = ask(store, "Compare the people employed by Kestrel Paper and by Orchard Foods in 2021.")
    found = search(store, question, Filters(fiscal_period=("FY2021",)), k=10)
    assert of(found.passages) == {("Kestrel Paper Inc", "FY2021")}
    assert any("Orchard Foods Corp" in warning for warning in found.warnings)


def test_each_publisher_of_a_comparison_is_among_the_first(
    tmp_path: Path, embedder: Embedder, make_document: Callable[..., Upsert]
) -> None:
    outlook = [f"Small companies will do well, for the {n}th reason that the outlook gives." for n in range(1, 9)]
    with Store.open(tmp_path, embedder=embedder, chunker_version="1") as opened:
        opened.upsert_many(
            [
                make_document("\n\n".join(outlook), path="a.txt", publisher="Ostrander Research", title="Outlook"),
                make_document("Rates weigh on them.", path="b.txt", publisher="Velmont Capital", title="Rates"),
            ]
        )
        question = ask(opened, "Do Ostrander Research and Velmont Capital agree on the outlook for small companies?")
        found = search(opened, question, Filters(), k=4)
        chosen = search(opened, question, Filters(publisher=("Ostrander Research",)), k=4).passages
        plain = search(opened, question, Filters(), k=4, parts=replace(ALL, sides=False)).passages
    assert [p.metadata.publisher for p in found.passages[:2]].count("Velmont Capital") == 1
    assert set(found.filters.publisher) == {"Ostrander Research", "Velmont Capital"}
    assert {p.metadata.publisher for p in chosen} == {p.metadata.publisher for p in plain} == {"Ostrander Research"}


def test_each_year_of_a_comparison_is_among_the_first(store: Store) -> None:
    question = ask(store, "How did the number of people at Kestrel Paper change from FY2020 to FY2022?")
    plain = search(store, question, Filters(), parts=replace(ALL, sides=False)).passages
    assert of(plain) == {("Kestrel Paper Inc", "FY2022")}
    found = search(store, question, Filters(), k=10).passages
    assert of(found) == {("Kestrel Paper Inc", "FY2020"), ("Kestrel Paper Inc", "FY2022")}
    assert found[0] == plain[0]
    assert WORKERS.format(300) in {p.chunk.text for p in found}
    narrow = search(store, question, Filters(), k=2).passages
    assert len(narrow) == 2


def test_one_company_and_one_year_is_the_plain_search(store: Store) -> None:
    question = ask(store, "How many people did Kestrel Paper employ in FY2021?")
    assert search(store, question, Filters(), k=7) == retrieve(store, question, Filters(), k=7)


@pytest.mark.parametrize(
    "text",
    [
        "Compare the people employed by Kestrel Paper and by Orchard Foods in 2022.",
        "How did the number of people at Kestrel Paper change from FY2020 to FY2022?",
        "What did Kestrel Paper, Orchard Foods and Harbor Tools say of people in 2020, 2021 and 2022?",
        "people",
    ],
)
@pytest.mark.parametrize("k", [1, 3, 40])
def test_scores_fall_and_no_passage_comes_twice(store: Store, text: str, k: int) -> None:
    found = search(store, ask(store, text), Filters(), k=k).passages
    assert 0 < len(found) <= k
    assert [p.score for p in found] == sorted((p.score for p in found), reverse=True)
    assert len({p.chunk.chunk_id for p in found}) == len(found)


# a reranker


def passage(number: int) -> Passage:
    chunk = Chunk(f"c{number}", "d", "v", number, number + 1, str(number))
    return Passage(chunk, Metadata(), "d.txt", "default", 1 - number / 100)


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=60))
def test_a_reranker_moves_only_the_first_thirty_and_scores_stay_with_their_places(marks: list[float]) -> None:
    before = [passage(n) for n in range(len(marks))]
    after = reranked(before, "q", lambda _, texts: [marks[int(t)] for t in texts])
    assert [p.score for p in after] == [p.score for p in before]
    assert {p.chunk.chunk_id for p in after[:RERANKED]} == {p.chunk.chunk_id for p in before[:RERANKED]}
    assert after[RERANKED:] == before[RERANKED:]


def test_both_orders_count_alike() -> None:
    before = [passage(n) for n in range(3)]
    swapped: Callable[[str, Sequence[str]], list[float]] = lambda _, texts: [float(t == "2") for t in texts]  # noqa: E731
    assert [p.chunk.text for p in reranked(before, "q", swapped)] == ["0", "2", "1"]
    assert reranked([], "q", swapped) == []
