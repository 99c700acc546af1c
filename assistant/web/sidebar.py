"""The conversations that are kept: listed, searched, opened, renamed, shared, deleted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import gradio as gr

from assistant.access import User
from assistant.service import Service
from assistant.web import conversation, handlers, history, render
from assistant.web.asking import conversation_named, user_of
from assistant.web.chat import Chat, today
from assistant.web.conversation import Turns
from assistant.web.html import PRIVATE, clicks, html, sent_with
from assistant.web.text import esc
from vectorstore.errors import NotFound, ThesisError


@dataclass
class Sidebar:
    """The list beside a chat. ``said`` carries to the browser what is no part of the page: a link, an error."""

    service: Service
    chat: Chat
    listed: Any = None
    said: Any = None

    def show(self) -> None:
        """Make the list."""
        # No event is named "share": Gradio's page keeps that name to itself.
        raised = clicks("fresh", "open", "search", "rename", "link", "unlink", "forget")
        self.listed = html("", raised, "history")

    def show_said(self) -> None:
        """Make the place of messages, which assets/app.js shows and takes away."""
        self.said = html("", None, "said")

    def connect(self) -> None:
        """Connect the events; after the chat's own."""
        chat = self.chat
        shown = [self.listed, self.said, *chat.shown]
        self.listed.fresh(self.begin_anew, chat.turns, shown, cancels=chat.running, **PRIVATE)
        self.listed.open(self.open, chat.turns, shown, cancels=chat.running, trigger_mode="always_last", **PRIVATE)
        self.listed.search(self.search, chat.turns, self.listed, trigger_mode="always_last", **PRIVATE)
        for name, done in {"rename": self.rename, "link": self.share, "unlink": self.unshare}.items():
            getattr(self.listed, name)(done, chat.turns, [self.listed, self.said], **PRIVATE)
        self.listed.forget(self.forget, chat.turns, shown, **PRIVATE)
        for asking in chat.running:
            asking.then(self.refresh, chat.turns, self.listed, **PRIVATE)

    # Events

    def refresh(self, request: gr.Request, turns: Turns) -> str:
        return self.list_of(user_of(request), turns)

    def search(self, request: gr.Request, turns: Turns, event: gr.EventData) -> str:
        return self.list_of(user_of(request), turns, str(sent_with(event).get("text") or "")[:200])

    def begin_anew(self, request: gr.Request, turns: Turns) -> dict[Any, Any]:
        user = user_of(request)
        return {self.listed: self.list_of(user, ()), self.said: "", **self.chat.begin_anew(user)}

    def open(self, request: gr.Request, turns: Turns, event: gr.EventData) -> dict[Any, Any]:
        user, id_ = user_of(request), str(sent_with(event).get("id") or "")
        if not id_:
            return {self.listed: self.list_of(user, ()), self.said: "", **self.chat.begin_anew(user)}
        try:
            found = handlers.reopen(self.service, user, id_)
        except ThesisError as error:
            return {self.said: problem(error), self.listed: self.list_of(user, turns)}
        return {self.listed: self.list_of(user, found), self.said: "", **self.chat.show_all(user, found)}

    def arrive(self, request: gr.Request, turns: Turns) -> dict[Any, Any]:
        """Show the conversation that the page's address names, else the welcome. For the page's first load."""
        user = user_of(request)
        wanted = conversation_named(request)
        if turns or not wanted:
            return {self.listed: self.list_of(user, turns), **self.chat.show_all(user, turns)}
        try:
            found = handlers.reopen(self.service, user, wanted)
        except ThesisError as error:
            gone = NotFound("This conversation cannot be shown.", f"{error.message} {error.what_to_do}")
            return {self.said: problem(gone), self.listed: self.list_of(user, ()), **self.chat.show_all(user, ())}
        return {self.listed: self.list_of(user, found), **self.chat.show_all(user, found)}

    def rename(self, request: gr.Request, turns: Turns, event: gr.EventData) -> dict[Any, Any]:
        sent = sent_with(event)
        return self._changed(
            request, turns, lambda user: self.service.rename(user, str(sent.get("id")), str(sent.get("title") or ""))
        )

    def share(self, request: gr.Request, turns: Turns, event: gr.EventData) -> dict[Any, Any]:
        id_ = str(sent_with(event).get("id"))

        def made(user: User) -> str:
            token = self.service.share(user, id_)
            return _say("link", link=f"shared/{token}", id=id_)

        return self._changed(request, turns, made)

    def unshare(self, request: gr.Request, turns: Turns, event: gr.EventData) -> dict[Any, Any]:
        return self._changed(request, turns, lambda user: self.service.unshare(user, str(sent_with(event).get("id"))))

    def forget(self, request: gr.Request, turns: Turns, event: gr.EventData) -> dict[Any, Any]:
        user, id_ = user_of(request), str(sent_with(event).get("id"))
        try:
            self.service.forget(user, id_)
        except ThesisError as error:
            return {self.said: problem(error), self.listed: self.list_of(user, turns)}
        if id_ != conversation.current(turns):
            return {self.said: "", self.listed: self.list_of(user, turns)}
        return {self.said: "", self.listed: self.list_of(user, ()), **self.chat.begin_anew(user)}

    def _changed(self, request: gr.Request, turns: Turns, change: Any) -> dict[Any, Any]:
        user = user_of(request)
        try:
            said = change(user) or ""
        except ThesisError as error:
            said = problem(error)
        return {self.listed: self.list_of(user, turns), self.said: said}

    def list_of(self, user: User, turns: Turns, needle: str = "") -> str:
        if not self.service.keeps:
            return history.nothing_kept()
        try:
            listed = self.service.conversations(user, needle)
        except ThesisError as error:
            return history.nothing_kept() if not user.may("ask") else render.failure_html(handlers.failure(error))
        return history.history(listed, conversation.current(turns), today(), needle=needle)


def problem(error: ThesisError) -> str:
    """Return an error for the place of messages."""
    return _say("problem", text=error.message, more=error.what_to_do)


def _say(what: str, **data: str) -> str:
    # Each is another, so that the browser hears the same said twice.
    fields = "".join(f' data-{name}="{esc(value)}"' for name, value in data.items())
    return f'<div data-say="{what}"{fields} data-nonce="{uuid4().hex}"></div>'
