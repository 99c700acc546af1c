"""Figures of a claim that no source states but that follow from its figures: the calculation, shown. Pure.

A calculation is tried only where the claim's words ask for one ("rose 12%", "the difference", "in total"), and its operands must stand
together: in the claim itself, in one sentence, or in one row of a table. Else almost any figure would follow from some pair.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations

from assistant.grounding.figure import MONEY, Figure
from assistant.grounding.words import Sentence

_MOST = 12  # figures of one sentence that are tried with each other
_CHANGE = re.compile(r"\b(?:ros\w+|rise\w*|increas\w*|gr[eo]w\w*|growth|climb\w*|gain\w*|jump\w*|surg\w*|up|higher|fell|fall\w*|declin\w*|decreas\w*|drop\w*|down|lower|shr[aiu]nk\w*|reduc\w*|chang\w*|more|less|fewer|cut|improv\w*|slid\w*|expan\w*|contract\w*|doubled|tripled|quadrupled|halved)\b", re.I)  # fmt: skip
_GAP = re.compile(
    r"\b(?:differ\w+|gap|spread|exceed\w*|above|below|ahead|behind|versus|than|by|net|remain\w*|left)\b", re.I
)
_SUM = re.compile(
    r"\b(?:total\w*|combined|together|sum|altogether|in all|aggregate|both|cumulative\w*|overall)\b", re.I
)
_SHARE = re.compile(r"%|\b(?:percent\w*|share|portion|proportion|margin|ratio|rate|represent\w*|account\w*|made up|makes up|yield\w*|times|twice|half|third|quarter|multiple|coverage|payout|per)\b", re.I)  # fmt: skip
_MEAN = re.compile(r"\b(?:average\w*|mean)\b", re.I)
_DOWN = re.compile(r"\b(?:fell|fall\w*|declin\w*|decreas\w*|drop\w*|down|lower|shr[aiu]nk\w*|reduc\w*|less|fewer|cut|slid\w*|contract\w*|halved|loss)\b", re.I)  # fmt: skip
_UP = re.compile(r"\b(?:ros\w+|rise\w*|increas\w*|gr[eo]w\w*|growth|climb\w*|gain\w*|jump\w*|surg\w*|up|higher|more|expan\w*|improv\w*|doubled|tripled|quadrupled)\b", re.I)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Derived:
    """A figure worked out: the calculation in digits, the owners of its operands."""

    calculation: str
    owners: tuple[str, ...]


def _digits(f: Figure) -> str:
    """Return a figure's digits as printed, without signs of currency or scale."""
    match = re.search(r"\d[\d,]*(?:\.\d+)?|\.\d+", f.text)
    return match.group() if match else f"{f.value:g}"


def _shown(a: Figure, b: Figure) -> tuple[str, str]:
    """Return two operands as digits of one scale."""
    first, second = _digits(a), _digits(b)
    x, y = float(first.replace(",", "")), float(second.replace(",", ""))
    if (
        x
        and y
        and abs((a.value / x) / (b.value / y)) not in {0.0}
        and abs(abs((a.value / x) / (b.value / y)) - 1) > 1e-9
    ):
        return f"{abs(a.value):,.10g}", f"{abs(b.value):,.10g}"
    return first, second


def _fits(claim: Figure, value: float) -> bool:
    step = claim.step or 1.0
    if claim.about:
        return abs(claim.value - value) <= max(step / 2, 0.03 * abs(claim.value)) * (1 + 1e-9)
    return abs(claim.value - value) <= step / 2 * (1 + 1e-6)


def _comparable(a: Figure, b: Figure) -> bool:
    if (
        a.kind in {"year", "date", "quarter", "time"}
        or b.kind in {"year", "date", "quarter", "time"}
        or a.low is not None
        or b.low is not None
    ):
        return False
    return a.unit == b.unit or (a.cell and b.cell and {a.unit, b.unit} <= MONEY | {""})


def _pairs(group: Sequence[tuple[str, Figure]]) -> Iterator[tuple[tuple[str, Figure], tuple[str, Figure]]]:
    for x, y in permutations(group[:_MOST], 2):
        if _comparable(x[1], y[1]) and x[1].start != y[1].start:
            yield x, y


def derive(claim_text: str, wanted: Figure, groups: Sequence[Sequence[tuple[str, Figure]]]) -> Derived | None:
    """Return how ``wanted`` follows from the figures of one group (figures that stand together), with their owners; else None.

    Formulas: percent change (a-b)/b, ratio and percentage a/b, difference a-b, sum a+b…, mean. The sign of a change follows the
    claim's word ("fell 5%").
    """
    around = claim_text[max(0, wanted.start - 90) : wanted.end + 60]
    near = claim_text[max(0, wanted.start - 45) : wanted.end + 25]
    down, up = bool(_DOWN.search(near)), bool(_UP.search(near))
    for group in groups:
        if wanted.unit in {"%", "x"} or wanted.text.lower() in {"doubled", "tripled", "halved"}:
            found = _ratios(wanted, group, around, down=down, up=up)
        elif wanted.unit in {"pp", "bp"}:
            found = _points(wanted, group, down=down, up=up)
        elif wanted.kind in {"money", "count"}:
            found = _amounts(wanted, group, around, down=down, up=up)
        else:
            found = None
        if found:
            return found
    return None


def _ratios(
    wanted: Figure, group: Sequence[tuple[str, Figure]], around: str, *, down: bool, up: bool
) -> Derived | None:
    changes = bool(_CHANGE.search(around))
    shares = bool(_SHARE.search(around)) or wanted.unit == "x"
    for (owner_a, a), (owner_b, b) in _pairs(group):
        if not b.value or (a.unit == "%" and wanted.unit == "%" and b.unit == "%" and not changes):
            continue
        left, right = _shown(a, b)
        owners = tuple(dict.fromkeys((owner_a, owner_b)))
        if changes and wanted.unit == "%" and a.value > 0 and b.value > 0 and a.unit != "%":
            change = (a.value - b.value) / b.value * 100
            for value in (-change,) if down and not up else (change,) if up and not down else (change, -change):
                if wanted.value and value and _fits(wanted, value) and (not a.year or not b.year or a.year > b.year):
                    return Derived(f"({left} - {right}) / {right}", owners)
        if (
            wanted.worded
            and wanted.unit == "x"
            and _fits(Figure("", wanted.value, "x", 0, 0, step=0.2), a.value / b.value)
        ):
            return Derived(f"{left} / {right}", owners)
        if shares and a.unit not in {"%"}:
            value = a.value / b.value * (100 if wanted.unit == "%" else 1)
            if (
                (not (wanted.unit == "%" and changes and not _SHARE.search(around.replace("%", ""))))
                and abs(value) < 1e5
                and _fits(wanted, value)
            ):
                return Derived(f"{left} / {right}", owners)
    return None


def _points(wanted: Figure, group: Sequence[tuple[str, Figure]], *, down: bool, up: bool) -> Derived | None:
    factor = 100 if wanted.unit == "bp" else 1
    for (owner_a, a), (owner_b, b) in _pairs(group):
        if a.unit != "%" or b.unit != "%":
            continue
        value = (a.value - b.value) * factor
        for one in (-value,) if down and not up else (value,) if up and not down else (value, -value):
            if one and _fits(wanted, one):
                return Derived(f"{_digits(a)} - {_digits(b)}", tuple(dict.fromkeys((owner_a, owner_b))))
    return None


def _values(f: Figure, wanted: Figure) -> tuple[float, ...]:
    if f.cell and f.scales:
        return tuple(f.value * s for s in f.scales) + ((f.value,) if wanted.unit == "" else ())
    return (f.value,)


def _amounts(
    wanted: Figure, group: Sequence[tuple[str, Figure]], around: str, *, down: bool, up: bool
) -> Derived | None:
    kinds = {wanted.unit, ""} if wanted.unit in MONEY else {wanted.unit}
    usable = [(o, f) for o, f in group[:_MOST] if f.unit in kinds or (f.cell and f.unit in MONEY)]
    if _CHANGE.search(around) or _GAP.search(around):
        for (owner_a, a), (owner_b, b) in _pairs(usable):
            for x, y in zip(_values(a, wanted), _values(b, wanted), strict=False):
                value = x - y
                for one in (-value,) if down and not up else (value,) if up and not down else (value, -value):
                    if one and _fits(wanted, one):
                        left, right = _shown(a, b)
                        return Derived(f"{left} - {right}", tuple(dict.fromkeys((owner_a, owner_b))))
    summed, mean = bool(_SUM.search(around)), bool(_MEAN.search(around))
    if summed or mean:
        for size in range(2, min(len(usable), 6) + 1):
            for chosen in combinations(usable[:8], size) if size <= 3 else [tuple(usable[:size])]:
                if not all(_comparable(chosen[0][1], f) for _, f in chosen[1:]):
                    continue
                shown = " + ".join(_digits(f) for _, f in chosen)
                owners = tuple(dict.fromkeys(o for o, _ in chosen))
                for values in zip(*(_values(f, wanted) for _, f in chosen), strict=False):
                    if summed and _fits(wanted, sum(values)):
                        return Derived(shown, owners)
                    if mean and _fits(wanted, sum(values) / size):
                        return Derived(f"({shown}) / {size}", owners)
    return None


def operand_groups(
    claim: Sequence[Figure], traced: Sequence[tuple[str, Figure] | None], sentences: Sequence[tuple[str, Sentence]]
) -> list[list[tuple[str, Figure]]]:
    """Return the groups of figures that may be operands: those that the claim itself states and that were traced, then each supporting sentence's."""
    own = [(t[0], f) for f, t in zip(claim, traced, strict=True) if t is not None]
    groups = [own] if len(own) >= 2 else []
    for owner, sentence in sentences:
        group = [(owner, f) for f in sentence.figures]
        if len(group) >= 2:
            groups.append(group)
    # Rows of one table or sentences that both speak of what the claim speaks of: revenue and income for a margin.
    if len(sentences) >= 2:
        across = [(o, f) for o, s in sentences[:3] for f in s.figures if not f.cell or not f.year]
        by_year: dict[int, list[tuple[str, Figure]]] = {}
        for o, s in sentences[:3]:
            for f in s.figures:
                if f.cell and f.year:
                    by_year.setdefault(f.year, []).append((o, f))
        years = {int(f.value) for f in claim if f.unit == "year"}
        groups += [g for y, g in sorted(by_year.items()) if len(g) >= 2 and (y in years or not years)]
        if len(across) >= 2:
            groups.append(across)
    return groups
