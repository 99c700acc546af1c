"""What a question says, as named features that votes are counted over: marks of intent, what is named, concepts and rules. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from assistant.routing.entities import Named, agency, named
from assistant.routing.intent import Intent, asking, intent
from assistant.routing.rules import Hits, hits
from vectorstore.records import SourceInfo

SENTENCE = re.compile(r"(?<=[.?!])\s+(?=[A-Z“\"'(])|\s*;\s+")
_PREAMBLE = re.compile(
    r"^(?:considering|given|in (?:light|view) of|assuming|now that|since|before|after|with|having|for|as) [^,?]*,\s+",
    re.I,
)
# How the question itself is put.
_SHAPE: Mapping[str, re.Pattern[str]] = {
    name: re.compile(pattern, re.I)
    for name, pattern in {
        "is": r"^(?:is|are)\b",
        "does": r"^(?:does|do)\b",
        "has": r"^(?:has|have)\b",
        "was": r"^(?:was|were|did|had)\b",
        "what": r"^what",
        "how much": r"^(?:by )?how (?:many|much|far|big|large|long|deep|high|wide|often|few)\b",
        "how": r"^how\b",
        "which": r"^which",
        "who": r"^(?:who|where|when)\b",
        "why": r"^(?:why|explain)\b",
        "says is": r"\b(?:is|are)\b",
        "says was": r"\b(?:was|were|did|had)\b",
        "modal": r"\b(?:will|would|could|might|should|may)\b",
        "if": r"\bif\b",
        "year": r"\b(?:19|20)\d\d\b",
        "fiscal": r"\b(?:fy ?\d*|fiscal)\b",
        "question": r"\?$",
        "still": r"\bstill\b",
        "quote": r"[\"“]",
        "percent": r"\d ?%",
        "what is": r"^what(?:['’]s| is| are) (?:an? )?[\w/-]+(?: [\w/-]+){0,2}\??$",
        "means": r"\b(?:mean(?:s|ing|t)?|defin\w+|explain\w*|difference between|computed|calculated)\b",
        "source first": r"^(?:according to|in|per|as|by)\b[^,?]{0,40}?\b(?:note|article|piece|text|report|paper|valens|russell investments|authors?|words|view|document)\b[^,?]{0,30},",
        "what's": r"^what(?:['’]s| is| are) an? ",
        "does somebody": r"^how (?:do|does|should|can)\b",
        "speaks": r"\b(?:management|ceo|cfo|executives?|authors?|article|note|piece|report|paper|10-?k|filing|page|chart|document|documents|base)\b",
    }.items()
}
_MARKS = ("now", "verify", "author", "sourced", "past", "asks", "command", "tool", "leans", "stated")
_SHORT, _LONG = 6, 20  # words


def main_part(part: str) -> str:
    """Return a question without the clause that leads up to it: what it says there is no question."""
    lead = _PREAMBLE.match(part)
    return part[lead.end() :] if lead and asking(part[lead.end() :]) else part


def hits_of(text: str, here: Named, whole: Named) -> Hits:
    """Return the rules that match a stretch of a question; what it does not name, the rest of the question may."""
    used = here if here.tickers else whole
    fund = any(t not in used.companies for t in used.tickers)
    return hits(text, entity=bool(here.tickers or whole.tickers), fund=fund, agency=agency(text) is not None)


def features(text: str, sources: Sequence[SourceInfo]) -> frozenset[str]:
    """Return the features of a question whose shorthand is written out."""
    sentences = [s for s in SENTENCE.split(text) if s.strip()] or [text]
    last = next((s for s in reversed(sentences) if asking(main_part(s))), sentences[-1])
    asked = re.sub(r"^(?:and|but|so|hi|hello|hey|please|ok|well)\b[,!]?\s+", "", main_part(last).strip(), flags=re.I)
    found = named(text, sources)
    said = hits_of(text, found, found)
    marks = _marks("whole", intent(text)) | _marks("asked", intent(asked))
    marks |= {f"shape:{name}" for name, pattern in _SHAPE.items() if pattern.search(asked)}
    marks |= {
        f"named:{name}"
        for name, there in {
            "symbol": found.symbols,
            "group": found.groups,
            "company": found.companies,
            "fund": any(t not in found.companies for t in found.tickers),
            "none": not found.tickers,
            "agency": agency(text),
        }.items()
        if there
    }
    size = len(text.split())
    marks |= {"size:short"} if size <= _SHORT else {"size:long"} if size > _LONG else set()
    marks |= {"size:sentences"} if len(sentences) > 1 else set()
    if said.plain:
        marks.add("rule:plain")
    marks |= {"rule:any"} if said.tools else set()
    return frozenset(marks | {f"rule:{t}" for t in said.tools} | {f"word:{n}" for n in said.names})


def _marks(of: str, meant: Intent) -> set[str]:
    return {f"{of}:{name}" for name in _MARKS if getattr(meant, name)}
