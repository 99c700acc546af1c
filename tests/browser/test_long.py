"""A long conversation and an answer with many sources in a real browser: what is sent, made and moved stays small."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from record_samples import open_records
from watching import GRADIO_WARNINGS, Watched, watched
from web_fakes import FakeAssistant, FakeIngestor, citation, make_document, serve_fakes, service_of

from assistant.access.user import LOCAL
from assistant.models import Answer, Claim
from assistant.web.conversation import KEPT_TURNS
from assistant.web.server import serve
from vectorstore.records import Metadata
from vectorstore.settings import Settings

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings(*GRADIO_WARNINGS)]
GAP = "What was the gap to large caps in March 2024?"
RATES = "Would lower rates help firms that carry floating debt?"
SPANS = 30
CONVERSATION = "c" * 32

# What moved in the conversation, but for the line "Searching…" that ends a growing answer; moves right after an input count too.
MOVES = """
window.moves = [];
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) for (const { node } of one.sources) {
    const place = node?.nodeType === 1 ? node : node?.parentElement;
    if (place?.closest('#chat-scroll') && !place.closest('.t-status')) window.moves.push(place.outerHTML.slice(0, 80));
  }
}).observe({type: 'layout-shift', buffered: false});
"""
PARAGRAPHS = [
    f"In quarter {n} plant number {n} made {n * 7} thousand valves and shipped most of them."
    for n in range(1, SPANS + 1)
]
PLANTS = make_document(
    "notes/plants.md",
    "\n\n".join(PARAGRAPHS),
    metadata=Metadata(
        title="The plants of Harbor Tools", publisher="Quay Research", published="2024-05-02", kind="note"
    ),
)


@dataclass
class Slow(FakeAssistant):
    """Cites every paragraph, each sentence let go by a permit."""

    permits: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def stream(self, question: str, **named: Any) -> Iterator[Mapping[str, Any]]:
        answer = self.answer(question)
        yield {"type": "status", "text": "Searching"}
        for claim in answer.claims:
            assert self.permits.acquire(timeout=60)
            yield {"type": "sentence", "text": claim.text}
        assert self.permits.acquire(timeout=60)
        yield {"type": "answer", "answer": answer}

    def answer(self, question: str, **named: Any) -> Answer:
        text, claims, citations = "", [], []
        for n, words in enumerate(PARAGRAPHS, start=1):
            start, place = len(text), PLANTS.text.index(words)
            text += f"{words} [S{n}]\n\n"
            claims.append(
                Claim(
                    text=words, start=start, end=start + len(words), markers=(f"S{n}",), verdict="supported", score=1.0
                )
            )
            citations.append(citation(PLANTS, place, place + len(words), marker=f"S{n}"))
        return Answer(
            answer_id="many", question=question, standalone_question=question, status="answered", text=text,
            claims=tuple(claims), citations=tuple(citations),
        )  # fmt: skip


@dataclass
class Bytes:
    """Bytes of bodies that a page got, as the browser counts them."""

    page: Any
    count: int = 0

    def __post_init__(self) -> None:
        session = self.page.context.new_cdp_session(self.page)
        session.send("Network.enable")
        session.on("Network.dataReceived", self._got)

    def _got(self, event: dict[str, Any]) -> None:
        self.count += event["dataLength"]

    def of(self, seen: Watched, question: str) -> int:
        """Ask and return what came for it, with the list of conversations."""
        self.settled()
        self.count = 0
        with seen.page.expect_response(lambda response: "queue/join" in response.url):
            seen.ask(question)
        self.settled()
        return self.count

    def settled(self) -> None:
        """Wait until nothing has come for a second: what was asked for before is not part of a question."""
        quiet, before = 0, self.count
        while quiet < 4:
            self.page.wait_for_timeout(250)
            quiet, before = (quiet + 1 if self.count == before else 0), self.count


def opened(browser: Any, url: str) -> Watched:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    seen = watched(context.new_page())
    seen.page.goto(url)
    return seen


def elements(seen: Watched) -> int:
    return int(seen.page.evaluate("document.querySelectorAll('*').length"))


def test_the_fiftieth_question_costs_what_the_first_did_and_moves_nothing(tmp_path: Path, browser: Any) -> None:
    assistant, settings = FakeAssistant(), Settings(store=str(tmp_path), port=0)
    with closing(open_records(tmp_path)) as records:
        service = service_of(assistant, settings, records=records)
        for n in range(KEPT_TURNS - 1):
            list(service.stream(LOCAL, GAP if n % 2 else RATES, conversation_id=CONVERSATION, channel="page"))
        handle = serve(service, settings, block=False)
        seen = opened(browser, handle.url)
        seen.page.locator(".t-welcome").wait_for()
        got = Bytes(seen.page)
        got.of(seen, GAP)  # what loads with the first question of all
        first = got.of(seen, RATES)
        short = elements(seen)
        seen.page.goto(f"{handle.url}/?c={CONVERSATION}")
        seen.page.locator("#transcript .t-turn").nth(KEPT_TURNS - 2).wait_for()
        before = elements(seen)
        assert before < short + 60 * KEPT_TURNS
        late = got.of(seen, RATES)
        # Besides the answer: the names of the turns.
        assert late < first + 40 * KEPT_TURNS + 2000
        assert elements(seen) < before + 100
        seen.page.evaluate(MOVES)
        seen.page.evaluate("window.older = [...document.querySelectorAll('#transcript .t-turn')]")
        assistant.hold = threading.Event()
        seen.page.fill("#question textarea", GAP)
        seen.page.press("#question textarea", "Enter")
        seen.page.locator("#live .t-turn").wait_for()
        seen.page.evaluate(
            """() => {
              const turn = document.querySelectorAll('#transcript .t-turn')[20];
              document.querySelector('#chat-scroll').scrollTop += turn.getBoundingClientRect().top - 200;
              turn.querySelector('details.t-menu').open = true;
              turn.querySelector('button.t-marker').focus({preventScroll: true});
              getSelection().selectAllChildren(turn.querySelector('.t-question'));
              window.place = turn.getBoundingClientRect().top;
              window.moves.length = 0;
            }"""
        )
        seen.page.wait_for_timeout(100)
        seen.page.evaluate("window.moves.length = 0")
        assistant.hold.set()
        seen.page.locator("#live .t-turn").wait_for(state="detached")
        seen.page.wait_for_timeout(400)
        kept = seen.page.evaluate(
            """() => {
              const turns = [...document.querySelectorAll('#transcript .t-turn')];
              const turn = window.older[20];
              return {
                turns: turns.length, same: turns.slice(0, -1).every((one) => window.older.includes(one)), open: turn.querySelector('details').open,
                focus: turn.contains(document.activeElement), selected: String(getSelection()), moved: turn.getBoundingClientRect().top - window.place,
                question: turns.at(-1).querySelector('.t-question').textContent, moves: window.moves,
              };
            }"""
        )
        assert abs(kept.pop("moved")) < 1  # the browser rounds where it scrolls to
        assert kept == {
            "turns": KEPT_TURNS, "same": True, "open": True, "focus": True, "selected": seen.page.evaluate("window.older[20].querySelector('.t-question').textContent"),
            "question": GAP, "moves": [],
        }  # fmt: skip
        assert seen.errors == []
        seen.page.context.close()
        handle.close()


def test_an_answer_with_thirty_sources_grows_in_place(tmp_path: Path, browser: Any) -> None:
    assistant = Slow(documents={PLANTS.document_id: PLANTS})
    handle = serve_fakes(
        assistant, FakeIngestor(assistant), Settings(store=str(tmp_path / "base"), port=0), block=False
    )
    seen = opened(browser, handle.url)
    seen.page.locator(".t-welcome").wait_for()
    got = Bytes(seen.page)
    seen.page.fill("#question textarea", "How many valves did each plant make?")
    seen.page.press("#question textarea", "Enter")
    seen.page.locator("#live .t-status").wait_for()
    seen.page.evaluate(MOVES)
    seen.page.evaluate("window.turn = document.querySelector('#live .t-turn')")
    got.count = 0
    assistant.permits.release()
    seen.page.locator("#live p", has_text="plant number 1 ").wait_for()
    seen.page.evaluate(
        """() => {
          window.words = document.querySelector('#live .t-body').firstElementChild;
          getSelection().selectAllChildren(window.words);
        }"""
    )
    chosen = seen.page.evaluate("String(getSelection())")
    for n in range(2, SPANS + 1):
        assistant.permits.release()
        if n % 10 == 0:
            seen.page.locator("#live p", has_text=f"plant number {n} ").wait_for()
    assert seen.page.evaluate("window.words === document.querySelector('#live .t-body').firstElementChild")
    assert seen.page.evaluate("String(getSelection())") == chosen
    streamed = got.count
    assistant.permits.release()
    seen.page.locator("#transcript .t-turn").wait_for()
    # Each sentence is sent once, with what surrounds an event; not all sentences with each.
    assert streamed < 2000 * SPANS
    assert seen.page.evaluate("window.turn === document.querySelector('#transcript .t-turn')")
    assert seen.page.evaluate("window.moves") == []
    assert seen.last.locator("button.t-marker").count() == SPANS
    assert seen.page.locator("#sources [data-key]").count() == SPANS
    assert elements(seen) < 1500
    seen.page.evaluate("document.querySelector('#chat-scroll').scrollTop = 300")
    top = seen.page.evaluate("document.querySelector('#chat-scroll').scrollTop")
    assert top == 300
    got.count = 0
    seen.page.keyboard.press("Alt+ArrowLeft")  # the last one
    seen.page.locator(f"#sources .t-chosen[data-key=S{SPANS}] mark:not(.t-weak)").wait_for()
    assert got.count < 80_000
    assert seen.page.evaluate("document.querySelector('#chat-scroll').scrollTop") == 300
    place = seen.page.locator("#sources .t-chosen mark:not(.t-weak)").bounding_box()
    assert 0 < place["y"] < 900
    assert seen.errors == []
    seen.page.context.close()
    handle.close()
