"""What a catalyst is: a statement that sentences and live data speak for or against. Frozen records, no I/O."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, get_args

Direction = Literal["tailwind", "headwind"]
Side = Literal["for", "against"]
Comparison = Literal["at_least", "at_most", "above_subject", "below_subject", "above_metric", "below_metric"]
SIDES: tuple[Side, ...] = get_args(Side)
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)
COMPARISONS: tuple[Comparison, ...] = get_args(Comparison)
NUMERIC: tuple[Comparison, ...] = ("at_least", "at_most")  # compared with a number; the others with another metric
_NONE: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Condition:
    """A comparison of one metric of a tool. ``value`` is set for at_least and at_most, ``other`` for the rest."""

    tool: str
    metric: str
    compare: Comparison
    value: float | None = None
    other: str = ""  # how another subject begins, or the name of another metric of the same subject
    arguments: Mapping[str, object] = field(default_factory=lambda: _NONE)  # those left out have the tool's defaults
    subject: str = ""  # how the metric's subject begins; "": the first that the tool gives
    unit: str = ""
    why: str = ""

    @property
    def call(self) -> tuple[str, str]:
        """The tool and its arguments as JSON with sorted keys: equal for conditions that one call answers."""
        return self.tool, json.dumps(dict(self.arguments), sort_keys=True, default=str)

    @property
    def rule(self) -> str:
        """The condition in words: "relative_price_to_earnings ≤ 0.9 x"."""
        whose = f" of {self.subject}" if self.subject else ""
        unit = f" {self.unit}" if self.unit else ""
        against = {
            "at_least": f"≥ {self.value:g}{unit}" if self.value is not None else "",
            "at_most": f"≤ {self.value:g}{unit}" if self.value is not None else "",
            "above_subject": f"> that of {self.other}",
            "below_subject": f"< that of {self.other}",
            "above_metric": f"> {self.other}",
            "below_metric": f"< {self.other}",
        }[self.compare]
        return f"{self.metric}{whose} {against}"


@dataclass(frozen=True, slots=True)
class Move:
    """What rises or falls (``of``: words or phrases), and which side its rise and its fall speak for."""

    of: tuple[str, ...]
    up: Side
    down: Side


@dataclass(frozen=True, slots=True)
class Catalyst:
    """One catalyst (the head of data/catalysts.yaml tells what each field is). ``source``: the file that it comes from."""

    id: str
    name: str
    statement: str
    mechanism: str
    direction: Direction
    look_for: tuple[str, ...]
    not_about: tuple[str, ...] = ()
    moves: tuple[Move, ...] = ()
    signs_for: tuple[str, ...] = ()
    signs_against: tuple[str, ...] = ()
    confirms: tuple[Condition, ...] = ()
    refutes: tuple[Condition, ...] = ()
    examples_for: tuple[str, ...] = ()
    examples_against: tuple[str, ...] = ()
    examples_neither: tuple[str, ...] = ()
    source: str = ""

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Those that confirm, then those that refute."""
        return (*self.confirms, *self.refutes)

    @property
    def text_key(self) -> str:
        """A digest of all that the stance of a sentence depends on: where it changes, stances are found anew."""
        parts = (
            (self.statement, self.look_for, self.not_about),
            (tuple((move.of, move.up, move.down) for move in self.moves), self.signs_for, self.signs_against),
            (self.examples_for, self.examples_against, self.examples_neither),
        )
        return hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).hexdigest()
