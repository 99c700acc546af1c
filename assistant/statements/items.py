"""Line items: what questions and statements call them, and which row of a statement gives them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from assistant.statements.rows import plain
from assistant.statements.sections import Row
from assistant.statements.tables import Statement


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of data/statement_items.toml (its head describes the fields)."""

    name: str
    label: str
    statement: str
    asked: tuple[str, ...]
    rows: tuple[str, ...]
    never: tuple[str, ...] = ()
    part: str = ""
    sign: str = ""
    otherwise: str = ""
    kind: str = "money"
    current: str = ""
    conflict: str = ""
    missing: float | None = None


@dataclass(frozen=True, slots=True)
class Metric:
    """One entry of data/statement_metrics.toml."""

    name: str
    label: str
    asked: tuple[str, ...]
    formula: str
    unit: str
    alternative: str = ""
    beside: tuple[str, ...] = ()


def _load(name: str) -> Mapping[str, dict[str, object]]:
    return tomllib.loads(files("assistant").joinpath("data", name).read_text(encoding="utf-8"))


def _texts(value: object) -> tuple[str, ...]:
    assert isinstance(value, list)
    return tuple(str(v) for v in value)


@cache
def items() -> Mapping[str, Item]:
    """Return the line items by name."""
    found = {}
    for name, entry in _load("statement_items.toml").items():
        missing = entry.get("missing")
        found[name] = Item(
            name=name, label=str(entry["label"]), statement=str(entry["statement"]), asked=_texts(entry["asked"]),
            rows=_texts(entry["rows"]), never=_texts(entry.get("not", [])), part=str(entry.get("part", "")),
            sign=str(entry.get("sign", "")), otherwise=str(entry.get("otherwise", "")), kind=str(entry.get("kind", "money")),
            current=str(entry.get("current", "")), conflict=str(entry.get("conflict", "")),
            missing=float(str(missing)) if missing is not None else None,
        )  # fmt: skip
    return found


@cache
def metrics() -> Mapping[str, Metric]:
    """Return the ratios and sums by name."""
    return {
        name: Metric(
            name, str(entry["label"]), _texts(entry["asked"]), str(entry["formula"]), str(entry["unit"]),
            str(entry.get("alternative", "")), _texts(entry.get("beside", [])),
        )
        for name, entry in _load("statement_metrics.toml").items()
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Match:
    """The rows that give an item (several: they are added up), or why none can be named with certainty."""

    rows: tuple[Row, ...] = ()
    problem: str = ""


def _candidates(item: Item, statement: Statement) -> list[Row]:
    rows = list(statement.rows)
    if statement.kind == "balance" and item.current:
        last = {"asset": "total current assets", "liability": "total current liabilities"}[item.current]
        first = "total assets" if item.current == "liability" else ""
        end = next((i for i, r in enumerate(rows) if r.plain.startswith(last)), None)
        start = next((i for i, r in enumerate(rows) if first and r.plain == first), 0)
        if end is not None and start < end:
            rows = rows[start:end]
    if item.part:
        rows = [row for row in rows if row.part == item.part]
    if statement.kind == "income":
        # A combined statement goes on to comprehensive income, reconciliations, shares.
        stop = next((i for i, r in enumerate(rows) if i > 4 and r.plain.startswith("other comprehensive")), len(rows))
        rows = rows[:stop]
    if item.kind == "per_share":
        # Shares and amounts share their labels ("Basic"); what has no decimals is no amount per share.
        rows = [r for r in rows if any("." in c.text for c in r.cells) and all(abs(c.value) < 10_000 for c in r.cells)]
    else:
        rows = [
            row
            for row in rows
            if not re.search(r"\bper (?:\w+ )?share", f"{row.section} {row.label}", re.I) or "par value" in row.label
        ]
    return rows


def _matches(pattern: str, row: Row, *, per_share: bool = False) -> bool:
    if re.fullmatch(pattern, row.plain):
        return True
    if (
        per_share
        and re.search(r"\bper (?:\w+ )*share", row.section, re.I)
        and re.fullmatch(pattern, plain(row.section))
    ):
        return True
    # "Total" alone, under a heading.
    return (
        row.plain in {"total", "total net"}
        and bool(row.section)
        and bool(re.fullmatch(pattern, f"total {row.section.lower()}"))
    )


def find(item: Item, statement: Statement) -> Match:
    """Return the rows of ``statement`` that give ``item``; the first tier of labels that any row has decides."""
    rows = _candidates(item, statement)
    rows = [row for row in rows if not any(re.fullmatch(p, row.plain) for p in item.never)]
    for tier in item.rows:
        add = tier.startswith("+")
        found = [row for row in rows if _matches(tier.lstrip("+"), row, per_share=item.kind == "per_share")]
        if not found:
            continue
        if add:
            others = [
                r
                for r in rows
                if item.conflict
                and r not in found
                and re.fullmatch(item.conflict, r.plain)
                and any(c.value for c in r.cells)
            ]
            if others:
                return Match(problem=f"more than one row may belong to it ({_quoted([*found, *others])})")
            total = [row for row in found if row.plain.startswith("total")]
            return Match(tuple(total[:1] or found))
        found = _narrow(item, found)
        if len({tuple(c.value for c in row.cells) for row in found}) == 1:
            return Match((found[0],))
        return Match(problem=f"two rows could be meant ({_quoted(found)})")
    return Match()


def conflicting(item: Item, statement: Statement) -> Row | None:
    """Return a row with a figure that may belong to an item that no row is called by."""
    if not item.conflict:
        return None
    rows = [r for r in _candidates(item, statement) if not any(re.fullmatch(p, r.plain) for p in item.never)]
    return next((r for r in rows if re.fullmatch(item.conflict, r.plain) and any(c.value for c in r.cells)), None)


# What may stand between the expenses of a business and its income before taxes, besides operating items.
_FINANCIAL = re.compile(
    r".*\binterest\b.*|(?:other|total other)(?: non ?operating)? (?:income|expenses?|gains?|loss)\b.*|(?:income|loss) from equity.*|equity in .*|foreign (?:exchange|currency).*"
)


def sums_up(statement: Statement) -> bool:
    """Whether gross profit less selling and administrative expense is all that stands above interest and other income."""
    rows = list(statement.rows)
    spots = []
    for name in ("gross_profit", "sga", "pretax_income"):
        found = find(items()[name], statement).rows
        if len(found) != 1:
            return False
        spots.append(rows.index(found[0]))
    gross, expense, pretax = spots
    if not gross < expense < pretax:
        return False
    parts = rows[gross + 1 : expense]
    whole = rows[expense]
    if not all(r.complete for r in (*parts, whole)):
        return False
    adds = not parts or all(abs(sum(p.value(i) for p in parts) - c.value) < 1.01 for i, c in enumerate(whole.cells))
    return adds and all(_FINANCIAL.fullmatch(r.plain) for r in rows[expense + 1 : pretax])


def _narrow(item: Item, found: Sequence[Row]) -> list[Row]:
    rows = list(found)
    whole = [row for row in rows if row.complete]
    rows = whole or rows
    if item.name == "ppe_net" and len(rows) > 1:
        net = [row for row in rows if re.search(r"\bnet\b", row.label, re.I)]
        rows = net or rows
    totals = [row for row in rows if row.plain.startswith("total")]
    if totals and len(totals) < len(rows):
        rows = totals
    exact = [row for row in rows if row.plain in item.asked]
    if len(rows) > 1 and exact:
        rows = exact
    if (
        item.name
        in {
            "net_income",
            "net_income_attributable",
            "revenue",
            "operating_income",
            "income_tax",
            "cash",
            "eps_basic",
            "eps_diluted",
            "gross_profit",
        }
        and len(rows) > 1
    ):
        # Where the statement repeats itself further down (a reconciliation), its first row counts.
        first = rows[0]
        rows = [row for row in rows if row.plain == first.plain] if item.name != "net_income" else rows[:1]
        if all(row.plain == first.plain for row in rows):
            rows = rows[:1]
    return rows


def _quoted(rows: Sequence[Row]) -> str:
    return ", ".join(dict.fromkeys(f"“{row.label}”" for row in rows[:4]))


@cache
def names() -> tuple[tuple[str, str], ...]:
    """Return (phrase, name of item or metric), longest phrase first."""
    listed = [(phrase, item.name) for item in items().values() for phrase in item.asked]
    listed += [(phrase, metric.name) for metric in metrics().values() for phrase in metric.asked]
    return tuple(sorted(listed, key=lambda pair: -len(pair[0])))
