"""Which tools a question calls: the labelled sets, the rules one by one, and that every call is one that the tool takes."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.evaluation.dataset import load
from assistant.routing import ToolCall, encoder, route
from assistant.routing.concepts import concepts
from assistant.routing.entities import agency, named, region
from assistant.routing.intent import intent
from assistant.routing.votes import votes, weights
from assistant.tools.registry import tools
from benchmarks.route_templates import rows as templates
from benchmarks.route_training import examples, learn, write
from benchmarks.tools import QUESTIONS, base, by_words, measure
from vectorstore.embedding import make_embedder
from vectorstore.records import Metadata, SourceInfo
from vectorstore.settings import Settings

TODAY = date(2025, 6, 30)
SETS = sorted(Path(QUESTIONS).glob("tools_*.jsonl"))


EMBEDDER = make_embedder(Settings())


def routed(question: str) -> tuple[ToolCall, ...]:
    return route(question, today=TODAY, sources=base(), encode=EMBEDDER.encode)


def calls(question: str) -> list[tuple[str, dict[str, object]]]:
    return [(c.name, dict(c.arguments)) for c in routed(question)]


@pytest.mark.parametrize("path", SETS, ids=lambda p: p.stem)
def test_the_labelled_questions(path: Path) -> None:
    found = measure(load(path), routed)
    assert found["questions"] >= 60
    assert found["f1"] >= 0.95
    assert found["arguments_right"] >= 0.95
    assert found["none_right"] >= 0.95
    assert found["f1"] > measure(load(path), lambda q: by_words(q, base()))["f1"]
    # With another embedding model the votes are over the words alone.
    assert measure(load(path), lambda q: route(q, today=TODAY, sources=base()))["f1"] >= 0.8


def test_every_tool_is_asked_for_in_every_set() -> None:
    for path in SETS:
        named_ = {c.tool for row in load(path) for c in row.tools or ()}
        assert named_ == set(tools())


def test_every_call_is_one_that_its_tool_takes() -> None:
    for path in SETS:
        for row in load(path):
            for call in routed(row.question):
                tools()[call.name].arguments.model_validate(dict(call.arguments))


_TEXT = (
    "now today still drawdown peak IWM SPY puts calls ratio small large caps 10-year yield fed funds IPO last 999 0 quarters months years top 500 "
    "weights analysts cover NAICS 336 Army awards claim that verify is it true ? . ; and how CULP tariff exposure discount rate 99% implied ROA five"
)
WORDS = _TEXT.split()


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=25))
def test_no_words_make_a_call_that_its_tool_refuses(words: list[str]) -> None:
    for call in routed(" ".join(words)):
        tools()[call.name].arguments.model_validate(dict(call.arguments))


@settings(deadline=None)  # the first call reads the data files
@given(st.text(max_size=300))
def test_any_text_is_routed(text: str) -> None:
    found = route(text, today=TODAY)
    assert len(found) == len([c for i, c in enumerate(found) if c not in found[:i]])


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        # the time decides
        ("How far is the Russell 2000 below its peak today?", ["drawdown"]),
        ("How far was the Russell 2000 below its peak in 2020?", []),
        ("How far is the Russell 2000 below its peak according to the note?", []),
        ("What did the authors say about the fall from the peak?", []),
        ("Do the authors still expect small caps to be cheap?", []),
        # … and the measure, where only a tool has it
        ("What is the put/call ratio on IWM?", ["hedging"]),
        ("How concentrated is IWM?", ["concentration"]),
        ("Are small caps cheap?", ["relative_valuation"]),
        # "current" is no time in the names of line items
        ("What is the current ratio of Nike?", []),
        ("What were current liabilities and total debt in fiscal 2021?", []),
        # a premise, and the question about today
        ("The note says that 40% of small caps lose money. Is that still so?", ["verify_claim"]),
        ("By how much do the notes say small caps are cheap?", []),
        ("The note says that 40% of small caps lose money. Which page is that on?", []),
        # more than one
        ("Where do the fed funds rate and the 10-year yield stand now?", ["macro", "macro"]),
        (
            "How cheap are small caps today, and how many of them lose money?",
            ["relative_valuation", "unprofitable_share"],
        ),
        # words that stand in two measures
        ("What weight of the Russell 2000 is in companies without earnings now?", ["unprofitable_share"]),
        ("What weight of the Russell 2000 is in tariff-exposed sectors now?", ["tariff_exposure"]),
        ("What is the expense ratio of IWM?", []),
        ("Is the weather still bad today?", []),
        ("", []),
    ],
)
def test_one_rule_at_a_time(question: str, expected: list[str]) -> None:
    assert [name for name, _ in calls(question)] == expected


@pytest.mark.parametrize(
    ("question", "arguments"),
    [
        ("IWM drawdown over the past three years", {"ticker": "IWM", "years": 3}),
        ("Drawdown of SPY since 2024-11-25, as of today", {"ticker": "SPY", "since": "2024-11-25"}),
        ("Compared with the S&P 500, how far is the Russell 2000 off its high now?", {"ticker": "IWM", "benchmark": "SPY"}),
        ("Top 20 weights of the S&P 500 today", {"ticker": "SPY", "top": 20}),
        ("IPO filings over the last 12 quarters", {"quarters": 12}),
        ("How many IPO filings were there in the last ten years, to date?", {"quarters": 20}),
        ("Contracts under NAICS 336414 awarded by the Navy this year", {"naics": "336414", "agency": "Department of the Navy", "company": None}),
        ("What share of federal awards goes to small firms now?", {"agency": ""}),
        ("Three-year excess return of European small-cap managers today", {"region": "Europe", "months": 36}),
        ("Implied ROA of REVG at a discount rate of 9.5%", {"ticker": "REVG", "discount_rate": 9.5}),
        ("What is Zagg's interest cover now?", {"ticker": "Zagg Inc"}),
        ("What is Palantir's interest cover now?", {"ticker": "Palantir"}),
        ("What is CULP's net debt now?", {"ticker": "CULP"}),
        ("Tone of Monro's calls in Q1 2020, latest reading", {"ticker": "MNRO", "quarter": "2020Q1"}),
        ("Drawdown of IWM since 3 March 2022, today", {"ticker": "IWM", "since": "2022-03-03"}),
        ("How far is SPY below its high now, since November 2021?", {"ticker": "SPY", "since": "2021-11-01"}),
        ("If Nike traded at 60 dollars a share, what ROA would that price imply?", {"ticker": "NKE", "price": 60.0}),
        ("Market-implied ROA of LMT now, growth of 3%, horizon of 10 years", {"ticker": "LMT", "growth": 3.0, "years": 10}),
        ("Tone of small against large on calls, latest quarter, releases only", {"kind": "release"}),
        ("Analysts per company in the S&P 600 now, with a sample of 50 companies", {"ticker": "IJR", "sample": 50}),
        ("Median size of the newest IPO filings? Please read the latest 20.", {"read": 20}),
        ("Contracts of the Pentagon under NAICS 3364 and 3366 now", {"naics": "3364,3366", "agency": "Department of Defense"}),
        ("What federal contracts has LMT won lately?", {"agency": "", "company": "Lockheed Martin"}),
        ("Show UNRATE from FRED", {"series": "UNRATE"}),
        ("Are interest rates still high today?", {"series": "rates"}),
        ("Does the note's figure of 16.4 analysts per large cap still hold?", {"claim": "r-analysts-large"}),
        ("Valens wrote that 15% of the Russell 2000 is in tariff-hit sectors. Is that still so?", {"claim": "v-tariffs-small"}),
        ("Is it true that 15% of the S&P 500 is in tariff-hit sectors?", {"claim": "15% of the S&P 500 is in tariff-hit sectors"}),
        ("Is it true that the 10-year yields 5% today?", {"claim": "the 10-year yields 5%"}),
        ("Verify this claim against current data: small caps have 6 analysts.", {"claim": "small caps have 6 analysts"}),
        ("Check claim v-rates against live data", {"claim": "v-rates"}),
    ],
)  # fmt: skip
def test_arguments(question: str, arguments: dict[str, object]) -> None:
    ((_, made),) = calls(question)
    assert made == {k: v for k, v in arguments.items() if v is not None}


def test_a_ticker_of_the_base_that_only_a_name_is_known_of() -> None:
    known = SourceInfo("d", "v", "p", "c", Metadata(company="Culp Inc"), "text/plain", "ready", 1, 1, 1, "")
    for question, asked in (("What is CULP's leverage now?", "CULP"), ("What is Culp's leverage now?", "Culp Inc")):
        assert route(question, today=TODAY, sources=[known]) == (ToolCall("balance_sheet", {"ticker": asked}),)


def test_what_is_named() -> None:
    found = named("Is the Russell 2000 Growth (IWO) ahead of the S&P500 and of mid caps, unlike US IPOs?")
    assert found.tickers == ("IWO", "SPY", "IWR")
    assert found.groups == ("IWR",)
    assert found.companies == ()
    assert named("small versus large companies").tickers == ("IWM", "SPY")
    assert named("THE SEC AND THE CEO OF A REIT").tickers == ()


def test_agencies_and_regions() -> None:
    assert agency("Pentagon orders") == "Department of Defense"
    assert agency("the Army Corps of Engineers") == "Department of the Army"
    assert agency("navy blue") == "Department of the Navy"
    assert agency("the harmony") is None
    assert region("tell us of Japanese funds") == "Japan"
    assert region("tell us of funds") is None
    assert region("US funds") == "US"


def test_concepts_are_found_by_their_stems_longest_first() -> None:
    text = "Its price-to-book is below the high of ten-year Treasury yields"
    found = {c.name: text[c.start : c.end] for c in concepts(text)}
    assert found["multiple"] == "price-to-book"
    assert found["ten_year"] == "ten-year Treasury"
    assert found["peak"] == "high"


def test_intent_reads_each_mark_by_itself() -> None:
    assert intent("What is it now?").now
    assert not intent("What was still available at the end of 2021?").now
    assert intent("What did the note say?").author
    assert not intent("What does the survey say about standards now?").author
    assert intent("Is it still true that rates are high?").verify
    assert intent("What was it in fiscal 2020?").past
    assert intent("Plot the curve").command


def test_votes_say_what_led_to_them() -> None:
    said = votes("What is the put/call ratio of IWM now?", base(), EMBEDDER.encode)
    assert said.live > 0.9
    assert max(said.tools, key=lambda tool: said.tools[tool]) == "hedging"
    assert {"rule:hedging", "word:put_call"} & set(said.because["hedging"])
    assert votes("What did the note say on the put/call ratio?", base()).live < 0.1


def test_another_embedding_model_has_no_vote() -> None:
    class Other:
        fingerprint = "other-model@1/torch/768"

    assert encoder(EMBEDDER) == EMBEDDER.encode
    assert encoder(Other()) is None  # type: ignore[arg-type]


def test_training_tells_a_measure_from_what_is_written_of_it(tmp_path: Path) -> None:
    given = examples([*templates(), ("What is Nike's revenue?", ())])
    held = learn(given, EMBEDDER.encode)
    write(held, tmp_path / "weights.json")
    data = json.loads((tmp_path / "weights.json").read_text(encoding="utf-8"))
    assert data["outputs"] == ["live", *sorted(tools())]
    assert len(data["words"]) == len(data["names"]) + 1
    assert len(data["both"]) == len(data["names"]) + EMBEDDER.dimension + 1
    assert votes("How high is the drawdown of IWM now?", base(), weighed=held).live > 0.5
    assert votes("Why did the author mention the drawdown of IWM?", base(), weighed=held).live < 0.5


def test_the_shipped_weights_know_every_tool_and_feature() -> None:
    held = weights()
    assert held.outputs == ("live", *sorted(tools()))
    assert {f"rule:{name}" for name in tools() if name != "verify_claim"} <= set(held.names)
    assert held.both.shape == (len(held.names) + EMBEDDER.dimension + 1, len(held.outputs))
