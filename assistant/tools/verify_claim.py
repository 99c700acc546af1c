"""A claim's own figure and date beside the tool's, as of that date and as of today: confirmed, refuted, changed or untestable."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, Literal

from pydantic import Field, ValidationError

from assistant.models import Metric, ToolResult
from assistant.tools.base import Arguments, Context, Draft, NoData, Tool, ToolFailure
from assistant.tools.claim_source import said_in
from assistant.tools.claims import Claim, Found, claims, holds, select, verdict
from assistant.tools.worded import worded

NAME = "verify_claim"


class ClaimArguments(Arguments):
    claim: str = Field("v-drawdown", description="A claim by its id (docs/tools/claims.md) or in words")
    tool: str = Field("", description="For a claim of your own: the tool that checks it")
    metric: str = Field("", description="For a claim of your own: which of the tool's metrics")
    subject: str = Field("", description="For a claim of your own: whose metric; empty for the first")
    value: float | None = Field(
        None, description="For a claim of your own: the figure that is claimed", allow_inf_nan=False
    )
    compare: Literal["about", "at_least", "at_most"] = Field("about", description="How the figure is claimed")
    tolerance: float | None = Field(None, ge=0, description="For about: how far off still counts (default: a tenth)")
    claimed_on: date | None = Field(None, description="For a claim of your own: the day it was made")
    arguments: str = Field("{}", description="For a claim of your own: the tool's arguments, as a JSON object")


def _claim(a: ClaimArguments, context: Context) -> Claim:
    if not a.claim.strip() and not a.tool:
        raise NoData("No claim was given.", f"Give claim in words, or one of: {', '.join(claims())}.")
    if not a.tool:
        known = context.documents.sources() if context.documents is not None else ()
        made = worded(a.claim, a.claimed_on or context.day, known)
        return made if made.id != "own" or a.value is None else replace(made, value=a.value, compare=a.compare)
    from assistant.tools.registry import tools

    if a.tool not in tools() or a.tool == NAME:
        raise NoData(
            f"No tool {a.tool!r} can check a claim.", f"Tools are: {', '.join(n for n in tools() if n != NAME)}."
        )
    missing = [name for name in ("metric", "value") if getattr(a, name) in ("", None)]
    if missing:
        raise NoData(f"The claim lacks {' and '.join(missing)}.", "Give metric and value beside tool.")
    try:
        given = json.loads(a.arguments)
        tools()[a.tool].arguments.model_validate(given)
    except (ValueError, ValidationError) as error:
        raise NoData(
            f"arguments = {a.arguments!r} are not those of {a.tool}.", 'For example: {"ticker": "IWM"}'
        ) from error
    return Claim(
        id="own", text=a.claim if a.claim != "v-drawdown" else f"{a.metric} is {a.value}", publisher="as given",
        claimed_on=a.claimed_on or context.day, tool=a.tool, metric=a.metric, subject=a.subject, compare=a.compare, unit="",
        value=a.value, tolerance=a.tolerance, arguments=given,
    )  # fmt: skip


def _run(a: ClaimArguments, context: Context) -> ToolResult:
    draft = Draft(NAME, a.model_dump(mode="json"))
    if context.as_of is not None:
        draft.resolved(as_of=context.as_of.isoformat())
    try:
        claim = _claim(a, context)
        if context.as_of is None and claim.claimed_on > context.today + timedelta(days=1):
            raise NoData(
                f"The claim is dated {claim.claimed_on}, which is still to come.", "Give the day on which it was made."
            )
        if context.as_of is not None and claim.claimed_on > context.as_of:
            raise NoData(
                f"The claim was made on {claim.claimed_on}, after {context.as_of}.", "Take a later as-of date."
            )
    except ToolFailure as failure:
        return draft.result(failure)
    draft.arguments = {key: draft.arguments[key] for key in ("as_of",) if key in draft.arguments}
    draft.resolved(
        claim=claim.id, text=claim.text, claimed=claim.figure(), claimed_on=claim.claimed_on.isoformat(), tool=claim.tool,
        metric=claim.metric, subject=claim.subject, arguments=dict(claim.arguments),
    )  # fmt: skip
    now, live = _asked(claim, context, draft)
    then = now
    if claim.claimed_on < context.day:
        then, _ = _asked(claim, replace(context, as_of=claim.claimed_on), None)
    return _told(claim, then, now, live, said_in(claim, context), draft)


def _asked(claim: Claim, context: Context, draft: Draft | None) -> tuple[Found, ToolResult]:
    from assistant.tools.registry import call

    result = call(claim.tool, claim.arguments, context)
    if draft is not None:
        draft.cached, draft.stale = result.cached, result.stale
        draft.retrieved += [result.retrieved_at] if result.retrieved_at else []
        for text in result.warnings:
            draft.warn(text)
    found = select(result.metrics, claim)
    if found.metric is None and result.error is not None:
        found = Found(None, None, result.error.message)
    return found, result


def _told(
    claim: Claim, then: Found, now: Found, live: ToolResult, article: list[dict[str, Any]], draft: Draft
) -> ToolResult:
    holds_now = holds(claim, now)
    # A claim of today that does not hold has not changed: it is wrong.
    held = holds(claim, then) if then is not now else holds_now
    word = verdict(held, holds_now)
    draft.add(
        "claimed", claim.text, claim.value, claim.unit or (now.metric.unit if now.metric else ""), as_of=claim.claimed_on,
        source=claim.publisher, method="reported", formula=claim.figure(),
        inputs=[
            {"claim": claim.id, "low": claim.low, "high": claim.high, "other": claim.other, "reading": claim.reading}, *article,
        ],
    )  # fmt: skip
    for name, found in (("then", then), ("now", now)):
        if found.metric is not None and (name == "now" or then is not now):
            inputs = _behind(claim, found, curves=name == "now")
            draft.metrics.append(found.metric.model_copy(update={"name": name, "inputs": tuple(inputs)}))
    draft.add(
        "verdict", claim.text, None, word, as_of=now.metric.as_of if now.metric else claim.claimed_on, source=claim.tool,
        formula=_reason(claim, then, now, held, holds_now),
        inputs=[{"verdict": word, "held_then": held, "holds_now": holds_now}],
    )  # fmt: skip
    if claim.reading:
        draft.warn(f"How the claim is read: {claim.reading}.")
    result = draft.result()
    if now.metric is None:
        # The claim's own figure is no live value: the result has the status of the tool that lacks one.
        status = live.status if live.status != "ok" else "no_data"
        error = live.error or _lacking(now, live)
        return result.model_copy(update={"status": status, "error": error})
    return result


def _behind(claim: Claim, found: Found, *, curves: bool) -> list[dict[str, Any]]:
    """Return what a figure is: which of the tool's, what it is held against, and the tool's own inputs of both.

    ``curves``: with the series and grids, which show how the figure of now came about.
    """

    def own(metric: Metric) -> list[dict[str, Any]]:
        return [one for one in metric.inputs if curves or not {"series", "rows"} & set(one)]

    assert found.metric is not None
    inputs: list[dict[str, Any]] = [{"name": found.metric.name, "tool": claim.tool}]
    if found.other is not None:
        beside = found.other
        inputs.append({"name": beside.name, "against": beside.subject, "value": beside.value, "source": beside.source})
    inputs += own(found.metric)
    if found.other is not None:
        inputs += [{"of": found.other.subject, **one} for one in own(found.other)]
    return inputs


def _reason(claim: Claim, then: Found, now: Found, held: bool | None, holds_now: bool | None) -> str:
    def said(found: Found, bears: bool | None, day: str) -> str:
        if found.metric is None:
            return f"{day}: not known ({found.why})"
        beside = (
            f" against {found.other.value:.4g} of {found.other.subject}"
            if found.other and found.other.value is not None
            else ""
        )
        fits = {True: "bears it out", False: "does not", None: "no figure to compare with"}[bears]
        return f"{day}: {found.value:.4g} {found.metric.unit}{beside}, as of {found.metric.as_of}: {fits}"

    earlier = f"{said(then, held, 'then')}; " if then is not now else ""
    return f"claimed {claim.figure()} on {claim.claimed_on}; {earlier}{said(now, holds_now, 'now')}"


def _lacking(now: Found, live: ToolResult) -> Any:
    from assistant.tools.base import as_failure

    return as_failure(
        NoData(f"There is no live figure: {now.why}.", " ".join(live.warnings[:3]) or "See its docs page.")
    )


TOOL = Tool(
    NAME,
    "Whether a claim of an article still holds: its own figure and date beside the live one, with a verdict.",
    ClaimArguments,
    ("those of the tool that checks it",),
    _run,
)
