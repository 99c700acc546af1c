"""How old an answer's newest source is, and when that is said."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from assistant.assistant import Assistant
from assistant.freshness import age_in_words, newest_line, newest_source, stale
from assistant.models import Answer, Citation
from assistant.shown import answer_text
from assistant.web import render
from vectorstore.settings import Settings

TODAY = date(2026, 11, 20)
NOTE = (
    "---\ntitle: Tug rates\npublisher: Northwind\ndate: 2024-03-05\n---\n\nTug day rates rose 7% as harbours widened.\n"
)


def answer(*published: str | None, question: str = "How do tug rates move?", as_of: str | None = None) -> Answer:
    citations = tuple(
        Citation(
            marker=f"S{n}", chunk_id="c", document_id="d", version="v", title="Tug rates", publisher=None, published=day,
            kind="note", path="tug.md", url="", page=None, start=0, end=3, quote="Tug",
        )
        for n, day in enumerate(published, start=1)
    )  # fmt: skip
    return Answer(
        answer_id="a", question=question, standalone_question=question, status="answered", text="Tug.",
        citations=citations, as_of=as_of,
    )  # fmt: skip


def test_the_newest_of_the_cited_dates_counts() -> None:
    assert newest_source(answer("2024-03-05", None, "2025-11-20", "2023-01-01"), TODAY) == ("2025-11-20", 365)
    assert newest_source(answer("2024-03-05", as_of="2024-03-07"), TODAY) == ("2024-03-05", 2)
    assert newest_source(answer(None), TODAY) is None
    assert newest_source(answer(), TODAY) is None
    # A date ahead of the clock is new, not of a negative age.
    assert newest_source(answer("2027-01-01"), TODAY) == ("2027-01-01", 0)


@pytest.mark.parametrize(
    ("days", "words"),
    [(0, "0 days"), (1, "1 day"), (60, "60 days"), (61, "2 months"), (365, "11 months"), (366, "12 months"), (730, "23 months"),
     (731, "2 years"), (797, "2 years 2 months"), (1500, "4 years 1 month")],
)  # fmt: skip
def test_an_age_in_words(days: int, words: str) -> None:
    assert age_in_words(days) == words


def test_an_old_answer_says_so_past_the_set_age_only() -> None:
    old = answer("2024-03-05")
    assert stale(old, TODAY, 365) == "The newest source of this answer is of 2024-03-05: 2 years 8 months old."
    assert stale(old, TODAY, 990) == ""
    assert stale(old, TODAY, 989) != ""
    assert stale(old, TODAY, 0) == ""
    assert stale(answer("2024-03-05", as_of="2024-04-01"), TODAY, 30) == ""
    assert stale(answer("2024-03-05", as_of="2024-04-05"), TODAY, 30).endswith("31 days old on 2024-04-05.")


@pytest.mark.parametrize("question", ["What was revenue in FY2023?", "How did tug rates move in March 2024?", "Who wrote Tug rates?"])  # fmt: skip
def test_what_asks_for_the_past_is_not_out_of_date(question: str) -> None:
    assert stale(answer("2024-03-05", question=question), TODAY, 365) == ""


def test_the_age_stands_below_the_sources_in_both_faces() -> None:
    shown = "Newest source: 2024-03-05, 2 years 8 months old"
    assert newest_line(answer("2024-03-05"), TODAY) == shown
    assert answer_text(answer("2024-03-05"), TODAY).splitlines()[-1] == shown
    assert shown in render.answer_html(answer("2024-03-05"), 1, TODAY)
    assert "Newest source" not in render.answer_html(answer(None), 1, TODAY)
    old = answer("2024-03-05")
    warned = old.model_copy(update={"warnings": (stale(old, TODAY, 365),)})
    assert newest_line(warned, TODAY) == ""
    assert newest_line(answer("2024-03-05", as_of="2024-03-07"), TODAY).endswith("2 days old on 2024-03-07")


def test_an_answer_of_the_base_warns_by_the_setting(make_base: Any) -> None:
    base: Assistant = make_base({"tug.md": NOTE})
    question = "How much did tug day rates rise?"
    assert [w for w in base.ask(question).warnings if "newest source" in w]
    assert not base.ask(question, as_of="2024-06-01").warnings
    never = Assistant(base.store, Settings(stale_after_days=0))
    assert not never.ask(question).warnings
