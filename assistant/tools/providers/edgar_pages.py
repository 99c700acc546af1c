"""Reading EDGAR's pages: a registrant's list of filings, the index page of a filing, and the text of a document. Pure.

Shapes: https://www.sec.gov/search-filings/edgar-application-programming-interfaces (submissions) and the index page
``ACCESSION-index.htm`` of a filing, whose tables have the columns Seq, Description, Document, Type and Size.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

from assistant.tools.providers._read import day, field, listed
from assistant.tools.providers.protocols import Filing

ARCHIVES = "/Archives/edgar/data"
EARNINGS = "2.02"  # the item of an 8-K: results of operations and financial condition
ANNUAL = frozenset({"10-K", "10-KT", "10-K405"})
MOST_TEXT = 1_000_000  # characters of one document that are read
_PIECE = 1 << 16
_PATH = re.compile(r"/Archives/edgar/data/\d{1,10}/\d{18}/[\w.\-]{1,120}")
_FIGURE = re.compile(r"[-–—$%()\d.,\s]*\d[-–—$%()\d.,\s]*|[-–—$]+")
_BLOCKS = frozenset(
    {"address", "article", "blockquote", "br", "dd", "div", "dl", "dt", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p",
     "pre", "section", "table", "tr", "ul"}
)  # fmt: skip
_SILENT = frozenset({"script", "style", "head", "title", "ix:header"})
# Of the cells of a table that is one of figures, and not of layout.
_FIGURES, _FIGURE_SHARE = 4, 0.25


def filings(block: Any) -> Iterator[Filing]:
    """Yield the annual reports and the 8-Ks on results of a block of columns (``filings.recent``, or an older page).

    Raises SourceFailed where a column is missing, or shorter than the others.
    """
    names = ("accessionNumber", "filingDate", "form", "items", "primaryDocument", "reportDate")
    columns = [listed(field(block, name, "sec"), name, "sec") for name in names]
    for accn, filed, form, items, document, reported in zip(*columns, strict=False):
        named = tuple(part.strip() for part in str(items or "").split(",") if part.strip())
        if form in ANNUAL or (form == "8-K" and EARNINGS in named):
            yield Filing(
                form=form, accn=str(accn), filed=day(filed, "filingDate", "sec"), items=named,
                reported=day(reported, "reportDate", "sec") if reported else None, document=str(document or ""),
            )  # fmt: skip


def folder(cik: int, accn: str) -> str:
    """Return the path of a filing's folder."""
    return f"{ARCHIVES}/{cik}/{accn.replace('-', '')}"


def exhibit(page: str, where: str, wanted: tuple[str, ...] = ("EX-99.1", "EX-99.01", "EX-99")) -> str | None:
    """Return the path of the document of a type on a filing's index page, the best of ``wanted``; None for none.

    ``where``: the filing's folder. A link that leads out of EDGAR's archives is none.
    """
    reader = _Index()
    reader.feed(page)
    reader.close()
    found: dict[str, str] = {}
    for kind, link in reader.rows:
        path = link.removeprefix("/ix?doc=")
        path = path if path.startswith("/") else f"{where}/{path}"
        if _PATH.fullmatch(path) and path.rsplit(".", 1)[-1].lower() in {"htm", "html", "txt"}:
            found.setdefault(kind.upper().replace("EX99", "EX-99"), path)
    return next((found[kind] for kind in wanted if kind in found), None)


class _Index(HTMLParser):
    """Collects (type, link) of each row of the tables of an index page."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[tuple[str, str]] = []
        self._cells: list[str] = []
        self._link = ""
        self._in = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self._cells, self._link, self._in = [], "", False
        elif tag in {"td", "th"}:
            self._cells.append("")
            self._in = True
        elif tag == "a" and self._in and not self._link:
            self._link = dict(attrs).get("href") or ""

    def handle_data(self, data: str) -> None:
        if self._in and self._cells:
            self._cells[-1] += data

    def handle_endtag(self, tag: str) -> None:
        if tag in {"td", "th"}:
            self._in = False
        elif tag == "tr" and len(self._cells) >= 4 and self._link:
            # Seq, Description, Document, Type, Size
            self.rows.append((" ".join(self._cells[3].split()), self._link))


def plain(page: str) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Return (text, spans of its tables of figures): paragraphs and rows with a blank line between, cells with a space.

    What a browser does not show (scripts, hidden facts of inline XBRL) is no text.
    """
    if not re.search(r"<(?:html|body|div|p|table|document)\b", page[:20_000], re.I):
        blocks = (" ".join(part.split()) for part in re.split(r"\n\s*\n", page[:MOST_TEXT]))
        return "\n\n".join(block for block in blocks if block), ()
    reader = _Text()
    for at in range(0, len(page), _PIECE):
        reader.feed(page[at : at + _PIECE])
        if reader.length > MOST_TEXT:
            break
    reader.close()
    reader.end_block()
    text = "\n\n".join(reader.blocks)[:MOST_TEXT]
    return text, tuple((start, min(end, len(text))) for start, end in reader.tables if start < len(text))


class _Table:
    def __init__(self, start: int) -> None:
        self.start = start
        self.cells: list[str] = []
        self.inner = False


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.blocks: list[str] = []
        self.tables: list[tuple[int, int]] = []
        self._words: list[str] = []
        self.length = 0
        self._silent = 0
        self._open: list[_Table] = []

    def end_block(self) -> None:
        text = " ".join("".join(self._words).split())
        self._words = []
        if text:
            self.blocks.append(text)
            self.length += len(text) + 2

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent += 1
        if tag in _BLOCKS:
            self.end_block()
        if tag == "table":
            if self._open:
                self._open[-1].inner = True
            self._open.append(_Table(self.length))
        elif tag in {"td", "th"}:
            self._words.append(" ")
            if self._open:
                self._open[-1].cells.append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BLOCKS:
            self.end_block()

    def handle_data(self, data: str) -> None:
        if self._silent:
            return
        self._words.append(data)
        if self._open and self._open[-1].cells:
            self._open[-1].cells[-1] += data

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT and self._silent:
            self._silent -= 1
        if tag in _BLOCKS:
            self.end_block()
        if tag == "table" and self._open:
            table = self._open.pop()
            cells = [cell.strip() for cell in table.cells if cell.strip()]
            figures = sum(bool(_FIGURE.fullmatch(cell)) for cell in cells)
            if not table.inner and figures >= max(_FIGURES, _FIGURE_SHARE * len(cells)):
                self.tables.append((table.start, max(table.start, self.length - 2)))


__all__ = ["ARCHIVES", "EARNINGS", "MOST_TEXT", "exhibit", "filings", "folder", "plain"]
