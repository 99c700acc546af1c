"""What a question asks for, read without a model. Pure: everything about the base comes in as values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from assistant.lexicon import Term, light_words, question_words, stem, stopwords, terms
from assistant.numbers import quantities
from assistant.periods import Period, period_spans, periods
from vectorstore.records import SourceInfo

Intent = Literal["fact", "list", "comparison", "for_against", "metadata", "open"]
Expected = Literal["number", "date", "person", "author", ""]

_LIST = re.compile(
    r"^(?:please )?(?:list|name|enumerate)\b|\b(?:list|name|give me) (?:all|the|some|two|three|four|five|every|of)\b|"
    r"\b(?:what|which) (?:are|were) (?:the|some|all)\b|\bwhat all\b|\ball the\b|"
    r"\b(?:what|which) (?:(?:two|three|four|five|six|\d|other|main|key|late|early)[\w-]* )?(?:(?!is\b|was\b|does\b|has\b|are\b|were\b|do\b|did\b)"
    r"[\w-]+ ){0,2}?(?!is\b|was\b|does\b|has\b|us\b)[\w-]{3,}(?<!s)s\b(?!['’])|"
    r"\b(?:two|three|four|five|six|several|all) (?:\w+ )?(?:factors|reasons|drivers|catalysts|sectors|things|steps|areas|risks|points|takeaways)\b",
    re.I,
)
_COMPARE = re.compile(
    r"\b(?:compar\w+|versus|vs\.?|differ\w*|contrast\w*|(?:more|less|fewer|higher|lower|larger|smaller|bigger|better|worse) than|"
    r"relative to|as opposed to|against (?:the |that of )?(?:large|small|mid|s&p|russell|peers)|(?:agree|disagree)|"
    r"gap between|both (?:articles|sources|notes|pieces|houses))\b",
    re.I,
)
_BOTH_SIDES = re.compile(
    r"\b(?:for and against|pros? (?:and|&) cons?|bulls? (?:and|&|vs\.?|versus|or) (?:the )?bears?|bears? (?:and|&|vs\.?|versus) (?:the )?bulls?|"
    r"bull(?:ish)? (?:case )?(?:and|vs\.?|versus) (?:the )?bear(?:ish)?(?: case)?|both (?:sides|ways)|(?:bull(?:ish)?|bear(?:ish)?) (?:case|thesis|argument|view)|either way|on the one hand|balanced? (?:view|picture|case|take)|reasons? .{3,80} and reasons?|what could go (?:right|wrong) and|"
    r"arguments? (?:on|from) (?:both|each|either)|"
    r"(?:risks?|threats?|headwinds?|downsides?) (?:and|as well as|vs\.?|versus) (?:the )?(?:benefits?|opportunit\w+|tailwinds?|upsides?|rewards?|catalysts?)|"
    r"(?:benefits?|opportunit\w+|tailwinds?|upsides?|catalysts?|strengths?|advantages?) (?:and|as well as|vs\.?|versus) (?:the )?"
    r"(?:risks?|threats?|headwinds?|downsides?|weakness\w*|disadvantages?)|"
    r"(?:help|good|positive) (?:and|or) (?:hurt|bad|negative|harm)|(?:hurt|harm) (?:and|or) help|cuts? both ways|two sides)\b",
    re.I,
)
_AUTHOR = re.compile(
    r"\b(?:who (?:wrote|authored|penned|published|(?:are|is|were|was) (?:the|its|their) (?:authors?|writers?)|"
    r"was the author|signed|is behind)|authors? of|author'?s? names?|byline|written by|whose (?:article|note|piece|report) )",
    re.I,
)
_PUBLISHED = re.compile(
    r"\b(?:when (?:was|were|did|is) .{0,80}?\b(?:publish(?:ed)?|written|released?|issued?|dated?|appear(?:ed)?|come out|came out|filed?|signed)\b|"
    r"(?:publication|publishing|release|issue|filing) date|date of (?:the )?(?:article|note|piece|report|publication|filing)|"
    r"what(?:'s| is| was) the date (?:of|on)|how old is|what date)",
    re.I,
)
_PUBLISHER = re.compile(
    r"\b(?:(?:and|by) (?:which|what) (?:publisher|house|outlet)|who published|which (?:publisher|firm|house|company|outlet|research (?:house|firm)) (?:published|wrote|issued|released|put out)|"
    r"where (?:was|were|did) .{0,80}?\b(?:published|appear(?:ed)?|printed)|publisher of|published by (?:whom|who))",
    re.I,
)
_AFTER = re.compile(
    r"\b(?:based on|draws? on|built on|derived from|after which|which (?:article|piece|report)s? (?:is|are|does)|whose (?:article|piece|report|facts))\b",
    re.I,
)
_AND_WHEN = re.compile(r"\b(?:and|,) when\b", re.I)
_TITLE = re.compile(r"\b(?:title of|what(?:'s| is| was) .{0,60}?\b(?:called|titled|headline))", re.I)
_NUMBER = re.compile(
    r"\b(?:how (?:much|many|far|large|big|high|low|long|deep|steep|often)|what (?:percent\w*|share|fraction|proportion|portion|number|amount|price|(?:[\w-]+ ){0,2}target|"
    r"level|size|value|range|rate|ratio|multiple|weight\w*)|by how|count of|number of|percentage|what (?:is|was|are|were) .{0,40}"
    r"\b(?:percent\w*|number|range|yield|ratio|multiple|price|p/e|level|total|amount|rate|size|weight|target|return|growth))(?! (?:of debt|plans?))\b",
    re.I,
)
_DATE = re.compile(
    r"\b(?:when|what (?:year|date|month|day)|which (?:year|month|quarter)|by what year|since when)\b", re.I
)
_PERSON = re.compile(
    r"\b(?:who|whose|whom|(?:which|what) (?:firm|company|house|bank|broker|source|provider|agency|outlet)|where does .{1,60}\b(?:get|take|draw|source)s?\b)",
    re.I,
)
_WHY = re.compile(r"\b(?:why|reasons?|because|what explains|cause[sd]?)\b", re.I)
# What asks for page furniture: it is looked at only then.
_FURNITURE = re.compile(
    r"\b(?:disclaimers?|cookies?|phone|telephone|e-?mail|contact|sign(?:ed|ature|atory|off)|roles?|job titles?|copyright|trademarks?|"
    r"navigation|footer|header|legal notice|who (?:is|are|was) (?!the\b)|position of|title of (?!the (?:article|note|report|piece)))",
    re.I,
)
_ROLE = re.compile(
    r"\b(?:roles?|job|(?:job )?titles? (?:of|at|does|is)|position|what does .{3,40} do\b|who is (?!the\b)|(?:'s|’s) title)",
    re.I,
)
_IMPERATIVE = re.compile(
    r"^(?:please |can you |could you )*(?:list|name|enumerate|give me|tell me|show me|explain|describe)\b", re.I
)
_LIVE = re.compile(
    r"\b(?:(?:latest|current(?:ly)?|today['’]?s|live|real[- ]?time|last|spot) (?:\w+ ){0,2}?(?:price|quote|close|level|yield|market cap|value|nav|"
    r"share price|stock price|p/e|spread|rate)\b|(?:is|are) .{1,40} trading (?:at|for)\b|"
    r"(?:price|quote|yield|market cap|nav|p/e|worth|trad\w+|level|closed?)\b.{0,40}\b(?:right now|today|at the moment|now|yesterday|this morning)\b|"
    r"(?:right now|today|at the moment|yesterday|this morning)\b.{0,40}\b(?:price|quote|yield|market cap|nav|p/e|trad\w+|closed?)\b)",
    re.I,
)
_LEANS = re.compile(r"\b(?:it|its|they|their|them|this|that|these|those|he|she|his|her|there)\b", re.I)
# Words that ask for two sides, and so are no part of the subject.
_SIDE_WORDS = re.compile(
    r"\b(?:arguments?|good or bad|good|bad|bulls?|bullish|bears?|bearish|case|cases|pros?|cons?|sides?|speaks?|counter-?arguments?|signal|warning|"
    r"risks?|benefits?|opportunit\w+|tailwinds?|headwinds?|upsides?|downsides?|strengths?|weakness\w*|hurt|help|really|versus|vs|debate|strongest|"
    r"best|owning|buying|holding|for and against|balanced?|need|committee|reasons?|happen|might|idea|both|ways?|argue|kill|thesis|view|summar\w+|positives?|negatives?|threats?|advantages?|disadvantages?)\b",
    re.I,
)
_SPLIT = re.compile(
    r"\?\s+(?=\w)|(?:,\s*|\s+)and (?=(?:what|how|who|when|which|why|where|does|do|is|are|by how|did)\b)|;\s+", re.I
)
# Capitalised runs ("Bank of America"), acronyms with digits and signs (IWM, S&P 600, EX-99.1).
_NAME = re.compile(
    r"\b(?:[A-Z][\w’'&.-]*[\w]|[A-Z])(?:\s+(?:of|&|de)\s+(?=[A-Z])|\s+(?=[A-Z\d]))?"
    r"(?:(?:[A-Z][\w’'&.-]*[\w]|[A-Z]|\d[\w.,]*)(?:\s+(?:of|&|de)\s+(?=[A-Z])|\s+(?=[A-Z\d]))?)*"
)
_MONTH_WORDS = frozenset(
    [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
        "and",
        "or",
    ]
)
_FISCAL = re.compile(r"(?:FY|Q[1-4]|[1-4]Q|H[12])['’]?\d*")
_GENERIC_FIRM = {
    "research", "investments", "investment", "capital", "partners", "group", "inc", "corp", "corporation", "company", "co", "ltd", "llc", "plc",
    "holdings", "the", "and", "limited", "sa", "ag", "nv", "asset", "management", "securities", "financial", "services", "international",
    "sample", "notes", "media", "bancorp", "bank", "&", "of", "industries", "technologies", "systems", "energy", "american",
}  # fmt: skip


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
    stem(w)
    for w in ("share", "proportion", "percentage", "percent", "fraction", "portion", "part", "weight", "weighting")
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


def names(text: str) -> tuple[str, ...]:
    """Return the proper names of a question; a capital at its start or in an all-capitals question says nothing."""
    letters = [c for c in text if c.isalpha()]
    if letters and sum(c.isupper() for c in letters) > 0.6 * len(letters):
        return ()
    steering, common = question_words(), stopwords()
    found: list[str] = []
    for match in _NAME.finditer(text):
        name = re.sub(r"['’]s?$", "", match.group().strip(" .,'’-"))
        words = name.split()
        at_start = match.start() == 0 or text[: match.start()].rstrip()[-1:] in {".", "?", "!", ":", "(", '"', "“"}
        while (
            words and at_start and (words[0].lower() in common or stem(words[0]) in steering) and not words[0].isupper()
        ):
            words = words[1:]
        if (
            at_start
            and len(words) == 1
            and match.group().startswith(words[0])
            and not re.search(r"[A-Z\d]", words[0][1:])
        ):
            continue
        name = " ".join(words)
        if not name or name.lower() in common or (len(words) == 1 and stem(name) in steering):
            continue
        parts = name.replace(",", " ").split()
        if all(p.lower() in _MONTH_WORDS or p.isdigit() for p in parts):
            continue
        # "Q3 FY2022" is a period, and stands in no name.
        kept = [p for p in parts if not _FISCAL.fullmatch(p)]
        if not kept or re.fullmatch(r"[\d.]+", " ".join(kept)):
            continue
        name = name if len(kept) == len(parts) else " ".join(kept)
        found.append(name)
    return tuple(dict.fromkeys(found))


def aliases(name: str) -> tuple[str, ...]:
    """Return the ways to name a firm: in full, without its legal form, and by its first distinctive word."""
    plain = re.sub(r"[^\w\s&'-]", " ", name.lower().replace("’", "'")).split()
    core = list(plain)
    if not any(any(c.isalnum() for c in word) for word in plain):
        return ()
    while len(core) > 1 and core[-1] in _GENERIC_FIRM:
        core.pop()
    while len(core) > 1 and core[0] == "the":
        core = core[1:]
    forms = [" ".join(plain), " ".join(core)]
    if len(core[0]) > 3 and core[0] not in _GENERIC_FIRM:
        forms.append(core[0])
    if len(core) > 2:
        forms.append(" ".join(core[:2]))
    return tuple(dict.fromkeys(form for form in forms if form and form not in _GENERIC_FIRM))


def named_in(text: str, firms: Iterable[str]) -> tuple[str, ...]:
    """Return those of ``firms`` that ``text`` names; the longest alias decides, an index is no firm."""
    plain = " " + re.sub(r"[^\w\s&'-]", " ", text.lower().replace("’", "'")) + " "
    plain = re.sub(r"'s?(?=\s)", "", plain)
    found: list[tuple[int, str]] = []
    for firm in firms:
        for alias in aliases(firm):
            bare = re.sub(r"'s?$", "", alias)
            match = re.search(
                rf"(?<![\w-]){re.escape(bare)}(?![\w-])(?!\s+(?:[1-9]000?|[1-6]00|index|indices|growth|value|microcap)\b)",
                plain,
            )
            if match:
                found.append((len(bare), firm))
                break
    if not found:
        return ()
    return tuple(dict.fromkeys(firm for _, firm in sorted(found, key=lambda item: -item[0])))


def split(text: str) -> tuple[str, ...]:
    """Return the sub-questions of a question; one that asks for nothing of its own stays with the one before."""
    parts: list[str] = []
    for piece in _SPLIT.split(text):
        piece = piece.strip(" ?")
        if parts and (len(piece.split()) < 3 or not any(not u.light for u in units(piece))):
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


def understand(text: str, sources: Sequence[SourceInfo] = ()) -> Question:
    """Read a question against what is in the base. Never fails: what is not understood stays a plain search."""
    text = " ".join(text.split())
    metadata: tuple[str, ...] = tuple(
        field
        for field, pattern in (
            ("authors", _AUTHOR),
            ("published", _PUBLISHED),
            ("publisher", _PUBLISHER),
            ("title", _TITLE),
            ("after", _AFTER),
        )
        if pattern.search(text)
    )
    if metadata and "published" not in metadata and _AND_WHEN.search(text):
        metadata += ("published",)
    intent: Intent
    if _BOTH_SIDES.search(text):
        intent = "for_against"
    elif metadata:
        intent = "metadata"
    elif _COMPARE.search(text):
        intent = "comparison"
    elif _LIST.search(text):
        intent = "list"
    elif _NUMBER.search(text) or figured(text) or _DATE.search(text) or _PERSON.search(text):
        intent = "fact"
    else:
        intent = "open"
    parts = (text,) if intent in {"for_against", "comparison"} else split(text)
    expected: Expected = ""
    if _NUMBER.search(text) or (intent == "fact" and figured(text)):
        expected = "number"
    elif _DATE.search(text):
        expected = "date"
    elif _PERSON.search(text):
        expected = "person"
    companies = named_in(text, dict.fromkeys(s.metadata.company for s in sources if s.metadata.company))
    by_ticker = {s.metadata.ticker: s.metadata.company for s in sources if s.metadata.ticker and s.metadata.company}
    tickers = (by_ticker.get(word, "") for word in re.findall(r"\b[A-Z][A-Z.]{1,5}\b", text))
    companies = tuple(dict.fromkeys((*companies, *(c for c in tickers if c))))
    publishers = named_in(text, dict.fromkeys(s.metadata.publisher for s in sources if s.metadata.publisher))
    subject = _IMPERATIVE.sub("", text)
    if intent == "for_against":
        subject = _SIDE_WORDS.sub(" ", subject)
    asked = units(subject)
    if expected == "number":
        # "What share of …" asks for a percentage, in whatever words.
        asked = tuple(u for u in asked if not (u.keys & {"#exposure", "#concentration"} and stem(u.surface) in _SHARE))
    # What became a filter need not stand in each sentence.
    named = frozenset(stem(w) for firm in (*companies, *publishers) for w in re.findall(r"\w+", firm))
    return Question(
        text=text,
        intent=intent,
        expected=expected,
        units=tuple(u for u in asked if u.entity or not u.words <= named),
        names=names(text),
        years=tuple(dict.fromkeys(str(p.year) for p in periods(text))),
        metadata=metadata,
        live=bool(_LIVE.search(text)),
        figures=tuple(
            (q.value, q.unit) for q in quantities(text) if q.unit in {"%", "pp", "bp", "x"} or q.value >= 1e6
        ),
        counts=bool(re.search(r"\bhow many\b", text, re.I)),
        why=bool(_WHY.search(text)),
        role=bool(_ROLE.search(text)),
        furniture=bool(_FURNITURE.search(text)),
        periods=periods(text),
        # A figure of a named thing is stated by a sentence that names it, not by one beside it.
        strict=expected == "number" and bool(periods(text)) and not companies,
        companies=companies,
        publishers=publishers,
        parts=parts,
    )


def part(question: Question, text: str, sources: Sequence[SourceInfo]) -> Question:
    """Return a sub-question, with the whole question's names where it has none of its own."""
    own = understand(text, sources)
    entities = [u for u in question.units if u.entity]
    said = [u for u in question.units if not u.entity and not u.light]
    bare = not any(not u.entity and not u.light for u in own.units)
    leans = bare or bool(_LEANS.search(text))
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
