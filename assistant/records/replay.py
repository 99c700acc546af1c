"""An answer given again, and compared with what was recorded."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from itertools import zip_longest
from typing import Any, Literal

from assistant.live import Then
from assistant.models import Answer, ToolResult
from assistant.records.chain import canonical
from assistant.records.payload import program

Outcome = Literal["same", "differs", "cannot"]
_MOST = 20  # differences that are shown
_CUT = 200  # characters of a value that is shown
_GONE = "(nothing)"


@dataclass(frozen=True, slots=True)
class Replay:
    """``differences``: [{at, recorded, again}]; ``recorded``, ``again``: SHA-256 of the canonical forms, "" where there is none."""

    answer_id: str
    outcome: Outcome
    reason: str = ""
    recorded: str = ""
    again: str = ""
    differences: tuple[Mapping[str, str], ...] = ()
    notes: tuple[str, ...] = field(default=())


def canonical_answer(answer: Mapping[str, Any], notes: int = 0) -> bytes:
    """Return an Answer's canonical form: without its id, its timings and the times of pulls, and without ``notes`` last warnings."""
    kept = {key: value for key, value in answer.items() if key not in {"answer_id", "timings_ms"}}
    warnings = list(kept["warnings"])
    kept["warnings"] = warnings[: len(warnings) - notes]
    kept["tool_results"] = [
        {key: value for key, value in result.items() if key != "retrieved_at"} for result in kept["tool_results"]
    ]
    return canonical(kept)


def cannot_because(payload: Mapping[str, Any] | None) -> str:
    """Return why an answer cannot be given again; "" where it can be tried."""
    if payload is None:
        return "Its text was emptied by retention."
    if "answer" not in payload:
        return "The audit kept no texts at that time (setting audit_text), only their digests."
    if payload["by_model"]:
        model = payload["model"] or payload["model_asked"] or "a model"
        return f"A model wrote it, or was asked to ({model}): a model says the same thing twice in other words."
    return ""


def replay(answer_id: str, payload: Mapping[str, Any] | None, ask: Callable[[Mapping[str, Any]], Answer]) -> Replay:
    """Give the answer of a record again with ``ask`` and compare."""
    reason = cannot_because(payload)
    if reason or payload is None:
        return Replay(answer_id, "cannot", reason)
    notes = tuple(_notes(payload))
    found = ask(payload).model_dump()
    was, now = payload["index_fingerprint"], found["index_fingerprint"]
    if was != now:
        return Replay(
            answer_id,
            "cannot",
            f"The base has changed since: its index was {was or _GONE}, and is {now or _GONE}.",
            notes=notes,
        )
    recorded, again = canonical_answer(payload["answer"], payload["notes"]), canonical_answer(found)
    shas = sha256(recorded).hexdigest(), sha256(again).hexdigest()
    if recorded == again:
        return Replay(answer_id, "same", "", *shas, notes=notes)
    shown = []
    for one in _differences(json.loads(recorded), json.loads(again)):
        shown.append(one)
        if len(shown) == _MOST:
            break
    return Replay(answer_id, "differs", "", *shas, tuple(shown), notes)


def _notes(payload: Mapping[str, Any]) -> Iterator[str]:
    if payload["tool_calls"]:
        yield "What the live metrics gave is taken from the record; no source is asked."
    if payload["program"] != program():
        yield f"Version {payload['program'] or '?'} of the program answered; this is {program() or '?'}."
    if payload["notes"]:
        yield "What the gates added is not compared: they may be other ones now."


def ask_again(assistant: Any, payload: Mapping[str, Any]) -> Answer:
    """Ask the question of a record as on its day, over the collections that its user could read then."""
    if payload["collections"] is not None:
        assistant = assistant.within(frozenset(payload["collections"]))
    results = tuple(ToolResult.model_validate(one) for one in payload["answer"]["tool_results"])
    answer: Answer = assistant.ask(
        payload["question"],
        as_of=payload["as_of"],
        filters=payload["filters"],
        history=payload["history"],
        model="extractive",
        then=Then(date.fromisoformat(payload["today"]), results),
    )
    return answer


def _differences(recorded: Any, again: Any, at: str = "") -> Iterator[dict[str, str]]:
    if isinstance(recorded, dict) and isinstance(again, dict):
        for key in sorted({*recorded, *again}):
            yield from _differences(recorded.get(key, _GONE), again.get(key, _GONE), f"{at}.{key}" if at else key)
    elif isinstance(recorded, list) and isinstance(again, list):
        for n, (one, other) in enumerate(zip_longest(recorded, again, fillvalue=_GONE)):
            yield from _differences(one, other, f"{at}[{n}]")
    elif recorded != again:
        yield {"at": at, "recorded": _shown(recorded, again), "again": _shown(again, recorded)}


def _shown(value: Any, other: Any) -> str:
    """Return a value, a long text from shortly before the first character that differs."""
    if not isinstance(value, str) or not isinstance(other, str):
        return str(value)[:_CUT]
    same = next((n for n, (a, b) in enumerate(zip(value, other, strict=False)) if a != b), min(len(value), len(other)))
    start = max(0, same - 20) if len(value) > _CUT or len(other) > _CUT else 0
    return ("…" if start else "") + value[start : start + _CUT]
