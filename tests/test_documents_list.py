"""The documents tab as HTML: states in plain words, order, search, pages; one document with the source of each value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from web_fakes import HOSTILE_TEXT, HOSTILE_TITLE, FakeAssistant, FakeIngestor, serve_fakes, service_of
from web_parsed import Parsed, assert_inert

from assistant.access import LOCAL, User
from assistant.web.document_detail import Detail, chunks_html, detail_html
from assistant.web.documents_list import (
    COLUMNS,
    PAGE,
    View,
    filters_html,
    listed,
    read_view,
    rows_html,
    status,
)
from assistant.web.documents_tab import adding_html, frame_html
from assistant.web.places import Places
from vectorstore.records import Chunk, Metadata, Origin, SourceInfo
from vectorstore.settings import Settings
from vectorstore.store import StoredVersion

NOTE, FILING, HOSTILE = FakeAssistant().sources()
READER = User("rob")


def source(number: int, **changes: Any) -> SourceInfo:
    meta = Metadata(title=f"Title {number:03}", published=f"2024-01-{number % 28 + 1:02}", publisher="Desk")
    return replace(NOTE, document_id=f"id{number}", path=f"/srv/base/n{number}.md", metadata=meta, **changes)


def shown(sources: list[SourceInfo], view: View | None = None, *, ingesting: bool = False) -> Parsed:
    places = Places(sources, LOCAL)
    found = listed(sources, view or View(), places, ingesting=ingesting)
    return assert_inert(rows_html(found, places, writes=True))


def titles(parsed: Parsed) -> list[str | None]:
    return [
        (attrs["aria-label"] or "").removeprefix("Details of ")
        for attrs in parsed.all("button")
        if "data-details" in attrs
    ]


@pytest.mark.parametrize(
    ("changes", "ingesting", "state", "words"),
    [
        ({}, False, "ready", "It answers."),
        ({"state": "chunked"}, False, "words", "its vectors are being made"),
        ({"state": "embedded"}, True, "words", "its vectors are being made"),
        ({"state": "seen", "version": "", "chunks": 0}, True, "reading", "about to be read"),
        ({"state": "seen", "version": "", "chunks": 0}, False, "reading", "Read it again, or run the ingest again."),
        ({"state": "seen", "version": "", "path": "upload:/a.md"}, False, "failed", "cut short"),
        ({"state": "seen"}, True, "ready", "being read again"),
        ({"state": "failed", "error": "No text.", "version": ""}, False, "failed", "No text. Then read it again."),
        ({"state": "failed", "error": "No text."}, False, "failed", "The version before still answers."),
        ({"state": "failed", "error": "No text.", "path": "upload:/a.md", "version": ""}, False, "failed", "Upload it mended"),
    ],
)  # fmt: skip
def test_states_in_plain_words(changes: dict[str, Any], ingesting: bool, state: str, words: str) -> None:
    now = status(replace(NOTE, **changes), ingesting=ingesting)
    assert now.state == state
    assert words in f"{now.text} {now.what_to_do}"


def test_pages_and_orders() -> None:
    sources = [source(n) for n in range(120)]
    first = shown(sources)
    assert len(titles(first)) == PAGE
    assert "120 documents." in first.text
    assert "1 to 50 of 120" in first.text
    assert [a["data-page"] for a in first.all("button") if "data-page" in a and "disabled" not in a] == ["2", "3"]
    last = shown(sources, View(page=99))
    assert "101 to 120 of 120" in last.text
    assert titles(shown(sources, View(sort="title", descending=False)))[:2] == ["Title 000", "Title 001"]
    assert titles(shown(sources, View(sort="title", descending=True)))[0] == "Title 119"
    heads = {a["data-sort"]: a["data-order"] for a in first.all("button") if "data-sort" in a}
    assert list(heads) == list(COLUMNS)
    assert (heads["published"], heads["title"], heads["chunks"]) == ("up", "up", "down")
    assert [a["aria-sort"] for a in first.all("th") if "aria-sort" in a].count("descending") == 1


def test_what_has_no_value_stands_last_whichever_way() -> None:
    bare = replace(NOTE, document_id="bare", metadata=replace(NOTE.metadata, title="Bare", published=None))
    for descending in (True, False):
        found = titles(shown([bare, source(1), source(2)], View(sort="published", descending=descending)))
        assert found[-1] == "Bare"


def test_search_and_filters() -> None:
    broken = replace(NOTE, error="No text layer.", state="failed", chunks=0)
    sources = [broken, FILING, HOSTILE]
    found = shown(sources, View(needle="harbor 10-K hrbr"))
    assert titles(found) == ["Harbor Tools 10-K"]
    assert "1 of 3 documents." in found.text
    assert titles(shown(sources, View(state="failed"))) == ["Valuation gap"]
    assert titles(shown(sources, View(needle="failed"))) == ["Valuation gap"]
    assert titles(shown(sources, View(kind="filing", publisher="SEC", collection="default"))) == ["Harbor Tools 10-K"]
    assert "No document fits." in shown(sources, View(kind="release")).text
    assert "No text layer. The version before still answers." in shown(sources).text
    assert "Nothing is in the base yet. Drop files here" in shown([]).text
    menus = assert_inert(filters_html(sources, View(publisher="Gone"), ingesting=False))
    assert [a.get("value") for a in menus.all("option") if "selected" in a] == ["", "", "Gone", "published"]
    assert [a["aria-label"] for a in menus.all("select")] == [
        "Filter by state", "Filter by kind", "Filter by publisher", "Sort by",
    ]  # fmt: skip


def test_a_query_that_makes_no_sense_is_as_none() -> None:
    assert read_view({"page": "0", "sort": "colour", "state": "x", "q": "a" * 999}) == View(needle="a" * 200)
    assert read_view({"page": "7", "sort": "pages", "order": "down", "kind": "note"}) == View(
        kind="note", sort="pages", descending=True, page=7
    )
    assert read_view({"sort": "title"}).descending is False


@given(st.dictionaries(st.sampled_from(["q", "state", "kind", "publisher", "sort", "order", "page"]), st.text()))
def test_any_query_gives_a_list(query: dict[str, str]) -> None:
    shown([NOTE, FILING, HOSTILE], read_view(query))


def test_the_html_of_five_thousand_documents_is_small() -> None:
    sources = [
        replace(source(n), metadata=Metadata(title=f"Quarterly letter {n} of a fund", publisher=f"Publisher {n % 900}", kind="note"))
        for n in range(5000)
    ]  # fmt: skip
    places = Places(sources, LOCAL)
    rows = rows_html(listed(sources, View(page=40), places, ingesting=False), places, writes=True)
    menus = filters_html(sources, View(), ingesting=False)
    assert len(rows) < 80_000
    assert len(menus) < 12_000
    assert "5,000 documents." in rows


def test_hostile_documents_are_inert_everywhere() -> None:
    mean = replace(HOSTILE, error=HOSTILE_TEXT, state="failed", warnings=(HOSTILE_TITLE,), collection=HOSTILE_TITLE)
    assert HOSTILE_TITLE in shown([mean, HOSTILE]).text
    assert_inert(filters_html([mean, NOTE], View(), ingesting=False))
    assert_inert(adding_html([HOSTILE_TITLE], Settings()))
    assert_inert(frame_html())
    found = Detail(
        mean,
        status(mean, ingesting=False),
        [StoredVersion(HOSTILE.version, "2024-05-01T00:00:00", None, None)],
        True,
        HOSTILE_TEXT,
    )
    parsed = assert_inert(detail_html(found, Places([mean], LOCAL)))
    assert HOSTILE_TITLE in parsed.text
    assert HOSTILE_TEXT in parsed.text
    chunk = Chunk("c", HOSTILE.document_id, HOSTILE.version, 0, 200, HOSTILE_TEXT, section=HOSTILE_TITLE)
    assert HOSTILE_TITLE in assert_inert(chunks_html(HOSTILE, [chunk])).text


def test_each_value_says_where_it_is_from() -> None:
    origins = (
        Origin("title", "text", 3, 9), Origin("publisher", "user"), Origin("company", "user"), Origin("published", "file_name"),
        Origin("form", "embedded"), Origin("kind", "front_matter"),
    )  # fmt: skip
    told = replace(FILING, metadata=replace(FILING.metadata, company=None, origins=origins))
    found = Detail(told, status(told, ingesting=False), (), True, "")
    html = detail_html(found, Places([told], LOCAL))
    parsed = assert_inert(html)
    for words in (
        "SEC given by you",
        "none given by you",
        "28 Feb 2024 file name",
        "10-K the file's properties",
        "filing front matter",
    ):
        assert words in parsed.text, words
    assert any(a["href"] and "start=3&end=9#cited" in a["href"] for a in parsed.all("a"))
    fields = {a["name"]: a.get("value") for a in parsed.all("input") if a.get("name") != "back"}
    assert (fields["publisher"], fields["company"], fields["published"]) == ("SEC", "", "2024-02-28")
    assert [a["value"] for a in parsed.all("input") if a.get("name") == "back"] == ["publisher", "company"]
    labelled = {a["for"] for a in parsed.all("label") if "for" in a}
    assert labelled == {a["id"] for tag in ("input", "select") for a in parsed.all(tag) if "id" in a}
    reader = assert_inert(detail_html(replace(found, writes=False), Places([told], LOCAL)))
    assert not reader.all("form")
    assert [a.get("data-close") for a in reader.all("button")] == [None]


def test_what_cannot_be_read_again_says_why() -> None:
    found = Detail(NOTE, status(NOTE, ingesting=False), (), True, "Its file is gone. Put it back.")
    parsed = assert_inert(detail_html(found, Places([NOTE], LOCAL)))
    assert "Cannot be read again: Its file is gone. Put it back." in parsed.text
    assert next(a for a in parsed.all("button") if "data-reingest" in a)["aria-describedby"] == "not-again"


@pytest.mark.parametrize(
    ("paths", "told"),
    [
        (["/srv/deals/2024/a.pdf", "/srv/deals/b.pdf"], ["2024/a.pdf", "b.pdf"]),
        (["/srv/secret/a.pdf"], ["a.pdf"]),
        (["/srv/x/a.pdf", "/home/y/b.pdf"], ["srv/x/a.pdf", "home/y/b.pdf"]),
        (["C:/files/x/a.pdf", "C:/files/x/b.pdf"], ["a.pdf", "b.pdf"]),
        (["upload:/a.md", "https://x.test/a.html", "notes/a.md"], ["a.md", "https://x.test/a.html", "notes/a.md"]),
    ],
)
def test_folders_of_the_server_are_told_to_administrators_only(paths: list[str], told: list[str]) -> None:
    sources = [replace(NOTE, path=path, error=f"{path} can't be read.") for path in paths]
    places, whole = Places(sources, READER), Places(sources, LOCAL)
    assert [places.of(one) for one in sources] == told
    assert [whole.of(one) for one in sources] == [path.removeprefix("upload:/") for path in paths]
    for one, name in zip(sources, told, strict=True):
        assert places.told(one, str(one.error)).endswith(f"{name} can't be read.")


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    assistant = FakeAssistant()
    settings = Settings(store=str(tmp_path_factory.mktemp("list") / "base"), port=0)
    running = serve_fakes(assistant, FakeIngestor(assistant), settings, block=False)
    with httpx.Client(base_url=running.url, trust_env=False) as client:
        yield client
    running.close()


def test_the_tab_is_filled_from_the_server(web: httpx.Client) -> None:
    got = web.get("/documents/list", params={"q": "gap"})
    assert (got.status_code, got.headers["cache-control"]) == (200, "no-store")
    parsed = assert_inert(got.text)
    assert [a["data-part"] for a in parsed.all("div") if "data-part" in a] == ["filters", "admin", "adding", "rows"]
    assert titles(parsed) == ["Valuation gap"]
    detail = web.get(f"/documents/detail/{NOTE.document_id}")
    assert "notes/discount.md" in assert_inert(detail.text).text
    missing = web.get("/documents/detail/none")
    assert (missing.status_code, "There is no document none." in missing.text) == (404, True)
    assert web.get("/documents/chunks/none").status_code == 404


def test_a_reader_gets_no_way_to_change_anything(tmp_path: Path) -> None:
    service = service_of(FakeAssistant())
    assert not service.writable(READER, "default")
    assert [one["writable"] for one in service.collections(READER)] == [False]
    assert adding_html([], Settings()) == ""
