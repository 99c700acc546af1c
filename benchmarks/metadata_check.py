"""Print what the metadata extraction finds in every document of THESIS_CORPUS, for a person to judge.

    python benchmarks/metadata_check.py [FOLDER] [--random-names] [--strip-headers] [--truth FILE.json] [--regions]

``--random-names`` reads each file under a random name; ``--strip-headers`` takes the header lines off transcripts, so
that only the speech is left; ``--truth`` compares with {file name: {field: value}} and exits 1 on a difference;
``--regions`` lists the tagged furniture instead.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import time
import uuid
from pathlib import Path

from ingest.cleaning import tag
from ingest.metadata import extract
from ingest.readers import Source, read

FIELDS = (
    "kind", "title", "publisher", "authors", "published", "company", "ticker", "form", "fiscal_period", "period_end", "report_date", "url",
)  # fmt: skip
SUFFIXES = {".txt", ".md", ".html", ".htm", ".pdf", ".docx"}


def strip_header(data: bytes) -> bytes:
    """Return a transcript without the lines in front of its first speaker."""
    text = data.decode("utf-8", "replace")
    spoken = re.search(r"^Speaker \d+:", text, re.MULTILINE)
    return text[spoken.start() :].encode() if spoken else data


def main() -> int:
    """Print one block a document; return 1 if a truth was given and missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", default=os.environ.get("THESIS_CORPUS", "knowledge"))
    parser.add_argument("--random-names", action="store_true")
    parser.add_argument("--strip-headers", action="store_true")
    parser.add_argument("--regions", action="store_true")
    parser.add_argument("--truth", type=Path)
    options = parser.parse_args()
    truth = json.loads(options.truth.read_text(encoding="utf-8")) if options.truth else {}
    missed: list[str] = []
    right = checked = 0
    for path in sorted(
        p for p in Path(options.folder).rglob("*") if p.suffix.lower() in SUFFIXES and p.name != "README.md"
    ):
        data = path.read_bytes()
        if options.strip_headers and path.parent.name == "calls":
            data = strip_header(data)
        name = f"{uuid.uuid4().hex}{path.suffix}" if options.random_names else path.name
        reading = read(Source(path=name, data=data, name=name))
        began = time.perf_counter()
        regions = tag(reading)
        tagged = time.perf_counter()
        metadata = extract(reading, regions, name=name)
        done = time.perf_counter()
        print(
            f"\n{path.parent.name}/{path.name}  {len(reading.text):,} characters, tag {tagged - began:.2f} s, extract {done - tagged:.2f} s"
        )
        if options.regions:
            for region in regions:
                excerpt = " ".join(reading.text[region.start : region.end].split())
                shown = excerpt if len(excerpt) < 150 else f"{excerpt[:90]} … {excerpt[-50:]}"
                print(f"  {region.tag:12} {region.start:>8} {region.end - region.start:>6}  {shown}")
            continue
        for field in FIELDS:
            value = getattr(metadata, field)
            if value:
                origin = metadata.origin(field)
                assert origin is not None
                where = "" if origin.start is None else repr(reading.text[origin.start : origin.end][:60])
                print(f"  {field:14} {value!s:60} {origin.source:10} {where}")
        for field, wanted in truth.get(path.name, {}).items():
            value = getattr(metadata, field)
            value = list(value) if isinstance(value, tuple) else value
            options_wanted = wanted["any"] if isinstance(wanted, dict) else [wanted]
            checked += 1
            if value in options_wanted:
                right += 1
            else:
                missed.append(f"{path.name}: {field} is {value!r}, not {wanted!r}")
    if truth:
        print(f"\n{right} of {checked} right", *missed, sep="\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
