"""A question about figures as a row of tags: figures, periods, numbers, operators, and what is left over. Pure.

Tags: I figure, Y period, N number, ( ) + - * / operators, % "as a percentage of", S "share of", D divide, U subtract,
A add, b by, f from or between, & and, t to, M mean, G growth, C change, R compound growth, Z sum, r ratio, c covers,
o together, = "defined as", n number of years, P percent, p the year before, m margin, w opening and closing,
e "for every dollar of", v against, $ cash, "," and ":" separators, ? what nothing accounts for.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

from assistant.statements.formulas import Name, Node
from assistant.statements.items import items
from assistant.statements.vocabulary import Vocabulary, Words, stem, surfaces, words

# Names that a question defines, as stems: the formula of each and the name as it is written.
Own = Mapping[Words, tuple[Node, str]]


@dataclass(frozen=True, slots=True)
class Tag:
    """``kind`` as the module says; ``node`` of a figure, ``value`` of a number, a period (its index) or a number of years."""

    kind: str
    word: str = ""
    node: Node | None = None
    value: float = 0.0
    label: str = ""


_PHRASES = {
    "/": ("divided by", "over", "÷", "/", "relative to", "in relation to"),
    "%": ("as a percentage of", "as a percent of", "as percentage of", "as percent of", "as a % of", "as % of", "as a share of", "as a proportion of", "as a fraction of", "as a portion of", "in percent of", "in % of", "% of", "percent of total"),
    "S": ("share of", "percentage of", "percent of", "fraction of", "proportion of", "part of", "portion of", "how much of", "how many percent of", "which percentage of", "what percentage of", "what % of", "what percent of"),
    "+": ("plus", "+", "added to"),
    "-": ("minus", "less", "net of", "-", "–", "—", "−"),
    "*": ("*", "×", "·", "multiplied by", "x"),
    "D": ("divide", "dividing"),
    "U": ("subtract", "deduct", "subtracting", "deducting"),
    "": ("return to shareholders", "returned to shareholders", "return cash to shareholders", "returned cash to shareholders", "return to its shareholders", "over the course of", "add back", "added back", "add in its", "adds back", "each of", "as of", "based on", "by relying on", "at the end of"),
    "A": ("add", "adding"),
    "b": ("by",),
    "f": ("from", "between"),
    "&": ("and", "as well as", "along with"),
    "t": ("to", "through", "until", "into"),
    "M": ("average", "avg", "mean", "averages", "average of", "mean of", "averaged"),
    "G": ("growth", "growth rate", "grow", "grew", "grown", "growing", "year over year growth", "yoy growth"),
    "C": (
        "change", "changed", "increase", "increased", "decrease", "decreased", "rise", "rose", "risen", "fall", "fell", "fallen", "decline",
        "declined", "go up", "went up", "go down", "went down", "higher", "lower", "improve", "improved", "difference", "difference in", "move", "moved", "drop", "dropped",
        "shrink", "shrank", "expand", "expanded", "climb", "climbed", "change in", "increase in", "decrease in", "gone up", "gone down", "improving", "worsen", "worsened",
    ),
    "R": ("cagr", "compound annual growth rate", "compounded annual growth rate", "compound annual growth", "annual growth rate compounded"),
    "Z": ("sum of", "total of", "year total of", "sum", "cumulative", "cumulatively", "aggregate", "add up"),
    "r": ("ratio of", "ratio", "ratios"),
    "c": ("cover", "covered", "covers"),
    "o": ("together", "combined", "in all", "in total", "altogether", "both"),
    "=": ("as", "defined as", "i e", "ie", "that is", "meaning", "taking", "using", "calculated as", "computed as", "measured as", "with", "taken as", "being", "=", "i.e", "is defined as", "are defined as"),
    "P": ("percent", "percentage", "%", "per cent", "pct", "percentage rate", "percentages"),
    "p": ("prior year", "previous year", "last year", "prior fiscal year", "previous fiscal year", "year before", "preceding year", "prior year's", "prior period"),
    "m": ("margin", "margins"),
    "w": ("opening and closing", "beginning and ending", "beginning and end", "start and end", "current and prior", "this and last"),
    "e": ("for every dollar of", "for each dollar of", "per dollar of", "for every dollar in", "for each dollar in"),
    "v": ("versus", "vs", "against", "compared with", "compared to", "than", "relative to the", "in comparison with", "in comparison to", "year over year", "year on year", "yoy", "y o y"),
    "!": ("negative", "positive"),
    ",": (",", ";", "."),
    ":": (":",),
    "(": ("(",),
    ")": (")",),
}  # fmt: skip
_WRITTEN = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "ten": 10}


@cache
def _operators() -> tuple[Mapping[Words, str], int]:
    found = {tuple(words(phrase)): kind for kind, phrases in _PHRASES.items() for phrase in phrases}
    return found, max(len(p) for p in found)


_NUMBERS = {words(word)[0]: number for word, number in _WRITTEN.items()}


@cache
def plain_words() -> frozenset[str]:
    """Return the stems of words that say nothing about which figure is asked for."""
    text = files("assistant").joinpath("data", "statement_plain_words.txt").read_text(encoding="utf-8")
    return frozenset(s for line in text.splitlines() if not line.startswith("#") for s in words(line))


def tags(text: str, known: Vocabulary, own: Own, ignored: Collection[str] = ()) -> list[Tag]:
    """Return the tags of ``text`` (periods are marked "⟦i⟧" in it). ``own``: names that the question defines; ``ignored``: stems of the company's name."""
    written = surfaces(text)
    tokens = [stem(word) for word in written]
    out: list[Tag] = []
    at = 0
    while at < len(tokens):
        length, tag = _at(tokens, at, known, own, ignored)
        if tag is not None:
            out.append(replace(tag, word=written[at]) if tag.kind == "?" else tag)
        at += length
    return out


def _at(
    tokens: Sequence[str], at: int, known: Vocabulary, own: Own, ignored: Collection[str]
) -> tuple[int, Tag | None]:
    word = tokens[at]
    if word.startswith("⟦"):
        return 1, Tag("Y", word, value=float(word[1:-1]))
    figure = known.at(tokens, at)
    reach = figure[0] if figure else 0
    for length in range(min(12, len(tokens) - at), reach - 1 if figure else 0, -1):
        defined = own.get(tuple(tokens[at : at + length]))
        if defined is not None:
            return length, Tag("I", " ".join(tokens[at : at + length]), defined[0], label=defined[1])
    operators, longest = _operators()
    for length in range(min(longest, len(tokens) - at), reach, -1):
        kind = operators.get(tuple(tokens[at : at + length]))
        if kind is None or (word == "x" and not _times(tokens, at)):
            continue
        return length, Tag(kind, " ".join(tokens[at : at + length])) if kind else None
    if figure:
        length, name = figure
        length += _tail(tokens[at + length : at + length + 1], name)
        return length, Tag("I", " ".join(tokens[at : at + length]), name)
    following = tokens[at + 1] if at + 1 < len(tokens) else ""
    number = _NUMBERS.get(word) if not word[0].isdigit() else None
    if (number or word.isdigit()) and following in {"year", "yr", "fiscal"}:
        return 2, Tag("n", word, value=float(number or word))
    if word[0].isdigit():
        return 1, Tag("N", word, value=float(word.replace(",", "")))
    if word == "cash":
        # Net cash is cash less debt, cash flow is no cash.
        return 1, Tag("?" if following == "flow" or (at and tokens[at - 1] == "net") else "$", word)
    if word in plain_words() or word in ignored or number:
        return 1, None
    if any(len(word) > 2 and (name.startswith(word) or word.startswith(name)) for name in ignored if len(name) > 2):
        return 1, None
    return 1, Tag("?", word)


def _times(tokens: Sequence[str], at: int) -> bool:
    """Whether "x" multiplies: beside a number or before a bracket."""
    following = tokens[at + 1] if at + 1 < len(tokens) else ""
    return following == "(" or following[:1].isdigit() or bool(at and tokens[at - 1][0].isdigit())


def _tail(rest: Sequence[str], name: Name) -> int:
    """Return 1 where a word behind a figure says no more than it: "SG&A costs", "marketing expense" for the row "Marketing"."""
    listed = items().get(name.name)
    if listed is not None:
        return int(bool(listed.sign) and tuple(rest) in {("expens",), ("cost",), ("spending",), ("outlay",)})
    income = re.search(r"\b(?:revenu|sal|incom|gain|asset|debt)\b", name.name)
    return int(tuple(rest) == ("expens",) and name.name.startswith("row:") and not income)
