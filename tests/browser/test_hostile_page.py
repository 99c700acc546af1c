"""Hostile words stay words wherever they are shown: chat, sources, plots, documents, board, their own pages, and what is saved."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pypdf
import pytest
from board_cases import bench
from export_samples import hostile
from record_samples import open_records
from watching import GRADIO_WARNINGS, Watched, watched
from web_fakes import HOSTILE_TEXT, HOSTILE_TITLE, FakeAssistant, make_document, service_of

from assistant.models import Answer
from assistant.service import Service
from assistant.web.server import serve
from vectorstore.embedding import Embedder
from vectorstore.records import Metadata
from vectorstore.settings import Settings

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings(*GRADIO_WARNINGS)]
LONG = "Donaudampfschifffahrt" * 18
# A sentence that would turn, hide, load, run or draw, if any of it were taken for more than words.
TURNED = "from \u202e21\u202c to \u206642\u2069"
HIDDEN = "tar\u200biffs\u2060 and sm\u00adall\ufeff firms"
SCRIPT = "<script>window.hacked=1</script><img src=http://evil.test/a.png onerror=window.hacked=2><svg onload=alert(3)>"
STYLE = "<style>*{display:none}</style><link rel=stylesheet href=http://evil.test/x.css></div></td><base href=http://evil.test/>"
LINK = "[here](javascript:alert(4)) ![p](http://evil.test/p.png) <a href=http://evil.test/>there</a><iframe src=http://evil.test/></iframe>"
NOTE = f"""---
title: "Tariffs {SCRIPT.replace('"', "'")}"
publisher: "<b>Evil & Co</b> {TURNED}"
date: 2025-03-14
kind: note
company: "Alder <i>Pumps</i>"
---

Tariffs raise the costs of pump makers {SCRIPT} in the spring.

Tariffs raise the costs of valve makers {STYLE} in the summer.

Tariffs raise the costs of chair makers {LINK} in the autumn.

Tariffs raise the costs of {LONG} makers in the winter.

Tariffs raise {TURNED} and {HIDDEN} the costs of all makers of glass.
"""
QUESTION = f"Do tariffs raise the costs of pump, valve, chair and glass makers? {SCRIPT} {STYLE} {TURNED}"
# What no text of a document may become; our own plots are drawn in SVG.
MADE = "script, link, style, base, iframe, object, embed, form:not(.t-amend), svg[onload], img:not([src^='document/']):not([src^='../'])"


@dataclass
class Inert:
    """A page whose dialogs and requests to others are written down."""

    seen: Watched
    dialogs: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.watch(self.seen.page)

    def watch(self, page: Any) -> None:
        def shown(dialog: Any) -> None:
            self.dialogs.append(dialog.message)
            dialog.dismiss()

        page.on("dialog", shown)

    def check(self, page: Any, inside: str) -> str:
        """Return the text inside; nothing ran, nothing was made of it, and nothing has to be scrolled sideways."""
        assert page.evaluate("window.hacked") is None
        assert page.locator(inside).locator(MADE).count() == 0
        assert (
            page.locator(inside).locator("a[href^='javascript'], a[href*='evil.test'], [onerror], [onload]").count()
            == 0
        )
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), inside
        text = " ".join(page.inner_text(inside).split())
        assert not set(text) & set("\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u2069")
        return text


@pytest.fixture(params=[(1440, 900), (390, 844)], ids=["desk", "phone"])
def inert(request: pytest.FixtureRequest, browser: Any) -> Iterator[Inert]:
    width, height = request.param
    context = browser.new_context(viewport={"width": width, "height": height}, accept_downloads=True)
    found = Inert(watched(context.new_page()))
    context.on("page", found.watch)
    asked: list[str] = []
    context.on("request", lambda sent: asked.append(sent.url))
    yield found
    assert found.dialogs == []
    assert found.seen.errors == []
    assert [url for url in asked if "evil.test" in url] == []
    assert len({url.split("/")[2] for url in asked if url.startswith(("http:", "https:", "ws:"))}) == 1
    context.close()


@pytest.fixture(scope="module")
def address(
    tmp_path_factory: pytest.TempPathFactory, embedder: Embedder, model_cache: Path, browser: Any
) -> Iterator[str]:
    """A real base that holds the note, with its board."""
    folder = tmp_path_factory.mktemp("hostile")
    with bench(folder, embedder, model_cache, port=0, rate_per_minute=0) as base:
        base.put({"note & <b onclick=alert(9)>co.md": NOTE})
        base.face.update()
        settings = base.assistant.settings
        with closing(open_records(Path(settings.store))) as records:
            running = serve(Service(base.wired(), base.ingestor, settings, records=records), settings, block=False)
            yield running.url
            running.close()


def test_a_hostile_document_stays_words_everywhere(inert: Inert, address: str) -> None:
    page = inert.seen.page
    phone = page.viewport_size["width"] < 860
    page.goto(address)
    page.locator(".t-welcome").wait_for()
    inert.check(page, "#transcript")
    inert.seen.ask(QUESTION)
    inert.seen.last.locator("button.t-marker").first.wait_for()
    said = inert.check(page, "#transcript")
    assert SCRIPT in said
    assert LINK in said
    assert "\ufffd" in said  # the turning signs are shown
    inert.seen.last.locator("button.t-marker").first.click()
    page.locator("#sources mark").first.wait_for()
    shown = inert.check(page, "#sources")
    assert STYLE in shown
    assert "<b>Evil & Co</b>" in shown
    with page.context.expect_page() as opened:
        page.locator("#sources a.t-open").first.click()
    document = opened.value
    document.locator("mark").first.wait_for()
    told = inert.check(document, "main")
    assert LINK in told
    document.close()
    if phone:
        page.keyboard.press("Escape")
        page.locator("#side").wait_for(state="hidden")
        page.get_by_role("button", name="Conversations", exact=True).click()
    page.locator(".t-kept-title").first.wait_for()
    assert "<script>" in inert.check(page, "#history")
    if phone:
        page.keyboard.press("Escape")
    page.get_by_role("tab", name="Documents").click()
    page.locator("[data-row]").first.wait_for()
    assert SCRIPT[:60] in inert.check(page, "#documents-table")
    page.get_by_role("button", name="Details of").first.click()
    page.locator(".t-detail").wait_for()
    assert "Alder <i>Pumps</i>" in inert.check(page, "#document-sheet")
    page.keyboard.press("Escape")
    page.get_by_role("tab", name="Board").click()
    page.locator(".t-catalyst").first.wait_for()
    inert.check(page, "#board")
    page.locator(".t-catalyst-head[data-id=tariffs]").click()
    page.locator(".t-one").wait_for()
    assert SCRIPT in inert.check(page, "#board")


@dataclass
class Answering(FakeAssistant):
    """Answers with nothing but hostile words: text, source, tool, figures, plot, warnings, filters."""

    def answer(self, question: str, **named: Any) -> Answer:
        return hostile().model_copy(update={"question": question})


@pytest.fixture(scope="module")
def answering(tmp_path_factory: pytest.TempPathFactory, browser: Any) -> Iterator[str]:
    root = tmp_path_factory.mktemp("answering")
    page = make_document(HOSTILE_TITLE, HOSTILE_TEXT, metadata=Metadata(title=HOSTILE_TITLE, publisher="<b>Evil</b>", kind="article"))  # fmt: skip
    settings = Settings(store=str(root), port=0, rate_per_minute=0)
    with closing(open_records(root)) as records:
        running = serve(
            service_of(Answering({page.document_id: page}), settings, records=records), settings, block=False
        )
        yield running.url
        running.close()


def test_hostile_figures_plots_and_files_stay_words(inert: Inert, answering: str, tmp_path: Path) -> None:
    page = inert.seen.page
    page.goto(answering)
    page.locator(".t-welcome").wait_for()
    inert.seen.ask(QUESTION)
    card = inert.seen.last.locator(".t-live")
    card.locator("svg polyline").first.wait_for()
    for summary in card.locator("summary").all():
        summary.click()
    said = inert.check(page, "#transcript")
    assert HOSTILE_TITLE in said
    assert HOSTILE_TITLE[:40] in card.locator("figure").first.inner_text()
    assert card.locator("svg").locator("script, image, foreignObject, a, [onload]").count() == 0
    files = {form: saved(inert.seen, form) for form in ("markdown", "html", "pdf")}
    (tmp_path / "saved.html").write_bytes(files["html"])
    alone = page.context.browser.new_context()
    other = alone.new_page()
    inert.watch(other)
    asked: list[str] = []
    other.on("request", lambda sent: asked.append(sent.url))
    other.goto((tmp_path / "saved.html").as_uri())
    assert len(asked) == 1
    assert SCRIPT in " ".join(other.inner_text("body").split())
    assert other.locator("body").locator(MADE).count() == 0
    alone.close()
    markdown = files["markdown"].decode()
    assert "\u202e" not in markdown
    # As Markdown shows it: no tag and no picture is left that is not escaped.
    assert not unescaped(markdown, "<script")
    assert not unescaped(markdown, "<img")
    assert not unescaped(markdown, "![")
    pdf = pypdf.PdfReader(io.BytesIO(files["pdf"]))
    text = " ".join(" ".join(one.extract_text() for one in pdf.pages).split())
    assert "window.hacked" in text
    assert "/JavaScript" not in pdf.trailer["/Root"]
    links = [note.get_object().get("/A", {}).get("/URI", "") for one in pdf.pages for note in one.get("/Annots", [])]
    assert [link for link in links if "evil" in link or "javascript" in link] == []


def unescaped(markdown: str, sign: str) -> bool:
    """Whether ``sign`` stands in the text neither behind a backslash nor inside a span of code."""
    plain = re.sub(r"`[^`\n]*`", "", markdown)
    return re.search(rf"(?<!\\){re.escape(sign)}", plain) is not None


def saved(seen: Watched, form: str) -> bytes:
    with seen.page.expect_download() as download:
        seen.page.evaluate(
            "sent => document.dispatchEvent(new CustomEvent('t-send', {detail: {name: 'export', data: sent}}))",
            {"form": form, "turn": "1"},
        )
    return Path(download.value.path()).read_bytes()
