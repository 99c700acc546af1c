"""Live metrics in an answer: what a document said on its date, and the tool's figure of today beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from assistant.assistant import Assistant
from assistant.compose import Writer
from assistant.live import Live, Metrics, figure, today
from assistant.live_text import checked_claim, leading
from assistant.models import Answer, Metric, ToolResult
from tests.model_server import Reply, Request, ids, serving
from tests.statement_samples import HARBOR

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


@pytest.mark.parametrize(
    ("question", "asked", "status"),
    [
        ("How far is the Russell 2000 below its peak?", False, "answered"),
        ("How far is the Russell 2000 below its peak today?", True, "partial"),
        ("Show how far the Russell 2000 is below its peak", True, "partial"),
    ],
)
def test_a_document_answers_alone_where_today_is_not_asked_for(
    make_base: Any, question: str, asked: bool, status: str
) -> None:
    answer = make_base({"slide.md": NOTE}).ask(question)
    assert answer.status == status
    assert [c.markers for c in answer.claims] == [("S1",)]
    assert ("No live figure" in answer.text) is asked
    assert any(w.startswith("No live figure stands beside this (drawdown [T1])") for w in answer.warnings) is not asked
    assert [r.tool for r in answer.tool_results] == ["drawdown"]


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


def told(answer: Answer) -> list[str]:
    return [c.text for c in answer.claims if c.markers == ("T1",)]


@pytest.mark.parametrize(
    ("question", "first"),
    [("What is the current price of IWM?", "IWM (Russell 2000), last close: 230 "), ("How far is IWM below its peak today?", "Russell 2000, drawdown: −8% "),
     ("How many days is it since the peak of IWM now?", "Russell 2000, drawdown: −8% "), ("What was the deepest fall of IWM this year?", "Russell 2000, deepest drawdown: −8% ")],
)  # fmt: skip
def test_what_the_question_asks_for_comes_first(base: Assistant, tmp_path: Path, question: str, first: str) -> None:
    assistant = with_prices(base, tmp_path / "data", [200, 250, 240, 230], date.today())
    answer = assistant.ask(question)
    exact(assistant, answer)
    lines = told(answer)
    assert lines[0].startswith(first)
    assert "your file prices.csv" in lines[0]
    assert sum("your file" in one for one in lines) == 1
    if "days" in question:
        assert lines[1].startswith("Russell 2000, days since peak: 2 days ")


def test_leading_keeps_the_tool_s_order_for_what_is_not_asked() -> None:
    made = [Metric(name=n, subject="s", value=1.0, unit="x", as_of="2026-01-01", source="s") for n in ("price_to_earnings", "price_to_book", "relative_price_to_earnings", "relative_price_to_book")]  # fmt: skip
    assert [m.name for m in leading(made, "What is the weather?")] == [m.name for m in made]
    assert [m.name for m in leading(made, "price to book of small caps")][:2] == [
        "relative_price_to_book",
        "price_to_book",
    ]
    assert sorted(m.name for m in leading(made, "book book p/e")) == sorted(m.name for m in made)


def test_a_checked_claim_is_told_in_plain_sentences_with_each_figure_traced(base: Assistant, tmp_path: Path) -> None:
    # On 2025-05-12 the index was 20% below its peak; today it is 4%.
    last = date.today()
    span = (last - date(2025, 5, 12)).days
    assistant = with_prices(base, tmp_path / "data", [250, *[200] * (span - 9), *[240] * 10], last)
    answer = assistant.ask(
        "Is it still true that small caps of the Russell 2000 lost over 15% since the peak of late 2024?"
    )
    exact(assistant, answer)
    claimed, then, now, verdict = told(answer)
    assert claimed == "Valens Research claimed on 2025-05-12: The Russell 2000 has fallen more than 15% from its peak of late 2024."  # fmt: skip
    assert then == "On its own day the drawdown of Russell 2000 was −20% (as of 2025-05-12, your file prices.csv)."
    assert now.startswith(f"Now the drawdown of Russell 2000 is −4% (as of {last}, your file prices.csv; P_t")
    assert verdict == "Verdict: changed. It held on its own day; it does not hold now."
    traced = [(n.text, n.value, n.unit, n.traced_to) for c in answer.claims if c.markers == ("T1",) for n in c.numbers]
    assert [one[0] for one in traced] == ["15%", "−20%", "−4%"]
    assert [one[1] for one in traced] == [15.0, pytest.approx(-20.0), pytest.approx(-4.0)]
    assert {(one[2], one[3]) for one in traced} == {("%", ("T1",))}


def test_what_is_claimed_is_cited_beside_what_was_measured(make_base: Any, tmp_path: Path) -> None:
    said = "The Russell 2000 is down over 15% from the peak that it made in late 2024."
    note = f"---\ntitle: The slide\npublisher: Valens Research\ndate: 2025-05-12\nkind: note\n---\n\n{said}\n"
    last = date.today()
    span = (last - date(2025, 5, 12)).days
    assistant = with_prices(make_base({"v.md": note}), tmp_path / "data", [250, *[200] * (span - 9), *[240] * 10], last)
    answer = assistant.ask(
        "Is it still true that small caps of the Russell 2000 lost over 15% since the peak of late 2024?"
    )
    exact(assistant, answer)
    claimed = next(c for c in answer.claims if c.text.startswith("Valens Research claimed on 2025-05-12"))
    cited = {c.marker: c.quote for c in answer.citations}
    assert "T1" in claimed.markers
    assert [cited[m] for m in claimed.markers if m in cited] == [said]


def test_the_rows_behind_a_checked_figure_are_cited(make_base: Any) -> None:
    page = HARBOR.replace("\f", "\n")
    assistant: Assistant = make_base({"harbor.txt": page})
    document_id = assistant.sources()[0].document_id
    document = assistant.document(document_id)
    start = document.text.index("Total revenue")
    row = {"name": "Revenue", "value": 240e6, "document_id": document_id, "version": document.version, "start": start, "end": start + 20, "quote": document.text[start : start + 20]}  # fmt: skip
    made = claim_result(held=True, holds=True, word="confirmed")
    metrics = tuple(
        m.model_copy(update={"inputs": (*m.inputs, row)}) if m.name in {"then", "now"} else m for m in made.metrics
    )
    result = made.model_copy(update={"metrics": metrics, "marker": "T1"})
    live = Live((result,), "", Metrics(assistant.settings, assistant.store)._spans((result,)))
    writer = Writer()
    live.write(writer)
    marked = {c.text.split(" ", 1)[0]: c.markers for c in writer.claims}
    assert marked == {"Quay": ("T1",), "On": ("S1", "T1"), "Now": ("S1", "T1"), "Verdict:": ("T1",)}


def test_a_claim_of_today_that_is_wrong_is_refuted_by_the_newest_figure(base: Assistant, tmp_path: Path) -> None:
    assistant = with_prices(base, tmp_path / "data", [200, 250, 240], date.today())
    answer = assistant.ask("Is it true that the Russell 2000 is 30% below its peak today?")
    claimed, now, verdict = told(answer)
    assert claimed == f"To be checked, as of {today()}: the Russell 2000 is 30% below its peak."
    assert now.startswith("Now the drawdown of Russell 2000 is −4% ")
    assert verdict == "Verdict: refuted. The newest figure does not bear it out."


CALL = "---\ntitle: {company} Q2 2025 earnings call\ncompany: {company}\nkind: transcript\ndate: 2025-05-0{day}\n{size}---\n\nOperator: Welcome.\n\nJane Roe, chief executive: {said}\n"


def call_of(company: str, day: int, said: str, size: str = "") -> str:
    return CALL.format(company=company, day=day, said=said, size=f"size: {size}\n" if size else "")


def test_a_level_has_its_interval_and_its_sentences_are_cited(make_base: Any) -> None:
    good, bad = "We delivered strong growth and improved profit.", "Weak demand and losses hurt us badly."
    assistant: Assistant = make_base(
        {f"{n}.md": call_of(f"{name} Works, Inc.", n + 1, good if n % 2 else bad) for n, name in enumerate(("Ant", "Bee", "Cat", "Dog"))}
    )  # fmt: skip
    answer = assistant.ask("How gloomy is the tone of earnings calls now?")
    exact(assistant, answer)
    assert answer.status == "answered"
    quoted = [c for c in answer.claims if len(c.markers) == 2]
    assert {c.text for c in quoted} == {good, bad}
    cited = {c.marker: c.quote for c in answer.citations}
    assert all(cited[c.markers[0]] == c.text and c.markers[1] == "T1" for c in quoted)
    (level,) = (c for c in answer.claims if "call sentiment:" in c.text)
    assert "95% interval" in level.text
    assert len(level.numbers) == 3
    assert all(n.traced_to == ("T1",) for n in level.numbers)
    # What was asked for and is lacking is said, with what to set.
    assert "Note: No comparison of small with large companies: 4 of 4 documents have no size." in answer.text
    assert "--meta size=small and, for the others, --meta size=large" in answer.text


def claim_result(*, held: bool | None, holds: bool | None, word: str, then: bool = True) -> ToolResult:
    def metric(name: str, value: float | None, unit: str, as_of: str, *inputs: dict[str, Any], **more: Any) -> Metric:
        return Metric(name=name, subject="Tone is at its lowest" if name in {"claimed", "verdict"} else "small caps", value=value, unit=unit, as_of=as_of, source="Quay", inputs=inputs, **more)  # fmt: skip

    named = {"name": "operating_margin", "tool": "balance_sheet"}
    other = {"name": "operating_margin", "against": "large caps", "value": 12.5}
    return ToolResult(
        tool="verify_claim", marker="T3",
        metrics=(
            metric("claimed", -2.0, "standard deviations", "2025-05-12", {"claim": "x", "low": None, "high": None}, formula="at most -2.0 standard deviations"),
            *([metric("then", 3.0, "percent", "2025-05-12", named)] if then else []),
            metric("now", 4.5, "percent", "2026-01-01", named, other),
            metric("verdict", None, word, "2026-01-01", {"verdict": word, "held_then": held, "holds_now": holds}),
        ),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("held", "holds", "word", "why"),
    [(True, True, "confirmed", "It held on its own day, and it holds now."), (True, False, "changed", "It held on its own day; it does not hold now."),
     (False, False, "refuted", "It did not hold on its own day, and it does not hold now."), (False, True, "refuted", "It did not hold on its own day; it holds now."),
     (None, True, "confirmed", "Whether it held on its own day cannot be told; it holds now."),
     (None, None, "untestable", "The claim states no figure that the one of now could be held against.")],
)  # fmt: skip
def test_each_verdict_has_its_sentence(held: bool | None, holds: bool | None, word: str, why: str) -> None:
    lines = checked_claim(claim_result(held=held, holds=holds, word=word))
    assert lines[-1] == (f"Verdict: {word}. {why}", [], None)
    assert lines[0][0] == "Quay claimed on 2025-05-12: Tone is at its lowest (read as at most −2 standard deviations)."
    text, numbers, behind = lines[2]
    assert behind is not None
    assert behind.name == "now"
    assert text.startswith(
        "Now the operating margin of small caps is 4.5%, against 12.5% of large caps (as of 2026-01-01"
    )
    assert [(n.text, n.value) for n in numbers] == [("4.5%", 4.5), ("12.5%", 12.5)]
    without = checked_claim(claim_result(held=None, holds=True, word="confirmed", then=False))
    assert without[1] == ("On its own day, 2025-05-12: not known from the sources that are at hand.", [], None)


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [(-8.0, "percent", "−8%"), (12.345, "percent", "12.3%"), (0.004, "percent", "0.004%"), (1.5, "percentage points", "1.5 percentage points"),
     (1.409, "x", "1.41x"), (1_930_000_000, "USD", "$1.93 billion"), (-2_500_000, "USD", "−$2.5 million"), (512, "USD", "$512"),
     (119, "days", "119 days"), (226.14, "price", "226.14"), (0.0, "percent", "0%"), (1234.5, "", "1,234.5")],
)  # fmt: skip
def test_figures_are_written_as_people_write_them(value: float, unit: str, shown: str) -> None:
    assert figure(value, unit) == shown


def test_words_that_only_share_a_term_do_not_stand_beside_a_figure(make_base: Any, tmp_path: Path) -> None:
    text = "# Peaks\n\nThe club of the Russell Peak walks below its peak whenever the weather of the day allows it.\n"
    assistant = with_prices(make_base({"club.md": text}), tmp_path / "data", [200, 250, 200], date.today())
    answer = assistant.ask("How far is the Russell 2000 below its peak today?")
    exact(assistant, answer)
    assert (answer.status, answer.citations) == ("answered", ())
    assert "club" not in answer.text
