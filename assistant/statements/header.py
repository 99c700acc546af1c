"""Header lines of a statement: which period each column is, and the unit of its figures. Pure."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

_MONTH = r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
_TOKEN = re.compile(
    rf"(?P<duration>\b(?P<many>three|six|nine|twelve|thirteen|twenty[- ]six|thirty[- ]nine|fifty[- ]two|fifty[- ]three|\d{{1,2}})[- ](?P<unit>months?|weeks?)\b(?: (?:period )?end(?:ed|ing))?)"
    rf"|(?P<annual>\b(?:fiscal )?years? end(?:ed|ing)\b)|(?P<quarter>\bquarters? ended\b)"
    rf"|(?P<slash>\b\d{{1,2}}/\d{{1,2}}/(?P<sy>(?:20|19)?\d\d)\b)"
    rf"|(?P<date>\b(?P<month>{_MONTH}) (?P<day>\d{{1,2}})\b(?:,? (?P<dy>(?:19|20)\d\d)\b)?)"
    rf"|(?P<dmy>\b\d{{1,2}} (?P<month2>{_MONTH})(?: (?P<dy2>(?:19|20)\d\d)\b)?)"
    r"|(?<![\d,.$])(?P<year>(?:19|20)\d\d)(?![\d,.]\d)\b",
    re.I,
)
_WORDS = {"three": 3, "six": 6, "nine": 9, "twelve": 12, "thirteen": 13, "twenty six": 26, "thirty nine": 39, "fifty two": 52, "fifty three": 53}  # fmt: skip
_SCALE_WORDS = {"thousand": 1e3, "million": 1e6, "billion": 1e9}
_SCALE = re.compile(
    r"\b(?P<a>thousand|million|billion)s?\b|(?P<k>[$£€¥]\s?000s?\b|[$£€]?['’]000s?\b|\(?000['’]?s\b|\b000s? omitted|\b000['’]s)|(?P<m>[$£€]\s?m(?:n|illions?)?\b)",
    re.I,
)
_CURRENCY = (
    (re.compile(r"£|sterling|\bGBP\b|\bpence\b", re.I), "GBP"),
    (re.compile(r"€|\beuros?\b|\bEUR\b", re.I), "EUR"),
    (re.compile(r"\bRMB\b|renminbi|\bCNY\b", re.I), "CNY"),
    (re.compile(r"¥|\byen\b|\bJPY\b", re.I), "JPY"),
    (re.compile(r"\bC\$|\bCAD\b|canadian dollars", re.I), "CAD"),
    (re.compile(r"\bA\$|\bAUD\b|australian dollars", re.I), "AUD"),
    (re.compile(r"\bCHF\b|swiss francs?", re.I), "CHF"),
    (re.compile(r"\$|\bUSD\b|\bdollars?\b", re.I), "USD"),
)


@dataclass(frozen=True, slots=True)
class Column:
    """The period of a column: ``year`` as printed, ``months`` that it covers (None: not said, or a date)."""

    year: int
    label: str
    months: int | None = None


@dataclass(frozen=True, slots=True)
class Unit:
    """``scale`` of the money figures and their currency; ``stated``: a unit line says so."""

    scale: float
    currency: str
    stated: bool
    text: str = ""

    @property
    def words(self) -> str:
        return {1e3: "thousand", 1e6: "million", 1e9: "billion"}.get(self.scale, "")


def _sign(body: str) -> str:
    """Return the currency whose sign stands before most values."""
    counts = {
        code: len(re.findall(rf"{sign}\s?\(?\d", body))
        for sign, code in ((r"\$", "USD"), ("£", "GBP"), ("€", "EUR"), ("¥", "JPY"))
    }
    best = max(counts, key=lambda code: counts[code])
    return best if counts[best] else ""


def unit(head: str, body: str) -> Unit | None:
    """Return the unit that the header states; without one, whole units of a currency that stands before the values."""
    currency = next((code for pattern, code in _CURRENCY if pattern.search(head)), "") or _sign(body)
    match = _SCALE.search(re.sub(r"\d[\d,.]* (?:million|thousand|billion)", " ", head))
    if match:
        scale = 1e3 if match["k"] else 1e6 if match["m"] else _SCALE_WORDS[match["a"].lower()]
        line = next((x for x in head.splitlines() if match.group() in x), "")
        return Unit(scale, currency, True, line.strip())
    whole = re.search(r"\bin (?:whole )?(?:us |u\.s\. )?dollars\b|\bexpressed in\b|\bstated in\b", head, re.I)
    if currency:
        return Unit(1.0, currency, bool(whole))
    return None


def _months(match: re.Match[str]) -> int:
    if match["annual"]:
        return 12
    if match["quarter"]:
        return 3
    word = match["many"].lower().replace("-", " ")
    many = int(word) if word.isdigit() else _WORDS[word]
    return many if match["unit"].lower().startswith("m") else round(many * 12 / 52)


def _full_year(text: str) -> int:
    number = int(text)
    return number if number > 99 else 2000 + number if number < 60 else 1900 + number


def columns(head: str, width: int, counts: Counter[int]) -> tuple[Column, ...]:
    """Return the columns, in order; () where the header does not give as many periods as the rows have values.

    ``width`` is the usual number of values a row, ``counts`` how many rows have how many.
    """
    options: list[tuple[Column, ...]] = []
    tokens = list(_TOKEN.finditer(head))
    durations = [_months(m) for m in tokens if m["duration"] or m["annual"] or m["quarter"]]
    days = [m for m in tokens if m["date"] and not m["dy"]]
    # A line that ends in a run of years is the column header.
    for line in reversed(head.splitlines()):
        run = re.search(r"(?:(?:\bfiscal |\bFY ?)?\b(?:19|20)\d\d(?:\s*\(\w\))?[\s|]*)+$", line, re.I)
        if run:
            years = [int(y) for y in re.findall(r"(?:19|20)\d\d", run.group())]
            options.append(tuple(Column(y, _named(days, i, y)) for i, y in enumerate(years)))
    dated: list[Column] = []
    waiting: list[str] = []
    for m in tokens:
        if m["slash"]:
            dated.append(Column(_full_year(m["sy"]), m.group()))
        elif m["date"] or m["dmy"]:
            year = m["dy"] or m["dy2"]
            if year:
                dated.append(Column(int(year), " ".join(m.group().split())))
            else:
                waiting.append(m.group().rstrip(","))
        elif m["year"]:
            day = waiting.pop(0) if waiting else ""
            dated.append(Column(int(m["year"]), f"{day}, {m['year']}" if day else m["year"]))
    options.append(tuple(dated))
    if len(dated) > width and len(dated) % width == 0:
        options.insert(0, tuple(dated[-width:]))
    noted = re.search(r"\bnotes?\b", head, re.I)
    for option in options:
        k = len(option)
        if not k or k > 8:
            continue
        if k == width or (noted and k < width and k + 1 == width) or (k < width and counts[k] >= 0.4 * counts[width]):
            found = _with_months(option, durations)
            # Two columns of one heading cannot be told apart.
            return found if len(set(found)) == len(found) else ()
    return ()


def _named(days: list[re.Match[str]], index: int, year: int) -> str:
    if not days:
        return str(year)
    day = days[index] if index < len(days) and len(days) > 1 else days[-1] if len(days) == 1 else None
    return f"{day.group().rstrip(',')}, {year}" if day else str(year)


def _with_months(option: tuple[Column, ...], durations: list[int]) -> tuple[Column, ...]:
    n = len(option)
    if not durations:
        return option
    if len(set(durations)) == 1:
        return tuple(Column(c.year, c.label, durations[0]) for c in option)
    if n % len(durations) == 0:
        each = n // len(durations)
        return tuple(Column(c.year, c.label, durations[i // each]) for i, c in enumerate(option))
    return option
