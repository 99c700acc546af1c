"""The word lists of ``assistant/data/claim_words.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files


@cache
def _lists() -> Mapping[str, frozenset[str]]:
    text = files("assistant").joinpath("data", "claim_words.toml").read_text(encoding="utf-8")
    return {name: frozenset(words.split()) for name, words in tomllib.loads(text).items()}


def listed(name: str) -> frozenset[str]:
    """Return one list, as written."""
    return _lists()[name]


def lines(name: str) -> list[str]:
    """Return the lines of a data file but comments."""
    text = files("assistant").joinpath("data", name).read_text(encoding="utf-8")
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
