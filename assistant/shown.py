"""How the command line shows things: JSON shapes for programs, lines for people. Pure."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from assistant.freshness import newest_line
from assistant.models import Answer
from vectorstore.records import Metadata, Passage, SourceInfo


def metadata_json(metadata: Metadata) -> dict[str, Any]:
    """Return the public metadata of a document."""
    return {
        "title": metadata.title,
        "publisher": metadata.publisher,
        "authors": list(metadata.authors),
        "published": metadata.published,
        "kind": metadata.kind,
        "company": metadata.company,
        "ticker": metadata.ticker,
        "form": metadata.form,
        "fiscal_period": metadata.fiscal_period,
        "period_end": metadata.period_end,
        "report_date": metadata.report_date,
        "url": metadata.url,
        "extra": dict(metadata.extra),
    }


def source_json(source: SourceInfo) -> dict[str, Any]:
    """Return a document without its text."""
    return {
        "document_id": source.document_id,
        "version": source.version,
        "path": source.path,
        "collection": source.collection,
        **metadata_json(source.metadata),
        "media_type": source.media_type,
        "state": source.state,
        "pages": source.pages,
        "characters": source.characters,
        "chunks": source.chunks,
        "ingested_at": source.ingested_at,
        "error": source.error,
        "warnings": list(source.warnings),
    }


def passage_json(passage: Passage) -> dict[str, Any]:
    """Return a passage with the names that an Answer uses, and its document's company, form and period."""
    from assistant.compose import retrieved

    meta = passage.metadata
    shown = retrieved(passage, given=False).model_dump(mode="json")
    del shown["given"]
    return shown | {
        "company": meta.company,
        "form": meta.form,
        "fiscal_period": meta.fiscal_period,
        "section": passage.chunk.section,
        "collection": passage.collection,
    }


def where(passage: Passage) -> str:
    meta = passage.metadata
    page = f"p. {passage.chunk.page}" if passage.chunk.page else None
    name = meta.title or Path(passage.path).name
    return printable(", ".join(part for part in (name, meta.publisher, meta.published, page) if part))


def printable(text: str) -> str:
    """Return ``text`` fit for a terminal: control characters as escapes, on one line."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def answer_text(answer: Answer, today: date) -> str:
    """Return an answer as plain text with its sources and their age below."""
    if answer.error:
        return f"{answer.error.message} {answer.error.what_to_do}".strip()
    lines = [answer.text]
    doubtful = [c for c in answer.claims if c.verdict != "supported"]
    lines += [f"  unverified: {c.text} ({c.reason})" for c in doubtful]
    if answer.citations:
        lines.append("")
        for c in answer.citations:
            place = ", ".join(p for p in (c.title, c.publisher, c.published, f"p. {c.page}" if c.page else None) if p)
            lines.append(f"[{c.marker}] {printable(f'{place} ({c.path}, characters {c.start}-{c.end})')}")
        newest = newest_line(answer, today)
        lines += [newest] if newest else []
    lines += [f"note: {warning}" for warning in answer.warnings]
    return "\n".join(lines)
