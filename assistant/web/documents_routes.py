"""What the documents tab loads: a page of the list, one document, its chunks, as HTML. Changes go by the HTTP API."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse

from assistant.access import User
from assistant.service import Service
from assistant.web.api.health import allowed_here
from assistant.web.asking import user_of
from assistant.web.document_detail import Detail, chunks_html, detail_html
from assistant.web.documents_list import filters_html, listed, read_view, rows_html, status
from assistant.web.documents_tab import adding_html
from assistant.web.places import Places
from assistant.web.text import esc
from vectorstore.errors import Forbidden, NotFound, ThesisError


def fragment(request: Request, make: Callable[[User], str]) -> HTMLResponse:
    """Return a part of the page for the request's user, or the error in its place. Never kept by a browser."""
    status_code = 200
    try:
        text = make(user_of(request))
    except ThesisError as error:
        status_code = 404 if isinstance(error, NotFound) else 403 if isinstance(error, Forbidden) else 503
        text = f'<p class="t-alert" role="alert">{esc(error.message)} {esc(error.what_to_do)}</p>'
    return HTMLResponse(text, status_code=status_code, headers={"cache-control": "no-store"})


def opener(request: Request, user: User) -> str:
    """Return the button that shows it; "" for who may not see it."""
    if not user.may("metrics"):
        return ""
    try:
        allowed_here(request, user)
    except ThesisError:
        return ""
    return '<button type="button" class="t-action" data-admin aria-haspopup="dialog">Administration</button>'


def add(app: FastAPI, service: Service) -> None:
    """Add the routes."""

    @app.get("/documents/list")
    def listing(request: Request) -> HTMLResponse:
        view = read_view(request.query_params)

        def make(user: User) -> str:
            sources = service.sources(user)
            places, ingesting = Places(sources, user), service.ingesting
            collections = [one["name"] for one in service.collections(user) if one["writable"]]
            writes = bool(collections)
            rows = rows_html(listed(sources, view, places, ingesting=ingesting), places, writes=writes)
            return (
                f'<div data-part="filters">{filters_html(sources, view, ingesting=ingesting)}</div>'
                f'<div data-part="admin">{opener(request, user)}</div>'
                f'<div data-part="adding">{adding_html(collections, service.settings)}</div><div data-part="rows">{rows}</div>'
            )

        return fragment(request, make)

    @app.get("/documents/detail/{document_id}")
    def detail(document_id: str, request: Request) -> HTMLResponse:
        def make(user: User) -> str:
            source = service.info(user, document_id)
            places = Places(service.sources(user), user)
            writes = service.writable(user, source.collection)
            found = Detail(
                source,
                status(source, ingesting=service.ingesting, places=places),
                service.versions(user, document_id),
                writes,
                places.told(source, service.not_again(user, document_id)) if writes else "",
            )
            return detail_html(found, places)

        return fragment(request, make)

    @app.get("/documents/chunks/{document_id}")
    def chunks(document_id: str, request: Request) -> HTMLResponse:
        return fragment(
            request, lambda user: chunks_html(service.info(user, document_id), service.chunks(user, document_id))
        )
