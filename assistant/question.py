"""What a question asks for, read without a model. Pure: everything about the base comes in as values."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from assistant import question_patterns as patterns
from assistant.firms import aliases, named_in, names
from assistant.lexicon import Term, light_words, question_words, stem, terms
from assistant.numbers import quantities
from assistant.periods import Period, period_spans, periods
from vectorstore.records import SourceInfo

Intent = Literal["fact", "list", "comparison", "for_against", "metadata", "open"]
Expected = Literal["number", "date", "person", "author", ""]


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing that the answer has to speak of. ``keys``: any of these terms says it."""

    surface: str
    keys: frozenset[str]
    words: frozenset[str]
    entity: bool = False
    light: bool = False  # a general word: an answer may do without it


@dataclass(frozen=True, slots=True)
class Question:
    """A question as understood. ``parts``: its sub-questions (itself where it has one)."""

    text: str
    intent: Intent
    expected: Expected
    units: tuple[Unit, ...]
    names: tuple[str, ...]
    years: tuple[str, ...]
    metadata: tuple[str, ...] = ()
    live: bool = False
    counts: bool = False  # "how many": money and percentages are no count
    why: bool = False
    figures: tuple[tuple[float, str], ...] = ()  # (value, unit) of the amounts that it takes for granted
    strict: bool = False  # its names have to stand in the sentence itself
    furniture: bool = False
    role: bool = False
    periods: tuple[Period, ...] = ()
    companies: tuple[str, ...] = ()
    publishers: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()


_SHARE = frozenset(
    ("share", "proportion", "percentage", "percent", "fraction", "portion", "part", "weight", "weighting")
)
# What a subject is measured against is no subject itself.
_COMPARATOR = re.compile(r"\b(?:than|relative to)\s+(?:(?:the|their|its|those of|that of|at|in|for)\s+)*", re.I)


def units(text: str) -> tuple[Unit, ...]:
    """Return what the question is about: concepts first, then the words that no concept covers."""
    found = terms(text)
    spans: dict[tuple[int, int], list[Term]] = {}
    for term in found:
        if term.concept:
            spans.setdefault((term.start, term.end), []).append(term)
    kept: list[tuple[int, int]] = []
    for span in sorted(spans, key=lambda s: (s[0] - s[1], s[0])):
        if all(span[1] <= a or span[0] >= b for a, b in kept):
            kept.append(span)
    out: list[tuple[int, Unit]] = []
    for start, end in kept:
        surface = text[start:end]
        inner = frozenset(t.key for t in found if not t.concept and start <= t.start and t.end <= end)
        keys = frozenset(t.key for t in spans[(start, end)])
        measured = any(m.end() == start for m in _COMPARATOR.finditer(text))
        entity = any(t.entity for t in spans[(start, end)]) and not measured
        # A steering word that also stands in the thesaurus ("share", "factors") asks, it is not asked about.
        out.append((start, Unit(surface, keys, inner, entity, light=measured)))
    steering, light = question_words(), light_words()
    # Dates, years and bare numbers bound an answer, they are not its subject.
    figures = [*((q.start, q.end) for q in quantities(text)), *period_spans(text)]
    for term in found:
        if term.concept or any(a <= term.start and term.end <= b for a, b in kept):
            continue
        if term.key in steering or len(term.key) < 2 or any(a <= term.start and term.end <= b for a, b in figures):
            continue
        word = frozenset({term.key})
        out.append((term.start, Unit(text[term.start : term.end], word, word, light=term.key in light)))
    seen: set[frozenset[str]] = set()
    result = []
    for _, unit in sorted(out, key=lambda item: item[0]):
        if unit.keys not in seen:
            seen.add(unit.keys)
            result.append(unit)
    return tuple(result)


def split(text: str) -> tuple[str, ...]:
    """Return the sub-questions of a question; one that asks for nothing of its own stays with the one before."""
    parts: list[str] = []
    for piece in patterns.SPLIT.split(text):
        piece = piece.strip(" ?")
        if parts and not patterns.ASKS.search(parts[-1]):
            # "As of 2023, why did …": the first piece asks nothing yet.
            parts[-1] += f", {piece}"
        elif parts and (len(piece.split()) < 3 or not any(not u.light for u in units(piece))):
            parts[-1] += f" {piece}"
        elif piece:
            parts.append(piece)
    return tuple(f"{p}?" for p in parts) if len(parts) > 1 else (text,)


# Line items of statements: who asks what they were in a year asks for a figure.
FIGURES = frozenset(
    [
        "#revenue",
        "#earnings",
        "#ebit",
        "#ebitda",
        "#capex",
        "#ppe",
        "#cogs",
        "#sga",
        "#rnd",
        "#cash",
        "#receivable",
        "#payable",
        "#inventory",
        "#cashflow",
        "#dividend",
        "#market_cap",
        "#headcount",
        "#margin",
        "#pe",
        "#pb",
        "#yield",
        "#roe",
        "#book_value",
        "#debt_ratio",
    ]
)
_WHAT_WAS = re.compile(r"^(?:what|how) (?:was|were|is|are|did)\b|^[\w'’. &]+(?:'s|s') (?:FY|fiscal|\d{4})", re.I)


def figured(text: str) -> bool:
    """Whether a question asks what a line item was: "What were the revenues of X in fiscal 2015?", "What is X's revenue?"."""
    owned = bool(periods(text)) or bool(re.search(r"['’]s?\b", text))
    return bool(_WHAT_WAS.search(text) and owned and any(t.key in FIGURES for t in terms(text)))


def understand(text: str, sources: Sequence[SourceInfo] = (), *, also: Mapping[str, str] | None = None) -> Question:
    """Read a question against what is in the base. Never fails: what is not understood stays a plain search.

    ``also``: other names of firms in the base that the question uses -> the firm's name in the metadata.
    """
    text = " ".join(text.split())
    metadata: tuple[str, ...] = tuple(
        field
        for field, pattern in (
            ("authors", patterns.AUTHOR),
            ("published", patterns.PUBLISHED),
            ("publisher", patterns.PUBLISHER),
            ("title", patterns.TITLE),
            ("after", patterns.AFTER),
        )
        if pattern.search(text)
    )
    if metadata and "published" not in metadata and patterns.AND_WHEN.search(text):
        metadata += ("published",)
    intent: Intent
    if patterns.BOTH_SIDES.search(text):
        intent = "for_against"
    elif metadata:
        intent = "metadata"
    elif patterns.COMPARE.search(text):
        intent = "comparison"
    elif patterns.LIST.search(text) and not patterns.DROVE.search(text):
        intent = "list"
    elif patterns.NUMBER.search(text) or figured(text) or patterns.DATE.search(text) or patterns.PERSON.search(text):
        intent = "fact"
    else:
        intent = "open"
    asks = patterns.CONDITION.sub("", text)
    parts = (asks,) if intent in {"for_against", "comparison"} else split(asks)
    expected: Expected = ""
    if patterns.NUMBER.search(text) or (intent == "fact" and figured(text)):
        expected = "number"
    elif patterns.DATE.search(text):
        expected = "date"
    elif patterns.PERSON.search(text):
        expected = "person"
    when = periods(text)
    if patterns.FORWARD.search(text):
        # Years in which something is to happen are not those that a document reports on.
        when = tuple(p for p in when if p.quarter or p.month)
    companies = named_in(text, dict.fromkeys(s.metadata.company for s in sources if s.metadata.company))
    by_ticker = {s.metadata.ticker: s.metadata.company for s in sources if s.metadata.ticker and s.metadata.company}
    tickers = (by_ticker.get(word, "") for word in re.findall(r"\b[A-Z][A-Z.]{1,5}\b", text))
    also = also or {}
    companies = tuple(dict.fromkeys((*companies, *(c for c in tickers if c), *also.values())))
    publishers = named_in(text, dict.fromkeys(s.metadata.publisher for s in sources if s.metadata.publisher))
    subject = patterns.IMPERATIVE.sub("", asks)
    if intent == "for_against":
        subject = patterns.SIDE_WORDS.sub(" ", subject)
    asked = units(subject)
    if expected == "number":
        # "What share of …" asks for a percentage, in whatever words.
        asked = tuple(
            u for u in asked if not (u.keys & {"#exposure", "#concentration"} and u.surface.lower() in _SHARE)
        )
    # What became a filter need not stand in each sentence.
    named = frozenset(stem(w) for firm in (*companies, *publishers, *also) for w in re.findall(r"[\w&]+", firm))
    if (
        len(companies) == 1
        and len(parts) == 1
        and intent not in {"for_against", "metadata"}
        and not patterns.WHY.search(text)
    ):
        parts = by_period(text) or parts
    return Question(
        text=text,
        intent=intent,
        expected=expected,
        units=tuple(u for u in asked if u.entity or not u.words <= named),
        names=tuple(n for n in names(text) if n not in also),
        years=tuple(dict.fromkeys(str(p.year) for p in periods(text))),
        metadata=metadata,
        live=bool(patterns.LIVE.search(text)),
        figures=tuple(
            (q.value, q.unit) for q in quantities(text) if q.unit in {"%", "pp", "bp", "x"} or q.value >= 1e6
        ),
        counts=bool(re.search(r"\bhow many\b", text, re.I)),
        why=bool(patterns.WHY.search(text)),
        role=bool(patterns.ROLE.search(text)),
        furniture=bool(patterns.FURNITURE.search(text)),
        periods=when,
        # A figure of a named thing is stated by a sentence that names it, not by one beside it.
        strict=expected == "number" and bool(periods(text)) and not companies,
        companies=companies,
        publishers=publishers,
        parts=parts,
    )


def by_period(text: str) -> tuple[str, ...]:
    """Return a question for each of the two years that ``text`` sets side by side; () where it names one, or more than two.

    A firm tells a number of one year (staff, a customer's share) in that year's report, and no sentence states both.
    """
    spans = period_spans(text)
    asked = periods(text)
    if len(asked) != 2 or len(spans) != 2 or any(p.month for p in asked):
        return ()
    bare = text
    for start, end in reversed(spans):
        lead = patterns.BEFORE_PERIOD.search(bare[:start])
        bare = bare[: lead.start() if lead else start].rstrip(" ,") + bare[end:]
    bare = " ".join(bare.strip(" .?,").split())
    return tuple(f"{bare} in {p.label.removeprefix('FY') if not p.quarter else p.label}?" for p in asked)


def part(question: Question, text: str, sources: Sequence[SourceInfo]) -> Question:
    """Return a sub-question, with the whole question's names where it has none of its own."""
    own = understand(text, sources)
    entities = [u for u in question.units if u.entity]
    said = [u for u in question.units if not u.entity and not u.light]
    bare = not any(not u.entity and not u.light for u in own.units)
    leans = bare or bool(patterns.LEANS.search(text))
    if entities and (leans or not own.names) and not any(u.entity for u in own.units):
        own = replace(own, units=(*entities, *own.units), text=f"{own.text} ({', '.join(u.surface for u in entities)})")
    if bare and said:
        # "…, and how many a large cap?": what is asked stands in the part before.
        own = replace(own, units=(*own.units, *said), text=f"{own.text} ({', '.join(u.surface for u in said)})")
    return replace(
        own,
        names=own.names or (question.names if leans else ()),
        companies=own.companies or question.companies,
        publishers=own.publishers or question.publishers,
        periods=own.periods or question.periods,
    )


__all__ = ["Question", "Unit", "aliases", "named_in", "names", "part", "understand", "units"]
