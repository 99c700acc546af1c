"""Small PDFs for tests: text placed by hand, so that what stands where is known exactly."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field

import pypdf
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, NumberObject, TextStringObject


@dataclass
class Sheet:
    """One page of 612 by 792 points; ``lines`` are set from the top, ``placed`` are (x, y, text) in points."""

    lines: Sequence[str] = ()
    placed: Sequence[tuple[float, float, str]] = field(default=())
    size: float = 11


def _literal(text: str) -> bytes:
    escaped = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
    return escaped.encode("cp1252")


def _content(sheet: Sheet) -> bytes:
    parts = []
    spots = [(72.0, 720.0 - 14.0 * n, line) for n, line in enumerate(sheet.lines)]
    for x, y, text in (*spots, *sheet.placed):
        parts.append(b"BT /F1 %g Tf 1 0 0 1 %g %g Tm (" % (sheet.size, x, y) + _literal(text) + b") Tj ET")
    return b"\n".join(parts)


def raw_pdf(sheets: Sequence[Sheet]) -> bytes:
    """Return a PDF written byte by byte: catalog, page tree, Helvetica, a content stream a page."""
    bodies: list[bytes] = [b"<< /Type /Catalog /Pages 2 0 R >>", b""]
    bodies.append(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>")
    kids = []
    for sheet in sheets:
        content = _content(sheet)
        bodies.append(b"<< /Length %d >>\nstream\n" % len(content) + content + b"\nendstream")
        stream = len(bodies)
        bodies.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R "
            b"/Resources << /Font << /F1 3 0 R >> >> >>" % stream
        )
        kids.append(b"%d 0 R" % len(bodies))
    bodies[1] = b"<< /Type /Pages /Count %d /Kids [%s] >>" % (len(kids), b" ".join(kids))
    out = bytearray(b"%PDF-1.7\n")
    offsets = []
    for number, body in enumerate(bodies, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(bodies) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(bodies) + 1, start)
    return bytes(out)


def make_pdf(
    *pages: Sequence[str] | Sheet,
    outline: Sequence[tuple[str, int, int]] = (),
    metadata: dict[str, str] | None = None,
    labels: Sequence[tuple[int, str, str]] = (),
    user_password: str | None = None,
    algorithm: str = "AES-256",
) -> bytes:
    """Return a PDF: ``outline`` entries are (title, page from 1, level from 1), ``labels`` (page from 1, style, prefix).

    ``user_password`` "" makes an encrypted file that opens without a password.
    """
    data = raw_pdf([page if isinstance(page, Sheet) else Sheet(page) for page in pages])
    if not (outline or metadata or labels or user_password is not None):
        return data
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(data))
    parents: dict[int, object] = {}
    for title, page, level in outline:
        parents[level] = writer.add_outline_item(title=title, page_number=page - 1, parent=parents.get(level - 1))  # type: ignore[arg-type]
    if metadata:
        writer.add_metadata({f"/{key}": value for key, value in metadata.items()})
    if labels:
        numbers = ArrayObject()
        for page, style, prefix in labels:
            entry = DictionaryObject({NameObject("/S"): NameObject(style)})
            if prefix:
                entry[NameObject("/P")] = TextStringObject(prefix)
            numbers += [NumberObject(page - 1), entry]
        writer.root_object[NameObject("/PageLabels")] = DictionaryObject({NameObject("/Nums"): numbers})
    if user_password is not None:
        writer.encrypt(user_password, "owner-secret", algorithm=algorithm)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()
