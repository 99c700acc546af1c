"""A trader's shorthand and slips of the keyboard are written out before a question is routed; other words stay as they are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.routing import route
from assistant.routing.shorthand import _slipped, _table, written_out
from benchmarks.tools import base
from tests.test_routing import TODAY, calls


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("R2K dd vs SPX?", "Russell 2000 drawdown vs S&P 500?"),
        ("iwm px vs spy", "IWM price vs SPY"),
        ("2y/10y yields now", "2 year and 10 year yields now"),
        ("10y ust yld rn?", "10y Treasury yield right now?"),
        ("tariff bucket % of IWM", "tariff bucket percent of IWM"),
        ("# analysts CULP", "number of  analysts CULP"),
        ("curent drawdwon of the Russel 2000", "current drawdown of the Russell 2000"),
        ("anything over 5% of the S&P today?", "anything over 5% of the S&P 500 today?"),
        ("is the Russell's level", "is the Russell 2000's level"),
        ("Trasury yeilds tody", "Treasury yields today"),
    ],
)
def test_shorthand_and_slips_are_written_out(said: str, meant: str) -> None:
    assert written_out(said) == meant


@pytest.mark.parametrize(
    "text",
    ["PCR tests and IV bags of Danaher", "DD&A and WT Industries", "the S&P Global rating", "the S&P MidCap 400", "the Russell's view on it", "The Russell note says", "We spy a chance",
     "market marked wielded ration reaction dressed", "What was Nike's interest coverage in fiscal 2020?", "ATM fees"],
)  # fmt: skip
def test_what_means_something_else_stays(text: str) -> None:
    assert written_out(text) == text


def test_no_word_that_is_put_right_is_a_slip_of_another() -> None:
    words = sorted(_table()[3])
    pairs = [(a, b) for a in words for b in words if a != b and _slipped(a, b)]
    # Plurals stand beside their singular, and are never changed: they are known.
    assert all(
        a.removesuffix("s") == b.removesuffix("s") or a.removesuffix("d") == b.removesuffix("d") for a, b in pairs
    )
    assert all(written_out(word) == word for word in words)


@given(st.text(max_size=80))
def test_writing_out_twice_is_writing_out_once(text: str) -> None:
    once = written_out(text)
    assert written_out(once) == once


@pytest.mark.parametrize(
    ("question", "tool", "arguments"),
    [
        ("2y/10y yields now", "macro", {"series": "DGS10"}),
        ("what ROA is baked into REVG at today's price, at a 9% discount rate", "embedded_expectations", {"ticker": "REVG", "discount_rate": 9.0}),
        ("where's the ten-year trading at the moment?", "macro", {"series": "DGS10"}),
        ("Considering all that has been said about tariffs, what percentage of IWM is exposed to them now?", "tariff_exposure", {"ticker": "IWM"}),
        ("How many days is it since the peak of IWM now?", "drawdown", {"ticker": "IWM"}),
        ("Are lenders still tightening?", "macro", {"series": "DRTSCIS"}),
    ],
)  # fmt: skip
def test_a_question_in_shorthand_is_routed(question: str, tool: str, arguments: dict[str, object]) -> None:
    assert calls(question)[0] == (tool, arguments)


def test_a_statement_without_a_figure_asks_for_the_measure_itself() -> None:
    assert calls("Can you check whether SPY is close to its high now?") == [("drawdown", {"ticker": "SPY"})]
    # … unless an article claims it, or the question speaks of a claim.
    assert calls("Check whether small caps are cheap against large caps")[0][0] == "verify_claim"
    assert route("Fact check: the moon is made of cheese", today=TODAY, sources=base())[0].name == "verify_claim"
