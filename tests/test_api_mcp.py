"""The MCP server, asked by MCP's own client over HTTP: tools, sources, refusals, and who asks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
from api_server import ASKER, READER, bearer, running
from loops import run_alone
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from assistant.assistant import Assistant
from assistant.models import Answer, ToolResult
from assistant.records import Records
from assistant.service import Service
from assistant.tools.registry import NAMES
from vectorstore.embedding import Embedder
from vectorstore.settings import Settings
from vectorstore.store import Store

QUESTION = "How many analysts follow a small cap?"
MODES = ["auto", "legacy"]  # of the protocol: without and with a handshake


@pytest.fixture(scope="module")
def service(
    tmp_path_factory: pytest.TempPathFactory,
    knowledge_store: Callable[[Path], Path],
    embedder: Embedder,
    model_cache: Path,
) -> Iterator[Service]:
    root = knowledge_store(tmp_path_factory.mktemp("mcp"))
    settings = Settings(store=str(root), cache=str(model_cache), workers=1, rate_per_minute=0, request_limit_kb=16)
    with Store.open(root, embedder=embedder) as store, Records.opened(settings, root) as records:
        yield Service(Assistant(store, settings), None, settings, records=records)


@pytest.fixture(scope="module")
def url(service: Service) -> Iterator[str]:
    with running(service, service.settings, anybody=None) as address:
        yield address


@asynccontextmanager
async def connected(url: str, mode: str, headers: Mapping[str, str]) -> AsyncIterator[Client]:
    async with httpx2.AsyncClient(headers=dict(headers), trust_env=False, timeout=60) as http:
        transport = streamable_http_client(f"{url}/mcp", http_client=http)
        async with Client(transport, mode=mode) as client:
            yield client


def call(url: str, name: str, arguments: dict[str, Any], *, mode: str = "auto", user: Any = READER) -> Any:
    async def run() -> Any:
        async with connected(url, mode, bearer(user)) as client:
            return await client.call_tool(name, arguments)

    return run_alone(run())


@pytest.mark.parametrize("mode", MODES)
def test_tools_are_listed_with_what_they_take_and_give(url: str, mode: str) -> None:
    async def run() -> Any:
        async with connected(url, mode, bearer(READER)) as client:
            return (await client.list_tools()).tools

    tools = {tool.name: tool for tool in run_alone(run())}
    assert set(tools) == {"ask", "search", "board", "document", *NAMES}
    for tool in tools.values():
        assert tool.description
        assert tool.annotations.read_only_hint is True
        assert tool.input_schema["type"] == "object"
        assert tool.output_schema["type"] == "object"
    assert tools["ask"].input_schema["required"] == ["question"]
    assert {"ticker", "as_of"} <= set(tools["drawdown"].input_schema["properties"])


@pytest.mark.parametrize("mode", MODES)
def test_an_answer_comes_with_footnotes_and_as_data(url: str, mode: str) -> None:
    result = call(url, "ask", {"question": QUESTION}, mode=mode)
    answer = Answer.model_validate(result.structured_content)
    assert (result.is_error, answer.status) == (False, "answered")
    text = result.content[0].text
    assert text.startswith(answer.text)
    for cited in answer.citations:
        assert f"[{cited.marker}] {cited.title}, {cited.publisher}, {cited.published}: {url}{cited.url}" in text


def test_passages_and_the_text_around_them(url: str) -> None:
    found = call(url, "search", {"query": "analysts small cap", "k": 2, "filters": {"kind": "note"}})
    first, second = found.structured_content["passages"]
    assert first["score"] >= second["score"]
    assert f"document {first['document_id']}, characters {first['start']}-{first['end']}" in found.content[0].text
    place = {name: first[name] for name in ("document_id", "version", "start", "end")}
    read = call(url, "document", place)
    assert read.structured_content["text"] == first["text"]
    whole = call(url, "document", {"document_id": first["document_id"]}).structured_content
    assert whole["text"][first["start"] : first["end"]] == first["text"]


def test_a_live_metric_says_why_there_is_none(url: str) -> None:
    result = call(url, "drawdown", {"ticker": "IWM", "as_of": "2025-01-01"})
    told = ToolResult.model_validate(result.structured_content)
    assert (told.tool, told.status, result.is_error) == ("drawdown", "not_configured", False)
    assert "drawdown (ticker=IWM" in result.content[0].text


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("ask", {}, "question"),
        ("ask", {"question": " "}, "question"),
        ("ask", {"question": "Why?", "as_of": "soon"}, "as_of: is no date"),
        ("ask", {"question": "Why?", "filters": {"kind": "gossip"}}, "filters.kind"),
        ("ask", {"question": "Why?", "colour": "red"}, "colour"),
        ("search", {"query": "a", "k": 0}, "k: "),
        ("document", {"document_id": "none"}, "There is no document none"),
        ("document", {"document_id": "a" * 65}, "document_id"),
        ("drawdown", {"colour": "red"}, "colour"),
        ("drawdown", {"as_of": 7}, "as_of"),
        ("drawdown", {"as_of": "soon"}, "is not a date"),
    ],
)
def test_what_is_wrong_is_told_where_a_model_reads_it(
    url: str, name: str, arguments: dict[str, Any], said: str
) -> None:
    result = call(url, name, arguments)
    assert result.is_error
    assert said in result.content[0].text
    assert "Traceback" not in result.content[0].text


def failure(run: Callable[[], Any]) -> BaseException:
    """Return the error that ``run`` ends with; the client wraps it in groups."""
    with pytest.raises(BaseException) as raised:
        run()
    error: BaseException = raised.value
    while isinstance(error, BaseExceptionGroup):
        (error,) = error.exceptions
    return error


def test_a_tool_there_is_not(url: str) -> None:
    error = failure(lambda: call(url, "weather", {}))
    assert isinstance(error, MCPError)
    assert "There is no tool 'weather'" in str(error)


def test_a_user_has_the_tools_that_they_may_use(url: str) -> None:
    async def run() -> Any:
        async with connected(url, "auto", bearer(ASKER)) as client:
            return (await client.list_tools()).tools

    assert [tool.name for tool in run_alone(run())] == ["ask"]
    for name, arguments in (("search", {"query": "a"}), ("document", {"document_id": "a"}), ("macro", {})):
        result = call(url, name, arguments, user=ASKER)
        assert (result.is_error, "may not use this" in result.content[0].text) == (True, True)


def test_what_was_asked_is_recorded_as_its_users(url: str, service: Service) -> None:
    result = call(url, "ask", {"question": QUESTION})
    answer = Answer.model_validate(result.structured_content)
    assert service.answer(READER, answer.answer_id) == answer


# Over the wire

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}
ACCEPT = {"accept": "application/json, text/event-stream"}


@pytest.fixture(scope="module")
def web(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, trust_env=False, timeout=30) as client:
        yield client


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer nobody"}, {"authorization": "Basic cml0YTo="}])
def test_without_credentials_there_is_nothing(web: httpx.Client, headers: dict[str, str]) -> None:
    for method, body in (("POST", INITIALIZE), ("GET", None), ("DELETE", None)):
        got = web.request(method, "/mcp", json=body, headers=ACCEPT | headers)
        assert (got.status_code, got.headers["content-type"]) == (401, "application/problem+json")
        assert got.headers["www-authenticate"] == 'Bearer realm="thesis"'
        assert got.json()["kind"] == "not_signed_in"


def test_the_client_without_credentials_gets_nothing(url: str) -> None:
    async def run() -> None:
        async with connected(url, "auto", {}) as client:
            await client.list_tools()

    assert isinstance(failure(lambda: run_alone(run())), MCPError)


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"{", {"content-type": "application/json"}, 400),
        (b"[]", {"content-type": "application/json"}, 400),
        (b'{"jsonrpc": "2.0"}', {"content-type": "application/json"}, 400),
        (b"\xff", {"content-type": "application/json"}, 400),
        (b"[" * 5000, {"content-type": "application/json"}, 400),
        (b'{"a": "\\ud800"}', {"content-type": "application/json"}, 400),
        (b"{}", {"content-type": "text/plain"}, 415),
        (b"{}", {}, 415),
        (b"a" * 20_000, {"content-type": "application/json"}, 413),
    ],
)
def test_a_body_that_is_none(web: httpx.Client, content: bytes, headers: dict[str, str], status: int) -> None:
    got = web.post("/mcp", content=content, headers=ACCEPT | headers | bearer(READER))
    assert got.status_code == status, got.text
    assert got.headers["content-type"] in {"application/json", "application/problem+json"}
    assert "Traceback" not in got.text
