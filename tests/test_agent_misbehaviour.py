"""A model or its server that misbehaves: for each kind, what the user sees. The real client over a scripted server."""

from __future__ import annotations

import socket
import threading
import time
from email.utils import formatdate
from typing import Any

import pytest

from assistant import Assistant
from assistant.models import Answer
from tests.agent_cases import DEBT, NOTES, RECALL, REVENUE, SAID, asking, check_contract
from tests.conftest import MakeBase
from tests.model_server import PATIENCE, Reply, Request, Script, cite, ids, serving, user_text

STANDS_IN = "; this is the extractive answer."


@pytest.fixture(scope="module")
def base(make_base: MakeBase) -> Assistant:
    return make_base(NOTES)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assistant.agent.run.BACKOFF", (0.0, 0.0))


def debt(request: Request) -> Reply:
    return Reply(f"Harbor Tools owes its banks $75 million {cite(request, '$75 million')}.")


def ask(base: Assistant, question: str, *script: Script, **settings: Any) -> tuple[Answer, list[Request]]:
    with asking(base, *script, **settings) as (assistant, server):
        answer = assistant.ask(question)
        check_contract(assistant, answer)
        return answer, server.requests


def stands_in(base: Assistant, answer: Answer, why: str) -> None:
    """Assert that the extractive answer is given, whole, with the reason in front."""
    plain = base.ask(answer.question)
    assert plain.status == "answered"
    assert answer.warnings == (f"The model openai:scripted {why}{STANDS_IN}", *plain.warnings)
    assert (answer.mode, answer.model, answer.prompt_sha) == ("extractive", None, None)
    assert (answer.status, answer.text, answer.claims, answer.citations) == (
        plain.status,
        plain.text,
        plain.claims,
        plain.citations,
    )


# What the server does


@pytest.mark.parametrize(
    ("status", "why", "requests"),
    [
        (500, "failed on its server (HTTP 500)", 3),
        (503, "failed on its server (HTTP 503)", 3),
        (429, "has too many requests, or its quota is used up (HTTP 429)", 3),
        (401, "was refused: the key is wrong or may not use it (HTTP 401)", 1),
        (403, "was refused: the key is wrong or may not use it (HTTP 403)", 1),
        (404, "is not known at this address (HTTP 404)", 2),
        (400, "did not take the request (HTTP 400)", 2),
    ],
)
def test_an_error_of_the_server_gives_the_extractive_answer(
    base: Assistant, status: int, why: str, requests: int
) -> None:
    answer, asked = ask(base, DEBT, Reply("sk-secret-of-the-server", status=status))
    stands_in(base, answer, why)
    assert len(asked) == requests
    assert "secret" not in answer.model_dump_json()


def test_a_server_that_fails_once_is_asked_again(base: Assistant) -> None:
    answer, asked = ask(base, DEBT, Reply(status=500), debt)
    assert (answer.mode, answer.status, len(asked)) == ("model", "answered", 2)


def test_a_server_that_takes_no_tools_is_asked_without(base: Assistant) -> None:
    def no_tools(r: Request) -> Reply:
        return Reply(status=400) if "tools" in r else debt(r)

    answer, asked = ask(base, DEBT, no_tools)
    assert (answer.mode, answer.status) == ("model", "answered")
    assert ["tools" in r for r in asked] == [True, False]


@pytest.mark.parametrize("form", ["seconds", "milliseconds", "date"])
def test_retry_after_is_honoured(base: Assistant, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    monkeypatch.setattr("assistant.agent.run.BACKOFF", (500.0, 500.0))  # only the server's own wait is short enough
    headers = {
        "seconds": {"retry-after": "0"},
        "milliseconds": {"retry-after-ms": "20", "retry-after": "300"},
        "date": {"retry-after": formatdate(time.time() - 5, usegmt=True)},
    }[form]
    with asking(base, Reply(status=429, headers=headers), debt) as (assistant, server):
        events = list(assistant.stream(DEBT))
    assert (events[-1]["answer"].mode, len(server.requests)) == ("model", 2)
    assert any("asking again in 0 s" in e.get("text", "") for e in events if e["type"] == "status")


def test_a_wait_that_is_longer_than_the_time_left_is_not_waited_for(base: Assistant) -> None:
    answer, asked = ask(base, DEBT, Reply(status=429, headers={"retry-after": "3600"}))
    stands_in(base, answer, "has too many requests, or its quota is used up (HTTP 429)")
    assert len(asked) == 1


def test_a_server_that_is_not_there(base: Assistant) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        answer, _ = ask(base, DEBT, Reply(), model_url=nobody)
    stands_in(base, answer, "cannot be reached")


def test_a_server_that_says_nothing_runs_into_the_time_limit(base: Assistant) -> None:
    with asking(base, Reply(silent=True), model_timeout_s=1) as (assistant, server):
        answer = assistant.ask(DEBT)
        stands_in(base, answer, "did not answer in time")
        assert server.left.wait(PATIENCE)


def test_a_stream_that_is_cut_before_a_sentence(base: Assistant) -> None:
    answer, asked = ask(base, DEBT, Reply("Harbor Tools owes", cut=True))
    stands_in(base, answer, "broke the connection off")
    assert len(asked) == 1


def test_a_stream_that_is_cut_keeps_the_sentences_that_were_whole(base: Assistant) -> None:
    def reply(r: Request) -> Reply:
        return Reply(f"{SAID} {cite(r, SAID)}. Harbor Tools sold 41,000 pre", cut=True)

    answer, asked = ask(base, REVENUE, reply)
    assert (answer.mode, answer.status, len(asked)) == ("model", "partial", 1)
    assert [c.text for c in answer.claims] == [f"{SAID}."]
    assert answer.warnings[0] == "The model openai:scripted broke the connection off before its answer was complete."


def test_a_limit_of_length_is_told(base: Assistant) -> None:
    def reply(r: Request) -> Reply:
        return Reply(f"{SAID} {cite(r, SAID)}. Harbor Tools sold 41,000 pre", finish="length")

    answer, _ = ask(base, REVENUE, reply)
    assert (answer.status, [c.text for c in answer.claims]) == ("partial", [f"{SAID}."])
    assert answer.warnings[0] == "The model openai:scripted reached its limit of length before its answer was complete."


@pytest.mark.parametrize("text", ["", "  \n\n ", "<think>They owe $75 million, I think.</think>", "```\n```"])
def test_an_empty_answer(base: Assistant, text: str) -> None:
    answer, _ = ask(base, DEBT, Reply(text))
    stands_in(base, answer, "gave no answer")


@pytest.mark.parametrize(
    "reply",
    [
        Reply("", finish="content_filter"),
        Reply("I'm sorry, but I can't help with that."),
        Reply("As an AI, I cannot give financial advice."),
    ],
)
def test_a_refusal(base: Assistant, reply: Reply) -> None:
    answer, _ = ask(base, DEBT, reply)
    stands_in(base, answer, "declined to answer")


def test_a_refusal_in_a_field_of_its_own(base: Assistant) -> None:
    """langchain-openai leaves the field out of a stream, so that nothing is left of the answer."""
    answer, _ = ask(base, DEBT, Reply(refusal="I cannot help with that."))
    stands_in(base, answer, "gave no answer")


def test_a_hundred_kilobytes_are_cut_and_the_request_is_ended(base: Assistant) -> None:
    def reply(r: Request) -> Reply:
        return Reply(f"{SAID} {cite(r, SAID)}. " + "The press is blue and the sky is wide. " * 2600, pieces=500)

    with asking(base, reply) as (assistant, server):
        answer = assistant.ask(REVENUE)
        check_contract(assistant, answer)
    assert len(answer.text) < 25_000
    assert (answer.mode, answer.status, len(server.requests)) == ("model", "partial", 1)
    assert [c.text for c in answer.claims if c.verdict == "supported"] == [f"{SAID}."]
    assert "The model wrote more than 20,000 characters; the rest was not read." in answer.warnings


# What the model does with tools


@pytest.mark.parametrize(
    "call",
    [
        ("search", "this is no JSON"),
        ("search", '{"query": "debt"'),
        ("search", '["debt"]'),
        ("search", {"query": "debt", "k": "many"}),
        ("search", {}),
        ("search", {"query": ""}),
        ("search", {"query": "debt", "k": -4, "company": "Nobody", "period": "Q9 2999"}),
        ("no_such_tool", {"query": "debt"}),
    ],
)
def test_a_broken_tool_call_is_told_to_the_model_which_goes_on(base: Assistant, call: tuple[str, Any]) -> None:
    answer, asked = ask(base, DEBT, Reply(calls=[call]), debt)
    assert (answer.mode, answer.status, len(asked)) == ("model", "answered", 2)
    assert any(m["role"] == "tool" for m in asked[1]["messages"])


def test_an_endless_loop_of_tools_ends(base: Assistant) -> None:
    answer, asked = ask(base, DEBT, Reply(calls=[("search", {"query": "debt"})]), model_calls=3)
    stands_in(base, answer, "kept calling its tools and gave no answer")
    assert len(asked) == 3
    assert "No further search is possible" in user_text(asked[2])
    assert "No further search is possible" not in user_text(asked[1])


def test_an_endless_loop_of_broken_calls_ends(base: Assistant) -> None:
    answer, asked = ask(base, DEBT, Reply(calls=[("search", "no JSON")]), model_calls=3)
    stands_in(base, answer, "kept calling its tools and gave no answer")
    assert len(asked) == 3


def test_many_calls_at_once_are_limited(base: Assistant) -> None:
    many = Reply(calls=[("search", {"query": f"debt {n}"}) for n in range(40)])
    answer, asked = ask(base, DEBT, many, debt, model_calls=2)
    results = [m["content"] for m in asked[1]["messages"] if m["role"] == "tool"]
    assert (answer.status, len(results)) == ("answered", 40)
    assert sum("limit" in r for r in results) == 34


def test_what_is_thought_aloud_before_a_search_is_not_the_answer(base: Assistant) -> None:
    answer, _ = ask(base, DEBT, Reply("I believe it is $99 million.", calls=[("search", {"query": "debt"})]), debt)
    assert [c.text for c in answer.claims] == ["Harbor Tools owes its banks $75 million."]


# What the model says


def wrong(base: Assistant, question: str, *replies: Script) -> Answer:
    answer, _ = ask(base, question, *replies, Reply("nothing to add"))
    assert answer.mode == "model"
    return answer


def test_invented_ids_are_dropped_counted_and_told(base: Assistant) -> None:
    def reply(r: Request) -> Reply:
        return Reply(f"{SAID} {cite(r, SAID)} [cabc123] [S4] [12].")

    answer = wrong(base, REVENUE, reply)
    assert answer.text == f"{SAID}. [S1]"
    assert "3 citations of the model named no passage that it was shown, and were dropped." in answer.warnings


def test_a_claim_with_invented_ids_alone_is_unsupported(base: Assistant) -> None:
    def reply(r: Request) -> Reply:
        return Reply(f"{SAID} {cite(r, SAID)}. Harbor Tools moved to Norway in 2024 [cdeadbe].")

    answer = wrong(base, REVENUE, reply)
    assert [(c.markers, c.verdict) for c in answer.claims] == [(("S1",), "supported"), ((), "unsupported")]
    assert answer.claims[1].reason == "no source is cited, and no passage given to the model says this"


@pytest.mark.parametrize(
    ("said", "verdicts"),
    [
        ("Revenue of Harbor Tools rose to $148 million in 2023", {"contradicted", "unsupported"}),  # an invented figure
        ("Revenue of Harbor Tools rose to $184 billion in 2023", {"contradicted", "unsupported"}),  # another scale
        ("Revenue of Harbor Tools fell to $184 million in 2023", {"contradicted", "unsupported"}),  # another direction
        ("Revenue of Harbor Tools rose to $-184 million in 2023", {"contradicted", "unsupported"}),  # another sign
        ("Revenue of Harbor Tools rose to $184 million in 2021", {"contradicted", "unsupported"}),  # another year
        ("Revenue of Acme Forge rose to $184 million in 2023", {"contradicted", "unsupported"}),  # another firm
    ],
)
def test_a_wrong_sentence_is_marked_with_what_it_cites(base: Assistant, said: str, verdicts: set[str]) -> None:
    def reply(r: Request) -> Reply:
        source = cite(r, SAID)
        return Reply(f"{said} {source}. Harbor Tools owes its banks $75 million {source}.")

    answer = wrong(base, REVENUE, reply)
    bad, good = answer.claims
    assert (good.verdict, answer.status) == ("supported", "answered")
    assert bad.verdict in verdicts
    assert bad.reason
    assert bad.markers
    assert answer.citations[0].quote.startswith("Revenue of Harbor Tools")
    assert all(n.traced_to == () for n in bad.numbers)


def test_a_right_figure_with_the_wrong_source_is_marked(base: Assistant) -> None:
    question = "What did the recall cost Lantern Foods, and what does Harbor Tools owe its banks?"

    def reply(r: Request) -> Reply:
        assert len(ids(r)) > 1
        return Reply(
            f"The recall cost Lantern Foods $22 million {cite(r, '$22 million')}. "
            f"Harbor Tools owes its banks $75 million {cite(r, '$22 million')}."
        )

    answer = wrong(base, question, reply)
    good, bad = answer.claims
    assert good.verdict == "supported"
    assert bad.verdict in {"unsupported", "contradicted"}
    titles = {c.marker: c.title for c in answer.citations}
    assert {titles[m] for m in bad.markers} == {"Lantern Foods after the recall"}


def test_a_repair_that_fails_leaves_the_sentence_marked(base: Assistant) -> None:
    def reply(r: Request) -> Reply:
        return Reply(f"{SAID} {cite(r, SAID)}. Harbor Tools owes its banks $95 million {cite(r, SAID)}.")

    answer, asked = ask(base, REVENUE, reply, Reply(status=500))
    assert [c.verdict == "supported" for c in answer.claims] == [True, False]
    assert len(asked) == 2


def test_a_sentence_that_is_said_twice_stands_once(base: Assistant) -> None:
    def reply(r: Request) -> Reply:
        return Reply(f"{SAID} {cite(r, SAID)}. {SAID} {cite(r, SAID)}.\n\n{SAID} {cite(r, SAID)}.")

    assert [c.text for c in wrong(base, REVENUE, reply).claims] == [f"{SAID}."]


def test_headings_and_tables_of_a_model_are_read_as_text(base: Assistant) -> None:
    def reply(r: Request) -> Reply:
        source = cite(r, SAID)
        return Reply(
            f"## Revenue of Harbor Tools\n\n| Firm | Debt |\n|---|---|\n| Harbor Tools owes its banks | $75 million {source} |\n\n## Doomed by fraud\n\n{SAID} {source}."
        )

    answer = wrong(base, REVENUE, reply)
    assert answer.text.startswith("**Revenue of Harbor Tools**\n\n")
    doubtful = [c.text for c in answer.claims if c.verdict != "supported"]
    assert "Doomed by fraud" in doubtful  # a heading may not say what no source says
    assert f"{SAID}." in [c.text for c in answer.claims if c.verdict == "supported"]


def test_a_sentence_that_breaks_the_check_is_shown_as_unchecked(
    base: Assistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    from assistant import grounding

    real = grounding.check

    def breaks(claim: str, *rest: Any, **named: Any) -> Any:
        if "41,000" in claim:
            raise IndexError(claim)
        return real(claim, *rest, **named)

    monkeypatch.setattr(grounding, "check", breaks)

    def reply(r: Request) -> Reply:
        return Reply(f"{SAID} {cite(r, SAID)}. Harbor Tools sold 41,000 presses in 2023 {cite(r, SAID)}.")

    answer = wrong(base, REVENUE, reply)
    assert [(c.verdict, c.reason) for c in answer.claims][1] == ("unchecked", "the check broke off (IndexError)")
    assert answer.claims[0].verdict == "supported"


# Stopping


def test_closing_the_stream_ends_the_request(base: Assistant) -> None:
    with asking(base, Reply(silent=True)) as (assistant, server):
        events = assistant.stream(DEBT)
        for event in events:
            if event["type"] == "status" and server.asked.is_set():
                break
        events.close()
        assert server.left.wait(PATIENCE)
        assert len(server.requests) == 1


def test_closing_the_stream_in_the_middle_of_a_sentence_ends_the_request(base: Assistant) -> None:
    with asking(base, Reply("Harbor Tools owes its banks a lot", hold=threading.Event())) as (assistant, server):
        events = assistant.stream(DEBT)
        assert next(e for e in events if e["type"] == "draft")["text"].startswith("Harbor Tools"[:4])
        events.close()
        assert server.left.wait(PATIENCE)


def test_closing_the_stream_while_a_server_is_waited_for_asks_it_no_more(base: Assistant) -> None:
    with asking(base, Reply(status=429, headers={"retry-after": "15"}), debt) as (assistant, server):
        events = assistant.stream(DEBT)
        assert next(e for e in events if "asking again" in e.get("text", ""))["type"] == "status"
        events.close()
        assert len(server.requests) == 1


def test_closing_the_stream_in_the_repair_ends_the_request(base: Assistant) -> None:
    def reply(r: Request) -> Reply:
        return Reply(f"Harbor Tools owes its banks $95 million {cite(r, '$75 million')}.")

    # The repair is no stream: the server's wait begins before anything is sent.
    with asking(base, reply, Reply("1: WITHDRAW", silent=True)) as (assistant, server):
        events = assistant.stream(DEBT)
        next(e for e in events if e.get("text", "").startswith("Checking 1 sentence again"))
        while len(server.requests) < 2:
            next(events)
        events.close()
        assert server.left.wait(PATIENCE)


def test_two_questions_at_once_do_not_mix(base: Assistant) -> None:
    def reply(r: Request) -> Reply:
        return (
            debt(r)
            if "owe" in r["messages"][-1]["content"].rsplit("Question:", 1)[1]
            else Reply(f"The recall cost Lantern Foods $22 million {cite(r, '$22 million')}.")
        )

    found: dict[str, Answer] = {}
    with asking(base, reply) as (assistant, _):

        def one(question: str) -> None:
            found[question] = assistant.ask(question)

        threads = [threading.Thread(target=one, args=(q,)) for q in (DEBT, RECALL)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found[DEBT].claims[0].text == "Harbor Tools owes its banks $75 million."
    assert found[RECALL].claims[0].text == "The recall cost Lantern Foods $22 million."


def test_two_assistants_ask_one_address_one_after_the_other(base: Assistant) -> None:
    """The first that closes its connections does not close them for the second."""
    with serving(debt) as server:
        for _ in range(2):
            with asking(base, Reply(), model_url=server.url) as (assistant, _):
                assert assistant.ask(DEBT).mode == "model"
