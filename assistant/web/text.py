"""Escaping, dates in words and addresses: the small pure parts under every rendering."""

from __future__ import annotations

import html
from pathlib import PurePosixPath
from urllib.parse import quote, urlencode, urlsplit

from assistant.models import Citation, Retrieved
from vectorstore.records import Metadata

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def esc(value: object) -> str:
    """Return ``value`` as inert HTML text, safe inside a double-quoted attribute too."""
    return html.escape("" if value is None else str(value), quote=True)


def day(iso: str | None) -> str:
    """Return ``2023-06-12`` as ``12 Jun 2023``; anything else as it is, "" for None."""
    if not iso:
        return ""
    parts = iso[:10].split("-")
    if len(parts) == 3 and all(part.isdigit() for part in parts) and 1 <= int(parts[1]) <= 12:
        return f"{int(parts[2])} {MONTHS[int(parts[1]) - 1]} {parts[0]}"
    return iso


def file_name(path: str) -> str:
    """Return the last part of a path or URL of any system."""
    name = PurePosixPath(urlsplit(path).path if "://" in path else path.replace("\\", "/")).name
    return name or path


def title_of(item: Citation | Retrieved) -> str:
    """Return a source's title, or its file name where it has none."""
    return item.title or file_name(item.path)


def meta_line(publisher: str | None, published: str | None, kind: str | None, page: int | None = None) -> str:
    """Return ``Publisher · 12 Jun 2023 · note · p. 3`` without what is not known. Not escaped."""
    parts = [publisher or "", day(published), kind or "", f"p. {page}" if page else ""]
    return " · ".join(part for part in parts if part)


def document_meta(metadata: Metadata) -> str:
    """Return a document's own line: who, when, what, for which company. Not escaped."""
    line = meta_line(metadata.publisher, metadata.published, metadata.form or metadata.kind)
    company = " ".join(part for part in (metadata.company, metadata.fiscal_period) if part)
    return f"{line} · {company}" if company else line


def document_path(
    document_id: str, version: str | None = None, start: int | None = None, end: int | None = None
) -> str:
    """Return the address of a document with a span, relative to the page so that it works under a sub-path."""
    fields = {"version": version, "start": start, "end": end}
    query = urlencode({key: value for key, value in fields.items() if value is not None})
    anchor = "#cited" if start is not None else ""
    return f"document/{quote(document_id, safe='')}{'?' + query if query else ''}{anchor}"


def picture_path(document_id: str, version: str | None, page: int, start: int, end: int) -> str:
    """Return the address of a page's picture with a span marked, relative to the page."""
    fields = {"version": version, "start": start, "end": end}
    query = urlencode({key: value for key, value in fields.items() if value is not None})
    return f"document/{quote(document_id, safe='')}/page/{page}.png?{query}"
