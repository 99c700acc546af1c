"""Choosing sentences: the one that states a fact, all items of a list, both sides, and none where nothing answers."""

from __future__ import annotations

from typing import Any

import pytest

from assistant import Assistant
from assistant.models import Answer

RAIL = """---
title: Rail freight picks up
publisher: Northwind Research
authors: Mara Lindqvist, Tobias Okafor
date: 2024-03-05
kind: note
---

# Rail freight picks up

Short-line railway volumes rose 7% in February 2024. Order books at railcar builders reached $410 million.

Three things hold back short-line railways:

- ageing bridges
- scarce drivers
- high insurance premiums

The regulator approved the merger of two short lines. This raises traffic on the northern corridor by 12%.
"""
BARGE = """---
title: Barges lose cargo
publisher: Harbour Street Capital
authors: Ines Duarte
date: 2024-06-20
kind: article
---

# Barges lose cargo

Inland barge volumes fell 4% in May 2024 because river levels were low. Barge operators earn thin margins of 3%.

Short-line railways face a serious risk from rising debt costs, and weak carriers may default.
"""
CANAL = """# Canal outlook

Canal tolls are set by a public board. Traffic on the canal grew 5% in 2023. Lock repairs cost $12 million.
"""


@pytest.fixture(scope="module")
def base(make_base: Any) -> Assistant:
    made: Assistant = make_base({"rail.md": RAIL, "barge.md": BARGE, "canal.md": CANAL})
    return made


def said(answer: Answer) -> list[str]:
    return [claim.text for claim in answer.claims]


def test_each_kind_of_question_gets_its_kind_of_answer(base: Assistant) -> None:
    """One base for many questions: making it takes longer than asking."""
    fact = base.ask("How much did short-line railway volumes rise?")
    assert said(fact)[0] == "Short-line railway volumes rose 7% in February 2024."
    assert fact.claims[0].reason == "verbatim"

    listed = base.ask("Which three things hold back short-line railways?")
    assert said(listed) == [
        "Three things hold back short-line railways:",
        "ageing bridges",
        "scarce drivers",
        "high insurance premiums",
    ]
    assert listed.text == (
        "Three things hold back short-line railways: [S1]\n\n"
        "- ageing bridges [S2]\n- scarce drivers [S3]\n- high insurance premiums [S4]"
    )

    compared = base.ask("Compare railway volumes with barge volumes")
    assert {"Short-line railway volumes rose 7% in February 2024."} < set(said(compared))
    assert "Inland barge volumes fell 4% in May 2024 because river levels were low." in said(compared)

    why = base.ask("Why did barge volumes fall?")
    assert said(why) == ["Inland barge volumes fell 4% in May 2024 because river levels were low."]

    firms = base.ask("What do Northwind and Harbour Street say about volumes?")
    assert [line for line in firms.text.splitlines() if line.startswith("**")] == [
        "**Harbour Street Capital**",
        "**Northwind Research**",
    ]
    assert {c.publisher for c in firms.citations} == {"Northwind Research", "Harbour Street Capital"}
    assert firms.filters == {"publisher": ["Harbour Street Capital", "Northwind Research"]}

    one = base.ask("What does Northwind’s note say about volumes?")
    assert {p.publisher for p in one.passages} == {"Northwind Research"}


def test_for_and_against_stand_under_their_headings(base: Assistant) -> None:
    answer = base.ask("What are the arguments for and against short-line railways?")
    before, _, against = answer.text.partition("**Against**")
    assert before.startswith("**For**\n\n- ")
    assert "The regulator approved the merger of two short lines." in before
    assert "serious risk from rising debt costs" in against
    assert "serious risk" not in before


def test_a_sentence_that_leans_brings_the_one_that_it_leans_on(base: Assistant) -> None:
    answer = base.ask("What does the merger of two short lines do to the northern corridor?")
    assert said(answer) == [
        "The regulator approved the merger of two short lines.",
        "This raises traffic on the northern corridor by 12%.",
    ]
    assert answer.claims[0].markers == ("S1",)
    assert answer.claims[1].markers == ("S2",)


@pytest.mark.parametrize(
    ("question", "lacking"),
    [
        ("Why did railway volumes fall 35%?", "35%"),
        ("What did Voltaire Airlines earn?", "Voltaire Airlines"),
        ("What is the current price of IWM?", "a live figure is asked for"),
        ("How much did short-line railway volumes rise in 2019?", "2019"),
    ],
)
def test_what_the_base_does_not_hold_is_refused_by_name(base: Assistant, question: str, lacking: str) -> None:
    answer = base.ask(question)
    assert answer.status == "insufficient_evidence"
    assert lacking in answer.text
    assert answer.passages


def test_a_question_of_two_parts_is_answered_in_both(base: Assistant) -> None:
    answer = base.ask("How much did short-line railway volumes rise, and why did barge volumes fall?")
    assert answer.status == "answered"
    assert list(dict.fromkeys(c.publisher for c in answer.citations)) == [
        "Northwind Research",
        "Harbour Street Capital",
    ]
    assert "7%" in answer.text
    assert "because river levels were low" in answer.text


def test_a_question_of_which_one_part_is_known_is_answered_in_part(base: Assistant) -> None:
    answer = base.ask("How much did short-line railway volumes rise, and what do ferry passengers pay for parking?")
    assert answer.status == "partial"
    assert "Short-line railway volumes rose 7% in February 2024." in said(answer)
    assert "The base does not hold the answer" in answer.text


# as reported to the owner of assistant/: these pass once they are mended


def test_an_open_question_does_not_end_on_a_colon(base: Assistant) -> None:
    answer = base.ask("What holds back short-line railways?")
    assert {"ageing bridges", "scarce drivers", "high insurance premiums"} <= set(said(answer))


def test_the_opposite_of_what_a_source_says_is_refused(base: Assistant) -> None:
    assert base.ask("Why did barge volumes rise?").status == "insufficient_evidence"


def test_a_metric_that_is_not_in_the_base_is_refused(base: Assistant) -> None:
    assert base.ask("What is the dividend yield of railcar builders?").status == "insufficient_evidence"


FERRY = """---
title: Harrow Ferries annual report 2022
company: Harrow Ferries plc
fiscal_period: FY2022
date: 2023-02-20
kind: filing
---

# Report

Harrow Ferries sold its dry dock to Quill Yards on 3 June 2022 for $310 million. The consideration consisted of $250 million in cash and a seller note of $60 million.

Operating costs at the ports fell 5% in 2022 after the sale of the dry dock.

Fuel expense increased by $14 million in 2022. The increase was primarily due to longer routes around the strait.

The holders voted on the plan for the new pier as follows:

For 81,234,567
Against 2,345,678
Abstain 123,456

Deckhands numbered 730 at the end of 2022. Section 12 of the code lists the duties of deckhands.
"""
FERRY_BEFORE = """---
title: Harrow Ferries annual report 2019
company: Harrow Ferries plc
fiscal_period: FY2019
date: 2020-02-18
kind: filing
---

# Report

Deckhands numbered 655 at the end of 2019.
"""


@pytest.fixture(scope="module")
def ferries(make_base: Any) -> Assistant:
    made: Assistant = make_base({"ferry.md": FERRY, "before.md": FERRY_BEFORE})
    return made


def test_a_price_is_answered_by_the_sentence_with_the_money(ferries: Assistant) -> None:
    answer = ferries.ask("To whom and for how much did Harrow Ferries sell its dry dock?")
    assert said(answer)[0].startswith("Harrow Ferries sold its dry dock to Quill Yards")


def test_a_cause_comes_with_what_it_explains(ferries: Assistant) -> None:
    answer = ferries.ask("What drove fuel expense at Harrow Ferries in 2022?")
    assert said(answer)[:2] == [
        "Fuel expense increased by $14 million in 2022.",
        "The increase was primarily due to longer routes around the strait.",
    ]


def test_the_rows_that_a_sentence_introduces_come_with_it(ferries: Assistant) -> None:
    answer = ferries.ask("How did the holders of Harrow Ferries vote on the plan for the new pier?")
    assert said(answer)[:3] == [
        "The holders voted on the plan for the new pier as follows:",
        "For 81,234,567",
        "Against 2,345,678",
    ]


def test_two_years_are_each_answered_from_their_own_report(ferries: Assistant) -> None:
    answer = ferries.ask("How did the number of deckhands of Harrow Ferries change from 2019 to 2022?")
    assert answer.status == "answered"
    assert {"Deckhands numbered 655 at the end of 2019.", "Deckhands numbered 730 at the end of 2022."} <= set(
        said(answer)
    )


@pytest.mark.parametrize(
    "question",
    [
        "Which port of Harrow Ferries had the highest revenue in 2022?",
        "How many passengers sailed with Harrow Ferries in 2022?",
        "What did Harrow Ferries pay for its ticket office?",
        "Which dry docks does Quill Yards own?",
    ],
)
def test_a_passage_nearby_is_no_answer(ferries: Assistant, question: str) -> None:
    assert ferries.ask(question).status == "insufficient_evidence"
