"""Names found in a text however they are written: case, accents, look-alike letters, punctuation, spacing. Pure.

A name is a run of whole words. "Harbor Tools Inc." stands in "HARBOR-TOOLS'", "harbortools" and "H a r b o r tools", and not in "Harbor Toolsmith".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from assistant.lexicon import ordinary_names

# How a word has to be written to count: in any case; with a capital first; all in capitals (or after "$"); only marked as a ticker.
Writing = Literal["any", "capital", "capitals", "marked"]

_LEGAL = frozenset(
    {"inc", "incorporated", "corp", "corporation", "co", "company", "ltd", "limited", "llc", "llp", "lp", "plc", "ag", "sa", "se", "nv",
     "gmbh", "spa", "ab", "asa", "oyj", "kk"}
)  # fmt: skip
# Letters of other scripts that look like Latin ones; both sides of a comparison are written with the Latin one.
_ALIKE = str.maketrans(
    "АВЕЅІЈКМНОРСТУХԚԜаеіјорсуѕхһԁԛԝΑΒΕΖΗΙΚΜΝΟΡΤΥΧονρικτυχαıłŁøØđĐ",
    "ABESIJKMHOPCTYXQWaeijopcysxhdqwABEZHIKMNOPTYXovpiktuxailLoOdD",
)
_APOSTROPHES = "'’‘ʼ`´′＇"
_POSSESSIVE = re.compile(rf"(?<=\w)[{_APOSTROPHES}]s\b", re.I)
_WORD = re.compile(r"[^\W_]+")
_BROKEN = re.compile(r"[-‐‑]\s*\n\s*")  # a word that a line break divides
_MARKED = re.compile(r"(?:\$|[A-Za-z]{2,8}:\s?|[(\[])$")  # "$F", "NYSE: F", "(F)"


@cache
def ticker_words() -> frozenset[str]:
    """Return English words that are also tickers."""
    text = files("assistant").joinpath("data", "ticker_words.txt").read_text(encoding="utf-8")
    return frozenset(word for line in text.splitlines() if not line.startswith("#") for word in line.split())


@dataclass(frozen=True, slots=True)
class _Token:
    """A word of a text. ``apart``: white space stands before it; ``marked``: what stands before it says that it is a ticker."""

    word: str
    raw: str
    apart: bool
    marked: bool


def _tokens(text: str) -> list[_Token]:
    found = unicodedata.normalize("NFKD", text)
    found = "".join(c for c in found if unicodedata.category(c) not in {"Mn", "Me", "Cf"}).translate(_ALIKE)
    found = _BROKEN.sub("", _POSSESSIVE.sub("", found).replace("&", " and "))
    found = found.translate({ord(c): None for c in _APOSTROPHES})
    tokens: list[_Token] = []
    end = 0
    for match in _WORD.finditer(found):
        gap = found[end : match.start()]
        apart = not tokens or any(c.isspace() for c in gap)
        tokens.append(_Token(match.group().casefold(), match.group(), apart, bool(_MARKED.search(found[max(0, match.start() - 10) : match.start()]))))  # fmt: skip
        end = match.end()
    return tokens


@dataclass(frozen=True, slots=True)
class _Name:
    """``key``: its words run together; ``borders``: where in the key a word ends; ``label``: whose name it is."""

    key: str
    borders: frozenset[int]
    writing: Writing
    label: str


class Names:
    """Names to look for; the work for a text does not grow with their number."""

    def __init__(self) -> None:
        self._names: dict[str, list[_Name]] = {}
        self._starts: set[str] = set()

    def add(self, name: str, label: str, *, ticker: bool = False) -> bool:
        """Look for ``name`` as one of ``label``; False where it has no letter or digit. A legal form at its end may be absent."""
        words = [token.word for token in _tokens(name)]
        while not ticker and len(words) > 1 and words[-1] in _LEGAL:
            words.pop()
        while not ticker and len(words) > 1 and words[0] == "the":
            words = words[1:]
        key = "".join(words)
        if not key:
            return False
        ends = [sum(map(len, words[: n + 1])) for n in range(len(words))]
        writing = _ticker_writing(key) if ticker else _name_writing(words)
        borders = frozenset({len(key)} if ticker else ends)
        self._names.setdefault(key, []).append(_Name(key, borders, writing, label))
        self._starts.update(key[: n + 1] for n in range(len(key)))
        return True

    def labels(self, text: str) -> tuple[str, ...]:
        """Return whose names stand in ``text``, in the order of the text."""
        return tuple(dict.fromkeys(self._found(_tokens(text))))

    def _found(self, tokens: list[_Token]) -> Iterator[str]:
        for start in range(len(tokens)):
            joined = ""
            for end in range(start, len(tokens)):
                joined += tokens[end].word
                if joined not in self._starts:
                    break
                for name in self._names.get(joined, ()):
                    run = tokens[start : end + 1]
                    if _divided(run, name) and _written(run, name.writing):
                        yield name.label


def _name_writing(words: list[str]) -> Writing:
    common = ordinary_names() | ticker_words()
    return "capital" if len(words) == 1 and words[0] in common else "any"


def _ticker_writing(key: str) -> Writing:
    if len(key) == 1:
        return "marked"
    return "capitals" if len(key) == 2 or key in ticker_words() | ordinary_names() else "any"


def _written(run: Iterable[_Token], writing: Writing) -> bool:
    run = list(run)
    raw = "".join(token.raw for token in run)
    if writing == "any" or run[0].marked:
        return True
    if writing == "capital":
        return raw[0].isupper()
    return writing == "capitals" and raw == raw.upper()


def _divided(run: list[_Token], name: _Name) -> bool:
    """Whether the text divides the name where it may be: at its words, by punctuation, or letter by letter."""
    at = 0
    inside: list[int] = []
    for number, token in enumerate(run):
        if number and at not in name.borders and token.apart:
            inside.append(at)
        at += len(token.word)
    if not inside:
        return True
    starts: dict[int, int] = {}
    at = 0
    for token in run:
        starts[at] = len(token.word)
        at += len(token.word)
    for split in inside:
        begin = max((b for b in name.borders if b < split), default=0)
        close = min(b for b in name.borders if b > split)
        if any(length > 1 for place, length in starts.items() if begin <= place < close):
            return False
    return True


def folded(text: str) -> str:
    """Return a text as patterns are matched with: no accents or look-alikes, one space between words, small letters."""
    found = unicodedata.normalize("NFKD", text)
    found = "".join(c for c in found if unicodedata.category(c) not in {"Mn", "Me", "Cf"}).translate(_ALIKE)
    return " ".join(found.casefold().split())
