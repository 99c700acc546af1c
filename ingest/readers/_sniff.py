"""What a file is, from its bytes first and its name last; and text from bytes."""

from __future__ import annotations

import codecs
import re
from pathlib import PurePath
from typing import Literal

from vectorstore.errors import ReadError

Format = Literal["pdf", "docx", "html", "markdown", "text"]

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_MAGIC = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"II*\0", "a TIFF picture"),
    (b"MM\0*", "a TIFF picture"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"OggS", "a sound file"),
    (b"ID3", "a sound file"),
    (b"wOFF", "a font"),
    (b"PAR1", "a Parquet file"),
)
_CONTROL = bytes(set(range(32)) - {9, 10, 11, 12, 13, 27})
_BLOCK = 65536
_HTML_START = re.compile(
    r"\s*+(?:<\?xml[^>]*+>\s*+|(?><!--.*?-->)\s*+)*+(?:<!doctype\s+html|<html[\s>]|<head[\s>]|<body[\s>]|<SEC-DOCUMENT>|<DOCUMENT>)",
    re.IGNORECASE | re.DOTALL,
)
_HTML_TAG = re.compile(
    r"</?(?:html|body|head|title|meta|p|div|table|tr|td|span|br|h[1-6]|ul|li|a|font)(?:\s[^<>]*)?/?>", re.I
)
_MARKDOWN_HEADING = re.compile(r"^#{1,6} \S", re.MULTILINE)
_FRONT_MATTER = re.compile(r"---[ \t]*\n(?:[A-Za-z_][\w -]*:|#|\n)")
_CHARSET = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z0-9_.:-]{2,40})""", re.I)
_CHARACTER_SET = re.compile(
    r"utf-?8|ascii|cp\d|iso8859|iso2022|koi8|mac-|shift_jis|euc_|gb|big5|johab|tis-|hz|kz1048|ptcp|hp-roman"
)
_SUFFIXES: dict[str, Format] = {
    ".pdf": "pdf",
    ".docx": "docx",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".md": "markdown",
    ".markdown": "markdown",
    ".txt": "text",
    ".text": "text",
}
_LABEL = {
    "pdf": "a PDF document",
    "docx": "a Word document",
    "html": "an HTML page",
    "markdown": "a Markdown file",
    "text": "a text file",
}


def _refuse(name: str, what: str, todo: str) -> ReadError:
    return ReadError(f"{name} is {what}.", todo)


def _samples(data: bytes) -> bytes:
    """Return at most 1 MB from all over the file, so that a huge one costs no memory."""
    if len(data) <= 16 * _BLOCK:
        return data
    step = len(data) // 16
    return b"".join(data[at : at + _BLOCK] for at in range(0, len(data) - _BLOCK, step))


def _wide_encoding(sample: bytes) -> str | None:
    """Return the UTF-16 form of text without a byte-order mark: every second byte is mostly zero."""
    head = sample[:4096]
    if len(head) < 4:
        return None
    even, odd = head[0::2].count(0) / len(head[0::2]), head[1::2].count(0) / len(head[1::2])
    if odd > 0.7 and even < 0.05:
        return "utf-16-le"
    if even > 0.7 and odd < 0.05:
        return "utf-16-be"
    return None


def _codec(declared: str | None) -> str | None:
    """Return the name of a character set that pages are written in; Python's other codecs (zlib, idna) are none."""
    try:
        name = codecs.lookup(declared).name if declared else ""
    except (LookupError, ValueError):
        return None
    return name if _CHARACTER_SET.match(name) else None


def decode(data: bytes, name: str, declared: str | None = None) -> str:
    """Return the text of ``data``: byte-order mark, UTF-8, the declared encoding, Windows-1252, in this order.

    Raises ReadError for bytes that are not text.
    """
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return data[len(bom) :].decode(encoding, errors="replace")
    sample = _samples(data)
    wide = _wide_encoding(sample)
    if wide:
        return data.decode(wide, errors="replace")
    control = len(sample) - len(sample.translate(None, _CONTROL))
    if control > max(2, len(sample) * 0.005):
        raise _refuse(name, "binary data, not text", "Give a PDF, HTML, Markdown, text or DOCX file.")
    codec = _codec(declared)
    ascii_based = codec is None or not codec.startswith(("iso2022", "hz", "utf-16", "utf-32", "utf-7"))
    if codec and not ascii_based and codec.startswith("iso2022"):
        return data.decode(codec, errors="replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        # A file cut in the middle of a character, or one bad byte in a large one, is still UTF-8.
        if error.start >= len(data) - 3 and error.start > 0:
            return data.decode("utf-8", errors="ignore")
    if codec and ascii_based and codec not in {"utf-8", "ascii", "iso8859-1"}:
        try:
            return data.decode(codec)
        except UnicodeDecodeError:
            pass
    text = data.decode("utf-8", errors="replace")
    if text.count("\ufffd") * 200 < sum(1 for c in text[:100_000] if ord(c) > 127 and c != "\ufffd"):
        return text
    return data.decode("cp1252", errors="replace")


def declared_encoding(data: bytes) -> str | None:
    """Return the encoding that the first 4 KB of mark-up name, if any."""
    found = _CHARSET.search(data[:4096])
    return found.group(1).decode("ascii") if found else None


def looks_like_html(text: str) -> bool:
    """Return whether ``text`` is mark-up, by its start or by the share of tags."""
    head = text[:_BLOCK]
    if _HTML_START.match(head):
        return True
    return len(_HTML_TAG.findall(head)) >= 8 and head.lstrip()[:1] == "<"


def sniff(data: bytes, name: str, media_type: str | None) -> tuple[Format, str | None, tuple[str, ...]]:
    """Return (format, text of a text format, warnings). Raises ReadError for what cannot be read."""
    if not data:
        raise _refuse(name, "empty (0 bytes)", "Check the file at its source and copy it again.")
    head = data[:1024]
    if not head.strip(b"\0") and not _samples(data).strip(b"\0"):
        raise _refuse(name, "nothing but zero bytes", "The copy is damaged: copy the file again.")
    suffix = PurePath(name).suffix.lower()
    found: Format
    text: str | None = None
    if b"%PDF-" in head:
        found = "pdf"
    elif data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        found = "docx"
    elif data.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        if "EncryptedPackage".encode("utf-16-le") in data:
            raise _refuse(name, "a password-protected Office document", "Remove the password and try again.")
        raise _refuse(name, "an old binary Office document", "Save it as DOCX or PDF.")
    elif data.startswith(b"{\\rtf"):
        raise _refuse(name, "an RTF document", "Save it as DOCX or PDF.")
    else:
        for magic, what in _MAGIC:
            if data.startswith(magic):
                raise _refuse(name, what, "Give a PDF, HTML, Markdown, text or DOCX file.")
        if data[4:8] == b"ftyp":
            raise _refuse(name, "a video or sound file", "Give its transcript as text.")
        if suffix in {".pdf", ".docx"} and data.lstrip()[:1] != b"<":
            # The right name and the wrong first bytes: say so before "not text" hides it.
            kind = "PDF" if suffix == ".pdf" else "DOCX"
            try:
                decode(data, name)
            except ReadError:
                raise _refuse(
                    name, f"no {kind} document: its first bytes are not those of one", "The copy may be damaged."
                ) from None
        text = decode(data, name, declared_encoding(data))
        if not text.strip():
            raise _refuse(name, "empty: it has white space only", "Check the file at its source.")
        head_text = text[:_BLOCK].replace("\r\n", "\n")
        named = _SUFFIXES.get(suffix)
        declared_html = media_type is not None and "html" in media_type
        if looks_like_html(text) or ((named == "html" or declared_html) and _HTML_TAG.search(head_text)):
            found = "html"
        elif named == "markdown" or _FRONT_MATTER.match(head_text) or len(_MARKDOWN_HEADING.findall(head_text)) >= 2:
            found = "markdown"
        else:
            found = "text"
    warnings: tuple[str, ...] = ()
    named = _SUFFIXES.get(suffix)
    if named and named != found and {named, found} != {"text", "markdown"}:
        warnings = (f"{name} is named {suffix} but is {_LABEL[found]}; it was read as what it is.",)
    return found, text, warnings
