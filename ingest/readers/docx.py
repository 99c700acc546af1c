"""Word documents: paragraphs and tables in document order, headings as sections, core properties."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from types import MappingProxyType
from typing import Any

from ingest.readers._model import Heading, Reading, clean, nest
from vectorstore.errors import ReadError

_MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_MAX_UNPACKED = 400 * 1024 * 1024
_MAX_XML = 60 * 1024 * 1024
_MAX_RATIO = 200  # real documents stay under 40; XML of one repeated byte packs 1000:1
_MAX_PARTS = 10_000
_PIECE = 1 << 16  # bytes unpacked at a time
_LONGEST_LABEL = 200  # characters of a cell merged over rows
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_OTHER = (
    ("xl/workbook.xml", "an Excel workbook", "Save the sheets as CSV text or PDF."),
    ("ppt/presentation.xml", "a PowerPoint file", "Save it as PDF."),
    ("META-INF/container.xml", "an EPUB book", "Save it as PDF or HTML."),
    ("content.xml", "an OpenDocument file", "Save it as DOCX or PDF."),
    ("word/document.bin", "a binary Word file", "Save it as DOCX."),
)


def _check(data: bytes, name: str) -> None:
    """Raise ReadError unless ``data`` is a DOCX of a sane size, whose parts unpack to what they say."""
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
                huge = _is_xml(part.filename) and part.file_size > _MAX_XML
                dense = part.file_size > 10_000_000 and part.file_size > _MAX_RATIO * max(part.compress_size, 1)
                if huge or dense or unpacked > _MAX_UNPACKED:
                    raise ReadError(
                        f"{name} unpacks to {unpacked // 1_000_000} MB from {len(data) // 1000} KB.",
                        "It looks like a zip bomb; save it again from Word if it is real.",
                    )
                if part.flag_bits & 1:
                    raise ReadError(f"{name} is protected by a password.", "Remove the password and try again.")
                if part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    # The others unpack a block at once, however large it gets.
                    raise ReadError(f"{name} is packed in a way that Word does not use.", "Save it again from Word.")
            for part in parts:
                _check_part(data, archive, part, name)
    except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError, OSError, zlib.error, struct.error) as error:
        raise ReadError(f"{name} is a damaged zip or Word file ({error}).", "Copy or download it again.") from error


def _is_xml(part: str) -> bool:
    return part.lower().endswith((".xml", ".rels"))


def _check_part(data: bytes, archive: zipfile.ZipFile, part: zipfile.ZipInfo, name: str) -> None:
    """Raise ReadError for a part that unpacks to more than it says, or XML that declares a type: it may hold entities."""
    if part.compress_type == zipfile.ZIP_DEFLATED and _unpacks_beyond(data, part):
        raise ReadError(
            f"{name} unpacks to more than it says in {part.filename}.",
            "It looks like a zip bomb; save it again from Word if it is real.",
        )
    with archive.open(part) as opened:
        kept = b""
        while piece := opened.read(_PIECE):
            piece = kept + piece.replace(b"\0", b"")  # UTF-16 too
            if (
                not kept
                and not _is_xml(part.filename)
                and not piece.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").startswith(b"<")
            ):
                return
            if b"<!DOCTYPE" in piece or b"<!ENTITY" in piece:
                raise ReadError(f"{name} declares XML entities in {part.filename}.", "Save it again from Word.")
            kept = piece[-9:]


def _unpacks_beyond(data: bytes, part: zipfile.ZipInfo) -> bool:
    """Return whether a deflated part goes on behind its stated size; what unpacks it asks for all of it at once."""
    at = part.header_offset
    lengths: tuple[int, int] = struct.unpack("<HH", data[at + 26 : at + 30])
    begin = at + 30 + sum(lengths)
    inflater = zlib.decompressobj(-15)
    size, rest = 0, data[begin : begin + part.compress_size]
    while rest and not inflater.eof:
        size += len(inflater.decompress(rest, _PIECE))
        rest = inflater.unconsumed_tail
        if size > part.file_size:
            return True
    return False


class _Styles:
    """The paragraph styles by their id, each looked up once: a document may have thousands."""

    def __init__(self, styles: Any) -> None:
        self._named: dict[str | None, tuple[str, str | None]] = {}
        self._found: dict[str | None, tuple[int, bool]] = {}
        for style in styles:
            if not str(style.tag).endswith("}style") or style.get(f"{_W}type", "paragraph") != "paragraph":
                continue
            named, base = style.find(f"{_W}name"), style.find(f"{_W}basedOn")
            entry = (
                str(named.get(f"{_W}val") or "") if named is not None else "",
                base.get(f"{_W}val") if base is not None else None,
            )
            self._named.setdefault(style.get(f"{_W}styleId"), entry)
            if style.get(f"{_W}default") in ("1", "true", "on"):
                self._named[None] = entry

    def of(self, paragraph: Any) -> tuple[int, bool]:
        """Return (level of a heading, 0 for body text; whether it is an item of a list)."""
        key = paragraph.style
        if key not in self._found:
            self._found[key] = self._look_up(key)
        return self._found[key]

    def _look_up(self, key: str | None) -> tuple[int, bool]:
        names: list[str] = []
        style = self._named.get(key) or self._named.get(None)
        while style is not None and len(names) < 10:
            names.append(style[0].lower())
            style = self._named.get(style[1]) if style[1] else None
        listed = bool(names) and names[0].startswith("list")
        for style_name in names:
            if style_name == "title":
                return 1, listed
            heading = re.match(r"heading (\d)", style_name)
            if heading:
                return int(heading[1]), listed
        return 0, listed


def _line(text: str) -> str:
    return re.sub(r"[ \t]+", " ", clean(text)).strip()


def _rows(table: Any) -> list[str]:
    """Return the rows of a ``w:tbl`` as lines.

    A cell merged over columns is listed once. One merged over rows stands in each, as long as it is a label: a long
    text repeated in each row would grow without end. Cells are walked as they stand, never as columns of the grid:
    one may claim to span a thousand million.
    """
    rows: list[str] = []
    above: dict[int, str] = {}
    for row in table.tr_lst:
        cells: list[str] = []
        column = row.grid_before
        for cell in row.tc_lst:
            if cell.vMerge == "continue" and column in above:
                value = above[column]
            else:
                words = " ".join(" ".join(p.text for p in cell.p_lst).split())
                nested = [" / ".join(_rows(inner)) for inner in cell.tbl_lst]
                value = " ".join(part for part in (clean(words), *nested) if part)
                above[column] = value if len(value) <= _LONGEST_LABEL else ""
            if value:
                cells.append(value)
            column += max(cell.grid_span, 1)
        if cells:
            rows.append(" | ".join(cells))
    return rows


def read_docx(data: bytes, name: str) -> Reading:
    """Return the reading of a DOCX; headers and footers are left out. Raises ReadError."""
    _check(data, name)
    import docx
    from docx.opc.exceptions import OpcError
    from docx.oxml.exceptions import XmlchemyError
    from docx.oxml.table import CT_Tbl
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
        styles = _Styles(document.styles.element)
        for block in document.element.body.inner_content_elements:
            if isinstance(block, CT_Tbl):
                rows = _rows(block)
                if rows:
                    add("\n".join(rows) + "\n\n")
                continue
            text = "\n".join(line for line in map(_line, block.text.split("\n")) if line)
            if not text:
                continue
            level, listed = styles.of(block)
            if level:
                headings.append(Heading(at, " ".join(text.split())[:160], level))
            elif listed:
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
        OpcError,
        XmlchemyError,
        zipfile.BadZipFile,
        etree.LxmlError,
        LookupError,
        ValueError,
        TypeError,  # a relation without a target
        AttributeError,
        NotImplementedError,
        zlib.error,
        EOFError,
        OSError,
    ) as error:
        raise ReadError(f"{name} is a damaged Word file ({error}).", "Open it in Word and save it again.") from error
    text = "".join(parts).rstrip("\n")
    return Reading(text, _MEDIA_TYPE, sections=nest(headings, len(text)), embedded=MappingProxyType(embedded))
