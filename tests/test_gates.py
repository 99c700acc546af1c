"""Compliance gates: restricted names however they are written, a note on advice, a last line; nothing slips through a stream."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from record_samples import ANNA, Stub, answer, kinds, open_records, service, texts

from assistant.gates import Gates, asks_for_advice, read
from assistant.models import Metric, ToolResult
from assistant.records import audit
from assistant.records.replay import canonical_answer
from assistant.restricted import Names
from assistant.service.ports import Refused
from vectorstore.errors import Forbidden, SettingsError
from vectorstore.settings import Settings

FILE = """
disclaimer = "For information only."

[advice]
note = "This is no investment advice."
phrases = ["what would the house do"]

[[restricted]]
name = "Harbor Tools Inc."
aliases = ["Old Harbor Hardware", "O'Neil & Söhne"]
tickers = ["HRBR"]
reason = "Harbor Tools is restricted until June."

[[restricted]]
name = "Cedar Ridge Corporation"

[[restricted]]
name = "Elm Street Partners"
action = "note"
reason = "Elm Street is on the watch list."
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "gates.toml"
    found.write_text(FILE, encoding="utf-8")
    return found


@pytest.fixture
def gates(path: Path) -> Gates:
    found = Gates.load(Settings(gates_file=str(path)))
    assert found is not None
    return found


def names(*given: str, tickers: tuple[str, ...] = ()) -> Names:
    found = Names()
    for name in given:
        assert found.add(name, name)
    for ticker in tickers:
        assert found.add(ticker, ticker, ticker=True)
    return found


# names


@pytest.mark.parametrize(
    "text",
    [
        "Harbor Tools", "harbor tools", "HARBOR TOOLS INC", "Harbor Tools, Inc.", "harbortools", "HarborTools", "Harbor-Tools", "harbor_tools",
        "Harbor  \n Tools", "Harbor Tools's margin", "Harbor Tools’ margin", "(Harbor Tools)", "*Harbor* *Tools*", "Härbor Töols", "Har\u200bbor Tools",
        "Har\u00adbor Tools", "Har-\nbor Tools", "Ｈａｒｂｏｒ Ｔｏｏｌｓ", "𝐇𝐚𝐫𝐛𝐨𝐫 𝐓𝐨𝐨𝐥𝐬", "Hаrbоr Tооls", "H a r b o r  T o o l s", "H.a.r.b.o.r T-o-o-l-s", "harbor/tools?",
        "Hρrbor Tools".replace("ρ", "α"),
    ],
)  # fmt: skip
def test_a_name_is_found_however_it_is_written(text: str) -> None:
    assert names("Harbor Tools Inc.").labels(f"What of {text}, please?") == ("Harbor Tools Inc.",)


@pytest.mark.parametrize(
    "text",
    [
        "Harbor Toolsmith",
        "Sharbor Tools",
        "the harbor and its tools",
        "tools harbor",
        "Harbor",
        "harb ortools",
        "har bor tools",
    ],
)
def test_other_words_are_no_name(text: str) -> None:
    assert names("Harbor Tools Inc.").labels(text) == ()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("HRBR?", ("HRBR",)), ("hrbr", ("HRBR",)), ("$hrbr", ("HRBR",)), ("H.R.B.R", ("HRBR",)), ("HRBRX", ()),
        ("IT spending", ("IT",)), ("is it cheap", ()), ("$it", ("IT",)), ("the COST of capital", ("COST",)), ("the cost of capital", ()),
        ("buy F now", ()), ("$F", ("F",)), ("NYSE: F", ("F",)), ("Ford (F)", ("F",)), ("don't", ()), ("BRK.B", ("BRK.B",)), ("brk-b", ("BRK.B",)),
        ("AT&T", ()), ("$T", ("T",)),
    ],
)  # fmt: skip
def test_a_ticker_that_is_a_word_counts_as_written_as_one(text: str, found: tuple[str, ...]) -> None:
    assert names(tickers=("HRBR", "IT", "COST", "F", "BRK.B", "T")).labels(text) == found


def test_names_that_are_everyday_words_need_a_capital() -> None:
    found = names("Target Corp", "Ford", "AT&T", "The Gap, Inc.", "3M", "北京控股")
    assert found.labels("the price target of a gap") == ()
    assert found.labels("Target and Gap") == ("Target Corp", "The Gap, Inc.")
    assert found.labels("For D. Smith") == ()
    assert found.labels("ford, at & t, 3m and 北京控股") == ("Ford", "AT&T", "3M", "北京控股")


WORD = st.from_regex(r"[a-z]{3,8}", fullmatch=True)


@given(
    st.lists(WORD, min_size=1, max_size=4),
    st.lists(st.sampled_from([" ", "-", "  ", "\n", "/", ""]), min_size=3, max_size=3),
    st.data(),
)
def test_any_name_is_found_in_any_writing(words: list[str], gaps: list[str], data: st.DataObject) -> None:
    name = " ".join(w.capitalize() for w in words)
    text = words[0].upper() if data.draw(st.booleans()) else words[0].capitalize()
    for gap, word in zip(gaps, words[1:], strict=False):
        text += gap + (word.upper() if data.draw(st.booleans()) else word)
    assert names(name).labels(f"About {text}.") == (name,)


@given(st.text(max_size=200))
def test_no_text_is_too_odd_to_be_looked_at(text: str) -> None:
    names("Harbor Tools").labels(text)
    asks_for_advice(text)


def test_a_name_is_found_among_thousands_at_the_end_of_a_long_text() -> None:
    found = Names()
    for n in range(20_000):
        found.add(f"Company {n} Holdings of the {n % 97} Coast", str(n))
    text = "a " * 50_000 + "company 19999 holdings of the 17 coast"  # 19999 % 97 == 17
    assert found.labels(text) == ("19999",)


# advice


@pytest.mark.parametrize(
    "text",
    [
        "Should I buy small caps?", "should we  SELL", "Is Harbor Tools a good buy?", "Is HRBR a buy?", "Is it a good time to buy?",
        "What stocks should I own?", "Do you recommend small caps?", "Would you buy IWM here?", "price target for me", "Give me a price target",
        "Is this stock worth buying?", "How much should I put into IWM?", "Buy, sell or hold?", "Is it too late to invest?",
        "What should my portfolio hold?", "Tell me which stocks to buy", "I need investment advice", "Is IWM good for my retirement?", "Could I ѕell now?",
    ],
)  # fmt: skip
def test_questions_for_advice_are_known(text: str) -> None:
    assert asks_for_advice(text)


@pytest.mark.parametrize(
    "text",
    [
        "How many analysts follow small caps?", "What did insiders buy in 2024?", "Which analysts raised their price target?",
        "What is the price target of Goldman Sachs for the S&P 500?", "How large was the buyback?", "Why do firms hold cash?", "What is a good proxy for breadth?",
        "What share of the index is unprofitable?", "Is the Russell 2000 cheap against large caps?", "What does the note say about tariffs?",
        "Did management sell the division?", "How should tariffs affect margins?",
    ],
)  # fmt: skip
def test_questions_about_facts_are_not(text: str) -> None:
    assert not asks_for_advice(text)


def test_no_sample_question_is_taken_for_one_that_asks_for_advice() -> None:
    root = Path(__file__).parent / "golden"
    lines = [line for file in sorted(root.glob("*.jsonl")) for line in file.read_text("utf-8").split("\n") if line]
    asked = [json.loads(line)["question"] for line in lines]
    assert len(asked) > 50
    assert [q for q in asked if asks_for_advice(q)] == []


# what a gate does


def test_a_restricted_question_is_refused_with_its_reason_and_recorded(gates: Gates, tmp_path: Path) -> None:
    records, stub = open_records(tmp_path), Stub()
    door = service(stub, records, gates)
    with pytest.raises(Refused, match=r"^Harbor Tools is restricted until June\. Ask whoever answers for compliance\.$") as told:  # fmt: skip
        door.ask(ANNA, "What is the margin of h.r.b.r?", conversation_id="conversation-1")
    assert isinstance(told.value, Forbidden)
    with pytest.raises(Refused, match="This touches a name that is restricted here") as other:
        door.ask(ANNA, "And of CEDAR-RIDGE corp?")
    assert "edar" not in str(other.value)  # a list may be secret
    with pytest.raises(Refused):
        door.search(ANNA, "o'neil and sohne")
    with pytest.raises(Refused):
        door.tool(ANNA, "drawdown", {"ticker": "HRBR"})
    assert (stub.asked, kinds(tmp_path)) == ([], ["refused"] * 4)
    with records._database.read() as connection:
        payloads = [json.loads(row.payload or b"") for row in audit.rows(connection)]
    assert [p["reason"] for p in payloads] == [
        f"restricted name {name!r} in the question"
        for name in ("Harbor Tools Inc.", "Cedar Ridge Corporation", "Harbor Tools Inc.", "Harbor Tools Inc.")
    ]
    assert payloads[0]["question"] == "What is the margin of h.r.b.r?"
    # A refused question is no turn of a conversation.
    assert records.conversations(ANNA) == []
    records.close()


def _place(**changed: Any) -> Any:
    found = answer()
    return found.model_copy(update={"citations": (found.citations[0].model_copy(update=changed),)})


def _tool(**named: Any) -> Any:
    return answer(tool_results=(ToolResult(tool="drawdown", marker="T1", **named),))


@pytest.mark.parametrize(
    ("found", "where"),
    [
        (answer(standalone_question="What of Cedar Ridge?"), "standalone question"),
        (answer(text="Cedar Ridge rose."), "answer"),
        (answer(warnings=("Nothing on Cedar Ridge.",)), "answer"),
        (_place(title="Cedar Ridge Corporation 10-K"), "citations"),
        (_place(path="https://host/files/cedar-ridge_10k.htm"), "citations"),
        (_place(publisher="Cedar Ridge"), "citations"),
        (_place(quote="(cedar ridge)"), "citations"),
        (_tool(arguments={"company": "cedar ridge"}), "live metrics"),
        (_tool(metrics=(Metric(name="m", subject="CEDAR RIDGE CORP", value=1.0, unit="x", as_of="2026-01-01"),)), "live metrics"),
    ],
)  # fmt: skip
def test_a_restricted_name_anywhere_in_an_answer_refuses_it(found: Any, where: str, gates: Gates, tmp_path: Path) -> None:  # fmt: skip
    def events(question: str) -> Iterator[Mapping[str, Any]]:
        yield {"type": "sentence", "text": found.claims[0].text, "verdict": "supported"}
        yield {"type": "answer", "answer": found}

    records = open_records(tmp_path)
    stream = service(Stub(events), records, gates).stream(ANNA, "What moved?")
    with closing(stream), pytest.raises(Refused, match="restricted here"):
        next(stream)  # not one sentence
    with records._database.read() as connection:
        (row,) = audit.rows(connection)
    assert (row.kind, json.loads(row.payload or b"")["reason"]) == (
        "refused",
        f"restricted name 'Cedar Ridge Corporation' in the {where}",
    )
    records.close()


@pytest.mark.parametrize("kind", ["sentence", "draft"])
def test_a_models_words_end_before_the_restricted_name(kind: str, gates: Gates, tmp_path: Path) -> None:
    def events(question: str) -> Iterator[Mapping[str, Any]]:
        yield {"type": "sentence", "text": "Rates fell.", "verdict": "supported"}
        yield {"type": kind, "text": "Cedar Ridge rose.", "verdict": "supported"}
        yield {"type": "answer", "answer": answer()}

    records, seen = open_records(tmp_path), []
    stub = Stub(events)

    def go_on() -> None:
        for event in service(stub, records, gates).stream(ANNA, "What moved?", model="openai:x"):
            seen.append(event)  # noqa: PERF402

    with pytest.raises(Refused):
        go_on()
    assert texts(seen) == [("sentence", "Rates fell.")]
    assert (kinds(tmp_path), stub.closed) == (["asked_model", "refused"], 1)
    records.close()


def test_notes_and_the_last_line_are_warnings_and_no_claims(gates: Gates, tmp_path: Path) -> None:
    records = open_records(tmp_path)
    door = service(Stub(), records, gates)
    plain = service(Stub()).ask(ANNA, "Should I buy Elm-Street Partners?")
    found = door.ask(ANNA, "Should I buy Elm-Street Partners?")
    assert found.warnings == (
        "Elm Street is on the watch list.",
        "This is no investment advice.",
        "For information only.",
    )
    assert found.model_copy(update={"warnings": ()}) == plain
    assert all(c.text == found.text[c.start : c.end] for c in found.claims)
    assert door.ask(ANNA, "What moved?").warnings == ("For information only.",)
    assert door.ask(ANNA, "And WHAT would the  house do?").warnings[0] == "This is no investment advice."
    # The record holds what was seen; a replay compares without what gates added.
    with records._database.read() as connection:
        payload = json.loads(next(iter(audit.rows(connection))).payload or b"")
    assert (payload["notes"], payload["answer"]["warnings"]) == (3, list(found.warnings))
    assert canonical_answer(payload["answer"], 3) == canonical_answer(plain.model_dump())
    assert records.answer(ANNA, found.answer_id) == found
    records.close()


# the file


def test_no_file_no_gate() -> None:
    assert Gates.load(Settings()) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("disclaimer = 3", "disclaimer = 3 is not a text"),
        ("disclaimers = 'x'", "unknown key 'disclaimers'"),
        ("advice = 'x'", "advice is not a table"),
        ("[advice]\nnotes = 'x'", "advice: unknown key 'notes'"),
        ("[advice]\nphrases = 'x'", "advice: phrases = 'x' is not a list of texts"),
        ("restricted = ['x']", "restricted is not a list of tables"),
        ("[[restricted]]\naliases = ['x']", r"\[\[restricted\]\] 1: it has no name"),
        ("[[restricted]]\nname = '…'", "1: '…' names nothing"),
        ("[[restricted]]\nname = 'A'\naliases = ['--']", "1: '--' names nothing"),
        ("[[restricted]]\nname = 'A'\n[[restricted]]\nname = 'B'\naction = 'warn'", "2: action = 'warn' is unknown"),
        ("[[restricted]]\nname = 'A'\nticker = ['x']", "1: unknown key 'ticker'"),
        ("[[restricted]]\nname = 'A'\ntickers = [1]", r"1: tickers = \[1\] is not a list of texts"),
        ("= broken", "is not valid TOML"),
        (None, "cannot be read: No such file"),
    ],
)
def test_a_file_that_is_wrong_is_named_at_the_start(text: str | None, message: str, tmp_path: Path) -> None:
    path = tmp_path / "gates.toml"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=message) as told:
        Gates.load(Settings(gates_file=str(path)))
    assert str(path) in told.value.message
    assert told.value.what_to_do
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="is not valid TOML"):
        read(path)


def test_the_file_is_read_again_when_it_changes(path: Path, gates: Gates, caplog: pytest.LogCaptureFixture) -> None:
    def write(text: str) -> None:
        new = path.with_suffix(".new")
        new.write_text(text, encoding="utf-8")
        new.replace(path)

    gates.question(ANNA, "Maple?")
    write("[[restricted]]\nname = 'Maple'\n")
    with pytest.raises(Refused):
        gates.question(ANNA, "Maple?")
    gates.question(ANNA, "HRBR?")
    write("[[restricted]]\nname = ")  # half-written: what it said before stays in force
    with pytest.raises(Refused):
        gates.question(ANNA, "Maple?")
    path.unlink()
    with pytest.raises(Refused):
        gates.question(ANNA, "Maple?")
    assert caplog.text.count("What it said before stays in force") == 2
    write("")
    gates.question(ANNA, "Maple?")
    assert gates.answer(ANNA, answer()) == answer()


def test_of_a_name_that_stands_twice_the_stricter_entry_holds(tmp_path: Path) -> None:
    path = tmp_path / "gates.toml"
    entry = "[[restricted]]\nname = 'Maple'\naction = '{}'\n"
    for text in (
        entry.format("note") + entry.format("refuse"),
        entry.format("refuse") + entry.format("note"),
    ):
        path.write_text(text)
        with pytest.raises(Refused):
            read(path).refuse("maple", "question")
