"""What happens on a question, a citation and an upload, without a browser."""

from __future__ import annotations

import pytest
from web_fakes import FakeAssistant, service_of

from assistant.access import LOCAL
from assistant.models import Answer
from assistant.web import conversation, handlers
from assistant.web.handlers import Scope
from vectorstore.errors import SettingsError, StoreEmpty

GAP = "What was the gap to large caps in March 2024?"


def asked(assistant: FakeAssistant, question: str, scope: Scope | None = None) -> list[conversation.Turn]:
    turns = conversation.begin((), question)
    return [state[-1] for state in handlers.ask(service_of(assistant), LOCAL, turns, scope or Scope())]


def test_events_come_one_by_one_and_the_answer_last() -> None:
    steps = asked(FakeAssistant(), GAP)
    assert [(s.status, len(s.sentences), s.answer is not None) for s in steps] == [
        ("Searching", 0, False),
        ("Searching", 1, False),
        ("Searching", 1, True),
    ]


def test_filters_as_of_and_history_reach_the_assistant() -> None:
    assistant = FakeAssistant()
    turns = conversation.begin((), GAP)
    *_, turns = handlers.ask(service_of(assistant), LOCAL, turns, Scope())
    turns = conversation.begin(turns, "And revenue of Harbor Tools?")
    scope = Scope(("filing",), ("SEC",), "2023-01-01", "2024-12-31", "2024-06-30")
    *_, turns = handlers.ask(service_of(assistant), LOCAL, turns, scope)
    assert assistant.asked[1] == {
        "question": "And revenue of Harbor Tools?",
        "as_of": "2024-06-30",
        "filters": {"kind": ["filing"], "publisher": ["SEC"], "since": "2023-01-01", "until": "2024-12-31"},
        "history": [
            {"role": "user", "content": GAP},
            {"role": "assistant", "content": "- The gap to large caps stood at 26 percent in March 2024. [S1]"},
        ],
    }
    assert assistant.asked[0]["filters"] == {}


@pytest.mark.parametrize(
    ("scope", "message"),
    [
        (Scope(as_of="June 2023"), "As of: 'June 2023' is not a date."),
        (Scope(since="2023-02-30"), "From: '2023-02-30' is not a date."),
        (Scope(since="2024-01-02", until="2024-01-01"), "From 2024-01-02 is after To 2024-01-01."),
    ],
)
def test_a_date_that_is_none_is_a_failure_that_names_it(scope: Scope, message: str) -> None:
    assistant = FakeAssistant()
    [turn] = asked(assistant, GAP, scope)
    assert turn.failure is not None
    assert turn.failure.message == message
    assert assistant.asked == []


def test_errors_of_the_assistant_are_shown_with_what_to_do(caplog: pytest.LogCaptureFixture) -> None:
    assistant = FakeAssistant(failures=[RuntimeError("secret path"), StoreEmpty("Nothing is in.", "Ingest.")])
    [first] = asked(assistant, GAP)
    assert first.failure is not None
    assert (first.failure.message, first.failure.what_to_do) == ("Nothing is in.", "Ingest.")
    [second] = asked(assistant, GAP)
    assert second.failure is handlers.UNFORESEEN
    assert "secret path" in caplog.text


def test_a_cited_span_and_a_passage_open_in_their_text() -> None:
    assistant = FakeAssistant()
    answer = assistant.answer(GAP)
    html = handlers.open_source(service_of(assistant), LOCAL, answer, 3, "S1")
    assert html is not None
    assert "<mark>The gap to large caps stood at 26 percent in March 2024.</mark>" in html
    other = next(i for i, p in enumerate(answer.passages) if p.chunk_id != answer.citations[0].chunk_id)
    html = handlers.open_source(service_of(assistant), LOCAL, answer, 3, f"p{other}")
    assert html is not None
    assert f"<mark>{answer.passages[other].text}</mark>" in html


@pytest.mark.parametrize("key", ["S9", "p99", "p-1", "p1e3", "__class__", "p٣"])
def test_a_key_that_is_none_opens_nothing(key: str) -> None:
    assistant = FakeAssistant()
    assert handlers.open_source(service_of(assistant), LOCAL, assistant.answer(GAP), 1, key) is None


def test_a_source_that_is_gone_says_so() -> None:
    assistant = FakeAssistant()
    answer = assistant.answer(GAP)
    assistant.documents.clear()
    html = handlers.open_source(service_of(assistant), LOCAL, answer, 1, "S1")
    assert html is not None
    assert "There is no document" in html
    assert "<mark>" not in html


def test_an_answer_with_a_moved_quote_warns() -> None:
    assistant = FakeAssistant()
    answer = assistant.answer(GAP)
    moved = Answer.model_validate(
        answer.model_dump() | {"citations": [answer.citations[0].model_dump() | {"start": 0, "end": 10}]}
    )
    html = handlers.open_source(service_of(assistant), LOCAL, moved, 1, "S1")
    assert html is not None
    assert "no longer reads as it was quoted" in html


def test_scope_without_limits_is_empty() -> None:
    assert Scope().filters() == {}
    with pytest.raises(SettingsError, match="YYYY-MM-DD"):
        Scope(until="x").filters()
