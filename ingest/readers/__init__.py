"""Documents to text with exact offsets: what a file is decides its bytes, its name comes last."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace

from ingest.readers._model import Reading, Source
from ingest.readers._sniff import sniff
from vectorstore.errors import ReadError

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_LONGEST_MESSAGE = 500  # characters

__all__ = ["Reading", "Source", "read"]


def read(source: Source) -> Reading:
    """Return the text and structure of ``source``. Raises ReadError, which names the file and says what to do."""
    try:
        form, text, warnings = sniff(source.data, source.name, source.media_type)
        reading = _read(form, source, text)
    except RecursionError as error:
        raise ReadError(f"{source.name} is nested too deeply.", "Simplify it, or save it as PDF.") from error
    except ReadError as error:
        raise ReadError(_sayable(error.message), error.what_to_do) from error
    if not reading.text.strip():
        raise ReadError(f"{source.name} holds no text.", "Give a file with text in it.")
    return replace(reading, warnings=(*warnings, *reading.warnings)) if warnings else reading


def _sayable(message: str) -> str:
    """Return a message that may quote the file: short, and without what steers a terminal or differs from run to run."""
    words = "".join("?" if unicodedata.category(c)[0] == "C" else c for c in " ".join(message.split()))
    return _ADDRESS.sub("", words)[:_LONGEST_MESSAGE]


def _read(form: str, source: Source, text: str | None) -> Reading:
    if form == "pdf":
        from ingest.readers.pdf import read_pdf

        return read_pdf(source.data, source.name)
    if form == "docx":
        from ingest.readers.docx import read_docx

        return read_docx(source.data, source.name)
    assert text is not None
    if form == "html":
        from ingest.readers.html import read_html

        return read_html(text, source.name)
    if form == "markdown":
        from ingest.readers.markdown import read_markdown

        return read_markdown(text, source.name)
    from ingest.readers.text import read_text

    return read_text(text)
