"""Live metrics: the list, and one call."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse, Response

from assistant.models import ToolResult
from assistant.web.api import examples, shapes
from assistant.web.api.context import Api
from assistant.web.api.questions import json_of


def routes(api: Api, router: APIRouter) -> None:
    """Add the routes."""

    @router.get(
        "/api/v1/tools",
        tags=["Live metrics"],
        summary="List the live metrics",
        response_model=shapes.Tools,
        responses=examples.response(examples.TOOLS),
    )
    async def tools(request: Request) -> Response:
        """Return every tool with its arguments and where its figures come from."""
        return JSONResponse({"tools": await api.read(request, "tools", api.service.tools)})

    @router.post(
        "/api/v1/tools/{name}",
        tags=["Live metrics"],
        summary="Run a live metric",
        response_model=ToolResult,
        responses=examples.response(examples.TOOL_RESULT),
        openapi_extra=examples.request({"arguments": {"ticker": "IWM"}}),
    )
    async def tool(
        request: Request, name: Annotated[str, Path(min_length=1, max_length=64)], asked: shapes.ToolCall
    ) -> Response:
        """Return a ToolResult; no data, and a wrong argument, is a result too: its `status` and `error` say so."""
        result = await api.run(
            request, "tools", lambda user: api.service.tool(user, name, asked.arguments, as_of=asked.as_of)
        )
        return json_of(result)
