"""The Atom feed: well-formed whatever the documents say, and its entries keep their ids."""

from __future__ import annotations

from datetime import datetime
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from assistant.catalysts.feed import atom
from assistant.catalysts.shapes import Change, Changes

NS = {"a": "http://www.w3.org/2005/Atom"}
HOSTILE = "</content><script>alert(1)</script>&amp;]]> <![CDATA[x]]> \x00\x1b[31m ￿ “q” 𝒳"


def change(**changed: object) -> Change:
    made: dict[str, object] = {
        "change_id": "0123456789abcdef", "time": "2024-06-01T09:00:00+00:00", "kind": "evidence_new", "catalyst": "tariffs",
        "title": "Tariffs: 1 sentence for", "text": "New in “A note”.", "document_id": "d1", "version": "v1", "quote": "Tariffs rise.",
        "start": 3, "end": 16, "evidence_ids": ("e1",),
    }  # fmt: skip
    return Change.model_validate(made | changed)


def parsed(*changes: Change, base: str = "https://thesis.example") -> ElementTree.Element:
    data = atom(Changes(since=None, changes=changes), base=base, address=f"{base}/api/v1/board/changes.atom?x=1&y=2")
    assert data.startswith(b"<?xml")
    return ElementTree.fromstring(data)


def text(parent: ElementTree.Element, name: str) -> str:
    found = parent.find(f"a:{name}", NS)
    assert found is not None
    return found.text or ""


def test_a_feed_has_what_the_standard_asks_for() -> None:
    feed = parsed(change(), change(change_id="fedcba9876543210", time="2024-05-01T09:00:00+00:00"))
    assert feed.tag == "{http://www.w3.org/2005/Atom}feed"
    assert (text(feed, "id"), text(feed, "updated")) == ("urn:thesis:board:changes", "2024-06-01T09:00:00+00:00")
    assert feed.find("a:author/a:name", NS) is not None
    [own] = feed.findall("a:link", NS)
    assert own.attrib == {
        "rel": "self", "href": "https://thesis.example/api/v1/board/changes.atom?x=1&y=2", "type": "application/atom+xml",
    }  # fmt: skip
    entries = feed.findall("a:entry", NS)
    assert [text(e, "id") for e in entries] == [
        "urn:thesis:board:change:0123456789abcdef", "urn:thesis:board:change:fedcba9876543210",
    ]  # fmt: skip
    first = entries[0]
    link = first.find("a:link", NS)
    assert link is not None
    assert link.attrib["href"] == "https://thesis.example/document/d1?version=v1&start=3&end=16#cited"
    assert text(first, "content") == "New in “A note”.\n\n“Tariffs rise.”"
    assert [c.attrib["term"] for c in first.findall("a:category", NS)] == ["evidence_new", "tariffs"]
    assert datetime.fromisoformat(text(first, "updated")).tzinfo is not None


def test_hostile_words_stay_words() -> None:
    feed = parsed(change(title=HOSTILE, text=HOSTILE, quote=HOSTILE, catalyst=HOSTILE))
    names = {element.tag.removeprefix("{http://www.w3.org/2005/Atom}") for element in feed.iter()}
    assert names == {"feed", "id", "title", "updated", "link", "author", "name", "entry", "category", "content"}
    entry = feed.find("a:entry", NS)
    assert entry is not None
    assert "<script>alert(1)</script>" in text(entry, "content")
    assert "\x00" not in text(entry, "content")


@given(st.text(), st.text(), st.one_of(st.none(), st.text()))
def test_any_text_makes_a_feed_that_can_be_read(title: str, words: str, quote: str | None) -> None:
    entry = parsed(change(title=title, text=words, quote=quote)).find("a:entry", NS)
    assert entry is not None
    assert entry.find("a:title", NS) is not None


def test_an_empty_list_is_a_feed_too() -> None:
    feed = parsed()
    assert feed.findall("a:entry", NS) == []
    assert text(feed, "updated") == "1970-01-01T00:00:00+00:00"


def test_a_change_without_a_place_leads_to_its_catalyst() -> None:
    feed = parsed(change(document_id=None, version=None, start=None, end=None, quote=None))
    link = feed.find("a:entry/a:link", NS)
    assert link is not None
    assert link.attrib["href"] == "https://thesis.example/api/v1/board?catalyst=tariffs"
