"""Which documents a question itself bounds the answer to: forms, kinds, dates of publication. Pure."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta

from vectorstore import months
from vectorstore.records import Filters, Kind

_FORM = re.compile(
    r"\b(?:form\s+)?((?:10|20|40)-?[KQF](?:T|/A)?|8-?K(?:/A)?|6-?K|S-?[1348](?:/A)?|DEF\s?14A|13[DGF])(?:s|['’]s)?(?![\w-])",
    re.I,
)
# "on the call", "according to its press release", "in filings": the document is named as the place to look.
_PLACE = r"\b(?:in|on|from|during|at|per|by|across|within|according to|based on|looking at|only|using)\s+(?:(?:the|its|their|all|any|this|that|which|[\w&.-]+['’]s?|[\w.-]+\d\w*|\w+ quarter|latest|last|recent|company|annual|quarterly|earnings|conference|sec|public|official|\d{4})\s+)*"
_KIND: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("transcript", re.compile(_PLACE + r"(?:(?:earnings|conference|investor|analyst)[\s-]+calls?|calls?(?=\W*$|\s*,)|(?:call )?transcripts?)\b", re.I)),
    ("release", re.compile(_PLACE + r"(?:press|news|earnings) releases?\b", re.I)),
    ("filing", re.compile(_PLACE + r"filings?\b", re.I)),
)  # fmt: skip
_DAY = rf"(?:(?P<iso>(?:19|20)\d\d-\d\d-\d\d)|(?:(?P<month>{months.PATTERN})\.?\s+(?:(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?\s+)?)?(?P<year>(?:19|20)\d\d))"
_PUBLISHED = re.compile(
    rf"\b(?:that (?:was|were) |which (?:was|were) |as )?(?:published|written|issued|released|dated|filed|appearing|printed)\s+(?:only\s+)?"
    rf"(?P<how>since|from|after|before|until|till|up to|by|in|during|on|no later than|no earlier than)\s+(?:the year\s+)?{_DAY}(?![\w-])"
    rf"|\b(?:articles?|notes?|documents?|sources|research|pieces?)\s+"
    rf"(?P<how2>since|from|after|before|in)\s+{_DAY.replace('?P<', '?P<n_')}(?![\w-])(?=\W*$|\s*[,;]|\s+(?:say|tell|mention|discuss|describe|think|only))",
    re.I,
)
_ASKS_WHEN = re.compile(
    r"\b(?:when (?:was|were|did|is)|what date|which date|date of|who (?:wrote|published)|how old)\b", re.I
)


@dataclass(frozen=True, slots=True)
class Constraints:
    """Filters that a question states, and the question without the words that only state them."""

    form: tuple[str, ...] = ()
    kind: tuple[Kind, ...] = ()
    since: str | None = None
    until: str | None = None
    text: str = ""

    def __bool__(self) -> bool:
        return bool(self.form or self.kind or self.since or self.until)


def constraints(text: str) -> Constraints:
    """Return what ``text`` bounds the answer to. A question for a document's own date or author bounds nothing."""
    plain = " ".join(text.split())
    if _ASKS_WHEN.search(plain):
        return Constraints(text=plain)
    forms = tuple(dict.fromkeys(_written(m.group(1)) for m in _FORM.finditer(plain)))
    kinds = tuple(kind for kind, pattern in _KIND if pattern.search(plain))
    since: str | None = None
    until: str | None = None
    spans = []
    for match in _PUBLISHED.finditer(plain):
        low, high = _bounds(match)
        if low is None and high is None:
            continue
        since = max(filter(None, (since, low)), default=None)
        until = min(filter(None, (until, high)), default=None)
        # "articles from 2025": the noun stays, it says what is asked for. ("The filing of 2022" names a fiscal year.)
        spans.append((match.start("how2") if match["how2"] else match.start(), match.end()))
    for start, end in reversed(spans):
        plain = plain[:start] + plain[end:]
    # Both a form and "filing" say one thing; the form is the narrower.
    if forms:
        kinds = tuple(k for k in kinds if k != "filing")
    return Constraints(forms, kinds, since, until, re.sub(r"\s+([?,.;])", r"\1", " ".join(plain.split())))


def _written(form: str) -> str:
    code = re.sub(r"\s+", " ", form.upper())
    return re.sub(r"^(10|20|40|8|6|S)-?(?=[KQF\d])", r"\1-", code)


def _bounds(match: re.Match[str]) -> tuple[str | None, str | None]:
    """Return the first and last day that "since March 2025", "before 2024-06-01" … allow; None for none."""
    second = bool(match["how2"])
    how = (match["how2"] if second else match["how"]).lower()
    iso, month, day, year = (match[("n_" if second else "") + name] for name in ("iso", "month", "day", "year"))
    try:
        if iso:
            first = last = date.fromisoformat(iso)
        elif month and day:
            first = last = date(int(year), months.NUMBERS[month.lower()], int(day))
        elif month:
            number = months.NUMBERS[month.lower()]
            first = date(int(year), number, 1)
            last = date(int(year), number, calendar.monthrange(int(year), number)[1])
        else:
            first, last = date(int(year), 1, 1), date(int(year), 12, 31)
    except ValueError:
        return None, None
    if how in {"since", "no earlier than"} or (how == "from" and not second):
        return first.isoformat(), None
    if how == "after":
        return (last + timedelta(days=1)).isoformat(), None
    if how == "before":
        return None, (first - timedelta(days=1)).isoformat()
    if how in {"until", "till", "up to", "by", "no later than"}:
        return None, last.isoformat()
    return first.isoformat(), last.isoformat()


def bounded(
    filters: Filters, stated: Constraints, companies: tuple[str, ...], count: Callable[[Filters], int]
) -> tuple[Filters, Constraints, tuple[str, ...]]:
    """Return ``filters`` with what the question states, what was used of it, and a warning for what was left out.

    The caller's own filters win. What would leave nothing (of the companies named, where any is) is not used: forms first,
    then kinds, then dates. ``count`` counts the documents that pass.
    """
    used, out, warnings = Constraints(text=stated.text), filters, []
    steps: tuple[tuple[str, dict[str, object], str], ...] = (
        ("published", {"since": stated.since, "until": stated.until}, _told(stated)),
        ("kind", {"kind": stated.kind}, " or ".join(stated.kind)),
        ("form", {"form": stated.form}, " or ".join(stated.form)),
    )
    for name, values, told in steps:
        wanted = {key: value for key, value in values.items() if value and not getattr(filters, key)}
        if not wanted:
            continue
        narrowed = replace(out, **wanted)  # type: ignore[arg-type]
        if count(replace(narrowed, company=narrowed.company or companies)):
            out, used = narrowed, replace(used, **wanted)  # type: ignore[arg-type]
        else:
            of = f" of {', '.join(companies)}" if companies else ""
            what = f"published {told}" if name == "published" else f"of {name} {told}"
            warnings.append(
                f"The base holds no document{of} {what} that passes the other filters; searched without it."
            )
    return out, used, tuple(warnings)


def _told(stated: Constraints) -> str:
    parts = [f"since {stated.since}" if stated.since else "", f"until {stated.until}" if stated.until else ""]
    return " and ".join(part for part in parts if part)


__all__ = ["Constraints", "bounded", "constraints"]
