"""Live metrics in an answer: the tools that a question needs are called, and what they gave is told with its time."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from assistant.compose import Writer
from assistant.models import Metric, Number, Status, ToolResult
from assistant.routing import ToolCall
from vectorstore.settings import Settings

if TYPE_CHECKING:
    from assistant.agent.tools import LiveTool
    from assistant.tools.base import Context, Documents

MOST_CALLS = 6  # of one question
MOST_METRICS = 6  # of one result that stand in the text; all stand in the Answer
_UNITS = {"percent": "%", "percentage points": "pp"}


@dataclass(frozen=True, slots=True)
class Live:
    """The results for a question, marked [T1] …, and how they may be told."""

    results: tuple[ToolResult, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether any result has a value."""
        return any(m.value is not None for r in self.results if r.status == "ok" for m in r.metrics)

    def write(self, writer: Writer) -> None:
        """Write a line a metric, as claims; a result without a value says why, and claims nothing."""
        for result in self.results:
            if writer.length:
                writer.write("\n\n")
            shown = [m for m in result.metrics if m.value is not None or result.tool == "verify_claim"]
            if result.status != "ok" or not shown:
                writer.write(f"{lacking(result)} [{result.marker}]")
                continue
            for n, metric in enumerate(shown[:MOST_METRICS]):
                writer.write(("\n" if n else "") + "- ")
                text, numbers = line(metric, result.marker, stale=result.stale, whole=not n)
                writer.claim(text, (), tools=(result.marker,), checked=numbers, reason="read from the tool")


class Metrics:
    """The live metrics of one Assistant. What they need (sessions, saved pulls) is made at the first call and kept."""

    def __init__(self, settings: Settings, documents: Documents) -> None:
        self._settings, self._documents = settings, documents
        self._lock = threading.Lock()
        self._made: Context | None = None

    def _context(self, as_of: str | None) -> Context:
        """Raises SettingsError for a source that does not exist."""
        from assistant.tools.wiring import make_context

        with self._lock:
            if self._made is None:
                self._made = make_context(self._settings, documents=self._documents)
        return replace(self._made, today=today(), as_of=date.fromisoformat(as_of) if as_of else None)

    def consult(self, calls: Sequence[ToolCall], as_of: str | None) -> Live:
        """Call the tools, each within the setting ``tool_timeout_s``. Raises SettingsError for a source that does not exist."""
        if not calls:
            return Live()
        from assistant.tools.registry import call

        context = self._context(as_of)
        results = [call(c.name, c.arguments, context) for c in calls[:MOST_CALLS]]
        return Live(tuple(r.model_copy(update={"marker": f"T{n}"}) for n, r in enumerate(results, start=1)))

    def for_model(self) -> tuple[LiveTool, ...]:
        """Return every tool as a model may call it."""
        from assistant.agent.tools import LiveTool
        from assistant.tools.registry import call, tools

        def bound(name: str) -> LiveTool:
            def run(as_of: str | None = None, **arguments: object) -> ToolResult:
                return call(name, arguments, self._context(as_of))

            tool = tools()[name]
            return LiveTool(name, tool.summary, run, tool.arguments, reads_base="documents" in tool.sources)

        return tuple(bound(name) for name in tools())


def beside(status: Status, writer: Writer, live: Live, as_of: str | None) -> tuple[Status, Writer]:
    """Put the live metrics below what the documents say; return the status of both.

    Live metrics alone answer what is asked of today; where the tools have no figure, that part of the question is open.
    """
    if not live.results:
        return status, writer
    heading = f"**As of {as_of}**" if as_of else "**Today**"
    if status != "insufficient_evidence":
        writer.write(f"\n\n{heading}")
        live.write(writer)
        return (status if live.ok else "partial"), writer
    if live.ok:
        alone = Writer()
        live.write(alone)
        return "answered", alone
    refused = Writer()
    live.write(refused)
    refused.write(f"\n\n{writer.text}")
    return status, refused


def line(metric: Metric, marker: str, *, stale: bool = False, whole: bool = True) -> tuple[str, list[Number]]:
    """Return a metric as a sentence with its time, and its number as traced to ``marker``; ``whole``: with source and formula."""
    name = metric.name.replace("_", " ")
    # A checked claim stands once, before its own figure.
    subject = "" if not metric.subject or name in {"then", "now", "verdict"} else f"{metric.subject}, "
    title = _capital(f"{subject}{name}")
    source = f", {metric.source}" if metric.source and whole else ""
    period = f", {metric.period}" if metric.period and metric.period != metric.as_of and whole else ""
    old = ", stale" if stale else ""
    if metric.value is None:
        formula = f": {metric.formula}" if metric.formula else ""
        return f"{title}: {metric.unit}{formula} (as of {metric.as_of}{old}{source}).", []
    shown = figure(metric.value, metric.unit)
    formula = f"; {metric.formula}" if metric.formula and metric.method != "reported" and whole else ""
    text = f"{title}: {shown} (as of {metric.as_of}{old}{period}{source}{formula})."
    unit = _UNITS.get(metric.unit, metric.unit)
    number = Number(
        text=shown, value=metric.value, unit=unit, traced_to=(marker,),
        derivation=metric.formula if metric.method == "derived" else None,
    )  # fmt: skip
    return text, [number]


def figure(value: float, unit: str) -> str:
    """Return a value in its unit as people write it: "−8.2%", "$1.93 billion", "1.4x", "512 days"."""
    sign = "−" if value < 0 else ""
    size = abs(value)
    if unit == "percent":
        return f"{sign}{_number(size, 1)}%"
    if unit == "percentage points":
        return f"{sign}{_number(size, 2)} percentage points"
    if unit == "x":
        return f"{sign}{_number(size, 2)}x"
    if unit in {"USD", "EUR", "GBP"}:
        before = {"USD": "$", "EUR": "€", "GBP": "£"}[unit]
        for scale, word in ((1e12, " trillion"), (1e9, " billion"), (1e6, " million")):
            if size >= scale:
                return f"{sign}{before}{_number(size / scale, 2)}{word}"
        return f"{sign}{before}{_number(size, 2)}"
    return f"{sign}{_number(size, 2)}{f' {unit}' if unit else ''}"


def _number(size: float, places: int) -> str:
    if size and size < 10**-places:
        return f"{size:.2g}"
    text = f"{size:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def lacking(result: ToolResult) -> str:
    """Return why a tool has no figure, and what to do about it."""
    error = result.error
    why = f"{error.message} {error.what_to_do}".strip() if error else "It found no figure."
    return f"No live figure ({result.tool}): {' '.join(why.split())}"


def today() -> date:
    return datetime.now(UTC).date()


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


__all__ = ["Live", "Metrics", "beside", "figure", "lacking", "line", "today"]
