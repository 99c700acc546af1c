"""Sentences of prose, of hard-wrapped lines, of lists and of tables, with exact spans."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vectorstore.text import is_table_row, sentences


def split(text: str) -> list[str]:
    return [text[a:b] for a, b in sentences(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        (
            "The U.S. Treasury yield rose 3.5% vs. last year. Acme Inc. said so.",
            ["The U.S. Treasury yield rose 3.5% vs. last year.", "Acme Inc. said so."],
        ),
        ("It trades in the U.S. The index fell.", ["It trades in the U.S.", "The index fell."]),
        ("It bought Acme Inc. The price was low.", ["It bought Acme Inc.", "The price was low."]),
        ("J. P. Example met Dr. Smith at 5 p.m. on Monday.", ["J. P. Example met Dr. Smith at 5 p.m. on Monday."]),
        (
            "Some firms, e.g. Acme, did. Others, i.e. the rest, no.",
            ["Some firms, e.g. Acme, did.", "Others, i.e. the rest, no."],
        ),
        ("He said “It works.” They left.", ["He said “It works.”", "They left."]),
        ("Growth was strong.1 The rest was weak.(2) Fine.", ["Growth was strong.1", "The rest was weak.(2)", "Fine."]),
        ("See Item 7. Management’s Discussion. Then stop.", ["See Item 7. Management’s Discussion.", "Then stop."]),
        ("Item 1A. Risk Factors", ["Item 1A. Risk Factors"]),
        ("Proposal No. 5 passed. It was No. 1.", ["Proposal No. 5 passed.", "It was No. 1."]),
        ("Sales were $5.2 million in 2020. Costs fell.", ["Sales were $5.2 million in 2020.", "Costs fell."]),
        ("Great … but why? Wait... Then it rose.", ["Great … but why?", "Wait...", "Then it rose."]),
        ("売上は増えた。利益も増えた。", ["売上は増えた。", "利益も増えた。"]),
        ("", []),
        ("  \n\n ", []),
        ("----\n***", []),
    ],
)
def test_prose(text: str, expected: list[str]) -> None:
    assert split(text) == expected


def test_wrapped_lines_are_one_sentence_and_headings_are_their_own() -> None:
    text = (
        "Liquidity and Capital\n"
        "We fund our operations from cash that our customers pay us in the course of the year and\n"
        "from a credit line. The line may be drawn at any time, which the lenders of Example Bank\n"
        "Limited agreed to in the spring. It was not drawn.\n"
        "Debt\n"
        "We owe little.\n"
    )
    assert split(text) == [
        "Liquidity and Capital",
        "We fund our operations from cash that our customers pay us in the course of the year and\nfrom a credit line.",
        "The line may be drawn at any time, which the lenders of Example Bank\nLimited agreed to in the spring.",
        "It was not drawn.",
        "Debt",
        "We owe little.",
    ]


def test_lines_of_the_web_are_not_joined() -> None:
    text = "Small Caps Daily\nA Report On Markets\nBy Ada Example\n\nA paragraph on one line. It has two sentences.\n"
    assert split(text) == [
        "Small Caps Daily",
        "A Report On Markets",
        "By Ada Example",
        "A paragraph on one line.",
        "It has two sentences.",
    ]


def test_list_items_lose_their_mark() -> None:
    text = (
        "Drivers are:\n\n  • Cheap prices\n  • More orders. And more jobs.\n  1.  Reshoring\n  2.  Spending\n- Debt\n"
    )
    assert split(text) == [
        "Drivers are:",
        "Cheap prices",
        "More orders.",
        "And more jobs.",
        "Reshoring",
        "Spending",
        "Debt",
    ]


def test_table_rows_stay_whole_and_wrapped_labels_join_their_row() -> None:
    text = (
        "(in millions) 2024 2023\n"
        "Revenue $ 39,117 $ 36,397\n"
        "Other, net — (12)\n"
        "Net change in unrealized gains on securities, net of\n"
        "tax of $3 and $4, respectively 599 (975)\n"
        "Net sales | $293,618 | $303,457\n"
        "Total 1,234\n"
        "See the notes.\n"
    )
    assert split(text) == [
        "(in millions) 2024 2023",
        "Revenue $ 39,117 $ 36,397",
        "Other, net — (12)",
        "Net change in unrealized gains on securities, net of\ntax of $3 and $4, respectively 599 (975)",
        "Net sales | $293,618 | $303,457",
        "Total 1,234",
        "See the notes.",
    ]


@pytest.mark.parametrize(
    ("line", "row"),
    [
        ("Revenue $ 39,117 $ 36,397", True),
        ("Basic (0.05) (0.15)", True),
        ("Margin 4.5 % 4.1 %", True),
        ("Dividends — —", True),
        ("a | b", True),
        ("2022 2021 2020", True),
        ("At December 31, 2022", False),
        ("Sales rose to $5.2 million in 2020.", False),
        ("In 2022 and 2021 we sold more.", False),
        ("Total", False),
    ],
)
def test_table_rows_are_told_from_prose(line: str, row: bool) -> None:
    assert is_table_row(line) is row


PIECES = st.sampled_from(
    [
        "The firm",
        "Inc.",
        "U.S.",
        "grew",
        "5.2",
        "$ 1,234",
        "(7)",
        "—",
        ".",
        "!",
        "?",
        "\n",
        "\n\n",
        " ",
        "• ",
        "1. ",
        "“q.”",
        "é😀",
        "| ",
        "\f",
        "a" * 90,
    ]
)


@given(st.lists(PIECES, max_size=60).map("".join))
def test_spans_are_stripped_in_order_and_hold_every_word(text: str) -> None:
    spans = sentences(text)
    at = 0
    for start, end in spans:
        assert at <= start < end <= len(text)
        assert text[start:end] == text[start:end].strip()
        at = end
    assert sentences(text) == spans
    inside = {i for start, end in spans for i in range(start, end)}
    lost = "".join(c for i, c in enumerate(text) if i not in inside and c.isalpha())
    assert lost == ""


@given(st.text(max_size=300))
def test_any_text_can_be_split(text: str) -> None:
    at = 0
    for start, end in sentences(text):
        assert at <= start < end <= len(text)
        assert not text[start].isspace()
        assert not text[end - 1].isspace()
        at = end
