"""The catalyst board: all of it, one catalyst, what changed, and that as a feed."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import Field

from assistant.catalysts.feed import MEDIA_TYPE, atom
from assistant.catalysts.shapes import Board, CatalystBoard, Changes
from assistant.web.api import examples, shapes
from assistant.web.api.context import Api
from assistant.web.api.questions import json_of

Id = Annotated[str, Path(min_length=1, max_length=64)]
_FEED: dict[int | str, dict[str, Any]] = {
    200: {"description": "The feed", "content": {MEDIA_TYPE: {"schema": {"type": "string"}}}}
}


class Watched(shapes.Asked):
    """``ticker``: over the documents of these companies only; give it again for more."""

    ticker: Annotated[list[Annotated[str, Field(min_length=1, max_length=20)]], Field(max_length=500)] = Field(
        default_factory=list
    )
    since: shapes.Day | None = None
    as_of: shapes.Day | None = None


class BoardAsked(Watched):
    """``limit``: claims of each side, newest first; those that a contradiction names come on top."""

    limit: Annotated[int, Field(ge=1, le=1000), shapes.DIGITS] = 20


class ChangesAsked(Watched):
    catalyst: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    limit: Annotated[int, Field(ge=1, le=1000), shapes.DIGITS] = 200


def shortened(board: Board, most: int) -> Board:
    """Return a board with at most ``most`` claims a side, and those that its contradictions name; the counts stay."""
    return board.model_copy(update={"catalysts": tuple(_shortened(one, most) for one in board.catalysts)})


def _shortened(one: CatalystBoard, most: int) -> CatalystBoard:
    named = {name for pair in one.contradictions for name in (pair.for_id, pair.against_id)}
    sides: dict[str, Any] = {
        side: tuple(claim for place, claim in enumerate(listed) if place < most or claim.evidence_id in named)
        for side, listed in (("for_", one.for_), ("against", one.against))
    }
    return one.model_copy(update=sides | {"less_sure": one.less_sure[:most]})


def routes(api: Api, router: APIRouter) -> None:
    """Add the routes."""

    @router.get(
        "/api/v1/board",
        tags=["The board"],
        summary="Get the catalyst board",
        response_model=Board,
        responses=examples.response(examples.board()),
    )
    async def board(request: Request, asked: Annotated[BoardAsked, Query()]) -> Response:
        """Return each catalyst with the claims for and against it, its figures and its contradictions.

        With `as_of` nothing that was published, filed or observed later counts; `since` marks what was published since.
        """
        found = await api.run(
            request,
            "read",
            lambda user: api.service.board(user, as_of=asked.as_of, since=asked.since, tickers=asked.ticker),
        )
        return json_of(shortened(found, asked.limit))

    @router.get(
        "/api/v1/board/changes",
        tags=["The board"],
        summary="List what changed on the board",
        response_model=Changes,
        responses=examples.response(examples.changes()),
    )
    async def changes(request: Request, asked: Annotated[ChangesAsked, Query()]) -> Response:
        """Return what changed, newest first: new and gone evidence, claims superseded, thresholds crossed, statuses."""
        return json_of(await _changes(request, asked))

    @router.get(
        "/api/v1/board/changes.atom",
        tags=["The board"],
        summary="Follow what changes on the board",
        response_class=Response,
        responses=_FEED,
    )
    async def feed(request: Request, asked: Annotated[ChangesAsked, Query()]) -> Response:
        """Return the same list as an Atom feed; each entry keeps its id."""
        found = await _changes(request, asked)
        base = str(request.base_url).rstrip("/")
        query = urlencode([(name, value) for name, value in request.query_params.multi_items()])
        address = f"{base}/api/v1/board/changes.atom" + (f"?{query}" if query else "")
        return Response(atom(found, base=base, address=address), media_type=MEDIA_TYPE)

    async def _changes(request: Request, asked: ChangesAsked) -> Changes:
        return await api.read(
            request,
            "read",
            lambda user: api.service.board_changes(
                user, asked.catalyst, since=asked.since, as_of=asked.as_of, limit=asked.limit, tickers=asked.ticker
            ),
        )

    @router.get(
        "/api/v1/board/{catalyst}",
        tags=["The board"],
        summary="Get one catalyst",
        response_model=CatalystBoard,
        responses=examples.response(examples.board()["catalysts"][0]),
    )
    async def one(request: Request, catalyst: Id, asked: Annotated[BoardAsked, Query()]) -> Response:
        """Return one catalyst of the board."""
        found = await api.run(
            request,
            "read",
            lambda user: api.service.board(user, catalyst, as_of=asked.as_of, since=asked.since, tickers=asked.ticker),
        )
        return JSONResponse(shortened(found, asked.limit).catalysts[0].model_dump(mode="json"))


__all__ = ["routes", "shortened"]
