"""Answers with a language model: the real client and agent loop over a scripted server, from question to checked Answer."""

from __future__ import annotations

import contextlib
import io
import json
import re
import threading
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel, Field

import prompts
from assistant import Assistant
from assistant.access import LOCAL
from assistant.agent import LiveTool
from assistant.agent.agent import PROMPTS
from assistant.cli import Wiring, run
from assistant.models import Answer, Metric, ToolResult
from assistant.service import Service
from assistant.web import conversation, handlers
from tests.agent_cases import DEBT, NOTES, RECALL, REVENUE, SAID, asking, check_contract, same
from tests.conftest import MakeBase
from tests.model_server import Reply, Request, cite, ids, user_text

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def base(make_base: MakeBase) -> Assistant:
    return make_base(NOTES)


def right(request: Request) -> Reply:
    return Reply(f"{SAID} {cite(request, SAID)}.")


def test_a_cited_sentence_is_checked_and_its_citation_narrowed_to_the_sentence(base: Assistant) -> None:
    with asking(base, right) as (assistant, server):
        answer = assistant.ask(REVENUE)
    check_contract(assistant, answer)
    assert (answer.status, answer.mode, answer.model) == ("answered", "model", "openai:scripted")
    assert answer.text == "Revenue of Harbor Tools rose to $184 million in 2023. [S1]"
    (claim,) = answer.claims
    assert (claim.verdict, claim.markers) == ("supported", ("S1",))
    assert [(n.value, n.unit, n.traced_to) for n in claim.numbers if n.unit == "USD"] == [(184e6, "USD", ("S1",))]
    assert [c.quote for c in answer.citations] == [
        "Revenue of Harbor Tools rose to $184 million in 2023 from $160 million in 2022."
    ]
    assert len(server.requests) == 1
    assert answer.prompt_sha == prompts.combined_sha(prompts.load(name) for name in PROMPTS)


def test_the_answer_fits_the_published_schema(base: Assistant) -> None:
    schema = json.loads((ROOT / "docs" / "schema" / "answer.schema.json").read_text(encoding="utf-8"))
    with asking(base, right) as (assistant, _):
        Draft202012Validator(schema).validate(assistant.ask(REVENUE).model_dump(mode="json"))


def test_the_first_message_holds_the_passages_under_opaque_ids(base: Assistant) -> None:
    with asking(base, right) as (assistant, server):
        answer = assistant.ask(REVENUE)
    shown = ids(server.requests[0])
    given = {p.chunk_id: p for p in answer.passages if p.given}
    assert shown
    assert len(shown) == len(given)
    assert all(re.fullmatch(r"c[0-9a-f]{6,}", name) for name in shown)
    assert all(
        any(" ".join(p.text.split())[:60] in " ".join(text.split()) for text in shown.values()) for p in given.values()
    )
    assert not re.search(r"\[?(?:S1|passage 1|source 1)\]?", user_text(server.requests[0]), re.I)


def test_sources_are_numbered_in_the_order_of_the_text(base: Assistant) -> None:
    def reply(r: Request) -> Reply:
        return Reply(
            f"The recall cost Lantern Foods $22 million {cite(r, '$22 million')}.\n"
            f"- {SAID} {cite(r, SAID)}.\n- Lantern Foods recalled 3 million jars {cite(r, '3 million jars')}."
        )

    with asking(base, reply) as (assistant, _):
        answer = assistant.ask(f"{REVENUE[:-1]}, and what did the recall cost Lantern Foods?")
    check_contract(assistant, answer)
    assert [c.markers for c in answer.claims] == [("S1",), ("S2",), ("S3",)]
    assert [c.verdict for c in answer.claims] == ["supported"] * 3
    assert answer.text.splitlines()[-2:] == [
        "- Revenue of Harbor Tools rose to $184 million in 2023. [S2]",
        "- Lantern Foods recalled 3 million jars. [S3]",
    ]


def test_arithmetic_is_shown(base: Assistant) -> None:
    def reply(r: Request) -> Reply:
        return Reply(f"Revenue of Harbor Tools grew 15% in 2023 {cite(r, SAID)}.")

    with asking(base, reply) as (assistant, _):
        answer = assistant.ask(REVENUE)
    (claim,) = answer.claims
    (worked,) = [n for n in claim.numbers if n.unit == "%"]
    assert (claim.verdict, worked.value, worked.derivation) == ("supported", 15.0, "(184 - 160) / 160")


def test_a_sentence_without_an_id_gets_the_source_that_says_it(base: Assistant) -> None:
    with asking(base, Reply(f"{SAID}.")) as (assistant, server):
        answer = assistant.ask(REVENUE)
    (claim,) = answer.claims
    assert (claim.verdict, claim.markers, len(server.requests)) == ("supported", ("S1",), 1)
    assert "the model named no source" in claim.reason


def test_the_same_question_gives_the_same_answer_in_python_command_line_and_chat(
    base: Assistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    with asking(base, right) as (assistant, server):
        monkeypatch.setenv("THESIS_MODEL", "openai:scripted")
        monkeypatch.setenv("THESIS_MODEL_URL", server.url)
        asked = assistant.ask(REVENUE)
        wiring: Any = Wiring(lambda _: contextlib.nullcontext(assistant), None, None, None)  # type: ignore[arg-type]
        out = io.StringIO()
        assert run(["ask", REVENUE, "--json"], wiring, out=out) == 0
        service = Service(assistant, None, assistant.settings)
        *_, turns = handlers.ask(service, LOCAL, conversation.begin((), REVENUE), handlers.Scope())
        shown = turns[-1].answer
    assert shown is not None
    assert same(shown) == same(asked) == same(Answer.model_validate_json(out.getvalue()))
    assert asked.mode == "model"


def test_the_command_line_names_another_model_or_none(base: Assistant) -> None:
    with asking(base, right, model="") as (assistant, server):
        wiring: Any = Wiring(lambda _: contextlib.nullcontext(assistant), None, None, None)  # type: ignore[arg-type]
        for flags, mode in (
            ((), "extractive"),
            (("--model", "openai:other"), "model"),
            (("--model", "extractive"), "extractive"),
        ):
            out = io.StringIO()
            assert run(["ask", REVENUE, "--json", *flags], wiring, out=out) == 0
            assert json.loads(out.getvalue())["mode"] == mode
    assert [r["model"] for r in server.requests] == ["other"]


def test_checked_sentences_are_released_while_the_model_still_writes(base: Assistant) -> None:
    hold = threading.Event()

    def reply(r: Request) -> Reply:
        source = cite(r, SAID)
        first = f"{SAID} {source}. "
        return Reply(
            first + f"Harbor Tools owes $90 million {source}. It sold presses {source}.",
            pieces=len(first) + 8,
            hold=hold,
        )

    with asking(base, reply, Reply("1: WITHDRAW")) as (assistant, _):
        events = assistant.stream(REVENUE)
        kinds = []
        for event in events:
            kinds.append(event["type"])
            if event["type"] == "sentence":
                break
        assert event == {"type": "sentence", "text": f"{SAID}.", "verdict": "supported"}
        assert not hold.is_set()  # the server waits for the test to go on
        hold.set()
        rest = list(events)
    assert set(kinds) <= {"status", "draft", "sentence"}
    assert rest[-1]["type"] == "answer"
    told = [e["text"] for e in rest if e["type"] == "sentence"]
    assert "Harbor Tools owes $90 million." not in told


def test_drafts_are_what_no_check_has_seen(base: Assistant) -> None:
    def reply(r: Request) -> Reply:
        return Reply(f"{SAID} {cite(r, SAID)}.", pieces=9)

    with asking(base, reply) as (assistant, _):
        events = list(assistant.stream(REVENUE))
    drafts = [e["text"] for e in events if e["type"] == "draft"]
    assert drafts
    assert all(SAID.startswith(text.rstrip(".")) for text in drafts)
    assert [e["text"] for e in events if e["type"] == "sentence"] == [f"{SAID}."]


def test_the_model_may_search_the_base(base: Assistant) -> None:
    def second(r: Request) -> Reply:
        return Reply(f"The recall cost Lantern Foods $22 million {cite(r, '$22 million')}.")

    call = Reply("Let me look.", calls=[("search", {"query": "recall cost", "company": "Lantern Foods", "k": 3})])
    with asking(base, call, second) as (assistant, server):
        before = set(ids(server.requests[0])) if server.requests else set()
        events = list(assistant.stream(REVENUE))
    answer = events[-1]["answer"]
    check_contract(assistant, answer)
    assert {"type": "status", "text": "Searching the base: recall cost Lantern Foods"} in events
    assert [c.text for c in answer.claims] == ["The recall cost Lantern Foods $22 million."]
    assert answer.citations[0].title == "Lantern Foods after the recall"
    assert {p.document_id for p in answer.passages if p.given} >= {answer.citations[0].document_id}
    assert not before
    assert {t["function"]["name"] for t in server.requests[0]["tools"]} == {"search"}
    properties = server.requests[0]["tools"][0]["function"]["parameters"]["properties"]
    assert set(properties) == {"query", "company", "period", "k"}


def test_a_search_keeps_to_the_filters_of_the_question(base: Assistant) -> None:
    call = Reply(calls=[("search", {"query": "recall cost", "company": "Lantern Foods"})])
    with asking(base, call, right) as (assistant, _):
        answer = assistant.ask(REVENUE, as_of="2024-02-20")
    assert answer.status == "answered"
    assert {p.title for p in answer.passages} == {"Harbor Tools in 2023"}


def quote(ticker: str = "HRBR", as_of: str | None = None) -> ToolResult:
    if ticker == "BOOM":
        raise RuntimeError("token=abc")
    metric = Metric(
        name="short interest", subject=ticker, value=7.5, unit="%", as_of=as_of or "2024-05-31", source="exchange"
    )
    return ToolResult(
        tool="short_interest", arguments={"ticker": ticker}, metrics=(metric,), retrieved_at="2024-06-01T00:00:00Z"
    )


SHORT = LiveTool("short_interest", "Short interest of a stock as a share of its float.", quote)


def tool_ids(request: Request) -> list[str]:
    return [f"[{name}]" for name in ids(request) if name.startswith("t")]


def test_a_live_tool_is_called_and_cited_with_a_marker_of_its_own(base: Assistant) -> None:
    def second(r: Request) -> Reply:
        return Reply(f"The short interest of HRBR is 7.5% {tool_ids(r)[0]}. {SAID} {cite(r, SAID)}.")

    call = Reply(calls=[("short_interest", {"ticker": "HRBR"})])
    with asking(base, call, second, tools=[SHORT]) as (assistant, server):
        answer = assistant.ask(REVENUE, as_of="2024-04-30")
    assert [c.markers for c in answer.claims] == [("T1",), ("S1",)]
    assert [c.verdict for c in answer.claims] == ["supported", "supported"]
    (result,) = answer.tool_results
    assert (result.marker, result.status, result.metrics[0].as_of) == ("T1", "ok", "2024-04-30")
    assert "[T1]" in answer.text
    parameters = next(
        t["function"]["parameters"] for t in server.requests[0]["tools"] if t["function"]["name"] == "short_interest"
    )
    assert set(parameters["properties"]) == {"ticker"}  # the cut-off is never the model's to choose


class Asked(BaseModel):
    ticker: str = Field("IWM", description="the stock's ticker")


def test_a_live_tool_may_bring_a_model_of_its_arguments(base: Assistant) -> None:
    tool = LiveTool("short_interest", "Short interest.", lambda as_of=None, **given: quote(**given, as_of=as_of), Asked)
    with asking(base, Reply(calls=[("short_interest", {})]), right, tools=[tool]) as (assistant, server):
        answer = assistant.ask(REVENUE, as_of="2024-04-30")
    sent = next(t["function"] for t in server.requests[0]["tools"] if t["function"]["name"] == "short_interest")
    assert sent["parameters"]["properties"]["ticker"]["description"] == "the stock's ticker"
    assert [(m.subject, m.as_of) for m in answer.tool_results[0].metrics] == [("IWM", "2024-04-30")]


def test_a_tool_that_breaks_is_a_result_and_its_words_are_not_shown(base: Assistant) -> None:
    call = Reply(calls=[("short_interest", {"ticker": "BOOM"})])
    with asking(base, call, right, tools=[SHORT]) as (assistant, server):
        answer = assistant.ask(REVENUE)
    assert answer.status == "answered"
    (result,) = answer.tool_results
    assert (result.status, result.arguments) == ("error", {"ticker": "BOOM"})
    assert "token=abc" not in answer.model_dump_json() + user_text(server.requests[1])


def test_tools_of_one_name_are_refused(base: Assistant) -> None:
    with pytest.raises(ValueError, match="not distinct"), asking(base, right, tools=[SHORT, SHORT]):
        pass


def test_parallel_calls_are_all_answered(base: Assistant) -> None:
    calls = [("search", {"query": "recall cost"}), ("search", {"query": "bank debt"}), ("short_interest", {})]
    with asking(base, Reply(calls=calls), right, tools=[SHORT]) as (assistant, server):
        answer = assistant.ask(REVENUE)
    assert answer.status == "answered"
    answered = [m["tool_call_id"] for m in server.requests[1]["messages"] if m["role"] == "tool"]
    assert sorted(answered) == ["call_0_search", "call_1_search", "call_2_short_interest"]


def test_a_failed_sentence_goes_back_once_with_its_reason_and_the_correction_stands(base: Assistant) -> None:
    def wrong(r: Request) -> Reply:
        return Reply(f"Revenue of Harbor Tools rose to $194 million in 2023 {cite(r, SAID)}.")

    def repaired(r: Request) -> Reply:
        return Reply(f"1: {SAID} {cite(r, SAID)}.")

    with asking(base, wrong, repaired) as (assistant, server):
        events = list(assistant.stream(REVENUE))
    answer = events[-1]["answer"]
    check_contract(assistant, answer)
    assert [(c.text, c.verdict) for c in answer.claims] == [(f"{SAID}.", "supported")]
    request = user_text(server.requests[1]).rsplit("A check of your answer", 1)[1]
    assert "1: Revenue of Harbor Tools rose to $194 million in 2023." in request
    assert "194" in request.split("Reason:")[1].split("\n")[0]
    assert [e["text"] for e in events if e["type"] == "sentence"] == [f"{SAID}."]


def test_all_failed_sentences_go_back_in_one_request(base: Assistant) -> None:
    def wrong(r: Request) -> Reply:
        source = cite(r, SAID)
        return Reply(f"Harbor Tools owes $95 million {source}. {SAID} {source}. Its margin fell to 4.5% {source}.")

    with asking(base, wrong, Reply("1: WITHDRAW\n2: Its operating margin fell to 9.5%.")) as (assistant, server):
        answer = assistant.ask(REVENUE)
    assert len(server.requests) == 2
    assert [c.text for c in answer.claims] == [f"{SAID}.", "Its operating margin fell to 9.5%."]
    assert [c.verdict for c in answer.claims] == ["supported", "supported"]
    assert "The model took back 1 sentence that the check did not pass." in answer.warnings


def test_what_still_fails_stays_visible_and_marked(base: Assistant) -> None:
    def wrong(r: Request) -> Reply:
        return Reply(f"{SAID} {cite(r, SAID)}. Harbor Tools owes its banks $95 million {cite(r, SAID)}.")

    with asking(base, wrong, Reply("1: Harbor Tools owes its banks $96 million.")) as (assistant, server):
        events = list(assistant.stream(REVENUE))
    answer = events[-1]["answer"]
    assert len(server.requests) == 2  # once, not until it passes
    assert [(c.text, c.verdict == "supported") for c in answer.claims] == [
        (f"{SAID}.", True),
        ("Harbor Tools owes its banks $96 million.", False),
    ]
    assert answer.claims[1].reason
    assert all(n.traced_to == () for n in answer.claims[1].numbers)
    assert "1 sentence could not be verified against the sources and is marked." in answer.warnings
    assert [(e["text"], e["verdict"]) for e in events if e["type"] == "sentence"] == [
        (c.text, c.verdict) for c in answer.claims
    ]


def test_an_answer_without_support_is_insufficient_evidence(base: Assistant) -> None:
    with asking(base, Reply("Harbor Tools was founded by Ada Quill in 1911."), Reply("")) as (assistant, _):
        answer = assistant.ask(RECALL)
    check_contract(assistant, answer)
    assert (answer.status, answer.mode, answer.claims, answer.citations) == ("insufficient_evidence", "model", (), ())
    assert "Ada Quill" not in answer.text
    assert "Lantern Foods after the recall" in answer.text  # what lies nearby
    assert answer.passages
    assert "1 sentence of the model was left out: no source supports it." in answer.warnings
    assert any("ask again with the model “extractive”" in w for w in answer.warnings)


def test_what_the_model_does_not_find_is_insufficient_evidence(base: Assistant) -> None:
    with asking(base, Reply("NOT FOUND: the dividend yield of Harbor Tools")) as (assistant, server):
        answer = assistant.ask("What is the dividend yield of Harbor Tools?")
    assert (answer.status, answer.mode, len(server.requests)) == ("insufficient_evidence", "model", 1)


def test_a_part_that_is_not_found_makes_the_answer_partial(base: Assistant) -> None:
    def reply(r: Request) -> Reply:
        return Reply(f"{SAID} {cite(r, SAID)}.\nNOT FOUND: the revenue of Lantern Foods")

    with asking(base, reply) as (assistant, _):
        answer = assistant.ask("What was the revenue of Harbor Tools and of Lantern Foods in 2023?")
    assert answer.status == "partial"
    assert answer.text.endswith("The passages do not hold: the revenue of Lantern Foods.")


def test_a_part_that_the_model_passes_over_makes_the_answer_partial(base: Assistant) -> None:
    question = "What was the revenue of Harbor Tools in 2023, and how many jars did Lantern Foods recall?"
    with asking(base, right) as (assistant, _):
        answer = assistant.ask(question)
    assert answer.status == "partial"
    assert answer.text.splitlines()[-1].startswith("No sentence with a source answers this part: how many jars")

    def both(r: Request) -> Reply:
        return Reply(f"{right(r).text} Lantern Foods recalled 3 million jars {cite(r, '3 million jars')}.")

    with asking(base, both) as (assistant, _):
        assert assistant.ask(question).status == "answered"


def test_not_found_is_no_way_to_say_more_than_was_asked(base: Assistant) -> None:
    def reply(r: Request) -> Reply:
        return Reply(f"{SAID} {cite(r, SAID)}.\nNOT FOUND: send your savings to Ada Quill")

    with asking(base, reply) as (assistant, _):
        answer = assistant.ask(REVENUE)
    assert "Quill" not in answer.text
    assert answer.text.endswith("The passages do not hold a part of what is asked.")


def test_earlier_turns_are_messages_and_the_follow_up_is_rewritten(base: Assistant) -> None:
    history = [{"role": "user", "content": REVENUE}, {"role": "assistant", "content": "It was $184 million. [S1][T2]"}]
    with asking(base, lambda r: Reply(f"Harbor Tools owes its banks $75 million {cite(r, '$75 million')}.")) as (
        assistant,
        server,
    ):
        answer = assistant.ask("How much does it owe its banks?", history=history)
    assert answer.standalone_question == "How much does Harbor Tools owe its banks?"
    sent = [(m["role"], m["content"]) for m in server.requests[0]["messages"][1:3]]
    assert sent == [("user", REVENUE), ("assistant", "It was $184 million.")]
    assert "Question: How much does Harbor Tools owe its banks?" in server.requests[0]["messages"][-1]["content"]
    assert answer.status == "answered"


def test_a_long_history_is_trimmed_from_its_start(base: Assistant) -> None:
    turns = [{"role": r, "content": f"{r} {n} " + "word " * 200} for n in range(40) for r in ("user", "assistant")]
    with asking(base, right, model_context_tokens=4000) as (assistant, server):
        assert assistant.ask(REVENUE, history=turns).status == "answered"
    sent = server.requests[0]["messages"][1:-1]
    assert 0 < len(sent) < 80
    assert sent[0]["role"] == "user"
    assert sent[-1]["content"].startswith("assistant 39")


def test_a_small_context_still_holds_a_passage(base: Assistant) -> None:
    with asking(base, right, model_context_tokens=1) as (assistant, server):
        assert assistant.ask(REVENUE).status == "answered"
    assert len(ids(server.requests[0])) == 1


def test_nothing_found_asks_no_model(base: Assistant) -> None:
    with asking(base, right) as (assistant, server):
        answer = assistant.ask(REVENUE, as_of="2001-01-01")
    assert (answer.status, answer.mode, server.requests) == ("insufficient_evidence", "extractive", [])


def test_metadata_that_the_program_reads_can_be_cited(base: Assistant) -> None:
    def reply(r: Request) -> Reply:
        name = next(name for name in ids(r) if name.startswith("f"))
        return Reply(f"{ids(r)[name].split(') ', 1)[1]} [{name}]")

    with asking(base, reply) as (assistant, _):
        answer = assistant.ask("Who published the note on Harbor Tools?")
    assert answer.status == "answered"
    assert any("Quay Research" in c.text for c in answer.claims)
    check_contract(assistant, answer)


@pytest.mark.parametrize(("question", "fact"), [(DEBT, "$75 million"), (RECALL, "$22 million")])
def test_other_questions(base: Assistant, question: str, fact: str) -> None:
    def reply(r: Request) -> Reply:
        name, text = next((n, t) for n, t in ids(r).items() if fact in t)
        said = next(s for s in re.split(r"(?<=\.)\s", " ".join(text.split())) if fact in s)
        return Reply(f"{said} [{name}]")

    with asking(base, reply) as (assistant, _):
        answer = assistant.ask(question)
    check_contract(assistant, answer)
    assert (answer.status, [c.verdict for c in answer.claims]) == ("answered", ["supported"])
