"""Sources that state different numbers, or opposite directions, for the same thing and period. Pure.

Only what is certain: the same asked words, the same entities and names, the same stated period, the same qualifiers ("net",
"forward"), one number of one unit in each, further apart than their rounding. What might be something else is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from assistant.evidence import Sentence
from assistant.firms import names
from assistant.lexicon import keys, question_words, stem, terms
from assistant.numbers import Quantity, quantities
from assistant.periods import Period, periods
from assistant.question import Question
from assistant.retrieval import says

# Words that make another measure of the same name.
_QUALIFIERS = re.compile(
    r"\b(?:net|gross|adjusted|unadjusted|core|organic|reported|median|average|mean|typical|excluding|including|excludes|includes|without|forward|trailing|expected|expects|"
    r"forecast\w*|estimat\w+|project\w+|target\w*|guid\w+|maximum|minimum|at least|at most|more than|less than|up to|over|under|below|above|nearly|quarterly|annual\w*|monthly|"
    r"weekly|daily|cumulative|peak|real|nominal|weighted|basic|diluted|domestic|foreign|international|global|total|constant|pro forma|first|second|third|fourth|half|"
    r"would|could|may|might|if|not|no|never)\b",
    re.I,
)
_ABOUT = re.compile(r"\b(?:about|around|roughly|approximately|nearly|almost|some|close to|circa)\s+\W*$", re.I)
_LOOSE = 0.05  # how far "about" reaches
_MOVES = (("#rose", "#drawdown"), ("#outperform", "#underperform"))
_BOTH = frozenset(key for pair in _MOVES for key in pair)
_BESIDE = 30  # characters between a thing and the word that moves it


def rival(question: Question, best: Sentence, others: Sequence[Sentence]) -> Sentence | None:
    """Return the first of ``others``, from another document, that contradicts ``best`` on what is asked; None for none."""
    if question.intent in {"for_against", "metadata"} or question.why:
        return None
    for other in others:
        if other.passage.chunk.document_id == best.passage.chunk.document_id or not _same_thing(question, best, other):
            continue
        if _numbers_differ(question, best.text, other.text) or _opposite(question, best.text, other.text):
            return other
    return None


def label(sentence: Sentence) -> str:
    """Return who says it and when, for a heading."""
    meta = sentence.passage.metadata
    house = meta.publisher or meta.company or meta.title or sentence.passage.path.replace("\\", "/").rsplit("/", 1)[-1]
    return f"{house}, {meta.published or 'undated'}"


def _same_thing(question: Question, one: Sentence, other: Sentence) -> bool:
    asked = [u for u in question.units if not u.light]
    if not any(not u.entity for u in asked):
        return False
    found = keys(one.text), keys(other.text)
    if not all(says(u, pool) for u in asked for pool in found):
        return False
    if one.passage.metadata.company != other.passage.metadata.company:
        return False
    entities = [frozenset(t.key for t in terms(s.text) if t.entity) for s in (one, other)]
    if entities[0] != entities[1] or _named(one) != _named(other):
        return False
    marks = [frozenset(m.group().lower() for m in _QUALIFIERS.finditer(s.text)) for s in (one, other)]
    return marks[0] == marks[1] and _same_period(one, other)


def _named(sentence: Sentence) -> frozenset[str]:
    """Return the words of the names in a sentence, without its own publisher and company: who speaks is not what is spoken of."""
    meta = sentence.passage.metadata
    own = {stem(w) for text in (meta.publisher, meta.company, meta.title) for w in re.findall(r"\w+", text or "")}
    words = {stem(w) for name in names(sentence.text) for w in re.findall(r"[A-Za-z]\w*", name)}
    return frozenset(words - own - question_words())


def _same_period(one: Sentence, other: Sentence) -> bool:
    stated = [_stated(s) for s in (one, other)]
    if stated[0] or stated[1]:
        return stated[0] == stated[1]
    # Nothing stated: only reports on one and the same fiscal period speak of the same time.
    own = [s.passage.metadata.fiscal_period for s in (one, other)]
    return own[0] is not None and own[0] == own[1]


def _stated(sentence: Sentence) -> frozenset[Period]:
    """Return the periods that a sentence speaks of; the month in which it was published only dates it."""
    told = (sentence.passage.metadata.published or "")[:7]
    return frozenset(p for p in periods(sentence.text) if not p.month or f"{p.year}-{p.month:02d}" != told)


def _only(question: Question, text: str) -> tuple[Quantity, float] | None:
    """Return the one number of a sentence and half a unit of its last digit; None where there is none or a choice."""
    asked = {q.value for q in quantities(question.text)}
    found = [q for q in quantities(text) if q.unit not in {"date", "year"} and q.value not in asked]
    if len(found) != 1:
        return None
    digits = re.search(r"\d[\d,]*(?:\.(\d+))?", found[0].text)
    if digits is None:
        return None
    plain = float(digits.group().replace(",", ""))
    scale = abs(found[0].value) / plain if plain else 1.0
    half = 0.5 * 10 ** -len(digits[1] or "") * scale
    if _ABOUT.search(text[max(0, found[0].start - 24) : found[0].start]):
        half = max(half, _LOOSE * abs(found[0].value))
    return found[0], half


def _numbers_differ(question: Question, one: str, other: str) -> bool:
    a, b = _only(question, one), _only(question, other)
    if a is None or b is None or a[0].unit != b[0].unit:
        return False
    return abs(a[0].value - b[0].value) > (a[1] + b[1]) * (1 + 1e-9)


def _opposite(question: Question, one: str, other: str) -> bool:
    """Whether what is asked for rises in one sentence and falls in the other."""
    a, b = _move(question, one), _move(question, other)
    return a != "" and b != "" and any({a, b} == set(pair) for pair in _MOVES)


def _move(question: Question, text: str) -> str:
    """Return the one word of rising or falling of a sentence, where it stands beside what is asked for; "" otherwise."""
    found = terms(text)
    moves = [t for t in found if t.key in _BOTH]
    if len({t.start for t in moves}) != 1 or len({t.key for t in moves}) != 1:
        return ""
    asked = {key for u in question.units if not u.entity and not u.light for key in (*u.keys, *u.words)} - _BOTH
    beside = any(t.key in asked and max(t.start - moves[0].end, moves[0].start - t.end) <= _BESIDE for t in found)
    return moves[0].key if beside else ""


__all__ = ["label", "rival"]
