"""The documents tab in a real browser over a real base: adding, dropping, stopping, editing, reading again, removing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pdfmaker import make_pdf
from signin_cases import PASSWORDS, served
from watching import GRADIO_WARNINGS, Watched, watched
from web_fakes import HOSTILE_TITLE

from assistant import Assistant
from assistant.service import Service
from assistant.web.server import serve
from ingest.chunking import CHUNKER_VERSION
from ingest.ingestor import Ingestor
from vectorstore.embedding import Embedder
from vectorstore.settings import Settings
from vectorstore.store import Store

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings(*GRADIO_WARNINGS)]
HOSTILE_NAME = "mole <img src=x onerror=window.hacked=1>&amp;"
NOTE = """---
title: {title}
publisher: Harbour Desk
date: 2025-03-{day:02}
---

The dredging contract of {title} was awarded to Marlin Works for {day} million dollars.
"""


@dataclass
class Place:
    url: str
    ingestor: Ingestor
    files: Path


@pytest.fixture(scope="module")
def place(
    tmp_path_factory: pytest.TempPathFactory, browser: Any, embedder: Embedder, model_cache: Path
) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("documents")
    settings = Settings(
        store=str(folder / "base"), cache=str(model_cache), workers=1, port=0, file_limit_mb=1, rate_per_minute=0
    )
    files = folder / "files"
    files.mkdir()
    for number in range(60):
        text = NOTE.format(title=f"Pier {number:02}", day=number % 28 + 1)
        if number == 13:  # the notes are alike otherwise, and which of them answers would be chance
            text += "\nThe quay wall was surveyed by Ottoline Grebe in February.\n"
        (files / f"pier{number:02}.md").write_text(text, encoding="utf-8")
    with (
        Store.open(settings.store, embedder=embedder, chunker_version=CHUNKER_VERSION) as store,
        Ingestor(store, settings) as ingestor,
    ):
        assert ingestor.ingest([str(files)]).added == 60
        running = serve(Service(Assistant(store, settings), ingestor, settings), settings, block=False)
        yield Place(running.url, ingestor, files)
        running.close()


@pytest.fixture(autouse=True)
def _as_before(place: Place) -> Iterator[None]:
    """Leave the sixty notes."""
    yield
    uploads = [info.document_id for info in place.ingestor.store.sources() if info.path.startswith("upload:/")]
    place.ingestor.remove(uploads)


@pytest.fixture
def opened(place: Place, browser: Any) -> Iterator[Callable[..., Watched]]:
    contexts = []

    def opened(width: int = 1280, height: int = 800) -> Watched:
        context = browser.new_context(viewport={"width": width, "height": height})
        contexts.append(context)
        seen = watched(context.new_page())
        seen.page.goto(place.url)
        seen.page.locator(".t-welcome").wait_for()
        seen.page.get_by_role("tab", name="Documents").click()
        seen.page.locator("[data-row]").first.wait_for()
        return seen

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def seen(opened: Callable[..., Watched], place: Place) -> Iterator[Watched]:
    page = opened()
    yield page
    assert page.errors == []
    assert page.hosts == {place.url.removeprefix("http://")}


def counted(page: Any, text: str) -> None:
    """Wait until the list says how many there are."""
    page.locator("[data-part=rows]").get_by_text(text, exact=False).first.wait_for()


def told(page: Any, text: str) -> None:
    """Wait until the report of an upload says so."""
    page.locator("#upload-result").get_by_text(text).first.wait_for(timeout=60_000)


def drop(page: Any, files: dict[str, str]) -> None:
    """Drop files onto the middle of the tab."""
    page.evaluate(
        """files => {
          const transfer = new DataTransfer();
          for (const [name, text] of Object.entries(files)) transfer.items.add(new File([text], name));
          const rows = document.querySelector('[data-part=rows]');
          for (const kind of ['dragenter', 'dragover', 'drop'])
            rows.dispatchEvent(new DragEvent(kind, {bubbles: true, cancelable: true, dataTransfer: transfer}));
        }""",
        files,
    )


def test_the_list_is_paged_sorted_and_searched(seen: Watched) -> None:
    page = seen.page
    counted(page, "60 documents.")
    assert page.locator("[data-row]").count() == 50
    page.get_by_role("button", name="Next").click()
    counted(page, "51 to 60 of 60")
    page.get_by_role("button", name="Title", exact=True).click()
    page.locator('th[aria-sort="ascending"]').wait_for()
    assert page.locator("[data-row] a").first.inner_text() == "Pier 00"
    assert page.evaluate("document.activeElement.dataset.sort") == "title"  # the focus stays where it was
    page.get_by_role("button", name="Title", exact=True).press("Enter")
    page.locator('th[aria-sort="descending"]').wait_for()
    assert page.locator("[data-row] a").first.inner_text() == "Pier 59"
    page.get_by_label("Find documents").fill("pier07.md")
    counted(page, "1 of 60 documents.")
    page.get_by_role("button", name="Show all").click()
    counted(page, "60 documents.")
    page.get_by_label("Filter by publisher").select_option("Harbour Desk")
    counted(page, "60 of 60 documents.")


def test_files_are_dropped_and_each_says_what_came_of_it(seen: Watched, place: Place) -> None:
    page = seen.page
    page.locator(".t-batch summary").click()
    page.get_by_label("Publisher", exact=True).fill("Tide Desk")
    page.get_by_label("Published", exact=True).fill("2025-06-07")
    files = {
        "zinc.md": "# Zinc outlook\n\nZinc smelter capacity fell by nine percent in Peru.",
        "picture.png": "x", "void.md": "", "huge.txt": "x" * 1_100_000, "broken.pdf": "%PDF-1.7 nothing",
    }  # fmt: skip
    drop(page, files)
    told(page, "1 added, 4 failed.")
    report = page.inner_text("#upload-result")
    assert "picture.png: This type is not read." in report
    assert "void.md: The file is empty." in report
    assert "huge.txt: It has 1.1 MB; a file may have 1 MB. Split it." in report
    assert "broken.pdf: It is no readable PDF" in report
    assert "zinc.md: added" in report
    row = page.locator("[data-row]", has_text="Zinc outlook")
    row.wait_for()
    assert "Tide Desk" in row.inner_text()
    assert "7 Jun 2025" in row.inner_text()
    assert "1 added, 4 failed." in page.locator("#documents-said").text_content()
    drop(page, {"zinc.md": files["zinc.md"]})
    told(page, "1 unchanged.")
    assert "zinc.md: is in already, unchanged" in page.inner_text("#upload-result")
    drop(page, {"zink.md": files["zinc.md"]})
    told(page, "The same bytes are in already, as “Zinc outlook”")
    page.get_by_role("tab", name="Chat").click()
    seen.ask("What happened to zinc smelter capacity in Peru?")
    assert "Zinc smelter capacity fell by nine percent in Peru." in seen.last.inner_text()


def test_an_upload_shows_how_far_it_is_and_is_stopped(
    seen: Watched, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = seen.page
    let, real = threading.Event(), Store.embed_next
    monkeypatch.setattr(Store, "embed_next", lambda *given, **named: let.wait(60) and real(*given, **named))
    names = [tmp_path / f"ferry{number}.pdf" for number in range(4)]
    for number, name in enumerate(names):
        name.write_bytes(make_pdf([f"Ferry line {number} carried {number * 37} thousand passengers in the year."]))
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Add documents").click()
    chooser.value.set_files([str(name) for name in names])
    told(page, "Reading: 0 of 4 files, 4 more by their words")
    page.locator("#upload-result progress").wait_for()
    assert page.locator("#documents-said").text_content() == "Reading 4 files."
    row = page.locator("[data-row]", has_text="ferry3.pdf")  # the list fills meanwhile, the newest on top
    row.get_by_text("By words").wait_for()
    counted(page, "64 documents. 4 on their way.")
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Stopping…").wait_for()
    let.set()
    told(page, "4 stopped.")
    told(page, "You stopped it. If it was in by then, it is in the list.")
    row.get_by_text("Ready").wait_for()  # what was in stays in, and gets its vectors
    page.get_by_role("button", name="Close").click()
    assert page.evaluate("document.activeElement.textContent") == "Add documents"


def test_an_upload_waits_for_another_ingest_and_can_be_stopped_before_its_turn(seen: Watched, place: Place) -> None:
    page = seen.page
    with place.ingestor.turn(place.ingestor.settings, lambda: None):
        drop(page, {"late.md": "Late ferries waited at the quay."})
        told(page, "another ingest may have its turn before")
        page.get_by_role("button", name="Stop").click()
        told(page, "1 stopped.")
    assert all(info.path != "upload:/late.md" for info in place.ingestor.store.sources())


def test_what_a_document_is_said_to_be(seen: Watched, place: Place) -> None:
    page = seen.page
    page.get_by_label("Find documents").fill("pier11.md")
    counted(page, "1 of 60 documents.")
    page.get_by_role("button", name="Details of Pier 11").click()
    page.get_by_role("heading", name="Pier 11").wait_for()
    assert "12 Mar 2025 front matter" in " ".join(page.inner_text("#document-sheet").split())
    assert str(place.files / "pier11.md") in page.inner_text("#document-sheet")
    page.get_by_role("button", name="Edit").click()
    page.get_by_label("Period").fill("last year")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("fiscal_period = 'last year' is no fiscal period.").wait_for()
    assert page.evaluate("document.activeElement.name") == "fiscal_period"
    page.get_by_label("Period").fill("Q3 2024")
    page.get_by_label("Publisher").last.fill("Tide Desk")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved. It counts from now on.").wait_for()
    assert "Tide Desk given by you" in " ".join(page.inner_text("#document-sheet").split())
    page.get_by_role("button", name="Edit").click()
    page.get_by_label("Take what the document says").first.check()
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Harbour Desk front matter").wait_for()
    page.get_by_role("button", name="Read again").click()
    page.get_by_text("Read again: nothing has changed.").wait_for()
    page.locator(".t-chunks summary").click()
    page.get_by_text("The dredging contract of Pier 11").wait_for()
    page.keyboard.press("Escape")
    page.locator("#document-sheet[open]").wait_for(state="detached")
    page.wait_for_function("document.activeElement.getAttribute('aria-label') === 'Details of Pier 11'")


def test_a_document_is_removed_from_the_base_and_not_from_the_disk(seen: Watched, place: Place) -> None:
    page = seen.page
    page.get_by_label("Find documents").fill("pier12.md")
    counted(page, "1 of 60 documents.")
    page.get_by_role("button", name="Details of Pier 12").click()
    page.get_by_role("button", name="Remove…").click()
    page.get_by_text("It goes out of the base only").wait_for()
    page.get_by_role("button", name="Keep").click()
    assert page.get_by_role("button", name="Remove", exact=True).count() == 0
    page.get_by_role("button", name="Remove…").click()
    page.get_by_role("button", name="Remove", exact=True).click()
    counted(page, "0 of 59 documents.")
    assert (place.files / "pier12.md").exists()
    assert place.ingestor.ingest([str(place.files / "pier12.md")]).added == 1


def test_what_fails_says_why_and_is_read_again_once_mended(seen: Watched, place: Place) -> None:
    page = seen.page
    bad = place.files / "lock.md"
    bad.write_text("")
    place.ingestor.ingest([str(bad)])
    page.reload()
    page.get_by_role("tab", name="Documents").click()
    page.get_by_label("Filter by state").select_option("failed")
    row = page.locator("[data-row]", has_text="lock.md")
    row.wait_for()
    assert "holds no text" in row.inner_text() or "empty" in row.inner_text()
    bad.write_text(NOTE.format(title="Lock gate", day=3), encoding="utf-8")
    row.get_by_role("button", name="Details of lock.md").click()
    page.get_by_role("button", name="Read again").click()
    page.get_by_text("Read again: it is as it now reads.").wait_for()
    page.get_by_role("heading", name="Lock gate").wait_for()
    place.ingestor.remove([str(bad)])


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_on_a_phone_the_list_is_cards(opened: Callable[..., Watched], place: Place, dark: bool) -> None:
    seen = opened(390, 844)
    page = seen.page
    if dark:
        page.evaluate("document.body.classList.add('dark')")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator(".t-documents thead").is_hidden()
    card, button = page.locator("[data-row]").first, page.locator("[data-details]").first
    assert card.bounding_box()["width"] > 340
    assert button.bounding_box()["height"] >= 40
    page.get_by_label("Sort by").select_option("title")
    page.wait_for_function("document.querySelector('[data-row] a').innerText === 'Pier 00'")
    button.click()
    page.locator("#document-title").wait_for()
    box = page.locator("#document-sheet").bounding_box()
    assert (round(box["width"]), round(box["height"])) == (390, 844)
    page.get_by_role("button", name="Close").click()
    assert seen.errors == []


def test_what_is_edited_stands_on_the_card_of_a_source(seen: Watched, place: Place) -> None:
    page = seen.page
    page.get_by_label("Find documents").fill("pier13.md")
    counted(page, "1 of 60 documents.")
    page.get_by_role("button", name="Details of Pier 13").click()
    page.get_by_role("button", name="Edit").click()
    page.get_by_label("Publisher").last.fill("Gannet Review")
    page.get_by_label("Published").last.fill("2025-04-30")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved. It counts from now on.").wait_for()
    page.keyboard.press("Escape")
    page.locator("[data-row]", has_text="Gannet Review").wait_for()
    page.get_by_role("tab", name="Chat").click()
    seen.ask("Who surveyed the quay wall?")
    card = page.locator("#sources .t-card", has_text="Gannet Review").first
    card.wait_for()
    assert "30 Apr 2025" in card.inner_text()


def test_a_changed_file_is_read_again(seen: Watched, place: Place) -> None:
    page, file = seen.page, place.files / "pier14.md"
    file.write_text(NOTE.format(title="Pier 14 in its new form", day=9), encoding="utf-8")
    page.get_by_label("Find documents").fill("pier14.md")
    counted(page, "1 of 60 documents.")
    page.get_by_role("button", name="Details of Pier 14").click()
    page.get_by_role("button", name="Read again").click()
    page.get_by_text("Read again: it is as it now reads.").wait_for()
    page.get_by_role("heading", name="Pier 14 in its new form").wait_for()
    assert page.locator("#document-sheet li", has_text="current").count() == 1
    assert page.locator("#document-sheet li", has_text="replaced").count() == 1
    page.get_by_role("button", name="Close").click()
    page.locator("[data-row]", has_text="Pier 14 in its new form").wait_for()


def test_hostile_names_titles_and_errors_stay_text(seen: Watched, place: Place) -> None:
    page = seen.page
    mean = {
        f"{HOSTILE_NAME}.md": f"# {HOSTILE_TITLE}\n\nGulls nest on the mole.",
        f"{HOSTILE_NAME}.pdf": "%PDF-1.7 nothing",
    }
    drop(page, mean)
    told(page, "1 added, 1 failed.")
    report = page.inner_text("#upload-result")
    assert f"{HOSTILE_NAME}.md: added" in report
    assert f"{HOSTILE_NAME}.pdf:" in report
    rows = page.locator("[data-row]", has_text=HOSTILE_NAME)
    page.locator("[data-row] .t-error").first.wait_for()
    assert rows.count() == 2
    for number in range(2):
        rows.nth(number).locator("[data-details]").click()
        page.locator("#document-title").wait_for()
        assert HOSTILE_NAME in page.inner_text("#document-sheet")
        page.keyboard.press("Escape")
        page.locator("#document-sheet[open]").wait_for(state="detached")
    inside = "#documents-root, #document-sheet"
    assert page.locator(inside).locator("img, script, iframe, svg").count() == 0
    assert page.evaluate("window.hacked") is None


def test_an_administrator_sees_how_the_server_is(seen: Watched, place: Place) -> None:
    page = seen.page
    page.get_by_role("tab", name="Chat").click()
    seen.ask("Who was awarded the dredging contract of Pier 20?")
    page.get_by_role("tab", name="Documents").click()
    page.get_by_role("button", name="Administration").click()
    page.locator(".t-health").wait_for()
    text = " ".join(page.inner_text("#document-sheet").split())
    assert "Questions can be answered." in text
    assert f"Base {place.ingestor.store.root.resolve()}" in text
    assert "60 that can be cited" in text
    assert "Verbatim sentences of the sources, without a language model" in text
    assert "answered" in text
    assert "page " in text
    page.get_by_role("button", name="Look again").click()
    page.locator(".t-health").wait_for()
    page.keyboard.press("Escape")
    page.wait_for_function("document.activeElement.innerText === 'Administration'")


def test_a_reader_is_offered_nothing_that_changes_and_is_refused(browser: Any, tmp_path: Path) -> None:
    with served(tmp_path / "base", auth="users") as server:
        context = browser.new_context()
        try:
            seen = watched(context.new_page())
            page = seen.page
            page.goto(server.url)
            page.fill("input[name=name]", "bob")
            page.fill("input[name=password]", PASSWORDS["bob"])
            page.locator("button[type=submit]").click()
            page.locator(".t-welcome").wait_for()
            page.get_by_role("tab", name="Documents").click()
            page.locator("[data-row]").first.wait_for()
            for name in ("Add documents", "Administration"):
                assert page.get_by_role("button", name=name).count() == 0
            drop(page, {"zinc.md": "Zinc"})
            page.locator("[data-details]").first.click()
            page.locator("#document-title").wait_for()
            offered = page.locator("#document-sheet button").all()
            assert [one.get_attribute("aria-label") for one in offered if one.is_visible()] == ["Close"]
            assert page.locator("#upload-result").inner_text() == ""
            name = server.assistant.sources()[0].document_id
            refused = page.evaluate(
                """async name => {
                  const form = new FormData();
                  form.append('files', new File(['Zinc'], 'zinc.md'));
                  const asked = [
                    ['api/v1/documents', {method: 'POST', body: form}],
                    [`api/v1/documents/${name}`, {method: 'DELETE'}],
                    [`api/v1/documents/${name}`, {method: 'PATCH', headers: {'Content-Type': 'application/json'}, body: '{"title": "x"}'}],
                    [`api/v1/documents/${name}/reingest`, {method: 'POST'}],
                    ['documents/administration', {}], ['metrics', {}],
                  ];
                  return Promise.all(asked.map(async ([path, options]) => (await fetch(path, options)).status));
                }""",
                name,
            )
            assert refused == [403] * 6
            assert len(server.assistant.sources()) == 3
            assert seen.errors == []
        finally:
            context.close()
