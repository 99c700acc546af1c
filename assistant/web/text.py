"""Escaping, dates in words and addresses: the small pure parts under every rendering."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote, urlencode

from assistant.export.text import day, esc, file_name, meta_line, title_of, visible
from vectorstore.records import Metadata


def document_meta(metadata: Metadata) -> str:
    """Return a document's own line: who, when, what, for which company. Not escaped."""
    line = meta_line(metadata.publisher, metadata.published, metadata.form or metadata.kind)
    company = " ".join(part for part in (metadata.company, metadata.fiscal_period) if part)
    return f"{line} · {company}" if company else line


Span = tuple[int, int]


def document_path(
    document_id: str,
    version: str | None = None,
    start: int | None = None,
    end: int | None = None,
    others: Sequence[Span] = (),
) -> str:
    """Return the address of a document with a span and ``others`` beside it.

    Like every address here it is relative to the page, so that it works under a sub-path.
    """
    query = _query(version, start, end, others)
    anchor = "#cited" if start is not None else ""
    return f"document/{quote(document_id, safe='')}{'?' + query if query else ''}{anchor}"


def picture_path(
    document_id: str, version: str | None, page: int, start: int, end: int, others: Sequence[Span] = ()
) -> str:
    """Return the address of a page's picture with a span marked, and ``others`` beside it."""
    return f"document/{quote(document_id, safe='')}/page/{page}.png?{_query(version, start, end, others)}"


def _query(version: str | None, start: int | None, end: int | None, others: Sequence[Span]) -> str:
    fields = [("version", version), ("start", start), ("end", end), *(("span", f"{a}-{b}") for a, b in others)]
    return urlencode([(key, value) for key, value in fields if value is not None])


__all__ = [
    "day",
    "document_meta",
    "document_path",
    "esc",
    "file_name",
    "meta_line",
    "picture_path",
    "title_of",
    "visible",
]
