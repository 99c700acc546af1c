"""Which sentences of a document may speak of a catalyst: by the words to look for, before anything is embedded. Pure.

What is chosen depends on the document and the catalyst alone, never on the rest of the base: so it can be kept until either changes,
and it is the same whoever else's documents are in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from assistant.catalysts.schema import Catalyst
from assistant.evidence import Sentence, fold, split
from vectorstore.records import Chunk, Document, Passage
from vectorstore.text import is_table_row

MOST = 60  # sentences of one document that are read for one catalyst: those with most of its words, then the first
_SHORTEST, _LONGEST = 6, 85  # words: shorter says nothing that can be read alone, longer is a list or a table
_LETTERS = 0.6  # share of a sentence's characters, without white space, that are letters
_ENDS = re.compile(r"[.!…][\"'”’)\]]*(?:\(?\d{1,2}\)?)?$")
_BEGINS = re.compile(
    r"[\"'“‘(\[]*(?:[^\W_a-z]|[$€£¥]|(?:e|i)[A-Z]|[a-z]\d)"
)  # not in the middle, as what a page break or a list cuts off
# What a document says of itself or its speakers, whatever its subject: notices, references, thanks, the words of an operator.
_BOILERPLATE = re.compile(
    r"forward[- ]looking|safe harbor|private securities litigation|actual results (?:could|may|to) |undertakes? no obligation|"
    r"incorporated (?:herein )?by reference|see (?:also )?(?:note|item|part|exhibit|section|page)s? [\dIVX]|"
    r"set forth (?:in|under)|(?:described|discussed|included) (?:in|under) (?:item|note|part|the caption|“|\")|"
    r"thank (?:you|everyone)|next question|your line is (?:now )?open|(?:good|great) (?:morning|afternoon|evening)|conference call|"
    r"all rights reserved|past performance|not (?:constitute|intended as) (?:an? )?(?:offer|investment advice|recommendation)",
    re.I,
)
# How the sources of a note or the tests of a thesis are told: neither is a finding.
_ASIDE = re.compile(
    r"(?:sources?:|(?:the )?(?:facts|figures|data) in this (?:note|article|report)|this (?:note|article|report) )"
    r"|\bwould (?:be|have been) (?:confirmed|refuted|proven|disproven|invalidated|validated)\b",
    re.I,
)
_SPEAKER = re.compile(r"(?:speaker|operator|unidentified|analyst|executive)s?\s*\d*\s*:", re.I)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence that has words of a catalyst: ``document.text[start:end]``, and ``text``, the same with white space folded.

    Where a sentence cannot be read alone, the one before it is part of the span. ``hits``: how many of the words it has.
    """

    start: int
    end: int
    text: str
    section: str
    hits: int


def candidates(document: Document, chunks: Sequence[Chunk], catalyst: Catalyst, most: int = MOST) -> list[Candidate]:
    """Return the sentences of ``chunks`` of ``document`` that may speak of ``catalyst``, in the order of the text, at most ``most``."""
    look, starts = pattern(catalyst.look_for), openings(catalyst.look_for)
    found: dict[int, Candidate] = {}
    for chunk in chunks:
        lowered = chunk.text.lower()
        # Finding a plain word is a hundred times as fast as the pattern, and most chunks have none.
        if chunk.role != "body" or not any(word in lowered for word in starts) or not look.search(chunk.text):
            continue
        for sentence in split(Passage(chunk, document.metadata, document.path, document.collection, 0.0), document):
            if sentence.start in found or not stated(sentence):
                continue
            hits = len({match.group().lower() for match in look.finditer(sentence.text)})
            whole = alone(sentence, document) if hits else None
            if whole is not None:
                start, end = whole
                found[sentence.start] = Candidate(start, end, fold(document.text[start:end]), sentence.context, hits)
    chosen = sorted(apart(found.values()), key=lambda c: (-c.hits, c.start))[:most]
    return sorted(chosen, key=lambda c: c.start)


def apart(found: Iterable[Candidate]) -> list[Candidate]:
    """Return candidates that do not overlap: of a sentence and the same with the next one, the two together."""
    kept: list[Candidate] = []
    for one in sorted(found, key=lambda c: (c.start, c.end)):
        if kept and one.start == kept[-1].start:
            kept[-1] = one
        elif not kept or one.start >= kept[-1].end:
            kept.append(one)
    return kept


def stated(sentence: Sentence) -> bool:
    """Whether a sentence states something: no heading, question, row of a table, notice or courtesy."""
    text = sentence.text
    words = len(text.split())
    if sentence.heading or sentence.asks or not _SHORTEST <= words <= _LONGEST or is_table_row(text):
        return False
    dense = [sign for sign in text if not sign.isspace()]
    if sum(map(str.isalpha, dense)) < _LETTERS * len(dense):
        return False
    if not _BEGINS.match(text) or not (
        _ENDS.search(text) or (sentence.item and words >= 2 * _SHORTEST and text[-1].isalnum())
    ):
        return False
    return not (_BOILERPLATE.search(text) or _ASIDE.search(text) or _SPEAKER.fullmatch(text))


def alone(sentence: Sentence, document: Document) -> tuple[int, int] | None:
    """Return the span in which a sentence can be read: with the one before it where it leans on that; None where it cannot be."""
    if not sentence.leans:
        return sentence.start, sentence.end
    if sentence.before is None:
        return None
    start, end = sentence.before[0], sentence.end
    between = document.text[sentence.before[1] : sentence.start]
    text = document.text[start:end]
    if between.strip() or between.count("\n") > 1 or len(text.split()) > _LONGEST or not _BEGINS.match(text):
        return None
    return start, end


@lru_cache(maxsize=256)
def pattern(phrases: tuple[str, ...]) -> re.Pattern[str]:
    """Return what finds any of ``phrases`` as whole words, in the singular or plural, with a hyphen or a space between words."""
    return re.compile(r"(?<!\w)(?:" + "|".join(map(_phrase, sorted(phrases, key=len, reverse=True))) + r")(?!\w)", re.I)


@lru_cache(maxsize=256)
def openings(phrases: tuple[str, ...]) -> tuple[str, ...]:
    """Return what a text in lower case has at least one of where ``pattern`` finds something: the start of the longest word of each."""
    longest = (max(re.split(r"[\s-]+", phrase.strip().lower()), key=len) for phrase in phrases)
    return tuple(dict.fromkeys(word.rstrip("y") for word in longest))


def _phrase(phrase: str) -> str:
    words = [re.escape(word) for word in re.split(r"[\s-]+", phrase.strip()) if word]
    last = words[-1]
    ending = (
        rf"{last[:-1]}(?:y|ies)"
        if last.endswith("y") and last[-2:-1] not in "aeiou"
        else rf"{last}(?:['’]?s|es|ed|ing)?"
    )
    return r"[\s\u2010-\u2015-]*".join([*words[:-1], ending]) if len(words) > 1 else ending


__all__ = ["MOST", "Candidate", "alone", "apart", "candidates", "openings", "pattern", "stated"]
