"""What leaves the page, in a real browser: the clipboard in both forms, files, and what is said of it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pypdf
import pytest
from watching import GRADIO_WARNINGS, Watched, watched
from web_fakes import HOSTILE_TITLE, FakeAssistant, FakeIngestor, serve_fakes

from assistant.models import Metric, ToolResult
from assistant.web.server import Handle
from vectorstore.errors import StoreError
from vectorstore.settings import Settings

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings(*GRADIO_WARNINGS)]
GAP = "What was the gap to large caps in March 2024?"
QUOTE = "The gap to large caps stood at 26 percent in March 2024."
NOTE = f"Valuation gap, Sample notes, 2024-03-20: “{QUOTE}”"
TOOL = ToolResult(
    tool="drawdown", marker="T1", retrieved_at="2024-05-01T10:00:00+00:00",
    metrics=(Metric(name="drawdown", subject="IWM", value=-8.0, unit="percent", as_of="2024-05-01", inputs=({"name": "=cmd()", "value": 1},)),),
)  # fmt: skip
# As a page has it that came by plain http: no clipboard but the old command.
PLAIN_HTTP = "Object.defineProperty(navigator, 'clipboard', {value: undefined}); window.ClipboardItem = undefined;"
PASTED = """window.pasted = {}; document.addEventListener('paste', (event) => {
  for (const type of ['text/plain', 'text/html']) window.pasted[type] = event.clipboardData.getData(type);
})"""


class Measuring(FakeAssistant):
    """Adds a live figure to each answer."""

    def answer(self, question: str, **named: Any) -> Any:
        return super().answer(question, **named).model_copy(update={"tool_results": (TOOL,)})


@pytest.fixture(scope="module")
def assistant() -> FakeAssistant:
    return Measuring()


@pytest.fixture(scope="module")
def handle(assistant: FakeAssistant, tmp_path_factory: pytest.TempPathFactory, browser: Any) -> Iterator[Handle]:
    base = Settings(store=str(tmp_path_factory.mktemp("exports") / "base"), port=0)
    running = serve_fakes(assistant, FakeIngestor(assistant), base, block=False)
    yield running
    running.close()


@pytest.fixture(params=["", PLAIN_HTTP], ids=["https", "http"])
def both(request: pytest.FixtureRequest, handle: Handle, browser: Any) -> Iterator[Watched]:
    yield from opened(handle, browser, request.param)


@pytest.fixture
def seen(handle: Handle, browser: Any) -> Iterator[Watched]:
    yield from opened(handle, browser, "")


def opened(handle: Handle, browser: Any, script: str) -> Iterator[Watched]:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, accept_downloads=True)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    if script:
        context.add_init_script(script)
    page = watched(context.new_page())
    page.page.goto(handle.url)
    page.page.locator(".t-welcome").wait_for()
    yield page
    assert page.hosts == {handle.url.removeprefix("http://")}
    assert page.errors == []
    context.close()


def said(seen: Watched, text: str) -> None:
    seen.page.locator("#handed [role=status]", has_text=text).wait_for()


def send(seen: Watched, **sent: str) -> None:
    """Ask for an export as any place of the page may."""
    seen.page.evaluate(
        "sent => document.dispatchEvent(new CustomEvent('t-send', {detail: {name: 'export', data: sent}}))", sent
    )


def saved(seen: Watched, **sent: str) -> tuple[str, bytes]:
    with seen.page.expect_download() as download:
        send(seen, **sent)
    said(seen, f"Saved {download.value.suggested_filename}.")
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def test_copy_writes_text_and_html_with_the_sources(both: Watched) -> None:
    both.ask(GAP)
    both.last.get_by_role("button", name="Copy").click()
    said(both, "Copied with its sources.")
    both.page.evaluate(PASTED)
    both.page.locator("#question textarea").focus()
    both.page.keyboard.press("Control+V")
    both.page.wait_for_function("window.pasted['text/plain']")
    text, html = both.page.evaluate("[window.pasted['text/plain'], window.pasted['text/html']]")
    assert text.splitlines()[0] == f"- {QUOTE} [1]"
    assert f"[1] {NOTE} (notes/discount.md)" in text
    assert f"<li>{QUOTE} [1]</li>" in html
    assert NOTE in html


def test_an_answer_is_saved_as_markdown_html_and_pdf(seen: Watched) -> None:
    seen.ask(GAP)
    stem = "what-was-the-gap-to-large-caps-in-march-2024"
    name, markdown = saved(seen, form="markdown", turn="1")
    assert name == f"{stem}.md"
    assert f"- {QUOTE} [^1]\n" in markdown.decode()
    assert f"[^1]: {NOTE} (`notes/discount.md`)" in markdown.decode()
    name, _ = saved(seen, form="html", turn="1")
    assert name == f"{stem}.html"
    name, pdf = saved(seen, form="pdf", turn="1")
    assert name == f"{stem}.pdf"
    assert QUOTE in " ".join(pypdf.PdfReader(io.BytesIO(pdf)).pages[0].extract_text().split())
    # The page keeps no copy of what went through it.
    assert "discount.md`" not in seen.page.content()
    assert seen.page.locator("#transcript textarea").count() == 0


def test_a_conversation_is_saved_whole_and_says_what_failed(seen: Watched, assistant: FakeAssistant) -> None:
    seen.ask(GAP)
    assistant.failures.append(StoreError("The base is being rebuilt.", "Ask again in a minute."))
    seen.ask("And what of Harbor Tools?")
    name, text = saved(seen, form="markdown")
    assert name.endswith(".md")
    assert f"## {GAP}\n" in text.decode()
    assert (
        "## And what of Harbor Tools?\n\nNot answered. The base is being rebuilt. Ask again in a minute."
        in text.decode()
    )
    assert "*2 questions*" in text.decode()


def test_inputs_of_a_tool_are_saved(seen: Watched) -> None:
    seen.ask(GAP)
    name, data = saved(seen, form="csv", turn="1", tool="T1")
    assert name == "drawdown-2024-05-01.csv"
    assert data.decode().splitlines()[1] == "drawdown,IWM,'=cmd(),1"


def test_what_cannot_be_had_is_said(seen: Watched) -> None:
    seen.ask(GAP)
    for sent, told in (
        ({"form": "pdf", "turn": "99"}, "This answer is not on the page any more."),
        ({"form": "exe", "turn": "1"}, "There is no export of the form 'exe'."),
        ({"form": "csv", "turn": "1", "tool": "T9"}, "This answer is not on the page any more."),
        ({"form": "pdf", "id": "not-mine"}, "This server keeps no records."),
    ):
        send(seen, **sent)
        said(seen, told)


def test_a_saved_page_stands_alone_and_holds_hostile_words_as_words(
    seen: Watched, browser: Any, tmp_path: Path
) -> None:
    seen.ask("What are the hostile harbour terms?")
    _, html = saved(seen, form="html", turn="1")
    (tmp_path / "saved.html").write_bytes(html)
    context = browser.new_context()
    alone = watched(context.new_page())
    asked: list[str] = []
    alone.page.on("request", lambda request: asked.append(request.url))
    told: list[str] = []
    alone.page.on("console", lambda message: told.append(message.text))
    address = (tmp_path / "saved.html").as_uri()
    alone.page.goto(address)
    assert (asked, told, alone.errors) == ([address], [], [])
    assert alone.page.evaluate("window.hacked") is None
    assert HOSTILE_TITLE in alone.page.locator(".notes").inner_text()
    assert alone.page.locator("script, img, iframe, object, link, form").count() == 0
    # A footnote leads to its note, and the note back.
    alone.page.locator("sup a").first.click()
    assert alone.page.evaluate("location.hash") == "#n1"
    alone.page.locator("#n1 a").last.click()
    assert alone.page.evaluate("location.hash") == "#r1-1"
    context.close()
