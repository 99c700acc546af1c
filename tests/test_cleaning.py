"""Furniture is tagged and nothing else: every sentence of an argument stays body."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from metadata_samples import PROSE, call, cover, reading, signature

from ingest.cleaning import tag
from ingest.readers import Reading
from vectorstore.records import FURNITURE, Page, Region


def tagged(text: str, suffix: str = ".txt") -> dict[str, str]:
    """Return the tag of each non-empty line of ``text``; "body" where it has none or only a part of one."""
    source = reading(text, suffix)
    regions = tag(source)
    result = {}
    at = 0
    for line in source.text.splitlines(keepends=True):
        content = line.strip()
        if content:
            start = at + line.index(content)
            cover_of = [r.tag for r in regions if r.start <= start and start + len(content) <= r.end]
            result[content] = cover_of[0] if cover_of else "body"
        at += len(line)
    return result


ARTICLE = f"""Home > Insights > Equities

Backlogs drive shipyards

May 14, 2024

By Peter Ray

Share
Facebook | Twitter | LinkedIn

In this article
Order books
Labor

Key takeaways

• Order books cover four years of work
• Margins recover by 2026

{PROSE}

Source: Harbor Lane Capital, as of May 1, 2024

Orders rose 12% and the tariff advice of the ministry was ignored; this report of ours said so in its first issue.

{PROSE}

Best regards,

Peter Ray
Director of Research
at Harbor Lane Capital

View All

You don't have access to the premium application.

To get access to our best ideas, contact our client team at 308-555-0100 or write to clients@harbor.example.

Please fill out the fields below so that we can contact you

Related articles
- [Steel again](https://harbor.example/a)
- [Two yards](https://harbor.example/b)

This site uses cookies to offer you a better experience. A cookie is a small text file.

These views are subject to change at any time and are for general information only.

Nothing in this material is intended to constitute legal, tax or investment advice.

Past performance is no guarantee of future results, and investments involve risks.

Our publications are available in other formats; accessibility matters to us.

Harbor Lane is committed to plain words in this document.

© 2024 Harbor Lane Capital. All rights reserved.
"""


def test_an_article_with_everything_around_it() -> None:
    tags = tagged(ARTICLE)
    for line in (
        "Home > Insights > Equities",
        "Facebook | Twitter | LinkedIn",
        "View All",
        "Related articles",
        "- [Two yards](https://harbor.example/b)",
    ):
        assert tags[line] == "navigation", line
    assert tags["In this article"] == tags["Order books"] == "contents"
    for line in ("Best regards,", "Director of Research", "at Harbor Lane Capital"):
        assert tags[line] == "signature", line
    assert tags["You don't have access to the premium application."] == "access"
    assert tags["Please fill out the fields below so that we can contact you"] == "access"
    assert tags[
        "To get access to our best ideas, contact our client team at 308-555-0100 or write to clients@harbor.example."
    ] in ("access", "contact")
    assert tags["This site uses cookies to offer you a better experience. A cookie is a small text file."] == "cookie"
    for line in list(tags)[-6:]:
        assert tags[line] == "disclaimer", line


def test_the_argument_stays_body() -> None:
    tags = tagged(ARTICLE)
    body = [
        "Backlogs drive shipyards",
        "May 14, 2024",
        "By Peter Ray",
        "Key takeaways",
        "• Order books cover four years of work",
        "• Margins recover by 2026",
        PROSE,
        "Source: Harbor Lane Capital, as of May 1, 2024",
        "Orders rose 12% and the tariff advice of the ministry was ignored; this report of ours said so in its first issue.",
    ]
    assert [line for line in body if tags[line] != "body"] == []


@pytest.mark.parametrize(
    "sentence",
    [
        "Our screen is proprietary, and the advice that follows from it in this report is to wait for cheaper entry points.",
        "The regulator banned cookies from third parties, which costs ad-funded small caps about 4% of revenue.",
        "Contact lens makers gained share.",
        "Past winners lag; past performance of the cheapest decile was not matched by any other, at 11% a year.",
        "Management expects forward bookings to differ from last year.",
        "Shareholders should subscribe to the view that yards are short of welders.",
        "The trademark dispute with its rival was settled for $12 million.",
    ],
)
def test_sentences_that_only_sound_like_small_print(sentence: str) -> None:
    text = f"Machine shops\n\n{PROSE}\n\n{sentence}\n\n{PROSE}\n"
    assert tagged(text)[sentence] == "body"


def test_a_safe_harbour_inside_a_turn_of_speech_is_cut_out_of_it() -> None:
    before = "Orders grew by 9% and we raised our outlook."
    harbour = (
        "Today's remarks contain forward-looking statements. Actual results may differ materially from them because of risks and uncertainties. "
        "We undertake no obligation to update any forward-looking statement."
    )
    after = "With that, let me turn to margins, which reached 14%."
    text = call("Welcome to the Acme third quarter 2020 earnings conference call.", f"{before} {harbour} {after}")
    source = reading(text)
    assert [(source.text[r.start : r.end], r.tag) for r in tag(source)] == [(harbour, "disclaimer")]


def test_a_releases_safe_harbour_and_contacts() -> None:
    text = (
        "Acme Reports Third Quarter 2023 Results\n\nDAYTON, Ohio, November 7, 2023 -- (BUSINESS WIRE) -- Acme, Inc. (NASDAQ: ACRB) today announced sales of $12 million.\n\n"
        "Contact: Dana Whitfield\n(308) 555-0101\n\nSafe harbor statement: forward-looking statements involve risks; the company undertakes no obligation to update them.\n\nSales rose 9% in the quarter.\n"
    )
    tags = tagged(text)
    assert tags["Contact: Dana Whitfield"] == tags["(308) 555-0101"] == "contact"
    assert (
        tags[
            "Safe harbor statement: forward-looking statements involve risks; the company undertakes no obligation to update them."
        ]
        == "disclaimer"
    )
    assert tags["Sales rose 9% in the quarter."] == "body"


def paged(pages: list[str]) -> Reading:
    text, spans, at = "\f".join(pages), [], 0
    for number, page in enumerate(pages, start=1):
        spans.append(Page(number, at, at + len(page)))
        at += len(page) + 1
    return Reading(text, "application/pdf", pages=tuple(spans))


def of(source: Reading, wanted: str) -> list[str]:
    return [source.text[r.start : r.end] for r in tag(source) if r.tag == wanted]


def test_running_heads_and_feet_but_no_figures() -> None:
    pages = [
        f"Acme Robotics, Inc.\n(in millions, except per share data)\nMachines sold {n * 7} {n * 9}\nThe yard is busy for a while\nStamping lines {n * n}\n{1000 + n * n}\n{n + 2} Form 10-K"
        for n in range(1, 11)
    ]
    source = paged(pages)
    running = Counter(of(source, "running"))
    assert running["Acme Robotics, Inc."] == 10
    assert all(running[f"{n + 2} Form 10-K"] == 1 for n in range(1, 11))
    assert sum(running.values()) == 20  # neither the unit, nor rows, nor the lone figure above the page's number


def test_contents_signatures_and_exhibits_of_a_paginated_filing() -> None:
    contents = "TABLE OF CONTENTS\nPage\n" + "\n".join(
        f"Item {n}. Something about our business {n * 3}" for n in range(1, 16)
    )
    argument = "Item 1. Business\nWe make robots. " + PROSE
    exhibits = "EXHIBIT INDEX\n" + "\n".join(
        f"10.{n} Agreement on premises no. {n} (incorporated by reference to Exhibit 10.{n} to Form 8-K)"
        for n in range(1, 9)
    )
    source = paged([cover(), contents, argument, argument, signature("March 3, 2022"), exhibits])
    assert of(source, "contents") == [contents, exhibits]
    assert of(source, "signature") == [signature("March 3, 2022").strip()]
    assert all(PROSE in source.text[: r.start] or PROSE not in source.text[r.start : r.end] for r in tag(source))
    assert not [r for r in tag(source) if r.end <= len(cover())]


def test_a_statement_that_ends_in_numbers_is_no_table_of_contents() -> None:
    rows = "\n".join(f"Segment {n} net sales {n},{n}00 {n},{n}50" for n in range(1, 9))
    source = paged([cover(), "Index to statements\nItem 8\nItem 8A\nItem 9\nItem 9A\n" + rows, PROSE, PROSE])
    assert of(source, "contents") == []


def test_front_matter_and_mark_up_come_first() -> None:
    source = reading("---\ntitle: T\ndate: 2024-01-01\n---\n\nA body.\n", ".md")
    (region,) = tag(source)
    assert (region.tag, region.start) == ("front_matter", 0)
    assert source.text[region.end :].strip() == "A body."
    marked = Reading("Menu Home\n\n" + PROSE + "\n\nView All", "text/html", navigation=(Region(0, 9, "navigation"),))
    assert [(marked.text[r.start : r.end], r.tag) for r in tag(marked)] == [
        ("Menu Home", "navigation"),
        ("View All", "navigation"),
    ]


def test_nothing_to_tag() -> None:
    assert tag(Reading("", "text/plain")) == ()
    assert tag(Reading(PROSE, "text/plain")) == ()


PIECES = st.sampled_from(
    [PROSE, "View All", "Best regards,", "Ann Lee", "© 2024 House. All rights reserved.", "This site uses cookies. About cookies: none.", "Speaker 1: forward-looking statements differ materially.",
     "SIGNATURES", "has duly caused", "Item 1. Business ..... 4", "\n", "\n\n", "\f", " ", "Share", "x" * 200, "😀"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=40), st.sampled_from(["", "\n", "\n\n"]), st.booleans())
def test_regions_are_sorted_apart_inside_the_text_and_stable(pieces: list[str], glue: str, with_pages: bool) -> None:
    text = glue.join(pieces)
    spans, at = [], 0
    for number, page in enumerate(text.split("\f") if with_pages else [], start=1):
        spans.append(Page(number, at, at + len(page)))
        at += len(page) + 1
    source = Reading(text, "text/plain", pages=tuple(spans))
    regions = tag(source)
    assert regions == tag(source)
    edges = [edge for region in regions for edge in (region.start, region.end)]
    assert edges == sorted(edges)
    for region in regions:
        assert 0 <= region.start < region.end <= len(text)
        assert region.tag in FURNITURE
        assert not text[region.start].isspace()
        assert not text[region.end - 1].isspace()
