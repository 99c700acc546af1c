"""The cards of real tool results in a real browser: status, figures, plot, grid, inputs and their export, wide and narrow."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from tool_server import Source, company_facts, context, fact, filing_index, filing_list, source, submission, tickers
from watching import GRADIO_WARNINGS, Watched, watched
from web_fakes import FakeAssistant, FakeIngestor, serve_fakes

from assistant.compose import Writer
from assistant.live import Live
from assistant.models import Answer, ToolResult
from assistant.tools.registry import call
from vectorstore.settings import Settings

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings(*GRADIO_WARNINGS)]
DAY = date(2025, 7, 15)
RELEASE = "<html><body><p>Orders were very strong in every region of ours.</p><p>Demand for large tools was weak all through the spring.</p></body></html>"


@dataclass
class Measured(FakeAssistant):
    """Answers a question with the results that were measured for it."""

    results: dict[str, tuple[ToolResult, ...]] = field(default_factory=dict)

    def answer(self, question: str, *, as_of: str | None = None, filters: Mapping[str, Any] | None = None) -> Answer:
        results = self.results[question]
        writer = Writer()
        Live(results, question).write(writer)
        return Answer(
            answer_id="a", question=question, standalone_question=question, status="answered", text=writer.text,
            claims=tuple(writer.claims), tool_results=results,
        )  # fmt: skip


def prices(folder: Path) -> Path:
    """Two years of closes: up by half, down by a fifth, up again by a tenth."""
    (folder / "data").mkdir()
    lines = ["date,symbol,close,currency"]
    days = [DAY - timedelta(days=n) for n in range(720, -1, -1) if (DAY - timedelta(days=n)).weekday() < 5]
    for n, one in enumerate(days):
        part = n / (len(days) - 1)
        close = 160 + 160 * part if part < 0.5 else 240 - 240 * (part - 0.5) if part < 0.7 else 192 + 64 * (part - 0.7)
        lines += [f"{one},IWM,{close:.2f},USD", f"{one},SPY,{400 + 100 * part:.2f},USD", f"{one},ALDR,20,USD"]
    (folder / "data" / "prices.csv").write_text("\n".join(lines), encoding="utf-8")
    return folder / "data"


def year(value: float) -> list[dict[str, Any]]:
    return [fact(value, "2024-12-31", start="2024-01-01", filed="2025-02-20")]


def held(value: float) -> list[dict[str, Any]]:
    return [fact(value, "2024-12-31", filed="2025-02-20")]


def put(server: Source) -> None:
    """Ten shares of 20: EV 236, assets 170, profit 18 after tax."""
    facts = {
        "Revenues": year(300), "OperatingIncomeLoss": year(24), "IncomeTaxExpenseBenefit": year(5), "NetIncomeLoss": year(15),
        "IncomeLossFromContinuingOperationsBeforeIncomeTaxesExtraordinaryItemsNoncontrollingInterest": year(20),
        "shares:WeightedAverageNumberOfDilutedSharesOutstanding": year(10), "Assets": held(200), "CashAndCashEquivalentsAtCarryingValue": held(15),
        "AccountsPayableCurrent": held(12), "AccruedLiabilitiesCurrent": held(9), "LongTermDebtNoncurrent": held(30),
        "LongTermDebtCurrent": held(5), "OperatingLeaseLiability": held(10), "StockholdersEquity": held(90), "Goodwill": held(20),
    }  # fmt: skip
    accn = "0000000007-25-000001"
    server.put("/files/company_tickers.json", tickers(("ALDR", 7, "Alder Works Inc.")))
    server.put("/api/xbrl/companyfacts/CIK0000000007.json", company_facts(7, "Alder Works Inc.", facts))
    server.put(
        "/submissions/CIK0000000007.json",
        submission(7, "Alder Works Inc.", "3420", ["ALDR"]) | filing_list(7, "Alder Works Inc.", (accn, "2025-05-06", "8-K", "2.02")),
    )  # fmt: skip
    where = f"/Archives/edgar/data/7/{accn.replace('-', '')}"
    server.put(f"{where}/{accn}-index.htm", filing_index(7, accn, ("main.htm", "8-K"), ("release.htm", "EX-99.1")))
    server.put(f"{where}/release.htm", RELEASE)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    folder = tmp_path_factory.mktemp("measured")
    with source() as server:
        put(server)
        ran = context(folder, server, data=prices(folder), today=DAY)
        calls: dict[str, tuple[str, dict[str, Any]]] = {
            "drawdown": ("drawdown", {"since": "2023-07-26"}),
            "implied": ("embedded_expectations", {"ticker": "ALDR"}),
            "claim": ("verify_claim", {"claim": "v-drawdown"}),
            "tone": ("call_sentiment", {"ticker": "ALDR"}),
            "hedging": ("hedging", {}),
        }
        made = {name: (call(tool, given, ran).model_copy(update={"marker": "T1"}),) for name, (tool, given) in calls.items()}  # fmt: skip
    return Measured(results=made)


@pytest.fixture(params=[(1440, 900), (390, 844)], ids=["desk", "phone"])
def seen(request: pytest.FixtureRequest, measured: Measured, tmp_path: Path, browser: Any) -> Iterator[Watched]:
    handle = serve_fakes(measured, FakeIngestor(measured), Settings(store=str(tmp_path / "base"), port=0), block=False)
    width, height = request.param
    page = watched(browser.new_context(viewport={"width": width, "height": height}, accept_downloads=True).new_page())
    page.page.goto(handle.url)
    page.page.locator(".t-welcome").wait_for()
    yield page
    assert page.hosts == {handle.url.removeprefix("http://")}
    assert page.errors == []
    page.page.context.close()
    handle.close()


def shown(seen: Watched, name: str) -> Any:
    """Ask, keep a picture where THESIS_PICTURES names a folder, and return the card."""
    seen.ask(name)
    card = seen.last.locator(".t-live")
    card.wait_for()
    if folder := os.environ.get("THESIS_PICTURES"):
        wide = seen.page.viewport_size["width"]
        seen.last.screenshot(path=str(Path(folder) / f"{name}-{wide}.png"))
        if card.locator("details").count():
            card.locator(".t-figures summary").click()
            seen.last.screenshot(path=str(Path(folder) / f"{name}-{wide}-open.png"))
            card.locator(".t-figures summary").click()
    return card


def inside(seen: Watched) -> bool:
    """Whether the page scrolls down only; a wide table scrolls in a box of its own."""
    return bool(seen.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def saved(seen: Watched, card: Any) -> list[dict[str, str]]:
    with seen.page.expect_download() as download:
        card.get_by_role("button", name="Inputs as CSV").click()
    text = Path(download.value.path()).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def test_a_drawdown_shows_its_curve_its_formula_and_its_inputs(seen: Watched) -> None:
    card = shown(seen, "drawdown")
    assert card.locator("figure.t-plot svg polyline").count() >= 1
    assert inside(seen)
    formula = card.locator(".t-formula").first
    assert not formula.is_visible()
    card.locator(".t-figures summary").click()
    assert formula.is_visible()
    assert "your file prices.csv" in formula.inner_text()
    assert ["last close", "$211.2", "day 15 Jul 2025"] in [
        row.locator("td").all_inner_texts() for row in formula.locator(".t-inputs tr").all()
    ]
    assert inside(seen)
    rows = saved(seen, card)
    # The curve is thinned, but its lowest point is in it: 192 / 240 - 1.
    curve = [float(row["value"]) for row in rows if row["metric"] == "drawdown" and row["day"] and "curve" in row["name"]]  # fmt: skip
    assert min(curve) == pytest.approx(-20.0, abs=0.2)


def test_an_implied_return_shows_its_grid_its_path_and_every_input(seen: Watched) -> None:
    card = shown(seen, "implied")
    grid = card.locator("table.t-grid").first
    assert grid.locator("tbody tr").count() == 6  # N in {5, 10} by r in {7, 8, 9}
    assert grid.locator("tbody tr").first.locator("td").count() == 6  # two continuing values by three growths
    assert "P10" in card.inner_text()
    assert card.locator("svg polyline").count() >= 2
    assert inside(seen)
    card.locator(".t-figures summary").click()
    assert inside(seen)
    rows = saved(seen, card)
    used = {
        row["name"]: row["value"] for row in rows if row["metric"] == "implied_roa" and row["of"] == "Alder Works Inc."
    }
    assert (float(used["EV"]), float(used["A0"]), float(used["NOPAT"])) == (236.0, 170.0, 18.0)
    assert {"price", "shares", "debt", "cash", "revenue"} <= set(used)
    with seen.page.expect_download() as download:
        card.get_by_role("button", name="Inputs as JSON").click()
    whole = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    assert (download.value.suggested_filename[-5:], whole["tool"]) == (".json", "embedded_expectations")
    assert len(whole["inputs"]) == len(rows)


def test_a_checked_claim_shows_one_curve_and_both_days(seen: Watched) -> None:
    card = shown(seen, "claim")
    assert card.locator("figure.t-plot").count() == 1
    said = seen.last.inner_text()
    assert "Valens Research claimed on 2025-05-12" in said
    assert "On its own day" in said
    assert "Verdict: " in said
    assert inside(seen)


def test_a_release_s_sentences_stand_in_the_card_with_their_address(seen: Watched) -> None:
    card = shown(seen, "tone")
    card.locator(".t-figures summary").click()
    inner = card.inner_text()
    assert "Orders were very strong in every region of ours." in inner
    assert "not comparable with one of calls" in inner
    assert inside(seen)


def test_without_a_source_the_card_says_what_to_switch_on(seen: Watched) -> None:
    card = shown(seen, "hedging")
    assert "not switched on" in card.inner_text()
    assert "accept_market_terms" in card.inner_text()
    assert card.locator("svg, details, button").count() == 0
    assert inside(seen)
