"""The OpenAPI document: its own examples fit it, and made-up requests, good and bad, are answered as it says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
from api_server import Badge, Served, served_notes
from fastapi import FastAPI
from loops import run_alone
from web_fakes import FakeAssistant

from assistant.models import Answer
from assistant.service import Service
from assistant.web.api import examples, mount
from assistant.web.api.problems import KINDS
from benchmarks.api_fuzz import fuzz
from vectorstore.settings import Settings

PATHS = {
    "/api/v1/ask": {"post"},
    "/api/v1/read": {"post"},
    "/api/v1/search": {"get"},
    "/api/v1/documents": {"get", "post"},
    "/api/v1/documents/{document_id}": {"get", "patch", "delete"},
    "/api/v1/documents/{document_id}/reingest": {"post"},
    "/api/v1/uploads/{upload_id}": {"delete"},
    "/api/v1/documents/{document_id}/text": {"get"},
    "/api/v1/documents/{document_id}/pages/{page}.png": {"get"},
    "/api/v1/tools": {"get"},
    "/api/v1/tools/{name}": {"post"},
    "/api/v1/board": {"get"},
    "/api/v1/board/changes": {"get"},
    "/api/v1/board/changes.atom": {"get"},
    "/api/v1/board/{catalyst}": {"get"},
    "/api/v1/feedback": {"post"},
    "/api/v1/answers/{answer_id}": {"get"},
    "/api/v1/conversations": {"get"},
    "/api/v1/conversations/{conversation_id}": {"get", "delete"},
    "/api/v1/conversations/{conversation_id}/cut": {"post"},
    "/api/v1/conversations/{conversation_id}/share": {"post", "delete"},
    "/api/v1/shared/{token}": {"get"},
    "/api/v1/problems/{kind}": {"get"},
    "/v1/models": {"get"},
    "/v1/models/{model}": {"get"},
    "/v1/chat/completions": {"post"},
    "/healthz": {"get"},
    "/readyz": {"get"},
    "/metrics": {"get"},
}


served = served_notes(file_limit_mb=2)


@pytest.fixture(scope="module")
def url(served: Served) -> str:
    return served.url


@pytest.fixture(scope="module")
def spec(url: str) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{url}/api/v1/openapi.json", trust_env=False).json()
    return found


def operations(spec: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, found in spec["paths"].items():
        for method, operation in found.items():
            yield path, method, operation


def test_it_names_every_address(spec: dict[str, Any]) -> None:
    assert {path: set(found) for path, found in spec["paths"].items()} == PATHS
    assert spec["openapi"].startswith("3.1")
    assert spec["servers"] == [{"url": "/"}]
    assert spec["security"] == [{"token": []}, {"session": []}, {}]
    assert {"token", "session"} == set(spec["components"]["securitySchemes"])
    tags = {tag["name"] for tag in spec["tags"]}
    for _, _, operation in operations(spec):
        assert set(operation["tags"]) <= tags
        assert operation["summary"]
        assert operation["description"]


def test_every_request_and_response_has_an_example_that_fits(spec: dict[str, Any]) -> None:
    checked = 0
    for path, method, operation in operations(spec):
        parts = [("request", operation.get("requestBody", {}))]
        for status, response in operation["responses"].items():
            if "$ref" in response:
                response = spec["components"]["responses"][response["$ref"].rsplit("/", 1)[1]]
            parts.append((status, response))
        for name, part in parts:
            for kind, content in part.get("content", {}).items():
                if kind not in {"application/json", "application/problem+json"}:
                    continue
                assert "example" in content, (path, method, name)
                schema = {**content["schema"], "components": spec["components"]}
                jsonschema.validate(content["example"], schema, cls=jsonschema.Draft202012Validator)
                checked += 1
    assert checked > 100


def test_the_answer_of_the_examples_is_one() -> None:
    answer = examples.answer()
    assert Answer.model_validate(examples.answer_json()) == answer
    claim = answer.claims[0]
    assert answer.text[claim.start : claim.end] == claim.text


def test_errors_are_problems_with_their_headers(spec: dict[str, Any]) -> None:
    responses = spec["components"]["responses"]
    assert set(responses["Problem401"]["headers"]) == {"WWW-Authenticate"}
    assert set(responses["Problem405"]["headers"]) == {"Allow"}
    assert set(responses["Problem429"]["headers"]) == {"Retry-After"}
    assert {int(name.removeprefix("Problem")) for name in responses} <= {status for status, _ in KINDS.values()}
    assert "HTTPValidationError" not in str(spec)
    for path in ("/healthz", "/readyz"):
        assert spec["paths"][path]["get"]["security"] == []


def test_below_another_path_it_says_where_the_server_is(tmp_path: Path) -> None:
    settings = Settings(store=str(tmp_path))
    app = FastAPI()
    app.add_middleware(Badge)
    mount(app, Service(FakeAssistant(), None, settings), settings)

    async def run() -> httpx.Response:
        transport = httpx.ASGITransport(app, root_path="/thesis")
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as web:
            missing = (await web.get("/thesis/api/v1/nothing")).json()
            assert (missing["type"], missing["instance"]) == (
                "/thesis/api/v1/problems/not_found",
                "/thesis/api/v1/nothing",
            )
            said = {
                "model": "thesis",
                "messages": [{"role": "user", "content": "How large was the gap to large caps?"}],
            }
            text = (await web.post("/thesis/v1/chat/completions", json=said)).json()["choices"][0]["message"]["content"]
            assert "http://localhost/thesis/document/" in text
            return await web.get("/thesis/api/v1/openapi.json")

    assert run_alone(run()).json()["servers"] == [{"url": "/thesis"}]


def test_made_up_requests_are_answered_as_it_says(url: str) -> None:
    found = fuzz(url, examples=2, seed=7, stateful=False)
    assert found.failures == []
    assert found.total > 800
    assert not [status for status in found.statuses if status >= 500]
    assert {200, 400, 404, 405, 415} <= set(found.statuses)
    assert len(found.requests) == sum(map(len, PATHS.values()))
