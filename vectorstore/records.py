"""The vocabulary of the knowledge base: frozen values, standard library only.

Offsets are Unicode code points into ``Document.text`` of one version, end exclusive, so that
``document.text[x.start:x.end]`` is always the text that ``x`` speaks of. Pages count from 1.
Dates are ISO strings (``YYYY-MM-DD``); a value that is not known is ``None``, never a guess.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

Kind = Literal["note", "article", "filing", "transcript", "release", "other"]
KINDS: tuple[Kind, ...] = ("note", "article", "filing", "transcript", "release", "other")

# What a region of a document is when it is not evidence for an investment question.
Furniture = Literal[
    "navigation", "cookie", "disclaimer", "signature", "access", "contact", "contents", "running", "front_matter"
]
FURNITURE: tuple[Furniture, ...] = (
    "navigation",
    "cookie",
    "disclaimer",
    "signature",
    "access",
    "contact",
    "contents",
    "running",
    "front_matter",
)
Role = Literal["body"] | Furniture

# Where a metadata value came from, strongest first.
OriginSource = Literal["user", "front_matter", "text", "embedded", "file_name"]


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a paginated source. ``label`` is the printed number ("iv", "F-3") where there is one."""

    number: int
    start: int
    end: int
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Region:
    """A stretch of page furniture: kept in the text, not evidence."""

    start: int
    end: int
    tag: Furniture


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and the stretch of text that it governs; level 1 is the outermost."""

    start: int
    end: int
    title: str
    level: int


@dataclass(frozen=True, slots=True)
class Origin:
    """Which source gave a metadata field, and the span it was read from where it stands in the text."""

    field: str
    source: OriginSource
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Metadata:
    """What is known about a document as a whole.

    ``published`` is when it appeared: for a filing its filing date, else the date of its signatures;
    never the period's end. ``fiscal_period`` is as the document calls it ("FY2022", "Q3 2020"), with
    the period's end in ``period_end`` where stated; an 8-K has a ``report_date`` and no period.
    ``supersedes`` marks a form that amends another ("10-K" for a 10-K/A). ``extra`` keeps the
    user's other keys (``after`` in the sample notes).
    """

    title: str | None = None
    publisher: str | None = None
    authors: tuple[str, ...] = ()
    published: str | None = None
    kind: Kind = "other"
    company: str | None = None
    ticker: str | None = None
    form: str | None = None
    fiscal_period: str | None = None
    period_end: str | None = None
    report_date: str | None = None
    url: str | None = None
    extra: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    origins: tuple[Origin, ...] = ()

    def origin(self, name: str) -> Origin | None:
        """Return where ``name`` was read from, or None for a value that nobody gave."""
        return next((o for o in self.origins if o.field == name), None)


@dataclass(frozen=True, slots=True)
class Document:
    """One version of one source, as text with exact offsets.

    ``document_id`` names the place (collection + path or URL), ``version`` the bytes (sha256).
    """

    document_id: str
    version: str
    path: str
    collection: str
    text: str
    metadata: Metadata
    media_type: str = "text/plain"
    pages: tuple[Page, ...] = ()
    sections: tuple[Section, ...] = ()
    regions: tuple[Region, ...] = ()
    warnings: tuple[str, ...] = ()

    def page_at(self, offset: int) -> int | None:
        """Return the 1-based page that holds ``offset``; None where the source has no pages."""
        low, high = 0, len(self.pages)
        while low < high:
            middle = (low + high) // 2
            if self.pages[middle].end <= offset:
                low = middle + 1
            else:
                high = middle
        if not self.pages:
            return None
        return self.pages[min(low, len(self.pages) - 1)].number


@dataclass(frozen=True, slots=True)
class Chunk:
    """A stretch of one document that is embedded and indexed as a unit.

    ``section`` is the path of headings above it ("Item 7 > Liquidity"), "" where there is none.
    ``role`` is "body", or the furniture tag of a chunk that is not evidence.
    """

    chunk_id: str
    document_id: str
    version: str
    start: int
    end: int
    text: str
    page: int | None = None
    section: str = ""
    role: Role = "body"


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk as it was found: with its document's metadata and a score (higher is better)."""

    chunk: Chunk
    metadata: Metadata
    path: str
    collection: str
    score: float


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """A document without its text, as the ledger knows it."""

    document_id: str
    version: str
    path: str
    collection: str
    metadata: Metadata
    media_type: str
    state: str
    pages: int
    characters: int
    chunks: int
    ingested_at: str
    error: str | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Filters:
    """Which documents may answer. Values of one field are alternatives, fields are combined with and.

    ``since``/``until`` bound ``published``, both inclusive. ``as_of`` is the point-in-time cut: nothing
    published later, and no undated document. ``roles`` limits the chunks ("body" by default; empty: all).
    ``within``: the collections that a reader may see (vectorstore.view sets it), beside all else; empty: no document.
    """

    kind: tuple[str, ...] = ()
    publisher: tuple[str, ...] = ()
    company: tuple[str, ...] = ()
    ticker: tuple[str, ...] = ()
    form: tuple[str, ...] = ()
    collection: tuple[str, ...] = ()
    fiscal_period: tuple[str, ...] = ()
    document_id: tuple[str, ...] = ()
    since: str | None = None
    until: str | None = None
    as_of: str | None = None
    roles: tuple[str, ...] = ("body",)
    within: frozenset[str] | None = None


def sha256(data: bytes) -> str:
    """Return the hex sha256 of ``data``."""
    return hashlib.sha256(data).hexdigest()


def document_id(collection: str, path: str) -> str:
    """Return the identity of a place: the same path in the same collection is the same document."""
    return sha256(f"{collection}\0{path}".encode())[:24]


def chunk_id(document: str, version: str, start: int, end: int) -> str:
    """Return the identity of a chunk: two documents that share a passage keep a chunk each."""
    return sha256(f"{document}\0{version}\0{start}\0{end}".encode())[:24]
