"""People who sign in over real HTTP: a server of each mode, a clock that is set by hand, and who is in its users file."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from web_fakes import FakeAssistant, FakeIngestor, serve_fakes

from assistant.access.users import Users, users_path
from assistant.web.server import Handle
from vectorstore.settings import Settings

PASSWORDS = {"anna": "correct horse battery", "bob": "staple of another kind"}
# Gradio 6.31 counts its events with an option and a keyword that pandas 3 is about to drop.
WARNINGS = ("ignore:'future.no_silent_downcasting'", "ignore:The copy keyword is deprecated")
PAGE = {"accept": "text/html,application/xhtml+xml"}


@dataclass
class Clock:
    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def add(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class Served:
    handle: Handle
    settings: Settings
    assistant: FakeAssistant
    clock: Clock
    users: Users

    @property
    def url(self) -> str:
        return self.handle.url

    def client(self, headers: Mapping[str, str] | None = None, **named: Any) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers=headers, trust_env=False, timeout=30, **named)

    @property
    def own(self) -> dict[str, str]:
        """The headers of a request that a page of the server makes."""
        return {"origin": self.url, "sec-fetch-site": "same-origin"}


@contextmanager
def served(store: Path, *, clock: Clock | None = None, **named: Any) -> Iterator[Served]:
    """Serve scripted answers; ``named``: settings. Anna (editor) and Bob (reader) have passwords."""
    settings = Settings(store=str(store), port=0, **named)
    users = Users(users_path(settings))
    if settings.auth == "users" and users.get("anna") is None:
        users.add("anna", PASSWORDS["anna"], role="editor", groups=("research",))
        users.add("bob", PASSWORDS["bob"])
    assistant, clock = FakeAssistant(), clock or Clock()
    handle = serve_fakes(assistant, FakeIngestor(assistant), settings, block=False, clock=clock)
    try:
        yield Served(handle, settings, assistant, clock, users)
    finally:
        handle.close()


def form_of(page: httpx.Response) -> dict[str, str]:
    """Return the hidden fields of a page's form."""
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text)
    return {name: html.unescape(value) for name, value in found}


def sign_in(client: httpx.Client, name: str, password: str | None = None, *, target: str = "/") -> httpx.Response:
    """Fill in the form as a browser does; return the answer to it."""
    page = client.get("/login", params={"next": target}, headers=PAGE)
    assert page.status_code == 200, page.text
    data = form_of(page) | {"name": name, "password": PASSWORDS[name] if password is None else password}
    return client.post("/login", data=data, headers={"origin": str(client.base_url).rstrip("/")})


@contextmanager
def signed_in(server: Served, name: str) -> Iterator[httpx.Client]:
    """Yield a client with a session, whose requests say that they come from the server's own page."""
    with server.client() as client:
        answer = sign_in(client, name)
        assert answer.status_code == 303, answer.text
        client.headers.update(server.own)
        yield client


def tried(server: Served, name: str, password: str | None = None) -> httpx.Response:
    """Sign in from nowhere, and return the answer."""
    with server.client() as client:
        return sign_in(client, name, password)
