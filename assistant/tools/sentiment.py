"""The tone of one text: (positive - negative words) / words, by a word list and its rules. Pure.

The shipped list and the meaning of its sections are in data/sentiment_lexicon.txt.
"""

from __future__ import annotations

import csv
import math
import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path

from assistant.question import aliases
from vectorstore.errors import SettingsError
from vectorstore.records import Document, Region
from vectorstore.text import sentences

# A word; the parts of a hyphenated one are words of their own, as in the phrases of the list.
_TOKEN = re.compile(r"[A-Za-z]+(?:['’][A-Za-z]+)?|[.,;:!?—–()\n]")
# "Speaker 3: …", "John Smith -- Chief Executive Officer", "Operator" at the head of a turn.
_TURN = re.compile(
    r"^[ \t]*(?:(?P<label>(?:Speaker|SPEAKER) \d+|Operator|OPERATOR|[A-Z][\w.'’-]+(?: [A-Z][\w.'’-]*){1,4}(?:,? [^:\n]{0,60})?):[ \t]+(?=\S)|(?P<alone>Operator|OPERATOR)[ \t]*$)",
    re.M,
)
_LISTED = re.compile(r"(?:[A-Za-z'’-]+\*?\s*)+")
_SHORTEST = 6  # words of a sentence that is shown
_OPERATOR_SHARE, _OPERATOR_TURNS = 0.5, 3


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Words and rules. ``positive``/``negative`` hold whole words, ``*_stems`` the beginnings of words."""

    name: str
    positive: frozenset[str]
    negative: frozenset[str]
    positive_stems: tuple[str, ...] = ()
    negative_stems: tuple[str, ...] = ()
    negators: frozenset[str] = frozenset()
    breaks: frozenset[str] = frozenset()
    window: int = 3
    neutral: tuple[tuple[str, ...], ...] = ()
    boilerplate: tuple[tuple[str, ...], ...] = ()
    operator: tuple[tuple[str, ...], ...] = ()
    conductor: tuple[tuple[str, ...], ...] = ()  # phrases that only an operator says of himself

    def sign(self, word: str) -> int:
        """Return 1, -1 or 0 for a word in lower case; a whole word wins over a beginning."""
        if word in self.positive or word in self.negative:
            return (word in self.positive) - (word in self.negative)
        return word.startswith(self.positive_stems) - word.startswith(self.negative_stems)


@dataclass(frozen=True, slots=True)
class Sentence:
    """One counted sentence at [start, end) of its document."""

    start: int
    end: int
    positive: int
    negative: int
    words: int

    @property
    def balance(self) -> int:
        return self.positive - self.negative

    @property
    def lean(self) -> float:
        return self.balance / math.sqrt(self.words)


@dataclass(frozen=True, slots=True)
class Tone:
    """What was counted in one text. ``left_out``: sentences by the reason why they were not counted."""

    positive: int
    negative: int
    words: int
    sentences: tuple[Sentence, ...]
    left_out: Mapping[str, int]

    @property
    def score(self) -> float | None:
        """(positive - negative) / words; None for a text without a counted word."""
        return (self.positive - self.negative) / self.words if self.words else None

    def strongest(self, sign: int, count: int = 3) -> tuple[Sentence, ...]:
        """Return the sentences that lean furthest to one side: balance of words / square root of words.

        So a long sentence needs more than a short one, but not in proportion: one strong word alone is not the strongest.
        """
        leaning = [s for s in self.sentences if sign * s.balance > 0 and s.words >= _SHORTEST]
        return tuple(sorted(leaning, key=lambda s: (-sign * s.lean, s.start))[:count])


@cache
def shipped() -> Lexicon:
    """Read data/sentiment_lexicon.txt."""
    return parse(files("assistant.tools").joinpath("data", "sentiment_lexicon.txt").read_text(encoding="utf-8"), "own")


def parse(text: str, name: str) -> Lexicon:
    """Read a lexicon in the shipped format. Raises SettingsError naming the line."""
    found: dict[str, list[tuple[str, ...]]] = {}
    words: dict[str, set[str]] = {}
    settings: dict[str, int] = {}
    section = ""
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.partition("#")[0].strip()
        if not line:
            continue
        if head := re.fullmatch(r"\[(\w+)\]", line):
            section = head[1]
        elif section in {"positive", "negative", "negators", "breaks"} and _LISTED.fullmatch(line):
            words.setdefault(section, set()).update(line.lower().split())
        elif section in {"neutral", "boilerplate", "operator"}:
            key = "conductor" if section == "operator" and line.startswith("!") else section
            found.setdefault(key, []).append(tuple(_words(line)))
        elif section == "settings" and (setting := re.fullmatch(r"window\s*=\s*(\d+)", line)):
            settings["window"] = int(setting[1])
        else:
            raise SettingsError(
                f"Sentiment lexicon {name}, line {number}: {line[:60]!r} is not understood.",
                "Sections are settings, positive, negative, negators, breaks, neutral, boilerplate, operator.",
            )

    def whole(key: str) -> frozenset[str]:
        return frozenset(w for w in words.get(key, ()) if not w.endswith("*"))

    def stems(key: str) -> tuple[str, ...]:
        return tuple(sorted(w[:-1] for w in words.get(key, ()) if w.endswith("*")))

    return Lexicon(
        name, whole("positive"), whole("negative"), stems("positive"), stems("negative"), whole("negators"), whole("breaks"),
        settings.get("window", 3), *(tuple(found.get(key, ())) for key in ("neutral", "boilerplate", "operator", "conductor")),
    )  # fmt: skip


def loughran_mcdonald(path: str | Path) -> Lexicon:
    """Read the user's Loughran–McDonald master dictionary (CSV with the columns Word, Negative, Positive).

    A year above 0 puts a word in a list, 0 or below does not. The rules (negation, what is left out) are those of the
    shipped lexicon. Raises SettingsError for a file that is no such table.
    """
    remedy = "Give sentiment_lexicon the path of the Loughran–McDonald master dictionary as CSV."
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file)
            header = [h.strip().lower() for h in next(rows, [])]
            if not {"word", "negative", "positive"} <= set(header):
                raise SettingsError(f"{path} has no columns Word, Negative and Positive.", remedy)
            at = {name: header.index(name) for name in ("word", "negative", "positive")}
            signed: dict[str, set[str]] = {"positive": set(), "negative": set()}
            for row in rows:
                if len(row) <= max(at.values()):
                    continue
                for name, held in signed.items():
                    if _above_zero(row[at[name]]):
                        held.add(row[at["word"]].strip().lower())
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SettingsError(f"{path} cannot be read: {error}.", remedy) from error
    if not signed["positive"] or not signed["negative"]:
        raise SettingsError(f"{path} lists no positive or no negative words.", remedy)
    return replace(
        shipped(), name="Loughran–McDonald", positive=frozenset(signed["positive"]), negative=frozenset(signed["negative"]),
        positive_stems=(), negative_stems=(),
    )  # fmt: skip


def _above_zero(cell: str) -> bool:
    try:
        return float(cell) > 0
    except ValueError:
        return False


def _words(text: str) -> list[str]:
    return [t.replace("’", "'").lower() for t in _TOKEN.findall(text) if t[0].isalpha()]


def own_name(company: str | None) -> tuple[tuple[str, ...], ...]:
    """Return the ways to name a company: in full, without its legal form, by its first two words."""
    if not company:
        return ()
    full, *shorter = aliases(company) or ("",)
    # The first word alone is the name only where nothing else is left of it ("Culp Inc").
    core = min((a for a in shorter if full.startswith(a)), key=lambda a: -len(a), default=full)
    forms = (full, core, *(a for a in shorter if " " in a))
    found = (tuple(_words(form)) for form in forms)
    return tuple(dict.fromkeys(words for words in found if words))  # a name may be signs only


def count(text: str, lexicon: Lexicon, names: tuple[tuple[str, ...], ...] = ()) -> tuple[int, int, int]:
    """Return (positive, negative, words) of a stretch of text.

    A positive word within the window after a negator is negative, a negative one there is not counted ("no losses" is
    no praise). Words inside a neutral phrase, or inside one of ``names`` written with a capital, count as words only.
    """
    written = [t.replace("’", "'") for t in _TOKEN.findall(text)]
    masked = _masked(written, lexicon.neutral) | _masked(written, names, capital=True)
    positive = negative = place = 0
    since = lexicon.window + 1  # words since the last negator
    for token in (t.lower() for t in written):
        word = token[0].isalpha()
        if not word or token in lexicon.breaks:
            since = lexicon.window + 1
            place += word
            continue
        since += 1
        sign = 0 if place in masked else lexicon.sign(token)
        if sign > 0 and since <= lexicon.window:
            negative += 1
        elif sign > 0:
            positive += 1
        elif sign < 0 and since > lexicon.window:
            negative += 1
        if token in lexicon.negators and place not in masked:
            since = 0
        place += 1
    return positive, negative, place


def _masked(tokens: Sequence[str], phrases: Iterable[tuple[str, ...]], *, capital: bool = False) -> set[int]:
    """Return the places, counted in words, that lie inside a phrase; ``capital``: only where its first word has one."""
    written = [t for t in tokens if t[0].isalpha()]
    words = [t.lower() for t in written]
    places: dict[str, list[int]] = {}
    for i, word in enumerate(words):
        places.setdefault(word, []).append(i)
    found: set[int] = set()
    for phrase in phrases:
        for i in places.get(phrase[0], ()):
            if tuple(words[i : i + len(phrase)]) == phrase and (not capital or written[i][0].isupper()):
                found.update(range(i, i + len(phrase)))
    return found


def _has(text: str, phrases: tuple[tuple[str, ...], ...]) -> bool:
    return bool(_masked(_words(text), phrases))


def turns(text: str) -> list[tuple[int, int, str]]:
    """Return (start, end, speaker) of each turn of a transcript; start lies behind the speaker's name."""
    heads = list(_TURN.finditer(text))
    ends = [*(m.start() for m in heads[1:]), len(text)]
    return [(m.end(), end, (m["label"] or m["alone"]).strip()) for m, end in zip(heads, ends, strict=False)]


def operators(text: str, said: Sequence[tuple[int, int, str]], lexicon: Lexicon) -> frozenset[str]:
    """Return the speakers who conduct the call.

    Named so, or saying it of themselves, or half of their turns say what only a conductor says: three or more, or one of who opens the call.
    """
    spoken: dict[str, list[str]] = {}
    for start, end, speaker in said:
        spoken.setdefault(speaker, []).append(text[start:end])
    first = said[0][2] if said else ""
    return frozenset(
        name
        for name, own in spoken.items()
        if name.lower().startswith("operator") or _conducts(own, lexicon, opens=name == first)
    )


def _conducts(own: Sequence[str], lexicon: Lexicon, *, opens: bool) -> bool:
    if any(_has(turn, lexicon.conductor) for turn in own):
        return True
    hits = sum(_has(turn, lexicon.operator) for turn in own)
    return hits >= _OPERATOR_SHARE * len(own) and hits >= (1 if opens else _OPERATOR_TURNS)


def tone(document: Document, lexicon: Lexicon) -> Tone:
    """Return what a document says by the lexicon, without the operator, boilerplate and page furniture.

    A release has no speakers: what looks like one ("Outlook: …") is a heading.
    """
    text = document.text
    said = turns(text) if document.metadata.kind != "release" else []
    names = own_name(document.metadata.company)
    starts = [start for start, _, _ in said]
    left_out = {"operator": 0, "boilerplate": 0, "furniture": 0, "before the call": 0}
    conducting = operators(text, said, lexicon)
    counted: list[Sentence] = []
    for begin, end in sentences(text):
        start, speaker = begin, ""
        if said:
            place = bisect_right(starts, begin) - 1
            if place + 1 < len(said) and said[place + 1][0] < end:
                # The sentence begins with the speaker's name, which is no part of it.
                place += 1
                start = said[place][0]
            if place < 0:
                left_out["before the call"] += 1
                continue
            speaker = said[place][2]
        sentence = text[start:end]
        if _in(document.regions, start, end):
            left_out["furniture"] += 1
        elif speaker in conducting or (not said and _has(sentence, lexicon.operator)):
            left_out["operator"] += 1
        elif _has(sentence, lexicon.boilerplate):
            left_out["boilerplate"] += 1
        else:
            positive, negative, words = count(sentence, lexicon, names)
            if words:
                counted.append(Sentence(start, end, positive, negative, words))
    return Tone(
        sum(s.positive for s in counted), sum(s.negative for s in counted), sum(s.words for s in counted),
        tuple(counted), {reason: n for reason, n in left_out.items() if n},
    )  # fmt: skip


def _in(regions: Sequence[Region], start: int, end: int) -> bool:
    return any(r.start < end and start < r.end for r in regions)
