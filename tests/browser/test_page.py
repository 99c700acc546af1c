"""The page in a real browser, over scripted answers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from watching import GRADIO_WARNINGS, Watched, watched
from web_fakes import HOSTILE_TEXT, HOSTILE_TITLE, FakeAssistant, FakeIngestor, serve_fakes

from assistant.web.server import Handle
from vectorstore.settings import Settings

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings(*GRADIO_WARNINGS)]
GAP = "What was the gap to large caps in March 2024?"
GAP_QUOTE = "The gap to large caps stood at 26 percent in March 2024."


@pytest.fixture
def assistant() -> FakeAssistant:
    return FakeAssistant()


@pytest.fixture
def handle(assistant: FakeAssistant, tmp_path: Path, browser: Any) -> Iterator[Handle]:
    running = serve_fakes(
        assistant, FakeIngestor(assistant), Settings(store=str(tmp_path / "base"), port=0), block=False
    )
    yield running
    running.close()


@pytest.fixture
def open_page(handle: Handle, browser: Any) -> Iterator[Any]:
    contexts = []

    def opened(width: int = 1280, height: int = 800) -> Watched:
        context = browser.new_context(viewport={"width": width, "height": height}, accept_downloads=True)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        contexts.append(context)
        seen = watched(context.new_page())
        seen.page.goto(handle.url)
        seen.page.locator(".t-welcome").wait_for()
        return seen

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def seen(open_page: Any, handle: Handle) -> Iterator[Watched]:
    page = open_page()
    yield page
    assert page.hosts == {handle.url.removeprefix("http://")}
    assert page.errors == []


def test_a_citation_opens_its_sentence_marked(seen: Watched) -> None:
    seen.ask(GAP)
    assert GAP_QUOTE in seen.last.inner_text()
    assert seen.page.locator("#sources .t-card-head").first.inner_text().startswith("S1")
    assert "Sample notes · 20 Mar 2024 · note" in seen.page.inner_text("#sources")
    seen.last.locator("button.t-marker", has_text="S1").click()
    mark = seen.page.locator("#sources mark")
    mark.wait_for()
    assert mark.inner_text() == GAP_QUOTE
    assert "Lower rates would help" in seen.page.inner_text("#sources blockquote")
    seen.page.locator(".t-marker.t-on").wait_for()
    box, quote = mark.bounding_box(), seen.page.locator("#sources blockquote").bounding_box()
    assert quote["y"] <= box["y"] <= quote["y"] + quote["height"]
    seen.page.locator("#sources .t-card-head[data-cite=S1]").click()
    mark.wait_for(state="detached")


def test_the_cited_span_opens_on_the_document_s_page(seen: Watched) -> None:
    seen.ask(GAP)
    seen.page.locator("#sources .t-card-head").first.click()
    with seen.page.context.expect_page() as opened:
        seen.page.locator("#sources a.t-open").click()
    document = opened.value
    mark = document.locator("mark#cited")
    mark.wait_for()
    assert mark.inner_text() == GAP_QUOTE
    height = document.evaluate("innerHeight")
    assert 0 <= mark.bounding_box()["y"] < height


def test_a_pdf_citation_shows_the_picture_of_its_page(seen: Watched) -> None:
    seen.ask("What was the revenue of Harbor Tools in fiscal 2023?")
    assert "p. 2" in seen.page.inner_text("#sources")
    seen.last.locator("button.t-marker").click()
    picture = seen.page.locator("#sources .t-page img")
    picture.wait_for()
    picture.scroll_into_view_if_needed()
    seen.page.wait_for_function("document.querySelector('#sources .t-page img').naturalWidth === 300")


def test_a_refusal_is_plain_and_nearby_passages_open(seen: Watched) -> None:
    seen.ask("Who won the tournament final?")
    assert "Nothing in the base speaks of this." in seen.last.inner_text()
    assert seen.last.locator("button.t-marker").count() == 0
    seen.last.locator(".t-nearby button").first.click()
    seen.page.locator("#sources .t-rest[open] mark").wait_for()


def test_hostile_documents_are_shown_and_stay_inert(seen: Watched) -> None:
    seen.ask("hostile harbour terms window hacked")
    seen.last.locator("button.t-marker").first.click()
    seen.page.locator("#sources mark").wait_for()
    assert HOSTILE_TITLE in seen.page.inner_text("#sources")
    quote = " ".join(seen.page.inner_text("#sources mark").split())
    assert quote
    assert quote in HOSTILE_TEXT
    seen.page.get_by_role("tab", name="Documents").click()
    seen.page.locator(".t-documents").wait_for()
    assert HOSTILE_TITLE in seen.page.inner_text("#documents-table")
    assert seen.page.evaluate("window.hacked") is None
    inside = "#transcript, #sources, #documents-table"
    assert (
        seen.page.evaluate(
            f"[...document.querySelectorAll('{inside}')].flatMap(e=>[...e.querySelectorAll('img,script')]).length"
        )
        == 0
    )
    with seen.page.context.expect_page() as opened:
        seen.page.locator(".t-documents a", has_text="onerror").click()
    opened.value.locator(".text").wait_for()
    assert HOSTILE_TEXT in opened.value.inner_text(".text")
    assert opened.value.evaluate("window.hacked") is None


def test_an_upload_answers_right_after(seen: Watched, tmp_path: Path) -> None:
    good, empty = tmp_path / "zinc.md", tmp_path / "empty.md"
    good.write_text("Zinc outlook\nZinc smelter capacity fell by nine percent in Peru.", encoding="utf-8")
    empty.write_text("", encoding="utf-8")
    seen.page.get_by_role("tab", name="Documents").click()
    seen.page.set_input_files("#upload input[type=file]", [str(good), str(empty)])
    seen.page.locator("#upload-result").get_by_text("1 added, 1 failed.").wait_for()
    report = seen.page.inner_text("#upload-result")
    assert "1 added, 1 failed." in report
    assert "empty.md: The file is empty. Give a file with text." in report
    seen.page.locator(".t-documents a", has_text="Zinc outlook").wait_for()
    seen.page.fill("#find-documents textarea, #find-documents input", "zinc")
    seen.page.get_by_text("1 of 4 documents.").wait_for()
    seen.page.get_by_role("tab", name="Chat").click()
    seen.ask("What happened to zinc smelter capacity in Peru?")
    assert "Zinc smelter capacity fell by nine percent in Peru." in seen.last.inner_text()
    seen.page.locator("#filters button").first.click()
    seen.page.locator("#filter-publishers input").click()
    seen.page.get_by_role("option", name="Uploads").wait_for()
    seen.page.get_by_role("tab", name="Documents").click()
    seen.page.get_by_role("button", name="Details of Zinc outlook").click()
    seen.page.get_by_role("button", name="Remove…").click()
    seen.page.get_by_role("button", name="Remove", exact=True).click()
    seen.page.get_by_text("0 of 3 documents.").wait_for()


def test_filters_and_as_of_reach_the_answer(seen: Watched, assistant: FakeAssistant) -> None:
    seen.page.locator("#filters button").first.click()
    seen.page.locator("#filter-publishers input").click()
    seen.page.get_by_role("option", name="SEC").click()
    seen.page.fill("#filter-as-of input", "2024-06-30")
    seen.ask(GAP)
    assert assistant.asked[-1]["filters"] == {"publisher": ["SEC"]}
    assert assistant.asked[-1]["as_of"] == "2024-06-30"
    assert "As of 30 Jun 2024" in seen.last.inner_text()
    assert seen.page.locator("#filter-as-of input").get_attribute("type") == "date"


def test_an_answer_streams_and_can_be_stopped(seen: Watched, assistant: FakeAssistant) -> None:
    assistant.hold = threading.Event()
    seen.page.fill("#question textarea", GAP)
    seen.page.press("#question textarea", "Enter")
    seen.page.locator("#live .t-body", has_text="26 percent").wait_for()
    seen.page.locator("#live .t-status").wait_for()
    seen.page.click("#stop")
    seen.page.locator("#transcript .t-turn", has_text="Stopped").wait_for()
    seen.page.locator("#send").wait_for()
    # At once, while what was stopped still hangs.
    held, assistant.hold = assistant.hold, None
    seen.ask("What was the revenue of Harbor Tools in fiscal 2023?")
    turns = seen.page.locator("#transcript .t-turn")
    assert turns.count() == 2
    held.set()
    assert "Stopped" in turns.nth(0).inner_text()
    assert "412 million" in turns.nth(1).inner_text()


def test_examples_ask_and_a_new_conversation_forgets(seen: Watched, assistant: FakeAssistant) -> None:
    seen.page.locator(".t-example").first.click()
    seen.last.locator(".t-actions").wait_for()
    assert assistant.asked[-1]["question"] == "What are the main points of “Valuation gap”?"
    seen.page.locator("#kept .t-new").click()
    seen.page.locator(".t-welcome").wait_for()
    seen.ask(GAP)
    assert assistant.asked[-1]["history"] == []


def test_two_users_do_not_see_each_other(open_page: Any, assistant: FakeAssistant) -> None:
    first, second = open_page(), open_page()
    first.ask(GAP)
    second.ask("What was the revenue of Harbor Tools in fiscal 2023?")
    assert second.page.locator("#transcript .t-turn").count() == 1
    assert assistant.asked[-1]["history"] == []
    assert GAP not in second.page.inner_text("#transcript")


def test_a_phone_opens_the_sources_over_the_conversation(open_page: Any) -> None:
    seen = open_page(390, 844)
    seen.ask(GAP)
    assert seen.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    side = seen.page.locator("#side")
    assert not side.is_visible()
    seen.last.locator("button.t-marker").click()
    seen.page.wait_for_function(
        "(() => { const r = document.querySelector('#sources mark')?.getBoundingClientRect();"
        " return r && r.top >= 0 && r.bottom <= innerHeight; })()"
    )
    seen.page.keyboard.press("Escape")
    side.wait_for(state="hidden")
    assert seen.page.evaluate("document.activeElement.textContent") == "S1"  # where one was


def test_light_and_dark_are_kept(seen: Watched) -> None:
    colour = "getComputedStyle(document.body).backgroundColor"
    light = seen.page.evaluate(colour)
    seen.page.locator("[data-action=theme]").click()
    seen.page.wait_for_function(f"light => {colour} !== light", arg=light)
    seen.page.wait_for_timeout(500)  # the colours fade
    dark = seen.page.evaluate(colour)
    seen.page.reload()
    seen.page.locator(".t-welcome").wait_for()
    # The page is there before its script has put the kept theme on.
    seen.page.wait_for_function(f"dark => document.querySelector('#side') && {colour} === dark", arg=dark)
