"""The keyword search of large bases against FTS5's own scores: the same chunks, counts that stay right, nothing let through."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assistant import lexicon
from vectorstore import _ranking, keyword
from vectorstore._ranking import varints
from vectorstore._stems import Stems, Terms
from vectorstore.chroma import BODY, VectorIndex
from vectorstore.keyword import KeywordIndex, query_words
from vectorstore.records import Chunk, Metadata

COMMON = "rates margin growth orders capital filing company".split()  # noqa: SIM905
WORDS = [*COMMON, "tariffs", "filed", "Backlog", "dividends", "copper", "café"]
Scored = list[tuple[str, float]]


def chunks_of(number: int, texts: Sequence[str], role: str = "body") -> list[Chunk]:
    return [
        Chunk(f"c{number}-{place}", f"doc{number}", "v", 0, len(text), text, None, "Item 1", role)
        for place, text in enumerate(texts)
    ]


def put(index: KeywordIndex, number: int, texts: Sequence[str]) -> None:
    index.replace(number, chunks_of(number, texts), Metadata(title=f"Report {number}", company="Copper Mining Inc"))


def by_fts(index: KeywordIndex, query: str, k: int, documents: Sequence[int] | None = None) -> Scored:
    """Every chunk that matches, scored by FTS5."""
    with index._database.read() as connection:
        return keyword._scored(connection, BODY, query_words(query), k, documents, (), documents is not None)


def same(found: Scored, expected: Scored) -> None:
    assert [score for _, score in found] == pytest.approx([score for _, score in expected], rel=1e-6, abs=1e-9)
    # Equal scores may change places at the end of the list only where FTS5 sums in another order.
    rounded = {name: round(score, 6) for name, score in expected}
    assert {n for n, _ in found} == rounded.keys() or len({round(s, 6) for _, s in expected}) < len(expected)


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every table for a large one."""
    monkeypatch.setattr(keyword, "LARGE", 1)
    monkeypatch.setattr(_ranking, "LARGE", 1)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[KeywordIndex]:
    made = KeywordIndex(tmp_path / "keyword.sqlite")
    yield made
    made.close()


@pytest.fixture
def filled(index: KeywordIndex) -> KeywordIndex:
    """80 documents of 10 chunks; each chunk has a word of its own."""
    random = np.random.default_rng(7)
    for number in range(1, 81):
        texts = [
            " ".join(random.choice(WORDS, size=random.integers(2, 30))) + f" own{number}x{place}" for place in range(10)
        ]
        put(index, number, texts)
    return index


QUERIES = (
    "tariffs",
    "tariffs and margins",
    "growth of dividends at Copper Mining",
    "capital backlog cafe orders filings",
    "own3x4 rates",
)


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("documents", [None, [1, 5, 9], list(range(1, 60))])
def test_search_of_a_large_base_scores_as_fts5_does(
    filled: KeywordIndex, query: str, documents: list[int] | None
) -> None:
    held = None if documents is None else 10 * len(documents)
    same(filled.search(BODY, query, 20, documents, chunks=held), by_fts(filled, query, 20, documents))


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize("query", QUERIES)
def test_words_that_are_not_read_are_looked_up_in_the_best_chunks(
    filled: KeywordIndex, query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_ranking, "_POSTINGS", 450)  # two common words at most
    monkeypatch.setattr(_ranking, "_READ", 800)
    same(filled.search(BODY, query, 5), by_fts(filled, query, 5))


@pytest.mark.usefixtures("large")
def test_pruning_lets_no_other_document_through_and_loses_no_rare_word(
    filled: KeywordIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_ranking, "_POSTINGS", 1)
    monkeypatch.setattr(_ranking, "_READ", 3)
    rest = " ".join(COMMON)
    for number in range(1, 81):
        assert filled.search(BODY, f"{rest} own{number}x7", 1)[0][0] == f"c{number}-7"
    allowed = list(range(1, 75, 2))
    for query in QUERIES:
        found = filled.search(BODY, query, 400, allowed, chunks=10 * len(allowed))
        assert {int(name[1:].split("-")[0]) for name, _ in found} <= set(allowed)
        # Never fewer than there are.
        assert len(found) == len(by_fts(filled, query, 400, allowed))


@pytest.mark.usefixtures("large")
def test_roles_are_left_to_fts5(index: KeywordIndex) -> None:
    for number, role in ((1, "navigation"), (2, "disclaimer")):
        index.replace(number, chunks_of(number, ["tariffs and rates"] * 3, role), None)
    found = index.search("furniture", "tariffs rates", 10, roles=("disclaimer",))
    assert sorted(name for name, _ in found) == ["c2-0", "c2-1", "c2-2"]


STEP = st.tuples(st.integers(1, 6), st.lists(st.lists(st.sampled_from(WORDS), max_size=6), max_size=4))


@pytest.mark.usefixtures("large")
@given(steps=st.lists(STEP, min_size=1, max_size=8))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_counts_and_results_follow_every_change(tmp_path_factory: pytest.TempPathFactory, steps: list) -> None:
    index = KeywordIndex(tmp_path_factory.mktemp("k") / "keyword.sqlite")
    held: dict[int, list[str]] = {}
    try:
        for number, words in steps:
            held[number] = [" ".join(chunk) for chunk in words]
            put(index, number, held[number])  # no chunks at all: the document is taken out
            texts = [text for part in held.values() for text in part]
            for word in ("tariffs", "Backlog", "rates"):
                assert index.frequency([word]) == sum(word in text.split() for text in texts)
            assert index.frequency(["dividends", "tariffs"]) == sum(
                bool({"dividends", "tariffs"} & set(text.split())) for text in texts
            )
            for query in ("tariffs margin rates", "copper dividends"):
                same(index.search(BODY, query, 50), by_fts(index, query, 50))
    finally:
        index.close()


@pytest.mark.usefixtures("large")
def test_a_reader_of_an_older_state_leaves_nothing_stale_behind(index: KeywordIndex) -> None:
    put(index, 1, ["tariffs and rates", "growth"])
    with index._database.read() as connection:
        connection.execute("SELECT count(*) FROM body_docsize").fetchone()  # the snapshot is taken
        writer = threading.Thread(target=put, args=(index, 2, ["tariffs and rates once more"]))
        writer.start()
        writer.join()
        assert [name for name, _ in index.search(BODY, "tariffs rates", 9)] == ["c1-0"]
        assert index.frequency(["tariffs"]) == 1
    assert sorted(name for name, _ in index.search(BODY, "tariffs rates", 9)) == ["c1-0", "c2-0"]
    assert index.frequency(["tariffs"]) == 2


@pytest.mark.usefixtures("large")
def test_counts_of_common_words_are_taken_from_an_eighth_of_the_documents(
    index: KeywordIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_ranking, "_SURE", 10)
    for number in range(1, 129):
        put(index, number, ["rates and growth", "rates only"])
    put(index, 129, ["selloff"])
    assert index.frequency(["rates"]) == pytest.approx(256, abs=16)
    assert index.frequency(["growth"]) == pytest.approx(128, abs=8)
    assert index.frequency(["selloff"]) == 1, "what is rare is counted"
    assert index.frequency(["absent"]) == 0


@given(st.lists(st.integers(0, 2**40), max_size=20))
def test_varints(numbers: list[int]) -> None:
    data = bytearray()
    for number in numbers:
        groups = [number >> shift & 0x7F for shift in range(42, -1, -7)]
        while len(groups) > 1 and not groups[0]:
            groups.pop(0)
        data += bytes([group | 0x80 for group in groups[:-1]] + groups[-1:])
    assert varints(bytes(data)) == numbers


def test_terms_are_those_of_fts5() -> None:
    stems = Stems()
    table = Terms({term for word in ("filings", "sky", "cafe", "hoping", "ties") for term in stems.of(word)}, stems)
    assert stems.of("Filings") == stems.of("FILED") == ("file",)
    assert [table[w] for w in ("Filing", "filed", "SKY", "Café", "hopes", "ties", "fill", "skip", "rates")] == [
        *("file", "file", "sky", "cafe", "hope", "ti"),
        *("", "", ""),
    ]  # fmt: skip
    stems.close()


def test_size_of_a_vector_index_follows_its_changes(tmp_path: Path) -> None:
    vectors = VectorIndex(tmp_path / "chroma", "f")
    made = chunks_of(1, ["one", "two", "three"])
    try:
        assert vectors.size(BODY) == 0
        vectors.add(made, np.eye(3, 4, dtype=np.float32))
        assert vectors.size(BODY) == 3
        assert vectors.nearest(BODY, np.eye(4, dtype=np.float32)[1], 3)[0][0] == "c1-1"
        vectors.remove(BODY, ["c1-1"])
        assert vectors.size(BODY) == 2 == vectors.count(BODY)
    finally:
        vectors.close()


@given(
    st.text(alphabet=st.sampled_from("abeginst ’'.,&-1890 ETF€ü\n"), max_size=80)
    | st.sampled_from(["Net sales rose 3.5%; the P/E fell.", "small-cap stocks’ free cash flow"])
)
def test_keys_are_those_of_terms(text: str) -> None:
    assert lexicon.keys(text) == lexicon.widen(term.key for term in lexicon.terms(text))
