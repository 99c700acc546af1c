"""Questions: /ask, /read, /search."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response

from assistant.models import Answer
from assistant.shown import passage_json
from assistant.web.api import examples, shapes
from assistant.web.api.context import Api, filters_of
from assistant.web.api.problems import Problem
from assistant.web.api.sse import EventStream, event, pieces, wants_events, while_there
from assistant.web.api.work import Event
from assistant.web.asking import user_of


def json_of(model: Any, status: int = 200) -> Response:
    """Return a model of ours as it stands: it has been checked when it was made."""
    return Response(
        model.model_dump_json(), status, media_type="application/json", headers={"cache-control": "no-store"}
    )


def failed(answer: Answer) -> Problem:
    """Return the problem that an answer with status "error" is."""
    assert answer.error is not None
    return Problem(
        answer.error.kind, answer.error.message, answer.error.what_to_do, more={"answer_id": answer.answer_id}
    )


def shown(request: Request, one: Event) -> bytes:
    """Return an event of an answer on the wire."""
    if one["type"] != "answer":
        return event(str(one["type"]), {name: value for name, value in one.items() if name != "type"})
    answer: Answer = one["answer"]
    if answer.status == "error":
        return event("error", failed(answer).body(request.url.path))
    return event("answer", answer.model_dump_json())


def routes(api: Api, router: APIRouter) -> None:
    """Add the routes."""

    @router.post(
        "/api/v1/ask",
        tags=["Questions"],
        summary="Ask a question",
        response_model=Answer,
        responses={200: examples.answer_response()},
        openapi_extra=examples.request(examples.ASK),
    )
    async def ask(request: Request, asked: shapes.Ask) -> Response:
        """Answer a question with sources, as JSON; with `Accept: text/event-stream` as it comes.

        Events: `status` {text}, `draft` {text} (words of a model that no check has seen, in place of the draft before),
        `sentence` {text, verdict}, last `answer` (the Answer) or `error` (a problem).
        """
        user = user_of(request)
        named: dict[str, Any] = {
            "as_of": asked.as_of,
            "filters": filters_of(asked.filters),
            "conversation_id": asked.conversation_id,
            "model": api.model(asked.model),
            "channel": "api",
        }
        if wants_events(request):
            first, events = await api.begun(request, user, asked.question, **named)
            if first is not None and first["type"] == "answer" and first["answer"].status == "error":
                await events.aclose()
                return failed(first["answer"]).response(request.scope)
            return EventStream(pieces(request, first, events, partial(shown, request)))
        answer = await while_there(request, api.answer(user, asked.question, **named))
        return failed(answer).response(request.scope) if answer.status == "error" else json_of(answer)

    @router.post(
        "/api/v1/read",
        tags=["Questions"],
        summary="Say what a question is understood as",
        response_model=shapes.Understood,
        responses=examples.response(examples.UNDERSTOOD),
        openapi_extra=examples.request(examples.READ),
    )
    async def read(request: Request, asked: shapes.Read) -> Response:
        """Return what `ask` would look for, and which live metrics it would call; nothing is searched, and nothing recorded."""
        found = await api.read(
            request,
            "ask",
            lambda user: api.service.read(
                user,
                asked.question,
                conversation_id=asked.conversation_id,
                filters=filters_of(asked.filters),
                as_of=asked.as_of,
            ),
        )
        return JSONResponse(asdict(found))

    @router.get(
        "/api/v1/search",
        tags=["Questions"],
        summary="Find passages",
        response_model=shapes.Passages,
        responses=examples.response(examples.PASSAGES),
    )
    async def search(request: Request, asked: Annotated[shapes.Search, Query()]) -> Response:
        """Return up to `k` passages, best first, by the same understanding, filters and ranking as `ask`."""
        found = await api.run(
            request,
            "search",
            lambda user: api.service.search(user, asked.q, k=asked.k, as_of=asked.as_of, filters=asked.filters()),
        )
        return JSONResponse({"passages": [passage_json(p) for p in found]})
