"""Which tools a question needs, and with which arguments: `route`. Pure and without a model.

A question for a level of today, or to check a statement against today, calls the tools that measure it; a question about
what somebody wrote, or about a period that is over, calls none. What no word marks as of today calls a tool only where the
measure or the fund is named as only a tool would have it ("the put/call ratio of IWM").
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from assistant.routing.arguments import arguments
from assistant.routing.entities import Named, agency, named
from assistant.routing.intent import Intent, asking, intent
from assistant.routing.rules import Hits, hits
from assistant.routing.shorthand import written_out
from vectorstore.records import SourceInfo

_SENTENCE = re.compile(r"(?<=[.?!])\s+(?=[A-Z“\"'(])|\s*;\s+")
_PART = re.compile(
    r"(?:,\s*|\s+)(?:and|but) (?=(?:what|how|who|when|which|why|where|does|do|is|are|has|have|by how|did)\b)|[,:]\s*(?=(?:how|what|where|which|is|are|does|do|has|have)\b)",
    re.I,
)
_PREAMBLE = re.compile(
    r"^(?:considering|given|in (?:light|view) of|assuming|now that|since|before|after|with|having|for|as) [^,?]*,\s+",
    re.I,
)
# What no document states.
_UNWRITTEN = frozenset({"embedded_expectations", "hedging"})
# "Check this: small caps …", "Is it true that small caps …": the statement behind it.
_SHORTEST = 3  # words that no claim has fewer than
_FILLER = r"(?:,? (?:today|now|still|currently|this|that|it|the following|for (?:me|us)|please|once more|again|(?:against|with) [^:“\"]{3,60}?))*"
_CLAIM = (
    re.compile(
        rf"\b(?:claims?|statements?|assertions?|notion|figures?|idea|thesis|assumption|view)\b(?: (?:by|of|from) [\w’'&. ]{{2,40}}?)?{_FILLER}"
        r"(?:\s*:|\s*,? that\b|(?=\s*[“\"‘]))\s*(?P<claim>.+)",
        re.I,
    ),
    re.compile(
        r"\b(?:true or false|true|right|correct|accurate|valid|the case|fact[- ]?check|double[- ]check|verify|check|confirm|validate|debunk|test|refute)"
        rf"(?: (?:claim|statement))?{_FILLER}(?:\s*[:–—-]\s|,? (?:that|whether|if)\b|(?=\s*[“\"‘]))\s*(?P<claim>.+)",
        re.I,
    ),
)
# "… . Check that against current data.": the statement before it, without who said it.
_CHECK = re.compile(
    r"(?:[.!?”\"]|\s[-–—])\s+(?:please |can you |could you |now )*(?:check|verify|fact[- ]?check|confirm|validate|double[- ]check|test) (?:that|this|it)\b[^:]*$",
    re.I,
)
_SAID_BY = re.compile(
    r"^(?:[^,.:]{0,60}?\b(?:say|says|said|wrote|writes|claims?|claimed|argues?|argued|insists?|insisted|reckons?|believes?|thinks?|states?|stated|notes?|noted|reports?|reported|read|heard|told (?:me|us))(?: that)?,?:? )",
    re.I,
)
_CLAIM_END = re.compile(
    r"\s*(?:[,–—-]?\s*(?:please|today|now|still|currently|against (?:today|current|live).*|with (?:today|current|live).*|(?:still |remains? )?(?:holds?|stands?|true|valid|right|correct|accurate)(?: up| true)?(?: (?:today|now|still|currently))?))*\s*[?.!”\"]*$",
    re.I,
)


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool by name, with the arguments that the question gives; what it does not give is left to the tool's default."""

    name: str
    arguments: Mapping[str, Any]


def route(question: str, *, today: date, sources: Sequence[SourceInfo] = ()) -> tuple[ToolCall, ...]:
    """Return the calls that a question needs, each once, in its order; () for a question that needs none."""
    text = " ".join(question.split())[:4000]
    checked = _claim(text)
    if checked is not None and (intent(text).stated or _testable(checked, today, sources)):
        return (ToolCall("verify_claim", {"claim": checked}),)
    text = written_out(text)
    whole = named(text, sources)
    calls: list[ToolCall] = []
    before: Intent | None = None
    for sentence in _SENTENCE.split(text):
        parts = _parts(sentence, sources, whole)
        meant = [intent(_main(p)) for p in parts]
        # "How cheap, and how indebted are they today?": the time is said once for all.
        today_ = any(m.now and not m.author for m in meant)
        for part, one in zip(parts, meant, strict=True):
            here = named(part, sources)
            said = _hits(part, here, whole)
            about = part
            if one.leans and not said.tools and (one.now or one.verify) and not one.author and before is not None:
                # "…, the note says. Is that still so?"
                about, here = text, whole
                said = _hits(text, whole, whole)
            one = replace(one, now=one.now or (today_ and not one.past))
            if said.tools and wanted(one, said, here, before):
                used = here if here.tickers else whole
                calls += [
                    ToolCall(t, a) for t in said.tools for a in arguments(t, about, used, said.names, today, sources)
                ]
            before = one
    unique: list[ToolCall] = []
    for call in calls:
        if call not in unique:
            unique.append(call)
    return tuple(unique)


def _main(part: str) -> str:
    """Return a question without the clause that leads up to it: what it says there is no question."""
    lead = _PREAMBLE.match(part)
    return part[lead.end() :] if lead and asking(part[lead.end() :]) else part


def _testable(claim: str, day: date, sources: Sequence[SourceInfo]) -> bool:
    """Whether a statement can be held against a figure; "check whether the index is still down" asks for the figure itself."""
    from assistant.tools.base import NoData
    from assistant.tools.worded import worded

    try:
        worded(claim, day, sources)
    except NoData:
        return not route(f"What is it now: {claim}?", today=day, sources=sources)
    return True


def _parts(sentence: str, sources: Sequence[SourceInfo], whole: Named) -> list[str]:
    """Return the questions in a sentence; what measures nothing by itself belongs to the one behind it."""
    found: list[str] = []
    start = 0
    for match in [*_PART.finditer(sentence), None]:
        end = match.start() if match else len(sentence)
        part = sentence[start:end]
        if match is None or (asking(part) and _hits(part, named(part, sources), whole).tools):
            if part.strip(" ?.,"):
                found.append(part)
            start = match.end() if match else end
    return found


def _hits(text: str, here: Named, whole: Named) -> Hits:
    named_ = here if here.tickers else whole
    fund = any(t not in named_.companies for t in named_.tickers)
    return hits(text, entity=bool(here.tickers or whole.tickers), fund=fund, agency=agency(text) is not None)


def wanted(meant: Intent, found: Hits, here: Named, before: Intent | None) -> bool:
    """Whether a sentence with a tool's concepts asks for its measure of today."""
    if meant.author:
        return False
    if meant.verify or meant.now:
        return True
    if meant.past or meant.sourced:
        return False
    if found.plain or (meant.command and meant.tool):
        return True
    if not meant.asks:
        return False
    # A fund's ticker is asked of the market; a company's may be one of the base, whose filings answer.
    if any(t not in here.companies for t in here.symbols) or (here.symbols and _UNWRITTEN & set(found.tools)):
        return True
    if meant.command and ("macro" in found.tools or any(t not in here.companies for t in here.tickers)):
        return True
    # "…, and how concentrated is it?" goes on from a question of today.
    return before is not None and before.now and not before.author


def _claim(text: str) -> str | None:
    """Return the statement that a question wants checked, where it spells one out."""
    meant = intent(text)
    if not meant.verify or meant.author:
        return None
    check = _CHECK.search(text)
    if check:
        stated = [s for s in _SENTENCE.split(text[: check.start() + 1]) if s.strip()][-1]
        claim = _SAID_BY.sub("", stated).strip(" .?!\"“”'")
        return claim if len(claim.split()) > _SHORTEST and not asking(stated) else None
    for pattern in _CLAIM:
        match = pattern.search(text)
        if match:
            claim = _CLAIM_END.sub("", match["claim"]).strip(" .?!\"“”'")
            if len(claim.split()) > _SHORTEST:
                return claim
    return None
