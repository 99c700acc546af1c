"""What a question was understood as is what its answer looks for: by the same steps, over the same base."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from record_samples import ANNA, open_records

from assistant.assistant import Assistant
from assistant.service import Service
from assistant.service.ports import Refused
from assistant.understood import Understood, asked_with
from tests.statement_samples import HARBOR
from vectorstore.errors import Forbidden, SettingsError, StoreEmpty

FILES = {
    "harbor.md": "---\ntitle: Harbor Tools 10-K 2021\npublished: 2022-02-25\nkind: filing\ncompany: Harbor Tools, Inc.\nticker: HRBR\n"
    f"form: 10-K\nfiscal_period: FY2021\nperiod_end: 2021-12-31\n---\n\n{HARBOR}",
    "lantern.md": "---\ntitle: Lantern after the recall\npublisher: Quay Research\npublished: 2024-03-05\nkind: article\n"
    "company: Lantern Foods Corp.\n---\n\n# Lantern\n\nLantern Foods recalled 3 million jars in August 2023.\n",
    "small.md": "---\ntitle: Small caps\npublisher: Quay Research\npublished: 2024-04-05\nkind: note\n---\n\n# Small caps\n\n"
    "Small caps sold at a discount of 26% to large caps in March 2024. Analysts follow them less.\n",
}


@pytest.fixture(scope="module")
def base(make_base: Any) -> Assistant:
    made: Assistant = make_base(FILES)
    return made


HARBOR_FIRM = "Harbor Tools, Inc."
CASES: tuple[tuple[str, Mapping[str, Any], Mapping[str, Any]], ...] = (
    (
        "What was the revenue of Harbor Tools in fiscal 2021?",
        {},
        {"companies": (HARBOR_FIRM,), "tickers": ("HRBR",), "periods": ("FY2021",), "years": ("2021",)},
    ),
    (
        "What was HRBR's revenue in the second quarter of 2020?",
        {},
        {
            "companies": (HARBOR_FIRM,), "tickers": ("HRBR",), "periods": ("Q2 2020",), "years": ("2020",),
            "notes": (f"No document in the base reports on Q2 2020 of {HARBOR_FIRM}.",),
        },
    ),
    (
        "What does the 10-K of Harbor Tools say about debt as of June 2021?",
        {},
        {
            "companies": (HARBOR_FIRM,), "tickers": ("HRBR",), "forms": ("10-K",), "periods": ("June 2021",), "years": ("2021",),
        },
    ),
    (
        "What did Quay Research say about small caps in 2023?",
        {},
        {"publishers": ("Quay Research",), "periods": ("2023",), "years": ("2023",)},
    ),
    ("What is the drawdown of the Russell 2000 today?", {}, {"live": True, "tools": ("drawdown",)}),
    ("What did articles published since March 2024 say of jars?", {}, {"since": "2024-03-01"}),
    (
        "Compare Harbor Tools and Lantern Foods.",
        {"kind": ["article"]},
        {
            "companies": ("Lantern Foods Corp.", HARBOR_FIRM), "tickers": ("HRBR",), "kinds": ("article",),
            "notes": (f"Nothing in the base on {HARBOR_FIRM} passes the other filters; searched without it.",),
        },
    ),
    (
        "What was recalled?",
        {"company": ["Lantern Foods Corp."], "since": "2024-01-01", "until": "2024-12-31"},
        {"companies": ("Lantern Foods Corp.",), "since": "2024-01-01", "until": "2024-12-31"},
    ),
    ("What was said of ports?", {}, {}),
)  # fmt: skip


@pytest.mark.parametrize(("question", "filters", "expected"), CASES, ids=[case[0] for case in CASES])
def test_a_question_is_read(
    base: Assistant, question: str, filters: Mapping[str, Any], expected: Mapping[str, Any]
) -> None:
    found = base.read(question, filters=filters)
    alone = expected.get("standalone_question", question)
    assert found == Understood(**{"standalone_question": alone, **expected})
    assert json.loads(json.dumps(asdict(found)))["companies"] == list(found.companies)


def test_a_follow_up_is_read_with_what_was_asked_before(base: Assistant) -> None:
    history = [
        {"role": "user", "content": "What was the revenue of Harbor Tools in 2021?"},
        {"role": "assistant", "content": "It rose."},
    ]
    found = base.read("And for Lantern Foods?", history=history)
    assert found.standalone_question == "What was the revenue of Lantern Foods Corp. in 2021?"
    assert (found.companies, found.periods) == (("Lantern Foods Corp.",), ("FY2021",))
    assert base.read("And in 2022?", history=history).periods == ("FY2022",)


def test_another_name_that_the_documents_give_is_read_as_the_firm(make_base: Any) -> None:
    base: Assistant = make_base({
        "a.md": "---\ncompany: Calder Rail Corporation\nkind: filing\n---\n\n# Calder Rail\n\n"
        "Calder Rail Corporation (formerly known as Quillmark Systems) owns rails.\n"
    })  # fmt: skip
    assert base.read("What does Quillmark Systems own?").companies == ("Calder Rail Corporation",)
    assert base.read("What does Nightjar own?").companies == ()


WORDS = (
    "Harbor Tools", "HRBR", "Lantern Foods", "Quay Research", "revenue", "in 2021", "FY2019", "Q2 2020", "today", "drawdown",
    "of the Russell 2000", "10-K", "according to its press release", "since March 2024", "and", "what is", "compare", "small caps",
    "how many analysts", "it", "in 2022?", "\x00", "é",
)  # fmt: skip


@given(
    words=st.lists(st.sampled_from(WORDS), min_size=1, max_size=7),
    before=st.none() | st.lists(st.sampled_from(WORDS), min_size=1, max_size=5),
    filters=st.sampled_from([{}, {"kind": ["note"]}, {"company": [HARBOR_FIRM]}, {"publisher": ["Quay Research"]}]),
    as_of=st.sampled_from([None, None, "2024-03-31"]),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_it_is_what_the_answer_looks_for(
    base: Assistant, words: list[str], before: list[str] | None, filters: Mapping[str, Any], as_of: str | None
) -> None:
    question = " ".join(words)
    history = [{"role": "user", "content": " ".join(before)}] if before else []
    found = base.read(question, history=history, filters=filters, as_of=as_of)
    answer = base.ask(question, history=history, filters=filters, as_of=as_of)
    said = answer.filters
    assert found.standalone_question == answer.standalone_question
    assert list(found.companies) == said.get("company", [])
    assert list(found.publishers) == said.get("publisher", [])
    assert (list(found.kinds), list(found.forms)) == (said.get("kind", []), said.get("form", []))
    assert (found.since, found.until) == (said.get("since"), said.get("until"))
    if "fiscal_period" in said:
        assert [p for p in found.periods if p.startswith(("FY", "Q"))] == said["fiscal_period"]
    # An answer that was given is read again as it was, by its own question and filters.
    again = base.read(answer.standalone_question, filters=asked_with(answer), as_of=answer.as_of)
    assert replace(again, notes=(), periods=()) == replace(found, notes=(), periods=())
    assert [p.removeprefix("FY") for p in again.periods] == [p.removeprefix("FY") for p in found.periods]
    assert found.live == bool(answer.tool_results)
    assert list(found.tools) == list(dict.fromkeys(result.tool for result in answer.tool_results))


def test_what_is_no_question_is_told(base: Assistant, make_base: Any) -> None:
    for question, message in (("", "The question is empty"), (" \n", "The question is empty"), ("x" * 4001, "4001")):
        with pytest.raises(SettingsError, match=message):
            base.read(question)
    assert base.read("a\ud800b?").standalone_question == "a?b?"
    for named in ({"as_of": "soon"}, {"filters": {"kind": ["poem"]}}, {"filters": {"size": ["small"]}}):
        with pytest.raises(SettingsError):
            base.read("Rates?", **named)
    with pytest.raises(StoreEmpty):
        make_base({}).read("Rates?")


# through the service


class Restricting:
    """A gate that lets no question of tariffs in."""

    def question(self, user: Any, question: str) -> None:
        if "tariff" in question:
            raise Refused("Restricted.", why="a list")


def test_the_service_reads_with_the_conversation_and_behind_the_gates(base: Assistant, tmp_path: Any) -> None:
    records = open_records(tmp_path)
    door = Service(base, None, base.settings, records=records, gates=Restricting())
    with pytest.raises(Refused):
        door.read(ANNA, "What of tariffs?")
    plain = Service(base, None, base.settings, records=records)
    plain.ask(ANNA, "What was the revenue of Harbor Tools in 2021?", conversation_id="conversation-1")
    head = records.head()
    found = plain.read(ANNA, "and in 2022?", conversation_id="conversation-1")
    assert (found.companies, found.periods) == ((HARBOR_FIRM,), ("FY2022",))
    assert records.head() == head  # what is only read is no event
    assert plain.read(ANNA, "and in 2022?", conversation_id="another-one").companies == ()
    with pytest.raises(SettingsError):
        plain.read(ANNA, "and in 2022?", conversation_id="x")
    with pytest.raises(Forbidden):
        plain.read(ANNA.__class__("tom", "reader", scopes=frozenset({"search"})), "Rates?")
    records.close()
