"""The contract with the outside: Answer, its parts, and ToolResult (docs/schema/).

Every object is frozen and JSON-able with the same names (``.model_dump(mode="json")``); floats are finite.
Offsets are Unicode code points into the stored text of the version named beside them.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION = "1.0"

Status = Literal["answered", "partial", "insufficient_evidence", "error"]
Mode = Literal["extractive", "model"]
Verdict = Literal["supported", "unsupported", "contradicted", "unchecked"]
ToolStatus = Literal["ok", "no_data", "rate_limited", "not_configured", "undefined", "error"]
Method = Literal["reported", "derived", "proxy"]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]
Offset = Annotated[int, Field(ge=0)]


class Record(BaseModel):
    """A frozen value; unknown fields are an error."""

    # Every field is printed, so the published schema requires every one.
    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_serialization_defaults_required=True)


class Failure(Record):
    """What went wrong and what the user can do about it."""

    kind: str
    message: str
    what_to_do: str


class Number(Record):
    """A number in a claim: ``value`` in base units (USD, not millions; percent 15.0 is 15%; x for ratios)."""

    text: str
    value: Finite
    unit: str
    traced_to: tuple[str, ...] = ()
    derivation: str | None = None


class Claim(Record):
    """One sentence of the answer: ``text == answer.text[start:end]``; score in 0..1."""

    text: str
    start: Offset
    end: Offset
    markers: tuple[str, ...] = ()
    verdict: Verdict = "unchecked"
    score: Share = 0.0
    reason: str = ""
    numbers: tuple[Number, ...] = ()


class Citation(Record):
    """One cited span: ``document.text[start:end] == quote`` for that version, always."""

    marker: str
    chunk_id: str
    document_id: str
    version: str
    title: str | None
    publisher: str | None
    published: str | None
    kind: str
    path: str
    url: str
    page: Annotated[int, Field(ge=1)] | None
    start: Offset
    end: Offset
    quote: str


class Retrieved(Record):
    """A passage that was retrieved; ``given``: the answer was made from it."""

    chunk_id: str
    document_id: str
    version: str
    title: str | None
    publisher: str | None
    published: str | None
    kind: str
    path: str
    page: Annotated[int, Field(ge=1)] | None
    start: Offset
    end: Offset
    text: str
    score: Finite
    given: bool = False


class Metric(Record):
    """One live value with its time and the way it was made."""

    name: str
    subject: str
    value: Finite | None
    unit: str
    as_of: str
    period: str | None = None
    source: str = ""
    source_url: str | None = None
    method: Method = "reported"
    formula: str | None = None
    inputs: tuple[dict[str, Any], ...] = ()
    n: int | None = None
    coverage_pct: Finite | None = None


class ToolResult(Record):
    """What a tool returned: data or a typed reason why there is none. ``marker`` is "" outside an answer."""

    tool: str
    arguments: dict[str, Any] = Field(default_factory=dict)
    marker: str = ""
    status: ToolStatus = "ok"
    metrics: tuple[Metric, ...] = ()
    retrieved_at: str | None = None
    cached: bool = False
    stale: bool = False
    warnings: tuple[str, ...] = ()
    error: Failure | None = None


class Answer(Record):
    """An answer that can be checked, the same object in Python, CLI, chat and API."""

    schema_version: str = SCHEMA_VERSION
    answer_id: str
    mode: Mode = "extractive"
    question: str
    standalone_question: str
    status: Status
    text: str
    claims: tuple[Claim, ...] = ()
    citations: tuple[Citation, ...] = ()
    tool_results: tuple[ToolResult, ...] = ()
    passages: tuple[Retrieved, ...] = ()
    as_of: str | None = None
    filters: dict[str, Any] = Field(default_factory=dict)
    model: str | None = None
    prompt_sha: str | None = None
    embedding_fingerprint: str = ""
    index_fingerprint: str = ""
    timings_ms: dict[str, Finite] = Field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    error: Failure | None = None
