"""What OpenAI's clients ask for: /v1/models and /v1/chat/completions, with sources in footnotes and in ``thesis``.

The text goes out sentence by sentence when the whole answer is checked and recorded: what a protocol without take-backs has
sent stays said. Until then comments keep the connection open.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from itertools import pairwise
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse, Response

from assistant.models import Answer, Citation, Claim
from assistant.web.api import examples
from assistant.web.api.chat_shapes import Completed, Completion, Extension, Message, ModelInfo, ModelList
from assistant.web.api.context import NO_MODEL, Api, filters_of
from assistant.web.api.problems import Problem, Unacceptable, told
from assistant.web.api.questions import failed
from assistant.web.api.sse import PING, EventStream, while_there
from assistant.web.api.work import Event
from assistant.web.asking import user_of

DEFAULT = "thesis"
EXTRACTIVE = "thesis-extractive"
MODELS = {DEFAULT: None, EXTRACTIVE: NO_MODEL}
LONGEST_QUESTION = 4000


USAGE = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}


def _wrong(param: str, message: str, code: str = "unsupported_value") -> Unacceptable:
    return Unacceptable("bad_request", message, param=param, code=code)


def refuse_what_is_not_here(asked: Completion) -> None:
    """Raise Unacceptable for what would need another kind of answer; nulls and defaults are what clients send unasked."""
    more = asked.model_extra or {}
    if more.get("n") not in (None, 1):
        raise _wrong("n", "One answer is given: n is 1.")
    for name in ("tools", "functions"):
        if more.get(name):
            raise _wrong(name, f"{name} of a client are not called here.")
    kind = more.get("response_format")
    if kind is not None and (not isinstance(kind, dict) or kind.get("type") != "text"):
        raise _wrong("response_format", "Answers are text: response_format is {“type”: “text”}.")
    if more.get("modalities") not in (None, ["text"]) or more.get("audio"):
        raise _wrong("modalities", "Answers are text only.")
    if more.get("logprobs"):
        raise _wrong("logprobs", "There are no log probabilities.")


def text_of(message: Message, place: int) -> str:
    """Return the text of a message. Raises Unacceptable for a part that is none."""
    if isinstance(message.content, list):
        for number, part in enumerate(message.content):
            if part.type != "text" or part.text is None:
                raise _wrong(f"messages[{place}].content[{number}].type", "Only parts of the type text are read.")
        return "\n".join(part.text or "" for part in message.content)
    return message.content or ""


def question_of(messages: list[Message]) -> tuple[str, list[dict[str, str]]]:
    """Return the last message of the user, and what the user and the assistant said before it. Raises Unacceptable."""
    texts = [(message.role, text_of(message, place)) for place, message in enumerate(messages)]
    last = max((place for place, (role, _) in enumerate(texts) if role == "user"), default=None)
    if last is None:
        raise _wrong("messages", "There is no message of the user.", "invalid_value")
    question = texts[last][1]
    if not question.strip():
        raise _wrong(f"messages[{last}].content", "The question is empty.", "invalid_value")
    if len(question) > LONGEST_QUESTION:
        raise _wrong(f"messages[{last}].content", "A question has 4,000 characters at most.", "string_above_max_length")
    earlier = [{"role": role, "content": text} for role, text in texts[:last] if role in {"user", "assistant"} and text]
    return question, earlier


def footnotes(citations: tuple[Citation, ...], base: str) -> str:
    """Return the list of sources below a text; ``base``: the address of this server."""
    lines = []
    for cited in citations:
        named = " ".join((cited.title or cited.path.rsplit("/", 1)[-1]).split())
        page = f"page {cited.page}" if cited.page else None
        place = ", ".join(part for part in (named, cited.publisher, cited.published, page) if part)
        lines.append(f"[{cited.marker}] {place}: {base}{cited.url}")
    return "\n\n" + "\n".join(lines) if lines else ""


def pieces_of(text: str, claims: Sequence[Claim] = ()) -> Iterator[str]:
    """Yield a text in pieces, each a line or a checked sentence with what follows it; together they are the text."""
    cuts = {claim.start for claim in claims} | {found.end() for found in re.finditer(r"\n+", text)}
    # The sign of a list belongs to the sentence after it.
    cuts -= {cut for cut in cuts if text[:cut].endswith("- ")}
    places = [0, *sorted(cut for cut in cuts if 0 < cut < len(text)), len(text)]
    for start, end in pairwise(places):
        if start < end:
            yield text[start:end]


class _Reply:
    """One completion on its way to a client of OpenAI's API."""

    def __init__(self, model: str, base: str, usage: bool) -> None:
        self._model, self._base, self._usage = model, base, usage
        self._created = int(time.time())
        self._id = ""

    def content(self, answer: Answer) -> str:
        return answer.text + footnotes(answer.citations, self._base)

    def whole(self, answer: Answer) -> dict[str, Any]:
        message = {
            "role": "assistant",
            "content": self.content(answer),
            "refusal": None,
            "thesis": answer.model_dump(mode="json"),
        }
        choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
        return {
            "id": f"chatcmpl-{answer.answer_id}",
            "object": "chat.completion",
            "created": self._created,
            "model": self._model,
            "choices": [choice],
            "usage": USAGE,
        }

    def _chunk(self, delta: dict[str, Any] | None, finish: str | None = None, **more: Any) -> bytes:
        choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}]
        body = {
            "id": self._id,
            "object": "chat.completion.chunk",
            "created": self._created,
            "model": self._model,
            "choices": choices,
            **({"usage": None} if self._usage else {}),
            **more,
        }
        return _data(body)

    def chunks(self, answer: Answer) -> Iterator[bytes]:
        self._id = f"chatcmpl-{answer.answer_id}"
        yield self._chunk({"role": "assistant", "content": "", "refusal": None})
        for piece in pieces_of(self.content(answer), answer.claims):
            yield self._chunk({"content": piece})
        yield self._chunk({"thesis": answer.model_dump(mode="json")}, "stop")
        if self._usage:
            yield self._chunk(None, usage=USAGE)
        yield b"data: [DONE]\n\n"

    async def stream(
        self, request: Request, first: Event | None, events: AsyncGenerator[Event | None, None]
    ) -> AsyncGenerator[bytes, None]:
        async with aclosing(events):
            try:
                one = first
                while one is None or one["type"] != "answer":
                    yield PING
                    one = await anext(events)
                answer: Answer = one["answer"]
                if answer.status == "error":
                    yield _data({"error": failed(answer).as_openai()})
                    return
                for chunk in self.chunks(answer):
                    yield chunk
            except Exception as error:  # noqa: BLE001 - the response has begun: it is told as an event
                yield _data({"error": told(error, request.url.path).as_openai()})


def _data(body: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(body, ensure_ascii=False, allow_nan=False)}\n\n".encode("utf-8", "replace")


def _info(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "thesis"}


def _known(name: str) -> None:
    """Raise Unacceptable for a model there is not."""
    if name not in MODELS:
        names = ", ".join(MODELS)
        raise Unacceptable(
            "not_found",
            f"There is no model {name[:80]!r}.",
            f"Models are: {names}.",
            param="model",
            code="model_not_found",
        )


def routes(api: Api, router: APIRouter) -> None:
    """Add the routes."""

    @router.get(
        "/v1/models",
        tags=["OpenAI"],
        summary="List models",
        response_model=ModelList,
        responses=examples.response({"object": "list", "data": [_info(DEFAULT), _info(EXTRACTIVE)]}),
    )
    async def models(request: Request) -> Response:
        """Return the models: "thesis" answers as the server is set up, "thesis-extractive" without a language model."""
        api.service.need(user_of(request), "ask")
        return JSONResponse({"object": "list", "data": [_info(name) for name in MODELS]})

    @router.get(
        "/v1/models/{model}",
        tags=["OpenAI"],
        summary="Get a model",
        response_model=ModelInfo,
        responses=examples.response(_info(DEFAULT)),
    )
    async def model(request: Request, model: Annotated[str, Path(min_length=1, max_length=200)]) -> Response:
        """Return one model."""
        api.service.need(user_of(request), "ask")
        _known(model)
        return JSONResponse(_info(model))

    @router.post(
        "/v1/chat/completions",
        tags=["OpenAI"],
        summary="Answer as a chat completion",
        response_model=Completed,
        responses={
            200: {
                "description": "The completion, or its chunks",
                "content": {
                    "application/json": {
                        "example": _Reply(DEFAULT, "https://thesis.example", False).whole(examples.answer())
                    },
                    "text/event-stream": examples.event_stream(),
                },
            }
        },
        openapi_extra=examples.request(
            {"model": DEFAULT, "messages": [{"role": "user", "content": examples.ASK["question"]}]}
        ),
    )
    async def completions(request: Request, asked: Completion) -> Response:
        """Answer the user's last message. The text has the sources as footnotes; the message's `thesis` is the whole Answer."""
        user = user_of(request)
        _known(asked.model)
        refuse_what_is_not_here(asked)
        question, history = question_of(asked.messages)
        own = asked.thesis or Extension()
        usage = bool(asked.stream_options and asked.stream_options.include_usage)
        reply = _Reply(asked.model, str(request.base_url).rstrip("/"), usage)
        named: dict[str, Any] = {
            "as_of": own.as_of,
            "filters": filters_of(own.filters),
            "conversation_id": own.conversation_id,
            "history": history,
            "model": MODELS[asked.model],
            "channel": "openai",
        }
        if asked.stream:
            first, events = await api.begun(request, user, question, **named)
            if first is not None and first["type"] == "answer" and first["answer"].status == "error":
                await events.aclose()
                return failed(first["answer"]).response(request.scope)
            return EventStream(reply.stream(request, first, events))
        answer = await while_there(request, api.answer(user, question, **named))
        problem: Problem | None = failed(answer) if answer.status == "error" else None
        return problem.response(request.scope) if problem else JSONResponse(reply.whole(answer))
