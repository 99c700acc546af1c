"""The tone of calls: hand-worked counts in sentences of our own, what is left out, groups, quarters, and the tool."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from statistics import fmean, stdev
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.models import ToolResult
from assistant.tools.base import Context
from assistant.tools.call_sentiment import TOOL
from assistant.tools.providers.protocols import Providers
from assistant.tools.sentiment import (
    Lexicon,
    count,
    loughran_mcdonald,
    operators,
    own_name,
    parse,
    shipped,
    tone,
    turns,
)
from assistant.tools.sentiment_groups import Call, agreement, compare, level, quarter_of, when
from assistant.tools.snapshots import Snapshots
from vectorstore.errors import SettingsError
from vectorstore.records import Document, Filters, Kind, Metadata, Region, SourceInfo, sha256
from vectorstore.settings import Settings

SMALL = parse(
    """
    [settings]
    window = 3
    [positive]
    strong grow*
    [negative]
    weak loss*
    [negators]
    not no never
    [breaks]
    but
    [neutral]
    strong tea
    [boilerplate]
    forward looking statements
    [operator]
    press star
    next question
    ! your operator
    """,
    "test",
)


@pytest.mark.parametrize(
    ("text", "positive", "negative", "words"),
    [
        ("Demand was strong.", 1, 0, 3),
        ("Weak demand brought losses.", 0, 2, 4),
        ("Growing sales, growth everywhere", 2, 0, 4),
        ("Demand was not strong.", 0, 1, 4),  # a negated positive word is negative
        ("We saw no losses.", 0, 0, 4),  # a negated negative one is not counted
        ("Not one of many was strong.", 1, 0, 6),  # five words on
        ("Not one of strong ones.", 0, 1, 5),  # three words on
        ("No, demand was strong.", 1, 0, 4),  # the window ends at the comma
        ("Never but strong.", 1, 0, 3),  # … and at "but"
        ("We drink strong tea.", 0, 0, 4),
        ("Strong-willed", 1, 0, 2),
        ("", 0, 0, 0),
        ("2020: 15% — 3.", 0, 0, 0),
    ],
)
def test_words_are_counted_by_the_rules(text: str, positive: int, negative: int, words: int) -> None:
    assert count(text, SMALL) == (positive, negative, words)


def test_a_company_s_own_name_is_no_praise() -> None:
    names = own_name("Strong Tools, Inc.")
    assert count("At Strong Tools we see weak orders.", SMALL, names) == (0, 1, 7)
    assert count("We have strong tools here.", SMALL, names) == (1, 0, 5)
    assert own_name(None) == own_name("42 - 7") == ()
    assert count("We have strong tools here.", SMALL, own_name("42 - 7")) == (1, 0, 5)


def document(
    text: str, *, name: str = "a", company: str | None = None, kind: Kind = "transcript", **known: Any
) -> Document:
    return Document(
        sha256(name.encode())[:24], sha256(text.encode()), f"{name}.txt", "default", text,
        Metadata(title=name, company=company, kind=kind, **known),
    )  # fmt: skip


CALL = """Acme Corp earnings call
Fiscal quarter: Q3 2020

Speaker 0: Good day. I am your operator. Sales are strong.

Speaker 1: Thank you. Our remarks hold forward-looking statements and strong words. Demand was strong this quarter.

Speaker 0: The next question is from Ann.

Speaker 2: Was it a weak month?

Speaker 1: It was not weak. We never had a loss.
"""


def test_the_operator_boilerplate_and_head_are_left_out() -> None:
    found = tone(document(CALL), SMALL)
    assert [CALL[s.start : s.end] for s in found.sentences] == [
        "Thank you.",
        "Demand was strong this quarter.",
        "Was it a weak month?",
        "It was not weak.",
        "We never had a loss.",
    ]
    assert (found.positive, found.negative, found.words) == (1, 1, 2 + 5 + 5 + 4 + 5)
    assert found.score == 0
    assert found.left_out == {"before the call": 2, "operator": 4, "boilerplate": 1}


def test_page_furniture_is_left_out() -> None:
    text = "Demand was strong.\n\nThis mail is not weak advice.\n"
    start = text.index("This")
    marked = replace(document(text), regions=(Region(start, len(text), "disclaimer"),))
    found = tone(marked, SMALL)
    assert (found.positive, found.negative, found.words) == (1, 0, 3)
    assert found.left_out == {"furniture": 1}


def test_without_speakers_operator_sentences_are_left_out_one_by_one() -> None:
    found = tone(document("Press star for strong help. Orders are weak."), SMALL)
    assert (found.positive, found.negative) == (0, 1)


def test_a_text_without_a_word_has_no_score() -> None:
    assert tone(document("1 2 3"), SMALL).score is None


def test_who_conducts_a_call() -> None:
    text = "Operator: Welcome.\nJane Doe: Press star for growth. That was strong.\nJane Doe: Thanks.\nJane Doe: Bye.\n"
    said = turns(text)
    assert [name for _, _, name in said] == ["Operator", "Jane Doe", "Jane Doe", "Jane Doe"]
    assert operators(text, said, SMALL) == {"Operator"}
    asking = "Speaker 0: Hello.\nSpeaker 3: The next question?\nSpeaker 3: Next question.\nSpeaker 3: Next question.\n"
    assert operators(asking, turns(asking), SMALL) == {"Speaker 3"}
    host = "Speaker 1: Hello.\nSpeaker 2: We hear the next question now.\n"
    assert operators(host, turns(host), SMALL) == frozenset()


def test_the_strongest_sentences_are_verbatim_and_lean_to_their_side() -> None:
    text = (
        "Strong sales and strong growth in every region. Strong orders came in this week again. "
        "Weak sales and losses in every single region. Too strong. Nothing happened here all day long."
    )
    found = tone(document(text), SMALL)
    assert [text[s.start : s.end] for s in found.strongest(1)] == [
        "Strong sales and strong growth in every region.",
        "Strong orders came in this week again.",
    ]
    assert [text[s.start : s.end] for s in found.strongest(-1)] == ["Weak sales and losses in every single region."]
    assert len(found.strongest(1, 1)) == 1


@given(st.text(max_size=300))
def test_any_text_is_counted(text: str) -> None:
    positive, negative, words = count(text, shipped())
    assert 0 <= positive + negative <= words
    found = tone(document(text), shipped())
    assert all(0 <= s.start < s.end <= len(text) for s in found.sentences)


# the lists


def test_the_shipped_list_is_consistent() -> None:
    own = shipped()
    assert not own.positive & own.negative
    assert not own.negators & (own.positive | (own.negative - {"lack", "lacking", "lacks"}))
    both = [p for p in own.positive_stems for n in own.negative_stems if p.startswith(n) or n.startswith(p)]
    assert both == []
    assert own.window == 3
    assert min(map(len, (own.positive, own.negative, own.neutral, own.boilerplate, own.operator))) > 20
    assert own.sign("profitable") == 1
    assert own.sign("unprofitable") == -1
    assert own.sign("revenue") == 0


def test_the_shipped_list_on_sentences_of_a_call() -> None:
    own = shipped()
    assert count("We are pleased with record margins despite a difficult market.", own) == (2, 1, 10)
    assert count("Good morning, and thank you for the great question.", own) == (0, 0, 9)
    assert count("Without any improvement, results would disappoint.", own) == (0, 2, 6)


def test_a_fault_in_a_list_names_its_line() -> None:
    with pytest.raises(SettingsError, match="line 2"):
        parse("[positive]\n[odd] words", "mine")
    with pytest.raises(SettingsError, match="line 1"):
        parse("strong", "mine")


def test_the_user_s_dictionary(tmp_path: Path) -> None:
    path = tmp_path / "lm.csv"
    path.write_text(
        "Word,Seq,Negative,Positive\nGAINFUL,1,0,2009\nDIRE,2,2011,0\nMILD,3,-2020,0\nODD\n", encoding="utf-8"
    )
    theirs = loughran_mcdonald(path)
    assert (theirs.positive, theirs.negative) == ({"gainful"}, {"dire"})
    assert theirs.sign("mild") == 0
    assert theirs.boilerplate == shipped().boilerplate
    path.write_text("Word,Score\nGAIN,1\n", encoding="utf-8")
    with pytest.raises(SettingsError, match="columns"):
        loughran_mcdonald(path)
    path.write_text("Word,Negative,Positive\nGAIN,0,0\n", encoding="utf-8")
    with pytest.raises(SettingsError, match="no positive"):
        loughran_mcdonald(path)
    with pytest.raises(SettingsError, match="cannot be read"):
        loughran_mcdonald(tmp_path / "none.csv")


# groups


def test_a_call_belongs_to_the_quarter_of_its_day_never_of_its_label() -> None:
    assert quarter_of("2020-11-04") == "2020Q4"
    assert when(Metadata(fiscal_period="Q3 2020", published="2020-02-28")) == ("2020Q1", "2020-02-28")
    # 45 days after a period that ended on 26 September is November.
    assert when(Metadata(fiscal_period="Q3 2020", period_end="2020-09-26")) == ("2020Q4", "2020-09-26")
    assert when(Metadata(fiscal_period="Q3 2020")) == (None, None)


def calls(size: str, *scores: float, quarter: str | None = None) -> list[Call]:
    return [Call(f"{size}{quarter}{i}", f"C{i}", size, s, quarter) for i, s in enumerate(scores)]


def test_a_level_has_the_mean_and_an_interval_that_repeats() -> None:
    found = level(calls("small", 0.01, 0.03, 0.02, 0.04))
    assert found is not None
    assert found.mean == pytest.approx(0.025)
    assert found.interval is not None
    assert 0.01 <= found.interval[0] < 0.025 < found.interval[1] <= 0.04
    assert level(calls("small", 0.01, 0.03, 0.02, 0.04)) == found
    assert level([]) is None
    alone = level(calls("small", 0.01))
    assert alone is not None
    assert alone.interval is None


def test_the_difference_without_dates_is_a_level_only() -> None:
    found = compare(calls("small", 0.01, 0.03), calls("large", 0.04, 0.02, 0.03))
    assert found is not None
    assert found.difference == pytest.approx(-0.01)
    assert (found.z, found.quarter, found.history) == (None, None, {})
    assert (found.reason or "").startswith("level only")
    assert found.interval is not None
    assert found.interval[0] <= found.difference <= found.interval[1]
    assert compare([], calls("large", 0.1)) is None


def quarters(n: int) -> tuple[list[Call], list[Call], list[float]]:
    gaps = [0.001 * k * (-1) ** k for k in range(1, n + 1)]
    first: list[Call] = []
    second: list[Call] = []
    for k, gap in enumerate(gaps):
        name = f"{2020 + k // 4}Q{k % 4 + 1}"
        first += calls("small", 0.01 + gap, 0.03 + gap, quarter=name)
        second += calls("large", 0.02, quarter=name)
    return first, second, gaps


def test_a_z_score_needs_eight_quarters() -> None:
    first, second, _ = quarters(7)
    found = compare(first, second)
    assert found is not None
    assert found.z is None
    assert "7 of the 8" in (found.reason or "")
    first, second, gaps = quarters(8)
    found = compare(first, second)
    assert found is not None
    assert found.quarter == "2021Q4"
    assert found.difference == pytest.approx(0.008)
    assert found.z == pytest.approx((gaps[-1] - fmean(gaps)) / stdev(gaps))
    assert list(found.history.values()) == pytest.approx(gaps)
    # An earlier quarter is measured against what was known by then.
    earlier = compare(first, second, quarter="2021Q3")
    assert earlier is not None
    assert earlier.z is None


def test_a_quarter_of_one_group_only_is_no_comparison() -> None:
    first = [*calls("small", 0.1, quarter="2021Q1"), *calls("small", 0.9, quarter="2021Q2")]
    found = compare(first, calls("large", 0.3, quarter="2021Q1"))
    assert found is not None
    assert found.quarter == "2021Q1"
    assert found.difference == pytest.approx(-0.2)
    assert found.interval is None
    assert compare(first, calls("large", 0.3, quarter="2021Q1"), quarter="2021Q2") is None


def test_a_difference_that_never_changes_has_no_z_score() -> None:
    names = [f"{2020 + k // 4}Q{k % 4 + 1}" for k in range(8)]
    found = compare(
        [c for q in names for c in calls("small", 0.5, quarter=q)],
        [c for q in names for c in calls("large", 0.25, quarter=q)],
    )
    assert found is not None
    assert (found.z, found.reason) == (None, "level only: the difference has never changed")


def test_agreement_of_two_lists() -> None:
    found = agreement([1, 2, 3], [2, 4, 6])
    assert found is not None
    assert (found.correlation, found.same_sign, found.n) == (pytest.approx(1), 1, 3)
    found = agreement([1, -1, 0, 2], [-1, -1, 0, 1])
    assert found is not None
    assert found.same_sign == 0.75
    assert found.correlation == pytest.approx(2.5 / math.sqrt(5 * 2.75))
    flat = agreement([1, 1, 1], [1, 2, 3])
    assert flat is not None
    assert flat.correlation is None
    assert agreement([1, 2], [1, 2]) is None
    with pytest.raises(ValueError):
        agreement([1], [1, 2])


# the tool


class Base:
    """Documents as the store gives them."""

    def __init__(self, *held: Document) -> None:
        self.held = held

    def sources(self, filters: Filters | None = None) -> list[SourceInfo]:
        wanted = filters or Filters()
        return [
            SourceInfo(d.document_id, d.version, d.path, "default", d.metadata, "text/plain", "ready", 1, 1, 1, "2025")
            for d in self.held
            if (not wanted.kind or d.metadata.kind in wanted.kind)
            and (not wanted.as_of or (d.metadata.published or "9999") <= wanted.as_of)
        ]

    def document(self, document_id: str, version: str | None = None) -> Document:
        return next(d for d in self.held if d.document_id == document_id)

    def chunks(self, document_id: str) -> list[Any]:
        return []


def call(
    company: str,
    text: str,
    *,
    size: str = "",
    published: str | None = None,
    kind: Kind = "transcript",
    ticker: str | None = None,
) -> Document:
    extra: Mapping[str, str] = MappingProxyType({"size": size} if size else {})
    return document(
        text,
        name=f"{company}{published}{kind}",
        company=company,
        kind=kind,
        extra=extra,
        published=published,
        ticker=ticker,
    )


def run(
    tmp_path: Path, *held: Document, settings: Settings | None = None, as_of: date | None = None, **arguments: Any
) -> ToolResult:
    context = Context(settings or Settings(), Providers(), Snapshots(tmp_path), date(2025, 6, 30), as_of, Base(*held))
    return TOOL.run(TOOL.arguments(**arguments), context)


UP = "Orders were strong and margins were solid across the whole region."  # 2 of 11 words
DOWN = "Orders were weak and margins were poor across the whole region."
FLAT = "Orders were as before and margins were as usual in the region."  # 12 words


def values(result: ToolResult, name: str) -> dict[str, float | None]:
    return {m.subject: m.value for m in result.metrics if m.name == name}


def test_levels_by_group_and_their_difference(tmp_path: Path) -> None:
    held = [
        call("Ant", DOWN, size="small"),
        call("Bee", FLAT, size="small"),
        call("Cow", UP, size="large"),
        call("Dog", FLAT, size="large"),
    ]
    result = run(tmp_path, *held)
    assert result.status == "ok"
    assert values(result, "call_sentiment") == {
        "small caps": pytest.approx(-100 / 11),
        "large caps": pytest.approx(100 / 11),
    }
    assert values(result, "call_sentiment_difference") == {"small caps against large caps": pytest.approx(-200 / 11)}
    small = next(m for m in result.metrics if m.subject == "small caps")
    assert small.n == 2
    assert small.inputs[0]["name"] == "interval95"
    assert {row["company"] for row in small.inputs[1:]} == {"Ant", "Bee"}
    assert any("Level only" in w for w in result.warnings)
    assert any("4 of 4 documents" in w for w in result.warnings)


def test_the_sentences_shown_are_in_their_documents(tmp_path: Path) -> None:
    held = {
        d.document_id: d
        for d in (call("Ant", f"{DOWN} {FLAT}", size="small"), call("Cow", f"{UP} {FLAT}", size="large"))
    }
    result = run(tmp_path, *held.values())
    shown = {m.name: m.inputs for m in result.metrics if "sentences" in m.name}
    for rows in shown.values():
        for row in rows:
            assert held[row["document_id"]].text[row["start"] : row["end"]] == row["quote"]
    assert [r["quote"] for r in shown["most_positive_sentences"]] == [UP]
    assert [r["quote"] for r in shown["most_negative_sentences"]] == [DOWN]


def test_calls_of_the_newest_quarter_that_has_both(tmp_path: Path) -> None:
    held = [
        call("Ant", DOWN, size="small", published="2020-02-20"),
        call("Cow", UP, size="large", published="2020-03-01"),
        call("Ant", UP, size="small", published="2020-05-20"),
        call("Cow", UP, size="large", published="2020-06-20"),
        call("Ant", DOWN, size="small", published="2020-08-01"),
    ]
    result = run(tmp_path, *held)
    difference = next(m for m in result.metrics if m.name == "call_sentiment_difference")
    assert (difference.value, difference.period, difference.as_of) == (0, "2020Q2", "2020-06-20")
    assert any("2 of the 8 quarters" in w for w in result.warnings)
    earlier = run(tmp_path, *held, quarter="2020Q1")
    assert values(earlier, "call_sentiment_difference") == {"small caps against large caps": pytest.approx(-400 / 11)}
    known = run(tmp_path, *held, as_of=date(2020, 3, 31))
    assert next(m for m in known.metrics if m.name == "call_sentiment_difference").period == "2020Q1"
    assert "2020-05-20" not in known.model_dump_json()


def test_transcripts_and_releases_are_never_mixed_and_a_text_counts_once(tmp_path: Path) -> None:
    held = [
        call("Ant", UP),
        call("Ant", DOWN, kind="release"),
        replace(call("Ant", UP), document_id="copy", path="copy.txt"),
    ]
    result = run(tmp_path, *held)
    assert values(result, "call_sentiment") == {"all companies in the base": pytest.approx(200 / 11)}
    assert result.arguments["kind"] == "transcript"
    releases = run(tmp_path, *held, kind="release")
    assert values(releases, "call_sentiment") == {
        "all companies in the base, earnings releases": pytest.approx(-200 / 11)
    }
    assert any("--meta size=small" in w for w in result.warnings)


def test_one_company_by_name_or_ticker(tmp_path: Path) -> None:
    held = [call("Ant Farms, Inc.", UP, size="small", ticker="ANTF"), call("Cow Corp", DOWN, size="large")]
    for asked in ("ANTF", "Ant Farms", "ant farms inc"):
        result = run(tmp_path, *held, ticker=asked)
        assert values(result, "call_sentiment") == {"Ant Farms, Inc.": pytest.approx(200 / 11)}
    assert run(tmp_path, *held, ticker="Elk").status == "no_data"


def test_an_empty_base_and_a_quarter_that_is_not_there(tmp_path: Path) -> None:
    for result in (run(tmp_path), run(tmp_path, call("Ant", UP), quarter="2021Q1")):
        assert result.status == "no_data"
        assert result.error is not None
        assert "thesis ingest" in result.error.what_to_do


def test_the_agreement_with_the_user_s_dictionary(tmp_path: Path) -> None:
    path = tmp_path / "lm.csv"
    path.write_text("Word,Negative,Positive\nSTRONG,0,2009\nWEAK,2009,0\n", encoding="utf-8")
    held = [call("Ant", UP), call("Bee", DOWN), call("Cow", FLAT)]
    result = run(tmp_path, *held, settings=Settings(sentiment_lexicon=str(path)))
    subject = "own lexicon and Loughran–McDonald"
    assert values(result, "lexicon_correlation") == {subject: pytest.approx(1)}
    assert values(result, "lexicon_sign_agreement") == {subject: 100}


def test_a_z_score_over_eight_quarters(tmp_path: Path) -> None:
    days = [f"{2020 + k // 4}-{3 * (k % 4) + 2:02d}-10" for k in range(8)]
    tones: Sequence[str] = [UP, FLAT, UP, FLAT, UP, FLAT, UP, DOWN]
    held = [call("Ant", t, size="small", published=d) for d, t in zip(days, tones, strict=True)]
    held += [call("Cow", FLAT, size="large", published=d) for d in days]
    result = run(tmp_path, *held)
    gaps = [{UP: 2 / 11, FLAT: 0, DOWN: -2 / 11}[t] for t in tones]
    z = values(result, "call_sentiment_z")
    assert z == {"small caps against large caps": pytest.approx((gaps[-1] - fmean(gaps)) / stdev(gaps))}
    assert not any("level only" in w.lower() for w in result.warnings)


def test_the_lexicon_is_a_value() -> None:
    assert isinstance(hash(SMALL), int)
    assert replace(SMALL, window=1) != SMALL
    assert count("Not very strong.", replace(SMALL, window=1)) == (1, 0, 3)
    assert Lexicon("none", frozenset(), frozenset()).sign("strong") == 0


@pytest.mark.corpus
def test_real_calls_lose_their_operator_and_keep_their_words() -> None:
    folder = os.environ.get("THESIS_CORPUS")
    if not folder:
        pytest.skip("THESIS_CORPUS is not set")
    conducted = 0
    paths = sorted((Path(folder) / "calls").glob("*.txt"))
    assert paths
    for path in paths:
        read = document(path.read_text(encoding="utf-8"), name=path.name)
        found = tone(read, shipped())
        assert found.words > 0.8 * len(read.text.split())
        assert found.score is not None
        assert -0.05 < found.score < 0.05
        conducted += "operator" in found.left_out
    assert conducted >= 0.9 * len(paths)
