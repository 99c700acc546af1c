"""Quantitative claims of a text: what is one, what is none, whose, when due; every quote is its span."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.catalysts.claim_dates import Made, windows
from assistant.catalysts.claim_figures import figures
from assistant.catalysts.claim_measures import measures
from assistant.catalysts.claim_reading import claims_of
from assistant.catalysts.claims import Claim, claim_id
from vectorstore.records import Document, Metadata, Region, document_id, sha256

ARTICLE: dict[str, Any] = {
    "kind": "article",
    "publisher": "Quay Research",
    "published": "2025-03-10",
    "title": "Small companies now",
}
CALL: dict[str, Any] = {
    "kind": "transcript", "company": "Harbor Tools, Inc.", "ticker": "HRBR", "published": "2024-05-02", "fiscal_period": "Q1 2024",
    "period_end": "2024-03-31",
}  # fmt: skip
FILING: dict[str, Any] = CALL | {
    "kind": "filing",
    "form": "10-K",
    "fiscal_period": "FY2023",
    "period_end": "2023-12-31",
    "published": "2024-02-20",
}


def document(text: str, regions: tuple[Region, ...] = (), **metadata: Any) -> Document:
    name = document_id("open", "a.md")
    return Document(
        name, sha256(text.encode("utf-8", "surrogatepass")), "a.md", "open", text, Metadata(**metadata), regions=regions
    )


def read(text: str, metadata: dict[str, Any] = ARTICLE) -> list[Claim]:
    made = document(text, **metadata)
    found = list(claims_of(made))
    for one in found:
        assert made.text[one.start : one.end] == one.quote
        assert made.text[one.figure_start : one.figure_end] == one.figure
        assert one.claim_id == claim_id(made.document_id, made.version, one.figure_start, one.figure_end)
    assert len({one.claim_id for one in found}) == len(found)
    return found


def said(text: str, metadata: dict[str, Any] = ARTICLE) -> list[tuple[str, str, str]]:
    """Return (statement, kind, due) of the claims of a text."""
    return [(c.statement, c.kind, c.due or "") for c in read(text, metadata)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "We think the return on assets of the Russell 2000 will reach 9% by 2027.",
            [("Russell 2000, return on assets: 9% (2027)", "forecast", "2027-12-31")],
        ),
        (
            "Analysts expect the return on assets of small caps to rise to about 8.5% over the next two years.",
            [("small caps, return on assets: about 8.5% (over the next two years)", "forecast", "2027-03-10")],
        ),
        (
            "The Russell 2000 has fallen more than 12% from its peak.",
            [("Russell 2000, change from its peak: down by at least 12%", "state", "")],
        ),
        (
            "More than 35% of small caps are unprofitable.",
            [("small caps, share of companies that lose money: at least 35%", "state", "")],
        ),
        (
            "Small caps are covered by an average of 4.2 analysts, and large caps are covered by 18.9 analysts.",
            [
                ("small caps, analysts who follow a company: 4.2", "state", ""),
                ("large caps, analysts who follow a company: 18.9", "state", ""),
            ],
        ),
        (
            "The return on assets of small caps has been between 5% and 7% over the past decade.",
            [("small caps, return on assets: 5 to 7% (over the past decade)", "state", "")],
        ),
        (
            "The Russell 2000 should rise 15% by the end of 2026.",
            [("Russell 2000, price or index level: up by 15% (the end of 2026)", "forecast", "2026-12-31")],
        ),
        (
            "The fed funds rate is expected to be about 3% at year-end.",
            [("United States, policy rate: about 3% (at year-end)", "forecast", "2025-12-31")],
        ),
        (
            "Outperformance ranges from 0.4% in European small caps to 2.2% for Japanese small caps.",
            [
                ("Europe small caps, return above the benchmark: 0.4%", "state", ""),
                ("Japan small caps, return above the benchmark: 2.2%", "state", ""),
            ],
        ),
    ],
)  # fmt: skip
def test_an_article_s_claims(text: str, expected: list[tuple[str, str, str]]) -> None:
    assert said(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "We expect revenue of $1.2 billion in fiscal 2024.",
            [("Harbor Tools, Inc., revenue: 1.2 billion USD (fiscal 2024)", "guidance", "2024-12-31")],
        ),
        (
            "For the second quarter, we now expect net sales to be between 40 and 45 million.",
            [("Harbor Tools, Inc., revenue: 40 million to 45 million (the second quarter)", "guidance", "2024-06-30")],
        ),
        (
            "We are reaffirming our 2024 earnings per share guidance of $2.10 to $2.30.",
            [("Harbor Tools, Inc., earnings per share: 2.1 to 2.3 USD (2024)", "guidance", "2024-12-31")],
        ),
        (
            "Capital expenditures are expected to be up to $12 million this year.",
            [("Harbor Tools, Inc., capital spending: at most 12 million USD (this year)", "guidance", "2024-12-31")],
        ),
        (
            "We anticipate organic revenue growth of 4% to 6% (previously 3% to 5%) for the full year, and an operating margin of more than 11%.",
            [
                ("Harbor Tools, Inc., organic growth of revenue: up by 4 to 6% (the full year)", "guidance", "2024-12-31"),
                ("Harbor Tools, Inc., operating margin: at least 11% (the full year)", "guidance", "2024-12-31"),
            ],
        ),
        (
            "We plan to open 30 stores over the next three years.",
            [("Harbor Tools, Inc., stores: 30 (over the next three years)", "guidance", "2027-05-02")],
        ),
        (
            "Comparable sales will decline by approximately 3% in the second half of the year.",
            [("Harbor Tools, Inc., comparable sales: down by about 3% (second half of the year)", "guidance", "2024-12-31")],
        ),
        (
            "Lantern Pumps' capital investments will total roughly $9 million in 2025.",
            [("Lantern Pumps, capital spending: about 9 million USD (2025)", "guidance", "2025-12-31")],
        ),
        (
            "It was a good quarter.We expect earnings per share of 41 cents next quarter.",
            [("Harbor Tools, Inc., earnings per share: 0.41 USD (next quarter)", "guidance", "2024-06-30")],
        ),
    ],
)  # fmt: skip
def test_what_a_company_says_of_its_future(text: str, expected: list[tuple[str, str, str]]) -> None:
    assert said(text, CALL) == expected


@pytest.mark.parametrize(
    ("text", "metadata"),
    [
        ("Revenue was $184 million in 2023, up 12% from 2022.", FILING),
        ("Revenue was $184 million in the first quarter, which was better than we expected.", CALL),
        ("Net sales 184 160 151", FILING),
        ("Would revenue be $200 million in 2025?", CALL),
        ("A hypothetical 100 basis point increase would raise interest expense by $4 million in 2025.", FILING),
        ("If rates rise by 1%, we expect interest expense to increase by $4 million in 2025.", FILING),
        ("We expect to use a discount rate of 5% for revenue in 2025.", FILING),
        ("The expected volatility of 32% and the risk-free rate of 4% are used in 2025.", FILING),
        ("The award will vest and 50% of revenue shall be paid pursuant to the agreement in 2025.", FILING),
        ("Executives aged 55 will see note 6 of page 12 in 2025.", FILING),
        ("We expect revenue growth in 2025.", FILING),
        ("We expect capital expenditures of $14 million.", FILING),  # a filing's plan without a date
        ("We expected revenue of $90 million in 2023.", FILING),
        ("We expect to return 30% of our cash flow from operations to shareholders in 2025.", CALL),
        ("Revenue of small caps rose to $184 million in 2021 from $160 million in 2020.", ARTICLE),
        ("We raised our revenue guidance by more than 10%.", CALL),
        ("We expect expenses in the high 20s to low $30 million of revenue.", CALL),
        ("The Russell 2000 holds 2000 names and the S&P 500 is older.", ARTICLE),
    ],
)
def test_what_is_no_claim(text: str, metadata: dict[str, Any]) -> None:
    assert said(text, metadata) == []


def test_furniture_and_rows_of_tables_hold_no_claim() -> None:
    text = "We expect revenue of $1.2 billion in fiscal 2025.\n\nRevenue | $1.2 billion | 2025\n"
    assert len(read(text, CALL)) == 1
    furniture = document(text, (Region(0, 50, "disclaimer"),), **CALL)
    assert claims_of(furniture) == ()


def test_a_claim_is_read_once_where_a_document_says_it_twice() -> None:
    text = "We expect capital expenditures of about $14 million in 2025.\n\nIn 2025 we expect about $14 million of capital expenditures.\n"
    assert len(read(text, FILING)) == 1


def test_who_holds_it_and_whose_source_it_is() -> None:
    market = read("The market expects the return on assets of the Russell 2000 to stay around 6% by 2030.")[0]
    assert (market.holder, market.author, market.publisher) == ("market", "", "Quay Research")
    other = read("According to Lantern Data, 30% of small caps are unprofitable.")[0]
    assert other.holder == "Lantern Data"
    own = read("We think the return on assets of small caps will reach 9% by 2027.")[0]
    assert own.holder == ""
    assert len({market.owner, other.owner, own.owner}) == 3


def test_a_subject_that_only_the_sentence_before_names() -> None:
    text = "The Russell 2000 is cheap. Analysts expect the return on assets to reach 8% by 2027."
    assert [c.subject for c in read(text)] == ["Russell 2000"]
    assert read("Analysts expect the return on assets to reach 8% by 2027.", ARTICLE | {"title": "On rates"}) == []


@pytest.mark.parametrize(
    ("text", "due", "rule"),
    [
        ("by 2027", "2027-12-31", "the end of 2027"),
        ("by mid-2026", "2026-06-30", "the middle of 2026"),
        ("in early 2026", "2026-03-31", "the first quarter of 2026"),
        ("by the end of June", "2025-06-30", "the end of June 2025"),
        ("by February", "2026-02-28", "the end of February 2026"),
        ("through May 31, 2026", "2026-05-31", "the day named"),
        ("over the next 12 months", "2026-03-10", "12 months after 2025-03-10"),
        ("within two to three years", "2028-03-10", "36 months after 2025-03-10"),
        ("in Q3", "2025-09-30", "the end of Q3 2025"),
        ("in Q1", "2025-03-31", "the end of Q1 2025"),
        ("in the fourth quarter of 2026", "2026-12-31", "the end of Q4 2026"),
        ("by year end", "2025-12-31", "the end of 2025"),
        ("next year", "2026-12-31", "the end of 2026"),
        ("in the second half of 2026", "2026-12-31", "the end of the second half of 2026"),
        ("from 2026 to 2030", "2030-12-31", "the end of 2030"),
        ("by the end of the decade", "2030-12-31", "the end of 2030"),
    ],
)
def test_due_dates_with_their_rule(text: str, due: str, rule: str) -> None:
    found = windows(f"It will be so {text}.", Made(date(2025, 3, 10)))
    assert [(str(w.due), w.rule) for w in found] == [(due, rule)]


def test_a_fiscal_year_ends_where_the_document_s_does() -> None:
    june = Made(date(2024, 8, 20), 2024, None, (5, 31, 0))
    assert [str(w.due) for w in windows("in fiscal 2025", june)] == ["2025-05-31"]
    assert [str(w.due) for w in windows("in the first quarter", june)] == ["2024-08-31"]
    assert [str(w.due) for w in windows("in calendar 2025", june)] == ["2025-12-31"]
    unknown = Made(None, 2024, 3, None)
    found = windows("in fiscal 2025", unknown)
    assert [(w.due, w.rule) for w in found] == [(None, "the document does not say when its fiscal year ends")]
    assert windows("over the next year and in two years", unknown)[-1].due is None


def test_figures_that_no_claim_states() -> None:
    assert figures("In 2025, 12 months and 10-year notes, see Note 6 on page 12 of Form 10-K, the Russell 2000") == ()
    assert figures("between eight and 10%") == ()
    assert [(f.low, f.high, f.unit) for f in figures("between 1 and 1.1 billion dollars")] == [(1e9, 1.1e9, "USD")]


def test_measures_are_data_that_name_tools_there_are() -> None:
    from assistant.tools.registry import tools

    for measure in measures().values():
        assert measure.units <= {"%", "money", "x", "count"}, measure.id
        for check in measure.checks:
            known = tools()[check.tool].arguments.model_fields
            assert not check.argument or check.argument in known, measure.id
            assert set(check.fixed) <= set(known), measure.id


_BITS = st.sampled_from(
    ["We expect", "revenue", "to be", "between", "$5", "and", "10%", "million", "by 2027", "in Q3", "Russell 2000", "over the next", "two years",
     "ROA", "will reach", "(", ")", ";", "'", "\n", "\u2028", "\U0001f600", "-", "about", "rose", "fell by", "3x", "analysts", ".", "9" * 30]
)  # fmt: skip


@given(st.lists(_BITS, max_size=25), st.sampled_from([ARTICLE, CALL, FILING, {}]))
@settings(max_examples=150, deadline=None)
def test_any_text_is_read_and_every_quote_is_its_span(bits: list[str], metadata: dict[str, Any]) -> None:
    for one in read(" ".join(bits), metadata):
        low, high = one.span
        assert low <= high
        assert one.statement
        assert one.to_json()["citation"]["quote"] == one.quote
