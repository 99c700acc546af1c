"""Claims against their evidence: verdicts, reasons, traced numbers; what must hold for any text."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.grounding import check, check_cited
from assistant.models import Claim, Metric, ToolResult

ROOT = Path(__file__).resolve().parents[1]
QUARTER = (
    "Revenue was $1.2 billion in 2022, compared with $1.0 billion in 2021. Acme Corp acquired Bolt Industries for $300 million in cash. "
    "Margins fell 150 basis points. The company did not record an impairment. Management expects to open 12 stores in 2023."
)
TABLE = "(in millions)\n2022 2021 2020\nNet sales $ 2,340 $ 2,105 $ 1,988\nOperating income 281 295 240\nOther, net (312) (145) (98)"


@pytest.mark.parametrize(
    ("claim", "verdict", "reason"),
    [
        ("Revenue was $1.2 billion in 2022.", "supported", ""),
        ("In 2022, sales were $1,200 million.", "supported", ""),
        ("Revenue was $1.2 million in 2022.", "contradicted", "the source says $1.2 billion, the claim $1.2 million"),
        ("Revenue was €1.2 billion in 2022.", "contradicted", "another currency: the source says $1.2 billion"),
        ("Revenue was $1.4 billion in 2022.", "contradicted", "the source says $1.2 billion, the claim $1.4 billion"),
        ("Revenue was $1.0 billion in 2022.", "contradicted", "the source says $1.2 billion"),
        ("Revenue was $1.2 billion in 2019.", "contradicted", "the source says 2022, the claim 2019"),
        ("Bolt Industries acquired Acme Corp for $300 million in cash.", "contradicted", "the other way round"),
        ("Bolt Industries was bought by Acme Corp for $300 million.", "supported", ""),
        ("Acme bought Zeta Labs for $300 million in cash.", "contradicted", "the source speaks of Bolt Industries, the claim of Zeta Labs"),
        ("Margins rose 150 basis points.", "contradicted", "the source says “fell”, the claim “rose”"),
        ("Margins declined 1.5 percentage points.", "supported", ""),
        ("Margins fell 150%.", "contradicted", "another unit"),
        ("Margins did not fall 150 basis points.", "contradicted", "the claim denies “fall”"),
        ("The company recorded an impairment.", "contradicted", "the source denies “record”"),
        ("The company didn't record an impairment.", "supported", ""),
        ("The company opened 12 stores in 2023.", "unsupported", "the source says only “expects”"),
        ("The company plans to open twelve stores in 2023.", "supported", ""),
        ("The company also sold its aircraft and moved its offices.", "unsupported", "the sources do not say"),
        ("How much was revenue in 2022?", "unchecked", "states nothing"),
        ("Here is what I found:", "unchecked", "states nothing"),
        ("## Results", "unchecked", "states nothing"),
        ("", "unchecked", "states nothing"),
    ],
)  # fmt: skip
def test_verdict_and_reason_are_those_of_a_careful_reader(claim: str, verdict: str, reason: str) -> None:
    got = check(claim, [QUARTER])
    assert got.verdict == verdict, got
    assert reason in got.reason
    assert (got.score >= 0.5) == (verdict == "supported")


@pytest.mark.parametrize(
    ("claim", "verdict"),
    [
        ("Net sales were $2,340 million in 2022.", "supported"),
        ("Net sales were $2.34 billion in 2022.", "supported"),
        ("Net sales were $2,340 in 2022.", "contradicted"),
        ("Net sales $ 2,340 $ 2,105", "supported"),
        ("Net sales were $2,340 billion in 2022.", "contradicted"),
        ("Net sales were $2,340 million in 2021.", "contradicted"),
        ("Operating income was $295 million in 2021.", "supported"),
        ("Operating income fell from $295 million to $281 million in 2022.", "supported"),
        ("Operating income rose from $281 million to $295 million in 2022.", "contradicted"),
    ],
)
def test_cells_have_the_scale_and_the_year_of_their_table(claim: str, verdict: str) -> None:
    got = check(claim, [TABLE])
    assert got.verdict == verdict, got


@pytest.mark.parametrize(
    ("claim", "evidence", "text", "derivation"),
    [
        ("Revenue rose 20% in 2022.", QUARTER, "20%", "(1.2 - 1.0) / 1.0"),
        ("Revenue rose by $0.2 billion in 2022.", QUARTER, "$0.2 billion", "1.2 - 1.0"),
        ("Net sales grew 11.2% in 2022.", TABLE, "11.2%", "(2,340 - 2,105) / 2,105"),
        ("The share rose 4 percentage points.", "The share was 31% in May and 35% in June.", "4 percentage points", "35 - 31"),
        ("Together the two plants employ 500 people.", "The Ohio plant employs 300 people and the Iowa plant employs 200 people.", "500", "300 + 200"),
    ],
)  # fmt: skip
def test_a_figure_that_follows_is_traced_with_its_calculation(
    claim: str, evidence: str, text: str, derivation: str
) -> None:
    number = next(n for n in check(claim, [evidence]).numbers if n.text == text)
    assert (number.derivation, number.traced_to) == (derivation, ("S1",))


def test_a_wrong_calculation_is_not_accepted() -> None:
    got = check("Revenue rose 30% in 2022.", [QUARTER])
    assert got.verdict != "supported"
    assert [n.traced_to for n in got.numbers if n.text == "30%"] == [()]


@pytest.mark.parametrize(
    ("written", "value", "unit"),
    [
        ("$1,577 million", 1_577e6, "USD"),
        ("two hundred", 200.0, ""),
        ("forty-five percent", 45.0, "%"),
        ("a third of", 100 / 3, "%"),
        ("twice", 2.0, "x"),
        ("three million dollars", 3e6, "USD"),
        ("25 bps", 25.0, "bp"),
        ("mid-single digits", 5.245, "%"),
        ("FY22", 2022.0, "year"),
    ],
)
def test_numbers_are_read_in_every_notation(written: str, value: float, unit: str) -> None:
    text = f"The board spoke of {written} the plan for the region."
    numbers = check(text, [text]).numbers
    assert [(pytest.approx(n.value), n.unit, n.traced_to) for n in numbers] == [(value, unit, ("S1",))]


@pytest.mark.parametrize(
    ("claim", "evidence", "verdict"),
    [
        ("About $1.58 billion was spent on plants.", "The company spent $1,577 million on plants.", "supported"),
        ("The company spent $1,577 million on plants.", "The company spent $1.6 billion on plants.", "contradicted"),
        ("Growth was in the mid-single digits.", "Growth was 5%.", "supported"),
        ("The contract runs for one decade, or 24 months longer.", "The contract runs for a decade, or two years longer.", "supported"),
        ("The contract runs for 24 years.", "The contract runs for 24 months.", "contradicted"),
        ("The loss was $6 million.", "The loss was $(6) million.", "contradicted"),
        ("The agency cleared it on March 3, 2021.", "The agency cleared it on 3 March 2021.", "supported"),
        ("The agency cleared it on March 5, 2021.", "The agency cleared it on 3 March 2021.", "contradicted"),
        ("The unit returned -5%.", "The unit returned 5%.", "contradicted"),
        ("Half of the staff left.", "50% of the staff left.", "supported"),
    ],
)  # fmt: skip
def test_units_scales_signs_and_rounding(claim: str, evidence: str, verdict: str) -> None:
    got = check(claim, [evidence])
    assert got.verdict == verdict, got


def test_names_and_periods_may_stand_in_the_header_but_figures_may_not() -> None:
    evidence, header = "We repurchased 4 million shares this year.", "Acme Corp, 10-K, fiscal year 2022, 51 stores"
    claim = "Acme repurchased 4 million shares in 2022."
    assert check(claim, [evidence]).verdict == "unsupported"
    assert check(claim, [evidence], context=[header]).verdict == "supported"
    assert check("Acme repurchased 51 million shares in 2022.", [evidence], context=[header]).verdict != "supported"


def test_initials_and_short_forms_are_the_same_name() -> None:
    assert check("AMD raised its outlook.", ["Advanced Micro Devices raised its outlook."]).verdict == "supported"
    assert check("Acme raised its outlook.", ["Acme Corporation raised its outlook."]).verdict == "supported"
    assert check("John Brown raised the price.", ["John Smith raised the price."]).verdict != "supported"


def tool(value: float = 21.4, marker: str = "") -> ToolResult:
    metric = Metric(name="pe_ratio", subject="IWM", value=value, unit="x", as_of="2025-06-30", source="snapshot")
    return ToolResult(tool="valuation", arguments={"ticker": "IWM"}, marker=marker, metrics=(metric,))


def test_a_tool_result_is_evidence_with_its_marker() -> None:
    got = check("IWM trades at a PE ratio of 21.4x.", [], [tool(21.3871)])
    assert (got.verdict, got.numbers[0].traced_to) == ("supported", ("T1",))
    assert check("IWM trades at a PE ratio of 25.4x.", [], [tool(21.3871)]).verdict == "contradicted"


SPANS = {"S1": "Revenue rose 5% to $40 million.", "S2": "Costs fell 2%."}


class TestMarkers:
    def test_only_what_is_cited_counts(self) -> None:
        assert check_cited("Revenue rose 5% to $40 million. [S1]", SPANS).verdict == "supported"
        assert check_cited("Revenue rose 5% to $40 million. [S2]", SPANS).verdict != "supported"

    def test_text_and_place_leave_the_markers_out(self) -> None:
        text = "  Revenue rose 5% [S1] and costs fell 2%. [S2][T1]"
        got = check_cited(text, SPANS, {"T1": tool()})
        assert got.markers == ("S1", "S2", "T1")
        assert got.text == text[got.start : got.end] == "Revenue rose 5% [S1] and costs fell 2%."
        assert [n.traced_to for n in got.numbers] == [("S1",), ("S2",)]

    def test_a_full_stop_behind_the_markers_changes_nothing(self) -> None:
        got = check_cited("Costs fell 2% [S2].", SPANS)
        assert (got.verdict, got.text) == ("supported", "Costs fell 2%")

    def test_a_marker_that_does_not_exist_is_told(self) -> None:
        got = check_cited("Revenue rose 5% to $40 million. [S1][S9]", SPANS)
        assert (got.verdict, got.markers) == ("supported", ("S1",))
        assert "S9 is no source" in got.reason
        alone = check_cited("Revenue rose 5% to $40 million. [S9]", SPANS)
        assert (alone.verdict, alone.score, alone.markers) == ("unsupported", 0.0, ())

    def test_a_claim_without_a_marker_is_unsupported_but_a_heading_is_unchecked(self) -> None:
        assert check_cited("Revenue rose 5% to $40 million.", SPANS).reason == "cites no source"
        assert check_cited("Here is what I found:", SPANS).verdict == "unchecked"

    def test_tools_and_their_context(self) -> None:
        got = check_cited("IWM has a PE ratio of 21.4x. [T1]", {}, {"T1": tool(marker="T1")})
        assert (got.verdict, got.numbers[0].traced_to) == ("supported", ("T1",))
        got = check_cited("Acme’s costs fell 2%. [S2]", SPANS, context={"S2": ["Acme Inc. annual report"]})
        assert got.verdict == "supported"


@pytest.mark.parametrize(
    ("claim", "evidence", "verdict", "reason"),
    [
        # Names and dates alone support nothing.
        ("Gull Marine is bankrupt.", "Gull Marine delivered 14 ferries in 2023.", "unsupported", "do not say “bankrupt”"),
        ("Gull Marine bought Acme.", "Gull Marine delivered 14 ferries to Acme in 2023.", "unsupported", "do not say “bought”"),
        ("Gull Marine delivered ferries in 2023.", "Gull Marine delivered 14 ferries in 2023.", "supported", ""),
        # Years by what they are bound to, not by their order.
        ("Revenue of Harbor rose by $24 million from 2022 to 2023.", "Revenue of Harbor rose to $184 million in 2023 from $160 million in 2022.", "supported", ""),
        ("Revenue of Harbor rose from $160 million in 2022 to $184 million in 2023.", "Revenue of Harbor rose to $184 million in 2023 from $160 million in 2022.", "supported", ""),
        ("Revenue of Harbor rose by $24 million from 2023 to 2022.", "Revenue of Harbor rose to $184 million in 2023 from $160 million in 2022.", "contradicted", "“2023” and “2022” stand the other way round"),
        ("Revenue of Harbor rose to $184 million in 2022 from $160 million in 2023.", "Revenue of Harbor rose to $184 million in 2023 from $160 million in 2022.", "contradicted", "the other way round"),
        ("Harbor sold plants between 2021 and 2023.", "Harbor sold plants in 2023 and 2021.", "supported", ""),
        ("Harbor sold the Ohio plant in 2023 and bought a mine in 2021.", "Harbor sold the Ohio plant in 2021 and bought a mine in 2023.", "contradicted", "the other way round"),
        # A thing of another place in the stead of the sentence's own; a word that the source does not use may be a synonym.
        ("The fund cut its holdings of banks in the second half of the year.", "The fund cut its holdings of railways in the second half of the year. It kept its banks.", "unsupported", "says this of “railways”, the claim of “banks”"),
        ("The fund cut its holdings of railroads in the second half of the year.", "The fund cut its holdings of railways in the second half of the year. It kept its banks.", "supported", ""),
        # Found unchanged.
        ("The drug reduced blood pressure in older patients.", "Older patients slept longer on the drug. It had no effect on their blood pressure.", "contradicted", "“no effect” of it"),
        ("The drug did not reduce blood pressure.", "Older patients slept longer on the drug. It had no effect on their blood pressure.", "supported", ""),
        # "We" of a filing, and who only says where something stands.
        ("According to the filing, the company leases most of its stores.", "We lease most of our stores.", "supported", ""),
        ("It was noted that the company leases most of its stores.", "We lease most of our stores.", "supported", ""),
        # Denied by another word.
        ("Photographs are allowed in the halls, but not in the special exhibitions.", "Photographs are allowed in the halls and forbidden in the special exhibitions.", "supported", ""),
    ],
)  # fmt: skip
def test_what_is_said_of_a_thing_must_be_found(claim: str, evidence: str, verdict: str, reason: str) -> None:
    got = check(claim, [evidence])
    assert got.verdict == verdict, got
    assert reason in got.reason


def test_a_derived_difference_is_shown_between_years_told_in_either_order() -> None:
    got = check(
        "Revenue of Harbor rose by $24 million from 2022 to 2023.",
        ["Revenue of Harbor rose to $184 million in 2023 from $160 million in 2022."],
    )
    assert [(n.text, n.derivation) for n in got.numbers if n.derivation] == [("$24 million", "184 - 160")]


def test_hand_written_pairs_are_judged_as_labelled() -> None:
    """Shares, not single pairs: a rule that helps one may cost another. The held halves were not looked at while the rules were made."""
    right: Counter[tuple[str, str]] = Counter()
    total: Counter[tuple[str, str]] = Counter()
    for line in (ROOT / "tests" / "grounding_pairs.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        file = row.get("evidence_file")
        evidence = [(ROOT / "knowledge" / file).read_text(encoding="utf-8")] if file else row["evidence"]
        got = check(row["claim"], evidence)
        key = (row["set"], row["half"])
        total[key] += 1
        right[key] += (got.verdict == "supported") == (row["label"] == "supported")
    assert total == {("first", "tuned"): 91, ("first", "held"): 61, ("second", "tuned"): 61, ("second", "held"): 70}
    share = {key: right[key] / total[key] for key in total}
    assert share["first", "tuned"] >= 0.88, share
    assert share["first", "held"] >= 0.85, share
    assert share["second", "tuned"] >= 0.80, share
    assert share["second", "held"] >= 0.64, share


# --- what must hold for any text --------------------------------------------------------------------------------------

_WORDS = st.sampled_from(
    [*["Revenue", "sales", "rose", "fell", "not", "no", "in", "2021", "2022", "$5", "million", "billion", "12%", "Acme", "Bolt", "acquired", "by", "the", "of", "a", "more", "less", "(473)", "Q3"],
     *["FY22", "twice", ",", ".", ";", "?", "—", "“", "”", "per", "may", "[S1]", "|", "-", "£", "½", "ž", "文", "third", "dozen", "hundred"], "\n", "\t"]
)  # fmt: skip
_TEXT = st.one_of(st.text(max_size=200), st.lists(_WORDS, max_size=40).map(" ".join))


@settings(deadline=None)
@given(_TEXT, st.lists(_TEXT, max_size=3))
def test_any_texts_are_judged(claim: str, evidence: list[str]) -> None:
    got = check(claim, evidence)
    assert 0 <= got.score <= 1
    assert got.text == claim[got.start : got.end]
    assert all(n.text in claim for n in got.numbers)
    assert (got.verdict == "supported") == (got.score >= 0.5)
    cited = check_cited(claim, {"S1": "".join(evidence)})
    assert cited.text == claim[cited.start : cited.end]
    assert set(cited.markers) <= {"S1"}


@settings(deadline=None)
@given(_TEXT, st.lists(_TEXT, min_size=2, max_size=4), st.randoms(use_true_random=False))
def test_the_order_of_evidence_does_not_matter(claim: str, evidence: list[str], random: object) -> None:
    def told(got: Claim) -> tuple[object, ...]:
        return (
            got.verdict,
            got.score,
            got.reason,
            tuple((n.text, n.value, n.derivation, bool(n.traced_to)) for n in got.numbers),
        )

    assert told(check(claim, evidence)) == told(check(claim, evidence[::-1]))


_SENTENCES = [
    "Revenue was $1.2 billion in 2022, compared with $1.0 billion in 2021.",
    "The company did not record an impairment, and it may not need to.",
    "Are rates too high?",
    "Net sales $ 2,340 $ 2,105 $ 1,988",
    "Of the 14 schools, all but three improved (two fell back in May).",
    "Acme, not Bolt, was acquired by Cord Inc. for £3.5bn on 3 March 2021.",
]


@given(st.sampled_from(_SENTENCES), st.lists(st.sampled_from(_SENTENCES), max_size=5), st.integers(0, 5))
def test_a_sentence_verbatim_in_its_evidence_is_supported(sentence: str, others: list[str], at: int) -> None:
    parts = [*others[:at], sentence, *others[at:]]
    for evidence in (
        [" ".join(p if p[-1] in ".?" else f"\n{p}\n" for p in parts)],
        ["\n".join(parts)],
        parts,
        [sentence.replace(" ", "\n")],
    ):
        got = check(sentence, evidence)
        assert (got.verdict, got.score) == ("supported", 1.0)


@pytest.mark.parametrize(
    "evidence",
    ["a " * 50_000, "1 " * 50_000, "May 1 2020 " * 9_000, "not " * 25_000, "(" * 100_000, "$1.5 million " * 8_000, "Acme Bolt " * 10_000, "two hundred and " * 6_000, "1,2" * 33_000, "\n" * 100_000, "x" * 100_000, "from 5% to 6%, " * 6_000],
)  # fmt: skip
def test_hostile_evidence_of_100_kb_is_read_in_linear_time(evidence: str) -> None:
    """Not a benchmark: the limit is far above what linear work takes and far below what quadratic work would."""
    began = time.process_time()
    got = check("Acme did not raise revenue from 5% to 6% in 2021.", [evidence])
    assert got.verdict != "supported"
    assert check(evidence, ["Acme did not raise revenue."]).verdict in {"unsupported", "unchecked"}
    assert time.process_time() - began < 60
