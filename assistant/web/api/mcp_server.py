"""The MCP server at /mcp, stateless over streamable HTTP: the one door to the package mcp. It runs as the request's user."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from typing import Annotated, Any

from fastapi import Request
from mcp.server import Server, ServerRequestContext
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    Tool,
    ToolAnnotations,
)
from pydantic import BaseModel, Field, ValidationError
from starlette.types import Receive, Scope, Send

from assistant.access import User
from assistant.catalysts.shapes import Board
from assistant.catalysts.told import board_text
from assistant.models import Answer, ToolResult
from assistant.shown import passage_json
from assistant.web.api import edge, shapes
from assistant.web.api.board import shortened
from assistant.web.api.body import need_json
from assistant.web.api.chat import footnotes
from assistant.web.api.context import Api, filters_of
from assistant.web.api.problems import Unacceptable, of_error, unforeseen
from assistant.web.asking import user_of
from vectorstore.errors import ThesisError

INSTRUCTIONS = (
    "A knowledge base for investment research. `ask` answers with verbatim, cited sentences; `search` finds passages; "
    "`document` reads the text around a citation; `board` shows what speaks for and against each catalyst of the thesis; the other tools are live figures. Repeat the sources that an answer names."
)
MOST_TEXT = 20_000  # characters of a document that one call returns
Context = ServerRequestContext[Any, Request]


class AskArguments(shapes.Given):
    question: shapes.Query
    as_of: shapes.Day | None = Field(None, description="Nothing published after this day is used.")
    filters: shapes.Filters | None = None


class SearchArguments(shapes.Given):
    query: shapes.Query
    k: Annotated[int, Field(ge=1, le=100)] = 10
    as_of: shapes.Day | None = Field(None, description="Nothing published after this day is used.")
    filters: shapes.Filters | None = None


class DocumentArguments(shapes.Given):
    document_id: Annotated[str, Field(min_length=1, max_length=64)]
    version: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    start: Annotated[int, Field(ge=0, le=1_000_000_000)] = 0
    end: Annotated[int, Field(ge=0, le=1_000_000_000)] | None = Field(
        None, description=f"At most {MOST_TEXT} characters come at once."
    )


class BoardArguments(shapes.Given):
    catalyst: Annotated[str, Field(min_length=1, max_length=64)] | None = Field(
        None, description="The id of one catalyst, such as tariffs; default: all."
    )
    as_of: shapes.Day | None = Field(None, description="Nothing published, filed or observed after this day is used.")
    since: shapes.Day | None = Field(None, description="Claims published on this day or later are marked as new.")
    limit: Annotated[int, Field(ge=1, le=100)] = Field(5, description="Claims of each side, newest first.")


_OWN: Mapping[str, tuple[type[BaseModel], type[BaseModel], str]] = {
    "ask": (AskArguments, Answer, "Ask a question; the answer's sentences are checked, each with its source."),
    "search": (SearchArguments, shapes.Passages, "Find passages, best first."),
    "board": (
        BoardArguments,
        Board,
        "What documents and live figures say for and against each catalyst of the thesis.",
    ),
    "document": (DocumentArguments, shapes.Text, "Read the stored text of a document; citations are offsets into it."),
}
_READS = ToolAnnotations(read_only_hint=True, destructive_hint=False, open_world_hint=False)
_MEASURES = ToolAnnotations(read_only_hint=True, destructive_hint=False, open_world_hint=True)


@cache
def _own_tools() -> tuple[Tool, ...]:
    return tuple(
        Tool(
            name=name,
            description=text,
            input_schema=arguments.model_json_schema(),
            output_schema=result.model_json_schema(mode="serialization"),
            annotations=_READS,
        )
        for name, (arguments, result, text) in _OWN.items()
    )


@cache
def _metrics() -> tuple[Tool, ...]:
    """Return each live metric as a tool of its own: its arguments are then in its schema."""
    from assistant.tools.registry import tools

    day = {
        "type": "string",
        "format": "date",
        "description": "Nothing published, filed or observed after this day is used.",
    }
    found = []
    for name, tool in tools().items():
        schema = tool.arguments.model_json_schema()
        schema["properties"] = {**schema.get("properties", {}), "as_of": day}
        found.append(
            Tool(
                name=name,
                description=tool.summary,
                input_schema=schema,
                output_schema=ToolResult.model_json_schema(mode="serialization"),
                annotations=_MEASURES,
            )
        )
    return tuple(found)


def _result(text: str, structured: Mapping[str, Any]) -> CallToolResult:
    return CallToolResult(content=[TextContent(type="text", text=text)], structured_content=dict(structured))


def _error(message: str) -> CallToolResult:
    return CallToolResult(content=[TextContent(type="text", text=message)], is_error=True)


class Tools:
    """The tools as the server calls them, for the user of each request."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._own: Mapping[str, Callable[[Request, User, dict[str, Any]], Awaitable[CallToolResult]]] = {
            "ask": self._ask,
            "search": self._search,
            "board": self._board,
            "document": self._document,
        }

    async def listed(self, ctx: Context, params: PaginatedRequestParams | None) -> ListToolsResult:
        user = user_of(ctx.request)
        needs = {"ask": "ask", "search": "search", "board": "tools", "document": "read"}
        own = [tool for tool in _own_tools() if user.may(needs[tool.name])]  # type: ignore[arg-type]
        metrics = await self._api.work.call(_metrics) if user.may("tools") else ()
        return ListToolsResult(tools=[*own, *metrics])

    async def call(self, ctx: Context, params: CallToolRequestParams) -> CallToolResult:
        """Run one tool; what goes wrong inside is a result with ``is_error``. Raises MCPError for a tool there is not."""
        request = ctx.request
        assert request is not None
        user, given = user_of(request), dict(params.arguments or {})
        try:
            if params.name in self._own:
                return await self._own[params.name](request, user, given)
            return await self._metric(request, user, params.name, given)
        except ValidationError as error:
            wrong = error.errors(include_input=False, include_url=False)[0]
            name = ".".join(map(str, wrong["loc"])) or "arguments"
            return _error(f"{name}: {str(wrong['msg']).removeprefix('Value error, ')}.")
        except ThesisError as error:
            return _error(f"{of_error(error).detail} {error.what_to_do}".strip())
        except MCPError:
            raise
        except Exception as error:  # noqa: BLE001 - told with its number, and logged
            return _error(unforeseen(error, f"/mcp {params.name[:64]}").detail)

    async def _ask(self, request: Request, user: User, given: dict[str, Any]) -> CallToolResult:
        asked = AskArguments.model_validate(given)
        answer = await self._api.answer(
            user, asked.question, as_of=asked.as_of, filters=filters_of(asked.filters), channel="mcp"
        )
        if answer.error is not None:
            return _error(f"{answer.error.message} {answer.error.what_to_do}".strip())
        text = answer.text + footnotes(answer.citations, str(request.base_url).rstrip("/"))
        notes = "".join(f"\n\nNote: {warning}" for warning in answer.warnings)
        return _result(text + notes, answer.model_dump(mode="json"))

    async def _search(self, request: Request, user: User, given: dict[str, Any]) -> CallToolResult:
        asked = SearchArguments.model_validate(given)
        self._api.service.need(user, "search")
        found = await self._api.work.call_slow(
            user.name,
            lambda: self._api.service.search(
                user, asked.query, k=asked.k, as_of=asked.as_of, filters=filters_of(asked.filters)
            ),
        )
        shown = [passage_json(passage) for passage in found]
        lines = []
        for number, one in enumerate(shown, start=1):
            page = f"page {one['page']}" if one["page"] else None
            named = one["title"] or one["path"].rsplit("/", 1)[-1]
            place = ", ".join(part for part in (named, one["publisher"], one["published"], page) if part)
            span = f"document {one['document_id']}, characters {one['start']}-{one['end']}"
            lines.append(f"[{number}] {place} ({span})\n{one['text']}")
        return _result("\n\n".join(lines) or "Nothing found.", {"passages": shown})

    async def _board(self, request: Request, user: User, given: dict[str, Any]) -> CallToolResult:
        asked = BoardArguments.model_validate(given)
        self._api.service.need(user, "read")
        found = await self._api.work.call_slow(
            user.name,
            lambda: self._api.service.board(user, asked.catalyst, as_of=asked.as_of, since=asked.since),
        )
        shown = shortened(found, asked.limit)
        return _result(board_text(shown), shown.model_dump(mode="json"))

    async def _document(self, request: Request, user: User, given: dict[str, Any]) -> CallToolResult:
        asked = DocumentArguments.model_validate(given)
        self._api.service.need(user, "read")
        found = await self._api.work.call(lambda: self._api.service.document(user, asked.document_id, asked.version))
        end = len(found.text) if asked.end is None else asked.end
        if not asked.start <= end <= len(found.text):
            raise Unacceptable(
                "bad_request", f"start and end: the text has {len(found.text)} characters.", "Give a stretch of it."
            )
        end = min(end, asked.start + MOST_TEXT)
        text = found.text[asked.start : end]
        head = ", ".join(
            part for part in (found.metadata.title, found.metadata.publisher, found.metadata.published) if part
        )
        whole = {
            "document_id": found.document_id,
            "version": found.version,
            "start": asked.start,
            "end": end,
            "characters": len(found.text),
            "text": text,
        }
        return _result(f"{head} (characters {asked.start}-{end} of {len(found.text)})\n\n{text}", whole)

    async def _metric(self, request: Request, user: User, name: str, given: dict[str, Any]) -> CallToolResult:
        from assistant.tools.command import result_text

        if name not in {tool.name for tool in await self._api.work.call(_metrics)}:
            raise MCPError(INVALID_PARAMS, f"There is no tool {name[:80]!r}.")
        self._api.service.need(user, "tools")
        as_of = given.pop("as_of", None)
        if as_of is not None and not isinstance(as_of, str):
            raise Unacceptable("bad_request", "as_of: is no date: write it as YYYY-MM-DD.")
        result = await self._api.work.call_slow(
            user.name, lambda: self._api.service.tool(user, name, given, as_of=as_of)
        )
        told = CallToolResult(
            content=[TextContent(type="text", text=result_text(result))],
            structured_content=result.model_dump(mode="json"),
        )
        return told.model_copy(update={"is_error": result.status == "error"})


class McpServer:
    """ASGI application for /mcp; ``manager.run()`` holds while the server serves."""

    def __init__(self, api: Api, limit: int) -> None:
        """``limit``: bytes of a body."""
        tools = Tools(api)
        server: Server[Any] = Server(
            "thesis",
            title="Thesis",
            instructions=INSTRUCTIONS,
            on_list_tools=tools.listed,
            on_call_tool=tools.call,
        )
        self.manager = StreamableHTTPSessionManager(
            server,
            stateless=True,
            # edge.Limited looks at the Host and Origin of every request, these too.
            security_settings=TransportSecuritySettings(enable_dns_rebinding_protection=False),
            max_request_body_size=limit,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        edge.note(request, "/mcp")
        if request.method == "POST":
            need_json(request)
        await self.manager.handle_request(scope, receive, edge.Told(scope, send))
