"""The whole program in a real browser: the sample notes, the real index, a citation, an upload."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from watching import GRADIO_WARNINGS, Watched, watched

from assistant import Assistant
from assistant.service import Service
from assistant.web.server import Handle, serve
from ingest.ingestor import Ingestor
from vectorstore.embedding import Embedder
from vectorstore.settings import Settings
from vectorstore.store import Store

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings(*GRADIO_WARNINGS)]
KNOWLEDGE = Path(__file__).resolve().parents[2] / "knowledge"
UPLOAD = """---
title: Port dredging at Calder Bay
publisher: Harbour Desk
date: 2025-03-14
kind: note
---

# Port dredging at Calder Bay

The dredging contract at Calder Bay was awarded to Marlin Works for 84 million dollars.
Work is due to begin in the autumn, once the tides allow it.
"""


@pytest.fixture
def handle(tmp_path: Path, browser: Any, embedder: Embedder) -> Iterator[Handle]:
    settings = Settings(store=str(tmp_path / "base"), knowledge=str(KNOWLEDGE), port=0)
    with Store.open(settings.store, embedder=embedder) as store, Ingestor(store, settings) as ingestor:
        report = ingestor.ingest_knowledge()
        assert report is not None
        assert report.failed == ()
        running = serve(Service(Assistant(store, settings), ingestor, settings), settings, block=False)
        yield running
        running.close()


@pytest.fixture
def seen(handle: Handle, browser: Any) -> Iterator[Watched]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = watched(context.new_page())
    page.page.goto(handle.url)
    page.page.locator(".t-example").first.wait_for()
    yield page
    assert page.hosts == {handle.url.removeprefix("http://")}
    assert page.errors == []
    context.close()


def test_ask_check_the_citation_upload_and_ask_again(seen: Watched, tmp_path: Path) -> None:
    seen.ask("How does floating-rate debt make small caps sensitive to interest rates?")
    marker = seen.last.locator("button.t-marker").first
    marker.wait_for()
    marker.click()
    mark = seen.page.locator("#sources mark:not(.t-weak)")
    mark.wait_for()
    assert "Sample notes" in seen.page.inner_text("#sources")
    quote = " ".join(mark.inner_text().split())
    assert len(quote) > 20
    texts = [" ".join(path.read_text(encoding="utf-8").split()) for path in KNOWLEDGE.glob("*.md")]
    assert any(quote in text for text in texts)
    with seen.page.context.expect_page() as opened:
        seen.page.locator("#sources a.t-open").click()
    opened.value.locator("mark#cited").wait_for()
    assert " ".join(opened.value.inner_text("mark#cited").split()) == quote
    opened.value.close()

    note = tmp_path / "calder-bay.md"
    note.write_text(UPLOAD, encoding="utf-8")
    seen.page.get_by_role("tab", name="Documents").click()
    seen.page.set_input_files("#upload input[type=file]", str(note))
    seen.page.locator("#upload-result").get_by_text("1 added.").wait_for(timeout=60_000)
    row = seen.page.locator(".t-documents tr", has_text="Port dredging at Calder Bay")
    row.wait_for()
    assert "Harbour Desk" in row.inner_text()
    assert "14 Mar 2025" in row.inner_text()

    seen.page.get_by_role("tab", name="Chat").click()
    seen.ask("Who was awarded the dredging contract at Calder Bay, and for how much?")
    assert "Marlin Works for 84 million dollars" in seen.last.inner_text()
    seen.last.locator("button.t-marker").first.click()
    seen.page.locator("#sources mark", has_text="Marlin Works").wait_for()


def test_what_the_base_does_not_hold_is_refused(seen: Watched) -> None:
    seen.ask("Who won the football World Cup in 1998?")
    seen.last.locator(".t-refusal").wait_for()
    assert seen.last.locator("button.t-marker").count() == 0
