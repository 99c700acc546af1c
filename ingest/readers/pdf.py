"""PDF: pypdfium2 for text and page pictures, pypdf for outline, labels, metadata, encryption and repair."""

from __future__ import annotations

import io
import logging
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ingest.readers._headings import structural
from ingest.readers._model import Heading, Reading, clean, nest
from ingest.readers._pdfrows import Box, PageText, normalise, page_text, page_text_with_positions
from vectorstore.errors import ReadError
from vectorstore.records import Page

if TYPE_CHECKING:
    import pypdf

# PDFium keeps global state: one call at a time in a process.
_PDFIUM = threading.RLock()
_DAMAGED = "The file may be truncated or damaged: copy or download it again."
_MAX_OUTLINE = 5000
_DEEPEST = 9  # levels of headings; each chunk names all that it stands under
_LONGEST_LABEL = 40
_FILE_NAME = re.compile(r"\.(?:pdf|docx?|html?|xlsx?)$", re.IGNORECASE)  # a merged file, no heading
_LONGEST_STATED = 2000  # characters of a title or author that the file states
_MAX_PIXELS = 16_000_000
_SEPARATOR = "\n\f"  # belongs to the earlier page


@contextmanager
def _pdfium(data: bytes, name: str) -> Iterator[Any]:
    import pypdfium2

    with _PDFIUM:
        document = pypdfium2.PdfDocument(data)
        try:
            yield document
        finally:
            document.close()


def _open_pypdf(data: bytes, name: str) -> pypdf.PdfReader | None:
    """Return pypdf's reader, decrypted with the empty password; None for what it cannot read.

    Raises ReadError for a document that needs a password.
    """
    import pypdf
    from pypdf.errors import DependencyError, PyPdfError

    logging.getLogger("pypdf").setLevel(logging.ERROR)
    try:
        reader = pypdf.PdfReader(io.BytesIO(data), strict=False)
        locked = reader.is_encrypted and not reader.decrypt("")
        if not locked:
            len(reader.pages)
    except DependencyError as error:
        raise ReadError(f"{name} is encrypted with AES.", "Install the package cryptography.") from error
    except (PyPdfError, ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError, OSError):
        return None
    if locked:
        raise ReadError(f"{name} is protected by a password.", "Remove the password and try again.")
    return reader


def _box_of(text_page: Any) -> Callable[[int], Box | None]:
    """Return a function from a position in PDFium's text of the page to the box of the character there."""
    import pypdfium2.raw as raw

    def box(index: int) -> Box | None:
        char = raw.FPDFText_GetCharIndexFromTextIndex(text_page, index)
        if char < 0:
            return None
        found: Box = text_page.get_charbox(char, loose=True)
        return found if found[2] > found[0] and found[3] > found[1] else None

    return box


def _texts_pdfium(data: bytes, name: str) -> list[str]:
    with _pdfium(data, name) as document:
        texts: list[str] = []
        for index in range(len(document)):
            page = document[index]
            text_page = page.get_textpage()
            texts.append(page_text(text_page.get_text_range(), _box_of(text_page)))
            text_page.close()
            page.close()
        return texts


def _texts(data: bytes, name: str, reader: pypdf.PdfReader | None) -> tuple[list[str], list[str]]:
    """Return (text of each page, warnings); pypdf reads what PDFium cannot open."""
    import pypdfium2

    try:
        return _texts_pdfium(data, name), []
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower() and (reader is None or not reader.is_encrypted):
            raise ReadError(f"{name} is protected by a password.", "Remove the password and try again.") from error
        if reader is None:
            raise ReadError(f"{name} is no readable PDF ({str(error).rstrip('.')}).", _DAMAGED) from error
    from pypdf.errors import PyPdfError

    texts = []
    for number, page in enumerate(reader.pages, start=1):
        try:
            text = page.extract_text()
        except (PyPdfError, ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError) as error:
            raise ReadError(f"{name}: page {number} cannot be read ({error}).", _DAMAGED) from error
        texts.append(normalise(text.replace("\r\n", "\n").replace("\n", "\r\n")))
    return texts, [f"{name} was read by pypdf, since PDFium could not open it; its pages cannot be shown as pictures."]


def _labels(reader: pypdf.PdfReader | None, count: int) -> list[str | None]:
    if reader is None or "/PageLabels" not in reader.root_object:
        return [None] * count
    from pypdf.errors import PyPdfError

    try:
        labels = list(reader.page_labels)
    except (PyPdfError, ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError):
        return [None] * count
    shown = [_stated(label)[:_LONGEST_LABEL] or None for label in labels[:count]]
    return shown + [None] * (count - len(labels))


def _stated(value: object) -> str:
    return " ".join(clean(str(value)[:_LONGEST_STATED]).split())


def _information(reader: pypdf.PdfReader | None) -> dict[str, str]:
    if reader is None:
        return {}
    from pypdf.errors import PyPdfError

    try:
        information = reader.metadata
        found = {str(k).lstrip("/").lower(): _stated(v) for k, v in (information or {}).items()}
    except (PyPdfError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}
    keys = {"title": "title", "author": "author", "subject": "description", "creationdate": "created"}
    keys |= {"moddate": "modified", "creator": "creator", "producer": "producer", "keywords": "keywords"}
    embedded = {keys[k]: v for k, v in found.items() if k in keys and v}
    for key in ("created", "modified"):
        date = re.match(r"D:(\d{4})(\d{2})?(\d{2})?", embedded.get(key, ""))
        if date:
            embedded[key] = "-".join(part for part in date.groups() if part)
    return embedded


def _outline(reader: pypdf.PdfReader | None, pages: Sequence[Page], text: str) -> list[Heading]:
    """Return the outline's entries at the place of their title on their page, else at its start."""
    if reader is None or "/Outlines" not in reader.root_object:
        return []
    from pypdf.errors import PyPdfError

    headings: list[Heading] = []
    errors = (PyPdfError, ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError)
    numbers = {page.indirect_reference.idnum: i for i, page in enumerate(reader.pages) if page.indirect_reference}

    def walk(items: Sequence[Any], level: int) -> None:
        for item in items:
            if len(headings) >= _MAX_OUTLINE:
                return
            if isinstance(item, list):
                walk(item, min(level + 1, _DEEPEST))
                continue
            try:
                target = item.get("/Page")
                number = numbers.get(getattr(target, "idnum", -1)) if target is not None else None
                title = " ".join(clean(str(item.title or "")).split())
            except errors:
                continue
            if number is None or number >= len(pages) or not title or _FILE_NAME.search(title):
                continue
            headings.append(Heading(_find_title(text, pages[number], title), title[:160], level))

    try:
        walk(reader.outline, 1)
    except errors:
        return []
    return headings


def _find_title(text: str, page: Page, title: str) -> int:
    words = re.findall(r"\w+", title)[:12]
    if words:
        pattern = r"\W{0,4}".join(map(re.escape, words))
        found = re.search(rf"(?im)^\W{{0,3}}{pattern}", text[page.start : page.end])
        if found:
            return page.start + found.start()
    return page.start


def read_pdf(data: bytes, name: str) -> Reading:
    """Return the reading of a PDF. Raises ReadError: password, damaged, no text layer."""
    reader = _open_pypdf(data, name)
    texts, warnings = _texts(data, name, reader)
    pages: list[Page] = []
    parts: list[str] = []
    at = 0
    labels = _labels(reader, len(texts))
    for number, (sheet, label) in enumerate(zip(texts, labels, strict=True), start=1):
        stored = sheet + _SEPARATOR if number < len(texts) else sheet
        pages.append(Page(number, at, at + len(stored), label))
        parts.append(stored)
        at += len(stored)
    empty = tuple(n for n, sheet in enumerate(texts, start=1) if not sheet.strip())
    if len(empty) == len(texts):
        raise ReadError(
            f"{name} has no text layer on any of its {len(texts)} pages.", "Run OCR over it first (it is a scan)."
        )
    text = "".join(parts)
    if empty:
        shown = ", ".join(map(str, empty[:20])) + (" …" if len(empty) > 20 else "")
        warnings.append(f"{len(empty)} of {len(texts)} pages have no text: {shown}.")
    headings, by_words = _outline(reader, pages, text), structural(text)
    flat = len({heading.level for heading in headings}) <= 1
    if len(by_words) > (1.0 if flat else 1.5) * len(headings):
        headings = by_words
    return Reading(
        text,
        "application/pdf",
        pages=tuple(pages),
        sections=nest(headings, len(text)),
        embedded=MappingProxyType(_information(reader)),
        empty_pages=empty,
        warnings=tuple(warnings),
    )


def page_picture(
    data: bytes, page: int, spans: Sequence[tuple[int, int]], *, page_start: int, scale: float = 1.5
) -> bytes:
    """Return a PNG of page ``page`` (from 1) with ``spans`` highlighted.

    ``spans`` are offsets into the document's text, ``page_start`` is that page's offset there; parts of a
    span on other pages are left out. ``scale`` is in pixels a point. Raises ReadError for a page that does
    not exist or cannot be drawn.
    """
    import pypdfium2
    import pypdfium2.raw as raw
    from PIL import Image, ImageDraw

    try:
        with _pdfium(data, "The PDF") as document:
            if not 1 <= page <= len(document):
                raise ReadError(f"The PDF has no page {page}.", f"It has {len(document)} pages.")
            sheet = document[page - 1]
            width, height = sheet.get_size()
            scale = min(scale, (_MAX_PIXELS / max(width * height, 1.0)) ** 0.5)
            bitmap = sheet.render(scale=scale, may_draw_forms=False)
            image = bitmap.to_pil().convert("RGBA")
            text_page = sheet.get_textpage()
            box_of = _box_of(text_page)
            stored = page_text_with_positions(text_page.get_text_range(), box_of)
            layer = Image.new("RGBA", image.size, (0, 0, 0, 0))
            draw = ImageDraw.Draw(layer)
            for box in _line_boxes(stored, box_of, spans, page_start):
                corners = [_to_device(raw, sheet, image.size, x, y) for x, y in ((box[0], box[1]), (box[2], box[3]))]
                (x0, y0), (x1, y1) = corners
                draw.rectangle(
                    (min(x0, x1) - 1, min(y0, y1) - 1, max(x0, x1) + 1, max(y0, y1) + 1), fill=(255, 214, 0, 90)
                )
            out = io.BytesIO()
            Image.alpha_composite(image, layer).convert("RGB").save(out, "PNG")
            return out.getvalue()
    except pypdfium2.PdfiumError as error:
        raise ReadError(f"Page {page} of the PDF cannot be drawn ({error}).", "Open the original instead.") from error


def _to_device(raw: Any, sheet: Any, size: tuple[int, int], x: float, y: float) -> tuple[int, int]:
    import ctypes

    left, top = ctypes.c_int(), ctypes.c_int()
    raw.FPDF_PageToDevice(sheet, 0, 0, size[0], size[1], 0, x, y, ctypes.byref(left), ctypes.byref(top))
    return left.value, top.value


def _line_boxes(
    page: PageText, box_of: Callable[[int], Box | None], spans: Sequence[tuple[int, int]], page_start: int
) -> list[Box]:
    """Return the box in points of each stretch of a line that the spans cover."""
    boxes: list[Box] = []
    for start, end in spans:
        current: Box | None = None
        for index in range(max(0, start - page_start), min(len(page.text), max(0, end - page_start))):
            if page.positions[index] < 0 or page.text[index].isspace():
                continue
            box = box_of(page.positions[index])
            if box is None:
                continue
            if current and _on_one_line(current, box):
                current = (
                    min(current[0], box[0]),
                    min(current[1], box[1]),
                    max(current[2], box[2]),
                    max(current[3], box[3]),
                )
            else:
                if current:
                    boxes.append(current)
                current = box
        if current:
            boxes.append(current)
    return boxes


def _on_one_line(a: Box, b: Box) -> bool:
    overlap = min(a[3], b[3]) - max(a[1], b[1])
    return overlap > 0.5 * min(a[3] - a[1], b[3] - b[1])
