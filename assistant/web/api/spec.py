"""The OpenAPI document: what FastAPI derives, with the errors, the limits and the sign-in that every route shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from assistant.web.api import shapes
from assistant.web.api.problems import KINDS, MEDIA_TYPE

TAGS = (
    ("Questions", "Ask, and find passages."),
    ("Documents", "What is in the base."),
    ("Live metrics", "Figures of today, each with its source and time."),
    ("The board", "What speaks for and against each catalyst, in documents and in figures."),
    ("What was said", "Answers, feedback and conversations: yours, and those that others share."),
    ("OpenAI", "For programs that speak OpenAI's API."),
    ("The server", "Health and figures."),
)
DESCRIPTION = """Questions over a knowledge base, answered with sources: every sentence of an answer points at a verbatim span of
a document or at a figure with its time.

Errors are RFC 9457 problems (`application/problem+json`) with `kind` for programs and `what_to_do` for people."""
_EVERY = ("401", "403", "405", "421", "429", "500", "503")
_ALIVE = ("405", "500", "503")


def _problem_example(status: str) -> dict[str, Any]:
    kind = next(k for k, (code, _) in KINDS.items() if str(code) == status)
    return {
        "type": f"/api/v1/problems/{kind}", "title": KINDS[kind][1], "status": int(status), "detail": "…",
        "instance": "/api/v1/ask", "kind": kind, "what_to_do": "…",
    }  # fmt: skip


def _statuses(operation: Mapping[str, Any], path: str) -> list[str]:
    if path in {"/healthz", "/readyz"}:
        return list(_ALIVE)
    found = [*_EVERY]
    if operation.get("parameters") or "requestBody" in operation:
        found.append("400")
    if "{" in path or "/documents" in path or "/board" in path or path.startswith("/api/v1/ask"):
        found.append("404")
    if "requestBody" in operation:
        found += ["413", "415"]
    if path in {"/api/v1/ask", "/api/v1/read", "/api/v1/search", "/v1/chat/completions", "/api/v1/feedback"}:
        found += ["404", "409"]
    if path.startswith("/api/v1/board"):
        found.append("409")
    if path.startswith("/api/v1/documents"):
        found += ["422", "507"]
    return sorted(set(found))


def document(
    app: FastAPI, routes: Sequence[APIRoute], *, models: tuple[str, ...], cookie: str, open_to_all: bool
) -> dict[str, Any]:
    """Return the OpenAPI document of ``app``'s ``routes``.

    ``models``: what a question may name; ``cookie``: of a session; ``open_to_all``: nobody needs to sign in.
    """
    made: dict[str, Any] = get_openapi(
        title="Thesis", version="1", description=DESCRIPTION, routes=app.routes,
        tags=[{"name": name, "description": text} for name, text in TAGS],
    )  # fmt: skip
    schemas = made["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    whole = shapes.Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= whole.pop("$defs", {}) | {"Problem": whole}
    if "Ask" in schemas:
        schemas["Ask"]["properties"]["model"] = {
            "anyOf": [{"type": "string", "enum": list(models)}, {"type": "null"}],
            "title": "Model",
            "description": "“extractive” for no language model; default: as the server is set up.",
        }
    for name, schema in schemas.items():
        if name.startswith("Body_"):  # a form has no null: what is not given is left out
            schema["additionalProperties"] = False
            schema["properties"] = {key: _given(value) for key, value in schema["properties"].items()}
    responses: dict[str, Any] = {}
    for path, operations in made["paths"].items():
        for operation in operations.values():
            if "#/components/schemas/HTTPValidationError" in str(operation["responses"].get("422", {})):
                del operation["responses"]["422"]
            for status in _statuses(operation, path):
                if status in operation["responses"] and "content" in operation["responses"][status]:
                    continue
                responses[status] = {
                    "description": next(title for code, title in KINDS.values() if str(code) == status),
                    "content": {
                        MEDIA_TYPE: {
                            "schema": {"$ref": "#/components/schemas/Problem"},
                            "example": _problem_example(status),
                        }
                    },
                }
                operation["responses"][status] = {"$ref": f"#/components/responses/Problem{status}"}
            for status in ("401", "405", "429"):
                _headers(responses, status)
            if path in {"/healthz", "/readyz"} or path.startswith("/api/v1/problems"):
                operation["security"] = []
    made["components"]["responses"] = {f"Problem{status}": found for status, found in sorted(responses.items())}
    made["components"]["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "A token that `thesis token` made."},
        "session": {"type": "apiKey", "in": "cookie", "name": cookie, "description": "The session of a browser."},
    }
    for route in routes:
        for method in (route.methods or ()) if route.include_in_schema else ():
            operation = made["paths"][route.path_format][method.lower()]
            _examples(operation, route.responses)
    nobody: list[dict[str, list[str]]] = [{}] if open_to_all else []
    made["security"] = [{"token": []}, {"session": []}, *nobody]
    return made


def _examples(operation: dict[str, Any], responses: Mapping[int | str, Mapping[str, Any]]) -> None:
    """Put the examples back as they are: nulls were taken out of them."""
    for status, response in responses.items():
        for kind, content in response.get("content", {}).items():
            if "example" in content:
                operation["responses"][str(status)]["content"][kind]["example"] = content["example"]


def _given(schema: dict[str, Any]) -> dict[str, Any]:
    kinds = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    if len(kinds) != 1:
        return schema
    return {**{name: value for name, value in schema.items() if name not in {"anyOf", "default"}}, **kinds[0]}


_HEADERS = {
    "401": ("WWW-Authenticate", "How to sign in."),
    "405": ("Allow", "The methods that the address takes."),
    "429": ("Retry-After", "Seconds to wait."),
}


def _headers(responses: dict[str, Any], status: str) -> None:
    if status in responses:
        name, text = _HEADERS[status]
        kind = "integer" if status == "429" else "string"
        responses[status]["headers"] = {name: {"description": text, "required": True, "schema": {"type": kind}}}
