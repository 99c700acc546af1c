"""The conversation, as components and events: the same on the page and in a frame of another page."""

from __future__ import annotations

import os

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read at import

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import gradio as gr

from assistant.access import User
from assistant.service import Service
from assistant.web import base, conversation, handlers, panel, render
from assistant.web.asking import user_of
from assistant.web.conversation import Turns
from assistant.web.handlers import Scope
from vectorstore.settings import Settings

CONCURRENT = 8  # events of one kind at once; Gradio's default is 1 for all users together
PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}

# One listener a component; what was clicked is read from data-* attributes, so no markup carries a handler.
CLICKS = """
element.addEventListener('click', (event) => {
  const hit = event.target.closest('[data-cite],[data-passage],[data-show],[data-example]');
  if (!hit || !element.contains(hit)) return;
  const d = hit.dataset;
  if (d.example !== undefined) trigger('example', {question: d.example});
  else if (d.show !== undefined) trigger('cite', {turn: d.show, key: ''});
  else {
    const opened = hit.getAttribute('aria-expanded') === 'true';
    trigger('cite', {turn: d.turn, key: opened ? '' : (d.cite || 'p' + d.passage)});
  }
});
"""


@dataclass
class Chat:
    """What the conversation is made of. ``scope`` reads the filters from the values of ``narrowing``."""

    service: Service
    settings: Settings
    examples: Sequence[str] | None = None
    narrowing: Sequence[Any] = ()
    scope: Callable[..., Scope] = Scope
    turns: Any = None
    transcript: Any = None
    live: Any = None
    question: Any = None
    send: Any = None
    stop: Any = None
    fresh: Any = None
    side: Any = None
    running: list[Any] = field(default_factory=list)

    # Components, each made where the layout wants it

    def show_turns(self) -> None:
        """Make what is said, and what is being said."""
        self.turns = gr.State(())
        with gr.Column(elem_id="chat-scroll"):
            self.transcript = html("", CLICKS, "transcript")
            self.live = html("", None, "live")

    def show_composer(self, placeholder: str) -> None:
        """Make the field for the question with its buttons."""
        with gr.Row(elem_id="composer"):
            self.question = gr.Textbox(
                label="Question",
                show_label=False,
                container=False,
                placeholder=placeholder,
                lines=1,
                max_lines=6,
                max_length=handlers.LONGEST_QUESTION,
                scale=8,
                elem_id="question",
                autofocus=True,
            )
            self.send = gr.Button("Ask", variant="primary", scale=0, min_width=72, elem_id="send")
            self.stop = gr.Button("Stop", variant="stop", scale=0, min_width=72, elem_id="stop", visible=False)

    def show_fresh(self) -> None:
        """Make the button that begins anew."""
        self.fresh = gr.Button("New conversation", size="sm", elem_id="fresh")

    def show_side(self) -> None:
        """Make the panel of sources."""
        self.side = html(panel.empty(), CLICKS, "sources")

    # Events

    def connect(self, *, public: bool) -> None:
        """Connect the events. ``public``: asking is an endpoint of Gradio's API too."""
        asking = self.asking()
        self.running = [
            self.question.submit(**({"api_name": "ask"} if public else {"api_visibility": "private"}), **asking),
            self.send.click(api_visibility="private", **asking),
        ]
        chosen = self.transcript.example(_example, None, self.question, **PRIVATE)
        self.running.append(chosen.then(api_visibility="private", **asking))
        for shown in (self.transcript, self.side):
            shown.cite(self.cite, self.turns, self.side, trigger_mode="always_last", **PRIVATE)

    def connect_ends(self) -> None:
        """Connect what ends an answer that is being made; after everything that begins one."""
        self.stop.click(
            self.stopped,
            self.turns,
            [self.turns, self.transcript, self.live, self.send, self.stop],
            cancels=self.running,
            **PRIVATE,
        )
        self.fresh.click(
            self.begin_anew,
            None,
            [self.turns, self.transcript, self.live, self.side, self.send, self.stop],
            cancels=self.running,
            **PRIVATE,
        )

    def asking(self) -> dict[str, Any]:
        """Return the event that asks."""
        return {
            "fn": self.answer,
            "inputs": [self.question, self.turns, *self.narrowing],
            "outputs": [self.question, self.turns, self.transcript, self.live, self.side, self.send, self.stop],
            "show_progress": "hidden",
            "concurrency_id": "ask",
            "concurrency_limit": CONCURRENT,
        }

    def greeting(self, turns: Turns, user: User) -> str:
        if turns:
            return render.transcript(turns, today())
        sources = self.service.sources(user)
        offered = tuple(self.examples) if self.examples is not None else base.examples(sources)
        return render.welcome(offered, sum(1 for s in sources if s.chunks), base.mode(self.settings))

    def answer(self, request: gr.Request, text: str, turns: Turns, *narrowing: Any) -> Iterator[dict[Any, Any]]:
        asked = (text or "").strip()[: handlers.LONGEST_QUESTION]
        if not asked:
            yield {self.question: ""}
            return
        past, turns = turns, conversation.begin(turns, asked)
        yield {
            self.question: "",
            self.turns: turns,
            self.transcript: render.transcript(past, today()),
            self.live: render.live(turns),
            self.send: gr.Button(visible=False),
            self.stop: gr.Button(visible=True),
        }
        for latest in handlers.ask(self.service, user_of(request), turns, self.scope(*narrowing)):
            turns = latest
            if turns[-1].pending:
                yield {self.turns: turns, self.live: render.live(turns)}
        done = turns[-1].answer
        yield {
            self.turns: turns,
            self.transcript: render.transcript(turns, today()),
            self.live: "",
            self.side: panel.sources(done, turns[-1].number) if done is not None else panel.empty(),
            self.send: gr.Button(visible=True),
            self.stop: gr.Button(visible=False),
        }

    def stopped(self, turns: Turns) -> dict[Any, Any]:
        turns = conversation.stop(turns)
        return {
            self.turns: turns,
            self.transcript: render.transcript(turns, today()),
            self.live: "",
            self.send: gr.Button(visible=True),
            self.stop: gr.Button(visible=False),
        }

    def begin_anew(self, request: gr.Request) -> tuple[Any, ...]:
        shown = self.greeting((), user_of(request))
        return (), shown, "", panel.empty(), gr.Button(visible=True), gr.Button(visible=False)

    def cite(self, request: gr.Request, turns: Turns, event: gr.EventData) -> Any:
        sent = sent_with(event)
        turn = conversation.find(turns, sent.get("turn"))
        if turn is None or turn.answer is None:
            return gr.skip()
        key = str(sent.get("key") or "")
        if not key:
            return panel.sources(turn.answer, turn.number)
        opened = handlers.open_source(self.service, user_of(request), turn.answer, turn.number, key)
        return gr.skip() if opened is None else opened


def _example(event: gr.EventData) -> str:
    return str(sent_with(event).get("question") or "")[: handlers.LONGEST_QUESTION]


def sent_with(event: gr.EventData) -> dict[str, Any]:
    """Return what the browser sent with an event of ours; {} for anything but an object."""
    return event._data if isinstance(event._data, dict) else {}


def today() -> date:
    return datetime.now(UTC).date()


def html(value: str, script: str | None, elem_id: str) -> gr.HTML:
    """Make a place for rendered HTML. ``script``: runs once, when it is shown."""
    return gr.HTML(value, js_on_load=script, elem_id=elem_id, apply_default_css=False)
