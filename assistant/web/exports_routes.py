"""The read-only pages of shared conversations: ``/shared/{token}``, and the same as ``.md`` and ``.pdf``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, Response

from assistant.export import markdown, page
from assistant.export.answers import conversation_paper
from assistant.export.blocks import Paper
from assistant.models import Citation
from assistant.service import Service
from assistant.web.asking import user_of
from assistant.web.handed import kept_turn
from assistant.web.text import day, document_path
from vectorstore.errors import ThesisError

# Read anew each time: rights change, and a link can be withdrawn.
_HEADERS = {"cache-control": "no-store", "x-robots-tag": "noindex", "referrer-policy": "same-origin"}


def add(app: FastAPI, service: Service, refused: Callable[[ThesisError], Response]) -> None:
    """Add the routes. ``refused`` makes the page of an error."""

    def found(request: Request, token: str, link: Callable[[Citation], str] | None, made: datetime) -> Paper:
        return shared_paper(service.shared(user_of(request), token), made, link)

    # Before the page, whose pattern fits them too.
    @app.get("/shared/{token}.pdf")
    def as_pdf(token: str, request: Request) -> Response:
        from assistant.export import pdf

        made = datetime.now(UTC)
        try:
            paper = found(request, token, None, made)
        except ThesisError as error:
            return refused(error)
        saved = {"content-disposition": f'attachment; filename="{paper.stem}.pdf"'}
        return Response(pdf.write(paper, made), media_type="application/pdf", headers=_HEADERS | saved)

    @app.get("/shared/{token}.md")
    def as_markdown(token: str, request: Request) -> Response:
        try:
            paper = found(request, token, None, datetime.now(UTC))
        except ThesisError as error:
            return refused(error)
        saved = {"content-disposition": f'attachment; filename="{paper.stem}.md"'}
        return PlainTextResponse(markdown.write(paper), media_type="text/markdown", headers=_HEADERS | saved)

    @app.get("/shared/{token}")
    def as_page(token: str, request: Request) -> Response:
        try:
            paper = found(request, token, _link, datetime.now(UTC))
        except ThesisError as error:
            return refused(error)
        text = page.write(paper, (("Markdown", f"{token}.md"), ("PDF", f"{token}.pdf")))
        policy = {"content-security-policy": f"{page.policy()}; frame-ancestors 'none'"}
        return HTMLResponse(text, headers=_HEADERS | policy)


def shared_paper(
    conversation: Mapping[str, Any], made: datetime, link: Callable[[Citation], str] | None = None
) -> Paper:
    """Return a conversation as ``Service.shared`` gives it; a turn whose answer its reader may not read says so."""
    turns = [kept_turn(one) for one in conversation["turns"]]
    facts = (f"Shared by {conversation['owner']}", f"Last question {day(str(conversation['changed']))}")
    return conversation_paper(str(conversation["title"]), turns, made, link, facts)


def _link(citation: Citation) -> str:
    # From shared/TOKEN.
    return "../" + document_path(citation.document_id, citation.version, citation.start, citation.end)


__all__ = ["add", "shared_paper"]
