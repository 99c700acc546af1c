"""EDGAR's envelopes: <DOCUMENT> blocks, and the header of a full submission."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from ingest.readers._model import Reading
from vectorstore.records import Region, Section

_DOCUMENT = re.compile(r"<DOCUMENT>\s*\n(?P<head>.{0,4000}?)<TEXT>(?P<body>.*?)(?:</TEXT>|</DOCUMENT>|\Z)", re.DOTALL)
_FIELD = re.compile(r"<(TYPE|SEQUENCE|FILENAME|DESCRIPTION)>([^\n<]*)")
_NOT_TEXT = re.compile(r"GRAPHIC|ZIP|EXCEL|XML|JSON|PDF|EX-101|XBRL|COVER", re.IGNORECASE)
_HEADER = {
    "form": re.compile(r"CONFORMED SUBMISSION TYPE:\s*(\S+)"),
    "company": re.compile(r"COMPANY CONFORMED NAME:\s*([^\n]+)"),
    "published": re.compile(r"FILED AS OF DATE:\s*(\d{8})"),
    "period_of_report": re.compile(r"CONFORMED PERIOD OF REPORT:\s*(\d{8})"),
    "accession": re.compile(r"ACCESSION NUMBER:\s*(\S+)"),
    "cik": re.compile(r"CENTRAL INDEX KEY:\s*(\d+)"),
}


@dataclass(frozen=True, slots=True)
class Submission:
    """The text documents of an envelope and what its header says."""

    bodies: tuple[str, ...]
    fields: tuple[tuple[str, str], ...]


def unwrap(text: str) -> Submission | None:
    """Return the parts of an EDGAR envelope, None for any other text."""
    start = text.lstrip()[:200].upper()
    if not start.startswith(("<DOCUMENT>", "<SEC-DOCUMENT>", "-----BEGIN PRIVACY")):
        return None
    found: dict[str, str] = {}
    first = text.find("<DOCUMENT>")
    for key, pattern in _HEADER.items():
        match = pattern.search(text, 0, max(first, 0))
        if match:
            value = match[1].strip()
            found[key] = (
                f"{value[:4]}-{value[4:6]}-{value[6:]}" if re.fullmatch(r"\d{8}", value) and key != "cik" else value
            )
    bodies: list[str] = []
    for match in _DOCUMENT.finditer(text):
        fields = {k.lower(): v.strip() for k, v in _FIELD.findall(match["head"])}
        if _NOT_TEXT.match(fields.get("type", "")) or match["body"].lstrip().startswith(("<XBRL>\n<?xml", "begin 644")):
            continue
        bodies.append(re.sub(r"^\s*<(?:XBRL|PDF)>\s*", "", match["body"]))
        if not found.get("document_type"):
            found["document_type"] = fields.get("type", "")
            found["filename"] = fields.get("filename", "")
            found["description"] = fields.get("description", "")
    if not bodies:
        return None
    found.setdefault("form", found.get("document_type", ""))
    return Submission(tuple(bodies), tuple((k, v) for k, v in found.items() if v))


def join(submission: Submission, readings: Sequence[Reading]) -> Reading:
    """Return one reading of all parts; the envelope's fields win over what a page says of itself."""
    parts: list[str] = []
    sections: list[Section] = []
    regions: list[Region] = []
    warnings: list[str] = []
    at = 0
    for reading in readings:
        if not reading.text:
            continue
        if parts:
            parts.append("\n\n")
            at += 2
        sections += [replace(s, start=s.start + at, end=s.end + at) for s in reading.sections]
        regions += [replace(r, start=r.start + at, end=r.end + at) for r in reading.navigation]
        warnings += reading.warnings
        parts.append(reading.text)
        at += len(reading.text)
    embedded = dict(readings[0].embedded) | dict(submission.fields) if readings else dict(submission.fields)
    return Reading(
        "".join(parts),
        "text/html",
        sections=tuple(sections),
        embedded=MappingProxyType(embedded),
        navigation=tuple(regions),
        warnings=tuple(dict.fromkeys(warnings)),
    )
