"""Word documents: paragraphs and tables in document order, headings as sections, core properties."""

from __future__ import annotations

import io
import re
import zipfile
from types import MappingProxyType
from typing import Any

from ingest.readers._model import Heading, Reading, clean, nest
from vectorstore.errors import ReadError

_MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_MAX_UNPACKED = 400 * 1024 * 1024
_MAX_XML = 60 * 1024 * 1024
_MAX_RATIO = 200  # real documents stay under 40; XML of one repeated byte packs 1000:1
_MAX_PARTS = 10_000
_OTHER = (
    ("xl/workbook.xml", "an Excel workbook", "Save the sheets as CSV text or PDF."),
    ("ppt/presentation.xml", "a PowerPoint file", "Save it as PDF."),
    ("META-INF/container.xml", "an EPUB book", "Save it as PDF or HTML."),
    ("content.xml", "an OpenDocument file", "Save it as DOCX or PDF."),
    ("word/document.bin", "a binary Word file", "Save it as DOCX."),
)


def _check(data: bytes, name: str) -> None:
    """Raise ReadError unless ``data`` is a DOCX of a sane size; unpacks nothing but the XML's first bytes."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
            names = {part.filename for part in parts}
            if "word/document.xml" not in names:
                for member, what, todo in _OTHER:
                    if member in names:
                        raise ReadError(f"{name} is {what}.", todo)
                raise ReadError(f"{name} is a zip archive, not a document.", "Unpack it and give the files in it.")
            if len(parts) > _MAX_PARTS:
                raise ReadError(f"{name} has {len(parts)} parts.", "Save it again from Word; it may be a zip bomb.")
            unpacked = sum(part.file_size for part in parts)
            for part in parts:
                huge = part.filename.endswith((".xml", ".rels")) and part.file_size > _MAX_XML
                dense = part.file_size > 10_000_000 and part.file_size > _MAX_RATIO * max(part.compress_size, 1)
                if huge or dense or unpacked > _MAX_UNPACKED:
                    raise ReadError(
                        f"{name} unpacks to {unpacked // 1_000_000} MB from {len(data) // 1000} KB.",
                        "It looks like a zip bomb; save it again from Word if it is real.",
                    )
                if part.flag_bits & 1:
                    raise ReadError(f"{name} is protected by a password.", "Remove the password and try again.")
            for part in parts:
                if part.filename.endswith((".xml", ".rels")):
                    with archive.open(part) as opened:
                        head = opened.read(4096).replace(b"\0", b"")  # UTF-16 too
                    if b"<!DOCTYPE" in head or b"<!ENTITY" in head:
                        raise ReadError(f"{name} declares XML entities in {part.filename}.", "Save it again from Word.")
    except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError, OSError) as error:
        raise ReadError(f"{name} is a damaged zip or Word file ({error}).", "Copy or download it again.") from error


def _level(paragraph: Any) -> int:
    """Return the heading level of a paragraph from its style, 0 for body text."""
    style = paragraph.style
    names: list[str] = []
    while style is not None and len(names) < 10:
        names.append(str(style.name or ""))
        style = style.base_style
    for style_name in names:
        if style_name.lower() == "title":
            return 1
        heading = re.match(r"heading (\d)", style_name, re.IGNORECASE)
        if heading:
            return int(heading[1])
    return 0


def _line(text: str) -> str:
    return re.sub(r"[ \t]+", " ", clean(text)).strip()


def _rows(table: Any) -> list[str]:
    rows: list[str] = []
    for row in table.rows:
        cells: list[str] = []
        seen: set[int] = set()
        for cell in row.cells:
            if id(cell._tc) in seen:
                continue  # a merged cell is listed once a column
            seen.add(id(cell._tc))
            value = " ".join(cell.text.split())
            nested = [" / ".join(_rows(inner)) for inner in cell.tables]
            value = " ".join(part for part in (clean(value), *nested) if part)
            if value:
                cells.append(value)
        if cells:
            rows.append(" | ".join(cells))
    return rows


def read_docx(data: bytes, name: str) -> Reading:
    """Return the reading of a DOCX; headers and footers are left out. Raises ReadError."""
    _check(data, name)
    import docx
    from docx.opc.exceptions import PackageNotFoundError
    from docx.table import Table
    from lxml import etree

    parts: list[str] = []
    headings: list[Heading] = []
    at = 0

    def add(text: str) -> None:
        nonlocal at
        parts.append(text)
        at += len(text)

    try:
        document = docx.Document(io.BytesIO(data))
        for block in document.iter_inner_content():
            if isinstance(block, Table):
                rows = _rows(block)
                if rows:
                    add("\n".join(rows) + "\n\n")
                continue
            text = "\n".join(line for line in map(_line, block.text.split("\n")) if line)
            if not text:
                continue
            level = _level(block)
            if level:
                headings.append(Heading(at, " ".join(text.split())[:160], level))
            elif block.style is not None and str(block.style.name).lower().startswith("list"):
                text = f"• {text}"
            add(text + "\n\n")
        properties = document.core_properties
        embedded = {
            key: str(value)
            for key, value in {
                "title": properties.title,
                "author": properties.author,
                "description": properties.subject or properties.comments,
                "keywords": properties.keywords,
                "created": properties.created.isoformat() if properties.created else "",
                "modified": properties.modified.isoformat() if properties.modified else "",
            }.items()
            if value
        }
    except (
        PackageNotFoundError,
        zipfile.BadZipFile,
        etree.XMLSyntaxError,
        KeyError,
        ValueError,
        AttributeError,
        EOFError,
        OSError,
    ) as error:
        raise ReadError(f"{name} is a damaged Word file ({error}).", "Open it in Word and save it again.") from error
    text = "".join(parts).rstrip("\n")
    return Reading(text, _MEDIA_TYPE, sections=nest(headings, len(text)), embedded=MappingProxyType(embedded))
