"""Which sentences of a document may speak of a catalyst: by its words and phrases, before anything is embedded. Pure.

What is chosen depends on the document and the catalyst alone, never on the rest of the base: so it can be kept until either changes,
and it is the same whoever else's documents are in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from assistant.catalysts.cues import Phrase, Tokens, phrase, tokens
from assistant.catalysts.schema import Catalyst
from assistant.evidence import Sentence, fold, split
from vectorstore.records import Chunk, Document, Passage
from vectorstore.text import is_table_row

MOST = 80  # sentences of one document that are read for one catalyst: those with most of its words, then the first
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


def candidates(
    document: Document, chunks: Sequence[Chunk], catalysts: Sequence[Catalyst], most: int = MOST
) -> list[list[Candidate]]:
    """Return for each of ``catalysts`` the sentences of ``chunks`` of ``document`` that may speak of it, in the order of the text.

    Those are at most ``most``: the ones with most of its words, and of these the first.
    """
    index = _index(tuple(map(_phrases, catalysts)))
    found: list[dict[int, Candidate]] = [{} for _ in catalysts]
    seen: set[int] = set()
    for chunk in chunks:
        if chunk.role != "body":
            continue
        for sentence in split(Passage(chunk, document.metadata, document.path, document.collection, 0.0), document):
            if sentence.start in seen or not stated(sentence):
                continue
            seen.add(sentence.start)
            hits = index.hits(tokens(sentence.text))
            whole = alone(sentence, document) if any(hits) else None
            if whole is None:
                continue
            start, end = whole
            text = fold(document.text[start:end])
            for place, count in enumerate(hits):
                if count:
                    found[place][sentence.start] = Candidate(start, end, text, sentence.context, count)
    return [_most(one.values(), most) for one in found]


def _most(found: Iterable[Candidate], most: int) -> list[Candidate]:
    chosen = sorted(apart(found), key=lambda c: (-c.hits, c.start))[:most]
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


def _phrases(catalyst: Catalyst) -> tuple[str, ...]:
    """Return all words and phrases by which a catalyst is spoken of: what to look for, what moves, the signs of either side."""
    moving = (word for move in catalyst.moves for word in move.of)
    return tuple(dict.fromkeys((*catalyst.look_for, *moving, *catalyst.signs_for, *catalyst.signs_against)))


class _Index:
    """The phrases of several catalysts by their first stem."""

    def __init__(self, listed: Sequence[Sequence[str]]) -> None:
        self._count = len(listed)
        self._by_first: dict[str, list[tuple[Phrase, int]]] = {}
        for place, texts in enumerate(listed):
            for one in map(phrase, texts):
                if one.parts:
                    self._by_first.setdefault(one.parts[0][0], []).append((one, place))

    def hits(self, words: Tokens) -> list[int]:
        """Return how many phrases of each catalyst stand in ``words``."""
        found: list[set[str]] = [set() for _ in range(self._count)]
        for start, word in enumerate(words):
            for one, place in self._by_first.get(word, ()):
                if one.ends(words, start) is not None:
                    found[place].add(one.text)
        return [len(one) for one in found]


_index = lru_cache(maxsize=8)(_Index)


@lru_cache(maxsize=256)
def pattern(phrases: tuple[str, ...]) -> re.Pattern[str]:
    """Return what finds any of ``phrases`` as whole words, in the singular or plural, with a hyphen or a space between words."""
    return re.compile(r"(?<!\w)(?:" + "|".join(map(_phrase, sorted(phrases, key=len, reverse=True))) + r")(?!\w)", re.I)


def _phrase(phrase: str) -> str:
    words = [re.escape(word) for word in re.split(r"[\s-]+", phrase.strip()) if word]
    last = words[-1]
    ending = (
        rf"{last[:-1]}(?:y|ies)"
        if last.endswith("y") and last[-2:-1] not in "aeiou"
        else rf"{last}(?:['’]?s|es|ed|ing)?"
    )
    return r"[\s\u2010-\u2015-]*".join([*words[:-1], ending]) if len(words) > 1 else ending


__all__ = ["MOST", "Candidate", "alone", "apart", "candidates", "pattern", "stated"]
