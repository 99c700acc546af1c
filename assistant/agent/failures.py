"""What a provider's client raises -> what the user is told, and whether asking again may help. Pure.

Clients differ, so only what they share is read: a status code, headers, and the kind of exception. A server's own text
is never shown: it may repeat a key or the question.
"""

from __future__ import annotations

import email.utils
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

BUSY = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529})
UNREACHABLE = "cannot be reached"
BROKEN_OFF = "broke the connection off"


@dataclass(frozen=True, slots=True)
class Problem:
    """Why the model gave no answer: ``text`` goes on the sentence "The model NAME …"; ``wait`` in seconds, as the server asks."""

    text: str
    transient: bool = False
    wait: float | None = None
    status: int | None = None


class ModelFailed(Exception):
    """A request that failed for good."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.text)
        self.problem = problem


def midway(problem: Problem) -> Problem:
    """Return the problem of a request that had brought something already: its server was there."""
    return replace(problem, text=BROKEN_OFF) if problem.text == UNREACHABLE else problem


def classify(error: BaseException) -> Problem:
    """Return what an exception of any provider's client means."""
    if isinstance(error, ModelFailed):
        return error.problem
    status = _status(error)
    if status is not None:
        return Problem(_said(status, error), status in BUSY, _retry_after(_headers(error)), status)
    names = " ".join(kind.__name__ for kind in type(error).__mro__)
    inner = error.__cause__ or error.__context__
    if "Timeout" in names:
        return Problem("did not answer in time", transient=True)
    if re.search(r"Protocol|IncompleteRead|ReadError|ChunkedEncoding", names):
        return Problem(BROKEN_OFF, transient=True)
    if re.search(r"Connect|Connection|Network|Transport|OSError|APIError", names):
        if inner is not None and "Timeout" in type(inner).__name__:
            return Problem("did not answer in time", transient=True)
        return Problem(UNREACHABLE, transient=True)
    if "Recursion" in names:
        return Problem("called its tools over and over")
    return Problem(f"could not be asked ({type(error).__name__})")


def _status(error: BaseException) -> int | None:
    for value in (
        getattr(error, "status_code", None),
        getattr(getattr(error, "response", None), "status_code", None),
        getattr(error, "code", None),
    ):
        if isinstance(value, int) and 400 <= value <= 599:
            return value
    return None


def _headers(error: BaseException) -> Mapping[str, Any]:
    found = getattr(getattr(error, "response", None), "headers", None)
    return found if isinstance(found, Mapping) else {}


def _retry_after(headers: Mapping[str, Any]) -> float | None:
    """Return the seconds to wait that a server asks for, in either form that HTTP allows (RFC 9110, 10.2.3)."""
    lower = {str(k).lower(): str(v).strip() for k, v in headers.items()}
    given = lower.get("retry-after", "")
    if re.fullmatch(r"\d+(?:\.\d+)?", lower.get("retry-after-ms", "")):
        return float(lower["retry-after-ms"]) / 1000
    if re.fullmatch(r"\d+(?:\.\d+)?", given):
        return float(given)
    try:
        when = email.utils.parsedate_to_datetime(given)
    except (TypeError, ValueError):
        return None
    return max(0.0, (when - datetime.now(UTC)).total_seconds()) if when.tzinfo else None


def _said(status: int, error: BaseException) -> str:
    if status in {401, 403}:
        return f"was refused: the key is wrong or may not use it (HTTP {status})"
    if status == 404:
        return "is not known at this address (HTTP 404)"
    if status == 413 or "context_length" in str(getattr(error, "code", "")):
        return f"cannot take this much text at once (HTTP {status}); lower model_context_tokens"
    if status == 429:
        return "has too many requests, or its quota is used up (HTTP 429)"
    if status < 500:
        return f"did not take the request (HTTP {status})"
    return f"failed on its server (HTTP {status})"
