"""Figures written in words: two hundred, forty-five percent, a third, twice. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from assistant.grounding.figure import Figure

_SMALL = {
    "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12,
    "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19,
}  # fmt: skip
_TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}


_LARGE = {"hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
_WORD = re.compile(r"[A-Za-z]+")


_FRACTIONS = {"half": 50.0, "third": 100 / 3, "thirds": 100 / 3, "quarter": 25.0, "quarters": 25.0, "fifth": 20.0, "fifths": 20.0, "tenth": 10.0, "tenths": 10.0}  # fmt: skip
_TIMES = {"twice": 2.0, "thrice": 3.0}


_CHANGES = {"double": 2.0, "doubled": 2.0, "doubling": 2.0, "doubles": 2.0, "triple": 3.0, "tripled": 3.0, "tripling": 3.0, "quadrupled": 4.0, "quadruple": 4.0, "halved": 0.5, "halving": 0.5, "halve": 0.5}  # fmt: skip


def _words(text: str) -> list[tuple[str, int, int]]:
    return [(m.group().lower(), m.start(), m.end()) for m in _WORD.finditer(text)]


def worded(text: str) -> list[Figure]:
    """Return the figures written in words: two hundred, forty-five, a third, twice."""
    words = _words(text)
    found: list[Figure] = []
    i = 0
    while i < len(words):
        word, start, _ = words[i]
        before = words[i - 1][0] if i else ""
        after = words[i + 1][0] if i + 1 < len(words) else ""
        if start and text[start - 1].isdigit():
            i += 1
            continue
        if word in _TIMES:
            found.append(Figure(text[start : words[i][2]], _TIMES[word], "x", start, words[i][2], worded=True))
        elif word in _CHANGES:
            found.append(
                Figure(text[start : words[i][2]], _CHANGES[word], "x", start, words[i][2], worded=True, about=True)
            )
        elif (
            word in _FRACTIONS
            and before in {"a", "one", "two", "three", "four"}
            and after in {"of", "higher", "lower", "more", "less", "from"}
        ):
            times = {"a": 1, "one": 1, "two": 2, "three": 3, "four": 4}[before]
            at = words[i - 1][1]
            if found and found[-1].start == at:
                found.pop()
            found.append(
                Figure(
                    text[at : words[i][2]],
                    _FRACTIONS[word] * times,
                    "%",
                    at,
                    words[i][2],
                    step=2.0,
                    about=True,
                    worded=True,
                )
            )
        elif (
            word == "half"
            and after in {"of", "the", "its", "their", "a"}
            and before not in {"first", "second", "last", "latter"}
        ):
            found.append(
                Figure(text[start : words[i][2]], 50.0, "%", start, words[i][2], step=2.0, about=True, worded=True)
            )
        elif word in _SMALL or word in _TENS or (word in _LARGE and before in {"a", "one"}) or (word == "dozen"):
            value, j = _compound(text, words, i)
            end = words[j - 1][2]
            tail = re.compile(
                r"[\s-]+(percentage\s+points?|percent|per\s+cent|basis\s+points?|times)\b|\s?%", re.I
            ).match(text, end)
            unit = ""
            if tail:
                said = (tail.group(1) or "percent").lower()
                unit = (
                    "pp"
                    if said.startswith("percentage")
                    else "bp"
                    if said.startswith("basis")
                    else "x"
                    if said == "times"
                    else "%"
                )
                end = tail.end()
                while j < len(words) and words[j][1] < end:
                    j += 1
            money = re.compile(r"\s+(dollars?|euros?|pounds)\b", re.I).match(text, end)
            if money:
                unit = {"d": "USD", "e": "EUR", "p": "GBP"}[money.group(1)[0].lower()]
                end = money.end()
            if (not after.startswith("quarter") or value > 4) and math.isfinite(value):
                found.append(Figure(text[start:end], value, unit, start, end, step=1.0, worded=True))
            i = j
            continue
        i += 1
    return found


def _compound(text: str, words: Sequence[tuple[str, int, int]], i: int) -> tuple[float, int]:
    total = current = 0.0
    j = i
    while j < len(words):
        word = words[j][0]
        if j > i and len(text[words[j - 1][2] : words[j][1]].strip(" -")):
            break
        if word in _SMALL or (word == "one" and j > i):
            if current % 10 and current < 100:
                break
            current += _SMALL.get(word, 1)
        elif word in _TENS:
            if current % 100:
                break
            current += _TENS[word]
        elif word == "dozen":
            current = (current or 1.0) * 12
        elif word == "hundred":
            current = (current or 1.0) * 100
        elif word in _LARGE:
            total += (current or 1.0) * _LARGE[word]
            current = 0.0
        elif not (
            word == "and"
            and j > i
            and j + 1 < len(words)
            and (words[j + 1][0] in _SMALL or words[j + 1][0] in _TENS)
            and (current >= 100 or total)
        ):
            break
        j += 1
    return total + current, max(j, i + 1)
