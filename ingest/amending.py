"""What somebody says of a document that is in, checked field by field; and from where a document can be read again."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ingest import overrides, remote
from ingest.fetch import file_name
from ingest.metadata import field_of
from ingest.sources import Item, is_url, shown
from vectorstore.errors import ReadError, SettingsError
from vectorstore.records import Metadata, SourceInfo

UPLOADED = "upload:/"  # how the path of an upload begins
# Characters at most; dates are checked as dates.
FIELDS: Mapping[str, int] = {
    "title": 1000, "publisher": 200, "authors": 1000, "published": 40, "kind": 20, "company": 200, "ticker": 20, "form": 40,
    "fiscal_period": 20, "period_end": 40, "report_date": 40, "url": 2000,
}  # fmt: skip
_PERIOD = re.compile(r"(?:(FY|Q[1-4]|H[12])\s*(?:FY)?)?\s*((?:19|20)\d\d)", re.IGNORECASE)
_TICKER = re.compile(r"[A-Za-z0-9][A-Za-z0-9.\-^=/]{0,19}")
_URL = re.compile(r"https?://[^\s/]+\S*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Amended:
    """What came of it: the fields whose value or origin is another now; none where nothing was new."""

    document_id: str
    changed: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        return {"document_id": self.document_id, "changed": list(self.changed)}


def checked(fields: Mapping[str, str | None]) -> dict[str, str | None]:
    """Return the fields under the names of Metadata, as they are kept. None: what the document itself says; "": there is none.

    Raises SettingsError that names the field.
    """
    found: dict[str, str | None] = {}
    for key, value in fields.items():
        name = field_of(key)
        if name not in FIELDS:
            raise SettingsError(f"{key[:80]!r} is no field of a document.", f"Fields are: {', '.join(FIELDS)}.")
        if name in found:
            raise SettingsError(f"{name} is given twice.", "Give each field once.")
        found[name] = None if value is None else _value(name, value.strip())
    overrides.apply(Metadata(), {name: value for name, value in found.items() if value is not None})
    return found


def _value(name: str, value: str) -> str:
    if any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in value):
        raise SettingsError(f"{name} holds a line break or a sign that is no text.", f"Give {name} on one line.")
    if len(value) > FIELDS[name]:
        raise SettingsError(f"{name} has {len(value)} characters.", f"Give at most {FIELDS[name]}.")
    if not value:
        if name == "kind":
            raise SettingsError("kind is empty.", "Every document has a kind; give “other” where none fits.")
        return ""
    if name == "fiscal_period":
        match = _PERIOD.fullmatch(value)
        if match is None:
            raise SettingsError(f"fiscal_period = {value!r} is no fiscal period.", "Write FY2023, Q3 2023 or H1 2023.")
        part, year = (match[1] or "FY").upper(), match[2]
        return f"FY{year}" if part == "FY" else f"{part} {year}"
    if name == "ticker":
        if not _TICKER.fullmatch(value):
            raise SettingsError(f"ticker = {value!r} is no ticker.", "Letters, digits and . - ^ = /, such as BRK.B.")
        return value.upper()
    if name == "url" and not _URL.fullmatch(value):
        raise SettingsError(f"url = {value!r} is no address.", "Give one that begins with http:// or https://.")
    return value


def differing(before: Metadata, after: Metadata) -> tuple[str, ...]:
    """Return the fields whose value or source is another."""

    def told(metadata: Metadata, name: str) -> tuple[object, object]:
        origin = metadata.origin(name)
        return getattr(metadata, name), origin and origin.source

    return tuple(name for name in FIELDS if told(before, name) != told(after, name))


def again(info: SourceInfo, original: Path | None) -> Item:
    """Return where a document is read from again: its address, its file, or the copy that is kept of a PDF.

    ``original``: that copy. Raises ReadError where there is nothing.
    """
    if remote.is_remote(info.path):
        return Item(info.path, remote.name_of(info.path), None)
    if is_url(info.path):
        return Item(info.path, file_name(info.path), None)
    name = PurePosixPath(info.path).name
    file = None if info.path.startswith(UPLOADED) else Path(info.path)
    for one in (file, original):
        if one is not None and one.is_file():
            return Item(info.path, name, one, one.stat().st_size)
    if file is None:
        raise ReadError(
            f"{shown(name)} was uploaded, and of uploads only the copies of PDFs are kept: there is nothing to read again.",
            "Upload the file again; under the same name it is the same document, and what you said of it stays.",
        )
    raise ReadError(
        f"{shown(name)} can't be read again: its file is gone, and no copy of it is kept.",
        "Put the file back where it was, or add it again. What is in goes on answering.",
    )
