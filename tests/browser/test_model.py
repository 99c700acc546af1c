"""The model mode in a real browser: unchecked words are grey, what fails its check carries a mark whose reason opens on a click."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from watching import GRADIO_WARNINGS, Watched, watched

from assistant import Assistant
from assistant.service import Service
from assistant.web.server import serve
from ingest.chunking import CHUNKER_VERSION
from ingest.ingestor import Ingestor
from tests.agent_cases import NOTES, REVENUE, SAID
from tests.model_server import ModelServer, Reply, Request, cite, serving
from vectorstore.embedding import Embedder
from vectorstore.settings import Settings
from vectorstore.store import Store

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings(*GRADIO_WARNINGS)]
WRONG = "Harbor Tools owes its banks $95 million"


@pytest.fixture
def hold() -> threading.Event:
    return threading.Event()


@pytest.fixture
def server(hold: threading.Event) -> Iterator[ModelServer]:
    def reply(request: Request) -> Reply:
        marker = cite(request, SAID)
        return Reply(f"{SAID} {marker}. {WRONG} {marker}.", hold=hold)

    with serving(reply, Reply("")) as running:
        yield running
        hold.set()


@pytest.fixture
def seen(tmp_path: Path, browser: Any, embedder: Embedder, server: ModelServer) -> Iterator[Watched]:
    folder = tmp_path / "notes"
    folder.mkdir()
    for name, text in NOTES.items():
        (folder / name).write_text(text, encoding="utf-8")
    settings = Settings(store=str(tmp_path / "base"), port=0, model="openai:scripted", model_url=server.url, workers=1)
    with (
        Store.open(settings.store, embedder=embedder, chunker_version=CHUNKER_VERSION) as store,
        Ingestor(store, settings) as ingestor,
    ):
        ingestor.ingest([str(folder)])
        handle = serve(Service(Assistant(store, settings), ingestor, settings), settings, block=False)
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        page = watched(context.new_page())
        page.page.goto(handle.url)
        page.page.locator(".t-welcome").wait_for()
        yield page
        assert page.hosts == {handle.url.removeprefix("http://")}
        assert page.errors == []
        context.close()
        handle.close()


def picture(seen: Watched, name: str) -> None:
    """Keep a picture where THESIS_PICTURES names a folder, for people to look at."""
    if os.environ.get("THESIS_PICTURES"):
        seen.page.screenshot(path=str(Path(os.environ["THESIS_PICTURES"]) / name))


def test_a_draft_is_grey_and_a_failed_sentence_opens_its_reason(seen: Watched, hold: threading.Event) -> None:
    assert "openai:scripted" in seen.page.locator(".t-welcome").inner_text()
    seen.page.fill("#question textarea", REVENUE)
    seen.page.press("#question textarea", "Enter")
    draft = seen.page.locator("#live .t-draft")
    draft.wait_for()
    assert SAID.startswith(draft.inner_text().strip())
    picture(seen, "draft.png")
    hold.set()
    seen.page.locator("#transcript .t-turn").wait_for()
    assert seen.page.locator(".t-draft").count() == 0
    assert "Written by openai:scripted, checked against the sources" in seen.last.inner_text()
    doubt = seen.last.locator(".t-doubt")
    assert doubt.count() == 1
    assert doubt.inner_text() == f"{WRONG}."
    reason = seen.last.locator(".t-reason")
    assert not reason.is_visible()
    mark = seen.last.locator("button.t-verdict")
    mark.focus()
    seen.page.keyboard.press("Enter")
    assert reason.is_visible()
    assert mark.get_attribute("aria-expanded") == "true"
    assert "95" in reason.inner_text()
    picture(seen, "answer.png")
    mark.click()
    assert not reason.is_visible()
    # The sentence that holds opens its source.
    seen.last.locator("button.t-marker").first.click()
    assert SAID in seen.page.locator("#sources mark").inner_text()
