"""A live figure in a real browser: the document's sentence, the tool's lines, its plot, and the inputs that open on a click."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from watching import GRADIO_WARNINGS, Watched, watched

from assistant import Assistant
from assistant.service import Service
from assistant.web.server import serve
from ingest.chunking import CHUNKER_VERSION
from ingest.ingestor import Ingestor
from vectorstore.embedding import Embedder
from vectorstore.settings import Settings
from vectorstore.store import Store

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings(*GRADIO_WARNINGS)]
NOTE = (
    "---\ntitle: Small caps after the slide\npublisher: Quay Research\ndate: 2025-05-12\nkind: note\n---\n\n"
    "The Russell 2000 stands 15% below its peak of late 2024, and bargain hunters are returning.\n"
)


@pytest.fixture(params=[(1280, 900), (390, 844)], ids=["desk", "phone"])
def seen(request: pytest.FixtureRequest, tmp_path: Path, browser: Any, embedder: Embedder) -> Iterator[Watched]:
    (tmp_path / "slide.md").write_text(NOTE, encoding="utf-8")
    data = tmp_path / "data"
    data.mkdir()
    last = date.today() - timedelta(days=1)
    lines = [f"{last - timedelta(days=back)},IWM,{close}" for back, close in enumerate([230, 240, 250, 200])]
    (data / "prices.csv").write_text("\n".join(["date,symbol,close", *lines]), encoding="utf-8")
    settings = Settings(store=str(tmp_path / "base"), port=0, data=str(data), workers=1)
    with (
        Store.open(settings.store, embedder=embedder, chunker_version=CHUNKER_VERSION) as store,
        Ingestor(store, settings) as ingestor,
    ):
        ingestor.ingest([str(tmp_path / "slide.md")])
        handle = serve(Service(Assistant(store, settings), ingestor, settings), settings, block=False)
        width, height = request.param
        context = browser.new_context(viewport={"width": width, "height": height})
        page = watched(context.new_page())
        page.page.goto(handle.url)
        page.page.locator(".t-welcome").wait_for()
        yield page
        assert page.hosts == {handle.url.removeprefix("http://")}
        assert page.errors == []
        context.close()
        handle.close()


def test_a_live_figure_stands_below_what_the_note_said_with_its_plot(seen: Watched) -> None:
    seen.ask("Is the Russell 2000 still 15% below its peak?")
    said = seen.last.inner_text()
    assert said.index("stands 15% below its peak") < said.index("drawdown: −8%")
    card = seen.last.locator(".t-live")
    assert card.locator("svg polyline").count() == 1
    box = card.locator("svg").bounding_box()
    assert box is not None
    assert box["width"] > 200
    formula = card.locator(".t-formula").first
    assert not formula.is_visible()
    card.locator(".t-figures summary").click()
    assert formula.is_visible()
    assert "230 / 250 - 1" in formula.inner_text()
    assert seen.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
