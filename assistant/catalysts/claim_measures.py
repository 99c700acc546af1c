"""What a claim measures: the measures of data/claim_measures.toml, the line items and the ratios of statements. Pure."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from assistant.numbers import Quantity
from assistant.statements.items import items, metrics

_MONEY = frozenset({"USD", "EUR", "GBP", "JPY", "CAD"})
_SHARES = frozenset({"%", "pp", "bp"})
_STEERED = frozenset({"cash", "inventory", "long_term_debt"})
_BARE_MONEY = 1e4  # a bare number counts for money from here on: spoken text leaves the sign out, never the scale


@dataclass(frozen=True, slots=True)
class Check:
    """How verify_claim measures it (the head of the data file tells what each field is)."""

    tool: str
    metric: str
    argument: str = "ticker"  # of the tool, which takes the subject
    fixed: Mapping[str, Any] = field(default_factory=dict)
    holder: str = ""
    of: str = ""
    flip: bool = False


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure: ``units`` of %, money, x, count. ``weak``: its words mean it in an article only, and much else elsewhere.

    ``noun``: it counts what stands behind the number; ``behind``: its words may stand anywhere behind the figure.
    """

    id: str
    label: str
    units: frozenset[str]
    scope: str = ""
    noun: bool = False
    weak: bool = False
    behind: bool = False
    subject: str = ""
    checks: tuple[Check, ...] = ()

    def takes(self, quantity: Quantity) -> bool:
        """Whether the measure may have such a figure."""
        if quantity.unit in _SHARES:
            return "%" in self.units
        if quantity.unit == "x":
            return "x" in self.units
        if quantity.unit in _MONEY:
            return "money" in self.units
        if quantity.unit:
            return False
        return self.noun or (bool(self.units & {"count", "money"}) and abs(quantity.value) >= _BARE_MONEY)

    def changes_in(self, unit: str) -> bool:
        """Whether a figure of ``unit`` can only be by how much it changes: an amount of money in percent."""
        return unit in _SHARES and "money" in self.units and "growth" not in self.id


@dataclass(frozen=True, slots=True)
class Mention:
    """A measure at [start, end) of a text."""

    measure: Measure
    start: int
    end: int


@cache
def measures() -> Mapping[str, Measure]:
    """Return the measures by id."""
    return MappingProxyType({m.id: m for m, _ in _table()})


@cache
def _table() -> tuple[tuple[Measure, tuple[str, ...]], ...]:
    found: list[tuple[Measure, tuple[str, ...]]] = []
    text = files("assistant").joinpath("data", "claim_measures.toml").read_text(encoding="utf-8")
    for name, entry in tomllib.loads(text).items():
        checks = tuple(Check(**one) for one in entry.get("check", ()))
        made = Measure(
            name, entry["label"], frozenset(entry["units"]), entry.get("scope", ""), entry.get("noun", False),
            entry.get("weak", False), entry.get("behind", False), entry.get("subject", ""), checks,
        )  # fmt: skip
        found.append((made, tuple(entry["says"])))
    asked = {one.name: one.asked for one in items().values()} | {one.name: one.asked for one in metrics().values()}
    found = [(m, (*phrases, *asked.get(m.id, ()))) for m, phrases in found]
    held = {m.id for m, _ in found}
    for item in items().values():
        # What stands on a balance sheet is no forecast, but for what is steered by.
        if item.name not in held and (item.statement != "balance" or item.name in _STEERED):
            units = frozenset({"count"}) if item.kind == "shares" else frozenset({"money", "%"})
            found.append((Measure(item.name, item.label.lower(), units, "company"), item.asked))
    for metric in metrics().values():
        if metric.name not in held:
            unit = {"percent": "%", "ratio": "x", "money": "money"}.get(metric.unit, "count")
            found.append((Measure(metric.name, metric.label.lower(), frozenset({unit}), "company"), metric.asked))
    return tuple(found)


@cache
def _pattern() -> tuple[re.Pattern[str], Mapping[str, Measure]]:
    by_phrase: dict[str, Measure] = {}
    for measure, phrases in _table():
        for phrase in phrases:
            by_phrase.setdefault(_plain(phrase), measure)
    longest = sorted(by_phrase, key=len, reverse=True)
    body = "|".join(re.escape(p).replace(r"\ ", r"[\s-]+") for p in longest)
    return re.compile(rf"(?<![\w-])(?:{body})s?(?![\w])", re.I), by_phrase


def _plain(phrase: str) -> str:
    return re.sub(r"[\s-]+", " ", phrase.lower()).strip()


def mentions(text: str) -> tuple[Mention, ...]:
    """Return the measures that ``text`` speaks of, in order; the longest phrase at a place counts."""
    pattern, by_phrase = _pattern()
    found = []
    for match in pattern.finditer(text):
        said = _plain(match.group())
        measure = by_phrase.get(said) or by_phrase.get(said.removesuffix("s"))
        if measure is not None:
            found.append(Mention(measure, match.start(), match.end()))
    return tuple(found)
