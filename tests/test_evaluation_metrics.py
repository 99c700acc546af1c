"""The metrics of one question: rankings, citations, grounding, refusals and tools, with exact values."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.evaluation import metrics, ranking
from assistant.evaluation.bootstrap import interval95, statistic
from assistant.evaluation.dataset import Place, Row, ToolCall
from assistant.evaluation.prediction import Found, Prediction, Statement, from_answer, looks_refused

PAGE_3 = Place(document="acme_10k.pdf", page=3)


def found(page: int | None, *, document: str = "d1", path: str = "/files/ACME_10K.pdf", **more: object) -> Found:
    return Found(**{"document_id": document, "path": path, "page": page, **more})  # type: ignore[arg-type]


def row(*places: Place, **more: object) -> Row:
    return Row(**{"id": "q", "question": "How much?", "evidence": places, **more})  # type: ignore[arg-type]


def said(text: str = "It was 5.", status: str = "answered", **more: object) -> Prediction:
    return Prediction(text, status, **more)  # type: ignore[arg-type]


# rankings


def test_the_metrics_of_a_ranking() -> None:
    got = ranking.rank_metrics([2, 4, None], (1, 5, 10))
    assert got == {
        "hit@1": 0.0,
        "hit@5": 1.0,
        "hit@10": 1.0,
        "recall@1": 0.0,
        "recall@5": 2 / 3,
        "recall@10": 2 / 3,
        "mrr": 0.5,
        "ndcg@10": pytest.approx(
            (1 / math.log2(3) + 1 / math.log2(5)) / (1 + 1 / math.log2(3) + 1 / math.log2(4)), abs=1e-12
        ),
    }
    assert set(ranking.rank_metrics([None], (1,)).values()) == {0.0}
    assert set(ranking.rank_metrics([1], (1,)).values()) == {1.0}


@given(st.lists(st.one_of(st.none(), st.integers(1, 60)), min_size=1, max_size=30))
def test_every_share_lies_between_none_and_all(ranks: Sequence[int | None]) -> None:
    got = ranking.rank_metrics(ranks, (1, 5, 10, 20))
    assert all(0.0 <= v <= 1.0 for v in got.values())
    assert got["hit@1"] <= got["hit@5"] <= got["hit@10"] <= got["hit@20"]
    assert got["recall@1"] <= got["recall@20"] <= got["hit@20"]


def test_a_page_counts_once_at_its_best_passage() -> None:
    listed = [found(1), found(1), found(2, document="d2", path="other.pdf"), found(3), found(3)]
    listed = [Found(f.chunk_id or str(i), f.document_id, "", f.path, None, f.page) for i, f in enumerate(listed)]
    assert ranking.ranks(listed, [PAGE_3], "chunk") == [4]
    assert ranking.ranks(listed, [PAGE_3], "page") == [3]
    assert ranking.ranks(listed, [PAGE_3], "document") == [1]


def test_a_page_of_another_document_is_no_hit() -> None:
    assert ranking.ranks([found(3, path="acme_10k.pdf.bak"), found(4)], [PAGE_3], "page") == [None]


@pytest.mark.parametrize(
    ("place", "hit"),
    [
        (Place(document="ACME_10K.PDF"), True),
        (Place(document="C:\\data\\acme_10k.pdf"), True),
        (Place(document="acme_10q.pdf"), False),
        (Place(document="random.pdf", sha256="AB12"), True),
        (Place(sha256="cd34"), False),
        (Place(title=" annual REPORT "), True),
        (Place(document_id="d1"), True),
        (Place(document_id="d2"), False),
    ],
)
def test_a_document_is_known_by_any_of_its_names(place: Place, hit: bool) -> None:
    stored = Found("c", "d1", "ab12", "/store/acme_10k.pdf", "Annual Report", 1)
    assert ranking.same_document(place, stored) is hit


def test_a_url_is_known_by_its_last_part() -> None:
    assert ranking.base_name("https://example.com/a/Acme_10K.pdf?x=/y") == "acme_10k.pdf"


@pytest.mark.parametrize(
    ("place", "hit"),
    [
        (Place(chunk_id="c1"), True),
        (Place(chunk_id="c2"), False),
        (Place(document_id="d1", start=100, end=150), True),
        (Place(document_id="d1", start=190, end=400), False),  # a twentieth of it
        (Place(document_id="d1", start=50, end=150), True),  # half of it
        (Place(document_id="d2", start=100, end=150), False),
        (Place(document_id="d1", page=7), True),
        (Place(text="Steel prices rose by 15 percent in May."), True),
        (Place(text="Steel prices rose by 16 percent in May."), False),
        (Place(text="Banks closed branches across Europe."), False),
    ],
)
def test_a_gold_passage_is_known_by_id_span_page_or_words(place: Place, hit: bool) -> None:
    text = "In May, prices of steel rose 15 percent, which nobody had foreseen."
    chunk = Found("c1", "d1", "v", "a.pdf", None, 7, 100, 200, text)
    assert ranking.at_place(place, chunk, level="chunk") is hit


def test_gold_that_is_named_twice_is_one_item() -> None:
    places = [PAGE_3, PAGE_3, Place(document="acme_10k.pdf", page=4), Place(chunk_id="c")]
    assert len(ranking.gold(places, "page")) == 2
    assert len(ranking.gold(places, "document")) == 1
    assert len(ranking.gold(places, "chunk")) == 3


def test_without_gold_or_ranking_nothing_is_scored() -> None:
    none = ranking.retrieval(row(), [found(3)], (1, 5, 10, 20))
    assert {s.status for s in none.values()} == {"unscored"}
    assert none["page_hit@5"].reason == "the gold names no page"
    documents_only = ranking.retrieval(row(Place(document="acme_10k.pdf")), [found(3)], (1, 5))
    assert documents_only["document_hit@1"].value == 1.0
    assert documents_only["page_hit@1"].status == documents_only["chunk_hit@1"].status == "unscored"
    assert ranking.retrieval(row(PAGE_3), None, (1,))["page_hit@1"].status == "unscored"
    assert ranking.retrieval(row(PAGE_3), [], (1,))["page_hit@1"] == ranking.ok(0.0)


def test_contexts_given_to_the_answer() -> None:
    given_ = [Found("c1", given=True), Found("c2", given=True), Found("c3"), Found("c1", given=True)]
    scores = ranking.context(row(Place(chunk_id="c1"), Place(chunk_id="c3")), said(passages=tuple(given_)))
    assert scores["context_precision"].value == 0.5
    assert scores["context_recall"].value == 0.5
    assert ranking.context(row(Place(chunk_id="c1")), said(passages=()))["context_precision"].status == "unscored"
    assert ranking.context(row(Place(chunk_id="c1")), said(passages=()))["context_recall"].value == 0.0


# citations


def test_citations_against_gold_pages() -> None:
    gold = row(PAGE_3, Place(document="acme_10k.pdf", page=5))
    cited = (found(3), found(3, start=9), found(4), found(3, path="other.pdf", document="d2"))
    scores = metrics.citations(gold, said(citations=cited))
    assert (scores["citation_precision"].value, scores["citation_recall"].value) == (0.5, 0.5)
    assert metrics.citations(gold, said(citations=()))["citation_recall"].value == 0.0
    assert metrics.citations(gold, said(citations=()))["citation_precision"].status == "unscored"
    for nothing in (said("", "insufficient_evidence"), said("", "error"), said(citations=None)):
        assert {s.status for s in metrics.citations(gold, nothing).values()} == {"unscored"}


def test_a_quote_is_faithful_only_when_identical() -> None:
    text = "Sales rose.\nCosts fell."
    texts = {("d1", "v1"): text}

    def cite(start: int, end: int, quote: str, version: str = "v1") -> Found:
        return Found("", "d1", version, "", None, None, start, end, quote)

    cited = (
        cite(0, 11, "Sales rose."),
        cite(0, 11, "Sales rose!"),
        cite(0, 11, "Sales rose.", "v2"),
        cite(12, 99, text[12:]),
    )
    score = metrics.quote_fidelity(said(citations=cited), lambda d, v: texts.get((d, v)))
    assert score.value == 0.25
    assert metrics.quote_fidelity(said(citations=cited), None).status == "unscored"
    assert metrics.quote_fidelity(said(citations=()), lambda d, v: None).status == "unscored"


# grounding


def test_grounding_of_claims() -> None:
    prediction = said(
        citations=(
            Found(marker="S1", text="Acme's sales rose 15% to $5.2 billion in May."),
            Found(marker="S2", text="Total current assets 5,200\nTotal current liabilities 4,700"),
        ),
        tools=({"tool": "rates", "marker": "T1", "metrics": [{"name": "fed funds rate", "value": 4.33, "unit": "%"}]},),
        statements=(
            Statement("Acme's sales rose 15% in May.", ("S1",)),
            Statement("Acme's sales rose 25% in May.", ("S1",)),
            Statement("The fed funds rate is 4.33%.", ("T1",)),
            Statement("Banks closed branches.", ("S1",)),
            Statement("Acme's sales rose.", ()),
            Statement("Current assets over liabilities: 1.11", ("S2",), (("1.11", "5,200 / 4,700"),)),
            Statement("Current assets over liabilities: 1.21", ("S2",), (("1.21", "5,200 / 4,700"),)),
        ),
    )
    scores = metrics.grounding(prediction)
    assert scores["faithfulness_lexical"].value == pytest.approx(3 / 7)
    assert scores["numeric_support"].value == pytest.approx(3 / 5)


def test_grounding_of_a_bare_response_uses_its_contexts() -> None:
    contexts = (Found(text="Steel prices rose 15% in May.", given=True),)
    scores = metrics.grounding(said("Steel prices rose 15%. Banks closed branches.", passages=contexts))
    assert (scores["faithfulness_lexical"].value, scores["numeric_support"].value) == (0.5, 1.0)
    assert metrics.grounding(said())["numeric_support"].status == "unscored"
    assert metrics.grounding(said("", "insufficient_evidence"))["faithfulness_lexical"].status == "unscored"


# answers and refusals


@pytest.mark.parametrize(
    ("gold", "prediction", "outcome", "match"),
    [
        ({"reference": "$5 billion"}, said("It was $5.0 billion."), "right", 1.0),
        ({"reference": "$5 billion"}, said("It was $6.0 billion."), "wrong", 0.0),
        ({"reference": "$5 billion"}, said("The base does not say.", "insufficient_evidence"), "refused", 0.0),
        ({"reference": "$5 billion"}, said("", "error", error="broken"), "error", 0.0),
        ({"reference": "Shipbuilding"}, said("Shipbuilding"), "unjudged", None),
        ({"expect": ("5\\.7", "analysts?")}, said("5.7 Analysts"), "right", 1.0),
        ({"expect": ("5\\.7", "banks?")}, said("5.7 analysts"), "wrong", 0.0),
        ({"status": "insufficient_evidence"}, said("no", "insufficient_evidence"), "right", None),
        ({"status": "insufficient_evidence"}, said("$5 billion"), "wrong", None),
        ({"status": "insufficient_evidence", "expect": ("x",)}, said("x"), "wrong", None),
        ({"status": "answered"}, said("anything"), "unjudged", None),
        ({}, said("anything"), "unjudged", None),
    ],
)
def test_how_an_answer_comes_out(
    gold: dict[str, object], prediction: Prediction, outcome: str, match: float | None
) -> None:
    got, _, scores = metrics.judge_answer(row(**gold), prediction)
    assert (got, scores["answer_match"].value) == (outcome, match)


def test_facts_are_counted_one_by_one() -> None:
    _, reason, scores = metrics.judge_answer(row(expect=("5\\.7", "banks?")), said("5.7 analysts"))
    assert scores["expect_recall"].value == 0.5
    assert reason == "lacks banks?"


def test_abstention() -> None:
    refused, answered = said("", "insufficient_evidence"), said()
    must, may = row(status="insufficient_evidence"), row(reference="5")
    assert metrics.abstention(must, refused) == dict.fromkeys(
        ("abstention_precision", "abstention_recall"), ranking.ok(1.0)
    )
    assert metrics.abstention(must, answered)["abstention_recall"].value == 0.0
    assert metrics.abstention(may, refused)["abstention_precision"].value == 0.0
    assert {s.status for s in metrics.abstention(may, answered).values()} == {"unscored"}
    assert {s.status for s in metrics.abstention(row(), refused).values()} == {"unscored"}


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("", True),
        ("I don't know.", True),
        ("The context does not contain this information.", True),
        ("I cannot find the answer.", True),
        ("There is not enough information to say.", True),
        ("Revenue was $5 billion.", False),
        ("The company does not pay dividends.", False),
    ],
)
def test_bare_refusals(text: str, refused: bool) -> None:
    assert looks_refused(text) is refused


# tools


@pytest.mark.parametrize(
    ("expected", "called", "f1"),
    [
        ((), [], 1.0),
        ((), [{"tool": "rates"}], 0.0),
        ((ToolCall("rates"),), [], 0.0),
        ((ToolCall("rates"),), [{"tool": "rates", "arguments": {"extra": 1}}], 1.0),
        ((ToolCall("ratios", {"ticker": "acme", "n": 3}),), [{"tool": "ratios", "arguments": {"ticker": "ACME", "n": 3.0}}], 1.0),
        ((ToolCall("ratios", {"ticker": "acme"}),), [{"tool": "ratios", "arguments": {"ticker": "other"}}], 0.0),
        ((ToolCall("ratios", {"ticker": "acme"}),), [{"tool": "ratios"}], 0.0),
        ((ToolCall("a"), ToolCall("b")), [{"tool": "a"}], 2 / 3),
        ((ToolCall("a"),), [{"tool": "a"}, {"tool": "a"}], 2 / 3),
        ((ToolCall("a"), ToolCall("a", {"x": 1})), [{"tool": "a", "arguments": {"x": 1}}, {"tool": "a"}], 1.0),
        ((ToolCall("a", {"x": ["p", 1]}),), [{"tool": "a", "arguments": {"x": ["P", 1]}}], 1.0),
        ((ToolCall("a", {"x": True}),), [{"tool": "a", "arguments": {"x": "true"}}], 0.0),
    ],
)  # fmt: skip
def test_tool_calls(expected: tuple[ToolCall, ...], called: list[dict[str, object]], f1: float) -> None:
    assert metrics.tool_call_f1(expected, called).value == pytest.approx(f1)


def test_tools_that_nobody_speaks_of_are_unscored() -> None:
    assert metrics.tool_call_f1(None, []).status == "unscored"
    assert metrics.tool_call_f1((), None).status == "unscored"


# intervals


def test_intervals_are_the_same_each_time_and_hold_the_mean() -> None:
    values = [1.0] * 30 + [0.0] * 13
    low, high = interval95(values) or (0, 0)
    assert (low, high) == interval95(values)
    assert low < statistic(values) < high
    assert high - low == pytest.approx(2 * 1.96 * math.sqrt(statistic(values) * (1 - statistic(values)) / 43), abs=0.03)
    assert interval95([0.5]) is None
    assert interval95([]) is None
    assert interval95([0.5, 0.5]) == (0.5, 0.5)
    assert statistic([1.0, 2.0, 3.0, 4.0], "p50") == 2.5


def test_an_answer_of_another_system_may_be_its_text_alone() -> None:
    bare = from_answer({"text": "5"})
    assert (bare.status, bare.statements, bare.citations, bare.passages, bare.tools) == (
        "answered",
        None,
        None,
        None,
        None,
    )
    timed = from_answer({"text": "5", "timings_ms": {"total": float("nan")}})
    assert timed.latency_ms is None
