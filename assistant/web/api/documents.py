"""Documents: the list, one, its text, its pages, bringing in and taking out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi import Path as InPath
from fastapi.responses import JSONResponse, Response

from assistant.access import User
from assistant.shown import source_json
from assistant.web.api import examples, shapes
from assistant.web.api.context import Api
from assistant.web.api.problems import Unacceptable
from assistant.web.places import UPLOADED, Places
from vectorstore.errors import NotFound
from vectorstore.names import fold, fold_code, same_company
from vectorstore.records import SourceInfo

Id = Annotated[str, InPath(min_length=1, max_length=64)]


def chosen(sources: Sequence[SourceInfo], asked: shapes.Narrowed) -> list[SourceInfo]:
    """Return the documents that match, in their order."""
    found = []
    for source in sources:
        meta = source.metadata
        day = meta.published or ""
        if (
            (not asked.kind or meta.kind in asked.kind)
            and _named(asked.publisher, meta.publisher, fold)
            and _named(asked.ticker, meta.ticker, fold)
            and _named(asked.form, meta.form, fold_code)
            and _named(asked.collection, source.collection, fold)
            and (not asked.company or any(same_company(name, meta.company or "") for name in asked.company))
            and (asked.since is None or (day and day >= asked.since))
            and (asked.until is None or (day and day <= asked.until))
        ):
            found.append(source)
    return found


def _named(wanted: Sequence[str], value: str | None, as_compared: Callable[[str], str]) -> bool:
    return not wanted or (value is not None and as_compared(value) in {as_compared(name) for name in wanted})


def placed(source: SourceInfo, places: Places) -> dict[str, Any]:
    """Return a document without its text, and without the folders of the server for those who are not told of them."""
    shown = source_json(source)
    path = source.path if source.path.startswith(UPLOADED) else places.of(source)
    return shown | {
        "path": path,
        "error": shown["error"] and places.told(source, shown["error"]),
        "warnings": [places.told(source, text) for text in shown["warnings"]],
        "origins": {origin.field: origin.source for origin in source.metadata.origins},
    }


def _one(api: Api, user: User, document_id: str) -> dict[str, Any]:
    return placed(api.service.info(user, document_id), Places(api.service.sources(user), user))


def routes(api: Api, router: APIRouter) -> None:
    """Add the routes."""

    @router.get(
        "/api/v1/documents",
        tags=["Documents"],
        summary="List documents",
        response_model=shapes.Sources,
        responses=examples.response(examples.SOURCES),
    )
    async def listing(request: Request, asked: Annotated[shapes.Listing, Query()]) -> Response:
        """Return what is in the base without the texts, the failed ones too, by path."""

        def read(user: User) -> dict[str, Any]:
            every = api.service.sources(user)
            found, places = chosen(every, asked), Places(every, user)
            part = found[asked.offset : asked.offset + asked.limit]
            shown = [placed(source, places) for source in part]
            return {"documents": shown, "total": len(found), "limit": asked.limit, "offset": asked.offset}

        return JSONResponse(await api.read(request, "read", read))

    @router.get(
        "/api/v1/documents/{document_id}",
        tags=["Documents"],
        summary="Get a document without its text",
        response_model=shapes.Source,
        responses=examples.response(examples.SOURCE),
    )
    async def document(request: Request, document_id: Id) -> Response:
        """Return what is known of a document."""

        return JSONResponse(await api.read(request, "read", lambda user: _one(api, user, document_id)))

    @router.patch(
        "/api/v1/documents/{document_id}",
        tags=["Documents"],
        summary="Say what a document is",
        response_model=shapes.Source,
        responses={**examples.response(examples.SOURCE), 422: {"description": "It cannot be read again for this"}},
        openapi_extra=examples.request(examples.AMEND),
    )
    async def amend(request: Request, document_id: Id, said: shapes.Amend) -> Response:
        """Give fields values that win over what was read in it, and stay when it is read again.

        `""` (`[]` for authors): there is none. null: what you said is taken back, for which the document is read again. Filters and
        dates follow at once; text, offsets and old citations stay.
        """

        def change(user: User) -> dict[str, Any]:
            api.service.amend(user, document_id, said.fields())
            return _one(api, user, document_id)

        return JSONResponse(await api.run(request, "write", change))

    @router.delete(
        "/api/v1/documents/{document_id}",
        tags=["Documents"],
        summary="Remove a document",
        response_model=shapes.Removed,
        responses=examples.response({"removed": 1}),
    )
    async def remove(request: Request, document_id: Id) -> Response:
        """Take a document out of the base; answers that cited it keep their quotes."""
        removed = await api.run(request, "write", lambda user: api.service.remove(user, document_id))
        return JSONResponse({"removed": removed})

    @router.get(
        "/api/v1/documents/{document_id}/text",
        tags=["Documents"],
        summary="Get the text of a document",
        response_model=shapes.Text,
        responses=examples.response(examples.TEXT),
    )
    async def text(request: Request, document_id: Id, asked: Annotated[shapes.Span, Query()]) -> Response:
        """Return the stored text of a version, or a stretch of it: offsets of citations are Unicode code points into it."""
        found = await api.read(request, "read", lambda user: api.service.document(user, document_id, asked.version))
        start, end = asked.start or 0, len(found.text) if asked.end is None else asked.end
        if not start <= end <= len(found.text):
            raise Unacceptable(
                "bad_request",
                f"start and end: the text has {len(found.text)} characters, and no stretch from {start} to {end}.",
                "Give 0 ≤ start ≤ end ≤ the number of characters.",
            )
        part = {"start": start, "end": end, "characters": len(found.text), "text": found.text[start:end]}
        return JSONResponse({"document_id": found.document_id, "version": found.version} | part)

    @router.get(
        "/api/v1/documents/{document_id}/pages/{page}.png",
        tags=["Documents"],
        summary="Get a picture of a page",
        response_class=Response,
        responses={200: {"description": "The page", "content": {"image/png": {}}}},
    )
    async def picture(
        request: Request,
        document_id: Id,
        page: Annotated[int, InPath(ge=1, le=100_000), shapes.DIGITS],
        asked: Annotated[shapes.Span, Query()],
    ) -> Response:
        """Return a page of a PDF as it looks, with the text from `start` to `end` marked."""
        spans = [(asked.start, asked.end)] if asked.start is not None and asked.end is not None else []
        data = await api.read(
            request,
            "read",
            lambda user: api.service.picture(
                user, document_id, asked.version, page, [(a, b) for a, b in spans if a < b]
            ),
        )
        if data is None:
            raise NotFound("There is no picture of this page.", "Get the document's text instead.")
        return Response(
            data,
            media_type="image/png",
            headers={"cache-control": "private, max-age=3600", "vary": "Cookie, Authorization"},
        )
