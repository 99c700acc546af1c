"""Gradio's own routes with two users over real HTTP: sessions, events and files belong to who began them; the rest is closed."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from signin_cases import PASSWORDS, WARNINGS, Served, served, signed_in
from web_fakes import FakeIngestor

from assistant.access.tokens import Tokens
from assistant.web.signin.owned import Owned
from ingest.progress import Progress

pytestmark = pytest.mark.filterwarnings(*WARNINGS)
GAP = "What was the gap to large caps in March 2024?"
ANSWER = "26 percent in March 2024"
DATA = [GAP, [], [], [], [], None, None, None, ""]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("gradio"), auth="users") as running:
        running.users.add("cora", "the password of cora", role="editor")
        yield running


@pytest.fixture(scope="module")
def both(server: Served) -> Iterator[tuple[httpx.Client, httpx.Client]]:
    """Anna, and Cora, who may do as much."""
    PASSWORDS["cora"] = "the password of cora"
    with ExitStack() as stack:
        yield stack.enter_context(signed_in(server, "anna")), stack.enter_context(signed_in(server, "cora"))


def event_of(client: httpx.Client, name: str) -> dict[str, Any]:
    """Return the page's own event whose outputs or name tell what it does."""
    return next(d for d in client.get("/config").json()["dependencies"] if d["api_name"] == name)


def heard(client: httpx.Client, path: str, **query: str) -> str:
    with client.stream("GET", path, params=query) as stream:
        assert stream.status_code == 200
        return "\n".join(stream.iter_lines())


def nothing(answer: httpx.Response) -> bool:
    assert ANSWER not in answer.text
    return answer.status_code == 404 and answer.json()["kind"] == "not_found"


def test_an_event_is_heard_by_who_asked_only(both: tuple[httpx.Client, httpx.Client]) -> None:
    anna, cora = both
    event = anna.post("/gradio_api/call/ask", json={"data": DATA}).json()["event_id"]
    for path in (f"/gradio_api/call/ask/{event}", f"/gradio_api/call/ask/{event}/", f"/gradio_api/call/v2/ask/{event}"):
        assert nothing(cora.get(path)), path
    assert nothing(cora.get("/gradio_api/queue/data", params={"session_hash": event}))
    text = heard(anna, f"/gradio_api/call/ask/{event}")
    assert "event: complete" in text
    assert ANSWER in text


def test_a_session_is_of_who_began_it(both: tuple[httpx.Client, httpx.Client]) -> None:
    anna, cora = both
    ask = event_of(anna, "ask")["id"]
    join = {
        "data": [GAP, None, None, [], [], [], [], None, None, None, ""],
        "fn_index": ask,
        "session_hash": "annas0session",
        "event_data": None,
    }
    event = anna.post("/gradio_api/queue/join", json=join).json()["event_id"]
    assert nothing(cora.get("/gradio_api/queue/data", params={"session_hash": "annas0session"}))
    assert nothing(cora.post("/gradio_api/queue/join", json=join))
    assert nothing(cora.get("/gradio_api/heartbeat/annas0session"))
    assert nothing(cora.post("/gradio_api/call/ask", json={"data": DATA, "session_hash": "annas0session"}))
    for stolen in ({"session_hash": "annas0session", "fn_index": ask, "event_id": event}, {"session_hash": "coras", "fn_index": ask, "event_id": event}):  # fmt: skip
        assert nothing(cora.post("/gradio_api/cancel", json=stolen))
    text = heard(anna, "/gradio_api/queue/data", session_hash="annas0session")
    assert ANSWER in text
    assert '"process_completed"' in text


def test_what_one_may_read_is_not_what_another_asked_of_it(both: tuple[httpx.Client, httpx.Client]) -> None:
    anna, cora = both
    ask = event_of(anna, "ask")["id"]
    for client, name in ((anna, "annas1session"), (cora, "coras1session")):
        body = {"data": [GAP, None, None, [], [], [], [], None, None, None, ""], "fn_index": ask, "session_hash": name}
        assert client.post("/gradio_api/queue/join", json=body).status_code == 200
        assert ANSWER in heard(client, "/gradio_api/queue/data", session_hash=name)


def test_no_event_takes_a_file(server: Served, both: tuple[httpx.Client, httpx.Client]) -> None:
    anna, _ = both
    ask = event_of(anna, "ask")["id"]
    for path in (str(server.users.path), "http://127.0.0.1:1/x.md", "x.md"):
        file = {"path": path, "orig_name": "secret.md", "meta": {"_type": "gradio.FileData"}}
        for data in ([[file]], [GAP, file], [GAP, [{"deep": [file]}]]):
            body = {"data": data, "fn_index": ask, "session_hash": "annas2session"}
            assert nothing(anna.post("/gradio_api/queue/join", json=body)), data
            assert nothing(anna.post("/gradio_api/call/ask", json={"data": data})), data


def test_an_upload_is_stopped_by_who_sends_it_only(
    server: Served, both: tuple[httpx.Client, httpx.Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    anna, cora = both
    begun, go, real = threading.Event(), threading.Event(), FakeIngestor.ingest_uploads

    def held(*given: Any, progress: Any, **named: Any) -> Any:
        begun.set()
        assert go.wait(30)
        progress(Progress(files_total=1))
        return real(*given, progress=progress, **named)

    monkeypatch.setattr(FakeIngestor, "ingest_uploads", held)
    sent: list[httpx.Response] = []

    def send() -> None:
        file = {"files": ("secret.md", b"Zinc secrets\nof Anna.")}
        sent.append(anna.post("/api/v1/documents", files=file, data={"upload_id": "anna-upload-1"}))

    sending = threading.Thread(target=send)
    sending.start()
    assert begun.wait(30), sent[0].text
    assert nothing(cora.request("DELETE", "/api/v1/uploads/anna-upload-1"))
    assert anna.request("DELETE", "/api/v1/uploads/anna-upload-1").json() == {"upload_id": "anna-upload-1"}
    go.set()
    sending.join(30)
    assert "The upload was stopped." in sent[0].text
    assert all(s.path != "upload:/secret.md" for s in server.assistant.sources())


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/gradio_api/run/ask"), ("POST", "/gradio_api/api/ask"), ("POST", "/gradio_api/component_server"),
        ("GET", "/gradio_api/proxy=http://127.0.0.1/"), ("GET", "/gradio_api/file=http://127.0.0.1/x"), ("GET", "/gradio_api/deep_link?session_hash=annas0session"),
        ("GET", "/gradio_api/dev/reload"), ("POST", "/gradio_api/process_recording"), ("POST", "/gradio_api/vibe-edit"),
        ("GET", "/gradio_api/queue/status"), ("GET", "/gradio_api/stream/annas0session/1/2/playlist.m3u8"), ("POST", "/gradio_api/stream/abc"),
        ("GET", "/monitoring"), ("GET", "/monitoring/summary"), ("GET", "/gradio_api/token"), ("GET", "/gradio_api/user"),
        ("GET", "/gradio_api/openapi.json"), ("GET", "/gradio_api/runs"), ("GET", "/gradio_api/mcp"), ("GET", "/gradio_api/custom_component/a/client/b/c"),
        ("POST", "/gradio_api/upload"), ("PUT", "/gradio_api/upload"), ("GET", "/gradio_api/upload_progress?upload_id=up1"), ("DELETE", "/gradio_api/queue/join"), ("GET", "/pwa_icon"), ("GET", "/gradio_api/../monitoring"),
        ("GET", "/gradio_api/queue/data"), ("GET", "/gradio_api/queue/data?session_hash=a&session_hash=b"), ("GET", "/gradio_api/heartbeat/a%20b"),
        ("GET", "/gradio_api/vibe-code"), ("GET", "/token"),
    ],
)  # fmt: skip
def test_what_the_page_does_not_need_is_not_there(
    both: tuple[httpx.Client, httpx.Client], method: str, path: str
) -> None:
    assert nothing(both[0].request(method, path, json={} if method == "POST" else None))


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400), (b"[]", 400), (b"{", 400), (b"\xff\xfe", 400), (b"[" * 100_000, 400), (b'{"session_hash": 7}', 404),
        (b'{"session_hash": null}', 404), (b'{"session_hash": "../x"}', 404), (b'{"x": "' + b"y" * (1 << 20) + b'"}', 413),
    ],
)  # fmt: skip
def test_a_body_that_is_none_is_a_problem(both: tuple[httpx.Client, httpx.Client], content: bytes, status: int) -> None:
    answer = both[0].post("/gradio_api/queue/join", content=content, headers={"content-type": "application/json"})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("number", [99_999, -1, None, [0], "0"])
def test_an_event_that_the_page_has_not_is_not_found(both: tuple[httpx.Client, httpx.Client], number: Any) -> None:
    body = {"data": [], "fn_index": number, "session_hash": "annas4session"}
    assert nothing(both[0].post("/gradio_api/queue/join", json=body))
    assert nothing(both[0].post("/gradio_api/call/no_such_event", json={"data": []}))


def test_events_of_the_page_have_a_rate_too(tmp_path: Path) -> None:
    with served(tmp_path, auth="users", rate_per_minute=3) as server, signed_in(server, "anna") as anna:
        found = [anna.post("/gradio_api/reset", json={"event_id": "none"}) for _ in range(5)]
        assert [one.status_code for one in found][:3] == [200, 200, 200]
        assert found[-1].status_code == 429
        assert int(found[-1].headers["retry-after"]) >= 1
        with signed_in(server, "bob") as bob:
            assert bob.post("/gradio_api/reset", json={"event_id": "none"}).status_code == 200


def test_a_deep_list_of_files_is_looked_through(both: tuple[httpx.Client, httpx.Client]) -> None:
    deep: Any = {"path": "/etc/passwd"}
    for _ in range(300):
        deep = [{"x": deep}]
    body = json.dumps({"data": deep, "fn_index": 0, "session_hash": "annas3session"})
    assert nothing(both[0].post("/gradio_api/queue/join", content=body, headers={"content-type": "application/json"}))


def test_a_token_reaches_the_page_s_routes_as_its_user_and_within_its_scopes(
    server: Served, both: tuple[httpx.Client, httpx.Client]
) -> None:
    tokens = Tokens(Path(server.settings.store), server.clock)
    asks, reads = tokens.create("asks", user="anna"), tokens.create("reads", user="anna", scopes=["read"])
    only = tokens.create("only asks", user="anna", scopes=["ask"])
    tokens.close()
    event = both[0].post("/gradio_api/call/ask", json={"data": DATA}).json()["event_id"]
    with server.client({"authorization": f"Bearer {reads}"}) as web:
        assert web.get("/").status_code == 403
        assert web.get(f"/gradio_api/call/ask/{event}").status_code == 403
        assert web.get("/document/none").status_code == 404
    with server.client({"authorization": f"Bearer {only}"}) as web:
        for path in ("/document/none", "/document/none/page/1.png"):
            assert web.get(path).status_code == 403, path
    with server.client({"authorization": f"Bearer {asks}"}) as web:  # of Anna's: no Origin is asked of it
        assert ANSWER in heard(web, f"/gradio_api/call/ask/{event}")
        assert (
            web.post("/gradio_api/call/ask", json={"data": DATA}, headers={"origin": "http://other.test"}).status_code
            == 200
        )


def test_one_user_s_many_sessions_push_nobody_else_s_out() -> None:
    owned = Owned(each=3)
    assert owned.claim("session", "hers", "cora")
    assert all(owned.claim("session", f"s{number}", "anna") for number in range(10))
    assert owned.holds("session", "hers", "cora")
    assert not owned.claim("session", "hers", "anna")
    assert [owned.holds("session", f"s{number}", "anna") for number in range(6, 10)] == [False, True, True, True]
    assert not owned.holds("event", "s9", "anna")
