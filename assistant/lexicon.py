"""Words and concepts: what a question asks for and what a sentence speaks of, in the same terms.

A *term* is a stemmed word, or a concept of ``data/thesaurus.txt`` that a phrase stands for
("money losing" and "unprofitable" are one). Pure, apart from reading the data files once.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from threading import Lock

import snowballstemmer

# A word, with inner apostrophes, dots and ampersands (U.S., S&P, P/E, R&D); hyphens split.
_WORD = re.compile(
    r"[A-Za-zÀ-ÿ]+\d+[A-Za-z]+|\d+[A-Za-z]{1,2}(?![\w])|[A-Za-zÀ-ÿ]+(?:(?:[’'&/.])[A-Za-zÀ-ÿ]+)*|\d+(?:[.,]\d+)*"
)
_STEMMER = snowballstemmer.stemmer("english")
_STEMMING = Lock()  # it keeps the word that it works on in itself


# British spellings that stem otherwise than the American ones.
_BRITISH = (
    (re.compile(r"is(e[sdr]?|ing|ations?|ational)$"), r"iz\1"),
    (re.compile(r"^(lab|fav|flav|harb|hum|neighb|behavi|col|hon)our"), r"\1or"),
    (re.compile(r"^(defen|offen|licen|preten)ce"), r"\1se"),
    (re.compile(r"^(cent|met|theat|lit)re(s?)$"), r"\1er\2"),
    (re.compile(r"lled$"), "led"),
    (re.compile(r"lling$"), "ling"),
)
# … where -ise belongs to the word.
_KEEPS_S = re.compile(
    r"(?:r|prom|prem|exerc|expert|franch|enterpr|surpr|adv|rev|superv|telev|comprom|disgu|w|no|ra|pra|cru|bru|conc|prec|"
    r"merchand|dev|improv|pro|cha|pha|pur|appra)is(?:e[sdr]?|ing)$"
)


@lru_cache(maxsize=1 << 18)  # the words of a large base have no end: numbers and names
def stem(word: str) -> str:
    """Return the Snowball (English) stem of a word, American spelling; a possessive 's is dropped first."""
    if word[:1].isdigit() and word.replace(",", "").replace(".", "").isdigit():
        return word  # as the stemmer would, in a hundredth of its time
    word = re.sub(r"[’']s?$", "", word.lower().replace("’", "'"))
    if not _KEEPS_S.search(word):
        for british, american in _BRITISH:
            word = british.sub(american, word)
    word = word.replace(".", "") if re.fullmatch(r"(?:[a-z]\.)+[a-z]?", word) else word
    with _STEMMING:
        return sys.intern(str(_STEMMER.stemWord(word)))


@dataclass(frozen=True, slots=True)
class Term:
    """A word or concept at [start, end) of a text. ``key`` compares; ``entity``: another one is no answer."""

    key: str
    start: int
    end: int
    concept: bool = False
    entity: bool = False


def _data(name: str) -> list[str]:
    text = files("assistant").joinpath("data", name).read_text(encoding="utf-8")
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]


@cache
def stopwords() -> frozenset[str]:
    """Return the function words, as written."""
    return frozenset(word for line in _data("stopwords.txt") for word in line.split())


@cache
def ordinary_names() -> frozenset[str]:
    """Return everyday words that name no company by themselves."""
    return frozenset(word for line in _data("ordinary_names.txt") for word in line.split())


@cache
def question_words() -> frozenset[str]:
    """Return the stems of words that steer a question without being its subject."""
    return frozenset(stem(word) for line in _data("question_words.txt") for word in line.split())


@cache
def light_words() -> frozenset[str]:
    """Return the stems of general words that an answer may do without."""
    return frozenset(stem(word) for line in _data("light_words.txt") for word in line.split())


@dataclass(frozen=True)
class Thesaurus:
    """``phrases``: stems -> concepts; ``starts``: a first stem -> lengths, longest first; ``wider``: a concept -> those that it is a case of; ``stands_for``: -> those that help."""

    phrases: Mapping[tuple[str, ...], tuple[str, ...]]
    starts: Mapping[str, tuple[int, ...]]
    entities: frozenset[str]
    wider: Mapping[str, frozenset[str]]
    stands_for: Mapping[str, frozenset[str]]
    surfaces: Mapping[str, tuple[str, ...]]


@cache
def thesaurus() -> Thesaurus:
    """Read ``data/thesaurus.txt`` (its head describes the format)."""
    phrases: dict[tuple[str, ...], list[str]] = {}
    entities: set[str] = set()
    wider: dict[str, set[str]] = {}
    stands_for: dict[str, set[str]] = {}
    surfaces: dict[str, tuple[str, ...]] = {}
    for line in _data("thesaurus.txt"):
        if "~" in line:
            narrow, _, wide = (part.strip() for part in line.partition("~"))
            stands_for.setdefault(narrow, set()).add(wide)
            continue
        if "=" not in line:
            narrow, _, wide = (part.strip() for part in line.partition("<"))
            wider.setdefault(narrow, set()).add(wide)
            continue
        name, _, right = line.partition("=")
        name = name.strip()
        if name.startswith("@"):
            name = name[1:]
            entities.add(name)
        listed = tuple(phrase.strip() for phrase in right.split("|") if phrase.strip())
        surfaces[name] = listed
        for phrase in listed:
            key = tuple(stem(word) for word in _WORD.findall(phrase.lower()))
            held = phrases.setdefault(key, [])
            if name not in held:
                held.append(name)
    return Thesaurus(
        {key: tuple(names) for key, names in phrases.items()},
        {
            first: tuple(sorted({len(k) for k in phrases if k[0] == first}, reverse=True))
            for first in {k[0] for k in phrases}
        },
        frozenset(entities),
        {name: frozenset(names) for name, names in wider.items()},
        {name: frozenset(names) for name, names in stands_for.items()},
        surfaces,
    )


def terms(text: str) -> tuple[Term, ...]:
    """Return the terms of ``text`` in order: each word but the function words, and each concept found.

    A concept's own words stay beside it, so that two texts can share the word without the concept.
    """
    book = thesaurus()
    words = [(stem(m.group()), m.start(), m.end(), m.group().lower()) for m in _WORD.finditer(text)]
    stems = [word[0] for word in words]
    found: list[Term] = []
    for i, (key, start, end, surface) in enumerate(words):
        for length in book.starts.get(key, ()):
            names = book.phrases.get(tuple(stems[i : i + length])) if i + length <= len(stems) else None
            if names:
                last = words[i + length - 1][2]
                found += [Term(f"#{n}", start, last, concept=True, entity=n in book.entities) for n in names]
                break
        if surface not in stopwords() and surface.replace("’", "'") not in stopwords():
            found.append(Term(key, start, end))
    return tuple(found)


@lru_cache(maxsize=1 << 16)  # about 1 KB each: the sentences of what is asked about
def keys(text: str) -> frozenset[str]:
    """Return the keys of all terms of ``text``, with the wider concepts of those found: ``terms`` without the places."""
    book, words = thesaurus(), _WORD.findall(text)
    stems = list(map(stem, words))
    found = set(map(_key, words))
    found.discard("")
    for i, key in enumerate(stems):
        if key in book.starts:
            for length in book.starts[key]:
                names = book.phrases.get(tuple(stems[i : i + length])) if i + length <= len(stems) else None
                if names:
                    found.update(f"#{name}" for name in names)
                    break
    return widen(found)


@lru_cache(maxsize=1 << 18)
def _key(word: str) -> str:
    """Return the stem of a word of a text, "" for a function word."""
    surface = word.lower()
    return "" if surface in stopwords() or surface.replace("’", "'") in stopwords() else stem(word)


def widen(found: Iterable[str]) -> frozenset[str]:
    """Add to each concept the ones that it is a case of."""
    book = thesaurus()
    result = set(found)
    for key in tuple(result):
        if key.startswith("#"):
            result.update(f"#{name}" for name in book.wider.get(key[1:], ()))
    return frozenset(result)


def synonyms(key: str) -> tuple[str, ...]:
    """Return the phrases of a concept key ("#ipo"), for the keyword index; () for a plain word."""
    return thesaurus().surfaces.get(key[1:], ()) if key.startswith("#") else ()


def helpers(keys: Iterable[str]) -> frozenset[str]:
    """Return the concepts that help to answer for these: "#smallcap" for "#russell2000"."""
    book = thesaurus()
    return frozenset(f"#{name}" for key in keys for name in book.stands_for.get(key[1:], ()))


@cache
def stances() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what arguments for, and arguments against, sound like."""
    lines = _data("stance.txt")
    return tuple(x[1:].strip() for x in lines if x[0] == "+"), tuple(x[1:].strip() for x in lines if x[0] == "-")
