"""Follow-ups: what stands alone stays, what leans on the question before is completed from it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.followup import last_question, standalone
from vectorstore.records import Metadata, SourceInfo


def source(company: str) -> SourceInfo:
    return SourceInfo(
        company, "v", f"/{company}", "default", Metadata(company=company, kind="filing"), "", "indexed", 1, 1, 1, ""
    )


FIRMS = [source("Harbor Tools, Inc."), source("Calder Rail Corporation")]


def said(question: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": question}, {"role": "assistant", "content": "Something."}]


@pytest.mark.parametrize(
    ("before", "question", "expected"),
    [
        ("What were Harbor Tools' revenues in FY2021?", "and in FY2022?", "What were Harbor Tools' revenues in FY2022?"),
        ("What was the revenue of Harbor Tools in 2021?", "and Calder Rail?", "What was the revenue of Calder Rail Corporation in 2021?"),
        ("How many analysts cover small caps?", "what about large caps?", "How many analysts cover large caps?"),
        ("What were Harbor Tools' revenues in FY2021?", "How much debt does it carry?", "How much debt does Harbor Tools, Inc. carry?"),
        ("What were Harbor Tools' revenues in FY2021?", "Who won the World Cup?", "Who won the World Cup?"),
        ("What were Harbor Tools' revenues in FY2021?", "What did Calder Rail pay for fuel?", "What did Calder Rail pay for fuel?"),
    ],
)  # fmt: skip
def test_a_follow_up_is_completed(before: str, question: str, expected: str) -> None:
    assert standalone(question, said(before), FIRMS) == expected


def test_a_first_question_stays_as_it_is() -> None:
    assert standalone("and in 2022?", [], FIRMS) == "and in 2022?"
    assert last_question([]) == ""


@given(st.text(max_size=80), st.text(max_size=80))
def test_any_text_is_taken(before: str, question: str) -> None:
    assert isinstance(standalone(question, said(before), FIRMS), str)
