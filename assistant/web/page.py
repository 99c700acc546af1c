"""The page: one gr.Blocks. State of a user lives in gr.State; everything shown is rendered by pure functions."""

from __future__ import annotations

import os

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read at import

import logging
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any

import gradio as gr

from assistant.access import User
from assistant.models import Failure
from assistant.service import Service
from assistant.web import base, conversation, handlers, panel, render
from assistant.web.asking import user_of
from assistant.web.conversation import Turns
from assistant.web.handlers import Scope
from assistant.web.ports import Moment
from vectorstore.errors import ThesisError
from vectorstore.settings import Settings

log = logging.getLogger(__name__)
CONCURRENT = 8  # events of one kind at once; Gradio's default is 1 for all users together
FILE_TYPES = [".pdf", ".md", ".markdown", ".txt", ".html", ".htm", ".docx"]

_REMOVES = """
element.addEventListener('click', (event) => {
  const hit = event.target.closest('[data-remove]');
  if (hit && window.confirm('Remove ' + hit.dataset.name + ' from the base?')) trigger('remove', {id: hit.dataset.remove});
});
"""

# One listener a component; what was clicked is read from data-* attributes, so no markup carries a handler.
_CLICKS = """
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

_HEADER = """
<header class="t-header"><span class="t-logo" aria-hidden="true"></span><h1>Thesis</h1>
<span class="t-tagline">Research answers you can check</span>
<button type="button" class="t-action" data-action="theme" aria-label="Switch between light and dark">Theme</button>
</header>
"""


def build(service: Service, settings: Settings, *, examples: Sequence[str] | None = None) -> gr.Blocks:
    """Return the page over a service. ``examples``: questions offered at first (default: made from what is in)."""

    def today() -> date:
        return datetime.now(UTC).date()

    def offered(user: User) -> tuple[tuple[str, ...], int]:
        sources = service.sources(user)
        return tuple(examples) if examples is not None else base.examples(sources), sum(1 for s in sources if s.chunks)

    with gr.Blocks(title="Thesis", analytics_enabled=False, fill_width=True, delete_cache=(3600, 86400)) as page:
        _html(_HEADER, None, "header")
        turns_state = gr.State(())
        with gr.Tabs(elem_id="tabs"):
            with gr.Tab("Chat", id="chat", elem_id="tab-chat"), gr.Row(elem_id="chat-row", equal_height=False):
                with gr.Column(scale=3, min_width=320, elem_id="chat-main"):
                    with gr.Column(elem_id="chat-scroll"):
                        transcript = _html("", _CLICKS, "transcript")
                        live = _html("", None, "live")
                    with gr.Row(elem_id="composer"):
                        question = gr.Textbox(
                            label="Question",
                            show_label=False,
                            container=False,
                            placeholder="Ask about a company, a catalyst, a claim…",
                            lines=1,
                            max_lines=6,
                            max_length=handlers.LONGEST_QUESTION,
                            scale=8,
                            elem_id="question",
                            autofocus=True,
                        )
                        send = gr.Button("Ask", variant="primary", scale=0, min_width=72, elem_id="send")
                        stop = gr.Button("Stop", variant="stop", scale=0, min_width=72, elem_id="stop", visible=False)
                    with gr.Accordion("Filters and as-of date", open=False, elem_id="filters"):
                        with gr.Row():
                            kinds = gr.Dropdown(
                                [], label="Kind", multiselect=True, min_width=140, elem_id="filter-kind"
                            )
                            publishers = gr.Dropdown(
                                [], label="Publisher", multiselect=True, min_width=180, elem_id="filter-publisher"
                            )
                        with gr.Row():
                            since = _day("Published from", "filter-since")
                            until = _day("Published to", "filter-until")
                            as_of = _day("As of (nothing published later)", "filter-as-of")
                    fresh = gr.Button("New conversation", size="sm", elem_id="fresh")
                with gr.Column(scale=2, min_width=320, elem_id="side"):
                    side = _html(panel.empty(), _CLICKS, "sources")
            with gr.Tab("Documents", id="documents", elem_id="tab-documents") as documents_tab:
                files = gr.File(
                    label="Add documents: PDF, Markdown, text, HTML, DOCX",
                    file_count="multiple",
                    file_types=FILE_TYPES,
                    height=130,
                    elem_id="upload",
                )
                # Gradio's own example is a file on a public site, named in the page's text.
                files.example_payload = files.example_value = lambda: None
                outcome = _html("", None, "upload-result")
                needle = gr.Textbox(
                    label="Find",
                    show_label=False,
                    container=False,
                    placeholder="Find by title, publisher, company, form…",
                    elem_id="find-documents",
                )
                documents = _html("", _REMOVES, "documents-table")
            with gr.Tab("About", id="about", elem_id="tab-about") as about_tab:
                about = _html("", None, "about")

        def greeting(turns: Turns, user: User) -> str:
            return render.transcript(turns, today()) if turns else render.welcome(*offered(user), base.mode(settings))

        def begin_anew(request: gr.Request) -> tuple[Any, ...]:
            shown = greeting((), user_of(request))
            return (), shown, "", panel.empty(), gr.Button(visible=True), gr.Button(visible=False)

        def refresh(
            request: gr.Request, turns: Turns, text: str, kind: list[str] | None, publisher: list[str] | None
        ) -> dict[Any, Any]:
            user = user_of(request)
            sources = service.sources(user)
            found = base.choices(sources)
            return {
                documents: base.table(sources, text or ""),
                about: base.about(sources, settings),
                kinds: gr.Dropdown(choices=list(found.kinds), value=[k for k in kind or [] if k in found.kinds]),
                publishers: gr.Dropdown(
                    choices=list(found.publishers), value=[p for p in publisher or [] if p in found.publishers]
                ),
                transcript: gr.skip() if turns else greeting(turns, user),
            }

        def answer(
            request: gr.Request,
            text: str,
            turns: Turns,
            kind: list[str] | None,
            publisher: list[str] | None,
            *dates: str | None,
        ) -> Iterator[dict[Any, Any]]:
            asked = (text or "").strip()[: handlers.LONGEST_QUESTION]
            if not asked:
                yield {question: ""}
                return
            past, turns = turns, conversation.begin(turns, asked)
            yield {
                question: "",
                turns_state: turns,
                transcript: render.transcript(past, today()),
                live: render.live(turns),
                send: gr.Button(visible=False),
                stop: gr.Button(visible=True),
            }
            first, last, cut = (value or "" for value in dates)
            scope = Scope(tuple(kind or ()), tuple(publisher or ()), first, last, cut)
            for latest in handlers.ask(service, user_of(request), turns, scope):
                turns = latest
                if turns[-1].pending:
                    yield {turns_state: turns, live: render.live(turns)}
            done = turns[-1].answer
            yield {
                turns_state: turns,
                transcript: render.transcript(turns, today()),
                live: "",
                side: panel.sources(done, turns[-1].number) if done is not None else panel.empty(),
                send: gr.Button(visible=True),
                stop: gr.Button(visible=False),
            }

        def stopped(turns: Turns) -> dict[Any, Any]:
            turns = conversation.stop(turns)
            return {
                turns_state: turns,
                transcript: render.transcript(turns, today()),
                live: "",
                send: gr.Button(visible=True),
                stop: gr.Button(visible=False),
            }

        def cite(request: gr.Request, turns: Turns, event: gr.EventData) -> Any:
            sent = event._data if isinstance(event._data, dict) else {}
            turn = conversation.find(turns, sent.get("turn"))
            if turn is None or turn.answer is None:
                return gr.skip()
            key = str(sent.get("key") or "")
            if not key:
                return panel.sources(turn.answer, turn.number)
            opened = handlers.open_source(service, user_of(request), turn.answer, turn.number, key)
            return gr.skip() if opened is None else opened

        def add(
            request: gr.Request,
            names: list[str] | None,
            progress: gr.Progress = gr.Progress(),  # noqa: B008
        ) -> dict[Any, Any]:
            if not names:
                return {outcome: gr.skip()}

            def tell(moment: Moment) -> None:
                said = f"{moment.current} · {moment.chunks} chunks" if moment.current else "Reading"
                progress((moment.files_done, max(1, moment.files_total)), desc=said, unit="files")

            try:
                report = handlers.upload(service, user_of(request), names, tell)
            except ThesisError as error:
                report = render.failure_html(handlers.failure(error))
            except Exception:
                log.exception("an upload failed")
                report = render.failure_html(
                    Failure(
                        kind="internal",
                        message="The upload failed because of a fault in the program.",
                        what_to_do="Try again; the log of the server names the fault.",
                    )
                )
            return {outcome: report, files: None}

        def remove(request: gr.Request, event: gr.EventData) -> str:
            sent = event._data if isinstance(event._data, dict) else {}
            try:
                handlers.remove(service, user_of(request), str(sent.get("id")))
            except ThesisError as error:
                return render.failure_html(handlers.failure(error))
            return ""

        def example(event: gr.EventData) -> str:
            sent = event._data if isinstance(event._data, dict) else {}
            return str(sent.get("question") or "")[: handlers.LONGEST_QUESTION]

        state_of_base = [documents, about, kinds, publishers, transcript]
        private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        asking: dict[str, Any] = {
            "fn": answer,
            "inputs": [question, turns_state, kinds, publishers, since, until, as_of],
            "outputs": [question, turns_state, transcript, live, side, send, stop],
            "show_progress": "hidden",
            "concurrency_id": "ask",
            "concurrency_limit": CONCURRENT,
        }
        by_enter = question.submit(api_name="ask", **asking)
        by_click = send.click(api_visibility="private", **asking)
        chosen = transcript.example(example, None, question, **private)
        by_example = chosen.then(api_visibility="private", **asking)
        stop.click(
            stopped,
            turns_state,
            [turns_state, transcript, live, send, stop],
            cancels=[by_enter, by_click, by_example],
            **private,
        )
        for shown in (transcript, side):
            shown.cite(cite, turns_state, side, trigger_mode="always_last", **private)
        fresh.click(
            begin_anew,
            None,
            [turns_state, transcript, live, side, send, stop],
            cancels=[by_enter, by_click, by_example],
            **private,
        )
        refreshing: dict[str, Any] = {
            "fn": refresh,
            "inputs": [turns_state, needle, kinds, publishers],
            "outputs": state_of_base,
            **private,
        }
        # The first load sends the welcome too; the base may have grown by another user's hand since.
        page.load(**refreshing)
        documents_tab.select(**refreshing)
        about_tab.select(**refreshing)
        needle.change(trigger_mode="always_last", **refreshing)
        files.upload(
            add,
            files,
            [outcome, files],
            api_visibility="private",
            show_progress_on=outcome,
            concurrency_id="ingest",
            concurrency_limit=1,
        ).then(**refreshing)
        documents.remove(remove, None, outcome, **private).then(**refreshing)
    page.queue(default_concurrency_limit=CONCURRENT)
    return page


def _html(value: str, script: str | None, elem_id: str) -> gr.HTML:
    return gr.HTML(value, js_on_load=script, elem_id=elem_id, apply_default_css=False)


def _day(label: str, elem_id: str) -> gr.Textbox:
    # Gradio's own date field keeps the older date when what is typed is none; assets/app.js makes this a date input.
    return gr.Textbox(
        label=label,
        placeholder="YYYY-MM-DD",
        max_lines=1,
        max_length=10,
        min_width=140,
        elem_id=elem_id,
        elem_classes=["t-date"],
    )
