"""Calculations that a claim prints ("1.73 = 1,001 ÷ 577"): done again, with their operands looked up. Pure.

Nothing is evaluated as a program: numbers, + − × ÷ ^ and brackets are read by a parser of a few lines, with a limit on depth and length.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.grounding.figures import figures
from assistant.models import Number

_LONGEST = 300  # characters of one calculation
_DEEPEST = 12
_TOKEN = re.compile(r"\s*(?:(\d[\d,]*(?:\.\d+)?|\.\d+)|([-+*/^()×÷−–]))")
_STRETCH = re.compile(r"[\d(][\d\s,.()+*/^×÷−–-]*[\d)]")
_OPERATOR = re.compile(r"(?<=[\d)])\s*[-+*/^×÷−–]\s*(?=[\d(])")
# What a calculation may hold that no source states: counts of periods, percent, days of a year.
CONSTANTS = frozenset({*map(float, range(13)), 100.0, 365.0, 366.0})
_SAME = {"×": "*", "÷": "/", "−": "-", "–": "-"}


@dataclass(frozen=True, slots=True)
class Calculation:
    """One printed calculation at [start, end) of the claim; ``values``: of the whole and of its terms, without constants."""

    text: str
    start: int
    end: int
    values: tuple[float, ...]
    operands: tuple[float, ...]


def calculations(line: str) -> tuple[Calculation, ...]:
    """Return the calculations of a claim, in order; a range ("5-7"), a date and a lone number are none."""
    out = []
    for match in _STRETCH.finditer(line):
        text = match.group()
        if len(text) > _LONGEST or not _OPERATOR.search(text):
            continue
        start, end = _balanced(line, match.start(), match.end())
        text = line[start:end]
        # A hyphen without spaces joins the parts of a date, a range or a name.
        if re.fullmatch(r"[\d,.]+(?:[-–][\d,.]+)+", text) or re.fullmatch(r"[\d]+(?:/[\d]+)+", text):
            continue
        read = _Reader(text)
        value = read.whole()
        if value is None or not math.isfinite(value):
            continue
        values = tuple(dict.fromkeys(v for v in (value, *read.terms) if math.isfinite(v)))
        out.append(Calculation(text, start, end, values, tuple(n for n in read.numbers if n not in CONSTANTS)))
    return tuple(out)


# How a calculation's unit is told behind it: ", in millions of USD".
_UNIT_NOTE = re.compile(r",?\s+in (?:thousands|millions|billions)(?: of [A-Z]{3})?\b|,?\s+in [A-Z]{3}\b")
# "3-year average", "2-year compound growth": how many periods the calculation has.
_SPAN_NOTE = re.compile(r"\b\d{1,2}-year\b")
_RAW = re.compile(r"\d[\d,]*(?:\.\d+)?|\.\d+")
_SCALES = (1.0, 1e3, 1e6, 1e9)


@dataclass(frozen=True, slots=True)
class Settled:
    """A claim without the calculations that hold: ``line`` with blanks in their place, ``numbers`` that they prove, ``wrong`` ones in words."""

    line: str
    numbers: tuple[Number, ...] = ()
    wrong: tuple[str, ...] = ()


def settle(line: str, texts: Sequence[tuple[str, str]]) -> Settled:
    """Do each printed calculation again. ``texts``: (owner, text) of the evidence, in which every operand has to stand.

    What it gives may be any figure of the claim in its own scale ("$1,832 million = 1,196 + 636"), or the figure right before the "=",
    which must then be it. A calculation with an operand that no text holds is left for the other checks.
    """
    shown = calculations(line)
    if not shown:
        return Settled(line)
    held: dict[float, str] = {}
    for owner, text in texts:
        for match in _RAW.finditer(text):
            held.setdefault(float(match.group().replace(",", "")), owner)
    stated = [f for f in figures(line) if f.unit not in {"year", "date", "quarter"}]
    blanks: list[tuple[int, int]] = []
    numbers: list[Number] = []
    wrong: list[str] = []
    for one in shown:
        if not one.operands or any(n not in held for n in one.operands):
            continue
        owners = tuple(dict.fromkeys(held[n] for n in one.operands))
        inside = [f for f in stated if one.start <= f.start < one.end]
        before = line[: one.start].rstrip()
        told = next(
            (
                f
                for f in stated
                if before.endswith("=") and line[f.end : one.start].strip(" =") in {"", "days", "times", "x"}
            ),
            None,
        )
        proven = [f for f in stated if f not in inside and _given(f.value, f.step, f.unit, one.values)]
        if told is not None and not _given(told.value, told.step, told.unit, one.values[:1]):
            wrong.append(f"{one.text.strip()} is {_plain(one.values[0])}, not {told.text.strip()}")
            continue
        blanks += [(one.start, one.end), *((f.start, f.end) for f in (*inside, *proven))]
        numbers += [
            Number(text=f.text, value=f.value, unit=f.unit, traced_to=owners, derivation=one.text.strip())
            for f in proven
        ]
    if blanks:
        blanks += [m.span() for note in (_UNIT_NOTE, _SPAN_NOTE) for m in note.finditer(line)]
    signs = list(line)
    for start, end in blanks:
        signs[start:end] = " " * (end - start)
    return Settled("".join(signs), tuple(numbers), tuple(wrong))


def _given(value: float, step: float, unit: str, results: Sequence[float]) -> bool:
    """Whether a figure is what a calculation gives, up to its own rounding: 0.114 is 11.4%, 1,832 in a table $1,832 million."""
    factors = (100.0, 1.0) if unit in {"%", "pp"} else _SCALES
    return any(
        abs(abs(value) - abs(r) * f) <= max(step / 2 * (1 + 1e-6), 1e-9 * abs(value)) for r in results for f in factors
    )


def _plain(value: float) -> str:
    return f"{value:,.6g}"


def _balanced(line: str, start: int, end: int) -> tuple[int, int]:
    """Leave out a bracket that opens or closes outside the calculation: "(30 ÷ 200)" in running text keeps both."""
    text = line[start:end]
    opened = text.count("(") - text.count(")")
    while opened < 0 and line[end - 1] == ")":
        end, opened = end - 1, opened + 1
    while opened > 0 and line[start] == "(":
        start, opened = start + 1, opened - 1
    return start, end


class _Reader:
    """Recursive descent over one calculation; ``terms``: the values between + and − at the top."""

    def __init__(self, text: str) -> None:
        self.tokens: list[str] = []
        self.numbers: list[float] = []
        self.terms: list[float] = []
        self.at = 0
        place = 0
        self.broken = False
        while place < len(text.rstrip()):
            match = _TOKEN.match(text, place)
            if match is None:
                self.broken = True
                return
            place = match.end()
            self.tokens.append(match[1].replace(",", "") if match[1] else _SAME.get(match[2], match[2]))
            if match[1]:
                self.numbers.append(float(self.tokens[-1]))

    def whole(self) -> float | None:
        """Return the value, None for what is no calculation."""
        if self.broken:
            return None
        try:
            value = self._sum(0, top=True)
        except (ValueError, ArithmeticError):
            return None
        return value if self.at == len(self.tokens) else None

    def _peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def _take(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1]

    def _sum(self, depth: int, *, top: bool = False) -> float:
        if depth > _DEEPEST:
            raise ValueError("nested too deep")
        value = self._product(depth)
        if top:
            self.terms.append(value)
        while self._peek() in {"+", "-"}:
            sign = 1 if self._take() == "+" else -1
            term = self._product(depth)
            if top:
                self.terms.append(term)
            value += sign * term
            if top:
                self.terms.append(value)
        return value

    def _product(self, depth: int) -> float:
        value = self._power(depth)
        while self._peek() in {"*", "/"}:
            value = value * self._power(depth) if self._take() == "*" else value / self._power(depth)
        return value

    def _power(self, depth: int) -> float:
        value = self._atom(depth)
        if self._peek() == "^":
            self._take()
            exponent = self._atom(depth)
            if abs(exponent) > 100:
                raise ValueError("exponent too large")
            value = math.pow(value, exponent)
        return value

    def _atom(self, depth: int) -> float:
        sign = self._peek()
        if sign == "-":
            self._take()
            return -self._atom(depth + 1)
        if sign == "(":
            self._take()
            value = self._sum(depth + 1)
            if self._peek() != ")":
                raise ValueError("a bracket is open")
            self._take()
            return value
        if not sign or not (sign[0].isdigit() or sign[0] == "."):
            raise ValueError("a number is lacking")
        return float(self._take())


__all__ = ["CONSTANTS", "Calculation", "Settled", "calculations", "settle"]
