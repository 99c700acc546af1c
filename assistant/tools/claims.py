"""The claims of the seed articles as data (data/claims.toml), and how a figure is held against one. Pure."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Literal

from assistant.models import Metric
from assistant.tools.base import NoData

Compare = Literal["about", "at_least", "at_most", "between", "below_other", "level"]
Verdict = Literal["confirmed", "refuted", "changed", "untestable"]


@dataclass(frozen=True, slots=True)
class Claim:
    """One entry of data/claims.toml (its head describes the fields), or one that was put together in a call."""

    id: str
    text: str
    publisher: str
    claimed_on: date
    tool: str
    metric: str
    subject: str
    compare: Compare
    unit: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    tolerance: float | None = None
    other: str = ""
    reading: str = ""
    words: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def figure(self) -> str:
        """Return what is claimed, for people."""
        unit = {"percent": "%", "x": "x"}.get(self.unit, f" {self.unit}".rstrip())
        return {
            "about": f"about {self.value}{unit}",
            "at_least": f"at least {self.value}{unit}",
            "at_most": f"at most {self.value}{unit}",
            "between": f"{self.low} to {self.high}{unit}",
            "below_other": f"below that of {self.other}",
            "level": "no figure",
        }[self.compare]


@dataclass(frozen=True, slots=True)
class Found:
    """What the tool gave for a claim on a day: the metric, that of the other subject where one is compared, or why none."""

    metric: Metric | None
    other: Metric | None = None
    why: str = ""

    @property
    def value(self) -> float | None:
        return self.metric.value if self.metric else None


@cache
def claims() -> Mapping[str, Claim]:
    """Return the claims by id."""
    text = files("assistant").joinpath("data", "claims.toml").read_text(encoding="utf-8")
    return MappingProxyType({name: Claim(id=name, **entry) for name, entry in tomllib.loads(text).items()})


def find(asked: str) -> Claim:
    """Return the claim that an id or a question means. Raises NoData naming the claims there are."""
    name = asked.strip().lower()
    if name in claims():
        return claims()[name]
    words = set(re.findall(r"[a-z&]{2,}|\d+(?:\.\d+)?", name))
    table = {
        one.id: set(one.words.split()) | set(re.findall(r"[a-z&]{4,}", one.text.lower())) for one in claims().values()
    }
    # A word that few claims have says more.
    rarity = {
        w: math.log((1 + len(table)) / sum(w in own for own in table.values())) for own in table.values() for w in own
    }
    scores = sorted(((sum(rarity[w] for w in words & own), id_) for id_, own in table.items()), reverse=True)
    (best, first), (second, _) = scores[0], scores[1]
    if best < 3 or best - second < 0.5:
        raise NoData(
            f"{asked!r} is none of the claims that are known, or may be several.", f"Claims are: {', '.join(claims())}."
        )
    return claims()[first]


def select(metrics: Sequence[Metric], claim: Claim) -> Found:
    """Return the claim's metrics among those of a result."""
    # The Treasury's own yields stand in where FRED's are not at hand; the metric says whose they are.
    names = (claim.metric, f"{claim.metric}_par")
    same = sorted((m for m in metrics if m.name in names and m.value is not None), key=lambda m: names.index(m.name))
    mine = next((m for m in same if m.subject == claim.subject), None) or next(
        (m for m in same if claim.subject and m.subject.lower().startswith(claim.subject.lower())), None
    )
    if mine is None and not claim.subject and same:
        mine = same[0]
    other = next((m for m in same if m.subject == claim.other), None) if claim.other else None
    if mine is None or (claim.compare == "below_other" and other is None):
        return Found(None, None, f"{claim.tool} gave no {claim.metric} of {claim.subject or 'anything'}")
    return Found(mine, other)


def holds(claim: Claim, found: Found) -> bool | None:
    """Whether the figure bears the claim out; None where it cannot be told."""
    value = found.value
    if value is None or claim.compare == "level":
        return None
    if claim.compare == "below_other":
        return None if found.other is None or found.other.value is None else value < found.other.value
    if claim.compare == "between":
        return None if claim.low is None or claim.high is None else claim.low <= value <= claim.high
    if claim.value is None:
        return None
    if claim.compare == "at_least":
        return value >= claim.value
    if claim.compare == "at_most":
        return value <= claim.value
    room = claim.tolerance if claim.tolerance is not None else 0.1 * abs(claim.value)
    return abs(value - claim.value) <= room


def verdict(then: bool | None, now: bool | None) -> Verdict:
    """Return the verdict from whether the claim held on its own day and holds today (None: cannot be told).

    It was wrong on its day: refuted, whatever holds today. It was right, or cannot be told for that day: what
    holds today confirms it, what does not has changed.
    """
    if then is False:
        return "refuted"
    if now is None:
        return "confirmed" if then else "untestable"
    return "confirmed" if now else "changed"
