"""Documents: the list, one, its text, its pages, bringing in and taking out."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Query, Request, UploadFile
from fastapi import Path as InPath
from fastapi.responses import JSONResponse, Response

from assistant.access import User
from assistant.shown import source_json
from assistant.web.api import examples, shapes
from assistant.web.api.context import Api
from assistant.web.api.problems import Problem, Unacceptable
from assistant.web.api.sse import HEARTBEAT, EventStream, event, pieces, wants_events
from assistant.web.api.work import Event
from assistant.web.asking import user_of
from vectorstore.errors import NotFound
from vectorstore.names import fold, fold_code, same_company
from vectorstore.records import Kind, SourceInfo

Id = Annotated[str, InPath(min_length=1, max_length=64)]
MOST_FILES = 100
_FORM = frozenset({"files", "collection", "title", "publisher", "published", "kind", "company", "ticker"})


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


def _moment(moment: Any) -> Event:
    """Return how far an ingest has come as an event."""
    return {
        "type": "progress",
        "files_done": moment.files_done,
        "files_total": moment.files_total,
        "chunks": moment.chunks,
        "current": moment.current,
    }


def _refused(report: Mapping[str, Any]) -> Problem | None:
    """Return the problem where not one file got in; the report tells of the rest."""
    if report["added"] or report["updated"] or report["unchanged"] or not report["failed"]:
        return None
    first = report["failed"][0]
    return Problem("unreadable", f"No file was taken. {first['path']}: {first['error']}", more={"report": dict(report)})


def _shown(request: Request, one: Event) -> bytes:
    if one["type"] != "done":
        return event("progress", {name: value for name, value in one.items() if name != "type"})
    problem = _refused(one["value"])
    return event("error", problem.body(request.url.path)) if problem else event("report", one["value"])


def _kept(files: Sequence[UploadFile]) -> tuple[Path, list[tuple[str, str | Path]]]:
    """Copy what was sent to a folder of its own: a request's own files go when it ends."""
    folder = Path(tempfile.mkdtemp(prefix="thesis-upload-"))
    sent: list[tuple[str, str | Path]] = []
    try:
        for number, file in enumerate(files):
            place = folder / str(number)
            with place.open("wb") as out:
                shutil.copyfileobj(file.file, out)
            sent.append((file.filename or "", place))
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder, sent


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
            found = chosen(api.service.sources(user), asked)
            part = found[asked.offset : asked.offset + asked.limit]
            shown = [source_json(source) for source in part]
            return {"documents": shown, "total": len(found), "limit": asked.limit, "offset": asked.offset}

        return JSONResponse(await api.read(request, "read", read))

    @router.post(
        "/api/v1/documents",
        tags=["Documents"],
        summary="Upload documents",
        response_model=shapes.Report,
        responses={200: examples.upload_response(), 422: {"description": "No file was taken"}},
    )
    async def upload(
        request: Request,
        files: Annotated[
            list[UploadFile],
            File(min_length=1, max_length=MOST_FILES, description="PDF, HTML, Markdown, text or DOCX."),
        ],
        collection: Annotated[str | None, Form(min_length=1, max_length=200)] = None,
        title: Annotated[str | None, Form(min_length=1, max_length=1000)] = None,
        publisher: Annotated[str | None, Form(min_length=1, max_length=200)] = None,
        published: Annotated[shapes.Day | None, Form()] = None,
        kind: Annotated[Kind | None, Form()] = None,
        company: Annotated[str | None, Form(min_length=1, max_length=200)] = None,
        ticker: Annotated[str | None, Form(min_length=1, max_length=20)] = None,
    ) -> Response:
        """Bring files in; what the form says of them wins over what is read from them.

        A name is a document's identity: the same name again is a new version of it. With `Accept: text/event-stream` the events
        are `progress`, and last `report` or `error`.
        """
        user = user_of(request)
        api.service.need(user, "write")
        unknown = sorted(set(await request.form()) - _FORM)
        if unknown:
            raise Unacceptable(
                "bad_request", f"{unknown[0][:80]}: is not known here.", f"Fields are: {', '.join(sorted(_FORM))}."
            )
        given = {
            "title": title, "publisher": publisher, "published": published, "kind": kind, "company": company, "ticker": ticker,
        }  # fmt: skip
        meta = {name: str(value) for name, value in given.items() if value}
        folder, sent = await api.work.call(lambda: _kept(files))

        def take(tell: Callable[[Event], None]) -> Mapping[str, Any]:
            try:
                report = api.service.upload(
                    user, sent, collection=collection, meta=meta or None, progress=lambda moment: tell(_moment(moment))
                )
            finally:
                shutil.rmtree(folder, ignore_errors=True)
            found: Mapping[str, Any] = report.to_json()
            return found

        try:
            events = api.work.tracked(user.name, take, pause=HEARTBEAT)
            first = await anext(events)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        if wants_events(request):
            return EventStream(pieces(request, first, events, partial(_shown, request)))
        report: Mapping[str, Any] = {}
        async with aclosing(events):
            one = first
            while one is None or one["type"] != "done":
                one = await anext(events)
            report = one["value"]
        problem = _refused(report)
        return problem.response(request.scope) if problem else JSONResponse(dict(report))

    @router.get(
        "/api/v1/documents/{document_id}",
        tags=["Documents"],
        summary="Get a document without its text",
        response_model=shapes.Source,
        responses=examples.response(examples.SOURCE),
    )
    async def document(request: Request, document_id: Id) -> Response:
        """Return what is known of a document."""

        found = await api.read(request, "read", lambda user: api.service.info(user, document_id))
        return JSONResponse(source_json(found))

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
