"""What documents say of each catalyst: which sentences are read, that quotes are verbatim, and that only what changed is read again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from assistant.catalysts import library
from assistant.catalysts.candidates import alone, candidates, pattern, stated
from assistant.catalysts.library import shipped
from assistant.catalysts.schema import Catalyst
from assistant.evidence import split
from tests.board_cases import Bench, bench, note
from tests.conftest import MakeDocument
from vectorstore.embedding import Embedder
from vectorstore.records import Passage

TARIFFS = next(one for one in shipped() if one.id == "tariffs")


@pytest.fixture
def base(tmp_path: Path, embedder: Embedder, model_cache: Path, kept_in: str) -> Iterator[Bench]:
    with bench(tmp_path, embedder, model_cache) as made:
        yield made


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("New tariffs came.", ["tariffs"]),
        ("The trade-war and a trade war", ["trade-war", "trade war"]),
        ("customs\nduties", ["customs\nduties"]),
        ("A tariffed good, an untariffed one", ["tariffed"]),
        ("Section 301 and section 3012", ["Section 301"]),
        ("the exclusions ended", ["exclusions"]),
    ],
)
def test_the_words_to_look_for_are_whole_words_in_any_number(text: str, found: list[str]) -> None:
    assert [m.group() for m in pattern(TARIFFS.look_for).finditer(text)] == found


def test_army_and_armies_but_no_armistice() -> None:
    assert [m.group() for m in pattern(("Army",)).finditer("The army, two armies, an armistice")] == ["army", "armies"]


def _sentences(make_document: MakeDocument, text: str) -> list[str]:
    upsert = make_document(text)
    return [c.text for c in candidates(upsert.document, upsert.chunks, [TARIFFS])[0]]


@pytest.mark.parametrize(
    "text",
    [
        "Tariffs and trade",  # a heading
        "Will the new tariffs raise our costs next year?",  # a question
        "Tariffs 12.1 13.4 15.9",  # a row
        "and so the tariffs raise the costs of our plants.",  # the rest of a sentence
        "Tariffs fell.",  # too short to be read alone
        "Actual results could differ from what we say here because of tariffs and other causes.",
        "The risk of tariffs is described under Item 1A of this report, which you should read.",
        "The thesis on tariffs would be refuted by duties that are withdrawn in the next year.",
        "Thank you for the question on tariffs, which we have looked at closely.",
    ],
)
def test_what_states_nothing_of_its_own_is_no_candidate(make_document: MakeDocument, text: str) -> None:
    assert _sentences(make_document, text) == []


def test_a_sentence_that_leans_on_the_one_before_comes_with_it(make_document: MakeDocument) -> None:
    text = "The government put duties on steel in March. They raise our costs by the tariffs that steel makers pass on."
    assert _sentences(make_document, text) == [text]
    lonely = "They raise our costs by the tariffs that steel makers pass on."
    assert _sentences(make_document, lonely) == [lonely]  # nothing stands before it to lean on


def test_of_a_sentence_and_the_same_with_the_next_the_longer_stays(make_document: MakeDocument) -> None:
    text = "New tariffs on steel came into force in March. These tariffs raise our costs by nine percent this year."
    assert _sentences(make_document, text) == [text]


def test_furniture_is_no_evidence(make_document: MakeDocument) -> None:
    upsert = make_document("Tariffs raise the costs of all small importers.", role="disclaimer")
    assert candidates(upsert.document, upsert.chunks, [TARIFFS]) == [[]]


def test_a_sentence_does_not_lean_across_a_paragraph(make_document: MakeDocument) -> None:
    upsert = make_document("The duty came.\n\nIt hurts us, and the tariffs that it brought hurt more.")
    document = upsert.document
    spans = [
        (stated(s), alone(s, document))
        for chunk in upsert.chunks
        for s in split(Passage(chunk, document.metadata, document.path, document.collection, 0.0), document)
    ]
    assert spans == [(False, (0, 14)), (True, None)]


NOTES = {
    "one.md": note(
        "# One\n\nTariffs raise the costs of small importers of steel.\n\nThe refund of duties will help the importers of toys.\n\n"
        "Small caps look cheap against large caps on price to earnings this year.",
        title="One", publisher="Quay Research", published="2024-03-01", kind="note",
    ),
    "two.md": note(
        "# Two\n\nThe trade war will hurt the makers of chairs in Ohio.",
        title="Two", publisher="Harbor Press", published="2024-04-01", kind="article",
    ),
}  # fmt: skip


def test_every_quote_is_the_text_at_its_place(base: Bench) -> None:
    base.put(NOTES)
    assert base.face.update() == 0
    board = base.face.board()
    shown = [one for catalyst in board.catalysts for one in (*catalyst.for_, *catalyst.against)]
    assert {one.quote for one in shown} == {
        "Tariffs raise the costs of small importers of steel.",
        "The refund of duties will help the importers of toys.",
        "The trade war will hurt the makers of chairs in Ohio.",
        "Small caps look cheap against large caps on price to earnings this year.",
    }
    for one in shown:
        assert base.assistant.document(one.document_id, one.version).text[one.start : one.end] == one.quote
        assert one.url == f"/document/{one.document_id}?version={one.version}&start={one.start}&end={one.end}#cited"
    tariffs = next(c for c in board.catalysts if c.id == "tariffs")
    assert [(e.author, e.published, e.kind, e.authority) for e in tariffs.for_] == [
        ("Harbor Press", "2024-04-01", "article", 5),
        ("Quay Research", "2024-03-01", "note", 4),
    ]
    assert [e.reasons for e in tariffs.against] == [("says refund",)]
    assert (board.documents, board.pending, tariffs.counts.documents) == (2, 0, 2)


def test_only_what_changed_is_read_again(base: Bench) -> None:
    base.put(NOTES)
    base.face.update()
    read = len(base.marker.asked)
    assert read > 0
    base.face.update()
    base.face.board()
    assert len(base.marker.asked) == read
    base.put({"two.md": NOTES["two.md"].replace("chairs", "tables")})
    base.face.update()
    assert {text for _, text in base.marker.asked[read:]} == {"The trade war will hurt the makers of tables in Ohio."}
    tariffs = base.face.board("tariffs").catalysts[0]
    assert tariffs.for_[0].quote == "The trade war will hurt the makers of tables in Ohio."


def test_what_is_kept_outlives_the_process(tmp_path: Path, embedder: Embedder, model_cache: Path) -> None:
    with bench(tmp_path, embedder, model_cache) as first:
        first.put(NOTES)
        first.face.update()
        before = first.face.board()
    with bench(tmp_path, embedder, model_cache) as second:
        assert second.face.update() == 0
        assert second.marker.asked == []
        assert second.face.board().model_dump(exclude={"catalysts": {"__all__": {"measured_at"}}}) == before.model_dump(
            exclude={"catalysts": {"__all__": {"measured_at"}}}
        )


def test_what_is_less_sure_is_listed_apart_and_counts_nowhere(base: Bench) -> None:
    base.put(NOTES)
    base.face.update()
    before = base.face.board("tariffs").catalysts[0]
    base.put({"weak.md": note("# Weak\n\nPerhaps tariffs hurt the makers of bells.", title="Weak", company="Bell Co", published="2024-09-01")})  # fmt: skip
    base.face.update()
    after = base.face.board("tariffs").catalysts[0]
    assert [(one.quote, one.side, one.score) for one in after.less_sure] == [
        ("Perhaps tariffs hurt the makers of bells.", "for", 0.7)
    ]
    assert (after.for_, after.against, after.contradictions) == (before.for_, before.against, before.contradictions)
    assert after.counts == before.counts.model_copy(update={"less_sure": 1})
    assert "Perhaps tariffs" not in " ".join(one.quote for one in base.face.found("tariffs")[0])
    assert "Weak" not in " ".join(one.text for one in base.face.changes("tariffs").changes)


def test_a_catalyst_in_other_words_is_read_again_and_the_others_are_not(
    base: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    base.put(NOTES)
    base.face.update()
    base.marker.asked.clear()
    changed = tuple(
        replace(c, look_for=("refund",), moves=(), signs_for=(), signs_against=()) if c.id == "tariffs" else c
        for c in shipped()
    )
    _catalysts(monkeypatch, changed)
    base.face.update()
    assert base.marker.asked == [("tariffs", "The refund of duties will help the importers of toys.")]
    assert [c.kind for c in base.face.changes().changes] == ["redefined", "begun"]
    _catalysts(monkeypatch, tuple(c for c in changed if c.id != "tariffs"))
    base.face.update()
    assert "tariffs" not in {c.id for c in base.face.board().catalysts}


def _catalysts(monkeypatch: pytest.MonkeyPatch, found: tuple[Catalyst, ...]) -> None:
    monkeypatch.setattr(library, "shipped", lambda: found)


def test_another_reader_reads_all_again(tmp_path: Path, embedder: Embedder, model_cache: Path) -> None:
    with bench(tmp_path, embedder, model_cache) as base:
        base.put(NOTES)
        base.face.update()
        base.boards._reader = "marker 2"
        base.marker.asked.clear()
        assert base.face.board("tariffs").pending == 2
        base.face.update()
        assert len({text for _, text in base.marker.asked}) == 4
        assert base.face.board("tariffs").pending == 0


def test_a_stop_leaves_the_rest_for_the_next_time(base: Bench) -> None:
    base.put(NOTES)
    assert base.face.update(stop=lambda: True) == 2
    board = base.face.board("tariffs")
    assert (board.pending, board.warnings) == (2, ("2 documents are not read for the board yet.",))
    assert base.face.update() == 0
    assert base.face.board("tariffs").pending == 0


def test_a_document_that_went_is_on_no_board(base: Bench) -> None:
    base.put(NOTES)
    base.face.update()
    base.ingestor.remove([base.id_of("two.md")])
    assert [e.publisher for e in base.face.board("tariffs").catalysts[0].for_] == ["Quay Research"]
    base.face.update()
    with base.boards.database().read() as connection:
        held = connection.execute("SELECT DISTINCT document_id FROM evidence").fetchall()
    assert held == [(base.id_of("one.md"),)]
