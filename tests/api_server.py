"""The HTTP API on a real uvicorn over loopback, in front of a scripted or a real assistant; and who asks, by token."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from assistant.access import LOCAL, User
from assistant.assistant import Assistant
from assistant.records import Records
from assistant.service import Service
from assistant.web.api import mount
from ingest.chunking import CHUNKER_VERSION
from ingest.ingestor import Ingestor
from vectorstore.embedding import Embedder
from vectorstore.settings import Settings
from vectorstore.store import Store

READER = User("rita", "reader", via="token")
EDITOR = User("ed", "editor", via="token")
ADMIN = User("ada", "admin", via="token")
ASKER = User("asker", "reader", scopes=frozenset({"ask"}), via="token")
USERS = {user.name: user for user in (READER, EDITOR, ADMIN, ASKER)}


class Badge:
    """ASGI middleware: ``Authorization: Bearer NAME`` is that user; without one everybody is ``anybody`` (None: refused)."""

    def __init__(self, app: Any, anybody: User | None = LOCAL) -> None:
        self.app, self.anybody = app, anybody

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            sent = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1").removeprefix("Bearer ")
            user = USERS.get(sent) if sent else self.anybody
            if user is None and scope["path"] not in {"/healthz", "/readyz"}:
                headers = [(b"content-type", b"text/plain"), (b"www-authenticate", b'Bearer realm="thesis"')]
                await send({"type": "http.response.start", "status": 401, "headers": headers})
                await send({"type": "http.response.body", "body": b"Sign in."})
                return
            scope.setdefault("state", {})["user"] = user or LOCAL
        await self.app(scope, receive, send)


def bearer(user: User) -> Mapping[str, str]:
    return {"authorization": f"Bearer {user.name}"}


@contextmanager
def running(service: Service, settings: Settings, *, anybody: User | None = LOCAL) -> Iterator[str]:
    """Serve the API alone, without the page; yield its address. What fails in the server fails the test."""
    # asyncio switches Nagle's delay off for sockets that say they are TCP.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    failed: list[BaseException] = []
    held: list[uvicorn.Server] = []
    ready = threading.Event()

    async def serve() -> None:
        app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
        app.add_middleware(Badge, anybody=anybody)
        mount(app, service, settings)
        config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=2, access_log=False, lifespan="on")
        server = uvicorn.Server(config)
        held.append(server)
        ready.set()
        await server.serve(sockets=[listening])

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:  # noqa: BLE001 - raised again in the test
            failed.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=run, name="test-api", daemon=True)
    thread.start()
    ready.wait(20)
    while held and not held[0].started and thread.is_alive():
        thread.join(0.02)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        if held:
            held[0].should_exit = True
        thread.join(15)
        listening.close()
    assert not failed, failed
    assert not thread.is_alive()


@dataclass(frozen=True)
class Served:
    """The sample notes behind the API, with records and an ingest."""

    url: str
    web: httpx.Client
    service: Service


def served_notes(*, anybody: User | None = LOCAL, **changed: Any) -> Any:
    """Return a module's fixture ``served``, a Served; ``changed``: settings of its own."""

    @pytest.fixture(scope="module", name="served")
    def fixture(
        tmp_path_factory: pytest.TempPathFactory,
        knowledge_store: Callable[[Path], Path],
        embedder: Embedder,
        model_cache: Path,
    ) -> Iterator[Served]:
        root = knowledge_store(tmp_path_factory.mktemp("api"))
        given: dict[str, Any] = {"cache": str(model_cache), "workers": 1, "rate_per_minute": 0}
        settings = Settings(store=str(root), **(given | changed))
        with (
            Store.open(root, embedder=embedder, chunker_version=CHUNKER_VERSION) as store,
            Ingestor(store, settings) as ingestor,
            Records.opened(settings, root) as records,
        ):
            service = Service(Assistant(store, settings), ingestor, settings, records=records)
            with (
                running(service, settings, anybody=anybody) as url,
                httpx.Client(base_url=url, trust_env=False, timeout=60) as web,
            ):
                yield Served(url, web, service)

    return fixture
