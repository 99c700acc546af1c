"""Which companies of the base speak of a catalyst, with their sentences and their figures: a table in which each cell has a source. Pure.

A company speaks in its own filings, releases and calls, and is spoken of in notes and articles that are about it. Figures come from the
tools; a cell that has none says why.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from assistant.catalysts.evidence import Found
from assistant.models import ToolResult
from assistant.tools.call_reads import size_of
from vectorstore.errors import SettingsError
from vectorstore.names import company_words, fold
from vectorstore.records import SourceInfo

Call = Callable[[str, Mapping[str, Any]], ToolResult]
Compare = Literal["<=", ">=", "<", ">"]
# The columns there are: (metric, tool, unit, in words).
METRICS: Mapping[str, tuple[str, str, str]] = {
    "net_debt_to_ebitda": ("balance_sheet", "x", "net debt to EBITDA"),
    "interest_cover": ("balance_sheet", "x", "interest cover"),
    "operating_margin": ("balance_sheet", "percent", "operating margin"),
    "variable_rate_share": ("balance_sheet", "percent", "share of debt at variable rates"),
    "implied_roa": ("embedded_expectations", "percent", "return on assets that the price implies"),
    "roa_now": ("embedded_expectations", "percent", "return on assets now"),
    "tariff_exposure": ("tariff_exposure", "percent", "in an industry that tariffs hit"),
}
COLUMNS = ("net_debt_to_ebitda", "interest_cover", "operating_margin", "implied_roa", "roa_now", "tariff_exposure")
# Words for conditions; the condition itself is always shown.
NAMED: Mapping[str, str] = {
    "little_debt": "net_debt_to_ebitda<=1.5",
    "much_debt": "net_debt_to_ebitda>=4",
    "covers_interest": "interest_cover>=3",
    "does_not_cover_interest": "interest_cover<1",
    "low_expectations": "implied_roa<=5",
    "hit_by_tariffs": "tariff_exposure>=50",
}
SIZES = ("small", "mid", "large")
SENTENCES = 3  # of a side of a company that are shown, the surest
MOST = 60  # companies for which tools are asked in one run
_CONDITION = re.compile(r"\s*(?P<metric>[a-z_]+)\s*(?P<compare><=|>=|<|>)\s*(?P<value>-?\d+(?:\.\d+)?)\s*[x%]?\s*")


@dataclass(frozen=True, slots=True)
class Condition:
    """A figure of a company compared with a number."""

    metric: str
    compare: Compare
    value: float
    said: str = ""

    @property
    def rule(self) -> str:
        """In words: "net debt to EBITDA <= 1.5x"."""
        _, unit, label = METRICS[self.metric]
        named = f" ({self.said.replace('_', ' ')})" if self.said else ""
        return f"{label} {self.compare} {self.value:g}{'%' if unit == 'percent' else unit}{named}"

    def holds(self, value: float) -> bool:
        return {
            "<=": value <= self.value,
            ">=": value >= self.value,
            "<": value < self.value,
            ">": value > self.value,
        }[self.compare]


@dataclass(frozen=True, slots=True)
class Figure:
    """A cell: the metric with its as-of time and source, or ``reason`` why there is none."""

    metric: str
    tool: str
    value: float | None = None
    unit: str = ""
    as_of: str = ""
    period: str = ""
    source: str = ""
    source_url: str = ""
    formula: str = ""
    stale: bool = False
    reason: str = ""
    inputs: tuple[Mapping[str, Any], ...] = ()

    def to_json(self) -> dict[str, Any]:
        told = {name: getattr(self, name) for name in self.__slots__ if name not in {"inputs", "stale"}}
        return told | {"stale": self.stale, "inputs": [dict(one) for one in self.inputs]}


@dataclass(frozen=True, slots=True)
class Sentence:
    """What a document says: ``document.text[start:end] == quote``."""

    side: str
    quote: str
    score: float
    source: SourceInfo
    start: int
    end: int
    page: int | None

    def to_json(self) -> dict[str, Any]:
        meta = self.source.metadata
        return {
            "side": self.side, "quote": self.quote, "score": self.score, "document_id": self.source.document_id,
            "version": self.source.version, "start": self.start, "end": self.end, "page": self.page, "title": meta.title,
            "published": meta.published, "kind": meta.kind, "path": self.source.path,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Company:
    """A company with what its documents say, and its figures by metric. ``size`` as the documents' key ``size`` says, else ""."""

    name: str
    ticker: str
    size: str
    documents: int
    speak_for: int
    speak_against: int
    sentences: tuple[Sentence, ...]
    figures: Mapping[str, Figure] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {
            "company": self.name, "ticker": self.ticker or None, "size": self.size or None, "documents": self.documents,
            "for": self.speak_for, "against": self.speak_against, "sentences": [s.to_json() for s in self.sentences],
            "figures": {name: figure.to_json() for name, figure in self.figures.items()},
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Table:
    """``companies`` that meet every condition; ``unknown``: those for which one cannot be told, with the reason; ``failed``: how many do not."""

    catalyst: str
    as_of: str | None
    conditions: tuple[Condition, ...]
    companies: tuple[Company, ...]
    unknown: tuple[tuple[str, str], ...] = ()
    failed: int = 0
    order: str = ""
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "catalyst": self.catalyst, "as_of": self.as_of, "where": [c.rule for c in self.conditions], "order": self.order,
            "companies": [c.to_json() for c in self.companies],
            "unknown": [{"company": name, "reason": reason} for name, reason in self.unknown], "failed": self.failed,
            "notes": list(self.notes),
        }  # fmt: skip


def condition(text: str) -> Condition:
    """Return a condition ("net_debt_to_ebitda<=1.5") or one that has a name ("little_debt"). Raises SettingsError."""
    name = text.strip().lower().replace(" ", "_").replace("-", "_")
    match = _CONDITION.fullmatch(NAMED.get(name, text))
    if match is None or match["metric"] not in METRICS:
        raise SettingsError(
            f"{text!r} is no condition on a company's figures.",
            f"Write one of {', '.join(METRICS)} with <=, >=, < or > and a number, or one of {', '.join(NAMED)}.",
        )
    compare: Any = match["compare"]
    return Condition(match["metric"], compare, float(match["value"]), name if name in NAMED else "")


def spoken(found: Sequence[Found], sources: Mapping[str, SourceInfo]) -> tuple[Company, ...]:
    """Return the companies whose documents hold evidence, those with most documents first. ``sources`` by document id."""
    groups: dict[tuple[str, ...], list[tuple[Found, SourceInfo]]] = defaultdict(list)
    for one in found:
        source = sources.get(one.document_id)
        if source is not None and source.metadata.company:
            groups[company_words(source.metadata.company)].append((one, source))
    return tuple(
        sorted(
            (_company(held) for held in groups.values()), key=lambda c: (-c.documents, -len(c.sentences), fold(c.name))
        )
    )


def _company(held: Sequence[tuple[Found, SourceInfo]]) -> Company:
    newest = sorted(held, key=lambda pair: pair[1].metadata.published or "", reverse=True)
    metas = [source.metadata for _, source in newest]
    sides = [one.side for one, _ in held]
    sentences: list[Sentence] = []
    for side in ("for", "against"):
        own = sorted((pair for pair in newest if pair[0].side == side), key=lambda pair: -pair[0].score)
        sentences += [Sentence(side, f.quote, f.score, s, f.start, f.end, f.page) for f, s in own[:SENTENCES]]
    return Company(
        name=metas[0].company or "",
        ticker=next((m.ticker for m in metas if m.ticker), ""),
        size=next((size for m in metas if (size := size_of(m.extra))), ""),
        documents=len({source.document_id for _, source in held}),
        speak_for=sides.count("for"),
        speak_against=sides.count("against"),
        sentences=tuple(sentences),
    )


def measured(company: Company, metrics: Sequence[str], call: Call) -> Company:
    """Return the company with its figures: each tool that is needed is asked once, about its ticker or else its name."""
    results: dict[str, ToolResult] = {}
    figures: dict[str, Figure] = {}
    for metric in metrics:
        tool = METRICS[metric][0]
        if tool not in results:
            results[tool] = call(tool, arguments(company, tool))
        figures[metric] = _figure(metric, tool, results[tool])
    return Company(
        company.name, company.ticker, company.size, company.documents, company.speak_for, company.speak_against, company.sentences, figures
    )  # fmt: skip


def arguments(company: Company, tool: str) -> dict[str, Any]:
    """Return what a tool is asked with about ``company``."""
    named = {"ticker": company.ticker or company.name}
    return named if tool == "embedded_expectations" else named | {"benchmark": ""}


def _figure(metric: str, tool: str, result: ToolResult) -> Figure:
    found = next((m for m in result.metrics if m.name == metric and m.value is not None), None)
    if found is None:
        return Figure(metric, tool, unit=METRICS[metric][1], reason=_reason(metric, result))
    return Figure(
        metric, tool, found.value, found.unit, found.as_of, found.period or "", found.source, found.source_url or "", found.formula or "",
        result.stale, "", tuple(one for one in found.inputs if "quote" in one and "document_id" in one),
    )  # fmt: skip


def _reason(metric: str, result: ToolResult) -> str:
    """Return why a result lacks a metric: the warning that names it, else the error."""
    label = METRICS[metric][2]
    about = [w for w in result.warnings if metric in w or label in w.lower()]
    if about:
        return about[0]
    if result.error is not None:
        return f"{result.error.message} {result.error.what_to_do}".strip()
    return result.warnings[0] if result.warnings else f"{result.tool} gave no {label} ({result.status})."


def table(
    catalyst: str,
    companies: Sequence[Company],
    call: Call,
    *,
    where: Sequence[Condition] = (),
    columns: Sequence[str] = COLUMNS,
    size: str = "",
    sort: str = "",
    as_of: str | None = None,
    go_on: Callable[[], None] = lambda: None,
) -> Table:
    """Return the table of ``companies``. Conditions are asked first, so that tools are asked in full only for those that meet them.

    ``sort``: a metric, smallest first ("-metric": largest first); default: that of the first condition, else by documents.
    Raises SettingsError for a column, size or order there is not.
    """
    _known(columns, size, sort)
    notes: list[str] = []
    chosen = list(companies)
    if size:
        unsized = [c.name for c in chosen if not c.size]
        chosen = [c for c in chosen if c.size == size]
        if unsized:
            notes.append(
                f"{len(unsized)} companies are left out because no document tells their size (--meta size=small)."
            )
    if len(chosen) > MOST:
        notes.append(f"The {MOST} companies with most documents are looked at, of {len(chosen)}.")
        chosen = chosen[:MOST]
    asked = list(dict.fromkeys(c.metric for c in where))
    kept: list[Company] = []
    unknown: list[tuple[str, str]] = []
    failed = 0
    for company in chosen:
        go_on()
        first = measured(company, asked, call) if asked else company
        lacking = next((first.figures[m] for m in asked if first.figures[m].value is None), None)
        values = [(c, first.figures[c.metric].value) for c in where]
        if any(value is not None and not c.holds(value) for c, value in values):
            failed += 1
        elif lacking is not None:
            unknown.append((company.name, f"{METRICS[lacking.metric][2]}: {lacking.reason}"))
        else:
            kept.append(measured(company, list(dict.fromkeys([*asked, *columns])), call))
    by = sort or (asked[0] if asked else "")
    return Table(
        catalyst, as_of, tuple(where), tuple(_sorted(kept, by)), tuple(unknown), failed, _order(by), tuple(notes)
    )


def _known(columns: Sequence[str], size: str, sort: str) -> None:
    for name in (*columns, *([sort.removeprefix("-")] if sort else ())):
        if name not in METRICS:
            raise SettingsError(f"There is no figure {name!r} of a company.", f"Figures are: {', '.join(METRICS)}.")
    if size and size not in SIZES:
        raise SettingsError(f"There is no size {size!r}.", f"Sizes are: {', '.join(SIZES)}.")


def _sorted(companies: Sequence[Company], by: str) -> list[Company]:
    if not by:
        return list(companies)
    name, turned = by.removeprefix("-"), by.startswith("-")

    def place(company: Company) -> tuple[bool, float]:
        value = company.figures[name].value if name in company.figures else None
        return (value is None, 0.0 if value is None else -value if turned else value)

    return sorted(companies, key=place)


def _order(by: str) -> str:
    if not by:
        return "by how many documents speak of it"
    label = METRICS[by.removeprefix("-")][2]
    return f"by {label}, {'largest' if by.startswith('-') else 'smallest'} first"
