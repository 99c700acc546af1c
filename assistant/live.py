"""Live metrics in an answer: the tools that a question needs are called, and what they gave is told with its time."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from assistant.compose import Span, Writer
from assistant.live_text import checked_claim, figure, lacking, leading, line
from assistant.models import Metric, Number, Status, ToolResult
from assistant.routing import ToolCall, asks_of_today
from vectorstore.records import Chunk, Document
from vectorstore.settings import Settings

if TYPE_CHECKING:
    from assistant.agent.tools import LiveTool
    from assistant.tools.base import Context, Documents

MOST_CALLS = 6  # of one question
BESIDE = 0.65  # confidence from which a sentence of a document stands beside a live figure
MOST_METRICS = 6  # of one result that stand in the text; all stand in the Answer
MOST_SPANS = 8  # of one figure that are cited
MOST_QUOTES = 3  # of one list of sentences
QUOTED = "sentences"  # the unit of a metric whose inputs are sentences of documents
NO_ANSWER = ("No comparison", "Level only")  # how a warning begins that what was asked for is lacking
NO_SHARE = "The variable-rate share"  # how one begins that is told where the question is about it
_ABOUT_RATES = re.compile(r"\b(?:floating|variable)", re.I)
Place = tuple[str, str, int, int]  # document id, version, start, end


@dataclass(frozen=True, slots=True)
class Live:
    """The results for a question, marked [T1] …, and how they may be told."""

    results: tuple[ToolResult, ...] = ()
    question: str = ""
    spans: Mapping[Place, Span] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether any result has a value."""
        return any(m.value is not None for r in self.results if r.status == "ok" for m in r.metrics)

    @property
    def asked(self) -> bool:
        """Whether the question says that it wants today's figure, so that documents alone leave it open."""
        return asks_of_today(self.question) or any(r.tool == "verify_claim" for r in self.results)

    def write(self, writer: Writer) -> None:
        """Write a line a metric, as claims; a result without a value says why, and claims nothing."""
        for result in self.results:
            if writer.length:
                writer.write("\n\n")
            if result.status != "ok" or not self._told(writer, result):
                writer.write(f"{lacking(result)} [{result.marker}]")

    def _told(self, writer: Writer, result: ToolResult) -> bool:
        """Write the sentences of a result; False where there are none."""
        marker, shown = (result.marker,), leading([m for m in result.metrics if m.value is not None], self.question)
        lines: list[tuple[str, list[Number], list[Span]]]
        if result.tool == "verify_claim":
            lines = [
                (text, numbers, self._cited(behind)[:MOST_SPANS] if behind else [])
                for text, numbers, behind in checked_claim(result)
            ]
        else:
            figures = [m for m in shown if m.unit != QUOTED]
            lines = [
                (*line(m, result.marker, stale=result.stale, whole=not n), self._cited(m)[:MOST_SPANS])
                for n, m in enumerate(figures[:MOST_METRICS])
            ]
        for n, (text, numbers, spans) in enumerate(lines):
            writer.write(("\n" if n else "") + "- ")
            writer.claim(text, spans, tools=marker, checked=numbers, reason="read from the tool")
        for metric in shown:
            if metric.unit == QUOTED and (quoted := self._cited(metric)):
                writer.write(f"\n\n{metric.name.replace('_', ' ').capitalize()}:")
                for span in quoted[:MOST_QUOTES]:
                    writer.write(f"\n- {span.document.metadata.company or span.document.path}: ")
                    writer.claim(span.document.text[span.start : span.end], [span], tools=marker)
        for text in result.warnings if lines else ():
            if text.startswith(NO_ANSWER) or (text.startswith(NO_SHARE) and _ABOUT_RATES.search(self.question)):
                writer.write(f"\n\nNote: {text}")
        return bool(lines)

    def _cited(self, metric: Metric) -> list[Span]:
        """Return the places in documents that a figure was read from."""
        found = [self.spans.get(place) for one in metric.inputs if (place := _place(one))]
        return list({(s.document.document_id, s.start): s for s in found if s is not None}.values())


@dataclass(frozen=True, slots=True)
class Then:
    """The day of an earlier answer, and what its live metrics gave: a question that is asked again with these calls no source."""

    today: date
    results: tuple[ToolResult, ...] = ()

    def live(self, calls: Sequence[ToolCall]) -> tuple[ToolResult, ...]:
        """Return the results, none where other tools are called for now."""
        return self.results if [c.name for c in calls][:MOST_CALLS] == [r.tool for r in self.results] else ()


class Metrics:
    """The live metrics of one Assistant. What they need (sessions, saved pulls) is made at the first call and kept."""

    def __init__(self, settings: Settings, documents: Documents, shared: Metrics | None = None) -> None:
        """``shared``: whose sessions and saved pulls are used; the documents are one's own."""
        self._settings, self._documents = settings, documents
        self._shared = shared or self
        self._lock = threading.Lock()
        self._made: Context | None = None

    def _context(self, as_of: str | None) -> Context:
        """Raises SettingsError for a source that does not exist."""
        day = date.fromisoformat(as_of) if as_of else None
        return replace(self._shared._sources(), documents=self._documents, today=today(), as_of=day)

    def _sources(self) -> Context:
        from assistant.tools.wiring import make_context

        with self._lock:
            if self._made is None:
                self._made = make_context(self._settings, documents=self._documents)
            return self._made

    def call(self, name: str, arguments: Mapping[str, Any], as_of: str | None = None) -> ToolResult:
        """Run one tool. Raises NotFound for a name there is not, SettingsError for a source that does not exist."""
        from assistant.tools.registry import call, need

        need(name)
        return call(name, arguments, self._context(as_of))

    def consult(
        self, calls: Sequence[ToolCall], as_of: str | None, question: str = "", then: Then | None = None
    ) -> Live:
        """Call the tools, each within the setting ``tool_timeout_s``. Raises SettingsError for a source that does not exist.

        What ``question`` asks for comes first in the text. ``then``: take what they gave at that time.
        """
        if then is not None:
            given = then.live(calls)
            return Live(given, question, self._spans(given)) if given else Live()
        if not calls:
            return Live()
        from assistant.tools.registry import call

        context = self._context(as_of)
        results = [call(c.name, c.arguments, context) for c in calls[:MOST_CALLS]]
        marked = tuple(r.model_copy(update={"marker": f"T{n}"}) for n, r in enumerate(results, start=1))
        return Live(marked, question, self._spans(marked))

    def _spans(self, results: Sequence[ToolResult]) -> dict[Place, Span]:
        """Return the spans of the base that the figures were read from, so that an answer can cite them."""
        places = [
            place for r in results for m in r.metrics for one in m.inputs if (place := _place(one)) and "quote" in one
        ]
        documents: dict[tuple[str, str], Document] = {}
        chunks: dict[str, Sequence[Chunk]] = {}
        found: dict[Place, Span] = {}
        for place in dict.fromkeys(places):
            id_, version, start, end = place
            if (id_, version) not in documents:
                documents[id_, version] = self._documents.document(id_, version)
                chunks[id_] = self._documents.chunks(id_)
            chunk = next((c.chunk_id for c in chunks[id_] if c.version == version and c.start <= start < c.end), None)
            if chunk is not None:
                found[place] = Span(documents[id_, version], start, end, chunk)
        return found

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


def _place(one: Mapping[str, Any]) -> Place | None:
    """Return the place in a document that an input of a figure names."""
    id_, version, start, end = (one.get(key) for key in ("document_id", "version", "start", "end"))
    if isinstance(id_, str) and isinstance(version, str) and isinstance(start, int) and isinstance(end, int):
        return id_, version, start, end
    return None


def aside(status: Status, live: Live) -> str | None:
    """Return the note that no live figure stands beside what the documents say; None where it stands in the text."""
    if not live.results or status == "insufficient_evidence" or live.ok or live.asked:
        return None
    missing = ", ".join(f"{r.tool.replace('_', ' ')} [{r.marker}]" for r in live.results)
    return f"No live figure stands beside this ({missing}). Ask for today's to see why."


def beside(status: Status, writer: Writer, live: Live, as_of: str | None) -> tuple[Status, Writer]:
    """Put the live metrics below what the documents say; return the status of both.

    Live metrics alone answer what is asked of today; where the tools have no figure, that part of the question is open.
    Where a question does not say that it wants today's figure ("How many analysts follow small caps?"), documents answer it, and
    that a tool had no figure is a note (``aside``).
    """
    if not live.results or aside(status, live):
        return status, writer
    if (
        live.ok
        and live.asked
        and not any(n.unit not in {"year", "date"} for claim in writer.claims for n in claim.numbers)
    ):
        # Beside a figure of today belongs a figure of its day; words that only share a term ("cover") do not.
        status = "insufficient_evidence"
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
    if live.asked:
        live.write(refused)
        refused.write(f"\n\n{writer.text}")
    else:  # documents were asked; what a tool lacks is told after
        refused.write(writer.text)
        live.write(refused)
    return status, refused


def today() -> date:
    return datetime.now(UTC).date()


__all__ = ["BESIDE", "Live", "Metrics", "Then", "aside", "beside", "figure", "lacking", "line", "today"]
