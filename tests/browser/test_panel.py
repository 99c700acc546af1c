"""The sources beside an answer in a real browser: several spans, tables, hovering, walking by keyboard, and a phone's sheet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from watching import GRADIO_WARNINGS, Watched, watched
from web_fakes import FakeAssistant, FakeIngestor, citation, make_document, serve_fakes

from assistant.models import Answer, Claim, Metric, ToolResult
from assistant.web.server import Handle
from assistant.web.text import document_path
from vectorstore.records import Document, Metadata, Page
from vectorstore.settings import Settings

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings(*GRADIO_WARNINGS)]

ROWS = "Year | 2023 | 2022\nTools | $412 | $380\nServices | 96 | 88\nTotal revenue | $508 | $468"
NOTE = make_document(
    "notes/tools.md",
    "Harbor Tools after the year\n\nOrders grew in every region. "
    + "The mills are full. " * 60
    + f"\n\n{ROWS}\n\n"
    + "Prices held up. " * 60
    + "\n\nMargins should stay where they are.",
    metadata=Metadata(title="Harbor Tools", publisher="Quay Research", published="2024-03-20", kind="note"),
)
FIRST = "Harbor Tools Inc. annual report for fiscal 2023.\n"
FILING = make_document(
    "filings/harbor.pdf",
    FIRST + "Years ended December 31, 2023 2022\nRevenue $ 508 $ 468\nNet income 61 48\n",
    metadata=Metadata(title="Harbor Tools 10-K", publisher="SEC", published="2024-02-28", kind="filing"),
    media_type="application/pdf",
    pages=(Page(1, 0, len(FIRST)), Page(2, len(FIRST), len(FIRST) + 72)),
)
CITED = (
    (NOTE, "Orders grew in every region."),
    (FILING, "Revenue $ 508 $ 468"),
    (NOTE, "Total revenue | $508 | $468"),
    (FILING, "Years ended December 31, 2023 2022"),
)
SEVERAL, LIVE = "What did Harbor Tools earn?", "How far has it fallen?"


def span(document: Document, quote: str) -> tuple[int, int]:
    start = document.text.index(quote)
    return start, start + len(quote)


@dataclass
class Several(FakeAssistant):
    """Answers with four spans of two documents, or with a live figure."""

    def answer(self, question: str, *, as_of: str | None = None, filters: Mapping[str, Any] | None = None) -> Answer:
        told = {"answer_id": "a", "question": question, "standalone_question": question, "status": "answered"}
        if question == LIVE:
            curve = {"name": "curve", "unit": "percent", "series": [["2024-01-02", 0.0], ["2024-02-01", -9.0], ["2024-03-01", -4.0]]}  # fmt: skip
            measured = Metric(name="drawdown", subject="Index", value=-4.0, unit="percent", as_of="2024-03-01", formula="a / b - 1", inputs=(curve,))  # fmt: skip
            return Answer(**told, text="It fell by 4%. [T1]", tool_results=(ToolResult(tool="drawdown", marker="T1", metrics=(measured,)),))  # fmt: skip
        found = FakeAssistant(documents=self.documents).answer("orders mills prices margins revenue income")
        text = "\n".join(f"- Line {n + 1}. [S{n + 1}]" for n in range(len(CITED)))
        claim = Claim(text="Line 2.", start=text.index("Line 2"), end=text.index("Line 2") + 7, markers=("S2",), verdict="contradicted", reason="508, not 412")  # fmt: skip
        citations = tuple(citation(d, *span(d, quote), marker=f"S{n + 1}") for n, (d, quote) in enumerate(CITED))
        return Answer(**told, text=text, citations=citations, claims=(claim,), passages=found.passages)


@pytest.fixture
def ingestor() -> FakeIngestor:
    return FakeIngestor(Several(documents={d.document_id: d for d in (NOTE, FILING)}))


@pytest.fixture
def handle(ingestor: FakeIngestor, tmp_path: Path, browser: Any) -> Iterator[Handle]:
    settings = Settings(store=str(tmp_path / "base"), port=0)
    running = serve_fakes(ingestor.assistant, ingestor, settings, block=False)
    yield running
    running.close()


@pytest.fixture
def open_page(handle: Handle, browser: Any) -> Iterator[Any]:
    contexts = []

    def opened(width: int = 1280, height: int = 800, *, question: str = SEVERAL) -> Watched:
        context = browser.new_context(viewport={"width": width, "height": height}, has_touch=width < 500)
        contexts.append(context)
        seen = watched(context.new_page())
        seen.page.goto(handle.url)
        seen.page.locator(".t-welcome").wait_for()
        seen.ask(question)
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


def chosen(seen: Watched, key: str) -> Any:
    """Wait until a source is open, and return its card."""
    card = seen.page.locator(f"#sources .t-chosen[data-key={key}]")
    card.locator("blockquote").wait_for()
    return card


def lit(seen: Watched) -> set[str]:
    return set(seen.page.evaluate("[...document.querySelectorAll('.t-lit')].map((e) => (e.dataset.cite || '#' + e.dataset.key))"))  # fmt: skip


def test_spans_of_a_document_open_together_in_its_text_and_on_its_page(seen: Watched, ingestor: FakeIngestor) -> None:
    assert seen.page.locator("#sources .t-group").count() == 2
    told = seen.page.locator("#sources .t-group").first.inner_text().split()
    assert " ".join(told).startswith(
        "Harbor Tools Quay Research · 20 Mar 2024 · note S1 Orders grew in every region. S3"
    )
    assert seen.page.locator("#sources .t-verdict", has_text="contradicts a sentence").count() == 1
    seen.last.locator("button.t-marker", has_text="S2").click()
    card = chosen(seen, "S2")
    assert card.locator("mark:not(.t-weak)").all_inner_texts() == ["Revenue", "$ 508", "$ 468"]
    assert card.locator("mark.t-weak").all_inner_texts() == ["Years ended December 31,", "2023", "2022"]
    assert "508, not 412" in card.inner_text()
    picture = card.locator(".t-page img")
    picture.scroll_into_view_if_needed()
    seen.page.wait_for_function("document.querySelector('#sources .t-page img').naturalWidth === 300")
    asked = parse_qsl(urlsplit(picture.get_attribute("src")).query)
    first, second = span(FILING, CITED[1][1]), span(FILING, CITED[3][1])
    assert asked[1:] == [("start", str(first[0])), ("end", str(first[1])), ("span", f"{second[0]}-{second[1]}")]
    assert ingestor.pictures[-1][2:] == (2, (first, second))
    # The marker before the other span opens that one.
    card.locator("blockquote [data-cite=S4]").click()
    assert chosen(seen, "S4").locator("mark:not(.t-weak)").first.inner_text() == "Years ended December 31,"


def test_a_row_of_a_table_opens_as_a_row_in_sight(seen: Watched) -> None:
    seen.last.locator("button.t-marker", has_text="S3").click()
    card = chosen(seen, "S3")
    rows = [row.locator("td").all_inner_texts() for row in card.locator(".t-rows tr").all()]
    assert rows == [["Year", "2023", "2022"], ["Tools", "$412", "$380"], ["Services", "96", "88"], ["Total revenue", "$508", "$468"]]  # fmt: skip
    mark, quote = card.locator("mark:not(.t-weak)").first, card.locator("blockquote")
    seen.page.wait_for_function("document.querySelector('#sources blockquote').scrollTop > 0")
    box, around = mark.bounding_box(), quote.bounding_box()
    assert around["y"] <= box["y"]
    assert box["y"] + box["height"] <= around["y"] + around["height"]
    right = [box["x"] + box["width"] for box in (cell.bounding_box() for cell in card.locator(".t-rows tr td:last-child").all())]  # fmt: skip
    assert max(right) - min(right) < 1


def test_a_marker_lights_its_card_and_a_card_its_markers(seen: Watched) -> None:
    seen.last.locator("button.t-marker", has_text="S3").hover()
    assert lit(seen) == {"S3", "#S3"}
    seen.page.locator("#sources .t-group").last.locator("h3").hover()
    assert lit(seen) == {"S2", "S4", "#S2", "#S4"}
    seen.page.locator("#sources [data-key=S1]").hover()
    assert lit(seen) == {"S1", "#S1"}
    # The panel is rendered anew under the pointer.
    seen.page.keyboard.press("Alt+ArrowRight")
    chosen(seen, "S1")
    seen.page.locator("#sources [data-key=S1] .t-card-head").hover()
    assert lit(seen) == {"S1", "#S1"}
    seen.page.keyboard.press("Alt+ArrowRight")
    chosen(seen, "S2")
    seen.page.wait_for_function("document.querySelectorAll('.t-lit').length > 0")
    seen.page.mouse.move(5, 5)
    seen.page.wait_for_function("document.querySelectorAll('.t-lit').length === 0")


def test_the_keyboard_lights_opens_and_walks(seen: Watched) -> None:
    seen.last.locator("button.t-marker", has_text="S4").focus()
    seen.page.keyboard.press("Shift+Tab")  # so that the focus is one of the keyboard
    assert lit(seen) == {"S3", "#S3"}
    seen.page.keyboard.press("Enter")
    chosen(seen, "S3")
    assert " ".join(seen.page.locator("#sources .t-walk").inner_text().split()).startswith("Source 3 of 4")
    seen.page.keyboard.press("ArrowRight")
    chosen(seen, "S4")
    seen.page.locator("#sources blockquote").focus()
    seen.page.keyboard.press("ArrowRight")
    chosen(seen, "S1")
    assert seen.page.evaluate("document.activeElement.dataset.step") == "1"
    seen.page.keyboard.press("ArrowLeft")
    chosen(seen, "S4")
    seen.page.keyboard.press("Enter")
    chosen(seen, "S3")
    seen.page.fill("#question textarea", "In a field")
    seen.page.keyboard.press("Alt+ArrowRight")
    seen.page.fill("#question textarea", "")
    seen.page.keyboard.press("Alt+ArrowLeft")
    chosen(seen, "S2")


def test_what_is_not_cited_is_one_click_away_and_stays_open(seen: Watched) -> None:
    rest = seen.page.locator("#sources .t-rest")
    assert rest.get_attribute("open") is None
    rest.locator("summary").click()
    passage = rest.locator(".t-card").first
    assert passage.is_visible()
    seen.last.locator("button.t-marker", has_text="S1").click()
    chosen(seen, "S1")
    assert passage.is_visible()
    passage.locator("button").click()
    rest.locator("mark").first.wait_for()
    rest.locator("summary").click()
    seen.last.locator("button.t-marker", has_text="S2").click()
    chosen(seen, "S2")
    assert not passage.is_visible()


def test_a_live_marker_leads_to_its_card_whose_folds_stay_open(open_page: Any) -> None:
    seen = open_page(question=LIVE)
    marker, card = seen.last.locator("button.t-tool"), seen.last.locator(".t-live")
    marker.hover()
    assert "t-lit" in card.get_attribute("class")
    marker.click()
    assert seen.page.evaluate("document.activeElement.dataset.key") == "T1"
    assert "as of 1 Mar 2024, " in card.locator(".t-shown").inner_text()
    assert "old" in card.locator(".t-shown").inner_text()
    card.locator(".t-data summary").click()
    assert card.locator(".t-data tbody tr").all_inner_texts() == ["2 Jan 2024\t0%", "1 Feb 2024\t−9%", "1 Mar 2024\t−4%"]  # fmt: skip
    seen.ask(SEVERAL)
    assert seen.page.locator(".t-live .t-data tbody").is_visible()
    with seen.page.expect_download() as download:
        seen.page.locator(".t-live").get_by_role("button", name="Inputs as CSV").click()
    assert "2024-02-01,-9.0" in Path(download.value.path()).read_text(encoding="utf-8")
    assert seen.errors == []


def test_a_phone_shows_the_sources_in_its_sheet(open_page: Any) -> None:
    seen = open_page(390, 844)
    seen.last.locator("button.t-marker", has_text="S2").click()
    card = chosen(seen, "S2")
    seen.page.wait_for_function("document.querySelector('#side').getBoundingClientRect().top < innerHeight - 200")
    seen.page.locator("#sources [data-step='1']").click()
    card = chosen(seen, "S3")
    seen.page.wait_for_function(
        "(() => { const r = document.querySelector('#sources mark:not(.t-weak)').getBoundingClientRect();"
        " return r.top >= 0 && r.bottom <= innerHeight; })()"
    )
    box = card.locator("blockquote").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    assert seen.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert seen.errors == []


@pytest.mark.parametrize("top", [0, 60, 10_000])
def test_the_sheet_of_sources_can_be_closed_wherever_it_is_scrolled_to(open_page: Any, top: int) -> None:
    seen = open_page(390, 844)
    seen.last.locator("button.t-marker", has_text="S2").click()
    chosen(seen, "S2")
    seen.page.wait_for_function("document.querySelector('#side').getBoundingClientRect().top < innerHeight - 200")
    seen.page.evaluate("top => { document.querySelector('#side').scrollTop = top; }", top)
    close = seen.page.get_by_role("button", name="Close the sources")
    assert seen.page.evaluate(
        """() => {
          const box = document.querySelector('#side-close .t-close').getBoundingClientRect();
          const hit = [[1, 1], [box.width / 2, box.height / 2], [box.width - 2, box.height - 2]];
          return hit.every(([x, y]) => document.elementFromPoint(box.left + x, box.top + y)?.closest('#side-close'));
        }"""
    )
    close.click()
    seen.page.locator("#side").wait_for(state="hidden")


def test_a_document_with_several_spans_is_walked_without_script(handle: Handle, browser: Any) -> None:
    address = document_path(NOTE.document_id, NOTE.version, *span(NOTE, CITED[2][1]), [span(NOTE, CITED[0][1])])
    context = browser.new_context(viewport={"width": 1280, "height": 500}, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{handle.url}/{address}")
    assert page.locator("mark#cited").first.inner_text() == "Total revenue"
    assert page.locator("mark.t-weak").inner_text() == "Orders grew in every region."
    assert 0 <= page.locator("mark#cited").bounding_box()["y"] < 500
    page.locator(".hop").last.get_by_label("Next cited words").click()
    assert page.url.endswith("#span-1")
    assert 0 <= page.locator("mark#span-1").bounding_box()["y"] < 500
    page.get_by_label("In this document").get_by_role("link", name="2. “Total revenue | $508 | $468”").click()
    assert page.url.endswith("#cited")
    context.close()


def test_a_document_fits_a_phone_and_its_index_unfolds(handle: Handle, browser: Any) -> None:
    address = document_path(FILING.document_id, FILING.version, *span(FILING, CITED[1][1]), [span(FILING, CITED[3][1])])
    context = browser.new_context(viewport={"width": 390, "height": 700})
    seen = watched(context.new_page())
    seen.page.goto(f"{handle.url}/{address}")
    seen.page.locator("mark#cited").first.wait_for()
    assert seen.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    seen.page.wait_for_function("(() => { const r = document.querySelector('#cited').getBoundingClientRect(); return r.top >= 0 && r.bottom <= innerHeight; })()")  # fmt: skip
    pages = seen.page.locator(".index .pages a")
    assert not pages.first.is_visible()
    seen.page.locator(".index summary").click()
    assert pages.all_inner_texts() == ["1", "2"]
    picture = seen.page.locator("#p-2 img")
    picture.scroll_into_view_if_needed()
    seen.page.wait_for_function("document.querySelector('#p-2 img').naturalWidth === 300")
    assert seen.errors == []
    context.close()


def test_the_document_takes_light_or_dark_from_the_chat(handle: Handle, browser: Any) -> None:
    context = browser.new_context(color_scheme="light")
    page = context.new_page()
    page.goto(f"{handle.url}/{document_path(NOTE.document_id)}")
    colour = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(colour)
    page.evaluate("localStorage.setItem('thesis-theme', 'dark')")
    page.reload()
    assert page.evaluate(colour) != light
    context.close()
