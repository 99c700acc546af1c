"""What an answer has to hold for a question: an amount of money, a share, a count of something, a name, a cause. Pure."""

from __future__ import annotations

import re
from typing import Literal

from assistant.firms import aliases, names
from assistant.lexicon import keys, stem
from assistant.numbers import quantities
from assistant.periods import Period
from assistant.question import FIGURES, Question, Unit
from assistant.retrieval import says
from assistant.scope import SAYS_QUARTER, SAYS_YEAR, own_period
from assistant.scope import fit as fit_of
from vectorstore.records import Metadata
from vectorstore.text import is_table_row

NumberKind = Literal["money", "per_share", "percent", "count", ""]

_PER_SHARE = re.compile(
    r"\b(?:price|pay|paid|much|offer\w*|dividends?|cash) (?:(?:was|were|did|is)\b.{0,30}?)?(?:per|a|each) share\b", re.I
)
_MONEY = re.compile(
    r"\b(?:for|at) (?:how much|what (?:price|cost|amount))\b(?! of)|\b(?:what|which) price\b|\bhow much (?:money|cash|debt|capital)\b|"
    r"\bhow much (?!of\b|more\b|less\b)(?:did|does|do|was|were|is|are|has|have|had|will)\b.{1,80}?\b(?:pay|paid|spen[dt]|costs?|invest(?:ed)?|raised?|borrow(?:ed)?|owed?|"
    r"receive[d]?|sell|sold)\b|\bwhat (?:did|does|do|will|has|have|had)\b.{1,60}?\b(?:pay|paid|cost|spend|spent)\b(?! (?:attention|dividends?))",
    re.I,
)  # fmt: skip
_PERCENT = re.compile(
    r"\b(?:what|which) (?:percent\w*|share|proportion|fraction|portion|part)\b(?! (?:price|count|repurchase|program))|\bin percent\b|\bpercentage of\b",
    re.I,
)
_HOW_MANY = re.compile(r"\bhow many\b", re.I)
_WORD_NUMBER = (
    r"\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|"
    r"dozens?|hundreds?|thousands?)"
)
_WORDED = re.compile(
    _WORD_NUMBER
    + r"(?:[\s-]\w+){0,3}[\s-](?:percent|per cent|points?|cents?|dollars?|hundred|thousand|million|billion|times|days?|weeks?|months?|years?)\b",
    re.I,
)
_COUNTED = re.compile(_WORD_NUMBER + r"\b(?=(?P<next>.{2,40}))", re.I)
_FRACTION = re.compile(
    r"\b(?:half|(?:one|a|two|three)[\s-](?:thirds?|quarters?|fourths?|fifths?|tenths?)|one in \w+|\w+ out of (?:every )?\w+|no customer|no single)\b",
    re.I,
)
# "Section 906", "Note 9": a number that only labels.
_LABEL = re.compile(
    r"\b(?:sections?|notes?|items?|forms?|rules?|pages?|parts?|topic|subtopic|exhibits?|chapter|asu|no\.?)\s+$", re.I
)
_MILLIONS = re.compile(r"\b(?:million|billion|trillion)\b", re.I)

# What is measured under its own name: no other words state it.
METRICS = FIGURES | frozenset(
    {"#expense_ratio", "#unemployment", "#default", "#pricetarget", "#stockprice", "#volume", "#beta", "#vix",
     "#short_interest", "#flows", "#constituents", "#gdp", "#credit_spread", "#insider", "#guidance",
     "#interest_coverage", "#correlation", "#oil", "#gold", "#crypto", "#dollar", "#mortgage", "#probability",
     "#sales_growth", "#total_return", "#bankruptcy", "#inflation", "#buyback", "#comparable_sales", "#days_sales",
     "#tax_rate"}
)  # fmt: skip
# Pairs that a question which presupposes one cannot be answered by the other.
_OPPOSITES = (("#highest", "#lowest"), ("#outperform", "#underperform"), ("#rose", "#drawdown"))
_PRESUPPOSES = re.compile(r"\b(?:why|how come|reasons?|by how much|how much|what made|what explains)\b", re.I)
_CAUSE = re.compile(
    r"\b(?:because|since|due (?:to|in part)|owing to|driven (?:by|primarily|mainly|largely|in part)|as a result|so that|thanks to|that’s why|which (?:means|makes)|"
    r"primarily|mainly|largely|attribut\w+|reflect(?:s|ed|ing)?|result(?:s|ed|ing) (?:from|in)|stem\w* from|caused|on account of|led by|helped by|in order to|"
    r"in response to|given|reason|offset by|contributed)\b",
    re.I,
)
_SUPERLATIVE = re.compile(
    r"\b(?:(?P<top>highest|largest|biggest|greatest|strongest|fastest|best|most)|(?P<low>lowest|smallest|fewest|weakest|slowest|worst|least))\b",
    re.I,
)
_WHICH_TOP = re.compile(
    r"\b(?:which|who|what (?!are\b|were\b|is\b|was\b))\b(?!.*\b(?:at least|at most)\b).{0,90}?\b(?:the|had|got|won|received) (?:the )?"
    r"(?P<word>highest|largest|biggest|greatest|strongest|fastest|lowest|smallest|fewest|weakest|slowest|most (?=votes|revenue|sales|profit|employees)|least (?=votes|revenue|sales|profit))",
    re.I,
)
_FIRST = re.compile(
    r"\b(?:led (?:by|the)|lead(?:s|ing)?|number one|first|top|main|primar\w+|more than any|record)\b", re.I
)


def number_kind(text: str) -> NumberKind:
    """Return what kind of number a question asks for; "" for any."""
    if _PER_SHARE.search(text):
        return "per_share"
    if _PERCENT.search(text):
        return "percent"
    if _HOW_MANY.search(text):
        return "count"
    return "money" if _MONEY.search(text) else ""


def holds_number(question: Question, text: str) -> bool:
    """Whether a sentence states a number of the kind that is asked for, and not only the question's own."""
    kind = number_kind(question.text)
    asked = {q.value for q in quantities(question.text)}
    fitting = [
        q
        for q in quantities(text)
        if q.unit not in {"date", "year"}
        and q.value not in asked
        and not _LABEL.search(text[max(0, q.start - 12) : q.start])
    ]
    if kind == "count":
        things = counted(question)
        return any(not q.unit for q in fitting) or any(
            says(u, keys(m["next"])) for m in _COUNTED.finditer(text) for u in things
        )
    worded = _WORDED.search(text)
    if kind == "money":
        money = any(len(q.unit) == 3 or (not q.unit and _MILLIONS.search(q.text)) for q in fitting)
        return money or (worded is not None and bool(_MILLIONS.search(worded.group())))
    if kind == "per_share":
        return bool(fitting) and bool(re.search(r"\bshares?\b", text, re.I))
    if kind == "percent":
        return (
            any(q.unit in {"%", "pp", "bp", "x"} for q in fitting)
            or bool(_FRACTION.search(text))
            or (worded is not None and "cent" in worded.group())
        )
    return bool(fitting) or worded is not None


def counted(question: Question) -> tuple[Unit, ...]:
    """Return the words next to "how many …", where they are telling ones: a number of something else is no answer."""
    asked = _HOW_MANY.search(question.text)
    if not asked:
        return ()
    near = re.split(
        r"\b(?:do|does|did|is|are|was|were|has|have|had|will|can|in|on|at|by|for)\b",
        question.text[asked.end() : asked.end() + 32],
    )[0]
    return tuple(u for u in question.units if u.surface in near and not u.light and not u.entity)


def extract_head(question: Question, named: frozenset[str]) -> Unit | None:
    """Return what a question for a figure asks the figure of ("dividend yield of …"), where it is a finance term.

    Only a sentence that says it states the figure; for other things a paraphrase may do.
    """
    if question.expected != "number" or question.intent not in {"fact", "open"}:
        return None
    first = next((u for u in question.units if not u.light and not u.entity and not u.words <= named), None)
    return first if first is not None and first.keys & METRICS else None


def contrary(question: Question, found: frozenset[str]) -> list[str]:
    """Return what a question takes for granted and a sentence denies ("why did it rise": it fell), or leaves out of a why."""
    if not _PRESUPPOSES.search(question.text):
        return []
    asked = {key: unit.surface for unit in question.units for key in unit.keys}
    wrong = []
    for pair in _OPPOSITES:
        for one, other in (pair, pair[::-1]):
            if one in asked and other not in asked and one not in found and (other in found or question.why):
                wrong.append(asked[one])
    return wrong


def other_years(question: Question, text: str) -> bool:
    """Whether a sentence speaks of years of its own and of none that is asked for."""
    if not question.years:
        return False
    stated = set(re.findall(r"\b(?:19|20)\d\d\b", text)) | {f"20{y}" for y in re.findall(r"\bFY(\d\d)\b", text)}
    return bool(stated) and not stated & set(question.years)


_AHEAD = re.compile(
    r"\b(?:expect\w*|guid\w*|outlook|forecast\w*|project(?:s|ed|ions?)?|anticipat\w*|plan\w*|target\w*|will|look for)\b",
    re.I,
)
_QUARTERS = ("first", "second", "third", "fourth")


def period_said(question: Question, meta: Metadata, text: str) -> bool:
    """Whether a sentence can speak of one of the periods asked: its document reports on it, or the sentence names it itself.

    What is expected of a period stands in the reports of the year before it.
    """
    own = own_period(meta)
    for period in question.periods:
        if period.month or fit_of(meta, period) >= (SAYS_QUARTER if period.quarter else SAYS_YEAR):
            return True
        if own and _AHEAD.search(question.text) and 0 < _quarters(period) - _quarters(own) <= 4:
            return True
        year = str(period.year)
        if year not in text and f"FY{year[2:]}" not in text and not re.search(rf"\b[1-4]Q{year[2:]}\b", text):
            continue
        word = _QUARTERS[period.quarter - 1] if period.quarter else ""
        if not period.quarter or re.search(
            rf"\b(?:{word}[\s-]quarter|Q{period.quarter}|{period.quarter}Q)", text, re.I
        ):
            return True
    return False


def _quarters(period: Period) -> int:
    return 4 * period.year + (period.quarter or 4)


def ranked_first(question: Question) -> Literal["top", "low", ""]:
    """Return which end of a ranking is asked for ("which segment had the highest …"), "" for none."""
    if question.intent == "for_against":
        return ""
    found = _WHICH_TOP.search(question.text)
    if not found:
        return "top" if re.match(r"\W*rank\b", question.text, re.I) else ""
    return "low" if re.match(r"lowest|smallest|fewest|weakest|slowest|least", found["word"], re.I) else "top"


def rank_word(question: Question) -> str:
    """Return the word by which a question asks for an end of a ranking ("highest"), for a refusal."""
    found = _WHICH_TOP.search(question.text)
    return found["word"].strip() if found else "rank"


def says_rank(end: Literal["top", "low"], text: str) -> bool:
    """Whether a sentence itself says that something is at that end; that others are near it does not."""
    return any(m[end] for m in _SUPERLATIVE.finditer(text)) or (end == "top" and bool(_FIRST.search(text)))


def new_names(question: Question, text: str) -> bool:
    """Whether a sentence names somebody whom the question does not."""
    known = {stem(w) for w in re.findall(r"\w+", question.text)} | {
        stem(w) for firm in (*question.companies, *question.publishers) for w in re.findall(r"\w+", firm)
    }
    return any(not {stem(w) for w in re.findall(r"\w+", name)} <= known for name in names(text))


_ASKED_PARTY = (
    r"(?:\b(?:do|does|did|is|are|was|were|has|have|had|will|can|could|of|at|by)\s+{0}\b|\b{0}['’]s?\s|^{0}\b)"
)
_OWN = re.compile(r"\b(?:we|our|us|the (?:company|corporation|registrant|firm|group))\b", re.I)


def asked_party(question: Question) -> str:
    """Return the name of whom the question asks something, where the base holds no documents of it; "" for none."""
    if question.companies or question.publishers:
        return ""
    for name in question.names:
        if re.search(_ASKED_PARTY.format(re.escape(name)), question.text):
            return name
    return ""


def about_another(party: str, text: str, company: str) -> bool:
    """Whether a sentence of a company's own document speaks of the company, and of ``party`` only by the way."""
    at = re.search(rf"(?<!\w){re.escape(party)}(?!\w)", text, re.I)
    if at is None:
        return True
    lead = text[: at.start()]
    own = [form for form in aliases(company) if re.search(rf"(?<!\w){re.escape(form)}(?!\w)", lead, re.I)]
    return bool(own) or bool(_OWN.search(lead))


def fit(question: Question, text: str, lead: str) -> float:
    """Return what a sentence gains (or loses) in rank by the kind of thing that it holds; ``lead``: with what stands before it."""
    gain = 0.0
    if question.why:
        gain += 0.08 if _CAUSE.search(text) else 0.03 if _CAUSE.search(lead) else -0.08
    if other_years(question, text):
        gain -= 0.12
    elif len(question.years) > 1 and all(year in text for year in question.years):
        gain += 0.06
    if question.expected == "person":
        gain += 0.06 if new_names(question, text) else -0.06
    if question.expected != "number" and is_table_row(text):
        gain -= 0.12
    return gain


__all__ = [
    "METRICS",
    "contrary",
    "counted",
    "extract_head",
    "fit",
    "holds_number",
    "number_kind",
    "period_said",
    "rank_word",
    "ranked_first",
    "says_rank",
]
