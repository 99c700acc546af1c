"""The model mode on the page: drafts in grey, the mode in words, doubts marked, and Stop that reaches the model."""

from __future__ import annotations

import re
import threading

import pytest

from assistant import Assistant
from assistant.access import LOCAL
from assistant.service import Service
from assistant.web import conversation, handlers, render
from assistant.web.handlers import Scope
from tests.agent_cases import DEBT, NOTES, REVENUE, SAID, asking
from tests.conftest import MakeBase
from tests.model_server import PATIENCE, Reply, Request, cite
from vectorstore.settings import Settings


@pytest.fixture(scope="module")
def base(make_base: MakeBase) -> Assistant:
    return make_base(NOTES)


def test_words_that_no_check_has_seen_are_grey_and_give_way_to_the_sentence(base: Assistant) -> None:
    def reply(r: Request) -> Reply:
        return Reply(f"{SAID} {cite(r, SAID)}.", pieces=9)

    with asking(base, reply) as (assistant, _):
        states = list(
            handlers.ask(Service(assistant, None, Settings()), LOCAL, conversation.begin((), REVENUE), Scope())
        )
    drafted = [t[-1] for t in states if t[-1].draft]
    assert drafted
    for turn in drafted:
        html = render.live((turn,))
        assert re.search(r'<p class="t-draft" title="Not checked yet">Reve', html)
        assert SAID not in re.sub(r'<p class="t-draft".*?</p>', "", html)
    spoken = next(t[-1] for t in states if t[-1].sentences)
    assert (spoken.sentences, spoken.draft) == ((f"{SAID}.",), "")
    shown = render.transcript(states[-1])
    assert "t-draft" not in shown
    assert "Written by openai:scripted, checked against the sources" in shown
    assert "t-doubt" not in shown


def test_a_draft_is_escaped_and_goes_when_the_user_stops() -> None:
    (turn,) = conversation.begin((), "q")
    turn = handlers._apply(turn, {"type": "draft", "text": "<b>x</b>"})
    assert "&lt;b&gt;x&lt;/b&gt;" in render.live((turn,))
    (stopped,) = conversation.stop((turn,))
    assert "x" not in re.sub(r"<[^>]*>", "", render.transcript((stopped,))).replace("checked", "")


def test_a_doubtful_sentence_has_its_reason_on_hover_and_a_supported_one_no_mark(base: Assistant) -> None:
    def reply(r: Request) -> Reply:
        return Reply(f"{SAID} {cite(r, SAID)}. Harbor Tools owes its banks $95 million {cite(r, SAID)}.")

    with asking(base, reply, Reply("")) as (assistant, _):
        *_, turns = handlers.ask(Service(assistant, None, Settings()), LOCAL, conversation.begin((), REVENUE), Scope())
    shown = render.transcript(turns)
    ((words, reason),) = re.findall(
        r'<span class="t-doubt t-\w+">(.*?)</span><button type="button" class="t-verdict[^>]* title="([^"]*)">', shown
    )
    assert words == "Harbor Tools owes its banks $95 million."
    assert "95" in reason
    # The same reason for touch and keys, shown on a click.
    assert f'<span class="t-reason" hidden>{reason.partition(": ")[2]}</span>' in shown


def test_without_a_model_the_page_says_so(base: Assistant) -> None:
    *_, turns = handlers.ask(Service(base, None, Settings()), LOCAL, conversation.begin((), DEBT), Scope())
    assert "Without a language model" in render.transcript(turns)


def test_leaving_the_page_ends_the_request(base: Assistant) -> None:
    with asking(base, Reply("Harbor Tools owes its banks a lot", hold=threading.Event())) as (assistant, server):
        states = handlers.ask(Service(assistant, None, Settings()), LOCAL, conversation.begin((), DEBT), Scope())
        next(t for t in states if t[-1].draft)
        states.close()  # type: ignore[attr-defined]
        assert server.left.wait(PATIENCE)
