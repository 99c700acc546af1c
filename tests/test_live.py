"""Live metrics in an answer: what a document said on its date, and the tool's figure of today beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from assistant.assistant import Assistant
from assistant.live import figure
from assistant.models import Answer
from tests.model_server import Reply, Request, ids, serving

NOTE = (
    "---\ntitle: Small caps after the slide\npublisher: Quay Research\ndate: 2025-05-12\nkind: note\n---\n\n"
    "The Russell 2000 stands 15% below its peak of late 2024, and bargain hunters are returning.\n"
)
PEAK = "Is the Russell 2000 still 15% below its peak?"


@pytest.fixture(scope="module")
def base(make_base: Any) -> Assistant:
    made: Assistant = make_base({"slide.md": NOTE})
    return made


def with_prices(base: Assistant, folder: Path, values: Sequence[float], last: date, **settings: Any) -> Assistant:
    """Return an Assistant over the same store with closes of the index and of the large caps up to ``last``."""
    folder.mkdir(exist_ok=True)
    lines = ["date,symbol,close"]
    for back, value in enumerate(reversed(values)):
        day = last - timedelta(days=back)
        lines += [f"{day},IWM,{value}", f"{day},SPY,500"]
    (folder / "prices.csv").write_text("\n".join(lines), encoding="utf-8")
    return Assistant(base.store, replace(base.settings, data=str(folder), **settings))


def exact(assistant: Assistant, answer: Answer) -> None:
    assert [r.marker for r in answer.tool_results] == [f"T{n + 1}" for n in range(len(answer.tool_results))]
    for claim in answer.claims:
        assert answer.text[claim.start : claim.end] == claim.text
        assert all(set(n.traced_to) <= set(claim.markers) for n in claim.numbers)
    for c in answer.citations:
        assert assistant.document(c.document_id, c.version).text[c.start : c.end] == c.quote


def test_the_note_s_figure_stands_beside_the_tool_s(base: Assistant, tmp_path: Path) -> None:
    yesterday = date.today() - timedelta(days=1)
    assistant = with_prices(base, tmp_path / "data", [200, 250, 240, 230], yesterday)
    answer = assistant.ask(PEAK)
    exact(assistant, answer)
    assert answer.status == "answered"
    said, live = answer.claims[0], answer.claims[1]
    assert (said.markers, said.text) == (("S1",), "The Russell 2000 stands 15% below its peak of late 2024, and bargain hunters are returning.")  # fmt: skip
    assert answer.citations[0].published == "2025-05-12"
    assert live.markers == ("T1",)
    assert live.text.startswith(f"Russell 2000, drawdown: −8% (as of {yesterday}")
    (number,) = live.numbers
    assert (number.text, number.unit, number.traced_to) == ("−8%", "%", ("T1",))
    assert number.value == pytest.approx(-8.0)
    assert number.derivation is not None
    assert "230 / 250 - 1" in number.derivation
    assert answer.tool_results[0].status == "ok"
    assert "**Today**" in answer.text


def test_no_source_is_said_with_what_to_switch_on(make_base: Any) -> None:
    base: Assistant = make_base({"slide.md": NOTE})
    answer = base.ask(PEAK)
    exact(base, answer)
    assert answer.status == "partial"
    assert [c.markers for c in answer.claims] == [("S1",)]
    assert answer.tool_results[0].status in {"not_configured", "no_data"}
    assert "No live figure (drawdown)" in answer.text
    assert 'sources = ["market"]' in answer.text
    assert "[T1]" in answer.text


def test_without_its_source_the_last_saved_pull_answers_as_saved(make_base: Any, tmp_path: Path) -> None:
    base: Assistant = make_base({"slide.md": NOTE})
    with_prices(base, tmp_path / "data", [200, 250, 200], date.today() - timedelta(days=40)).ask(PEAK)
    answer = base.ask(PEAK)
    (result,) = answer.tool_results
    assert (result.status, result.cached, result.stale) == ("ok", True, True)
    assert ", stale, " in next(c.text for c in answer.claims if c.markers == ("T1",))


def test_neither_document_nor_source_is_a_refusal_that_says_both(base: Assistant) -> None:
    answer = base.ask("What is the current fed funds rate?")
    assert answer.status == "insufficient_evidence"
    assert (answer.claims, answer.citations) == ((), ())
    assert "No live figure (macro)" in answer.text
    assert "The base does not hold the answer" in answer.text
    assert answer.tool_results[0].tool == "macro"


def test_a_tool_alone_answers_what_no_document_says(make_base: Any, tmp_path: Path) -> None:
    other: Assistant = make_base({"ferry.md": "# Ferries\n\nFerry fares fell 3% in May 2024.\n"})
    assistant = with_prices(other, tmp_path / "data", [200, 250, 200], date.today())
    answer = assistant.ask("How far is IWM below its peak today?")
    exact(assistant, answer)
    assert (answer.status, answer.citations) == ("answered", ())
    assert answer.claims[0].numbers[0].value == pytest.approx(-20.0)
    assert "ferr" not in answer.text.lower()


def test_nothing_later_than_as_of_reaches_a_live_figure(base: Assistant, tmp_path: Path) -> None:
    # The peak comes after the cut: with it the drawdown would be far deeper.
    values = [100, 120, 108, *[400] * 60]
    last = date(2026, 3, 1)
    assistant = with_prices(base, tmp_path / "data", values, last)
    cut = last - timedelta(days=60)
    answer = assistant.ask(PEAK, as_of=cut.isoformat())
    live = next(c for c in answer.claims if c.markers == ("T1",))
    assert live.numbers[0].value == pytest.approx(-10.0)
    assert all(m.as_of <= cut.isoformat() for m in answer.tool_results[0].metrics)
    assert f"**As of {cut}**" in answer.text


@pytest.mark.parametrize("question", ["How far did the note say the Russell 2000 stands below its peak?", "Who wrote Small caps after the slide?"])  # fmt: skip
def test_what_an_author_wrote_calls_no_tool(base: Assistant, question: str) -> None:
    answer = base.ask(question)
    assert answer.tool_results == ()
    assert "[T1]" not in answer.text


def test_a_model_is_shown_the_result_and_cites_it(base: Assistant, tmp_path: Path) -> None:
    yesterday = date.today() - timedelta(days=1)

    def reply(request: Request) -> Reply:
        (name,) = (key for key, text in ids(request).items() if '"tool": "drawdown"' in text)
        return Reply(f"The drawdown of the Russell 2000 is −8% as of {yesterday} [{name}]. It is −31% [{name}].")

    with serving(reply, Reply("")) as server:
        assistant = with_prices(
            base, tmp_path / "data", [200, 250, 240, 230], yesterday, model="openai:scripted", model_url=server.url
        )
        answer = assistant.ask(PEAK)
        assistant._agent.close()
    exact(assistant, answer)
    assert (answer.mode, answer.status) == ("model", "answered")
    good, bad = answer.claims
    assert (good.verdict, good.markers) == ("supported", ("T1",))
    assert any(n.traced_to == ("T1",) and n.value == pytest.approx(-8.0) for n in good.numbers)
    assert bad.verdict in {"unsupported", "contradicted"}
    assert answer.tool_results[0].metrics[0].value == pytest.approx(-8.0)


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [(-8.0, "percent", "−8%"), (12.345, "percent", "12.3%"), (0.004, "percent", "0.004%"), (1.5, "percentage points", "1.5 percentage points"),
     (1.409, "x", "1.41x"), (1_930_000_000, "USD", "$1.93 billion"), (-2_500_000, "USD", "−$2.5 million"), (512, "USD", "$512"),
     (119, "days", "119 days"), (0.0, "percent", "0%"), (1234.5, "", "1,234.5")],
)  # fmt: skip
def test_figures_are_written_as_people_write_them(value: float, unit: str, shown: str) -> None:
    assert figure(value, unit) == shown
