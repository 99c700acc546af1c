"""The board and its table of companies as files: what the tab's links save."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from fastapi import FastAPI, Request
from fastapi.responses import Response

from assistant.service import Service
from assistant.web.asking import user_of
from vectorstore.errors import NotFound, ThesisError

TYPES = {
    "md": "text/markdown", "html": "text/html", "pdf": "application/pdf", "json": "application/json", "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}  # fmt: skip
TABLES = ("csv", "xlsx")


def add(app: FastAPI, service: Service, refused: Callable[[ThesisError], Response]) -> None:
    """Add the routes. ``refused`` makes the page of an error."""

    @app.get("/board/board.{ending}")
    def board(ending: str, request: Request) -> Response:
        from assistant.catalysts.saving import content

        asked = request.query_params
        try:
            if ending not in TYPES:
                raise NotFound(f"The board is not saved as {ending[:10]!r}.", f"Forms are {', '.join(TYPES)}.")
            found = service.board(
                user_of(request),
                asked.get("catalyst") or None,
                as_of=asked.get("as_of") or None,
                since=asked.get("since") or None,
                tickers=_tickers(asked.get("tickers")),
            )
        except ThesisError as error:
            return refused(error)
        name = asked.get("catalyst") or "board"
        return _file(content(found, f".{ending}", datetime.now(UTC), _base(request)), name, ending)

    @app.get("/board/companies.{ending}")
    def companies(ending: str, request: Request) -> Response:
        from assistant.catalysts.companies_command import in_form

        asked = request.query_params
        try:
            if ending not in TABLES:
                raise NotFound(f"A table is not saved as {ending[:10]!r}.", f"Forms are {', '.join(TABLES)}.")
            found = service.companies(
                user_of(request),
                asked.get("catalyst") or "",
                where=asked.getlist("where"),
                as_of=asked.get("as_of") or None,
                tickers=_tickers(asked.get("tickers")),
            )
        except ThesisError as error:
            return refused(error)
        return _file(in_form(found, f".{ending}", _base(request)), f"companies-{found.catalyst}", ending)


def _tickers(text: str | None) -> tuple[str, ...]:
    from assistant.catalysts.watchlist import parse

    words = (text or "").replace(",", " ").split()
    return parse("\n".join(words), "Watchlist").tickers if words else ()


def _base(request: Request) -> str:
    return str(request.base_url).rstrip("/")


def _file(data: bytes, name: str, ending: str) -> Response:
    plain = "".join(sign for sign in name if sign.isascii() and (sign.isalnum() or sign in "-_"))[:60] or "board"
    headers = {
        "content-disposition": f'attachment; filename="{plain}.{ending}"',
        "cache-control": "no-store",
        "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    }
    return Response(data, media_type=TYPES[ending], headers=headers)


__all__ = ["TYPES", "add"]
