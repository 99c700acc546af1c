"""An answer as it is scored: of ours, or of another system that gave as much of it as it could."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vectorstore.errors import SettingsError
from vectorstore.records import Passage

STATUSES = ("answered", "partial", "insufficient_evidence", "error")
# How answers without a status say that they have none.
_REFUSAL = re.compile(
    r"\b(?:(?:i|we) (?:do not|don['’]t|cannot|can['’]t|could not|couldn['’]t|am unable|are unable|was unable|were unable)\b[^.]{0,60}"
    r"\b(?:know|answer|find|determine|provide|tell|have)|unable to (?:answer|find|determine)|cannot be (?:answered|determined|found)|"
    r"(?:not enough|insufficient) (?:information|evidence|context|data)|"
    r"(?:does not|do not|doesn['’]t|don['’]t) (?:contain|provide|include|mention|state)[^.]{0,40}(?:information|answer|data|figure)|no (?:answer|relevant information|information) (?:is |was )?(?:found|available))\b",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Found:
    """A retrieved or cited stretch: where it stands, and its text. Unknown parts are None or ""."""

    chunk_id: str = ""
    document_id: str = ""
    version: str = ""
    path: str = ""
    title: str | None = None
    page: int | None = None
    start: int | None = None
    end: int | None = None
    text: str = ""
    marker: str = ""
    given: bool = False


@dataclass(frozen=True, slots=True)
class Statement:
    """A claim and the markers that stand behind it; ``derivations`` are calculations that its numbers came from."""

    text: str
    markers: tuple[str, ...] = ()
    derivations: tuple[tuple[str, str], ...] = ()  # (number as printed, calculation)


@dataclass(frozen=True, slots=True)
class Prediction:
    """What is scored. None where the system did not say: ``citations`` and ``passages`` of a bare response, its tools."""

    text: str
    status: str
    statements: tuple[Statement, ...] | None = None
    citations: tuple[Found, ...] | None = None
    passages: tuple[Found, ...] | None = None  # ranked, best first
    tools: tuple[Mapping[str, Any], ...] | None = None
    latency_ms: float | None = None
    error: str = ""

    @property
    def refused(self) -> bool:
        return self.status == "insufficient_evidence"


def looks_refused(text: str) -> bool:
    """Whether a bare response declines to answer, by its words; an empty one does."""
    return not text.strip() or (len(text) < 400 and bool(_REFUSAL.search(text)))


def from_passage(passage: Passage) -> Found:
    """Return a passage of the store."""
    c = passage.chunk
    return Found(
        c.chunk_id, c.document_id, c.version, passage.path, passage.metadata.title, c.page, c.start, c.end, c.text
    )


def read_prediction(row: Mapping[str, Any], where: str) -> Prediction | None:
    """Return the answer that a row brings: an Answer object under ``prediction`` (or ``answer``), or a ragas ``response``."""
    for key in ("prediction", "answer"):
        value = row.get(key)
        if isinstance(value, dict):
            return from_answer(value, f"{where}: {key}")
        if key == "prediction" and isinstance(value, str):
            row = {**row, "response": value}
        elif value is not None and not isinstance(value, str | int | float):
            raise SettingsError(f"{where}: {key} is neither a text nor an Answer.", "See docs/evaluation.md.")
    response = row.get("response")
    if response is None:
        return None
    if not isinstance(response, str):
        raise SettingsError(f"{where}: response is not a text.", 'Give "response" as a text, or leave it out.')
    texts, ids = _listed(row, "retrieved_contexts", where), _listed(row, "retrieved_context_ids", where)
    passages: tuple[Found, ...] | None = None
    if ids is not None or texts is not None:
        if ids is not None and texts is not None and len(ids) != len(texts):
            raise SettingsError(
                f"{where}: {len(texts)} retrieved_contexts but {len(ids)} retrieved_context_ids.",
                "Give one id a context.",
            )
        n = len(ids if ids is not None else texts or [])
        passages = tuple(
            Found(chunk_id=ids[i] if ids else "", text=texts[i] if texts else "", given=True) for i in range(n)
        )
    status = "insufficient_evidence" if looks_refused(response) else "answered"
    return Prediction(response, status, passages=passages)


def _listed(row: Mapping[str, Any], key: str, where: str) -> list[str] | None:
    value = row.get(key)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(x, str | int) for x in value):
        raise SettingsError(f"{where}: {key} is not a list of texts.", f"Give {key} as a list, or leave it out.")
    return [str(x) for x in value]


def from_answer(value: Mapping[str, Any], where: str = "answer") -> Prediction:
    """Read an Answer as JSON (docs/schema/answer.schema.json); of another system's, ``text`` alone is enough.

    Raises SettingsError naming the part that has another shape.
    """

    def parts(holder: Mapping[str, Any], key: str) -> list[Mapping[str, Any]] | None:
        found = holder.get(key)
        if found is None:
            return None
        if not isinstance(found, Sequence) or isinstance(found, str) or not all(isinstance(x, Mapping) for x in found):
            raise SettingsError(f"{where}.{key} is not a list of objects.", "See docs/schema/answer.schema.json.")
        return list(found)

    text = value.get("text")
    if not isinstance(text, str):
        raise SettingsError(f"{where} has no text.", 'Give at least {"text": "…"}.')
    status = value.get("status")
    if status is None:
        status = "insufficient_evidence" if looks_refused(text) else "answered"
    if status not in STATUSES:
        raise SettingsError(f"{where}.status = {status!r} is unknown.", f"Use one of {', '.join(STATUSES)}.")
    claims, citations = parts(value, "claims"), parts(value, "citations")
    passages, tools = parts(value, "passages"), parts(value, "tool_results")
    error = value.get("error")
    timings = value.get("timings_ms")
    latency = timings.get("total") if isinstance(timings, Mapping) else None
    if not isinstance(latency, int | float) or isinstance(latency, bool) or not math.isfinite(latency):
        latency = None
    try:
        return Prediction(
            text=text,
            status=status,
            statements=None if claims is None else tuple(_statement(c) for c in claims),
            citations=None if citations is None else tuple(_found(c, "quote") for c in citations),
            passages=None if passages is None else tuple(_found(p, "text") for p in passages),
            tools=None if tools is None else tuple(tools),
            latency_ms=None if latency is None else float(latency),
            error=str(error.get("message", "")) if isinstance(error, Mapping) else "",
        )
    except (TypeError, ValueError, AttributeError) as fault:
        raise SettingsError(f"{where} cannot be read: {fault}.", "See docs/schema/answer.schema.json.") from fault


def _found(value: Mapping[str, Any], text: str) -> Found:
    def whole(key: str) -> int | None:
        given = value.get(key)
        if given is not None and (not isinstance(given, int) or isinstance(given, bool)):
            raise TypeError(f"{key} = {given!r} is not a whole number")
        return given

    return Found(
        chunk_id=str(value.get("chunk_id") or ""),
        document_id=str(value.get("document_id") or ""),
        version=str(value.get("version") or ""),
        path=str(value.get("path") or value.get("document") or ""),
        title=str(value["title"]) if value.get("title") else None,
        page=whole("page"),
        start=whole("start"),
        end=whole("end"),
        text=str(value.get(text) or ""),
        marker=str(value.get("marker") or ""),
        given=bool(value.get("given", False)),
    )


def _statement(value: Mapping[str, Any]) -> Statement:
    numbers = value.get("numbers") or ()
    derived = tuple((str(n.get("text", "")), str(n["derivation"])) for n in numbers if n.get("derivation"))
    return Statement(
        str(value["text"]) if "text" in value else "", tuple(map(str, value.get("markers") or ())), derived
    )
