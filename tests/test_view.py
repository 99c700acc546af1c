"""A reader's view of a store against a store that holds nothing else: the same passages, scores, counts, texts of errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_fakes import CountingEmbedder

from vectorstore import _search
from vectorstore.errors import NotFound
from vectorstore.ledger import Ledger
from vectorstore.records import Filters, Passage, document_id
from vectorstore.store import Store, Upsert
from vectorstore.view import StoreView

MakeDocument = Callable[..., Upsert]
WORDS = "rates tariffs backlog margin copper rail ports credit loans orders growth dividend".split()  # noqa: SIM905
HIDDEN_WORDS = [*WORDS, "zorvane", "quillmark", "Verdolin"]
ROLES = ("body", "body", "body", "navigation", "disclaimer")
OPEN = frozenset({"open", "notes"})


class Pair:
    """The same open documents in two stores, of which the first has others beside them; hypothesis prints it."""

    def __init__(self, view: StoreView, alone: Store, whole: Store, hidden: list[Upsert]) -> None:
        self.view, self.alone, self.whole, self.hidden = view, alone, whole, hidden

    def __repr__(self) -> str:
        return "a view and a store"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, make_document: MakeDocument) -> Iterator[Pair]:
    random = np.random.default_rng(11)

    def made(n: int, collection: str, words: list[str]) -> Upsert:
        paragraphs = [" ".join(random.choice(words, size=random.integers(1, 14))) + f" p{n}.{i}" for i in range(9)]
        item = make_document(
            "\n\n".join(paragraphs),
            path=f"{n:02}.txt",
            collection=collection,
            title=f"Title {words[n % len(words)]}",
            company=f"Firm {'ABCDE'[n % 5]} Inc" if collection != "deals" else "Zorvane Holdings Inc",
            kind=("filing", "note", "article")[n % 3],
            published=None if n % 7 == 0 else f"20{10 + n % 10}-0{1 + n % 9}-11",
        )
        chunks = tuple(replace(chunk, role=ROLES[(n + i) % 5]) for i, chunk in enumerate(item.chunks))
        return Upsert(item.document, chunks, item.original)

    shown = [made(n, ("open", "Notes")[n % 2], WORDS) for n in range(20)]
    hidden = [made(n, "deals", HIDDEN_WORDS) for n in range(20, 45)]
    mixed = [item for n in range(25) for item in (*hidden[n : n + 1], *shown[n : n + 1])]
    fake = CountingEmbedder()
    folder = tmp_path_factory.mktemp("stores")
    with (
        Store.open(folder / "alone", embedder=fake, chunker_version="1") as alone,
        Store.open(folder / "whole", embedder=fake, chunker_version="1") as whole,
    ):
        alone.upsert_many(shown)
        whole.upsert_many(mixed)
        yield Pair(whole.view(OPEN), alone, whole, hidden)


def plain(passages: list[Passage]) -> list[tuple[str, float]]:
    return [(p.chunk.chunk_id, p.score) for p in passages]


texts = st.lists(st.sampled_from([*HIDDEN_WORDS, "Firm", "title", "p3", "unheard"]), min_size=1, max_size=6).map(
    " ".join
)
named = st.sampled_from([(), ("open",), ("NOTES",), ("deals",), ("deals", "open"), ("nowhere",)])
filters = st.builds(
    Filters,
    collection=named,
    company=st.sampled_from([(), ("Firm A",), ("Zorvane Holdings",), ("Zorvane", "Firm B")]),
    kind=st.sampled_from([(), ("note",)]),
    as_of=st.sampled_from([None, "2014-06-30"]),
    roles=st.sampled_from([("body",), (), ("body", "disclaimer"), ("navigation",)]),
)


@given(query=texts, filters=filters, k=st.integers(1, 60))
@settings(max_examples=150, deadline=None)
def test_what_a_view_finds_is_what_a_store_without_the_rest_finds(
    pair: Pair, query: str, filters: Filters, k: int
) -> None:
    alone = pair.alone.view(OPEN)
    for name in ("search_dense", "search_keyword", "search"):
        mine = plain(getattr(pair.view, name)(query, k=k, filters=filters))
        assert mine == plain(getattr(alone, name)(query, k=k, filters=filters))
    assert pair.view.count(filters) == alone.count(filters) == pair.alone.count(filters)
    assert pair.view.undated(filters) == pair.alone.undated(filters)
    assert [s.document_id for s in pair.view.sources(filters)] == [s.document_id for s in pair.alone.sources(filters)]
    groups = [[query], query.split(), []]
    assert pair.view.frequencies(groups) == alone.frequencies(groups) == pair.alone.frequencies(groups)


@given(query=texts, filters=filters, k=st.integers(1, 60))
@settings(max_examples=100, deadline=None)
def test_a_view_of_all_finds_what_the_store_finds(pair: Pair, query: str, filters: Filters, k: int) -> None:
    everything = pair.whole.view(frozenset({"open", "notes", "deals"}))
    for name in ("search_dense", "search_keyword"):
        mine = getattr(everything, name)(query, k=k, filters=filters)
        theirs = getattr(pair.whole, name)(query, k=k, filters=filters)
        assert [p.score for p in mine] == pytest.approx([p.score for p in theirs], rel=1e-6, abs=1e-6)
    assert everything.frequencies([query.split()]) == pair.whole.frequencies([query.split()])


def test_a_collection_is_named_without_regard_to_case_or_spaces(pair: Pair) -> None:
    assert len(pair.whole.view(frozenset({" NOTES "})).sources()) == 10
    assert pair.view.collections() == {"open": 10, "Notes": 10}
    assert pair.whole.collections() == {"open": 10, "Notes": 10, "deals": 25}


def test_nothing_allowed_is_nothing_found(pair: Pair) -> None:
    for nobody in (
        pair.whole.view(frozenset()),
        pair.whole.view(frozenset({"nowhere"})),
        pair.view.view(frozenset({"deals"})),
    ):
        assert nobody.is_empty()
        assert nobody.sources() == nobody.search("rates tariffs", k=9) == nobody.waiting() == []
        assert nobody.count() == 0
        assert nobody.frequencies([["rates"]]) == (0, [0])
    assert not pair.view.is_empty()


def test_a_view_of_a_view_is_no_wider(pair: Pair) -> None:
    inner = pair.view.view(frozenset({"open", "deals"}))
    assert inner.within == {"open"}
    assert pair.view.count(Filters(within=frozenset({"deals", "open"}))) == 10


def test_fingerprints_are_of_what_may_be_read(pair: Pair) -> None:
    assert pair.view.index_fingerprint == pair.alone.index_fingerprint
    assert pair.view.index_fingerprint != pair.whole.index_fingerprint
    assert pair.view.embedding_fingerprint == pair.alone.embedding_fingerprint


def error_of(call: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(NotFound) as caught:
        call()
    return caught.value.message, caught.value.what_to_do


def test_a_forbidden_document_is_as_unknown_as_one_that_never_was(pair: Pair) -> None:
    document = pair.hidden[0].document
    for store_name, id_ in (("never", document_id("deals", "never.txt")), ("hidden", document.document_id)):
        for version in (None, document.version, "0" * 64):
            for method in ("document", "original"):
                message, what = error_of(lambda i=id_, v=version, m=method: getattr(pair.view, m)(i, v))  # type: ignore[misc]
                assert (message, what) == (f"There is no document {id_}.", "`thesis sources` lists what is in."), (
                    store_name
                )
                assert (message, what) == error_of(lambda i=id_, v=version: pair.alone.document(i, v))  # type: ignore[misc]
        assert pair.view.info(id_) is None
        assert pair.view.chunks(id_) == pair.view.ever(id_) == []
        assert not pair.view.readable(id_)
    hidden_chunk = pair.hidden[0].chunks[0].chunk_id
    assert error_of(lambda: pair.view.chunk(hidden_chunk)) == error_of(lambda: pair.alone.chunk(hidden_chunk))


def test_versions_of_a_removed_document_keep_their_readers(tmp_path: Path, make_document: MakeDocument) -> None:
    with Store.open(tmp_path / "store", embedder=CountingEmbedder(), chunker_version="1") as store:
        mine, theirs = (make_document("One rate.", path="a.txt", collection=name) for name in ("open", "deals"))
        store.upsert_many([mine, theirs])
        store.remove([mine.document.document_id, theirs.document.document_id])
        view = store.view(frozenset({"open"}))
        kept = view.document(mine.document.document_id, mine.document.version)
        assert kept.text == "One rate."
        assert view.ever(mine.document.document_id[:6]) == [mine.document.document_id]
        assert view.collections() == {"open": 0}
        message, _ = error_of(lambda: view.document(theirs.document.document_id, theirs.document.version))
        assert message == f"There is no document {theirs.document.document_id}."
        assert view.is_empty()


def test_failed_and_waiting_documents_show_to_their_readers_only(tmp_path: Path, make_document: MakeDocument) -> None:
    with Store.open(tmp_path / "store", embedder=CountingEmbedder(), chunker_version="1") as store:
        store.put_many([make_document("One rate.", path=f"{name}.txt", collection=name) for name in ("open", "deals")])
        for name in ("open", "deals"):
            store.record_failure(
                document_id=f"bad-{name}", path=f"bad-{name}.pdf", collection=name, error=f"No {name}."
            )
            store.seen([(f"seen-{name}", f"seen-{name}.txt", name)])
        view = store.view(frozenset({"open"}))
        assert {s.path for s in view.sources()} == {"open.txt", "bad-open.pdf", "seen-open.txt"}
        assert [one.document_id for one in view.waiting()] == [document_id("open", "open.txt")]
        assert view.info("bad-deals") is None
        assert view.info("bad-open") is not None


def test_a_view_follows_every_change(tmp_path: Path, make_document: MakeDocument) -> None:
    with Store.open(tmp_path / "store", embedder=CountingEmbedder(), chunker_version="1") as store:
        view = store.view(frozenset({"open"}))
        assert view.search("copper", k=5) == []
        for n in range(3):
            store.upsert_many(
                [make_document(f"copper rates {n}", path=f"{n}.txt", collection=name) for name in ("open", "deals")]
            )
            assert len(view.search_keyword("copper", k=9)) == len(view.search_dense("copper", k=9)) == n + 1
            assert view.frequencies([["copper"]]) == (n + 1, [n + 1])
        changed = make_document("tariffs only", path="0.txt", collection="open")
        store.upsert_many([changed])
        assert view.frequencies([["copper"], ["tariffs"]]) == (3, [2, 1])
        store.remove([changed.document.document_id])
        assert view.frequencies([["copper"], ["tariffs"]]) == (2, [2, 0])


def test_a_view_larger_than_is_scored_in_full_still_finds_its_own_only(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_search, "EXACT_WITHIN", 0)
    found = pair.view.search_dense("zorvane rates", k=40)
    assert len(found) == 40
    assert {p.collection for p in found} <= {"open", "Notes"}


def test_a_reader_beside_the_owner_can_be_narrowed_too(pair: Pair) -> None:
    ledger = Ledger(pair.whole.root / "ledger.sqlite", owned=False)
    try:
        assert {s.collection for s in ledger.infos(Filters(within=OPEN))} == {"open", "Notes"}
        assert ledger.infos(Filters(within=frozenset())) == []
    finally:
        ledger.close()
