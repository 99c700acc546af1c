"""A claim held against live data by verify_claim, and what follows from its result: open, confirmed, refuted, changed or untestable."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from assistant.catalysts.claim_entries import Check
from assistant.catalysts.claim_measures import Check as Measured
from assistant.catalysts.claim_measures import measures
from assistant.catalysts.claims import Claim, Outcome
from assistant.models import ToolResult
from vectorstore.names import fold

TOOL = "verify_claim"
NOT_ASKED = "not_asked"  # the status of a check for which there is no tool
# (name of a tool, arguments, as-of day or None) -> its result
Call = Callable[[str, Mapping[str, Any], str | None], ToolResult]


@dataclass(frozen=True, slots=True)
class Plan:
    """How a claim is put to verify_claim. ``day``: the as-of day of the call; ``future``: it is not due by then."""

    arguments: Mapping[str, Any]
    day: str | None
    future: bool
    tool: str  # that measures it
    reading: str = ""


def check(claim: Claim, call: Call, *, today: date, as_of: str | None = None) -> tuple[Check, str]:
    """Check one claim; return the check, not yet kept, and the tool that measured it ("" for none).

    Nothing after ``as_of`` (default: today) is used.
    """
    last = as_of or today.isoformat()
    made = plan(claim, last, as_of)
    if isinstance(made, str):
        future = bool(claim.due and claim.due > last)
        reason = f"It is due on {claim.due}; {made}" if future else made
        outcome: Outcome = "open" if future else "untestable"
        return Check(claim.claim_id, claim.document_id, _now(), last, outcome, NOT_ASKED, reason, {}), ""
    result = call(TOOL, made.arguments, made.day)
    outcome, reason = read(result, made, claim)
    used = min(last, made.day) if made.day else last
    if made.reading:
        reason = f"{reason} ({made.reading})"
    asked = {"tool": TOOL, "arguments": dict(made.arguments), "as_of": made.day}
    figured = figures(result)
    return Check(
        claim.claim_id, claim.document_id, _now(), used, outcome, result.status, reason, asked, figured
    ), made.tool


def plan(claim: Claim, last: str, as_of: str | None) -> Plan | str:
    """Return how a claim is checked on the day ``last``, or why it cannot be."""
    if claim.published is None:
        return "its document has no date, so that the day it was made is not known."
    future = claim.kind != "state" and (claim.due is None or claim.due > last)
    # A forecast that is due is held against the figure of its due day; all else against the day it was made, and now.
    on = claim.published if future or claim.kind == "state" or claim.due is None else claim.due
    day = claim.due if not future and claim.kind != "state" and claim.due else as_of
    known = _article_claim(claim)
    if known is not None and (future or claim.kind == "state"):
        return Plan({"claim": known}, day, future, _tool_of(known))
    found = (
        next((c for c in measures()[claim.measure].checks if _applies(c, claim)), None)
        if claim.measure in measures()
        else None
    )
    if found is None:
        return f"no tool measures {claim.measure_label} of {claim.subject}."
    given = dict(found.fixed)
    reading = ""
    if found.argument == "region":
        given["region"] = claim.region
    elif found.argument:
        given[found.argument] = claim.subject_tool
        if claim.scope == "market" and fold(claim.subject_tool) != fold(claim.subject):
            reading = f"{claim.subject} are measured on the {claim.subject_tool}"
    value, tolerance, compare = _figure(claim, found)
    arguments: dict[str, Any] = {
        "claim": claim.statement, "tool": found.tool, "metric": found.metric, "value": value, "compare": compare, "claimed_on": on,
        "arguments": json.dumps(given),
    }  # fmt: skip
    if claim.scope == "market" and found.argument == "ticker":
        arguments["subject"] = claim.subject_tool
    if tolerance is not None:
        arguments["tolerance"] = tolerance
    return Plan(arguments, day, future, found.tool, reading)


def _applies(one: Measured, claim: Claim) -> bool:
    if one.holder and claim.holder != one.holder:
        return False
    if not one.holder and claim.holder == "market" and one.metric == "roa_now":
        return False
    if one.of and claim.scope != one.of:
        return False
    if claim.change and not one.flip and claim.unit != "pp":
        return False  # by how much a level moves is not what the tools measure
    if one.argument == "region":
        return bool(claim.region)
    if claim.region:
        return False
    return not one.argument or bool(claim.subject_tool)


def _figure(claim: Claim, one: Measured) -> tuple[float, float | None, str]:
    """Return value, tolerance and comparison as verify_claim takes them."""
    scale = 0.01 if claim.unit == "bp" else 1.0
    if claim.compare == "between" and claim.low is not None and claim.high is not None:
        middle, room, compare = (claim.low + claim.high) / 2 * scale, abs(claim.high - claim.low) / 2 * scale, "about"
    else:
        middle, room, compare = (claim.value or 0.0) * scale, None, claim.compare
    if compare == "is":
        compare = "about"
    if one.flip:
        return -abs(middle), room, {"at_least": "at_most", "at_most": "at_least"}.get(compare, compare)
    return middle, room, compare


def _article_claim(claim: Claim) -> str | None:
    """Return the claim of data/claims.toml that this is: the same publisher, day and figure."""
    from assistant.tools.claims import claims

    wanted = (abs(claim.value),) if claim.value is not None else (claim.low, claim.high)
    found = []
    for one in claims().values():
        stated = (abs(one.value),) if one.value is not None else (one.low, one.high)
        if (
            fold(one.publisher) == fold(claim.publisher)
            and one.claimed_on.isoformat() == claim.published
            and stated == wanted
        ):
            found.append(one.id)
    return found[0] if len(found) == 1 else None


def _tool_of(article_claim: str) -> str:
    from assistant.tools.claims import claims

    return claims()[article_claim].tool


def read(result: ToolResult, made: Plan, claim: Claim) -> tuple[Outcome, str]:
    """Return what a result of verify_claim says of a claim, and why."""
    verdict = next((m for m in result.metrics if m.name == "verdict"), None)
    said = verdict.formula if verdict and verdict.formula else ""
    if result.error is not None:
        said = f"{said}. {result.error.message}".strip(". ") + "."
    if made.future:
        when = f"It is due on {claim.due}" if claim.due else "It names no day on which it is due"
        return "open", f"{when}; {said}"
    word = verdict.unit if verdict is not None else ""
    if word in {"confirmed", "refuted", "changed"}:
        return word, said  # type: ignore[return-value]
    # Without a figure nothing is decided: a source may be switched on later.
    return (
        "untestable" if result.status == "ok" else "open"
    ), said or f"verify_claim gave no verdict ({result.status})."


def figures(result: ToolResult) -> tuple[Mapping[str, Any], ...]:
    """Return the figures of a result that a check keeps."""
    return tuple(
        {
            "name": m.name, "subject": m.subject, "value": m.value, "unit": m.unit, "as_of": m.as_of, "period": m.period, "source": m.source,
            "source_url": m.source_url, "formula": m.formula,
        }
        for m in result.metrics
        if m.name in {"claimed", "then", "now"}
    )  # fmt: skip


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
