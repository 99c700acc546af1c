"""Words that can be compared: stems, groups of synonyms, poles of opposites, prefixes that deny. Pure.

Word lists: ``assistant/data/synonyms.txt``, ``opposites.txt``, ``claim_words.toml`` and the thesaurus of `assistant.lexicon`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache

from assistant.grounding.figure import Figure
from assistant.grounding.lists import lines, listed
from assistant.lexicon import light_words, stem, stopwords, thesaurus


@dataclass(frozen=True, slots=True)
class Token:
    """A content word or a figure. ``keys``: what it is compared by (its stem, "g12" for a group of synonyms, "#rose" for a concept, "/profit" for what
    is left without a prefix that denies); ``poles``: axis -> +1 or -1; ``clause`` counts hard breaks before it."""

    stem: str
    surface: str
    start: int
    end: int
    keys: frozenset[str]
    poles: tuple[tuple[str, int], ...] = ()
    clause: int = 0
    before: str = ""  # the kind of preposition right before it
    name: bool = False
    initial: bool = False  # opens a sentence, so its capital says nothing
    light: bool = False
    negated: int = 0  # which negator of the sentence reaches it, counted from 1; 0 for none
    hedged: bool = False
    contrary: bool = False  # a prefix denies it: "immaterial"
    figure: Figure | None = None

    @property
    def weight(self) -> float:
        """How much it counts in what must be covered."""
        if self.figure or self.surface.lower() in stopwords():
            return 0.0 if self.figure else 0.2
        return 1.1 if self.name else 0.6 if self.light else 1.0


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence as tokens; ``words`` are all its words in lower case, function words too."""

    text: str
    tokens: tuple[Token, ...]
    words: tuple[str, ...]
    figures: tuple[Figure, ...]
    passive: frozenset[int] = frozenset()

    @property
    def vocabulary(self) -> frozenset[str]:
        """The words as a set."""
        return frozenset(self.words)


@cache
def synonym_groups() -> tuple[dict[tuple[str, ...], frozenset[str]], dict[str, tuple[int, ...]]]:
    """Return phrases (as stems) -> the groups of synonyms that they are in, and first stems -> lengths of phrases, longest first."""
    phrases: dict[tuple[str, ...], set[str]] = {}
    for number, line in enumerate(lines("synonyms.txt")):
        for entry in line.split():
            phrases.setdefault(_stems(entry), set()).add(f"g{number}")
    return {k: frozenset(v) for k, v in phrases.items()}, _lengths(phrases)


@cache
def opposite_poles() -> tuple[dict[tuple[str, ...], tuple[tuple[str, int], ...]], dict[str, tuple[int, ...]]]:
    """Return phrases (as stems) -> (axis, +1 or -1) each, and first stems -> lengths of phrases, longest first."""
    phrases: dict[tuple[str, ...], dict[str, int]] = {}
    for line in lines("opposites.txt"):
        axis, _, sides = line.partition(":")
        for sign, side in zip((1, -1), sides.split(" / "), strict=True):
            for entry in side.split():
                held = phrases.setdefault(_stems(entry), {})
                held[axis] = 0 if held.get(axis, sign) != sign else sign
    table = {k: tuple(sorted((a, s) for a, s in v.items() if s)) for k, v in phrases.items()}
    return table, _lengths(table)


def _stems(entry: str) -> tuple[str, ...]:
    return tuple(stem(word) for word in re.findall(r"[^\W\d_]+(?:['&.][^\W\d_]+)*", entry.replace("_", " ")))


def _lengths(phrases: Mapping[tuple[str, ...], object]) -> dict[str, tuple[int, ...]]:
    starts: dict[str, set[int]] = {}
    for key in phrases:
        if key:
            starts.setdefault(key[0], set()).add(len(key))
    return {first: tuple(sorted(lengths, reverse=True)) for first, lengths in starts.items()}


@cache
def positive_of(word: str) -> str:
    """Return the stem of the word that a comparative or superlative is made of where it is one of two opposites: "weaker" of "weak"."""
    for ending in ("er", "est"):
        if word.endswith(ending) and len(word) > len(ending) + 2:
            root = word[: -len(ending)]
            for base in (
                root,
                root + "e",
                root[:-1] + "y" if root.endswith("i") else root,
                root[:-1] if root[-1] == root[-2] else root,
            ):
                if (stem(base),) in opposite_poles()[0]:
                    return stem(base)
    return ""


_ADJECTIVE = re.compile(r"(?:able|ible|al|ant|ent|ive|ed|ous|ful|ar|ic|ary|ly|ain|air|even|able|ect|ete|ure|uous|ory)$")
_PREFIX = re.compile(r"(?:un|in|im|il|ir|dis|non)-?(?=\w{4})")


_KEEPS_PREFIX = re.compile(
    r"(?:un(?:ited|ion|ique|iver|der|til|less)|in(?:cre|clin|tegr|itia|stit|tern|herit|vest|vent|form|put|ten|di|ter|ten|sur|ves|dust|ter|flu|clu|cid|stan|nov|her|debt|sta)|im(?:port|pac|med|per)|dis(?:clos|tri|tan|tin|cuss|pos|pla|crim|cre)|ir(?:is))"
)


def opposite_root(word: str) -> str:
    """Return "material" for "immaterial": the word without a prefix that negates it; "" where there is none."""
    match = _PREFIX.match(word)
    if not match or not _ADJECTIVE.search(word) or _KEEPS_PREFIX.match(word):
        return ""
    return word[match.end() :]


@cache
def _known() -> frozenset[str]:
    """Stems of words that some list knows: a capital at the head of a sentence makes no name of them."""
    book = {s for key in (*synonym_groups()[0], *opposite_poles()[0], *thesaurus().phrases) for s in key}
    return frozenset(book) | light_words()


def is_common(word: str) -> bool:
    """Whether a word that opens a sentence is an ordinary one, by the lists or by its ending."""
    low = word.lower()
    return stem(low) in _known() or low in stopwords() or bool(re.search(r"(?:tion|tions|sion|sions|ment|ments|ings?|ly|ness|ities|ity|ances?|ences?|ives|isms?|ists|ous|ful|able|ible|ships?|ward|wise|ies|ages?|ures?|als)$", low))  # fmt: skip


@lru_cache(maxsize=50_000)
def kin(a: str, b: str) -> bool:
    """Whether two stems are of one family: a shared start of five letters or more, then only endings (acquir-, acquisit-)."""
    if a == b:
        return True
    shared = 0
    for x, y in zip(a, b, strict=False):
        if x != y:
            break
        shared += 1
    return shared >= 5 and all(not rest or rest in listed("endings") for rest in (a[shared:], b[shared:]))


def alike(a: Token, b: Token) -> float:
    """Return how far two tokens say the same (0..1): same stem 1, synonym 0.9, family 0.8, one concept of the thesaurus 0.7."""
    if a.stem == b.stem:
        return 1.0
    if a.figure or b.figure:
        return 1.0 if a.keys & b.keys else 0.0
    if opposed(a, b):
        return 0.0
    if rooted(a, b):
        # "not material" says what "immaterial" does; whether it does is for the check of negation.
        return 0.9
    shared = {k for k in a.keys & b.keys if k[0] != "/"}
    if any(k[0] == "g" and k[1:].isdigit() for k in shared):
        return 0.9
    if kin(a.stem, b.stem):
        return 0.8
    if set(a.poles) & set(b.poles):
        return 0.75
    return 0.7 if shared else 0.0


def opposed(a: Token, b: Token) -> str:
    """Return the axis on which two tokens are opposite poles; "" where there is none or they also share one."""
    mine, other = dict(a.poles), dict(b.poles)
    both = mine.keys() & other.keys()
    if any(mine[x] == other[x] for x in both):
        return ""
    return next(iter(sorted(both)), "")


def rooted(a: Token, b: Token) -> bool:
    """Whether one of two tokens is the other with a prefix that denies it."""
    return a.contrary != b.contrary and any(k[0] == "/" for k in a.keys & b.keys)


def corporate(word: str) -> bool:
    """Whether a word of a name says only what kind of company it is."""
    return word.lower().strip(".") in listed("corporate")
