"""The conversation, as components and events: the same on the page and in a frame of another page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

import gradio as gr

from assistant.access import User
from assistant.service import Service
from assistant.web import base, conversation, handed, handlers, panel, render
from assistant.web import turns as told
from assistant.web.asking import conversation_named, user_of
from assistant.web.conversation import Turns
from assistant.web.handlers import Scope
from assistant.web.html import PRIVATE, clicks, html, sent_with
from vectorstore.errors import ThesisError
from vectorstore.settings import Settings

CONCURRENT = 8  # events of one kind at once; Gradio's default is 1 for all users together


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
    editing: Any = None
    banner: Any = None
    question: Any = None
    send: Any = None
    stop: Any = None
    side: Any = None
    handed: Any = None
    running: list[Any] = field(default_factory=list)

    # Components, each made where the layout wants it

    def show_turns(self) -> None:
        """Make what is said, and what is being said."""
        self.turns, self.editing = gr.State(()), gr.State(0)
        with gr.Column(elem_id="chat-scroll"):
            raised = clicks("cite", "example", "edit", "correct", "retry", "judge", "missing")
            script = f"{raised}\n{told.TRANSCRIPT_SCRIPT}"
            self.transcript = html("", script, "transcript", html_template=told.PLACE)
            self.live = html("", told.LIVE_SCRIPT, "live", html_template=told.PLACE)
        self.handed = handed.place()

    def show_composer(self, placeholder: str) -> None:
        """Make the field for the question with its buttons."""
        self.banner = html("", clicks("cancel"), "editing")
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

    def show_side(self) -> None:
        """Make the panel of sources."""
        html(panel.closer(), None, "side-close")
        self.side = html(panel.empty(), clicks("cite"), "sources")

    @property
    def shown(self) -> list[Any]:
        """All that ``show_all`` sets."""
        return [
            self.turns, self.transcript, self.live, self.side, self.question, self.editing, self.banner, self.send, self.stop,
        ]  # fmt: skip

    # Events

    def connect(self, *, public: bool) -> None:
        """Connect the events that ask. ``public``: asking is an endpoint of Gradio's API too."""
        asking = self.asking()
        self.running = [
            self.question.submit(**({"api_name": "ask"} if public else {"api_visibility": "private"}), **asking),
            self.send.click(api_visibility="private", **asking),
        ]
        chosen = self.transcript.example(_example, None, self.question, **PRIVATE)
        self.running.append(chosen.then(api_visibility="private", **asking))
        again = asking | {"fn": self.retry, "inputs": [self.turns, *self.narrowing]}
        self.running.append(self.transcript.retry(api_visibility="private", **again))
        for shown in (self.transcript, self.side):
            shown.cite(self.cite, self.turns, self.side, trigger_mode="always_last", **PRIVATE)
        self.transcript.edit(self.edit, self.turns, [self.question, self.editing, self.banner], **PRIVATE)
        self.banner.cancel(lambda: ("", 0, ""), None, [self.question, self.editing, self.banner], **PRIVATE)
        handed.connect(self.handed, self.turns, self.service, self.going_on)
        self.transcript.missing(self.all_turns, self.turns, self.transcript, **PRIVATE)
        self.transcript.judge(self.judge, self.turns, [self.turns, self.transcript], **PRIVATE)

    def connect_ends(self) -> None:
        """Connect what ends an answer that is being made; after everything that begins one."""
        self.stop.click(
            self.stopped,
            self.turns,
            [self.turns, self.transcript, self.live, self.send, self.stop],
            cancels=self.running,
            **PRIVATE,
        )

    def asking(self) -> dict[str, Any]:
        """Return the event that asks."""
        return {
            "fn": self.answer,
            "inputs": [self.question, self.turns, self.editing, *self.narrowing],
            "outputs": self.shown,
            "show_progress": "hidden",
            "trigger_mode": "multiple",  # else a question after Stop waits for what was stopped, unseen
            "concurrency_id": "ask",
            "concurrency_limit": CONCURRENT,
        }

    def greeting(self, user: User) -> str:
        sources = self.service.sources(user) if user.may("read") else []
        offered = tuple(self.examples) if self.examples is not None else base.examples(sources)
        documents = sum(1 for s in sources if s.chunks)
        return told.greeting(render.welcome(offered, documents, base.mode(self.settings), writes=user.may("write")))

    def going_on(self, request: gr.Request, turns: Turns) -> Turns:
        """Return ``turns``, or, where this server has none of the page, those of the conversation that its address names.

        A page goes on at another replica when its own has died, and after a new start.
        """
        wanted = "" if turns or not self.service.keeps else conversation_named(request)
        if not wanted:
            return turns
        try:
            return handlers.reopen(self.service, user_of(request), wanted)
        except ThesisError:
            return turns  # it is not theirs, or gone: a new one begins

    def all_turns(self, request: gr.Request, turns: Turns) -> str:
        return told.conversation(turns, turns, today()) if turns else self.greeting(user_of(request))

    def show_all(self, user: User, turns: Turns) -> dict[Any, Any]:
        """Return everything as it stands after ``turns``; () greets."""
        done = turns[-1].answer if turns else None
        return {
            self.turns: turns,
            self.transcript: told.conversation(turns, turns, today()) if turns else self.greeting(user),
            self.live: "",
            self.side: panel.sources(done, turns[-1].number) if done is not None else panel.empty(),
            self.editing: 0,
            self.banner: "",
            self.send: gr.Button(visible=True),
            self.stop: gr.Button(visible=False),
        }

    def begin_anew(self, user: User) -> dict[Any, Any]:
        return {**self.show_all(user, ()), self.question: ""}

    def answer(
        self, request: gr.Request, text: str, turns: Turns, editing: int, *narrowing: Any
    ) -> Iterator[dict[Any, Any]]:
        asked = (text or "").strip()[: handlers.LONGEST_QUESTION]
        turns = self.going_on(request, turns)
        if not asked or (turns and turns[-1].pending):
            yield {self.question: gr.skip() if asked else ""}
            return
        yield from self._answered(request, asked, turns, editing, narrowing)

    def retry(
        self, request: gr.Request, event: gr.EventData, turns: Turns, *narrowing: Any
    ) -> Iterator[dict[Any, Any]]:
        turns = self.going_on(request, turns)
        turn = conversation.find(turns, sent_with(event).get("turn"))
        if turn is None or turns[-1].pending:
            yield {self.live: gr.skip()}
            return
        yield from self._answered(request, turn.question, turns, turn.number, narrowing)

    def _answered(
        self, request: gr.Request, asked: str, turns: Turns, number: int, narrowing: Sequence[Any]
    ) -> Iterator[dict[Any, Any]]:
        """Answer ``asked``, in the place of the turn of that number and those after it; 0: after all."""
        user = user_of(request)
        past, problem = handlers.cut(self.service, user, turns, number) if number else (turns, None)
        turns, live = conversation.begin(past, asked, conversation.current(turns)), told.Growing()
        yield {
            self.question: "",
            self.editing: 0,
            self.banner: "",
            self.turns: turns,
            self.transcript: told.conversation(past, ()),
            self.live: live.to(render.live(turns)),
            self.send: gr.Button(visible=False),
            self.stop: gr.Button(visible=True),
        }
        if problem is not None:
            turns = (*turns[:-1], replace(turns[-1], failure=problem))
        else:
            for latest in handlers.ask(self.service, user, turns, self.scope(*narrowing)):
                turns = latest
                if turns[-1].pending:
                    yield {self.turns: turns, self.live: live.to(render.live(turns))}
        done = turns[-1].answer
        # Apart: what is yielded last is sent twice.
        yield {self.side: panel.sources(done, turns[-1].number) if done is not None else panel.empty()}
        yield {
            self.turns: turns,
            self.transcript: told.conversation(turns, turns[-1:], today()),
            self.live: "",
            self.send: gr.Button(visible=True),
            self.stop: gr.Button(visible=False),
        }

    def edit(self, request: gr.Request, turns: Turns, event: gr.EventData) -> tuple[Any, Any, Any]:
        """Take a question back into the field: as it was asked, or as it was read (``standalone``)."""
        sent, turns = sent_with(event), self.going_on(request, turns)
        turn = conversation.find(turns, sent.get("turn"))
        if turn is None or turns[-1].pending:
            return gr.skip(), gr.skip(), gr.skip()
        text = turn.question
        if sent.get("standalone") and turn.answer is not None:
            text = turn.answer.standalone_question or text
        later = sum(1 for one in turns if one.number > turn.number)
        return text, turn.number, render.editing(later)

    def judge(self, request: gr.Request, turns: Turns, event: gr.EventData) -> tuple[Any, Any]:
        sent, turns = sent_with(event), self.going_on(request, turns)
        turn, verdict = conversation.find(turns, sent.get("turn")), str(sent.get("verdict"))
        if turn is None or turn.answer is None:
            return gr.skip(), gr.skip()
        try:
            self.service.feedback(user_of(request), turn.answer.answer_id, verdict)
        except ThesisError as error:
            gr.Warning(f"{error.message} {error.what_to_do}")
            return gr.skip(), gr.skip()
        turn = replace(turn, judged=verdict)
        turns = conversation.update(turns, turn)
        return turns, told.conversation(turns, (turn,), today())

    def stopped(self, turns: Turns) -> dict[Any, Any]:
        turns = conversation.stop(turns)
        return {
            self.turns: turns,
            self.transcript: told.conversation(turns, turns[-1:], today()),
            self.live: "",
            self.send: gr.Button(visible=True),
            self.stop: gr.Button(visible=False),
        }

    def cite(self, request: gr.Request, turns: Turns, event: gr.EventData) -> Any:
        sent, turns = sent_with(event), self.going_on(request, turns)
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


def today() -> date:
    return datetime.now(UTC).date()
