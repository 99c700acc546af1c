"""The pages: the whole one, and the chat alone for a frame of another page. One gr.Blocks; all HTML comes from pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from assistant.service import Service
from assistant.web import base, render
from assistant.web.asking import form_token_of, query_of, user_of
from assistant.web.board_tab import BoardTab
from assistant.web.chat import CONCURRENT, Chat
from assistant.web.conversation import Turns
from assistant.web.documents_tab import Documents
from assistant.web.html import PRIVATE, html, sent_with
from assistant.web.preset import Preset, chips, preset
from assistant.web.scope_bar import ScopeBar
from assistant.web.sidebar import Sidebar
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
    sidebar, scope = Sidebar(service, chat), ScopeBar(settings)
    header = html(render.header(), None, "header")
    with gr.Tabs(elem_id="tabs"):
        with gr.Tab("Chat", id="chat", elem_id="tab-chat"), gr.Row(elem_id="chat-row", equal_height=False):
            with gr.Column(scale=0, min_width=256, elem_id="kept"):
                sidebar.show()
            with gr.Column(scale=3, min_width=320, elem_id="chat-main"):
                chat.show_turns()
                scope.show()
                chat.show_composer("Ask about a company, a catalyst, a claim…")
            with gr.Column(scale=2, min_width=320, elem_id="side"):
                chat.show_side()
        board = BoardTab(service, settings)
        board.show()
        documents = Documents(service, settings)
        documents.show()
        with gr.Tab("About", id="about", elem_id="tab-about") as about_tab:
            about = html("", None, "about")
    sidebar.show_said()

    def refresh(request: gr.Request, *narrowing: Any) -> dict[Any, Any]:
        user = user_of(request)
        sources = service.sources(user)
        return {
            header: render.header(user, form_token_of(request)),
            about: base.about(sources, settings),
            **scope.choices(sources, *narrowing),
        }

    def changed(request: gr.Request, turns: Turns, *narrowing: Any) -> dict[Any, Any]:
        """As ``refresh``, and what is offered to be asked: for when the base has changed, not beside the first load."""
        greeting = gr.skip() if chat.going_on(request, turns) else chat.greeting(user_of(request))
        return {**refresh(request, *narrowing), chat.transcript: greeting}

    def correct(request: gr.Request, turns: Turns, event: gr.EventData) -> dict[Any, Any]:
        """Take a question back as it was read, with the companies that were read chosen."""
        text, number, banner = chat.edit(request, turns, event)
        names = str(sent_with(event).get("companies") or "").split("\n")
        return {
            chat.question: text, chat.editing: number, chat.banner: banner,
            **scope.preset(service.sources(user_of(request)), [name for name in names if name]),
        }  # fmt: skip

    chat.narrowing, chat.scope = scope.inputs, scope.read
    chat.connect(public=True)
    chat.transcript.correct(
        correct,
        chat.turns,
        [chat.question, chat.editing, chat.banner, scope.panel, scope.lists["companies"]],
        **PRIVATE,
    )
    sidebar.connect()
    chat.connect_ends()
    scope.connect()
    refreshing: dict[str, Any] = {
        "fn": refresh,
        "inputs": scope.inputs,
        "outputs": [header, about, *scope.lists.values()],
        **PRIVATE,
    }
    # The base may have grown by another user's hand since.
    page.load(**refreshing)
    page.load(sidebar.arrive, chat.turns, [sidebar.listed, sidebar.said, *chat.shown], **PRIVATE)
    about_tab.select(**refreshing)
    board.connect()
    documents.connect(
        page,
        refreshing
        | {
            "fn": changed,
            "inputs": [chat.turns, *scope.inputs],
            "outputs": [*refreshing["outputs"], chat.transcript],
        },
    )


def _framed(page: gr.Blocks, chat: Chat) -> None:
    """The chat alone, narrowed as its address says."""
    held = gr.State(Preset())
    with gr.Row(elem_id="chat-row", equal_height=False):
        with gr.Column(scale=3, min_width=280, elem_id="chat-main"):
            narrowing = html("", None, "narrowing")
            chat.show_turns()
            chat.show_composer("Ask a question…")
            fresh = gr.Button("New conversation", size="sm", elem_id="fresh")
        with gr.Column(scale=2, min_width=280, elem_id="side"):
            chat.show_side()

    def arrive(request: gr.Request) -> dict[Any, Any]:
        found = preset(query_of(request))
        return {
            held: found,
            narrowing: chips(found.scope),
            chat.question: found.question,
            chat.transcript: chat.greeting(user_of(request)),
        }

    def begin(request: gr.Request, found: Preset, text: str, turns: Turns) -> Any:
        if found.ask and not turns:
            yield from chat.answer(request, text, turns, 0, found)
        else:
            yield {chat.live: ""}

    def begin_anew(request: gr.Request) -> dict[Any, Any]:
        return chat.begin_anew(user_of(request))

    chat.narrowing, chat.scope = (held,), lambda found: found.scope
    chat.connect(public=False)
    arrived = page.load(arrive, None, [held, narrowing, chat.question, chat.transcript], **PRIVATE)
    asking = chat.asking() | {"fn": begin, "inputs": [held, chat.question, chat.turns]}
    chat.running.append(arrived.then(api_visibility="private", **asking))
    chat.connect_ends()
    fresh.click(begin_anew, None, chat.shown, cancels=chat.running, **PRIVATE)
