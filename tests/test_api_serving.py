"""Many at once over real HTTP: readers that leave or are slow, limits, errors midway, sites that may call."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from api_server import ADMIN, EDITOR, READER, Badge, bearer, running
from fastapi import FastAPI
from loops import run_alone
from web_fakes import FakeAssistant, FakeIngestor

from assistant.service import Service
from assistant.web.api import mount, sse
from assistant.web.api.limits import Slots, TooMany
from assistant.web.api.work import Work
from vectorstore.errors import StoreError
from vectorstore.settings import Settings

Event = Mapping[str, Any]
EVENTS = {"accept": "text/event-stream"}
LONG = 30.0  # seconds until a wait is given up


@dataclass
class Scripted(FakeAssistant):
    """Answers when it is let: ``go`` per event; tells when it began and when it was closed."""

    began: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    go: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    closed: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    script: Sequence[Event | Exception] = ()

    def stream(self, question: str, **named: Any) -> Generator[Event, None, None]:  # type: ignore[override]
        self.asked.append({"question": question, **named})
        self.began.release()
        try:
            for one in self.script:
                self.go.acquire(timeout=LONG)
                if isinstance(one, Exception):
                    raise one
                yield one
            self.go.acquire(timeout=LONG)
            yield {"type": "answer", "answer": self.answer(question)}
        finally:
            self.closed.release()

    def let(self, count: int) -> None:
        for _ in range(count):
            self.go.release()


@contextmanager
def served(assistant: FakeAssistant, **settings: Any) -> Iterator[str]:
    # With a model named, words go out before the answer is whole; without one they wait for it.
    own = Settings(**({"rate_per_minute": 0, "model": "openai:scripted"} | settings))
    with running(Service(assistant, FakeIngestor(assistant), own), own) as url:
        yield url


def client(url: str) -> httpx.Client:
    return httpx.Client(base_url=url, trust_env=False, timeout=LONG)


def figure(web: httpx.Client, name: str) -> float:
    lines = [
        line for line in web.get("/metrics", headers=bearer(ADMIN)).text.splitlines() if line.startswith(name + " ")
    ]
    return float(lines[0].split()[-1])


def until(true: Callable[[], bool]) -> None:
    """Wait for something that another thread is about to do."""
    pause = threading.Event()
    for _ in range(600):
        if true():
            return
        pause.wait(0.05)
    raise AssertionError("it did not come")


STATUS = {"type": "status", "text": "Searching"}
SENTENCE = {"type": "sentence", "text": "One.", "verdict": "supported"}


def names(lines: Iterator[str]) -> Iterator[str]:
    return (line.removeprefix("event: ") for line in lines if line.startswith("event: "))


# Readers


def test_events_come_as_they_are_made() -> None:
    assistant = Scripted(script=[STATUS, SENTENCE])
    with served(assistant) as url, client(url) as web:
        assistant.let(1)
        with web.stream("POST", "/api/v1/ask", json={"question": "Why?"}, headers=EVENTS) as stream:
            found = names(stream.iter_lines())
            assert next(found) == "status"
            assistant.let(1)
            assert next(found) == "sentence"
            assistant.let(1)
            assert list(found) == ["answer"]
        assert assistant.closed.acquire(timeout=LONG)


@pytest.mark.parametrize("headers", [EVENTS, {}])
def test_a_reader_that_leaves_ends_the_work(headers: dict[str, str]) -> None:
    assistant = Scripted(script=[STATUS] * 1000)
    with served(assistant) as url, client(url) as web:
        assistant.let(1)
        with socket.create_connection((web.base_url.host, web.base_url.port or 0), timeout=LONG) as link:
            body = json.dumps({"question": "Why?"})
            more = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            link.sendall(
                f"POST /api/v1/ask HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{more}"
                f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
            )
            assert assistant.began.acquire(timeout=LONG)
        until(lambda: figure(web, "thesis_http_in_flight") == 1)  # that of the figures
        assistant.let(2)
        assert assistant.closed.acquire(timeout=LONG), "the generator is closed, and with it a model's request"
        until(lambda: figure(web, "thesis_answers_in_flight") == 0)
        text = web.get("/metrics").text
        assert ("thesis_questions_total{" in text) is False, "no answer was given"


def test_what_waits_for_its_turn_is_not_begun_for_a_reader_that_left() -> None:
    async def run() -> tuple[list[str], int]:
        slots = Slots(10, 10)
        work = Work(slots, 1)
        hold, ran = threading.Event(), []

        def make(name: str) -> Callable[[], Generator[Event, None, None]]:
            def events() -> Generator[Event, None, None]:
                ran.append(name)
                hold.wait(LONG)
                yield STATUS

            return events

        first = asyncio.ensure_future(anext(work.answer("a", make("first"))))
        second = asyncio.ensure_future(anext(work.answer("a", make("second"))))
        await asyncio.sleep(0.05)
        assert slots.used == 2
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        used = slots.used
        hold.set()
        await first
        work.close()
        return ran, used

    assert run_alone(run()) == (["first"], 1)


def test_a_slow_reader_holds_no_thread_and_gets_the_last_draft() -> None:
    drafts = [{"type": "draft", "text": f"{n} " + "word " * 2000} for n in range(300)]
    assistant = Scripted(script=[STATUS, *drafts, SENTENCE])
    with served(assistant, concurrent_answers=1) as url, client(url) as web:
        with socket.create_connection((web.base_url.host, web.base_url.port or 0), timeout=LONG) as link:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            body = json.dumps({"question": "Why?"})
            link.sendall(
                "POST /api/v1/ask HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                f"Accept: text/event-stream\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
            )
            assistant.let(303)
            # Nobody has read a byte, and the work is done: the next question finds the one place free.
            assert assistant.closed.acquire(timeout=LONG)
            until(lambda: figure(web, "thesis_answers_in_flight") == 0)
            assistant.let(303)
            assert web.post("/api/v1/ask", json={"question": "And?"}, headers=bearer(READER)).status_code == 200
            received = b""
            while part := link.recv(65536):
                received += part
        found = list(names(iter(received.decode().splitlines())))
        assert found[-2:] == ["sentence", "answer"]
        assert received.count(b"event: draft") < 300, "drafts in whose place others came were left out"
        assert b"299 word" in received


def test_a_silent_wait_is_filled_with_comments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assistant.web.api.context.HEARTBEAT", 0.02)
    assistant = Scripted(script=[STATUS])
    with served(assistant) as url, client(url) as web:
        for path, body in (
            ("/api/v1/ask", {"question": "Why?"}),
            (
                "/v1/chat/completions",
                {"model": "thesis", "stream": True, "messages": [{"role": "user", "content": "Why?"}]},
            ),
        ):
            with web.stream("POST", path, json=body, headers=EVENTS) as stream:
                lines = stream.iter_lines()
                while not next(lines).startswith(":"):
                    pass
                assistant.let(2)
                assert any("answer" in line or "[DONE]" in line for line in lines)


# Errors midway


def test_an_error_midway_is_the_last_event() -> None:
    assistant = Scripted(script=[STATUS, SENTENCE, StoreError("The answer cannot be recorded.", "Free some space.")])
    with served(assistant) as url, client(url) as web:
        assistant.let(9)
        got = web.post("/api/v1/ask", json={"question": "Why?"}, headers=EVENTS)
        last = got.text.strip().split("\n\n")[-1].split("\n")
        assert (got.status_code, last[0]) == (200, "event: error")
        told = json.loads(last[1].removeprefix("data: "))
        assert (told["kind"], told["status"], told["what_to_do"]) == ("store", 503, "Free some space.")
        assert "event: answer" not in got.text
        plain = web.post("/api/v1/ask", json={"question": "Why?"})
        assert (plain.status_code, plain.json()["kind"]) == (503, "store")
        said = {"model": "thesis", "stream": True, "messages": [{"role": "user", "content": "Why?"}]}
        assistant.let(9)
        streamed = web.post("/v1/chat/completions", json=said).text
        error = json.loads(streamed.strip().split("\n\n")[-1].removeprefix("data: "))["error"]
        assert (error["type"], error["code"]) == ("server_error", "store")
        assert "[DONE]" not in streamed


def test_a_fault_midway_says_its_number_and_no_more(caplog: pytest.LogCaptureFixture) -> None:
    assistant = Scripted(script=[STATUS, ZeroDivisionError("secret")])
    with served(assistant) as url, client(url) as web:
        assistant.let(2)
        got = web.post("/api/v1/ask", json={"question": "Why?"}, headers=EVENTS).text
        told = json.loads(got.strip().split("\n")[-1].removeprefix("data: "))
        assert (told["kind"], "secret" in got) == ("internal", False)
        assert [told["error_id"] in r.getMessage() for r in caplog.records if r.levelname == "ERROR"] == [True]


# Limits


def test_more_at_once_than_a_user_or_the_server_may_have_is_refused() -> None:
    assistant = Scripted(script=[])
    with served(assistant, concurrent_answers=3, concurrent_per_user=2) as url, client(url) as web:
        got: list[httpx.Response] = []

        def ask(user: Any) -> None:
            with client(url) as own:
                got.append(own.post("/api/v1/ask", json={"question": "Why?"}, headers=bearer(user)))

        threads = [threading.Thread(target=ask, args=(user,)) for user in (READER, READER, EDITOR)]
        for thread in threads:
            thread.start()
        for _ in threads:
            assert assistant.began.acquire(timeout=LONG)
        own = web.post("/api/v1/ask", json={"question": "Why?"}, headers=bearer(READER))
        whole = web.post("/api/v1/ask", json={"question": "Why?"}, headers=bearer(ADMIN))
        search = web.get("/api/v1/search?q=a", headers=bearer(ADMIN))
        for refused, said in ((own, "of yours"), (whole, "The server is making 3"), (search, "The server is making 3")):
            assert (refused.status_code, refused.json()["kind"]) == (429, "too_many_requests")
            assert said in refused.json()["detail"]
            assert int(refused.headers["retry-after"]) >= 1
        assistant.let(3)
        for thread in threads:
            thread.join(LONG)
        assert [response.status_code for response in got] == [200, 200, 200]
        assistant.let(1)
        assert web.post("/api/v1/ask", json={"question": "Why?"}, headers=bearer(READER)).status_code == 200
        text = web.get("/metrics", headers=bearer(ADMIN)).text
        assert 'thesis_rejected_total{reason="user"} 1.0' in text
        assert 'thesis_rejected_total{reason="server"} 2.0' in text


def test_more_in_a_minute_than_a_user_may_is_refused_and_health_is_not() -> None:
    with served(FakeAssistant(), rate_per_minute=5) as url, client(url) as web:
        codes = [web.get("/v1/models", headers=bearer(READER)).status_code for _ in range(7)]
        assert codes == [200] * 5 + [429] * 2
        refused = web.post("/mcp", json={}, headers=bearer(READER))
        assert (refused.status_code, refused.json()["kind"]) == (429, "too_many_requests")
        assert 1 <= int(refused.headers["retry-after"]) <= 12
        assert web.get("/v1/models", headers=bearer(EDITOR)).status_code == 200
        assert [web.get("/healthz", headers=bearer(READER)).status_code for _ in range(9)] == [200] * 9


def test_every_one_of_many_gets_their_own_answer() -> None:
    class Echo(FakeAssistant):
        def stream(self, question: str, **named: Any) -> Iterator[Event]:  # type: ignore[override]
            yield STATUS
            yield {"type": "answer", "answer": self.answer(question)}

    async def run(url: str) -> None:
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=LONG) as web:

            async def ask(number: int) -> None:
                headers = bearer((READER, EDITOR, ADMIN)[number % 3]) | (EVENTS if number % 2 else {})
                got = await web.post("/api/v1/ask", json={"question": f"Question {number}?"}, headers=headers)
                text = got.text.split("data: ")[-1] if number % 2 else got.text
                assert (got.status_code, json.loads(text)["question"]) == (200, f"Question {number}?")

            await asyncio.gather(*(ask(number) for number in range(120)))

    with served(Echo(), concurrent_answers=0, concurrent_per_user=0) as url:
        run_alone(run(url))
        with client(url) as web:
            until(lambda: figure(web, "thesis_answers_in_flight") == 0)
            assert (
                'thesis_questions_total{channel="api",mode="extractive",status="insufficient_evidence"} 120.0'
                in web.get("/metrics").text
            )


def test_the_server_lives_while_answers_are_being_made() -> None:
    assistant = Scripted(script=[])

    def ask(url: str) -> None:
        with client(url) as own:
            own.post("/api/v1/ask", json={"question": "Why?"})

    with served(assistant, concurrent_answers=4, concurrent_per_user=0) as url, client(url) as web:
        threads = [threading.Thread(target=ask, args=(url,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in threads:
            assert assistant.began.acquire(timeout=LONG)
        assert web.get("/healthz").status_code == 200
        assert web.get("/api/v1/documents").json()["total"] == 3
        assistant.let(4)
        for thread in threads:
            thread.join(LONG)


def test_a_stopping_server_ends_what_runs() -> None:
    assistant = Scripted(script=[STATUS] * 1000)
    with served(assistant) as url:
        web = client(url)
        assistant.let(1)
        stream = web.send(
            web.build_request("POST", "/api/v1/ask", json={"question": "Why?"}, headers=EVENTS), stream=True
        )
        assert next(names(stream.iter_lines())) == "status"
        threading.Timer(0.3, assistant.let, (3,)).start()
    assert assistant.closed.acquire(timeout=LONG)
    stream.close()
    web.close()


def test_a_stopped_pool_begins_nothing() -> None:
    async def run() -> None:
        slots = Slots(1, 1)
        work = Work(slots, 1)
        work.close()
        for _ in range(3):  # a place is not lost
            with pytest.raises(Exception, match="The server is stopping"):
                await anext(work.answer("a", lambda: iter(())))  # type: ignore[arg-type,return-value]
            with pytest.raises(Exception, match="The server is stopping"):
                await work.call_slow("a", lambda: None)
        assert slots.used == 0

    run_alone(run())


def test_what_fails_in_a_thread_gives_its_place_back() -> None:
    async def run() -> None:
        slots = Slots(1, 1)
        work = Work(slots, 1)

        def fails() -> None:
            raise TooMany("a", "b", 1, "rate")

        for _ in range(3):
            with pytest.raises(TooMany):
                await work.call_slow("a", fails)
        assert slots.used == 0
        work.close()

    run_alone(run())


# Sites that may call


def test_a_site_on_the_list_may_call_and_no_other() -> None:
    site = "https://portal.example"
    with served(FakeAssistant(), cors_origins=(site,)) as url, client(url) as web:
        asked = {
            "origin": site,
            "access-control-request-method": "POST",
            "access-control-request-headers": "authorization,content-type",
        }
        for path in ("/api/v1/ask", "/v1/chat/completions", "/api/v1/documents/x"):
            allowed = web.options(path, headers=asked)
            assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (200, site)
            assert "access-control-allow-credentials" not in allowed.headers
            assert web.options(path, headers=asked | {"origin": "https://evil.test"}).status_code == 400
            assert web.options(path, headers=asked | {"origin": f"{site}.evil.test"}).status_code == 400
        got = web.post("/api/v1/ask", json={"question": "Why?"}, headers={"origin": site} | bearer(READER))
        assert (got.status_code, got.headers["access-control-allow-origin"]) == (200, site)
        assert web.post("/api/v1/ask", json={"question": "Why?"}, headers={"origin": site}).status_code == 200
        other = web.get("/api/v1/documents", headers={"origin": "https://evil.test"})
        assert "access-control-allow-origin" not in other.headers
        # A browser shows a script the errors of an allowed site only, so they carry the header too.
        assert web.get("/api/v1/nothing", headers={"origin": site}).headers["access-control-allow-origin"] == site
        for path in ("/mcp", "/metrics", "/healthz"):
            assert "access-control-allow-origin" not in web.get(path, headers={"origin": site}).headers


def test_events_on_the_wire() -> None:
    assert sse.event("status", {"text": "é\n"}) == 'event: status\ndata: {"text": "é\\n"}\n\n'.encode()
    with pytest.raises(ValueError, match="not JSON compliant"):
        sse.event("status", {"value": float("nan")})


# Health


def test_what_keeps_it_from_answering_is_said_without_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(FakeAssistant):
        hold_on = threading.Event()
        error: Exception | None = StoreError(
            "The index of /srv/secret is missing.", "Run thesis rebuild in /srv/secret."
        )

        def ready(self) -> None:
            if self.error is not None:
                raise self.error
            self.hold_on.wait(LONG)

    assistant = Broken()
    monkeypatch.setattr("assistant.web.api.health.PATIENCE", 0.05)
    with served(assistant) as url, client(url) as web:
        broken = web.get("/readyz")
        assert (broken.status_code, broken.json()["kind"]) == (503, "not_ready")
        assert broken.json()["detail"] == "The base cannot be used."
        assert "secret" not in broken.text
        assert "thesis_ready 0.0" in web.get("/metrics").text
        assistant.error = None
        loading = web.get("/readyz")
        assert (loading.status_code, "model is loading" in loading.json()["detail"]) == (503, True)
        assert web.get("/healthz").json() == {"status": "ok"}
        assistant.hold_on.set()
        until(lambda: web.get("/readyz").status_code == 200)


@pytest.mark.parametrize(("host", "status"), [("127.0.0.1", 200), ("::1", 200), ("10.1.2.3", 403), ("", 403)])
def test_without_sign_in_figures_are_for_this_machine(host: str, status: int) -> None:
    settings = Settings()
    app = FastAPI()
    app.add_middleware(Badge)
    mount(app, Service(FakeAssistant(), None, settings), settings)

    async def run() -> tuple[int, int]:
        transport = httpx.ASGITransport(app, client=(host, 5000))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as web:
            signed_in = await web.get("/metrics", headers=bearer(ADMIN))
            return (await web.get("/metrics")).status_code, signed_in.status_code

    assert run_alone(run()) == (status, 200)
