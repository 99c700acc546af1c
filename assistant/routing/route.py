"""Which tools a question needs, and with which arguments: `route`. Pure and without a model.

A question for a level of today, or to check a statement against today, calls the tools that measure it; a question about
what somebody wrote, or about a period that is over, calls none. Which it is, and which tools, is voted on
(assistant/routing/votes.py); a statement that is spelled out, and the arguments, are read by patterns.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from assistant.routing.arguments import arguments
from assistant.routing.entities import Named, named
from assistant.routing.features import SENTENCE, hits_of
from assistant.routing.intent import asking, intent
from assistant.routing.shorthand import written_out
from assistant.routing.votes import Encode, Votes, Weights, votes
from vectorstore.records import SourceInfo

VERIFY = "verify_claim"
_PART = re.compile(
    r"(?:,\s*|\s+)(?:and|but) (?=(?:what|how|who|when|which|why|where|does|do|is|are|has|have|by how|did)\b)|[,:]\s*(?=(?:how|what|where|which|is|are|does|do|has|have)\b)",
    re.I,
)
_IT = re.compile(r"\b(?:it|they)\b[^?]*\b(?:against|versus|vs|relative to|compared (?:to|with)|than)\b", re.I)
# "Check this: small caps …", "Is it true that small caps …": the statement behind it.
_EQUAL = 1e-9
_SHORTEST = 3  # words that no claim has fewer than
_FILLER = r"(?:,? (?:today|now|still|currently|this|that|it|the following|for (?:me|us)|please|once more|again|(?:against|with) [^:“\"]{3,60}?))*"
_CLAIM = (
    re.compile(r"[“\"](?P<claim>[^”\"]{12,})[”\"]"),
    re.compile(
        r"^(?:is|are|was) what [^?]{2,40}? (?:says?|said|writes?|wrote|claims?|claimed|states?|stated) (?:about|of|on) (?P<claim>[^?]+?) (?:still |really )*(?:true|right|correct|accurate|valid|so|the case)\b[^?]*\?$",
        re.I,
    ),
    re.compile(r"^(?:true|correct|right|really)\?\s+(?P<claim>[^?]+)$", re.I),
    re.compile(
        r"^(?:does|do|is|are|has|have|did) (?P<claim>[^?]*\b(?:figures?|numbers?|claims?|statements?|estimates?|assertions?)\b[^?]*?) (?:still |really |actually |remain )*"
        r"(?:stands?|holds?|held|true|right|correct|accurate|valid|outdated|out of date|up to date|been (?:overtaken|confirmed|refuted))\b[^?]*\?$",
        re.I,
    ),
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
# "… . Still true?", "… . Does that hold today?"
_STANDS = re.compile(
    r"(?:[.!?][”\"]?|[”\"],?|\s[-–—])\s+(?:so |and |but |now |well,? )*(?:(?:is|does|do|has|would|did) (?:that|this|it|they|the)(?: (?:claim|statement|figure|number|assertion|view))? )?"
    r"(?:(?:still|really|actually|even) )*(?:true|right|correct|accurate|valid|holds?|so|the case|stands?|outdated|out of date|up to date|false|been confirmed|wrong)\b[^.?!]{0,60}\?[”\"]?$",
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


LIVE_FROM, TOOL_FROM, CLAIM_FROM = 0.5, 0.4, 0.5  # chances
BEST_FROM = 0.25  # of the likeliest tool of a question that asks for a live figure
HIT_FROM = 0.2  # of a tool whose own words stand in the question beside another's


def route(
    question: str,
    *,
    today: date,
    sources: Sequence[SourceInfo] = (),
    encode: Encode | None = None,
    weighed: Weights | None = None,
    checks: bool = True,
) -> tuple[ToolCall, ...]:
    """Return the calls that a question needs, each once, in its order; () for a question that needs none.

    ``encode``: all-MiniLM-L6-v2, whose embedding of the question is voted over too; ``weighed``: in place of the shipped weights;
    ``checks`` False: no call of verify_claim, and no tool that is not likely by itself (what measures a statement?).
    """
    text = " ".join(question.split())[:4000]
    checked = _claim(text) if checks else None
    if checked is not None and (intent(text).stated or _testable(checked, today, sources)):
        return (_verify(checked, today, sources),)
    text = written_out(text)
    if not any(c.isalpha() for c in text):
        return ()
    said = votes(text, sources, encode, weighed)
    if said.live <= LIVE_FROM:
        return ()
    if checks and said.tools[VERIFY] > max(CLAIM_FROM, *(p for t, p in said.tools.items() if t != VERIFY)):
        stated = _stated(text, today, sources)
        return (_verify(stated or text.strip(" .?!"), today, sources),)
    chosen = _chosen(
        said, hits_of(text, whole := named(text, sources), whole).tools, BEST_FROM if checks else TOOL_FROM
    )
    return _calls(text, chosen, today, sources)


def _chosen(said: Votes, hit: Sequence[str], best_from: float) -> list[str]:
    chances = {t: p for t, p in said.tools.items() if t != VERIFY}
    best = max(chances, key=lambda t: chances[t])
    return [t for t, p in chances.items() if p > (HIT_FROM if t in hit else TOOL_FROM) or (t == best and p > best_from)]


def _calls(text: str, chosen: Sequence[str], today: date, sources: Sequence[SourceInfo]) -> tuple[ToolCall, ...]:
    """Return the calls of the chosen tools, with the arguments of that part of the question which speaks of each."""
    whole = named(text, sources)
    parts = [p for s in SENTENCE.split(text) for p in _parts(s, sources, whole)]
    read = [(part, named(part, sources)) for part in parts]
    spoken = [(part, here, hits_of(part, here, whole)) for part, here in read]
    everything = (text, whole, hits_of(text, whole, whole))
    calls: list[tuple[int, ToolCall]] = []
    for tool in chosen:
        mine = [n for n, (_, _, said) in enumerate(spoken) if tool in said.tools]
        for n in mine or [len(spoken)]:
            part, here, said = spoken[n] if mine else everything
            used = here if here.tickers and not _goes_on(part, here, whole) else whole
            # What is asked of one tool only may be said anywhere: "…, and who are the top 10?"
            about = text if len(chosen) == 1 and len(mine) <= 1 else part
            place = 100 * n + (said.tools.index(tool) if tool in said.tools else 99)
            calls += [(place, ToolCall(tool, a)) for a in arguments(tool, about, used, said.names, today, sources)]
    unique: list[ToolCall] = []
    for _, call in sorted(calls, key=lambda one: one[0]):
        if call not in unique:
            unique.append(call)
    # "Is it concentrated? What is its top ten?": the call that says more stands for both.
    return tuple(
        one
        for one in unique
        if not any(
            o.name == one.name
            and (o.arguments.items() > one.arguments.items() or (one.arguments == {"series": "rates"} and o != one))
            for o in unique
        )
    )


def _goes_on(part: str, here: Named, whole: Named) -> bool:
    """Whether a part speaks of what was named before it: "…, and is it cheap against the S&P 500?"."""
    return bool(_IT.search(part)) and len(here.tickers) == 1 and whole.tickers[0] not in here.tickers


def _verify(claim: str, day: date, sources: Sequence[SourceInfo]) -> ToolCall:
    """Return the check of a claim: by its id, where the words are those of an article's."""
    known = _article(claim, day, sources)
    return ToolCall(VERIFY, {"claim": known or claim})


def _article(claim: str, day: date, sources: Sequence[SourceInfo]) -> str | None:
    from assistant.tools.base import NoData
    from assistant.tools.claims import claims
    from assistant.tools.worded import worded

    try:
        found = worded(claim, day, sources)
    except NoData:
        return None
    if found.id in claims():
        measured = route(f"What is it now: {claim}?", today=day, sources=sources, checks=False)
        return found.id if not measured or claims()[found.id].tool in {c.name for c in measured} else None
    same = [
        one.id
        for one in claims().values()
        if (one.tool, one.metric) == (found.tool, found.metric)
        and None not in (one.value, found.value)
        and abs(abs(one.value or 0) - abs(found.value or 0)) < _EQUAL
        and named(claim, sources).tickers[:1] == named(one.text).tickers[:1]
    ]
    return same[0] if len(same) == 1 else None


def _stated(text: str, day: date, sources: Sequence[SourceInfo]) -> str | None:
    """Return what a question wants checked where no pattern says so: a claim by its id, the statement, or an article's claim."""
    from assistant.tools.claims import claims

    for word in re.findall(r"\b[a-z]+(?:-[a-z]+)+\b", text.lower()):
        if word in claims():
            return str(word)
    sentences = [s for s in SENTENCE.split(text) if s.strip()]
    told = [_SAID_BY.sub("", s).strip(" .?!\"“”'") for s in sentences if not asking(s)]
    told = [s for s in told if len(s.split()) > _SHORTEST]
    for claim in [*told, text]:
        if (claim != text and _testable(claim, day, sources)) or _article(claim, day, sources):
            return claim
    return None


def _testable(claim: str, day: date, sources: Sequence[SourceInfo]) -> bool:
    """Whether a statement can be held against a figure; "check whether the index is still down" asks for the figure itself."""
    from assistant.tools.base import NoData
    from assistant.tools.worded import worded

    try:
        worded(claim, day, sources)
    except NoData:
        return not route(f"What is it now: {claim}?", today=day, sources=sources, checks=False)
    return True


def _parts(sentence: str, sources: Sequence[SourceInfo], whole: Named) -> list[str]:
    """Return the questions in a sentence; what measures nothing by itself belongs to the one behind it."""
    found: list[str] = []
    start = 0
    for match in [*_PART.finditer(sentence), None]:
        end = match.start() if match else len(sentence)
        part = sentence[start:end]
        if match is None or (asking(part) and hits_of(part, named(part, sources), whole).tools):
            if part.strip(" ?.,"):
                found.append(part)
            start = match.end() if match else end
    return found


def _claim(text: str) -> str | None:
    """Return the statement that a question wants checked, where it spells one out."""
    meant = intent(text)
    check = _STANDS.search(text)
    if not check and (not meant.verify or meant.author):
        return None
    check = check or _CHECK.search(text)
    if check:
        stated = [s for s in SENTENCE.split(text[: check.start() + 1]) if s.strip()][-1]
        claim = _SAID_BY.sub("", stated).strip(" .?!\"“”'")
        return claim if len(claim.split()) > _SHORTEST and not asking(stated) else None
    for pattern in _CLAIM:
        match = pattern.search(text)
        if match:
            claim = _CLAIM_END.sub("", match["claim"]).strip(" .?!\"“”'")
            if len(claim.split()) > _SHORTEST:
                return claim
    return None
