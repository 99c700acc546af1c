"""The page over the sample notes, and the way through its states: for tests that look at each of them, and for pictures."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from watching import Watched

from assistant import Assistant
from assistant.access import LOCAL
from assistant.records import Records
from assistant.service import Service
from assistant.web.server import serve
from ingest.ingestor import Ingestor
from vectorstore.embedding import Embedder
from vectorstore.settings import Settings
from vectorstore.store import Store

EARLIER = (
    "How many analysts follow the average small-cap stock?",
    "What could tariffs do to small companies?",
    "What does Russell Investments say about defense spending?",
)
QUESTION = "How do higher rates hurt small companies?"
LIVE = "Is the Russell 2000 still below its peak?"
CATALYST = "coverage-active"


@dataclass(frozen=True)
class Place:
    url: str
    service: Service


@contextmanager
def sample_place(store: Path, embedder: Embedder, cache: Path, **named: Any) -> Iterator[Place]:
    """Serve the store with records, three earlier conversations, and made-up prices, returns and estimates. ``named``: settings."""
    data = store.parent / "data"
    data.mkdir(exist_ok=True)
    for name, made in (("prices", _prices), ("returns", _returns), ("estimates", _estimates)):
        (data / f"{name}.csv").write_text(made(date.today()), encoding="utf-8")
    settings = Settings(
        store=str(store), cache=str(cache), workers=1, port=0, data=str(data), rate_per_minute=0, **named
    )
    with ExitStack() as open_ones:
        opened = open_ones.enter_context(Store.open(store, embedder=embedder))
        ingestor = open_ones.enter_context(Ingestor(opened, settings))
        records = open_ones.enter_context(Records.opened(settings, opened.root))
        assistant = Assistant(opened, settings)
        open_ones.callback(assistant.release)
        service = Service(assistant, ingestor, settings, records=records)
        for number, question in enumerate(EARLIER):
            list(service.stream(LOCAL, question, conversation_id=f"{number}" * 32, channel="page"))
        assistant.catalysts.update()
        running = serve(service, settings, block=False)
        open_ones.callback(running.close)
        yield Place(running.url, service)


def _prices(today: date) -> str:
    """Return two years of closes until yesterday: up by half, down by a fifth, up again."""
    days = [today - timedelta(days=n) for n in range(720, 0, -1)]
    days = [one for one in days if one.weekday() < 5]
    lines = ["date,symbol,close,currency"]
    for n, one in enumerate(days):
        part = n / (len(days) - 1)
        close = 160 + 160 * part if part < 0.5 else 240 - 240 * (part - 0.5) if part < 0.7 else 192 + 64 * (part - 0.7)
        wave = 5 * math.sin(n / 11) + 2 * math.sin(n / 3)
        lines += [f"{one},IWM,{close + wave:.2f},USD", f"{one},SPY,{400 + 100 * part + wave:.2f},USD"]
    return "\n".join(lines)


def _returns(today: date) -> str:
    """Return six years of months of five small-cap funds around their benchmark, net of fees."""
    first = today.year * 12 + today.month - 1 - 72
    lines = ["month,fund,return_pct,benchmark,group"]
    for n in range(72):
        month = f"{(first + n) // 12}-{(first + n) % 12 + 1:02}"
        market = 0.6 + 3 * math.sin(n / 2.5)
        lines.append(f"{month},Small-cap index,{market:.2f},yes,small")
        lines += [
            f"{month},Fund {n_fund},{market + 0.03 * n_fund + 0.4 * math.sin(n + n_fund):.2f},,small"
            for n_fund in range(1, 6)
        ]
    return "\n".join(lines)


def _estimates(today: date) -> str:
    """Return how many analysts follow some companies."""
    day = today - timedelta(days=5)
    rows = [f"{day},SM{n},{3 + n % 7},IWM" for n in range(30)] + [f"{day},LG{n},{14 + n % 9},SPY" for n in range(30)]
    return "\n".join(["date,ticker,analysts,group", *rows])


def walk(seen: Watched, place: Place) -> Iterator[tuple[str, Any]]:
    """Go through the states of the page from its address on; yield each one's name and the page that shows it."""
    page = seen.page
    phone = page.viewport_size["width"] < 860
    drawer = page.viewport_size["width"] < 1200
    page.goto(place.url)
    page.locator(".t-welcome").wait_for()
    page.locator(".t-kept").first.wait_for(state="attached")
    yield "welcome", page
    seen.ask(QUESTION)
    seen.last.locator("button.t-marker").first.wait_for()
    yield "answer", page
    seen.last.locator("button.t-marker").first.click()
    page.locator("#sources mark:not(.t-weak)").first.wait_for()
    address = page.locator("#sources a.t-open").first.get_attribute("href")
    yield "source", page
    if phone:
        page.keyboard.press("Escape")
        page.locator("#side").wait_for(state="hidden")
    seen.ask(LIVE)
    seen.last.locator(".t-live svg").first.wait_for()
    yield "tools", page
    seen.last.locator(".t-figures summary").click()
    yield "tool-inputs", page
    page.locator("#filters button").first.click()
    page.locator("#filter-companies").wait_for()
    yield "filters", page
    page.locator("#filters button").first.click()
    if drawer:
        page.get_by_role("button", name="Conversations", exact=True).click()
    page.locator(".t-kept").first.hover()
    page.locator(".t-kept [data-action=kept-menu]").first.click()
    page.get_by_role("menu").wait_for()
    yield "conversations", page
    page.keyboard.press("Escape")
    if drawer:
        page.keyboard.press("Escape")
        page.locator(".t-history").wait_for(state="hidden")
    page.keyboard.press("Shift+?")
    page.locator("#t-keys").wait_for()
    yield "keys", page
    page.keyboard.press("Escape")
    page.get_by_role("tab", name="Documents").click()
    page.locator(".t-documents tbody tr").first.wait_for()
    yield "documents", page
    page.get_by_role("button", name="Details of").first.click()
    page.locator(".t-detail").wait_for()
    yield "document-detail", page
    page.keyboard.press("Escape")
    page.get_by_role("tab", name="Board").click()
    page.locator(".t-catalyst").first.wait_for()
    yield "board", page
    page.locator(f".t-catalyst-head[data-id={CATALYST}]").click()
    page.locator(".t-one").wait_for()
    yield "catalyst", page
    for view, shown in (("companies", ".t-rule"), ("claims", ".t-table, .t-dim"), ("changes", ".t-changes, .t-dim")):
        page.locator(f"[data-event=view][data-view={view}]").click()
        page.locator(f"[data-view={view}][aria-pressed=true]").wait_for()
        page.locator(f".t-board-body :is({shown})").first.wait_for()
        yield view, page
    page.get_by_role("tab", name="About").click()
    page.locator(".t-about").wait_for()
    yield "about", page
    other = page.context.new_page()
    token = place.service.share(LOCAL, "0" * 32)
    other.goto(f"{place.url}/shared/{token}")
    yield "shared", other
    other.goto(f"{place.url}/{address}")
    other.locator("mark").first.wait_for()
    yield "document", other
    other.close()
