"""Lists that the ledger keeps between questions: never older than the last change, whatever was being read meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from store_fakes import CountingEmbedder

from assistant.firms import named_in
from vectorstore import _kept
from vectorstore.ledger import Ledger
from vectorstore.records import Filters
from vectorstore.store import Store, Upsert

MakeDocument = Callable[..., Upsert]
ACME = Filters(company=("Acme",))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store", embedder=CountingEmbedder(), chunker_version="1") as opened:
        yield opened


def test_lists_follow_changes_made_while_an_older_state_is_read(store: Store, make_document: MakeDocument) -> None:
    first = make_document("Rates rose.", path="a.txt", company="Acme Inc", published="2021-01-01")
    second = make_document("Rates fell.", path="b.txt", company="Acme Inc", published="2023-01-01")
    store.upsert_many([first])
    with store._ledger.snapshot() as connection:
        connection.execute("SELECT 1 FROM documents").fetchone()  # the snapshot is taken
        writer = threading.Thread(target=store.upsert_many, args=([second],))
        writer.start()
        writer.join()
        assert store.count(ACME) == 1
        assert [s.path for s in store.sources(ACME)] == ["a.txt"]
    assert store.count(ACME) == 2
    assert [s.path for s in store.sources(ACME)] == ["a.txt", "b.txt"]
    assert store.count(replace(ACME, as_of="2022-01-01")) == 1
    store.remove([first.document.document_id])
    assert store.count(ACME) == 1
    assert store.count(replace(ACME, as_of="2022-01-01")) == 0


def test_a_company_that_comes_in_is_found_by_its_filter(store: Store, make_document: MakeDocument) -> None:
    store.upsert_many([make_document("One.", path="a.txt", company="Bolt Ltd")])
    assert store.count(ACME) == 0
    store.upsert_many([make_document("Two.", path="b.txt", company="Acme Inc")])
    assert store.count(ACME) == 1
    changed = make_document("Two again.", path="b.txt", company="Acme Inc", title="New")
    store.upsert_many([changed])
    assert [s.metadata.title for s in store.sources(ACME)] == ["New"]


def test_more_filters_than_are_kept_still_answer(
    store: Store, make_document: MakeDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_kept, "_LISTS", 64)
    store.upsert_many([make_document(f"Text {n}.", path=f"{n:03}.txt", company=f"Firm{n} Inc") for n in range(90)])
    for _ in range(2):
        for n in range(90):
            asked = Filters(company=(f"Firm{n}",))
            assert [s.path for s in store.sources(asked)] == [f"{n:03}.txt"]
            assert store.count(asked) == 1
    assert len(store._ledger._kept.infos) == _kept._LISTS


def test_a_reader_beside_the_owner_keeps_nothing(store: Store, make_document: MakeDocument) -> None:
    store.upsert_many([make_document("One.", path="a.txt", company="Acme Inc")])
    beside = Ledger(store.root / "ledger.sqlite", owned=False)
    try:
        assert len(beside.infos(ACME)) == 1
        store.upsert_many([make_document("Two.", path="b.txt", company="Acme Inc")])
        assert len(beside.infos(ACME)) == len(beside.matching(ACME)) == 2
    finally:
        beside.close()


def test_a_firm_is_found_among_thousands() -> None:
    firms = [f"Quarrel{n}worth Industries, Inc." for n in range(3000)]
    firms += ["Target Corporation", "Pioneer Natural Resources", "1-800-Harbors.com, Inc."]
    assert named_in("What did Quarrel1234worth earn?", firms) == ("Quarrel1234worth Industries, Inc.",)
    assert named_in("Which firms missed the target?", firms) == ()
    assert named_in("1800Harbors revenue", firms) == ("1-800-Harbors.com, Inc.",)
    assert named_in("What are Pioneer's wells worth?", firms) == ("Pioneer Natural Resources",)
