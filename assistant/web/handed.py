"""What leaves the page: a click asks for a form of an answer or a conversation, assets/export.js copies or saves what comes.

Buttons are any elements with ``data-event="export"``: ``data-form`` (FORMS), ``data-turn`` (a turn's number; none or "": the
whole conversation), ``data-tool`` (with csv and json: the marker of a tool's result), or ``data-id`` (a kept conversation).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import gradio as gr

from assistant.access import User
from assistant.export import clipping, markdown, page
from assistant.export.answers import STOPPED, Turn, answer_clipping, answer_paper, conversation_paper
from assistant.export.blocks import Paper
from assistant.export.text import stem
from assistant.models import ToolResult
from assistant.service import Service
from assistant.web import conversation
from assistant.web.asking import user_of
from assistant.web.conversation import Turns
from assistant.web.html import PRIVATE, html, sent_with
from vectorstore.errors import NotFound, SettingsError, ThesisError

PAPERS = ("markdown", "html", "pdf")
FORMS = ("copy", *PAPERS, "csv", "json")
_TYPES = {"markdown": "text/markdown", "html": "text/html", "pdf": "application/pdf", "csv": "text/csv", "json": "application/json"}  # fmt: skip
_ENDINGS = {"markdown": "md"}
_SCRIPT = "if (window.thesisHanded) window.thesisHanded(element, 'export', trigger, props, watch);"
_REGION = '<p class="t-handed" role="status" aria-live="polite"></p>'
WITHHELD = "This answer is not shown: it was made from documents that you may not read, or it is held back."
_UNANSWERED = {
    "stopped": STOPPED,
    "refused": "Not answered: the question was refused.",
    "failed": "Not answered because of a fault.",
}
_GONE = NotFound("This answer is not on the page any more.", "Load the page again.")


def place() -> gr.HTML:
    """Make the place through which exports reach the browser; it also says how they went."""
    return html("", _SCRIPT, "handed", html_template=_REGION)


def connect(handed: gr.HTML, turns: gr.State, service: Service, going_on: Callable[[gr.Request, Turns], Turns]) -> None:
    """Answer the clicks. ``turns``: the page's conversation (assistant.web.conversation.Turns); ``going_on`` as ``Chat.going_on``."""

    def export(request: gr.Request, turns: Turns, event: gr.EventData) -> str:
        sent = sent_with(event)
        try:
            user = user_of(request)
            reply = handed_over(service, user, going_on(request, turns), sent, datetime.now(UTC))
        except ThesisError as error:
            reply = {"problem": f"{error.message} {error.what_to_do}".strip()}
        return packed(reply | {"ask": str(sent.get("ask") or "")[:40]})

    handed.export(export, turns, handed, trigger_mode="multiple", **PRIVATE)


def packed(reply: Mapping[str, str]) -> str:
    """Return a reply as JSON in which nothing looks like mark-up."""
    return json.dumps(reply).replace("<", "\\u003c")


def handed_over(service: Service, user: User, turns: Turns, sent: Mapping[str, Any], made: datetime) -> dict[str, str]:
    """Return what a browser asked for: {name, type, text or data (base64)}, or {text, html} to be copied.

    ``sent`` comes from the browser: form, and turn, tool or id. Raises SettingsError for a form that there is not, NotFound for a
    turn or a result that there is not, and what the service raises.
    """
    form, number = str(sent.get("form") or ""), str(sent.get("turn") or "")
    if form not in FORMS:
        raise SettingsError(f"There is no export of the form {form[:20]!r}.", f"Forms are {', '.join(FORMS)}.")
    title = ""
    if sent.get("id"):
        kept = service.conversation(user, str(sent["id"]))
        title, shown = str(kept["title"]), [kept_turn(one) for one in kept["turns"]]
    else:
        shown = [_turn(turn) for turn in turns if not turn.pending and number in {"", str(turn.number)}]
    if not shown and number:
        raise _GONE
    answers = [turn.answer for turn in shown if turn.answer is not None]
    told = {"form": form, "questions": len(shown), "answers": [answer.answer_id for answer in answers]}
    if form in {"csv", "json"}:
        result = next((r for a in answers for r in a.tool_results if r.marker == sent.get("tool")), None)
        if result is None:
            raise _GONE
        reply = inputs(result, form)
    elif form == "copy":
        if not answers:
            raise _GONE
        clip = clipping.clip(answer_clipping(answers[0]))
        reply = {"text": clip.text, "html": clip.html}
    elif number and answers:
        reply = written(answer_paper(answers[0], made), form, made)
    else:
        reply = written(conversation_paper(title, shown, made), form, made)
    service.event(
        user, "answers_exported", told, channel="page"
    )  # before it leaves: what cannot be recorded is not done
    return reply


def _turn(turn: conversation.Turn) -> Turn:
    why = STOPPED
    if turn.failure is not None:
        why = f"Not answered. {turn.failure.message} {turn.failure.what_to_do}".strip()
    return Turn(turn.question, turn.answer, why)


def kept_turn(one: Mapping[str, Any]) -> Turn:
    """Return a turn as records keep it (``Service.conversation``, ``Service.shared``)."""
    return Turn(one["question"], one["answer"], _UNANSWERED.get(str(one["status"]), WITHHELD))


def written(paper: Paper, form: str, made: datetime) -> dict[str, str]:
    """Return a paper as a file: its name, media type, and text or base64 data."""
    name = {"name": f"{paper.stem}.{_ENDINGS.get(form, form)}", "type": _TYPES[form]}
    if form == "pdf":
        from assistant.export import pdf

        return name | {"data": base64.b64encode(pdf.write(paper, made)).decode()}
    return name | {"text": markdown.write(paper) if form == "markdown" else page.write(paper)}


def inputs(result: ToolResult, form: str) -> dict[str, str]:
    """Return every input of a result's figures as a file, ``form``: csv or json."""
    from assistant.tools.export import export

    when = f"-{result.retrieved_at[:10]}" if result.retrieved_at else ""
    name = stem(f"{result.tool}{when}", "inputs")
    return {"name": f"{name}.{form}", "type": _TYPES[form], "text": export(result, form)}


__all__ = ["FORMS", "WITHHELD", "connect", "handed_over", "inputs", "kept_turn", "packed", "place", "written"]
