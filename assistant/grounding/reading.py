"""A sentence -> its tokens, with what denies or hedges them and where clauses break. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import pairwise

from assistant.grounding.figure import Figure
from assistant.grounding.figures import figures
from assistant.grounding.lists import listed
from assistant.grounding.words import (
    Token,
    is_common,
    opposite_poles,
    opposite_root,
    positive_of,
    synonym_groups,
)
from assistant.lexicon import light_words, stem, stopwords, thesaurus

_TOKEN = re.compile(r"[^\W\d_]+(?:['’&./][^\W\d_]+)*|\d+(?:[.,]\d+)*[^\W\d_]*|[,;:.!?()—–]|(?<=\s)-(?=\s)|[$€£¥%]")
_LONGEST = 160  # tokens of one sentence that are looked at together
_NEGATED, _CONTRASTED, _HEDGED = 3, 2, 9  # content words that a negator, "rather than" and a hedge reach
_HARD = frozenset(";:.!?—–()-")
# Kinds of prepositions before a figure: "from 5" and "compared with 5" say where it was, "to 7" where it went, "by 2" how far.
_PREPOSITIONS = {
    **dict.fromkeys(("from", "versus", "vs", "than", "against", "compared"), "base"),
    **dict.fromkeys(("in", "during"), "in"),
    **dict.fromkeys(("until", "through"), "until"),
    **{word: word for word in ("to", "by", "of", "at", "for", "since", "before", "after", "under", "over", "between")},
}
_CONTRASTS = frozenset({("rather", "than"), ("instead", "of"), ("opposed", "to")})
# Before these "last" is no verb.
_BEFORE_VERB = frozenset(
    {"to", "will", "would", "can", "could", "may", "might", "must", "should", "shall", "not", "they", "it"}
)
_LONG = {
    "won't": ("will", "not"),
    "can't": ("can", "not"),
    "shan't": ("shall", "not"),
    "ain't": ("is", "not"),
    "cannot": ("can", "not"),
}


def spelled(text: str) -> tuple[str, ...]:
    """Return the words of a text in lower case, "won't" as "will", "not"."""
    words: list[str] = []
    for match in re.finditer(r"[^\W\d_]+(?:'[a-z]+)?", text):
        low = match.group().lower()
        words += _LONG.get(low, (low[:-3], "not") if low.endswith("n't") else (low,))
    return tuple(words)


def chunks(text: str, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Split spans of more than about a thousand characters at white space, so that no step is quadratic in a sentence."""
    out: list[tuple[int, int]] = []
    for first, end in spans:
        start = first
        while end - start > 1400:
            cut = text.rfind(" ", start + 600, start + 1200)
            cut = cut if cut > 0 else start + 1200
            out.append((start, cut))
            start = cut
        out.append((start, end))
    return out


@lru_cache(maxsize=2048)
def read(text: str) -> tuple[Token, ...]:
    """Return the content tokens of one sentence, figures as one token each."""
    pieces = _pieces(text, figures(text))
    return tuple(_joined(_Reader(pieces).tokens()))


@dataclass(frozen=True, slots=True)
class _Piece:
    """A word, a sign or a figure as it stands; ``low`` is the word in lower case with plain apostrophes."""

    text: str
    start: int
    end: int
    figure: Figure | None
    low: str
    stem: str


def _pieces(text: str, found: Sequence[Figure]) -> list[_Piece]:
    pieces: list[_Piece] = []
    pending = iter([*found, None])
    next_figure = next(pending)

    def put(figure: Figure) -> None:
        if not pieces or pieces[-1].end <= figure.start:
            pieces.append(_Piece(figure.text, figure.start, figure.end, figure, "", ""))

    for match in _TOKEN.finditer(text):
        while next_figure is not None and next_figure.start <= match.start():
            put(next_figure)
            next_figure = next(pending)
        if pieces and match.start() < pieces[-1].end:
            continue
        word = match.group()
        low = word.lower().replace("’", "'")
        pieces.append(_Piece(word, *match.span(), None, low, stem(word) if word[0].isalnum() else ""))
        if len(pieces) > 4 * _LONGEST:
            return pieces
    while next_figure is not None:
        put(next_figure)
        next_figure = next(pending)
    return pieces


@dataclass
class _Reader:
    """Goes through the pieces once: what has been read so far decides what the next word stands under."""

    pieces: list[_Piece]
    clause: int = 0
    opens: bool = True
    preposition: str = ""
    negated: int = 0  # content words that the last negator still reaches
    negators: int = 0
    hedged: int = 0
    out: list[Token] = field(default_factory=list)

    def tokens(self) -> list[Token]:
        """Return the tokens."""
        keys, axes = self._phrases()
        for i, piece in enumerate(self.pieces):
            if piece.figure is not None:
                self._figure(piece, piece.figure)
            elif not piece.stem:
                self._sign(piece.text)
            elif self._function(i, piece, bool(axes[i])):
                self.opens = False
            else:
                self._word(piece, keys[i], axes[i])
        return self.out[:_LONGEST]

    def _phrases(self) -> tuple[list[set[str]], list[dict[str, int]]]:
        """Return for each piece the groups, concepts and poles of the phrases that it belongs to."""
        pieces = self.pieces
        stems = [piece.stem for piece in pieces]
        (groups, group_starts), (poles, pole_starts), book = synonym_groups(), opposite_poles(), thesaurus()
        keys: list[set[str]] = [set() for _ in pieces]
        axes: list[dict[str, int]] = [{} for _ in pieces]

        def fitting(starts: Mapping[str, tuple[int, ...]], i: int) -> list[int]:
            return [length for length in starts.get(stems[i], ()) if i + length <= len(stems)]

        for i, key in enumerate(stems):
            if not key:
                continue
            for length in fitting(group_starts, i):
                held = groups.get(tuple(stems[i : i + length]))
                if held:
                    for j in range(i, i + length):
                        keys[j] |= held
                    if length > 1:
                        break
            if key not in pole_starts and (base := positive_of(pieces[i].low)):
                axes[i] |= dict(poles.get((base,), ()))
            for length in fitting(pole_starts, i):
                sides = poles.get(tuple(stems[i : i + length]))
                if sides and not (key == "last" and i and pieces[i - 1].low in _BEFORE_VERB):
                    # A phrase counts where its first word that means something stands.
                    place = next((j for j in range(i, i + length) if pieces[j].low not in stopwords()), i)
                    axes[place] |= dict(sides)
                    break
            for length in fitting(book.starts, i):
                names = book.phrases.get(tuple(stems[i : i + length]))
                if names:
                    for j in range(i, i + length):
                        keys[j] |= {f"#{name}" for name in names}
                    break
        return keys, axes

    def _sign(self, sign: str) -> None:
        if sign in _HARD:
            self.clause += 1
            self.hedged = self.negated = 0
        elif sign == ",":
            self.negated = 0
        self.opens = sign in ".!?:;(" or self.opens
        if sign not in "$€£¥":
            self.preposition = ""

    def _figure(self, piece: _Piece, figure: Figure) -> None:
        key = f"={figure.kind}:{figure.value:g}"
        self.out.append(
            Token(
                stem=f"={figure.unit}:{figure.value:g}",
                surface=piece.text,
                start=piece.start,
                end=piece.end,
                keys=frozenset({key}),
                clause=self.clause,
                before=self.preposition,
                negated=self.negators if self.negated > 0 else 0,
                hedged=self.hedged > 0,
                figure=figure,
            )
        )
        self.preposition, self.opens = "", False
        self.negated -= 1

    def _function(self, i: int, piece: _Piece, has_poles: bool) -> bool:
        """Take note of what a word does to those after it; return whether it does no more than that."""
        low = piece.low
        follows = self.pieces[i + 1].low if i + 1 < len(self.pieces) else ""
        before = self.pieces[i - 1].low if i else ""
        if low in listed("breaks"):
            self.clause += 1
            self.negated = self.hedged = 0
        denies = low in listed("negators")
        if low.endswith("n't") or low == "cannot" or (denies and not self._denies_nothing(low, follows)):
            self.negated = _NEGATED
            self.negators += 1
        elif (low, follows) in _CONTRASTS:
            self.negated = _CONTRASTED
            self.negators += 1
        if low.endswith("n't"):
            self.hedged = _HEDGED if low == "won't" else self.hedged
            return True
        if low in listed("hedges") and not (low == "may" and piece.text[0] == "M" and not self.opens):
            self.hedged = _HEDGED
        if before == "compared" and low in {"with", "to"}:
            self.preposition = "base"
        elif low in _PREPOSITIONS:
            self.preposition = _PREPOSITIONS[low]
        if (
            piece.text == "A"
            and not self.opens
            and before in {"class", "series", "tier", "type", "group", "category", "plan", "schedule"}
        ):
            return False
        if (low in stopwords() and not has_poles) or low in listed("plain_negators"):
            if low not in _PREPOSITIONS and low not in {"a", "an", "the", "with"}:
                self.preposition = ""
            return True
        return False

    @staticmethod
    def _denies_nothing(low: str, follows: str) -> bool:
        """ "not only", "no later than"."""
        return (low == "not" and follows in {"only", "just", "merely"}) or (low == "no" and follows == "later")

    def _word(self, piece: _Piece, keys: set[str], axes: dict[str, int]) -> None:
        low, word = piece.low, piece.text
        bare = re.sub(r"'s?$", "", low).strip(".")
        capital = word[0].isupper()
        shows = not self.opens or (len(word) > 1 and word.isupper()) or "&" in word
        name = capital and shows and bare not in listed("not_names")
        root = opposite_root(low)
        denies, hedges = low in listed("negators"), low in listed("hedges")
        self.out.append(
            Token(
                stem=piece.stem,
                surface=word,
                start=piece.start,
                end=piece.end,
                keys=frozenset({piece.stem, f"/{stem(root) if root else piece.stem}", *keys}),
                poles=tuple(sorted(axes.items())),
                clause=self.clause,
                before=self.preposition,
                name=name,
                initial=capital and self.opens and not name,
                light=piece.stem in light_words() or low in stopwords(),
                negated=self.negators if self.negated > 0 and not denies else 0,
                hedged=self.hedged > 0 and not hedges,
                contrary=bool(root),
            )
        )
        self.preposition, self.opens = "", False
        if not denies:
            self.negated -= 1
        self.hedged -= 1


def _joined(tokens: Sequence[Token]) -> list[Token]:
    """Take the capitalised word that opens a sentence into the name that follows it: "Bolt Industries acquired"."""
    out = list(tokens)
    for i, (token, after) in enumerate(pairwise(tokens)):
        if token.initial and after.name and token.end + 1 == after.start and not is_common(token.surface):
            out[i] = replace(token, name=True, initial=False)
    return out


_BEING = re.compile(r"\b(?:is|are|was|were|be|been|being|got)\s+(?:\w+ly\s+|also\s+|then\s+|not\s+)?$")


def passives(text: str, tokens: Sequence[Token]) -> frozenset[int]:
    """Return the indices of verbs in the passive with an agent ("was acquired by"): their sides are the other way round."""
    found = set()
    for i, token in enumerate(tokens):
        participle = token.figure is None and token.surface.endswith(("ed", "en", "t", "d", "wn", "un", "de"))
        by = text[token.end : token.end + 4].lower() == " by "
        if participle and by and _BEING.search(text[max(0, token.start - 22) : token.start].lower()):
            found.add(i)
    return frozenset(found)
