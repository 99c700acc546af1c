"""What OpenAI's own client gets: models, completions, streams, sources, errors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from api_server import READER, Served, served_notes
from hypothesis import given
from hypothesis import strategies as st

from assistant.models import Answer, Claim
from assistant.web.api.chat import pieces_of

QUESTION = "How many analysts follow a small cap?"
ASKED: Any = [{"role": "user", "content": QUESTION}]


served = served_notes(anybody=None)


@pytest.fixture(scope="module")
def url(served: Served) -> str:
    return served.url


def client_for(url: str, key: str) -> openai.OpenAI:
    own = openai.DefaultHttpxClient(trust_env=False)
    return openai.OpenAI(base_url=f"{url}/v1", api_key=key, http_client=own, max_retries=0)


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[openai.OpenAI]:
    with client_for(url, READER.name) as made:
        yield made


def test_models_are_listed(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["thesis", "thesis-extractive"]
    assert client.models.retrieve("thesis").owned_by == "thesis"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-9")


def answer_of(message: Any) -> Answer:
    return Answer.model_validate(message.model_extra["thesis"])


def test_a_completion_has_its_sources_as_footnotes_and_as_data(client: openai.OpenAI, url: str) -> None:
    done = client.chat.completions.create(model="thesis", messages=ASKED, temperature=0.2, max_tokens=50, user="x")
    message = done.choices[0].message
    answer = answer_of(message)
    assert (done.object, done.model, done.choices[0].finish_reason) == ("chat.completion", "thesis", "stop")
    assert (answer.status, answer.question, answer.mode) == ("answered", QUESTION, "extractive")
    assert message.content is not None
    assert message.content.startswith(answer.text)
    notes = message.content.removeprefix(answer.text).strip().splitlines()
    assert notes == [f"[{c.marker}] {c.title}, {c.publisher}, {c.published}: {url}{c.url}" for c in answer.citations]
    assert done.usage is not None
    assert (done.usage.prompt_tokens, done.usage.completion_tokens, done.usage.total_tokens) == (0, 0, 0)


def test_a_stream_brings_the_same_in_checked_sentences(client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(model="thesis-extractive", messages=ASKED).choices[0].message.content
    stream = client.chat.completions.create(
        model="thesis-extractive", messages=ASKED, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    assert chunks[0].choices[0].delta.role == "assistant"
    said = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices and chunk.choices[0].delta.content]
    assert "".join(said) == whole
    last = chunks[-2].choices[0]
    answer = answer_of(last.delta)
    assert last.finish_reason == "stop"
    for claim in answer.claims:
        assert any(claim.text in piece for piece in said), "a checked sentence comes whole"
    assert (chunks[-1].choices, chunks[-1].usage and chunks[-1].usage.total_tokens) == ([], 0)
    assert {chunk.id for chunk in chunks} == {f"chatcmpl-{answer.answer_id}"}


def test_earlier_messages_are_read_with_the_question(client: openai.OpenAI) -> None:
    first = client.chat.completions.create(model="thesis", messages=ASKED).choices[0].message.content
    messages: Any = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": QUESTION}]},
        {"role": "assistant", "content": first},
        {"role": "user", "content": [{"type": "text", "text": "And for"}, {"type": "text", "text": "large caps?"}]},
    ]
    answer = answer_of(client.chat.completions.create(model="thesis", messages=messages).choices[0].message)
    assert answer.question == "And for\nlarge caps?"
    assert "analyst" in answer.standalone_question


def test_what_openai_has_no_field_for_comes_beside(client: openai.OpenAI) -> None:
    beside = {"thesis": {"as_of": "2020-01-01", "conversation_id": "from-openai-1"}}
    done = client.chat.completions.create(model="thesis", messages=ASKED, extra_body=beside)
    answer = answer_of(done.choices[0].message)
    assert (answer.status, answer.as_of) == ("insufficient_evidence", "2020-01-01")
    assert done.choices[0].message.content == answer.text, "no source, no footnote"
    with pytest.raises(openai.BadRequestError, match="as_of"):
        client.chat.completions.create(model="thesis", messages=ASKED, extra_body={"thesis": {"as_of": "soon"}})


IMAGE: Any = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://x.test/a.png"}}]}]
WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"n": 2}, "n", "n is 1"),
    ({"tools": [{"type": "function", "function": {"name": "a", "parameters": {}}}]}, "tools", "not called here"),
    ({"response_format": {"type": "json_object"}}, "response_format", "Answers are text"),
    ({"logprobs": True}, "logprobs", "no log probabilities"),
    ({"modalities": ["text", "audio"]}, "modalities", "text only"),
    ({"messages": IMAGE}, "messages[0].content[0].type", "Only parts of the type text"),
    ({"messages": []}, "messages", "at least 1"),
    ({"messages": [{"role": "system", "content": "a"}]}, "messages", "no message of the user"),
    ({"messages": [{"role": "user", "content": "  "}]}, "messages[0].content", "The question is empty"),
    ({"messages": [{"role": "user", "content": None}]}, "messages[0].content", "The question is empty"),
    ({"messages": [{"role": "user", "content": "a" * 4001}]}, "messages[0].content", "4,000 characters"),
    ({"messages": [{"role": "king", "content": "a"}]}, "messages.0.role", "user"),
]


@pytest.mark.parametrize(("given_", "param", "said"), WRONG)
def test_what_is_not_here_is_refused_as_openai_does(
    client: openai.OpenAI, given_: dict[str, Any], param: str, said: str
) -> None:
    call: dict[str, Any] = {"model": "thesis", "messages": ASKED} | given_
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(**call)
    error: Any = refused.value.body
    assert (error["type"], error["param"]) == ("invalid_request_error", param)
    assert said in error["message"]
    assert set(error) == {"message", "type", "param", "code"}


def test_a_model_there_is_not(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as refused:
        client.chat.completions.create(model="gpt-9", messages=ASKED)
    assert (refused.value.code, refused.value.param) == ("model_not_found", "model")


def test_without_a_token_nobody_is_answered(url: str) -> None:
    with client_for(url, "stranger") as stranger:
        with pytest.raises(openai.AuthenticationError) as refused:
            stranger.chat.completions.create(model="thesis", messages=ASKED)
        assert (refused.value.type, refused.value.code) == ("authentication_error", "not_signed_in")
        assert refused.value.response.headers["www-authenticate"] == 'Bearer realm="thesis"'
        with pytest.raises(openai.AuthenticationError):
            stranger.models.list()


@given(st.text(alphabet="ab .\n-[S1]", max_size=80), st.lists(st.integers(0, 80), max_size=5))
def test_pieces_are_the_text(text: str, starts: list[int]) -> None:
    claims = [Claim(text="", start=start, end=start) for start in starts]
    pieces = list(pieces_of(text, claims))
    assert "".join(pieces) == text
    assert all(pieces)
    assert all("\n" not in re.sub(r"\n+$", "", piece) for piece in pieces)
