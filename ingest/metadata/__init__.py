"""Who wrote it, when and where it appeared, and of whom it speaks: found in the document itself.

What the user says wins, then front matter, then the text (with the span that it was read from), then what the
file format states, and last, for lack of anything else, the file's name. Nothing is guessed: what is
not stated stays None.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import PurePath
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from ingest.metadata import articles, calls, filings, releases, reports
from ingest.metadata.covers import find_cover
from ingest.metadata.dates import find_dates, parse_date
from ingest.metadata.found import Found
from vectorstore.errors import SettingsError
from vectorstore.records import KINDS, Kind, Metadata, Origin, OriginSource, Region

if TYPE_CHECKING:
    from ingest.readers import Reading

__all__ = ["AMENDED", "amended", "extract", "field_of", "override"]

AMENDED = "supersedes"

_TEXTS = (
    "title",
    "publisher",
    "published",
    "kind",
    "company",
    "ticker",
    "form",
    "fiscal_period",
    "period_end",
    "report_date",
    "url",
)
_DATES = ("published", "period_end", "report_date")
_ALIASES = {
    "author": "authors",
    "date": "published",
    "type": "kind",
    "period": "fiscal_period",
    "symbol": "ticker",
    "link": "url",
}
_DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_AMENDED = re.compile(r"(?<=\w)/A$")
_JUNK_TITLE = re.compile(
    r"^(?:untitled.*|microsoft \w+\s*-.*|document\d*|.*\.(?:docx?|pdf|html?|indd|qxd|txt)|(?:ex|form)?[- ]?[\dskf./-]{1,25})$",
    re.IGNORECASE,
)
_COMPACT_DATE = re.compile(r"(?<!\d)((?:19|20)\d\d)[-_.]?(0[1-9]|1[0-2])[-_.]?(0[1-9]|[12]\d|3[01])(?!\d)")


class _Gathered:
    """Values in order of strength: the first source that gives a field keeps it."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.origins: list[Origin] = []

    def give(
        self, name: str, value: Any, source: OriginSource, start: int | None = None, end: int | None = None
    ) -> None:
        if value and name not in self.values:
            self.values[name] = value
            self.origins.append(Origin(name, source, start, end))

    def metadata(self, extra: Mapping[str, str]) -> Metadata:
        return Metadata(**self.values, extra=MappingProxyType(dict(extra)), origins=tuple(self.origins))


def extract(reading: Reading, regions: Sequence[Region], *, name: str) -> Metadata:
    """Return what ``reading`` says of itself; ``name`` is the file's name, a last hint.

    Pure. ``regions`` (from cleaning) keep a notice of cookies from being taken for the publisher's.
    Each field has an Origin, with the span where it was read from the text. ``extra["supersedes"]`` is the
    form that an amendment amends.
    """
    text, body = reading.text, reading.front_matter_end
    gathered = _Gathered()
    extra = _front_matter(reading, gathered)
    facts, authors, updated = _from_text(reading, regions)
    embedded = reading.embedded
    kind = gathered.values.get("kind") or (facts["kind"].value if "kind" in facts else "other")
    stated = parse_date(embedded.get("published", ""))
    if stated and updated:
        del facts["published"]
    if stated and kind == "filing" and "accession" in embedded:
        # The envelope's filing date; the text has the date of the signatures, which is only the next best.
        gathered.give("published", stated, "embedded")
    for key, found in facts.items():
        gathered.give(key, found.value, "text", found.start, found.end)
    if authors:
        gathered.give("authors", tuple(a.value for a in authors), "text", authors[0].start, max(a.end for a in authors))
    _embedded(embedded, gathered, kind, reading.media_type)
    _file_name(name, gathered, kind, prose=bool(text[body:].strip()))
    metadata = gathered.metadata(extra)
    return replace(metadata, extra=MappingProxyType({**metadata.extra, **amended(metadata.form)}))


def amended(form: str | None) -> dict[str, str]:
    """Return what ``extra`` holds of a form that amends another: that other, under ``AMENDED``."""
    return {AMENDED: form[:-2]} if form and _AMENDED.search(form) else {}


def _from_text(reading: Reading, regions: Sequence[Region]) -> tuple[dict[str, Found], list[Found], bool]:
    text, body = reading.text, reading.front_matter_end
    if not text[body:].strip():
        return {}, [], False
    if (cover := find_cover(text)) is not None:
        return filings.read(text, cover), [], False
    if calls.is_call(text, body):
        return calls.read(text, body), [], False
    if releases.is_release(text, body):
        return releases.read(text, body), [], False
    if reports.is_report(text, body):
        return reports.read(text, body), [], False
    hidden = [r for r in (*regions, *reading.navigation) if r.tag in ("navigation", "cookie")]
    return articles.read(
        _masked(text, hidden),
        body,
        title_hint=reading.embedded.get("title"),
        heading=_own_heading(reading),
        web=reading.media_type in ("text/html", "application/xhtml+xml"),
    )


def _own_heading(reading: Reading) -> int | None:
    """Return where the one outermost heading stands that opens a Markdown or Word document, else None."""
    if reading.media_type not in ("text/markdown", _DOCX):
        return None
    outer = [s.start for s in reading.sections if s.level == 1]
    opens = len(outer) == 1 and not reading.text[reading.front_matter_end : outer[0]].strip()
    return outer[0] if opens else None


def _masked(text: str, regions: Sequence[Region]) -> str:
    """Return ``text`` with ``regions`` blank, at the same offsets."""
    parts: list[str] = []
    at = 0
    for region in sorted(regions, key=lambda r: r.start):
        start, end = max(region.start, at), min(region.end, len(text))
        if start < end:
            parts += (text[at:start], "".join("\n" if c == "\n" else " " for c in text[start:end]))
            at = end
    return "".join((*parts, text[at:]))


def _front_matter(reading: Reading, gathered: _Gathered) -> dict[str, str]:
    extra: dict[str, str] = {}
    for key, value in _named(reading.front_matter).items():
        at = reading.text.find(value, 0, reading.front_matter_end)
        span = (at, at + len(value)) if at >= 0 else (None, None)
        parsed = _parsed(key, value)
        if key not in _TEXTS and key != "authors":
            extra[key] = value
        elif parsed is None:
            # A value that cannot be what its key says is kept where nobody takes it for a date or a kind.
            extra[key] = value
        else:
            gathered.give(key, parsed, "front_matter", *span)
    return extra


def _named(mapping: Mapping[str, str]) -> dict[str, str]:
    named: dict[str, str] = {}
    for key, value in mapping.items():
        if value.strip():
            named.setdefault(field_of(key), value.strip())
    return named


def field_of(key: str) -> str:
    """Return the field of Metadata that a key stands for ("Date": published); another key as it is kept in ``extra``."""
    plain = key.strip().lower().replace("-", "_").replace(" ", "_")
    return _ALIASES.get(plain, plain)


def _authors(value: str) -> tuple[str, ...]:
    parts = re.split(r"[;,]|\s+(?:and|&)\s+", value.strip("[] "))
    return tuple(part.strip(" '\"") for part in parts if part.strip(" '\""))


def _parsed(key: str, value: str) -> Any:
    """Return ``value`` as its field holds it, or None if it cannot be."""
    if key in _DATES:
        return parse_date(value)
    if key == "kind":
        return value.lower() if value.lower() in KINDS else None
    if key == "authors":
        return _authors(value) or None
    return value


def _embedded(embedded: Mapping[str, str], gathered: _Gathered, kind: str, media_type: str) -> None:
    """Take what the file format states where it can be trusted.

    A PDF's own dates are those of the printing, and a filing's title and author those of the filing agent.
    """
    give = gathered.give
    give("url", embedded.get("url"), "embedded")
    for key in ("company", "ticker", "form"):
        give(key, embedded.get(key), "embedded")
    title = embedded.get("title", "").strip()
    if title and not _JUNK_TITLE.match(title):
        give("title", title, "embedded")
    if kind == "filing":
        if re.match(r"(?:10-|20-F|40-F)", gathered.values.get("form", "")):
            _inline_facts(embedded, gathered)
        return
    give("publisher", embedded.get("site_name") or embedded.get("publisher"), "embedded")
    if media_type != "application/pdf":
        give("published", parse_date(embedded.get("published", "")), "embedded")
    author = embedded.get("author", "").strip()
    personal = re.search(r"\s", author) and "@" not in author and author != gathered.values.get("publisher")
    if personal and kind not in ("transcript", "release"):
        give("authors", _authors(author), "embedded")


def _inline_facts(embedded: Mapping[str, str], gathered: _Gathered) -> None:
    """Take the period from the facts that Inline XBRL hides in a cover, where its words gave none."""
    gathered.give("period_end", parse_date(embedded.get("period_end", "")), "embedded")
    year, focus = embedded.get("fiscal_year", ""), embedded.get("fiscal_period_focus", "").upper()
    if re.fullmatch(r"(?:19|20)\d\d", year) and focus in ("FY", "Q1", "Q2", "Q3"):
        gathered.give("fiscal_period", f"FY{year}" if focus == "FY" else f"{focus} {year}", "embedded")


def _file_name(name: str, gathered: _Gathered, kind: str, *, prose: bool) -> None:
    stem = PurePath(name).stem
    words = re.sub(r"[_\-.+]+", " ", _COMPACT_DATE.sub(" ", stem)).split()
    telling = [w for w in words if re.fullmatch(r"[^\W\d]{2,}", w) and not re.fullmatch(r"[0-9a-fA-F]{6,}", w)]
    if prose and len(telling) >= 2:
        gathered.give("title", " ".join(words), "file_name")
    if kind not in ("filing", "transcript", "release") and (match := _COMPACT_DATE.search(stem)):
        iso = "-".join(match.groups())
        if find_dates(iso):
            gathered.give("published", iso, "file_name")


def override(metadata: Metadata, user: Mapping[str, str]) -> Metadata:
    """Return ``metadata`` with the user's values, which win over all others, under origin "user".

    Keys are the fields of Metadata or their aliases (author, date, type, period); any other goes to ``extra``.
    Authors are split at ";" and ",". An empty value is ignored. Raises SettingsError for a date that is
    none or a kind that is unknown.
    """
    values: dict[str, Any] = {}
    extra = dict(metadata.extra)
    for key, value in _named(user).items():
        if key in ("extra", "origins"):
            raise SettingsError(f"{key!r} is not a key of metadata.", "Give each value under a key of its own.")
        if key not in _TEXTS and key != "authors":
            extra[key] = value
            continue
        parsed = _parsed(key, value)
        if parsed is None:
            wanted = (
                f"one of {', '.join(KINDS)}"
                if key == "kind"
                else "a name"
                if key == "authors"
                else "a date, YYYY-MM-DD"
            )
            raise SettingsError(f"{key} = {value!r} is not {wanted}.", f"Give {key} as {wanted}.")
        values[key] = cast(Kind, parsed) if key == "kind" else parsed
    origins = tuple(o for o in metadata.origins if o.field not in values) + tuple(Origin(k, "user") for k in values)
    known = {f.name for f in fields(Metadata)}
    assert set(values) <= known
    return replace(metadata, **values, extra=MappingProxyType(extra), origins=origins)
