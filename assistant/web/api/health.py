"""Whether the server lives, whether it can answer, and its figures."""

from __future__ import annotations

import asyncio
import logging
from ipaddress import ip_address
from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse, Response

from assistant.access import User
from assistant.web.api import counters, examples, problems, shapes
from assistant.web.api.context import Api
from assistant.web.asking import user_of
from vectorstore.errors import Forbidden, NotFound, ThesisError

log = logging.getLogger(__name__)
PATIENCE = 2.0  # seconds that the base may take to show that it answers


class Probe:
    """Asks the base whether it answers, one question at a time: while a model loads that takes its time."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._asking: asyncio.Future[None] | None = None

    async def __call__(self) -> None:
        """Return where the base answers. Raises Unacceptable with the reason where not."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.ensure_future(self._api.work.call(self._api.service.ready))
        asking = self._asking
        try:
            await asyncio.wait_for(asyncio.shield(asking), PATIENCE)
        except TimeoutError:
            raise problems.Unacceptable(
                "not_ready", "The embedding model is loading, or the base is busy.", "Ask again in some seconds."
            ) from None
        except ThesisError as error:
            if isinstance(error, problems.Unacceptable):
                raise
            # Whoever asks has not signed in: paths and names of the base are for the log.
            log.warning("not ready: %s", error)
            raise problems.Unacceptable(
                "not_ready",
                f"{problems.KINDS.get(error.kind, (0, 'The base cannot be used'))[1]}.",
                "The log of the server has more.",
            ) from error


def _loopback(request: Request) -> bool:
    try:
        return request.client is not None and ip_address(request.client.host).is_loopback
    except ValueError:
        return False


def allowed_here(request: Request, user: User) -> None:
    """Raise Forbidden where nobody signs in and the request comes from another machine: the figures are not for everybody."""
    if user.via == "open" and not _loopback(request):
        raise Forbidden("The figures are for this machine only.", "Switch sign-in on to read them from another.")


def routes(api: Api, router: APIRouter) -> None:
    """Add the routes."""
    probe = Probe(api)

    @router.get(
        "/healthz",
        tags=["The server"],
        summary="Is it alive?",
        response_model=shapes.Alive,
        responses=examples.response({"status": "ok"}),
    )
    async def healthz() -> Response:
        """Say that the server runs. Needs no sign-in."""
        return JSONResponse({"status": "ok"})

    @router.get(
        "/readyz",
        tags=["The server"],
        summary="Can it answer?",
        response_model=shapes.Ready,
        responses=examples.response({"status": "ready"}),
    )
    async def readyz() -> Response:
        """Say that questions can be answered: the base is open, its index is whole, the model is loaded. Needs no sign-in."""
        await probe()
        return JSONResponse({"status": "ready"})

    for path, probed in (("/healthz", healthz), ("/readyz", readyz)):  # load balancers ask so, too
        router.add_api_route(path, probed, methods=["HEAD"], include_in_schema=False)

    @router.get(
        "/metrics",
        tags=["The server"],
        summary="Figures for Prometheus",
        response_class=Response,
        responses={
            200: {"description": "Prometheus' text format", "content": {"text/plain": {"schema": {"type": "string"}}}}
        },
    )
    async def metrics(request: Request) -> Response:
        """Return the server's figures, to those who may see them; where nobody signs in, to this machine only."""
        user = user_of(request)
        api.service.need(user, "metrics")
        allowed_here(request, user)
        text = await api.work.call(api.counters.text)
        return Response(text, headers={"content-type": counters.MEDIA_TYPE, "cache-control": "no-store"})

    @router.get(
        "/api/v1/problems/{kind}",
        tags=["The server"],
        summary="What a kind of problem is",
        response_model=shapes.ProblemKind,
        responses=examples.response({"kind": "not_found", "status": 404, "title": "Not found"}),
    )
    async def problem(kind: Annotated[str, Path(min_length=1, max_length=64)]) -> Response:
        """Return what the `type` of a problem stands for."""
        if kind not in problems.KINDS:
            raise NotFound("There is no such kind of problem.", f"Kinds are: {', '.join(problems.KINDS)}.")
        status, title = problems.KINDS[kind]
        return JSONResponse({"kind": kind, "status": status, "title": title})
