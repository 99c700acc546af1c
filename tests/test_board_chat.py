"""The chat knows the board: what would change one's mind, which catalysts the data contradict, what is due; and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from assistant.catalysts.asking import board_question
from assistant.catalysts.library import shipped
from assistant.grounding import check
from assistant.models import Answer
from tests.board_cases import Bench, bench, note
from vectorstore.embedding import Embedder

ROOT = Path(__file__).resolve().parent.parent
TODAY = date(2026, 2, 10)


@pytest.mark.parametrize(
    ("text", "kind", "about"),
    [
        ("What would change your mind on tariffs?", "mind", "tariffs"),
        ("what would change our view of the valuation gap", "mind", "valuation-gap"),
        ("So, what could change my mind about interest rates?", "mind", "rates-debt"),
        ("Which catalysts are contradicted by data?", "standing", ("contradicting", "mixed")),
        ("Which of our catalysts are confirmed by the live data today?", "standing", ("confirming",)),
        ("Where do the catalysts stand?", "standing", ()),
        ("What is due this quarter?", "due", ("2026-01-01", "2026-03-31")),
        ("Which claims are due next month?", "due", ("2026-03-01", "2026-03-31")),
        ("Which forecasts come due this week?", "due", ("2026-02-09", "2026-02-15")),
        ("What falls due next year?", "due", ("2027-01-01", "2027-12-31")),
    ],
)
def test_a_question_of_the_board_is_known(text: str, kind: str, about: object) -> None:
    found = board_question(text, shipped, TODAY)
    assert found is not None
    said = {"mind": found.catalyst.id if found.catalyst else None, "standing": found.states, "due": found.due}
    assert (found.kind, said[kind]) == (kind, about)


@pytest.mark.parametrize(
    ("text", "catalyst", "size", "where"),
    [
        ("Which small caps mention reshoring and have little debt?", "reshoring", "small", ("little_debt",)),
        ("which companies talk about tariffs with high leverage and good interest coverage", "tariffs", "", ("much_debt", "covers_interest")),
        ("Which firms discuss defense spending?", "defense-spending", "", ()),
        ("What smaller companies speak of infrastructure spending, and carry low debt?", "infrastructure-spending", "small", ("little_debt",)),
    ],
)  # fmt: skip
def test_a_question_of_companies_is_known(text: str, catalyst: str, size: str, where: tuple[str, ...]) -> None:
    found = board_question(text, shipped, TODAY)
    assert found is not None
    assert (found.kind, found.catalyst and found.catalyst.id, found.size, found.where) == (
        "companies",
        catalyst,
        size,
        where,
    )


@pytest.mark.parametrize(
    "text",
    [
        "Which companies discuss dividends and buybacks?",
        "What companies mention tariffs but are profitable?",
        "Which note mentions reshoring?",
        "What would change your mind?",
        "What would change your mind on Verizon?",
        "What would change your mind on defense spending and reshoring?",
        "What would refute the reshoring thesis",
        "What debt is due this year?",
        "What is due this year for Verizon?",
        "Which catalysts does the note name for a small-cap rally?",
        "Which catalysts are contradicted by the note?",
        "What did the board of Verizon do with the dividend?",
    ],
)
def test_other_questions_go_to_the_documents(text: str) -> None:
    assert board_question(text, shipped, TODAY) is None


def test_no_labelled_question_is_taken_for_one_of_the_board() -> None:
    files = [*(ROOT / "benchmarks" / "questions").glob("*.jsonl"), *(ROOT / "tests" / "golden").glob("*.jsonl")]
    rows = [
        json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines() if line.strip()
    ]
    asked = [str(row.get("question") or row.get("claim") or "") for row in rows]
    assert len([text for text in asked if text]) > 1000
    assert [text for text in asked if text and board_question(text, shipped, TODAY)] == []


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder, model_cache: Path) -> Iterator[Bench]:
    with bench(tmp_path_factory.mktemp("board-chat"), embedder, model_cache, stale_after_days=0) as made:
        made.put(
            {
                "for.md": note("# For\n\nTariffs raise the costs of small importers of steel.", title="For", publisher="Quay", published="2024-03-01", kind="note"),
                "against.md": note("# Against\n\nA refund of duties will help the small importers of toys.", title="Against", publisher="Harbor", published="2024-04-01", kind="article"),
                "old.md": note("# Old\n\nThe exclusions from tariffs help the makers of boats.", title="Old", publisher="Harbor", published="2022-04-01", kind="article"),
            }
        )  # fmt: skip
        made.tools.given = {
            "macro": [("customs_duty_rate_change", "United States", -0.8, "percentage points", "2024-02-29")]
        }
        assistant = made.wired()
        assistant.tool = made.tools  # type: ignore[method-assign]
        yield made


def ask(base: Bench, question: str, **asked: object) -> Answer:
    answer = base.assistant.ask(question, **asked)  # type: ignore[arg-type]
    assert answer.status != "error", answer.error
    for claim in answer.claims:
        assert answer.text[claim.start : claim.end] == claim.text
        quotes = [c.quote for c in answer.citations if c.marker in claim.markers]
        results = [r for r in answer.tool_results if r.marker in claim.markers]
        assert check(claim.text, quotes, results).verdict == "supported"
        assert quotes or results
    for one in answer.citations:
        assert base.assistant.document(one.document_id, one.version).text[one.start : one.end] == one.quote
    assert {c.chunk_id for c in answer.citations} <= {p.chunk_id for p in answer.passages}
    return answer


def test_what_would_change_your_mind(base: Bench) -> None:
    answer = ask(base, "What would change your mind on tariffs?")
    assert answer.status == "answered"
    assert "**What would refute “Tariffs”** (live data: contradicting)" in answer.text
    assert "customs_duty_rate_change ≤ -0.5 percentage points (less is collected on imports): it holds." in answer.text
    assert answer.claims[0].markers == ("T1",)
    assert "No live figure (tariff_exposure): tariff_exposure has no source. Switch one on. [T2]" in answer.text
    assert [c.text for c in answer.claims[1:]] == [
        "A refund of duties will help the small importers of toys.",
        "The exclusions from tariffs help the makers of boats.",
        "Tariffs raise the costs of small importers of steel.",
    ]
    assert "Harbor (2024-04-01, article): A refund" in answer.text
    assert [r.marker for r in answer.tool_results] == ["T1", "T2"]


def test_as_of_an_earlier_day_the_answer_is_of_that_day(base: Bench) -> None:
    answer = ask(base, "What would change your mind on tariffs?", as_of="2024-01-31")
    assert [c.quote for c in answer.citations] == ["The exclusions from tariffs help the makers of boats."]
    assert [m for r in answer.tool_results for m in r.metrics] == []  # what a tool gave too late is not shown either
    assert "it holds" not in answer.text


def test_which_catalysts_are_contradicted(base: Bench) -> None:
    answer = ask(base, "Which catalysts are contradicted by data?")
    assert answer.status == "answered"
    assert "**Tariffs**: live data: contradicting" in answer.text
    assert "**Reshoring" not in answer.text
    assert "Without a live figure: Valuation gap, " in answer.text
    assert [c.markers for c in answer.claims] == [("T1",)]
    none = ask(base, "Which catalysts are confirmed by data?")
    assert (none.status, none.claims) == ("insufficient_evidence", ())
    assert none.text.startswith("No catalyst is confirmed by live data today.")


def test_what_is_due(base: Bench) -> None:
    quiet = ask(base, "What is due next week?")
    assert (quiet.status, quiet.citations) == ("insufficient_evidence", ())
    assert quiet.text.startswith("No claim that stands is due from ")


def test_a_filter_sends_the_question_to_the_documents(base: Bench) -> None:
    answer = base.assistant.ask("What would change your mind on tariffs?", filters={"kind": ["note"]})
    assert "**What would refute" not in answer.text
