"""Bad input to every address: a problem that names what is wrong, never a stack trace, and the server goes on."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from api_server import ADMIN, bearer, running
from web_fakes import FakeAssistant, FakeIngestor, sample_documents

from assistant.service import Service
from assistant.web.api.limits import TooMany
from assistant.web.api.problems import KINDS, Problem, Unacceptable, of_error
from vectorstore import errors
from vectorstore.settings import Settings

NOTE = sample_documents()[0]
JSON = {"content-type": "application/json"}
SETTINGS = Settings(rate_per_minute=0, request_limit_kb=8, file_limit_mb=1)
FAKE = FakeAssistant()


@pytest.fixture(scope="module")
def web() -> Iterator[httpx.Client]:
    with (
        running(Service(FAKE, FakeIngestor(FAKE), SETTINGS), SETTINGS) as url,
        httpx.Client(base_url=url, trust_env=False, timeout=30) as client,
    ):
        yield client


def problem(response: httpx.Response, status: int) -> dict[str, Any]:
    assert response.headers["content-type"] == "application/problem+json", (response.status_code, response.text)
    body: dict[str, Any] = response.json()
    assert (response.status_code, body["status"]) == (status, status), body
    assert {"type", "title", "detail", "instance", "kind", "what_to_do"} <= set(body)
    assert "Traceback" not in response.text
    assert ".py" not in response.text
    return body


# Every address that takes JSON

JSON_PATHS = ["/api/v1/ask", "/api/v1/feedback", "/api/v1/tools/macro", "/v1/chat/completions"]
BROKEN = [
    (b"", "is no JSON"),
    (b"{", "is no JSON"),
    (b"\xff", "is no UTF-8"),
    (b"null", ""),
    (b"[]", ""),
    (b'"text"', ""),
    (b"7", ""),
    (b'{"question": NaN}', "NaN is no number"),
    (b'{"question": 1e999}', "too large"),
    (b'{"question": ' + b"9" * 7000 + b"}", "7000 digits"),
    (b'{"question": "\\ud800"}', "surrogate"),
    (b'{"a": 1, "a": 2}', "twice"),
    (b'{"a":' * 60 + b"1" + b"}" * 60, "deep"),
    (b'{"__proto__": {}}', ""),
    (b'{"question": {"$ne": 1}}', ""),
]


@pytest.mark.parametrize("path", JSON_PATHS)
@pytest.mark.parametrize(("data", "said"), BROKEN)
def test_a_body_that_is_none(web: httpx.Client, path: str, data: bytes, said: str) -> None:
    if path.endswith("macro") and data == b"{}":
        return
    body = problem(web.post(path, content=data, headers=JSON), 400)
    assert body["kind"] == "bad_request"
    assert said in body["detail"]
    if path.startswith("/v1"):
        assert body["error"]["type"] == "invalid_request_error"
        assert body["detail"] in body["error"]["message"]


@pytest.mark.parametrize("path", JSON_PATHS)
@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "json"])
def test_a_content_type_that_is_not_taken(web: httpx.Client, path: str, kind: str) -> None:
    headers = {"content-type": kind} if kind else {}
    body = problem(web.post(path, content=b'{"question": "Why?"}', headers=headers), 415)
    assert "application/json" in body["what_to_do"]


@pytest.mark.parametrize("path", JSON_PATHS)
def test_a_body_over_the_limit(web: httpx.Client, path: str) -> None:
    data = json.dumps({"question": "a" * 9000}).encode()
    assert problem(web.post(path, content=data, headers=JSON), 413)["detail"] == "The body is larger than 8 KB."

    def chunks() -> Iterator[bytes]:  # no Content-Length: the limit holds while it is read
        for start in range(0, len(data), 1000):
            yield data[start : start + 1000]

    problem(web.post(path, content=chunks(), headers=JSON), 413)


def test_a_length_that_lies_is_not_believed(web: httpx.Client) -> None:
    host, port = web.base_url.host, web.base_url.port
    assert port is not None
    with socket.create_connection((host, port), timeout=10) as link:
        link.sendall(
            f"POST /api/v1/ask HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
            "Content-Length: 99999999999999999999\r\n\r\n{}".encode()
        )
        head = link.recv(4096).decode()
    assert head.startswith("HTTP/1.1 4"), head
    assert web.get("/healthz").status_code == 200


def test_half_a_body_ends_nothing_but_itself(web: httpx.Client) -> None:
    host, port = web.base_url.host, web.base_url.port
    assert port is not None
    with socket.create_connection((host, port), timeout=10) as link:
        link.sendall(
            f"POST /api/v1/ask HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
            'Content-Length: 100\r\n\r\n{"que'.encode()
        )
    assert web.post("/api/v1/ask", json={"question": "Why?"}).status_code == 200


# Each field of each request

FIELDS: list[tuple[str, dict[str, Any], str]] = [
    ("/api/v1/ask", {}, "question"),
    ("/api/v1/ask", {"question": ""}, "question"),
    ("/api/v1/ask", {"question": " \n\t"}, "question"),
    ("/api/v1/ask", {"question": "a" * 4001}, "question"),
    ("/api/v1/ask", {"question": 7}, "question"),
    ("/api/v1/ask", {"question": None}, "question"),
    ("/api/v1/ask", {"question": "Why?", "as_of": "yesterday"}, "as_of"),
    ("/api/v1/ask", {"question": "Why?", "as_of": "2024-02-30"}, "as_of"),
    ("/api/v1/ask", {"question": "Why?", "as_of": "20240101"}, "as_of"),
    ("/api/v1/ask", {"question": "Why?", "as_of": 20240101}, "as_of"),
    ("/api/v1/ask", {"question": "Why?", "filters": {"kind": "gossip"}}, "filters.kind"),
    ("/api/v1/ask", {"question": "Why?", "filters": {"colour": "red"}}, "filters.colour"),
    ("/api/v1/ask", {"question": "Why?", "filters": {"since": "2024"}}, "filters.since"),
    ("/api/v1/ask", {"question": "Why?", "filters": {"publisher": ["a"] * 51}}, "filters.publisher"),
    ("/api/v1/ask", {"question": "Why?", "filters": {"publisher": {"a": 1}}}, "filters.publisher"),
    ("/api/v1/ask", {"question": "Why?", "filters": []}, "filters"),
    ("/api/v1/ask", {"question": "Why?", "conversation_id": "../../etc/passwd"}, "conversation_id"),
    ("/api/v1/ask", {"question": "Why?", "conversation_id": "short"}, "conversation_id"),
    ("/api/v1/ask", {"question": "Why?", "model": "openai:gpt-9"}, "model"),
    ("/api/v1/ask", {"question": "Why?", "history": []}, "history"),
    ("/api/v1/read", {"question": " "}, "question"),
    ("/api/v1/read", {"question": "Why?", "as_of": "soon"}, "as_of"),
    ("/api/v1/read", {"question": "Why?", "model": "extractive"}, "model"),
    ("/api/v1/conversations/small-caps/cut", {}, "after"),
    ("/api/v1/conversations/small-caps/cut", {"after": ""}, "after"),
    ("/api/v1/conversations/small-caps/cut", {"after": 1}, "after"),
    ("/api/v1/conversations/small-caps/cut", {"after": None, "turns": 1}, "turns"),
    ("/api/v1/feedback", {"answer_id": "a"}, "verdict"),
    ("/api/v1/feedback", {"answer_id": "a", "verdict": "maybe"}, "verdict"),
    ("/api/v1/feedback", {"answer_id": "", "verdict": "good"}, "answer_id"),
    ("/api/v1/feedback", {"answer_id": "a", "verdict": "good", "comment": "a" * 2001}, "comment"),
    ("/api/v1/tools/macro", {"arguments": []}, "arguments"),
    ("/api/v1/tools/macro", {"arguments": {"series": {"a": 1}}}, "arguments.series"),
    ("/api/v1/tools/macro", {"as_of": "now"}, "as_of"),
    ("/api/v1/tools/macro", {"args": {}}, "args"),
]


@pytest.mark.parametrize(("path", "sent", "field"), FIELDS)
def test_a_field_that_is_wrong_is_named(web: httpx.Client, path: str, sent: dict[str, Any], field: str) -> None:
    body = problem(web.post(path, json=sent), 400)
    assert field in body["detail"]
    for one in body.get("errors", [{"field": field}]):
        assert one["field"].startswith(field), one


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/api/v1/search", "q"),
        ("/api/v1/search?q=", "q"),
        ("/api/v1/search?q=%20", "q"),
        ("/api/v1/search?q=" + "a" * 4001, "q"),
        ("/api/v1/search?q=a&k=0", "k"),
        ("/api/v1/search?q=a&k=101", "k"),
        ("/api/v1/search?q=a&k=ten", "k"),
        ("/api/v1/search?q=a&k=1e400", "k"),
        ("/api/v1/search?q=a&k=1.0", "k"),
        ("/api/v1/search?q=a&k=%2B1", "k"),
        ("/api/v1/search?q=a&k=1_0", "k"),
        ("/api/v1/search?q=a&k=" + "9" * 5000, "k"),
        ("/api/v1/search?q=a&as_of=soon", "as_of"),
        ("/api/v1/search?q=a&kind=gossip", "kind"),
        ("/api/v1/search?q=a&tickr=IWM", "tickr"),
        ("/api/v1/documents?limit=0", "limit"),
        ("/api/v1/documents?limit=1001", "limit"),
        ("/api/v1/documents?offset=-1", "offset"),
        ("/api/v1/documents?since=2024-13-01", "since"),
        ("/api/v1/documents?publisher=", "publisher"),
        (f"/api/v1/documents/{'a' * 65}", "document_id"),
        (f"/api/v1/documents/{NOTE.document_id}/text?start=-1", "start"),
        (f"/api/v1/documents/{NOTE.document_id}/text?start=0x1", "start"),
        (f"/api/v1/documents/{NOTE.document_id}/text?start=9&end=3", "start"),
        (f"/api/v1/documents/{NOTE.document_id}/pages/0.png", "page"),
        (f"/api/v1/documents/{NOTE.document_id}/pages/x.png", "page"),
    ],
)
def test_a_value_of_an_address_that_is_wrong_is_named(web: httpx.Client, path: str, field: str) -> None:
    body = problem(web.get(path), 400)
    assert field in body["detail"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api", 404),
        ("GET", "/api/v1", 404),
        ("GET", "/api/v2/ask", 404),
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/api/v1/ask/", 404),
        ("GET", "/v1", 404),
        ("GET", "/v1/embeddings", 404),
        ("GET", "/v1/models/gpt-9", 404),
        ("POST", "/v1/completions", 404),
        ("GET", "/mcp/other", 404),
        ("GET", "/api/v1/documents/none", 404),
        ("GET", "/api/v1/documents/%00", 404),
        ("GET", "/api/v1/documents/..%2f..%2fetc%2fpasswd", 404),
        ("GET", "/api/v1/documents/%ff%fe/text", 404),
        ("GET", "/api/v1/documents/none/text", 404),
        ("GET", f"/api/v1/documents/{NOTE.document_id}/text?version=none", 404),
        ("GET", f"/api/v1/documents/{NOTE.document_id}/pages/1.png", 404),
        ("DELETE", "/api/v1/documents/none", 404),
        ("POST", "/api/v1/documents/none/reingest", 404),
        ("DELETE", "/api/v1/uploads/no-such-upload", 404),
        ("GET", "/api/v1/problems/none", 404),
        # Records are off on this server.
        ("GET", "/api/v1/answers/none", 403),
        ("GET", "/api/v1/conversations", 403),
        ("GET", "/api/v1/conversations/none", 403),
        ("DELETE", "/api/v1/conversations/none", 403),
        ("POST", "/api/v1/conversations/none/share", 403),
        ("DELETE", "/api/v1/conversations/none/share", 403),
        ("GET", "/api/v1/shared/none", 403),
    ],
)
def test_what_is_not_there(web: httpx.Client, method: str, path: str, status: int) -> None:
    sent = {"json": {}} if method == "POST" else {}
    problem(web.request(method, path, **sent), status)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/healthz", "GET, HEAD"),
        ("/readyz", "GET, HEAD"),
        ("/metrics", "GET"),
        ("/api/v1/openapi.json", "GET, HEAD"),
        ("/api/v1/ask", "POST"),
        ("/api/v1/search", "GET"),
        ("/api/v1/documents", "GET, POST"),
        ("/api/v1/documents/x", "DELETE, GET, PATCH"),
        ("/api/v1/documents/x/reingest", "POST"),
        ("/api/v1/uploads/some-upload", "DELETE"),
        ("/api/v1/documents/x/text", "GET"),
        ("/api/v1/documents/x/pages/1.png", "GET"),
        ("/api/v1/tools", "GET"),
        ("/api/v1/tools/x", "POST"),
        ("/api/v1/feedback", "POST"),
        ("/api/v1/answers/x", "GET"),
        ("/api/v1/conversations", "GET"),
        ("/api/v1/conversations/x", "DELETE, GET"),
        ("/api/v1/conversations/x/cut", "POST"),
        ("/api/v1/conversations/x/share", "DELETE, POST"),
        ("/api/v1/shared/x", "GET"),
        ("/api/v1/read", "POST"),
        ("/v1/models", "GET"),
        ("/v1/models/x", "GET"),
        ("/mcp", "POST"),
        ("/v1/chat/completions", "POST"),
    ],
)
def test_a_method_that_is_not_taken_says_which_are(web: httpx.Client, path: str, allowed: str) -> None:
    for method in {"PATCH", "PUT", "TRACE", "OPTIONS"} - set(allowed.split(", ")):
        response = web.request(method, path)
        problem(response, 405)
        assert response.headers["allow"] == allowed


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"", "application/json", 415),
        (b"", "", 415),
        (b"a=b", "application/x-www-form-urlencoded", 415),
        (b"--x--\r\n", "multipart/form-data", 400),
        (b"--x--\r\n", "multipart/form-data; boundary=x", 400),
        (b"garbage", "multipart/form-data; boundary=x", 400),
        (
            b'--x\r\nContent-Disposition: form-data; name="files"\r\n\r\ntext\r\n--x--\r\n',
            "multipart/form-data; boundary=x",
            400,
        ),
        (b"--x\r\n" + b"A" * 20_000, "multipart/form-data; boundary=x", 400),
    ],
)
def test_an_upload_that_is_none(web: httpx.Client, content: bytes, kind: str, status: int) -> None:
    headers = {"content-type": kind} if kind else {}
    problem(web.post("/api/v1/documents", content=content, headers=headers), status)


def test_an_upload_over_the_limit(web: httpx.Client) -> None:
    files = [("files", ("large.txt", b"a" * (1200 * 1024), "text/plain"))]
    problem(web.post("/api/v1/documents", files=files), 413)
    many = [("files", (f"{n}.txt", b"a", "text/plain")) for n in range(101)]
    assert "files" in problem(web.post("/api/v1/documents", files=many), 400)["detail"]


@pytest.mark.parametrize(
    "form", [{"published": "soon"}, {"kind": "gossip"}, {"collection": "a" * 201}, {"tickr": "IWM"}]
)
def test_a_form_whose_field_is_wrong(web: httpx.Client, form: dict[str, str]) -> None:
    files = [("files", ("a.txt", b"a", "text/plain"))]
    body = problem(web.post("/api/v1/documents", files=files, data=form), 400)
    assert next(iter(form)) in body["detail"]


@pytest.mark.parametrize("name", ["../../etc/cron.d/x.txt", "..\\..\\boot.txt", "a\r\nb.txt", "ok.txt"])
def test_the_name_of_an_upload_leads_nowhere(web: httpx.Client, name: str) -> None:
    sent: list[str] = []
    FakeIngestor.ingest_uploads, kept = (  # type: ignore[method-assign]
        lambda self, files, **more: sent.extend(str(path) for _, path in files) or kept(self, files, **more),  # type: ignore[func-returns-value]
        FakeIngestor.ingest_uploads,
    )
    try:
        web.post("/api/v1/documents", files=[("files", (name, b"text", "text/plain"))])
    finally:
        FakeIngestor.ingest_uploads = kept  # type: ignore[method-assign]
    assert all(path.rsplit("/", 1)[-1] == "0" for path in sent), "bytes lie under a number, whatever they are called"


# Hosts and sites

OWN = ["localhost", "localhost:7860", "127.0.0.1", "127.9.9.9:80", "[::1]:7860", "a.localhost"]
FOREIGN = [
    "evil.test",
    "evil.test:7860",
    "127.0.0.1.evil.test",
    "localhost.evil.test",
    "192.168.1.5",
    "evil@127.0.0.1",
    "[::2]",
    "",
    "[",
    "10.0.0.1:7860",
]


@pytest.mark.parametrize("host", OWN)
def test_an_open_server_answers_to_its_own_names(web: httpx.Client, host: str) -> None:
    assert web.get("/api/v1/tools", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("host", FOREIGN)
@pytest.mark.parametrize("path", ["/api/v1/tools", "/v1/models", "/metrics", "/mcp"])
def test_an_open_server_does_not_answer_to_others(web: httpx.Client, host: str, path: str) -> None:
    response = web.get(path, headers={"host": host})
    if response.status_code == 400 and not host.strip("["):
        return  # uvicorn itself refuses what is no host
    problem(response, 421)


def test_a_signed_in_user_may_come_by_any_name(web: httpx.Client) -> None:
    assert web.get("/api/v1/tools", headers={"host": "thesis.example", **bearer(ADMIN)}).status_code == 200


@pytest.mark.parametrize(
    "origin", ["http://evil.test", "null", "http://127.0.0.1.evil.test", "file://", "https://localhost@evil.test"]
)
def test_another_site_may_not_write(web: httpx.Client, origin: str) -> None:
    problem(web.post("/api/v1/ask", json={"question": "Why?"}, headers={"origin": origin}), 403)


def test_its_own_page_may_write(web: httpx.Client) -> None:
    origin = str(web.base_url).rstrip("/")
    assert web.post("/api/v1/ask", json={"question": "Why?"}, headers={"origin": origin}).status_code == 200


def test_without_a_list_no_site_is_allowed(web: httpx.Client) -> None:
    asked = {"origin": "http://evil.test", "access-control-request-method": "POST"}
    for path in ("/api/v1/ask", "/v1/chat/completions"):
        response = web.options(path, headers=asked)
        problem(response, 400)
        assert "access-control-allow-origin" not in response.headers
    got = web.get("/healthz", headers={"origin": "http://evil.test"})
    assert "access-control-allow-origin" not in got.headers


# Errors of ours, and those that nobody foresaw

MAPPED: list[tuple[errors.ThesisError, int]] = [
    (errors.NotFound("a", "b"), 404),
    (errors.Forbidden("a", "b"), 403),
    (errors.StoreEmpty("a", "b"), 409),
    (errors.StoreFull("a", "b"), 507),
    (errors.StoreLocked("a", "b"), 503),
    (errors.StoreUnavailable("a", "b"), 503),
    (errors.StoreError("a", "b"), 503),
    (errors.FingerprintMismatch("a", "b"), 503),
    (errors.SettingsError("a", "b"), 400),
    (errors.ReadError("a", "b"), 422),
    (errors.FetchError("a", "b"), 502),
    (TooMany("a", "b", 7, "rate"), 429),
    (Unacceptable("not_signed_in", "a", "b"), 401),
    (errors.ThesisError("a", "b"), 500),
]


@pytest.mark.parametrize(("error", "status"), MAPPED, ids=[e.kind for e, _ in MAPPED])
def test_each_error_of_ours_has_its_status(web: httpx.Client, error: errors.ThesisError, status: int) -> None:
    FAKE.failures = [error]
    response = web.post("/api/v1/ask", json={"question": "Why?"})
    body = problem(response, status)
    assert (body["detail"], body["what_to_do"]) == ("a", "b")
    assert (response.headers.get("retry-after"), "www-authenticate" in response.headers) == (
        "7" if status == 429 else None,
        status == 401,
    )
    FAKE.failures = [error]
    problem(web.post("/api/v1/ask", json={"question": "Why?"}, headers={"accept": "text/event-stream"}), status)
    FAKE.failures = [error]
    said = {"model": "thesis", "messages": [{"role": "user", "content": "Why?"}], "stream": True}
    assert problem(web.post("/v1/chat/completions", json=said), status)["error"]["message"] == "a b"


def test_every_error_of_the_program_has_a_kind_that_is_told() -> None:
    def below(kind: type[errors.ThesisError]) -> set[type[errors.ThesisError]]:
        return {kind} | {inner for sub in kind.__subclasses__() for inner in below(sub)}

    store = {e for e in below(errors.ThesisError) if e.__module__ == "vectorstore.errors"} - {errors.ThesisError}
    assert {e.kind for e in store} <= set(KINDS)
    assert all(of_error(e("a", "b")).code < 600 for e in store)


def test_a_fault_is_told_with_a_number_that_the_log_has(web: httpx.Client, caplog: pytest.LogCaptureFixture) -> None:
    FAKE.failures = [ZeroDivisionError("secret detail /etc/shadow")]
    with caplog.at_level(logging.ERROR):
        response = web.post("/api/v1/ask", json={"question": "Why?"})
    body = problem(response, 500)
    assert "secret" not in response.text
    assert body["error_id"] in body["detail"]
    logged = [record for record in caplog.records if body["error_id"] in record.getMessage()]
    assert len(logged) == 1
    assert logged[0].exc_info
    assert web.post("/api/v1/ask", json={"question": "Why?"}).status_code == 200


def test_a_problem_of_a_path_below_another_names_it() -> None:
    response = Problem("not_found", "a", "b").response({"path": "/thesis/api/v1/x", "root_path": "/thesis"})
    body = json.loads(response.body)
    assert (body["type"], body["instance"]) == ("/thesis/api/v1/problems/not_found", "/thesis/api/v1/x")
