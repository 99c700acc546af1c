"""What makes a sentence a claim: words that look ahead and whose view they tell, words of a present state, and what it must not be. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ADV = r"(?:(?:now|still|also|currently|generally|again|conservatively|continue|continues|do|does|would|can|clearly|fully|just|only|really|remain|today)\s+(?:to\s+)?)*"
_WHO = (
    r"(?P<who>\b(?:we|I|they|it|analysts?|economists?|strategists?|forecasters?|investors?|wall\s+street|(?:the\s+)?consensus|(?:the\s+)?markets?|(?:the\s+)?(?:bond|stock|options?|futures)\s+markets?|"
    r"management|(?:the\s+)?company|prices|futures|(?:the\s+)?(?:fed|federal\s+reserve|imf|oecd|congressional\s+budget\s+office|cbo)))"
)
_NAMED = r"(?P<who>(?-i:(?<!in )(?<!of )(?<!at )(?<!for )(?<!from )(?<!and )\b(?!(?:The|Our|This|That|These|Those|An?|In|For|It|We|Its|And|But|As|If|On|At)\b)[A-Z][\w&.’'-]+(?:\s+(?:of\s+|&\s+)?[A-Z][\w&.’'-]+){0,3}))"
_VERBS = r"(?:continues\s+to\s+(?:expect|anticipate|forecast|project|target)|expects|anticipates|forecasts|projects|predicts|foresees|guides|estimates|(?:plans|intends|aims|targets)\s+(?:to|for|on))"
_VERB = r"(?:expects?|anticipates?|forecasts?|projects?|predicts?|foresees?|envisions?|guides?|estimates?|looks?\s+for)"
_TO_VERB = r"(?:plans?|intends?|aims?|targets?|hopes?|commits?|committed)\s+(?:to|for|on)"
_ACTS = r"(?:be|reach|grow|total|exceed|add|generate|contribute|fall|rise|increase|decrease|decline|save|cost|spend|invest|deliver|achieve|approach|average|stay|remain|come\s+in|hit|represent|account|range|yield|outperform|trade|double|expand|improve|drop|slow|climb|approximate|require|result\s+in|provide|bring|end|equal|gain|produce|ship|realize)"
_IS = r"(?:is|are|be|'s|’s|'re|’re|remains?|now|continues?\s+to\s+be)"
_EXPECTED = r"(?:expected|anticipated|forecast(?:ed)?|projected|estimated|targeted|planned|likely|set|poised|scheduled|slated|budgeted|on\s+track|on\s+pace|on\s+target|well\s+positioned)"
_NOUN = r"(?P<noun>guidance|outlook|forecasts?|targets?|goals?|projections?|objectives?|expectations?)"
_CUES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern, re.I))
    for name, pattern in (
        ("active", rf"{_WHO}(?:,[^,]{{3,60}},)?\s+{_ADV}(?:{_VERB}|{_TO_VERB})\b"),
        ("active", rf"{_NAMED}(?:,[^,]{{3,60}},)?\s+{_ADV}{_VERBS}\b"),
        ("active", rf"{_WHO}\s*(?:is|are|am|'s|’s|'m|’m|'re|’re)\s+{_ADV}(?:expecting|anticipating|forecasting|projecting|targeting|guiding|planning|pricing\s+in|modeling|estimating)\b"),
        ("passive", rf"{_IS}\s+{_ADV}{_EXPECTED}\b\s+(?:to|at|for|between|in)\b"),
        ("noun", rf"\b{_NOUN}(?:\s+range)?(?:\s+(?:for|of|is|are|to|remains?|at|in|our|calls?\s+for|impl(?:y|ies)|assumes?|includes?|at\s+the\s+midpoint)\b|\s*:)"),
        ("will", rf"\b(?:will|should|shall|'ll|’ll)\s+(?:not\s+)?{_ADV}(?:\w+ly\s+)?{_ACTS}\b"),
        ("likely", r"\b(?:likely|set|poised|on\s+track|on\s+pace)\s+to\s+\w+"),
    )
)  # fmt: skip
# What stands between the cue and the figure and says that the figure is no part of what is expected.
_BARRIER = re.compile(
    r";|\b(?:compar(?:ed|ing|es)\s+(?:to|with)|versus|vs\.?|previously|originally|prior|while|whereas|which|could|would|might|may|if|was|were|had|has|have|than|due\s+to|because|based\s+on|"
    r"exclud\w+|net\s+of|includ\w+|consist\w+|comprised|of\s+which|off\s+of|from|after|following|despite|given|reflect\w+|when|until|since|assum\w+|"
    r"relative\s+to|in\s+addition\s+to|on\s+top\s+of|instead\s+of|rather|but|unless|subject\s+to|related\s+to|associated\s+with|resulting)\b|(?-i:[a-z0-9%)]\.(?=[A-Z]))|\d\S*(?:\s+[mbt]r?illion)?[^;.]{0,20},\s+with\b|\b(?:with|plus)\s+[$€£]?\d[^;]{0,40}\bfor\b",
    re.I,
)
_COMPARATIVE = re.compile(
    r"\b(?:more|less|greater|fewer|higher|lower|better|later|rather|other|no\s+more|no\s+less)\s+than\b", re.I
)
_RANGE_FROM = re.compile(r"\b(?:rang\w*|increas\w*|grow\w*|stay|remain)\s+(?:\w+\s+)?from\b", re.I)
_PAST = re.compile(
    r"\b(?:than|as|was|were|been|had|previously|originally|initially|not)\s+(?:\w+\s+){0,2}(?:expected|anticipated|estimated|projected|forecast|targeted)\b"
    r"|\b(?:expected|anticipated|projected|estimated)\s+(?:to\s+(?:be\s+)?(?:recogni[sz]ed|amorti[sz]ed|vest|settle|reclassified))",
    re.I,
)
_HYPOTHESIS = re.compile(
    r"\b(?:hypothetical\w*|sensitivity|if\s+(?!any\b|needed\b|you\s+(?:look|think)\b)|assuming\s+(?:that\s+)?(?:an?|we|all|no)\b|for\s+(?:example|instance)|suppose|imagine|"
    r"(?:basis|percentage)[- ]points?\s+(?:change|increase|decrease|shift)|(?:one|1|10|100)\s*(?:%|percent|percentage[- ]point|basis[- ]points?)\s+(?:change|increase|decrease)|"
    r"would\s+(?!expect|anticipate|estimate|say|think|note)|no\s+assurance)",
    re.I,
)
_LEGAL = re.compile(
    r"\b(?:participants?|lenders?|borrowers?|hereunder|herein|thereof|thereunder|hereof|pursuant\s+to|indemnif\w*|plan\s+year|agreement|covenants?|trustee|eligible\s+employee|executive|"
    r"award(?:s|ed)?\s+(?:under|shall)|vest(?:s|ed|ing)?|restricted\s+stock|performance\s+(?:share|stock|unit)s?|stock\s+options?|incentive\s+plan|base\s+salary|annual\s+bonus|severance|"
    r"committee|termination\s+date|guarant(?:ee|or)s?|aggregate\s+principal|lawsuit|plaintiffs?|settlement|class\s+action|complaint|authoriz(?:ed|ation)\s+(?:the\s+)?(?:repurchase|issuance)|"
    r"useful\s+li(?:fe|ves)|black[- ]scholes|volatility|risk[- ]free|grant[- ]date|fair\s+value|discount\s+rates?|expected\s+(?:long[- ]term\s+)?(?:rate\s+of\s+)?returns?\s+on\s+(?:plan\s+)?assets|"
    r"health\s*care\s+cost\s+trend|unrecogni[sz]ed|actuarial|maximum\s+potential|contractual(?:ly)?|statutory|par\s+value|press\s+(?:star|\*|\d)|webcast|conference\s+call)\b",
    re.I,
)
# Two of these together are about pay or plans even where one alone is not.
_STATE = re.compile(
    r"\b(?:is|are|has|have|stands?|trades?|yields?|carr(?:y|ies)|makes?\s+up|account(?:s)?\s+for|represents?|comprises?|constitutes?|ranges?|remains?|covers?|receives?|covered|sells?|"
    r"earns?|holds?|derives?|generates?|owns?|uses?|pays?|costs?|since|currently|today|now|runs?|sits?|exceeds?)\b",
    re.I,
)
_SINCE = re.compile(
    r"\b(?:since|so\s+far|year[- ]to[- ]date|over\s+the\s+(?:last|past)|in\s+the\s+(?:last|past)|recently|now|currently|today)\b",
    re.I,
)
_NEVER = re.compile(r"\b(?:did\s+not|does\s+not|has\s+not|have\s+not|never)\s+(?:exceed|reach|fall|rise)\w*", re.I)
_PAST_VERB = re.compile(
    r"\b(?:was|were|had|did|rose|fell|grew|slid|slipped|dropped|declined|increased|decreased|gained|lost|climbed|jumped|plunged|sold|bought|paid|earned|reported|stood|reached|peaked|closed|began|"
    r"became|came|went|made|took|announced|recorded|received|generated|totaled|amounted|ended|traded|returned|outperformed|underperformed|cost)\b",
    re.I,
)  # fmt: skip
_HOLDERS = (
    (re.compile(r"\b(?:markets?|investors?|prices|futures)\b", re.I), "market"),
    (re.compile(r"\b(?:analysts?|economists?|strategists?|forecasters?|consensus|wall\s+street)\b", re.I), "analysts"),
)
_SOURCE = re.compile(
    r"\b(?:[Aa]ccording\s+to|[Pp]er|[Ee]stimates\s+(?:from|by)|[Dd]ata\s+(?:from|by))\s+(?P<name>[A-Z][\w&.’'-]+(?:\s+(?:of\s+)?[A-Z][\w&.’'-]+){0,3})"
)
_OURS = re.compile(r"(?:we|i|it|they|management|(?:the\s+)?company)", re.I)
# What begins a sentence without being a name: "Capital expenditures are expected …".
_MOVED_GUIDANCE = re.compile(
    r"\b(?:increas|rais|lower|reduc|cut|narrow)\w*\s+(?:our|its|the|their)\s+(?:[\w-]+\s+){0,3}$", re.I
)
_BY = re.compile(r"\bby\s+(?:(?:more|less)\s+than\s+|about\s+|approximately\s+|over\s+)?$", re.I)
_REACH = 170


@dataclass(frozen=True, slots=True)
class Cue:
    """Words that look ahead, at [start, end); ``holder``: whose view, "" for the author's own."""

    kind: str
    start: int
    end: int
    holder: str
    who: str = ""


def cues(text: str) -> tuple[Cue, ...]:
    """Return what in ``text`` looks ahead, in order."""
    past = [m.span() for m in _PAST.finditer(text)]
    found: list[Cue] = []
    for kind, pattern in _CUES:
        for match in pattern.finditer(text):
            if any(a < match.end() and match.start() < b for a, b in past):
                continue
            who = match.groupdict().get("who") or ""
            found.append(Cue(kind, match.start(), match.end(), _holder(who), who))
    return tuple(sorted(found, key=lambda c: c.start))


def _holder(who: str) -> str:
    plain = who.strip()
    if not plain or _OURS.fullmatch(plain):
        return ""
    for pattern, name in _HOLDERS:
        if pattern.search(plain):
            return name
    return plain


def source(text: str) -> str:
    """Return whom a sentence names as its source ("according to X"); "" for nobody."""
    match = _SOURCE.search(text)
    return match["name"].rstrip(".,") if match else ""


def governing(found: tuple[Cue, ...], text: str, start: int) -> Cue | None:
    """Return the last cue before the figure at ``start`` with nothing between that cuts it off."""
    for cue in reversed(found):
        if cue.kind == "noun" and _MOVED_GUIDANCE.search(text[: cue.start]) and _BY.search(text[:start]):
            continue  # by how much guidance was raised is no guidance
        if cue.end <= start and start - cue.end <= _REACH and not _cut(text[cue.end : start]):
            return cue
    return None


def _cut(between: str) -> bool:
    plain = _COMPARATIVE.sub(" ", re.sub(r"\([^)]*\)", " ", between))
    plain = _RANGE_FROM.sub(" ", plain)
    return bool(_BARRIER.search(plain))


def rejected(text: str, *, forward: bool) -> bool:
    """Whether a sentence cannot hold a claim: a question, a hypothesis, law, assumptions of accounting."""
    if text.rstrip("\"”’') ").endswith("?") or _LEGAL.search(text):
        return True
    return bool(forward and _HYPOTHESIS.search(text))


def states_now(text: str, *, past: bool) -> bool:
    """Whether a sentence tells a state that holds when it is written, not what once was. ``past``: it names an earlier period."""
    if _SINCE.search(text) or _NEVER.search(text):
        return True
    return bool(_STATE.search(text)) and not past and not _PAST_VERB.search(text)
