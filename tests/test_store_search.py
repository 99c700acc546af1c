"""Search against brute force: the right passages in the right order, never fewer than there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_fakes import CountingEmbedder

from vectorstore import _search, keyword
from vectorstore.embedding import Embedder
from vectorstore.records import Filters, Passage
from vectorstore.store import Store, Upsert, embedded_texts

pytestmark = pytest.mark.usefixtures("any_place")

MakeDocument = Callable[..., Upsert]
WORDS = "rates tariffs backlog margin copper rail ports credit loans orders growth dividend".split()  # noqa: SIM905
ROLES = ("body", "body", "body", "navigation", "disclaimer")


class Corpus(list[Upsert]):
    def __repr__(self) -> str:  # hypothesis prints the arguments of a failure
        return f"{len(self)} documents"


@pytest.fixture(scope="module")
def items(make_document: MakeDocument) -> list[Upsert]:
    """30 documents of 12 chunks: 5 companies, 3 kinds, some undated, a fifth of the chunks furniture."""
    random = np.random.default_rng(7)
    made = Corpus()
    for n in range(30):
        paragraphs = [" ".join(random.choice(WORDS, size=random.integers(1, 9))) + f" p{n}.{i}" for i in range(12)]
        item = make_document(
            "\n\n".join(paragraphs),
            path=f"{n:02}.txt",
            company=f"Firm {'ABCDE'[n % 5]} Inc",
            kind=("filing", "note", "article")[n % 3],
            published=None if n % 7 == 0 else f"20{10 + n % 10}-0{1 + n % 9}-11",
        )
        chunks = tuple(replace(chunk, role=ROLES[(n + i) % 5]) for i, chunk in enumerate(item.chunks))
        made.append(Upsert(item.document, chunks))
    return made


@pytest.fixture(scope="module")
def fake() -> CountingEmbedder:
    return CountingEmbedder()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, fake: CountingEmbedder, items: list[Upsert]) -> Iterator[Store]:
    with Store.open(tmp_path_factory.mktemp("store"), embedder=fake, chunker_version="1") as opened:
        opened.upsert_many(items)
        yield opened


def allowed(item: Upsert, filters: Filters) -> bool:
    m = item.document.metadata
    if filters.company and m.company not in filters.company:
        return False
    if filters.kind and m.kind not in filters.kind:
        return False
    if (filters.as_of or filters.since or filters.until) and m.published is None:
        return False
    day = m.published or ""
    return (filters.as_of is None or day <= filters.as_of) and (filters.since is None or day >= filters.since)


def brute_force(items: list[Upsert], embedder: Embedder, query: str, filters: Filters) -> dict[str, float]:
    vector = embedder.encode([query])[0]
    scores: dict[str, float] = {}
    for item in items:
        if allowed(item, filters):
            vectors = embedder.encode(embedded_texts(embedder, item.document.metadata, item.chunks))
            for chunk, score in zip(item.chunks, vectors @ vector, strict=True):
                if not filters.roles or chunk.role in filters.roles:
                    scores[chunk.chunk_id] = float(score)
    return scores


some_filters = st.builds(
    Filters,
    company=st.lists(st.sampled_from([f"Firm {c} Inc" for c in "ABCDEX"]), max_size=2).map(tuple),
    kind=st.lists(st.sampled_from(["filing", "note", "article"]), max_size=2).map(tuple),
    as_of=st.none() | st.sampled_from(["2009-01-01", "2014-06-30", "2030-01-01"]),
    since=st.none() | st.sampled_from(["2013-01-01"]),
    roles=st.sampled_from([("body",), (), ("navigation",), ("body", "disclaimer")]),
)


@pytest.mark.parametrize("exact_limit", [_search.EXACT_LIMIT, 0])
@given(
    query=st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join),
    k=st.integers(1, 400),
    filters=some_filters,
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_dense_equals_brute_force(
    store: Store,
    fake: CountingEmbedder,
    items: list[Upsert],
    monkeypatch: pytest.MonkeyPatch,
    exact_limit: int,
    query: str,
    k: int,
    filters: Filters,
) -> None:
    """Through exact scores, and (limit 0) through Chroma's graph with its fallback."""
    monkeypatch.setattr(_search, "EXACT_LIMIT", exact_limit)
    wanted = brute_force(items, fake, query, filters)
    found = store.search_dense(query, k=k, filters=filters)
    assert len(found) == min(k, len(wanted))
    assert [p.score for p in found] == sorted((p.score for p in found), reverse=True)
    best = sorted(wanted.values(), reverse=True)[: len(found)]
    assert [p.score for p in found] == pytest.approx(best, abs=1e-5)
    for passage in found:
        assert passage.score == pytest.approx(wanted[passage.chunk.chunk_id], abs=1e-5)


@given(query=st.lists(st.sampled_from(WORDS), min_size=1, max_size=3), k=st.integers(1, 400), filters=some_filters)
@settings(max_examples=40, deadline=None)
def test_keyword_finds_every_chunk_with_a_word_and_no_other(
    store: Store, items: list[Upsert], query: list[str], k: int, filters: Filters
) -> None:
    wanted = {
        chunk.chunk_id
        for item in items
        if allowed(item, filters)
        for chunk in item.chunks
        if set(query) & set(chunk.text.split()) and (not filters.roles or chunk.role in filters.roles)
    }
    found = store.search_keyword(" ".join(query), k=k, filters=filters)
    ids = [p.chunk.chunk_id for p in found]
    assert len(ids) == len(set(ids)) == min(k, len(wanted))
    assert set(ids) <= wanted
    assert [p.score for p in found] == sorted((p.score for p in found), reverse=True)


@given(query=st.text(max_size=60) | st.text(alphabet="\"*^:(){}+-,.'ANDORNEAR \0\ud800é", max_size=40))
@settings(max_examples=300, deadline=None)
def test_no_text_is_a_syntax_error(store: Store, query: str) -> None:
    for filters in (Filters(), Filters(company=("Firm A",), roles=())):
        for passage in store.search_keyword(query, k=5, filters=filters):
            assert isinstance(passage, Passage)


def test_any_text_can_be_asked(store: Store) -> None:
    for query in ("", "   ", "?", "\0", "\ud800", '"unclosed', "NEAR(a b)", "body:x", "a" * 10_000, "the of and"):
        assert len(store.search(query, k=5)) <= 5
        assert len(store.search_dense(query, k=5)) == 5


def test_fusion_is_the_sum_of_reciprocal_ranks(store: Store) -> None:
    dense = [p.chunk.chunk_id for p in store.search_dense("copper tariffs", k=50)]
    words = [p.chunk.chunk_id for p in store.search_keyword("copper tariffs", k=50)]
    scores: dict[str, float] = {}
    for ranking in (dense, words):
        for rank, name in enumerate(ranking, start=1):
            scores[name] = scores.get(name, 0) + 1 / (60 + rank)
    wanted = sorted(scores.items(), key=lambda item: (-item[1], item[0]))[:12]
    found = [(p.chunk.chunk_id, p.score) for p in store.search("copper tariffs", k=12)]
    assert found == wanted


def test_k_of_none_or_less(store: Store) -> None:
    for search in (store.search, store.search_dense, store.search_keyword):
        assert search("copper", k=0) == []
        assert search("copper", k=-3) == []


def test_a_search_can_be_repeated(store: Store) -> None:
    for search in (store.search, store.search_dense, store.search_keyword):
        assert search("growth in orders", k=40) == search("growth in orders", k=40)


def test_words_are_stemmed_and_headings_count(tmp_path: Path, make_document: MakeDocument) -> None:
    with Store.open(tmp_path, embedder=CountingEmbedder()) as store:
        items = [
            make_document("Acquiring rivals was costly.", path="a", title="Annual review"),
            make_document("Nothing on that.", path="b", title="Acquisitions of the year", ticker="ZZQ", form="10-K"),
            make_document("Other things.", path="c", company="Blimpworks Inc", fiscal_period="FY2031"),
        ]
        sections = [replace(items[2].chunks[0], section="Item 7 > Covenants")]
        store.upsert_many([*items[:2], Upsert(items[2].document, sections)])

        def paths(query: str) -> list[str]:
            return [p.path for p in store.search_keyword(query, k=9)]

        assert paths("acquire") == ["a"]
        assert paths("acquisition") == ["b"]
        assert paths("zzq") == ["b"]
        assert paths("blimpworks") == paths("fy2031") == paths("covenant") == ["c"]
        assert paths("body navigation rbody d1") == []  # the filter's own terms are no words


def test_stop_words_are_dropped_unless_there_is_nothing_else() -> None:
    assert keyword.query_words("What are the margins of the Company?") == ["margins", "company"]
    assert keyword.query_words("who are you") == ["who", "are", "you"]
    assert keyword.query_words("not less than 5%") == ["not", "less", "5"]


def test_meaning_is_found_with_the_real_model(tmp_path: Path, embedder: Embedder, make_document: MakeDocument) -> None:
    with Store.open(tmp_path, embedder=embedder) as store:
        store.upsert_many(
            [
                make_document("The board raised the quarterly payout to shareholders.", path="payout"),
                make_document("Copper output fell after the mine flooded.", path="mine"),
                make_document("Interest expense climbed with the floating-rate term loan.", path="debt"),
            ]
        )
        for query, path in (
            ("Did the company increase its dividend?", "payout"),
            ("How do higher rates affect borrowing costs?", "debt"),
            ("What happened to metal production?", "mine"),
        ):
            assert store.search_dense(query, k=1)[0].path == path
        assert store.verify() == []
