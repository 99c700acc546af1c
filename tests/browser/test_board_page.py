"""The tab of the catalyst board in a real browser, over a real store: catalysts, one in full, claims, companies, changes, files."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from board_cases import Bench, bench, note
from watching import GRADIO_WARNINGS, Watched, watched

from assistant.service import Service
from assistant.web.server import Handle, serve
from vectorstore.embedding import Embedder

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings(*GRADIO_WARNINGS)]
FOR = "Tariffs raise the costs of the makers of small pumps."
AGAINST = "A refund of duties will help the makers of small pumps."
WEAK = "Perhaps a refund of tariffs will help nobody at all."
HOSTILE = "The trade war will hurt <img src=x onerror=alert(1)> makers of chairs."
FILES = {
    "pumps.md": note(
        f"# Pumps\n\n{FOR}\n\nWe expect revenue of $120 million in fiscal 2027.",
        title="Pumps and duties", publisher="Quay", published="2024-03-01", kind="note", company="Alder Pumps", ticker="ALDR",
    ),
    "refund.md": note(
        f"# Refund\n\n{AGAINST}\n\n{WEAK}", title="Refunds", publisher="Mole Street", published="2024-03-05", kind="article",
        company="Alder Pumps", ticker="ALDR",
    ),
    "chairs.md": note(
        f"# Chairs\n\n{HOSTILE}", title="Chairs <b>now</b>", publisher="Ha & Co", published="2024-04-02", kind="filing",
        company="Birch Chairs", ticker="BRCH",
    ),
}  # fmt: skip


@dataclass
class Place:
    handle: Handle
    base: Bench


@pytest.fixture(scope="module")
def place(
    tmp_path_factory: pytest.TempPathFactory, embedder: Embedder, model_cache: Path, browser: Any
) -> Iterator[Place]:
    with bench(tmp_path_factory.mktemp("board-page"), embedder, model_cache, port=0) as base:
        base.put(FILES)
        subject = "Russell 2000 against S&P 500"
        base.tools.given["relative_valuation"] = [
            ("relative_price_to_earnings", subject, 0.74, "x", "2024-05-31"),
            ("relative_price_to_book", subject, 0.72, "x", "2024-05-31"),
        ]
        base.face.update()
        base.face.measure()
        late = note(
            "# Late\n\nNew tariffs raise the prices of glass.", title="Late", publisher="Quay", published="2024-06-01"
        )
        base.put({"late.md": late})
        base.face.update()
        service = Service(base.wired(), base.ingestor, base.assistant.settings)
        handle = serve(service, base.assistant.settings, block=False)
        yield Place(handle, base)
        handle.close()


@pytest.fixture
def seen(place: Place, browser: Any) -> Iterator[Watched]:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True)
    page = watched(context.new_page())
    page.page.goto(place.handle.url)
    page.page.locator(".t-welcome").wait_for()
    page.page.get_by_role("tab", name="Board").click()
    page.page.locator(".t-catalyst").first.wait_for()
    yield page
    context.close()
    assert page.errors == []
    assert page.hosts == {place.handle.url.split("/")[2]}


def row(seen: Watched, name: str) -> Any:
    return seen.page.locator(".t-catalyst").filter(has=seen.page.get_by_text(name, exact=True))


def opened(seen: Watched, name: str) -> Any:
    row(seen, name).locator(".t-catalyst-head").click()
    seen.page.locator(".t-one h2").wait_for()
    return seen.page.locator(".t-one")


def test_every_catalyst_has_its_status_its_rule_and_its_newest_claims(seen: Watched) -> None:
    assert seen.page.locator(".t-catalyst").count() == 10
    tariffs = row(seen, "Tariffs")
    assert tariffs.locator(".t-tally").inner_text().split() == ["3", "for", "1", "against"]
    assert tariffs.locator(".t-newest").all_inner_texts() == [
        "for New tariffs raise the prices of glass. " + tariffs.locator(".t-newest .t-dim").nth(0).inner_text(),
        f"against {AGAINST} " + tariffs.locator(".t-newest .t-dim").nth(1).inner_text(),
    ]
    assert tariffs.locator(".t-newest .t-dim").nth(1).inner_text().startswith("Mole Street · 5 Mar 2024, ")
    valuation = row(seen, "Valuation gap")
    assert valuation.locator(".t-status-mark").inner_text() == "data are old"


def test_a_figure_has_its_threshold_and_its_time(seen: Watched) -> None:
    table = opened(seen, "Valuation gap").locator(".t-table")
    first = table.locator("tbody tr").first
    assert "relative price to earnings ≤ 0.9 x" in first.inner_text()
    assert first.locator(".t-number").inner_text().split() == ["0.74x", "A", "source"]
    assert "31 May 2024" in first.inner_text()
    assert first.locator(".t-verdict").inner_text() == "old"


def test_one_catalyst_shows_both_sides_and_each_claim_opens_in_its_text(seen: Watched) -> None:
    one = opened(seen, "Tariffs")
    columns = one.locator(".t-column")
    assert columns.locator("h3").all_inner_texts() == ["For 3", "Against 1"]
    columns.nth(1).get_by_text("1 less sure, not counted").click()
    assert columns.nth(1).locator(".t-less blockquote").inner_text() == WEAK
    quotes = columns.nth(0).locator("blockquote").all_inner_texts()
    assert quotes == ["New tariffs raise the prices of glass.", HOSTILE, FOR]
    claim = columns.nth(0).locator(".t-claim").nth(1)
    assert claim.locator("img").count() == 0
    with seen.page.context.expect_page() as popup:
        claim.get_by_role("link").click()
    document = popup.value
    document.locator("mark").first.wait_for()
    assert "".join(document.locator("mark").all_inner_texts()) == HOSTILE
    document.close()
    claim.get_by_text("why", exact=True).click()
    assert "says hurt" in claim.inner_text()
    seen.page.get_by_role("button", name="All catalysts").click()
    seen.page.locator(".t-catalyst").first.wait_for()


def test_as_of_and_watchlist_narrow_the_board(seen: Watched) -> None:
    opened(seen, "Tariffs")
    seen.page.get_by_label("As of").fill("2024-03-04")
    heads = seen.page.locator(".t-column h3")
    seen.page.get_by_text("For 1").wait_for()
    assert heads.all_inner_texts() == ["For 1", "Against 0"]
    seen.page.get_by_label("As of").fill("")
    seen.page.get_by_text("For 3").wait_for()
    seen.page.get_by_label("Watchlist (tickers)").fill("brch")
    seen.page.get_by_label("Watchlist (tickers)").press("Enter")
    seen.page.get_by_text("For 1").wait_for()
    assert seen.page.locator(".t-column blockquote").all_inner_texts() == [HOSTILE]
    seen.page.get_by_label("Watchlist (tickers)").fill("?? !!")
    seen.page.get_by_label("Watchlist (tickers)").press("Enter")
    alert = seen.page.locator("#board [role=alert]")
    alert.wait_for()
    assert "??" in alert.inner_text()


def test_claims_have_due_dates_and_outcomes(seen: Watched) -> None:
    seen.page.get_by_role("button", name="Claims", exact=True).click()
    first = seen.page.locator("#board .t-table tbody tr").first
    first.wait_for()
    text = first.inner_text()
    assert "We expect revenue of $120 million in fiscal 2027." in text
    assert re.search(r"31 Dec 2027\s+fiscal 2027", text), text
    assert first.locator(".t-outcome").inner_text() == "open"
    seen.page.locator("[data-field=status]").select_option("refuted")
    seen.page.get_by_text("No quantitative claim of the base fits.").wait_for()


def test_companies_show_what_is_cited_and_what_is_empty(seen: Watched) -> None:
    seen.page.get_by_role("button", name="Companies", exact=True).click()
    seen.page.locator("#board [role=alert]").get_by_text("No catalyst is chosen.").wait_for()
    seen.page.locator("[data-field=catalyst]").select_option(label="Tariffs")
    # Without a source no company's debt can be told: none is shown as if it had little.
    seen.page.get_by_text("No company of the base meets this.").wait_for()
    assert "2 for which it cannot be told" in seen.page.locator("#board").inner_text()
    seen.page.locator("[data-field=where]").select_option("")
    rows = seen.page.locator(".t-companies tbody tr")
    rows.first.wait_for()
    assert rows.count() == 2
    alder = rows.filter(has_text="Alder Pumps")
    assert FOR in alder.inner_text()
    assert alder.locator("td.t-number").count() == 0
    assert alder.locator("td.t-empty").count() >= 2


def test_what_changed_is_listed(seen: Watched) -> None:
    seen.page.get_by_role("button", name="What changed", exact=True).click()
    change = seen.page.locator(".t-change").first
    change.wait_for()
    assert change.locator("b").inner_text() == "Tariffs: 1 sentence for"
    assert change.locator("blockquote").inner_text() == "New tariffs raise the prices of glass."


def test_the_board_is_saved_as_a_file(seen: Watched, tmp_path: Path) -> None:
    opened(seen, "Tariffs")
    seen.page.locator("#board").get_by_text("Export", exact=True).click()
    with seen.page.expect_download() as started:
        seen.page.locator("#board").get_by_role("link", name="CSV").click()
    path = tmp_path / started.value.suggested_filename
    started.value.save_as(path)
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert {FOR, AGAINST} <= {one["sentence"] for one in rows}


def test_on_a_phone_nothing_is_wider_than_the_screen(place: Place, browser: Any) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = watched(context.new_page())
    page.page.goto(place.handle.url)
    page.page.locator(".t-welcome").wait_for()
    page.page.get_by_role("tab", name="Board").click()
    page.page.locator(".t-catalyst").first.wait_for()
    assert page.page.evaluate("document.documentElement.scrollWidth") <= 390
    opened(page, "Tariffs")
    assert page.page.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()
