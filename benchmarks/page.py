"""How fast the page is in a real Chromium: its first paint, when it can be used, and answers in a short and a long conversation.

``make bench-page``: the sample notes in a real store, served by a process of its own on loopback with records, one browser.
Cold: nothing is in the browser's cache. Usable: what may be asked is shown and the field takes words. Times of answers run
from the key Enter, in the page's own clock; each is the median of RUNS questions.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks._processes import ROOT
from benchmarks.report import write

THESIS = [sys.executable, "-c", "import sys; from app import main; sys.exit(main(sys.argv[1:]))"]
LONG, RUNS = 40, 5
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
]

WATCH = """
window.watched = {tasks: [], shift: 0, asked: 0, first: 0, whole: 0, usable: 0, turns: 0};
new PerformanceObserver((list) => { for (const one of list.getEntries()) watched.tasks.push(one.duration); }).observe({type: 'longtask', buffered: true});
new PerformanceObserver((list) => { for (const one of list.getEntries()) watched.shift += one.value; }).observe({type: 'layout-shift', buffered: true});
addEventListener('keydown', (event) => {
  if (event.key !== 'Enter') return;
  Object.assign(watched, {asked: performance.now(), first: 0, whole: 0, turns: document.querySelectorAll('#transcript .t-turn').length});
}, true);
new MutationObserver(() => {
  const now = performance.now();
  if (!watched.usable && document.querySelector('.t-welcome') && document.querySelector('#question textarea:enabled')) watched.usable = now;
  if (!watched.asked || watched.whole) return;
  const done = document.querySelectorAll('#transcript .t-turn').length > watched.turns && !document.querySelector('#live .t-turn');
  if (!watched.first && (done || document.querySelector('#live .t-body'))) watched.first = now;
  if (done) watched.whole = now;
}).observe(document, {childList: true, subtree: true, characterData: true});
"""


@dataclass
class Traffic:
    """What a page asked for and got, from the browser's own count. ``wire``: bytes as they came, compressed or not."""

    page: Any
    requests: int = 0
    body: int = 0
    wire: int = 0
    session: Any = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.session = self.page.context.new_cdp_session(self.page)
        self.session.send("Network.enable")
        self.session.send("Performance.enable")
        self.session.on("Network.requestWillBeSent", self._sent)
        self.session.on("Network.dataReceived", self._got)

    def _sent(self, event: dict[str, Any]) -> None:
        self.requests += not event["request"]["url"].startswith(("data:", "blob:"))

    def _got(self, event: dict[str, Any]) -> None:
        self.body += event["dataLength"]
        self.wire += event["encodedDataLength"]

    def reset(self) -> None:
        self.requests = self.body = self.wire = 0

    def measured(self) -> dict[str, float]:
        """Return Chromium's own sums since the page began: seconds, counts."""
        return {one["name"]: one["value"] for one in self.session.send("Performance.getMetrics")["metrics"]}


@contextmanager
def served(scratch: Path) -> Iterator[str]:
    """Serve the sample notes from a new store; yield the address."""
    store = scratch / "store"
    subprocess.run(
        [*THESIS, "ingest", str(ROOT / "knowledge"), "--store", str(store)], cwd=ROOT, check=True, stdout=sys.stderr
    )
    environ = {name: value for name, value in os.environ.items() if not name.startswith("THESIS_")}
    with (
        (scratch / "log").open("w+") as log,
        subprocess.Popen(
            [*THESIS, "serve", "--port", "0", "--store", str(store)],
            cwd=ROOT,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as server,
    ):
        try:
            assert server.stdout is not None
            found = re.search(r"http://\S+", server.stdout.readline())
            if found is None:
                log.seek(0)
                raise RuntimeError(f"the server did not start: {log.read()[-2000:]}")
            yield found[0].rstrip("/")
        finally:
            server.terminate()


def start(page: Any, traffic: Traffic, url: str) -> dict[str, float]:
    """Load the page and return what that took."""
    traffic.reset()
    page.goto(url)
    page.wait_for_function("watched.usable")
    page.wait_for_timeout(1500)  # its last requests; one stays open for good
    paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    found = page.evaluate("watched")
    return {
        "first_paint_ms": paint, "usable_ms": found["usable"], "requests": traffic.requests, "wire_kb": traffic.wire / 1000,
        "longest_task_ms": max(found["tasks"], default=0), "scripting_ms": traffic.measured()["ScriptDuration"] * 1000,
        "shift": found["shift"],
    }  # fmt: skip


def ask(page: Any, traffic: Traffic, question: str) -> dict[str, float]:
    """Ask and return what that took; bytes are those of the whole exchange, the list of conversations included."""
    page.evaluate("Object.assign(watched, {tasks: [], shift: 0})")
    traffic.reset()
    before = traffic.measured()
    page.fill("#question textarea", question)
    page.press("#question textarea", "Enter")
    page.wait_for_function("watched.whole")
    page.wait_for_timeout(500)  # what comes after an answer belongs to it
    after, found = traffic.measured(), page.evaluate("watched")
    return {
        "first_words_ms": found["first"] - found["asked"], "whole_ms": found["whole"] - found["asked"],
        "longest_task_ms": max(found["tasks"], default=0), "scripting_ms": (after["ScriptDuration"] - before["ScriptDuration"]) * 1000,
        "kb": traffic.body / 1000, "shift": found["shift"],
    }  # fmt: skip


def medians(runs: Sequence[dict[str, float]], prefix: str) -> dict[str, float]:
    return {f"{prefix}_{name}": round(statistics.median(run[name] for run in runs), 3) for name in runs[0]}


def main() -> int:
    """Measure, print a table, write benchmarks/out/page.json."""
    from playwright.sync_api import sync_playwright

    from tests.browser.conftest import find_chromium

    rows = [
        json.loads(line)
        for file in sorted((ROOT / "tests" / "golden").glob("*.jsonl"))
        for line in file.read_text(encoding="utf-8").splitlines()
        if line
    ]
    listed = [row["question"] for row in rows if row["status"] == "answered"]
    questions = iter(dict.fromkeys(listed))
    with (
        tempfile.TemporaryDirectory(prefix="bench-page-") as name,
        served(Path(name)) as url,
        sync_playwright() as driver,
    ):
        browser = driver.chromium.launch(executable_path=find_chromium(driver.chromium.executable_path), args=ARGUMENTS)
        loads: dict[str, list[dict[str, float]]] = {"cold": [], "warm": []}
        for _ in range(RUNS):
            context = browser.new_context(viewport={"width": 1440, "height": 900})
            context.add_init_script(WATCH)
            for kind in loads:
                page = context.new_page()
                loads[kind].append(start(page, Traffic(page), url))
                page.close()
            context.close()
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        context.add_init_script(WATCH)
        page = context.new_page()
        traffic = Traffic(page)
        start(page, traffic, url)
        ask(page, traffic, next(questions))  # what loads with the first question of all
        short: list[dict[str, float]] = []
        for _ in range(RUNS):
            page.keyboard.press("Alt+n")
            page.locator(".t-welcome").wait_for()
            short.append(ask(page, traffic, next(questions)))
        for _ in range(LONG - 1):
            ask(page, traffic, next(questions))
        long = [ask(page, traffic, next(questions)) for _ in range(RUNS)]
        nodes = page.evaluate("document.querySelectorAll('*').length")
        browser.close()
    metrics = {
        **medians(loads["cold"], "cold"),
        **medians(loads["warm"], "warm"),
        **medians(short, "turn_1"),
        **medians(long, f"turn_{LONG + 1}"),
        "elements_after": nodes,
    }
    _table("The page", ("cold", "warm"), metrics)
    _table("An answer", ("turn_1", f"turn_{LONG + 1}"), metrics)
    print(f"{nodes} elements on the page after {LONG + RUNS} questions")
    write("page", metrics, corpus="sample notes")
    return 0


def _table(title: str, columns: Sequence[str], metrics: dict[str, float]) -> None:
    names = [name.removeprefix(f"{columns[0]}_") for name in metrics if name.startswith(f"{columns[0]}_")]
    print(f"{title:<18}{''.join(f'{column:>12}' for column in columns)}")
    for name in names:
        print(f"{name:<18}{''.join(format(metrics[f'{column}_{name}'], '>12.1f') for column in columns)}")


if __name__ == "__main__":
    sys.exit(main())
