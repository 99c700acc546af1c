"""What requests and responses look like, for the spec. Each is checked against its own schema in the tests."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from assistant.models import Answer, Citation, Claim, Number

_DOCUMENT = "3f1c8a0b5d7e9f2a4c6b8d01"
_VERSION = "9b74c9897bac770ffc029102a200c5de5f1f6f1f5a3e7a0d6e3b9c1d2f4a5b6c"
_SENTENCE = "The gap to large caps stood at 26 percent in March 2024."
ASK = {"question": "How large was the gap to large caps in March 2024?", "filters": {"kind": ["note"]}}
READ = {"question": "What was the revenue of Harbor Tools in fiscal 2023, and how far is the Russell 2000 down today?"}
UNDERSTOOD = {
    "standalone_question": READ["question"], "companies": ["Harbor Tools, Inc."], "tickers": ["HRBR"], "publishers": [], "kinds": [],
    "forms": [], "periods": ["FY2023"], "years": ["2023"], "since": None, "until": None, "live": True, "tools": ["drawdown"], "notes": [],
}  # fmt: skip
CUT = {"after": "0f8fad5bd9cb469fa16570867728950e"}
SHARED = {"token": "p1bWq0uX7mM3v6zT9cYk2RjD8sLhF4aGeN5oQxVtBwI"}
FEEDBACK = {"answer_id": "0f8fad5bd9cb469fa16570867728950e", "verdict": "good", "comment": "The page is right."}
KEPT = {"answer_id": FEEDBACK["answer_id"], "verdict": "good"}


@cache
def answer() -> Answer:
    """Return an answer with one claim and its source."""
    citation = Citation(
        marker="S1", chunk_id="a1b2c3d4e5f60718293a4b5c", document_id=_DOCUMENT, version=_VERSION, title="Valuation gap",
        publisher="Sample notes", published="2024-03-20", kind="note", path="notes/discount.md",
        url=f"/document/{_DOCUMENT}?version={_VERSION}&start=840&end={840 + len(_SENTENCE)}#cited", page=None, start=840,
        end=840 + len(_SENTENCE), quote=_SENTENCE,
    )  # fmt: skip
    number = Number(text="26 percent", value=26.0, unit="percent", traced_to=("S1",))
    claim = Claim(
        text=_SENTENCE, start=2, end=2 + len(_SENTENCE), markers=("S1",), verdict="supported", score=1.0, reason="verbatim",
        numbers=(number,),
    )  # fmt: skip
    return Answer(
        answer_id=str(FEEDBACK["answer_id"]),
        question=str(ASK["question"]),
        standalone_question=str(ASK["question"]),
        status="answered",
        text=f"- {_SENTENCE} [S1]",
        claims=(claim,),
        citations=(citation,),
        filters={"kind": ["note"]},
        timings_ms={"total": 84.2},
    )


@cache
def answer_json() -> dict[str, Any]:
    found: dict[str, Any] = answer().model_dump(mode="json")
    return found


PASSAGE = {
    "chunk_id": "a1b2c3d4e5f60718293a4b5c", "document_id": _DOCUMENT, "version": _VERSION, "title": "Valuation gap",
    "publisher": "Sample notes", "published": "2024-03-20", "kind": "note", "path": "notes/discount.md", "page": None,
    "start": 840, "end": 840 + len(_SENTENCE), "text": _SENTENCE, "score": 0.82, "company": None, "form": None,
    "fiscal_period": None, "section": "", "collection": "default",
}  # fmt: skip
PASSAGES = {"passages": [PASSAGE]}
SOURCE: dict[str, Any] = {
    "document_id": _DOCUMENT, "version": _VERSION, "path": "notes/discount.md", "collection": "default",
    "title": "Valuation gap", "publisher": "Sample notes", "authors": ["A. Writer"], "published": "2024-03-20",
    "kind": "note", "company": None, "ticker": None, "form": None, "fiscal_period": None, "period_end": None,
    "report_date": None, "url": None, "extra": {}, "media_type": "text/markdown", "state": "indexed", "pages": 0,
    "characters": 1630, "chunks": 3, "ingested_at": "2024-05-01T00:00:00Z", "error": None, "warnings": [],
    "origins": {"title": "front_matter", "publisher": "user", "published": "text"},
}  # fmt: skip
AMEND = {"publisher": "Sample notes", "published": "2024-03-20", "company": None}
SOURCES = {"documents": [SOURCE], "total": 1, "limit": 100, "offset": 0}
TEXT = {
    "document_id": _DOCUMENT, "version": _VERSION, "start": 840, "end": 840 + len(_SENTENCE), "characters": 1630,
    "text": _SENTENCE,
}  # fmt: skip
REPORT = {
    "added": 1, "updated": 0, "unchanged": 0, "removed": 0, "skipped": [], "failed": [], "warnings": [], "chunks": 3,
    "seconds": 0.4,
    "files": [
        {"path": "upload:/discount.md", "document_id": _DOCUMENT, "outcome": "added", "pages": 0, "chunks": 3, "text": ""}
    ],
}  # fmt: skip
TOOLS = {
    "tools": [
        {
            "name": "drawdown",
            "summary": "How far an index or fund stands below its highest close.",
            "arguments": [
                {"name": "ticker", "description": "An index, fund or ticker", "type": "string", "default": "IWM"}
            ],
            "sources": ["market", "prices"],
        }
    ]
}
TOOL_RESULT: dict[str, Any] = {
    "tool": "drawdown", "arguments": {"ticker": "IWM"}, "marker": "", "status": "no_data", "metrics": [],
    "retrieved_at": None, "cached": False, "stale": False, "warnings": [],
    "error": {"kind": "not_configured", "message": "No source of prices is switched on.", "what_to_do": "Name one in sources."},
}  # fmt: skip
CONVERSATIONS = {
    "conversations": [
        {
            "conversation_id": "small-caps-1",
            "title": ASK["question"],
            "created": "2024-05-01T09:00:00Z",
            "changed": "2024-05-01T09:00:00Z",
            "shared": None,
            "turns": 1,
        }
    ]
}


@cache
def turns() -> dict[str, Any]:
    """Return a conversation of one turn."""
    one = {
        "time": "2024-05-01T09:00:00Z", "question": ASK["question"], "status": "answered",
        "answer_id": FEEDBACK["answer_id"], "answer": answer_json(),
    }  # fmt: skip
    return {**CONVERSATIONS["conversations"][0], "turns": [one]}


@cache
def shared_turns() -> dict[str, Any]:
    """Return another's conversation of one turn."""
    own = turns()
    return {"owner": "anna", **{name: own[name] for name in ("title", "created", "changed", "turns")}}


@cache
def board() -> dict[str, Any]:
    """Return a board of one catalyst."""
    place = {
        "document_id": _DOCUMENT, "version": _VERSION, "start": 840, "end": 840 + len(_SENTENCE), "page": None, "title": "Valuation gap",
        "published": "2024-03-20", "path": "notes/discount.md",
    }  # fmt: skip
    claim = {
        **place, "evidence_id": "5a1d0c9e8f7b6a52", "side": "for", "quote": _SENTENCE, "author": "Sample notes", "kind": "note",
        "authority": 4, "publisher": "Sample notes", "company": None, "ticker": None, "url": answer().citations[0].url, "score": 0.91,
        "reasons": ["says that the gap is wide"], "also": [], "superseded": None, "new": True,
    }  # fmt: skip
    reading = {
        "side": "refutes", "rule": "relative_price_to_earnings ≥ 1.1 x", "why": "small caps cost more for their earnings",
        "tool": "relative_valuation", "arguments": {}, "tool_status": "ok", "metric": "relative_price_to_earnings",
        "subject": "Russell 2000 / S&P 500", "value": 1.2, "unit": "x", "threshold": 1.1, "compared": None, "holds": True,
        "as_of": "2024-05-31", "period": None, "source": "iShares", "source_url": None, "method": "derived",
        "retrieved_at": "2024-06-01T00:00:00+00:00", "old": False, "reason": "", "what_to_do": "",
    }  # fmt: skip
    pair = {
        "kind": "metric", "for_id": claim["evidence_id"], "against_id": None, "reading": 0, "closeness": None,
        "why": "Sample notes speaks for it (2024-03-20), and relative_price_to_earnings of Russell 2000 / S&P 500 is 1.2 x (≥ 1.1 x; as of 2024-05-31).",
    }  # fmt: skip
    one = {
        "id": "valuation-gap", "name": "Valuation gap", "statement": "Small-cap shares are priced below large caps.",
        "mechanism": "A low price draws in buyers.", "direction": "tailwind", "status": "contradicting",
        "rule": "Contradicting: 0 of 0 conditions that confirm it hold; 1 of 1 conditions that refute it hold.", "for": [claim], "against": [], "less_sure": [],
        "metrics": [reading], "contradictions": [pair], "measured_at": "2024-06-01T00:00:00+00:00",
        "counts": {
            "speak_for": 1, "speak_against": 0, "documents": 1, "repeats": 0, "superseded": 0, "new": 1, "left_out": 0, "less_sure": 0,
        },
    }  # fmt: skip
    return {
        "schema_version": "1.0", "as_of": "2024-06-01", "since": "2024-03-01", "catalysts": [one], "documents": 12, "pending": 0,
        "classifier": "rules 1", "rules": {"order": "Newest first."}, "warnings": [],
    }  # fmt: skip


@cache
def changes() -> dict[str, Any]:
    """Return a list of one change."""
    claim = board()["catalysts"][0]["for"][0]
    one = {
        "change_id": "c0ffee0123456789", "time": "2024-06-01T09:00:00+00:00", "kind": "evidence_new", "catalyst": "valuation-gap",
        "title": "Valuation gap: 1 sentence for", "text": "New in “Valuation gap” (Sample notes, 2024-03-20): 1 sentence for.",
        "document_id": _DOCUMENT, "version": _VERSION, "quote": _SENTENCE, "start": claim["start"], "end": claim["end"],
        "evidence_ids": [claim["evidence_id"]], "before": None, "after": None,
    }  # fmt: skip
    return {"since": "2024-06-01", "changes": [one], "more": False}


def response(example: Any, status: int = 200) -> dict[int | str, dict[str, Any]]:
    """Return what FastAPI takes as ``responses``."""
    return {status: {"content": {"application/json": {"example": example}}}}


def request(example: Any) -> dict[str, Any]:
    """Return what FastAPI takes as ``openapi_extra``."""
    return {"requestBody": {"content": {"application/json": {"example": example}}}}


def event_stream(*pairs: tuple[str, str], names: Sequence[str] = ()) -> dict[str, Any]:
    """Return a stream of events by what one event is, with an example of (name, data)."""
    name: dict[str, Any] = {"type": "string", **({"enum": list(names)} if names else {})}
    one = {"type": "object", "properties": {"event": name, "data": {"type": "string"}}, "required": ["data"]}
    text = "".join(f"event: {name}\ndata: {data}\n\n" for name, data in pairs)
    return {"schema": one, **({"example": text} if pairs else {})}


def answer_response() -> dict[str, Any]:
    """Return the 200 of a question: one object, or events."""
    return {
        "description": "The Answer, or its events",
        "content": {
            "application/json": {"example": answer_json()},
            "text/event-stream": event_stream(
                ("status", '{"text": "Searching the base"}'),
                ("sentence", f'{{"text": "{_SENTENCE}", "verdict": "supported"}}'),
                ("answer", answer().model_dump_json()),
                names=("status", "draft", "sentence", "answer", "error"),
            ),
        },
    }


def upload_response() -> dict[str, Any]:
    """Return the 200 of an upload: one object, or events."""
    moment = (
        '{"files_done": 0, "files_total": 1, "pages": 0, "chunks": 0, "seconds_left": null, "current": "discount.md"}'
    )
    return {
        "description": "The report, or its events",
        "content": {
            "application/json": {"example": REPORT},
            "text/event-stream": event_stream(
                ("progress", moment), ("report", '{"added": 1}'), names=("progress", "report", "error")
            ),
        },
    }
