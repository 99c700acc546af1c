"""Who wrote it, when and where it appeared: answered from metadata, citing the span that it was read from."""

from __future__ import annotations

from typing import Any

import pytest

from assistant import about
from assistant.compose import Writer
from assistant.question import understand
from vectorstore.records import Document, Metadata, Origin, SourceInfo

FRONT = """---
title: Rail freight picks up
publisher: Northwind Research
authors: Mara Lindqvist, Tobias Okafor
date: 2024-03-05
kind: note
after: Counting wagons, Harbour Street Capital, 2024-02-01
---

# Rail freight picks up

Short-line railway volumes rose 7% in February 2024.
"""
ARTICLE = """Harbour wages climb

By Ines Duarte, Senior Analyst
June 20, 2024

Dock wages rose 6% in May 2024 as ports competed for crane drivers across the coast and beyond it.
"""
PLAIN = "Diesel prices eased during the spring, which helps small trucking firms to keep drivers.\n"


def info(name: str, **metadata: Any) -> SourceInfo:
    return SourceInfo(
        name, "v", f"{name}.md", "default", Metadata(**metadata), "text/markdown", "ready", 0, 10, 1, "2025-01-01"
    )


SOURCES = (
    info("rail", title="Rail freight picks up", publisher="Northwind Research", authors=("Mara Lindqvist",), kind="note"),
    info("barge", title="Barges lose cargo", publisher="Harbour Street Capital", authors=("Ines Duarte",), kind="article"),
    info("wages", title="Harbour wages climb", publisher="Harbour Street Capital", authors=("Ben Tal",), kind="note"),
    info("bare"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("Who wrote “Barges lose cargo”?", ["barge"]),
        ("who wrote barges lose cargo", ["barge"]),
        ("Who wrote the note on rail freight?", ["rail"]),
        ("When was the Northwind note published?", ["rail"]),
        ("When was the article by Ines Duarte published?", ["barge"]),
        ("When did Duarte's piece appear?", ["barge"]),
        ("Who wrote the Harbour Street note?", ["wages"]),
        ("Who wrote the piece on submarines?", []),
        ("Who wrote it?", []),
    ],
)
def test_the_document_that_a_question_speaks_of(question: str, found: list[str]) -> None:
    assert [s.document_id for s in about.targets(understand(question, SOURCES), SOURCES)] == found


def test_no_document_is_guessed_where_many_fit() -> None:
    many = [info(f"n{i}", title=f"Rates note {i}", publisher="Northwind Research") for i in range(6)]
    assert about.targets(understand("When was the Northwind note published?", many), many) == []


def test_a_title_in_the_list_of_what_a_note_follows_leads_to_the_note() -> None:
    note = info(
        "rail", title="Rail freight", extra={"after": "Counting wagons in winter, Harbour Street Capital, 2024-02-01"}
    )
    question = understand("Who published Counting wagons in winter?", [note])
    assert about.underlying(question, [note]) is note
    assert about.underlying(understand("Who published something else entirely?", [note]), [note]) is None


def document(*origins: Origin, text: str = "Title\nMara Lindqvist\n2024-03-05", **metadata: Any) -> Document:
    return Document("d", "v", "notes/a.md", "default", text, Metadata(origins=origins, **metadata))


def test_a_value_cites_the_span_that_it_was_read_from() -> None:
    writer = Writer()
    source = document(
        Origin("authors", "text", 6, 20), Origin("published", "front_matter", 21, 31),
        title="Title", authors=("Mara Lindqvist",), published="2024-03-05",
    )  # fmt: skip
    question = understand("Who wrote Title and when was it published?")
    assert about.answer(question, [source], writer, lambda _, offset: None) == {"authors", "published"}
    assert writer.text == "“Title” - authors: Mara Lindqvist. [S1]\n\n“Title” - published: 2024-03-05. [S2]"
    assert [c.quote for c in writer.citations] == ["Mara Lindqvist", "2024-03-05"]
    assert [c.reason for c in writer.claims] == ["read from the text", "read from the front matter"]
    assert [c.verdict for c in writer.claims] == ["supported", "supported"]


@pytest.mark.parametrize(
    ("origin", "reason"),
    [
        (Origin("authors", "user"), "from the user; it does not stand in the text"),
        (Origin("authors", "embedded"), "from the embedded; it does not stand in the text"),
        (Origin("authors", "file_name"), "from the file name; it does not stand in the text"),
    ],
)
def test_a_value_that_stands_nowhere_in_the_text_is_unchecked(origin: Origin, reason: str) -> None:
    writer = Writer()
    about.answer(understand("Who wrote Title?"), [document(origin, title="Title", authors=("Ann Other",))], writer, {})
    claim = writer.claims[0]
    assert (claim.text, claim.verdict, claim.score, claim.markers) == (
        "“Title” - authors: Ann Other.",
        "unchecked",
        0.0,
        (),
    )
    assert claim.reason == reason
    assert writer.citations == []


def test_what_is_not_known_is_not_said() -> None:
    writer = Writer()
    assert about.answer(understand("Who wrote it?"), [document(title="Title")], writer, {}) == set()
    assert writer.text == ""


def test_a_role_is_read_from_the_lines_of_a_byline() -> None:
    text = (
        "Harbour wages climb\n\nInes Duarte\nSenior Analyst\nHarbour Street\n\nWages rose and Ines Duarte noticed it.\n"
    )
    found = about.role_block(understand("What is the role of Ines Duarte?"), [document(text=text)])
    assert found is not None
    _, start, end = found
    assert text[start:end] == "Ines Duarte\nSenior Analyst"
    assert about.role_block(understand("What is the role of Mara Lindqvist?"), [document(text=text)]) is None


def test_answers_from_real_documents_quote_their_metadata(make_base: Any) -> None:
    base = make_base({"rail.md": FRONT, "wages.txt": ARTICLE})
    wrote = base.ask("Who wrote the note on rail freight?")
    assert (wrote.status, wrote.citations[0].quote) == ("answered", "Mara Lindqvist, Tobias Okafor")
    assert wrote.citations[0].start == FRONT.index("Mara Lindqvist")
    assert wrote.text == "“Rail freight picks up” - authors: Mara Lindqvist, Tobias Okafor. [S1]"
    assert base.store.chunk(wrote.citations[0].chunk_id).role == "front_matter"

    when = base.ask("When was Harbour wages climb published?")
    assert when.status == "answered"
    assert "2024-06-20" in when.claims[0].text
    assert when.citations[0].quote == "June 20, 2024"

    where = base.ask("Who published Rail freight picks up?")
    assert "Northwind Research" in [c.quote for c in where.citations]

    assert base.ask("Who wrote the note on submarines?").status == "insufficient_evidence"


# as reported to the owner of assistant/: these pass once they are mended


def test_what_a_user_gave_is_shown_as_unchecked(make_base: Any) -> None:
    base = make_base({"plain.txt": PLAIN}, meta={"title": "Diesel and drivers", "authors": "Ann Other"})
    answer = base.ask("Who wrote Diesel and drivers?")
    assert "Ann Other" in answer.text
    assert "passes the filters" not in answer.text


def test_the_passages_of_a_metadata_answer_hold_what_is_cited(make_base: Any) -> None:
    answer = make_base({"rail.md": FRONT}).ask("Who wrote the note on rail freight?")
    assert {c.chunk_id for c in answer.citations} <= {p.chunk_id for p in answer.passages if p.given}


def test_a_field_that_is_not_known_makes_the_answer_partial(make_base: Any) -> None:
    base = make_base(
        {"a.md": "---\ntitle: Rail freight picks up\ndate: 2024-03-05\n---\n\nVolumes rose 7% on short lines.\n"}
    )
    answer = base.ask("Who wrote Rail freight picks up and when was it published?")
    assert (answer.status, [c.quote for c in answer.citations]) == ("partial", ["2024-03-05"])


def test_what_a_note_follows_is_told_with_its_span(make_base: Any) -> None:
    answer = make_base({"rail.md": FRONT}).ask("Which article is the note on rail freight based on?")
    assert [c.quote for c in answer.citations] == ["Counting wagons, Harbour Street Capital, 2024-02-01"]
