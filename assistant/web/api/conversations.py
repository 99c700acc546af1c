"""What was said: /answers, /feedback, /conversations, and /shared for those of others."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse, Response

from assistant.models import Answer
from assistant.web.api import examples, shapes
from assistant.web.api.context import Api
from assistant.web.api.questions import json_of

Id = Annotated[str, Path(min_length=1, max_length=64)]


def routes(api: Api, router: APIRouter) -> None:
    """Add the routes."""

    @router.get(
        "/api/v1/answers/{answer_id}",
        tags=["What was said"],
        summary="Get an answer again",
        response_model=Answer,
        responses=examples.response(examples.answer_json()),
    )
    async def answer(request: Request, answer_id: Id) -> Response:
        """Return an answer that you got before."""
        return json_of(await api.read(request, "ask", lambda user: api.service.answer(user, answer_id)))

    @router.post(
        "/api/v1/feedback",
        tags=["What was said"],
        summary="Say what an answer is worth",
        response_model=shapes.Kept,
        responses=examples.response(examples.KEPT),
        openapi_extra=examples.request(examples.FEEDBACK),
    )
    async def feedback(request: Request, said: shapes.Feedback) -> Response:
        """Keep "good" or "bad" for an answer that you got, in place of what you said before."""
        await api.read(
            request,
            "feedback",
            lambda user: api.service.feedback(user, said.answer_id, said.verdict, said.comment),
        )
        return JSONResponse({"answer_id": said.answer_id, "verdict": said.verdict})

    @router.get(
        "/api/v1/conversations",
        tags=["What was said"],
        summary="List your conversations",
        response_model=shapes.Conversations,
        responses=examples.response(examples.CONVERSATIONS),
    )
    async def conversations(request: Request) -> Response:
        """Return your conversations, newest first."""
        found = await api.read(request, "ask", api.service.conversations)
        return JSONResponse({"conversations": [dict(one) for one in found]})

    @router.get(
        "/api/v1/conversations/{conversation_id}",
        tags=["What was said"],
        summary="Get a conversation",
        response_model=shapes.Turns,
        responses=examples.response(examples.turns()),
    )
    async def conversation(request: Request, conversation_id: Id) -> Response:
        """Return the turns of one of your conversations, oldest first."""
        found = await api.read(request, "ask", lambda user: api.service.conversation(user, conversation_id))
        return json_of(shapes.Turns.model_validate(found))

    @router.delete(
        "/api/v1/conversations/{conversation_id}",
        tags=["What was said"],
        summary="Forget a conversation",
        status_code=204,
        response_class=Response,
    )
    async def forget(request: Request, conversation_id: Id) -> Response:
        """Delete one of your conversations; the audit keeps its own record."""
        await api.read(request, "ask", lambda user: api.service.forget(user, conversation_id))
        return Response(status_code=204)

    @router.post(
        "/api/v1/conversations/{conversation_id}/cut",
        tags=["What was said"],
        summary="Take the last turns out of a conversation",
        status_code=204,
        response_class=Response,
        openapi_extra=examples.request(examples.CUT),
    )
    async def cut(request: Request, conversation_id: Id, asked: shapes.Cut) -> Response:
        """Take out what came after an answer, to ask it again in other words; the audit keeps its own record."""
        await api.read(request, "ask", lambda user: api.service.cut(user, conversation_id, asked.after))
        return Response(status_code=204)

    @router.post(
        "/api/v1/conversations/{conversation_id}/share",
        tags=["What was said"],
        summary="Share a conversation",
        response_model=shapes.Shared,
        responses=examples.response(examples.SHARED),
    )
    async def share(request: Request, conversation_id: Id) -> Response:
        """Return the token of the link to one of your conversations, the same one while it is shared.

        Whoever has it and may sign in reads the conversation as it stands, as far as they may read its sources.
        """
        token = await api.read(request, "ask", lambda user: api.service.share(user, conversation_id))
        return JSONResponse({"token": token})

    @router.delete(
        "/api/v1/conversations/{conversation_id}/share",
        tags=["What was said"],
        summary="Share a conversation no more",
        status_code=204,
        response_class=Response,
    )
    async def unshare(request: Request, conversation_id: Id) -> Response:
        """End the link to one of your conversations; sharing it again makes another."""
        await api.read(request, "ask", lambda user: api.service.unshare(user, conversation_id))
        return Response(status_code=204)

    @router.get(
        "/api/v1/shared/{token}",
        tags=["What was said"],
        summary="Get a shared conversation",
        response_model=shapes.SharedTurns,
        responses=examples.response(examples.shared_turns()),
    )
    async def shared(request: Request, token: Id) -> Response:
        """Return the turns of another's conversation; answers that you may not read are null. The audit names who read it."""
        found = await api.read(request, "ask", lambda user: api.service.shared(user, token))
        return json_of(shapes.SharedTurns.model_validate(found))
