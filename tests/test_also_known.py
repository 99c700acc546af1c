"""Other names of firms, as the base's own documents give them."""

from __future__ import annotations

from typing import Any

import pytest

from assistant import Assistant, also_known
from assistant.firms import abbreviates, named_in


@pytest.mark.parametrize(
    ("short", "firm", "stands"),
    [
        ("HW&S", "Harrow Winches and Sails Inc", True),
        ("HWS", "Harrow Winches and Sails Inc", True),
        ("Q&Q", "Quill & Quill", True),
        ("HARWIN", "Harrow Winches Company", True),
        ("Harwin", "Harrow Winches Company", True),
        ("HW", "The Harrow Winches Company, Inc.", True),
        ("harwin", "Harrow Winches Company", False),  # no name is written so
        ("HX", "Harrow Winches Company", False),
        ("H", "Harrow Winches Company", False),
        ("HAR", "Harrow, Inc.", False),  # one word has no initials
        ("Vantor", "Harrow Winches Company", False),
    ],
)
def test_initials_and_run_together_openings_stand_for_a_firm(short: str, firm: str, stands: bool) -> None:
    assert abbreviates(short, firm) is stands


def test_signs_in_a_name_make_no_other_name() -> None:
    firms = ["2-400-SAILS.COM, Inc."]
    assert named_in("Who audits 2400Sails?", firms) == tuple(firms)
    assert named_in("Who audits 2-400-SAILS.COM?", firms) == tuple(firms)
    assert named_in("Who audits sailing2400?", firms) == ()


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("Vantor Group, Inc. (formerly known as Oldrail) builds railcars.", True),
        ("In May we changed our corporate name from Oldrail.", True),
        ("Oldrail, Inc. changed its name to Vantor Group, Inc. in May.", True),
        ("Vantor Group, Inc. (“Oldrail”) builds railcars.", True),
        ("The shares trade on the exchange (NYSE: Oldrail).", True),
        ("We bought Oldrail in May.", False),
        ("Oldrail is a rival of Vantor Group, Inc.", False),
        ("Cargo Bank (formerly known as Oldrail) lends to it.", False),
    ],
)
def test_a_document_gives_a_name_in_so_many_words(text: str, given: bool) -> None:
    assert also_known.gives("Oldrail", "Vantor Group, Inc.", text) is given


def filing(company: str, body: str) -> str:
    return f"---\ntitle: {company} annual report\ncompany: {company}\nfiscal_period: FY2023\ndate: 2024-03-01\nkind: filing\n---\n\n{body}\n"


@pytest.fixture(scope="module")
def base(make_base: Any) -> Assistant:
    made: Assistant = make_base(
        {
            "a.md": filing("Harrow Winches and Sails Inc", "HW&S shipped 61 winches in 2023. Orders of HW&S rose 8%."),
            "b.md": filing("Vantor Group, Inc.", "Vantor Group, Inc. (formerly known as Oldrail) built 730 railcars in 2023."),
            "c.md": filing("Harbour Wharf Supply Inc", "The wharf handled 90 ships in 2023."),
        }
    )  # fmt: skip
    return made


@pytest.mark.parametrize(
    ("question", "company"),
    [
        ("How many winches did HW&S ship in 2023?", "Harrow Winches and Sails Inc"),
        ("How many railcars did Oldrail build in 2023?", "Vantor Group, Inc."),
        ("How many winches did Harrow Winches' crew ship in 2023?", "Harrow Winches and Sails Inc"),
    ],
)
def test_a_question_by_another_name_is_answered(base: Assistant, question: str, company: str) -> None:
    answer = base.ask(question)
    assert (answer.status, answer.filters["company"]) == ("answered", [company])


def test_an_abbreviation_that_no_document_of_the_firm_uses_is_not_its_name(base: Assistant) -> None:
    # Spelled by "Harbour Wharf Supply" too, which never calls itself so.
    answer = base.ask("How many ships did HBW handle in 2023?")
    assert answer.status == "insufficient_evidence"
    assert "company" not in answer.filters
