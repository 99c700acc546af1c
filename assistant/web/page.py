"""The pages: the whole one, and the chat alone for a frame of another page. One gr.Blocks; all HTML comes from pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from assistant.service import Service
from assistant.web import base, render
from assistant.web.asking import form_token_of, query_of, user_of
from assistant.web.chat import CONCURRENT, PRIVATE, Chat, html
from assistant.web.conversation import Turns
from assistant.web.documents_tab import Documents
from assistant.web.handlers import Scope
from assistant.web.preset import Preset, chips, preset
from vectorstore.settings import Settings

FRAMED = "embed"  # the address of the page for frames


def build(service: Service, settings: Settings, *, examples: Sequence[str] | None = None) -> gr.Blocks:
    """Return the pages over a service. ``examples``: questions offered at first (default: made from what is in)."""
    with gr.Blocks(title="Thesis", analytics_enabled=False, fill_width=True, delete_cache=(3600, 86400)) as page:
        _whole(page, Chat(service, settings, examples))
    with page.route("Embed", FRAMED, show_in_navbar=False):
        _framed(page, Chat(service, settings, examples))
    page.queue(default_concurrency_limit=CONCURRENT)
    return page


def _whole(page: gr.Blocks, chat: Chat) -> None:
    service, settings = chat.service, chat.settings
    header = html(render.header(), None, "header")
    with gr.Tabs(elem_id="tabs"):
        with gr.Tab("Chat", id="chat", elem_id="tab-chat"), gr.Row(elem_id="chat-row", equal_height=False):
            with gr.Column(scale=3, min_width=320, elem_id="chat-main"):
                chat.show_turns()
                chat.show_composer("Ask about a company, a catalyst, a claim…")
                with gr.Accordion("Filters and as-of date", open=False, elem_id="filters"):
                    with gr.Row():
                        kinds = gr.Dropdown([], label="Kind", multiselect=True, min_width=140, elem_id="filter-kind")
                        publishers = gr.Dropdown(
                            [], label="Publisher", multiselect=True, min_width=180, elem_id="filter-publisher"
                        )
                    with gr.Row():
                        since = _day("Published from", "filter-since")
                        until = _day("Published to", "filter-until")
                        as_of = _day("As of (nothing published later)", "filter-as-of")
                chat.show_fresh()
            with gr.Column(scale=2, min_width=320, elem_id="side"):
                chat.show_side()
        documents = Documents(service, settings)
        documents.show()
        with gr.Tab("About", id="about", elem_id="tab-about") as about_tab:
            about = html("", None, "about")

    def narrowed(kind: list[str] | None, publisher: list[str] | None, *dates: str | None) -> Scope:
        first, last, cut = (value or "" for value in dates)
        return Scope(tuple(kind or ()), tuple(publisher or ()), first, last, cut)

    def refresh(
        request: gr.Request, turns: Turns, kind: list[str] | None, publisher: list[str] | None
    ) -> dict[Any, Any]:
        user = user_of(request)
        sources = service.sources(user)
        found = base.choices(sources)
        return {
            header: render.header(user, form_token_of(request)),
            about: base.about(sources, settings),
            kinds: gr.Dropdown(choices=list(found.kinds), value=[k for k in kind or [] if k in found.kinds]),
            publishers: gr.Dropdown(
                choices=list(found.publishers), value=[p for p in publisher or [] if p in found.publishers]
            ),
            chat.transcript: gr.skip() if turns else chat.greeting(turns, user),
        }

    chat.narrowing, chat.scope = (kinds, publishers, since, until, as_of), narrowed
    chat.connect(public=True)
    chat.connect_ends()
    refreshing: dict[str, Any] = {
        "fn": refresh,
        "inputs": [chat.turns, kinds, publishers],
        "outputs": [header, about, kinds, publishers, chat.transcript],
        **PRIVATE,
    }
    # The first load sends the welcome too; the base may have grown by another user's hand since.
    page.load(**refreshing)
    about_tab.select(**refreshing)
    documents.connect(page, refreshing)


def _framed(page: gr.Blocks, chat: Chat) -> None:
    """The chat alone, narrowed as its address says."""
    held = gr.State(Preset())
    with gr.Row(elem_id="chat-row", equal_height=False):
        with gr.Column(scale=3, min_width=280, elem_id="chat-main"):
            narrowing = html("", None, "narrowing")
            chat.show_turns()
            chat.show_composer("Ask a question…")
            chat.show_fresh()
        with gr.Column(scale=2, min_width=280, elem_id="side"):
            chat.show_side()

    def arrive(request: gr.Request) -> dict[Any, Any]:
        found = preset(query_of(request))
        return {
            held: found,
            narrowing: chips(found.scope),
            chat.question: found.question,
            chat.transcript: chat.greeting((), user_of(request)),
        }

    def begin(request: gr.Request, found: Preset, text: str, turns: Turns) -> Any:
        if found.ask and not turns:
            yield from chat.answer(request, text, turns, found)
        else:
            yield {chat.live: ""}

    chat.narrowing, chat.scope = (held,), lambda found: found.scope
    chat.connect(public=False)
    arrived = page.load(arrive, None, [held, narrowing, chat.question, chat.transcript], **PRIVATE)
    asking = chat.asking() | {"fn": begin, "inputs": [held, chat.question, chat.turns]}
    chat.running.append(arrived.then(api_visibility="private", **asking))
    chat.connect_ends()


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
