"""When two figures agree, and how they differ, in words. Pure."""

from __future__ import annotations

import math

from assistant.grounding.figure import MONEY, TIME_UNITS, Figure, counted, same_noun

WHEN = frozenset({"year", "date", "quarter"})
_CLOSE = 1e-9


def rounds_to(claimed: float, step: float, about: bool, held: float) -> bool:
    """Whether ``held``, rounded to the digits that the claim prints, is what the claim says.

    At most 1% apart (5% where the claim says "about"): "$1.58 billion" for 1,577 million, but not "3%" for 2.6%.
    """
    apart = abs(claimed - held)
    if apart <= _CLOSE * max(abs(claimed), abs(held), 1e-12):
        return True
    if step <= 0 or (claimed < 0) != (held < 0):
        return False
    limit = 0.05 if about else 0.01
    return (apart <= step / 2 * (1 + 1e-6) and apart <= limit * abs(held)) or (about and apart <= 0.015 * abs(held))


def dates_agree(claim: tuple[int, int, int], source: tuple[int, int, int]) -> bool:
    """Whether each part (year, month, day) that the claim gives is the source's, or is not given there."""
    return all(not a or not b or a == b for a, b in zip(claim, source, strict=True)) and any(
        a and a == b for a, b in zip(claim, source, strict=True)
    )


def agree(claim: Figure, source: Figure) -> bool:
    """Whether the source's figure is the claim's: value up to rounding, unit, sign and the thing counted."""
    if claim.unit in WHEN or source.unit in WHEN:
        return _when_agrees(claim, source)
    if claim.low is not None and claim.high is not None:
        if source.low is not None:
            return (claim.low, claim.high) == (source.low, source.high)
        return source.unit in {"%", "pp", ""} and claim.low <= abs(source.value) <= claim.high
    if source.low is not None:
        return False
    return any(rounds_to(claim.value, claim.step, claim.about, held) for held in held_values(claim, source))


def _when_agrees(claim: Figure, source: Figure) -> bool:
    if claim.unit == "date" and source.unit == "date" and claim.date and source.date:
        return dates_agree(claim.date, source.date)
    if claim.unit == "year" and source.unit == "date" and source.date:
        return int(claim.value) == source.date[0]
    if claim.unit == "date" and claim.date and source.unit == "year":
        # The month is then to be found elsewhere.
        return claim.date[0] == int(source.value) and not claim.date[1]
    if claim.unit == source.unit:
        return claim.value == source.value
    if (source.unit == "year" and claim.unit == "") or (claim.unit == "year" and source.unit == ""):
        return claim.value == source.value and claim.text.replace(",", "") == source.text.replace(",", "")
    return False


def held_values(claim: Figure, source: Figure) -> tuple[float, ...]:
    """Return what the source's figure may mean in the claim's unit; () where the units cannot be one."""
    a, b = claim.unit, source.unit
    if a == b:
        if a == "" and not _same_thing(claim, source):
            return _in_days(claim, source)
        return _scaled(source, claim)
    if a in MONEY and b == "":
        return _scaled(source, claim) if source.cell or not _counts(source) else ()
    if a == "" and b in MONEY:
        return _scaled(source, claim) if not _counts(claim) else ()
    if a in MONEY or b in MONEY:
        return ()
    if {a, b} == {"pp", "bp"} or {a, b} == {"%", "bp"}:
        return (source.value * 100,) if a == "bp" else (source.value / 100,)
    if a == "%" and b == "" and source.cell:
        return (source.value,)
    if a == "" and b == "%" and (claim.cell or claim.noun in {"percent", "per"}):
        return (source.value,)
    if a == "%" and b == "x":
        return (source.value * 100,) if source.value else ()
    if a == "x" and b == "%":
        return (source.value / 100,) if source.value else ()
    if {a, b} == {"x", ""}:
        return (
            (source.value,)
            if not _counts(claim) and not _counts(source) and (source.cell or not source.noun or not claim.noun)
            else ()
        )
    return ()


def _counts(figure: Figure) -> bool:
    return counted(figure.noun) or figure.noun in TIME_UNITS


def _same_thing(claim: Figure, source: Figure) -> bool:
    if claim.noun in TIME_UNITS or source.noun in TIME_UNITS:
        if source.cell:
            return True
        return claim.noun == source.noun
    if counted(claim.noun) and counted(source.noun):
        return same_noun(claim.noun, source.noun) or {claim.noun.rstrip("s"), source.noun.rstrip("s")} <= {
            "employee",
            "people",
            "worker",
        }
    return True


def _in_days(claim: Figure, source: Figure) -> tuple[float, ...]:
    """12 months are a year, 24 hours a day."""
    if claim.noun in TIME_UNITS and source.noun in TIME_UNITS:
        factor = TIME_UNITS[source.noun] / TIME_UNITS[claim.noun]
        value = source.value * factor
        return (float(round(value)),) if abs(value - round(value)) <= 0.03 * max(value, 1.0) and round(value) else ()
    return ()


def _scaled(source: Figure, claim: Figure) -> tuple[float, ...]:
    values = [source.value]
    if source.cell and source.scales:
        if len(source.scales) == 1 and claim.unit in MONEY and not claim.cell:
            values = []
        values += [source.value * s for s in source.scales]
        # Statements print an outflow in brackets; a claim that calls it an outflow says it without a sign.
        if source.value < 0 and source.text.startswith("("):
            values += [-v for v in values]
    return tuple(v for v in values if math.isfinite(v))


def difference(claim: Figure, source: Figure) -> str:
    """Return in plain words how two figures of one kind differ."""
    said, held = claim.text.strip(), source.text.strip()
    if claim.unit in MONEY and source.unit in MONEY and claim.unit != source.unit:
        return f"another currency: the source says {held}, the claim {said}"
    if claim.unit not in WHEN and source.unit not in WHEN and claim.value and source.value:
        if claim.unit == source.unit and abs(claim.value + source.value) <= 1e-9 * abs(source.value):
            return f"the sign is the other way: the source says {held}, the claim {said}"
        ratio = abs(claim.value / source.value)
        if claim.unit == source.unit and any(abs(ratio / 10.0**k - 1) < 1e-6 for k in (-9, -6, -3, 3, 6, 9)):
            return f"another scale: the source says {held}, the claim {said}"
        if claim.unit != source.unit and abs(claim.value - source.value) <= 1e-9 * abs(source.value):
            return f"another unit: the source says {held}, the claim {said}"
    return f"the source says {held}, the claim {said}"


def rivals(a: Figure, b: Figure) -> bool:
    """Whether two figures could stand in one place."""
    if (
        a.kind == b.kind
        or {a.kind, b.kind} <= {"year", "date"}
        or {a.kind, b.kind} <= {"money", "count", "ratio", "time"}
    ):
        return True
    return {a.kind, b.kind} <= {"share", "ratio", "count"}
