"""Chosen sentences -> the text of an answer with markers, claims and citations, all offsets exact. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import quote as quote_url

from assistant.evidence import fold
from assistant.models import Citation, Claim, Number, Retrieved, Verdict
from assistant.numbers import quantities
from vectorstore.records import Document, Passage


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a document that is cited."""

    document: Document
    start: int
    end: int
    chunk_id: str


def citation(span: Span, marker: str) -> Citation:
    """Return the citation of a span; its quote is the text at exactly that place."""
    document = span.document
    return Citation(
        marker=marker,
        chunk_id=span.chunk_id,
        document_id=document.document_id,
        version=document.version,
        title=document.metadata.title,
        publisher=document.metadata.publisher,
        published=document.metadata.published,
        kind=document.metadata.kind,
        path=document.path,
        url=link(document.document_id, document.version, span.start, span.end),
        page=document.page_at(span.start),
        start=span.start,
        end=span.end,
        quote=document.text[span.start : span.end],
    )


def link(document_id: str, version: str, start: int, end: int) -> str:
    """Return the address, relative to the app, that opens a span highlighted."""
    return f"/document/{quote_url(document_id)}?version={version}&start={start}&end={end}#cited"


def retrieved(passage: Passage, *, given: bool) -> Retrieved:
    """Return a passage as an Answer shows it."""
    chunk, meta = passage.chunk, passage.metadata
    return Retrieved(
        chunk_id=chunk.chunk_id,
        document_id=chunk.document_id,
        version=chunk.version,
        title=meta.title,
        publisher=meta.publisher,
        published=meta.published,
        kind=meta.kind,
        path=passage.path,
        page=chunk.page,
        start=chunk.start,
        end=chunk.end,
        text=chunk.text,
        score=round(float(passage.score), 6),
        given=given,
    )


@dataclass
class Writer:
    """Collects the text of an answer; the only place where offsets and markers are made."""

    parts: list[str] = field(default_factory=list)
    length: int = 0
    claims: list[Claim] = field(default_factory=list)
    citations: list[Citation] = field(default_factory=list)

    def write(self, text: str) -> None:
        """Add text that claims nothing: a heading, a line break, a list mark."""
        self.parts.append(text)
        self.length += len(text)

    def cites(self, document_id: str, start: int, end: int) -> bool:
        """Whether this span is cited already."""
        return any((c.document_id, c.start, c.end) == (document_id, start, end) for c in self.citations)

    def mark(self, span: Span) -> str:
        """Return the marker of a span, the same one each time that it is cited."""
        for held in self.citations:
            if (held.document_id, held.version, held.start, held.end) == (
                span.document.document_id,
                span.document.version,
                span.start,
                span.end,
            ):
                return held.marker
        marker = f"S{len(self.citations) + 1}"
        self.citations.append(citation(span, marker))
        return marker

    def claim(
        self,
        text: str,
        spans: Sequence[Span],
        *,
        verdict: Verdict = "supported",
        score: float = 1.0,
        reason: str = "",
        worked: Sequence[tuple[str, float, str, str | None]] | None = None,
        checked: Sequence[Number] | None = None,
        tools: Sequence[str] = (),
    ) -> None:
        """Add a sentence with its markers; its numbers are traced to the spans that hold them.

        ``worked``: the (text, value, unit, derivation) of numbers that were read from rows or worked out of them.
        ``checked``: its numbers where a check has traced them already; ``tools``: markers of tool results behind it.
        """
        text = fold(text)
        cited = {self.mark(span): span for span in spans}
        markers = (*cited, *tools)
        start = self.length
        self.write(text)
        numbers = list(checked or ())
        for shown, value, unit, derivation in worked or ():
            numbers.append(Number(text=shown, value=value, unit=unit, traced_to=markers, derivation=derivation))
        for found in quantities(text) if worked is None and checked is None else ():
            holds = tuple(
                marker
                for marker, span in cited.items()
                if any(
                    q.value == found.value and q.unit == found.unit
                    for q in quantities(fold(span.document.text[span.start : span.end]))
                )
            )
            numbers.append(Number(text=found.text, value=found.value, unit=found.unit, traced_to=holds))
        self.claims.append(
            Claim(
                text=text,
                start=start,
                end=self.length,
                markers=markers,
                verdict=verdict,
                score=score,
                reason=reason,
                numbers=tuple(numbers),
            )
        )
        if markers:
            self.write(" " + "".join(f"[{marker}]" for marker in markers))

    @property
    def text(self) -> str:
        return "".join(self.parts)
