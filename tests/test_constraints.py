"""What a question itself bounds the answer to: forms, kinds, dates of publication."""

from __future__ import annotations

from typing import Any

import pytest

from assistant.assistant import Assistant
from assistant.constraints import constraints


@pytest.mark.parametrize(
    ("text", "forms"),
    [
        ("What did Acme's 10-K for FY2021 say about leases?", ("10-K",)),
        ("Compare the 10-Ks and the 10Q of Acme", ("10-K", "10-Q")),
        ("Who resigned by the 8k of May?", ("8-K",)),
        ("What does the form 10-K/A mend?", ("10-K/A",)),
        ("Did revenue reach 10 K?", ()),
        ("What is in Acme's filing?", ()),
        ("When was the 10-K filed?", ()),
    ],
)
def test_forms(text: str, forms: tuple[str, ...]) -> None:
    assert constraints(text).form == forms


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("On the Q2 2023 earnings call, what did management say of margins?", ("transcript",)),
        ("What did Smith say on the call?", ("transcript",)),
        ("According to its press release, what was revenue?", ("release",)),
        ("What risks are named in the company's filings?", ("filing",)),
        ("What does the 10-K say in that filing?", ()),
        ("Did the board call a meeting?", ()),
        ("What filings does the regulator ask for?", ()),
        ("What is the margin of calls?", ()),
    ],
)
def test_kinds(text: str, kinds: tuple[str, ...]) -> None:
    assert constraints(text).kind == kinds


@pytest.mark.parametrize(
    ("text", "since", "until", "rest"),
    [
        ("Which articles published after June 2025 mention tariffs?", "2025-07-01", None, "Which articles mention tariffs?"),
        ("What do articles from 2025 say about rates?", "2025-01-01", "2025-12-31", "What do articles say about rates?"),
        ("notes dated before 2024-06-01 about rates", None, "2024-05-31", "notes about rates"),
        ("What was filed in February 2024 on wages?", "2024-02-01", "2024-02-29", "What was on wages?"),
        ("sources published no later than March 3rd, 2024 on wages", None, "2024-03-03", "sources on wages"),
        ("notes written since Feb 31, 2024 on wages", None, None, "notes written since Feb 31, 2024 on wages"),
        ("What does the filing of 2022 say?", None, None, "What does the filing of 2022 say?"),
        ("What were revenues from 2022?", None, None, "What were revenues from 2022?"),
        ("When was the note published in 2024?", None, None, "When was the note published in 2024?"),
    ],
)  # fmt: skip
def test_dates_of_publication(text: str, since: str | None, until: str | None, rest: str) -> None:
    found = constraints(text)
    assert (found.since, found.until, found.text) == (since, until, rest)


def note(day: str, share: int) -> str:
    return f"---\ntitle: Barge lines {day[:4]}\ndate: {day}\nkind: note\n---\n\nBarge lines carried {share}% of the grain.\n"


@pytest.fixture(scope="module")
def base(make_base: Any) -> Assistant:
    made: Assistant = make_base({"old.md": note("2023-05-01", 41), "new.md": note("2025-05-01", 37)})
    return made


@pytest.mark.parametrize(
    ("question", "share"),
    [
        ("What share of the grain did barge lines carry, by notes published after 2024?", "37%"),
        ("What share of the grain did barge lines carry, by notes published before 2024?", "41%"),
    ],
)
def test_the_stated_date_bounds_the_answer_and_is_shown(base: Assistant, question: str, share: str) -> None:
    answer = base.ask(question)
    assert share in answer.text
    assert len({p.document_id for p in answer.passages}) == 1
    assert set(answer.filters) == ({"since"} if share == "37%" else {"until"})
    assert len({p.chunk.document_id for p in base.search(question)}) == 1


def test_what_would_leave_nothing_is_left_out_with_a_warning(base: Assistant) -> None:
    answer = base.ask("What share of the grain did barge lines carry, according to press releases?")
    assert answer.status == "answered"
    assert answer.filters == {}
    assert (
        "The base holds no document of kind release that passes the other filters; searched without it."
        in answer.warnings
    )


def test_the_callers_filter_wins(base: Assistant) -> None:
    answer = base.ask(
        "What share of the grain did barge lines carry, by notes published after 2024?", filters={"since": "2023-01-01"}
    )
    assert answer.filters == {"since": "2023-01-01"}
    assert len({p.document_id for p in answer.passages}) == 2
