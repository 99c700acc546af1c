"""How a worked-out figure is written: value and unit, period, rows and arithmetic. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from assistant.statements.evaluate import Worked, number
from assistant.statements.figures import Figure, Span, header_span
from assistant.statements.formulas import Name, label_of, leaves, own_syntax
from assistant.statements.wanted import Wanted

# (text as shown, value in base units, unit, how it was worked out: None for a figure as read)
Shown = tuple[str, float, str, str | None]
_SIGN = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}
_MANY = {6: "six", 9: "nine"}
_WORD = {1e3: "thousand", 1e6: "million", 1e9: "billion", 1e12: "trillion"}


def unit_of_result(one: Wanted, got: Worked) -> str:
    if one.unit in {"per_share", "shares"}:
        return one.unit
    kinds = {f.item.kind for f in got.figures}
    if isinstance(one.node, Name) and len(kinds) == 1 and kinds <= {"per_share", "shares"}:
        return kinds.pop()
    if got.money == 1:
        return "money"
    return "ratio" if one.unit == "money" else one.unit


def written(value: float, unit: str, one: Wanted, got: Worked) -> tuple[str, float, str]:
    """Return a value as it is shown, in base units, and its unit."""
    if unit == "percent":
        return f"{number(100 * value, one.places if one.places is not None else 1)}%", 100 * value, "%"
    if unit == "ratio":
        return number(value, one.places if one.places is not None else 2), value, "x"
    if unit == "days":
        return f"{number(value, one.places if one.places is not None else 2)} days", value, "days"
    code = currency(got)
    sign = _SIGN.get(code, f"{code} " if code else "")
    minus = "−" if value < 0 else ""
    if unit == "shares":
        scale = abs(value / got.figures[0].printed) if got.figures and got.figures[0].printed else 1.0
        word = f" {_WORD[scale]}" if scale in _WORD else ""
        return f"{number(value / scale)}{word} shares", value, "shares"
    if unit == "per_share":
        return f"{minus}{sign}{number(abs(value), 2)} per share", value, code
    stated = got.figures[0].statement.unit if got.figures else None
    scale = one.scale or (stated.scale if stated else 1.0)
    amount = abs(value) / scale
    places = one.places
    if places is None:
        places = 3 if scale > (stated.scale if stated else 1.0) else 0 if abs(amount - round(amount)) < 1e-9 else 2
        text = number(amount, places)
        if scale > (stated.scale if stated else 1.0) and amount >= 0.0005:
            text = text.rstrip("0").rstrip(".") if "." in text else text
    else:
        text = number(amount, places)
    word = f" {_WORD[scale]}" if scale in _WORD else ""
    return f"{minus}{sign}{text}{word}", value, code


def currency(got: Worked) -> str:
    return next((f.statement.unit.currency for f in got.figures if f.statement.unit), "")


def in_unit(got: Worked) -> str:
    """Return the unit that the arithmetic is in."""
    stated = next((f.statement.unit for f in got.figures if f.statement.unit), None)
    if stated is None:
        return ""
    return f", in {stated.words + 's of ' if stated.words else ''}{stated.currency or 'units'}"


def inputs_of(got: Worked) -> tuple[Shown, ...]:
    return tuple(
        (number(f.printed), f.value, currency(got) if f.item.kind == "money" else "", None)
        for f in got.figures
        if f.rows
    )


def as_printed(figure: Figure) -> str:
    unit = figure.statement.unit
    sign = _SIGN.get(unit.currency, "") if unit and figure.item.kind != "shares" else ""
    word = f" {unit.words}" if unit and unit.words and figure.item.kind == "money" else ""
    return f"{sign}{number(figure.printed)}{word}"


def rows_named(figures: Sequence[Figure]) -> str:
    """Return which rows were read, from which statements and pages."""
    labels = list(dict.fromkeys(f"“{row.label}”" for f in figures for row in f.rows))
    absent = list(dict.fromkeys(f.item.label.lower() for f in figures if f.assumed))
    text = f"row{'s' if len(labels) > 1 else ''} {', '.join(labels)}"
    if absent:
        text += f"; no row for {', '.join(absent)}, taken as nil"
    whole = [f for f in figures if f.statement.unit and not f.statement.unit.stated and f.item.kind == "money"]
    if whole:
        text += "; no scale is stated, read as whole units"
    return text


def spans_of(figures: Sequence[Figure]) -> tuple[Span, ...]:
    """Return the rows, then the headers that say their periods and unit."""
    rows = dict.fromkeys(span for f in figures for span in f.spans)
    headers = dict.fromkeys(header_span(f.statement) for f in figures if f.rows)
    return (*rows, *headers)


def named_period(one: Wanted, year: int) -> str:
    """Return "FY2022", "Q2 2023" or "the six months to Q2 2023"."""
    if one.quarter is None:
        return f"FY{year}"
    if one.months and one.months > 3:
        return f"the {_MANY.get(one.months, one.months)} months to the end of Q{one.quarter} {year}"
    return f"Q{one.quarter} {year}"


def period_of(one: Wanted, got: Worked, year: int) -> str:
    period = named_period(one, year)
    balance = (
        got.figures
        and all(f.statement.kind == "balance" for f in got.figures)
        and len({f.year for f in got.figures}) == 1
    )
    newest = ", the newest in the base" if one.newest else ""
    return (f"at the end of {period}" if balance else f"in {period}") + newest


def yes_or_no(one: Wanted, value: float) -> str:
    if one.yes_no == "positive":
        return "Yes: " if value > 0 else "No: "
    if one.yes_no == "negative":
        return "Yes: " if value < 0 else "No: "
    return ""


def in_words(formula: str) -> str:
    out = formula
    for name in sorted((*leaves(own_syntax(formula)),), key=len, reverse=True):
        out = out.replace(name, label_of(name).lower())
    return out.replace("/", "÷").replace("*", "×").replace(" - ", " − ")


def capital(label: str) -> str:
    if label.isupper() and len(label.split()) > 1:
        label = label.lower()
    return label[:1].upper() + label[1:]
