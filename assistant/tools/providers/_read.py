"""Reading what sources sent: every missing key, changed column and odd number is a SourceFailed that names it. Pure."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from assistant.tools.base import SourceFailed

_CHANGED = "The source may have changed its format; report it if this stays."
_FORMATS = (
    "%Y-%m-%d",
    "%m/%d/%Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%d %B %Y",
    "%d/%b/%Y",
    "%d-%b-%Y",
    "%d %b %Y",
    "%Y%m%d",
    "%d.%m.%Y",
)


def field(record: Any, name: str, source: str) -> Any:
    """Return ``record[name]``. Raises SourceFailed where it is no mapping or has no such key."""
    if not isinstance(record, Mapping):
        raise SourceFailed(f"{source}: expected a record with {name!r}, got {type(record).__name__}.", _CHANGED)
    if name not in record:
        raise SourceFailed(f"{source}: the answer has no {name!r}.", _CHANGED)
    return record[name]


def listed(value: Any, what: str, source: str) -> Sequence[Any]:
    """Return ``value``. Raises SourceFailed where it is no list."""
    if not isinstance(value, list):
        raise SourceFailed(f"{source}: {what} is no list.", _CHANGED)
    return value


def number(value: Any, what: str, source: str) -> float:
    """Return a finite number, with separators of thousands, a currency sign or a percent sign taken off."""
    if isinstance(value, bool):
        raise SourceFailed(f"{source}: {what} = {value!r} is no number.", _CHANGED)
    # Some write the sign as a dash of its own.
    text = re.sub(r"[,$%\s]", "", str(value)).replace("\u2212", "-")
    if re.fullmatch(r"\(.+\)", text):
        text = "-" + text[1:-1]
    try:
        found = float(text)
    except ValueError:
        raise SourceFailed(f"{source}: {what} = {value!r} is no number.", _CHANGED) from None
    if not math.isfinite(found):
        raise SourceFailed(f"{source}: {what} = {value!r} is no finite number.", _CHANGED)
    return found


def maybe(value: Any, what: str, source: str) -> float | None:
    """Return a number, or None for what sources write where they have none."""
    if value is None or str(value).strip().lower() in {
        "",
        ".",
        "-",
        "--",
        "—",
        "–",
        "n/a",
        "na",
        "nan",
        "none",
        "null",
        "nat",
    }:
        return None
    return number(value, what, source)


def whole(value: Any, what: str, source: str) -> int:
    """Return a whole number."""
    found = number(value, what, source)
    if found != int(found):
        raise SourceFailed(f"{source}: {what} = {value!r} is no whole number.", _CHANGED)
    return int(found)


def day(value: Any, what: str, source: str) -> date:
    """Return a day from the ways in which sources write one."""
    text = str(value).strip().strip('"')
    for form in _FORMATS:
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007 - a calendar day
        except ValueError:
            continue
    try:
        return datetime.fromisoformat(text).date()
    except ValueError:
        raise SourceFailed(f"{source}: {what} = {value!r} is no date.", _CHANGED) from None


def table(text: str, source: str, columns: Sequence[str]) -> list[dict[str, str]]:
    """Return the rows of a CSV whose header has ``columns`` (case aside), whatever stands above it.

    A row ends the table when it is blank or shorter than the header's named columns need.
    """
    if text.lstrip()[:1] == "<":
        raise SourceFailed(f"{source} answered with a web page instead of data.", "Check the address, or try later.")
    rows = list(csv.reader(io.StringIO(text)))
    wanted = [c.casefold() for c in columns]
    for at in range(min(60, len(rows))):
        row = rows[at]
        names = [cell.strip().casefold() for cell in row]
        if all(name in names for name in wanted):
            break
    else:
        raise SourceFailed(f"{source}: no header with the columns {', '.join(columns)} was found.", _CHANGED)
    last = max(names.index(name) for name in wanted)
    out = []
    for row in rows[at + 1 :]:
        if len(row) <= last or not any(cell.strip() for cell in row):
            break
        out.append({name: cell.strip() for name, cell in zip(names, row, strict=False)})
    return out
