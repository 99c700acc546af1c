"""The panel of sources: cards by document, the walk through them, several spans of one document, doubts, and hostile words."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from web_fakes import (
    HOSTILE_TITLE,
    NOTE_TEXT,
    PDF_PAGES,
    FakeAssistant,
    FakeIngestor,
    citation,
    sample_documents,
    service_of,
)
from web_parsed import Parsed, answer, assert_inert, hostile_answer

from assistant.access import LOCAL
from assistant.models import Answer, Claim
from assistant.web import handlers, panel
from vectorstore.records import Document

NOTE, FILING, _ = sample_documents()
QUOTES = ("The gap to large caps stood at 26 percent in March 2024.", "Reshoring adds orders for regional suppliers.")
REVENUE = "Revenue of Harbor Tools rose to 412 million dollars in fiscal 2023."


def place(document: Document, quote: str) -> tuple[int, int]:
    start = document.text.index(quote)
    return start, start + len(quote)


def several(**fields: object) -> Answer:
    """An answer that cites a note twice and a filing once, in between."""
    cited = [(NOTE, QUOTES[0]), (FILING, REVENUE), (NOTE, QUOTES[1]), (FILING, "Margins held.")]
    text = "\n".join(f"- {quote} [S{n + 1}]" for n, (_, quote) in enumerate(cited))
    citations = tuple(citation(d, *place(d, quote), marker=f"S{n + 1}") for n, (d, quote) in enumerate(cited))
    return answer(text, citations=citations, **fields)


def opened(given: Answer, key: str) -> Parsed:
    service = service_of(FakeAssistant(), ingestor=FakeIngestor(FakeAssistant()))
    html = handlers.open_source(service, LOCAL, given, 1, key)
    assert html is not None
    return Parsed(html)


def test_the_spans_of_a_document_stand_below_one_head() -> None:
    parsed = Parsed(panel.sources(several(), 7))
    groups = [attrs["data-keys"] for attrs in parsed.all("section")]
    assert groups == ["S1 S3", "S2 S4"]
    assert parsed.text.count("Valuation gap") == 1
    assert parsed.text.count("Sample notes · 20 Mar 2024 · note") == 1
    assert [attrs["data-cite"] for attrs in parsed.all("button") if "aria-expanded" in attrs] == [
        "S1",
        "S3",
        "S2",
        "S4",
    ]
    assert {attrs["data-turn"] for attrs in parsed.all("button")} == {"7"}
    assert "p. 2" in parsed.text
    assert all(quote in parsed.text for quote in (*QUOTES, REVENUE))


def test_a_document_that_is_cited_once_is_one_button() -> None:
    parsed = Parsed(panel.sources(several().model_copy(update={"citations": several().citations[:1]}), 1))
    assert [attrs.get("data-key") for attrs in parsed.all("section")] == ["S1"]
    assert not any("data-step" in attrs for attrs in parsed.all("button"))


def test_two_versions_of_a_document_are_two_cards() -> None:
    given = several()
    other = given.citations[2].model_copy(update={"version": "0" * 64})
    parsed = Parsed(panel.sources(given.model_copy(update={"citations": (*given.citations[:2], other)}), 1))
    assert [attrs.get("data-key") for attrs in parsed.all("section")] == ["S1", "S2", "S3"]


def steps(html: str) -> list[str]:
    return [str(attrs.get("data-cite") or attrs.get("data-passage")) for attrs in Parsed(html).all("button") if "data-step" in attrs]  # fmt: skip


def test_the_walk_goes_round() -> None:
    given = several()
    assert steps(panel.sources(given, 1)) == ["S4", "S1"]
    for key, around in (("S1", ["S4", "S2"]), ("S3", ["S2", "S4"]), ("S4", ["S3", "S1"])):
        html = panel.sources(given, 1, chosen=key, problem="x")
        assert steps(html) == around
        assert f"Source {key[1]} of 4" in Parsed(html).text
    # Buttons to walk with are none that close what is open.
    assert all("aria-expanded" not in attrs for attrs in Parsed(panel.sources(given, 1)).all("button") if "data-step" in attrs)  # fmt: skip


def test_the_walk_goes_through_passages_where_nothing_is_cited() -> None:
    found = FakeAssistant().answer("Who won the tournament final?")
    assert found.status == "insufficient_evidence"
    count = len(found.passages)
    assert steps(panel.sources(found, 1, chosen="p0", problem="x")) == [str(count - 1), "1"]


def test_the_other_spans_of_the_document_are_marked_weakly_and_lead_to_themselves() -> None:
    parsed = opened(several(), "S1")
    marks = [attrs.get("class") for attrs in parsed.all("mark")]
    assert marks == [None, "t-weak"]
    assert parsed.marked == list(QUOTES)
    inside = [attrs["data-cite"] for attrs in parsed.all("button") if attrs.get("aria-label") == "Source 3"]
    assert inside == ["S3"]
    assert [attrs["data-key"] for attrs in parsed.all("div") if "t-chosen" in str(attrs.get("class"))] == ["S1"]


def test_the_page_s_picture_and_the_document_s_address_name_every_span() -> None:
    parsed = opened(several(), "S2")
    first, second = place(FILING, REVENUE), place(FILING, "Margins held.")
    expected = {("version", FILING.version), ("start", str(first[0])), ("end", str(first[1])), ("span", f"{second[0]}-{second[1]}")}  # fmt: skip
    (picture,) = (attrs["src"] for attrs in parsed.all("img"))
    (link,) = (attrs["href"] for attrs in parsed.all("a") if attrs.get("class") == "t-open")
    assert set(parse_qsl(urlsplit(str(picture)).query)) == expected
    assert set(parse_qsl(urlsplit(str(link)).query)) == expected


def test_a_span_on_another_page_is_not_in_the_picture_s_address() -> None:
    given = several()
    cover = citation(FILING, *place(FILING, PDF_PAGES[0]), marker="S4")
    parsed = opened(given.model_copy(update={"citations": (*given.citations[:3], cover)}), "S2")
    (picture,) = (attrs["src"] for attrs in parsed.all("img"))
    assert "span=" not in str(picture)
    assert parsed.marked == [PDF_PAGES[0], REVENUE]


def test_a_sentence_that_is_not_supported_is_named_at_its_source() -> None:
    claims = (
        Claim(text="The gap closed.", start=0, end=3, markers=("S1",), verdict="contradicted", reason="26 against 0 percent"),
        Claim(text="Margins rose.", start=4, end=6, markers=("S4",), verdict="unsupported"),
        Claim(text="Fine.", start=7, end=9, markers=("S2",), verdict="supported", score=1.0),
    )  # fmt: skip
    given = several(claims=claims)
    shown = Parsed(panel.sources(given, 1))
    assert shown.text.count("contradicts a sentence") == 1
    assert shown.text.count("does not support a sentence") == 1
    assert "contradict a sentence of the answer, “The gap closed.”: 26 against 0 percent" in opened(given, "S1").text
    assert "do not support a sentence of the answer, “Margins rose.”." in opened(given, "S4").text
    assert "a sentence of the answer" not in opened(given, "S2").text


def test_a_version_that_is_gone_is_said_in_its_place() -> None:
    given = several()
    gone = given.citations[2].model_copy(update={"version": "0" * 64})
    parsed = opened(given.model_copy(update={"citations": (*given.citations[:2], gone)}), "S3")
    assert "There is no document" in parsed.text
    assert parsed.marked == []


def test_words_that_changed_are_told() -> None:
    given = several()
    other = given.citations[0].model_copy(update={"quote": "Something else."})
    parsed = opened(given.model_copy(update={"citations": (other, *given.citations[1:])}), "S1")
    assert "no longer reads as it was quoted" in parsed.text


def test_hostile_words_stay_words_in_a_group() -> None:
    base = hostile_answer().citations[0]
    more = [base.model_copy(update={"marker": f"S{n}", "start": n, "end": n + 9, "quote": HOSTILE_TITLE}) for n in range(1, 4)]  # fmt: skip
    given = hostile_answer().model_copy(update={"citations": tuple(more), "passages": ()})
    parsed = assert_inert(panel.sources(given, 1))
    assert parsed.text.count(HOSTILE_TITLE) == 4
    shown = panel.excerpt(sample_documents()[2], 1, 10, "", others=panel.others(given, "S1"))
    assert_inert(panel.sources(given, 1, chosen="S1", shown=shown))


def test_keys_that_are_none_have_no_others() -> None:
    given = several(passages=FakeAssistant().answer("gap large caps March").passages)
    assert panel.others(given, "S9") == ()
    assert panel.others(given, "p99") == ()
    assert panel.others(given, "p") == ()
    named = {c.marker for c in given.citations if c.document_id == given.passages[0].document_id}
    assert {o.key for o in panel.others(given, "p0")} <= named


def test_thirty_spans_of_one_document_open() -> None:
    spans = [(n * 20, n * 20 + 15) for n in range(30)]
    cited = tuple(citation(NOTE, a, b, marker=f"S{n + 1}") for n, (a, b) in enumerate(spans))
    parsed = opened(answer("x", citations=cited), "S30")
    strong = [attrs for attrs in parsed.all("mark") if attrs.get("class") is None]
    assert len(strong) >= 1
    (link,) = (attrs["href"] for attrs in parsed.all("a") if attrs.get("class") == "t-open")
    assert str(link).count("span=") == 19
    assert NOTE_TEXT[580:595] in "".join(parsed.marked)


def test_a_document_without_title_goes_by_its_file() -> None:
    given = several()
    nameless = tuple(c.model_copy(update={"title": None}) for c in given.citations)
    parsed = Parsed(panel.sources(given.model_copy(update={"citations": nameless}), 1))
    assert "discount.md" in parsed.text
