"""Files made to do harm: small on disk, without end once opened."""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
import zlib
from collections.abc import Mapping

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
OPC = "http://schemas.openxmlformats.org/package/2006"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
WORDS = "Order intake rose by 12 percent."
PARAGRAPH = f"<w:p><w:r><w:t>{WORDS}</w:t></w:r></w:p>"
_MAIN = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
_STYLES = "application/vnd.openxmlformats-officedocument.wordprocessingml.styles+xml"


def word_xml(body: str, before: str = "") -> bytes:
    return f'<?xml version="1.0"?>{before}<w:document {W}><w:body>{body}</w:body></w:document>'.encode()


def word_parts(body: str = PARAGRAPH, styles: str = "") -> dict[str, bytes]:
    """Return the parts of the smallest Word file with ``body``."""
    types = (
        f'<Types xmlns="{OPC}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.'
        f'relationships+xml"/><Default Extension="XML" ContentType="{_MAIN}"/><Override PartName="/word/document.xml" '
        f'ContentType="{_MAIN}"/><Override PartName="/word/styles.xml" ContentType="{_STYLES}"/></Types>'
    )
    return {
        "[Content_Types].xml": types.encode(),
        "_rels/.rels": relations(f'Id="r1" Type="{OFFICE}/officeDocument" Target="word/document.xml"'),
        "word/_rels/document.xml.rels": relations(f'Id="r1" Type="{OFFICE}/styles" Target="styles.xml"'),
        "word/styles.xml": f"<w:styles {W}>{styles}</w:styles>".encode(),
        "word/document.xml": word_xml(body),
    }


def relations(*entries: str) -> bytes:
    inner = "".join(f"<Relationship {entry}/>" for entry in entries)
    return f'<Relationships xmlns="{OPC}/relationships">{inner}</Relationships>'.encode()


def zipped(parts: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # two parts of one name
        for name, data in parts.items():
            archive.writestr(name, data)
    return out.getvalue()


def word(body: str = PARAGRAPH, styles: str = "", **more: bytes) -> bytes:
    return zipped(word_parts(body, styles) | more)


def word_with(parts: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    return zipped(word_parts() | dict(parts), method)


def lying_word(real: bytes, said: int) -> bytes:
    """Return a Word file whose document.xml unpacks to ``real`` and says that it is its first ``said`` bytes, checksum included."""
    data = word_with({"word/document.xml": real})
    data = data.replace(struct.pack("<I", zlib.crc32(real)), struct.pack("<I", zlib.crc32(real[:said])))
    return data.replace(struct.pack("<I", len(real)), struct.pack("<I", said))


def overlapping_word(copies: int) -> bytes:
    """Return a Word file whose directory names one packed part of 9 MB again and again."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in (word_parts() | {"word/big0.xml": b"<a>" + b" " * 9_000_000 + b"</a>"}).items():
            archive.writestr(name, data)
        big = archive.getinfo("word/big0.xml")
        for number in range(1, copies):
            again = zipfile.ZipInfo(f"word/big{number}.xml")
            for slot in ("header_offset", "CRC", "compress_size", "file_size", "compress_type"):
                setattr(again, slot, getattr(big, slot))
            archive.filelist.append(again)
    return out.getvalue()


DRAWN = f"BT /F1 12 Tf 72 700 Td ({WORDS}) Tj ET".encode()
_FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"


def stream(data: bytes, entries: bytes = b"") -> bytes:
    return b"<< /Length %d %s >>\nstream\n" % (len(data), entries) + data + b"\nendstream"


def objects_pdf(objects: Mapping[int, bytes], trailer: bytes = b"") -> bytes:
    """Return a PDF of numbered objects; 1 is its catalog."""
    out = bytearray(b"%PDF-1.7\n")
    places: dict[int, int] = {}
    for number, body in objects.items():
        places[number] = len(out)
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    start, size = len(out), max(objects) + 1
    out += b"xref\n0 %d\n0000000000 65535 f \n" % size
    out += b"".join(
        b"%010d 00000 n \n" % places[k] if k in places else b"0000000000 00000 f \n" for k in range(1, size)
    )
    out += b"trailer\n<< /Size %d /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF\n" % (size, trailer, start)
    return bytes(out)


def page_pdf(
    drawn: bytes = DRAWN,
    *,
    entries: bytes = b"",
    catalog: bytes = b"",
    page: bytes = b"",
    resources: bytes = b"",
    box: bytes = b"[0 0 612 792]",
    trailer: bytes = b"",
    more: Mapping[int, bytes] | None = None,
) -> bytes:
    """Return a PDF of one page: 2 page tree, 3 font, 4 page, 5 content; ``more`` adds or replaces objects."""
    objects = {
        1: b"<< /Type /Catalog /Pages 2 0 R %s >>" % catalog,
        2: b"<< /Type /Pages /Kids [4 0 R] /Count 1 >>",
        3: _FONT,
        4: b"<< /Type /Page /Parent 2 0 R /MediaBox %s /Contents 5 0 R /Resources << /Font << /F1 3 0 R >> %s >> %s >>"
        % (box, resources, page),
        5: stream(drawn, entries),
    }
    return objects_pdf(objects | dict(more or {}), trailer)


def pages_pdf(count: int) -> bytes:
    """Return a PDF of ``count`` pages that share one content."""
    objects = {1: b"<< /Type /Catalog /Pages 2 0 R >>", 3: _FONT, 4: stream(DRAWN)}
    sheet = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 3 0 R >> >> >>"
    objects |= {5 + k: sheet for k in range(count)}
    kids = b" ".join(b"%d 0 R" % (5 + k) for k in range(count))
    objects[2] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, count)
    return objects_pdf(objects)


def deep_tree_pdf(depth: int) -> bytes:
    """Return a PDF whose one page lies under ``depth`` page trees."""
    objects = {1: b"<< /Type /Catalog /Pages 6 0 R >>", 3: _FONT, 5: stream(DRAWN)}
    for k in range(depth):
        parent = b"/Parent %d 0 R" % (5 + k) if k else b""
        objects[6 + k] = b"<< /Type /Pages /Kids [%d 0 R] /Count 1 %s >>" % (7 + k if k < depth - 1 else 4, parent)
    objects[4] = (
        b"<< /Type /Page /Parent %d 0 R /MediaBox [0 0 612 792] /Contents 5 0 R /Resources << /Font << /F1 3 0 R >> >> >>"
        % (5 + depth)
    )
    return objects_pdf(objects)


def form_pdf(depth: int, fan: int) -> bytes:
    """Return a PDF whose drawing calls ``depth`` forms in each other, each ``fan`` times; depth 1 calls itself."""
    kind = b"/Type /XObject /Subtype /Form /BBox [0 0 600 700] /Resources << /Font << /F1 3 0 R >> /XObject << /X %d 0 R >> >>"
    more = {}
    for k in range(depth):
        last = k == depth - 1
        drawn = DRAWN if last and depth > 1 else b"/X Do " * fan + DRAWN
        more[6 + k] = stream(drawn, kind % (6 if last else 7 + k))
    return page_pdf(b"/X Do " + DRAWN, resources=b"/XObject << /X 6 0 R >>", more=more)


def packed_pdf(megabytes: int) -> bytes:
    """Return a PDF whose content unpacks to so many MB of nothing."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(b"q Q " * (1 << 18)) for _ in range(megabytes)) + packer.flush()
    return page_pdf(packed, entries=b"/Filter /FlateDecode")


def outline_pdf(count: int, *, deep: bool) -> bytes:
    """Return a PDF with ``count`` outline entries in a row, or one below the other."""
    objects = {6: b"<< /Type /Outlines /First 7 0 R /Last 7 0 R >>"}
    for k in range(count):
        link = (
            b""
            if k == count - 1
            else (b"/First %d 0 R /Last %d 0 R" if deep else b"/Next %d 0 R /X %d") % (8 + k, 8 + k)
        )
        objects[7 + k] = b"<< /Title (Part %d) /Parent 6 0 R /Dest [4 0 R /Fit] %s >>" % (k, link)
    return page_pdf(catalog=b"/Outlines 6 0 R", more=objects)
