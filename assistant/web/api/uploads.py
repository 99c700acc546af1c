"""Bringing files in and reading documents again: with progress, and until whoever asked stops it."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Request, UploadFile
from fastapi import Path as InPath
from fastapi.responses import JSONResponse, Response

from assistant.access import User
from assistant.web.api import examples, shapes
from assistant.web.api.context import Api
from assistant.web.api.problems import Problem, Unacceptable
from assistant.web.api.sse import HEARTBEAT, EventStream, event, pieces, wants_events
from assistant.web.api.work import Event
from assistant.web.asking import user_of
from assistant.web.text import file_name
from vectorstore.errors import NotFound, ThesisError
from vectorstore.records import Kind, SourceInfo

MOST_FILES = 100
Tell = Callable[[Event], None]
_FORM = frozenset({"files", "collection", "title", "publisher", "published", "kind", "company", "ticker", "upload_id"})
_FIGURES = ("files_done", "files_total", "pages", "chunks", "chunks_per_second", "seconds", "seconds_left", "behind")


class Stopped(ThesisError):
    """Whoever asked wants no more of it."""

    kind = "stopped"


class Running:
    """What is being read in, by its user and the name that they gave it. Safe in any number of threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stops: dict[tuple[str, str], threading.Event] = {}

    @contextmanager
    def named(self, user: User, name: str | None) -> Iterator[Callable[[], None]]:
        """Yield what raises Stopped once somebody has asked to stop it. Raises Unacceptable for a name that is in use."""
        if name is None:
            yield lambda: None
            return
        stop, key = threading.Event(), (user.name, name)
        with self._lock:
            if key in self._stops:
                raise Unacceptable("bad_request", "upload_id: an upload of this name is under way.", "Give another.")
            self._stops[key] = stop

        def look() -> None:
            if stop.is_set():
                raise Stopped("The upload was stopped.", "What was in by then stays in; add the others again.")

        try:
            yield look
        finally:
            with self._lock:
                del self._stops[key]

    def stop(self, user: User, name: str) -> None:
        """Have it end at the next border of a document. Raises NotFound."""
        with self._lock:
            stop = self._stops.get((user.name, name))
        if stop is None:
            raise NotFound("There is no such upload under way.", "It may be done: look at the list of documents.")
        stop.set()


def moment_event(moment: Any) -> Event:
    """Return how far an ingest has come as an event."""
    figures = {name: getattr(moment, name) for name in _FIGURES}
    return {"type": "progress", "current": moment.current} | {
        name: round(value, 1) if isinstance(value, float) else value for name, value in figures.items()
    }


def with_twins(report: Mapping[str, Any], sources: Sequence[SourceInfo]) -> Mapping[str, Any]:
    """Return a report that says of each new file whose bytes another document has too; ``sources``: what may be read."""
    by_id = {source.document_id: source for source in sources}
    files = []
    for one in report.get("files", ()):
        own = by_id.get(one["document_id"])
        twin = None if own is None or one["outcome"] != "added" else _twin(own, sources)
        if twin is not None:
            name = twin.metadata.title or file_name(twin.path)
            said = f"The same bytes are in already, as “{name}”: passages of it are found twice."
            one = one | {"text": f"{one['text']} {said}".strip()}
        files.append(one)
    return {**report, "files": files}


def _twin(own: SourceInfo, sources: Sequence[SourceInfo]) -> SourceInfo | None:
    same = (s for s in sources if s.version == own.version and s.document_id != own.document_id)
    return next((s for s in same if s.collection == own.collection), None)


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


async def _reported(request: Request, first: Event | None, events: AsyncGenerator[Event | None, None]) -> Response:
    """Return the report of work that goes on without its reader: as events, or at its end."""
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


def routes(api: Api, router: APIRouter) -> None:
    """Add the routes."""
    running = Running()

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
        upload_id: Annotated[shapes.UploadId | None, Form(description="A name of yours, to stop it by.")] = None,
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

        def take(tell: Tell) -> Mapping[str, Any]:
            try:
                with running.named(user, upload_id) as look:

                    def told(moment: Any) -> None:
                        look()
                        tell(moment_event(moment))

                    report = api.service.upload(user, sent, collection=collection, meta=meta or None, progress=told)
                    return with_twins(report.to_json(), api.service.sources(user))
            finally:
                shutil.rmtree(folder, ignore_errors=True)

        try:
            events = api.work.tracked(user.name, take, pause=HEARTBEAT)
            first = await anext(events)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return await _reported(request, first, events)

    @router.delete(
        "/api/v1/uploads/{upload_id}",
        tags=["Documents"],
        summary="Stop an upload",
        response_model=shapes.StoppedUpload,
        responses=examples.response({"upload_id": "quarterly-notes"}),
    )
    async def stop(request: Request, upload_id: Annotated[shapes.UploadId, InPath()]) -> Response:
        """End an upload of yours at the next border of a document: what is in by then stays in, of the rest nothing is left."""
        user = user_of(request)
        api.service.need(user, "write")
        running.stop(user, upload_id)
        return JSONResponse({"upload_id": upload_id})

    @router.post(
        "/api/v1/documents/{document_id}/reingest",
        tags=["Documents"],
        summary="Read a document again",
        response_model=shapes.Report,
        responses={200: examples.upload_response(), 422: {"description": "There is nothing to read again"}},
    )
    async def reingest(request: Request, document_id: Annotated[str, InPath(min_length=1, max_length=64)]) -> Response:
        """Read it from its file or address, or from the kept copy of a PDF; what you said of it stays. Events as for an upload."""
        user = user_of(request)
        api.service.need(user, "write")

        def take(tell: Tell) -> Mapping[str, Any]:
            report: Mapping[str, Any] = api.service.reingest(
                user, document_id, lambda moment: tell(moment_event(moment))
            ).to_json()
            return report

        events = api.work.tracked(user.name, take, pause=HEARTBEAT)
        return await _reported(request, await anext(events), events)
