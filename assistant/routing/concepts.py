"""The concepts of data/tool_words.toml in a text. Pure, apart from reading the file once."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from assistant.lexicon import stem

# A word with inner slashes, ampersands, dots and apostrophes: p/e, S&P, U.S.
_WORD = re.compile(r"[A-Za-z0-9]+(?:[’'&/.][A-Za-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Found:
    """A concept at [start, end) of a text."""

    name: str
    start: int
    end: int


@cache
def _phrases() -> Mapping[str, Mapping[tuple[str, ...], tuple[str, ...]]]:
    """Return first stem -> phrase -> concepts."""
    text = files("assistant").joinpath("data", "tool_words.toml").read_text(encoding="utf-8")
    found: dict[str, dict[tuple[str, ...], list[str]]] = {}
    for group in tomllib.loads(text).values():
        for name, phrases in group.items():
            for phrase in phrases:
                key = tuple(word for word, _, _ in words(phrase))
                held = found.setdefault(key[0], {}).setdefault(key, [])
                if name not in held:
                    held.append(name)
    return MappingProxyType({first: {key: tuple(names) for key, names in by.items()} for first, by in found.items()})


def words(text: str) -> list[tuple[str, int, int]]:
    """Return (stem, start, end) of each word."""
    return [(stem(m.group().lower()), m.start(), m.end()) for m in _WORD.finditer(text)]


def concepts(text: str) -> tuple[Found, ...]:
    """Return the concepts of a text; of one concept the longest phrase at each place."""
    held = words(text)
    stems = [word for word, _, _ in held]
    found: list[Found] = []
    taken: dict[str, int] = {}
    for i, word in enumerate(stems):
        for phrase, names in sorted(_phrases().get(word, {}).items(), key=lambda item: -len(item[0])):
            if tuple(stems[i : i + len(phrase)]) != phrase:
                continue
            for name in names:
                if taken.get(name, 0) <= i:
                    found.append(Found(name, held[i][1], held[i + len(phrase) - 1][2]))
                    taken[name] = i + len(phrase)
    return tuple(found)
