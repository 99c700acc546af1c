"""What the words of a sentence say for or against a catalyst: phrases, what rises or falls, and general traits. Pure.

Words are compared by stem. A phrase may hold "…", which stands for up to six words. A word of direction belongs to what moves where it
stands within five words before or eight words after it in the same clause, and the nearest counts; a "not" turns it round.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

from assistant.catalysts.schema import Catalyst, Side
from assistant.lexicon import stem

_TOKEN = re.compile(r"[A-Za-z]+(?:['’&.][A-Za-z]+)*|\d+(?:[.,]\d+)*|[.;:,!?—–()]")
_NOT = re.compile(r"n['’]t\b")
_COUNTRY = re.compile(r"\bU\.S\.A?\.?(?=\W|$)")
_NOUN = re.compile(r"(\w{3,}(?:isms?|ists?|i[sz]ations?|istic))")
_GAP = 6  # words that "…" may stand for
_BEFORE, _AFTER = 5, 8  # words in which a direction is looked for
_FARTHER = 1.25  # a direction before what moves ("higher costs") counts as nearer than one after it
_NEGATED = 4  # words before a phrase in which a "not" turns it round
_STOPS = frozenset(".;:!?()—–")
_ENDED = re.compile(r"[.!?:;…\"”’)\]]$")
_ASKED = re.compile(r"\?[\"”’') ]*$")

Tokens = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Words:
    """The lists of data/stance_words.toml, as stems."""

    up: frozenset[str]
    down: frozenset[str]
    negation: frozenset[str]
    breaks: frozenset[str]
    modal: frozenset[str]
    legal: frozenset[str]
    first: frozenset[str]
    warning: tuple[Phrase, ...]


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase by its stems; ``parts``: the pieces between gaps."""

    text: str
    parts: tuple[Tokens, ...]

    def ends(self, words: Tokens, start: int) -> int | None:
        """Return where the phrase ends if it begins at ``start``, else None."""
        first, *others = self.parts
        end = start + len(first)
        if words[start:end] != first:
            return None
        for part in others:
            for at in range(end, min(end + _GAP, len(words) - len(part)) + 1):
                if words[at : at + len(part)] == part:
                    end = at + len(part)
                    break
                if at < len(words) and words[at] in _STOPS:
                    return None
            else:
                return None
        return end


class Index:
    """Phrases by their first stem, each with what it stands for."""

    def __init__(self, phrases: Sequence[tuple[Phrase, int]]) -> None:
        self._by_first: dict[str, list[tuple[Phrase, int]]] = {}
        for phrase, value in sorted(phrases, key=lambda p: -len(p[0].text)):
            self._by_first.setdefault(phrase.parts[0][0], []).append((phrase, value))

    def find(self, words: Tokens) -> list[tuple[Phrase, int, int, int]]:
        """Return (phrase, value, start, end) of each that stands in ``words``; of those that begin at one word the longest."""
        found = []
        for start, word in enumerate(words):
            for phrase, value in self._by_first.get(word, ()):
                end = phrase.ends(words, start)
                if end is not None:
                    found.append((phrase, value, start, end))
                    break
        return found


@dataclass(frozen=True, slots=True)
class Said:
    """What the words say: weights for and against (``moved``, ``signed``), counts of words to look for and of look-alikes, and why."""

    moved: tuple[float, float]
    signed: tuple[float, float]
    subjects: int
    looked: int
    alike: int
    reasons: tuple[tuple[Side, str], ...]


@cache
def general() -> Words:
    """Return the lists of data/stance_words.toml."""
    data: Mapping[str, object] = tomllib.loads(
        files("assistant").joinpath("data", "stance_words.toml").read_text(encoding="utf-8")
    )

    def stems(name: str) -> frozenset[str]:
        return frozenset(_key(word) for word in str(data[name]).split())

    listed = data["warning"]
    assert isinstance(listed, list)
    return Words(
        stems("up"), stems("down"), stems("negation"), stems("breaks"), stems("modal"), stems("legal"), stems("first"), tuple(map(phrase, listed)),
    )  # fmt: skip


@lru_cache(maxsize=1 << 14)
def tokens(text: str) -> Tokens:
    """Return the stems and stops of a text in order."""
    plain = _COUNTRY.sub("United States", _NOT.sub(" not", text))
    return tuple(_key(m) if m[0].isalnum() else m for m in _TOKEN.findall(plain))


@lru_cache(maxsize=1 << 16)
def _key(word: str) -> str:
    """Return the stem, but of a noun in -ism, -ist or -ization the noun: "regionalism" is not "regional", "optimism" not "optimize"."""
    noun = _NOUN.fullmatch(word.lower())
    return noun[1].removesuffix("s").replace("isation", "ization") if noun else stem(word)


@cache
def phrase(text: str) -> Phrase:
    """Return a phrase as it is written in a list: words, with … for a gap."""
    parts = (tokens(part) for part in text.replace("...", "…").split("…"))
    return Phrase(text, tuple(part for part in parts if part))


class Cues:
    """The phrases of one catalyst. Where it names no ``moves``, what it looks for is taken to speak for it when it rises."""

    def __init__(self, catalyst: Catalyst) -> None:
        moves = [(one, 1 if move.up == "for" else -1) for move in catalyst.moves for one in move.of]
        self.derived = not moves
        if self.derived:
            moves = [(one, self._sense(catalyst, one)) for one in catalyst.look_for]
        self._moves = _index(moves)
        signs = [(one, 1) for one in catalyst.signs_for] + [(one, -1) for one in catalyst.signs_against]
        self._signs = _index(signs)
        self._look = _index([(one, 1) for one in catalyst.look_for])
        self._alike = _index([(one, 1) for one in catalyst.not_about])

    @staticmethod
    def _sense(catalyst: Catalyst, subject: str) -> int:
        """Return how the statement itself says that ``subject`` moves (1 up, -1 down), 1 where it does not say."""
        said = tokens(catalyst.statement)
        for _, _, start, end in _index([(subject, 1)]).find(said):
            sign, _, _ = direction(said, start, end)
            if sign:
                return sign
        return 1

    def say(self, text: str) -> Said:
        """Return what the words of ``text`` say for and against."""
        words = tokens(text)
        moved, signed = [0.0, 0.0], [0.0, 0.0]
        reasons: list[tuple[Side, str]] = []
        subjects, reached = 0, 0
        for one, sense, start, end in self._moves.find(words):
            if start < reached:
                continue
            reached, subjects = end, subjects + 1
            sign, distance, word = direction(words, start, end)
            if sign:
                against = sign * sense < 0
                moved[against] += 1 / (1 + 0.15 * distance)
                reasons.append(("against" if against else "for", f"{word} … {one.text}"))
        seen: set[str] = set()
        for one, sense, start, _ in self._signs.find(words):
            if one.text in seen:
                continue
            seen.add(one.text)
            turned = negated(words, start) and words[start] not in general().negation
            against = (sense < 0) != turned
            signed[against] += 1
            reasons.append(("against" if against else "for", f"not {one.text}" if turned else one.text))
        looked = len({one.text for one, *_ in self._look.find(words)})
        alike = len({one.text for one, *_ in self._alike.find(words)})
        return Said(
            (moved[0], moved[1]), (signed[0], signed[1]), subjects, looked, alike, tuple(dict.fromkeys(reasons))
        )


def _index(phrases: Sequence[tuple[str, int]]) -> Index:
    made = ((phrase(text), value) for text, value in phrases)
    return Index([(one, value) for one, value in made if one.parts])


def negated(words: Tokens, at: int) -> bool:
    """Whether a "not" stands within four words before ``at``, in the same clause."""
    known = general()
    for word in reversed(words[max(0, at - _NEGATED) : at]):
        if word in _STOPS or word == "," or word in known.breaks:
            return False
        if word in known.negation:
            return True
    return False


def direction(words: Tokens, start: int, end: int) -> tuple[int, float, str]:
    """Return the sign (0: none), the distance in words and the stem of the word of direction nearest to ``words[start:end]``."""
    known = general()
    best: tuple[float, int, str] = (99.0, 0, "")
    for distance, at in enumerate(range(start - 1, max(-1, start - 1 - _BEFORE), -1), 1):
        word = words[at]
        if word in _STOPS or word == "," or word in known.breaks:
            break
        sign = (word in known.up) - (word in known.down)
        if sign:
            best = (float(distance), -sign if negated(words, at) else sign, word)
            break
    for distance, at in enumerate(range(end, min(len(words), end + _AFTER)), 1):
        word = words[at]
        if word in _STOPS or word in known.breaks:
            break
        sign = (word in known.up) - (word in known.down)
        if sign:
            if distance / _FARTHER < best[0]:
                best = (distance / _FARTHER, -sign if negated(words, at) else sign, word)
            break
    return best[1], best[0] if best[1] else 0.0, best[2]


TRAITS = ("question", "fragment", "figures", "modal", "legal", "negation", "length", "commas", "warning", "first")


@lru_cache(maxsize=1 << 14)
def traits(text: str) -> tuple[float, ...]:
    """Return what kind of sentence it is, in the order of TRAITS: each from 0 to 2, whatever the catalyst."""
    known = general()
    stems = [word for word in tokens(text) if word[0].isalnum()]
    count = max(1, len(stems))
    everything = tokens(text)
    warned = any(one.ends(everything, at) for one in known.warning for at in range(len(everything)))
    return (
        float(bool(_ASKED.search(text))),
        float(not _ENDED.search(text)),
        sum(word[0].isdigit() for word in stems) / count,
        min(2.0, sum(word in known.modal for word in stems)),
        min(2.0, sum(word in known.legal for word in stems)),
        float(any(word in known.negation for word in stems)),
        min(2.0, len(stems) / 30),
        min(2.0, text.count(",") / 5),
        float(warned),
        float(any(word in known.first for word in stems)),
    )
