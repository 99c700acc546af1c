"""Errors over HTTP: RFC 9457 problem details, one shape for everything that goes wrong."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from assistant.web.api.limits import TooMany
from vectorstore.errors import ThesisError

log = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"

# kind -> (status, title); a kind that is not here is a fault of the program.
KINDS: Mapping[str, tuple[int, str]] = {
    "bad_request": (400, "The request is not right"),
    "settings": (400, "A value is not right"),
    "bad_arguments": (400, "The arguments are not right"),
    "not_signed_in": (401, "Nobody is signed in"),
    "forbidden": (403, "Not allowed"),
    "not_found": (404, "Not found"),
    "wrong_method": (405, "The method is not for this address"),
    "store_empty": (409, "The base is empty"),
    "stopped": (409, "Stopped"),
    "too_large": (413, "The body is too large"),
    "wrong_content_type": (415, "The content type is not taken here"),
    "wrong_host": (421, "The host name is not known"),
    "unreadable": (422, "The document cannot be read"),
    "too_many_requests": (429, "Too many requests"),
    "internal": (500, "A fault in the program"),
    "fetch": (502, "The address cannot be fetched"),
    "not_ready": (503, "Not ready"),
    "store": (503, "The base cannot be used"),
    "catalysts": (503, "The catalysts cannot be used"),
    "store_locked": (503, "The base is in use"),
    "store_unavailable": (503, "A server of the base does not answer"),
    "fingerprint_mismatch": (503, "The index was made by another model"),
    "store_full": (507, "No space left"),
}
_BY_STATUS = {
    400: "bad_request",
    401: "not_signed_in",
    403: "forbidden",
    404: "not_found",
    405: "wrong_method",
    413: "too_large",
    415: "wrong_content_type",
    421: "wrong_host",
    503: "not_ready",
}


_SAID = {"extra_forbidden": "is not known here", "missing": "is missing"}
_OPENAI = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}


def is_openai(path: str) -> bool:
    """Whether a path is one of those that OpenAI's clients ask."""
    return path == "/v1" or path.startswith("/v1/")


class Unacceptable(ThesisError):
    """A request that is refused before anything is done. ``kind`` is one of KINDS."""

    def __init__(self, kind: str, message: str, what_to_do: str = "", **more: Any) -> None:
        super().__init__(message, what_to_do)
        self.kind = kind
        self.more = more  # further members of the problem

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.kind, self.message, self.what_to_do))


@dataclass(frozen=True, slots=True)
class Problem:
    """What the body of an error says. ``more``: further members, such as ``errors`` with the fields that are wrong."""

    kind: str
    detail: str
    what_to_do: str = ""
    status: int = 0  # 0: as the kind has it
    headers: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def code(self) -> int:
        return self.status or KINDS.get(self.kind, (500, ""))[0]

    def body(self, instance: str, root: str = "") -> dict[str, Any]:
        """Return the JSON object; ``instance``: the path that was asked for, ``root``: what stands before all paths."""
        title = KINDS[self.kind][1] if self.kind in KINDS else HTTPStatus(self.code).phrase
        return {
            "type": f"{root}/api/v1/problems/{self.kind}",
            "title": title,
            "status": self.code,
            "detail": self.detail,
            "instance": instance,
            "kind": self.kind,
            "what_to_do": self.what_to_do,
            **self.more,
        }

    def as_openai(self) -> dict[str, Any]:
        """Return the object that OpenAI's clients read."""
        wrong = self.more.get("errors") or ()
        message = f"{self.detail} {self.what_to_do}".strip()
        return {
            "message": message,
            "type": _OPENAI.get(self.code, "invalid_request_error" if self.code < 500 else "server_error"),
            "param": self.more.get("param") or (wrong[0]["field"] if wrong else None),
            "code": self.more.get("code") or self.kind,
        }

    def response(self, scope: Mapping[str, Any]) -> Response:
        """Return the answer to the request of ``scope``."""
        headers = {"cache-control": "no-store", **self.headers}
        if self.code == 401:
            headers.setdefault("www-authenticate", 'Bearer realm="thesis"')
        path = str(scope.get("path", ""))
        body = self.body(path, str(scope.get("root_path", "")).rstrip("/"))
        if is_openai(path.removeprefix(str(scope.get("root_path", "")))):
            body["error"] = self.as_openai()
        # ensure_ascii: a path may hold half a surrogate pair, which has no bytes of its own.
        return Response(json.dumps(body), self.code, headers=headers, media_type=MEDIA_TYPE)


def of_error(error: ThesisError) -> Problem:
    """Return what an error of ours says over HTTP."""
    headers: dict[str, str] = {}
    more: dict[str, Any] = {}
    if isinstance(error, TooMany):
        headers["retry-after"] = str(error.retry_after)
    if isinstance(error, Unacceptable):
        more |= error.more
    kind = error.kind if error.kind in KINDS else "internal"
    return Problem(kind, error.message, error.what_to_do, headers=headers, more=more)


def of_invalid(error: RequestValidationError) -> Problem:
    """Return what is wrong with the fields of a request; their values are not repeated."""
    errors = []
    for one in error.errors():
        place = [str(part) for part in one["loc"]]
        where = place[0] if place and place[0] in {"body", "query", "path", "header"} else ""
        name = ".".join(place[1:] if where else place) or where or "body"
        text = _SAID.get(str(one["type"]), str(one["msg"]).removeprefix("Value error, "))
        errors.append({"in": where or "body", "field": name[:200], "message": text[:300]})
    first = errors[0] if errors else {"field": "body", "message": "is not right", "in": "body"}
    rest = f" ({len(errors) - 1} more)" if len(errors) > 1 else ""
    return Problem(
        "bad_request",
        f"{first['field']}: {first['message'].rstrip('.')}{rest}.",
        "Mend what `errors` names; /api/v1/openapi.json describes every field.",
        more={"errors": errors},
    )


def of_http(error: HTTPException) -> Problem:
    """Return what an error of the framework says."""
    kind = _BY_STATUS.get(error.status_code, "bad_request" if error.status_code < 500 else "internal")
    told = {
        "not_found": ("There is nothing at this address.", "/api/v1/openapi.json lists what there is."),
        "wrong_method": ("This address does not take the method.", "The header Allow names those that it takes."),
    }
    detail, what = told.get(kind, (str(error.detail), "/api/v1/openapi.json describes every request."))
    return Problem(kind, detail, what, status=error.status_code, headers=dict(error.headers or {}))


def unforeseen(error: BaseException, path: str) -> Problem:
    """Log a fault of the program, and return what may be said of it."""
    error_id = uuid.uuid4().hex[:12]
    log.error("unforeseen error %s at %s", error_id, path, exc_info=error)
    return Problem(
        "internal",
        f"Something went wrong in the program (error {error_id}).",
        "Try again; tell whoever runs this server the error's number, which the log has too.",
        more={"error_id": error_id},
    )


def told(error: BaseException, path: str) -> Problem:
    """Return the problem of any error."""
    if isinstance(error, ThesisError):
        return of_error(error)
    if isinstance(error, RequestValidationError):
        return of_invalid(error)
    if isinstance(error, HTTPException):
        return of_http(error)
    return unforeseen(error, path)


def shown(request: Request, error: BaseException) -> Response:
    """Return the response to ``request`` that tells of ``error``."""
    return told(error, request.url.path).response(request.scope)
