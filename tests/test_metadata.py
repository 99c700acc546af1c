"""Articles and notes, the order of sources, and the user's word."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from metadata_samples import PROSE, RANDOM_NAME, call, cover, found, reading, signature

from ingest.cleaning import tag
from ingest.metadata import extract, override
from ingest.readers import Reading
from vectorstore.errors import SettingsError
from vectorstore.records import KINDS, Metadata


def test_an_article_with_a_byline_under_its_headline() -> None:
    text = f"# Orders return to the foundries\n\n*By Maria Lopez and Tom Reed, CFA | July 9, 2024 | 6 min read*\n\n{PROSE}\n\n{PROSE}\n\n© 2024 Harbor Lane Capital. All rights reserved.\n"
    metadata = found(text, ".md")
    assert metadata.title == "Orders return to the foundries"
    assert metadata.authors == ("Maria Lopez", "Tom Reed")
    assert (metadata.published, metadata.publisher, metadata.kind) == ("2024-07-09", "Harbor Lane Capital", "article")
    assert metadata.company is None
    assert metadata.ticker is None
    for origin in metadata.origins:
        assert origin.source == "text"
        assert origin.start is not None
    published = metadata.origin("published")
    assert published is not None
    assert text[published.start : published.end] == "July 9, 2024"


def test_a_list_of_names_with_roles_and_a_picture_in_front() -> None:
    names = (
        "Ann Lee, CFA\n\nAnn Lee, CFA\n\nPortfolio Manager\n\nPiet van Dam\n\nPiet van Dam\n\nSenior Research Analyst\n"
    )
    small = "The Tidewater Partners logo is a trademark and service mark of Tidewater Partners\n\n© Tidewater Partners Canada Limited 1998-2024. All rights reserved.\n"
    text = f"Harbour crane\n\nWhat if the cranes start moving?\n\n2024-03-05\n\n{names}\nFind other posts with these tags:\nEquities\nPorts\n\n{PROSE}\n\n{PROSE}\n\nSource: Tidewater Partners\n\n{small}"
    metadata = found(text)
    assert metadata.title == "What if the cranes start moving?"
    assert metadata.authors == ("Ann Lee", "Piet van Dam")
    assert metadata.published == "2024-03-05"
    assert metadata.publisher == "Tidewater Partners"  # the brand, not its legal entity of one country


def test_a_newsletter_signed_at_its_end() -> None:
    text = (
        f"Morning Essentials Daily\n\nShipyards are busier than their shares suggest\n\nMay 14, 2024\n\n{PROSE}\n\nMorning Essentials Daily:\nThe Tuesday Memo\n"
        f"Powered by Cole Research\n\n{PROSE}\n\nBest regards,\n\nHarriet Cole & Joe Ray\nChief Strategist &\nDirector of Research\nat Cole Research\n\nView All\n"
    )
    metadata = found(text)
    assert metadata.title == "Shipyards are busier than their shares suggest"
    assert metadata.authors == ("Harriet Cole", "Joe Ray")
    assert metadata.publisher == "Cole Research"
    assert metadata.published == "2024-05-14"


def test_a_letterhead_and_inline_roles() -> None:
    text = f"NORTHGATE RESEARCH\nEquity Strategy | 12 March 2024\n\nWhy regional lenders are mispriced\n\nJane Q. Porter, CFA — Senior Analyst\nLuis de la Cruz — Director of Research\n\n{PROSE}\n\n{PROSE}\n\nNorthgate Research is the trading name of Northgate Holdings Limited.\n"
    metadata = found(text)
    assert metadata.title == "Why regional lenders are mispriced"
    assert metadata.authors == ("Jane Q. Porter", "Luis de la Cruz")
    assert (metadata.publisher, metadata.published) == ("Northgate Research", "2024-03-12")


@pytest.mark.parametrize(
    ("text", "title", "authors", "publisher"),
    [
        (f"Value is cheap again\n\nBy Jim Mastro, CFA, Omid Shakeri, Ph.D.\nMay 3, 2024\n\n{PROSE}\n\nCopyright © 2024 by Northgate Research. All Rights Reserved.\n", "Value is cheap again", ("Jim Mastro", "Omid Shakeri"), "Northgate Research"),
        (f"Yards are short of welders\n\nJane Doe | June 3, 2025\n\n{PROSE}\n\n{PROSE}\n", "Yards are short of welders", ("Jane Doe",), None),
        (f"Yards are short of welders\nAnd that is a chance\nJane Doe\nMay 12, 2025\n\n{PROSE}\n", "Yards are short of welders", ("Jane Doe",), None),
        (f"Yards are short of welders\n\nPosted by Jane Doe on May 3, 2024\n\n{PROSE}\n", "Yards are short of welders", ("Jane Doe",), None),
        (f"Northgate Research | Small Cap Weekly\n\nThe case for reshoring winners\n\nContributors: Jane Doe, Tom Reed\nMay 3, 2024\n\n{PROSE}\n", "The case for reshoring winners", ("Jane Doe", "Tom Reed"), "Northgate Research"),
        (f"Too cheap to ignore?\n\nJune 2, 2025\n\nÉlodie Martin-Roux, Head of Equities at Vauban Asset Management\n\n{PROSE}\n", "Too cheap to ignore?", ("Élodie Martin-Roux",), "Vauban Asset Management"),
        (f"Why small caps now\n\n{PROSE}\n\nAbout the author\n\nJane Doe is a portfolio manager at Vauban Capital.\n", "Why small caps now", ("Jane Doe",), "Vauban Capital"),
        (f"Markets\n\nStocks slip as yields rise\n\nPublished Tue, Jun 3 2025 9:30 AM EDT\n\nJane Doe\n@jdoe\n\n{PROSE}\n", "Stocks slip as yields rise", ("Jane Doe",), None),
        (f"The Monthly Ledger\n\nFive reasons to own machine shops\n\nMay 3, 2024\n\n{PROSE}\n\nSincerely,\n\nHarriet Cole\nPortfolio Manager, Tidewater Partners\n", "Five reasons to own machine shops", ("Harriet Cole",), "Tidewater Partners"),
    ],
)  # fmt: skip
def test_bylines_and_houses_of_other_layouts(
    text: str, title: str, authors: tuple[str, ...], publisher: str | None
) -> None:
    metadata = found(text)
    assert (metadata.title, metadata.authors, metadata.publisher) == (title, authors, publisher)


def test_a_page_of_the_web_with_facts_in_its_head() -> None:
    page = (
        '<html><head><title>Small caps: the tide turns | Meridian</title><meta property="og:site_name" content="Meridian Asset Management">'
        '<link rel="canonical" href="https://example.org/tide"><script type="application/ld+json">{"@type": "NewsArticle", "headline": "Small caps: the tide turns",'
        f' "author": [{{"name": "Ann Lee"}}], "datePublished": "2024-02-29"}}</script></head><body><nav><a href="/">Home</a></nav><h1>Small caps: the tide turns</h1><p>{PROSE}</p><p>{PROSE}</p></body></html>'
    )
    metadata = found(page, ".html")
    assert (metadata.title, metadata.publisher) == ("Small caps: the tide turns", "Meridian Asset Management")
    assert (metadata.published, metadata.authors, metadata.kind) == ("2024-02-29", ("Ann Lee",), "article")
    assert metadata.url == "https://example.org/tide"
    sources = {o.field: o.source for o in metadata.origins}
    assert sources["title"] == "text"
    assert sources["published"] == sources["publisher"] == sources["authors"] == "embedded"


def test_a_note_on_one_company() -> None:
    text = f"Acme Robotics (NASDAQ: ACRB): a cheap option on automation\n\nInvestment note\nAnalyst: Dana Whitfield\nDate: 2024-05-17\n\n{PROSE}\n\n{PROSE}\n"
    metadata = found(text)
    assert (metadata.kind, metadata.company, metadata.ticker) == ("note", "Acme Robotics", "ACRB")
    assert (metadata.authors, metadata.published) == (("Dana Whitfield",), "2024-05-17")


@pytest.mark.parametrize(
    ("lines", "published"),
    [
        ("Published: 03/04/2024\nUpdated: 05/06/2024", "2024-03-04"),
        ("Updated: 05/06/2024", "2024-05-06"),
        ("Aug. 3, 2023, 4:05 p.m. ET", "2023-08-03"),
        ("Posted on 2023-11-05 by Peter O'Neill", "2023-11-05"),
        ("Harbour desk — 12 May 2025", "2025-05-12"),
        ("The index peaked on November 25, 2024 and fell after that.", None),
        ("May 2025", None),
    ],
)
def test_the_date_beside_the_headline(lines: str, published: str | None) -> None:
    text = (
        f"Five reasons to own machine shops\n\n{lines}\n\n{PROSE}\n\nOn January 3, 2021 the index was lower. {PROSE}\n"
    )
    assert found(text).published == published


def test_an_update_gives_way_to_a_publication_date_in_the_head() -> None:
    text = f"Five reasons to own machine shops\n\nUpdated: May 6, 2024\n\n{PROSE}\n\n{PROSE}\n"
    page = Reading(text, "text/html", embedded={"published": "2024-05-01T09:00:00Z"})
    assert extract(page, (), name="x").published == "2024-05-01"


def test_platforms_are_no_publishers_and_products_no_authors() -> None:
    text = f"Machine shops\n\nWhy we own five machine shops now\n\nMay 6, 2024\n\n{PROSE}\n\n{PROSE}\n\nPowered by WordPress\n"
    metadata = found(text)
    assert metadata.publisher is None
    assert metadata.authors == ()


def test_what_is_not_stated_stays_open() -> None:
    metadata = found("margins fine. will revisit.\n")
    assert (metadata.publisher, metadata.authors, metadata.published, metadata.company) == (None, (), None, None)
    assert metadata.kind == "other"


FRONT = f"""---
title: Order books before multiples
publisher: Sample notes
author: Ann Lee; Tom Reed
date: 2025-05-12
type: note
period: FY2024
after: "Another title, Another House, May 12, 2025"
---

# A heading that differs

January 3, 2020

{PROSE}
"""


def test_front_matter_wins_over_the_text() -> None:
    metadata = found(FRONT, ".md")
    assert (metadata.title, metadata.publisher) == ("Order books before multiples", "Sample notes")
    assert (metadata.authors, metadata.published, metadata.kind) == (("Ann Lee", "Tom Reed"), "2025-05-12", "note")
    assert metadata.fiscal_period == "FY2024"
    assert metadata.extra["after"] == "Another title, Another House, May 12, 2025"
    origin = metadata.origin("publisher")
    assert origin is not None
    assert origin.source == "front_matter"
    assert reading(FRONT, ".md").text[origin.start : origin.end] == "Sample notes"


def test_front_matter_that_cannot_be_is_kept_aside() -> None:
    metadata = found(FRONT.replace("date: 2025-05-12", "date: soon").replace("type: note", "type: gossip"), ".md")
    assert metadata.published == "2020-01-03"
    assert metadata.kind in KINDS
    assert (metadata.extra["published"], metadata.extra["kind"]) == ("soon", "gossip")


def test_a_file_name_is_the_last_hint() -> None:
    bare = Reading("margins fine. will revisit.", "text/plain")
    hinted = extract(bare, (), name="2024-05-17_machine-shops_visit.txt")
    assert (hinted.published, hinted.title) == ("2024-05-17", "machine shops visit")
    assert {o.source for o in hinted.origins} == {"file_name"}
    assert extract(bare, (), name="a3f9c2d417.txt") == Metadata()
    named = reading(cover() + signature("March 3, 2022"))
    assert extract(named, tag(named), name="OTHER_2019_10K.txt") == extract(named, tag(named), name="0.txt")


def test_the_users_word_wins() -> None:
    metadata = override(
        found(FRONT, ".md"),
        {"title": "Mine", "date": "12 May 2024", "author": "A. One, B. Two; C. Three", "desk": "rates", "company": " "},
    )
    assert (metadata.title, metadata.published, metadata.authors) == (
        "Mine",
        "2024-05-12",
        ("A. One", "B. Two", "C. Three"),
    )
    assert metadata.extra["desk"] == "rates"
    assert metadata.extra["after"].startswith("Another title")
    assert metadata.company is None
    assert {o.field for o in metadata.origins if o.source == "user"} == {"title", "published", "authors"}
    assert len({o.field for o in metadata.origins}) == len(metadata.origins)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("published", "soon"),
        ("date", "2024-13-01"),
        ("period_end", "2024"),
        ("kind", "gossip"),
        ("extra", "x"),
        ("authors", ";"),
    ],
)
def test_a_wrong_value_is_an_error_that_names_its_key(key: str, value: str) -> None:
    with pytest.raises(SettingsError) as error:
        override(Metadata(), {key: value})
    assert {"date": "published"}.get(key, key) in str(error.value)
    assert error.value.what_to_do


@given(
    st.dictionaries(
        st.sampled_from(["title", "publisher", "company", "ticker", "desk"]),
        st.text(string.ascii_letters, min_size=1),
        max_size=5,
    )
)
def test_overriding_twice_is_overriding_once(user: dict[str, str]) -> None:
    once = override(Metadata(title="T"), user)
    assert override(once, user) == once


WORDS = st.sampled_from(
    [
        "By Ann Lee and",
        "July 9, 2024",
        "FORM 10-K",
        "SECURITIES AND EXCHANGE COMMISSION",
        "Operator:",
        "welcome to the",
        "earnings call",
        "Best regards,",
        "© 2024",
        "(NYSE: ABC)",
        "today announced",
        "for the fiscal year ended",
        "has duly caused",
        "(Exact name of registrant as specified in its charter)",
        "Q3 2020",
        "# Title",
        "at House",
        "Portfolio Manager",
        "Speaker 1:",
        "For Immediate Release",
        "annual report",
        "balance sheet",
        "\n",
        "\n\n",
        "\x0c",
        "Ünïcode 😀",
        "0",
        ".",
        ",",
    ]
)


@given(st.lists(WORDS, max_size=60).map(" ".join), st.sampled_from(["text/plain", "text/html", "application/pdf"]))
def test_any_text_gives_metadata_whose_spans_lie_in_it(text: str, media_type: str) -> None:
    source = Reading(text, media_type)
    metadata = extract(source, tag(source), name=RANDOM_NAME)
    assert metadata.kind in KINDS
    for origin in metadata.origins:
        assert origin.start is not None
        assert origin.end is not None
        assert 0 <= origin.start < origin.end <= len(text)
    assert extract(source, tag(source), name=RANDOM_NAME) == metadata


def test_a_transcript_is_not_taken_for_an_article() -> None:
    assert found(call("Welcome to the Acme third quarter 2020 earnings conference call.")).kind == "transcript"
