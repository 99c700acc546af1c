"""Earnings releases at SEC as a source of tone: submissions, index page, EX-99.1, over HTTP on loopback; values by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tool_server import (
    TODAY,
    Said,
    Source,
    context,
    filing_columns,
    filing_index,
    filing_list,
    holdings_csv,
    source,
    tickers,
)

import assistant.tools.entities as entities
from assistant.models import Metric, ToolResult
from assistant.tools.providers import sec as sec_module
from assistant.tools.providers.edgar_pages import MOST_TEXT, exhibit, plain
from assistant.tools.registry import call
from vectorstore.records import Document, Metadata, SourceInfo
from vectorstore.settings import Settings

ANT, BEE, COW = 11, 22, 33
NAMES = {ANT: "Ant Farms Inc", BEE: "Bee Honey Corp", COW: "Cow Dairy Co"}
# 8 words, one of them positive; 8 words, one of them negative; 8 words without.
UP = "Demand for all our tools was very strong."
DOWN = "Demand for all our tools was very weak."
FLAT = "Demand for all our tools was as planned."


def html(*paragraphs: str) -> str:
    """A release as companies file it: hidden facts, a script, a table of figures, one of layout."""
    body = "".join(f"<p>{p}</p>" for p in paragraphs)
    return (
        "<html><head><title>Strong strong strong</title><script>weak</script></head><body><ix:header><ix:hidden>weak</ix:hidden></ix:header>"
        f"<div>Outlook: see below</div>{body}<table><tr><td>Weak loss</td><td>$</td><td>1,200</td><td>(34)</td></tr><tr><td>Loss</td><td>7</td><td>8</td></tr></table>"
        "<table><tr><td>&#8226;</td><td>As planned</td></tr></table></body></html>"
    )


@pytest.fixture
def server() -> Iterator[Source]:
    with source() as made:
        made.put(
            "/files/company_tickers.json",
            tickers(*((name[:3].upper(), cik, name) for cik, name in NAMES.items())),
        )
        yield made


def file(server: Source, cik: int, *filed: tuple[str, str]) -> None:
    """File 8-Ks on results: (day, release), newest first; between them stand other filings."""
    rows = []
    for n, (day, text) in enumerate(filed):
        accn = f"{cik:010d}-{day[2:4]}-{n:06d}"
        rows += [(f"{cik:010d}-{day[2:4]}-9{n:05d}", day, "8-K", "5.02,9.01"), (accn, day, "8-K", "2.02,9.01")]
        where = f"/Archives/edgar/data/{cik}/{accn.replace('-', '')}"
        server.put(
            f"{where}/{accn}-index.htm",
            filing_index(cik, accn, ("main.htm", "8-K"), ("data.htm", "EX-99.2"), ("release.htm", "EX-99.1"), ("logo.jpg", "GRAPHIC")),
        )  # fmt: skip
        server.put(f"{where}/release.htm", html(text))
    server.put(f"/submissions/CIK{cik:010d}.json", filing_list(cik, NAMES[cik], *rows))


def find(result: ToolResult, name: str, subject: str | None = None) -> Metric:
    return next(m for m in result.metrics if m.name == name and subject in (None, m.subject))


# "Outlook: see below" has 3 words, "As planned" 2: a release of one sentence has 13.
SCORE = 100 / 13


def test_the_release_of_a_company_that_the_base_does_not_hold(server: Source, tmp_path: Path) -> None:
    file(server, ANT, ("2025-05-06", UP), ("2025-02-04", DOWN))
    result = call("call_sentiment", {"ticker": "ANT"}, context(tmp_path, server))
    level = find(result, "call_sentiment")
    assert (level.subject, level.value, level.n) == ("Ant Farms Inc, earnings releases", pytest.approx(SCORE), 1)
    assert (level.as_of, level.source) == ("2025-05-06", "SEC EDGAR, 8-K EX-99.1")
    (row,) = level.inputs
    assert (row["positive"], row["negative"], row["words"], row["left_out"]) == (1, 0, 13, {"furniture": 2})
    assert row["accn"] == "0000000011-25-000000"
    assert row["url"] == "https://www.sec.gov/Archives/edgar/data/11/000000001125000000/release.htm"
    assert "document_id" not in row
    (sentence,) = find(result, "most_positive_sentences").inputs
    assert (sentence["quote"], sentence["url"]) == (UP, row["url"])
    assert result.arguments["kind"] == "filed"
    assert any("not comparable with one of calls" in w for w in result.warnings)
    assert not any(h.path.endswith(("data.htm", "main.htm", "logo.jpg", ".txt")) for h in server.heard)


def test_groups_that_are_named_are_compared(server: Source, tmp_path: Path) -> None:
    for cik, text in ((ANT, DOWN), (BEE, UP), (COW, UP)):
        file(server, cik, ("2025-05-06", text))
    result = call("call_sentiment", {"small": "ANT", "large": "BEE, Cow Dairy"}, context(tmp_path, server))
    assert find(result, "call_sentiment", "small caps, earnings releases").value == pytest.approx(-SCORE)
    assert find(result, "call_sentiment", "large caps, earnings releases").value == pytest.approx(SCORE)
    gap = find(result, "call_sentiment_difference")
    assert (gap.subject, gap.value) == (
        "small caps against large caps, earnings releases",
        pytest.approx(-2 * SCORE),
    )
    assert (gap.period, gap.unit) == ("2025Q2", "percentage points")
    assert result.arguments["companies"] == {"small": ["ANT"], "large": ["BEE", "COW"]}


def test_as_of_a_day_only_what_was_filed_by_then(server: Source, tmp_path: Path) -> None:
    file(server, ANT, ("2025-05-06", UP), ("2025-02-04", DOWN))
    for day, score, filed in ((date(2025, 5, 5), -SCORE, "2025-02-04"), (date(2025, 5, 6), SCORE, "2025-05-06")):
        result = call("call_sentiment", {"ticker": "ANT"}, context(tmp_path, server, as_of=day))
        level = find(result, "call_sentiment")
        assert (level.value, level.as_of) == (pytest.approx(score), filed)
        assert all(m.as_of <= day.isoformat() for m in result.metrics)
    early = call("call_sentiment", {"ticker": "ANT"}, context(tmp_path, server, as_of=date(2025, 2, 3)))
    assert early.status == "no_data"


def test_older_filings_stand_on_pages_of_their_own(server: Source, tmp_path: Path) -> None:
    file(server, ANT, ("2024-11-05", UP))
    rows = (("0000000011-24-900000", "2024-11-05", "8-K", "5.02"), ("0000000011-24-000000", "2024-11-05", "8-K", "2.02,9.01"))  # fmt: skip
    page, far = "CIK0000000011-submissions-001.json", "CIK0000000011-submissions-002.json"
    server.put(
        "/submissions/CIK0000000011.json",
        filing_list(ANT, NAMES[ANT], ("0000000011-25-000007", "2025-05-06", "4", ""), older=(page, "2025-01-01", far, "2019-01-01")),
    )  # fmt: skip
    server.put(f"/submissions/{page}", filing_columns(*rows))
    result = call("call_sentiment", {"ticker": "ANT", "releases": 4}, context(tmp_path, server))
    assert find(result, "call_sentiment").as_of == "2024-11-05"
    assert server.asked(f"/submissions/{page}")
    assert not server.asked(f"/submissions/{far}")


def test_several_releases_make_a_history_and_a_z_score(server: Source, tmp_path: Path) -> None:
    days = [f"{2023 + k // 4}-{3 * (k % 4) + 2:02d}-10" for k in range(10)][::-1]
    tones = [DOWN, FLAT, FLAT, FLAT, FLAT, FLAT, FLAT, FLAT, FLAT, FLAT]
    file(server, ANT, *zip(days, tones, strict=True))
    file(server, BEE, *((day, FLAT) for day in days))
    ran = context(tmp_path, server)
    result = call("call_sentiment", {"small": "ANT", "large": "BEE", "releases": 8}, ran)
    # seven quarters of 0 and one of -d: the mean is -d/8, the standard deviation d/sqrt(8)
    assert find(result, "call_sentiment_z").value == pytest.approx(-(7 / 8) * 8**0.5)
    assert find(result, "call_sentiment_z").n == 8
    fewer = call("call_sentiment", {"small": "ANT", "large": "BEE", "releases": 7}, ran)
    assert any("7 of the 8 quarters" in w for w in fewer.warnings)


def test_offline_the_saved_releases_answer(server: Source, tmp_path: Path) -> None:
    file(server, ANT, ("2025-05-06", UP))
    call("call_sentiment", {"ticker": "ANT"}, context(tmp_path, server))
    asked = len(server.heard)
    result = call("call_sentiment", {"ticker": "ANT"}, context(tmp_path))
    assert find(result, "call_sentiment").value == pytest.approx(SCORE)
    assert result.cached
    assert len(server.heard) == asked


def test_a_second_call_asks_for_no_page_again(server: Source, tmp_path: Path) -> None:
    file(server, ANT, ("2025-05-06", UP))
    ran = context(tmp_path, server)
    call("call_sentiment", {"ticker": "ANT"}, ran)
    asked = len(server.heard)
    assert call("call_sentiment", {"ticker": "ANT"}, ran).status == "ok"
    assert len(server.heard) == asked


class Base:
    """A base of documents by their metadata."""

    def __init__(self, *documents: Document) -> None:
        self.held = {d.document_id: d for d in documents}

    def sources(self, filters: Any = None) -> list[SourceInfo]:
        kinds = filters.kind if filters is not None else ()
        return [
            SourceInfo(
                d.document_id,
                d.version,
                d.path,
                d.collection,
                d.metadata,
                d.media_type,
                "ready",
                0,
                len(d.text),
                1,
                "2025-01-01",
            )
            for d in self.held.values()
            if not kinds or d.metadata.kind in kinds
        ]

    def document(self, document_id: str, version: str | None = None) -> Document:
        return self.held[document_id]

    def chunks(self, document_id: str) -> list[Any]:
        return []


def document(name: str, text: str, **meta: Any) -> Document:
    return Document(f"d-{name}", "v", f"{name}.txt", "c", text, Metadata(company=name, **meta))


def test_what_the_base_holds_comes_first_and_is_never_mixed_with_releases(server: Source, tmp_path: Path) -> None:
    file(server, ANT, ("2025-05-06", UP))
    held = Base(document("Ant Farms Inc", DOWN, kind="transcript", published="2025-05-06", extra={"size": "small"}))
    result = call("call_sentiment", {}, context(tmp_path, server, documents=held))
    assert (result.arguments["kind"], server.heard) == ("transcript", [])
    assert find(result, "call_sentiment").subject == "small caps"
    asked = call("call_sentiment", {"kind": "filed", "ticker": "ANT"}, context(tmp_path, server, documents=held))
    assert find(asked, "call_sentiment").subject == "Ant Farms Inc, earnings releases"
    only = call("call_sentiment", {"kind": "transcript", "ticker": "Bee"}, context(tmp_path, server, documents=held))
    assert only.status == "no_data"


def test_sizes_of_the_base_s_companies_name_the_groups(server: Source, tmp_path: Path) -> None:
    file(server, ANT, ("2025-05-06", DOWN))
    file(server, COW, ("2025-05-07", UP))
    held = Base(
        document("Ant Farms Inc", "An annual report.", kind="filing", extra={"size": "small"}),
        document("Cow Dairy Co", "An annual report.", kind="filing", extra={"size": "Large"}),
        document("Elk Lumber", "An annual report.", kind="filing", extra={"size": "large"}),
    )
    result = call("call_sentiment", {}, context(tmp_path, server, documents=held))
    assert find(result, "call_sentiment_difference").value == pytest.approx(-2 * SCORE)
    assert "Not on SEC's list of tickers: Elk Lumber." in result.warnings


def test_without_names_a_sample_of_two_funds_stands_for_all(
    server: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {name: replace(one, positions=None) for name, one in entities.funds().items()}
    monkeypatch.setattr("assistant.tools.providers.holdings.funds", lambda: known)
    server.put("/holdings/IWM.csv", holdings_csv([("ANT", "ANT FARMS", 60.0), ("BEE", "BEE HONEY", 40.0)]))
    server.put("/holdings/IVV.csv", holdings_csv([("COW", "COW DAIRY", 100.0)]))
    for cik, text in ((ANT, DOWN), (BEE, DOWN), (COW, UP)):
        file(server, cik, ("2025-05-06", text))
    result = call("call_sentiment", {}, context(tmp_path, server))
    assert find(result, "call_sentiment", "small caps, earnings releases").n == 2
    assert find(result, "call_sentiment_difference").value == pytest.approx(-2 * SCORE)
    assert any(w.startswith("Russell 2000: 2 companies, every 1th by weight") for w in result.warnings)


@pytest.mark.parametrize(
    ("path", "answer", "said"),
    [
        ("/submissions/CIK0000000011.json", Said(b"Forbidden", 403), "a name and an e-mail"),
        ("/submissions/CIK0000000011.json", {"cik": "11", "name": "x"}, "no 'filings'"),
        ("/submissions/CIK0000000011.json", filing_list(ANT, "x", ("1", "2025-05-06", "10-Q", "")), "no 8-K on results"),
        ("/submissions/CIK0000000011.json", filing_list(ANT, "x", older=("../../evil", "2025-05-06")), "no page of filings"),
        ("/Archives/edgar/data/11/000000001125000000/0000000011-25-000000-index.htm", filing_index(ANT, "0000000011-25-000000", ("main.htm", "8-K")), "has no EX-99.1"),
        ("/Archives/edgar/data/11/000000001125000000/0000000011-25-000000-index.htm", filing_index(ANT, "0000000011-25-000000", ("slides.pdf", "EX-99.1")), "has no EX-99.1"),
        ("/Archives/edgar/data/11/000000001125000000/release.htm", "<html><body><img src='x.jpg'></body></html>", "has no text"),
        ("/Archives/edgar/data/11/000000001125000000/release.htm", Said(b"gone", 404), "nothing at"),
    ],
)  # fmt: skip
def test_what_is_lacking_is_told_and_no_exception(
    server: Source, tmp_path: Path, path: str, answer: object, said: str
) -> None:
    file(server, ANT, ("2025-05-06", UP))
    server.put(path, answer)
    result = call("call_sentiment", {"ticker": "ANT"}, context(tmp_path, server))
    assert result.status == "no_data"
    assert result.error is not None
    assert said in f"{result.error.message} {result.error.what_to_do} {result.warnings}"


def test_a_release_above_the_limit_is_not_read(server: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sec_module, "MOST_RELEASE", 2_000)
    file(server, ANT, ("2025-05-06", UP))
    file(server, BEE, ("2025-05-06", " ".join([UP] * 100)))
    result = call("call_sentiment", {"small": "ANT", "large": "BEE"}, context(tmp_path, server))
    assert find(result, "call_sentiment").n == 1
    assert "1 of 2 companies gave no release, the first: sec sent more than is taken." in result.warnings


def test_a_limit_of_the_rate_ends_the_reading(server: Source, tmp_path: Path) -> None:
    server.put("/submissions/CIK0000000011.json", Said(b"Request Rate Threshold Exceeded", 403))
    result = call("call_sentiment", {"ticker": "ANT"}, context(tmp_path, server))
    assert result.status == "rate_limited"


def test_nothing_goes_out_where_sec_is_off(tmp_path: Path) -> None:
    result = call("call_sentiment", {}, context(tmp_path))
    assert result.status == "no_data"
    assert result.error is not None
    assert "thesis ingest" in result.error.what_to_do
    assert 'sources = ["sec"]' in result.error.what_to_do
    asked = call("call_sentiment", {"kind": "filed", "ticker": "ANT"}, context(tmp_path))
    assert asked.status == "not_configured"


def test_whose_releases_is_not_guessed(server: Source, tmp_path: Path) -> None:
    bare = replace(context(tmp_path, server).providers, holdings=None)
    ran = replace(context(tmp_path, server), providers=bare, settings=Settings(store=str(tmp_path)))
    result = call("call_sentiment", {}, ran)
    assert result.status == "no_data"
    assert result.error is not None
    assert "--small" in result.error.what_to_do
    nobody = call("call_sentiment", {"small": "Nobody Ever Inc"}, ran)
    assert (nobody.status, "Nobody Ever" in str(nobody.error)) == ("no_data", True)


@pytest.mark.parametrize(
    ("link", "found"),
    [("/Archives/edgar/data/1/000000000025000001/r.htm", True), ("r.htm", True), ("/ix?doc=/Archives/edgar/data/1/000000000025000001/r.htm", True),
     ("https://elsewhere.example/r.htm", False), ("/Archives/edgar/data/1/000000000025000001/../../x.htm", False), ("r.pdf", False)],
)  # fmt: skip
def test_a_link_out_of_the_archives_is_not_followed(link: str, found: bool) -> None:
    page = f'<table><tr><td>1</td><td>x</td><td><a href="{link}">r</a></td><td>EX-99.1</td><td>9</td></tr></table>'
    where = "/Archives/edgar/data/1/000000000025000001"
    assert exhibit(page, where) == (f"{where}/r.htm" if found else None)


def test_text_keeps_paragraphs_and_says_where_figures_are() -> None:
    text, tables = plain(html("First &amp; last.", "Sales<br>rose."))
    assert text.split("\n\n") == ["Outlook: see below", "First & last.", "Sales", "rose.", "Weak loss $ 1,200 (34)", "Loss 7 8", "• As planned"]  # fmt: skip
    assert [text[a:b] for a, b in tables] == ["Weak loss $ 1,200 (34)\n\nLoss 7 8"]
    assert plain("Plain words\nof 1999.\n\n  Second  part.") == ("Plain words of 1999.\n\nSecond part.", ())


def test_of_a_text_without_end_the_first_million_characters_are_read() -> None:
    text, _ = plain("<html>" + "<p>Sales rose a little again.</p>" * 50_000)
    assert len(text) == MOST_TEXT
    assert text.startswith("Sales rose a little again.\n\nSales")


def test_today_is_what_the_fixtures_say() -> None:
    # The days above lie within what counts as a release of late.
    assert (TODAY - date(2025, 5, 6)).days < 140


TAGS = st.sampled_from(["<table>", "</table>", "<tr>", "</tr>", "<td>", "</td>", "<p>", "</div>", "<script>", "</script>", "<ix:header>", "<br/>", "<", "&amp;", "12", "(3)", "Sales rose. ", "\n\n", '<a href="'])  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(parts=st.lists(TAGS, max_size=40))
def test_broken_markup_is_text_and_its_tables_lie_in_it(parts: list[str]) -> None:
    page = "<html>" + "".join(parts)
    text, tables = plain(page)
    assert all(0 <= start <= end <= len(text) for start, end in tables)
    assert exhibit(page, "/Archives/edgar/data/1/000000000025000001") is None
    assert not any(block != " ".join(block.split()) for block in text.split("\n\n"))
