"""What stands behind a checked claim: the article's sentence, and the tool's own inputs of both days."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from statement_samples import HARBOR, filing
from test_tools_company import Base
from tool_server import Source, company_facts, context, fact, source, tickers

from assistant.models import Metric, ToolResult
from assistant.tools.claim_source import said_in
from assistant.tools.claims import claims
from assistant.tools.registry import call
from vectorstore.records import Document, Metadata, Region


@pytest.fixture
def server() -> Iterator[Source]:
    with source() as made:
        made.put("/files/company_tickers.json", tickers(("ALDR", 7, "Alder Works Inc.")))
        yield made


def find(result: ToolResult, name: str) -> Metric:
    return next(m for m in result.metrics if m.name == name)


OWN = {
    "claim": "Alder earns ten cents on the dollar", "tool": "balance_sheet", "metric": "operating_margin", "value": 10,
    "claimed_on": "2025-03-01", "arguments": '{"ticker": "ALDR"}',
}  # fmt: skip


def year(value: float, n: int, filed: str) -> dict[str, Any]:
    return fact(value, f"{n}-12-31", start=f"{n}-01-01", filed=filed, accn=f"000-{n}-{filed}")


def test_both_sides_name_the_filings_that_they_were_read_from(server: Source, tmp_path: Path) -> None:
    facts = {
        "OperatingIncomeLoss": [year(100, 2023, "2024-02-20"), year(60, 2024, "2025-04-20")],
        "Revenues": [year(1000, 2023, "2024-02-20"), year(1000, 2024, "2025-04-20")],
    }
    server.put("/api/xbrl/companyfacts/CIK0000000007.json", company_facts(7, "Alder Works Inc.", facts))
    result = call("verify_claim", OWN, context(tmp_path, server))
    then, now = find(result, "then"), find(result, "now")
    assert find(result, "verdict").unit == "changed"
    assert (then.value, now.value) == (pytest.approx(10.0), pytest.approx(6.0))
    for metric, filed, end in ((then, "2024-02-20", "2023-12-31"), (now, "2025-04-20", "2024-12-31")):
        rows = [one for one in metric.inputs if "accn" in one]
        assert {(one["concept"], one["filed"], one["end"]) for one in rows} == {
            ("OperatingIncomeLoss", filed, end),
            ("Revenues", filed, end),
        }
        assert metric.source == "SEC EDGAR"
        assert metric.source_url is not None
        assert metric.source_url.startswith("https://data.sec.gov/api/xbrl/companyfacts/")


def test_the_rows_of_a_filing_in_the_base_are_cited_with_their_place(tmp_path: Path) -> None:
    filed = filing(HARBOR)
    own = OWN | {"arguments": '{"ticker": "Harbor Tools"}', "value": 20}
    result = call("verify_claim", own, context(tmp_path, documents=Base(filed)))
    now = find(result, "now")
    rows = [one for one in now.inputs if "quote" in one]
    assert len(rows) == 2
    for one in rows:
        assert filed.text[one["start"] : one["end"]] == one["quote"]
        assert (one["document_id"], one["version"]) == (filed.document_id, filed.version)
    assert now.source == "10-K in the base"


ARTICLE = (
    "Small caps after the slide\n\nBuyers of protection have come back. The Russell 2000 is down over 15% from the peak that it "
    "made in late 2024. It holds 2000 names. Earlier falls were of 25% and more.\n\nDisclaimer: a fall of 15% of the Russell 2000 is no forecast."
)


def article(text: str = ARTICLE, *, publisher: str = "Valens Research", published: str = "2025-05-12") -> Document:
    regions = (Region(text.index("Disclaimer"), len(text), "disclaimer"),) if "Disclaimer" in text else ()
    meta = Metadata(title="The slide", publisher=publisher, published=published, kind="article")
    return Document("art", "v1", "slide.md", "c", text, meta, regions=regions)


def test_the_article_s_own_sentence_is_named(tmp_path: Path) -> None:
    held = article()
    result = call("verify_claim", {"claim": "v-drawdown"}, context(tmp_path, documents=Base(held)))
    # Without a live figure too: what was claimed stands in the base.
    (place,) = (one for one in find(result, "claimed").inputs if "quote" in one)
    assert place["quote"] == "The Russell 2000 is down over 15% from the peak that it made in late 2024."
    assert held.text[place["start"] : place["end"]] == place["quote"]
    assert (place["published"], place["title"]) == ("2025-05-12", "The slide")


@pytest.mark.parametrize(
    "held",
    [
        article(publisher="Quay Research"),
        article(published="2025-05-13"),
        article("The Russell 2000 is down over 25% from the peak that it made in late 2024."),
        article("The fee is 15% for all who ask before the end of the year."),
        article(ARTICLE[ARTICLE.index("Disclaimer") :]),
    ],
)
def test_another_article_or_figure_is_not_the_claim_s(held: Document, tmp_path: Path) -> None:
    assert said_in(claims()["v-drawdown"], context(tmp_path, documents=Base(held))) == []


def test_what_is_published_after_the_as_of_day_is_not_cited(tmp_path: Path) -> None:
    ran = context(tmp_path, documents=Base(article()))
    assert said_in(claims()["v-drawdown"], ran)
    assert said_in(claims()["v-drawdown"], replace(ran, as_of=date(2025, 5, 11))) == []


def test_two_figures_of_one_sentence_belong_to_their_own_claims(tmp_path: Path) -> None:
    text = "Big firms have 16.4 analysts each on average.\n\nSmall caps are covered by 5.7 analysts, on average."
    ran = context(tmp_path, documents=Base(article(text, publisher="Russell Investments", published="2025-07-09")))
    (small,) = said_in(claims()["r-analysts-small"], ran)
    assert small["quote"].startswith("Small caps")
