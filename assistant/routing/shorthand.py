"""A trader's shorthand and slips of the keyboard, written out before a question is routed. Pure, apart from reading a file once."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from assistant.tools.entities import funds

_LEAST_SWAP = 4  # letters of a word where two may be swapped
_QUERY = 8  # words
_LEAST_SLIP = 6  # letters of a word where one may be lacking or too many
# Tickers of funds that are words too.
_WORDS = frozenset({"spy", "dia", "mid", "acwi", "work"})
_PAIR = re.compile(r"(?<![\w/])(\d{1,2})(y|yr|-year)s?\s?/\s?(\d{1,2})(?:y|yr|-year)s?(?![\w/])", re.I)
_BESIDE = re.compile(r"\b(?P<lead>vs\.?|versus|against|than|and|of|on|for|in) (?P<name>spy|dia)\b")
# An index by half its name, where no firm of that name is meant.
_HALVES = (
    (
        re.compile(
            r"\b(the) S ?& ?P(?!\s?(?:\d|mid|small|global|ratings?|composite|dow|analysts?|downgrad|upgrad))(?![\w&])",
            re.I,
        ),
        r"\1 S&P 500",
    ),
    (
        re.compile(
            r"\b(the) Russell(?=['’]s (?!view|claim|note|article|piece|figure|report|opinion|argument|forecast|estimate)|\s+(?:is|now|today|still|off|below|down|vs|versus|from|stand|sit|trade)|\s*[?.,]|$)",
            re.I,
        ),
        r"\1 Russell 2000",
    ),
)
_WORD = re.compile(r"[A-Za-z]+")


@cache
def _table() -> tuple[re.Pattern[str], re.Pattern[str], Mapping[str, str], frozenset[str]]:
    data = tomllib.loads(files("assistant").joinpath("data", "shorthand.toml").read_text(encoding="utf-8"))
    said: dict[str, str] = {**data["words"], **data["lower"]}
    return _either(data["words"], re.I), _either(data["lower"], 0), said, frozenset(data["slips"]["words"])


def _either(words: Mapping[str, str], flags: int) -> re.Pattern[str]:
    spelled = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    return re.compile(rf"(?<![\w/.$&-])(?:{spelled})(?![\w/&])", flags)


def written_out(text: str) -> str:
    """Return a question with its shorthand as words, fund tickers in capitals, and slips put right."""
    words, lower, said, _ = _table()
    text = _PAIR.sub(r"\1 year and \3 year", text)
    text = words.sub(lambda m: said[m.group().lower()], text)
    text = lower.sub(lambda m: said[m.group()], text)
    text = re.sub(r"(?<=\s)%(?=\s)", "percent", text)
    text = re.sub(r"(?<!\S)#(?=\s?[a-z])", "number of ", text)
    for half, whole in _HALVES:
        text = half.sub(whole, text)
    text = _BESIDE.sub(lambda m: f"{m['lead']} {m['name'].upper()}", text)
    tickers = {t.lower() for t in funds()} - _WORDS
    if text.islower() and len(text.split()) <= _QUERY:
        # "tariff basket pct spy": a query, where no verb "spy" would stand.
        tickers |= {"spy"}
    return _WORD.sub(lambda m: m.group().upper() if m.group() in tickers else _right(m.group()), text)


def _right(word: str) -> str:
    known = _table()[3]
    low = word.lower()
    if len(low) < _LEAST_SWAP or low in known or low + "s" in known or low.removesuffix("s") in known:
        return word
    meant = [one for one in known if one[0] == low[0] and _slipped(low, one)]
    if len(meant) != 1:
        return word
    return meant[0].capitalize() if word[0].isupper() else meant[0]


def _slipped(typed: str, meant: str) -> bool:
    """Whether ``typed`` is ``meant`` with two neighbours swapped, or with one letter lacking or too many."""
    if len(typed) == len(meant):
        differ = [i for i, (a, b) in enumerate(zip(typed, meant, strict=True)) if a != b]
        return (
            len(differ) == 2
            and differ[1] == differ[0] + 1
            and typed[differ[0]] == meant[differ[1]]
            and typed[differ[1]] == meant[differ[0]]
        )
    long, short = sorted((typed, meant), key=len, reverse=True)
    if len(long) != len(short) + 1 or len(meant) < _LEAST_SLIP - (meant in _SHORT):
        return False
    return any(long[:i] + long[i + 1 :] == short for i in range(len(long)))


# "tody", "yeld": five letters, and no word of English is one letter less or more.
_SHORT = frozenset({"today", "yield"})


__all__ = ["written_out"]
