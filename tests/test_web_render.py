"""Answers, panels, tables and document pages as HTML: structure, offsets, and that no text becomes active."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from web_fakes import (
    HOSTILE_TEXT,
    HOSTILE_TITLE,
    NOTE_TEXT,
    FakeAssistant,
    citation,
    sample_documents,
)
from web_parsed import Parsed, answer, assert_inert, hostile_answer

from assistant.models import Answer, Claim, Failure
from assistant.web import base, conversation, panel, render
from assistant.web.conversation import Turn
from assistant.web.document_page import document_page
from assistant.web.spans import Asked
from assistant.web.text import day, document_path, esc, file_name, meta_line, visible
from vectorstore.settings import Settings


def test_hostile_text_is_shown_and_does_nothing_in_the_conversation() -> None:
    turn = Turn(question=HOSTILE_TEXT, number=1, answer=hostile_answer())
    parsed = assert_inert(render.transcript((turn,)))
    assert HOSTILE_TEXT in parsed.text
    assert not parsed.all("img")
    assert not parsed.all("a")


@pytest.mark.parametrize(
    "turn",
    [
        Turn(HOSTILE_TEXT, status=HOSTILE_TITLE, sentences=(HOSTILE_TEXT,)),
        Turn(HOSTILE_TEXT, failure=Failure(kind="x", message=HOSTILE_TITLE, what_to_do=HOSTILE_TEXT)),
        Turn(HOSTILE_TEXT, stopped=True, sentences=(HOSTILE_TEXT,)),
    ],
)
def test_unfinished_turns_are_inert(turn: Turn) -> None:
    assert HOSTILE_TEXT in assert_inert(render.turn_html(turn)).text


def test_hostile_text_is_inert_in_the_panel() -> None:
    document = sample_documents()[2]
    shown = panel.excerpt(document, 0, 30, document.text[0:30])
    for chosen in ("S1", "p1"):
        parsed = assert_inert(panel.sources(hostile_answer(), 1, chosen=chosen, shown=shown))
        assert HOSTILE_TITLE in parsed.text
        assert "".join(parsed.marked) == document.text[0:30]
        assert [a["href"] for a in parsed.all("a")] == [shown.link]


def test_hostile_titles_are_inert_in_the_examples() -> None:
    asked = assert_inert(render.welcome(base.examples(FakeAssistant().sources()), 3)).all("button")
    assert any(HOSTILE_TITLE in (attrs["data-example"] or "") for attrs in asked)


def test_hostile_text_is_inert_on_its_own_page() -> None:
    document = sample_documents()[2]
    parsed = assert_inert(document_page(document, Asked((8, 15)), nonce="n"), scripts=2)
    assert "".join(parsed.marked) == HOSTILE_TEXT[8:15]
    assert [attrs["nonce"] for attrs in parsed.all("script")] == ["n", "n"]


@given(st.text(max_size=200))
def test_any_text_survives_as_text(text: str) -> None:
    clean = "".join(c for c in text if c not in "\r\0" and not 0xD800 <= ord(c) <= 0xDFFF)
    parsed = Parsed(f"<p>{esc(clean)}</p>")
    assert [tag for tag, _ in parsed.elements] == ["p"]
    assert parsed.text == visible(clean)


@given(st.text(alphabet="ab \n*|#-[]S1<&", max_size=120))
def test_any_answer_text_gives_only_known_elements(text: str) -> None:
    parsed = Parsed(render.body_html(text, {"S1": "Source"}, (), 1))
    assert {tag for tag, _ in parsed.elements} <= {
        "div", "p", "ul", "li", "h3", "table", "tr", "td", "strong", "button", "br",
    }  # fmt: skip


def test_markers_become_buttons_only_where_they_are_cited() -> None:
    document = sample_documents()[0]
    start = NOTE_TEXT.index("The gap to large caps")
    cited = citation(document, start, start + 57)
    parsed = Parsed(render.answer_html(answer("A gap. [S1] Not mine. [S2]", citations=(cited,)), 7))
    buttons = [attrs for attrs in parsed.all("button") if "data-cite" in attrs]
    assert [(b["data-cite"], b["data-turn"], b["aria-label"]) for b in buttons] == [
        ("S1", "7", "Source 1: Valuation gap")
    ]
    assert "[S2]" in parsed.text


def spoofed(lead: str, words: str, rest: str) -> Answer:
    """Return an answer with one claim whose words come from a hostile source."""
    document = sample_documents()[0]
    claim = Claim(text=words, start=len(lead), end=len(lead) + len(words), markers=("S1",), verdict="supported")
    cited = (citation(document, 0, 4), citation(document, 6, 10).model_copy(update={"marker": "S2"}))
    return answer(lead + words + rest, claims=(claim,), citations=cited)


def test_a_marker_in_the_words_of_a_source_is_not_live() -> None:
    words = "Orders rose [S2] and **margins** fell [S1]."
    parsed = Parsed(render.answer_html(spoofed("Lead **Acme [S2], 2024** ", words, " [S1]"), 3))
    assert [attrs["data-cite"] for attrs in parsed.all("button") if "data-cite" in attrs] == ["S1"]
    assert words in parsed.text
    assert [tag for tag, _ in parsed.elements].count("strong") == 1


@pytest.mark.parametrize("words", ["- no item", "# no heading", "1. no item", "| no | row |"])
def test_the_words_of_a_source_are_no_mark_up(words: str) -> None:
    parsed = Parsed(render.body_html(words, {}, spoofed("", words, "").claims, 1))
    assert [tag for tag, _ in parsed.elements] == ["div", "p"]
    assert parsed.text == words


def test_a_bar_in_the_words_of_a_source_cuts_no_cell() -> None:
    html = spoofed("| a | ", "x | y", " [S1] |")
    parsed = Parsed(render.body_html(html.text, {"S1": "Source"}, html.claims, 1))
    assert [tag for tag, _ in parsed.elements] == ["div", "div", "table", "tr", "td", "td", "button"]
    assert "x | y" in parsed.text


def test_structure_of_an_answer() -> None:
    html = render.body_html(
        "**Bull case**\n\n- One\n- Two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n# End\nline", {}, (), 1
    )
    assert html == (
        '<div class="t-body"><p><strong>Bull case</strong></p><ul><li>One</li><li>Two</li></ul>'
        '<div class="t-scroll" tabindex="0" role="group" aria-label="Table"><table><tr><td>a</td><td>b</td></tr><tr><td>1</td><td>2</td></tr></table></div>'
        "<h3>End</h3><p>line</p></div>"
    )


def test_only_claims_that_are_not_supported_are_marked() -> None:
    text = "Good claim. [S1] Bad claim. [S2] Open claim."
    claims = tuple(
        Claim(text=part, start=text.index(part), end=text.index(part) + len(part), verdict=verdict, reason=reason)
        for part, verdict, reason in (
            ("Good claim.", "supported", ""),
            ("Bad claim.", "contradicted", "the source says 4"),
            ("Open claim.", "unchecked", ""),
        )
    )
    html = render.answer_html(answer(text, claims=claims), 1)
    assert "contradicted by the cited source: the source says 4" in html
    assert html.count("t-doubt") == 2
    assert '<span class="t-doubt t-contradicted">Bad claim.' in html
    assert "Good claim.<" not in html


def test_a_refusal_is_plain_and_leads_to_what_lies_nearby() -> None:
    refused = FakeAssistant().answer("Who won the tournament final?")
    assert refused.status == "insufficient_evidence"
    parsed = Parsed(render.answer_html(refused, 2))
    assert "Nothing in the base speaks of this." in parsed.text
    nearby = [attrs for attrs in parsed.all("button") if "data-passage" in attrs]
    assert nearby[0]["data-passage"] == "0"
    assert {attrs["data-turn"] for attrs in nearby} == {"2"}
    assert '<details class="t-rest" data-keep="rest-2" open>' in panel.sources(refused, 2)


def test_titles_that_a_refusal_names_open_their_passages() -> None:
    passages = FakeAssistant().answer("hostile harbour terms gap").passages
    assert passages[0].title == HOSTILE_TITLE
    text = f"The base does not hold the answer.\n\nNearby: “{HOSTILE_TITLE}” (x)."
    parsed = assert_inert(render.answer_html(answer(text, status="insufficient_evidence", passages=passages), 3))
    opening = [attrs for attrs in parsed.all("button") if "data-passage" in attrs]
    assert [attrs["data-passage"] for attrs in opening] == ["0"]
    assert f"“{HOSTILE_TITLE}”" in parsed.text


def test_items_with_lines_between_them_are_one_list() -> None:
    assert render.body_html("- One\n\n- Two\n\nEnd\n\nMore", {}, (), 1) == (
        '<div class="t-body"><ul><li>One</li><li>Two</li></ul><p>End</p><p>More</p></div>'
    )


def test_warnings_errors_and_scope_are_said_in_words() -> None:
    shown = render.answer_html(
        answer(
            "x",
            as_of="2023-06-30",
            warnings=("2 undated documents left out",),
            filters={"kind": ["note"], "since": None},
        ),
        1,
    )
    assert "As of 30 Jun 2023 · kind: note" in shown
    assert "2 undated documents left out" in shown
    failed = answer("", status="error", error=Failure(kind="x", message="The store is locked.", what_to_do="Close it."))
    assert render.answer_html(failed, 1) == (
        '<div class="t-alert" role="alert"><strong>The store is locked.</strong><p>Close it.</p></div>'
        '<div class="t-actions"><button type="button" class="t-action" data-event="retry" data-turn="1">Retry</button></div>'
    )


def test_an_excerpt_holds_the_quote_in_600_characters_of_each_side() -> None:
    document = sample_documents()[0]
    start = NOTE_TEXT.index("The gap to large caps")
    end = start + len("The gap to large caps stood at 26 percent in March 2024.")
    shown = panel.excerpt(document, start, end, NOTE_TEXT[start:end])
    assert shown.before + shown.quote + shown.after in NOTE_TEXT
    assert 580 < len(shown.before) <= 600
    assert 580 < len(shown.after) <= 600
    assert (shown.starts_document, shown.ends_document, shown.faithful, shown.page) == (False, False, True, None)
    assert shown.link == document_path(document.document_id, document.version, start, end)
    assert not panel.excerpt(document, start, end, "other words").faithful


@given(st.integers(-50, 1800), st.integers(-50, 1800))
def test_an_excerpt_of_any_span_is_a_stretch_of_the_text(start: int, end: int) -> None:
    shown = panel.excerpt(sample_documents()[0], start, end, "")
    assert shown.before + shown.quote + shown.after in NOTE_TEXT


def test_a_pdf_excerpt_comes_with_its_page() -> None:
    document = sample_documents()[1]
    start = document.text.index("Revenue")
    shown = panel.excerpt(document, start, start + 7, "Revenue")
    assert shown.page == 2
    assert shown.picture == (
        f"document/{document.document_id}/page/2.png?version={document.version}&start={start}&end={start + 7}"
    )


def test_passages_that_are_cited_are_not_listed_again() -> None:
    answered = FakeAssistant().answer("What was the gap to large caps in March 2024?")
    parsed = Parsed(panel.sources(answered, 1))
    listed = [attrs["data-passage"] for attrs in parsed.all("button") if "data-passage" in attrs]
    cited = answered.citations[0].chunk_id
    assert listed == [str(i) for i, p in enumerate(answered.passages) if p.chunk_id != cited]
    assert len(listed) == len(answered.passages) - 1


def test_choices_and_examples_fit_what_is_in() -> None:
    sources = FakeAssistant().sources()
    assert base.choices(sources) == base.Choices(
        ("article", "filing", "note"), ("<b>Evil</b> & Co", "Sample notes", "SEC"), ("Harbor Tools Inc.",), ("default",)
    )
    assert base.examples(sources)[:2] == (
        "What are the main points of “Valuation gap”?",
        "What did Harbor Tools Inc. say about revenue in FY2023?",
    )
    note = sources[0]
    more = [replace(note, metadata=replace(note.metadata, title=f"Title {n}")) for n in range(3)]
    eight_k = replace(sources[1], metadata=replace(sources[1].metadata, fiscal_period=None))
    assert base.examples([*more, eight_k]) == (
        "What are the main points of “Title 0”?",
        "What is the case for and against “Title 1”?",
        "What are the main points of “Title 2”?",
    )
    assert base.choices([replace(s, chunks=0) for s in sources]) == base.Choices((), ())


def test_about_counts_what_can_answer() -> None:
    text = Parsed(base.about(FakeAssistant().sources(), Settings(store="/somewhere/private/base"))).text
    assert "Documents3Chunks9Publishers3" in text
    assert "5 Jan 2024 to 20 Mar 2024" in text
    assert "private" not in text


@pytest.mark.parametrize(
    ("iso", "words"), [("2023-06-02", "2 Jun 2023"), (None, ""), ("2023", "2023"), ("2023-13-01", "2023-13-01")]
)
def test_days_in_words(iso: str | None, words: str) -> None:
    assert day(iso) == words


def test_small_texts() -> None:
    assert meta_line("SEC", "2024-02-28", "filing", 12) == "SEC · 28 Feb 2024 · filing · p. 12"
    assert meta_line(None, None, None) == ""
    assert [file_name(p) for p in ("a/b.md", r"C:\x\y.pdf", "https://h.test/p/q.html?x=1")] == [
        "b.md",
        "y.pdf",
        "q.html",
    ]
    assert document_path("a/b?c", "v", 1, 2) == "document/a%2Fb%3Fc?version=v&start=1&end=2#cited"


def test_a_conversation_keeps_numbers_and_a_bounded_length() -> None:
    turns: conversation.Turns = ()
    for index in range(60):
        turns = conversation.begin(turns, f"q{index}")
    assert (len(turns), turns[0].number, turns[-1].number) == (50, 11, 60)
    assert all(turn.stopped for turn in conversation.stop(turns))
    assert conversation.find(turns, "60") is turns[-1]
    assert conversation.find(turns, "3") is None
    done = conversation.update(turns, replace(turns[-1], answer=answer("Because.")))
    assert conversation.history(done) == (
        {"role": "user", "content": "q59"},
        {"role": "assistant", "content": "Because."},
    )
